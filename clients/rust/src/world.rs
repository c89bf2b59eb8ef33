//! A scenario with all that belongs to it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Client, Counts, Error, Filter, Page, Verdict};

/// A scenario that is active, with its own counters, journal, clock, buckets and vaults.
///
/// A world that [`Client::create`] made ends when it is dropped; one that was looked up goes on.
#[derive(Debug)]
pub struct World {
    /// Its id; `default` for that of the command line.
    pub id: String,
    /// The name of its scenario.
    pub name: String,
    /// The seed of its chance, such as `0x114`.
    pub seed: String,
    /// The URL to point a client of COS at.
    pub endpoint: String,
    /// The name and the value of the header by which a request belongs to it.
    pub header: (String, String),
    /// The access key by which a signed request belongs to it. A world that was looked up does not tell.
    pub access_key: Option<AccessKey>,
    client: Client,
    ends_when_dropped: bool,
}

/// A pair that signs requests.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AccessKey {
    /// The access key id.
    pub id: String,
    /// The secret key.
    pub key: String,
}

/// The clock of a world, by which jobs, uploads, tokens and signatures go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Clock {
    /// What time it is, in RFC 3339 with milliseconds.
    pub now: String,
    /// Whether it goes on.
    pub run: bool,
    /// How far it is ahead, in milliseconds; below zero when it is behind, `None` when it is right or stands still.
    pub skew_ms: Option<i64>,
}

/// A difference of clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skew {
    /// The clock of the world is ahead.
    Ahead(Duration),
    /// The clock of the world is behind.
    Behind(Duration),
}

/// The answer when a world was made.
#[derive(Deserialize)]
pub(crate) struct Created {
    id: String,
    name: String,
    seed: String,
    endpoint: String,
    header: Header,
    client: Option<AccessKey>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

impl World {
    pub(crate) fn found(client: Client, counts: Counts) -> Self {
        World {
            header: ("x-emu-scenario".to_owned(), counts.id.clone()),
            id: counts.id,
            name: counts.name,
            seed: counts.seed,
            endpoint: client.endpoint().to_owned(),
            access_key: None,
            client,
            ends_when_dropped: false,
        }
    }

    pub(crate) fn created(client: Client, created: Created) -> Self {
        World {
            id: created.id,
            name: created.name,
            seed: created.seed,
            endpoint: created.endpoint,
            header: (created.header.name, created.header.value),
            access_key: created.client,
            client,
            ends_when_dropped: true,
        }
    }

    /// The exchanges that the filter lets through: all with `Filter::new()`.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn journal(&self, filter: Filter) -> Result<Page, Error> {
        self.client.query(&self.path("/journal"), &filter.query, Duration::ZERO)?.read()
    }

    /// The exchanges that the filter lets through, as soon as there are so many. An exchange is there when its head has arrived. The
    /// server waits at most 300 seconds.
    ///
    /// # Errors
    /// [`Error::TooFew`] when they do not come in this time.
    pub fn wait_for(&self, count: usize, filter: Filter, timeout: Duration) -> Result<Page, Error> {
        let mut query = filter.query;
        query.extend([("wait", count.to_string()), ("timeout", milliseconds(timeout))]);
        let page: Page = self.client.query(&self.path("/journal"), &query, timeout)?.read()?;
        match page.exchanges.len() {
            came if came < count => Err(Error::TooFew { wanted: count, came, waited: timeout }),
            _ => Ok(page),
        }
    }

    /// Judges: whether each fault happened as often as it must, and whether the client did what a correct one does.
    ///
    /// # Errors
    /// When the server cannot be asked. A verdict that does not hold is none.
    pub fn verdict(&self) -> Result<Verdict, Error> {
        self.client.post(&self.path("/verdict"), "")?.read_verdict()
    }

    /// How often each rule matched and fired.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn counts(&self) -> Result<Counts, Error> {
        self.client.get(&self.path(""))?.read()
    }

    /// Puts everything back to the start, with the same seed.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn reset(&self) -> Result<(), Error> {
        self.client.post(&self.path("/reset"), "")?.good().map(drop)
    }

    /// Reads the clock.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn clock(&self) -> Result<Clock, Error> {
        self.client.get(&self.path("/clock"))?.read()
    }

    /// Stops the clock at an instant in RFC 3339, such as `2024-05-01T00:00:00Z`.
    ///
    /// # Errors
    /// [`Error::Problem`] when it is none.
    pub fn freeze(&self, instant: &str) -> Result<Clock, Error> {
        self.set_clock(json!({ "freeze": instant }))
    }

    /// Moves the clock on, whether it goes or stands still. What is due by then has happened when this returns.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn advance(&self, by: Duration) -> Result<Clock, Error> {
        self.set_clock(json!({ "advance": milliseconds(by) }))
    }

    /// Lets the clock go, so far from the right time.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn skew(&self, skew: Skew) -> Result<Clock, Error> {
        let difference = match skew {
            Skew::Ahead(by) => format!("+{}", milliseconds(by)),
            Skew::Behind(by) => format!("-{}", milliseconds(by)),
        };
        self.set_clock(json!({ "skew": difference }))
    }

    /// Lets the clock go on from where it stands.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn run(&self) -> Result<Clock, Error> {
        self.set_clock(json!({ "run": true }))
    }

    /// Ends it, with its verdict.
    ///
    /// # Errors
    /// [`Error::Problem`] for the world of the command line, which ends with the server, and for one that has ended.
    pub fn delete(mut self) -> Result<Verdict, Error> {
        self.ends_when_dropped = false;
        self.client.delete(&self.path(""))?.read_verdict()
    }

    fn set_clock(&self, to: Value) -> Result<Clock, Error> {
        self.client.put(&self.path("/clock"), &to.to_string())?.read()
    }

    fn path(&self, of: &str) -> String {
        format!("v1/scenarios/{}{of}", self.id)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.ends_when_dropped {
            // Where the server has ended, so has the world.
            let _ = self.client.delete(&self.path(""));
        }
    }
}

/// A duration as the server reads it.
fn milliseconds(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}
