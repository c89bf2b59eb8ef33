//! The server in a container.

use std::borrow::Cow;
use std::env;
use std::ops::Deref;
use std::thread::sleep;
use std::time::{Duration, Instant};

use testcontainers::core::wait::HttpWaitStrategy;
use testcontainers::core::{ContainerPort, WaitFor};
use testcontainers::runners::SyncRunner as _;
use testcontainers::{ContainerRequest, Image, ImageExt as _, TestcontainersError};

use crate::client::INTERVAL;
use crate::{Client, Error, Options};

/// The port of the server in its container.
pub const PORT: ContainerPort = ContainerPort::Tcp(3077);

/// What a start may take, when the request does not say.
const START: Duration = Duration::from_secs(60);

/// The image of cos-emu, with options: that of `COS_EMU_IMAGE`, else `cos-emu:latest`.
///
/// [`Container::start`] takes it, and what [`ImageExt`](testcontainers::ImageExt) makes of it, such as
/// `CosEmu::new(options).with_network("tests")`. It also works with the runners of `testcontainers` alone; the asynchronous
/// one needs no more than a [`Client::new`] for the published [`PORT`].
#[derive(Debug, Clone)]
pub struct CosEmu {
    name: String,
    tag: String,
    options: Options,
}

impl CosEmu {
    /// The image, started with these options.
    pub fn new(options: Options) -> Self {
        let image = env::var("COS_EMU_IMAGE").unwrap_or_else(|_| "cos-emu".to_owned());
        CosEmu { name: String::new(), tag: String::new(), options }.with_image(&image)
    }

    /// Another image, such as `registry.example/cos-emu:0.1.0`. Without a tag it is `latest`.
    pub fn with_image(self, image: &str) -> Self {
        let (name, tag) = match image.rsplit_once(':') {
            // A colon before a slash is that of a port.
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (image, "latest"),
        };
        CosEmu { name: name.to_owned(), tag: tag.to_owned(), ..self }
    }
}

impl Default for CosEmu {
    fn default() -> Self {
        CosEmu::new(Options::new())
    }
}

impl From<Options> for ContainerRequest<CosEmu> {
    fn from(options: Options) -> Self {
        CosEmu::new(options).into()
    }
}

impl Image for CosEmu {
    fn name(&self) -> &str {
        &self.name
    }

    fn tag(&self) -> &str {
        &self.tag
    }

    fn ready_conditions(&self) -> Vec<WaitFor> {
        let ready =
            HttpWaitStrategy::new("/_cos-emu/readyz").with_port(PORT).with_expected_status_code(200_u16);
        // A client that cannot be built would fail in the same way inside of the wait.
        let direct = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
        vec![WaitFor::http(ready.with_client(direct))]
    }

    fn env_vars(&self) -> impl IntoIterator<Item = (impl Into<Cow<'_, str>>, impl Into<Cow<'_, str>>)> {
        self.options.variables().iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn expose_ports(&self) -> &[ContainerPort] {
        &[PORT]
    }
}

/// A server in a container. It is a [`Client`] of itself, at the port that the engine publishes.
///
/// Through that port, at the loopback address, a reset (RST) of the server arrives as an end (FIN), which most clients treat alike;
/// at the [address of the container](Container::container_endpoint) it stays a reset. The journal and the verdict are the same.
///
/// The container is removed when this is dropped. `testcontainers` for Rust has no Ryuk: a process that is killed leaves its
/// containers behind, unless the feature `watchdog` of that crate is on.
#[derive(Debug)]
pub struct Container {
    container: testcontainers::Container<CosEmu>,
    client: Client,
}

impl Container {
    /// Starts a container from [`Options`], from [`CosEmu`], or from a request made of it, and waits until `readyz` answers with
    /// 200.
    ///
    /// # Errors
    /// [`Error::Container`] when the engine or the image is not there, [`Error::Ended`] with what the server printed when it does not
    /// like its options.
    pub fn start(request: impl Into<ContainerRequest<CosEmu>>) -> Result<Self, Error> {
        let mut request = request.into();
        let timeout = request.startup_timeout().unwrap_or(START);
        if request.network().is_none() {
            // Older engines call it `default` when it is not named, but do not find it by that name when its address is asked for.
            request = request.with_network("bridge");
        }
        // It is waited for here, where the end of a server with wrong options is seen too.
        let container = request.with_ready_conditions(Vec::new()).start()?;
        let started = Instant::now();
        loop {
            if !container.is_running()? {
                let printed = String::from_utf8_lossy(&container.stderr_to_vec()?).into_owned();
                return Err(Error::Ended { what: format!("container {}", container.id()), printed });
            }
            if let Some(client) = connect(&container)?.filter(Client::is_ready) {
                return Ok(Container { container, client });
            }
            if started.elapsed() >= timeout {
                let what = format!("container {}", container.id());
                return Err(Error::NotReady { what, waited: timeout });
            }
            sleep(INTERVAL);
        }
    }

    /// The connection to it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The URL of the container's own address, at which a reset is a reset. Only an engine on Linux lets its host reach it.
    ///
    /// # Errors
    /// When the container has no address, such as in the network of the host.
    pub fn container_endpoint(&self) -> Result<String, Error> {
        let address = self.container.get_bridge_ip_address()?;
        Ok(format!("http://{address}:{}", PORT.as_u16()))
    }

    /// The container as `testcontainers` knows it: its id, its logs.
    pub fn container(&self) -> &testcontainers::Container<CosEmu> {
        &self.container
    }

    /// Ends the server and removes the container, as dropping it does, but says what goes wrong.
    ///
    /// # Errors
    /// When the engine does not remove it.
    pub fn stop(self) -> Result<(), Error> {
        Ok(self.container.rm()?)
    }
}

impl Deref for Container {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A client for the published port; none where there is no such port, which one that has ended does not have.
fn connect(container: &testcontainers::Container<CosEmu>) -> Result<Option<Client>, Error> {
    let port = match container.get_host_port_ipv4(PORT) {
        Ok(port) => port,
        Err(TestcontainersError::PortNotExposed { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // By its name the loopback address may be that of IPv6, where the port is another one.
    let host = match container.get_host()?.to_string() {
        host if host == "localhost" => "127.0.0.1".to_owned(),
        host => host,
    };
    let client = Client::new(format!("http://{host}:{port}"));
    Ok(Some(match container.image().options.control_token() {
        Some(token) => client.with_token(token),
        None => client,
    }))
}
