//! The digests of both services behind one small interface: fed in one pass as a body arrives.
//!
//! Which digests a body needs is known before its first byte (`Wanted`). Nothing here knows headers: the services
//! compare the results with what the client sent.

pub mod crc64;
mod hex;
pub mod lanes;
pub mod tree;

use md5::Md5 as Md5Hash;
use sha1::{Digest as _, Sha1 as Sha1Hash};
use sha2::Sha256 as Sha256Hash;

pub use crc64::Crc64;
pub use hex::Hex;
pub use tree::{Tree, TreeHash, TreeHasher};

/// An MD5 digest, 16 bytes.
pub type Md5 = Hex<16, Md5Kind>;
/// A SHA-1 digest, 20 bytes.
pub type Sha1 = Hex<20, Sha1Kind>;
/// A linear SHA-256 digest, 32 bytes.
pub type Sha256 = Hex<32, Sha256Kind>;

/// Marks a digest as an MD5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Md5Kind {}
/// Marks a digest as a SHA-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sha1Kind {}
/// Marks a digest as a linear SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sha256Kind {}

/// Which digests a body needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// MD5 and CRC-64, which COS computes for every object and part.
    pub md5_and_crc64: bool,
    /// SHA-1, which COS computes only when the client sent one.
    pub sha1: bool,
    /// SHA-256, linear and tree, which CAS computes for every archive and chunk.
    pub sha256_and_tree: bool,
}

/// The digests of a body, as far as they were wanted.
#[derive(Debug, Clone, Default)]
pub struct Digests {
    /// MD5.
    pub md5: Option<Md5>,
    /// CRC-64/XZ.
    pub crc64: Option<Crc64>,
    /// SHA-1.
    pub sha1: Option<Sha1>,
    /// SHA-256 of all bytes.
    pub sha256: Option<Sha256>,
    /// SHA-256 tree with leaves of 1 MiB.
    pub tree: Option<Tree>,
}

/// Computes the wanted digests of a body that arrives in pieces. No digest is computed twice: the linear SHA-256 serves the
/// service and the journal, and up to 1 MiB it is the tree hash as well.
pub struct Hasher {
    md5: Option<Md5Hash>,
    crc64: Option<crc64::Running>,
    sha1: Option<Sha1Hash>,
    sha256: Option<Witness>,
    wants_tree: bool,
    /// From the second leaf on.
    tree: Option<TreeHasher>,
}

impl Hasher {
    /// Starts with no bytes.
    pub fn new(wanted: Wanted) -> Self {
        Hasher {
            md5: wanted.md5_and_crc64.then(Md5Hash::new),
            crc64: wanted.md5_and_crc64.then(crc64::Running::new),
            sha1: wanted.sha1.then(Sha1Hash::new),
            sha256: wanted.sha256_and_tree.then(Witness::default),
            wants_tree: wanted.sha256_and_tree,
            tree: None,
        }
    }

    /// Leaves the MD5 to somebody else. Before the first byte.
    pub fn leave_md5(&mut self) {
        self.md5 = None;
    }

    /// Also hashes for the journal. Before the first byte.
    pub fn observe(&mut self, witness: Witness) {
        self.sha256 = Some(witness);
    }

    /// What was fed so far, if it is observed.
    pub fn witnessed(&self) -> Option<Witnessed> {
        self.sha256.as_ref().map(Witness::witnessed)
    }

    /// Feeds the next bytes to every digest.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        if let Some(crc64) = &mut self.crc64 {
            crc64.update(bytes);
        }
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(bytes);
        }
        let Some(sha256) = &mut self.sha256 else { return };
        let mut rest = bytes;
        if self.wants_tree && self.tree.is_none() {
            let room = tree::LEAF_SIZE_BYTES.saturating_sub(sha256.bytes);
            let (first, others) =
                bytes.split_at(bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            sha256.update(first);
            if sha256.bytes == tree::LEAF_SIZE_BYTES {
                self.tree = Some(TreeHasher::after_leaf(Hex::new(*sha256.value().bytes())));
            }
            rest = others;
        }
        sha256.update(rest);
        if let Some(tree) = &mut self.tree {
            tree.update(rest);
        }
    }

    /// The digests of all bytes fed.
    pub fn finish(self) -> Digests {
        let sha256 = self.sha256.filter(|_| self.wants_tree).map(|sha256| (sha256.value(), sha256.bytes));
        let tree = sha256.map(|(hash, size)| match self.tree {
            Some(tree) => tree.finish(),
            None => Tree::of_one_leaf(Hex::new(*hash.bytes()), size),
        });
        Digests {
            md5: self.md5.map(|hash| Hex::new(hash.finalize().into())),
            crc64: self.crc64.map(|crc64| crc64.finish()),
            sha1: self.sha1.map(|hash| Hex::new(hash.finalize().into())),
            sha256: sha256.map(|(hash, _)| hash),
            tree,
        }
    }

    /// The digests of bytes that are all there.
    #[cfg(test)]
    pub fn of(bytes: &[u8], wanted: Wanted) -> Digests {
        let mut hasher = Hasher::new(wanted);
        hasher.update(bytes);
        hasher.finish()
    }
}

/// The MD5 of bytes to which more are appended time and again: none of them is hashed twice.
#[derive(Debug, Clone, Default)]
pub struct GrowingMd5(Md5Hash);

impl GrowingMd5 {
    /// The state after the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The MD5 of all bytes so far.
    pub fn value(&self) -> Md5 {
        Hex::new(self.0.clone().finalize().into())
    }
}

/// The MD5 of an object with what is to be appended to it, hashed before the object is looked at for good.
#[derive(Debug, Clone)]
pub struct Grown {
    /// That of the object without it.
    before: Md5,
    md5: GrowingMd5,
}

impl Grown {
    /// Nothing is appended yet.
    pub fn new(md5: GrowingMd5) -> Self {
        Grown { before: md5.value(), md5 }
    }

    /// Appends bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
    }

    /// The state after all bytes, unless the object has another MD5 by now than was begun with.
    pub fn behind(&self, present: &GrowingMd5) -> Option<GrowingMd5> {
        (present.value() == self.before).then(|| self.md5.clone())
    }
}

/// The hash of a body for the journal: of all bytes that arrived, and of those up to one place.
#[derive(Debug, Default)]
pub struct Witness {
    hash: Sha256Hash,
    bytes: u64,
    compare_at: Option<u64>,
    prefix: Option<Sha256>,
}

/// What a [`Witness`] has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// SHA-256 of all bytes.
    pub sha256: Sha256,
    /// SHA-256 of the bytes up to the place to compare at, if so many came.
    pub prefix: Option<Sha256>,
}

impl Witness {
    /// One that also hashes the first so many bytes.
    pub fn comparing_at(bytes: u64) -> Self {
        let mut witness = Witness { compare_at: Some(bytes), ..Witness::default() };
        witness.update(&[]);
        witness
    }

    /// Feeds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if let Some(place) = self.compare_at.filter(|place| *place <= self.bytes + bytes.len() as u64) {
            let (before, behind) = bytes.split_at((place - self.bytes) as usize);
            self.hash.update(before);
            self.prefix = Some(Hex::new(self.hash.clone().finalize().into()));
            self.compare_at = None;
            rest = behind;
        }
        self.hash.update(rest);
        self.bytes += bytes.len() as u64;
    }

    /// What was fed so far.
    pub fn witnessed(&self) -> Witnessed {
        Witnessed { sha256: self.value(), prefix: self.prefix }
    }

    /// The hash of all bytes fed so far.
    fn value(&self) -> Sha256 {
        Hex::new(self.hash.clone().finalize().into())
    }
}

/// The MD5 of a text or of other bytes that are all there.
pub fn md5(bytes: &[u8]) -> Md5 {
    Hex::new(Md5Hash::digest(bytes).into())
}

/// The SHA-256 of pieces, in hexadecimal digits.
pub fn sha256_of_pieces(pieces: impl Iterator<Item = impl AsRef<[u8]>>) -> String {
    let mut hash = Sha256Hash::new();
    pieces.for_each(|piece| hash.update(piece));
    Sha256::new(hash.finalize().into()).to_string()
}

/// Reads to the end: how many bytes came, and their SHA-256 in hexadecimal digits.
///
/// # Errors
/// Those of the reader.
pub fn sha256_of(reader: &mut impl std::io::Read) -> std::io::Result<(u64, String)> {
    let mut hash = Sha256Hash::new();
    let mut buffer = vec![0; 64 << 10];
    let mut total = 0;
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok((total, Sha256::new(hash.finalize().into()).to_string())),
            count => {
                hash.update(&buffer[..count]);
                total += count as u64;
            }
        }
    }
}

/// The SHA-1 of a text or of other bytes that are all there.
pub fn sha1(bytes: &[u8]) -> Sha1 {
    Hex::new(Sha1Hash::digest(bytes).into())
}

/// The first 128 bits of the SHA-256 of names, each hashed with its length: a key for what the names belong to.
pub fn key_of(names: &[&str]) -> u128 {
    let mut hash = Sha256Hash::new();
    for name in names {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    u128::from_le_bytes(digest[..16].try_into().expect("a SHA-256 has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Wanted = Wanted { md5_and_crc64: true, sha1: true, sha256_and_tree: true };

    #[test]
    fn only_wanted_digests_are_computed() {
        let digests = Hasher::of(b"x", Wanted { md5_and_crc64: true, ..Wanted::default() });
        assert!(digests.md5.is_some() && digests.crc64.is_some());
        assert!(digests.sha1.is_none() && digests.sha256.is_none() && digests.tree.is_none());
    }

    #[test]
    fn digests_of_known_texts() {
        let digests = Hasher::of(b"[Object Content]", ALL);
        // The sample of the PUT Object page.
        assert_eq!(digests.crc64.unwrap().to_string(), "16749565679157681890");
        assert_eq!(md5(b"").to_string(), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(sha1(b"abc").to_string(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            Hasher::of(b"abc", ALL).sha256.unwrap().to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_growing_md5_is_that_of_all_bytes_at_every_step() {
        let mut growing = GrowingMd5::default();
        let mut whole = Vec::new();
        assert_eq!(growing.value(), md5(b""));
        for length in [0, 1, 63, 64, 65, 1000] {
            let piece = vec![length as u8; length];
            growing.update(&piece);
            whole.extend_from_slice(&piece);
            assert_eq!(growing.value(), md5(&whole), "{length}");
        }
    }

    #[test]
    fn the_cuts_between_pieces_do_not_matter() {
        let bytes: Vec<u8> = (0..3000u32).map(|index| (index * 31 % 251) as u8).collect();
        let whole = Hasher::of(&bytes, ALL);
        for cut in [0, 1, 63, 64, 65, 1500, 2999, 3000] {
            let mut hasher = Hasher::new(ALL);
            hasher.update(&bytes[..cut]);
            hasher.update(&bytes[cut..]);
            let cut_digests = hasher.finish();
            assert_eq!(cut_digests.md5, whole.md5);
            assert_eq!(cut_digests.crc64, whole.crc64);
            assert_eq!(cut_digests.sha1, whole.sha1);
            assert_eq!(cut_digests.sha256, whole.sha256);
            assert_eq!(cut_digests.tree, whole.tree);
        }
    }

    #[test]
    fn keys_tell_where_one_name_ends_and_the_next_begins() {
        assert_ne!(key_of(&["a", "bc"]), key_of(&["ab", "c"]));
        assert_eq!(key_of(&["a", "bc"]), key_of(&["a", "bc"]));
    }

    #[test]
    fn one_pass_has_the_linear_and_the_tree_hash_and_what_the_journal_wants() {
        let leaf = tree::LEAF_SIZE_BYTES as usize;
        let wanted = Wanted { sha256_and_tree: true, ..Wanted::default() };
        for size in [0, 1, leaf - 1, leaf, leaf + 1, 2 * leaf, 3 * leaf + 5] {
            let bytes: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
            for piece in [leaf - 1, leaf, leaf + 1, 100_003, 4 * leaf] {
                let compared = size.min(leaf + 1) as u64;
                let mut hasher = Hasher::new(wanted);
                hasher.observe(Witness::comparing_at(compared));
                bytes.chunks(piece).for_each(|piece| hasher.update(piece));
                let linear = |bytes: &[u8]| Sha256::new(Sha256Hash::digest(bytes).into());
                let witnessed = hasher.witnessed().unwrap();
                assert_eq!(witnessed.sha256, linear(&bytes));
                assert_eq!(witnessed.prefix, Some(linear(&bytes[..compared as usize])), "{size} in {piece}");
                let digests = hasher.finish();
                assert_eq!(digests.sha256, Some(linear(&bytes)));
                assert_eq!(digests.tree, Some(TreeHasher::of(&bytes)), "{size} in {piece}");
            }
        }
        let mut observed = Hasher::new(Wanted::default());
        observed.observe(Witness::default());
        observed.update(b"x");
        assert!(observed.witnessed().is_some());
        assert!(observed.finish().sha256.is_none(), "the service did not want it");
    }
}
