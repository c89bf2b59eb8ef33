//! `apply` on every operation that writes: what the client is told and what took place are two things.

#[path = "operations/rows.rs"]
mod rows;
mod support;

use support::{Request, Server, documents, sha256};

const BODY: &[u8] = b"0123456789";

/// A write: what has to be there before, the write itself, and whether it took place. What `prepare` gives (an id, an
/// ETag) is handed on.
struct Write {
    service: &'static str,
    op: &'static str,
    prepare: fn(&Server) -> String,
    request: fn(&str) -> Request,
    took_place: fn(&Server, &str) -> bool,
}

fn nothing(_: &Server) -> String {
    String::new()
}

fn object(server: &Server) -> String {
    server.send(Request::cos("PUT", "key").body("before")).ok();
    String::new()
}

fn read(server: &Server) -> Vec<u8> {
    server.send(Request::cos("GET", "key")).body
}

fn exists(server: &Server, request: Request) -> bool {
    server.send(request).status < 400
}

fn upload(server: &Server) -> String {
    server.send(Request::cos("POST", "key?uploads")).element("UploadId").unwrap()
}

fn upload_with_part(server: &Server) -> String {
    let upload = upload(server);
    let part = Request::cos("PUT", &format!("key?partNumber=1&uploadId={upload}")).body(BODY);
    let etag = server.send(part).ok().header("ETag").unwrap().to_owned();
    format!("{upload} {etag}")
}

fn hashed(request: Request, body: &[u8]) -> Request {
    // Up to 1 MiB the tree hash is the hash.
    request.with("x-cas-content-sha256", sha256(body)).with("x-cas-sha256-tree-hash", sha256(body))
}

fn archive_request() -> Request {
    hashed(Request::cas("POST", "archives"), BODY).body(BODY)
}

fn archive(server: &Server) -> String {
    server.send(archive_request()).header("x-cas-archive-id").unwrap().to_owned()
}

/// Whether the vault holds nothing: only then it can be deleted.
fn is_empty(server: &Server) -> bool {
    exists(server, Request::cas("DELETE", ""))
}

fn policy() -> Request {
    Request::cas("PUT", "access-policy").body(r#"{"policy": "{\"statement\": []}"}"#)
}

fn notifications() -> Request {
    let body = r#"{"CallBackUrl": "http://127.0.0.1/", "Events": ["ArchiveRetrievalCompleted"]}"#;
    Request::cas("PUT", "notification-configuration").body(body)
}

fn vault_upload(server: &Server) -> String {
    let initiate = Request::cas("POST", "multipart-uploads").with("x-cas-part-size", 1 << 20);
    server.send(initiate).header("x-cas-multipart-upload-id").unwrap().to_owned()
}

fn chunk(upload: &str) -> Request {
    let put = Request::cas("PUT", &format!("multipart-uploads/{upload}"));
    hashed(put.with("Content-Range", format!("bytes 0-{}/*", BODY.len() - 1)), BODY).body(BODY)
}

fn vault_upload_with_chunk(server: &Server) -> String {
    let upload = vault_upload(server);
    server.send(chunk(&upload)).ok();
    upload
}

fn count(server: &Server, path: &str, list: &str) -> usize {
    let answer = server.send(Request::cas("GET", path));
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    answer[list].as_array().map_or(0, Vec::len)
}

const WRITES: &[Write] = &[
    Write {
        service: "cos",
        op: "PutBucket",
        prepare: nothing,
        request: |_| Request::new("PUT", "/new-1250000000/"),
        took_place: |server, _| exists(server, Request::new("HEAD", "/new-1250000000/")),
    },
    Write {
        service: "cos",
        op: "DeleteBucket",
        prepare: nothing,
        request: |_| Request::cos("DELETE", ""),
        took_place: |server, _| !exists(server, Request::cos("HEAD", "")),
    },
    Write {
        service: "cos",
        op: "PutObject",
        prepare: object,
        request: |_| Request::cos("PUT", "key").body(BODY),
        took_place: |server, _| read(server) == BODY,
    },
    Write {
        service: "cos",
        op: "AppendObject",
        prepare: nothing,
        request: |_| Request::cos("POST", "key?append&position=0").body(BODY),
        took_place: |server, _| read(server) == BODY,
    },
    Write {
        service: "cos",
        op: "DeleteObject",
        prepare: object,
        request: |_| Request::cos("DELETE", "key"),
        took_place: |server, _| !exists(server, Request::cos("HEAD", "key")),
    },
    Write {
        service: "cos",
        op: "DeleteObjects",
        prepare: object,
        request: |_| {
            let body = "<Delete><Object><Key>key</Key></Object></Delete>";
            Request::cos("POST", "?delete").with("Content-MD5", support::md5_base64(body)).body(body)
        },
        took_place: |server, _| !exists(server, Request::cos("HEAD", "key")),
    },
    Write {
        service: "cos",
        op: "InitiateMultipartUpload",
        prepare: nothing,
        request: |_| Request::cos("POST", "key?uploads"),
        took_place: |server, _| !server.send(Request::cos("GET", "?uploads")).elements("UploadId").is_empty(),
    },
    Write {
        service: "cos",
        op: "UploadPart",
        prepare: upload,
        request: |upload| Request::cos("PUT", &format!("key?partNumber=1&uploadId={upload}")).body(BODY),
        took_place: |server, upload| {
            let parts = server.send(Request::cos("GET", &format!("key?uploadId={upload}")));
            !parts.elements("PartNumber").is_empty()
        },
    },
    Write {
        service: "cos",
        op: "CompleteMultipartUpload",
        prepare: upload_with_part,
        request: |prepared| {
            let (upload, etag) = prepared.split_once(' ').unwrap();
            Request::cos("POST", &format!("key?uploadId={upload}")).body(format!(
                "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
            ))
        },
        took_place: |server, _| read(server) == BODY,
    },
    Write {
        service: "cos",
        op: "AbortMultipartUpload",
        prepare: upload,
        request: |upload| Request::cos("DELETE", &format!("key?uploadId={upload}")),
        took_place: |server, upload| !exists(server, Request::cos("GET", &format!("key?uploadId={upload}"))),
    },
    Write {
        service: "cas",
        op: "CreateVault",
        prepare: nothing,
        request: |_| Request::new("PUT", "/-/vaults/new"),
        took_place: |server, _| exists(server, Request::new("GET", "/-/vaults/new")),
    },
    Write {
        service: "cas",
        op: "DeleteVault",
        prepare: nothing,
        request: |_| Request::cas("DELETE", ""),
        took_place: |server, _| !exists(server, Request::cas("GET", "")),
    },
    Write {
        service: "cas",
        op: "SetVaultAccessPolicy",
        prepare: nothing,
        request: |_| policy(),
        took_place: |server, _| exists(server, Request::cas("GET", "access-policy")),
    },
    Write {
        service: "cas",
        op: "DeleteVaultAccessPolicy",
        prepare: |server| {
            server.send(policy()).ok();
            String::new()
        },
        request: |_| Request::cas("DELETE", "access-policy"),
        took_place: |server, _| !exists(server, Request::cas("GET", "access-policy")),
    },
    Write {
        service: "cas",
        op: "SetVaultNotifications",
        prepare: nothing,
        request: |_| notifications(),
        took_place: |server, _| exists(server, Request::cas("GET", "notification-configuration")),
    },
    Write {
        service: "cas",
        op: "DeleteVaultNotifications",
        prepare: |server| {
            server.send(notifications()).ok();
            String::new()
        },
        request: |_| Request::cas("DELETE", "notification-configuration"),
        took_place: |server, _| !exists(server, Request::cas("GET", "notification-configuration")),
    },
    Write {
        service: "cas",
        op: "UploadArchive",
        prepare: nothing,
        request: |_| archive_request(),
        took_place: |server, _| !is_empty(server),
    },
    Write {
        service: "cas",
        op: "DeleteArchive",
        prepare: archive,
        request: |archive| Request::cas("DELETE", &format!("archives/{archive}")),
        took_place: |server, _| is_empty(server),
    },
    Write {
        service: "cas",
        op: "InitiateMultipartUpload",
        prepare: nothing,
        request: |_| Request::cas("POST", "multipart-uploads").with("x-cas-part-size", 1 << 20),
        took_place: |server, _| count(server, "multipart-uploads", "UploadsList") > 0,
    },
    Write {
        service: "cas",
        op: "UploadPart",
        prepare: vault_upload,
        request: chunk,
        took_place: |server, upload| count(server, &format!("multipart-uploads/{upload}"), "Parts") == 1,
    },
    Write {
        service: "cas",
        op: "CompleteMultipartUpload",
        prepare: vault_upload_with_chunk,
        request: |upload| {
            Request::cas("POST", &format!("multipart-uploads/{upload}"))
                .with("x-cas-archive-size", BODY.len())
                .with("x-cas-sha256-tree-hash", sha256(BODY))
        },
        took_place: |server, upload| {
            !exists(server, Request::cas("GET", &format!("multipart-uploads/{upload}")))
        },
    },
    Write {
        service: "cas",
        op: "AbortMultipartUpload",
        prepare: vault_upload,
        request: |upload| Request::cas("DELETE", &format!("multipart-uploads/{upload}")),
        took_place: |server, _| count(server, "multipart-uploads", "UploadsList") == 0,
    },
    Write {
        service: "cas",
        op: "InitiateJob",
        prepare: archive,
        request: |archive| {
            let task = format!(r#"{{"Type": "archive-retrieval", "ArchiveId": "{archive}"}}"#);
            Request::cas("POST", "jobs").body(task)
        },
        took_place: |server, _| count(server, "jobs", "JobList") > 0,
    },
];

/// Everything that can be asked about the bucket and the keys of the rows, without what differs by itself.
fn asked(server: &Server) -> String {
    let configurations = documents::CONFIGURATIONS.iter().map(|(_, query, ..)| format!("?{query}"));
    let others = [
        "?acl",
        "?inventory",
        "?intelligent-tiering",
        "?versions",
        "?uploads",
        "key?acl",
        "key?tagging",
        "key?retention",
        "key",
        "link?symlink",
        "?domaincertificate&domainname=files.example",
    ];
    let mut all = String::new();
    for target in configurations.chain(others.map(str::to_owned)) {
        let method = if target == "key" { "HEAD" } else { "GET" };
        let answer = server.send(Request::cos(method, &target));
        let differs =
            ["Date", "x-cos-request-id", "x-cos-trace-id", "<RequestId>", "<TraceId>", "<Initiated>"];
        let text = answer.head.clone() + &answer.text();
        let lines =
            text.lines().filter(|line| !differs.iter().any(|start| line.trim_start().starts_with(start)));
        all.extend(lines.map(|line| format!("{line}\n")));
    }
    let uploads = server.send(Request::cos("GET", "?uploads")).elements("UploadId");
    for upload in uploads {
        all.push_str(&server.send(Request::cos("GET", &format!("key?uploadId={upload}"))).text());
    }
    all
}

/// Runs the writes that only the rows of `tests/operations` have.
fn rows_under(apply: &str, action: &str, check: &impl Fn(&str, u16, bool)) {
    rows::of_all(&mut |op, prepare, request| {
        if !is_write(op) || WRITES.iter().any(|write| write.service == "cos" && write.op == op) {
            return;
        }
        let server = Server::with_rules(&format!(
            r#"{{"id": "r", "when": {{"service": "cos", "op": "{op}", "header": {{"x-disturb": "*"}}}},
                "apply": "{apply}", "do": {action}}}"#
        ));
        prepare(&server);
        let request = request(&server).with("x-disturb", 1);
        let before = asked(&server);
        let answer = server.send(request);
        let exchange = server.journal().pop().unwrap();
        let took_place = asked(&server) != before;
        assert_eq!(exchange.applied, took_place, "{op}: the journal says what is so");
        check(&format!("cos {op}"), answer.status, took_place);
    });
}

/// Whether an operation changes something: browsers' questions and probes do not.
fn is_write(op: &str) -> bool {
    ["Get", "Head", "List", "Describe", "Options", "Preflight"].iter().all(|read| !op.starts_with(read))
}

/// Runs each write under a rule with this `apply` and `do`. Returns, for each, the status and whether it took place.
fn under(apply: &str, action: &str, check: impl Fn(&str, u16, bool)) {
    rows_under(apply, action, &check);
    for write in WRITES {
        let Write { service, op, .. } = write;
        let server = Server::with_rules(&format!(
            r#"{{"id": "r", "when": {{"service": "{service}", "op": "{op}", "header": {{"x-disturb": "*"}}}},
                "apply": "{apply}", "do": {action}}}"#
        ));
        let prepared = (write.prepare)(&server);
        let answer = server.send((write.request)(&prepared).with("x-disturb", 1));
        let exchange = server.journal().pop().unwrap();
        assert_eq!(exchange.rules[0].outcome, "fired", "{service} {op}");
        let took_place = (write.took_place)(&server, &prepared);
        assert_eq!(exchange.applied, took_place, "{service} {op}: the journal says what is so");
        check(&format!("{service} {op}"), answer.status, took_place);
    }
}

const ERROR: &str = r#"{"error": {"code": "InternalError", "status": 500}}"#;
const HARMLESS: &str = r#"{"headers": {"set": {"x-n": "1"}}}"#;

#[test]
fn by_itself_an_error_means_that_nothing_took_place() {
    under("auto", ERROR, |write, status, took_place| {
        assert_eq!((status, took_place), (500, false), "{write}")
    });
}

#[test]
fn by_itself_an_undisturbed_answer_means_that_it_took_place() {
    under("auto", HARMLESS, |write, status, took_place| assert!(status < 300 && took_place, "{write}"));
}

#[test]
fn no_tells_of_a_success_that_did_not_take_place() {
    under("no", HARMLESS, |write, status, took_place| assert!(status < 300 && !took_place, "{write}"));
}

#[test]
fn yes_tells_of_a_failure_although_it_took_place() {
    under("yes", ERROR, |write, status, took_place| assert_eq!((status, took_place), (500, true), "{write}"));
}

#[test]
fn twice_answers_the_second_time() {
    // What can be done again is; what cannot (the bucket, the upload, the position is gone) meets its own error.
    let not_again = [
        "cos PutBucket",
        "cos DeleteBucket",
        "cos AppendObject",
        "cos CompleteMultipartUpload",
        "cos AbortMultipartUpload",
        "cos RestoreObject",
        "cos PostBucketInventory",
        "cos DeleteBucketInventory",
        "cos DeleteBucketLifecycle",
        "cas DeleteVault",
        "cas AbortMultipartUpload",
    ];
    under("twice", HARMLESS, |write, status, took_place| {
        assert!(took_place, "{write}");
        assert_eq!(status >= 400, not_again.contains(&write), "{write}: {status}");
    });
}

#[test]
fn every_operation_that_writes_is_tried() {
    let mut tried = std::collections::BTreeSet::new();
    rows::of_all(&mut |op, _, _| {
        tried.insert(("cos", op.to_owned()));
    });
    tried.extend(WRITES.iter().map(|write| (write.service, write.op.to_owned())));
    for operation in cos_emu::Operation::ALL {
        let name = (operation.service().name(), operation.name().to_owned());
        if is_write(&name.1) && operation.emulation() == cos_emu::Emulation::Built {
            assert!(tried.contains(&name), "{name:?}");
        }
    }
}
