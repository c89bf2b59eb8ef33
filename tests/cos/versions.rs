//! Versions: what is written, read, listed and deleted where versioning is on, and where it is not any more.
//!
//! Source: `cos.md` 7.

use crate::support::documents::{VERSIONING, configure, delete_many};
use crate::support::{Answer, Request, Server};

const SUSPENDED: &str = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";

fn versioned() -> Server {
    let server = Server::start();
    configure(&server, "versioning", VERSIONING);
    server
}

fn put(server: &Server, body: &str) -> Answer {
    server.send(Request::cos("PUT", "key").body(body))
}

fn put_version(server: &Server, body: &str) -> String {
    put(server, body).ok().header("x-cos-version-id").unwrap().to_owned()
}

fn get(server: &Server, query: &str) -> Answer {
    server.send(Request::cos("GET", &format!("key{query}")))
}

/// The versions of the bucket as listed: kind, id, and whether it is the latest.
fn listed(server: &Server) -> Vec<(bool, String, bool)> {
    let text = server.send(Request::cos("GET", "?versions")).ok().text();
    let kinds = text.lines().filter_map(|line| match line.trim() {
        "<Version>" => Some(true),
        "<DeleteMarker>" => Some(false),
        _ => None,
    });
    let answer = server.send(Request::cos("GET", "?versions"));
    let (ids, latest) = (answer.elements("VersionId"), answer.elements("IsLatest"));
    kinds.zip(ids).zip(latest).map(|((kind, id), latest)| (kind, id, latest == "true")).collect()
}

#[test]
fn without_versions_nothing_speaks_of_them() {
    let server = Server::start();
    assert_eq!(put(&server, "a").header("x-cos-version-id"), None);
    assert_eq!(get(&server, "").header("x-cos-version-id"), None);
    assert_eq!(get(&server, "?versionId=null").text(), "a");
    let list = server.send(Request::cos("GET", "?versions")).text();
    assert!(list.contains("<VersionId/>") && list.contains("<IsLatest>true</IsLatest>"), "{list}");
    let gone = server.send(Request::cos("DELETE", "key"));
    assert_eq!((gone.status, gone.header("x-cos-delete-marker")), (204, None));
}

#[test]
fn each_write_is_a_version_and_each_can_be_read() {
    let server = versioned();
    let (first, second) = (put_version(&server, "one"), put_version(&server, "two"));
    assert_ne!(first, second);
    let newest = get(&server, "");
    assert_eq!((newest.text().as_str(), newest.header("x-cos-version-id")), ("two", Some(&*second)));
    let older = get(&server, &format!("?versionId={first}"));
    assert_eq!((older.text().as_str(), older.header("x-cos-version-id")), ("one", Some(&*first)));
    get(&server, "?versionId=MTg0NDUxNTc1NjIzMTQ1MDAwODg").is(404, "NoSuchVersion");
    assert_eq!(listed(&server), [(true, second, true), (true, first, false)]);
}

#[test]
fn what_was_there_before_has_the_id_null() {
    let server = Server::start();
    put(&server, "before").ok();
    configure(&server, "versioning", VERSIONING);
    let version = put_version(&server, "after");
    assert_eq!(listed(&server), [(true, version, true), (true, "null".to_owned(), false)]);
    assert_eq!(get(&server, "?versionId=null").text(), "before");
}

#[test]
fn a_delete_puts_a_marker_in_front_and_deleting_that_brings_the_object_back() {
    let server = versioned();
    let version = put_version(&server, "kept");
    let deleted = server.send(Request::cos("DELETE", "key"));
    assert_eq!((deleted.status, deleted.header("x-cos-delete-marker")), (204, Some("true")));
    let marker = deleted.header("x-cos-version-id").unwrap().to_owned();
    let missing = get(&server, "");
    missing.is(404, "NoSuchKey");
    assert_eq!(missing.header("x-cos-delete-marker"), Some("true"));
    assert_eq!(server.send(Request::cos("GET", "")).elements("Key"), [""; 0]);
    assert_eq!(listed(&server), [(false, marker.clone(), true), (true, version.clone(), false)]);
    server.send(Request::cos("DELETE", "")).is(409, "BucketNotEmpty");

    let undone = server.send(Request::cos("DELETE", &format!("key?versionId={marker}")));
    assert_eq!(undone.header("x-cos-delete-marker"), Some("true"));
    assert_eq!(get(&server, "").text(), "kept");
    let gone = server.send(Request::cos("DELETE", &format!("key?VersionId={version}")));
    assert_eq!((gone.status, gone.header("x-cos-version-id")), (204, Some(&*version)));
    assert_eq!(server.send(Request::cos("DELETE", "")).status, 204, "the bucket is empty");
}

#[test]
fn suspended_versioning_replaces_the_null_version_alone() {
    let server = versioned();
    let version = put_version(&server, "one");
    configure(&server, "versioning", SUSPENDED);
    assert_eq!(put(&server, "two").header("x-cos-version-id"), None);
    put(&server, "three").ok();
    assert_eq!(listed(&server), [(true, "null".to_owned(), true), (true, version.clone(), false)]);
    let deleted = server.send(Request::cos("DELETE", "key"));
    assert_eq!(deleted.header("x-cos-version-id"), Some("null"));
    assert_eq!(listed(&server), [(false, "null".to_owned(), true), (true, version, false)]);
}

#[test]
fn a_completion_names_the_version_null_where_a_put_does_not() {
    let server = versioned();
    configure(&server, "versioning", SUSPENDED);
    let upload = server.send(Request::cos("POST", "key?uploads")).element("UploadId").unwrap();
    let part = server.send(Request::cos("PUT", &format!("key?partNumber=1&uploadId={upload}")).body("a"));
    let list = crate::support::documents::completion(&[(1, part.header("ETag").unwrap())]);
    let done = server.send(Request::cos("POST", &format!("key?uploadId={upload}")).body(list));
    assert_eq!(done.ok().header("x-cos-version-id"), Some("null"));
}

#[test]
fn many_versions_and_markers_are_deleted_at_once() {
    let server = versioned();
    let version = put_version(&server, "one");
    let object = format!("<Object><Key>key</Key><VersionId>{version}</VersionId></Object>");
    let answer =
        server.send(delete_many(&format!("<Delete>{object}<Object><Key>other</Key></Object></Delete>")));
    assert_eq!(answer.ok().elements("Key"), ["key", "other"]);
    assert_eq!(answer.elements("VersionId"), [version]);
    assert_eq!(answer.elements("DeleteMarker"), ["true"]);
    let marker = answer.element("DeleteMarkerVersionId").unwrap();
    assert_eq!(listed(&server), [(false, marker, true)]);
}

#[test]
fn versions_are_listed_in_pages() {
    let server = versioned();
    let mut all = Vec::new();
    for key in ["a", "b/1", "b/2", "c"] {
        for body in ["1", "2", "3"] {
            let put = server.send(Request::cos("PUT", key).body(body));
            all.push((key.to_owned(), put.header("x-cos-version-id").unwrap().to_owned()));
        }
    }
    // By key, the newest of each first.
    let mut expected: Vec<_> = all.chunks(3).flat_map(|versions| versions.iter().rev().cloned()).collect();
    for max in [1, 2, 5, 100] {
        let (mut seen, mut query) = (Vec::new(), format!("?versions&max-keys={max}"));
        loop {
            let page = server.send(Request::cos("GET", &query));
            seen.extend(page.elements("Key").into_iter().zip(page.elements("VersionId")));
            if page.element("IsTruncated").unwrap() == "false" {
                break;
            }
            let (key, id) =
                (page.element("NextKeyMarker").unwrap(), page.element("NextVersionIdMarker").unwrap());
            query = format!("?versions&max-keys={max}&key-marker={key}&version-id-marker={id}");
        }
        assert_eq!(seen, expected, "{max}");
    }
    let folded = server.send(Request::cos("GET", "?versions&delimiter=/&max-keys=4"));
    assert_eq!(folded.element("NextKeyMarker").as_deref(), Some("b/"));
    assert!(folded.text().contains("<NextVersionIdMarker/>"), "{}", folded.text());
    let rest = server.send(Request::cos("GET", "?versions&delimiter=/&key-marker=b/&version-id-marker="));
    expected.retain(|(key, _)| key == "c");
    assert_eq!(rest.elements("VersionId"), expected.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>());
}

#[test]
fn lists_and_tags_are_of_a_version() {
    let server = versioned();
    let first = put_version(&server, "one");
    put_version(&server, "two");
    server
        .send(
            Request::cos("PUT", &format!("key?tagging&versionId={first}"))
                .body(crate::support::documents::TAGGING),
        )
        .ok();
    let tags =
        |query: &str| server.send(Request::cos("GET", &format!("key?tagging{query}"))).elements("Value");
    assert_eq!(tags(""), [""; 0]);
    assert_eq!(tags(&format!("&versionId={first}")), ["1"]);
}

#[test]
fn a_link_serves_what_it_leads_to() {
    let server = Server::start();
    server.send(Request::cos("PUT", "link?symlink").with("x-cos-symlink-target", "dir%2Fkey")).ok();
    server.send(Request::cos("GET", "link")).is(404, "NoSuchKey");
    server.send(Request::cos("PUT", "dir/key").body("target")).ok();
    assert_eq!(server.send(Request::cos("GET", "link")).text(), "target");
    let told = server.send(Request::cos("GET", "link?symlink"));
    assert_eq!(told.ok().header("x-cos-symlink-target"), Some("dir/key"));
    assert_eq!(server.send(Request::cos("HEAD", "link")).header("Content-Length"), Some("6"));
}
