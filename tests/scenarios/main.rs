//! Every shipped scenario does what its note says, seen by a plain client.

mod connections;
mod lost_answers;
mod service;
#[path = "../support/mod.rs"]
mod support;
mod wrong;

use support::{Answer, Connection, End, Request, Server, pattern, sha256};

fn initiate(server: &Server) -> String {
    server.send(Request::cos("POST", "k?uploads")).ok().element("UploadId").unwrap()
}

fn part(server: &Server, upload: &str, number: u32, body: &[u8]) -> Answer {
    server.send(Request::cos("PUT", &format!("k?partNumber={number}&uploadId={upload}")).body(body))
}

fn completion(upload: &str, etags: &[&str]) -> Request {
    let parts = (1..)
        .zip(etags)
        .map(|(number, etag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"));
    let body = format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>());
    Request::cos("POST", &format!("k?uploadId={upload}")).body(body)
}

fn complete(server: &Server, upload: &str, etags: &[&str]) -> Answer {
    server.send(completion(upload, etags))
}

fn etag(answer: &Answer) -> String {
    answer.ok().header("ETag").unwrap().to_owned()
}

fn vault_upload(server: &Server) -> String {
    let request = Request::cas("POST", "multipart-uploads").with("x-cas-part-size", 1 << 20);
    server.send(request).header("x-cas-multipart-upload-id").unwrap().to_owned()
}

/// What a client does with an upload that it does not complete.
fn abort_in_vault(server: &Server, upload: &str) {
    assert_eq!(server.send(Request::cas("DELETE", &format!("multipart-uploads/{upload}"))).status, 204);
}

/// A chunk of at most one leaf, whose two hashes are one.
fn chunk(server: &Server, upload: &str, index: usize, body: &[u8]) -> Answer {
    let hash = sha256(body);
    let start = index << 20;
    server.send(
        Request::cas("PUT", &format!("multipart-uploads/{upload}"))
            .with("Content-Range", format!("bytes {start}-{}/*", start + body.len() - 1))
            .with("x-cas-content-sha256", &hash)
            .with("x-cas-sha256-tree-hash", &hash)
            .body(body),
    )
}

fn read(server: &Server, key: &str, range: Option<&str>) -> (String, Vec<u8>, End) {
    let mut request = Request::cos("GET", key).with("Connection", "close");
    if let Some(range) = range {
        request = request.with("Range", range);
    }
    let mut connection = server.connect();
    connection.write(request.bytes());
    let head = connection.head();
    let (body, end) = connection.rest();
    (head, body, end)
}

#[test]
fn content_length_mismatch() {
    let server = Server::shipped("content-length-mismatch");
    let upload = initiate(&server);
    part(&server, &upload, 1, b"body").is(400, "EntitySizeNotMatch");
    let parts = server.send(Request::cos("GET", &format!("k?uploadId={upload}")));
    assert!(parts.elements("PartNumber").is_empty(), "nothing is stored of it");
    let first = etag(&part(&server, &upload, 1, b"body"));
    complete(&server, &upload, &[&first]).ok();

    let (head, body, end) = read(&server, "k", None);
    assert!(head.contains("Content-Length: 4\r\n"));
    assert_eq!((&body[..], end), (&b"bo"[..], End::Fin), "the first is short");
    let (head, body, end) = read(&server, "k", None);
    assert!(head.contains("Content-Length: 4\r\n"));
    assert_eq!((&body[..], end), (&b"bodyxxxxxxxxxxxxxxxx"[..], End::Fin), "the second is long");
    assert_eq!(read(&server, "k", None).1, b"body", "the third is right");

    let upload = vault_upload(&server);
    chunk(&server, &upload, 0, b"chunk").is(400, "InvalidParameterValueException");
    assert_eq!(chunk(&server, &upload, 0, b"chunk").status, 204);
    abort_in_vault(&server, &upload);
    server.coped();
}

#[test]
fn hash_mismatch() {
    let server = Server::shipped("hash-mismatch");
    let upload = initiate(&server);
    let (one, two) = (pattern(1 << 20), b"two");
    let wrong = etag(&part(&server, &upload, 1, &one));
    part(&server, &upload, 2, two).is(400, "BadDigest");
    let second = etag(&part(&server, &upload, 2, two));
    complete(&server, &upload, &[&wrong, &second]).is(400, "InvalidPart");
    assert_eq!(server.send(Request::cos("HEAD", "k")).status, 404);
    let right = etag(&part(&server, &upload, 1, &one));
    assert_ne!(right, wrong);
    complete(&server, &upload, &[&right, &second]).ok();

    let whole = [&one[..], two].concat();
    let first = server.send(Request::cos("GET", "k"));
    let second = server.send(Request::cos("GET", "k"));
    assert_eq!(first.header("x-cos-hash-crc64ecma"), second.header("x-cos-hash-crc64ecma"));
    let different: Vec<usize> = (0..whole.len()).filter(|&at| first.body[at] != whole[at]).collect();
    assert_eq!(different, [whole.len() / 2]);
    assert!(second.body == whole);

    let upload = vault_upload(&server);
    let lie = chunk(&server, &upload, 0, b"chunk").header("x-cas-sha256-tree-hash").unwrap().to_owned();
    let truth = chunk(&server, &upload, 0, b"chunk").header("x-cas-sha256-tree-hash").unwrap().to_owned();
    assert_ne!(lie, truth);
    chunk(&server, &upload, 1, b"chunk").is(400, "InvalidParameterValueException");
    assert_eq!(chunk(&server, &upload, 1, b"chunk").status, 204);
    abort_in_vault(&server, &upload);
    server.coped();
}

#[test]
fn no_such_upload() {
    let server = Server::shipped("no-such-upload");
    let first = initiate(&server);
    etag(&part(&server, &first, 1, &pattern(1 << 20)));
    etag(&part(&server, &first, 2, b"two"));
    part(&server, &first, 3, b"three").is(404, "NoSuchUpload");

    let attempt = |upload: &str| {
        let etags =
            [etag(&part(&server, upload, 1, &pattern(1 << 20))), etag(&part(&server, upload, 2, b"two"))];
        complete(&server, upload, &[&etags[0], &etags[1]])
    };
    let second = initiate(&server);
    attempt(&second).is(404, "NoSuchUpload");
    part(&server, &second, 1, b"one").is(404, "NoSuchUpload");
    server.send(Request::cos("GET", "k")).is(404, "NoSuchKey");
    attempt(&initiate(&server)).ok();
    server.coped();

    let upload = vault_upload(&server);
    assert_eq!(chunk(&server, &upload, 1, b"two").status, 204);
    let server = Server::shipped("no-such-upload");
    let upload = vault_upload(&server);
    assert_eq!(chunk(&server, &upload, 1, b"two").status, 204);
    chunk(&server, &upload, 0, b"one").is(404, "ResourceNotFoundException");
}

#[test]
fn misaligned_content_range() {
    let server = Server::shipped("misaligned-content-range");
    server.send(Request::cos("PUT", "k").body("0123456789")).ok();
    let answer = || {
        let (head, body, _) = read(&server, "k", Some("bytes=2-4"));
        let range = head.lines().find_map(|line| line.strip_prefix("Content-Range: ")).map(str::to_owned);
        (head[9..12].to_owned(), range, String::from_utf8(body).unwrap())
    };
    let expected = |status: &str, range: Option<&str>, body: &str| {
        (status.to_owned(), range.map(str::to_owned), body.to_owned())
    };
    assert_eq!(read(&server, "k", None).1, b"0123456789", "reads without a range are not disturbed");
    assert_eq!(answer(), expected("206", Some("bytes 3-5/10"), "345"));
    assert_eq!(answer(), expected("206", Some("bytes 2-4/11"), "234"));
    assert_eq!(answer(), expected("206", None, "234"));
    assert_eq!(answer(), expected("200", None, "0123456789"));
    assert_eq!(answer(), expected("206", Some("bytes 2-4/10"), "234"));

    let upload = vault_upload(&server);
    let refused = chunk(&server, &upload, 0, b"chunk");
    refused.is(400, "InvalidParameterValueException");
    assert!(refused.text().contains("not aligned"));
    assert_eq!(chunk(&server, &upload, 0, b"chunk").status, 204);
    abort_in_vault(&server, &upload);
    server.coped();
}

/// A client that tries again ten times at most, and that looks at what it gets.
#[test]
fn flaky() {
    let server = Server::shipped("flaky");
    let (mut requests, mut disturbed) = (0, 0);
    for number in 0..150 {
        let body = pattern(2000 + number);
        let put = Request::cos("PUT", &format!("key-{number}")).body(&body);
        let get = Request::cos("GET", &format!("key-{number}"));
        for request in [put, get] {
            let done = (0..10).any(|_| {
                requests += 1;
                let good = answer_of(&mut server.connect(), &request)
                    .is_some_and(|answer| answer.0 == 200 && (answer.1.is_empty() || answer.1 == body));
                disturbed += u32::from(!good);
                good
            });
            assert!(done, "ten attempts are enough");
        }
    }
    let rate = f64::from(disturbed) / f64::from(requests);
    assert!((0.05..0.2).contains(&rate), "{disturbed} of {requests}");
    let fired: std::collections::BTreeSet<String> = server
        .journal()
        .into_iter()
        .flat_map(|exchange| exchange.rules)
        .filter(|rule| rule.outcome == "fired")
        .map(|rule| rule.id.to_string())
        .collect();
    for id in ["slow-link", "reset-in-upload", "busy-cos", "short-read"] {
        assert!(fired.contains(id), "{id} never fired");
    }
    server.coped();
}

/// The status and the body, if they came whole.
fn answer_of(connection: &mut Connection, request: &Request) -> Option<(u16, Vec<u8>)> {
    use std::io::{Read as _, Write as _};
    let stream = &mut connection.stream;
    stream.write_all(&request.clone().with("Connection", "close").bytes()).ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length: usize = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?.parse().ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let body = bytes.split_off(end);
    (body.len() == length).then_some((status, body))
}
