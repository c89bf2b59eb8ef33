//! The command line: arguments to configuration, and every word that is printed.
//!
//! Standard output carries what was asked for, standard error the logs and complaints. Exit status: 0 good, 1 failure,
//! 2 usage or an invalid scenario, 3 cannot bind.

use std::cell::Cell;
use std::ffi::OsString;
use std::fmt;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::chance::Seed;
use crate::config::{Callbacks, Config};
use crate::journal::explained;
use crate::judge::{Outcome, Verdict};
use crate::message::{Account, EtagForm};
use crate::operation::{Group, Operation, is_bucket_name};
use crate::scenario::{Diagnosis, MAX_FILE_BYTES, Scenario, library};
use crate::server::{
    Emulator, NOT_MET, Proxied, Run, StartError, ca_in, ca_of, is_ready, run_and_judge,
    run_until_told_to_stop,
};
use crate::signature::{AuthMode, Secret};

/// The status of usage errors and invalid scenarios.
const INVALID: u8 = 2;
/// The status when an address cannot be bound.
const CANNOT_BIND: u8 = 3;

/// Emulates Tencent Cloud COS and CAS, and breaks uploads and downloads exactly as a scenario says.
///
/// Without a command it serves until it is told to stop.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Validates scenario files; prints every problem with file, line, column and a suggestion
    Check {
        /// The files, or names of shipped scenarios; `-` is standard input
        #[arg(required_unless_present = "list_ops", value_name = "FILE")]
        files: Vec<String>,
        /// Takes warnings for errors
        #[arg(long, env = "COS_EMU_DENY_WARNINGS")]
        deny_warnings: bool,
        /// Lists the operations and groups that `when.op` can name
        #[arg(long, env = "COS_EMU_LIST_OPS")]
        list_ops: bool,
    },
    /// Says in plain words what a scenario does: one sentence per rule
    Explain {
        /// The file, or the name of a shipped scenario; `-` is standard input
        #[arg(value_name = "FILE", required_unless_present = "journal")]
        file: Option<String>,
        /// Says instead of each exchange of an exported journal (journal.jsonl) why each rule did or did not act
        #[arg(long, env = "COS_EMU_JOURNAL", value_name = "FILE.jsonl", conflicts_with = "file")]
        journal: Option<PathBuf>,
    },
    /// Runs a command against a server of its own, and judges whether it coped; what the command needs is in COS_EMU_URL,
    /// COS_BUCKET, COS_SECRET_ID, COS_SECRET_KEY, COS_REGION and COS_APPID
    Exec {
        /// Writes the verdict as JUnit XML
        #[arg(long, env = "COS_EMU_JUNIT", value_name = "OUT.xml")]
        junit: Option<PathBuf>,
        /// Writes the verdict as a page of HTML
        #[arg(long, env = "COS_EMU_REPORT", value_name = "OUT.html")]
        report: Option<PathBuf>,
        /// Makes the server the proxy of the command, and its CA trusted: so a program that uses real host names over https
        /// works as it is
        #[arg(long)]
        proxy: bool,
        /// The same for programs of Java, which have settings of their own (needs keytool)
        #[arg(long)]
        proxy_java: bool,
        /// How long what the command leaves behind may go on
        #[arg(long, env = "COS_EMU_GRACE", default_value = "1s", value_name = "DURATION", value_parser = duration)]
        grace: Duration,
        #[command(flatten)]
        serve: Box<Serve>,
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<OsString>,
    },
    /// Prints the certificate of the CA that signs for TLS: of a folder, where it is made if there is none, or of a running
    /// server
    Ca {
        /// The folder
        #[arg(long, env = "COS_EMU_CA_DIR", value_name = "DIR")]
        ca_dir: Option<PathBuf>,
        /// The address of the server
        #[arg(long, env = "COS_EMU_LISTEN", default_value = "127.0.0.1:3077", value_name = "ADDR:PORT")]
        listen: SocketAddr,
    },
    /// Prints what a shell needs to complete the commands and options
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page
    Man,
    /// Prints the JSON Schema of scenario files
    Schema,
    /// Lists the shipped scenarios, or prints one of them
    Scenarios {
        /// The name of a shipped scenario
        name: Option<String>,
    },
    /// Exits with status 0 when a running server is ready
    Ready {
        /// The address of the server
        #[arg(long, env = "COS_EMU_LISTEN", default_value = "127.0.0.1:3077", value_name = "ADDR:PORT")]
        listen: SocketAddr,
        /// The address of the control API, when it has one of its own
        #[arg(long, env = "COS_EMU_CONTROL_LISTEN", value_name = "ADDR:PORT")]
        control_listen: Option<SocketAddr>,
        /// Waits until the server is ready
        #[arg(long, env = "COS_EMU_WAIT")]
        wait: bool,
        /// How long to wait
        #[arg(long, env = "COS_EMU_TIMEOUT", default_value = "30s", value_name = "DURATION", value_parser = duration)]
        timeout: Duration,
    },
}

#[derive(Debug, Args)]
struct Serve {
    /// Where to listen; port 0 is a free one [default: 127.0.0.1:3077; under exec 127.0.0.1:0]
    #[arg(long, env = "COS_EMU_LISTEN", value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Listens at another address too, such as 127.0.0.1:443; every address takes http and https
    #[arg(long, env = "COS_EMU_TLS_LISTEN", value_name = "ADDR:PORT")]
    tls_listen: Option<SocketAddr>,
    /// Keeps the CA that signs for TLS in this folder, so that it is the same each time; otherwise it is made anew
    #[arg(long, env = "COS_EMU_CA_DIR", value_name = "DIR")]
    ca_dir: Option<PathBuf>,
    /// Gives the control API an address of its own
    #[arg(long, env = "COS_EMU_CONTROL_LISTEN", value_name = "ADDR:PORT")]
    control_listen: Option<SocketAddr>,
    /// A name that the control API answers to, beside addresses and names without a dot (repeatable)
    #[arg(long, env = "COS_EMU_CONTROL_HOST", value_name = "NAME", value_delimiter = ',')]
    control_host: Vec<String>,
    /// What who uses the control API has to send as `Authorization: Bearer TOKEN`
    #[arg(long, env = "COS_EMU_CONTROL_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    control_token: Option<String>,
    /// The faults: a file, `-` for standard input, or the name of a shipped scenario
    #[arg(long, env = "COS_EMU_SCENARIO", value_name = "FILE|NAME|-")]
    scenario: Option<String>,
    /// The faults as JSON text; meant for the environment
    #[arg(long, env = "COS_EMU_SCENARIO_JSON", value_name = "JSON", conflicts_with = "scenario")]
    scenario_json: Option<String>,
    /// The seed of all chance; goes before that of the scenario
    #[arg(long, env = "COS_EMU_SEED", value_name = "N")]
    seed: Option<Seed>,
    /// How strictly signatures are checked; goes before what the scenario says [default: check]
    #[arg(long, env = "COS_EMU_AUTH", value_name = "MODE")]
    auth: Option<Auth>,
    /// What an ETag is made of; goes before what the scenario says [default: md5]
    #[arg(long, env = "COS_EMU_ETAG", value_name = "FORM")]
    etag: Option<Etag>,
    /// A known credential (repeatable)
    #[arg(
        long, env = "COS_EMU_CREDENTIAL", default_value = "AKIDcosemu:cosemu", value_name = "ID:KEY[:TOKEN]",
        value_delimiter = ',', value_parser = credential
    )]
    credential: Vec<Credential>,
    /// A bucket that exists at the start (repeatable)
    #[arg(
        long, env = "COS_EMU_BUCKET", value_name = "NAME-APPID[@REGION]", value_delimiter = ',', value_parser = bucket
    )]
    bucket: Vec<Bucket>,
    /// A vault that exists at the start (repeatable)
    #[arg(long, env = "COS_EMU_VAULT", value_name = "NAME", value_delimiter = ',')]
    vault: Vec<String>,
    /// The account that everything belongs to
    #[arg(long, env = "COS_EMU_APPID", default_value = "1250000000", value_parser = appid)]
    appid: String,
    /// The region of what is made without naming one
    #[arg(long, env = "COS_EMU_REGION", default_value = "ap-guangzhou")]
    region: String,
    /// The most bytes of objects that are kept; an upload beyond it is refused with 503
    #[arg(long, env = "COS_EMU_MAX_MEMORY", default_value = "1GiB", value_name = "SIZE", value_parser = size)]
    max_memory: u64,
    /// How many exchanges the journal remembers; 0 keeps none, and a verdict then looks at rules and objects alone
    #[arg(long, env = "COS_EMU_JOURNAL_ENTRIES", default_value = "10000", value_name = "N")]
    journal_entries: usize,
    /// Where the `CallBackUrl` of a CAS job may lead
    #[arg(long, env = "COS_EMU_CALLBACKS", default_value = "loopback", value_name = "WHERE")]
    callbacks: CallbacksText,
    /// How long the body of a request may pause; goes before what the scenario says [default: 60s]
    #[arg(long, env = "COS_EMU_BODY_TIMEOUT", value_name = "DURATION", value_parser = duration)]
    body_timeout: Option<Duration>,
    /// Judges at the end also when the scenario has no `expect`; ends with 4 when the verdict does not hold
    #[arg(long, env = "COS_EMU_JUDGE")]
    judge: bool,
    /// Writes the URL to a file when the server is ready
    #[arg(long, env = "COS_EMU_READY_FILE", value_name = "PATH")]
    ready_file: Option<PathBuf>,
    /// Stops when the process that started it is gone
    #[arg(long, env = "COS_EMU_EXIT_WITH_PARENT")]
    exit_with_parent: bool,
    /// The form of the logs on standard error
    #[arg(long, env = "COS_EMU_LOG_FORMAT", default_value = "pretty", value_name = "FORMAT")]
    log_format: LogFormat,
    /// The least level that is logged: error, warn, info, debug or trace
    #[arg(long, env = "COS_EMU_LOG_LEVEL", default_value = "info", value_name = "LEVEL")]
    log_level: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Auth {
    /// Signatures are ignored
    Off,
    /// A signature by a known key id is verified; an unknown key id or none is let pass
    Check,
    /// As the real service
    Strict,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Etag {
    /// The MD5 of the bytes, as today
    Md5,
    /// The SHA-1 of the bytes, as in 2017
    Sha1,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CallbacksText {
    /// To addresses of this machine alone
    Loopback,
    /// To every address
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people
    Pretty,
    /// One object per line
    Json,
}

#[derive(Debug, Clone)]
struct Credential {
    id: String,
    secret: Secret,
}

#[derive(Debug, Clone)]
struct Bucket {
    name: String,
    region: Option<String>,
}

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
        Some(Command::Exec { junit, report, proxy, proxy_java, grace, serve, command }) => {
            let proxy = match (proxy, proxy_java) {
                (_, true) => Proxied::WithJava,
                (true, false) => Proxied::Yes,
                (false, false) => Proxied::No,
            };
            exec(*serve, command, proxy, grace, junit.as_deref(), report.as_deref())
        }
        Some(Command::Scenarios { name }) => scenarios(name.as_deref()),
        Some(Command::Ca { ca_dir, listen }) => print_ca(ca_dir, listen),
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

fn exec(
    mut arguments: Serve,
    command: Vec<OsString>,
    proxy: Proxied,
    grace: Duration,
    junit: Option<&Path>,
    report: Option<&Path>,
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
        let write = |path: Option<&Path>, text: &dyn Fn() -> String| match path {
            None => Ok(()),
            Some(path) => {
                std::fs::write(path, text()).with_context(|| format!("cannot write {}", path.display()))
            }
        };
        write(junit, &|| judgement.junit())?;
        write(report, &|| judgement.html())?;
    }
    Ok(ExitCode::from(done.status))
}

fn config(arguments: Serve, scenario: Option<Scenario>) -> Config {
    let usual = Config::default();
    Config {
        listen: arguments.listen.unwrap_or(usual.listen),
        control_listen: arguments.control_listen,
        control_hosts: arguments.control_host,
        control_token: arguments.control_token,
        scenario,
        seed: arguments.seed,
        auth: arguments.auth.map(|auth| match auth {
            Auth::Off => AuthMode::Off,
            Auth::Check => AuthMode::Check,
            Auth::Strict => AuthMode::Strict,
        }),
        etag: arguments.etag.map(|etag| match etag {
            Etag::Md5 => EtagForm::Md5,
            Etag::Sha1 => EtagForm::Sha1,
        }),
        credentials: arguments
            .credential
            .into_iter()
            .map(|credential| (credential.id, credential.secret))
            .collect(),
        account: Account { appid: arguments.appid, region: arguments.region, ..usual.account.clone() },
        buckets: arguments.bucket.into_iter().map(|bucket| (bucket.name, bucket.region)).collect(),
        vaults: arguments.vault,
        max_memory_bytes: arguments.max_memory,
        body_timeout: arguments.body_timeout,
        journal_capacity: arguments.journal_entries,
        tls_listen: arguments.tls_listen,
        ca_dir: arguments.ca_dir,
        callbacks: match arguments.callbacks {
            CallbacksText::Loopback => Callbacks::Loopback,
            CallbacksText::Any => Callbacks::Any,
        },
        ready_file: arguments.ready_file,
        ..usual
    }
}

// ---- scenarios ----

/// Why there is no scenario.
enum LoadError {
    Invalid(Diagnosis),
    Unreadable(String),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Invalid(diagnosis) => diagnosis.fmt(f),
            LoadError::Unreadable(reason) => write!(f, "error: {reason}"),
        }
    }
}

/// Where the scenario of a server comes from.
enum Source {
    Nothing,
    Text(String),
    Named(String),
}

impl Source {
    fn of(arguments: &Serve) -> Self {
        match (&arguments.scenario_json, &arguments.scenario) {
            (Some(text), _) => Source::Text(text.clone()),
            (None, Some(name)) => Source::Named(name.clone()),
            (None, None) => Source::Nothing,
        }
    }

    /// Reads the scenario, and prints the warnings about it.
    fn load(&self) -> Result<Option<Scenario>, LoadError> {
        let (scenario, warnings) = match self {
            Source::Nothing => return Ok(None),
            Source::Text(text) => read_scenario("COS_EMU_SCENARIO_JSON", text.as_bytes(), None)?,
            Source::Named(name) => load_named(name)?,
        };
        if !warnings.problems().is_empty() {
            complain(&warnings.to_string());
        }
        Ok(Some(scenario))
    }

    /// Reads it once more.
    fn reload(&self) -> Result<Scenario, LoadError> {
        let again = match self {
            Source::Named(name) if name == "-" => None,
            _ => self.load()?,
        };
        again.ok_or_else(|| LoadError::Unreadable("there is no scenario file to be read again".to_owned()))
    }
}

/// Reads a scenario by what names it: a file comes first, then a shipped name.
fn load_named(name: &str) -> Result<(Scenario, Diagnosis), LoadError> {
    let unreadable = |error: std::io::Error| LoadError::Unreadable(format!("cannot read {name}: {error}"));
    if name == "-" {
        return read_scenario("<stdin>", &bounded(std::io::stdin().lock()).map_err(unreadable)?, None);
    }
    let path = Path::new(name);
    match (std::fs::File::open(path).and_then(bounded), library::find(name)) {
        (Ok(text), _) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            read_scenario(name, &text, Some(folder.unwrap_or(Path::new("."))))
        }
        (Err(_), Some(shipped)) => read_scenario(shipped.name, shipped.text.as_bytes(), None),
        (Err(error), None) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(LoadError::Unreadable(format!(
                "there is no file {name} and no shipped scenario of that name; `cos-emu scenarios` lists them"
            )))
        }
        (Err(error), None) => Err(unreadable(error)),
    }
}

/// Reads no more than what is enough to say that it is too much.
fn bounded(input: impl std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    input.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

fn read_scenario(name: &str, text: &[u8], folder: Option<&Path>) -> Result<(Scenario, Diagnosis), LoadError> {
    Scenario::check(name, text, folder).map_err(LoadError::Invalid)
}

fn check(files: &[String], deny_warnings: bool) -> ExitCode {
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let mut status = ExitCode::SUCCESS;
    for file in files {
        match load_named(file) {
            Ok((scenario, warnings)) => {
                let name = &scenario.name;
                let rules = counted(scenario.rules.len() + scenario.connections.len(), "rule");
                let warned = warnings.problems().len();
                if warned == 0 {
                    print(&format!("{file}: valid, scenario \"{name}\", {rules}"));
                    continue;
                }
                complain(&format!("{warnings}\n"));
                let warned = counted(warned, "warning");
                if deny_warnings {
                    complain(&format!("{file}: {warned}, which --deny-warnings takes for errors"));
                    status = ExitCode::from(INVALID);
                } else {
                    print(&format!("{file}: valid, scenario \"{name}\", {rules}, {warned}"));
                }
            }
            Err(error) => {
                complain(&error.to_string());
                if let LoadError::Invalid(diagnosis) = error {
                    complain(&format!("\n{file}: {}", counted(diagnosis.problems().len(), "error")));
                }
                status = ExitCode::from(INVALID);
            }
        }
    }
    status
}

fn list_operations() -> ExitCode {
    let width = Operation::ALL.iter().map(|operation| operation.name().len()).max().unwrap_or(0);
    for operation in Operation::ALL {
        let groups = Group::ALL.iter().filter(|(_, group)| operation.is_in(*group)).map(|(name, _)| *name);
        let groups = groups.filter(|name| *name != "@any").collect::<Vec<_>>().join(" ");
        print(&format!("{:width$}  {}  {groups}", operation.name(), operation.service()));
    }
    print("\n@any is every operation.");
    ExitCode::SUCCESS
}

fn explain(file: &str) -> ExitCode {
    match load_named(file) {
        Ok((scenario, _)) => {
            crate::scenario::explain(&scenario).iter().for_each(|sentence| print(sentence));
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(INVALID)
        }
    }
}

fn explain_journal(path: &Path) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    for (number, line) in (1..).zip(text.lines()) {
        match serde_json::from_str(line) {
            Ok(entry) => print(explained(&entry).trim_end()),
            Err(error) => {
                complain(&format!("{}:{number}: this is no entry of a journal: {error}", path.display()));
                return Ok(ExitCode::from(INVALID));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn scenarios(name: Option<&str>) -> anyhow::Result<ExitCode> {
    let Some(name) = name else {
        let width = library::ALL.iter().map(|shipped| shipped.name.len()).max().unwrap_or(0);
        for shipped in library::ALL {
            let scenario = Scenario::parse(shipped.name, shipped.text.as_bytes(), None)?;
            let note = scenario.note.unwrap_or_default();
            let sentence = note.split_inclusive(". ").next().unwrap_or_default().trim_end();
            print(&format!("{:width$}  {sentence}", shipped.name));
        }
        return Ok(ExitCode::SUCCESS);
    };
    match library::find(name) {
        Some(shipped) => {
            print(shipped.text.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        None => {
            complain(&format!(
                "error: there is no shipped scenario \"{name}\"; `cos-emu scenarios` lists them"
            ));
            Ok(ExitCode::from(INVALID))
        }
    }
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

// ---- values of arguments ----

fn duration(text: &str) -> Result<Duration, String> {
    crate::scenario::parse_duration(text)
        .ok_or_else(|| "expected a number with a unit, such as 250ms, 30s or 2m".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .or_else(|| crate::scenario::parse_size(text))
        .ok_or_else(|| "expected a number of bytes, or one with a unit, such as 64KiB or 2GiB".to_owned())
}

fn appid(text: &str) -> Result<String, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.to_owned()).ok_or_else(|| "expected digits, such as 1250000000".to_owned())
}

fn credential(text: &str) -> Result<Credential, String> {
    let mut fields = text.splitn(3, ':');
    let (id, key, token) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""), fields.next());
    if id.is_empty() || key.is_empty() {
        return Err("expected ID:KEY or ID:KEY:TOKEN".to_owned());
    }
    let secret = Secret { key: key.to_owned(), token: token.map(str::to_owned), uin: None };
    Ok(Credential { id: id.to_owned(), secret })
}

fn bucket(text: &str) -> Result<Bucket, String> {
    let (name, region) = match text.split_once('@') {
        Some((name, region)) => (name, Some(region.to_owned())),
        None => (text, None),
    };
    if !is_bucket_name(name) {
        return Err("expected <name>-<appid>, such as demo-1250000000, or <name>-<appid>@<region>".to_owned());
    }
    Ok(Bucket { name: name.to_owned(), region })
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

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn the_command_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_option_has_a_twin_in_the_environment() {
        fn walk(command: &clap::Command) {
            for argument in command.get_arguments().filter(|argument| !argument.is_positional()) {
                let name = argument.get_long().unwrap_or_default();
                // COS_EMU_PROXY tells a command where the proxy is; a command within a command would read it.
                if ["help", "version", "proxy", "proxy-java"].contains(&name) {
                    continue;
                }
                let expected = format!("COS_EMU_{}", name.to_uppercase().replace('-', "_"));
                let twin = argument.get_env().map(|env| env.to_string_lossy().into_owned());
                assert_eq!(twin, Some(expected), "--{name} of {}", command.get_name());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Arguments::command());
    }

    #[test]
    fn the_defaults_of_the_command_line_are_those_of_the_library() {
        let arguments = Arguments::parse_from(["cos-emu"]);
        let from_arguments = config(arguments.serve, None);
        assert_eq!(format!("{from_arguments:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn values_of_arguments_are_read_or_refused_with_an_example() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("10"), Ok(10));
        assert_eq!(bucket("demo-1250000000@ap-beijing").unwrap().region.as_deref(), Some("ap-beijing"));
        let token = credential("id:key:to:ken").unwrap().secret.token;
        assert_eq!(token.as_deref(), Some("to:ken"));
        for refused in [duration("250").err(), size("x").err(), appid("12a").err()] {
            assert!(refused.is_some_and(|error| error.contains("such as")));
        }
        assert!(bucket("demo").is_err() && credential("id").is_err() && credential(":key").is_err());
    }
}
