//! What the journal says of an exchange.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_RANGE;

use crate::digest::Digests;
use crate::journal::{Answer, Download, Ended, Entry, RuleRecord};
use crate::message::{Head, Received, Reply};
use crate::operation::Operation;
use crate::scenario::{self, Decision, Facts, Rule};
use crate::store::{Change, Etag, Store};
use crate::wire::head::{Connection, Framing};
use crate::wire::script::{End, Script};

pub(super) fn answer(reply: &Reply, bytes: u64, framing: &Framing) -> Answer {
    let retry_after = reply.header("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    Answer {
        status: reply.status,
        code: reply.code.clone(),
        bytes,
        retry_after,
        announces_close: framing.connection == Connection::Close,
    }
}

/// The bytes that a read asks for and that there are.
pub(super) fn download(facts: &Facts<'_>) -> Option<Download> {
    let reads = matches!(facts.operation, Some(Operation::GetObject | Operation::GetJobOutput));
    facts.span.range.clone().filter(|_| reads).map(|range| Download { from: range.start, to: range.end })
}

/// The header that says another thing of the body than what arrived; `None` when all that can be compared fits.
pub(super) fn misfit(head: &Head, received: &Received) -> Option<&'static str> {
    let Digests { md5, sha1, sha256, tree, .. } = &received.digests;
    let said = |name: &'static str, arrived: Option<String>| {
        let (arrived, said) = (arrived?, head.header(name)?.trim());
        (!said.eq_ignore_ascii_case(&arrived)).then_some(name)
    };
    let md5_base64 = md5.as_ref().map(|md5| STANDARD.encode(md5.bytes()));
    // Base64 has cases.
    let content_md5 =
        head.header("content-md5").zip(md5_base64).filter(|(said, arrived)| said.trim() != arrived);
    let tree = tree.as_ref().filter(|_| head.header(CONTENT_RANGE).is_some() || !received.content.is_empty());
    content_md5
        .map(|_| "Content-MD5")
        .or_else(|| said("x-cos-content-sha1", sha1.as_ref().map(ToString::to_string)))
        .or_else(|| said("x-cas-content-sha256", sha256.as_ref().map(ToString::to_string)))
        .or_else(|| said("x-cas-sha256-tree-hash", tree.map(|tree| tree.root().to_string())))
}

/// How many stored parts an upload loses by its completion.
pub(super) fn parts_left_out(change: &Change, store: &Store) -> usize {
    let Change::CompleteUpload { bucket, key, upload, object, .. } = change else { return 0 };
    let stored = store.bucket(bucket).and_then(|bucket| bucket.upload(key, upload));
    let stored = stored.map_or(0, |upload| upload.parts_after(0).count());
    match object.etag {
        Etag::Parts(_, listed) => stored.saturating_sub(listed.into()),
        Etag::Md5(_) | Etag::Sha1(_) => 0,
    }
}

/// How an exchange ends that goes out by a script; `None` while it stalls.
pub(super) fn ending(script: &Script) -> Option<Ended> {
    match script.end {
        _ if script.stalls_forever() => None,
        End::Resume => Some(Ended::KeepAlive),
        End::Close => Some(Ended::Close),
        End::HalfClose(_) => Some(Ended::HalfClose),
        End::Reset => Some(Ended::Reset),
    }
}

/// Writes into an entry of the journal what was decided.
pub(super) fn decided(entry: &mut Entry, facts: &Facts<'_>, decision: &Decision, rules: &[Rule]) {
    entry.said.part = facts.names.part;
    entry.attempt = decision.attempt;
    entry.logical = decision.request;
    entry.download = download(facts);
    entry.nearest = decision.nearest.map(|nearest| (rules[nearest.rule].id.clone(), nearest.differs));
    if decision.traces.is_empty() {
        return;
    }
    let records = decision.traces.iter().map(|trace| RuleRecord {
        id: rules[trace.rule].id.clone(),
        outcome: match trace.outcome {
            scenario::Outcome::Fired(_) => "fired",
            scenario::Outcome::NotDue => "not-due",
            scenario::Outcome::Shadowed(_) => "shadowed",
            scenario::Outcome::NotReached => "not-reached",
            scenario::Outcome::Refused => "refused",
        },
        scope: trace.scope_name.clone(),
        match_number: trace.match_number,
        firing: match trace.outcome {
            scenario::Outcome::Fired(firing) => Some(firing),
            _ => None,
        },
        by: match trace.outcome {
            scenario::Outcome::Shadowed(by) => Some(rules[by].id.clone()),
            _ => None,
        },
        next: match trace.outcome {
            scenario::Outcome::NotDue => rules[trace.rule].fire.next_due(trace.match_number),
            _ => None,
        },
        differs: None,
    });
    let not_reached = decision.traces.iter().filter(|trace| trace.outcome == scenario::Outcome::NotReached);
    let details = entry.details();
    details.rules = records.collect();
    details.notes.extend(not_reached.map(|trace| scenario::obstacle(&rules[trace.rule], facts)));
}
