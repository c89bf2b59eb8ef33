//! Every exchange has exactly one entry in the journal, whatever the rules and the client do to it, and every entry says in
//! the end how its exchange ended.
//!
//! A failure names its seed; `COS_EMU_JOURNAL_SEED=<seed> cargo test --test journal` runs it alone.

mod support;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use cos_emu::Exchange;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use socket2::SockRef;
use support::{Connection, PATIENCE, Server};

const SEEDS: u64 = 24;
const EXCHANGES: usize = 40;

/// What a request is made to meet, by its header `x-fault`.
const FAULTS: &[&str] = &[
    r#"{"error": "SlowDown"}"#,
    r#"{"error": {"code": "SlowDown", "at": "head"}}"#,
    r#"{"error": {"code": "SlowDown", "at": "upload", "offset": 3}}"#,
    r#"{"respond": {"status": 418, "body": "tea"}}"#,
    r#"{"raw": {"text": "no HTTP at all", "then": "reset"}}"#,
    r#"{"redirect": {"to": "elsewhere.example.com"}}"#,
    r#"{"reset": {"at": "head"}}"#,
    r#"{"reset": {"at": "upload", "offset": "50%"}}"#,
    r#"{"reset": {"at": "download", "offset": 2}}"#,
    r#"{"close": {"at": "reply"}}"#,
    r#"{"close": {"at": "done"}}"#,
    r#"{"half_close": {"at": "reply", "hold": "20ms"}}"#,
    r#"{"stall": {"at": "reply"}}"#,
    r#"{"stall": {"at": "download", "offset": 1, "for": "20ms"}}"#,
    r#"{"delay": {"fixed": "10ms"}}"#,
    r#"{"drip": {"direction": "both", "size": 400, "pause": "1ms"}}"#,
    r#"{"truncate": {"keep": "50%", "end": "reset"}}"#,
    r#"{"overrun": {"bytes": 9}}"#,
    r#"{"length": {"declare": "twice"}}"#,
    r#"{"chunked": {"fault": "no-end"}}"#,
    r#"{"continue_100": {"mode": "417"}}"#,
    r#"{"keep_alive": {"really": "close", "announce": "keep-alive"}}"#,
];

/// Requests of every kind: operations with and without a body, such as are not emulated, and such as are none.
const REQUESTS: &[(&str, &str, usize)] = &[
    ("PUT", "/demo-1250000000/k", 1000),
    ("PUT", "/demo-1250000000/k", 0),
    ("GET", "/demo-1250000000/k", 0),
    ("HEAD", "/demo-1250000000/k", 0),
    ("DELETE", "/demo-1250000000/k", 0),
    ("GET", "/demo-1250000000/", 0),
    ("POST", "/demo-1250000000/k", 5),
    ("PUT", "/nowhere-1250000000/k", 200_000),
    ("POST", "/-/vaults/vault/archives", 700),
    ("GET", "/-/vaults", 0),
    ("GET", "/%zz", 0),
    ("BREW", "/demo-1250000000/k", 3),
];

/// A client: what it sends, and how many entries each of its tags has to have.
struct Client<'a> {
    server: &'a Server,
    chance: ChaCha8Rng,
    tags: BTreeMap<String, usize>,
}

impl Client<'_> {
    /// A request that can be told from all others; `entries` have to be there of it.
    fn request(&mut self, fault: Option<usize>, extra: &str, entries: usize) -> (Vec<u8>, Vec<u8>) {
        let tag = format!("tag-{}-", self.tags.len());
        self.tags.insert(tag.clone(), entries);
        let (method, path, length) = *REQUESTS.choose(&mut self.chance).unwrap();
        let fault = fault.map_or(String::new(), |fault| format!("x-fault: {fault}\r\n"));
        let expect = if length > 0 && self.chance.random_bool(0.1) { "Expect: 100-continue\r\n" } else { "" };
        let head = format!(
            "{method} {path}?{tag} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n{fault}{expect}{extra}\r\n"
        );
        (head.into_bytes(), vec![b'x'; length])
    }

    fn some_fault(&mut self) -> Option<usize> {
        self.chance.random_bool(0.7).then(|| self.chance.random_range(0..FAULTS.len()))
    }

    fn connect(&self) -> Connection {
        let connection = self.server.connect();
        connection.stream.set_read_timeout(Some(Duration::from_millis(60))).unwrap();
        connection
    }

    /// One exchange, or a few.
    fn act(&mut self) {
        let fault = self.some_fault();
        let mut connection = self.connect();
        let stream = &mut connection.stream;
        // Where the server has hung up already, writing fails.
        let mut send = |bytes: &[u8]| drop(stream.write_all(bytes));
        match self.chance.random_range(0..8) {
            // The answer is read, as far as there is one; a stall is waited for no longer than the time to read.
            0..=2 => {
                let (head, body) = self.request(fault, "Connection: close\r\n", 1);
                send(&[head, body].concat());
                let _ = connection.stream.read_to_end(&mut Vec::new());
            }
            // The head is not sent to its end.
            3 => {
                let (head, _) = self.request(fault, "", 0);
                let cut = self.chance.random_range(0..head.len());
                send(&head[..cut]);
                connection.stream.shutdown(Shutdown::Write).unwrap();
                // A beginning that can be no request is answered, and has an entry.
                let mut answer = Vec::new();
                let _ = connection.stream.read_to_end(&mut answer);
                assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
            }
            // The body is not sent to its end.
            4 => {
                let (head, body) = self.request(fault, "", 1);
                send(&[&head[..], &body[..body.len() / 3]].concat());
                self.go_away(connection);
            }
            // The answer is not waited for. An RST takes with it what was not read, so the head has to be there first.
            5 => {
                let (head, body) = self.request(fault, "", 1);
                send(&[head, body].concat());
                std::thread::sleep(Duration::from_millis(20));
                self.go_away(connection);
            }
            // Several at once.
            6 => {
                let requests = self.chance.random_range(2..5);
                for _ in 0..requests {
                    // What is refused before its body was read ends the connection, and what follows has no entry.
                    let (head, body) = self.request(None, "", 1);
                    let head = String::from_utf8(head).unwrap().replace("nowhere", "demo");
                    send(&[head.replace("Expect: 100-continue\r\n", "").as_bytes(), &body].concat());
                }
                let _ = connection.stream.read_to_end(&mut Vec::new());
            }
            // What is for no world, and what is no HTTP.
            _ => {
                let (head, body) = self.request(None, "x-emu-scenario: gone\r\nConnection: close\r\n", 1);
                send(&[head, body].concat());
                let _ = connection.stream.read_to_end(&mut Vec::new());
                let tag = format!("tag-{}-", self.tags.len());
                self.tags.insert(tag.clone(), 1);
                let mut connection = self.connect();
                connection.write(format!("GET /k?{tag} HTTP/1.1\r\nHost : no\r\n\r\n"));
                let _ = connection.stream.read_to_end(&mut Vec::new());
            }
        }
    }

    /// FIN or RST.
    fn go_away(&mut self, connection: Connection) {
        if self.chance.random_bool(0.5) {
            SockRef::from(&connection.stream).set_linger(Some(Duration::ZERO)).unwrap();
        }
    }
}

fn scenario() -> String {
    let rules: Vec<String> = FAULTS
        .iter()
        .enumerate()
        .map(|(number, fault)| {
            format!(
                r#"{{"id": "r{number}", "when": {{"header": {{"x-fault": "{number}"}}}}, "do": {fault}}}"#
            )
        })
        .collect();
    format!(r#"{{"version": 1, "name": "journal", "rules": [{}]}}"#, rules.join(","))
}

fn seeds() -> Vec<u64> {
    match std::env::var("COS_EMU_JOURNAL_SEED") {
        Ok(seed) => vec![seed.parse().expect("a number")],
        Err(_) => (0..SEEDS).collect(),
    }
}

#[test]
fn every_exchange_has_exactly_one_entry() {
    let scenario = cos_emu::Scenario::parse("journal", scenario().as_bytes(), None).unwrap();
    let run = |seed: u64| {
        let server = Server::configured(|config| config.scenario = Some(scenario.clone()));
        let chance = ChaCha8Rng::seed_from_u64(seed);
        let mut client = Client { server: &server, chance, tags: BTreeMap::new() };
        (0..EXCHANGES).for_each(|_| client.act());
        let expected: usize = client.tags.values().sum();
        let ended = |journal: &[Exchange]| {
            journal.len() >= expected && journal.iter().all(|entry| entry.ended.is_some())
        };
        let patience = Instant::now() + PATIENCE;
        while !ended(&server.journal()) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        let journal = server.journal();
        let endless: Vec<_> = journal.iter().filter(|entry| entry.ended.is_none()).collect();
        assert!(endless.is_empty(), "seed {seed}: these go on for ever: {endless:?}");
        for (number, entry) in (1..).zip(&journal) {
            assert_eq!(entry.n, number, "seed {seed}");
        }
        for (tag, entries) in &client.tags {
            let of_it: Vec<_> = journal.iter().filter(|entry| entry.query.contains(tag)).collect();
            assert_eq!(of_it.len(), *entries, "seed {seed}, {tag}: {of_it:?}");
        }
        assert_eq!(journal.len(), expected, "seed {seed}");
    };
    let seeds = seeds();
    std::thread::scope(|scope| {
        for half in seeds.chunks(seeds.len().div_ceil(4)) {
            scope.spawn(move || half.iter().copied().for_each(run));
        }
    });
}
