//! A bucket of COS: its objects with their versions, its unfinished multipart uploads, and how it is configured.
//!
//! `objects` has what is read and listed without a version: one object for each key. `history` has all versions of
//! those keys of which there were ever several, so a bucket that was never versioned has none.
//!
//! Source: `cos.md` 7 (versions), 5.2 (configurations).

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::acl::Acl;
use super::listing::{self, Page, PageQuery, VersionPage, VersionQuery};
use super::object::{AppendError, Growing, Metadata, Object, ObjectKind, Version, VersionId};
use super::upload::{Part, PartNumber, Upload};
use crate::clock::Timestamp;
use crate::content::Content;
use crate::digest::{Crc64, GrowingMd5};
use crate::document::Node;

/// A bucket.
#[derive(Debug)]
pub struct Bucket {
    region: String,
    created: Timestamp,
    objects: BTreeMap<String, Arc<Object>>,
    /// All versions of a key, the newest first. No list is empty, and none has only the version `null` of an object.
    history: BTreeMap<String, Vec<Version>>,
    /// By key, then by upload id, which is the order of listings. No inner map is empty.
    uploads: BTreeMap<String, BTreeMap<String, Upload>>,
    versioning: Versioning,
    acl: Acl,
    /// By kind, then by id, which is empty for those that there is one of.
    configurations: BTreeMap<(ConfigurationKind, String), Arc<Configuration>>,
}

/// Whether older versions of objects are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    /// They never were.
    Never,
    /// They are.
    Enabled,
    /// They are not any more.
    Suspended,
}

/// What of a bucket can be configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the sub-resource of that name")]
pub enum ConfigurationKind {
    Accelerate,
    Cors,
    Domain,
    DomainCertificate,
    Encryption,
    IntelligentTiering,
    IntelligentTieringRule,
    Inventory,
    Lifecycle,
    Logging,
    ObjectLock,
    Origin,
    Policy,
    Referer,
    Replication,
    StrictSignature,
    Tagging,
    Website,
}

/// One configuration, as it was put.
#[derive(Debug, Clone, PartialEq)]
pub enum Configuration {
    /// A document of XML.
    Xml(Node),
    /// A document of JSON: what it says, and the text that is given back.
    Json(serde_json::Value, String),
}

impl Configuration {
    /// The document, if it is one of XML.
    pub fn xml(&self) -> Option<&Node> {
        match self {
            Configuration::Xml(node) => Some(node),
            Configuration::Json(..) => None,
        }
    }

    /// What the document says and its text, if it is one of JSON.
    pub fn json(&self) -> Option<(&serde_json::Value, &str)> {
        match self {
            Configuration::Xml(_) => None,
            Configuration::Json(value, text) => Some((value, text)),
        }
    }
}

/// What there is of a key: the newest version, or one that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// Its id.
    pub id: VersionId,
    /// When it was made.
    pub modified: Timestamp,
    /// The object; `None` is a delete marker.
    pub object: Option<&'a Arc<Object>>,
}

impl Bucket {
    pub(super) fn new(region: String, created: Timestamp) -> Self {
        Bucket {
            region,
            created,
            objects: BTreeMap::new(),
            history: BTreeMap::new(),
            uploads: BTreeMap::new(),
            versioning: Versioning::Never,
            acl: Acl::PRIVATE,
            configurations: BTreeMap::new(),
        }
    }

    /// The region it was made in.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// When it was made.
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// Whether it can be deleted: no objects, versions, delete markers or unfinished uploads.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.history.is_empty() && self.uploads.is_empty()
    }

    /// Whether older versions are kept.
    pub fn versioning(&self) -> Versioning {
        self.versioning
    }

    /// Who may do what.
    pub fn acl(&self) -> &Acl {
        &self.acl
    }

    /// Whether it is configured in any way.
    pub fn is_configured(&self) -> bool {
        !self.configurations.is_empty()
    }

    /// A configuration that there is one of.
    pub fn configuration(&self, kind: ConfigurationKind) -> Option<&Arc<Configuration>> {
        self.configuration_of(kind, "")
    }

    /// The configuration of that id.
    pub fn configuration_of(&self, kind: ConfigurationKind, id: &str) -> Option<&Arc<Configuration>> {
        // Most buckets have none, and then no key has to be made.
        if self.configurations.is_empty() {
            return None;
        }
        self.configurations.get(&(kind, id.to_owned()))
    }

    /// The configurations of a kind, by id.
    pub fn configurations(
        &self,
        kind: ConfigurationKind,
    ) -> impl Iterator<Item = (&str, &Arc<Configuration>)> {
        let all = self.configurations.iter();
        all.filter(move |((of, _), _)| *of == kind)
            .map(|((_, id), configuration)| (id.as_str(), configuration))
    }

    /// The object of that key: that of the newest version.
    pub fn object(&self, key: &str) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// The newest version of that key.
    pub fn newest(&self, key: &str) -> Option<Found<'_>> {
        match self.history.get(key).and_then(|versions| versions.first()) {
            Some(version) => Some(version.found()),
            None => self.objects.get(key).map(|object| Found {
                id: VersionId::Null,
                modified: object.modified,
                object: Some(object),
            }),
        }
    }

    /// The version of that key and id.
    pub fn version(&self, key: &str, id: VersionId) -> Option<Found<'_>> {
        match self.history.get(key) {
            Some(versions) => versions.iter().find(|version| version.id == id).map(Version::found),
            None if id == VersionId::Null => self.newest(key),
            None => None,
        }
    }

    /// All versions of all keys: by key, the newest of each first.
    pub fn versions(&self) -> impl Iterator<Item = (&str, Found<'_>)> {
        let (mut objects, mut history) = (self.objects.iter().peekable(), self.history.iter().peekable());
        let of_keys = std::iter::from_fn(move || {
            // A key that has a history may have an object too: the history counts.
            match (objects.peek(), history.peek()) {
                (Some((key, _)), Some((with_history, _))) if key < with_history => {}
                (_, Some((with_history, _))) => {
                    let with_history = *with_history;
                    objects.next_if(|(key, _)| *key == with_history);
                    return history.next().map(|(key, versions)| (key.as_str(), Versions::Many(versions)));
                }
                (_, None) => {}
            }
            objects.next().map(|(key, object)| (key.as_str(), Versions::One(object)))
        });
        of_keys.flat_map(|(key, versions)| versions.found().map(move |found| (key, found)))
    }

    /// What the next bytes of that key are appended to at `position`.
    ///
    /// # Errors
    /// `NotAppendable` whatever the position, then `WrongPosition`.
    ///
    /// Source: COS API, "APPEND Object" (`cos.md` 5.3.6).
    pub fn growing(&self, key: &str, position: u64) -> Result<Growing, AppendError> {
        let growing = match self.object(key).map(|object| (object, &object.kind)) {
            None => Growing {
                content: Content::default(),
                crc64: Crc64::EMPTY,
                md5: GrowingMd5::default(),
                metadata: None,
            },
            Some((_, ObjectKind::Normal | ObjectKind::Symlink(_))) => return Err(AppendError::NotAppendable),
            Some((object, ObjectKind::Appendable(md5))) => Growing {
                content: object.content.clone(),
                crc64: object.crc64,
                md5: (**md5).clone(),
                metadata: Some(object.metadata.clone()),
            },
        };
        if position == growing.len() {
            Ok(growing)
        } else {
            Err(AppendError::WrongPosition { length: growing.len() })
        }
    }

    /// The unfinished upload of that id, if it belongs to that key.
    pub fn upload(&self, key: &str, id: &str) -> Option<&Upload> {
        self.uploads.get(key)?.get(id)
    }

    /// A page of the objects in the order of their keys.
    pub fn list_objects(&self, query: &PageQuery<'_>) -> Page<'_, Arc<Object>> {
        listing::page(query, |from| {
            self.objects.range::<str, _>((from, Bound::Unbounded)).map(|(key, object)| (key.as_str(), object))
        })
    }

    /// A page of the versions, by key, the newest of each first.
    pub fn list_versions(&self, query: &VersionQuery<'_>) -> VersionPage<'_> {
        listing::version_page(query, |from| {
            // Whatever key comes next in one of the two.
            let range = (from, Bound::Unbounded);
            let object = self.objects.range::<str, _>(range).next();
            let versions = self.history.range::<str, _>(range).next();
            match (object, versions) {
                (Some((key, object)), versions) if versions.is_none_or(|(other, _)| key < other) => {
                    Some((key.as_str(), Versions::One(object)))
                }
                (_, Some((key, versions))) => Some((key.as_str(), Versions::Many(versions))),
                (_, None) => None,
            }
        })
    }

    /// How many unfinished uploads there are.
    pub fn open_uploads(&self) -> usize {
        self.uploads.values().map(BTreeMap::len).sum()
    }

    /// The unfinished uploads of keys after `key`; with an upload id also those of `key` itself with a later id. By
    /// key, then by id.
    pub fn uploads_after<'a>(
        &'a self,
        key: &str,
        upload: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a Upload)> {
        let of_the_key = upload.and_then(|upload| {
            let (key, uploads) = self.uploads.get_key_value(key)?;
            let later = uploads.range::<str, _>((Bound::Excluded(upload), Bound::Unbounded));
            Some(later.map(move |(id, upload)| (key.as_str(), id.as_str(), upload)))
        });
        let from = if key.is_empty() { Bound::Unbounded } else { Bound::Excluded(key) };
        let of_later_keys =
            self.uploads.range::<str, _>((from, Bound::Unbounded)).flat_map(|(key, uploads)| {
                uploads.iter().map(move |(id, upload)| (key.as_str(), id.as_str(), upload))
            });
        of_the_key.into_iter().flatten().chain(of_later_keys)
    }

    pub(super) fn set_versioning(&mut self, versioning: Versioning) {
        self.versioning = versioning;
    }

    pub(super) fn set_acl(&mut self, acl: Acl) {
        self.acl = acl;
    }

    pub(super) fn configure(&mut self, kind: ConfigurationKind, id: String, to: Option<Configuration>) {
        match to {
            Some(configuration) => {
                self.configurations.insert((kind, id), Arc::new(configuration));
            }
            None => {
                self.configurations.remove(&(kind, id));
            }
        }
    }

    /// Puts an object as the newest version. One of the same id is replaced; without versioning there is only `null`.
    pub(super) fn put_object(&mut self, key: String, id: VersionId, object: Arc<Object>) {
        let version = Version { id, modified: object.modified, object: Some(object.clone()) };
        if id != VersionId::Null || self.history.contains_key(&key) {
            self.add_version(&key, version);
        }
        self.objects.insert(key, object);
    }

    /// Puts a delete marker as the newest version.
    pub(super) fn put_marker(&mut self, key: &str, id: VersionId, now: Timestamp) {
        self.add_version(key, Version { id, modified: now, object: None });
        self.objects.remove(key);
    }

    fn add_version(&mut self, key: &str, version: Version) {
        let before = self.objects.get(key);
        let versions = self.history.entry(key.to_owned()).or_insert_with(|| {
            // What was there before there were versions has the id `null`.
            before.map(Version::first).into_iter().collect()
        });
        versions.retain(|other| other.id != version.id);
        versions.insert(0, version);
    }

    /// Puts another object in the place of that of a version: its bytes are the same, what stands beside them is not.
    pub(super) fn replace_object(&mut self, key: &str, id: VersionId, object: Arc<Object>) {
        if let Some(versions) = self.history.get_mut(key) {
            if let Some(version) = versions.iter_mut().find(|version| version.id == id) {
                version.object = Some(object);
            }
            self.show_newest(key);
        } else if let Some(present) = self.objects.get_mut(key) {
            *present = object;
        }
    }

    /// Removes a version for good.
    pub(super) fn delete_version(&mut self, key: &str, id: VersionId) {
        match self.history.get_mut(key) {
            Some(versions) => {
                versions.retain(|version| version.id != id);
                self.show_newest(key);
            }
            None if id == VersionId::Null => {
                self.objects.remove(key);
            }
            None => {}
        }
    }

    /// Removes a key with all of its versions.
    pub(super) fn delete_key(&mut self, key: &str) {
        self.objects.remove(key);
        self.history.remove(key);
    }

    /// Sees to it that what is read without a version is the newest one.
    fn show_newest(&mut self, key: &str) {
        let Some(versions) = self.history.get(key) else { return };
        match versions.first().map(|version| version.object.clone()) {
            Some(Some(object)) => self.objects.insert(key.to_owned(), object),
            Some(None) | None => self.objects.remove(key),
        };
        if let [] | [Version { id: VersionId::Null, object: Some(_), .. }] = versions[..] {
            self.history.remove(key);
        }
    }

    /// Shows another object, or none, in the place of the present one. Returns what was shown.
    pub(super) fn show(&mut self, key: &str, object: Option<Arc<Object>>) -> Option<Arc<Object>> {
        match object {
            Some(object) => self.objects.insert(key.to_owned(), object),
            None => self.objects.remove(key),
        }
    }

    pub(super) fn create_upload(
        &mut self,
        key: String,
        id: String,
        metadata: Metadata,
        initiated: Timestamp,
    ) {
        let upload = Upload { initiated, metadata, parts: BTreeMap::new() };
        self.uploads.entry(key).or_default().insert(id, upload);
    }

    pub(super) fn put_part(&mut self, key: &str, id: &str, number: PartNumber, part: Part) {
        if let Some(upload) = self.upload_mut(key, id) {
            upload.parts.insert(number, part);
        }
    }

    pub(super) fn delete_part(&mut self, key: &str, id: &str, number: PartNumber) {
        if let Some(upload) = self.upload_mut(key, id) {
            upload.parts.remove(&number);
        }
    }

    pub(super) fn delete_upload(&mut self, key: &str, id: &str) {
        if let Some(uploads) = self.uploads.get_mut(key) {
            uploads.remove(id);
            if uploads.is_empty() {
                self.uploads.remove(key);
            }
        }
    }

    fn upload_mut(&mut self, key: &str, id: &str) -> Option<&mut Upload> {
        self.uploads.get_mut(key)?.get_mut(id)
    }
}

impl Version {
    /// What was there before there were versions.
    fn first(object: &Arc<Object>) -> Version {
        Version { id: VersionId::Null, modified: object.modified, object: Some(object.clone()) }
    }

    fn found(&self) -> Found<'_> {
        Found { id: self.id, modified: self.modified, object: self.object.as_ref() }
    }
}

/// The versions of one key: at least one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Versions<'a> {
    One(&'a Arc<Object>),
    Many(&'a [Version]),
}

impl<'a> Versions<'a> {
    /// The newest first.
    pub(super) fn found(self) -> impl Iterator<Item = Found<'a>> {
        let (one, many) = match self {
            Versions::One(object) => (
                Some(Found { id: VersionId::Null, modified: object.modified, object: Some(object) }),
                &[][..],
            ),
            Versions::Many(versions) => (None, versions),
        };
        one.into_iter().chain(many.iter().map(Version::found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Grown;
    use crate::store::Etag;
    use crate::store::upload::tests::part;

    const NOW: Timestamp = Timestamp::from_unix_seconds(0);

    fn object(text: &str) -> Arc<Object> {
        let Part { content, etag, crc64, modified, .. } = part(text.as_bytes().to_vec());
        let (metadata, kind) = (Metadata::default(), ObjectKind::Normal);
        Arc::new(Object { content, etag, crc64, modified, metadata, kind })
    }

    /// All versions of a bucket: `key:number=text`, with `-` for a marker.
    fn told(bucket: &Bucket) -> String {
        let all = bucket.versions().map(|(key, found)| {
            let id = match found.id {
                VersionId::Null => "null".to_owned(),
                VersionId::Numbered(number) => number.to_string(),
            };
            let text =
                found.object.map(|object| String::from_utf8_lossy(&object.content.to_bytes()).into_owned());
            format!("{key}:{id}={}", text.as_deref().unwrap_or("-"))
        });
        all.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn versions_of_a_key_are_kept_the_newest_first() {
        let mut bucket = Bucket::new("r".to_owned(), NOW);
        bucket.put_object("a".to_owned(), VersionId::Null, object("old"));
        bucket.put_object("b".to_owned(), VersionId::Null, object("b"));
        bucket.put_object("a".to_owned(), VersionId::Numbered(9), object("new"));
        bucket.put_marker("a", VersionId::Numbered(8), NOW);
        assert_eq!(told(&bucket), "a:8=- a:9=new a:null=old b:null=b");
        assert!(bucket.object("a").is_none() && bucket.newest("a").unwrap().object.is_none());
        bucket.delete_version("a", VersionId::Numbered(8));
        assert_eq!(*bucket.object("a").unwrap().content.to_bytes(), *b"new");
        bucket.put_object("a".to_owned(), VersionId::Null, object("null again"));
        assert_eq!(told(&bucket), "a:null=null again a:9=new b:null=b");
        bucket.delete_version("a", VersionId::Numbered(9));
        assert_eq!(told(&bucket), "a:null=null again b:null=b");
        assert!(bucket.history.is_empty(), "what has one version has no history");
        bucket.delete_version("a", VersionId::Null);
        bucket.delete_key("b");
        assert!(bucket.is_empty());
    }

    #[test]
    fn a_key_with_markers_alone_is_not_empty() {
        let mut bucket = Bucket::new("r".to_owned(), NOW);
        bucket.put_marker("a", VersionId::Null, NOW);
        assert_eq!(told(&bucket), "a:null=-");
        assert!(!bucket.is_empty() && bucket.object("a").is_none());
        bucket.delete_version("a", VersionId::Null);
        assert!(bucket.is_empty());
    }

    #[test]
    fn what_stands_beside_the_bytes_is_replaced_in_its_version_alone() {
        let mut bucket = Bucket::new("r".to_owned(), NOW);
        for (id, text) in [(9, "old"), (8, "new")] {
            bucket.put_object("a".to_owned(), VersionId::Numbered(id), object(text));
        }
        let mut changed = Object::clone(&object("old"));
        changed.metadata.details_mut().storage_class = Some("COLD");
        bucket.replace_object("a", VersionId::Numbered(9), Arc::new(changed));
        let class = |id| {
            bucket.version("a", VersionId::Numbered(id)).unwrap().object.unwrap().metadata.storage_class()
        };
        assert_eq!((class(9), class(8)), ("COLD", "STANDARD"));
        assert_eq!(bucket.object("a").unwrap().metadata.storage_class(), "STANDARD");
    }

    #[test]
    fn an_object_grows_by_appending_without_a_copy() {
        let now = Timestamp::from_unix_seconds(0);
        let mut bucket = Bucket::new("r".to_owned(), now);
        let mut class = Metadata::default();
        class.details_mut().storage_class = Some("COLD");
        let mut whole = Vec::new();
        for next in [&b"abc"[..], b"", b"defg"] {
            let growing = bucket.growing("k", whole.len() as u64).unwrap();
            assert_eq!(growing.metadata.is_none(), whole.is_empty());
            let metadata = growing.metadata.clone().unwrap_or_else(|| class.clone());
            let digests = part(next.to_vec());
            let object = growing.append(&digests.content, digests.crc64, None, metadata, now);
            whole.extend_from_slice(next);
            let expected = part(whole.clone());
            assert_eq!(object.content.to_bytes(), whole);
            assert_eq!((object.etag, object.crc64), (Etag::Md5(expected.md5), expected.crc64));
            assert_eq!(object.metadata, class);
            bucket.put_object("k".to_owned(), VersionId::Null, Arc::new(object));
        }
        let wrong = |position| bucket.growing("k", position).unwrap_err();
        assert_eq!([0, 8].map(wrong), [AppendError::WrongPosition { length: 7 }; 2]);
        assert_eq!(bucket.growing("other", 1).unwrap_err(), AppendError::WrongPosition { length: 0 });
    }

    #[test]
    fn what_was_hashed_beforehand_counts_unless_the_object_is_another_one_by_now() {
        let now = Timestamp::from_unix_seconds(0);
        let bucket = Bucket::new("r".to_owned(), now);
        let next = part(b"abc".to_vec());
        let appended = |grown: Option<&Grown>| {
            let growing = bucket.growing("k", 0).unwrap();
            growing.append(&next.content, next.crc64, grown, Metadata::default(), now).etag
        };
        let grown_behind = |bytes: &[u8]| {
            let mut md5 = GrowingMd5::default();
            md5.update(bytes);
            let mut grown = Grown::new(md5);
            // Other bytes than those of the body, so that it shows whether this was taken.
            grown.update(b"taken");
            grown
        };
        assert_eq!(appended(Some(&grown_behind(b""))), Etag::Md5(part(b"taken".to_vec()).md5));
        assert_eq!(appended(Some(&grown_behind(b"x"))), Etag::Md5(next.md5));
    }

    #[test]
    fn nothing_is_appended_to_an_object_in_one_piece() {
        let now = Timestamp::from_unix_seconds(0);
        let mut bucket = Bucket::new("r".to_owned(), now);
        let (piece, metadata) = (part(b"abc".to_vec()), Metadata::default());
        let grown = bucket.growing("k", 0).unwrap().append(&piece.content, piece.crc64, None, metadata, now);
        let object = Object { kind: ObjectKind::Normal, ..grown };
        bucket.put_object("k".to_owned(), VersionId::Null, Arc::new(object));
        for position in [0, 3] {
            assert_eq!(bucket.growing("k", position).unwrap_err(), AppendError::NotAppendable);
        }
    }

    #[test]
    fn uploads_are_paged_by_key_and_id() {
        let mut bucket = Bucket::new("r".to_owned(), Timestamp::from_unix_seconds(0));
        for (key, id) in [("b", "1"), ("a", "2"), ("a", "1"), ("c", "1")] {
            let start = Timestamp::from_unix_seconds(0);
            bucket.create_upload(key.to_owned(), id.to_owned(), Metadata::default(), start);
        }
        let after = |key, upload| {
            bucket
                .uploads_after(key, upload)
                .map(|(key, id, _)| format!("{key}{id}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(after("", None), "a1 a2 b1 c1");
        assert_eq!(after("a", None), "b1 c1");
        assert_eq!(after("a", Some("1")), "a2 b1 c1");
        assert_eq!(after("bb", None), "c1");
    }
}
