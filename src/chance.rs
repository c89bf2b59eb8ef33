//! Chance and identity: every random-looking value is a function of the seed and of names.
//!
//! There is no shared random stream. A roll or an id depends on the seed, on what it is for, and on the number of
//! its kind, so neither the order in which requests arrive nor requests for other keys can change it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _, TryRng as _};
use sha2::{Digest as _, Sha256};

/// The seed of a world: 64 bits, written `0x5eed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// A seed that nobody chose. It is printed at the start, so that the run can be repeated.
    #[expect(clippy::disallowed_types, reason = "the seed itself cannot come from a seed")]
    pub fn random() -> Self {
        use rand::rngs::SysRng;

        Seed(SysRng.try_next_u64().expect("the operating system gives random numbers"))
    }
}

impl Seed {
    /// The tile of the made contents of this seed.
    pub fn tile<const WORDS: usize>(self) -> [u64; WORDS] {
        let mut draw = stream(self, &[b"tile"]);
        std::array::from_fn(|_| draw.next_u64())
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl FromStr for Seed {
    type Err = InvalidSeed;

    /// Reads a decimal number or one with `0x` in front.
    fn from_str(text: &str) -> Result<Self, InvalidSeed> {
        let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        parsed.map(Seed).map_err(|_| InvalidSeed)
    }
}

/// The text is no seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a seed is a number below 2^64, decimal or with 0x in front, such as 7 or 0x5eed")]
pub struct InvalidSeed;

/// The bytes of one stream: those of ChaCha8 under the SHA-256 of the seed and the names.
///
/// Names are hashed with their lengths, so that `["a", "bc"]` and `["ab", "c"]` differ.
fn stream(seed: Seed, names: &[&[u8]]) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.0.to_le_bytes());
    for name in names {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
    }
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// The random numbers of one action of one rule at one match.
#[derive(Debug)]
pub struct Roll(ChaCha8Rng);

impl Roll {
    /// The roll fixed by its inputs alone: the seed, the rule, the key of the counter the match was counted in,
    /// the number of the match in that counter, and which of the rule's draws it is.
    pub fn new(seed: Seed, rule: &str, scope: u128, nth_match: u32, draw: u32) -> Self {
        let names: [&[u8]; 5] =
            [b"roll", rule.as_bytes(), &scope.to_le_bytes(), &nth_match.to_le_bytes(), &draw.to_le_bytes()];
        Roll(stream(seed, &names))
    }

    /// A number in `0.0..1.0`, with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number of the normal distribution with mean 0 and standard deviation 1.
    pub fn normal(&mut self) -> f64 {
        // Box and Muller; `1.0 - unit` keeps the logarithm away from zero.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// The next random byte.
    pub fn byte(&mut self) -> u8 {
        (self.0.next_u64() >> 56) as u8
    }
}

/// What the ids of one exchange are made from: the seed and the name of the exchange.
///
/// The times inside the ids are part of the seed too: a service writes the clock there, but then two runs could
/// not answer alike.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    seed: Seed,
    exchange: u128,
    arrival: u32,
    execution: u32,
}

impl Identity {
    /// The identity of the `arrival`-th request (from 1) with that logical name.
    pub fn new(seed: Seed, exchange: u128, arrival: u32) -> Self {
        Identity { seed, exchange, arrival, execution: 1 }
    }

    /// The identity of the same request when it is executed once more.
    pub fn again(self) -> Self {
        Identity { execution: self.execution + 1, ..self }
    }

    /// The request id of COS: base64 of `<time>_<address>_<process>_<sequence>`, four hexadecimal numbers.
    ///
    /// Source: `cos.md` 2.2, decoded from published values.
    pub fn cos_request_id(&self) -> String {
        let mut draw = self.draw(b"cos request id");
        let (time, address) = (plausible_time(&mut draw), draw.next_u32() | 0x1000_0000);
        let (process, sequence) = (draw.next_u32() & 0xf_ffff, draw.next_u32() & 0xff_ffff);
        STANDARD.encode(format!("{time:x}_{address:x}_{process:x}_{sequence:x}"))
    }

    /// The trace id of COS: base64 of 128 hexadecimal digits with the prefix that published values share.
    pub fn cos_trace_id(&self) -> String {
        let digits = hex_digits(&mut self.draw(b"cos trace id"), 97);
        STANDARD.encode(format!("8efc6b2d3b069ca89454d10b9ef0018{digits}"))
    }

    /// The upload id of COS: ten digits of Unix time and 64 hexadecimal digits.
    pub fn cos_upload_id(&self) -> String {
        let mut draw = self.draw(b"cos upload id");
        let time = plausible_time(&mut draw);
        format!("{time}{}", hex_digits(&mut draw, 64))
    }

    /// The number in a version id of COS: 2^64 - 1 less a time in microseconds, here another one for each key.
    ///
    /// Source: `cos.md` 7.1, decoded from published values.
    pub fn cos_version_number(&self, key: &str) -> u64 {
        let kind = [b"cos version id", key.as_bytes()].concat();
        let mut draw = self.draw(&kind);
        let seconds = u64::from(plausible_time(&mut draw));
        u64::MAX - (seconds * 1_000_000 + u64::from(draw.next_u32() % 1_000_000))
    }

    /// The request id of CAS, of the same construction as that of COS.
    ///
    /// Source: `cas.md` 1.5, decoded from the one published value.
    pub fn cas_request_id(&self) -> String {
        let mut draw = self.draw(b"cas request id");
        let (time, address) = (plausible_time(&mut draw), draw.next_u32() | 0x1000_0000);
        let (process, sequence) = (draw.next_u32() & 0xffff, draw.next_u32() & 0xf_ffff);
        STANDARD.encode(format!("{time:08x}_{address:08x}_{process:04x}_{sequence:x}"))
    }

    /// The archive id of CAS: 96 bytes in the URL alphabet of base64, 128 characters.
    pub fn archive_id(&self) -> String {
        url_safe::<96>(&mut self.draw(b"archive id"))
    }

    /// The upload id of CAS: 48 bytes in the URL alphabet of base64, 64 characters.
    pub fn cas_upload_id(&self) -> String {
        url_safe::<48>(&mut self.draw(b"cas upload id"))
    }

    /// The job id of CAS, of the same shape as its upload id.
    ///
    /// Source: `cas.md` 1.3.
    pub fn job_id(&self) -> String {
        url_safe::<48>(&mut self.draw(b"cas job id"))
    }

    fn draw(&self, kind: &[u8]) -> ChaCha8Rng {
        let names: [&[u8]; 4] =
            [kind, &self.exchange.to_le_bytes(), &self.arrival.to_le_bytes(), &self.execution.to_le_bytes()];
        stream(self.seed, &names)
    }
}

/// Unix seconds of ten digits, between 2017 and 2026.
fn plausible_time(draw: &mut ChaCha8Rng) -> u32 {
    1_500_000_000 + draw.next_u32() % 270_000_000
}

fn hex_digits(draw: &mut ChaCha8Rng, count: usize) -> String {
    let mut digits = String::with_capacity(count + 16);
    while digits.len() < count {
        digits.push_str(&format!("{:016x}", draw.next_u64()));
    }
    digits.truncate(count);
    digits
}

fn url_safe<const BYTES: usize>(draw: &mut ChaCha8Rng) -> String {
    let mut bytes = [0; BYTES];
    draw.fill_bytes(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity::new(Seed(7), 42, 1)
    }

    #[test]
    fn ids_have_the_shape_of_the_services() {
        let upload = identity().cos_upload_id();
        assert_eq!(upload.len(), 74);
        assert!(upload[..10].bytes().all(|byte| byte.is_ascii_digit()), "{upload}");
        assert!(upload[10..].bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{upload}");
        assert_eq!(identity().cos_trace_id().len(), 172);
        assert_eq!(identity().archive_id().len(), 128);
        assert_eq!(identity().cas_upload_id().len(), 64);
        assert_eq!(identity().job_id().len(), 64);
        assert_ne!(identity().job_id(), identity().cas_upload_id());

        let request = String::from_utf8(STANDARD.decode(identity().cos_request_id()).unwrap()).unwrap();
        let fields: Vec<_> =
            request.split('_').map(|field| u32::from_str_radix(field, 16).unwrap()).collect();
        assert_eq!(fields.len(), 4, "{request}");
        assert!(fields[0] >= 1_500_000_000, "{request}");
        let request = String::from_utf8(STANDARD.decode(identity().cas_request_id()).unwrap()).unwrap();
        assert_eq!(request.split('_').map(str::len).take(3).collect::<Vec<_>>(), [8, 8, 4], "{request}");
    }

    /// The values are written down: a change of them breaks every recorded run of every user.
    #[test]
    fn rolls_and_ids_never_change_between_versions() {
        let mut roll = Roll::new(Seed(7), "cut-part-3", 1, 2, 0);
        assert_eq!(format!("{:.12}", roll.unit()), "0.939590591593");
        assert_eq!(
            identity().cos_upload_id(),
            "15551160816d19653df4fbdc954ff39b746ee558f76ede957315f638bdfe048396c34e90ea"
        );
    }

    #[test]
    fn each_input_of_a_roll_matters() {
        let base = Roll::new(Seed(7), "rule", 1, 1, 0).unit();
        let others = [
            Roll::new(Seed(8), "rule", 1, 1, 0),
            Roll::new(Seed(7), "other", 1, 1, 0),
            Roll::new(Seed(7), "rule", 2, 1, 0),
            Roll::new(Seed(7), "rule", 1, 2, 0),
            Roll::new(Seed(7), "rule", 1, 1, 1),
        ];
        for mut other in others {
            assert_ne!(base, other.unit());
        }
    }

    #[test]
    fn an_execution_more_gives_other_ids() {
        assert_ne!(identity().cos_upload_id(), identity().again().cos_upload_id());
        assert_ne!(identity().cos_upload_id(), Identity::new(Seed(7), 42, 2).cos_upload_id());
    }

    #[test]
    fn rolls_spread_evenly() {
        let below = (0..10_000).filter(|&nth| Roll::new(Seed(1), "r", 0, nth, 0).unit() < 0.1).count();
        assert!((900..1_100).contains(&below), "{below}");
    }

    #[test]
    fn the_normal_distribution_has_its_mean_and_deviation() {
        let values: Vec<f64> = (0..10_000).map(|nth| Roll::new(Seed(1), "n", 0, nth, 0).normal()).collect();
        let mean = values.iter().sum::<f64>() / 10_000.0;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 10_000.0;
        assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }

    #[test]
    fn seeds_are_read_in_both_notations() {
        assert_eq!("7".parse(), Ok(Seed(7)));
        assert_eq!("0x5eed".parse(), Ok(Seed(0x5eed)));
        assert_eq!(Seed(0x5eed).to_string(), "0x5eed");
        for text in ["", "0x", "-1", "18446744073709551616", "seed"] {
            assert_eq!(text.parse::<Seed>(), Err(InvalidSeed), "{text}");
        }
    }
}
