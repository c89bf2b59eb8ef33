//! Jobs: retrieving archives and inventories. Copies from and to COS and callbacks are refused.
//!
//! Source: CAS API, the pages of "Jobs" (`cas.md` 4.12 to 4.14).

use std::ops::Range;

use http::header::RANGE;
use serde_json::{Value, json};

use super::json::{self, Members};
use super::{
    Call, Error, Handled, MAX_DESCRIPTION_BYTES, changed, document_reply, inventory, not_implemented,
    unchanged,
};
use crate::clock::Timestamp;
use crate::content::Content;
use crate::digest::Wanted;
use crate::message::{BodyPlan, Head, Ranged, Received, Reply};
use crate::store::{
    Archive, ArchiveRetrieval, Change, InventoryFormat, InventoryRetrieval, Job, JobStatus, Retrieved, Task,
    Vault,
};

/// What the ends of a range of an archive are aligned to: 1 MiB, a leaf of the tree hash.
const ALIGNMENT_BYTES: u64 = 1 << 20;
/// The most that an expedited retrieval gives: 256 MiB.
const MAX_EXPEDITED_BYTES: u64 = 256 << 20;

const TIERS: &[&str] = &["Expedited", "Standard", "Bulk"];
const DEFAULT_TIER: &str = "Standard";

// ---- Initiate Job ----

/// # Errors
/// `ResourceNotFoundException`.
pub(super) fn admit_initiate(call: &Call<'_>) -> Result<BodyPlan, Error> {
    call.vault()?;
    Ok(BodyPlan { wanted: Wanted::default(), limit: json::MAX_DOCUMENT_BYTES, ..BodyPlan::IGNORED })
}

/// # Errors
/// `ResourceNotFoundException` for the vault, and for an archive that never was; `SerializationException` for a body
/// that is no JSON object; `MissingParameterValueException` without `Type`, and without the `ArchiveId` of an archive
/// retrieval; `InvalidParameterValueException` for members of another type or with a value that cannot be;
/// `NotImplemented` for `push-to-cos`, `pull-from-cos` and a `CallBackUrl`.
pub(super) fn initiate(call: &Call<'_>, body: &Received) -> Handled {
    let vault = call.vault()?;
    let members = json::members(&body.content.to_bytes())?;
    let kind = members.required("Type")?;
    let description = members.text("Description")?;
    if description.is_some_and(|description| description.len() > MAX_DESCRIPTION_BYTES) {
        return Err(Error::invalid(format_args!(
            "Invalid Description: it has at most {MAX_DESCRIPTION_BYTES} bytes"
        )));
    }
    if let Some(url) = members.text("CallBackUrl")? {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Error::invalid(format_args!(
                "Invalid CallBackUrl: {url}, expected http:// or https://"
            )));
        }
        return Err(not_implemented("the CallBackUrl of a job"));
    }
    let task = match kind {
        "archive-retrieval" => Task::Archive(archive_retrieval(vault, &members)?),
        "inventory-retrieval" => Task::Inventory(inventory::retrieval(call, vault, &members)?),
        "push-to-cos" | "pull-from-cos" => {
            return Err(not_implemented(format_args!("jobs of the type {kind}")));
        }
        _ => return Err(Error::invalid(format_args!("Invalid Type: {kind}"))),
    };
    let id = call.context.identity.job_id();
    let reply = Reply::new(202).with("Location", call.location("jobs", &id)).with("x-cas-job-id", &id);
    let job = Job::new(task, description.map(str::to_owned), call.context.account.jobs, call.context.now);
    Ok(changed(reply, Change::CreateJob { vault: call.target.vault.clone(), id, job }))
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

/// A `RetrievalByteRange`: `1048576-2097151`, or `1048576-` for everything from there on, as the official command line
/// writes it.
struct RetrievalRange<'a> {
    text: &'a str,
    first: u64,
    last: Option<u64>,
}

impl<'a> RetrievalRange<'a> {
    /// # Errors
    /// `InvalidParameterValueException`.
    fn parse(text: &'a str) -> Result<Self, Error> {
        let (first, last) = bounds(text).ok_or_else(|| {
            Error::invalid(format_args!("Invalid RetrievalByteRange: {text}, expected <first>-<last>"))
        })?;
        Ok(RetrievalRange { text, first, last })
    }

    /// The bytes of an archive of that size.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for a range that is empty, reaches beyond the end, or is not aligned to 1 MiB;
    /// only the end of the archive needs no alignment.
    fn of_an_archive(&self, size: u64) -> Result<Range<u64>, Error> {
        let invalid = |reason: String| {
            Error::invalid(format_args!("Invalid RetrievalByteRange: {}. {reason}", self.text))
        };
        let end = match self.last {
            Some(last) if last >= size => return Err(invalid(format!("The archive has {size} bytes."))),
            Some(last) => last + 1,
            None => size,
        };
        if self.first >= end {
            return Err(invalid("The range has no bytes.".to_owned()));
        }
        if !self.first.is_multiple_of(ALIGNMENT_BYTES)
            || !(end.is_multiple_of(ALIGNMENT_BYTES) || end == size)
        {
            return Err(invalid(format!("The range is not aligned to {ALIGNMENT_BYTES} bytes.")));
        }
        Ok(self.first..end)
    }
}

/// The numbers of `<first>-<last>`, or of `<first>-`. `None` for anything else.
fn bounds(text: &str) -> Option<(u64, Option<u64>)> {
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten()
    };
    match text.split_once('-')? {
        (first, "") => Some((number(first)?, None)),
        (first, last) => Some((number(first)?, Some(number(last)?))),
    }
}

// ---- Describe Job, List Jobs ----

/// The job that the request names.
///
/// # Errors
/// `ResourceNotFoundException` for a vault or a job that is not there, and for a job that was completed more than 24
/// hours ago.
fn job<'a>(call: &Call<'a>) -> Result<&'a Job, Error> {
    let id = &call.target.id;
    call.vault()?.job(id, call.context.now).ok_or_else(|| Error::not_found("Job", id))
}

/// # Errors
/// `ResourceNotFoundException`.
pub(super) fn describe(call: &Call<'_>) -> Handled {
    let job = job(call)?.described(call.context.now);
    let reply = document_reply(&description(call, &call.target.id, &job)?);
    let (vault, id) = (call.target.vault.clone(), call.target.id.clone());
    Ok(changed(reply, Change::DescribeJob { vault, id, now: call.context.now }))
}

/// Jobs by id. The marker is the id of the first job of the page.
///
/// # Errors
/// `ResourceNotFoundException`; `InvalidParameterValueException` for a `limit`, a `completed` or a `statuscode` that is
/// none.
pub(super) fn list(call: &Call<'_>) -> Handled {
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

/// Every member for both kinds of job, with null where it does not apply: the official client looks at all of them.
fn description(call: &Call<'_>, id: &str, job: &Job) -> Result<Value, Error> {
    let status = job.status(call.context.now);
    let mut document = json!({
        "Action": null,
        "ArchiveId": null,
        "ArchiveSHA256TreeHash": null,
        "ArchiveSizeInBytes": null,
        "CallBackUrl": null,
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
        "StatusMessage": status_code(status),
        "Tier": null,
        "VaultQCS": call.vault_qcs(&call.target.vault, call.vault()?),
    });
    match &job.task {
        Task::Archive(retrieval) => describe_archive_retrieval(&mut document, retrieval, status),
        Task::Inventory(retrieval) => describe_inventory_retrieval(&mut document, retrieval, status),
    }
    Ok(document)
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

// ---- Get Job Output ----

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
pub(super) fn output(call: &Call<'_>) -> Handled {
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
    if let Some(hash) = output.archive.and_then(|archive| archive.tree_hash_of(range.clone())) {
        reply.push("x-cas-sha256-tree-hash", hash.to_string());
    }
    reply.body = output.bytes.slice(range.clone());
    reply.ranged = Some(Ranged { whole: output.bytes, range });
    Ok(unchanged(reply))
}

/// Reads `bytes=0-1048575`, or `bytes=1048576-`, for an output of that size.
///
/// # Errors
/// `InvalidParameterValueException` for anything else, and for a range that is empty or reaches beyond the end.
fn output_range(header: &str, size: u64) -> Result<Range<u64>, Error> {
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
pub(super) fn requested_range(job: &Job, head: &Head, now: Timestamp) -> Option<(Range<u64>, u64)> {
    job.status(now).completed()?;
    let size = Output::of(job)?.bytes.len();
    let range = head.header(RANGE).and_then(|header| output_range(header, size).ok());
    Some((range.unwrap_or(0..size), size))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cas;
    use crate::chance::{Identity, Seed};
    use crate::code::CasCode;
    use crate::digest::Hasher;
    use crate::message::tests::head;
    use crate::message::{Account, Context};
    use crate::store::{JobCompletion, Store};

    const MIB: u64 = 1 << 20;

    /// A store with the vault `v`, and a clock that the test moves.
    struct World {
        store: Store,
        account: Account,
        now: Timestamp,
        requests: u32,
    }

    impl World {
        fn new(jobs: JobCompletion) -> Self {
            let account = Account {
                appid: "1250000000".to_owned(),
                region: "ap-chengdu".to_owned(),
                default_bucket: None,
                jobs,
                etag: Default::default(),
                short_chunks: Default::default(),
                redirect_hosts: Vec::new(),
            };
            let now = Timestamp::from_unix_seconds(1_500_000_000);
            let mut store = Store::default();
            store.apply(Change::CreateVault { vault: "v".to_owned(), region: account.region.clone(), now });
            World { store, account, now, requests: 0 }
        }

        /// The answer, after what it changes was applied.
        fn send(&mut self, method: &str, path: &str, body: &[u8], lines: &[(&str, &str)]) -> Reply {
            self.requests += 1;
            let head = head(method, &format!("/-/vaults/v/{path}"), lines);
            let target = cas::route(&head, None).unwrap();
            let identity = Identity::new(Seed(7), 1, self.requests);
            let context = Context::of_owner(self.now, identity, &self.account);
            let received = Received { content: body.to_vec().into(), ..Received::default() };
            let outcome = cas::handle(&target, &head, &received, &self.store, &context);
            outcome.changes.into_iter().for_each(|change| self.store.apply(change));
            outcome.reply
        }

        fn get(&mut self, path: &str) -> Reply {
            self.send("GET", path, b"", &[])
        }

        fn document(&mut self, path: &str) -> Value {
            let reply = self.get(path);
            assert_eq!(reply.status, 200, "{:?}", reply.body.to_bytes());
            serde_json::from_slice(&reply.body.to_bytes()).unwrap()
        }

        /// Starts a job and returns its id.
        fn start(&mut self, body: &Value) -> String {
            let reply = self.send("POST", "jobs", body.to_string().as_bytes(), &[]);
            assert_eq!(reply.status, 202, "{:?}", reply.body.to_bytes());
            reply.header("x-cas-job-id").unwrap().to_str().unwrap().to_owned()
        }

        fn refuses(&mut self, body: &Value, code: CasCode) {
            self.refuses_bytes(body.to_string().as_bytes(), code);
        }

        fn refuses_bytes(&mut self, body: &[u8], code: CasCode) {
            let reply = self.send("POST", "jobs", body, &[]);
            let start = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            assert_eq!((reply.status, reply.code.as_deref()), (code.status(), Some(code.name())), "{start}");
        }

        fn put_archive(&mut self, id: &str, content: Content, description: Option<&str>) {
            let leaf = Hasher::of(b"x", cas::HASHES).tree.unwrap();
            let leaves = content.len().div_ceil(MIB) as usize;
            self.store.apply(Change::PutArchive {
                vault: "v".to_owned(),
                archive: id.to_owned(),
                content,
                tree: crate::digest::Tree::concat(std::iter::repeat_n(&leaf, leaves)).unwrap(),
                description: description.map(str::to_owned),
                now: self.now,
            });
        }

        fn delete_archive(&mut self, id: &str) {
            let (vault, archive) = ("v".to_owned(), id.to_owned());
            self.store.apply(Change::DeleteArchive { vault, archive });
        }

        fn wait(&mut self, time: Duration) {
            self.now = self.now.plus(time);
        }
    }

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 60 * 60)
    }

    /// So many bytes, of which only the first MiB is in memory.
    fn zeros(size: u64) -> Content {
        let piece = Content::from(vec![0; MIB as usize]);
        let whole = Content::concat(std::iter::repeat_n(&piece, (size / MIB) as usize));
        Content::concat([&whole, &piece.slice(0..size % MIB)])
    }

    fn archive_job(archive: &str) -> Value {
        json!({ "Type": "archive-retrieval", "ArchiveId": archive })
    }

    fn with(mut body: Value, name: &str, value: Value) -> Value {
        body[name] = value;
        body
    }

    #[test]
    fn an_output_can_be_read_for_24_hours_after_the_job_was_completed() {
        let mut world = World::new(JobCompletion::After(hours(4)));
        world.put_archive("a", b"abc".to_vec().into(), None);
        let id = world.start(&archive_job("a"));
        let output = format!("jobs/{id}/output");
        world.wait(hours(4) - Duration::from_millis(1));
        let reply = world.get(&output);
        assert_eq!((reply.status, reply.code.as_deref()), (400, Some("InvalidParameterValueException")));
        assert_eq!(world.document(&format!("jobs/{id}"))["StatusCode"], "InProgress");
        world.wait(Duration::from_millis(1));
        assert_eq!(world.get(&output).body.to_bytes(), "abc");
        assert_eq!(world.document(&format!("jobs/{id}"))["CompletionDate"], "2017-07-14T06:40:00.000Z");
        world.delete_archive("a");
        world.wait(hours(24));
        assert_eq!(world.get(&output).body.to_bytes(), "abc", "also when the archive was deleted");
        world.wait(Duration::from_millis(1));
        for path in [output, format!("jobs/{id}")] {
            let reply = world.get(&path);
            assert_eq!((reply.status, reply.code.as_deref()), (404, Some("ResourceNotFoundException")));
        }
        assert_eq!(world.document("jobs")["JobList"], json!([]));
    }

    #[test]
    fn lists_and_outputs_do_not_count_as_descriptions() {
        let mut world = World::new(JobCompletion::AfterDescribes(2));
        let id = world.start(&json!({ "Type": "inventory-retrieval" }));
        for _ in 0..3 {
            assert_eq!(world.document("jobs")["JobList"][0]["StatusCode"], "InProgress");
            assert_eq!(world.get(&format!("jobs/{id}/output")).status, 400);
        }
        let status = |world: &mut World| world.document(&format!("jobs/{id}"))["StatusCode"].clone();
        assert_eq!(
            [status(&mut world), status(&mut world), status(&mut world)],
            ["InProgress", "Succeeded", "Succeeded"]
        );
        assert_eq!(world.get(&format!("jobs/{id}/output")).status, 200);
    }

    /// A setting that changes later is for later jobs.
    #[test]
    fn a_job_keeps_the_setting_it_was_made_under() {
        let mut world = World::new(JobCompletion::AfterDescribes(9));
        let id = world.start(&json!({ "Type": "inventory-retrieval" }));
        world.account.jobs = JobCompletion::Immediately;
        assert_eq!(world.document(&format!("jobs/{id}"))["Completed"], false);
    }

    #[test]
    fn the_retrieval_of_a_deleted_archive_is_accepted_and_fails() {
        let mut world = World::new(JobCompletion::After(hours(4)));
        world.put_archive("a", b"abc".to_vec().into(), None);
        world.delete_archive("a");
        let id = world.start(&with(archive_job("a"), "RetrievalByteRange", json!("0-2")));
        world.refuses(&archive_job("b"), CasCode::ResourceNotFoundException);
        world.refuses(
            &with(archive_job("a"), "RetrievalByteRange", json!("x")),
            CasCode::InvalidParameterValueException,
        );
        assert_eq!(world.document(&format!("jobs/{id}"))["StatusCode"], "InProgress");
        world.wait(hours(4));
        let job = world.document(&format!("jobs/{id}"));
        assert_eq!((&job["StatusCode"], &job["Completed"]), (&json!("Failed"), &json!(true)));
        assert_eq!(job["ArchiveId"], "a");
        for unknown in ["ArchiveSizeInBytes", "RetrievalByteRange", "SHA256TreeHash", "ArchiveSHA256TreeHash"]
        {
            assert!(job[unknown].is_null(), "{unknown}");
        }
        let reply = world.get(&format!("jobs/{id}/output"));
        assert_eq!((reply.status, reply.code.as_deref()), (404, Some("ResourceNotFoundException")));
        assert_eq!(world.document("jobs?statuscode=Failed")["JobList"][0]["JobId"], id);
        assert_eq!(world.document("jobs?statuscode=Succeeded")["JobList"], json!([]));
    }

    #[test]
    fn an_expedited_retrieval_has_at_most_256_mib() {
        let mut world = World::new(JobCompletion::Immediately);
        world.put_archive("a", zeros(MAX_EXPEDITED_BYTES + 1), None);
        let expedited = with(archive_job("a"), "Tier", json!("Expedited"));
        let part = |range: &str| with(expedited.clone(), "RetrievalByteRange", json!(range));
        world.refuses(&expedited, CasCode::InvalidParameterValueException);
        world.refuses(&part("0-"), CasCode::InvalidParameterValueException);
        world.start(&part("0-268435455"));
        world.start(&part("1048576-"));
        world.start(&with(archive_job("a"), "Tier", json!("Bulk")));
    }

    #[test]
    fn ranges_of_an_archive_are_aligned_or_refused() {
        let mut world = World::new(JobCompletion::Immediately);
        let size = 3 * MIB + 5;
        world.put_archive("a", zeros(size), None);
        let ranged = |range: &str| with(archive_job("a"), "RetrievalByteRange", json!(range));
        for (range, described) in [
            ("0-3145732", "0-3145732"),
            ("0-1048575", "0-1048575"),
            ("1048576-3145727", "1048576-3145727"),
            ("3145728-3145732", "3145728-3145732"),
            ("1048576-", "1048576-3145732"),
            ("0-", "0-3145732"),
            // Empty and null are as if absent.
            ("", "0-3145732"),
        ] {
            let id = world.start(&ranged(range));
            assert_eq!(world.document(&format!("jobs/{id}"))["RetrievalByteRange"], described, "{range}");
        }
        for range in [
            "1-1048575",
            "0-1048576",
            "0-3145733",
            "0-4194303",
            "4194304-",
            "4194304-4194304",
            "1048576-1048575",
            "1048576-0",
            "0-18446744073709551615",
            "0-18446744073709551616",
            "18446744073709551615-",
            "-",
            "-1048575",
            "--",
            "0",
            "bytes=0-1048575",
            "0-1048575/*",
            "0 - 1048575",
            "+0-1048575",
            "0-+1048575",
            "0x0-0xfffff",
            "0-1048575,2097152-3145727",
            "０-１",
            "\u{0}",
        ] {
            world.refuses(&ranged(range), CasCode::InvalidParameterValueException);
        }
    }

    #[test]
    fn a_body_that_is_wrong_is_an_error_of_the_service_and_starts_nothing() {
        let mut world = World::new(JobCompletion::Immediately);
        world.put_archive("a", b"abc".to_vec().into(), None);
        let deep = "[".repeat(200_000);
        for body in ["", "x", "[]", "null", "\"archive-retrieval\"", "{", "{\"Type\":}", &deep] {
            world.refuses_bytes(body.as_bytes(), CasCode::SerializationException);
        }
        world.refuses_bytes(b"{\"Type\": \"\xff\"}", CasCode::SerializationException);

        let missing = CasCode::MissingParameterValueException;
        world.refuses(&json!({}), missing);
        world.refuses(&json!({ "type": "archive-retrieval" }), missing);
        world.refuses(&json!({ "Type": null }), missing);
        world.refuses(&json!({ "Type": "archive-retrieval" }), missing);
        world.refuses(&json!({ "Type": "archive-retrieval", "ArchiveId": "" }), missing);

        let invalid = CasCode::InvalidParameterValueException;
        let values = [json!(5), json!(true), json!([]), json!(["a"]), json!({}), json!(-1.5)];
        for value in &values {
            world.refuses(&json!({ "Type": value }), invalid);
            for name in ["ArchiveId", "RetrievalByteRange", "Tier", "Description", "CallBackUrl"] {
                world.refuses(&with(archive_job("a"), name, value.clone()), invalid);
            }
        }
        for kind in ["Archive-Retrieval", "select", " archive-retrieval", "\u{0}"] {
            world.refuses(&json!({ "Type": kind }), invalid);
        }
        for tier in ["standard", "Fast"] {
            world.refuses(&with(archive_job("a"), "Tier", json!(tier)), invalid);
        }
        world.refuses(&with(archive_job("a"), "Description", json!("d".repeat(1025))), invalid);
        world.refuses(&with(archive_job("a"), "CallBackUrl", json!("ftp://x")), invalid);
        world.refuses(&archive_job("never"), CasCode::ResourceNotFoundException);
        assert_eq!(world.document("jobs")["JobList"], json!([]));

        let odd = json!({ "Unknown": { "a": [1] }, "Description": "d".repeat(1024), "Tier": null, "CallBackUrl": "" });
        let mut body = archive_job("a");
        odd.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        world.start(&body);
    }

    #[test]
    fn what_is_wrong_with_an_inventory_is_said() {
        let mut world = World::new(JobCompletion::Immediately);
        let inventory = || json!({ "Type": "inventory-retrieval" });
        let limited = |name: &str, value: Value| {
            with(inventory(), "InventoryRetrievalParameters", json!({ name: value }))
        };
        let invalid = CasCode::InvalidParameterValueException;
        for format in [json!("XML"), json!("json"), json!(1), json!([])] {
            world.refuses(&with(inventory(), "Format", format), invalid);
        }
        for parameters in [json!([]), json!("x"), json!(1), json!(true)] {
            world.refuses(&with(inventory(), "InventoryRetrievalParameters", parameters), invalid);
        }
        let limits =
            [json!(0), json!("0"), json!(10_001), json!(-1), json!(1.5), json!(1e300), json!("x"), json!([])];
        for limit in limits.iter().chain(&[json!("99999999999999999999"), json!(" 1"), json!(true)]) {
            world.refuses(&limited("Limit", limit.clone()), invalid);
        }
        for date in
            [json!("yesterday"), json!("2017-08-29"), json!("2017-08-29T07:34:28+08:00"), json!(0), json!({})]
        {
            world.refuses(&limited("StartDate", date.clone()), invalid);
            world.refuses(&limited("EndDate", date), invalid);
        }
        world.refuses(&limited("Marker", json!(1)), invalid);
        for limit in [json!(1), json!("10000"), json!(null), json!("")] {
            world.start(&limited("Limit", limit));
        }
        world.start(&limited("Unknown", json!(1)));
        world.start(&with(inventory(), "InventoryRetrievalParameters", json!(null)));
    }

    #[test]
    fn copies_and_callbacks_are_not_emulated() {
        let mut world = World::new(JobCompletion::Immediately);
        world.put_archive("a", b"abc".to_vec().into(), None);
        for kind in ["push-to-cos", "pull-from-cos"] {
            world.refuses(&json!({ "Type": kind, "ArchiveId": "a" }), CasCode::NotImplemented);
        }
        let url = json!("http://127.0.0.1/");
        world.refuses(&with(archive_job("a"), "CallBackUrl", url), CasCode::NotImplemented);
        assert_eq!(world.document("jobs")["JobList"], json!([]));
    }

    #[test]
    fn inventories_go_on_where_the_one_before_ended() {
        let mut world = World::new(JobCompletion::AfterDescribes(2));
        for id in ["c", "a", "e", "b", "d"] {
            world.put_archive(id, b"x".to_vec().into(), None);
        }
        for size in 1..=6 {
            let (mut ids, mut marker) = (Vec::new(), Value::Null);
            loop {
                let asked = json!({ "Limit": size.to_string(), "Marker": marker });
                let body = json!({ "Type": "inventory-retrieval", "InventoryRetrievalParameters": asked });
                let id = world.start(&body);
                let running = world.document(&format!("jobs/{id}"));
                assert_eq!(running["InventorySizeInBytes"], 0);
                assert_eq!(running["InventoryRetrievalParameters"]["Marker"], marker);
                let job = world.document(&format!("jobs/{id}"));
                let output = world.get(&format!("jobs/{id}/output"));
                assert_eq!(job["InventorySizeInBytes"], output.body.len());
                assert_eq!(job["InventoryRetrievalParameters"]["Limit"], size);
                assert!(output.header("x-cas-sha256-tree-hash").is_none());
                let inventory: Value = serde_json::from_slice(&output.body.to_bytes()).unwrap();
                let listed = inventory["ArchiveList"].as_array().unwrap();
                assert!(listed.len() <= size);
                ids.extend(listed.iter().map(|entry| entry["ArchiveId"].as_str().unwrap().to_owned()));
                marker = job["InventoryRetrievalParameters"]["Marker"].clone();
                if marker.is_null() {
                    break;
                }
                assert_eq!(marker, ids.last().unwrap().as_str());
            }
            assert_eq!(ids, ["a", "b", "c", "d", "e"], "{size}");
        }
    }

    #[test]
    fn an_inventory_is_that_of_its_initiation_and_both_its_dates_are_included() {
        let mut world = World::new(JobCompletion::After(hours(4)));
        for id in ["a", "b", "c"] {
            world.put_archive(id, b"x".to_vec().into(), None);
            world.wait(hours(1));
        }
        let between = |from: &str, until: &str| {
            let dates = json!({ "StartDate": from, "EndDate": until });
            json!({ "Type": "inventory-retrieval", "InventoryRetrievalParameters": dates })
        };
        let cases = [
            (between("2017-07-14T02:40:00Z", "2017-07-14T04:40:00Z"), vec!["a", "b", "c"]),
            (between("2017-07-14T02:40:01Z", "2017-07-14T04:39:59Z"), vec!["b"]),
            (between("2017-07-14T04:40:00.000Z", ""), vec!["c"]),
            (between("", "2017-07-14T02:40:00Z"), vec!["a"]),
            (between("2018-01-01T00:00:00Z", "2017-01-01T00:00:00Z"), vec![]),
        ];
        let jobs: Vec<_> = cases.iter().map(|(body, _)| world.start(body)).collect();
        world.delete_archive("a");
        world.put_archive("d", b"x".to_vec().into(), None);
        world.wait(hours(4));
        for (id, (body, expected)) in jobs.iter().zip(&cases) {
            let inventory = world.document(&format!("jobs/{id}/output"));
            let ids: Vec<_> = inventory["ArchiveList"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["ArchiveId"].as_str().unwrap())
                .collect();
            assert_eq!(ids, *expected, "{body}");
            assert_eq!(inventory["InventoryDate"], "2017-07-14T05:40:00.000Z");
        }
    }

    #[test]
    fn a_csv_inventory_has_five_columns_and_escapes_descriptions() {
        let mut world = World::new(JobCompletion::Immediately);
        world.put_archive("a", b"abc".to_vec().into(), Some(r#"one, "two" \ three"#));
        world.put_archive("b", b"x".to_vec().into(), None);
        let id = world.start(&json!({ "Type": "inventory-retrieval", "Format": "CSV" }));
        let output = world.get(&format!("jobs/{id}/output"));
        assert_eq!(output.header("Content-Type").unwrap(), "text/csv");
        let tree = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
        assert_eq!(
            output.body.to_bytes(),
            format!(
                "ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n\
                 a,\"one, \\\"two\\\" \\\\ three\",2017-07-14T02:40:00.000Z,3,{tree}\n\
                 b,\"\",2017-07-14T02:40:00.000Z,1,{tree}\n"
            )
        );
    }

    #[test]
    fn ranges_of_an_output_of_ten_bytes_are_read_or_refused() {
        for (header, range) in [
            ("bytes=0-9", Some(0..10)),
            ("bytes=2-5", Some(2..6)),
            ("bytes=9-9", Some(9..10)),
            ("Bytes=2-", Some(2..10)),
            ("bytes=0-10", None),
            ("bytes=10-", None),
            ("bytes=10-10", None),
            ("bytes=5-2", None),
            ("bytes=-3", None),
            ("bytes=-", None),
            ("bytes=", None),
            ("bytes", None),
            ("", None),
            ("bytes=0-1,3-4", None),
            ("bytes=+1-2", None),
            ("bytes= 1-2", None),
            ("bytes 0-1", None),
            ("items=0-1", None),
            ("bytes=0-18446744073709551615", None),
            ("bytes=18446744073709551616-", None),
        ] {
            assert_eq!(output_range(header, 10).ok(), range, "{header}");
        }
        assert!(output_range("bytes=0-", 0).is_err());
    }

    #[test]
    fn lists_are_filtered_and_paged() {
        let mut world = World::new(JobCompletion::Immediately);
        let inventory = json!({ "Type": "inventory-retrieval" });
        let mut done: Vec<_> = (0..3).map(|_| world.start(&inventory)).collect();
        world.account.jobs = JobCompletion::AfterDescribes(9);
        let mut running: Vec<_> = (0..2).map(|_| world.start(&inventory)).collect();
        let mut all = [done.clone(), running.clone()].concat();
        for ids in [&mut done, &mut running, &mut all] {
            ids.sort();
        }
        let mut list = |query: &str| {
            let page = world.document(&format!("jobs?{query}"));
            let jobs = page["JobList"].as_array().unwrap().iter();
            let ids: Vec<String> = jobs.map(|job| job["JobId"].as_str().unwrap().to_owned()).collect();
            (ids, page["Marker"].as_str().map(str::to_owned))
        };
        assert_eq!(list(""), (all.clone(), None));
        assert_eq!(list("completed=&statuscode=&limit=&marker="), (all.clone(), None));
        assert_eq!(list("completed=true"), (done.clone(), None));
        assert_eq!(list("completed=False"), (running.clone(), None));
        assert_eq!(list("statuscode=Succeeded"), (done.clone(), None));
        assert_eq!(list("statuscode=InProgress"), (running.clone(), None));
        assert_eq!(list("statuscode=Failed"), (vec![], None));
        assert_eq!(list("completed=true&statuscode=InProgress"), (vec![], None));
        for (query, expected) in
            [("", &all), ("&completed=true", &done), ("&statuscode=InProgress", &running)]
        {
            for limit in 1..=6 {
                let (mut ids, mut marker) = (Vec::new(), String::new());
                loop {
                    let (page, next) = list(&format!("limit={limit}&marker={marker}{query}"));
                    assert!(page.len() <= limit);
                    ids.extend(page);
                    match next {
                        Some(next) => marker = next,
                        None => break,
                    }
                }
                assert_eq!(ids, *expected, "{query} {limit}");
            }
        }
        for query in
            ["completed=x", "statuscode=succeeded", "statuscode=x", "limit=0", "limit=1001", "limit=x"]
        {
            let reply = world.get(&format!("jobs?{query}"));
            assert_eq!(reply.code.as_deref(), Some("InvalidParameterValueException"), "{query}");
        }
    }
}
