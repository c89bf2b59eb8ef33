//! The body of an answer as hyper takes it: slices of shared chunks, or events as they come.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc::Receiver;

use super::reading::from_disk;
use super::socket::{Meter, Phase};
use crate::content::{Content, Found};

/// The largest slice that is given to hyper at once.
const SLICE_BYTES: usize = 256 << 10;

/// A body on its way out. When hyper lets go of it, it has the whole answer.
pub(super) struct Outgoing {
    source: Source,
    meter: Arc<Meter>,
}

enum Source {
    Content {
        content: Content,
        sent: u64,
        /// The next bytes, while they are read from disk.
        on_disk: Option<Pin<Box<dyn Future<Output = Bytes> + Send>>>,
    },
    Events(Receiver<Bytes>),
}

impl Outgoing {
    pub(super) fn new(content: Content, meter: Arc<Meter>) -> Self {
        Outgoing { source: Source::Content { content, sent: 0, on_disk: None }, meter }
    }

    /// A body of unknown length, which ends when nobody can send any more.
    pub(super) fn events(events: Receiver<Bytes>, meter: Arc<Meter>) -> Self {
        Outgoing { source: Source::Events(events), meter }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.source {
            Source::Content { content, sent, on_disk } => {
                let mut slice = match on_disk {
                    Some(reading) => ready!(reading.as_mut().poll(context)),
                    None => match content.find(*sent) {
                        Found::Bytes(bytes) => bytes,
                        Found::OnDisk(bytes) => {
                            let reading = on_disk.insert(Box::pin(from_disk(bytes)));
                            ready!(reading.as_mut().poll(context))
                        }
                    },
                };
                *on_disk = None;
                slice.truncate(SLICE_BYTES);
                if slice.is_empty() {
                    return Poll::Ready(None);
                }
                *sent += slice.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(slice))))
            }
            Source::Events(events) => {
                events.poll_recv(context).map(|event| event.map(|event| Ok(Frame::data(event))))
            }
        }
    }

    /// Never for a body that was empty from the start: hyper would write its length behind the other headers.
    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Content { content, sent, .. } => *sent == content.len() && !content.is_empty(),
            Source::Events(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Content { content, sent, .. } => SizeHint::with_exact(content.len() - sent),
            Source::Events(_) => SizeHint::default(),
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.meter.enter(Phase::Sending);
    }
}
