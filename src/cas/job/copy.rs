//! The bridge to COS: jobs that copy archives to buckets, and objects to vaults. Bytes are shared, not copied.
//!
//! What is wrong with a request is told at once. What is wrong with a bucket or an object is only found by the job: then it
//! fails, and its `StatusMessage` has the code that COS would answer.
//!
//! Source: CAS API, "Initiate Job" (`cas.md` 4.12).

use std::ops::Range;

use super::range::bounds;
use super::{archive_retrieval, bounded};
use crate::cas::json::Members;
use crate::cas::{Call, Error, HASHES};
use crate::clock::Timestamp;
use crate::content::Content;
use crate::digest::{Digests, Wanted};
use crate::message::{EtagForm, Received};
use crate::operation::is_bucket_name;
use crate::store::{
    Condition, Conditions, Object, ObjectKind, Place, Pull, Push, PushedDigests, RestorationStatus, Store,
    Vault, is_archive,
};

/// The conditions of a `pull-from-cos`. The third is spelled in both ways: the documentation has a slip (`cas.md` 9).
const CONDITIONS: &[&str] =
    &["If-Modified-Since", "If-Umodified-Since", "If-Unmodified-Since", "If-Match", "If-None-Match"];

// ---- push-to-cos ----

/// # Errors
/// Those of an archive retrieval and of a place.
pub(super) fn push(
    call: &Call<'_>,
    vault: &Vault,
    members: &Members,
    body: &Received,
) -> Result<Push, Error> {
    let retrieval = archive_retrieval(vault, members)?;
    let to = place(call, members)?;
    let digests =
        body.source.as_ref().filter(|_| retrieval.source.is_some()).map(|(_, digests)| PushedDigests {
            md5: digests.md5.expect("it was asked for"),
            sha1: digests.sha1,
            crc64: digests.crc64.expect("it was asked for"),
        });
    let version = call.context.identity.cos_version_number(&to.key);
    Ok(Push { retrieval, to, version, digests })
}

/// The bytes that a push copies.
pub(super) fn pushed(call: &Call<'_>, vault: &Vault, members: &Members) -> Option<(Content, Wanted)> {
    let source = archive_retrieval(vault, members).ok()?.source?;
    let sha1 = call.context.account.etag == EtagForm::Sha1;
    Some((source.output(), Wanted { md5_and_crc64: true, sha1, sha256_and_tree: false }))
}

// ---- pull-from-cos ----

/// # Errors
/// Those of a place; `InvalidParameterValueException` for a `Range` that does not parse, a `Condition` that is no object,
/// has a member that is no condition, or a date that is none; and for a description.
pub(super) fn pull(call: &Call<'_>, members: &Members, body: &Received) -> Result<Pull, Error> {
    let from = place(call, members)?;
    let asked = ask(members)?;
    let description = bounded(members, "ArchiveDescription")?;
    if description.as_ref().is_some_and(|text| !text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))) {
        return Err(Error::invalid("Invalid ArchiveDescription: it has printable ASCII alone"));
    }
    let source = match (find(call.store, &from, &asked, call.context.now), &body.source) {
        (Err(reason), _) => Err(reason),
        (Ok(_), Some((content, Digests { tree: Some(tree), .. }))) => Ok((content.clone(), tree.clone())),
        (Ok(_), _) => Err("The object was written while the job began.".to_owned()),
    };
    Ok(Pull {
        from,
        range: asked.range_text,
        conditions: asked.conditions_text,
        description,
        archive: call.context.identity.archive_id(),
        source,
    })
}

/// The bytes that a pull copies.
pub(super) fn pulled(call: &Call<'_>, members: &Members) -> Option<(Content, Wanted)> {
    let from = place(call, members).ok()?;
    let asked = ask(members).ok()?;
    Some((find(call.store, &from, &asked, call.context.now).ok()?, HASHES))
}

/// What a pull asks for of an object.
#[derive(Default)]
struct Asked {
    range: Option<(u64, Option<u64>)>,
    range_text: Option<String>,
    conditions: Conditions,
    conditions_text: Vec<(&'static str, String)>,
}

fn ask(members: &Members) -> Result<Asked, Error> {
    let mut asked = Asked::default();
    if let Some(text) = members.text("Range")? {
        let range = bounds(text.strip_prefix("bytes=").unwrap_or(text));
        let range = range.filter(|(first, last)| last.is_none_or(|last| *first <= last));
        asked.range = Some(range.ok_or_else(|| {
            Error::invalid(format_args!("Invalid Range: {text}, expected bytes=<first>-<last>"))
        })?);
        asked.range_text = Some(text.to_owned());
    }
    let Some(condition) = members.object("Condition")? else { return Ok(asked) };
    if let Some(unknown) = condition.names().find(|name| !CONDITIONS.contains(name)) {
        return Err(Error::invalid(format_args!(
            "Invalid Condition: {unknown}, expected {}",
            CONDITIONS.join(", ")
        )));
    }
    for name in CONDITIONS {
        let Some(text) = condition.text(name)? else { continue };
        let date = || {
            Timestamp::parse_http_date(text).or_else(|| Timestamp::parse_iso(text)).map(Some).ok_or_else(
                || Error::invalid(format_args!("Invalid {name}: {text}, expected a date of HTTP")),
            )
        };
        let conditions = &mut asked.conditions;
        match *name {
            "If-Modified-Since" => conditions.if_modified_since = date()?,
            "If-Match" => conditions.if_match = Some(text.to_owned()),
            "If-None-Match" => conditions.if_none_match = Some(text.to_owned()),
            _ => conditions.if_unmodified_since = date()?,
        }
        asked.conditions_text.push((name, text.to_owned()));
    }
    Ok(asked)
}

/// The bytes of an object that are asked for, or why there are none.
fn find(store: &Store, from: &Place, asked: &Asked, now: Timestamp) -> Result<Content, String> {
    let bucket = store.bucket(&from.bucket).ok_or_else(|| format!("NoSuchBucket: {}", from.bucket))?;
    let missing = || format!("NoSuchKey: {}", from.key);
    let mut object = bucket.object(&from.key).ok_or_else(missing)?;
    if let ObjectKind::Symlink(target) = &object.kind {
        object = bucket.object(target).ok_or_else(missing)?;
    }
    if !is_readable(object, now) {
        return Err("InvalidObjectState: the object is archived, and not restored".to_owned());
    }
    if asked.conditions.evaluate(object) != Condition::Holds {
        return Err("PreconditionFailed".to_owned());
    }
    let range = slice(asked.range, object.content.len())?;
    Ok(object.content.slice(range))
}

fn is_readable(object: &Object, now: Timestamp) -> bool {
    let restored = object.metadata.restoration().map(|restoration| restoration.status(now));
    !is_archive(object.metadata.storage_class()) || restored == Some(RestorationStatus::Ready)
}

fn slice(range: Option<(u64, Option<u64>)>, size: u64) -> Result<Range<u64>, String> {
    if size == 0 {
        return Err("The object is empty, and an archive has at least one byte.".to_owned());
    }
    let Some((first, last)) = range else { return Ok(0..size) };
    if first >= size {
        return Err(format!("InvalidRange: the object has {size} bytes"));
    }
    Ok(first..last.map_or(size, |last| last.saturating_add(1).min(size)))
}

// ---- places ----

/// The place of an object: `Bucket` is the domain of a bucket, or its full name.
///
/// # Errors
/// `MissingParameterValueException`; `InvalidParameterValueException` for what names no bucket.
fn place(call: &Call<'_>, members: &Members) -> Result<Place, Error> {
    let (named, key) = (members.required("Bucket")?, members.required("Object")?);
    let label = named.split('.').next().unwrap_or_default();
    let bucket = match is_bucket_name(label) {
        true => label.to_owned(),
        // The documentation writes bucket and account as one, old clients give the bucket alone.
        false => format!("{label}-{}", call.context.account.appid),
    };
    if !is_bucket_name(&bucket) {
        return Err(Error::invalid(format_args!(
            "Invalid Bucket: {named}, expected <name>-<appid>.cos.<region>.myqcloud.com"
        )));
    }
    Ok(Place { named: named.to_owned(), bucket, key: key.trim_start_matches('/').to_owned() })
}
