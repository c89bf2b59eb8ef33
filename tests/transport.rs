//! HTTP as clients see it: the spelling of headers, `100 Continue`, early answers, time limits, and what is no HTTP.

mod support;

use std::time::{Duration, Instant};

use support::{BUCKET, Connection, End, Request, Server, VAULT, pattern};

const MILLISECONDS_100: Duration = Duration::from_millis(100);

// ---- headers ----

#[test]
fn header_names_are_spelled_as_the_services_spell_them() {
    let server = Server::start();
    let stored = Request::cos("PUT", "k")
        .with("Cache-Control", "a")
        .with("Content-Disposition", "b")
        .with("Content-Encoding", "c")
        .with("Content-Language", "d")
        .with("Expires", "e")
        .with("x-cos-meta-Mixed", "f")
        .with("x-cos-storage-class", "COLD")
        .body("body");
    let put = server.send(stored);
    let get = server.send(Request::cos("GET", "k").with("Range", "bytes=0-1"));
    let names = |head: &str| -> Vec<String> {
        head.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect()
    };
    assert_eq!(
        names(&put.head),
        [
            "Content-Length",
            "Connection",
            "ETag",
            "x-cos-hash-crc64ecma",
            "Date",
            "Server",
            "x-cos-request-id"
        ]
    );
    assert_eq!(
        names(&get.head),
        [
            "Content-Type",
            "Content-Length",
            "Connection",
            "Cache-Control",
            "Content-Disposition",
            "Content-Encoding",
            "Content-Language",
            "Expires",
            "x-cos-meta-mixed",
            "Accept-Ranges",
            "Content-Range",
            "ETag",
            "x-cos-hash-crc64ecma",
            "Last-Modified",
            "x-cos-object-type",
            "x-cos-storage-class",
            "Date",
            "Server",
            "x-cos-request-id"
        ]
    );
    let vault = server.send(Request::new("PUT", "/-/vaults/new"));
    assert_eq!(
        names(&vault.head),
        ["Content-Length", "Connection", "Location", "Date", "Server", "x-cas-requestId"]
    );
    let upload = server.send(Request::cas("POST", "multipart-uploads").with("x-cas-part-size", 1 << 20));
    assert!(upload.header("x-cas-multipart-upload-id").is_some());
}

#[test]
fn a_scripted_answer_has_the_same_lines_as_an_honest_one() {
    let rules = r#"{"id": "r", "when": {"op": "GetObject"}, "do": {"overrun": {"text": "x"}}}"#;
    let clock = |config: &mut cos_emu::Config| {
        config.clock = cos_emu::Clock::Frozen(cos_emu::Timestamp::from_unix_seconds(1_700_000_000));
    };
    let honest = Server::configured(clock);
    let scripted = Server::configured(|config| {
        clock(config);
        let text = format!("{{\"version\": 1, \"name\": \"t\", \"rules\": [{rules}]}}");
        config.scenario = Some(cos_emu::Scenario::parse("t", text.as_bytes(), None).unwrap());
    });
    for request in [
        Request::cos("GET", "k"),
        Request::cos("GET", "none"),
        Request::cos("GET", "k").with("Connection", "close"),
    ] {
        let heads = [&honest, &scripted].map(|server| {
            server.send(Request::cos("PUT", "k").body("body")).ok();
            server.send(request.clone()).head
        });
        assert_eq!(heads[0], heads[1]);
    }
}

#[test]
fn connections_are_kept_or_closed_as_the_client_asks() {
    let server = Server::start();
    let mut connection = server.connect();
    assert_eq!(connection.send(&Request::cos("GET", "")).header("Connection"), Some("keep-alive"));
    assert_eq!(
        connection.send(&Request::cos("GET", "").with("Connection", "close")).header("Connection"),
        Some("close")
    );
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
    assert_eq!(server.journal()[1].ended, Some(cos_emu::Ended::Close));

    let old = |lines: &str| {
        let mut connection = server.connect();
        connection.write(format!("GET /{BUCKET}/none HTTP/1.0\r\nHost: localhost\r\n{lines}\r\n"));
        let answer = connection.answer();
        assert!(answer.head.starts_with("HTTP/1.0 404 Not Found\r\n"), "{}", answer.head);
        (answer.header("Connection").map(str::to_owned), connection)
    };
    let (line, mut connection) = old("");
    assert_eq!(line.as_deref(), Some("close"));
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
    assert_eq!(old("Connection: keep-alive\r\n").0.as_deref(), Some("keep-alive"));
}

#[test]
fn a_client_that_shuts_its_sending_side_still_gets_its_answer() {
    let server = Server::with_rules(r#"{"id": "slow", "do": {"delay": {"fixed": "100ms"}}}"#);
    let mut connection = server.connect();
    connection.write(Request::cos("PUT", "k").body("body").bytes());
    connection.stream.shutdown(std::net::Shutdown::Write).unwrap();
    connection.answer().ok();
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
}

// ---- Expect: 100-continue and early answers ----

#[test]
fn continue_is_sent_only_when_the_body_is_wanted() {
    let server = Server::configured(|config| config.auth = Some(cos_emu::AuthMode::Check));
    let upload = server.send(Request::cos("POST", "k?uploads")).element("UploadId").unwrap();
    let expecting = |request: Request| request.with("Content-Length", 4).with("Expect", "100-continue");
    let signature = "q-sign-algorithm=sha1&q-ak=AKIDcosemu&q-sign-time=1;4000000000&q-key-time=1;4000000000&q-header-list=&q-url-param-list=&q-signature=x";
    for (request, status, code) in [
        (Request::cos("PUT", "k?partNumber=1&uploadId=never"), 404, "NoSuchUpload"),
        (Request::cos("PUT", &format!("k?partNumber=0&uploadId={upload}")), 400, "InvalidArgument"),
        (Request::cos("PUT", "k").with("Authorization", signature), 403, "SignatureDoesNotMatch"),
        (Request::cos("PUT", "k").with("Content-MD5", "x"), 400, "InvalidDigest"),
        (Request::cos("POST", "?delete"), 400, "InvalidRequest"),
        (Request::cas("PUT", "multipart-uploads/never"), 404, "ResourceNotFoundException"),
        (Request::cas("POST", "archives"), 400, "MissingParameterValueException"),
    ] {
        let mut connection = server.connect();
        connection.write(expecting(request).head());
        let answer = connection.answer();
        answer.is(status, code);
        assert_eq!(answer.header("Connection"), Some("close"));
        assert_eq!(connection.rest(), (Vec::new(), End::Fin), "{code}");
    }
    let mut connection = server.connect();
    connection.write(expecting(Request::cos("PUT", &format!("k?partNumber=1&uploadId={upload}"))).head());
    assert_eq!(connection.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    connection.write("body");
    let answer = connection.answer();
    assert_eq!((answer.ok().header("Connection"), answer.status), (Some("keep-alive"), 200));
}

/// What the official CAS client met when the server answered and closed at once: a reset in two of three runs.
#[test]
fn an_early_answer_is_read_by_a_client_that_sends_its_whole_body_first() {
    let server = Server::start();
    let body = pattern(16 << 20);
    for request in [
        Request::cos("PUT", "k?partNumber=1&uploadId=never").body(&body),
        Request::cas("PUT", "multipart-uploads/never").body(&body),
    ] {
        for _ in 0..5 {
            let mut connection = server.connect();
            connection.write(request.bytes());
            assert_eq!(connection.answer().status, 404);
            assert_eq!(connection.rest(), (Vec::new(), End::Fin));
        }
    }
}

#[test]
fn a_small_body_of_a_refused_request_is_read_and_the_connection_kept() {
    let server = Server::start();
    let mut connection = server.connect();
    for _ in 0..3 {
        let answer =
            connection.send(&Request::cos("PUT", "k?partNumber=1&uploadId=never").body(pattern(60_000)));
        answer.is(404, "NoSuchUpload");
        assert_eq!(answer.header("Connection"), Some("keep-alive"));
    }
}

// ---- bodies ----

#[test]
fn a_body_that_ends_before_its_declared_length_stores_nothing() {
    let server = Server::start();
    let upload = server.send(Request::cos("POST", "k?uploads")).element("UploadId").unwrap();
    let whole = Request::cos("PUT", &format!("k?partNumber=1&uploadId={upload}")).body("abcdef").bytes();
    for missing in 1..=6 {
        let mut connection = server.connect();
        connection.write(&whole[..whole.len() - missing]);
        connection.stream.shutdown(std::net::Shutdown::Write).unwrap();
        connection.answer().is(400, "IncompleteBody");
        assert_eq!(connection.rest(), (Vec::new(), End::Fin));
        assert_eq!(server.journal().pop().unwrap().received.bytes, 6 - missing as u64);
    }
    let parts = server.send(Request::cos("GET", &format!("k?uploadId={upload}")));
    assert!(parts.elements("PartNumber").is_empty());
}

#[test]
fn a_body_that_stalls_is_answered_with_a_timeout() {
    let server = Server::configured(|config| config.body_timeout = Some(MILLISECONDS_100));
    let mut connection = server.connect();
    let whole = Request::cos("PUT", "k").body("abcdef").bytes();
    connection.write(&whole[..whole.len() - 1]);
    connection.answer().is(400, "RequestTimeout");
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
    server.send(Request::cos("GET", "k")).is(404, "NoSuchKey");
}

#[test]
fn a_slow_body_that_does_not_stall_is_taken() {
    let server = Server::configured(|config| config.body_timeout = Some(MILLISECONDS_100 * 3));
    let mut connection = server.connect();
    connection.write(Request::cos("PUT", "k").body("abcdef").head());
    for byte in b"abcdef" {
        std::thread::sleep(MILLISECONDS_100);
        connection.write([*byte]);
    }
    connection.answer().ok();
}

#[test]
fn malformed_chunks_are_refused_and_store_nothing() {
    let server = Server::start();
    for body in ["x\r\nabc\r\n0\r\n\r\n", "3\r\nabcX\r\n0\r\n\r\n", "-1\r\n", "FFFFFFFFFFFFFFFFF\r\n"] {
        let mut connection = server.connect();
        connection.write(Request::cos("PUT", "k").with("Transfer-Encoding", "chunked").body(body).bytes());
        let answer = connection.answer();
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(connection.rest().1, End::Fin);
    }
    server.send(Request::cos("GET", "k")).is(404, "NoSuchKey");
}

#[test]
fn an_operation_without_a_body_does_not_take_a_large_one() {
    let server = Server::start();
    server.send(Request::cos("GET", "k").body(pattern(100 << 10))).is(400, "EntityTooLarge");
}

#[test]
fn memory_for_objects_is_bounded_and_given_back() {
    let server = Server::configured(|config| {
        config.max_memory_bytes = 3 << 20;
        config.spill_dir = None;
    });
    let put = |key: &str| server.send(Request::cos("PUT", key).body(pattern(2 << 20)));
    put("a").ok();
    let refused = put("b");
    refused.is(503, "ServiceUnavailable");
    assert!(refused.text().contains("--max-memory"), "{}", refused.text());
    server.send(Request::cos("DELETE", "a")).ok();
    put("b").ok();
}

// ---- time ----

#[test]
fn a_head_that_does_not_arrive_is_answered_with_a_timeout() {
    let server = Server::configured(|config| config.head_timeout = MILLISECONDS_100);
    let mut connection = server.connect();
    connection.write(format!("PUT /{BUCKET}/k HTTP/1.1\r\nHost: localhost\r\nContent-"));
    connection.answer().is(400, "RequestTimeout");
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
    let exchange = server.exchange();
    assert_eq!((exchange.op, exchange.path.as_str()), (None, format!("/{BUCKET}/k").as_str()));

    // The time runs from the first byte of the head, not from byte to byte.
    let mut connection = server.connect();
    let start = Instant::now();
    for byte in b"GET / HTTP/1.1\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy" {
        if std::io::Write::write_all(&mut connection.stream, &[*byte]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
        if start.elapsed() > MILLISECONDS_100 * 4 {
            break;
        }
    }
    assert_eq!(connection.answer().status, 400);
}

#[test]
fn an_idle_connection_ends_quietly() {
    let server = Server::configured(|config| {
        config.idle_timeout = MILLISECONDS_100;
        config.head_timeout = Duration::from_secs(9);
    });
    assert_eq!(server.connect().rest(), (Vec::new(), End::Fin));
    let mut connection = server.connect();
    connection.send(&Request::cos("GET", "")).ok();
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
    assert_eq!(server.journal().len(), 1);
}

#[test]
fn a_delay_is_longer_than_the_idle_time_and_nothing_ends() {
    let server = Server::configured(|config| {
        config.idle_timeout = MILLISECONDS_100;
        config.head_timeout = MILLISECONDS_100;
        let rules =
            r#"{"version": 1, "name": "t", "rules": [{"id": "r", "do": {"delay": {"fixed": "400ms"}}}]}"#;
        config.scenario = Some(cos_emu::Scenario::parse("t", rules.as_bytes(), None).unwrap());
    });
    server.send(Request::cos("PUT", "k").body("body")).ok();
}

// ---- what is no HTTP ----

#[test]
fn what_cannot_be_read_gets_the_error_of_the_service_and_an_entry() {
    let long_header = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(70 << 10));
    let many_headers = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: y\r\n".repeat(200));
    let long_target = format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(66_000));
    for (bytes, code) in [
        (&b"GARBAGE\r\n\r\n"[..], "InvalidRequest"),
        (b"\x00\x01\x02\x03\r\n\r\n", "InvalidRequest"),
        (b"GET / HTTP/9.9\r\n\r\n", "InvalidRequest"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", "InvalidRequest"),
        (b"GET / HTTP/1.1\r\nX\x00Y: z\r\n\r\n", "InvalidRequest"),
        (b"GET / HTTP/1.1\r\n: z\r\n\r\n", "InvalidRequest"),
        (b"PUT /k HTTP/1.1\r\nContent-Length: x\r\n\r\n", "InvalidRequest"),
        (b"PUT /k HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "InvalidRequest"),
        (b"PUT /k HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "InvalidRequest"),
        (b"PUT /k HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", "InvalidRequest"),
        (b"PUT /k HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "InvalidRequest"),
        (b"GET /a<b> HTTP/1.1\r\nHost: h\r\n\r\n", "InvalidURI"),
        (long_header.as_bytes(), "MaxMessageLengthExceeded"),
        (many_headers.as_bytes(), "MaxMessageLengthExceeded"),
        (long_target.as_bytes(), "MaxMessageLengthExceeded"),
    ] {
        let server = Server::start();
        let mut connection = server.connect();
        connection.write(bytes);
        let answer = connection.answer();
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{start:?}: {}", answer.text());
        assert!(answer.header("x-cos-request-id").is_some());
        assert_eq!(connection.rest(), (Vec::new(), End::Fin), "{start:?}");
        let exchange = server.exchange();
        assert!(exchange.notes[0].starts_with("the request could not be read"), "{:?}", exchange.notes);
        assert_eq!(exchange.answer.unwrap().status, 400);
    }
}

#[test]
fn what_cannot_be_read_and_is_for_cas_gets_json() {
    let server = Server::start();
    for head in [
        format!("PUT /-/vaults/{VAULT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n"),
        "PUT /x HTTP/1.1\r\nHost: cas.ap-x.myqcloud.com\r\nContent-Length: x\r\n\r\n".to_owned(),
    ] {
        let mut connection = server.connect();
        connection.write(head);
        let answer = connection.answer();
        answer.is(400, "BadRequest");
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
    }
}

#[test]
fn garbage_behind_a_good_request_is_answered_behind_its_answer() {
    let server = Server::start();
    let mut connection = server.connect();
    connection.write([Request::cos("PUT", "k").body("body").bytes(), b"GARBAGE\r\n\r\n".to_vec()].concat());
    connection.answer().ok();
    connection.answer().is(400, "InvalidRequest");
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
    assert_eq!(server.journal().len(), 2);
}

#[test]
fn every_cut_of_a_request_leaves_the_server_well() {
    let server = Server::start();
    let request =
        Request::cos("PUT", "k").with("Content-MD5", "x").with("Expect", "100-continue").body("body").bytes();
    for end in 0..request.len() {
        let mut connection = server.connect();
        connection.write(&request[..end]);
    }
    for at in 0..request.len() {
        let mut spoilt = request.clone();
        spoilt[at] = b'\xff';
        let mut connection = server.connect();
        connection.write(&spoilt);
        let _ = connection.stream.shutdown(std::net::Shutdown::Write);
        let _ = connection.rest();
    }
    server.send(Request::cos("GET", "")).ok();
}

// ---- many connections ----

#[test]
fn a_stalled_connection_does_not_keep_others_waiting() {
    let server =
        Server::with_rules(r#"{"id": "r", "when": {"key": "stalled"}, "do": {"stall": {"at": "reply"}}}"#);
    let stalled: Vec<Connection> = (0..100)
        .map(|_| {
            let mut connection = server.connect();
            connection.write(Request::cos("GET", "stalled").bytes());
            connection
        })
        .collect();
    let half: Vec<Connection> = (0..100)
        .map(|_| {
            let mut connection = server.connect();
            connection.write(Request::cos("PUT", "half").body(pattern(1 << 20)).bytes().split_at(1000).0);
            connection
        })
        .collect();
    let start = Instant::now();
    for number in 0..100 {
        server.send(Request::cos("PUT", &format!("k{number}")).body("body")).ok();
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    drop((stalled, half));
}

#[test]
fn stopping_takes_less_than_a_second_whatever_is_stalled() {
    let server = Server::with_rules(
        r#"{"id": "a", "when": {"key": "reply"}, "do": {"stall": {"at": "reply"}}},
           {"id": "b", "when": {"key": "body", "op": "GetObject"}, "do": {"stall": {"at": "download", "offset": 0}}},
           {"id": "c", "when": {"key": "slow"}, "do": {"delay": {"fixed": "9s"}}}"#,
    );
    server.send(Request::cos("PUT", "body").body("body")).ok();
    let connections: Vec<Connection> = ["reply", "body", "slow", "reply"]
        .into_iter()
        .map(|key| {
            let mut connection = server.connect();
            connection.write(Request::cos("GET", key).bytes());
            connection
        })
        .chain([server.connect()])
        .collect();
    std::thread::sleep(MILLISECONDS_100);
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    drop(connections);
}
