//! The body of an answer as hyper takes it: slices of shared chunks.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::socket::{Meter, Phase};
use crate::content::Content;

/// The largest slice that is given to hyper at once.
const SLICE_BYTES: usize = 256 << 10;

/// A body on its way out. When hyper lets go of it, it has the whole answer.
pub(super) struct Outgoing {
    content: Content,
    sent: u64,
    meter: Arc<Meter>,
}

impl Outgoing {
    pub(super) fn new(content: Content, meter: Arc<Meter>) -> Self {
        Outgoing { content, sent: 0, meter }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        let mut slice = this.content.bytes_at(this.sent);
        slice.truncate(SLICE_BYTES);
        if slice.is_empty() {
            return Poll::Ready(None);
        }
        this.sent += slice.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(slice))))
    }

    /// Never for a body that was empty from the start: hyper would write its length behind the other headers.
    fn is_end_stream(&self) -> bool {
        self.sent == self.content.len() && !self.content.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.content.len() - self.sent)
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.meter.enter(Phase::Sending);
    }
}
