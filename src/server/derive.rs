//! What a request needs computed before it can be answered, such as the digests of a copied range or of a grown object: behind the lock, in
//! steps, with other tasks between.

use tokio::task::yield_now;

use super::admission::{Asker, name_of};
use super::reading;
use super::route::{Derivation, Route};
use crate::content::Content;
use crate::cos::{self, PostedForm};
use crate::digest::{Digests, Hasher, Wanted};
use crate::message::{Context, Head, Received, Reply};
use crate::signature::{self, Verdict};
use crate::world::World;

/// How many bytes are hashed or searched between two yields.
const STEP_BYTES: usize = 256 << 10;

/// A body with what its handler needs.
pub(super) struct Derived {
    pub(super) body: Received,
    pub(super) asker: Asker,
    /// What the journal says of the signature, where that was not known from the head.
    pub(super) signature: Option<&'static str>,
}

/// Feeds all bytes in steps, with other tasks between.
async fn feed(content: &Content, mut update: impl FnMut(&[u8])) {
    let mut start = 0;
    loop {
        let piece = reading::bytes_at(content, start).await;
        if piece.is_empty() {
            return;
        }
        start += piece.len() as u64;
        for step in piece.chunks(STEP_BYTES) {
            update(step);
            yield_now().await;
        }
    }
}

async fn hash(content: &Content, wanted: Wanted) -> Digests {
    let mut hasher = Hasher::new(wanted);
    feed(content, |step| hasher.update(step)).await;
    hasher.finish()
}

/// How many bytes the file of a form has; `None` when its end is not there.
async fn find_end(posted: &PostedForm, content: &Content) -> Option<u64> {
    let mut finder = posted.end_finder();
    let mut start = posted.start;
    loop {
        let piece = reading::bytes_at(content, start).await;
        if piece.is_empty() {
            return None;
        }
        start += piece.len() as u64;
        for step in piece.chunks(STEP_BYTES) {
            if let Some(length) = finder.feed(step) {
                return Some(length);
            }
            yield_now().await;
        }
    }
}

/// Makes of a body what is needed before the request can be answered, and finds out who posted a form.
///
/// # Errors
/// The answer that is final.
pub(super) async fn derive(
    route: &Route,
    head: &Head,
    body: Received,
    world: &World,
    asker: &Asker,
    context: Context<'_>,
) -> Result<Derived, Reply> {
    let derivation = route.derivation(head, &body, &world.state().store, &context)?;
    let derived = |body| Derived { body, asker: asker.clone(), signature: None };
    match derivation {
        Derivation::None => Ok(derived(body)),
        Derivation::Bytes(content, wanted) => {
            let digests = hash(&content, wanted).await;
            Ok(derived(Received { content, digests, ..body }))
        }
        Derivation::Source(content, wanted) => {
            let digests = hash(&content, wanted).await;
            Ok(derived(Received { source: Some((content, digests)), ..body }))
        }
        Derivation::Grown(mut grown) => {
            feed(&body.content, |step| grown.update(step)).await;
            Ok(derived(Received { grown: Some(grown), ..body }))
        }
        Derivation::Form(posted) => {
            let length = find_end(&posted, &body.content).await;
            let content =
                posted.file(&body.content, length).map_err(|error| cos::refuse(error, head, &context))?;
            let digests = hash(&content, posted.wanted).await;
            let verdict = signature::check_form(&posted.form, &world.credentials, world.auth, world.now());
            if let Verdict::Refused(refusal) = &verdict {
                return Err(route.refuse_signature(refusal, head, &context));
            }
            let asker = Asker::of(&verdict, posted.form.field("q-ak"), world);
            let body =
                Received { content, digests, form: Some(Box::new(posted.form)), ..Received::default() };
            Ok(Derived { body, asker, signature: name_of(&verdict) })
        }
    }
}
