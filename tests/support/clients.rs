//! Programs that do not come with this project: official clients, browsers, validators. `tests/sdk/install` installs them
//! into `.clients/`. One that is not there is skipped with a word; with `COS_EMU_REQUIRE_CLIENTS=1` that is a failure.

use std::path::PathBuf;
use std::process::Command;

/// Path of a file of this repository.
pub fn path(relative: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(relative)
}

/// Says that something is skipped because a program is missing, or fails when none may be.
pub fn skip(program: &str) {
    let required = std::env::var("COS_EMU_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
    assert!(!required, "{program} is required, but not installed: run tests/sdk/install");
    eprintln!("skipped: {program} is not installed; tests/sdk/install installs it");
}

/// A program, or a word about its absence.
pub fn or_skip(program: Option<Command>, name: &str) -> Option<Command> {
    if program.is_none() {
        skip(name);
    }
    program
}

/// Whether a command ends with status 0.
pub fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Python with the packages of `.clients`, among them this module, and a program for it.
pub fn python(module: &str, program: &str) -> Option<Command> {
    python_of("python", module, program)
}

/// Node with the packages of `.clients`, among them this one, and a program for it.
pub fn node(package: &str, program: &str) -> Option<Command> {
    let packages = path(".clients/node/node_modules");
    let found = packages.join(package).exists() && works(Command::new("node").arg("--version"));
    let mut command = Command::new("node");
    command.env("NODE_PATH", packages).arg(path(program));
    found.then_some(command)
}

/// A program of Python from an environment of its own in `.clients`, where this module is.
pub fn python_of(environment: &str, module: &str, program: &str) -> Option<Command> {
    let interpreter = path(&format!(".clients/{environment}/bin/python"));
    let found = works(Command::new(&interpreter).args(["-c", &format!("import {module}")]));
    let mut command = Command::new(interpreter);
    command.arg(path(program));
    found.then_some(command)
}

/// The program that is built from `tests/sdk/go`.
pub fn go() -> Option<Command> {
    let program = path(".clients/go-suite");
    program.exists().then(|| Command::new(program))
}

/// The class `Main` of `tests/sdk/java` with what it needs.
pub fn java() -> Option<Command> {
    java_class("Main")
}

/// A class of `tests/sdk/java`, or a file with the source of one, with what it needs.
pub fn java_class(name: &str) -> Option<Command> {
    let classes = path(".clients/java");
    let found = classes.join("suite.jar").exists() && works(Command::new("java").arg("-version"));
    let mut command = Command::new("java");
    // It ends before a second compiler would pay.
    command.args(["-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", &format!("{}/*", classes.display()), name]);
    found.then_some(command)
}

/// A browser without a window.
pub fn browser() -> Option<Command> {
    let mut names = ["chromium", "chromium-browser", "google-chrome"].into_iter();
    let mut command = Command::new(names.find(|name| works(Command::new(name).arg("--version")))?);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    Some(command)
}

/// Proxies of the machine are not meant for these servers.
pub fn without_proxies(command: &mut Command) {
    for variable in
        ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "ALL_PROXY"]
    {
        command.env_remove(variable);
    }
}
