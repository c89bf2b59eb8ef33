//! `do`: what happens.
//!
//! Source: `scenarios.md` 5.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;

use serde_json::{Value as Schema, json};

use super::fire::{Count, Skip};
use super::{HeaderName, Keyed, Located, Many, exclude, read_file};
use crate::scenario::json::{
    Members, Node, Note, Problems, Read, at_most_one, constrained, exactly_one, members, names,
};
use crate::scenario::problem::did_you_mean;
use crate::scenario::rule::{
    Action, Blanks, Checksum, ChecksumValue, ChunkFault, ContinueMode, Corruption, Declared, Delay,
    Direction, ErrorAnswer, FILLER, Forgotten, Kept, LateError, MAX_OVERRUN, Point, RangeAnswer, Response,
    Staleness, Then, Truncation,
};
use crate::scenario::value::{CodeName, Offset, Rate, Size};

/// An action as it is written: one that refers to a file has not read it yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ActionText {
    pub(super) action: Action,
    body_file: Option<Located<String>>,
}

type ReadAction = fn(&Node<'_>, &mut Problems) -> Option<ActionText>;

/// An action as the language knows it.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What it does on the wire or to the store, in a sentence.
    pub effect: &'static str,
    read: ReadAction,
    schema: fn() -> Schema,
}

impl Entry {
    /// The schema of its fields.
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }
}

/// The table of actions: endings first, then modifiers, as `scenarios.md` lists them.
pub const ACTIONS: &[Entry] = &[
    Entry {
        name: "error",
        effect: "An error answer in the service's own format: XML for COS, JSON for CAS. Early, at `head` or `upload`, the rest of the request is left unread.",
        read: |node, problems| read_error(node, problems).map(ActionText::from),
        schema: || json!({ "anyOf": [CodeName::schema(), offset_with_place(ErrorText::schema())] }),
    },
    Entry {
        name: "error_in_200",
        effect: "Status 200, blanks that keep the connection alive, then an error document all the same.",
        read: |node, problems| {
            let text = LateErrorText::read(node, problems)?;
            let LateErrorText { code, whitespace, blanks, cut } = text;
            Some(Action::ErrorIn200(LateError { code: code.0, whitespace, blanks, cut }).into())
        },
        schema: LateErrorText::schema,
    },
    Entry {
        name: "respond",
        effect: "Exactly this HTTP answer.",
        read: read_respond,
        schema: || at_most_one(RespondText::schema(), &["body", "body_file", "body_base64"]),
    },
    Entry {
        name: "raw",
        effect: "Exactly these bytes in the place of an answer, and then the end.",
        read: |node, problems| read_raw(node, problems).map(ActionText::from),
        schema: || exactly_one(RawText::schema(), &["text", "base64"]),
    },
    Entry {
        name: "redirect",
        effect: "The way to another endpoint; path and query are kept.",
        read: |node, problems| {
            let text = RedirectText::read(node, problems)?;
            Some(Action::Redirect { to: text.to.0, status: text.status.0 }.into())
        },
        schema: RedirectText::schema,
    },
    Entry {
        name: "reset",
        effect: "A TCP RST. What was promised before arrives; what is unsent and unread is dropped.",
        read: |node, problems| {
            let end = End::read(node, problems)?;
            Some(Action::Reset { at: end.at, after: end.after }.into())
        },
        schema: End::schema,
    },
    Entry {
        name: "close",
        effect: "An orderly FIN. What the client still sends is read and dropped, within a bound.",
        read: |node, problems| {
            let end = End::read(node, problems)?;
            Some(Action::Close { at: end.at, after: end.after }.into())
        },
        schema: End::schema,
    },
    Entry {
        name: "half_close",
        effect: "A FIN in the server's direction only; the client's direction is read on for `hold`.",
        read: |node, problems| {
            let text = HalfCloseText::read(node, problems)?;
            let at = point(&node.members()?, text.at, text.offset, problems)?;
            Some(Action::HalfClose { at, hold: text.hold }.into())
        },
        schema: || offset_with_place(HalfCloseText::schema()),
    },
    Entry {
        name: "stall",
        effect: "No byte in either direction, for a time or for ever.",
        read: |node, problems| read_stall(node, problems).map(ActionText::from),
        schema: || offset_with_place(StallText::schema()),
    },
    Entry {
        name: "delay",
        effect: "Waits, then goes on.",
        read: |node, problems| {
            let delay = PlacedDelay::read(node, problems)?;
            Some(Action::Delay { at: delay.at, amount: delay.amount }.into())
        },
        schema: PlacedDelay::schema,
    },
    Entry {
        name: "throttle",
        effect: "So many bytes a second.",
        read: |node, problems| {
            let text = ThrottleText::read(node, problems)?;
            Some(Action::Throttle { direction: text.direction, bytes_per_second: text.rate.0 }.into())
        },
        schema: ThrottleText::schema,
    },
    Entry {
        name: "drip",
        effect: "Pieces of `size`, one write on the socket each, and a pause between.",
        read: |node, problems| {
            let DripText { direction, size, pause, head } = DripText::read(node, problems)?;
            Some(Action::Drip { direction, size_bytes: size.0, pause, head }.into())
        },
        schema: DripText::schema,
    },
    Entry {
        name: "truncate",
        effect: "Only the start of the body under the length of the whole, then the end; `clean` declares the shorter length.",
        read: |node, problems| {
            let text = TruncateText::read(node, problems)?;
            Some(Action::Truncate { keep: text.keep, end: text.end }.into())
        },
        schema: TruncateText::schema,
    },
    Entry {
        name: "overrun",
        effect: "Extra bytes behind the declared end of the body.",
        read: |node, problems| read_overrun(node, problems).map(ActionText::from),
        schema: || exactly_one(OverrunText::schema(), &["bytes", "text"]),
    },
    Entry {
        name: "length",
        effect: "Another `Content-Length`, none, or two, over an unchanged body; a FIN behind it where the length lies.",
        read: |node, problems| {
            LengthText::read(node, problems).map(|text| Action::Length(text.declare).into())
        },
        schema: LengthText::schema,
    },
    Entry {
        name: "corrupt",
        effect: "Changed bytes of the body under its length and its checksums.",
        read: |node, problems| {
            let text = CorruptText::read(node, problems)?;
            Some(Action::Corrupt { offset: text.offset, length: text.length.0, how: text.how }.into())
        },
        schema: CorruptText::schema,
    },
    Entry {
        name: "checksum",
        effect: "Changed checksum headers over an unchanged body.",
        read: |node, problems| read_checksum(node, problems).map(ActionText::from),
        schema: || {
            let level = json!({
                "if": { "required": ["level"] },
                "then": { "properties": { "which": { "const": "tree-hash" }, "value": { "const": "wrong" } } },
            });
            constrained(ChecksumText::schema(), level)
        },
    },
    Entry {
        name: "headers",
        effect: "Changed header lines of the answer: first removed, then set, then appended; spelled as written. `spell` changes nothing but the spelling of names that are there.",
        read: |node, problems| {
            let text = HeadersText::read(node, problems)?;
            let names = |names: Many<HeaderName>| names.0.into_iter().map(|name| name.0).collect();
            Some(
                Action::Headers {
                    set: values(text.set),
                    append: values(text.append),
                    remove: names(text.remove),
                    spell: names(text.spell),
                }
                .into(),
            )
        },
        schema: HeadersText::schema,
    },
    Entry {
        name: "range",
        effect: "Another answer to a ranged read than was asked for; or another boundary in a CAS error that names one.",
        read: |node, problems| read_range(node, problems).map(ActionText::from),
        schema: || {
            let schema = RangeAnswerText::schema();
            let with = |answer: &str, field: &str| {
                json!({
                    "if": { "properties": { "answer": { "const": answer } } },
                    "then": { "required": [field] },
                    "else": { "not": { "required": [field] } },
                })
            };
            constrained(schema, json!({ "allOf": [with("shift", "by"), with("short", "keep")] }))
        },
    },
    Entry {
        name: "chunked",
        effect: "The body in chunks that are not well-formed, and a FIN.",
        read: |node, problems| {
            ChunkedText::read(node, problems).map(|text| Action::Chunked(text.fault).into())
        },
        schema: ChunkedText::schema,
    },
    Entry {
        name: "continue_100",
        effect: "Another handling of `Expect: 100-continue`.",
        read: |node, problems| read_continue(node, problems).map(ActionText::from),
        schema: || {
            let late = json!({
                "if": { "properties": { "mode": { "const": "late" } } },
                "then": { "required": ["after"] },
                "else": { "not": { "required": ["after"] } },
            });
            constrained(ContinueText::schema(), late)
        },
    },
    Entry {
        name: "stale",
        effect: "Later reads and lists of the object see the state before this write.",
        read: |node, problems| read_stale(node, problems).map(ActionText::from),
        schema: || exactly_one(StaleText::schema(), &["reads", "for"]),
    },
    Entry {
        name: "forget",
        effect: "Something is gone from the store after the request; later requests meet its absence.",
        read: |node, problems| ForgetText::read(node, problems).map(|text| Action::Forget(text.what).into()),
        schema: ForgetText::schema,
    },
    Entry {
        name: "keep_alive",
        effect: "What is done with the connection behind the answer, whatever the answer says of it.",
        read: |node, problems| {
            let text = KeepAliveText::read(node, problems)?;
            let announce = match text.announce {
                Announced::Absent => None,
                Announced::Close => Some(Kept::Close),
                Announced::KeepAlive => Some(Kept::KeepAlive),
            };
            Some(Action::KeepAlive { really: text.really, announce }.into())
        },
        schema: KeepAliveText::schema,
    },
];

/// The schema of an object with `at` and `offset`: the offset goes with `upload` and `download`, and with nothing else.
fn offset_with_place(schema: Schema) -> Schema {
    constrained(
        schema,
        json!({
            "if": { "required": ["at"], "properties": { "at": { "enum": ["upload", "download"] } } },
            "then": { "required": ["offset"] },
            "else": { "not": { "required": ["offset"] } },
        }),
    )
}

/// What the schema calls `action`: an object with exactly one name of an action.
pub(super) fn action_schema() -> Schema {
    let one = ACTIONS.iter().map(|entry| {
        let described = constrained(json!({ "description": entry.effect }), entry.schema());
        let note = Note::member();
        json!({ "type": "object", "properties": { entry.name: described, "note": note }, "required": [entry.name], "additionalProperties": false })
    });
    json!({ "description": "One action: an object with exactly one name of an action.", "oneOf": one.collect::<Vec<_>>() })
}

fn values(named: Keyed<HeaderName, HeaderText>) -> Vec<(String, HeaderValue)> {
    named.0.into_iter().map(|(name, value)| (name, value.0)).collect()
}

impl From<Action> for ActionText {
    fn from(action: Action) -> Self {
        ActionText { action, body_file: None }
    }
}

impl ActionText {
    /// Reads the file that the action refers to.
    pub(super) fn with_files(self, folder: Option<&Path>, problems: &mut Problems) -> Option<Action> {
        match (self.action, self.body_file) {
            (Action::Respond(response), Some(file)) => match read_file(&file.value, folder) {
                Ok(body) => Some(Action::Respond(Response { body, ..response })),
                Err(reason) => problems.add(file.problem("E308", format!("\"{}\": {reason}", file.value))),
            },
            (action, _) => Some(action),
        }
    }
}

impl Read for ActionText {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let Some(members) = node.members() else {
            return problems.add(node.wrong_type("an action, such as { \"reset\": { \"at\": \"reply\" } }"));
        };
        let names: Vec<&str> = members.names().filter(|name| *name != "note").collect();
        let [name] = names.as_slice() else {
            return problems.add(match names.get(1) {
                None => members.problem_at_brace("E205", "the action has no name"),
                Some(second) => members.problem_at_key(
                    second,
                    "E205",
                    format!(
                        "an action has exactly one name, and this one has \"{}\" and \"{second}\"",
                        names[0]
                    ),
                ),
            });
        };
        if let Some(note) = members.get("note") {
            Note::read(&note, problems)?;
        }
        let Some(entry) = ACTIONS.iter().find(|entry| entry.name == *name) else {
            let known: Vec<&str> = ACTIONS.iter().map(|entry| entry.name).chain(["note"]).collect();
            members.refuse_unknown(&known, &[], "action", problems);
            return None;
        };
        (entry.read)(&members.get(name)?, problems)
    }

    fn schema() -> Schema {
        json!({ "$ref": "#/$defs/action" })
    }
}

/// A point in time as files write it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum PointName {
    Head,
    Upload,
    Reply,
    Download,
    Done,
}

names! { PointName as "point" {
    Head = "head",
    Upload = "upload",
    Reply = "reply",
    Download = "download",
    Done = "done",
} }

/// The moment that `at` and `offset` of an action name.
///
/// # Errors
/// `E304` when `upload` or `download` have no offset, or another point has one.
fn point(
    members: &Members<'_>,
    at: PointName,
    offset: Option<Offset>,
    problems: &mut Problems,
) -> Option<Point> {
    match (at, offset) {
        (PointName::Upload, Some(offset)) => Some(Point::Upload(offset)),
        (PointName::Download, Some(offset)) => Some(Point::Download(offset)),
        (PointName::Upload | PointName::Download, None) => {
            let message = format!("\"at\": \"{}\" needs an \"offset\"", at.name());
            problems.missing(members, "offset", "E304", message)
        }
        (PointName::Head, None) => Some(Point::Head),
        (PointName::Reply, None) => Some(Point::Reply),
        (PointName::Done, None) => Some(Point::Done),
        (_, Some(_)) => {
            let last =
                members.names().filter(|name| ["at", "offset"].contains(name)).last().unwrap_or("offset");
            let message = format!("\"offset\" goes with upload and download, not with \"{}\"", at.name());
            problems.add(members.problem_at_key(last, "E304", message))
        }
    }
}

/// Where and when a `reset` or `close` happens.
struct End {
    at: Point,
    after: Duration,
}

members! {
    struct EndText {
        /// When.
        required at: PointName,
        /// At upload and download: behind so many bytes of the body.
        optional offset: Offset,
        /// So much later.
        default after: Duration = Duration::ZERO,
    }
}

impl Read for End {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = EndText::read(node, problems)?;
        let at = point(&node.members()?, text.at, text.offset, problems)?;
        Some(End { at, after: text.after })
    }

    fn schema() -> Schema {
        offset_with_place(EndText::schema())
    }
}

members! {
    struct ErrorText {
        /// The code, of the tables of either service.
        required code: CodeName,
        /// Another status than the usual one of the code.
        optional status: Status,
        /// Another message than the usual one of the code.
        optional message: String,
        /// Headers of the answer; null takes one away.
        default headers: Keyed<HeaderName, MaybeHeader> = Keyed::default(),
        /// Retry-After, sent in whole seconds.
        optional retry_after: Duration,
        /// CAS: the type of the error.
        optional kind as "type": String,
        /// When: head, upload or reply.
        default at: ErrorPoint = ErrorPoint(PointName::Reply),
        /// At upload: behind so many bytes of the body.
        optional offset: Offset,
    }
}

fn read_error(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    if node.text().is_some() {
        let code = CodeName::read(node, problems)?;
        return Some(Action::Error(ErrorAnswer::of(&code.0)));
    }
    let text = ErrorText::read(node, problems)?;
    let members = node.members()?;
    Some(Action::Error(ErrorAnswer {
        code: text.code.0,
        status: text.status.map(|status| status.0),
        message: text.message,
        headers: text.headers.0.into_iter().map(|(name, value)| (name, value.0)).collect(),
        retry_after: text.retry_after,
        kind: text.kind,
        at: point(&members, text.at.0, text.offset, problems)?,
    }))
}

/// A point at which an error can be answered.
#[derive(Debug, Clone, PartialEq)]
struct ErrorPoint(PointName);

impl Read for ErrorPoint {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match PointName::read(node, problems)? {
            PointName::Download | PointName::Done => problems.add(node.problem(
                "E204",
                "an error is answered at head, upload or reply: later the answer has begun",
            )),
            at => Some(ErrorPoint(at)),
        }
    }

    fn schema() -> Schema {
        json!({ "enum": ["head", "upload", "reply"] })
    }
}

members! {
    struct LateErrorText {
        /// The code, of the tables of either service.
        required code: CodeName,
        /// For how long blanks are sent before the document.
        default whitespace: Duration = Duration::ZERO,
        /// Where the blanks stand.
        default blanks: Blanks = Blanks::BeforeRoot,
        /// How much of the document is sent before a FIN; blanks do not count.
        optional cut: Offset,
    }
}

names! { Blanks as "place of the blanks" {
    BeforeRoot = "before-root",
    BeforeDeclaration = "before-declaration",
} }

members! {
    struct RedirectText {
        /// Where to: a host, or a scheme and a host.
        required to: Endpoint,
        /// The status.
        default status: RedirectStatus = RedirectStatus(307),
    }
}

/// A scheme and a host.
#[derive(Debug, Clone, PartialEq)]
struct Endpoint(String);

impl Read for Endpoint {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        let (scheme, host) = text.split_once("://").unwrap_or(("http", &text));
        let is_host =
            http::uri::Authority::try_from(host).is_ok_and(|authority| !authority.as_str().contains('@'));
        if is_host && matches!(scheme, "http" | "https") {
            return Some(Endpoint(format!("{scheme}://{host}")));
        }
        let mut problem = node.problem("E204", format!("\"{text}\" is no endpoint"));
        problem.hint = Some("an endpoint is a host such as \"b-1.cos.ap-beijing.myqcloud.com\", or a scheme and a host; path and query are kept".to_owned());
        problems.add(problem)
    }

    fn schema() -> Schema {
        json!({ "type": "string", "pattern": r"^(https?://)?[^/?#@ ]+$" })
    }
}

#[derive(Debug, Clone, PartialEq)]
struct RedirectStatus(u16);

impl Read for RedirectStatus {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match Status::read(node, problems)?.0 {
            status @ (301 | 302 | 303 | 307 | 308) => Some(RedirectStatus(status)),
            status => problems.add(node.problem("E204", format!("the status {status} is no redirect"))),
        }
    }

    fn schema() -> Schema {
        json!({ "enum": [301, 302, 303, 307, 308] })
    }
}

members! {
    struct HalfCloseText {
        /// When.
        required at: PointName,
        /// At upload and download: behind so many bytes of the body.
        optional offset: Offset,
        /// How long the client's direction is still read.
        default hold: Duration = Duration::from_secs(5),
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Status(u16);

impl Read for Status {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match u64::read(node, problems)? {
            status @ 200..=599 => Some(Status(status as u16)),
            status => {
                problems.add(node.problem("E204", format!("the status {status} is not from 200 to 599")))
            }
        }
    }

    fn schema() -> Schema {
        json!({ "type": "integer", "minimum": 200, "maximum": 599 })
    }
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq)]
struct HeaderText(HeaderValue);

impl Read for HeaderText {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let text = String::read(node, problems)?;
        match HeaderValue::from_bytes(text.as_bytes()) {
            Ok(value) => Some(HeaderText(value)),
            Err(_) => problems.add(node.problem("E204", "a header value has no control characters")),
        }
    }

    fn schema() -> Schema {
        json!({ "type": "string", "pattern": r"^[\t\u0020-\u007e\u0080-\U0010ffff]*$" })
    }
}

/// The value of a header, or `null` to take it away.
#[derive(Debug, Clone, PartialEq)]
struct MaybeHeader(Option<HeaderValue>);

impl Read for MaybeHeader {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.is_null() {
            return Some(MaybeHeader(None));
        }
        HeaderText::read(node, problems).map(|value| MaybeHeader(Some(value.0)))
    }

    fn schema() -> Schema {
        json!({ "anyOf": [HeaderText::schema(), { "type": "null" }] })
    }
}

/// Bytes in base64.
#[derive(Debug, Clone, PartialEq)]
struct Base64(Bytes);

impl Read for Base64 {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match STANDARD.decode(String::read(node, problems)?) {
            Ok(bytes) => Some(Base64(bytes.into())),
            Err(error) => problems.add(node.problem("E202", format!("not base64: {error}"))),
        }
    }

    fn schema() -> Schema {
        json!({ "type": "string", "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$" })
    }
}

members! {
    struct RespondText {
        /// The status.
        required status: Status,
        /// The headers, spelled as written.
        default headers: Keyed<HeaderName, HeaderText> = Keyed::default(),
        /// The body as text.
        optional body: String,
        /// A file with the body, in the folder of the scenario.
        optional body_file: Located<String>,
        /// The body in base64.
        optional body_base64: Base64,
    }
}

fn read_respond(node: &Node<'_>, problems: &mut Problems) -> Option<ActionText> {
    let text = RespondText::read(node, problems)?;
    exclude(&node.members()?, &["body", "body_file", "body_base64"], problems);
    let body = text.body.map(Bytes::from).or(text.body_base64.map(|bytes| bytes.0)).unwrap_or_default();
    let headers = text.headers.0.into_iter().map(|(name, value)| (name, value.0)).collect();
    let action = Action::Respond(Response { status: text.status.0, headers, body });
    Some(ActionText { action, body_file: text.body_file })
}

names! { RawThenName as "way to end" {
    Close = "close",
    Reset = "reset",
    Stall = "stall",
} }

#[derive(Debug, Clone, Copy, PartialEq)]
enum RawThenName {
    Close,
    Reset,
    Stall,
}

members! {
    struct RawText {
        /// The bytes as text; may be empty.
        optional text: String,
        /// The bytes in base64; may be empty.
        optional base64: Base64,
        /// What comes behind them.
        default then: RawThenName = RawThenName::Close,
    }
}

fn read_raw(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    let text = RawText::read(node, problems)?;
    let members = node.members()?;
    exclude(&members, &["text", "base64"], problems);
    let Some(bytes) = text.text.map(Bytes::from).or(text.base64.map(|bytes| bytes.0)) else {
        return problems.add(members.problem_at_brace("E201", "one of \"text\" and \"base64\" is missing"));
    };
    let then = match text.then {
        RawThenName::Close => Then::Close,
        RawThenName::Reset => Then::Reset,
        RawThenName::Stall => Then::Stall,
    };
    Some(Action::Raw { bytes, then })
}

names! { StallThenName as "way to go on" {
    Continue = "continue",
    Close = "close",
    Reset = "reset",
} }

#[derive(Debug, Clone, Copy, PartialEq)]
enum StallThenName {
    Continue,
    Close,
    Reset,
}

members! {
    struct StallText {
        /// When.
        required at: PointName,
        /// At upload and download: behind so many bytes of the body.
        optional offset: Offset,
        /// How long, or "forever".
        default hold as "for": Hold = Hold(None),
        /// What comes afterwards.
        default then: StallThenName = StallThenName::Continue,
    }
}

/// How long a stall lasts: a duration, or `"forever"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Hold(pub Option<Duration>);

impl Read for Hold {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.text() == Some("forever") {
            return Some(Hold(None));
        }
        Duration::read(node, problems).map(|duration| Hold(Some(duration)))
    }

    fn schema() -> Schema {
        json!({ "anyOf": [Duration::schema(), { "const": "forever" }] })
    }
}

fn read_stall(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    let text = StallText::read(node, problems)?;
    let at = point(&node.members()?, text.at, text.offset, problems)?;
    let then = match text.then {
        StallThenName::Continue => Then::Continue,
        StallThenName::Close => Then::Close,
        StallThenName::Reset => Then::Reset,
    };
    Some(Action::Stall { at, hold: text.hold.0, then })
}

members! {
    struct DelayText {
        /// When.
        default at: PointName = PointName::Reply,
        /// At upload and download: behind so many bytes of the body.
        optional offset: Offset,
        /// Always so long.
        optional fixed: Duration,
        /// Evenly between two durations.
        optional uniform: Uniform,
        /// Of the normal distribution, never below 0.
        optional normal: Normal,
        /// Of the log-normal distribution.
        optional lognormal: Lognormal,
    }
}

members! {
    struct AmountText {
        /// Always so long.
        optional fixed: Duration,
        /// Evenly between two durations.
        optional uniform: Uniform,
        /// Of the normal distribution, never below 0.
        optional normal: Normal,
        /// Of the log-normal distribution.
        optional lognormal: Lognormal,
    }
}

/// The names of the distributions of a delay.
const DISTRIBUTIONS: &[&str] = &["fixed", "uniform", "normal", "lognormal"];

/// A delay at a moment of an exchange.
struct PlacedDelay {
    at: Point,
    amount: Delay,
}

impl Read for PlacedDelay {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let DelayText { at, offset, fixed, uniform, normal, lognormal } = DelayText::read(node, problems)?;
        let members = node.members()?;
        let at = point(&members, at, offset, problems);
        let amount = AmountText { fixed, uniform, normal, lognormal }.into_delay(&members, problems);
        Some(PlacedDelay { at: at?, amount: amount? })
    }

    fn schema() -> Schema {
        exactly_one(offset_with_place(DelayText::schema()), DISTRIBUTIONS)
    }
}

/// A delay whose moment is known.
impl Read for Delay {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        AmountText::read(node, problems)?.into_delay(&node.members()?, problems)
    }

    fn schema() -> Schema {
        exactly_one(AmountText::schema(), DISTRIBUTIONS)
    }
}

impl AmountText {
    fn into_delay(self, members: &Members<'_>, problems: &mut Problems) -> Option<Delay> {
        exclude(members, DISTRIBUTIONS, problems);
        match self {
            AmountText { fixed: Some(fixed), .. } => Some(Delay::Fixed(fixed)),
            AmountText { uniform: Some(uniform), .. } => Some(Delay::Uniform(uniform.0, uniform.1)),
            AmountText { normal: Some(normal), .. } => {
                Some(Delay::Normal { mean: normal.mean, sd: normal.sd })
            }
            AmountText { lognormal: Some(Lognormal { median, sigma, max }), .. } => {
                Some(Delay::Lognormal { median, sigma: sigma.0, max })
            }
            _ => {
                let message = format!("one of {} is missing", DISTRIBUTIONS.join(", "));
                problems.add(members.problem_at_brace("E201", message))
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Uniform(Duration, Duration);

impl Read for Uniform {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let bounds = Many::<Duration>::read(node, problems)?;
        match bounds.0.as_slice() {
            [low, high] if low <= high => Some(Uniform(*low, *high)),
            [_, _] => problems.add(node.problem("E204", "the second duration is below the first")),
            _ => problems.add(node.problem("E204", "expected two durations")),
        }
    }

    fn schema() -> Schema {
        json!({ "type": "array", "items": Duration::schema(), "minItems": 2, "maxItems": 2 })
    }
}

members! {
    struct Normal {
        /// The mean.
        required mean: Duration,
        /// The standard deviation.
        required sd: Duration,
    }
}

members! {
    struct Lognormal {
        /// The median.
        required median: Duration,
        /// The standard deviation of the logarithm.
        required sigma: Sigma,
        /// Never longer.
        optional max: Duration,
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Sigma(f64);

impl Read for Sigma {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match f64::read(node, problems)? {
            sigma if sigma >= 0.0 => Some(Sigma(sigma)),
            sigma => problems.add(node.problem("E204", format!("{sigma} is below 0"))),
        }
    }

    fn schema() -> Schema {
        json!({ "type": "number", "minimum": 0 })
    }
}

names! { Truncation as "way to end" {
    Close = "close",
    Reset = "reset",
    Stall = "stall",
    Clean = "clean",
} }

members! {
    struct TruncateText {
        /// How much of the body is sent.
        required keep: Offset,
        /// How the answer ends.
        default end: Truncation = Truncation::Close,
    }
}

members! {
    struct OverrunText {
        /// So many bytes, each an x.
        optional bytes: Size,
        /// These bytes.
        optional text: String,
        /// Whether the connection stays open.
        default keep_alive: bool = true,
    }
}

fn read_overrun(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    let text = OverrunText::read(node, problems)?;
    let members = node.members()?;
    exclude(&members, &["bytes", "text"], problems);
    let extra = match (text.bytes, text.text) {
        (Some(size), _) if size > MAX_OVERRUN => {
            let message = format!("{} bytes are more than 16 MiB", size.0);
            return problems.add(members.get("bytes")?.problem("E204", message));
        }
        (Some(size), _) => Bytes::from(vec![FILLER; size.0 as usize]),
        (None, Some(text)) => Bytes::from(text),
        (None, None) => {
            return problems
                .add(members.problem_at_brace("E201", "one of \"bytes\" and \"text\" is missing"));
        }
    };
    Some(Action::Overrun { extra, keep_alive: text.keep_alive })
}

members! {
    struct LengthText {
        /// A number of bytes, "+10", "-10", "absent" or "twice".
        required declare: Declared,
    }
}

impl Read for Declared {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.number().is_some() {
            return u64::read(node, problems).map(Declared::Exactly);
        }
        match node.text() {
            Some("absent") => Some(Declared::Absent),
            Some("twice") => Some(Declared::Twice),
            Some(text)
                if text.starts_with(['+', '-']) && text[1..].bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                match text.parse() {
                    Ok(difference) => Some(Declared::Plus(difference)),
                    Err(_) if text.len() > 1 => problems.add(
                        node.problem("E109", format!("the difference {text} is out of range"))
                            .with_hint("no body is so long"),
                    ),
                    Err(_) => {
                        problems.add(node.problem("E202", format!("\"{text}\" is no difference of lengths")))
                    }
                }
            }
            Some(text) => {
                let mut problem = node.problem("E203", format!("unknown length \"{text}\""));
                problem.hint = did_you_mean(text, ["absent", "twice"])
                    .or_else(|| Some("a number, \"+10\", \"-10\", \"absent\" or \"twice\"".to_owned()));
                problems.add(problem)
            }
            None => problems.add(node.wrong_type("a number, \"+10\", \"-10\", \"absent\" or \"twice\"")),
        }
    }

    fn schema() -> Schema {
        json!({ "anyOf": [
            u64::schema(),
            { "enum": ["absent", "twice"] },
            { "type": "string", "pattern": "^[+-][0-9]{1,18}$" },
        ] })
    }
}

names! { Corruption as "way to corrupt" {
    Flip = "flip",
    Zero = "zero",
    Random = "random",
    Shift = "shift",
    Swap = "swap",
} }

members! {
    struct CorruptText {
        /// The first changed byte of the body.
        required offset: Offset,
        /// How many bytes.
        default length: NonZeroSize = NonZeroSize(1),
        /// In which way.
        required how: Corruption,
    }
}

/// A size of at least one byte.
#[derive(Debug, Clone, PartialEq)]
struct NonZeroSize(u64);

impl Read for NonZeroSize {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match Size::read(node, problems)? {
            Size(0) => problems.add(node.problem("E204", "the size must be at least 1")),
            Size(size) => Some(NonZeroSize(size)),
        }
    }

    fn schema() -> Schema {
        json!({ "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": i64::MAX },
            { "type": "string", "pattern": r"^0*[1-9][0-9]*(\.[0-9]*)?([KMGT]i?)?B$" },
        ] })
    }
}

names! { ChecksumName as "checksum" {
    Etag = "etag",
    Crc64 = "crc64",
    Md5 = "md5",
    Sha256 = "sha256",
    TreeHash = "tree-hash",
    All = "all",
} }

#[derive(Debug, Clone, Copy, PartialEq)]
enum ChecksumName {
    Etag,
    Crc64,
    Md5,
    Sha256,
    TreeHash,
    All,
}

/// One checksum header, or all of them.
#[derive(Debug, Clone, PartialEq)]
struct Checksums(Vec<Checksum>);

impl Read for Checksums {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        Some(Checksums(match ChecksumName::read(node, problems)? {
            ChecksumName::Etag => vec![Checksum::Etag],
            ChecksumName::Crc64 => vec![Checksum::Crc64],
            ChecksumName::Md5 => vec![Checksum::Md5],
            ChecksumName::Sha256 => vec![Checksum::Sha256],
            ChecksumName::TreeHash => vec![Checksum::TreeHash],
            ChecksumName::All => Checksum::ALL.to_vec(),
        }))
    }

    fn schema() -> Schema {
        ChecksumName::schema()
    }
}

names! { ChecksumValueName as "value of a checksum" {
    Wrong = "wrong",
    Absent = "absent",
    Malformed = "malformed",
} }

#[derive(Debug, Clone, Copy, PartialEq)]
enum ChecksumValueName {
    Wrong,
    Absent,
    Malformed,
}

members! {
    struct Literal {
        /// The value.
        required is: HeaderText,
    }
}

impl Read for ChecksumValue {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        if node.members().is_some() {
            return Literal::read(node, problems).map(|literal| ChecksumValue::Is(literal.is.0));
        }
        ChecksumValueName::read(node, problems).map(|name| match name {
            ChecksumValueName::Wrong => ChecksumValue::Wrong,
            ChecksumValueName::Absent => ChecksumValue::Absent,
            ChecksumValueName::Malformed => ChecksumValue::Malformed,
        })
    }

    fn schema() -> Schema {
        json!({ "anyOf": [ChecksumValueName::schema(), Literal::schema()] })
    }
}

members! {
    struct ChecksumText {
        /// Which header.
        required which: Checksums,
        /// What it says: another value of its form, nothing, something of another form, or { "is": "this" }.
        required value: ChecksumValue,
        /// With a wrong tree hash: the level of the tree with the mistake, from which it is computed on; 0 are the leaves. A level
        /// above the root is the root.
        optional level: Skip,
    }
}

fn read_checksum(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    let ChecksumText { which, mut value, level } = ChecksumText::read(node, problems)?;
    if let Some(Skip(level)) = level {
        if which.0 != [Checksum::TreeHash] || value != ChecksumValue::Wrong {
            let message = "\"level\" goes with \"which\": \"tree-hash\" and \"value\": \"wrong\" alone";
            problems.0.push(node.members()?.problem_at_key("level", "E204", message));
        }
        value = ChecksumValue::WrongFrom(level);
    }
    Some(Action::Checksum { which: which.0, value })
}

members! {
    struct HeadersText {
        /// Headers to put in the place of what is there.
        default set: Keyed<HeaderName, HeaderText> = Keyed::default(),
        /// Header lines to add behind what is there.
        default append: Keyed<HeaderName, HeaderText> = Keyed::default(),
        /// Headers to take away.
        default remove: Many<HeaderName> = Many(Vec::new()),
        /// Names of headers in the spelling to write them in, such as "etag" for ETag; their values stay.
        default spell: Many<HeaderName> = Many(Vec::new()),
    }
}

names! { RangeAnswerName as "answer" {
    Ignore = "ignore",
    Shift = "shift",
    Short = "short",
    NoHeader = "no-header",
    WrongTotal = "wrong-total",
} }

#[derive(Debug, Clone, Copy, PartialEq)]
enum RangeAnswerName {
    Ignore,
    Shift,
    Short,
    NoHeader,
    WrongTotal,
}

members! {
    struct RangeAnswerText {
        /// What is answered.
        required answer: RangeAnswerName,
        /// With shift: how many bytes later, or earlier when negative.
        optional by: Difference,
        /// With short: how much of what was asked for.
        optional keep: Offset,
    }
}

/// A number of bytes, forwards or backwards.
#[derive(Debug, Clone, PartialEq)]
struct Difference(i64);

impl Read for Difference {
    fn read(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let difference = match Offset::read(node, problems)? {
            Offset::FromStart(bytes) => i64::try_from(bytes).ok(),
            Offset::FromEnd(bytes) => i64::try_from(bytes).ok().map(|bytes| -bytes),
            Offset::Percent(_) => None,
        };
        match difference {
            Some(0) => problems.add(node.problem("E204", "a shift by 0 changes nothing")),
            Some(difference) => Some(Difference(difference)),
            None => problems.add(node.problem("E202", "expected a number of bytes")),
        }
    }

    fn schema() -> Schema {
        json!({ "anyOf": [
            { "type": "integer", "not": { "const": 0 }, "minimum": -i64::MAX, "maximum": i64::MAX },
            { "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]*)?([KMGT]i?)?B$" },
        ] })
    }
}

fn read_range(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    let text = RangeAnswerText::read(node, problems)?;
    let members = node.members()?;
    let needed = match text.answer {
        RangeAnswerName::Shift => Some("by"),
        RangeAnswerName::Short => Some("keep"),
        RangeAnswerName::Ignore | RangeAnswerName::NoHeader | RangeAnswerName::WrongTotal => None,
    };
    let answer = text.answer.name();
    for name in members.names().filter(|name| ["by", "keep"].contains(name) && Some(*name) != needed) {
        let message = format!("\"{name}\" does not go with \"answer\": \"{answer}\"");
        problems.0.push(members.problem_at_key(name, "E204", message));
    }
    let answer = match (text.answer, text.by, text.keep) {
        (RangeAnswerName::Ignore, ..) => RangeAnswer::Ignore,
        (RangeAnswerName::NoHeader, ..) => RangeAnswer::NoHeader,
        (RangeAnswerName::WrongTotal, ..) => RangeAnswer::WrongTotal,
        (RangeAnswerName::Shift, Some(by), _) => RangeAnswer::Shift(by.0),
        (RangeAnswerName::Short, _, Some(keep)) => RangeAnswer::Short(keep),
        (RangeAnswerName::Shift | RangeAnswerName::Short, ..) => {
            let message = format!("\"{}\" is missing", needed.unwrap_or_default());
            return problems.missing(&members, needed.unwrap_or_default(), "E201", message);
        }
    };
    Some(Action::Range(answer))
}

names! { Forgotten as "thing to forget" {
    Upload = "upload",
    Part = "part",
    Object = "object",
    Job = "job",
    Archive = "archive",
} }

members! {
    struct ForgetText {
        /// What is forgotten.
        required what: Forgotten,
    }
}

names! { Direction as "direction" {
    Download = "download",
    Upload = "upload",
    Both = "both",
} }

members! {
    struct ThrottleText {
        /// Which body: that of the answer, that of the request, or both.
        default direction: Direction = Direction::Download,
        /// Bytes per second.
        required rate: Rate,
    }
}

members! {
    struct DripText {
        /// Which body: that of the answer, that of the request, or both.
        default direction: Direction = Direction::Download,
        /// The size of a piece.
        required size: NonZeroSize,
        /// How long each pause is.
        required pause: Duration,
        /// Whether the head of the answer comes in pieces too.
        default head: bool = false,
    }
}

names! { ChunkFault as "fault of chunks" {
    BadSize = "bad-size",
    NoEnd = "no-end",
    GarbageSize = "garbage-size",
    TrailerMissing = "trailer-missing",
} }

members! {
    struct ChunkedText {
        /// What is wrong with the chunks.
        required fault: ChunkFault,
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum ContinueName {
    Never,
    Late,
    Twice,
    Refused,
}

names! { ContinueName as "mode" {
    Never = "never",
    Late = "late",
    Twice = "twice",
    Refused = "417",
} }

members! {
    struct ContinueText {
        /// What becomes of the expectation.
        required mode: ContinueName,
        /// With late: how much later.
        optional after: Duration,
    }
}

fn read_continue(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    let text = ContinueText::read(node, problems)?;
    let members = node.members()?;
    Some(Action::Continue100(match (text.mode, text.after) {
        (ContinueName::Late, Some(after)) => ContinueMode::Late(after),
        (ContinueName::Late, None) => {
            return problems.missing(&members, "after", "E201", "\"after\" is missing".to_owned());
        }
        (mode, Some(_)) => {
            let message = format!("\"after\" does not go with \"mode\": \"{}\"", mode.name());
            return problems.add(members.problem_at_key("after", "E204", message));
        }
        (ContinueName::Never, None) => ContinueMode::Never,
        (ContinueName::Twice, None) => ContinueMode::Twice,
        (ContinueName::Refused, None) => ContinueMode::Refused,
    }))
}

members! {
    struct StaleText {
        /// For so many reads of the object, and for so many lists.
        optional reads: Count,
        /// For that time.
        optional time as "for": Duration,
    }
}

fn read_stale(node: &Node<'_>, problems: &mut Problems) -> Option<Action> {
    let text = StaleText::read(node, problems)?;
    let members = node.members()?;
    exclude(&members, &["reads", "for"], problems);
    match (text.reads, text.time) {
        (Some(reads), _) => Some(Action::Stale(Staleness::Reads(reads.0))),
        (None, Some(time)) => Some(Action::Stale(Staleness::For(time))),
        (None, None) => {
            problems.add(members.problem_at_brace("E201", "one of \"reads\" and \"for\" is missing"))
        }
    }
}

names! { Kept as "thing to do with a connection" {
    Close = "close",
    KeepAlive = "keep-alive",
} }

#[derive(Debug, Clone, Copy, PartialEq)]
enum Announced {
    Absent,
    Close,
    KeepAlive,
}

names! { Announced as "thing to say of a connection" {
    Absent = "absent",
    Close = "close",
    KeepAlive = "keep-alive",
} }

members! {
    struct KeepAliveText {
        /// What is done with the connection.
        default really: Kept = Kept::Close,
        /// What the answer says of it.
        default announce: Announced = Announced::Absent,
    }
}
