//! What a scenario says of the service beside its rules: clock, signatures, limits, consistency, keep-alive, latency, jobs,
//! states, connections, and what exists at the start.

mod support;

use std::io::ErrorKind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cos_emu::Scenario;
use support::{Connection, End, Request, Server, md5};

/// A server under a scenario with these members.
fn server(members: &str) -> Server {
    let text = format!("{{\"version\": 1, \"name\": \"test\", {members}}}");
    let scenario =
        Scenario::parse("test.json", text.as_bytes(), None).unwrap_or_else(|diagnosis| panic!("{diagnosis}"));
    Server::configured(|config| config.scenario = Some(scenario))
}

fn put(key: &str) -> Request {
    Request::cos("PUT", key).body("0123")
}

fn get(key: &str) -> Request {
    Request::cos("GET", key)
}

#[test]
fn a_frozen_clock_dates_everything() {
    let server = server(r#""server": {"clock": {"freeze": "2024-05-01T00:00:00Z"}}"#);
    let answer = server.send(put("a"));
    assert_eq!(answer.header("Date"), Some("Wed, 01 May 2024 00:00:00 GMT"));
    assert_eq!(server.send(get("a")).header("Last-Modified"), answer.header("Date"));
    assert_eq!(server.journal()[0].at, "2024-05-01T00:00:00.000Z");
}

#[test]
fn a_strict_service_refuses_the_unsigned_and_rules_do_not_fire_on_them() {
    let server =
        server(r#""server": {"auth": "strict"}, "rules": [{"id": "r", "do": {"reset": {"at": "reply"}}}]"#);
    server.send(get("a")).is(403, "AccessDenied");
    let exchange = server.exchange();
    assert_eq!((exchange.rules[0].match_number, exchange.rules[0].outcome), (1, "refused"));
}

#[test]
fn an_etag_of_2017_is_a_sha1() {
    let server = server(r#""server": {"etag": "sha1"}"#);

    let etag = server.send(put("a")).ok().header("ETag").unwrap().to_owned();
    assert_eq!(etag.len(), 42, "40 digits in quotes: {etag}");
    let upload = server.send(Request::cos("POST", "b?uploads")).element("UploadId").unwrap();
    let part = Request::cos("PUT", &format!("b?partNumber=1&uploadId={upload}")).body("0123");
    assert_eq!(server.send(part).header("ETag"), Some(etag.as_str()));
    let complete = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    server.send(Request::cos("POST", &format!("b?uploadId={upload}")).body(complete)).ok();
}

#[test]
fn a_rate_limit_admits_rate_and_burst() {
    // The whole ten seconds are for the long run: COS_EMU_LONG_TESTS=1.
    let long = std::env::var("COS_EMU_LONG_TESTS").is_ok_and(|value| value == "1");
    let time = Duration::from_secs(if long { 10 } else { 3 });
    let (rate, burst) = (200.0, 50.0);
    let server = server(
        r#""server": {"rate_limit": [{"requests_per_second": 200, "burst": 50, "per": "bucket", "code": "SlowDown"}]}"#,
    );
    let admitted = AtomicUsize::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let mut connection = server.connect();
                while start.elapsed() < time {
                    let answer = connection.send(&Request::cos("HEAD", ""));
                    match answer.status {
                        200 => drop(admitted.fetch_add(1, Ordering::Relaxed)),
                        status => assert_eq!((status, answer.header("Retry-After")), (503, Some("1"))),
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
            });
        }
    });
    // The time that really passed: threads end a little late.
    let expected = rate * start.elapsed().as_secs_f64() + burst;
    let admitted = admitted.into_inner() as f64;
    assert!((admitted - expected).abs() <= expected * 0.05, "{admitted} instead of {expected}");
}

#[test]
fn lists_and_reads_lag_behind_writes() {
    let server = server(r#""server": {"consistency": {"list_lag": "400ms", "read_lag_reads": 1}}"#);
    let start = Instant::now();
    server.send(put("a")).ok();
    let listed = server.send(get("")).elements("Key");
    assert!(listed.is_empty() || start.elapsed() > Duration::from_millis(400), "{listed:?}");
    assert_eq!([server.send(get("a")).status, server.send(get("a")).status], [404, 200]);
    std::thread::sleep(Duration::from_millis(450));
    assert_eq!(server.send(get("")).elements("Key"), ["a"]);
}

#[test]
fn a_connection_ends_behind_its_last_request_announced_or_not() {
    for (announce, last) in [(true, "close"), (false, "keep-alive")] {
        let server =
            server(&format!(r#""server": {{"keep_alive": {{"max_requests": 2, "announce": {announce}}}}}"#));
        let mut connection = server.connect();
        assert_eq!(connection.send(&put("a")).header("Connection"), Some("keep-alive"));
        assert_eq!(connection.send(&put("a")).header("Connection"), Some(last));
        assert_eq!(connection.rest(), (Vec::new(), End::Fin));
    }
}

#[test]
fn an_idle_connection_ends_after_its_time() {
    let server = server(r#""server": {"keep_alive": {"idle": "100ms"}}"#);
    let mut connection = server.connect();
    connection.send(&put("a")).ok();
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
}

#[test]
fn latency_delays_every_answer() {
    let server = server(r#""server": {"latency": {"fixed": "60ms"}}"#);
    for request in [put("a"), get("none")] {
        let start = Instant::now();
        server.send(request);
        assert!(start.elapsed() >= Duration::from_millis(60));
    }
}

#[test]
fn a_body_that_pauses_longer_than_its_time_is_refused() {
    let server = server(r#""server": {"body_timeout": "100ms"}"#);
    let mut connection = server.connect();
    let bytes = put("a").bytes();
    connection.write(&bytes[..bytes.len() - 1]);
    connection.answer().is(400, "RequestTimeout");
}

#[test]
fn jobs_are_ready_at_the_describe_that_the_scenario_names() {
    let server = server(r#""server": {"jobs": {"complete": {"after_describes": 3}}}"#);
    let job = server.send(Request::cas("POST", "jobs").body(r#"{"Type": "inventory-retrieval"}"#));
    let job = job.header("x-cas-job-id").unwrap().to_owned();
    let ready = || server.send(Request::cas("GET", &format!("jobs/{job}"))).text().contains("\"Succeeded\"");
    assert_eq!([ready(), ready(), ready()], [false, false, true]);
}

#[test]
fn a_short_chunk_in_the_middle_is_refused_at_upload_where_the_scenario_says_so() {
    let server = server(r#""server": {"cas": {"short_parts": "at-upload"}}"#);
    let initiate = Request::cas("POST", "multipart-uploads").with("x-cas-part-size", 1 << 20);
    let upload = server.send(initiate).header("x-cas-multipart-upload-id").unwrap().to_owned();
    let chunk = |start: usize| {
        let hash = support::sha256(b"0123");
        Request::cas("PUT", &format!("multipart-uploads/{upload}"))
            .with("Content-Range", format!("bytes {start}-{}/*", start + 3))
            .with("x-cas-content-sha256", &hash)
            .with("x-cas-sha256-tree-hash", &hash)
            .body("0123")
    };
    assert_eq!(server.send(chunk(0)).status, 204);
    let refused = server.send(chunk(1 << 20));
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("Only the last part may be smaller"), "{}", refused.text());
}

#[test]
fn a_chunk_may_name_its_range_without_a_total_where_the_scenario_says_so() {
    let status = |settings: &str| {
        let server = server(&format!(r#""server": {{"cas": {{{settings}}}}}"#));
        let initiate = Request::cas("POST", "multipart-uploads").with("x-cas-part-size", 1 << 20);
        let upload = server.send(initiate).header("x-cas-multipart-upload-id").unwrap().to_owned();
        let hash = support::sha256(b"0123");
        let chunk = Request::cas("PUT", &format!("multipart-uploads/{upload}"))
            .with("Content-Range", "bytes 0-3")
            .with("x-cas-content-sha256", &hash)
            .with("x-cas-sha256-tree-hash", &hash)
            .body("0123");
        let answer = server.send(chunk);
        assert_eq!(server.journal().last().unwrap().part, Some(1), "rules know the part either way");
        answer.status
    };
    assert_eq!((status(""), status(r#""content_range": "lenient""#)), (400, 204));
}

#[test]
fn a_vault_tells_the_figures_of_the_moment_where_the_scenario_says_so() {
    let figures = |settings: &str| {
        let server = server(&format!(r#""server": {{"cas": {{{settings}}}}}"#));
        let hash = support::sha256(b"0123");
        let archive = Request::cas("POST", "archives").with("x-cas-content-sha256", &hash);
        server.send(archive.with("x-cas-sha256-tree-hash", &hash).body("0123")).ok();
        let text = server.send(Request::cas("GET", "")).text();
        (text.contains("\"NumberOfArchives\" : 1,"), text.contains("\"SizeInBytes\" : 4,"))
    };
    assert_eq!((figures(""), figures(r#""inventory": "live""#)), ((false, false), (true, true)));
}

// ---- states ----

#[test]
fn an_outage_begins_after_so_many_requests_and_ends_after_its_time() {
    let server = server(
        r#""states": {"initial": "up", "transitions": [
                {"from": "up", "to": "down", "after_requests": 2, "once": true},
                {"from": "down", "to": "up", "after": "300ms"}]},
            "rules": [{"id": "outage", "when": {"state": "down"}, "do": {"error": "ServiceUnavailable"}}]"#,
    );
    let status = || server.send(get("")).status;
    assert_eq!([status(), status(), status(), status()], [200, 200, 503, 503]);
    std::thread::sleep(Duration::from_millis(350));
    assert_eq!([status(), status(), status()], [200, 200, 200]);
}

#[test]
fn a_rule_moves_the_state_when_it_fires() {
    let server = server(
        r#""states": {"initial": "calm"},
            "rules": [{"id": "first", "when": {"op": "PutObject", "state": "calm"}, "goto": "angry", "do": {"delay": {"fixed": "1ms"}}},
                      {"id": "angry", "when": {"state": "angry"}, "do": {"error": "SlowDown"}}]"#,
    );
    assert_eq!(
        [server.send(get("")).status, server.send(put("a")).status, server.send(get("")).status],
        [200, 200, 503]
    );
    let state = server.send(Request::new("GET", "/_cos-emu/v1/scenarios/default")).text();
    assert!(state.contains("\"state\": \"angry\""), "{state}");
}

// ---- connections ----

fn connections(rest: &str) -> Server {
    server(&format!(r#""connections": [{{"id": "c", "fire": {{"first": 1}}, {rest}}}]"#))
}

fn firings(server: &Server) -> String {
    server.send(Request::new("GET", "/_cos-emu/v1/scenarios/default")).text()
}

#[test]
fn a_refused_connection_is_reset_at_once() {
    let server = connections(r#""do": {"refuse": {}}"#);
    let mut connection = server.connect();
    assert_eq!(connection.rest(), (Vec::new(), End::Rst));
    server.send(put("a")).ok();
    assert!(firings(&server).contains("\"firings\": 1"));
}

#[test]
fn a_stalled_connection_answers_when_its_time_is_over() {
    let server = connections(r#""do": {"stall": {"for": "300ms"}}"#);
    let mut connection = server.connect();
    connection.write(put("a").bytes());
    assert!(connection.is_silent_for(Duration::from_millis(100)));
    connection.answer().ok();
}

#[test]
fn a_connection_that_stalls_for_ever_costs_only_itself() {
    let server = connections(r#""do": {"stall": {}}"#);
    let mut connection = server.connect();
    connection.write(put("a").bytes());
    assert!(connection.is_silent_for(Duration::from_millis(200)));
    server.send(put("a")).ok();
}

#[test]
fn an_idle_connection_is_reset_where_a_rule_says_so() {
    let server = connections(r#""do": {"idle_close": {"after": "100ms", "how": "reset"}}"#);
    let mut connection = server.connect();
    connection.send(&put("a")).ok();
    std::thread::sleep(Duration::from_millis(250));
    let error = std::io::Read::read(&mut connection.stream, &mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(firings(&server).contains("\"firings\": 1"));
}

#[test]
fn a_rule_of_connections_that_was_not_reached_has_not_fired() {
    let server = connections(r#""do": {"max_requests": {"count": 3}}"#);
    let mut connection = server.connect();
    connection.send(&put("a")).ok();
    drop(connection);
    let start = Instant::now();
    while !firings(&server).contains("\"firings\": 0") {
        assert!(start.elapsed() < Duration::from_secs(10), "{}", firings(&server));
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_connection_ends_behind_its_third_request_without_a_word() {
    let server =
        connections(r#""when": {"peer": "127.*"}, "do": {"max_requests": {"count": 3, "announce": false}}"#);
    let mut connection = server.connect();
    for _ in 0..3 {
        assert_eq!(connection.send(&put("a")).header("Connection"), Some("keep-alive"));
    }
    assert_eq!(connection.rest(), (Vec::new(), End::Fin));
}

// ---- setup ----

#[test]
fn objects_of_any_size_exist_at_the_start() {
    let server = server(
        r#""seed": 7, "setup": {"buckets": {"set-1250000000": {"region": "ap-beijing", "objects": {
            "small": {"size": "100KiB"}, "zero": {"size": 5, "content": "zero"},
            "text": {"content": {"text": "hello"}}, "huge": {"size": "1GiB"}}}}}"#,
    );
    let read = |key: &str| server.send(Request::new("GET", &format!("/set-1250000000/{key}")));
    let small = read("small");
    assert_eq!(small.ok().body.len(), 100 << 10);
    assert_eq!(small.header("ETag"), Some(format!("\"{}\"", md5(&small.body)).as_str()));
    assert!(small.body == read("small").body);
    assert_eq!((read("zero").body, read("text").body), (vec![0; 5], b"hello".to_vec()));
    let huge = server.send(Request::new("HEAD", "/set-1250000000/huge"));
    assert_eq!(huge.header("Content-Length"), Some("1073741824"));
    assert!(huge.header("ETag").unwrap().ends_with("-64\""));
    let range = Request::new("GET", "/set-1250000000/huge").with("Range", "bytes=1073741820-");
    assert_eq!(server.send(range).body.len(), 4);
}

#[test]
fn archives_exist_at_the_start() {
    let server = server(
        r#""setup": {"vaults": {"vault": {"archives": [{"size": "3MiB", "description": "d"}, {"content": {"text": "x"}}]}}}"#,
    );
    let job = server.send(Request::cas("POST", "jobs").body(r#"{"Type": "inventory-retrieval"}"#));
    let job = job.header("x-cas-job-id").unwrap().to_owned();
    let inventory = server.send(Request::cas("GET", &format!("jobs/{job}/output"))).text();
    assert!(inventory.contains("3145728") && inventory.contains("\"d\""), "{inventory}");
}

// ---- requests ----

#[test]
fn the_raw_request_can_be_matched() {
    for (when, matches) in [
        (r#"{"method": "PUT"}"#, true),
        (r#"{"path": "/demo-1250000000/a%20b"}"#, true),
        (r#"{"path": "/demo-1250000000/a b"}"#, false),
        (r#"{"query": {"x": "1"}}"#, true),
        (r#"{"on_connection": {"request": 1}}"#, true),
        (r#"{"on_connection": {"request": {"min": 2}}}"#, false),
        (r#"{"http": "1.0"}"#, false),
        (r#"{"expect_continue": true}"#, false),
        (r#"{"not": {"method": "PUT"}}"#, false),
    ] {
        let server =
            server(&format!(r#""rules": [{{"id": "r", "when": {when}, "do": {{"error": "SlowDown"}}}}]"#));
        let mut connection: Connection = server.connect();
        let answer = connection.send(&Request::cos("PUT", "a%20b?x=1").body("0123"));
        assert_eq!(answer.status == 503, matches, "{when}");
    }
}
