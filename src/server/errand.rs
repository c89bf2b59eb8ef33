//! What happens without a request: jobs that are complete by the clock, and callbacks that tell of them.
//!
//! A callback is the only thing for which this program opens a connection, and by itself only to this machine.
//!
//! Source: CAS API, "Notification configuration" (`cas.md` 4.3). Assumed: POST, and that what is not answered with success
//! is repeated.

use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, Uri};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::Shell;
use crate::cas;
use crate::clock::{Clock, Timestamp};
use crate::config::Callbacks;
use crate::journal::CallbackRecord;
use crate::world::{State, World};

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is waited before each attempt but the first.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Somebody is to be told that a job is complete.
pub(super) struct Errand {
    url: String,
    body: String,
    /// The exchange that started the job, where the journal remembers it.
    n: Option<u64>,
}

/// Settles the jobs that are due. Returns whom to tell, for [`run`].
pub(super) fn settle(state: &mut State, world: &World, now: Timestamp) -> Vec<Errand> {
    let settled = cas::settle(&mut state.store, &world.account, now);
    let errands = settled.into_iter().flat_map(|cas::Settled { job, urls, body }| {
        let n = state.journal.end_job(&job);
        urls.into_iter().map(move |url| Errand { url, body: body.clone(), n })
    });
    errands.collect()
}

/// Settles the jobs that are due at the present time of the world, tells whom it may concern, and comes back when the next
/// will be due.
pub(super) fn attend(shell: &Arc<Shell>, world: &Arc<World>) {
    let errands = settle(&mut world.state(), world, world.now());
    run(shell, world, errands);
}

/// Runs errands, and comes back when the next job will be due.
pub(super) fn run(shell: &Arc<Shell>, world: &Arc<World>, errands: Vec<Errand>) {
    for errand in errands {
        let (shell, world) = (shell.clone(), Arc::downgrade(world));
        shell.tasks.clone().spawn(async move {
            tokio::select! {
                () = tell(&shell, world, errand) => {}
                () = shell.stop.cancelled() => {}
            }
        });
    }
    // A clock that stands still is set by somebody, who then lets it be attended to.
    let Some(due) = world.state().store.due().filter(|_| !matches!(world.clock(), Clock::Frozen(_))) else {
        return;
    };
    if !world.wakes_at(due) {
        return;
    }
    let (shell, weak, time) = (shell.clone(), Arc::downgrade(world), due.since(world.now()));
    shell.tasks.clone().spawn(async move {
        tokio::select! {
            () = sleep(time) => {}
            () = shell.stop.cancelled() => return,
        }
        if let Some(world) = weak.upgrade() {
            world.woke(due);
            attend(&shell, &world);
        }
    });
}

/// Tells one, again and again for a while, until it answers with success.
async fn tell(shell: &Shell, world: Weak<World>, errand: Errand) {
    let record = |attempt: u32, outcome: String| {
        let (Some(world), Some(n)) = (world.upgrade(), errand.n) else { return };
        let at = world.now().iso_milliseconds();
        let record = CallbackRecord { url: errand.url.clone(), attempt, at, outcome };
        world.state().journal.update(n, |entry| entry.details().callbacks.push(record));
    };
    let (uri, host) = match may_tell(&errand.url, shell.config.callbacks) {
        Ok(told) => told,
        Err(reason) => return record(0, format!("not sent: {reason}")),
    };
    let pauses = PAUSES.into_iter().map(Some).chain([None]);
    for (attempt, pause) in (1..).zip(pauses) {
        let outcome = timeout(PATIENCE, post(&uri, &host, &errand.body)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
        let succeeded = outcome.as_ref().is_ok_and(http::StatusCode::is_success);
        record(attempt, outcome.map_or_else(|reason| reason, |status| status.as_u16().to_string()));
        match pause {
            Some(pause) if !succeeded => sleep(pause).await,
            _ => return,
        }
    }
}

/// The parts of a URL that may be told something.
///
/// # Errors
/// Why it may not.
fn may_tell(url: &str, callbacks: Callbacks) -> Result<(Uri, String), &'static str> {
    let uri: Uri = url.parse().map_err(|_| "it is no URL")?;
    let host = uri.host().ok_or("it names no host")?.trim_matches(['[', ']']).to_owned();
    let is_here =
        host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if callbacks == Callbacks::Loopback && !is_here {
        return Err("only addresses of this machine are told; --callbacks any allows the others");
    }
    if uri.scheme_str() != Some("http") {
        return Err("cos-emu tells over http alone; give a URL of http://");
    }
    Ok((uri, host))
}

/// # Errors
/// Why there was no answer.
async fn post(uri: &Uri, host: &str, body: &str) -> Result<http::StatusCode, String> {
    let stream =
        TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let authority = uri.authority().map_or(host, |authority| authority.as_str());
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let request = Request::post(target).header(HOST, authority).header(CONTENT_TYPE, "application/json");
    let request = request.body(Full::<Bytes>::from(body.to_owned())).map_err(|error| error.to_string())?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        Ok(response.status())
    };
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        // The end of the connection may be seen before the answer that came ahead of it.
        _ = connection => answer.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_told_unless_all_are_allowed() {
        for url in ["http://127.0.0.1:80/x", "http://localhost/", "http://[::1]:9/", "http://127.9.9.9"] {
            assert!(may_tell(url, Callbacks::Loopback).is_ok(), "{url}");
        }
        for url in
            ["http://example.com/", "http://10.0.0.1/", "http://localhost.example.com/", "http://[::2]/"]
        {
            assert!(may_tell(url, Callbacks::Loopback).is_err(), "{url}");
            assert!(may_tell(url, Callbacks::Any).is_ok(), "{url}");
        }
        for url in ["https://127.0.0.1/", "/x", "", "ftp://127.0.0.1/"] {
            assert!(may_tell(url, Callbacks::Any).is_err(), "{url}");
        }
    }
}
