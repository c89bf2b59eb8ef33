//! What buckets are configured to be: given back as it was put, and carried out.
//!
//! Source: `cos.md` 5.2, 12.

use crate::support::documents::{self, CONFIGURATIONS, configure};
use crate::support::{Answer, BUCKET, Request, Server};

/// A document without what stands between its elements.
fn bare(text: &str) -> String {
    let text = text.split_once("?>").map_or(text, |(_, rest)| rest);
    text.lines().map(str::trim).collect::<String>().replace(" xmlns=\"cos xmlns/\"", "")
}

#[test]
fn each_configuration_is_given_back_as_it_was_put() {
    for (name, query, document, before, deletes) in CONFIGURATIONS {
        let server = Server::start();
        before.iter().for_each(|prepare| prepare(&server));
        let get = || server.send(Request::cos("GET", &format!("?{query}")));
        if *name != "Versioning" && *name != "Replication" {
            let absent = get();
            assert!(absent.status == 404 || !absent.text().contains("Status>"), "{name}: {}", absent.text());
        }
        configure(&server, query, document);
        let expected = match *name {
            "Accelerate" => document.replace("</Acc", "<Type>COS</Type></Acc"),
            _ => (*document).to_owned(),
        };
        assert_eq!(bare(&get().text()), expected, "{name}");
        if *deletes {
            assert_eq!(server.send(Request::cos("DELETE", &format!("?{query}"))).status, 204, "{name}");
            assert_ne!(bare(&get().text()), expected, "{name}");
        }
    }
}

#[test]
fn what_the_service_writes_in_its_own_way_is_given_back_so() {
    let server = Server::start();
    let read = |query: &str| bare(&server.send(Request::cos("GET", query)).text());
    configure(
        &server,
        "encryption",
        &documents::ENCRYPTION
            .replace("ApplyServerSideEncryptionByDefault", "ApplySideEncryptionConfiguration"),
    );
    assert_eq!(read("?encryption"), documents::ENCRYPTION);
    let rule = "<RoutingRules><RoutingRule><Condition><KeyPrefixEquals>a/</KeyPrefixEquals></Condition><Redirect><ReplaceKeyWith>b</ReplaceKeyWith></Redirect></RoutingRule></RoutingRules>";
    configure(&server, "website", &documents::WEBSITE.replace("</Website", &format!("{rule}</Website")));
    assert!(read("?website").contains("<URLRedirect>Enabled</URLRedirect></Redirect>"));
    configure(&server, "policy", &documents::POLICY.replace("Statement", "statement"));
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(json(&server.send(Request::cos("GET", "?policy")).text()), json(documents::POLICY));
    server.send(Request::cos("PUT", "?referer").body(documents::REFERER)).ok();
    server.send(Request::cos("DELETE", "?referer")).ok();
    assert_eq!(read("?referer"), "<RefererConfiguration/>");
}

#[test]
fn inventories_are_listed_in_pages_of_a_hundred() {
    let server = Server::start();
    for number in 0..150 {
        let id = format!("i{number:03}");
        configure(
            &server,
            &format!("inventory&id={id}"),
            &documents::INVENTORY.replace("<Id>i<", &format!("<Id>{id}<")),
        );
    }
    let first = server.send(Request::cos("GET", "?inventory"));
    assert_eq!((first.elements("Id").len(), first.element("IsTruncated").as_deref()), (100, Some("true")));
    let token = first.element("NextContinuationToken").unwrap();
    let second = server.send(Request::cos("GET", &format!("?inventory&continuation-token={token}")));
    assert_eq!((second.elements("Id").len(), second.element("IsTruncated").as_deref()), (50, Some("false")));
}

fn from(origin: &str, request: Request) -> Request {
    request.with("Origin", origin)
}

#[test]
fn a_browser_is_told_what_pages_of_other_sites_may_do() {
    let server = Server::start();
    configure(&server, "cors", documents::CORS);
    let ask = |origin: &str, method: &str| {
        let asked = from(origin, Request::cos("OPTIONS", "key"));
        server.send(
            asked
                .with("Access-Control-Request-Method", method)
                .with("Access-Control-Request-Headers", "X-Cos-Meta-A"),
        )
    };
    let allowed = ask("http://a.example", "PUT");
    let header = |name: &str| allowed.header(name).map(str::to_owned).unwrap_or_default();
    assert_eq!(allowed.ok().header("Content-Length"), Some("0"));
    assert_eq!(header("Access-Control-Allow-Origin"), "http://a.example");
    assert_eq!(header("Access-Control-Allow-Credentials"), "true");
    assert_eq!(header("Access-Control-Allow-Methods"), "GET,PUT");
    assert_eq!(header("Access-Control-Allow-Headers"), "x-cos-meta-a");
    assert_eq!(header("Access-Control-Expose-Headers"), "ETag");
    assert_eq!(header("Access-Control-Max-Age"), "600");
    ask("http://b.example", "PUT").is(403, "AccessForbidden");
    ask("http://a.example", "DELETE").is(403, "AccessForbidden");

    let put = server.send(from("http://a.example", Request::cos("PUT", "key").body("x")));
    assert_eq!(put.ok().header("Access-Control-Allow-Origin"), Some("http://a.example"));
    let missing = server.send(from("http://a.example", Request::cos("GET", "missing")));
    missing.is(404, "NoSuchKey");
    assert!(missing.header("Access-Control-Allow-Origin").is_some(), "errors can be read too");
    let other = server.send(from("http://b.example", Request::cos("GET", "key")));
    assert_eq!(other.ok().header("Access-Control-Allow-Origin"), None);
}

#[test]
fn an_injected_error_can_be_read_by_a_page_too() {
    let server =
        Server::with_rules(r#"{"id": "r", "when": {"op": "GetObject"}, "do": {"error": "SlowDown"}}"#);
    configure(&server, "cors", documents::CORS);
    let answer = server.send(from("http://a.example", Request::cos("GET", "key")));
    answer.is(503, "SlowDown");
    assert!(answer.header("Access-Control-Allow-Origin").is_some());
}

#[test]
fn any_origin_is_told_as_a_star_and_without_credentials() {
    let server = Server::start();
    configure(&server, "cors", &documents::CORS.replace("http://a.example", "*"));
    let answer = server.send(from("http://c.example", Request::cos("GET", "key")));
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
    assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
}

fn visit(server: &Server, path: &str) -> Answer {
    let host = format!("{BUCKET}.cos-website.ap-guangzhou.myqcloud.com");
    server.send(Request::new("GET", path).with("Host", host))
}

#[test]
fn a_website_has_an_index_an_error_page_and_redirects() {
    let server = Server::start();
    visit(&server, "/").is(404, "NoSuchWebsiteConfiguration");
    let rules = "<ErrorDocument><Key>error.html</Key></ErrorDocument><RoutingRules>\
        <RoutingRule><Condition><KeyPrefixEquals>old/</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith>new/</ReplaceKeyPrefixWith></Redirect></RoutingRule>\
        <RoutingRule><Condition><HttpErrorCodeReturnedEquals>403</HttpErrorCodeReturnedEquals></Condition><Redirect><ReplaceKeyWith>login.html</ReplaceKeyWith></Redirect></RoutingRule>\
        </RoutingRules>";
    configure(&server, "website", &documents::WEBSITE.replace("</Website", &format!("{rules}</Website")));
    let missing = visit(&server, "/missing");
    assert_eq!((missing.status, missing.header("Content-Type")), (404, Some("text/html")));
    assert!(missing.text().contains("NoSuchKey"), "{}", missing.text());
    for key in ["index.html", "dir/index.html", "error.html"] {
        server.send(Request::cos("PUT", key).body(key)).ok();
    }
    assert_eq!(visit(&server, "/").text(), "index.html");
    assert_eq!(visit(&server, "/").header("Content-Type"), Some("text/html"));
    assert_eq!(visit(&server, "/dir/").text(), "dir/index.html");
    assert_eq!(visit(&server, "/dir").header("Location"), Some("/dir/"));
    let missing = visit(&server, "/missing");
    assert_eq!((missing.status, missing.text().as_str()), (404, "error.html"));
    let moved = visit(&server, "/old/a%20b");
    assert_eq!((moved.status, moved.header("Location")), (302, Some("/new/a%20b")));
    server.send(Request::cos("PUT", "cold").with("x-cos-storage-class", "ARCHIVE").body("x")).ok();
    assert_eq!(visit(&server, "/cold").header("Location"), Some("/login.html"));
}

#[test]
fn what_is_missing_is_looked_for_at_the_origin() {
    let server = Server::start();
    configure(&server, "origin", documents::ORIGIN);
    let redirected = server.send(Request::cos("GET", "dir/a%20b"));
    assert_eq!(
        (redirected.status, redirected.header("Location")),
        (302, Some("http://origin.example/dir/a%20b"))
    );
    server.send(Request::cos("PUT", "dir/a%20b").body("here")).ok();
    assert_eq!(server.send(Request::cos("GET", "dir/a%20b")).text(), "here");
}

#[test]
fn the_accelerated_host_serves_what_enabled_it() {
    let server = Server::start();
    let host = format!("{BUCKET}.cos.accelerate.myqcloud.com");
    let send =
        |method: &str, target: &str| server.send(Request::new(method, target).with("Host", &host).body("x"));
    send("PUT", "/key").is(400, "BucketAccelerateNotEnabled");
    configure(&server, "accelerate", documents::ACCELERATE);
    send("PUT", "/key").ok();
    send("PUT", "/?cors").is(400, "ActionAccelerateNotSupported");
    configure(&server, "accelerate", &documents::ACCELERATE.replace("Enabled", "Suspended"));
    send("PUT", "/key").is(400, "BucketAccelerateNotEnabled");
}

#[test]
fn what_is_locked_cannot_be_changed_until_its_time() {
    let server = Server::start();
    configure(&server, "object-lock", documents::OBJECT_LOCK);
    server.send(Request::cos("PUT", "key").body("kept")).ok();
    server.send(Request::cos("PUT", "key").body("other")).is(409, "ObjectLocked");
    server.send(Request::cos("DELETE", "key")).is(409, "ObjectLocked");
    let many = server.send(documents::delete_many("<Delete><Object><Key>key</Key></Object></Delete>"));
    assert_eq!(many.ok().element("Code").as_deref(), Some("ObjectLocked"));
    assert_eq!(server.send(Request::cos("GET", "key")).text(), "kept");
    let until = server.send(Request::cos("GET", "key?retention"));
    assert!(until.ok().element("RetainUntilDate").unwrap().ends_with('Z'));
    let clock = Request::new("PUT", "/_cos-emu/v1/scenarios/default/clock").body(r#"{"advance": "25h"}"#);
    server.send(clock).ok();
    server.send(Request::cos("DELETE", "key")).ok();
}
