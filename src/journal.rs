//! The journal: exactly one entry for each exchange, whatever happened to it, in a bounded ring.
//!
//! An entry is begun when a head is complete and filled in as the exchange goes on. It says how the exchange ends before
//! the last byte is sent, so that a client that has its answer finds the entry complete; where the client goes away
//! instead, the entry is corrected.
//!
//! Source: `scenarios.md` 13.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::message::Head;
use crate::operation::Names;

/// The most bytes that the texts of all entries may take.
const MAX_TEXT_BYTES: usize = 16 << 20;

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
    #[serde(serialize_with = "header_lines")]
    pub headers: Option<Arc<Head>>,
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
    pub id: String,
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
    pub by: Option<String>,
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
    pub code: Option<String>,
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

impl Exchange {
    /// Fills in what the request names.
    pub fn name(&mut self, names: &Names) {
        let Names { bucket, key, upload, part, vault, archive, job } = names.clone();
        (self.bucket, self.key, self.upload, self.part) = (bucket, key, upload, part);
        (self.vault, self.archive, self.job) = (vault, archive, job);
    }

    /// It began and was over then, since the server started.
    pub fn end(&mut self, began: Duration, over: Duration) {
        self.span = (began, over);
        self.took_ms = u64::try_from(over.saturating_sub(began).as_millis()).unwrap_or(u64::MAX);
    }

    /// The bytes that its free texts take.
    fn text_bytes(&self) -> usize {
        let optional = [&self.bucket, &self.key, &self.upload, &self.job, &self.range, &self.client];
        self.path.len()
            + self.query.len()
            + self.host.len()
            + self.method.len()
            + optional.iter().map(|text| text.as_ref().map_or(0, String::len)).sum::<usize>()
            + self.headers.as_ref().map_or(0, |head| head.headers.iter().map(line_bytes).sum())
            + self.notes.iter().map(String::len).sum::<usize>()
            + self.actions.iter().map(|action| action.effect.len()).sum::<usize>()
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn line_bytes((name, value): (&http::HeaderName, &http::HeaderValue)) -> usize {
    name.as_str().len() + value.len()
}

/// Header fields as pairs.
fn header_lines<S: Serializer>(head: &Option<Arc<Head>>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut lines = serializer.serialize_seq(None)?;
    for (name, value) in head.iter().flat_map(|head| &head.headers) {
        lines.serialize_element(&(name.as_str(), String::from_utf8_lossy(value.as_bytes())))?;
    }
    lines.end()
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

/// The last exchanges of a world.
#[derive(Debug)]
pub struct Journal {
    entries: VecDeque<Exchange>,
    /// The number of the last entry of each logical request.
    latest: HashMap<u128, u64>,
    capacity: usize,
    text_bytes: usize,
    next: u64,
}

impl Journal {
    /// An empty journal for so many entries.
    pub fn new(capacity: usize) -> Self {
        Journal {
            entries: VecDeque::new(),
            latest: HashMap::new(),
            capacity: capacity.max(1),
            text_bytes: 0,
            next: 1,
        }
    }

    /// Adds an entry and returns its number. The oldest make room.
    pub fn begin(&mut self, mut exchange: Exchange) -> u64 {
        exchange.n = self.next;
        self.next += 1;
        self.text_bytes += exchange.text_bytes();
        self.latest.insert(exchange.logical, exchange.n);
        self.entries.push_back(exchange);
        while self.entries.len() > self.capacity
            || (self.text_bytes > MAX_TEXT_BYTES && self.entries.len() > 1)
        {
            let oldest = self.entries.pop_front().expect("there are entries");
            self.text_bytes -= oldest.text_bytes();
            if self.latest.get(&oldest.logical) == Some(&oldest.n) {
                self.latest.remove(&oldest.logical);
            }
        }
        self.next - 1
    }

    /// The last attempt of a logical request.
    pub fn last_attempt(&self, logical: u128) -> Option<&Exchange> {
        let n = *self.latest.get(&logical)?;
        self.entries.get(usize::try_from(n - self.entries.front()?.n).ok()?)
    }

    /// Changes an entry, unless it was dropped meanwhile.
    pub fn update(&mut self, n: u64, change: impl FnOnce(&mut Exchange)) {
        let Some(first) = self.entries.front().map(|first| first.n) else { return };
        let index = n.checked_sub(first).and_then(|index| usize::try_from(index).ok());
        if let Some(entry) = index.and_then(|index| self.entries.get_mut(index)) {
            let before = entry.text_bytes();
            change(entry);
            self.text_bytes = self.text_bytes - before + entry.text_bytes();
        }
    }

    /// The entries with a number of at least `from`, at most `limit`.
    pub fn entries(&self, from: u64, limit: usize) -> impl Iterator<Item = &Exchange> {
        self.entries.iter().filter(move |entry| entry.n >= from).take(limit)
    }

    /// How many entries were dropped to make room.
    pub fn dropped(&self) -> u64 {
        self.next - 1 - self.entries.len() as u64
    }

    /// The number that the next entry will get.
    pub fn next(&self) -> u64 {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(path: &str) -> Exchange {
        Exchange { path: path.to_owned(), ..Exchange::default() }
    }

    fn paths(journal: &Journal) -> Vec<&str> {
        journal.entries(0, usize::MAX).map(|entry| entry.path.as_str()).collect()
    }

    #[test]
    fn the_oldest_entries_make_room_and_are_counted() {
        let mut journal = Journal::new(2);
        assert_eq!(["a", "b", "c"].map(|path| journal.begin(exchange(path))), [1, 2, 3]);
        assert_eq!(paths(&journal), ["b", "c"]);
        assert_eq!((journal.dropped(), journal.next()), (1, 4));
    }

    #[test]
    fn an_entry_is_changed_by_its_number_and_a_dropped_one_is_not_missed() {
        let mut journal = Journal::new(2);
        for path in ["a", "b", "c"] {
            journal.begin(exchange(path));
        }
        journal.update(3, |entry| entry.applied = true);
        journal.update(1, |_| panic!("it is gone"));
        journal.update(99, |_| panic!("it never was"));
        assert_eq!(journal.entries(3, 1).map(|entry| entry.applied).collect::<Vec<_>>(), [true]);
    }

    #[test]
    fn long_texts_are_bounded_too() {
        let mut journal = Journal::new(10_000);
        for _ in 0..1000 {
            journal.begin(exchange(&"x".repeat(60_000)));
        }
        assert!(journal.text_bytes <= MAX_TEXT_BYTES);
        assert!(journal.dropped() > 700, "{}", journal.dropped());
    }
}
