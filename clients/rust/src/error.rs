//! What can go wrong, in words that an assertion can print.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// What can go wrong. Its text says all that is known, also where a test prints it by `Debug`.
#[non_exhaustive]
pub enum Error {
    /// The server refused, and said why: an invalid scenario, an unknown world, an absent token.
    Problem(Problem),
    /// The server could not be asked, or did not answer in time.
    Unreachable {
        /// The method and the URL.
        asked: String,
        /// What became of it.
        source: Box<ureq::Error>,
    },
    /// The answer is none that the control API gives.
    Unexpected {
        /// The method and the URL.
        asked: String,
        /// What came, or what is wrong with it.
        came: String,
    },
    /// Fewer exchanges came than were waited for.
    TooFew {
        /// How many were waited for.
        wanted: usize,
        /// How many came.
        came: usize,
        /// How long they were waited for.
        waited: Duration,
    },
    /// The server ended before it was ready. What it printed says why: an invalid scenario, a wrong option.
    Ended {
        /// What was started.
        what: String,
        /// What it printed to standard error.
        printed: String,
    },
    /// The server did not become ready in time.
    NotReady {
        /// What was started, or the URL that was asked.
        what: String,
        /// How long it was waited.
        waited: Duration,
    },
    /// A file or a program could not be used.
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The container engine could not do what it was asked.
    #[cfg(feature = "testcontainers")]
    Container(testcontainers::TestcontainersError),
}

/// A refusal of the control API, as it comes (`application/problem+json`).
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Problem {
    /// The status of the answer.
    pub status: u16,
    /// The reason phrase of the status.
    pub title: String,
    /// What is wrong, in words; for a scenario each mistake with its line.
    pub detail: String,
    /// The mistakes in a scenario; of other problems there are none.
    #[serde(default)]
    pub errors: Vec<Finding>,
}

/// A mistake in a scenario.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The code, such as `E203`.
    pub code: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// Where in the document, such as `rules[0]`; empty at its top.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What may have been meant.
    pub hint: Option<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Problem(problem) => problem.fmt(f),
            Error::Unreachable { asked, source } => write!(f, "{asked}: {source}"),
            Error::Unexpected { asked, came } => write!(f, "{asked} was answered with {came}"),
            Error::TooFew { wanted, came, waited } => {
                write!(f, "{came} exchanges came in {waited:?}, not {wanted}")
            }
            Error::Ended { what, printed } => {
                write!(f, "{what} ended before it was ready:\n{}", printed.trim_end())
            }
            Error::NotReady { what, waited } => write!(f, "{what} was not ready after {waited:?}"),
            Error::Io { path, source } => write!(f, "{}: {source}", path.display()),
            #[cfg(feature = "testcontainers")]
            Error::Container(error) => error.fmt(f),
        }
    }
}

// What `unwrap` and a test that returns an error print: lines of a scenario are no good with their ends escaped.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Unreachable { source, .. } => Some(&**source),
            Error::Io { source, .. } => Some(source),
            #[cfg(feature = "testcontainers")]
            Error::Container(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.title, self.detail)?;
        // The detail of an invalid scenario has them already, with the lines of the file.
        let untold = self.errors.iter().filter(|finding| !self.detail.contains(&finding.message));
        untold.into_iter().try_for_each(|finding| write!(f, "\n{finding}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { code, line, column, path, message, hint } = self;
        write!(f, "{line}:{column}: {code}: ")?;
        if !path.is_empty() {
            write!(f, "{path}: ")?;
        }
        f.write_str(message)?;
        hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}

#[cfg(feature = "testcontainers")]
impl From<testcontainers::TestcontainersError> for Error {
    fn from(error: testcontainers::TestcontainersError) -> Self {
        Error::Container(error)
    }
}
