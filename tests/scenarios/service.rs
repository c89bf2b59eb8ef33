//! "Service behaviour": limits, outages, clocks, credentials, lagging reads, redirects, and what archives do.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cos_emu::Timestamp;

use crate::support::{Answer, BUCKET, PATIENCE, Request, Server, pattern, sha256};
use crate::{abort_in_vault, chunk, complete, etag, initiate, part, vault_upload};

/// Repeats a request, with growing pauses, until its answer is another than this.
fn until_not(server: &Server, request: &Request, status: u16) -> Answer {
    let mut pause = Duration::from_millis(200);
    loop {
        let answer = server.send(request.clone());
        if answer.status != status {
            return answer;
        }
        assert!(pause < PATIENCE, "always {status}");
        std::thread::sleep(pause);
        pause = pause.mul_f64(1.5);
    }
}

#[test]
fn slow_down() {
    let server = Server::shipped("slow-down");
    let put = |number: usize| Request::cos("PUT", &format!("k{number}")).body("body");
    // Ten at once, and what is earned while they are sent.
    let answers: Vec<Answer> = (0..40).map(|number| server.send(put(number))).collect();
    let (served, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(served.len() >= 10 && refused.len() >= 10, "{} of 40 were served", served.len());
    for answer in refused {
        answer.is(503, "SlowDown");
        assert_eq!(answer.header("Retry-After"), Some("1"));
    }
    std::thread::sleep(Duration::from_secs(1));
    server.send(put(39)).ok();
    server.coped();
}

#[test]
fn outage_five_seconds() {
    let server = Server::shipped("outage-five-seconds");
    let put = Request::cos("PUT", "k").body("body");
    for _ in 0..20 {
        server.send(put.clone()).ok();
    }
    let start = Instant::now();
    until_not(&server, &put, 503).ok();
    assert!(start.elapsed() >= Duration::from_secs(4), "{:?}", start.elapsed());
    for _ in 0..30 {
        server.send(put.clone()).ok();
    }
    server.coped();
}

#[test]
fn clock_skew() {
    let server = Server::shipped("clock-skew");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let put = Request::cos("PUT", "k").body("body");
    let signed = |from: i64| put.clone().signed("AKIDcosemu", "cosemu", [from, from + 600]);
    let refused = server.send(signed(now));
    refused.is(403, "RequestTimeTooSkewed");
    let theirs = Timestamp::parse_http_date(refused.header("Date").unwrap()).unwrap();
    let ours = Timestamp::from_unix_seconds(now);
    let behind = ours.since(theirs).as_secs();
    assert!((1190..=1200).contains(&behind), "{behind} seconds");
    server.send(signed(now - behind as i64)).ok();
    server.coped();
}

#[test]
fn expired_token() {
    let server = Server::shipped("expired-token");
    let mut number = 0;
    let mut get = |id: &str, key: &str, token: &str| {
        number += 1;
        let request = Request::cos("GET", &format!("k{number}")).with("x-cos-security-token", token);
        server.send(request.signed(id, key, [1_000_000_000, 4_000_000_000]))
    };
    for _ in 0..6 {
        get("AKIDtemporary", "temporary", "first-token").is(404, "NoSuchKey");
    }
    get("AKIDtemporary", "temporary", "first-token").is(400, "ExpiredToken");
    get("AKIDtemporary", "temporary", "first-token").is(400, "ExpiredToken");
    for _ in 0..10 {
        get("AKIDrenewed", "renewed", "second-token").is(404, "NoSuchKey");
    }
    server.coped();
}

#[test]
fn missing_request_id() {
    let server = Server::shipped("missing-request-id");
    let put = Request::cos("PUT", "k").body("body");
    for _ in 0..3 {
        let refused = server.send(put.clone());
        refused.is(503, "ServiceUnavailable");
        assert_eq!(refused.header("x-cos-request-id"), None);
    }
    assert!(server.send(put).ok().header("x-cos-request-id").is_some());
    server.send(Request::cos("GET", "k")).ok();
    server.coped();
}

#[test]
fn the_second_domain_answers_where_the_first_one_does_not() {
    let server = Server::shipped("missing-request-id");
    let put = |domain: &str| {
        let host = format!("demo-1250000000.cos.ap-guangzhou.{domain}");
        server.send(Request::new("PUT", "/moved").with("Host", host).body("body"))
    };
    put("myqcloud.com").is(503, "ServiceUnavailable");
    put("tencentcos.cn").ok();
    server.coped();
}

#[test]
fn no_etag() {
    let server = Server::shipped("no-etag");
    let upload = initiate(&server);
    let body = pattern(1 << 20);
    let none = part(&server, &upload, 1, &body);
    assert_eq!(none.ok().header("ETag"), None);
    let first = etag(&part(&server, &upload, 1, &body));
    let second = part(&server, &upload, 2, &body);
    assert!(second.head.contains(&format!("\r\nEtag: {first}\r\n")), "{}", second.head);
    let third = part(&server, &upload, 3, &body);
    assert!(third.head.contains(&format!("\r\netag: {first}\r\n")), "{}", third.head);
    complete(&server, &upload, &[&first, &first, &first]).ok();
    server.coped();
}

#[test]
fn read_after_write_lag() {
    let server = Server::shipped("read-after-write-lag");
    server.send(Request::cos("PUT", "k").body("body")).ok();
    let list = || server.send(Request::cos("GET", "")).elements("Key");
    assert!(list().is_empty());
    assert_eq!(server.send(Request::cos("HEAD", "k")).status, 404);
    server.send(Request::cos("GET", "k")).is(404, "NoSuchKey");
    assert_eq!(server.send(Request::cos("GET", "k")).ok().body, b"body");
    let patience = Instant::now() + PATIENCE;
    while list().is_empty() {
        assert!(Instant::now() < patience, "never listed");
        std::thread::sleep(Duration::from_millis(100));
    }
    server.coped();
}

#[test]
fn list_page_loop() {
    let server = Server::shipped("list-page-loop");
    let list = |query: &str| server.send(Request::cos("GET", query));
    for query in ["", "?marker=", "?prefix=&marker="] {
        let page = list(query);
        assert_eq!(page.element("IsTruncated").as_deref(), Some("true"));
        assert_eq!((page.elements("Key"), page.element("NextMarker")), (vec!["a.txt".to_owned()], None));
    }
    let rest = list("?marker=a.txt");
    assert_eq!(rest.elements("Key"), ["b.txt", "c.txt"]);
    assert_eq!(rest.element("IsTruncated").as_deref(), Some("false"));
    server.coped();
}

#[test]
fn wrong_region() {
    let server = Server::shipped("wrong-region");
    let upload = initiate(&server);
    let first = etag(&part(&server, &upload, 1, &pattern(1 << 20)));
    let target = format!("/k?partNumber=2&uploadId={upload}");
    let send = |region: &str| {
        let host = format!("{BUCKET}.cos.{region}.myqcloud.com");
        server.send(Request::new("PUT", &target).with("Host", host).body("two"))
    };
    let redirected = send("ap-guangzhou");
    redirected.is(307, "TemporaryRedirect");
    let elsewhere = format!("http://{BUCKET}.cos.ap-shanghai.myqcloud.com{target}");
    assert_eq!(redirected.header("Location"), Some(elsewhere.as_str()));
    let second = etag(&send("ap-shanghai"));
    complete(&server, &upload, &[&first, &second]).ok();
    server.coped();
}

#[test]
fn sdk_retry_fixture() {
    let server = Server::shipped("sdk-retry-fixture");
    let put = |host: &str, key: &str| {
        let host = format!("cos-sdk-err-retry-1250000000.cos.ap-guangzhou.{host}");
        Request::new("PUT", &format!("/{key}")).with("Host", host).body("body")
    };
    let first = |key: &str| put("myqcloud.com", key);
    for status in [200, 204, 206, 301, 302, 307, 400, 403, 404, 500, 503, 504] {
        for (suffix, has_id) in [("", false), ("r", true)] {
            let request = first(&format!("{status}{suffix}"));
            let attempts: Vec<Answer> = (0..2).map(|_| server.send(request.clone())).collect();
            assert_eq!(attempts[0].status, status);
            assert_eq!(attempts[0].header("x-cos-request-id").is_some(), has_id, "{}", attempts[0].head);
            assert_eq!(attempts[1].status, if status >= 500 { 200 } else { status }, "the retry");
        }
    }
    for key in ["301", "302", "307"] {
        server.send(put("tencentcos.cn", key)).ok();
        assert_eq!(server.send(put("tencentcos.cn", &format!("{key}r"))).head[9..12], *key);
    }
    for _ in 0..5 {
        assert_eq!(server.send(first("500l")).status, 500);
    }
    let mut silent = server.connect();
    silent.write(first("timeout").bytes());
    assert!(silent.is_silent_for(Duration::from_millis(150)));
    server.send(first("timeout")).ok();
    server.is_lost(&first("shutdown"));
    server.send(first("shutdown")).ok();
    server.send(first("any")).ok();
}

#[test]
fn cas_slow_vault() {
    let server = Server::shipped("cas-slow-vault");
    let in_vault = |method: &str, rest: &str| Request::new(method, &format!("/-/vaults/slow/{rest}"));
    let job = |body: &str| {
        let answer = server.send(in_vault("POST", "jobs").body(body));
        answer.header("x-cas-job-id").unwrap().to_owned()
    };
    let status = |id: &str| {
        let answer = server.send(in_vault("GET", &format!("jobs/{id}")));
        let document: serde_json::Value = serde_json::from_slice(&answer.ok().body).unwrap();
        document["StatusCode"].as_str().unwrap().to_owned()
    };
    let output = |id: &str| server.send(in_vault("GET", &format!("jobs/{id}/output")));
    let inventory = job(r#"{"Type": "inventory-retrieval"}"#);
    output(&inventory).is(400, "InvalidParameterValueException");
    assert_eq!([status(&inventory), status(&inventory)], ["InProgress", "InProgress"]);
    output(&inventory).is(400, "InvalidParameterValueException");
    assert_eq!(status(&inventory), "Succeeded");
    let document: serde_json::Value = serde_json::from_slice(&output(&inventory).ok().body).unwrap();
    assert_eq!(document["ArchiveList"][0]["Size"], 3 << 20);
    server.coped();
}

#[test]
fn cas_tree_hash_broken() {
    let server = Server::shipped("cas-tree-hash-broken");
    let upload = vault_upload(&server);
    let hash = |answer: &Answer| answer.header("x-cas-sha256-tree-hash").unwrap().to_owned();
    let body = pattern(1 << 20);
    assert_ne!(hash(&chunk(&server, &upload, 0, &body)), sha256(&body));
    assert_eq!(hash(&chunk(&server, &upload, 0, &body)), sha256(&body));
    abort_in_vault(&server, &upload);

    let archive = Request::cas("POST", "archives")
        .with("x-cas-content-sha256", sha256(&body))
        .with("x-cas-sha256-tree-hash", sha256(&body))
        .body(&body);
    let archive = server.send(archive).header("x-cas-archive-id").unwrap().to_owned();
    let job = format!(r#"{{"Type": "archive-retrieval", "ArchiveId": "{archive}"}}"#);
    let job = server.send(Request::cas("POST", "jobs").body(job)).header("x-cas-job-id").unwrap().to_owned();
    let output = || server.send(Request::cas("GET", &format!("jobs/{job}/output")));
    let (first, second) = (output(), output());
    assert!(first.ok().body == body && second.ok().body == body, "the bytes are right both times");
    assert_ne!(hash(&first), sha256(&body));
    assert_eq!(hash(&second), sha256(&body));
    server.coped();
}

#[test]
fn cas_upload_expired() {
    let server = Server::shipped("cas-upload-expired");
    let upload = vault_upload(&server);
    assert_eq!(chunk(&server, &upload, 0, b"0").status, 204);
    assert_eq!(chunk(&server, &upload, 1, b"1").status, 204);
    chunk(&server, &upload, 2, b"2").is(404, "ResourceNotFoundException");
    let upload = vault_upload(&server);
    for index in 0..3 {
        assert_eq!(chunk(&server, &upload, index, b"0").status, 204);
    }
    abort_in_vault(&server, &upload);
    server.coped();
}

#[test]
fn cas_throttled() {
    let server = Server::shipped("cas-throttled");
    let statuses = (0..12).map(|_| server.send(Request::cas("GET", "")).status);
    assert_eq!(statuses.collect::<Vec<_>>(), [200, 200, 200, 400].repeat(3));
    let throttled = server.send(Request::cos("GET", "k"));
    throttled.is(404, "NoSuchKey");
    server.coped();
}
