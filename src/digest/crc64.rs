//! CRC-64/XZ, which COS calls `crc64ecma`.
//!
//! `crc_fast` has another code by the name of `Crc64Ecma182`; ours is `Crc64Xz`.

use std::fmt;

use crc_fast::{CrcAlgorithm, Digest};

use crate::content::Stream;

const ALGORITHM: CrcAlgorithm = CrcAlgorithm::Crc64Xz;

/// A CRC-64/XZ, written as an unsigned decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crc64(u64);

impl Crc64 {
    /// The CRC of no bytes.
    pub const EMPTY: Crc64 = Crc64(0);

    /// The CRC of these bytes followed by `next`, which are `next_len` bytes long, without looking at a byte again.
    pub fn followed_by(self, next: Crc64, next_len: u64) -> Crc64 {
        Crc64(crc_fast::checksum_combine(ALGORITHM, self.0, next.0, next_len))
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
    let shift = Shift::by(tile);
    let mut crc = 0;
    for repetition in 0..length / tile {
        let mask = stream.mask(repetition);
        let mixed =
            (0..64).filter(|bit| mask >> bit & 1 == 1).fold(plain, |sum, bit| sum ^ bits[bit as usize]);
        crc = shift.apply(crc) ^ mixed;
    }
    let rest = stream.repetition(stream.mask(length / tile));
    let rest = &rest[..(length % tile) as usize];
    Crc64(crc).followed_by(of(rest), rest.len() as u64)
}

/// What so many bytes behind it do to a CRC, before their own is added: a linear map, by the bits of the CRC.
struct Shift([u64; 64]);

impl Shift {
    fn by(length: u64) -> Self {
        Shift(std::array::from_fn(|bit| crc_fast::checksum_combine(ALGORITHM, 1 << bit, 0, length)))
    }

    fn apply(&self, crc: u64) -> u64 {
        (0..64).filter(|bit| crc >> bit & 1 == 1).fold(0, |sum, bit| sum ^ self.0[bit as usize])
    }
}

/// A CRC in the making.
pub(super) struct Running(Digest);

impl Running {
    pub(super) fn new() -> Self {
        Running(Digest::new(ALGORITHM))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> Crc64 {
        Crc64(self.0.finalize())
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
}
