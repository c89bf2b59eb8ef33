//! The server as a process.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::client::INTERVAL;
use crate::{Client, Error, Options};

/// What a start may take.
const START: Duration = Duration::from_secs(30);
/// What an end may take, before it is made by force.
const END: Duration = Duration::from_secs(10);

/// A server as a process of its own, on a free port of 127.0.0.1. It is a [`Client`] of itself.
///
/// It ends when it is dropped, and when the process that started it is gone.
#[derive(Debug)]
pub struct Process {
    child: Child,
    client: Client,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts the binary that `COS_EMU_BINARY` names, else `cos-emu` from `PATH`, and waits until it is ready. Of the environment it
    /// sees neither proxies nor options of its own, only these.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no such binary, [`Error::Ended`] with what it printed when it does not like its options.
    pub fn start(options: Options) -> Result<Self, Error> {
        let binary = env::var_os("COS_EMU_BINARY");
        Process::start_binary(binary.unwrap_or_else(|| "cos-emu".into()), options)
    }

    /// Starts this binary.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn start_binary(binary: impl AsRef<Path>, options: Options) -> Result<Self, Error> {
        let binary = binary.as_ref();
        let failed = |source| Error::Io { path: binary.to_owned(), source };
        let folder = Folder::make()?;
        let mut command = Command::new(binary);
        env::vars_os().filter(|(name, _)| is_foreign(name)).for_each(|(name, _)| {
            command.env_remove(name);
        });
        let child = command
            .env("COS_EMU_LISTEN", "127.0.0.1:0")
            .envs(options.variables())
            .env("COS_EMU_EXIT_WITH_PARENT", "true")
            .env("COS_EMU_READY_FILE", folder.url())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(folder.create_log()?)
            .spawn()
            .map_err(failed)?;
        // From here on the process is ended, whatever happens.
        let mut process = Process { child, client: Client::new(""), ended: None };
        let url = process.wait_for_url(binary, &folder)?;
        process.client = match options.control_token() {
            Some(token) => Client::new(url).with_token(token),
            None => Client::new(url),
        };
        process.client.wait_until_ready(START)?;
        Ok(process)
    }

    /// The connection to it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it with SIGTERM, and waits for that. Once it has ended, this returns the same status again.
    ///
    /// # Errors
    /// When the system does not let it be ended.
    pub fn stop(&mut self) -> Result<ExitStatus, Error> {
        match self.ended {
            Some(status) => Ok(status),
            None => self.end().map_err(|source| Error::Io { path: "cos-emu".into(), source }),
        }
    }

    fn wait_for_url(&mut self, binary: &Path, folder: &Folder) -> Result<String, Error> {
        let what = || binary.display().to_string();
        let started = Instant::now();
        loop {
            // The line is complete when it has its end.
            let written = fs::read_to_string(folder.url()).unwrap_or_default();
            if let Some(url) = written.strip_suffix('\n') {
                return Ok(url.to_owned());
            }
            let ended =
                self.child.try_wait().map_err(|source| Error::Io { path: binary.to_owned(), source })?;
            if ended.is_some() {
                self.ended = ended;
                return Err(Error::Ended { what: what(), printed: folder.log() });
            }
            if started.elapsed() >= START {
                return Err(Error::NotReady { what: what(), waited: START });
            }
            sleep(INTERVAL);
        }
    }

    fn end(&mut self) -> io::Result<ExitStatus> {
        terminate(&mut self.child)?;
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if started.elapsed() >= END {
                self.child.kill()?;
                break self.child.wait()?;
            }
            sleep(INTERVAL);
        };
        self.ended = Some(status);
        Ok(status)
    }
}

impl Deref for Process {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // There is nobody to tell, and it goes with its parent all the same.
        let _ = self.stop();
    }
}

/// Whether a variable of the environment would change what the server does.
fn is_foreign(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    name.starts_with("COS_EMU_") || name.ends_with("_PROXY")
}

#[cfg(unix)]
fn terminate(child: &mut Child) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    // It was not waited for, so the id is still its own, also when it has ended.
    kill_process(Pid::from_child(child), Signal::TERM).map_err(io::Error::from)
}

#[cfg(not(unix))]
fn terminate(child: &mut Child) -> io::Result<()> {
    child.kill()
}

/// A folder for what a server writes while it starts: its URL, and its complaints.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, Error> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let name = format!("cos-emu-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let path = env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Folder(path)),
                // Left behind by an earlier process with the same id.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::Io { path, source }),
            }
        }
    }

    fn url(&self) -> PathBuf {
        self.0.join("url")
    }

    fn create_log(&self) -> Result<File, Error> {
        let path = self.0.join("log");
        File::create(&path).map_err(|source| Error::Io { path, source })
    }

    fn log(&self) -> String {
        let log = fs::read(self.0.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A server that runs goes on writing to its log, which nobody reads then.
        let _ = fs::remove_dir_all(&self.0);
    }
}
