//! What journalling, judging and worlds cost: `cargo bench --bench judge`.
//!
//! Two servers of the same build are loaded in turns, one with its journal and one without; what counts is the median of
//! the ratios of neighbouring runs. A journal may take 5 % of the requests per second; a verdict over 100,000 exchanges
//! less than a second; making a world less than a millisecond.

#[allow(dead_code, reason = "examples/load uses all of the driver, this a part")]
#[path = "../examples/load/driver.rs"]
mod load;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use load::{Sent, Server, Speed, drive, median};

const ROUNDS: usize = 25;
const REQUESTS: usize = 20_000;
const CONNECTIONS: usize = 16;

fn main() {
    journal();
    verdict();
    worlds();
}

fn server(options: &[&str]) -> Server {
    Server::cos_emu(env!("CARGO_BIN_EXE_cos-emu").as_ref(), options)
}

/// The same request each time.
fn same(method: &str, path: &str, body: Vec<u8>) -> impl Fn(usize, usize) -> Sent + Clone + Send + 'static {
    let sent = Sent::new(method, path, "", body.into());
    move |_, _| sent.clone()
}

/// One request on a connection of its own; the body of the answer.
fn send(server: &Server, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(server.addr).expect("it listens");
    let head = format!("{method} {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n");
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 20") || answer.starts_with("HTTP/1.1 409"), "{answer}");
    answer.split_once("\r\n\r\n").expect("it has a head").1.to_owned()
}

fn journal() {
    let rules = (0..20).map(|number| {
        format!(r#"{{"id": "r{number}", "when": {{"op": "@data", "key": "no-{number}"}}, "do": {{"error": "SlowDown"}}}}"#)
    });
    let rules: Vec<String> = rules.collect();
    let scenario =
        format!(r#"{{"version": 1, "name": "rules that match nothing", "rules": [{}]}}"#, rules.join(","));
    let start = |entries| server(&["--scenario-json", &scenario, "--journal-entries", entries]);
    println!(
        "{ROUNDS} rounds of {REQUESTS} requests of 1 KiB on {CONNECTIONS} connections, without a journal and with one"
    );
    for (name, method) in [("PutObject", "PUT"), ("GetObject", "GET")] {
        let put = same("PUT", "/b-1/key", vec![b'x'; 1024]);
        let body = if method == "PUT" { vec![b'x'; 1024] } else { Vec::new() };
        let request = same(method, "/b-1/key", body);
        let mut speeds: [Vec<Speed>; 2] = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            // Processes of one build differ by more than what is measured: each round has new ones.
            let servers = ["0", "10000"].map(start);
            for server in &servers {
                drive(server, 1, 1, put.clone());
                // The journal is full from here on.
                drive(server, CONNECTIONS, 12_000, request.clone());
            }
            for (server, speeds) in servers.iter().zip(&mut speeds) {
                speeds.push(drive(server, CONNECTIONS, REQUESTS, request.clone()));
            }
        }
        let [without, with] = &speeds;
        let of = |speeds: &[Speed], what: fn(&Speed) -> f64| median(speeds.iter().map(what).collect());
        let ratio = |what: fn(&Speed) -> f64| {
            median(without.iter().zip(with).map(|(without, with)| what(with) / what(without)).collect())
        };
        let (rate, cpu) = (|speed: &Speed| speed.requests_per_second, |speed: &Speed| speed.cpu_microseconds);
        println!(
            "{name}: {:.0} and {:.0} requests/s (ratio {:.3}); {:.1} and {:.1} microseconds of the server's CPU each (ratio {:.3})",
            of(without, rate),
            of(with, rate),
            ratio(rate),
            of(without, cpu),
            of(with, cpu),
            ratio(cpu)
        );
    }
}

fn verdict() {
    const EXCHANGES: usize = 100_000;
    let server = server(&["--journal-entries", "100000"]);
    drive(&server, CONNECTIONS, EXCHANGES, same("PUT", "/b-1/key", vec![b'x'; 1024]));
    let took = (0..5).map(|_| {
        let start = Instant::now();
        let verdict = send(&server, "POST", "/_cos-emu/v1/scenarios/default/verdict", "");
        assert!(
            verdict.contains("\"exchanges\": 100000,") && verdict.contains("\"dropped\": 0,"),
            "{verdict}"
        );
        start.elapsed().as_secs_f64()
    });
    println!("a verdict over {EXCHANGES} exchanges: {:.0} ms", median(took.collect()) * 1e3);
}

fn worlds() {
    const WORLDS: usize = 1000;
    let server = server(&[]);
    let scenario = r#"{"version": 1, "name": "w", "setup": {"buckets": {"own-1": {}}}, "rules": [{"id": "r", "do": {"error": "SlowDown"}}]}"#;
    let cpu = server.cpu();
    let took = (0..WORLDS).map(|_| {
        let start = Instant::now();
        send(&server, "POST", "/_cos-emu/v1/scenarios", scenario);
        start.elapsed().as_secs_f64()
    });
    let took = median(took.collect());
    let cpu: Duration = server.cpu() - cpu;
    println!(
        "making a world, its connection included: {:.2} ms, {:.2} ms of the server's CPU",
        took * 1e3,
        cpu.as_secs_f64() * 1e3 / WORLDS as f64
    );
}
