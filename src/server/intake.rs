//! Receiving a body: from frames of the socket to shared chunks, with all digests fed in the same pass.
//!
//! Chunks are filled by copy, 1 MiB each: a frame pins the whole read buffer it was cut from. Hashing goes in steps with a
//! yield between, so that other connections of the thread go on. The MD5 of a large body is left to `lanes`.

use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::lanes::{InLane, Lanes};
use crate::content::Content;
use crate::digest::lanes::worthwhile;
use crate::digest::{Hasher, Wanted, Witness, Witnessed};
use crate::message::{BodyError, BodyPlan, Received};
use crate::wire::script::Pace;

/// The size of a full chunk.
const CHUNK_BYTES: usize = 1 << 20;
/// The first chunk of a body of unknown length.
const FIRST_CHUNK_BYTES: usize = 64 << 10;
/// How many bytes are hashed between two yields.
const STEP_BYTES: usize = 256 << 10;

/// The memory that stored bodies may take.
#[derive(Debug)]
pub(super) struct Memory {
    limit_bytes: u64,
    held_bytes: AtomicU64,
}

/// A chunk of a body, which gives its memory back when the last reader lets go of it.
struct Chunk {
    bytes: Vec<u8>,
    memory: Arc<Memory>,
    held_bytes: u64,
}

impl Memory {
    pub(super) fn new(limit_bytes: u64) -> Arc<Self> {
        Arc::new(Memory { limit_bytes, held_bytes: AtomicU64::new(0) })
    }

    /// An empty chunk for so many bytes; `None` when the memory is used up.
    fn chunk(self: &Arc<Self>, capacity: usize) -> Option<Chunk> {
        let bytes = capacity as u64;
        let held = self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        // Gives the memory back when it is dropped.
        let mut chunk = Chunk { bytes: Vec::new(), memory: self.clone(), held_bytes: bytes };
        (held + bytes <= self.limit_bytes).then(|| {
            chunk.bytes.reserve_exact(capacity);
            chunk
        })
    }
}

impl Chunk {
    fn is_full(&self) -> bool {
        self.bytes.len() as u64 == self.held_bytes
    }

    /// Gives back what was not filled.
    fn finish(mut self) -> Bytes {
        self.bytes.shrink_to_fit();
        let unused = self.held_bytes - self.bytes.len() as u64;
        self.memory.held_bytes.fetch_sub(unused, Ordering::Relaxed);
        self.held_bytes -= unused;
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.memory.held_bytes.fetch_sub(self.held_bytes, Ordering::Relaxed);
    }
}

/// A body on its way in.
pub(super) struct Intake {
    body: Incoming,
    /// What of the last frame has not been taken yet.
    frame: Bytes,
    /// The declared length.
    declared: Option<u64>,
    /// Whether hyper was asked for a byte: then it has sent `100 Continue` where one was expected.
    asked: bool,
    taken: u64,
    timeout: Duration,
    plan: BodyPlan,
    hasher: Hasher,
    /// Whether the journal wants to know what arrived.
    is_observed: bool,
    memory: Arc<Memory>,
    lanes: Arc<Lanes>,
    /// Where the MD5 is hashed beside those of others, if the body is large.
    in_lane: Option<InLane>,
    paces: Vec<Pace>,
    full: Vec<Bytes>,
    filling: Option<Chunk>,
    /// How many bytes are in the chunks.
    kept: u64,
}

impl Intake {
    pub(super) fn new(
        body: Incoming,
        declared: Option<u64>,
        timeout: Duration,
        memory: Arc<Memory>,
        lanes: Arc<Lanes>,
    ) -> Self {
        Intake {
            body,
            frame: Bytes::new(),
            declared,
            asked: false,
            taken: 0,
            timeout,
            plan: BodyPlan::IGNORED,
            hasher: Hasher::new(Wanted::default()),
            is_observed: false,
            memory,
            lanes,
            in_lane: None,
            paces: Vec::new(),
            full: Vec::new(),
            filling: None,
            kept: 0,
        }
    }

    /// Says what to do with the body. Before the first byte.
    pub(super) fn follow(&mut self, plan: BodyPlan) {
        self.plan = plan;
        self.hasher = Hasher::new(plan.wanted);
        let is_large = self.declared.is_some_and(|declared| declared >= CHUNK_BYTES as u64);
        if is_large && plan.wanted.md5_and_crc64 && worthwhile().is_some() {
            self.hasher.leave_md5();
            self.in_lane = Some(self.lanes.begin());
        }
    }

    /// Says how slowly to take it.
    pub(super) fn slow_down(&mut self, paces: Vec<Pace>) {
        self.paces = paces;
    }

    /// Hashes what arrives for the journal too. Before the first byte, and behind [`Intake::follow`].
    pub(super) fn observe(&mut self, witness: Witness) {
        self.hasher.observe(witness);
        self.is_observed = true;
    }

    /// What was taken so far, if it is observed.
    pub(super) fn witnessed(&self) -> Option<Witnessed> {
        self.hasher.witnessed().filter(|_| self.is_observed && self.taken > 0)
    }

    /// How many bytes were taken.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether hyper was asked for a byte.
    pub(super) fn was_asked(&self) -> bool {
        self.asked
    }

    /// Makes hyper send `100 Continue` where the client expects it, without taking a byte.
    ///
    /// # Errors
    /// Those of the first frame, if it is there already.
    pub(super) async fn ask(&mut self) -> Result<(), BodyError> {
        if self.asked {
            return Ok(());
        }
        self.asked = true;
        let first = poll_fn(|context| Poll::Ready(Pin::new(&mut self.body).poll_frame(context))).await;
        if let Poll::Ready(Some(frame)) = first {
            self.frame = frame.map_err(|error| body_error(&error))?.into_data().unwrap_or_default();
        }
        // hyper writes when this task gives way.
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Takes bytes up to that place. Returns whether it was reached: not when the body ends before.
    ///
    /// # Errors
    /// When the body ends early, stalls, is too large or malformed, or there is no memory for it.
    pub(super) async fn take_until(&mut self, place: u64) -> Result<bool, BodyError> {
        while self.taken < place {
            if self.frame.is_empty() && !self.next_frame().await? {
                return Ok(false);
            }
            let (pause, room) = Pace::next(&self.paces, self.taken);
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            let step = (place - self.taken).min(self.frame.len() as u64).min(STEP_BYTES as u64).min(room);
            let step = self.frame.split_to(step as usize);
            self.taken += step.len() as u64;
            if self.taken > self.plan.limit {
                return Err(BodyError::TooLarge);
            }
            self.hasher.update(&step);
            let handed_in = self.full.len();
            self.keep(&step)?;
            if let Some(lane) = &mut self.in_lane {
                for chunk in &self.full[handed_in..] {
                    lane.take(chunk.clone()).await;
                }
            }
            if step.len() == STEP_BYTES {
                tokio::task::yield_now().await;
            }
        }
        Ok(true)
    }

    /// The body, once it was taken to its end.
    pub(super) async fn finish(mut self) -> Received {
        let last = self.filling.take().map(Chunk::finish);
        let mut digests = self.hasher.finish();
        if let Some(mut lane) = self.in_lane {
            if let Some(last) = &last {
                lane.take(last.clone()).await;
            }
            digests.md5 = Some(lane.finish().await);
        }
        self.full.extend(last);
        Received { content: Content::new(self.full), digests, form: None, source: None }
    }

    /// Waits for the next frame with data. Returns whether there is one.
    async fn next_frame(&mut self) -> Result<bool, BodyError> {
        self.asked = true;
        loop {
            let frame = tokio::time::timeout(self.timeout, self.body.frame()).await;
            match frame.map_err(|_| BodyError::Stalled)? {
                None => return Ok(false),
                Some(frame) => {
                    if let Ok(data) = frame.map_err(|error| body_error(&error))?.into_data()
                        && !data.is_empty()
                    {
                        self.frame = data;
                        return Ok(true);
                    }
                }
            }
        }
    }

    /// Copies bytes into chunks.
    fn keep(&mut self, mut bytes: &[u8]) -> Result<(), BodyError> {
        while !bytes.is_empty() {
            let chunk = match &mut self.filling {
                Some(chunk) => chunk,
                None => {
                    let capacity = match self.declared {
                        Some(declared) => {
                            usize::try_from(declared.saturating_sub(self.kept)).unwrap_or(usize::MAX)
                        }
                        None if self.full.is_empty() => FIRST_CHUNK_BYTES,
                        None => CHUNK_BYTES,
                    };
                    let capacity = capacity.clamp(1, CHUNK_BYTES);
                    self.filling.insert(self.memory.chunk(capacity).ok_or(BodyError::OutOfMemory)?)
                }
            };
            let room = (chunk.held_bytes - chunk.bytes.len() as u64) as usize;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            chunk.bytes.extend_from_slice(now);
            self.kept += now.len() as u64;
            bytes = later;
            if chunk.is_full() {
                self.full.extend(self.filling.take().map(Chunk::finish));
            }
        }
        Ok(())
    }
}

/// What an error of hyper says about the body.
fn body_error(error: &hyper::Error) -> BodyError {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => BodyError::Malformed,
                _ => BodyError::Incomplete,
            };
        }
        source = error.source();
    }
    BodyError::Incomplete
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_held_by_readers_and_given_back_by_the_last() {
        let memory = Memory::new(100);
        let held = || memory.held_bytes.load(Ordering::Relaxed);
        let mut chunk = memory.chunk(60).unwrap();
        assert!(memory.chunk(60).is_none(), "there are only 40 bytes left");
        assert_eq!(held(), 60);
        chunk.bytes.extend_from_slice(b"0123456789");
        let bytes = chunk.finish();
        assert_eq!(held(), 10, "what was not filled is given back");
        let part = bytes.slice(2..4);
        drop(bytes);
        assert_eq!(held(), 10);
        drop(part);
        assert_eq!(held(), 0);
    }
}
