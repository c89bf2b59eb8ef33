//! The conditional headers of reads and of copies.
//!
//! Source: RFC 7232; COS API, "GET Object", "PUT Object - Copy" (`cos.md` 5.3.2, 5.3.9).

use super::Error;
use crate::clock::Timestamp;
use crate::code::CosCode;
use crate::message::Head;
use crate::store::Conditions;

/// Those of a read.
pub(super) fn of_read(head: &Head) -> Conditions {
    named(head, "")
}

/// Those that a copy makes of its source.
///
/// # Errors
/// `InvalidRequest` for two that do not go together.
pub(super) fn of_source(head: &Head) -> Result<Conditions, Error> {
    let conditions = named(head, "x-cos-copy-source-");
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

/// A header that does not parse is left out.
fn named(head: &Head, prefix: &str) -> Conditions {
    let header = |name: &str| head.header(format!("{prefix}{name}").as_str());
    let date = |name: &str| header(name).and_then(Timestamp::parse_http_date);
    Conditions {
        if_match: header("if-match").map(str::to_owned),
        if_none_match: header("if-none-match").map(str::to_owned),
        if_modified_since: date("if-modified-since"),
        if_unmodified_since: date("if-unmodified-since"),
    }
}
