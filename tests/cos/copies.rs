//! Copies, forms, encryption: objects that come into being in other ways than by a plain PUT.
//!
//! Source: `cos.md` 5.3.7, 5.3.9, 5.3.15, 5.4.3.

use crate::support::documents::{VERSIONING, completion, configure, form};
use crate::support::{Answer, BUCKET, Request, Server, md5, pattern};

const MIB: usize = 1 << 20;

fn copy(server: &Server, key: &str, source: &str, with: &[(&str, &str)]) -> Answer {
    let mut request = Request::cos("PUT", key).with("x-cos-copy-source", source);
    for (name, value) in with {
        request = request.with(name, value);
    }
    server.send(request)
}

fn source(key: &str) -> String {
    format!("{BUCKET}.cos.ap-guangzhou.myqcloud.com/{key}")
}

fn get(server: &Server, key: &str) -> Answer {
    server.send(Request::cos("GET", key))
}

#[test]
fn a_copy_has_the_metadata_and_tags_but_not_class_and_list() {
    let server = Server::start();
    let stored = Request::cos("PUT", "a b/目.txt")
        .with("x-cos-meta-a", "1")
        .with("Cache-Control", "no-cache")
        .with("x-cos-tagging", "t=1")
        .with("x-cos-acl", "public-read")
        .with("x-cos-storage-class", "STANDARD_IA")
        .body("bytes");
    server.send(stored.retargeted(|_| format!("/{BUCKET}/a%20b/%E7%9B%AE.txt"))).ok();
    let copied = copy(&server, "copy", &source("a%20b/%E7%9B%AE.txt"), &[]);
    assert_eq!(copied.ok().element("ETag").unwrap().replace("&quot;", ""), md5(b"bytes"));
    assert!(copied.element("CRC64").is_some() && copied.element("LastModified").unwrap().ends_with('Z'));
    let read = get(&server, "copy");
    assert_eq!(read.text(), "bytes");
    let header = |name: &str| read.header(name).map(str::to_owned);
    assert_eq!(header("x-cos-meta-a").as_deref(), Some("1"));
    assert_eq!(header("Cache-Control").as_deref(), Some("no-cache"));
    assert_eq!(header("x-cos-tagging-count").as_deref(), Some("1"));
    assert_eq!(header("x-cos-storage-class"), None);
    assert_eq!(server.send(Request::cos("GET", "copy?acl")).header("x-cos-acl"), Some("default"));
}

#[test]
fn replaced_metadata_is_that_of_the_request() {
    let server = Server::start();
    server.send(Request::cos("PUT", "key").with("x-cos-meta-a", "1").body("bytes")).ok();
    let with =
        [("x-cos-metadata-directive", "Replaced"), ("x-cos-meta-b", "2"), ("x-cos-storage-class", "COLD")];
    copy(&server, "key", &source("key"), &with).ok();
    let read = get(&server, "key");
    assert_eq!((read.header("x-cos-meta-a"), read.header("x-cos-meta-b")), (None, Some("2")));
    assert_eq!(read.header("x-cos-storage-class"), Some("COLD"));
}

#[test]
fn every_condition_on_a_source_fails_with_412() {
    let server = Server::start();
    let put = server.send(Request::cos("PUT", "key").body("bytes"));
    let etag = put.header("ETag").unwrap();
    let (past, future) = ("Thu, 16 May 2019 06:45:51 GMT", "Tue, 16 May 2119 06:45:51 GMT");
    for (name, holds, fails) in [
        ("x-cos-copy-source-If-Match", etag, "\"x\""),
        ("x-cos-copy-source-If-None-Match", "\"x\"", etag),
        ("x-cos-copy-source-If-Modified-Since", past, future),
        ("x-cos-copy-source-If-Unmodified-Since", future, past),
    ] {
        copy(&server, "copy", &source("key"), &[(name, holds)]).ok();
        copy(&server, "copy", &source("key"), &[(name, fails)]).is(412, "PreconditionFailed");
    }
}

#[test]
fn a_version_can_be_copied_and_a_marker_cannot() {
    let server = Server::start();
    configure(&server, "versioning", VERSIONING);
    let first = server.send(Request::cos("PUT", "key").body("one"));
    let first = first.header("x-cos-version-id").unwrap();
    let marker = server.send(Request::cos("DELETE", "key"));
    let marker = marker.header("x-cos-version-id").unwrap();
    let named = |id: &str| format!("{}?versionId={id}", source("key"));
    let copied = copy(&server, "copy", &named(first), &[]);
    assert_eq!(copied.ok().header("x-cos-copy-source-version-id"), Some(first));
    assert!(copied.element("VersionId").is_some());
    assert_eq!(get(&server, "copy").text(), "one");
    copy(&server, "copy", &named(marker), &[]).is(400, "InvalidRequest");
    copy(&server, "copy", &source("key"), &[]).is(404, "NoSuchCopySource");
}

#[test]
fn parts_are_copied_by_range_and_their_digests_are_right() {
    let server = Server::start();
    let body = pattern(3 * MIB + 7);
    server.send(Request::cos("PUT", "key").body(&body)).ok();
    let upload = server.send(Request::cos("POST", "whole?uploads")).element("UploadId").unwrap();
    let mut parts = Vec::new();
    for (number, range) in [(1, 5..MIB + 5), (2, MIB + 5..body.len())] {
        let bounds = format!("bytes={}-{}", range.start, range.end - 1);
        let target = format!("whole?partNumber={number}&uploadId={upload}");
        let copied = copy(&server, &target, &source("key"), &[("x-cos-copy-source-range", &bounds)]);
        let etag = copied.ok().element("ETag").unwrap().replace("&quot;", "");
        assert_eq!(etag, md5(&body[range]));
        parts.push((number, etag));
    }
    let list: Vec<(u32, &str)> = parts.iter().map(|(number, etag)| (*number, etag.as_str())).collect();
    server.send(Request::cos("POST", &format!("whole?uploadId={upload}")).body(completion(&list))).ok();
    assert!(get(&server, "whole").body == body[5..], "the bytes are those of the ranges");
}

#[test]
fn a_form_is_answered_as_it_asks() {
    let server = Server::start();
    let post = |fields: &[(&str, &str)]| server.send(form(fields, &["bytes"]));
    let plain = post(&[("key", "dir/${filename}"), ("Content-Type", "text/css"), ("x-cos-meta-a", "1")]);
    assert_eq!((plain.status, plain.body.len()), (204, 0));
    assert!(plain.header("Location").unwrap().ends_with("/demo-1250000000/dir/name.txt"), "{}", plain.head);
    assert_eq!(plain.header("ETag").unwrap().trim_matches('"'), md5(b"bytes"));
    let read = get(&server, "dir/name.txt");
    assert_eq!((read.text().as_str(), read.header("Content-Type")), ("bytes", Some("text/css")));
    assert_eq!(read.header("x-cos-meta-a"), Some("1"));

    assert_eq!(post(&[("key", "k"), ("success_action_status", "200")]).status, 200);
    let told = post(&[("key", "k"), ("success_action_status", "201")]);
    assert_eq!((told.status, told.element("Key").as_deref()), (201, Some("k")));
    let to = "http://site.example/done?a=1";
    let redirected = post(&[("key", "k"), ("success_action_redirect", to), ("success_action_status", "200")]);
    let location = redirected.header("Location").unwrap();
    assert_eq!(redirected.status, 303);
    assert!(
        location.starts_with("http://site.example/done?a=1&bucket=demo-1250000000&key=k&etag=%22"),
        "{location}"
    );
}

#[test]
fn a_large_file_of_a_form_is_found_to_its_last_byte() {
    let server = Server::start();
    // Ends of lines and beginnings of boundaries, wherever pieces are cut.
    let file: String = "\r\n--\r\n--Y\r".chars().cycle().take(3 * MIB + 1).collect();
    server.send(form(&[("key", "large")], &[&file])).ok();
    assert!(get(&server, "large").text() == file);
}

#[test]
fn a_policy_is_held_to() {
    use base64::Engine as _;
    let server = Server::start();
    let post = |conditions: &str, fields: &[(&str, &str)]| {
        let policy = format!(r#"{{"expiration": "2200-01-01T00:00:00.000Z", "conditions": {conditions}}}"#);
        let policy = base64::engine::general_purpose::STANDARD.encode(policy);
        let fields: Vec<_> = fields.iter().copied().chain([("policy", policy.as_str())]).collect();
        server.send(form(&fields, &["bytes"]))
    };
    let key = [("key", "dir/${filename}")];
    post(r#"[{"bucket": "demo-1250000000"}, ["starts-with", "$key", "dir/n"]]"#, &key).ok();
    let other = post(r#"[["starts-with", "$key", "other/"]]"#, &key);
    other.is(403, "AccessDenied");
    assert!(
        other.text().contains("Condition key key doesn&apos;t match the value other/"),
        "{}",
        other.text()
    );
    post(r#"[["eq", "$x-cos-meta-a", "1"]]"#, &key).is(403, "AccessDenied");
    post(r#"[["content-length-range", 1, 5]]"#, &key).ok();
    post("[]", &key).is(400, "InvalidPolicyDocument");
    let expired = base64::engine::general_purpose::STANDARD
        .encode(r#"{"expiration": "2019-08-30T09:38:12.414Z", "conditions": [{"key": "k"}]}"#);
    let answer = server.send(form(&[("key", "k"), ("policy", &expired)], &["bytes"]));
    answer.is(403, "AccessDenied");
    assert!(answer.text().contains("has been expired, expiration time: 1567157892 but"), "{}", answer.text());
}

#[test]
fn encryption_is_echoed_and_only_that_of_the_service_keeps_the_md5() {
    let server = Server::start();
    let put =
        |name: &str, value: &str| server.send(Request::cos("PUT", "key").with(name, value).body("bytes"));
    let service = put("x-cos-server-side-encryption", "AES256");
    assert_eq!(service.ok().header("x-cos-server-side-encryption"), Some("AES256"));
    assert_eq!(service.header("ETag").unwrap().trim_matches('"'), md5(b"bytes"));
    assert_eq!(get(&server, "key").header("x-cos-server-side-encryption"), Some("AES256"));
    let kms = put("x-cos-server-side-encryption", "cos/kms");
    assert_ne!(kms.ok().header("ETag").unwrap().trim_matches('"'), md5(b"bytes"));
    put("x-cos-server-side-encryption", "ROT13").is(400, "InvalidArgument");

    configure(&server, "encryption", crate::support::documents::ENCRYPTION);
    let by_default = server.send(Request::cos("PUT", "key").body("bytes"));
    assert_eq!(by_default.header("x-cos-server-side-encryption"), Some("AES256"));
}

#[test]
fn an_object_that_is_overwritten_while_it_is_read_is_read_to_its_old_end() {
    let server = Server::start();
    let old = pattern(8 * MIB);
    server.send(Request::cos("PUT", "key").body(&old)).ok();
    let mut reader = server.connect();
    reader.write(Request::cos("GET", "key").bytes());
    let head = reader.head();
    assert!(head.starts_with("HTTP/1.1 200"));
    server.send(Request::cos("PUT", "key").body("new")).ok();
    server.send(Request::cos("DELETE", "key")).ok();
    assert!(reader.exactly(old.len()) == old);
}

#[test]
fn of_a_completion_and_an_abort_at_once_one_wins() {
    for _ in 0..20 {
        let server = Server::start();
        let upload = server.send(Request::cos("POST", "key?uploads")).element("UploadId").unwrap();
        let target = format!("key?uploadId={upload}");
        let part = server.send(Request::cos("PUT", &format!("key?partNumber=1&uploadId={upload}")).body("a"));
        let list = completion(&[(1, part.header("ETag").unwrap())]);
        let (completed, aborted) = std::thread::scope(|scope| {
            let complete = scope.spawn(|| server.send(Request::cos("POST", &target).body(&list)));
            let abort = scope.spawn(|| server.send(Request::cos("DELETE", &target)));
            (complete.join().unwrap(), abort.join().unwrap())
        });
        let exists = server.send(Request::cos("HEAD", "key")).status == 200;
        if exists {
            completed.ok();
            aborted.is(404, "NoSuchUpload");
        } else {
            completed.is(404, "NoSuchUpload");
            assert_eq!(aborted.status, 204);
        }
        server.send(Request::cos("POST", &target).body(&list)).is(404, "NoSuchUpload");
    }
}

#[test]
fn a_traffic_limit_paces_both_ways() {
    let server = Server::start();
    let body = pattern(64 << 10);
    // 819,200 bits are 100 KiB a second: 64 KiB take about 0.64 s.
    let started = std::time::Instant::now();
    server.send(Request::cos("PUT", "key").with("x-cos-traffic-limit", 819_200).body(&body)).ok();
    let up = started.elapsed();
    let read = server.send(Request::cos("GET", "key?x-cos-traffic-limit=819200"));
    let down = started.elapsed() - up;
    assert!(read.body == body);
    for elapsed in [up, down] {
        assert!(elapsed.as_millis() >= 500, "it took {elapsed:?}");
    }
    server
        .send(Request::cos("PUT", "key").with("x-cos-traffic-limit", 1).body("x"))
        .is(400, "InvalidArgument");
}
