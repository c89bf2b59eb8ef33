//! The arguments: what can be said on the command line and in the environment, and the configuration that comes of it.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use super::lines::Sdk;
use crate::chance::Seed;
use crate::config::{Callbacks, Config};
use crate::message::{Account, EtagForm};
use crate::operation::is_bucket_name;
use crate::scenario::{Scenario, did_you_mean};
use crate::signature::{AuthMode, Secret};

/// Emulates Tencent Cloud COS and CAS, and breaks uploads and downloads exactly as a scenario says.
///
/// Without a command it serves until it is told to stop.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) serve: Serve,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Validates scenario files; prints every problem with file, line, column and a suggestion
    Check {
        /// The files, or names of shipped scenarios; `-` is standard input
        #[arg(required_unless_present = "list_ops", value_name = "FILE")]
        files: Vec<String>,
        /// Takes warnings for errors
        #[arg(long, env = "COS_EMU_DENY_WARNINGS", value_parser = BoolishValueParser::new())]
        deny_warnings: bool,
        /// Lists the operations and groups that `when.op` can name
        #[arg(long, env = "COS_EMU_LIST_OPS", value_parser = BoolishValueParser::new())]
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
        /// Writes the journal: a line of JSON for each exchange, as `cos-emu explain --journal` reads it
        #[arg(long, env = "COS_EMU_JOURNAL", value_name = "OUT.jsonl")]
        journal: Option<PathBuf>,
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
    /// Prints the lines to paste that point a client at a server: code for an SDK, commands for a program
    Env {
        /// The client
        #[arg(long, env = "COS_EMU_SDK", value_name = "CLIENT")]
        sdk: Sdk,
        /// The address of the server
        #[arg(long, env = "COS_EMU_LISTEN", default_value = "127.0.0.1:3077", value_name = "ADDR:PORT")]
        listen: SocketAddr,
        /// The credential of the client
        #[arg(
            long, env = "COS_EMU_CREDENTIAL", default_value = "AKIDcosemu:cosemu", value_name = "ID:KEY",
            value_delimiter = ',', value_parser = credential
        )]
        credential: Vec<Credential>,
        /// The bucket of clients that are made for one
        #[arg(
            long, env = "COS_EMU_BUCKET", default_value = "demo-1250000000", value_name = "NAME-APPID",
            value_delimiter = ',', value_parser = bucket
        )]
        bucket: Vec<Bucket>,
        /// The account of clients that name it
        #[arg(long, env = "COS_EMU_APPID", default_value = "1250000000", value_parser = appid)]
        appid: String,
        /// The region
        #[arg(long, env = "COS_EMU_REGION", default_value = "ap-guangzhou")]
        region: String,
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
        #[arg(long, env = "COS_EMU_WAIT", value_parser = BoolishValueParser::new())]
        wait: bool,
        /// How long to wait
        #[arg(long, env = "COS_EMU_TIMEOUT", default_value = "30s", value_name = "DURATION", value_parser = duration)]
        timeout: Duration,
    },
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen; port 0 is a free one [default: 127.0.0.1:3077; under exec 127.0.0.1:0]
    #[arg(long, env = "COS_EMU_LISTEN", value_name = "ADDR:PORT")]
    pub(super) listen: Option<SocketAddr>,
    /// Listens at another address too, such as 127.0.0.1:443; every address takes http and https
    #[arg(long, env = "COS_EMU_TLS_LISTEN", value_name = "ADDR:PORT")]
    pub(super) tls_listen: Option<SocketAddr>,
    /// Keeps the CA that signs for TLS in this folder, so that it is the same each time; otherwise it is made anew
    #[arg(long, env = "COS_EMU_CA_DIR", value_name = "DIR")]
    pub(super) ca_dir: Option<PathBuf>,
    /// Gives the control API an address of its own
    #[arg(long, env = "COS_EMU_CONTROL_LISTEN", value_name = "ADDR:PORT")]
    pub(super) control_listen: Option<SocketAddr>,
    /// A name that the control API answers to, beside addresses and names without a dot (repeatable)
    #[arg(long, env = "COS_EMU_CONTROL_HOST", value_name = "NAME", value_delimiter = ',')]
    pub(super) control_host: Vec<String>,
    /// What who uses the control API has to send as `Authorization: Bearer TOKEN`
    #[arg(long, env = "COS_EMU_CONTROL_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(super) control_token: Option<String>,
    /// The faults: a file, `-` for standard input, or the name of a shipped scenario
    #[arg(long, env = "COS_EMU_SCENARIO", value_name = "FILE|NAME|-")]
    pub(super) scenario: Option<String>,
    /// The faults as JSON text; meant for the environment
    #[arg(long, env = "COS_EMU_SCENARIO_JSON", value_name = "JSON", conflicts_with = "scenario")]
    pub(super) scenario_json: Option<String>,
    /// The seed of all chance; goes before that of the scenario
    #[arg(long, env = "COS_EMU_SEED", value_name = "N")]
    pub(super) seed: Option<Seed>,
    /// How strictly signatures are checked; goes before what the scenario says [default: check]
    #[arg(long, env = "COS_EMU_AUTH", value_name = "MODE")]
    pub(super) auth: Option<Auth>,
    /// What an ETag is made of; goes before what the scenario says [default: md5]
    #[arg(long, env = "COS_EMU_ETAG", value_name = "FORM")]
    pub(super) etag: Option<Etag>,
    /// A known credential (repeatable)
    #[arg(
        long, env = "COS_EMU_CREDENTIAL", default_value = "AKIDcosemu:cosemu", value_name = "ID:KEY[:TOKEN]",
        value_delimiter = ',', value_parser = credential
    )]
    pub(super) credential: Vec<Credential>,
    /// A bucket that exists at the start (repeatable)
    #[arg(
        long, env = "COS_EMU_BUCKET", value_name = "NAME-APPID[@REGION]", value_delimiter = ',', value_parser = bucket
    )]
    pub(super) bucket: Vec<Bucket>,
    /// A vault that exists at the start (repeatable)
    #[arg(long, env = "COS_EMU_VAULT", value_name = "NAME", value_delimiter = ',')]
    pub(super) vault: Vec<String>,
    /// The account that everything belongs to
    #[arg(long, env = "COS_EMU_APPID", default_value = "1250000000", value_parser = appid)]
    pub(super) appid: String,
    /// The region of what is made without naming one
    #[arg(long, env = "COS_EMU_REGION", default_value = "ap-guangzhou")]
    pub(super) region: String,
    /// The most bytes of objects that are kept in memory; those beyond it are spilled to disk
    #[arg(long, env = "COS_EMU_MAX_MEMORY", default_value = "1GiB", value_name = "SIZE", value_parser = size)]
    pub(super) max_memory: u64,
    /// The folder of the unnamed file that objects are spilled to; where that cannot be made, an upload is refused with 503
    /// [default: the system's folder for temporary files]
    #[arg(long, env = "COS_EMU_SPILL_DIR", value_name = "DIR")]
    pub(super) spill_dir: Option<PathBuf>,
    /// How many exchanges the journal remembers; 0 keeps none, and a verdict then looks at rules and objects alone
    #[arg(long, env = "COS_EMU_JOURNAL_ENTRIES", default_value = "10000", value_name = "N")]
    pub(super) journal_entries: usize,
    /// Where the `CallBackUrl` of a CAS job may lead
    #[arg(long, env = "COS_EMU_CALLBACKS", default_value = "loopback", value_name = "WHERE")]
    pub(super) callbacks: CallbacksText,
    /// How long the body of a request may pause; goes before what the scenario says [default: 60s]
    #[arg(long, env = "COS_EMU_BODY_TIMEOUT", value_name = "DURATION", value_parser = duration)]
    pub(super) body_timeout: Option<Duration>,
    /// Judges at the end also when the scenario has no `expect`; ends with 4 when the verdict does not hold
    #[arg(long, env = "COS_EMU_JUDGE", value_parser = BoolishValueParser::new())]
    pub(super) judge: bool,
    /// Writes the URL to a file when the server is ready
    #[arg(long, env = "COS_EMU_READY_FILE", value_name = "PATH")]
    pub(super) ready_file: Option<PathBuf>,
    /// Stops when the process that started it is gone
    #[arg(long, env = "COS_EMU_EXIT_WITH_PARENT", value_parser = BoolishValueParser::new())]
    pub(super) exit_with_parent: bool,
    /// The form of the logs on standard error
    #[arg(long, env = "COS_EMU_LOG_FORMAT", default_value = "pretty", value_name = "FORMAT")]
    pub(super) log_format: LogFormat,
    /// The least level that is logged: error, warn, info, debug or trace
    #[arg(long, env = "COS_EMU_LOG_LEVEL", default_value = "info", value_name = "LEVEL")]
    pub(super) log_level: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Auth {
    /// Signatures are ignored
    Off,
    /// A signature by a known key id is verified; an unknown key id or none is let pass
    Check,
    /// As the real service
    Strict,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Etag {
    /// The MD5 of the bytes, as today
    Md5,
    /// The SHA-1 of the bytes, as in 2017
    Sha1,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum CallbacksText {
    /// To addresses of this machine alone
    Loopback,
    /// To every address
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people
    Pretty,
    /// One object per line
    Json,
}

#[derive(Debug, Clone)]
pub(super) struct Credential {
    pub(super) id: String,
    pub(super) secret: Secret,
}

#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) name: String,
    pub(super) region: Option<String>,
}
pub(super) fn config(arguments: Serve, scenario: Option<Scenario>) -> Config {
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
        spill_dir: arguments.spill_dir.or(usual.spill_dir),
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
/// The variables of the environment that begin as those of options do, and belong to none: to commands under `exec`, to
/// the clients of `clients/`, to the tests.
const OTHER_VARIABLES: &[&str] = &[
    "COS_EMU_URL",
    "COS_EMU_PROXY",
    "COS_EMU_CA",
    "COS_EMU_BINARY",
    "COS_EMU_IMAGE",
    "COS_EMU_REQUIRE_CLIENTS",
    "COS_EMU_LONG_TESTS",
    "COS_EMU_BLESS",
];

/// What is to be said of each variable that looks like the twin of an option and is none.
pub(super) fn misspelt_variables(names: impl Iterator<Item = String>) -> Vec<String> {
    fn walk(command: &clap::Command, known: &mut Vec<String>) {
        let envs = command.get_arguments().filter_map(clap::Arg::get_env);
        known.extend(envs.map(|env| env.to_string_lossy().into_owned()));
        command.get_subcommands().for_each(|command| walk(command, known));
    }
    let mut known: Vec<String> = OTHER_VARIABLES.iter().map(|&name| name.to_owned()).collect();
    walk(&Arguments::command(), &mut known);
    // What Kubernetes tells every container of a service named cos-emu.
    let of_kubernetes =
        |name: &str| ["COS_EMU_SERVICE_", "COS_EMU_PORT"].iter().any(|start| name.starts_with(start));
    let unknown =
        names.filter(|name| name.starts_with("COS_EMU_") && !known.contains(name) && !of_kubernetes(name));
    let said = unknown.map(|name| {
        let hint = did_you_mean(&name, known.iter().map(String::as_str));
        format!(
            "{name} in the environment is no option{}",
            hint.map_or_else(String::new, |hint| format!("; {hint}"))
        )
    });
    said.collect()
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
    fn a_variable_that_is_almost_the_twin_of_an_option_is_named_with_it() {
        let names = ["COS_EMU_SEED", "COS_EMU_MAX_MEMRY", "COS_EMU_URL", "COS_EMU_PORT_80_TCP", "PATH"]
            .map(str::to_owned);
        let said = misspelt_variables(names.into_iter());
        let expected =
            "COS_EMU_MAX_MEMRY in the environment is no option; did you mean \"COS_EMU_MAX_MEMORY\"?";
        assert_eq!(said, [expected]);
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
