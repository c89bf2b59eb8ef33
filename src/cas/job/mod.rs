//! Jobs: retrieving archives and inventories, and copying archives to buckets and objects to vaults.
//!
//! Here they are started. `describe` tells how far they are, `output` what they give, and `settle` does what is due.
//!
//! Source: CAS API, the pages of "Jobs" (`cas.md` 4.12 to 4.14).

mod copy;
mod describe;
mod output;
mod range;
mod settle;

use super::json::{self, Members};
use super::{Call, Error, Handled, MAX_DESCRIPTION_BYTES, callback, changed, inventory};
use crate::content::Content;
use crate::digest::Wanted;
use crate::message::{Received, Reply};
use crate::store::{Archive, ArchiveRetrieval, Change, Job, Retrieved, Task, Vault};

use range::RetrievalRange;

pub(super) use describe::{describe, list};
pub(super) use output::{output, requested_range};
pub use settle::{Settled, settle};

/// The most that an expedited retrieval gives: 256 MiB.
const MAX_EXPEDITED_BYTES: u64 = 256 << 20;

const TIERS: &[&str] = &["Expedited", "Standard", "Bulk"];
const DEFAULT_TIER: &str = "Standard";

/// The bytes that a copy is about, with the digests that it needs of them; `None` when there are none, or the request is
/// wrong.
pub(super) fn source(call: &Call<'_>, body: &Received) -> Option<(Content, Wanted)> {
    let vault = call.vault().ok()?;
    let members = json::members(&body.content.to_bytes()).ok()?;
    match members.required("Type").ok()? {
        "push-to-cos" => copy::pushed(call, vault, &members),
        "pull-from-cos" => copy::pulled(call, &members),
        _ => None,
    }
}

/// # Errors
/// `ResourceNotFoundException` for the vault, and for an archive that never was; `SerializationException` for a body
/// that is no JSON object; `MissingParameterValueException` without `Type`, the `ArchiveId` of an archive, and the `Bucket`
/// and `Object` of a copy; `InvalidParameterValueException` for members of another type or with a value that cannot be.
pub(super) fn initiate(call: &Call<'_>, body: &Received) -> Handled {
    let vault = call.vault()?;
    let members = json::members(&body.content.to_bytes())?;
    let kind = members.required("Type")?;
    let description = bounded(&members, "Description")?;
    let callback_url = members.text("CallBackUrl")?.map(callback::url).transpose()?;
    let task = match kind {
        "archive-retrieval" => Task::Archive(archive_retrieval(vault, &members)?),
        "inventory-retrieval" => Task::Inventory(inventory::retrieval(call, vault, &members)?),
        "push-to-cos" => Task::Push(Box::new(copy::push(call, vault, &members, body)?)),
        "pull-from-cos" => Task::Pull(Box::new(copy::pull(call, &members, body)?)),
        _ => return Err(Error::invalid(format_args!("Invalid Type: {kind}"))),
    };
    let id = call.context.identity.job_id();
    let reply = Reply::new(202).with("Location", call.location("jobs", &id)).with("x-cas-job-id", &id);
    let mut job = Job::new(task, description, call.context.account.jobs, call.context.now);
    job.callback_url = callback_url;
    Ok(changed(reply, Change::CreateJob { vault: call.target.vault.clone(), id, job }))
}

/// A text of at most 1024 bytes.
fn bounded(members: &Members, name: &str) -> Result<Option<String>, Error> {
    let text = members.text(name)?;
    if text.is_some_and(|text| text.len() > MAX_DESCRIPTION_BYTES) {
        return Err(Error::invalid(format_args!(
            "Invalid {name}: it has at most {MAX_DESCRIPTION_BYTES} bytes"
        )));
    }
    Ok(text.map(str::to_owned))
}

/// The retrieval of an archive that was deleted is accepted, and fails when it completes.
fn archive_retrieval(vault: &Vault, members: &Members) -> Result<ArchiveRetrieval, Error> {
    let id = members.required("ArchiveId")?;
    let tier = members.text("Tier")?.unwrap_or(DEFAULT_TIER);
    let tier = *TIERS
        .iter()
        .find(|known| **known == tier)
        .ok_or_else(|| Error::invalid(format_args!("Invalid Tier: {tier}, expected {}", TIERS.join(", "))))?;
    let asked = members.text("RetrievalByteRange")?.map(RetrievalRange::parse).transpose()?;
    let source = match vault.archive(id) {
        Some(archive) => Some(retrieved(archive, asked.as_ref(), tier)?),
        None if vault.had_archive(id) => None,
        None => return Err(Error::not_found("Archive", id)),
    };
    Ok(ArchiveRetrieval { archive: id.to_owned(), tier, source })
}

fn retrieved(archive: &Archive, asked: Option<&RetrievalRange<'_>>, tier: &str) -> Result<Retrieved, Error> {
    let size = archive.content.len();
    let range = match asked {
        Some(asked) => asked.of_an_archive(size)?,
        None => 0..size,
    };
    if tier == "Expedited" && range.end - range.start > MAX_EXPEDITED_BYTES {
        return Err(Error::invalid(format_args!(
            "Invalid Tier: {tier} retrieves at most {MAX_EXPEDITED_BYTES} bytes"
        )));
    }
    Ok(Retrieved { whole: archive.content.clone(), tree: archive.tree.clone(), range })
}

/// The job that the request names.
///
/// # Errors
/// `ResourceNotFoundException` for a vault or a job that is not there, and for a job that was completed more than 24
/// hours ago.
fn job<'a>(call: &Call<'a>) -> Result<&'a Job, Error> {
    let id = &call.target.id;
    call.vault()?.job(id, call.context.now).ok_or_else(|| Error::not_found("Job", id))
}

#[cfg(test)]
mod tests;
