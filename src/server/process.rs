//! An emulator as a process: its runtime, and what tells it to stop.

use std::future::pending;
use std::io;
use std::time::Duration;

use super::{Emulator, StartError};
use crate::config::Config;
use crate::scenario::Scenario;

/// What the runtime may take to end its threads.
const RUNTIME_GRACE: Duration = Duration::from_millis(200);
/// How often the parent is looked for.
const PARENT_INTERVAL: Duration = Duration::from_millis(100);

/// Serves until SIGTERM, SIGINT, or, when asked to, the end of the process that started this one. Says when it is ready
/// and when it is about to stop.
///
/// At SIGHUP `reload` may give another scenario.
///
/// # Errors
/// When the emulator cannot start.
pub fn run_until_told_to_stop(
    config: Config,
    exit_with_parent: bool,
    ready: impl FnOnce(&Emulator),
    reload: impl Fn() -> Option<Scenario>,
    stopping: impl FnOnce(&Emulator),
) -> Result<(), StartError> {
    let parent = exit_with_parent.then(parent_id);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Process)?;
    let result = runtime.block_on(async {
        // Whoever sees that it is ready may send signals.
        let told_to_stop = told_to_stop(parent).map_err(StartError::Process)?;
        tokio::pin!(told_to_stop);
        let mut hangups = hangups().map_err(StartError::Process)?;
        let emulator = Emulator::start(config).await?;
        ready(&emulator);
        loop {
            tokio::select! {
                () = &mut told_to_stop => break,
                () = hangups.next() => {
                    if let Some(scenario) = reload() {
                        tracing::info!(name = scenario.name, "the scenario was read again");
                        emulator.reload(scenario);
                    }
                }
            }
        }
        stopping(&emulator);
        emulator.stop().await;
        Ok(())
    });
    runtime.shutdown_timeout(RUNTIME_GRACE);
    result
}

/// Waits for SIGTERM, SIGINT, or the end of the parent. Signals count from the call on, not from the first poll.
pub(super) fn told_to_stop(parent: Option<u32>) -> io::Result<impl Future<Output = ()>> {
    let signalled = signalled()?;
    let orphaned = async move {
        match parent {
            Some(parent) => {
                while parent_id() == parent {
                    tokio::time::sleep(PARENT_INTERVAL).await;
                }
            }
            None => pending().await,
        }
    };
    Ok(async move {
        tokio::select! {
            () = signalled => {}
            () = orphaned => {}
        }
    })
}

/// Tells of SIGHUP.
#[cfg(unix)]
struct Hangups(tokio::signal::unix::Signal);

#[cfg(unix)]
fn hangups() -> io::Result<Hangups> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).map(Hangups)
}

#[cfg(unix)]
impl Hangups {
    async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            pending().await
        }
    }
}

/// Elsewhere there is no SIGHUP.
#[cfg(not(unix))]
struct Hangups;

#[cfg(not(unix))]
fn hangups() -> io::Result<Hangups> {
    Ok(Hangups)
}

#[cfg(not(unix))]
impl Hangups {
    async fn next(&mut self) {
        pending().await
    }
}

#[cfg(unix)]
fn signalled() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signalled() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            pending().await
        }
    })
}

#[cfg(unix)]
fn parent_id() -> u32 {
    std::os::unix::process::parent_id()
}

/// Elsewhere the parent is not known, so it never seems to be gone.
#[cfg(not(unix))]
fn parent_id() -> u32 {
    0
}
