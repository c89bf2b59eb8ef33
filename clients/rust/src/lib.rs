//! Starts cos-emu from tests, and asks it what happened.
//!
//! cos-emu emulates Tencent COS and CAS and breaks requests exactly where a scenario says. A [`Process`] runs its binary, a
#![cfg_attr(feature = "testcontainers", doc = "[`Container`]")]
#![cfg_attr(not(feature = "testcontainers"), doc = "`Container`")]
//! (feature `testcontainers`) its image; both take [`Options`], both end what they started when they are dropped, and
//! both are a [`Client`], which also connects to a server that runs already. Through it a test makes each its own
//! [`World`], reads the journal, sets the clock, and asks for the [`Verdict`].
//!
//! ```no_run
//! use cos_emu_client::{Options, Process};
//!
//! # fn upload(_to: &str) {}
//! let server = Process::start(Options::new().shipped("reset-mid-upload").bucket("demo-1250000000"))?;
//! upload(server.endpoint());
//! let verdict = server.default_world()?.verdict()?;
//! assert!(verdict.holds, "{verdict}");
//! # Ok::<(), cos_emu_client::Error>(())
//! ```
//!
//! All calls block. From asynchronous code they are made in a thread of their own, such as `tokio::task::spawn_blocking`.

#![warn(missing_docs)]

mod client;
#[cfg(feature = "testcontainers")]
mod container;
mod counts;
mod error;
mod journal;
mod options;
mod process;
mod scenario;
mod verdict;
mod world;

pub use client::Client;
#[cfg(feature = "testcontainers")]
pub use container::{Container, CosEmu, PORT};
pub use counts::{Count, Counts, MustFire};
pub use error::{Error, Finding, Problem};
pub use journal::{Action, Answer, Exchange, Filter, Page, Received, Rule};
pub use options::{Auth, Options};
pub use process::Process;
pub use scenario::Scenario;
#[cfg(feature = "testcontainers")]
pub use testcontainers;
pub use verdict::{Case, Outcome, Verdict};
pub use world::{AccessKey, Clock, Skew, World};
