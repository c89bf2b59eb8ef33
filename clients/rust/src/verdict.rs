//! Whether the client coped.

use std::fmt;

use serde::Deserialize;

/// Whether the client coped, and where not. Its text says what failed and why: `assert!(verdict.holds, "{verdict}")`.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The name of the scenario.
    pub scenario: String,
    /// The seed with which all of it happens again, such as `0x114`.
    pub seed: String,
    /// Whether no case failed.
    pub holds: bool,
    /// How many exchanges were looked at.
    pub exchanges: u64,
    /// How many the journal no longer had.
    pub dropped: u64,
    /// What was looked at.
    pub cases: Vec<Case>,
}

/// One thing that has to hold.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Case {
    /// Its name, such as `rules/cut-part-3`, `requests[0]` or `V04`.
    pub name: String,
    /// What has to hold, in words.
    pub title: String,
    /// Whether it does.
    pub outcome: Outcome,
    /// Why it does not, or was not looked at.
    #[serde(default)]
    pub reasons: Vec<String>,
}

/// Whether a case holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It does.
    Passed,
    /// It does not.
    Failed,
    /// It could not be looked at.
    Skipped,
}

impl Verdict {
    /// The cases that do not hold.
    pub fn failed(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| case.outcome == Outcome::Failed)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { scenario, seed, exchanges, .. } = self;
        let coped = if self.holds { "coped" } else { "did not cope" };
        write!(f, "the client {coped} with \"{scenario}\" ({exchanges} exchanges, seed {seed})")?;
        for case in self.failed() {
            write!(f, "\n  {}: {}", case.name, case.title)?;
            case.reasons.iter().try_for_each(|reason| write!(f, "\n    {reason}"))?;
        }
        Ok(())
    }
}
