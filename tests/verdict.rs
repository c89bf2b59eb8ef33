//! The verdict: for each check a good client passes, and a bad one fails it and nothing else. The clients are programs of
//! `tests/clients`, run by `cos-emu exec`.

mod support;

use std::path::PathBuf;
use std::process::{Command, Output};

use support::clients::{browser, or_skip, path, python, skip, without_proxies, works};

/// A file of this test run.
fn file(name: &str, text: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("cos-emu-verdict-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn python_is_there() -> bool {
    let found = works(Command::new("python3").arg("--version"));
    if !found {
        skip("Python 3");
    }
    found
}

/// Runs a command under `cos-emu exec`: its status, and the standard error.
fn exec(options: &[&str], command: &[&str]) -> (i32, String) {
    let mut exec = Command::new(env!("CARGO_BIN_EXE_cos-emu"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COS_EMU_")) {
        exec.env_remove(name);
    }
    without_proxies(&mut exec);
    let Output { status, stderr, .. } =
        exec.arg("exec").args(options).arg("--").args(command).output().unwrap();
    (status.code().unwrap(), String::from_utf8_lossy(&stderr).into_owned())
}

/// What each check meets: the rules of its scenario.
const FAULTS: &[(&str, &str)] = &[
    (
        "V01",
        r#"{"id": "r", "when": {"op": "PutObject"}, "fire": {"first": 1}, "do": {"error": "ServiceUnavailable"}}"#,
    ),
    (
        "V02",
        r#"{"id": "r", "when": {"op": "PutObject"}, "fire": {"first": 1}, "apply": "no", "do": {"headers": {"set": {"A": "b"}}}}"#,
    ),
    ("V03", ""),
    ("V04", r#"{"id": "r", "when": {"op": "CompleteMultipartUpload"}, "do": {"error": "InternalError"}}"#),
    (
        "V05",
        r#"{"id": "r", "when": {"op": "PutObject"}, "do": {"keep_alive": {"announce": "close", "really": "keep-alive"}}}"#,
    ),
    (
        "V06",
        r#"{"id": "r", "when": {"op": "GetObject"}, "fire": {"first": 1}, "do": {"truncate": {"keep": "50%"}}}"#,
    ),
    ("V07", ""),
    (
        "V08",
        r#"{"id": "r", "when": {"op": "GetObject"}, "fire": {"first": 1}, "do": {"corrupt": {"offset": 9, "how": "flip"}}}"#,
    ),
    (
        "V09",
        r#"{"id": "r", "when": {"op": "AppendObject"}, "fire": {"first": 1}, "apply": "yes", "do": {"reset": {"at": "reply"}}}"#,
    ),
    ("V10", r#"{"id": "r", "when": {"op": "GetObject"}, "do": {"redirect": {"to": "127.0.0.1"}}}"#),
];

#[test]
fn each_check_passes_the_good_client_and_fails_the_bad_one_and_nothing_else_does() {
    if !python_is_there() {
        return;
    }
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/checks.py");
    for (check, rules) in FAULTS {
        let text = format!(r#"{{"version": 1, "name": "{check}", "rules": [{rules}]}}"#);
        let scenario = file(&format!("{check}.json"), &text);
        for (kind, expected) in [("good", 0), ("bad", 4)] {
            let options = ["--scenario", scenario.to_str().unwrap()];
            let (status, errors) = exec(&options, &["python3", program, check, kind]);
            assert_eq!(status, expected, "{check}, {kind}: {errors}");
            let reasons: Vec<&str> = errors.lines().filter(|line| line.starts_with("  ")).collect();
            let others = reasons.iter().filter(|line| !line.starts_with(&format!("  {check}: "))).count();
            assert_eq!((reasons.is_empty(), others), (kind == "good", 0), "{check}, {kind}: {errors}");
        }
    }
}

#[test]
fn who_speaks_one_service_is_not_asked_for_the_rules_of_the_other() {
    use support::{Request, Server};
    let rules = r#"
        {"id": "of-cos", "when": {"service": "cos"}, "do": {"error": "SlowDown"}},
        {"id": "of-cas", "when": {"service": "cas"}, "do": {"error": "ThrottlingException"}},
        {"id": "never", "when": {"header": {"x-never": "*"}}, "do": {"error": "SlowDown"}}"#;
    let outcomes = |request: Option<Request>| {
        let server = Server::with_rules(rules);
        request.into_iter().for_each(|request| {
            server.send(request);
        });
        let verdict = server.emulator().verdict();
        let rules = verdict.cases.iter().filter(|case| case.name.starts_with("rules/"));
        rules.map(|case| case.outcome).collect::<Vec<_>>()
    };
    use cos_emu::Outcome::{Failed, Passed, Skipped};
    assert_eq!(outcomes(Some(Request::cas("GET", ""))), [Skipped, Passed, Failed]);
    assert_eq!(outcomes(Some(Request::cos("GET", ""))), [Passed, Skipped, Failed]);
    assert_eq!(outcomes(None), [Failed, Failed, Failed], "who speaks none has met nothing");
}

#[test]
fn the_status_of_a_command_goes_before_that_of_the_verdict() {
    let never = file(
        "never.json",
        r#"{"version": 1, "name": "never", "rules": [{"id": "r", "do": {"error": "SlowDown"}}]}"#,
    );
    let options = ["--scenario", never.to_str().unwrap()];
    let (status, errors) = exec(&options, &["sh", "-c", "exit 0"]);
    assert_eq!(status, 4, "{errors}");
    assert!(errors.contains("rules/r: rule \"r\" matched 0 times and fired 0 times"), "{errors}");
    assert!(errors.contains("no request arrived"), "{errors}");
    assert_eq!(exec(&options, &["sh", "-c", "exit 7"]).0, 7);
    assert_eq!(exec(&options, &["sh", "-c", "kill -9 $$"]).0, 137);
    let (status, errors) = exec(&options, &["/nowhere/at-all"]);
    assert_eq!(status, 127);
    assert!(errors.contains("cannot run /nowhere/at-all"), "{errors}");
}

#[test]
fn a_command_that_is_killed_or_closes_its_outputs_or_never_connects_ends_exec_at_once() {
    for (script, expected, line) in [
        ("kill -9 $$", 137, "note: the command was ended by signal 9"),
        ("exec >&- 2>&- <&-; exit 3", 3, "note: no request arrived"),
        ("sleep 0.3", 0, "note: no request arrived"),
    ] {
        let start = std::time::Instant::now();
        let (status, errors) = exec(&[], &["sh", "-c", script]);
        assert_eq!(status, expected, "{script}: {errors}");
        assert!(errors.contains(line), "{script}: {errors}");
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "{script}: {:?}", start.elapsed());
    }
}

#[test]
fn a_command_that_is_expected_to_fail_passes_by_failing() {
    let scenario =
        file("failure.json", r#"{"version": 1, "name": "failure", "expect": {"client_result": "failure"}}"#);
    let options = ["--scenario", scenario.to_str().unwrap()];
    assert_eq!(exec(&options, &["sh", "-c", "exit 7"]).0, 0);
    let (status, errors) = exec(&options, &["sh", "-c", "exit 0"]);
    assert_eq!(status, 4);
    assert!(errors.contains("client_result: it ended with 0, and was to fail"), "{errors}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_command_leaves_behind_is_ended() {
    let pid = file("pid", "");
    // Neither the end of its parent nor SIGTERM ends this one.
    let script =
        format!("(trap '' TERM; echo $$ >/dev/null; exec sleep 60) & echo $! > {}; exit 0", pid.display());
    let start = std::time::Instant::now();
    let (status, errors) = exec(&["--grace", "200ms"], &["sh", "-c", &script]);
    assert_eq!(status, 0, "{errors}");
    assert!(errors.contains("left processes behind"), "{errors}");
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
    let pid = std::fs::read_to_string(pid).unwrap();
    // Where nobody reaps orphans it stays as a zombie.
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{pid} is still there: {state}");
}

#[test]
fn the_command_is_told_where_the_server_is() {
    let script = r#"[ -n "$COS_EMU_URL" ] && [ "$COS_EMU_PROXY" = "$COS_EMU_URL" ] && [ "$COS_ENDPOINT" = "$COS_EMU_URL" ] &&
        [ "$COS_SECRET_ID/$COS_SECRET_KEY" = AKIDcosemu/cosemu ] && [ "$COS_REGION" = ap-guangzhou ] &&
        [ "$COS_APPID" = 1250000000 ] && [ "$COS_BUCKET" = test-1250000000 ]"#;
    let (status, errors) = exec(&[], &["sh", "-c", script]);
    assert_eq!(status, 0, "{errors}");
    let (status, _) = exec(&["--bucket", "mine-7,other-7"], &["sh", "-c", "[ $COS_BUCKET = mine-7 ]"]);
    assert_eq!(status, 0);
}

#[test]
fn the_page_is_read_in_a_browser() {
    let (Some(_), true) = (or_skip(browser(), "Chromium"), python_is_there()) else { return };
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/checks.py");
    let text = format!(r#"{{"version": 1, "name": "<b>&amp;", "rules": [{}]}}"#, FAULTS[0].1);
    let scenario = file("page.json", &text);
    let report = file("page.html", "");
    let (report, url) = (report.to_str().unwrap(), format!("file://{}", report.display()));
    let (status, _) = exec(
        &["--scenario", scenario.to_str().unwrap(), "--report", report],
        &["python3", program, "V01", "bad"],
    );
    assert_eq!(status, 4);
    let look =
        |what: &str| browser().unwrap().args(["--window-size=1000,1400", what, &url]).output().unwrap();
    let dom = String::from_utf8(look("--dump-dom").stdout).unwrap();
    for expected in [
        "<h1>&lt;b&gt;&amp;amp;</h1>",
        "role=\"status\">The client did not cope: 1 of 13 checks failed.",
        "<th scope=\"row\">V01</th>",
        "role=\"img\"",
        "aria-label=\"2 attempts of PutObject test-1250000000 key",
        "tabindex=\"0\"",
    ] {
        assert!(dom.contains(expected), "{expected} is not in {dom}");
    }
    assert!(!dom.contains("<script"), "it needs none");
    let picture = file("page.png", "");
    look(&format!("--screenshot={}", picture.display()));
    let picture = std::fs::read(picture).unwrap();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000, "{} bytes", picture.len());
}

#[test]
fn the_junit_file_has_a_case_for_each_thing_that_was_looked_at() {
    let scenario = file(
        "junit.json",
        r#"{"version": 1, "name": "a \"name\" & more", "seed": 7, "rules": [{"id": "r", "do": {"error": "SlowDown"}}],
            "expect": {"checks": {"V04": "off"}, "objects": [{"bucket": "b-1", "key": "k"}]}}"#,
    );
    let junit = file("out.xml", "");
    let options = ["--scenario", scenario.to_str().unwrap(), "--junit", junit.to_str().unwrap()];
    assert_eq!(exec(&options, &["true"]).0, 4);
    let text = std::fs::read_to_string(junit).unwrap();
    let mut reader = quick_xml::Reader::from_str(&text);
    let (mut cases, mut failures, mut skipped) = (Vec::new(), 0, 0);
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                let name = tag.try_get_attribute("name").unwrap();
                match tag.name().as_ref() {
                    "testcase" => cases.push(name.unwrap().value.into_owned()),
                    "failure" => failures += 1,
                    "skipped" => skipped += 1,
                    _ => {}
                }
            }
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(cases[..4], ["rules/r", "objects[0]", "retries.max_attempts", "retries.never_after"]);
    assert_eq!((cases.len(), failures, skipped), (14, 2, 1), "{text}");
    assert!(text.contains("<property name=\"seed\" value=\"0x7\"/>"), "{text}");
}

#[test]
fn the_junit_file_is_valid_by_the_schema_that_everybody_uses() {
    let Some(mut validator) = or_skip(python("xmlschema", "tests/clients/valid_junit.py"), "xmlschema")
    else {
        return;
    };
    let scenario = file(
        "valid.json",
        r#"{"version": 1, "name": "<&\">", "rules": [{"id": "r", "do": {"error": "SlowDown"}}], "expect": {"checks": {"V04": "off"}}}"#,
    );
    let junit = file("valid.xml", "");
    let options = ["--scenario", scenario.to_str().unwrap(), "--junit", junit.to_str().unwrap()];
    assert_eq!(exec(&options, &["true"]).0, 4, "with a failure, and with what was not looked at");
    let output = validator.arg(path(".clients/junit-10.xsd")).arg(junit).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
