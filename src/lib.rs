//! cos-emu emulates Tencent Cloud COS (object storage, XML API) and CAS (archive storage, JSON API), and misbehaves
//! exactly as a scenario file says.
//!
//! The binary `cos-emu` is the usual way to use it. In a Rust test an emulator can also run inside the process:
//!
//! ```
//! use std::io::{Read, Write};
//!
//! use cos_emu::{Config, Emulator, Scenario};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let scenario = r#"{
//!     "version": 1,
//!     "name": "the first upload is cut",
//!     "rules": [{ "id": "cut", "when": { "op": "PutObject" }, "fire": { "first": 1 },
//!                 "do": { "reset": { "at": "upload", "offset": 3 } } }]
//! }"#;
//! let config = Config {
//!     listen: ([127, 0, 0, 1], 0).into(),
//!     scenario: Some(Scenario::parse("cut.json", scenario.as_bytes(), None)?),
//!     buckets: vec![("demo-1250000000".to_owned(), None)],
//!     ..Config::default()
//! };
//! let emulator = Emulator::start(config).await?;
//!
//! let mut client = std::net::TcpStream::connect(emulator.addr())?;
//! client.write_all(b"PUT /demo-1250000000/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")?;
//! let error = client.read_to_end(&mut Vec::new()).unwrap_err();
//! assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
//!
//! assert_eq!(emulator.journal()[0].received.bytes, 3);
//! assert!(emulator.verdict().holds, "the fault happened, and the client did nothing wrong");
//! emulator.stop().await;
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! How the code is laid out is in `ARCHITECTURE.md`.

#![warn(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]

mod cas;
mod chance;
pub mod cli;
mod clock;
mod code;
mod config;
mod content;
mod control;
mod cos;
mod coverage;
mod digest;
mod document;
mod furnish;
mod har;
mod journal;
mod judge;
mod message;
mod operation;
mod pattern;
mod policy;
mod scenario;
mod server;
mod signature;
mod spill;
mod store;
mod tally;
mod wire;
mod world;

pub use cas::{COVERAGE as CAS_COVERAGE, coverage_page as cas_coverage_page};
pub use chance::{InvalidSeed, Seed};
pub use clock::{Clock, Timestamp};
pub use code::{CasCode, CosCode};
pub use config::{Callbacks, Config};
pub use cos::{COVERAGE, coverage_page};
pub use coverage::Coverage;
pub use digest::tree as tree_hash;
pub use journal::{ActionRecord, Answer, CallbackRecord, Ended, Exchange, ReceivedBody, RuleRecord};
pub use judge::{Case, CommandEnd, Judgement, Outcome, Verdict};
pub use message::{Account, CasSettings, ContentRangeForm, EtagForm, InventoryFigures, ShortChunks};
pub use operation::{Emulation, Operation, Payload, Service};
pub use scenario::{ACTIONS, Diagnosis, Entry, Problem, Scenario, library, schema};
pub use server::{Emulator, StartError};
pub use signature::{AuthMode, Credentials, Secret};
pub use store::JobCompletion;

/// What `benches/` measures. No part of the interface.
#[doc(hidden)]
pub mod benching {
    pub use crate::chance::Identity;
    pub use crate::content::Content;
    pub use crate::digest::lanes::{Lane, absorb};
    pub use crate::digest::{Crc64, Hasher, Wanted, Witness, md5};
    pub use crate::message::{Context, Head, Query, Received, Version};
    pub use crate::operation::Names;
    pub use crate::scenario::{Counters, Facts, Index, MayFire, Span, decide, logical_request};
    pub use crate::signature::{ParameterForm, Verdict, check as check_signature};
    pub use crate::store::{Change, Etag, Metadata, Object, ObjectKind, Store, VersionId};

    pub mod cas {
        pub use crate::cas::{handle, route};
    }

    pub mod cos {
        pub use crate::cos::{document, handle, listed_parts, route};
    }
}

/// The parsers of untrusted bytes, for the targets of `fuzz/` and the test of their corpora. No part of the interface.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::chance::Identity;
    pub use crate::content::Content;
    pub use crate::digest::{Hasher, Wanted};
    pub use crate::message::{Context, Head, Query, Received, Version, signature_fields};
    pub use crate::signature::{ParameterForm, Refusal, Verdict, check};
    pub use crate::store::{Change, ChunkRange, Etag, Metadata, Object, ObjectKind, Store, VersionId};

    pub mod cas {
        pub use crate::cas::{handle, is_vault_path, route, settle, source};
    }

    pub mod cos {
        pub use crate::cos::{
            PostedForm, Site, document, host_form, listed_keys, listed_parts, parse_range, route,
        };
    }
}
