//! The configurations of a bucket: put, given back as they were put, deleted. What they bring about is in the modules of
//! their subjects.
//!
//! Source: COS API, the pages of "Bucket" (`cos.md` 5.2, 12.5 to 12.8, 12.11).

use serde_json::Value;

use super::integrity::{bytes_of, document_of, document_plan};
use super::schema::{self, Member};
use super::{Call, Error, Handled, changed, document_reply, lifecycle, tagging, unchanged, xml};
use crate::code::CosCode;
use crate::document::Node;
use crate::message::{BodyPlan, Outcome, Received, Reply};
use crate::operation::Operation;
use crate::policy::member_of;
use crate::store::{Bucket, Change, Configuration, ConfigurationKind, Versioning};

/// How one kind of configuration is put, got and deleted.
struct Spec {
    kind: ConfigurationKind,
    put: &'static [Operation],
    get: Operation,
    delete: Option<Operation>,
    /// The root of its document, which may carry a namespace in answers.
    root: &'static str,
    members: &'static [Member],
    put_status: u16,
    absent: Absent,
    /// Whether there are several, told apart by the parameter `id`.
    by_id: bool,
    /// The longest document, where it is not that of all.
    most_bytes: Option<u64>,
    check: fn(&Call<'_>, &Bucket, &Node) -> Result<(), Error>,
}

/// What is answered when there is none.
#[derive(Clone, Copy)]
enum Absent {
    /// An error, to GET.
    Error(CosCode),
    /// An error, to GET and DELETE.
    ErrorAlways(CosCode),
    /// An empty document.
    Empty,
}

const PLAIN: Spec = Spec {
    kind: ConfigurationKind::Cors,
    put: &[],
    get: Operation::GetBucketCors,
    delete: None,
    root: "",
    members: &[],
    put_status: 200,
    absent: Absent::Empty,
    by_id: false,
    most_bytes: None,
    check: |_, _, _| Ok(()),
};

/// Of CORS and website documents.
const SMALL_DOCUMENT_BYTES: u64 = 64 << 10;

const SPECS: &[Spec] = &[
    Spec {
        kind: ConfigurationKind::Cors,
        put: &[Operation::PutBucketCors],
        get: Operation::GetBucketCors,
        delete: Some(Operation::DeleteBucketCors),
        root: "CORSConfiguration",
        members: schema::CORS,
        absent: Absent::Error(CosCode::NoSuchCORSConfiguration),
        most_bytes: Some(SMALL_DOCUMENT_BYTES),
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::Lifecycle,
        put: &[Operation::PutBucketLifecycle],
        get: Operation::GetBucketLifecycle,
        delete: Some(Operation::DeleteBucketLifecycle),
        root: "LifecycleConfiguration",
        members: schema::LIFECYCLE,
        absent: Absent::ErrorAlways(CosCode::NoSuchLifecycleConfiguration),
        check: |_, bucket, root| {
            check_not_locked(bucket)?;
            lifecycle::check(root)
        },
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::Tagging,
        put: &[Operation::PutBucketTagging],
        get: Operation::GetBucketTagging,
        delete: Some(Operation::DeleteBucketTagging),
        root: "Tagging",
        members: schema::TAGGING,
        put_status: 204,
        absent: Absent::Error(CosCode::NoSuchTagSet),
        check: |_, _, root| tagging::from_document(root, tagging::MAX_BUCKET_TAGS).map(drop),
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::Referer,
        put: &[Operation::PutBucketReferer],
        get: Operation::GetBucketReferer,
        delete: Some(Operation::DeleteBucketReferer),
        root: "RefererConfiguration",
        members: schema::REFERER,
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::Website,
        put: &[Operation::PutBucketWebsite],
        get: Operation::GetBucketWebsite,
        delete: Some(Operation::DeleteBucketWebsite),
        root: "WebsiteConfiguration",
        members: schema::WEBSITE,
        absent: Absent::Error(CosCode::NoSuchWebsiteConfiguration),
        most_bytes: Some(SMALL_DOCUMENT_BYTES),
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::Replication,
        put: &[Operation::PutBucketReplication],
        get: Operation::GetBucketReplication,
        delete: Some(Operation::DeleteBucketReplication),
        root: "ReplicationConfiguration",
        members: schema::REPLICATION,
        absent: Absent::Error(CosCode::ReplicationConfigurationNotFoundError),
        check: check_replication,
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::Logging,
        put: &[Operation::PutBucketLogging],
        get: Operation::GetBucketLogging,
        root: "BucketLoggingStatus",
        members: schema::LOGGING,
        check: check_logging,
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::Inventory,
        put: &[Operation::PutBucketInventory, Operation::PostBucketInventory],
        get: Operation::GetBucketInventory,
        delete: Some(Operation::DeleteBucketInventory),
        root: "InventoryConfiguration",
        members: schema::INVENTORY,
        absent: Absent::ErrorAlways(CosCode::InventoryConfigurationNotFoundError),
        by_id: true,
        check: check_inventory,
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::Encryption,
        put: &[Operation::PutBucketEncryption],
        get: Operation::GetBucketEncryption,
        delete: Some(Operation::DeleteBucketEncryption),
        root: "ServerSideEncryptionConfiguration",
        members: schema::ENCRYPTION,
        absent: Absent::Error(CosCode::NoSuchEncryptionConfiguration),
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::Accelerate,
        put: &[Operation::PutBucketAccelerate],
        get: Operation::GetBucketAccelerate,
        root: "AccelerateConfiguration xmlns=\"cos xmlns/\"",
        members: schema::ACCELERATE,
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::Domain,
        put: &[Operation::PutBucketDomain],
        get: Operation::GetBucketDomain,
        delete: Some(Operation::DeleteBucketDomain),
        root: "DomainConfiguration",
        members: schema::DOMAIN,
        absent: Absent::Error(CosCode::DomainConfigNotFoundError),
        check: check_domain,
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::Origin,
        put: &[Operation::PutBucketOrigin],
        get: Operation::GetBucketOrigin,
        delete: Some(Operation::DeleteBucketOrigin),
        root: "OriginConfiguration",
        members: schema::ORIGIN,
        absent: Absent::Error(CosCode::OriginConfigurationNotFoundError),
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::IntelligentTiering,
        put: &[Operation::PutBucketIntelligentTiering],
        get: Operation::GetBucketIntelligentTiering,
        root: "IntelligentTieringConfiguration xmlns=\"cos xmlns/\"",
        members: schema::INTELLIGENT_TIERING,
        check: |_, bucket, root| {
            check_not_locked(bucket)?;
            let present = bucket.configuration(ConfigurationKind::IntelligentTiering);
            match present.and_then(|present| present.xml()) {
                Some(present) if present != root => Err(Error::new(CosCode::InvalidRequest)
                    .because("intelligent tiering cannot be changed once it is enabled")),
                _ => Ok(()),
            }
        },
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::ObjectLock,
        put: &[Operation::PutBucketObjectLock],
        get: Operation::GetBucketObjectLock,
        root: "ObjectLockConfiguration",
        members: schema::OBJECT_LOCK,
        absent: Absent::Error(CosCode::NoSuchObjectLockConfiguration),
        check: check_object_lock,
        ..PLAIN
    },
    Spec {
        kind: ConfigurationKind::StrictSignature,
        put: &[Operation::PutBucketStrictSignature],
        get: Operation::GetBucketStrictSignature,
        delete: Some(Operation::DeleteBucketStrictSignature),
        root: "StrictSignatureConfiguration",
        members: schema::STRICT_SIGNATURE,
        ..PLAIN
    },
];

/// Intelligent tiering by rules, which are put under `?intelligent-tiering&id=`.
const INTELLIGENT_TIERING_RULE: Spec = Spec {
    kind: ConfigurationKind::IntelligentTieringRule,
    put: &[Operation::PutBucketIntelligentTiering],
    get: Operation::GetBucketIntelligentTiering,
    delete: Some(Operation::DeleteBucketIntelligentTiering),
    root: "IntelligentTieringConfiguration",
    members: schema::INTELLIGENT_TIERING_RULE,
    absent: Absent::Empty,
    by_id: true,
    check: check_id,
    ..PLAIN
};

/// What an operation does with a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Put,
    Get,
    Delete,
}

fn spec_of(call: &Call<'_>) -> Option<(&'static Spec, Verb)> {
    let operation = call.target.operation;
    let verb = |spec: &Spec| {
        let deletes = spec.delete == Some(operation);
        let puts = spec.put.contains(&operation).then_some(Verb::Put);
        let gets = (spec.get == operation).then_some(Verb::Get);
        puts.or(gets).or(deletes.then_some(Verb::Delete))
    };
    if call.head.query.has("intelligent-tiering") {
        return verb(&INTELLIGENT_TIERING_RULE).map(|verb| (&INTELLIGENT_TIERING_RULE, verb));
    }
    SPECS.iter().find_map(|spec| Some((spec, verb(spec)?)))
}

/// # Errors
/// `NoSuchBucket`, `InvalidDigest`, `InvalidSHA1Digest`; `XMLSizeLimit` for a document that is longer than its kind may be.
pub(super) fn admit(call: &Call<'_>) -> Result<BodyPlan, Error> {
    let bucket = call.bucket()?;
    match spec_of(call) {
        Some((Spec { most_bytes: Some(most), .. }, Verb::Put))
            if call.head.content_length().is_some_and(|length| length > *most) =>
        {
            Err(Error::new(CosCode::XMLSizeLimit).because(format_args!("the limit is {most} bytes")))
        }
        Some((_, Verb::Put)) => document_plan(call.head),
        _ if call.target.operation == Operation::PutBucketPolicy => document_plan(call.head),
        _ if call.target.operation == Operation::PutBucketDomainCertificate => document_plan(call.head),
        _ if call.target.operation == Operation::PutBucketVersioning => {
            check_not_locked(bucket)?;
            document_plan(call.head)
        }
        _ => Ok(BodyPlan::IGNORED),
    }
}

/// Answers an operation on a configuration of a bucket.
///
/// # Errors
/// `NoSuchBucket`; of PUT those of its document; of GET and DELETE the one that says that there is none.
pub(super) fn handle(call: &Call<'_>, body: &Received) -> Handled {
    match call.target.operation {
        Operation::GetBucketPolicy => get_policy(call),
        Operation::PutBucketPolicy => put_policy(call, body),
        Operation::DeleteBucketPolicy => delete(call, ConfigurationKind::Policy, String::new()),
        Operation::GetBucketVersioning => get_versioning(call),
        Operation::PutBucketVersioning => put_versioning(call, body),
        Operation::GetBucketDomainCertificate => get_certificate(call),
        Operation::PutBucketDomainCertificate => put_certificate(call, body),
        Operation::DeleteBucketDomainCertificate => {
            delete(call, ConfigurationKind::DomainCertificate, domain_name(call)?.to_owned())
        }
        Operation::ListBucketInventory => {
            list(call, ConfigurationKind::Inventory, "ListInventoryConfigurationResult")
        }
        operation => {
            let (spec, verb) = spec_of(call).ok_or_else(|| Error::not_implemented(operation))?;
            match verb {
                Verb::Put => put(call, spec, body),
                Verb::Get => get(call, spec),
                Verb::Delete => {
                    let id = id(call, spec)?;
                    let there_is_none = call.bucket()?.configuration_of(spec.kind, id).is_none();
                    match spec.absent {
                        Absent::ErrorAlways(code) if there_is_none => Err(Error::new(code)),
                        _ => delete(call, spec.kind, id.to_owned()),
                    }
                }
            }
        }
    }
}

/// # Errors
/// `InvalidArgument` when a configuration that there are several of is not named.
fn id<'a>(call: &Call<'a>, spec: &Spec) -> Result<&'a str, Error> {
    if !spec.by_id {
        return Ok("");
    }
    let id = call.head.query.get("id").unwrap_or("");
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if id.is_empty() || !id.bytes().all(allowed) {
        return Err(Error::new(CosCode::InvalidArgument)
            .because(format_args!("id is \"{id}\", but must be of letters, digits, and -_.")));
    }
    Ok(id)
}

fn delete(call: &Call<'_>, kind: ConfigurationKind, id: String) -> Handled {
    call.bucket()?;
    Ok(changed(Reply::new(204), Change::Configure { bucket: call.target.bucket.clone(), kind, id, to: None }))
}

fn put(call: &Call<'_>, spec: &Spec, body: &Received) -> Handled {
    let bucket = call.bucket()?;
    let id = id(call, spec)?.to_owned();
    if body.content.is_empty() && spec.kind == ConfigurationKind::Referer {
        // This is how the Go SDK deletes it.
        let deleted = delete(call, spec.kind, id)?;
        return Ok(Outcome { reply: Reply::new(200), ..deleted });
    }
    let mut root = document_of(call, body)?;
    let name = spec.root.split(' ').next().unwrap_or(spec.root);
    if root.name != name {
        return Err(Error::new(CosCode::MalformedXML).because(format_args!("the root is not {name}")));
    }
    if spec.kind == ConfigurationKind::Encryption {
        // Both names are put; only the second is given back.
        rename(&mut root, "ApplySideEncryptionConfiguration", "ApplyServerSideEncryptionByDefault");
    }
    schema::check(&root, spec.members)?;
    // `True` is put, and comes back as `true`.
    for enabled in root.children.iter_mut().filter(|child| child.name == "IsEnabled") {
        enabled.text.make_ascii_lowercase();
    }
    (spec.check)(call, bucket, &root)?;
    let to = Some(Configuration::Xml(root));
    let change = Change::Configure { bucket: call.target.bucket.clone(), kind: spec.kind, id, to };
    let reply = match call.target.operation {
        Operation::PostBucketInventory => {
            let job = crate::digest::md5(call.context.identity.cos_request_id().as_bytes());
            document_reply(xml::document("PostInventoryResult", |result| result.text("JobId", job)))
        }
        _ => Reply::new(spec.put_status),
    };
    Ok(changed(reply, change))
}

fn rename(node: &mut Node, from: &str, to: &str) {
    if node.name == from {
        to.clone_into(&mut node.name);
    }
    node.children.iter_mut().for_each(|child| rename(child, from, to));
}

fn get(call: &Call<'_>, spec: &Spec) -> Handled {
    let bucket = call.bucket()?;
    if spec.kind == ConfigurationKind::IntelligentTieringRule && !call.head.query.has("id") {
        return list(call, spec.kind, "ListBucketIntelligentTieringConfigurationsOutput");
    }
    let present = bucket.configuration_of(spec.kind, id(call, spec)?);
    let present = match (present.and_then(|present| present.xml()), spec.absent) {
        (None, Absent::Error(code) | Absent::ErrorAlways(code)) => return Err(Error::new(code)),
        (present, _) => present,
    };
    let document = xml::document(spec.root, |root| {
        present.into_iter().flat_map(|present| &present.children).for_each(|child| match spec.kind {
            ConfigurationKind::Website => root.node(&with_url_redirect(child)),
            _ => root.node(child),
        });
        if spec.kind == ConfigurationKind::Accelerate && present.is_some() {
            root.text("Type", "COS");
        }
    });
    let mut reply = document_reply(document);
    if spec.kind == ConfigurationKind::Domain {
        let verification = crate::digest::md5(call.target.bucket.as_bytes());
        reply.push("x-cos-domain-txt-verification", format!("tencent-cloud-cos-verification={verification}"));
    }
    Ok(unchanged(reply))
}

/// The service adds to each redirect that it is one of URLs.
fn with_url_redirect(node: &Node) -> Node {
    let mut node = node.clone();
    fn add(node: &mut Node) {
        if node.name == "Redirect" && node.child("URLRedirect").is_none() {
            node.children.push(Node::with_text("URLRedirect", "Enabled"));
        }
        node.children.iter_mut().for_each(add);
    }
    add(&mut node);
    node
}

/// The largest page of configurations.
const MAX_LISTED: usize = 100;

/// The configurations of a kind by id.
fn list(call: &Call<'_>, kind: ConfigurationKind, root: &str) -> Handled {
    let token = call.head.query.get("continuation-token").unwrap_or("");
    let mut all = call.bucket()?.configurations(kind).filter(|(id, _)| *id > token);
    let page: Vec<_> = all.by_ref().take(MAX_LISTED).collect();
    let truncated = all.next().is_some();
    let document = xml::document(root, |result| {
        for configuration in page.iter().filter_map(|(_, configuration)| configuration.xml()) {
            result.node(configuration);
        }
        result.text("IsTruncated", truncated);
        result.optional("ContinuationToken", (!token.is_empty()).then_some(token));
        result.optional("NextContinuationToken", page.last().filter(|_| truncated).map(|(id, _)| id));
    });
    Ok(unchanged(document_reply(document)))
}

/// # Errors
/// `BucketLocked`.
fn check_not_locked(bucket: &Bucket) -> Result<(), Error> {
    match bucket.configuration(ConfigurationKind::ObjectLock) {
        Some(_) => Err(Error::new(CosCode::BucketLocked).because("the bucket has an object lock")),
        None => Ok(()),
    }
}

fn check_replication(_: &Call<'_>, bucket: &Bucket, root: &Node) -> Result<(), Error> {
    check_not_locked(bucket)?;
    if bucket.versioning() != Versioning::Enabled {
        return Err(Error::new(CosCode::InvalidBucketState).because("replication needs versioning"));
    }
    let mut targets: Vec<&str> = root
        .all("Rule")
        .filter_map(|rule| rule.at(&["Destination", "Bucket"]))
        .map(|node| node.text.trim())
        .collect();
    targets.dedup();
    if targets.len() > 1 {
        return Err(Error::new(CosCode::MultiBucketNotSupport));
    }
    Ok(())
}

fn check_logging(call: &Call<'_>, bucket: &Bucket, root: &Node) -> Result<(), Error> {
    let Some(enabled) = root.child("LoggingEnabled") else { return Ok(()) };
    let target = enabled.text_of("TargetBucket").unwrap_or("");
    if call.store.bucket(target).is_none_or(|target| target.region() != bucket.region()) {
        return Err(Error::new(CosCode::InvalidTargetBucketForLogging)
            .because(format_args!("there is no bucket \"{target}\" in {}", bucket.region())));
    }
    if enabled.text_of("TargetPrefix").is_some_and(|prefix| prefix.starts_with('/')) {
        return Err(Error::new(CosCode::LoggingPrefixInvalid).because("it starts with a slash"));
    }
    Ok(())
}

/// # Errors
/// `InvalidArgument` when the document has another id than the request.
fn check_id(call: &Call<'_>, _: &Bucket, root: &Node) -> Result<(), Error> {
    let (named, written) = (call.head.query.get("id").unwrap_or(""), root.text_of("Id").unwrap_or(""));
    if named != written {
        return Err(Error::new(CosCode::InvalidArgument)
            .because(format_args!("the request names the id \"{named}\", the document \"{written}\"")));
    }
    Ok(())
}

fn check_inventory(call: &Call<'_>, bucket: &Bucket, root: &Node) -> Result<(), Error> {
    const MOST: usize = 1000;
    check_id(call, bucket, root)?;
    let id = call.head.query.get("id").unwrap_or("");
    let is_new = bucket.configuration_of(ConfigurationKind::Inventory, id).is_none();
    let repeats = call.target.operation == Operation::PutBucketInventory;
    if repeats && (root.child("IsEnabled").is_none() || root.child("Schedule").is_none()) {
        return Err(Error::new(CosCode::MalformedXML)
            .because("InventoryConfiguration has no IsEnabled or no Schedule"));
    }
    if !repeats && !is_new {
        return Err(Error::new(CosCode::DuplicateInventoryId));
    }
    if is_new && bucket.configurations(ConfigurationKind::Inventory).count() >= MOST {
        return Err(Error::new(CosCode::InventoryFull));
    }
    Ok(())
}

fn check_domain(call: &Call<'_>, _: &Bucket, root: &Node) -> Result<(), Error> {
    let names: Vec<&str> = root.all("DomainRule").filter_map(|rule| rule.text_of("Name")).collect();
    for (other, bucket) in call.store.buckets().filter(|(name, _)| *name != call.target.bucket) {
        let Some(configuration) = bucket.configuration(ConfigurationKind::Domain) else { continue };
        let taken = configuration.xml().into_iter().flat_map(|root| root.all("DomainRule"));
        if let Some(name) = taken.filter_map(|rule| rule.text_of("Name")).find(|name| names.contains(name)) {
            return Err(Error::new(CosCode::DomainConfigConflict)
                .because(format_args!("{name} belongs to {other} already")));
        }
    }
    Ok(())
}

fn lock_days(root: &Node) -> Option<u32> {
    let days = root.at(&["Rule", "DefaultRetention", "Days"])?.text.trim().parse().ok()?;
    (1..=36_500).contains(&days).then_some(days)
}

/// How long what is written to a bucket is kept from being changed, in days.
pub(super) fn retention_days(bucket: &Bucket) -> Option<u32> {
    lock_days(bucket.configuration(ConfigurationKind::ObjectLock)?.xml()?)
}

fn check_object_lock(_: &Call<'_>, bucket: &Bucket, root: &Node) -> Result<(), Error> {
    // Without a rule objects are locked one by one.
    let days = match root.child("Rule") {
        None => 0,
        Some(_) => lock_days(root).ok_or_else(|| {
            Error::new(CosCode::InvalidLockedTime).because("Days must be a number from 1 to 36500")
        })?,
    };
    if retention_days(bucket).is_some_and(|present| days < present) {
        return Err(Error::new(CosCode::InvalidLockedTime).because("it can be extended only"));
    }
    let excludes = [
        (ConfigurationKind::Replication, "replication"),
        (ConfigurationKind::Lifecycle, "lifecycle"),
        (ConfigurationKind::IntelligentTiering, "intelligent tiering"),
    ];
    let other =
        excludes.iter().find(|(kind, _)| bucket.configuration(*kind).is_some()).map(|(_, name)| *name);
    let other = other.or((bucket.versioning() != Versioning::Never).then_some("versioning"));
    match other {
        Some(other) => {
            Err(Error::new(CosCode::InvalidBucketState).because(format_args!("object lock excludes {other}")))
        }
        None => Ok(()),
    }
}

/// # Errors
/// `NoSuchBucketPolicy`.
fn get_policy(call: &Call<'_>) -> Handled {
    let policy = call.bucket()?.configuration(ConfigurationKind::Policy);
    let policy = policy.and_then(|policy| policy.json());
    let (_, text) = policy.ok_or_else(|| Error::new(CosCode::NoSuchBucketPolicy))?;
    // The service says so of its JSON.
    Ok(unchanged(Reply::new(200).with("Content-Type", "application/xml").with_body(text.to_owned())))
}

/// # Errors
/// `BadDigest`, `MissingRequestBodyError`, `MalformedPolicy`.
fn put_policy(call: &Call<'_>, body: &Received) -> Handled {
    call.bucket()?;
    let bytes = bytes_of(call, body)?;
    let (policy, text) =
        policy_of(&bytes).map_err(|reason| Error::new(CosCode::MalformedPolicy).because(reason))?;
    let change = Change::Configure {
        bucket: call.target.bucket.clone(),
        kind: ConfigurationKind::Policy,
        id: String::new(),
        to: Some(Configuration::Json(policy, text)),
    };
    Ok(changed(Reply::new(204), change))
}

/// Reads a policy: what it says, and the text to give back. `Statement` may be written small, and is given back with a big letter.
fn policy_of(bytes: &[u8]) -> Result<(Value, String), String> {
    let policy: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let Value::Object(mut members) = policy else { return Err("it is no JSON object".to_owned()) };
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    if let Some(statement) = members.remove("statement") {
        members.insert("Statement".to_owned(), statement);
        text = Value::Object(members.clone()).to_string();
    }
    // One that stands beside the statements is that of each.
    let principal = members.iter().find(|(name, _)| name.eq_ignore_ascii_case("principal"));
    let statements = members.get("Statement").and_then(Value::as_array).ok_or("there is no Statement")?;
    for statement in statements {
        let member = |name: &str| member_of(statement, name);
        let effect = member("effect").and_then(Value::as_str).unwrap_or("");
        if !["allow", "deny"].iter().any(|known| effect.eq_ignore_ascii_case(known)) {
            return Err(format!("an Effect is \"{effect}\", but must be allow or deny"));
        }
        let has_principal = principal.is_some() || member("principal").is_some();
        let missing = ["action", "resource"].into_iter().find(|name| member(name).is_none());
        if let Some(name) = missing.or((!has_principal).then_some("principal")) {
            return Err(format!("a Statement has no {name}"));
        }
    }
    Ok((Value::Object(members), text))
}

/// # Errors
/// `NoSuchBucket`.
fn get_versioning(call: &Call<'_>) -> Handled {
    let status = match call.bucket()?.versioning() {
        Versioning::Never => None,
        Versioning::Enabled => Some("Enabled"),
        Versioning::Suspended => Some("Suspended"),
    };
    let document = xml::document("VersioningConfiguration", |root| root.optional("Status", status));
    Ok(unchanged(document_reply(document)))
}

/// # Errors
/// `NoSuchBucket`, `BucketLocked`, `BadDigest`, `MissingRequestBodyError`, `MalformedXML`.
fn put_versioning(call: &Call<'_>, body: &Received) -> Handled {
    check_not_locked(call.bucket()?)?;
    let root = document_of(call, body)?;
    let versioning = match root.text_of("Status") {
        Some("Enabled") if root.name == "VersioningConfiguration" => Versioning::Enabled,
        Some("Suspended") if root.name == "VersioningConfiguration" => Versioning::Suspended,
        _ => {
            return Err(Error::new(CosCode::MalformedXML)
                .because("it is no VersioningConfiguration with a Status of Enabled or Suspended"));
        }
    };
    Ok(changed(Reply::new(200), Change::SetVersioning { bucket: call.target.bucket.clone(), versioning }))
}

/// # Errors
/// `InvalidArgument`.
fn domain_name<'a>(call: &Call<'a>) -> Result<&'a str, Error> {
    let name = call.head.query.get("domainname").filter(|name| !name.is_empty());
    name.ok_or_else(|| Error::new(CosCode::InvalidArgument).because("the parameter domainname is missing"))
}

/// Each domain has its certificate. What is told of it is not what was put: the key is never given back.
fn put_certificate(call: &Call<'_>, body: &Received) -> Handled {
    let bucket = call.bucket()?;
    let root = document_of(call, body)?;
    if root.name != "DomainCertificate" {
        return Err(Error::new(CosCode::MalformedXML).because("the root is not DomainCertificate"));
    }
    schema::check(&root, schema::DOMAIN_CERTIFICATE)?;
    let known = bucket.configuration(ConfigurationKind::Domain).and_then(|domains| domains.xml());
    let names = root.child("DomainList").into_iter().flat_map(|list| list.texts_of("DomainName"));
    let mut changes = Vec::new();
    for name in names {
        let is_known =
            known.is_some_and(|known| known.all("DomainRule").any(|rule| rule.text_of("Name") == Some(name)));
        if !is_known {
            return Err(Error::new(CosCode::DomainConfigNotFoundError)
                .because(format_args!("{name} is no domain of the bucket")));
        }
        let id = root.at(&["CertificateInfo", "CustomCert", "CertId"]).map(|id| id.text.clone());
        let id = id.unwrap_or_else(|| crate::digest::md5(name.as_bytes()).to_string()[..8].to_owned());
        let begin = call.context.now;
        let info = vec![
            Node::with_text("CertId", id),
            Node::with_text("ValidityBegin", begin.unix_seconds().to_string()),
            Node::with_text("ValidityExpire", begin.plus(YEAR).unix_seconds().to_string()),
        ];
        let told = Node::with_children(
            "DomainCertificate",
            vec![Node::with_text("Status", "Enabled"), Node::with_children("CertificateInfo", info)],
        );
        changes.push(Change::Configure {
            bucket: call.target.bucket.clone(),
            kind: ConfigurationKind::DomainCertificate,
            id: name.to_owned(),
            to: Some(Configuration::Xml(told)),
        });
    }
    Ok(Outcome { reply: Reply::new(200), changes })
}

/// How long a certificate is said to be good.
const YEAR: std::time::Duration = std::time::Duration::from_secs(365 * 24 * 60 * 60);

/// # Errors
/// `DomainConfigNotFoundError`.
fn get_certificate(call: &Call<'_>) -> Handled {
    let name = domain_name(call)?;
    let told = call.bucket()?.configuration_of(ConfigurationKind::DomainCertificate, name);
    let told =
        told.and_then(|told| told.xml()).ok_or_else(|| Error::new(CosCode::DomainConfigNotFoundError))?;
    let document = xml::document(&told.name, |root| told.children.iter().for_each(|child| root.node(child)));
    Ok(unchanged(document_reply(document)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_belongs_to_one_kind() {
        let mut seen = BTreeSet::new();
        for spec in SPECS {
            let operations = spec.put.iter().copied().chain([spec.get]).chain(spec.delete);
            assert!(operations.into_iter().all(|operation| seen.insert(operation.name())), "{}", spec.root);
        }
    }

    #[test]
    fn policies_are_read_with_small_and_big_letters() {
        let policy = |text: &str| policy_of(text.as_bytes());
        let small = r#"{"version":"2.0","statement":[{"effect":"allow","principal":"*","action":"*","resource":"*"}]}"#;
        let (read, text) = policy(small).unwrap();
        assert!(read["Statement"][0]["effect"] == "allow" && text.contains("\"Statement\""));
        for text in
            ["", "[]", "{}", r#"{"Statement":[{"Effect":"maybe"}]}"#, r#"{"Statement":[{"Effect":"Deny"}]}"#]
        {
            assert!(policy(text).is_err(), "{text}");
        }
    }
}
