//! Putting and reading objects.
//!
//! Source: COS API, "PUT Object", "GET Object", "HEAD Object" (`cos.md` 5.3.1 to 5.3.3, 7.2, 7.4).

use std::ops::Range;
use std::sync::Arc;

use http::HeaderValue;
use http::header::RANGE;

use super::conditions;
use super::integrity::{ClaimedDigests, data_plan, etag_of, quoted};
use super::metadata::{check_key, metadata};
use super::{Call, Error, Handled, changed, encryption, origin, unchanged};
use crate::code::CosCode;
use crate::digest::Digests;
use crate::message::{BodyPlan, Head, Ranged, Received, Reply, Requester};
use crate::store::{Bucket, Condition, Etag, Metadata, Object, ObjectKind, RestorationStatus, Versioning};

/// Query parameters that put another value in the place of a header of the answer.
const OVERRIDES: &[(&str, &str)] = &[
    ("response-content-type", "Content-Type"),
    ("response-cache-control", "Cache-Control"),
    ("response-content-disposition", "Content-Disposition"),
    ("response-content-encoding", "Content-Encoding"),
    ("response-content-language", "Content-Language"),
    ("response-expires", "Expires"),
];

/// The slowest and the fastest rate that `x-cos-traffic-limit` takes, in bits per second.
const TRAFFIC_LIMIT: std::ops::RangeInclusive<u64> = 819_200..=838_860_800;

/// # Errors
/// `NoSuchBucket`, those of the key, of the metadata and of [`data_plan`], `FileAlreadyExists`, `ObjectLocked`.
pub(super) fn admit_put(call: &Call<'_>) -> Result<BodyPlan, Error> {
    let bucket = call.bucket()?;
    check_key(&call.target.key)?;
    metadata(call, call.head, &call.target.key)?;
    check_overwrite(call, call.head, bucket, &call.target.key)?;
    let plan = data_plan(call)?;
    Ok(BodyPlan { bytes_per_second: traffic_limit(call)?, ..plan })
}

/// The rate that the client asks for, in bytes per second.
///
/// # Errors
/// `InvalidArgument` for one that is out of bounds.
///
/// Source: `cos.md` 5.3.1, 12.12.
pub(super) fn traffic_limit(call: &Call<'_>) -> Result<Option<u64>, Error> {
    const NAME: &str = "x-cos-traffic-limit";
    let text = call.head.header(NAME).or_else(|| call.head.query.get(NAME).filter(|text| !text.is_empty()));
    let Some(text) = text else { return Ok(None) };
    let bits = text.parse().ok().filter(|bits| TRAFFIC_LIMIT.contains(bits)).ok_or_else(|| {
        Error::new(CosCode::InvalidArgument).because(format_args!(
            "{NAME} is \"{text}\", but must be from {} to {} bits per second",
            TRAFFIC_LIMIT.start(),
            TRAFFIC_LIMIT.end()
        ))
    })?;
    Ok(Some(bits / 8))
}

/// # Errors
/// Those of [`admit_put`], and `BadDigest` or `InvalidSHA1Digest` for a body that differs from what was claimed.
pub(super) fn put(call: &Call<'_>, body: &Received) -> Handled {
    admit_put(call)?;
    ClaimedDigests::of(call.head)?.verify(&body.digests, CosCode::BadDigest)?;
    let metadata = metadata(call, call.head, &call.target.key)?;
    let object = in_one_piece(call, body, metadata);
    let mut reply = Reply::new(200)
        .with("ETag", quoted(object.etag))
        .with("x-cos-hash-crc64ecma", object.crc64.to_string());
    encryption::tell(&mut reply, object.metadata.encryption());
    let change = call.write(&mut reply, &call.target.key, object)?;
    Ok(changed(reply, change))
}

/// The object that a body becomes.
pub(super) fn in_one_piece(call: &Call<'_>, body: &Received, metadata: Metadata) -> Object {
    Object {
        content: body.content.clone(),
        etag: visible_etag(call, etag_of(call, &body.digests), &metadata, &body.digests),
        crc64: body.digests.crc64.expect("the plan asked for it"),
        modified: call.context.now,
        metadata,
        kind: ObjectKind::Normal,
    }
}

/// The ETag of bytes under the encryption of their metadata: of some kinds it is not their digest.
pub(super) fn visible_etag(call: &Call<'_>, etag: Etag, metadata: &Metadata, digests: &Digests) -> Etag {
    if encryption::keeps_md5(metadata.encryption()) {
        return etag;
    }
    let secret =
        format!("{}{}", call.context.identity.cos_request_id(), digests.md5.expect("the plan asked for it"));
    Etag::Md5(crate::digest::md5(secret.as_bytes()))
}

/// Honours `x-cos-forbid-overwrite`, which counts where versioning never was, and retention.
///
/// # Errors
/// `FileAlreadyExists`, `ObjectLocked`.
pub(super) fn check_overwrite(call: &Call<'_>, head: &Head, bucket: &Bucket, key: &str) -> Result<(), Error> {
    let Some(present) = bucket.object(key) else { return Ok(()) };
    let forbidden =
        head.header("x-cos-forbid-overwrite").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if forbidden && bucket.versioning() == Versioning::Never {
        return Err(Error::new(CosCode::FileAlreadyExists));
    }
    call.check_unlocked(present)
}

/// GetObject and HeadObject: the shell leaves the body away for HEAD.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`; `AccessDenied` for `response-*` without a signature;
/// `InvalidObjectState` for an archived object that is not restored; those of a customer's key; `PreconditionFailed`,
/// `InvalidRange`, `InvalidArgument`.
pub(super) fn get(call: &Call<'_>) -> Handled {
    let (id, link) = match call.object() {
        Ok(found) => found,
        Err(error) if error.code() == CosCode::NoSuchKey => {
            return origin::redirect(call).map(unchanged).ok_or(error);
        }
        Err(error) => return Err(error),
    };
    let object = follow(call.bucket()?, link)?;
    let overrides = overrides(call)?;
    let bytes_per_second = traffic_limit(call)?;
    if call.head.method == http::Method::GET {
        check_readable(call, object)?;
    }
    encryption::check_read(call.head, object.metadata.encryption())?;
    let identification = Reply::new(200)
        .with("ETag", quoted(object.etag))
        .with("x-cos-hash-crc64ecma", object.crc64.to_string());
    match conditions::of_read(call.head).evaluate(object) {
        Condition::Holds => {}
        Condition::NotModified => return Ok(unchanged(Reply { status: 304, ..identification })),
        Condition::Fails => return Err(Error::new(CosCode::PreconditionFailed)),
    }

    let size = object.content.len();
    let range = match call.head.header(RANGE).and_then(|header| parse_range(header, size)) {
        None => None,
        Some(Ok(range)) => Some(range),
        Some(Err(Unsatisfiable)) => {
            return Err(
                Error::new(CosCode::InvalidRange).with_header("Content-Range", format!("bytes */{size}"))
            );
        }
    };
    let mut reply = Reply::new(if range.is_some() { 206 } else { 200 });
    for (name, value) in &object.metadata.headers {
        let value = HeaderValue::from_maybe_shared(value.clone()).expect("it came from a header");
        reply.headers.push((name.clone(), value));
    }
    overrides.into_iter().for_each(|(name, value)| reply.set(name.into(), value));
    reply.push("Accept-Ranges", "bytes");
    if let Some(range) = &range {
        reply.push("Content-Range", format!("bytes {}-{}/{size}", range.start, range.end - 1));
    }
    reply.headers.extend(identification.headers);
    reply.push("Last-Modified", object.modified.rfc1123());
    let kind = match object.kind {
        ObjectKind::Normal | ObjectKind::Symlink(_) => "normal",
        ObjectKind::Appendable(_) => "appendable",
    };
    reply.push("x-cos-object-type", kind);
    tell_details(&mut reply, call, object);
    call.tell_version(&mut reply, id);
    let range = range.unwrap_or(0..size);
    reply.body = object.content.slice(range.clone());
    reply.ranged = Some(Ranged { whole: object.content.clone(), range });
    reply.bytes_per_second = bytes_per_second;
    Ok(unchanged(reply))
}

/// PreflightObject: whether an upload with this head would be let in.
///
/// # Errors
/// Those of [`admit_put`] that do not need a body.
pub(super) fn preflight(call: &Call<'_>) -> Handled {
    let bucket = call.bucket()?;
    check_key(&call.target.key)?;
    metadata(call, call.head, &call.target.key)?;
    check_overwrite(call, call.head, bucket, &call.target.key)?;
    Ok(unchanged(Reply::new(200)))
}

/// The header lines of what most objects do not have.
fn tell_details(reply: &mut Reply, call: &Call<'_>, object: &Object) {
    let metadata = &object.metadata;
    if metadata.details.is_none() {
        return;
    }
    let class = metadata.storage_class();
    if class != "STANDARD" {
        reply.push("x-cos-storage-class", class);
    }
    if class.ends_with("INTELLIGENT_TIERING") {
        reply.push("x-cos-storage-tier", "FREQUENT");
    }
    if !metadata.tags().is_empty() {
        reply.push("x-cos-tagging-count", metadata.tags().len().to_string());
    }
    encryption::tell(reply, metadata.encryption());
    let Some(copy) = metadata.restoration() else { return };
    match copy.status(call.context.now) {
        RestorationStatus::Ongoing => {
            reply.push("x-cos-restore", "ongoing-request=\"true\"");
            let (tier, asked) = (copy.tier.to_lowercase(), copy.asked.rfc1123());
            reply.push("x-cos-restore-status", format!("tier=\"{tier}\"; request-date=\"{asked}\""));
        }
        RestorationStatus::Ready => {
            let expires = copy.expires.rfc1123();
            reply.push("x-cos-restore", format!("ongoing-request=\"false\", expiry-date=\"{expires}\""));
        }
        RestorationStatus::Expired => {}
    }
}

/// The object itself, or the one that a link leads to.
///
/// # Errors
/// `NoSuchKey` when a link leads nowhere, or to another link.
pub(super) fn follow<'a>(bucket: &'a Bucket, object: &'a Arc<Object>) -> Result<&'a Arc<Object>, Error> {
    let ObjectKind::Symlink(target) = &object.kind else { return Ok(object) };
    bucket.object(target).filter(|object| !matches!(object.kind, ObjectKind::Symlink(_))).ok_or_else(|| {
        Error::new(CosCode::NoSuchKey)
            .because(format_args!("the link leads to \"{target}\", which is not there"))
    })
}

/// Refuses to read what is archived.
///
/// # Errors
/// `InvalidObjectState`.
pub(super) fn check_readable(call: &Call<'_>, object: &Object) -> Result<(), Error> {
    if object.is_readable(call.context.now) {
        return Ok(());
    }
    let class = object.metadata.storage_class();
    Err(Error::new(CosCode::InvalidObjectState).with_header("x-cos-storage-class", class))
}

/// The header lines that the query puts in the place of the stored ones.
///
/// # Errors
/// `AccessDenied` where permissions count and the request is not signed, `InvalidArgument` for what no header can carry.
fn overrides(call: &Call<'_>) -> Result<Vec<(&'static str, HeaderValue)>, Error> {
    let mut found = Vec::new();
    if call.head.query.pairs().is_empty() {
        return Ok(found);
    }
    for (parameter, header) in OVERRIDES {
        let Some(value) = call.head.query.get(parameter).filter(|value| !value.is_empty()) else { continue };
        if call.context.enforced && call.context.requester == Requester::Nobody {
            return Err(Error::new(CosCode::AccessDenied)
                .because(format_args!("{parameter} needs a request that is signed")));
        }
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            Error::new(CosCode::InvalidArgument).because(format_args!("no header can carry this {parameter}"))
        })?;
        found.push((*header, value));
    }
    Ok(found)
}

/// The range starts behind the end.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsatisfiable;

/// Reads `bytes=a-b`, `bytes=a-` or `bytes=-n` for an object of that size. `None` for anything else, also for more
/// than one range: such a header is as if absent.
pub fn parse_range(header: &str, size: u64) -> Option<Result<Range<u64>, Unsatisfiable>> {
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than a number holds mean a position behind any end.
        plain.then(|| digits.parse().unwrap_or(u64::MAX))
    };
    let (unit, bounds) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = bounds.trim().split_once('-')?;
    let range = match (first, last) {
        ("", suffix) => size.saturating_sub(number(suffix)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some(if range.start < range.end { Ok(range) } else { Err(Unsatisfiable) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_for_an_object_of_ten_bytes() {
        for (header, range) in [
            ("bytes=0-0", Some(Ok(0..1))),
            ("bytes=2-5", Some(Ok(2..6))),
            ("bytes=2-", Some(Ok(2..10))),
            ("bytes=9-9", Some(Ok(9..10))),
            ("bytes=0-99", Some(Ok(0..10))),
            ("bytes=-3", Some(Ok(7..10))),
            ("bytes=-99", Some(Ok(0..10))),
            ("Bytes = 2-5", Some(Ok(2..6))),
            ("bytes=0-99999999999999999999999", Some(Ok(0..10))),
            ("bytes=10-", Some(Err(Unsatisfiable))),
            ("bytes=10-20", Some(Err(Unsatisfiable))),
            ("bytes=99999999999999999999999-", Some(Err(Unsatisfiable))),
            ("bytes=-0", Some(Err(Unsatisfiable))),
            ("bytes=5-2", None),
            ("bytes=0-1,3-4", None),
            ("bytes=a-b", None),
            ("bytes=", None),
            ("bytes=-", None),
            ("bytes=--1", None),
            ("bytes=+1-2", None),
            ("bytes 0-1", None),
            ("items=0-1", None),
            ("", None),
        ] {
            assert_eq!(parse_range(header, 10), range, "{header}");
        }
        assert_eq!(parse_range("bytes=0-", 0), Some(Err(Unsatisfiable)));
    }
}
