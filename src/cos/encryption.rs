//! Server-side encryption: what is said of it is kept, checked and given back. Bytes are stored as they come.
//!
//! Source: `cos.md` 5.3.15, 5.2.12, 10 (point 23).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Error;
use crate::code::CosCode;
use crate::digest;
use crate::document::Node;
use crate::message::{Head, Reply};
use crate::store::{Bucket, ConfigurationKind, Encryption};

const ALGORITHM: &str = "x-cos-server-side-encryption";
const KMS_KEY_ID: &str = "x-cos-server-side-encryption-cos-kms-key-id";
const CONTEXT: &str = "x-cos-server-side-encryption-context";
const CUSTOMER_ALGORITHM: &str = "x-cos-server-side-encryption-customer-algorithm";
const CUSTOMER_KEY_MD5: &str = "x-cos-server-side-encryption-customer-key-MD5";
/// What stands before `algorithm`, `key` and `key-MD5` in the headers of the three.
const CUSTOMER: &str = "x-cos-server-side-encryption-customer-";
pub(super) const SOURCE_CUSTOMER: &str = "x-cos-copy-source-server-side-encryption-customer-";

/// What an upload asks for; without a word of it, what the bucket is configured to do.
///
/// # Errors
/// `InvalidArgument` for an algorithm, a context or a customer key that is none; `SSEHeaderNotAllowed` for two kinds at once.
pub(super) fn asked(head: &Head, bucket: &Bucket) -> Result<Option<Encryption>, Error> {
    let customer = customer_key(head, CUSTOMER)?;
    let service = match head.header(ALGORITHM) {
        None => None,
        Some("AES256") => Some(Encryption::Service),
        Some("cos/kms") => Some(Encryption::Kms { key_id: head.header(KMS_KEY_ID).map(str::to_owned) }),
        Some(other) => {
            return Err(invalid(format_args!("{ALGORITHM} is \"{other}\", but must be AES256 or cos/kms")));
        }
    };
    if let Some(context) = head.header(CONTEXT) {
        let json = STANDARD.decode(context).ok();
        let json = json.and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).ok());
        if !json.is_some_and(|json| json.is_object()) {
            return Err(invalid(format_args!("{CONTEXT} is not the base64 of a JSON object")));
        }
    }
    match (service, customer) {
        (Some(_), Some(_)) => Err(Error::new(CosCode::SSEHeaderNotAllowed)
            .because("the headers of a customer key and those of the service exclude each other")),
        (None, Some(key_md5)) => Ok(Some(Encryption::Customer { key_md5 })),
        (Some(encryption), None) => Ok(Some(encryption)),
        (None, None) => Ok(configured(bucket)),
    }
}

fn invalid(reason: std::fmt::Arguments<'_>) -> Error {
    Error::new(CosCode::InvalidArgument).because(reason)
}

/// The MD5 of the key that the three headers carry, in base64.
///
/// # Errors
/// `InvalidArgument` when one of them is missing, the algorithm is not AES256, or the key is not of 32 bytes with that MD5.
fn customer_key(head: &Head, names: &str) -> Result<Option<String>, Error> {
    let header = |name: &str| head.header(format!("{names}{name}").as_str());
    let (algorithm, key, md5) = (header("algorithm"), header("key"), header("key-MD5"));
    if algorithm.is_none() && key.is_none() && md5.is_none() {
        return Ok(None);
    }
    if algorithm != Some("AES256") {
        return Err(invalid(format_args!("{names}algorithm must be AES256")));
    }
    let key = key.and_then(|key| STANDARD.decode(key).ok()).filter(|key| key.len() == 32);
    let key = key.ok_or_else(|| invalid(format_args!("{names}key is not the base64 of 32 bytes")))?;
    let expected = STANDARD.encode(digest::md5(&key).bytes());
    if md5 != Some(expected.as_str()) {
        return Err(invalid(format_args!("{names}key-MD5 is not the base64 of the MD5 of the key")));
    }
    Ok(Some(expected))
}

/// What a bucket does with uploads that say nothing.
fn configured(bucket: &Bucket) -> Option<Encryption> {
    let configuration = bucket.configuration(ConfigurationKind::Encryption)?;
    let by_default = configuration.xml()?.at(&["Rule", "ApplyServerSideEncryptionByDefault"])?;
    let key_id = |node: &Node| node.text_of("KMSMasterKeyID").map(str::to_owned);
    match by_default.text_of("SSEAlgorithm")? {
        "KMS" | "cos/kms" => Some(Encryption::Kms { key_id: key_id(by_default) }),
        _ => Some(Encryption::Service),
    }
}

/// Says in an answer how an object is encrypted.
pub(super) fn tell(reply: &mut Reply, encryption: Option<&Encryption>) {
    match encryption {
        None => {}
        Some(Encryption::Service) => reply.push(ALGORITHM, "AES256"),
        Some(Encryption::Kms { key_id }) => {
            reply.push(ALGORITHM, "cos/kms");
            if let Some(key_id) = key_id {
                reply.push(KMS_KEY_ID, key_id);
            }
        }
        Some(Encryption::Customer { key_md5 }) => {
            reply.push(CUSTOMER_ALGORITHM, "AES256");
            reply.push(CUSTOMER_KEY_MD5, key_md5);
        }
    }
}

/// Refuses to read an object with the key of a customer without that key.
///
/// # Errors
/// `SSEHeaderNotAllowed` for the header of uploads; `SsecDecryptHeaderInvalid` without a key, `AccessDenied` with another one,
/// `InvalidArgument` for a key that is none.
pub(super) fn check_read(head: &Head, encryption: Option<&Encryption>) -> Result<(), Error> {
    if head.header(ALGORITHM).is_some() {
        return Err(
            Error::new(CosCode::SSEHeaderNotAllowed).because(format_args!("{ALGORITHM} is for uploads"))
        );
    }
    check_key(head, CUSTOMER, encryption)
}

/// Refuses to go on with the bytes of a customer's key without that key. `names` is how the three headers begin.
///
/// # Errors
/// Those of [`check_read`] but the first.
pub(super) fn check_key(head: &Head, names: &str, encryption: Option<&Encryption>) -> Result<(), Error> {
    let sent = customer_key(head, names)?;
    match (encryption, sent) {
        (Some(Encryption::Customer { .. }), None) => Err(Error::new(CosCode::SsecDecryptHeaderInvalid)),
        (Some(Encryption::Customer { key_md5 }), Some(sent)) if *key_md5 != sent => {
            Err(Error::new(CosCode::AccessDenied).because("the object has another customer key"))
        }
        _ => Ok(()),
    }
}

/// Refuses a part that says another thing of its encryption than the upload.
///
/// # Errors
/// `SSEHeaderNotAllowed` for another kind of encryption; `InvalidArgument` for a missing or another key.
pub(super) fn check_part(head: &Head, encryption: Option<&Encryption>) -> Result<(), Error> {
    let sent = customer_key(head, CUSTOMER)?;
    match (encryption, sent) {
        (Some(Encryption::Customer { key_md5 }), sent) if sent.as_ref() != Some(key_md5) => Err(invalid(
            format_args!("the part must carry the customer key that the upload was initiated with"),
        )),
        (Some(Encryption::Customer { .. }), _) | (_, None) => Ok(()),
        (_, Some(_)) => Err(Error::new(CosCode::SSEHeaderNotAllowed)
            .because("the upload was not initiated with a customer key")),
    }
}

/// Whether the ETag of bytes under that encryption is their MD5.
pub(super) fn keeps_md5(encryption: Option<&Encryption>) -> bool {
    matches!(encryption, None | Some(Encryption::Service))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::head;

    /// Thirty-two bytes of zero, and the MD5 of that.
    const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const MD5: &str = "cLyPS3KoaSFGi/joRB3OUQ==";

    fn code(headers: &[(&str, &str)], encryption: Option<&Encryption>) -> Option<CosCode> {
        check_read(&head("GET", "/k", headers), encryption).err().map(|error| error.code())
    }

    #[test]
    fn a_customers_object_is_read_with_its_key_alone() {
        let customer = Encryption::Customer { key_md5: MD5.to_owned() };
        let trio = [
            (CUSTOMER_ALGORITHM, "AES256"),
            ("x-cos-server-side-encryption-customer-key", KEY),
            (CUSTOMER_KEY_MD5, MD5),
        ];
        assert_eq!(code(&trio, Some(&customer)), None);
        assert_eq!(code(&[], Some(&customer)), Some(CosCode::SsecDecryptHeaderInvalid));
        let other = Encryption::Customer { key_md5: "other".to_owned() };
        assert_eq!(code(&trio, Some(&other)), Some(CosCode::AccessDenied));
        assert_eq!(code(&trio[..2], Some(&customer)), Some(CosCode::InvalidArgument));
        assert_eq!(code(&trio[1..], Some(&customer)), Some(CosCode::InvalidArgument));
        assert_eq!(code(&[(ALGORITHM, "AES256")], None), Some(CosCode::SSEHeaderNotAllowed));
        assert_eq!(code(&[], None), None);
    }
}
