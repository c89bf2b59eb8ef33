//! What cannot be read as a request: the answer in the service's format, and the journal's entry.
//!
//! hyper has the bytes only as long as they make sense, so what they were about is guessed from the first of them.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, header};

use super::Shell;
use super::connection::Link;
use super::route::service_of;
use crate::chance::Identity;
use crate::code::{CasCode, CosCode};
use crate::digest::key_of;
use crate::journal::{Answer, Ended, Entry, Said};
use crate::message::{Context, Head, Query, Version};
use crate::operation::{Names, Service};
use crate::wire::head::{Connection, Framing, encode, lines};
use crate::wire::script::{End, Script};
use crate::{cas, cos};

/// The answer to what hyper could not read, or what did not come in time.
pub(super) fn answer(error: &hyper::Error, bytes: &[u8], shell: &Shell, link: &Arc<Link>) -> Script {
    let of_port = link.claimed.as_deref().and_then(|id| shell.worlds().find(id));
    let world = of_port.unwrap_or_else(|| shell.world());
    let head = guess(bytes);
    let service = service_of(&head);
    let now = world.now();
    let request = link.next_request();
    let identity =
        Identity::new(world.seed, key_of(&["malformed", &link.number.to_string()]), request as u32);
    let context = Context::of_owner(now, identity, &world.account);
    let reason =
        if error.is_parse() { error.to_string() } else { "the head did not arrive in time".to_owned() };
    let notes = vec![format!("the request could not be read: {reason}")];
    let reply = match service {
        Service::Cos => {
            let code = match () {
                () if !error.is_parse() => CosCode::RequestTimeout,
                () if error.is_parse_too_large() => CosCode::MaxMessageLengthExceeded,
                () if reason.contains("URI") => CosCode::InvalidURI,
                () => CosCode::InvalidRequest,
            };
            cos::refuse(cos::Error::new(code).because(&reason), &head, &context)
        }
        Service::Cas => {
            let code = if error.is_parse() { CasCode::BadRequest } else { CasCode::RequestTimeoutException };
            cas::refuse(cas::Error::new(code).saying(&reason), &context)
        }
    };
    let said = Said::of(&head, &Names::default(), service, None);
    let mut entry = Entry::new(said, link.number, request, now);
    entry.answer = Some(Answer {
        status: reply.status,
        code: reply.code.clone(),
        bytes: reply.body.len(),
        retry_after: None,
        announces_close: true,
    });
    entry.ended = Some(Ended::Close);
    entry.details().notes = notes;
    world.state().journal.begin(entry);
    let framing = Framing::new(&head.method, Version::Http11, Connection::Close);
    let head = encode(Version::Http11, reply.status, &lines(&reply, &framing));
    Script::write_then([head, framing.body_of(&reply).to_bytes()].concat().into(), End::Close)
}

/// What the first bytes of a request seem to say.
fn guess(bytes: &[u8]) -> Head {
    let text = String::from_utf8_lossy(bytes);
    let mut rows = text.lines();
    let mut words = rows.next().unwrap_or("").split(' ');
    let method = words.next().and_then(|word| word.parse().ok()).unwrap_or(Method::GET);
    let target = words.next().filter(|target| target.starts_with('/')).unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    for row in rows {
        if let Some((name, value)) = row.split_once(':')
            && name.eq_ignore_ascii_case("host")
            && let Ok(value) = HeaderValue::from_str(value.trim())
        {
            headers.append(header::HOST, value);
        }
    }
    Head {
        method,
        version: Version::Http11,
        authority: None,
        path: path.to_owned(),
        query: Query::parse(query),
        headers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_yields_a_head() {
        for bytes in
            [&b""[..], b"\0\0\0", b"\x16\x03\x01", b"GET", b"GET /a b c", b"\r\n\r\n", b"\xff\xfe", b": :"]
        {
            let head = guess(bytes);
            assert!(head.path.starts_with('/'), "{bytes:?}");
        }
        let head = guess(b"PUT /-/vaults/v?x=1 HTTP/1.1\r\nhost: cas.ap-x.myqcloud.com\r\nbroken");
        assert_eq!(
            (head.method.as_str(), head.path.as_str(), head.host()),
            ("PUT", "/-/vaults/v", "cas.ap-x.myqcloud.com")
        );
        assert_eq!(service_of(&head), Service::Cas);
    }
}
