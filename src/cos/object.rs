//! Putting, reading and deleting objects.
//!
//! Source: COS API, "PUT Object", "GET Object", "HEAD Object", "DELETE Object", "DELETE Multiple Objects" (`cos.md`
//! 5.3.1 to 5.3.5); digests: `cos.md` 6.6.

use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{IF_MATCH, IF_NONE_MATCH, RANGE};

use super::{Call, Error, Handled, changed, document_plan, document_reply, unchanged, xml};
use crate::clock::Timestamp;
use crate::code::CosCode;
use crate::digest::{Digests, Hex, Md5, Sha1, Wanted};
use crate::message::{BodyPlan, EtagForm, Head, Outcome, Ranged, Received, Reply};
use crate::store::{Change, MAX_PART_SIZE_BYTES, Metadata, Object, ObjectKind};

/// The longest key, in bytes of UTF-8.
const MAX_KEY_BYTES: usize = 850;
/// The largest sum of the names and values of user metadata, in bytes.
const MAX_USER_METADATA_BYTES: usize = 4 << 10;
/// The largest number of keys in one DeleteObjects.
const MAX_DELETED_KEYS: usize = 1000;

/// Headers that are stored with an object and given back, as the service spells them.
const STORED_HEADERS: &[&str] = &[
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Type",
    "Expires",
];

const STORAGE_CLASSES: &[&str] = &[
    "STANDARD",
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ARCHIVE",
    "DEEP_ARCHIVE",
    "COLD",
    "MAZ_STANDARD",
    "MAZ_STANDARD_IA",
    "MAZ_INTELLIGENT_TIERING",
    "MAZ_ARCHIVE",
    "MAZ_DEEP_ARCHIVE",
];

/// The digests that the client sent with a body.
pub(super) struct ClaimedDigests {
    md5: Option<Md5>,
    sha1: Option<Sha1>,
}

impl ClaimedDigests {
    /// Reads `Content-MD5` and `x-cos-content-sha1`.
    ///
    /// # Errors
    /// `InvalidDigest` for an MD5 that is not base64 of 16 bytes, `InvalidSHA1Digest` for a SHA-1 that is not 40
    /// hexadecimal digits.
    pub(super) fn of(head: &Head) -> Result<Self, Error> {
        let md5 = match head.header("content-md5") {
            None => None,
            Some(text) => {
                let bytes = STANDARD.decode(text).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
                Some(Hex::new(bytes.ok_or_else(|| {
                    Error::new(CosCode::InvalidDigest).because("Content-MD5 is not the base64 of 16 bytes")
                })?))
            }
        };
        let sha1 = match head.header("x-cos-content-sha1") {
            None => None,
            Some(text) => Some(text.parse().map_err(|invalid| {
                Error::new(CosCode::InvalidSHA1Digest).because(format_args!("x-cos-content-sha1: {invalid}"))
            })?),
        };
        Ok(ClaimedDigests { md5, sha1 })
    }

    /// Compares them with the body that arrived. `wrong_md5` is the code for a wrong MD5.
    pub(super) fn verify(&self, body: &Digests, wrong_md5: CosCode) -> Result<(), Error> {
        if self.md5.is_some() && self.md5 != body.md5 {
            return Err(Error::new(wrong_md5));
        }
        if self.sha1.is_some() && self.sha1 != body.sha1 {
            return Err(Error::new(CosCode::InvalidSHA1Digest));
        }
        Ok(())
    }
}

/// What a body of object bytes needs: digests, and at most 5 GiB.
///
/// # Errors
/// `MissingContentLength`, `EntityTooLarge`, and those of [`ClaimedDigests::of`].
pub(super) fn data_plan(call: &Call<'_>) -> Result<BodyPlan, Error> {
    let head = call.head;
    match head.content_length() {
        None if !head.is_chunked() => return Err(Error::new(CosCode::MissingContentLength)),
        Some(length) if length > MAX_PART_SIZE_BYTES => return Err(Error::new(CosCode::EntityTooLarge)),
        _ => {}
    }
    let claimed = ClaimedDigests::of(head)?;
    let sha1 = claimed.sha1.is_some() || call.context.account.etag == EtagForm::Sha1;
    let wanted = Wanted { md5_and_crc64: true, sha1, ..Wanted::default() };
    Ok(BodyPlan { wanted, limit: MAX_PART_SIZE_BYTES })
}

/// # Errors
/// `NoSuchBucket`, those of the key, of the metadata and of [`data_plan`], `FileAlreadyExists`.
pub(super) fn admit_put(call: &Call<'_>) -> Result<BodyPlan, Error> {
    call.bucket()?;
    check_key(&call.target.key)?;
    metadata(call)?;
    check_overwrite(call)?;
    data_plan(call)
}

/// The ETag of bytes in one piece, without quotes.
///
/// Source: `cos.md` 2.4.
pub(super) fn etag_of(call: &Call<'_>, digests: &Digests) -> String {
    match call.context.account.etag {
        EtagForm::Md5 => digests.md5.expect("the plan asked for it").to_string(),
        EtagForm::Sha1 => digests.sha1.expect("the plan asked for it").to_string(),
    }
}

/// # Errors
/// Those of [`admit_put`], and `BadDigest` or `InvalidSHA1Digest` for a body that differs from what was claimed.
pub(super) fn put(call: &Call<'_>, body: &Received) -> Handled {
    admit_put(call)?;
    ClaimedDigests::of(call.head)?.verify(&body.digests, CosCode::BadDigest)?;
    let crc64 = body.digests.crc64.expect("the plan asked for it");
    let object = Object {
        content: body.content.clone(),
        etag: etag_of(call, &body.digests),
        crc64,
        modified: call.context.now,
        metadata: metadata(call)?,
        kind: ObjectKind::Normal,
    };
    let reply =
        Reply::new(200).with("ETag", quoted(&object.etag)).with("x-cos-hash-crc64ecma", crc64.to_string());
    let (bucket, key) = (call.target.bucket.clone(), call.target.key.clone());
    Ok(changed(reply, Change::PutObject { bucket, key, object: Arc::new(object) }))
}

/// Refuses keys that cannot be written.
///
/// # Errors
/// `KeyTooLong` above 850 bytes; `InvalidObjectName` for a leading slash or backslash and for control characters.
pub(super) fn check_key(key: &str) -> Result<(), Error> {
    if key.len() > MAX_KEY_BYTES {
        return Err(
            Error::new(CosCode::KeyTooLong).because(format_args!("the limit is {MAX_KEY_BYTES} bytes"))
        );
    }
    if key.starts_with(['/', '\\']) || key.contains(['\u{18}', '\u{19}', '\u{1a}', '\u{1b}']) {
        return Err(Error::new(CosCode::InvalidObjectName).because(
            "a key does not start with a slash or backslash and has no control characters 0x18 to 0x1B",
        ));
    }
    Ok(())
}

/// Honours `x-cos-forbid-overwrite`.
///
/// # Errors
/// `FileAlreadyExists`.
pub(super) fn check_overwrite(call: &Call<'_>) -> Result<(), Error> {
    let forbidden =
        call.head.header("x-cos-forbid-overwrite").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if forbidden && call.bucket()?.object(&call.target.key).is_some() {
        return Err(Error::new(CosCode::FileAlreadyExists));
    }
    Ok(())
}

/// What is stored beside the bytes: the metadata that the head of an upload carries.
///
/// Without a `Content-Type` the object gets the type of its key's extension.
///
/// # Errors
/// `KeyTooLong` for too much user metadata, `NotSupportedStorageClass` for an unknown class.
pub(super) fn metadata(call: &Call<'_>) -> Result<Metadata, Error> {
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for name in STORED_HEADERS {
        if let Some(value) = call.head.header(*name) {
            headers.push(((*name).to_owned(), value.as_bytes().to_vec()));
        } else if *name == "Content-Type" {
            let guessed =
                mime_guess::from_path(&call.target.key).first_raw().unwrap_or("application/octet-stream");
            headers.push(((*name).to_owned(), guessed.as_bytes().to_vec()));
        }
    }
    let user = call.head.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-cos-meta-"));
    let mut user_bytes = 0;
    for (name, value) in user {
        user_bytes += name.as_str().len() + value.len();
        headers.push((name.as_str().to_owned(), value.as_bytes().to_vec()));
    }
    if user_bytes > MAX_USER_METADATA_BYTES {
        return Err(Error::new(CosCode::KeyTooLong).because(format_args!(
            "user metadata has {user_bytes} bytes, the limit is {MAX_USER_METADATA_BYTES}"
        )));
    }
    let storage_class = call.head.header("x-cos-storage-class").filter(|class| *class != "STANDARD");
    if storage_class.is_some_and(|class| !STORAGE_CLASSES.contains(&class)) {
        return Err(Error::new(CosCode::NotSupportedStorageClass));
    }
    Ok(Metadata { headers, storage_class: storage_class.map(str::to_owned) })
}

/// GetObject and HeadObject: the shell leaves the body away for HEAD.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `PreconditionFailed`, `InvalidRange`.
pub(super) fn get(call: &Call<'_>) -> Handled {
    let bucket = call.bucket()?;
    check_version(call.head)?;
    let object = bucket.object(&call.target.key).ok_or_else(|| Error::new(CosCode::NoSuchKey))?;
    let identification = Reply::new(200)
        .with("ETag", quoted(&object.etag))
        .with("x-cos-hash-crc64ecma", object.crc64.to_string());
    match evaluate_conditions(call.head, object) {
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
        let value = value.as_slice().try_into().expect("it came from a header");
        reply.headers.push((name.clone().into(), value));
    }
    // Content-Type first, as the service writes it.
    reply.headers.sort_by_key(|(name, _)| name != "Content-Type");
    reply.push("Accept-Ranges", "bytes");
    if let Some(range) = &range {
        reply.push("Content-Range", format!("bytes {}-{}/{size}", range.start, range.end - 1));
    }
    reply.headers.extend(identification.headers);
    reply.push("Last-Modified", object.modified.rfc1123());
    let kind = match object.kind {
        ObjectKind::Normal => "normal",
        ObjectKind::Appendable(_) => "appendable",
    };
    reply.push("x-cos-object-type", kind);
    if let Some(class) = &object.metadata.storage_class {
        reply.push("x-cos-storage-class", class);
    }
    let range = range.unwrap_or(0..size);
    reply.body = object.content.slice(range.clone());
    reply.ranged = Some(Ranged { whole: object.content.clone(), range });
    Ok(unchanged(reply))
}

/// No bucket is versioned here, so the only version there is has the id `null`.
fn check_version(head: &Head) -> Result<(), Error> {
    let names = ["versionId", "VersionId", "versionid"];
    match names.iter().find_map(|name| head.query.get(name)) {
        None | Some("" | "null") => Ok(()),
        Some(_) => Err(Error::new(CosCode::NoSuchVersion)),
    }
}

enum Condition {
    Holds,
    NotModified,
    Fails,
}

/// Evaluates the four conditional headers in the order of RFC 7232. A header that does not parse is left out.
fn evaluate_conditions(head: &Head, object: &Object) -> Condition {
    let names_etag = |list: &str| {
        list.split(',')
            .map(|etag| etag.trim().trim_start_matches("W/").trim_matches('"'))
            .any(|etag| etag == "*" || etag.eq_ignore_ascii_case(&object.etag))
    };
    let date = |name| head.header(name).and_then(Timestamp::parse_http_date);
    // HTTP dates have whole seconds.
    let modified = Timestamp::from_unix_seconds(object.modified.unix_seconds());

    if let Some(list) = head.header(IF_MATCH) {
        if !names_etag(list) {
            return Condition::Fails;
        }
    } else if date("if-unmodified-since").is_some_and(|since| modified > since) {
        return Condition::Fails;
    }
    if let Some(list) = head.header(IF_NONE_MATCH) {
        if names_etag(list) {
            return Condition::NotModified;
        }
    } else if date("if-modified-since").is_some_and(|since| modified <= since) {
        return Condition::NotModified;
    }
    Condition::Holds
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

/// Always 204, also for a key that is not there.
///
/// # Errors
/// `NoSuchBucket`.
pub(super) fn delete(call: &Call<'_>) -> Handled {
    let exists = call.bucket()?.object(&call.target.key).is_some() && check_version(call.head).is_ok();
    let (bucket, key) = (call.target.bucket.clone(), call.target.key.clone());
    let changes = if exists { vec![Change::DeleteObject { bucket, key }] } else { Vec::new() };
    Ok(Outcome { reply: Reply::new(204), changes })
}

/// # Errors
/// `NoSuchBucket`; `InvalidRequest` without `Content-MD5`, `InvalidDigest` for one that is malformed.
pub(super) fn admit_delete_many(call: &Call<'_>) -> Result<BodyPlan, Error> {
    call.bucket()?;
    if ClaimedDigests::of(call.head)?.md5.is_none() {
        return Err(Error::new(CosCode::InvalidRequest)
            .saying("Missing required header for this request: Content-MD5"));
    }
    Ok(document_plan())
}

/// # Errors
/// Those of [`admit_delete_many`]; `InvalidDigest` for a body that has another MD5; `MalformedXML`.
pub(super) fn delete_many(call: &Call<'_>, body: &Received) -> Handled {
    admit_delete_many(call)?;
    ClaimedDigests::of(call.head)?.verify(&body.digests, CosCode::InvalidDigest)?;
    let Deletion { keys, quiet } = listed_keys(&body.content.to_bytes())?;
    let bucket = call.bucket()?;
    let changes = keys
        .iter()
        .filter(|key| bucket.object(key).is_some())
        .map(|key| Change::DeleteObject { bucket: call.target.bucket.clone(), key: key.clone() })
        .collect();
    let document = xml::document("DeleteResult", |result| {
        for key in keys.iter().filter(|_| !quiet) {
            result.nested("Deleted", |deleted| deleted.text("Key", key));
        }
    });
    Ok(Outcome { reply: document_reply(document), changes })
}

/// What a `Delete` document asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The keys, 1 to 1000, in the order of the document. None is empty.
    pub keys: Vec<String>,
    /// Whether the answer leaves out what was deleted.
    pub quiet: bool,
}

/// Reads a `Delete` document.
///
/// # Errors
/// `MalformedXML`, also for more than 1000 keys.
pub fn listed_keys(document: &[u8]) -> Result<Deletion, Error> {
    let malformed = |reason: &str| Error::new(CosCode::MalformedXML).because(reason);
    let delete = xml::parse(document).map_err(|error| malformed(error.0))?;
    if delete.name != "Delete" {
        return Err(malformed("the root is not Delete"));
    }
    let keys: Vec<_> = delete
        .all("Object")
        .map(|object| {
            let key = object.children.iter().find(|child| child.name == "Key").map(|key| key.text.clone());
            key.filter(|key| !key.is_empty()).ok_or_else(|| malformed("an Object has no Key"))
        })
        .collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(malformed("there is no Object"));
    }
    if keys.len() > MAX_DELETED_KEYS {
        return Err(Error::new(CosCode::MalformedXML).saying("delete key size is greater than 1000"));
    }
    let quiet = delete.text_of("Quiet").is_some_and(|quiet| quiet.eq_ignore_ascii_case("true"));
    Ok(Deletion { keys, quiet })
}

pub(super) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
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
