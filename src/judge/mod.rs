//! The verdict: whether each fault happened, and whether the client coped.
//!
//! It is a function of the journal, the counters and the store at the end. `checks` has V01 to V10, `retries` the pauses
//! between attempts, `report` writes the verdict for people and for CI.
//!
//! Source: `scenarios.md` 9.

mod checks;
mod report;
mod retries;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::digest::sha256_of_pieces;
use crate::journal::{Exchange, lines};
use crate::operation::Service;
use crate::scenario::{Check, ClientResult, Count, Expect, ExpectedObject, MustFire, Scenario};
use crate::store::{Object, Store};

/// Whether everything holds that has to hold, and what does not.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Verdict {
    /// The name of the scenario.
    pub scenario: String,
    /// The seed.
    pub seed: String,
    /// Whether everything holds.
    pub holds: bool,
    /// How many exchanges there were.
    pub exchanges: u64,
    /// How many of them the journal had to drop: the checks did not see them.
    pub dropped: u64,
    /// Each thing that was looked at.
    pub cases: Vec<Case>,
}

/// A verdict with the exchanges that it is of.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// The exchanges.
    pub exchanges: Vec<Exchange>,
}

impl Judgement {
    /// As JUnit XML: one test case for each thing that was looked at.
    pub fn junit(&self) -> String {
        report::junit(&self.verdict)
    }

    /// As a page of HTML that needs nothing else: the checks, and a line of time for each disturbed request.
    pub fn html(&self) -> String {
        report::html(&self.verdict, &self.exchanges)
    }

    /// The exchanges as lines of JSON, as the control API exports them.
    pub fn journal(&self) -> String {
        lines(&self.exchanges)
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Case {
    /// Its name: `rules/<id>`, `requests[0]`, `objects[0]`, `retries.max_attempts`, `V01`.
    pub name: String,
    /// What holds when it holds.
    pub title: String,
    /// What came of it.
    pub outcome: Outcome,
    /// One line for each reason why it does not hold, with the exchanges.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// What came of a case.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It was not looked at; the reason says why.
    Skipped,
}

/// How the command of `exec` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandEnd {
    /// With this status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

impl CommandEnd {
    /// The status that a shell gives it.
    pub fn status(self) -> i32 {
        match self {
            CommandEnd::Exited(status) => status,
            CommandEnd::Signalled(signal) => 128 + signal,
        }
    }
}

/// What is judged.
pub struct Evidence<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The seed in use.
    pub seed: String,
    /// Matches and firings of each rule, then of each rule for connections.
    pub counts: Vec<Count>,
    /// How many requests of each expected kind there were.
    pub requests: Vec<u32>,
    /// The exchanges, in order.
    pub exchanges: Vec<&'a Exchange>,
    /// How many exchanges were dropped before those.
    pub dropped: u64,
    /// What is stored at the end.
    pub stock: Stock,
    /// How the command ended, under `exec`.
    pub command: Option<CommandEnd>,
}

/// What of the store is looked at: taken under its lock, so that hashing needs none.
#[derive(Debug, Default)]
pub struct Stock {
    /// Objects by bucket and key.
    objects: BTreeMap<(String, String), Arc<Object>>,
    /// The unfinished uploads: what they are of, and their ids.
    open_uploads: Vec<(String, String)>,
}

impl Stock {
    /// What is stored of the objects that the exchanges or the expectations name.
    pub fn of(store: &Store, scenario: &Scenario, exchanges: &[Exchange], now: Timestamp) -> Self {
        let expected = scenario.expect.iter().flat_map(|expect| &expect.objects);
        let expected = expected.map(|object| (object.bucket.as_str(), object.key.as_str()));
        let named = exchanges
            .iter()
            .filter_map(|exchange| Some((exchange.bucket.as_deref()?, exchange.key.as_deref()?)));
        let found = expected.chain(named).filter_map(|(bucket, key)| {
            let object = store.bucket(bucket)?.object(key)?;
            Some(((bucket.to_owned(), key.to_owned()), object.clone()))
        });
        let of_buckets = store.buckets().flat_map(|(name, bucket)| {
            let uploads = bucket.uploads_after("", None);
            uploads.map(move |(key, id, _)| (format!("{name}/{key}"), id.to_owned()))
        });
        let of_vaults = store.vaults().flat_map(|(name, vault)| {
            let uploads = vault.uploads(now).into_iter();
            uploads.map(move |(id, _)| (format!("the vault {name}"), id.to_owned()))
        });
        Stock { objects: found.collect(), open_uploads: of_buckets.chain(of_vaults).collect() }
    }

    fn object(&self, bucket: &str, key: &str) -> Option<&Object> {
        self.objects.get(&(bucket.to_owned(), key.to_owned())).map(|object| &**object)
    }
}

/// The attempts of logical requests.
struct Attempts<'a> {
    /// Each logical request with its attempts, up to the one that succeeded.
    sequences: Vec<Vec<&'a Exchange>>,
}

impl<'a> Attempts<'a> {
    fn new(exchanges: &[&'a Exchange]) -> Self {
        let mut sequences: Vec<Vec<&Exchange>> = Vec::new();
        let mut latest: HashMap<u128, usize> = HashMap::new();
        for exchange in exchanges.iter().filter(|exchange| exchange.attempt > 0) {
            match latest.get(&exchange.logical) {
                Some(index) if exchange.attempt > 1 => sequences[*index].push(exchange),
                _ => {
                    latest.insert(exchange.logical, sequences.len());
                    sequences.push(vec![exchange]);
                }
            }
        }
        Attempts { sequences }
    }

    /// Each attempt with the one that follows it.
    fn pairs(&self) -> impl Iterator<Item = (&'a Exchange, &'a Exchange)> {
        self.sequences.iter().flat_map(|attempts| attempts.windows(2).map(|pair| (pair[0], pair[1])))
    }
}

/// Judges.
pub fn judge(evidence: &Evidence<'_>) -> Verdict {
    let usual = Expect::default();
    let expect = evidence.scenario.expect.as_ref().unwrap_or(&usual);
    let attempts = Attempts::new(&evidence.exchanges);
    let mut cases = rules(evidence, expect);
    cases.extend(requests(evidence, expect));
    cases.extend(expect.objects.iter().enumerate().map(|(index, object)| {
        Case::of(
            format!("objects[{index}]"),
            format!("{}/{} is as expected", object.bucket, object.key),
            object_reasons(object, &evidence.stock),
        )
    }));
    cases.extend(retries::cases(&expect.retries, &attempts));
    cases.extend(client_result(expect, evidence.command));
    cases.extend(Check::ALL.into_iter().map(|check| {
        let (name, title) = (check.name().to_owned(), check.title().to_owned());
        if expect.off.contains(&check) {
            return Case::skipped(name, title, "switched off by the scenario");
        }
        match checks::reasons(check, evidence, &attempts) {
            Some(reasons) => Case::of(name, title, reasons),
            None => Case::skipped(name, title, "only under cos-emu exec, which sees how the command ends"),
        }
    }));
    if evidence.dropped > 0 {
        let gap = format!("{} exchanges were dropped from the journal and not looked at", evidence.dropped);
        // Without any entry nothing is known: an upload that is open may have been aborted in vain.
        let knows_nothing = evidence.exchanges.is_empty();
        let unsure = cases.iter_mut().filter(|case| case.outcome == Outcome::Passed || knows_nothing);
        for case in unsure.filter(|case| case.name.starts_with('V') || case.name.starts_with("retries")) {
            *case = Case::skipped(case.name.clone(), case.title.clone(), &gap);
        }
    }
    Verdict {
        scenario: evidence.scenario.name.clone(),
        seed: evidence.seed.clone(),
        holds: cases.iter().all(|case| case.outcome != Outcome::Failed),
        exchanges: evidence.dropped + evidence.exchanges.len() as u64,
        dropped: evidence.dropped,
        cases,
    }
}

impl Verdict {
    /// The reasons, one in a line.
    pub fn reasons(&self) -> impl Iterator<Item = String> {
        let failed = self.cases.iter().filter(|case| case.outcome == Outcome::Failed);
        failed.flat_map(|case| case.reasons.iter().map(move |reason| format!("{}: {reason}", case.name)))
    }
}

impl Case {
    fn of(name: String, title: String, reasons: Vec<String>) -> Self {
        let outcome = if reasons.is_empty() { Outcome::Passed } else { Outcome::Failed };
        Case { name, title, outcome, reasons }
    }

    fn skipped(name: String, title: String, reason: &str) -> Self {
        Case { name, title, outcome: Outcome::Skipped, reasons: vec![reason.to_owned()] }
    }
}

/// Whether each rule fired as often as it has to. Without a word on it, a rule that never fired fails the verdict; but in a
/// scenario for both services, who speaks one of them is not asked for the rules of the other.
fn rules(evidence: &Evidence<'_>, expect: &Expect) -> Vec<Case> {
    let services: Vec<Option<Service>> =
        evidence.scenario.rules.iter().map(|rule| rule.when.only_service()).collect();
    let is_spoken =
        |service: Service| evidence.exchanges.iter().any(|exchange| exchange.service == service.name());
    // The service that a rule is for and nobody speaks, while somebody speaks the other.
    let unspoken = |index: usize| {
        let service = services.get(index).copied().flatten().filter(|service| !is_spoken(*service))?;
        let other = services.iter().flatten().find(|other| **other != service)?;
        is_spoken(*other).then_some(service)
    };
    let counted = evidence.scenario.obligations().zip(&evidence.counts).enumerate();
    counted
        .filter(|_| expect.rules)
        .map(|(index, ((id, must_fire), count))| {
            let (name, title) = (format!("rules/{id}"), "the rule fired as often as it has to".to_owned());
            match (unfulfilled(id, must_fire, *count), unspoken(index)) {
                (Some(_), Some(service)) => {
                    let reason =
                        format!("the scenario is for both services, and no request of {service} came");
                    Case::skipped(name, title, &reason)
                }
                (reason, _) => Case::of(name, title, reason.into_iter().collect()),
            }
        })
        .collect()
}

/// Says in what a rule did not fire as often as it has to.
pub fn unfulfilled(id: &str, must_fire: MustFire, count: Count) -> Option<String> {
    let times = |number: u32| format!("{number} time{}", if number == 1 { "" } else { "s" });
    let wanted = match must_fire.max {
        _ if must_fire.holds(count.firings) => return None,
        Some(max) if count.firings > max => format!("at most {}", times(max)),
        _ => format!("at least {}", times(must_fire.min)),
    };
    let (fired, matched) = (times(count.firings), times(count.matches));
    Some(format!("rule \"{id}\" matched {matched} and fired {fired}, but has to fire {wanted}"))
}

fn requests(evidence: &Evidence<'_>, expect: &Expect) -> Vec<Case> {
    let counts = evidence.requests.iter().copied().chain(std::iter::repeat(0));
    let expected = expect.requests.iter().zip(counts).enumerate();
    expected
        .map(|(index, (expected, count))| {
            let reason = match expected.max {
                _ if count < expected.min => Some(format!("at least {}", expected.min)),
                Some(max) if count > max => Some(format!("at most {max}")),
                _ => None,
            };
            let reason =
                reason.map(|bound| format!("{}: {count} came, not {bound}", expected.when.describe()));
            let title = "as many requests came as expected".to_owned();
            Case::of(format!("requests[{index}]"), title, reason.into_iter().collect())
        })
        .collect()
}

fn object_reasons(expected: &ExpectedObject, stock: &Stock) -> Vec<String> {
    let place = format!("{}/{}", expected.bucket, expected.key);
    let Some(object) = stock.object(&expected.bucket, &expected.key) else {
        return if expected.exists { vec![format!("{place} is not there")] } else { Vec::new() };
    };
    if !expected.exists {
        return vec![format!("{place} is there, with {} bytes", object.content.len())];
    }
    let mut reasons = Vec::new();
    if let Some(size) = expected.size.filter(|size| *size != object.content.len()) {
        reasons.push(format!("{place} has {} bytes instead of {size}", object.content.len()));
    } else if let Some(sha256) = &expected.sha256 {
        let found = sha256_of_pieces(object.content.pieces());
        if found != *sha256 {
            reasons.push(format!("{place} has other bytes: SHA-256 {found} instead of {sha256}"));
        }
    }
    reasons
}

fn client_result(expect: &Expect, command: Option<CommandEnd>) -> Option<Case> {
    let wanted = expect.client_result?;
    let (name, title) = ("client_result".to_owned(), "the command ended as expected".to_owned());
    let Some(end) = command else {
        return Some(Case::skipped(name, title, "only under cos-emu exec, which runs a command"));
    };
    let status = end.status();
    let reason = match wanted {
        ClientResult::Success if status != 0 => Some(format!("it ended with {status}, not with 0")),
        ClientResult::Failure if status == 0 => Some("it ended with 0, and was to fail".to_owned()),
        _ => None,
    };
    Some(Case::of(name, title, reason.into_iter().collect()))
}

/// An exchange in a few words: `#17 UploadPart big.bin part 3 (attempt 2)`.
fn label(exchange: &Exchange) -> String {
    let mut label = format!("#{} {}", exchange.n, exchange.op.unwrap_or(&exchange.method));
    for name in [&exchange.key, &exchange.archive, &exchange.job].into_iter().flatten() {
        label.push(' ');
        label.push_str(name);
    }
    if let Some(part) = exchange.part {
        label.push_str(&format!(" part {part}"));
    }
    if exchange.attempt > 1 {
        label.push_str(&format!(" (attempt {})", exchange.attempt));
    }
    label
}
