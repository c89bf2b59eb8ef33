//! Receiving a body: from frames of the socket to shared chunks, with all digests fed in the same pass.
//!
//! Chunks are filled by copy, 1 MiB each: a frame pins the whole read buffer it was cut from. Hashing goes in steps with a
//! yield between, so that other connections of the thread go on. The MD5 of a large body is left to `lanes`. When the memory is used
//! up, chunks are written to disk as they fill.

use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::lanes::{InLane, Lanes};
use crate::content::{Content, Piece};
use crate::digest::lanes::worthwhile;
use crate::digest::{Hasher, Wanted, Witness, Witnessed};
use crate::message::{BodyError, BodyPlan, Received};
use crate::spill::{SLOT_BYTES, SpillFile};
use crate::wire::script::Pace;

/// The size of a full chunk.
const CHUNK_BYTES: usize = SLOT_BYTES;
/// The first chunk of a body of unknown length.
const FIRST_CHUNK_BYTES: usize = 64 << 10;
/// How many bytes are hashed between two yields.
const STEP_BYTES: usize = 256 << 10;

/// The memory that stored bodies may take, and where they go when it is used up.
#[derive(Debug)]
pub(super) struct Memory {
    limit_bytes: u64,
    held_bytes: AtomicU64,
    spill: Option<Arc<SpillFile>>,
}

/// A share of the memory, which is given back when this is dropped.
struct Share {
    memory: Arc<Memory>,
    bytes: u64,
}

/// A chunk of a body.
struct Chunk {
    bytes: Vec<u8>,
    capacity: usize,
    /// `None` for a chunk that is written to disk when it is full.
    share: Option<Share>,
}

/// A chunk that stays in memory until the last reader lets go of it.
struct Kept {
    bytes: Vec<u8>,
    _share: Share,
}

impl Memory {
    pub(super) fn new(limit_bytes: u64, spill: Option<PathBuf>) -> Arc<Self> {
        Arc::new(Memory { limit_bytes, held_bytes: AtomicU64::new(0), spill: spill.map(SpillFile::within) })
    }

    /// `None` when there is not so much left.
    fn share(self: &Arc<Self>, bytes: u64) -> Option<Share> {
        let held = self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        let share = Share { memory: self.clone(), bytes };
        (held + bytes <= self.limit_bytes).then_some(share)
    }

    /// Writes a chunk to disk.
    ///
    /// # Errors
    /// When that is not wanted, or does not go.
    async fn spill(&self, bytes: Bytes) -> Result<Piece, BodyError> {
        let Some(file) = &self.spill else { return Err(BodyError::OutOfMemory) };
        let (file, folder) = (file.clone(), file.folder().to_owned());
        let written = tokio::task::spawn_blocking(move || file.write(&bytes)).await;
        let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map(Piece::from).map_err(|error| BodyError::CannotSpill { folder, reason: error.to_string() })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.memory.held_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Chunk {
    /// An empty chunk for so many bytes.
    fn new(capacity: usize, memory: &Arc<Memory>) -> Self {
        Chunk { bytes: Vec::with_capacity(capacity), capacity, share: memory.share(capacity as u64) }
    }

    fn is_full(&self) -> bool {
        self.bytes.len() == self.capacity
    }

    /// The bytes, and whether they stay in memory. Gives back what was not filled.
    fn finish(mut self) -> (Bytes, bool) {
        self.bytes.shrink_to_fit();
        let Some(mut share) = self.share else { return (self.bytes.into(), false) };
        let unused = share.bytes - self.bytes.len() as u64;
        share.memory.held_bytes.fetch_sub(unused, Ordering::Relaxed);
        share.bytes -= unused;
        (Bytes::from_owner(Kept { bytes: self.bytes, _share: share }), true)
    }
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
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
    full: Vec<Piece>,
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
    /// When the body ends early, stalls, is too large or malformed, or there is no room for it.
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
            self.keep(&step).await?;
            if step.len() == STEP_BYTES {
                tokio::task::yield_now().await;
            }
        }
        Ok(true)
    }

    /// The body, once it was taken to its end.
    ///
    /// # Errors
    /// When there is no room for the rest of it.
    pub(super) async fn finish(mut self) -> Result<Received, BodyError> {
        self.put_by().await?;
        let mut digests = self.hasher.finish();
        if let Some(lane) = self.in_lane {
            digests.md5 = Some(lane.finish().await);
        }
        Ok(Received { content: Content::new(self.full), digests, ..Received::default() })
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
    async fn keep(&mut self, mut bytes: &[u8]) -> Result<(), BodyError> {
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
                    self.filling.insert(Chunk::new(capacity, &self.memory))
                }
            };
            let room = chunk.capacity - chunk.bytes.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            chunk.bytes.extend_from_slice(now);
            self.kept += now.len() as u64;
            bytes = later;
            if chunk.is_full() {
                self.put_by().await?;
            }
        }
        Ok(())
    }

    /// Puts the chunk that is being filled to the full ones.
    async fn put_by(&mut self) -> Result<(), BodyError> {
        let Some((bytes, is_kept)) = self.filling.take().map(Chunk::finish) else { return Ok(()) };
        if let Some(lane) = &mut self.in_lane {
            lane.take(bytes.clone()).await;
        }
        self.full.push(if is_kept { bytes.into() } else { self.memory.spill(bytes).await? });
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
        let memory = Memory::new(100, None);
        let held = || memory.held_bytes.load(Ordering::Relaxed);
        let mut chunk = Chunk::new(60, &memory);
        assert!(Chunk::new(60, &memory).share.is_none(), "there are only 40 bytes left");
        assert_eq!(held(), 60);
        chunk.bytes.extend_from_slice(b"0123456789");
        let (bytes, is_kept) = chunk.finish();
        assert!(is_kept);
        assert_eq!(held(), 10, "what was not filled is given back");
        let part = bytes.slice(2..4);
        drop(bytes);
        assert_eq!(held(), 10);
        drop(part);
        assert_eq!(held(), 0);
    }
}
