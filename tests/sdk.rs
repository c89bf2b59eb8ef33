//! The official clients, unmodified, from their registries. `tests/sdk/install` installs them into `.clients/`.
//!
//! A client that is not there is skipped with a word; with `COS_EMU_REQUIRE_CLIENTS=1` that is a failure.

mod support;

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cos_emu::{AuthMode, CommandEnd, Exchange};
use support::Server;
use support::clients::{self, path, skip, without_proxies};

fn python_program(program: &str) -> Option<Command> {
    clients::python("qcloud_cos", program)
}

fn python() -> Option<Command> {
    python_program("tests/sdk/suite.py")
}

fn node_program(program: &str) -> Option<Command> {
    clients::node("cos-nodejs-sdk-v5", program)
}

fn node() -> Option<Command> {
    node_program("tests/sdk/suite.js")
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
        config.auth = Some(AuthMode::Strict);
        config.max_memory_bytes = 2 << 30;
        config.journal_capacity = 100_000;
        if let Some(shipped) = cos_emu::library::find(scenario) {
            let parsed = cos_emu::Scenario::parse(scenario, shipped.text.as_bytes(), None);
            config.scenario = Some(parsed.unwrap());
            config.seed = None;
        }
    });
    without_proxies(&mut command);
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
    let server = Server::configured(|config| config.auth = Some(AuthMode::Strict));
    command.args([server.addr().ip().to_string(), server.addr().port().to_string()]);
    run(command);
    let journal = server.journal();
    assert!(journal.iter().all(|exchange| exchange.signature.as_deref() == Some("valid")));
    assert!(journal.iter().filter(|exchange| exchange.op == Some("UploadPart")).count() >= 5);
}

/// How long a client may take under one scenario before it is killed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is said of a client that sends no request that a scenario is about.
const NOT_MET: &str = "does not meet it";

/// What came of a program under a scenario: how many exchanges were disturbed, and each step with its result.
struct Outcome {
    disturbed: usize,
    /// Whether requests are disturbed by rules at all, and not by a setting of the server.
    by_rules: bool,
    /// `None` when the program had to be killed.
    steps: Option<Vec<(String, String)>>,
    /// Why the verdict does not hold: the first reason of each check that failed.
    reasons: Vec<String>,
}

/// Runs a program that knows of no faults under a shipped scenario.
fn under_fire(mut command: Command, scenario: cos_emu::library::Shipped) -> Outcome {
    let text: serde_json::Value = serde_json::from_str(scenario.text).unwrap();
    let credential = &text["setup"]["credentials"][0];
    let given = |name: &str, usual: &str| credential[name].as_str().unwrap_or(usual).to_owned();
    let server = Server::configured(|config| {
        let parsed = cos_emu::Scenario::parse(scenario.name, scenario.text.as_bytes(), None);
        config.scenario = Some(parsed.unwrap());
        // What a scenario does is the same each time; where it gives no seed, this one does.
        config.seed = Some("0x5eed".parse().unwrap());
        config.buckets = vec![("demo-1250000000".to_owned(), None)];
    });
    without_proxies(&mut command);
    // Elsewhere is reached through the proxy alone; the other files are met at an address.
    let mode = if scenario.text.contains("\"redirect\"") { "proxy" } else { "address" };
    command.args([mode, &server.emulator().url()]).args([given("id", "AKIDcosemu"), given("key", "cosemu")]);
    command.args(credential["token"].as_str());
    if scenario.name == "sdk-retry-fixture" {
        command.env("FIXTURE_KEYS", "200r 404 404r 302r 503 503r 500l timeout shutdown");
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let end = Instant::now() + PATIENCE;
    let finished = loop {
        if child.try_wait().unwrap().is_some() {
            break true;
        }
        if Instant::now() > end {
            child.kill().unwrap();
            break false;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let output = child.wait_with_output().unwrap();
    let steps = finished.then(|| {
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let last = printed.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{}: {error}: {printed}", scenario.name))
    });
    let is_good = |steps: &Vec<(String, String)>| steps.iter().all(|(_, result)| result == "ok");
    let end = CommandEnd::Exited(i32::from(!steps.as_ref().is_some_and(is_good)));
    let verdict = server.emulator().judge(Some(end)).verdict;
    let failed = verdict.cases.iter().filter(|case| case.outcome == cos_emu::Outcome::Failed);
    // That a rule of the other service never fired says nothing of the client; what it said itself stands there already.
    let is_told = |name: &str| ["V", "retries", "requests"].iter().any(|kind| name.starts_with(kind));
    let told = failed.filter(|case| is_told(&case.name));
    let reasons = told.map(|case| format!("{}: {}", case.name, case.reasons[0])).collect();
    let fired = |exchange: &Exchange| exchange.rules.iter().any(|rule| rule.outcome == "fired");
    let by_rules = text["rules"].is_array();
    Outcome {
        reasons,
        by_rules,
        disturbed: server.journal().iter().filter(|exchange| fired(exchange)).count(),
        steps,
    }
}

impl Outcome {
    /// One cell of the table.
    fn verdict(&self) -> String {
        let words = self.steps_in_words();
        // Who does not meet a scenario is not judged by it.
        let reasons = self.reasons.iter().filter(|_| words != NOT_MET);
        let checks: Vec<String> = reasons.map(|reason| format!("<br>{reason}")).collect();
        format!("{words}{}", checks.concat())
    }

    fn steps_in_words(&self) -> String {
        let Some(steps) = &self.steps else { return "hangs: killed after a minute".to_owned() };
        let failed: Vec<String> = steps
            .iter()
            .filter(|(_, result)| result != "ok")
            .map(|(step, result)| format!("{step}: {result}"))
            .collect();
        match (failed.is_empty(), self.disturbed) {
            (true, 0) if self.by_rules => NOT_MET.to_owned(),
            (true, 0) => "survives".to_owned(),
            (true, disturbed) => format!("survives, {disturbed} disturbed"),
            (false, _) => format!("**does not**: {}", failed.join("; ")),
        }
    }
}

/// Not a test of the clients: each may do as it does. What it does is written down for the reader.
#[test]
fn clients_under_fire_are_written_down() {
    if python().is_none() || node().is_none() {
        return skip("the Python or the Node SDK");
    }
    // These are clients of COS.
    let is_met = |name: &str| !name.starts_with("cas-");
    let scenarios: Vec<_> =
        cos_emu::library::ALL.iter().filter(|shipped| is_met(shipped.name)).copied().collect();
    let rows = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let python = under_fire(python_program("tests/sdk/incident.py").unwrap(), *scenario);
                    let node = under_fire(node_program("tests/sdk/incident.js").unwrap(), *scenario);
                    rows.lock().unwrap().insert(scenario.name, [python.verdict(), node.verdict()]);
                }
            });
        }
    });
    let mut page = String::from(
        "# Clients under fire\n\n\
         What the official SDKs do under each shipped scenario. A program that knows of no faults uploads 3 MiB in parts, \
         reads them back, puts a small object, reads it and a range of it, puts an empty one, appends twice, lists, and reads the small one ten times more; its client times out \
         after three seconds and is otherwise as installed. *Survives* means that every step ended well; the number is that \
         of the exchanges that a rule disturbed. Steps that end otherwise are named with what the SDK said. \
         Who *does not meet it* sent no request that the scenario is about. \
         Below stand the checks of the verdict that failed, each with its first reason. Under `sdk-retry-fixture` the steps \
         are the keys that are put. The scenarios of CAS are not for these clients.\n\n\
         Written by `cargo test --test sdk`; not by hand.\n\n\
         | scenario | cos-python-sdk-v5 | cos-nodejs-sdk-v5 |\n| --- | --- | --- |\n",
    );
    for (name, [python, node]) in rows.into_inner().unwrap() {
        page.push_str(&format!("| `{name}` | {python} | {node} |\n"));
    }
    std::fs::create_dir_all(path("docs")).unwrap();
    std::fs::write(path("docs/clients-under-fire.md"), page).unwrap();
}
