//! One connection: hyper serves it, until a script takes the socket over; then the script is played, and hyper may get
//! the socket back.

use std::error::Error as _;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, ReusableBoxFuture};

use super::body::Outgoing;
use super::play::{DRAIN_LIMIT, Played, close, play};
use super::socket::{Meter, Patience, Phase, Socket, Watcher};
use super::stream::Stream;
use super::tls::{self, Hello};
use super::{Door, Role, STOP_GRACE, Shell, dispatch, malformed};
use crate::chance::Roll;
use crate::journal::Ended;
use crate::scenario::{ConnectionAction, Greeting, IdleEnd, TlsFault, amount, decide_connection};
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
    /// Whether it is one of TLS.
    pub(super) tls: bool,
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
    /// Whether what comes next is another connection, to a host that a proxy was asked for.
    tunnels: AtomicBool,
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

    /// What comes behind the answer that is on its way is another connection.
    pub(super) fn open_tunnel(&self) {
        self.tunnels.store(true, Ordering::Relaxed);
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

/// What comes of a request.
type Outcome = Result<Response<Outgoing>, Takeover>;
/// Memory for the work on a request. It is the largest piece that a request needs: were it allocated and freed for each, it
/// would leave holes between what is stored meanwhile.
type Workplace = ReusableBoxFuture<'static, Outcome>;

/// The service of one connection.
struct Exchanges {
    shell: Arc<Shell>,
    link: Arc<Link>,
    meter: Arc<Meter>,
    /// That of the request before.
    spare: Arc<Mutex<Option<Workplace>>>,
}

impl Service<Request<Incoming>> for Exchanges {
    type Response = Response<Outgoing>;
    type Error = Takeover;
    type Future = Work;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (shell, link, meter) = (self.shell.clone(), self.link.clone(), self.meter.clone());
        let work = async move {
            // hyper reads a pipelined request before the answer to the one before it has left; a script would
            // throw away what has not.
            while meter.is_sending() {
                link.left.notified().await;
            }
            meter.enter(Phase::Serving);
            dispatch::exchange(&shell, &link, &meter, request).await
        };
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        let workplace = match spare {
            Some(mut workplace) => {
                workplace.set(work);
                workplace
            }
            None => Workplace::new(work),
        };
        Work { workplace: Some(workplace), spare: self.spare.clone() }
    }
}

/// The work on a request. Leaves its place to the next one when it is done.
struct Work {
    workplace: Option<Workplace>,
    spare: Arc<Mutex<Option<Workplace>>>,
}

impl Future for Work {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        // Nobody asks again behind the outcome.
        let Some(workplace) = &mut self.workplace else { return Poll::Pending };
        let outcome = ready!(workplace.poll(context));
        let workplace = self.workplace.take();
        *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = workplace;
        Poll::Ready(outcome)
    }
}

/// What the rules of connections make of a connection.
#[derive(Default)]
struct Fault {
    /// What it waits before it goes on; `None` is for ever.
    wait: Option<Duration>,
    refused: bool,
    /// How it ends when it was idle, and by which rule.
    idle: Option<(Duration, IdleEnd, usize)>,
    limit: Option<(RequestLimit, usize)>,
    /// What is wrong with TLS, behind how many bytes, and by which rule.
    tls: Option<(TlsFault, u64, usize)>,
}

impl Fault {
    fn none() -> Fault {
        Fault { wait: Some(Duration::ZERO), ..Fault::default() }
    }

    /// Asks the rules about a connection from that address: those that need no byte of it, or else those that know how it began.
    fn ask(&mut self, world: &World, peer: IpAddr, greeting: Option<Greeting<'_>>, elapsed: Duration) {
        let rules = &world.scenario.connections;
        if rules.is_empty() {
            return;
        }
        let peer = peer.to_canonical().to_string();
        let acting =
            decide_connection(rules, &mut world.state().counters, world.seed, &peer, greeting, elapsed);
        for (rule, match_number) in acting {
            for (draw, action) in (1..).zip(&rules[rule].actions) {
                match action {
                    ConnectionAction::Refuse => self.refused = true,
                    ConnectionAction::Stall(hold) => {
                        self.wait = self.wait.and_then(|wait| Some(wait + (*hold)?));
                    }
                    ConnectionAction::Delay(delay) => {
                        let roll = Roll::new(world.seed, &rules[rule].id, 0, match_number, draw);
                        self.wait = self.wait.map(|wait| wait + amount(delay, roll));
                    }
                    ConnectionAction::IdleClose { after, how } => self.idle = Some((*after, *how, rule)),
                    ConnectionAction::MaxRequests { count, announce } => {
                        let limit = RequestLimit { count: u64::from(*count), announce: *announce };
                        self.limit = Some((limit, rule));
                    }
                    ConnectionAction::Tls { fault, after } => self.tls = Some((*fault, *after, rule)),
                }
            }
        }
    }

    /// Lets happen what happens before the connection goes on. Returns whether it does.
    ///
    /// # Errors
    /// When the client goes away.
    async fn happen(&mut self, stream: &mut Stream) -> io::Result<bool> {
        if self.refused {
            stream.prepare_reset().await?;
            return Ok(false);
        }
        match self.wait.replace(Duration::ZERO) {
            None => return Err(stream.client_gone(|| {}).await),
            Some(wait) if wait.is_zero() => {}
            Some(wait) => tokio::time::sleep(wait).await,
        }
        Ok(true)
    }
}

/// A connection whose first byte is there, or that needs none.
struct Greeted {
    stream: Stream,
    tls: bool,
}

/// A connection on its way to its first request.
struct Newcomer<'a> {
    shell: &'a Shell,
    world: &'a World,
    peer: IpAddr,
    role: Role,
    fault: Fault,
    /// How long the first byte may take without a rule that says so.
    idle: Duration,
    /// Whether that time has run out.
    timed_out: bool,
}

impl Newcomer<'_> {
    fn ask(&mut self, greeting: Option<Greeting<'_>>) {
        if self.role == Role::Data {
            self.fault.ask(self.world, self.peer, greeting, self.world.elapsed(self.shell.uptime()));
        }
    }

    fn patience(&self) -> Patience {
        let idle = self.idle_rule().map_or(self.idle, |(after, ..)| after);
        Patience { head: self.shell.config.head_timeout, idle }
    }

    /// The rule for idle connections, where it acts before the server would.
    fn idle_rule(&self) -> Option<(Duration, IdleEnd, usize)> {
        self.fault.idle.filter(|(after, ..)| *after <= self.idle)
    }

    fn at_idle(&self) -> IdleEnd {
        self.idle_rule().map_or(IdleEnd::Close, |(_, how, _)| how)
    }

    /// Waits for the first byte, and shakes hands where it is one of TLS. `None` when the connection is over.
    ///
    /// # Errors
    /// When the client goes away, or does not like what it is shown.
    async fn greet(&mut self, mut stream: Stream) -> io::Result<Option<Greeted>> {
        let Stream::Tcp(tcp) = &stream else {
            self.ask(Some(Greeting { tls: false, sni: None }));
            return Ok(self.fault.happen(&mut stream).await?.then_some(Greeted { stream, tls: false }));
        };
        let mut first = [0];
        let Ok(count) = timeout(self.patience().idle, tcp.peek(&mut first)).await else {
            self.timed_out = true;
            if self.at_idle() == IdleEnd::Reset {
                stream.prepare_reset().await?;
            }
            return Ok(None);
        };
        if count? == 0 || first[0] != tls::FIRST_BYTE {
            self.ask(Some(Greeting { tls: false, sni: None }));
            return Ok(self.fault.happen(&mut stream).await?.then_some(Greeted { stream, tls: false }));
        }
        let Stream::Tcp(tcp) = stream else { unreachable!("it was looked at") };
        let patience = self.patience().head;
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        let unshaken = |error: io::Error| {
            // Mostly a client that does not trust the CA, and says so to nobody else.
            tracing::warn!(%error, "a TLS handshake failed; `cos-emu ca` prints the certificate to trust");
            error
        };
        let hello = timeout(patience, Hello::receive(tcp)).await.unwrap_or_else(|error| Err(late(error)));
        let hello = hello.map_err(unshaken)?;
        let sni = hello.sni();
        self.ask(Some(Greeting { tls: true, sni: sni.as_deref() }));
        if self.fault.refused || self.fault.wait != Some(Duration::ZERO) {
            let mut stream = Stream::Tcp(hello.into_tcp());
            self.fault.happen(&mut stream).await?;
            return Ok(None);
        }
        let (fault, after) = self.fault.tls.map(|(fault, after, _)| (fault, after)).unzip();
        let after = after.unwrap_or(0);
        let answered = match fault {
            Some(TlsFault::StallInHandshake) => hello.answer(&self.shell.authority, fault, after).await?,
            _ => {
                let answered = timeout(patience, hello.answer(&self.shell.authority, fault, after)).await;
                let answered = answered.unwrap_or_else(|error| Err(late(error)));
                if fault.is_some() { answered? } else { answered.map_err(unshaken)? }
            }
        };
        Ok(answered.map(|tls| Greeted { stream: Stream::Tls(Box::new(tls)), tls: true }))
    }
}

/// Serves a connection to its end.
pub(super) async fn serve(stream: Stream, peer: IpAddr, shell: Arc<Shell>, door: Door) {
    let role = door.role;
    let claimed = door.claimed.as_ref().map(|(id, _)| id.clone());
    let Some(world) = shell.worlds().find(claimed.as_deref().unwrap_or(DEFAULT)) else { return };
    let own = world.scenario.server.keep_alive.as_ref().and_then(|limits| limits.idle);
    let idle = own.filter(|_| role == Role::Data).unwrap_or(shell.config.idle_timeout);
    let mut newcomer =
        Newcomer { shell: &shell, world: &world, peer, role, fault: Fault::none(), idle, timed_out: false };
    newcomer.ask(None);
    let stop = door.claimed.map_or_else(|| shell.stop.clone(), |(_, stop)| stop);
    let stopped = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_GRACE).await;
    };
    tokio::pin!(stopped);
    let number = shell.connections.fetch_add(1, Ordering::Relaxed) + 1;
    let mut stream = stream;
    let mut requests = 0;
    // Until one has gone out.
    let mut owes_a_bad_record = true;
    let goes_on = tokio::select! {
        goes_on = newcomer.fault.happen(&mut stream) => goes_on.unwrap_or(false),
        () = stop.cancelled() => false,
    };
    let mut next = goes_on.then_some(stream);
    // A tunnel is a connection within the connection.
    while let Some(stream) = next.take() {
        let greeted = tokio::select! {
            greeted = newcomer.greet(stream) => greeted,
            () = stop.cancelled() => break,
        };
        let Ok(Some(Greeted { stream, tls })) = greeted else { break };
        let link = Arc::new(Link {
            number,
            role,
            tls,
            claimed: claimed.clone(),
            requests: AtomicU64::new(requests),
            limit: newcomer.fault.limit.map(|(limit, _)| limit),
            open: Mutex::new(None),
            left: Notify::new(),
            world: watch::Sender::new(None),
            tunnels: AtomicBool::new(false),
        });
        let at_idle = newcomer.at_idle();
        let mut socket = Socket::new(stream, newcomer.patience(), link.clone());
        let meter = socket.meter().clone();
        tokio::select! {
            ended = converse(&mut socket, &shell, &link, at_idle) => {
                if let Err(error) = ended {
                    let reset =
                        matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe);
                    link.client_gone(&meter, if reset { Ended::ClientReset } else { Ended::ClientClose });
                }
            }
            () = &mut stopped => {}
            () = link.outlived_its_world() => {}
        }
        newcomer.timed_out |= meter.timed_out();
        requests = link.requests.load(Ordering::Relaxed);
        owes_a_bad_record = socket.stream().owes_a_bad_record();
        if link.tunnels.load(Ordering::Relaxed) {
            next = socket.into_stream();
        }
    }
    // What was decided before has fired only where it was reached.
    let fault = &newcomer.fault;
    let idle_rule = newcomer.idle_rule();
    let unreached_idle =
        idle_rule.filter(|_| !newcomer.timed_out).or(fault.idle.filter(|_| idle_rule.is_none()));
    let unreached_limit = fault.limit.filter(|(limit, _)| requests < limit.count);
    let unreached_tls = fault.tls.filter(|(fault, ..)| *fault == TlsFault::BadRecord && owes_a_bad_record);
    let unreached = [
        unreached_idle.map(|(.., rule)| rule),
        unreached_limit.map(|(_, rule)| rule),
        unreached_tls.map(|(.., rule)| rule),
    ];
    if unreached.iter().any(Option::is_some) {
        let mut state = world.state();
        unreached.into_iter().flatten().for_each(|rule| state.counters.retract_connection(rule));
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
        if played == Played::Over || link.tunnels.load(Ordering::Relaxed) {
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
    let service =
        Exchanges { shell: shell.clone(), link: link.clone(), meter: meter.clone(), spare: Arc::default() };
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
