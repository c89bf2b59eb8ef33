//! Plays a script on a socket: writes, pauses, and the three ways in which it goes on.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::socket::{Phase, Socket};
use crate::wire::script::{End, Script, Step};

/// How long an RST waits for what was written to arrive.
const FLUSH_LIMIT: Duration = Duration::from_secs(30);
/// How long what the client still sends is read and dropped behind a FIN.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);
/// How often a stalled connection is probed for a client that is gone.
const PROBE_INTERVAL: Duration = Duration::from_secs(15);

/// How a played connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Played {
    /// The next request may come.
    Open,
    /// It is over.
    Over,
}

/// Plays a script.
///
/// # Errors
/// When the client goes away before its end.
pub(super) async fn play(socket: &mut Socket, script: &Script) -> io::Result<Played> {
    // What is written from now on is not an answer of hyper's.
    socket.meter().enter(Phase::Serving);
    for step in &script.steps {
        match step {
            Step::Write(bytes) => socket.write_all(bytes).await?,
            Step::Send(content) => {
                for piece in content.pieces() {
                    socket.write_all(piece).await?;
                }
            }
            Step::Pause(Some(time)) => sleep(*time).await,
            Step::Pause(None) => return client_gone(socket.stream()).await,
        }
    }
    match script.end {
        End::Resume => Ok(Played::Open),
        End::Close => close(socket).await.map(|()| Played::Over),
        End::Reset => reset(socket.stream()).await.map(|()| Played::Over),
    }
}

/// FIN, then reads what the client still sends, within a bound: closing on unread bytes would turn into an RST.
pub(super) async fn close(socket: &mut Socket) -> io::Result<()> {
    socket.shutdown().await?;
    let drain = async {
        let mut buffer = vec![0; 64 << 10];
        while socket.read(&mut buffer).await? > 0 {}
        Ok(())
    };
    // The bound has passed: the client has had its time to read the answer.
    timeout(DRAIN_LIMIT, drain).await.unwrap_or(Ok(()))
}

/// RST. Zero linger throws away what has not arrived, so that is waited for.
async fn reset(stream: &TcpStream) -> io::Result<()> {
    let patience = Instant::now() + FLUSH_LIMIT;
    let mut pause = Duration::from_micros(50);
    while unsent_bytes(stream)? > 0 && Instant::now() < patience {
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(10));
    }
    // The stream is dropped by the caller, and that sends the RST.
    stream.set_zero_linger()
}

/// Waits until the client has gone away, without reading or writing a byte.
///
/// A client that closed its socket says so only when it is spoken to, so the system probes for it.
async fn client_gone(stream: &TcpStream) -> io::Result<Played> {
    let keepalive = TcpKeepalive::new().with_time(PROBE_INTERVAL).with_interval(PROBE_INTERVAL);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)?;
    stream.ready(Interest::ERROR).await?;
    match stream.take_error()? {
        Some(error) => Err(error),
        None => Err(io::ErrorKind::ConnectionReset.into()),
    }
}

/// How many bytes were written and have not arrived yet.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no safe interface asks for the length of the send queue")]
fn unsent_bytes(stream: &TcpStream) -> io::Result<usize> {
    use std::os::fd::AsRawFd as _;

    let mut queued: libc::c_int = 0;
    // SAFETY: TIOCOUTQ writes one int to the address, and the descriptor is open as long as `stream` lives.
    let result = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &mut queued) };
    if result == 0 { Ok(usize::try_from(queued).unwrap_or(0)) } else { Err(io::Error::last_os_error()) }
}

/// Elsewhere the queue cannot be asked for, and an RST may overtake the last bytes.
#[cfg(not(target_os = "linux"))]
fn unsent_bytes(_: &TcpStream) -> io::Result<usize> {
    Ok(0)
}
