//! Worlds made at run time: each has its own rules, store, clock and journal, and nothing of one is seen in another.

mod support;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::{Answer, Connection, Request, Server};

fn control(method: &str, path: &str) -> Request {
    Request::new(method, &format!("/_cos-emu/v1/scenarios{path}"))
}

fn document(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

/// Makes a world; `scenario` are the members beside version and name.
#[track_caller]
fn create(server: &Server, name: &str, scenario: Value) -> Value {
    let mut text = json!({ "version": 1, "name": name });
    text.as_object_mut().unwrap().extend(scenario.as_object().unwrap().clone());
    let answer = server.send(control("POST", "").body(text.to_string()));
    assert_eq!(answer.status, 201, "{}", answer.text());
    document(&answer)
}

fn id(world: &Value) -> &str {
    world["id"].as_str().unwrap()
}

/// A setup with the bucket of these tests, and a rule that refuses every PUT with a code.
fn refusing(code: &str) -> Value {
    json!({
        "setup": { "buckets": { "demo-1250000000": {} } },
        "rules": [{ "id": "r", "when": { "op": "PutObject" }, "do": { "error": code } }],
    })
}

fn with_claim(claim: Value, code: &str) -> Value {
    let mut scenario = refusing(code);
    scenario["claim"] = claim;
    scenario
}

fn put() -> Request {
    Request::cos("PUT", "k").body("body")
}

#[test]
fn a_world_is_reached_by_port_header_key_or_bucket_and_the_default_one_by_none() {
    let server = Server::start();
    let by_header = create(&server, "header", refusing("SlowDown"));
    let by_port = create(&server, "port", with_claim(json!({ "port": 0 }), "InternalError"));
    let by_key = create(&server, "key", with_claim(json!({ "client": "AKIDmine" }), "AccessDenied"));
    let by_bucket = json!({
        "claim": { "bucket": "mine-*" },
        "setup": { "buckets": { "mine-1250000000": {} } },
        "rules": [{ "id": "r", "do": { "error": "PathConflict" } }],
    });
    create(&server, "bucket", by_bucket);

    let header = &by_header["header"];
    assert_eq!(
        (header["name"].as_str(), header["value"].as_str()),
        (Some("x-emu-scenario"), by_header["id"].as_str())
    );
    server.send(put().with("x-emu-scenario", id(&by_header))).is(503, "SlowDown");
    let addr = by_port["endpoint"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
    Connection::to(addr).send(&put()).is(500, "InternalError");
    let signature = "q-sign-algorithm=sha1&q-ak=AKIDmine&q-sign-time=1;4000000000&q-key-time=1;4000000000&q-header-list=&q-url-param-list=&q-signature=x";
    server.send(put().with("Authorization", signature)).is(403, "AccessDenied");
    let fresh = |world: &Value| {
        let part = |name: &str| world["client"][name].as_str().unwrap().to_owned();
        put().signed(&part("id"), &part("key"), [1, 4_000_000_000])
    };
    server.send(fresh(&by_header)).is(503, "SlowDown");
    assert!(by_key["client"].is_null(), "it claims a key of its own");
    server.send(Request::new("PUT", "/mine-1250000000/k").body("body")).is(409, "PathConflict");
    server.send(put()).ok();

    assert_eq!(server.journal().len(), 1, "the default world has seen its own request alone");
    let journal = document(&server.send(control("GET", &format!("/{}/journal", id(&by_header)))));
    let worlds: Vec<_> =
        journal["exchanges"].as_array().unwrap().iter().map(|entry| &entry["world"]).collect();
    assert_eq!(worlds, [&by_header["id"], &by_header["id"]]);
}

#[test]
fn an_unknown_world_is_421_and_stands_in_the_default_journal() {
    let server = Server::start();
    assert_eq!(server.send(put().with("x-emu-scenario", "gone")).status, 421);
    let exchange = server.exchange();
    assert_eq!(exchange.answer.unwrap().status, 421);
    assert_eq!(exchange.notes, ["there is no scenario \"gone\""]);
    assert_eq!(server.send(Request::cos("HEAD", "k")).status, 404, "nothing fell through");
}

#[test]
fn a_reset_puts_one_world_back_and_leaves_the_others() {
    let server = Server::start();
    let rule = json!({ "rules": [{ "id": "once", "when": { "op": "PutObject" }, "fire": { "first": 1 }, "do": { "error": "SlowDown" } }],
                       "setup": { "buckets": { "demo-1250000000": {} } } });
    let worlds = [create(&server, "one", rule.clone()), create(&server, "two", rule)];
    let put_in = |world: &Value| server.send(put().with("x-emu-scenario", id(world))).status;
    for world in &worlds {
        assert_eq!((put_in(world), put_in(world)), (503, 200));
    }
    assert_eq!(server.send(control("POST", &format!("/{}/reset", id(&worlds[0])))).status, 204);
    let head = Request::cos("HEAD", "k").with("x-emu-scenario", id(&worlds[0]));
    assert_eq!(server.send(head).status, 404, "the store is that of the start");
    assert_eq!((put_in(&worlds[0]), put_in(&worlds[0])), (503, 200), "and so are the counters");
    assert_eq!(put_in(&worlds[1]), 200);
}

#[test]
fn a_deleted_world_answers_with_its_verdict_and_is_gone() {
    let server = Server::start();
    let world = create(&server, "w", with_claim(json!({ "port": 0 }), "SlowDown"));
    let addr = world["endpoint"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
    let mut open = Connection::to(addr);
    open.send(&put()).is(503, "SlowDown");
    let path = format!("/{}", id(&world));
    let ended = server.send(control("DELETE", &path));
    assert_eq!((ended.status, &document(&ended)["holds"]), (200, &true.into()));
    open.rest();
    assert!(std::net::TcpStream::connect(addr).is_err(), "its port is closed");
    assert_eq!(server.send(control("GET", &path)).status, 404);
    assert_eq!(server.send(control("DELETE", "/default")).status, 409);
}

#[test]
fn a_scenario_with_errors_makes_no_world_and_each_error_has_its_place() {
    let server = Server::start();
    let answer = server.send(control("POST", "").body("{\n  \"version\": 1,\n  \"nam\": \"n\"\n}"));
    assert_eq!((answer.status, answer.header("Content-Type")), (422, Some("application/problem+json")));
    let errors = &document(&answer)["errors"];
    assert_eq!(
        (&errors[0]["code"], &errors[0]["line"], &errors[0]["column"]),
        (&"E203".into(), &3.into(), &3.into())
    );
    assert_eq!(errors[0]["hint"], "did you mean \"name\"?");
    assert_eq!(document(&server.send(control("GET", ""))).as_array().unwrap().len(), 1);
}

#[test]
fn the_verdict_comes_as_json_junit_or_a_page() {
    let server = Server::start();
    let world = create(&server, "v", refusing("SlowDown"));
    let path = format!("/{}/verdict", id(&world));
    let verdict = |accept: &str| server.send(control("POST", &path).with("Accept", accept));
    let failed = verdict("*/*");
    assert_eq!(failed.status, 409);
    let failed = document(&failed);
    assert_eq!((&failed["holds"], &failed["cases"][0]["name"]), (&false.into(), &"rules/r".into()));
    server.send(put().with("x-emu-scenario", id(&world))).is(503, "SlowDown");
    assert_eq!(verdict("application/json").status, 200);
    let junit = verdict("application/xml");
    assert!(junit.text().contains("<testcase name=\"rules/r\""), "{}", junit.text());
    let page = verdict("text/html");
    assert!(page.text().contains("The client coped."), "{}", page.text());
}

#[test]
fn the_clock_is_read_frozen_advanced_and_set_going() {
    let server = Server::start();
    let slow = json!({ "setup": { "vaults": { "vault": {} } }, "server": { "jobs": { "complete": { "after": "4h" } } } });
    let world = create(&server, "clock", slow);
    let path = format!("/{}/clock", id(&world));
    let set =
        |body: Value| document(&server.send(control("PUT", &path).body(body.to_string())))["now"].clone();
    assert_eq!(set(json!({ "freeze": "2024-05-01T00:00:00Z" })), "2024-05-01T00:00:00.000Z");
    let in_world = |method: &str, rest: &str| Request::cas(method, rest).with("x-emu-scenario", id(&world));
    let started = server.send(in_world("POST", "jobs").body(r#"{"Type": "inventory-retrieval"}"#));
    let job = started.header("x-cas-job-id").unwrap().to_owned();
    let status = || document(&server.send(in_world("GET", &format!("jobs/{job}"))))["StatusCode"].clone();
    assert_eq!(status(), "InProgress");
    assert_eq!(set(json!({ "advance": "4h" })), "2024-05-01T04:00:00.000Z");
    assert_eq!(status(), "Succeeded", "it follows at once");
    assert!(set(json!({ "run": true })).as_str().unwrap().starts_with("2024-05-01T04:00:"));
    assert!(document(&server.send(control("GET", &path)))["run"] == true);
    let wrong = server.send(control("PUT", &path).body(r#"{"advance": "4"}"#));
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("advance"), "{}", wrong.text());
    let unknown = server.send(control("PUT", &path).body(r#"{"rn": true}"#));
    assert!(unknown.text().contains("there is no \\\"rn\\\""), "{}", unknown.text());
}

#[test]
fn the_journal_is_filtered_waited_for_exported_and_explained() {
    let server = Server::with_rules(
        r#"{"id": "r", "when": {"op": "PutObject"}, "fire": {"first": 1}, "do": {"error": "SlowDown"}}"#,
    );
    server.send(put()).is(503, "SlowDown");
    server.send(put()).ok();
    server.send(Request::cos("GET", "k")).ok();
    let numbers = |query: &str| -> Vec<u64> {
        let page = document(&server.send(control("GET", &format!("/default/journal?{query}"))));
        page["exchanges"].as_array().unwrap().iter().map(|entry| entry["n"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers("op=PutObject"), [1, 2]);
    assert_eq!(numbers("status=200&key=k"), [2, 3]);
    assert_eq!(numbers("outcome=fired&rule=r"), [1]);
    assert_eq!(numbers("outcome=not-due"), [2]);
    assert_eq!(numbers("wait=3&timeout=5s"), [1, 2, 3], "they are there");
    let waited = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| numbers("wait=4&timeout=20s"));
        std::thread::sleep(std::time::Duration::from_millis(100));
        server.send(Request::cos("HEAD", "k")).ok();
        waiting.join().unwrap()
    });
    assert_eq!(waited, [1, 2, 3, 4]);
    assert_eq!(numbers("wait=9&timeout=50ms"), [1, 2, 3, 4], "the time is over");
    assert_eq!(server.send(control("GET", "/default/journal?nothing=1")).status, 400);

    let lines = server.send(control("GET", "/default/journal.jsonl"));
    let operations: Vec<Value> =
        lines.text().lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["op"].clone()).collect();
    assert_eq!(operations, ["PutObject", "PutObject", "GetObject", "HeadObject"]);
    let explained = |n: u64| server.send(control("GET", &format!("/default/journal/{n}/explain"))).text();
    assert!(explained(1).contains("rule \"r\" fired, on its match 1"), "{}", explained(1));
    assert!(
        explained(2).contains("rule \"r\" matched, but is not due on its match 2, nor on a later one"),
        "{}",
        explained(2)
    );
    assert!(explained(3).contains("no rule matched"), "{}", explained(3));
    assert_eq!(server.send(control("GET", "/default/journal/99/explain")).status, 404);

    let exported = std::env::temp_dir().join(format!("cos-emu-journal-{}.jsonl", std::process::id()));
    std::fs::write(&exported, &lines.body).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cos-emu"));
    let output = command.args(["explain", "--journal", exported.to_str().unwrap()]).output().unwrap();
    std::fs::remove_file(&exported).unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let served: Vec<String> = (1..=4).map(explained).collect();
    assert_eq!(printed, served.concat(), "the same words");
}

#[test]
fn the_journal_is_exported_as_har_of_version_1_2() {
    let server = Server::with_rules(
        r#"{"id": "r", "when": {"op": "DeleteObject"}, "do": {"reset": {"at": "reply"}}}"#,
    );
    server.send(put()).ok();
    server.send(Request::cos("GET", "k?response-content-type=a%2Fb")).ok();
    server.is_lost(&Request::cos("DELETE", "k"));
    let exported = server.send(control("GET", "/default/journal.har"));
    let entries = document(&exported)["log"]["entries"].as_array().unwrap().clone();
    let status = |number: usize| entries[number]["response"]["status"].clone();
    assert_eq!([status(0), status(1), status(2)], [200, 200, 0]);
    assert_eq!(entries[1]["request"]["queryString"][0]["value"], "a/b");
    let validator = support::clients::node("har-schema", "tests/clients/valid_har.js");
    let Some(mut validator) = support::clients::or_skip(validator, "har-schema") else { return };
    let file = std::env::temp_dir().join(format!("cos-emu-{}.har", std::process::id()));
    std::fs::write(&file, &exported.body).unwrap();
    let output = validator.arg(&file).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_journal_says_when_a_rule_is_due_and_why_the_nearest_one_did_not_match() {
    let server = Server::with_rules(
        r#"{"id": "later", "when": {"op": "PutObject"}, "fire": {"nth": [3, 5]}, "do": {"error": "SlowDown"}},
           {"id": "other-key", "when": {"op": "PutObject", "key": "other"}, "do": {"error": "SlowDown"}},
           {"id": "big", "when": {"op": "PutObject", "size": {"min": 100}}, "do": {"error": "SlowDown"}}"#,
    );
    server.send(put()).ok();
    let rules = serde_json::to_value(&server.exchange().rules).unwrap();
    assert_eq!(
        rules,
        json!([
            { "id": "later", "outcome": "not-due", "scope": "", "match": 1, "next": 3 },
            { "id": "big", "outcome": "no-match", "scope": "", "differs": "size" },
        ])
    );
    let explained = server.send(control("GET", "/default/journal/1/explain")).text();
    assert!(explained.contains("it will be on match 3"), "{explained}");
    assert!(
        explained.contains("\"big\" is the nearest that did not match: its \"size\" differs"),
        "{explained}"
    );
}

#[test]
fn pages_of_the_web_and_those_without_the_token_are_refused() {
    let server = Server::configured(|config| {
        config.control_token = Some("secret".to_owned());
        config.control_hosts = vec!["emu.example.com".to_owned()];
    });
    let status = |request: Request| server.send(request).status;
    let list = || control("GET", "");
    let known = || list().with("Authorization", "Bearer secret");
    assert_eq!(status(list()), 401);
    assert_eq!(status(list().with("Authorization", "Bearer secreT")), 401);
    assert_eq!(status(known()), 200);
    assert_eq!(status(Request::new("GET", "/_cos-emu/livez")), 200);
    assert_eq!(status(known().with("Host", "cos-emu:3077")), 200, "a name of a local network");
    assert_eq!(status(known().with("Host", "emu.example.com")), 200);
    assert_eq!(status(known().with("Host", "rebound.example.com")), 403);
    assert_eq!(status(known().with("Origin", "https://evil.example.com")), 403);
    assert_eq!(status(known().with("Origin", "http://127.0.0.1")), 200, "a page of its own");
}

#[test]
fn a_thousand_worlds_come_and_go() {
    let server = Server::start();
    for _ in 0..1000 {
        let world = create(&server, "w", json!({ "setup": { "buckets": { "demo-1250000000": {} } } }));
        server.send(put().with("x-emu-scenario", id(&world))).ok();
        assert_eq!(server.send(control("DELETE", &format!("/{}", id(&world)))).status, 200);
    }
    assert_eq!(document(&server.send(control("GET", ""))).as_array().unwrap().len(), 1);
    assert!(server.journal().is_empty());
}

/// Worlds side by side, each claimed in another way, under faults of their own: each sees what it would see alone.
#[test]
fn nothing_leaks_from_one_world_to_another() {
    let server = Server::start();
    let seconds = if std::env::var("COS_EMU_LONG_TESTS").is_ok_and(|value| value == "1") { 60 } else { 2 };
    let end = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
    std::thread::scope(|scope| {
        for number in 0..64 {
            let server = &server;
            scope.spawn(move || {
                let bucket = format!("own{number}-1250000000");
                let claim = match number % 4 {
                    0 => json!({ "port": 0 }),
                    1 => json!({ "client": format!("AKID-of-{number}") }),
                    2 => json!({ "bucket": bucket }),
                    _ => json!({}),
                };
                let world = create(
                    server,
                    &format!("world {number}"),
                    json!({
                        "claim": claim,
                        "seed": number,
                        "setup": { "buckets": { bucket.clone(): {} } },
                        "rules": [
                            { "id": "every", "when": { "op": "PutObject" }, "fire": { "every": number % 7 + 2 }, "do": { "error": "SlowDown" } },
                            { "id": "cut", "when": { "op": "GetObject" }, "fire": { "probability": 0.2 }, "do": { "truncate": { "keep": 3, "end": "clean" } } },
                        ],
                    }),
                );
                let addr = match number % 4 {
                    0 => world["endpoint"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap(),
                    _ => server.addr(),
                };
                let signature = format!("q-sign-algorithm=sha1&q-ak=AKID-of-{number}&q-sign-time=1;4000000000&q-key-time=1;4000000000&q-header-list=&q-url-param-list=&q-signature=x");
                let claimed = |request: Request| match number % 4 {
                    1 => request.with("Authorization", &signature),
                    3 => request.with("x-emu-scenario", id(&world)),
                    _ => request,
                };
                let (mut puts, mut sent) = (0, 0_u64);
                let mut stored: BTreeMap<String, String> = BTreeMap::new();
                let mut connection = Connection::to(addr);
                while std::time::Instant::now() < end {
                    // The same keys in every world.
                    let (key, body) = (format!("key-{}", puts % 5), format!("{number}: body {puts}"));
                    puts += 1;
                    let target = format!("/{bucket}/{key}");
                    let put = connection.send(&claimed(Request::new("PUT", &target).body(&body)));
                    if puts % (number % 7 + 2) == 0 {
                        put.is(503, "SlowDown");
                    } else {
                        put.ok();
                        stored.insert(key.clone(), body);
                    }
                    let got = connection.send(&claimed(Request::new("GET", &target)));
                    sent += 2;
                    match stored.get(&key) {
                        None => assert_eq!(got.status, 404),
                        Some(body) => assert!(
                            body.starts_with(&got.text()) && (got.body.len() == body.len() || got.body.len() == 3),
                            "{number} reads {}",
                            got.text()
                        ),
                    }
                }
                let counters = document(&server.send(control("GET", &format!("/{}", id(&world)))));
                let every = &counters["rules"][0];
                assert_eq!((&every["matches"], &every["firings"]), (&puts.into(), &(puts / (number % 7 + 2)).into()));
                let journal = document(&server.send(control("GET", &format!("/{}/journal?limit=1&from=999999999", id(&world)))));
                assert_eq!(journal["next"].as_u64(), Some(sent + 1), "{number}");
            });
        }
    });
    assert!(server.journal().is_empty(), "the default world has seen nothing");
}

/// Every path and method of the description is called, and the answer has the shape that it says.
#[test]
fn the_server_answers_as_its_description_says() {
    let server = Server::start();
    let description = document(&server.send(Request::new("GET", "/_cos-emu/v1/openapi.json")));
    assert_eq!(description["openapi"], "3.1.0");
    let world = create(&server, "described", refusing("SlowDown"));
    server.send(put().with("x-emu-scenario", id(&world))).is(503, "SlowDown");
    let mut called = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let target = path.replace("{id}", id(&world)).replace("{n}", "1");
            let body = match (method.as_str(), path.rsplit('/').next().unwrap()) {
                ("post", "scenarios") => r#"{"version": 1, "name": "n"}"#,
                ("put", "clock") => r#"{"advance": "1s"}"#,
                // It ends what the others need, so it is called at the end.
                ("delete", _) => continue,
                _ => "",
            };
            let answer = server.send(Request::new(&method.to_uppercase(), &target).body(body));
            let responses = operation["responses"].as_object().unwrap();
            let response = responses.get(&answer.status.to_string());
            let response = response.unwrap_or_else(|| panic!("{method} {target}: {}", answer.head));
            called += 1;
            let Some(content) = response["content"].as_object() else { continue };
            let kind = answer.header("Content-Type").unwrap().split(';').next().unwrap().to_owned();
            let schema = &content.get(&kind).unwrap_or_else(|| panic!("{target}: {kind}"))["schema"];
            if kind == "application/json" {
                let mut schema = schema.clone();
                schema["components"] = description["components"].clone();
                let schema = jsonschema::draft202012::new(&schema).unwrap();
                let document = document(&answer);
                let problem = schema.validate(&document).err();
                assert!(problem.is_none(), "{method} {target}: {}", problem.unwrap());
            }
        }
    }
    assert_eq!(called, 16);
    assert_eq!(server.send(control("DELETE", &format!("/{}", id(&world)))).status, 200);
}

/// Reads a stream of events up to a text.
fn until(connection: &mut Connection, text: &str) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        let mut buffer = [0; 4096];
        let count = std::io::Read::read(&mut connection.stream, &mut buffer).unwrap();
        assert!(count > 0, "the stream ended: {read}");
        read.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    read
}

#[test]
fn the_journal_is_followed_by_events_and_gone_on_with_behind_the_last() {
    let server = Server::start();
    server.send(put()).ok();
    let follow = |query: &str| control("GET", &format!("/default/journal?follow=1{query}"));
    let mut new = server.connect();
    new.write(follow("").bytes());
    let head = until(&mut new, "\r\n\r\n");
    assert!(
        head.contains("content-type: text/event-stream") || head.contains("Content-Type: text/event-stream"),
        "{head}"
    );
    server.send(Request::cos("HEAD", "k")).ok();
    let event = until(&mut new, "\"HeadObject\"");
    assert!(event.contains("id: 2\nevent: exchange\ndata: {\"n\":2,"), "{event}");

    let mut all = server.connect();
    all.write(follow("&from=0").bytes());
    let events = until(&mut all, "id: 2\n");
    assert!(events.contains("id: 1\n"), "{events}");
    let mut resumed = server.connect();
    resumed.write(follow("&from=0").with("Last-Event-ID", 1).bytes());
    let events = until(&mut resumed, "id: 2\n");
    assert!(!events.contains("id: 1\n"), "{events}");
}

#[test]
fn a_follower_is_told_what_it_missed_and_one_that_stops_reading_disturbs_nobody() {
    let server = Server::configured(|config| config.journal_capacity = 10);
    let mut lazy = server.connect();
    lazy.write(control("GET", "/default/journal?follow=1&from=0").bytes());
    let mut connection = server.connect();
    for _ in 0..5000 {
        connection.send(&put()).ok();
    }
    let mut late = server.connect();
    late.write(control("GET", "/default/journal?follow=1&from=1").bytes());
    let events = until(&mut late, "id: 5000\n");
    assert!(events.contains("event: gap\ndata: {\"dropped\":4990}\n"), "{events}");
    let events = until(&mut lazy, "id: 5000\n");
    assert!(events.contains("event: gap\n"), "it fell behind what the journal keeps");
}

#[test]
fn a_follower_and_one_who_waits_go_on_behind_a_reset_and_end_with_the_world() {
    let server = Server::start();
    let world = create(&server, "w", refusing("SlowDown"));
    let path = |rest: &str| format!("/{}{rest}", id(&world));
    let send = || server.send(put().with("x-emu-scenario", id(&world))).is(503, "SlowDown").status;
    send();
    let mut follower = server.connect();
    follower.write(control("GET", &path("/journal?follow=1&from=0")).bytes());
    until(&mut follower, "id: 1\n");
    let waited = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let page = server.send(control("GET", &path("/journal?wait=2&timeout=20s")));
            document(&page)["exchanges"].as_array().unwrap().len()
        });
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert_eq!(server.send(control("POST", &path("/reset"))).status, 204);
        send();
        send();
        waiting.join().unwrap()
    });
    assert_eq!(waited, 2);
    let events = until(&mut follower, "id: 2\n");
    let (_, behind) = events.split_once("event: reset\ndata: {}\n\n").unwrap();
    assert!(behind.contains("id: 1\n"), "numbers begin again: {behind}");
    server.send(control("DELETE", &path(""))).ok();
    assert_eq!(follower.exactly(5), b"0\r\n\r\n", "the stream has come to its end");
}

#[test]
fn deleting_a_world_ends_its_exchanges_and_leaves_the_connections_that_others_may_use() {
    let server = Server::start();
    let stall = json!({ "rules": [{ "id": "r", "when": { "op": "GetObject" }, "do": { "stall": { "at": "reply" } } }],
                        "setup": { "buckets": { "demo-1250000000": {} } } });
    let [gone, other] = ["gone", "other"].map(|name| create(&server, name, stall.clone()));
    let get = |world: &Value| Request::cos("GET", "k").with("x-emu-scenario", id(world));
    let head = |world: &Value| Request::cos("HEAD", "k").with("x-emu-scenario", id(world));
    let (mut stalled, mut others, mut idle) = (server.connect(), server.connect(), server.connect());
    stalled.write(get(&gone).bytes());
    others.write(get(&other).bytes());
    assert_eq!(idle.send(&head(&gone)).status, 404);
    for (world, count) in [(&gone, 2), (&other, 1)] {
        let path = format!("/{}/journal?wait={count}&timeout=20s", id(world));
        server.send(control("GET", &path)).ok();
    }
    server.send(control("DELETE", &format!("/{}", id(&gone)))).ok();
    assert!(stalled.rest().0.is_empty(), "it is over, without an answer");
    assert!(others.is_silent_for(std::time::Duration::from_millis(700)), "it stalls on");
    assert_eq!(idle.send(&head(&other)).status, 404, "it belongs to nobody");
    assert_eq!(idle.send(&head(&gone)).status, 421);
}

#[test]
fn without_a_journal_a_verdict_says_what_it_did_not_look_at() {
    let server = Server::configured(|config| config.journal_capacity = 0);
    server.send(put()).ok();
    let page = document(&server.send(control("GET", "/default/journal")));
    assert_eq!(page, json!({ "exchanges": [], "dropped": 1, "next": 2 }));
    let verdict = server.emulator().verdict();
    let case = verdict.cases.iter().find(|case| case.name == "V02").unwrap();
    assert_eq!(case.outcome, cos_emu::Outcome::Skipped);
    assert_eq!(case.reasons, ["1 exchanges were dropped from the journal and not looked at"]);
}
