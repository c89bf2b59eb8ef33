//! What cos-emu is measured against: servers on hyper alone that do what cannot be left out, and nothing else.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use cos_emu::tree_hash::TreeHasher;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use md5::{Digest as _, Md5};
use sha2::Sha256;
use tokio::net::TcpListener;

/// What is sent: as much as an object, so that it is read from where an object would be.
const SOURCE_BYTES: usize = 8 << 20;
/// The pieces that a body is sent in.
const SLICE_BYTES: usize = 256 << 10;

/// What was put, by path, as it came.
type Kept = Arc<Mutex<HashMap<String, Vec<Bytes>>>>;

/// Where what is put is hashed as CAS does it, and not as COS.
pub const ARCHIVES: &str = "/archives/";

/// The hashes that a body cannot do without.
enum Hashes {
    Cos(Md5),
    Cas(Sha256, TreeHasher),
}

impl Hashes {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Hashes::Cos(md5) => md5.update(bytes),
            Hashes::Cas(linear, tree) => {
                linear.update(bytes);
                tree.update(bytes);
            }
        }
    }

    fn finish(self) -> String {
        match self {
            Hashes::Cos(md5) => format!("{:x?}", md5.finalize()),
            Hashes::Cas(linear, tree) => format!("{:x?} {}", linear.finalize(), tree.finish().root()),
        }
    }
}

/// Serves: a PUT is hashed and kept, a GET of `/<n>` is answered with n bytes, of `/0` with nothing.
pub fn serve() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        println!("floor on http://{}", listener.local_addr().expect("it is bound"));
        let kept = Kept::default();
        let source = Bytes::from(vec![7; SOURCE_BYTES]);
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("it is a socket");
            let (kept, source) = (kept.clone(), source.clone());
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(request, kept.clone(), source.clone()));
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
}

async fn answer(
    request: Request<Incoming>,
    kept: Kept,
    source: Bytes,
) -> Result<Response<Source>, hyper::Error> {
    let path = request.uri().path().to_owned();
    if request.method() == Method::PUT {
        let mut hashes = if path.starts_with(ARCHIVES) {
            Hashes::Cas(Sha256::new(), TreeHasher::new())
        } else {
            Hashes::Cos(Md5::new())
        };
        let (mut body, mut pieces) = (request.into_body(), Vec::new());
        while let Some(frame) = body.frame().await {
            if let Ok(piece) = frame?.into_data() {
                hashes.update(&piece);
                pieces.push(piece);
            }
        }
        let etag = hashes.finish();
        kept.lock().expect("no panic").insert(path, pieces);
        let mut answer = Response::new(Source { source, left: 0 });
        answer.headers_mut().insert("etag", etag.parse().expect("it is text"));
        return Ok(answer);
    }
    let left = path.trim_start_matches('/').parse().unwrap_or(0);
    Ok(Response::new(Source { source, left }))
}

/// A body of so many bytes, sent in slices.
struct Source {
    source: Bytes,
    left: u64,
}

impl Body for Source {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let start = self.left as usize % SOURCE_BYTES;
        let end = (start + SLICE_BYTES).min(SOURCE_BYTES).min(start + self.left as usize);
        let piece = self.source.slice(start..end);
        self.left -= piece.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
