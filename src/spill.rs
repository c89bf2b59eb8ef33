//! The file that bodies go to when the memory for them is used up: unnamed, one for a server, divided into slots of one size.
//!
//! A slot that is not filled leaves a hole in the file, which takes no room on disk. A slot is given back when nobody can
//! read it any more, and its room with it; the file goes with its last slot. Everything here blocks the thread.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// The size of a slot.
pub const SLOT_BYTES: usize = 1 << 20;

/// A file that is made when it is first needed.
#[derive(Debug)]
pub struct SpillFile {
    folder: PathBuf,
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    file: Option<Arc<File>>,
    /// Those before the end that nobody has.
    free: BTreeSet<u64>,
    /// How many there are.
    end: u64,
}

impl SpillFile {
    /// A file in that folder. Nothing is made yet.
    pub fn within(folder: PathBuf) -> Arc<Self> {
        Arc::new(SpillFile { folder, slots: Mutex::default() })
    }

    /// Where the file lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes at most [`SLOT_BYTES`] to a slot of their own.
    ///
    /// # Errors
    /// When the file cannot be made, or not be written.
    pub fn write(self: &Arc<Self>, bytes: &[u8]) -> io::Result<Spilled> {
        let slot = self.take_slot()?;
        write_at(&slot.file, bytes, slot.start())?;
        Ok(Spilled { slot: Arc::new(slot), length: bytes.len() })
    }

    fn take_slot(self: &Arc<Self>) -> io::Result<Slot> {
        let mut slots = self.slots();
        let file = match &slots.file {
            Some(file) => file.clone(),
            None => slots.file.insert(Arc::new(tempfile::tempfile_in(&self.folder)?)).clone(),
        };
        let number = slots.free.pop_first().unwrap_or_else(|| {
            slots.end += 1;
            slots.end - 1
        });
        Ok(Slot { number, file, owner: self.clone() })
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot that somebody has.
#[derive(Debug)]
struct Slot {
    number: u64,
    file: Arc<File>,
    owner: Arc<SpillFile>,
}

impl Slot {
    fn start(&self) -> u64 {
        self.number * SLOT_BYTES as u64
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        give_room_back(&self.file, self.start());
        let mut slots = self.owner.slots();
        slots.free.insert(self.number);
        if slots.free.len() as u64 == slots.end {
            *slots = Slots::default();
        }
    }
}

/// Bytes in a slot. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Spilled {
    slot: Arc<Slot>,
    length: usize,
}

impl Spilled {
    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// The bytes of a range that lies within.
    ///
    /// # Panics
    /// When the disk does not give back what it took: no answer would be true.
    pub fn read(&self, range: Range<usize>) -> Bytes {
        let mut bytes = vec![0; range.len()];
        read_at(&self.slot.file, &mut bytes, self.slot.start() + range.start as u64).unwrap_or_else(
            |error| {
                panic!("what was spilled to {} cannot be read: {error}", self.slot.owner.folder.display())
            },
        );
        bytes.into()
    }
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, start)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

#[cfg(not(unix))]
fn write_at(_: &File, _: &[u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Makes a hole of a slot. Where a file system knows no holes, the room stays with the file until that goes.
#[cfg(target_os = "linux")]
fn give_room_back(file: &File, start: u64) {
    use rustix::fs::FallocateFlags;
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let _ = rustix::fs::fallocate(file, hole, start, SLOT_BYTES as u64);
}

#[cfg(not(target_os = "linux"))]
fn give_room_back(_: &File, _: u64) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn spill_file() -> Arc<SpillFile> {
        SpillFile::within(std::env::temp_dir())
    }

    #[test]
    fn what_was_written_is_read_in_any_range() {
        let file = spill_file();
        let first = file.write(b"0123456789").unwrap();
        let second = file.write(&vec![7; SLOT_BYTES]).unwrap();
        assert_eq!(first.read(0..first.len()), "0123456789");
        assert_eq!(first.read(3..5), "34");
        assert_eq!(second.read(SLOT_BYTES - 2..SLOT_BYTES), vec![7; 2]);
    }

    #[test]
    fn a_slot_is_used_again_when_the_last_reader_has_gone() {
        let file = spill_file();
        let (first, second) = (file.write(b"first").unwrap(), file.write(b"second").unwrap());
        let reader = first.clone();
        drop(first);
        assert_eq!(file.write(b"third").unwrap().slot.number, 2);
        drop(reader);
        assert_eq!(file.write(b"fourth").unwrap().slot.number, 0);
        assert_eq!(second.read(0..6), "second");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn room_on_disk_is_given_back_with_each_slot_and_the_file_with_the_last() {
        use std::os::unix::fs::MetadataExt as _;
        let file = spill_file();
        let mut spilled: Vec<Spilled> =
            (0..4).map(|index| file.write(&vec![index; SLOT_BYTES]).unwrap()).collect();
        let room = |held: &File| held.metadata().unwrap().blocks() * 512;
        let held = spilled[0].slot.file.clone();
        let all = room(&held);
        spilled.truncate(1);
        assert!(room(&held) <= all / 2, "{} of {all} bytes are left", room(&held));
        spilled.clear();
        assert!(file.slots().file.is_none());
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_and_no_slot_is_lost() {
        let file = SpillFile::within("/nowhere/at/all".into());
        assert_eq!(file.write(b"bytes").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(file.slots().end, 0);
    }
}
