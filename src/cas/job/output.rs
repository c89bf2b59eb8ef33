//! Reading what a job gives.
//!
//! Source: CAS API, "Get Job Output" (`cas.md` 4.14).

use std::ops::Range;

use http::header::RANGE;

use super::job;
use super::range::bounds;
use crate::cas::{Call, Error, Handled, tell_tree, unchanged};
use crate::clock::Timestamp;
use crate::content::Content;
use crate::message::{Head, Ranged, Reply};
use crate::store::{InventoryFormat, Job, JobStatus, Retrieved, Task};

/// What a job that succeeds gives.
struct Output<'a> {
    bytes: Content,
    content_type: &'static str,
    /// The archive that the bytes are of; inventories have no tree hash.
    archive: Option<&'a Retrieved>,
}

impl<'a> Output<'a> {
    /// `None` when the job fails.
    fn of(job: &'a Job) -> Option<Self> {
        Some(match &job.task {
            Task::Archive(retrieval) => {
                let archive = retrieval.source.as_ref()?;
                let content_type = "application/octet-stream";
                Output { bytes: archive.output(), content_type, archive: Some(archive) }
            }
            Task::Inventory(retrieval) => {
                let content_type = match retrieval.format {
                    InventoryFormat::Json => "application/json",
                    InventoryFormat::Csv => "text/csv",
                };
                Output { bytes: retrieval.document.clone(), content_type, archive: None }
            }
            // What these give stands in the bucket, or in the vault.
            Task::Push(_) | Task::Pull(_) => return None,
        })
    }
}

/// The output of the job, or the part of it that `Range` names, which counts from the start of the output. An answer to
/// a `Range` is 206 also when it is all.
///
/// # Errors
/// `ResourceNotFoundException` for a vault or a job that is not there, a job that failed, and one that was completed more
/// than 24 hours ago; `InvalidParameterValueException` for a job in progress and for a range that does not parse or
/// reaches beyond the end.
pub(in crate::cas) fn output(call: &Call<'_>) -> Handled {
    let (id, job) = (&call.target.id, job(call)?);
    let output = match (job.status(call.context.now), Output::of(job)) {
        (JobStatus::InProgress, _) => {
            return Err(Error::invalid(format_args!(
                "The job is not currently available for download: {id}"
            )));
        }
        (JobStatus::Failed(_) | JobStatus::Succeeded(_), None) => {
            return Err(Error::not_found("Output of job", id));
        }
        (JobStatus::Failed(_) | JobStatus::Succeeded(_), Some(output)) => output,
    };
    let size = output.bytes.len();
    let asked = call.head.header(RANGE).map(|header| output_range(header, size)).transpose()?;
    let status = if asked.is_some() { 206 } else { 200 };
    let mut reply = Reply::new(status).with("Content-Type", output.content_type);
    if let Some(range) = &asked {
        reply.push("Content-Range", format!("bytes {}-{}/{size}", range.start, range.end - 1));
    }
    let range = asked.unwrap_or(0..size);
    if let Some(tree) = output.archive.and_then(|archive| archive.tree_of(range.clone())) {
        tell_tree(&mut reply, tree);
    }
    reply.body = output.bytes.slice(range.clone());
    reply.ranged = Some(Ranged { whole: output.bytes, range });
    Ok(unchanged(reply))
}

/// Reads `bytes=0-1048575`, or `bytes=1048576-`, for an output of that size.
///
/// # Errors
/// `InvalidParameterValueException` for anything else, and for a range that is empty or reaches beyond the end.
pub(super) fn output_range(header: &str, size: u64) -> Result<Range<u64>, Error> {
    let read = || {
        let (unit, range) = header.split_once('=')?;
        let (first, last) = bounds(range).filter(|_| unit.eq_ignore_ascii_case("bytes"))?;
        let last = last.unwrap_or(size.checked_sub(1)?);
        (first <= last && last < size).then(|| first..last + 1)
    };
    read().ok_or_else(|| {
        Error::invalid(format_args!(
            "Invalid Range: {header}, expected bytes=<first>-<last> within the {size} bytes of the output"
        ))
    })
}

/// The bytes of the output of a job that a request reads, and how many there are; `None` when there is no output.
pub(in crate::cas) fn requested_range(job: &Job, head: &Head, now: Timestamp) -> Option<(Range<u64>, u64)> {
    job.status(now).completed()?;
    let size = Output::of(job)?.bytes.len();
    let range = head.header(RANGE).and_then(|header| output_range(header, size).ok());
    Some((range.unwrap_or(0..size), size))
}
