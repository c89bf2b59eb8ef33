//! What the loader says of scenario files: each code with its place, its finding and its cure; and valid files that use
//! the whole language.
//!
//! `tests/scenarios/invalid` holds small files, each with what is said of it beside it. After a change of words
//! `COS_EMU_BLESS=1 cargo test --test diagnostics` writes the texts anew: read the difference before it is committed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cos_emu::{Diagnosis, Scenario};
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name)
}

/// The scenario files of a folder, in the order of their names.
fn files(name: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

fn stem(file: &Path) -> &str {
    file.file_stem().unwrap().to_str().unwrap()
}

/// What is wrong with a file, or hardly meant.
fn diagnosis(file: &Path) -> Diagnosis {
    let name = file.file_name().unwrap().to_str().unwrap();
    match Scenario::check(name, &fs::read(file).unwrap(), file.parent()) {
        Ok((_, warnings)) => warnings,
        Err(diagnosis) => diagnosis,
    }
}

// ---- invalid files ----

#[test]
fn each_invalid_file_is_diagnosed_in_the_words_beside_it() {
    let mut different = Vec::new();
    for file in files("invalid") {
        let found = format!("{}\n", diagnosis(&file));
        let beside = file.with_extension("txt");
        if std::env::var_os("COS_EMU_BLESS").is_some() {
            fs::write(&beside, &found).unwrap();
        }
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        if found != expected {
            different.push(format!("{}\nexpected:\n{expected}\nfound:\n{found}", file.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn each_invalid_file_has_the_code_of_its_name_alone() {
    let mut others = Vec::new();
    for file in files("invalid") {
        let diagnosis = diagnosis(&file);
        let codes: BTreeSet<_> = diagnosis.problems().iter().map(|problem| problem.code).collect();
        let (code, _) = stem(&file).split_once('-').unwrap();
        if codes != BTreeSet::from([code]) {
            others.push(format!("{}: {codes:?}", file.display()));
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n"));
}

#[test]
fn every_diagnosis_belongs_to_a_file() {
    for entry in fs::read_dir(folder("invalid")).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.with_extension("json").exists(), "{} belongs to no file", path.display());
    }
}

#[test]
fn every_code_has_a_file() {
    let files = files("invalid");
    let codes: BTreeSet<&str> = files.iter().map(|file| stem(file).split_once('-').unwrap().0).collect();
    // E107 is a file of more than 16 MiB, which a test of its own makes; E309 cannot be before there is a proxy.
    let expected = "E101 E102 E103 E104 E105 E106 E108 E109 E201 E202 E203 E204 E205 E301 E302 E303 E304 E305 E306 E307 E308 E310 W401 W402";
    assert_eq!(codes, expected.split(' ').collect());
}

#[test]
fn a_hundred_mebibytes_are_refused_unread() {
    let diagnosis = Scenario::check("large.json", &vec![b'['; 100 << 20], None).unwrap_err();
    let problem = &diagnosis.problems()[0];
    assert_eq!((problem.code, diagnosis.problems().len()), ("E107", 1));
    assert_eq!(problem.message, "the file has more than 16 MiB");
}

#[test]
fn ten_thousand_levels_are_refused() {
    for level in ["[", "{\"note\":", "[{\"a\":["] {
        let diagnosis = Scenario::check("deep.json", level.repeat(10_000).as_bytes(), None).unwrap_err();
        assert_eq!(diagnosis.problems()[0].code, "E106");
    }
}

#[test]
fn a_pattern_that_others_choke_on_is_matched_in_linear_time() {
    let text = r#"{ "version": 1, "name": "n", "rules": [{ "id": "r", "when": { "key": { "regex": "^(a+)+$" } }, "do": { "error": "SlowDown" } }] }"#;
    Scenario::check("n.json", text.as_bytes(), None).unwrap();
    let text = text.replace("^(a+)+$", "(((a{1000}){1000}){1000})");
    let diagnosis = Scenario::check("n.json", text.as_bytes(), None).unwrap_err();
    assert_eq!(diagnosis.problems()[0].code, "E204", "{diagnosis}");
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_refused() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("links-{}", std::process::id()));
    let inside = folder.join("inside");
    fs::create_dir_all(&inside).unwrap();
    fs::write(folder.join("secret"), "s").unwrap();
    std::os::unix::fs::symlink(folder.join("secret"), inside.join("link")).unwrap();
    let text = r#"{ "version": 1, "name": "n", "rules": [{ "id": "r", "do": { "respond": { "status": 200, "body_file": "link" } } }] }"#;
    let diagnosis = Scenario::check("n.json", text.as_bytes(), Some(&inside)).unwrap_err();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(diagnosis.problems()[0].code, "E308", "{diagnosis}");
}

// ---- valid files ----

/// The valid files, and the shipped ones.
fn valid() -> Vec<PathBuf> {
    let shipped = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")).unwrap();
    files("valid").into_iter().chain(shipped.map(|entry| entry.unwrap().path())).collect()
}

#[test]
fn each_valid_file_loads() {
    for file in valid() {
        let text = fs::read(&file).unwrap();
        if let Err(diagnosis) = Scenario::check(file.to_str().unwrap(), &text, file.parent()) {
            panic!("{diagnosis}");
        }
    }
}

#[test]
fn the_valid_files_use_every_action_and_every_member() {
    let mut used = BTreeSet::new();
    for file in valid() {
        collect(&serde_json::from_slice(&fs::read(file).unwrap()).unwrap(), &mut used);
    }
    let mut known = BTreeSet::new();
    described(&cos_emu::schema(), &mut |name, _| {
        known.insert(name.to_owned());
    });
    let unused: Vec<_> = known.difference(&used).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

/// The names of all members of a document.
fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            names.insert(name.clone());
            collect(value, names);
        }),
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

// ---- the schema ----

/// Calls a function for each property of the objects that a schema defines.
fn described(schema: &Value, see: &mut impl FnMut(&str, &Value)) {
    match schema {
        Value::Object(members) => members.iter().for_each(|(name, value)| match (name.as_str(), value) {
            // The others are said of members that are described elsewhere.
            ("properties", Value::Object(properties)) if members.contains_key("additionalProperties") => {
                properties.iter().for_each(|(name, property)| {
                    see(name, property);
                    described(property, see);
                })
            }
            _ => described(value, see),
        }),
        Value::Array(items) => items.iter().for_each(|item| described(item, see)),
        _ => {}
    }
}

#[test]
fn every_field_of_the_schema_is_described() {
    let mut bare = BTreeSet::new();
    described(&cos_emu::schema(), &mut |name, property| {
        if property["description"].as_str().is_none_or(str::is_empty) {
            bare.insert(name.to_owned());
        }
    });
    assert!(bare.is_empty(), "{bare:?}");
}

#[test]
fn schema_and_loader_have_one_verdict() {
    let schema = cos_emu::schema();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    for file in valid() {
        let document = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let problem = schema.validate(&document).err().map(|error| error.to_string());
        assert_eq!(problem, None, "{}", file.display());
    }
    let mut accepted = Vec::new();
    for file in files("invalid") {
        let (code, _) = stem(&file).split_once('-').unwrap();
        // Not JSON at all, or JSON that a parser of documents does not tell from another.
        let Ok(document) = serde_json::from_slice(&fs::read(&file).unwrap()) else { continue };
        let is_beyond = BEYOND_A_SCHEMA.iter().any(|beyond| *beyond == code || *beyond == stem(&file));
        if schema.is_valid(&document) && !is_beyond {
            accepted.push(stem(&file).to_owned());
        }
    }
    assert_eq!(accepted, Vec::<String>::new());
}

/// Codes of what a schema cannot see: what stands elsewhere in the file, beside it on the disk, or in the table of
/// operations; and warnings. Of the other codes the files in which two values are compared, or the number in a text is
/// too large.
const BEYOND_A_SCHEMA: &[&str] = &[
    "E103",
    "E301",
    "E303",
    "E306",
    "E308",
    "E310",
    "W401",
    "W402",
    "E109-difference",
    "E109-duration",
    "E109-part",
    "E109-rate",
    "E109-size-with-unit",
    "E109-skew",
    "E204-attempt-bounds",
    "E204-count-bounds",
    "E204-must-fire-bounds",
    "E204-overrun-too-large",
    "E204-overrun-too-large-with-unit",
    "E204-part-range-backwards",
    "E204-range-bounds",
    "E204-rate-0",
    "E204-regex",
    "E204-regex-too-large",
    "E204-size-bounds",
    "E204-uniform-backwards",
    "E204-window-backwards",
];
