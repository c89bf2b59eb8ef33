//! `server`: how the service behaves, whatever the request.
//!
//! Source: `scenarios.md` 8.

use std::time::Duration;

use serde_json::{Value as Schema, json};

use super::fire::{Count, Skip};
use super::{Many, exclude};
use crate::clock::Timestamp;
use crate::message::{CasSettings, ContentRangeForm, EtagForm, InventoryFigures, ShortChunks};
use crate::scenario::json::{Node, Problems, Read, at_least_one, exactly_one, members, names};
use crate::scenario::rule::Delay;
use crate::scenario::value::{CodeName, is_duration, parse_skew};
use crate::signature::AuthMode;

/// How the service behaves, whatever the request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Server {
    /// Another clock than the real one.
    pub clock: Option<ClockSetting>,
    /// How strictly signatures are checked.
    pub auth: Option<AuthMode>,
    /// What an ETag is made of.
    pub etag: Option<EtagForm>,
    /// How many requests are let through.
    pub rate_limits: Vec<RateLimit>,
    /// How late writes are seen.
    pub consistency: Option<Consistency>,
    /// How long connections are kept.
    pub keep_alive: Option<KeepAliveLimits>,
    /// What every request waits before its answer.
    pub latency: Option<Delay>,
    /// When jobs of CAS are ready.
    pub jobs: Option<Readiness>,
    /// What is chosen about CAS.
    pub cas: Option<CasSettings>,
    /// How long the body of a request may pause.
    pub body_timeout: Option<Duration>,
}

members! {
    struct ServerText {
        /// A clock that is ahead, behind, or stands still.
        optional clock: ClockSetting,
        /// How strictly signatures are checked.
        optional auth: AuthMode,
        /// What an ETag is made of: MD5, or SHA-1 as in 2017.
        optional etag: EtagForm,
        /// How many requests are let through.
        default rate_limit: Many<RateLimit> = Many(Vec::new()),
        /// How late writes are seen.
        optional consistency: Consistency,
        /// How long connections are kept.
        optional keep_alive: KeepAliveLimits,
        /// What every request waits before its answer.
        optional latency: Delay,
        /// CAS: when jobs are ready.
        optional jobs: JobsText,
        /// CAS: where the published pages leave a choice.
        optional cas: CasText,
        /// A body that pauses longer gets RequestTimeout.
        optional body_timeout: Duration,
    }
}

impl Read for Server {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = ServerText::read(node, problems)?;
        Some(Server {
            clock: text.clock,
            auth: text.auth,
            etag: text.etag,
            rate_limits: text.rate_limit.0,
            consistency: text.consistency,
            keep_alive: text.keep_alive,
            latency: text.latency,
            jobs: text.jobs.map(|jobs| jobs.complete),
            cas: text.cas.map(|cas| CasSettings {
                short_chunks: cas.short_parts,
                inventory: cas.inventory,
                content_range: cas.content_range,
            }),
            body_timeout: text.body_timeout,
        })
    }

    fn schema() -> Schema {
        ServerText::schema()
    }
}

/// A clock other than the real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockSetting {
    /// Ahead by so many milliseconds, or behind.
    Skew(i64),
    /// Stands still.
    Freeze(Timestamp),
}

members! {
    struct ClockText {
        /// How far the clock is ahead, "+20m", or behind, "-20m".
        optional skew: Skew,
        /// Where the clock stands still, "2024-05-01T00:00:00Z".
        optional freeze: Moment,
    }
}

impl Read for ClockSetting {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = ClockText::read(node, problems)?;
        let members = node.members()?;
        exclude(&members, &["skew", "freeze"], problems);
        match (text.skew, text.freeze) {
            (Some(skew), _) => Some(ClockSetting::Skew(skew.0)),
            (None, Some(moment)) => Some(ClockSetting::Freeze(moment.0)),
            (None, None) => {
                problems.add(members.problem_at_brace("E201", "one of \"skew\" and \"freeze\" is missing"))
            }
        }
    }

    fn schema() -> Schema {
        exactly_one(ClockText::schema(), &["skew", "freeze"])
    }
}

/// A difference of clocks, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
struct Skew(i64);

impl Read for Skew {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let parsed = node.text().and_then(parse_skew);
        match parsed {
            Some(milliseconds) => Some(Skew(milliseconds)),
            None => {
                let form = "a sign, a number and a unit, such as \"+20m\" or \"-20m\"";
                let magnitude = node.text().and_then(|text| text.strip_prefix(['+', '-']));
                let (code, message) = if magnitude.is_some_and(is_duration) {
                    ("E109", "the difference of clocks is out of range")
                } else {
                    ("E202", "this is no difference of clocks")
                };
                problems.add(node.problem(code, message).with_hint(form))
            }
        }
    }

    fn schema() -> Schema {
        json!({ "type": "string", "pattern": r"^[+-][0-9]+(\.[0-9]*)?(ms|s|m|h)$" })
    }
}

/// A point in time, `2024-05-01T00:00:00Z`.
#[derive(Debug, Clone, PartialEq)]
struct Moment(Timestamp);

impl Read for Moment {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match node.text().and_then(Timestamp::parse_iso) {
            Some(moment) => Some(Moment(moment)),
            None => {
                let mut problem = node.problem("E202", "this is no point in time");
                problem.hint = Some("write it as \"2024-05-01T00:00:00Z\"".to_owned());
                problems.add(problem)
            }
        }
    }

    fn schema() -> Schema {
        json!({ "type": "string", "format": "date-time", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z$" })
    }
}

names! { AuthMode as "mode" {
    Off = "off",
    Check = "check",
    Strict = "strict",
} }

names! { EtagForm as "form of ETag" {
    Md5 = "md5",
    Sha1 = "sha1",
} }

/// A limit: a bucket of tokens for each scope, that fills at a steady rate.
#[derive(Debug, Clone, PartialEq)]
pub struct RateLimit {
    /// Tokens per second; above 0.
    pub per_second: f64,
    /// How many tokens fit in beside the one that flows.
    pub burst: u32,
    /// What has a bucket of tokens of its own.
    pub per: RateScope,
    /// The code of the refusal; by itself that of the service.
    pub code: Option<String>,
}

/// What has a rate limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateScope {
    /// The scenario.
    Scenario,
    /// A bucket, or a vault.
    Bucket,
    /// An access key id.
    Client,
    /// A connection.
    Connection,
    /// A bucket and key, or a vault and archive.
    Key,
}

names! { RateScope as "scope" {
    Scenario = "scenario",
    Bucket = "bucket",
    Client = "client",
    Connection = "connection",
    Key = "key",
} }

members! {
    struct RateLimitText {
        /// How many requests a second; a fraction is allowed.
        required requests_per_second: PerSecond,
        /// How many more may come at once.
        default burst: Skip = Skip(0),
        /// What has a limit of its own.
        default per: RateScope = RateScope::Bucket,
        /// The code of the refusal; by itself SlowDown for COS and ThrottlingException for CAS.
        optional code: CodeName,
    }
}

impl Read for RateLimit {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = RateLimitText::read(node, problems)?;
        Some(RateLimit {
            per_second: text.requests_per_second.0,
            burst: text.burst.0,
            per: text.per,
            code: text.code.map(|code| code.0),
        })
    }

    fn schema() -> Schema {
        RateLimitText::schema()
    }
}

#[derive(Debug, Clone, PartialEq)]
struct PerSecond(f64);

impl Read for PerSecond {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match f64::read(node, problems)? {
            rate if rate > 0.0 => Some(PerSecond(rate)),
            rate => problems.add(node.problem("E204", format!("the rate {rate} is not above 0"))),
        }
    }

    fn schema() -> Schema {
        json!({ "type": "number", "exclusiveMinimum": 0 })
    }
}

members! {
    /// How late writes are seen.
    pub struct Consistency {
        /// Lists see a write so much later.
        default list_lag: Duration = Duration::ZERO,
        /// So many reads of an object do not see a write yet.
        default read_lag_reads: Skip = Skip(0),
    }
}

members! {
    /// How long connections are kept.
    pub struct KeepAliveLimits {
        /// An idle connection ends after that time.
        optional idle: Duration,
        /// A connection ends behind the answer to its n-th request.
        optional max_requests: Count,
        /// Whether that answer says so.
        default announce: bool = true,
    }
}

/// When a job of CAS is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// At once.
    Immediately,
    /// So much later, by the clock of the scenario.
    After(Duration),
    /// At the n-th describe.
    AfterDescribes(u32),
    /// At the first of the two.
    Either(Duration, u32),
}

members! {
    struct JobsText {
        /// When jobs are ready: "immediately", { "after": "4h" }, { "after_describes": 3 }, or both for the first of the two.
        required complete: Readiness,
    }
}

members! {
    struct ReadinessText {
        /// So much later, by the clock of the scenario.
        optional after: Duration,
        /// At the n-th describe.
        optional after_describes: Count,
    }
}

impl Read for Readiness {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.text() == Some("immediately") {
            return Some(Readiness::Immediately);
        }
        let Some(members) = node.members() else {
            return problems
                .add(node.wrong_type("\"immediately\", or an object with after or after_describes"));
        };
        let text = ReadinessText::read(node, problems)?;
        match (text.after, text.after_describes) {
            (Some(after), Some(describes)) => Some(Readiness::Either(after, describes.0)),
            (Some(after), None) => Some(Readiness::After(after)),
            (None, Some(describes)) => Some(Readiness::AfterDescribes(describes.0)),
            (None, None) => problems
                .add(members.problem_at_brace("E201", "one of \"after\" and \"after_describes\" is missing")),
        }
    }

    fn schema() -> Schema {
        let object = at_least_one(ReadinessText::schema(), &["after", "after_describes"]);
        json!({ "anyOf": [{ "const": "immediately" }, object] })
    }
}

names! { ShortChunks as "moment" {
    AtComplete = "at-complete",
    AtUpload = "at-upload",
} }

names! { InventoryFigures as "inventory" {
    Daily = "daily",
    Live = "live",
} }

names! { ContentRangeForm as "form" {
    Strict = "strict",
    Lenient = "lenient",
} }

members! {
    struct CasText {
        /// When a short chunk in the middle is refused.
        default short_parts: ShortChunks = ShortChunks::AtComplete,
        /// Which figures a vault tells of its archives.
        default inventory: InventoryFigures = InventoryFigures::Daily,
        /// Which forms of the Content-Range of a chunk are read.
        default content_range: ContentRangeForm = ContentRangeForm::Strict,
    }
}
