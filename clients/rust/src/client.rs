//! The control API of a server that runs.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::typestate::{WithBody, WithoutBody};
use ureq::{Agent, Body, RequestBuilder};

use crate::world::Created;
use crate::{Counts, Error, Problem, Scenario, World};

/// What an answer may take, beside what the server was asked to wait.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether a server is ready.
pub(crate) const INTERVAL: Duration = Duration::from_millis(20);

/// A connection to a server: its worlds, and what a client of COS needs to reach it.
///
/// It uses no proxy, whatever the environment says, since that is often the server itself. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    url: String,
    token: Option<String>,
}

/// What the server answered.
pub(crate) struct Answer {
    asked: String,
    status: u16,
    kind: String,
    body: Vec<u8>,
}

impl Client {
    /// For the server at this URL, such as `http://127.0.0.1:3077`.
    pub fn new(url: impl Into<String>) -> Self {
        // Connections are not kept: a scenario may break those that are idle or were used before.
        let config = Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .build();
        Client { agent: config.into(), url: url.into().trim_end_matches('/').to_owned(), token: None }
    }

    /// Shows this token, for a server with the option `control-token`.
    pub fn with_token(self, token: impl Into<String>) -> Self {
        Client { token: Some(token.into()), ..self }
    }

    /// The URL to point a client of COS at.
    pub fn endpoint(&self) -> &str {
        &self.url
    }

    /// The URL to use as a proxy for http and https, so that a client of COS keeps the real host names. It is the same: the server
    /// tells them apart.
    pub fn proxy(&self) -> &str {
        &self.url
    }

    /// The certificate of the CA that signs for https, in PEM.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn ca(&self) -> Result<String, Error> {
        Ok(self.get("ca.pem")?.good()?.text())
    }

    /// Writes the certificate of the CA to a file, for clients that want a path.
    ///
    /// # Errors
    /// When the server cannot be asked, or the file cannot be written.
    pub fn write_ca(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        fs::write(path, self.ca()?).map_err(|source| Error::Io { path: path.to_owned(), source })
    }

    /// Whether the server serves.
    pub fn is_ready(&self) -> bool {
        self.get("readyz").is_ok_and(|answer| answer.status == 200)
    }

    /// Waits until the server serves.
    ///
    /// # Errors
    /// When it does not in this time.
    pub fn wait_until_ready(&self, timeout: Duration) -> Result<(), Error> {
        let started = Instant::now();
        while !self.is_ready() {
            if started.elapsed() >= timeout {
                return Err(Error::NotReady { what: self.url.clone(), waited: timeout });
            }
            sleep(INTERVAL);
        }
        Ok(())
    }

    /// All worlds, that of the command line first.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn worlds(&self) -> Result<Vec<World>, Error> {
        let worlds: Vec<Counts> = self.get("v1/scenarios")?.read()?;
        Ok(worlds.into_iter().map(|counts| World::found(self.clone(), counts)).collect())
    }

    /// The world of the command line, to which every request belongs that no other one claims.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn default_world(&self) -> Result<World, Error> {
        self.world("default")
    }

    /// The world with this id.
    ///
    /// # Errors
    /// When there is none.
    pub fn world(&self, id: &str) -> Result<World, Error> {
        let counts = self.get(&format!("v1/scenarios/{id}"))?.read()?;
        Ok(World::found(self.clone(), counts))
    }

    /// Makes a world of its own for this scenario. It ends when it is dropped.
    ///
    /// # Errors
    /// [`Error::Problem`] for a scenario that is not valid, with each mistake.
    pub fn create(&self, scenario: impl Into<Scenario>) -> Result<World, Error> {
        let text = scenario.into();
        let created: Created = self.post("v1/scenarios", text.text())?.read()?;
        Ok(World::created(self.clone(), created))
    }

    pub(crate) fn get(&self, path: &str) -> Result<Answer, Error> {
        self.query(path, &[], Duration::ZERO)
    }

    /// Asks with a query, and lets the server take that long to answer.
    pub(crate) fn query(
        &self,
        path: &str,
        query: &[(&str, String)],
        longest: Duration,
    ) -> Result<Answer, Error> {
        let pairs = query.iter().map(|(name, value)| (*name, value.as_str()));
        self.bare("GET", path, longest, |agent, url| agent.get(url).query_pairs(pairs))
    }

    pub(crate) fn delete(&self, path: &str) -> Result<Answer, Error> {
        self.bare("DELETE", path, Duration::ZERO, |agent, url| agent.delete(url))
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Result<Answer, Error> {
        self.with_body("POST", path, body, |agent, url| agent.post(url))
    }

    pub(crate) fn put(&self, path: &str, body: &str) -> Result<Answer, Error> {
        self.with_body("PUT", path, body, |agent, url| agent.put(url))
    }

    fn bare(
        &self,
        method: &str,
        path: &str,
        longest: Duration,
        request: impl FnOnce(&Agent, &str) -> RequestBuilder<WithoutBody>,
    ) -> Result<Answer, Error> {
        let url = self.control(path);
        let request = self.prepare(request(&self.agent, &url), longest);
        Answer::of(format!("{method} {url}"), request.call())
    }

    fn with_body(
        &self,
        method: &str,
        path: &str,
        body: &str,
        request: impl FnOnce(&Agent, &str) -> RequestBuilder<WithBody>,
    ) -> Result<Answer, Error> {
        let url = self.control(path);
        let request = self.prepare(request(&self.agent, &url), Duration::ZERO);
        Answer::of(format!("{method} {url}"), request.content_type("application/json").send(body))
    }

    fn control(&self, path: &str) -> String {
        format!("{}/_cos-emu/{path}", self.url)
    }

    fn prepare<Any>(&self, request: RequestBuilder<Any>, longest: Duration) -> RequestBuilder<Any> {
        let request = request.config().timeout_global(Some(longest + PATIENCE)).build();
        match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        }
    }
}

impl Answer {
    fn of(asked: String, answered: Result<Response<Body>, ureq::Error>) -> Result<Self, Error> {
        let unreachable = |source| Error::Unreachable { asked: asked.clone(), source: Box::new(source) };
        let mut response = answered.map_err(unreachable)?;
        let kind = response.body().mime_type().unwrap_or_default().to_owned();
        // A journal can be larger than what `ureq` reads without being told.
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_vec().map_err(unreachable)?;
        Ok(Answer { status: response.status().as_u16(), asked, kind, body })
    }

    /// Lets an answer pass that is not a refusal.
    pub(crate) fn good(self) -> Result<Self, Error> {
        match self.status {
            200..=299 => Ok(self),
            _ => Err(self.refused()),
        }
    }

    /// Reads the document of an answer that is not a refusal.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.good()?.document()
    }

    /// Reads the document of a verdict, which has the status 409 when it does not hold.
    pub(crate) fn read_verdict<T: DeserializeOwned>(self) -> Result<T, Error> {
        if self.status == 409 && self.kind == "application/json" { self.document() } else { self.read() }
    }

    fn document<T: DeserializeOwned>(self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| self.unexpected(&format!(": {error}")))
    }

    fn refused(&self) -> Error {
        match serde_json::from_slice::<Problem>(&self.body) {
            Ok(problem) if self.kind == "application/problem+json" => Error::Problem(problem),
            _ => self.unexpected(""),
        }
    }

    fn unexpected(&self, why: &str) -> Error {
        let text = String::from_utf8_lossy(&self.body);
        Error::Unexpected {
            asked: self.asked.clone(),
            came: format!("{} {}{why}\n{text}", self.status, self.kind),
        }
    }

    fn text(self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
