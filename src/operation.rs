//! The operations of both services: the vocabulary that routing, scenarios, handlers and the journal share.
//!
//! One table holds every documented operation, also those that cos-emu does not emulate yet: they are
//! recognised, named in the journal, and answered 501. The table knows no paths (see `cos::route` and
//! `cas::route`) and no behaviour.

use std::fmt;

/// One of the two emulated services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Cloud Object Storage, the XML API.
    Cos,
    /// Cloud Archive Storage, the JSON API.
    Cas,
}

impl Service {
    /// The name that scenario files and the journal use: `cos` or `cas`.
    pub fn name(self) -> &'static str {
        match self {
            Service::Cos => "cos",
            Service::Cas => "cas",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a request or an answer carries in its body when all goes well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// No body.
    Nothing,
    /// An XML or JSON document.
    Document,
    /// Bytes of an object or an archive.
    Data,
}

/// Whether this version of cos-emu carries an operation out or answers 501.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emulation {
    /// Carried out.
    Built,
    /// Recognised, answered `501 NotImplemented` in the service's error format.
    NotBuilt,
}

macro_rules! operations {
    ($($variant:ident $service:ident $name:literal $request:ident $answer:ident $emulation:ident;)*) => {
        /// A documented operation of COS or CAS. Operations that share a name between the services are
        /// different variants: those of CAS carry the word `Vault`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "each variant is the operation of that name")]
        pub enum Operation { $($variant,)* }

        impl Operation {
            /// Every operation, in the order of the table.
            pub const ALL: &'static [Operation] = &[$(Operation::$variant,)*];

            /// The service's own name of the operation, such as `UploadPart`. Not unique: both services have
            /// an `UploadPart`.
            pub fn name(self) -> &'static str {
                match self { $(Operation::$variant => $name,)* }
            }

            /// The service the operation belongs to.
            pub fn service(self) -> Service {
                match self { $(Operation::$variant => Service::$service,)* }
            }

            /// What the request carries.
            pub fn request(self) -> Payload {
                match self { $(Operation::$variant => Payload::$request,)* }
            }

            /// What a successful answer carries.
            pub fn answer(self) -> Payload {
                match self { $(Operation::$variant => Payload::$answer,)* }
            }

            /// Whether it is carried out.
            pub fn emulation(self) -> Emulation {
                match self { $(Operation::$variant => Emulation::$emulation,)* }
            }
        }
    };
}

operations! {
    // COS: the account and its buckets.
    ListBuckets                   Cos "ListBuckets"                    Nothing  Document Built;
    PutBucket                     Cos "PutBucket"                      Document Nothing  Built;
    HeadBucket                    Cos "HeadBucket"                     Nothing  Nothing  Built;
    DeleteBucket                  Cos "DeleteBucket"                   Nothing  Nothing  Built;
    ListObjects                   Cos "ListObjects"                    Nothing  Document Built;
    ListVersions                  Cos "ListVersions"                   Nothing  Document Built;

    // COS: objects.
    PutObject                     Cos "PutObject"                      Data     Nothing  Built;
    GetObject                     Cos "GetObject"                      Nothing  Data     Built;
    HeadObject                    Cos "HeadObject"                     Nothing  Nothing  Built;
    DeleteObject                  Cos "DeleteObject"                   Nothing  Nothing  Built;
    DeleteObjects                 Cos "DeleteObjects"                  Document Document Built;
    CopyObject                    Cos "CopyObject"                     Nothing  Document Built;
    AppendObject                  Cos "AppendObject"                   Data     Nothing  Built;
    PostObject                    Cos "PostObject"                     Data     Document Built;
    OptionsObject                 Cos "OptionsObject"                  Nothing  Nothing  Built;
    RestoreObject                 Cos "RestoreObject"                  Document Nothing  Built;
    SelectObjectContent           Cos "SelectObjectContent"            Document Document NotBuilt;
    PreflightObject               Cos "PreflightObject"                Nothing  Nothing  Built;

    // COS: multipart uploads.
    InitiateMultipartUpload       Cos "InitiateMultipartUpload"        Nothing  Document Built;
    UploadPart                    Cos "UploadPart"                     Data     Nothing  Built;
    UploadPartCopy                Cos "UploadPartCopy"                 Nothing  Document Built;
    CompleteMultipartUpload       Cos "CompleteMultipartUpload"        Document Document Built;
    AbortMultipartUpload          Cos "AbortMultipartUpload"           Nothing  Nothing  Built;
    ListParts                     Cos "ListParts"                      Nothing  Document Built;
    ListMultipartUploads          Cos "ListMultipartUploads"           Nothing  Document Built;

    // COS: sub-resources of objects.
    GetObjectAcl                  Cos "GetObjectAcl"                   Nothing  Document Built;
    PutObjectAcl                  Cos "PutObjectAcl"                   Document Nothing  Built;
    GetObjectTagging              Cos "GetObjectTagging"               Nothing  Document Built;
    PutObjectTagging              Cos "PutObjectTagging"               Document Nothing  Built;
    DeleteObjectTagging           Cos "DeleteObjectTagging"            Nothing  Nothing  Built;
    GetObjectRetention            Cos "GetObjectRetention"             Nothing  Document Built;
    PutObjectRetention            Cos "PutObjectRetention"             Document Nothing  Built;
    GetObjectSymlink              Cos "GetObjectSymlink"               Nothing  Nothing  Built;
    PutObjectSymlink              Cos "PutObjectSymlink"               Nothing  Nothing  Built;

    // COS: sub-resources of buckets.
    GetBucketAcl                  Cos "GetBucketAcl"                   Nothing  Document Built;
    PutBucketAcl                  Cos "PutBucketAcl"                   Document Nothing  Built;
    GetBucketCors                 Cos "GetBucketCors"                  Nothing  Document Built;
    PutBucketCors                 Cos "PutBucketCors"                  Document Nothing  Built;
    DeleteBucketCors              Cos "DeleteBucketCors"               Nothing  Nothing  Built;
    GetBucketLocation             Cos "GetBucketLocation"              Nothing  Document Built;
    GetBucketLifecycle            Cos "GetBucketLifecycle"             Nothing  Document Built;
    PutBucketLifecycle            Cos "PutBucketLifecycle"             Document Nothing  Built;
    DeleteBucketLifecycle         Cos "DeleteBucketLifecycle"          Nothing  Nothing  Built;
    GetBucketVersioning           Cos "GetBucketVersioning"            Nothing  Document Built;
    PutBucketVersioning           Cos "PutBucketVersioning"            Document Nothing  Built;
    GetBucketTagging              Cos "GetBucketTagging"               Nothing  Document Built;
    PutBucketTagging              Cos "PutBucketTagging"               Document Nothing  Built;
    DeleteBucketTagging           Cos "DeleteBucketTagging"            Nothing  Nothing  Built;
    GetBucketPolicy               Cos "GetBucketPolicy"                Nothing  Document Built;
    PutBucketPolicy               Cos "PutBucketPolicy"                Document Nothing  Built;
    DeleteBucketPolicy            Cos "DeleteBucketPolicy"             Nothing  Nothing  Built;
    GetBucketReferer              Cos "GetBucketReferer"               Nothing  Document Built;
    PutBucketReferer              Cos "PutBucketReferer"               Document Nothing  Built;
    DeleteBucketReferer           Cos "DeleteBucketReferer"            Nothing  Nothing  Built;
    GetBucketWebsite              Cos "GetBucketWebsite"               Nothing  Document Built;
    PutBucketWebsite              Cos "PutBucketWebsite"               Document Nothing  Built;
    DeleteBucketWebsite           Cos "DeleteBucketWebsite"            Nothing  Nothing  Built;
    GetBucketReplication          Cos "GetBucketReplication"           Nothing  Document Built;
    PutBucketReplication          Cos "PutBucketReplication"           Document Nothing  Built;
    DeleteBucketReplication       Cos "DeleteBucketReplication"        Nothing  Nothing  Built;
    GetBucketLogging              Cos "GetBucketLogging"               Nothing  Document Built;
    PutBucketLogging              Cos "PutBucketLogging"               Document Nothing  Built;
    GetBucketInventory            Cos "GetBucketInventory"             Nothing  Document Built;
    PutBucketInventory            Cos "PutBucketInventory"             Document Nothing  Built;
    PostBucketInventory           Cos "PostBucketInventory"            Document Nothing  Built;
    DeleteBucketInventory         Cos "DeleteBucketInventory"          Nothing  Nothing  Built;
    ListBucketInventory           Cos "ListBucketInventory"            Nothing  Document Built;
    GetBucketEncryption           Cos "GetBucketEncryption"            Nothing  Document Built;
    PutBucketEncryption           Cos "PutBucketEncryption"            Document Nothing  Built;
    DeleteBucketEncryption        Cos "DeleteBucketEncryption"         Nothing  Nothing  Built;
    GetBucketAccelerate           Cos "GetBucketAccelerate"            Nothing  Document Built;
    PutBucketAccelerate           Cos "PutBucketAccelerate"            Document Nothing  Built;
    GetBucketDomain               Cos "GetBucketDomain"                Nothing  Document Built;
    PutBucketDomain               Cos "PutBucketDomain"                Document Nothing  Built;
    DeleteBucketDomain            Cos "DeleteBucketDomain"             Nothing  Nothing  Built;
    GetBucketDomainCertificate    Cos "GetBucketDomainCertificate"     Nothing  Document Built;
    PutBucketDomainCertificate    Cos "PutBucketDomainCertificate"     Document Nothing  Built;
    DeleteBucketDomainCertificate Cos "DeleteBucketDomainCertificate"  Nothing  Nothing  Built;
    GetBucketOrigin               Cos "GetBucketOrigin"                Nothing  Document Built;
    PutBucketOrigin               Cos "PutBucketOrigin"                Document Nothing  Built;
    DeleteBucketOrigin            Cos "DeleteBucketOrigin"             Nothing  Nothing  Built;
    GetBucketIntelligentTiering   Cos "GetBucketIntelligentTiering"    Nothing  Document Built;
    PutBucketIntelligentTiering   Cos "PutBucketIntelligentTiering"    Document Nothing  Built;
    DeleteBucketIntelligentTiering Cos "DeleteBucketIntelligentTiering" Nothing  Nothing  Built;
    GetBucketObjectLock           Cos "GetBucketObjectLock"            Nothing  Document Built;
    PutBucketObjectLock           Cos "PutBucketObjectLock"            Document Nothing  Built;
    GetBucketStrictSignature      Cos "GetBucketStrictSignature"       Nothing  Document Built;
    PutBucketStrictSignature      Cos "PutBucketStrictSignature"       Document Nothing  Built;
    DeleteBucketStrictSignature   Cos "DeleteBucketStrictSignature"    Nothing  Nothing  Built;
    GetBucketNotification         Cos "GetBucketNotification"          Nothing  Document NotBuilt;
    PutBucketNotification         Cos "PutBucketNotification"          Document Nothing  NotBuilt;

    // CAS: vaults.
    CreateVault                   Cas "CreateVault"                    Nothing  Nothing  Built;
    DescribeVault                 Cas "DescribeVault"                  Nothing  Document Built;
    ListVaults                    Cas "ListVaults"                     Nothing  Document Built;
    DeleteVault                   Cas "DeleteVault"                    Nothing  Nothing  Built;
    GetVaultAccessPolicy          Cas "GetVaultAccessPolicy"           Nothing  Document Built;
    SetVaultAccessPolicy          Cas "SetVaultAccessPolicy"           Document Nothing  Built;
    DeleteVaultAccessPolicy       Cas "DeleteVaultAccessPolicy"        Nothing  Nothing  Built;
    GetVaultNotifications         Cas "GetVaultNotifications"          Nothing  Document Built;
    SetVaultNotifications         Cas "SetVaultNotifications"          Document Nothing  Built;
    DeleteVaultNotifications      Cas "DeleteVaultNotifications"       Nothing  Nothing  Built;

    // CAS: archives and their multipart uploads.
    UploadArchive                 Cas "UploadArchive"                  Data     Nothing  Built;
    DeleteArchive                 Cas "DeleteArchive"                  Nothing  Nothing  Built;
    InitiateVaultUpload           Cas "InitiateMultipartUpload"        Nothing  Nothing  Built;
    UploadVaultPart               Cas "UploadPart"                     Data     Nothing  Built;
    CompleteVaultUpload           Cas "CompleteMultipartUpload"        Nothing  Nothing  Built;
    AbortVaultUpload              Cas "AbortMultipartUpload"           Nothing  Nothing  Built;
    ListVaultParts                Cas "ListParts"                      Nothing  Document Built;
    ListVaultUploads              Cas "ListMultipartUploads"           Nothing  Document Built;

    // CAS: jobs.
    InitiateJob                   Cas "InitiateJob"                    Document Nothing  Built;
    DescribeJob                   Cas "DescribeJob"                    Nothing  Document Built;
    ListJobs                      Cas "ListJobs"                       Nothing  Document Built;
    GetJobOutput                  Cas "GetJobOutput"                   Nothing  Data     Built;
}

impl Operation {
    /// The operations of that name, of either service; empty when there is none.
    pub fn named(name: &str) -> impl Iterator<Item = Operation> + '_ {
        Operation::ALL.iter().copied().filter(move |operation| operation.name() == name)
    }

    /// Whether the operation belongs to the group.
    pub fn is_in(self, group: Group) -> bool {
        let name = self.name();
        let reads = ["Get", "Head", "List", "Describe"].iter().any(|prefix| name.starts_with(prefix));
        match group {
            Group::Read => reads,
            Group::Write => !reads,
            Group::List => name.starts_with("List"),
            Group::Multipart => matches!(
                name,
                "InitiateMultipartUpload"
                    | "UploadPart"
                    | "UploadPartCopy"
                    | "CompleteMultipartUpload"
                    | "AbortMultipartUpload"
                    | "ListParts"
                    | "ListMultipartUploads"
            ),
            Group::Data => self.request() == Payload::Data || self.answer() == Payload::Data,
            Group::Any => true,
        }
    }

    /// Whether it puts, changes or deletes an object of COS.
    pub fn writes_objects(self) -> bool {
        use Operation::*;
        matches!(
            self,
            PutObject
                | CopyObject
                | AppendObject
                | PostObject
                | DeleteObject
                | DeleteObjects
                | CompleteMultipartUpload
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a request names, as far as it names it: what rules match on and what the journal shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// COS: the bucket, `name-appid`.
    pub bucket: Option<String>,
    /// COS: the object key.
    pub key: Option<String>,
    /// The upload id, of either service.
    pub upload: Option<String>,
    /// The part number: of COS as sent, of CAS the start of the range divided by the part size, plus 1.
    pub part: Option<u64>,
    /// CAS: the vault.
    pub vault: Option<String>,
    /// CAS: the archive id.
    pub archive: Option<String>,
    /// CAS: the job id.
    pub job: Option<String>,
}

/// Whether a text can be the full name of a bucket of COS: `name-appid`.
///
/// Source: `cos.md` 1.4.
pub fn is_bucket_name(text: &str) -> bool {
    let Some((name, appid)) = text.rsplit_once('-') else { return false };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty()
        && name.bytes().all(plain)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !appid.is_empty()
        && appid.bytes().all(|byte| byte.is_ascii_digit())
}

/// The longest name of a vault, in bytes.
const MAX_VAULT_NAME: usize = 255;

/// Whether a text can be the name of a vault of CAS.
///
/// Source: `cas.md` 3.
pub fn is_vault_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=MAX_VAULT_NAME).contains(&text.len()) && text.bytes().all(allowed)
}

/// A group of operations that a scenario can name instead of listing them.
///
/// Source: `scenarios.md` 5.2, "Small print".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// `Get…`, `Head…`, `List…`, `Describe…`.
    Read,
    /// Everything that is not [`Group::Read`].
    Write,
    /// `List…`.
    List,
    /// The six multipart operations and `UploadPartCopy`.
    Multipart,
    /// Operations that carry object bytes in the request or in the answer.
    Data,
    /// Every operation.
    Any,
}

impl Group {
    /// Every group with the name that scenario files use.
    pub const ALL: &'static [(&'static str, Group)] = &[
        ("@read", Group::Read),
        ("@write", Group::Write),
        ("@list", Group::List),
        ("@multipart", Group::Multipart),
        ("@data", Group::Data),
        ("@any", Group::Any),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_name_stands_for_one_operation_of_each_service() {
        let services: Vec<_> = Operation::named("UploadPart").map(Operation::service).collect();
        assert_eq!(services, [Service::Cos, Service::Cas]);
    }

    #[test]
    fn a_bucket_name_is_a_name_and_an_appid() {
        for name in ["demo-1250000000", "a-1", "a-b-c-1", "1-1"] {
            assert!(is_bucket_name(name), "{name}");
        }
        for name in
            ["", "demo", "demo-", "-1", "-a-1", "a--1", "Demo-1", "a_b-1", "a.b-1", "demo-1a", "1250000000"]
        {
            assert!(!is_bucket_name(name), "{name}");
        }
    }

    #[test]
    fn names_are_unique_within_a_service() {
        for (index, operation) in Operation::ALL.iter().enumerate() {
            for other in &Operation::ALL[index + 1..] {
                assert!(
                    operation.service() != other.service() || operation.name() != other.name(),
                    "{operation:?} and {other:?} share a name"
                );
            }
        }
    }

    #[test]
    fn the_data_group_is_the_one_that_the_scenario_language_lists() {
        let names: Vec<_> = Operation::ALL
            .iter()
            .filter(|operation| operation.is_in(Group::Data))
            .map(|operation| operation.name())
            .collect();
        assert_eq!(
            names,
            [
                "PutObject",
                "GetObject",
                "AppendObject",
                "PostObject",
                "UploadPart",
                "UploadArchive",
                "UploadPart",
                "GetJobOutput"
            ]
        );
    }

    #[test]
    fn read_and_write_divide_all_operations() {
        for operation in Operation::ALL {
            assert_ne!(operation.is_in(Group::Read), operation.is_in(Group::Write), "{operation}");
        }
    }
}
