//! Plays a script on a socket: writes, pauses, and the three ways in which it goes on.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};

use super::reading;
use super::socket::{Phase, Socket};
use crate::content::Content;
use crate::wire::script::{End, Pace, Paced, Script, Step};

/// How long what the client still sends is read and dropped behind a FIN.
pub(super) const DRAIN_LIMIT: Duration = Duration::from_secs(30);
/// Up to this size a piece is brought together, so that one write takes it.
const ONE_WRITE_BYTES: u64 = 1 << 20;

/// How a played connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Played {
    /// The next request may come.
    Open,
    /// It is over.
    Over,
}

/// Plays a script.
///
/// # Errors
/// When the client goes away before its end.
pub(super) async fn play(socket: &mut Socket, script: &Script) -> io::Result<Played> {
    // What is written from now on is not an answer of hyper's.
    socket.meter().enter(Phase::Serving);
    for step in &script.steps {
        match step {
            Step::Write(bytes) => socket.write_all(bytes).await?,
            Step::Send(content) => send(socket, content).await?,
            Step::Paced(paced) => pace(socket, paced).await?,
            Step::Pause(Some(time)) => sleep(*time).await,
            Step::Pause(None) => return Err(socket.client_gone().await),
        }
    }
    match script.end {
        End::Resume => Ok(Played::Open),
        End::Close => close(socket, DRAIN_LIMIT).await.map(|()| Played::Over),
        End::HalfClose(hold) => close(socket, hold).await.map(|()| Played::Over),
        // The stream is dropped by the caller, and that sends the RST.
        End::Reset => socket.stream().prepare_reset().await.map(|()| Played::Over),
    }
}

/// Writes the bytes of a body as they lie together.
async fn send(socket: &mut Socket, content: &Content) -> io::Result<()> {
    let mut sent = 0;
    while sent < content.len() {
        let bytes = reading::bytes_at(content, sent).await;
        socket.write_all(&bytes).await?;
        sent += bytes.len() as u64;
    }
    Ok(())
}

/// Writes bytes piece by piece, each piece by one write.
async fn pace(socket: &mut Socket, paced: &Paced) -> io::Result<()> {
    let mut done = 0;
    while done < paced.content.len() {
        let (pause, room) = Pace::next(&paced.paces, paced.from + done);
        if !pause.is_zero() {
            sleep(pause).await;
        }
        let end = paced.content.len().min(done.saturating_add(room));
        let piece = paced.content.slice(done..end);
        if piece.len() <= ONE_WRITE_BYTES {
            socket.write_all(&reading::to_bytes(&piece).await).await?;
        } else {
            send(socket, &piece).await?;
        }
        done = end;
    }
    Ok(())
}

/// FIN, then reads what the client still sends, within a bound: closing on unread bytes would turn into an RST.
pub(super) async fn close(socket: &mut Socket, limit: Duration) -> io::Result<()> {
    socket.shutdown().await?;
    let drain = async {
        let mut buffer = vec![0; 64 << 10];
        while socket.read(&mut buffer).await? > 0 {}
        Ok(())
    };
    // The bound has passed: the client has had its time to read the answer.
    timeout(limit, drain).await.unwrap_or(Ok(()))
}
