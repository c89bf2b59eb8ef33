//! Each action on a raw socket: the exact bytes, the offset, and RST or FIN.
//!
//! What an undisturbed server answers is the measure: with the same seed and a frozen clock it answers the same
//! requests with the same bytes. `tests/tidy.rs` sees to it that each action has a test here, named after it.

mod support;

use std::time::{Duration, Instant};

use cos_emu::{Clock, Ended, Exchange, Scenario, Timestamp};
use support::{Answer, Connection, End, Request, Server, md5, pattern, sha256};

/// The object that the tests read.
const OBJECT: &[u8] = b"0123456789abcdef";

/// A server with these rules, a frozen clock, and the object.
fn server(rules: &str) -> Server {
    let text = format!("{{\"version\": 1, \"name\": \"test\", \"rules\": [{rules}]}}");
    let scenario =
        Scenario::parse("test.json", text.as_bytes(), None).unwrap_or_else(|diagnosis| panic!("{diagnosis}"));
    let server = Server::configured(|config| {
        config.scenario = Some(scenario);
        config.clock = Clock::Frozen(Timestamp::from_unix_seconds(1_700_000_000));
    });
    server.send(Request::cos("PUT", "object").body(OBJECT).with("x-setup", "1")).ok();
    server
}

/// A rule for every request but those that set the test up.
fn rule(action: &str) -> String {
    rule_for("GetObject", action)
}

fn rule_for(op: &str, action: &str) -> String {
    format!(
        "{{\"id\": \"r\", \"when\": {{\"op\": \"{op}\", \"header\": {{\"x-setup\": {{\"absent\": true}}}}}}, \"do\": {action}}}"
    )
}

fn get() -> Request {
    Request::cos("GET", "object")
}

fn put(body: &[u8]) -> Request {
    Request::cos("PUT", "new").body(body)
}

/// Sends a request, ends the sending side, and reads to the end: what came, and how it ended.
fn raw(server: &Server, request: &Request) -> (Vec<u8>, End) {
    let mut connection = server.connect();
    connection.write(request.bytes());
    let _ = connection.stream.shutdown(std::net::Shutdown::Write);
    connection.rest()
}

/// What an undisturbed server answers.
fn undisturbed(request: &Request) -> Vec<u8> {
    let (bytes, end) = raw(&server(""), request);
    assert_eq!(end, End::Fin);
    bytes
}

fn head_len(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn assert_bytes(found: &[u8], expected: &[u8]) {
    assert!(found == expected, "found:\n{}\nexpected:\n{}", text(found), text(expected));
}

/// The last exchange.
fn last(server: &Server) -> Exchange {
    server.journal().pop().unwrap()
}

fn stored(server: &Server, key: &str) -> Option<Vec<u8>> {
    let answer = server.send(Request::cos("GET", key).with("x-setup", "1"));
    (answer.status == 200).then_some(answer.body)
}

// ---- reset ----

#[test]
fn reset_at_head_sends_nothing_not_even_continue() {
    let server = server(&rule_for("PutObject", r#"{"reset": {"at": "head"}}"#));
    let mut connection = server.connect();
    connection.write(put(b"body").with("Expect", "100-continue").head());
    assert_eq!(connection.rest(), (Vec::new(), End::Rst));
    assert_eq!(stored(&server, "new"), None);
    let exchange = &server.journal()[1];
    assert_eq!(
        (exchange.ended, exchange.applied, exchange.answer.is_none()),
        (Some(Ended::Reset), false, true)
    );
}

#[test]
fn reset_at_upload_comes_exactly_when_that_many_bytes_have_arrived() {
    let body = b"abcdef";
    for offset in 1..=body.len() {
        let rule = rule_for("PutObject", &format!(r#"{{"reset": {{"at": "upload", "offset": {offset}}}}}"#));
        let server = server(&rule);
        let mut connection = server.connect();
        connection.write(put(body).head());
        connection.write(&body[..offset - 1]);
        assert!(connection.is_silent_for(Duration::from_millis(30)), "{offset}: too early");
        connection.write(&body[offset - 1..offset]);
        assert_eq!(connection.rest(), (Vec::new(), End::Rst), "{offset}");
        assert_eq!(stored(&server, "new"), None);
        let exchange = &server.journal()[1];
        assert_eq!(exchange.received.bytes, offset as u64);
        assert_eq!((exchange.actions[0].action, exchange.actions[0].offset), ("reset", Some(offset as u64)));
    }
}

#[test]
fn reset_at_upload_offset_0_comes_behind_continue() {
    let server = server(&rule_for("PutObject", r#"{"reset": {"at": "upload", "offset": 0}}"#));
    let mut connection = server.connect();
    connection.write(put(b"body").with("Expect", "100-continue").head());
    let (bytes, end) = connection.rest();
    assert_bytes(&bytes, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(end, End::Rst);
}

#[test]
fn reset_at_upload_byte_1048577_of_a_part() {
    let server = server(&rule_for("UploadPart", r#"{"reset": {"at": "upload", "offset": 1048577}}"#));
    let upload = server.send(Request::cos("POST", "k?uploads")).element("UploadId").unwrap();
    let request = Request::cos("PUT", &format!("k?partNumber=1&uploadId={upload}")).body(pattern(3 << 20));
    let mut connection = server.connect();
    connection.write(request.head());
    connection.write(&pattern(3 << 20)[..1_048_576]);
    assert!(connection.is_silent_for(Duration::from_millis(100)));
    connection.write([7]);
    assert_eq!(connection.rest(), (Vec::new(), End::Rst));
    assert_eq!(last(&server).received.bytes, 1_048_577);
    let parts = server.send(Request::cos("GET", &format!("k?uploadId={upload}")));
    assert!(parts.elements("PartNumber").is_empty());
}

#[test]
fn reset_at_reply_loses_the_answer_of_an_applied_operation() {
    let server = server(&rule_for("PutObject", r#"{"reset": {"at": "reply"}}"#));
    assert_eq!(raw(&server, &put(b"body")), (Vec::new(), End::Rst));
    assert_eq!(stored(&server, "new").as_deref(), Some(&b"body"[..]));
    assert!(server.journal()[1].applied);
}

/// Every place of a small answer, from none of its body to all of it.
#[test]
fn reset_at_download_comes_exactly_behind_that_many_bytes() {
    let whole = undisturbed(&get());
    let head = head_len(&whole);
    for offset in 0..=OBJECT.len() {
        let server = server(&rule(&format!(r#"{{"reset": {{"at": "download", "offset": {offset}}}}}"#)));
        let (bytes, end) = raw(&server, &get());
        assert_bytes(&bytes, &whole[..head + offset]);
        assert_eq!(end, End::Rst, "{offset}");
        assert_eq!(server.journal()[1].answer.as_ref().unwrap().bytes, offset as u64);
    }
}

#[test]
fn reset_at_a_place_of_the_download_in_percent_and_from_the_end() {
    let whole = undisturbed(&get());
    for (offset, kept) in
        [("\"50%\"", 8), ("\"0%\"", 0), ("\"100%\"", 16), ("\"33%\"", 5), ("-1", 15), ("-16", 0)]
    {
        let server = server(&rule(&format!(r#"{{"reset": {{"at": "download", "offset": {offset}}}}}"#)));
        let (bytes, end) = raw(&server, &get());
        assert_bytes(&bytes, &whole[..head_len(&whole) + kept]);
        assert_eq!(end, End::Rst, "{offset}");
    }
}

#[test]
fn reset_past_the_end_is_not_reached_and_is_no_firing() {
    let whole = undisturbed(&get());
    for offset in ["17", "-17", "\"1MiB\""] {
        let server = server(&rule(&format!(r#"{{"reset": {{"at": "download", "offset": {offset}}}}}"#)));
        assert_bytes(&raw(&server, &get()).0, &whole);
        let exchange = &server.journal()[1];
        assert_eq!((exchange.rules[0].outcome, exchange.rules[0].firing), ("not-reached", None), "{offset}");
        assert!(exchange.actions.is_empty());
    }
}

#[test]
fn reset_when_done_comes_behind_the_whole_answer() {
    let whole = undisturbed(&get());
    let server = server(&rule(r#"{"reset": {"at": "done"}}"#));
    let (bytes, end) = raw(&server, &get());
    assert_bytes(&bytes, &whole);
    assert_eq!(end, End::Rst);
}

#[test]
fn reset_of_a_large_download_delivers_every_promised_byte_to_a_slow_reader() {
    let body = pattern(3 << 20);
    let offset = 2_000_003;
    let server = server(&rule(&format!(r#"{{"reset": {{"at": "download", "offset": {offset}}}}}"#)));
    server.send(Request::cos("PUT", "object").with("x-setup", "1").body(&body)).ok();
    let mut connection = server.connect();
    connection.write(get().bytes());
    std::thread::sleep(Duration::from_millis(200));
    let head = connection.head();
    assert!(head.contains(&format!("Content-Length: {}", body.len())));
    let (bytes, end) = connection.rest();
    assert!(bytes == body[..offset], "{} bytes", bytes.len());
    assert_eq!(end, End::Rst);
}

#[test]
fn reset_waits_as_long_as_after_says() {
    let server = server(&rule(r#"{"reset": {"at": "reply", "after": "150ms"}}"#));
    let start = Instant::now();
    assert_eq!(raw(&server, &get()), (Vec::new(), End::Rst));
    assert!(start.elapsed() >= Duration::from_millis(150), "{:?}", start.elapsed());
}

// ---- close ----

#[test]
fn close_at_head_reply_and_done() {
    let whole = undisturbed(&get());
    for (at, expected) in [("head", &[][..]), ("reply", &[]), ("done", &whole)] {
        let server = server(&rule(&format!(r#"{{"close": {{"at": "{at}"}}}}"#)));
        let (bytes, end) = raw(&server, &get());
        assert_bytes(&bytes, expected);
        assert_eq!(end, End::Fin, "{at}");
        assert_eq!(server.journal()[1].ended, Some(Ended::Close));
    }
}

#[test]
fn close_at_upload_comes_exactly_when_that_many_bytes_have_arrived() {
    let body = b"abcdef";
    for offset in 1..=body.len() {
        let rule = rule_for("PutObject", &format!(r#"{{"close": {{"at": "upload", "offset": {offset}}}}}"#));
        let server = server(&rule);
        let mut connection = server.connect();
        connection.write(put(body).head());
        connection.write(&body[..offset - 1]);
        assert!(connection.is_silent_for(Duration::from_millis(30)), "{offset}: too early");
        // More than is asked for: unread bytes must not turn the FIN into an RST.
        connection.write(&body[offset - 1..]);
        assert_eq!(connection.rest(), (Vec::new(), End::Fin), "{offset}");
        assert_eq!(stored(&server, "new"), None);
    }
}

#[test]
fn close_at_download_comes_exactly_behind_that_many_bytes() {
    let whole = undisturbed(&get());
    let head = head_len(&whole);
    for offset in 0..=OBJECT.len() {
        let server = server(&rule(&format!(r#"{{"close": {{"at": "download", "offset": {offset}}}}}"#)));
        let (bytes, end) = raw(&server, &get());
        assert_bytes(&bytes, &whole[..head + offset]);
        assert_eq!(end, End::Fin, "{offset}");
    }
}

// ---- stall ----

#[test]
fn stall_at_a_place_of_the_download_is_silent_behind_exactly_that_many_bytes() {
    let whole = undisturbed(&get());
    for (at, kept) in [(r#""at": "download", "offset": 5"#, head_len(&whole) + 5), (r#""at": "reply""#, 0)] {
        let server = server(&rule(&format!(r#"{{"stall": {{{at}}}}}"#)));
        let mut connection = server.connect();
        connection.write(get().bytes());
        assert_bytes(&connection.exactly(kept), &whole[..kept]);
        assert!(connection.is_silent_for(Duration::from_millis(150)), "{at}");
        assert_eq!(server.journal()[1].ended, None, "it goes on");
    }
}

#[test]
fn stall_at_head_and_upload_reads_nothing_more_and_answers_nothing() {
    for at in [r#""at": "head""#, r#""at": "upload", "offset": 2"#] {
        let server = server(&rule_for("PutObject", &format!(r#"{{"stall": {{{at}}}}}"#)));
        let mut connection = server.connect();
        connection.write(put(b"body").bytes());
        assert!(connection.is_silent_for(Duration::from_millis(150)), "{at}");
        assert_eq!(stored(&server, "new"), None);
    }
}

#[test]
fn stall_for_a_time_then_continues_closes_or_resets() {
    let whole = undisturbed(&get());
    for (then, expected, end) in [
        ("continue", &whole[..], End::Fin),
        ("close", &whole[..head_len(&whole) + 3], End::Fin),
        ("reset", &whole[..head_len(&whole) + 3], End::Rst),
    ] {
        let server = server(&rule(&format!(
            r#"{{"stall": {{"at": "download", "offset": 3, "for": "120ms", "then": "{then}"}}}}"#
        )));
        let start = Instant::now();
        let (bytes, ended) = raw(&server, &get());
        assert!(start.elapsed() >= Duration::from_millis(120), "{then}: {:?}", start.elapsed());
        assert_bytes(&bytes, expected);
        assert_eq!(ended, end, "{then}");
    }
}

#[test]
fn stall_of_an_upload_for_a_time_then_continues() {
    let server =
        server(&rule_for("PutObject", r#"{"stall": {"at": "upload", "offset": 2, "for": "120ms"}}"#));
    let start = Instant::now();
    server.send(put(b"body")).ok();
    assert!(start.elapsed() >= Duration::from_millis(120));
    assert_eq!(stored(&server, "new").as_deref(), Some(&b"body"[..]));
}

#[test]
fn stall_ends_when_the_client_goes_away() {
    let server = server(&rule(r#"{"stall": {"at": "reply"}}"#));
    let connection = server.connect();
    let socket = socket2::SockRef::from(&connection.stream);
    // Closing then sends an RST, as the system does for a process that is killed with unread data.
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    let mut connection: Connection = connection;
    connection.write(get().bytes());
    assert!(connection.is_silent_for(Duration::from_millis(50)));
    drop(connection);
    server.wait_for("the stall to end", |journal| journal[1].ended == Some(Ended::ClientReset));
}

// ---- error ----

#[test]
fn error_at_reply_is_the_document_of_the_service_and_keeps_the_connection() {
    let server = server(&rule_for("PutObject", r#"{"error": "SlowDown"}"#));
    let mut connection = server.connect();
    for _ in 0..2 {
        let answer = connection.send(&put(b"body"));
        answer.is(503, "SlowDown");
        assert!(
            answer.head.starts_with("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/xml\r\n")
        );
        assert_eq!(answer.header("Connection"), Some("keep-alive"));
        for element in ["Message", "Resource", "RequestId", "TraceId"] {
            assert!(!answer.element(element).unwrap().is_empty(), "{element}");
        }
        assert_eq!(answer.element("RequestId").as_deref(), answer.header("x-cos-request-id"));
    }
    assert_eq!(stored(&server, "new"), None);
    assert!(!server.journal()[1].applied);
}

#[test]
fn error_fields_say_what_the_answer_says() {
    let server = server(&rule(
        r#"{"error": {"code": "SlowDown", "status": 429, "message": "m & n", "retry_after": "2500ms",
            "headers": {"x-cos-request-id": null, "X-Extra": "1", "Server": "nginx"}}}"#,
    ));
    let answer = server.send(get());
    answer.is(429, "SlowDown");
    assert_eq!(answer.element("Message").as_deref(), Some("m &amp; n"));
    assert_eq!(answer.header("Retry-After"), Some("2"));
    assert_eq!(answer.header("X-Extra"), Some("1"));
    assert_eq!(answer.header("Server"), Some("nginx"));
    assert!(!answer.head.to_lowercase().contains("x-cos-request-id"), "{}", answer.head);
}

#[test]
fn error_of_cas_is_json_with_a_type() {
    let rules = format!(
        "{}, {}",
        r#"{"id": "a", "when": {"service": "cas"}, "fire": {"first": 1}, "do": {"error": {"code": "InvalidDigest", "type": "client"}}}"#,
        r#"{"id": "b", "when": {"service": "cas"}, "fire": {"nth": 2}, "do": {"error": "ServiceUnavailableException"}}"#
    );
    let server = server(&rules);
    let answer = server.send(Request::cas("GET", ""));
    answer.is(400, "InvalidDigest");
    assert!(answer.text().contains("\"type\" : \"client\""), "{}", answer.text());
    let answer = server.send(Request::cas("GET", ""));
    answer.is(500, "ServiceUnavailableException");
    assert!(answer.text().contains("\"type\" : \"Server\""), "{}", answer.text());
    assert!(answer.header("x-cas-requestId").is_some());
}

#[test]
fn error_at_head_comes_before_the_body_and_without_continue() {
    let server = server(&rule_for("PutObject", r#"{"error": {"code": "SlowDown", "at": "head"}}"#));
    let mut connection = server.connect();
    connection.write(put(b"body").with("Expect", "100-continue").head());
    let answer = connection.answer();
    answer.is(503, "SlowDown");
    assert_eq!(answer.header("Connection"), Some("close"));
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
}

#[test]
fn error_at_upload_comes_in_the_middle_of_the_body_and_is_read_by_a_client_that_goes_on_sending() {
    let body = pattern(8 << 20);
    let rule = rule_for("PutObject", r#"{"error": {"code": "SlowDown", "at": "upload", "offset": "1MiB"}}"#);
    let server = server(&rule);
    let mut connection = server.connect();
    connection.write(put(&body).bytes());
    connection.answer().is(503, "SlowDown");
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
    assert_eq!(stored(&server, "new"), None);
    assert_eq!(server.journal()[1].received.bytes, 1 << 20);
}

// ---- respond, raw ----

#[test]
fn respond_sends_exactly_that_answer() {
    let server = server(&rule(
        r#"{"respond": {"status": 502, "headers": {"content-type": "text/html", "X-A": "b"}, "body": "<html>"}}"#,
    ));
    let mut connection = server.connect();
    for _ in 0..2 {
        connection.write(get().bytes());
        let expected = b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\nContent-Length: 6\r\n\
                         Connection: keep-alive\r\nX-A: b\r\n\r\n<html>";
        assert_bytes(&connection.exactly(expected.len()), expected);
    }
}

#[test]
fn respond_with_base64_and_without_a_body() {
    let server = server(&format!(
        "{}, {}",
        r#"{"id": "a", "when": {"op": "GetObject"}, "fire": {"first": 1}, "do": {"respond": {"status": 200, "body_base64": "AP8="}}}"#,
        r#"{"id": "b", "when": {"op": "GetObject"}, "do": {"respond": {"status": 204}}}"#
    ));
    assert_eq!(server.send(get()).body, [0, 255]);
    let answer = server.send(get());
    assert_eq!((answer.status, answer.header("Content-Length")), (204, None));
}

#[test]
fn raw_sends_exactly_those_bytes_then_ends_as_told() {
    for (then, end) in [("close", End::Fin), ("reset", End::Rst)] {
        let server = server(&rule(&format!(r#"{{"raw": {{"text": "not http\r\n", "then": "{then}"}}}}"#)));
        assert_eq!(raw(&server, &get()), (b"not http\r\n".to_vec(), end));
    }
    let server = server(&rule(r#"{"raw": {"base64": "AP8=", "then": "stall"}}"#));
    let mut connection = server.connect();
    connection.write(get().bytes());
    assert_eq!(connection.exactly(2), [0, 255]);
    assert!(connection.is_silent_for(Duration::from_millis(100)));
}

// ---- delay ----

#[test]
fn delay_waits_at_its_point_and_changes_no_byte() {
    let whole = undisturbed(&get());
    for (at, received) in [
        (r#""at": "head""#, 0),
        (r#""at": "reply""#, 0),
        (r#""at": "download", "offset": 4"#, head_len(&whole) + 4),
        (r#""at": "done""#, whole.len()),
    ] {
        let server = server(&rule(&format!(r#"{{"delay": {{{at}, "fixed": "150ms"}}}}"#)));
        let mut connection = server.connect();
        connection.write(get().bytes());
        assert_bytes(&connection.exactly(received), &whole[..received]);
        let start = Instant::now();
        connection.stream.shutdown(std::net::Shutdown::Write).unwrap();
        let (rest, end) = connection.rest();
        assert!(start.elapsed() >= Duration::from_millis(100), "{at}: {:?}", start.elapsed());
        assert_bytes(&rest, &whole[received..]);
        assert_eq!(end, End::Fin);
    }
}

#[test]
fn delay_of_an_upload_sends_continue_first() {
    let rule = rule_for("PutObject", r#"{"delay": {"at": "upload", "offset": 0, "fixed": "150ms"}}"#);
    let server = server(&rule);
    let mut connection = server.connect();
    connection.write(put(b"body").with("Expect", "100-continue").head());
    let start = Instant::now();
    assert_eq!(connection.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    connection.write("body");
    connection.answer().ok();
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[test]
fn delay_draws_from_its_distribution() {
    for distribution in [
        r#""uniform": ["60ms", "80ms"]"#,
        r#""normal": {"mean": "80ms", "sd": "1ms"}"#,
        r#""lognormal": {"median": "80ms", "sigma": 0.01, "max": "90ms"}"#,
    ] {
        let server = server(&rule(&format!(r#"{{"delay": {{{distribution}}}}}"#)));
        let start = Instant::now();
        server.send(get()).ok();
        assert!(start.elapsed() >= Duration::from_millis(55), "{distribution}: {:?}", start.elapsed());
    }
}

// ---- truncate ----

#[test]
fn truncate_keeps_the_declared_length_and_ends_as_told() {
    let whole = undisturbed(&get());
    let head = head_len(&whole);
    for keep in 0..OBJECT.len() {
        for (end, expected) in [("close", End::Fin), ("reset", End::Rst)] {
            let server = server(&rule(&format!(r#"{{"truncate": {{"keep": {keep}, "end": "{end}"}}}}"#)));
            let (bytes, ended) = raw(&server, &get());
            assert_bytes(&bytes, &whole[..head + keep]);
            assert_eq!(ended, expected, "{keep} {end}");
        }
    }
}

#[test]
fn truncate_that_stalls_is_silent_behind_what_it_keeps() {
    let whole = undisturbed(&get());
    let server = server(&rule(r#"{"truncate": {"keep": "50%", "end": "stall"}}"#));
    let mut connection = server.connect();
    connection.write(get().bytes());
    let kept = head_len(&whole) + OBJECT.len() / 2;
    assert_bytes(&connection.exactly(kept), &whole[..kept]);
    assert!(connection.is_silent_for(Duration::from_millis(150)));
}

#[test]
fn truncate_cleanly_declares_the_shorter_length_and_keeps_the_connection() {
    let server = server(&rule(r#"{"truncate": {"keep": -1, "end": "clean"}}"#));
    let mut connection = server.connect();
    for _ in 0..2 {
        let answer = connection.send(&get());
        assert_eq!(answer.header("Content-Length"), Some("15"));
        assert_eq!(answer.body, &OBJECT[..15]);
        let etag = md5(OBJECT);
        assert_eq!(answer.header("ETag"), Some(format!("\"{etag}\"").as_str()), "of the whole object");
    }
}

#[test]
fn truncate_of_nothing_is_not_reached() {
    let server = server(&rule(r#"{"truncate": {"keep": 16}}"#));
    assert_eq!(server.send(get()).body, OBJECT);
    assert_eq!(last(&server).rules[0].outcome, "not-reached");
}

// ---- overrun, length ----

#[test]
fn overrun_adds_bytes_behind_the_declared_end() {
    let whole = undisturbed(&get());
    let server_of = |action: &str| server(&rule(action));
    let server = server_of(r#"{"overrun": {"text": "extra", "keep_alive": false}}"#);
    let mut connection = server.connect();
    connection.write(get().bytes());
    assert_bytes(&connection.rest().0, &[&whole[..], b"extra"].concat());

    let server = server_of(r#"{"overrun": {"bytes": 3}}"#);
    let mut connection = server.connect();
    let expected = [&whole[..], b"xxx"].concat();
    connection.write(get().bytes());
    assert_bytes(&connection.exactly(expected.len()), &expected);
    connection.write(get().bytes());
    assert_eq!(connection.exactly(expected.len()).len(), expected.len(), "the connection is still in use");
}

#[test]
fn length_lies_about_an_unchanged_body_and_ends_in_fin() {
    let whole = text(&undisturbed(&get()));
    for (declare, line) in [
        ("\"+10\"", "Content-Length: 26\r\n"),
        ("\"-10\"", "Content-Length: 6\r\n"),
        ("7", "Content-Length: 7\r\n"),
        ("\"absent\"", ""),
        ("\"twice\"", "Content-Length: 16\r\nContent-Length: 17\r\n"),
    ] {
        let server = server(&rule(&format!(r#"{{"length": {{"declare": {declare}}}}}"#)));
        let mut connection = server.connect();
        connection.write(get().bytes());
        let (bytes, end) = connection.rest();
        assert_bytes(&bytes, whole.replace("Content-Length: 16\r\n", line).as_bytes());
        assert_eq!(end, End::Fin, "{declare}");
    }
}

#[test]
fn length_that_is_right_or_below_zero_is_not_reached() {
    for declare in ["16", "\"+0\"", "\"-17\""] {
        let server = server(&rule(&format!(r#"{{"length": {{"declare": {declare}}}}}"#)));
        assert_eq!(server.send(get()).body, OBJECT);
        assert_eq!(last(&server).rules[0].outcome, "not-reached", "{declare}");
    }
}

// ---- corrupt ----

#[test]
fn corrupt_changes_bytes_and_nothing_else() {
    let whole = undisturbed(&get());
    let head = head_len(&whole);
    for (fields, body) in [
        (r#""offset": 3, "how": "flip""#, b"012\xcc456789abcdef".to_vec()),
        (r#""offset": 3, "length": 2, "how": "zero""#, b"012\0\x0056789abcdef".to_vec()),
        (r#""offset": -1, "length": 99, "how": "zero""#, b"0123456789abcde\0".to_vec()),
        (r#""offset": 3, "length": 2, "how": "shift""#, b"01256789abcdef\0\0".to_vec()),
        (r#""offset": 3, "length": 2, "how": "swap""#, b"0125634789abcdef".to_vec()),
        (r#""offset": 13, "length": 2, "how": "swap""#, b"0123456789abcfde".to_vec()),
    ] {
        let server = server(&rule(&format!(r#"{{"corrupt": {{{fields}}}}}"#)));
        let (bytes, end) = raw(&server, &get());
        assert_bytes(&bytes[..head], &whole[..head]);
        assert_eq!(text(&bytes[head..]), text(&body), "{fields}");
        assert_eq!(end, End::Fin);
        assert_eq!(stored(&server, "object").as_deref(), Some(OBJECT), "the store is untouched");
    }
}

#[test]
fn corrupt_at_random_changes_each_byte_and_does_it_the_same_way_each_time() {
    let body = || {
        let server = server(&rule(r#"{"corrupt": {"offset": 2, "length": 10, "how": "random"}}"#));
        server.send(get()).body
    };
    let first = body();
    assert!(first[..2] == OBJECT[..2] && first[12..] == OBJECT[12..]);
    assert!(first[2..12].iter().zip(&OBJECT[2..12]).all(|(one, other)| one != other));
    assert_eq!(first, body());
}

#[test]
fn corrupt_past_the_end_is_not_reached() {
    let server = server(&rule(r#"{"corrupt": {"offset": 16, "how": "flip"}}"#));
    assert_eq!(server.send(get()).body, OBJECT);
    assert_eq!(last(&server).rules[0].outcome, "not-reached");
}

// ---- checksum ----

#[test]
fn checksum_headers_are_wrong_absent_malformed_or_literal_over_an_unchanged_body() {
    let honest = server("").send(get());
    let changed = |which: &str, value: &str| -> Answer {
        let server = server(&rule(&format!(r#"{{"checksum": {{"which": "{which}", "value": {value}}}}}"#)));
        let answer = server.send(get());
        assert_eq!(answer.body, OBJECT);
        answer
    };
    for (which, name) in [("etag", "ETag"), ("crc64", "x-cos-hash-crc64ecma")] {
        let right = honest.header(name).unwrap();
        let wrong = changed(which, "\"wrong\"");
        let value = wrong.header(name).unwrap();
        assert!(value != right && value.len().abs_diff(right.len()) <= 1, "{value}");
        assert_eq!(changed(which, "\"absent\"").header(name), None);
        assert_eq!(changed(which, "\"malformed\"").header(name), Some("malformed"));
        assert_eq!(changed(which, r#"{"is": "\"x\""}"#).header(name), Some("\"x\""));
    }
    assert_eq!(changed("md5", "\"wrong\"").header("Content-MD5"), Some("/////////////////////w=="));
    let all = changed("all", "\"absent\"");
    assert!(all.header("ETag").is_none() && all.header("x-cos-hash-crc64ecma").is_none());
}

#[test]
fn checksum_headers_of_cas_are_changed_too() {
    let rule = |which: &str| {
        format!(
            r#"{{"id": "{which}", "when": {{"op": "UploadArchive"}}, "continue": true, "do": {{"checksum": {{"which": "{which}", "value": "wrong"}}}}}}"#
        )
    };
    let server = server(&format!("{}, {}", rule("sha256"), rule("tree-hash")));
    let hash = sha256(b"x");
    let request = Request::cas("POST", "archives")
        .with("x-cas-content-sha256", &hash)
        .with("x-cas-sha256-tree-hash", &hash)
        .body("x");
    let answer = server.send(request);
    assert_eq!(answer.status, 201);
    for name in ["x-cas-content-sha256", "x-cas-sha256-tree-hash"] {
        let value = answer.header(name).unwrap();
        assert!(value != hash && value[1..] == hash[1..], "{value}");
    }
}

/// The oracle computes the levels one by one.
#[test]
fn a_tree_hash_is_wrong_from_the_level_on_that_the_rule_names() {
    use sha2::{Digest as _, Sha256};
    let body = pattern(3 << 20);
    let leaves: Vec<[u8; 32]> = body.chunks(1 << 20).map(|leaf| Sha256::digest(leaf).into()).collect();
    let pair =
        |left: [u8; 32], right: [u8; 32]| -> [u8; 32] { Sha256::digest([left, right].concat()).into() };
    let broken = |hash: &[u8; 32]| {
        let mut other = *hash;
        other[0] ^= 0x80;
        other
    };
    let [one, two, three] = leaves[..] else { panic!() };
    let whole = pair(pair(one, two), three);
    for (level, expected) in [
        (0, pair(pair(broken(&one), two), three)),
        (1, pair(broken(&pair(one, two)), three)),
        (2, broken(&whole)),
        (9, broken(&whole)),
    ] {
        let server = server(&format!(
            r#"{{"id": "r", "when": {{"op": "UploadArchive"}}, "do": {{"checksum": {{"which": "tree-hash", "value": "wrong", "level": {level}}}}}}}"#
        ));
        let request = Request::cas("POST", "archives")
            .with("x-cas-content-sha256", sha256(&body))
            .with("x-cas-sha256-tree-hash", support::hex(whole))
            .body(&body);
        let answer = server.send(request);
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(answer.header("x-cas-sha256-tree-hash"), Some(support::hex(expected).as_str()), "{level}");
    }
}

// ---- headers ----

#[test]
fn headers_are_removed_then_set_then_appended_with_their_spelling() {
    let whole = text(&undisturbed(&get()));
    let server = server(&rule(
        r#"{"headers": {"remove": ["etag", "X-Cos-Object-Type"], "set": {"SERVER": "nginx", "x-new": "1"},
            "append": {"Server": "second"}}}"#,
    ));
    let (bytes, end) = raw(&server, &get());
    let found = text(&bytes);
    assert!(!found.contains("ETag") && !found.contains("x-cos-object-type"), "{found}");
    assert!(found.contains("\r\nSERVER: nginx\r\n") && !found.contains("tencent-cos"), "{found}");
    assert!(found.contains("\r\nx-new: 1\r\nServer: second\r\n\r\n"), "{found}");
    assert!(found.ends_with(&whole[head_len(whole.as_bytes())..]));
    assert_eq!(end, End::Fin);
}

#[test]
fn headers_that_break_the_framing_end_in_fin() {
    let server = server(&rule(r#"{"headers": {"remove": ["Content-Length"]}}"#));
    let mut connection = server.connect();
    connection.write(get().bytes());
    let (bytes, end) = connection.rest();
    assert!(bytes.ends_with(OBJECT));
    assert_eq!(end, End::Fin);
}

// ---- range ----

fn ranged(action: &str) -> (Answer, Exchange) {
    let server = server(&rule(&format!(r#"{{"range": {action}}}"#)));
    let answer = server.send(get().with("Range", "bytes=4-7"));
    (answer, last(&server))
}

#[test]
fn range_is_ignored_shifted_shortened_or_mislabelled() {
    let (answer, _) = ranged(r#"{"answer": "ignore"}"#);
    assert_eq!((answer.status, &answer.body[..], answer.header("Content-Range")), (200, OBJECT, None));
    let (answer, _) = ranged(r#"{"answer": "shift", "by": 3}"#);
    assert_eq!((answer.status, answer.text().as_str()), (206, "789a"));
    assert_eq!(answer.header("Content-Range"), Some("bytes 7-10/16"));
    let (answer, _) = ranged(r#"{"answer": "shift", "by": -99}"#);
    assert_eq!((answer.text().as_str(), answer.header("Content-Range")), ("0123", Some("bytes 0-3/16")));
    let (answer, _) = ranged(r#"{"answer": "short", "keep": 3}"#);
    assert_eq!((answer.text().as_str(), answer.header("Content-Range")), ("456", Some("bytes 4-6/16")));
    let (answer, _) = ranged(r#"{"answer": "no-header"}"#);
    assert_eq!((answer.status, answer.text().as_str(), answer.header("Content-Range")), (206, "4567", None));
    let (answer, _) = ranged(r#"{"answer": "wrong-total"}"#);
    assert_eq!((answer.text().as_str(), answer.header("Content-Range")), ("4567", Some("bytes 4-7/17")));
}

#[test]
fn range_of_a_read_without_one_is_not_reached() {
    let server = server(&rule(r#"{"range": {"answer": "ignore"}}"#));
    assert_eq!(server.send(get()).body, OBJECT);
    assert_eq!(last(&server).rules[0].outcome, "not-reached");
    let (_, exchange) = ranged(r#"{"answer": "short", "keep": 4}"#);
    assert_eq!(exchange.rules[0].outcome, "not-reached");
}

// ---- forget ----

#[test]
fn forget_an_upload_a_part_an_object() {
    let server = server(&format!(
        "{}, {}, {}",
        r#"{"id": "u", "when": {"op": "UploadPart", "key": "u"}, "do": {"forget": {"what": "upload"}}}"#,
        r#"{"id": "p", "when": {"op": "UploadPart", "key": "p", "part": 1}, "do": {"forget": {"what": "part"}}}"#,
        r#"{"id": "o", "when": {"op": "PutObject", "key": "o"}, "do": {"forget": {"what": "object"}}}"#
    ));
    let initiate =
        |key: &str| server.send(Request::cos("POST", &format!("{key}?uploads"))).element("UploadId").unwrap();
    let part = |key: &str, upload: &str, number: u32| {
        server.send(Request::cos("PUT", &format!("{key}?partNumber={number}&uploadId={upload}")).body("x"))
    };
    let upload = initiate("u");
    part("u", &upload, 1).ok();
    part("u", &upload, 2).is(404, "NoSuchUpload");

    let upload = initiate("p");
    part("p", &upload, 1).ok();
    part("p", &upload, 2).ok();
    let parts = server.send(Request::cos("GET", &format!("p?uploadId={upload}")));
    assert_eq!(parts.elements("PartNumber"), ["2"]);

    server.send(Request::cos("PUT", "o").body("x")).ok();
    assert_eq!(stored(&server, "o"), None);
}

#[test]
fn forget_an_upload_when_it_is_initiated_and_an_archive() {
    let server = server(&format!(
        "{}, {}",
        r#"{"id": "u", "when": {"op": "InitiateMultipartUpload"}, "do": {"forget": {"what": "upload"}}}"#,
        r#"{"id": "a", "when": {"op": "UploadArchive"}, "do": {"forget": {"what": "archive"}}}"#
    ));
    let upload = server.send(Request::cos("POST", "k?uploads")).ok().element("UploadId").unwrap();
    server.send(Request::cos("GET", &format!("k?uploadId={upload}"))).is(404, "NoSuchUpload");
    let answer = server.send(Request::cas("POST", "multipart-uploads").with("x-cas-part-size", 1 << 20));
    let upload = answer.header("x-cas-multipart-upload-id").unwrap();
    server
        .send(Request::cas("GET", &format!("multipart-uploads/{upload}")))
        .is(404, "ResourceNotFoundException");

    let hash = sha256(b"x");
    let request = Request::cas("POST", "archives")
        .with("x-cas-content-sha256", &hash)
        .with("x-cas-sha256-tree-hash", &hash)
        .body("x");
    server.send(request).ok();
    server.send(Request::cas("DELETE", "")).ok();
}

// ---- apply ----

#[test]
fn apply_no_tells_of_a_success_that_did_not_take_place() {
    let rules = r#"{"id": "r", "when": {"op": ["PutObject", "DeleteObject"], "header": {"x-setup": {"absent": true}}}, "apply": "no", "do": {"delay": {"fixed": "1ms"}}}"#;
    let server = server(rules);
    server.send(put(b"body")).ok();
    assert_eq!(stored(&server, "new"), None);
    server.send(Request::cos("DELETE", "object")).ok();
    assert_eq!(stored(&server, "object").as_deref(), Some(OBJECT));
    assert!(
        server.journal()[1..]
            .iter()
            .filter(|exchange| exchange.op != Some("GetObject"))
            .all(|exchange| !exchange.applied)
    );
}

#[test]
fn apply_yes_tells_of_a_failure_that_took_place() {
    let rule = rule_for("PutObject", r#"{"error": "InternalError"}, "apply": "yes""#);
    let server = server(&rule);
    server.send(put(b"body")).is(500, "InternalError");
    assert_eq!(stored(&server, "new").as_deref(), Some(&b"body"[..]));
    assert!(server.journal()[1].applied);
}

#[test]
fn apply_yes_and_a_reset_lose_the_answer_to_a_completion() {
    let rules = r#"{"id": "lost", "when": {"op": "CompleteMultipartUpload"}, "fire": {"first": 1, "per": "upload"}, "apply": "yes", "do": {"reset": {"at": "reply"}}}"#;
    let server = server(rules);
    let upload = server.send(Request::cos("POST", "k?uploads")).element("UploadId").unwrap();
    let part = server.send(Request::cos("PUT", &format!("k?partNumber=1&uploadId={upload}")).body("x"));
    let etag = part.header("ETag").unwrap().to_owned();
    let body = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    let complete = Request::cos("POST", &format!("k?uploadId={upload}")).body(body);
    assert_eq!(raw(&server, &complete), (Vec::new(), End::Rst));
    assert_eq!(stored(&server, "k").as_deref(), Some(&b"x"[..]));
    server.send(complete).is(404, "NoSuchUpload");
}

#[test]
fn apply_twice_executes_two_times_and_answers_with_the_second() {
    let rules =
        r#"{"id": "r", "when": {"op": "@multipart"}, "apply": "twice", "do": {"delay": {"fixed": "1ms"}}}"#;
    let server = server(rules);
    let answered = server.send(Request::cos("POST", "k?uploads")).element("UploadId").unwrap();
    let listed = server.send(Request::cos("GET", "?uploads")).elements("UploadId");
    assert_eq!(listed.len(), 2);
    assert!(listed.contains(&answered));
    server.send(Request::cos("DELETE", &format!("k?uploadId={answered}"))).is(404, "NoSuchUpload");
}

// ---- combinations ----

#[test]
fn actions_at_one_point_happen_in_the_order_written_and_an_ending_cancels_what_follows() {
    let server = server(&rule(
        r#"[{"delay": {"fixed": "150ms"}}, {"reset": {"at": "reply"}}, {"delay": {"at": "done", "fixed": "9s"}}]"#,
    ));
    let start = Instant::now();
    assert_eq!(raw(&server, &get()), (Vec::new(), End::Rst));
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(150) && took < Duration::from_secs(5), "{took:?}");
    let exchange = &server.journal()[1];
    let actions: Vec<_> = exchange.actions.iter().map(|action| action.action).collect();
    assert_eq!(actions, ["delay", "reset"]);
}

#[test]
fn modifiers_work_in_the_fixed_order_whatever_the_order_written() {
    let server = server(&rule(
        r#"[{"overrun": {"text": "!", "keep_alive": false}}, {"length": {"declare": "+1"}}, {"truncate": {"keep": 8, "end": "clean"}},
            {"corrupt": {"offset": 7, "how": "zero"}}, {"headers": {"set": {"ETag": "x"}}}, {"checksum": {"which": "etag", "value": "absent"}}]"#,
    ));
    let mut connection = server.connect();
    connection.write(get().bytes());
    let (bytes, end) = connection.rest();
    let found = text(&bytes);
    assert!(found.contains("Content-Length: 9\r\n"), "{found}");
    assert!(found.contains("ETag: x\r\n"), "{found}");
    assert!(found.ends_with("\r\n\r\n0123456\0!"), "{found}");
    assert_eq!(end, End::Fin);
}

#[test]
fn modifiers_of_a_rule_that_continues_change_the_answer_of_the_one_that_stops() {
    let server = server(&format!(
        "{}, {}",
        r#"{"id": "a", "when": {"op": "GetObject"}, "continue": true, "do": {"headers": {"set": {"X-A": "1"}}}}"#,
        r#"{"id": "b", "when": {"op": "GetObject"}, "do": {"error": "SlowDown"}}"#
    ));
    let answer = server.send(get());
    answer.is(503, "SlowDown");
    assert_eq!(answer.header("X-A"), Some("1"));
}

#[test]
fn an_answer_to_head_has_no_body_to_change() {
    let server = server(
        r#"{"id": "r", "when": {"key": "object", "header": {"x-setup": {"absent": true}}}, "do": [{"truncate": {"keep": 1}}, {"corrupt": {"offset": 0, "how": "flip"}}]}"#,
    );
    let answer = server.send(Request::cos("HEAD", "object"));
    assert_eq!(answer.header("Content-Length"), Some("16"));
    assert_eq!(last(&server).rules[0].outcome, "not-reached");
}

#[test]
fn a_request_that_the_service_refuses_is_a_match_and_no_firing() {
    let server = server(&rule(r#"{"reset": {"at": "reply"}}"#));
    let signature = "q-sign-algorithm=sha1&q-ak=AKIDcosemu&q-sign-time=1;2&q-key-time=1;2&q-header-list=&q-url-param-list=&q-signature=x";
    server.send(get().with("Authorization", signature)).is(403, "AccessDenied");
    assert_eq!(last(&server).rules[0].outcome, "refused");
}

#[test]
fn a_scripted_answer_leaves_a_connection_that_can_be_used_again() {
    let server = server(
        r#"{"id": "r", "when": {"op": "GetObject"}, "fire": {"every": 2}, "do": {"headers": {"set": {"X-A": "1"}}}}"#,
    );
    let mut connection = server.connect();
    for number in 1..=6 {
        let answer = connection.send(&get());
        assert_eq!(answer.body, OBJECT);
        assert_eq!(answer.header("X-A"), (number % 2 == 0).then_some("1"), "{number}");
    }
    let connections: Vec<_> =
        server.journal()[1..].iter().map(|exchange| (exchange.connection, exchange.request)).collect();
    assert_eq!(connections, (1..=6).map(|request| (2, request)).collect::<Vec<_>>());
}

#[test]
fn pipelined_requests_are_answered_in_order_through_scripts() {
    let server = server(
        r#"{"id": "r", "when": {"op": "GetObject"}, "fire": {"every": 2}, "do": {"headers": {"set": {"X-A": "1"}}}}"#,
    );
    let mut connection = server.connect();
    let requests: Vec<u8> = (0..20).flat_map(|_| get().bytes()).collect();
    connection.write(requests);
    for number in 1..=20 {
        let answer = connection.answer();
        assert_eq!((answer.status, &answer.body[..]), (200, OBJECT), "{number}");
        assert_eq!(answer.header("X-A"), (number % 2 == 0).then_some("1"), "{number}");
    }
}

/// Same file, seed and requests: the same bytes and the same journal.
#[test]
fn two_runs_answer_and_journal_alike() {
    let run = || {
        let server = server(
            r#"{"id": "a", "when": {"op": "@data", "header": {"x-setup": {"absent": true}}}, "fire": {"probability": 0.3}, "do": {"reset": {"at": "upload", "offset": "50%"}}},
               {"id": "b", "when": {"header": {"x-setup": {"absent": true}}}, "fire": {"probability": 0.3, "per": "key"}, "do": {"error": "SlowDown"}},
               {"id": "c", "when": {"op": "GetObject"}, "do": {"corrupt": {"offset": "50%", "how": "random"}}}"#,
        );
        let mut seen = Vec::new();
        for number in 0..60 {
            let key = format!("key-{}", number % 7);
            let request = match number % 4 {
                0 => Request::cos("PUT", &key).body(pattern(100 + number)),
                1 => Request::cos("GET", &key),
                2 => Request::cos("POST", &format!("{key}?uploads")),
                _ => Request::cos("GET", ""),
            };
            let (bytes, end) = raw(&server, &request);
            seen.push((text(&bytes), end));
        }
        let mut journal = server.journal();
        journal.iter_mut().for_each(|exchange| (exchange.at, exchange.took_ms) = (String::new(), 0));
        (seen, serde_json::to_string(&journal).unwrap())
    };
    let (first, second) = (run(), run());
    assert_eq!(first.0, second.0);
    assert_eq!(first.1, second.1);
    assert!(first.0.iter().any(|(_, end)| *end == End::Rst));
}

// ---- the answer in the place of the service's ----

/// An upload with one part, and the request that completes it.
fn completion(server: &Server) -> Request {
    let setup = |request: Request| server.send(request.with("x-setup", "1"));
    let upload = setup(Request::cos("POST", "big?uploads")).element("UploadId").unwrap();
    let part = Request::cos("PUT", &format!("big?partNumber=1&uploadId={upload}")).body("part");
    let etag = setup(part).ok().header("ETag").unwrap().to_owned();
    Request::cos("POST", &format!("big?uploadId={upload}")).body(format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    ))
}

/// Takes the chunks of a body apart: their data, and what follows the last whole one.
fn chunks(mut body: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut chunks = Vec::new();
    while let Some(line) = body.windows(2).position(|pair| pair == b"\r\n") {
        let size =
            std::str::from_utf8(&body[..line]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let Some(size) = size.filter(|size| *size > 0 && body.len() >= line + 4 + size) else { break };
        if &body[line + 2 + size..line + 4 + size] != b"\r\n" {
            break;
        }
        chunks.push(body[line + 2..line + 2 + size].to_vec());
        body = &body[line + 4 + size..];
    }
    (chunks, body.to_vec())
}

fn split(bytes: &[u8]) -> (String, Vec<u8>) {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    (text(&bytes[..end]), bytes[end..].to_vec())
}

#[test]
fn error_in_200_sends_blanks_before_the_root_and_keeps_the_connection() {
    let server = server(&rule_for(
        "CompleteMultipartUpload",
        r#"{"error_in_200": {"code": "InternalError", "whitespace": "300ms"}}"#,
    ));
    let request = completion(&server);
    let (bytes, end) = raw(&server, &request);
    let (head, body) = split(&bytes);
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("Transfer-Encoding: chunked\r\n"),
        "{head}"
    );
    assert!(!head.contains("Content-Length"), "{head}");
    let (chunks, rest) = chunks(&body);
    assert_eq!((rest, end), (b"0\r\n\r\n".to_vec(), End::Fin));
    assert!(chunks[0].ends_with(b"?>"), "the declaration comes first: {:?}", text(&chunks[0]));
    assert_eq!(chunks[1..4], [b" ".to_vec(), b" ".to_vec(), b" ".to_vec()]);
    let document = text(&chunks[4]);
    assert!(document.contains("<Code>InternalError</Code>") && document.ends_with("</Error>"), "{document}");
    let exchange = server.journal().pop().unwrap();
    assert_eq!((exchange.applied, exchange.ended), (false, Some(Ended::KeepAlive)));
}

#[test]
fn error_in_200_may_put_the_blanks_first_and_cut_the_document() {
    let server = server(&rule_for(
        "CompleteMultipartUpload",
        r#"{"error_in_200": {"code": "SlowDown", "whitespace": "100ms", "blanks": "before-declaration", "cut": 50}}"#,
    ));
    let request = completion(&server);
    let (bytes, end) = raw(&server, &request);
    let (chunks, rest) = chunks(&split(&bytes).1);
    assert_eq!((rest, end), (Vec::new(), End::Fin), "no last chunk");
    assert_eq!((&chunks[0][..], chunks[1].len()), (&b" "[..], 50));
    assert!(chunks[1].starts_with(b"<?xml"));
    assert_eq!(server.journal().pop().unwrap().ended, Some(Ended::Close));
}

#[test]
fn redirect_keeps_path_and_query() {
    let server = server(&rule(r#"{"redirect": {"to": "https://b-1.cos.ap-beijing.myqcloud.com"}}"#));
    let answer = server.send(Request::cos("GET", "object?response-content-type=text%2Fplain"));
    assert_eq!(answer.status, 307);
    assert_eq!(
        answer.header("Location"),
        Some(
            "https://b-1.cos.ap-beijing.myqcloud.com/demo-1250000000/object?response-content-type=text%2Fplain"
        )
    );
    assert_eq!(answer.code(), "TemporaryRedirect");
}

#[test]
fn redirect_has_the_status_that_is_asked_for_and_http_by_itself() {
    let server = server(&rule(r#"{"redirect": {"to": "127.0.0.1:1", "status": 301}}"#));
    let answer = server.send(get());
    assert_eq!((answer.status, answer.code().as_str()), (301, "PermanentRedirect"));
    assert_eq!(answer.header("Location"), Some("http://127.0.0.1:1/demo-1250000000/object"));
}

#[test]
fn half_close_ends_one_direction_and_reads_the_other() {
    let server =
        server(&rule_for("PutObject", r#"{"half_close": {"at": "upload", "offset": 4, "hold": "10s"}}"#));
    let mut connection = server.connect();
    let bytes = put(b"0123456789").bytes();
    connection.write(&bytes[..bytes.len() - 6]);
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
    // What is still sent is taken: an RST would make the second write fail.
    connection.write(b"456");
    std::thread::sleep(Duration::from_millis(50));
    connection.write(b"789");
    let exchange = server.journal().pop().unwrap();
    assert_eq!((exchange.received.bytes, exchange.ended), (4, Some(Ended::HalfClose)));
}

#[test]
fn half_close_resets_what_comes_after_its_time() {
    let server = server(&rule(r#"{"half_close": {"at": "done", "hold": "20ms"}}"#));
    let mut connection = server.connect();
    connection.write(get().bytes());
    let (bytes, end) = connection.rest();
    assert!(bytes.ends_with(OBJECT) && end == End::Fin);
    std::thread::sleep(Duration::from_millis(300));
    connection.write(b"more");
    std::thread::sleep(Duration::from_millis(100));
    assert!(std::io::Write::write_all(&mut connection.stream, b"more").is_err());
}

// ---- slowly ----

#[test]
fn throttle_takes_its_time_in_both_directions() {
    let server =
        server(&rule_for("PutObject", r#"{"throttle": {"direction": "upload", "rate": "100KiB/s"}}"#));
    let start = Instant::now();
    server.send(put(&pattern(40 << 10))).ok();
    // Twenty pieces a second, and none is waited for behind the last.
    assert!(start.elapsed() >= Duration::from_millis(340), "{:?}", start.elapsed());

    let server = self::server(&rule(r#"{"throttle": {"rate": "32B/s"}}"#));
    let start = Instant::now();
    assert_eq!(server.send(get()).body, OBJECT);
    assert!(start.elapsed() >= Duration::from_millis(450), "{:?}", start.elapsed());
    assert_eq!(server.journal().pop().unwrap().actions[0].action, "throttle");
}

#[test]
fn drip_writes_pieces_with_pauses_between() {
    let server = server(&rule(r#"{"drip": {"size": 5, "pause": "200ms"}}"#));
    let mut connection = server.connect();
    connection.write(get().bytes());
    connection.head();
    let mut body = Vec::new();
    for piece in [5, 5, 5] {
        body.extend(connection.exactly(piece));
        assert!(connection.is_silent_for(Duration::from_millis(50)), "after {} bytes", body.len());
    }
    body.extend(connection.exactly(1));
    assert_eq!(body, OBJECT);
    assert_eq!(connection.send(&get().with("x-setup", "1")).body, OBJECT, "the connection stays");
}

#[test]
fn drip_may_include_the_head() {
    let server = server(&rule(r#"{"drip": {"size": 9, "pause": "150ms", "head": true}}"#));
    let mut connection = server.connect();
    connection.write(get().bytes());
    assert_eq!(connection.exactly(9), b"HTTP/1.1 ");
    assert!(connection.is_silent_for(Duration::from_millis(30)));
    assert_eq!(connection.exactly(9), b"200 OK\r\nC");
}

#[test]
fn drip_reads_an_upload_in_pieces() {
    let server =
        server(&rule_for("PutObject", r#"{"drip": {"direction": "upload", "size": 4, "pause": "50ms"}}"#));
    let start = Instant::now();
    server.send(put(b"0123456789")).ok();
    assert!(start.elapsed() >= Duration::from_millis(100));
    assert_eq!(server.send(Request::cos("GET", "new")).body, b"0123456789");
}

// ---- chunks ----

#[test]
fn chunked_breaks_the_framing_in_four_ways() {
    for (fault, ending) in [
        ("bad-size", &b"11\r\n0123456789abcdef\r\n0\r\n\r\n"[..]),
        ("garbage-size", b"size\r\n0123456789abcdef\r\n0\r\n\r\n"),
        ("no-end", b"10\r\n0123456789abcdef\r\n"),
        ("trailer-missing", b"10\r\n0123456789abcdef\r\n0\r\n"),
    ] {
        let server = server(&rule(&format!(r#"{{"chunked": {{"fault": "{fault}"}}}}"#)));
        let (bytes, end) = raw(&server, &get());
        let (head, body) = split(&bytes);
        assert!(
            head.contains("Transfer-Encoding: chunked\r\n") && !head.contains("Content-Length"),
            "{head}"
        );
        assert_eq!(head.contains("Trailer: Content-MD5\r\n"), fault == "trailer-missing", "{head}");
        assert_eq!((text(&body), end), (text(ending), End::Fin), "{fault}");
    }
}

#[test]
fn chunked_sends_large_bodies_in_chunks_of_64_kib() {
    let server = server(&rule_for("GetObject", r#"{"chunked": {"fault": "no-end"}}"#));
    let body = pattern(150_000);
    server.send(put(&body)).ok();
    let (bytes, end) = raw(&server, &Request::cos("GET", "new"));
    let (chunks, rest) = chunks(&split(&bytes).1);
    assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), [65_536, 65_536, 18_928]);
    assert!(chunks.concat() == body && rest.is_empty() && end == End::Fin);
}

// ---- expectations, connections ----

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

fn expecting(mode: &str) -> (Server, Connection, Vec<u8>) {
    let server = server(&rule_for("PutObject", &format!(r#"{{"continue_100": {mode}}}"#)));
    let mut connection = server.connect();
    let bytes = put(b"0123").with("Expect", "100-continue").bytes();
    connection.write(&bytes[..bytes.len() - 4]);
    (server, connection, b"0123".to_vec())
}

#[test]
fn continue_100_never_comes_and_the_body_is_read_all_the_same() {
    let (server, mut connection, body) = expecting(r#"{"mode": "never"}"#);
    assert!(connection.is_silent_for(Duration::from_millis(150)));
    connection.write(body);
    assert!(connection.head().starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(server.send(Request::cos("GET", "new")).body, b"0123");
}

#[test]
fn continue_100_comes_late() {
    let (_server, mut connection, body) = expecting(r#"{"mode": "late", "after": "300ms"}"#);
    assert!(connection.is_silent_for(Duration::from_millis(100)));
    assert_eq!(connection.exactly(CONTINUE.len()), CONTINUE);
    connection.write(body);
    assert!(connection.head().starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn continue_100_comes_twice() {
    let (_server, mut connection, body) = expecting(r#"{"mode": "twice"}"#);
    assert_eq!(connection.exactly(2 * CONTINUE.len()), CONTINUE.repeat(2));
    connection.write(body);
    assert!(connection.head().starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn continue_100_is_refused_with_417() {
    let (server, mut connection, _) = expecting(r#"{"mode": "417"}"#);
    let answer = connection.answer();
    assert_eq!((answer.status, answer.code().as_str()), (417, "ExpectationFailed"));
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
    assert_eq!(server.send(Request::cos("GET", "new")).status, 404);
}

#[test]
fn continue_100_is_not_reached_without_the_expectation() {
    let server = server(&rule_for("PutObject", r#"{"continue_100": {"mode": "417"}}"#));
    server.send(put(b"0123")).ok();
    assert_eq!(server.journal().pop().unwrap().rules[0].outcome, "not-reached");
}

#[test]
fn keep_alive_ends_the_connection_whatever_the_answer_says() {
    for (announce, line) in [
        ("absent", None),
        ("close", Some("Connection: close\r\n")),
        ("keep-alive", Some("Connection: keep-alive\r\n")),
    ] {
        let server =
            server(&rule(&format!(r#"{{"keep_alive": {{"really": "close", "announce": "{announce}"}}}}"#)));
        let mut connection = server.connect();
        connection.write(get().bytes());
        let head = connection.head();
        assert_eq!(head.contains("Connection:"), line.is_some(), "{head}");
        assert!(line.is_none_or(|line| head.contains(line)), "{head}");
        assert_eq!(connection.rest(), (OBJECT.to_vec(), End::Fin), "{announce}");
    }
}

#[test]
fn keep_alive_keeps_the_connection_although_the_answer_ends_it() {
    let server = server(&rule(r#"{"keep_alive": {"really": "keep-alive", "announce": "close"}}"#));
    let mut connection = server.connect();
    for _ in 0..3 {
        let answer = connection.send(&get());
        assert_eq!((answer.header("Connection"), &answer.body[..]), (Some("close"), OBJECT));
    }
}

// ---- the store ----

#[test]
fn stale_shows_the_state_before_to_so_many_reads_and_lists() {
    let server = server(&rule_for("PutObject", r#"{"stale": {"reads": 2}}"#));
    server.send(Request::cos("PUT", "object").body("new")).ok();
    let read = |request| server.send(request).body;
    assert_eq!([read(get()), read(get()), read(get())], [OBJECT.to_vec(), OBJECT.to_vec(), b"new".to_vec()]);
    server.send(Request::cos("PUT", "other").body("x")).ok();
    let listed = || server.send(Request::cos("GET", "")).elements("Key");
    assert_eq!([listed(), listed()], [["object"], ["object"]]);
    assert_eq!(listed(), ["object", "other"]);
}

#[test]
fn stale_ends_with_its_time() {
    let server = server(&rule_for("DeleteObject", r#"{"stale": {"for": "300ms"}}"#));
    server.send(Request::cos("DELETE", "object")).ok();
    assert_eq!(server.send(get()).body, OBJECT);
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(server.send(get()).status, 404);
}

#[test]
fn forget_removes_a_job_after_the_answer() {
    let server = server(r#"{"id": "r", "when": {"op": "InitiateJob"}, "do": {"forget": {"what": "job"}}}"#);
    let task = r#"{"Type": "inventory-retrieval"}"#;
    let answer = server.send(Request::cas("POST", "jobs").body(task));
    assert_eq!(answer.status, 202, "{}", answer.text());
    let job = answer.header("x-cas-job-id").unwrap().to_owned();
    assert_eq!(server.send(Request::cas("GET", &format!("jobs/{job}"))).status, 404);
}

#[test]
fn range_shift_moves_the_boundary_that_an_error_of_cas_names() {
    let server = server(
        r#"{"id": "r", "when": {"service": "cas", "op": "UploadPart"}, "do": {"range": {"answer": "shift", "by": 1048576}}}"#,
    );
    let initiate = Request::cas("POST", "multipart-uploads").with("x-cas-part-size", 1 << 20);
    let upload = server.send(initiate).header("x-cas-multipart-upload-id").unwrap().to_owned();
    let hash = sha256(b"0123");
    let answer = server.send(
        Request::cas("PUT", &format!("multipart-uploads/{upload}"))
            .with("Content-Range", "bytes 7-10/*")
            .with("x-cas-content-sha256", &hash)
            .with("x-cas-sha256-tree-hash", &hash)
            .body("0123"),
    );
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("bytes 1048583-1048586/*"), "{}", answer.text());
}

#[test]
fn a_reset_at_the_reply_of_complete_loses_the_answer_and_not_the_object() {
    let server = server(
        r#"{"id": "r", "when": {"op": "CompleteMultipartUpload"}, "fire": {"first": 1}, "apply": "yes", "do": {"reset": {"at": "reply"}}}"#,
    );
    let request = completion(&server);
    assert_eq!(raw(&server, &request), (Vec::new(), End::Rst));
    assert_eq!(server.send(Request::cos("GET", "big")).body, b"part");
    server.send(request).is(404, "NoSuchUpload");
}
