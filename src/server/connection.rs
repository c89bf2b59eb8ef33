//! One connection: hyper serves it, until a script takes the socket over; then the script is played, and hyper may get
//! the socket back.

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::body::Outgoing;
use super::play::{Played, close, play};
use super::socket::{Meter, Patience, Phase, Socket, Watcher};
use super::{Role, STOP_GRACE, Shell, dispatch, malformed};
use crate::journal::Ended;
use crate::wire::script::Script;
use crate::world::World;

/// The largest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// What the requests of one connection share.
#[derive(Debug)]
pub(super) struct Link {
    /// The number of the connection.
    pub(super) number: u64,
    /// What its listener serves.
    pub(super) role: Role,
    requests: AtomicU64,
    /// The exchange whose answer is on its way.
    open: Mutex<Option<Open>>,
    left: Notify,
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
}

impl Link {
    /// The number of a new request.
    pub(super) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
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
        open.world.journal().update(open.n, |exchange| {
            exchange.ended = Some(ended);
            if let Some(answer) = &mut exchange.answer {
                answer.bytes = answer.bytes.min(sent);
            }
        });
    }
}

impl Watcher for Link {
    fn answer_left(&self) {
        self.take_open();
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

/// Serves a connection to its end.
pub(super) async fn serve(stream: TcpStream, shell: Arc<Shell>, number: u64, role: Role) {
    let link = Arc::new(Link {
        number,
        role,
        requests: AtomicU64::new(0),
        open: Mutex::new(None),
        left: Notify::new(),
    });
    let patience = Patience { head: shell.config.head_timeout, idle: shell.config.idle_timeout };
    let mut socket = Socket::new(stream, patience, link.clone());
    let meter = socket.meter().clone();
    let stopped = async {
        shell.stop.cancelled().await;
        tokio::time::sleep(STOP_GRACE).await;
    };
    tokio::select! {
        ended = converse(&mut socket, &shell, &link) => {
            if let Err(error) = ended {
                let reset = matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe);
                link.client_gone(&meter, if reset { Ended::ClientReset } else { Ended::ClientClose });
            }
        }
        () = stopped => {}
    }
}

/// Serves requests until the connection is over.
///
/// # Errors
/// When the client goes away before its answer is complete.
async fn converse(socket: &mut Socket, shell: &Arc<Shell>, link: &Arc<Link>) -> io::Result<()> {
    let meter = socket.meter().clone();
    loop {
        let script = match serve_by_hyper(socket, shell, link, &meter).await? {
            Served::Over => return close(socket).await,
            Served::TakenOver(script) => script,
        };
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
    let error = match served {
        Ok(()) => return Ok(Served::Over),
        Err(error) => error,
    };
    if let Some(Takeover(script)) = error.source().and_then(|source| source.downcast_ref()) {
        return Ok(Served::TakenOver(script.clone()));
    }
    let head = meter.take_head();
    if error.is_parse() || (meter.timed_out() && !head.is_empty()) {
        return Ok(Served::TakenOver(malformed::answer(&error, &head, shell, link)));
    }
    if meter.timed_out() {
        return Ok(Served::Over);
    }
    let kind = error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    Err(kind.unwrap_or(io::ErrorKind::UnexpectedEof).into())
}
