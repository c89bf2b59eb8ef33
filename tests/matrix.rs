//! Each action against the operations that matter most: where it can happen it fires, where it cannot the file is refused
//! with E303.

mod support;

use std::time::Duration;

use cos_emu::{ACTIONS, Scenario};
use support::{Connection, Request, Server, sha256};

/// The operations, and the body of each request.
const OPERATIONS: &[(&str, &str)] = &[
    ("cos", "PutObject"),
    ("cos", "UploadPart"),
    ("cos", "GetObject"),
    ("cos", "CompleteMultipartUpload"),
    ("cas", "UploadPart"),
    ("cas", "CompleteMultipartUpload"),
    ("cas", "InitiateJob"),
    ("cas", "GetJobOutput"),
];

/// For each action forms of it, each with the operations in which it can happen, in the order of the table above.
const FORMS: &[(&str, [bool; 8])] = &[
    (r#"{"error": "SlowDown"}"#, [true, true, true, true, true, true, true, true]),
    (r#"{"error": {"code": "SlowDown", "at": "head"}}"#, [true, true, true, true, true, true, true, true]),
    (
        r#"{"error": {"code": "SlowDown", "at": "upload", "offset": 1}}"#,
        [true, true, false, true, true, false, true, false],
    ),
    (
        r#"{"error": {"code": "SlowDown", "type": "Server"}}"#,
        [false, false, false, false, true, true, true, true],
    ),
    (
        r#"{"error_in_200": {"code": "InternalError"}}"#,
        [false, false, false, true, false, false, false, false],
    ),
    (
        r#"{"respond": {"status": 502, "body": "bad gateway"}}"#,
        [true, true, true, true, true, true, true, true],
    ),
    (r#"{"raw": {"text": "what?"}}"#, [true, true, true, true, true, true, true, true]),
    (r#"{"redirect": {"to": "elsewhere.example"}}"#, [true, true, true, true, true, true, true, true]),
    (r#"{"reset": {"at": "reply"}}"#, [true, true, true, true, true, true, true, true]),
    (r#"{"reset": {"at": "upload", "offset": 1}}"#, [true, true, false, true, true, false, true, false]),
    (r#"{"reset": {"at": "download", "offset": 1}}"#, [false, false, true, true, false, false, false, true]),
    (r#"{"close": {"at": "done"}}"#, [true, true, true, true, true, true, true, true]),
    (r#"{"half_close": {"at": "head", "hold": "10ms"}}"#, [true, true, true, true, true, true, true, true]),
    (
        r#"{"stall": {"at": "reply", "for": "1ms", "then": "reset"}}"#,
        [true, true, true, true, true, true, true, true],
    ),
    (
        r#"{"stall": {"at": "upload", "offset": 1, "for": "1ms"}}"#,
        [true, true, false, true, true, false, true, false],
    ),
    (r#"{"delay": {"fixed": "1ms"}}"#, [true, true, true, true, true, true, true, true]),
    (r#"{"throttle": {"rate": "1MiB/s"}}"#, [false, false, true, true, false, false, false, true]),
    (
        r#"{"throttle": {"rate": "1MiB/s", "direction": "upload"}}"#,
        [true, true, false, true, true, false, true, false],
    ),
    (
        r#"{"drip": {"size": 4, "pause": "1ms", "direction": "both"}}"#,
        [true, true, true, true, true, false, true, true],
    ),
    (r#"{"truncate": {"keep": 1}}"#, [false, false, true, true, false, false, false, true]),
    (r#"{"overrun": {"bytes": 3}}"#, [true, true, true, true, true, true, true, true]),
    (r#"{"length": {"declare": "+1"}}"#, [true, true, true, true, true, true, true, true]),
    (r#"{"corrupt": {"offset": 0, "how": "flip"}}"#, [false, false, true, true, false, false, false, true]),
    (
        r#"{"checksum": {"which": "etag", "value": "wrong"}}"#,
        [true, true, true, false, false, false, false, false],
    ),
    (
        r#"{"checksum": {"which": "crc64", "value": "absent"}}"#,
        [true, true, true, true, false, false, false, false],
    ),
    (
        r#"{"checksum": {"which": "tree-hash", "value": "malformed"}}"#,
        [false, false, false, false, true, false, false, true],
    ),
    (r#"{"headers": {"set": {"x-n": "1"}}}"#, [true, true, true, true, true, true, true, true]),
    (r#"{"range": {"answer": "ignore"}}"#, [false, false, true, false, false, false, false, true]),
    (r#"{"range": {"answer": "shift", "by": 1}}"#, [false, false, true, false, true, false, false, true]),
    (r#"{"chunked": {"fault": "no-end"}}"#, [false, false, true, true, false, false, false, true]),
    (r#"{"continue_100": {"mode": "twice"}}"#, [true, true, false, true, true, false, true, false]),
    (r#"{"stale": {"reads": 1}}"#, [true, false, false, true, false, false, false, false]),
    (r#"{"forget": {"what": "object"}}"#, [true, false, true, true, false, false, false, false]),
    (r#"{"forget": {"what": "upload"}}"#, [false, true, false, true, true, true, false, false]),
    (r#"{"forget": {"what": "part"}}"#, [false, true, false, false, true, false, false, false]),
    (r#"{"forget": {"what": "archive"}}"#, [false, false, false, false, false, true, false, false]),
    (r#"{"forget": {"what": "job"}}"#, [false, false, false, false, false, false, true, true]),
    (r#"{"keep_alive": {}}"#, [true, true, true, true, true, true, true, true]),
];

/// A scenario that does this to the requests of the operation that say so.
fn scenario(service: &str, op: &str, action: &str) -> String {
    // A completion that takes place leaves no upload to be forgotten.
    let keeps_upload = op == "CompleteMultipartUpload" && action.contains("upload");
    let apply = if keeps_upload { "no" } else { "auto" };
    format!(
        r#"{{"version": 1, "name": "m", "rules": [{{"id": "r", "do": {action}, "apply": "{apply}",
            "when": {{"service": "{service}", "op": "{op}", "header": {{"x-disturb": "*"}}}}}}]}}"#
    )
}

/// The request of an operation, with what has to be there before.
fn request(server: &Server, service: &str, op: &str, action: &str) -> Request {
    let body = b"0123456789";
    match (service, op) {
        ("cos", "PutObject") => Request::cos("PUT", "key").body(body),
        ("cos", "GetObject") => {
            server.send(Request::cos("PUT", "key").body(body)).ok();
            Request::cos("GET", "key").with("Range", "bytes=2-5")
        }
        ("cas", "UploadPart") => {
            let initiate = Request::cas("POST", "multipart-uploads").with("x-cas-part-size", 1 << 20);
            let upload = server.send(initiate).header("x-cas-multipart-upload-id").unwrap().to_owned();
            Request::cas("PUT", &format!("multipart-uploads/{upload}"))
                .with("Content-Range", "bytes 0-9/*")
                .with("x-cas-content-sha256", sha256(body))
                .with("x-cas-sha256-tree-hash", sha256(body))
                .body(body)
        }
        ("cas", _) => {
            let hash = sha256(body);
            let hashed = |request: Request| {
                request.with("x-cas-content-sha256", &hash).with("x-cas-sha256-tree-hash", &hash).body(body)
            };
            if op == "CompleteMultipartUpload" {
                let initiate = Request::cas("POST", "multipart-uploads").with("x-cas-part-size", 1 << 20);
                let upload = server.send(initiate).header("x-cas-multipart-upload-id").unwrap().to_owned();
                let path = format!("multipart-uploads/{upload}");
                server.send(hashed(Request::cas("PUT", &path).with("Content-Range", "bytes 0-9/*"))).ok();
                return Request::cas("POST", &path)
                    .with("x-cas-archive-size", 10)
                    .with("x-cas-sha256-tree-hash", hash);
            }
            let archive = server.send(hashed(Request::cas("POST", "archives")));
            let archive = archive.ok().header("x-cas-archive-id").unwrap();
            let job = format!(r#"{{"Type": "archive-retrieval", "ArchiveId": "{archive}"}}"#);
            let job = Request::cas("POST", "jobs").body(job);
            if op == "InitiateJob" {
                return job;
            }
            let job = server.send(job).ok().header("x-cas-job-id").unwrap().to_owned();
            let output = Request::cas("GET", &format!("jobs/{job}/output"));
            // The whole has a hash, a part of a leaf has none.
            if action.contains("checksum") { output } else { output.with("Range", "bytes=2-5") }
        }
        _ => {
            let upload = server.send(Request::cos("POST", "key?uploads")).element("UploadId").unwrap();
            let part = Request::cos("PUT", &format!("key?partNumber=1&uploadId={upload}")).body(body);
            if op == "UploadPart" {
                return part;
            }
            let etag = server.send(part).ok().header("ETag").unwrap().to_owned();
            Request::cos("POST", &format!("key?uploadId={upload}")).body(format!(
                "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
            ))
        }
    }
}

#[test]
fn each_action_fires_where_it_can_happen_and_is_refused_where_it_cannot() {
    for (action, possible) in FORMS {
        for ((service, op), possible) in OPERATIONS.iter().zip(possible) {
            let case = format!("{action} in {op} of {service}");
            let text = scenario(service, op, action);
            let parsed = match (Scenario::parse("m", text.as_bytes(), None), possible) {
                (Ok(scenario), true) => scenario,
                (Ok(_), false) => panic!("{case}: should be E303"),
                (Err(diagnosis), true) => panic!("{case}: {diagnosis}"),
                (Err(diagnosis), false) => {
                    let codes: Vec<_> = diagnosis.problems().iter().map(|problem| problem.code).collect();
                    assert_eq!(codes, ["E303"], "{case}");
                    continue;
                }
            };
            let server = Server::configured(|config| config.scenario = Some(parsed));
            let mut request = request(&server, service, op, action).with("x-disturb", 1);
            if action.contains("continue_100") {
                request = request.with("Expect", "100-continue");
            }
            if action.contains("shift") && *op == "UploadPart" {
                // The action shows in the error that names the range.
                request = request.with("Content-Range", "bytes 0-8/*");
            }
            let mut connection: Connection = server.connect();
            connection.write(request.bytes());
            let seen = |exchange: &cos_emu::Exchange| exchange.rules.iter().any(|rule| &*rule.id == "r");
            server.wait_for(&case, |journal| {
                journal.iter().any(|exchange| {
                    seen(exchange)
                        && exchange.rules.iter().all(|rule| rule.outcome == "fired")
                        && !exchange.actions.is_empty()
                })
            });
            drop(connection);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn every_action_is_in_the_matrix() {
    for entry in ACTIONS {
        let start = format!("{{\"{}\":", entry.name);
        assert!(FORMS.iter().any(|(action, _)| action.starts_with(&start)), "{}", entry.name);
    }
}
