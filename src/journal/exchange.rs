//! An exchange as it is told: to those who ask the control API, to the judge, to tests.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

/// One exchange: a request and what became of it.
#[derive(Debug, Clone, Serialize, Default)]
pub struct Exchange {
    /// The number of the entry, from 1.
    pub n: u64,
    /// The id of the world.
    pub world: String,
    /// The number of the connection, from 1.
    pub connection: u64,
    /// The number of the request on its connection, from 1.
    pub request: u64,
    /// When the head was complete, by the clock of the world.
    pub at: String,
    /// How long it took from then on, in milliseconds, as far as is known yet.
    pub took_ms: u64,
    /// When the head was complete, and when the exchange was over, since the server started.
    #[serde(skip)]
    pub span: (Duration, Duration),
    /// The logical request: the same for all its attempts.
    #[serde(skip)]
    pub logical: u128,
    /// The service, `cos` or `cas`.
    pub service: &'static str,
    /// The operation; absent when the request is none.
    pub op: Option<&'static str>,
    /// COS: the bucket.
    pub bucket: Option<String>,
    /// COS: the key.
    pub key: Option<String>,
    /// CAS: the vault.
    pub vault: Option<String>,
    /// CAS: the archive id.
    pub archive: Option<String>,
    /// CAS: the job id.
    pub job: Option<String>,
    /// The upload id.
    pub upload: Option<String>,
    /// The part number.
    pub part: Option<u64>,
    /// `Range` or `Content-Range` as sent.
    pub range: Option<String>,
    /// The access key id.
    pub client: Option<String>,
    /// `valid`, `unknown-key`, `none`, `not-checked`, or the code of the refusal.
    pub signature: Option<String>,
    /// The how-manieth attempt of the logical request.
    pub attempt: u32,
    /// The method.
    pub method: String,
    /// The host that the request names.
    pub host: String,
    /// The path as sent.
    pub path: String,
    /// The query as sent.
    pub query: String,
    /// The header fields as sent.
    pub headers: Vec<(String, String)>,
    /// What arrived of the body.
    pub received: ReceivedBody,
    /// The rules that matched.
    pub rules: Vec<RuleRecord>,
    /// The actions that took effect, in order.
    pub actions: Vec<ActionRecord>,
    /// Whether the store was changed as the request asked.
    pub applied: bool,
    /// The bytes of the object that a read asked for and that there are.
    #[serde(skip)]
    pub download: Option<Download>,
    /// A header of the request that does not fit its body.
    #[serde(skip)]
    pub misfit: Option<&'static str>,
    /// How many stored parts a completion left out.
    #[serde(skip)]
    pub parts_left_out: usize,
    /// What was answered; absent when nothing was.
    pub answer: Option<Answer>,
    /// How it ended; absent while it goes on.
    pub ended: Option<Ended>,
    /// Remarks: what was left out, what was let pass.
    pub notes: Vec<String>,
    /// CAS: attempts to tell somebody of the job that the request started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub callbacks: Vec<CallbackRecord>,
}

/// An attempt to tell somebody that a job is complete.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct CallbackRecord {
    /// Whom.
    pub url: String,
    /// The how-manieth attempt, from 1; 0 when none was made.
    pub attempt: u32,
    /// When it was over, by the clock of the world.
    pub at: String,
    /// The status of the answer, or why there was none.
    pub outcome: String,
}

/// What arrived of a request's body.
#[derive(Debug, Clone, Serialize, Default, PartialEq, Eq)]
pub struct ReceivedBody {
    /// The declared length.
    pub declared: Option<u64>,
    /// The bytes that were read.
    pub bytes: u64,
    /// Their SHA-256, if there are any.
    pub sha256: Option<String>,
    /// The SHA-256 of as many bytes as the attempt before had sent, if so many came.
    #[serde(skip)]
    pub prefix: Option<String>,
}

/// The bytes of a read that were to be sent, and what was sent wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Download {
    /// The first byte of the object.
    pub from: u64,
    /// The byte behind the last.
    pub to: u64,
}

/// What became of a rule.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct RuleRecord {
    /// The id of the rule.
    pub id: Arc<str>,
    /// `fired`, `not-due`, `shadowed`, `not-reached`, `refused`, or `no-match` for the nearest that did not match.
    pub outcome: &'static str,
    /// The key of the counters, in words.
    pub scope: String,
    /// The number of the match in its scope.
    #[serde(rename = "match", skip_serializing_if = "is_zero")]
    pub match_number: u32,
    /// The number of the firing in its scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firing: Option<u32>,
    /// The rule that acted instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Arc<str>>,
    /// For a rule that is not due: the match that will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
    /// For the nearest rule that did not match: the first condition that did not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differs: Option<&'static str>,
}

/// An action that took effect.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct ActionRecord {
    /// Its name.
    pub action: &'static str,
    /// When, for actions that happen at a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<&'static str>,
    /// At which byte of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// What it did, in the words of `cos-emu explain`.
    pub effect: String,
}

/// What was answered.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The error code, when it is an error.
    pub code: Option<Cow<'static, str>>,
    /// The bytes of the body that were sent.
    pub bytes: u64,
    /// The seconds of `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u64>,
    /// Whether it announced the end of the connection.
    #[serde(skip)]
    pub announces_close: bool,
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The connection stayed open.
    KeepAlive,
    /// FIN by the server.
    Close,
    /// FIN in the server's direction only.
    HalfClose,
    /// RST by the server.
    Reset,
    /// FIN by the client before the answer was complete.
    ClientClose,
    /// RST by the client.
    ClientReset,
}

impl RuleRecord {
    /// The record of the nearest rule that did not match.
    pub(super) fn not_matched(id: Arc<str>, differs: &'static str) -> Self {
        RuleRecord {
            id,
            outcome: "no-match",
            scope: String::new(),
            match_number: 0,
            firing: None,
            by: None,
            next: None,
            differs: Some(differs),
        }
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A line of JSON for each exchange.
pub fn lines(exchanges: &[Exchange]) -> String {
    let line = |exchange| serde_json::to_string(exchange).expect("a JSON value can be written") + "\n";
    exchanges.iter().map(line).collect()
}

/// Why each rule did or did not act on an exchange, what was done to it and how it ended, in plain words; a line each.
/// The entry is one of the journal as JSON.
pub fn explained(entry: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |name: &str| entry[name].as_array().cloned().unwrap_or_default();
    let what = entry["op"].as_str().unwrap_or("a request that is no operation");
    let (method, path) = (text(&entry["method"]), text(&entry["path"]));
    let mut lines = vec![format!("#{} {what}: {method} {path}, attempt {}", entry["n"], entry["attempt"])];
    let rules = list("rules");
    for rule in &rules {
        let matched = match rule["scope"].as_str().unwrap_or_default() {
            "" => format!("its match {}", rule["match"]),
            scope => format!("its match {} of {scope}", rule["match"]),
        };
        let words = match rule["outcome"].as_str().unwrap_or_default() {
            "fired" => format!("fired, on {matched}"),
            "not-due" => match rule["next"].as_u64() {
                Some(next) => format!("matched, but is not due on {matched}; it will be on match {next}"),
                None => format!("matched, but is not due on {matched}, nor on a later one that is known"),
            },
            "no-match" => {
                format!("is the nearest that did not match: its \"{}\" differs", text(&rule["differs"]))
            }
            "shadowed" => format!("matched ({matched}), but \"{}\" acted instead", text(&rule["by"])),
            "refused" => format!("matched ({matched}), but the service had refused the request already"),
            _ => format!("matched ({matched}), but what it does was not reached"),
        };
        lines.push(format!("rule \"{}\" {words}", text(&rule["id"])));
    }
    if rules.iter().all(|rule| rule["outcome"] == "no-match") {
        lines.push("no rule matched".to_owned());
    }
    lines.extend(
        list("actions").iter().map(|done| format!("{}: {}", text(&done["action"]), text(&done["effect"]))),
    );
    let answer = &entry["answer"];
    lines.push(match (answer["status"].as_u64(), answer["code"].as_str()) {
        (None, _) => "there was no answer".to_owned(),
        (Some(status), None) => format!("the answer was {status}"),
        (Some(status), Some(code)) => format!("the answer was {status} {code}"),
    });
    let took_place = if entry["applied"] == true { "it took place" } else { "nothing was changed" };
    let ended = entry["ended"].as_str().unwrap_or("still open");
    lines.push(format!("{took_place}; the exchange ended with {ended} after {} ms", entry["took_ms"]));
    lines.extend(list("notes").iter().map(|note| format!("note: {}", text(note))));
    lines.join("\n") + "\n"
}
