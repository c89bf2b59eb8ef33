//! Reading bodies without blocking the thread: what was spilled is read from disk elsewhere.

use bytes::Bytes;

use super::aside::aside;
use crate::content::{Content, Found, OnDisk};

/// The bytes from `start` on that lie together: at least one, unless the content ends there.
pub(super) async fn bytes_at(content: &Content, start: u64) -> Bytes {
    match content.find(start) {
        Found::Bytes(bytes) => bytes,
        Found::OnDisk(bytes) => from_disk(bytes).await,
    }
}

/// All bytes in one piece: for what is short.
pub(super) async fn to_bytes(content: &Content) -> Bytes {
    let first = bytes_at(content, 0).await;
    if first.len() as u64 == content.len() {
        return first;
    }
    let mut all = Vec::from(first);
    while (all.len() as u64) < content.len() {
        all.extend_from_slice(&bytes_at(content, all.len() as u64).await);
    }
    all.into()
}

/// Reads what lies on disk.
pub(super) async fn from_disk(bytes: OnDisk) -> Bytes {
    aside(move || bytes.read()).await
}
