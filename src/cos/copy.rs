//! Copying: of an object to another, and of a range of an object to a part. Chunks are shared, not copied.
//!
//! Source: COS API, "PUT Object - Copy", "Upload Part - Copy" (`cos.md` 5.3.9, 5.4.3, 12.1).

use std::ops::Range;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::access;
use super::conditions;
use super::encryption::{self, SOURCE_CUSTOMER};
use super::integrity::quoted;
use super::metadata::{self, check_key};
use super::object::{check_overwrite, check_readable, follow, visible_etag};
use super::route::{HostForm, host_form};
use super::{Call, Error, Handled, document_reply, multipart, tagging, xml};
use crate::code::CosCode;
use crate::content::Content;
use crate::digest::{Digests, Wanted};
use crate::message::{Outcome, Received, Reply};
use crate::operation::is_bucket_name;
use crate::store::{Condition, Etag, MAX_PART_SIZE_BYTES, Object, ObjectKind};

/// What is copied.
struct Source<'a> {
    object: &'a Arc<Object>,
    /// The version, when the request names one.
    named: Option<String>,
    /// Whether it is the object itself.
    is_target: bool,
}

/// What `x-cos-copy-source` names: `<bucket>.cos.<region>.<suffix>/<key>`, or `/<bucket>/<key>`; the key is encoded, and may be
/// followed by `?versionId=`.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    bucket: String,
    key: String,
    version: Option<String>,
}

fn place(text: &str) -> Option<Place> {
    let text = text.trim();
    let text = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let (first, key) = match path.strip_prefix('/') {
        Some(path) => path.split_once('/')?,
        None => path.split_once('/')?,
    };
    let bucket = match host_form(first) {
        HostForm::Bucket { bucket, .. } | HostForm::Accelerated { bucket } => bucket,
        HostForm::Other if is_bucket_name(first) => first.to_owned(),
        // A host of one's own: the bucket is its first label.
        HostForm::Other => first.split('.').next().filter(|label| is_bucket_name(label))?.to_owned(),
        _ => return None,
    };
    let key = percent_decode_str(key).decode_utf8().ok()?.into_owned();
    let version = query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.eq_ignore_ascii_case("versionId").then(|| value.to_owned())
    });
    (!key.is_empty()).then_some(Place { bucket, key, version })
}

/// Finds what is copied, and whether it may be.
///
/// # Errors
/// `InvalidCopySource`; `NoSuchBucket`, `NoSuchCopySource`, `NoSuchVersion`; `InvalidRequest` for a delete marker that is named, and
/// for conditions that exclude each other; `AccessDenied`; `InvalidObjectState`; those of a customer's key;
/// `PreconditionFailed`, whichever condition it is.
fn source<'a>(call: &Call<'a>) -> Result<Source<'a>, Error> {
    let text = call.head.header("x-cos-copy-source").unwrap_or("");
    let place = place(text).ok_or_else(|| {
        Error::new(CosCode::InvalidCopySource)
            .because(format_args!("\"{text}\" is not of the form <bucket>.cos.<region>.myqcloud.com/<key>"))
    })?;
    let bucket = call.store.bucket(&place.bucket);
    let bucket = bucket.ok_or_else(|| {
        Error::new(CosCode::NoSuchBucket).because(format_args!("the source is in {}", place.bucket))
    })?;
    let object = match &place.version {
        None => bucket.object(&place.key).ok_or_else(|| Error::new(CosCode::NoSuchCopySource))?,
        Some(text) => {
            let found = text.parse().ok().and_then(|id| bucket.version(&place.key, id));
            let found = found.ok_or_else(|| Error::new(CosCode::NoSuchVersion))?;
            found.object.ok_or_else(|| {
                Error::new(CosCode::InvalidRequest).because("the version of the source is a delete marker")
            })?
        }
    };
    let object = follow(bucket, object)?;
    access::check_source(call, &place.bucket, bucket, &place.key, object)?;
    if conditions::of_source(call.head)?.evaluate(object) != Condition::Holds {
        return Err(Error::new(CosCode::PreconditionFailed));
    }
    check_readable(call, object)?;
    encryption::check_key(call.head, SOURCE_CUSTOMER, object.metadata.encryption())?;
    let is_target = place.bucket == call.target.bucket && place.key == call.target.key;
    Ok(Source { object, named: place.version, is_target })
}

/// Whether a directive asks for new values.
///
/// # Errors
/// `InvalidArgument` for another word than `Copy` and `Replaced`.
fn is_replaced(call: &Call<'_>, name: &str) -> Result<bool, Error> {
    match call.head.header(name) {
        None => Ok(false),
        Some(word) if word.eq_ignore_ascii_case("copy") => Ok(false),
        Some(word) if ["replaced", "replace"].iter().any(|known| word.eq_ignore_ascii_case(known)) => {
            Ok(true)
        }
        Some(word) => Err(Error::new(CosCode::InvalidArgument)
            .because(format_args!("{name} is \"{word}\", but must be Copy or Replaced"))),
    }
}

/// CopyObject. Storage class, access control list and encryption are not copied.
///
/// # Errors
/// `NoSuchBucket`, those of the key and of the source; `EntityTooLarge` above 5 GiB; `InvalidArgument` for a directive; `InvalidRequest` for
/// a copy onto itself that changes nothing; those of the metadata; `FileAlreadyExists`, `ObjectLocked`.
pub(super) fn object(call: &Call<'_>) -> Handled {
    let bucket = call.bucket()?;
    let key = &call.target.key;
    check_key(key)?;
    let source = source(call)?;
    if source.object.content.len() > MAX_PART_SIZE_BYTES {
        return Err(Error::new(CosCode::EntityTooLarge).because("a copy in one step has at most 5 GiB"));
    }
    let replaced = is_replaced(call, "x-cos-metadata-directive")?;
    let tags_replaced = is_replaced(call, "x-cos-tagging-directive")?;
    if source.is_target
        && source.named.is_none()
        && !replaced
        && call.head.header("x-cos-storage-class").is_none()
    {
        return Err(Error::new(CosCode::InvalidRequest).because(
            "a copy of an object onto itself needs x-cos-metadata-directive: Replaced, or another storage class",
        ));
    }
    check_overwrite(call, call.head, bucket, key)?;
    let mut metadata = metadata::metadata(call, call.head, key)?;
    if !replaced {
        metadata.headers = source.object.metadata.headers.clone();
    }
    let tags = match tags_replaced {
        true => call
            .head
            .header("x-cos-tagging")
            .map_or(Ok(Vec::new()), |text| tagging::from_header(text, tagging::MAX_OBJECT_TAGS))?,
        false => source.object.metadata.tags().to_vec(),
    };
    if !tags.is_empty() || metadata.details.is_some() {
        metadata.details_mut().tags = tags;
    }
    let etag = match encryption::keeps_md5(metadata.encryption()) {
        true => source.object.etag,
        false => visible_etag(call, source.object.etag, &metadata, &copied_digests(source.object)),
    };
    let object = Object {
        content: source.object.content.clone(),
        etag,
        crc64: source.object.crc64,
        modified: call.context.now,
        metadata,
        kind: ObjectKind::Normal,
    };
    let mut reply = Reply::new(200);
    encryption::tell(&mut reply, object.metadata.encryption());
    let (etag, crc64) = (quoted(object.etag), object.crc64);
    let change = call.write(&mut reply, key, object)?;
    let version = reply.header("x-cos-version-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    reply.remove("x-cos-version-id");
    let document = xml::document("CopyObjectResult", |result| {
        result.text("ETag", etag);
        result.text("CRC64", crc64);
        result.text("LastModified", call.context.now.iso_seconds());
        result.optional("VersionId", version.as_ref());
    });
    Ok(Outcome { reply: told(reply, document, &source), changes: vec![change] })
}

/// The digests that are known of an object without reading it.
fn copied_digests(object: &Object) -> Digests {
    let md5 = match object.etag {
        Etag::Md5(md5) | Etag::Parts(md5, _) => md5,
        Etag::Sha1(sha1) => crate::digest::md5(sha1.bytes()),
    };
    Digests { md5: Some(md5), ..Digests::default() }
}

/// The answer to a copy.
fn told(reply: Reply, document: String, source: &Source<'_>) -> Reply {
    let mut told = document_reply(document);
    told.headers.extend(reply.headers);
    if let Some(id) = &source.named {
        told.push("x-cos-copy-source-version-id", id);
    }
    told
}

/// The bytes that become a part, and the digests that are needed of them.
///
/// # Errors
/// `NoSuchBucket`, `InvalidArgument`, `NoSuchUpload`, those of the source; `InvalidRange` for a range beyond its end; `EntityTooLarge` above
/// 5 GiB.
pub(super) fn part_source(call: &Call<'_>) -> Result<(Content, Wanted), Error> {
    multipart::check_part(call)?;
    let source = source(call)?;
    let size = source.object.content.len();
    let range = match call.head.header("x-cos-copy-source-range") {
        None => 0..size,
        Some(text) => range(text, size)?,
    };
    if range.end - range.start > MAX_PART_SIZE_BYTES {
        return Err(Error::new(CosCode::EntityTooLarge));
    }
    Ok((source.object.content.slice(range), super::integrity::wanted(call, false)))
}

/// # Errors
/// `InvalidArgument` for another form than `bytes=a-b`, `InvalidRange` beyond the end.
fn range(text: &str, size: u64) -> Result<Range<u64>, Error> {
    let number = |digits: &str| {
        digits.parse::<u64>().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let bounds = text.strip_prefix("bytes=").and_then(|bounds| bounds.split_once('-'));
    let bounds = bounds.and_then(|(first, last)| Some((number(first)?, number(last)?)));
    let (first, last) = bounds.filter(|(first, last)| first <= last).ok_or_else(|| {
        Error::new(CosCode::InvalidArgument)
            .because(format_args!("x-cos-copy-source-range is \"{text}\", but must be bytes=<first>-<last>"))
    })?;
    if last >= size {
        return Err(Error::new(CosCode::InvalidRange).because(format_args!("the source has {size} bytes")));
    }
    Ok(first..last + 1)
}

/// UploadPartCopy; `body` is what [`part_source`] named.
///
/// # Errors
/// Those of [`part_source`].
pub(super) fn part(call: &Call<'_>, body: &Received) -> Handled {
    let source = source(call)?;
    let (part, change) = multipart::part_change(call, body)?;
    let document = xml::document("CopyPartResult", |result| {
        result.text("ETag", quoted(part.etag));
        result.text("LastModified", call.context.now.iso_seconds());
        result.text("CRC64", part.crc64);
    });
    Ok(Outcome { reply: told(Reply::new(200), document, &source), changes: vec![change] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_source_is_read() {
        let place_of = |bucket: &str, key: &str, version: Option<&str>| {
            Some(Place {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                version: version.map(str::to_owned),
            })
        };
        for (text, expected) in [
            ("b-1.cos.ap-x.myqcloud.com/k", place_of("b-1", "k", None)),
            ("b-1.cos.ap-x.myqcloud.com/a%2Fb/%E7%9B%AE%20x", place_of("b-1", "a/b/目 x", None)),
            ("b-1.cos.ap-x.tencentcos.cn/k?versionId=v", place_of("b-1", "k", Some("v"))),
            ("http://b-1.cos.ap-x.myqcloud.com/k", place_of("b-1", "k", None)),
            ("/b-1/k/l", place_of("b-1", "k/l", None)),
            ("b-1/k", place_of("b-1", "k", None)),
            ("/b-1/k%3FversionId", place_of("b-1", "k?versionId", None)),
            ("b-1.example.com/k+l", place_of("b-1", "k+l", None)),
            ("b-1.cos.ap-x.myqcloud.com", None),
            ("b-1.cos.ap-x.myqcloud.com/", None),
            ("k", None),
            ("", None),
            ("service.cos.myqcloud.com/k", None),
            ("b-1.cos.ap-x.myqcloud.com/%ff", None),
        ] {
            assert_eq!(place(text), expected, "{text}");
        }
    }

    #[test]
    fn ranges_of_a_source_lie_within_it() {
        assert_eq!(range("bytes=0-9", 10).unwrap(), 0..10);
        let code = |text| range(text, 10).unwrap_err().code();
        for text in ["bytes=5-2", "bytes=-3", "bytes=3-", "0-3", "bytes=a-b", ""] {
            assert_eq!(code(text), CosCode::InvalidArgument, "{text}");
        }
        assert_eq!(code("bytes=0-10"), CosCode::InvalidRange);
    }
}
