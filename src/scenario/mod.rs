//! Which request gets which fault: the scenario language and the engine that decides by it. Pure.
//!
//! `file` reads the JSON format into the rules of `rule`; `engine` decides by them, `phases` and `limit` keep the states
//! and the rate limits; `explain` says in words what a file does. `json`, `value` and `problem` are what `file` is made
//! of; `library` holds the shipped files. Nothing here knows the services or their store.

mod engine;
mod expect;
mod explain;
mod file;
mod index;
mod json;
pub mod library;
mod limit;
mod phases;
mod problem;
mod rule;
mod value;

pub use engine::{
    Count, Counters, Decision, Facts, Greeting, MayFire, Outcome, Span, Trace, amount, count_expected,
    decide, decide_connection, logical_request, obstacle, rate_key,
};
pub use expect::{Backoff, Check, ClientResult, Expect, ExpectedObject, Retries};
pub use explain::explain;
pub use file::{
    ACTIONS, Claim, ClockSetting, ConnectionAction, ContentSetup, Entry, Expiry, IdleEnd, KeepAliveLimits,
    Readiness, Scenario, Setup, TlsFault, schema,
};
pub use index::Index;
pub use json::MAX_FILE_BYTES;
pub use limit::Limiter;
pub use phases::Phases;
pub use problem::{Diagnosis, Problem, did_you_mean};
pub use rule::{
    Action, Apply, Blanks, Checksum, ChecksumValue, ChunkFault, ContinueMode, Corruption, Declared,
    ErrorAnswer, Forgotten, Kept, LateError, MustFire, Point, RangeAnswer, Rule, Staleness, Then, Truncation,
};
pub use value::{Offset, parse_duration, parse_size, parse_skew};
