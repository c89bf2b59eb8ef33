//! Seeded clients over pipes within the process, on a clock that stands still until everybody waits: hours of delays pass in
//! milliseconds.
//!
//! A failure names its seed; `COS_EMU_SIMULATION_SEED=<seed> cargo test --test simulation` runs it alone.

use std::sync::Arc;
use std::time::Duration;

use cos_emu::{AuthMode, Clock, Config, Emulator, Scenario, Timestamp};
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};

/// How many seeds are tried.
const SEEDS: u64 = 300;
/// How many clients there are at once.
const CLIENTS: usize = 5;
/// How many requests each of them makes.
const REQUESTS: usize = 14;

/// A set of rules. What has counters for the whole scenario is left out: there clients do disturb each other.
fn rules(chance: &mut ChaCha8Rng) -> String {
    let one = |chance: &mut ChaCha8Rng, number: usize| {
        let op = ["PutObject", "GetObject", "UploadPart", "@write", "@data", "@any"].choose(chance).unwrap();
        let per = ["client", "key", "upload", "part", "request"].choose(chance).unwrap();
        let fire = match chance.random_range(0..6) {
            0 => r#""first": 2"#.to_owned(),
            1 => r#""nth": [2, 3]"#.to_owned(),
            2 => r#""every": 3"#.to_owned(),
            3 => r#""skip": 2, "times": 2"#.to_owned(),
            4 => format!(r#""probability": {}"#, [0.2, 0.5, 0.8].choose(chance).unwrap()),
            _ => r#""probability": 0.5, "times": 3"#.to_owned(),
        };
        let (action, is_ending) = *[
            (r#"{"error": "SlowDown"}"#, true),
            (r#"{"reset": {"at": "reply"}}"#, true),
            (r#"{"close": {"at": "upload", "offset": "50%"}}"#, true),
            (r#"{"stall": {"at": "reply", "for": "20m", "then": "close"}}"#, true),
            (r#"{"corrupt": {"offset": "50%", "length": 3, "how": "random"}}"#, false),
            (r#"{"truncate": {"keep": "50%"}}"#, false),
            (r#"{"delay": {"uniform": ["1s", "2h"]}}"#, false),
            (r#"{"drip": {"direction": "both", "size": 7, "pause": "3s"}}"#, false),
            (r#"{"checksum": {"which": "all", "value": "wrong"}}"#, false),
            (r#"{"headers": {"set": {"x-n": "1"}}}"#, false),
            (r#"{"forget": {"what": "part"}}"#, false),
            (r#"{"stale": {"reads": 1}}"#, false),
        ]
        .choose(chance)
        .unwrap();
        let go_on = !is_ending && chance.random_bool(0.5);
        // The action is possible in some operation of the rule, or the file would be refused.
        let op = if action.contains("forget") { "UploadPart" } else { op };
        let op = if action.contains("stale") { "PutObject" } else { op };
        let answers = ["corrupt", "truncate", "checksum"].iter().any(|name| action.contains(name));
        let op = if answers { "GetObject" } else { op };
        let op = if action.contains("upload") && op == "GetObject" { "@write" } else { op };
        format!(
            r#"{{"id": "r{number}", "when": {{"op": "{op}"}}, "fire": {{{fire}, "per": "{per}"}}, "continue": {go_on},
                "must_fire": "optional", "do": {action}}}"#
        )
    };
    let rules: Vec<String> = (0..chance.random_range(1..7)).map(|number| one(chance, number)).collect();
    format!(r#"{{"version": 1, "name": "simulation", "rules": [{}]}}"#, rules.join(","))
}

/// One client: what it does follows from its number and the seed, and from what it is answered.
async fn client(emulator: &Emulator, seed: u64, number: usize) -> Vec<Vec<u8>> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1000) + number as u64);
    let host = format!("client{number}-1250000000.cos.ap-guangzhou.myqcloud.com");
    let mut upload = String::from("none");
    let mut received = Vec::new();
    for _ in 0..REQUESTS {
        sleep(Duration::from_millis(chance.random_range(0..5_000))).await;
        let key = format!("/k{}", chance.random_range(0..3));
        let body = vec![b'0' + chance.random_range(0..10); chance.random_range(0..300)];
        let (line, body) = match chance.random_range(0..5) {
            0 => (format!("PUT {key}"), body),
            1 | 2 => (format!("GET {key}"), Vec::new()),
            3 => ("POST /big?uploads".to_owned(), Vec::new()),
            _ => (format!("PUT /big?partNumber={}&uploadId={upload}", chance.random_range(1..3)), body),
        };
        let head = format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nAuthorization: q-sign-algorithm=sha1&q-ak=client{number}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let mut pipe = emulator.connect();
        let mut answer = Vec::new();
        // A server that has answered early may be gone before the body is.
        let _ = pipe.write_all(&[head.as_bytes(), &body].concat()).await;
        let read = timeout(Duration::from_secs(100 * 3600), pipe.read_to_end(&mut answer)).await;
        read.expect("every answer ends").expect("a pipe does not fail");
        let text = String::from_utf8_lossy(&answer);
        if let Some((_, rest)) = text.split_once("<UploadId>") {
            upload = rest.split('<').next().unwrap().to_owned();
        }
        received.push(answer);
    }
    received
}

async fn start(seed: u64, scenario: &str) -> Emulator {
    let scenario = Scenario::parse("simulation", scenario.as_bytes(), None);
    let config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        scenario: Some(scenario.unwrap_or_else(|diagnosis| panic!("seed {seed}: {diagnosis}"))),
        seed: Some(cos_emu::Seed(seed)),
        auth: Some(AuthMode::Off),
        clock: Clock::Frozen(Timestamp::from_unix_seconds(1_700_000_000)),
        buckets: (0..CLIENTS).map(|number| (format!("client{number}-1250000000"), None)).collect(),
        ..Config::default()
    };
    Emulator::start(config).await.unwrap()
}

fn seeds() -> Vec<u64> {
    match std::env::var("COS_EMU_SIMULATION_SEED") {
        Ok(seed) => vec![seed.parse().expect("a number")],
        Err(_) => (0..SEEDS).collect(),
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_client_sees_does_not_depend_on_the_others() {
    let mut disturbed = 0;
    for seed in seeds() {
        let scenario = rules(&mut ChaCha8Rng::seed_from_u64(seed));
        let together = Arc::new(start(seed, &scenario).await);
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let together = together.clone();
                tokio::spawn(async move { client(&together, seed, number).await })
            })
            .collect();
        let mut together_saw = Vec::new();
        for client in clients {
            together_saw.push(client.await.expect("clients do not panic"));
        }
        disturbed += together
            .journal()
            .iter()
            .filter(|exchange| exchange.rules.iter().any(|rule| rule.outcome == "fired"))
            .count();
        for (number, saw) in together_saw.iter().enumerate() {
            let alone = start(seed, &scenario).await;
            let alone_saw = client(&alone, seed, number).await;
            for (step, (one, other)) in saw.iter().zip(&alone_saw).enumerate() {
                let [one, other] = [one, other].map(|answer| String::from_utf8_lossy(answer));
                assert_eq!(one, other, "seed {seed}, client {number}, step {step}, under {scenario}");
            }
        }
    }
    assert!(
        std::env::var("COS_EMU_SIMULATION_SEED").is_ok() || disturbed > 500,
        "only {disturbed} disturbed"
    );
}
