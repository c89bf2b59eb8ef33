//! What was asked of the server, and what it did.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Which exchanges are meant: those that fit all that is said here. Without anything, all of them.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub(crate) query: Vec<(&'static str, String)>,
}

impl Filter {
    /// All of them.
    pub fn new() -> Self {
        Filter::default()
    }

    /// With this operation, such as `UploadPart`.
    pub fn op(self, op: &str) -> Self {
        self.with("op", op)
    }

    /// With this bucket.
    pub fn bucket(self, bucket: &str) -> Self {
        self.with("bucket", bucket)
    }

    /// With this key.
    pub fn key(self, key: &str) -> Self {
        self.with("key", key)
    }

    /// With this upload id.
    pub fn upload(self, upload: &str) -> Self {
        self.with("upload", upload)
    }

    /// With this part number.
    pub fn part(self, part: u32) -> Self {
        self.with("part", part)
    }

    /// Signed with this access key id.
    pub fn client(self, id: &str) -> Self {
        self.with("client", id)
    }

    /// That this rule matched, or was the nearest to match.
    pub fn rule(self, id: &str) -> Self {
        self.with("rule", id)
    }

    /// Answered with this status.
    pub fn status(self, status: u16) -> Self {
        self.with("status", status)
    }

    /// In which a rule had this outcome, such as `fired`.
    pub fn outcome(self, outcome: &str) -> Self {
        self.with("outcome", outcome)
    }

    /// From this number on.
    pub fn from(self, n: u64) -> Self {
        self.with("from", n)
    }

    /// At most so many. The server gives no more than 10,000 at once.
    pub fn limit(self, limit: usize) -> Self {
        self.with("limit", limit)
    }

    fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.query.push((name, value.to_string()));
        self
    }
}

/// A page of the journal.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Page {
    /// The exchanges, the oldest first.
    #[serde(deserialize_with = "entries")]
    pub exchanges: Vec<Exchange>,
    /// How many older ones the journal no longer has.
    pub dropped: u64,
    /// With which number the next page begins.
    pub next: u64,
}

/// One request, and what became of it.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Exchange {
    /// Its number in the journal, from 1.
    pub n: u64,
    /// The operation, such as `UploadPart`; `None` when the request is none.
    pub op: Option<String>,
    /// The method.
    pub method: String,
    /// The host that the request names.
    pub host: String,
    /// The path as sent.
    pub path: String,
    /// The query as sent.
    pub query: String,
    /// The header fields as sent, in order.
    pub headers: Vec<(String, String)>,
    /// COS: the bucket.
    pub bucket: Option<String>,
    /// COS: the key.
    pub key: Option<String>,
    /// The upload id.
    pub upload: Option<String>,
    /// The part number.
    pub part: Option<u64>,
    /// The access key id that signed it.
    pub client: Option<String>,
    /// The how-manieth attempt of the same request, from 1.
    pub attempt: u32,
    /// What arrived of the body.
    pub received: Received,
    /// The rules that matched, or were the nearest to match.
    pub rules: Vec<Rule>,
    /// The faults that took effect, in order.
    pub actions: Vec<Action>,
    /// Whether the operation took place, whatever the client was told.
    pub applied: bool,
    /// What was answered; `None` when nothing was.
    pub answer: Option<Answer>,
    /// How it ended: `keep-alive`, `close`, `half-close`, `reset`, `client-close`, `client-reset`; `None` while it goes on.
    pub ended: Option<String>,
    /// When the head had arrived, by the clock of the world, in RFC 3339.
    pub at: String,
    /// How long it took from then on, in milliseconds.
    pub took_ms: u64,
    /// All of the entry, as it came.
    #[serde(skip)]
    pub raw: Value,
}

/// Reads entries, and keeps each as it came.
fn entries<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Exchange>, D::Error> {
    let entries = Vec::<Value>::deserialize(from)?;
    let read = |raw: Value| Exchange::deserialize(&raw).map(|exchange| Exchange { raw, ..exchange });
    entries.into_iter().map(read).collect::<Result<_, _>>().map_err(D::Error::custom)
}

/// What arrived of a body.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Received {
    /// The declared length in bytes.
    pub declared: Option<u64>,
    /// The bytes that were read.
    pub bytes: u64,
    /// Their SHA-256 in hexadecimal, if there are any.
    pub sha256: Option<String>,
}

/// What became of a rule in an exchange.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Rule {
    /// The id of the rule.
    pub id: String,
    /// `fired`, `not-due`, `shadowed`, `not-reached`, `refused`, or `no-match` for the nearest that did not match.
    pub outcome: String,
}

/// A fault that took effect.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Action {
    /// Its name, such as `reset`.
    pub action: String,
    /// When, for those that happen at a moment: `head`, `upload`, `download`, `reply`, `done`.
    pub at: Option<String>,
    /// At which byte of the body.
    pub offset: Option<u64>,
    /// What it did, in words.
    pub effect: String,
}

/// What was answered.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The error code, when it is an error.
    pub code: Option<String>,
    /// The bytes of the body that were sent.
    pub bytes: u64,
}
