//! The MD5 of large bodies, hashed side by side: a body hands its chunks in as they fill, and whoever needs a digest now hashes
//! those of others along with its own.
//!
//! A body is hashed no later than when it is whole, or so much of it waits. It goes in steps with a yield between, like all
//! hashing; the lock is held to take pieces and to give them back, never to hash.
//!
//! Source: `performance.md` 4.2.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::digest::Md5;
use crate::digest::lanes::{BLOCK_BYTES, LANES, Lane, absorb, worthwhile};

/// How many bytes of each body are hashed in one step.
const STEP_BYTES: usize = 64 << 10;
/// How many bytes of a body may wait before some of them are hashed.
const WAITING_BYTES: usize = 2 << 20;
/// How many may wait while somebody else hashes along: so long the body is read on, on another core.
const WAITING_ELSEWHERE_BYTES: usize = 4 << 20;

/// The bodies that are hashed side by side.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    bodies: Mutex<Bodies>,
    /// Whoever waits for a body that somebody else hashes along.
    stepped: Notify,
}

#[derive(Debug, Default)]
struct Bodies {
    by_number: BTreeMap<u64, Body>,
    /// The number of the next one.
    next: u64,
}

/// A body on its way.
#[derive(Debug, Default)]
struct Body {
    /// `None` while a step is under way with it.
    lane: Option<Lane>,
    /// What was not hashed yet.
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
}

impl Body {
    /// The next piece for a step, if there are whole blocks of it.
    fn piece(&self) -> Option<Bytes> {
        let first = self.waiting.front()?;
        let length = first.len().min(STEP_BYTES);
        let length = length - length % BLOCK_BYTES;
        (length > 0).then(|| first.slice(..length))
    }

    /// Goes on behind so many bytes of the first piece.
    fn advance(&mut self, bytes: usize) {
        self.waiting_bytes -= bytes;
        if let Some(first) = self.waiting.front_mut() {
            let _ = first.split_to(bytes);
            if first.is_empty() {
                self.waiting.pop_front();
            }
        }
    }
}

/// What is hashed in one step: bodies by number, with their lanes and pieces of one length.
struct Step(Vec<(u64, Lane, Bytes)>);

/// What comes of looking at a body.
enum Next {
    /// A step with it.
    Step(Step),
    /// Somebody else hashes it along; so many bytes wait.
    Elsewhere(usize),
    /// No more waits than may.
    Done,
}

impl Lanes {
    fn bodies(&self) -> MutexGuard<'_, Bodies> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with a body.
    pub(super) fn begin(self: &Arc<Self>) -> InLane {
        let mut bodies = self.bodies();
        let number = bodies.next;
        bodies.next += 1;
        bodies.by_number.insert(number, Body { lane: Some(Lane::default()), ..Body::default() });
        InLane { lanes: self.clone(), number }
    }

    /// What to hash next for a body, as long as more than so many bytes of it wait.
    fn next(&self, number: u64, allowed_bytes: usize) -> Next {
        let mut bodies = self.bodies();
        let Some(body) = bodies.by_number.get_mut(&number) else { return Next::Done };
        // What is hashed elsewhere right now still waits: so nothing is under way where less than a block does.
        let Some(piece) = body.piece().filter(|_| body.waiting_bytes > allowed_bytes) else {
            return Next::Done;
        };
        let Some(lane) = body.lane.take() else { return Next::Elsewhere(body.waiting_bytes) };
        let mut step = vec![(number, lane, piece)];
        let length = step[0].2.len();
        // The oldest come first: they are needed first.
        let others = bodies.by_number.iter_mut().filter(|(_, body)| body.lane.is_some());
        let others = others.filter_map(|(other, body)| {
            let piece = body.piece().filter(|piece| piece.len() >= length)?;
            Some((*other, body, piece))
        });
        for (other, body, piece) in others.take(LANES - 1) {
            step.extend(body.lane.take().map(|lane| (other, lane, piece.slice(..length))));
        }
        let is_worthwhile = worthwhile().is_some_and(|least| step.len() >= least);
        if !is_worthwhile {
            for (other, lane, _) in step.drain(1..) {
                if let Some(body) = bodies.by_number.get_mut(&other) {
                    body.lane = Some(lane);
                }
            }
        }
        Next::Step(Step(step))
    }

    /// Hashes, and gives the lanes back.
    fn hash(&self, mut step: Step) {
        let (mut lanes, pieces): (Vec<&mut Lane>, Vec<&[u8]>) =
            step.0.iter_mut().map(|(_, lane, piece)| (lane, &piece[..])).unzip();
        absorb(&mut lanes, &pieces);
        let mut bodies = self.bodies();
        for (number, lane, piece) in step.0 {
            // One that is gone was given up meanwhile.
            if let Some(body) = bodies.by_number.get_mut(&number) {
                body.lane = Some(lane);
                body.advance(piece.len());
            }
        }
        drop(bodies);
        self.stepped.notify_waiters();
    }
}

/// A body among those that are hashed side by side; it leaves them when this is dropped.
pub(super) struct InLane {
    lanes: Arc<Lanes>,
    number: u64,
}

impl InLane {
    /// Hands in the next bytes: whole blocks, unless they are the last ones.
    pub(super) async fn take(&mut self, chunk: Bytes) {
        if let Some(body) = self.lanes.bodies().by_number.get_mut(&self.number) {
            body.waiting_bytes += chunk.len();
            body.waiting.push_back(chunk);
        }
        self.hash_until(WAITING_BYTES, WAITING_ELSEWHERE_BYTES).await;
    }

    /// The MD5 of all bytes.
    pub(super) async fn finish(self) -> Md5 {
        self.hash_until(0, 0).await;
        let mut bodies = self.lanes.bodies();
        let mut body = bodies.by_number.remove(&self.number).unwrap_or_default();
        let last = body.waiting.pop_front().unwrap_or_default();
        body.lane.unwrap_or_default().finish(&last)
    }

    /// Hashes until no more than so many bytes wait, or so many while somebody else hashes along.
    async fn hash_until(&self, allowed_bytes: usize, allowed_elsewhere: usize) {
        loop {
            let stepped = self.lanes.stepped.notified();
            match self.lanes.next(self.number, allowed_bytes) {
                Next::Step(step) => {
                    self.lanes.hash(step);
                    tokio::task::yield_now().await;
                }
                Next::Elsewhere(waiting_bytes) if waiting_bytes <= allowed_elsewhere => return,
                Next::Elsewhere(_) => stepped.await,
                Next::Done => return,
            }
        }
    }
}

impl Drop for InLane {
    fn drop(&mut self) {
        self.lanes.bodies().by_number.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use md5::{Digest as _, Md5 as Reference};
    use tokio::task::JoinSet;

    use super::*;

    fn content(length: usize, number: usize) -> Bytes {
        (0..length).map(|index| ((index * 31 + number * 97 + 7) % 251) as u8).collect::<Vec<u8>>().into()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn bodies_of_any_length_on_two_threads_have_their_own_md5() {
        let lanes = Arc::new(Lanes::default());
        let mut bodies = JoinSet::new();
        for number in 0..12 {
            let lanes = lanes.clone();
            bodies.spawn(async move {
                let content = content(number * 700_000 + number, number);
                let mut body = lanes.begin();
                for start in (0..content.len()).step_by(256 << 10) {
                    body.take(content.slice(start..content.len().min(start + (256 << 10)))).await;
                    tokio::task::yield_now().await;
                }
                assert_eq!(body.finish().await.bytes()[..], Reference::digest(&content)[..], "{number}");
            });
        }
        bodies.join_all().await;
        assert!(lanes.bodies().by_number.is_empty(), "each has left");
    }

    #[tokio::test]
    async fn a_body_that_is_given_up_holds_nothing_and_nobody_up() {
        let lanes = Arc::new(Lanes::default());
        let (mut left, mut goes_on) = (lanes.begin(), lanes.begin());
        left.take(content(1 << 20, 1)).await;
        goes_on.take(content(1 << 20, 2)).await;
        drop(left);
        assert_eq!(lanes.bodies().by_number.len(), 1);
        assert_eq!(goes_on.finish().await.bytes()[..], Reference::digest(content(1 << 20, 2))[..]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_of_which_little_waits_is_not_held_up_by_a_step_elsewhere() {
        let lanes = Arc::new(Lanes::default());
        let mut bodies: Vec<InLane> = (0..3).map(|_| lanes.begin()).collect();
        for body in &mut bodies {
            body.take(content(1 << 16, 1)).await;
        }
        let Next::Step(step) = lanes.next(0, 0) else { panic!("there is something to hash") };
        assert_eq!(step.0.len(), if worthwhile().is_some() { 3 } else { 1 });
        let taken =
            tokio::time::timeout(std::time::Duration::from_secs(1), bodies[1].take(content(1 << 16, 2)))
                .await;
        assert!(taken.is_ok(), "it waits for the step");
        lanes.hash(step);
        let whole = [content(1 << 16, 1), content(1 << 16, 2)].concat();
        assert_eq!(bodies.remove(1).finish().await.bytes()[..], Reference::digest(&whole)[..]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_hashed_elsewhere_is_read_on_for_a_while() {
        let lanes = Arc::new(Lanes::default());
        let mut body = lanes.begin();
        body.take(content(1 << 20, 1)).await;
        let Next::Step(_step) = lanes.next(0, 0) else { panic!("there is something to hash") };
        let mut taken = 1 << 20;
        let in_time = std::time::Duration::from_secs(1);
        while tokio::time::timeout(in_time, body.take(content(1 << 20, 1))).await.is_ok() {
            taken += 1 << 20;
        }
        assert_eq!(taken, WAITING_ELSEWHERE_BYTES);
    }

    #[tokio::test]
    async fn no_more_than_some_bytes_of_a_body_wait() {
        let lanes = Arc::new(Lanes::default());
        let mut body = lanes.begin();
        for _ in 0..8 {
            body.take(content(1 << 20, 1)).await;
            assert!(lanes.bodies().by_number[&0].waiting_bytes <= WAITING_BYTES);
        }
    }
}
