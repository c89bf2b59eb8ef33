//! For each shipped scenario a client that does what its note calls wrong: the verdict fails, by the check that is there for
//! it. A correct client passes the same verdict in the tests beside this file.
//!
//! Where a check says `rules/...`, a client that gives up does not get as far as the rule.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{Request, Server, md5, pattern, sha256};
use crate::{abort_in_vault, chunk, complete, completion, etag, initiate, part, read, vault_upload};

fn put(key: &str) -> Request {
    Request::cos("PUT", key).body("0123456789")
}

fn get(key: &str) -> Request {
    Request::cos("GET", key)
}

fn abort(server: &Server, upload: &str) {
    assert_eq!(server.send(Request::cos("DELETE", &format!("k?uploadId={upload}"))).status, 204);
}

/// An upload with one part, and the request that completes it.
fn with_one_part(server: &Server) -> (String, Request) {
    let upload = initiate(server);
    let tag = etag(&part(server, &upload, 1, b"body"));
    let complete = completion(&upload, &[&tag]);
    (upload, complete)
}

#[test]
fn a_short_body_is_taken_for_the_whole() {
    let server = Server::shipped("content-length-mismatch");
    let upload = initiate(&server);
    part(&server, &upload, 1, b"body").is(400, "EntitySizeNotMatch");
    let tag = etag(&part(&server, &upload, 1, b"body"));
    complete(&server, &upload, &[&tag]).ok();
    assert_eq!(read(&server, "k", None).1, b"bo");
    server.failed_when(Some(0), &["rules/long-body", "V08"]);
}

#[test]
fn a_short_body_is_gone_on_with_at_a_wrong_byte() {
    let server = Server::shipped("content-length-mismatch");
    let upload = initiate(&server);
    part(&server, &upload, 1, b"0123456789").is(400, "EntitySizeNotMatch");
    let tag = etag(&part(&server, &upload, 1, b"0123456789"));
    complete(&server, &upload, &[&tag]).ok();
    assert_eq!(read(&server, "k", None).1, b"01234");
    read(&server, "k", Some("bytes=6-"));
    server.failed(&["V06"]);
}

#[test]
fn a_hash_that_does_not_fit_is_not_looked_at() {
    let server = Server::shipped("hash-mismatch");
    let upload = initiate(&server);
    let (one, two) = (pattern(1 << 20), b"two");
    let wrong = etag(&part(&server, &upload, 1, &one));
    assert_ne!(wrong.trim_matches('"'), md5(&one), "it could be seen");
    part(&server, &upload, 2, two).is(400, "BadDigest");
    let second = etag(&part(&server, &upload, 2, two));
    complete(&server, &upload, &[&wrong, &second]).is(400, "InvalidPart");
    abort(&server, &upload);
    server.send(put("other")).ok();
    assert_ne!(server.send(get("other")).body, b"0123456789");
    server.failed_when(Some(0), &["V03", "V08"]);
}

#[test]
fn a_vanished_upload_is_asked_for_again_and_again() {
    let server = Server::shipped("no-such-upload");
    let upload = initiate(&server);
    etag(&part(&server, &upload, 2, b"two"));
    for _ in 0..11 {
        part(&server, &upload, 3, b"three").is(404, "NoSuchUpload");
    }
    server.failed_when(Some(1), &["rules/vanishes-at-completion", "retries.max_attempts", "client_result"]);
}

#[test]
fn bytes_of_another_range_are_taken() {
    let server = Server::shipped("misaligned-content-range");
    server.send(put("k")).ok();
    let ranges: Vec<_> = (0..4).map(|_| read(&server, "k", Some("bytes=2-4")).1).collect();
    assert_eq!(ranges[0], b"345");
    server.failed_when(Some(0), &["V08"]);
}

#[test]
fn a_bad_afternoon_is_not_survived() {
    let server = Server::shipped("flaky");
    server.send(put("k"));
    server.failed_when(Some(1), &["client_result"]);
}

#[test]
fn the_status_of_a_completion_is_believed() {
    let server = Server::shipped("complete-200-error");
    let (_, complete) = with_one_part(&server);
    let (bytes, _) = server.send_to_the_end(&complete.with("Connection", "close"));
    assert!(bytes.starts_with(b"HTTP/1.1 200 OK\r\n"));
    server.failed(&["requests[0]", "V02", "V04"]);
}

#[test]
fn an_answer_that_is_no_document_is_believed() {
    let server = Server::shipped("complete-200-garbage");
    let (_, complete) = with_one_part(&server);
    server.send(complete).ok();
    server.failed(&["rules/cut", "rules/html", "V02", "V04"]);
}

#[test]
fn nobody_looks_whether_the_object_is_there() {
    for name in ["complete-lost-answer", "complete-503-but-done"] {
        let server = Server::shipped(name);
        let (_, complete) = with_one_part(&server);
        server.send_to_the_end(&complete.clone().with("Connection", "close"));
        server.send(complete).is(404, "NoSuchUpload");
        server.failed_when(Some(1), &["requests[0]", "client_result"]);
    }
}

#[test]
fn an_upload_whose_id_got_lost_is_left_behind() {
    let server = Server::shipped("initiate-lost-answer");
    server.is_lost(&Request::cos("POST", "k?uploads"));
    let (_, complete) = with_one_part(&server);
    server.send(complete).ok();
    server.failed(&["V04"]);
}

#[test]
fn a_put_whose_answer_got_lost_is_given_up() {
    let server = Server::shipped("put-lost-answer");
    server.is_lost(&put("k"));
    server.failed_when(Some(1), &["requests[0]", "client_result"]);
}

#[test]
fn an_append_is_repeated_blindly() {
    let server = Server::shipped("append-lost-answer");
    let append =
        |position: usize| Request::cos("POST", &format!("k?append&position={position}")).body("one,");
    server.is_lost(&append(0));
    server.send(append(0)).is(409, "AppendPositionErr");
    server.failed(&["requests[0]", "V09"]);
}

#[test]
fn a_conflict_is_taken_for_final() {
    let server = Server::shipped("conflict-409");
    let upload = initiate(&server);
    part(&server, &upload, 1, b"body").is(409, "PathConflict");
    server.failed(&["rules/completion-conflict", "requests[0]", "V04"]);
}

#[test]
fn a_part_that_was_lost_is_not_sent_again() {
    let server = Server::shipped("part-lost");
    let (upload, complete) = with_one_part(&server);
    for _ in 0..2 {
        server.send(complete.clone()).is(400, "InvalidPart");
    }
    abort(&server, &upload);
    server.failed(&["V03"]);
}

#[test]
fn a_part_goes_on_where_it_was_cut() {
    let server = Server::shipped("reset-mid-upload");
    let upload = initiate(&server);
    let body = pattern(100_000);
    let target = format!("k?partNumber=1&uploadId={upload}");
    let mut connection = server.connect();
    connection.write(Request::cos("PUT", &target).body(&body).head());
    connection.write(&body[..50_000]);
    connection.rest();
    let tag = etag(&server.send(Request::cos("PUT", &target).body(&body[50_000..])));
    complete(&server, &upload, &[&tag]).ok();
    server.failed(&["V01"]);
}

#[test]
fn what_met_a_reset_is_given_up() {
    let server = Server::shipped("reset-every-request-once");
    server.is_lost(&put("k"));
    server.failed_when(Some(1), &["requests[0]", "client_result"]);
}

#[test]
fn an_idle_connection_that_ended_is_the_end() {
    let server = Server::shipped("idle-race");
    let mut connection = server.connect();
    connection.send(&put("k")).ok();
    connection.write(get("k").bytes());
    connection.rest();
    server.failed_when(Some(1), &["requests[0]", "client_result"]);
}

#[test]
fn an_end_that_was_not_announced_is_an_error() {
    let server = Server::shipped("one-request-per-connection");
    let mut connection = server.connect();
    connection.send(&put("k")).ok();
    connection.rest();
    server.failed_when(Some(1), &["requests[0]", "client_result"]);
}

#[test]
fn half_of_an_answer_is_taken_for_the_whole() {
    let server = Server::shipped("stalled-reply");
    server.send(put("k")).ok();
    let mut connection = server.connect();
    connection.write(get("k").bytes());
    connection.head();
    assert_eq!(connection.exactly(5), b"01234");
    server.failed_when(Some(0), &["requests[0]", "V08"]);
}

#[test]
fn an_upload_is_completed_without_the_part_that_got_no_answer() {
    let server = Server::shipped("stalled-second-part");
    let upload = initiate(&server);
    let first = etag(&part(&server, &upload, 1, &pattern(1 << 20)));
    let mut connection = server.connect();
    connection.write(Request::cos("PUT", &format!("k?partNumber=2&uploadId={upload}")).body("two").bytes());
    assert!(connection.is_silent_for(Duration::from_millis(150)));
    complete(&server, &upload, &[&first]).ok();
    server.failed(&["requests[0]", "V03"]);
}

#[test]
fn a_slow_body_is_given_up() {
    let server = Server::shipped("slow-body-kick");
    server.send(put("k")).is(400, "RequestTimeout");
    server.failed_when(Some(1), &["requests[0]", "client_result"]);
}

#[test]
fn an_early_answer_is_not_read() {
    let server = Server::shipped("early-answer");
    let mut connection = server.connect();
    connection.write(put("k").bytes());
    drop(connection);
    server.wait_for("the answer", |journal| journal.iter().any(|exchange| exchange.ended.is_some()));
    server.failed_when(Some(1), &["requests[0]", "client_result"]);
}

#[test]
fn a_refused_expectation_is_not_left_out() {
    let server = Server::shipped("continue-late");
    for key in ["late", "twice", "never"] {
        server.send_to_the_end(&put(key).with("Expect", "100-continue").with("Connection", "close"));
    }
    let mut connection = server.connect();
    connection.write(put("refused").with("Expect", "100-continue").head());
    assert!(connection.head().starts_with("HTTP/1.1 417 "));
    server.failed_when(Some(1), &["requests[0]", "client_result"]);
}

#[test]
fn the_end_of_a_connection_is_taken_for_that_of_a_body() {
    let server = Server::shipped("chunked-cut");
    server.send(put("k")).ok();
    assert!(server.send_to_the_end(&get("k")).0.ends_with(b"01234\r\n"));
    server.failed_when(Some(0), &["requests[0]", "V08"]);
}

#[test]
fn a_stream_is_not_begun_again() {
    let server = Server::shipped("body-not-rewound");
    server.send(put("k")).is(503, "ServiceUnavailable");
    server.send(Request::cos("PUT", "k")).ok();
    server.failed(&["V01"]);
}

#[test]
fn the_length_of_nothing_is_left_out() {
    let server = Server::shipped("zero-byte-retry");
    server.send(Request::cos("PUT", "none").with("Content-Length", 0)).is(503, "ServiceUnavailable");
    server.send(Request::cos("PUT", "none").bare().with("Host", "127.0.0.1")).is(411, "MissingContentLength");
    server.failed(&["V01"]);
}

#[test]
fn a_limit_is_run_against() {
    let server = Server::shipped("slow-down");
    let answers = (0..14).map(|_| server.send(put("k")).status);
    assert!(answers.filter(|status| *status == 503).count() >= 2);
    server.failed(&["retries.backoff"]);
}

#[test]
fn an_outage_is_run_against() {
    let server = Server::shipped("outage-five-seconds");
    for _ in 0..20 {
        server.send(get("k")).is(404, "NoSuchKey");
    }
    for _ in 0..2 {
        server.send(put("k")).is(503, "ServiceUnavailable");
    }
    server.failed(&["retries.backoff"]);
}

#[test]
fn a_clock_is_not_corrected() {
    let server = Server::shipped("clock-skew");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    for _ in 0..3 {
        let signed = put("k").signed("AKIDcosemu", "cosemu", [now, now + 600]);
        server.send(signed).is(403, "RequestTimeTooSkewed");
    }
    server.failed_when(Some(1), &["retries.max_attempts", "client_result"]);
}

#[test]
fn an_expired_token_is_used_on() {
    let server = Server::shipped("expired-token");
    for _ in 0..10 {
        let request = get("k").with("x-cos-security-token", "first-token");
        server.send(request.signed("AKIDtemporary", "temporary", [1_000_000_000, 4_000_000_000]));
    }
    server.failed_when(Some(1), &["requests[0]", "retries.max_attempts", "client_result"]);
}

#[test]
fn an_answer_of_something_on_the_way_is_taken_for_final() {
    let server = Server::shipped("missing-request-id");
    server.send(put("k")).is(503, "ServiceUnavailable");
    server.failed_when(Some(1), &["requests[0]", "client_result"]);
}

#[test]
fn an_etag_that_is_not_there_is_completed_with() {
    let server = Server::shipped("no-etag");
    let upload = initiate(&server);
    assert_eq!(part(&server, &upload, 1, b"body").ok().header("ETag"), None);
    complete(&server, &upload, &[""]).is(400, "InvalidPart");
    abort(&server, &upload);
    server.failed(&["V03"]);
}

#[test]
fn a_first_404_is_taken_for_the_truth() {
    let server = Server::shipped("read-after-write-lag");
    server.send(put("k")).ok();
    assert_eq!(server.send(Request::cos("HEAD", "k")).status, 404);
    server.failed_when(Some(1), &["requests[0]", "client_result"]);
}

#[test]
fn a_page_is_listed_for_ever() {
    let server = Server::shipped("list-page-loop");
    for _ in 0..4 {
        server.send(get("?marker=")).ok();
    }
    server.failed(&["retries.max_attempts"]);
}

#[test]
fn a_redirect_is_followed_without_the_body() {
    let server = Server::shipped("wrong-region");
    let upload = initiate(&server);
    let first = etag(&part(&server, &upload, 1, &pattern(1 << 20)));
    part(&server, &upload, 2, b"two").is(307, "TemporaryRedirect");
    let second = etag(&part(&server, &upload, 2, b""));
    complete(&server, &upload, &[&first, &second]).ok();
    server.failed(&["V01"]);
}

#[test]
fn what_was_answered_for_good_is_repeated() {
    let server = Server::shipped("sdk-retry-fixture");
    let host = "cos-sdk-err-retry-1250000000.cos.ap-guangzhou.myqcloud.com";
    for _ in 0..2 {
        assert_eq!(server.send(Request::new("PUT", "/404r").with("Host", host).body("body")).status, 404);
    }
    server.failed(&["requests[0]"]);
}

fn started(server: &Server, vault: &str, job: &str) -> String {
    let answer = server.send(Request::new("POST", &format!("/-/vaults/{vault}/jobs")).body(job));
    answer.header("x-cas-job-id").unwrap().to_owned()
}

#[test]
fn an_output_is_asked_for_before_it_is_there() {
    let server = Server::shipped("cas-slow-vault");
    let job = started(&server, "slow", r#"{"Type": "inventory-retrieval"}"#);
    let output = Request::new("GET", &format!("/-/vaults/slow/jobs/{job}/output"));
    server.send(output).is(400, "InvalidParameterValueException");
    server.failed_when(Some(1), &["requests[0]", "client_result"]);
}

#[test]
fn a_tree_hash_is_believed() {
    let server = Server::shipped("cas-tree-hash-broken");
    let body = pattern(1 << 20);
    let archive = Request::cas("POST", "archives")
        .with("x-cas-content-sha256", sha256(&body))
        .with("x-cas-sha256-tree-hash", sha256(&body))
        .body(&body);
    let archive = server.send(archive).header("x-cas-archive-id").unwrap().to_owned();
    let job =
        started(&server, "vault", &format!(r#"{{"Type": "archive-retrieval", "ArchiveId": "{archive}"}}"#));
    let output = server.send(Request::cas("GET", &format!("jobs/{job}/output")));
    assert_ne!(output.header("x-cas-sha256-tree-hash"), Some(sha256(&body).as_str()), "it could be seen");
    server.failed_when(Some(0), &["requests[0]", "V08"]);
}

#[test]
fn a_chunk_of_an_expired_upload_is_sent_again_and_again() {
    let server = Server::shipped("cas-upload-expired");
    let upload = vault_upload(&server);
    assert_eq!(chunk(&server, &upload, 1, b"1").status, 204);
    for _ in 0..11 {
        chunk(&server, &upload, 2, b"2").is(404, "ResourceNotFoundException");
    }
    server.failed_when(Some(1), &["retries.max_attempts", "client_result"]);
}

#[test]
fn a_throttled_request_is_taken_for_final() {
    let server = Server::shipped("cas-throttled");
    let upload = vault_upload(&server);
    chunk(&server, &upload, 0, b"0");
    abort_in_vault(&server, &upload);
    server.send(Request::cas("GET", "")).is(400, "ThrottlingException");
    server.failed_when(Some(1), &["requests[0]", "client_result"]);
}
