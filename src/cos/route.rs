//! Which bucket, which key, which operation: from host, path, query and method.
//!
//! No handler looks at hosts or decides by method. Keys are decoded once and never normalised.
//!
//! Source: `cos.md` 1.1 (hosts), 1.2 (path style), 5.0 (sub-resources).

use http::Method;

use super::error::Error;
use crate::code::CosCode;
use crate::message::{Account, Head};
use crate::operation::{Names, Operation, is_bucket_name};
use crate::signature::without_port;

/// The longest bucket name: one label of a host name.
const MAX_BUCKET_NAME_BYTES: usize = 63;

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The operation.
    pub operation: Operation,
    /// The bucket, `name-appid`; empty for `ListBuckets`.
    pub bucket: String,
    /// The region that the host names, if it names one.
    pub region: Option<String>,
    /// The key; empty for operations on buckets.
    pub key: String,
    /// What kind of host it came to.
    pub site: Site,
}

/// What a host serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// The API.
    Api,
    /// The API by way of global acceleration, which has to be enabled for the bucket.
    Accelerated,
    /// The static website of a bucket.
    Website,
}

impl Target {
    /// What rules match on and the journal shows.
    pub fn names(&self, head: &Head) -> Names {
        let present = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Names {
            bucket: present(&self.bucket),
            key: present(&self.key),
            upload: head.query.get("uploadId").and_then(present),
            part: head
                .query
                .get("partNumber")
                .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|number| number.parse().ok()),
            ..Names::default()
        }
    }
}

/// What a host name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostForm {
    /// It names a bucket and its region.
    Bucket {
        /// The first label.
        bucket: String,
        /// The last label before the domain.
        region: String,
    },
    /// `<bucket>.cos.accelerate.*`: global acceleration, which has to be enabled for a bucket.
    Accelerated {
        /// The first label.
        bucket: String,
    },
    /// `<bucket>.cos-website.<region>.*`: the static website.
    Website {
        /// The first label.
        bucket: String,
        /// The region.
        region: String,
    },
    /// `service.cos.*`, or `cos.<region>.*`, which also takes the bucket as the first segment of the path.
    Service {
        /// The region, when the host is restricted to one.
        region: Option<String>,
    },
    /// `cas.<region>.*`: the other service.
    Cas {
        /// The region.
        region: String,
    },
    /// A host of the service for something that is not emulated; says what.
    NotEmulated(&'static str),
    /// An address, `localhost`, a container name, a domain of one's own.
    Other,
}

/// Reads a host name, with or without a port.
pub fn host_form(host: &str) -> HostForm {
    let host = without_port(host).to_ascii_lowercase();
    if host.starts_with("vectors.") && host.ends_with(".coslake.com") {
        return HostForm::NotEmulated("vector buckets");
    }
    let suffixes = [".myqcloud.com", ".tencentcos.cn", ".tencentcos.com"];
    let Some(front) = suffixes.iter().find_map(|suffix| host.strip_suffix(suffix)) else {
        return HostForm::Other;
    };
    let labels: Vec<&str> = front.split('.').collect();
    match *labels.as_slice() {
        ["service", "cos"] => HostForm::Service { region: None },
        ["cos", region] => HostForm::Service { region: Some(region.to_owned()) },
        ["cas", region] => HostForm::Cas { region: region.to_owned() },
        [bucket, "cos-website" | "cos-website-internal", region] => {
            HostForm::Website { bucket: bucket.to_owned(), region: region.to_owned() }
        }
        [_, "ci" | "pic", _] | ["ci", _] => HostForm::NotEmulated("Cloud Infinite"),
        [_, "cos-control", _] => HostForm::NotEmulated("batch jobs"),
        [_, "migration"] => HostForm::NotEmulated("fetch tasks"),
        [bucket, "cos" | "cos-internal", "accelerate"] => HostForm::Accelerated { bucket: bucket.to_owned() },
        [bucket, kind, region] if kind.starts_with("cos") => {
            HostForm::Bucket { bucket: bucket.to_owned(), region: region.to_owned() }
        }
        // The form of 2017.
        [bucket, region] if is_bucket_name(bucket) => {
            HostForm::Bucket { bucket: bucket.to_owned(), region: region.to_owned() }
        }
        _ => HostForm::Other,
    }
}

/// Finds out what a request is for.
///
/// # Errors
/// `InvalidURI` for malformed percent-encoding; `InvalidBucketName` when nothing names a bucket; `MethodNotAllowed`;
/// `NotImplemented` for hosts and sub-resources of what is not emulated at all.
pub fn route(head: &Head, account: &Account) -> Result<Target, Error> {
    let path = head.decoded_path().map_err(|malformed| Error::new(CosCode::InvalidURI).because(malformed))?;
    if head.query.is_malformed() {
        return Err(Error::new(CosCode::InvalidURI).because("the percent-encoding of the query is malformed"));
    }
    let path = path.strip_prefix('/').unwrap_or(&path);
    let mut site = Site::Api;
    let (bucket, region, key) = match host_form(head.host()) {
        HostForm::Bucket { bucket, region } => (bucket, Some(region), path.to_owned()),
        HostForm::Accelerated { bucket } => {
            site = Site::Accelerated;
            (bucket, None, path.to_owned())
        }
        HostForm::Website { bucket, region } => {
            site = Site::Website;
            (bucket, Some(region), path.to_owned())
        }
        HostForm::NotEmulated(what) => return Err(Error::not_implemented(what)),
        HostForm::Service { region } => match bucket_in_path(path) {
            Some((bucket, key)) => (bucket.to_owned(), region, key.to_owned()),
            None if path.is_empty() => return service_operation(head, region),
            None => return Err(names_no_bucket(head)),
        },
        HostForm::Cas { .. } | HostForm::Other if bucket_of_localhost(head).is_some() => {
            (bucket_of_localhost(head).unwrap_or_default(), None, path.to_owned())
        }
        HostForm::Cas { .. } | HostForm::Other => match (bucket_in_path(path), &account.default_bucket) {
            (Some((bucket, key)), _) => (bucket.to_owned(), None, key.to_owned()),
            (None, _) if path.is_empty() && head.method == Method::GET && !asks_for_a_bucket(head) => {
                return service_operation(head, None);
            }
            (None, Some(bucket)) => (bucket.clone(), None, path.to_owned()),
            (None, None) => return Err(names_no_bucket(head)),
        },
    };
    if !is_bucket_name(&bucket) {
        return Err(Error::new(CosCode::InvalidBucketName)
            .because(format_args!("the bucket name \"{bucket}\" is not of the form <name>-<appid>")));
    }
    if bucket.len() > MAX_BUCKET_NAME_BYTES {
        return Err(Error::new(CosCode::BucketNameTooLong));
    }
    let operation = match site {
        Site::Website => website_operation(head)?,
        _ if key.is_empty() => bucket_operation(head)?,
        _ => object_operation(head)?,
    };
    Ok(Target { operation, bucket, region, key, site })
}

fn service_operation(head: &Head, region: Option<String>) -> Result<Target, Error> {
    if head.method != Method::GET {
        return Err(Error::new(CosCode::MethodNotAllowed));
    }
    let operation = Operation::ListBuckets;
    Ok(Target { operation, bucket: String::new(), region, key: String::new(), site: Site::Api })
}

/// A website is read, also at its root.
fn website_operation(head: &Head) -> Result<Operation, Error> {
    match head.method {
        Method::GET => Ok(Operation::GetObject),
        Method::HEAD => Ok(Operation::HeadObject),
        Method::OPTIONS => Ok(Operation::OptionsObject),
        _ => Err(Error::new(CosCode::MethodNotAllowed)),
    }
}

/// The bucket of `<bucket>.localhost`, which browsers look for on this machine by themselves.
fn bucket_of_localhost(head: &Head) -> Option<String> {
    let host = without_port(head.host()).to_ascii_lowercase();
    host.strip_suffix(".localhost").filter(|label| is_bucket_name(label)).map(str::to_owned)
}

/// A first segment of the path that looks like a bucket, and the rest.
fn bucket_in_path(path: &str) -> Option<(&str, &str)> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    is_bucket_name(first).then_some((first, rest))
}

/// Whether `GET /` without a bucket in host or path is for the default bucket and not for the list of buckets.
fn asks_for_a_bucket(head: &Head) -> bool {
    let listing = ["prefix", "delimiter", "encoding-type"];
    let mut names = head.query.pairs().iter().map(|(name, _)| name.as_str());
    names.any(|name| {
        listing.contains(&name) || BUCKET_SUBRESOURCES.iter().any(|(subresource, _)| *subresource == name)
    })
}

fn names_no_bucket(head: &Head) -> Error {
    Error::new(CosCode::InvalidBucketName).because(format_args!(
        "the host \"{}\" names no bucket and the path does not start with one; send Host: \
         <name>-<appid>.cos.<region>.myqcloud.com, or the path /<name>-<appid>/<key>, or start cos-emu with --bucket",
        head.host()
    ))
}

/// The operations of a sub-resource by method.
type Methods = &'static [(Method, Operation)];

macro_rules! subresources {
    ($($name:literal: $($method:ident $operation:ident),*;)*) => {
        &[$(($name, &[$((Method::$method, Operation::$operation)),*])),*]
    };
}

/// Sub-resources of buckets. The first that is present decides.
const BUCKET_SUBRESOURCES: &[(&str, Methods)] = subresources! {
    "uploads": GET ListMultipartUploads;
    "delete": POST DeleteObjects;
    "versions": GET ListVersions;
    "acl": GET GetBucketAcl, PUT PutBucketAcl;
    "cors": GET GetBucketCors, PUT PutBucketCors, DELETE DeleteBucketCors;
    "location": GET GetBucketLocation;
    "lifecycle": GET GetBucketLifecycle, PUT PutBucketLifecycle, DELETE DeleteBucketLifecycle;
    "versioning": GET GetBucketVersioning, PUT PutBucketVersioning;
    "tagging": GET GetBucketTagging, PUT PutBucketTagging, DELETE DeleteBucketTagging;
    "policy": GET GetBucketPolicy, PUT PutBucketPolicy, DELETE DeleteBucketPolicy;
    "referer": GET GetBucketReferer, PUT PutBucketReferer, DELETE DeleteBucketReferer;
    "website": GET GetBucketWebsite, PUT PutBucketWebsite, DELETE DeleteBucketWebsite;
    "replication": GET GetBucketReplication, PUT PutBucketReplication, DELETE DeleteBucketReplication;
    "logging": GET GetBucketLogging, PUT PutBucketLogging;
    "inventory": GET GetBucketInventory, PUT PutBucketInventory, POST PostBucketInventory, DELETE DeleteBucketInventory;
    "encryption": GET GetBucketEncryption, PUT PutBucketEncryption, DELETE DeleteBucketEncryption;
    "accelerate": GET GetBucketAccelerate, PUT PutBucketAccelerate;
    "domain": GET GetBucketDomain, PUT PutBucketDomain, DELETE DeleteBucketDomain;
    "domaincertificate": GET GetBucketDomainCertificate, PUT PutBucketDomainCertificate, DELETE DeleteBucketDomainCertificate;
    "origin": GET GetBucketOrigin, PUT PutBucketOrigin, DELETE DeleteBucketOrigin;
    "intelligenttiering": GET GetBucketIntelligentTiering, PUT PutBucketIntelligentTiering;
    "intelligent-tiering": GET GetBucketIntelligentTiering, PUT PutBucketIntelligentTiering, DELETE DeleteBucketIntelligentTiering;
    "object-lock": GET GetBucketObjectLock, PUT PutBucketObjectLock;
    "strict-signature": GET GetBucketStrictSignature, PUT PutBucketStrictSignature, DELETE DeleteBucketStrictSignature;
    "notification": GET GetBucketNotification, PUT PutBucketNotification;
};

/// Sub-resources of objects. The first that is present decides.
const OBJECT_SUBRESOURCES: &[(&str, Methods)] = subresources! {
    "uploadId": PUT UploadPart, POST CompleteMultipartUpload, DELETE AbortMultipartUpload, GET ListParts;
    "uploads": POST InitiateMultipartUpload;
    "partNumber": PUT UploadPart;
    "append": POST AppendObject;
    "restore": POST RestoreObject;
    "select": POST SelectObjectContent;
    "symlink": GET GetObjectSymlink, PUT PutObjectSymlink;
    "acl": GET GetObjectAcl, PUT PutObjectAcl;
    "tagging": GET GetObjectTagging, PUT PutObjectTagging, DELETE DeleteObjectTagging;
    "retention": GET GetObjectRetention, PUT PutObjectRetention;
    "preflight": HEAD PreflightObject;
};

/// Sub-resources of services beside COS, which are not emulated at all.
const FOREIGN_SUBRESOURCES: &[(&str, &str)] = &[
    ("live", "live channels"),
    ("vod", "live channels"),
    ("ci-process", "Cloud Infinite"),
    ("image_process", "Cloud Infinite"),
    ("rename", "metadata acceleration"),
    ("response-control", "the control of response parameters"),
    ("quota", "bucket quota"),
];

fn subresource(head: &Head, table: &'static [(&'static str, Methods)]) -> Result<Option<Operation>, Error> {
    // `partNumber` without `uploadId` on a read is no sub-resource, only a parameter that nobody knows.
    let applies = |name: &str| head.query.has(name) && (name != "partNumber" || head.method == Method::PUT);
    if let Some((_, methods)) = table.iter().find(|(name, _)| applies(name)) {
        let operation =
            methods.iter().find(|(method, _)| *method == head.method).map(|(_, operation)| *operation);
        return operation.map(Some).ok_or_else(|| Error::new(CosCode::MethodNotAllowed));
    }
    match FOREIGN_SUBRESOURCES.iter().find(|(name, _)| head.query.has(name)) {
        Some((_, what)) => Err(Error::not_implemented(what)),
        None => Ok(None),
    }
}

fn bucket_operation(head: &Head) -> Result<Operation, Error> {
    if head.method == Method::OPTIONS {
        return Ok(Operation::OptionsObject);
    }
    if let Some(operation) = subresource(head, BUCKET_SUBRESOURCES)? {
        let lists = operation == Operation::GetBucketInventory && !head.query.has("id");
        return Ok(if lists { Operation::ListBucketInventory } else { operation });
    }
    match head.method {
        Method::GET => Ok(Operation::ListObjects),
        Method::PUT => Ok(Operation::PutBucket),
        Method::HEAD => Ok(Operation::HeadBucket),
        Method::DELETE => Ok(Operation::DeleteBucket),
        Method::POST => Ok(Operation::PostObject),
        _ => Err(Error::new(CosCode::MethodNotAllowed)),
    }
}

fn object_operation(head: &Head) -> Result<Operation, Error> {
    if head.method == Method::OPTIONS {
        return Ok(Operation::OptionsObject);
    }
    let copies = head.header("x-cos-copy-source").is_some();
    if let Some(operation) = subresource(head, OBJECT_SUBRESOURCES)? {
        return Ok(if operation == Operation::UploadPart && copies {
            Operation::UploadPartCopy
        } else {
            operation
        });
    }
    match head.method {
        Method::GET => Ok(Operation::GetObject),
        Method::PUT if copies => Ok(Operation::CopyObject),
        Method::PUT => Ok(Operation::PutObject),
        Method::HEAD => Ok(Operation::HeadObject),
        Method::DELETE => Ok(Operation::DeleteObject),
        _ => Err(Error::new(CosCode::MethodNotAllowed)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::message::tests::head;
    use crate::operation::Service;

    fn account(default_bucket: Option<&str>) -> Account {
        Account {
            appid: "1250000000".to_owned(),
            region: "ap-guangzhou".to_owned(),
            default_bucket: default_bucket.map(str::to_owned),
            jobs: Default::default(),
            etag: Default::default(),
            cas: Default::default(),
            redirect_hosts: Vec::new(),
        }
    }

    fn bucket(bucket: &str, region: &str) -> HostForm {
        HostForm::Bucket { bucket: bucket.to_owned(), region: region.to_owned() }
    }

    #[test]
    fn every_host_form_of_the_service_is_known() {
        for (host, form) in [
            ("b-1.cos.ap-x.myqcloud.com", bucket("b-1", "ap-x")),
            ("B-1.COS.ap-x.MyQCloud.com:80", bucket("b-1", "ap-x")),
            ("b-1.cos.ap-x.tencentcos.cn", bucket("b-1", "ap-x")),
            ("b-1.cos.ap-x.tencentcos.com", bucket("b-1", "ap-x")),
            ("b-1.cos-internal.ap-x.tencentcos.cn", bucket("b-1", "ap-x")),
            ("b-1.cos-dualstack.ap-x.myqcloud.com", bucket("b-1", "ap-x")),
            ("b-1.cos-cdc.ap-x.myqcloud.com", bucket("b-1", "ap-x")),
            ("b-1.cosv6.ap-x.myqcloud.com", bucket("b-1", "ap-x")),
            ("b-1.cos.accelerate.myqcloud.com", HostForm::Accelerated { bucket: "b-1".to_owned() }),
            ("b-1.cos-internal.accelerate.tencentcos.cn", HostForm::Accelerated { bucket: "b-1".to_owned() }),
            (
                "arlenhuangtestsgnoversion-1251668577.sg.myqcloud.com",
                bucket("arlenhuangtestsgnoversion-1251668577", "sg"),
            ),
            ("noappid.cos.ap-x.myqcloud.com", bucket("noappid", "ap-x")),
            ("service.cos.myqcloud.com", HostForm::Service { region: None }),
            ("service.cos.tencentcos.cn", HostForm::Service { region: None }),
            ("cos.ap-x.myqcloud.com", HostForm::Service { region: Some("ap-x".to_owned()) }),
            ("cas.ap-x.myqcloud.com", HostForm::Cas { region: "ap-x".to_owned() }),
            (
                "b-1.cos-website.ap-x.myqcloud.com",
                HostForm::Website { bucket: "b-1".to_owned(), region: "ap-x".to_owned() },
            ),
            ("b-1.ci.ap-x.myqcloud.com", HostForm::NotEmulated("Cloud Infinite")),
            ("b-1.pic.ap-x.myqcloud.com", HostForm::NotEmulated("Cloud Infinite")),
            ("1.cos-control.ap-x.myqcloud.com", HostForm::NotEmulated("batch jobs")),
            ("ap-x.migration.myqcloud.com", HostForm::NotEmulated("fetch tasks")),
            ("vectors.ap-x.coslake.com", HostForm::NotEmulated("vector buckets")),
            ("127.0.0.1:3077", HostForm::Other),
            ("localhost", HostForm::Other),
            ("files.example.com", HostForm::Other),
            ("myqcloud.com", HostForm::Other),
            ("", HostForm::Other),
        ] {
            assert_eq!(host_form(host), form, "{host}");
        }
    }

    fn routed(
        method: &str,
        host: &str,
        target: &str,
        default_bucket: Option<&str>,
    ) -> Result<Target, CosCode> {
        route(&head(method, target, &[("Host", host)]), &account(default_bucket))
            .map_err(|error| error.code())
    }

    #[test]
    fn the_bucket_comes_from_the_host_the_path_or_the_default() {
        let host = "b-1.cos.ap-x.myqcloud.com";
        let found = |host, target, default| {
            routed("PUT", host, target, default).map(|target| (target.bucket, target.key)).unwrap()
        };
        let pair = |bucket: &str, key: &str| (bucket.to_owned(), key.to_owned());
        assert_eq!(found(host, "/c-2/k", None), pair("b-1", "c-2/k"));
        assert_eq!(found(host, "//k", None), pair("b-1", "/k"));
        assert_eq!(found("127.0.0.1:1", "/c-2/k%2Fl", None), pair("c-2", "k/l"));
        assert_eq!(found("127.0.0.1:1", "/c-2/k", Some("d-3")), pair("c-2", "k"));
        assert_eq!(found("127.0.0.1:1", "/c-2", None), pair("c-2", ""));
        assert_eq!(found("127.0.0.1:1", "/some/key", Some("d-3")), pair("d-3", "some/key"));
        assert_eq!(found("cos.ap-x.myqcloud.com", "/c-2/k", None), pair("c-2", "k"));
        assert_eq!(found("c-2.localhost:1", "/d-3/k", Some("e-4")), pair("c-2", "d-3/k"));
        assert_eq!(routed("PUT", "127.0.0.1:1", "/some/key", None), Err(CosCode::InvalidBucketName));
        assert_eq!(
            routed("PUT", "service.cos.myqcloud.com", "/key", Some("d-3")),
            Err(CosCode::InvalidBucketName)
        );
        assert_eq!(
            routed("PUT", "noappid.cos.ap-x.myqcloud.com", "/key", None),
            Err(CosCode::InvalidBucketName)
        );
        let long = format!("{}-1.cos.ap-x.myqcloud.com", "b".repeat(62));
        assert_eq!(routed("PUT", &long, "/key", None), Err(CosCode::BucketNameTooLong));
    }

    #[test]
    fn the_root_without_a_bucket_lists_buckets_unless_it_asks_for_a_listing_of_keys() {
        let operation =
            |host, target, default| routed("GET", host, target, default).map(|target| target.operation);
        assert_eq!(operation("service.cos.myqcloud.com", "/", None), Ok(Operation::ListBuckets));
        assert_eq!(operation("cos.ap-x.myqcloud.com", "/", None), Ok(Operation::ListBuckets));
        assert_eq!(operation("127.0.0.1:1", "/", Some("d-3")), Ok(Operation::ListBuckets));
        assert_eq!(
            operation("127.0.0.1:1", "/?marker=&max-keys=2000", Some("d-3")),
            Ok(Operation::ListBuckets)
        );
        assert_eq!(
            operation("127.0.0.1:1", "/?prefix=&max-keys=10", Some("d-3")),
            Ok(Operation::ListObjects)
        );
        assert_eq!(operation("127.0.0.1:1", "/?uploads", Some("d-3")), Ok(Operation::ListMultipartUploads));
        assert_eq!(operation("127.0.0.1:1", "/?prefix=", None), Err(CosCode::InvalidBucketName));
    }

    #[test]
    fn each_operation_is_found_by_method_and_query() {
        let host = "b-1.cos.ap-x.myqcloud.com";
        let mut found = BTreeSet::new();
        for (method, target, operation) in [
            ("GET", "/", Operation::ListObjects),
            ("PUT", "/", Operation::PutBucket),
            ("HEAD", "/", Operation::HeadBucket),
            ("DELETE", "/", Operation::DeleteBucket),
            ("POST", "/", Operation::PostObject),
            ("POST", "/?delete", Operation::DeleteObjects),
            ("POST", "/?delete=", Operation::DeleteObjects),
            ("GET", "/?uploads&prefix=x", Operation::ListMultipartUploads),
            ("GET", "/?inventory", Operation::ListBucketInventory),
            ("GET", "/?inventory&id=1", Operation::GetBucketInventory),
            ("OPTIONS", "/", Operation::OptionsObject),
            ("OPTIONS", "/k", Operation::OptionsObject),
            ("GET", "/k", Operation::GetObject),
            ("GET", "/k?foo=bar&versionId=", Operation::GetObject),
            ("GET", "/k?partNumber=1", Operation::GetObject),
            ("PUT", "/k", Operation::PutObject),
            ("HEAD", "/k", Operation::HeadObject),
            ("DELETE", "/k", Operation::DeleteObject),
            ("POST", "/k?uploads", Operation::InitiateMultipartUpload),
            ("POST", "/k?uploads=", Operation::InitiateMultipartUpload),
            ("PUT", "/k?partNumber=1&uploadId=x", Operation::UploadPart),
            ("PUT", "/k?uploadId=x&partNumber=1", Operation::UploadPart),
            ("PUT", "/k?uploadId=x", Operation::UploadPart),
            ("PUT", "/k?partNumber=1", Operation::UploadPart),
            ("POST", "/k?uploadId=x", Operation::CompleteMultipartUpload),
            ("DELETE", "/k?uploadId=x", Operation::AbortMultipartUpload),
            ("GET", "/k?uploadId=x&max-parts=1", Operation::ListParts),
        ] {
            let target =
                routed(method, host, target, None).unwrap_or_else(|code| panic!("{method} {target}: {code}"));
            assert_eq!(target.operation, operation, "{method} {target:?}");
            found.insert(operation);
        }
        let copy = |target| {
            let lines = [("Host", host), ("x-cos-copy-source", "b-1.cos.ap-x.myqcloud.com/k")];
            route(&head("PUT", target, &lines), &account(None)).unwrap().operation
        };
        assert_eq!(copy("/k"), Operation::CopyObject);
        assert_eq!(copy("/k?partNumber=1&uploadId=x"), Operation::UploadPartCopy);
        found.extend([Operation::CopyObject, Operation::UploadPartCopy, Operation::ListBuckets]);

        let tables = BUCKET_SUBRESOURCES.iter().chain(OBJECT_SUBRESOURCES);
        found.extend(tables.flat_map(|(_, methods)| methods.iter().map(|(_, operation)| *operation)));
        let missing: Vec<_> = Operation::ALL
            .iter()
            .filter(|operation| operation.service() == Service::Cos && !found.contains(operation))
            .collect();
        assert!(missing.is_empty(), "no route leads to {missing:?}");
    }

    #[test]
    fn the_part_is_named_as_it_is_sent_and_only_by_digits() {
        let part = |number: &str| {
            let target = format!("/k?partNumber={number}&uploadId=x");
            let head = head("PUT", &target, &[("Host", "b-1.cos.ap-x.myqcloud.com")]);
            route(&head, &account(None)).unwrap().names(&head).part
        };
        assert_eq!((part("3"), part("0"), part("10001")), (Some(3), Some(0), Some(10_001)));
        assert_eq!((part("%2B3"), part("+3"), part("x"), part("")), (None, None, None, None));
    }

    #[test]
    fn what_is_no_operation_is_refused() {
        let host = "b-1.cos.ap-x.myqcloud.com";
        for (method, target, code) in [
            ("PATCH", "/k", CosCode::MethodNotAllowed),
            ("POST", "/k", CosCode::MethodNotAllowed),
            ("HEAD", "/k?uploadId=x", CosCode::MethodNotAllowed),
            ("DELETE", "/?acl", CosCode::MethodNotAllowed),
            ("GET", "/k?uploads", CosCode::MethodNotAllowed),
            ("GET", "/k%zz", CosCode::InvalidURI),
            ("GET", "/k?a=%", CosCode::InvalidURI),
            ("GET", "/k?ci-process=x", CosCode::NotImplemented),
        ] {
            assert_eq!(routed(method, host, target, None), Err(code), "{method} {target}");
        }
        let website = "b-1.cos-website.ap-x.myqcloud.com";
        assert_eq!(
            routed("GET", website, "/", None).map(|target| target.operation),
            Ok(Operation::GetObject)
        );
        assert_eq!(routed("PUT", website, "/k", None), Err(CosCode::MethodNotAllowed));
    }
}
