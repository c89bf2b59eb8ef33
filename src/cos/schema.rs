//! What the documents of bucket configurations may look like. An element that is not named here is kept as it is: the
//! service grows.
//!
//! Source: `cos.md` 5.2.2 to 5.2.20.

use super::Error;
use crate::clock::Timestamp;
use crate::code::CosCode;
use crate::document::Node;

/// An element within another.
pub(super) struct Member {
    name: &'static str,
    least: usize,
    most: usize,
    is: Is,
}

/// What an element holds.
pub(super) enum Is {
    Text,
    /// A number within bounds.
    Number(u64, u64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A time of ISO 8601.
    Date,
    /// Elements.
    In(&'static [Member]),
    /// Whatever.
    Anything,
}
use Is::{Anything, Date, In, Number, Text, Word};

const fn one(name: &'static str, is: Is) -> Member {
    Member { name, least: 1, most: 1, is }
}

const fn optional(name: &'static str, is: Is) -> Member {
    Member { name, least: 0, most: 1, is }
}

/// At least one.
const fn some(name: &'static str, most: usize, is: Is) -> Member {
    Member { name, least: 1, most, is }
}

/// Any number.
const fn any(name: &'static str, most: usize, is: Is) -> Member {
    Member { name, least: 0, most, is }
}

const SWITCH: Is = Word(&["Enabled", "Disabled"]);
const MAX: u64 = u64::MAX;
const TAG: &[Member] = &[one("Key", Text), one("Value", Text)];
const PREFIX_AND_TAGS: &[Member] = &[optional("Prefix", Text), any("Tag", 10, In(TAG))];

pub(super) const CORS: &[Member] = &[
    some(
        "CORSRule",
        100,
        In(&[
            optional("ID", Text),
            some("AllowedOrigin", 100, Text),
            some("AllowedMethod", 100, Word(&["PUT", "GET", "POST", "DELETE", "HEAD"])),
            any("AllowedHeader", 100, Text),
            any("ExposeHeader", 100, Text),
            optional("MaxAgeSeconds", Number(0, MAX)),
        ]),
    ),
    optional("ResponseVary", Word(&["true", "false"])),
];

const TRANSITION: &[Member] = &[
    optional("Days", Number(0, 3650)),
    optional("Date", Date),
    one("StorageClass", Text),
    optional("AccessFrequency", Anything),
];

pub(super) const LIFECYCLE: &[Member] = &[some(
    "Rule",
    1000,
    In(&[
        optional("ID", Text),
        optional("Prefix", Text),
        optional(
            "Filter",
            In(&[optional("Prefix", Text), optional("Tag", In(TAG)), optional("And", In(PREFIX_AND_TAGS))]),
        ),
        one("Status", SWITCH),
        optional(
            "Expiration",
            In(&[
                optional("Days", Number(1, 3650)),
                optional("Date", Date),
                optional("ExpiredObjectDeleteMarker", Word(&["true", "false"])),
            ]),
        ),
        any("Transition", 1000, In(TRANSITION)),
        any(
            "NoncurrentVersionTransition",
            1000,
            In(&[one("NoncurrentDays", Number(0, 3650)), one("StorageClass", Text)]),
        ),
        optional("NoncurrentVersionExpiration", In(&[one("NoncurrentDays", Number(1, 3650))])),
        optional("AbortIncompleteMultipartUpload", In(&[one("DaysAfterInitiation", Number(1, 3650))])),
    ]),
)];

pub(super) const TAGGING: &[Member] = &[one("TagSet", In(&[any("Tag", 1000, In(&[one("Key", Text)]))]))];

pub(super) const REFERER: &[Member] = &[
    one("Status", SWITCH),
    one("RefererType", Word(&["Black-List", "White-List"])),
    one("DomainList", In(&[some("Domain", 1000, Text)])),
    optional("EmptyReferConfiguration", Word(&["Allow", "Deny"])),
];

pub(super) const WEBSITE: &[Member] = &[
    one("IndexDocument", In(&[one("Suffix", Text)])),
    optional("RedirectAllRequestsTo", In(&[one("Protocol", Text)])),
    optional("AutoAddressing", In(&[one("Status", SWITCH)])),
    optional("ErrorDocument", In(&[one("Key", Text), optional("OriginalHttpStatus", SWITCH)])),
    optional(
        "RoutingRules",
        In(&[any(
            "RoutingRule",
            100,
            In(&[
                one(
                    "Condition",
                    In(&[
                        optional("HttpErrorCodeReturnedEquals", Number(400, 499)),
                        optional("KeyPrefixEquals", Text),
                    ]),
                ),
                one(
                    "Redirect",
                    In(&[
                        optional("Protocol", Text),
                        optional("ReplaceKeyWith", Text),
                        optional("ReplaceKeyPrefixWith", Text),
                    ]),
                ),
            ]),
        )]),
    ),
];

pub(super) const REPLICATION: &[Member] = &[
    one("Role", Text),
    some(
        "Rule",
        1000,
        In(&[
            optional("ID", Text),
            one("Status", SWITCH),
            optional("Priority", Number(0, MAX)),
            optional("Prefix", Text),
            optional("Filter", In(&[optional("Prefix", Text), optional("And", In(PREFIX_AND_TAGS))])),
            one("Destination", In(&[one("Bucket", Text), optional("StorageClass", Text)])),
        ]),
    ),
];

pub(super) const LOGGING: &[Member] =
    &[optional("LoggingEnabled", In(&[one("TargetBucket", Text), optional("TargetPrefix", Text)]))];

pub(super) const INVENTORY: &[Member] = &[
    one("Id", Text),
    // The documentation has both spellings.
    optional("IsEnabled", Word(&["true", "false", "True", "False"])),
    one("IncludedObjectVersions", Word(&["All", "Current"])),
    optional("Filter", Anything),
    optional("OptionalFields", In(&[any("Field", 100, Text)])),
    optional("Schedule", In(&[one("Frequency", Text)])),
    one(
        "Destination",
        In(&[one(
            "COSBucketDestination",
            In(&[
                one("Format", Word(&["CSV", "ORC", "Parquet"])),
                optional("AccountId", Text),
                one("Bucket", Text),
                optional("Prefix", Text),
                optional("Encryption", Anything),
            ]),
        )]),
    ),
];

pub(super) const ENCRYPTION: &[Member] = &[some(
    "Rule",
    100,
    In(&[one(
        "ApplyServerSideEncryptionByDefault",
        In(&[
            one("SSEAlgorithm", Word(&["AES256", "KMS", "cos/kms", "SM4"])),
            optional("KMSMasterKeyID", Text),
            optional("KMSAlgorithm", Text),
        ]),
    )]),
)];

pub(super) const ACCELERATE: &[Member] = &[one("Status", Word(&["Enabled", "Suspended"]))];

pub(super) const DOMAIN: &[Member] = &[some(
    "DomainRule",
    20,
    In(&[
        one("Status", Word(&["ENABLED", "DISABLED"])),
        one("Name", Text),
        one("Type", Word(&["REST", "WEBSITE", "ACCELERATE"])),
        optional("ForcedReplacement", Word(&["CNAME", "TXT"])),
    ]),
)];

pub(super) const DOMAIN_CERTIFICATE: &[Member] = &[
    one("CertificateInfo", In(&[one("CertType", Text), optional("CustomCert", Anything)])),
    one("DomainList", In(&[some("DomainName", 20, Text)])),
];

pub(super) const ORIGIN: &[Member] = &[some(
    "OriginRule",
    100,
    In(&[
        optional("RulePriority", Number(0, MAX)),
        one("OriginType", Word(&["Mirror", "Proxy", "Redirect"])),
        one(
            "OriginCondition",
            In(&[
                one("HTTPStatusCode", Number(400, 599)),
                optional("Prefix", Text),
                optional("Suffix", Text),
            ]),
        ),
        optional(
            "OriginParameter",
            In(&[
                optional("Protocol", Word(&["HTTP", "HTTPS", "FOLLOW"])),
                any("HttpRedirectCode", 10, Word(&["301", "302", "307"])),
            ]),
        ),
        one(
            "OriginInfo",
            In(&[some("HostInfo", 100, In(&[optional("HostName", Text)])), optional("FileInfo", Anything)]),
        ),
    ]),
)];

pub(super) const INTELLIGENT_TIERING: &[Member] = &[
    one("Status", Word(&["Enabled"])),
    optional(
        "Transition",
        In(&[one("Days", Word(&["30", "60", "90"])), one("RequestFrequent", Word(&["1"]))]),
    ),
];

pub(super) const INTELLIGENT_TIERING_RULE: &[Member] = &[
    one("Id", Text),
    one("Status", SWITCH),
    some("Tiering", 10, In(&[one("AccessTier", Text), one("Days", Number(1, 3650))])),
    optional("Filter", Anything),
];

pub(super) const OBJECT_LOCK: &[Member] = &[
    one("ObjectLockEnabled", Word(&["Enabled"])),
    optional("Rule", In(&[one("DefaultRetention", In(&[one("Days", Text)]))])),
];

pub(super) const STRICT_SIGNATURE: &[Member] = &[some(
    "Rule",
    10,
    In(&[
        one("ID", Text),
        one("actionlist", In(&[some("action", 200, Text)])),
        optional("headerlist", In(&[any("header", 20, Text)])),
        optional("paramlist", In(&[any("param", 20, Text)])),
    ]),
)];

/// Holds a document to what its members may be.
///
/// # Errors
/// `MalformedXML`, with the way to the element and what is wrong with it.
pub(super) fn check(node: &Node, members: &[Member]) -> Result<(), Error> {
    check_at(node, members, &node.name)
}

fn check_at(node: &Node, members: &[Member], way: &str) -> Result<(), Error> {
    let malformed = |reason: std::fmt::Arguments<'_>| Error::new(CosCode::MalformedXML).because(reason);
    for Member { name, least, most, is } in members {
        let count = node.all(name).count();
        if count < *least {
            return Err(malformed(format_args!("{way} has no {name}")));
        }
        if count > *most {
            return Err(malformed(format_args!("{way} has {count} times {name}, the limit is {most}")));
        }
        for child in node.all(name) {
            let (way, text) = (format!("{way}/{name}"), child.text.trim());
            match is {
                Text | Anything => {}
                Number(least, most) => {
                    let number = text.parse::<u64>().ok().filter(|number| (least..=most).contains(&number));
                    if number.is_none() {
                        return Err(malformed(format_args!(
                            "{way} is \"{text}\", but must be a number from {least} to {most}"
                        )));
                    }
                }
                Word(words) => {
                    if !words.contains(&text) {
                        return Err(malformed(format_args!(
                            "{way} is \"{text}\", but must be {}",
                            words.join(" or ")
                        )));
                    }
                }
                Date => {
                    if Timestamp::parse_iso_with_offset(text).is_none() {
                        return Err(malformed(format_args!(
                            "{way} is \"{text}\", but must be a time of ISO 8601"
                        )));
                    }
                }
                In(members) => check_at(child, members, &way)?,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cos::xml;

    fn problem(document: &str) -> Option<String> {
        let root = xml::parse(document.as_bytes()).unwrap();
        check(&root, LOGGING).and_then(|()| check(&root, CORS)).err().map(|error| error.message().to_owned())
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let rule = |rest: &str| {
            problem(&format!(
                "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin>{rest}</CORSRule></CORSConfiguration>"
            ))
        };
        assert_eq!(rule("<AllowedMethod>GET</AllowedMethod><Unknown/>"), None);
        let missing = rule("").unwrap();
        assert!(missing.contains("CORSConfiguration/CORSRule has no AllowedMethod"), "{missing}");
        let word = rule("<AllowedMethod>PATCH</AllowedMethod>").unwrap();
        assert!(word.contains("CORSRule/AllowedMethod is \"PATCH\""), "{word}");
        let number = rule("<AllowedMethod>GET</AllowedMethod><MaxAgeSeconds>-1</MaxAgeSeconds>").unwrap();
        assert!(number.contains("must be a number from 0"), "{number}");
    }
}
