//! TLS: the server's certificate, made at each start, and the certificates that clients may show.
//!
//! A client's certificate is taken at the handshake if its key fits, and judged afterwards: a wrong one is then
//! answered with 401, as the real server does, and not with a broken connection.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, SanType};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme};
use tokio_rustls::TlsAcceptor;

use super::Error;
use super::keys::Authority;
use crate::auth::{UserInfo, certificate};

/// Names that in-cluster clients use for the API server.
const NAMES: &[&str] = &[
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// Accepts connections, and tells whom their certificates name.
#[derive(Clone)]
pub(super) struct Tls {
    pub acceptor: TlsAcceptor,
    verifier: Arc<dyn ClientCertVerifier>,
}

/// What a client showed at the handshake.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    Nothing,
    /// A certificate of somebody else, or one whose time is over.
    Wrong,
    User(UserInfo),
}

impl Tls {
    /// Makes the server's certificate for an address.
    pub(super) fn new(address: IpAddr, server: &Authority, client: &Authority) -> Result<Self, Error> {
        let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
        let mut certificate = CertificateParams::new(names)?;
        certificate
            .distinguished_name
            .push(DnType::CommonName, "kube-apiserver");
        for ip in [
            IpAddr::from([127, 0, 0, 1]),
            IpAddr::from([10, 96, 0, 1]),
            address,
        ] {
            if !ip.is_unspecified() {
                certificate.subject_alt_names.push(SanType::IpAddress(ip));
            }
        }
        let (signed, key) = server.sign(certificate, ExtendedKeyUsagePurpose::ServerAuth)?;
        // Named explicitly: a process may have no default provider, or another one.
        let provider = Arc::new(ring::default_provider());
        let verifier = verifier(client, &provider)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::new(Later(Arc::clone(&verifier))))
            .with_single_cert(
                vec![signed.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            verifier,
        })
    }

    /// Judges the certificates of a connection.
    pub(super) fn judge(&self, shown: Option<&[CertificateDer<'_>]>) -> Shown {
        let Some([own, others @ ..]) = shown else {
            return Shown::Nothing;
        };
        let verified = self.verifier.verify_client_cert(own, others, UnixTime::now());
        let user = verified.ok().and_then(|_| certificate::user(own));
        user.map_or(Shown::Wrong, Shown::User)
    }
}

fn verifier(
    authority: &Authority,
    provider: &Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.certificate.as_bytes());
    roots.add(root.map_err(|_| rcgen::Error::CouldNotParseCertificate)?)?;
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let verifier = builder.allow_unauthenticated().build();
    verifier.map_err(|error| Error::Tls(rustls::Error::General(error.to_string())))
}

/// Checks at the handshake only that the client has the key of its certificate.
#[derive(Debug)]
struct Later(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Later {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
