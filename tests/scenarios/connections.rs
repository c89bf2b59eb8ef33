//! "Connections": resets, silence, early answers and broken framing.

use std::time::{Duration, Instant};

use crate::support::{End, Request, Server, pattern};
use crate::{abort_in_vault, chunk, complete, etag, initiate, part, vault_upload};

const MOMENT: Duration = Duration::from_millis(150);

#[test]
fn reset_mid_upload() {
    let server = Server::shipped("reset-mid-upload");
    let upload = initiate(&server);
    let body = pattern(100_000);
    let request = Request::cos("PUT", &format!("k?partNumber=1&uploadId={upload}")).body(&body);
    let mut connection = server.connect();
    connection.write(request.head());
    connection.write(&body[..50_000]);
    assert_eq!(connection.rest(), (Vec::new(), End::Rst));
    let received = server.journal().pop().unwrap().received;
    assert_eq!((received.declared, received.bytes), (Some(100_000), 50_000));
    let tag = etag(&server.send(request));
    complete(&server, &upload, &[&tag]).ok();

    let put = Request::cos("PUT", "other").body("body");
    server.is_lost(&put);
    server.send(put).ok();
    server.coped();
}

#[test]
fn reset_every_request_once() {
    let server = Server::shipped("reset-every-request-once");
    for request in [
        Request::cos("PUT", "k").body("body"),
        Request::cos("GET", "k"),
        Request::cos("HEAD", "k"),
        Request::cos("GET", "k").with("Range", "bytes=1-2"),
        Request::cos("DELETE", "k"),
        Request::cas("GET", ""),
    ] {
        server.is_lost(&request);
        let answer = server.send(request);
        assert!(matches!(answer.status, 200 | 204 | 206), "{}", answer.head);
    }
    server.coped();
}

#[test]
fn idle_race() {
    let server = Server::shipped("idle-race");
    let (put, get) = (Request::cos("PUT", "k").body("body"), Request::cos("GET", "k"));
    let mut connection = server.connect();
    connection.send(&put).ok();
    connection.write(get.bytes());
    assert_eq!(connection.rest(), (Vec::new(), End::Rst));
    // The same request again is not disturbed, on whatever connection it comes.
    let mut connection = server.connect();
    connection.send(&Request::cos("HEAD", "k")).ok();
    assert_eq!(connection.send(&get).ok().body, b"body");
    server.coped();
}

#[test]
fn one_request_per_connection() {
    let server = Server::shipped("one-request-per-connection");
    for _ in 0..3 {
        let mut connection = server.connect();
        let answer = connection.send(&Request::cos("PUT", "k").body("body"));
        assert_eq!(answer.ok().header("Connection"), Some("keep-alive"));
        assert_eq!(connection.rest(), (Vec::new(), End::Fin));
    }
    server.coped();
}

#[test]
fn stalled_reply() {
    let server = Server::shipped("stalled-reply");
    server.send(Request::cos("PUT", "k").body("0123456789")).ok();
    let get = Request::cos("GET", "k");
    let mut connection = server.connect();
    connection.write(get.bytes());
    assert!(connection.head().contains("Content-Length: 10\r\n"));
    assert_eq!(connection.exactly(5), b"01234");
    assert!(connection.is_silent_for(MOMENT));
    assert_eq!(server.send(get).ok().body, b"0123456789");
    server.coped();
}

#[test]
fn stalled_second_part() {
    let server = Server::shipped("stalled-second-part");
    let upload = initiate(&server);
    let first = etag(&part(&server, &upload, 1, &pattern(1 << 20)));
    let mut connection = server.connect();
    connection.write(Request::cos("PUT", &format!("k?partNumber=2&uploadId={upload}")).body("two").bytes());
    assert!(connection.is_silent_for(MOMENT));
    let second = etag(&part(&server, &upload, 2, b"two"));
    complete(&server, &upload, &[&first, &second]).ok();
    server.coped();
}

#[test]
fn slow_body_kick() {
    let server = Server::shipped("slow-body-kick");
    let put = Request::cos("PUT", "k").body(pattern(128 << 10));
    let start = Instant::now();
    let mut connection = server.connect();
    connection.write(put.head());
    // The second half is still to come when the answer is there.
    connection.write(&pattern(128 << 10)[..64 << 10]);
    connection.answer().is(400, "RequestTimeout");
    assert!(start.elapsed() >= Duration::from_millis(40), "1 MiB/s at most: {:?}", start.elapsed());
    assert_eq!(server.send(put).status, 200);

    let upload = vault_upload(&server);
    chunk(&server, &upload, 0, b"chunk").is(408, "RequestTimeoutException");
    assert_eq!(chunk(&server, &upload, 0, b"chunk").status, 204);
    abort_in_vault(&server, &upload);
    server.coped();
}

#[test]
fn early_answer() {
    let server = Server::shipped("early-answer");
    let put = Request::cos("PUT", "k").body(pattern(200_000));
    let mut connection = server.connect();
    connection.write(put.head());
    connection.answer().is(503, "ServiceUnavailable");
    // What comes late is read and thrown away; then the connection ends in FIN.
    connection.write(pattern(200_000));
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
    server.send(put).ok();
    for key in ["forbidden/a", "forbidden/b", "forbidden/c"] {
        server.send(Request::cos("PUT", key).body("body")).is(403, "AccessDenied");
    }
    let upload = vault_upload(&server);
    chunk(&server, &upload, 0, b"chunk").is(500, "ServiceUnavailableException");
    assert_eq!(chunk(&server, &upload, 0, b"chunk").status, 204);
    abort_in_vault(&server, &upload);
    server.coped();
}

#[test]
fn continue_late() {
    let server = Server::shipped("continue-late");
    let put = Request::cos("PUT", "k").with("Expect", "100-continue").body("body");
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";

    let mut late = server.connect();
    let start = Instant::now();
    late.write(put.head());
    assert_eq!(late.head(), go_on);
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
    late.write("body");
    late.answer().ok();

    let mut twice = server.connect();
    twice.write(put.head());
    assert_eq!((twice.head().as_str(), twice.head().as_str()), (go_on, go_on));
    twice.write("body");
    twice.answer().ok();

    let mut never = server.connect();
    never.write(put.head());
    assert!(never.is_silent_for(MOMENT));
    never.write("body");
    never.answer().ok();

    let mut refused = server.connect();
    refused.write(put.head());
    assert!(refused.head().starts_with("HTTP/1.1 417 Expectation Failed\r\n"));

    let mut honest = server.connect();
    honest.write(put.head());
    assert_eq!(honest.head(), go_on);
    server.coped();
}

#[test]
fn chunked_cut() {
    let server = Server::shipped("chunked-cut");
    server.send(Request::cos("PUT", "k").body("0123456789")).ok();
    let get = Request::cos("GET", "k");
    let (bytes, end) = server.send_to_the_end(&get);
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.contains("\r\nTransfer-Encoding: chunked\r\n") && !text.contains("Content-Length"),
        "{text}"
    );
    assert!(text.ends_with("\r\n\r\n5\r\n01234\r\n"), "no last chunk: {text}");
    assert_eq!(end, End::Fin);
    assert_eq!(server.send(get).ok().body, b"0123456789");
    server.coped();
}

#[test]
fn body_not_rewound() {
    let server = Server::shipped("body-not-rewound");
    let body = pattern(300_000);
    let put = Request::cos("PUT", "k").body(&body);
    server.send(put.clone()).is(503, "ServiceUnavailable");
    assert_eq!(server.exchange().received.bytes, 300_000, "it was read to the end");
    assert_eq!(server.send(Request::cos("HEAD", "k")).status, 404, "and not stored");
    server.send(put).ok();

    let upload = vault_upload(&server);
    chunk(&server, &upload, 0, b"chunk").is(500, "ServiceUnavailableException");
    assert_eq!(chunk(&server, &upload, 0, b"chunk").status, 204);
    abort_in_vault(&server, &upload);
    server.coped();
}

#[test]
fn zero_byte_retry() {
    let server = Server::shipped("zero-byte-retry");
    server.send(Request::cos("PUT", "one").body("1")).ok();
    let put = Request::cos("PUT", "none").with("Content-Length", 0);
    server.send(put.clone()).is(503, "ServiceUnavailable");
    server.send(put).ok();
    assert_eq!(server.send(Request::cos("HEAD", "none")).header("Content-Length"), Some("0"));
    server.coped();
}
