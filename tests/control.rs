//! The control API: what it answers, what it does, and that it collides with nothing.

mod support;

use std::time::Duration;

use serde_json::Value;
use support::{BUCKET, Request, Server, sha256};

fn control(server: &Server, method: &str, path: &str) -> support::Answer {
    server.send(Request::new(method, &format!("/_cos-emu/{path}")))
}

fn json(answer: &support::Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

#[test]
fn it_says_that_it_is_alive_and_ready() {
    let server = Server::start();
    for path in ["livez", "readyz"] {
        assert_eq!(control(&server, "GET", path).ok().text(), "ok\n");
        assert_eq!(control(&server, "HEAD", path).status, 200);
    }
    assert!(server.journal().is_empty(), "the journal does not list it");
}

#[test]
fn counters_tell_matches_firings_and_what_is_still_due() {
    let server = Server::with_rules(
        r#"{"id": "a", "when": {"op": "GetObject"}, "fire": {"nth": 2}, "do": {"error": "SlowDown"}},
           {"id": "b", "when": {"op": "PutObject"}, "do": {"error": "SlowDown"}, "must_fire": {"min": 2, "max": 3}}"#,
    );
    for _ in 0..3 {
        server.send(Request::cos("GET", "k"));
    }
    let state = json(control(&server, "GET", "v1/scenarios/default").ok());
    assert_eq!(
        (&state["id"], &state["name"], &state["seed"]),
        (&"default".into(), &"test".into(), &"0x7".into())
    );
    let rules = &state["rules"];
    assert_eq!(
        (&rules[0]["matches"], &rules[0]["firings"], &rules[0]["fulfilled"]),
        (&3.into(), &1.into(), &true.into())
    );
    assert_eq!((&rules[1]["matches"], &rules[1]["fulfilled"]), (&0.into(), &false.into()));
    assert_eq!(rules[1]["must_fire"], serde_json::json!({ "min": 2, "max": 3 }));
}

#[test]
fn the_journal_has_one_entry_per_exchange_and_comes_in_pages() {
    let server =
        Server::with_rules(r#"{"id": "cut", "when": {"key": "cut"}, "do": {"reset": {"at": "reply"}}}"#);
    server.send(Request::cos("PUT", "a").body("body")).ok();
    let mut cut = server.connect();
    cut.write(Request::cos("PUT", "cut").body("body").bytes());
    cut.rest();
    server.send(Request::cos("GET", "a").with("Range", "bytes=0-1")).ok();
    let journal = json(control(&server, "GET", "v1/scenarios/default/journal").ok());
    let entries = journal["exchanges"].as_array().unwrap();
    assert_eq!((entries.len(), &journal["next"], &journal["dropped"]), (3, &4.into(), &0.into()));
    let second = &entries[1];
    assert_eq!(
        (&second["op"], &second["key"], &second["ended"]),
        (&"PutObject".into(), &"cut".into(), &"reset".into())
    );
    assert_eq!((&second["applied"], &second["answer"]), (&true.into(), &Value::Null));
    let sha256 = sha256(b"body");
    assert_eq!(second["received"], serde_json::json!({ "declared": 4, "bytes": 4, "sha256": sha256 }));
    assert_eq!(
        second["rules"],
        serde_json::json!([{ "id": "cut", "outcome": "fired", "scope": "", "match": 1, "firing": 1 }])
    );
    let effect = "the connection is reset (RST) before the answer";
    assert_eq!(
        second["actions"],
        serde_json::json!([{ "action": "reset", "at": "reply", "effect": effect }])
    );
    assert_eq!(entries[2]["range"], "bytes=0-1");
    assert_eq!(entries[2]["answer"], serde_json::json!({ "status": 206, "code": null, "bytes": 2 }));

    let page =
        |query: &str| json(control(&server, "GET", &format!("v1/scenarios/default/journal?{query}")).ok());
    assert_eq!(page("limit=2")["next"], 3);
    assert_eq!(page("from=3")["exchanges"][0]["n"], 3);
    assert_eq!(page("from=4")["exchanges"], serde_json::json!([]));
}

#[test]
fn a_client_that_goes_away_in_the_middle_of_an_answer_is_seen() {
    let server = Server::with_rules(
        r#"{"id": "r", "when": {"op": "GetObject"}, "do": {"delay": {"at": "download", "offset": 1000, "fixed": "100ms"}}}"#,
    );
    server.send(Request::cos("PUT", "k").body(vec![1; 20 << 20])).ok();
    let mut connection = server.connect();
    connection.write(Request::cos("GET", "k").bytes());
    connection.exactly(100);
    drop(connection);
    server.wait_for("the client's end to be seen", |journal| {
        matches!(journal[1].ended, Some(cos_emu::Ended::ClientReset | cos_emu::Ended::ClientClose))
    });
    assert!(server.journal()[1].answer.as_ref().unwrap().bytes < 20 << 20);
}

#[test]
fn a_reset_starts_the_world_again_with_the_same_seed() {
    let server = Server::with_rules(
        r#"{"id": "once", "when": {"op": "PutObject"}, "fire": {"first": 1}, "do": {"error": "SlowDown"}}"#,
    );
    let ids = |server: &Server| {
        server.send(Request::cos("PUT", "k").body("body")).is(503, "SlowDown");
        server.send(Request::cos("PUT", "k").body("body")).ok();
        server.send(Request::cos("POST", "k?uploads")).element("UploadId").unwrap()
    };
    let before = ids(&server);
    assert_eq!(control(&server, "POST", "v1/scenarios/default/reset").status, 204);
    assert!(server.journal().is_empty());
    server.send(Request::cos("GET", "k")).is(404, "NoSuchKey");
    assert_eq!(control(&server, "POST", "v1/scenarios/default/reset").status, 204);
    assert_eq!(ids(&server), before);
    server.send(Request::new("HEAD", &format!("/{BUCKET}"))).ok();
}

#[test]
fn what_is_wrong_is_a_problem_document() {
    let server = Server::start();
    for (method, path, status) in [
        ("GET", "unknown", 404),
        ("GET", "v1/scenarios/other", 404),
        ("GET", "v1/scenarios/other/journal", 404),
        ("POST", "livez", 405),
        ("GET", "v1/scenarios/default/reset", 405),
        ("DELETE", "v1/scenarios/default/journal", 405),
        ("GET", "v1/scenarios/default/journal?from=x", 400),
        ("GET", "v1/scenarios/default/journal?operation=GetObject", 400),
    ] {
        let answer = control(&server, method, path);
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("Content-Type"), Some("application/problem+json"));
        let problem = json(&answer);
        assert_eq!(problem["status"], status);
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    }
}

#[test]
fn no_rule_touches_it_and_no_key_collides_with_it() {
    let server = Server::with_rules(r#"{"id": "all", "do": {"reset": {"at": "head"}}}"#);
    control(&server, "GET", "livez").ok();

    let server = Server::start();
    let host = format!("{BUCKET}.cos.ap-guangzhou.myqcloud.com");
    let put = Request::new("PUT", "/_cos-emu/livez").with("Host", &host).body("a key");
    server.send(put).ok();
    assert_eq!(server.send(Request::new("GET", "/_cos-emu/livez").with("Host", &host)).text(), "a key");
    assert_eq!(control(&server, "GET", "livez").text(), "ok\n");
}

#[test]
fn it_can_have_a_port_of_its_own() {
    let server = Server::configured(|config| config.control_listen = Some(([127, 0, 0, 1], 0).into()));
    let own = server.emulator().control_addr();
    assert_ne!(own, server.addr());
    let ask = |target: &str| support::Connection::to(own).send(&Request::new("GET", target));
    assert_eq!(ask("/_cos-emu/livez").text(), "ok\n");
    assert_eq!(ask("/other").status, 404);
    control(&server, "GET", "livez").is(404, "NoSuchKey");
}

#[test]
fn metrics_count_what_happened_and_name_no_bucket_and_no_key() {
    let server = Server::with_rules(
        r#"{"id": "slow", "when": {"op": "PutObject"}, "fire": {"first": 1}, "do": {"error": "SlowDown"}},
           {"id": "never", "when": {"op": "DeleteObject"}, "do": {"error": "SlowDown"}}"#,
    );
    server.send(Request::cos("PUT", "secret-key").body("12345"));
    server.send(Request::cos("PUT", "secret-key").body("12345")).ok();
    server.send(Request::cos("GET", "secret-key")).ok();
    server.send(Request::cos("POST", "secret-key?uploads")).ok();
    server.send(Request::cas("POST", "multipart-uploads").with("x-cas-part-size", 1 << 20)).ok();
    let answer = server.send(Request::new("GET", "/_cos-emu/metrics"));
    assert!(
        answer.header("Content-Type").unwrap().starts_with("application/openmetrics-text; version=1.0.0")
    );
    let text = answer.ok().text();
    for line in [
        r#"cos_emu_requests_total{world="default",service="cos",operation="PutObject",status="503",fault="error"} 1"#,
        r#"cos_emu_requests_total{world="default",service="cos",operation="PutObject",status="200",fault=""} 1"#,
        r#"cos_emu_requests_total{world="default",service="cas",operation="InitiateMultipartUpload",status="201",fault=""} 1"#,
        r#"cos_emu_faults_total{world="default",rule="slow",action="error"} 1"#,
        r#"cos_emu_request_duration_seconds_count{world="default",service="cos"} 4"#,
        r#"cos_emu_unmatched_rules{world="default"} 1"#,
        r#"cos_emu_received_bytes_total{world="default"} 10"#,
        r#"cos_emu_open_uploads{world="default"} 2"#,
        r#"cos_emu_journal_drops_total{world="default"} 0"#,
        "# EOF",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
    for name in ["secret-key", support::BUCKET, "\"vault\""] {
        assert!(!text.contains(name), "{name} is no label");
    }
}

/// Asks for something that takes its time, once for each thread of the server, and for something small meanwhile.
fn hold_nobody_up(server: &Server, request: &Request, status: u16) {
    let mut slow = [server.connect(), server.connect()];
    slow.iter_mut().for_each(|connection| connection.write(request.bytes()));
    // The first answers may come before the threads are taken.
    for _ in 0..10 {
        control(server, "GET", "livez").ok();
    }
    for connection in &mut slow {
        assert!(
            connection.is_silent_for(Duration::from_millis(1)),
            "the slow answer came before a quick one"
        );
    }
    for connection in &mut slow {
        assert_eq!(connection.answer().status, status);
    }
}

#[test]
fn a_verdict_that_hashes_what_is_stored_holds_nobody_up() {
    let scenario = r#"{"version": 1, "name": "large",
        "setup": {"buckets": {"b-1": {"objects": {"k": {"size": "24MiB", "content": "zero"}}}}},
        "expect": {"objects": [{"bucket": "b-1", "key": "k", "sha256": "SHA"}]}}"#;
    let scenario = scenario.replace("SHA", &"0".repeat(64));
    let server = Server::configured(|config| {
        config.scenario = Some(cos_emu::Scenario::parse("large", scenario.as_bytes(), None).unwrap());
    });
    hold_nobody_up(&server, &Request::new("POST", "/_cos-emu/v1/scenarios/default/verdict"), 409);
}

#[test]
fn a_world_whose_archives_are_hashed_holds_nobody_up_when_it_is_made_and_reset() {
    let scenario = r#"{"version": 1, "name": "large",
        "setup": {"vaults": {"v": {"archives": [{"size": "24MiB", "content": "zero"}]}}}}"#;
    let server = Server::start();
    let made = Request::new("POST", "/_cos-emu/v1/scenarios").body(scenario);
    hold_nobody_up(&server, &made, 201);
    let world = json(&server.send(made.clone()))["id"].as_str().unwrap().to_owned();
    hold_nobody_up(&server, &Request::new("POST", &format!("/_cos-emu/v1/scenarios/{world}/reset")), 204);
}
