//! CRC-64/XZ, which COS calls `crc64ecma`.
//!
//! `crc_fast` has another code by the name of `Crc64Ecma182`; ours is `Crc64Xz`.

use std::fmt;

use crc_fast::{CrcAlgorithm, Digest};

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
