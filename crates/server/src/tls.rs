//! The endpoint's own certificate: read from PEM files, and read again when they change.
//!
//! Invariants: connections that are open keep what they were opened with; files that do not fit together never replace ones that did.
//! A certificate that has expired is still served, loudly: whoever renews it must not have to start anything again.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::RwLock;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio_rustls::TlsAcceptor;
use x509_cert::der::Decode as _;

/// From when on it is told that a certificate ends soon, in ms.
pub const SOON_MS: u64 = 30 * 86_400_000;
/// A chain or a key is a few kilobytes; more is something else.
const MAX_FILE: u64 = 1 << 20;

/// Where the certificate and its key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM: the certificate, then those between it and its authority.
    pub cert: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
}

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file holds no certificate in PEM.
    #[error("{0} holds no certificate in PEM")]
    NoCertificate(PathBuf),
    /// The file holds no private key in PEM.
    #[error("{0} holds no private key in PEM")]
    NoKey(PathBuf),
    /// The key is not the certificate's, or the certificate is of a kind that is not spoken.
    #[error("the certificate and the key do not fit: {0}")]
    Misfit(String),
}

/// From when to when a certificate holds, Unix ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// From.
    pub from_ms: u64,
    /// To.
    pub to_ms: u64,
}

/// What is to be said of a certificate's dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// It holds, and will for a while.
    Fine,
    /// It ends within 30 days: in so many.
    EndsIn(u64),
    /// It has expired, or is not valid yet.
    NotNow,
}

impl Validity {
    /// What is to be said of it at that moment.
    pub fn at(&self, now_ms: u64) -> Dates {
        if now_ms < self.from_ms || now_ms >= self.to_ms {
            Dates::NotNow
        } else if self.to_ms - now_ms < SOON_MS {
            Dates::EndsIn((self.to_ms - now_ms) / 86_400_000)
        } else {
            Dates::Fine
        }
    }
}

/// A certificate that was read.
pub struct Loaded {
    /// What to serve with.
    pub config: Arc<ServerConfig>,
    /// From when to when it holds.
    pub validity: Validity,
    /// The very bytes of both files.
    bytes: [Vec<u8>; 2],
}

/// Reads the files.
///
/// # Errors
/// When they cannot be read or do not fit together.
pub fn load(files: &TlsFiles) -> Result<Loaded, TlsError> {
    let (cert, key) = (read(&files.cert)?, read(&files.key)?);
    let no_certificate = || TlsError::NoCertificate(files.cert.clone());
    let chain = CertificateDer::pem_slice_iter(&cert)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| no_certificate())?;
    let first = chain.first().ok_or_else(no_certificate)?;
    let validity = validity(first).ok_or_else(no_certificate)?;
    let key_der =
        PrivateKeyDer::from_pem_slice(&key).map_err(|_| TlsError::NoKey(files.key.clone()))?;
    let misfit = |error: rustls::Error| TlsError::Misfit(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(misfit)?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map_err(misfit)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Loaded {
        config: Arc::new(config),
        validity,
        bytes: [cert, key],
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::Read {
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).map_err(failed)?.len() > MAX_FILE {
        return Err(failed(std::io::Error::other("too large")));
    }
    fs::read(path).map_err(failed)
}

fn validity(certificate: &CertificateDer<'_>) -> Option<Validity> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let validity = certificate.tbs_certificate.validity;
    let ms = |time: x509_cert::time::Time| time.to_unix_duration().as_millis() as u64;
    Some(Validity {
        from_ms: ms(validity.not_before),
        to_ms: ms(validity.not_after),
    })
}

/// The certificate that new connections get.
pub(crate) struct Certificates {
    files: TlsFiles,
    now: RwLock<Served>,
}

struct Served {
    loaded: Loaded,
    /// The last files that did not fit, so that each is told of once.
    refused: Option<String>,
}

impl Certificates {
    pub(crate) fn open(files: TlsFiles, now_ms: u64) -> Result<Self, TlsError> {
        let loaded = load(&files)?;
        tell(loaded.validity, now_ms);
        let now = RwLock::new(Served {
            loaded,
            refused: None,
        });
        Ok(Self { files, now })
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.now.read().loaded.config))
    }

    pub(crate) fn validity(&self) -> Validity {
        self.now.read().loaded.validity
    }

    /// Looks at the files again. Blocks.
    pub(crate) fn look(&self, now_ms: u64) {
        let loaded = load(&self.files);
        let mut now = self.now.write();
        match loaded {
            Ok(loaded) => {
                now.refused = None;
                if now.loaded.bytes != loaded.bytes {
                    tracing::info!("the certificate was replaced");
                    tell(loaded.validity, now_ms);
                    now.loaded = loaded;
                }
            }
            // One file may be replaced a moment before the other.
            Err(error) => {
                let error = error.to_string();
                if now.refused.as_ref() != Some(&error) {
                    tracing::error!(%error, "the new certificate is not taken; the old one goes on");
                    now.refused = Some(error);
                }
            }
        }
    }
}

/// Says in the log what is to be said of the dates.
pub(crate) fn tell(validity: Validity, now_ms: u64) {
    match validity.at(now_ms) {
        Dates::Fine => {}
        Dates::EndsIn(days) => tracing::warn!(days, "the certificate ends soon; renew it"),
        Dates::NotNow => {
            tracing::error!("the certificate has expired or is not valid yet: devices refuse it")
        }
    }
}
