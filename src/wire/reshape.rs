//! What modifiers make of a reply, and the script that comes of it.
//!
//! Modifiers work in a fixed order whatever the order written: `range`, `corrupt`, `truncate`, `checksum`, `length`,
//! `keep_alive`, `headers`, `overrun`, `chunked`, `throttle`, `drip`. One that has nothing to work on (a truncation of an empty body) is not reached, and its rule
//! has not fired.
//!
//! Source: `scenarios.md` 5.2 and 11.7.

use std::ops::Range;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::HeaderValue;

use super::head::{Connection, Framing, Line, encode, lines};
use super::script::{End, Moment, Pace, Paced, Script, Step};
use crate::chance::Roll;
use crate::content::Content;
use crate::message::{Reply, Version};
use crate::scenario::{
    Action, Blanks, Checksum, ChecksumValue, ChunkFault, Corruption, Declared, Kept, LateError, Offset,
    RangeAnswer, Truncation,
};

/// How often a blank keeps a connection alive.
const BLANK_INTERVAL: Duration = Duration::from_millis(100);
/// How many blanks there are at most: longer times have longer intervals.
const MAX_BLANKS: u32 = 1000;
/// The largest chunk of a body in chunks.
const CHUNK_BYTES: u64 = 64 << 10;

/// An action on this reply, with the random numbers it may draw.
pub struct Modifier<'a> {
    /// The action.
    pub action: &'a Action,
    /// Its random numbers.
    pub roll: Roll,
}

/// A moment at a place of the body.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// The place.
    pub offset: Offset,
    /// What happens there.
    pub moment: Moment,
}

/// The script, and which of what was asked for takes effect.
#[derive(Debug)]
pub struct Reshaped {
    /// What to play.
    pub script: Script,
    /// For each modifier, whether it had something to work on.
    pub modifiers: Vec<bool>,
    /// For each moment at a place of the body, the place if it was reached.
    pub download: Vec<Option<u64>>,
    /// For each moment behind the last byte, whether it was reached.
    pub done: Vec<bool>,
}

/// Makes the script of an answer: the reply as the modifiers change it, with moments within the body and behind it.
pub fn reshape(
    reply: Reply,
    framing: &Framing,
    mut modifiers: Vec<Modifier<'_>>,
    download: &[At],
    done: &[Moment],
) -> Reshaped {
    let mut answer = Answer::new(reply, framing);
    let mut worked = vec![false; modifiers.len()];
    let mut order: Vec<usize> = (0..modifiers.len()).collect();
    order.sort_by_key(|&index| rank(modifiers[index].action));
    for index in order {
        let Modifier { action, roll } = &mut modifiers[index];
        worked[index] = answer.modify(action, roll);
    }
    if let Some(rate) = answer.reply.bytes_per_second {
        answer.pace(Pace::throttle(rate));
    }
    answer.into_script(framing, worked, download, done)
}

/// The place of a modifier in the fixed order.
fn rank(action: &Action) -> usize {
    match action {
        Action::ErrorIn200(_) | Action::Range(_) => 0,
        Action::Corrupt { .. } => 1,
        Action::Truncate { .. } => 2,
        Action::Checksum { .. } => 3,
        Action::Length(_) => 4,
        Action::KeepAlive { .. } => 5,
        Action::Headers { .. } => 6,
        Action::Overrun { .. } => 7,
        Action::Chunked(_) => 8,
        Action::Throttle { .. } => 9,
        _ => 10,
    }
}

/// An answer in the making.
struct Answer {
    reply: Reply,
    framing: Framing,
    /// The header lines, once the framing is settled; before that they follow from the reply.
    lines: Option<Vec<Line>>,
    /// The length that is declared although the body has another.
    declared: Option<u64>,
    /// Bytes behind the body.
    extra: Bytes,
    /// How the answer ends, when not as usual.
    end: Option<Moment>,
    /// Blanks that are sent at a place of the body, with a pause before each.
    blanks: Option<(u64, u32, Duration)>,
    /// The body comes in chunks; `Some` is what is wrong with them.
    chunks: Option<Option<ChunkFault>>,
    /// The paces of the body.
    paces: Vec<Pace>,
    /// The paces that the head keeps too.
    head_paces: Vec<Pace>,
}

impl Answer {
    fn new(reply: Reply, framing: &Framing) -> Self {
        Answer {
            reply,
            framing: *framing,
            lines: None,
            declared: None,
            extra: Bytes::new(),
            end: None,
            blanks: None,
            chunks: None,
            paces: Vec::new(),
            head_paces: Vec::new(),
        }
    }

    /// The length of the body that is sent.
    fn body_len(&self) -> u64 {
        self.framing.body_of(&self.reply).len()
    }

    /// Applies a modifier. Returns whether it had something to work on.
    fn modify(&mut self, action: &Action, roll: &mut Roll) -> bool {
        match action {
            Action::Range(answer) => self.range(*answer),
            Action::Corrupt { offset, length, how } => self.corrupt(*offset, *length, *how, roll),
            Action::Truncate { keep, end } => self.truncate(*keep, *end),
            Action::Checksum { which, value } => {
                // Each of them, not up to the first that is there.
                which.iter().filter(|which| self.checksum(**which, value)).count() > 0
            }
            Action::Length(declared) => self.length(*declared),
            Action::Headers { set, append, remove, spell } => {
                let lines = self.lines();
                for name in remove {
                    lines.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
                }
                for (name, value) in set {
                    set_line(lines, name, value.clone());
                }
                lines.extend(append.iter().map(|(name, value)| (name.clone().into(), value.clone())));
                for name in spell {
                    for (key, _) in lines.iter_mut().filter(|(key, _)| key.eq_ignore_ascii_case(name)) {
                        *key = name.clone().into();
                    }
                }
                true
            }
            Action::Overrun { extra, keep_alive } => {
                self.extra = extra.clone();
                if !keep_alive {
                    self.end = Some(Moment::WaitThen(Duration::ZERO, End::Close));
                }
                !extra.is_empty()
            }
            Action::ErrorIn200(error) => self.late_error(error),
            Action::Chunked(fault) => self.chunk(Some(*fault)),
            Action::Throttle { direction, bytes_per_second } => {
                direction.is_down() && self.pace(Pace::throttle(*bytes_per_second))
            }
            Action::Drip { direction, size_bytes, pause, head } => {
                let pace = Pace { piece_bytes: *size_bytes, pause: *pause };
                if *head {
                    self.head_paces.push(pace);
                }
                (direction.is_down() && self.pace(pace)) || *head
            }
            Action::KeepAlive { really, announce } => self.keep_alive(*really, *announce),
            Action::Error(_)
            | Action::Respond(_)
            | Action::Raw { .. }
            | Action::Redirect { .. }
            | Action::Reset { .. }
            | Action::Close { .. }
            | Action::HalfClose { .. }
            | Action::Stall { .. }
            | Action::Delay { .. }
            | Action::Continue100(_)
            | Action::Stale(_)
            | Action::Forget(_) => false,
        }
    }

    fn pace(&mut self, pace: Pace) -> bool {
        self.paces.push(pace);
        self.body_len() > 0
    }

    /// Blanks before a document, which may be cut. As with the service, the answer comes in chunks.
    fn late_error(&mut self, error: &LateError) -> bool {
        let document = self.reply.body.to_bytes();
        let root = document.windows(2).position(|pair| pair == b"?>").map_or(0, |at| at + 2);
        let place = match error.blanks {
            Blanks::BeforeDeclaration => 0,
            Blanks::BeforeRoot => root as u64,
        };
        let count =
            error.whitespace.div_duration_f64(BLANK_INTERVAL).ceil().min(f64::from(MAX_BLANKS)) as u32;
        if count > 0 {
            self.blanks = Some((place, count, error.whitespace / count));
        }
        if let Some(cut) = error.cut.and_then(|cut| cut.resolve(Some(document.len() as u64))) {
            self.reply.body = self.reply.body.slice(0..cut);
            self.end = Some(Moment::WaitThen(Duration::ZERO, End::Close));
        }
        self.chunk(None);
        true
    }

    /// Lets the body come in chunks, which HTTP/1.0 does not know.
    fn chunk(&mut self, fault: Option<ChunkFault>) -> bool {
        if self.framing.version == Version::Http10 || !self.framing.allows_body(self.reply.status) {
            return false;
        }
        self.chunks = Some(fault);
        let lines = self.lines();
        lines.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        set_line(lines, "Transfer-Encoding", HeaderValue::from_static("chunked"));
        if fault == Some(ChunkFault::TrailerMissing) {
            set_line(lines, "Trailer", HeaderValue::from_static("Content-MD5"));
        }
        true
    }

    fn keep_alive(&mut self, really: Kept, announce: Option<Kept>) -> bool {
        if really == Kept::KeepAlive && !self.framing.can_be_kept {
            return false;
        }
        self.framing.kept = match really {
            Kept::KeepAlive => Connection::KeepAlive,
            Kept::Close => Connection::Close,
        };
        let lines = self.lines();
        match announce {
            None => lines.retain(|(name, _)| !name.eq_ignore_ascii_case("connection")),
            Some(Kept::Close) => set_line(lines, "Connection", HeaderValue::from_static("close")),
            Some(Kept::KeepAlive) => set_line(lines, "Connection", HeaderValue::from_static("keep-alive")),
        }
        true
    }

    fn range(&mut self, answer: RangeAnswer) -> bool {
        if let RangeAnswer::Shift(by) = answer
            && self.reply.status >= 400
        {
            return self.shift_named_boundary(by);
        }
        let Some(ranged) = self.reply.ranged.clone().filter(|_| self.reply.status == 206) else {
            return false;
        };
        let (whole, asked) = (ranged.whole, ranged.range);
        let total = whole.len();
        let label = |range: &Range<u64>, total: u64| {
            let text = format!("bytes {}-{}/{total}", range.start, range.end - 1);
            HeaderValue::try_from(text).expect("digits are a header value")
        };
        match answer {
            RangeAnswer::Ignore => {
                self.reply.status = 200;
                self.reply.remove("Content-Range");
                self.reply.body = whole;
            }
            RangeAnswer::Shift(by) => {
                let length = asked.end - asked.start;
                let start = asked.start.saturating_add_signed(by).min(total - length);
                if start == asked.start {
                    return false;
                }
                let shifted = start..start + length;
                self.reply.set("Content-Range".into(), label(&shifted, total));
                self.reply.body = whole.slice(shifted);
            }
            RangeAnswer::Short(keep) => {
                let length = asked.end - asked.start;
                let Some(kept) = keep.resolve(Some(length)).filter(|kept| (1..length).contains(kept)) else {
                    return false;
                };
                let short = asked.start..asked.start + kept;
                self.reply.set("Content-Range".into(), label(&short, total));
                self.reply.body = whole.slice(short);
            }
            RangeAnswer::NoHeader => return self.reply.remove("Content-Range"),
            RangeAnswer::WrongTotal => self.reply.set("Content-Range".into(), label(&asked, total + 1)),
        }
        true
    }

    /// Moves the range that an error document names, `bytes 0-1048575`, by so many bytes.
    fn shift_named_boundary(&mut self, by: i64) -> bool {
        let text = String::from_utf8_lossy(&self.reply.body.to_bytes()).into_owned();
        let shifted = text.find("bytes ").and_then(|at| {
            let (before, named) = text.split_at(at + "bytes ".len());
            let end = named.find(|char: char| !char.is_ascii_digit() && char != '-')?;
            let (first, last) = named[..end].split_once('-')?;
            let moved = |text: &str| text.parse::<u64>().ok()?.checked_add_signed(by);
            Some(format!("{before}{}-{}{}", moved(first)?, moved(last)?, &named[end..]))
        });
        match shifted {
            Some(shifted) => {
                self.reply.body = shifted.into();
                true
            }
            None => false,
        }
    }

    fn corrupt(&mut self, offset: Offset, length: u64, how: Corruption, roll: &mut Roll) -> bool {
        let total = self.body_len();
        let Some(start) = offset.resolve(Some(total)).filter(|start| *start < total) else { return false };
        let end = start.saturating_add(length).min(total);
        let body = &self.reply.body;
        let (before, damaged, after) = (body.slice(0..start), body.slice(start..end), body.slice(end..total));
        let mapped = |change: &mut dyn FnMut(u8) -> u8| {
            Content::new(
                damaged.pieces().map(|piece| piece.iter().map(|byte| change(*byte)).collect::<Bytes>()),
            )
        };
        self.reply.body = match how {
            Corruption::Flip => Content::concat([&before, &mapped(&mut |byte| !byte), &after]),
            Corruption::Zero => Content::concat([&before, &mapped(&mut |_| 0), &after]),
            // One of the 255 other values: never the byte that was there.
            Corruption::Random => Content::concat([
                &before,
                &mapped(&mut |byte| byte.wrapping_add(1 + roll.byte() % 255)),
                &after,
            ]),
            Corruption::Shift => {
                let zeros: Content = BytesMut::zeroed((end - start) as usize).freeze().into();
                Content::concat([&before, &after, &zeros])
            }
            Corruption::Swap => {
                let other = after.slice(0..end - start);
                let rest = after.slice(other.len()..after.len());
                if other.is_empty() {
                    return false;
                }
                Content::concat([&before, &other, &damaged, &rest])
            }
        };
        true
    }

    fn truncate(&mut self, keep: Offset, end: Truncation) -> bool {
        let total = self.body_len();
        let Some(kept) = keep.resolve(Some(total)).filter(|kept| *kept < total) else { return false };
        self.reply.body = self.reply.body.slice(0..kept);
        let at_once = Duration::ZERO;
        self.end = match end {
            Truncation::Clean => return true,
            Truncation::Close => Some(Moment::WaitThen(at_once, End::Close)),
            Truncation::Reset => Some(Moment::WaitThen(at_once, End::Reset)),
            Truncation::Stall => Some(Moment::StallForever),
        };
        self.declared = Some(total);
        true
    }

    fn checksum(&mut self, which: Checksum, value: &ChecksumValue) -> bool {
        let name = which.header();
        let present = match (self.reply.header(name), which) {
            (Some(value), _) => value.clone(),
            // No answer of the services has it: there is only a wrong one to add.
            (None, Checksum::Md5) if self.reply.ranged.is_some() && *value != ChecksumValue::Absent => {
                HeaderValue::from_static("")
            }
            (None, _) => return false,
        };
        match value {
            ChecksumValue::Absent => return self.reply.remove(name),
            ChecksumValue::Wrong => self.reply.set(name.into(), wrong(which, &present)),
            ChecksumValue::WrongFrom(level) => {
                let Some(tree) = &self.reply.tree else { return false };
                let root = tree.root_with_mistake_at(*level).to_string();
                self.reply.set(name.into(), HeaderValue::try_from(root).expect("digits are a header value"));
            }
            ChecksumValue::Malformed => self.reply.set(name.into(), HeaderValue::from_static("malformed")),
            ChecksumValue::Is(value) => self.reply.set(name.into(), value.clone()),
        }
        true
    }

    fn length(&mut self, declared: Declared) -> bool {
        // An answer that has no such line, as 204, is of length 0 for the lie.
        let right = self.declared.or(self.framing.content_length(&self.reply));
        let has_line = right.is_some();
        let right = right.unwrap_or(0);
        let lines = self.lines();
        let value = match declared {
            Declared::Exactly(length) => Some(length),
            Declared::Plus(difference) => right.checked_add_signed(difference),
            Declared::Absent => {
                lines.retain(|(name, _)| name != "Content-Length");
                return has_line;
            }
            Declared::Twice => {
                set_line(lines, "Content-Length", right.into());
                let at = lines.iter().position(|(name, _)| name == "Content-Length").unwrap_or(0);
                lines.insert(at + 1, ("Content-Length".into(), (right + 1).into()));
                return true;
            }
        };
        match value.filter(|value| *value != right || !has_line) {
            Some(value) => {
                set_line(lines, "Content-Length", value.into());
                true
            }
            None => false,
        }
    }

    /// The header lines, from now on independent of the reply.
    fn lines(&mut self) -> &mut Vec<Line> {
        let (reply, framing, declared) = (&self.reply, &self.framing, self.declared);
        self.lines.get_or_insert_with(|| {
            let mut lines = lines(reply, framing);
            if let Some(declared) = declared {
                set_line(&mut lines, "Content-Length", declared.into());
            }
            lines
        })
    }

    /// Whether the header lines tell exactly where the answer ends.
    fn is_framed(&mut self) -> bool {
        match self.chunks {
            Some(Some(_)) => return false,
            Some(None) => return self.end.is_none(),
            None => {}
        }
        let right = self.framing.content_length(&self.reply).map(HeaderValue::from);
        let lengths = |(name, _): &&Line| name.eq_ignore_ascii_case("content-length");
        let mut lengths = self.lines().iter().filter(lengths).map(|(_, value)| value.clone());
        lengths.next() == right && lengths.next().is_none()
    }

    fn into_script(
        mut self,
        framing: &Framing,
        modifiers: Vec<bool>,
        download: &[At],
        done: &[Moment],
    ) -> Reshaped {
        // Behind an answer whose end the client cannot find, only the end of the connection tells it.
        let is_kept = self.framing.kept == Connection::KeepAlive && self.is_framed();
        let end = if is_kept { End::Resume } else { End::Close };
        let head = encode(framing.version, self.reply.status, self.lines());
        let body = framing.body_of(&self.reply);
        let mut reshaped = Reshaped {
            script: Script { steps: Vec::new(), end },
            modifiers,
            download: vec![None; download.len()],
            done: vec![false; done.len()],
        };
        let script = &mut reshaped.script;
        let head_len = if self.head_paces.is_empty() { 0 } else { head.len() as u64 };
        if self.head_paces.is_empty() {
            script.steps.push(Step::Write(head));
        } else {
            let paces = self.head_paces.clone();
            script.steps.push(Step::Paced(Paced { content: head.into(), from: 0, is_body: false, paces }));
        }

        let mut places: Vec<(u64, Option<usize>)> = download
            .iter()
            .enumerate()
            .filter_map(|(index, at)| Some((at.offset.resolve(Some(body.len()))?, Some(index))))
            .collect();
        places.extend(self.blanks.map(|(place, ..)| (place.min(body.len()), None)));
        places.sort_by_key(|(offset, _)| *offset);
        let mut sent = 0;
        for (offset, place) in places {
            self.send(&body, sent..offset, head_len, script);
            sent = offset;
            let Some(index) = place else {
                self.send_blanks(script);
                continue;
            };
            reshaped.download[index] = Some(offset);
            if script.happen(download[index].moment) {
                return reshaped;
            }
        }
        self.send(&body, sent..body.len(), head_len, script);
        if self.chunks.is_some() && self.end.is_none() {
            match self.chunks.flatten() {
                None | Some(ChunkFault::BadSize | ChunkFault::GarbageSize) => {
                    script.steps.push(Step::Write(Bytes::from_static(b"0\r\n\r\n")));
                }
                Some(ChunkFault::TrailerMissing) => {
                    script.steps.push(Step::Write(Bytes::from_static(b"0\r\n")))
                }
                Some(ChunkFault::NoEnd) => {}
            }
        }
        if !self.extra.is_empty() {
            script.steps.push(Step::Write(self.extra));
        }
        if let Some(end) = self.end
            && script.happen(end)
        {
            return reshaped;
        }
        for (index, moment) in done.iter().enumerate() {
            reshaped.done[index] = true;
            if script.happen(*moment) {
                break;
            }
        }
        reshaped
    }

    /// Adds the steps that send these bytes of the body; in chunks if need be.
    fn send(&self, body: &Content, range: Range<u64>, before: u64, script: &mut Script) {
        let Some(fault) = self.chunks else {
            script.steps.push(self.paced(body.slice(range.clone()), before + range.start));
            return;
        };
        let mut start = range.start;
        while start < range.end {
            let end = range.end.min(start + CHUNK_BYTES);
            let is_last = end == body.len();
            let size = match fault {
                Some(ChunkFault::GarbageSize) if is_last => "size\r\n".to_owned(),
                Some(ChunkFault::BadSize) if is_last => format!("{:x}\r\n", end - start + 1),
                _ => format!("{:x}\r\n", end - start),
            };
            script.steps.push(Step::Write(size.into()));
            script.steps.push(self.paced(body.slice(start..end), before + start));
            script.steps.push(Step::Write(Bytes::from_static(b"\r\n")));
            start = end;
        }
    }

    fn paced(&self, content: Content, from: u64) -> Step {
        if self.paces.is_empty() {
            return Step::Send(content);
        }
        Step::Paced(Paced { content, from, is_body: true, paces: self.paces.clone() })
    }

    fn send_blanks(&self, script: &mut Script) {
        let Some((_, count, interval)) = self.blanks else { return };
        let blank: &[u8] = if self.chunks.is_some() { b"1\r\n \r\n" } else { b" " };
        for _ in 0..count {
            script.steps.push(Step::Pause(Some(interval)));
            script.steps.push(Step::Write(Bytes::from_static(blank)));
        }
    }
}

/// Puts one line in the place of all of that name, or at the end.
fn set_line(lines: &mut Vec<Line>, name: &str, value: HeaderValue) {
    let mut new = Some((name.to_owned().into(), value));
    lines.retain_mut(|line| {
        if !line.0.eq_ignore_ascii_case(name) {
            return true;
        }
        match new.take() {
            Some(new) => {
                *line = new;
                true
            }
            None => false,
        }
    });
    lines.extend(new);
}

/// A well-formed value that is not the right one.
fn wrong(which: Checksum, right: &HeaderValue) -> HeaderValue {
    let right = right.to_str().unwrap_or_default();
    let text = match which {
        // The first digit is exchanged; quotes and `-N` stay.
        Checksum::Etag | Checksum::Sha256 | Checksum::TreeHash => {
            let mut changed = false;
            let other = |char: char| if char == '0' { 'f' } else { '0' };
            right
                .chars()
                .map(|char| {
                    if !changed && char.is_ascii_hexdigit() {
                        changed = true;
                        other(char)
                    } else {
                        char
                    }
                })
                .collect()
        }
        Checksum::Crc64 => right.parse::<u64>().map_or(0, |crc64| crc64.wrapping_add(1)).to_string(),
        Checksum::Md5 => STANDARD.encode([0xff; 16]),
    };
    HeaderValue::try_from(text).expect("the characters are those of a header value")
}
