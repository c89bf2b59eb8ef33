//! COS, the XML API.
//!
//! A request meets this module in three steps: `route` says what it is for; `admit` refuses what can be refused from
//! the head alone and says which digests the body needs; `handle` answers it and names the changes of the store. All
//! are pure: time, ids and the store are arguments.

mod access;
mod acl;
mod append;
mod auth;
mod bucket;
mod conditions;
mod configuration;
mod copy;
mod cors;
mod coverage;
mod delete;
mod encryption;
mod error;
mod form;
mod integrity;
mod lifecycle;
mod list;
mod metadata;
mod multipart;
mod object;
mod origin;
mod restore;
mod route;
mod schema;
mod symlink;
mod tagging;
mod website;
mod xml;

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use http::header::RANGE;

use crate::code::CosCode;
use crate::content::Content;
use crate::digest::{Grown, Wanted};
use crate::message::{BodyError, BodyPlan, Context, Head, Outcome, Received, Reply};
use crate::operation::{Emulation, Group, Operation, Payload};
use crate::signature::{Refusal, without_port};
use crate::store::{
    Bucket, Change, ConfigurationKind, Found, Metadata, Object, Store, VersionId, Versioning,
};

pub use coverage::{COVERAGE, page as coverage_page};
pub use delete::listed_keys;
pub use error::{Error, document as error_document};
pub use form::PostedForm;
pub use lifecycle::sweep;
pub use multipart::listed_parts;
pub use object::parse_range;
pub use route::{HostForm, Site, Target, host_form, route};
pub use xml::document;

/// The answer of a handler, or the error it answers with.
type Handled = Result<Outcome<Change>, Error>;

/// A routed request.
#[derive(Clone, Copy)]
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

    /// The version that the request names.
    fn named_version(&self) -> Option<&'a str> {
        let names = ["versionId", "VersionId", "versionid"];
        let query = &self.head.query;
        names.iter().find_map(|name| query.get(name)).filter(|id| !id.is_empty())
    }

    /// What there is of the key: the newest version, or the one that is named.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`.
    fn found(&self) -> Result<Found<'a>, Error> {
        let (bucket, key) = (self.bucket()?, &self.target.key);
        match self.named_version() {
            None => bucket.newest(key).ok_or_else(|| Error::new(CosCode::NoSuchKey)),
            Some(text) => {
                let found = text.parse().ok().and_then(|id| bucket.version(key, id));
                found.ok_or_else(|| Error::new(CosCode::NoSuchVersion))
            }
        }
    }

    /// The object that the request names, and its version.
    ///
    /// # Errors
    /// Those of [`Call::found`]; `NoSuchKey` for a delete marker, which the header lines tell of.
    fn object(&self) -> Result<(VersionId, &'a Arc<Object>), Error> {
        // What a veil hides is not in the history, so the newest object is looked for by itself.
        if self.named_version().is_none()
            && let Some(object) = self.bucket()?.object(&self.target.key)
        {
            return Ok((self.found().map_or(VersionId::Null, |found| found.id), object));
        }
        let found = self.found()?;
        let marker = |id: VersionId| {
            Error::new(CosCode::NoSuchKey)
                .with_header("x-cos-delete-marker", "true")
                .with_header("x-cos-version-id", id.to_string())
        };
        found.object.map(|object| (found.id, object)).ok_or_else(|| marker(found.id))
    }

    /// Says in an answer which version it is about: not of a bucket without versions, and not of `null`.
    fn tell_version(&self, reply: &mut Reply, id: VersionId) {
        if id != VersionId::Null {
            reply.push("x-cos-version-id", id.to_string());
        }
    }

    /// The id of a version that is written now.
    fn next_version(&self, bucket: &Bucket, key: &str) -> VersionId {
        match bucket.versioning() {
            Versioning::Enabled => VersionId::Numbered(self.context.identity.cos_version_number(key)),
            Versioning::Never | Versioning::Suspended => VersionId::Null,
        }
    }

    /// Writes an object as the newest version, and says so in the answer.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    fn write(&self, reply: &mut Reply, key: &str, object: Object) -> Result<Change, Error> {
        let version = self.next_version(self.bucket()?, key);
        self.tell_version(reply, version);
        let (bucket, key) = (self.target.bucket.clone(), key.to_owned());
        Ok(Change::PutObject { bucket, key, version, object: Arc::new(object) })
    }

    /// Changes what stands beside the bytes of a version.
    fn replace(&self, version: VersionId, object: &Object, edit: impl FnOnce(&mut Metadata)) -> Change {
        let mut object = object.clone();
        edit(&mut object.metadata);
        Change::ReplaceObject {
            bucket: self.target.bucket.clone(),
            key: self.target.key.clone(),
            version,
            object: Arc::new(object),
        }
    }

    /// # Errors
    /// `ObjectLocked`.
    fn check_unlocked(&self, object: &Object) -> Result<(), Error> {
        match object.metadata.retained_until().filter(|_| object.is_retained(self.context.now)) {
            None => Ok(()),
            Some(until) => {
                let until = until.iso_seconds();
                Err(Error::new(CosCode::ObjectLocked).because(format_args!("it is kept until {until}")))
            }
        }
    }

    /// Refuses hosts that do not serve this.
    ///
    /// # Errors
    /// `BucketAccelerateNotEnabled`, `ActionAccelerateNotSupported`.
    fn check_site(&self) -> Result<(), Error> {
        if self.target.site != Site::Accelerated {
            return Ok(());
        }
        let enabled = self.store.bucket(&self.target.bucket).and_then(|bucket| {
            let status = bucket.configuration(ConfigurationKind::Accelerate)?.xml()?.text_of("Status")?;
            Some(status == "Enabled")
        });
        if self.target.key.is_empty()
            && !matches!(
                self.target.operation,
                Operation::ListObjects
                    | Operation::ListVersions
                    | Operation::HeadBucket
                    | Operation::ListMultipartUploads
                    | Operation::DeleteObjects
                    | Operation::PostObject
                    | Operation::OptionsObject
            )
        {
            return Err(Error::new(CosCode::ActionAccelerateNotSupported));
        }
        if enabled == Some(true) { Ok(()) } else { Err(Error::new(CosCode::BucketAccelerateNotEnabled)) }
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
    let plan = call.check_site().and_then(|()| match target.operation {
        Operation::PutObject => object::admit_put(&call),
        Operation::AppendObject => append::admit(&call),
        Operation::UploadPart => multipart::admit_part(&call),
        Operation::CompleteMultipartUpload => multipart::admit_complete(&call),
        Operation::DeleteObjects => delete::admit_many(&call),
        Operation::PostObject => form::admit(&call),
        Operation::SelectObjectContent => Err(Error::not_implemented(
            "SelectObjectContent: nothing that would evaluate its SQL fits into a small binary",
        )),
        operation if operation.emulation() == Emulation::NotBuilt => Err(Error::not_implemented(operation)),
        operation if operation.request() == Payload::Document => match operation {
            Operation::PutBucket => integrity::document_plan(head),
            Operation::PutBucketAcl => call.bucket().and_then(|_| integrity::document_plan(head)),
            Operation::PutObjectAcl
            | Operation::PutObjectTagging
            | Operation::RestoreObject
            | Operation::PutObjectRetention => call.object().and_then(|_| integrity::document_plan(head)),
            _ => configuration::admit(&call),
        },
        _ => Ok(BodyPlan::IGNORED),
    });
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
        Operation::GetObject | Operation::HeadObject if target.site == Site::Website => {
            website::answer(&call)
        }
        Operation::ListBuckets => list::buckets(&call),
        Operation::PutBucket => bucket::put(&call, body),
        Operation::HeadBucket => bucket::head(&call),
        Operation::DeleteBucket => bucket::delete(&call),
        Operation::GetBucketLocation => bucket::location(&call),
        Operation::ListObjects => list::objects(&call),
        Operation::ListVersions => list::versions(&call),
        Operation::PutObject => object::put(&call, body),
        Operation::GetObject | Operation::HeadObject => object::get(&call),
        Operation::DeleteObject => delete::one(&call),
        Operation::DeleteObjects => delete::many(&call, body),
        Operation::CopyObject => copy::object(&call),
        Operation::AppendObject => append::append(&call, body),
        Operation::PostObject => form::post(&call, body),
        Operation::OptionsObject => cors::options(&call),
        Operation::RestoreObject => restore::restore(&call, body),
        Operation::PreflightObject => object::preflight(&call),
        Operation::GetObjectAcl => acl::get_of_object(&call),
        Operation::PutObjectAcl => acl::put_of_object(&call, body),
        Operation::GetObjectTagging => tagging::get_of_object(&call),
        Operation::PutObjectTagging => tagging::put_of_object(&call, body),
        Operation::DeleteObjectTagging => tagging::delete_of_object(&call),
        Operation::GetObjectRetention => restore::get_retention(&call),
        Operation::PutObjectRetention => restore::put_retention(&call, body),
        Operation::GetObjectSymlink => symlink::get(&call),
        Operation::PutObjectSymlink => symlink::put(&call),
        Operation::InitiateMultipartUpload => multipart::initiate(&call),
        Operation::UploadPart => multipart::put_part(&call, body),
        Operation::UploadPartCopy => copy::part(&call, body),
        Operation::CompleteMultipartUpload => multipart::complete(&call, body),
        Operation::AbortMultipartUpload => multipart::abort(&call),
        Operation::ListParts => multipart::list_parts(&call),
        Operation::ListMultipartUploads => list::uploads(&call),
        Operation::GetBucketAcl => acl::get_of_bucket(&call),
        Operation::PutBucketAcl => acl::put_of_bucket(&call, body),
        _ => configuration::handle(&call, body),
    };
    let mut outcome = handled.unwrap_or_else(|error| unchanged(error.into_reply(head, context)));
    outcome.reply = answer(outcome.reply, context);
    outcome
}

/// What has to be made of a body, or found beside it, before a request can be answered.
pub enum Derivation {
    /// Nothing.
    None,
    /// These bytes stand in the place of the body, and have to be hashed.
    Bytes(Content, Wanted),
    /// The body is appended to the object of this MD5, and has to be hashed behind it.
    Grown(Grown),
    /// The body is a form, and its file stands in its place.
    Form(Box<PostedForm>),
}

/// Finds what has to be made of a body.
///
/// # Errors
/// The answer that is final.
pub fn derivation(
    target: &Target,
    head: &Head,
    body: &Received,
    store: &Store,
    context: &Context<'_>,
) -> Result<Derivation, Reply> {
    let call = Call { target, head, store, context };
    let derivation = match target.operation {
        Operation::UploadPartCopy => {
            copy::part_source(&call).map(|(content, wanted)| Derivation::Bytes(content, wanted))
        }
        Operation::AppendObject => append::grown(&call).map(Derivation::Grown),
        Operation::PostObject => {
            let wanted = integrity::wanted(&call, true);
            PostedForm::read(head, &body.content, wanted).map(|form| Derivation::Form(Box::new(form)))
        }
        _ => Ok(Derivation::None),
    };
    derivation.map_err(|error| refuse(error, head, context))
}

/// Refuses what the one who asks may not do.
///
/// # Errors
/// `AccessDenied`.
pub fn authorise(target: &Target, head: &Head, store: &Store, context: &Context<'_>) -> Result<(), Error> {
    access::authorise(&Call { target, head, store, context })
}

/// Adds to an answer what lets a page of another site read it.
pub fn allow_origin(reply: &mut Reply, target: &Target, head: &Head, store: &Store) {
    if target.operation != Operation::OptionsObject
        && let Some(bucket) = store.bucket(&target.bucket)
    {
        cors::add(reply, head, bucket);
    }
}

/// The answer when a request cannot be routed.
pub fn refuse(error: Error, head: &Head, context: &Context<'_>) -> Reply {
    answer(error.into_reply(head, context), context)
}

/// The answer when a signature is refused.
pub fn refuse_signature(refusal: &Refusal, head: &Head, context: &Context<'_>) -> Reply {
    refuse(auth::refusal(refusal, context.now), head, context)
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
    const LEFT_OUT: &[&str] = &["pic-operations", "x-cos-callback"];
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
