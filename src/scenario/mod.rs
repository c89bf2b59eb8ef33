//! Which request gets which fault: the scenario language and the engine that decides by it. Pure.
//!
//! `file` reads the JSON format into the rules of `rule`; `engine` decides by them. `json`, `value` and `problem` are
//! what `file` is made of; `library` holds the shipped files. Nothing here knows the services or their store.

mod engine;
mod file;
mod json;
pub mod library;
mod problem;
mod rule;
mod value;

pub use engine::{Counters, Decision, Facts, MayFire, Outcome, Span, Trace, amount, decide};
pub use file::Scenario;
pub use problem::{Diagnosis, Problem};
pub use rule::{
    Action, Apply, Checksum, ChecksumValue, Corruption, Declared, ErrorAnswer, Forgotten, Point, RangeAnswer,
    Rule, Then, Truncation,
};
pub use value::{Offset, parse_duration, parse_size};
