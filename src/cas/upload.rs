//! Multipart uploads: initiate, upload parts, complete, abort, list.
//!
//! Source: CAS API, the pages of "Multipart upload" (`cas.md` 4.6 to 4.11 and 5).

use serde_json::{Value, json};

use super::{
    Call, ClaimedHashes, Error, HASHES, Handled, changed, document_reply, tell_tree, unchanged, vault_qcs,
};
use crate::message::{BodyPlan, ContentRangeForm, Outcome, Received, Reply, ShortChunks};
use crate::store::{Change, Chunk, ChunkRange, MAX_CHUNK_SIZE_BYTES, MAX_CHUNKS, VaultUpload};

/// The smallest part size: 1 MiB.
const MIN_PART_SIZE_BYTES: u64 = 1 << 20;

/// # Errors
/// `ResourceNotFoundException`; `MissingParameterValueException`; `InvalidParameterValueException` for a part size
/// that is not 1 MiB times a power of two, up to 4 GiB.
pub(super) fn initiate(call: &Call<'_>) -> Handled {
    call.vault()?;
    let text = call.required("x-cas-part-size")?;
    let part_size_bytes = text
        .parse()
        .ok()
        .filter(|size: &u64| (MIN_PART_SIZE_BYTES..=MAX_CHUNK_SIZE_BYTES).contains(size) && size.is_power_of_two())
        .ok_or_else(|| {
            Error::invalid(format_args!(
                "Invalid part size: {text}. Part size must be a power of two, in bytes, from {MIN_PART_SIZE_BYTES} to {MAX_CHUNK_SIZE_BYTES}."
            ))
        })?;
    let upload = call.context.identity.cas_upload_id();
    let reply = Reply::new(201)
        .with("Location", call.location("multipart-uploads", &upload))
        .with("x-cas-multipart-upload-id", &upload);
    let change = Change::CreateVaultUpload {
        vault: call.target.vault.clone(),
        upload,
        part_size_bytes,
        description: call.description()?,
        now: call.context.now,
    };
    Ok(changed(reply, change))
}

/// The upload that the request names.
///
/// # Errors
/// `ResourceNotFoundException` for a vault or an upload id that is not there, was aborted, completed or has expired.
fn upload<'a>(call: &Call<'a>) -> Result<&'a VaultUpload, Error> {
    let id = &call.target.id;
    call.vault()?.upload(id, call.context.now).ok_or_else(|| Error::not_found("Multipart upload", id))
}

/// The checks of a part's head, in this order: upload, required headers, their syntax, alignment. Returns what the
/// head says.
///
/// # Errors
/// `ResourceNotFoundException`; `MissingParameterValueException`; `InvalidParameterValueException` for hashes that
/// are none and a range that does not parse, is not aligned to the part size, is longer than it, or belongs to a part
/// beyond the 10,000th.
///
/// Source: `cas.md` 5.4.
fn part_head<'a>(call: &Call<'a>) -> Result<(&'a VaultUpload, ChunkRange, ClaimedHashes), Error> {
    let upload = upload(call)?;
    let header = call.required("content-range")?;
    call.required("x-cas-content-sha256")?;
    call.required("x-cas-sha256-tree-hash")?;

    let invalid = |reason: String| Error::invalid(format_args!("Invalid Content-Range: {header}. {reason}"));
    if call.head.headers.get_all("content-range").iter().count() > 1 {
        return Err(invalid("The header is there twice.".to_owned()));
    }
    let range = match call.context.account.cas.content_range {
        ContentRangeForm::Strict => header.parse(),
        ContentRangeForm::Lenient => ChunkRange::lenient(header),
    };
    let range = range.map_err(|error| invalid(format!("{error}.")))?;
    let hashes = ClaimedHashes::of(call)?;

    let part_size = upload.part_size_bytes;
    if range.is_empty() {
        return Err(invalid("The range ends before it starts.".to_owned()));
    }
    if !range.start().is_multiple_of(part_size) {
        return Err(invalid(format!("The start is not aligned to the part size {part_size}.")));
    }
    if range.len() > part_size {
        return Err(invalid(format!(
            "The range has {} bytes, more than the part size {part_size}.",
            range.len()
        )));
    }
    if range.start() / part_size >= MAX_CHUNKS {
        return Err(invalid(format!("An upload has at most {MAX_CHUNKS} parts.")));
    }
    let refuses = call.context.account.cas.short_chunks == ShortChunks::AtUpload;
    if refuses && upload.would_have_a_short_middle(range.start() / part_size, range.len()) {
        return Err(invalid(format!("Only the last part may be smaller than the part size {part_size}.")));
    }
    Ok((upload, range, hashes))
}

/// # Errors
/// Those of the head, and `InvalidParameterValueException` for a declared length that is not that of the range.
pub(super) fn admit_part(call: &Call<'_>) -> Result<BodyPlan, Error> {
    let (_, range, _) = part_head(call)?;
    if !call.head.is_chunked() {
        // Without a length and without chunks the body is empty by the rules of HTTP.
        check_length(call.head.content_length().unwrap_or(0), &range)?;
    }
    Ok(BodyPlan { wanted: HASHES, limit: MAX_CHUNK_SIZE_BYTES, ..BodyPlan::IGNORED })
}

fn check_length(length: u64, range: &ChunkRange) -> Result<(), Error> {
    if length == range.len() {
        return Ok(());
    }
    Err(Error::invalid(format_args!(
        "Content-Length {length} does not match the {} bytes of Content-Range: {range}",
        range.len()
    )))
}

/// Stores a chunk; a chunk at the same place is replaced.
///
/// # Errors
/// Those of [`admit_part`], and `InvalidParameterValueException` for a body of another length or other hashes.
pub(super) fn put_part(call: &Call<'_>, body: &Received) -> Handled {
    let (upload, range, hashes) = part_head(call)?;
    check_length(body.content.len(), &range)?;
    let tree = hashes.verify(&body.digests)?;
    let mut reply = Reply::new(204);
    tell_tree(&mut reply, tree.clone());
    let change = Change::PutChunk {
        vault: call.target.vault.clone(),
        upload: call.target.id.clone(),
        index: range.start() / upload.part_size_bytes,
        chunk: Chunk { content: body.content.clone(), tree },
        now: call.context.now,
    };
    Ok(changed(reply, change))
}

/// Turns the chunks into an archive. Completing again gets the same answer for a day.
///
/// # Errors
/// `ResourceNotFoundException`; `MissingParameterValueException`; `InvalidParameterValueException` for a gap, a size
/// or a tree hash that is not that of the chunks. The upload stays open after each of them.
pub(super) fn complete(call: &Call<'_>) -> Handled {
    let reply = |archive: &str| {
        Reply::new(201).with("Location", call.location("archives", archive)).with("x-cas-archive-id", archive)
    };
    if let Some((archive, _)) = call.vault()?.completed(&call.target.id, call.context.now) {
        return Ok(unchanged(reply(archive)));
    }
    let upload = upload(call)?;
    let size = call.required("x-cas-archive-size")?;
    let tree = call.required("x-cas-sha256-tree-hash")?;
    let plain = size.bytes().all(|byte| byte.is_ascii_digit());
    let size = size.parse().ok().filter(|size: &u64| plain && *size > 0).ok_or_else(|| {
        Error::invalid(format_args!("Invalid x-cas-archive-size: {size}, expected a number above 0"))
    })?;
    let tree = tree.parse().map_err(|_| {
        Error::invalid(format_args!("Invalid x-cas-sha256-tree-hash: {tree}, expected 64 hexadecimal digits"))
    })?;
    let (content, tree) = upload
        .complete(size, tree)
        .map_err(|error| Error::invalid(format_args!("Cannot complete: {error}")))?;
    let archive = call.context.identity.archive_id();
    let answer = reply(&archive);
    let change = Change::CompleteVaultUpload {
        vault: call.target.vault.clone(),
        upload: call.target.id.clone(),
        archive,
        content,
        tree,
        now: call.context.now,
    };
    Ok(changed(answer, change))
}

/// # Errors
/// `ResourceNotFoundException`.
pub(super) fn abort(call: &Call<'_>) -> Handled {
    upload(call)?;
    let (vault, upload) = (call.target.vault.clone(), call.target.id.clone());
    Ok(changed(Reply::new(204), Change::DeleteVaultUpload { vault, upload }))
}

/// Parts by offset. The marker is the offset of the first part of the page.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidParameterValueException`.
pub(super) fn list_parts(call: &Call<'_>) -> Handled {
    let upload = upload(call)?;
    let limit = call.limit()?;
    let offset = match call.marker() {
        None => 0,
        Some(text) => text.parse().map_err(|_| Error::invalid(format_args!("Invalid marker: {text}")))?,
    };
    let mut parts = upload.chunks_from(offset);
    let page: Vec<Value> = parts
        .by_ref()
        .take(limit)
        .map(|(range, chunk)| {
            json!({
                "RangeInBytes": format!("{}-{}", range.start, range.end - 1),
                "SHA256TreeHash": chunk.tree.root().to_string(),
            })
        })
        .collect();
    let mut document = description(call, &call.target.id, upload)?;
    document["Marker"] = parts.next().map(|(range, _)| range.start.to_string()).into();
    document["Parts"] = page.into();
    let (vault, upload) = (call.target.vault.clone(), call.target.id.clone());
    let change = Change::UseVaultUpload { vault, upload, now: call.context.now };
    Ok(Outcome { reply: document_reply(&document), changes: vec![change] })
}

/// Uploads by age, the oldest first. The marker is the id of the first upload of the page.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidParameterValueException`.
pub(super) fn list(call: &Call<'_>) -> Handled {
    let limit = call.limit()?;
    let uploads = call.vault()?.uploads(call.context.now);
    let start = match call.marker() {
        None => 0,
        Some(marker) => uploads
            .iter()
            .position(|(id, _)| *id == marker)
            .ok_or_else(|| Error::invalid(format_args!("Invalid marker: {marker}")))?,
    };
    let end = start.saturating_add(limit).min(uploads.len());
    let page: Vec<Value> = uploads[start..end]
        .iter()
        .map(|(id, upload)| description(call, id, upload))
        .collect::<Result<_, _>>()?;
    let next = uploads.get(end).map(|(id, _)| *id);
    Ok(unchanged(document_reply(&json!({ "Marker": next, "UploadsList": page }))))
}

fn description(call: &Call<'_>, id: &str, upload: &VaultUpload) -> Result<Value, Error> {
    Ok(json!({
        "ArchiveDescription": upload.description,
        "CreationDate": upload.created.iso_milliseconds(),
        "MultipartUploadId": id,
        "PartSizeInBytes": upload.part_size_bytes,
        "VaultQCS": vault_qcs(call.context.account, &call.target.vault, call.vault()?),
    }))
}
