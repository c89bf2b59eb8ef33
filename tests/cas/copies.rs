//! The bridge between the two halves of one world: jobs that copy archives to buckets and objects to vaults.

use std::time::Duration;

use cos_emu::{AuthMode, Clock, EtagForm};

use super::jobs::{describe_job, frozen, job_output, start_job};
use super::*;
use crate::support::{BUCKET, md5};

fn upload(server: &Server, bytes: &[u8]) -> String {
    upload_archive(server, bytes).ok().header("x-cas-archive-id").unwrap().to_owned()
}

fn push(archive: &str) -> Value {
    json!({ "Type": "push-to-cos", "ArchiveId": archive, "Object": "dir/copy",
        "Bucket": format!("{BUCKET}.cos.ap-guangzhou.myqcloud.com") })
}

fn pull() -> Value {
    json!({ "Type": "pull-from-cos", "Object": "key", "Bucket": BUCKET })
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

/// Advances the clock of the server by the control API.
pub fn advance(server: &Server, by: &str) {
    let body = format!("{{\"advance\": \"{by}\"}}");
    let target = "/_cos-emu/v1/scenarios/default/clock";
    server.send(Request::new("PUT", target).with("Content-Type", "application/json").body(body)).ok();
}

fn failed_with(server: &Server, id: &str) -> String {
    let job = describe_job(server, id);
    assert_eq!(job["StatusCode"], "Failed", "{job}");
    job_output(server, id, "").is(404, "ResourceNotFoundException");
    job["StatusMessage"].as_str().unwrap().to_owned()
}

#[test]
fn an_archive_is_pushed_to_a_bucket() {
    let server = Server::configured(frozen);
    let bytes = pattern(2 * MIB + 5);
    let archive = upload(&server, &bytes);
    let id = start_job(&server, with(push(&archive), "Description", json!("to the bucket")));
    let job = describe_job(&server, &id);
    for (name, expected) in [
        ("Action", json!("PushToCOS")),
        ("StatusCode", json!("Succeeded")),
        ("JobDescription", json!("to the bucket")),
        ("ArchiveId", json!(archive)),
        ("ArchiveSizeInBytes", json!(bytes.len())),
        ("RetrievalByteRange", json!(format!("0-{}", bytes.len() - 1))),
        ("Tier", json!("Standard")),
        ("Bucket", json!(format!("{BUCKET}.cos.ap-guangzhou.myqcloud.com"))),
        ("Object", json!("dir/copy")),
        ("InventorySizeInBytes", json!(null)),
        ("CompletionDate", json!("2017-07-14T02:40:00.000Z")),
    ] {
        assert_eq!(job[name], expected, "{name}");
    }
    let object = server.send(Request::cos("GET", "dir/copy"));
    assert_eq!(object.ok().body, bytes);
    assert_eq!(object.header("ETag"), Some(format!("\"{}\"", md5(&bytes)).as_str()));
    assert_eq!(object.header("Content-Type"), Some("application/octet-stream"));
    assert!(object.header("x-cos-hash-crc64ecma").is_some());
    job_output(&server, &id, "").is(404, "ResourceNotFoundException");

    let part = with(push(&archive), "RetrievalByteRange", json!("1048576-2097151"));
    start_job(&server, with(part, "Object", json!("/part")));
    assert_eq!(server.send(Request::cos("GET", "part")).ok().body, &bytes[MIB..2 * MIB]);
}

#[test]
fn a_push_makes_what_the_bucket_makes_of_a_put() {
    let server = Server::configured(|config| config.etag = Some(EtagForm::Sha1));
    let document = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    server.send(Request::cos("PUT", "?versioning").body(document)).ok();
    let archive = upload(&server, b"bytes");
    start_job(&server, push(&archive));
    start_job(&server, push(&archive));
    let head = server.send(Request::cos("HEAD", "dir/copy"));
    assert_eq!(head.header("ETag").map(str::len), Some(42));
    let list = server.send(Request::cos("GET", "?versions"));
    assert_eq!(list.elements("Key").len(), 2, "{}", list.text());
}

#[test]
fn a_push_that_takes_four_hours_writes_nothing_before_and_then_by_itself() {
    let server = Server::configured(|config| {
        frozen(config);
        config.account.jobs = JobCompletion::After(Duration::from_secs(4 * 60 * 60));
    });
    let archive = upload(&server, b"bytes");
    let id = start_job(&server, push(&archive));
    advance(&server, "239m");
    assert_eq!(describe_job(&server, &id)["StatusCode"], "InProgress");
    server.send(Request::cos("GET", "dir/copy")).is(404, "NoSuchKey");
    server.send(Request::cas("DELETE", &format!("archives/{archive}"))).ok();
    advance(&server, "48h");
    // Nobody has described it.
    let object = server.send(Request::cos("GET", "dir/copy"));
    assert_eq!(object.ok().body, b"bytes");
    assert_eq!(object.header("Last-Modified"), Some("Fri, 14 Jul 2017 06:40:00 GMT"));
}

#[test]
fn the_description_that_completes_a_push_tells_of_its_end() {
    let server = Server::configured(|config| config.account.jobs = JobCompletion::AfterDescribes(2));
    let archive = upload(&server, b"bytes");
    let id = start_job(&server, push(&archive));
    assert_eq!(describe_job(&server, &id)["StatusCode"], "InProgress");
    server.send(Request::cos("GET", "dir/copy")).is(404, "NoSuchKey");
    assert_eq!(describe_job(&server, &id)["StatusCode"], "Succeeded");
    assert_eq!(server.send(Request::cos("GET", "dir/copy")).ok().body, b"bytes");
    let lost = start_job(&server, with(push(&archive), "Bucket", json!("missing-1250000000")));
    describe_job(&server, &lost);
    assert_eq!(failed_with(&server, &lost), "NoSuchBucket: missing-1250000000");
}

#[test]
fn a_push_fails_when_its_time_has_come_and_says_why() {
    let server = Server::configured(frozen);
    let archive = upload(&server, b"bytes");
    let id = start_job(&server, with(push(&archive), "Bucket", json!("missing-1250000000")));
    assert_eq!(failed_with(&server, &id), "NoSuchBucket: missing-1250000000");
    crate::support::documents::configure(&server, "object-lock", crate::support::documents::OBJECT_LOCK);
    start_job(&server, push(&archive));
    server.send(Request::cas("DELETE", &format!("archives/{archive}"))).ok();
    let id = start_job(&server, push(&archive));
    assert_eq!(failed_with(&server, &id), "The archive was deleted.");
}

#[test]
fn what_is_wrong_with_a_copy_is_told_at_once() {
    let server = Server::start();
    let archive = upload(&server, b"bytes");
    let start = |body: Value| server.send(Request::cas("POST", "jobs").body(body.to_string()));
    for (body, name) in
        [(push(&archive), "ArchiveId"), (push(&archive), "Bucket"), (push(&archive), "Object")]
    {
        start(with(body, name, json!(null))).is(400, "MissingParameterValueException");
    }
    for name in ["Bucket", "Object"] {
        start(with(pull(), name, json!(""))).is(400, "MissingParameterValueException");
    }
    start(push("never")).is(404, "ResourceNotFoundException");
    for (name, value) in [
        ("Bucket", json!("no bucket")),
        ("Bucket", json!(5)),
        ("RetrievalByteRange", json!("1-2")),
        ("Tier", json!("Fast")),
        ("CallBackUrl", json!("ftp://x")),
    ] {
        start(with(push(&archive), name, value)).is(400, "InvalidParameterValueException");
    }
    for (name, value) in [
        ("Range", json!("2-1")),
        ("Range", json!("bytes 0-1")),
        ("Range", json!(1)),
        ("Condition", json!("x")),
        ("Condition", json!({ "If-Range": "x" })),
        ("Condition", json!({ "If-Modified-Since": "yesterday" })),
        ("ArchiveDescription", json!("目")),
        ("ArchiveDescription", json!("d".repeat(1025))),
    ] {
        start(with(pull(), name, value.clone())).is(400, "InvalidParameterValueException");
    }
    assert_eq!(document(&server.send(Request::cas("GET", "jobs")))["JobList"], json!([]));
}

#[test]
fn an_object_is_pulled_into_the_vault() {
    let server = Server::configured(frozen);
    let bytes = pattern(MIB + 7);
    server.send(Request::cos("PUT", "key").body(&bytes)).ok();
    let id = start_job(&server, with(pull(), "ArchiveDescription", json!("from the bucket")));
    let job = describe_job(&server, &id);
    assert_eq!((&job["Action"], &job["StatusCode"]), (&json!("PullFromCOS"), &json!("Succeeded")));
    assert_eq!(job["ArchiveSizeInBytes"], bytes.len());
    assert_eq!((&job["Range"], &job["Condition"]), (&json!(null), &json!(null)));
    let archive = job["ArchiveId"].as_str().unwrap();
    // The archive goes on without the object.
    server.send(Request::cos("DELETE", "key")).ok();
    let back = start_job(&server, json!({ "Type": "archive-retrieval", "ArchiveId": archive }));
    let output = job_output(&server, &back, "");
    assert_eq!(output.ok().body, bytes);
    assert_eq!(output.header("x-cas-sha256-tree-hash"), Some(tree(&bytes).as_str()));
    let inventory = start_job(&server, json!({ "Type": "inventory-retrieval" }));
    let inventory = document(&job_output(&server, &inventory, ""));
    assert_eq!(inventory["ArchiveList"][0]["ArchiveDescription"], "from the bucket");
}

#[test]
fn a_range_of_an_object_is_pulled_in_both_spellings() {
    let server = Server::start();
    server.send(Request::cos("PUT", "key").body("0123456789")).ok();
    for (range, expected) in [("0-3", "0123"), ("bytes=2-4", "234"), ("bytes=7-", "789"), ("8-99", "89")] {
        let id = start_job(&server, with(pull(), "Range", json!(range)));
        let job = describe_job(&server, &id);
        assert_eq!(job["Range"], range);
        let back = json!({ "Type": "archive-retrieval", "ArchiveId": job["ArchiveId"] });
        assert_eq!(
            job_output(&server, &start_job(&server, back), "").ok().body,
            expected.as_bytes(),
            "{range}"
        );
    }
    let id = start_job(&server, with(pull(), "Range", json!("10-11")));
    assert_eq!(failed_with(&server, &id), "InvalidRange: the object has 10 bytes");
}

#[test]
fn a_pull_fails_where_cos_would_refuse_and_says_why() {
    let server = Server::configured(frozen);
    let why = |body: Value| failed_with(&server, &start_job(&server, body));
    assert_eq!(why(pull()), "NoSuchKey: key");
    assert_eq!(why(with(pull(), "Bucket", json!("missing"))), "NoSuchBucket: missing-1250000000");
    server.send(Request::cos("PUT", "key").body("")).ok();
    assert!(why(pull()).starts_with("The object is empty"));
    server.send(Request::cos("PUT", "key").body("bytes")).ok();
    let etag = md5(b"bytes");
    let is_met = |name: &str, value: &str| {
        let id = start_job(&server, with(pull(), "Condition", json!({ name: value })));
        let job = describe_job(&server, &id);
        assert_eq!(job["Condition"], json!({ name: value }));
        if job["StatusCode"] == "Failed" {
            assert_eq!(job["StatusMessage"], "PreconditionFailed");
        }
        job["StatusCode"] == "Succeeded"
    };
    let (before, now) = ("Fri, 14 Jul 2017 02:00:00 GMT", "Fri, 14 Jul 2017 02:40:00 GMT");
    for (name, value, met) in [
        ("If-Match", etag.as_str(), true),
        ("If-Match", "x", false),
        ("If-None-Match", etag.as_str(), false),
        ("If-None-Match", "x", true),
        ("If-Modified-Since", before, true),
        ("If-Modified-Since", now, false),
        ("If-Modified-Since", "2017-07-14T02:00:00Z", true),
        ("If-Umodified-Since", before, false),
        ("If-Umodified-Since", now, true),
        ("If-Unmodified-Since", before, false),
    ] {
        assert_eq!(is_met(name, value), met, "{name}: {value}");
    }
    server.send(Request::cos("PUT", "key").with("x-cos-storage-class", "ARCHIVE").body("bytes")).ok();
    assert!(why(pull()).starts_with("InvalidObjectState"));
}

#[test]
fn the_bytes_of_a_pull_are_those_of_its_beginning() {
    let server = Server::configured(|config| {
        frozen(config);
        config.account.jobs = JobCompletion::After(Duration::from_secs(60));
    });
    server.send(Request::cos("PUT", "key").body("first")).ok();
    let id = start_job(&server, pull());
    server.send(Request::cos("PUT", "key").body("second")).ok();
    let vault = || document(&server.send(Request::cas("GET", "")));
    assert_eq!(describe_job(&server, &id)["ArchiveId"], json!(null), "there is none yet");
    advance(&server, "1m");
    let job = describe_job(&server, &id);
    assert_eq!(job["ArchiveSizeInBytes"], 5);
    advance(&server, "24h");
    assert_eq!(vault()["NumberOfArchives"], 1);
}

/// Copies go through the two halves under strict signatures as well.
#[test]
fn a_copy_is_the_owners_under_strict_signatures() {
    let server = Server::configured(|config| {
        config.auth = Some(AuthMode::Strict);
        config.clock = Clock::Frozen(cos_emu::Timestamp::from_unix_seconds(1_500_000_000));
    });
    let body = with(pull(), "Range", json!("0-1")).to_string();
    server.send(Request::cas("POST", "jobs").body(&body)).is(400, "MissingAuthenticationTokenException");
    let time = [1_500_000_000, 1_500_001_000];
    let signed = |request: Request| server.send(request.signed("AKIDcosemu", "cosemu", time));
    signed(Request::cos("PUT", "key").body("bytes")).ok();
    signed(Request::cas("POST", "jobs").body(&body)).ok();
}
