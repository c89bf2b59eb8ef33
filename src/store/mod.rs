//! Buckets, objects, uploads, vaults, archives and jobs as a state machine.
//!
//! Handlers look at the store and answer with a list of changes; `Store::apply` is the only place that mutates. That
//! separation is what makes "the operation took place, the client was told otherwise" a plain matter of applying a
//! change or not. The store knows no HTTP, no status codes, and never reads a clock.

mod acl;
mod bucket;
mod condition;
mod job;
mod listing;
mod object;
mod upload;
mod vault;
mod veil;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::content::Content;
use crate::digest::Tree;

pub use acl::{Acl, Canned, Grant, Grantee, Permission};
pub use bucket::{Bucket, Configuration, ConfigurationKind, Found, Versioning};
pub use condition::{Condition, Conditions};
pub use job::{
    ArchiveRetrieval, Ending, InventoryFormat, InventoryRetrieval, InventorySelection, Job, JobCompletion,
    JobStatus, Place, Pull, Push, PushedDigests, Retrieved, Task,
};
pub use listing::{Entry, PageQuery, VersionEntry, VersionQuery};
pub use object::{
    AppendError, Encryption, Etag, Growing, HeaderLines, Metadata, Object, ObjectKind, Restoration,
    RestorationStatus, VersionId, is_archive, restoration_time,
};
pub use upload::{AssemblyError, MAX_PART_SIZE_BYTES, Part, PartNumber, Upload};
pub use vault::{
    Archive, Chunk, ChunkRange, MAX_CHUNK_SIZE_BYTES, MAX_CHUNKS, Notifications, Vault, VaultPolicy,
    VaultUpload,
};
pub use veil::{Lag, Look, Veils};

/// Everything that one world holds.
#[derive(Debug, Default)]
pub struct Store {
    buckets: BTreeMap<String, Bucket>,
    vaults: BTreeMap<String, Vault>,
    /// Vault and id of each job that was not settled yet.
    unsettled: BTreeSet<(String, String)>,
    /// When the first of them may be due; `None` when none will be by time alone.
    due: Option<Timestamp>,
}

/// One change of the store. Changes are made from a look at the same state, so applying one cannot fail; where the
/// thing it names is gone meanwhile, it does nothing.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the fields are the names and values of the operation")]
pub enum Change {
    CreateBucket {
        bucket: String,
        region: String,
        now: Timestamp,
    },
    DeleteBucket {
        bucket: String,
    },
    /// The object becomes the newest version, and takes the place of one of the same id.
    PutObject {
        bucket: String,
        key: String,
        version: VersionId,
        object: Arc<Object>,
    },
    /// A delete marker becomes the newest version.
    PutMarker {
        bucket: String,
        key: String,
        version: VersionId,
        now: Timestamp,
    },
    /// What stands beside the bytes of a version is another.
    ReplaceObject {
        bucket: String,
        key: String,
        version: VersionId,
        object: Arc<Object>,
    },
    /// The version is gone; without versioning that is the object.
    DeleteVersion {
        bucket: String,
        key: String,
        version: VersionId,
    },
    /// The key is gone with all of its versions.
    DeleteKey {
        bucket: String,
        key: String,
    },
    SetVersioning {
        bucket: String,
        versioning: Versioning,
    },
    SetBucketAcl {
        bucket: String,
        acl: Acl,
    },
    /// A configuration of a bucket is this, or none any more.
    Configure {
        bucket: String,
        kind: ConfigurationKind,
        id: String,
        to: Option<Configuration>,
    },
    CreateUpload {
        bucket: String,
        key: String,
        upload: String,
        metadata: Metadata,
        now: Timestamp,
    },
    PutPart {
        bucket: String,
        key: String,
        upload: String,
        number: PartNumber,
        part: Part,
    },
    /// The upload ends; its parts have become `object`.
    CompleteUpload {
        bucket: String,
        key: String,
        upload: String,
        version: VersionId,
        object: Arc<Object>,
    },
    DeleteUpload {
        bucket: String,
        key: String,
        upload: String,
    },
    DeletePart {
        bucket: String,
        key: String,
        upload: String,
        number: PartNumber,
    },

    CreateVault {
        vault: String,
        region: String,
        now: Timestamp,
    },
    DeleteVault {
        vault: String,
    },
    PutArchive {
        vault: String,
        archive: String,
        content: Content,
        tree: Tree,
        description: Option<String>,
        now: Timestamp,
    },
    DeleteArchive {
        vault: String,
        archive: String,
        now: Timestamp,
    },
    CreateVaultUpload {
        vault: String,
        upload: String,
        part_size_bytes: u64,
        description: Option<String>,
        now: Timestamp,
    },
    PutChunk {
        vault: String,
        upload: String,
        index: u64,
        chunk: Chunk,
        now: Timestamp,
    },
    /// The upload was looked at, which keeps it from expiring.
    UseVaultUpload {
        vault: String,
        upload: String,
        now: Timestamp,
    },
    /// The upload ends; its chunks have become the archive.
    CompleteVaultUpload {
        vault: String,
        upload: String,
        archive: String,
        content: Content,
        tree: Tree,
        now: Timestamp,
    },
    DeleteVaultUpload {
        vault: String,
        upload: String,
    },
    DeleteChunk {
        vault: String,
        upload: String,
        index: u64,
    },
    CreateJob {
        vault: String,
        id: String,
        job: Job,
    },
    DeleteJob {
        vault: String,
        id: String,
    },
    /// The job was described, which may complete it.
    DescribeJob {
        vault: String,
        id: String,
        now: Timestamp,
    },
    /// What a job that is due was to do has been done, or not.
    SettleJob {
        vault: String,
        id: String,
        ending: Ending,
    },
    SetVaultPolicy {
        vault: String,
        policy: Option<VaultPolicy>,
    },
    SetVaultNotifications {
        vault: String,
        notifications: Option<Notifications>,
    },
}

impl Change {
    /// The bucket and key of the object that it writes or deletes.
    pub fn object(&self) -> Option<(&str, &str)> {
        match self {
            Change::PutObject { bucket, key, .. }
            | Change::PutMarker { bucket, key, .. }
            | Change::DeleteVersion { bucket, key, .. }
            | Change::DeleteKey { bucket, key }
            | Change::CompleteUpload { bucket, key, .. } => Some((bucket, key)),
            _ => None,
        }
    }
}

impl Store {
    /// The bucket of that full name (`name-appid`).
    pub fn bucket(&self, name: &str) -> Option<&Bucket> {
        self.buckets.get(name)
    }

    /// All buckets in the order of their names.
    pub fn buckets(&self) -> impl Iterator<Item = (&str, &Bucket)> {
        self.buckets.iter().map(|(name, bucket)| (name.as_str(), bucket))
    }

    /// The vault of that name.
    pub fn vault(&self, name: &str) -> Option<&Vault> {
        self.vaults.get(name)
    }

    /// All vaults in the order of their names.
    pub fn vaults(&self) -> impl Iterator<Item = (&str, &Vault)> {
        self.vaults.iter().map(|(name, vault)| (name.as_str(), vault))
    }

    /// How many uploads of both services are neither completed nor aborted.
    pub fn open_uploads(&self, now: Timestamp) -> usize {
        let in_buckets = self.buckets.values().map(Bucket::open_uploads).sum::<usize>();
        in_buckets + self.vaults.values().map(|vault| vault.uploads(now).len()).sum::<usize>()
    }

    /// When a job may be due that was not settled yet; `None` when none will be by time alone.
    pub fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// The jobs that are due and were not settled yet, each with the name of its vault and its id. Forgets those that
    /// are gone.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<(String, String, Job)> {
        let (vaults, mut due, mut next) = (&self.vaults, Vec::new(), None::<Timestamp>);
        self.unsettled.retain(|(vault, id)| {
            let Some(job) = vaults.get(vault).and_then(|vault| vault.any_job(id)) else { return false };
            match job.due(now) {
                Some(_) => due.push((vault.clone(), id.clone(), job.clone())),
                None => next = next.into_iter().chain(job.due_by_time()).min(),
            }
            true
        });
        self.due = next;
        due
    }

    /// Puts an object, or none, in the place of another. Returns what was there.
    fn swap_object(&mut self, bucket: &str, key: &str, object: Option<Arc<Object>>) -> Option<Arc<Object>> {
        self.buckets.get_mut(bucket)?.show(key, object)
    }

    /// Carries a change out.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::CreateBucket { bucket, region, now } => {
                self.buckets.entry(bucket).or_insert_with(|| Bucket::new(region, now));
            }
            Change::DeleteBucket { bucket } => {
                self.buckets.remove(&bucket);
            }
            Change::PutObject { bucket, key, version, object } => {
                self.in_bucket(&bucket, |bucket| bucket.put_object(key, version, object));
            }
            Change::PutMarker { bucket, key, version, now } => {
                self.in_bucket(&bucket, |bucket| bucket.put_marker(&key, version, now));
            }
            Change::ReplaceObject { bucket, key, version, object } => {
                self.in_bucket(&bucket, |bucket| bucket.replace_object(&key, version, object));
            }
            Change::DeleteVersion { bucket, key, version } => {
                self.in_bucket(&bucket, |bucket| bucket.delete_version(&key, version));
            }
            Change::DeleteKey { bucket, key } => {
                self.in_bucket(&bucket, |bucket| bucket.delete_key(&key));
            }
            Change::SetVersioning { bucket, versioning } => {
                self.in_bucket(&bucket, |bucket| bucket.set_versioning(versioning));
            }
            Change::SetBucketAcl { bucket, acl } => {
                self.in_bucket(&bucket, |bucket| bucket.set_acl(acl));
            }
            Change::Configure { bucket, kind, id, to } => {
                self.in_bucket(&bucket, |bucket| bucket.configure(kind, id, to));
            }
            Change::CreateUpload { bucket, key, upload, metadata, now } => {
                self.in_bucket(&bucket, |bucket| bucket.create_upload(key, upload, metadata, now));
            }
            Change::PutPart { bucket, key, upload, number, part } => {
                self.in_bucket(&bucket, |bucket| bucket.put_part(&key, &upload, number, part));
            }
            Change::CompleteUpload { bucket, key, upload, version, object } => {
                self.in_bucket(&bucket, |bucket| {
                    bucket.delete_upload(&key, &upload);
                    bucket.put_object(key, version, object);
                });
            }
            Change::DeleteUpload { bucket, key, upload } => {
                self.in_bucket(&bucket, |bucket| bucket.delete_upload(&key, &upload));
            }
            Change::DeletePart { bucket, key, upload, number } => {
                self.in_bucket(&bucket, |bucket| bucket.delete_part(&key, &upload, number));
            }
            Change::CreateVault { vault, region, now } => {
                self.vaults.entry(vault).or_insert_with(|| Vault::new(region, now));
            }
            Change::DeleteVault { vault } => {
                self.vaults.remove(&vault);
            }
            Change::PutArchive { vault, archive, content, tree, description, now } => {
                self.in_vault(&vault, |vault| {
                    vault.put_archive(archive, Archive { content, tree, description, created: now });
                });
            }
            Change::DeleteArchive { vault, archive, now } => {
                self.in_vault(&vault, |vault| vault.delete_archive(&archive, now));
            }
            Change::CreateVaultUpload { vault, upload, part_size_bytes, description, now } => {
                self.in_vault(&vault, |vault| vault.create_upload(upload, part_size_bytes, description, now));
            }
            Change::PutChunk { vault, upload, index, chunk, now } => {
                self.in_vault(&vault, |vault| vault.put_chunk(&upload, index, chunk, now));
            }
            Change::UseVaultUpload { vault, upload, now } => {
                self.in_vault(&vault, |vault| vault.use_upload(&upload, now));
            }
            Change::CompleteVaultUpload { vault, upload, archive, content, tree, now } => {
                self.in_vault(&vault, |vault| vault.complete_upload(&upload, archive, content, tree, now));
            }
            Change::DeleteVaultUpload { vault, upload } => {
                self.in_vault(&vault, |vault| vault.delete_upload(&upload));
            }
            Change::DeleteChunk { vault, upload, index } => {
                self.in_vault(&vault, |vault| vault.delete_chunk(&upload, index));
            }
            Change::CreateJob { vault, id, job } => {
                self.due = self.due.into_iter().chain(job.due_by_time()).min();
                self.unsettled.insert((vault.clone(), id.clone()));
                self.in_vault(&vault, |vault| vault.create_job(id, job));
            }
            Change::DeleteJob { vault, id } => {
                self.in_vault(&vault, |vault| vault.delete_job(&id));
            }
            Change::DescribeJob { vault, id, now } => {
                self.due = Some(self.due.map_or(now, |due| due.min(now)));
                self.in_vault(&vault, |vault| vault.describe_job(&id, now));
            }
            Change::SettleJob { vault, id, ending } => {
                self.in_vault(&vault, |vault| vault.settle_job(&id, ending));
                self.unsettled.remove(&(vault, id));
            }
            Change::SetVaultPolicy { vault, policy } => {
                self.in_vault(&vault, |vault| vault.set_policy(policy));
            }
            Change::SetVaultNotifications { vault, notifications } => {
                self.in_vault(&vault, |vault| vault.set_notifications(notifications));
            }
        }
    }

    fn in_bucket(&mut self, name: &str, change: impl FnOnce(&mut Bucket)) {
        if let Some(bucket) = self.buckets.get_mut(name) {
            change(bucket);
        }
    }

    fn in_vault(&mut self, name: &str, change: impl FnOnce(&mut Vault)) {
        if let Some(vault) = self.vaults.get_mut(name) {
            change(vault);
        }
    }
}
