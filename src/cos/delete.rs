//! Deleting objects and versions, one or up to a thousand at once.
//!
//! Source: COS API, "DELETE Object", "DELETE Multiple Objects" (`cos.md` 5.3.4, 5.3.5, 7.2).

use super::integrity::{ClaimedDigests, document_plan};
use super::{Call, Error, Handled, document_reply, xml};
use crate::code::CosCode;
use crate::message::{BodyPlan, Outcome, Received, Reply};
use crate::store::{Bucket, Change, VersionId, Versioning};

/// The largest number of keys in one DeleteObjects.
const MAX_DELETED_KEYS: usize = 1000;

/// What becomes of a key.
#[derive(Default)]
struct Deletion {
    change: Option<Change>,
    /// The version that was named.
    version: Option<String>,
    /// The delete marker that was made, or deleted.
    marker: Option<String>,
}

/// Deletes a key or a version of it. Without versioning the key goes; with it a marker is put in front.
///
/// # Errors
/// `ObjectLocked`.
fn deletion(call: &Call<'_>, bucket: &Bucket, key: &str, version: Option<&str>) -> Result<Deletion, Error> {
    let (name, key) = (call.target.bucket.clone(), key.to_owned());
    if let Some(text) = version {
        let found = text.parse().ok().and_then(|id| bucket.version(&key, id));
        let Some(found) = found else {
            return Ok(Deletion { version: Some(text.to_owned()), ..Deletion::default() });
        };
        found.object.map_or(Ok(()), |object| call.check_unlocked(object))?;
        return Ok(Deletion {
            change: Some(Change::DeleteVersion { bucket: name, key, version: found.id }),
            version: Some(text.to_owned()),
            marker: found.object.is_none().then(|| text.to_owned()),
        });
    }
    bucket.object(&key).map_or(Ok(()), |object| call.check_unlocked(object))?;
    let id = match bucket.versioning() {
        Versioning::Never => {
            let change = bucket.object(&key).map(|_| Change::DeleteKey { bucket: name, key: key.clone() });
            return Ok(Deletion { change, ..Deletion::default() });
        }
        Versioning::Enabled => VersionId::Numbered(call.context.identity.cos_version_number(&key)),
        Versioning::Suspended => VersionId::Null,
    };
    let change = Some(Change::PutMarker { bucket: name, key, version: id, now: call.context.now });
    Ok(Deletion { change, version: None, marker: Some(id.to_string()) })
}

/// Always 204, also for a key that is not there.
///
/// # Errors
/// `NoSuchBucket`, `ObjectLocked`.
pub(super) fn one(call: &Call<'_>) -> Handled {
    let deletion = deletion(call, call.bucket()?, &call.target.key, call.named_version())?;
    let mut reply = Reply::new(204);
    if deletion.marker.is_some() {
        reply.push("x-cos-delete-marker", "true");
    }
    if let Some(id) = deletion.version.or(deletion.marker) {
        reply.push("x-cos-version-id", id);
    }
    Ok(Outcome { reply, changes: deletion.change.into_iter().collect() })
}

/// # Errors
/// `NoSuchBucket`; `InvalidRequest` without `Content-MD5`, `InvalidDigest` for one that is malformed.
pub(super) fn admit_many(call: &Call<'_>) -> Result<BodyPlan, Error> {
    call.bucket()?;
    if !ClaimedDigests::of(call.head)?.has_md5() {
        return Err(Error::new(CosCode::InvalidRequest)
            .saying("Missing required header for this request: Content-MD5"));
    }
    document_plan(call.head)
}

/// # Errors
/// Those of [`admit_many`]; `InvalidDigest` for a body that has another MD5; `MalformedXML`.
pub(super) fn many(call: &Call<'_>, body: &Received) -> Handled {
    admit_many(call)?;
    ClaimedDigests::of(call.head)?.verify(&body.digests, CosCode::InvalidDigest)?;
    let Deletions { objects, quiet } = listed_keys(&body.content.to_bytes())?;
    let bucket = call.bucket()?;
    let mut changes = Vec::new();
    let document = xml::document("DeleteResult", |result| {
        for (key, version) in &objects {
            match deletion(call, bucket, key, version.as_deref()) {
                Ok(deletion) => {
                    changes.extend(deletion.change);
                    if quiet {
                        continue;
                    }
                    result.nested("Deleted", |deleted| {
                        deleted.text("Key", key);
                        if let Some(marker) = &deletion.marker {
                            deleted.text("DeleteMarker", true);
                            deleted.text("DeleteMarkerVersionId", marker);
                        }
                        deleted.optional("VersionId", deletion.version.as_ref());
                    });
                }
                Err(error) => result.nested("Error", |element| {
                    element.text("Key", key);
                    element.optional("VersionId", version.as_ref());
                    element.text("Code", error.code().name());
                    element.text("Message", error.message());
                }),
            }
        }
    });
    Ok(Outcome { reply: document_reply(document), changes })
}

/// What a `Delete` document asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Deletions {
    /// The keys, 1 to 1000, in the order of the document, each with the version that it names. No key is empty.
    pub objects: Vec<(String, Option<String>)>,
    /// Whether the answer leaves out what was deleted.
    pub quiet: bool,
}

/// Reads a `Delete` document.
///
/// # Errors
/// `MalformedXML`, also for more than 1000 keys.
pub fn listed_keys(document: &[u8]) -> Result<Deletions, Error> {
    let malformed = |reason: &str| Error::new(CosCode::MalformedXML).because(reason);
    let delete = xml::parse(document).map_err(|error| malformed(error.0))?;
    if delete.name != "Delete" {
        return Err(malformed("the root is not Delete"));
    }
    let objects: Vec<_> = delete
        .all("Object")
        .map(|object| {
            let key = object.child("Key").map(|key| key.text.clone()).filter(|key| !key.is_empty());
            let version = object.text_of("VersionId").filter(|id| !id.is_empty()).map(str::to_owned);
            key.map(|key| (key, version)).ok_or_else(|| malformed("an Object has no Key"))
        })
        .collect::<Result<_, _>>()?;
    if objects.is_empty() {
        return Err(malformed("there is no Object"));
    }
    if objects.len() > MAX_DELETED_KEYS {
        return Err(Error::new(CosCode::MalformedXML).saying("delete key size is greater than 1000"));
    }
    let quiet = delete.text_of("Quiet").is_some_and(|quiet| quiet.eq_ignore_ascii_case("true"));
    Ok(Deletions { objects, quiet })
}
