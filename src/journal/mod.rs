//! The journal: exactly one entry for each exchange, whatever happened to it, in a bounded ring.
//!
//! An entry is begun when a head is complete and filled in as the exchange goes on. It says how the exchange ends before
//! the last byte is sent, so that a client that has its answer finds the entry complete; where the client goes away
//! instead, the entry is corrected.
//!
//! `entry` is how an exchange is kept: small, because every request makes one. `exchange` is how it is told.
//!
//! Source: `scenarios.md` 13.

mod entry;
mod exchange;

use std::collections::{HashMap, VecDeque};

use entry::Shelf;
pub use entry::{Entry, Said, Text};
pub use exchange::{
    ActionRecord, Answer, CallbackRecord, Download, Ended, Exchange, ReceivedBody, RuleRecord, explained,
    lines,
};

/// The most bytes that the texts of all entries may take.
const MAX_TEXT_BYTES: usize = 16 << 20;

/// The last exchanges of a world. Without room, unless it is made with some.
#[derive(Debug, Default)]
pub struct Journal {
    entries: VecDeque<Entry>,
    shelf: Shelf,
    /// The number of the last attempt of each logical request of which another one is expected.
    latest: HashMap<u128, u64>,
    /// The exchange that started each job that is not over, as long as there is an entry of it.
    jobs: HashMap<String, u64>,
    capacity: usize,
    text_bytes: usize,
    /// How many there were.
    begun: u64,
    changes: u64,
}

/// An entry that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// Its number.
    pub n: u64,
    /// How many bytes of its body the attempt before had sent, if any.
    pub earlier_bytes: Option<u64>,
}

impl Journal {
    /// An empty journal for so many entries.
    pub fn new(capacity: usize) -> Self {
        Journal { capacity, ..Journal::default() }
    }

    /// Counts an exchange of which nothing is kept.
    pub fn pass(&mut self) -> Begun {
        self.begun += 1;
        self.changes += 1;
        Begun { n: self.begun, earlier_bytes: None }
    }

    /// Adds an entry. The oldest make room.
    pub fn begin(&mut self, mut entry: Entry) -> Begun {
        let earlier = self.last_attempt(entry.logical).filter(|_| entry.attempt > 1);
        let earlier_bytes = earlier.map(|earlier| earlier.received.bytes).filter(|bytes| *bytes > 0);
        let begun = Begun { earlier_bytes, ..self.pass() };
        entry.n = begun.n;
        self.shelf.take(&mut entry.said);
        self.text_bytes += entry.text_bytes();
        self.entries.push_back(entry);
        while self.entries.len() > self.capacity
            || (self.text_bytes > MAX_TEXT_BYTES && self.entries.len() > 1)
        {
            let oldest = self.entries.pop_front().expect("there are entries");
            self.text_bytes -= oldest.text_bytes();
            if self.latest.get(&oldest.logical) == Some(&oldest.n) {
                self.latest.remove(&oldest.logical);
            }
        }
        begun
    }

    /// The last attempt of a logical request.
    fn last_attempt(&self, logical: u128) -> Option<&Entry> {
        self.entries.get(self.place(*self.latest.get(&logical)?)?)
    }

    /// Where the entry of that number stands or will stand; `None` when it was dropped.
    fn place(&self, n: u64) -> Option<usize> {
        n.checked_sub(self.dropped() + 1).and_then(|place| usize::try_from(place).ok())
    }

    /// Changes an entry, unless it was dropped meanwhile.
    pub fn update(&mut self, n: u64, change: impl FnOnce(&mut Entry)) {
        let place = self.place(n);
        if let Some(entry) = place.and_then(|place| self.entries.get_mut(place)) {
            let before = entry.text_bytes();
            change(entry);
            self.text_bytes = self.text_bytes - before + entry.text_bytes();
            self.changes += 1;
        }
    }

    /// Says that an exchange started a job.
    pub fn starts_job(&mut self, job: String, n: u64) {
        // The job of a vault that was deleted never ends.
        if self.jobs.len() >= self.capacity {
            let dropped = self.dropped();
            self.jobs.retain(|_, n| *n > dropped);
        }
        self.jobs.insert(job, n);
    }

    /// The exchange that started a job, which is over now.
    pub fn end_job(&mut self, job: &str) -> Option<u64> {
        self.jobs.remove(job)
    }

    /// Says that another attempt of this exchange is expected, which is to be compared with it.
    pub fn expect_another(&mut self, n: u64) {
        if let Some(entry) = self.place(n).and_then(|place| self.entries.get(place)) {
            self.latest.insert(entry.logical, n);
        }
    }

    /// The entries with a number of at least `from`, at most `limit`.
    pub fn entries(&self, from: u64, limit: usize) -> impl Iterator<Item = &Entry> {
        let first = self.place(from).unwrap_or(0).min(self.entries.len());
        self.entries.range(first..).take(limit)
    }

    /// Grows with everything that is added or changed: as long as it is the same, another look shows nothing new.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// How many entries were dropped to make room.
    pub fn dropped(&self) -> u64 {
        self.begun - self.entries.len() as u64
    }

    /// The number that the next entry will get.
    pub fn next(&self) -> u64 {
        self.begun + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::message::tests::head;
    use crate::operation::{Names, Service};

    fn entry(path: &str) -> Entry {
        let head = head("PUT", path, &[("content-length", "9")]);
        let said = Said::of(&head, &Names::default(), Service::Cos, None);
        Entry::new(said, 1, 1, Timestamp::from_unix_seconds(0))
    }

    fn paths(journal: &Journal) -> Vec<&str> {
        journal.entries(0, usize::MAX).filter_map(|entry| entry.said.text(Text::Path)).collect()
    }

    #[test]
    fn the_oldest_entries_make_room_and_are_counted() {
        let mut journal = Journal::new(2);
        assert_eq!(["/a", "/b", "/c"].map(|path| journal.begin(entry(path)).n), [1, 2, 3]);
        assert_eq!(paths(&journal), ["/b", "/c"]);
        assert_eq!((journal.dropped(), journal.next()), (1, 4));
    }

    #[test]
    fn entries_are_found_from_any_number_on() {
        let mut journal = Journal::new(3);
        for path in ["/a", "/b", "/c", "/d", "/e"] {
            journal.begin(entry(path));
        }
        let from = |n, limit| journal.entries(n, limit).map(|entry| entry.n).collect::<Vec<_>>();
        assert_eq!(from(0, 9), [3, 4, 5]);
        assert_eq!(from(4, 1), [4]);
        assert!(from(6, 9).is_empty() && from(u64::MAX, 9).is_empty());
    }

    #[test]
    fn jobs_whose_exchange_was_dropped_are_forgotten() {
        let mut journal = Journal::new(2);
        for path in ["/a", "/b", "/c", "/d", "/e"] {
            let n = journal.begin(entry(path)).n;
            journal.starts_job(path.to_owned(), n);
        }
        assert_eq!(["/c", "/d", "/e"].map(|job| journal.end_job(job)), [None, Some(4), Some(5)]);
    }

    #[test]
    fn a_journal_without_room_counts_what_it_does_not_keep() {
        let mut journal = Journal::new(0);
        assert_eq!([journal.begin(entry("/a")).n, journal.pass().n], [1, 2]);
        assert_eq!((paths(&journal).len(), journal.dropped(), journal.next()), (0, 2, 3));
    }

    #[test]
    fn an_attempt_knows_how_far_the_one_before_came() {
        let mut journal = Journal::new(9);
        let attempt = |attempt| {
            let mut entry = entry("/a");
            (entry.logical, entry.attempt) = (7, attempt);
            entry
        };
        assert_eq!(journal.begin(attempt(1)).earlier_bytes, None);
        journal.update(1, |entry| entry.received.bytes = 5);
        journal.expect_another(1);
        assert_eq!(journal.begin(attempt(2)).earlier_bytes, Some(5));
        assert_eq!(journal.begin(attempt(1)).earlier_bytes, None, "a first attempt has none before it");
    }

    #[test]
    fn an_entry_is_changed_by_its_number_and_a_dropped_one_is_not_missed() {
        let mut journal = Journal::new(2);
        for path in ["/a", "/b", "/c"] {
            journal.begin(entry(path));
        }
        journal.update(3, |entry| entry.applied = true);
        journal.update(1, |_| panic!("it is gone"));
        journal.update(99, |_| panic!("it never was"));
        assert_eq!(journal.entries(3, 1).map(|entry| entry.applied).collect::<Vec<_>>(), [true]);
    }

    #[test]
    fn long_texts_are_bounded_too() {
        let mut journal = Journal::new(10_000);
        for _ in 0..1000 {
            journal.begin(entry(&"x".repeat(60_000)));
        }
        assert!(journal.text_bytes <= MAX_TEXT_BYTES);
        assert!(journal.dropped() > 700, "{}", journal.dropped());
    }
}
