//! The async shell: the only module that touches sockets, tokio and hyper.
//!
//! `connection` serves one connection, `dispatch` one request in six steps; `intake` receives bodies, `play` plays
//! scripts. All decisions are made elsewhere, by functions that know no socket.

mod body;
mod connection;
mod dispatch;
mod exec;
mod forget;
mod intake;
mod malformed;
mod plan;
mod play;
mod probe;
mod process;
mod socket;
mod spelling;
mod stream;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::chance::Seed;
use crate::config::Config;
use crate::journal::Exchange;
use crate::judge::{self, CommandEnd, Judgement, Verdict};
use crate::scenario::{ClientResult, Scenario};
use crate::world::World;
use stream::Stream;

pub use exec::{NOT_MET, Run, run_and_judge};
pub use probe::is_ready;
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
    /// hyper could not be taught the spelling of headers.
    #[error("cannot prepare the header names: {0}")]
    Spelling(#[from] hyper::Error),
}

/// What all connections share.
#[derive(Debug)]
struct Shell {
    config: Config,
    started: Instant,
    world: RwLock<Arc<World>>,
    spelling: http::Extensions,
    memory: Arc<intake::Memory>,
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
        let addr_of = |listener: &TcpListener, addr| {
            listener.local_addr().map_err(|source| StartError::Bind { addr, source })
        };
        let addr = addr_of(&data, config.listen)?;
        let control_addr = control.as_ref().map(|control| addr_of(control, config.listen)).transpose()?;

        let shell = Arc::new(Shell {
            world: RwLock::new(Arc::new(World::new(&config, scenario, seed, Duration::ZERO))),
            started: Instant::now(),
            memory: intake::Memory::new(config.max_memory_bytes),
            connections: AtomicU64::new(0),
            stop: CancellationToken::new(),
            config,
            spelling,
        });
        let tasks = TaskTracker::new();
        tasks.spawn(accept(shell.clone(), tasks.clone(), data, Role::Data));
        if let Some(control) = control {
            tasks.spawn(accept(shell.clone(), tasks.clone(), control, Role::Control));
        }
        tasks.close();
        let emulator = Emulator { addr, control_addr, shell, tasks };
        if let Some(path) = &emulator.shell.config.ready_file {
            std::fs::write(path, format!("{}\n", emulator.url()))
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
        self.shell.world().journal().entries(0, usize::MAX).cloned().collect()
    }

    /// The rules that did not fire as often as they must, each as a sentence.
    pub fn unfulfilled_rules(&self) -> Vec<String> {
        let world = self.shell.world();
        let counts = world.counts();
        let rules = world.scenario.rules.iter().map(|rule| (&rule.id, rule.must_fire));
        let of_connections = world.scenario.connections.iter().map(|rule| (&rule.id, rule.must_fire));
        let counted = rules.chain(of_connections).zip(counts);
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
        *self.shell.world.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
    }

    /// A connection that stays within the process: what is written to it is a request. An RST is an end of file here.
    pub fn connect(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let stream = Stream::Pipe(ours);
        self.tasks.spawn(connection::serve(
            stream,
            Ipv4Addr::LOCALHOST.into(),
            self.shell.clone(),
            Role::Data,
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
    fn world(&self) -> Arc<World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long the server has been running.
    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Puts a new world in the place of the present one.
    fn reset(&self) {
        let old = self.world();
        let new = Arc::new(World::new(&self.config, old.scenario.clone(), old.seed, self.uptime()));
        *self.world.write().unwrap_or_else(PoisonError::into_inner) = new;
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

/// Accepts connections until the server stops.
async fn accept(shell: Arc<Shell>, tasks: TaskTracker, listener: TcpListener, role: Role) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shell.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                prepare(&stream);
                let stream = Stream::Tcp(stream);
                tasks.spawn(connection::serve(stream, peer.ip(), shell.clone(), role));
            }
            Err(error) => {
                // Mostly too many open files: wait for some to close instead of spinning.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
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
