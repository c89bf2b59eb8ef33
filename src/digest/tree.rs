//! The SHA-256 tree hash of CAS, as other archive services compute it too: streaming, in parts, and of ranges.
//!
//! The data is cut into leaves of 1 MiB, the last may be shorter. Going up, each pair of neighbours becomes the
//! SHA-256 of their 64 bytes; a node left over at the end of a level moves up unchanged. No bytes at all hash to
//! the SHA-256 of nothing.
//!
//! Feed bytes as they come, and keep the [`Tree`]: with its leaves, 32 bytes for each MiB, the hash of a range and that of
//! several parts together need no look at the bytes again.
//!
//! ```
//! use cos_emu::tree_hash::{TreeHash, TreeHasher};
//!
//! let data: Vec<u8> = (0..(5 << 20) + 7).map(|i: usize| ((i * 31 + 7) % 251) as u8).collect();
//! let mut hasher = TreeHasher::new();
//! data.chunks(100_000).for_each(|piece| hasher.update(piece));
//! let tree = hasher.finish();
//! assert_eq!(tree.root().to_string(), "ded82c2c79b481f870c303c539699ec74ae628eea29a7cc08a4575780227df96");
//!
//! // The same from the hashes of its parts of 2 MiB, which may come from somewhere else.
//! let parts = data.chunks(2 << 20).map(|part| TreeHasher::of(part).root());
//! assert_eq!(TreeHash::combine(parts), Some(tree.root()));
//!
//! // A range that is a node of the tree has a hash; one that is not has none.
//! assert_eq!(tree.sub_tree(2 << 20..4 << 20).unwrap().root(), TreeHasher::of(&data[2 << 20..4 << 20]).root());
//! assert!(tree.sub_tree(1 << 20..3 << 20).is_none());
//! ```
//!
//! `tests/vectors/cas-tree-hash.json` has vectors for all of this, also of ways to get it wrong; they were checked with four
//! implementations.
//!
//! Source: CAS API, "Checksums" (`cas.md` 3).

use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::Hex;

/// The size of a leaf: 1 MiB.
pub const LEAF_SIZE_BYTES: u64 = 1 << 20;

/// A SHA-256 tree hash, 32 bytes; written and read as 64 hexadecimal digits. Not the same type as a linear SHA-256, which it
/// equals up to 1 MiB.
pub type TreeHash = Hex<32, TreeKind>;

/// Marks a digest as a tree hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TreeKind {}

impl TreeHash {
    /// The tree hash of data from the tree hashes of its parts in order, when each part but the last has the same power of two
    /// of MiB, and the last at most as many. Of other parts the result means nothing, which the hashes alone do not show;
    /// [`Tree::concat`] takes parts of any whole number of MiB. `None` without parts.
    pub fn combine(parts: impl IntoIterator<Item = TreeHash>) -> Option<TreeHash> {
        let mut folded = Folding::default();
        parts.into_iter().for_each(|part| folded.push(part));
        folded.finish()
    }
}

/// The tree over some bytes: its root, and its leaves, 32 bytes for each MiB. Cloning shares the leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    root: TreeHash,
    leaves: Arc<[TreeHash]>,
    size_bytes: u64,
}

impl Tree {
    /// The tree hash of all bytes.
    pub fn root(&self) -> TreeHash {
        self.root
    }

    /// The hashes of the leaves; of no bytes there is one.
    pub fn leaves(&self) -> &[TreeHash] {
        &self.leaves
    }

    /// How many bytes it is over.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The tree over the bytes of the parts one after the other. `None` without parts, and when a part that is not the last
    /// is no whole number of MiB: then the leaves are others.
    pub fn concat<'a>(parts: impl IntoIterator<Item = &'a Tree>) -> Option<Tree> {
        let (mut leaves, mut size_bytes) = (Vec::new(), 0u64);
        for part in parts {
            if !size_bytes.is_multiple_of(LEAF_SIZE_BYTES) {
                return None;
            }
            // The leaf of a part without bytes is none of the whole.
            leaves.extend(part.leaves.iter().filter(|_| part.size_bytes > 0));
            size_bytes += part.size_bytes;
        }
        Self::new(leaves, size_bytes)
    }

    /// The tree over a range of the bytes, if the range is a node of this tree: it starts and ends between leaves, has a power
    /// of two of them or reaches the end, and starts at a multiple of that power.
    ///
    /// Source: `cas.md` 3.4.
    pub fn sub_tree(&self, range: Range<u64>) -> Option<Tree> {
        let size = self.size_bytes;
        let ends_a_leaf =
            range.end == size || (range.end < size && range.end.is_multiple_of(LEAF_SIZE_BYTES));
        if range.is_empty() || !range.start.is_multiple_of(LEAF_SIZE_BYTES) || !ends_a_leaf {
            return None;
        }
        let first = usize::try_from(range.start / LEAF_SIZE_BYTES).ok()?;
        let leaves = self.leaves.get(first..usize::try_from(range.end.div_ceil(LEAF_SIZE_BYTES)).ok()?)?;
        let power = leaves.len().next_power_of_two();
        let reaches_the_end = first + leaves.len() == self.leaves.len();
        let is_node = first.is_multiple_of(power) && (leaves.len() == power || reaches_the_end);
        is_node.then(|| Self::new(leaves.to_vec(), range.end - range.start)).flatten()
    }

    /// The root that a mistake at one level leads to: the first node of that level has its first bit changed, and what is above
    /// is computed from it. Level 0 are the leaves; above the root there is nothing, so higher levels are the root.
    pub fn root_with_mistake_at(&self, level: u32) -> TreeHash {
        let mut nodes = self.leaves.to_vec();
        for _ in 0..level {
            if nodes.len() == 1 {
                break;
            }
            nodes = nodes
                .chunks(2)
                .map(|pair| if let [left, right] = pair { parent(*left, *right) } else { pair[0] })
                .collect();
        }
        let mut first = *nodes[0].bytes();
        first[0] ^= 0x80;
        nodes[0] = Hex::new(first);
        TreeHash::combine(nodes).expect("there is a node")
    }

    /// The tree over at most 1 MiB, whose hash is the linear one.
    pub fn of_one_leaf(leaf: TreeHash, size_bytes: u64) -> Tree {
        debug_assert!(size_bytes <= LEAF_SIZE_BYTES);
        Tree { root: leaf, leaves: [leaf].into(), size_bytes }
    }

    fn new(leaves: Vec<TreeHash>, size_bytes: u64) -> Option<Tree> {
        let root = TreeHash::combine(leaves.iter().copied())?;
        Some(Tree { root, leaves: leaves.into(), size_bytes })
    }
}

/// A tree in the making.
#[derive(Clone)]
pub struct TreeHasher {
    leaf: Sha256,
    leaf_len: u64,
    leaves: Vec<TreeHash>,
}

impl TreeHasher {
    /// Starts with no bytes.
    pub fn new() -> Self {
        TreeHasher { leaf: Sha256::new(), leaf_len: 0, leaves: Vec::new() }
    }

    /// The tree over bytes that are all there.
    pub fn of(bytes: &[u8]) -> Tree {
        let mut hasher = TreeHasher::new();
        hasher.update(bytes);
        hasher.finish()
    }

    /// Starts behind a first leaf whose hash is known: it is the linear hash of the first MiB.
    pub fn after_leaf(leaf: TreeHash) -> Self {
        TreeHasher { leaves: vec![leaf], ..TreeHasher::new() }
    }

    /// Feeds the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = (LEAF_SIZE_BYTES - self.leaf_len) as usize;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.leaf.update(now);
            self.leaf_len += now.len() as u64;
            if self.leaf_len == LEAF_SIZE_BYTES {
                self.end_leaf();
            }
            bytes = later;
        }
    }

    /// The tree over all bytes fed.
    pub fn finish(mut self) -> Tree {
        let size_bytes = self.leaves.len() as u64 * LEAF_SIZE_BYTES + self.leaf_len;
        if self.leaf_len > 0 || self.leaves.is_empty() {
            self.end_leaf();
        }
        Tree::new(self.leaves, size_bytes).expect("there is a leaf")
    }

    fn end_leaf(&mut self) {
        self.leaves.push(Hex::new(self.leaf.finalize_reset().into()));
        self.leaf_len = 0;
    }
}

impl Default for TreeHasher {
    fn default() -> Self {
        Self::new()
    }
}

/// Nodes whose sibling has not come yet, each with its height, the highest first: heights strictly decrease.
#[derive(Default)]
struct Folding(Vec<(u32, TreeHash)>);

impl Folding {
    /// Appends a node of height 0 and joins what has become a pair.
    fn push(&mut self, node: TreeHash) {
        let (mut height, mut node) = (0, node);
        while let Some(&(left_height, left)) = self.0.last() {
            if left_height != height {
                break;
            }
            self.0.pop();
            node = parent(left, node);
            height += 1;
        }
        self.0.push((height, node));
    }

    /// Joins what is left, from the right: a lone node moves up until it meets a sibling.
    fn finish(self) -> Option<TreeHash> {
        self.0.into_iter().map(|(_, node)| node).rev().reduce(|right, left| parent(left, right))
    }
}

fn parent(left: TreeHash, right: TreeHash) -> TreeHash {
    Hex::new(Sha256::new().chain_update(left.bytes()).chain_update(right.bytes()).finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(index: u32) -> TreeHash {
        Hex::new(Sha256::digest(index.to_le_bytes()).into())
    }

    /// The definition, slowly: the left child has the largest power of two of leaves below the whole.
    fn recursive(leaves: &[TreeHash]) -> TreeHash {
        match leaves {
            [one] => *one,
            _ => {
                let mut left = 1;
                while left * 2 < leaves.len() {
                    left *= 2;
                }
                parent(recursive(&leaves[..left]), recursive(&leaves[left..]))
            }
        }
    }

    #[test]
    fn folding_agrees_with_the_recursive_definition_for_any_number_of_leaves() {
        for count in 1..=130 {
            let leaves: Vec<_> = (0..count).map(leaf).collect();
            assert_eq!(TreeHash::combine(leaves.iter().copied()), Some(recursive(&leaves)), "{count} leaves");
        }
        assert_eq!(TreeHash::combine([]), None);
    }

    #[test]
    fn parts_of_a_power_of_two_of_leaves_fold_to_the_whole() {
        for count in 1..=40u32 {
            let leaves: Vec<_> = (0..count).map(leaf).collect();
            for part in [1, 2, 4, 8, 16] {
                let parts = leaves.chunks(part).map(recursive);
                assert_eq!(
                    TreeHash::combine(parts),
                    Some(recursive(&leaves)),
                    "{count} leaves in parts of {part}"
                );
            }
        }
    }

    // ---- the vectors of `tests/vectors/cas-tree-hash.json` ----

    /// The bytes that the vectors are about: `(i * 31 + 7) mod 251`.
    fn pattern(len: usize) -> Vec<u8> {
        (0..len).map(|index| ((index * 31 + 7) % 251) as u8).collect()
    }

    fn vectors() -> serde_json::Value {
        serde_json::from_str(include_str!("../../tests/vectors/cas-tree-hash.json")).unwrap()
    }

    fn tree(bytes: &[u8]) -> Tree {
        let mut hasher = TreeHasher::new();
        // Pieces that do not fit the leaves.
        bytes.chunks(100_003).for_each(|piece| hasher.update(piece));
        hasher.finish()
    }

    fn hash(bytes: &[u8]) -> String {
        tree(bytes).root().to_string()
    }

    fn size(value: &serde_json::Value) -> usize {
        value.as_u64().unwrap() as usize
    }

    #[test]
    fn every_vector_has_its_tree_hash_and_its_linear_hash() {
        let vectors = vectors();
        let vectors = vectors["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 15);
        for vector in vectors {
            let bytes = pattern(size(&vector["size"]));
            assert_eq!(hash(&bytes), vector["tree_hash"], "{}", vector["name"]);
            let linear: Hex<32, ()> = Hex::new(Sha256::digest(&bytes).into());
            assert_eq!(linear.to_string(), vector["sha256"], "{}", vector["name"]);
        }
    }

    #[test]
    fn every_vector_of_parts_folds_to_the_whole() {
        let vectors = vectors();
        let vectors = vectors["multipart"].as_array().unwrap();
        assert_eq!(vectors.len(), 11);
        for vector in vectors {
            let bytes = pattern(size(&vector["size"]));
            let mut parts = Vec::new();
            for (part, expected) in
                bytes.chunks(size(&vector["part_size"])).zip(vector["parts"].as_array().unwrap())
            {
                assert_eq!(hash(part), expected["tree_hash"]);
                parts.push(expected["tree_hash"].as_str().unwrap().parse::<TreeHash>().unwrap());
            }
            assert_eq!(parts.len(), vector["parts"].as_array().unwrap().len());
            assert_eq!(
                TreeHash::combine(parts).unwrap().to_string(),
                hash(&bytes),
                "{}",
                vector["part_size"]
            );
            let trees: Vec<Tree> = bytes.chunks(size(&vector["part_size"])).map(tree).collect();
            assert_eq!(Tree::concat(&trees), Some(tree(&bytes)), "{}", vector["part_size"]);
        }
    }

    #[test]
    fn every_vector_of_a_wrong_way_differs_from_the_right_one() {
        let vectors = vectors();
        let wrong = &vectors["negative"]["part_size_3MiB"];
        let parts = wrong["part_tree_hashes"].as_array().unwrap();
        let parts = parts.iter().map(|part| part.as_str().unwrap().parse::<TreeHash>().unwrap());
        assert_eq!(TreeHash::combine(parts).unwrap().to_string(), wrong["fold_of_part_hashes"]);
        assert_eq!(hash(&pattern(size(&wrong["size"]))), wrong["true_tree_hash"]);
        assert_ne!(wrong["fold_of_part_hashes"], wrong["true_tree_hash"]);

        for wrong in vectors["negative"]["last_partial_leaf_dropped"].as_array().unwrap() {
            let bytes = pattern(size(&wrong["size"]));
            let whole_leaves = bytes.len() - bytes.len() % LEAF_SIZE_BYTES as usize;
            assert_eq!(hash(&bytes), wrong["true_tree_hash"]);
            assert_eq!(hash(&bytes[..whole_leaves]), wrong["wrong_tree_hash"]);
        }
        for name in ["concat_hex_instead_of_raw", "odd_node_paired_with_itself"] {
            let wrong = &vectors["negative"][name];
            assert_eq!(hash(&pattern(size(&wrong["size"]))), wrong["true_tree_hash"], "{name}");
        }
    }

    #[test]
    fn every_vector_of_a_range_has_the_tree_hash_of_its_bytes_if_it_is_a_sub_tree() {
        let vectors = vectors();
        let ranges = &vectors["subtree_alignment"];
        let bytes = pattern(size(&ranges["archive_size"]));
        let whole = tree(&bytes);
        assert_eq!(whole.root().to_string(), ranges["archive_tree_hash"]);
        let cases = ranges["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 15);
        for case in cases {
            let range = size(&case["start"])..size(&case["end_inclusive"]) + 1;
            assert_eq!(hash(&bytes[range.clone()]), case["tree_hash_of_range"], "{case}");
            let of_the_leaves = whole.sub_tree(range.start as u64..range.end as u64);
            let expected =
                case["aligned"].as_bool().unwrap().then(|| case["tree_hash_of_range"].as_str().unwrap());
            assert_eq!(of_the_leaves.map(|tree| tree.root().to_string()).as_deref(), expected, "{case}");
        }
    }

    /// The nodes of a tree, by the recursive definition: ranges of leaves.
    fn nodes(leaves: Range<usize>, found: &mut Vec<Range<usize>>) {
        found.push(leaves.clone());
        if leaves.len() > 1 {
            let middle = leaves.start + leaves.len().next_power_of_two() / 2;
            nodes(leaves.start..middle, found);
            nodes(middle..leaves.end, found);
        }
    }

    #[test]
    fn the_sub_trees_are_the_nodes_of_the_tree_and_no_other_ranges() {
        for count in 1..=70usize {
            // The last leaf is a short one.
            let size = (count as u64 - 1) * LEAF_SIZE_BYTES + 1;
            let tree = Tree::new((0..count as u32).map(leaf).collect(), size).unwrap();
            let mut found = Vec::new();
            nodes(0..count, &mut found);
            for (first, last) in
                (0..count).flat_map(|first| (first + 1..=count).map(move |last| (first, last)))
            {
                let bytes = first as u64 * LEAF_SIZE_BYTES..(last as u64 * LEAF_SIZE_BYTES).min(size);
                let expected = found.contains(&(first..last)).then(|| recursive(&tree.leaves[first..last]));
                assert_eq!(
                    tree.sub_tree(bytes).map(|tree| tree.root()),
                    expected,
                    "{first}..{last} of {count}"
                );
            }
        }
    }

    #[test]
    fn a_range_that_cuts_a_leaf_is_no_sub_tree() {
        let size = 3 * LEAF_SIZE_BYTES + 7;
        let tree = Tree::new((0..4).map(leaf).collect(), size).unwrap();
        for range in [
            0..0,
            0..1,
            1..LEAF_SIZE_BYTES,
            0..LEAF_SIZE_BYTES + 1,
            0..size - 1,
            0..size + 1,
            0..4 * LEAF_SIZE_BYTES,
            0..u64::MAX,
            LEAF_SIZE_BYTES..LEAF_SIZE_BYTES,
            8 * LEAF_SIZE_BYTES..9 * LEAF_SIZE_BYTES,
        ] {
            assert_eq!(tree.sub_tree(range.clone()), None, "{range:?}");
        }
    }

    #[test]
    fn parts_that_do_not_end_between_leaves_make_no_tree() {
        let part = |size: u64| {
            Tree::new((0..size.div_ceil(LEAF_SIZE_BYTES).max(1)).map(|n| leaf(n as u32)).collect(), size)
                .unwrap()
        };
        assert!(Tree::concat(&[part(LEAF_SIZE_BYTES + 1), part(1)]).is_none());
        assert!(Tree::concat(&[]).is_none());
        let whole = Tree::concat(&[part(3 * LEAF_SIZE_BYTES), part(1), part(0)]);
        assert!(whole.is_none(), "the second ends within a leaf");
        let whole = Tree::concat(&[part(3 * LEAF_SIZE_BYTES), part(0), part(1)]).unwrap();
        assert_eq!((whole.size_bytes(), whole.leaves().len()), (3 * LEAF_SIZE_BYTES + 1, 4));
    }

    #[test]
    fn a_mistake_at_each_level_leads_to_a_root_of_its_own() {
        let leaves: Vec<_> = (0..5).map(leaf).collect();
        let tree = Tree::new(leaves.clone(), 5 * LEAF_SIZE_BYTES).unwrap();
        let flipped = |hash: TreeHash| {
            let mut bytes = *hash.bytes();
            bytes[0] ^= 0x80;
            TreeHash::new(bytes)
        };
        let [pair, last] = [parent(leaves[0], leaves[1]), leaves[4]];
        let other = parent(leaves[2], leaves[3]);
        let expected = [
            parent(parent(parent(flipped(leaves[0]), leaves[1]), other), last),
            parent(parent(flipped(pair), other), last),
            parent(flipped(parent(pair, other)), last),
            flipped(tree.root()),
            flipped(tree.root()),
        ];
        for (level, expected) in (0..).zip(expected) {
            assert_eq!(tree.root_with_mistake_at(level), expected, "{level}");
        }
        let one = Tree::new(vec![leaf(0)], 1).unwrap();
        assert_eq!(one.root_with_mistake_at(0), flipped(one.root()));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

        /// Over bytes, in pieces of any size: with the definition, and with parts of any power of two put together.
        #[test]
        fn any_bytes_in_any_pieces_have_the_hash_of_the_definition(
            size in 0..9 * LEAF_SIZE_BYTES,
            piece in 1..3 * LEAF_SIZE_BYTES as usize,
            power in 0..4u32,
        ) {
            let bytes = pattern(size as usize);
            let mut hasher = TreeHasher::new();
            bytes.chunks(piece).for_each(|piece| hasher.update(piece));
            let tree = hasher.finish();
            let leaves: Vec<TreeHash> = match bytes.as_slice() {
                [] => vec![Hex::new(Sha256::digest([]).into())],
                bytes => bytes.chunks(LEAF_SIZE_BYTES as usize).map(|leaf| Hex::new(Sha256::digest(leaf).into())).collect(),
            };
            proptest::prop_assert_eq!(tree.root(), recursive(&leaves));
            proptest::prop_assert_eq!(tree.size_bytes(), size);
            let part = (LEAF_SIZE_BYTES << power) as usize;
            if size > 0 {
                let parts: Vec<Tree> = bytes.chunks(part).map(TreeHasher::of).collect();
                proptest::prop_assert_eq!(TreeHash::combine(parts.iter().map(Tree::root)), Some(tree.root()));
                proptest::prop_assert_eq!(Tree::concat(&parts), Some(tree));
            }
        }
    }
}
