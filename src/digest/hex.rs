//! Digests as fixed arrays of bytes that are written and read as hexadecimal.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// A digest of `N` bytes. `Kind` keeps digests of different algorithms apart.
pub struct Hex<const N: usize, Kind> {
    bytes: [u8; N],
    kind: PhantomData<fn() -> Kind>,
}

impl<const N: usize, Kind> Hex<N, Kind> {
    /// The digest of those bytes.
    pub const fn new(bytes: [u8; N]) -> Self {
        Hex { bytes, kind: PhantomData }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; N] {
        &self.bytes
    }
}

impl<const N: usize, Kind> Clone for Hex<N, Kind> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<const N: usize, Kind> Copy for Hex<N, Kind> {}

impl<const N: usize, Kind> PartialEq for Hex<N, Kind> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<const N: usize, Kind> Eq for Hex<N, Kind> {}

impl<const N: usize, Kind> fmt::Display for Hex<N, Kind> {
    /// Writes lower-case digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for chunk in self.bytes.chunks(16) {
            let mut digits = [0; 32];
            for (pair, byte) in digits.chunks_exact_mut(2).zip(chunk) {
                pair[0] = DIGITS[usize::from(byte >> 4)];
                pair[1] = DIGITS[usize::from(byte & 15)];
            }
            f.write_str(std::str::from_utf8(&digits[..2 * chunk.len()]).expect("digits are ASCII"))?;
        }
        Ok(())
    }
}

impl<const N: usize, Kind> fmt::Debug for Hex<N, Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not the right number of hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {digits} hexadecimal digits")]
pub struct InvalidHex {
    digits: usize,
}

impl<const N: usize, Kind> FromStr for Hex<N, Kind> {
    type Err = InvalidHex;

    /// Reads digits in either case.
    fn from_str(text: &str) -> Result<Self, InvalidHex> {
        let invalid = InvalidHex { digits: 2 * N };
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(invalid);
        if text.len() != 2 * N {
            return Err(invalid);
        }
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
        }
        Ok(Hex::new(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Two = Hex<2, ()>;

    #[test]
    fn both_cases_are_read_and_the_lower_is_written() {
        assert_eq!("aF09".parse::<Two>().unwrap().to_string(), "af09");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "af0", "af090", "ag09", "+f09", "äf0", " af0", "0xaf"] {
            assert_eq!(text.parse::<Two>(), Err(InvalidHex { digits: 4 }), "{text}");
        }
    }
}
