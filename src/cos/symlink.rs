//! Links: keys that lead to another key of the bucket.
//!
//! Source: `cos.md` 5.3.12; there is no page of the service's own, only what the SDKs send and expect.

use percent_encoding::{percent_decode_str, utf8_percent_encode};

use super::integrity::quoted;
use super::metadata::{check_key, metadata};
use super::object::check_overwrite;
use super::{Call, Error, Handled, changed, list, unchanged};
use crate::code::CosCode;
use crate::content::Content;
use crate::digest::{Crc64, md5};
use crate::message::Reply;
use crate::store::{Etag, Object, ObjectKind};

const TARGET: &str = "x-cos-symlink-target";

/// The target need not be there.
///
/// # Errors
/// `NoSuchBucket`, those of the key and the metadata, `InvalidArgument` without a target, `FileAlreadyExists`, `ObjectLocked`.
pub(super) fn put(call: &Call<'_>) -> Handled {
    let bucket = call.bucket()?;
    let key = &call.target.key;
    check_key(key)?;
    let target = call.head.header(TARGET).and_then(|text| percent_decode_str(text).decode_utf8().ok());
    let target = target.ok_or_else(|| {
        Error::new(CosCode::InvalidArgument).because(format_args!("{TARGET} is missing or not UTF-8"))
    })?;
    check_key(&target)?;
    check_overwrite(call, call.head, bucket, key)?;
    let object = Object {
        content: Content::default(),
        etag: Etag::Md5(md5(target.as_bytes())),
        crc64: Crc64::EMPTY,
        modified: call.context.now,
        metadata: metadata(call, call.head, key)?,
        kind: ObjectKind::Symlink(target.into()),
    };
    let mut reply = Reply::new(200).with("ETag", quoted(object.etag));
    let change = call.write(&mut reply, key, object)?;
    Ok(changed(reply, change))
}

/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`; `InvalidRequest` for an object that is no link.
pub(super) fn get(call: &Call<'_>) -> Handled {
    let (id, object) = call.object()?;
    let ObjectKind::Symlink(target) = &object.kind else {
        return Err(Error::new(CosCode::InvalidRequest).because("the object is no link"));
    };
    let mut reply = Reply::new(200)
        .with("ETag", quoted(object.etag))
        .with(TARGET, utf8_percent_encode(target, list::URL).to_string());
    call.tell_version(&mut reply, id);
    Ok(unchanged(reply))
}
