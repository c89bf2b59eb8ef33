//! Errors of CAS and their JSON document.
//!
//! Source: CAS API, "Error codes" (`cas.md` 6); the layout is that of jsoncpp's styled writer (`cas.md` 1.6).

use std::fmt;

use serde_json::Value;

use super::json;
use crate::code::CasCode;
use crate::message::{BodyError, Reply};

/// An error that CAS answers with.
#[derive(Debug, Clone)]
pub struct Error {
    code: CasCode,
    message: Option<String>,
}

impl Error {
    /// The error of that code with its usual message.
    pub fn new(code: CasCode) -> Self {
        Error { code, message: None }
    }

    /// Puts another message in the place of the usual one.
    pub fn saying(self, message: impl fmt::Display) -> Self {
        Error { message: Some(message.to_string()), ..self }
    }

    /// `400 InvalidParameterValueException`, the code for most of what can be wrong.
    pub fn invalid(message: impl fmt::Display) -> Self {
        Error::new(CasCode::InvalidParameterValueException).saying(message)
    }

    /// `400 MissingParameterValueException` for a required header.
    pub fn missing(name: &str) -> Self {
        Error::new(CasCode::MissingParameterValueException)
            .saying(format_args!("Required parameter missing: {name}"))
    }

    /// `404 ResourceNotFoundException`.
    pub fn not_found(kind: &str, name: &str) -> Self {
        Error::new(CasCode::ResourceNotFoundException).saying(format_args!("{kind} not found: {name}"))
    }

    /// The code.
    #[cfg(test)]
    pub fn code(&self) -> CasCode {
        self.code
    }

    /// The answer with this error.
    pub fn into_reply(self) -> Reply {
        let message = self.message.as_deref().unwrap_or(self.code.message());
        document(self.code.name(), self.code.status(), message, None)
    }
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Incomplete | BodyError::Malformed => Error::new(CasCode::BadRequest).saying(error),
            BodyError::Stalled => Error::new(CasCode::RequestTimeoutException),
            BodyError::TooLarge => Error::invalid(error),
            BodyError::OutOfMemory | BodyError::CannotSpill { .. } => {
                Error::new(CasCode::ServiceUnavailableException).saying(error)
            }
        }
    }
}

/// An error answer with any code, status and message: what scenarios ask for. Without a `kind` the error's `type`
/// follows from the status.
pub fn document(code: &str, status: u16, message: &str, kind: Option<&str>) -> Reply {
    let kind = kind.unwrap_or(if status >= 500 { "Server" } else { "Client" });
    let body = json::styled(&Value::from_iter([("code", code), ("message", message), ("type", kind)]));
    let mut reply = Reply::new(status).with("Content-Type", "application/json").with_body(body);
    reply.code = Some(code.to_owned().into());
    reply
}
