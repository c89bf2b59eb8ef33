//! The built-in checks V01 to V10: each looks for one wrong behaviour of clients.

use std::collections::{HashMap, HashSet};

use super::{Attempts, CommandEnd, Evidence, label};
use crate::digest::sha256_of_pieces;
use crate::journal::{Ended, Exchange};
use crate::scenario::Check;

/// From how many redirects of one request on it is a loop.
const LOOP: usize = 5;

/// Why a check does not hold; `None` when there is nothing to look at.
pub(super) fn reasons(check: Check, evidence: &Evidence<'_>, attempts: &Attempts<'_>) -> Option<Vec<String>> {
    let exchanges = &evidence.exchanges[..];
    Some(match check {
        Check::V01 => not_rewound(attempts),
        Check::V02 => lost_writes(evidence),
        Check::V03 => wrong_completions(exchanges),
        Check::V04 => open_uploads(evidence),
        Check::V05 => reused_connections(exchanges),
        Check::V06 => wrong_resumptions(exchanges),
        Check::V07 => misfits(exchanges),
        Check::V08 => spoilt_downloads(exchanges, evidence.command?),
        Check::V09 => blind_repetitions(attempts, exchanges),
        Check::V10 => redirect_loops(attempts),
    })
}

fn is(exchange: &Exchange, operations: &[&str]) -> bool {
    exchange.op.is_some_and(|op| operations.contains(&op))
}

/// Whether the status told the client that it succeeded, whatever stands in the body.
fn told_success(exchange: &Exchange) -> bool {
    exchange.answer.as_ref().is_some_and(|answer| answer.status < 300)
}

fn code(exchange: &Exchange) -> Option<&str> {
    exchange.answer.as_ref()?.code.as_deref()
}

/// Whether the whole body arrived.
fn is_whole(exchange: &Exchange) -> bool {
    exchange.received.declared == Some(exchange.received.bytes)
}

const BODIES: &[&str] = &["PutObject", "UploadPart", "AppendObject", "PostObject", "UploadArchive"];

/// V01.
fn not_rewound(attempts: &Attempts<'_>) -> Vec<String> {
    let pairs = attempts.pairs().filter(|(_, next)| is(next, BODIES));
    pairs
        .filter_map(|(first, next)| {
            let (before, after) = (&first.received, &next.received);
            let difference = match (before.declared, after.declared) {
                (Some(declared), Some(now)) if declared != now => {
                    format!("declares {now} bytes, and #{} declared {declared}", first.n)
                }
                (Some(declared), None) if code(next) == Some("MissingContentLength") => {
                    format!("declares no length, and #{} declared {declared}", first.n)
                }
                _ if before.bytes > after.bytes && is_whole(next) => {
                    format!(
                        "carries {} bytes, and #{} had sent {} already",
                        after.bytes, first.n, before.bytes
                    )
                }
                _ => match (&before.sha256, &after.prefix) {
                    (Some(sent), Some(again)) if sent != again => {
                        format!("carries other bytes than #{} in its first {}", first.n, before.bytes)
                    }
                    _ => return None,
                },
            };
            Some(format!("{} {difference}: the body was not sent again from its start", label(next)))
        })
        .collect()
}

const WRITES: &[&str] =
    &["PutObject", "CopyObject", "AppendObject", "PostObject", "CompleteMultipartUpload", "UploadArchive"];

/// V02. Looked at is the last write of each object of which the client was told that it succeeded, unless the object was
/// changed or deleted later.
fn lost_writes(evidence: &Evidence<'_>) -> Vec<String> {
    let place = |exchange: &Exchange| Some((exchange.bucket.clone()?, exchange.key.clone()?));
    let mut claimed: HashMap<(String, String), &Exchange> = HashMap::new();
    let mut reasons = Vec::new();
    for exchange in &evidence.exchanges {
        if exchange.service == "cas" && is(exchange, WRITES) && told_success(exchange) && !exchange.applied {
            reasons.push(format!("{} was answered with success, and nothing was stored", label(exchange)));
        }
        if is(exchange, &["DeleteObjects"]) && exchange.applied {
            claimed.retain(|(bucket, _), _| Some(bucket) != exchange.bucket.as_ref());
        }
        let Some(place) = place(exchange) else { continue };
        if is(exchange, WRITES) && told_success(exchange) {
            claimed.insert(place, exchange);
        } else if exchange.applied && (is(exchange, WRITES) || is(exchange, &["DeleteObject"])) {
            claimed.remove(&place);
        }
    }
    let mut claimed: Vec<_> = claimed.into_iter().collect();
    claimed.sort_by_key(|(_, exchange)| exchange.n);
    for ((bucket, key), exchange) in claimed {
        let reason = match evidence.stock.object(&bucket, &key) {
            None => "and the object is not there".to_owned(),
            Some(_) if !exchange.applied => "and nothing was stored".to_owned(),
            Some(object)
                if is(exchange, &["PutObject"]) && object.content.len() != exchange.received.bytes =>
            {
                format!(
                    "and the object has {} bytes instead of {}",
                    object.content.len(),
                    exchange.received.bytes
                )
            }
            Some(object) if is(exchange, &["PutObject"]) && exchange.received.sha256.is_some() => {
                let stored = sha256_of_pieces(object.content.pieces());
                if exchange.received.sha256.as_ref() == Some(&stored) {
                    continue;
                }
                "and the object has other bytes".to_owned()
            }
            Some(_) => continue,
        };
        reasons.push(format!("{} was answered with success, {reason}", label(exchange)));
    }
    reasons
}

/// V03. A completion that was refused is forgiven when a later one of the same object took place.
fn wrong_completions(exchanges: &[&Exchange]) -> Vec<String> {
    let completions = exchanges.iter().filter(|exchange| is(exchange, &["CompleteMultipartUpload"]));
    completions
        .filter_map(|exchange| {
            if exchange.parts_left_out > 0 && exchange.applied {
                let parts = if exchange.parts_left_out == 1 { "part" } else { "parts" };
                return Some(format!(
                    "{} left out {} {parts} that had been stored",
                    label(exchange),
                    exchange.parts_left_out
                ));
            }
            let code = code(exchange).filter(|code| matches!(*code, "InvalidPart" | "InvalidPartOrder"))?;
            let later = exchanges.iter().any(|later| {
                later.n > exchange.n
                    && is(later, &["CompleteMultipartUpload"])
                    && (&later.bucket, &later.key) == (&exchange.bucket, &exchange.key)
                    && later.applied
            });
            let own = exchange.actions.is_empty() && !later;
            own.then(|| {
                format!(
                    "{} named a part or an ETag that was not held: {code}; it was never put right",
                    label(exchange)
                )
            })
        })
        .collect()
}

/// V04.
fn open_uploads(evidence: &Evidence<'_>) -> Vec<String> {
    let tried: HashSet<&str> = evidence
        .exchanges
        .iter()
        .filter(|exchange| is(exchange, &["AbortMultipartUpload"]))
        .filter_map(|exchange| exchange.upload.as_deref())
        .collect();
    let open = evidence.stock.open_uploads.iter();
    open.filter(|(_, id)| !tried.contains(id.as_str()))
        .map(|(place, id)| format!("the upload {id} of {place} was neither completed nor aborted"))
        .collect()
}

/// V05.
fn reused_connections(exchanges: &[&Exchange]) -> Vec<String> {
    let mut ended: HashMap<u64, &Exchange> = HashMap::new();
    let mut reasons = Vec::new();
    for exchange in exchanges {
        if let Some(before) = ended.get(&exchange.connection) {
            reasons.push(format!(
                "{} came on connection {}, whose end the answer to #{} had announced",
                label(exchange),
                exchange.connection,
                before.n
            ));
        }
        let announced = exchange.answer.as_ref().is_some_and(|answer| answer.announces_close);
        if announced && exchange.connection > 0 {
            ended.insert(exchange.connection, exchange);
        }
    }
    reasons
}

/// V06. Reads elsewhere in the object are those of other threads.
fn wrong_resumptions(exchanges: &[&Exchange]) -> Vec<String> {
    let place = |exchange: &Exchange| {
        (exchange.bucket.clone(), exchange.key.clone(), exchange.job.clone(), exchange.client.clone())
    };
    let mut cut: HashMap<_, &Exchange> = HashMap::new();
    let mut reasons = Vec::new();
    for exchange in exchanges {
        let Some(download) = exchange.download else { continue };
        if let Some(before) = cut.remove(&place(exchange))
            && let Some(asked) = before.download
        {
            let missing = asked.from + before.answer.as_ref().map_or(0, |answer| answer.bytes);
            let inside = download.from > asked.from && download.from < asked.to;
            if inside && download.from != missing {
                reasons.push(format!(
                    "{} goes on at byte {}, but #{} had ended before byte {missing}",
                    label(exchange),
                    download.from,
                    before.n
                ));
            }
        }
        let sent = exchange.answer.as_ref().filter(|answer| answer.status < 300).map(|answer| answer.bytes);
        if sent.is_some_and(|sent| sent < download.to - download.from) {
            cut.insert(place(exchange), exchange);
        }
    }
    reasons
}

/// V07. A client that gave up because of a fault is not to blame for the bytes that are missing.
fn misfits(exchanges: &[&Exchange]) -> Vec<String> {
    exchanges
        .iter()
        .filter_map(|exchange| {
            let stopped = matches!(exchange.ended, Some(Ended::ClientClose | Ended::ClientReset))
                || code(exchange) == Some("IncompleteBody");
            let missing = exchange.actions.is_empty()
                && exchange.received.declared.is_some_and(|declared| exchange.received.bytes < declared)
                && exchange.received.bytes > 0
                && stopped;
            let what = match (exchange.misfit, missing) {
                (Some(header), _) => format!("{header} does not fit its body"),
                (None, true) => format!(
                    "declared {} bytes and sent {}",
                    exchange.received.declared.unwrap_or_default(),
                    exchange.received.bytes
                ),
                (None, false) => return None,
            };
            Some(format!("{}: {what}", label(exchange)))
        })
        .collect()
}

/// What an action spoils of a download.
const SPOILING: &[&str] = &[
    "corrupt",
    "truncate",
    "checksum",
    "range",
    "chunked",
    "length",
    "overrun",
    "close",
    "reset",
    "half_close",
    "stall",
];

/// V08.
fn spoilt_downloads(exchanges: &[&Exchange], command: CommandEnd) -> Vec<String> {
    if command.status() != 0 {
        return Vec::new();
    }
    let reads: Vec<_> =
        exchanges.iter().filter(|exchange| is(exchange, &["GetObject", "GetJobOutput"])).collect();
    let again = |spoilt: &Exchange| {
        reads.iter().any(|read| {
            read.n > spoilt.n
                && (&read.bucket, &read.key, &read.job) == (&spoilt.bucket, &spoilt.key, &spoilt.job)
        })
    };
    reads
        .iter()
        .filter_map(|read| {
            let action = read.actions.iter().find(|action| SPOILING.contains(&action.action))?;
            (!again(read)).then(|| {
                format!(
                    "{} met {}, was not read again, and the command ended with 0",
                    label(read),
                    action.action
                )
            })
        })
        .collect()
}

/// V09.
fn blind_repetitions(attempts: &Attempts<'_>, exchanges: &[&Exchange]) -> Vec<String> {
    let unsafe_to_repeat = ["AppendObject", "PostObject", "InitiateJob"];
    let pairs = attempts.pairs().filter(|(first, _)| is(first, &unsafe_to_repeat));
    pairs
        .filter(|(first, _)| first.applied && first.answer.is_none())
        .filter(|(first, next)| {
            let between = exchanges.iter().filter(|exchange| exchange.n > first.n && exchange.n < next.n);
            !between.into_iter().any(|look| {
                let looks = ["HeadObject", "GetObject", "ListJobs", "DescribeJob", "ListObjects"];
                is(look, &looks) && (&look.bucket, &look.vault) == (&first.bucket, &first.vault)
            })
        })
        .map(|(first, next)| {
            format!("{} repeats #{}, which had taken place, without having looked", label(next), first.n)
        })
        .collect()
}

/// V10.
fn redirect_loops(attempts: &Attempts<'_>) -> Vec<String> {
    let redirected = |exchange: &&&Exchange| {
        exchange.answer.as_ref().is_some_and(|answer| matches!(answer.status, 301 | 302 | 303 | 307 | 308))
    };
    attempts
        .sequences
        .iter()
        .filter_map(|sequence| {
            let count = sequence.iter().filter(redirected).count();
            let last = sequence.last()?;
            (count >= LOOP).then(|| format!("{}: redirected {count} times", label(last)))
        })
        .collect()
}
