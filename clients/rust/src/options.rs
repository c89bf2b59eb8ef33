//! The options of a server that is to be started.

use std::collections::BTreeMap;
use std::fmt;

use crate::Scenario;

/// What a server is started with. Without any it breaks nothing and has no bucket.
///
/// An option of the command line, such as `--max-memory`, is a variable of the environment too, here
/// `COS_EMU_MAX_MEMORY`; a process and a container are handed the same ones.
#[derive(Debug, Clone, Default)]
pub struct Options {
    variables: BTreeMap<String, String>,
}

/// How strictly signatures are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// They are ignored.
    Off,
    /// That of a known key is verified; an unknown key, or none, is let pass.
    Check,
    /// As the real service does.
    Strict,
}

impl Options {
    /// None yet.
    pub fn new() -> Self {
        Options::default()
    }

    /// Breaks what this scenario says.
    pub fn scenario(mut self, scenario: impl Into<Scenario>) -> Self {
        self.variables.remove("COS_EMU_SCENARIO");
        self.option("scenario-json", scenario.into().text())
    }

    /// Breaks what the scenario says that the server ships under this name, such as `flaky`.
    pub fn shipped(mut self, name: &str) -> Self {
        self.variables.remove("COS_EMU_SCENARIO_JSON");
        self.option("scenario", name)
    }

    /// Has this bucket at the start: `NAME-APPID`, or `NAME-APPID@REGION`.
    pub fn bucket(self, name: &str) -> Self {
        self.one_more("bucket", name)
    }

    /// Has this vault of CAS at the start.
    pub fn vault(self, name: &str) -> Self {
        self.one_more("vault", name)
    }

    /// Knows this access key. The first one takes the place of `AKIDcosemu` with the key `cosemu`.
    pub fn credential(self, id: &str, key: &str) -> Self {
        self.one_more("credential", &format!("{id}:{key}"))
    }

    /// Knows this access key, with the token of temporary ones.
    pub fn credential_with_token(self, id: &str, key: &str, token: &str) -> Self {
        self.one_more("credential", &format!("{id}:{key}:{token}"))
    }

    /// The seed of all chance: a number, or a text such as `"0x114"`. Goes before that of the scenario.
    pub fn seed(self, seed: impl fmt::Display) -> Self {
        self.option("seed", seed)
    }

    /// How strictly signatures are checked. Goes before what the scenario says.
    pub fn auth(self, auth: Auth) -> Self {
        let mode = match auth {
            Auth::Off => "off",
            Auth::Check => "check",
            Auth::Strict => "strict",
        };
        self.option("auth", mode)
    }

    /// Sets any other option by its name on the command line, such as `max-memory`. One that can be repeated takes several values
    /// with commas between them.
    pub fn option(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.variables.insert(variable(name), value.to_string());
        self
    }

    fn one_more(mut self, name: &str, value: &str) -> Self {
        let values = self.variables.entry(variable(name)).or_default();
        if !values.is_empty() {
            values.push(',');
        }
        values.push_str(value);
        self
    }

    /// The variables of the environment that say the same.
    pub(crate) fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// The token that the control API will want.
    pub(crate) fn control_token(&self) -> Option<&str> {
        self.variables.get("COS_EMU_CONTROL_TOKEN").map(String::as_str)
    }
}

fn variable(option: &str) -> String {
    format!("COS_EMU_{}", option.to_ascii_uppercase().replace('-', "_"))
}
