//! A job of a vault: what it fetches or copies, and when that is ready.
//!
//! Nothing waits for a job. Whether it is due follows from the time, or from how often it was described, at the moment of
//! the question. What it gives is fixed when it is made: the bytes of the archive or of the object are shared with it, and
//! an inventory is that of that moment. What a copy writes is written when it is settled, which is before anybody looks.

use std::ops::Range;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::content::Content;
use crate::digest::{Crc64, Md5, Sha1, Tree, TreeHash};

/// How long a job can be asked for after it is complete.
const JOB_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// When jobs complete.
///
/// Source: `scenarios.md` 8, `server.jobs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JobCompletion {
    /// As soon as they are made.
    #[default]
    Immediately,
    /// So long after they were made, whether or not anybody asks.
    After(Duration),
    /// When they are described for that time: of 3, the third description says that the job is complete. 0 is
    /// [`JobCompletion::Immediately`]. Lists do not count.
    AfterDescribes(u32),
    /// So long after they were made or when they are described for that time, whichever comes first.
    Either(Duration, u32),
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// What it fetches.
    pub task: Task,
    /// What the client called it.
    pub description: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Where the client wants to be told that it is complete.
    pub callback_url: Option<String>,
    completion: JobCompletion,
    describes: u32,
    /// The time of the description that completed it, where descriptions do.
    completed_by_describe: Option<Timestamp>,
    /// What came of it, once it was settled.
    ending: Option<Ending>,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It is done.
    Done,
    /// It failed, for this reason.
    Failed(String),
}

/// What a job does.
#[derive(Debug, Clone)]
pub enum Task {
    /// Bytes of an archive.
    Archive(ArchiveRetrieval),
    /// A list of the archives of the vault.
    Inventory(InventoryRetrieval),
    /// Copies bytes of an archive to a bucket.
    Push(Box<Push>),
    /// Copies bytes of an object to the vault.
    Pull(Box<Pull>),
}

/// The retrieval of an archive or of a range of it.
#[derive(Debug, Clone)]
pub struct ArchiveRetrieval {
    /// The id of the archive.
    pub archive: String,
    /// How urgent it is, in the service's own word.
    pub tier: &'static str,
    /// What is retrieved; `None` when the archive was deleted before, and then the job fails.
    pub source: Option<Retrieved>,
}

/// A range of an archive.
#[derive(Debug, Clone)]
pub struct Retrieved {
    /// The bytes of the whole archive.
    pub whole: Content,
    /// The tree over them.
    pub tree: Tree,
    /// The bytes that were asked for; never empty, and within the archive.
    pub range: Range<u64>,
}

/// The place of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The bucket as the client named it.
    pub named: String,
    /// The full name of the bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
}

/// A copy of an archive, or of a range of it, to a bucket.
#[derive(Debug, Clone)]
pub struct Push {
    /// What is copied.
    pub retrieval: ArchiveRetrieval,
    /// Where to.
    pub to: Place,
    /// The number of the version that it becomes where versions are kept.
    pub version: u64,
    /// The digests of the bytes; `None` when the archive was deleted before.
    pub digests: Option<PushedDigests>,
}

/// What an object in a bucket is told by.
#[derive(Debug, Clone, Copy)]
pub struct PushedDigests {
    /// Its MD5.
    pub md5: Md5,
    /// Its SHA-1, where ETags are made of it.
    pub sha1: Option<Sha1>,
    /// Its CRC.
    pub crc64: Crc64,
}

/// A copy of an object, or of a range of it, to the vault.
#[derive(Debug, Clone)]
pub struct Pull {
    /// Where from.
    pub from: Place,
    /// The range as the client wrote it.
    pub range: Option<String>,
    /// The conditions as the client wrote them: name and value.
    pub conditions: Vec<(&'static str, String)>,
    /// The description that the archive gets.
    pub description: Option<String>,
    /// The id that the archive gets.
    pub archive: String,
    /// The bytes and the tree over them, or why there are none.
    pub source: Result<(Content, Tree), String>,
}

/// The retrieval of an inventory.
#[derive(Debug, Clone)]
pub struct InventoryRetrieval {
    /// How the list is written.
    pub format: InventoryFormat,
    /// What was asked for.
    pub selection: InventorySelection,
    /// The list as a document; never empty.
    pub document: Content,
    /// The archive id of the last entry, when there are more archives than were asked for.
    pub next: Option<String>,
}

/// The format of an inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InventoryFormat {
    /// A JSON document.
    Json,
    /// Lines of comma-separated values.
    Csv,
}

/// Which archives an inventory lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InventorySelection {
    /// Only archives made at this time or later.
    pub from: Option<Timestamp>,
    /// Only archives made at this time or earlier; times are compared in whole seconds.
    pub until: Option<Timestamp>,
    /// The largest number of entries.
    pub limit: Option<usize>,
    /// Only archives with an id behind this one.
    pub marker: Option<String>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// It is not complete.
    InProgress,
    /// Its output can be read, since then.
    Succeeded(Timestamp),
    /// It has no output, since then.
    Failed(Timestamp),
}

impl JobStatus {
    /// When the job was completed.
    pub fn completed(self) -> Option<Timestamp> {
        match self {
            JobStatus::InProgress => None,
            JobStatus::Succeeded(at) | JobStatus::Failed(at) => Some(at),
        }
    }
}

impl Retrieved {
    /// The bytes that were asked for.
    pub fn output(&self) -> Content {
        self.whole.slice(self.range.clone())
    }

    /// The tree hash of the bytes that were asked for, if they are a sub-tree of the archive's tree.
    pub fn tree_hash(&self) -> Option<TreeHash> {
        self.tree_of(0..self.range.end - self.range.start).map(|tree| tree.root())
    }

    /// The tree over a range that counts from the start of what was asked for. `None` unless both are sub-trees of the
    /// archive's tree.
    ///
    /// Source: `cas.md` 3.4, 4.14.
    pub fn tree_of(&self, range: Range<u64>) -> Option<Tree> {
        self.tree.sub_tree(self.range.clone())?;
        self.tree.sub_tree(self.range.start + range.start..self.range.start + range.end)
    }
}

impl InventorySelection {
    /// Whether an archive of that id and age is listed, the limit aside.
    pub fn includes(&self, id: &str, created: Timestamp) -> bool {
        let seconds = created.unix_seconds();
        self.marker.as_deref().is_none_or(|marker| id > marker)
            && self.from.is_none_or(|from| seconds >= from.unix_seconds())
            && self.until.is_none_or(|until| seconds <= until.unix_seconds())
    }
}

impl Job {
    /// A job that is made now.
    pub fn new(task: Task, description: Option<String>, completion: JobCompletion, now: Timestamp) -> Self {
        Job {
            task,
            description,
            created: now,
            callback_url: None,
            completion,
            describes: 0,
            completed_by_describe: None,
            ending: None,
        }
    }

    /// The job after one description more, which may be the one that completes it.
    pub fn described(&self, now: Timestamp) -> Job {
        let describes = self.describes.saturating_add(1);
        let completes = matches!(self.completion, JobCompletion::AfterDescribes(needed) | JobCompletion::Either(_, needed) if describes >= needed);
        let completed_by_describe = self.completed_by_describe.or(completes.then_some(now));
        Job { describes, completed_by_describe, ..self.clone() }
    }

    /// The job after that came of it.
    pub fn settled(&self, ending: Ending) -> Job {
        Job { ending: Some(ending), ..self.clone() }
    }

    /// Whether what it was to do has been done, or not.
    pub fn is_settled(&self) -> bool {
        self.ending.is_some()
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<&str> {
        match &self.ending {
            Some(Ending::Failed(reason)) => Some(reason),
            Some(Ending::Done) | None => None,
        }
    }

    /// When it will be due if nobody describes it; `None` when only descriptions complete it.
    pub fn due_by_time(&self) -> Option<Timestamp> {
        match self.completion {
            JobCompletion::Immediately | JobCompletion::AfterDescribes(0) => Some(self.created),
            JobCompletion::After(time) | JobCompletion::Either(time, _) => Some(self.created.plus(time)),
            JobCompletion::AfterDescribes(_) => None,
        }
    }

    /// Since when it has been due; `None` while it is not.
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let by_time = self.due_by_time().filter(|at| *at <= now || *at == self.created);
        self.completed_by_describe.into_iter().chain(by_time).min()
    }

    /// How far it is. A copy that is due and was not settled yet is in progress.
    pub fn status(&self, now: Timestamp) -> JobStatus {
        let Some(at) = self.due(now) else { return JobStatus::InProgress };
        match (&self.ending, &self.task) {
            (Some(Ending::Failed(_)), _) | (None, Task::Archive(ArchiveRetrieval { source: None, .. })) => {
                JobStatus::Failed(at)
            }
            (Some(Ending::Done), _) | (None, Task::Archive(_) | Task::Inventory(_)) => {
                JobStatus::Succeeded(at)
            }
            (None, Task::Push(_) | Task::Pull(_)) => JobStatus::InProgress,
        }
    }

    /// Whether it can still be asked for: for 24 hours after it was completed.
    pub(super) fn lives(&self, now: Timestamp) -> bool {
        self.status(now).completed().is_none_or(|at| now.since(at) <= JOB_LIFE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Hasher, Wanted};

    const MIB: u64 = 1 << 20;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn job(completion: JobCompletion) -> Job {
        let inventory = InventoryRetrieval {
            format: InventoryFormat::Json,
            selection: InventorySelection::default(),
            document: b"{}".to_vec().into(),
            next: None,
        };
        Job::new(Task::Inventory(inventory), None, completion, at(100))
    }

    #[test]
    fn a_job_completes_at_once_by_default() {
        let job = job(JobCompletion::default());
        assert_eq!(job.status(at(100)), JobStatus::Succeeded(at(100)));
    }

    #[test]
    fn a_job_completes_after_a_time_whether_or_not_it_is_described() {
        let job = job(JobCompletion::After(Duration::from_secs(10)));
        for (now, status) in [
            (100, JobStatus::InProgress),
            (109, JobStatus::InProgress),
            (110, JobStatus::Succeeded(at(110))),
            (500, JobStatus::Succeeded(at(110))),
        ] {
            assert_eq!(job.status(at(now)), status, "{now}");
            assert_eq!(job.described(at(now)).described(at(now)).status(at(now)), status, "{now}");
        }
    }

    #[test]
    fn the_third_description_says_that_the_job_is_complete() {
        let mut job = job(JobCompletion::AfterDescribes(3));
        for (now, status) in [
            (200, JobStatus::InProgress),
            (300, JobStatus::InProgress),
            (400, JobStatus::Succeeded(at(400))),
            (500, JobStatus::Succeeded(at(400))),
        ] {
            job = job.described(at(now));
            assert_eq!(job.status(at(now)), status, "{now}");
        }
    }

    #[test]
    fn a_job_that_needs_no_description_is_complete() {
        assert_eq!(job(JobCompletion::AfterDescribes(0)).status(at(100)), JobStatus::Succeeded(at(100)));
    }

    #[test]
    fn the_retrieval_of_a_deleted_archive_fails_when_it_completes() {
        let task = Task::Archive(ArchiveRetrieval { archive: "a".to_owned(), tier: "Bulk", source: None });
        let job = Job { task, ..job(JobCompletion::After(Duration::from_secs(10))) };
        assert_eq!(job.status(at(109)), JobStatus::InProgress);
        assert_eq!(job.status(at(110)), JobStatus::Failed(at(110)));
    }

    #[test]
    fn a_job_lives_for_24_hours_after_it_was_completed() {
        let day = 24 * 60 * 60;
        let late = job(JobCompletion::After(Duration::from_secs(5 * 60 * 60)));
        let completed = 100 + 5 * 60 * 60;
        assert!(late.lives(at(completed + day)));
        assert!(!late.lives(at(completed + day + 1)));
        assert!(job(JobCompletion::AfterDescribes(1)).lives(at(i64::from(u32::MAX))), "it is not complete");
    }

    #[test]
    fn an_inventory_is_selected_by_whole_seconds_and_ids() {
        let created = Timestamp::from_unix_ms(100_999);
        let includes = |from: Option<i64>, until: Option<i64>, marker: Option<&str>| {
            let marker = marker.map(str::to_owned);
            InventorySelection { from: from.map(at), until: until.map(at), limit: None, marker }
                .includes("m", created)
        };
        assert!(includes(None, None, None));
        assert!(includes(Some(100), Some(100), Some("a")));
        assert!(!includes(Some(101), None, None));
        assert!(!includes(None, Some(99), None));
        assert!(!includes(None, None, Some("m")));
        assert!(!includes(None, None, Some("z")));
    }

    /// The table of `cas.md` 3.4: for seven leaves these ranges of leaves and no others are sub-trees.
    #[test]
    fn a_range_has_a_tree_hash_if_it_and_the_range_of_the_job_are_sub_trees() {
        let bytes: Vec<u8> = (0..13 * MIB / 2).map(|index| ((index * 31 + 7) % 251) as u8).collect();
        let hash = |range: Range<u64>| {
            let range = range.start as usize..range.end as usize;
            Hasher::of(&bytes[range], Wanted { sha256_and_tree: true, ..Wanted::default() }).tree.unwrap()
        };
        let size = bytes.len() as u64;
        let leaves = |from: u64, to: u64| from * MIB..(to * MIB).min(size);
        let nodes = [(0, 7), (0, 4), (4, 7), (0, 2), (2, 4), (4, 6)];
        let nodes: Vec<(u64, u64)> = nodes.into_iter().chain((0..7).map(|leaf| (leaf, leaf + 1))).collect();
        let whole = Content::from(bytes.clone());
        let tree = hash(0..size);
        for (from, to) in (0..7).flat_map(|from| (from + 1..=7).map(move |to| (from, to))) {
            let range = leaves(from, to);
            let job = Retrieved { whole: whole.clone(), tree: tree.clone(), range: range.clone() };
            let is_node = nodes.contains(&(from, to));
            let expected = is_node.then(|| hash(range.clone()).root());
            assert_eq!(job.tree_hash(), expected, "{from}..{to}");
            for (inner_from, inner_to) in
                (from..to).flat_map(|first| (first + 1..=to).map(move |last| (first, last)))
            {
                let inner = leaves(inner_from, inner_to);
                let is_node = is_node && nodes.contains(&(inner_from, inner_to));
                let expected = is_node.then(|| hash(inner.clone()).root());
                let asked = inner.start - range.start..inner.end - range.start;
                let found = job.tree_of(asked).map(|tree| tree.root());
                assert_eq!(found, expected, "{inner_from}..{inner_to} of {from}..{to}");
            }
            assert_eq!(job.tree_of(0..1), None);
            assert_eq!(job.tree_of(1..range.end - range.start), None);
        }
    }
}
