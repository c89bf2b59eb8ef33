//! Accounts, access policies and notification configurations of vaults.

use cos_emu::{AuthMode, Clock, Config, Scenario, Timestamp};

use super::*;

const NOW: i64 = 1_500_000_000;

/// A server that enforces permissions, with another account whose key is `AKIDguest`.
fn strict() -> Server {
    let text = r#"{"version": 1, "name": "accounts", "setup": {
        "credentials": [{"id": "AKIDguest", "key": "guest", "uin": "200000000002"}],
        "vaults": {"other": {}}}}"#;
    Server::configured(|config: &mut Config| {
        config.auth = Some(AuthMode::Strict);
        config.clock = Clock::Frozen(Timestamp::from_unix_seconds(NOW));
        config.scenario = Some(Scenario::parse("accounts", text.as_bytes(), None).unwrap());
    })
}

fn owner(server: &Server, request: Request) -> Answer {
    server.send(request.signed("AKIDcosemu", "cosemu", [NOW, NOW + 1000]))
}

fn guest(server: &Server, request: Request) -> Answer {
    server.send(request.signed("AKIDguest", "guest", [NOW, NOW + 1000]))
}

fn foreign(method: &str, rest: &str) -> Request {
    Request::new(method, &format!("/1250000000/vaults/{VAULT}{rest}"))
}

fn statement(effect: &str, uin: &str, action: &str) -> Value {
    json!({ "effect": effect, "principal": { "qcs": [format!("qcs::cam::uin/{uin}:uin/{uin}")] },
        "action": [format!("name/cas:{action}")],
        "resource": [format!("qcs::cas:ap-guangzhou:uid/1250000000:vaults/{VAULT}")] })
}

fn set_policy(server: &Server, statements: Value) {
    let policy = json!({ "version": "2.0", "statement": statements }).to_string();
    let body = json!({ "policy": policy }).to_string();
    let answer = owner(server, Request::cas("PUT", "access-policy").body(body));
    assert_eq!(answer.status, 204, "{}", answer.text());
}

#[test]
fn a_policy_is_kept_as_it_came_and_given_back() {
    let server = Server::start();
    let get = || server.send(Request::cas("GET", "access-policy"));
    get().is(404, "ResourceNotFoundException");
    let text = "{ \"Version\":\"2.0\",\n \"Statement\": [] }";
    let set = server.send(Request::cas("PUT", "access-policy").body(json!({ "policy": text }).to_string()));
    assert_eq!((set.status, set.body.len()), (204, 0));
    assert_eq!(document(&get()), json!({ "policy": text }));
    for _ in 0..2 {
        assert_eq!(server.send(Request::cas("DELETE", "access-policy")).status, 204);
    }
    get().is(404, "ResourceNotFoundException");
    // One client spells the member so.
    server.send(Request::cas("PUT", "access-policy").body(json!({ "Policy": text }).to_string())).ok();
    assert_eq!(document(&get()), json!({ "policy": text }));
    // It goes with its vault.
    server.send(Request::cas("DELETE", "")).ok();
    get().is(404, "ResourceNotFoundException");
    server.send(Request::cas("PUT", "")).ok();
    get().is(404, "ResourceNotFoundException");
}

#[test]
fn what_is_wrong_with_a_policy_has_its_code() {
    let server = Server::start();
    let set = |body: &str| server.send(Request::cas("PUT", "access-policy").body(body));
    set("").is(400, "SerializationException");
    set("[]").is(400, "SerializationException");
    set("{}").is(400, "MissingParameterValueException");
    for policy in
        [json!(5), json!({ "statement": [] }), json!("{"), json!("[]"), json!("{\"statement\": {}}")]
    {
        set(&json!({ "policy": policy }).to_string()).is(400, "InvalidParameterValueException");
    }
    let elsewhere = Request::new("PUT", "/-/vaults/missing/access-policy").body("{}");
    server.send(elsewhere).is(404, "ResourceNotFoundException");
    server.send(Request::cas("GET", "access-policy")).is(404, "ResourceNotFoundException");
}

#[test]
fn another_account_may_do_what_a_policy_allows_and_nothing_else() {
    let server = strict();
    let denied = |request: Request| {
        guest(&server, request).is(403, "AccessDeniedException");
    };
    denied(foreign("GET", ""));
    set_policy(&server, json!([statement("allow", "200000000002", "Describe*")]));
    guest(&server, foreign("GET", "")).ok();
    denied(foreign("DELETE", ""));
    denied(Request::new("GET", "/1250000000/vaults/other"));
    denied(Request::new("GET", "/1250000000/vaults"));
    denied(Request::new("GET", "/1250000000/vaults/missing"));
    // The - in a path is the account that signs, which has nothing here.
    denied(Request::cas("GET", ""));
    // Somebody else's permission is not one's own.
    set_policy(&server, json!([statement("allow", "200000000003", "*")]));
    denied(foreign("GET", ""));
    // The policy is its owner's business, whatever it says.
    set_policy(&server, json!([statement("allow", "200000000002", "*")]));
    guest(&server, foreign("GET", "/jobs")).ok();
    for method in ["GET", "PUT", "DELETE"] {
        denied(foreign(method, "/access-policy"));
    }
    // A statement with a condition says nothing here.
    let mut conditional = statement("allow", "200000000002", "*");
    conditional["condition"] = json!({ "ip_equal": { "qcs:ip": "10.0.0.0/8" } });
    set_policy(&server, json!([conditional]));
    denied(foreign("GET", ""));
}

#[test]
fn a_denial_goes_before_what_allows_it_and_holds_for_the_owner() {
    let server = strict();
    let deny = statement("deny", "100000000001", "DeleteVault");
    set_policy(&server, json!([statement("allow", "100000000001", "*"), deny]));
    owner(&server, Request::cas("DELETE", "")).is(403, "AccessDeniedException");
    owner(&server, Request::cas("GET", "")).ok();
    set_policy(&server, json!([statement("deny", "100000000001", "*")]));
    owner(&server, Request::cas("GET", "")).is(403, "AccessDeniedException");
    owner(&server, Request::cas("GET", "access-policy")).ok();
    owner(&server, Request::cas("DELETE", "access-policy")).ok();
    owner(&server, Request::cas("GET", "")).ok();
}

#[test]
fn policies_count_only_where_permissions_do() {
    let server = Server::start();
    let denial = json!({ "statement": [statement("deny", "100000000001", "*")] }).to_string();
    server.send(Request::cas("PUT", "access-policy").body(json!({ "policy": denial }).to_string())).ok();
    server.send(Request::cas("GET", "")).ok();
}

#[test]
fn the_account_in_the_path_is_this_one_or_none() {
    let server = Server::start();
    for uid in ["-", "1250000000"] {
        server.send(Request::new("GET", &format!("/{uid}/vaults/{VAULT}"))).ok();
    }
    for path in ["/1250000001/vaults", "/1250000001/vaults/vault", "/1250000001/vaults/vault/jobs/x/output"] {
        let answer = server.send(Request::new("GET", path));
        answer.is(403, "AccessDeniedException");
        assert!(answer.text().contains("--appid"), "the cure is named: {}", answer.text());
    }
    let made = server.send(Request::new("PUT", "/-/vaults/new"));
    assert_eq!(made.header("Location"), Some("/1250000000/vaults/new"));
}

#[test]
fn notifications_are_set_read_and_deleted() {
    let server = Server::start();
    let get = || server.send(Request::cas("GET", "notification-configuration"));
    let set =
        |body: &Value| server.send(Request::cas("PUT", "notification-configuration").body(body.to_string()));
    get().is(404, "ResourceNotFoundException");
    let body = json!({ "CallBackUrl": "http://127.0.0.1:1/cb", "Events": ["ArchiveRetrievalCompleted", "PullFromCOSCompleted"] });
    assert_eq!(set(&body).status, 204);
    assert_eq!(document(&get()), body);
    let with = |name: &str, value: Value| {
        let mut other = body.clone();
        other[name] = value;
        other
    };
    for name in ["CallBackUrl", "Events"] {
        set(&with(name, json!(null))).is(400, "MissingParameterValueException");
    }
    for (name, value) in [
        ("CallBackUrl", json!("ftp://x/")),
        ("CallBackUrl", json!("http://")),
        ("CallBackUrl", json!(1)),
        ("Events", json!("ArchiveRetrievalCompleted")),
        ("Events", json!([1])),
        ("Events", json!(["ArchiveDeleted"])),
    ] {
        set(&with(name, value)).is(400, "InvalidParameterValueException");
    }
    server
        .send(Request::cas("PUT", "notification-configuration").body("{"))
        .is(400, "SerializationException");
    assert_eq!(document(&get()), body, "what was refused changed nothing");
    for _ in 0..2 {
        assert_eq!(server.send(Request::cas("DELETE", "notification-configuration")).status, 204);
    }
    get().is(404, "ResourceNotFoundException");
}
