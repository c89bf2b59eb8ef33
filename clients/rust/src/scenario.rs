//! Scenarios as texts.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::Error;

/// A scenario: what to break, and what has to hold at the end. The server is who reads it, and says what is wrong with it.
///
/// It is made from a text, from a value (`json!({ … })`), or from a [file](Scenario::file).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario(String);

impl Scenario {
    /// The scenario in a file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        fs::read_to_string(path).map(Scenario).map_err(|source| Error::Io { path: path.to_owned(), source })
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Scenario {
    fn from(text: &str) -> Self {
        Scenario(text.to_owned())
    }
}

impl From<String> for Scenario {
    fn from(text: String) -> Self {
        Scenario(text)
    }
}

impl From<Value> for Scenario {
    fn from(value: Value) -> Self {
        Scenario(value.to_string())
    }
}
