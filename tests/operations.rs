//! The table of operations tells the truth: what it calls built succeeds, what it does not is answered 501.

mod support;

use std::collections::BTreeSet;

use cos_emu::{Emulation, Operation};
use support::{BUCKET, Request, Server, VAULT, md5_base64, pattern, sha256};

const MIB: usize = 1 << 20;

/// One request or more for every operation of COS that is built, all of which have to succeed.
fn use_cos(server: &Server) {
    let elsewhere = |method: &str| Request::new(method, "/").with("Host", "b-1.cos.ap-beijing.myqcloud.com");
    server.send(elsewhere("PUT")).ok();
    server.send(elsewhere("HEAD")).ok();
    server.send(elsewhere("DELETE")).ok();
    server.send(Request::new("GET", "/").with("Host", "service.cos.myqcloud.com")).ok();

    server.send(Request::cos("PUT", "key").body("bytes")).ok();
    server.send(Request::cos("HEAD", "key")).ok();
    server.send(Request::cos("GET", "key")).ok();
    server.send(Request::cos("GET", "")).ok();
    let list = "<Delete><Object><Key>key</Key></Object></Delete>";
    server.send(Request::cos("POST", "?delete").with("Content-MD5", md5_base64(list)).body(list)).ok();
    server.send(Request::cos("DELETE", "key")).ok();
    server.send(Request::cos("POST", "key?append&position=0").body("bytes")).ok();

    for complete in [true, false] {
        let upload = server.send(Request::cos("POST", "key?uploads")).element("UploadId").unwrap();
        let part =
            server.send(Request::cos("PUT", &format!("key?partNumber=1&uploadId={upload}")).body("bytes"));
        let etag = part.ok().header("ETag").unwrap();
        server.send(Request::cos("GET", &format!("key?uploadId={upload}"))).ok();
        server.send(Request::cos("GET", "?uploads")).ok();
        let on = |method: &str| Request::cos(method, &format!("key?uploadId={upload}"));
        if complete {
            let part = format!("<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>");
            let list = format!("<CompleteMultipartUpload>{part}</CompleteMultipartUpload>");
            server.send(on("POST").body(list)).ok();
        } else {
            server.send(on("DELETE")).ok();
        }
    }
}

/// The same for CAS.
fn use_cas(server: &Server) {
    let vault = |method: &str, rest: &str| Request::new(method, &format!("/-/vaults{rest}"));
    server.send(vault("PUT", "/other")).ok();
    server.send(vault("GET", "/other")).ok();
    server.send(vault("GET", "")).ok();
    server.send(vault("DELETE", "/other")).ok();

    let body = pattern(MIB);
    let hash = sha256(&body);
    let hashed = |request: Request| {
        request.with("x-cas-content-sha256", &hash).with("x-cas-sha256-tree-hash", &hash).body(&body)
    };
    let made = server.send(hashed(Request::cas("POST", "archives")));
    let archive = made.ok().header("x-cas-archive-id").unwrap();
    let retrieval = format!(r#"{{"Type": "archive-retrieval", "ArchiveId": "{archive}"}}"#);
    let made = server.send(Request::cas("POST", "jobs").body(retrieval));
    let job = made.ok().header("x-cas-job-id").unwrap();
    server.send(Request::cas("GET", "jobs")).ok();
    server.send(Request::cas("GET", &format!("jobs/{job}"))).ok();
    server.send(Request::cas("GET", &format!("jobs/{job}/output"))).ok();
    server.send(Request::cas("DELETE", &format!("archives/{archive}"))).ok();

    for complete in [true, false] {
        let made = server.send(Request::cas("POST", "multipart-uploads").with("x-cas-part-size", MIB));
        let upload = made.ok().header("x-cas-multipart-upload-id").unwrap();
        let on = |method: &str| Request::cas(method, &format!("multipart-uploads/{upload}"));
        let range = format!("bytes 0-{}/*", MIB - 1);
        server.send(hashed(on("PUT").with("Content-Range", range))).ok();
        server.send(on("GET")).ok();
        server.send(Request::cas("GET", "multipart-uploads")).ok();
        if complete {
            let whole = on("POST").with("x-cas-archive-size", MIB).with("x-cas-sha256-tree-hash", &hash);
            server.send(whole).ok();
        } else {
            server.send(on("DELETE")).ok();
        }
    }
}

#[test]
fn every_operation_that_the_table_calls_built_succeeds() {
    let server = Server::start();
    use_cos(&server);
    use_cas(&server);
    let done: BTreeSet<(&str, &str)> =
        server.journal().iter().map(|exchange| (exchange.service, exchange.op.unwrap())).collect();
    let built: BTreeSet<(&str, &str)> = Operation::ALL
        .iter()
        .filter(|operation| operation.emulation() == Emulation::Built)
        .map(|operation| (operation.service().name(), operation.name()))
        .collect();
    assert_eq!(done, built);
}

/// A sample of what real clients may ask beyond that: recognised by name, refused in the service's own format.
#[test]
fn what_is_not_built_is_answered_501_by_its_name() {
    let server = Server::start();
    for (request, operation) in [
        (Request::cos("GET", "?acl"), "GetBucketAcl"),
        (Request::cos("PUT", "?cors"), "PutBucketCors"),
        (Request::cos("DELETE", "key?tagging"), "DeleteObjectTagging"),
        (Request::cos("PUT", "key").with("x-cos-copy-source", format!("{BUCKET}/a")), "CopyObject"),
        (Request::new("GET", &format!("/-/vaults/{VAULT}/access-policy")), "GetVaultAccessPolicy"),
    ] {
        let answer = server.send(request);
        answer.is(501, "NotImplemented");
        assert!(answer.text().contains(operation), "{}", answer.text());
        assert_eq!(server.journal().last().unwrap().op, Some(operation));
    }
}
