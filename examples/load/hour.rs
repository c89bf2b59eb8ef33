//! An hour of mixed use of both services while a scenario disturbs them:
//! `cargo run --release --example load -- hour [seconds]`. Bounded in rate, so that other work can go on beside it.
//!
//! Each client knows what its keys and archives hold and repeats what fails. Now and then it empties its vault, deletes it and
//! makes it anew: as long as there is a vault, its jobs keep what they brought. In the end everything is read back, compared
//! and deleted; memory and descriptors of the server are looked at every ten seconds, and when all is gone.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use crate::MIB;
use crate::driver::{Answer, Client, Sent, Server, runtime};

const CLIENTS: usize = 16;
/// How many keys each client goes about with.
const KEYS: u32 = 60;
/// What a client does between two pauses is one step; of all clients together so many a second.
const STEPS_PER_SECOND: u64 = 200;
/// So many steps of a client lie between two vaults.
const STEPS_OF_A_VAULT: u64 = 500;
/// A request is repeated so often before that is called a failure of the server.
const ATTEMPTS: u32 = 30;
/// When to give a connection up.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is free goes back to the system in ten seconds.
const SETTLING: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Every kind of end: before, in and after the body, and in the answer; refusals, wrong bytes, lateness.
pub const FAULTS: &str = r#"{
  "version": 1, "name": "hour", "seed": "0x3600",
  "server": { "jobs": { "complete": "immediately" }, "cas": { "inventory": "live" } },
  "rules": [
    { "id": "late", "when": { "op": "@any" }, "fire": { "probability": 0.02 }, "continue": true,
      "do": { "delay": { "uniform": ["5ms", "100ms"] } } },
    { "id": "reset-head", "when": { "op": "@any" }, "fire": { "probability": 0.005 }, "do": { "reset": { "at": "head" } } },
    { "id": "reset-upload", "when": { "op": ["PutObject", "UploadPart", "UploadArchive"] },
      "fire": { "probability": 0.02 }, "do": { "reset": { "at": "upload", "offset": "50%" } } },
    { "id": "lost-answer", "when": { "op": ["PutObject", "UploadPart", "CompleteMultipartUpload", "UploadArchive", "DeleteObject"] },
      "fire": { "probability": 0.01 }, "apply": "yes", "do": { "reset": { "at": "reply" } } },
    { "id": "busy", "when": { "service": "cos" }, "fire": { "probability": 0.02 }, "do": { "error": "SlowDown" } },
    { "id": "busy-cas", "when": { "service": "cas" }, "fire": { "probability": 0.02 }, "do": { "error": "ServiceUnavailableException" } },
    { "id": "cut", "when": { "op": ["GetObject", "GetJobOutput"] }, "fire": { "probability": 0.02 },
      "do": { "truncate": { "keep": "50%" } } },
    { "id": "wrong-byte", "when": { "op": "GetObject" }, "fire": { "probability": 0.01 },
      "do": { "corrupt": { "offset": 3, "how": "flip" } } },
    { "id": "stall", "when": { "op": "@any" }, "fire": { "probability": 0.0005 },
      "do": { "stall": { "at": "reply", "for": "2s" } } }
  ]
}"#;

/// What was asked and what came of it.
#[derive(Default)]
struct Tally {
    requests: AtomicU64,
    broken: AtomicU64,
    refused: AtomicU64,
    wrong: AtomicU64,
    steps: AtomicU64,
    /// Archives whose id got lost with the answer.
    lost_archives: AtomicU64,
}

impl Tally {
    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Bytes that can be told from others by where they start in what all are cut from.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Content {
    start: usize,
    length: usize,
}

/// One who uses the server.
struct User {
    number: usize,
    server: Arc<Server>,
    tally: Arc<Tally>,
    source: Bytes,
    chance: ChaCha8Rng,
    client: Option<Client>,
    objects: BTreeMap<String, Content>,
    archives: BTreeMap<String, Content>,
}

impl User {
    async fn attempt(&mut self, sent: &Sent) -> Option<Answer> {
        Tally::count(&self.tally.requests);
        let addr = self.server.addr;
        let exchange = async {
            let mut client = match self.client.take() {
                Some(client) => client,
                None => Client::connected(addr, 64 << 10).await?,
            };
            let answer = client.asked(sent).await?;
            if !answer.head.to_ascii_lowercase().contains("connection: close") {
                self.client = Some(client);
            }
            std::io::Result::Ok(answer)
        };
        match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(Ok(answer)) if answer.status < 500 => Some(answer),
            Ok(Ok(answer)) => {
                let text = String::from_utf8_lossy(&answer.body);
                let ordered = sent.head.starts_with(b"HEAD ")
                    || text.contains("SlowDown")
                    || text.contains("ServiceUnavailableException");
                assert!(ordered, "no rule has that: {}{text}", answer.head);
                Tally::count(&self.tally.refused);
                None
            }
            Ok(Err(_)) | Err(_) => {
                Tally::count(&self.tally.broken);
                None
            }
        }
    }

    /// Asks until there is an answer that is no refusal and pleases.
    async fn insist(&mut self, sent: &Sent, pleases: impl Fn(&Answer) -> bool) -> Answer {
        for _ in 0..ATTEMPTS {
            if let Some(answer) = self.attempt(sent).await {
                if pleases(&answer) {
                    return answer;
                }
                Tally::count(&self.tally.wrong);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} times in vain: {}", ATTEMPTS, String::from_utf8_lossy(&sent.head));
    }

    async fn ask(&mut self, method: &str, path: &str, lines: &str, body: Bytes, wanted: &[u16]) -> Answer {
        let wanted = wanted.to_vec();
        let sent = Sent::new(method, path, lines, body);
        self.insist(&sent, move |answer| {
            assert!(
                wanted.contains(&answer.status),
                "{}{}",
                answer.head,
                String::from_utf8_lossy(&answer.body)
            );
            true
        })
        .await
    }

    fn content(&mut self) -> Content {
        let length = match self.chance.random_range(0..100) {
            0..70 => self.chance.random_range(0..64 << 10),
            70..97 => self.chance.random_range(64 << 10..MIB),
            _ => self.chance.random_range(MIB..6 * MIB),
        };
        self.content_of(length)
    }

    fn content_of(&mut self, length: usize) -> Content {
        Content { start: self.chance.random_range(0..self.source.len() - length), length }
    }

    fn bytes(&self, content: Content) -> Bytes {
        self.source.slice(content.start..content.start + content.length)
    }

    fn some_key(&mut self) -> String {
        format!("/b-1/{}/{}", self.number, self.chance.random_range(0..KEYS))
    }

    async fn step(&mut self) {
        Tally::count(&self.tally.steps);
        let key = self.some_key();
        match self.chance.random_range(0..100) {
            0..35 => {
                let content = self.content();
                self.ask("PUT", &key, "", self.bytes(content), &[200]).await;
                self.objects.insert(key, content);
            }
            35..65 => self.compare(&key).await,
            65..75 => {
                self.ask("DELETE", &key, "", Bytes::new(), &[204]).await;
                self.objects.remove(&key);
            }
            75..80 => self.list().await,
            80..88 => self.in_parts(key).await,
            88..95 => self.archive().await,
            _ => self.retrieve().await,
        }
    }

    /// Reads a key, all of it or a range, and compares.
    async fn compare(&mut self, key: &str) {
        let Some(&content) = self.objects.get(key) else {
            self.ask("GET", key, "", Bytes::new(), &[404]).await;
            return;
        };
        let bytes = self.bytes(content);
        if content.length > 2 && self.chance.random_bool(0.3) {
            let start = self.chance.random_range(0..content.length - 1);
            let range = Sent::new("GET", key, &format!("Range: bytes={start}-\r\n"), Bytes::new());
            self.insist(&range, |answer| answer.status == 206 && answer.body == bytes[start..]).await;
        } else {
            let whole = Sent::new("GET", key, "", Bytes::new());
            self.insist(&whole, |answer| answer.status == 200 && answer.body == bytes).await;
        }
    }

    async fn list(&mut self) {
        let path = format!("/b-1?prefix={}/&max-keys=1000", self.number);
        let answer = self.ask("GET", &path, "", Bytes::new(), &[200]).await;
        let text = String::from_utf8_lossy(&answer.body);
        let listed: Vec<&str> = every(&text, "<Key>", "</Key>").collect();
        let known: Vec<&str> = self.objects.keys().map(|key| key.trim_start_matches("/b-1/")).collect();
        assert_eq!(listed, known, "a list that is not what was stored");
    }

    async fn in_parts(&mut self, key: String) {
        let answer = self.ask("POST", &format!("{key}?uploads"), "", Bytes::new(), &[200]).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let upload = every(&text, "<UploadId>", "</UploadId>").next().expect("it has an id").to_owned();
        let count = self.chance.random_range(1..4);
        let last = self.chance.random_range(1..MIB);
        let whole = self.content_of(count * MIB + last);
        let mut parts = String::new();
        for number in 0..=count {
            let start = whole.start + number * MIB;
            let length = if number == count { last } else { MIB };
            let part = self.bytes(Content { start, length });
            let path = format!("{key}?partNumber={}&uploadId={upload}", number + 1);
            let answer = self.ask("PUT", &path, "", part, &[200]).await;
            let etag = header(&answer.head, "etag");
            parts += &format!("<Part><PartNumber>{}</PartNumber><ETag>{etag}</ETag></Part>", number + 1);
        }
        let path = format!("{key}?uploadId={upload}");
        if self.chance.random_bool(0.2) {
            // The answer of an earlier attempt may have been lost.
            self.ask("DELETE", &path, "", Bytes::new(), &[204, 404]).await;
            return;
        }
        let list = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        self.ask("POST", &path, "", list.into(), &[200, 404]).await;
        self.objects.insert(key.clone(), whole);
        self.compare(&key).await;
    }

    async fn archive(&mut self) {
        if self.archives.len() > 10 {
            let (id, _) = self.archives.pop_first().expect("there are ten");
            let path = self.in_vault(&format!("archives/{id}"));
            self.ask("DELETE", &path, "", Bytes::new(), &[204, 404]).await;
            return;
        }
        let length = self.chance.random_range(1..MIB);
        let content = self.content_of(length);
        let bytes = self.bytes(content);
        // Up to 1 MiB the tree hash is the linear one.
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let lines = format!("x-cas-content-sha256: {hash}\r\nx-cas-sha256-tree-hash: {hash}\r\n");
        let answer = self.ask("POST", &self.in_vault("archives"), &lines, bytes, &[201]).await;
        self.archives.insert(header(&answer.head, "x-cas-archive-id").to_owned(), content);
    }

    /// Has an archive brought and compares.
    async fn retrieve(&mut self) {
        let Some((id, &content)) = self.archives.iter().next() else { return };
        let asked = format!(r#"{{"Type": "archive-retrieval", "ArchiveId": "{id}"}}"#);
        let output = self.job(asked).await;
        let bytes = self.bytes(content);
        let sent = Sent::new("GET", &output, "", Bytes::new());
        self.insist(&sent, |answer| answer.status == 200 && answer.body == bytes).await;
    }

    /// Starts a job, and says where its output is.
    async fn job(&mut self, asked: String) -> String {
        let answer = self.ask("POST", &self.in_vault("jobs"), "", asked.into(), &[202]).await;
        self.in_vault(&format!("jobs/{}/output", header(&answer.head, "x-cas-job-id")))
    }

    fn in_vault(&self, path: &str) -> String {
        format!("/-/vaults/v{}/{path}", self.number)
    }

    async fn create_vault(&mut self) {
        self.ask("PUT", &format!("/-/vaults/v{}", self.number), "", Bytes::new(), &[201]).await;
    }

    /// Deletes all archives that the vault says it has, which are those that are known and those whose answer was lost, and the vault.
    async fn delete_vault(&mut self) {
        let output = self.job(r#"{"Type": "inventory-retrieval"}"#.to_owned()).await;
        let sent = Sent::new("GET", &output, "", Bytes::new());
        let answer = self.insist(&sent, |answer| serde_json::from_slice::<Value>(&answer.body).is_ok()).await;
        let inventory: Value = serde_json::from_slice(&answer.body).expect("it was looked at");
        for archive in inventory["ArchiveList"].as_array().expect("a list") {
            let id = archive["ArchiveId"].as_str().expect("an id");
            if self.archives.remove(id).is_none() {
                Tally::count(&self.tally.lost_archives);
            }
            let path = self.in_vault(&format!("archives/{id}"));
            self.ask("DELETE", &path, "", Bytes::new(), &[204, 404]).await;
        }
        assert!(self.archives.is_empty(), "archives that the vault has lost: {:?}", self.archives);
        self.ask("DELETE", &format!("/-/vaults/v{}", self.number), "", Bytes::new(), &[204]).await;
    }

    /// Compares everything that this one stored, and deletes it.
    async fn settle(&mut self) {
        self.list().await;
        for key in self.objects.keys().cloned().collect::<Vec<_>>() {
            self.compare(&key).await;
            self.ask("DELETE", &key, "", Bytes::new(), &[204]).await;
        }
        self.objects.clear();
    }
}

/// The value of a header, which has to be there.
fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
    lines.find(|(line, _)| line.eq_ignore_ascii_case(name)).map(|(_, value)| value).expect(name)
}

/// What stands between two texts, as often as it does.
fn every<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(move |rest| rest.split_once(end).map(|(inner, _)| inner))
}

/// Aborts the uploads that nobody knows of, because the answer was lost; says how many there were.
async fn abort_the_unknown(user: &mut User) -> usize {
    let answer = user.ask("GET", "/b-1?uploads", "", Bytes::new(), &[200]).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let uploads = every(&text, "<Key>", "</Key>").zip(every(&text, "<UploadId>", "</UploadId>"));
    let mut aborted = 0;
    for (key, upload) in uploads {
        user.ask("DELETE", &format!("/b-1/{key}?uploadId={upload}"), "", Bytes::new(), &[204, 404]).await;
        aborted += 1;
    }
    aborted
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB as f64
}

/// Serves `program` this long to its users, and says what came of it. Fails where the server lost or invented something.
pub fn run(server: Server, length: Duration) -> ExitCode {
    let server = Arc::new(server);
    let idle = (server.memory("VmRSS"), server.descriptors());
    println!("idle: {:.1} MiB, {} descriptors", mib(idle.0), idle.1);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let source: Bytes = (0..16 * MIB).map(|_| random.random::<u8>()).collect::<Vec<u8>>().into();
    let tally = Arc::new(Tally::default());
    let user = |number: usize| User {
        number,
        server: server.clone(),
        tally: tally.clone(),
        source: source.clone(),
        chance: ChaCha8Rng::seed_from_u64(number as u64),
        client: None,
        objects: BTreeMap::new(),
        archives: BTreeMap::new(),
    };
    let began = Instant::now();
    let (looks, lost_uploads) = runtime().block_on(async {
        let mut users = JoinSet::new();
        for mut user in (0..CLIENTS).map(user) {
            users.spawn(async move {
                let pause = Duration::from_secs(CLIENTS as u64) / STEPS_PER_SECOND as u32;
                let mut next = began;
                user.create_vault().await;
                for step in 1.. {
                    next += pause;
                    tokio::time::sleep_until(next.into()).await;
                    user.step().await;
                    let is_over = began.elapsed() >= length;
                    if is_over || step % STEPS_OF_A_VAULT == 0 {
                        user.delete_vault().await;
                    }
                    if is_over {
                        break;
                    }
                    if step % STEPS_OF_A_VAULT == 0 {
                        user.create_vault().await;
                    }
                }
                user.settle().await;
            });
        }
        let mut looks = Vec::new();
        let mut minute = 0;
        while began.elapsed() < length {
            tokio::time::sleep(LOOK_EVERY.min(length)).await;
            looks.push((server.memory("VmRSS"), server.descriptors()));
            if began.elapsed().as_secs() / 60 > minute {
                minute = began.elapsed().as_secs() / 60;
                let (memory, descriptors) = looks.last().expect("it was looked at");
                println!(
                    "minute {minute}: {:.1} MiB, {descriptors} descriptors, {} requests",
                    mib(*memory),
                    tally.requests.load(Ordering::Relaxed)
                );
            }
        }
        users.join_all().await;
        (looks, abort_the_unknown(&mut user(CLIENTS)).await)
    });
    // The connections have to be seen to be closed, and the memory to be given back.
    std::thread::sleep(SETTLING);
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "{} steps, {} requests in {} s: {} connections broken, {} refused, {} answers wrong or cut; {lost_uploads} uploads and {} archives whose id was lost",
        read(&tally.steps),
        read(&tally.requests),
        began.elapsed().as_secs(),
        read(&tally.broken),
        read(&tally.refused),
        read(&tally.wrong),
        read(&tally.lost_archives)
    );
    for (name, part) in looks.chunks(looks.len().div_ceil(4)).enumerate() {
        let (least, most) = (part.iter().map(|look| look.0).min(), part.iter().map(|look| look.0).max());
        println!(
            "quarter {}: {:.1} to {:.1} MiB, at most {} descriptors",
            name + 1,
            mib(least.unwrap_or_default()),
            mib(most.unwrap_or_default()),
            part.iter().map(|look| look.1).max().unwrap_or_default()
        );
    }
    let end = (server.memory("VmRSS"), server.descriptors());
    println!("deleted: {:.1} MiB, {} descriptors", mib(end.0), end.1);
    runtime().block_on(async {
        let reset = Sent::new("POST", "/_cos-emu/v1/scenarios/default/reset", "", Bytes::new());
        Client::connect(server.addr).await.answered(&reset).await;
    });
    std::thread::sleep(SETTLING);
    println!("without the journal: {:.1} MiB", mib(server.memory("VmRSS")));
    if end.1 > idle.1 {
        println!("descriptors were left open");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
