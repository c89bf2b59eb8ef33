//! The program opens no connection of its own, whatever it is asked for: neither as a proxy, nor for callbacks, nor by a rule.

#![cfg(target_os = "linux")]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use support::{Connection, Request};

/// The numbers of the sockets of a process.
fn sockets(pid: u32) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return BTreeSet::new() };
    let links = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let names = links.filter_map(|link| link.to_str().map(str::to_owned));
    names.filter_map(|name| Some(name.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect()
}

/// The TCP connections of a process that do not end at that port of it: local and remote address, as the kernel writes them.
fn others(pid: u32, port: u16) -> BTreeSet<(String, String)> {
    let own = sockets(pid);
    let tables = ["tcp", "tcp6"]
        .map(|name| std::fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let fields = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let meant = fields.filter(|fields| fields.len() > 9 && own.contains(fields[9]));
    let here = format!(":{port:04X}");
    meant
        .filter(|fields| !fields[1].ends_with(&here))
        .map(|fields| (fields[1].to_owned(), fields[2].to_owned()))
        .collect()
}

#[test]
fn the_program_opens_no_connection_of_its_own() {
    let rules = r#"{"version": 1, "name": "redirects", "rules": [
        {"id": "r", "when": {"op": "GetObject"}, "do": {"redirect": {"to": "http://192.0.2.9"}}}]}"#;
    let mut child = Command::new(env!("CARGO_BIN_EXE_cos-emu"))
        .args([
            "--listen",
            "127.0.0.1:0",
            "--bucket",
            "b-1250000000",
            "--vault",
            "v",
            "--scenario-json",
            rules,
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addr: std::net::SocketAddr =
        line.trim().strip_prefix("cos-emu ready on http://").unwrap().parse().unwrap();

    let done = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                seen.extend(others(child.id(), addr.port()));
                std::thread::sleep(Duration::from_millis(1));
            }
            seen
        });
        let send = |request: Request| Connection::to(addr).send(&request);
        for target in ["192.0.2.1:443", "example.com:443", "b-1250000000.cos.ap-guangzhou.myqcloud.com:443"] {
            Connection::to(addr).write(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"));
        }
        send(Request::new("GET", "http://192.0.2.1/").with("Host", "192.0.2.1"));
        send(Request::new("GET", "http://example.com/").with("Host", "example.com"));
        send(Request::new("PUT", "/b-1250000000/key").body("bytes"));
        send(Request::new("GET", "/b-1250000000/key"));
        let mirrored = "<OriginConfiguration><OriginRule><OriginType>Mirror</OriginType></OriginRule></OriginConfiguration>";
        send(Request::new("PUT", "/b-1250000000/?origin").body(mirrored));
        for url in ["http://192.0.2.1/", "http://callback.example/", "https://192.0.2.1/"] {
            let body = format!(r#"{{"Type": "inventory-retrieval", "CallBackUrl": "{url}"}}"#);
            assert_eq!(send(Request::new("POST", "/-/vaults/v/jobs").body(body)).status, 202);
        }
        // A connection that is on its way stays in the table for seconds.
        std::thread::sleep(Duration::from_millis(300));
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(seen, BTreeSet::new());
}

/// The watch itself: a callback to this machine, which is allowed, is seen.
#[test]
fn a_connection_that_is_opened_would_be_seen() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let port = stream.local_addr().unwrap().port();
    let seen = others(std::process::id(), listener.local_addr().unwrap().port());
    assert!(seen.iter().any(|(local, _)| local.ends_with(&format!(":{port:04X}"))), "{seen:?}");
}
