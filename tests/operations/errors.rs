//! The errors of COS that no change of a request that would succeed makes.

use crate::rows::*;
use crate::support::documents::*;
use crate::support::{Answer, Request, Server, md5_base64};

/// An error that is made by itself.
pub struct Special {
    pub op: &'static str,
    pub code: &'static str,
    pub answer: fn(&Server) -> Answer,
}

const KEY_ID: &str = "AKIDcosemu";

fn special(op: &'static str, code: &'static str, answer: fn(&Server) -> Answer) -> Special {
    Special { op, code, answer }
}

fn append_key(server: &Server) {
    server.send(Request::cos("POST", "key?append&position=0").body("bytes")).ok();
}

fn complete(server: &Server, parts: &[(u32, &str)]) -> Answer {
    let (upload, _) = upload(server);
    server.send(Request::cos("POST", &format!("key?uploadId={upload}")).body(completion(parts)))
}

/// A policy that allows everything for as long as it says.
fn policy(expiration: &str, conditions: &str) -> String {
    use base64::Engine as _;
    let text = format!("{{\"expiration\": \"{expiration}\", \"conditions\": {conditions}}}");
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn post(policy: &str) -> Request {
    form(&[("key", "key"), ("policy", policy)], &["bytes"])
}

/// The errors that no change of a canonical request makes.
pub fn specials() -> Vec<Special> {
    vec![
        special("ListBuckets", "InvalidArgument", |server| server.send(Request::new("GET", "/?max-keys=x"))),
        special("PutBucket", "BucketAlreadyOwnedByYou", |server| server.send(Request::cos("PUT", ""))),
        special("PutBucket", "TooManyBuckets", |server| {
            for number in 1..200 {
                server.send(Request::new("PUT", &format!("/b{number}-1250000000/"))).ok();
            }
            server.send(Request::new("PUT", "/new-1250000000/"))
        }),
        special("PutBucket", "InvalidArgument", |server| {
            server.send(Request::new("PUT", "/new-1250000000/").with("x-cos-acl", "everybody"))
        }),
        special("PutBucket", "NotImplemented", |server| {
            let document =
                "<CreateBucketConfiguration><BucketAZConfig>MAZ</BucketAZConfig></CreateBucketConfiguration>";
            server.send(Request::new("PUT", "/new-1250000000/").body(document))
        }),
        special("DeleteBucket", "BucketNotEmpty", |server| {
            put_key(server);
            server.send(Request::cos("DELETE", ""))
        }),
        special("ListObjects", "InvalidArgument", |server| server.send(Request::cos("GET", "?max-keys=x"))),
        special("ListObjects", "InvalidDelimiter", |server| {
            server.send(Request::cos("GET", "?delimiter=ab"))
        }),
        special("ListVersions", "InvalidArgument", |server| {
            server.send(Request::cos("GET", "?versions&version-id-marker=null"))
        }),
        special("ListVersions", "InvalidDelimiter", |server| {
            server.send(Request::cos("GET", "?versions&delimiter=ab"))
        }),
        special("ListMultipartUploads", "InvalidArgument", |server| {
            server.send(Request::cos("GET", "?uploads&max-uploads=0"))
        }),
        special("ListMultipartUploads", "InvalidDelimiter", |server| {
            server.send(Request::cos("GET", "?uploads&delimiter=ab"))
        }),
        special("GetObject", "InvalidObjectState", |server| {
            put_archived(server);
            server.send(Request::cos("GET", "key"))
        }),
        special("GetObject", "InvalidArgument", |server| {
            put_key(server);
            server.send(Request::cos("GET", "key?response-content-type=a%0Ab"))
        }),
        special("GetObject", "SSEHeaderNotAllowed", |server| {
            put_key(server);
            server.send(Request::cos("GET", "key").with("x-cos-server-side-encryption", "AES256"))
        }),
        special("DeleteObjects", "InvalidRequest", |server| {
            server.send(Request::cos("POST", "?delete").body(DELETE))
        }),
        special("DeleteObjects", "InvalidDigest", |server| {
            server.send(Request::cos("POST", "?delete").with("Content-MD5", md5_base64("other")).body(DELETE))
        }),
        special("DeleteObjects", "MalformedXML", |server| server.send(delete_many("<Delete/>"))),
        special("CopyObject", "InvalidRequest", |server| {
            put_key(server);
            server.send(copy("key"))
        }),
        special("CopyObject", "EntityTooLarge", |_| {
            let text = r#"{"version": 1, "name": "large", "setup": {"buckets": {"demo-1250000000": {"objects": {"key": {"size": "6GiB"}}}}}}"#;
            let scenario =
                cos_emu::Scenario::parse("t.json", text.as_bytes(), None).unwrap_or_else(|e| panic!("{e}"));
            Server::configured(|config| config.scenario = Some(scenario)).send(copy("copy"))
        }),
        special("AppendObject", "InvalidArgument", |server| {
            server.send(Request::cos("POST", "key?append&position=x").body("bytes"))
        }),
        special("AppendObject", "AppendPositionErr", |server| {
            append_key(server);
            server.send(Request::cos("POST", "key?append&position=3").body("bytes"))
        }),
        special("AppendObject", "ObjectNotAppendable", |server| {
            put_key(server);
            server.send(Request::cos("POST", "key?append&position=5").body("bytes"))
        }),
        special("AppendObject", "InvalidBucketState", |server| {
            enable_versions(server);
            server.send(Request::cos("POST", "key?append&position=0").body("bytes"))
        }),
        special("AppendObject", "ObjectLocked", |server| {
            lock(server);
            append_key(server);
            server.send(Request::cos("POST", "key?append&position=5").body("bytes"))
        }),
        special("PostObject", "KeyTooLong", |server| {
            server.send(form(&[("key", &"k".repeat(851))], &["bytes"]))
        }),
        special("PostObject", "InvalidObjectName", |server| {
            server.send(form(&[("key", "/key")], &["bytes"]))
        }),
        special("PostObject", "FileAlreadyExists", |server| {
            put_key(server);
            server.send(form(&[("key", "key"), ("x-cos-forbid-overwrite", "true")], &["bytes"]))
        }),
        special("PostObject", "ObjectLocked", |server| {
            lock(server);
            put_key(server);
            server.send(form(&[("key", "key")], &["bytes"]))
        }),
        special("PostObject", "NotSupportedStorageClass", |server| {
            server.send(form(&[("key", "key"), ("x-cos-storage-class", "GOLD")], &["bytes"]))
        }),
        special("PostObject", "InvalidTag", |server| {
            server.send(form(&[("key", "key"), ("x-cos-tagging", "=v")], &["bytes"]))
        }),
        special("PostObject", "InvalidArgument", |server| {
            server.send(form(&[("key", "key"), ("acl", "everybody")], &["bytes"]))
        }),
        special("PostObject", "InvalidPolicyDocument", |server| server.send(post("e30="))),
        special("PostObject", "EntityTooSmall", |server| {
            server.send(post(&policy("2200-01-01T00:00:00Z", r#"[["content-length-range", 6, 9]]"#)))
        }),
        special("PostObject", "EntityTooLarge", |server| {
            server.send(post(&policy("2200-01-01T00:00:00Z", r#"[["content-length-range", 0, 4]]"#)))
        }),
        special("PostObject", "SignatureDoesNotMatch", |server| {
            let policy = policy("2200-01-01T00:00:00Z", r#"[{"key": "key"}]"#);
            let fields = [
                ("key", "key"),
                ("policy", &policy),
                ("q-sign-algorithm", "sha1"),
                ("q-ak", KEY_ID),
                ("q-key-time", "1;9000000000"),
                ("q-signature", "x"),
            ];
            server.send(form(&fields, &["bytes"]))
        }),
        special("PostObject", "InvalidDigest", |server| {
            let other = md5_base64("other");
            server.send(form(&[("key", "key"), ("Content-MD5", &other)], &["bytes"]))
        }),
        special("PostObject", "MalformedPOSTRequest", |server| {
            server.send(Request::cos("POST", "").with("Content-Type", "text/plain").body("bytes"))
        }),
        special("PostObject", "MaxPostPreDataLengthExceededError", |server| {
            server.send(form(&[("key", "key"), ("x-cos-meta-a", &"v".repeat(1 << 20))], &["bytes"]))
        }),
        special("PostObject", "IncorrectNumberOfFilesInPostRequest", |server| {
            server.send(form(&[("key", "key")], &["one", "two"]))
        }),
        special("PostObject", "UserKeyMustBeSpecified", |server| server.send(form(&[], &["bytes"]))),
        special("OptionsObject", "AccessForbidden", |server| {
            let asked = Request::cos("OPTIONS", "key").with("Origin", "http://a.example");
            server.send(asked.with("Access-Control-Request-Method", "PUT"))
        }),
        special("RestoreObject", "RestoreAlreadyInProgress", |server| {
            put_archived(server);
            server.send(Request::cos("POST", "key?restore").body(RESTORE)).ok();
            server.send(Request::cos("POST", "key?restore").body(RESTORE))
        }),
        special("RestoreObject", "RestoreNonArchiveObject", |server| {
            put_key(server);
            server.send(Request::cos("POST", "key?restore").body(RESTORE))
        }),
        special("SelectObjectContent", "NotImplemented", |server| {
            server.send(Request::cos("POST", "key?select&select-type=2").body("<SelectRequest/>"))
        }),
        special("GetBucketNotification", "NotImplemented", |server| {
            server.send(Request::cos("GET", "?notification"))
        }),
        special("PutBucketNotification", "NotImplemented", |server| {
            server.send(Request::cos("PUT", "?notification").body("<N/>"))
        }),
        special("UploadPart", "InvalidArgument", |server| {
            let (upload, _) = upload(server);
            server.send(Request::cos("PUT", &format!("key?partNumber=0&uploadId={upload}")).body("bytes"))
        }),
        special("UploadPart", "SSEHeaderNotAllowed", |server| {
            let (upload, _) = upload(server);
            let part = Request::cos("PUT", &format!("key?partNumber=1&uploadId={upload}"));
            server.send(with_customer_key(part, "").body("bytes"))
        }),
        special("UploadPartCopy", "InvalidArgument", |server| {
            put_key(server);
            server.send(part_copy(server).with("x-cos-copy-source-range", "bytes=1"))
        }),
        special("UploadPartCopy", "InvalidRange", |server| {
            put_key(server);
            server.send(part_copy(server).with("x-cos-copy-source-range", "bytes=0-5"))
        }),
        special("CompleteMultipartUpload", "InvalidPart", |server| complete(server, &[(1, "0")])),
        special("CompleteMultipartUpload", "InvalidPartOrder", |server| {
            complete(server, &[(2, "0"), (1, "0")])
        }),
        special("CompleteMultipartUpload", "EntityTooSmall", |server| {
            let (upload, etag) = upload(server);
            let second = Request::cos("PUT", &format!("key?partNumber=2&uploadId={upload}")).body("bytes");
            server.send(second).ok();
            let list = completion(&[(1, &etag), (2, &etag)]);
            server.send(Request::cos("POST", &format!("key?uploadId={upload}")).body(list))
        }),
        special("CompleteMultipartUpload", "FileAlreadyExists", |server| {
            let (upload, etag) = upload(server);
            put_key(server);
            let complete = Request::cos("POST", &format!("key?uploadId={upload}"));
            server.send(complete.with("x-cos-forbid-overwrite", "true").body(completion(&[(1, &etag)])))
        }),
        special("CompleteMultipartUpload", "ObjectLocked", |server| {
            let (upload, etag) = upload(server);
            lock(server);
            put_key(server);
            server
                .send(Request::cos("POST", &format!("key?uploadId={upload}")).body(completion(&[(1, &etag)])))
        }),
        special("ListParts", "ListPartUploadIdIsEmpty", |server| {
            server.send(Request::cos("GET", "key?uploadId="))
        }),
        special("ListParts", "InvalidArgument", |server| {
            let (upload, _) = upload(server);
            server.send(Request::cos("GET", &format!("key?uploadId={upload}&max-parts=0")))
        }),
        special("PutObjectTagging", "InvalidTag", |server| {
            put_key(server);
            let tags = "<Tagging><TagSet><Tag><Key/><Value>v</Value></Tag></TagSet></Tagging>";
            server.send(Request::cos("PUT", "key?tagging").body(tags))
        }),
        special("PutBucketTagging", "InvalidTag", |server| {
            let tags = "<Tagging><TagSet><Tag><Key/><Value>v</Value></Tag></TagSet></Tagging>";
            server.send(Request::cos("PUT", "?tagging").body(tags))
        }),
        special("GetObjectRetention", "NoSuchObjectLockConfiguration", |server| {
            put_key(server);
            server.send(Request::cos("GET", "key?retention"))
        }),
        special("PutObjectRetention", "NoSuchObjectLockConfiguration", |server| {
            put_key(server);
            server.send(Request::cos("PUT", "key?retention").body(RETENTION))
        }),
        special("PutObjectRetention", "InvalidLockedTime", |server| {
            lock(server);
            put_key(server);
            server.send(Request::cos("PUT", "key?retention").body(RETENTION.replace("2200", "2000")))
        }),
        special("GetObjectSymlink", "InvalidRequest", |server| {
            put_key(server);
            server.send(Request::cos("GET", "key?symlink"))
        }),
        special("PutObjectSymlink", "InvalidArgument", |server| {
            server.send(Request::cos("PUT", "key?symlink"))
        }),
        special("PutBucketCors", "XMLSizeLimit", |server| {
            server.send(Request::cos("PUT", "?cors").body(format!("{CORS}{}", " ".repeat(64 << 10))))
        }),
        special("PutBucketWebsite", "XMLSizeLimit", |server| {
            server.send(Request::cos("PUT", "?website").body(format!("{WEBSITE}{}", " ".repeat(64 << 10))))
        }),
        special("PutBucketLifecycle", "InvalidArgument", |server| {
            server.send(Request::cos("PUT", "?lifecycle").body(twice_the_rule("logs/", "old")))
        }),
        special("PutBucketLifecycle", "InvalidRequest", |server| {
            server.send(Request::cos("PUT", "?lifecycle").body(twice_the_rule("logs/", "other")))
        }),
        special("PutBucketLifecycle", "NotSupportedStorageClass", |server| {
            let transition = "<Transition><Days>1</Days><StorageClass>GOLD</StorageClass></Transition>";
            let document = LIFECYCLE.replace("<Expiration><Days>30</Days></Expiration>", transition);
            server.send(Request::cos("PUT", "?lifecycle").body(document))
        }),
        special("PutBucketLifecycle", "BucketLocked", |server| {
            lock(server);
            server.send(Request::cos("PUT", "?lifecycle").body(LIFECYCLE))
        }),
        special("PutBucketVersioning", "BucketLocked", |server| {
            lock(server);
            server.send(Request::cos("PUT", "?versioning").body(VERSIONING))
        }),
        special("PutBucketIntelligentTiering", "BucketLocked", |server| {
            lock(server);
            server.send(Request::cos("PUT", "?intelligenttiering").body(TIERING))
        }),
        special("PutBucketIntelligentTiering", "InvalidRequest", |server| {
            configure(server, "intelligenttiering", TIERING);
            server.send(Request::cos("PUT", "?intelligenttiering").body(TIERING.replace("30", "60")))
        }),
        special("DeleteBucketIntelligentTiering", "InvalidArgument", |server| {
            server.send(Request::cos("DELETE", "?intelligent-tiering&id="))
        }),
        special("PutBucketReplication", "BucketLocked", |server| {
            lock(server);
            server.send(Request::cos("PUT", "?replication").body(REPLICATION))
        }),
        special("PutBucketReplication", "InvalidBucketState", |server| {
            server.send(Request::cos("PUT", "?replication").body(REPLICATION))
        }),
        special("PutBucketReplication", "MultiBucketNotSupport", |server| {
            enable_versions(server);
            let rule = &REPLICATION[REPLICATION.find("<Rule>").unwrap()..REPLICATION.find("</Repl").unwrap()];
            let both = format!(
                "{}</ReplicationConfiguration>",
                REPLICATION.replace("</ReplicationConfiguration>", &rule.replace("other", "third"))
            );
            server.send(Request::cos("PUT", "?replication").body(both))
        }),
        special("PutBucketLogging", "InvalidTargetBucketForLogging", |server| {
            server.send(Request::cos("PUT", "?logging").body(LOGGING.replace("demo", "missing")))
        }),
        special("PutBucketLogging", "LoggingPrefixInvalid", |server| {
            server.send(Request::cos("PUT", "?logging").body(LOGGING.replace(">logs<", ">/logs<")))
        }),
        special("GetBucketInventory", "InvalidArgument", |server| {
            server.send(Request::cos("GET", "?inventory&id="))
        }),
        special("DeleteBucketInventory", "InvalidArgument", |server| {
            server.send(Request::cos("DELETE", "?inventory&id="))
        }),
        special("PutBucketInventory", "InvalidArgument", |server| {
            server.send(Request::cos("PUT", "?inventory&id=other").body(INVENTORY))
        }),
        special("PutBucketInventory", "InventoryFull", |server| {
            for number in 0..1000 {
                configure(
                    server,
                    &format!("inventory&id=n{number}"),
                    &INVENTORY.replace("<Id>i<", &format!("<Id>n{number}<")),
                );
            }
            server.send(Request::cos("PUT", "?inventory&id=i").body(INVENTORY))
        }),
        special("PostBucketInventory", "InvalidArgument", |server| {
            server.send(Request::cos("POST", "?inventory&id=other").body(INVENTORY))
        }),
        special("PostBucketInventory", "DuplicateInventoryId", |server| {
            server.send(Request::cos("POST", "?inventory&id=i").body(INVENTORY)).ok();
            server.send(Request::cos("POST", "?inventory&id=i").body(INVENTORY))
        }),
        special("PutBucketDomain", "DomainConfigConflict", |server| {
            server.send(Request::new("PUT", "/other-1250000000/")).ok();
            server.send(Request::new("PUT", "/other-1250000000/?domain").body(DOMAIN)).ok();
            server.send(Request::cos("PUT", "?domain").body(DOMAIN))
        }),
        special("GetBucketDomainCertificate", "InvalidArgument", |server| {
            server.send(Request::cos("GET", "?domaincertificate"))
        }),
        special("DeleteBucketDomainCertificate", "InvalidArgument", |server| {
            server.send(Request::cos("DELETE", "?domaincertificate"))
        }),
        special("PutBucketDomainCertificate", "DomainConfigNotFoundError", |server| {
            server.send(Request::cos("PUT", "?domaincertificate").body(CERTIFICATE))
        }),
        special("PutBucketObjectLock", "InvalidLockedTime", |server| {
            server.send(Request::cos("PUT", "?object-lock").body(OBJECT_LOCK.replace(">1<", ">0<")))
        }),
        special("PutBucketObjectLock", "InvalidBucketState", |server| {
            enable_versions(server);
            server.send(Request::cos("PUT", "?object-lock").body(OBJECT_LOCK))
        }),
        special("PutBucketPolicy", "MalformedPolicy", |server| {
            server.send(Request::cos("PUT", "?policy").body("{}"))
        }),
    ]
}

fn twice_the_rule(prefix: &str, id: &str) -> String {
    let second = LIFECYCLE.replace("logs/", prefix).replace(">old<", &format!(">{id}<"));
    let rule = &second[second.find("<Rule>").unwrap()..second.find("</Lifecycle").unwrap()];
    LIFECYCLE.replace("</LifecycleConfiguration>", &format!("{rule}</LifecycleConfiguration>"))
}

/// The three headers of a customer's key of zeros; `of` stands before them, for the source of a copy.
pub fn with_customer_key(request: Request, of: &str) -> Request {
    let name = |rest: &str| format!("x-cos-{of}server-side-encryption-customer-{rest}");
    request
        .with(&name("algorithm"), "AES256")
        .with(&name("key"), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        .with(&name("key-MD5"), md5_base64([0; 32]))
}
