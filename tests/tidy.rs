//! Rules of the house that a compiler does not hold: who may use whom, what is documented, what is tested.

#[path = "operations/rows.rs"]
mod rows;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cos_emu::{COVERAGE, Emulation, Operation, library};

/// Which modules of the crate a module may use. `server` and `lib` may use everything.
const MAY_USE: &[(&str, &[&str])] = &[
    (
        "cli",
        &["chance", "config", "journal", "judge", "message", "operation", "scenario", "server", "signature"],
    ),
    ("control", &["clock", "har", "journal", "message", "scenario", "tally", "world"]),
    (
        "world",
        &[
            "chance",
            "clock",
            "config",
            "furnish",
            "journal",
            "judge",
            "message",
            "scenario",
            "signature",
            "store",
            "tally",
        ],
    ),
    ("tally", &["operation"]),
    ("furnish", &["chance", "clock", "config", "content", "digest", "message", "scenario", "store"]),
    ("config", &["chance", "clock", "message", "scenario", "signature"]),
    (
        "cos",
        &[
            "chance",
            "clock",
            "code",
            "content",
            "coverage",
            "digest",
            "document",
            "message",
            "operation",
            "pattern",
            "policy",
            "signature",
            "store",
        ],
    ),
    (
        "cas",
        &[
            "clock",
            "code",
            "content",
            "coverage",
            "digest",
            "message",
            "operation",
            "pattern",
            "policy",
            "signature",
            "store",
        ],
    ),
    ("coverage", &["operation"]),
    ("policy", &["message", "pattern"]),
    ("wire", &["chance", "content", "message", "scenario"]),
    ("scenario", &["chance", "clock", "code", "digest", "message", "operation", "signature"]),
    ("signature", &["clock", "digest", "message"]),
    ("message", &["chance", "clock", "content", "digest", "store"]),
    ("store", &["clock", "content", "digest", "document"]),
    ("har", &["journal", "message"]),
    ("judge", &["clock", "digest", "journal", "operation", "scenario", "store"]),
    ("journal", &["clock", "digest", "message", "operation"]),
    ("code", &["operation"]),
    ("operation", &[]),
    ("content", &["spill"]),
    ("spill", &[]),
    ("document", &[]),
    ("pattern", &[]),
    ("digest", &["content"]),
    ("chance", &[]),
    ("clock", &[]),
];

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = repository().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file below `src`, with its path from there.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = repository().join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The top module that a file of `src` belongs to.
fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The code without its unit tests, which may use more.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap()
        .split("#[cfg(test)]\npub(crate) mod tests")
        .next()
        .unwrap()
}

/// The top modules that a text names behind `crate::`.
fn used(text: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, _) in text.match_indices("crate::").filter(|(at, _)| !text[..*at].ends_with('$')) {
        let rest = &text[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap().split(',').map(str::trim).collect(),
            None => vec![rest],
        };
        for name in names {
            let name: String =
                name.chars().take_while(|char| char.is_ascii_lowercase() || *char == '_').collect();
            used.insert(name);
        }
    }
    used.remove("");
    used
}

#[test]
fn modules_depend_downwards_only() {
    for (file, text) in sources() {
        let module = module_of(&file);
        // A file of unit tests may use more as well.
        if matches!(module, "server" | "lib" | "main") || file.ends_with("/tests.rs") {
            continue;
        }
        let (_, allowed) = MAY_USE.iter().find(|(name, _)| *name == module).unwrap_or_else(|| {
            panic!("src/{file}: the module {module} is not in the table of tests/tidy.rs and ARCHITECTURE.md")
        });
        for name in used(without_tests(&text)) {
            assert!(
                name == module || allowed.contains(&name.as_str()),
                "src/{file}: {module} may not use {name}"
            );
        }
    }
}

#[test]
fn the_table_of_architecture_is_this_one() {
    let page = read("ARCHITECTURE.md");
    for (module, allowed) in MAY_USE {
        let list = match allowed {
            [] => "nothing".to_owned(),
            _ => allowed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        };
        let row = format!("| `{module}` | {list} |");
        assert!(page.contains(&row), "ARCHITECTURE.md lacks the row {row}");
    }
}

#[test]
fn only_the_server_touches_tokio_and_hyper() {
    for (file, text) in sources().iter().filter(|(file, _)| module_of(file) != "server") {
        for name in ["tokio::", "hyper::", "hyper_util::", "socket2::"] {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>();
            assert!(!code.iter().any(|line| line.contains(name)), "src/{file} names {name}");
        }
    }
}

#[test]
fn unsafe_code_is_the_query_of_the_send_queue_and_the_use_of_wide_registers() {
    for (file, text) in sources() {
        let count = text.matches("unsafe {").count();
        let is_argued = file == "server/stream.rs" || file == "digest/lanes.rs";
        assert_eq!(count, usize::from(is_argued), "src/{file}");
    }
}

#[test]
fn every_module_opens_with_what_it_is_for() {
    for (file, text) in sources() {
        assert!(text.starts_with("//! "), "src/{file} does not open with a description");
    }
}

#[test]
fn every_action_has_a_test_on_the_raw_socket() {
    let rules = read("src/scenario/rule.rs");
    let names = rules
        .split("pub fn name(&self) -> &'static str {")
        .nth(1)
        .unwrap()
        .split("\n    }\n")
        .next()
        .unwrap();
    let actions: Vec<&str> = names.split('"').skip(1).step_by(2).collect();
    assert!(actions.len() >= 15, "{actions:?}");
    let tests = read("tests/faults.rs");
    for action in actions {
        assert!(
            tests.contains(&format!("\nfn {action}_")),
            "no test of tests/faults.rs starts with {action}_"
        );
    }
}

#[test]
fn every_shipped_scenario_has_a_test_and_a_line_in_the_readme() {
    let files = ["main", "lost_answers", "connections", "service"];
    let tests: String = files.iter().map(|file| read(format!("tests/scenarios/{file}.rs"))).collect();
    let readme = read("README.md");
    for shipped in library::ALL {
        let name = shipped.name.replace('-', "_");
        assert!(tests.contains(&format!("\nfn {name}()")), "{name} has no test in tests/scenarios");
        assert!(readme.contains(&format!("`{}`", shipped.name)), "{} is not in README.md", shipped.name);
    }
}

#[test]
fn every_emulated_operation_is_in_the_docs() {
    let docs = read("README.md") + &read("docs/cos.md") + &read("docs/cas.md");
    for operation in Operation::ALL.iter().filter(|operation| operation.emulation() == Emulation::Built) {
        assert!(
            docs.contains(operation.name()),
            "{operation} is neither in README.md nor in docs/cos.md nor in docs/cas.md"
        );
    }
}

/// Counted from the table of operations: a success of each that is built, and each error that is listed for it.
#[test]
fn every_operation_of_cos_and_each_of_its_errors_has_a_row() {
    let mut rows: BTreeSet<String> = BTreeSet::new();
    rows::of_all(&mut |op, _, _| assert!(rows.insert(op.to_owned()), "{op} has two rows"));
    let built = COVERAGE.iter().filter(|row| row.operation.emulation() == Emulation::Built);
    let built: BTreeSet<String> = built.map(|row| row.operation.name().to_owned()).collect();
    assert_eq!(rows, built);
    // What `tests/operations` meets an error by: a row of its own, a change of the request that succeeds, or nothing put before.
    let (changes, rows) = (read("tests/operations/main.rs"), read("tests/operations/errors.rs"));
    let rows: String = rows.split_whitespace().collect();
    let is_absence = |op: &str, code: &str| {
        let says_so = code.contains("NoSuch") || code.contains("NotFound");
        says_so && ["Get", "Delete"].iter().any(|verb| op.starts_with(verb))
    };
    for row in COVERAGE {
        let mut codes: Vec<_> = row.codes().collect();
        let listed = codes.len();
        codes.sort_by_key(|code| code.name());
        codes.dedup();
        assert_eq!(codes.len(), listed, "{} lists an error twice", row.operation);
        assert!(listed > 0, "{} lists no error", row.operation);
        for code in codes {
            let (op, code) = (row.operation.name(), code.name());
            let has_row = rows.contains(&format!("special(\"{op}\",\"{code}\""));
            let is_met = has_row || changes.contains(&format!("\"{code}\"")) || is_absence(op, code);
            assert!(is_met, "nothing in tests/operations meets {code} of {op}");
        }
    }
}

#[test]
fn every_option_of_the_command_line_is_in_the_readme() {
    let (cli, readme) = (read("src/cli/arguments.rs"), read("README.md"));
    for env in cli.split("env = \"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let option = env.trim_start_matches("COS_EMU_").to_lowercase().replace('_', "-");
        assert!(readme.contains(&format!("`--{option}")), "--{option} is not in README.md");
    }
}
