//! What a scenario does, in plain words: one sentence per rule. The journal uses the same words for what an action did.
//!
//! Source: `scenarios.md` 1, "Read a rule as a sentence".

use std::time::Duration;

use super::file::{ConnectionAction, ConnectionRule, IdleEnd, Scenario, TlsFault};
use super::rule::{
    Action, Apply, Blanks, ChecksumValue, ChunkFault, ContinueMode, Corruption, Declared, Delay, Direction,
    Fire, Forgotten, Kept, Matches, MustFire, Per, Point, RangeAnswer, Rule, Staleness, Then, Truncation,
    When,
};
use super::value::{Offset, Parts, Pattern};
use crate::message::Version;
use crate::operation::{Group, Operation};

/// One sentence per rule, in the order of the file: those of requests, then those of connections.
pub fn explain(scenario: &Scenario) -> Vec<String> {
    let rules = scenario.rules.iter().map(rule);
    rules.chain(scenario.connections.iter().map(connection_rule)).collect()
}

fn rule(rule: &Rule) -> String {
    let actions: Vec<String> = rule.actions.iter().map(Action::describe).collect();
    let mut sentence =
        format!("{}: {}{}, {}", rule.id, when(&rule.when), fire(&rule.fire), join(&actions, "and"));
    match rule.apply {
        Apply::Auto => {}
        Apply::No => sentence.push_str("; the operation does not take place"),
        Apply::Yes => sentence.push_str("; the operation takes place all the same"),
        Apply::Twice => sentence.push_str("; the operation takes place two times"),
    }
    if rule.continues {
        sentence.push_str("; later rules act too");
    }
    if let Some(state) = &rule.goto {
        sentence.push_str(&format!("; then the state is {state:?}"));
    }
    sentence.push_str(&must_fire(rule.must_fire));
    sentence.push('.');
    sentence
}

fn connection_rule(rule: &ConnectionRule) -> String {
    let peer = rule.when.peer.as_ref().map(|peer| format!(" from {}", pattern(peer))).unwrap_or_default();
    let actions: Vec<String> = rule.actions.iter().map(connection_action).collect();
    let fire = fire(&rule.fire);
    let begins = match (rule.when.tls, &rule.when.sni) {
        (_, Some(name)) => format!("begins TLS for {}", pattern(name)),
        (Some(true), None) => "begins TLS".to_owned(),
        (Some(false), None) => "begins without TLS".to_owned(),
        (None, None) if rule.is_for_tls() => "begins TLS".to_owned(),
        (None, None) => "is accepted".to_owned(),
    };
    format!(
        "{}: when a connection{peer} {begins}{fire}, {}{}.",
        rule.id,
        join(&actions, "and"),
        must_fire(rule.must_fire)
    )
}

fn connection_action(action: &ConnectionAction) -> String {
    match action {
        ConnectionAction::Refuse => "an RST follows at once".to_owned(),
        ConnectionAction::Stall(None) => "nothing is ever read from it".to_owned(),
        ConnectionAction::Stall(Some(hold)) => format!("nothing is read from it for {}", duration(*hold)),
        ConnectionAction::Delay(amount) => format!("the first byte is read {} later", delay(amount)),
        ConnectionAction::IdleClose { after, how } => {
            let how = match how {
                IdleEnd::Close => "closed (FIN)",
                IdleEnd::Reset => "reset (RST)",
            };
            format!("it is {how} when it was idle for {}", duration(*after))
        }
        ConnectionAction::MaxRequests { count, announce } => {
            let announce = if *announce { "" } else { " that does not announce it" };
            format!("it is closed (FIN) behind the answer to request {count}{announce}")
        }
        ConnectionAction::Tls { fault, after } => match fault {
            TlsFault::Expired => "its certificate expired yesterday".to_owned(),
            TlsFault::NotYetValid => "its certificate will be valid tomorrow".to_owned(),
            TlsFault::WrongHost => "its certificate is for another host".to_owned(),
            TlsFault::SelfSigned => "its certificate is signed by itself".to_owned(),
            TlsFault::OldVersion => "SSL 3.0 is spoken and nothing else".to_owned(),
            TlsFault::CloseInHandshake => "its hello is answered by a FIN".to_owned(),
            TlsFault::ResetInHandshake => "its hello is answered by an RST".to_owned(),
            TlsFault::StallInHandshake => "its hello is never answered".to_owned(),
            TlsFault::BadRecord => {
                format!("a record that cannot be decrypted comes behind {} of answers", size(*after))
            }
            TlsFault::NoCloseNotify => "it ends by a FIN without a TLS alert".to_owned(),
        },
    }
}

fn must_fire(must: MustFire) -> String {
    match must {
        MustFire::ONCE => String::new(),
        MustFire::OPTIONAL => "; it may also never fire".to_owned(),
        MustFire::NEVER => "; it must never fire".to_owned(),
        MustFire { min, max: None } => format!("; it must fire at least {}", times(min)),
        MustFire { min, max: Some(max) } if min == max => format!("; it must fire {}", times(min)),
        MustFire { min, max: Some(max) } => format!("; it must fire {min} to {}", times(max)),
    }
}

fn times(count: u32) -> String {
    format!("{count} time{}", if count == 1 { "" } else { "s" })
}

/// `a, b and c`.
fn join(items: &[String], word: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}

fn when(when: &When) -> String {
    format!("when {} arrives{}", subject(when), conditions(when))
}

impl When {
    /// Which requests, in plain words: `UploadPart of COS with attempt number 2 or later`.
    pub fn describe(&self) -> String {
        format!("{}{}", subject(self), conditions(self))
    }
}

fn subject(when: &When) -> String {
    let service =
        when.service.map(|service| format!(" of {}", service.name().to_uppercase())).unwrap_or_default();
    let Some(operations) = &when.operations else { return format!("any request{service}") };
    let named = Group::ALL.iter().find(|(_, group)| {
        let members: Vec<_> =
            Operation::ALL.iter().copied().filter(|operation| operation.is_in(*group)).collect();
        members == *operations
    });
    if let Some((name, _)) = named {
        return format!("a request of {name}{service}");
    }
    let mut names: Vec<String> = Vec::new();
    for operation in operations {
        let name = operation.name().to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    format!("{}{service}", join(&names, "or"))
}

/// The conditions beside operation and service, each as `, with key "a"`.
fn conditions(when: &When) -> String {
    let mut all = Vec::new();
    let mut text = |name: &str, condition: &Option<Pattern>| {
        all.extend(condition.as_ref().map(|condition| format!("{name} {}", pattern(condition))));
    };
    text("bucket", &when.bucket);
    text("key", &when.key);
    text("upload id", &when.upload);
    text("vault", &when.vault);
    text("archive", &when.archive);
    text("job", &when.job);
    text("method", &when.method);
    text("path", &when.path);
    text("access key id", &when.client);
    for (name, condition) in &when.query {
        text(&format!("query parameter {name}"), &Some(condition.clone()));
    }
    for (name, condition) in &when.header {
        text(&format!("header {name}"), &Some(condition.clone()));
    }
    if let Some(Parts(ranges)) = &when.part {
        let ranges: Vec<String> = ranges
            .iter()
            .map(|range| match (range.start(), range.end()) {
                (first, last) if first == last => first.to_string(),
                (first, last) => format!("{first} to {last}"),
            })
            .collect();
        all.push(format!("part {}", join(&ranges, "or")));
    }
    if let Some((from, to)) = when.range {
        let to = to.map(|to| format!(" and before {}", offset(to))).unwrap_or_default();
        all.push(format!("bytes from {} on{to}", offset(from)));
    }
    if let Some((min, max)) = when.size {
        let max = if max == u64::MAX { String::new() } else { format!(" and at most {}", size(max)) };
        all.push(format!("a body of at least {}{max}", size(min)));
    }
    let between = |(min, max): (u32, u32)| match (min, max) {
        (min, max) if min == max => format!("number {min}"),
        (min, u32::MAX) => format!("number {min} or later"),
        (min, max) => format!("number {min} to {max}"),
    };
    all.extend(when.attempt.map(|attempt| format!("attempt {}", between(attempt))));
    all.extend(when.on_connection.map(|request| format!("request {} of its connection", between(request))));
    all.extend(when.http.map(Version::name).map(str::to_owned));
    all.extend(
        when.expect_continue.map(|expects| {
            if expects { "Expect: 100-continue" } else { "no Expect: 100-continue" }.to_owned()
        }),
    );
    all.extend(when.tls.map(|tls| if tls { "TLS" } else { "no TLS" }.to_owned()));
    let mut text = if all.is_empty() { String::new() } else { format!(" with {}", join(&all, "and")) };
    if let Some(states) = &when.state {
        let states: Vec<String> = states.iter().map(|state| format!("{state:?}")).collect();
        text.push_str(&format!(" in the state {}", join(&states, "or")));
    }
    if let Some(not) = &when.not {
        text.push_str(&format!(", unless it is {}{}", subject(not), conditions(not)));
    }
    text
}

fn pattern(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Exactly(text) => format!("{text:?}"),
        Pattern::Glob(glob) => format!("like {:?}", glob.to_string()),
        Pattern::Regex(regex) => format!("matching /{regex}/"),
        Pattern::Not(other) => format!("not {}", self::pattern(other)),
        Pattern::Absent(true) => "absent".to_owned(),
        Pattern::Absent(false) => "present".to_owned(),
        Pattern::AnyOf(patterns) => join(&patterns.iter().map(self::pattern).collect::<Vec<_>>(), "or"),
    }
}

fn fire(fire: &Fire) -> String {
    let mut parts = Vec::new();
    match &fire.matches {
        Matches::All => {}
        Matches::First(1) => parts.push("on the first match".to_owned()),
        Matches::First(first) => parts.push(format!("on the first {first} matches")),
        Matches::Nth(numbers) => {
            let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
            parts.push(format!("on match {}", join(&numbers, "and")));
        }
        Matches::Every(every) => parts.push(format!("on every {every}th match")),
    }
    if fire.skip > 0 {
        parts.push(format!("not before match {}", fire.skip.saturating_add(1)));
    }
    if let Some(probability) = fire.probability {
        parts.push(
            format!("on {:.4} of a hundred matches, drawn from the seed", probability * 100.0)
                .replace(".0000", ""),
        );
    }
    if let Some(most) = fire.times {
        parts.push(format!("{} at most", times(most)));
    }
    if let Some((from, to)) = fire.window {
        let to = to.map(|to| format!(" to {}", duration(to))).unwrap_or_else(|| " on".to_owned());
        parts.push(format!("from {}{to} after the start", duration(from)));
    }
    if fire.per != Per::Scenario && !parts.is_empty() {
        let per = match fire.per {
            Per::Scenario => "scenario",
            Per::Client => "client",
            Per::Connection => "connection",
            Per::Key => "key",
            Per::Upload => "upload",
            Per::Part => "part",
            Per::Request => "distinct request",
        };
        parts.push(format!("counted for each {per}"));
    }
    parts.iter().map(|part| format!(", {part}")).collect()
}

impl Action {
    /// What it does, in plain words: the same in `explain` and in the journal.
    pub fn describe(&self) -> String {
        match self {
            Action::Error(error) => {
                let status = error.status.map(|status| format!(" with status {status}")).unwrap_or_default();
                format!("the answer is the error {}{status}{}", error.code, at(error.at, Point::Reply))
            }
            Action::ErrorIn200(error) => {
                let blanks = if error.whitespace.is_zero() {
                    String::new()
                } else {
                    let place = match error.blanks {
                        Blanks::BeforeRoot => "before its root",
                        Blanks::BeforeDeclaration => "before its declaration",
                    };
                    format!(" after {} of blanks {place}", duration(error.whitespace))
                };
                let cut = error.cut.map(|cut| format!(", cut at {} (FIN)", offset(cut))).unwrap_or_default();
                format!("the answer is status 200 with the error {}{blanks}{cut}", error.code)
            }
            Action::Respond(response) => {
                format!(
                    "the answer is written by hand: status {}, {} of body",
                    response.status,
                    size(response.body.len() as u64)
                )
            }
            Action::Raw { bytes, then } => {
                let then = match then {
                    Then::Stall => "silence",
                    Then::Reset => "an RST",
                    Then::Close | Then::Continue => "a FIN",
                };
                format!(
                    "{} as they are come in the place of an answer, then {then}",
                    size(bytes.len() as u64)
                )
            }
            Action::Redirect { to, status } => format!("the answer is a redirect ({status}) to {to}"),
            Action::Reset { at, after } => format!("the connection is reset (RST){}", place(*at, *after)),
            Action::Close { at, after } => format!("the connection is closed (FIN){}", place(*at, *after)),
            Action::HalfClose { at, hold } => format!(
                "the server's direction is closed (FIN){} and the client's is read for {}",
                place(*at, Duration::ZERO),
                duration(*hold)
            ),
            Action::Stall { at, hold, then } => {
                let hold = hold.map_or("for ever".to_owned(), |hold| format!("for {}", duration(hold)));
                let then = match then {
                    Then::Close => ", then a FIN",
                    Then::Reset => ", then an RST",
                    Then::Continue | Then::Stall => "",
                };
                format!("nothing is sent or read {hold}{}{then}", place(*at, Duration::ZERO))
            }
            Action::Delay { at: point, amount } => {
                format!("{} pass{}", delay(amount), at(*point, Point::Reply))
            }
            Action::Throttle { direction, bytes_per_second } => {
                format!("{} comes at {}/s", body(*direction), size(*bytes_per_second))
            }
            Action::Drip { direction, size_bytes, pause, head } => format!(
                "{} comes in pieces of {} with {} between{}",
                body(*direction),
                size(*size_bytes),
                duration(*pause),
                if *head { ", its head too" } else { "" }
            ),
            Action::Truncate { keep, end } => {
                let end = match end {
                    Truncation::Close => ", then a FIN",
                    Truncation::Reset => ", then an RST",
                    Truncation::Stall => ", then silence",
                    Truncation::Clean => " under the shorter length",
                };
                format!("only the body up to {} is sent{end}", offset(*keep))
            }
            Action::Overrun { extra, keep_alive } => format!(
                "{} more than declared follow the body{}",
                size(extra.len() as u64),
                if *keep_alive { "" } else { ", then a FIN" }
            ),
            Action::Length(declared) => match declared {
                Declared::Exactly(length) => format!("Content-Length says {length}"),
                Declared::Plus(difference) => format!("Content-Length is {difference:+} off"),
                Declared::Absent => "there is no Content-Length".to_owned(),
                Declared::Twice => "there are two Content-Length headers".to_owned(),
            },
            Action::Corrupt { offset: start, length, how } => {
                let how = match how {
                    Corruption::Flip => "flipped",
                    Corruption::Zero => "zeroed",
                    Corruption::Random => "replaced by other bytes",
                    Corruption::Shift => "left out, with zeros at the end",
                    Corruption::Swap => "exchanged with those that follow",
                };
                format!("{} of the body from {} on are {how}", size(*length), offset(*start))
            }
            Action::Checksum { which, value } => {
                let names: Vec<String> = which.iter().map(|which| which.header().to_owned()).collect();
                let value = match value {
                    ChecksumValue::Wrong => "wrong".to_owned(),
                    ChecksumValue::WrongFrom(level) => format!("wrong from level {level} of the tree on"),
                    ChecksumValue::Absent => "absent".to_owned(),
                    ChecksumValue::Malformed => "malformed".to_owned(),
                    ChecksumValue::Is(value) => format!("{value:?}"),
                };
                format!("{} of the answer is {value}", join(&names, "and"))
            }
            Action::Headers { set, append, remove, spell } => {
                let mut parts = Vec::new();
                let names = |headers: &[(String, http::HeaderValue)]| {
                    join(&headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), "and")
                };
                if !remove.is_empty() {
                    parts.push(format!("without {}", join(remove, "and")));
                }
                if !set.is_empty() {
                    parts.push(format!("with another {}", names(set)));
                }
                if !append.is_empty() {
                    parts.push(format!("with one more {}", names(append)));
                }
                if !spell.is_empty() {
                    parts.push(format!("with the name spelled {}", join(spell, "and")));
                }
                format!(
                    "the answer comes {}",
                    if parts.is_empty() { "as it is".to_owned() } else { join(&parts, "and") }
                )
            }
            Action::Range(answer) => match answer {
                RangeAnswer::Ignore => "Range is ignored: 200 and the whole body".to_owned(),
                RangeAnswer::Shift(by) => format!("the answered range is shifted by {by} bytes"),
                RangeAnswer::Short(keep) => format!("only {} of the range are answered", offset(*keep)),
                RangeAnswer::NoHeader => "the ranged answer has no Content-Range".to_owned(),
                RangeAnswer::WrongTotal => "Content-Range names a wrong total".to_owned(),
            },
            Action::Chunked(fault) => format!(
                "the body comes in chunks, {}",
                match fault {
                    ChunkFault::BadSize => "the last with a wrong size",
                    ChunkFault::NoEnd => "and the last chunk never",
                    ChunkFault::GarbageSize => "the last with a size that is no number",
                    ChunkFault::TrailerMissing => "and the announced trailer never",
                }
            ),
            Action::Continue100(mode) => match mode {
                ContinueMode::Never => "100 Continue is never sent".to_owned(),
                ContinueMode::Late(after) => format!("100 Continue comes {} late", duration(*after)),
                ContinueMode::Twice => "100 Continue comes two times".to_owned(),
                ContinueMode::Refused => "the expectation is refused with 417".to_owned(),
            },
            Action::Stale(staleness) => match staleness {
                Staleness::Reads(reads) => {
                    format!("{reads} later reads, and as many lists, see the state before")
                }
                Staleness::For(time) => {
                    format!("reads and lists see the state before for {}", duration(*time))
                }
            },
            Action::Forget(what) => format!(
                "the {} is forgotten afterwards",
                match what {
                    Forgotten::Upload => "upload",
                    Forgotten::Part => "part",
                    Forgotten::Object => "object",
                    Forgotten::Job => "job",
                    Forgotten::Archive => "archive",
                }
            ),
            Action::KeepAlive { really, announce } => {
                let really = match really {
                    Kept::Close => "closed (FIN)",
                    Kept::KeepAlive => "kept",
                };
                let announce = match announce {
                    None => "without a word",
                    Some(Kept::Close) => "announced as \"close\"",
                    Some(Kept::KeepAlive) => "announced as \"keep-alive\"",
                };
                format!("the connection is {really} behind the answer, {announce}")
            }
        }
    }
}

fn body(direction: Direction) -> &'static str {
    match direction {
        Direction::Download => "the answer's body",
        Direction::Upload => "the request's body",
        Direction::Both => "each body",
    }
}

fn place(point: Point, after: Duration) -> String {
    let later = if after.is_zero() { String::new() } else { format!(" {} later", duration(after)) };
    format!("{}{later}", at(point, Point::Done))
}

/// Where something happens; nothing for the place that goes without saying.
fn at(point: Point, usual: Point) -> String {
    if point == usual && usual == Point::Reply {
        return String::new();
    }
    match point {
        Point::Head => " before the request's body is read".to_owned(),
        Point::Upload(place) => format!(" at {} of the request's body", offset(place)),
        Point::Reply => " before the answer".to_owned(),
        Point::Download(place) => format!(" at {} of the answer's body", offset(place)),
        Point::Done => " behind the answer".to_owned(),
    }
}

fn delay(delay: &Delay) -> String {
    match delay {
        Delay::Fixed(time) => duration(*time),
        Delay::Uniform(low, high) => format!("{} to {}", duration(*low), duration(*high)),
        Delay::Normal { mean, sd } => {
            format!("about {} (normal, deviation {})", duration(*mean), duration(*sd))
        }
        Delay::Lognormal { median, sigma, max } => {
            let max = max.map(|max| format!(", at most {}", duration(max))).unwrap_or_default();
            format!("about {} (log-normal, sigma {sigma}{max})", duration(*median))
        }
    }
}

/// `250ms`, `1.5s`, `2m`, `4h`: as files write it.
fn duration(time: Duration) -> String {
    let milliseconds = time.as_millis();
    match milliseconds {
        0 => "0s".to_owned(),
        _ if milliseconds.is_multiple_of(3_600_000) => format!("{}h", milliseconds / 3_600_000),
        _ if milliseconds.is_multiple_of(60_000) => format!("{}m", milliseconds / 60_000),
        _ if milliseconds >= 1000 => format!("{}s", milliseconds as f64 / 1000.0),
        _ => format!("{}ms", time.as_secs_f64() * 1000.0),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        _ if bytes > 0 && bytes.is_multiple_of(1 << 30) => format!("{} GiB", bytes >> 30),
        _ if bytes > 0 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes > 0 && bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

fn offset(offset: Offset) -> String {
    match offset {
        Offset::FromStart(bytes) => size(bytes),
        Offset::Percent(percent) => format!("{percent}%"),
        Offset::FromEnd(bytes) => format!("{} before the end", size(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(rule: &str) -> String {
        let text = format!("{{\"version\": 1, \"name\": \"t\", \"rules\": [{rule}]}}");
        let scenario = Scenario::parse("t", text.as_bytes(), None).unwrap_or_else(|error| panic!("{error}"));
        explain(&scenario).remove(0)
    }

    #[test]
    fn a_rule_reads_as_a_sentence() {
        for (rule, expected) in [
            (
                r#"{"id": "cut-part-3", "when": {"op": "UploadPart", "part": 3}, "fire": {"first": 2},
                    "do": {"reset": {"at": "upload", "offset": "1MiB"}}}"#,
                "cut-part-3: when UploadPart arrives with part 3, on the first 2 matches, the connection is reset (RST) at 1 MiB of the request's body.",
            ),
            (
                r#"{"id": "lost", "when": {"op": "CompleteMultipartUpload", "service": "cos"}, "fire": {"first": 1, "per": "upload"},
                    "apply": "yes", "do": {"reset": {"at": "reply"}}}"#,
                "lost: when CompleteMultipartUpload of COS arrives, on the first match, counted for each upload, the connection is reset (RST) before the answer; the operation takes place all the same.",
            ),
            (
                r#"{"id": "slow", "when": {"op": "@data", "key": "big/*", "not": {"header": {"range": "*"}}}, "continue": true, "must_fire": "optional",
                    "do": [{"throttle": {"rate": "64KiB/s"}}, {"delay": {"uniform": ["10ms", "1.5s"]}}]}"#,
                "slow: when a request of @data arrives with key like \"big/*\", unless it is any request with header range like \"*\", the answer's body comes at 64 KiB/s and 10ms to 1.5s pass; later rules act too; it may also never fire.",
            ),
            (
                r#"{"id": "rare", "fire": {"probability": 0.1, "times": 5}, "do": {"error": "SlowDown"}}"#,
                "rare: when any request arrives, on 10 of a hundred matches, drawn from the seed, 5 times at most, the answer is the error SlowDown.",
            ),
        ] {
            assert_eq!(sentence(rule), expected);
        }
    }
}
