//! Making, looking at and deleting buckets.
//!
//! Source: COS API, "PUT Bucket", "HEAD Bucket", "DELETE Bucket" (`cos.md` 5.1.2 to 5.1.4).

use super::{Call, Error, Handled, changed, unchanged, xml};
use crate::code::CosCode;
use crate::message::{Received, Reply};
use crate::store::Change;

/// The largest number of buckets of an account.
const MAX_BUCKETS: usize = 200;

/// # Errors
/// `BucketAlreadyOwnedByYou`; `TooManyBuckets`; `MalformedXML` for a body that is no configuration.
pub(super) fn put(call: &Call<'_>, body: &Received) -> Handled {
    let bytes = body.content.to_bytes();
    if !bytes.is_empty() {
        let configuration =
            xml::parse(&bytes).map_err(|error| Error::new(CosCode::MalformedXML).because(error))?;
        if configuration.name != "CreateBucketConfiguration" {
            return Err(
                Error::new(CosCode::MalformedXML).because("the root is not CreateBucketConfiguration")
            );
        }
        if let Some(member) = configuration.children.iter().find(|child| !child.text.trim().is_empty()) {
            return Err(Error::not_implemented(format_args!("{} = {}", member.name, member.text.trim())));
        }
    }
    if call.store.bucket(&call.target.bucket).is_some() {
        return Err(Error::new(CosCode::BucketAlreadyOwnedByYou));
    }
    if call.store.buckets().count() >= MAX_BUCKETS {
        return Err(Error::new(CosCode::TooManyBuckets).because(format_args!("the limit is {MAX_BUCKETS}")));
    }
    let region = call.target.region.clone().unwrap_or_else(|| call.context.account.region.clone());
    let bucket = call.target.bucket.clone();
    Ok(changed(Reply::new(200), Change::CreateBucket { bucket, region, now: call.context.now }))
}

/// # Errors
/// `NoSuchBucket`.
pub(super) fn head(call: &Call<'_>) -> Handled {
    let region = call.bucket()?.region();
    Ok(unchanged(Reply::new(200).with("Content-Type", "application/xml").with("x-cos-bucket-region", region)))
}

/// # Errors
/// `NoSuchBucket`; `BucketNotEmpty` while objects or unfinished uploads remain.
pub(super) fn delete(call: &Call<'_>) -> Handled {
    if !call.bucket()?.is_empty() {
        return Err(Error::new(CosCode::BucketNotEmpty));
    }
    Ok(changed(Reply::new(204), Change::DeleteBucket { bucket: call.target.bucket.clone() }))
}
