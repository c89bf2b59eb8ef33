//! MD5 of several streams side by side: one lane of a wide register for each.
//!
//! A stream alone is bound by the latency of its own steps, whatever the machine can do beside them; eight of them take little
//! longer than one. Which streams go together is decided by `server::lanes`.
//!
//! Source: RFC 1321; `performance.md` 4.2. The tests hold it to the crate `md-5`.

use super::{Hex, Md5};

/// The most streams that go side by side.
pub const LANES: usize = 8;
/// What is hashed at once: pieces have a multiple of it, but for the last one of a stream.
pub const BLOCK_BYTES: usize = 64;

/// One word of each lane.
type Words<const L: usize> = [u32; L];

/// How far the MD5 of one stream has come.
#[derive(Debug, Clone)]
pub struct Lane {
    words: [u32; 4],
    bytes: u64,
}

impl Default for Lane {
    fn default() -> Self {
        Lane { words: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476], bytes: 0 }
    }
}

impl Lane {
    /// The MD5 of the stream, of which these are the last bytes.
    pub fn finish(mut self, last: &[u8]) -> Md5 {
        let (whole, rest) = last.split_at(last.len() - last.len() % BLOCK_BYTES);
        absorb(&mut [&mut self], &[whole]);
        let bits = (self.bytes + rest.len() as u64).wrapping_mul(8);
        let mut padded = rest.to_vec();
        padded.push(0x80);
        let length = padded.len() + 8;
        padded.resize(length.next_multiple_of(BLOCK_BYTES) - 8, 0);
        padded.extend_from_slice(&bits.to_le_bytes());
        absorb(&mut [&mut self], &[&padded]);
        let mut md5 = [0; 16];
        for (bytes, word) in md5.chunks_exact_mut(4).zip(self.words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Hex::new(md5)
    }
}

/// How many streams it takes for side by side to be faster than one after the other; `None` where it never is.
pub fn worthwhile() -> Option<usize> {
    has_wide_registers().then_some(3)
}

/// Feeds each stream its piece. All pieces have one length, a multiple of [`BLOCK_BYTES`].
pub fn absorb(streams: &mut [&mut Lane], pieces: &[&[u8]]) {
    match worthwhile() {
        Some(least) if streams.len() >= least => {
            for (streams, pieces) in streams.chunks_mut(LANES).zip(pieces.chunks(LANES)) {
                if streams.len() > LANES / 2 {
                    beside::<LANES>(streams, pieces, wide);
                } else {
                    beside::<{ LANES / 2 }>(streams, pieces, half_wide);
                }
            }
        }
        _ => {
            for (stream, piece) in streams.iter_mut().zip(pieces) {
                beside::<1>(std::slice::from_mut(stream), &[*piece], blocks);
            }
        }
    }
}

/// Feeds up to `L` streams by that function; lanes without one hash what the first one does, to no end.
fn beside<const L: usize>(
    streams: &mut [&mut Lane],
    pieces: &[&[u8]],
    blocks: fn(&mut [Words<L>; 4], &[&[u8]; L]),
) {
    let of_lane = |lane: usize| if lane < streams.len() { lane } else { 0 };
    let mut state = std::array::from_fn(|word| lanes(|lane| streams[of_lane(lane)].words[word]));
    let pieces = std::array::from_fn(|lane| pieces[of_lane(lane)]);
    blocks(&mut state, &pieces);
    for (lane, stream) in streams.iter_mut().enumerate() {
        stream.words = std::array::from_fn(|word| state[word][lane]);
        stream.bytes += pieces[lane].len() as u64;
    }
}

fn wide(state: &mut [Words<LANES>; 4], pieces: &[&[u8]; LANES]) {
    with_wide_registers(state, pieces);
}

fn half_wide(state: &mut [Words<{ LANES / 2 }>; 4], pieces: &[&[u8]; LANES / 2]) {
    with_wide_registers(state, pieces);
}

#[cfg(target_arch = "x86_64")]
fn has_wide_registers() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "no safe call enters a function of which the compiler may use wide registers")]
fn with_wide_registers<const L: usize>(state: &mut [Words<L>; 4], pieces: &[&[u8]; L]) {
    #[target_feature(enable = "avx2")]
    fn compiled_for_avx2<const L: usize>(state: &mut [Words<L>; 4], pieces: &[&[u8]; L]) {
        blocks(state, pieces);
    }
    assert!(has_wide_registers());
    // SAFETY: the function is safe code; all that it asks for is a processor that has AVX2, and this one does.
    unsafe { compiled_for_avx2(state, pieces) }
}

/// Elsewhere a gain was not measured.
#[cfg(not(target_arch = "x86_64"))]
fn has_wide_registers() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn with_wide_registers<const L: usize>(state: &mut [Words<L>; 4], pieces: &[&[u8]; L]) {
    blocks(state, pieces);
}

/// A value for each lane. Inlined, so that a loop over the lanes becomes one instruction.
#[inline(always)]
fn lanes<const L: usize>(value: impl Fn(usize) -> u32) -> Words<L> {
    std::array::from_fn(value)
}

#[inline(always)]
fn blocks<const L: usize>(state: &mut [Words<L>; 4], pieces: &[&[u8]; L]) {
    for start in (0..pieces[0].len()).step_by(BLOCK_BYTES) {
        block(state, pieces, start);
    }
}

/// One block of each stream: the four rounds of RFC 1321, 3.4.
#[inline(always)]
fn block<const L: usize>(state: &mut [Words<L>; 4], pieces: &[&[u8]; L], start: usize) {
    let mut message = [[0; L]; 16];
    for lane in 0..L {
        let (words, _) = pieces[lane][start..start + BLOCK_BYTES].as_chunks::<4>();
        for word in 0..16 {
            message[word][lane] = u32::from_le_bytes(words[word]);
        }
    }
    let [mut a, mut b, mut c, mut d] = *state;
    macro_rules! round {
        ($round:literal, $mix:expr, $word:expr) => {
            for step in 0..16 {
                let (mix, word): (fn(u32, u32, u32) -> u32, _) = ($mix, ($word)(step) % 16);
                let (number, turn) = (SINES[$round * 16 + step], TURNS[$round][step % 4]);
                let next = lanes(|lane| {
                    let sum = a[lane].wrapping_add(mix(b[lane], c[lane], d[lane]));
                    let sum = sum.wrapping_add(message[word][lane]).wrapping_add(number);
                    b[lane].wrapping_add(sum.rotate_left(turn))
                });
                (a, b, c, d) = (d, next, b, c);
            }
        };
    }
    round!(0, |b, c, d| d ^ (b & (c ^ d)), |step| step);
    round!(1, |b, c, d| c ^ (d & (b ^ c)), |step| 5 * step + 1);
    round!(2, |b, c, d| b ^ c ^ d, |step| 3 * step + 5);
    round!(3, |b, c, d| c ^ (b | !d), |step| 7 * step);
    for (sums, words) in state.iter_mut().zip([a, b, c, d]) {
        *sums = lanes(|lane| sums[lane].wrapping_add(words[lane]));
    }
}

/// How far each step turns, by its round.
const TURNS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// 2^32 times the sine of 1 to 64, without its sign.
#[rustfmt::skip]
const SINES: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

#[cfg(test)]
mod tests {
    use md5::{Digest as _, Md5 as Reference};

    use super::*;

    fn bytes(length: usize, stream: usize) -> Vec<u8> {
        (0..length).map(|index| ((index * 31 + stream * 97 + 7) % 251) as u8).collect()
    }

    #[test]
    fn a_stream_alone_has_the_md5_of_every_length() {
        for length in 0..300 {
            let bytes = bytes(length, 0);
            assert_eq!(
                Lane::default().finish(&bytes).bytes()[..],
                Reference::digest(&bytes)[..],
                "{length} bytes"
            );
        }
    }

    #[test]
    fn each_of_any_number_of_streams_has_its_own_md5_wherever_they_are_cut() {
        for count in 1..=2 * LANES + 1 {
            let contents: Vec<Vec<u8>> = (0..count).map(|stream| bytes(1000 + stream, stream)).collect();
            let mut streams = vec![Lane::default(); count];
            for range in [0..64, 64..64, 64..320, 320..960] {
                let pieces: Vec<&[u8]> = contents.iter().map(|content| &content[range.clone()]).collect();
                absorb(&mut streams.iter_mut().collect::<Vec<_>>(), &pieces);
            }
            for (stream, content) in streams.into_iter().zip(&contents) {
                assert_eq!(stream.finish(&content[960..]).bytes()[..], Reference::digest(content)[..]);
            }
        }
    }
}
