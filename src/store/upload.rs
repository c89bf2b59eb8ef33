//! An unfinished multipart upload of COS: its parts, and what they become.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::object::{Etag, Metadata};
use crate::clock::Timestamp;
use crate::content::Content;
use crate::digest::{Crc64, Md5, md5};

/// The smallest part that is not the last: 1 MiB.
pub const MIN_PART_SIZE_BYTES: u64 = 1 << 20;
/// The largest part, and the largest object in one piece or by appending: 5 GiB.
pub const MAX_PART_SIZE_BYTES: u64 = 5 << 30;
/// The largest number of parts.
pub const MAX_PARTS: u16 = 10_000;

/// An unfinished multipart upload.
#[derive(Debug)]
pub struct Upload {
    /// When it was initiated.
    pub initiated: Timestamp,
    /// What the object will have beside its bytes.
    pub metadata: Metadata,
    pub(super) parts: BTreeMap<PartNumber, Part>,
}

/// A part of an upload.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its bytes.
    pub content: Content,
    /// Their MD5.
    pub md5: Md5,
    /// The part's ETag.
    pub etag: Etag,
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

/// What the parts of an upload become.
#[derive(Debug)]
pub struct Assembled {
    /// Their bytes in order; no byte was copied.
    pub content: Content,
    /// The CRC of the whole, combined from those of the parts.
    pub crc64: Crc64,
    /// The ETag: 32 hexadecimal digits and the number of parts.
    pub etag: Etag,
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
            if part.etag.to_string() != etag.to_ascii_lowercase() {
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
            etag: Etag::Parts(md5(&digits), parts.len() as u16),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::digest::{Hasher, Wanted};

    pub(in crate::store) fn part(bytes: Vec<u8>) -> Part {
        let digests = Hasher::of(&bytes, Wanted { md5_and_crc64: true, ..Wanted::default() });
        Part {
            content: bytes.into(),
            md5: digests.md5.unwrap(),
            etag: Etag::Md5(digests.md5.unwrap()),
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
        let Etag::Parts(digits, 2) = assembled.etag else { panic!("{}", assembled.etag) };
        assert_ne!(digits, whole.md5);
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
}
