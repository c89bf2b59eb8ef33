//! One request for every operation of COS that succeeds, with what has to be there before.

use crate::support::{BUCKET, Request, Server, md5_base64};

/// The request of an operation that succeeds, and what has to be there before.
pub struct Canonical {
    pub op: &'static str,
    pub prepare: &'static [fn(&Server)],
    pub request: fn(&Server) -> Request,
}

pub fn canonical(
    op: &'static str,
    prepare: &'static [fn(&Server)],
    request: fn(&Server) -> Request,
) -> Canonical {
    Canonical { op, prepare, request }
}

pub fn put_key(server: &Server) {
    server.send(Request::cos("PUT", "key").body("bytes")).ok();
}

pub fn put_tagged(server: &Server) {
    server.send(Request::cos("PUT", "key").with("x-cos-tagging", "a=1").body("bytes")).ok();
}

pub fn put_archived(server: &Server) {
    server.send(Request::cos("PUT", "key").with("x-cos-storage-class", "ARCHIVE").body("bytes")).ok();
}

pub fn put_link(server: &Server) {
    server.send(Request::cos("PUT", "link?symlink").with("x-cos-symlink-target", "key")).ok();
}

/// An object lock: what is written from then on is kept for a day.
pub fn lock(server: &Server) {
    configure(server, "object-lock", OBJECT_LOCK);
}

pub fn enable_versions(server: &Server) {
    configure(server, "versioning", VERSIONING);
}

pub fn configure(server: &Server, query: &str, document: &str) {
    server.send(Request::cos("PUT", &format!("?{query}")).body(document)).ok();
}

/// An upload of `key`, and the ETag of its part 1.
pub fn upload(server: &Server) -> (String, String) {
    let upload = server.send(Request::cos("POST", "key?uploads")).element("UploadId").unwrap();
    let part = Request::cos("PUT", &format!("key?partNumber=1&uploadId={upload}")).body("bytes");
    let etag = server.send(part).ok().header("ETag").unwrap().to_owned();
    (upload, etag)
}

pub fn completion(parts: &[(u32, &str)]) -> String {
    let parts: String = parts
        .iter()
        .map(|(number, etag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"))
        .collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

pub fn copy(key: &str) -> Request {
    Request::cos("PUT", key).with("x-cos-copy-source", format!("{BUCKET}.cos.ap-guangzhou.myqcloud.com/key"))
}

pub fn part_copy(server: &Server) -> Request {
    let (upload, _) = upload(server);
    copy(&format!("key?partNumber=2&uploadId={upload}"))
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

/// The operations that are not made from [`CONFIGURATIONS`].
pub fn canonicals() -> Vec<Canonical> {
    vec![
        canonical("ListBuckets", &[], |_| Request::new("GET", "/").with("Host", "service.cos.myqcloud.com")),
        canonical("PutBucket", &[], |_| Request::new("PUT", "/new-1250000000/")),
        canonical("HeadBucket", &[], |_| Request::cos("HEAD", "")),
        canonical("DeleteBucket", &[], |_| Request::cos("DELETE", "")),
        canonical("ListObjects", &[put_key], |_| Request::cos("GET", "")),
        canonical("ListVersions", &[put_key], |_| Request::cos("GET", "?versions")),
        canonical("PutObject", &[], |_| Request::cos("PUT", "key").body("bytes")),
        canonical("GetObject", &[put_key], |_| Request::cos("GET", "key")),
        canonical("HeadObject", &[put_key], |_| Request::cos("HEAD", "key")),
        canonical("DeleteObject", &[put_key], |_| Request::cos("DELETE", "key")),
        canonical("DeleteObjects", &[put_key], |_| delete_many(DELETE)),
        canonical("CopyObject", &[put_key], |_| copy("copy")),
        canonical("AppendObject", &[], |_| Request::cos("POST", "key?append&position=0").body("bytes")),
        canonical("PostObject", &[], |_| form(&[("key", "key")], &["bytes"])),
        canonical("OptionsObject", &[|server| configure(server, "cors", CORS)], |_| {
            Request::cos("OPTIONS", "key")
                .with("Origin", "http://a.example")
                .with("Access-Control-Request-Method", "PUT")
        }),
        canonical("RestoreObject", &[put_archived], |_| Request::cos("POST", "key?restore").body(RESTORE)),
        canonical("PreflightObject", &[], |_| Request::cos("HEAD", "key?preflight")),
        canonical("InitiateMultipartUpload", &[], |_| Request::cos("POST", "key?uploads")),
        canonical("UploadPart", &[], |server| {
            let (upload, _) = upload(server);
            Request::cos("PUT", &format!("key?partNumber=2&uploadId={upload}")).body("bytes")
        }),
        canonical("UploadPartCopy", &[put_key], part_copy),
        canonical("CompleteMultipartUpload", &[], |server| {
            let (upload, etag) = upload(server);
            Request::cos("POST", &format!("key?uploadId={upload}")).body(completion(&[(1, &etag)]))
        }),
        canonical("AbortMultipartUpload", &[], |server| {
            Request::cos("DELETE", &format!("key?uploadId={}", upload(server).0))
        }),
        canonical("ListParts", &[], |server| {
            Request::cos("GET", &format!("key?uploadId={}", upload(server).0))
        }),
        canonical("ListMultipartUploads", &[], |_| Request::cos("GET", "?uploads")),
        canonical("GetObjectAcl", &[put_key], |_| Request::cos("GET", "key?acl")),
        canonical("PutObjectAcl", &[put_key], |_| Request::cos("PUT", "key?acl").body(ACL)),
        canonical("GetObjectTagging", &[put_key], |_| Request::cos("GET", "key?tagging")),
        canonical("PutObjectTagging", &[put_key], |_| Request::cos("PUT", "key?tagging").body(TAGGING)),
        canonical("DeleteObjectTagging", &[put_tagged], |_| Request::cos("DELETE", "key?tagging")),
        canonical("GetObjectRetention", &[lock, put_key], |_| Request::cos("GET", "key?retention")),
        canonical("PutObjectRetention", &[lock, put_key], |_| {
            Request::cos("PUT", "key?retention").body(RETENTION)
        }),
        canonical("GetObjectSymlink", &[put_link], |_| Request::cos("GET", "link?symlink")),
        canonical("PutObjectSymlink", &[], |_| {
            Request::cos("PUT", "key?symlink").with("x-cos-symlink-target", "target")
        }),
        canonical("GetBucketAcl", &[], |_| Request::cos("GET", "?acl")),
        canonical("PutBucketAcl", &[], |_| Request::cos("PUT", "?acl").body(ACL)),
        canonical("GetBucketLocation", &[], |_| Request::cos("GET", "?location")),
        canonical("PostBucketInventory", &[], |_| Request::cos("POST", "?inventory&id=i").body(INVENTORY)),
        canonical("ListBucketInventory", &[], |_| Request::cos("GET", "?inventory")),
        canonical("PutBucketDomainCertificate", &[|server| configure(server, "domain", DOMAIN)], |_| {
            Request::cos("PUT", "?domaincertificate").body(CERTIFICATE)
        }),
        canonical("GetBucketDomainCertificate", CERTIFIED, |_| {
            Request::cos("GET", "?domaincertificate&domainname=files.example")
        }),
        canonical("DeleteBucketDomainCertificate", CERTIFIED, |_| {
            Request::cos("DELETE", "?domaincertificate&domainname=files.example")
        }),
    ]
}

const CERTIFIED: &[fn(&Server)] = &[
    |server| configure(server, "domain", DOMAIN),
    |server| configure(server, "domaincertificate", CERTIFICATE),
];

/// Takes the name of an operation, what has to be there before, and the request.
pub type Use<'a> = &'a mut dyn FnMut(&str, &dyn Fn(&Server), &dyn Fn(&Server) -> Request);

/// Makes a request after another for each operation on a configuration.
pub fn of_configurations(use_it: Use<'_>) {
    for (name, query, document, before, deletes) in CONFIGURATIONS {
        let prepare = |server: &Server| before.iter().for_each(|prepare| prepare(server));
        let put = |_: &Server| Request::cos("PUT", &format!("?{query}")).body(document);
        let prepare_and_put = |server: &Server| {
            prepare(server);
            server.send(put(server)).ok();
        };
        use_it(&format!("PutBucket{name}"), &prepare, &put);
        let get = |_: &Server| Request::cos("GET", &format!("?{query}"));
        use_it(&format!("GetBucket{name}"), &prepare_and_put, &get);
        if *deletes {
            let delete = |_: &Server| Request::cos("DELETE", &format!("?{query}"));
            use_it(&format!("DeleteBucket{name}"), &prepare_and_put, &delete);
        }
    }
}

/// Every operation of COS by a request that succeeds.
pub fn of_all(use_it: Use<'_>) {
    of_configurations(use_it);
    for Canonical { op, prepare, request } in canonicals() {
        use_it(op, &|server| prepare.iter().for_each(|prepare| prepare(server)), &|server| request(server));
    }
}
