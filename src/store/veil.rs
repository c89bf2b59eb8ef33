//! Writes that are not seen yet: reads and lists are shown the state before.
//!
//! The store itself is always up to date; a veil puts an earlier object in the place of the present one for the time of one
//! look.
//!
//! Source: `scenarios.md` 5.2 (`stale`) and 8 (`server.consistency`).

use std::sync::Arc;
use std::time::Duration;

use super::{Change, Object, Store};

/// How many veils there are at most; the oldest fall first.
const MAX_VEILS: usize = 10_000;

/// Until when a write is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// It is seen at once.
    None,
    /// By so many looks.
    Looks(u32),
    /// Until that time, counted from the start of the world.
    Until(Duration),
}

impl Lag {
    fn holds(self, elapsed: Duration) -> bool {
        match self {
            Lag::None => false,
            Lag::Looks(looks) => looks > 0,
            Lag::Until(end) => elapsed < end,
        }
    }
}

/// What looks at the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look<'a> {
    /// A read of that object.
    Read(&'a str, &'a str),
    /// A list of that bucket.
    List(&'a str),
}

/// All writes that are not seen yet, the oldest first.
#[derive(Debug, Default)]
pub struct Veils(Vec<Veil>);

#[derive(Debug)]
struct Veil {
    bucket: String,
    key: String,
    before: Option<Arc<Object>>,
    reads: Lag,
    lists: Lag,
}

impl Veils {
    /// Hides the changes of objects from reads and lists, before they are applied. Returns whether there were any.
    pub fn cast(&mut self, store: &Store, changes: &[Change], reads: Lag, lists: Lag) -> bool {
        let mut any = false;
        for (bucket, key) in changes.iter().filter_map(Change::object) {
            let before = store.bucket(bucket).and_then(|bucket| bucket.object(key)).cloned();
            self.0.push(Veil { bucket: bucket.to_owned(), key: key.to_owned(), before, reads, lists });
            any = true;
        }
        if self.0.len() > MAX_VEILS {
            self.0.drain(..self.0.len() - MAX_VEILS);
        }
        any
    }

    /// Looks at the store as it is shown.
    pub fn look<T>(
        &mut self,
        store: &mut Store,
        look: Look<'_>,
        elapsed: Duration,
        see: impl FnOnce(&Store) -> T,
    ) -> T {
        self.0.retain(|veil| veil.reads.holds(elapsed) || veil.lists.holds(elapsed));
        let mut lifted = Vec::new();
        // The newest first, so that the oldest that still hides something is what is seen.
        for veil in self.0.iter_mut().rev() {
            let lag = match look {
                Look::Read(bucket, key) if veil.bucket == bucket && veil.key == key => &mut veil.reads,
                Look::List(bucket) if veil.bucket == bucket => &mut veil.lists,
                Look::Read(..) | Look::List(_) => continue,
            };
            if !lag.holds(elapsed) {
                continue;
            }
            if let Lag::Looks(looks) = lag {
                *looks -= 1;
            }
            let present = store.swap_object(&veil.bucket, &veil.key, veil.before.clone());
            lifted.push((veil.bucket.clone(), veil.key.clone(), present));
        }
        let seen = see(store);
        for (bucket, key, present) in lifted.into_iter().rev() {
            store.swap_object(&bucket, &key, present);
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::digest::{Crc64, md5};
    use crate::store::{Etag, Metadata, ObjectKind, VersionId};

    const NOW: Timestamp = Timestamp::from_unix_seconds(0);

    fn object(text: &str) -> Arc<Object> {
        Arc::new(Object {
            content: text.to_owned().into(),
            etag: Etag::Md5(md5(text.as_bytes())),
            crc64: Crc64::EMPTY,
            modified: NOW,
            metadata: Metadata::default(),
            kind: ObjectKind::Normal,
        })
    }

    fn put(text: &str) -> Change {
        let (bucket, key) = ("b".to_owned(), "k".to_owned());
        Change::PutObject { bucket, key, version: VersionId::Null, object: object(text) }
    }

    fn world() -> (Store, Veils) {
        let mut store = Store::default();
        store.apply(Change::CreateBucket { bucket: "b".to_owned(), region: "r".to_owned(), now: NOW });
        (store, Veils::default())
    }

    fn write(store: &mut Store, veils: &mut Veils, change: Change, reads: Lag, lists: Lag) {
        assert!(veils.cast(store, std::slice::from_ref(&change), reads, lists));
        store.apply(change);
    }

    /// The text of the object.
    fn text(store: &Store) -> Option<String> {
        let object = store.bucket("b").and_then(|bucket| bucket.object("k"))?;
        Some(String::from_utf8_lossy(&object.content.to_bytes()).into_owned())
    }

    #[test]
    fn a_write_is_seen_so_many_reads_later_and_by_lists_at_its_time() {
        let (mut store, mut veils) = world();
        let second = Duration::from_secs(1);
        write(&mut store, &mut veils, put("new"), Lag::Looks(2), Lag::Until(second));
        let mut read = |veils: &mut Veils, look, elapsed| veils.look(&mut store, look, elapsed, text);
        assert_eq!(read(&mut veils, Look::List("b"), Duration::ZERO), None);
        assert_eq!(read(&mut veils, Look::Read("b", "k"), Duration::ZERO), None);
        assert_eq!(read(&mut veils, Look::Read("b", "other"), Duration::ZERO).as_deref(), Some("new"));
        assert_eq!(read(&mut veils, Look::Read("b", "k"), second), None);
        assert_eq!(read(&mut veils, Look::Read("b", "k"), second).as_deref(), Some("new"));
        assert_eq!(read(&mut veils, Look::List("b"), second).as_deref(), Some("new"));
        assert!(veils.0.is_empty());
    }

    #[test]
    fn of_several_hidden_writes_the_state_before_the_first_is_seen() {
        let (mut store, mut veils) = world();
        for text in ["one", "two", "three"] {
            write(&mut store, &mut veils, put(text), Lag::Looks(1), Lag::None);
        }
        assert_eq!(veils.look(&mut store, Look::Read("b", "k"), Duration::ZERO, text), None);
        assert_eq!(text(&store).as_deref(), Some("three"), "the store is as it was");
        assert_eq!(
            veils.look(&mut store, Look::Read("b", "k"), Duration::ZERO, text).as_deref(),
            Some("three")
        );
    }

    #[test]
    fn veils_are_bounded() {
        let (mut store, mut veils) = world();
        for _ in 0..MAX_VEILS + 5 {
            write(&mut store, &mut veils, put("x"), Lag::Looks(1), Lag::None);
        }
        assert_eq!(veils.0.len(), MAX_VEILS);
    }
}
