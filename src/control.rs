//! The control API: liveness, worlds, their counters, clocks and journals, verdicts.
//!
//! It lives under `/_cos-emu/` wherever the host names no bucket, so that no key can collide with it. No rule touches it
//! and the journal does not list it. Errors are `application/problem+json`.
//!
//! Source: `scenarios.md` 16.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use crate::clock::{Clock, Timestamp};
use crate::har::har;
use crate::journal::{Entry, Exchange, Text, explained, lines};
use crate::message::{Head, Reply, reason};
use crate::scenario::{Count, Diagnosis, MustFire, Scenario, parse_duration, parse_skew};
use crate::tally::{Present, open_metrics};
use crate::world::{DEFAULT, World};

/// The prefix of every path of the control API.
pub const PREFIX: &str = "/_cos-emu/";
/// The largest page of the journal, and its default.
const MAX_LISTED: u64 = 10_000;
/// How long a request may wait for entries, when it does not say.
const WAIT: Duration = Duration::from_secs(10);
/// The longest that it may wait.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// The description of this API.
const OPENAPI: &str = include_str!("../docs/openapi.json");

/// What the control API is asked to do.
#[derive(Debug)]
pub enum Asked {
    /// It is done: this is the answer.
    Reply(Reply),
    /// A world is to be made.
    Create(Box<Scenario>),
    /// A world goes back to its start.
    Reset(Arc<World>),
    /// The clock of a world was set, and is the answer once what follows from that has happened.
    Clock(Arc<World>),
    /// The answer is the verdict on a world.
    Judge(Arc<World>),
    /// A world ends, and the answer is the verdict on it.
    Delete(Arc<World>),
    /// The answer is a page of the journal, once it has so many entries or so much time has passed.
    Wait {
        /// Whose journal.
        world: Arc<World>,
        /// Which entries.
        filter: Filter,
        /// How many have to match.
        count: usize,
        /// How long it is waited.
        timeout: Duration,
    },
    /// The answer is a stream of the entries of the journal as they come.
    Follow {
        /// Whose journal.
        world: Arc<World>,
        /// Which entries.
        filter: Filter,
    },
}

/// Answers a request of the control API, as far as that changes no world but its clock.
pub fn handle(head: &Head, body: &[u8], worlds: &[Arc<World>]) -> Asked {
    let segments: Vec<&str> = head.path.strip_prefix(PREFIX).unwrap_or("").split('/').collect();
    let find = |id: &str| worlds.iter().find(|world| world.id == id);
    Asked::Reply(match segments.as_slice() {
        ["livez" | "readyz"] => allow(head, &[Method::GET, Method::HEAD]).unwrap_or_else(|| text("ok\n")),
        ["metrics"] => allow(head, &[Method::GET, Method::HEAD]).unwrap_or_else(|| metrics(worlds)),
        ["v1", "openapi.json"] => {
            allow(head, &[Method::GET, Method::HEAD]).unwrap_or_else(|| json_text(OPENAPI))
        }
        ["v1", "scenarios"] => match head.method {
            Method::GET | Method::HEAD => {
                document(200, &worlds.iter().map(|world| counters(world)).collect::<Vec<_>>())
            }
            Method::POST => match Scenario::parse("scenario.json", body, None) {
                Ok(scenario) => return Asked::Create(Box::new(scenario)),
                Err(diagnosis) => invalid(&diagnosis),
            },
            _ => not_allowed("GET, HEAD, POST"),
        },
        ["v1", "scenarios", id, rest @ ..] => match find(id) {
            Some(world) => return of_world(head, body, world, rest),
            None => problem(
                404,
                &format!("there is no scenario \"{id}\"; that of the command line is \"{DEFAULT}\""),
            ),
        },
        _ => problem(404, &format!("there is nothing at {}", head.path)),
    })
}

/// Answers a request for one world.
fn of_world(head: &Head, body: &[u8], world: &Arc<World>, rest: &[&str]) -> Asked {
    let reads = allow(head, &[Method::GET, Method::HEAD]);
    let posts = allow(head, &[Method::POST]);
    Asked::Reply(match rest {
        [] if head.method == Method::DELETE && world.id == DEFAULT => problem(
            409,
            "the scenario of the command line ends with the server; \"reset\" puts it back to its start",
        ),
        [] if head.method == Method::DELETE => return Asked::Delete(world.clone()),
        [] => allow(head, &[Method::GET, Method::HEAD, Method::DELETE])
            .unwrap_or_else(|| document(200, &counters(world))),
        ["journal"] => match reads.map_or_else(|| wait(head, world), |refused| Ok(Asked::Reply(refused))) {
            Ok(asked) => return asked,
            Err(detail) => problem(400, &detail),
        },
        ["journal.jsonl"] => reads.unwrap_or_else(|| exported(world)),
        ["journal.har"] => reads.unwrap_or_else(|| document(200, &har(&world.exchanges(0, usize::MAX)))),
        ["journal", n, "explain"] => reads.unwrap_or_else(|| explain(n, world)),
        ["reset"] => match posts {
            Some(refused) => refused,
            None => return Asked::Reset(world.clone()),
        },
        ["verdict"] => match posts {
            Some(refused) => refused,
            None => return Asked::Judge(world.clone()),
        },
        ["clock"] => match head.method {
            Method::GET | Method::HEAD => clock(world),
            Method::PUT => match set_clock(body, world) {
                Ok(()) => return Asked::Clock(world.clone()),
                Err(detail) => problem(400, &detail),
            },
            _ => not_allowed("GET, HEAD, PUT"),
        },
        _ => problem(404, &format!("there is nothing at {}", head.path)),
    })
}

/// Refuses another method than these.
fn allow(head: &Head, methods: &[Method]) -> Option<Reply> {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    (!methods.contains(&head.method)).then(|| not_allowed(&names.join(", ")))
}

fn not_allowed(methods: &str) -> Reply {
    problem(405, &format!("this path takes {methods}")).with("Allow", methods)
}

/// The answer when a world was made.
pub fn created(world: &World, endpoint: &str, header: &str) -> Reply {
    let client = world.client.as_ref().map(|(id, key)| json!({ "id": id, "key": key }));
    let made = json!({
        "id": world.id,
        "name": world.scenario.name,
        "seed": world.seed.to_string(),
        "endpoint": endpoint,
        "header": { "name": header, "value": world.id },
        "client": client,
    });
    document(201, &made)
}

/// The answer for a scenario that is not valid.
fn invalid(diagnosis: &Diagnosis) -> Reply {
    let errors: Vec<Value> = diagnosis
        .problems()
        .iter()
        .map(|problem| {
            let (line, column) = diagnosis.position(problem.span.start);
            json!({
                "code": problem.code,
                "line": line,
                "column": column,
                "path": problem.path,
                "message": problem.message,
                "hint": problem.hint,
            })
        })
        .collect();
    let body = json!({
        "type": "about:blank",
        "title": reason(422),
        "status": 422,
        "detail": diagnosis.to_string(),
        "errors": errors,
    });
    problem_document(422, &body)
}

/// Counts in the text format of Prometheus.
fn metrics(worlds: &[Arc<World>]) -> Reply {
    let counts: Vec<_> = worlds.iter().map(|world| world.counts()).collect();
    let states: Vec<_> = worlds.iter().map(|world| (world, world.state())).collect();
    let present = states.iter().zip(&counts).map(|((world, state), counts)| {
        let rules = world.scenario.obligations().map(|(id, _)| id).collect();
        Present {
            world: &world.id,
            tally: &state.tally,
            rules,
            unmatched_rules: counts.iter().filter(|count| count.matches == 0).count(),
            open_uploads: state.store.open_uploads(world.now()),
            journal_drops: state.journal.dropped(),
        }
    });
    let text = open_metrics(&present.collect::<Vec<_>>());
    Reply::new(200)
        .with("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
        .with_body(text.into_bytes())
}

fn json_text(text: &str) -> Reply {
    Reply::new(200).with("Content-Type", "application/json").with_body(text.as_bytes().to_vec())
}

// ---- verdict ----

/// Judges: 200 when everything holds, 409 when not; as JSON, JUnit XML, or a page, as the client accepts. What is stored may
/// be read and hashed for it, for seconds.
pub fn verdict(head: &Head, world: &World) -> Reply {
    let judgement = world.judge(None);
    let status = if judgement.verdict.holds { 200 } else { 409 };
    let accepts = head.header("accept").unwrap_or_default();
    let (kind, body) = if accepts.contains("text/html") {
        ("text/html; charset=utf-8", judgement.html())
    } else if accepts.contains("xml") {
        ("application/xml", judgement.junit())
    } else {
        return document(status, &judgement.verdict);
    };
    Reply::new(status).with("Content-Type", kind).with_body(body.into_bytes())
}

// ---- clock ----

/// The clock of a world.
pub fn clock(world: &World) -> Reply {
    let mode = match world.clock() {
        Clock::Real => json!({ "run": true }),
        Clock::Skewed(milliseconds) => json!({ "run": true, "skew_ms": milliseconds }),
        Clock::Frozen(_) => json!({ "run": false }),
    };
    let mut clock = json!({ "now": world.now().iso_milliseconds() });
    clock
        .as_object_mut()
        .expect("it is an object")
        .extend(mode.as_object().expect("it is an object").clone());
    document(200, &clock)
}

/// Sets a clock: `{ "freeze": "…Z" }`, `{ "advance": "4h" }`, `{ "skew": "+20m" }` or `{ "run": true }`.
fn set_clock(body: &[u8], world: &World) -> Result<(), String> {
    const FORMS: &str = "write { \"freeze\": \"2024-05-01T00:00:00Z\" }, { \"advance\": \"4h\" }, { \"skew\": \"+20m\" } or { \"run\": true }";
    let document: Value = serde_json::from_slice(body).map_err(|error| format!("{error}; {FORMS}"))?;
    let members = document.as_object().filter(|members| members.len() == 1).ok_or(FORMS)?;
    let (name, value) = members.iter().next().ok_or(FORMS)?;
    let text = value.as_str();
    let now = world.clock();
    let wrong = || format!("{name} is {value}; {FORMS}");
    let clock = match name.as_str() {
        "freeze" => Clock::Frozen(text.and_then(Timestamp::parse_iso).ok_or_else(wrong)?),
        "advance" => now.advanced(text.and_then(parse_duration).ok_or_else(wrong)?),
        "skew" => Clock::Skewed(text.and_then(parse_skew).ok_or_else(wrong)?),
        "run" if *value == Value::Bool(true) => now.running(),
        "run" => return Err(wrong()),
        _ => return Err(format!("there is no {name:?}; {FORMS}")),
    };
    world.set_clock(clock);
    Ok(())
}

// ---- counters ----

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
        "id": world.id,
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

// ---- journal ----

/// Which entries of the journal are meant.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The first number of an entry.
    pub from: u64,
    limit: usize,
    /// Names and values, all of which have to hold.
    wanted: Vec<(&'static str, String)>,
}

/// What entries can be filtered by.
const FILTERS: &[&str] = &["op", "bucket", "key", "upload", "part", "client", "rule", "status", "outcome"];

impl Filter {
    /// Whether the filter lets an entry through.
    pub fn holds(&self, entry: &Entry) -> bool {
        let is = |text, wanted: &str| entry.said.text(text) == Some(wanted);
        self.wanted.iter().all(|(name, wanted)| match *name {
            "op" => entry.said.operation.is_some_and(|operation| operation.name() == wanted),
            "bucket" => is(Text::Bucket, wanted),
            "key" => is(Text::Key, wanted),
            "upload" => is(Text::Upload, wanted),
            "part" => entry.said.part.is_some_and(|part| part.to_string() == *wanted),
            "client" => is(Text::Client, wanted),
            "rule" => {
                let nearest = entry.nearest.as_ref().is_some_and(|(id, _)| **id == **wanted);
                nearest || entry.rules().iter().any(|rule| *rule.id == **wanted)
            }
            "outcome" if wanted == "no-match" => entry.nearest.is_some(),
            "status" => entry.answer.as_ref().is_some_and(|answer| answer.status.to_string() == *wanted),
            _ => entry.rules().iter().any(|rule| rule.outcome == wanted),
        })
    }
}

/// Reads what a request for the journal asks for: `from`, `limit`, the filters, `wait` for so many entries and
/// `timeout`.
///
/// # Errors
/// Says which parameter is unknown or does not parse.
fn wait(head: &Head, world: &Arc<World>) -> Result<Asked, String> {
    let mut filter = Filter { limit: MAX_LISTED as usize, ..Filter::default() };
    let (mut count, mut timeout) = (0, WAIT);
    let (mut follows, mut begins) = (false, false);
    for (name, value) in head.query.pairs() {
        let number =
            || value.parse::<u64>().map_err(|_| format!("{name} is \"{value}\", but must be a number"));
        match name.as_str() {
            "from" => (filter.from, begins) = (number()?, true),
            "follow" => follows = number()? == 1,
            "limit" => filter.limit = number()?.min(MAX_LISTED) as usize,
            "wait" => count = number()?.min(MAX_LISTED) as usize,
            "timeout" => {
                timeout = parse_duration(value)
                    .ok_or_else(|| format!("timeout is \"{value}\", but must be a duration such as 10s"))?
                    .min(MAX_WAIT);
            }
            other => match FILTERS.iter().find(|known| **known == other) {
                Some(known) => filter.wanted.push((known, value.clone())),
                None => {
                    return Err(format!(
                        "the parameter {name} is not known; there are from, limit, follow, wait, timeout, {}",
                        FILTERS.join(", ")
                    ));
                }
            },
        }
    }
    if follows {
        // A reader that lost its connection goes on behind the last entry that it saw.
        let seen = head.header("last-event-id").and_then(|id| id.parse::<u64>().ok());
        match seen {
            Some(seen) => filter.from = seen.saturating_add(1),
            None if !begins => filter.from = world.state().journal.next(),
            None => {}
        }
        return Ok(Asked::Follow { world: world.clone(), filter });
    }
    if count == 0 {
        return Ok(Asked::Reply(page(world, &filter)));
    }
    Ok(Asked::Wait { world: world.clone(), filter, count, timeout })
}

/// Whether the journal has so many entries that the filter lets through.
pub fn has(world: &World, filter: &Filter, count: usize) -> bool {
    let journal = &world.state().journal;
    journal.entries(filter.from, usize::MAX).filter(|entry| filter.holds(entry)).take(count).count() >= count
}

/// A page of the journal.
#[derive(Serialize)]
struct JournalPage {
    exchanges: Vec<Exchange>,
    dropped: u64,
    next: u64,
}

/// The entries that the filter lets through.
pub fn page(world: &World, filter: &Filter) -> Reply {
    // The entries are told behind the lock, which every request takes.
    let (mut entries, dropped, next) = {
        let journal = &world.state().journal;
        let entries = journal.entries(filter.from, usize::MAX).filter(|entry| filter.holds(entry));
        (entries.take(filter.limit + 1).cloned().collect::<Vec<_>>(), journal.dropped(), journal.next())
    };
    // Where the page is full, the next one begins behind its last entry.
    let more = entries.len() > filter.limit;
    entries.truncate(filter.limit);
    let next = entries.last().filter(|_| more).map_or(next, |last| last.n + 1);
    let exchanges = entries.iter().map(|entry| entry.told(&world.id)).collect();
    document(200, &JournalPage { exchanges, dropped, next })
}

/// The whole journal, an entry in each line.
fn exported(world: &World) -> Reply {
    let text = lines(&world.exchanges(0, usize::MAX));
    Reply::new(200).with("Content-Type", "application/x-ndjson").with_body(text)
}

/// Why each rule did or did not act on an exchange.
fn explain(n: &str, world: &World) -> Reply {
    let number = n.parse().ok();
    let exchange = number.and_then(|n| world.exchanges(n, 1).into_iter().find(|exchange| exchange.n == n));
    match exchange {
        Some(exchange) => {
            text(&explained(&serde_json::to_value(exchange).expect("a JSON value can be written")))
        }
        None => {
            let dropped = world.state().journal.dropped();
            problem(404, &format!("the journal has no entry {n}; {dropped} were dropped"))
        }
    }
}

fn document(status: u16, value: &impl Serialize) -> Reply {
    let body = serde_json::to_vec_pretty(value).expect("a JSON value can be written");
    Reply::new(status).with("Content-Type", "application/json").with_body(body)
}

fn text(text: &str) -> Reply {
    Reply::new(200).with("Content-Type", "text/plain; charset=utf-8").with_body(text.as_bytes().to_vec())
}

/// An error of the control API.
pub fn problem(status: u16, detail: &str) -> Reply {
    problem_document(
        status,
        &json!({ "type": "about:blank", "title": reason(status), "status": status, "detail": detail }),
    )
}

fn problem_document(status: u16, body: &Value) -> Reply {
    let body = serde_json::to_vec_pretty(body).expect("a JSON value can be written");
    Reply::new(status).with("Content-Type", "application/problem+json").with_body(body)
}
