//! TLS and the proxy: what openssl's own client says of each fault, and what a tunnel leads to.
//!
//! Without `openssl` the tests that need it say that they skip.

mod support;

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use cos_emu::{Config, Scenario};
use support::clients::{skip, works};
use support::{BUCKET, Connection, Folder, Request, Server};

const HOST: &str = "demo-1250000000.cos.ap-guangzhou.myqcloud.com";

/// A server whose connections meet this rule; the text behind `"id": "c", `.
fn server(rule: &str) -> Server {
    let rules = if rule.is_empty() { String::new() } else { format!(r#"{{"id": "c", {rule}}}"#) };
    let text = format!(r#"{{"version": 1, "name": "tls", "connections": [{rules}]}}"#);
    let scenario =
        Scenario::parse("tls", text.as_bytes(), None).unwrap_or_else(|problems| panic!("{problems}"));
    Server::configured(|config| config.scenario = Some(scenario))
}

/// What openssl's client says of a connection over which it asks for the list of the bucket.
fn s_client(name: &str, addr: SocketAddr, ca_pem: &str, options: &[&str]) -> String {
    let named = ["-servername", HOST, "-verify_hostname", HOST];
    openssl(name, addr, ca_pem, &[&named, options].concat())
}

fn openssl(name: &str, addr: SocketAddr, ca_pem: &str, options: &[&str]) -> String {
    let folder = Folder::new(&format!("tls-{name}"));
    let ca = folder.0.join("ca.pem");
    std::fs::write(&ca, ca_pem).unwrap();
    let mut child = Command::new("openssl")
        .args(["s_client", "-connect", &addr.to_string(), "-verify_return_error", "-ign_eof", "-CAfile"])
        .arg(&ca)
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    // Who fails before it reads hears nothing of it.
    let _ = child.stdin.take().unwrap().write_all(request.as_bytes());
    let output = child.wait_with_output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn has_openssl() -> bool {
    let found = works(Command::new("openssl").arg("version"));
    if !found {
        skip("openssl");
    }
    found
}

#[test]
fn who_names_no_host_may_know_the_server_by_an_address_of_another_machine() {
    if !has_openssl() {
        return;
    }
    let server = Server::configured(|config| config.control_hosts = vec!["192.0.2.7".to_owned()]);
    let verify = |ip: &str| {
        openssl("address", server.addr(), server.emulator().ca_pem(), &["-noservername", "-verify_ip", ip])
    };
    for known in ["127.0.0.1", "192.0.2.7"] {
        assert!(verify(known).contains("Verify return code: 0 (ok)"), "{}", verify(known));
    }
    assert!(verify("192.0.2.8").contains("IP address mismatch"), "{}", verify("192.0.2.8"));
}

#[test]
fn https_and_http_come_to_one_port_and_the_certificate_is_good() {
    if !has_openssl() {
        return;
    }
    let server = server("");
    let said = s_client("good", server.addr(), server.emulator().ca_pem(), &[]);
    assert!(said.contains("Verify return code: 0 (ok)") && said.contains("HTTP/1.1 200 OK"), "{said}");
    assert!(!said.contains("unexpected eof"), "the end is announced: {said}");
    server.send(Request::cos("GET", "")).ok();
    let journal = server.journal();
    assert_eq!(journal.len(), 2);
    assert_eq!((journal[0].bucket.as_deref(), journal[0].host.as_str()), (Some(BUCKET), HOST));
    let served = server.send(Request::new("GET", "/_cos-emu/ca.pem"));
    assert_eq!(served.ok().body, server.emulator().ca_pem().as_bytes());
}

#[test]
fn every_fault_of_tls_is_to_openssl_what_it_is() {
    if !has_openssl() {
        return;
    }
    for (fault, said) in [
        ("expired", "certificate has expired"),
        ("not-yet-valid", "certificate is not yet valid"),
        ("wrong-host", "hostname mismatch"),
        ("self-signed", "self-signed certificate"),
        ("old-version", "unsupported protocol"),
        ("close-in-handshake", "unexpected eof while reading"),
        ("reset-in-handshake", "errno=104"),
        ("no-close-notify", "unexpected eof while reading"),
        (r#"bad-record", "after": "100B"#, "bad record mac"),
    ] {
        let server = server(&format!(r#""do": {{"tls": {{"fault": "{fault}"}}}}"#));
        let name = fault.split('"').next().unwrap();
        let output = s_client(name, server.addr(), server.emulator().ca_pem(), &[]);
        assert!(output.contains(said), "{fault}: {output}");
        let answered = matches!(name, "no-close-notify" | "bad-record");
        assert_eq!(output.contains("HTTP/1.1 200 OK"), answered, "{fault}: {output}");
        server.coped();
    }
}

#[test]
fn a_handshake_that_stalls_is_never_answered() {
    let server = server(r#""do": {"tls": {"fault": "stall-in-handshake"}}"#);
    let mut connection = server.connect();
    connection.write(CLIENT_HELLO);
    assert!(connection.is_silent_for(Duration::from_millis(200)));
    server.coped();
}

#[test]
fn a_reset_in_the_handshake_is_an_rst_below_tls() {
    let server = server(r#""do": {"tls": {"fault": "reset-in-handshake"}}"#);
    let mut connection = server.connect();
    connection.write(CLIENT_HELLO);
    let (bytes, end) = connection.rest();
    assert!(bytes.is_empty() && end == support::End::Rst);
}

#[test]
fn a_bad_record_that_never_goes_out_is_no_firing() {
    let server = server(r#""do": {"tls": {"fault": "bad-record"}}"#);
    let mut connection = server.connect();
    connection.write(CLIENT_HELLO);
    // The handshake goes no further.
    drop(connection);
    std::thread::sleep(Duration::from_millis(50));
    server.failed(&["rules/c"]);
}

/// A rule for TLS is not met by a client that does not speak it, and does not fire.
#[test]
fn rules_for_tls_are_for_connections_of_tls() {
    for rule in [r#""do": {"tls": {"fault": "expired"}}"#, r#""when": {"tls": true}, "do": {"refuse": {}}"#] {
        let server = server(rule);
        server.send(Request::cos("GET", "")).ok();
        server.failed(&["rules/c"]);
    }
    let server = server(r#""when": {"tls": false}, "do": {"refuse": {}}"#);
    assert_eq!(server.send_to_the_end(&Request::cos("GET", "")).1, support::End::Rst);
    server.coped();
}

#[test]
fn rules_match_the_name_that_a_client_asks_for() {
    if !has_openssl() {
        return;
    }
    let server = server(r#""when": {"sni": "demo-*"}, "do": {"tls": {"fault": "expired"}}"#);
    let ca = server.emulator().ca_pem();
    assert!(s_client("sni", server.addr(), ca, &[]).contains("has expired"));
    let other = ["-servername", "other-1250000000.cos.ap-guangzhou.myqcloud.com"];
    let options = [&other[..], &["-verify_hostname", other[1]]].concat();
    assert!(s_client("other", server.addr(), ca, &options).contains("Verify return code: 0 (ok)"));
}

#[test]
fn rules_of_requests_know_whether_they_came_over_tls() {
    if !has_openssl() {
        return;
    }
    let server = Server::with_rules(r#"{"id": "r", "when": {"tls": true}, "do": {"error": "SlowDown"}}"#);
    server.send(Request::cos("GET", "")).ok();
    let said = s_client("when", server.addr(), server.emulator().ca_pem(), &[]);
    assert!(said.contains("HTTP/1.1 503"), "{said}");
}

#[test]
fn a_reset_of_a_rule_is_an_rst_below_tls() {
    if !has_openssl() {
        return;
    }
    let server = Server::with_rules(r#"{"id": "r", "do": {"reset": {"at": "reply"}}}"#);
    let said = s_client("rst", server.addr(), server.emulator().ca_pem(), &[]);
    assert!(said.contains("errno=104"), "{said}");
}

#[test]
fn a_ca_that_is_kept_is_the_same_each_time() {
    let folder = Folder::new("kept");
    let start = || Server::configured(|config: &mut Config| config.ca_dir = Some(folder.0.join("ca")));
    let first = start().emulator().ca_pem().to_owned();
    let server = start();
    assert_eq!(server.emulator().ca_pem(), first);
    assert_eq!(std::fs::read_to_string(folder.0.join("ca/ca.pem")).unwrap(), first);
    if has_openssl() {
        let said = s_client("kept", server.addr(), &first, &[]);
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    }
    assert_ne!(Server::start().emulator().ca_pem(), first, "without a folder it is another");
}

#[test]
fn another_address_takes_both_as_well() {
    let server = Server::configured(|config| config.tls_listen = Some(([127, 0, 0, 1], 0).into()));
    assert_ne!(server.emulator().tls_addr(), server.addr());
    Connection::to(server.emulator().tls_addr()).send(&Request::cos("GET", "")).ok();
}

// ---- the proxy ----

#[test]
fn a_tunnel_leads_to_the_services_and_nowhere_else() {
    let server = Server::start();
    let mut connection = server.connect();
    connection.write(format!("CONNECT {HOST}:80 HTTP/1.1\r\nHost: {HOST}:80\r\n\r\n"));
    assert_eq!(connection.head(), "HTTP/1.1 200 Connection established\r\n\r\n");
    // What goes through it may also be plain.
    for _ in 0..2 {
        connection.write(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
        let answer = connection.answer();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let numbers: Vec<_> =
        server.journal().iter().map(|exchange| (exchange.connection, exchange.request)).collect();
    assert_eq!(numbers, [(1, 2), (1, 3)]);

    for target in ["example.com:443", "www.myqcloud.com:443", "sts.tencentcloudapi.com:443"] {
        let mut connection = server.connect();
        connection.write(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"));
        let answer = connection.answer();
        assert_eq!(answer.status, 403, "{}", answer.text());
        assert!(server.journal().last().unwrap().notes[0].contains("no host of COS or CAS"), "{target}");
    }
    let foreign = server.send(Request::new("GET", "http://example.com/").with("Host", "example.com"));
    assert_eq!(foreign.status, 403);
    let known = server.send(Request::new("GET", &format!("http://{HOST}/")).with("Host", HOST));
    assert_eq!(known.status, 200);
}

#[test]
fn https_through_the_proxy_is_checked_and_served() {
    if !has_openssl() {
        return;
    }
    let server = Server::start();
    let addr = server.addr().to_string();
    let target = format!("{HOST}:443");
    let options = ["-connect", &target, "-proxy", &addr];
    let said = s_client("proxy", server.addr(), server.emulator().ca_pem(), &options);
    assert!(said.contains("Verify return code: 0 (ok)") && said.contains("HTTP/1.1 200 OK"), "{said}");
    assert_eq!(server.journal().last().unwrap().host, HOST);
}

/// A hello of TLS 1.2 as short as can be: one cipher suite, one group, one point format, one signature.
const CLIENT_HELLO: &[u8] = &[
    22, 3, 1, 0, 69, 1, 0, 0, 65, 3, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
    20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 22, 0, 10, 0, 4, 0, 2,
    0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3,
];
