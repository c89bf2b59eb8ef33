//! What a client says of a body before it sends it, and what becomes of a body that differs.
//!
//! Source: `cos.md` 6.5 (length), 6.6 (digests), 2.4 (ETags).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use bytes::Bytes;

use super::{Call, Error, xml};
use crate::code::CosCode;
use crate::digest::{Digests, Hex, Md5, Sha1, Wanted};
use crate::document::Node;
use crate::message::{BodyPlan, EtagForm, Head, Received};
use crate::store::{Etag, MAX_PART_SIZE_BYTES};

/// The digests that the client sent with a body.
pub(super) struct ClaimedDigests {
    md5: Option<Md5>,
    sha1: Option<Sha1>,
}

impl ClaimedDigests {
    /// Reads `Content-MD5` and `x-cos-content-sha1`.
    ///
    /// # Errors
    /// `InvalidDigest` for an MD5 that is not base64 of 16 bytes, `InvalidSHA1Digest` for a SHA-1 that is not 40
    /// hexadecimal digits.
    pub(super) fn of(head: &Head) -> Result<Self, Error> {
        let md5 = match head.header("content-md5") {
            None => None,
            Some(text) => {
                let bytes = STANDARD.decode(text).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
                Some(Hex::new(bytes.ok_or_else(|| {
                    Error::new(CosCode::InvalidDigest).because("Content-MD5 is not the base64 of 16 bytes")
                })?))
            }
        };
        let sha1 = match head.header("x-cos-content-sha1") {
            None => None,
            Some(text) => Some(text.parse().map_err(|invalid| {
                Error::new(CosCode::InvalidSHA1Digest).because(format_args!("x-cos-content-sha1: {invalid}"))
            })?),
        };
        Ok(ClaimedDigests { md5, sha1 })
    }

    /// Whether there is a `Content-MD5`.
    pub(super) fn has_md5(&self) -> bool {
        self.md5.is_some()
    }

    /// Whether there is an `x-cos-content-sha1`.
    pub(super) fn has_sha1(&self) -> bool {
        self.sha1.is_some()
    }

    /// Compares them with the body that arrived. `wrong_md5` is the code for a wrong MD5.
    pub(super) fn verify(&self, body: &Digests, wrong_md5: CosCode) -> Result<(), Error> {
        if self.md5.is_some() && self.md5 != body.md5 {
            return Err(Error::new(wrong_md5));
        }
        if self.sha1.is_some() && self.sha1 != body.sha1 {
            return Err(Error::new(CosCode::InvalidSHA1Digest));
        }
        Ok(())
    }
}

/// What a body of object bytes needs: digests, and at most 5 GiB.
///
/// # Errors
/// `MissingContentLength`, `EntityTooLarge`, and those of [`ClaimedDigests::of`].
pub(super) fn data_plan(call: &Call<'_>) -> Result<BodyPlan, Error> {
    let head = call.head;
    match head.content_length() {
        None if !head.is_chunked() => return Err(Error::new(CosCode::MissingContentLength)),
        Some(length) if length > MAX_PART_SIZE_BYTES => return Err(Error::new(CosCode::EntityTooLarge)),
        _ => {}
    }
    let wanted = wanted(call, ClaimedDigests::of(head)?.has_sha1());
    Ok(BodyPlan { wanted, limit: MAX_PART_SIZE_BYTES, ..BodyPlan::IGNORED })
}

/// The digests that object bytes need; of SHA-1 also when the client named one.
pub(super) fn wanted(call: &Call<'_>, sha1: bool) -> Wanted {
    let sha1 = sha1 || call.context.account.etag == EtagForm::Sha1;
    Wanted { md5_and_crc64: true, sha1, ..Wanted::default() }
}

/// What an operation that takes a document does with its body.
///
/// # Errors
/// Those of [`ClaimedDigests::of`].
pub(super) fn document_plan(head: &Head) -> Result<BodyPlan, Error> {
    let sha1 = ClaimedDigests::of(head)?.has_sha1();
    let wanted = Wanted { md5_and_crc64: true, sha1, ..Default::default() };
    Ok(BodyPlan { limit: xml::MAX_DOCUMENT_BYTES, wanted, ..BodyPlan::IGNORED })
}

/// The bytes that a request has to carry.
///
/// # Errors
/// `InvalidDigest`, `BadDigest`, `InvalidSHA1Digest`, `MissingRequestBodyError`.
pub(super) fn bytes_of(call: &Call<'_>, body: &Received) -> Result<Bytes, Error> {
    ClaimedDigests::of(call.head)?.verify(&body.digests, CosCode::BadDigest)?;
    if body.content.is_empty() {
        return Err(Error::new(CosCode::MissingRequestBodyError));
    }
    Ok(body.content.to_bytes())
}

/// The document that a request has to carry.
///
/// # Errors
/// Those of [`bytes_of`], `MalformedXML`.
pub(super) fn document_of(call: &Call<'_>, body: &Received) -> Result<Node, Error> {
    xml::parse(&bytes_of(call, body)?).map_err(|error| Error::new(CosCode::MalformedXML).because(error))
}

/// The ETag of bytes in one piece.
///
/// Source: `cos.md` 2.4.
pub(super) fn etag_of(call: &Call<'_>, digests: &Digests) -> Etag {
    match call.context.account.etag {
        EtagForm::Md5 => Etag::Md5(digests.md5.expect("the plan asked for it")),
        EtagForm::Sha1 => Etag::Sha1(digests.sha1.expect("the plan asked for it")),
    }
}

/// An ETag as headers and documents carry it.
pub(super) fn quoted(etag: Etag) -> String {
    format!("\"{etag}\"")
}
