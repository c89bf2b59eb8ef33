//! Multipart uploads: initiate, upload parts, complete, abort, list parts.
//!
//! Source: COS API, the pages of "Multipart upload" (`cos.md` 5.4 and 6).

use std::sync::Arc;

use super::integrity::{ClaimedDigests, data_plan, document_plan, etag_of, quoted};
use super::list::{Encoding, owner};
use super::metadata::{check_key, metadata};
use super::object::{check_overwrite, traffic_limit, visible_etag};
use super::{Call, Error, Handled, changed, document_reply, encryption, unchanged, xml};
use crate::code::CosCode;
use crate::message::{BodyPlan, Received, Reply};
use crate::store::{
    AssemblyError, Change, Object, ObjectKind, Part, PartNumber, Upload, VersionId, Versioning,
};

/// The largest page of parts.
const MAX_LISTED_PARTS: u64 = 1000;

/// # Errors
/// `NoSuchBucket`, `FileAlreadyExists`, and those of the key and the metadata.
pub(super) fn initiate(call: &Call<'_>) -> Handled {
    let bucket = call.bucket()?;
    check_key(&call.target.key)?;
    check_overwrite(call, call.head, bucket, &call.target.key)?;
    let metadata = metadata(call, call.head, &call.target.key)?;
    let upload = call.context.identity.cos_upload_id();
    let document = xml::document("InitiateMultipartUploadResult", |result| {
        result.text("Bucket", &call.target.bucket);
        result.text("Key", &call.target.key);
        result.text("UploadId", &upload);
    });
    let change = Change::CreateUpload {
        bucket: call.target.bucket.clone(),
        key: call.target.key.clone(),
        upload,
        metadata: metadata.clone(),
        now: call.context.now,
    };
    let mut reply = document_reply(document);
    encryption::tell(&mut reply, metadata.encryption());
    Ok(changed(reply, change))
}

/// The upload that the request names.
///
/// # Errors
/// `NoSuchUpload` for an id that never was, belongs to another key, or was aborted or completed.
fn upload<'a>(call: &Call<'a>) -> Result<(&'a str, &'a Upload), Error> {
    let bucket = call.bucket()?;
    let id = call.head.query.get("uploadId").filter(|id| !id.is_empty()).ok_or_else(|| {
        Error::new(CosCode::InvalidArgument).because("the parameter uploadId is missing or empty")
    })?;
    let upload = bucket.upload(&call.target.key, id).ok_or_else(|| Error::new(CosCode::NoSuchUpload))?;
    Ok((id, upload))
}

/// # Errors
/// `InvalidArgument` when there is no number from 1 to 10,000.
fn part_number(call: &Call<'_>) -> Result<PartNumber, Error> {
    let text = call.head.query.get("partNumber").unwrap_or("");
    PartNumber::parse(text).ok_or_else(|| {
        Error::new(CosCode::InvalidArgument)
            .because(format_args!("partNumber is \"{text}\", but must be a number from 1 to 10000"))
    })
}

/// # Errors
/// `NoSuchBucket`, `InvalidArgument`, `NoSuchUpload`; those of a customer's key.
pub(super) fn check_part(call: &Call<'_>) -> Result<(), Error> {
    call.bucket()?;
    part_number(call)?;
    let (_, upload) = upload(call)?;
    encryption::check_part(call.head, upload.metadata.encryption())
}

/// # Errors
/// Those of [`check_part`] and of [`data_plan`].
pub(super) fn admit_part(call: &Call<'_>) -> Result<BodyPlan, Error> {
    check_part(call)?;
    Ok(BodyPlan { bytes_per_second: traffic_limit(call)?, ..data_plan(call)? })
}

/// Stores a part; a part of the same number is replaced.
///
/// # Errors
/// Those of [`admit_part`], and `BadDigest` or `InvalidSHA1Digest` for a body that differs from what was claimed.
pub(super) fn put_part(call: &Call<'_>, body: &Received) -> Handled {
    admit_part(call)?;
    ClaimedDigests::of(call.head)?.verify(&body.digests, CosCode::BadDigest)?;
    let (part, change) = part_change(call, body)?;
    let mut reply =
        Reply::new(200).with("ETag", quoted(part.etag)).with("x-cos-hash-crc64ecma", part.crc64.to_string());
    encryption::tell(&mut reply, upload(call)?.1.metadata.encryption());
    Ok(changed(reply, change))
}

/// The part that bytes become, and the change that stores it.
///
/// # Errors
/// Those of [`check_part`].
pub(super) fn part_change(call: &Call<'_>, body: &Received) -> Result<(Part, Change), Error> {
    check_part(call)?;
    let (id, upload) = upload(call)?;
    let part = Part {
        content: body.content.clone(),
        md5: body.digests.md5.expect("the plan asked for it"),
        etag: visible_etag(call, etag_of(call, &body.digests), &upload.metadata, &body.digests),
        crc64: body.digests.crc64.expect("the plan asked for it"),
        modified: call.context.now,
    };
    let change = Change::PutPart {
        bucket: call.target.bucket.clone(),
        key: call.target.key.clone(),
        upload: id.to_owned(),
        number: part_number(call)?,
        part: part.clone(),
    };
    Ok((part, change))
}

/// # Errors
/// `NoSuchBucket`, `NoSuchUpload`, `InvalidDigest`.
pub(super) fn admit_complete(call: &Call<'_>) -> Result<BodyPlan, Error> {
    upload(call)?;
    document_plan(call.head)
}

/// Turns the listed parts into the object. The parts are joined, not copied.
///
/// # Errors
/// Those of [`admit_complete`]; `BadDigest`; `MissingRequestBodyError`, `MalformedXML`; `InvalidPartOrder`,
/// `InvalidPart`, `EntityTooSmall`; `FileAlreadyExists`. The upload stays as it was after each of them.
pub(super) fn complete(call: &Call<'_>, body: &Received) -> Handled {
    let (id, upload) = upload(call)?;
    ClaimedDigests::of(call.head)?.verify(&body.digests, CosCode::BadDigest)?;
    if body.content.is_empty() {
        return Err(Error::new(CosCode::MissingRequestBodyError));
    }
    let listed = listed_parts(&body.content.to_bytes())?;
    let bucket = call.bucket()?;
    check_overwrite(call, call.head, bucket, &call.target.key)?;
    let assembled = upload.assemble(id, &listed).map_err(|error| {
        let code = match error {
            AssemblyError::OutOfOrder(_) => CosCode::InvalidPartOrder,
            AssemblyError::Gap(_) | AssemblyError::Missing(_) | AssemblyError::WrongEtag(_) => {
                CosCode::InvalidPart
            }
            AssemblyError::TooSmall(_) => CosCode::EntityTooSmall,
        };
        Error::new(code).because(error)
    })?;
    let object = Object {
        content: assembled.content,
        etag: assembled.etag,
        crc64: assembled.crc64,
        modified: call.context.now,
        metadata: upload.metadata.clone(),
        kind: ObjectKind::Normal,
    };
    let root = "CompleteMultipartUploadResult xmlns=\"http://www.qcloud.com/document/product/436/7751\"";
    let document = xml::document(root, |result| {
        result.text("Location", format_args!("http://{}{}", call.head.host(), call.head.path));
        result.text("Bucket", &call.target.bucket);
        result.text("Key", &call.target.key);
        result.text("ETag", quoted(object.etag));
    });
    let mut reply = document_reply(document).with("x-cos-hash-crc64ecma", object.crc64.to_string());
    let version = call.next_version(bucket, &call.target.key);
    // Unlike a write in one piece, a completion names the version `null` too.
    if version != VersionId::Null || bucket.versioning() == Versioning::Suspended {
        reply.push("x-cos-version-id", version.to_string());
    }
    encryption::tell(&mut reply, object.metadata.encryption());
    let change = Change::CompleteUpload {
        bucket: call.target.bucket.clone(),
        key: call.target.key.clone(),
        upload: id.to_owned(),
        version,
        object: Arc::new(object),
    };
    Ok(changed(reply, change))
}

/// The parts of a `CompleteMultipartUpload` document: numbers, and ETags without quotes.
///
/// # Errors
/// `MalformedXML`.
pub fn listed_parts(document: &[u8]) -> Result<Vec<(PartNumber, String)>, Error> {
    let malformed = |reason: &str| Error::new(CosCode::MalformedXML).because(reason);
    let root = xml::parse(document).map_err(|error| malformed(error.0))?;
    if root.name != "CompleteMultipartUpload" {
        return Err(malformed("the root is not CompleteMultipartUpload"));
    }
    let parts: Vec<_> = root
        .all("Part")
        .map(|part| {
            let number = part.text_of("PartNumber").and_then(PartNumber::parse);
            let number = number.ok_or_else(|| malformed("a Part has no PartNumber from 1 to 10000"))?;
            let etag = part.text_of("ETag").ok_or_else(|| malformed("a Part has no ETag"))?;
            Ok((number, etag.trim_matches('"').to_owned()))
        })
        .collect::<Result<_, Error>>()?;
    if parts.is_empty() { Err(malformed("there is no Part")) } else { Ok(parts) }
}

/// # Errors
/// `NoSuchBucket`, `NoSuchUpload`.
pub(super) fn abort(call: &Call<'_>) -> Handled {
    let (id, _) = upload(call)?;
    let (bucket, key) = (call.target.bucket.clone(), call.target.key.clone());
    Ok(changed(Reply::new(204), Change::DeleteUpload { bucket, key, upload: id.to_owned() }))
}

/// # Errors
/// `NoSuchBucket`, `ListPartUploadIdIsEmpty`, `NoSuchUpload`, `InvalidArgument`.
pub(super) fn list_parts(call: &Call<'_>) -> Handled {
    if call.head.query.get("uploadId") == Some("") {
        return Err(Error::new(CosCode::ListPartUploadIdIsEmpty));
    }
    let (id, upload) = upload(call)?;
    let encoding = Encoding::of(call.head)?;
    let max_parts = call.number("max-parts", MAX_LISTED_PARTS, 1..=MAX_LISTED_PARTS)?;
    let marker = call.number("part-number-marker", 0, 0..=u64::from(u16::MAX))?;
    let marker = u16::try_from(marker).expect("it is within the bounds");

    let mut parts: Vec<_> = upload.parts_after(marker).take(max_parts as usize + 1).collect();
    let truncated = parts.len() > max_parts as usize;
    parts.truncate(max_parts as usize);
    let document = xml::document("ListPartsResult", |result| {
        result.text("Bucket", &call.target.bucket);
        result.text("EncodingType", encoding.name());
        result.text("Key", encoding.apply(&call.target.key));
        result.text("UploadId", id);
        owner(result, "Owner");
        result.text("PartNumberMarker", marker);
        owner(result, "Initiator");
        for (number, part) in &parts {
            result.nested("Part", |element| {
                element.text("PartNumber", number.get());
                element.text("LastModified", part.modified.iso_milliseconds());
                element.text("ETag", quoted(part.etag));
                element.text("Size", part.content.len());
            });
        }
        if truncated {
            result.optional("NextPartNumberMarker", parts.last().map(|(number, _)| number.get()));
        }
        result.text("StorageClass", upload.metadata.storage_class());
        result.text("MaxParts", max_parts);
        result.text("IsTruncated", truncated);
    });
    Ok(unchanged(document_reply(document)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_lists_are_read_with_and_without_quotes() {
        let document = br#"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;ab&quot;</ETag></Part>
            <Part><ETag>"cd"</ETag><PartNumber> 2 </PartNumber></Part><Part><PartNumber>3</PartNumber><ETag>ef</ETag></Part></CompleteMultipartUpload>"#;
        let parts: Vec<_> =
            listed_parts(document).unwrap().into_iter().map(|(number, etag)| (number.get(), etag)).collect();
        assert_eq!(parts, [(1, "ab".to_owned()), (2, "cd".to_owned()), (3, "ef".to_owned())]);
    }

    #[test]
    fn other_part_lists_are_malformed() {
        for document in [
            "<Complete/>",
            "<CompleteMultipartUpload/>",
            "<CompleteMultipartUpload><Part><ETag>a</ETag></Part></CompleteMultipartUpload>",
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
            "<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>",
            "<CompleteMultipartUpload><Part><PartNumber>+1</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>",
            "<CompleteMultipartUpload><Part><PartNumber>0</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>",
            "<CompleteMultipartUpload><Part><PartNumber>10001</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>",
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part>",
        ] {
            let error = listed_parts(document.as_bytes()).unwrap_err();
            assert_eq!(error.code(), CosCode::MalformedXML, "{document}");
        }
    }
}
