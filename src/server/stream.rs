//! What bytes come and go by: a TCP connection, TLS over one, or a pipe within the process.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, DuplexStream, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::tls::Tls;

/// How long an RST waits for what was written to arrive.
const FLUSH_LIMIT: Duration = Duration::from_secs(30);
/// How often a stalled connection is probed for a client that is gone.
const PROBE_INTERVAL: Duration = Duration::from_secs(15);

/// One end of a connection.
#[derive(Debug)]
pub(super) enum Stream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over TLS, behind the handshake.
    Tls(Box<Tls>),
    /// Within the process. It knows no RST: there an end is an end.
    Pipe(DuplexStream),
}

impl Stream {
    /// The TCP connection that it is, or that lies below.
    fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Stream::Tcp(tcp) => Some(tcp),
            Stream::Tls(tls) => Some(tls.tcp()),
            Stream::Pipe(_) => None,
        }
    }

    /// Whether a rule wanted a bad record of TLS that has not gone out.
    pub(super) fn owes_a_bad_record(&self) -> bool {
        matches!(self, Stream::Tls(tls) if tls.owes_a_bad_record())
    }

    /// Sees to it that dropping the stream is an RST, behind everything that was written.
    pub(super) async fn prepare_reset(&self) -> io::Result<()> {
        let Some(stream) = self.tcp() else { return Ok(()) };
        // Zero linger throws away what has not arrived, so that is waited for.
        let patience = Instant::now() + FLUSH_LIMIT;
        let mut pause = Duration::from_micros(50);
        while unsent_bytes(stream)? > 0 && Instant::now() < patience {
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(10));
        }
        stream.set_zero_linger()
    }

    /// Waits until the client has gone away, without reading or writing a byte. Says when it has sent a FIN: then it may still
    /// wait for an answer.
    ///
    /// A client that closed its socket says so only when it is spoken to, so the system probes for it.
    ///
    /// # Errors
    /// Always: how the client went.
    pub(super) async fn client_gone(&mut self, sent_fin: impl FnOnce()) -> io::Error {
        let gone = match self {
            Stream::Tcp(stream) => tcp_gone(stream, sent_fin).await,
            Stream::Tls(tls) => tcp_gone(tls.tcp(), sent_fin).await,
            // A pipe takes what is sent into it, so it is read until it ends.
            Stream::Pipe(pipe) => {
                let mut dropped = [0; 1024];
                while pipe.read(&mut dropped).await.is_ok_and(|count| count > 0) {}
                Ok(io::ErrorKind::ConnectionReset.into())
            }
        };
        gone.unwrap_or_else(|error| error)
    }
}

pub(super) async fn tcp_gone(stream: &TcpStream, sent_fin: impl FnOnce()) -> io::Result<io::Error> {
    let keepalive = TcpKeepalive::new().with_time(PROBE_INTERVAL).with_interval(PROBE_INTERVAL);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)?;
    loop {
        let ready = stream.ready(Interest::READABLE | Interest::ERROR).await?;
        // An RST closes both directions too.
        if ready.is_error() {
            break;
        }
        if ready.is_read_closed() {
            sent_fin();
            break;
        }
        // What came is not read, so it has to be said that there is nothing to read: else this would spin.
        let _ = stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
    }
    stream.ready(Interest::ERROR).await?;
    Ok(stream.take_error()?.unwrap_or_else(|| io::ErrorKind::ConnectionReset.into()))
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

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
            Stream::Pipe(pipe) => Pin::new(pipe).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
            Stream::Pipe(pipe) => Pin::new(pipe).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stream::Tls(tls) => Pin::new(tls).poll_write_vectored(context, slices),
            Stream::Pipe(pipe) => Pin::new(pipe).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Tcp(stream) => stream.is_write_vectored(),
            Stream::Tls(tls) => tls.is_write_vectored(),
            Stream::Pipe(pipe) => pipe.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(context),
            Stream::Pipe(pipe) => Pin::new(pipe).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(context),
            Stream::Pipe(pipe) => Pin::new(pipe).poll_shutdown(context),
        }
    }
}
