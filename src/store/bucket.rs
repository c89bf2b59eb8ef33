//! A bucket of COS: its objects and its unfinished multipart uploads.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::listing::{self, Page, PageQuery};
use crate::clock::Timestamp;
use crate::content::Content;
use crate::digest::{Crc64, GrowingMd5, Md5, md5};

/// The smallest part that is not the last: 1 MiB.
pub const MIN_PART_SIZE_BYTES: u64 = 1 << 20;
/// The largest part, and the largest object in one piece or by appending: 5 GiB.
pub const MAX_PART_SIZE_BYTES: u64 = 5 << 30;
/// The largest number of parts.
pub const MAX_PARTS: u16 = 10_000;

/// A bucket.
#[derive(Debug)]
pub struct Bucket {
    region: String,
    created: Timestamp,
    objects: BTreeMap<String, Arc<Object>>,
    /// By key, then by upload id, which is the order of listings. No inner map is empty.
    uploads: BTreeMap<String, BTreeMap<String, Upload>>,
}

/// An object.
#[derive(Debug)]
pub struct Object {
    /// Its bytes.
    pub content: Content,
    /// Its ETag without the quotes.
    pub etag: String,
    /// The CRC of its bytes.
    pub crc64: Crc64,
    /// When it was written.
    pub modified: Timestamp,
    /// What was stored beside the bytes.
    pub metadata: Metadata,
    /// Whether bytes can be appended.
    pub kind: ObjectKind,
}

/// How an object was made, which decides whether it can grow.
#[derive(Debug, Clone)]
pub enum ObjectKind {
    /// In one piece or from parts: it stays as it is until it is replaced.
    Normal,
    /// By appending, which can go on: the MD5 of its bytes so far.
    Appendable(GrowingMd5),
}

/// What is stored beside the bytes of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Header lines that GET and HEAD give back: the name as the service spells it, and the bytes of the value.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The storage class; `None` is `STANDARD`.
    pub storage_class: Option<String>,
}

/// An unfinished multipart upload.
#[derive(Debug)]
pub struct Upload {
    /// When it was initiated.
    pub initiated: Timestamp,
    /// What the object will have beside its bytes.
    pub metadata: Metadata,
    parts: BTreeMap<PartNumber, Part>,
}

/// A part of an upload.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its bytes.
    pub content: Content,
    /// Their MD5.
    pub md5: Md5,
    /// The part's ETag without the quotes.
    pub etag: String,
    /// Their CRC.
    pub crc64: Crc64,
    /// When it was written.
    pub modified: Timestamp,
}

/// The number of a part, 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(u16);

impl PartNumber {
    /// `None` outside `1..=10_000`.
    pub fn new(number: u32) -> Option<Self> {
        u16::try_from(number).ok().filter(|number| (1..=MAX_PARTS).contains(number)).map(PartNumber)
    }

    /// Reads a number in digits. `None` for any other text, also for one with a sign.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().and_then(PartNumber::new)
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// What bytes are appended to: an object as it stands, or nothing.
#[derive(Debug)]
pub struct Growing {
    content: Content,
    crc64: Crc64,
    md5: GrowingMd5,
    /// What the object has beside its bytes; `None` when there is no object yet.
    pub metadata: Option<Metadata>,
}

/// Why bytes cannot be appended to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The object was made in one piece or from parts.
    #[error("the object was not made by appending")]
    NotAppendable,
    /// The position is not the present length of the object, which is 0 when there is none.
    #[error("the object has {length} bytes")]
    WrongPosition {
        /// The present length in bytes.
        length: u64,
    },
}

/// What the parts of an upload become.
#[derive(Debug)]
pub struct Assembled {
    /// Their bytes in order; no byte was copied.
    pub content: Content,
    /// The CRC of the whole, combined from those of the parts.
    pub crc64: Crc64,
    /// The ETag: 32 hexadecimal digits and the number of parts.
    pub etag: String,
}

/// Why an upload cannot be completed from a list of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssemblyError {
    /// The numbers do not ascend.
    #[error("part {number} is listed after a higher or equal number", number = .0.get())]
    OutOfOrder(PartNumber),
    /// The numbers leave out one, or do not start with 1.
    #[error("part {number} is not in the list, but a later one is", number = .0.get())]
    Gap(PartNumber),
    /// The part was never uploaded.
    #[error("part {number} was not uploaded", number = .0.get())]
    Missing(PartNumber),
    /// The listed ETag is not that of the part.
    #[error("part {number} has another ETag", number = .0.get())]
    WrongEtag(PartNumber),
    /// A part that is not the last is below 1 MiB.
    #[error("part {number} is not the last and smaller than 1 MiB", number = .0.get())]
    TooSmall(PartNumber),
}

impl Upload {
    /// The parts with a number above `marker`.
    pub fn parts_after(&self, marker: u16) -> impl Iterator<Item = (PartNumber, &Part)> {
        self.parts
            .range((Bound::Excluded(PartNumber(marker)), Bound::Unbounded))
            .map(|(number, part)| (*number, part))
    }

    /// The part of that number.
    pub fn part(&self, number: PartNumber) -> Option<&Part> {
        self.parts.get(&number)
    }

    /// Puts the listed parts together; `id` is the upload's own.
    ///
    /// Each is named with its number and its ETag without quotes. Parts that are not listed are left out.
    ///
    /// The digits of the ETag are the MD5 of the upload id and the parts' MD5s. Those of the real service depend on
    /// something of each upload as well, and are not the "MD5 of the MD5s" of S3.
    ///
    /// # Errors
    /// In this order of precedence: numbers that do not ascend, a gap, a part that is missing or has another ETag, a
    /// part below 1 MiB that is not the last.
    ///
    /// Source: COS API, "Complete Multipart Upload" (`cos.md` 6.3; gaps: `cos.md` 10, point 6).
    pub fn assemble(&self, id: &str, listed: &[(PartNumber, String)]) -> Result<Assembled, AssemblyError> {
        for pair in listed.windows(2) {
            if pair[1].0 <= pair[0].0 {
                return Err(AssemblyError::OutOfOrder(pair[1].0));
            }
        }
        let mut parts = Vec::with_capacity(listed.len());
        for (expected, (number, etag)) in (1..).zip(listed) {
            if number.0 != expected {
                return Err(AssemblyError::Gap(PartNumber(expected)));
            }
            let part = self.parts.get(number).ok_or(AssemblyError::Missing(*number))?;
            if part.etag != etag.to_ascii_lowercase() {
                return Err(AssemblyError::WrongEtag(*number));
            }
            parts.push((*number, part));
        }
        if let Some((_, but_the_last)) = parts.split_last() {
            for (number, part) in but_the_last {
                if part.content.len() < MIN_PART_SIZE_BYTES {
                    return Err(AssemblyError::TooSmall(*number));
                }
            }
        }
        let mut digits = id.as_bytes().to_vec();
        parts.iter().for_each(|(_, part)| digits.extend_from_slice(part.md5.bytes()));
        Ok(Assembled {
            content: Content::concat(parts.iter().map(|(_, part)| &part.content)),
            crc64: parts
                .iter()
                .fold(Crc64::EMPTY, |crc64, (_, part)| crc64.followed_by(part.crc64, part.content.len())),
            etag: format!("{}-{}", md5(&digits), parts.len()),
        })
    }
}

impl Growing {
    /// The object with the next bytes behind those that there are; none is copied. `crc64` is that of the next bytes;
    /// `metadata` is what the object has beside its bytes.
    ///
    /// The ETag is the MD5 of the whole. How the service makes it is not known.
    pub fn append(mut self, next: &Content, crc64: Crc64, metadata: Metadata, now: Timestamp) -> Object {
        next.pieces().for_each(|piece| self.md5.update(&piece));
        Object {
            content: Content::concat([&self.content, next]),
            etag: self.md5.value().to_string(),
            crc64: self.crc64.followed_by(crc64, next.len()),
            modified: now,
            metadata,
            kind: ObjectKind::Appendable(self.md5),
        }
    }

    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        self.content.len()
    }
}

impl Bucket {
    pub(super) fn new(region: String, created: Timestamp) -> Self {
        Bucket { region, created, objects: BTreeMap::new(), uploads: BTreeMap::new() }
    }

    /// The region it was made in.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// When it was made.
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// Whether it can be deleted: no objects and no unfinished uploads.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.uploads.is_empty()
    }

    /// The object of that key.
    pub fn object(&self, key: &str) -> Option<&Arc<Object>> {
        self.objects.get(key)
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
            Some((_, ObjectKind::Normal)) => return Err(AppendError::NotAppendable),
            Some((object, ObjectKind::Appendable(md5))) => Growing {
                content: object.content.clone(),
                crc64: object.crc64,
                md5: md5.clone(),
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

    pub(super) fn put_object(&mut self, key: String, object: Arc<Object>) {
        self.objects.insert(key, object);
    }

    pub(super) fn delete_object(&mut self, key: &str) {
        self.objects.remove(key);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Hasher, Wanted};

    fn part(bytes: Vec<u8>) -> Part {
        let digests = Hasher::of(&bytes, Wanted { md5_and_crc64: true, ..Wanted::default() });
        Part {
            content: bytes.into(),
            md5: digests.md5.unwrap(),
            etag: digests.md5.unwrap().to_string(),
            crc64: digests.crc64.unwrap(),
            modified: Timestamp::from_unix_seconds(0),
        }
    }

    fn upload(parts: &[(u32, usize)]) -> Upload {
        let parts = parts
            .iter()
            .map(|&(number, size)| (PartNumber::new(number).unwrap(), part(vec![number as u8; size])))
            .collect();
        Upload { initiated: Timestamp::from_unix_seconds(0), metadata: Metadata::default(), parts }
    }

    fn list(upload: &Upload, numbers: &[u32]) -> Vec<(PartNumber, String)> {
        numbers
            .iter()
            .map(|&number| {
                let number = PartNumber::new(number).unwrap();
                (number, upload.part(number).map(|part| part.md5.to_string()).unwrap_or_default())
            })
            .collect()
    }

    const MIB: usize = 1 << 20;

    fn error(upload: &Upload, numbers: &[u32]) -> AssemblyError {
        upload.assemble("id", &list(upload, numbers)).unwrap_err()
    }

    fn number(number: u32) -> PartNumber {
        PartNumber::new(number).unwrap()
    }

    #[test]
    fn part_numbers_run_from_1_to_10_000() {
        assert_eq!(PartNumber::new(0), None);
        assert_eq!(PartNumber::new(1).map(PartNumber::get), Some(1));
        assert_eq!(PartNumber::new(10_000).map(PartNumber::get), Some(10_000));
        assert_eq!(PartNumber::new(10_001), None);
        assert_eq!(PartNumber::new(65_537), None);
    }

    #[test]
    fn part_numbers_are_written_in_digits() {
        assert_eq!(PartNumber::parse("10000").map(PartNumber::get), Some(10_000));
        assert_eq!(PartNumber::parse("007").map(PartNumber::get), Some(7));
        for text in ["", "0", "10001", "+5", "-5", "5 ", "0x5", "５", "99999999999"] {
            assert_eq!(PartNumber::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn parts_become_their_concatenation_without_a_copy() {
        let upload = upload(&[(2, 5), (1, MIB)]);
        let assembled = upload.assemble("id", &list(&upload, &[1, 2])).unwrap();
        assert_eq!(assembled.content.len(), MIB as u64 + 5);
        let first = upload.part(number(1)).unwrap().content.bytes_at(0).as_ptr();
        assert_eq!(assembled.content.bytes_at(0).as_ptr(), first);
        let whole = part([vec![1; MIB], vec![2; 5]].concat());
        assert_eq!(assembled.crc64, whole.crc64);
        assert!(assembled.etag.ends_with("-2"), "{}", assembled.etag);
        assert_ne!(assembled.etag[..32], whole.md5.to_string());
    }

    #[test]
    fn a_part_that_is_not_listed_is_left_out() {
        let upload = upload(&[(1, 3), (2, 5)]);
        assert_eq!(upload.assemble("id", &list(&upload, &[1])).unwrap().content.len(), 3);
    }

    #[test]
    fn each_error_of_a_list_has_its_name() {
        let upload = upload(&[(1, MIB), (2, 5), (3, MIB)]);
        assert_eq!(error(&upload, &[2, 1]), AssemblyError::OutOfOrder(number(1)));
        assert_eq!(error(&upload, &[1, 1]), AssemblyError::OutOfOrder(number(1)));
        assert_eq!(error(&upload, &[1, 3]), AssemblyError::Gap(number(2)));
        assert_eq!(error(&upload, &[2]), AssemblyError::Gap(number(1)));
        assert_eq!(error(&upload, &[1, 2, 3, 4]), AssemblyError::Missing(number(4)));
        assert_eq!(error(&upload, &[1, 2, 3]), AssemblyError::TooSmall(number(2)));
        let mut wrong = list(&upload, &[1, 2]);
        wrong[0].1 = "0".repeat(32);
        assert_eq!(upload.assemble("id", &wrong).unwrap_err(), AssemblyError::WrongEtag(number(1)));
    }

    #[test]
    fn the_last_part_may_be_of_any_size() {
        for size in [0, 1, MIB - 1] {
            let upload = upload(&[(1, MIB), (2, size)]);
            assert!(upload.assemble("id", &list(&upload, &[1, 2])).is_ok(), "{size}");
        }
    }

    #[test]
    fn an_object_grows_by_appending_without_a_copy() {
        let now = Timestamp::from_unix_seconds(0);
        let mut bucket = Bucket::new("r".to_owned(), now);
        let class = Metadata { storage_class: Some("COLD".to_owned()), ..Metadata::default() };
        let mut whole = Vec::new();
        for next in [&b"abc"[..], b"", b"defg"] {
            let growing = bucket.growing("k", whole.len() as u64).unwrap();
            assert_eq!(growing.metadata.is_none(), whole.is_empty());
            let metadata = growing.metadata.clone().unwrap_or_else(|| class.clone());
            let digests = part(next.to_vec());
            let object = growing.append(&digests.content, digests.crc64, metadata, now);
            whole.extend_from_slice(next);
            let expected = part(whole.clone());
            assert_eq!(object.content.to_bytes(), whole);
            assert_eq!((object.etag.as_str(), object.crc64), (&*expected.md5.to_string(), expected.crc64));
            assert_eq!(object.metadata, class);
            bucket.put_object("k".to_owned(), Arc::new(object));
        }
        let wrong = |position| bucket.growing("k", position).unwrap_err();
        assert_eq!([0, 8].map(wrong), [AppendError::WrongPosition { length: 7 }; 2]);
        assert_eq!(bucket.growing("other", 1).unwrap_err(), AppendError::WrongPosition { length: 0 });
    }

    #[test]
    fn nothing_is_appended_to_an_object_in_one_piece() {
        let now = Timestamp::from_unix_seconds(0);
        let mut bucket = Bucket::new("r".to_owned(), now);
        let (piece, metadata) = (part(b"abc".to_vec()), Metadata::default());
        let grown = bucket.growing("k", 0).unwrap().append(&piece.content, piece.crc64, metadata, now);
        bucket.put_object("k".to_owned(), Arc::new(Object { kind: ObjectKind::Normal, ..grown }));
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
