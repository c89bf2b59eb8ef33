//! The bytes of a body: a list of shared chunks that is never copied, neither to store it nor to read it.
//!
//! Cutting a range and joining parts make new lists over the same chunks. How chunks are filled from a socket is
//! the business of `server::intake`.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

/// A body: chunks in order. Cloning shares them.
#[derive(Clone, Default)]
pub struct Content(Option<Arc<Chunks>>);

struct Chunks {
    pieces: Vec<Bytes>,
    /// Where each piece ends, counted from the start of the content: a range is found by binary search.
    ends: Vec<u64>,
}

impl Content {
    /// The content that consists of `pieces`, in order.
    pub fn new(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        let pieces: Vec<Bytes> = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        let mut end = 0;
        let ends = pieces
            .iter()
            .map(|piece| {
                end += piece.len() as u64;
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

    /// The chunks in order; none is empty.
    pub fn pieces(&self) -> &[Bytes] {
        self.0.as_ref().map_or(&[], |chunks| &chunks.pieces)
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
                let piece_start = piece_end - piece.len() as u64;
                (piece_start < end).then(|| {
                    // Both differences are at most the piece's length, which is a usize.
                    let from = range.start.saturating_sub(piece_start) as usize;
                    let to = (end.min(piece_end) - piece_start) as usize;
                    piece.slice(from..to)
                })
            });
        Content::new(pieces)
    }

    /// The contents one after the other. Shares the chunks.
    pub fn concat<'a>(parts: impl IntoIterator<Item = &'a Content>) -> Content {
        Content::new(parts.into_iter().flat_map(|part| part.pieces().iter().cloned()))
    }

    /// All bytes in one piece: for documents and tests, never for objects.
    pub fn to_bytes(&self) -> Bytes {
        match self.pieces() {
            [] => Bytes::new(),
            [piece] => piece.clone(),
            pieces => pieces.concat().into(),
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
        write!(f, "Content({} bytes in {} pieces)", self.len(), self.pieces().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                assert!(got.pieces().iter().all(|piece| !piece.is_empty()));
            }
        }
    }

    #[test]
    fn joining_keeps_the_order_and_shares_the_bytes() {
        let (left, right) = (content(&["ab"]), content(&["cd", "e"]));
        let joined = Content::concat([&left, &right]);
        assert_eq!(joined.to_bytes(), "abcde");
        assert_eq!(joined.pieces()[0].as_ptr(), left.pieces()[0].as_ptr());
    }

    #[test]
    fn nothing_is_empty() {
        assert!(content(&["", ""]).is_empty());
        assert_eq!(Content::default().len(), 0);
        assert_eq!(Content::default().slice(0..10).len(), 0);
    }
}
