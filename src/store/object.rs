//! An object of COS, and what is stored beside its bytes.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;

use super::acl::Acl;
use crate::clock::Timestamp;
use crate::content::Content;
use crate::digest::{Crc64, GrowingMd5, Grown, Md5, Sha1};

/// An object.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its bytes.
    pub content: Content,
    /// Its ETag.
    pub etag: Etag,
    /// The CRC of its bytes.
    pub crc64: Crc64,
    /// When it was written.
    pub modified: Timestamp,
    /// What was stored beside the bytes.
    pub metadata: Metadata,
    /// How it was made.
    pub kind: ObjectKind,
}

/// What an ETag is made of. Written without quotes.
///
/// Source: `cos.md` 2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Etag {
    /// The MD5 of the bytes, or as many digits of something else.
    Md5(Md5),
    /// The SHA-1 of the bytes: the form of 2017.
    Sha1(Sha1),
    /// Of an object from so many parts.
    Parts(Md5, u16),
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Etag::Md5(digest) => digest.fmt(f),
            Etag::Sha1(digest) => digest.fmt(f),
            Etag::Parts(digest, parts) => write!(f, "{digest}-{parts}"),
        }
    }
}

/// How an object was made, which decides whether it can grow.
#[derive(Debug, Clone)]
pub enum ObjectKind {
    /// In one piece or from parts: it stays as it is until it is replaced.
    Normal,
    /// By appending, which can go on: the MD5 of its bytes so far.
    Appendable(Box<GrowingMd5>),
    /// As a link to another key of the bucket.
    Symlink(Box<str>),
}

/// Header lines: the name as the service spells it, and the bytes of the value.
pub type HeaderLines = Box<[(Cow<'static, str>, Bytes)]>;

/// What is stored beside the bytes of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// What GET and HEAD give back.
    pub headers: HeaderLines,
    /// What most objects do not have.
    pub details: Option<Box<Details>>,
}

/// What most objects do not have: apart, so that the others stay small.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// The storage class; `None` is `STANDARD`.
    pub storage_class: Option<&'static str>,
    /// The access control list; `None` is that of the bucket.
    pub acl: Option<Acl>,
    /// The tags, in the order given.
    pub tags: Vec<(String, String)>,
    /// How it is said to be encrypted.
    pub encryption: Option<Encryption>,
    /// Until when it can be neither changed nor deleted.
    pub retained_until: Option<Timestamp>,
    /// The copy that was asked for of an archived object.
    pub restoration: Option<Restoration>,
}

/// How an object is said to be encrypted. Its bytes are as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// By a key of the service (SSE-COS).
    Service,
    /// By a key of the key management service (SSE-KMS).
    Kms {
        /// Its id, where one was named.
        key_id: Option<String>,
    },
    /// By a key of the client (SSE-C): the MD5 of the key, in base64.
    Customer {
        /// The MD5 of the key.
        key_md5: String,
    },
}

/// A copy of an archived object, for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restoration {
    /// How fast it was to be: `Expedited`, `Standard` or `Bulk`.
    pub tier: &'static str,
    /// When it was asked for.
    pub asked: Timestamp,
    /// When it is there.
    pub ready: Timestamp,
    /// When it is gone again.
    pub expires: Timestamp,
}

/// How far a restoration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestorationStatus {
    /// It is not there yet.
    Ongoing,
    /// It can be read.
    Ready,
    /// It is gone.
    Expired,
}

impl Restoration {
    /// How far it is.
    pub fn status(&self, now: Timestamp) -> RestorationStatus {
        if now < self.ready {
            RestorationStatus::Ongoing
        } else if now < self.expires {
            RestorationStatus::Ready
        } else {
            RestorationStatus::Expired
        }
    }
}

impl Metadata {
    /// The details, to be written: makes room for them.
    pub fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    /// The storage class.
    pub fn storage_class(&self) -> &'static str {
        self.details.as_ref().and_then(|details| details.storage_class).unwrap_or("STANDARD")
    }

    /// The access control list, if it has one of its own.
    pub fn acl(&self) -> Option<&Acl> {
        self.details.as_ref()?.acl.as_ref()
    }

    /// The tags.
    pub fn tags(&self) -> &[(String, String)] {
        self.details.as_ref().map_or(&[], |details| &details.tags)
    }

    /// How it is said to be encrypted.
    pub fn encryption(&self) -> Option<&Encryption> {
        self.details.as_ref()?.encryption.as_ref()
    }

    /// Until when it can be neither changed nor deleted.
    pub fn retained_until(&self) -> Option<Timestamp> {
        self.details.as_ref()?.retained_until
    }

    /// The copy that was asked for of an archived object.
    pub fn restoration(&self) -> Option<Restoration> {
        self.details.as_ref()?.restoration
    }
}

impl Object {
    /// Whether its bytes can be read: not when it is archived and there is no copy.
    pub fn is_readable(&self, now: Timestamp) -> bool {
        !is_archive(self.metadata.storage_class())
            || self.metadata.restoration().is_some_and(|copy| copy.status(now) == RestorationStatus::Ready)
    }

    /// Whether it can be neither changed nor deleted.
    pub fn is_retained(&self, now: Timestamp) -> bool {
        self.metadata.retained_until().is_some_and(|until| now < until)
    }
}

/// Whether objects of that class have to be restored before they can be read.
pub fn is_archive(storage_class: &str) -> bool {
    storage_class.ends_with("ARCHIVE")
}

/// The version of an object that there is without versioning has no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VersionId {
    /// `null`.
    Null,
    /// 2^64 - 1 less the time in microseconds since 1970; written in decimal, and that in base64.
    Numbered(u64),
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VersionId::Null => f.write_str("null"),
            VersionId::Numbered(number) => f.write_str(&STANDARD_NO_PAD.encode(number.to_string())),
        }
    }
}

/// The text is no version id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no version id")]
pub struct InvalidVersionId;

impl FromStr for VersionId {
    type Err = InvalidVersionId;

    fn from_str(text: &str) -> Result<Self, InvalidVersionId> {
        if text == "null" {
            return Ok(VersionId::Null);
        }
        let digits = STANDARD_NO_PAD.decode(text).map_err(|_| InvalidVersionId)?;
        let number = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
        let id = VersionId::Numbered(number.ok_or(InvalidVersionId)?);
        // Only the text that it is written as.
        if id.to_string() == text { Ok(id) } else { Err(InvalidVersionId) }
    }
}

/// One version of an object.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its id.
    pub id: VersionId,
    /// When it was made.
    pub modified: Timestamp,
    /// The object; `None` is a delete marker.
    pub object: Option<Arc<Object>>,
}

/// What bytes are appended to: an object as it stands, or nothing.
#[derive(Debug)]
pub struct Growing {
    pub(super) content: Content,
    pub(super) crc64: Crc64,
    /// The MD5 of the bytes that there are.
    pub md5: GrowingMd5,
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

impl Growing {
    /// The object with the next bytes behind those that there are; none is copied. `crc64` is that of the next bytes;
    /// `metadata` is what the object has beside its bytes; `grown` spares hashing them here, unless the object was another one then.
    ///
    /// The ETag is the MD5 of the whole. How the service makes it is not known.
    pub fn append(
        self,
        next: &Content,
        crc64: Crc64,
        grown: Option<&Grown>,
        metadata: Metadata,
        now: Timestamp,
    ) -> Object {
        let md5 = grown.and_then(|grown| grown.behind(&self.md5)).unwrap_or_else(|| {
            let mut md5 = self.md5;
            next.pieces().for_each(|piece| md5.update(&piece));
            md5
        });
        Object {
            content: Content::concat([&self.content, next]),
            etag: Etag::Md5(md5.value()),
            crc64: self.crc64.followed_by(crc64, next.len()),
            modified: now,
            metadata,
            kind: ObjectKind::Appendable(Box::new(md5)),
        }
    }

    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        self.content.len()
    }
}

/// How long a restoration takes: the shortest time that the documentation names.
///
/// Source: `cos.md` 5.3.10.
pub fn restoration_time(storage_class: &str, tier: &str) -> Duration {
    let minutes = match (storage_class.contains("DEEP"), tier) {
        (true, "Bulk") => 24 * 60,
        (true, _) => 12 * 60,
        (false, "Expedited") => 1,
        (false, "Bulk") => 5 * 60,
        (false, _) => 3 * 60,
    };
    Duration::from_secs(minutes * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_ids_have_the_form_of_the_service() {
        // The sample of the PUT Object page.
        let id: VersionId = "MTg0NDUxNTc1NjIzMTQ1MDAwODg".parse().unwrap();
        assert_eq!(id, VersionId::Numbered(18_445_157_562_314_500_088));
        assert_eq!(id.to_string(), "MTg0NDUxNTc1NjIzMTQ1MDAwODg");
        assert_eq!("null".parse(), Ok(VersionId::Null));
        for text in ["", "NULL", "MTg0NDUxNTc1NjIzMTQ1MDAwODg=", "MDE", "x", "KzE"] {
            assert_eq!(text.parse::<VersionId>(), Err(InvalidVersionId), "{text}");
        }
    }

    #[test]
    fn an_object_of_nothing_is_small() {
        assert!(size_of::<Object>() <= 96, "{}", size_of::<Object>());
    }
}
