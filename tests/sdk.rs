//! The official clients, unmodified, from their registries. `tests/sdk/install` installs them into `.clients/`.
//!
//! A client that is not there is skipped with a word; with `COS_EMU_REQUIRE_CLIENTS=1` that is a failure.

mod support;

use std::path::PathBuf;
use std::process::{Command, Output};

use cos_emu::{AuthMode, Exchange};
use support::Server;

/// Path of a file of this repository.
fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// Says that a client is skipped, or fails when none may be.
fn skip(client: &str) {
    let required = std::env::var("COS_EMU_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
    assert!(!required, "{client} is required, but not installed: run tests/sdk/install");
    eprintln!("skipped: {client} is not installed; tests/sdk/install installs it");
}

/// The interpreter with the Python SDK.
fn python() -> Option<Command> {
    let interpreter = path(".clients/python/bin/python");
    let mut command = Command::new(interpreter);
    let found =
        command.args(["-c", "import qcloud_cos"]).output().is_ok_and(|output| output.status.success());
    let mut command = Command::new(path(".clients/python/bin/python"));
    command.arg(path("tests/sdk/suite.py"));
    found.then_some(command)
}

/// Node with its SDK.
fn node() -> Option<Command> {
    let found = path(".clients/node/node_modules/cos-nodejs-sdk-v5").exists()
        && Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    let mut command = Command::new("node");
    command.env("NODE_PATH", path(".clients/node/node_modules")).arg(path("tests/sdk/suite.js"));
    found.then_some(command)
}

/// CPython 2.7 with the official CAS client.
fn cas() -> Option<Command> {
    let output = Command::new(path("tests/sdk/python2")).output().ok()?;
    let interpreter = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    if interpreter.is_empty() || !path(".clients/cas/cas").exists() {
        return None;
    }
    let mut command = Command::new(interpreter);
    command.env("PYTHONPATH", path(".clients/cas")).arg(path("tests/sdk/suite_cas.py"));
    Some(command)
}

#[track_caller]
fn run(mut command: Command) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success() && text.contains("ok\n"), "{command:?} ended with {status}:\n{text}");
}

/// Runs a suite against a server that checks signatures as the real service does.
#[track_caller]
fn suite(name: &str, client: Option<Command>, mode: &str, scenario: &str) -> Option<Vec<Exchange>> {
    let Some(mut command) = client else {
        skip(name);
        return None;
    };
    let server = Server::configured(|config| {
        config.auth = AuthMode::Strict;
        config.max_memory_bytes = 2 << 30;
        config.journal_capacity = 100_000;
        if let Some(shipped) = cos_emu::library::find(scenario) {
            let parsed = cos_emu::Scenario::parse(scenario, shipped.text.as_bytes(), None);
            config.scenario = Some(parsed.unwrap());
            config.seed = None;
        }
    });
    for variable in
        ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "ALL_PROXY"]
    {
        command.env_remove(variable);
    }
    command.args([&server.emulator().url(), mode, scenario]);
    run(command);
    let journal = server.journal();
    assert!(
        journal.iter().all(|exchange| exchange.signature.as_deref() == Some("valid")),
        "every request is signed"
    );
    if mode != "domain" {
        assert!(journal.iter().all(|exchange| exchange.host.contains(".myqcloud.com") || exchange.op == Some("ListBuckets")));
    }
    let parts = journal.iter().filter(|exchange| exchange.op == Some("UploadPart")).count();
    assert!(parts >= 41, "the large file goes in parts of 1 MiB, not in {parts}");
    if scenario != "none" {
        let fired = |exchange: &Exchange| exchange.rules.iter().any(|rule| rule.outcome == "fired");
        let uploads = scenario != "misaligned-content-range";
        assert!(!uploads || journal.iter().any(fired), "no rule fired");
    }
    Some(journal)
}

macro_rules! suites {
    ($($name:ident: $client:ident $mode:literal $scenario:literal;)*) => {
        $(#[test]
        fn $name() {
            suite(stringify!($client), $client(), $mode, $scenario);
        })*
    };
}

suites! {
    python_through_the_proxy: python "proxy" "none";
    python_by_address: python "address" "none";
    python_by_domain_without_a_bucket: python "domain" "none";
    python_under_flaky: python "address" "flaky";
    python_under_flaky_through_the_proxy: python "proxy" "flaky";
    python_under_content_length_mismatch: python "address" "content-length-mismatch";
    python_under_hash_mismatch: python "address" "hash-mismatch";
    python_under_no_such_upload: python "address" "no-such-upload";
    python_under_misaligned_content_range: python "address" "misaligned-content-range";
    node_through_the_proxy: node "proxy" "none";
    node_by_address: node "address" "none";
    node_by_domain_without_a_bucket: node "domain" "none";
    node_under_flaky: node "address" "flaky";
    node_under_flaky_through_the_proxy: node "proxy" "flaky";
    node_under_content_length_mismatch: node "address" "content-length-mismatch";
    node_under_hash_mismatch: node "address" "hash-mismatch";
    node_under_no_such_upload: node "address" "no-such-upload";
    node_under_misaligned_content_range: node "address" "misaligned-content-range";
}

#[test]
fn the_official_cas_client() {
    let Some(mut command) = cas() else {
        skip("cassdk");
        return;
    };
    let server = Server::configured(|config| config.auth = AuthMode::Strict);
    command.args([server.addr().ip().to_string(), server.addr().port().to_string()]);
    run(command);
    let journal = server.journal();
    assert!(journal.iter().all(|exchange| exchange.signature.as_deref() == Some("valid")));
    assert!(journal.iter().filter(|exchange| exchange.op == Some("UploadPart")).count() >= 5);
}
