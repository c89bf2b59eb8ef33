//! Requests and replies as plain owned values.
//!
//! Nothing here knows hyper: the shell turns hyper's types into these and back. The vocabulary types of the `http`
//! crate (methods, header maps) are used as they are.

use std::borrow::Cow;
use std::ops::Range;
use std::path::PathBuf;

use http::header::{self, AsHeaderName, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use crate::chance::Identity;
use crate::clock::Timestamp;
use crate::content::Content;
use crate::digest::{Digests, Grown, Tree, Wanted};
use crate::store::JobCompletion;

/// What the ETag of an object in one piece, and of a part, is made of.
///
/// Source: `cos.md` 2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EtagForm {
    /// MD5, as the service does today.
    #[default]
    Md5,
    /// SHA-1, as the pages of 2017 show for parts.
    Sha1,
}

/// When CAS refuses a chunk that is shorter than the part size and not the last.
///
/// Source: `cas.md` 9, where the published pages leave it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShortChunks {
    /// When the upload is completed.
    #[default]
    AtComplete,
    /// When a chunk behind it is there, or comes.
    AtUpload,
}

/// Which figures a vault tells of its archives.
///
/// Source: `cas.md` 4.1, 11.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InventoryFigures {
    /// Those of the inventory, which is taken at the first midnight UTC after a change.
    #[default]
    Daily,
    /// Those of this moment.
    Live,
}

/// Which forms of `Content-Range` a chunk may have.
///
/// Source: `cas.md` 5.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContentRangeForm {
    /// `bytes 0-4194303/*`, or with a total in the place of the star.
    #[default]
    Strict,
    /// Also `bytes 0-4194303`, which one client sends.
    Lenient,
}

/// What the published pages of CAS leave open, and a scenario chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CasSettings {
    /// When a chunk that is short, but not the last, is refused.
    pub short_chunks: ShortChunks,
    /// Which figures a vault tells.
    pub inventory: InventoryFigures,
    /// Which forms of `Content-Range` are read.
    pub content_range: ContentRangeForm,
}

/// The version of HTTP that a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

impl Version {
    /// As it stands in a status line: `HTTP/1.1`.
    pub fn name(self) -> &'static str {
        match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        }
    }
}

/// The head of a request: all that is known before its body.
#[derive(Debug, Clone)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// The version.
    pub version: Version,
    /// The authority of an absolute-form target (`PUT http://host/key`), as a proxy receives it.
    pub authority: Option<String>,
    /// The path as it was sent: percent-encoded, starting with `/`, not normalised.
    pub path: String,
    /// The query.
    pub query: Query,
    /// The header fields. Names are case-insensitive; values are bytes.
    pub headers: HeaderMap,
}

/// A path or query is not well-formed: a `%` without two hexadecimal digits, or bytes that are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the percent-encoding is malformed")]
pub struct MalformedPercentEncoding;

impl Head {
    /// The hosts the request names: the authority of an absolute-form target, or else every `Host` header, of which
    /// the official CAS client sends two. With ports, as sent.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        let from_headers = self.headers.get_all(header::HOST).iter().filter_map(|value| value.to_str().ok());
        let headers_count = if self.authority.is_some() { 0 } else { usize::MAX };
        self.authority.as_deref().into_iter().chain(from_headers.take(headers_count))
    }

    /// The host that addresses the request; empty when it names none.
    pub fn host(&self) -> &str {
        self.hosts().next().unwrap_or("")
    }

    /// The value of a header. Clients send headers with empty values and mean none, so those count as absent, and
    /// so do values that are not UTF-8.
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        let value = std::str::from_utf8(self.headers.get(name)?.as_bytes()).ok()?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// The path, percent-decoded once.
    pub fn decoded_path(&self) -> Result<String, MalformedPercentEncoding> {
        decode(&self.path, Plus::IsPlus)
    }

    /// The declared length of the body; `None` when it is chunked or undeclared.
    pub fn content_length(&self) -> Option<u64> {
        if self.is_chunked() { None } else { self.header(header::CONTENT_LENGTH)?.parse().ok() }
    }

    /// Whether the body comes in chunks.
    pub fn is_chunked(&self) -> bool {
        self.headers.contains_key(header::TRANSFER_ENCODING)
    }

    /// Whether a body follows: it is chunked or has a length above 0.
    pub fn announces_body(&self) -> bool {
        self.is_chunked() || self.content_length().is_some_and(|length| length > 0)
    }

    /// Whether the client waits for `100 Continue`.
    pub fn expects_continue(&self) -> bool {
        self.version == Version::Http11
            && self.header(header::EXPECT).is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }

    /// Whether the client wants to use the connection again: by default with HTTP/1.1, on demand with HTTP/1.0.
    pub fn wants_keep_alive(&self) -> bool {
        let asks = |token: &str| {
            self.headers
                .get_all(header::CONNECTION)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
        };
        match self.version {
            Version::Http11 => !asks("close"),
            Version::Http10 => asks("keep-alive") && !asks("close"),
        }
    }

    /// The access key id of the signature, wherever it stands: in the header, in the query, or inside `sign`. The
    /// first that is a signature counts, as when it is verified.
    pub fn access_key_id(&self) -> Option<&str> {
        /// The id, empty when there is none; `None` for a text that is no signature.
        fn key_id_of(text: &str) -> Option<&str> {
            let field = |start: &str| signature_fields(text).find_map(|field| field.strip_prefix(start));
            field("q-sign-algorithm=").map(|_| field("q-ak=").unwrap_or(""))
        }
        let query = &self.query;
        self.header(header::AUTHORIZATION)
            .and_then(key_id_of)
            .or_else(|| query.get("q-sign-algorithm").map(|_| query.get("q-ak").unwrap_or("")))
            .or_else(|| query.get("sign").and_then(key_id_of))
            .filter(|id| !id.is_empty())
    }
}

/// The fields of the text of a signature. Blanks on both sides of an `&` separate with it; one that stands before it alone belongs to
/// the value.
pub fn signature_fields(text: &str) -> impl Iterator<Item = &str> {
    let mut fields = text.split('&').peekable();
    std::iter::from_fn(move || {
        let field = fields.next()?.trim_start();
        let is_apart = fields.peek().is_none_or(|next| next.starts_with(' '));
        Some(if is_apart { field.trim_end() } else { field })
    })
}

/// A query string: the text, and its parameters decoded in the order sent.
///
/// Order, repetition and empty values are kept, because signatures depend on them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    raw: String,
    pairs: Vec<(String, String)>,
    malformed: bool,
}

impl Query {
    /// Reads a query without its `?`. `+` stands for a space. Malformed percent-encoding is kept as it is and
    /// remembered, so that the request can still be routed, refused and journalled.
    pub fn parse(raw: &str) -> Self {
        let mut malformed = false;
        let mut decode_or_keep = |text: &str| {
            decode(text, Plus::IsSpace).unwrap_or_else(|_| {
                malformed = true;
                text.to_owned()
            })
        };
        let pairs = raw
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode_or_keep(name), decode_or_keep(value))
            })
            .collect();
        Query { raw: raw.to_owned(), pairs, malformed }
    }

    /// The text as it was sent, without the `?`.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The parameters, decoded, in the order sent.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The decoded value of the first parameter of that name; empty for `?name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter of that name is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether the percent-encoding is malformed somewhere.
    pub fn is_malformed(&self) -> bool {
        self.malformed
    }
}

/// What a `+` means: itself in a path, a space in a query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    IsPlus,
    IsSpace,
}

fn decode(text: &str, plus: Plus) -> Result<String, MalformedPercentEncoding> {
    let escapes = text.match_indices('%').map(|(at, _)| text.as_bytes().get(at + 1..at + 3));
    for escape in escapes {
        if !escape.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err(MalformedPercentEncoding);
        }
    }
    let text = match plus {
        Plus::IsSpace if text.contains('+') => Cow::Owned(text.replace('+', " ")),
        _ => Cow::Borrowed(text),
    };
    percent_decode_str(&text).decode_utf8().map(Cow::into_owned).map_err(|_| MalformedPercentEncoding)
}

/// What a handler knows beside the request and the store.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The time of the world.
    pub now: Timestamp,
    /// Where the ids of the exchange come from.
    pub identity: Identity,
    /// The account.
    pub account: &'a Account,
    /// Who asks.
    pub requester: Requester<'a>,
    /// Whether permissions count.
    pub enforced: bool,
}

impl<'a> Context<'a> {
    /// What is known when everything is the owner's.
    pub fn of_owner(now: Timestamp, identity: Identity, account: &'a Account) -> Self {
        Context { now, identity, account, requester: Requester::Owner, enforced: false }
    }
}

/// Who asks, as far as the signature tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requester<'a> {
    /// The owner of the account; also whoever signs with a key that is not known, where that is let pass.
    Owner,
    /// Another account, by its UIN.
    Guest(&'a str),
    /// Nobody: the request is not signed.
    Nobody,
}

/// The account that everything belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The APPID, ten digits.
    pub appid: String,
    /// The region of what is made without naming one.
    pub region: String,
    /// The bucket that a request is for when neither its host nor its path names one.
    pub default_bucket: Option<String>,
    /// What an ETag is made of.
    pub etag: EtagForm,
    /// What is left to choose about CAS.
    pub cas: CasSettings,
    /// When the jobs of its vaults complete.
    pub jobs: JobCompletion,
    /// Hosts that rules redirect to, in lower case and without ports: each serves its bucket in whatever region.
    pub redirect_hosts: Vec<String>,
}

impl Account {
    /// The UIN that owns everything; the one that the service's documentation uses.
    pub const UIN: &'static str = "100000000001";
}

/// What a service wants to know about a body before it reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyPlan {
    /// The digests to compute.
    pub wanted: Wanted,
    /// The largest body in bytes.
    pub limit: u64,
    /// How fast the body may come, where the client asked for a limit.
    pub bytes_per_second: Option<u64>,
}

impl BodyPlan {
    /// For operations that take no body: what arrives is read, within a bound, and dropped.
    pub const IGNORED: BodyPlan = BodyPlan {
        wanted: Wanted { md5_and_crc64: false, sha1: false, sha256_and_tree: false },
        limit: 64 << 10,
        bytes_per_second: None,
    };
}

/// Why a body did not arrive whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The client ended it early.
    #[error("the body ended early")]
    Incomplete,
    /// The client paused for longer than is allowed.
    #[error("the body stalled")]
    Stalled,
    /// It is larger than the plan allows.
    #[error("the body is too large")]
    TooLarge,
    /// Its chunked coding is malformed.
    #[error("the chunked coding is malformed")]
    Malformed,
    /// The memory for stored bytes is used up, and nothing is to be spilled.
    #[error(
        "the memory for stored bytes is used up (--max-memory), and there is no folder to spill to (--spill-dir)"
    )]
    OutOfMemory,
    /// The memory for stored bytes is used up, and spilling does not go.
    #[error(
        "the memory for stored bytes is used up (--max-memory), and nothing can be spilled to {folder} (--spill-dir): {reason}",
        folder = folder.display()
    )]
    CannotSpill {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        reason: String,
    },
}

/// What a handler makes of a request: the answer, and what has to change for it to be true.
#[derive(Debug)]
pub struct Outcome<Change> {
    /// The answer.
    pub reply: Reply,
    /// The changes, in order. Whether they are applied is decided elsewhere.
    pub changes: Vec<Change>,
}

/// The body of a request after it arrived whole.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// The bytes.
    pub content: Content,
    /// The digests that were asked for before the body was read.
    pub digests: Digests,
    /// The form, when the bytes are a file that was posted by one.
    pub form: Option<Box<Form>>,
    /// Other bytes that the request is about, with their digests.
    pub source: Option<(Content, Digests)>,
    /// The MD5 of the object that the bytes are appended to, with them.
    pub grown: Option<Grown>,
}

/// The fields of a form that stand before its file, in order.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// Names and values.
    pub fields: Vec<(String, String)>,
    /// The name of the file, as the client says.
    pub file_name: String,
}

impl Form {
    /// The value of the first field of that name. Names are the same in small and big letters.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// An answer before it meets the wire.
///
/// The lines that frame it (`Content-Length`, `Connection`) are not among the headers: `wire::head` adds them, or a
/// scenario falsifies them.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Header lines in order, spelled exactly as they are sent.
    pub headers: Vec<(Cow<'static, str>, HeaderValue)>,
    /// The body. For an answer to HEAD it is what GET would have sent: only its length goes out.
    pub body: Content,
    /// For an answer to a read of object bytes: the whole object and the range that `body` is of it.
    pub ranged: Option<Ranged>,
    /// The tree whose hash a header has.
    pub tree: Option<Box<Tree>>,
    /// How fast the body is to go out, where the client asked for a limit.
    pub bytes_per_second: Option<u64>,
    /// The error code in the service's own words, when the answer is an error.
    pub code: Option<Cow<'static, str>>,
}

/// The object that a ranged read was answered from.
#[derive(Debug, Clone)]
pub struct Ranged {
    /// The whole object.
    pub whole: Content,
    /// The range that was answered; all of it without a `Range` header.
    pub range: Range<u64>,
}

impl Reply {
    /// An answer with that status, no headers and no body.
    pub fn new(status: u16) -> Self {
        Reply {
            status,
            headers: Vec::new(),
            body: Content::default(),
            ranged: None,
            tree: None,
            bytes_per_second: None,
            code: None,
        }
    }

    /// Adds a header line. A value that no header can carry (control characters) leaves the line away.
    pub fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.push(name, value);
        self
    }

    /// Gives the answer a body.
    pub fn with_body(mut self, body: impl Into<Content>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a header line, as [`Reply::with`] does.
    pub fn push(&mut self, name: &'static str, value: impl AsRef<str>) {
        if let Ok(value) =
            HeaderValue::from_str(value.as_ref()).or_else(|_| value.as_ref().as_bytes().try_into())
        {
            self.headers.push((Cow::Borrowed(name), value));
        }
    }

    /// The value of the first header line of that name, whatever its spelling.
    pub fn header(&self, name: &str) -> Option<&HeaderValue> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Removes every header line of that name, whatever its spelling. Returns whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.headers.len();
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.headers.len() < before
    }

    /// Puts one header line in the place of all that have its name, or at the end.
    pub fn set(&mut self, name: Cow<'static, str>, value: HeaderValue) {
        match self.headers.iter().position(|(key, _)| key.eq_ignore_ascii_case(&name)) {
            Some(at) => {
                self.headers[at] = (name.clone(), value);
                let mut index = 0;
                self.headers.retain(|(key, _)| {
                    index += 1;
                    index - 1 == at || !key.eq_ignore_ascii_case(&name)
                });
            }
            None => self.headers.push((name, value)),
        }
    }

    /// Whether the status says that all went well.
    pub fn is_success(&self) -> bool {
        (200..400).contains(&self.status)
    }
}

/// The reason phrase that goes with a status code; clients show it when an answer has no body.
pub fn reason(status: u16) -> &'static str {
    StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}

/// Whether a text can be the name of a header.
pub fn is_header_name(name: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes()).is_ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A head for unit tests: `PUT /key?query` with header lines `name: value`.
    pub(crate) fn head(method: &str, target: &str, lines: &[(&str, &str)]) -> Head {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        Head {
            method: method.parse().unwrap(),
            version: Version::Http11,
            authority: None,
            path: path.to_owned(),
            query: Query::parse(query),
            headers,
        }
    }

    #[test]
    fn paths_are_decoded_exactly_once() {
        let decoded = |path| head("GET", path, &[]).decoded_path();
        assert_eq!(decoded("/a%2Fb").as_deref(), Ok("/a/b"));
        assert_eq!(decoded("/a%252Fb").as_deref(), Ok("/a%2Fb"));
        assert_eq!(decoded("/a+b").as_deref(), Ok("/a+b"));
        assert_eq!(decoded("//a/./../b").as_deref(), Ok("//a/./../b"));
        assert_eq!(decoded("/%E7%9B%AE").as_deref(), Ok("/目"));
    }

    #[test]
    fn malformed_percent_encoding_is_refused() {
        for path in ["/%", "/%2", "/%zz", "/%+1", "/%E7%9B", "/%FF", "/%%%", "/a%2"] {
            assert_eq!(head("GET", path, &[]).decoded_path(), Err(MalformedPercentEncoding), "{path}");
        }
        assert!(Query::parse("a=%zz").is_malformed());
        assert!(Query::parse("%=1").is_malformed());
        assert!(!Query::parse("a=%20&b=+").is_malformed());
    }

    #[test]
    fn queries_keep_order_repetition_and_empty_values() {
        let query = Query::parse("uploads&b=1&a=%20x+y&b=&=&c==d&");
        let pairs: Vec<_> =
            query.pairs().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("uploads", ""), ("b", "1"), ("a", " x y"), ("b", ""), ("", ""), ("c", "=d")]);
        assert!(query.has("uploads"));
        assert_eq!(query.get("b"), Some("1"));
        assert!(!query.has("x"));
    }

    #[test]
    fn an_empty_header_counts_as_absent() {
        let head = head("PUT", "/", &[("Cache-Control", ""), ("Content-Type", " text/plain ")]);
        assert_eq!(head.header("cache-control"), None);
        assert_eq!(head.header("content-type"), Some("text/plain"));
    }

    #[test]
    fn keep_alive_follows_version_and_connection() {
        let wants =
            |version, lines: &[(&str, &str)]| Head { version, ..head("GET", "/", lines) }.wants_keep_alive();
        assert!(wants(Version::Http11, &[]));
        assert!(!wants(Version::Http11, &[("connection", "TE, Close")]));
        assert!(!wants(Version::Http10, &[]));
        assert!(wants(Version::Http10, &[("connection", "Keep-Alive")]));
    }

    #[test]
    fn the_client_is_known_by_its_key_id_wherever_it_stands() {
        let id = |target, lines: &[_]| head("GET", target, lines).access_key_id().map(str::to_owned);
        let signature = ("authorization", "q-sign-algorithm=sha1&q-ak=AKIDx&q-sign-time=1;2");
        assert_eq!(id("/", &[signature]).as_deref(), Some("AKIDx"));
        assert_eq!(id("/?q-sign-algorithm=sha1&q-ak=AKIDy", &[]).as_deref(), Some("AKIDy"));
        assert_eq!(id("/?sign=q-sign-algorithm%3Dsha1%26q-ak%3DAKIDz%26x", &[]).as_deref(), Some("AKIDz"));
        assert_eq!(id("/", &[("authorization", "Bearer x")]), None);
    }

    #[test]
    fn the_key_id_of_what_is_no_signature_names_no_client() {
        let id = |target, lines: &[_]| head("GET", target, lines).access_key_id().map(str::to_owned);
        let no_signature = ("authorization", "q-ak=AKIDx");
        let in_query = "/?q-sign-algorithm=sha1&q-ak=AKIDy";
        let in_sign = "/?q-ak=AKIDx&sign=q-sign-algorithm%3Dsha1%26q-ak%3DAKIDz";
        assert_eq!(id(in_query, &[no_signature]).as_deref(), Some("AKIDy"));
        assert_eq!(id(in_sign, &[no_signature]).as_deref(), Some("AKIDz"));
        assert_eq!(id("/?q-ak=AKIDx&sign=q-ak%3DAKIDx", &[no_signature]), None);
        let keyless = ("authorization", "q-sign-algorithm=sha1");
        assert_eq!(id(in_query, &[keyless]), None);
    }

    #[test]
    fn an_absolute_target_names_the_host() {
        let mut head = head("GET", "/", &[("host", "127.0.0.1:3077"), ("host", "127.0.0.1")]);
        assert_eq!(head.hosts().collect::<Vec<_>>(), ["127.0.0.1:3077", "127.0.0.1"]);
        head.authority = Some("b-1.cos.ap-x.myqcloud.com".to_owned());
        assert_eq!(head.hosts().collect::<Vec<_>>(), ["b-1.cos.ap-x.myqcloud.com"]);
    }

    #[test]
    fn setting_a_header_replaces_all_of_its_name_in_place() {
        let mut reply = Reply::new(200).with("ETag", "a").with("Server", "s").with("etag", "b");
        reply.set(Cow::Borrowed("Etag"), HeaderValue::from_static("c"));
        let lines: Vec<_> =
            reply.headers.iter().map(|(name, value)| (&**name, value.to_str().unwrap())).collect();
        assert_eq!(lines, [("Etag", "c"), ("Server", "s")]);
        assert!(reply.remove("ETAG"));
        assert!(!reply.remove("ETAG"));
    }
}
