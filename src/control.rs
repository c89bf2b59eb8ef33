//! The control API: liveness, the counters of the scenario, the journal, reset.
//!
//! It lives under `/_cos-emu/` wherever the host names no bucket, so that no key can collide with it. No rule touches it
//! and the journal does not list it. Errors are `application/problem+json`.
//!
//! Source: `scenarios.md` 16.

use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use crate::journal::Exchange;
use crate::message::{Head, Reply, reason};
use crate::scenario::{Count, MustFire};
use crate::world::{DEFAULT, World};

/// The prefix of every path of the control API.
pub const PREFIX: &str = "/_cos-emu/";
/// The largest page of the journal, and its default.
const MAX_LISTED: u64 = 10_000;

/// The answer of the control API, and what has to be done for it to be true.
#[derive(Debug)]
pub struct Controlled {
    /// The answer.
    pub reply: Reply,
    /// Whether the world starts again.
    pub reset: bool,
}

/// Answers a request of the control API.
pub fn handle(head: &Head, world: &World) -> Controlled {
    let segments: Vec<&str> = head.path.strip_prefix(PREFIX).unwrap_or("").split('/').collect();
    let is_get = matches!(head.method, Method::GET | Method::HEAD);
    let reply = match segments.as_slice() {
        ["livez" | "readyz"] if is_get => text("ok\n"),
        ["v1", "scenarios", id, ..] if *id != DEFAULT => problem(
            404,
            &format!("there is no scenario \"{id}\"; the one of the command line is \"{DEFAULT}\""),
        ),
        ["v1", "scenarios", _] if is_get => document(&counters(world)),
        ["v1", "scenarios", _, "journal"] if is_get => {
            journal(head, world).unwrap_or_else(|detail| problem(400, &detail))
        }
        ["v1", "scenarios", _, "reset"] if head.method == Method::POST => {
            return Controlled { reply: Reply::new(204), reset: true };
        }
        ["livez" | "readyz"] | ["v1", "scenarios", _] | ["v1", "scenarios", _, "journal"] => {
            problem(405, "this path takes GET").with("Allow", "GET, HEAD")
        }
        ["v1", "scenarios", _, "reset"] => problem(405, "this path takes POST").with("Allow", "POST"),
        _ => problem(404, &format!("there is nothing at {}", head.path)),
    };
    Controlled { reply, reset: false }
}

/// The scenario with the counters of each rule.
fn counters(world: &World) -> Value {
    let counted = |id: &str, must_fire: MustFire, count: Count| {
        json!({
            "id": id,
            "matches": count.matches,
            "firings": count.firings,
            "must_fire": { "min": must_fire.min, "max": must_fire.max },
            "fulfilled": must_fire.holds(count.firings),
        })
    };
    let state = world.state();
    let rules = world.scenario.rules.iter().zip(state.counters.totals());
    let rules: Vec<_> = rules.map(|(rule, count)| counted(&rule.id, rule.must_fire, *count)).collect();
    let connections = world.scenario.connections.iter().zip(state.counters.connections());
    let connections: Vec<_> =
        connections.map(|(rule, count)| counted(&rule.id, rule.must_fire, *count)).collect();
    let mut counters = json!({
        "id": DEFAULT,
        "name": world.scenario.name,
        "seed": world.seed.to_string(),
        "rules": rules,
        "connections": connections,
    });
    if world.scenario.states.is_some() {
        counters["state"] = state.phases.current().into();
    }
    counters
}

/// A page of the journal.
#[derive(Serialize)]
struct JournalPage<'a> {
    exchanges: Vec<&'a Exchange>,
    dropped: u64,
    next: u64,
}

/// The entries of the journal: `from` a number on, at most `limit`.
///
/// # Errors
/// Says which parameter is unknown or does not parse.
fn journal(head: &Head, world: &World) -> Result<Reply, String> {
    let (mut from, mut limit) = (0, MAX_LISTED);
    for (name, value) in head.query.pairs() {
        let number =
            || value.parse::<u64>().map_err(|_| format!("{name} is \"{value}\", but must be a number"));
        match name.as_str() {
            "from" => from = number()?,
            "limit" => limit = number()?.min(MAX_LISTED),
            _ => return Err(format!("the parameter {name} is not known; there are from and limit")),
        }
    }
    let journal = world.journal();
    let exchanges: Vec<_> = journal.entries(from, limit as usize).collect();
    let next = exchanges.last().map_or(journal.next(), |last| last.n + 1);
    Ok(document(&JournalPage { exchanges, dropped: journal.dropped(), next }))
}

fn document(value: &impl Serialize) -> Reply {
    let body = serde_json::to_vec_pretty(value).expect("a JSON value can be written");
    Reply::new(200).with("Content-Type", "application/json").with_body(body)
}

fn text(text: &str) -> Reply {
    Reply::new(200).with("Content-Type", "text/plain; charset=utf-8").with_body(text.as_bytes().to_vec())
}

/// An error of the control API.
pub fn problem(status: u16, detail: &str) -> Reply {
    let body = json!({ "type": "about:blank", "title": reason(status), "status": status, "detail": detail });
    let body = serde_json::to_vec_pretty(&body).expect("a JSON value can be written");
    Reply::new(status).with("Content-Type", "application/problem+json").with_body(body)
}
