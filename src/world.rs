//! A world: all state of one scenario. Its rules and counters, its clock and journal, its buckets and vaults.
//!
//! A reset puts a new world in the place of the old one; nothing is cleared piece by piece. Exchanges that are under way
//! keep the world they began in. A reload keeps what is stored and starts everything else again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::chance::Seed;
use crate::clock::{Clock, Timestamp};
use crate::config::Config;
use crate::furnish::furnish;
use crate::journal::{Exchange, Journal};
use crate::judge::{CommandEnd, Evidence, Judgement, Stock, judge};
use crate::message::Account;
use crate::scenario::{
    Action, ClockSetting, Count, Counters, Expiry, Index, Limiter, Phases, Readiness, Scenario,
};
use crate::signature::{AuthMode, Credentials, Secret, without_port};
use crate::store::{JobCompletion, Store, Veils};
use crate::tally::Tally;

/// The id of the world of the command line.
pub const DEFAULT: &str = "default";

/// All state of one scenario.
#[derive(Debug)]
pub struct World {
    /// Its id.
    pub id: String,
    /// The access key pair that was made for it.
    pub client: Option<(String, String)>,
    /// The rules.
    pub scenario: Scenario,
    /// Which rules a request can match at all.
    pub index: Index,
    /// The seed in use.
    pub seed: Seed,
    clock: Mutex<Clock>,
    /// When somebody looks what has become due.
    waking: Mutex<Option<Timestamp>>,
    /// The account.
    pub account: Account,
    /// How strictly signatures are checked.
    pub auth: AuthMode,
    /// The known credentials.
    pub credentials: Credentials,
    /// When credentials stop being good, by id.
    expiries: HashMap<String, Expiry>,
    /// When it became active, by its own clock.
    began: Timestamp,
    /// When it became active, counted from the start of the server.
    began_after: Duration,
    state: Arc<Mutex<State>>,
    /// Whether exchanges are journalled.
    pub keeps_journal: bool,
}

/// What changes with every request. Locked for a decision or a look, never across an await.
#[derive(Debug)]
pub struct State {
    /// What happened.
    pub journal: Journal,
    /// Buckets and vaults.
    pub store: Store,
    /// Writes that are not seen yet.
    pub veils: Veils,
    /// Matches, firings and attempts.
    pub counters: Counters,
    /// The current state.
    pub phases: Phases,
    /// Rate limits.
    pub limiter: Limiter,
    /// How often credentials were used that stop being good after a number of requests.
    pub uses: Uses,
    /// What has happened, in numbers.
    pub tally: Tally,
}

/// What tells a world from the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Its id.
    pub id: String,
    /// The access key pair that was made for it.
    pub client: Option<(String, String)>,
}

impl Default for Name {
    fn default() -> Self {
        Name { id: DEFAULT.to_owned(), client: None }
    }
}

/// Uses of credentials by id.
pub type Uses = HashMap<String, u32>;

impl World {
    /// The world of a configuration and a scenario, at its start; `uptime` is how long the server has been running.
    pub fn new(config: &Config, scenario: Scenario, seed: Seed, uptime: Duration, name: Name) -> Self {
        let clock = clock(config, &scenario);
        let account = account(config, &scenario);
        let mut store = Store::default();
        furnish(&mut store, config, &scenario.setup, &account, seed, clock.now());
        let journal = Journal::new(config.journal_capacity);
        let state = Arc::new(Mutex::new(State::new(store, journal, &scenario)));
        World::over(config, scenario, seed, uptime, state, name)
    }

    /// The world that goes on with what is stored and journalled in this one, under another scenario. What the new one
    /// has in its setup and is not there yet is made.
    pub fn reloaded(&self, config: &Config, scenario: Scenario, seed: Seed, uptime: Duration) -> Self {
        let clock = clock(config, &scenario);
        let account = account(config, &scenario);
        {
            let mut state = self.state();
            furnish(&mut state.store, config, &scenario.setup, &account, seed, clock.now());
            let (store, journal) = (std::mem::take(&mut state.store), std::mem::take(&mut state.journal));
            *state = State::new(store, journal, &scenario);
        }
        World::over(config, scenario, seed, uptime, self.state.clone(), self.name())
    }

    fn over(
        config: &Config,
        scenario: Scenario,
        seed: Seed,
        uptime: Duration,
        state: Arc<Mutex<State>>,
        Name { id, client }: Name,
    ) -> Self {
        let mut credentials = config.credentials.clone();
        if let Some((id, key)) = &client {
            credentials.insert(id.clone(), Secret { key: key.clone(), token: None, uin: None });
        }
        let mut expiries = HashMap::new();
        for credential in &scenario.setup.credentials {
            let secret = Secret {
                key: credential.key.clone(),
                token: credential.token.clone(),
                uin: credential.uin.clone(),
            };
            credentials.insert(credential.id.clone(), secret);
            expiries.extend(credential.expires.map(|expires| (credential.id.clone(), expires)));
        }
        let clock = clock(config, &scenario);
        World {
            id,
            client,
            index: Index::new(&scenario.rules),
            account: account(config, &scenario),
            auth: config.auth.or(scenario.server.auth).unwrap_or_default(),
            began: clock.now(),
            began_after: uptime,
            scenario,
            seed,
            clock: Mutex::new(clock),
            waking: Mutex::default(),
            credentials,
            expiries,
            state,
            keeps_journal: config.journal_capacity > 0,
        }
    }

    /// The world as it was at its start, under the same id and seed.
    pub fn reset(&self, config: &Config, uptime: Duration) -> Self {
        World::new(config, self.scenario.clone(), self.seed, uptime, self.name())
    }

    fn name(&self) -> Name {
        Name { id: self.id.clone(), client: self.client.clone() }
    }

    /// The clock.
    pub fn clock(&self) -> Clock {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the clock. Jobs, uploads, tokens and signatures follow at once.
    pub fn set_clock(&self, clock: Clock) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = clock;
    }

    /// Matches and firings of each rule, then of each rule for connections.
    pub fn counts(&self) -> Vec<Count> {
        let state = self.state();
        [state.counters.totals(), state.counters.connections()].concat()
    }

    /// Judges what has happened so far; `command` is how the command of `exec` ended.
    pub fn judge(&self, command: Option<CommandEnd>) -> Judgement {
        let (entries, dropped) = {
            let journal = &self.state().journal;
            (journal.entries(0, usize::MAX).cloned().collect::<Vec<_>>(), journal.dropped())
        };
        let exchanges: Vec<_> = entries.iter().map(|entry| entry.told(&self.id)).collect();
        let (stock, requests) = {
            let state = self.state();
            let stock = Stock::of(&state.store, &self.scenario, &exchanges, self.now());
            (stock, state.counters.expected().to_vec())
        };
        let verdict = judge(&Evidence {
            scenario: &self.scenario,
            seed: self.seed.to_string(),
            counts: self.counts(),
            requests,
            exchanges: exchanges.iter().collect(),
            dropped,
            stock,
            command,
        });
        Judgement { verdict, exchanges }
    }

    /// The store and the counters, for the time of a decision.
    pub fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere must not end every later request.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The exchanges with a number of at least `from`, at most `limit`, as far as the journal remembers them.
    pub fn exchanges(&self, from: u64, limit: usize) -> Vec<Exchange> {
        // They are told behind the lock, which every request takes.
        let entries: Vec<_> = self.state().journal.entries(from, limit).cloned().collect();
        entries.iter().map(|entry| entry.told(&self.id)).collect()
    }

    /// Whether it goes on with the journal of that world: after a reload, but not after a reset.
    pub fn continues_journal_of(&self, other: &World) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }

    /// Says that somebody will look at that time. Returns whether that is needed: whether nobody does before.
    pub fn wakes_at(&self, time: Timestamp) -> bool {
        let mut waking = self.waking.lock().unwrap_or_else(PoisonError::into_inner);
        let needed = waking.is_none_or(|earlier| time < earlier);
        if needed {
            *waking = Some(time);
        }
        needed
    }

    /// Says that somebody is looking who was to look at that time.
    pub fn woke(&self, time: Timestamp) {
        self.waking.lock().unwrap_or_else(PoisonError::into_inner).take_if(|waking| *waking == time);
    }

    /// The present time of this world.
    pub fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// How long it has been active when the server has been running for `uptime`.
    pub fn elapsed(&self, uptime: Duration) -> Duration {
        uptime.saturating_sub(self.began_after)
    }

    /// Whether a credential has stopped being good. Counts its use.
    pub fn has_expired(&self, id: &str, uses: &mut Uses) -> bool {
        match self.expiries.get(id) {
            None => false,
            Some(Expiry::After(after)) => self.now().since(self.began) >= *after,
            Some(Expiry::Requests(requests)) => {
                let uses = uses.entry(id.to_owned()).or_default();
                *uses = uses.saturating_add(1);
                *uses > *requests
            }
        }
    }
}

impl State {
    fn new(store: Store, journal: Journal, scenario: &Scenario) -> Self {
        State {
            journal,
            store,
            veils: Veils::default(),
            counters: Counters::new(scenario.rules.len(), scenario.connections.len()),
            phases: Phases::new(scenario.states.as_ref()),
            limiter: Limiter::new(scenario.server.rate_limits.len()),
            uses: HashMap::new(),
            tally: Tally::default(),
        }
    }
}

fn clock(config: &Config, scenario: &Scenario) -> Clock {
    match scenario.server.clock {
        None => config.clock,
        Some(ClockSetting::Skew(milliseconds)) => Clock::Skewed(milliseconds),
        Some(ClockSetting::Freeze(at)) => Clock::Frozen(at),
    }
}

fn account(config: &Config, scenario: &Scenario) -> Account {
    let mut account = config.account.clone();
    let named = config.buckets.iter().map(|(name, _)| name);
    let set_up = scenario.setup.buckets.iter().map(|(name, _)| name);
    if account.default_bucket.is_none() {
        account.default_bucket = named.chain(set_up).next().cloned();
    }
    account.etag = config.etag.or(scenario.server.etag).unwrap_or_default();
    account.cas = scenario.server.cas.unwrap_or(account.cas);
    account.jobs = match scenario.server.jobs {
        None => account.jobs,
        Some(Readiness::Immediately) => JobCompletion::Immediately,
        Some(Readiness::After(after)) => JobCompletion::After(after),
        Some(Readiness::AfterDescribes(describes)) => JobCompletion::AfterDescribes(describes),
        Some(Readiness::Either(after, describes)) => JobCompletion::Either(after, describes),
    };
    let actions = scenario.rules.iter().flat_map(|rule| &rule.actions);
    account.redirect_hosts = actions
        .filter_map(|action| match action {
            Action::Redirect { to, .. } => {
                let host = to.split_once("://").map_or(to.as_str(), |(_, host)| host);
                Some(without_port(host).to_ascii_lowercase())
            }
            _ => None,
        })
        .collect();
    account
}
