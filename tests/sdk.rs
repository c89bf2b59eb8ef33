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

/// CPython 2.7 with the official CAS client, and a program for it.
fn cassdk_2(program: &str) -> Option<Command> {
    let output = Command::new(path("tests/sdk/python2")).output().ok()?;
    let interpreter = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    if interpreter.is_empty() || !path(".clients/cas/cas").exists() {
        return None;
    }
    let mut command = Command::new(interpreter);
    // The published sources have the program cascmd.py too.
    let packages =
        [path(".clients/cas-src"), path(".clients/cas")].map(|folder| folder.display().to_string());
    command.env("PYTHONPATH", packages.join(":")).arg(path(program));
    Some(command)
}

/// Python 3 with the official CAS client converted for it, and a program for it.
fn cassdk_3(program: &str) -> Option<Command> {
    let interpreter = path(".clients/cas3/venv/bin/python");
    let packages = path(".clients/cas3");
    if !packages.join("cas").exists() || !clients::works(Command::new(&interpreter).arg("--version")) {
        return None;
    }
    let mut command = Command::new(interpreter);
    command.env("PYTHONPATH", packages).arg(path(program));
    Some(command)
}

/// Python 3 alone: the modern client of CAS needs nothing else.
fn modern(program: &str) -> Option<Command> {
    let found = clients::works(Command::new("python3").arg("--version"));
    let mut command = Command::new("python3");
    command.arg(path(program));
    found.then_some(command)
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

/// Runs a suite of CAS against a server that checks signatures as the real service does.
#[track_caller]
fn archive_suite(name: &str, client: Option<Command>, addr: &str, scenario: &str) {
    let Some(mut command) = client else { return skip(name) };
    let server = Server::configured(|config| {
        config.auth = Some(AuthMode::Strict);
        config.listen = addr.parse().unwrap();
        config.vaults.clear();
        if let Some(shipped) = cos_emu::library::find(scenario) {
            config.scenario =
                Some(cos_emu::Scenario::parse(scenario, shipped.text.as_bytes(), None).unwrap());
            config.seed = None;
        }
    });
    without_proxies(&mut command);
    command.args([server.addr().ip().to_string(), server.addr().port().to_string(), scenario.to_owned()]);
    run(command);
    let journal = server.journal();
    assert!(journal.iter().all(|exchange| exchange.signature.as_deref() == Some("valid")));
    let parts = journal.iter().filter(|exchange| exchange.op == Some("UploadPart")).count();
    assert!(parts >= 7, "100 MiB go in parts, not in {parts}");
    let fired = journal.iter().flat_map(|exchange| &exchange.rules).any(|rule| rule.outcome == "fired");
    assert_eq!(fired, scenario != "none");
}

macro_rules! archive_suites {
    ($($name:ident: $client:ident $program:literal $scenario:literal;)*) => {
        $(#[test]
        fn $name() {
            archive_suite(stringify!($client), $client($program), "127.0.0.1:0", $scenario);
        })*
    };
}

archive_suites! {
    cassdk_on_python_2: cassdk_2 "tests/sdk/suite_cas.py" "none";
    cassdk_on_python_2_under_flaky: cassdk_2 "tests/sdk/suite_cas.py" "flaky";
    cassdk_on_python_3: cassdk_3 "tests/sdk/suite_cas.py" "none";
    cassdk_on_python_3_under_flaky: cassdk_3 "tests/sdk/suite_cas.py" "flaky";
    a_modern_client_of_archives: modern "tests/sdk/suite_cas_modern.py" "none";
    a_modern_client_of_archives_under_flaky: modern "tests/sdk/suite_cas_modern.py" "flaky";
}

/// The program of the official client knows port 80 alone, which is not everybody's to open.
#[test]
fn cascmd_on_port_80() {
    if let Err(error) = std::net::TcpListener::bind("127.0.0.1:80") {
        eprintln!("cascmd.py knows port 80 alone, and that cannot be opened: {error}");
        return skip("cascmd");
    }
    let program = "tests/sdk/suite_cascmd.py";
    archive_suite("cascmd", cassdk_2(program), "127.0.0.1:80", "none");
    archive_suite("cascmd", cassdk_3(program), "127.0.0.1:80", "flaky");
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

/// Runs a program that knows of no faults under a shipped scenario. `modes` are its first arguments: through the proxy, and at an
/// address.
fn under_fire(mut command: Command, modes: [&str; 2], scenario: cos_emu::library::Shipped) -> Outcome {
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
    let is_elsewhere = ["\"redirect\"", "tencentcos.cn"].iter().any(|sign| scenario.text.contains(sign));
    let mode = modes[usize::from(!is_elsewhere)];
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

/// The shipped scenarios that are for archives too.
const OF_ARCHIVES: &[&str] = &[
    "cas-slow-vault",
    "cas-throttled",
    "cas-tree-hash-broken",
    "cas-upload-expired",
    "content-length-mismatch",
    "flaky",
    "hash-mismatch",
    "misaligned-content-range",
    "no-such-upload",
    "reset-mid-upload",
    "stalled-second-part",
];

/// One row for each scenario: what comes of each client under it.
fn table(
    names: &[&str],
    scenarios: &[cos_emu::library::Shipped],
    client: impl Fn(usize, cos_emu::library::Shipped) -> Outcome + Sync,
) -> String {
    let rows = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let cells: Vec<_> =
                        (0..names.len()).map(|index| client(index, *scenario).verdict()).collect();
                    rows.lock().unwrap().insert(scenario.name, cells.join(" | "));
                }
            });
        }
    });
    let mut text = format!("| scenario | {} |\n|{}\n", names.join(" | "), " --- |".repeat(names.len() + 1));
    for (name, cells) in rows.into_inner().unwrap() {
        text.push_str(&format!("| `{name}` | {cells} |\n"));
    }
    text
}

/// Not a test of the clients: each may do as it does. What it does is written down for the reader.
#[test]
fn clients_under_fire_are_written_down() {
    let archive_client = |index: usize| match index {
        0 => cassdk_3("tests/sdk/incident_cas.py"),
        _ => modern("tests/sdk/incident_cas.py"),
    };
    if python().is_none() || node().is_none() || archive_client(0).is_none() {
        return skip("the Python SDK, the Node SDK or cassdk");
    }
    let all = || cos_emu::library::ALL.iter().copied();
    let of_objects: Vec<_> = all().filter(|shipped| !shipped.name.starts_with("cas-")).collect();
    let of_archives: Vec<_> = all().filter(|shipped| OF_ARCHIVES.contains(&shipped.name)).collect();
    let objects = table(&["cos-python-sdk-v5", "cos-nodejs-sdk-v5"], &of_objects, |index, scenario| {
        let program = match index {
            0 => python_program("tests/sdk/incident.py"),
            _ => node_program("tests/sdk/incident.js"),
        };
        under_fire(program.unwrap(), ["proxy", "address"], scenario)
    });
    let archives = table(&["cassdk", "the client of 200 lines"], &of_archives, |index, scenario| {
        let form = ["official", "modern"][index];
        under_fire(archive_client(index).unwrap(), [form, form], scenario)
    });
    let page = format!(
        "# Clients under fire\n\n\
         What clients do under each shipped scenario, each with a program that knows of no faults. \
         *Survives* means that every step ended well; the number is that \
         of the exchanges that a rule disturbed. Steps that end otherwise are named with what the client said. \
         Who *does not meet it* sent no request that the scenario is about. \
         Below stand the checks of the verdict that failed, each with its first reason.\n\n\
         Written by `cargo test --test sdk`; not by hand.\n\n\
         ## Objects\n\n\
         The official SDKs. The program uploads 3 MiB in parts, \
         reads them back, puts a small object, reads it and a range of it, puts an empty one, appends twice, lists, and reads the small one ten times more; its client times out \
         after three seconds and is otherwise as installed. Under `sdk-retry-fixture` the steps \
         are the keys that are put.\n\n{objects}\n\
         ## Archives\n\n\
         The official client, `cassdk` 1.0.2, with its own classes and its own retries, and `tests/sdk/cas_client.py`, which is there to show \
         that all of it can be survived. The program makes a vault, uploads 3 MiB in chunks of 1 MiB, another upload chunk by chunk, and a small archive in one piece, retrieves the large one \
         whole and in part, lists the inventory, and deletes all.\n\n{archives}"
    );
    std::fs::create_dir_all(path("docs")).unwrap();
    std::fs::write(path("docs/clients-under-fire.md"), page).unwrap();
}
