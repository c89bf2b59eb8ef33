//! What CAS answers when a signature is refused.
//!
//! Source: `cas.md` 2.1, the last paragraph.

use super::error::Error;
use crate::code::CasCode;
use crate::signature::Refusal;

/// The error for a refused signature.
pub fn refusal(refusal: &Refusal) -> Error {
    match refusal {
        Refusal::Missing => Error::new(CasCode::MissingAuthenticationTokenException),
        Refusal::UnknownKey | Refusal::WrongToken => Error::new(CasCode::UnrecognizedClientException),
        Refusal::Malformed(field) => Error::new(CasCode::InvalidSignatureException)
            .saying(format_args!("The signature is malformed: {field} is missing or wrong.")),
        Refusal::Expired => {
            Error::new(CasCode::InvalidSignatureException).saying("The signature has expired.")
        }
        Refusal::Skewed => {
            Error::new(CasCode::InvalidSignatureException).saying("The signature is not valid yet.")
        }
        Refusal::Mismatch { string_to_sign, .. } => Error::new(CasCode::InvalidSignatureException)
            .saying(format_args!("The signature does not match. The server signed: {string_to_sign:?}")),
    }
}
