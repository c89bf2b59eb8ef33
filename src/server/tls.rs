//! TLS: the handshake, with what a rule breaks in it, and the stream that comes of it.
//!
//! The bytes below TLS stay those of a TCP connection: an RST is an RST, and a FIN may come without the alert that should
//! go before it.
//!
//! Source: `scenarios.md` 6; RFC 5246, RFC 8446.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::server::Acceptor;
use tokio_rustls::server::TlsStream;

use super::authority::{Authority, Leaf};
use crate::scenario::TlsFault;

/// The first byte of a connection of TLS: a record of the handshake. No method of HTTP begins with it.
pub(super) const FIRST_BYTE: u8 = 22;
/// A record that no key decrypts.
const BAD_RECORD: &[u8] = &[
    23, 3, 3, 0, 32, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
    24, 25, 26, 27, 28, 29, 30, 31,
];

/// A connection whose client has said hello, and waits for ours.
pub(super) struct Hello {
    start: tokio_rustls::StartHandshake<TcpStream>,
}

impl Hello {
    /// Waits for the hello of the client.
    ///
    /// # Errors
    /// When it is none, or the client goes away.
    pub(super) async fn receive(tcp: TcpStream) -> io::Result<Self> {
        Ok(Hello { start: LazyConfigAcceptor::new(Acceptor::default(), tcp).await? })
    }

    /// The connection, without an answer.
    pub(super) fn into_tcp(self) -> TcpStream {
        self.start.io
    }

    /// The name that the client asks for.
    pub(super) fn sni(&self) -> Option<String> {
        self.start.client_hello().server_name().map(str::to_owned)
    }

    /// Answers it. `None` when a rule ends the connection instead.
    ///
    /// # Errors
    /// When the client does not like the answer, or goes away.
    pub(super) async fn answer(
        self,
        authority: &Authority,
        fault: Option<TlsFault>,
        bad_record_after: u64,
    ) -> io::Result<Option<Tls>> {
        let leaf = match fault {
            Some(TlsFault::CloseInHandshake) => {
                self.start.io.into_std()?.shutdown(std::net::Shutdown::Write)?;
                return Ok(None);
            }
            Some(TlsFault::ResetInHandshake) => {
                self.start.io.set_zero_linger()?;
                return Ok(None);
            }
            Some(TlsFault::StallInHandshake) => {
                super::stream::tcp_gone(&self.start.io, || {}).await?;
                return Ok(None);
            }
            Some(TlsFault::OldVersion) => {
                speak_an_old_version(self.start.io).await?;
                return Ok(None);
            }
            Some(TlsFault::Expired) => Leaf::Expired,
            Some(TlsFault::NotYetValid) => Leaf::NotYetValid,
            Some(TlsFault::WrongHost) => Leaf::WrongHost,
            Some(TlsFault::SelfSigned) => Leaf::SelfSigned,
            Some(TlsFault::BadRecord | TlsFault::NoCloseNotify) | None => Leaf::Good,
        };
        let names = match self.sni() {
            Some(name) => vec![name],
            // Who connects to an address names no host, and may know another address of this server than it does itself.
            None => addresses(self.start.io.local_addr()?.ip(), authority.known_as()),
        };
        let config = authority.config(names, leaf);
        let stream = self.start.into_stream(config).await?;
        Ok(Some(Tls {
            stream,
            bad_record_after: (fault == Some(TlsFault::BadRecord)).then_some(bad_record_after),
            bad_record: BAD_RECORD,
            says_goodbye: fault != Some(TlsFault::NoCloseNotify),
        }))
    }
}

/// What a connection to an address may be known by.
fn addresses(local: IpAddr, known_as: &[String]) -> Vec<String> {
    let mut names = vec![local.to_canonical().to_string()];
    for name in ["127.0.0.1", "::1", "localhost"].into_iter().chain(known_as.iter().map(String::as_str)) {
        if !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Answers a hello as a server does that knows SSL 3.0 alone, which no client takes any more (some still take TLS 1.0), and
/// waits for what the client says to that.
async fn speak_an_old_version(mut tcp: TcpStream) -> io::Result<()> {
    let mut hello = vec![22, 3, 0, 0, 42, 2, 0, 0, 38, 3, 0];
    hello.extend_from_slice(&[0x5a; 32]);
    // No session, a cipher suite that SSL 3.0 has, no compression.
    hello.extend_from_slice(&[0, 0, 0x2f, 0]);
    tcp.write_all(&hello).await?;
    tcp.shutdown().await?;
    let mut dropped = [0; 1024];
    while tokio::io::AsyncReadExt::read(&mut tcp, &mut dropped).await? > 0 {}
    Ok(())
}

/// A connection of TLS behind its handshake.
#[derive(Debug)]
pub(super) struct Tls {
    stream: TlsStream<TcpStream>,
    /// Behind how many bytes more a bad record goes out.
    bad_record_after: Option<u64>,
    /// What of the bad record has not gone out yet.
    bad_record: &'static [u8],
    says_goodbye: bool,
}

impl Tls {
    /// The connection below.
    pub(super) fn tcp(&self) -> &TcpStream {
        self.stream.get_ref().0
    }

    /// Whether a rule wanted a bad record that has not gone out.
    pub(super) fn owes_a_bad_record(&self) -> bool {
        self.bad_record_after.is_some() && !self.bad_record.is_empty()
    }

    fn poll_bad_record(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        while !self.bad_record.is_empty() {
            let wire = Pin::new(self.stream.get_mut().0);
            let count = ready!(wire.poll_write(context, self.bad_record))?;
            self.bad_record = &self.bad_record[count..];
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Tls {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Tls {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(left) = self.bad_record_after else {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        };
        if left == 0 {
            ready!(self.poll_bad_record(context))?;
            // The client has given up; what comes behind goes nowhere.
            return Poll::Ready(Ok(bytes.len()));
        }
        let now = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = ready!(Pin::new(&mut self.stream).poll_write(context, &bytes[..now]))?;
        self.bad_record_after = Some(left - count as u64);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.bad_record_after == Some(0) {
            return self.poll_bad_record(context);
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.says_goodbye && self.bad_record_after != Some(0) {
            return Pin::new(&mut self.stream).poll_shutdown(context);
        }
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        Pin::new(self.stream.get_mut().0).poll_shutdown(context)
    }
}
