//! The whole server under load, beside servers on hyper alone that do what cannot be left out:
//! `cargo run --release --example load -- [rows]`, such as `P1 P5`, or nothing for all of the budget.
//!
//! A row is a ratio within one run, the median of five paired rounds (floor, cos-emu, floor, cos-emu …); *must* is the limit.
//! In the place of rows, `curves`, `storm` and `hour` do what their files say.
//! The server is the binary that `cargo build --release` makes. Everything stays on the loopback, and is bounded in count.
//!
//! Source: `performance.md` 3.

#[path = "curves.rs"]
mod curves;
#[path = "driver.rs"]
mod driver;
#[path = "floors.rs"]
mod floors;
#[path = "hour.rs"]
mod hour;
#[path = "storm.rs"]
mod storm;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use driver::{Client, Sent, Server, Speed, drive, median, percentile, runtime};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

const MIB: usize = 1 << 20;
const PART_BYTES: usize = 8 * MIB;
const ROUNDS: usize = 5;
/// What a small request carries.
const SMALL_BYTES: usize = 1024;
const SMALL_REQUESTS: usize = 32_000;

/// Which side of its limit a figure has to be on.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    AtMost,
    AtLeast,
}
use Side::{AtLeast, AtMost};

/// What was measured for a line of the budget.
struct Figure {
    row: &'static str,
    what: &'static str,
    must: f64,
    side: Side,
    got: f64,
    /// The absolute figures behind it.
    detail: String,
}

impl Figure {
    fn holds(&self) -> bool {
        match self.side {
            AtMost => self.got <= self.must,
            AtLeast => self.got >= self.must,
        }
    }
}

/// Rows of the budget, and what measures them.
type Measured = (&'static [&'static str], fn() -> Vec<Figure>);

const ROWS: &[Measured] = &[
    (&["P1", "P2", "P3"], parts_in),
    (&["P4"], archive_parts_in),
    (&["P5"], objects_out),
    (&["P6", "P7", "P8"], small_requests),
    (&["P9", "P15"], added_costs),
    (&["P10", "P11"], start),
    (&["P12"], peak_of_parts),
    (&["P14"], many_small_objects),
    (&["P16"], beside_uploads),
    (&["P17"], size),
    (&["P18"], completion),
    (&["P19"], injected),
    // The last one, because what was spilled keeps the disk busy for a while.
    (&["P13"], peak_of_a_spilled_part),
];

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if asked.first().is_some_and(|word| word == "serve-floors") {
        floors::serve();
        return ExitCode::SUCCESS;
    }
    let seconds = |usual: u64| {
        let seconds = asked.get(1).map_or(usual, |seconds| seconds.parse().expect("a number of seconds"));
        Duration::from_secs(seconds)
    };
    match asked.first().map(String::as_str) {
        Some("curves") => {
            curves::run();
            return ExitCode::SUCCESS;
        }
        Some("hour") => {
            let server = cos_emu(&["--scenario-json", hour::FAULTS, "--max-memory", "64MiB"]);
            return hour::run(server, seconds(3600));
        }
        Some("storm") => {
            rlimit::increase_nofile_limit(u64::MAX).expect("the limit can be raised");
            let server = cos_emu(&["--scenario-json", storm::HALF]);
            once(&server, &Sent::new("PUT", "/b-1/quiet", "", body(SMALL_BYTES)));
            return storm::run(&server, seconds(60));
        }
        _ => {}
    }
    println!("| row | what | must | got | |");
    println!("| --- | --- | --- | --- | --- |");
    let mut all_hold = true;
    for (names, measure) in ROWS {
        if !asked.is_empty() && !names.iter().any(|name| asked.iter().any(|asked| asked == name)) {
            continue;
        }
        for figure in measure() {
            let sign = if figure.side == AtMost { "≤" } else { "≥" };
            let mark = if figure.holds() { "" } else { " **not met**" };
            all_hold &= figure.holds();
            let Figure { row, what, must, got, detail, .. } = &figure;
            println!("| {row} | {what} | {sign} {must} | {got:.2}{mark} | {detail} |");
        }
    }
    if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

// ---- servers ----

fn program() -> PathBuf {
    let examples = std::env::current_exe().expect("this program has a path");
    let program = examples.ancestors().nth(2).expect("it is in target/release/examples").join("cos-emu");
    assert!(program.exists(), "there is no {}: cargo build --release", program.display());
    program
}

fn cos_emu(options: &[&str]) -> Server {
    Server::cos_emu(&program(), options)
}

/// A scenario of so many rules of which none matches: each names another key.
fn rules(count: usize) -> String {
    let rules: Vec<String> = (0..count)
        .map(|n| {
            format!(
                r#"{{"id": "r{n}", "when": {{"key": "no/such/key/{n}"}}, "do": {{"error": "SlowDown"}}}}"#
            )
        })
        .collect();
    format!(r#"{{"version": 1, "name": "rules", "rules": [{}]}}"#, rules.join(","))
}

/// With the scenario of the budget, and room.
fn usual(options: &[&str]) -> Server {
    cos_emu(&[&["--scenario-json", &rules(20), "--max-memory", "6GiB"], options].concat())
}

fn floor() -> Server {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.arg("serve-floors");
    Server::of(command)
}

// ---- what is sent ----

/// Bytes that are not all alike.
fn body(length: usize) -> Bytes {
    (0..length).map(|index| ((index * 31 + 7) % 251) as u8).collect::<Vec<u8>>().into()
}

/// Sends one request, and answers the head and the start of the body of its answer.
fn once(server: &Server, sent: &Sent) -> String {
    runtime().block_on(async { Client::connect(server.addr).await.answered(sent).await })
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).expect("it is there");
    rest.split_once(end).expect("it ends").0
}

/// Starts an upload of the object `k`.
fn upload_of(server: &Server) -> String {
    let answer = once(server, &Sent::new("POST", "/b-1/k?uploads", "", Bytes::new()));
    between(&answer, "<UploadId>", "</UploadId>").to_owned()
}

// ---- rows ----

/// Medians of the rounds, one function of the paired speeds each.
struct Rounds(Vec<[Speed; 2]>);

impl Rounds {
    fn median(&self, figure: impl Fn(&Speed, &Speed) -> f64) -> f64 {
        median(self.0.iter().map(|[ours, floor]| figure(ours, floor)).collect())
    }
}

/// Runs both in turn.
fn rounds(mut ours: impl FnMut() -> Speed, mut floor: impl FnMut() -> Speed) -> Rounds {
    Rounds(
        (0..ROUNDS)
            .map(|_| {
                let floor = floor();
                [ours(), floor]
            })
            .collect(),
    )
}

fn megabytes(speed: &Speed, bytes: usize) -> f64 {
    speed.requests_per_second * bytes as f64 / 1e6
}

/// CPU seconds for a GB.
fn cost(speed: &Speed, bytes: usize) -> f64 {
    speed.cpu_microseconds * 1e3 / bytes as f64
}

/// MB/s of a hash on one core.
fn alone(hash: impl Fn(&[u8])) -> f64 {
    let bytes = body(PART_BYTES);
    let began = Instant::now();
    (0..8).for_each(|_| hash(&bytes));
    8.0 * PART_BYTES as f64 / began.elapsed().as_secs_f64() / 1e6
}

fn parts_in() -> Vec<Figure> {
    let (server, floor) = (usual(&[]), floor());
    let (upload, part) = (upload_of(&server), body(PART_BYTES));
    let floor_part = part.clone();
    let put = move |connection: usize, number: usize| {
        // Each part of an upload is kept until the same number comes again.
        let path = format!("/b-1/k?partNumber={}&uploadId={upload}", connection * 4 + number % 4 + 1);
        Sent::new("PUT", &path, "", part.clone())
    };
    let put_floor = move |connection: usize, number: usize| {
        Sent::new("PUT", &format!("/{}", connection * 4 + number % 4), "", floor_part.clone())
    };
    let mut md5 = Vec::new();
    let rounds = rounds(
        || {
            md5.push(alone(|bytes| {
                std::hint::black_box(Md5::digest(bytes));
            }));
            drive(&server, 4, 96, put.clone())
        },
        || drive(&floor, 4, 96, put_floor.clone()),
    );
    let ours = rounds.median(|ours, _| cost(ours, PART_BYTES));
    let floors = rounds.median(|_, floor| cost(floor, PART_BYTES));
    let speeds = [
        rounds.median(|ours, _| megabytes(ours, PART_BYTES)),
        rounds.median(|_, floor| megabytes(floor, PART_BYTES)),
    ];
    let md5 = median(md5);
    vec![
        Figure {
            row: "P1",
            what: "Upload Part of 8 MiB, 4 connections: CPU per GB over hyper with MD5 that keeps",
            must: 1.15,
            side: AtMost,
            got: rounds.median(|ours, floor| ours.cpu_microseconds / floor.cpu_microseconds),
            detail: format!("{ours:.2} and {floors:.2} s/GB"),
        },
        Figure {
            row: "P2",
            what: "the same: throughput over that floor (s3s-fs has 0.95 of it)",
            must: 1.0,
            side: AtLeast,
            got: rounds.median(|ours, floor| ours.requests_per_second / floor.requests_per_second),
            detail: format!("{:.0} and {:.0} MB/s", speeds[0], speeds[1]),
        },
        Figure {
            row: "P3",
            what: "the same: MB for each second of CPU over MD5 alone on a core",
            must: 0.60,
            side: AtLeast,
            got: 1e3 / ours / md5,
            detail: format!("MD5 alone {md5:.0} MB/s"),
        },
    ]
}

fn archive_parts_in() -> Vec<Figure> {
    let (server, floor) = (usual(&["--vault", "v"]), floor());
    let bytes = body(PART_BYTES);
    let made = Sent::new(
        "POST",
        "/-/vaults/v/multipart-uploads",
        &format!("x-cas-part-size: {PART_BYTES}\r\n"),
        Bytes::new(),
    );
    let answer = once(&server, &made);
    let upload = between(&answer, "x-cas-multipart-upload-id: ", "\r\n").to_owned();
    let (linear, tree) = (Sha256::digest(&bytes), cos_emu::tree_hash::TreeHasher::of(&bytes));
    let linear: String = linear.iter().map(|byte| format!("{byte:02x}")).collect();
    let hashes = format!("x-cas-content-sha256: {linear}\r\nx-cas-sha256-tree-hash: {}\r\n", tree.root());
    let floor_bytes = bytes.clone();
    let put_floor = move |connection: usize, number: usize| {
        let path = format!("{}{}", floors::ARCHIVES, connection * 4 + number % 4);
        Sent::new("PUT", &path, "", floor_bytes.clone())
    };
    let put = move |connection: usize, number: usize| {
        let start = (connection * 4 + number % 4) * PART_BYTES;
        let lines = format!("Content-Range: bytes {start}-{}/*\r\n{hashes}", start + PART_BYTES - 1);
        Sent::new("PUT", &format!("/-/vaults/v/multipart-uploads/{upload}"), &lines, bytes.clone())
    };
    let rounds = rounds(|| drive(&server, 4, 96, put.clone()), || drive(&floor, 4, 96, put_floor.clone()));
    vec![Figure {
        row: "P4",
        what: "CAS Upload Part of 8 MiB, 4 connections: CPU per GB over hyper with the linear and the tree hash that keeps",
        must: 1.15,
        side: AtMost,
        got: rounds.median(|ours, floor| ours.cpu_microseconds / floor.cpu_microseconds),
        detail: format!(
            "{:.2} and {:.2} s/GB, {:.0} MB/s",
            rounds.median(|ours, _| cost(ours, PART_BYTES)),
            rounds.median(|_, floor| cost(floor, PART_BYTES)),
            rounds.median(|ours, _| megabytes(ours, PART_BYTES))
        ),
    }]
}

fn objects_out() -> Vec<Figure> {
    let (server, floor) = (usual(&[]), floor());
    once(&server, &Sent::new("PUT", "/b-1/big", "", body(PART_BYTES)));
    let get = |path: String| move |_: usize, _: usize| Sent::new("GET", &path, "", Bytes::new());
    let (ours, floors) = (get("/b-1/big".to_owned()), get(format!("/{PART_BYTES}")));
    let rounds = rounds(|| drive(&server, 4, 1500, ours.clone()), || drive(&floor, 4, 1500, floors.clone()));
    let costs =
        [rounds.median(|ours, _| cost(ours, PART_BYTES)), rounds.median(|_, floor| cost(floor, PART_BYTES))];
    vec![
        Figure {
            row: "P5",
            what: "Get Object of 8 MiB, 4 connections: throughput over a hyper source",
            must: 0.85,
            side: AtLeast,
            got: rounds.median(|ours, floor| ours.requests_per_second / floor.requests_per_second),
            detail: format!("{:.0} MB/s", rounds.median(|ours, _| megabytes(ours, PART_BYTES))),
        },
        Figure {
            row: "P5",
            what: "the same: CPU per GB",
            must: 1.2,
            side: AtMost,
            got: rounds.median(|ours, floor| ours.cpu_microseconds / floor.cpu_microseconds),
            detail: format!("{:.3} and {:.3} s/GB", costs[0], costs[1]),
        },
    ]
}

fn small_requests() -> Vec<Figure> {
    let (server, floor) = (usual(&[]), floor());
    let bytes = body(SMALL_BYTES);
    let put = |prefix: &'static str| {
        let bytes = bytes.clone();
        move |connection: usize, number: usize| {
            Sent::new("PUT", &format!("{prefix}{connection}-{}", number % 50), "", bytes.clone())
        }
    };
    let (ours, floors) = (put("/b-1/small-"), put("/small-"));
    let puts = rounds(
        || drive(&server, 16, SMALL_REQUESTS, ours.clone()),
        || drive(&floor, 16, SMALL_REQUESTS, floors.clone()),
    );
    let ours = move |connection: usize, number: usize| {
        Sent::new("GET", &format!("/b-1/small-{connection}-{}", number % 50), "", Bytes::new())
    };
    let floors = move |_: usize, _: usize| Sent::new("GET", &format!("/{SMALL_BYTES}"), "", Bytes::new());
    let gets =
        rounds(|| drive(&server, 16, SMALL_REQUESTS, ours), || drive(&floor, 16, SMALL_REQUESTS, floors));
    let detail = |rounds: &Rounds| {
        format!(
            "{:.0} and {:.0} a second; {:.1} and {:.1} µs of CPU",
            rounds.median(|ours, _| ours.requests_per_second),
            rounds.median(|_, floor| floor.requests_per_second),
            rounds.median(|ours, _| ours.cpu_microseconds),
            rounds.median(|_, floor| floor.cpu_microseconds)
        )
    };
    let tails = |rounds: &Rounds| {
        format!(
            "{:.0} and {:.0} µs",
            rounds.median(|ours, _| ours.p99_microseconds),
            rounds.median(|_, floor| floor.p99_microseconds)
        )
    };
    let ratio =
        |rounds: &Rounds| rounds.median(|ours, floor| ours.requests_per_second / floor.requests_per_second);
    let tail = |rounds: &Rounds| rounds.median(|ours, floor| ours.p99_microseconds / floor.p99_microseconds);
    let figure = |row, what, must, side, got, detail| Figure { row, what, must, side, got, detail };
    vec![
        figure(
            "P6",
            "Put Object of 1 KiB, 16 connections: requests a second over the floor",
            0.35,
            AtLeast,
            ratio(&puts),
            detail(&puts),
        ),
        figure(
            "P7",
            "Get Object of 1 KiB, 16 connections: requests a second over the floor",
            0.35,
            AtLeast,
            ratio(&gets),
            detail(&gets),
        ),
        figure("P8", "99th percentile of P6 over the floor's", 4.0, AtMost, tail(&puts), tails(&puts)),
        figure("P8", "99th percentile of P7 over the floor's", 4.0, AtMost, tail(&gets), tails(&gets)),
    ]
}

/// Signs a request that has nothing to be signed but its method and its path.
fn signed(method: &str, path: &str) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mac = |key: &str, text: &str| {
        let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("any key will do");
        mac.update(text.as_bytes());
        hex(&mac.finalize().into_bytes())
    };
    let time = "1000000000;4000000000";
    let request = hex(&Sha1::digest(format!("{}\n{path}\n\n\n", method.to_lowercase())));
    let signature = mac(&mac("cosemu", time), &format!("sha1\n{time}\n{request}\n"));
    format!(
        "Authorization: q-sign-algorithm=sha1&q-ak=AKIDcosemu&q-sign-time={time}&q-key-time={time}&q-header-list=\
         &q-url-param-list=&q-signature={signature}\r\n"
    )
}

fn added_costs() -> Vec<Figure> {
    let (bytes, path) = (body(SMALL_BYTES), "/b-1/small");
    let lines = signed("GET", path);
    let (one, two, three) =
        (usual(&[]), usual(&["--auth", "strict"]), cos_emu(&["--scenario-json", &rules(1000)]));
    for server in [&one, &two, &three] {
        once(server, &Sent::new("PUT", path, &signed("PUT", path), bytes.clone()));
    }
    let get = move |_: usize, _: usize| Sent::new("GET", path, &lines, Bytes::new());
    let (mut strict, mut ruled) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let [plain, checked, matched] = [&one, &two, &three]
            .map(|server| drive(server, 16, SMALL_REQUESTS, get.clone()).cpu_microseconds);
        strict.push(checked - plain);
        ruled.push(matched - plain);
    }
    vec![
        Figure {
            row: "P9",
            what: "`--auth strict`: added CPU per request, µs",
            must: 15.0,
            side: AtMost,
            got: median(strict),
            detail: String::new(),
        },
        Figure {
            row: "P15",
            what: "1,000 rules that do not match: added CPU per request, µs",
            must: 10.0,
            side: AtMost,
            got: median(ruled),
            detail: "against 20".to_owned(),
        },
    ]
}

fn start() -> Vec<Figure> {
    let answered = |start: &dyn Fn() -> Server, path: &str| {
        let sent = Sent::new("GET", path, "", Bytes::new());
        let began = Instant::now();
        let server = start();
        once(&server, &sent);
        (began.elapsed().as_secs_f64() * 1e3, server.memory("VmRSS") as f64 / MIB as f64)
    };
    let (mut ours, mut floors, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..4 * ROUNDS {
        floors.push(answered(&floor, "/0").0);
        let (time, memory) = answered(&|| cos_emu(&[]), "/_cos-emu/readyz");
        ours.push(time);
        idle.push(memory);
    }
    let ratio = median(ours.iter().zip(&floors).map(|(ours, floor)| ours / floor).collect());
    vec![
        Figure {
            row: "P10",
            what: "start to the first answer over hyper alone",
            must: 1.5,
            side: AtMost,
            got: ratio,
            detail: format!("{:.1} and {:.1} ms", median(ours), median(floors)),
        },
        Figure {
            row: "P11",
            what: "idle, resident, MiB",
            must: 10.0,
            side: AtMost,
            got: median(idle),
            detail: String::new(),
        },
    ]
}

fn peak_of_parts() -> Vec<Figure> {
    let parts = 256;
    let server = usual(&[]);
    let (upload, part) = (upload_of(&server), body(PART_BYTES));
    drive(&server, 4, parts, move |connection, number| {
        let part_number = connection * parts / 4 + number + 1;
        Sent::new("PUT", &format!("/b-1/k?partNumber={part_number}&uploadId={upload}"), "", part.clone())
    });
    let (peak, stored) = (server.memory("VmHWM") as f64, (parts * PART_BYTES) as f64);
    vec![Figure {
        row: "P12",
        what: "the most memory for 2 GiB in parts, over the bytes and 16 MiB",
        must: 1.04,
        side: AtMost,
        got: (peak - 16.0 * MIB as f64) / stored,
        detail: format!("{:.0} MiB beyond them", (peak - stored) / MIB as f64),
    }]
}

fn peak_of_a_spilled_part() -> Vec<Figure> {
    let (speed, beyond) = curves::spill_a_part(640);
    vec![Figure {
        row: "P13",
        what: "the most memory beyond the 64 MiB that may be stored while a part of 5 GiB is spilled, MiB",
        must: 64.0,
        side: AtMost,
        got: beyond,
        detail: format!("{speed:.0} MB/s"),
    }]
}

/// The static binary if it was made, else the one that is measured.
fn size() -> Vec<Figure> {
    let image = program().ancestors().nth(2).expect("it is in target/release").join("image/cos-emu");
    let (bytes, detail) = match image.metadata() {
        Ok(metadata) => (metadata.len(), "as `.ci/static` makes it"),
        Err(_) => {
            (program().metadata().expect("it is there").len(), "not static: `.ci/static` makes that one")
        }
    };
    vec![Figure {
        row: "P17",
        what: "static stripped binary, everything in it, MiB",
        must: 8.0,
        side: AtMost,
        got: bytes as f64 / MIB as f64,
        detail: detail.to_owned(),
    }]
}

fn completion() -> Vec<Figure> {
    let parts = 10_000;
    let setup = r#"{"version": 1, "name": "parts", "setup": {"buckets": {"b-1": {"objects":
        {"source": {"size": "10GiB", "content": "seeded"}}}}}}"#;
    let server = cos_emu(&["--scenario-json", setup]);
    let times = (0..ROUNDS).map(|_| curves::complete(&server, &upload_of(&server), parts).1).collect();
    vec![Figure {
        row: "P18",
        what: "completing 10,000 parts, ms",
        must: 50.0,
        side: AtMost,
        got: median(times),
        detail: "from the first byte of the list to the answer".to_owned(),
    }]
}

fn injected() -> Vec<Figure> {
    let (delay, rate) = (Duration::from_millis(50), 8e6);
    let server = cos_emu(&[
        "--scenario-json",
        r#"{"version": 1, "name": "slow", "rules": [
            {"id": "late", "when": {"key": "small"}, "do": {"delay": {"fixed": "50ms"}}},
            {"id": "thin", "when": {"key": "big"}, "do": {"throttle": {"rate": "8MB/s", "direction": "both"}}}]}"#,
    ]);
    let late: Vec<Duration> = runtime().block_on(async {
        let mut client = Client::connect(server.addr).await;
        let put = Sent::new("PUT", "/b-1/small", "", body(SMALL_BYTES));
        let mut late = Vec::new();
        for _ in 0..100 {
            let began = Instant::now();
            client.answered(&put).await;
            late.push(began.elapsed().abs_diff(delay));
        }
        late
    });
    let (put, get) =
        (Sent::new("PUT", "/b-1/big", "", body(PART_BYTES)), Sent::new("GET", "/b-1/big", "", Bytes::new()));
    let off: Vec<f64> = (0..ROUNDS)
        .flat_map(|_| [&put, &get])
        .map(|sent| {
            let began = Instant::now();
            once(&server, sent);
            (PART_BYTES as f64 / began.elapsed().as_secs_f64() / rate - 1.0).abs() * 100.0
        })
        .collect();
    vec![
        Figure {
            row: "P19",
            what: "a delay of 50 ms: 99th percentile of how far the answer is off, ms",
            must: 5.0,
            side: AtMost,
            got: percentile(late, 99).as_secs_f64() * 1e3,
            detail: String::new(),
        },
        Figure {
            row: "P19",
            what: "a rate of 8 MB/s, up and down: the most it is off, %",
            must: 5.0,
            side: AtMost,
            got: off.into_iter().fold(0.0, f64::max),
            detail: "8 MiB each".to_owned(),
        },
    ]
}

fn many_small_objects() -> Vec<Figure> {
    let objects = 100_000;
    let server = usual(&["--journal-entries", "0"]);
    let (before, bytes) = (server.memory("VmRSS"), body(SMALL_BYTES));
    drive(&server, 16, objects, move |connection, number| {
        Sent::new("PUT", &format!("/b-1/{connection}/{number}"), "", bytes.clone())
    });
    let each = (server.memory("VmRSS") - before) as f64 / objects as f64;
    vec![Figure {
        row: "P14",
        what: "100,000 objects of 1 KiB: memory for each, KiB",
        must: 2.0,
        side: AtMost,
        got: each / 1024.0,
        detail: "without a journal".to_owned(),
    }]
}

fn beside_uploads() -> Vec<Figure> {
    let server = usual(&[]);
    let (upload, part) = (upload_of(&server), body(PART_BYTES));
    once(&server, &Sent::new("PUT", "/b-1/small", "", body(SMALL_BYTES)));
    let uploading = Arc::new(AtomicBool::new(true));
    let latencies = std::thread::scope(|scope| {
        scope.spawn(|| {
            runtime().block_on(async {
                let mut clients = JoinSet::new();
                for number in 1..=4 {
                    let path = format!("/b-1/k?partNumber={number}&uploadId={upload}");
                    let sent = Sent::new("PUT", &path, "", part.clone());
                    let (addr, uploading) = (server.addr, uploading.clone());
                    clients.spawn(async move {
                        let mut client = Client::connect(addr).await;
                        while uploading.load(Ordering::Relaxed) {
                            client.answered(&sent).await;
                        }
                    });
                }
                clients.join_all().await
            })
        });
        let latencies = open_loop(&server, 1000, Duration::from_secs(5));
        uploading.store(false, Ordering::Relaxed);
        latencies
    });
    vec![Figure {
        row: "P16",
        what: "1,000 Get Object of 1 KiB a second beside 4 uploads: 99th percentile from the intended start, ms",
        must: 20.0,
        side: AtMost,
        got: percentile(latencies, 99).as_secs_f64() * 1e3,
        detail: "open loop".to_owned(),
    }]
}

/// Asks so often a second, whether or not the answers before have come; the times are counted from when each was to be sent.
fn open_loop(server: &Server, per_second: u32, time: Duration) -> Vec<Duration> {
    const CONNECTIONS: u32 = 16;
    let addr = server.addr;
    runtime().block_on(async move {
        let began = Instant::now();
        let mut clients = JoinSet::new();
        for connection in 0..CONNECTIONS {
            clients.spawn(async move {
                let mut client = Client::connect(addr).await;
                let sent = Sent::new("GET", "/b-1/small", "", Bytes::new());
                let mut latencies = Vec::new();
                for number in 0.. {
                    let intended =
                        began + Duration::from_secs(1) * (number * CONNECTIONS + connection) / per_second;
                    if intended - began > time {
                        break;
                    }
                    tokio::time::sleep_until(intended.into()).await;
                    client.answered(&sent).await;
                    latencies.push(intended.elapsed());
                }
                latencies
            });
        }
        clients.join_all().await.concat()
    })
}
