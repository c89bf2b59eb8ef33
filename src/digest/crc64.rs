//! CRC-64/XZ, which COS calls `crc64ecma`.

use std::fmt;

use crc64fast::Digest;

use crate::content::Stream;

/// A CRC-64/XZ, written as an unsigned decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crc64(u64);

impl Crc64 {
    /// The CRC of no bytes.
    pub const EMPTY: Crc64 = Crc64(0);

    /// The CRC of these bytes followed by `next`, which are `next_len` bytes long, without looking at a byte again.
    pub fn followed_by(self, next: Crc64, next_len: u64) -> Crc64 {
        Crc64(times(shift_of(next_len), self.0) ^ next.0)
    }
}

impl fmt::Display for Crc64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The CRC of so many bytes of a stream, without making more than one repetition of its tile.
///
/// All words of a repetition are mixed with one number by exclusive or. A CRC is linear in that: each bit of the number
/// adds a fixed value, which is found once.
pub fn of_stream(stream: &Stream, length: u64) -> Crc64 {
    let of = |bytes: &[u8]| {
        let mut running = Running::new();
        running.update(bytes);
        running.finish()
    };
    let tile = Stream::TILE_BYTES as u64;
    let plain = of(&stream.repetition(0)).0;
    let bits: [u64; 64] = std::array::from_fn(|bit| of(&stream.repetition(1 << bit)).0 ^ plain);
    let shift = shift_of(tile);
    let mut crc = 0;
    for repetition in 0..length / tile {
        let mask = stream.mask(repetition);
        let mixed =
            (0..64).filter(|bit| mask >> bit & 1 == 1).fold(plain, |sum, bit| sum ^ bits[bit as usize]);
        crc = times(shift, crc) ^ mixed;
    }
    let rest = stream.repetition(stream.mask(length / tile));
    let rest = &rest[..(length % tile) as usize];
    Crc64(crc).followed_by(of(rest), rest.len() as u64)
}

// A CRC is a polynomial over bits, with x^0 in the highest one. Bytes behind it multiply it by a power of x before their own
// CRC is added.

/// The polynomial of ECMA-182, without its x^64.
const POLYNOMIAL: u64 = 0xc96c_5795_d787_0f42;

/// x to the power of 2^n, by n.
static SQUARES: [u64; 64] = {
    let mut squares = [1 << 62; 64];
    let mut n = 1;
    while n < 64 {
        squares[n] = times(squares[n - 1], squares[n - 1]);
        n += 1;
    }
    squares
};

/// The product of two polynomials, modulo the one of the CRC.
const fn times(a: u64, mut b: u64) -> u64 {
    let mut product = 0;
    let mut n = 0;
    while n < 64 {
        if a << n >> 63 == 1 {
            product ^= b;
        }
        b = (b >> 1) ^ (POLYNOMIAL * (b & 1));
        n += 1;
    }
    product
}

/// What so many bytes behind it multiply a CRC by.
fn shift_of(bytes: u64) -> u64 {
    // A byte is x^8, which is the square of number 3. No body has 2^61 bytes.
    let bits = (0..61).filter(|bit| bytes >> bit & 1 == 1);
    bits.fold(1 << 63, |shift, bit| times(SQUARES[bit + 3], shift))
}

/// A CRC in the making.
pub(super) struct Running(Digest);

impl Running {
    pub(super) fn new() -> Self {
        Running(Digest::new())
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    pub(super) fn finish(self) -> Crc64 {
        Crc64(self.0.sum64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_of_a_stream_is_that_of_its_bytes() {
        use crate::content::Content;

        for length in [0, 1, 65_535, 65_536, 65_537, 1_000_003] {
            let keyed = || Stream::keyed(std::array::from_fn(|word| word as u64).into(), 42);
            for stream in [Stream::zeros as fn() -> Stream, keyed] {
                let mut running = Running::new();
                running.update(&Content::made(stream(), length).to_bytes());
                assert_eq!(of_stream(&stream(), length), running.finish(), "{length}");
            }
        }
    }

    fn crc(bytes: &[u8]) -> Crc64 {
        let mut running = Running::new();
        running.update(bytes);
        running.finish()
    }

    #[test]
    fn check_value_and_published_samples() {
        assert_eq!(crc(b"123456789").to_string(), "11051210869376104954");
        assert_eq!(crc(b"[Object Part]").to_string(), "4510578591875220731");
        assert_eq!(crc(b""), Crc64::EMPTY);
    }

    #[test]
    fn parts_combine_to_the_whole_at_every_cut() {
        let bytes: Vec<u8> = (0..100u8).map(|byte| byte.wrapping_mul(37)).collect();
        for cut in 0..=bytes.len() {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(crc(left).followed_by(crc(right), right.len() as u64), crc(&bytes), "{cut}");
        }
    }

    #[test]
    fn parts_too_long_to_be_made_combine_like_their_halves() {
        let mut half = crc(&[0; 1 << 20]);
        for length in (20..46).map(|power| 1_u64 << power) {
            let whole = half.followed_by(half, length);
            let one_by_one = crc(b"left").followed_by(half, length).followed_by(half, length);
            assert_eq!(crc(b"left").followed_by(whole, 2 * length), one_by_one, "{length}");
            half = whole;
        }
    }
}
