//! What archives cost: `cargo bench --bench archive`.
//!
//! The linear and the tree hash of one pass may take 10 % more than the two hashes alone, on one core and on all of them. An
//! inventory of a vault with 1,000,000 archives is read page by page. Ratios are medians of paired runs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use cos_emu::benching::{
    Change, Content, Context, Hasher, Head, Identity, Query, Received, Store, Version, Wanted, cas,
};
use cos_emu::tree_hash::TreeHasher;
use cos_emu::{Config, Seed, Timestamp};
use sha2::{Digest as _, Sha256};

const MIB: usize = 1 << 20;
const CHUNK: usize = 8 * MIB;
/// What a body is hashed in, between two looks at other tasks.
const STEP: usize = 256 << 10;
const ROUNDS: usize = 15;
const ARCHIVES: usize = 1_000_000;

fn main() {
    let chunk: Vec<u8> = (0..CHUNK).map(|index| ((index * 31 + 7) % 251) as u8).collect();
    passes(&chunk);
    inventory();
}

/// The two hashes, each by itself, of bytes in steps.
fn alone(chunk: &[u8]) {
    let mut linear = Sha256::new();
    chunk.chunks(STEP).for_each(|step| linear.update(step));
    black_box(linear.finalize());
    let mut tree = TreeHasher::new();
    chunk.chunks(STEP).for_each(|step| tree.update(step));
    black_box(tree.finish());
}

fn one_pass(chunk: &[u8]) {
    let mut hasher = Hasher::new(Wanted { sha256_and_tree: true, ..Wanted::default() });
    chunk.chunks(STEP).for_each(|step| hasher.update(step));
    black_box(hasher.finish());
}

/// How long so many threads take that each hash so many chunks.
fn time(threads: usize, chunks: usize, chunk: &[u8], hash: fn(&[u8])) -> Duration {
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..chunks).for_each(|_| hash(chunk)));
        }
    });
    started.elapsed()
}

fn passes(chunk: &[u8]) {
    println!("linear and tree hash of chunks of 8 MiB, {ROUNDS} paired rounds");
    for threads in [1, std::thread::available_parallelism().map_or(1, usize::from)] {
        let (mut ratios, mut rates) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let [alone, together] =
                [alone as fn(&[u8]), one_pass].map(|hash| time(threads, 8, chunk, hash).as_secs_f64());
            ratios.push(together / alone);
            rates.push((threads * 8 * CHUNK) as f64 / together / 1e6);
        }
        let (rate, ratio) = (median(rates), median(ratios));
        println!(
            "  {threads} threads: {rate:.0} MB/s in one pass, {ratio:.3} times the time of the two alone (at most 1.10)"
        );
    }
}

fn inventory() {
    println!("\nthe inventory of a vault with {ARCHIVES} archives, in jobs of 10,000");
    let before = resident_bytes();
    let (mut store, account) = (Store::default(), Config::default().account);
    let now = Timestamp::from_unix_seconds(1_700_000_000);
    store.apply(Change::CreateVault { vault: "v".to_owned(), region: "ap-chengdu".to_owned(), now });
    let tree = TreeHasher::of(b"x");
    for number in 0..ARCHIVES {
        store.apply(Change::PutArchive {
            vault: "v".to_owned(),
            archive: format!("{:064x}{number:064}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            content: Content::default(),
            tree: tree.clone(),
            description: Some("one of a million".to_owned()),
            now,
        });
    }
    println!("  {} bytes for each archive without its bytes", (resident_bytes() - before) / ARCHIVES as u64);
    for format in ["JSON", "CSV"] {
        let mut times = Vec::new();
        let (mut marker, mut total, mut archives) = (String::new(), 0, 0);
        loop {
            let parameters = format!(r#"{{"Marker": "{marker}"}}"#);
            let body = format!(
                r#"{{"Type": "inventory-retrieval", "Format": "{format}", "InventoryRetrievalParameters": {parameters}}}"#
            );
            let started = Instant::now();
            let job = answer(&mut store, &account, "POST", "/-/vaults/v/jobs", &body, archives);
            times.push(started.elapsed().as_secs_f64() * 1e3);
            let path = format!("/-/vaults/v/jobs/{}", job.0);
            let described = answer(&mut store, &account, "GET", &path, "", archives).1;
            total += answer(&mut store, &account, "GET", &format!("{path}/output"), "", archives).1.len();
            let described: serde_json::Value = serde_json::from_str(&described).expect("it is JSON");
            archives += 10_000;
            match described["InventoryRetrievalParameters"]["Marker"].as_str() {
                Some(next) => marker = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(archives, ARCHIVES);
        times.sort_by(f64::total_cmp);
        let (middle, slowest) = (times[times.len() / 2], times[times.len() - 1]);
        println!(
            "  {format}: {} jobs, {total} bytes, {middle:.1} ms each, {slowest:.1} ms the slowest",
            times.len()
        );
    }
}

/// The job id and the body of an answer, after what it changes was applied.
fn answer(
    store: &mut Store,
    account: &cos_emu::Account,
    method: &str,
    path: &str,
    body: &str,
    number: usize,
) -> (String, String) {
    let head = Head {
        method: method.parse().expect("it is a method"),
        version: Version::Http11,
        authority: None,
        path: path.to_owned(),
        query: Query::parse(""),
        headers: http::HeaderMap::new(),
    };
    let target = cas::route(&head, None).expect("it is an operation");
    let context = Context::of_owner(
        Timestamp::from_unix_seconds(1_700_000_001),
        Identity::new(Seed(7), 1, number as u32),
        account,
    );
    let received = Received { content: body.to_owned().into(), ..Received::default() };
    let outcome = cas::handle(&target, &head, &received, store, &context);
    outcome.changes.into_iter().for_each(|change| store.apply(change));
    let job =
        outcome.reply.header("x-cas-job-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    (job, String::from_utf8_lossy(&outcome.reply.body.to_bytes()).into_owned())
}

/// The resident memory of this process.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("it has a number") * 4096
}

/// The middle one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
