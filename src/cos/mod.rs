//! COS, the XML API.
//!
//! A request meets this module in three steps: `route` says what it is for; `admit` refuses what can be refused from
//! the head alone and says which digests the body needs; `handle` answers it and names the changes of the store. All
//! are pure: time, ids and the store are arguments.

mod append;
mod auth;
mod bucket;
mod error;
mod list;
mod multipart;
mod object;
mod route;
mod xml;

use std::ops::{Range, RangeInclusive};

use http::header::RANGE;

use crate::code::CosCode;
use crate::digest::Wanted;
use crate::message::{BodyError, BodyPlan, Context, Head, Outcome, Received, Reply};
use crate::operation::{Emulation, Group, Operation, Payload};
use crate::signature::{Refusal, without_port};
use crate::store::{Bucket, Change, Store};

pub use error::{Error, document as error_document};
pub use multipart::listed_parts;
pub use object::{listed_keys, parse_range};
pub use route::{HostForm, Target, host_form, route};
pub use xml::document;

/// The answer of a handler, or the error it answers with.
type Handled = Result<Outcome<Change>, Error>;

/// A routed request.
struct Call<'a> {
    target: &'a Target,
    head: &'a Head,
    store: &'a Store,
    context: &'a Context<'a>,
}

impl<'a> Call<'a> {
    /// The bucket the request is for.
    ///
    /// # Errors
    /// `NoSuchBucket`, also when the host names another region than the bucket's.
    fn bucket(&self) -> Result<&'a Bucket, Error> {
        let bucket =
            self.store.bucket(&self.target.bucket).ok_or_else(|| Error::new(CosCode::NoSuchBucket))?;
        match &self.target.region {
            Some(region) if region != bucket.region() && !self.is_redirected() => Err(Error::new(
                CosCode::NoSuchBucket,
            )
            .because(format_args!("{} is in {}, not in {region}", self.target.bucket, bucket.region()))),
            _ => Ok(bucket),
        }
    }

    /// Whether a rule sends clients to the host of this request.
    fn is_redirected(&self) -> bool {
        let host = without_port(self.head.host()).to_ascii_lowercase();
        self.context.account.redirect_hosts.contains(&host)
    }

    /// A query parameter that is a number within bounds.
    fn number(&self, name: &str, default: u64, bounds: RangeInclusive<u64>) -> Result<u64, Error> {
        let Some(text) = self.head.query.get(name).filter(|text| !text.is_empty()) else {
            return Ok(default);
        };
        text.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
            Error::new(CosCode::InvalidArgument).because(format_args!(
                "{name} is \"{text}\", but must be a number from {} to {}",
                bounds.start(),
                bounds.end()
            ))
        })
    }
}

/// Refuses what can be refused from the head alone, and otherwise says what to do with the body.
///
/// # Errors
/// The answer that is final, before any byte of the body is read.
pub fn admit(target: &Target, head: &Head, store: &Store, context: &Context<'_>) -> Result<BodyPlan, Reply> {
    let call = Call { target, head, store, context };
    let plan = match target.operation {
        Operation::PutObject => object::admit_put(&call),
        Operation::AppendObject => append::admit(&call),
        Operation::UploadPart => multipart::admit_part(&call),
        Operation::CompleteMultipartUpload => multipart::admit_complete(&call),
        Operation::DeleteObjects => object::admit_delete_many(&call),
        Operation::PutBucket => Ok(document_plan()),
        _ if target.operation.emulation() == Emulation::NotBuilt => {
            Err(Error::not_implemented(target.operation))
        }
        _ => Ok(BodyPlan::IGNORED),
    };
    plan.map_err(|error| answer(error.into_reply(head, context), context))
}

/// Answers a request whose body has arrived.
pub fn handle(
    target: &Target,
    head: &Head,
    body: &Received,
    store: &Store,
    context: &Context<'_>,
) -> Outcome<Change> {
    let call = Call { target, head, store, context };
    let handled = match target.operation {
        Operation::ListBuckets => list::buckets(&call),
        Operation::PutBucket => bucket::put(&call, body),
        Operation::HeadBucket => bucket::head(&call),
        Operation::DeleteBucket => bucket::delete(&call),
        Operation::ListObjects => list::objects(&call),
        Operation::PutObject => object::put(&call, body),
        Operation::GetObject | Operation::HeadObject => object::get(&call),
        Operation::DeleteObject => object::delete(&call),
        Operation::DeleteObjects => object::delete_many(&call, body),
        Operation::AppendObject => append::append(&call, body),
        Operation::InitiateMultipartUpload => multipart::initiate(&call),
        Operation::UploadPart => multipart::put_part(&call, body),
        Operation::CompleteMultipartUpload => multipart::complete(&call, body),
        Operation::AbortMultipartUpload => multipart::abort(&call),
        Operation::ListParts => multipart::list_parts(&call),
        Operation::ListMultipartUploads => list::uploads(&call),
        operation => Err(Error::not_implemented(operation)),
    };
    let mut outcome = handled.unwrap_or_else(|error| unchanged(error.into_reply(head, context)));
    outcome.reply = answer(outcome.reply, context);
    outcome
}

/// The answer when a request cannot be routed.
pub fn refuse(error: Error, head: &Head, context: &Context<'_>) -> Reply {
    answer(error.into_reply(head, context), context)
}

/// The answer when a signature is refused.
pub fn refuse_signature(refusal: &Refusal, head: &Head, context: &Context<'_>) -> Reply {
    refuse(auth::refusal(refusal), head, context)
}

/// The answer when a body did not arrive whole.
pub fn refuse_body(error: BodyError, target: &Target, head: &Head, context: &Context<'_>) -> Reply {
    let error = match (error, target.operation.request()) {
        (BodyError::TooLarge, Payload::Document) => {
            Error::new(CosCode::MalformedXML).because("the document is longer than 2 MiB")
        }
        (error, _) => error.into(),
    };
    refuse(error, head, context)
}

/// The bytes of its object that a read asks for, and the size of the object; `None` when there is no such object.
pub fn requested_range(target: &Target, head: &Head, store: &Store) -> Option<(Range<u64>, u64)> {
    let size = store.bucket(&target.bucket)?.object(&target.key)?.content.len();
    let range = head.header(RANGE).and_then(|header| object::parse_range(header, size));
    Some((range.and_then(Result::ok).unwrap_or(0..size), size))
}

/// The notes for the journal: what the request asked for that is not emulated and was left out.
pub fn notes(target: &Target, head: &Head) -> Vec<String> {
    const LEFT_OUT: &[&str] = &[
        "x-cos-acl",
        "x-cos-grant-",
        "x-cos-tagging",
        "x-cos-server-side-encryption",
        "x-cos-traffic-limit",
        "pic-operations",
    ];
    if target.operation.is_in(Group::Read) {
        return Vec::new();
    }
    let names = head.headers.keys().map(|name| name.as_str());
    names
        .filter(|name| LEFT_OUT.iter().any(|left_out| name.starts_with(left_out)))
        .map(|name| format!("{name} is not emulated and was left out"))
        .collect()
}

/// The header lines that every answer has.
pub fn answer(mut reply: Reply, context: &Context<'_>) -> Reply {
    reply.push("Date", context.now.rfc1123());
    reply.push("Server", "tencent-cos");
    reply.push("x-cos-request-id", context.identity.cos_request_id());
    reply
}

fn unchanged(reply: Reply) -> Outcome<Change> {
    Outcome { reply, changes: Vec::new() }
}

fn changed(reply: Reply, change: Change) -> Outcome<Change> {
    Outcome { reply, changes: vec![change] }
}

fn document_reply(body: String) -> Reply {
    Reply::new(200).with("Content-Type", "application/xml").with_body(body)
}

/// What an operation that takes a document does with its body.
fn document_plan() -> BodyPlan {
    BodyPlan { limit: xml::MAX_DOCUMENT_BYTES, wanted: Wanted { md5_and_crc64: true, ..Default::default() } }
}
