//! Asks a running server for something: whether it is ready, for images without a shell, and for the certificate of its CA.

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
        match get(addr, "/_cos-emu/readyz") {
            Err(_) if Instant::now() < patience => std::thread::sleep(PAUSE),
            result => return result.map(|_| ()),
        }
    }
}

/// The certificate of the CA of the server at that address, in PEM.
///
/// # Errors
/// When there is no server, or it has none.
pub fn ca_of(addr: SocketAddr) -> io::Result<String> {
    let body = get(addr, "/_cos-emu/ca.pem")?;
    String::from_utf8(body).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// The body of an answer with status 200.
fn get(addr: SocketAddr, path: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&addr, ATTEMPT_LIMIT)?;
    stream.set_read_timeout(Some(ATTEMPT_LIMIT))?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n");
    if let Some(head) = head.filter(|_| answer.starts_with(b"HTTP/1.1 200 ")) {
        return Ok(answer.split_off(head + 4));
    }
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Err(io::Error::other(format!("it answers \"{}\"", String::from_utf8_lossy(line))))
}
