//! Doing what is due: jobs that are complete write what they copy, and those who asked are told.

use super::describe::document;
use crate::cas::{json, vault_qcs};
use crate::clock::Timestamp;
use crate::message::{Account, EtagForm};
use crate::store::{
    ArchiveRetrieval, Change, Ending, Etag, Job, Metadata, Object, ObjectKind, Pull, Push, Store, Task,
    VersionId, Versioning,
};

/// A job is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The id of the job.
    pub job: String,
    /// Who wants to be told.
    pub urls: Vec<String>,
    /// What they are told: the description of the job. Empty when there is nobody.
    pub body: String,
}

/// Settles every job that is due at that time.
pub fn settle(store: &mut Store, account: &Account, now: Timestamp) -> Vec<Settled> {
    if store.due().is_none_or(|due| due > now) {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (vault, id, job) in store.take_due(now) {
        let (changes, ending) =
            carry_out(&job, store, account, &vault, now).unwrap_or((Vec::new(), Ending::Done));
        changes.into_iter().for_each(|change| store.apply(change));
        store.apply(Change::SettleJob { vault: vault.clone(), id: id.clone(), ending: ending.clone() });
        let job = job.settled(ending);
        all.extend(tell(store, account, &vault, id, &job, now));
    }
    all
}

/// What a job that is due changes, and how it ends; `None` when it is not due or was settled.
pub(super) fn carry_out(
    job: &Job,
    store: &Store,
    account: &Account,
    vault: &str,
    now: Timestamp,
) -> Option<(Vec<Change>, Ending)> {
    let at = job.due(now).filter(|_| !job.is_settled())?;
    let carried = match &job.task {
        Task::Archive(ArchiveRetrieval { source: None, .. }) => Err(DELETED.to_owned()),
        Task::Archive(_) | Task::Inventory(_) => Ok(Vec::new()),
        Task::Push(push) => carry_push(push, store, account, at).map(|change| vec![change]),
        Task::Pull(pull) => carry_pull(pull, vault, at).map(|change| vec![change]),
    };
    Some(match carried {
        Ok(changes) => (changes, Ending::Done),
        Err(reason) => (Vec::new(), Ending::Failed(reason)),
    })
}

/// Why the retrieval of an archive that was deleted fails.
const DELETED: &str = "The archive was deleted.";

fn carry_push(push: &Push, store: &Store, account: &Account, at: Timestamp) -> Result<Change, String> {
    let (Some(source), Some(digests)) = (&push.retrieval.source, &push.digests) else {
        return Err(DELETED.to_owned());
    };
    let (name, key) = (&push.to.bucket, &push.to.key);
    let bucket = store.bucket(name).ok_or_else(|| format!("NoSuchBucket: {name}"))?;
    if bucket.object(key).is_some_and(|object| object.is_retained(at)) {
        return Err(format!("ObjectLocked: {key}"));
    }
    let etag = match (account.etag, digests.sha1) {
        (EtagForm::Sha1, Some(sha1)) => Etag::Sha1(sha1),
        _ => Etag::Md5(digests.md5),
    };
    let object = Object {
        content: source.output(),
        etag,
        crc64: digests.crc64,
        modified: at,
        metadata: Metadata {
            headers: [("Content-Type".into(), "application/octet-stream".into())].into(),
            ..Metadata::default()
        },
        kind: ObjectKind::Normal,
    };
    let version = match bucket.versioning() {
        Versioning::Enabled => VersionId::Numbered(push.version),
        Versioning::Never | Versioning::Suspended => VersionId::Null,
    };
    Ok(Change::PutObject { bucket: name.clone(), key: key.clone(), version, object: object.into() })
}

fn carry_pull(pull: &Pull, vault: &str, at: Timestamp) -> Result<Change, String> {
    let (content, tree) = pull.source.clone()?;
    Ok(Change::PutArchive {
        vault: vault.to_owned(),
        archive: pull.archive.clone(),
        content,
        tree,
        description: pull.description.clone(),
        now: at,
    })
}

/// Who wants to be told of a job that is complete: by the URL that it has itself, and by that of its vault for such jobs.
fn tell(
    store: &Store,
    account: &Account,
    vault: &str,
    id: String,
    job: &Job,
    now: Timestamp,
) -> Option<Settled> {
    let found = store.vault(vault)?;
    let event = event(&job.task);
    let of_vault = found.notifications().filter(|told| told.events.iter().any(|name| name == event));
    let of_vault = of_vault.map(|told| &told.callback_url);
    let mut urls: Vec<String> = job.callback_url.iter().chain(of_vault).cloned().collect();
    urls.dedup();
    let body = match urls.is_empty() {
        true => String::new(),
        false => json::styled(&document(&id, job, &vault_qcs(account, vault, found), now)),
    };
    Some(Settled { job: id, urls, body })
}

/// What the completion of a job is called.
fn event(task: &Task) -> &'static str {
    match task {
        Task::Archive(_) => "ArchiveRetrievalCompleted",
        Task::Inventory(_) => "InventoryRetrievalCompleted",
        Task::Push(_) => "PushToCOSCompleted",
        Task::Pull(_) => "PullFromCOSCompleted",
    }
}
