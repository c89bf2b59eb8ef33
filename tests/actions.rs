//! `docs/actions.md` is generated from the table that the loader reads actions by: a page that differs is a failure.
//! `COS_EMU_BLESS=1 cargo test --test actions` writes it.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use cos_emu::ACTIONS;
use serde_json::Value;

fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// The values that a field takes, in short.
fn values(schema: &Value) -> String {
    if let Some(names) = schema["enum"].as_array().filter(|names| names.len() <= 8) {
        return names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    }
    match schema["type"].as_str() {
        Some("boolean") => "`true`, `false`".to_owned(),
        Some("object") => "an object".to_owned(),
        Some("array") => "an array".to_owned(),
        Some("integer" | "number") => "a number".to_owned(),
        _ => String::new(),
    }
}

/// The rows of the fields of an action; of a short form beside its object, the object.
fn fields(schema: &Value) -> String {
    let object =
        schema["anyOf"].as_array().and_then(|forms| forms.iter().find(|form| form["type"] == "object"));
    let object = object.unwrap_or(schema);
    let required: Vec<&str> =
        object["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let mut rows = String::new();
    for (name, field) in object["properties"].as_object().unwrap().iter().filter(|(name, _)| *name != "note")
    {
        let description = field["description"].as_str().unwrap();
        assert!(!description.is_empty(), "{name} has no description");
        let values = values(field);
        let values = if values.is_empty() { values } else { format!(" ({values})") };
        let needed = if required.contains(&name.as_str()) { "required" } else { "" };
        writeln!(rows, "| `{name}` | {needed} | {description}{} |", values.replace('|', "\\|")).unwrap();
    }
    rows
}

fn page() -> String {
    let tests = fs::read_to_string(path("tests/faults.rs")).unwrap();
    let tests: Vec<&str> =
        tests.lines().filter_map(|line| line.strip_prefix("fn ")?.strip_suffix("() {")).collect();
    let mut page = String::from(
        "# Actions\n\nWhat `do` of a rule can hold, in the order of the language: endings, of which one takes effect, then modifiers, \
         which add up. Generated from the table that reads them; the tests are those of `tests/faults.rs`.\n",
    );
    for entry in ACTIONS {
        let start = format!("{}_", entry.name);
        // `error_in_200_…` is no test of `error`.
        let longer = ACTIONS.iter().filter(|other| other.name.starts_with(&start));
        let longer: Vec<String> = longer.map(|other| format!("{}_", other.name)).collect();
        let proofs = tests.iter().filter(|test| {
            test.starts_with(&start) && !longer.iter().any(|longer| test.starts_with(longer.as_str()))
        });
        let proofs: Vec<String> = proofs.map(|test| format!("- `{test}`")).collect();
        assert!(!proofs.is_empty(), "no test of {}", entry.name);
        let fields = fields(&entry.schema());
        let (name, effect, proofs) = (entry.name, entry.effect, proofs.join("\n"));
        write!(
            page,
            "\n## `{name}`\n\n{effect}\n\n| field | | |\n| --- | --- | --- |\n{fields}\nProven by\n{proofs}\n"
        )
        .unwrap();
    }
    page
}

#[test]
fn the_page_of_actions_is_what_the_table_says() {
    let (page, file) = (page(), path("docs/actions.md"));
    if std::env::var("COS_EMU_BLESS").is_ok_and(|value| value == "1") {
        fs::write(&file, &page).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "docs/actions.md is not what the table says: COS_EMU_BLESS=1 cargo test --test actions"
    );
}
