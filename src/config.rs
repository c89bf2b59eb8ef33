//! The configuration of an emulator: a plain struct with defaults.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::chance::Seed;
use crate::clock::Clock;
use crate::message::{Account, EtagForm};
use crate::scenario::Scenario;
use crate::signature::{AuthMode, Credentials, Secret};

/// To whom the server opens connections of its own, which is only to tell of jobs that are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Callbacks {
    /// To addresses of this machine.
    #[default]
    Loopback,
    /// To every address.
    Any,
}

/// What an emulator starts with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens; port 0 is a free one.
    pub listen: SocketAddr,
    /// Where the control API listens, when not on the data port.
    pub control_listen: Option<SocketAddr>,
    /// Names that the control API answers to, beside addresses and names without a dot.
    pub control_hosts: Vec<String>,
    /// What who uses the control API has to know.
    pub control_token: Option<String>,
    /// The faults; `None` is none.
    pub scenario: Option<Scenario>,
    /// The seed, which goes before the scenario's. Without either one is drawn.
    pub seed: Option<Seed>,
    /// How strictly signatures are checked; `None` is what the scenario says, or [`AuthMode::Check`].
    pub auth: Option<AuthMode>,
    /// What an ETag is made of; `None` is what the scenario says, or MD5.
    pub etag: Option<EtagForm>,
    /// The known credentials.
    pub credentials: Credentials,
    /// The account.
    pub account: Account,
    /// Buckets that exist at the start: the name, and the region when not that of the account.
    pub buckets: Vec<(String, Option<String>)>,
    /// Vaults that exist at the start.
    pub vaults: Vec<String>,
    /// The most bytes of bodies that are kept in memory.
    pub max_memory_bytes: u64,
    /// The folder of the unnamed file for those beyond; `None` refuses them.
    pub spill_dir: Option<PathBuf>,
    /// The clock.
    pub clock: Clock,
    /// How long the head of a request may take.
    pub head_timeout: Duration,
    /// How long a connection may be idle between requests.
    pub idle_timeout: Duration,
    /// How long the body of a request may pause; `None` is what the scenario says, or 60 seconds.
    pub body_timeout: Option<Duration>,
    /// How many exchanges the journal remembers; 0 is no journal, and then a verdict looks at rules and objects alone.
    pub journal_capacity: usize,
    /// Where the CA of TLS is kept; `None` keeps it in memory.
    pub ca_dir: Option<PathBuf>,
    /// Another address to listen on. Each takes http and https, told apart by the first byte.
    pub tls_listen: Option<SocketAddr>,
    /// Who may be told that jobs are complete.
    pub callbacks: Callbacks,
    /// A file that is written when the server is ready.
    pub ready_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        let secret = Secret { key: "cosemu".to_owned(), token: None, uin: None };
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 3077)),
            control_listen: None,
            control_hosts: Vec::new(),
            control_token: None,
            scenario: None,
            seed: None,
            auth: None,
            etag: None,
            credentials: Credentials::from([("AKIDcosemu".to_owned(), secret)]),
            account: Account {
                appid: "1250000000".to_owned(),
                region: "ap-guangzhou".to_owned(),
                default_bucket: None,
                etag: EtagForm::default(),
                cas: Default::default(),
                jobs: Default::default(),
                redirect_hosts: Vec::new(),
            },
            buckets: Vec::new(),
            vaults: Vec::new(),
            max_memory_bytes: 1 << 30,
            spill_dir: Some(std::env::temp_dir()),
            clock: Clock::Real,
            head_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            body_timeout: None,
            journal_capacity: 10_000,
            ca_dir: None,
            tls_listen: None,
            callbacks: Callbacks::default(),
            ready_file: None,
        }
    }
}
