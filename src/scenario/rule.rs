//! Rules in the form that the engine runs on: validated, with every name resolved and every value in a type.
//!
//! What a rule means is in `scenarios.md` 3 to 5. How files spell it is the business of `file`.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;

use super::value::{Offset, Parts, Pattern, Size};
use crate::operation::{Operation, Payload, Service};

/// One rule: *when* a request looks like this, *fire* this often, *do* that.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name, unique in the file.
    pub id: String,
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
    /// The part number.
    pub part: Option<Parts>,
    /// The bytes that are read or sent overlap these.
    pub range: Option<(Offset, Option<Offset>)>,
    /// The declared length of the request's body, both ends included.
    pub size: Option<(u64, u64)>,
    /// Headers by name.
    pub header: Vec<(String, Pattern)>,
    /// The access key id.
    pub client: Option<Pattern>,
    /// The how-manieth attempt of the logical request, both ends included.
    pub attempt: Option<(u32, u32)>,
}

impl When {
    /// The operations that a matching request can be.
    pub fn possible_operations(&self) -> impl Iterator<Item = Operation> + '_ {
        let named = self.operations.as_deref().unwrap_or(Operation::ALL).iter().copied();
        named.filter(|operation| self.service.is_none_or(|service| operation.service() == service))
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
    /// Exactly this HTTP answer.
    Respond(Response),
    /// Exactly these bytes instead of an answer.
    Raw {
        /// The bytes.
        bytes: Bytes,
        /// What comes behind them.
        then: Then,
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
    /// Changed headers: first removed, then set, then appended.
    Headers {
        /// Put in the place of what is there.
        set: Vec<(String, HeaderValue)>,
        /// Added behind what is there.
        append: Vec<(String, HeaderValue)>,
        /// Taken away.
        remove: Vec<String>,
    },
    /// A wrong answer to a ranged read.
    Range(RangeAnswer),
    /// Something is gone from the store after the request.
    Forget(Forgotten),
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
    /// The archive.
    Archive,
}

impl Action {
    /// The name in files, messages and the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Error(_) => "error",
            Action::Respond(_) => "respond",
            Action::Raw { .. } => "raw",
            Action::Reset { .. } => "reset",
            Action::Close { .. } => "close",
            Action::Stall { .. } => "stall",
            Action::Delay { .. } => "delay",
            Action::Truncate { .. } => "truncate",
            Action::Overrun { .. } => "overrun",
            Action::Length(_) => "length",
            Action::Corrupt { .. } => "corrupt",
            Action::Checksum { .. } => "checksum",
            Action::Headers { .. } => "headers",
            Action::Range(_) => "range",
            Action::Forget(_) => "forget",
        }
    }

    /// Whether it ends the exchange: at most one such action takes effect.
    pub fn is_ending(&self) -> bool {
        match self {
            Action::Error(_)
            | Action::Respond(_)
            | Action::Raw { .. }
            | Action::Reset { .. }
            | Action::Close { .. } => true,
            Action::Stall { hold, then, .. } => hold.is_none() || *then != Then::Continue,
            Action::Delay { .. }
            | Action::Truncate { .. }
            | Action::Overrun { .. }
            | Action::Length(_)
            | Action::Corrupt { .. }
            | Action::Checksum { .. }
            | Action::Headers { .. }
            | Action::Range(_)
            | Action::Forget(_) => false,
        }
    }

    /// When it happens, for actions that happen at a moment.
    pub fn point(&self) -> Option<Point> {
        match self {
            Action::Error(error) => Some(error.at),
            Action::Respond(_) | Action::Raw { .. } => Some(Point::Reply),
            Action::Reset { at, .. }
            | Action::Close { at, .. }
            | Action::Stall { at, .. }
            | Action::Delay { at, .. } => Some(*at),
            Action::Truncate { .. }
            | Action::Overrun { .. }
            | Action::Length(_)
            | Action::Corrupt { .. }
            | Action::Checksum { .. }
            | Action::Headers { .. }
            | Action::Range(_)
            | Action::Forget(_) => None,
        }
    }

    /// Whether it can happen in an exchange of that operation.
    pub fn can_happen_in(&self, operation: Operation) -> bool {
        use Operation::*;
        let at_its_point = match self.point() {
            Some(Point::Upload(_)) => operation.request() != Payload::Nothing,
            Some(Point::Download(_)) => operation.answer() != Payload::Nothing,
            Some(Point::Head | Point::Reply | Point::Done) | None => true,
        };
        at_its_point
            && match self {
                Action::Error(error) => error.kind.is_none() || operation.service() == Service::Cas,
                Action::Truncate { .. } | Action::Corrupt { .. } => operation.answer() != Payload::Nothing,
                Action::Checksum { which, .. } => which.iter().any(|which| which.is_in_answer_to(operation)),
                Action::Range(_) => operation.answer() == Payload::Data,
                Action::Forget(Forgotten::Upload) => matches!(
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
                Action::Forget(Forgotten::Part) => {
                    matches!(operation, UploadPart | UploadPartCopy | UploadVaultPart)
                }
                Action::Forget(Forgotten::Object) => matches!(
                    operation,
                    PutObject
                        | GetObject
                        | HeadObject
                        | CopyObject
                        | AppendObject
                        | PostObject
                        | CompleteMultipartUpload
                ),
                Action::Forget(Forgotten::Archive) => {
                    matches!(operation, UploadArchive | CompleteVaultUpload)
                }
                Action::Respond(_)
                | Action::Raw { .. }
                | Action::Reset { .. }
                | Action::Close { .. }
                | Action::Stall { .. }
                | Action::Delay { .. }
                | Action::Overrun { .. }
                | Action::Length(_)
                | Action::Headers { .. } => true,
            }
    }

    /// Why it cannot happen in some operations, for messages.
    pub fn requirement(&self) -> &'static str {
        match self {
            Action::Range(_) => "an answer with object bytes",
            Action::Checksum { .. } => "an answer with that checksum",
            Action::Forget(_) => "an operation that names what is to be forgotten",
            Action::Error(error) if error.kind.is_some() => "an error of CAS, which alone has a type",
            _ if matches!(self.point(), Some(Point::Upload(_))) => "a request with a body",
            _ => "an answer with a body",
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
