//! Every file of the fuzz corpora, as an ordinary test.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

#[path = "../fuzz/properties.rs"]
mod properties;

/// What has to hold for any bytes.
type Property = fn(&[u8]);

/// The targets, each with its property.
const TARGETS: &[(&str, Property)] = &[
    ("authorization", properties::authorization),
    ("documents", properties::documents),
    ("forms", properties::forms),
    ("jobs", properties::jobs),
    ("ranges", properties::ranges),
    ("routing", properties::routing),
    ("scenario", properties::scenario),
];

fn files(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The files that a property does not hold for. What it said of each is in the output of the test.
fn failing(property: Property, mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    files.retain(|file| {
        let bytes = fs::read(file).unwrap();
        catch_unwind(|| property(&bytes)).is_err()
    });
    files
}

#[test]
fn every_property_holds_for_its_corpus() {
    let failing: Vec<_> = TARGETS
        .iter()
        .flat_map(|(name, property)| failing(*property, files(format!("fuzz/corpus/{name}"))))
        .collect();
    assert!(failing.is_empty(), "{failing:#?}");
}

#[test]
fn the_property_of_scenarios_holds_for_the_shipped_ones() {
    let failing = failing(properties::scenario, files("scenarios"));
    assert!(failing.is_empty(), "{failing:#?}");
}

#[test]
fn every_target_is_tested_here_and_every_corpus_has_a_target() {
    let names: Vec<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let stems = |folder| -> Vec<String> {
        files(folder).iter().map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(stems("fuzz/fuzz_targets"), names);
    assert_eq!(stems("fuzz/corpus"), names);
}

#[test]
fn the_corpora_stay_small() {
    let all = TARGETS.iter().flat_map(|(name, _)| files(format!("fuzz/corpus/{name}")));
    let bytes: u64 = all.map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(bytes < 300_000, "{bytes} bytes: new finds of a run belong elsewhere, see CONTRIBUTING.md");
}
