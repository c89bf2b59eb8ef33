//! The digests of bodies, alone and together: `cargo bench --bench digests`.
//!
//! `together` are what a part of each service costs, its journal counted in; `side_by_side` is the MD5 of several bodies in
//! one go. A row of a digest alone is what those have to be held to.

use cos_emu::benching::{Hasher, Lane, Wanted, Witness, absorb};
use cos_emu::tree_hash::TreeHasher;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// What is hashed between two looks at other tasks.
const STEP_BYTES: usize = 256 << 10;
/// A part.
const PART_BYTES: usize = 8 << 20;

fn main() {
    divan::main();
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|index| ((index * 31 + 7) % 251) as u8).collect()
}

fn alone<D: Digest>(bencher: Bencher<'_, '_>) {
    let part = bytes(PART_BYTES);
    bencher.counter(BytesCount::new(PART_BYTES)).bench(|| D::digest(black_box(&part)));
}

#[divan::bench]
fn md5(bencher: Bencher<'_, '_>) {
    alone::<Md5>(bencher);
}

#[divan::bench]
fn sha1(bencher: Bencher<'_, '_>) {
    alone::<Sha1>(bencher);
}

#[divan::bench]
fn sha256(bencher: Bencher<'_, '_>) {
    alone::<Sha256>(bencher);
}

#[divan::bench]
fn crc64(bencher: Bencher<'_, '_>) {
    let part = bytes(PART_BYTES);
    bencher.counter(BytesCount::new(PART_BYTES)).bench(|| {
        let mut hasher = Hasher::new(Wanted { md5_and_crc64: true, ..Wanted::default() });
        hasher.leave_md5();
        hasher.update(black_box(&part));
        hasher.finish()
    });
}

#[divan::bench]
fn tree_hash(bencher: Bencher<'_, '_>) {
    let part = bytes(PART_BYTES);
    bencher.counter(BytesCount::new(PART_BYTES)).bench(|| TreeHasher::of(black_box(&part)));
}

/// As a part arrives: in steps, each of which every digest takes while it is in the cache.
#[divan::bench(args = ["cos", "cas", "cos without MD5"])]
fn together(bencher: Bencher<'_, '_>, part_of: &str) {
    let part = bytes(PART_BYTES);
    let wanted = match part_of {
        "cas" => Wanted { sha256_and_tree: true, ..Wanted::default() },
        _ => Wanted { md5_and_crc64: true, ..Wanted::default() },
    };
    bencher.counter(BytesCount::new(PART_BYTES)).bench(|| {
        let mut hasher = Hasher::new(wanted);
        if part_of == "cos without MD5" {
            hasher.leave_md5();
        }
        hasher.observe(Witness::default());
        part.chunks(STEP_BYTES).for_each(|step| hasher.update(black_box(step)));
        (hasher.witnessed(), hasher.finish())
    });
}

#[divan::bench(args = [1, 2, 3, 4, 6, 8])]
fn md5_side_by_side(bencher: Bencher<'_, '_>, bodies: usize) {
    let pieces = vec![bytes(STEP_BYTES); bodies];
    let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    bencher.counter(BytesCount::new(bodies * STEP_BYTES)).bench(|| {
        let mut lanes = vec![Lane::default(); bodies];
        absorb(&mut lanes.iter_mut().collect::<Vec<_>>(), black_box(&pieces));
        lanes
    });
}
