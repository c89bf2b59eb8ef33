//! What a read or a copy demands of an object before it takes it.
//!
//! Source: RFC 7232.

use super::object::Object;
use crate::clock::Timestamp;

/// What is demanded of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Its ETag is one of these, or there are any with `*`.
    pub if_match: Option<String>,
    /// Its ETag is none of these.
    pub if_none_match: Option<String>,
    /// It was written after that time.
    pub if_modified_since: Option<Timestamp>,
    /// It was not written after that time.
    pub if_unmodified_since: Option<Timestamp>,
}

/// What has become of the demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// All are met.
    Holds,
    /// The object is the one that the client knows.
    NotModified,
    /// The object is another than the client wants.
    Fails,
}

impl Conditions {
    /// Evaluates them in the order of RFC 7232.
    pub fn evaluate(&self, object: &Object) -> Condition {
        let names_etag = |list: &str| {
            let present = object.etag.to_string();
            list.split(',')
                .map(|etag| etag.trim().trim_start_matches("W/").trim_matches('"'))
                .any(|etag| etag == "*" || etag.eq_ignore_ascii_case(&present))
        };
        // HTTP dates have whole seconds.
        let modified = Timestamp::from_unix_seconds(object.modified.unix_seconds());

        if let Some(list) = &self.if_match {
            if !names_etag(list) {
                return Condition::Fails;
            }
        } else if self.if_unmodified_since.is_some_and(|since| modified > since) {
            return Condition::Fails;
        }
        if let Some(list) = &self.if_none_match {
            if names_etag(list) {
                return Condition::NotModified;
            }
        } else if self.if_modified_since.is_some_and(|since| modified <= since) {
            return Condition::NotModified;
        }
        Condition::Holds
    }
}
