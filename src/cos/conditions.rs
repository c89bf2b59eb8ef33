//! The conditional headers of reads and of copies.
//!
//! Source: RFC 7232; COS API, "GET Object", "PUT Object - Copy" (`cos.md` 5.3.2, 5.3.9).

use super::Error;
use crate::clock::Timestamp;
use crate::code::CosCode;
use crate::message::Head;
use crate::store::Object;

/// What a request demands of an object. A header that does not parse is left out.
pub(super) struct Conditions<'a> {
    if_match: Option<&'a str>,
    if_none_match: Option<&'a str>,
    if_modified_since: Option<Timestamp>,
    if_unmodified_since: Option<Timestamp>,
}

/// What has become of the demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Holds,
    NotModified,
    Fails,
}

impl<'a> Conditions<'a> {
    /// Those of a read.
    pub(super) fn of(head: &'a Head) -> Self {
        Conditions::named(head, "")
    }

    /// Those that a copy makes of its source.
    ///
    /// # Errors
    /// `InvalidRequest` for two that do not go together.
    pub(super) fn of_source(head: &'a Head) -> Result<Self, Error> {
        let conditions = Conditions::named(head, "x-cos-copy-source-");
        let Conditions { if_match, if_none_match, if_modified_since, if_unmodified_since } = &conditions;
        let positive = if_match.is_some() || if_unmodified_since.is_some();
        let negative = if_none_match.is_some() || if_modified_since.is_some();
        if positive && negative {
            return Err(Error::new(CosCode::InvalidRequest).because(
                "If-Match goes with If-Unmodified-Since, If-None-Match with If-Modified-Since, others conflict",
            ));
        }
        Ok(conditions)
    }

    fn named(head: &'a Head, prefix: &str) -> Self {
        let header = |name: &str| head.header(format!("{prefix}{name}").as_str());
        let date = |name: &str| header(name).and_then(Timestamp::parse_http_date);
        Conditions {
            if_match: header("if-match"),
            if_none_match: header("if-none-match"),
            if_modified_since: date("if-modified-since"),
            if_unmodified_since: date("if-unmodified-since"),
        }
    }

    /// Evaluates them in the order of RFC 7232.
    pub(super) fn evaluate(&self, object: &Object) -> Condition {
        let names_etag = |list: &str| {
            let present = object.etag.to_string();
            list.split(',')
                .map(|etag| etag.trim().trim_start_matches("W/").trim_matches('"'))
                .any(|etag| etag == "*" || etag.eq_ignore_ascii_case(&present))
        };
        // HTTP dates have whole seconds.
        let modified = Timestamp::from_unix_seconds(object.modified.unix_seconds());

        if let Some(list) = self.if_match {
            if !names_etag(list) {
                return Condition::Fails;
            }
        } else if self.if_unmodified_since.is_some_and(|since| modified > since) {
            return Condition::Fails;
        }
        if let Some(list) = self.if_none_match {
            if names_etag(list) {
                return Condition::NotModified;
            }
        } else if self.if_modified_since.is_some_and(|since| modified <= since) {
            return Condition::NotModified;
        }
        Condition::Holds
    }
}
