//! Asks a running server whether it is ready: for images without a shell.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::time::Instant;

/// How long one attempt may take.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(2);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Returns when the server at that address is ready. Asks again for so long, at least once.
///
/// # Errors
/// Why the last attempt failed.
pub fn is_ready(addr: SocketAddr, wait: Duration) -> io::Result<()> {
    let patience = Instant::now() + wait;
    loop {
        match ask(addr) {
            Err(_) if Instant::now() < patience => std::thread::sleep(PAUSE),
            result => return result,
        }
    }
}

fn ask(addr: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&addr, ATTEMPT_LIMIT)?;
    stream.set_read_timeout(Some(ATTEMPT_LIMIT))?;
    stream.write_all(
        format!("GET /_cos-emu/readyz HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if answer.starts_with(b"HTTP/1.1 200 ") {
        return Ok(());
    }
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Err(io::Error::other(format!("it answers \"{}\"", String::from_utf8_lossy(line))))
}
