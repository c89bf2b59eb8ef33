//! What the measurements of the whole server share: a server in a process of its own, and clients that keep it busy.

use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// How much of an answer is read at once.
const READ_BYTES: usize = 256 << 10;

/// A server, which ends when it is dropped.
pub struct Server {
    process: Child,
    pub addr: SocketAddr,
}

impl Server {
    /// Starts cos-emu on a free port, with the bucket `b-1`.
    pub fn cos_emu(program: &Path, options: &[&str]) -> Self {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COS_EMU_")) {
            command.env_remove(name);
        }
        command.args(["--listen", "127.0.0.1:0", "--bucket", "b-1", "--log-level", "error"]).args(options);
        if !options.contains(&"--auth") {
            command.args(["--auth", "off"]);
        }
        Self::of(command)
    }

    /// Starts one whose first line ends with ` on http://<address>`.
    pub fn of(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("it says that it is ready");
        let (_, addr) = line.trim().split_once(" on http://").expect("it is ready");
        Server { process, addr: addr.parse().expect("it is an address") }
    }

    /// From now on it has one core, which others use too.
    pub fn only_on_the_first_core(&self) {
        let id = self.process.id().to_string();
        let done = Command::new("taskset").args(["-acp", "0", &id]).stdout(Stdio::null()).status();
        assert!(done.is_ok_and(|status| status.success()), "taskset, of util-linux, is needed");
    }

    /// The time that its threads have been running.
    pub fn cpu(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("it runs");
        let nanoseconds = threads.map(|thread| {
            let times = std::fs::read_to_string(thread.expect("it is listed").path().join("schedstat"));
            let times = times.expect("the kernel counts");
            times.split(' ').next().and_then(|time| time.parse::<u64>().ok()).expect("a number")
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    /// Memory in bytes: `VmRSS`, what is resident, or `VmHWM`, the most that ever was.
    pub fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel knows it");
        let number = line.trim_start_matches(':').trim().trim_end_matches(" kB");
        number.parse::<u64>().expect("a number") * 1024
    }

    /// How many files and sockets it has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).expect("it runs").count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A request as bytes: its head, and a body that many share.
#[derive(Clone)]
pub struct Sent {
    pub head: Vec<u8>,
    pub body: Bytes,
}

impl Sent {
    /// A request with these header lines, each ended by CR LF.
    pub fn new(method: &str, path: &str, lines: &str, body: Bytes) -> Self {
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n{lines}\r\n");
        Sent { head: head.into_bytes(), body }
    }
}

/// What a server answered.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

/// How fast a server was.
#[derive(Debug, Clone, Copy)]
pub struct Speed {
    pub requests_per_second: f64,
    /// Of the server, for each request.
    pub cpu_microseconds: f64,
    /// The time within which 99 % of the requests were answered.
    pub p99_microseconds: f64,
}

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Sends requests on so many connections, on each the next one as soon as the one before was answered, until so many were
/// answered. Each answer has to be a success. The request is made from the numbers of the connection and of the request on it.
pub fn drive(
    server: &Server,
    connections: usize,
    requests: usize,
    request: impl Fn(usize, usize) -> Sent + Clone + Send + 'static,
) -> Speed {
    let (start, cpu) = (Instant::now(), server.cpu());
    let each = requests / connections;
    let latencies = runtime().block_on(async {
        let mut clients = JoinSet::new();
        for connection in 0..connections {
            let (addr, request) = (server.addr, request.clone());
            clients.spawn(async move {
                let mut client = Client::connect(addr).await;
                let mut latencies = Vec::with_capacity(each);
                for number in 0..each {
                    let sent = request(connection, number);
                    let began = Instant::now();
                    client.answered(&sent).await;
                    latencies.push(began.elapsed());
                }
                latencies
            });
        }
        clients.join_all().await.concat()
    });
    let (elapsed, cpu) = (start.elapsed(), server.cpu() - cpu);
    let done = latencies.len() as f64;
    Speed {
        requests_per_second: done / elapsed.as_secs_f64(),
        cpu_microseconds: cpu.as_secs_f64() * 1e6 / done,
        p99_microseconds: percentile(latencies, 99).as_secs_f64() * 1e6,
    }
}

/// Of sorted times, the one that so many per cent do not exceed.
pub fn percentile(mut times: Vec<Duration>, per_cent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * per_cent / 100).min(times.len() - 1)]
}

/// A connection of a client.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub async fn connect(addr: SocketAddr) -> Self {
        Self::connected(addr, READ_BYTES).await.expect("it listens")
    }

    /// With a buffer of this size, in which the head of an answer has to have room.
    pub async fn connected(addr: SocketAddr, buffer_bytes: usize) -> io::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: vec![0; buffer_bytes] })
    }

    /// Sends a request and reads its answer, which has to be a success; answers the head and the start of the body.
    pub async fn answered(&mut self, sent: &Sent) -> String {
        self.send(sent).await.expect("it reads");
        self.success().await
    }

    /// Sends the head of a request, and so many times these bytes as its body; reads its answer like [`Client::answered`].
    pub async fn answered_to_many(&mut self, head: &[u8], bytes: &[u8], times: usize) -> String {
        self.stream.write_all(head).await.expect("it reads");
        for _ in 0..times {
            self.stream.write_all(bytes).await.expect("it reads");
        }
        self.success().await
    }

    async fn success(&mut self) -> String {
        let (filled, head_len, body_len) = self.head().await.expect("it answers");
        let text = String::from_utf8_lossy(&self.buffer[..filled]).into_owned();
        assert!(text.starts_with("HTTP/1.1 2"), "{text}");
        let mut left = (head_len + body_len) as u64 - filled as u64;
        while left > 0 {
            left -= self.more(0).await.expect("it goes on") as u64;
        }
        text
    }

    /// Sends a request and reads its whole answer.
    ///
    /// # Errors
    /// When the connection ends before the answer does. It is of no use then.
    pub async fn asked(&mut self, sent: &Sent) -> io::Result<Answer> {
        // A server that answers early may not read what is still to come: its answer counts.
        let sending = self.send(sent).await;
        let (filled, head_len, body_len) = match self.head().await {
            Ok(lengths) => lengths,
            Err(error) => return Err(sending.err().unwrap_or(error)),
        };
        let head = String::from_utf8_lossy(&self.buffer[..head_len]).into_owned();
        let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
        let bodiless = sent.head.starts_with(b"HEAD ") || status == 204;
        let mut body = self.buffer[head_len..filled].to_vec();
        while !bodiless && body.len() < body_len {
            let count = self.more(0).await?;
            body.extend_from_slice(&self.buffer[..count]);
        }
        Ok(Answer { status, head, body })
    }

    async fn send(&mut self, sent: &Sent) -> io::Result<()> {
        if sent.body.len() < READ_BYTES {
            return self.stream.write_all(&[&sent.head, sent.body.as_ref()].concat()).await;
        }
        self.stream.write_all(&sent.head).await?;
        self.stream.write_all(&sent.body).await
    }

    /// Reads until a head is there: how much was read, and the lengths of the head and of its body.
    async fn head(&mut self) -> io::Result<(usize, usize, usize)> {
        let mut filled = 0;
        loop {
            filled += self.more(filled).await?;
            if let Some((head, body)) = lengths(&self.buffer[..filled]) {
                return Ok((filled, head, body));
            }
        }
    }

    async fn more(&mut self, filled: usize) -> io::Result<usize> {
        match self.stream.read(&mut self.buffer[filled..]).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        }
    }
}

/// The lengths of an answer's head and body, if its head is there.
fn lengths(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).expect("a head is text").to_ascii_lowercase();
    let body = text.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
    Some((head, body.map_or(0, |length| length.parse().expect("a number"))))
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
