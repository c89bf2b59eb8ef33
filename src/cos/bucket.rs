//! Making, looking at and deleting buckets.
//!
//! Source: COS API, "PUT Bucket", "HEAD Bucket", "DELETE Bucket" (`cos.md` 5.1.2 to 5.1.4).

use super::{Call, Error, Handled, acl, changed, document_reply, tagging, unchanged, xml};
use crate::code::CosCode;
use crate::message::{Outcome, Received, Reply, Requester};
use crate::store::{Change, Configuration, ConfigurationKind};

/// The largest number of buckets of an account.
const MAX_BUCKETS: usize = 200;

/// # Errors
/// `BucketAlreadyOwnedByYou`; `BucketAlreadyExists` for another account's; `TooManyBuckets`; `MalformedXML` for a body that is no configuration; those of the access
/// control list and the tags.
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
        return Err(Error::new(match call.context.requester {
            Requester::Guest(_) => CosCode::BucketAlreadyExists,
            Requester::Owner | Requester::Nobody => CosCode::BucketAlreadyOwnedByYou,
        }));
    }
    if call.store.buckets().count() >= MAX_BUCKETS {
        return Err(Error::new(CosCode::TooManyBuckets).because(format_args!("the limit is {MAX_BUCKETS}")));
    }
    let acl = match acl::from_headers(call.head, acl::Scope::Bucket)? {
        Some(acl::Asked::List(acl)) => Some(acl),
        Some(acl::Asked::Inherited) | None => None,
    };
    let tags = call.head.header("x-cos-tagging");
    let tags = tags.map(|text| tagging::from_header(text, tagging::MAX_BUCKET_TAGS)).transpose()?;
    let region = call.target.region.clone().unwrap_or_else(|| call.context.account.region.clone());
    let bucket = call.target.bucket.clone();
    let mut changes = vec![Change::CreateBucket { bucket: bucket.clone(), region, now: call.context.now }];
    changes.extend(acl.map(|acl| Change::SetBucketAcl { bucket: bucket.clone(), acl }));
    if let Some(tags) = tags {
        let root = xml::parse(tagging::document(&tags).as_bytes()).expect("it was written here");
        changes.push(Change::Configure {
            bucket,
            kind: ConfigurationKind::Tagging,
            id: String::new(),
            to: Some(Configuration::Xml(root)),
        });
    }
    Ok(Outcome { reply: Reply::new(200), changes })
}

/// # Errors
/// `NoSuchBucket`.
pub(super) fn location(call: &Call<'_>) -> Handled {
    let region = call.bucket()?.region();
    let document = xml::document_of_text("LocationConstraint", region);
    Ok(unchanged(document_reply(document)))
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
