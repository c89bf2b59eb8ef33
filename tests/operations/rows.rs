//! One request for every operation of COS that succeeds, with what has to be there before.

use crate::support::documents::*;
use crate::support::{BUCKET, Request, Server};

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

/// An upload of `key`, and the ETag of its part 1.
pub fn upload(server: &Server) -> (String, String) {
    let upload = server.send(Request::cos("POST", "key?uploads")).element("UploadId").unwrap();
    let part = Request::cos("PUT", &format!("key?partNumber=1&uploadId={upload}")).body("bytes");
    let etag = server.send(part).ok().header("ETag").unwrap().to_owned();
    (upload, etag)
}

pub fn copy(key: &str) -> Request {
    Request::cos("PUT", key).with("x-cos-copy-source", format!("{BUCKET}.cos.ap-guangzhou.myqcloud.com/key"))
}

pub fn part_copy(server: &Server) -> Request {
    let (upload, _) = upload(server);
    copy(&format!("key?partNumber=2&uploadId={upload}"))
}

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
        canonical(
            "DeleteBucketIntelligentTiering",
            &[|server| configure(server, "intelligent-tiering&id=r", TIERING_RULE)],
            |_| Request::cos("DELETE", "?intelligent-tiering&id=r"),
        ),
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
