//! The bytes of a body: a list of shared chunks that is never copied, neither to store it nor to read it.
//!
//! Cutting a range and joining parts make new lists over the same chunks. How chunks are filled from a socket is
//! the business of `server::intake`. Bytes that follow from a rule are not held at all: they are made when they are read.
//! Bytes for which there was no memory lie on disk.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::spill::Spilled;

/// How many bytes are read from disk at once.
const READ_BYTES: u64 = 256 << 10;

/// A body: chunks in order. Cloning shares them.
#[derive(Clone, Default)]
pub struct Content(Option<Arc<Chunks>>);

struct Chunks {
    pieces: Vec<Piece>,
    /// Where each piece ends, counted from the start of the content: a range is found by binary search.
    ends: Vec<u64>,
}

/// A run of bytes.
#[derive(Clone)]
pub enum Piece {
    /// In memory.
    Held(Bytes),
    /// That range of a stream.
    Made(Arc<Stream>, Range<u64>),
    /// That range of what lies on disk.
    Spilled(Spilled, Range<u64>),
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Piece::Held(bytes) => bytes.len() as u64,
            Piece::Made(_, range) | Piece::Spilled(_, range) => range.end - range.start,
        }
    }

    fn slice(&self, range: Range<u64>) -> Piece {
        match self {
            // The range lies within the piece, whose length is a usize.
            Piece::Held(bytes) => Piece::Held(bytes.slice(range.start as usize..range.end as usize)),
            Piece::Made(stream, whole) => {
                Piece::Made(stream.clone(), whole.start + range.start..whole.start + range.end)
            }
            Piece::Spilled(spilled, whole) => {
                Piece::Spilled(spilled.clone(), whole.start + range.start..whole.start + range.end)
            }
        }
    }
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Piece::Held(bytes)
    }
}

impl From<Spilled> for Piece {
    fn from(spilled: Spilled) -> Self {
        let length = spilled.len() as u64;
        Piece::Spilled(spilled, 0..length)
    }
}

/// What lies at a place of a content.
pub enum Found {
    /// These bytes; none at the end.
    Bytes(Bytes),
    /// What has to be read from disk.
    OnDisk(OnDisk),
}

/// A range of what was spilled, short enough to be read at once.
pub struct OnDisk(Spilled, Range<usize>);

impl OnDisk {
    /// The bytes. Blocks the thread.
    pub fn read(&self) -> Bytes {
        self.0.read(self.1.clone())
    }
}

/// An endless stream of bytes that follow from a rule: a tile, of which each repetition is mixed with a number of its own.
#[derive(Debug)]
pub struct Stream {
    tile: Arc<Tile>,
    /// `None` leaves the tile as it is.
    key: Option<u64>,
}

/// The words of a tile; they are written with the lowest byte first.
pub type Tile = [u64; Stream::TILE_BYTES / 8];

impl Stream {
    /// The length of a tile, in bytes.
    pub const TILE_BYTES: usize = 64 << 10;

    /// Nothing but zeros.
    pub fn zeros() -> Self {
        Stream { tile: Arc::new([0; Self::TILE_BYTES / 8]), key: None }
    }

    /// The stream of a tile and a key.
    pub fn keyed(tile: Arc<Tile>, key: u64) -> Self {
        Stream { tile, key: Some(key) }
    }

    /// The number that every word of the tile's repetition of that number is mixed with.
    pub fn mask(&self, repetition: u64) -> u64 {
        // The finaliser of SplitMix64: neighbouring repetitions differ in half of their bits.
        let Some(key) = self.key else { return 0 };
        let mixed = key.wrapping_add(repetition.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A repetition of the tile, mixed with that number.
    pub fn repetition(&self, mask: u64) -> Vec<u8> {
        self.tile.iter().flat_map(|word| (word ^ mask).to_le_bytes()).collect()
    }

    /// The bytes from `start` on: at most so many, and none of the next repetition.
    fn read(&self, start: u64, most: u64) -> Bytes {
        let tile = Self::TILE_BYTES as u64;
        let within = start % tile;
        let end = tile.min(within.saturating_add(most));
        let bytes = Bytes::from(self.repetition(self.mask(start / tile)));
        bytes.slice(within as usize..end as usize)
    }
}

impl Content {
    /// The content that consists of `pieces`, in order.
    pub fn new(pieces: impl IntoIterator<Item = impl Into<Piece>>) -> Self {
        Content::of(pieces.into_iter().map(Into::into))
    }

    /// So many bytes of a stream.
    pub fn made(stream: Stream, length: u64) -> Self {
        Content::of([Piece::Made(Arc::new(stream), 0..length)])
    }

    fn of(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let pieces: Vec<Piece> = pieces.into_iter().filter(|piece| piece.len() > 0).collect();
        let mut end = 0;
        let ends = pieces
            .iter()
            .map(|piece| {
                end += piece.len();
                end
            })
            .collect();
        if pieces.is_empty() { Content(None) } else { Content(Some(Arc::new(Chunks { pieces, ends }))) }
    }

    /// The length in bytes.
    pub fn len(&self) -> u64 {
        self.0.as_ref().and_then(|chunks| chunks.ends.last().copied()).unwrap_or(0)
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The bytes from `start` on that lie together: at least one, unless the content ends there. Blocks the thread when
    /// they lie on disk; `server::reading` does not.
    pub fn bytes_at(&self, start: u64) -> Bytes {
        match self.find(start) {
            Found::Bytes(bytes) => bytes,
            Found::OnDisk(bytes) => bytes.read(),
        }
    }

    /// What lies together from `start` on: at least one byte, unless the content ends there.
    pub fn find(&self, start: u64) -> Found {
        let Some(chunks) = self.0.as_ref().filter(|_| start < self.len()) else {
            return Found::Bytes(Bytes::new());
        };
        let index = chunks.ends.partition_point(|&end| end <= start);
        let piece = &chunks.pieces[index];
        let within = start - (chunks.ends[index] - piece.len());
        match piece {
            Piece::Held(bytes) => Found::Bytes(bytes.slice(within as usize..)),
            Piece::Made(stream, range) => {
                Found::Bytes(stream.read(range.start + within, range.end - range.start - within))
            }
            Piece::Spilled(spilled, range) => {
                let start = range.start + within;
                let end = range.end.min(start + READ_BYTES);
                Found::OnDisk(OnDisk(spilled.clone(), start as usize..end as usize))
            }
        }
    }

    /// The bytes in order, as they lie together; no piece is empty.
    pub fn pieces(&self) -> impl Iterator<Item = Bytes> + '_ {
        let mut start = 0;
        std::iter::from_fn(move || {
            let bytes = self.bytes_at(start);
            start += bytes.len() as u64;
            (!bytes.is_empty()).then_some(bytes)
        })
    }

    /// The bytes of `range`, which is cut to the content's length. Shares the chunks.
    pub fn slice(&self, range: Range<u64>) -> Content {
        let end = range.end.min(self.len());
        if range.start >= end {
            return Content::default();
        }
        if range.start == 0 && end == self.len() {
            return self.clone();
        }
        let Some(chunks) = &self.0 else { return Content::default() };
        let first = chunks.ends.partition_point(|&piece_end| piece_end <= range.start);
        let pieces =
            chunks.pieces[first..].iter().zip(&chunks.ends[first..]).map_while(|(piece, &piece_end)| {
                let piece_start = piece_end - piece.len();
                (piece_start < end).then(|| {
                    piece.slice(range.start.saturating_sub(piece_start)..end.min(piece_end) - piece_start)
                })
            });
        Content::of(pieces)
    }

    /// The contents one after the other. Shares the chunks.
    pub fn concat<'a>(parts: impl IntoIterator<Item = &'a Content>) -> Content {
        let chunks = parts.into_iter().filter_map(|part| part.0.as_ref());
        Content::of(chunks.flat_map(|chunks| chunks.pieces.iter().cloned()))
    }

    /// All bytes in one piece: for documents and tests, never for objects.
    pub fn to_bytes(&self) -> Bytes {
        let first = self.bytes_at(0);
        if first.len() as u64 == self.len() {
            first
        } else {
            self.pieces().collect::<Vec<_>>().concat().into()
        }
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Content::new([bytes])
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spill::SpillFile;

    fn content(pieces: &[&'static str]) -> Content {
        Content::new(pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())))
    }

    #[test]
    fn every_range_equals_the_same_range_of_the_flat_bytes() {
        let content = content(&["abc", "", "d", "efghij", "k"]);
        let flat = content.to_bytes();
        assert_eq!(content.len(), 11);
        for start in 0..=12 {
            for end in 0..=12 {
                let expected = flat.get(start..end.min(flat.len())).unwrap_or_default();
                let got = content.slice(start as u64..end as u64);
                assert_eq!(got.to_bytes(), expected, "{start}..{end}");
                assert_eq!(got.len(), expected.len() as u64);
                assert!(got.pieces().all(|piece| !piece.is_empty()));
            }
        }
    }

    #[test]
    fn what_lies_on_disk_is_read_as_what_lies_in_memory() {
        let file = SpillFile::within(std::env::temp_dir());
        let on_disk: Vec<u8> = (0..700_000_u32).map(|index| (index % 251) as u8).collect();
        let pieces: [Piece; 3] = [
            Bytes::from_static(b"abc").into(),
            file.write(&on_disk).unwrap().into(),
            Bytes::from_static(b"d").into(),
        ];
        let content = Content::new(pieces);
        let flat = [b"abc", &on_disk[..], b"d"].concat();
        assert_eq!(content.len(), 700_004);
        for range in [0..700_004, 0..4, 2..300_000, 3..700_003, 262_147..262_148, 700_003..800_000] {
            let expected = &flat[range.start..range.end.min(flat.len())];
            assert_eq!(content.slice(range.start as u64..range.end as u64).to_bytes(), expected, "{range:?}");
        }
        assert!(content.pieces().all(|piece| piece.len() as u64 <= READ_BYTES));
    }

    #[test]
    fn joining_keeps_the_order_and_shares_the_bytes() {
        let (left, right) = (content(&["ab"]), content(&["cd", "e"]));
        let joined = Content::concat([&left, &right]);
        assert_eq!(joined.to_bytes(), "abcde");
        assert_eq!(joined.bytes_at(0).as_ptr(), left.bytes_at(0).as_ptr());
    }

    #[test]
    fn a_stream_reads_alike_wherever_it_is_cut() {
        let tile: Tile = std::array::from_fn(|word| word as u64);
        let made = Content::made(Stream::keyed(Arc::new(tile), 7), 200_000);
        let flat = made.to_bytes();
        assert_eq!(flat.len(), 200_000);
        for range in [0..1, 1..9, 65_530..65_540, 65_536..131_072, 100_000..200_000, 199_999..300_000] {
            let expected = &flat[range.start as usize..(range.end as usize).min(flat.len())];
            assert_eq!(made.slice(range.clone()).to_bytes(), expected, "{range:?}");
        }
        assert_ne!(flat[..1000], flat[65_536..66_536], "each repetition is another");
        assert_eq!(Content::made(Stream::zeros(), 70_000).to_bytes(), vec![0; 70_000]);
    }

    #[test]
    fn a_made_content_of_any_length_costs_nothing() {
        let huge = Content::made(Stream::zeros(), 1 << 50);
        assert_eq!(huge.len(), 1 << 50);
        assert_eq!(huge.slice((1 << 50) - 3..u64::MAX).to_bytes(), vec![0; 3]);
    }

    #[test]
    fn nothing_is_empty() {
        assert!(content(&["", ""]).is_empty());
        assert_eq!(Content::default().len(), 0);
        assert_eq!(Content::default().slice(0..10).len(), 0);
    }
}
