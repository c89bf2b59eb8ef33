//! Errors of COS and their XML document.
//!
//! A handler says which code, and why in this case; status and text come from the table in `crate::code`.
//!
//! Source: COS API, "Error codes" (`cos.md` 4.1, 4.2). Clients need all of `Code`, `Message`, `Resource` and
//! `RequestId`, non-empty and not nested.

use std::fmt;

use super::xml;
use crate::code::CosCode;
use crate::message::{BodyError, Context, Head, Reply};
use crate::signature::without_port;

/// An error that COS answers with.
#[derive(Debug, Clone)]
pub struct Error {
    code: CosCode,
    message: Option<String>,
    /// Elements that some codes have between `Message` and `Resource`.
    extra: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
}

impl Error {
    /// The error of that code with its usual message.
    pub fn new(code: CosCode) -> Self {
        Error { code, message: None, extra: Vec::new(), headers: Vec::new() }
    }

    /// `501 NotImplemented` for something that cos-emu does not emulate; `what` names it.
    pub fn not_implemented(what: impl fmt::Display) -> Self {
        Error::new(CosCode::NotImplemented).saying(format!("cos-emu does not emulate {what}."))
    }

    /// Puts another message in the place of the usual one.
    pub fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Adds to the usual message what is wrong in this case.
    pub fn because(self, reason: impl fmt::Display) -> Self {
        let message = format!("{} ({reason})", self.code.message());
        self.saying(message)
    }

    /// Adds an element between `Message` and `Resource`.
    pub fn with_element(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.extra.push((name, text.into()));
        self
    }

    /// Adds a header line to the answer.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The code.
    pub fn code(&self) -> CosCode {
        self.code
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.code.status()
    }

    /// The message.
    pub fn message(&self) -> &str {
        self.message.as_deref().unwrap_or(self.code.message())
    }

    /// The answer with this error.
    pub fn into_reply(self, head: &Head, context: &Context<'_>) -> Reply {
        let mut reply = document(self.code.name(), self.status(), self.message(), &self.extra, head, context);
        for (name, value) in self.headers {
            reply.push(name, value);
        }
        reply
    }
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Incomplete => Error::new(CosCode::IncompleteBody),
            BodyError::Stalled => Error::new(CosCode::RequestTimeout),
            BodyError::TooLarge => Error::new(CosCode::EntityTooLarge),
            BodyError::Malformed => Error::new(CosCode::InvalidRequest).because(error),
            BodyError::OutOfMemory | BodyError::CannotSpill { .. } => {
                Error::new(CosCode::ServiceUnavailable).because(error)
            }
        }
    }
}

/// An error answer with any code, status and message: what scenarios ask for.
pub fn document(
    code: &str,
    status: u16,
    message: &str,
    extra: &[(&'static str, String)],
    head: &Head,
    context: &Context<'_>,
) -> Reply {
    let trace_id = context.identity.cos_trace_id();
    let body = xml::document("Error", |error| {
        error.text("Code", code);
        error.message("Message", message);
        for (name, text) in extra {
            error.text(name, text);
        }
        error.message("Resource", resource(head));
        error.text("RequestId", context.identity.cos_request_id());
        error.text("TraceId", &trace_id);
    });
    let mut reply = Reply::new(status).with("Content-Type", "application/xml").with_body(body);
    reply.push("x-cos-trace-id", trace_id);
    reply.code = Some(code.to_owned().into());
    reply
}

/// `<host>/<key>`, never empty.
fn resource(head: &Head) -> String {
    let path = head.decoded_path().unwrap_or_else(|_| head.path.clone());
    format!("{}{path}", without_port(head.host()))
}
