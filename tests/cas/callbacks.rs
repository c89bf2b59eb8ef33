//! Callbacks: whom jobs tell when they are complete.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use cos_emu::Exchange;

use super::copies::advance;
use super::jobs::{describe_job, frozen, start_job};
use super::*;
use crate::support::PATIENCE;

/// Who is told: a listener that answers each request with the next of these statuses, and gives what it got.
fn listener(statuses: &'static [u16]) -> (SocketAddr, std::sync::mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut got = Vec::new();
            let (head, body) = loop {
                let mut piece = [0; 4096];
                let read = stream.read(&mut piece).unwrap();
                got.extend_from_slice(&piece[..read]);
                let text = String::from_utf8(got.clone()).unwrap();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.to_ascii_lowercase();
                let length = length.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
                if body.len() == length.parse::<usize>().unwrap() {
                    break (head.to_owned(), serde_json::from_str(body).unwrap());
                }
            };
            write!(stream, "HTTP/1.1 {status} Some\r\nContent-Length: 0\r\n\r\n").unwrap();
            sender.send((head, body)).unwrap();
        }
    });
    (addr, receiver)
}

/// The outcomes that the journal has of the job of its last exchange that started one.
fn outcomes(journal: &[Exchange]) -> Vec<(u32, String)> {
    let started = journal.iter().rfind(|exchange| exchange.op == Some("InitiateJob")).unwrap();
    started.callbacks.iter().map(|told| (told.attempt, told.outcome.clone())).collect()
}

fn inventory_to(url: &str) -> Value {
    json!({ "Type": "inventory-retrieval", "CallBackUrl": url })
}

#[test]
fn a_job_tells_its_own_url_what_describe_job_answers() {
    let server = Server::configured(frozen);
    let (addr, told) = listener(&[204]);
    let url = format!("http://{addr}/done?x=1");
    let id = start_job(&server, inventory_to(&url));
    let (head, body) = told.recv_timeout(PATIENCE).unwrap();
    assert!(head.starts_with("POST /done?x=1 HTTP/1.1\r\n"), "{head}");
    assert!(
        head.to_ascii_lowercase().contains(&format!("host: {addr}")) && head.contains("application/json")
    );
    assert_eq!(body, describe_job(&server, &id));
    assert_eq!((&body["CallBackUrl"], &body["StatusCode"]), (&json!(url), &json!("Succeeded")));
    server.wait_for("the callback in the journal", |journal| outcomes(journal) == [(1, "204".to_owned())]);
    let started = server.journal().into_iter().find(|exchange| exchange.op == Some("InitiateJob")).unwrap();
    assert_eq!(
        (started.callbacks[0].url.as_str(), started.callbacks[0].at.as_str()),
        (url.as_str(), "2017-07-14T02:40:00.000Z")
    );
}

#[test]
fn a_callback_that_fails_is_repeated_until_it_succeeds() {
    let server = Server::start();
    let (addr, told) = listener(&[500, 200]);
    start_job(&server, inventory_to(&format!("http://{addr}/")));
    let first = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), first);
    server.wait_for("both attempts", |journal| {
        outcomes(journal) == [(1, "500".to_owned()), (2, "200".to_owned())]
    });
}

#[test]
fn only_this_machine_is_told() {
    let server = Server::start();
    for url in ["http://192.0.2.1/", "http://callback.example/", "https://127.0.0.1/"] {
        start_job(&server, inventory_to(url));
        server.wait_for("the refusal", |journal| {
            let outcomes = outcomes(journal);
            outcomes.len() == 1 && outcomes[0].0 == 0 && outcomes[0].1.starts_with("not sent: ")
        });
    }
}

#[test]
fn a_vault_tells_of_the_jobs_that_it_was_asked_to() {
    let server = Server::configured(|config| config.account.jobs = JobCompletion::AfterDescribes(1));
    let (addr, told) = listener(&[200, 200]);
    let events = json!({ "CallBackUrl": format!("http://{addr}/vault"), "Events": ["PullFromCOSCompleted"] });
    server.send(Request::cas("PUT", "notification-configuration").body(events.to_string())).ok();
    let inventory = start_job(&server, json!({ "Type": "inventory-retrieval" }));
    describe_job(&server, &inventory);
    let pull = json!({ "Type": "pull-from-cos", "Bucket": "demo", "Object": "missing" });
    let pull = start_job(&server, pull);
    describe_job(&server, &pull);
    let (_, body) = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!((&body["JobId"], &body["StatusCode"]), (&json!(pull), &json!("Failed")));
    // Describing it again completes nothing again.
    describe_job(&server, &pull);
    assert!(told.recv_timeout(Duration::from_millis(100)).is_err());
}

/// Nobody asks, and the clock is that of the world.
#[test]
fn a_job_of_four_hours_tells_when_the_clock_says_so() {
    let server = Server::configured(|config| {
        frozen(config);
        config.account.jobs = JobCompletion::After(Duration::from_secs(4 * 60 * 60));
    });
    let (addr, told) = listener(&[200]);
    start_job(&server, inventory_to(&format!("http://{addr}/")));
    advance(&server, "3h");
    assert!(told.recv_timeout(Duration::from_millis(50)).is_err());
    advance(&server, "1h");
    let (_, body) = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(body["CompletionDate"], "2017-07-14T06:40:00.000Z");
}

#[test]
fn a_job_tells_when_its_time_has_run_out_by_itself() {
    let server = Server::configured(|config| {
        config.account.jobs = JobCompletion::After(Duration::from_millis(200));
    });
    let (addr, told) = listener(&[200]);
    start_job(&server, inventory_to(&format!("http://{addr}/")));
    // No request comes after the one that starts it.
    let (_, body) = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(body["StatusCode"], "Succeeded");
}
