//! Rules in the form that the engine runs on: validated, with every name resolved and every value in a type.
//!
//! What a rule means is in `scenarios.md` 3 to 5. How files spell it is the business of `file`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;

use super::value::{Offset, Parts, Pattern, Size};
use crate::message::Version;
use crate::operation::{Operation, Payload, Service};

/// One rule: *when* a request looks like this, *fire* this often, *do* that.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name, unique in the file.
    pub id: Arc<str>,
    /// Which requests.
    pub when: When,
    /// Which of them.
    pub fire: Fire,
    /// What happens; endings and modifiers in the order written.
    pub actions: Vec<Action>,
    /// Whether the operation takes place.
    pub apply: Apply,
    /// Whether later rules are looked at after this one fired.
    pub continues: bool,
    /// The state that the service is in after this rule fired.
    pub goto: Option<String>,
    /// How often it has to fire for the scenario to have happened.
    pub must_fire: MustFire,
}

/// Which requests. All conditions must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct When {
    /// The operations; `None` is every request, also one that is no operation.
    pub operations: Option<Vec<Operation>>,
    /// The service, when it is given.
    pub service: Option<Service>,
    /// The bucket.
    pub bucket: Option<Pattern>,
    /// The object key.
    pub key: Option<Pattern>,
    /// The upload id.
    pub upload: Option<Pattern>,
    /// The vault.
    pub vault: Option<Pattern>,
    /// The archive id.
    pub archive: Option<Pattern>,
    /// The job id.
    pub job: Option<Pattern>,
    /// The part number.
    pub part: Option<Parts>,
    /// The bytes that are read or sent overlap these.
    pub range: Option<(Offset, Option<Offset>)>,
    /// The declared length of the request's body, both ends included.
    pub size: Option<(u64, u64)>,
    /// The method.
    pub method: Option<Pattern>,
    /// The path as it was sent, percent-encoded.
    pub path: Option<Pattern>,
    /// Decoded query parameters by name.
    pub query: Vec<(String, Pattern)>,
    /// Headers by name.
    pub header: Vec<(String, Pattern)>,
    /// The access key id.
    pub client: Option<Pattern>,
    /// The how-manieth attempt of the logical request, both ends included.
    pub attempt: Option<(u32, u32)>,
    /// The how-manieth request of its connection, both ends included.
    pub on_connection: Option<(u32, u32)>,
    /// The version of HTTP.
    pub http: Option<Version>,
    /// Whether the client waits for `100 Continue`.
    pub expect_continue: Option<bool>,
    /// Whether the request comes over TLS.
    pub tls: Option<bool>,
    /// The current state is one of these.
    pub state: Option<Vec<String>>,
    /// What must not hold.
    pub not: Option<Box<When>>,
}

impl When {
    /// The operations that a matching request can be.
    pub fn possible_operations(&self) -> impl Iterator<Item = Operation> + '_ {
        let named = self.operations.as_deref().unwrap_or(Operation::ALL).iter().copied();
        named.filter(|operation| self.service.is_none_or(|service| operation.service() == service))
    }

    /// The service that it is for, if it is for one alone.
    pub fn only_service(&self) -> Option<Service> {
        let mut services = self.possible_operations().map(Operation::service);
        let first = services.next()?;
        services.all(|service| service == first).then_some(first)
    }
}

/// Which matches a rule fires on. The conditions combine with *and*.
#[derive(Debug, Clone, PartialEq)]
pub struct Fire {
    /// Chosen by the number of the match.
    pub matches: Matches,
    /// Not on that many first matches.
    pub skip: u32,
    /// On this part of the matches, drawn from the seed.
    pub probability: Option<f64>,
    /// At most that many firings.
    pub times: Option<u32>,
    /// Only in that time since the scenario became active.
    pub window: Option<(Duration, Option<Duration>)>,
    /// What has counters of its own.
    pub per: Per,
}

impl Fire {
    /// The next match after this one that is due, where that hangs on the number alone.
    pub fn next_due(&self, after: u32) -> Option<u32> {
        if self.probability.is_some() || self.times.is_some() || self.window.is_some() {
            return None;
        }
        let from = after.max(self.skip).checked_add(1)?;
        match &self.matches {
            Matches::All => Some(from),
            Matches::First(first) => Some(from).filter(|next| next <= first),
            Matches::Nth(numbers) => numbers.iter().copied().filter(|number| *number >= from).min(),
            Matches::Every(every) => from.checked_next_multiple_of(*every),
        }
    }
}

/// Which match numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matches {
    /// All.
    All,
    /// The first ones.
    First(u32),
    /// Exactly these.
    Nth(Vec<u32>),
    /// Each multiple of it.
    Every(u32),
}

/// What has counters of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// The scenario.
    Scenario,
    /// An access key id.
    Client,
    /// A connection.
    Connection,
    /// A bucket and key, or a vault and archive.
    Key,
    /// An upload id.
    Upload,
    /// An upload id and a part number.
    Part,
    /// A logical request, over all its attempts.
    Request,
}

/// Whether the operation takes place, whatever the client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apply {
    /// It follows from the ending: see `scenarios.md` 5.3.
    Auto,
    /// No.
    No,
    /// Yes.
    Yes,
    /// Two times; the client gets the second answer.
    Twice,
}

impl Apply {
    /// Whether it needs a request that was read whole.
    pub fn needs_the_body(self) -> bool {
        matches!(self, Apply::Yes | Apply::Twice)
    }
}

/// How often a rule has to fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MustFire {
    /// At least that often.
    pub min: u32,
    /// At most that often.
    pub max: Option<u32>,
}

/// A moment of an exchange, in the order of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Point {
    /// The head was read; neither `100 Continue` nor a byte of the body.
    Head,
    /// So many bytes of the request's body were read.
    Upload(Offset),
    /// The request was read whole; no byte was sent.
    Reply,
    /// The head of the answer and so many bytes of its body were sent.
    Download(Offset),
    /// The last byte was sent.
    Done,
}

/// One action. Endings end the exchange in a way of their own, modifiers change an otherwise normal answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// An error answer in the service's format.
    Error(ErrorAnswer),
    /// Status 200, and an error document all the same.
    ErrorIn200(LateError),
    /// Exactly this HTTP answer.
    Respond(Response),
    /// Exactly these bytes instead of an answer.
    Raw {
        /// The bytes.
        bytes: Bytes,
        /// What comes behind them.
        then: Then,
    },
    /// The way to another endpoint.
    Redirect {
        /// The scheme and host, without a path: `http://host:port`.
        to: String,
        /// The status.
        status: u16,
    },
    /// A TCP RST.
    Reset {
        /// When.
        at: Point,
        /// How much later.
        after: Duration,
    },
    /// A FIN in both directions.
    Close {
        /// When.
        at: Point,
        /// How much later.
        after: Duration,
    },
    /// A FIN in the server's direction only.
    HalfClose {
        /// When.
        at: Point,
        /// How long the other direction is still read.
        hold: Duration,
    },
    /// No byte in either direction.
    Stall {
        /// When.
        at: Point,
        /// How long; `None` is for ever.
        hold: Option<Duration>,
        /// What comes afterwards.
        then: Then,
    },
    /// Waits.
    Delay {
        /// When.
        at: Point,
        /// How long.
        amount: Delay,
    },
    /// So many bytes per second.
    Throttle {
        /// Which bytes.
        direction: Direction,
        /// How many a second.
        bytes_per_second: u64,
    },
    /// Pieces with pauses between.
    Drip {
        /// Which bytes.
        direction: Direction,
        /// The size of a piece.
        size_bytes: u64,
        /// How long each pause is.
        pause: Duration,
        /// Whether the head of the answer comes in pieces too.
        head: bool,
    },
    /// Sends only the start of the body.
    Truncate {
        /// How much of it.
        keep: Offset,
        /// How the answer ends.
        end: Truncation,
    },
    /// Bytes behind the declared end of the body.
    Overrun {
        /// The bytes.
        extra: Bytes,
        /// Whether the connection stays open.
        keep_alive: bool,
    },
    /// A `Content-Length` that lies, or none, or two.
    Length(Declared),
    /// Changed bytes of the body under unchanged length and checksums.
    Corrupt {
        /// The first changed byte.
        offset: Offset,
        /// How many.
        length: u64,
        /// In which way.
        how: Corruption,
    },
    /// Changed checksum headers over an unchanged body.
    Checksum {
        /// Which of them.
        which: Vec<Checksum>,
        /// What they say.
        value: ChecksumValue,
    },
    /// Changed headers: first removed, then set, then appended, then spelled.
    Headers {
        /// Put in the place of what is there.
        set: Vec<(String, HeaderValue)>,
        /// Added behind what is there.
        append: Vec<(String, HeaderValue)>,
        /// Taken away.
        remove: Vec<String>,
        /// Names written in this spelling where they are there.
        spell: Vec<String>,
    },
    /// A wrong answer to a ranged read.
    Range(RangeAnswer),
    /// A body in chunks that are not well-formed.
    Chunked(ChunkFault),
    /// What becomes of `Expect: 100-continue`.
    Continue100(ContinueMode),
    /// Later reads and lists see the state before this write.
    Stale(Staleness),
    /// Something is gone from the store after the request.
    Forget(Forgotten),
    /// What is done with the connection, and what the answer says of it.
    KeepAlive {
        /// What is done.
        really: Kept,
        /// What is said; `None` is nothing.
        announce: Option<Kept>,
    },
}

/// An error document under status 200.
#[derive(Debug, Clone, PartialEq)]
pub struct LateError {
    /// The code.
    pub code: String,
    /// For how long blanks keep the connection alive before the document.
    pub whitespace: Duration,
    /// Where the blanks stand.
    pub blanks: Blanks,
    /// How much of the document is sent before a FIN; all of it, and no FIN, when absent.
    pub cut: Option<Offset>,
}

/// Where blanks stand in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blanks {
    /// Between the declaration and the root element.
    BeforeRoot,
    /// In front of everything.
    BeforeDeclaration,
}

/// Which bytes of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The body of the answer.
    Download,
    /// The body of the request.
    Upload,
    /// Both.
    Both,
}

impl Direction {
    /// Whether the body of the request is meant.
    pub fn is_up(self) -> bool {
        self != Direction::Download
    }

    /// Whether the body of the answer is meant.
    pub fn is_down(self) -> bool {
        self != Direction::Upload
    }
}

/// What is wrong with the chunks of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkFault {
    /// The last chunk declares one byte more than it has.
    BadSize,
    /// The chunk of length 0 never comes.
    NoEnd,
    /// The size of the last chunk is no hexadecimal number.
    GarbageSize,
    /// A trailer is announced, and the answer ends before it.
    TrailerMissing,
}

/// What becomes of `Expect: 100-continue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContinueMode {
    /// No 100 is sent; the body is read all the same.
    Never,
    /// The 100 comes so much later.
    Late(Duration),
    /// The 100 comes two times.
    Twice,
    /// 417 and no reading.
    Refused,
}

/// For how long a write is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staleness {
    /// By so many reads, and by so many lists.
    Reads(u32),
    /// For that time.
    For(Duration),
}

/// What becomes of a connection behind an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It ends.
    Close,
    /// It can be used again.
    KeepAlive,
}

/// An error answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorAnswer {
    /// The code.
    pub code: String,
    /// The status, when not the usual one of the code.
    pub status: Option<u16>,
    /// The message, when not the usual one of the code.
    pub message: Option<String>,
    /// Headers to set, or to take away.
    pub headers: Vec<(String, Option<HeaderValue>)>,
    /// The value of `Retry-After`, in whole seconds.
    pub retry_after: Option<Duration>,
    /// CAS: the `type` of the error.
    pub kind: Option<String>,
    /// When: at the reply, or early.
    pub at: Point,
}

impl ErrorAnswer {
    /// The error of that code, with all that is usual for it, at the reply.
    pub fn of(code: &str) -> Self {
        ErrorAnswer {
            code: code.to_owned(),
            status: None,
            message: None,
            headers: Vec::new(),
            retry_after: None,
            kind: None,
            at: Point::Reply,
        }
    }
}

/// An answer written by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, HeaderValue)>,
    /// The body.
    pub body: Bytes,
}

/// What comes after a pause or after raw bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The exchange goes on.
    Continue,
    /// FIN.
    Close,
    /// RST.
    Reset,
    /// Nothing, for ever.
    Stall,
}

/// How long to wait.
#[derive(Debug, Clone, PartialEq)]
pub enum Delay {
    /// Always so long.
    Fixed(Duration),
    /// Evenly between two.
    Uniform(Duration, Duration),
    /// Of the normal distribution, but not below zero.
    Normal {
        /// The mean.
        mean: Duration,
        /// The standard deviation.
        sd: Duration,
    },
    /// Of the log-normal distribution.
    Lognormal {
        /// The median.
        median: Duration,
        /// The standard deviation of the logarithm.
        sigma: f64,
        /// The most.
        max: Option<Duration>,
    },
}

/// How a truncated answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncation {
    /// FIN.
    Close,
    /// RST.
    Reset,
    /// Nothing more, for ever.
    Stall,
    /// The shorter length is declared: nobody can tell.
    Clean,
}

/// What `Content-Length` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// This.
    Exactly(u64),
    /// The right value plus this.
    Plus(i64),
    /// Nothing: the header is absent.
    Absent,
    /// The right value, then a second header with that plus one.
    Twice,
}

/// A way to change bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corruption {
    /// Each bit is inverted.
    Flip,
    /// Each byte is zero.
    Zero,
    /// Each byte is another one.
    Random,
    /// The bytes are left out, the end is filled with zeros.
    Shift,
    /// The bytes change places with as many that follow.
    Swap,
}

/// A checksum header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// `ETag`.
    Etag,
    /// `x-cos-hash-crc64ecma`.
    Crc64,
    /// `Content-MD5`.
    Md5,
    /// `x-cas-content-sha256`.
    Sha256,
    /// `x-cas-sha256-tree-hash`.
    TreeHash,
}

impl Checksum {
    /// All of them.
    pub const ALL: &'static [Checksum] =
        &[Checksum::Etag, Checksum::Crc64, Checksum::Md5, Checksum::Sha256, Checksum::TreeHash];

    /// The header.
    pub fn header(self) -> &'static str {
        match self {
            Checksum::Etag => "ETag",
            Checksum::Crc64 => "x-cos-hash-crc64ecma",
            Checksum::Md5 => "Content-MD5",
            Checksum::Sha256 => "x-cas-content-sha256",
            Checksum::TreeHash => "x-cas-sha256-tree-hash",
        }
    }

    /// Whether a successful answer to the operation has it. `Content-MD5` is in no answer of the services; it can be
    /// put wrongly into those that carry object bytes.
    fn is_in_answer_to(self, operation: Operation) -> bool {
        use Operation::*;
        match self {
            Checksum::Etag => {
                matches!(
                    operation,
                    PutObject | GetObject | HeadObject | AppendObject | PostObject | UploadPart
                )
            }
            Checksum::Crc64 => {
                matches!(operation, PutObject | GetObject | HeadObject | UploadPart | CompleteMultipartUpload)
            }
            Checksum::Md5 => operation.answer() == Payload::Data,
            Checksum::Sha256 => operation == UploadArchive,
            Checksum::TreeHash => matches!(operation, UploadArchive | UploadVaultPart | GetJobOutput),
        }
    }
}

/// What a checksum header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChecksumValue {
    /// Well-formed and wrong.
    Wrong,
    /// The tree hash that a mistake at that level leads to; 0 are the leaves.
    WrongFrom(u32),
    /// Nothing: the header is absent.
    Absent,
    /// Not of the form of the header.
    Malformed,
    /// This.
    Is(HeaderValue),
}

/// A wrong answer to a ranged read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RangeAnswer {
    /// 200 and the whole body.
    Ignore,
    /// The range that lies so many bytes later or earlier, in body and `Content-Range`.
    Shift(i64),
    /// Fewer bytes than asked, labelled honestly.
    Short(Offset),
    /// 206 without `Content-Range`.
    NoHeader,
    /// A `Content-Range` with another total.
    WrongTotal,
}

/// What is gone from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgotten {
    /// The upload.
    Upload,
    /// The part.
    Part,
    /// The object.
    Object,
    /// The job.
    Job,
    /// The archive.
    Archive,
}

impl Action {
    /// The name in files, messages and the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Error(_) => "error",
            Action::ErrorIn200(_) => "error_in_200",
            Action::Respond(_) => "respond",
            Action::Raw { .. } => "raw",
            Action::Redirect { .. } => "redirect",
            Action::Reset { .. } => "reset",
            Action::Close { .. } => "close",
            Action::HalfClose { .. } => "half_close",
            Action::Stall { .. } => "stall",
            Action::Delay { .. } => "delay",
            Action::Throttle { .. } => "throttle",
            Action::Drip { .. } => "drip",
            Action::Truncate { .. } => "truncate",
            Action::Overrun { .. } => "overrun",
            Action::Length(_) => "length",
            Action::Corrupt { .. } => "corrupt",
            Action::Checksum { .. } => "checksum",
            Action::Headers { .. } => "headers",
            Action::Range(_) => "range",
            Action::Chunked(_) => "chunked",
            Action::Continue100(_) => "continue_100",
            Action::Stale(_) => "stale",
            Action::Forget(_) => "forget",
            Action::KeepAlive { .. } => "keep_alive",
        }
    }

    /// Whether it ends the exchange: at most one such action takes effect.
    pub fn is_ending(&self) -> bool {
        match self {
            Action::Stall { hold, then, .. } => hold.is_none() || *then != Then::Continue,
            _ => {
                self.is_answer()
                    || matches!(self, Action::Reset { .. } | Action::Close { .. } | Action::HalfClose { .. })
            }
        }
    }

    /// Whether it is an answer in the place of the service's.
    pub fn is_answer(&self) -> bool {
        matches!(
            self,
            Action::Error(_)
                | Action::ErrorIn200(_)
                | Action::Respond(_)
                | Action::Raw { .. }
                | Action::Redirect { .. }
        )
    }

    /// When it happens, for actions that happen at a moment.
    pub fn point(&self) -> Option<Point> {
        match self {
            Action::Error(error) => Some(error.at),
            Action::Reset { at, .. }
            | Action::Close { at, .. }
            | Action::HalfClose { at, .. }
            | Action::Stall { at, .. }
            | Action::Delay { at, .. } => Some(*at),
            _ if self.is_answer() => Some(Point::Reply),
            _ => None,
        }
    }

    /// Whether it can happen in an exchange of that operation.
    pub fn can_happen_in(&self, operation: Operation) -> bool {
        let sends = operation.request() != Payload::Nothing;
        let receives = operation.answer() != Payload::Nothing;
        let at_its_point = match self.point() {
            Some(Point::Upload(_)) => sends,
            Some(Point::Download(_)) => receives,
            Some(Point::Head | Point::Reply | Point::Done) | None => true,
        };
        at_its_point
            && match self {
                Action::Error(error) => error.kind.is_none() || operation.service() == Service::Cas,
                Action::ErrorIn200(_) => {
                    operation.service() == Service::Cos && operation.answer() == Payload::Document
                }
                Action::Truncate { .. } | Action::Corrupt { .. } | Action::Chunked(_) => receives,
                Action::Throttle { direction, .. } | Action::Drip { direction, head: false, .. } => {
                    direction.is_up() && sends || direction.is_down() && receives
                }
                Action::Checksum { which, .. } => which.iter().any(|which| which.is_in_answer_to(operation)),
                Action::Range(answer) => answer.is_possible_in(operation),
                Action::Continue100(_) => sends,
                Action::Stale(_) => operation.writes_objects(),
                Action::Forget(what) => what.is_named_by(operation),
                Action::Respond(_)
                | Action::Raw { .. }
                | Action::Redirect { .. }
                | Action::Reset { .. }
                | Action::Close { .. }
                | Action::HalfClose { .. }
                | Action::Stall { .. }
                | Action::Delay { .. }
                | Action::Drip { .. }
                | Action::Overrun { .. }
                | Action::Length(_)
                | Action::Headers { .. }
                | Action::KeepAlive { .. } => true,
            }
    }

    /// Why it cannot happen in some operations, for messages.
    pub fn requirement(&self) -> &'static str {
        match self {
            Action::Range(_) => {
                "an answer with object bytes, or an error that names a boundary between chunks"
            }
            Action::Checksum { .. } => "an answer with that checksum",
            Action::Forget(_) => "an operation that names what is to be forgotten",
            Action::Stale(_) => "an operation that writes objects",
            Action::ErrorIn200(_) => "an operation that answers with XML",
            Action::Error(error) if error.kind.is_some() => "an error of CAS, which alone has a type",
            Action::Continue100(_) => "a request with a body",
            Action::Throttle { direction, .. } | Action::Drip { direction, .. } => match direction {
                Direction::Upload => "a request with a body",
                Direction::Download | Direction::Both => "an answer with a body",
            },
            _ if matches!(self.point(), Some(Point::Upload(_))) => "a request with a body",
            _ => "an answer with a body",
        }
    }
}

impl RangeAnswer {
    fn is_possible_in(self, operation: Operation) -> bool {
        let names_a_boundary =
            operation == Operation::UploadVaultPart && matches!(self, RangeAnswer::Shift(_));
        operation.answer() == Payload::Data || names_a_boundary
    }
}

impl Forgotten {
    fn is_named_by(self, operation: Operation) -> bool {
        use Operation::*;
        match self {
            Forgotten::Upload => matches!(
                operation,
                InitiateMultipartUpload
                    | UploadPart
                    | UploadPartCopy
                    | ListParts
                    | CompleteMultipartUpload
                    | InitiateVaultUpload
                    | UploadVaultPart
                    | ListVaultParts
                    | CompleteVaultUpload
            ),
            Forgotten::Part => matches!(operation, UploadPart | UploadPartCopy | UploadVaultPart),
            Forgotten::Object => {
                operation.writes_objects() && operation != DeleteObject && operation != DeleteObjects
                    || matches!(operation, GetObject | HeadObject)
            }
            Forgotten::Job => matches!(operation, InitiateJob | DescribeJob | GetJobOutput),
            Forgotten::Archive => matches!(operation, UploadArchive | CompleteVaultUpload),
        }
    }
}

impl Fire {
    /// On every match.
    pub fn always() -> Self {
        Fire {
            matches: Matches::All,
            skip: 0,
            probability: None,
            times: None,
            window: None,
            per: Per::Scenario,
        }
    }
}

impl MustFire {
    /// At least once.
    pub const ONCE: MustFire = MustFire { min: 1, max: None };
    /// As often as it happens.
    pub const OPTIONAL: MustFire = MustFire { min: 0, max: None };
    /// Not at all.
    pub const NEVER: MustFire = MustFire { min: 0, max: Some(0) };

    /// Whether so many firings fulfil it.
    pub fn holds(self, firings: u32) -> bool {
        firings >= self.min && self.max.is_none_or(|max| firings <= max)
    }
}

/// The size of an overrun given as a number of bytes is filled with this byte.
pub const FILLER: u8 = b'x';

/// The largest overrun, in bytes: it is held in memory.
pub const MAX_OVERRUN: Size = Size(16 << 20);
