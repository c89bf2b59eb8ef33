//! What is emulated of each operation: the table that `docs/cos.md` is made of, and that the tests are counted by.

use std::fmt::Write as _;

use crate::code::CosCode::{self, *};
use crate::coverage::{Coverage, write_choices};
use crate::operation::Operation;

/// Of everything in a bucket.
const IN_BUCKET: &[CosCode] = &[NoSuchBucket, AccessDenied];
/// Of bodies that are documents.
const DOCUMENT: &[CosCode] = &[MalformedXML, MissingRequestBodyError, InvalidDigest, BadDigest];
/// Of bodies that are object bytes.
const DATA: &[CosCode] =
    &[InvalidDigest, BadDigest, InvalidSHA1Digest, EntityTooLarge, IncompleteBody, MissingContentLength];
/// Of what is written to a key.
const TO_KEY: &[CosCode] = &[KeyTooLong, InvalidObjectName, FileAlreadyExists, ObjectLocked];
/// Of what stands beside the bytes.
const METADATA: &[CosCode] = &[NotSupportedStorageClass, InvalidTag, InvalidArgument];
/// Of an object that has to be there.
const OF_OBJECT: &[CosCode] = &[NoSuchKey, NoSuchVersion];
/// Of the source of a copy.
const OF_SOURCE: &[CosCode] = &[
    InvalidCopySource,
    NoSuchCopySource,
    NoSuchVersion,
    PreconditionFailed,
    InvalidObjectState,
    InvalidRequest,
];

const PUT_HEADERS: &str = "`Cache-Control`, `Content-Disposition`, `Content-Encoding`, `Content-Language`, `Content-Type`, `Expires`, \
    `x-cos-meta-*`, `x-cos-storage-class`, `x-cos-acl`, `x-cos-grant-*`, `x-cos-tagging`, `x-cos-forbid-overwrite`, \
    `x-cos-server-side-encryption*`";
const BODY_HEADERS: &str = "`Content-MD5`, `x-cos-content-sha1`, `x-cos-traffic-limit`, `Expect`";
const CONDITIONS: &str = "`If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since`";
const PAGING: &str = "`prefix`, `delimiter`, `encoding-type`";

const fn of(
    operation: Operation,
    tier: char,
    parameters: &'static str,
    errors: &'static [&'static [CosCode]],
    differences: &'static str,
) -> Coverage<CosCode> {
    Coverage { operation, tier, parameters, errors, differences }
}

/// Every operation of COS, in the order of the table of operations.
pub const COVERAGE: &[Coverage<CosCode>] = &[
    of(
        Operation::ListBuckets,
        'A',
        "`marker`, `max-keys`, `region`, `tagkey`, `tagvalue`, `create-time`, `range`",
        &[&[AccessDenied, InvalidArgument]],
        "There is one account, whose UIN is 100000000001; others see nothing of it.",
    ),
    of(
        Operation::PutBucket,
        'A',
        "`x-cos-acl`, `x-cos-grant-*`, `x-cos-tagging`",
        &[&[
            AccessDenied,
            BucketAlreadyOwnedByYou,
            TooManyBuckets,
            MalformedXML,
            InvalidArgument,
            InvalidTag,
            NotImplemented,
        ]],
        "Multi-AZ buckets and metadata acceleration (`BucketAZConfig`, `BucketArchConfig`) are answered 501. Every bucket belongs to the one account, \
         so `BucketAlreadyExists` is only answered to other accounts of a scenario.",
    ),
    of(Operation::HeadBucket, 'A', "", &[IN_BUCKET], ""),
    of(Operation::DeleteBucket, 'A', "", &[IN_BUCKET, &[BucketNotEmpty]], ""),
    of(
        Operation::ListObjects,
        'A',
        "`prefix`, `delimiter`, `encoding-type`, `marker`, `max-keys`",
        &[IN_BUCKET, &[InvalidArgument, InvalidDelimiter]],
        "",
    ),
    of(
        Operation::ListVersions,
        'B',
        "`prefix`, `delimiter`, `encoding-type`, `key-marker`, `version-id-marker`, `max-keys`",
        &[IN_BUCKET, &[InvalidArgument, InvalidDelimiter]],
        "",
    ),
    of(
        Operation::PutObject,
        'A',
        PUT_HEADERS,
        &[IN_BUCKET, TO_KEY, METADATA, DATA],
        "Also the headers of a body. `PathConflict` and `UploadConflict` do not occur by themselves; a scenario answers them. `INTELLIGENT_TIERING` and `MAZ_*` are accepted in every bucket. What is put with an encryption is stored as it came; the ETag under \
         SSE-KMS and SSE-C is no MD5, as there. SSE-C does not need https.",
    ),
    of(
        Operation::GetObject,
        'A',
        "`versionId`, `response-*`, `Range`, conditions, `x-cos-traffic-limit`, `x-cos-server-side-encryption-customer-*`",
        &[
            IN_BUCKET,
            OF_OBJECT,
            &[
                InvalidObjectState,
                PreconditionFailed,
                InvalidRange,
                SsecDecryptHeaderInvalid,
                SSEHeaderNotAllowed,
            ],
            &[InvalidArgument],
        ],
        "",
    ),
    of(
        Operation::HeadObject,
        'A',
        "`versionId`, `Range`, conditions, `x-cos-server-side-encryption-customer-*`",
        &[IN_BUCKET, OF_OBJECT, &[PreconditionFailed, InvalidRange, SsecDecryptHeaderInvalid]],
        "",
    ),
    of(Operation::DeleteObject, 'A', "`versionId`", &[IN_BUCKET, &[ObjectLocked]], ""),
    of(
        Operation::DeleteObjects,
        'A',
        "`Content-MD5`",
        &[IN_BUCKET, &[InvalidRequest, InvalidDigest, MalformedXML]],
        "",
    ),
    of(
        Operation::CopyObject,
        'A',
        "`x-cos-copy-source`, `x-cos-copy-source-If-*`, `x-cos-metadata-directive`, `x-cos-tagging-directive`, and the headers of PutObject",
        &[IN_BUCKET, TO_KEY, METADATA, OF_SOURCE, &[EntityTooLarge]],
        "An error is answered under its own status; `error_in_200` of a scenario answers it under 200.",
    ),
    of(
        Operation::AppendObject,
        'B',
        "`position`, and the headers of PutObject",
        &[
            IN_BUCKET,
            &[KeyTooLong, InvalidObjectName, ObjectLocked, NotSupportedStorageClass, InvalidArgument],
            &[AppendPositionErr, ObjectNotAppendable, InvalidBucketState],
            DATA,
        ],
        "Where versioning is enabled it is refused with `InvalidBucketState`; the code of the service is not known.",
    ),
    of(
        Operation::PostObject,
        'B',
        "The fields `key`, `acl`, `policy`, `q-*`, `x-cos-security-token`, `success_action_redirect`, `success_action_status`, `Content-MD5` and those of PutObject's headers",
        &[
            IN_BUCKET,
            TO_KEY,
            METADATA,
            &[
                InvalidPolicyDocument,
                SignatureDoesNotMatch,
                EntityTooLarge,
                EntityTooSmall,
                InvalidDigest,
                MissingContentLength,
                MalformedPOSTRequest,
                MaxPostPreDataLengthExceededError,
                IncorrectNumberOfFilesInPostRequest,
                UserKeyMustBeSpecified,
            ],
        ],
        "The field `x-cos-traffic-limit` does not pace: it is read with the body that it would pace. Fields before the file have at most 1 MiB.",
    ),
    of(
        Operation::OptionsObject,
        'B',
        "`Origin`, `Access-Control-Request-Method`, `Access-Control-Request-Headers`",
        &[&[NoSuchBucket, AccessForbidden]],
        "",
    ),
    of(
        Operation::RestoreObject,
        'B',
        "`versionId`",
        &[IN_BUCKET, OF_OBJECT, DOCUMENT, &[RestoreAlreadyInProgress, RestoreNonArchiveObject]],
        "How long it takes follows from the clock of the world: the shortest time that the documentation names.",
    ),
    of(
        Operation::SelectObjectContent,
        'D',
        "",
        &[&[NotImplemented]],
        "Answered 501: crates read SQL, but none evaluates this dialect in a size that fits, and half an evaluator would mislead.",
    ),
    of(
        Operation::PreflightObject,
        'B',
        "The headers of PutObject",
        &[IN_BUCKET, &[KeyTooLong, FileAlreadyExists, NotSupportedStorageClass]],
        "",
    ),
    of(Operation::InitiateMultipartUpload, 'A', PUT_HEADERS, &[IN_BUCKET, TO_KEY, METADATA], ""),
    of(
        Operation::UploadPart,
        'A',
        "`partNumber`, `uploadId`, `x-cos-server-side-encryption-customer-*`, and the headers of a body",
        &[IN_BUCKET, &[NoSuchUpload, InvalidArgument, SSEHeaderNotAllowed], DATA],
        "`UploadIdNotSupported` does not occur: there is no JSON API.",
    ),
    of(
        Operation::UploadPartCopy,
        'B',
        "`partNumber`, `uploadId`, `x-cos-copy-source`, `x-cos-copy-source-range`, `x-cos-copy-source-If-*`",
        &[IN_BUCKET, OF_SOURCE, &[NoSuchUpload, InvalidArgument, InvalidRange]],
        "",
    ),
    of(
        Operation::CompleteMultipartUpload,
        'A',
        "`uploadId`, `Content-MD5`, `x-cos-forbid-overwrite`",
        &[
            IN_BUCKET,
            DOCUMENT,
            &[NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall, FileAlreadyExists, ObjectLocked],
        ],
        "",
    ),
    of(Operation::AbortMultipartUpload, 'A', "`uploadId`", &[IN_BUCKET, &[NoSuchUpload]], ""),
    of(
        Operation::ListParts,
        'A',
        "`uploadId`, `encoding-type`, `max-parts`, `part-number-marker`",
        &[IN_BUCKET, &[NoSuchUpload, ListPartUploadIdIsEmpty, InvalidArgument]],
        "",
    ),
    of(
        Operation::ListMultipartUploads,
        'A',
        "`prefix`, `delimiter`, `encoding-type`, `max-uploads`, `key-marker`, `upload-id-marker`",
        &[IN_BUCKET, &[InvalidArgument, InvalidDelimiter]],
        "",
    ),
    of(Operation::GetObjectAcl, 'B', "`versionId`", &[IN_BUCKET, OF_OBJECT], ""),
    of(
        Operation::PutObjectAcl,
        'B',
        "`versionId`, `x-cos-acl`, `x-cos-grant-*`",
        &[IN_BUCKET, OF_OBJECT, &[MalformedXML, MissingRequestBodyError, InvalidDigest], ACL],
        "Lists count under `--auth strict`.",
    ),
    of(Operation::GetObjectTagging, 'B', "`versionId`", &[IN_BUCKET, OF_OBJECT], ""),
    of(
        Operation::PutObjectTagging,
        'B',
        "`versionId`",
        &[IN_BUCKET, OF_OBJECT, DOCUMENT, &[InvalidTag, ObjectLocked]],
        "",
    ),
    of(Operation::DeleteObjectTagging, 'B', "`versionId`", &[IN_BUCKET, OF_OBJECT, &[ObjectLocked]], ""),
    of(
        Operation::GetObjectRetention,
        'C',
        "`versionId`",
        &[IN_BUCKET, OF_OBJECT, &[NoSuchObjectLockConfiguration]],
        "",
    ),
    of(
        Operation::PutObjectRetention,
        'C',
        "`versionId`",
        &[IN_BUCKET, OF_OBJECT, DOCUMENT, &[NoSuchObjectLockConfiguration, InvalidLockedTime]],
        "",
    ),
    of(Operation::GetObjectSymlink, 'B', "`versionId`", &[IN_BUCKET, OF_OBJECT, &[InvalidRequest]], ""),
    of(
        Operation::PutObjectSymlink,
        'B',
        "`x-cos-symlink-target`, and the headers of PutObject",
        &[IN_BUCKET, TO_KEY, &[InvalidArgument]],
        "A link to a link is answered as a link to nothing.",
    ),
    of(Operation::GetBucketAcl, 'B', "", &[IN_BUCKET], ""),
    of(
        Operation::PutBucketAcl,
        'B',
        "`x-cos-acl`, `x-cos-grant-*`",
        &[IN_BUCKET, &[MalformedXML, MissingRequestBodyError, InvalidDigest], ACL],
        "Lists count under `--auth strict`.",
    ),
    of(Operation::GetBucketCors, 'B', "", &[IN_BUCKET, &[NoSuchCORSConfiguration]], ""),
    of(Operation::PutBucketCors, 'B', "", &[IN_BUCKET, DOCUMENT, &[XMLSizeLimit]], ""),
    of(Operation::DeleteBucketCors, 'B', "", &[IN_BUCKET], ""),
    of(Operation::GetBucketLocation, 'B', "", &[IN_BUCKET], ""),
    of(Operation::GetBucketLifecycle, 'C', "", &[IN_BUCKET, &[NoSuchLifecycleConfiguration]], ""),
    of(
        Operation::PutBucketLifecycle,
        'C',
        "",
        &[IN_BUCKET, DOCUMENT, &[InvalidArgument, InvalidRequest, NotSupportedStorageClass, BucketLocked]],
        "Carried out whenever the control API sets the clock; `AccessFrequency` is stored and not looked at.",
    ),
    of(Operation::DeleteBucketLifecycle, 'C', "", &[IN_BUCKET, &[NoSuchLifecycleConfiguration]], ""),
    of(Operation::GetBucketVersioning, 'B', "", &[IN_BUCKET], ""),
    of(Operation::PutBucketVersioning, 'B', "", &[IN_BUCKET, DOCUMENT, &[BucketLocked]], ""),
    of(Operation::GetBucketTagging, 'B', "", &[IN_BUCKET, &[NoSuchTagSet]], ""),
    of(Operation::PutBucketTagging, 'B', "", &[IN_BUCKET, DOCUMENT, &[InvalidTag]], ""),
    of(Operation::DeleteBucketTagging, 'B', "", &[IN_BUCKET], ""),
    of(Operation::GetBucketPolicy, 'C', "", &[IN_BUCKET, &[NoSuchBucketPolicy]], ""),
    of(
        Operation::PutBucketPolicy,
        'C',
        "",
        &[IN_BUCKET, &[MalformedPolicy, MissingRequestBodyError, InvalidDigest, BadDigest]],
        "Counts under `--auth strict`: allow and deny of principals, actions and resources. A statement with a `condition` is stored and says nothing.",
    ),
    of(Operation::DeleteBucketPolicy, 'C', "", &[IN_BUCKET], ""),
    of(Operation::GetBucketReferer, 'C', "", &[IN_BUCKET], ""),
    of(
        Operation::PutBucketReferer,
        'C',
        "",
        &[IN_BUCKET, &[MalformedXML, InvalidDigest, BadDigest]],
        "Counts for reads that are not signed.",
    ),
    of(Operation::DeleteBucketReferer, 'C', "", &[IN_BUCKET], ""),
    of(Operation::GetBucketWebsite, 'C', "", &[IN_BUCKET, &[NoSuchWebsiteConfiguration]], ""),
    of(
        Operation::PutBucketWebsite,
        'C',
        "",
        &[IN_BUCKET, DOCUMENT, &[XMLSizeLimit]],
        "Served by the host `<bucket>.cos-website.<region>.myqcloud.com`.",
    ),
    of(Operation::DeleteBucketWebsite, 'C', "", &[IN_BUCKET], ""),
    of(Operation::GetBucketReplication, 'C', "", &[IN_BUCKET, &[ReplicationConfigurationNotFoundError]], ""),
    of(
        Operation::PutBucketReplication,
        'C',
        "",
        &[IN_BUCKET, DOCUMENT, &[InvalidBucketState, MultiBucketNotSupport, BucketLocked]],
        "Nothing is replicated.",
    ),
    of(Operation::DeleteBucketReplication, 'C', "", &[IN_BUCKET], ""),
    of(Operation::GetBucketLogging, 'C', "", &[IN_BUCKET], ""),
    of(
        Operation::PutBucketLogging,
        'C',
        "",
        &[IN_BUCKET, DOCUMENT, &[InvalidTargetBucketForLogging, LoggingPrefixInvalid]],
        "No logs are written. `LoggingConfExists` does not occur: a PUT takes the place of what was there.",
    ),
    of(
        Operation::GetBucketInventory,
        'C',
        "`id`",
        &[IN_BUCKET, &[InventoryConfigurationNotFoundError, InvalidArgument]],
        "",
    ),
    of(
        Operation::PutBucketInventory,
        'C',
        "`id`",
        &[IN_BUCKET, DOCUMENT, &[InvalidArgument, InventoryFull]],
        "No inventory is made.",
    ),
    of(
        Operation::PostBucketInventory,
        'C',
        "`id`",
        &[IN_BUCKET, DOCUMENT, &[InvalidArgument, DuplicateInventoryId]],
        "No inventory is made. The task is listed with the configurations.",
    ),
    of(
        Operation::DeleteBucketInventory,
        'C',
        "`id`",
        &[IN_BUCKET, &[InventoryConfigurationNotFoundError, InvalidArgument]],
        "",
    ),
    of(Operation::ListBucketInventory, 'C', "`continuation-token`", &[IN_BUCKET], ""),
    of(Operation::GetBucketEncryption, 'C', "", &[IN_BUCKET, &[NoSuchEncryptionConfiguration]], ""),
    of(
        Operation::PutBucketEncryption,
        'C',
        "",
        &[IN_BUCKET, DOCUMENT],
        "Uploads that say nothing are answered as if they had said it.",
    ),
    of(Operation::DeleteBucketEncryption, 'C', "", &[IN_BUCKET], ""),
    of(Operation::GetBucketAccelerate, 'C', "", &[IN_BUCKET], ""),
    of(
        Operation::PutBucketAccelerate,
        'C',
        "",
        &[IN_BUCKET, DOCUMENT],
        "The host `<bucket>.cos.accelerate.myqcloud.com` then serves the bucket, no faster.",
    ),
    of(Operation::GetBucketDomain, 'C', "", &[IN_BUCKET, &[DomainConfigNotFoundError]], ""),
    of(
        Operation::PutBucketDomain,
        'C',
        "",
        &[IN_BUCKET, DOCUMENT, &[DomainConfigConflict]],
        "Stored; requests to the domain are for the default bucket. Nothing is looked up in DNS.",
    ),
    of(Operation::DeleteBucketDomain, 'C', "", &[IN_BUCKET], ""),
    of(
        Operation::GetBucketDomainCertificate,
        'C',
        "`domainname`",
        &[IN_BUCKET, &[DomainConfigNotFoundError, InvalidArgument]],
        "",
    ),
    of(
        Operation::PutBucketDomainCertificate,
        'C',
        "",
        &[IN_BUCKET, DOCUMENT, &[DomainConfigNotFoundError]],
        "The certificate is not read; it is said to be good for a year.",
    ),
    of(Operation::DeleteBucketDomainCertificate, 'C', "`domainname`", &[IN_BUCKET, &[InvalidArgument]], ""),
    of(Operation::GetBucketOrigin, 'C', "", &[IN_BUCKET, &[OriginConfigurationNotFoundError]], ""),
    of(
        Operation::PutBucketOrigin,
        'C',
        "",
        &[IN_BUCKET, DOCUMENT],
        "`Redirect` is answered for keys that are not there; `Mirror` and `Proxy` are stored, and nothing is fetched.",
    ),
    of(Operation::DeleteBucketOrigin, 'C', "", &[IN_BUCKET], ""),
    of(
        Operation::GetBucketIntelligentTiering,
        'C',
        "`id`, for rules under `intelligent-tiering`",
        &[IN_BUCKET],
        "",
    ),
    of(
        Operation::PutBucketIntelligentTiering,
        'C',
        "`id`, for rules under `intelligent-tiering`",
        &[IN_BUCKET, DOCUMENT, &[InvalidRequest, BucketLocked]],
        "Every object stays in its frequent tier.",
    ),
    of(Operation::DeleteBucketIntelligentTiering, 'C', "`id`", &[IN_BUCKET, &[InvalidArgument]], ""),
    of(Operation::GetBucketObjectLock, 'C', "", &[IN_BUCKET, &[NoSuchObjectLockConfiguration]], ""),
    of(
        Operation::PutBucketObjectLock,
        'C',
        "",
        &[IN_BUCKET, DOCUMENT, &[InvalidLockedTime, InvalidBucketState]],
        "",
    ),
    of(Operation::GetBucketStrictSignature, 'C', "", &[IN_BUCKET], ""),
    of(
        Operation::PutBucketStrictSignature,
        'C',
        "",
        &[IN_BUCKET, DOCUMENT],
        "Holds every request that is signed to it, but for PostObject.",
    ),
    of(Operation::DeleteBucketStrictSignature, 'C', "", &[IN_BUCKET], ""),
    of(Operation::GetBucketNotification, 'D', "", &[&[NotImplemented]], ""),
    of(Operation::PutBucketNotification, 'D', "", &[&[NotImplemented]], ""),
];

/// Of access control lists.
const ACL: &[CosCode] = &[InvalidArgument, UnexpectedContent, AttachmentFull];

/// What is not an operation here at all.
const FOREIGN: &str = "Batch jobs, fetch tasks, live channels, Cloud Infinite (images, media, audit, MetaInsight), vector buckets, event \
    notification, bucket quota, virus detection and metadata acceleration.";

/// The points that the documentation leaves open, and what is built.
///
/// Source: `cos.md` 10, 12.
const CHOICES: &[(&str, &str)] = &[
    (
        "How the digits of the ETag of a multipart upload are made",
        "MD5 of the upload id and the MD5s of the parts. No client looks into it.",
    ),
    (
        "`x-cos-content-sha1` of AppendObject",
        "The MD5: the Go SDK compares it with that and fails otherwise.",
    ),
    ("The ETag of an appended object", "MD5 of the whole, in quotes."),
    ("`x-cos-next-append-position` with AppendPositionErr", "Sent."),
    (
        "InvalidDigest or BadDigest",
        "InvalidDigest for what is no digest; BadDigest for a digest that differs, but InvalidDigest for that of DeleteObjects, of access control lists and of PostObject.",
    ),
    ("Gaps in the part numbers of a completion", "InvalidPart, always."),
    ("Parts below 1 MiB at completion", "EntityTooSmall, but for the last."),
    ("Completing twice", "NoSuchUpload."),
    ("A part number that is none", "InvalidArgument."),
    (
        "The text of GetBucketLocation",
        "The region without a prefix: the Python SDK's own test compares it with that.",
    ),
    (
        "\"Request has expired\": code or message",
        "The message of AccessDenied: the Node SDK looks for it there.",
    ),
    ("The message of InvalidAccessKeyId", "Our own words."),
    ("A key that is too long", "KeyTooLong."),
    ("No tags of a bucket", "NoSuchTagSet."),
    ("No tags of an object", "200 with an empty TagSet."),
    ("No policy", "404 NoSuchBucketPolicy."),
    ("No domain", "404 DomainConfigNotFoundError: the Python SDK's own test waits for it."),
    ("The source of a copy is missing", "NoSuchCopySource."),
    (
        "`x-cos-version-id` in a bucket whose versioning is suspended",
        "Left out for `null`, but with CompleteMultipartUpload.",
    ),
    ("Several ranges, or none that can be read", "The header is as if absent: 200."),
    ("`x-cos-forbid-overwrite`", "409 FileAlreadyExists; without effect where versioning is or was on."),
    ("`x-cos-object-type`", "`normal` or `appendable`, on every GET and HEAD."),
    ("Another customer key than the object's", "403 AccessDenied; none at all is SsecDecryptHeaderInvalid."),
    (
        "The spelling of `EncodingType`",
        "As each operation's page prints it: `Encoding-Type` in ListMultipartUploads, `EncodingType` elsewhere.",
    ),
    ("NextMarker without a delimiter", "Sent."),
    (
        "Blanks that keep a connection alive",
        "Behind the XML declaration: the Python SDK cannot read them before it.",
    ),
    ("`response-*` without a signature", "403 AccessDenied under `--auth strict`; honoured otherwise."),
    ("No strict signature, no referer list", "200 with an empty document."),
    ("A named version of a copy's source that is a delete marker", "400 InvalidRequest."),
    ("A range of a part copy beyond the source", "416 InvalidRange."),
    ("DeleteObject of a version that is not there", "204."),
    ("`version-id-marker` without `key-marker`", "400 InvalidArgument."),
];

/// The page `docs/cos.md`.
pub fn page() -> String {
    let mut page = String::from(
        "# What is emulated of COS\n\n\
         Made from the table of operations by `tests/operations`; do not edit it by hand.\n\n\
         Tier A is what every SDK needs, B what is common, C what a bucket can be configured to be, D what is answered `501 NotImplemented`. \
         Errors of signatures, hosts and URIs can meet every operation and are not repeated.\n",
    );
    for tier in ['A', 'B', 'C', 'D'] {
        let _ = write!(page, "\n## Tier {tier}\n");
        for row in COVERAGE.iter().filter(|row| row.tier == tier) {
            row.write(&mut page);
        }
    }
    let _ = write!(page, "\nNo operation here, and answered 501 where they are recognised: {FOREIGN}\n");
    let _ = write!(
        page,
        "\n## Words\n\n- conditions: {CONDITIONS}\n- the headers of a body: {BODY_HEADERS}\n- paging: {PAGING}\n"
    );
    write_choices(&mut page, CHOICES);
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Emulation, Service};

    #[test]
    fn the_table_has_every_operation_once_and_says_what_is_built() {
        let listed: Vec<Operation> = COVERAGE.iter().map(|row| row.operation).collect();
        let all: Vec<Operation> =
            Operation::ALL.iter().copied().filter(|operation| operation.service() == Service::Cos).collect();
        assert_eq!(listed, all);
        for row in COVERAGE {
            let built = row.operation.emulation() == Emulation::Built;
            assert_eq!(built, row.tier != 'D', "{}", row.operation);
        }
    }
}
