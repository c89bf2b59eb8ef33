//! Which rules act on a request: a pure function of the rules, their counters, the seed and the request.
//!
//! Each rule counts the requests that it matches, whether or not another rule disturbs them, and how often it fired.
//! Both counters are kept per scope key, and chance depends on the scope key and the number of the match, so requests
//! in other scopes cannot change what happens in this one.
//!
//! Source: `scenarios.md` 3, 4, 11 and 12.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use http::header::{CONTENT_RANGE, RANGE};

use super::expect::ExpectedRequests;
use super::file::{ConnectionRule, RateScope};
use super::index::Index;
use super::rule::{Action, Delay, Fire, Matches, Per, Point, Rule, When};
use super::value::{Offset, Pattern};
use crate::chance::{Roll, Seed};
use crate::digest::key_of;
use crate::message::Head;
use crate::operation::{Names, Operation, Service};

/// How many distinct scope keys the tables of a scenario remember at least, all together. When one has twice its share, it
/// forgets the older half. A key takes up to 40 bytes, so that they are 10 MiB at most with up to 31 rules.
const REMEMBERED_KEYS: usize = 128 << 10;
/// The least share of a table: with more rules each may take another 320 KiB.
const LEAST_REMEMBERED_KEYS: usize = 4 << 10;

/// What rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The service that the request was for.
    pub service: Service,
    /// The operation; `None` when it is none.
    pub operation: Option<Operation>,
    /// What it names.
    pub names: &'a Names,
    /// The head.
    pub head: &'a Head,
    /// The key of the logical request: what [`logical_request`] makes of those.
    pub logical: u128,
    /// The number of the connection.
    pub connection: u64,
    /// The number of the request on its connection, from 1.
    pub request: u64,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The current state of the scenario.
    pub state: &'a str,
    /// The bytes that are read or sent, if that is known.
    pub span: &'a Span,
}

/// The bytes of an object, archive or body that a request reads or sends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// Which bytes.
    pub range: Option<Range<u64>>,
    /// Of how many, where that is known.
    pub total: Option<u64>,
}

/// Whether rules may act on a request. One that the service refuses by itself (a bad signature) is counted only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayFire {
    /// They may.
    Yes,
    /// They only count.
    No,
}

/// What was decided about a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The key of the logical request: equal for all attempts of it.
    pub request: u128,
    /// The how-manieth attempt since the last one that succeeded undisturbed; from 1.
    pub attempt: u32,
    /// The how-manieth arrival at all; from 1.
    pub arrival: u32,
    /// What became of each rule that matched, in the order of the rules.
    pub traces: Vec<Trace>,
    /// Of the rules that did not match, the one that agreed the longest.
    pub nearest: Option<NearMiss>,
}

/// A rule that did not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NearMiss {
    /// The index of the rule.
    pub rule: usize,
    /// The first of its conditions that did not hold.
    pub differs: &'static str,
}

/// What became of a rule that matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The index of the rule.
    pub rule: usize,
    /// The key of the counters.
    pub scope: u128,
    /// The key in words.
    pub scope_name: String,
    /// The number of the match, from 1.
    pub match_number: u32,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The rule acts. Carries the number of the firing, from 1.
    Fired(u32),
    /// `fire` does not ask for this match.
    NotDue,
    /// An earlier rule acted and ended the evaluation; its index.
    Shadowed(usize),
    /// What the rule does cannot happen in this exchange, or lies past the end of the body.
    NotReached,
    /// The service refused the request before rules may act.
    Refused,
}

impl Decision {
    /// The rules that act, in order.
    pub fn fired(&self) -> impl Iterator<Item = &Trace> {
        self.traces.iter().filter(|trace| matches!(trace.outcome, Outcome::Fired(_)))
    }

    /// Whether any rule acts.
    #[cfg(test)]
    fn disturbs(&self) -> bool {
        self.fired().next().is_some()
    }
}

impl Trace {
    /// The random numbers of the rule's action of that index.
    pub fn roll(&self, seed: Seed, rules: &[Rule], action: usize) -> Roll {
        // Draw 0 belongs to `probability`.
        Roll::new(seed, &rules[self.rule].id, self.scope, self.match_number, action as u32 + 1)
    }
}

/// How often rules matched and fired, and how often requests arrived.
#[derive(Debug)]
pub struct Counters {
    scopes: Vec<Table<Count>>,
    totals: Vec<Count>,
    requests: Table<Arrivals>,
    connections: Vec<Count>,
    expected: Vec<u32>,
}

/// The two counters of a rule, never mixed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Requests for which `when` held.
    pub matches: u32,
    /// How often the rule acted.
    pub firings: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Arrivals {
    all: u32,
    since_success: u32,
}

impl Counters {
    /// All at zero, for so many rules and so many rules of connections.
    pub fn new(rules: usize, connections: usize) -> Self {
        // Each rule has a table, and the attempts have one.
        let share = (REMEMBERED_KEYS / (rules + 1)).max(LEAST_REMEMBERED_KEYS);
        Counters {
            scopes: (0..rules).map(|_| Table::remembering(share)).collect(),
            totals: vec![Count::default(); rules],
            requests: Table::remembering(share),
            connections: vec![Count::default(); connections],
            expected: Vec::new(),
        }
    }

    /// How many requests came for each expectation; shorter when none has come yet.
    pub fn expected(&self) -> &[u32] {
        &self.expected
    }

    /// The counts of each rule of connections.
    pub fn connections(&self) -> &[Count] {
        &self.connections
    }

    /// Takes the firing of a rule of connections back: the connection ended before what it does was reached.
    pub fn retract_connection(&mut self, rule: usize) {
        self.connections[rule].firings = self.connections[rule].firings.saturating_sub(1);
    }

    /// The counts of each rule, over all scopes.
    pub fn totals(&self) -> &[Count] {
        &self.totals
    }

    /// Takes a firing back: what the rule does was not reached in this exchange.
    pub fn retract(&mut self, trace: &Trace) {
        let count = self.scopes[trace.rule].entry(trace.scope);
        count.firings = count.firings.saturating_sub(1);
        self.totals[trace.rule].firings = self.totals[trace.rule].firings.saturating_sub(1);
    }

    /// Starts the attempts of a logical request again: one succeeded undisturbed.
    pub fn succeeded(&mut self, request: u128) {
        self.requests.entry(request).since_success = 0;
    }
}

/// Counts a request and decides which rules act on it; `elapsed` is how long the scenario has been active.
///
/// Rules are looked at in order. The first that fires and does not say `continue` ends the evaluation; the rules after
/// it still count their matches.
pub fn decide(
    rules: &[Rule],
    index: &Index,
    counters: &mut Counters,
    seed: Seed,
    facts: &Facts<'_>,
    elapsed: Duration,
    may_fire: MayFire,
) -> Decision {
    let request = facts.logical;
    let arrivals = counters.requests.entry(request);
    arrivals.all = arrivals.all.saturating_add(1);
    arrivals.since_success = arrivals.since_success.saturating_add(1);
    let (attempt, arrival) = (arrivals.since_success, arrivals.all);

    let mut traces = Vec::new();
    let mut nearest = None;
    let mut ended_by = None;
    for index in index.candidates(facts) {
        let rule = &rules[index];
        if let Some(place) = first_difference(&rule.when, facts, attempt) {
            if nearest.is_none_or(|(_, before)| before < place) {
                nearest = Some((index, place));
            }
            continue;
        }
        let (scope, scope_name) = scope(rule.fire.per, facts, request);
        let count = counters.scopes[index].entry(scope);
        count.matches = count.matches.saturating_add(1);
        counters.totals[index].matches = counters.totals[index].matches.saturating_add(1);
        let due = || is_due(&rule.id, &rule.fire, *count, seed, scope, elapsed);
        let outcome = match ended_by {
            _ if may_fire == MayFire::No => Outcome::Refused,
            Some(by) => Outcome::Shadowed(by),
            None if !due() => Outcome::NotDue,
            None if !rule.actions.iter().any(|action| can_happen(action, facts)) => Outcome::NotReached,
            None => {
                count.firings = count.firings.saturating_add(1);
                counters.totals[index].firings = counters.totals[index].firings.saturating_add(1);
                if !rule.continues {
                    ended_by = Some(index);
                }
                Outcome::Fired(count.firings)
            }
        };
        traces.push(Trace { rule: index, scope, scope_name, match_number: count.matches, outcome });
    }
    let nearest = nearest.map(|(rule, place)| NearMiss { rule, differs: CONDITIONS[place] });
    Decision { request, attempt, arrival, traces, nearest }
}

/// Counts a request for each expectation that it belongs to; `attempt` is that of its decision.
pub fn count_expected(
    expected: &[ExpectedRequests],
    counters: &mut Counters,
    facts: &Facts<'_>,
    attempt: u32,
) {
    counters.expected.resize(expected.len(), 0);
    for (expected, count) in expected.iter().zip(&mut counters.expected) {
        if holds(&expected.when, facts, attempt) {
            *count = count.saturating_add(1);
        }
    }
}

/// How a connection began, as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting<'a> {
    /// Whether it is one of TLS.
    pub tls: bool,
    /// The name that the client asks for.
    pub sni: Option<&'a str>,
}

/// Counts a connection from that address and decides which rules act on it. Returns each with the number of its match.
/// All rules that are due act together.
pub fn decide_connection(
    rules: &[ConnectionRule],
    counters: &mut Counters,
    seed: Seed,
    peer: &str,
    greeting: Option<Greeting<'_>>,
    elapsed: Duration,
) -> Vec<(usize, u32)> {
    let mut acting = Vec::new();
    for (index, (rule, count)) in rules.iter().zip(&mut counters.connections).enumerate() {
        let when = &rule.when;
        let is_meant = when.peer.as_ref().is_none_or(|pattern| pattern.matches(Some(peer)))
            && rule.needs_first_byte() == greeting.is_some()
            && greeting.is_none_or(|Greeting { tls, sni }| {
                when.tls.is_none_or(|wanted| wanted == tls)
                    && when.sni.as_ref().is_none_or(|pattern| pattern.matches(sni))
                    && (tls || !rule.is_for_tls())
            });
        if !is_meant {
            continue;
        }
        count.matches = count.matches.saturating_add(1);
        if is_due(&rule.id, &rule.fire, *count, seed, 0, elapsed) {
            count.firings = count.firings.saturating_add(1);
            acting.push((index, count.matches));
        }
    }
    acting
}

/// Whether an action can happen in an exchange, as far as the head tells.
fn can_happen(action: &Action, facts: &Facts<'_>) -> bool {
    let place_exists = match action.point() {
        Some(Point::Upload(offset)) if facts.head.is_chunked() => !offset.needs_length(),
        Some(Point::Upload(offset)) => {
            offset.resolve(Some(facts.head.content_length().unwrap_or(0))).is_some()
        }
        _ => true,
    };
    place_exists && facts.operation.is_none_or(|operation| action.can_happen_in(operation))
}

/// Why nothing that a rule does can happen in an exchange, as far as the head tells: for the journal.
pub fn obstacle(rule: &Rule, facts: &Facts<'_>) -> String {
    let length = facts.head.content_length().unwrap_or(0);
    let reasons: Vec<String> = rule
        .actions
        .iter()
        .map(|action| match action.point() {
            Some(Point::Upload(offset)) if facts.head.is_chunked() && offset.needs_length() => {
                "a place counted in percent or from the end needs a length, and this body comes in chunks"
                    .to_owned()
            }
            Some(Point::Upload(offset)) if offset.resolve(Some(length)).is_none() => {
                format!("the place lies behind the end of the body, which has {length} bytes")
            }
            _ => format!("it needs {}", action.requirement()),
        })
        .collect();
    format!("{}: not reached: {}", rule.id, reasons.join("; "))
}

/// How long a delay waits.
pub fn amount(delay: &Delay, mut roll: Roll) -> Duration {
    let seconds = match delay {
        Delay::Fixed(duration) => return *duration,
        Delay::Uniform(low, high) => {
            low.as_secs_f64() + roll.unit() * (high.as_secs_f64() - low.as_secs_f64())
        }
        Delay::Normal { mean, sd } => mean.as_secs_f64() + roll.normal() * sd.as_secs_f64(),
        Delay::Lognormal { median, sigma, max } => {
            let seconds = median.as_secs_f64() * (roll.normal() * sigma).exp();
            max.map_or(seconds, |max| seconds.min(max.as_secs_f64()))
        }
    };
    // A day is longer than anybody waits, and keeps the conversion from failing.
    Duration::from_secs_f64(seconds.clamp(0.0, 86_400.0))
}

fn is_due(rule: &str, fire: &Fire, count: Count, seed: Seed, scope: u128, active: Duration) -> bool {
    let Fire { matches, skip, probability, times, window, per: _ } = fire;
    let number = count.matches;
    let chosen = match matches {
        Matches::All => true,
        Matches::First(first) => number <= *first,
        Matches::Nth(numbers) => numbers.contains(&number),
        Matches::Every(every) => number.is_multiple_of(*every),
    };
    chosen
        && number > *skip
        && times.is_none_or(|times| count.firings < times)
        && window.is_none_or(|(from, to)| active >= from && to.is_none_or(|to| active < to))
        && probability.is_none_or(|probability| Roll::new(seed, rule, scope, number, 0).unit() < probability)
}

fn holds(when: &When, facts: &Facts<'_>, attempt: u32) -> bool {
    first_difference(when, facts, attempt).is_none()
}

/// The conditions in the order in which they are looked at.
const CONDITIONS: [&str; 23] = [
    "service",
    "op",
    "bucket",
    "key",
    "upload",
    "vault",
    "archive",
    "job",
    "part",
    "range",
    "size",
    "method",
    "path",
    "query",
    "header",
    "client",
    "attempt",
    "on_connection",
    "http",
    "expect_continue",
    "tls",
    "state",
    "not",
];

/// The place in [`CONDITIONS`] of the first one that does not hold.
fn first_difference(when: &When, facts: &Facts<'_>, attempt: u32) -> Option<usize> {
    let When {
        operations,
        service,
        bucket,
        key,
        upload,
        vault,
        archive,
        job,
        part,
        range,
        size,
        method,
        path,
        query,
        header,
        client,
        attempt: attempts,
        on_connection,
        http,
        expect_continue,
        tls,
        state,
        not,
    } = when;
    let Facts { names, head, .. } = facts;
    let text = |pattern: &Option<Pattern>, text: Option<&str>| {
        pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
    };
    let conditions: [&dyn Fn() -> bool; CONDITIONS.len()] = [
        &|| service.is_none_or(|service| service == facts.service),
        &|| {
            operations.as_ref().is_none_or(|operations| {
                facts.operation.is_some_and(|operation| operations.contains(&operation))
            })
        },
        &|| text(bucket, names.bucket.as_deref()),
        &|| text(key, names.key.as_deref()),
        &|| text(upload, names.upload.as_deref()),
        &|| text(vault, names.vault.as_deref()),
        &|| text(archive, names.archive.as_deref()),
        &|| text(job, names.job.as_deref()),
        &|| part.as_ref().is_none_or(|parts| names.part.is_some_and(|part| parts.contain(part))),
        &|| range.is_none_or(|(from, to)| overlaps(facts.span, from, to)),
        &|| {
            size.is_none_or(|(min, max)| {
                head.content_length().is_some_and(|length| (min..=max).contains(&length))
            })
        },
        &|| text(method, Some(head.method.as_str())),
        &|| text(path, Some(&head.path)),
        &|| query.iter().all(|(name, pattern)| pattern.matches(head.query.get(name))),
        &|| header.iter().all(|(name, pattern)| pattern.matches(head.header(name))),
        &|| text(client, head.access_key_id()),
        &|| attempts.is_none_or(|(min, max)| (min..=max).contains(&attempt)),
        &|| on_connection.is_none_or(|(min, max)| (min.into()..=max.into()).contains(&facts.request)),
        &|| http.is_none_or(|version| version == head.version),
        &|| expect_continue.is_none_or(|expects| expects == head.expects_continue()),
        &|| tls.is_none_or(|wanted| wanted == facts.tls),
        &|| state.as_ref().is_none_or(|states| states.iter().any(|state| state == facts.state)),
        &|| !not.as_ref().is_some_and(|not| holds(not, facts, attempt)),
    ];
    conditions.iter().position(|condition| !condition())
}

/// Whether the bytes overlap those from `from` on and before `to`.
fn overlaps(span: &Span, from: Offset, to: Option<Offset>) -> bool {
    let Some(range) = &span.range else { return false };
    // Past the end is a place like any other here: it only means that nothing lies behind it.
    let place = |offset: Offset| match offset {
        Offset::FromStart(offset) => Some(offset),
        _ => offset.resolve(Some(span.total?)),
    };
    let Some(start) = place(from) else { return false };
    let end = match to {
        None => u64::MAX,
        Some(to) => match place(to) {
            Some(end) => end,
            None => return false,
        },
    };
    range.start < end && start < range.end
}

/// The key of what has counters of its own, and its name.
fn scope(per: Per, facts: &Facts<'_>, request: u128) -> (u128, String) {
    let names = facts.names;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let key = || match (&names.bucket, &names.vault) {
        (None, Some(vault)) => format!("{vault}/{}", text(&names.archive)),
        (bucket, _) => format!("{}/{}", text(bucket), text(&names.key)),
    };
    let name = match (per, &names.upload) {
        (Per::Scenario, _) => return (0, String::new()),
        (Per::Request, _) => return (request, format!("{request:032x}")),
        (Per::Client, _) => facts.head.access_key_id().unwrap_or_default().to_owned(),
        (Per::Connection, _) => facts.connection.to_string(),
        (Per::Upload, Some(upload)) => upload.clone(),
        (Per::Part, Some(upload)) => {
            format!("{upload}/{}", names.part.map(|part| part.to_string()).unwrap_or_default())
        }
        // What belongs to no upload is counted by its key, or all keys would share one counter.
        (Per::Key, _) | (Per::Upload | Per::Part, None) => key(),
    };
    // An upload belongs to one key; the same id under another names nothing, and must not be counted with it.
    match per {
        Per::Upload | Per::Part => (key_of(&[&key(), &name]), name),
        _ => (key_of(&[&name]), name),
    }
}

/// The key of a request in a rate limit of that scope.
pub fn rate_key(scope: RateScope, facts: &Facts<'_>) -> u128 {
    let names = facts.names;
    let place = names.bucket.as_deref().or(names.vault.as_deref()).unwrap_or("");
    match scope {
        RateScope::Scenario => 0,
        RateScope::Bucket => key_of(&[place]),
        RateScope::Client => key_of(&[facts.head.access_key_id().unwrap_or("")]),
        RateScope::Connection => u128::from(facts.connection),
        RateScope::Key => {
            let name = names.key.as_deref().or(names.archive.as_deref()).unwrap_or("");
            key_of(&[place, name])
        }
    }
}

/// The key of the logical request. Host name, dates, signatures and the body do not count, so that a retry on another
/// host or with another body is known for what it is.
pub fn logical_request(service: Service, operation: Option<Operation>, names: &Names, head: &Head) -> u128 {
    let path = names.key.as_deref().unwrap_or(match operation {
        Some(operation) if operation.service() == Service::Cos => "",
        _ => &head.path,
    });
    let is_signature =
        |name: &str| name.starts_with("q-") || name == "sign" || name == "x-cos-security-token";
    let query = head.query.pairs().iter().filter(|(name, _)| !is_signature(name));
    let mut parts: Vec<&str> = vec![
        service.name(),
        head.method.as_str(),
        names.bucket.as_deref().or(names.vault.as_deref()).unwrap_or(""),
        path,
        head.header(RANGE).or(head.header(CONTENT_RANGE)).unwrap_or(""),
        head.access_key_id().unwrap_or(""),
    ];
    query.for_each(|(name, value)| parts.extend([name.as_str(), value.as_str()]));
    // Nothing else tells one archive in one piece from the next.
    if operation == Some(Operation::UploadArchive) {
        parts.push(head.header("x-cas-content-sha256").unwrap_or(""));
    }
    key_of(&parts)
}

/// A table by scope key that is bounded: keys that were not used for long are forgotten.
#[derive(Debug)]
struct Table<V> {
    /// How many keys it remembers at least.
    share: usize,
    /// By half of the key, which is half of a digest: of so few no two have the same.
    recent: HashMap<u64, V>,
    older: HashMap<u64, V>,
}

impl<V: Default> Table<V> {
    fn remembering(share: usize) -> Self {
        Table { share, recent: HashMap::new(), older: HashMap::new() }
    }

    fn entry(&mut self, key: u128) -> &mut V {
        let key = key as u64;
        if self.recent.len() >= self.share && !self.recent.contains_key(&key) {
            self.older = std::mem::take(&mut self.recent);
        }
        let older = &mut self.older;
        self.recent.entry(key).or_insert_with(|| older.remove(&key).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::head;
    use crate::scenario::file::Scenario;

    const START: Duration = Duration::ZERO;

    /// Rules and their counters, fed with requests.
    struct Play {
        rules: Vec<Rule>,
        index: Index,
        counters: Counters,
    }

    impl Play {
        fn new(rules: &str) -> Self {
            let text = format!("{{\"version\": 1, \"name\": \"t\", \"rules\": [{rules}]}}");
            let rules =
                Scenario::parse("t", text.as_bytes(), None).unwrap_or_else(|error| panic!("{error}")).rules;
            let counters = Counters::new(rules.len(), 0);
            Play { index: Index::new(&rules), rules, counters }
        }

        fn rule(when: &str, fire: &str) -> Self {
            Play::new(&format!(
                "{{\"id\": \"r\", \"when\": {when}, \"fire\": {fire}, \"do\": {{\"reset\": {{\"at\": \"reply\"}}}}}}"
            ))
        }

        fn request(&mut self, request: &Request) -> Decision {
            self.request_at(request, START)
        }

        fn request_at(&mut self, request: &Request, elapsed: Duration) -> Decision {
            let facts = Facts {
                service: request.operation.service(),
                operation: Some(request.operation),
                names: &request.names,
                head: &request.head,
                logical: request.logical(),
                connection: request.connection,
                request: request.number,
                tls: false,
                state: "up",
                span: &request.span,
            };
            decide(&self.rules, &self.index, &mut self.counters, Seed(7), &facts, elapsed, MayFire::Yes)
        }

        fn fires(&mut self, request: &Request) -> bool {
            self.request(request).disturbs()
        }

        /// The numbers of the requests that fire, of so many equal ones.
        fn firing_numbers(&mut self, request: &Request, count: u32) -> Vec<u32> {
            (1..=count).filter(|_| self.fires(request)).collect()
        }
    }

    struct Request {
        operation: Operation,
        names: Names,
        head: Head,
        connection: u64,
        number: u64,
        span: Span,
    }

    impl Request {
        fn logical(&self) -> u128 {
            logical_request(self.operation.service(), Some(self.operation), &self.names, &self.head)
        }
    }

    fn part(upload: &str, number: u64) -> Request {
        let target = format!("/k?partNumber={number}&uploadId={upload}");
        Request {
            operation: Operation::UploadPart,
            names: Names {
                bucket: Some("b-1".to_owned()),
                key: Some("k".to_owned()),
                upload: Some(upload.to_owned()),
                part: Some(number),
                ..Names::default()
            },
            head: head("PUT", &target, &[("host", "h"), ("content-length", "100")]),
            connection: 1,
            number: 1,
            span: Span { range: Some(0..100), total: Some(100) },
        }
    }

    fn get(key: &str, lines: &[(&str, &str)]) -> Request {
        Request {
            operation: Operation::GetObject,
            names: Names { bucket: Some("b-1".to_owned()), key: Some(key.to_owned()), ..Names::default() },
            head: head("GET", &format!("/{key}"), lines),
            connection: 1,
            number: 1,
            span: Span::default(),
        }
    }

    #[test]
    fn each_way_to_fire_chooses_its_matches() {
        let request = part("u", 1);
        for (fire, expected) in [
            ("{}", vec![1, 2, 3, 4, 5, 6]),
            (r#"{"first": 2}"#, vec![1, 2]),
            (r#"{"nth": [2, 5]}"#, vec![2, 5]),
            (r#"{"nth": 3}"#, vec![3]),
            (r#"{"skip": 4}"#, vec![5, 6]),
            (r#"{"every": 2}"#, vec![2, 4, 6]),
            (r#"{"times": 2}"#, vec![1, 2]),
            (r#"{"skip": 1, "every": 2, "times": 2}"#, vec![2, 4]),
            (r#"{"first": 3, "skip": 2}"#, vec![3]),
            (r#"{"probability": 1}"#, vec![1, 2, 3, 4, 5, 6]),
        ] {
            assert_eq!(Play::rule("{}", fire).firing_numbers(&request, 6), expected, "{fire}");
        }
    }

    #[test]
    fn probability_draws_from_the_seed_and_the_number_of_the_match() {
        let fired = Play::rule("{}", r#"{"probability": 0.3}"#).firing_numbers(&part("u", 1), 1000);
        assert!((250..350).contains(&fired.len()), "{}", fired.len());
        assert_eq!(fired, Play::rule("{}", r#"{"probability": 0.3}"#).firing_numbers(&part("u", 1), 1000));
    }

    #[test]
    fn a_window_is_measured_from_the_activation() {
        let mut play = Play::rule("{}", r#"{"window": {"from": "1s", "to": "2s"}}"#);
        let mut at =
            |milliseconds| play.request_at(&part("u", 1), Duration::from_millis(milliseconds)).disturbs();
        assert_eq!([at(0), at(999), at(1000), at(1999), at(2000)], [false, false, true, true, false]);
    }

    #[test]
    fn each_scope_has_counters_of_its_own() {
        let first = |per: &str, one: &Request, other: &Request| {
            let mut play = Play::rule("{}", &format!("{{\"first\": 1, \"per\": \"{per}\"}}"));
            [play.fires(one), play.fires(other), play.fires(one)]
        };
        let signed = |id: &str| {
            let mut request = part("u", 1);
            let value = format!("q-sign-algorithm=sha1&q-ak={id}");
            request.head.headers.insert("authorization", value.parse().unwrap());
            request
        };
        let connected = |connection| Request { connection, ..part("u", 1) };
        assert_eq!(first("scenario", &part("u", 1), &part("v", 2)), [true, false, false]);
        assert_eq!(first("client", &signed("a"), &signed("b")), [true, true, false]);
        assert_eq!(first("client", &signed("a"), &signed("a")), [true, false, false]);
        assert_eq!(first("connection", &connected(1), &connected(2)), [true, true, false]);
        assert_eq!(first("key", &get("a", &[]), &get("b", &[])), [true, true, false]);
        assert_eq!(first("key", &part("u", 1), &part("v", 2)), [true, false, false]);
        assert_eq!(first("upload", &part("u", 1), &part("v", 1)), [true, true, false]);
        assert_eq!(first("upload", &part("u", 1), &part("u", 2)), [true, false, false]);
        assert_eq!(first("part", &part("u", 1), &part("u", 2)), [true, true, false]);
        assert_eq!(
            first("request", &get("a", &[("range", "bytes=0-1")]), &get("a", &[])),
            [true, true, false]
        );
    }

    #[test]
    fn a_retry_on_another_host_with_another_signature_is_the_same_request() {
        let mut play = Play::rule("{}", r#"{"first": 1, "per": "request"}"#);
        assert!(play.fires(&get("a", &[("host", "b-1.cos.ap-x.myqcloud.com"), ("date", "1")])));
        assert!(!play.fires(&get("a", &[("host", "b-1.cos.ap-x.tencentcos.cn"), ("date", "2")])));
        let mut presigned = get("a", &[]);
        presigned.head.query = crate::message::Query::parse("q-signature=1&q-sign-time=2");
        assert!(!play.fires(&presigned));
        presigned.head.query = crate::message::Query::parse("versionId=1");
        assert!(play.fires(&presigned));
    }

    #[test]
    fn matches_count_also_when_another_rule_acts_and_firings_only_when_this_one_does() {
        let mut play = Play::new(
            r#"{"id": "a", "fire": {"first": 2}, "do": {"reset": {"at": "reply"}}},
               {"id": "b", "fire": {"nth": 3}, "do": {"close": {"at": "reply"}}}"#,
        );
        let outcomes: Vec<_> = (0..3)
            .map(|_| play.request(&part("u", 1)).traces.iter().map(|trace| trace.outcome).collect::<Vec<_>>())
            .collect();
        assert_eq!(
            outcomes,
            [
                vec![Outcome::Fired(1), Outcome::Shadowed(0)],
                vec![Outcome::Fired(2), Outcome::Shadowed(0)],
                vec![Outcome::NotDue, Outcome::Fired(1)],
            ]
        );
        let expected = [Count { matches: 3, firings: 2 }, Count { matches: 3, firings: 1 }];
        assert_eq!(play.counters.totals(), expected);
    }

    #[test]
    fn a_rule_that_continues_lets_later_rules_act_too() {
        let mut play = Play::new(
            r#"{"id": "a", "continue": true, "do": {"delay": {"fixed": "1ms"}}},
               {"id": "b", "do": {"reset": {"at": "reply"}}}, {"id": "c", "do": {"close": {"at": "reply"}}}"#,
        );
        let decision = play.request(&part("u", 1));
        let fired: Vec<_> = decision.fired().map(|trace| trace.rule).collect();
        assert_eq!(fired, [0, 1]);
        assert_eq!(decision.traces[2].outcome, Outcome::Shadowed(1));
    }

    #[test]
    fn a_refused_request_is_a_match_and_no_firing() {
        let mut play = Play::rule("{}", r#"{"first": 1}"#);
        let request = part("u", 1);
        let facts = Facts {
            service: Service::Cos,
            operation: Some(request.operation),
            names: &request.names,
            head: &request.head,
            logical: request.logical(),
            connection: 1,
            request: 1,
            tls: false,
            state: "",
            span: &request.span,
        };
        let decision =
            decide(&play.rules, &play.index, &mut play.counters, Seed(7), &facts, START, MayFire::No);
        assert_eq!(decision.traces[0].outcome, Outcome::Refused);
        assert!(!play.fires(&request));
        assert_eq!(play.counters.totals(), [Count { matches: 2, firings: 0 }]);
    }

    #[test]
    fn an_upload_offset_past_the_end_is_a_match_and_no_firing() {
        for (offset, fires) in
            [("100", true), ("101", false), ("\"50%\"", true), ("-100", true), ("-101", false)]
        {
            let mut play = Play::new(&format!(
                "{{\"id\": \"r\", \"when\": {{\"op\": \"UploadPart\"}}, \"do\": {{\"reset\": {{\"at\": \"upload\", \"offset\": {offset}}}}}}}"
            ));
            let decision = play.request(&part("u", 1));
            let expected = if fires { Outcome::Fired(1) } else { Outcome::NotReached };
            assert_eq!(decision.traces[0].outcome, expected, "{offset}");
        }
    }

    #[test]
    fn a_retracted_firing_can_be_spent_again() {
        let mut play = Play::rule("{}", r#"{"times": 1}"#);
        let decision = play.request(&part("u", 1));
        play.counters.retract(&decision.traces[0]);
        assert!(play.fires(&part("u", 1)));
        assert!(!play.fires(&part("u", 1)));
    }

    #[test]
    fn attempts_start_again_after_an_undisturbed_success() {
        let mut play = Play::rule(r#"{"attempt": 2}"#, "{}");
        let request = part("u", 1);
        let first = play.request(&request);
        assert_eq!((first.attempt, first.arrival, first.disturbs()), (1, 1, false));
        let second = play.request(&request);
        assert_eq!((second.attempt, second.arrival, second.disturbs()), (2, 2, true));
        play.counters.succeeded(second.request);
        let third = play.request(&request);
        assert_eq!((third.attempt, third.arrival, third.disturbs()), (1, 3, false));
    }

    #[test]
    fn each_condition_of_when_is_looked_at() {
        let mut request = part("u", 3);
        request.head.headers.insert("x-cos-sdk-retry", "true".parse().unwrap());
        for (when, matches) in [
            ("{}", true),
            (r#"{"service": "cos"}"#, true),
            (r#"{"service": "cas"}"#, false),
            (r#"{"op": "UploadPart"}"#, true),
            (r#"{"op": ["PutObject", "@multipart"]}"#, true),
            (r#"{"op": "@read"}"#, false),
            (r#"{"service": "cos", "op": "@data"}"#, true),
            (r#"{"bucket": "b-*"}"#, true),
            (r#"{"bucket": "c-*"}"#, false),
            (r#"{"key": "k"}"#, true),
            (r#"{"key": {"not": "k"}}"#, false),
            (r#"{"upload": "u"}"#, true),
            (r#"{"vault": {"absent": true}}"#, true),
            (r#"{"vault": "*"}"#, false),
            (r#"{"part": "3-7"}"#, true),
            (r#"{"part": [1, 2]}"#, false),
            (r#"{"range": {"from": 99}}"#, true),
            (r#"{"range": {"from": 100}}"#, false),
            (r#"{"range": {"to": "50%"}}"#, true),
            (r#"{"range": {"to": "0%"}}"#, false),
            (r#"{"range": {"from": -1}}"#, true),
            (r#"{"size": {"min": 100, "max": 100}}"#, true),
            (r#"{"size": {"min": 101}}"#, false),
            (r#"{"header": {"X-Cos-Sdk-Retry": "true"}}"#, true),
            (r#"{"header": {"x-cos-sdk-retry": {"absent": true}}}"#, false),
            (r#"{"client": {"absent": true}}"#, true),
            (r#"{"client": "*"}"#, false),
            (r#"{"attempt": 1}"#, true),
            (r#"{"attempt": {"min": 2}}"#, false),
            (r#"{"method": "PUT"}"#, true),
            (r#"{"method": ["GET", "POST"]}"#, false),
            (r#"{"path": "/k"}"#, true),
            (r#"{"path": {"regex": "^/x"}}"#, false),
            (r#"{"query": {"partNumber": "3"}}"#, true),
            (r#"{"query": {"partNumber": "4"}}"#, false),
            (r#"{"query": {"versionId": {"absent": true}}}"#, true),
            (r#"{"archive": {"absent": true}}"#, true),
            (r#"{"job": "*"}"#, false),
            (r#"{"on_connection": {"request": 1}}"#, true),
            (r#"{"on_connection": {"request": {"min": 2}}}"#, false),
            (r#"{"http": "1.1"}"#, true),
            (r#"{"http": "1.0"}"#, false),
            (r#"{"expect_continue": false}"#, true),
            (r#"{"expect_continue": true}"#, false),
            (r#"{"not": {"key": "k"}}"#, false),
            (r#"{"not": {"key": "other"}}"#, true),
            (r#"{"not": {"key": "k", "part": 4}}"#, true),
            (r#"{"not": {"not": {"key": "k"}}}"#, true),
        ] {
            assert_eq!(Play::rule(when, "{}").fires(&request), matches, "{when}");
        }
    }

    #[test]
    fn delays_follow_their_distribution() {
        let roll = |nth| Roll::new(Seed(1), "d", 0, nth, 1);
        let milliseconds = Duration::from_millis;
        assert_eq!(amount(&Delay::Fixed(milliseconds(5)), roll(0)), milliseconds(5));
        let mean = |delay: &Delay| {
            (0..2000).map(|nth| amount(delay, roll(nth)).as_secs_f64() * 1000.0).sum::<f64>() / 2000.0
        };
        let uniform = mean(&Delay::Uniform(milliseconds(10), milliseconds(30)));
        assert!((uniform - 20.0).abs() < 0.5, "{uniform}");
        let normal = mean(&Delay::Normal { mean: milliseconds(50), sd: milliseconds(5) });
        assert!((normal - 50.0).abs() < 0.5, "{normal}");
        let lognormal =
            Delay::Lognormal { median: milliseconds(10), sigma: 1.0, max: Some(milliseconds(20)) };
        let mut drawn: Vec<_> = (0..2001).map(|nth| amount(&lognormal, roll(nth))).collect();
        drawn.sort();
        assert!(drawn[1000].abs_diff(milliseconds(10)) < milliseconds(1), "{:?}", drawn[1000]);
        assert_eq!(drawn[2000], milliseconds(20));
        let below_zero = Delay::Normal { mean: Duration::ZERO, sd: milliseconds(5) };
        assert!((0..100).any(|nth| amount(&below_zero, roll(nth)).is_zero()));
    }

    #[test]
    fn a_table_forgets_the_keys_that_were_not_used_for_long() {
        let mut table = Table::<u32>::remembering(100);
        *table.entry(1) = 7;
        for key in 2..110 {
            table.entry(key);
        }
        assert_eq!(*table.entry(1), 7, "the older half is still known");
        for key in 0..200 {
            table.entry(1 << 32 | key);
        }
        assert_eq!(*table.entry(1), 0);
        assert!(table.recent.len() + table.older.len() <= 200);
    }
}
