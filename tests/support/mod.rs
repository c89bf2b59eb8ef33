//! What the tests share: an emulator of their own, and a plain client on a raw socket that sees every byte and tells
//! FIN from RST.

#![allow(dead_code, reason = "not every test needs everything")]

pub mod clients;
pub mod documents;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cos_emu::{Config, Emulator, Exchange, Scenario};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// The bucket that every server of these tests has.
pub const BUCKET: &str = "demo-1250000000";
/// The vault that every server of these tests has.
pub const VAULT: &str = "vault";

/// An emulator in this process, on a free port.
pub struct Server {
    runtime: Runtime,
    emulator: Option<Emulator>,
}

impl Server {
    /// Starts one with the bucket and the vault of these tests.
    pub fn start() -> Self {
        Self::configured(|_| {})
    }

    /// Starts one whose configuration a function has changed.
    pub fn configured(configure: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            buckets: vec![(BUCKET.to_owned(), None)],
            vaults: vec![VAULT.to_owned()],
            seed: Some(cos_emu::Seed(7)),
            ..Config::default()
        };
        configure(&mut config);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let emulator = runtime.block_on(Emulator::start(config)).unwrap();
        Server { runtime, emulator: Some(emulator) }
    }

    /// Starts one with these rules: the text between the brackets of `rules`.
    pub fn with_rules(rules: &str) -> Self {
        let text = format!("{{\"version\": 1, \"name\": \"test\", \"rules\": [{rules}]}}");
        let scenario = Scenario::parse("test.json", text.as_bytes(), None)
            .unwrap_or_else(|diagnosis| panic!("{diagnosis}"));
        Self::configured(|config| config.scenario = Some(scenario))
    }

    /// Starts one with a shipped scenario.
    pub fn shipped(name: &str) -> Self {
        let shipped = cos_emu::library::find(name).unwrap();
        let scenario = Scenario::parse(name, shipped.text.as_bytes(), None).unwrap();
        Self::configured(|config| config.scenario = Some(scenario))
    }

    pub fn emulator(&self) -> &Emulator {
        self.emulator.as_ref().unwrap()
    }

    pub fn addr(&self) -> SocketAddr {
        self.emulator().addr()
    }

    pub fn connect(&self) -> Connection {
        Connection::to(self.addr())
    }

    /// Sends a request on a connection of its own and reads the answer.
    pub fn send(&self, request: Request) -> Answer {
        self.connect().send(&request)
    }

    /// Sends a request on a connection of its own and reads to the end of it.
    #[track_caller]
    pub fn send_to_the_end(&self, request: &Request) -> (Vec<u8>, End) {
        let mut connection = self.connect();
        connection.write(request.bytes());
        connection.rest()
    }

    /// Sends a request and meets an RST in the place of an answer.
    #[track_caller]
    pub fn is_lost(&self, request: &Request) {
        assert_eq!(self.send_to_the_end(request), (Vec::new(), End::Rst));
    }

    pub fn journal(&self) -> Vec<Exchange> {
        self.emulator().journal()
    }

    /// The verdict holds: every rule fired, and the client did what a correct one does.
    #[track_caller]
    pub fn coped(&self) {
        let verdict = self.emulator().verdict();
        assert!(verdict.holds, "{}", verdict.reasons().collect::<Vec<_>>().join("\n"));
    }

    /// The client failed these checks, and no others.
    #[track_caller]
    pub fn failed(&self, checks: &[&str]) {
        self.failed_when(None, checks);
    }

    /// The client failed these checks, and no others, when its command under `exec` ended with that status.
    #[track_caller]
    pub fn failed_when(&self, status: Option<i32>, checks: &[&str]) {
        let verdict = self.emulator().judge(status.map(cos_emu::CommandEnd::Exited)).verdict;
        let failed = verdict.cases.iter().filter(|case| case.outcome == cos_emu::Outcome::Failed);
        let failed: Vec<&str> = failed.map(|case| case.name.as_str()).collect();
        assert_eq!(failed, checks, "{}", verdict.reasons().collect::<Vec<_>>().join("\n"));
    }

    /// The only exchange there was.
    pub fn exchange(&self) -> Exchange {
        let mut journal = self.journal();
        assert_eq!(journal.len(), 1, "{journal:?}");
        journal.remove(0)
    }

    /// Waits until the journal fulfils a condition.
    pub fn wait_for(&self, what: &str, condition: impl Fn(&[Exchange]) -> bool) {
        let patience = Instant::now() + PATIENCE;
        while !condition(&self.journal()) {
            assert!(Instant::now() < patience, "{what}: {:?}", self.journal());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(emulator) = self.emulator.take() {
            let stopped = async { tokio::time::timeout(PATIENCE, emulator.stop()).await };
            let stopped = self.runtime.block_on(stopped);
            assert!(stopped.is_ok() || std::thread::panicking(), "the server does not stop");
        }
    }
}

/// A folder of a test, which goes when the value does.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("cos-emu-{name}-{}-{serial}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A request as text and bytes. `Host` and `Content-Length` are added unless they are given.
#[derive(Clone)]
pub struct Request {
    method: String,
    target: String,
    lines: Vec<(String, String)>,
    body: Vec<u8>,
    bare: bool,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            lines: Vec::new(),
            body: Vec::new(),
            bare: false,
        }
    }

    /// For an object or a bucket, by path style: `key` with its query, or only a query.
    pub fn cos(method: &str, key: &str) -> Self {
        Self::new(method, &format!("/{BUCKET}/{key}"))
    }

    /// For something in the vault: `multipart-uploads/...`.
    pub fn cas(method: &str, rest: &str) -> Self {
        let slash = if rest.is_empty() || rest.starts_with('?') { "" } else { "/" };
        Self::new(method, &format!("/-/vaults/{VAULT}{slash}{rest}"))
    }

    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.lines.push((name.to_owned(), value.to_string()));
        self
    }

    /// The header lines that were asked for.
    pub fn lines(&self) -> &[(String, String)] {
        &self.lines
    }

    /// Puts another value in the place of a header's.
    pub fn replacing(mut self, name: &str, value: &str) -> Self {
        self.lines.retain(|(line, _)| !line.eq_ignore_ascii_case(name));
        self.with(name, value)
    }

    /// Sends it to another target.
    pub fn retargeted(mut self, change: impl FnOnce(&str) -> String) -> Self {
        self.target = change(&self.target);
        self
    }

    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Signs it: with nothing but the method and the path, for `[from, to]` in seconds of Unix time.
    ///
    /// Source: `cos.md` 3.
    pub fn signed(self, id: &str, key: &str, time: [i64; 2]) -> Self {
        let mac = |key: &[u8], text: &str| {
            let mut mac = Hmac::<Sha1>::new_from_slice(key).unwrap();
            mac.update(text.as_bytes());
            hex(mac.finalize().into_bytes())
        };
        let time = format!("{};{}", time[0], time[1]);
        let (path, _) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let format = format!("{}\n{path}\n\n\n", self.method.to_ascii_lowercase());
        let to_sign = format!("sha1\n{time}\n{}\n", hex(Sha1::digest(&format)));
        let signature = mac(mac(key.as_bytes(), &time).as_bytes(), &to_sign);
        self.with(
            "Authorization",
            format!(
                "q-sign-algorithm=sha1&q-ak={id}&q-sign-time={time}&q-key-time={time}&q-header-list=&q-url-param-list=&q-signature={signature}"
            ),
        )
    }

    /// Adds no line that was not asked for.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    fn has(&self, name: &str) -> bool {
        self.lines.iter().any(|(line, _)| line.eq_ignore_ascii_case(name))
    }

    pub fn head(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let add = |text: &mut String, name: &str, value: &str| text.push_str(&format!("{name}: {value}\r\n"));
        if !self.has("host") && !self.bare {
            add(&mut text, "Host", "127.0.0.1");
        }
        for (name, value) in &self.lines {
            add(&mut text, name, value);
        }
        let sends = !self.body.is_empty() || matches!(self.method.as_str(), "PUT" | "POST");
        if sends && !self.bare && !self.has("content-length") && !self.has("transfer-encoding") {
            add(&mut text, "Content-Length", &self.body.len().to_string());
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    pub fn bytes(&self) -> Vec<u8> {
        [self.head(), self.body.clone()].concat()
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Fin,
    Rst,
}

/// An answer, as it stood on the wire.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// The head with its empty line.
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of the header that is spelled exactly so.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of the first XML element of that name.
    pub fn element(&self, name: &str) -> Option<String> {
        let text = self.text();
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
    }

    /// The texts of all XML elements of that name.
    pub fn elements(&self, name: &str) -> Vec<String> {
        let (text, start, end) = (self.text(), format!("<{name}>"), format!("</{name}>"));
        text.split(&start).skip(1).filter_map(|rest| Some(rest.split_once(&end)?.0.to_owned())).collect()
    }

    /// The error code: of an XML or a JSON document.
    pub fn code(&self) -> String {
        let json = || {
            serde_json::from_slice::<serde_json::Value>(&self.body).ok()?["code"].as_str().map(str::to_owned)
        };
        self.element("Code").or_else(json).unwrap_or_default()
    }

    #[track_caller]
    pub fn is(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{}{}", self.head, self.text());
        self
    }

    #[track_caller]
    pub fn ok(&self) -> &Self {
        assert!((200..300).contains(&self.status), "{}{}", self.head, self.text());
        self
    }
}

/// A connection on a raw socket.
pub struct Connection {
    pub stream: TcpStream,
    ahead: Vec<u8>,
}

impl Connection {
    pub fn to(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Connection { stream, ahead: Vec::new() }
    }

    #[track_caller]
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    #[track_caller]
    pub fn send(&mut self, request: &Request) -> Answer {
        self.write(request.bytes());
        self.answer_to(request)
    }

    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        self.answer_to(&Request::new("GET", "/"))
    }

    /// Reads one answer: its head, and the body that the head declares.
    #[track_caller]
    pub fn answer_to(&mut self, request: &Request) -> Answer {
        let head = self.head();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let mut answer = Answer { status, head, body: Vec::new() };
        if request.method != "HEAD" && !matches!(status, 204 | 304) {
            let length = answer.header("Content-Length").map_or(0, |length| length.parse().unwrap());
            answer.body = self.exactly(length);
        }
        answer
    }

    /// Reads up to and including an empty line.
    #[track_caller]
    pub fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.ahead.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = self.ahead.drain(..end + 4).collect();
                return String::from_utf8(head).unwrap();
            }
            assert!(
                self.more().unwrap() > 0,
                "the connection ended in a head: {:?}",
                String::from_utf8_lossy(&self.ahead)
            );
        }
    }

    /// Reads that many bytes.
    #[track_caller]
    pub fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.ahead.len() < length {
            assert!(self.more().unwrap() > 0, "{} of {length} bytes came", self.ahead.len());
        }
        self.ahead.drain(..length).collect()
    }

    /// Reads to the end of the connection: what came, and how it ended.
    #[track_caller]
    pub fn rest(&mut self) -> (Vec<u8>, End) {
        let end = loop {
            match self.more() {
                Ok(0) => break End::Fin,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break End::Rst,
                Err(error) => panic!("neither FIN nor RST: {error}; {} bytes came", self.ahead.len()),
            }
        };
        (std::mem::take(&mut self.ahead), end)
    }

    /// Whether nothing comes for so long, neither a byte nor an end.
    pub fn is_silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let silent = matches!(
            self.more(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
        );
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        silent
    }

    fn more(&mut self) -> std::io::Result<usize> {
        let mut buffer = [0; 64 << 10];
        let count = self.stream.read(&mut buffer)?;
        self.ahead.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

/// Bytes that tell every place of them from every other nearby.
pub fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| ((index * 31 + 7) % 251) as u8).collect()
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of bytes, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}

/// The MD5 of bytes, in hexadecimal digits.
pub fn md5(bytes: &[u8]) -> String {
    hex(Md5::digest(bytes))
}

/// `Content-MD5` of bytes.
pub fn md5_base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(Md5::digest(bytes))
}
