//! The commands about scenario files, and how a scenario is read.

use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

use super::arguments::Serve;
use super::{INVALID, complain, print};
use crate::journal::explained;
use crate::operation::{Group, Operation};
use crate::scenario::{Diagnosis, MAX_FILE_BYTES, Scenario, library};

/// Why there is no scenario.
pub(super) enum LoadError {
    Invalid(Diagnosis),
    Unreadable(String),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Invalid(diagnosis) => diagnosis.fmt(f),
            LoadError::Unreadable(reason) => write!(f, "error: {reason}"),
        }
    }
}

/// Where the scenario of a server comes from.
pub(super) enum Source {
    Nothing,
    Text(String),
    Named(String),
}

impl Source {
    pub(super) fn of(arguments: &Serve) -> Self {
        match (&arguments.scenario_json, &arguments.scenario) {
            (Some(text), _) => Source::Text(text.clone()),
            (None, Some(name)) => Source::Named(name.clone()),
            (None, None) => Source::Nothing,
        }
    }

    /// Reads the scenario, and prints the warnings about it.
    pub(super) fn load(&self) -> Result<Option<Scenario>, LoadError> {
        let (scenario, warnings) = match self {
            Source::Nothing => return Ok(None),
            Source::Text(text) => read_scenario("COS_EMU_SCENARIO_JSON", text.as_bytes(), None)?,
            Source::Named(name) => load_named(name)?,
        };
        if !warnings.problems().is_empty() {
            complain(&warnings.to_string());
        }
        Ok(Some(scenario))
    }

    /// Reads it once more.
    pub(super) fn reload(&self) -> Result<Scenario, LoadError> {
        let again = match self {
            Source::Named(name) if name == "-" => None,
            _ => self.load()?,
        };
        again.ok_or_else(|| LoadError::Unreadable("there is no scenario file to be read again".to_owned()))
    }
}

/// Reads a scenario by what names it: a file comes first, then a shipped name.
pub(super) fn load_named(name: &str) -> Result<(Scenario, Diagnosis), LoadError> {
    let unreadable = |error: std::io::Error| LoadError::Unreadable(format!("cannot read {name}: {error}"));
    if name == "-" {
        return read_scenario("<stdin>", &bounded(std::io::stdin().lock()).map_err(unreadable)?, None);
    }
    let path = Path::new(name);
    match (std::fs::File::open(path).and_then(bounded), library::find(name)) {
        (Ok(text), _) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            read_scenario(name, &text, Some(folder.unwrap_or(Path::new("."))))
        }
        (Err(_), Some(shipped)) => read_scenario(shipped.name, shipped.text.as_bytes(), None),
        (Err(error), None) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(LoadError::Unreadable(format!(
                "there is no file {name} and no shipped scenario of that name; `cos-emu scenarios` lists them"
            )))
        }
        (Err(error), None) => Err(unreadable(error)),
    }
}

/// Reads no more than what is enough to say that it is too much.
pub(super) fn bounded(input: impl std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    input.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

pub(super) fn read_scenario(
    name: &str,
    text: &[u8],
    folder: Option<&Path>,
) -> Result<(Scenario, Diagnosis), LoadError> {
    Scenario::check(name, text, folder).map_err(LoadError::Invalid)
}

pub(super) fn check(files: &[String], deny_warnings: bool) -> ExitCode {
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let mut status = ExitCode::SUCCESS;
    for file in files {
        match load_named(file) {
            Ok((scenario, warnings)) => {
                let name = &scenario.name;
                let rules = counted(scenario.rules.len() + scenario.connections.len(), "rule");
                let warned = warnings.problems().len();
                if warned == 0 {
                    print(&format!("{file}: valid, scenario \"{name}\", {rules}"));
                    continue;
                }
                complain(&format!("{warnings}\n"));
                let warned = counted(warned, "warning");
                if deny_warnings {
                    complain(&format!("{file}: {warned}, which --deny-warnings takes for errors"));
                    status = ExitCode::from(INVALID);
                } else {
                    print(&format!("{file}: valid, scenario \"{name}\", {rules}, {warned}"));
                }
            }
            Err(error) => {
                complain(&error.to_string());
                if let LoadError::Invalid(diagnosis) = error {
                    complain(&format!("\n{file}: {}", counted(diagnosis.problems().len(), "error")));
                }
                status = ExitCode::from(INVALID);
            }
        }
    }
    status
}

pub(super) fn list_operations() -> ExitCode {
    let width = Operation::ALL.iter().map(|operation| operation.name().len()).max().unwrap_or(0);
    for operation in Operation::ALL {
        let groups = Group::ALL.iter().filter(|(_, group)| operation.is_in(*group)).map(|(name, _)| *name);
        let groups = groups.filter(|name| *name != "@any").collect::<Vec<_>>().join(" ");
        print(&format!("{:width$}  {}  {groups}", operation.name(), operation.service()));
    }
    print("\n@any is every operation.");
    ExitCode::SUCCESS
}

pub(super) fn explain(file: &str) -> ExitCode {
    match load_named(file) {
        Ok((scenario, _)) => {
            crate::scenario::explain(&scenario).iter().for_each(|sentence| print(sentence));
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(INVALID)
        }
    }
}

pub(super) fn explain_journal(path: &Path) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    for (number, line) in (1..).zip(text.lines()) {
        match serde_json::from_str(line) {
            Ok(entry) => print(explained(&entry).trim_end()),
            Err(error) => {
                complain(&format!("{}:{number}: this is no entry of a journal: {error}", path.display()));
                return Ok(ExitCode::from(INVALID));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn scenarios(name: Option<&str>) -> anyhow::Result<ExitCode> {
    let Some(name) = name else {
        let width = library::ALL.iter().map(|shipped| shipped.name.len()).max().unwrap_or(0);
        for shipped in library::ALL {
            let scenario = Scenario::parse(shipped.name, shipped.text.as_bytes(), None)?;
            let note = scenario.note.unwrap_or_default();
            let sentence = note.split_inclusive(". ").next().unwrap_or_default().trim_end();
            print(&format!("{:width$}  {sentence}", shipped.name));
        }
        return Ok(ExitCode::SUCCESS);
    };
    match library::find(name) {
        Some(shipped) => {
            print(shipped.text.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        None => {
            complain(&format!(
                "error: there is no shipped scenario \"{name}\"; `cos-emu scenarios` lists them"
            ));
            Ok(ExitCode::from(INVALID))
        }
    }
}
