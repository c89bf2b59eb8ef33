//! Objects that are posted by a form.
//!
//! The bytes of the file are a part of the body and are not copied: the shell looks for their end and hashes them, behind the
//! lock and in steps, between [`PostedForm::read`] and [`post`].
//!
//! Source: COS API, "POST Object" (`cos.md` 3.3, 3.4, 5.3.7); RFC 7578.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use memchr::memmem::{self, Finder};
use serde_json::Value;

use super::integrity::{ClaimedDigests, data_plan, quoted};
use super::metadata::{check_key, metadata};
use super::object::{check_overwrite, in_one_piece};
use super::{Call, Error, Handled, access, changed, document_reply, encryption, list, xml};
use crate::clock::Timestamp;
use crate::code::CosCode;
use crate::content::Content;
use crate::digest::Wanted;
use crate::message::{BodyPlan, Form, Head, Received, Reply};
use crate::store::MAX_PART_SIZE_BYTES;

/// The most that comes before the bytes of the file: boundaries and fields.
const MAX_FIELDS_BYTES: u64 = 1 << 20;
/// What a body may have more than its file.
const ROOM_BYTES: u64 = MAX_FIELDS_BYTES + (64 << 10);

/// # Errors
/// `NoSuchBucket`, `MissingContentLength`, `EntityTooLarge`, `MalformedPOSTRequest` for another content type.
pub(super) fn admit(call: &Call<'_>) -> Result<BodyPlan, Error> {
    call.bucket()?;
    if call.head.content_length().is_none() {
        return Err(Error::new(CosCode::MissingContentLength));
    }
    boundary(call.head)?;
    if call.head.content_length().is_some_and(|length| length > MAX_PART_SIZE_BYTES + ROOM_BYTES) {
        return Err(Error::new(CosCode::EntityTooLarge));
    }
    let plan = data_plan(call)?;
    // What is hashed is the file, once it is found.
    Ok(BodyPlan { wanted: Wanted::default(), limit: MAX_PART_SIZE_BYTES + ROOM_BYTES, ..plan })
}

/// # Errors
/// `MalformedPOSTRequest`.
fn boundary(head: &Head) -> Result<&str, Error> {
    let text = head.header(CONTENT_TYPE).unwrap_or("");
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    });
    let fits = kind.trim().eq_ignore_ascii_case("multipart/form-data");
    boundary.filter(|boundary| fits && (1..=70).contains(&boundary.len())).ok_or_else(|| {
        malformed(format_args!("the Content-Type \"{text}\" is not multipart/form-data with a boundary"))
    })
}

fn malformed(reason: impl std::fmt::Display) -> Error {
    Error::new(CosCode::MalformedPOSTRequest).because(reason)
}

/// A form up to the bytes of its file.
#[derive(Debug)]
pub struct PostedForm {
    /// What stands before the file.
    pub form: Form,
    /// Where the bytes of the file begin.
    pub start: u64,
    /// What stands behind them.
    delimiter: Vec<u8>,
    /// The digests that are needed of the file.
    pub wanted: Wanted,
}

impl PostedForm {
    /// Reads what comes before the bytes of the file.
    ///
    /// # Errors
    /// `MalformedPOSTRequest`; `MaxPostPreDataLengthExceededError` for more than 1 MiB of fields;
    /// `IncorrectNumberOfFilesInPostRequest` when there is no file.
    pub fn read(head: &Head, content: &Content, wanted: Wanted) -> Result<Self, Error> {
        let delimiter = format!("\r\n--{}", boundary(head)?).into_bytes();
        // The first delimiter has no line before it.
        let text: Bytes = content.slice(0..MAX_FIELDS_BYTES).to_bytes();
        let cut = || match content.len() > MAX_FIELDS_BYTES {
            true => Error::new(CosCode::MaxPostPreDataLengthExceededError),
            false => malformed("the form ends too early"),
        };
        if !text.starts_with(&delimiter[2..]) {
            return Err(malformed("it does not start with its boundary"));
        }
        let mut at = delimiter.len() - 2;
        let mut fields = Vec::new();
        loop {
            let rest = &text[at..];
            if rest.starts_with(b"--") {
                return Err(Error::new(CosCode::IncorrectNumberOfFilesInPostRequest)
                    .because("there is no field \"file\""));
            }
            let line =
                rest.strip_prefix(b"\r\n").ok_or_else(|| malformed("a boundary has no line of its own"))?;
            let end = memmem::find(line, b"\r\n\r\n").ok_or_else(cut)?;
            let part = PartHead::read(&line[..end])?;
            let start = at + 2 + end + 4;
            if part.name == "file" {
                let form = Form { fields, file_name: part.file_name.unwrap_or_default() };
                return Ok(PostedForm { form, start: start as u64, delimiter, wanted });
            }
            let length = memmem::find(&text[start..], &delimiter).ok_or_else(cut)?;
            let value = std::str::from_utf8(&text[start..start + length]);
            let value = value.map_err(|_| malformed(format_args!("the field {} is not UTF-8", part.name)))?;
            fields.push((part.name, value.to_owned()));
            at = start + length + delimiter.len();
        }
    }

    /// What looks for the end of the file's bytes.
    pub fn end_finder(&self) -> EndFinder {
        EndFinder { finder: Finder::new(&self.delimiter).into_owned(), carried: Vec::new(), passed: 0 }
    }

    /// Looks at what stands behind the file: `rest` begins behind the delimiter.
    ///
    /// # Errors
    /// `IncorrectNumberOfFilesInPostRequest` for a second file, `MalformedPOSTRequest`.
    fn check_end(&self, rest: &[u8]) -> Result<(), Error> {
        if rest.starts_with(b"--") {
            return Ok(());
        }
        // Fields behind the file are not looked at.
        let second = memmem::find_iter(rest, b"\r\n").any(|at| {
            let line = rest[at + 2..].split(|byte| *byte == b'\r').next().unwrap_or(&[]);
            PartHead::read(line).is_ok_and(|part| part.name == "file")
        });
        if second {
            return Err(Error::new(CosCode::IncorrectNumberOfFilesInPostRequest));
        }
        if rest.starts_with(b"\r\n") { Ok(()) } else { Err(malformed("a boundary has no line of its own")) }
    }

    /// The bytes of the file, which end `length` behind their start.
    ///
    /// # Errors
    /// `MalformedPOSTRequest` when the end was not found, and those of what stands behind it.
    pub fn file(&self, content: &Content, length: Option<u64>) -> Result<Content, Error> {
        let length = length.ok_or_else(|| malformed("the file has no boundary behind it"))?;
        let end = self.start + length;
        let behind = end + self.delimiter.len() as u64;
        self.check_end(&content.slice(behind..behind + MAX_FIELDS_BYTES).to_bytes())?;
        Ok(content.slice(self.start..end))
    }
}

/// Looks for a delimiter in bytes that come piece by piece.
pub struct EndFinder {
    finder: Finder<'static>,
    /// The last bytes that were passed: a delimiter may begin among them.
    carried: Vec<u8>,
    passed: u64,
}

impl EndFinder {
    /// Takes the next piece. Returns how many bytes were before the delimiter, once it is there.
    pub fn feed(&mut self, piece: &[u8]) -> Option<u64> {
        let keep = self.finder.needle().len() - 1;
        if !self.carried.is_empty() {
            let before = self.carried.len();
            self.carried.extend_from_slice(&piece[..piece.len().min(keep)]);
            if let Some(at) = self.finder.find(&self.carried) {
                return Some(self.passed - before as u64 + at as u64);
            }
            self.carried.truncate(before);
        }
        if let Some(at) = self.finder.find(piece) {
            return Some(self.passed + at as u64);
        }
        self.passed += piece.len() as u64;
        self.carried.extend_from_slice(&piece[piece.len().saturating_sub(keep)..]);
        let surplus = self.carried.len().saturating_sub(keep);
        self.carried.drain(..surplus);
        None
    }
}

/// The header lines of a part.
struct PartHead {
    name: String,
    file_name: Option<String>,
}

impl PartHead {
    /// # Errors
    /// `MalformedPOSTRequest`.
    fn read(lines: &[u8]) -> Result<Self, Error> {
        let lines = std::str::from_utf8(lines).map_err(|_| malformed("the head of a part is not UTF-8"))?;
        let disposition = lines.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
        });
        let disposition = disposition.ok_or_else(|| malformed("a part has no Content-Disposition"))?;
        let name = parameter(disposition, "name").ok_or_else(|| malformed("a part has no name"))?;
        Ok(PartHead { name, file_name: parameter(disposition, "filename") })
    }
}

/// A parameter of a header, quoted or not. Browsers write a quote within as `%22`.
fn parameter(header: &str, name: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (key, value) = rest.split_once('=')?;
        let (value, behind) = match value.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_once(';').unwrap_or((value, "")),
        };
        if key.trim_matches([' ', ';', '\t']).eq_ignore_ascii_case(name) {
            return Some(value.replace("%22", "\""));
        }
        rest = behind;
    }
}

/// The fields as if they were the header lines of an upload.
fn as_head(head: &Head, form: &Form) -> Head {
    let mut headers = http::HeaderMap::new();
    for (name, value) in &form.fields {
        let name = if name.eq_ignore_ascii_case("acl") { "x-cos-acl" } else { name };
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    Head { headers, ..head.clone() }
}

/// PostObject: `body` is the file, with the form it was posted by.
///
/// # Errors
/// `NoSuchBucket`; `UserKeyMustBeSpecified`; those of the policy: `InvalidPolicyDocument`, `AccessDenied`, `EntityTooSmall`,
/// `EntityTooLarge`; `AccessDenied`; those of the key, the metadata and the digests; `FileAlreadyExists`, `ObjectLocked`.
pub(super) fn post(call: &Call<'_>, body: &Received) -> Handled {
    let bucket = call.bucket()?;
    let form = body.form.as_deref().expect("the shell reads it before");
    let key = form.field("key").filter(|key| !key.is_empty());
    let key =
        key.ok_or_else(|| Error::new(CosCode::UserKeyMustBeSpecified).because("there is no field \"key\""))?;
    let key = key.replace("${filename}", &form.file_name);
    match form.field("policy") {
        Some(policy) => check_policy(call, policy, form, &key, body.content.len())?,
        None if form.field("q-signature").is_some() => {
            return Err(Error::new(CosCode::InvalidPolicyDocument));
        }
        None => {}
    }
    access::check_form(call, bucket, &key)?;
    check_key(&key)?;
    let fields = as_head(call.head, form);
    ClaimedDigests::of(&fields)?.verify(&body.digests, CosCode::InvalidDigest)?;
    if body.content.len() > MAX_PART_SIZE_BYTES {
        return Err(Error::new(CosCode::EntityTooLarge));
    }
    check_overwrite(call, &fields, bucket, &key)?;
    let object = in_one_piece(call, body, metadata(call, &fields, &key)?);
    let location = format!("http://{}{}{}", call.head.host(), base_of(call), encoded(&key));
    let (etag, crc64) = (quoted(object.etag), object.crc64);
    let mut told = Reply::new(204);
    encryption::tell(&mut told, object.metadata.encryption());
    let change = call.write(&mut told, &key, object)?;
    let mut reply = success(call, form, &key, &etag, &location);
    reply.push("ETag", etag);
    reply.push("x-cos-hash-crc64ecma", crc64.to_string());
    if reply.header("Location").is_none() {
        reply.push("Location", location);
    }
    reply.headers.extend(told.headers);
    Ok(changed(reply, change))
}

fn encoded(key: &str) -> String {
    percent_encoding::utf8_percent_encode(key, list::URL).to_string()
}

/// What stands before the key in a path: the bucket, when it was in the path that the form was posted to.
fn base_of(call: &Call<'_>) -> String {
    let path = call.head.path.trim_end_matches('/');
    format!("{path}/")
}

/// The answer that the form asks for: a redirect goes before a status.
fn success(call: &Call<'_>, form: &Form, key: &str, etag: &str, location: &str) -> Reply {
    let to = form.field("success_action_redirect").filter(|to| !to.is_empty());
    if let Some(to) = to.filter(|to| HeaderValue::from_str(to).is_ok()) {
        let separator = if to.contains('?') { '&' } else { '?' };
        let etag = percent_encoding::utf8_percent_encode(etag, percent_encoding::NON_ALPHANUMERIC);
        let bucket = &call.target.bucket;
        let to = format!("{to}{separator}bucket={bucket}&key={}&etag={etag}", encoded(key));
        return Reply::new(303).with("Location", to);
    }
    match form.field("success_action_status") {
        Some("200") => Reply::new(200),
        Some("201") => {
            let document = xml::document("PostResponse", |response| {
                response.text("Location", location);
                response.text("Bucket", &call.target.bucket);
                response.text("Key", key);
                response.text("ETag", etag);
            });
            Reply { status: 201, ..document_reply(document) }
        }
        _ => Reply::new(204),
    }
}

/// Holds a form to its policy.
///
/// # Errors
/// `InvalidPolicyDocument`; `AccessDenied` for one that has expired, a condition that does not hold, and one that the signature needs and that
/// is not there; `EntityTooSmall` and `EntityTooLarge` for a file outside its range.
fn check_policy(call: &Call<'_>, policy: &str, form: &Form, key: &str, size: u64) -> Result<(), Error> {
    let invalid = || Error::new(CosCode::InvalidPolicyDocument);
    let text = STANDARD.decode(policy.trim()).map_err(|_| invalid().because("it is not base64"))?;
    let policy: Value = serde_json::from_slice(&text)
        .map_err(|error| invalid().because(format_args!("it is no JSON: {error}")))?;
    let expiration = policy.get("expiration").and_then(Value::as_str);
    let expiration = expiration.and_then(Timestamp::parse_iso_with_offset);
    let expiration = expiration.ok_or_else(|| invalid().because("it has no expiration of ISO 8601"))?;
    let now = call.context.now;
    if now > expiration {
        return Err(Error::new(CosCode::AccessDenied).saying(format!(
            "You post object request has been expired, expiration time: {} but the time now : {}",
            expiration.unix_seconds(),
            now.unix_seconds()
        )));
    }
    let conditions = policy.get("conditions").and_then(Value::as_array).filter(|all| !all.is_empty());
    let mut named = Vec::new();
    for condition in conditions.ok_or_else(invalid)? {
        match Demand::read(condition)
            .ok_or_else(|| invalid().because(format_args!("{condition} is no condition")))?
        {
            Demand::Size(least, _) if size < least => return Err(Error::new(CosCode::EntityTooSmall)),
            Demand::Size(_, most) if size > most => return Err(Error::new(CosCode::EntityTooLarge)),
            Demand::Size(..) => {}
            Demand::Equal(name, value) => {
                let holds = field(call, form, key, name).is_some_and(|sent| sent == value);
                if !holds {
                    return Err(fails(name, value));
                }
                named.push(name.to_ascii_lowercase());
            }
            Demand::StartsWith(name, value) => {
                let holds = field(call, form, key, name).is_some_and(|sent| sent.starts_with(value));
                if !holds {
                    return Err(fails(name, value));
                }
                named.push(name.to_ascii_lowercase());
            }
        }
    }
    let missing = ["q-sign-algorithm", "q-ak", "q-sign-time"]
        .into_iter()
        .find(|name| !named.iter().any(|of| of == name));
    match missing.filter(|_| form.field("q-signature").is_some()) {
        Some(missing) => Err(invalid().because(format_args!("it has no condition for {missing}"))),
        None => Ok(()),
    }
}

fn fails(name: &str, value: &str) -> Error {
    let message = format!("Condition key {name} doesn't match the value {value}");
    Error::new(CosCode::AccessDenied).saying(message)
}

/// The value that a condition is about. The bucket is not in the form, and the time of the signature is there by another name.
fn field<'a>(call: &'a Call<'_>, form: &'a Form, key: &'a str, name: &str) -> Option<&'a str> {
    match name {
        "bucket" => Some(&call.target.bucket),
        "key" => Some(key),
        "q-sign-time" => form.field("q-sign-time").or_else(|| form.field("q-key-time")),
        name => form.field(name),
    }
}

/// What a policy demands.
enum Demand<'a> {
    Equal(&'a str, &'a str),
    StartsWith(&'a str, &'a str),
    Size(u64, u64),
}

impl<'a> Demand<'a> {
    /// `{"name": "value"}`, `["eq", "$name", "value"]`, `["starts-with", "$name", "value"]`, `["content-length-range", least, most]`.
    fn read(condition: &'a Value) -> Option<Self> {
        match condition {
            Value::Object(members) => {
                let (name, value) = members.iter().next().filter(|_| members.len() == 1)?;
                Some(Demand::Equal(name, value.as_str()?))
            }
            Value::Array(list) => match list.as_slice() {
                [kind, least, most] if kind == "content-length-range" => {
                    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
                    Some(Demand::Size(number(least)?, number(most)?))
                }
                [kind, name, value] => {
                    let (name, value) = (name.as_str()?.strip_prefix('$')?, value.as_str()?);
                    match kind.as_str()? {
                        "eq" => Some(Demand::Equal(name, value)),
                        "starts-with" => Some(Demand::StartsWith(name, value)),
                        _ => None,
                    }
                }
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_found_wherever_pieces_are_cut() {
        let text = b"abc\r\n--Xdef\r\n\r\n--X\r\n--XY--";
        for needle in [&b"\r\n--XY"[..], b"\r\n--Z", b"abc", b"--XY--"] {
            let expected = memmem::find(text, needle).map(|at| at as u64);
            for size in 1..text.len() {
                let mut finder =
                    EndFinder { finder: Finder::new(needle).into_owned(), carried: Vec::new(), passed: 0 };
                let found = text.chunks(size).find_map(|piece| finder.feed(piece));
                assert_eq!(found, expected, "{size}");
            }
        }
    }

    #[test]
    fn parameters_are_quoted_or_not() {
        let header = r#" form-data; name="a;b"; filename=x.txt"#;
        assert_eq!(parameter(header, "name").as_deref(), Some("a;b"));
        assert_eq!(parameter(header, "filename").as_deref(), Some("x.txt"));
        assert_eq!(parameter(r#"form-data; name="a%22b""#, "name").as_deref(), Some("a\"b"));
        assert_eq!(parameter("form-data", "name"), None);
        assert_eq!(parameter("form-data; name=\"open", "name"), None);
    }
}
