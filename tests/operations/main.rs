//! The tables of operations tell the truth: what they call built succeeds, each error that they list can be met, and what they do not call
//! built is answered 501. The pages `docs/cos.md` and `docs/cas.md` are made from them.

mod cas;
mod errors;
mod rows;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Shutdown;

use cos_emu::{AuthMode, COVERAGE, Emulation, Operation};
use errors::{specials, with_customer_key};
use rows::of_all;
use support::documents;
use support::{Answer, BUCKET, Connection, Request, Server, md5_base64};

/// The answer that a change of a request that would succeed leads to; `None` for a code that no change leads to.
fn changed(
    code: &str,
    op: &str,
    prepare: &dyn Fn(&Server),
    request: &dyn Fn(&Server) -> Request,
) -> Option<(Server, Answer)> {
    let server = Server::configured(|config| {
        config.auth = (code == "AccessDenied").then_some(AuthMode::Strict);
    });
    if code == "AccessDenied" {
        // Nobody is granted anything in a bucket that is private, whether the rest of the request makes sense or not.
        let rest = Server::start();
        prepare(&rest);
        let answer = server.send(request(&rest));
        return Some((server, answer));
    }
    let is_locked = code == "ObjectLocked";
    if is_locked {
        documents::configure(&server, "object-lock", documents::OBJECT_LOCK);
    }
    if is_locked || code == "FileAlreadyExists" {
        server.send(Request::cos("PUT", "key").body("bytes")).ok();
    }
    if !is_locked {
        prepare(&server);
    }
    let key = |request: Request, key: &str| {
        request.retargeted(|target| {
            let old = if op == "GetObjectSymlink" { "/link" } else { "/key" };
            let old = if op == "CopyObject" { "/copy" } else { old };
            target.replacen(old, &format!("/{key}"), 1)
        })
    };
    let source = |of: &str| format!("{BUCKET}.cos.ap-guangzhou.myqcloud.com/{of}");
    let request = || match op {
        // Over the key that is there.
        "CopyObject" if code == "FileAlreadyExists" || is_locked => request(&server)
            .retargeted(|target| target.replace("/copy", "/key"))
            .with("x-cos-metadata-directive", "Replaced"),
        _ => request(&server),
    };
    let other_md5 = md5_base64("other");
    let answer = match code {
        "NoSuchBucket" => {
            server.send(request().retargeted(|target| target.replace(BUCKET, "missing-1250000000")))
        }
        "NoSuchKey" => server.send(key(request(), "missing")),
        "NoSuchVersion" if request().lines().iter().any(|(name, _)| name == "x-cos-copy-source") => {
            let source = source("key?versionId=MTg0NDUxNTc1NjIzMTQ1MDAwODg");
            server.send(request().replacing("x-cos-copy-source", &source))
        }
        "NoSuchVersion" => server.send(request().retargeted(|target| {
            let separator = if target.contains('?') { '&' } else { '?' };
            format!("{target}{separator}versionId=MTg0NDUxNTc1NjIzMTQ1MDAwODg")
        })),
        "NoSuchUpload" => server.send(request().retargeted(|target| {
            let (start, id) = target.split_once("uploadId=").unwrap();
            format!("{start}uploadId=x{id}")
        })),
        "MalformedXML" => server.send(request().body("<x>")),
        "MissingRequestBodyError" => server.send(request().body("")),
        "InvalidDigest" => server.send(request().with("Content-MD5", "x")),
        "BadDigest" => server.send(request().with("Content-MD5", other_md5)),
        "InvalidSHA1Digest" => server.send(request().with("x-cos-content-sha1", "0".repeat(40))),
        "EntityTooLarge" => {
            let too_long = request().body("").with("Content-Length", (5_u64 << 30) + 1);
            server.send(too_long.with("Expect", "100-continue"))
        }
        "IncompleteBody" => {
            let mut connection = server.connect();
            let request = request().body("").with("Content-Length", 10);
            connection.write(request.head());
            connection.write("bytes");
            connection.stream.shutdown(Shutdown::Write).unwrap();
            connection.answer_to(&request)
        }
        "MissingContentLength" => {
            let request = request().body("").bare().with("Host", "127.0.0.1");
            Connection::to(server.addr()).send(&request)
        }
        "KeyTooLong" => server.send(key(request(), &"k".repeat(851))),
        "InvalidObjectName" => server.send(key(request(), "a%18b")),
        "FileAlreadyExists" => server.send(request().with("x-cos-forbid-overwrite", "true")),
        "ObjectLocked" => server.send(request()),
        "NotSupportedStorageClass" => server.send(request().with("x-cos-storage-class", "GOLD")),
        "InvalidTag" => {
            server.send(request().with("x-cos-tagging", "=v").with("x-cos-tagging-directive", "Replaced"))
        }
        "InvalidArgument" => server.send(request().with("x-cos-acl", "everybody")),
        "InvalidRequest" => {
            let date = "Thu, 16 May 2019 06:45:51 GMT";
            let request = request().with("x-cos-copy-source-If-Match", "x");
            server.send(request.with("x-cos-copy-source-If-Modified-Since", date))
        }
        "UnexpectedContent" => server.send(request().with("x-cos-acl", "private")),
        "AttachmentFull" => {
            let grants = vec!["id=\"1\""; 101].join(",");
            server.send(request().body("").with("x-cos-grant-read", grants))
        }
        "PreconditionFailed" if op.contains("Copy") => {
            server.send(request().with("x-cos-copy-source-If-Match", "x"))
        }
        "PreconditionFailed" => server.send(request().with("If-Match", "x")),
        "InvalidRange" => server.send(request().with("Range", "bytes=99-")),
        "InvalidCopySource" => server.send(request().replacing("x-cos-copy-source", "x")),
        "NoSuchCopySource" => server.send(request().replacing("x-cos-copy-source", &source("missing"))),
        "InvalidObjectState" => {
            let request = request();
            server.send(Request::cos("PUT", "key").with("x-cos-storage-class", "ARCHIVE").body("bytes")).ok();
            server.send(request)
        }
        "SsecDecryptHeaderInvalid" => {
            let request = request();
            server.send(with_customer_key(Request::cos("PUT", "key"), "").body("bytes")).ok();
            server.send(request)
        }
        // There is none when nothing was put before.
        _ if ["Get", "Delete"].iter().any(|verb| op.starts_with(verb)) => {
            let fresh = Server::start();
            let answer = fresh.send(request());
            return Some((fresh, answer));
        }
        _ => return None,
    };
    Some((server, answer))
}

/// What the journal says of the last exchange: the operation, and the code.
fn last(server: &Server) -> (Option<&'static str>, String) {
    let exchange = server.journal().pop().expect("there was one");
    let code = exchange.answer.and_then(|answer| answer.code).unwrap_or_default();
    (exchange.op, code.into_owned())
}

/// The errors of every operation, as far as the table lists them and they are met here.
fn errors_met() -> BTreeSet<(String, String)> {
    let mut met = BTreeSet::new();
    let mut problems = Vec::new();
    let special: BTreeMap<(&str, &str), _> =
        specials().into_iter().map(|special| ((special.op, special.code), special.answer)).collect();
    for ((op, code), answer) in &special {
        let server = Server::start();
        let answer = answer(&server);
        // A row that needs a server of its own is told by the answer alone.
        let (of, told) = if server.journal().is_empty() { (Some(*op), answer.code()) } else { last(&server) };
        if (of, told.as_str()) != (Some(*op), *code) {
            problems.push(format!("{op} {code}: {of:?} {told} {}", answer.status));
        }
        met.insert(((*op).to_owned(), (*code).to_owned()));
    }
    of_all(&mut |op, prepare, request| {
        let row = COVERAGE.iter().find(|row| row.operation.name() == op).unwrap();
        for code in row.codes().map(|code| code.name()) {
            if special.contains_key(&(op, code)) {
                continue;
            }
            let Some((server, answer)) = changed(code, op, prepare, request) else { continue };
            if last(&server) != (Some(row.operation.name()), code.to_owned()) {
                problems.push(format!("{op} {code}: {:?} {}", last(&server), answer.status));
            }
            met.insert((op.to_owned(), code.to_owned()));
        }
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    met
}

#[test]
fn every_error_of_the_table_is_met() {
    let met = errors_met();
    let mut missing = Vec::new();
    for row in COVERAGE {
        for code in row.codes() {
            if !met.contains(&(row.operation.name().to_owned(), code.name().to_owned())) {
                missing.push(format!("{} {code}", row.operation));
            }
        }
    }
    assert!(missing.is_empty(), "no row leads to: {}", missing.join(", "));
}

#[test]
fn every_operation_of_cos_that_is_built_succeeds() {
    let mut done = BTreeSet::new();
    of_all(&mut |op, prepare, request| {
        let server = Server::start();
        prepare(&server);
        server.send(request(&server)).ok();
        assert_eq!(server.journal().pop().unwrap().op, Some(op), "the journal knows it");
        done.insert(op.to_owned());
    });
    let built = Operation::ALL.iter().filter(|operation| {
        operation.service() == cos_emu::Service::Cos && operation.emulation() == Emulation::Built
    });
    let missing: Vec<_> = built.filter(|operation| !done.contains(operation.name())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// `COS_EMU_BLESS=1` writes the pages.
#[test]
fn the_pages_are_made_from_the_tables() {
    for (name, page) in [("cos", cos_emu::coverage_page()), ("cas", cos_emu::cas_coverage_page())] {
        let path = format!("{}/docs/{name}.md", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("COS_EMU_BLESS").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(written, page, "COS_EMU_BLESS=1 writes it again");
    }
}

/// What real clients may ask beyond that: recognised by name, refused in the service's own format.
#[test]
fn what_is_not_built_is_answered_501_by_its_name() {
    let server = Server::start();
    for (request, operation) in [
        (Request::cos("GET", "?notification"), "GetBucketNotification"),
        (Request::cos("POST", "key?select"), "SelectObjectContent"),
        (Request::cos("PUT", "?notification").body("<NotificationConfiguration/>"), "PutBucketNotification"),
    ] {
        let answer = server.send(request);
        answer.is(501, "NotImplemented");
        assert!(answer.text().contains(operation), "{}", answer.text());
        assert_eq!(server.journal().last().unwrap().op, Some(operation));
    }
}
