//! The command line: arguments to configuration, and every word that is printed.
//!
//! Standard output carries what was asked for, standard error the logs and complaints. Exit status: 0 good, 1 failure,
//! 2 usage or an invalid scenario, 3 cannot bind.

mod arguments;
mod files;
mod lines;

use std::cell::Cell;
use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use arguments::{Arguments, Bucket, Command, Credential, LogFormat, Serve, config, misspelt_variables};
use clap::{CommandFactory as _, Parser as _};
use files::{Source, check, explain, explain_journal, list_operations, scenarios};
use lines::{Named, lines};
use tracing_subscriber::EnvFilter;

use crate::judge::{Judgement, Outcome, Verdict};
use crate::server::{
    Emulator, NOT_MET, Proxied, Run, StartError, ca_in, ca_of, is_ready, run_and_judge,
    run_until_told_to_stop,
};

/// The status of usage errors and invalid scenarios.
const INVALID: u8 = 2;
/// The status when an address cannot be bound.
const CANNOT_BIND: u8 = 3;

/// Runs the command line of this process and returns its exit status.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Some(Command::Check { list_ops: true, .. }) => Ok(list_operations()),
        Some(Command::Check { files, deny_warnings, .. }) => Ok(check(&files, deny_warnings)),
        Some(Command::Explain { journal: Some(journal), .. }) => explain_journal(&journal),
        Some(Command::Explain { file, .. }) => Ok(explain(&file.unwrap_or_default())),
        Some(Command::Schema) => {
            print(&format!("{:#}", crate::scenario::schema()));
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Exec { junit, report, journal, proxy, proxy_java, grace, serve, command }) => {
            let proxy = match (proxy, proxy_java) {
                (_, true) => Proxied::WithJava,
                (true, false) => Proxied::Yes,
                (false, false) => Proxied::No,
            };
            exec(*serve, command, proxy, grace, &Written { junit, report, journal })
        }
        Some(Command::Scenarios { name }) => scenarios(name.as_deref()),
        Some(Command::Ca { ca_dir, listen }) => print_ca(ca_dir, listen),
        Some(Command::Env { sdk, listen, credential, bucket, appid, region }) => {
            let Credential { id, secret } = &credential[0];
            let (addr, bucket) = (reachable(listen), &bucket[0]);
            let region = bucket.region.as_ref().unwrap_or(&region);
            let (key, token) = (&secret.key, secret.token.as_deref());
            let named = Named { addr, id, key, token, bucket: &bucket.name, appid: &appid, region };
            lines(sdk, &named).map(|text| {
                print(text.trim_end());
                ExitCode::SUCCESS
            })
        }
        Some(Command::Completions { shell }) => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "cos-emu", &mut text);
            print(String::from_utf8_lossy(&text).trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Man) => {
            let mut text = Vec::new();
            let rendered = clap_mangen::Man::new(Arguments::command()).render(&mut text);
            print(String::from_utf8_lossy(&text).trim_end());
            rendered.map(|()| ExitCode::SUCCESS).map_err(anyhow::Error::from)
        }
        Some(Command::Ready { listen, control_listen, wait, timeout }) => {
            ready(control_listen.unwrap_or(listen), wait.then_some(timeout))
        }
        None => serve(arguments.serve),
    };
    result.unwrap_or_else(|error| {
        complain(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

// ---- serve ----

fn serve(arguments: Serve) -> anyhow::Result<ExitCode> {
    start_logging(&arguments);
    let source = Source::of(&arguments);
    let scenario = match source.load() {
        Ok(scenario) => scenario,
        Err(error) => {
            complain(&error.to_string());
            return Ok(ExitCode::from(INVALID));
        }
    };
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
    let (exit_with_parent, judge) = (arguments.exit_with_parent, arguments.judge);
    let config = config(arguments, scenario);
    let name = config.scenario.as_ref().map_or("no faults", |scenario| scenario.name.as_str()).to_owned();
    let ready = |emulator: &Emulator| {
        print(&format!("cos-emu ready on {}", emulator.url()));
        if emulator.tls_addr() != emulator.addr() {
            print(&format!("listening on {} too; https and http come to either", emulator.tls_addr()));
        }
        if emulator.control_addr() != emulator.addr() {
            print(&format!("control API on http://{}", emulator.control_addr()));
        }
        print(&format!("scenario \"{name}\" seed {}", emulator.seed()));
    };
    let holds = Cell::new(true);
    let stopping = |emulator: &Emulator| {
        if judge || emulator.has_expectations() {
            let verdict = emulator.verdict();
            holds.set(verdict.holds);
            return tell(&verdict);
        }
        for sentence in emulator.unfulfilled_rules() {
            complain(&format!("warning: {sentence}"));
        }
    };
    let reload = || match source.reload() {
        Ok(scenario) => Some(scenario),
        Err(error) => {
            complain(&format!("{error}\n\nthe scenario stays as it is"));
            None
        }
    };
    match run_until_told_to_stop(config, exit_with_parent, ready, reload, stopping) {
        Ok(()) if !holds.get() => Ok(ExitCode::from(NOT_MET)),
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error @ StartError::Bind { .. }) => {
            complain(&format!("error: {error}"));
            Ok(ExitCode::from(CANNOT_BIND))
        }
        Err(error) => Err(error.into()),
    }
}

fn start_logging(arguments: &Serve) {
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    misspelt_variables(names).iter().for_each(|sentence| complain(&format!("warning: {sentence}")));
    let filter = EnvFilter::try_new(&arguments.log_level).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let logs =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    match arguments.log_format {
        LogFormat::Pretty => logs.with_target(false).init(),
        LogFormat::Json => logs.json().init(),
    }
}

/// Says a verdict on standard error: a line for each reason.
fn tell(verdict: &Verdict) {
    let looked_at = verdict.cases.iter().filter(|case| case.outcome != Outcome::Skipped).count();
    let failed = verdict.cases.iter().filter(|case| case.outcome == Outcome::Failed).count();
    let exchanges = format!("{} exchanges, seed {}", verdict.exchanges, verdict.seed);
    if verdict.holds {
        return complain(&format!("verdict: the client coped: {looked_at} checks passed ({exchanges})"));
    }
    complain(&format!(
        "verdict: the client did not cope: {failed} of {looked_at} checks failed ({exchanges})"
    ));
    verdict.reasons().for_each(|reason| complain(&format!("  {reason}")));
}

// ---- exec ----

/// What is written when a command has ended, and where.
struct Written {
    junit: Option<PathBuf>,
    report: Option<PathBuf>,
    journal: Option<PathBuf>,
}

impl Written {
    fn write(&self, judgement: &Judgement) -> anyhow::Result<()> {
        let forms: [(&Option<PathBuf>, &dyn Fn() -> String); 3] = [
            (&self.junit, &|| judgement.junit()),
            (&self.report, &|| judgement.html()),
            (&self.journal, &|| judgement.journal()),
        ];
        for (path, text) in forms {
            if let Some(path) = path {
                std::fs::write(path, text()).with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
        Ok(())
    }
}

fn exec(
    mut arguments: Serve,
    command: Vec<OsString>,
    proxy: Proxied,
    grace: Duration,
    written: &Written,
) -> anyhow::Result<ExitCode> {
    start_logging(&arguments);
    let scenario = match Source::of(&arguments).load() {
        Ok(scenario) => scenario,
        Err(error) => {
            complain(&error.to_string());
            return Ok(ExitCode::from(INVALID));
        }
    };
    arguments.listen = arguments.listen.or(Some(SocketAddr::from(([127, 0, 0, 1], 0))));
    if arguments.bucket.is_empty() {
        arguments.bucket.push(Bucket { name: format!("test-{}", arguments.appid), region: None });
    }
    let bucket = arguments.bucket[0].name.clone();
    let set_up = scenario.as_ref().and_then(|scenario| scenario.setup.credentials.first());
    let credential = match set_up {
        Some(given) => (given.id.clone(), given.key.clone(), given.token.clone()),
        None => {
            let Credential { id, secret } = arguments.credential[0].clone();
            (id, secret.key, secret.token)
        }
    };
    let run = Run { command, bucket, credential, proxy, grace };
    let done = match run_and_judge(config(arguments, scenario), run) {
        Ok(done) => done,
        Err(error @ StartError::Bind { .. }) => {
            complain(&format!("error: {error}"));
            return Ok(ExitCode::from(CANNOT_BIND));
        }
        Err(error) => return Err(error.into()),
    };
    done.remarks.iter().for_each(|remark| complain(&format!("note: {remark}")));
    if let Some(judgement) = &done.judgement {
        tell(&judgement.verdict);
        written.write(judgement)?;
    }
    Ok(ExitCode::from(done.status))
}

// ---- ready ----

/// An address that can be connected to.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    addr
}

fn print_ca(folder: Option<PathBuf>, addr: SocketAddr) -> anyhow::Result<ExitCode> {
    let pem = match folder {
        Some(folder) => ca_in(&folder)?,
        None => {
            let addr = reachable(addr);
            ca_of(addr).map_err(|error| {
                anyhow::anyhow!("{addr}: {error}; start a server there, or name a folder with --ca-dir")
            })?
        }
    };
    print(pem.trim_end());
    Ok(ExitCode::SUCCESS)
}

fn ready(addr: SocketAddr, wait: Option<Duration>) -> anyhow::Result<ExitCode> {
    let addr = reachable(addr);
    match is_ready(addr, wait.unwrap_or(Duration::ZERO)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => anyhow::bail!("{addr} is not ready: {error}"),
    }
}
// ---- words ----

/// Prints a line of what was asked for. A reader that is gone is no error.
fn print(line: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// Prints a line about what is wrong.
fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
