//! What the measurements of the whole server share: a server in a process of its own, and clients that keep it busy.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// A server, which ends when it is dropped.
pub struct Server {
    process: Child,
    pub addr: SocketAddr,
}

impl Server {
    /// Starts one on a free port, with the bucket `b-1`.
    pub fn start(options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cos-emu"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COS_EMU_")) {
            command.env_remove(name);
        }
        let mut process = command
            .args(["--listen", "127.0.0.1:0", "--bucket", "b-1", "--auth", "off"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("it says that it is ready");
        let addr = line.trim().strip_prefix("cos-emu ready on http://").expect("it is ready");
        Server { process, addr: addr.parse().expect("it is an address") }
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
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How fast a server was.
#[derive(Clone, Copy)]
pub struct Speed {
    pub requests_per_second: f64,
    /// Of the server, for each request.
    pub cpu_microseconds: f64,
}

/// Sends requests on so many connections, on each the next one as soon as the one before was answered, until so many were
/// answered. Each answer has to be 200.
pub fn drive(server: &Server, connections: usize, requests: usize, request: &[u8]) -> Speed {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (start, cpu) = (Instant::now(), server.cpu());
    runtime.block_on(async {
        let mut clients = JoinSet::new();
        for _ in 0..connections {
            clients.spawn(client(server.addr, requests / connections, request.to_vec()));
        }
        while let Some(done) = clients.join_next().await {
            done.expect("the client does not panic");
        }
    });
    let (elapsed, cpu) = (start.elapsed(), server.cpu() - cpu);
    let done = (requests / connections * connections) as f64;
    Speed {
        requests_per_second: done / elapsed.as_secs_f64(),
        cpu_microseconds: cpu.as_secs_f64() * 1e6 / done,
    }
}

async fn client(addr: SocketAddr, requests: usize, request: Vec<u8>) {
    let mut stream = TcpStream::connect(addr).await.expect("it listens");
    stream.set_nodelay(true).expect("it is a socket");
    let mut buffer = vec![0; 64 << 10];
    for _ in 0..requests {
        stream.write_all(&request).await.expect("it reads");
        let (mut filled, mut length) = (0, None);
        while length != Some(filled) {
            let count = stream.read(&mut buffer[filled..]).await.expect("it answers");
            assert!(count > 0, "it hung up");
            filled += count;
            length = length.or_else(|| answer_length(&buffer[..filled]));
        }
        assert!(buffer.starts_with(b"HTTP/1.1 20"), "{}", String::from_utf8_lossy(&buffer[..filled]));
    }
}

/// The length of an answer, if its head is there.
fn answer_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).expect("a head is text");
    let body = text.split("\r\n").find_map(|line| line.strip_prefix("Content-Length: "));
    Some(head + body.map_or(0, |length| length.parse::<usize>().expect("a number")))
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
