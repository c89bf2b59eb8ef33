//! The error codes of both services, each with its HTTP status and default message: one table per service,
//! from which the handlers, the scenario language and the documents take them, and nothing else.
//!
//! Here and not under `cos` and `cas`, because scenario files name codes too.

use std::fmt;

use crate::operation::Service;

macro_rules! error_codes {
    ($(#[$doc:meta])* $table:ident { $($code:ident $(= $name:literal)? $status:literal $message:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each variant is the code of that name, explained by its message")]
        pub enum $table { $($code,)* }

        impl $table {
            /// Every code, in the order of the table.
            pub const ALL: &'static [$table] = &[$($table::$code,)*];

            /// The code as it stands on the wire.
            pub fn name(self) -> &'static str {
                match self { $($table::$code => error_codes!(@name $code $($name)?),)* }
            }

            /// The HTTP status that usually goes with the code.
            pub fn status(self) -> u16 {
                match self { $($table::$code => $status,)* }
            }

            /// The message that goes with the code when nobody gives a better one.
            pub fn message(self) -> &'static str {
                match self { $($table::$code => $message,)* }
            }

            /// The first code of that name.
            pub fn named(name: &str) -> Option<$table> {
                $table::ALL.iter().copied().find(|code| code.name() == name)
            }
        }

        impl fmt::Display for $table {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
    (@name $code:ident) => { stringify!($code) };
    (@name $code:ident $name:literal) => { $name };
}

error_codes! {
    /// The codes of COS. Two rows may carry one name (`InvalidObjectState`), as in the official list.
    ///
    /// Source: COS API, "Error codes" (`cos.md` 4.4), then the codes that only the list of 2018 has. Messages
    /// known from published samples are verbatim, the others are our own words.
    CosCode {
        // 400
        ActionAccelerateNotSupported 400 "The operation is not supported on the acceleration endpoint.";
        AttachmentFull 400 "The number of access control entries has reached the limit.";
        BadDigest 400 "The Content-MD5 you specified did not match what we received.";
        BadRquest 400 "The request has an invalid parameter.";
        BucketAccelerateNotEnabled 400 "Global acceleration is not enabled for the bucket.";
        BucketNameTooLong 400 "The specified bucket name is too long.";
        BucketVersionNotOpen 400 "The operation needs versioning to be enabled on the bucket.";
        DNSRecordVerifyFailed 400 "The DNS record of the custom domain could not be verified.";
        EntitySizeNotMatch 400 "The size of the body does not match the Content-Length header.";
        EntityTooLarge 400 "Your proposed upload exceeds the maximum allowed object size";
        EntityTooSmall 400 "Your proposed upload is smaller than the minimum allowed object size.";
        ExpiredToken 400 "The security token has expired.";
        ImageResolutionExceed 400 "The resolution of the image exceeds the limit.";
        ImageTooLarge 400 "The image is too large.";
        InvalidImageFormat 400 "The format of the image is invalid.";
        InvalidImageSource 400 "The source of the image is invalid.";
        InvalidPicOperations 400 "The Pic-Operations header is invalid.";
        IncompleteBody 400 "You did not provide the number of bytes specified by the Content-Length HTTP header.";
        IncorrectNumberOfFilesInPostRequest 400 "POST requires exactly one file upload per request.";
        InvalidArgument 400 "Invalid argument.";
        InvalidBucketName 400 "The specified bucket is not valid.";
        InvalidCopySource 400 "The copy source is invalid.";
        InvalidDelimiter 400 "The delimiter must be exactly one character.";
        InvalidDigest 400 "The Content-MD5 you specified is invalid.";
        InvalidLocationConstraint 400 "The specified location constraint is not valid.";
        InvalidObjectName 400 "The specified object key is not valid.";
        InvalidPart 400 "One or more of the specified parts could not be found or did not match their ETag.";
        InvalidPartOrder 400 "The list of parts was not in ascending order.";
        InvalidPolicyDocument 400 "You must provide condition if you specify a policy in post object request.";
        InvalidRegionName 400 "The region in the host name is invalid.";
        InvalidRequest 400 "The request is invalid.";
        InvalidSHA1Digest 400 "The x-cos-content-sha1 you specified did not match what we received.";
        InvalidTag 400 "The tag is invalid.";
        InvalidTargetBucketForLogging 400 "The target bucket for logging is not valid.";
        InvalidUploadStatus 400 "The upload is not allowed in the present state of the bucket.";
        InvalidURI 400 "Couldn't parse the specified URI.";
        InventoryFull 400 "The number of inventory configurations has reached the limit.";
        JsonAPINotSupportOnMAZBucket 400 "The JSON API is not supported on a multi-AZ bucket.";
        KeyTooLong 400 "Your key is too long.";
        KmsException 400 "The key management service reported an error.";
        KmsKeyDisabled 400 "The specified KMS key is disabled.";
        KmsKeyNotExist 400 "The specified KMS key does not exist.";
        ListPartUploadIdIsEmpty 400 "The uploadId of the list parts request is empty.";
        LoggingConfExists 400 "The logging configuration already exists.";
        LoggingPrefixInvalid 400 "The logging prefix is invalid.";
        MalformedPolicy 400 "The policy is not valid JSON or does not follow the policy syntax.";
        MalformedPOSTRequest 400 "The body of your POST request is not well-formed multipart/form-data.";
        MalformedXML 400 "The XML you provided was not well-formed or did not validate against our published schema.";
        MAZOperationNotSupportOnOAZBucket 400 "The operation needs a multi-AZ bucket.";
        OAZOperationNotSupportOnMAZBucket 400 "The operation is not supported on a multi-AZ bucket.";
        MultiAZFeatureNotSupport 400 "The multi-AZ feature is not supported here.";
        MissingRequestBodyError 400 "Request body is empty.";
        MultiBucketNotSupport 400 "More than one replication target is not supported.";
        NotifyRuleEventConflict 400 "The event of the notification rule conflicts with another rule.";
        NotifyRulePrefixConflict 400 "The prefix of the notification rule conflicts with another rule.";
        NotifyRuleSuffixConflict 400 "The suffix of the notification rule conflicts with another rule.";
        NotSupportedStorageClass 400 "The specified storage class is not supported.";
        PolicyFull 400 "your policy or acl has reached the limit";
        PolicyVersionFull 400 "The number of policy versions has reached the limit.";
        RequestTimeout 400 "Your socket connection to the server was not read from or written to within the timeout period.";
        SsecDecryptHeaderInvalid 400 "The object was stored with a customer key; the request must carry that key.";
        SSEContentNotSupported 400 "The server-side encryption is not supported.";
        SSEHeaderNotAllowed 400 "A server-side encryption header is not allowed in this request.";
        TargetBucketNameInvalid 400 "The name of the target bucket is invalid.";
        TooManyBuckets 400 "You have attempted to create more buckets than allowed.";
        UnexpectedContent 400 "This request does not support content.";
        UserCnameInvalid 400 "The CNAME is invalid.";
        UserNetworkTooSlow 400 "The network of the client is too slow.";
        VerifyAlgorithmNotSupported 400 "The checksum algorithm is not supported.";
        WebsiteURLInvalid 400 "The website URL is invalid.";
        XMLSizeLimit 400 "The XML body exceeds the allowed size.";

        // 402 - 403
        PaymentRequired 402 "The quota of the account is used up.";
        AccessDenied 403 "Access Denied.";
        AccessForbidden 403 "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";
        InvalidAccessKeyId 403 "The Access Key Id you provided does not exist in our records.";
        InvalidObjectState 403 "The operation is not valid for the object storage class.";
        NoProcessAuthority 403 "The account has no right to process images.";
        RequestTimeTooSkewed 403 "The difference between the request time and the server's time is too large.";
        RequestHasExpired = "Request has expired" 403 "Request has expired";
        SignatureDoesNotMatch 403 "The Signature you specified is invalid.";
        UserNotSourceBucketOwner 403 "The requester does not own the source bucket.";
        UserNotTargetBucketOwner 403 "The requester does not own the target bucket.";

        // 404 - 405
        InventoryConfigurationNotFoundError 404 "The inventory configuration was not found.";
        NoBucketQuotaPolicy 404 "The bucket has no quota.";
        NoSuchBucket 404 "The specified bucket does not exist.";
        NoSuchBucketPolicy 404 "The bucket policy does not exist.";
        DomainConfigNotFoundError 404 "The domain configuration was not found.";
        NoSuchCopySource 404 "The specified copy source does not exist.";
        NoSuchCORSConfiguration 404 "The CORS configuration does not exist.";
        NoSuchEncryptionConfiguration 404 "The encryption configuration does not exist.";
        NoSuchLifecycleConfiguration 404 "The lifecycle configuration does not exist.";
        NoSuchObjectLockConfiguration 404 "The object lock configuration does not exist.";
        NoSuchWebsiteConfiguration 404 "The website configuration does not exist.";
        OriginConfigurationNotFoundError 404 "The origin configuration was not found.";
        ReplicationConfigurationNotFoundError 404 "The replication configuration was not found.";
        NoSuchJob 404 "The specified job does not exist.";
        NoSuchKey 404 "The specified key does not exist.";
        NoSuchPolicyVersion 404 "The specified policy version does not exist.";
        NoSuchTagSet 404 "There is no tag set.";
        NoSuchUpload 404 "The specified multipart upload does not exist.";
        NoSuchVersion 404 "The specified version does not exist.";
        MethodNotAllowed 405 "The specified method is not allowed against this resource.";
        RestoreNonArchiveObject 405 "The object is not archived, so it cannot be restored.";
        UploadIdNotSupported 405 "The uploadId was made by the JSON API and is not supported here.";

        // 409 - 451
        AppendPositionErr 409 "Position not equal object length";
        BucketAlreadyExists 409 "The requested bucket name is not available.";
        BucketAlreadyOwnedByYou 409 "The bucket you tried to create already exists, and you own it.";
        BucketLocked 409 "The bucket is locked.";
        BucketNotEmpty 409 "The bucket you tried to delete is not empty.";
        DuplicateInventoryId 409 "An inventory configuration of this id exists already.";
        DomainConfigConflict 409 "The domain configuration conflicts with another one.";
        RecordAlreadyExist 409 "The DNS record already exists.";
        InvalidBucketState 409 "The request is not valid for the current state of the bucket.";
        InvalidLockedTime 409 "The retention period is invalid.";
        InvalidObjectStateConflict = "InvalidObjectState" 409 "The request is not valid for the current state of the object.";
        ObjectLocked 409 "The object is locked.";
        ObjectNotAppendable 409 "The operation is not valid for the current state of the object.";
        PathConflict 409 "Path conflict.";
        QuotaConflict 409 "The quota conflicts with another one.";
        QuotaOperationConflict 409 "Another quota operation is in progress.";
        RestoreAlreadyInProgress 409 "The object restore is already in progress.";
        UploadConflict 409 "The same key is being uploaded too often.";
        FileAlreadyExists 409 "The object already exists and x-cos-forbid-overwrite is set.";
        MissingContentLength 411 "You must provide the Content-Length HTTP header.";
        PreconditionFailed 412 "Precondition not match.";
        InvalidRange 416 "The requested range is not satisfiable";
        DomainAuditFailed 451 "The domain has no valid record filing.";
        UnavailableForLegalReasons 451 "The content is unavailable for legal reasons.";

        // 5xx
        InternalError 500 "We encountered an internal error. Please try again.";
        KmsInternalException 500 "The key management service had an internal error.";
        NotImplemented 501 "A header or operation you provided implies functionality that is not implemented.";
        KmsFreqControl 503 "The requests to the key management service are too frequent.";
        ServiceUnavailable 503 "Please reduce your request rate.";
        SlowDown 503 "Reduce your request rate.";

        // Only in the list of 2018; for scenarios that play an old service.
        PermanentRedirect 301 "The bucket must be addressed through the endpoint that is named here.";
        TemporaryRedirect 307 "You are being redirected to the bucket while DNS updates.";
        Redirect 307 "Temporary redirect.";
        InlineDataTooLarge 400 "Inline data exceeds the maximum allowed size.";
        MalformedACLError 400 "The ACL you provided was not well-formed.";
        MaxMessageLengthExceeded 400 "Your request was too big.";
        MaxPostPreDataLengthExceededError 400 "The fields that precede the file in your POST request are too large.";
        MatadataTooLarge 400 "Your metadata headers exceed the maximum allowed metadata size.";
        MissingSecurityHeader 400 "Your request is missing a required header.";
        MissingContentMD5 400 "Your request is missing the Content-MD5 header.";
        MissingAppid 400 "The bucket name lacks the APPID.";
        MissingHost 400 "Your request is missing the Host header.";
        RequestIsNotMultiPartContent 400 "Bucket POST must be of the enclosure type multipart/form-data.";
        RequestTimeOut 400 "Your socket connection to the server was not read from or written to in time.";
        UnresolvableGrantByUID 400 "The account of the grant does not exist.";
        UserKeyMustBeSpecified 400 "The POST request must contain the specified field name.";
        NoLifecycle 400 "The lifecycle configuration does not exist.";
        AccountProblem 403 "There is a problem with your account.";
        InvalidSecurity 403 "The provided security credentials are not valid.";
        ExpiredTokenOf2018 = "ExpiredToken" 403 "The security token has expired.";
        OperationAborted 409 "A conflicting operation is in progress against this resource.";
    }
}

error_codes! {
    /// The codes of CAS.
    ///
    /// Source: CAS API, "Error codes" (`cas.md` 6). The last two rows are not in that table: the official client
    /// waits for `InvalidDigest`, and Glacier answers `InsufficientCapacityException`.
    CasCode {
        AccessDeniedException 403 "Access is denied: the account has no permission for this resource.";
        BadRequest 400 "The request cannot be processed.";
        ExpiredTokenException 403 "The security token has expired.";
        InvalidParameterValueException 400 "A parameter or header has an invalid value.";
        InvalidSignatureException 400 "The signature of the request does not match or has expired.";
        LimitExceededException 400 "A limit of the account is exceeded.";
        MissingAuthenticationTokenException 400 "The request carries no authentication data.";
        MissingParameterValueException 400 "A required header or parameter is missing.";
        NotImplemented 501 "The operation is not emulated.";
        PolicyEnforcedException 400 "The retrieval rate policy of the account refuses the request.";
        ResourceNotFoundException 404 "The specified resource does not exist.";
        RequestTimeoutException 408 "The upload timed out while it was being received.";
        SerializationException 400 "The body of the request is not valid.";
        ThrottlingException 400 "The requests come too fast; slow down.";
        UnrecognizedClientException 400 "The SecretId or the token is invalid.";
        ServiceUnavailableException 500 "The service cannot complete the request.";

        InvalidDigest 400 "The digest you specified did not match what we received.";
        InsufficientCapacityException 503 "There is not enough capacity for an expedited request.";
    }
}

/// The usual status and message of a code name: first by the table of `service`, else by the other one.
/// `None` when no table knows the name.
pub fn lookup(service: Service, name: &str) -> Option<(u16, &'static str)> {
    let cos = CosCode::named(name).map(|code| (code.status(), code.message()));
    let cas = CasCode::named(name).map(|code| (code.status(), code.message()));
    match service {
        Service::Cos => cos.or(cas),
        Service::Cas => cas.or(cos),
    }
}

/// Every code name of both services, for suggestions.
pub fn names() -> impl Iterator<Item = &'static str> {
    CosCode::ALL.iter().map(|code| code.name()).chain(CasCode::ALL.iter().map(|code| code.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_error_status_and_a_message() {
        for code in CosCode::ALL {
            assert!((301..=599).contains(&code.status()), "{code}");
            assert!(!code.message().is_empty(), "{code}");
        }
        for code in CasCode::ALL {
            assert!((400..=599).contains(&code.status()), "{code}");
            assert!(!code.message().is_empty(), "{code}");
        }
    }

    #[test]
    fn a_name_that_two_rows_share_gives_the_first() {
        assert_eq!(CosCode::named("InvalidObjectState"), Some(CosCode::InvalidObjectState));
        assert_eq!(CosCode::InvalidObjectStateConflict.name(), "InvalidObjectState");
    }

    #[test]
    fn a_code_of_the_other_service_keeps_its_status() {
        assert_eq!(lookup(Service::Cas, "SlowDown").map(|(status, _)| status), Some(503));
        assert_eq!(lookup(Service::Cos, "ThrottlingException").map(|(status, _)| status), Some(400));
        assert_eq!(lookup(Service::Cos, "NoSuchThing"), None);
    }

    /// 130 rows of the official list; `FileAlreadyExists`, `NoSuchBucketPolicy`, `DomainConfigNotFoundError` and
    /// `DuplicateInventoryId`, which no list has; and 21 that only the list of 2018 has. No row twice.
    #[test]
    fn the_table_of_cos_has_every_row() {
        let rows: std::collections::BTreeSet<_> =
            CosCode::ALL.iter().map(|code| (code.name(), code.status())).collect();
        assert_eq!((CosCode::ALL.len(), rows.len()), (130 + 4 + 21, 130 + 4 + 21));
    }
}
