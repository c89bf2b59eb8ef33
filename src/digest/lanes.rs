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
    wide_registers().map(|_| 2)
}

/// Feeds each stream its piece. All pieces have one length, a multiple of 64 bytes.
pub fn absorb(streams: &mut [&mut Lane], pieces: &[&[u8]]) {
    match (wide_registers(), worthwhile()) {
        (Some(absorb_words), Some(least)) if streams.len() >= least => {
            for (streams, pieces) in streams.chunks_mut(LANES).zip(pieces.chunks(LANES)) {
                beside(streams, pieces, absorb_words);
            }
        }
        _ => {
            for (stream, piece) in streams.iter_mut().zip(pieces) {
                for block in piece.as_chunks().0 {
                    absorb_block(&mut stream.words, block);
                }
                stream.bytes += piece.len() as u64;
            }
        }
    }
}

/// The four words of up to eight streams, word by word.
type Words = [[u32; LANES]; 4];
/// Feeds each lane the blocks of its piece.
type AbsorbWords = fn(&mut Words, &[&[u8]; LANES]);

/// Feeds up to eight streams by that function; lanes without one hash what the first one does, to no end.
fn beside(streams: &mut [&mut Lane], pieces: &[&[u8]], absorb_words: AbsorbWords) {
    let of_lane = |lane: usize| if lane < streams.len() { lane } else { 0 };
    let mut words =
        std::array::from_fn(|word| std::array::from_fn(|lane| streams[of_lane(lane)].words[word]));
    let pieces = std::array::from_fn(|lane| pieces[of_lane(lane)]);
    absorb_words(&mut words, &pieces);
    for (lane, stream) in streams.iter_mut().enumerate() {
        stream.words = std::array::from_fn(|word| words[word][lane]);
        stream.bytes += pieces[lane].len() as u64;
    }
}

/// One block of one stream: the four rounds of RFC 1321, 3.4.
fn absorb_block(state: &mut [u32; 4], block: &[u8; BLOCK_BYTES]) {
    let message: [u32; 16] = std::array::from_fn(|word| {
        let (words, _) = block.as_chunks();
        u32::from_le_bytes(words[word])
    });
    let [mut a, mut b, mut c, mut d] = *state;
    macro_rules! round {
        ($round:literal, $mix:expr, $word:expr) => {
            for step in 0..16 {
                let (mix, word): (fn(u32, u32, u32) -> u32, usize) = ($mix, ($word)(step) % 16);
                let sum = a.wrapping_add(message[word]).wrapping_add(SINES[$round * 16 + step]);
                let sum = sum.wrapping_add(mix(b, c, d));
                let next = b.wrapping_add(sum.rotate_left(TURNS[$round][step % 4]));
                (a, b, c, d) = (d, next, b, c);
            }
        };
    }
    round!(0, |b, c, d| d ^ (b & (c ^ d)), |step| step);
    round!(1, |b, c, d| c ^ (d & (b ^ c)), |step| 5 * step + 1);
    round!(2, |b, c, d| b ^ c ^ d, |step| 3 * step + 5);
    round!(3, |b, c, d| c ^ (b | !d), |step| 7 * step);
    for (sum, word) in state.iter_mut().zip([a, b, c, d]) {
        *sum = sum.wrapping_add(word);
    }
}

#[cfg(target_arch = "x86_64")]
use wide::wide_registers;

/// Elsewhere a gain was not measured.
#[cfg(not(target_arch = "x86_64"))]
fn wide_registers() -> Option<AbsorbWords> {
    None
}

/// The same rounds with a lane of a register for each stream.
#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    use super::*;

    /// The function for the widest registers that this processor has.
    pub(super) fn wide_registers() -> Option<AbsorbWords> {
        if is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512f") {
            Some(by_avx512)
        } else if is_x86_feature_detected!("avx2") {
            Some(by_avx2)
        } else {
            None
        }
    }

    /// How far a step turns, by its round and its place in its group.
    const fn left(round: usize, place: usize) -> i32 {
        TURNS[round][place].cast_signed()
    }

    /// Sixteen steps, in groups of four that turn alike.
    macro_rules! round {
        ($state:ident, $message:ident, $sines:ident, $round:literal, $mix:ident, $factor:literal, $start:literal, $($turn:literal)*) => {
            for group in 0..4 {
                $(
                    let number = 4 * group + $turn;
                    let (word, sine) = ($message[($factor * number + $start) % 16], $sines[$round * 16 + number]);
                    $state = step::<{ left($round, $turn) }, { 32 - left($round, $turn) }>($state, $mix($state), word, sine);
                )*
            }
        };
    }

    /// A function for processors that have all of these features.
    macro_rules! absorb_words {
        ($name:ident, $features:literal, $($feature:tt)*) => {
            pub(super) fn $name(words: &mut Words, pieces: &[&[u8]; LANES]) {
                #[target_feature(enable = $features)]
                fn compiled(words: &mut Words, pieces: &[&[u8]; LANES]) {
                    let mut sums = words.map(|lanes| {
                        let [a, b, c, d, e, f, g, h] = lanes.map(u32::cast_signed);
                        _mm256_setr_epi32(a, b, c, d, e, f, g, h)
                    });
                    // Were they known to the compiler, it would add them last, behind what is waited for.
                    let sines = black_box(&SINES);
                    let blocks: [&[[u8; BLOCK_BYTES]]; LANES] = pieces.map(|piece| piece.as_chunks().0);
                    for number in 0..blocks[0].len() {
                        let low = columns(std::array::from_fn(|lane| row(&blocks[lane][number], 0)));
                        let high = columns(std::array::from_fn(|lane| row(&blocks[lane][number], 32)));
                        let message: [__m256i; 16] =
                            std::array::from_fn(|word| if word < 8 { low[word] } else { high[word - 8] });
                        let mut state = sums;
                        round!(state, message, sines, 0, choose, 1, 0, 0 1 2 3);
                        round!(state, message, sines, 1, choose_by_last, 5, 1, 0 1 2 3);
                        round!(state, message, sines, 2, parity, 3, 5, 0 1 2 3);
                        round!(state, message, sines, 3, or_not, 7, 0, 0 1 2 3);
                        for (sum, word) in sums.iter_mut().zip(state) {
                            *sum = _mm256_add_epi32(*sum, word);
                        }
                    }
                    *words = sums.map(|word| lanes_of(word));
                }
                assert!($(is_x86_feature_detected!($feature))&&*);
                #[expect(unsafe_code, reason = "no safe call enters a function that is compiled for wide registers")]
                // SAFETY: it is safe code; all that it asks for is a processor with these features, and this one has them.
                unsafe {
                    compiled(words, pieces);
                }
            }
        };
    }

    absorb_words!(by_avx2, "avx2", "avx2");
    // The same code; the compiler has an instruction more to turn and one to mix.
    absorb_words!(by_avx512, "avx2,avx512f,avx512vl", "avx2" "avx512f" "avx512vl");

    #[inline]
    #[target_feature(enable = "avx2")]
    fn step<const LEFT: i32, const RIGHT: i32>(
        [a, b, c, d]: [__m256i; 4],
        mixed: __m256i,
        word: __m256i,
        sine: u32,
    ) -> [__m256i; 4] {
        let sum = _mm256_add_epi32(_mm256_add_epi32(a, word), _mm256_set1_epi32(sine.cast_signed()));
        let sum = _mm256_add_epi32(sum, mixed);
        let turned = _mm256_or_si256(_mm256_slli_epi32::<LEFT>(sum), _mm256_srli_epi32::<RIGHT>(sum));
        [d, _mm256_add_epi32(b, turned), b, c]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn choose([_, b, c, d]: [__m256i; 4]) -> __m256i {
        _mm256_xor_si256(d, _mm256_and_si256(b, _mm256_xor_si256(c, d)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn choose_by_last([_, b, c, d]: [__m256i; 4]) -> __m256i {
        _mm256_xor_si256(c, _mm256_and_si256(d, _mm256_xor_si256(b, c)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn parity([_, b, c, d]: [__m256i; 4]) -> __m256i {
        _mm256_xor_si256(b, _mm256_xor_si256(c, d))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn or_not([_, b, c, d]: [__m256i; 4]) -> __m256i {
        _mm256_xor_si256(c, _mm256_or_si256(b, _mm256_xor_si256(d, _mm256_set1_epi32(-1))))
    }

    /// The eight words of a block from that byte on.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn row(block: &[u8; BLOCK_BYTES], start: usize) -> __m256i {
        let (pairs, _) = block[start..start + 32].as_chunks();
        let pair = |number: usize| i64::from_le_bytes(pairs[number]);
        _mm256_setr_epi64x(pair(0), pair(1), pair(2), pair(3))
    }

    /// The columns of a square of eight rows.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn columns(rows: [__m256i; LANES]) -> [__m256i; LANES] {
        let [a, b, c, d, e, f, g, h] = rows;
        let words = [
            (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b)),
            (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d)),
            (_mm256_unpacklo_epi32(e, f), _mm256_unpackhi_epi32(e, f)),
            (_mm256_unpacklo_epi32(g, h), _mm256_unpackhi_epi32(g, h)),
        ];
        let [ab, cd, ef, gh] = words;
        let upper = [
            _mm256_unpacklo_epi64(ab.0, cd.0),
            _mm256_unpackhi_epi64(ab.0, cd.0),
            _mm256_unpacklo_epi64(ab.1, cd.1),
            _mm256_unpackhi_epi64(ab.1, cd.1),
        ];
        let lower = [
            _mm256_unpacklo_epi64(ef.0, gh.0),
            _mm256_unpackhi_epi64(ef.0, gh.0),
            _mm256_unpacklo_epi64(ef.1, gh.1),
            _mm256_unpackhi_epi64(ef.1, gh.1),
        ];
        std::array::from_fn(|column| {
            let (upper, lower) = (upper[column % 4], lower[column % 4]);
            if column < 4 {
                _mm256_permute2x128_si256::<0x20>(upper, lower)
            } else {
                _mm256_permute2x128_si256::<0x31>(upper, lower)
            }
        })
    }

    /// The words in the lanes.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn lanes_of(word: __m256i) -> [u32; LANES] {
        let halves = [_mm256_castsi256_si128(word), _mm256_extracti128_si256::<1>(word)];
        let pairs = halves.map(|half| [_mm_cvtsi128_si64(half), _mm_extract_epi64::<1>(half)]);
        std::array::from_fn(|lane| {
            let pair = pairs[lane / 4][lane % 4 / 2].cast_unsigned();
            (pair >> (lane % 2 * 32)) as u32
        })
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

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn registers_of_every_kind_that_are_here_have_the_md5_of_one_stream() {
        let kinds = [
            (is_x86_feature_detected!("avx2"), wide::by_avx2 as AbsorbWords),
            (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl"), wide::by_avx512),
        ];
        for (_, kind) in kinds.into_iter().filter(|(is_here, _)| *is_here) {
            let contents: Vec<Vec<u8>> = (0..LANES).map(|stream| bytes(640, stream)).collect();
            let mut streams = vec![Lane::default(); LANES];
            let pieces: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
            beside(&mut streams.iter_mut().collect::<Vec<_>>(), &pieces, kind);
            for (stream, content) in streams.into_iter().zip(&contents) {
                assert_eq!(stream.finish(b"").bytes()[..], Reference::digest(content)[..]);
            }
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
