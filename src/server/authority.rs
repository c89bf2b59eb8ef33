//! The certificates of TLS: a CA of our own, and what it signs on demand.
//!
//! The CA lives in memory and is made when it is first needed, or it is kept in a folder so that clients can trust it for
//! longer than one run. Nothing is computed at start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use std::{fs, io};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::NoServerSessionStorage;

use crate::clock::{Clock, Timestamp};

/// The file of the certificate of a CA that is kept, and of its key.
const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca-key.pem";
/// How long certificates are valid; browsers take no more from a leaf.
const LEAF_LIFE: Duration = Duration::from_secs(397 * DAY_SECONDS);
const CA_LIFE: Duration = Duration::from_secs(10 * 365 * DAY_SECONDS);
const DAY_SECONDS: u64 = 24 * 60 * 60;
/// The most names that leaves are remembered for.
const MAX_LEAVES: usize = 1024;

/// What a leaf is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Leaf {
    /// As it should be.
    Good,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It names another host.
    WrongHost,
    /// It is not signed by the CA.
    SelfSigned,
}

/// Why there is no CA.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The key in the folder is none, or signing failed.
    #[error("the CA cannot sign: {0}")]
    Key(#[from] rcgen::Error),
}

/// The CA and its leaves.
#[derive(Default)]
pub(super) struct Authority {
    folder: Option<PathBuf>,
    known_as: Vec<String>,
    made: OnceLock<Made>,
    leaves: Mutex<HashMap<(String, Leaf), Arc<ServerConfig>>>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("folder", &self.folder).finish_non_exhaustive()
    }
}

struct Made {
    pem: String,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    /// One key serves all leaves: what is tested are the clients.
    leaf_key: KeyPair,
}

impl Authority {
    /// One whose CA is kept in that folder, or in memory, for a server that its users know by these names and addresses too.
    ///
    /// # Errors
    /// When the folder has a CA that cannot be used, or cannot be written.
    pub(super) fn new(folder: Option<PathBuf>, known_as: &[String]) -> Result<Self, AuthorityError> {
        let made = OnceLock::new();
        if let Some(folder) = &folder {
            // What is wrong with the folder is said at start, not to the first client.
            let _ = made.set(kept(folder)?);
        }
        // A name beyond ASCII cannot stand in a certificate.
        let known_as = known_as.iter().filter(|name| name.is_ascii()).cloned().collect();
        Ok(Authority { folder, known_as, made, leaves: Mutex::default() })
    }

    /// What the server is known by beside its addresses.
    pub(super) fn known_as(&self) -> &[String] {
        &self.known_as
    }

    /// The certificate of the CA, in PEM.
    pub(super) fn pem(&self) -> &str {
        &self.made().pem
    }

    fn made(&self) -> &Made {
        self.made.get_or_init(|| fresh().expect("a key of P-256 signs a certificate"))
    }

    /// What TLS needs to show a certificate for these names; the first one tells it from the others.
    pub(super) fn config(&self, names: Vec<String>, leaf: Leaf) -> Arc<ServerConfig> {
        let known = (names.first().cloned().unwrap_or_default(), leaf);
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = leaves.get(&known) {
            return config.clone();
        }
        let config = Arc::new(self.made().config(names, leaf));
        if leaves.len() >= MAX_LEAVES {
            leaves.clear();
        }
        leaves.insert(known, config.clone());
        config
    }
}

impl Made {
    fn config(&self, names: Vec<String>, leaf: Leaf) -> ServerConfig {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der()));
        let chain = self.chain(names, leaf).expect("the names were checked, and the key signs");
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider speaks them")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("the key is that of the certificate");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Each connection shows its certificate: a fault is met by whoever connects.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config
    }

    fn chain(&self, names: Vec<String>, leaf: Leaf) -> Result<Vec<CertificateDer<'static>>, rcgen::Error> {
        let names = if leaf == Leaf::WrongHost { vec!["wrong.host.invalid".to_owned()] } else { names };
        let now = Clock::Real.now();
        let (from, until) = match leaf {
            Leaf::Expired => (days_before(now, 30), days_before(now, 1)),
            Leaf::NotYetValid => (days_after(now, 1), days_after(now, 30)),
            Leaf::Good | Leaf::WrongHost | Leaf::SelfSigned => (days_before(now, 1), now.plus(LEAF_LIFE)),
        };
        let mut params = named("cos-emu", names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        limit(&mut params, from, until);
        if leaf == Leaf::SelfSigned {
            return Ok(vec![params.self_signed(&self.leaf_key)?.der().clone()]);
        }
        let signed = params.signed_by(&self.leaf_key, &self.issuer)?;
        Ok(vec![signed.der().clone(), self.certificate.clone()])
    }
}

fn named(name: &str, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn ca_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = named("cos-emu CA", Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let now = Clock::Real.now();
    limit(&mut params, days_before(now, 1), now.plus(CA_LIFE));
    Ok(params)
}

fn fresh() -> Result<Made, rcgen::Error> {
    let ca = CertifiedIssuer::self_signed(ca_params()?, KeyPair::generate()?)?;
    let (pem, certificate) = (ca.pem(), ca.der().clone());
    let issuer = Issuer::new(ca_params()?, KeyPair::from_pem(&ca.key().serialize_pem())?);
    Ok(Made { pem, certificate, issuer, leaf_key: KeyPair::generate()? })
}

/// The certificate of the CA of a folder, in PEM. It is made when it is not there.
///
/// # Errors
/// When the folder cannot be read or written, or has a CA that cannot be used.
pub fn ca_in(folder: &Path) -> Result<String, AuthorityError> {
    kept(folder).map(|made| made.pem)
}

/// The CA of a folder, which is made when it is not there.
fn kept(folder: &Path) -> Result<Made, AuthorityError> {
    let file = |path: PathBuf| move |source| AuthorityError::File { path, source };
    let (certificate, key) = (folder.join(CERTIFICATE_FILE), folder.join(KEY_FILE));
    if !key.exists() {
        let made = fresh()?;
        fs::create_dir_all(folder).map_err(file(folder.to_owned()))?;
        write_secret(&key, &made.issuer.key().serialize_pem()).map_err(file(key))?;
        fs::write(&certificate, &made.pem).map_err(file(certificate))?;
        return Ok(made);
    }
    let key_pem = fs::read_to_string(&key).map_err(file(key))?;
    let pem = fs::read_to_string(&certificate).map_err(file(certificate.clone()))?;
    let read = CertificateDer::from_pem_slice(pem.as_bytes());
    let read = read.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
    let der = read.map_err(file(certificate))?;
    let issuer = Issuer::new(ca_params()?, KeyPair::from_pem(&key_pem)?);
    Ok(Made { pem, certificate: der, issuer, leaf_key: KeyPair::generate()? })
}

/// Writes a file that only its owner can read.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

fn days_before(time: Timestamp, days: u64) -> Timestamp {
    Timestamp::from_unix_seconds(time.unix_seconds() - (days * DAY_SECONDS) as i64)
}

fn days_after(time: Timestamp, days: u64) -> Timestamp {
    time.plus(Duration::from_secs(days * DAY_SECONDS))
}

/// Says from when and until when a certificate is valid, in whole days.
fn limit(params: &mut CertificateParams, from: Timestamp, until: Timestamp) {
    let date = |time: Timestamp| {
        let text = time.iso_seconds();
        let mut numbers = text.split(['-', 'T']).map(|number| number.parse::<u16>().unwrap_or(1));
        let mut next = || numbers.next().unwrap_or(1);
        let (year, month, day) = (next(), next(), next());
        rcgen::date_time_ymd(year.into(), month as u8, day as u8)
    };
    (params.not_before, params.not_after) = (date(from), date(until));
}
