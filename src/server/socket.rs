//! The socket under hyper: it counts bytes, keeps the time of idle connections and slow heads, and holds back the answers
//! that hyper gives on its own to a head that does not parse. It carries no faults: scripts are played on it after
//! hyper has given it back.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::stream::Stream;
use crate::wire::head::CONTINUE;

/// How much of a head is kept, to tell what a request that does not parse was about.
const KEPT_HEAD_BYTES: usize = 2048;

/// What hyper is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Waiting for a head. What it writes now is an answer of its own.
    Waiting,
    /// The service has a request.
    Serving,
    /// It has the whole answer, but has not sent all of it.
    Sending,
}

/// What the socket and the service of a connection share.
#[derive(Debug)]
pub(super) struct Meter {
    phase: AtomicU8,
    sent: AtomicU64,
    timed_out: AtomicBool,
    /// How often the next `100 Continue` of hyper is written.
    continues: AtomicU8,
    /// The first bytes of the head that is being read.
    head: Mutex<Vec<u8>>,
}

impl Meter {
    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Waiting,
            1 => Phase::Serving,
            _ => Phase::Sending,
        }
    }

    /// Says what hyper does from now on.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Whether an answer has not left yet.
    pub(super) fn is_sending(&self) -> bool {
        self.phase() == Phase::Sending
    }

    /// Bytes sent since the connection began.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether the time for a head or for being idle ran out.
    pub(super) fn timed_out(&self) -> bool {
        self.timed_out.load(Ordering::Relaxed)
    }

    /// Says how often the next `100 Continue` of hyper is written: a rule may hold it back or double it.
    pub(super) fn continue_times(&self, times: u8) {
        self.continues.store(times, Ordering::Relaxed);
    }

    /// Takes the first bytes of the head that was read last, or of what came in its place.
    pub(super) fn take_head(&self) -> Vec<u8> {
        std::mem::take(&mut *self.head.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep_head(&self, bytes: &[u8]) {
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEPT_HEAD_BYTES.saturating_sub(head.len());
        head.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// Something that wants to know when an answer has left.
pub(super) trait Watcher: Send + Sync {
    /// The last byte of the answer was given to the system.
    fn answer_left(&self);

    /// The client has sent a FIN and waits for nothing that would come.
    fn client_closed(&self, meter: &Meter);
}

/// The time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a head, from its first byte on.
    pub(super) head: Duration,
    /// For the first byte of a head.
    pub(super) idle: Duration,
}

/// A TCP connection.
pub(super) struct Socket {
    stream: Stream,
    /// Bytes that are owed to the client before anything else is written.
    owed: Bytes,
    /// Bytes that were read ahead and come first.
    ahead: Bytes,
    meter: Arc<Meter>,
    watcher: Arc<dyn Watcher>,
    patience: Patience,
    timer: Pin<Box<Sleep>>,
    /// What the timer runs for; `None` while it does not count.
    timed: Option<Timed>,
    head_began: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timed {
    Idle,
    Head,
}

impl Socket {
    pub(super) fn new(stream: Stream, patience: Patience, watcher: Arc<dyn Watcher>) -> Self {
        let meter = Meter {
            phase: AtomicU8::new(Phase::Waiting as u8),
            sent: AtomicU64::new(0),
            timed_out: AtomicBool::new(false),
            continues: AtomicU8::new(1),
            head: Mutex::default(),
        };
        Socket {
            stream,
            owed: Bytes::new(),
            ahead: Bytes::new(),
            meter: Arc::new(meter),
            watcher,
            patience,
            timer: Box::pin(tokio::time::sleep(patience.idle)),
            timed: None,
            head_began: false,
        }
    }

    pub(super) fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// The stream itself, if nothing was read ahead of what comes next.
    pub(super) fn into_stream(self) -> Option<Stream> {
        self.ahead.is_empty().then_some(self.stream)
    }

    pub(super) fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// Waits until the client has gone away, without reading or writing a byte.
    ///
    /// # Errors
    /// Always: how the client went.
    pub(super) async fn client_gone(&mut self) -> io::Error {
        let Socket { stream, watcher, meter, .. } = self;
        stream.client_gone(|| watcher.client_closed(meter)).await
    }

    /// Puts bytes that hyper had read ahead in front again, and waits for the next head.
    pub(super) fn rewind(&mut self, ahead: Bytes) {
        self.ahead = if self.ahead.is_empty() { ahead } else { [ahead, self.ahead.clone()].concat().into() };
        self.wait_for_head();
    }

    /// Drops the bytes that were read ahead.
    pub(super) fn drop_ahead(&mut self) {
        self.ahead = Bytes::new();
    }

    fn wait_for_head(&mut self) {
        self.head_began = false;
        self.timed = None;
        self.meter.enter(Phase::Waiting);
    }

    /// Fails when the time for what is awaited has run out.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let awaited = if self.head_began { Timed::Head } else { Timed::Idle };
        if self.timed != Some(awaited) {
            self.timed = Some(awaited);
            let limit = match awaited {
                Timed::Head => self.patience.head,
                Timed::Idle => self.patience.idle,
            };
            self.timer.as_mut().reset(Instant::now() + limit);
        }
        if self.timer.as_mut().poll(context).is_ready() {
            self.meter.timed_out.store(true, Ordering::Relaxed);
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    fn holds_back(&self) -> bool {
        self.meter.phase() == Phase::Waiting
    }

    /// Whether these bytes are a `100 Continue` of hyper that is not written as it is.
    fn swallows(&mut self, bytes: &[u8]) -> bool {
        let times = self.meter.continues.load(Ordering::Relaxed);
        if times == 1 || bytes != CONTINUE {
            return false;
        }
        self.meter.continue_times(1);
        self.owed = CONTINUE.repeat(times.into()).into();
        true
    }

    /// Writes what is owed.
    fn poll_owed(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.owed.is_empty() {
            let written = Pin::new(&mut self.stream).poll_write(context, &self.owed);
            self.count_sent(&written);
            self.owed.advance(ready!(written)?);
        }
        Poll::Ready(Ok(()))
    }

    fn count_sent(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(count)) = written {
            self.meter.sent.fetch_add(*count as u64, Ordering::Relaxed);
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        if this.ahead.is_empty() {
            let read = Pin::new(&mut this.stream).poll_read(context, buffer);
            if read.is_pending() && this.meter.phase() == Phase::Waiting {
                this.poll_patience(context)?;
            }
            ready!(read)?;
        } else {
            let count = this.ahead.len().min(buffer.remaining());
            buffer.put_slice(&this.ahead[..count]);
            this.ahead.advance(count);
        }
        let new = &buffer.filled()[before..];
        if this.meter.phase() == Phase::Waiting && !new.is_empty() {
            if !this.head_began {
                this.meter.take_head();
                this.head_began = true;
            }
            this.meter.keep_head(new);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.holds_back() || self.swallows(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_owed(context))?;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.count_sent(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.holds_back() {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        if let [only] = slices
            && self.swallows(only)
        {
            return Poll::Ready(Ok(only.len()));
        }
        ready!(self.poll_owed(context))?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.count_sent(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// hyper flushes when it has given everything to `poll_write`.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_owed(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        if self.meter.phase() == Phase::Sending {
            self.wait_for_head();
            self.watcher.answer_left();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
