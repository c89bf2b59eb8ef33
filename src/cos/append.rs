//! Appending to objects.
//!
//! Source: COS API, "APPEND Object" (`cos.md` 5.3.6, 12.3).

use super::integrity::{ClaimedDigests, data_plan, quoted};
use super::metadata::{check_key, metadata};
use super::object::traffic_limit;
use super::{Call, Error, Handled, changed, encryption};
use crate::code::CosCode;
use crate::digest::Grown;
use crate::message::{BodyPlan, Received, Reply};
use crate::store::{AppendError, Growing, MAX_PART_SIZE_BYTES, Metadata, Versioning};

/// What the body will be appended to, and what the object will have beside its bytes: that of the first append. What a
/// later one says of it is not even looked at.
///
/// # Errors
/// `NoSuchBucket`; those of the key; `InvalidBucketState` where versions are kept; `ObjectLocked`; `InvalidArgument` without a `position` that is a number; `ObjectNotAppendable`;
/// `AppendPositionErr`, with the position that would be right in `x-cos-next-append-position`; those of the metadata.
fn growing(call: &Call<'_>) -> Result<(Growing, Metadata), Error> {
    let bucket = call.bucket()?;
    check_key(&call.target.key)?;
    if bucket.versioning() == Versioning::Enabled {
        return Err(Error::new(CosCode::InvalidBucketState).because("the bucket has versions"));
    }
    bucket.object(&call.target.key).map_or(Ok(()), |object| call.check_unlocked(object))?;
    let text = call.head.query.get("position").unwrap_or("");
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let position = text.parse().ok().filter(|_| plain).ok_or_else(|| {
        Error::new(CosCode::InvalidArgument)
            .because(format_args!("position is \"{text}\", but must be a number of bytes"))
    })?;
    let growing = bucket.growing(&call.target.key, position).map_err(|error| match error {
        AppendError::NotAppendable => Error::new(CosCode::ObjectNotAppendable),
        AppendError::WrongPosition { length } => Error::new(CosCode::AppendPositionErr)
            .with_header("x-cos-next-append-position", length.to_string()),
    })?;
    let metadata = match &growing.metadata {
        Some(metadata) => metadata.clone(),
        None => metadata(call, call.head, &call.target.key)?,
    };
    Ok((growing, metadata))
}

/// # Errors
/// `NoSuchBucket`, `KeyTooLong`, `InvalidObjectName`, `InvalidArgument`, `ObjectNotAppendable`, `AppendPositionErr`,
/// `NotSupportedStorageClass`; `MissingContentLength`, also for a chunked body; `EntityTooLarge` for an object that
/// would have more than 5 GiB; `InvalidDigest`, `InvalidSHA1Digest`.
pub(super) fn admit(call: &Call<'_>) -> Result<BodyPlan, Error> {
    let (growing, _) = growing(call)?;
    let length = call.head.content_length().ok_or_else(|| Error::new(CosCode::MissingContentLength))?;
    if growing.len().saturating_add(length) > MAX_PART_SIZE_BYTES {
        return Err(Error::new(CosCode::EntityTooLarge));
    }
    Ok(BodyPlan { bytes_per_second: traffic_limit(call)?, ..data_plan(call)? })
}

/// The MD5 that the body has to be hashed behind.
///
/// # Errors
/// Those of [`admit`].
pub(super) fn grown(call: &Call<'_>) -> Result<Grown, Error> {
    let (growing, _) = growing(call)?;
    Ok(Grown::new(growing.md5))
}

/// Appends the body. There is no CRC in the answer, and `x-cos-content-sha1` is the MD5 of the body: the official Go
/// client refuses anything else.
///
/// # Errors
/// Those of [`admit`], and `BadDigest` or `InvalidSHA1Digest` for a body that differs from what was claimed.
pub(super) fn append(call: &Call<'_>, body: &Received) -> Handled {
    admit(call)?;
    ClaimedDigests::of(call.head)?.verify(&body.digests, CosCode::BadDigest)?;
    let md5 = body.digests.md5.expect("the plan asked for it");
    let crc64 = body.digests.crc64.expect("the plan asked for it");
    let (growing, metadata) = growing(call)?;
    let object = growing.append(&body.content, crc64, body.grown.as_ref(), metadata, call.context.now);
    let mut reply = Reply::new(200)
        .with("ETag", quoted(object.etag))
        .with("x-cos-next-append-position", object.content.len().to_string())
        .with("x-cos-content-sha1", md5.to_string());
    encryption::tell(&mut reply, object.metadata.encryption());
    let change = call.write(&mut reply, &call.target.key, object)?;
    Ok(changed(reply, change))
}
