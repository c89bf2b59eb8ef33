//! `expect`: what has to hold at the end.
//!
//! Source: `scenarios.md` 9.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value as Schema, json};

use super::fire::{Count, Skip};
use super::when::ordered;
use super::{Keyed, Located, Many, MemberName, hash_file};
use crate::scenario::expect::{
    Backoff, Check, ClientResult, Expect, ExpectedObject, ExpectedRequests, Retries,
};
use crate::scenario::json::{Node, Problems, Read, members, names};
use crate::scenario::rule::When;
use crate::scenario::value::{CodeName, Size};

names! { ExpectedRules as "expectation" {
    AllFired = "all-fired",
    Any = "any",
} }

/// Whether the rules have to fire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ExpectedRules {
    AllFired,
    Any,
}

names! { ClientResult as "result" {
    Success = "success",
    Failure = "failure",
    Any = "any",
} }

names! { Check as "check" {
    V01 = "V01",
    V02 = "V02",
    V03 = "V03",
    V04 = "V04",
    V05 = "V05",
    V06 = "V06",
    V07 = "V07",
    V08 = "V08",
    V09 = "V09",
    V10 = "V10",
} }

members! {
    /// What has to hold at the end.
    pub struct ExpectText {
        /// "all-fired": every rule fired as often as its must_fire says; "any" asks for nothing.
        default rules: ExpectedRules = ExpectedRules::AllFired,
        /// How many requests of a kind there have to be.
        default requests: Many<RequestsText> = Many(Vec::new()),
        /// How objects have to be.
        default objects: Many<Located<ObjectText>> = Many(Vec::new()),
        /// How often and how patiently requests are repeated.
        optional retries: RetriesText,
        /// Built-in checks to switch off: { "V04": "off" }.
        default checks: Keyed<CheckName, Switch> = Keyed::default(),
        /// How the command of exec has to end: with status 0, with another one, or in any way.
        optional client_result: ClientResult,
    }
}

members! {
    /// How many requests of a kind there have to be.
    pub struct RequestsText {
        /// Which requests.
        required when: When,
        /// How many, both ends included.
        required count: Occurrences,
    }
}

/// So many, both ends included.
#[derive(Debug, Clone, PartialEq)]
pub struct Occurrences(u32, Option<u32>);

impl Read for Occurrences {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let Bounds { min, max } = Bounds::read(node, problems)?;
        let max = max.map(|max| max.0);
        ordered(&min.0, &max.unwrap_or(u32::MAX), node, problems)?;
        Some(Occurrences(min.0, max))
    }

    fn schema() -> Schema {
        Bounds::schema()
    }
}

members! {
    pub struct Bounds {
        /// At least so many.
        default min: Skip = Skip(0),
        /// At most so many.
        optional max: Skip,
    }
}

members! {
    /// How an object has to be.
    pub struct ObjectText {
        /// The bucket.
        required bucket: String,
        /// The key.
        required key: String,
        /// Whether it is there.
        default exists: bool = true,
        /// Its size.
        optional size: Size,
        /// The SHA-256 of its bytes.
        optional sha256: Sha256Text,
        /// A file with the same bytes, beside the scenario or below.
        optional same_as: String,
    }
}

members! {
    /// How often and how patiently requests are repeated.
    pub struct RetriesText {
        /// No logical request arrives more often.
        default max_attempts: Count = Count(Retries::default().max_attempts),
        /// The pauses between attempts, from the end of a failure to the next arrival.
        optional backoff: BackoffText,
        /// Codes after which no retry follows.
        optional never_after: Many<CodeName>,
    }
}

members! {
    pub struct BackoffText {
        /// The shortest first pause.
        optional min_first: Duration,
        /// Whether no pause is shorter than the one before.
        default grows: bool = false,
        /// Whether pauses differ between requests.
        default jitter: bool = false,
        /// Whether no pause is shorter than Retry-After.
        default honours_retry_after: bool = false,
        /// The longest time from the end of the first failure to the last attempt.
        optional max_total: Duration,
    }
}

/// 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq)]
pub struct Sha256Text(String);

impl Read for Sha256Text {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some(Sha256Text(text.to_ascii_lowercase()));
        }
        problems
            .add(node.problem("E202", format!("\"{text}\" is no SHA-256")).with_hint("64 hexadecimal digits"))
    }

    fn schema() -> Schema {
        json!({ "type": "string", "pattern": "^[0-9a-fA-F]{64}$" })
    }
}

/// The name of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckName;

impl MemberName for CheckName {
    fn problem(name: &str) -> Option<String> {
        let known = Check::ALL.iter().any(|check| check.name() == name);
        (!known).then(|| format!("there is no check \"{name}\": there are V01 to V10"))
    }

    fn schema() -> Schema {
        json!({ "enum": Check::ALL.map(Check::name).iter().chain(&["note"]).collect::<Vec<_>>() })
    }
}

/// Whether a check is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Switch {
    On,
    Off,
}

names! { Switch as "switch" {
    On = "on",
    Off = "off",
} }

impl ExpectText {
    /// Reads the files that it refers to.
    pub fn into_expect(self, folder: Option<&Path>, problems: &mut Problems) -> Option<Expect> {
        let objects: Vec<_> =
            self.objects.0.into_iter().map(|object| into_object(object, folder, problems)).collect();
        let retries = self.retries.map(|text| Retries {
            max_attempts: text.max_attempts.0,
            backoff: text.backoff.map(|text| Backoff {
                min_first: text.min_first,
                grows: text.grows,
                jitter: text.jitter,
                honours_retry_after: text.honours_retry_after,
                max_total: text.max_total,
            }),
            never_after: text.never_after.map_or(Retries::default().never_after, |codes| {
                codes.0.into_iter().map(|code| code.0).collect()
            }),
        });
        let is_off = |check: &Check| {
            self.checks.0.iter().any(|(name, switch)| name == check.name() && *switch == Switch::Off)
        };
        Some(Expect {
            rules: self.rules == ExpectedRules::AllFired,
            requests: self
                .requests
                .0
                .into_iter()
                .map(|text| ExpectedRequests { when: text.when, min: text.count.0, max: text.count.1 })
                .collect(),
            objects: objects.into_iter().collect::<Option<_>>()?,
            retries: retries.unwrap_or_default(),
            off: Check::ALL.into_iter().filter(is_off).collect(),
            client_result: self.client_result,
        })
    }
}

fn into_object(
    located: Located<ObjectText>,
    folder: Option<&Path>,
    problems: &mut Problems,
) -> Option<ExpectedObject> {
    let ObjectText { bucket, key, exists, size, sha256, same_as } = located.value.clone();
    let mut size = size.map(|size| size.0);
    let mut sha256 = sha256.map(|text| text.0);
    if let Some(path) = same_as {
        match hash_file(&path, folder) {
            Ok((bytes, hash)) => (size, sha256) = (size.or(Some(bytes)), sha256.or(Some(hash))),
            Err(message) => {
                return problems.add(located.problem("E308", format!("\"{path}\": {message}")));
            }
        }
    }
    Some(ExpectedObject { bucket, key, exists, size, sha256 })
}
