//! The status line and the header lines of an answer, exactly as given.
//!
//! Names keep their spelling: real clients break on `etag` or `Etag` in the place of `ETag` (`clients.md` 1.1).

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Method};

use crate::content::Content;
use crate::message::{Reply, Version, reason};

/// A header line.
pub type Line = (Cow<'static, str>, HeaderValue);

/// What an answer says about its connection, and what is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// It can be used again.
    KeepAlive,
    /// It ends behind the answer.
    Close,
}

/// What the head of an answer depends on beside the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    /// The version of the request.
    pub version: Version,
    /// Whether the request was HEAD: the answer has the lines of GET and no body.
    pub is_head_request: bool,
    /// What the answer says about the connection.
    pub connection: Connection,
    /// What is done with it.
    pub kept: Connection,
    /// Whether it could be kept: the request was read to its end.
    pub can_be_kept: bool,
}

impl Framing {
    /// The framing of the answer to a request of that method and version.
    pub fn new(method: &Method, version: Version, connection: Connection) -> Self {
        let kept = connection == Connection::KeepAlive;
        Framing {
            version,
            is_head_request: method == Method::HEAD,
            connection,
            kept: connection,
            can_be_kept: kept,
        }
    }

    /// Whether the answer may have a body at all.
    pub fn allows_body(&self, status: u16) -> bool {
        !self.is_head_request && !matches!(status, 204 | 304)
    }

    /// The bytes that follow the head.
    pub fn body_of(&self, reply: &Reply) -> Content {
        if self.allows_body(reply.status) { reply.body.clone() } else { Content::default() }
    }

    /// What `Content-Length` says; `None` for answers that have no such line.
    pub fn content_length(&self, reply: &Reply) -> Option<u64> {
        match reply.status {
            204 => None,
            // The service says so, and the Python SDK takes an answer without a length for cut off.
            304 => Some(0),
            // HEAD shows the length of an object, but an error has none.
            _ if self.is_head_request && !reply.is_success() => Some(0),
            _ => Some(reply.body.len()),
        }
    }
}

/// All header lines of an answer in the order in which the services write them: `Content-Type`, `Content-Length`,
/// `Connection`, then the others.
pub fn lines(reply: &Reply, framing: &Framing) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::with_capacity(reply.headers.len() + 2);
    let (first, others) = match reply.headers.split_first() {
        Some((first, others)) if first.0.eq_ignore_ascii_case("content-type") => (Some(first), others),
        _ => (None, reply.headers.as_slice()),
    };
    lines.extend(first.cloned());
    if let Some(length) = framing.content_length(reply) {
        lines.push(("Content-Length".into(), length.into()));
    }
    let connection = match framing.connection {
        Connection::KeepAlive => "keep-alive",
        Connection::Close => "close",
    };
    lines.push(("Connection".into(), HeaderValue::from_static(connection)));
    lines.extend(others.iter().cloned());
    lines
}

/// The bytes of a head.
pub fn encode(version: Version, status: u16, lines: &[Line]) -> Bytes {
    let mut bytes = Vec::with_capacity(64 + lines.len() * 48);
    bytes.extend_from_slice(format!("{} {status} {}\r\n", version.name(), reason(status)).as_bytes());
    for (name, value) in lines {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.into()
}

/// The length of a head in bytes.
pub fn encoded_len(version: Version, status: u16, lines: &[Line]) -> u64 {
    let status_line = version.name().len() + " 200 \r\n".len() + reason(status).len();
    let lines = lines.iter().map(|(name, value)| name.len() + value.len() + ": \r\n".len()).sum::<usize>();
    (status_line + lines + "\r\n".len()) as u64
}

/// The interim answer to `Expect: 100-continue`.
pub const CONTINUE: Bytes = Bytes::from_static(b"HTTP/1.1 100 Continue\r\n\r\n");

/// Every header name that an undisturbed answer can have, in its spelling: hyper is taught from this list.
pub const SPELLINGS: &[&str] = &[
    "Accept-Ranges",
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
    "Access-Control-Max-Age",
    "Cache-Control",
    "Connection",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Date",
    "ETag",
    "Expires",
    "Last-Modified",
    "Location",
    "Retry-After",
    "Server",
    "Vary",
    "x-cas-archive-id",
    "x-cas-content-sha256",
    "x-cas-job-id",
    "x-cas-multipart-upload-id",
    "x-cas-requestId",
    "x-cas-sha256-tree-hash",
    "x-cos-server-side-encryption-customer-key-MD5",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn text(reply: &Reply, framing: &Framing) -> String {
        String::from_utf8(encode(framing.version, reply.status, &lines(reply, framing)).to_vec()).unwrap()
    }

    fn get() -> Framing {
        Framing::new(&Method::GET, Version::Http11, Connection::KeepAlive)
    }

    #[test]
    fn a_head_has_its_lines_in_the_order_of_the_service() {
        let reply = Reply::new(200)
            .with("Content-Type", "application/xml")
            .with("Date", "D")
            .with("ETag", "\"e\"")
            .with_body(b"abc".to_vec());
        assert_eq!(
            text(&reply, &get()),
            "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\
             Date: D\r\nETag: \"e\"\r\n\r\n"
        );
        let length = encoded_len(Version::Http11, 200, &lines(&reply, &get()));
        assert_eq!(length, text(&reply, &get()).len() as u64);
    }

    #[test]
    fn lengths_follow_status_and_method() {
        let of = |status, method: &Method| {
            let reply = Reply::new(status).with_body(b"abc".to_vec());
            let framing = Framing::new(method, Version::Http11, Connection::Close);
            (framing.content_length(&reply), framing.body_of(&reply).len())
        };
        assert_eq!(of(200, &Method::GET), (Some(3), 3));
        assert_eq!(of(404, &Method::GET), (Some(3), 3));
        assert_eq!(of(204, &Method::DELETE), (None, 0));
        assert_eq!(of(304, &Method::GET), (Some(0), 0));
        assert_eq!(of(200, &Method::HEAD), (Some(3), 0));
        assert_eq!(of(404, &Method::HEAD), (Some(0), 0));
    }

    #[test]
    fn the_version_is_that_of_the_request() {
        let framing = Framing { version: Version::Http10, ..get() };
        assert!(text(&Reply::new(404), &framing).starts_with("HTTP/1.0 404 Not Found\r\n"));
    }
}
