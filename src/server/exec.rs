//! `cos-emu exec`: runs a command against a server of its own, judges what came of it, and leaves nothing behind.
//!
//! The command gets a process group of its own. What is left of it when the command has ended gets a grace time, then
//! SIGTERM, then SIGKILL; the verdict is about everything up to then.
//!
//! Source: `design.md` 2.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::process::told_to_stop;
use super::{Emulator, StartError};
use crate::chance::Seed;
use crate::config::Config;
use crate::judge::{CommandEnd, Judgement};
use crate::scenario::ClientResult;

/// How often it is looked whether the group is gone.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long the group may take to end after SIGTERM.
const TERM_GRACE: Duration = Duration::from_millis(500);

/// The status of `exec` when the verdict does not hold.
pub const NOT_MET: u8 = 4;
/// The status of shells for a command that is not found.
const NOT_FOUND: u8 = 127;
/// The status of shells for a command that cannot be run.
const NOT_RUNNABLE: u8 = 126;

/// What to run, and how.
#[derive(Debug)]
pub struct Run {
    /// The command and its arguments.
    pub command: Vec<OsString>,
    /// The bucket that `COS_BUCKET` names.
    pub bucket: String,
    /// The access key id, the key and the token that the environment names.
    pub credential: (String, String, Option<String>),
    /// Whether the server is its proxy.
    pub proxy: Proxied,
    /// How long what the command left behind may go on.
    pub grace: Duration,
}

/// Whether the server is the proxy of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxied {
    /// The command talks to it by its address.
    No,
    /// By the environment that most programs go by.
    Yes,
    /// Also by the settings that Java has in its place.
    WithJava,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// The status to end with.
    pub status: u8,
    /// The verdict; `None` when the command could not be run.
    pub judgement: Option<Judgement>,
    /// What has to be said beside the verdict.
    pub remarks: Vec<String>,
}

/// Runs a command against a new server and judges.
///
/// # Errors
/// When the server cannot start.
pub fn run_and_judge(config: Config, what: Run) -> Result<Done, StartError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Process)?;
    runtime.block_on(run(config, what))
}

async fn run(config: Config, run: Run) -> Result<Done, StartError> {
    let (appid, region) = (config.account.appid.clone(), config.account.region.clone());
    let emulator = Emulator::start(config).await?;
    let mut command = Command::new(&run.command[0]);
    let url = emulator.url();
    let (id, key, token) = &run.credential;
    command
        .args(&run.command[1..])
        .envs([("COS_EMU_URL", &url), ("COS_EMU_PROXY", &url)])
        .envs([("COS_SECRET_ID", id), ("COS_SECRET_KEY", key), ("COS_REGION", &region)])
        .envs([("COS_APPID", &appid), ("COS_BUCKET", &run.bucket)])
        .envs(token.as_ref().map(|token| ("COS_TOKEN", token)))
        .kill_on_drop(true);
    let trust = Trust::new(emulator.ca_pem()).map_err(StartError::Process)?;
    command.env("COS_EMU_CA", trust.ca());
    if run.proxy == Proxied::No {
        command.env("COS_ENDPOINT", &url);
    } else {
        // Programs that go by it would not use the service's own host names.
        command.env_remove("COS_ENDPOINT");
        be_proxy(&mut command, &url, &trust.ca());
    }
    if run.proxy == Proxied::WithJava {
        let options = java_options(emulator.addr(), &trust).map_err(StartError::Process)?;
        command.env("JAVA_TOOL_OPTIONS", options);
    }
    #[cfg(unix)]
    command.process_group(0);
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let status = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_RUNNABLE };
            emulator.stop().await;
            let remark = format!("cannot run {}: {error}", run.command[0].to_string_lossy());
            return Ok(Done { status, judgement: None, remarks: vec![remark] });
        }
    };
    let mut remarks = Vec::new();
    let end = wait(child, run.grace, &mut remarks).await.map_err(StartError::Process)?;
    let judgement = emulator.judge(Some(end));
    if let CommandEnd::Signalled(signal) = end {
        remarks.push(format!("the command was ended by signal {signal}"));
    }
    if judgement.exchanges.is_empty() {
        remarks.push(
            "no request arrived: the command has to talk to COS_EMU_URL, or use COS_EMU_PROXY as its proxy"
                .to_owned(),
        );
    }
    let wanted = emulator.expected_client_result();
    emulator.stop().await;
    let status = match (end.status(), wanted) {
        (0, _) | (_, Some(ClientResult::Failure)) if judgement.verdict.holds => 0,
        (0, _) | (_, Some(ClientResult::Failure)) => NOT_MET,
        // A status of a command is one byte.
        (status, _) => status as u8,
    };
    Ok(Done { status, judgement: Some(judgement), remarks })
}

/// A folder with what a command needs to trust the CA; it goes when this does.
struct Trust(PathBuf);

impl Trust {
    fn new(ca_pem: &str) -> io::Result<Self> {
        let folder =
            std::env::temp_dir().join(format!("cos-emu-{}-{:016x}", std::process::id(), Seed::random().0));
        std::fs::create_dir(&folder)?;
        let trust = Trust(folder);
        std::fs::write(trust.ca(), ca_pem)?;
        Ok(trust)
    }

    fn ca(&self) -> PathBuf {
        self.0.join("ca.pem")
    }
}

impl Drop for Trust {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Sets what programs look at for a proxy and for whom to trust. Hosts of this machine go through the proxy too.
fn be_proxy(command: &mut Command, url: &str, ca: &Path) {
    for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
        command.env(name, url);
    }
    for name in ["no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
        command.env(name, ca);
    }
}

/// What a virtual machine of Java is told in its environment: it has a store of trust of its own.
fn java_options(addr: SocketAddr, trust: &Trust) -> io::Result<String> {
    let store = trust.0.join("trust.p12");
    let imported = std::process::Command::new("keytool")
        .args([
            "-importcert",
            "-noprompt",
            "-alias",
            "cos-emu",
            "-storetype",
            "PKCS12",
            "-storepass",
            "changeit",
        ])
        .arg("-keystore")
        .arg(&store)
        .arg("-file")
        .arg(trust.ca())
        .output()
        .map_err(|error| {
            io::Error::new(error.kind(), format!("--proxy-java needs keytool of a JDK: {error}"))
        })?;
    if !imported.status.success() {
        return Err(io::Error::other(format!(
            "keytool: {}",
            String::from_utf8_lossy(&imported.stdout).trim()
        )));
    }
    let (host, port, store) = (addr.ip(), addr.port(), store.display());
    Ok(format!(
        "-Dhttp.proxyHost={host} -Dhttp.proxyPort={port} -Dhttps.proxyHost={host} -Dhttps.proxyPort={port} \
         -Dhttp.nonProxyHosts= -Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword=changeit"
    ))
}

/// Waits for the command, then for what it left behind. A signal to this process goes on to the command.
async fn wait(mut child: Child, grace: Duration, remarks: &mut Vec<String>) -> io::Result<CommandEnd> {
    let group = Group(child.id());
    let told_to_stop = told_to_stop(None)?;
    tokio::pin!(told_to_stop);
    let mut told = false;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            () = &mut told_to_stop, if !told => {
                told = true;
                group.terminate();
            }
            // Told to stop, the command has as long as what it leaves behind.
            () = sleep(grace), if told => group.kill(),
        }
    };
    if !group.is_gone_within(grace).await {
        remarks.push(format!("the command ended and left processes behind; they were ended after {grace:?}"));
        group.terminate();
        if !group.is_gone_within(TERM_GRACE).await {
            group.kill();
            // A killed process is gone in a moment; where nobody reaps it, it stays as a zombie.
            group.is_gone_within(TERM_GRACE).await;
        }
    }
    Ok(end_of(status))
}

#[cfg(unix)]
fn end_of(status: ExitStatus) -> CommandEnd {
    use std::os::unix::process::ExitStatusExt as _;
    match status.signal() {
        Some(signal) => CommandEnd::Signalled(signal),
        None => CommandEnd::Exited(status.code().unwrap_or_default()),
    }
}

#[cfg(not(unix))]
fn end_of(status: ExitStatus) -> CommandEnd {
    CommandEnd::Exited(status.code().unwrap_or_default())
}

/// The process group of a command.
struct Group(Option<u32>);

impl Group {
    async fn is_gone_within(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while !self.is_gone() {
            if Instant::now() >= end {
                return false;
            }
            sleep(LOOK_EVERY).await;
        }
        true
    }
}

#[cfg(unix)]
impl Group {
    fn id(&self) -> Option<rustix::process::Pid> {
        rustix::process::Pid::from_raw(i32::try_from(self.0?).ok()?)
    }

    fn is_gone(&self) -> bool {
        self.id().is_none_or(|id| rustix::process::test_kill_process_group(id).is_err())
    }

    fn signal(&self, signal: rustix::process::Signal) {
        // A group that is gone needs no signal.
        let _ = self.id().map(|id| rustix::process::kill_process_group(id, signal));
    }

    fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    fn kill(&self) {
        self.signal(rustix::process::Signal::KILL);
    }
}

/// Elsewhere only the command itself is known, and it has ended.
#[cfg(not(unix))]
impl Group {
    fn is_gone(&self) -> bool {
        true
    }

    fn terminate(&self) {}

    fn kill(&self) {}
}
