//! What a list of objects costs in a bucket of 1,000,000 keys, and what the keys cost in memory: `cargo bench --bench listing`.
//!
//! A page of 1,000 may take 5 ms whatever the marker, the prefix and the delimiter; an empty object may take 400 bytes.
//! A row has the median of a hundred pages, from the routed request to the document.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cos_emu::benching::{
    Change, Content, Context, Etag, Head, Identity, Metadata, Object, ObjectKind, Query, Received, Store,
    Version, VersionId, cos,
};
use cos_emu::{Config, Seed, Timestamp};

const BUCKET: &str = "demo-1250000000";
/// Directories of directories of keys: a million in all.
const SIZES: [usize; 3] = [1000, 10, 100];
const ROUNDS: usize = 100;

fn main() {
    let before = resident_bytes();
    let store = full();
    let keys = SIZES.iter().product::<usize>();
    let each = (resident_bytes() - before) / keys as u64;
    println!("{keys} empty objects: {each} bytes each (at most 400)\n");
    println!("{:<52} {:>8} {:>9} {:>9}", "page", "entries", "median", "slowest");
    for query in [
        "",
        "marker=dir500/sub5/key50",
        "marker=dir999/sub9/key0",
        "prefix=dir500/",
        "prefix=dir500/sub5/key5",
        "delimiter=/",
        "delimiter=/&marker=dir500/",
        "prefix=dir500/&delimiter=/",
        "delimiter=y",
        "encoding-type=url&marker=dir500/",
        "versions",
        "versions&delimiter=/",
        "versions&key-marker=dir500/sub5/key50&version-id-marker=null",
    ] {
        let (entries, times) = pages(&store, query);
        let [median, slowest] = [times[ROUNDS / 2], times[ROUNDS - 1]].map(|time| time.as_secs_f64() * 1e3);
        println!("{query:<52} {entries:>8} {median:>6.2} ms {slowest:>6.2} ms");
    }
}

/// The resident memory of this process.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("it has a number") * 4096
}

fn full() -> Store {
    let now = Timestamp::from_unix_seconds(1_700_000_000);
    let mut store = Store::default();
    store.apply(Change::CreateBucket { bucket: BUCKET.to_owned(), region: "ap-guangzhou".to_owned(), now });
    for directory in 0..SIZES[0] {
        for below in 0..SIZES[1] {
            for key in 0..SIZES[2] {
                let object = Object {
                    content: Content::default(),
                    etag: Etag::Md5(cos_emu::benching::md5(b"")),
                    crc64: cos_emu::benching::Crc64::EMPTY,
                    modified: now,
                    metadata: Metadata {
                        headers: Box::new([("Content-Type".into(), "application/octet-stream".into())]),
                        details: None,
                    },
                    kind: ObjectKind::Normal,
                };
                store.apply(Change::PutObject {
                    bucket: BUCKET.to_owned(),
                    key: format!("dir{directory:03}/sub{below}/key{key}"),
                    version: VersionId::Null,
                    object: Arc::new(object),
                });
            }
        }
    }
    store
}

/// How many entries a page has, and how long it took each time, the fastest first.
fn pages(store: &Store, query: &str) -> (usize, Vec<Duration>) {
    let head = Head {
        method: http::Method::GET,
        version: Version::Http11,
        authority: None,
        path: format!("/{BUCKET}/"),
        query: Query::parse(query),
        headers: http::HeaderMap::new(),
    };
    let account = Config::default().account;
    let target = cos::route(&head, &account).expect("it is a list");
    let now = Timestamp::from_unix_seconds(1_700_000_000);
    let context = Context::of_owner(now, Identity::new(Seed(7), 1, 1), &account);
    let mut entries = 0;
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            let outcome = cos::handle(&target, &head, &Received::default(), store, &context);
            let time = started.elapsed();
            let document = outcome.reply.body.to_bytes();
            let text = String::from_utf8_lossy(&document).into_owned();
            entries = ["<Contents>", "<CommonPrefixes>", "<Version>"]
                .iter()
                .map(|name| text.matches(name).count())
                .sum();
            time
        })
        .collect();
    times.sort();
    (entries, times)
}
