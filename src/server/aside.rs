//! Work that takes its time, on a thread where it holds up no exchange: what reads a disk, or hashes what is stored.

/// Does it. What it panics with, the task that waits for it panics with.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    // It is not cancelled: the runtime does not stop before its tasks have.
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
