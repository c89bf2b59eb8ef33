//! `when`: which requests.
//!
//! Source: `scenarios.md` 3.

use serde_json::{Value as Schema, json};

use super::fire::Count;
use super::{AnyName, HeaderName, Keyed};
use crate::message::Version;
use crate::operation::{Group, Operation, Service};
use crate::scenario::json::{Node, OneOrMany, Problems, Read, members, names, read_name};
use crate::scenario::problem::{did_you_mean, known_are};
use crate::scenario::rule::When;
use crate::scenario::value::{Offset, Parts, Pattern, Size};

impl Read for Service {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        read_name(node, "service", &[("cos", Service::Cos), ("cas", Service::Cas)], &[], problems)
    }

    fn schema() -> Schema {
        json!({ "enum": ["cos", "cas"] })
    }
}

names! { HttpVersion as "version of HTTP" {
    Http10 = "1.0",
    Http11 = "1.1",
} }

/// The version of HTTP as files write it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum HttpVersion {
    Http10,
    Http11,
}

members! {
    /// Which requests, as it is written.
    struct WhenText {
        /// The service.
        optional service: Service,
        /// The operation, a group of operations, or an array of them.
        optional op: OneOrMany<Operations>,
        /// COS: the bucket, with its appid.
        optional bucket: Pattern,
        /// COS: the object key.
        optional key: Pattern,
        /// The upload id.
        optional upload: Pattern,
        /// CAS: the vault.
        optional vault: Pattern,
        /// CAS: the archive id.
        optional archive: Pattern,
        /// CAS: the job id.
        optional job: Pattern,
        /// The part number: 3, "3-7", or an array. For CAS the start of the range divided by the part size, plus 1.
        optional part: Parts,
        /// The requested or sent bytes overlap these.
        optional range: Bytes,
        /// The declared length of the request's body.
        optional size: Sizes,
        /// The method, such as PUT.
        optional method: Pattern,
        /// The path as it was sent, percent-encoded.
        optional path: Pattern,
        /// Decoded query parameters by name.
        default query: Keyed<AnyName, Pattern> = Keyed::default(),
        /// Headers by name, in any case.
        default header: Keyed<HeaderName, Pattern> = Keyed::default(),
        /// The access key id of the signature.
        optional client: Pattern,
        /// This is the n-th time that the same logical request arrives since it last succeeded undisturbed.
        optional attempt: Attempt,
        /// The n-th request of its connection.
        optional on_connection: OnConnection,
        /// The version of HTTP.
        optional http: HttpVersion,
        /// Whether the client waits for 100 Continue.
        optional expect_continue: bool,
        /// Whether it comes over TLS.
        optional tls: bool,
        /// The current state is this one, or one of these.
        optional state: OneOrMany<String>,
        /// What must not hold.
        optional not: NotWhen,
    }
}

/// What the schema calls `when`; it refers to itself.
pub(super) fn when_schema() -> Schema {
    WhenText::schema()
}

/// The nested `when` of `not`.
#[derive(Debug, Clone, PartialEq)]
struct NotWhen(Box<When>);

impl Read for NotWhen {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        When::read(node, problems).map(|when| NotWhen(Box::new(when)))
    }

    fn schema() -> Schema {
        When::schema()
    }
}

impl Read for When {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = WhenText::read(node, problems)?;
        Some(When {
            operations: text.op.map(|op| op.0.into_iter().flat_map(|operations| operations.0).collect()),
            service: text.service,
            bucket: text.bucket,
            key: text.key,
            upload: text.upload,
            vault: text.vault,
            archive: text.archive,
            job: text.job,
            part: text.part,
            range: text.range.map(|range| (range.0, range.1)),
            size: text.size.map(|sizes| (sizes.0, sizes.1)),
            method: text.method,
            path: text.path,
            query: text.query.0,
            header: text.header.0,
            client: text.client,
            attempt: text.attempt.map(|attempt| (attempt.0, attempt.1)),
            on_connection: text.on_connection.map(|on| (on.request.0, on.request.1)),
            http: text.http.map(|version| match version {
                HttpVersion::Http10 => Version::Http10,
                HttpVersion::Http11 => Version::Http11,
            }),
            expect_continue: text.expect_continue,
            tls: text.tls,
            state: text.state.map(|state| state.0),
            not: text.not.map(|not| not.0),
        })
    }

    fn schema() -> Schema {
        json!({ "$ref": "#/$defs/when" })
    }
}

/// The operations of a name or a group.
#[derive(Debug, Clone, PartialEq)]
struct Operations(Vec<Operation>);

impl Read for Operations {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let Some(text) = node.text() else {
            return problems.add(node.wrong_type("the name of an operation or a group"));
        };
        if text.starts_with('@') {
            if let Some((_, group)) = Group::ALL.iter().find(|(name, _)| *name == text) {
                let members = Operation::ALL.iter().copied().filter(|operation| operation.is_in(*group));
                return Some(Operations(members.collect()));
            }
            let mut problem = node.problem("E203", format!("unknown group \"{text}\""));
            let groups: Vec<&str> = Group::ALL.iter().map(|(name, _)| *name).collect();
            problem.hint = did_you_mean(text, groups.iter().copied()).or_else(|| Some(known_are(&groups)));
            return problems.add(problem);
        }
        let named: Vec<_> = Operation::named(text).collect();
        if named.is_empty() {
            let mut problem = node.problem("E203", format!("unknown operation \"{text}\""));
            problem.hint = did_you_mean(text, Operation::ALL.iter().map(|operation| operation.name()))
                .or_else(|| Some("cos-emu check --list-ops lists them".to_owned()));
            return problems.add(problem);
        }
        Some(Operations(named))
    }

    fn schema() -> Schema {
        let groups = Group::ALL.iter().map(|(name, _)| *name);
        let mut names: Vec<&str> =
            Operation::ALL.iter().map(|operation| operation.name()).chain(groups).collect();
        names.sort_unstable();
        names.dedup();
        json!({ "enum": names })
    }
}

/// Bytes of a body.
#[derive(Debug, Clone, PartialEq)]
struct Bytes(Offset, Option<Offset>);

impl Read for Bytes {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let RangeText { from, to } = RangeText::read(node, problems)?;
        let is_empty = match (from, to) {
            (Offset::FromStart(from), Some(Offset::FromStart(to))) => from >= to,
            (Offset::FromEnd(from), Some(Offset::FromEnd(to))) => from <= to,
            (Offset::Percent(from), Some(Offset::Percent(to))) => from >= to,
            _ => false,
        };
        if is_empty {
            return problems.add(node.problem("E204", "no byte lies in the range: \"to\" is not included"));
        }
        Some(Bytes(from, to))
    }

    fn schema() -> Schema {
        RangeText::schema()
    }
}

/// Sizes, both included.
#[derive(Debug, Clone, PartialEq)]
struct Sizes(u64, u64);

impl Read for Sizes {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let SizeBounds { min, max } = SizeBounds::read(node, problems)?;
        ordered(&min, &max, node, problems)?;
        Some(Sizes(min.0, max.0))
    }

    fn schema() -> Schema {
        SizeBounds::schema()
    }
}

members! {
    /// Bytes of a body.
    struct RangeText {
        /// The first byte. Without it, the first of all.
        default from: Offset = Offset::FromStart(0),
        /// The byte behind the last. Without it, to the end.
        optional to: Offset,
    }
}

members! {
    /// Bounds of a size, both included.
    struct SizeBounds {
        /// At least so many bytes.
        default min: Size = Size(0),
        /// At most so many bytes.
        default max: Size = Size(u64::MAX),
    }
}

/// Refuses bounds that nothing lies between.
pub fn ordered<T: Ord>(min: &T, max: &T, node: &Node<'_>, problems: &mut Problems) -> Option<()> {
    if min <= max { Some(()) } else { problems.add(node.problem("E204", "the maximum is below the minimum")) }
}

/// Numbers from 1 on, both ends included: `2` or `{ "min": 2 }`.
#[derive(Debug, Clone, PartialEq)]
struct Attempt(u32, u32);

members! {
    struct AttemptBounds {
        /// At least this one.
        default min: Count = Count(1),
        /// At most this one.
        default max: Count = Count(u32::MAX),
    }
}

impl Read for Attempt {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.members().is_some() {
            let bounds = AttemptBounds::read(node, problems)?;
            ordered(&bounds.min.0, &bounds.max.0, node, problems)?;
            return Some(Attempt(bounds.min.0, bounds.max.0));
        }
        Count::read(node, problems).map(|count| Attempt(count.0, count.0))
    }

    fn schema() -> Schema {
        json!({ "anyOf": [Count::schema(), AttemptBounds::schema()] })
    }
}

members! {
    /// A place in the life of a connection.
    struct OnConnection {
        /// The n-th request, or { "min": n }.
        required request: Attempt,
    }
}
