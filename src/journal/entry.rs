//! An exchange as it is kept: numbers, and the texts of its request in one piece.
//!
//! The head is copied. Kept as it is, it would pin the buffer that it was read into, which is many times larger, and
//! the connection would need another one for each request.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::exchange::{
    ActionRecord, Answer, CallbackRecord, Download, Ended, Exchange, ReceivedBody, RuleRecord,
};
use crate::clock::Timestamp;
use crate::digest::Sha256;
use crate::message::Head;
use crate::operation::{Names, Operation, Service};

/// What a request says of itself.
#[derive(Debug, Clone)]
pub struct Said {
    /// The service that it is for.
    pub service: Service,
    /// The operation; `None` when it is none.
    pub operation: Option<Operation>,
    /// The part number.
    pub part: Option<u64>,
    /// The declared length of its body.
    declared: Option<u64>,
    texts: Texts,
}

impl Said {
    /// What that head says, and what was found that it names.
    pub fn of(head: &Head, names: &Names, service: Service, operation: Option<Operation>) -> Self {
        Said {
            service,
            operation,
            part: names.part,
            declared: head.content_length(),
            texts: Texts::of(head, names),
        }
    }

    /// A text of the request; `None` when it has none of that kind.
    pub fn text(&self, text: Text) -> Option<&str> {
        Some(self.texts.get(text)).filter(|text| !text.is_empty())
    }
}

/// One exchange.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The number of the entry; the journal gives it.
    pub n: u64,
    /// The number of the connection.
    pub connection: u64,
    /// The number of the request on its connection.
    pub request: u64,
    /// When the head was complete, by the clock of the world.
    pub at: Timestamp,
    /// When the head was complete, and when the exchange was over, since the server started.
    pub span: (Duration, Duration),
    /// The logical request: the same for all its attempts.
    pub logical: u128,
    /// The how-manieth attempt of the logical request; 0 when nothing was decided about it.
    pub attempt: u32,
    /// What the request says of itself.
    pub said: Said,
    /// What the check of the signature gave.
    pub signature: Option<Cow<'static, str>>,
    /// What arrived of the body.
    pub received: Arrived,
    /// The nearest rule that did not match, and the first of its conditions that did not hold.
    pub nearest: Option<(Arc<str>, &'static str)>,
    /// Whether the store was changed as the request asked.
    pub applied: bool,
    /// The bytes of the object that a read asked for and that there are.
    pub download: Option<Download>,
    /// What was answered.
    pub answer: Option<Answer>,
    /// How it ended; `None` while it goes on.
    pub ended: Option<Ended>,
    /// What most exchanges do not have.
    details: Option<Box<Details>>,
}

/// What most exchanges do not have: apart, so that those that nothing happens to stay small.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// The rules that matched.
    pub rules: Vec<RuleRecord>,
    /// The actions that took effect, in order.
    pub actions: Vec<ActionRecord>,
    /// A header of the request that does not fit its body.
    pub misfit: Option<&'static str>,
    /// How many stored parts a completion left out.
    pub parts_left_out: usize,
    /// The SHA-256 of as many bytes as the attempt before had sent, if so many came.
    pub prefix: Option<Sha256>,
    /// Remarks.
    pub notes: Vec<String>,
    /// Attempts to tell somebody of the job that the request started.
    pub callbacks: Vec<CallbackRecord>,
}

/// What arrived of a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arrived {
    /// The bytes that were read.
    pub bytes: u64,
    /// Their SHA-256, if there are any.
    pub sha256: Option<Sha256>,
}

impl Entry {
    /// The entry of a request that came as that one of its connection, about which nothing else is known yet.
    pub fn new(said: Said, connection: u64, request: u64, at: Timestamp) -> Self {
        Entry {
            n: 0,
            connection,
            request,
            at,
            span: (Duration::ZERO, Duration::ZERO),
            logical: 0,
            attempt: 0,
            said,
            signature: None,
            received: Arrived::default(),
            nearest: None,
            applied: false,
            download: None,
            answer: None,
            ended: None,
            details: None,
        }
    }

    /// The rules that matched.
    pub fn rules(&self) -> &[RuleRecord] {
        self.details.as_ref().map_or(&[], |details| &details.rules)
    }

    /// The details, to be written: makes room for them.
    pub fn details(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    /// The bytes that its free texts take.
    pub(super) fn text_bytes(&self) -> usize {
        self.said.texts.bytes.len()
            + self.details.as_ref().map_or(0, |details| {
                details.notes.iter().map(String::len).sum::<usize>()
                    + details.actions.iter().map(|action| action.effect.len()).sum::<usize>()
                    + details.callbacks.iter().map(|told| told.url.len() + told.outcome.len()).sum::<usize>()
            })
    }

    /// The exchange in full, as one of that world.
    pub fn told(&self, world: &str) -> Exchange {
        let Said { service, operation, part, declared, texts } = &self.said;
        let text = |text| texts.get(text).to_owned();
        let named = |text| self.said.text(text).map(str::to_owned);
        let headers: Vec<(String, String)> = texts
            .headers()
            .map(|(name, value)| {
                (String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(value).into_owned())
            })
            .collect();
        let header = |wanted: &str| {
            let lines = headers.iter().filter(|(name, value)| name == wanted && !value.trim().is_empty());
            lines.map(|(_, value)| value.trim().to_owned()).next()
        };
        let nearest = self.nearest.as_ref().map(|(id, differs)| RuleRecord::not_matched(id.clone(), differs));
        let details = self.details.as_deref().cloned().unwrap_or_default();
        let Details { rules, actions, misfit, parts_left_out, prefix, notes, callbacks } = details;
        let Arrived { bytes, sha256 } = self.received;
        Exchange {
            n: self.n,
            world: world.to_owned(),
            connection: self.connection,
            request: self.request,
            at: self.at.iso_milliseconds(),
            took_ms: u64::try_from(self.span.1.saturating_sub(self.span.0).as_millis()).unwrap_or(u64::MAX),
            span: self.span,
            logical: self.logical,
            service: service.name(),
            op: operation.map(Operation::name),
            bucket: named(Text::Bucket),
            key: named(Text::Key),
            vault: named(Text::Vault),
            archive: named(Text::Archive),
            job: named(Text::Job),
            upload: named(Text::Upload),
            part: *part,
            range: header("range").or_else(|| header("content-range")),
            client: named(Text::Client),
            signature: self.signature.clone().map(Cow::into_owned),
            attempt: self.attempt,
            method: text(Text::Method),
            host: text(Text::Host),
            path: text(Text::Path),
            query: text(Text::Query),
            headers,
            received: ReceivedBody {
                declared: *declared,
                bytes,
                sha256: sha256.map(|digest| digest.to_string()),
                prefix: prefix.map(|digest| digest.to_string()),
            },
            rules: rules.into_iter().chain(nearest).collect(),
            actions,
            applied: self.applied,
            download: self.download,
            misfit,
            parts_left_out,
            answer: self.answer.clone(),
            ended: self.ended,
            notes,
            callbacks,
        }
    }
}

/// Which text of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// The method.
    Method,
    /// The host that it names.
    Host,
    /// The path as sent.
    Path,
    /// The query as sent.
    Query,
    /// The bucket.
    Bucket,
    /// The key.
    Key,
    /// The upload id.
    Upload,
    /// The vault.
    Vault,
    /// The archive id.
    Archive,
    /// The job id.
    Job,
    /// The access key id.
    Client,
}

/// How many kinds of texts there are.
const TEXTS: usize = Text::Client as usize + 1;
/// The length of a length, of which two stand before each header line.
const LENGTH_BYTES: usize = size_of::<u32>();

/// The texts of a request one behind the other, then its header lines.
#[derive(Debug, Clone)]
struct Texts {
    bytes: Bytes,
    /// Where each text ends. A head has at most 64 KiB.
    ends: [u32; TEXTS],
}

impl Texts {
    fn of(head: &Head, names: &Names) -> Self {
        let Names { bucket, key, upload, vault, archive, job, part: _ } = names;
        let named = [bucket, key, upload, vault, archive, job].map(|name| name.as_deref().unwrap_or(""));
        let [bucket, key, upload, vault, archive, job] = named;
        let client = head.access_key_id().unwrap_or("");
        let texts: [&str; TEXTS] = [
            head.method.as_str(),
            head.host(),
            &head.path,
            head.query.raw(),
            bucket,
            key,
            upload,
            vault,
            archive,
            job,
            client,
        ];
        let lines = || head.headers.iter().map(|(name, value)| [name.as_str().as_bytes(), value.as_bytes()]);
        let of_lines =
            lines().map(|[name, value]| 2 * LENGTH_BYTES + name.len() + value.len()).sum::<usize>();
        let mut bytes = Vec::with_capacity(texts.iter().map(|text| text.len()).sum::<usize>() + of_lines);
        let ends = texts.map(|text| {
            bytes.extend_from_slice(text.as_bytes());
            bytes.len() as u32
        });
        for line in lines() {
            for part in line {
                bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
                bytes.extend_from_slice(part);
            }
        }
        Texts { bytes: bytes.into(), ends }
    }

    fn get(&self, text: Text) -> &str {
        let place = text as usize;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        let bytes = &self.bytes[start as usize..self.ends[place] as usize];
        std::str::from_utf8(bytes).expect("it was copied from a text")
    }

    fn headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &self.bytes[self.ends[TEXTS - 1] as usize..];
        let mut next = move || {
            let (length, behind) = rest.split_first_chunk::<LENGTH_BYTES>()?;
            let (part, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = behind;
            Some(part)
        };
        std::iter::from_fn(move || Some((next()?, next()?)))
    }
}

/// Where the texts of many entries stand: an allocation for each would be as much work as everything else, and would
/// stand in the way of those of the requests.
#[derive(Debug, Default)]
pub(super) struct Shelf(BytesMut);

/// The size of a board of the shelf, which is given back when the last of its entries is dropped.
const BOARD_BYTES: usize = 64 << 10;

impl Shelf {
    /// Moves the texts of an entry here.
    pub(super) fn take(&mut self, said: &mut Said) {
        let bytes = &mut said.texts.bytes;
        if self.0.capacity() - self.0.len() < bytes.len() {
            self.0 = BytesMut::with_capacity(BOARD_BYTES.max(bytes.len()));
        }
        self.0.extend_from_slice(bytes);
        *bytes = self.0.split().freeze();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::head;

    #[test]
    fn what_a_request_says_is_told_as_it_came() {
        let head = head(
            "PUT",
            "/big?uploadId=u&partNumber=2",
            &[
                ("host", "b-1.cos.ap-x.myqcloud.com"),
                ("range", ""),
                ("content-range", " bytes 0-1/2 "),
                ("x-cos-meta-a", "\u{e9}"),
            ],
        );
        let names = Names {
            bucket: Some("b-1".to_owned()),
            key: Some("big".to_owned()),
            upload: Some("u".to_owned()),
            part: Some(2),
            ..Names::default()
        };
        let said = Said::of(&head, &names, Service::Cos, Some(Operation::UploadPart));
        let told = Entry::new(said, 4, 2, Timestamp::from_unix_seconds(0)).told("default");
        assert_eq!((told.service, told.op, told.part), ("cos", Some("UploadPart"), Some(2)));
        assert_eq!(
            (told.method.as_str(), told.path.as_str(), told.query.as_str()),
            ("PUT", "/big", "uploadId=u&partNumber=2")
        );
        assert_eq!(told.host, "b-1.cos.ap-x.myqcloud.com");
        assert_eq!(
            [told.bucket, told.key, told.upload, told.vault].map(Option::unwrap_or_default),
            ["b-1", "big", "u", ""]
        );
        assert_eq!(told.range.as_deref(), Some("bytes 0-1/2"), "an empty header is as if absent");
        assert_eq!(told.headers.len(), 4);
        assert_eq!(told.headers[3], ("x-cos-meta-a".to_owned(), "\u{e9}".to_owned()));
    }
}
