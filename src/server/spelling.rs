//! Teaches hyper how header names are spelled.
//!
//! hyper writes names in lower case or in title case; real clients need `ETag`. It keeps the spelling of a message that it
//! received, in an extension that is private but can be cloned. So a canned answer with every name is received once
//! from a connection in memory, and its extension is given to every answer.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::wire::head::SPELLINGS;

/// The extension that makes hyper write the names of [`SPELLINGS`] as they stand there.
///
/// # Errors
/// When hyper does not understand its own kind, which no input can bring about.
pub(super) async fn learn() -> Result<http::Extensions, hyper::Error> {
    let mut canned = "HTTP/1.1 200 OK\r\n".to_owned();
    for name in SPELLINGS {
        canned.push_str(&format!("{name}: {}\r\n", if *name == "Content-Length" { "0" } else { "x" }));
    }
    canned.push_str("\r\n");

    let (ours, mut theirs) = tokio::io::duplex(8 << 10);
    let (mut sender, connection) =
        http1::Builder::new().preserve_header_case(true).handshake(TokioIo::new(ours)).await?;
    let ask = async move {
        let answer = sender.send_request(Request::new(Empty::<Bytes>::new())).await;
        // The connection ends when nobody can ask any more.
        drop(sender);
        answer
    };
    let answer = async {
        // Memory does not fail while both ends are alive; if it did, `ask` would say so.
        let _ = theirs.read(&mut [0; 1 << 10]).await;
        let _ = theirs.write_all(canned.as_bytes()).await;
    };
    let (answer, _, ()) = tokio::join!(ask, connection, answer);
    Ok(answer?.extensions().clone())
}
