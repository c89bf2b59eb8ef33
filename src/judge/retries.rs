//! How often and how patiently requests were repeated.

use std::time::Duration;

use super::{Attempts, Case, label};
use crate::journal::Exchange;
use crate::scenario::{Backoff, Retries};

/// What two pauses may differ by, that are meant to be equal: clocks and threads are not exact.
const TOLERANCE: Duration = Duration::from_millis(5);
/// How many first pauses have to be there before they can be found too equal.
const ENOUGH_FOR_JITTER: usize = 3;

/// The cases about retries.
pub(super) fn cases(expected: &Retries, attempts: &Attempts<'_>) -> Vec<Case> {
    let case =
        |name: &str, title: &str, reasons| Case::of(format!("retries.{name}"), title.to_owned(), reasons);
    let mut cases = vec![
        case("max_attempts", "no request was repeated too often", too_many(expected.max_attempts, attempts)),
        case(
            "never_after",
            "no final error was followed by a retry",
            after_final(&expected.never_after, attempts),
        ),
    ];
    if let Some(backoff) = &expected.backoff {
        cases.insert(1, case("backoff", "retries came patiently", impatient(backoff, attempts)));
    }
    cases
}

fn too_many(max: u32, attempts: &Attempts<'_>) -> Vec<String> {
    let longest = attempts.sequences.iter().filter_map(|sequence| sequence.last());
    longest
        .filter(|last| last.attempt > max)
        .map(|last| format!("{}: at most {max} attempts are allowed", label(last)))
        .collect()
}

fn after_final(never: &[String], attempts: &Attempts<'_>) -> Vec<String> {
    let code = |exchange: &Exchange| exchange.answer.as_ref()?.code.clone();
    attempts
        .pairs()
        .filter_map(|(first, next)| {
            let code = code(first).filter(|code| never.iter().any(|never| never == code))?;
            Some(format!("{} repeats #{}, which was answered with {code}", label(next), first.n))
        })
        .collect()
}

/// The pause before an attempt; `None` when the one before was not over yet.
fn pause(first: &Exchange, next: &Exchange) -> Option<Duration> {
    next.span.0.checked_sub(first.span.1)
}

fn impatient(backoff: &Backoff, attempts: &Attempts<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut firsts = Vec::new();
    for sequence in attempts.sequences.iter().filter(|sequence| sequence.len() > 1) {
        let pauses: Vec<(&Exchange, &Exchange, Duration)> = sequence
            .windows(2)
            .filter_map(|pair| Some((pair[0], pair[1], pause(pair[0], pair[1])?)))
            .collect();
        if let Some((_, next, first)) = pauses.first() {
            firsts.push(*first);
            if let Some(least) = backoff.min_first.filter(|least| *first + TOLERANCE < *least) {
                reasons.push(format!("{} came after {first:.0?}, not after {least:?} at least", label(next)));
            }
        }
        if backoff.grows {
            for pair in pauses.windows(2) {
                let ((.., before), (_, next, pause)) = (pair[0], pair[1]);
                // A tenth less is the jitter of a client that grows.
                if pause + TOLERANCE < before.mul_f64(0.9) {
                    reasons.push(format!(
                        "{} came after {pause:.0?}, sooner than the attempt before after {before:.0?}",
                        label(next)
                    ));
                }
            }
        }
        if backoff.honours_retry_after {
            for (first, next, pause) in &pauses {
                let asked = first.answer.as_ref().and_then(|answer| answer.retry_after);
                let asked = asked.map(Duration::from_secs);
                if let Some(asked) = asked.filter(|asked| *pause + TOLERANCE < *asked) {
                    reasons.push(format!(
                        "{} came after {pause:.0?}, but #{} asked for {asked:?} by Retry-After",
                        label(next),
                        first.n
                    ));
                }
            }
        }
        let (first, last) = (sequence[0], sequence[sequence.len() - 1]);
        let total = last.span.0.saturating_sub(first.span.1);
        if let Some(most) = backoff.max_total.filter(|most| total > *most) {
            reasons.push(format!(
                "{} came {total:.0?} after the first failure, not within {most:?}",
                label(last)
            ));
        }
    }
    if backoff.jitter && firsts.len() >= ENOUGH_FOR_JITTER {
        let (least, most) = (firsts.iter().min().copied(), firsts.iter().max().copied());
        let (least, most) = (least.unwrap_or_default(), most.unwrap_or_default());
        if most.saturating_sub(least) < TOLERANCE.max(least.mul_f64(0.02)) {
            reasons
                .push(format!("all {} first pauses are {least:.0?} long: there is no jitter", firsts.len()));
        }
    }
    reasons
}
