//! The operations of CAS: a request for each that succeeds, and one for each error that the table lists.

use std::collections::BTreeSet;
use std::net::Shutdown;
use std::time::Duration;

use cos_emu::{AuthMode, CAS_COVERAGE, CasCode, Config, Scenario};

use crate::support::{Answer, Request, Server, VAULT, sha256};

/// One leaf: then both hashes are the same.
const BYTES: &[u8] = b"bytes";
const PART_SIZE: u64 = 1 << 20;

fn hashed(request: Request) -> Request {
    let hash = sha256(BYTES);
    request.with("x-cas-content-sha256", &hash).with("x-cas-sha256-tree-hash", &hash).body(BYTES)
}

fn archive(server: &Server) -> String {
    let made = server.send(hashed(Request::cas("POST", "archives")));
    made.ok().header("x-cas-archive-id").unwrap().to_owned()
}

fn upload(server: &Server) -> String {
    let made = server.send(Request::cas("POST", "multipart-uploads").with("x-cas-part-size", PART_SIZE));
    made.ok().header("x-cas-multipart-upload-id").unwrap().to_owned()
}

fn part(server: &Server) -> Request {
    let request = Request::cas("PUT", &format!("multipart-uploads/{}", upload(server)));
    hashed(request.with("Content-Range", format!("bytes 0-{}/*", BYTES.len() - 1)))
}

fn complete(server: &Server) -> Request {
    let part = part(server);
    let path = String::from_utf8(part.head()).unwrap().split(' ').nth(1).unwrap().to_owned();
    server.send(part).ok();
    let request = Request::new("POST", &path).with("x-cas-archive-size", BYTES.len());
    request.with("x-cas-sha256-tree-hash", sha256(BYTES))
}

fn retrieval(server: &Server) -> Request {
    let body = format!(r#"{{"Type": "archive-retrieval", "ArchiveId": "{}"}}"#, archive(server));
    Request::cas("POST", "jobs").body(body)
}

fn job(server: &Server) -> String {
    server.send(retrieval(server)).ok().header("x-cas-job-id").unwrap().to_owned()
}

fn policy() -> Request {
    Request::cas("PUT", "access-policy").body(r#"{"policy": "{\"statement\": []}"}"#)
}

fn notifications() -> Request {
    let body = r#"{"CallBackUrl": "http://127.0.0.1/", "Events": ["ArchiveRetrievalCompleted"]}"#;
    Request::cas("PUT", "notification-configuration").body(body)
}

/// What has to be there is made by the request itself.
type Made = fn(&Server) -> Request;

const SUCCEED: &[(&str, Made)] = &[
    ("CreateVault", |_| Request::new("PUT", "/-/vaults/new")),
    ("DescribeVault", |_| Request::cas("GET", "")),
    ("ListVaults", |_| Request::new("GET", "/-/vaults")),
    ("DeleteVault", |_| Request::cas("DELETE", "")),
    ("GetVaultAccessPolicy", |server| {
        server.send(policy()).ok();
        Request::cas("GET", "access-policy")
    }),
    ("SetVaultAccessPolicy", |_| policy()),
    ("DeleteVaultAccessPolicy", |_| Request::cas("DELETE", "access-policy")),
    ("GetVaultNotifications", |server| {
        server.send(notifications()).ok();
        Request::cas("GET", "notification-configuration")
    }),
    ("SetVaultNotifications", |_| notifications()),
    ("DeleteVaultNotifications", |_| Request::cas("DELETE", "notification-configuration")),
    ("UploadArchive", |_| hashed(Request::cas("POST", "archives"))),
    ("DeleteArchive", |server| Request::cas("DELETE", &format!("archives/{}", archive(server)))),
    ("InitiateMultipartUpload", |_| {
        Request::cas("POST", "multipart-uploads").with("x-cas-part-size", PART_SIZE)
    }),
    ("UploadPart", part),
    ("CompleteMultipartUpload", complete),
    ("AbortMultipartUpload", |server| {
        Request::cas("DELETE", &format!("multipart-uploads/{}", upload(server)))
    }),
    ("ListParts", |server| Request::cas("GET", &format!("multipart-uploads/{}", upload(server)))),
    ("ListMultipartUploads", |_| Request::cas("GET", "multipart-uploads")),
    ("InitiateJob", retrieval),
    ("DescribeJob", |server| Request::cas("GET", &format!("jobs/{}", job(server)))),
    ("ListJobs", |_| Request::cas("GET", "jobs")),
    ("GetJobOutput", |server| Request::cas("GET", &format!("jobs/{}/output", job(server)))),
];

#[test]
fn every_operation_of_cas_succeeds() {
    let mut done = BTreeSet::new();
    for (op, request) in SUCCEED {
        let server = Server::start();
        server.send(request(&server)).ok();
        let last = server.journal().pop().unwrap();
        assert_eq!((last.service, last.op), ("cas", Some(*op)));
        done.insert(*op);
    }
    let all: BTreeSet<&str> = CAS_COVERAGE.iter().map(|row| row.operation.name()).collect();
    assert_eq!(done, all);
}

/// The headers without which a request is refused, in the order in which they are missed.
fn required(op: &str) -> &'static [&'static str] {
    match op {
        "UploadArchive" => &["x-cas-content-sha256", "x-cas-sha256-tree-hash"],
        "InitiateMultipartUpload" => &["x-cas-part-size"],
        "UploadPart" => &["Content-Range", "x-cas-content-sha256", "x-cas-sha256-tree-hash"],
        "CompleteMultipartUpload" => &["x-cas-archive-size", "x-cas-sha256-tree-hash"],
        _ => &[],
    }
}

/// The answer that a change of a request that would succeed leads to.
fn changed(op: &str, code: &str, made: Made) -> (Server, Answer) {
    let server = Server::configured(|config: &mut Config| match code {
        "RequestTimeoutException" => config.body_timeout = Some(Duration::from_millis(50)),
        "ServiceUnavailableException" => {
            config.max_memory_bytes = 4;
            config.spill_dir = None;
        }
        _ => {}
    });
    let request = made(&server);
    let answer = match code {
        "ResourceNotFoundException" => server.send(
            request.retargeted(|target| target.replace(VAULT, "missing").replace("/missings", "/vaults")),
        ),
        "MissingParameterValueException" if required(op).is_empty() => server.send(request.body("{}")),
        "MissingParameterValueException" => server.send(request.replacing(required(op)[0], "")),
        "InvalidParameterValueException" if !required(op).is_empty() => {
            server.send(request.replacing(required(op)[0], "x"))
        }
        "InvalidParameterValueException" if op == "InitiateJob" => {
            server.send(request.body(r#"{"Type": "x"}"#))
        }
        "InvalidParameterValueException" if op == "SetVaultAccessPolicy" => {
            server.send(request.body(r#"{"policy": "x"}"#))
        }
        "InvalidParameterValueException" if op == "SetVaultNotifications" => {
            server.send(request.body(r#"{"CallBackUrl": "x", "Events": []}"#))
        }
        "InvalidParameterValueException" if op == "GetJobOutput" => {
            server.send(request.with("Range", "bytes=9-"))
        }
        "InvalidParameterValueException" => {
            server.send(request.retargeted(|target| format!("{target}?limit=0")))
        }
        "SerializationException" => server.send(request.body("{")),
        "BadRequest" if op == "DeleteVault" => {
            archive(&server);
            server.send(request)
        }
        // A body that ends early.
        "BadRequest" | "RequestTimeoutException" => {
            let mut connection = server.connect();
            let request = request.with("Content-Length", BYTES.len()).body("");
            connection.write(request.head());
            connection.write("by");
            if code == "BadRequest" {
                connection.stream.shutdown(Shutdown::Write).unwrap();
            }
            connection.answer_to(&request)
        }
        "LimitExceededException" => {
            for number in 1..1000 {
                server.send(Request::new("PUT", &format!("/-/vaults/v{number}"))).ok();
            }
            server.send(request)
        }
        // There is no room for the body.
        "ServiceUnavailableException" => server.send(request),
        _ => panic!("nothing leads to {code} of {op}"),
    };
    (server, answer)
}

#[test]
fn every_error_of_an_operation_of_cas_is_met() {
    for row in CAS_COVERAGE {
        let op = row.operation.name();
        let (_, made) = SUCCEED.iter().find(|(name, _)| *name == op).unwrap();
        for code in row.codes() {
            let (server, answer) = changed(op, code.name(), *made);
            let last = server.journal().pop().unwrap();
            let told = last.answer.and_then(|answer| answer.code).unwrap_or_default();
            assert_eq!((last.op, told.as_ref()), (Some(op), code.name()), "{}", answer.text());
            answer.is(code.status(), code.name());
        }
    }
}

/// The errors that every operation can be answered with.
#[test]
fn what_every_operation_can_be_answered_with_is_met() {
    let strict = || {
        let text = r#"{"version": 1, "name": "credentials",
            "server": {"rate_limit": [{"requests_per_second": 1, "burst": 3, "per": "scenario"}]},
            "setup": {"credentials": [{"id": "AKIDold", "key": "old", "expires": {"requests": 1}}]}}"#;
        Server::configured(|config| {
            config.auth = Some(AuthMode::Strict);
            config.clock = cos_emu::Clock::Frozen(cos_emu::Timestamp::from_unix_seconds(1000));
            config.scenario = Some(Scenario::parse("credentials", text.as_bytes(), None).unwrap());
        })
    };
    let vault = || Request::cas("GET", "");
    let time = [1000, 2000];
    strict().send(vault()).is(400, "MissingAuthenticationTokenException");
    strict().send(vault().signed("AKIDwho", "x", time)).is(400, "UnrecognizedClientException");
    strict().send(vault().signed("AKIDcosemu", "x", time)).is(400, "InvalidSignatureException");
    strict().send(vault().signed("AKIDcosemu", "cosemu", [100, 200])).is(400, "InvalidSignatureException");
    let foreign = Request::new("GET", "/1/vaults").signed("AKIDcosemu", "cosemu", time);
    strict().send(foreign).is(403, "AccessDeniedException");
    let server = strict();
    server.send(vault().signed("AKIDold", "old", time)).ok();
    server.send(vault().signed("AKIDold", "old", time)).is(403, "ExpiredTokenException");
    for _ in 0..3 {
        server.send(vault().signed("AKIDcosemu", "cosemu", time));
    }
    let throttled = server.send(vault().signed("AKIDcosemu", "cosemu", time));
    throttled.is(400, "ThrottlingException");
    assert!(throttled.header("Retry-After").is_some());
    let plain = Server::start();
    plain.send(Request::new("GET", "/-/vaults/v/x")).is(400, "BadRequest");
    plain.send(Request::new("GET", "/-/vaults/v!")).is(400, "InvalidParameterValueException");
}

#[test]
fn a_scenario_answers_every_code_in_the_layout_of_the_service() {
    for code in CasCode::ALL {
        let rule = format!(r#"{{"id": "r", "when": {{"service": "cas"}}, "do": {{"error": "{code}"}}}}"#);
        let answer = Server::with_rules(&rule).send(Request::cas("GET", ""));
        answer.is(code.status(), code.name());
        let kind = if code.status() < 500 { "Client" } else { "Server" };
        let expected = format!(
            "{{\n   \"code\" : \"{code}\",\n   \"message\" : \"{}\",\n   \"type\" : \"{kind}\"\n}}\n",
            code.message()
        );
        assert_eq!(String::from_utf8_lossy(&answer.body), expected);
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        assert!(answer.header("x-cas-requestId").is_some());
    }
}
