//! Whole operations of COS through a real socket with a plain client.

mod access;
mod configurations;
mod copies;
#[path = "../support/mod.rs"]
mod support;
mod times;
mod versions;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use support::{Answer, BUCKET, Request, Server, md5, md5_base64, pattern};

const MIB: usize = 1 << 20;

fn put(server: &Server, key: &str, body: &[u8]) -> Answer {
    server.send(Request::cos("PUT", key).body(body))
}

fn get(server: &Server, key: &str) -> Answer {
    server.send(Request::cos("GET", key))
}

// ---- buckets ----

#[test]
fn buckets_are_made_listed_looked_at_and_deleted() {
    let server = Server::start();
    let on =
        |method: &str| Request::new(method, "/").with("Host", "new-1250000000.cos.ap-beijing.myqcloud.com");
    server.send(on("HEAD")).is(404, "");
    server.send(on("PUT")).ok();
    server.send(on("PUT")).is(409, "BucketAlreadyOwnedByYou");
    let head = server.send(on("HEAD"));
    assert_eq!(head.ok().header("x-cos-bucket-region"), Some("ap-beijing"));

    let list = server.send(Request::new("GET", "/").with("Host", "service.cos.myqcloud.com"));
    assert_eq!(list.elements("Name"), [BUCKET, "new-1250000000"]);
    assert_eq!(list.elements("Location"), ["ap-guangzhou", "ap-beijing"]);
    let regional = server.send(Request::new("GET", "/").with("Host", "cos.ap-beijing.myqcloud.com"));
    assert_eq!(regional.elements("Name"), ["new-1250000000"]);

    assert_eq!(server.send(on("DELETE")).status, 204);
    server.send(on("DELETE")).is(404, "NoSuchBucket");
}

#[test]
fn a_bucket_with_objects_or_uploads_is_not_deleted() {
    let server = Server::start();
    put(&server, "k", b"x").ok();
    server.send(Request::cos("DELETE", "")).is(409, "BucketNotEmpty");
    server.send(Request::cos("DELETE", "k")).ok();
    let upload = initiate(&server, "k");
    server.send(Request::cos("DELETE", "")).is(409, "BucketNotEmpty");
    server.send(Request::cos("DELETE", &format!("k?uploadId={upload}"))).ok();
    server.send(Request::cos("DELETE", "")).ok();
}

#[test]
fn a_bucket_is_not_found_in_another_region_and_the_message_says_where_it_is() {
    let server = Server::start();
    let host = format!("{BUCKET}.cos.ap-beijing.myqcloud.com");
    let answer = server.send(Request::new("GET", "/").with("Host", &host));
    answer.is(404, "NoSuchBucket");
    assert!(answer.element("Message").unwrap().contains("is in ap-guangzhou, not in ap-beijing"));
}

#[test]
fn an_account_has_at_most_200_buckets() {
    let server = Server::start();
    let mut connection = server.connect();
    for number in 1..200 {
        connection.send(&Request::new("PUT", &format!("/b{number}-1"))).ok();
    }
    connection.send(&Request::new("PUT", "/one-more-1")).is(400, "TooManyBuckets");
}

#[test]
fn a_bucket_configuration_that_is_not_emulated_is_said_to_be() {
    let server = Server::start();
    let body = "<CreateBucketConfiguration><BucketAZConfig>MAZ</BucketAZConfig></CreateBucketConfiguration>";
    server.send(Request::new("PUT", "/m-1").body(body)).is(501, "NotImplemented");
    server.send(Request::new("PUT", "/m-1").body("<CreateBucketConfiguration/>")).ok();
    server.send(Request::new("PUT", "/n-1").body("<Other/>")).is(400, "MalformedXML");
}

#[test]
fn every_way_to_address_a_bucket_reaches_it() {
    let server = Server::start();
    put(&server, "k", b"found").ok();
    for (host, target) in [
        (format!("{BUCKET}.cos.ap-guangzhou.myqcloud.com"), "/k".to_owned()),
        (format!("{BUCKET}.cos.ap-guangzhou.tencentcos.cn:8080"), "/k".to_owned()),
        (format!("{BUCKET}.cos-internal.ap-guangzhou.tencentcos.cn"), "/k".to_owned()),
        (format!("{BUCKET}.ap-guangzhou.myqcloud.com"), "/k".to_owned()),
        ("cos.ap-guangzhou.myqcloud.com".to_owned(), format!("/{BUCKET}/k")),
        ("localhost:3077".to_owned(), format!("/{BUCKET}/k")),
        // Neither host nor path names a bucket: the first one is meant.
        ("127.0.0.1".to_owned(), "/k".to_owned()),
        ("ignored".to_owned(), format!("http://{BUCKET}.cos.ap-guangzhou.myqcloud.com/k")),
        ("ignored".to_owned(), format!("http://{BUCKET}.cos.ap-guangzhou.myqcloud.com:80/k?a=b")),
    ] {
        let answer = server.send(Request::new("GET", &target).with("Host", &host));
        assert_eq!(answer.ok().text(), "found", "{host} {target}");
    }
}

#[test]
fn a_request_that_names_no_bucket_is_told_how_to() {
    let server = Server::configured(|config| config.buckets.clear());
    let answer = server.send(Request::new("PUT", "/some/key").body("x"));
    answer.is(400, "InvalidBucketName");
    let message = answer.element("Message").unwrap();
    assert!(message.contains("cos.&lt;region&gt;.myqcloud.com") && message.contains("--bucket"), "{message}");
}

#[test]
fn what_is_documented_and_not_emulated_is_501_and_named_in_the_journal() {
    let server = Server::start();
    let answer = server.send(Request::cos("GET", "?notification"));
    answer.is(501, "NotImplemented");
    assert!(answer.element("Message").unwrap().contains("GetBucketNotification"));
    assert_eq!(server.exchange().op, Some("GetBucketNotification"));
    server.send(Request::cos("PATCH", "k").body("x")).is(405, "MethodNotAllowed");
}

// ---- objects ----

#[test]
fn an_object_reads_back_with_its_headers() {
    let server = Server::start();
    let answer = server.send(
        Request::cos("PUT", "dir/a.txt")
            .with("Cache-Control", "no-cache")
            .with("Content-Type", "")
            .with("x-cos-meta-Author", "J. Doe")
            .with("x-cos-storage-class", "STANDARD_IA")
            .body("hello cos"),
    );
    answer.ok();
    assert_eq!(answer.header("ETag"), Some(format!("\"{}\"", md5(b"hello cos")).as_str()));
    assert!(answer.body.is_empty() && answer.header("Content-Length") == Some("0"));

    let answer = get(&server, "dir/a.txt");
    assert_eq!(answer.text(), "hello cos");
    for (name, value) in [
        ("Content-Type", "text/plain"),
        ("Cache-Control", "no-cache"),
        ("x-cos-meta-author", "J. Doe"),
        ("x-cos-storage-class", "STANDARD_IA"),
        ("Accept-Ranges", "bytes"),
        ("Server", "tencent-cos"),
        ("x-cos-object-type", "normal"),
        ("Content-Length", "9"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let head = server.send(Request::cos("HEAD", "dir/a.txt"));
    assert_eq!(head.header("Content-Length"), Some("9"));
    assert_eq!(head.header("ETag"), answer.header("ETag"));
}

#[test]
fn a_type_follows_from_the_extension_when_none_is_given() {
    let server = Server::start();
    for (key, kind) in
        [("a.zip", "application/zip"), ("b", "application/octet-stream"), ("c.json", "application/json")]
    {
        put(&server, key, b"x").ok();
        assert_eq!(get(&server, key).header("Content-Type"), Some(kind), "{key}");
    }
}

#[test]
fn the_published_crc_is_sent() {
    let server = Server::start();
    let answer = put(&server, "k", b"[Object Content]");
    assert_eq!(answer.header("x-cos-hash-crc64ecma"), Some("16749565679157681890"));
    let range = server.send(Request::cos("GET", "k").with("Range", "bytes=0-3"));
    assert_eq!(range.header("x-cos-hash-crc64ecma"), Some("16749565679157681890"), "of the whole object");
}

#[test]
fn keys_are_bytes_decoded_once_and_never_normalised() {
    let server = Server::start();
    let mut connection = server.connect();
    let keys = [
        ("a%20b/c+d%2Fe", "a b/c+d/e"),
        ("%E7%9B%AE%E5%BD%95/%E6%96%87", "目录/文"),
        ("x//y/../z/.", "x//y/../z/."),
        ("100%25", "100%"),
        ("%252F", "%2F"),
        ("folder/", "folder/"),
        ("q%3Fa=b", "q?a=b"),
        ("amp&lt%3C%22", "amp&lt<\""),
    ];
    for (target, key) in keys {
        connection.send(&Request::cos("PUT", target).body(key)).ok();
    }
    for (target, key) in keys {
        assert_eq!(connection.send(&Request::cos("GET", target)).text(), key);
    }
    let mut expected: Vec<_> = keys.iter().map(|(_, key)| key.to_string()).collect();
    expected.sort();
    let listed = connection.send(&Request::cos("GET", "?encoding-type=url")).elements("Key");
    let decoded: Vec<_> = listed
        .iter()
        .map(|key| percent_encoding::percent_decode_str(key).decode_utf8().unwrap().into_owned())
        .collect();
    assert_eq!(decoded, expected);
    assert!(listed.iter().all(|key| !key.contains('+')), "{listed:?}");
}

#[test]
fn keys_that_cannot_be_are_refused() {
    let server = Server::start();
    put(&server, &"k".repeat(850), b"x").ok();
    put(&server, &"k".repeat(851), b"x").is(400, "KeyTooLong");
    put(&server, "/k", b"x").is(400, "InvalidObjectName");
    put(&server, "a%18b", b"x").is(400, "InvalidObjectName");
    put(&server, "%zz", b"x").is(400, "InvalidURI");
    put(&server, "%ff", b"x").is(400, "InvalidURI");
    put(&server, "k?a=%", b"x").is(400, "InvalidURI");
}

#[test]
fn metadata_that_cannot_be_is_refused() {
    let server = Server::start();
    let long = "v".repeat(4 << 10);
    server.send(Request::cos("PUT", "k").with("x-cos-meta-a", long).body("x")).is(400, "KeyTooLong");
    server
        .send(Request::cos("PUT", "k").with("x-cos-storage-class", "GOLD").body("x"))
        .is(400, "NotSupportedStorageClass");
    get(&server, "k").is(404, "NoSuchKey");
}

#[test]
fn a_header_that_is_left_out_stands_in_the_notes_of_the_journal() {
    let server = Server::start();
    server.send(Request::cos("PUT", "k").with("Pic-Operations", "{}").body("x")).ok();
    let notes = server.exchange().notes;
    assert!(notes.iter().any(|note| note.contains("pic-operations is not emulated")), "{notes:?}");
}

#[test]
fn a_wrong_digest_stores_nothing() {
    let server = Server::start();
    let with = |name: &str, value: &str| server.send(Request::cos("PUT", "k").with(name, value).body("body"));
    let other = md5_base64(b"other");
    with("Content-MD5", &other).is(400, "BadDigest");
    with("Content-MD5", "not base64").is(400, "InvalidDigest");
    with("Content-MD5", &STANDARD.encode([0; 15])).is(400, "InvalidDigest");
    with("x-cos-content-sha1", &"0".repeat(40)).is(400, "InvalidSHA1Digest");
    with("x-cos-content-sha1", "xyz").is(400, "InvalidSHA1Digest");
    get(&server, "k").is(404, "NoSuchKey");
    assert!(server.journal().iter().all(|exchange| !exchange.applied));

    with("Content-MD5", &md5_base64(b"body")).ok();
    // The SHA-1 of "body", in capitals.
    with("x-cos-content-sha1", "02083F4579E08A612425C0C1A17EE47ADD783B94").ok();
}

#[test]
fn a_body_needs_a_length_or_chunks() {
    let server = Server::start();
    server.send(Request::cos("PUT", "k").bare().with("Host", "localhost")).is(411, "MissingContentLength");
    server
        .send(Request::cos("PUT", "k?partNumber=1&uploadId=x").bare().with("Host", "localhost"))
        .is(404, "NoSuchUpload");
    let chunked = Request::cos("PUT", "k")
        .with("Transfer-Encoding", "chunked")
        .body("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    server.send(chunked).ok();
    assert_eq!(get(&server, "k").text(), "abcde");
}

#[test]
fn a_body_over_5_gib_is_refused_by_its_head() {
    let server = Server::start();
    let request = |target: &str, length: u64| {
        Request::cos("PUT", target).with("Content-Length", length).with("Expect", "100-continue")
    };
    server.send(request("k", (5 << 30) + 1)).is(400, "EntityTooLarge");
    let upload = initiate(&server, "k");
    let part = format!("k?partNumber=1&uploadId={upload}");
    server.send(request(&part, (5 << 30) + 1)).is(400, "EntityTooLarge");
    let mut connection = server.connect();
    connection.write(request(&part, 5 << 30).head());
    assert_eq!(connection.head(), "HTTP/1.1 100 Continue\r\n\r\n");
}

#[test]
fn ranges_are_answered_with_the_bytes_and_where_they_are() {
    let server = Server::start();
    put(&server, "k", b"0123456789").ok();
    let range = |range: &str| server.send(Request::cos("GET", "k").with("Range", range));
    for (header, body, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=5-99", "56789", "bytes 5-9/10"),
    ] {
        let answer = range(header);
        assert_eq!((answer.status, answer.text().as_str()), (206, body), "{header}");
        assert_eq!(answer.header("Content-Range"), Some(content_range));
    }
    let answer = range("bytes=10-");
    answer.is(416, "InvalidRange");
    assert_eq!(answer.header("Content-Range"), Some("bytes */10"));
    for header in ["bytes=0-1,3-4", "bytes=5-2", "items=0-1", "bytes=x"] {
        let answer = range(header);
        assert_eq!((answer.status, answer.text().as_str()), (200, "0123456789"), "{header}");
    }
    let head = server.send(Request::cos("HEAD", "k").with("Range", "bytes=2-4"));
    assert_eq!((head.status, head.header("Content-Length")), (206, Some("3")));
}

#[test]
fn conditions_are_evaluated_in_the_order_of_http() {
    let server = Server::start();
    let etag = put(&server, "k", b"x").header("ETag").unwrap().to_owned();
    let (past, future) = ("Thu, 01 Jan 2015 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT");
    let status = |lines: &[(&str, &str)]| {
        let request =
            lines.iter().fold(Request::cos("GET", "k"), |request, (name, value)| request.with(name, value));
        server.send(request).status
    };
    assert_eq!(status(&[("If-Match", &etag)]), 200);
    assert_eq!(status(&[("If-Match", etag.trim_matches('"'))]), 200);
    assert_eq!(status(&[("If-Match", "\"other\", *")]), 200);
    assert_eq!(status(&[("If-Match", "\"other\"")]), 412);
    assert_eq!(status(&[("If-Unmodified-Since", past)]), 412);
    assert_eq!(status(&[("If-Unmodified-Since", future)]), 200);
    assert_eq!(status(&[("If-Match", &etag), ("If-Unmodified-Since", past)]), 200, "If-Match goes before");
    assert_eq!(status(&[("If-None-Match", &etag)]), 304);
    assert_eq!(status(&[("If-None-Match", "\"other\"")]), 200);
    assert_eq!(status(&[("If-Modified-Since", future)]), 304);
    assert_eq!(status(&[("If-Modified-Since", past)]), 200);
    assert_eq!(status(&[("If-None-Match", "\"other\""), ("If-Modified-Since", future)]), 200);
    assert_eq!(status(&[("If-Modified-Since", "yesterday")]), 200);

    let mut connection = server.connect();
    let not_modified = connection.send(&Request::cos("GET", "k").with("If-None-Match", &etag));
    assert_eq!(not_modified.header("Content-Length"), Some("0"));
    assert_eq!(connection.send(&Request::cos("GET", "k")).text(), "x", "the connection goes on");
    assert_eq!(not_modified.header("ETag"), Some(etag.as_str()));
    assert!(not_modified.header("x-cos-hash-crc64ecma").is_some());
    let failed = server.send(Request::cos("GET", "k").with("If-Match", "\"other\""));
    assert_eq!(failed.element("Message").as_deref(), Some("Precondition not match."));
}

#[test]
fn deleting_is_204_whether_the_key_is_there_or_not() {
    let server = Server::start();
    put(&server, "k", b"x").ok();
    for _ in 0..2 {
        assert_eq!(server.send(Request::cos("DELETE", "k")).status, 204);
        get(&server, "k").is(404, "NoSuchKey");
    }
}

#[test]
fn an_object_can_be_kept_from_being_overwritten() {
    let server = Server::start();
    let careful = || Request::cos("PUT", "k").with("x-cos-forbid-overwrite", "true");
    server.send(careful().body("first")).ok();
    server.send(careful().body("second")).is(409, "FileAlreadyExists");
    assert_eq!(get(&server, "k").text(), "first");
}

#[test]
fn a_version_other_than_null_is_not_there() {
    let server = Server::start();
    put(&server, "k", b"x").ok();
    assert_eq!(get(&server, "k?versionId=").status, 200);
    assert_eq!(get(&server, "k?versionId=null").status, 200);
    get(&server, "k?versionId=MTg0NDUxNTc1NjIzMTQ1MDAwODg").is(404, "NoSuchVersion");
}

#[test]
fn many_objects_are_deleted_by_one_document() {
    let server = Server::start();
    for key in ["a", "b&c", "d"] {
        put(&server, key, b"x").ok();
    }
    let delete = |body: &str| {
        server
            .send(Request::cos("POST", "?delete").with("Content-MD5", md5_base64(body.as_bytes())).body(body))
    };
    let answer = delete(
        "<Delete><Object><Key>a</Key></Object><Object><Key>b&amp;c</Key></Object><Object><Key>none</Key></Object></Delete>",
    );
    assert_eq!(answer.ok().elements("Key"), ["a", "b&amp;c", "none"]);
    let quiet = delete("<Delete><Quiet>true</Quiet><Object><Key>d</Key></Object></Delete>");
    assert!(quiet.ok().text().ends_with("<DeleteResult/>"), "{}", quiet.text());
    assert!(server.send(Request::cos("GET", "")).elements("Key").is_empty());

    let without = server.send(Request::cos("POST", "?delete").body("<Delete/>"));
    without.is(400, "InvalidRequest");
    let wrong = Request::cos("POST", "?delete").with("Content-MD5", md5_base64(b"other")).body("<Delete/>");
    server.send(wrong).is(400, "InvalidDigest");
    delete("<Delete/>").is(400, "MalformedXML");
    delete("<Delete><Object/></Delete>").is(400, "MalformedXML");
    let many = "<Object><Key>k</Key></Object>".repeat(1001);
    let answer = delete(&format!("<Delete>{many}</Delete>"));
    answer.is(400, "MalformedXML");
    assert_eq!(answer.element("Message").as_deref(), Some("delete key size is greater than 1000"));
}

// ---- appending ----

fn append(key: &str, position: impl ToString, body: &[u8]) -> Request {
    Request::cos("POST", &format!("{key}?append&position={}", position.to_string())).body(body)
}

/// The CRC is combined from those of the pieces, so it is compared with that of the same bytes put in one piece.
#[test]
fn an_object_grows_by_appending() {
    let server = Server::start();
    let bytes = pattern(3000);
    let mut end = 0;
    for length in [1000, 0, 1, 1999] {
        let piece = &bytes[end..end + length];
        let answer = server.send(append("k", end, piece));
        end += length;
        assert_eq!(answer.ok().header("x-cos-next-append-position"), Some(end.to_string().as_str()));
        assert_eq!(answer.header("ETag"), Some(format!("\"{}\"", md5(&bytes[..end])).as_str()));
        // The official Go client compares this header with the MD5 of what it has appended.
        assert_eq!(answer.header("x-cos-content-sha1"), Some(md5(piece).as_str()));
        assert_eq!(answer.header("x-cos-hash-crc64ecma"), None);
        assert!(answer.body.is_empty());
    }
    let whole = put(&server, "whole", &bytes);
    for method in ["HEAD", "GET"] {
        let read = server.send(Request::cos(method, "k"));
        for (name, value) in [
            ("x-cos-object-type", "appendable"),
            ("Content-Length", "3000"),
            ("ETag", whole.header("ETag").unwrap()),
            ("x-cos-hash-crc64ecma", whole.header("x-cos-hash-crc64ecma").unwrap()),
        ] {
            assert_eq!(read.header(name), Some(value), "{method} {name}");
        }
    }
    assert_eq!(get(&server, "k").body, bytes);
    let range = server.send(Request::cos("GET", "k").with("Range", "bytes=998-1001"));
    assert_eq!((range.status, range.body.as_slice()), (206, &bytes[998..1002]));
}

#[test]
fn an_append_at_another_position_is_told_the_right_one() {
    let server = Server::start();
    let conflict = |position: &str, next: &str| {
        let answer = server.send(append("k", position, b"xyz"));
        answer.is(409, "AppendPositionErr");
        assert_eq!(answer.header("x-cos-next-append-position"), Some(next), "{position}");
    };
    conflict("1", "0");
    get(&server, "k").is(404, "NoSuchKey");
    server.send(append("k", 0, b"abc")).ok();
    // A repetition whose first answer was lost, too.
    for position in ["0", "2", "4", "18446744073709551615"] {
        conflict(position, "3");
    }
    assert_eq!(get(&server, "k").text(), "abc");
}

#[test]
fn only_one_of_appends_at_the_same_position_wins() {
    let server = Server::start();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8u8)
            .map(|byte| {
                let server = &server;
                scope.spawn(move || server.send(append("k", 0, &[byte; 10])).status)
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 409)), "{statuses:?}");
    assert_eq!(get(&server, "k").body.len(), 10);
}

#[test]
fn nothing_is_appended_to_an_object_that_was_put_or_completed() {
    let server = Server::start();
    put(&server, "k", b"abc").ok();
    for position in [0, 3] {
        let answer = server.send(append("k", position, b"x"));
        answer.is(409, "ObjectNotAppendable");
        assert_eq!(answer.header("x-cos-next-append-position"), None);
    }
    server.send(Request::cos("DELETE", "k")).ok();
    server.send(append("k", 0, b"abc")).ok();
    put(&server, "k", b"normal again").ok();
    assert_eq!(get(&server, "k").header("x-cos-object-type"), Some("normal"));
    server.send(append("k", 12, b"x")).is(409, "ObjectNotAppendable");

    server.send(append("parts", 0, b"abc")).ok();
    let upload = initiate(&server, "parts");
    let etag = put(&server, &format!("parts?partNumber=1&uploadId={upload}"), b"part")
        .header("ETag")
        .unwrap()
        .to_owned();
    let part = format!("<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>");
    let list = format!("<CompleteMultipartUpload>{part}</CompleteMultipartUpload>");
    server.send(Request::cos("POST", &format!("parts?uploadId={upload}")).body(list)).ok();
    server.send(append("parts", 4, b"x")).is(409, "ObjectNotAppendable");
}

#[test]
fn metadata_comes_from_the_first_append_alone() {
    let server = Server::start();
    let first =
        append("a.txt", 0, b"abc").with("x-cos-meta-n", "1").with("x-cos-storage-class", "STANDARD_IA");
    server.send(first).ok();
    let later = append("a.txt", 3, b"def")
        .with("x-cos-meta-n", "2")
        .with("Content-Type", "image/png")
        .with("x-cos-storage-class", "GOLD");
    server.send(later).ok();
    let answer = get(&server, "a.txt");
    for (name, value) in
        [("x-cos-meta-n", "1"), ("Content-Type", "text/plain"), ("x-cos-storage-class", "STANDARD_IA")]
    {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
}

#[test]
fn an_append_that_cannot_be_has_its_code() {
    let server = Server::start();
    for position in ["", "&position=", "&position=x", "&position=-1", "&position=%2B1", "&position=1.0"] {
        let request = Request::cos("POST", &format!("k?append{position}")).body("x");
        server.send(request).is(400, "InvalidArgument");
    }
    server.send(append("k", "18446744073709551616", b"x")).is(400, "InvalidArgument");
    server.send(append(&"k".repeat(851), 0, b"x")).is(400, "KeyTooLong");
    server.send(append("/k", 0, b"x")).is(400, "InvalidObjectName");
    server.send(append("k", 0, b"x").with("x-cos-storage-class", "GOLD")).is(400, "NotSupportedStorageClass");
    server.send(append("k", 0, b"x").with("Content-MD5", md5_base64(b"y"))).is(400, "BadDigest");
    server.send(append("k", 0, b"x").with("Content-MD5", "y")).is(400, "InvalidDigest");
    server.send(append("k", 0, b"x").with("x-cos-content-sha1", "0".repeat(40))).is(400, "InvalidSHA1Digest");
    let elsewhere = Request::new("POST", "/missing-1/k?append&position=0").body("x");
    server.send(elsewhere).is(404, "NoSuchBucket");
    let chunked = append("k", 0, b"1\r\nx\r\n0\r\n\r\n").with("Transfer-Encoding", "chunked");
    server.send(chunked).is(411, "MissingContentLength");
    let without = append("k", 0, b"").with("Host", "localhost").bare();
    server.send(without).is(411, "MissingContentLength");
    get(&server, "k").is(404, "NoSuchKey");

    server.send(append("k", 0, b"x")).ok();
    // Together with the byte that is there, one byte less than 5 GiB is allowed and 5 GiB are refused, by the head alone.
    let declares = |length: u64| {
        let request = append("k", 1, b"").with("Content-Length", length).with("Expect", "100-continue");
        let mut connection = server.connect();
        connection.write(request.bytes());
        connection.head()
    };
    assert!(declares((5 << 30) - 1).starts_with("HTTP/1.1 100 "));
    assert!(declares(5 << 30).starts_with("HTTP/1.1 400 "));
}

// ---- listing ----

#[test]
fn a_listing_has_the_shape_of_the_documentation() {
    let server = Server::configured(|config| {
        config.clock = cos_emu::Clock::Frozen(cos_emu::Timestamp::from_unix_seconds(1_607_571_450));
    });
    put(&server, "example-folder-1/a", b"x").ok();
    put(&server, "example-object", b"hello").ok();
    let answer = server.send(Request::cos("GET", "?delimiter=/&encoding-type=url&prefix=example&max-keys=2"));
    assert_eq!(
        answer.text(),
        "<?xml version='1.0' encoding='utf-8' ?>\n<ListBucketResult>\n\t<Name>demo-1250000000</Name>\n\
         \t<EncodingType>url</EncodingType>\n\t<Prefix>example</Prefix>\n\t<Marker/>\n\t<MaxKeys>2</MaxKeys>\n\
         \t<Delimiter>/</Delimiter>\n\t<IsTruncated>false</IsTruncated>\n\t<CommonPrefixes>\n\
         \t\t<Prefix>example-folder-1/</Prefix>\n\t</CommonPrefixes>\n\t<Contents>\n\t\t<Key>example-object</Key>\n\
         \t\t<LastModified>2020-12-10T03:37:30.000Z</LastModified>\n\
         \t\t<ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag>\n\t\t<Size>5</Size>\n\t\t<Owner>\n\
         \t\t\t<ID>1250000000</ID>\n\t\t\t<DisplayName>1250000000</DisplayName>\n\t\t</Owner>\n\
         \t\t<StorageClass>STANDARD</StorageClass>\n\t</Contents>\n</ListBucketResult>"
    );
}

#[test]
fn pages_join_to_the_whole_for_every_size() {
    let server = Server::start();
    let mut connection = server.connect();
    for key in ["a", "b/1", "b/2", "b/3", "c", "d/1", "e"] {
        connection.send(&Request::cos("PUT", key).body("")).ok();
    }
    for delimiter in ["", "&delimiter=/"] {
        let whole = connection.send(&Request::cos("GET", &format!("?max-keys=1000{delimiter}")));
        for size in 1..=8 {
            let (mut keys, mut prefixes) = (Vec::new(), Vec::new());
            let mut marker = String::new();
            loop {
                let target = format!("?max-keys={size}&marker={marker}{delimiter}");
                let page = connection.send(&Request::cos("GET", &target));
                let inner: Vec<_> =
                    page.elements("Prefix").into_iter().filter(|prefix| !prefix.is_empty()).collect();
                assert!(page.elements("Key").len() + inner.len() <= size);
                keys.extend(page.elements("Key"));
                prefixes.extend(inner);
                match page.element("NextMarker") {
                    Some(next) => marker = next,
                    None => break,
                }
            }
            assert_eq!(keys, whole.elements("Key"), "{size} {delimiter}");
            let expected: Vec<_> =
                whole.elements("Prefix").into_iter().filter(|prefix| !prefix.is_empty()).collect();
            assert_eq!(prefixes, expected, "{size} {delimiter}");
        }
    }
}

#[test]
fn parameters_of_a_listing_that_cannot_be_are_refused() {
    let server = Server::start();
    let list = |query: &str| server.send(Request::cos("GET", query));
    list("?max-keys=x").is(400, "InvalidArgument");
    list("?max-keys=-1").is(400, "InvalidArgument");
    list("?delimiter=ab").is(400, "InvalidDelimiter");
    list("?encoding-type=base64").is(400, "InvalidArgument");
    assert_eq!(list("?max-keys=5000").element("MaxKeys").as_deref(), Some("1000"));
    assert_eq!(list("?delimiter=%E7%9B%AE").element("Delimiter").as_deref(), Some("目"));
    server.send(Request::new("GET", "/missing-1/")).is(404, "NoSuchBucket");
}

// ---- multipart uploads ----

fn initiate(server: &Server, key: &str) -> String {
    server.send(Request::cos("POST", &format!("{key}?uploads"))).ok().element("UploadId").unwrap()
}

fn part(server: &Server, key: &str, upload: &str, number: impl ToString, body: &[u8]) -> Answer {
    let target = format!("{key}?partNumber={}&uploadId={upload}", number.to_string());
    server.send(Request::cos("PUT", &target).body(body))
}

fn complete(server: &Server, key: &str, upload: &str, parts: &[(u32, &str)]) -> Answer {
    let parts = parts
        .iter()
        .map(|(number, etag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"));
    let body = format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>());
    server.send(Request::cos("POST", &format!("{key}?uploadId={upload}")).body(body))
}

#[test]
fn parts_in_any_order_become_one_object() {
    let server = Server::start();
    let upload = initiate(&server, "big.bin");
    assert_eq!(upload.len(), 74);
    let bytes = pattern(2 * MIB + 7);
    let mut etags = [String::new(), String::new(), String::new()];
    for number in [3, 1, 2] {
        let from = (number - 1) * MIB;
        let body = &bytes[from..(from + MIB).min(bytes.len())];
        let answer = part(&server, "big.bin", &upload, number, body);
        assert_eq!(answer.ok().header("ETag"), Some(format!("\"{}\"", md5(body)).as_str()));
        assert!(answer.header("x-cos-hash-crc64ecma").is_some());
        etags[number - 1] = answer.header("ETag").unwrap().to_owned();
    }
    get(&server, "big.bin").is(404, "NoSuchKey");
    let listed: Vec<_> = (1..=3).map(|number| (number, etags[number as usize - 1].as_str())).collect();
    let answer = complete(&server, "big.bin", &upload, &listed);
    let etag = answer.ok().element("ETag").unwrap();
    assert!(etag.ends_with("-3&quot;") && etag.starts_with("&quot;"), "{etag}");
    assert_eq!(answer.element("Location").unwrap(), format!("http://127.0.0.1/{BUCKET}/big.bin"));

    let whole = get(&server, "big.bin");
    assert!(whole.body == bytes);
    assert_eq!(whole.header("ETag").unwrap(), etag.replace("&quot;", "\""));
    assert_eq!(whole.header("x-cos-hash-crc64ecma"), answer.header("x-cos-hash-crc64ecma"));
    put(&server, "same.bin", &bytes).ok();
    assert_eq!(get(&server, "same.bin").header("x-cos-hash-crc64ecma"), whole.header("x-cos-hash-crc64ecma"));
    complete(&server, "big.bin", &upload, &listed).is(404, "NoSuchUpload");
}

#[test]
fn parts_upload_in_parallel() {
    let server = Server::start();
    let upload = initiate(&server, "k");
    let etags: Vec<String> = std::thread::scope(|scope| {
        let uploads: Vec<_> = (1..=8)
            .map(|number: u32| {
                let (server, upload) = (&server, &upload);
                scope.spawn(move || {
                    let body = vec![number as u8; MIB];
                    part(server, "k", upload, number, &body).ok().header("ETag").unwrap().to_owned()
                })
            })
            .collect();
        uploads.into_iter().map(|upload| upload.join().unwrap()).collect()
    });
    let listed: Vec<_> = (1..).zip(etags.iter().map(String::as_str)).collect();
    complete(&server, "k", &upload, &listed).ok();
    let expected: Vec<u8> = (1..=8).flat_map(|number| vec![number; MIB]).collect();
    assert!(get(&server, "k").body == expected);
}

#[test]
fn the_later_upload_of_a_number_replaces_the_earlier() {
    let server = Server::start();
    let upload = initiate(&server, "k");
    part(&server, "k", &upload, 1, b"first").ok();
    let second = part(&server, "k", &upload, 1, b"second").header("ETag").unwrap().to_owned();
    let first = format!("\"{}\"", md5(b"first"));
    complete(&server, "k", &upload, &[(1, &first)]).is(400, "InvalidPart");
    complete(&server, "k", &upload, &[(1, &second)]).ok();
    assert_eq!(get(&server, "k").text(), "second");
}

#[test]
fn part_numbers_outside_1_to_10000_are_invalid_arguments() {
    let server = Server::start();
    let upload = initiate(&server, "k");
    for number in ["0", "-1", "10001", "65537", "x", "", "1.5", "99999999999999999999"] {
        part(&server, "k", &upload, number, b"x").is(400, "InvalidArgument");
    }
    part(&server, "k", &upload, "10000", b"x").ok();
    server.send(Request::cos("PUT", &format!("k?uploadId={upload}")).body("x")).is(400, "InvalidArgument");
    server.send(Request::cos("PUT", "k?partNumber=1").body("x")).is(400, "InvalidArgument");
}

#[test]
fn an_upload_that_is_not_there_is_no_such_upload() {
    let server = Server::start();
    part(&server, "k", "never", 1, b"x").is(404, "NoSuchUpload");
    let upload = initiate(&server, "k");
    part(&server, "other", &upload, 1, b"x").is(404, "NoSuchUpload");
    server.send(Request::cos("DELETE", &format!("k?uploadId={upload}"))).ok();
    for answer in [
        part(&server, "k", &upload, 1, b"x"),
        complete(&server, "k", &upload, &[(1, "x")]),
        server.send(Request::cos("GET", &format!("k?uploadId={upload}"))),
        server.send(Request::cos("DELETE", &format!("k?uploadId={upload}"))),
    ] {
        answer.is(404, "NoSuchUpload");
    }
    let upload = initiate(&server, "k");
    let etag = part(&server, "k", &upload, 1, b"x").header("ETag").unwrap().to_owned();
    complete(&server, "k", &upload, &[(1, &etag)]).ok();
    part(&server, "k", &upload, 1, b"x").is(404, "NoSuchUpload");
}

#[test]
fn a_failed_completion_leaves_the_upload_and_no_object() {
    let server = Server::start();
    let upload = initiate(&server, "k");
    let big = part(&server, "k", &upload, 1, &vec![1; MIB]).header("ETag").unwrap().to_owned();
    let small = part(&server, "k", &upload, 2, b"small").header("ETag").unwrap().to_owned();
    let last = part(&server, "k", &upload, 3, b"last").header("ETag").unwrap().to_owned();
    let target = format!("k?uploadId={upload}");
    for (answer, code) in [
        (complete(&server, "k", &upload, &[(1, &big), (2, &small), (3, &last)]), "EntityTooSmall"),
        (complete(&server, "k", &upload, &[(2, &small), (1, &big)]), "InvalidPartOrder"),
        (complete(&server, "k", &upload, &[(1, &big), (3, &last)]), "InvalidPart"),
        (complete(&server, "k", &upload, &[(1, &small)]), "InvalidPart"),
        (complete(&server, "k", &upload, &[(1, &big), (2, &small), (3, &last), (4, &last)]), "InvalidPart"),
        (complete(&server, "k", &upload, &[]), "MalformedXML"),
        (server.send(Request::cos("POST", &target)), "MissingRequestBodyError"),
        (server.send(Request::cos("POST", &target).body("<a>")), "MalformedXML"),
        (
            server.send(Request::cos("POST", &target).body("<!DOCTYPE a><CompleteMultipartUpload/>")),
            "MalformedXML",
        ),
        (server.send(Request::cos("POST", &target).body(" ".repeat((2 << 20) + 1))), "MalformedXML"),
    ] {
        answer.is(400, code);
        get(&server, "k").is(404, "NoSuchKey");
    }
    complete(&server, "k", &upload, &[(1, &big), (2, &small)]).ok();
    assert_eq!(get(&server, "k").body.len(), MIB + 5);
}

#[test]
fn etags_in_a_completion_may_have_quotes_entities_or_neither() {
    let server = Server::start();
    for quote in ["\"", "&quot;", ""] {
        let upload = initiate(&server, "k");
        part(&server, "k", &upload, 1, b"x").ok();
        let etag = format!("{quote}{}{quote}", md5(b"x"));
        complete(&server, "k", &upload, &[(1, &etag)]).ok();
    }
}

#[test]
fn a_part_with_a_wrong_digest_does_not_replace_the_one_before() {
    let server = Server::start();
    let upload = initiate(&server, "k");
    let etag = part(&server, "k", &upload, 1, b"right").header("ETag").unwrap().to_owned();
    let target = format!("k?partNumber=1&uploadId={upload}");
    server
        .send(Request::cos("PUT", &target).with("Content-MD5", md5_base64(b"other")).body("wrong"))
        .is(400, "BadDigest");
    complete(&server, "k", &upload, &[(1, &etag)]).ok();
    assert_eq!(get(&server, "k").text(), "right");
}

#[test]
fn the_metadata_of_an_upload_becomes_that_of_the_object() {
    let server = Server::start();
    let request = Request::cos("POST", "k.txt?uploads")
        .with("x-cos-meta-a", "b")
        .with("x-cos-storage-class", "ARCHIVE");
    let upload = server.send(request).element("UploadId").unwrap();
    let etag = part(&server, "k.txt", &upload, 1, b"x").header("ETag").unwrap().to_owned();
    complete(&server, "k.txt", &upload, &[(1, &etag)]).ok();
    let head = server.send(Request::cos("HEAD", "k.txt"));
    assert_eq!(head.header("x-cos-meta-a"), Some("b"));
    assert_eq!(head.header("x-cos-storage-class"), Some("ARCHIVE"));
    assert_eq!(head.header("Content-Type"), Some("text/plain"));
}

#[test]
fn parts_are_listed_in_pages() {
    let server = Server::start();
    let upload = initiate(&server, "a%20b");
    for number in [5, 1, 3] {
        part(&server, "a%20b", &upload, number, &vec![0; number]).ok();
    }
    let list = |query: &str| server.send(Request::cos("GET", &format!("a%20b?uploadId={upload}{query}")));
    let whole = list("&encoding-type=url");
    assert_eq!(whole.elements("PartNumber"), ["1", "3", "5"]);
    assert_eq!(whole.elements("Size"), ["1", "3", "5"]);
    assert_eq!(whole.element("Key").as_deref(), Some("a%20b"));
    assert_eq!(whole.element("IsTruncated").as_deref(), Some("false"));
    assert!(whole.elements("ETag").iter().all(|etag| etag.starts_with("&quot;")));
    let page = list("&max-parts=2");
    assert_eq!(page.elements("PartNumber"), ["1", "3"]);
    assert_eq!(page.element("NextPartNumberMarker").as_deref(), Some("3"));
    assert_eq!(list("&part-number-marker=3").elements("PartNumber"), ["5"]);
    list("&max-parts=0").is(400, "InvalidArgument");
    list("&part-number-marker=x").is(400, "InvalidArgument");
    server.send(Request::cos("GET", "a%20b?uploadId=")).is(400, "ListPartUploadIdIsEmpty");
}

#[test]
fn uploads_are_listed_in_pages() {
    let server = Server::start();
    for key in ["a/1", "a/2", "b", "b", "c"] {
        initiate(&server, key);
    }
    let list = |query: &str| server.send(Request::cos("GET", &format!("?uploads{query}")));
    assert_eq!(list("").elements("Key"), ["a/1", "a/2", "b", "b", "c"]);
    assert_eq!(list("&prefix=a/").elements("Key"), ["a/1", "a/2"]);
    let folded = list("&delimiter=/");
    assert_eq!(folded.elements("Key"), ["b", "b", "c"]);
    assert!(folded.text().contains("<CommonPrefixes>\n\t\t<Prefix>a/</Prefix>"));

    let mut seen = Vec::new();
    let (mut key, mut id) = (String::new(), String::new());
    loop {
        let page = list(&format!("&max-uploads=2&key-marker={key}&upload-id-marker={id}"));
        seen.extend(page.elements("Key"));
        if page.element("IsTruncated").as_deref() == Some("false") {
            break;
        }
        key = page.element("NextKeyMarker").unwrap();
        id = page.element("NextUploadIdMarker").unwrap();
    }
    assert_eq!(seen, ["a/1", "a/2", "b", "b", "c"]);
}

#[test]
fn the_answer_to_a_part_is_that_of_the_documentation() {
    let server = Server::configured(|config| {
        config.clock = cos_emu::Clock::Frozen(cos_emu::Timestamp::from_unix_seconds(1_484_756_223));
    });
    let upload = initiate(&server, "ObjectName");
    let target = format!("/ObjectName?partNumber=1&uploadId={upload}");
    let answer = server.send(
        Request::new("PUT", &target)
            .with("Host", format!("{BUCKET}.ap-guangzhou.myqcloud.com"))
            .body("[Object Part]"),
    );
    let id = answer.header("x-cos-request-id").unwrap();
    assert_eq!(
        answer.head,
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\nETag: \"{}\"\r\n\
             x-cos-hash-crc64ecma: 4510578591875220731\r\nDate: Wed, 18 Jan 2017 16:17:03 GMT\r\n\
             Server: tencent-cos\r\nx-cos-request-id: {id}\r\n\r\n",
            md5(b"[Object Part]")
        )
    );
}

// ---- signatures ----

#[test]
fn signatures_are_refused_with_the_codes_of_the_service() {
    let signed = |key: &str, time: &str, signature: &str| {
        format!(
            "q-sign-algorithm=sha1&q-ak={key}&q-sign-time={time}&q-key-time={time}&q-header-list=&q-url-param-list=&q-signature={signature}"
        )
    };
    let now_and_later = "1000000000;4000000000";
    let strict = Server::configured(|config| config.auth = Some(cos_emu::AuthMode::Strict));
    let send = |server: &Server, authorization: Option<String>| {
        let request = Request::cos("GET", "k");
        server.send(match authorization {
            Some(authorization) => request.with("Authorization", authorization),
            None => request,
        })
    };
    send(&strict, None).is(403, "AccessDenied");
    send(&strict, Some(signed("unknown", now_and_later, "x"))).is(403, "InvalidAccessKeyId");
    let wrong = send(&strict, Some(signed("AKIDcosemu", now_and_later, "x")));
    wrong.is(403, "SignatureDoesNotMatch");
    assert_eq!(wrong.element("Message").as_deref(), Some("The Signature you specified is invalid."));
    assert!(wrong.element("StringToSign").unwrap().starts_with(&format!("sha1\n{now_and_later}\n")));
    assert_eq!(wrong.element("FormatString").unwrap(), format!("get\n/{BUCKET}/k\n\n\n"));
    let expired = send(&strict, Some(signed("AKIDcosemu", "1;2", "x")));
    expired.is(403, "AccessDenied");
    assert_eq!(expired.element("Message").as_deref(), Some("Request has expired"));
    let skewed = send(&strict, Some(signed("AKIDcosemu", "3000000000;4000000000", "x")));
    skewed.is(403, "RequestTimeTooSkewed");
    assert!(skewed.element("ServerTime").is_some_and(|time| time.ends_with('Z')), "{}", skewed.text());

    let check = Server::start();
    send(&check, None).is(404, "NoSuchKey");
    send(&check, Some(signed("unknown", now_and_later, "x"))).is(404, "NoSuchKey");
    send(&check, Some(signed("AKIDcosemu", now_and_later, "x"))).is(403, "SignatureDoesNotMatch");
    let signatures: Vec<_> =
        check.journal().into_iter().map(|exchange| exchange.signature.unwrap()).collect();
    assert_eq!(signatures, ["none", "unknown-key", "SignatureDoesNotMatch"]);

    let off = Server::configured(|config| config.auth = Some(cos_emu::AuthMode::Off));
    send(&off, Some(signed("AKIDcosemu", now_and_later, "x"))).is(404, "NoSuchKey");
}
