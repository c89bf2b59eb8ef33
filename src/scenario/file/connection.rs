//! `connections`: what happens to connections before anything is known of their requests.
//!
//! Source: `scenarios.md` 6 and 11.8.

use std::time::Duration;

use serde_json::{Value as Schema, json};

use super::action::Hold;
use super::fire::Count;
use crate::scenario::json::{Node, OneOrMany, Problems, Read, at_most_one, constrained, members, names};
use crate::scenario::rule::{Delay, Fire, MustFire, Per};
use crate::scenario::value::{Pattern, Size};

/// A rule for connections.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionRule {
    /// Its name, unique in the file.
    pub id: String,
    /// Which connections.
    pub when: ConnectionWhen,
    /// Which of them.
    pub fire: Fire,
    /// What happens.
    pub actions: Vec<ConnectionAction>,
    /// How often it has to fire for the scenario to have happened.
    pub must_fire: MustFire,
}

members! {
    /// Which connections.
    pub struct ConnectionWhen {
        /// The address of the client, without its port.
        optional peer: Pattern,
        /// Whether it is one of TLS, which its first byte tells.
        optional tls: bool,
        /// The name that the client asks for in its TLS hello.
        optional sni: Pattern,
    }
}

/// What happens to a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectionAction {
    /// It is accepted, and an RST follows at once.
    Refuse,
    /// No byte is read for that long; `None` is for ever.
    Stall(Option<Duration>),
    /// Waits before the first byte is read.
    Delay(Delay),
    /// It ends when it was idle for so long.
    IdleClose {
        /// How long.
        after: Duration,
        /// In which way.
        how: IdleEnd,
    },
    /// It ends behind the answer to its n-th request.
    MaxRequests {
        /// Which request.
        count: u32,
        /// Whether that answer says so.
        announce: bool,
    },
    /// Its TLS is not what it should be. Such a rule is for connections of TLS alone.
    Tls {
        /// What is wrong.
        fault: TlsFault,
        /// Behind how many bytes of answers, heads included, a bad record comes.
        after: u64,
    },
}

/// What is wrong with TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    /// The certificate expired yesterday.
    Expired,
    /// The certificate will be valid tomorrow.
    NotYetValid,
    /// The certificate is for another host.
    WrongHost,
    /// The certificate is signed by itself, not by the CA.
    SelfSigned,
    /// The server speaks SSL 3.0 and nothing else.
    OldVersion,
    /// A FIN answers the hello of the client.
    CloseInHandshake,
    /// An RST answers the hello of the client.
    ResetInHandshake,
    /// Nothing ever answers the hello of the client.
    StallInHandshake,
    /// A record comes that cannot be decrypted.
    BadRecord,
    /// The connection ends with a FIN alone, without the alert that says that nothing was cut.
    NoCloseNotify,
}

impl ConnectionRule {
    /// Whether it is known only behind the first byte of the client if this rule is about a connection.
    pub fn needs_first_byte(&self) -> bool {
        self.when.tls.is_some() || self.when.sni.is_some() || self.is_for_tls()
    }

    /// Whether something that it does is done to TLS.
    pub fn is_for_tls(&self) -> bool {
        self.actions.iter().any(|action| matches!(action, ConnectionAction::Tls { .. }))
    }
}

/// How an idle connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdleEnd {
    /// FIN.
    Close,
    /// RST.
    Reset,
}

names! { IdleEnd as "way to end" {
    Close = "close",
    Reset = "reset",
} }

impl ConnectionAction {
    /// The name in files.
    pub fn name(&self) -> &'static str {
        match self {
            ConnectionAction::Refuse => "refuse",
            ConnectionAction::Stall(_) => "stall",
            ConnectionAction::Delay(_) => "delay",
            ConnectionAction::IdleClose { .. } => "idle_close",
            ConnectionAction::MaxRequests { .. } => "max_requests",
            ConnectionAction::Tls { .. } => "tls",
        }
    }
}

members! {
    struct ConnectionText {
        /// The name of the rule, unique in the file.
        required id: String,
        /// Which connections. Without it, all.
        default when: ConnectionWhen = ConnectionWhen { peer: None, tls: None, sni: None },
        /// How often. Without it, on every connection.
        default fire: ConnectionFire = ConnectionFire(Fire::always()),
        /// What happens: one action, or an array.
        required actions as "do": OneOrMany<ConnectionAction>,
        /// How often the rule has to fire for the scenario to have happened.
        default must_fire: MustFire = MustFire::ONCE,
    }
}

impl Read for ConnectionRule {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let ConnectionText { id, when, fire, actions, must_fire } = ConnectionText::read(node, problems)?;
        Some(ConnectionRule { id, when, fire: fire.0, actions: actions.0, must_fire })
    }

    fn schema() -> Schema {
        ConnectionText::schema()
    }
}

/// How often; connections have one counter for the scenario.
#[derive(Debug, Clone, PartialEq)]
struct ConnectionFire(Fire);

impl Read for ConnectionFire {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let fire = Fire::read(node, problems)?;
        if fire.per == Per::Scenario {
            return Some(ConnectionFire(fire));
        }
        let message = "connections are counted per scenario only";
        problems.add(node.members()?.get("per")?.problem("E204", message))
    }

    fn schema() -> Schema {
        let mut schema = Fire::schema();
        schema["properties"]["per"]["enum"] = json!(["scenario"]);
        schema
    }
}

members! {
    struct Nothing {}
}

members! {
    struct StallText {
        /// How long, or "forever".
        default hold as "for": Hold = Hold(None),
    }
}

members! {
    struct IdleCloseText {
        /// How long the connection was idle.
        required after: Duration,
        /// In which way it ends.
        default how: IdleEnd = IdleEnd::Close,
    }
}

members! {
    struct MaxRequestsText {
        /// The last request that is answered.
        required count: Count,
        /// Whether its answer says that the connection ends.
        default announce: bool = true,
    }
}

members! {
    struct ActionText {
        /// It is accepted, and an RST follows at once.
        optional refuse: Nothing,
        /// No byte is read for a time, or for ever.
        optional stall: StallText,
        /// Waits before the first byte is read.
        optional delay: Delay,
        /// It ends when it was idle for so long.
        optional idle_close: IdleCloseText,
        /// It ends behind the answer to its n-th request.
        optional max_requests: MaxRequestsText,
        /// Its TLS is not what it should be.
        optional tls: BrokenTls,
    }
}

const ACTIONS: &[&str] = &["refuse", "stall", "delay", "idle_close", "max_requests", "tls"];

names! { TlsFault as "fault of TLS" {
    Expired = "expired",
    NotYetValid = "not-yet-valid",
    WrongHost = "wrong-host",
    SelfSigned = "self-signed",
    OldVersion = "old-version",
    CloseInHandshake = "close-in-handshake",
    ResetInHandshake = "reset-in-handshake",
    StallInHandshake = "stall-in-handshake",
    BadRecord = "bad-record",
    NoCloseNotify = "no-close-notify",
} }

members! {
    struct TlsText {
        /// What is wrong.
        required fault: TlsFault,
        /// With bad-record: behind how many bytes of answers, heads included; 0 by itself.
        optional after: Size,
    }
}

/// A fault of TLS, and where it comes.
#[derive(Debug, Clone, PartialEq)]
struct BrokenTls(TlsFault, u64);

impl Read for BrokenTls {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let TlsText { fault, after } = TlsText::read(node, problems)?;
        if after.is_some() && fault != TlsFault::BadRecord {
            let message = format!("\"after\" does not go with \"fault\": \"{}\"", fault.name());
            problems.0.push(node.members()?.problem_at_key("after", "E204", message));
        }
        Some(BrokenTls(fault, after.map_or(0, |after| after.0)))
    }

    fn schema() -> Schema {
        constrained(
            TlsText::schema(),
            json!({
                "if": { "required": ["after"] },
                "then": { "properties": { "fault": { "const": "bad-record" } } },
            }),
        )
    }
}

impl Read for ConnectionAction {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = ActionText::read(node, problems)?;
        let members = node.members()?;
        let names: Vec<&str> = members.names().filter(|name| ACTIONS.contains(name)).collect();
        if let Some(second) = names.get(1) {
            let message =
                format!("an action has exactly one name, and this one has \"{}\" and \"{second}\"", names[0]);
            return problems.add(members.problem_at_key(second, "E205", message));
        }
        match text {
            ActionText { refuse: Some(Nothing {}), .. } => Some(ConnectionAction::Refuse),
            ActionText { stall: Some(stall), .. } => Some(ConnectionAction::Stall(stall.hold.0)),
            ActionText { delay: Some(delay), .. } => Some(ConnectionAction::Delay(delay)),
            ActionText { idle_close: Some(IdleCloseText { after, how }), .. } => {
                Some(ConnectionAction::IdleClose { after, how })
            }
            ActionText { max_requests: Some(MaxRequestsText { count, announce }), .. } => {
                Some(ConnectionAction::MaxRequests { count: count.0, announce })
            }
            ActionText { tls: Some(BrokenTls(fault, after)), .. } => {
                Some(ConnectionAction::Tls { fault, after })
            }
            // A name that is not known has been reported by itself.
            _ if members.names().any(|name| name != "note") => None,
            _ => problems.add(members.problem_at_brace("E205", "the action has no name")),
        }
    }

    fn schema() -> Schema {
        let one = ACTIONS.iter().map(|name| json!({ "required": [name] }));
        let schema = at_most_one(ActionText::schema(), ACTIONS);
        constrained(schema, json!({ "anyOf": one.collect::<Vec<_>>() }))
    }
}
