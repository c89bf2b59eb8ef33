//! Everything that real clients offer, unmodified, against a server that is as strict as the service: one program for each client
//! in `tests/sdk`, and `tests/sdk/install` installs them.

mod support;

use std::process::{Command, Output};

use cos_emu::{AuthMode, COVERAGE, Operation};
use support::Server;
use support::clients::{self, skip, without_proxies};

/// Runs a program to its end, and sees to it that nothing was asked that is not emulated.
#[track_caller]
fn whole(name: &str, client: Option<Command>) {
    let Some(mut command) = client else { return skip(name) };
    let server = Server::configured(|config| {
        config.auth = Some(AuthMode::Strict);
        config.max_memory_bytes = 2 << 30;
        config.journal_capacity = 100_000;
    });
    without_proxies(&mut command);
    command.arg(server.emulator().url());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let journal = server.journal();
    let of = |exchange: &cos_emu::Exchange| exchange.answer.as_ref().map_or(0, |answer| answer.status);
    let last = journal.iter().rev().take(3).map(|exchange| {
        format!("{} {}?{}: {:?}", exchange.method, exchange.path, exchange.query, exchange.answer)
    });
    let last: Vec<String> = last.collect();
    assert!(
        status.success() && text.lines().any(|line| line == "ok"),
        "{status}:\n{text}\n{}",
        last.join("\n")
    );
    // What is of tier D may be asked for, to be told that it is not there; so may buckets in several zones.
    let built = |exchange: &&cos_emu::Exchange| {
        let row = COVERAGE.iter().find(|row| Some(row.operation.name()) == exchange.op);
        row.is_some_and(|row| row.tier != 'D' && row.operation != Operation::PutBucket)
    };
    let missing = journal.iter().filter(built).filter(|exchange| of(exchange) == 501);
    let missing: Vec<_> = missing.map(|exchange| exchange.op).collect();
    assert!(missing.is_empty(), "not emulated: {missing:?}");
    assert!(
        journal.iter().any(|exchange| exchange.signature.as_deref() == Some("valid")),
        "nothing is signed"
    );
}

#[test]
fn python() {
    whole("cos-python-sdk-v5", clients::python("qcloud_cos", "tests/sdk/whole.py"));
}

#[test]
fn java() {
    whole("cos_api", clients::java());
}

#[test]
fn coscmd() {
    whole("coscmd", clients::python_of("coscmd", "coscmd", "tests/sdk/whole_coscmd.py"));
}

#[test]
fn cosfs() {
    whole("cosfs", clients::python_of("cosfs", "cosfs", "tests/sdk/whole_cosfs.py"));
}

#[test]
fn opendal() {
    whole("OpenDAL", clients::python_of("cosfs", "opendal", "tests/sdk/whole_opendal.py"));
}

#[test]
fn go() {
    whole("cos-go-sdk-v5", clients::go());
}

#[test]
fn node() {
    whole("cos-nodejs-sdk-v5", clients::node("cos-nodejs-sdk-v5", "tests/sdk/whole.js"));
}

#[test]
fn browser() {
    let program = clients::node("cos-js-sdk-v5", "tests/sdk/browser.js");
    whole("cos-js-sdk-v5 in Chromium", program.filter(|_| clients::browser().is_some()));
}
