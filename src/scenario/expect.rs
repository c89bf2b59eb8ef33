//! What has to hold at the end: the `expect` block of a scenario.
//!
//! Source: `scenarios.md` 9.

use std::time::Duration;

use super::rule::When;

/// What has to hold at the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// Whether the rules have to fire as often as their `must_fire` says.
    pub rules: bool,
    /// How many requests of a kind there have to be.
    pub requests: Vec<ExpectedRequests>,
    /// How objects have to be.
    pub objects: Vec<ExpectedObject>,
    /// How often and how patiently requests are repeated.
    pub retries: Retries,
    /// The built-in checks that are switched off.
    pub off: Vec<Check>,
    /// How the command of `exec` has to end; without it that decides nothing.
    pub client_result: Option<ClientResult>,
}

impl Default for Expect {
    fn default() -> Self {
        Expect {
            rules: true,
            requests: Vec::new(),
            objects: Vec::new(),
            retries: Retries::default(),
            off: Vec::new(),
            client_result: None,
        }
    }
}

/// How many requests of a kind there have to be.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedRequests {
    /// Which requests.
    pub when: When,
    /// At least so many.
    pub min: u32,
    /// At most so many.
    pub max: Option<u32>,
}

/// How an object has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedObject {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// Whether it is there.
    pub exists: bool,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// The SHA-256 of its bytes, in lower-case hexadecimal digits.
    pub sha256: Option<String>,
}

/// How often and how patiently requests are repeated.
#[derive(Debug, Clone, PartialEq)]
pub struct Retries {
    /// No logical request arrives more often.
    pub max_attempts: u32,
    /// The pauses between attempts.
    pub backoff: Option<Backoff>,
    /// Codes after which no retry follows.
    pub never_after: Vec<String>,
}

impl Default for Retries {
    fn default() -> Self {
        let never = ["AccessDenied", "NoSuchBucket", "InvalidArgument", "SignatureDoesNotMatch"];
        Retries {
            max_attempts: 10,
            backoff: None,
            never_after: never.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The pauses between attempts, from the end of a failure to the next arrival.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backoff {
    /// The shortest first pause.
    pub min_first: Option<Duration>,
    /// Whether no pause is shorter than the one before.
    pub grows: bool,
    /// Whether pauses differ between requests.
    pub jitter: bool,
    /// Whether no pause is shorter than `Retry-After`.
    pub honours_retry_after: bool,
    /// The longest time from the end of the first failure to the last attempt.
    pub max_total: Option<Duration>,
}

/// A built-in check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// A retried body differs from that of the first attempt.
    V01,
    /// A write that was answered with success is missing or different.
    V02,
    /// A completion named what was not held, or left a stored part out.
    V03,
    /// An upload was left open.
    V04,
    /// A connection was used after its end was announced.
    V05,
    /// A cut download was resumed at a wrong byte.
    V06,
    /// A request does not fit its own length or hashes.
    V07,
    /// A spoilt download was taken for a success.
    V08,
    /// A write that is not safe to repeat was repeated blindly.
    V09,
    /// A redirect was followed in a loop.
    V10,
}

impl Check {
    /// All of them, in order.
    pub const ALL: [Check; 10] = [
        Check::V01,
        Check::V02,
        Check::V03,
        Check::V04,
        Check::V05,
        Check::V06,
        Check::V07,
        Check::V08,
        Check::V09,
        Check::V10,
    ];

    /// What a client does that passes it, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Check::V01 => "a retry carries the same body",
            Check::V02 => "what was reported written is in the store",
            Check::V03 => "completions name the parts that are held, and all of them",
            Check::V04 => "no upload is left open",
            Check::V05 => "no connection is used after its announced end",
            Check::V06 => "a cut download is resumed at the first missing byte",
            Check::V07 => "requests fit their own length and hashes",
            Check::V08 => "a spoilt download is not taken for a success",
            Check::V09 => "writes that are not safe to repeat are not repeated blindly",
            Check::V10 => "redirects are not followed in a loop",
        }
    }
}

/// How a command has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientResult {
    /// With status 0.
    Success,
    /// With another status.
    Failure,
    /// In any way.
    Any,
}
