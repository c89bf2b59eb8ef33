//! "Lost and lying answers": what took place and what the client is told of it differ.

use crate::support::{End, Request, Server};
use crate::{abort_in_vault, chunk, complete, completion, etag, initiate, part, vault_upload};

/// An upload with the part `body`, and the request that completes it.
fn with_one_part(server: &Server) -> Request {
    let upload = initiate(server);
    let tag = etag(&part(server, &upload, 1, b"body"));
    completion(&upload, &[&tag])
}

fn holds(server: &Server, key: &str, body: &[u8]) {
    assert_eq!(server.send(Request::cos("GET", key)).ok().body, body);
}

fn holds_nothing(server: &Server, key: &str) {
    assert_eq!(server.send(Request::cos("HEAD", key)).status, 404);
}

#[test]
fn complete_200_error() {
    let server = Server::shipped("complete-200-error");
    let request = with_one_part(&server);
    let (bytes, end) = server.send_to_the_end(&request.clone().with("Connection", "close"));
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    let (declaration, rest) = text.split_once("?>").unwrap();
    assert!(declaration.ends_with("<?xml version='1.0' encoding='utf-8' "), "{declaration}");
    assert!(
        rest.starts_with(|first: char| first.is_ascii_whitespace()),
        "blanks stand before the root: {rest}"
    );
    assert!(rest.contains("<Error>") && rest.contains("<Code>InternalError</Code>"), "{rest}");
    assert_eq!(end, End::Fin);
    holds_nothing(&server, "k");
    server.send(request).ok();
    holds(&server, "k", b"body");
    server.coped();
}

#[test]
fn complete_200_garbage() {
    let server = Server::shipped("complete-200-garbage");
    let request = with_one_part(&server);
    let empty = server.send(request.clone());
    assert_eq!((empty.status, &empty.body[..]), (200, &b""[..]));
    let cut = server.send(request.clone());
    assert!(cut.text().starts_with("<?xml") && !cut.text().contains("</Complete"), "{}", cut.text());
    assert_eq!(cut.status, 200);
    let page = server.send(request.clone());
    assert_eq!((page.status, page.header("Content-Type")), (200, Some("text/html")));
    holds_nothing(&server, "k");
    server.send(request).ok();
    holds(&server, "k", b"body");
    server.coped();
}

#[test]
fn complete_503_but_done() {
    let server = Server::shipped("complete-503-but-done");
    let request = with_one_part(&server);
    server.send(request.clone()).is(503, "ServiceUnavailable");
    server.send(request).is(404, "NoSuchUpload");
    holds(&server, "k", b"body");
    server.coped();
}

#[test]
fn complete_lost_answer() {
    let server = Server::shipped("complete-lost-answer");
    let request = with_one_part(&server);
    server.is_lost(&request);
    server.send(request).is(404, "NoSuchUpload");
    holds(&server, "k", b"body");
    server.coped();
}

#[test]
fn initiate_lost_answer() {
    let server = Server::shipped("initiate-lost-answer");
    server.is_lost(&Request::cos("POST", "k?uploads"));
    let upload = initiate(&server);
    let listed = server.send(Request::cos("GET", "?uploads")).elements("UploadId");
    let orphans: Vec<_> = listed.iter().filter(|id| **id != upload).collect();
    assert_eq!((listed.len(), orphans.len()), (2, 1), "the list shows the one whose id never came");
    for id in &listed {
        assert_eq!(server.send(Request::cos("DELETE", &format!("k?uploadId={id}"))).status, 204);
    }

    server.is_lost(&Request::cas("POST", "multipart-uploads").with("x-cas-part-size", 1 << 20));
    vault_upload(&server);
    let listed = server.send(Request::cas("GET", "multipart-uploads")).body;
    let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
    let listed = listed["UploadsList"].as_array().unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");
    for upload in listed {
        abort_in_vault(&server, upload["MultipartUploadId"].as_str().unwrap());
    }
    server.coped();
}

#[test]
fn put_lost_answer() {
    let server = Server::shipped("put-lost-answer");
    let put = Request::cos("PUT", "k").body("body");
    server.is_lost(&put);
    holds(&server, "k", b"body");
    server.send(put).ok();
    holds(&server, "k", b"body");
    server.coped();
}

#[test]
fn append_lost_answer() {
    let server = Server::shipped("append-lost-answer");
    let append = |position: usize, body: &str| {
        Request::cos("POST", &format!("k?append&position={position}")).body(body)
    };
    server.is_lost(&append(0, "one,"));
    let length = server.send(Request::cos("HEAD", "k")).header("Content-Length").unwrap().to_owned();
    assert_eq!(length, "4", "a client that asks finds its bytes");
    server.send(append(0, "one,")).is(409, "AppendPositionErr");
    server.send(append(4, "two")).ok();
    holds(&server, "k", b"one,two");
    server.coped();
}

#[test]
fn conflict_409() {
    let server = Server::shipped("conflict-409");
    let upload = initiate(&server);
    part(&server, &upload, 1, b"body").is(409, "PathConflict");
    let listed = server.send(Request::cos("GET", &format!("k?uploadId={upload}")));
    assert!(listed.elements("PartNumber").is_empty(), "nothing is stored of it");
    let tag = etag(&part(&server, &upload, 1, b"body"));
    complete(&server, &upload, &[&tag]).is(409, "PathConflict");
    complete(&server, &upload, &[&tag]).ok();
    holds(&server, "k", b"body");
    server.coped();
}

#[test]
fn part_lost() {
    let server = Server::shipped("part-lost");
    let upload = initiate(&server);
    let tags = [etag(&part(&server, &upload, 1, &[b'1'; 1 << 20])), etag(&part(&server, &upload, 2, b"two"))];
    complete(&server, &upload, &[&tags[0], &tags[1]]).is(400, "InvalidPart");
    let listed = server.send(Request::cos("GET", &format!("k?uploadId={upload}")));
    assert_eq!(listed.elements("PartNumber"), ["2"]);
    assert_eq!(etag(&part(&server, &upload, 1, &[b'1'; 1 << 20])), tags[0]);
    complete(&server, &upload, &[&tags[0], &tags[1]]).ok();

    let upload = vault_upload(&server);
    for held in [0, 1] {
        assert_eq!(chunk(&server, &upload, 0, b"chunk").status, 204);
        let listed = server.send(Request::cas("GET", &format!("multipart-uploads/{upload}")));
        assert_eq!(listed.text().matches("RangeInBytes").count(), held, "{}", listed.text());
    }
    abort_in_vault(&server, &upload);
    server.coped();
}
