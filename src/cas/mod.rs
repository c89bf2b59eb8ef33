//! CAS, the archive API.
//!
//! The same three steps as in `cos`: `route`, `admit`, `handle`; all pure. The two never use each other.

mod access;
mod archive;
mod auth;
mod callback;
mod coverage;
mod error;
mod inventory;
mod job;
mod json;
mod route;
mod upload;
mod vault;

use std::ops::Range;

use http::header::CONTENT_RANGE;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::code::CasCode;
use crate::content::Content;
use crate::digest::{Digests, Sha256, Tree, TreeHash, Wanted};
use crate::message::{Account, BodyError, BodyPlan, Context, Head, Outcome, Received, Reply};
use crate::operation::{Operation, Payload};
use crate::signature::Refusal;
use crate::store::{Change, ChunkRange, Store, Vault};

pub use coverage::{COVERAGE, page as coverage_page};
pub use error::{Error, document as error_document};
pub use job::{Settled, settle};
pub use route::{Target, is_vault_path, route};

/// The longest description, in bytes.
const MAX_DESCRIPTION_BYTES: usize = 1024;
/// The largest page of any list, and its default.
const MAX_LISTED: u64 = 1000;

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
    /// # Errors
    /// `ResourceNotFoundException`.
    fn vault(&self) -> Result<&'a Vault, Error> {
        self.store.vault(&self.target.vault).ok_or_else(|| Error::not_found("Vault", &self.target.vault))
    }

    /// The value of a required header.
    ///
    /// # Errors
    /// `MissingParameterValueException`.
    fn required(&self, name: &str) -> Result<&'a str, Error> {
        self.head.header(name).ok_or_else(|| Error::missing(name))
    }

    /// A query parameter that bounds a page: 1 to 1000, by default 1000.
    ///
    /// # Errors
    /// `InvalidParameterValueException`.
    fn limit(&self) -> Result<usize, Error> {
        let Some(text) = self.head.query.get("limit").filter(|text| !text.is_empty()) else {
            return Ok(MAX_LISTED as usize);
        };
        let limit = text.parse().ok().filter(|limit| (1..=MAX_LISTED).contains(limit));
        let limit = limit.ok_or_else(|| {
            Error::invalid(format_args!("Invalid limit: {text}, must be 1 to {MAX_LISTED}"))
        })?;
        Ok(limit as usize)
    }

    /// The marker of a page; `None` at the start.
    fn marker(&self) -> Option<&'a str> {
        self.head.query.get("marker").filter(|marker| !marker.is_empty())
    }

    /// The description of an archive.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for more than 1024 bytes or anything but printable ASCII.
    fn description(&self) -> Result<Option<String>, Error> {
        let Some(description) = self.head.headers.get("x-cas-archive-description") else { return Ok(None) };
        let printable = description.as_bytes().iter().all(|byte| (0x20..=0x7e).contains(byte));
        if description.len() > MAX_DESCRIPTION_BYTES || !printable {
            return Err(Error::invalid(format_args!(
                "Invalid x-cas-archive-description: at most {MAX_DESCRIPTION_BYTES} bytes of printable ASCII"
            )));
        }
        Ok(description.to_str().ok().filter(|text| !text.is_empty()).map(str::to_owned))
    }

    /// The path of a resource in this vault, as `Location` names it: always with the number of the account.
    fn location(&self, kind: &str, id: &str) -> String {
        format!("/{}/vaults/{}/{kind}/{id}", self.context.account.appid, self.target.vault)
    }
}

/// The two hashes that come with every archive and chunk, in either case.
struct ClaimedHashes {
    linear: Sha256,
    tree: TreeHash,
}

impl ClaimedHashes {
    /// # Errors
    /// `MissingParameterValueException`, or `InvalidParameterValueException` for what is not 64 hexadecimal digits.
    fn of(call: &Call<'_>) -> Result<Self, Error> {
        let linear = call.required("x-cas-content-sha256")?;
        let tree = call.required("x-cas-sha256-tree-hash")?;
        let invalid = |name: &str, value: &str| {
            Error::invalid(format_args!("Invalid {name}: {value}, expected 64 hexadecimal digits"))
        };
        Ok(ClaimedHashes {
            linear: linear.parse().map_err(|_| invalid("x-cas-content-sha256", linear))?,
            tree: tree.parse().map_err(|_| invalid("x-cas-sha256-tree-hash", tree))?,
        })
    }

    /// Compares them with the body that arrived; the linear one first. Returns the tree over the body.
    fn verify(&self, body: &Digests) -> Result<Tree, Error> {
        let linear = body.sha256.expect("the plan asked for it");
        let tree = body.tree.clone().expect("the plan asked for it");
        if self.linear != linear {
            return Err(Error::invalid(format_args!(
                "Checksum mismatch: expected x-cas-content-sha256 {}, but the body has {linear}",
                self.linear
            )));
        }
        if self.tree != tree.root() {
            return Err(Error::invalid(format_args!(
                "Checksum mismatch: expected x-cas-sha256-tree-hash {}, but the body has {}",
                self.tree,
                tree.root()
            )));
        }
        Ok(tree)
    }
}

/// The digests of archive bytes.
const HASHES: Wanted = Wanted { md5_and_crc64: false, sha1: false, sha256_and_tree: true };

/// Refuses what can be refused from the head alone, and otherwise says what to do with the body.
///
/// # Errors
/// The answer that is final, before any byte of the body is read.
pub fn admit(target: &Target, head: &Head, store: &Store, context: &Context<'_>) -> Result<BodyPlan, Reply> {
    let call = Call { target, head, store, context };
    let plan = match target.operation {
        Operation::UploadArchive => archive::admit_upload(&call),
        Operation::UploadVaultPart => upload::admit_part(&call),
        Operation::InitiateJob | Operation::SetVaultAccessPolicy | Operation::SetVaultNotifications => {
            call.vault().map(|_| json::DOCUMENT)
        }
        _ => Ok(BodyPlan::IGNORED),
    };
    plan.map_err(|error| answer(error.into_reply(), context))
}

/// Refuses what the one who asks may not do.
///
/// # Errors
/// `AccessDeniedException`.
pub fn authorise(target: &Target, head: &Head, store: &Store, context: &Context<'_>) -> Result<(), Error> {
    access::authorise(&Call { target, head, store, context })
}

/// Other bytes whose digests a request needs before it can be answered: those that a job copies.
pub fn source(
    target: &Target,
    head: &Head,
    body: &Received,
    store: &Store,
    context: &Context<'_>,
) -> Option<(Content, Wanted)> {
    let starts_job = target.operation == Operation::InitiateJob;
    starts_job.then(|| job::source(&Call { target, head, store, context }, body)).flatten()
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
        Operation::CreateVault => vault::create(&call),
        Operation::DescribeVault => vault::describe(&call),
        Operation::ListVaults => vault::list(&call),
        Operation::DeleteVault => vault::delete(&call),
        Operation::UploadArchive => archive::upload(&call, body),
        Operation::DeleteArchive => archive::delete(&call),
        Operation::InitiateVaultUpload => upload::initiate(&call),
        Operation::UploadVaultPart => upload::put_part(&call, body),
        Operation::CompleteVaultUpload => upload::complete(&call),
        Operation::AbortVaultUpload => upload::abort(&call),
        Operation::ListVaultParts => upload::list_parts(&call),
        Operation::ListVaultUploads => upload::list(&call),
        Operation::InitiateJob => job::initiate(&call, body),
        Operation::DescribeJob => job::describe(&call),
        Operation::ListJobs => job::list(&call),
        Operation::GetJobOutput => job::output(&call),
        Operation::SetVaultAccessPolicy => access::set(&call, body),
        Operation::GetVaultAccessPolicy => access::get(&call),
        Operation::DeleteVaultAccessPolicy => access::delete(&call),
        Operation::SetVaultNotifications => callback::set(&call, body),
        Operation::GetVaultNotifications => callback::get(&call),
        Operation::DeleteVaultNotifications => callback::delete(&call),
        operation => {
            Err(Error::new(CasCode::BadRequest).saying(format_args!("{operation} is no operation of CAS.")))
        }
    };
    let mut outcome =
        handled.unwrap_or_else(|error| Outcome { reply: error.into_reply(), changes: Vec::new() });
    outcome.reply = answer(outcome.reply, context);
    outcome
}

/// The number of the part that a request is about: its start divided by the part size of the upload, plus 1.
/// `None` when there is no such upload or no readable range.
pub fn part_number(target: &Target, head: &Head, store: &Store, now: Timestamp) -> Option<u64> {
    if target.operation != Operation::UploadVaultPart {
        return None;
    }
    let upload = store.vault(&target.vault)?.upload(&target.id, now)?;
    let range = ChunkRange::lenient(head.header(CONTENT_RANGE)?).ok()?;
    Some(range.start() / upload.part_size_bytes + 1)
}

/// The bytes of the output of its job that a request reads, and how many there are; `None` when there is no output.
pub fn requested_range(
    target: &Target,
    head: &Head,
    store: &Store,
    now: Timestamp,
) -> Option<(Range<u64>, u64)> {
    job::requested_range(store.vault(&target.vault)?.job(&target.id, now)?, head, now)
}

/// The answer when a request cannot be routed.
pub fn refuse(error: Error, context: &Context<'_>) -> Reply {
    answer(error.into_reply(), context)
}

/// The answer when a signature is refused.
pub fn refuse_signature(refusal: &Refusal, context: &Context<'_>) -> Reply {
    refuse(auth::refusal(refusal), context)
}

/// The answer when a body did not arrive whole.
pub fn refuse_body(error: BodyError, target: &Target, context: &Context<'_>) -> Reply {
    let error = match (error, target.operation.request()) {
        (BodyError::TooLarge, Payload::Document) => {
            Error::new(CasCode::SerializationException).saying("The document is longer than 2 MiB.")
        }
        (error, _) => error.into(),
    };
    refuse(error, context)
}

/// The header lines that every answer has. The official client cannot do without the request id.
pub fn answer(mut reply: Reply, context: &Context<'_>) -> Reply {
    reply.push("Date", context.now.rfc1123());
    reply.push("Server", "nginx");
    reply.push("x-cas-requestId", context.identity.cas_request_id());
    reply
}

/// The resource name of a vault.
fn vault_qcs(account: &Account, name: &str, vault: &Vault) -> String {
    format!("qcs:id/0:cas:{}:uid/{}:vaults/{name}", vault.region(), account.appid)
}

/// Says the hash of a tree in an answer.
fn tell_tree(reply: &mut Reply, tree: Tree) {
    reply.push("x-cas-sha256-tree-hash", tree.root().to_string());
    reply.tree = Some(Box::new(tree));
}

fn changed(reply: Reply, change: Change) -> Outcome<Change> {
    Outcome { reply, changes: vec![change] }
}

fn unchanged(reply: Reply) -> Outcome<Change> {
    Outcome { reply, changes: Vec::new() }
}

fn document_reply(document: &Value) -> Reply {
    Reply::new(200).with("Content-Type", "application/json").with_body(json::styled(document))
}
