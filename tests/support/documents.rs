//! The documents that buckets are configured by, and the requests that carry documents and forms.

use super::{Request, Server, md5_base64};

pub fn configure(server: &Server, query: &str, document: &str) {
    server.send(Request::cos("PUT", &format!("?{query}")).body(document)).ok();
}

pub fn enable_versions(server: &Server) {
    configure(server, "versioning", VERSIONING);
}

pub fn completion(parts: &[(u32, &str)]) -> String {
    let parts: String = parts
        .iter()
        .map(|(number, etag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"))
        .collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

pub fn delete_many(document: &str) -> Request {
    Request::cos("POST", "?delete").with("Content-MD5", md5_base64(document)).body(document)
}

/// A form with these fields, and files behind them.
pub fn form(fields: &[(&str, &str)], files: &[&str]) -> Request {
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    for file in files {
        body.push_str("--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"name.txt\"\r\n");
        body.push_str(&format!("Content-Type: text/plain\r\n\r\n{file}\r\n"));
    }
    Request::cos("POST", "").with("Content-Type", "multipart/form-data; boundary=X").body(body + "--X--\r\n")
}

pub const VERSIONING: &str = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
pub const OBJECT_LOCK: &str = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>";
pub const CORS: &str = "<CORSConfiguration><CORSRule><ID>1</ID><AllowedOrigin>http://a.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>600</MaxAgeSeconds></CORSRule></CORSConfiguration>";
pub const LIFECYCLE: &str = "<LifecycleConfiguration><Rule><ID>old</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>";
pub const TAGGING: &str = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>";
pub const POLICY: &str = r#"{"Statement":[{"Effect":"allow","Principal":{"qcs":["qcs::cam::anyone:anyone"]},"Action":["name/cos:GetObject"],"Resource":["qcs::cos:ap-guangzhou:uid/1250000000:demo-1250000000/*"]}],"version":"2.0"}"#;
pub const REFERER: &str = "<RefererConfiguration><Status>Enabled</Status><RefererType>White-List</RefererType><DomainList><Domain>*.example</Domain></DomainList></RefererConfiguration>";
pub const WEBSITE: &str =
    "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>";
pub const REPLICATION: &str = "<ReplicationConfiguration><Role>qcs::cam::uin/1:uin/1</Role><Rule><ID>r</ID><Status>Enabled</Status><Prefix/><Destination><Bucket>qcs::cos:ap-beijing::other-1250000000</Bucket></Destination></Rule></ReplicationConfiguration>";
pub const LOGGING: &str = "<BucketLoggingStatus><LoggingEnabled><TargetBucket>demo-1250000000</TargetBucket><TargetPrefix>logs</TargetPrefix></LoggingEnabled></BucketLoggingStatus>";
pub const INVENTORY: &str = "<InventoryConfiguration><Id>i</Id><IsEnabled>true</IsEnabled><IncludedObjectVersions>All</IncludedObjectVersions><Schedule><Frequency>Daily</Frequency></Schedule><Destination><COSBucketDestination><Format>CSV</Format><Bucket>qcs::cos:ap-guangzhou::demo-1250000000</Bucket></COSBucketDestination></Destination></InventoryConfiguration>";
pub const ENCRYPTION: &str = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>";
pub const ACCELERATE: &str = "<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>";
pub const DOMAIN: &str = "<DomainConfiguration><DomainRule><Status>ENABLED</Status><Name>files.example</Name><Type>REST</Type></DomainRule></DomainConfiguration>";
pub const CERTIFICATE: &str = "<DomainCertificate><CertificateInfo><CertType>CustomCert</CertType><CustomCert><Cert>c</Cert><PrivateKey>k</PrivateKey></CustomCert></CertificateInfo><DomainList><DomainName>files.example</DomainName></DomainList></DomainCertificate>";
pub const ORIGIN: &str = "<OriginConfiguration><OriginRule><RulePriority>1</RulePriority><OriginType>Redirect</OriginType><OriginCondition><HTTPStatusCode>404</HTTPStatusCode></OriginCondition><OriginInfo><HostInfo><HostName>origin.example</HostName></HostInfo></OriginInfo></OriginRule></OriginConfiguration>";
pub const TIERING: &str = "<IntelligentTieringConfiguration><Status>Enabled</Status><Transition><Days>30</Days><RequestFrequent>1</RequestFrequent></Transition></IntelligentTieringConfiguration>";
pub const TIERING_RULE: &str = "<IntelligentTieringConfiguration><Id>r</Id><Status>Enabled</Status><Tiering><AccessTier>ARCHIVE_ACCESS</AccessTier><Days>90</Days></Tiering></IntelligentTieringConfiguration>";
pub const STRICT_SIGNATURE: &str = "<StrictSignatureConfiguration><Rule><ID>1</ID><actionlist><action>*</action></actionlist><headerlist><header>host</header></headerlist></Rule></StrictSignatureConfiguration>";
pub const ACL: &str = "<AccessControlPolicy><Owner><ID>qcs::cam::uin/100000000001:uin/100000000001</ID></Owner><AccessControlList><Grant><Grantee><ID>qcs::cam::uin/2:uin/2</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>";
pub const RESTORE: &str = "<RestoreRequest><Days>1</Days><CASJobParameters><Tier>Standard</Tier></CASJobParameters></RestoreRequest>";
pub const RETENTION: &str =
    "<Retention><RetainUntilDate>2200-01-01T00:00:00.000Z</RetainUntilDate></Retention>";
pub const DELETE: &str = "<Delete><Object><Key>key</Key></Object></Delete>";

/// Each configuration of a bucket: what its operations are called, its parameter, its document, what has to be there before, and whether it can be
/// deleted.
pub type Configuration = (&'static str, &'static str, &'static str, &'static [fn(&Server)], bool);

pub const CONFIGURATIONS: &[Configuration] = &[
    ("Cors", "cors", CORS, &[], true),
    ("Lifecycle", "lifecycle", LIFECYCLE, &[], true),
    ("Versioning", "versioning", VERSIONING, &[], false),
    ("Tagging", "tagging", TAGGING, &[], true),
    ("Policy", "policy", POLICY, &[], true),
    ("Referer", "referer", REFERER, &[], true),
    ("Website", "website", WEBSITE, &[], true),
    ("Replication", "replication", REPLICATION, &[enable_versions], true),
    ("Logging", "logging", LOGGING, &[], false),
    ("Inventory", "inventory&id=i", INVENTORY, &[], true),
    ("Encryption", "encryption", ENCRYPTION, &[], true),
    ("Accelerate", "accelerate", ACCELERATE, &[], false),
    ("Domain", "domain", DOMAIN, &[], true),
    ("Origin", "origin", ORIGIN, &[], true),
    ("IntelligentTiering", "intelligenttiering", TIERING, &[], false),
    ("ObjectLock", "object-lock", OBJECT_LOCK, &[], false),
    ("StrictSignature", "strict-signature", STRICT_SIGNATURE, &[], true),
];
