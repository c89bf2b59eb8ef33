//! A storm of retries: `cargo run --release --example load -- storm [seconds]`.
//!
//! 2,000 connections put small objects as fast as they are answered; half of the requests are reset, and repeated at once on a new
//! connection. Beside them a quiet client asks fifty times a second. Bounded in time and in connections.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::driver::{Client, Sent, Server, percentile, runtime};

/// Half of what is put ends with an RST when half of the body has come.
pub const HALF: &str = r#"{ "version": 1, "name": "storm", "seed": "0x57",
  "rules": [{ "id": "half", "when": { "op": "PutObject", "key": { "not": "quiet" } }, "fire": { "probability": 0.5 },
              "do": { "reset": { "at": "upload", "offset": "50%" } } }] }"#;

const CONNECTIONS: usize = 2000;
const BODY_BYTES: usize = 1024;
/// What the quiet client waits between two requests.
const QUIET_PAUSE: Duration = Duration::from_millis(20);
/// No decision may take longer.
const DECISION_LIMIT: Duration = Duration::from_secs(1);
/// 99 of a hundred requests of the quiet client may not take longer.
const QUIET_LIMIT: Duration = Duration::from_millis(50);
/// What the server may hold for each connection, which is what an idle one costs, and for its journal.
const CONNECTION_BYTES: u64 = 32 << 10;
const JOURNAL_BYTES: u64 = 64 << 20;

/// Lets the storm loose on the server for that time, and says whether it stood.
pub fn run(server: &Server, length: Duration) -> ExitCode {
    let idle = server.memory("VmRSS");
    let began = Instant::now();
    let over = Arc::new(AtomicBool::new(false));
    let (answered, reset) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (mut decisions, mut quiet) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let stormy = scope.spawn(|| {
            runtime().block_on(async {
                let body = Bytes::from(vec![7; BODY_BYTES]);
                let mut clients = JoinSet::new();
                for number in 0..CONNECTIONS {
                    let sent = Sent::new("PUT", &format!("/b-1/{number}"), "", body.clone());
                    let (addr, over, answered, reset) =
                        (server.addr, over.clone(), answered.clone(), reset.clone());
                    clients.spawn(async move {
                        let mut longest = Duration::ZERO;
                        let mut client = None;
                        while !over.load(Ordering::Relaxed) {
                            let mut connected = match client.take() {
                                Some(client) => client,
                                None => Client::connected(addr, 4 << 10).await.expect("it listens"),
                            };
                            let began = Instant::now();
                            match connected.asked(&sent).await {
                                Ok(answer) => {
                                    assert_eq!(answer.status, 200, "{}", answer.head);
                                    answered.fetch_add(1, Ordering::Relaxed);
                                    client = Some(connected);
                                }
                                Err(_) => {
                                    reset.fetch_add(1, Ordering::Relaxed);
                                }
                            }
                            longest = longest.max(began.elapsed());
                        }
                        longest
                    });
                }
                clients.join_all().await
            })
        });
        let calm = scope.spawn(|| {
            runtime().block_on(async {
                let mut client = Client::connect(server.addr).await;
                let sent = Sent::new("GET", "/b-1/quiet", "", Bytes::new());
                let mut latencies = Vec::new();
                while began.elapsed() < length {
                    tokio::time::sleep(QUIET_PAUSE).await;
                    let began = Instant::now();
                    client.answered(&sent).await;
                    latencies.push(began.elapsed());
                }
                over.store(true, Ordering::Relaxed);
                latencies
            })
        });
        quiet = calm.join().expect("it goes on");
        decisions = stormy.join().expect("it goes on");
    });
    let (answered, reset) = (answered.load(Ordering::Relaxed), reset.load(Ordering::Relaxed));
    let longest = decisions.into_iter().max().unwrap_or_default();
    let (middle, last) = (percentile(quiet.clone(), 50), percentile(quiet, 99));
    let most = server.memory("VmHWM") - idle;
    let allowed = CONNECTIONS as u64 * CONNECTION_BYTES + JOURNAL_BYTES;
    println!(
        "{CONNECTIONS} connections for {} s: {answered} requests answered, {reset} reset, {:.0} a second",
        length.as_secs(),
        (answered + reset) as f64 / began.elapsed().as_secs_f64()
    );
    println!(
        "the longest wait for a decision: {} ms (at most {})",
        longest.as_millis(),
        DECISION_LIMIT.as_millis()
    );
    println!(
        "the quiet client: median {:.1} ms, 99th percentile {:.1} ms (at most {})",
        middle.as_secs_f64() * 1e3,
        last.as_secs_f64() * 1e3,
        QUIET_LIMIT.as_millis()
    );
    println!("the most memory: {} MiB above idle (at most {})", most >> 20, allowed >> 20);
    if longest <= DECISION_LIMIT && last <= QUIET_LIMIT && most <= allowed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
