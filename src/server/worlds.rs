//! The worlds of a server, and which of them a request is for.
//!
//! Source: `scenarios.md` 11.1 and 16.

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
    others: Vec<Other>,
}

/// A world that was made at run time.
#[derive(Debug, Clone)]
pub(super) struct Other {
    pub(super) world: Arc<World>,
    /// Its own port, where it has one.
    pub(super) addr: Option<SocketAddr>,
    /// Ends what listens there, and the connections that came there.
    pub(super) stop: CancellationToken,
}

/// The id of a world that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnknownWorld(pub(super) String);

impl Worlds {
    pub(super) fn new(default: World) -> Self {
        Worlds { default: Arc::new(default), others: Vec::new() }
    }

    /// The one of the command line.
    pub(super) fn default_world(&self) -> Arc<World> {
        self.default.clone()
    }

    /// All of them, the default one first.
    pub(super) fn all(&self) -> Vec<Arc<World>> {
        std::iter::once(&self.default).chain(self.others.iter().map(|other| &other.world)).cloned().collect()
    }

    /// The one of that id.
    pub(super) fn find(&self, id: &str) -> Option<Arc<World>> {
        if id == DEFAULT {
            Some(self.default.clone())
        } else {
            self.other(id).map(|other| other.world.clone())
        }
    }

    /// The one of that id, if it was made at run time.
    pub(super) fn other(&self, id: &str) -> Option<&Other> {
        self.others.iter().find(|other| other.world.id == id)
    }

    pub(super) fn add(&mut self, other: Other) {
        self.others.push(other);
    }

    /// Puts a world in the place of the one of its id. Exchanges that are under way keep the old one.
    pub(super) fn replace(&mut self, world: World) {
        if world.id == DEFAULT {
            self.default = Arc::new(world);
        } else if let Some(other) = self.others.iter_mut().find(|other| other.world.id == world.id) {
            other.world = Arc::new(world);
        }
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Other> {
        let index = self.others.iter().position(|other| other.world.id == id)?;
        Some(self.others.remove(index))
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
    ) -> Result<Arc<World>, UnknownWorld> {
        if let Some(id) = of_port.or(head.header(HEADER)) {
            return self.find(id).ok_or_else(|| UnknownWorld(id.to_owned()));
        }
        if self.others.is_empty() {
            return Ok(self.default.clone());
        }
        let claiming = |claims: &dyn Fn(&World) -> bool| {
            self.others.iter().map(|other| &other.world).find(|world| claims(world)).cloned()
        };
        let key = head.access_key_id();
        let by_key = key.and_then(|key| {
            claiming(&|world| {
                let own = world.client.as_ref().is_some_and(|(id, _)| id == key);
                own || world.scenario.claim.client.as_ref().is_some_and(|claim| claim.matches(Some(key)))
            })
        });
        if let Some(world) = by_key {
            return Ok(world);
        }
        let claims_buckets = |other: &Other| other.world.scenario.claim.bucket.is_some();
        let bucket = if self.others.iter().any(claims_buckets) { bucket() } else { None };
        let by_bucket = bucket.and_then(|bucket| {
            claiming(&|world| {
                let Claim { bucket: claim, .. } = &world.scenario.claim;
                claim.as_ref().is_some_and(|claim| claim.matches(Some(&bucket)))
            })
        });
        Ok(by_bucket.unwrap_or_else(|| self.default.clone()))
    }
}
