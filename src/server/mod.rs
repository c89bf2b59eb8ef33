//! The async shell: the only module that touches sockets, tokio and hyper.
//!
//! `connection` serves one connection, `dispatch` one request in six steps; `intake` receives bodies, `play` plays
//! scripts. All decisions are made elsewhere, by functions that know no socket.

mod admission;
mod aside;
mod authority;
mod body;
mod connection;
mod controlled;
mod derive;
mod dispatch;
mod errand;
mod exec;
mod forget;
mod intake;
mod lanes;
mod malformed;
mod plan;
mod play;
mod probe;
mod process;
mod proxy;
mod reading;
mod record;
mod route;
mod socket;
mod spelling;
mod stream;
mod tls;
mod worlds;

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::task::Poll;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::worlds::{Other, Worlds};
use crate::chance::Seed;
use crate::config::Config;
use crate::journal::Exchange;
use crate::judge::{self, CommandEnd, Judgement, Verdict};
use crate::scenario::{ClientResult, Scenario};
use crate::world::{Name, World};
use stream::Stream;

pub use authority::ca_in;
pub use exec::{NOT_MET, Proxied, Run, run_and_judge};
pub use probe::{ca_of, is_ready};
pub use process::run_until_told_to_stop;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 4096;
/// How long connections have to end by themselves when the server stops.
const STOP_GRACE: Duration = Duration::from_millis(500);
/// How many bytes a pipe within the process holds.
const PIPE_BYTES: usize = 64 << 10;
/// How long an idle connection goes unprobed for a client that is gone.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// A running emulator. It stops when it is dropped.
#[derive(Debug)]
pub struct Emulator {
    addr: SocketAddr,
    tls_addr: Option<SocketAddr>,
    control_addr: Option<SocketAddr>,
    shell: Arc<Shell>,
    tasks: TaskTracker,
}

/// Why an emulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The ready file cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    ReadyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The process lacks what it needs: threads, signals.
    #[error("cannot run: {0}")]
    Process(io::Error),
    /// There is no CA for TLS.
    #[error("cannot keep a CA: {0}")]
    Authority(#[from] authority::AuthorityError),
    /// hyper could not be taught the spelling of headers.
    #[error("cannot prepare the header names: {0}")]
    Spelling(#[from] hyper::Error),
}

/// What all connections share.
#[derive(Debug)]
struct Shell {
    config: Config,
    started: Instant,
    worlds: RwLock<Worlds>,
    /// Who listens, for ports that are opened later.
    tasks: TaskTracker,
    spelling: http::Extensions,
    memory: Arc<intake::Memory>,
    /// The MD5 of large bodies on their way in.
    lanes: Arc<lanes::Lanes>,
    authority: authority::Authority,
    connections: AtomicU64,
    stop: CancellationToken,
}

/// What a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The services, and the control API when it has no port of its own.
    Data,
    /// The control API alone.
    Control,
}

/// What came through: what its listener serves, and the world that it belongs to.
#[derive(Debug, Clone)]
struct Door {
    role: Role,
    /// The id of the world whose port it is, and what ends it.
    claimed: Option<(Arc<str>, CancellationToken)>,
}

impl Door {
    fn of(role: Role) -> Self {
        Door { role, claimed: None }
    }
}

impl Emulator {
    /// Binds and serves in the background. When this returns, connections are accepted.
    ///
    /// Must be called within a tokio runtime with time and I/O enabled.
    ///
    /// # Errors
    /// When an address cannot be bound or the ready file cannot be written.
    pub async fn start(config: Config) -> Result<Emulator, StartError> {
        let seed = config
            .seed
            .or(config.scenario.as_ref().and_then(|scenario| scenario.seed))
            .unwrap_or_else(Seed::random);
        let scenario = config.scenario.clone().unwrap_or_else(Scenario::none);
        let spelling = spelling::learn().await?;
        let data = listen(config.listen)?;
        let control = config.control_listen.map(listen).transpose()?;
        let tls = config.tls_listen.map(listen).transpose()?;
        let addr_of = |listener: &TcpListener, addr| {
            listener.local_addr().map_err(|source| StartError::Bind { addr, source })
        };
        let addr = addr_of(&data, config.listen)?;
        let tls_addr = tls.as_ref().map(|tls| addr_of(tls, config.listen)).transpose()?;
        let control_addr = control.as_ref().map(|control| addr_of(control, config.listen)).transpose()?;

        let tasks = TaskTracker::new();
        let shell = Arc::new(Shell {
            worlds: RwLock::new(Worlds::new(World::new(
                &config,
                scenario,
                seed,
                Duration::ZERO,
                Name::default(),
            ))),
            tasks: tasks.clone(),
            started: Instant::now(),
            memory: intake::Memory::new(config.max_memory_bytes, config.spill_dir.clone()),
            lanes: Arc::default(),
            authority: authority::Authority::new(config.ca_dir.clone(), &config.control_hosts)?,
            connections: AtomicU64::new(0),
            stop: CancellationToken::new(),
            config,
            spelling,
        });
        tasks.spawn(accept(shell.clone(), data, Door::of(Role::Data)));
        if let Some(control) = control {
            tasks.spawn(accept(shell.clone(), control, Door::of(Role::Control)));
        }
        if let Some(tls) = tls {
            tasks.spawn(accept(shell.clone(), tls, Door::of(Role::Data)));
        }
        tasks.close();
        let emulator = Emulator { addr, tls_addr, control_addr, shell, tasks };
        if let Some(path) = &emulator.shell.config.ready_file {
            write_whole(path, &format!("{}\n", emulator.url()))
                .map_err(|source| StartError::ReadyFile { path: path.clone(), source })?;
        }
        Ok(emulator)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where the control API listens: the same address, unless it has one of its own.
    pub fn control_addr(&self) -> SocketAddr {
        self.control_addr.unwrap_or(self.addr)
    }

    /// Where else it listens, for clients of https: the same address, unless there is another for them.
    pub fn tls_addr(&self) -> SocketAddr {
        self.tls_addr.unwrap_or(self.addr)
    }

    /// The certificate of the CA that signs for TLS, in PEM.
    pub fn ca_pem(&self) -> &str {
        self.shell.authority.pem()
    }

    /// Its address as a URL that a client on this machine can use.
    pub fn url(&self) -> String {
        let mut addr = self.addr;
        if addr.ip().is_unspecified() {
            addr.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        format!("http://{addr}")
    }

    /// The seed in use.
    pub fn seed(&self) -> Seed {
        self.shell.world().seed
    }

    /// The exchanges that the journal remembers, the oldest first.
    pub fn journal(&self) -> Vec<Exchange> {
        self.shell.world().exchanges(0, usize::MAX)
    }

    /// The rules that did not fire as often as they must, each as a sentence.
    pub fn unfulfilled_rules(&self) -> Vec<String> {
        let world = self.shell.world();
        let counts = world.counts();
        let counted = world.scenario.obligations().zip(counts);
        counted.filter_map(|((id, must_fire), count)| judge::unfulfilled(id, must_fire, count)).collect()
    }

    /// Judges what has happened so far.
    pub fn verdict(&self) -> Verdict {
        self.judge(None).verdict
    }

    /// Judges what has happened so far; `command` is how the command of `exec` ended.
    pub fn judge(&self, command: Option<CommandEnd>) -> Judgement {
        self.shell.world().judge(command)
    }

    /// Whether the scenario says what has to hold at the end.
    pub fn has_expectations(&self) -> bool {
        self.shell.world().scenario.expect.is_some()
    }

    /// How the scenario expects the command of `exec` to end.
    pub fn expected_client_result(&self) -> Option<ClientResult> {
        self.shell.world().scenario.expect.as_ref()?.client_result
    }

    /// Puts another scenario in the place of the present one: its rules, counters, states and settings start anew, and what
    /// its setup names and is not there is made. What is stored and journalled stays. Exchanges that are under way end
    /// as they began.
    pub fn reload(&self, scenario: Scenario) {
        let old = self.shell.world();
        let seed = self.shell.config.seed.or(scenario.seed).unwrap_or(old.seed);
        let new = old.reloaded(&self.shell.config, scenario, seed, self.shell.uptime());
        self.shell.worlds_mut().replace(new);
        errand::attend(&self.shell, &self.shell.world());
    }

    /// A connection that stays within the process: what is written to it is a request. An RST is an end of file here.
    pub fn connect(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let stream = Stream::Pipe(ours);
        self.tasks.spawn(connection::serve(
            stream,
            Ipv4Addr::LOCALHOST.into(),
            self.shell.clone(),
            Door::of(Role::Data),
        ));
        theirs
    }

    /// Stops accepting, gives connections half a second to end, and ends the rest.
    pub async fn stop(self) {
        self.shell.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.shell.stop.cancel();
    }
}

impl Shell {
    fn worlds(&self) -> RwLockReadGuard<'_, Worlds> {
        self.worlds.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn worlds_mut(&self) -> RwLockWriteGuard<'_, Worlds> {
        self.worlds.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world of the command line.
    fn world(&self) -> Arc<World> {
        self.worlds().default_world()
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Puts a world back to its start.
    fn reset(&self, world: &World) {
        let fresh = world.reset(&self.config, self.uptime());
        self.worlds_mut().replace(fresh);
    }

    /// Makes a world, with a port of its own if it claims one.
    ///
    /// # Errors
    /// When its port cannot be opened.
    fn create(self: &Arc<Self>, scenario: Scenario) -> Result<Other, StartError> {
        let seed = scenario.seed.or(self.config.seed).unwrap_or_else(Seed::random);
        let id = format!("{:016x}", Seed::random().0);
        let fresh = || (format!("AKID{id}"), format!("{:016x}{:016x}", Seed::random().0, Seed::random().0));
        let client = scenario.claim.client.is_none().then(fresh);
        let listener =
            scenario.claim.port.map(|port| listen(SocketAddr::new(self.config.listen.ip(), port.0)));
        let listener = listener.transpose()?;
        let addr = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let stop = self.stop.child_token();
        let name = Name { id: id.clone(), client };
        let world = World::new(&self.config, scenario, seed, self.uptime(), name);
        let other = Other { world: Arc::new(world), addr, stop: stop.clone() };
        self.worlds_mut().add(other.clone());
        if let Some(listener) = listener {
            let door = Door { role: Role::Data, claimed: Some((id.into(), stop)) };
            self.tasks.spawn(accept(self.clone(), listener, door));
        }
        Ok(other)
    }
}

/// A listener with a long backlog. On IPv6 it takes IPv4 as well.
fn listen(addr: SocketAddr) -> Result<TcpListener, StartError> {
    let bind = || {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        if addr.is_ipv6() && addr.ip().is_unspecified() {
            socket.set_only_v6(false)?;
        }
        socket.set_reuse_address(cfg!(unix))?;
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    bind().map_err(|source| StartError::Bind { addr, source })
}

/// Writes a file such that who waits for it finds all of it. A pipe or a descriptor is written to as it is.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    if path.exists() && !path.is_file() {
        return std::fs::write(path, text);
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    std::fs::write(&unfinished, text)?;
    std::fs::rename(unfinished, path)
}

/// Accepts connections until the server stops.
async fn accept(shell: Arc<Shell>, listener: TcpListener, door: Door) {
    let stop = door.claimed.as_ref().map_or(&shell.stop, |(_, stop)| stop).clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                prepare(&stream);
                let stream = Stream::Tcp(stream);
                shell.tasks.spawn(connection::serve(stream, peer.ip(), shell.clone(), door.clone()));
                // In a storm the next one waits in the kernel, so that those who are served have their turn.
                let_others_go_first().await;
            }
            Err(error) => {
                // Mostly too many open files: wait for some to close instead of spinning.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Goes to the end of the queue of the tasks that are ready. tokio's own `yield_now` waits for the next look at the network,
/// which is far away while large bodies are hashed.
async fn let_others_go_first() {
    let mut went = false;
    poll_fn(|context| {
        if std::mem::replace(&mut went, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Without these a connection is only slower, or lives on when its client is gone.
fn prepare(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    let prepared =
        stream.set_nodelay(true).and_then(|()| socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive));
    if let Err(error) = prepared {
        tracing::debug!(%error, "cannot set the options of a connection");
    }
}
