//! What is stored beside the bytes of an object: the metadata that the head of an upload carries.
//!
//! Source: COS API, "PUT Object" (`cos.md` 5.3.1, 12.2).

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

use super::{Call, Error, acl, configuration, encryption, tagging};
use crate::code::CosCode;
use crate::message::Head;
use crate::store::{HeaderLines, Metadata};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest key, in bytes of UTF-8.
const MAX_KEY_BYTES: usize = 850;
/// The largest sum of the names and values of user metadata, in bytes.
const MAX_USER_METADATA_BYTES: usize = 4 << 10;

/// Headers that are stored with an object and given back, as the service spells them.
const STORED_HEADERS: &[&str] = &[
    // First, as the service writes it.
    "Content-Type",
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Expires",
];

const STORAGE_CLASSES: &[&str] = &[
    "STANDARD",
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ARCHIVE",
    "DEEP_ARCHIVE",
    "COLD",
    "MAZ_STANDARD",
    "MAZ_STANDARD_IA",
    "MAZ_INTELLIGENT_TIERING",
    "MAZ_ARCHIVE",
    "MAZ_DEEP_ARCHIVE",
];

/// Refuses keys that cannot be written.
///
/// # Errors
/// `KeyTooLong` above 850 bytes; `InvalidObjectName` for a leading slash or backslash and for control characters.
pub(super) fn check_key(key: &str) -> Result<(), Error> {
    if key.len() > MAX_KEY_BYTES {
        return Err(
            Error::new(CosCode::KeyTooLong).because(format_args!("the limit is {MAX_KEY_BYTES} bytes"))
        );
    }
    if key.starts_with(['/', '\\']) || key.contains(['\u{18}', '\u{19}', '\u{1a}', '\u{1b}']) {
        return Err(Error::new(CosCode::InvalidObjectName).because(
            "a key does not start with a slash or backslash and has no control characters 0x18 to 0x1B",
        ));
    }
    Ok(())
}

/// The headers that GET and HEAD give back. Without a `Content-Type` the object gets the type of its key's extension.
///
/// # Errors
/// `KeyTooLong` for too much user metadata.
fn headers(head: &Head, key: &str) -> Result<HeaderLines, Error> {
    let mut headers = Vec::new();
    for name in STORED_HEADERS {
        if let Some(value) = head.header(*name) {
            headers.push((Cow::Borrowed(*name), Bytes::copy_from_slice(value.as_bytes())));
        } else if *name == "Content-Type" {
            let guessed = mime_guess::from_path(key).first_raw().unwrap_or("application/octet-stream");
            headers.push((Cow::Borrowed(*name), Bytes::from_static(guessed.as_bytes())));
        }
    }
    let user = head.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-cos-meta-"));
    let mut user_bytes = 0;
    for (name, value) in user {
        user_bytes += name.as_str().len() + value.len();
        headers.push((Cow::Owned(name.as_str().to_owned()), Bytes::copy_from_slice(value.as_bytes())));
    }
    if user_bytes > MAX_USER_METADATA_BYTES {
        return Err(Error::new(CosCode::KeyTooLong).because(format_args!(
            "user metadata has {user_bytes} bytes, the limit is {MAX_USER_METADATA_BYTES}"
        )));
    }
    Ok(headers.into())
}

/// The storage class that a head or a document names; `None` is the usual one.
///
/// # Errors
/// `NotSupportedStorageClass` for one that is not known.
pub(super) fn storage_class(name: Option<&str>) -> Result<Option<&'static str>, Error> {
    // The Java SDK writes `Standard_IA`.
    let known = |name: &str| STORAGE_CLASSES.iter().copied().find(|class| class.eq_ignore_ascii_case(name));
    match name.map(|name| (name, known(name))) {
        None | Some((_, Some("STANDARD"))) => Ok(None),
        Some((_, Some(class))) => Ok(Some(class)),
        Some((name, None)) => Err(Error::new(CosCode::NotSupportedStorageClass)
            .because(format_args!("there is no class \"{name}\""))),
    }
}

/// All that the head of an upload says of the object at `key`.
///
/// # Errors
/// `NoSuchBucket`; `KeyTooLong` for too much user metadata, `NotSupportedStorageClass` for an unknown class; those of the
/// access control list, the tags and the encryption.
pub(super) fn metadata(call: &Call<'_>, head: &Head, key: &str) -> Result<Metadata, Error> {
    let bucket = call.bucket()?;
    let mut metadata = Metadata { headers: headers(head, key)?, details: None };
    if let Some(class) = storage_class(head.header("x-cos-storage-class"))? {
        metadata.details_mut().storage_class = Some(class);
    }
    if let Some(acl::Asked::List(acl)) = acl::from_headers(head, acl::Scope::Object)? {
        metadata.details_mut().acl = Some(acl);
    }
    if let Some(text) = head.header("x-cos-tagging") {
        metadata.details_mut().tags = tagging::from_header(text, tagging::MAX_OBJECT_TAGS)?;
    }
    if let Some(encryption) = encryption::asked(head, bucket)? {
        metadata.details_mut().encryption = Some(encryption);
    }
    if let Some(days) = configuration::retention_days(bucket) {
        metadata.details_mut().retained_until = Some(call.context.now.plus(DAY * days));
    }
    Ok(metadata)
}
