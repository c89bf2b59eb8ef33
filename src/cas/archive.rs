//! Uploading an archive in one piece, and deleting one.
//!
//! Source: CAS API, "Upload Archive", "Delete Archive" (`cas.md` 4.4, 4.5).

use super::{Call, ClaimedHashes, Error, HASHES, Handled, changed, tell_tree, unchanged};
use crate::message::{BodyPlan, Received, Reply};
use crate::store::{Change, MAX_CHUNK_SIZE_BYTES};

/// # Errors
/// `ResourceNotFoundException`, `MissingParameterValueException`, `InvalidParameterValueException` for hashes,
/// description and lengths that cannot be.
pub(super) fn admit_upload(call: &Call<'_>) -> Result<BodyPlan, Error> {
    call.vault()?;
    let length = match call.head.content_length() {
        None if call.head.is_chunked() => None,
        None => return Err(Error::missing("Content-Length")),
        Some(length) => Some(length),
    };
    ClaimedHashes::of(call)?;
    call.description()?;
    if length == Some(0) {
        return Err(empty());
    }
    if length.is_some_and(|length| length > MAX_CHUNK_SIZE_BYTES) {
        return Err(Error::invalid(format_args!(
            "An archive in one piece has at most {MAX_CHUNK_SIZE_BYTES} bytes."
        )));
    }
    Ok(BodyPlan { wanted: HASHES, limit: MAX_CHUNK_SIZE_BYTES, ..BodyPlan::IGNORED })
}

/// Every upload makes a new archive, also of the same bytes.
///
/// # Errors
/// Those of [`admit_upload`], and `InvalidParameterValueException` for a body that has other hashes.
pub(super) fn upload(call: &Call<'_>, body: &Received) -> Handled {
    admit_upload(call)?;
    let tree = ClaimedHashes::of(call)?.verify(&body.digests)?;
    if body.content.is_empty() {
        return Err(empty());
    }
    let archive = call.context.identity.archive_id();
    let mut reply = Reply::new(201)
        .with("Location", call.location("archives", &archive))
        .with("x-cas-archive-id", &archive)
        .with("x-cas-content-sha256", body.digests.sha256.expect("the plan asked for it").to_string());
    tell_tree(&mut reply, tree.clone());
    let change = Change::PutArchive {
        vault: call.target.vault.clone(),
        archive,
        content: body.content.clone(),
        tree,
        description: call.description()?,
        now: call.context.now,
    };
    Ok(changed(reply, change))
}

fn empty() -> Error {
    Error::invalid("An archive has at least one byte.")
}

/// Deleting an archive that was deleted is no error.
///
/// # Errors
/// `ResourceNotFoundException` for an archive that never was.
pub(super) fn delete(call: &Call<'_>) -> Handled {
    let (vault, id) = (call.vault()?, &call.target.id);
    let reply = Reply::new(204);
    if vault.archive(id).is_some() {
        let change = Change::DeleteArchive {
            vault: call.target.vault.clone(),
            archive: id.clone(),
            now: call.context.now,
        };
        return Ok(changed(reply, change));
    }
    if vault.had_archive(id) { Ok(unchanged(reply)) } else { Err(Error::not_found("Archive", id)) }
}
