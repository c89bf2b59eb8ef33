//! What COS answers when a signature is refused.
//!
//! Source: `cos.md` 3.4 and 4.2.

use super::error::Error;
use crate::clock::Timestamp;
use crate::code::CosCode;
use crate::signature::Refusal;

/// The error for a refused signature.
pub fn refusal(refusal: &Refusal, now: Timestamp) -> Error {
    match refusal {
        Refusal::Missing => Error::new(CosCode::AccessDenied),
        Refusal::UnknownKey | Refusal::WrongToken => Error::new(CosCode::InvalidAccessKeyId),
        Refusal::Malformed(field) => {
            Error::new(CosCode::AccessDenied).because(format_args!("{field} is missing or malformed"))
        }
        Refusal::Expired => Error::new(CosCode::AccessDenied).saying("Request has expired"),
        // The Node SDK sets its clock by this, or by the header `Date`.
        Refusal::Skewed => {
            Error::new(CosCode::RequestTimeTooSkewed).with_element("ServerTime", now.iso_seconds())
        }
        Refusal::Mismatch { string_to_sign, format_string } => Error::new(CosCode::SignatureDoesNotMatch)
            .with_element("StringToSign", string_to_sign)
            .with_element("FormatString", format_string),
    }
}
