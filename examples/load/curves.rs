//! How figures change with the size of what they depend on: `cargo run --release --example load -- curves`.
//!
//! A line of the output is a point: the name of the picture, that of the curve, x and y, with tabs between.

use std::time::{Duration, Instant};

use super::{MIB, PART_BYTES, SMALL_BYTES, between, body, cos_emu, once, rules, upload_of};
use crate::driver::{Client, Sent, Server, drive, median, runtime};
use bytes::Bytes;

fn point(picture: &str, curve: &str, x: usize, y: f64) {
    println!("{picture}\t{curve}\t{x}\t{y:.4}");
}

/// Draws all of them.
pub fn run() {
    rlimit::increase_nofile_limit(u64::MAX).expect("the limit can be raised");
    connections();
    objects();
    parts();
    idle_connections();
    part_sizes();
    worlds();
}

fn put_small(connection: usize, number: usize, bytes: &Bytes) -> Sent {
    Sent::new("PUT", &format!("/b-1/{connection}-{}", number % 50), "", bytes.clone())
}

fn get(path: String) -> Sent {
    Sent::new("GET", &path, "", Bytes::new())
}

/// Throughput by connections, on one core and on two; the clients share them.
fn connections() {
    for cores in [1, 2] {
        let server = cos_emu(&["--scenario-json", &rules(20), "--max-memory", "6GiB"]);
        if cores == 1 {
            server.only_on_the_first_core();
        }
        let (upload, part, small) = (upload_of(&server), body(PART_BYTES), body(SMALL_BYTES));
        once(&server, &Sent::new("PUT", "/b-1/big", "", part.clone()));
        for connections in [1, 2, 4, 8, 16, 32, 64] {
            let large = 64.max(connections);
            let (upload, part, small) = (upload.clone(), part.clone(), small.clone());
            let puts = drive(&server, connections, large, move |connection, number| {
                let number = connection * 2 + number % 2 + 1;
                let path = format!("/b-1/k?partNumber={number}&uploadId={upload}");
                Sent::new("PUT", &path, "", part.clone())
            });
            let gets = drive(&server, connections, 4 * large, |_, _| get("/b-1/big".to_owned()));
            let small_puts = drive(&server, connections, 12_800, move |connection, number| {
                put_small(connection, number, &small)
            });
            let small_gets = drive(&server, connections, 12_800, |connection, number| {
                get(format!("/b-1/{connection}-{}", number % 50))
            });
            let rate = |requests: f64| requests * PART_BYTES as f64 / 1e6;
            let curve = |what: &str| format!("{what}, {cores} core{}", if cores == 1 { "" } else { "s" });
            point("connections-large", &curve("parts in"), connections, rate(puts.requests_per_second));
            point("connections-large", &curve("objects out"), connections, rate(gets.requests_per_second));
            point("connections-small", &curve("put 1 KiB"), connections, small_puts.requests_per_second);
            point("connections-small", &curve("get 1 KiB"), connections, small_gets.requests_per_second);
        }
    }
}

/// Rates and memory by how many objects there are.
fn objects() {
    let server = cos_emu(&["--max-memory", "6GiB", "--journal-entries", "0"]);
    let (idle, bytes) = (server.memory("VmRSS"), body(SMALL_BYTES));
    let mut stored = 0;
    for count in [1000, 10_000, 100_000, 1_000_000] {
        let (first, each) = (stored / 16, (count - stored) / 16);
        let bytes = bytes.clone();
        let puts = drive(&server, 16, count - stored, move |connection, number| {
            Sent::new("PUT", &format!("/b-1/{connection}/{}", first + number), "", bytes.clone())
        });
        stored += each * 16;
        let gets = drive(&server, 16, 16_000, move |connection, number| {
            // Far apart, so that none is in a cache because of the one before.
            get(format!("/b-1/{connection}/{}", (first + number * 7919) % (first + each)))
        });
        point("objects-rate", "put 1 KiB", count, puts.requests_per_second);
        point("objects-rate", "get 1 KiB", count, gets.requests_per_second);
        let each = (server.memory("VmRSS") - idle) as f64 / stored as f64;
        point("objects-memory", "bytes for each object of 1 KiB", count, each);
    }
}

/// Time by how many parts an upload has.
fn parts() {
    let setup = r#"{"version": 1, "name": "parts", "setup": {"buckets": {"b-1": {"objects":
        {"source": {"size": "10GiB", "content": "seeded"}}}}}}"#;
    let server = cos_emu(&["--scenario-json", setup]);
    for parts in [10, 100, 1000, 10_000] {
        let upload = upload_of(&server);
        let (list, completed, listed) = complete(&server, &upload, parts);
        point("parts", "complete", parts, completed);
        point("parts", "list parts, a page of 1,000", parts, listed);
        point("parts", "size of the list, KiB", parts, list as f64 / 1024.0);
    }
}

/// Copies so many parts of 1 MiB and completes the upload. Says how long its list was, and how many milliseconds it took, and a
/// page of the list of parts before.
pub fn complete(server: &Server, upload: &str, parts: usize) -> (usize, f64, f64) {
    let mut list = String::from("<CompleteMultipartUpload>");
    let milliseconds = |began: Instant| began.elapsed().as_secs_f64() * 1e3;
    runtime().block_on(async {
        let mut client = Client::connect(server.addr).await;
        for part in 1..=parts {
            let start = (part - 1) * MIB;
            let lines = format!(
                "x-cos-copy-source: b-1.cos.ap-guangzhou.myqcloud.com/source\r\nx-cos-copy-source-range: bytes={start}-{}\r\n",
                start + MIB - 1
            );
            let path = format!("/b-1/k?partNumber={part}&uploadId={upload}");
            let answer = client.answered(&Sent::new("PUT", &path, &lines, Bytes::new())).await;
            let etag = between(&answer, "<ETag>", "</ETag>");
            list += &format!("<Part><PartNumber>{part}</PartNumber><ETag>{etag}</ETag></Part>");
        }
        list += "</CompleteMultipartUpload>";
        let length = list.len();
        let began = Instant::now();
        client.answered(&get(format!("/b-1/k?uploadId={upload}"))).await;
        let listed = milliseconds(began);
        let sent = Sent::new("POST", &format!("/b-1/k?uploadId={upload}"), "", list.into());
        let began = Instant::now();
        client.answered(&sent).await;
        (length, milliseconds(began), listed)
    })
}

/// Memory, and the time of a request beside them, by how many connections do nothing.
fn idle_connections() {
    let server = cos_emu(&[]);
    once(&server, &Sent::new("PUT", "/b-1/small", "", body(SMALL_BYTES)));
    let before = server.memory("VmRSS");
    runtime().block_on(async {
        let mut idle = Vec::new();
        let mut busy = Client::connect(server.addr).await;
        for count in [10, 100, 1000, 10_000] {
            while idle.len() < count {
                let mut client = Client::connected(server.addr, 1024).await.expect("it listens");
                client.answered(&get("/b-1?location".to_owned())).await;
                idle.push(client);
            }
            let each = server.memory("VmRSS").saturating_sub(before) as f64 / count as f64;
            point("idle-memory", "KiB for each connection", count, each / 1024.0);
            let mut times = Vec::new();
            for _ in 0..500 {
                let began = Instant::now();
                busy.answered(&get("/b-1/small".to_owned())).await;
                times.push(began.elapsed().as_secs_f64() * 1e6);
            }
            point("idle-time", "get 1 KiB beside them, median", count, median(times));
        }
    });
}

/// Speed and memory by the length of a part that is spilled.
fn part_sizes() {
    for pieces in [8, 64, 160, 640] {
        let (speed, beyond) = spill_a_part(pieces);
        let length = pieces * PART_BYTES / MIB;
        point("part-speed", "one part, one connection", length, speed);
        point("part-memory", "MiB beyond the 64 that may be stored", length, beyond);
    }
}

/// Sends one part of so many times 8 MiB to a server that may hold 64 MiB. Says how many MB of it went in a second, and the most
/// MiB that the server had beyond what it may hold.
pub fn spill_a_part(pieces: usize) -> (f64, f64) {
    let server = cos_emu(&["--scenario-json", &rules(20), "--max-memory", "64MiB"]);
    let (upload, bytes, length) = (upload_of(&server), body(PART_BYTES), pieces * PART_BYTES);
    let path = format!("/b-1/k?partNumber=1&uploadId={upload}");
    let head = format!("PUT {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n");
    let began = Instant::now();
    runtime().block_on(async {
        Client::connect(server.addr).await.answered_to_many(head.as_bytes(), &bytes, pieces).await
    });
    let speed = length as f64 / 1e6 / began.elapsed().as_secs_f64();
    (speed, (server.memory("VmHWM") as f64 - length.min(64 * MIB) as f64) / MIB as f64)
}

/// Time and memory by how many worlds there are.
fn worlds() {
    let server = cos_emu(&[]);
    let before = server.memory("VmRSS");
    runtime().block_on(async {
        let mut client = Client::connect(server.addr).await;
        let mut made = 0;
        for count in [1, 10, 100, 1000] {
            let began = Instant::now();
            let more = count - made;
            while made < count {
                let scenario = format!(
                    r#"{{"version": 1, "name": "world {made}", "claim": {{"client": "AKID{made}"}}, "rules":
                        [{{"id": "r", "when": {{"op": "PutObject"}}, "do": {{"error": "SlowDown"}}}}]}}"#
                );
                let path = "/_cos-emu/v1/scenarios";
                client.answered(&Sent::new("POST", path, "", scenario.into())).await;
                made += 1;
            }
            point("worlds-time", "make another", count, began.elapsed().as_secs_f64() * 1e6 / more as f64);
            let each = server.memory("VmRSS").saturating_sub(before) as f64 / count as f64;
            point("worlds-memory", "KiB for each world", count, each / 1024.0);
            let mut times = Vec::new();
            for _ in 0..200 {
                tokio::time::sleep(Duration::from_millis(1)).await;
                let began = Instant::now();
                client.answered(&get("/b-1?location".to_owned())).await;
                times.push(began.elapsed().as_secs_f64() * 1e6);
            }
            point("worlds-time", "a request to one of them, median", count, median(times));
        }
    });
}
