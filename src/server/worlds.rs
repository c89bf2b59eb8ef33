//! The worlds of a server, and which of them a request is for.
//!
//! Source: `scenarios.md` 11.1 and 16.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::message::Head;
use crate::scenario::Claim;
use crate::world::{DEFAULT, World};

/// The header that names a world.
pub(super) const HEADER: &str = "x-emu-scenario";

/// All worlds.
#[derive(Debug)]
pub(super) struct Worlds {
    default: Arc<World>,
    /// By the order in which they were made.
    others: BTreeMap<u64, Other>,
    made: u64,
    by_id: HashMap<String, u64>,
    /// By the access key that was made for a world.
    by_client: HashMap<String, u64>,
}

/// A world that was made at run time.
#[derive(Debug, Clone)]
pub(super) struct Other {
    pub(super) world: Arc<World>,
    /// Its own port, where it has one.
    pub(super) addr: Option<SocketAddr>,
    /// Ends what listens there, the connections that came there, and its exchanges that are under way elsewhere.
    pub(super) stop: CancellationToken,
}

/// The world that a request is for.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) world: Arc<World>,
    /// Is cancelled when the world is deleted; that of the command line cannot be.
    pub(super) stop: Option<CancellationToken>,
}

/// The id of a world that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnknownWorld(pub(super) String);

impl Worlds {
    pub(super) fn new(default: World) -> Self {
        Worlds {
            default: Arc::new(default),
            others: BTreeMap::new(),
            made: 0,
            by_id: HashMap::new(),
            by_client: HashMap::new(),
        }
    }

    /// The one of the command line.
    pub(super) fn default_world(&self) -> Arc<World> {
        self.default.clone()
    }

    /// All of them, the default one first.
    pub(super) fn all(&self) -> Vec<Arc<World>> {
        let others = self.others.values().map(|other| &other.world);
        std::iter::once(&self.default).chain(others).cloned().collect()
    }

    /// The one of that id.
    pub(super) fn find(&self, id: &str) -> Option<Arc<World>> {
        self.chosen(id).map(|chosen| chosen.world)
    }

    fn chosen(&self, id: &str) -> Option<Chosen> {
        if id == DEFAULT {
            return Some(Chosen { world: self.default.clone(), stop: None });
        }
        self.others.get(self.by_id.get(id)?).map(Other::chosen)
    }

    pub(super) fn add(&mut self, other: Other) {
        self.made += 1;
        self.by_id.insert(other.world.id.clone(), self.made);
        if let Some((client, _)) = &other.world.client {
            self.by_client.insert(client.clone(), self.made);
        }
        self.others.insert(self.made, other);
    }

    /// Puts a world in the place of the one of its id. Exchanges that are under way keep the old one.
    pub(super) fn replace(&mut self, world: World) {
        if world.id == DEFAULT {
            self.default = Arc::new(world);
        } else if let Some(other) = self.by_id.get(&world.id).and_then(|number| self.others.get_mut(number)) {
            other.world = Arc::new(world);
        }
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Other> {
        let other = self.others.remove(&self.by_id.remove(id)?)?;
        if let Some((client, _)) = &other.world.client {
            self.by_client.remove(client);
        }
        Some(other)
    }

    /// The world that a request is for: that of the port it came to, else the one that its header names, else the one
    /// that claims its access key, else the one that claims its bucket, else the default one.
    ///
    /// # Errors
    /// The world that is named is not there, or not any more.
    pub(super) fn choose(
        &self,
        head: &Head,
        of_port: Option<&str>,
        bucket: impl FnOnce() -> Option<String>,
    ) -> Result<Chosen, UnknownWorld> {
        if let Some(id) = of_port.or(head.header(HEADER)) {
            return self.chosen(id).ok_or_else(|| UnknownWorld(id.to_owned()));
        }
        let default = || Chosen { world: self.default.clone(), stop: None };
        if self.others.is_empty() {
            return Ok(default());
        }
        let claiming = |claims: &dyn Fn(&Claim) -> bool| {
            self.others.values().find(|other| claims(&other.world.scenario.claim)).map(Other::chosen)
        };
        if let Some(key) = head.access_key_id() {
            let made_for_it = self.by_client.get(key).and_then(|number| self.others.get(number));
            let by_key = made_for_it.map(Other::chosen).or_else(|| {
                claiming(&|claim| claim.client.as_ref().is_some_and(|claim| claim.matches(Some(key))))
            });
            if let Some(chosen) = by_key {
                return Ok(chosen);
            }
        }
        let claims_buckets = |other: &Other| other.world.scenario.claim.bucket.is_some();
        let bucket = if self.others.values().any(claims_buckets) { bucket() } else { None };
        let by_bucket = bucket.and_then(|bucket| {
            claiming(&|claim| claim.bucket.as_ref().is_some_and(|claim| claim.matches(Some(&bucket))))
        });
        Ok(by_bucket.unwrap_or_else(default))
    }
}

impl Other {
    fn chosen(&self) -> Chosen {
        Chosen { world: self.world.clone(), stop: Some(self.stop.clone()) }
    }
}
