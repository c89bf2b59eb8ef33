//! Telling how far jobs are.
//!
//! Source: CAS API, "Describe Job", "List Jobs" (`cas.md` 4.13).

use serde_json::{Value, json};

use super::{job, settle};
use crate::cas::{Call, Error, Handled, changed, document_reply, unchanged, vault_qcs};
use crate::clock::Timestamp;
use crate::store::{
    ArchiveRetrieval, Change, InventoryFormat, InventoryRetrieval, Job, JobStatus, Pull, Push, Task,
};

/// # Errors
/// `ResourceNotFoundException`.
pub(in crate::cas) fn describe(call: &Call<'_>) -> Handled {
    let now = call.context.now;
    let mut job = job(call)?.described(now);
    // This description may be the one that completes it, and then tells how it ends.
    if let Some((_, ending)) =
        settle::carry_out(&job, call.store, call.context.account, &call.target.vault, now)
    {
        job = job.settled(ending);
    }
    let reply = document_reply(&description(call, &call.target.id, &job)?);
    let (vault, id) = (call.target.vault.clone(), call.target.id.clone());
    Ok(changed(reply, Change::DescribeJob { vault, id, now }))
}

/// Jobs by id. The marker is the id of the first job of the page.
///
/// # Errors
/// `ResourceNotFoundException`; `InvalidParameterValueException` for a `limit`, a `completed` or a `statuscode` that is
/// none.
pub(in crate::cas) fn list(call: &Call<'_>) -> Handled {
    let (vault, limit, query) = (call.vault()?, call.limit()?, &call.head.query);
    let present = |name: &str| query.get(name).filter(|text| !text.is_empty());
    let completed = match present("completed") {
        None => None,
        Some(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Some(text) => {
            return Err(Error::invalid(format_args!("Invalid completed: {text}, expected true or false")));
        }
    };
    let code = present("statuscode");
    if let Some(code) = code.filter(|code| !["InProgress", "Succeeded", "Failed"].contains(code)) {
        return Err(Error::invalid(format_args!(
            "Invalid statuscode: {code}, expected InProgress, Succeeded or Failed"
        )));
    }
    let now = call.context.now;
    let mut jobs = vault.jobs_from(call.marker().unwrap_or(""), now).filter(|(_, job)| {
        let status = job.status(now);
        completed.is_none_or(|completed| status.completed().is_some() == completed)
            && code.is_none_or(|code| status_code(status) == code)
    });
    let page: Vec<Value> =
        jobs.by_ref().take(limit).map(|(id, job)| description(call, id, job)).collect::<Result<_, _>>()?;
    let next = jobs.next().map(|(id, _)| id);
    Ok(unchanged(document_reply(&json!({ "JobList": page, "Marker": next }))))
}

fn status_code(status: JobStatus) -> &'static str {
    match status {
        JobStatus::InProgress => "InProgress",
        JobStatus::Succeeded(_) => "Succeeded",
        JobStatus::Failed(_) => "Failed",
    }
}

/// Every member for every kind of job, with null where it does not apply: the official client looks at all of them.
fn description(call: &Call<'_>, id: &str, job: &Job) -> Result<Value, Error> {
    let qcs = vault_qcs(call.context.account, &call.target.vault, call.vault()?);
    Ok(document(id, job, &qcs, call.context.now))
}

/// The document of a job, which callbacks carry too.
pub(super) fn document(id: &str, job: &Job, vault_qcs: &str, now: Timestamp) -> Value {
    let status = job.status(now);
    let mut document = json!({
        "Action": null,
        "ArchiveId": null,
        "ArchiveSHA256TreeHash": null,
        "ArchiveSizeInBytes": null,
        "CallBackUrl": job.callback_url,
        "Completed": status.completed().is_some(),
        "CompletionDate": status.completed().map(Timestamp::iso_milliseconds),
        "CreationDate": job.created.iso_milliseconds(),
        "InventoryRetrievalParameters": null,
        "InventorySizeInBytes": null,
        "JobDescription": job.description.as_deref().unwrap_or(""),
        "JobId": id,
        "RetrievalByteRange": null,
        "SHA256TreeHash": null,
        "StatusCode": status_code(status),
        "StatusMessage": job.failure().unwrap_or(status_code(status)),
        "Tier": null,
        "VaultQCS": vault_qcs,
    });
    match &job.task {
        Task::Archive(retrieval) => describe_archive_retrieval(&mut document, retrieval, status),
        Task::Inventory(retrieval) => describe_inventory_retrieval(&mut document, retrieval, status),
        Task::Push(push) => describe_push(&mut document, push),
        Task::Pull(pull) => describe_pull(&mut document, pull, status),
    }
    document
}

/// Of an archive that was deleted, neither size nor hashes are known any more. The official client cannot do with a size
/// and no range.
fn describe_archive_retrieval(document: &mut Value, retrieval: &ArchiveRetrieval, status: JobStatus) {
    document["Action"] = "ArchiveRetrieval".into();
    document["ArchiveId"] = retrieval.archive.as_str().into();
    document["Tier"] = retrieval.tier.into();
    let Some(source) = &retrieval.source else { return };
    let range = &source.range;
    let is_whole = *range == (0..source.whole.len());
    // The hash of a part is told when the part is there.
    let hash = source.tree_hash().filter(|_| is_whole || status.completed().is_some());
    document["ArchiveSHA256TreeHash"] = source.tree.root().to_string().into();
    document["ArchiveSizeInBytes"] = source.whole.len().into();
    document["RetrievalByteRange"] = format!("{}-{}", range.start, range.end - 1).into();
    document["SHA256TreeHash"] = hash.map(|hash| hash.to_string()).into();
}

/// `Limit` is 0 when none was asked for, and `Marker` is where the next inventory goes on, as the official client
/// understands them.
fn describe_inventory_retrieval(document: &mut Value, retrieval: &InventoryRetrieval, status: JobStatus) {
    let completed = status.completed().is_some();
    let selection = &retrieval.selection;
    document["Action"] = "InventoryRetrieval".into();
    document["InventorySizeInBytes"] = if completed { retrieval.document.len().into() } else { 0.into() };
    document["InventoryRetrievalParameters"] = json!({
        "EndDate": selection.until.map(Timestamp::iso_seconds),
        "Format": match retrieval.format {
            InventoryFormat::Json => "JSON",
            InventoryFormat::Csv => "CSV",
        },
        "Limit": selection.limit.unwrap_or(0),
        "Marker": if completed { &retrieval.next } else { &selection.marker },
        "StartDate": selection.from.map(Timestamp::iso_seconds),
    });
}

/// Of a copy no hash is told: whoever wants to compare has the object.
fn describe_push(document: &mut Value, push: &Push) {
    document["Action"] = "PushToCOS".into();
    document["ArchiveId"] = push.retrieval.archive.as_str().into();
    document["Tier"] = push.retrieval.tier.into();
    document["Bucket"] = push.to.named.as_str().into();
    document["Object"] = push.to.key.as_str().into();
    let Some(source) = &push.retrieval.source else { return };
    document["ArchiveSizeInBytes"] = source.whole.len().into();
    document["RetrievalByteRange"] = format!("{}-{}", source.range.start, source.range.end - 1).into();
}

/// The archive is told when it is there.
fn describe_pull(document: &mut Value, pull: &Pull, status: JobStatus) {
    document["Action"] = "PullFromCOS".into();
    document["ArchiveDescription"] = pull.description.as_deref().into();
    document["Bucket"] = pull.from.named.as_str().into();
    document["Object"] = pull.from.key.as_str().into();
    document["Range"] = pull.range.as_deref().into();
    let conditions = pull.conditions.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
    document["Condition"] = match pull.conditions.is_empty() {
        true => Value::Null,
        false => Value::Object(conditions.collect()),
    };
    if let (Ok((content, _)), JobStatus::Succeeded(_)) = (&pull.source, status) {
        document["ArchiveId"] = pull.archive.as_str().into();
        document["ArchiveSizeInBytes"] = content.len().into();
    }
}
