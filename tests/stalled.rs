//! What a stalled exchange costs: no thread, and at most 16 KiB. In a process of its own, because it measures the process.

mod support;

use std::time::Duration;

use cos_emu::Config;
use support::{Connection, Request, Server};

/// How many exchanges stall at once.
const STALLED: usize = 2000;
/// What each of them may cost.
const MOST_BYTES: u64 = 16 << 10;

/// A number of the process from the system: `VmRSS` in bytes, `Threads`.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    let number = line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap();
    if line.ends_with("kB") { number << 10 } else { number }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads /proc")]
fn a_stalled_exchange_costs_no_thread_and_little_memory() {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let stall = r#"{"id": "head", "when": {"header": {"x-where": "head"}}, "do": {"stall": {"at": "head"}}},
        {"id": "upload", "when": {"header": {"x-where": "upload"}}, "do": {"stall": {"at": "upload", "offset": 4096}}},
        {"id": "reply", "when": {"header": {"x-where": "reply"}}, "do": {"stall": {"at": "reply"}}},
        {"id": "download", "when": {"header": {"x-where": "download"}}, "do": {"stall": {"at": "download", "offset": 1}}}"#;
    let server = Server::configured(|config: &mut Config| {
        let text = format!(r#"{{"version": 1, "name": "stalls", "rules": [{stall}]}}"#);
        config.scenario = Some(cos_emu::Scenario::parse("stalls", text.as_bytes(), None).unwrap());
        // The journal remembers exchanges whether they stall or not.
        config.journal_capacity = 10;
    });
    server.send(Request::cos("PUT", "object").body(vec![7; 8192])).ok();
    let last = || server.emulator().journal().last().map_or(0, |last| last.n);
    let stalled = |count: usize| -> Vec<Connection> {
        let places = ["head", "upload", "reply", "download"].into_iter().cycle().take(count);
        let connections = places.map(|place| {
            let request = match place {
                "download" => Request::cos("GET", "object"),
                _ => Request::cos("PUT", "other").body(vec![7; 8192]),
            };
            let mut connection = server.connect();
            connection.write(request.with("x-where", place).bytes());
            connection
        });
        let before = last();
        let connections = connections.collect();
        while last() < before + count as u64 {
            std::thread::sleep(Duration::from_millis(10));
        }
        connections
    };
    // What grows once, such as the table of sockets, has grown before the measurement.
    drop(stalled(STALLED));
    let (memory, threads) = (status("VmRSS"), status("Threads"));
    let connections = stalled(STALLED);
    std::thread::sleep(Duration::from_millis(500));
    let each = status("VmRSS").saturating_sub(memory) / STALLED as u64;
    println!("{each} bytes for each of {} stalled exchanges", connections.len());
    assert_eq!(status("Threads"), threads);
    assert!(each <= MOST_BYTES, "{each} bytes for each stalled exchange");
}
