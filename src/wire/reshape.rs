//! What modifiers make of a reply, and the script that comes of it.
//!
//! Modifiers work in a fixed order whatever the order written: `range`, `corrupt`, `truncate`, `checksum`, `length`,
//! `headers`, `overrun`. One that has nothing to work on (a truncation of an empty body) is not reached, and its rule
//! has not fired.
//!
//! Source: `scenarios.md` 5.2 and 11.7.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::HeaderValue;

use super::head::{Connection, Framing, Line, encode, lines};
use super::script::{End, Moment, Script, Step};
use crate::chance::Roll;
use crate::content::Content;
use crate::message::Reply;
use crate::scenario::{
    Action, Checksum, ChecksumValue, Corruption, Declared, Offset, RangeAnswer, Truncation,
};

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
    answer.into_script(framing, worked, download, done)
}

/// The place of a modifier in the fixed order.
fn rank(action: &Action) -> usize {
    match action {
        Action::Range(_) => 0,
        Action::Corrupt { .. } => 1,
        Action::Truncate { .. } => 2,
        Action::Checksum { .. } => 3,
        Action::Length(_) => 4,
        Action::Headers { .. } => 5,
        Action::Overrun { .. } => 6,
        _ => 7,
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
}

impl Answer {
    fn new(reply: Reply, framing: &Framing) -> Self {
        Answer { reply, framing: *framing, lines: None, declared: None, extra: Bytes::new(), end: None }
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
            Action::Headers { set, append, remove } => {
                let lines = self.lines();
                for name in remove {
                    lines.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
                }
                for (name, value) in set {
                    set_line(lines, name, value.clone());
                }
                lines.extend(append.iter().map(|(name, value)| (name.clone().into(), value.clone())));
                true
            }
            Action::Overrun { extra, keep_alive } => {
                self.extra = extra.clone();
                if !keep_alive {
                    self.end = Some(Moment::WaitThen(std::time::Duration::ZERO, End::Close));
                }
                !extra.is_empty()
            }
            Action::Error(_)
            | Action::Respond(_)
            | Action::Raw { .. }
            | Action::Reset { .. }
            | Action::Close { .. }
            | Action::Stall { .. }
            | Action::Delay { .. }
            | Action::Forget(_) => false,
        }
    }

    fn range(&mut self, answer: RangeAnswer) -> bool {
        let Some(ranged) = self.reply.ranged.clone().filter(|_| self.reply.status == 206) else {
            return false;
        };
        let (whole, asked) = (ranged.whole, ranged.range);
        let total = whole.len();
        let label = |range: &std::ops::Range<u64>, total: u64| {
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

    fn corrupt(&mut self, offset: Offset, length: u64, how: Corruption, roll: &mut Roll) -> bool {
        let total = self.body_len();
        let Some(start) = offset.resolve(Some(total)).filter(|start| *start < total) else { return false };
        let end = start.saturating_add(length).min(total);
        let body = &self.reply.body;
        let (before, damaged, after) = (body.slice(0..start), body.slice(start..end), body.slice(end..total));
        let mapped = |change: &mut dyn FnMut(u8) -> u8| {
            Content::new(
                damaged.pieces().iter().map(|piece| piece.iter().map(|byte| change(*byte)).collect()),
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
        let at_once = std::time::Duration::ZERO;
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
            ChecksumValue::Malformed => self.reply.set(name.into(), HeaderValue::from_static("malformed")),
            ChecksumValue::Is(value) => self.reply.set(name.into(), value.clone()),
        }
        true
    }

    fn length(&mut self, declared: Declared) -> bool {
        let Some(right) = self.declared.or(self.framing.content_length(&self.reply)) else { return false };
        let lines = self.lines();
        let value = match declared {
            Declared::Exactly(length) => Some(length),
            Declared::Plus(difference) => right.checked_add_signed(difference),
            Declared::Absent => {
                lines.retain(|(name, _)| name != "Content-Length");
                return true;
            }
            Declared::Twice => {
                let Some(at) = lines.iter().position(|(name, _)| name == "Content-Length") else {
                    return false;
                };
                lines.insert(at + 1, ("Content-Length".into(), (right + 1).into()));
                return true;
            }
        };
        match value.filter(|value| *value != right) {
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
        let end = match framing.connection {
            Connection::KeepAlive if self.is_framed() => End::Resume,
            _ => End::Close,
        };
        let head = encode(framing.version, self.reply.status, self.lines());
        let body = framing.body_of(&self.reply);
        let mut reshaped = Reshaped {
            script: Script::write_then(head, end),
            modifiers,
            download: vec![None; download.len()],
            done: vec![false; done.len()],
        };
        let script = &mut reshaped.script;

        let mut places: Vec<(u64, usize)> = download
            .iter()
            .enumerate()
            .filter_map(|(index, at)| Some((at.offset.resolve(Some(body.len()))?, index)))
            .collect();
        places.sort_by_key(|(offset, _)| *offset);
        let mut sent = 0;
        for (offset, index) in places {
            script.steps.push(Step::Send(body.slice(sent..offset)));
            sent = offset;
            reshaped.download[index] = Some(offset);
            if script.happen(download[index].moment) {
                return reshaped;
            }
        }
        script.steps.push(Step::Send(body.slice(sent..body.len())));
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
