//! The `q-sign-algorithm=sha1` signature of both services: reading it from a request and verifying it.
//!
//! Only what the two lists of a signature name is verified, as the service does. What a refusal is called on the wire is the business of
//! `cos::auth` and `cas::auth`. Pure: the time is an argument.
//!
//! Source: COS API, "Request signature" (`cos.md` 3); CAS API, "Signature" (`cas.md` 2).

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{AUTHORIZATION, DATE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

use crate::clock::Timestamp;
use crate::digest;
use crate::message::{Form, Head, signature_fields};

/// How far a signature may start in the future.
///
/// Source: `cos.md` 8, "Clock skew".
const ALLOWED_SKEW: Duration = Duration::from_secs(15 * 60);

/// What is encoded in a signed text: all but the unreserved characters of RFC 3986.
const SIGNED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The secret half of a credential.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The secret key, a text.
    pub key: String,
    /// The security token that must come with it, for temporary credentials.
    pub token: Option<String>,
    /// The account it is of, by its UIN, when not that of the owner of everything.
    pub uin: Option<String>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The credentials that are known, by access key id.
pub type Credentials = HashMap<String, Secret>;

/// How strictly requests are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthMode {
    /// Signatures are ignored.
    Off,
    /// A signature by a known key id is verified in full; an unknown key id or no signature is let pass and noted.
    #[default]
    Check,
    /// As the real service: unsigned and unknown are refused too.
    Strict,
}

/// How a service writes query parameters into the signed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterForm {
    /// COS: values keep their case.
    KeepCase,
    /// CAS: names and values are lower-cased, and a parameter without value may lack its `=`.
    LowerCase,
}

/// What the check found, in the words of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Verified.
    Valid,
    /// Signed with a key id that is not known.
    UnknownKey,
    /// Not signed at all, or not with this algorithm.
    None,
    /// Not looked at, because the mode is [`AuthMode::Off`].
    NotChecked,
    /// Refused.
    Refused(Refusal),
}

/// Why a signature is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is none, and the mode is strict.
    Missing,
    /// The key id is unknown, and the mode is strict.
    UnknownKey,
    /// The fields are incomplete or do not parse; says which.
    Malformed(&'static str),
    /// The security token is absent or differs.
    WrongToken,
    /// The window has ended.
    Expired,
    /// The window starts more than 15 minutes in the future.
    Skewed,
    /// The signature differs. What the server signed is told to the client.
    Mismatch {
        /// The text whose HMAC is the signature.
        string_to_sign: String,
        /// The canonical request whose SHA-1 is in it.
        format_string: String,
    },
}

/// The fields of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fields<'a> {
    key_id: Cow<'a, str>,
    sign_time: Cow<'a, str>,
    key_time: Cow<'a, str>,
    header_list: Cow<'a, str>,
    param_list: Cow<'a, str>,
    signature: Cow<'a, str>,
}

/// Checks the signature of a request.
///
/// `path` is the path as the service signs it: decoded for COS, as sent for CAS.
pub fn check(
    head: &Head,
    path: &str,
    credentials: &Credentials,
    mode: AuthMode,
    form: ParameterForm,
    now: Timestamp,
) -> Verdict {
    if mode == AuthMode::Off {
        return Verdict::NotChecked;
    }
    let strict = mode == AuthMode::Strict;
    let Some(text) = find(head) else {
        return if strict { Verdict::Refused(Refusal::Missing) } else { Verdict::None };
    };
    let Some(secret) = text.get("q-ak").and_then(|id| credentials.get(id.as_ref())) else {
        return if strict { Verdict::Refused(Refusal::UnknownKey) } else { Verdict::UnknownKey };
    };
    let verified = text.fields().and_then(|fields| verify(head, path, &fields, secret, form, now));
    match verified {
        Ok(()) => Verdict::Valid,
        Err(refusal) => Verdict::Refused(refusal),
    }
}

/// What a signature covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The names of headers, in small letters, sorted.
    pub headers: Vec<String>,
    /// The names of query parameters, likewise.
    pub parameters: Vec<String>,
}

/// What the signature of a request covers, whether it is right or not; `None` when there is none.
pub fn signed(head: &Head) -> Option<Signed> {
    let text = find(head)?;
    let list = |name: &str| text.get(name).map(|list| names(&list)).unwrap_or_default();
    Some(Signed { headers: list("q-header-list"), parameters: list("q-url-param-list") })
}

/// Checks the signature of a form: of its policy, by `q-key-time`.
///
/// Source: COS API, "POST Object" (`cos.md` 3.3).
pub fn check_form(form: &Form, credentials: &Credentials, mode: AuthMode, now: Timestamp) -> Verdict {
    if mode == AuthMode::Off {
        return Verdict::NotChecked;
    }
    let strict = mode == AuthMode::Strict;
    // Who posts without a signature is nobody, which the owner of a bucket may allow.
    let Some(signature) = form.field("q-signature") else { return Verdict::None };
    let Some(secret) = form.field("q-ak").and_then(|id| credentials.get(id)) else {
        return if strict { Verdict::Refused(Refusal::UnknownKey) } else { Verdict::UnknownKey };
    };
    match verify_form(form, signature, secret, now) {
        Ok(()) => Verdict::Valid,
        Err(refusal) => Verdict::Refused(refusal),
    }
}

fn verify_form(form: &Form, signature: &str, secret: &Secret, now: Timestamp) -> Result<(), Refusal> {
    if form.field("q-sign-algorithm") != Some("sha1") {
        return Err(Refusal::Malformed("q-sign-algorithm"));
    }
    let key_time = form.field("q-key-time").ok_or(Refusal::Malformed("q-key-time"))?;
    let (start, end) = window(key_time).ok_or(Refusal::Malformed("q-key-time"))?;
    if secret.token.is_some() && form.field("x-cos-security-token") != secret.token.as_deref() {
        return Err(Refusal::WrongToken);
    }
    if now > end {
        return Err(Refusal::Expired);
    }
    if start > now.plus(ALLOWED_SKEW) {
        return Err(Refusal::Skewed);
    }
    let policy = form.field("policy").and_then(|policy| STANDARD.decode(policy.trim()).ok());
    let policy = policy.ok_or(Refusal::Malformed("policy"))?;
    let string_to_sign = digest::sha1(&policy).to_string();
    let sign_key = hmac_sha1_hex(secret.key.as_bytes(), key_time.as_bytes());
    let expected = hmac_sha1_hex(sign_key.as_bytes(), string_to_sign.as_bytes());
    if expected.as_bytes().ct_eq(signature.as_bytes()).into() {
        return Ok(());
    }
    let format_string = String::from_utf8_lossy(&policy).into_owned();
    Err(Refusal::Mismatch { string_to_sign, format_string })
}

/// The text of a signature: `name=value` pairs.
struct SignatureText<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// Finds the signature: in the `Authorization` header, else in the query, else in the query parameter `sign`.
fn find(head: &Head) -> Option<SignatureText<'_>> {
    let from_text = |text: &'_ str| -> Option<SignatureText<'static>> {
        let pairs: Vec<_> = signature_fields(text)
            .filter_map(|field| field.split_once('='))
            .map(|(name, value)| (Cow::Owned(name.to_owned()), Cow::Owned(value.to_owned())))
            .collect();
        pairs.iter().any(|(name, _)| name == "q-sign-algorithm").then_some(SignatureText(pairs))
    };
    if let Some(text) = head.header(AUTHORIZATION).and_then(from_text) {
        return Some(text);
    }
    if head.query.has("q-sign-algorithm") {
        let pairs = head.query.pairs().iter();
        return Some(SignatureText(
            pairs.map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect(),
        ));
    }
    from_text(head.query.get("sign")?)
}

impl<'a> SignatureText<'a> {
    fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    fn fields(&self) -> Result<Fields<'a>, Refusal> {
        let required = |name: &'static str| self.get(name).ok_or(Refusal::Malformed(name));
        if required("q-sign-algorithm")? != "sha1" {
            return Err(Refusal::Malformed("q-sign-algorithm"));
        }
        Ok(Fields {
            key_id: required("q-ak")?,
            sign_time: required("q-sign-time")?,
            key_time: required("q-key-time")?,
            header_list: required("q-header-list")?,
            param_list: required("q-url-param-list")?,
            signature: required("q-signature")?,
        })
    }
}

fn verify(
    head: &Head,
    path: &str,
    fields: &Fields<'_>,
    secret: &Secret,
    form: ParameterForm,
    now: Timestamp,
) -> Result<(), Refusal> {
    let sign_window = window(&fields.sign_time).ok_or(Refusal::Malformed("q-sign-time"))?;
    let key_window = window(&fields.key_time).ok_or(Refusal::Malformed("q-key-time"))?;
    if let Some(token) = &secret.token {
        let sent = head.header("x-cos-security-token").or_else(|| head.query.get("x-cos-security-token"));
        if sent != Some(token) {
            return Err(Refusal::WrongToken);
        }
    }
    for (start, end) in [sign_window, key_window] {
        if now > end {
            return Err(Refusal::Expired);
        }
        if start > now.plus(ALLOWED_SKEW) {
            return Err(Refusal::Skewed);
        }
    }
    // Presigned URLs are used by others, later, and their date is nobody's claim.
    let date = head.header(DATE).and_then(Timestamp::parse_http_date);
    if date.is_some_and(|date| date.since(now) > ALLOWED_SKEW || now.since(date) > ALLOWED_SKEW)
        && head.header(AUTHORIZATION).is_some()
    {
        return Err(Refusal::Skewed);
    }

    let sign_key = hmac_sha1_hex(secret.key.as_bytes(), fields.key_time.as_bytes());
    let mut first_difference = None;
    for candidate in candidates(head, path, fields, form) {
        let string_to_sign = format!("sha1\n{}\n{}\n", fields.sign_time, digest::sha1(candidate.as_bytes()));
        let expected = hmac_sha1_hex(sign_key.as_bytes(), string_to_sign.as_bytes());
        if expected.as_bytes().ct_eq(fields.signature.as_bytes()).into() {
            return Ok(());
        }
        first_difference.get_or_insert(Refusal::Mismatch { string_to_sign, format_string: candidate });
    }
    Err(first_difference.expect("there is at least one candidate"))
}

/// The canonical requests that are acceptable, the most likely first.
///
/// Clients disagree on the host: some sign it with the port, some without, the official CAS client sends two
/// different ones; and CAS clients disagree on parameters and headers without value.
fn candidates(head: &Head, path: &str, fields: &Fields<'_>, form: ParameterForm) -> Vec<String> {
    let header_names = names(&fields.header_list);
    let mut hosts: Vec<&str> = Vec::new();
    if header_names.iter().any(|name| name == "host") {
        for host in head.hosts() {
            for candidate in [host, without_port(host)] {
                if !hosts.contains(&candidate) {
                    hosts.push(candidate);
                }
            }
        }
    }
    if hosts.is_empty() {
        hosts.push("");
    }

    let method = head.method.as_str().to_ascii_lowercase();
    // Node's presigned URLs encode the separator of the list too, in lower case; elsewhere it belongs to a name then.
    let encoded = fields.param_list.contains("%3b").then(|| names(&fields.param_list.replace("%3b", ";")));
    let listed: Vec<_> = std::iter::once(names(&fields.param_list)).chain(encoded).collect();
    let forms = match form {
        ParameterForm::KeepCase => &[EmptyValue::WithEquals][..],
        ParameterForm::LowerCase => &[EmptyValue::WithEquals, EmptyValue::NameAlone],
    };
    let listed = listed.iter();
    let parameters = listed.flat_map(|names| forms.iter().map(|empty| parameters(head, names, form, *empty)));
    let mut parameters: Vec<String> = parameters.collect();
    parameters.dedup();
    let mut all = Vec::with_capacity(hosts.len() * parameters.len());
    for parameters in &parameters {
        for host in &hosts {
            let mut written: Vec<_> =
                forms.iter().map(|empty| headers(head, &header_names, host, *empty)).collect();
            written.dedup();
            all.extend(written.iter().map(|headers| format!("{method}\n{path}\n{parameters}\n{headers}\n")));
        }
    }
    all
}

/// How a parameter or a header without value is written.
#[derive(Clone, Copy)]
enum EmptyValue {
    WithEquals,
    NameAlone,
}

/// The signed parameters as `name=value`, sorted by name and joined by `&`.
fn parameters(head: &Head, listed: &[String], form: ParameterForm, empty: EmptyValue) -> String {
    let mut pairs: Vec<(String, String)> = head
        .query
        .pairs()
        .iter()
        .map(|(name, value)| {
            let value = match form {
                ParameterForm::KeepCase => encode(value.as_bytes()),
                ParameterForm::LowerCase => encode(value.to_lowercase().as_bytes()),
            };
            (signed_name(name), value)
        })
        .filter(|(name, _)| listed.contains(name))
        .collect();
    pairs.sort();
    join(pairs.into_iter().map(|(name, value)| pair(&name, &value, empty)))
}

fn pair(name: &str, value: &str, empty: EmptyValue) -> String {
    match empty {
        EmptyValue::NameAlone if value.is_empty() => name.to_owned(),
        _ => format!("{name}={value}"),
    }
}

/// The signed headers as `name=value`, sorted by name and joined by `&`. A name that is listed more than once stands
/// for each of the header's values.
fn headers(head: &Head, listed: &[String], host: &str, empty: EmptyValue) -> String {
    let mut unique: Vec<&String> = listed.iter().collect();
    unique.dedup();
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for name in unique {
        if name == "host" {
            pairs.push((name, encode(host.as_bytes())));
            continue;
        }
        let times = listed.iter().filter(|other| *other == name).count();
        let values = head.headers.get_all(name.as_str()).iter();
        let mut values: Vec<_> =
            values.map(|value| encode(value.as_bytes().trim_ascii())).take(times).collect();
        if values.is_empty() {
            values.push(String::new());
        }
        values.sort();
        pairs.extend(values.into_iter().map(|value| (name.as_str(), value)));
    }
    join(pairs.into_iter().map(|(name, value)| pair(name, &value, empty)))
}

/// The names of a list, as they stand in the signed text, sorted: `a;b`, also with lower-case or missing encoding.
fn names(list: &str) -> Vec<String> {
    let mut names: Vec<String> = list
        .split(';')
        .map(|name| signed_name(&percent_encoding::percent_decode_str(name).decode_utf8_lossy()))
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    names
}

fn signed_name(name: &str) -> String {
    encode(name.as_bytes()).to_ascii_lowercase()
}

fn encode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => utf8_percent_encode(text, SIGNED).to_string(),
        Err(_) => percent_encoding::percent_encode(bytes, SIGNED).to_string(),
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("&")
}

/// Start and end of `1557989151;1557996351`, in Unix seconds.
fn window(text: &str) -> Option<(Timestamp, Timestamp)> {
    let (start, end) = text.split_once(';')?;
    let time = |text: &str| text.parse().ok().map(Timestamp::from_unix_seconds);
    Some((time(start)?, time(end)?))
}

/// The host without its port.
pub fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn hmac_sha1_hex(key: &[u8], message: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    let mut hex = String::with_capacity(40);
    for byte in mac.finalize().into_bytes() {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::head;

    const COS_HOST: (&str, &str) = ("Host", "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com");
    const BEIJING_HOST: (&str, &str) = ("Host", "examplebucket-1250000000.cos.ap-beijing.myqcloud.com");
    const CAS_HOST: (&str, &str) = ("Host", "cas.ap-chengdu.myqcloud.com");
    const ONE_MIB_HASH: &str = "1c59b8670027384143781a8a8bff2f3b44bd8818d0f53b13b064c2375a1afe38";
    const ONE_BYTE_HASH: &str = "ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879";

    /// A published or recorded signature.
    struct Vector {
        name: &'static str,
        key: &'static str,
        request: (&'static str, &'static str, &'static [(&'static str, &'static str)]),
        time: &'static str,
        lists: (&'static str, &'static str),
        format_string: &'static str,
        sha1: &'static str,
        signature: &'static str,
    }

    const DOC_KEY: &str = "BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz";
    const SDK_KEY: &str = "cosEmuTestSecretKey0123456789abcd";
    const CAS_KEY: &str = "SECRETKEYEXAMPLEEXAMPLE";
    const SDK_TIME: &str = "1700000000;1700010060";
    const PRESIGNED_TIME: &str = "1700000000;1700000660";

    /// `cos.md` 3.5.
    const COS_VECTORS: &[Vector] = &[
        Vector {
            name: "V1",
            key: DOC_KEY,
            request: (
                "PUT",
                "/exampleobject(%E8%85%BE%E8%AE%AF%E4%BA%91)",
                &[
                    BEIJING_HOST,
                    ("Date", "Thu, 16 May 2019 06:45:51 GMT"),
                    ("Content-Type", "text/plain"),
                    ("Content-Length", "13"),
                    ("Content-MD5", "mQ/fVh815F3k6TAUm8m0eg=="),
                    ("x-cos-acl", "private"),
                    ("x-cos-grant-read", "uin=\"100000000011\""),
                ],
            ),
            time: "1557989151;1557996351",
            lists: ("content-length;content-md5;content-type;date;host;x-cos-acl;x-cos-grant-read", ""),
            format_string: "put\n/exampleobject(腾讯云)\n\ncontent-length=13&content-md5=mQ%2FfVh815F3k6TAUm8m0eg%3D%3D&content-type=text%2Fplain&date=Thu%2C%2016%20May%202019%2006%3A45%3A51%20GMT&host=examplebucket-1250000000.cos.ap-beijing.myqcloud.com&x-cos-acl=private&x-cos-grant-read=uin%3D%22100000000011%22\n",
            sha1: "8b2751e77f43a0995d6e9eb9477f4b685cca4172",
            signature: "3b8851a11a569213c17ba8fa7dcf2abec6935172",
        },
        Vector {
            name: "V2",
            key: DOC_KEY,
            request: (
                "GET",
                "/exampleobject(%E8%85%BE%E8%AE%AF%E4%BA%91)?response-content-type=application%2Foctet-stream&response-cache-control=max-age%3D600",
                &[BEIJING_HOST, ("Date", "Thu, 16 May 2019 06:55:53 GMT")],
            ),
            time: "1557989753;1557996953",
            lists: ("date;host", "response-cache-control;response-content-type"),
            format_string: "get\n/exampleobject(腾讯云)\nresponse-cache-control=max-age%3D600&response-content-type=application%2Foctet-stream\ndate=Thu%2C%2016%20May%202019%2006%3A55%3A53%20GMT&host=examplebucket-1250000000.cos.ap-beijing.myqcloud.com\n",
            sha1: "54ecfe22f59d3514fdc764b87a32d8133ea611e6",
            signature: "01681b8c9d798a678e43b685a9f1bba0f6c0e012",
        },
        Vector {
            name: "V4",
            key: SDK_KEY,
            request: (
                "PUT",
                "/%E7%9B%AE%E5%BD%95/%E6%96%87%E4%BB%B6%20%E5%90%8D%2B1.txt",
                &[
                    COS_HOST,
                    ("Content-Type", "text/plain; charset=utf-8"),
                    ("Content-MD5", "UfRZzlI9V4cclKIy1UsodQ=="),
                    ("Content-Length", "9"),
                    ("x-cos-meta-author", "J. Doe (a*b)!"),
                ],
            ),
            time: SDK_TIME,
            lists: ("content-length;content-md5;content-type;host;x-cos-meta-author", ""),
            format_string: "put\n/目录/文件 名+1.txt\n\ncontent-length=9&content-md5=UfRZzlI9V4cclKIy1UsodQ%3D%3D&content-type=text%2Fplain%3B%20charset%3Dutf-8&host=examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com&x-cos-meta-author=J.%20Doe%20%28a%2Ab%29%21\n",
            sha1: "f0963b50804db4e2f66a72cd145ace8a4e242bc5",
            signature: "dc0150a08682a5d3f183fedaba29ed57632815b3",
        },
        Vector {
            name: "V5",
            key: SDK_KEY,
            request: ("GET", "/a%20b/c%2Bd/e%252Ff~%21%27%28%29.bin", &[COS_HOST, ("Range", "bytes=0-99")]),
            time: SDK_TIME,
            lists: ("host;range", ""),
            format_string: "get\n/a b/c+d/e%2Ff~!'().bin\n\nhost=examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com&range=bytes%3D0-99\n",
            sha1: "f4d71de8fb2feddc0165f0b2e333e378c0897aae",
            signature: "8eebb5f960e0d0d56722d708e9611e660b6a7a1d",
        },
        Vector {
            name: "V6",
            key: SDK_KEY,
            request: (
                "PUT",
                "/dir/big.bin?partNumber=2&uploadId=1585130821cbb7df1d11846c073ad648e8f33b087cec2381df437acdc833cf654b9ecc6361",
                &[COS_HOST, ("Content-Length", "5")],
            ),
            time: SDK_TIME,
            lists: ("content-length;host", "partnumber;uploadid"),
            format_string: "put\n/dir/big.bin\npartnumber=2&uploadid=1585130821cbb7df1d11846c073ad648e8f33b087cec2381df437acdc833cf654b9ecc6361\ncontent-length=5&host=examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com\n",
            sha1: "99b67668f015069de95dc541708908de898fa106",
            signature: "58a620f5c3afd998eb3d6ea1f54c18fdfc749b40",
        },
        Vector {
            name: "V7",
            key: SDK_KEY,
            request: (
                "GET",
                "/?prefix=%E7%9B%AE%E5%BD%95%2F&delimiter=%2F&marker=&max-keys=10&encoding-type=url",
                &[COS_HOST],
            ),
            time: SDK_TIME,
            lists: ("host", "delimiter;encoding-type;marker;max-keys;prefix"),
            format_string: "get\n/\ndelimiter=%2F&encoding-type=url&marker=&max-keys=10&prefix=%E7%9B%AE%E5%BD%95%2F\nhost=examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com\n",
            sha1: "7235b6836b9265577923c859f6b8a90b6a633df6",
            signature: "960fff42961146137f1a0a0c96e751d78084dc83",
        },
        Vector {
            name: "V8 acl",
            key: SDK_KEY,
            request: ("GET", "/exampleobject?acl", &[COS_HOST]),
            time: SDK_TIME,
            lists: ("host", "acl"),
            format_string: "get\n/exampleobject\nacl=\nhost=examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com\n",
            sha1: "b59116a0171b736f813e0f1bf3cf3d420bdffeb6",
            signature: "62d835228d716b6893be2fc6694545f3a91bafbf",
        },
        Vector {
            name: "V8 uploads",
            key: SDK_KEY,
            request: (
                "POST",
                "/dir/big.bin?uploads=",
                &[
                    COS_HOST,
                    ("Content-Length", "0"),
                    ("Content-Type", "application/octet-stream"),
                    ("x-cos-storage-class", "STANDARD_IA"),
                ],
            ),
            time: SDK_TIME,
            lists: ("content-length;content-type;host;x-cos-storage-class", "uploads"),
            format_string: "post\n/dir/big.bin\nuploads=\ncontent-length=0&content-type=application%2Foctet-stream&host=examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com&x-cos-storage-class=STANDARD_IA\n",
            sha1: "7f17060f409b64b0cba9368f6c3048581e83dc37",
            signature: "9ca49f7424452397acc87e7e45370eeb7d7a921c",
        },
        Vector {
            name: "V8 service",
            key: SDK_KEY,
            request: ("GET", "/?marker=&max-keys=2000", &[("Host", "service.cos.myqcloud.com")]),
            time: SDK_TIME,
            lists: ("host", ""),
            format_string: "get\n/\n\nhost=service.cos.myqcloud.com\n",
            sha1: "d30707fbf382300ebb956b1c1c20b61ef5b256a0",
            signature: "57f9b9f9ca51d0945bbc99f80cef1246f7e4e135",
        },
        Vector {
            name: "V9",
            key: SDK_KEY,
            request: ("HEAD", "/exampleobject", &[COS_HOST, ("x-cos-security-token", "TOKENtokenTOKEN==")]),
            time: SDK_TIME,
            lists: ("host;x-cos-security-token", ""),
            format_string: "head\n/exampleobject\n\nhost=examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com&x-cos-security-token=TOKENtokenTOKEN%3D%3D\n",
            sha1: "f41d5cd4b7551cb5b5cc3cbcaf42e4950fe28711",
            signature: "1cfa6bd0fc2a0d3bb0ffe228e5b1c65d44af14d3",
        },
        Vector {
            name: "V10",
            key: SDK_KEY,
            request: (
                "GET",
                "/%E7%9B%AE%E5%BD%95/a%20b.txt?response-content-disposition=attachment%3B+filename%3D%22a+b.txt%22",
                &[COS_HOST],
            ),
            time: PRESIGNED_TIME,
            lists: ("host", "response-content-disposition"),
            format_string: "get\n/目录/a b.txt\nresponse-content-disposition=attachment%3B%20filename%3D%22a%20b.txt%22\nhost=examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com\n",
            sha1: "00627e8fc352a25a979d2d7d92be12097d7d0fbb",
            signature: "ce3b5139a7de7e02770f9cf3f2984e5826013f27",
        },
        Vector {
            name: "V11",
            key: SDK_KEY,
            request: (
                "PUT",
                "/exampleobject?x-cos-security-token=TOKENtokenTOKEN%3D%3D",
                &[COS_HOST, ("Content-Type", "image/png")],
            ),
            time: PRESIGNED_TIME,
            lists: ("content-type;host", "x-cos-security-token"),
            format_string: "put\n/exampleobject\nx-cos-security-token=TOKENtokenTOKEN%3D%3D\ncontent-type=image%2Fpng&host=examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com\n",
            sha1: "3ec4fb06aecfe5cf9cbc74081db9090d341297fc",
            signature: "e2844bbc467471f5074fe9d2d9ed7cf78472c468",
        },
    ];

    /// `cas.md` 2.3.
    const CAS_VECTORS: &[Vector] = &[
        Vector {
            name: "S1",
            key: CAS_KEY,
            request: ("GET", "/-/vaults?limit=2", &[CAS_HOST]),
            time: "1480932292;1481012292",
            lists: ("host", "limit"),
            format_string: "get\n/-/vaults\nlimit=2\nhost=cas.ap-chengdu.myqcloud.com\n",
            sha1: "2b42b36feac211158adccd2e0e7ad785449bff71",
            signature: "4a4abfa50f24be3f69550452261ba57ff8876658",
        },
        Vector {
            name: "S2",
            key: CAS_KEY,
            request: (
                "GET",
                "/1250000000/vaults?limit=1000&marker=qcs:id/0:cas:ap-chengdu:uid/1250000000:vaults/My_Vault.1",
                &[CAS_HOST],
            ),
            time: "1500000000;1500001200",
            lists: ("host", "limit;marker"),
            format_string: "get\n/1250000000/vaults\nlimit=1000&marker=qcs%3Aid%2F0%3Acas%3Aap-chengdu%3Auid%2F1250000000%3Avaults%2Fmy_vault.1\nhost=cas.ap-chengdu.myqcloud.com\n",
            sha1: "fd22d9a249f76f63317a6aae53707ff2933172e3",
            signature: "962faf22419012be93281bec9551dfb2b4c1bd74",
        },
        Vector {
            name: "S3",
            key: CAS_KEY,
            request: ("PUT", "/-/vaults/example", &[CAS_HOST]),
            time: "1480932292;1481012292",
            lists: ("host", ""),
            format_string: "put\n/-/vaults/example\n\nhost=cas.ap-chengdu.myqcloud.com\n",
            sha1: "1b5fdaae0e441958e4d6f647dad3fd2595156d3d",
            signature: "8c9ee8480121d1a8c7ec27d66a3f13df1b6f5dad",
        },
        Vector {
            name: "S4",
            key: CAS_KEY,
            request: (
                "PUT",
                "/1250000000/vaults/example/multipart-uploads/UPLOADID_abc-123",
                &[
                    CAS_HOST,
                    ("Content-Length", "1048576"),
                    ("x-cas-content-sha256", ONE_MIB_HASH),
                    ("x-cas-sha256-tree-hash", ONE_MIB_HASH),
                ],
            ),
            time: "1500000000;1500001200",
            lists: ("content-length;host;x-cas-content-sha256;x-cas-sha256-tree-hash", ""),
            format_string: "put\n/1250000000/vaults/example/multipart-uploads/UPLOADID_abc-123\n\ncontent-length=1048576&host=cas.ap-chengdu.myqcloud.com&x-cas-content-sha256=1c59b8670027384143781a8a8bff2f3b44bd8818d0f53b13b064c2375a1afe38&x-cas-sha256-tree-hash=1c59b8670027384143781a8a8bff2f3b44bd8818d0f53b13b064c2375a1afe38\n",
            sha1: "b64eb9491744cb0865d0dd6d57a9868f64a1066d",
            signature: "6e07cacf094f58c6723d03b9fb340b770029d3c1",
        },
        Vector {
            name: "S5",
            key: CAS_KEY,
            request: (
                "POST",
                "/1250000000/vaults/example/archives",
                &[
                    CAS_HOST,
                    ("Content-Length", "1"),
                    ("x-cas-content-sha256", ONE_BYTE_HASH),
                    ("x-cas-sha256-tree-hash", ONE_BYTE_HASH),
                    ("x-cas-archive-description", "my file ~ (v1)*+/=& 100%.txt"),
                ],
            ),
            time: "1500000000;1500001200",
            lists: (
                "content-length;host;x-cas-archive-description;x-cas-content-sha256;x-cas-sha256-tree-hash",
                "",
            ),
            format_string: "post\n/1250000000/vaults/example/archives\n\ncontent-length=1&host=cas.ap-chengdu.myqcloud.com&x-cas-archive-description=my%20file%20~%20%28v1%29%2A%2B%2F%3D%26%20100%25.txt&x-cas-content-sha256=ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879&x-cas-sha256-tree-hash=ca358758f6d27e6cf45272937977a748fd88391db679ceda7dc7bf1f005ee879\n",
            sha1: "f1dd30c852fa658c9ce6a65c543008a14e55e3a2",
            signature: "b2a1f859f8469d62d1d39aa0660c3ab04dfae7c4",
        },
        Vector {
            name: "S6",
            key: CAS_KEY,
            request: ("GET", "/-/vaults", &[CAS_HOST]),
            time: "1500000000;1500003600",
            lists: ("", ""),
            format_string: "get\n/-/vaults\n\n\n",
            sha1: "29d40a379b39e3bbb081727cf28f2058781a733a",
            signature: "f636b5f3e7a564ad6ada201ee89b72d5a9823be0",
        },
    ];

    fn credentials(key: &str) -> Credentials {
        Credentials::from([("AKID".to_owned(), Secret { key: key.to_owned(), token: None, uin: None })])
    }

    fn signed_path(head: &Head, form: ParameterForm) -> String {
        match form {
            ParameterForm::KeepCase => head.decoded_path().unwrap(),
            ParameterForm::LowerCase => head.path.clone(),
        }
    }

    fn authorization(vector: &Vector, signature: &str) -> String {
        format!(
            "q-sign-algorithm=sha1&q-ak=AKID&q-sign-time={0}&q-key-time={0}&q-header-list={1}&q-url-param-list={2}&q-signature={signature}",
            vector.time, vector.lists.0, vector.lists.1
        )
    }

    fn within(vector: &Vector) -> Timestamp {
        window(vector.time).unwrap().0.plus(Duration::from_secs(60))
    }

    fn check_vector(vector: &Vector, lines: &[(&str, &str)], target: &str, form: ParameterForm) -> Verdict {
        let head = head(vector.request.0, target, lines);
        let path = signed_path(&head, form);
        check(&head, &path, &credentials(vector.key), AuthMode::Strict, form, within(vector))
    }

    #[test]
    fn every_vector_is_valid_and_yields_its_format_string() {
        let all = COS_VECTORS.iter().map(|vector| (vector, ParameterForm::KeepCase));
        let all = all.chain(CAS_VECTORS.iter().map(|vector| (vector, ParameterForm::LowerCase)));
        for (vector, form) in all {
            let right = authorization(vector, vector.signature);
            let lines = [vector.request.2, &[("Authorization", right.as_str())]].concat();
            assert_eq!(
                check_vector(vector, &lines, vector.request.1, form),
                Verdict::Valid,
                "{}",
                vector.name
            );

            let wrong = authorization(vector, "0000000000000000000000000000000000000000");
            let lines = [vector.request.2, &[("Authorization", wrong.as_str())]].concat();
            let Verdict::Refused(Refusal::Mismatch { string_to_sign, format_string }) =
                check_vector(vector, &lines, vector.request.1, form)
            else {
                panic!("{}: a wrong signature passed", vector.name);
            };
            assert_eq!(format_string, vector.format_string, "{}", vector.name);
            assert_eq!(
                string_to_sign,
                format!("sha1\n{}\n{}\n", vector.time, vector.sha1),
                "{}",
                vector.name
            );
        }
    }

    /// V3, and the sign keys that the reference prints.
    #[test]
    fn the_policy_vector_and_the_sign_keys() {
        let key = |secret: &str, time: &str| hmac_sha1_hex(secret.as_bytes(), time.as_bytes());
        assert_eq!(key(DOC_KEY, "1557989151;1557996351"), "eb2519b498b02ac213cb1f3d1a3d27a3b3c9bc5f");
        assert_eq!(key(DOC_KEY, "1557989753;1557996953"), "937914bf490e9e8c189836aad2052e4feeb35eaf");
        assert_eq!(key(SDK_KEY, SDK_TIME), "365dd27525fe47a3ef41d602c639e3852dc26f34");
        assert_eq!(key(SDK_KEY, PRESIGNED_TIME), "3dacf06474fbd6c2fd7c0ee2b71550f7fba41943");
        assert_eq!(key(CAS_KEY, "1480932292;1481012292"), "b13ed78327132308b2cce8d558f72ff2f21d40d8");
        assert_eq!(key(CAS_KEY, "1500000000;1500001200"), "71d80b804872f4885744a01de9dd604c1c8cf77d");
        assert_eq!(key(CAS_KEY, "1500000000;1500003600"), "72f9e9b98b6f69285b4c5c80ee2dbf7e2481d556");
        let sign_key = key(DOC_KEY, "1567150692;1567157892");
        assert_eq!(sign_key, "39acc8c9f34ba5b19bce4e965b370cd3f62d2fba");

        let policy = include_str!("../tests/vectors/cos-post-policy.json");
        assert_eq!(policy.len(), 555);
        let string_to_sign = digest::sha1(policy.as_bytes()).to_string();
        assert_eq!(string_to_sign, "d5d903b8360468bc81c1311f134989bc8c8b5b89");
        assert_eq!(
            hmac_sha1_hex(sign_key.as_bytes(), string_to_sign.as_bytes()),
            "7758dc9a832e9d301dca704cacbf9d9f8172fdef"
        );
    }

    #[test]
    fn a_presigned_url_verifies_in_each_of_its_forms() {
        let vector = COS_VECTORS.iter().find(|vector| vector.name == "V10").unwrap();
        let text = authorization(vector, vector.signature);
        let raw = format!("{}&{text}", vector.request.1);
        let encoded = raw.replace(';', "%3B");
        let merged = format!("{}&sign={}", vector.request.1, utf8_percent_encode(&text, NON_ALPHANUMERIC));
        for target in [raw, encoded, merged] {
            let verdict = check_vector(vector, vector.request.2, &target, ParameterForm::KeepCase);
            assert_eq!(verdict, Verdict::Valid, "{target}");
        }
    }

    #[test]
    fn lists_may_be_encoded_in_lower_case_or_keep_their_capitals() {
        let vector = COS_VECTORS.iter().find(|vector| vector.name == "V6").unwrap();
        for list in ["partNumber;uploadId", "partnumber%3buploadid", "uploadid;partnumber"] {
            let text = authorization(vector, vector.signature).replace("partnumber;uploadid", list);
            let lines = [vector.request.2, &[("Authorization", text.as_str())]].concat();
            let verdict = check_vector(vector, &lines, vector.request.1, ParameterForm::KeepCase);
            assert_eq!(verdict, Verdict::Valid, "{list}");
        }
    }

    #[test]
    fn the_signed_host_may_have_the_port_or_lack_it_or_be_the_second() {
        let sign = |host: &str| {
            let format_string = format!("get\n/k\n\nhost={}\n", encode(host.as_bytes()));
            let to_sign = format!("sha1\n{SDK_TIME}\n{}\n", digest::sha1(format_string.as_bytes()));
            let key = hmac_sha1_hex(SDK_KEY.as_bytes(), SDK_TIME.as_bytes());
            let signature = hmac_sha1_hex(key.as_bytes(), to_sign.as_bytes());
            format!(
                "q-sign-algorithm=sha1&q-ak=AKID&q-sign-time={SDK_TIME}&q-key-time={SDK_TIME}&q-header-list=host&q-url-param-list=&q-signature={signature}"
            )
        };
        let now = Timestamp::from_unix_seconds(1_700_000_060);
        let verdict = |hosts: &[&str], signed: &str| {
            let authorization = sign(signed);
            let mut lines: Vec<_> = hosts.iter().map(|host| ("Host", *host)).collect();
            lines.push(("Authorization", &authorization));
            let head = head("GET", "/k", &lines);
            check(&head, "/k", &credentials(SDK_KEY), AuthMode::Check, ParameterForm::KeepCase, now)
        };
        assert_eq!(verdict(&["127.0.0.1:3077"], "127.0.0.1:3077"), Verdict::Valid);
        assert_eq!(verdict(&["127.0.0.1:3077"], "127.0.0.1"), Verdict::Valid);
        assert_eq!(verdict(&["127.0.0.1:3077", "localhost"], "localhost"), Verdict::Valid);
        assert!(matches!(
            verdict(&["127.0.0.1:3077"], "10.0.0.1"),
            Verdict::Refused(Refusal::Mismatch { .. })
        ));
    }

    #[test]
    fn the_window_must_contain_now_with_some_skew_at_its_start() {
        let vector = &COS_VECTORS[4];
        let text = authorization(vector, vector.signature);
        let lines = [vector.request.2, &[("Authorization", text.as_str())]].concat();
        let head = head(vector.request.0, vector.request.1, &lines);
        let at = |seconds| {
            let now = Timestamp::from_unix_seconds(seconds);
            check(&head, "/dir/big.bin", &credentials(SDK_KEY), AuthMode::Check, ParameterForm::KeepCase, now)
        };
        assert_eq!(at(1_700_010_060), Verdict::Valid);
        assert_eq!(at(1_700_010_061), Verdict::Refused(Refusal::Expired));
        assert_eq!(at(1_700_000_000 - 900), Verdict::Valid);
        assert_eq!(at(1_700_000_000 - 901), Verdict::Refused(Refusal::Skewed));
    }

    #[test]
    fn a_date_more_than_15_minutes_off_is_skewed() {
        let vector = &COS_VECTORS[4];
        let text = authorization(vector, vector.signature);
        let now = 1_700_000_060;
        let verdict = |date: i64| {
            let date = Timestamp::from_unix_seconds(date).rfc1123();
            let signed = [("Authorization", text.as_str()), ("Date", date.as_str())];
            let head = head(vector.request.0, vector.request.1, &[vector.request.2, &signed].concat());
            let (credentials, now) = (credentials(SDK_KEY), Timestamp::from_unix_seconds(now));
            check(&head, "/dir/big.bin", &credentials, AuthMode::Check, ParameterForm::KeepCase, now)
        };
        for off in [-900, 0, 900] {
            assert_eq!(verdict(now + off), Verdict::Valid, "{off}");
        }
        for off in [-901, 901] {
            assert_eq!(verdict(now + off), Verdict::Refused(Refusal::Skewed), "{off}");
        }
    }

    #[test]
    fn the_mode_decides_what_happens_to_the_unsigned_and_the_unknown() {
        let now = Timestamp::from_unix_seconds(1_700_000_060);
        let vector = &COS_VECTORS[4];
        let text = authorization(vector, vector.signature);
        let verdict = |lines: &[(&str, &str)], mode| {
            let head = head("GET", "/", lines);
            check(&head, "/", &Credentials::new(), mode, ParameterForm::KeepCase, now)
        };
        let signed = [("Authorization", text.as_str())];
        assert_eq!(verdict(&signed, AuthMode::Off), Verdict::NotChecked);
        assert_eq!(verdict(&signed, AuthMode::Check), Verdict::UnknownKey);
        assert_eq!(verdict(&signed, AuthMode::Strict), Verdict::Refused(Refusal::UnknownKey));
        assert_eq!(verdict(&[], AuthMode::Check), Verdict::None);
        assert_eq!(verdict(&[], AuthMode::Strict), Verdict::Refused(Refusal::Missing));
        assert_eq!(verdict(&[("Authorization", "AWS4-HMAC-SHA256 x")], AuthMode::Check), Verdict::None);
    }

    #[test]
    fn a_temporary_credential_needs_its_token() {
        let vector = COS_VECTORS.iter().find(|vector| vector.name == "V9").unwrap();
        let text = authorization(vector, vector.signature);
        let lines = [vector.request.2, &[("Authorization", text.as_str())]].concat();
        let head = head(vector.request.0, vector.request.1, &lines);
        let with_token = |token: &str| {
            let secret = Secret { key: vector.key.to_owned(), token: Some(token.to_owned()), uin: None };
            let known = Credentials::from([("AKID".to_owned(), secret)]);
            check(&head, "/exampleobject", &known, AuthMode::Check, ParameterForm::KeepCase, within(vector))
        };
        assert_eq!(with_token("TOKENtokenTOKEN=="), Verdict::Valid);
        assert_eq!(with_token("another"), Verdict::Refused(Refusal::WrongToken));
    }

    #[test]
    fn hostile_signatures_are_refused_by_name_and_never_panic() {
        let vector = &COS_VECTORS[4];
        let good = authorization(vector, vector.signature);
        let now = within(vector);
        let verdict = |text: &str| {
            let lines = [vector.request.2, &[("Authorization", text)]].concat();
            let head = head(vector.request.0, vector.request.1, &lines);
            check(&head, "/dir/big.bin", &credentials(SDK_KEY), AuthMode::Check, ParameterForm::KeepCase, now)
        };
        for field in ["q-sign-time", "q-key-time", "q-header-list", "q-url-param-list", "q-signature"] {
            let without = good.replace(field, "q-other");
            assert_eq!(verdict(&without), Verdict::Refused(Refusal::Malformed(field)), "{field}");
        }
        for time in ["", ";", "1;", ";1", "a;b", "1700000000", "99999999999999999999;1"] {
            let text = good.replace("q-sign-time=1700000000;1700010060", &format!("q-sign-time={time}"));
            assert_eq!(verdict(&text), Verdict::Refused(Refusal::Malformed("q-sign-time")), "{time}");
        }
        // Every prefix of a good signature, and every byte of it replaced.
        for end in 0..good.len() {
            assert_ne!(verdict(&good[..end]), Verdict::Valid, "{}", &good[..end]);
            for other in ["%", "&", "=", ";", "é"] {
                let mut text = good.clone();
                text.replace_range(end..end + 1, other);
                let _ = verdict(&text);
            }
        }
    }

    #[test]
    fn a_repeated_header_is_signed_value_by_value() {
        let head = head("GET", "/", &[("x-cos-meta-a", "2"), ("x-cos-meta-a", "1")]);
        let listed = names("x-cos-meta-a;x-cos-meta-a");
        assert_eq!(headers(&head, &listed, "", EmptyValue::WithEquals), "x-cos-meta-a=1&x-cos-meta-a=2");
    }

    #[test]
    fn ports_are_taken_off_hosts() {
        assert_eq!(without_port("127.0.0.1:3077"), "127.0.0.1");
        assert_eq!(without_port("localhost"), "localhost");
        assert_eq!(without_port("[::1]:80"), "[::1]");
        assert_eq!(without_port("host:"), "host:");
    }

    /// The official CAS client signs an empty tree hash, of an empty file, as a name alone.
    #[test]
    fn a_header_without_value_is_signed_with_or_without_an_equals_sign_by_clients_of_cas() {
        let secret = Secret { key: "k".to_owned(), token: None, uin: None };
        let time = "100;200";
        let verdict = |line: &str, form: ParameterForm| {
            let key = hmac_sha1_hex(b"k", time.as_bytes());
            let request = format!("post\n/-/vaults/v/archives\n\n{line}\n");
            let text = format!("sha1\n{time}\n{}\n", digest::sha1(request.as_bytes()));
            let signature = hmac_sha1_hex(key.as_bytes(), text.as_bytes());
            let authorization = format!(
                "q-sign-algorithm=sha1&q-ak=a&q-sign-time={time}&q-key-time={time}&q-header-list=x-cas-sha256-tree-hash&q-url-param-list=&q-signature={signature}"
            );
            let lines = [("x-cas-sha256-tree-hash", ""), ("Authorization", authorization.as_str())];
            let head = head("POST", "/-/vaults/v/archives", &lines);
            let credentials = Credentials::from([("a".to_owned(), secret.clone())]);
            let now = Timestamp::from_unix_seconds(150);
            check(&head, "/-/vaults/v/archives", &credentials, AuthMode::Strict, form, now)
        };
        for line in ["x-cas-sha256-tree-hash", "x-cas-sha256-tree-hash="] {
            assert_eq!(verdict(line, ParameterForm::LowerCase), Verdict::Valid, "{line}");
        }
        assert!(matches!(verdict("x-cas-sha256-tree-hash", ParameterForm::KeepCase), Verdict::Refused(_)));
    }
}
