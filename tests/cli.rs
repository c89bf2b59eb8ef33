//! The binary: arguments, messages, exit statuses, the ready line, signals.

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use support::{Connection, PATIENCE, Request};

const BINARY: &str = env!("CARGO_BIN_EXE_cos-emu");

fn cos_emu(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COS_EMU_")) {
        command.env_remove(name);
    }
    command
}

fn output(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = cos_emu(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A file of this test run.
fn file(name: &str, text: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("cos-emu-cli-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A server in a process of its own.
struct Served {
    child: Child,
    lines: Vec<String>,
    addr: SocketAddr,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        Self::of(cos_emu(&[&["--listen", "127.0.0.1:0"], arguments].concat()))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let lines: Vec<String> = (0..2)
            .map(|_| {
                let mut line = String::new();
                output.read_line(&mut line).unwrap();
                line.trim_end().to_owned()
            })
            .collect();
        let addr = lines[0].strip_prefix("cos-emu ready on http://").unwrap_or_else(|| panic!("{lines:?}"));
        Served { addr: addr.parse().unwrap(), child, lines }
    }

    fn signal(&self, signal: i32) {
        let kill = Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status();
        assert!(kill.unwrap().success());
    }

    /// The status and the standard error, when it has ended.
    fn end(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (status.code(), errors)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// ---- check ----

/// Eight different mistakes: each is reported with its line and column.
#[test]
fn check_reports_every_mistake_with_its_place() {
    let text = r#"{
  "version": 1,
  "name": "eight mistakes",
  "rules": [
    { "id": "one", "when": { "op": "UploadPrt" }, "do": { "error": "SlowDown" } },
    { "id": "two", "fire": { "probability": 1.5 }, "do": { "error": "SlowDown" } },
    { "id": "three", "do": { "delay": { "fixed": 250 } } },
    { "id": "four", "do": { "reset": { "at": "upload" } } },
    { "id": "one", "do": { "error": "NoSuchUplod" } },
    { "id": "six", "do": [{ "error": "SlowDown" }, { "reset": { "at": "reply" } }] },
    { "id": "seven", "do": { "error": "SlowDown" }, "fier": {} }
  ]
}"#;
    let path = file("eight.json", text);
    let (status, stdout, stderr) = output(&["check", path.to_str().unwrap()]);
    assert_eq!((status, stdout.as_str()), (2, ""));
    let name = path.to_str().unwrap();
    let found: Vec<&str> = stderr
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .filter(|line| line.contains(": error E"))
        .collect();
    let expected = [
        "5:36: error E203: rules[0].when.op: unknown operation \"UploadPrt\"",
        "6:45: error E204: rules[1].fire.probability: the probability 1.5 is not above 0 and at most 1",
        "7:50: error E202: rules[2].do.delay.fixed: expected a duration, found a number",
        "8:38: error E304: rules[3].do.reset: \"at\": \"upload\" needs an \"offset\"",
        "9:13: error E301: rules[4].id: another rule has the id \"one\" already",
        "9:37: error E203: rules[4].do.error: unknown error code \"NoSuchUplod\"",
        "10:52: error E305: rules[5].do[1]: a second ending: \"reset\" comes after \"error\"",
        "11:53: error E203: rules[6]: unknown field \"fier\"",
    ];
    assert_eq!(found, expected, "{stderr}");
    for hint in ["did you mean \"UploadPart\"?", "did you mean \"NoSuchUpload\"?", "did you mean \"fire\"?"] {
        assert!(stderr.contains(hint), "{hint}: {stderr}");
    }
    let excerpt: Vec<&str> = stderr.lines().skip(1).take(2).collect();
    assert_eq!(
        excerpt,
        [
            r#"   5 |     { "id": "one", "when": { "op": "UploadPrt" }, "do": { "error": "SlowDown" } },"#,
            r#"     |                                    ^^^^^^^^^^^ did you mean "UploadPart"?"#
        ]
    );
    assert!(stderr.trim_end().ends_with(": 8 errors"), "{stderr}");
}

#[test]
fn check_accepts_good_files_and_names_shipped_ones() {
    let path = file("good.json", r#"{"version": 1, "name": "good", "rules": []}"#);
    let (status, stdout, stderr) = output(&["check", path.to_str().unwrap(), "flaky"]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert!(
        stdout.contains("valid, scenario \"good\", 0 rules") && stdout.contains("flaky: valid"),
        "{stdout}"
    );
    let (status, _, stderr) = output(&["check", "nowhere.json"]);
    assert_eq!(status, 2);
    assert!(
        stderr.contains("there is no file nowhere.json") && stderr.contains("cos-emu scenarios"),
        "{stderr}"
    );
}

#[test]
fn check_says_what_is_hardly_meant_and_denies_it_when_asked() {
    let text = r#"{"version": 1, "name": "shadow", "rules": [
        {"id": "all", "do": {"error": "SlowDown"}}, {"id": "none", "do": {"error": "InternalError"}}]}"#;
    let path = file("shadow.json", text);
    let name = path.to_str().unwrap();
    let (status, stdout, stderr) = output(&["check", name]);
    assert_eq!(status, 0);
    assert!(stdout.contains("valid, scenario \"shadow\", 2 rules, 1 warning"), "{stdout}");
    assert!(
        stderr.contains(":2:60: warning W401: rules[1].id: the rule \"none\" can never fire"),
        "{stderr}"
    );
    let (status, _, stderr) = output(&["check", "--deny-warnings", name]);
    assert_eq!(status, 2);
    assert!(stderr.contains("W401"), "{stderr}");
}

#[test]
fn check_refuses_a_file_of_a_hundred_mebibytes() {
    let path = file("large.json", "");
    std::fs::File::options().write(true).open(&path).unwrap().set_len(100 << 20).unwrap();
    let (status, _, stderr) = output(&["check", path.to_str().unwrap()]);
    assert_eq!(status, 2);
    assert!(stderr.contains("error E107: the file has more than 16 MiB"), "{stderr}");
}

#[test]
fn check_lists_the_operations_with_their_groups() {
    let (status, stdout, _) = output(&["check", "--list-ops"]);
    assert_eq!(status, 0);
    let upload_part: Vec<&str> = stdout.lines().filter(|line| line.starts_with("UploadPart ")).collect();
    assert_eq!(upload_part.len(), 2, "{stdout}");
    for (line, service) in upload_part.iter().zip(["cos", "cas"]) {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words, ["UploadPart", service, "@write", "@multipart", "@data"], "{line}");
    }
}

#[test]
fn explain_has_one_sentence_for_each_rule() {
    let path = file("cut.json", CUT_PART_3);
    let (status, stdout, stderr) = output(&["explain", path.to_str().unwrap()]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert_eq!(
        stdout.trim_end(),
        "cut-part-3: when UploadPart arrives with part 3, on the first 2 matches, the connection is reset (RST) at 1 MiB of the request's body."
    );
}

#[test]
fn schema_is_a_json_schema_of_draft_2020_12() {
    let (status, stdout, _) = output(&["schema"]);
    assert_eq!(status, 0);
    let schema: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema, cos_emu::schema());
}

const CUT_PART_3: &str = r#"{
  "version": 1,
  "name": "part 3 is cut twice",
  "rules": [
    {
      "id": "cut-part-3",
      "when": { "op": "UploadPart", "part": 3 },
      "fire": { "first": 2 },
      "do": { "reset": { "at": "upload", "offset": "1MiB" } }
    }
  ]
}"#;

// ---- scenarios ----

#[test]
fn scenarios_are_listed_and_printed() {
    let (status, stdout, _) = output(&["scenarios"]);
    assert_eq!(status, 0);
    assert!(
        stdout.lines().any(|line| line.starts_with("flaky ") && line.contains("A bad afternoon")),
        "{stdout}"
    );
    let (status, stdout, _) = output(&["scenarios", "flaky"]);
    assert_eq!(status, 0);
    assert_eq!(stdout.trim_end(), cos_emu::library::find("flaky").unwrap().text.trim_end());
    let (status, _, stderr) = output(&["scenarios", "unknown"]);
    assert_eq!(status, 2);
    assert!(stderr.contains("\"unknown\""), "{stderr}");
}

// ---- serving ----

#[test]
fn the_first_lines_say_where_and_with_what() {
    let served = Served::start(&["--scenario", "flaky"]);
    assert_eq!(served.lines[1], "scenario \"flaky\" seed 0x114");
    assert_ne!(served.addr.port(), 0);
    Connection::to(served.addr).send(&Request::new("GET", "/_cos-emu/readyz")).ok();
    let served = Served::start(&["--scenario", "flaky.json", "--seed", "7"]);
    assert_eq!(served.lines[1], "scenario \"flaky\" seed 0x7");
    let served = Served::start(&[]);
    assert!(served.lines[1].starts_with("scenario \"no faults\" seed 0x"), "{}", served.lines[1]);
}

#[test]
fn a_file_goes_before_a_shipped_name_and_a_dash_is_standard_input() {
    let path = file("flaky.json", r#"{"version": 1, "name": "my own", "seed": 1}"#);
    let mut command = cos_emu(&["--listen", "127.0.0.1:0", "--scenario", "flaky.json"]);
    command.current_dir(path.parent().unwrap());
    assert_eq!(Served::of(command).lines[1], "scenario \"my own\" seed 0x1");

    let mut command = cos_emu(&["--listen", "127.0.0.1:0", "--scenario", "-"]);
    let (read, mut write) = std::io::pipe().unwrap();
    write.write_all(br#"{"version": 1, "name": "from a pipe", "seed": 2}"#).unwrap();
    drop(write);
    assert_eq!(
        Served::of({
            command.stdin(read);
            command
        })
        .lines[1],
        "scenario \"from a pipe\" seed 0x2"
    );

    let mut command = cos_emu(&["--listen", "127.0.0.1:0"]);
    command.env("COS_EMU_SCENARIO_JSON", r#"{"version": 1, "name": "from the environment", "seed": 3}"#);
    assert_eq!(Served::of(command).lines[1], "scenario \"from the environment\" seed 0x3");
}

#[test]
fn options_come_from_the_environment_too() {
    let mut command = cos_emu(&[]);
    command
        .env("COS_EMU_LISTEN", "127.0.0.1:0")
        .env("COS_EMU_BUCKET", "one-1,two-2@ap-beijing")
        .env("COS_EMU_VAULT", "v");
    command.env("COS_EMU_AUTH", "strict").env("COS_EMU_CREDENTIAL", "a:b,c:d:token");
    let served = Served::of(command);
    Connection::to(served.addr).send(&Request::new("GET", "/one-1/")).is(403, "AccessDenied");
    let served = Served::start(&[
        "--bucket",
        "one-1",
        "--bucket",
        "two-2@ap-beijing",
        "--vault",
        "v",
        "--appid",
        "99",
    ]);
    let mut connection = Connection::to(served.addr);
    let list = connection.send(&Request::new("GET", "/"));
    assert_eq!(list.elements("Name"), ["one-1", "two-2"]);
    assert_eq!(list.elements("Location"), ["ap-guangzhou", "ap-beijing"]);
    assert!(connection.send(&Request::new("GET", "/99/vaults/v")).text().contains("uid/99:vaults/v"));
}

#[test]
fn usage_errors_and_invalid_scenarios_end_with_2() {
    let invalid = file("invalid.json", "{");
    for arguments in [
        &["--unknown"][..],
        &["--listen", "nowhere"],
        &["--bucket", "noappid"],
        &["--auth", "maybe"],
        &["--max-memory", "lots"],
        &["--seed", "x"],
        &["--scenario", "nowhere.json"],
        &["--scenario", invalid.to_str().unwrap()],
        &["check"],
    ] {
        let (status, stdout, stderr) = output(arguments);
        assert_eq!((status, stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(!stderr.is_empty(), "{arguments:?}");
    }
    let (_, _, stderr) = output(&["--scenario", invalid.to_str().unwrap()]);
    assert!(stderr.contains("invalid.json:1:1: error E101: the object is not closed"), "{stderr}");
}

#[test]
fn an_address_in_use_ends_with_3() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (status, stdout, stderr) = output(&["--listen", &addr]);
    assert_eq!((status, stdout.as_str()), (3, ""));
    assert!(stderr.contains(&format!("cannot listen on {addr}")), "{stderr}");
}

#[test]
fn ready_tells_whether_a_server_is_there() {
    let served = Served::start(&[]);
    let addr = served.addr.to_string();
    assert_eq!(output(&["ready", "--listen", &addr]).0, 0);
    let port = served.addr.port();
    assert_eq!(output(&["ready", "--listen", &format!("0.0.0.0:{port}")]).0, 0);
    drop(served);
    let (status, _, stderr) = output(&["ready", "--listen", &addr]);
    assert_eq!(status, 1);
    assert!(stderr.contains("is not ready"), "{stderr}");
    let start = Instant::now();
    assert_eq!(output(&["ready", "--listen", &addr, "--wait", "--timeout", "300ms"]).0, 1);
    assert!(start.elapsed() >= Duration::from_millis(300));

    let waiting = cos_emu(&["ready", "--listen", &addr, "--wait", "--timeout", "20s"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let _served = Served::of(cos_emu(&["--listen", &addr]));
    assert!(waiting.wait_with_output().unwrap().status.success());
}

#[test]
fn the_port_of_a_control_api_of_its_own_is_said() {
    let served = Served::start(&["--control-listen", "127.0.0.1:0"]);
    let addr = served.lines[1]
        .strip_prefix("control API on http://")
        .unwrap_or_else(|| panic!("{:?}", served.lines));
    let (status, _, stderr) = output(&["ready", "--listen", addr]);
    assert_eq!(status, 0, "{stderr}");
}

#[test]
fn a_ready_file_holds_the_url() {
    let path = file("ready", "");
    let served = Served::start(&["--ready-file", path.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(path).unwrap(), format!("http://{}\n", served.addr));
    let (status, _, stderr) = output(&["--listen", "127.0.0.1:0", "--ready-file", "/nowhere/at/all"]);
    assert_eq!(status, 1);
    assert!(stderr.contains("cannot write /nowhere/at/all"), "{stderr}");
}

#[test]
fn sigterm_and_sigint_end_it_within_a_second_and_unfired_rules_are_said() {
    let scenario = file(
        "stall.json",
        r#"{"version": 1, "name": "s", "rules": [
            {"id": "stall", "when": {"op": "GetObject"}, "do": {"stall": {"at": "reply"}}},
            {"id": "never", "when": {"op": "HeadObject"}, "do": {"error": "SlowDown"}},
            {"id": "optional", "when": {"op": "PutObject"}, "do": {"error": "SlowDown"}, "must_fire": "optional"}]}"#,
    );
    for signal in [15, 2] {
        let served = Served::start(&["--scenario", scenario.to_str().unwrap(), "--bucket", "b-1"]);
        let mut stalled = Connection::to(served.addr);
        stalled.write(Request::new("GET", "/b-1/k").bytes());
        assert!(stalled.is_silent_for(Duration::from_millis(100)));
        let mut half = Connection::to(served.addr);
        half.write("PUT /b-1/k HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf");
        let start = Instant::now();
        served.signal(signal);
        let (status, errors) = served.end();
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        assert_eq!(status, Some(0));
        assert!(
            errors.contains(
                "rule \"never\" matched 0 times and fired 0 times, but has to fire at least 1 time"
            ),
            "{errors}"
        );
        assert!(!errors.contains("\"stall\"") && !errors.contains("\"optional\""), "{errors}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_right_behind_the_ready_line_is_taken() {
    for _ in 0..20 {
        let served = Served::start(&[]);
        served.signal(1);
        served.signal(15);
        assert_eq!(served.end().0, Some(0));
    }
}

#[cfg(unix)]
#[test]
fn sighup_gives_the_file_anew_or_nothing_of_it() {
    let text = |code: &str| {
        format!(
            r#"{{"version": 1, "name": "s", "rules": [{{"id": "r", "when": {{"op": "GetObject"}}, "do": {{"error": "{code}"}}}}]}}"#
        )
    };
    let path = file("reloaded.json", &text("SlowDown"));
    let served = Served::start(&["--scenario", path.to_str().unwrap(), "--bucket", "b-1"]);
    let send = |request: Request| Connection::to(served.addr).send(&request);
    let until = |code: &str| {
        let patience = Instant::now() + PATIENCE;
        while send(Request::new("GET", "/b-1/k")).code() != code {
            assert!(Instant::now() < patience, "never {code}");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    send(Request::new("PUT", "/b-1/k").body("kept")).ok();
    until("SlowDown");
    std::fs::write(&path, text("InternalError")).unwrap();
    served.signal(1);
    until("InternalError");
    // A file that is not valid changes nothing, and what is stored stays.
    std::fs::write(&path, text("NoSuchCode")).unwrap();
    served.signal(1);
    std::thread::sleep(Duration::from_millis(200));
    until("InternalError");
    assert_eq!(send(Request::new("HEAD", "/b-1/k")).header("Content-Length"), Some("4"));
    served.signal(15);
    let (_, errors) = served.end();
    assert!(errors.contains("unknown error code \"NoSuchCode\""), "{errors}");
}

#[test]
fn etags_are_of_2017_when_asked_for() {
    let served = Served::start(&["--etag", "sha1", "--bucket", "b-1"]);
    let answer = Connection::to(served.addr).send(&Request::new("PUT", "/b-1/k").body("body"));
    assert_eq!(answer.ok().header("ETag"), Some("\"02083f4579e08a612425c0c1a17ee47add783b94\""));
}

#[test]
fn it_ends_with_its_parent_when_asked_to() {
    // A shell that starts the server and ends at once.
    let script = format!("{BINARY} --listen 127.0.0.1:0 --exit-with-parent >&3 2>&3 & sleep 0.5");
    let (mut read, write) = std::io::pipe().unwrap();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("exec 3>&1; {script}")).stdout(write);
    assert!(shell.status().unwrap().success());
    drop(shell);
    // The pipe ends when the server, its last writer, has ended.
    let mut text = String::new();
    let start = Instant::now();
    read.read_to_string(&mut text).unwrap();
    assert!(text.contains("cos-emu ready on"), "{text}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn logs_go_to_standard_error_in_the_form_asked_for() {
    let mut command = cos_emu(&["--listen", "127.0.0.1:0", "--log-format", "json"]);
    command.env("RUST_BACKTRACE", "0");
    let served = Served::of(command);
    let mut connection = Connection::to(served.addr);
    connection.write(b"\x16\x03\x01\x00\x01\x00");
    connection.stream.shutdown(std::net::Shutdown::Write).unwrap();
    let _ = connection.rest();
    served.signal(15);
    let (_, errors) = served.end();
    let line: serde_json::Value = serde_json::from_str(errors.lines().next().unwrap()).unwrap();
    assert_eq!(line["level"], "WARN");
}

#[test]
fn help_and_version_are_printed() {
    let (status, stdout, _) = output(&["--help"]);
    assert_eq!(status, 0);
    for word in ["check", "scenarios", "ready", "--scenario", "COS_EMU_SCENARIO", "--max-memory"] {
        assert!(stdout.contains(word), "{word}: {stdout}");
    }
    assert_eq!(output(&["--version"]).1, format!("cos-emu {}\n", env!("CARGO_PKG_VERSION")));
}

// ---- many connections ----

/// Each idle connection costs its own task only: a request beside them is answered at once.
#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_idle_connections_disturb_nobody() {
    let wanted = 10_000;
    let limit = rlimit::increase_nofile_limit(wanted + 200).unwrap();
    let count = wanted.min(limit.saturating_sub(200));
    if count < wanted {
        eprintln!("only {count} connections: the limit of open files is {limit}");
    }
    let served = Served::start(&["--bucket", "b-1"]);
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", served.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let before = resident();
    let connections: Vec<_> =
        (0..count).map(|_| std::net::TcpStream::connect(served.addr).unwrap()).collect();
    let start = Instant::now();
    for number in 0..100 {
        let put = Request::new("PUT", &format!("/b-1/k{number}")).body("body");
        Connection::to(served.addr).send(&put).ok();
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let each = (resident() - before) * 1024 / count;
    assert!(each < 24 << 10, "{each} bytes for each idle connection");
    drop(connections);
}

#[test]
fn shells_and_the_manual_are_told_of_every_command() {
    let output = |arguments: &[&str]| {
        let output = cos_emu(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish"] {
        let text = output(&["completions", shell]);
        assert!(text.contains("explain") && text.contains("tls-listen"), "{shell}: {text}");
    }
    let page = output(&["man"]);
    assert!(page.contains(".TH cos-emu 1") && page.contains("\\-\\-scenario"), "{page}");
}

#[test]
fn the_ca_is_printed_from_a_folder_and_from_a_server() {
    let folder = std::env::temp_dir().join(format!("cos-emu-cli-ca-{}", std::process::id()));
    let text = |arguments: &[&str]| {
        let output = cos_emu(arguments).output().unwrap();
        (
            output.status.success(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let name = folder.to_str().unwrap();
    let (good, first, _) = text(&["ca", "--ca-dir", name]);
    assert!(good && first.starts_with("-----BEGIN CERTIFICATE-----"), "{first}");
    let served = Served::of(cos_emu(&["--listen", "127.0.0.1:0", "--ca-dir", name]));
    assert_eq!(text(&["ca", "--listen", &served.addr.to_string()]).1, first);
    drop(served);
    std::fs::remove_dir_all(&folder).unwrap();
    let (good, _, complaint) = text(&["ca", "--listen", "127.0.0.1:9"]);
    assert!(!good && complaint.contains("--ca-dir"), "{complaint}");
}

#[test]
fn the_exchanges_of_a_command_are_written_as_explain_reads_them() {
    if !support::clients::works(Command::new("curl").arg("--version")) {
        return support::clients::skip("curl");
    }
    let journal = file("journal.jsonl", "");
    let name = journal.to_str().unwrap();
    let program = r#"curl -fsS --noproxy '*' "$COS_EMU_URL/$COS_BUCKET/" >/dev/null"#;
    let (status, _, stderr) = output(&["exec", "--journal", name, "--", "sh", "-c", program]);
    assert_eq!(status, 0, "{stderr}");
    let (status, explained, stderr) = output(&["explain", "--journal", name]);
    assert!(status == 0 && explained.contains("ListObjects"), "{explained}{stderr}");
    let (status, _, stderr) = output(&["exec", "--journal", "/nowhere/at/all", "--", "true"]);
    assert!(status == 1 && stderr.contains("cannot write /nowhere/at/all"), "{stderr}");
}

#[test]
fn a_command_is_given_the_proxy_and_whom_to_trust() {
    let program = r#"test -s "$COS_EMU_CA" && test "$SSL_CERT_FILE" = "$COS_EMU_CA" && test "$https_proxy" = "$COS_EMU_URL" &&
        test -z "$NO_PROXY" && curl -fsS "https://$COS_BUCKET.cos.$COS_REGION.myqcloud.com/" >/dev/null &&
        ! curl -fsS "https://example.com/" 2>/dev/null"#;
    if !support::clients::works(Command::new("curl").arg("--version")) {
        return support::clients::skip("curl");
    }
    let mut command = cos_emu(&["exec", "--proxy", "--auth", "off", "--", "sh", "-c", program]);
    let output = command.env("NO_PROXY", "*").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
