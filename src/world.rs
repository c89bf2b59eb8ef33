//! A world: all state of one scenario. Its rules and counters, its clock and journal, its buckets and vaults.
//!
//! A reset puts a new world in the place of the old one; nothing is cleared piece by piece. Exchanges that are under way
//! keep the world they began in.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::chance::Seed;
use crate::clock::{Clock, Timestamp};
use crate::config::Config;
use crate::journal::Journal;
use crate::message::Account;
use crate::scenario::{Counters, Scenario};
use crate::signature::{AuthMode, Credentials};
use crate::store::{Change, Store};

/// The id of the world of the command line.
pub const DEFAULT: &str = "default";

/// All state of one scenario.
#[derive(Debug)]
pub struct World {
    /// The rules.
    pub scenario: Scenario,
    /// The seed in use.
    pub seed: Seed,
    /// The clock.
    pub clock: Clock,
    /// The account.
    pub account: Account,
    /// How strictly signatures are checked.
    pub auth: AuthMode,
    /// The known credentials.
    pub credentials: Credentials,
    state: Mutex<State>,
    journal: Mutex<Journal>,
}

/// What changes with every request. Locked for a decision or a look, never across an await.
#[derive(Debug)]
pub struct State {
    /// Buckets and vaults.
    pub store: Store,
    /// Matches, firings and attempts.
    pub counters: Counters,
}

impl World {
    /// The world that a configuration describes, at its start.
    pub fn new(config: &Config, seed: Seed) -> Self {
        let scenario = config.scenario.clone().unwrap_or_else(Scenario::none);
        let now = config.clock.now();
        let mut account = config.account.clone();
        if account.default_bucket.is_none() {
            account.default_bucket = config.buckets.first().map(|(name, _)| name.clone());
        }
        World {
            state: Mutex::new(State {
                store: furnished(config, now),
                counters: Counters::new(scenario.rules.len(), now),
            }),
            journal: Mutex::new(Journal::new(config.journal_capacity)),
            scenario,
            seed,
            clock: config.clock,
            account,
            auth: config.auth,
            credentials: config.credentials.clone(),
        }
    }

    /// The store and the counters, for the time of a decision.
    pub fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere must not end every later request.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The journal.
    pub fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present time of this world.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// The store with what exists at the start.
fn furnished(config: &Config, now: Timestamp) -> Store {
    let mut store = Store::default();
    for (bucket, region) in &config.buckets {
        let region = region.as_ref().unwrap_or(&config.account.region).clone();
        store.apply(Change::CreateBucket { bucket: bucket.clone(), region, now });
    }
    for vault in &config.vaults {
        let region = config.account.region.clone();
        store.apply(Change::CreateVault { vault: vault.clone(), region, now });
    }
    store
}
