//! Who may do what under `--auth strict`: nobody, another account, the owner; by lists, by policy, by referer, by what is signed.
//!
//! Source: `cos.md` 3.4, 5.2.1, 5.2.6, 5.2.7, 5.2.20, 12.13.

use crate::support::documents::{self, form};
use crate::support::{Answer, Request, Server};

/// A server with the keys of the owner and of another account, which has the UIN 100000000002.
fn server() -> Server {
    let text = r#"{"version": 1, "name": "strict", "server": {"auth": "strict"}, "setup": {"credentials": [
        {"id": "AKIDguest", "key": "k", "uin": "100000000002"}
    ]}}"#;
    let scenario =
        cos_emu::Scenario::parse("t.json", text.as_bytes(), None).unwrap_or_else(|error| panic!("{error}"));
    Server::configured(|config| config.scenario = Some(scenario))
}

const TIME: [i64; 2] = [1, 9_000_000_000];

fn owner(request: Request) -> Request {
    request.signed("AKIDcosemu", "cosemu", TIME)
}

fn guest(request: Request) -> Request {
    request.signed("AKIDguest", "k", TIME)
}

fn put(server: &Server, key: &str, acl: &str) {
    server.send(owner(Request::cos("PUT", key).with("x-cos-acl", acl).body("bytes"))).ok();
}

fn code(answer: &Answer) -> u16 {
    answer.status
}

#[test]
fn nobody_reads_what_is_private_nor_learns_what_is_missing() {
    let server = server();
    put(&server, "private", "private");
    server.send(Request::cos("GET", "private")).is(403, "AccessDenied");
    assert_eq!(server.send(Request::cos("HEAD", "missing")).status, 403);
    server.send(Request::cos("GET", "")).is(403, "AccessDenied");
    server.send(owner(Request::cos("GET", "missing"))).is(404, "NoSuchKey");
    server.send(Request::new("GET", "/missing-1250000000/k")).is(403, "AccessDenied");
    server.send(owner(Request::new("GET", "/missing-1250000000/k"))).is(404, "NoSuchBucket");
}

#[test]
fn lists_of_objects_go_before_that_of_the_bucket() {
    let server = server();
    put(&server, "public", "public-read");
    put(&server, "known", "authenticated-read");
    put(&server, "private", "private");
    server.send(owner(Request::cos("PUT", "inherits").body("bytes"))).ok();
    let read = |key: &str| code(&server.send(Request::cos("GET", key)));
    assert_eq!(["public", "known", "private", "inherits"].map(read), [200, 403, 403, 403]);
    let read_as_guest = |key: &str| code(&server.send(guest(Request::cos("GET", key))));
    assert_eq!(["public", "known", "private", "inherits"].map(read_as_guest), [200, 200, 403, 403]);
    server.send(owner(Request::cos("PUT", "?acl").with("x-cos-acl", "public-read"))).ok();
    assert_eq!(["public", "known", "private", "inherits"].map(read), [200, 403, 403, 200]);
    server.send(Request::cos("GET", "")).ok();
    server.send(Request::cos("PUT", "new").body("x")).is(403, "AccessDenied");
    server.send(owner(Request::cos("PUT", "?acl").with("x-cos-acl", "public-read-write"))).ok();
    server.send(Request::cos("PUT", "new").body("x")).ok();
    server.send(form(&[("key", "form")], &["x"])).ok();
}

#[test]
fn a_grant_is_for_one_account_and_one_thing() {
    let server = server();
    put(&server, "key", "private");
    let grant = Request::cos("PUT", "key?acl").with("x-cos-grant-read", "id=\"100000000002\"");
    server.send(owner(grant)).ok();
    server.send(guest(Request::cos("GET", "key"))).ok();
    server.send(guest(Request::cos("GET", "key?acl"))).is(403, "AccessDenied");
    server.send(Request::cos("GET", "key")).is(403, "AccessDenied");
    let list = server.send(owner(Request::cos("GET", "key?acl")));
    assert_eq!(list.elements("Permission"), ["READ"], "only what was named");
    assert_eq!(list.elements("ID")[1], "qcs::cam::uin/100000000002:uin/100000000002");
}

#[test]
fn other_accounts_make_no_bucket_that_is_there_and_list_none() {
    let server = server();
    server.send(guest(Request::cos("PUT", ""))).is(403, "AccessDenied");
    server.send(guest(Request::new("GET", "/"))).is(403, "AccessDenied");
    server.send(Request::new("GET", "/")).is(403, "AccessDenied");
    server.send(owner(Request::new("GET", "/"))).ok();
}

fn statement(effect: &str, principal: &str, action: &str, resource: &str) -> String {
    format!(
        r#"{{"Effect": "{effect}", "Principal": {{"qcs": ["{principal}"]}}, "Action": ["name/cos:{action}"], "Resource": ["qcs::cos:ap-guangzhou:uid/1250000000:demo-1250000000/{resource}"]}}"#
    )
}

fn set_policy(server: &Server, statements: &[String]) {
    let policy = format!(r#"{{"version": "2.0", "Statement": [{}]}}"#, statements.join(","));
    server.send(owner(Request::cos("PUT", "?policy").body(policy))).ok();
}

#[test]
fn a_policy_allows_and_its_denial_goes_before() {
    let server = server();
    put(&server, "a/key", "private");
    put(&server, "b/key", "private");
    let anyone = "qcs::cam::anyone:anyone";
    let other = "qcs::cam::uin/100000000001:uin/100000000002";
    set_policy(
        &server,
        &[
            statement("allow", anyone, "GetObject", "a/*"),
            statement("allow", other, "*", "*"),
            statement("deny", other, "DeleteObject", "*"),
        ],
    );
    server.send(Request::cos("GET", "a/key")).ok();
    server.send(Request::cos("GET", "b/key")).is(403, "AccessDenied");
    server.send(guest(Request::cos("GET", "b/key"))).ok();
    server.send(guest(Request::cos("GET", ""))).ok();
    server.send(guest(Request::cos("DELETE", "b/key"))).is(403, "AccessDenied");
    server.send(owner(Request::cos("DELETE", "b/key"))).ok();
}

#[test]
fn a_principal_beside_the_statements_is_that_of_each() {
    let server = server();
    put(&server, "key", "private");
    let resource = "qcs::cos:ap-guangzhou:uid/1250000000:demo-1250000000/*";
    let policy = format!(
        r#"{{"version": "2.0", "principal": {{"qcs": ["*"]}}, "statement": [{{"effect": "allow", "action": ["name/cos:GetObject"], "resource": ["{resource}"]}}]}}"#
    );
    server.send(owner(Request::cos("PUT", "?policy").body(policy))).ok();
    server.send(Request::cos("GET", "key")).ok();
}

#[test]
fn an_owner_who_is_denied_can_mend_the_policy() {
    let server = server();
    set_policy(&server, &[statement("deny", "*", "*", "*")]);
    server.send(owner(Request::cos("GET", ""))).is(403, "AccessDenied");
    server.send(owner(Request::cos("GET", "?policy"))).ok();
    server.send(owner(Request::cos("DELETE", "?policy"))).ok();
    server.send(owner(Request::cos("GET", ""))).ok();
}

#[test]
fn the_source_of_a_copy_has_to_be_readable() {
    let server = server();
    put(&server, "private", "private");
    server.send(owner(Request::cos("PUT", "?acl").with("x-cos-acl", "public-read-write"))).ok();
    let copy = Request::cos("PUT", "copy").with("x-cos-copy-source", "demo-1250000000/private");
    server.send(copy).is(403, "AccessDenied");
}

#[test]
fn overrides_need_a_signature() {
    let server = server();
    put(&server, "key", "public-read");
    let target = "key?response-content-type=text/css";
    server.send(Request::cos("GET", target)).is(403, "AccessDenied");
    let answer = server.send(owner(Request::cos("GET", target)));
    assert_eq!(answer.ok().header("Content-Type"), Some("text/css"));
}

#[test]
fn unsigned_reads_are_held_to_the_referer_list() {
    let server = Server::start();
    server.send(Request::cos("PUT", "key").body("bytes")).ok();
    documents::configure(&server, "referer", documents::REFERER);
    let read = |referer: Option<&str>| {
        let request = Request::cos("GET", "key");
        server.send(referer.iter().fold(request, |request, referer| request.with("Referer", referer)))
    };
    read(Some("http://a.example/page")).ok();
    let denied = read(Some("http://a.other/page"));
    denied.is(403, "AccessDenied");
    assert!(denied.text().contains("You are denied by bucket referer rule"));
    read(None).is(403, "AccessDenied");
    server.send(owner(Request::cos("GET", "key"))).ok();
    let black = documents::REFERER
        .replace("White", "Black")
        .replace("</Referer", "<EmptyReferConfiguration>Allow</EmptyReferConfiguration></Referer");
    let black = black
        .replace("<EmptyReferConfiguration>Allow</EmptyReferConfiguration></RefererType", "</RefererType");
    documents::configure(&server, "referer", &black);
    read(Some("http://a.example/page")).is(403, "AccessDenied");
    read(Some("http://a.other/page")).ok();
    read(None).ok();
}

#[test]
fn a_strict_signature_demands_that_headers_and_parameters_are_signed() {
    let server = Server::start();
    let rule = "<Rule><ID>1</ID><actionlist><action>Put*</action></actionlist><headerlist><header>x-cos-*</header></headerlist><paramlist><param>all</param></paramlist></Rule>";
    let document = format!("<StrictSignatureConfiguration>{rule}</StrictSignatureConfiguration>");
    documents::configure(&server, "strict-signature", &document);
    let denied = server.send(owner(Request::cos("PUT", "key").with("x-cos-meta-a", "1").body("x")));
    denied.is(403, "AccessDenied");
    assert!(denied.text().contains("Strict signature missing header that must be signed"));
    let denied = server.send(owner(Request::cos("PUT", "key?acl").with("x", "1").body("x")));
    assert!(
        denied.text().contains("Strict signature missing param that must be signed"),
        "{}",
        denied.text()
    );
    server.send(owner(Request::cos("PUT", "key").body("x"))).ok();
    server.send(Request::cos("PUT", "key").with("x-cos-meta-a", "1").body("x")).ok();
}

#[test]
fn a_form_is_signed_by_its_policy() {
    use base64::Engine as _;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use sha1::{Digest as _, Sha1};

    let mac = |key: &str, text: &str| {
        let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        crate::support::hex(mac.finalize().into_bytes())
    };
    let server = server();
    let time = "1;9000000000";
    let policy = format!(
        r#"{{"expiration": "2200-01-01T00:00:00Z", "conditions": [{{"key": "key"}}, {{"q-sign-algorithm": "sha1"}}, {{"q-ak": "AKIDcosemu"}}, {{"q-sign-time": "{time}"}}]}}"#
    );
    let signature = mac(&mac("cosemu", time), &crate::support::hex(Sha1::digest(&policy)));
    let policy = base64::engine::general_purpose::STANDARD.encode(policy);
    let fields = [
        ("key", "key"),
        ("policy", policy.as_str()),
        ("q-sign-algorithm", "sha1"),
        ("q-ak", "AKIDcosemu"),
        ("q-key-time", time),
        ("q-signature", signature.as_str()),
    ];
    server.send(form(&fields, &["bytes"])).ok();
    assert_eq!(server.exchange().signature.as_deref(), Some("valid"));
    server.send(form(&fields[..1], &["bytes"])).is(403, "AccessDenied");
}
