//! One connection: hyper serves it, until a script takes the socket over; then the script is played, and hyper may get
//! the socket back.

use std::error::Error as _;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::body::Outgoing;
use super::play::{DRAIN_LIMIT, Played, close, play};
use super::socket::{Meter, Patience, Phase, Socket, Watcher};
use super::stream::Stream;
use super::{Door, Role, STOP_GRACE, Shell, dispatch, malformed};
use crate::chance::Roll;
use crate::journal::Ended;
use crate::scenario::{ConnectionAction, IdleEnd, amount, decide_connection};
use crate::wire::script::{End, Script};
use crate::world::{DEFAULT, World};

/// The largest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// What times may differ by that are told in whole milliseconds.
const SAME_TIME: Duration = Duration::from_micros(500);

/// What the requests of one connection share.
#[derive(Debug)]
pub(super) struct Link {
    /// The number of the connection.
    pub(super) number: u64,
    /// What its listener serves.
    pub(super) role: Role,
    /// The id of the world whose port it came to.
    pub(super) claimed: Option<Arc<str>>,
    requests: AtomicU64,
    /// The rule that ends the connection behind its n-th request.
    pub(super) limit: Option<RequestLimit>,
    /// The exchange whose answer is on its way.
    open: Mutex<Option<Open>>,
    left: Notify,
    /// What ends the world of the exchange that is under way.
    world: watch::Sender<Option<CancellationToken>>,
}

/// What a rule of connections says about the last request.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestLimit {
    /// The last request that is answered.
    pub(super) count: u64,
    /// Whether its answer says so.
    pub(super) announce: bool,
}

/// An exchange whose answer is on its way. The journal says already how it will end.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) world: Arc<World>,
    /// The number of the journal's entry.
    pub(super) n: u64,
    /// How many bytes the connection had sent when the answer began.
    pub(super) sent_before: u64,
    /// The length of the answer's head.
    pub(super) head_len: u64,
    /// When the server started.
    pub(super) started: Instant,
    /// When the journal's entry was completed, counted from then.
    pub(super) completed: Duration,
}

impl Link {
    /// The number of a new request.
    pub(super) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The exchange that is under way belongs to a world that this ends, if anything does.
    pub(super) fn belongs_to(&self, stop: Option<CancellationToken>) {
        if stop.is_some() || self.world.borrow().is_some() {
            self.world.send_replace(stop);
        }
    }

    /// Waits until the exchange that is under way goes on for longer than it may when its world was deleted. A connection
    /// between two exchanges belongs to no world: others may be about to use it.
    async fn outlived_its_world(&self) {
        let mut world = self.world.subscribe();
        loop {
            let stop = world.borrow_and_update().clone();
            let outlived = async {
                match stop {
                    Some(stop) => stop.cancelled().await,
                    None => pending().await,
                }
                tokio::time::sleep(STOP_GRACE).await;
            };
            tokio::select! {
                () = outlived => return,
                // The sender is in `self`: it is there.
                _ = world.changed() => {}
            }
        }
    }

    /// An answer is on its way.
    pub(super) fn answering(&self, open: Open) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(open);
    }

    fn take_open(&self) -> Option<Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Corrects the journal: the client went away before its answer was complete.
    fn client_gone(&self, meter: &Meter, ended: Ended) {
        let Some(open) = self.take_open() else { return };
        let sent = meter.sent().saturating_sub(open.sent_before).saturating_sub(open.head_len);
        open.world.state().journal.update(open.n, |entry| {
            entry.ended = Some(ended);
            entry.span.1 = open.started.elapsed();
            if let Some(answer) = &mut entry.answer {
                answer.bytes = answer.bytes.min(sent);
            }
        });
    }
}

impl Watcher for Link {
    fn client_closed(&self, meter: &Meter) {
        self.client_gone(meter, Ended::ClientClose);
    }

    fn answer_left(&self) {
        if let Some(open) = self.take_open() {
            let over = open.started.elapsed();
            // What the journal says already is as good as exact for an answer that leaves at once.
            if over - open.completed > SAME_TIME {
                open.world.state().journal.update(open.n, |entry| entry.span.1 = over);
            }
        }
        self.belongs_to(None);
        self.left.notify_one();
    }
}

/// The service gives no answer: a script takes the connection over.
#[derive(Debug, Clone, thiserror::Error)]
#[error("a script takes the connection over")]
pub(super) struct Takeover(pub(super) Script);

/// The service of one connection.
struct Exchanges {
    shell: Arc<Shell>,
    link: Arc<Link>,
    meter: Arc<Meter>,
}

impl Service<Request<Incoming>> for Exchanges {
    type Response = Response<Outgoing>;
    type Error = Takeover;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Outgoing>, Takeover>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (shell, link, meter) = (self.shell.clone(), self.link.clone(), self.meter.clone());
        Box::pin(async move {
            // hyper reads a pipelined request before the answer to the one before it has left; a script would
            // throw away what has not.
            while meter.is_sending() {
                link.left.notified().await;
            }
            meter.enter(Phase::Serving);
            dispatch::exchange(&shell, &link, &meter, request).await
        })
    }
}

/// What the rules of connections make of a connection.
struct Fault {
    /// What it waits before the first byte is read; `None` is for ever.
    wait: Option<Duration>,
    refused: bool,
    /// How it ends when it was idle, and by which rule.
    idle: Option<(Duration, IdleEnd, usize)>,
    limit: Option<(RequestLimit, usize)>,
}

impl Fault {
    /// Asks the rules about a connection from that address.
    fn decide(world: &World, peer: IpAddr, elapsed: Duration) -> Fault {
        let rules = &world.scenario.connections;
        let mut fault = Fault { wait: Some(Duration::ZERO), refused: false, idle: None, limit: None };
        if rules.is_empty() {
            return fault;
        }
        let peer = peer.to_canonical().to_string();
        let acting = decide_connection(rules, &mut world.state().counters, world.seed, &peer, elapsed);
        for (rule, match_number) in acting {
            for (draw, action) in (1..).zip(&rules[rule].actions) {
                match action {
                    ConnectionAction::Refuse => fault.refused = true,
                    ConnectionAction::Stall(hold) => {
                        fault.wait = fault.wait.and_then(|wait| Some(wait + (*hold)?));
                    }
                    ConnectionAction::Delay(delay) => {
                        let roll = Roll::new(world.seed, &rules[rule].id, 0, match_number, draw);
                        fault.wait = fault.wait.map(|wait| wait + amount(delay, roll));
                    }
                    ConnectionAction::IdleClose { after, how } => fault.idle = Some((*after, *how, rule)),
                    ConnectionAction::MaxRequests { count, announce } => {
                        let limit = RequestLimit { count: u64::from(*count), announce: *announce };
                        fault.limit = Some((limit, rule));
                    }
                }
            }
        }
        fault
    }
}

/// Serves a connection to its end.
pub(super) async fn serve(stream: Stream, peer: IpAddr, shell: Arc<Shell>, door: Door) {
    let role = door.role;
    let claimed = door.claimed.as_ref().map(|(id, _)| id.clone());
    let Some(world) = shell.worlds().find(claimed.as_deref().unwrap_or(DEFAULT)) else { return };
    let fault = match role {
        Role::Data => Fault::decide(&world, peer, world.elapsed(shell.uptime())),
        Role::Control => Fault { wait: Some(Duration::ZERO), refused: false, idle: None, limit: None },
    };
    let link = Arc::new(Link {
        number: shell.connections.fetch_add(1, Ordering::Relaxed) + 1,
        role,
        claimed,
        requests: AtomicU64::new(0),
        limit: fault.limit.map(|(limit, _)| limit),
        open: Mutex::new(None),
        left: Notify::new(),
        world: watch::Sender::new(None),
    });
    let own = world.scenario.server.keep_alive.as_ref().and_then(|limits| limits.idle);
    let idle = own.filter(|_| role == Role::Data).unwrap_or(shell.config.idle_timeout);
    let idle_rule = fault.idle.filter(|(after, ..)| *after <= idle);
    let patience =
        Patience { head: shell.config.head_timeout, idle: idle_rule.map_or(idle, |(after, ..)| after) };
    let mut socket = Socket::new(stream, patience, link.clone());
    let meter = socket.meter().clone();
    let stop = door.claimed.map_or_else(|| shell.stop.clone(), |(_, stop)| stop);
    let stopped = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_GRACE).await;
    };
    let lived = async {
        if fault.refused {
            return socket.stream().prepare_reset().await;
        }
        match fault.wait {
            None => return Err(socket.client_gone().await),
            Some(wait) if wait.is_zero() => {}
            Some(wait) => tokio::time::sleep(wait).await,
        }
        let at_idle = idle_rule.map(|(_, how, _)| how).unwrap_or(IdleEnd::Close);
        converse(&mut socket, &shell, &link, at_idle).await
    };
    tokio::select! {
        ended = lived => {
            if let Err(error) = ended {
                let reset = matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe);
                link.client_gone(&meter, if reset { Ended::ClientReset } else { Ended::ClientClose });
            }
        }
        () = stopped => {}
        () = link.outlived_its_world() => {}
    }
    // What was decided at accept has fired only where it was reached.
    let unreached_idle =
        idle_rule.filter(|_| !meter.timed_out()).or(fault.idle.filter(|_| idle_rule.is_none()));
    let unreached_limit =
        fault.limit.filter(|(limit, _)| link.requests.load(Ordering::Relaxed) < limit.count);
    if unreached_idle.is_some() || unreached_limit.is_some() {
        let mut state = world.state();
        if let Some((.., rule)) = unreached_idle {
            state.counters.retract_connection(rule);
        }
        if let Some((_, rule)) = unreached_limit {
            state.counters.retract_connection(rule);
        }
    }
}

/// Serves requests until the connection is over.
///
/// # Errors
/// When the client goes away before its answer is complete.
async fn converse(
    socket: &mut Socket,
    shell: &Arc<Shell>,
    link: &Arc<Link>,
    at_idle: IdleEnd,
) -> io::Result<()> {
    let meter = socket.meter().clone();
    loop {
        let script = match serve_by_hyper(socket, shell, link, &meter, at_idle).await? {
            Served::Over => return close(socket, DRAIN_LIMIT).await,
            Served::TakenOver(script) => script,
        };
        if script.end != End::Resume {
            // Nothing of it is wanted any more, and a stalled connection may last.
            socket.drop_ahead();
        }
        let played = play(socket, &script).await?;
        link.answer_left();
        if played == Played::Over {
            return Ok(());
        }
        socket.rewind(bytes::Bytes::new());
    }
}

/// Why hyper gave a connection back.
enum Served {
    /// It is over, as HTTP goes.
    Over,
    /// This has to be played.
    TakenOver(Script),
}

async fn serve_by_hyper(
    socket: &mut Socket,
    shell: &Arc<Shell>,
    link: &Arc<Link>,
    meter: &Arc<Meter>,
    at_idle: IdleEnd,
) -> io::Result<Served> {
    let service = Exchanges { shell: shell.clone(), link: link.clone(), meter: meter.clone() };
    let mut connection = http1::Builder::new()
        .half_close(true)
        .header_read_timeout(None)
        .max_header_size(MAX_HEAD_BYTES)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(socket), service);
    let mut stopping = false;
    let served = loop {
        tokio::select! {
            served = poll_fn(|context| connection.poll_without_shutdown(context)) => break served,
            () = shell.stop.cancelled(), if !stopping => {
                stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    let parts = connection.into_parts();
    parts.io.into_inner().rewind(parts.read_buf);
    let over = match at_idle {
        IdleEnd::Reset if meter.timed_out() => {
            Served::TakenOver(Script { steps: Vec::new(), end: End::Reset })
        }
        IdleEnd::Reset | IdleEnd::Close => Served::Over,
    };
    // hyper takes the end of an idle connection for a good one.
    let Err(error) = served else { return Ok(over) };
    if let Some(Takeover(script)) = error.source().and_then(|source| source.downcast_ref()) {
        return Ok(Served::TakenOver(script.clone()));
    }
    let head = meter.take_head();
    if error.is_parse() || (meter.timed_out() && !head.is_empty()) {
        return Ok(Served::TakenOver(malformed::answer(&error, &head, shell, link)));
    }
    if meter.timed_out() {
        return Ok(over);
    }
    let kind = error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    Err(kind.unwrap_or(io::ErrorKind::UnexpectedEof).into())
}
