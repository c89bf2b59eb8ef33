//! A vault of CAS: its archives, its unfinished multipart uploads and its jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::{Bound, Range};
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use super::job::{Ending, Job};
use crate::clock::Timestamp;
use crate::content::Content;
use crate::digest::{Tree, TreeHash};

/// The largest number of chunks.
pub const MAX_CHUNKS: u64 = 10_000;
/// The largest chunk: 4 GiB.
pub const MAX_CHUNK_SIZE_BYTES: u64 = 4 << 30;
/// How long an upload id lives after its last use.
const UPLOAD_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// A vault.
#[derive(Debug)]
pub struct Vault {
    region: String,
    created: Timestamp,
    archives: BTreeMap<String, Archive>,
    /// Archives that once existed: deleting one again is no error.
    deleted_archives: BTreeSet<String>,
    uploads: BTreeMap<String, VaultUpload>,
    /// Uploads that were completed, with their archive and the time: a repeated completion gets the same answer.
    completed_uploads: BTreeMap<String, (String, Timestamp)>,
    jobs: BTreeMap<String, Job>,
    policy: Option<VaultPolicy>,
    notifications: Option<Notifications>,
    size_bytes: u64,
    inventory: Option<Inventory>,
    /// When the vault changed for the last time; `None` when the inventory knows of that.
    changed: Option<Timestamp>,
}

/// The figures of the last inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inventory {
    /// When it was taken.
    pub taken: Timestamp,
    /// How many archives there were.
    pub archives: u64,
    /// How many bytes they had.
    pub size_bytes: u64,
}

/// The access policy of a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultPolicy {
    /// As it was set.
    pub text: String,
    /// The same, read.
    pub document: Value,
}

/// Whom a vault tells of jobs that are complete, and of which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notifications {
    /// Where it is told.
    pub callback_url: String,
    /// The events, as the service calls them.
    pub events: Vec<String>,
}

/// An archive.
#[derive(Debug)]
pub struct Archive {
    /// Its bytes.
    pub content: Content,
    /// The tree over them.
    pub tree: Tree,
    /// The description that came with the upload.
    pub description: Option<String>,
    /// When it was stored.
    pub created: Timestamp,
}

/// An unfinished multipart upload.
#[derive(Debug)]
pub struct VaultUpload {
    /// The size of every chunk but the last.
    pub part_size_bytes: u64,
    /// The description that the archive will have.
    pub description: Option<String>,
    /// When it was initiated.
    pub created: Timestamp,
    last_used: Timestamp,
    /// By index: the start of the chunk divided by the part size.
    chunks: BTreeMap<u64, Chunk>,
}

/// A chunk of an upload.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Its bytes; never empty.
    pub content: Content,
    /// The tree over them.
    pub tree: Tree,
}

/// The bytes that a chunk covers in the archive, from `Content-Range: bytes 0-1048575/*`.
///
/// Half-open in memory, inclusive on the wire. May be empty as `4-3`, which alignment then refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRange(Range<u64>);

/// The text is not of the form `bytes <first>-<last>/*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected bytes <first>-<last>/*")]
pub struct InvalidChunkRange;

impl ChunkRange {
    /// Where the chunk starts in the archive.
    pub fn start(&self) -> u64 {
        self.0.start
    }

    /// The first byte behind the chunk.
    pub fn end(&self) -> u64 {
        self.0.end
    }

    /// How many bytes it has; 0 when it ends before it starts.
    pub fn len(&self) -> u64 {
        self.0.end.saturating_sub(self.0.start)
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ChunkRange {
    /// Reads also `bytes 0-4194303`, without a total.
    ///
    /// # Errors
    /// For every other form that is none.
    pub fn lenient(header: &str) -> Result<Self, InvalidChunkRange> {
        if header.contains('/') { header.parse() } else { format!("{header}/*").parse() }
    }
}

/// The first midnight UTC after that time.
fn midnight_after(time: Timestamp) -> Timestamp {
    const DAY_SECONDS: i64 = 24 * 60 * 60;
    Timestamp::from_unix_seconds((time.unix_seconds().div_euclid(DAY_SECONDS) + 1) * DAY_SECONDS)
}

impl FromStr for ChunkRange {
    type Err = InvalidChunkRange;

    /// Reads `bytes 0-4194303/*`. The unit is case-insensitive; instead of `*` a total above the last byte may stand.
    ///
    /// Source: `cas.md` 5.1.
    fn from_str(header: &str) -> Result<Self, InvalidChunkRange> {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain
                .then(|| digits.parse::<i64>().ok())
                .flatten()
                .map(i64::unsigned_abs)
                .ok_or(InvalidChunkRange)
        };
        let (unit, range) = header.split_once(' ').ok_or(InvalidChunkRange)?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return Err(InvalidChunkRange);
        }
        let (bounds, total) = range.split_once('/').ok_or(InvalidChunkRange)?;
        let (first, last) = bounds.split_once('-').ok_or(InvalidChunkRange)?;
        let (first, last) = (number(first)?, number(last)?);
        if total != "*" && number(total)? <= last {
            return Err(InvalidChunkRange);
        }
        Ok(ChunkRange(first..last + 1))
    }
}

impl fmt::Display for ChunkRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bytes {}-{}/*", self.0.start, self.0.end.saturating_sub(1))
    }
}

/// Why an upload cannot be completed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompletionError {
    /// Nothing was uploaded.
    #[error("no part has been uploaded")]
    NoParts,
    /// A range before the last chunk is missing.
    #[error("the range {}-{} is missing", .0.start, .0.end - 1)]
    Missing(Range<u64>),
    /// The given size is not the sum of the chunks.
    #[error("x-cas-archive-size is {given}, but the parts have {stored} bytes")]
    WrongSize {
        /// What the client said.
        given: u64,
        /// The sum of the chunks.
        stored: u64,
    },
    /// The given tree hash is not that of the chunks.
    #[error("x-cas-sha256-tree-hash is {given}, but the parts fold to {stored}")]
    WrongTreeHash {
        /// What the client said.
        given: TreeHash,
        /// Folded from the chunks.
        stored: TreeHash,
    },
}

impl VaultUpload {
    /// Whether a chunk of that place and length would leave a short chunk in the middle: it is short and another lies
    /// behind it, or one before it is short.
    pub fn would_have_a_short_middle(&self, index: u64, length: u64) -> bool {
        let is_short = |length: u64| length < self.part_size_bytes;
        let has_later = self.chunks.range(index + 1..).next().is_some();
        let short_before = self.chunks.range(..index).any(|(_, chunk)| is_short(chunk.content.len()));
        is_short(length) && has_later || short_before
    }

    /// The chunks from an offset in the archive on, in order: the range of each and the chunk.
    pub fn chunks_from(&self, offset: u64) -> impl Iterator<Item = (Range<u64>, &Chunk)> {
        let first = offset.div_ceil(self.part_size_bytes);
        self.chunks.range(first..).map(|(index, chunk)| {
            let start = index * self.part_size_bytes;
            (start..start + chunk.content.len(), chunk)
        })
    }

    /// The chunk of that index.
    pub fn chunk(&self, index: u64) -> Option<&Chunk> {
        self.chunks.get(&index)
    }

    /// Puts the chunks together; no byte is copied or hashed again.
    ///
    /// # Errors
    /// In this order: no chunks, a gap (also a short chunk that is not the last), a wrong size, a wrong tree hash.
    ///
    /// Source: `cas.md` 4.8.
    pub fn complete(&self, size: u64, tree: TreeHash) -> Result<(Content, Tree), CompletionError> {
        let mut end = 0;
        for (range, _) in self.chunks_from(0) {
            if range.start != end {
                return Err(CompletionError::Missing(end..range.start));
            }
            end = range.end;
        }
        let stored_tree =
            Tree::concat(self.chunks.values().map(|chunk| &chunk.tree)).ok_or(CompletionError::NoParts)?;
        if size != end {
            return Err(CompletionError::WrongSize { given: size, stored: end });
        }
        if tree != stored_tree.root() {
            return Err(CompletionError::WrongTreeHash { given: tree, stored: stored_tree.root() });
        }
        Ok((Content::concat(self.chunks.values().map(|chunk| &chunk.content)), stored_tree))
    }
}

impl Vault {
    pub(super) fn new(region: String, created: Timestamp) -> Self {
        Vault {
            region,
            created,
            archives: BTreeMap::new(),
            deleted_archives: BTreeSet::new(),
            uploads: BTreeMap::new(),
            completed_uploads: BTreeMap::new(),
            jobs: BTreeMap::new(),
            policy: None,
            notifications: None,
            size_bytes: 0,
            inventory: None,
            changed: Some(created),
        }
    }

    /// The access policy.
    pub fn policy(&self) -> Option<&VaultPolicy> {
        self.policy.as_ref()
    }

    /// Whom it tells of jobs.
    pub fn notifications(&self) -> Option<&Notifications> {
        self.notifications.as_ref()
    }

    /// The figures at this moment.
    pub fn present_inventory(&self, now: Timestamp) -> Inventory {
        Inventory { taken: now, archives: self.archives.len() as u64, size_bytes: self.size_bytes }
    }

    /// The last inventory. One is taken at the first midnight UTC after each change.
    ///
    /// Source: `cas.md` 11.
    pub fn inventory(&self, now: Timestamp) -> Option<Inventory> {
        let due = self.changed.map(midnight_after).filter(|midnight| *midnight <= now);
        due.map(|midnight| self.present_inventory(midnight)).or(self.inventory)
    }

    /// Says that the archives are about to change: the figures until now are those of an inventory that is due.
    fn changes(&mut self, now: Timestamp) {
        self.inventory = self.inventory(now);
        self.changed = Some(now);
    }

    /// The region it was made in.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// When it was made.
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// The archives in the order of their ids.
    pub fn archives(&self) -> impl Iterator<Item = (&str, &Archive)> {
        self.archives.iter().map(|(id, archive)| (id.as_str(), archive))
    }

    /// The archives behind that id, in the order of their ids.
    pub fn archives_after(&self, id: &str) -> impl Iterator<Item = (&str, &Archive)> {
        let archives = self.archives.range::<str, _>((Bound::Excluded(id), Bound::Unbounded));
        archives.map(|(id, archive)| (id.as_str(), archive))
    }

    /// The archive of that id.
    pub fn archive(&self, id: &str) -> Option<&Archive> {
        self.archives.get(id)
    }

    /// Whether an archive of that id existed and was deleted.
    pub fn had_archive(&self, id: &str) -> bool {
        self.deleted_archives.contains(id)
    }

    /// The unfinished upload of that id, unless its 24 hours are over.
    pub fn upload(&self, id: &str, now: Timestamp) -> Option<&VaultUpload> {
        self.uploads.get(id).filter(|upload| now.since(upload.last_used) <= UPLOAD_LIFE)
    }

    /// The unfinished uploads, the oldest first.
    pub fn uploads(&self, now: Timestamp) -> Vec<(&str, &VaultUpload)> {
        let mut uploads: Vec<_> =
            self.uploads.keys().filter_map(|id| Some((id.as_str(), self.upload(id, now)?))).collect();
        uploads.sort_by_key(|(id, upload)| (upload.created, *id));
        uploads
    }

    /// The archive that an upload of that id was completed to, within the last 24 hours.
    pub fn completed(&self, id: &str, now: Timestamp) -> Option<(&str, &Archive)> {
        let (archive, at) = self.completed_uploads.get(id)?;
        let archive = self.archives.get_key_value(archive).filter(|_| now.since(*at) <= UPLOAD_LIFE)?;
        Some((archive.0.as_str(), archive.1))
    }

    /// The job of that id, unless it was completed more than 24 hours ago.
    pub fn job(&self, id: &str, now: Timestamp) -> Option<&Job> {
        self.jobs.get(id).filter(|job| job.lives(now))
    }

    /// The job of that id, however long ago it was completed.
    pub(super) fn any_job(&self, id: &str) -> Option<&Job> {
        self.jobs.get(id)
    }

    /// The jobs with an id of `from` or behind it that were not completed more than 24 hours ago, in the order of their
    /// ids.
    pub fn jobs_from<'a>(
        &'a self,
        from: &str,
        now: Timestamp,
    ) -> impl Iterator<Item = (&'a str, &'a Job)> + use<'a> {
        let jobs = self.jobs.range::<str, _>((Bound::Included(from), Bound::Unbounded));
        jobs.filter(move |(_, job)| job.lives(now)).map(|(id, job)| (id.as_str(), job))
    }

    pub(super) fn set_policy(&mut self, policy: Option<VaultPolicy>) {
        self.policy = policy;
    }

    pub(super) fn set_notifications(&mut self, notifications: Option<Notifications>) {
        self.notifications = notifications;
    }

    pub(super) fn put_archive(&mut self, id: String, archive: Archive) {
        self.changes(archive.created);
        self.size_bytes += archive.content.len();
        self.archives.insert(id, archive);
    }

    pub(super) fn delete_archive(&mut self, id: &str, now: Timestamp) {
        if !self.archives.contains_key(id) {
            return;
        }
        // Before it is gone: an inventory that is due still has it.
        self.changes(now);
        if let Some((id, archive)) = self.archives.remove_entry(id) {
            self.size_bytes -= archive.content.len();
            self.deleted_archives.insert(id);
        }
    }

    pub(super) fn create_upload(
        &mut self,
        id: String,
        part_size_bytes: u64,
        description: Option<String>,
        now: Timestamp,
    ) {
        let upload = VaultUpload {
            part_size_bytes,
            description,
            created: now,
            last_used: now,
            chunks: BTreeMap::new(),
        };
        self.uploads.insert(id, upload);
    }

    pub(super) fn put_chunk(&mut self, id: &str, index: u64, chunk: Chunk, now: Timestamp) {
        if let Some(upload) = self.uploads.get_mut(id) {
            upload.chunks.insert(index, chunk);
            upload.last_used = now;
        }
    }

    pub(super) fn use_upload(&mut self, id: &str, now: Timestamp) {
        if let Some(upload) = self.uploads.get_mut(id) {
            upload.last_used = now;
        }
    }

    pub(super) fn complete_upload(
        &mut self,
        id: &str,
        archive: String,
        content: Content,
        tree: Tree,
        now: Timestamp,
    ) {
        if let Some((id, upload)) = self.uploads.remove_entry(id) {
            self.completed_uploads.insert(id, (archive.clone(), now));
            self.put_archive(
                archive,
                Archive { content, tree, description: upload.description, created: now },
            );
        }
    }

    /// Adds a job. Those that nobody can ask for any more make room: they share the bytes of archives.
    pub(super) fn create_job(&mut self, id: String, job: Job) {
        self.jobs.retain(|_, earlier| earlier.lives(job.created));
        self.jobs.insert(id, job);
    }

    pub(super) fn describe_job(&mut self, id: &str, now: Timestamp) {
        if let Some(job) = self.jobs.get_mut(id) {
            *job = job.described(now);
        }
    }

    pub(super) fn settle_job(&mut self, id: &str, ending: Ending) {
        if let Some(job) = self.jobs.get_mut(id) {
            *job = job.settled(ending);
        }
    }

    pub(super) fn delete_job(&mut self, id: &str) {
        self.jobs.remove(id);
    }

    pub(super) fn delete_upload(&mut self, id: &str) {
        self.uploads.remove(id);
    }

    pub(super) fn delete_chunk(&mut self, id: &str, index: u64) {
        if let Some(upload) = self.uploads.get_mut(id) {
            upload.chunks.remove(&index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Hasher, Wanted};
    use crate::store::job::{ArchiveRetrieval, JobCompletion, Task};

    #[test]
    fn content_ranges_are_read_half_open_and_written_inclusive() {
        let range: ChunkRange = "bytes 4194304-8388607/*".parse().unwrap();
        assert_eq!((range.start(), range.end(), range.len()), (4_194_304, 8_388_608, 4_194_304));
        assert_eq!(range.to_string(), "bytes 4194304-8388607/*");
        assert_eq!("BYTES 0-0/*".parse::<ChunkRange>().unwrap().len(), 1);
        assert_eq!("bytes 0-9/10".parse::<ChunkRange>().unwrap().len(), 10);
        assert!("bytes 4194304-4194303/*".parse::<ChunkRange>().unwrap().is_empty());
        assert!("bytes 5-3/*".parse::<ChunkRange>().unwrap().is_empty());
    }

    #[test]
    fn other_content_ranges_are_refused() {
        for header in [
            "",
            "bytes",
            "bytes 0-1",
            "bytes=0-1/*",
            "0-4194303",
            "bytes */4194304",
            "bytes 0-/*",
            "bytes -5/*",
            "bytes 0x0-0x5/*",
            "bytes +0-5/*",
            "bytes 0 - 5/*",
            "bytes  0-5/*",
            "bytes 0-5 /*",
            "bytes 0-5/",
            "bytes 0-5/5",
            "bytes 0-5/**",
            "bits 0-5/*",
            "bytes 0-9223372036854775808/*",
            "bytes 18446744073709551616-18446744073709551617/*",
            "bytes 0-1-2/*",
            "bytes 0-1/*/*",
            "bytes ０-１/*",
        ] {
            assert_eq!(header.parse::<ChunkRange>(), Err(InvalidChunkRange), "{header:?}");
        }
        assert!("bytes 0-9223372036854775807/*".parse::<ChunkRange>().is_ok());
    }

    const PART: u64 = 1 << 20;
    /// A chunk of the full size.
    const FULL: &[u8] = &[7; PART as usize];

    fn tree(bytes: &[u8]) -> Tree {
        Hasher::of(bytes, Wanted { sha256_and_tree: true, ..Wanted::default() }).tree.unwrap()
    }

    fn upload(chunks: &[(u64, &[u8])]) -> VaultUpload {
        let start = Timestamp::from_unix_seconds(0);
        let chunks = chunks
            .iter()
            .map(|(index, bytes)| (*index, Chunk { content: bytes.to_vec().into(), tree: tree(bytes) }))
            .collect();
        VaultUpload { part_size_bytes: PART, description: None, created: start, last_used: start, chunks }
    }

    fn folded(chunks: &[&[u8]]) -> TreeHash {
        let chunks: Vec<Tree> = chunks.iter().map(|bytes| tree(bytes)).collect();
        Tree::concat(&chunks).unwrap().root()
    }

    #[test]
    fn chunks_complete_to_their_concatenation() {
        let upload = upload(&[(1, b"ef"), (0, FULL)]);
        let (content, whole) = upload.complete(PART + 2, folded(&[FULL, b"ef"])).unwrap();
        assert_eq!(content.to_bytes(), [FULL, b"ef"].concat());
        assert_eq!(whole, tree(&[FULL, b"ef"].concat()));
    }

    #[test]
    fn each_error_of_a_completion_has_its_name() {
        let right = folded(&[FULL, b"ef"]);
        assert_eq!(upload(&[]).complete(0, right).unwrap_err(), CompletionError::NoParts);
        let gap = upload(&[(0, FULL), (2, b"ef")]);
        assert_eq!(gap.complete(6, right).unwrap_err(), CompletionError::Missing(PART..2 * PART));
        let short = upload(&[(0, b"abc"), (1, b"ef")]);
        assert_eq!(short.complete(5, right).unwrap_err(), CompletionError::Missing(3..PART));
        let whole = upload(&[(0, FULL), (1, b"ef")]);
        let (given, stored) = (PART + 3, PART + 2);
        assert_eq!(whole.complete(given, right).unwrap_err(), CompletionError::WrongSize { given, stored });
        let wrong = tree(b"ef").root();
        assert_eq!(
            whole.complete(stored, wrong).unwrap_err(),
            CompletionError::WrongTreeHash { given: wrong, stored: right }
        );
    }

    #[test]
    fn an_upload_expires_24_hours_after_its_last_use() {
        let hours = |hours: i64| Timestamp::from_unix_seconds(hours * 3600);
        let mut vault = Vault::new("r".to_owned(), hours(0));
        vault.create_upload("u".to_owned(), PART, None, hours(0));
        assert!(vault.upload("u", hours(24)).is_some());
        assert!(vault.upload("u", hours(25)).is_none());
        vault.use_upload("u", hours(20));
        assert!(vault.upload("u", hours(44)).is_some());
        assert!(vault.upload("u", hours(45)).is_none());
        assert!(vault.uploads(hours(45)).is_empty());
    }

    #[test]
    fn a_job_is_gone_24_hours_after_it_was_completed() {
        let hours = |hours: i64| Timestamp::from_unix_seconds(hours * 3600);
        let retrieval = ArchiveRetrieval { archive: "a".to_owned(), tier: "Bulk", source: None };
        let job = |completion, now| Job::new(Task::Archive(retrieval.clone()), None, completion, now);
        let mut vault = Vault::new("r".to_owned(), hours(0));
        vault.create_job("j".to_owned(), job(JobCompletion::Immediately, hours(0)));
        vault.create_job("k".to_owned(), job(JobCompletion::AfterDescribes(1), hours(0)));
        vault.describe_job("k", hours(10));
        let ids = |vault: &Vault, from: &str, now| {
            vault.jobs_from(from, hours(now)).map(|(id, _)| id.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&vault, "", 24), ["j", "k"]);
        assert_eq!(ids(&vault, "j", 24), ["j", "k"]);
        assert_eq!(ids(&vault, "jj", 24), ["k"]);
        assert_eq!(ids(&vault, "", 25), ["k"]);
        assert!(vault.job("j", hours(25)).is_none());
        assert!(vault.job("k", hours(34)).is_some() && vault.job("k", hours(35)).is_none());
        vault.create_job("l".to_owned(), job(JobCompletion::Immediately, hours(30)));
        assert_eq!(vault.jobs.keys().collect::<Vec<_>>(), ["k", "l"]);
    }

    #[test]
    fn an_inventory_is_taken_at_the_first_midnight_after_each_change() {
        let hours = |hours: i64| Timestamp::from_unix_seconds(hours * 3600);
        let archive = |bytes: &[u8], at| Archive {
            content: bytes.to_vec().into(),
            tree: tree(bytes),
            description: None,
            created: hours(at),
        };
        let figures = |vault: &Vault, at| {
            let Inventory { taken, archives, size_bytes } = vault.inventory(hours(at))?;
            Some((taken.unix_seconds() / 3600, archives, size_bytes))
        };
        let mut vault = Vault::new("r".to_owned(), hours(1));
        assert_eq!(figures(&vault, 23), None);
        assert_eq!(figures(&vault, 24), Some((24, 0, 0)), "of the empty vault");
        vault.put_archive("a".to_owned(), archive(b"abc", 30));
        assert_eq!(figures(&vault, 47), Some((24, 0, 0)), "not live");
        assert_eq!(figures(&vault, 48), Some((48, 1, 3)));
        assert_eq!(figures(&vault, 200), Some((48, 1, 3)), "nothing changed since");
        vault.put_archive("b".to_owned(), archive(b"x", 200));
        vault.delete_archive("a", hours(201));
        assert_eq!(figures(&vault, 215), Some((48, 1, 3)), "the change is not in it");
        assert_eq!(figures(&vault, 216), Some((216, 1, 1)));
        vault.delete_archive("b", hours(250));
        assert_eq!(figures(&vault, 250), Some((216, 1, 1)), "the archive was there at midnight");
        assert_eq!(figures(&vault, 264), Some((264, 0, 0)));
    }

    #[test]
    fn a_completed_upload_is_remembered_for_a_day() {
        let hours = |hours: i64| Timestamp::from_unix_seconds(hours * 3600);
        let mut vault = Vault::new("r".to_owned(), hours(0));
        vault.create_upload("u".to_owned(), PART, Some("d".to_owned()), hours(0));
        vault.complete_upload("u", "a".to_owned(), b"x".to_vec().into(), tree(b"x"), hours(1));
        assert!(vault.upload("u", hours(1)).is_none());
        let (id, archive) = vault.completed("u", hours(2)).unwrap();
        assert_eq!((id, archive.description.as_deref()), ("a", Some("d")));
        assert!(vault.completed("u", hours(26)).is_none());
        vault.delete_archive("a", hours(2));
        assert!(vault.completed("u", hours(2)).is_none());
        assert!(vault.had_archive("a"));
    }
}
