//! The control API at work: who may use it, its body, and what it changes in the worlds.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use subtle::ConstantTimeEq as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::aside::aside;
use super::worlds::Other;
use super::{Role, Shell, StartError, errand, worlds};
use crate::chance::Identity;
use crate::control::{self, Asked, Filter};
use crate::cos;
use crate::digest::key_of;
use crate::message::{Head, Reply};
use crate::scenario::{MAX_FILE_BYTES, Scenario};
use crate::signature::without_port;
use crate::world::World;

/// How often it is looked whether the journal has what a request waits for.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How many events are made ahead of their reader.
const EVENTS_AHEAD: usize = 64;
/// How long an exchange may be under way before those that follow it are told of.
const UNDER_WAY: Duration = Duration::from_secs(1);
/// Where the certificate of the CA is.
const CA_PATH: &str = "/_cos-emu/ca.pem";
/// After how long without an event a comment shows that the connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Whether a request is for the control API.
pub(super) fn is_meant(head: &Head, role: Role, shell: &Shell) -> bool {
    let has_own_port = shell.config.control_listen.is_some();
    match role {
        Role::Control => true,
        Role::Data => {
            !has_own_port
                && head.path.starts_with(control::PREFIX)
                && cos::host_form(head.host()) == cos::HostForm::Other
        }
    }
}

/// The answer of the control API.
pub(super) async fn answer(head: &Head, body: Incoming, shell: &Arc<Shell>) -> Answered {
    match guard(head, shell) {
        Some(refused) => Answered::Reply(refused),
        None => act(head, body, shell).await,
    }
}

async fn act(head: &Head, body: Incoming, shell: &Arc<Shell>) -> Answered {
    let body = match Limited::new(body, MAX_FILE_BYTES + 1).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            return Answered::Reply(control::problem(413, &format!("the body did not arrive: {error}")));
        }
    };
    if head.path == CA_PATH {
        let pem = shell.authority.pem().to_owned();
        return Answered::Reply(
            Reply::new(200).with("Content-Type", "application/x-pem-file").with_body(pem),
        );
    }
    let worlds = shell.worlds().all();
    Answered::Reply(match control::handle(head, &body, &worlds) {
        Asked::Reply(reply) => reply,
        Asked::Create(scenario) => match create(shell, *scenario).await {
            Ok(other) => {
                // No URL is built from the address that is listened on, but for a port that nobody knows yet.
                let endpoint = match other.addr {
                    Some(addr) => {
                        let host = head.host().rsplit_once(':').map_or(head.host(), |(host, _)| host);
                        format!("http://{host}:{}", addr.port())
                    }
                    None => format!("http://{}", head.host()),
                };
                control::created(&other.world, &endpoint, worlds::HEADER)
            }
            Err(error) => control::problem(409, &error.to_string()),
        },
        Asked::Clock(world) => {
            sweep(&world);
            errand::attend(shell, &world);
            control::clock(&world)
        }
        Asked::Reset(world) => {
            let shell = shell.clone();
            aside(move || shell.reset(&world)).await;
            Reply::new(204)
        }
        Asked::Judge(world) => judge(head, world).await,
        Asked::Delete(world) => {
            let removed = shell.worlds_mut().remove(&world.id);
            if let Some(other) = removed {
                other.stop.cancel();
            }
            Reply { status: 200, ..judge(head, world).await }
        }
        Asked::Wait { world, filter, count, timeout } => {
            let world = wait(shell, world, &filter, count, Instant::now() + timeout).await;
            control::page(&world, &filter)
        }
        Asked::Follow { world, filter } => {
            let (sender, receiver) = mpsc::channel(EVENTS_AHEAD);
            let (shell, tasks) = (shell.clone(), shell.tasks.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = follow(&shell, world, filter, sender) => {}
                    () = shell.stop.cancelled() => {}
                }
            });
            return Answered::Events(receiver);
        }
    })
}

/// Makes a world, for which the archives of its setup are hashed.
async fn create(shell: &Arc<Shell>, scenario: Scenario) -> Result<Other, StartError> {
    let shell = shell.clone();
    aside(move || shell.create(scenario)).await
}

/// Judges, for which what is stored may be hashed.
async fn judge(head: &Head, world: Arc<World>) -> Reply {
    let head = head.clone();
    aside(move || control::verdict(&head, &world)).await
}

/// Lets happen what the rules of lifecycle bring about at the time that a clock was set to.
fn sweep(world: &World) {
    let now = world.now();
    let identity = Identity::new(world.seed, key_of(&["lifecycle", &now.iso_milliseconds()]), 1);
    let store = &mut world.state().store;
    cos::sweep(store, now, identity).into_iter().for_each(|change| store.apply(change));
}

/// What the control API answers with.
pub(super) enum Answered {
    Reply(Reply),
    /// Server-sent events, as they come.
    Events(mpsc::Receiver<Bytes>),
}

/// Waits until a journal has so many entries, or that time has come. Returns the world as it is then.
async fn wait(shell: &Shell, world: Arc<World>, filter: &Filter, count: usize, end: Instant) -> Arc<World> {
    let mut world = world;
    let mut seen = None;
    loop {
        let changes = world.state().journal.changes();
        if seen.replace(changes) != Some(changes) && control::has(&world, filter, count) {
            return world;
        }
        if Instant::now() >= end {
            return world;
        }
        sleep(LOOK_EVERY).await;
        // A reset has put another one in its place; where it was deleted, nothing comes any more.
        match shell.worlds().find(&world.id) {
            Some(now) if now.continues_journal_of(&world) => world = now,
            Some(now) => (world, seen) = (now, None),
            None => return world,
        }
    }
}

/// Sends the entries of a journal as events, in the order of their numbers, until nobody reads any more or the world is
/// deleted. An entry is sent when its exchange is over, or when it has been under way for a while. A reader that is too
/// slow misses what the journal has dropped meanwhile, and is told how much that is; one that reads on behind a reset is
/// told of it, and numbers begin again at 1.
async fn follow(shell: &Shell, mut world: Arc<World>, filter: Filter, sender: mpsc::Sender<Bytes>) {
    let mut follower = Follower { filter, seen: None, waiting: None };
    let mut quiet_since = Instant::now();
    while !sender.is_closed() {
        let Some(now) = shell.worlds().find(&world.id) else { return };
        let mut events = Vec::new();
        if !now.continues_journal_of(&world) {
            follower.filter.from = 1;
            follower = Follower { seen: None, waiting: None, ..follower };
            events.push("event: reset\ndata: {}\n\n".to_owned());
        }
        world = now;
        events.extend(follower.look(&world));
        if events.is_empty() && quiet_since.elapsed() > KEEP_ALIVE {
            events.push(":\n\n".to_owned());
        }
        if !events.is_empty() {
            quiet_since = Instant::now();
        }
        for event in events {
            if sender.send(event.into()).await.is_err() {
                return;
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

/// How far somebody has read a journal.
struct Follower {
    /// What is wanted; its `from` is the next number.
    filter: Filter,
    /// The changes of the journal at the last look, unless there was more than that look took.
    seen: Option<u64>,
    /// The exchange that is under way and next, and since when it is waited for.
    waiting: Option<(u64, Instant)>,
}

impl Follower {
    /// The next events.
    fn look(&mut self, world: &World) -> Vec<String> {
        let mut events = Vec::new();
        // They are told behind the lock, which every request takes.
        let entries: Vec<_> = {
            let journal = &world.state().journal;
            let changes = journal.changes();
            if self.seen.replace(changes) == Some(changes) && self.waiting.is_none() {
                return events;
            }
            let first = journal.dropped() + 1;
            if self.filter.from.max(1) < first {
                let gap = first - self.filter.from.max(1);
                events.push(format!("event: gap\ndata: {{\"dropped\":{gap}}}\n\n"));
                self.filter.from = first;
            }
            journal.entries(self.filter.from, EVENTS_AHEAD).cloned().collect()
        };
        let waiting = self.waiting.take();
        for entry in entries {
            if entry.ended.is_none() {
                let since = waiting.filter(|(n, _)| *n == entry.n).map_or_else(Instant::now, |(_, at)| at);
                if since.elapsed() < UNDER_WAY {
                    self.waiting = Some((entry.n, since));
                    break;
                }
            }
            self.filter.from = entry.n + 1;
            self.seen = None;
            if self.filter.holds(&entry) {
                let data =
                    serde_json::to_string(&entry.told(&world.id)).expect("a JSON value can be written");
                events.push(format!("id: {}\nevent: exchange\ndata: {data}\n\n", entry.n));
            }
        }
        events
    }
}

/// Refuses what a web page of somebody else could send to a server on this machine, and who does not know the token.
fn guard(head: &Head, shell: &Shell) -> Option<Reply> {
    let host = without_port(head.host());
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    // A name without a dot is one of a local network; a page of the web cannot have it.
    let is_local = !host.contains('.') || host.ends_with(".localhost");
    let is_allowed = shell.config.control_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host));
    if !is_address && !is_local && !is_allowed {
        let detail = format!("the control API does not answer to the name {host}; --control-host allows it");
        return Some(control::problem(403, &detail));
    }
    let origin = head
        .header("origin")
        .filter(|origin| origin.split_once("://").is_none_or(|(_, of)| of != head.host()));
    if let Some(origin) = origin {
        return Some(control::problem(403, &format!("the control API does not answer to pages of {origin}")));
    }
    let token = shell.config.control_token.as_ref()?;
    let given = head.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
    let known = given.is_some_and(|given| bool::from(given.as_bytes().ct_eq(token.as_bytes())));
    // Who may not use it may still know whether it is there, and whom to trust.
    let is_open = head.path.ends_with("/livez") || head.path.ends_with("/readyz") || head.path == CA_PATH;
    (!known && !is_open).then(|| {
        control::problem(401, "the control API wants the token: Authorization: Bearer …")
            .with("WWW-Authenticate", "Bearer")
    })
}
