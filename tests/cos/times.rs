//! What happens when time passes: archived objects are restored and are gone again, and rules of lifecycle are carried out.
//!
//! Source: `cos.md` 5.2.3, 5.3.10, 7.4.

use crate::support::documents::{LIFECYCLE, RESTORE, VERSIONING, configure};
use crate::support::{Answer, Request, Server};

/// A server whose clock stands still until it is moved.
fn frozen() -> Server {
    let server = Server::start();
    clock(&server, r#"{"freeze": "2020-04-10T00:00:00Z"}"#);
    server
}

fn clock(server: &Server, to: &str) {
    server.send(Request::new("PUT", "/_cos-emu/v1/scenarios/default/clock").body(to)).ok();
}

fn advance(server: &Server, hours: u32) {
    clock(server, &format!(r#"{{"advance": "{hours}h"}}"#));
}

fn put(server: &Server, key: &str, class: &str) {
    server.send(Request::cos("PUT", key).with("x-cos-storage-class", class).body("bytes")).ok();
}

fn send(server: &Server, method: &str, key: &str) -> Answer {
    server.send(Request::cos(method, key))
}

#[test]
fn an_archived_object_is_restored_for_a_while() {
    let server = frozen();
    put(&server, "key", "ARCHIVE");
    let refused = send(&server, "GET", "key");
    refused.is(403, "InvalidObjectState");
    assert_eq!(refused.header("x-cos-storage-class"), Some("ARCHIVE"));
    assert_eq!(send(&server, "HEAD", "key").ok().header("x-cos-storage-class"), Some("ARCHIVE"));
    let list = || send(&server, "GET", "").text();
    assert!(list().contains("<RestoreStatus/>"));

    let restore = || server.send(Request::cos("POST", "key?restore").body(RESTORE));
    assert_eq!(restore().status, 202);
    restore().is(409, "RestoreAlreadyInProgress");
    let head = send(&server, "HEAD", "key");
    assert_eq!(head.header("x-cos-restore"), Some("ongoing-request=\"true\""));
    let status = "tier=\"standard\"; request-date=\"Fri, 10 Apr 2020 00:00:00 GMT\"";
    assert_eq!(head.header("x-cos-restore-status"), Some(status));
    assert!(list().contains("<RestoreStatus>ONGOING</RestoreStatus>"));
    send(&server, "GET", "key").is(403, "InvalidObjectState");

    advance(&server, 3);
    assert_eq!(send(&server, "GET", "key").text(), "bytes");
    let restored = send(&server, "HEAD", "key").header("x-cos-restore").unwrap().to_owned();
    assert_eq!(restored, "ongoing-request=\"false\", expiry-date=\"Sat, 11 Apr 2020 16:00:00 GMT\"");
    assert!(list().contains("<RestoreStatus>DONE</RestoreStatus>"));
    let again = restore();
    assert_eq!(again.status, 200, "what is there is kept for longer");

    advance(&server, 48);
    send(&server, "GET", "key").is(403, "InvalidObjectState");
}

#[test]
fn the_deep_archive_takes_longer_and_has_no_express() {
    let server = frozen();
    put(&server, "key", "DEEP_ARCHIVE");
    let expedited = RESTORE.replace("Standard", "Expedited");
    server.send(Request::cos("POST", "key?restore").body(expedited)).is(400, "MalformedXML");
    server.send(Request::cos("POST", "key?restore").body(RESTORE)).ok();
    advance(&server, 11);
    send(&server, "GET", "key").is(403, "InvalidObjectState");
    advance(&server, 1);
    send(&server, "GET", "key").ok();
}

#[test]
fn what_expires_is_gone_when_its_days_are_over() {
    let server = frozen();
    configure(&server, "lifecycle", LIFECYCLE);
    put(&server, "logs/old", "STANDARD");
    put(&server, "other", "STANDARD");
    advance(&server, 29 * 24);
    put(&server, "logs/new", "STANDARD");
    advance(&server, 24);
    assert_eq!(send(&server, "GET", "").elements("Key"), ["logs/new", "other"]);
    let off = LIFECYCLE.replace("Enabled", "Disabled");
    configure(&server, "lifecycle", &off);
    advance(&server, 100 * 24);
    assert_eq!(send(&server, "GET", "").elements("Key"), ["logs/new", "other"]);
}

fn rule(filter: &str, action: &str) -> String {
    format!(
        "<LifecycleConfiguration><Rule><Filter>{filter}</Filter><Status>Enabled</Status>{action}</Rule></LifecycleConfiguration>"
    )
}

#[test]
fn classes_change_by_age_and_tags_choose() {
    let server = frozen();
    let to = |days: u32, class: &str| {
        format!("<Transition><Days>{days}</Days><StorageClass>{class}</StorageClass></Transition>")
    };
    let tag = "<And><Prefix>a</Prefix><Tag><Key>t</Key><Value>1</Value></Tag></And>";
    configure(&server, "lifecycle", &rule(tag, &(to(30, "STANDARD_IA") + &to(60, "ARCHIVE"))));
    server.send(Request::cos("PUT", "a1").with("x-cos-tagging", "t=1").body("bytes")).ok();
    put(&server, "a2", "STANDARD");
    let classes = || send(&server, "GET", "").elements("StorageClass");
    assert_eq!(classes(), ["STANDARD", "STANDARD"]);
    advance(&server, 30 * 24);
    assert_eq!(classes(), ["STANDARD_IA", "STANDARD"]);
    advance(&server, 30 * 24);
    assert_eq!(classes(), ["ARCHIVE", "STANDARD"]);
}

#[test]
fn older_versions_and_lonely_markers_go() {
    let server = frozen();
    configure(&server, "versioning", VERSIONING);
    let actions = "<NoncurrentVersionExpiration><NoncurrentDays>10</NoncurrentDays></NoncurrentVersionExpiration>\
        <Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>";
    configure(&server, "lifecycle", &rule("<Prefix/>", actions));
    put(&server, "key", "STANDARD");
    advance(&server, 5 * 24);
    send(&server, "DELETE", "key").ok();
    let versions = || send(&server, "GET", "?versions").elements("IsLatest").len();
    assert_eq!(versions(), 2);
    advance(&server, 9 * 24);
    assert_eq!(versions(), 2, "it counts from when it was replaced");
    advance(&server, 24);
    assert_eq!(versions(), 1, "the version is gone, its marker is not yet alone when it is looked at");
    advance(&server, 1);
    assert_eq!(versions(), 0);
}

#[test]
fn an_expiry_under_versions_puts_a_marker() {
    let server = frozen();
    configure(&server, "versioning", VERSIONING);
    configure(
        &server,
        "lifecycle",
        &rule("<Prefix/>", "<Expiration><Date>2020-05-01T00:00:00+08:00</Date></Expiration>"),
    );
    put(&server, "key", "STANDARD");
    clock(&server, r#"{"freeze": "2020-04-30T15:59:59Z"}"#);
    send(&server, "GET", "key").ok();
    clock(&server, r#"{"freeze": "2020-04-30T16:00:00Z"}"#);
    send(&server, "GET", "key").is(404, "NoSuchKey");
    assert_eq!(send(&server, "GET", "?versions").elements("IsLatest"), ["true", "false"]);
}

#[test]
fn old_uploads_are_aborted() {
    let server = frozen();
    let action = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>";
    configure(&server, "lifecycle", &rule("<Prefix>big/</Prefix>", action));
    for key in ["big/key", "other"] {
        server.send(Request::cos("POST", &format!("{key}?uploads"))).ok();
    }
    advance(&server, 7 * 24);
    assert_eq!(send(&server, "GET", "?uploads").elements("Key"), ["other"]);
}
