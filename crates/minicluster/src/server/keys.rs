//! The keys of one cluster: two authorities, the key for ServiceAccounts' tokens, the administrator's token.
//!
//! ```text
//! DIR/keys/authority.pem         signs the server's certificate       (certificate and key)
//! DIR/keys/client-authority.pem  signs certificates that name a user  (certificate and key)
//! DIR/keys/service-account.pem   signs tokens
//! DIR/keys/token                 the administrator's, when none is given
//! ```
//!
//! A durable cluster keeps them, so that kubeconfigs, certificates and tokens outlive a restart; only the owner may
//! read the files. A cluster in memory makes new ones at each start and writes nothing.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SignatureAlgorithm,
};

use super::Error;
use crate::auth::service_account::Signer;
use crate::auth::signing_request::{Key, SigningRequest};
use crate::registry::random_hex;

/// Signs certificates.
pub(super) struct Authority {
    /// The own certificate, as PEM.
    pub certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// All of them.
pub(super) struct Keys {
    pub server: Authority,
    pub client: Authority,
    pub signer: Signer,
    pub token: String,
}

/// Whom a certificate names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub user: &'a str,
    pub groups: &'a [&'a str],
}

/// The public key that a request shows.
struct Shown<'a>(&'a SigningRequest);

impl PublicKeyData for Shown<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.0.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.0.key {
            Key::Rsa => &rcgen::PKCS_RSA_SHA256,
            Key::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Key::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Key::Ed25519 => &rcgen::PKCS_ED25519,
        }
    }
}

/// Where keys are kept, if they are.
struct Keeper(Option<PathBuf>);

impl std::fmt::Debug for Authority {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Authority")
    }
}

impl Keys {
    /// Reads the keys of a durable cluster, and makes those that aren't there.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, Error> {
        let keeper = Keeper(folder.map(|folder| folder.join("keys")));
        let server = keeper.keep("authority.pem", || made("shipway-ca"))?;
        let client = keeper.keep("client-authority.pem", || made("shipway-client-ca"))?;
        let account = keeper.keep("service-account.pem", || Ok(KeyPair::generate()?.serialize_pem()))?;
        Ok(Self {
            server: Authority::read("shipway-ca", &server)?,
            client: Authority::read("shipway-client-ca", &client)?,
            signer: Signer::from_pkcs8(KeyPair::from_pem(&account)?.serialized_der())?,
            token: keeper.keep("token", || Ok(random_hex()))?,
        })
    }
}

impl Authority {
    fn read(name: &str, pem: &str) -> Result<Self, Error> {
        let key = KeyPair::from_pem(part(pem, "PRIVATE KEY"))?;
        Ok(Self {
            certificate: part(pem, "CERTIFICATE").to_owned(),
            issuer: Issuer::new(parameters(name), key),
        })
    }

    /// Signs the certificate of a server or a client.
    pub(super) fn sign(
        &self,
        mut certificate: CertificateParams,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<(rcgen::Certificate, KeyPair), Error> {
        let key = KeyPair::generate()?;
        certificate.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        certificate.extended_key_usages = vec![purpose];
        Ok((certificate.signed_by(&key, &self.issuer)?, key))
    }

    /// A certificate for whoever holds the key of a verified request, as PEM, good until a time in Unix seconds.
    pub(super) fn client_of(&self, request: &SigningRequest, until: u64) -> Result<String, Error> {
        let mut certificate = CertificateParams::default();
        certificate.not_after = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(until);
        certificate.distinguished_name = rcgen::DistinguishedName::new();
        for group in &request.groups {
            let name = &mut certificate.distinguished_name;
            name.push(DnType::OrganizationName, group.as_str());
        }
        let name = &mut certificate.distinguished_name;
        name.push(DnType::CommonName, request.user.as_str());
        certificate.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(certificate.signed_by(&Shown(request), &self.issuer)?.pem())
    }

    /// A certificate for a client and its key, as PEM. It ends with the date given, year, month and day.
    pub(super) fn client(
        &self,
        subject: Subject<'_>,
        (year, month, day): (i32, u8, u8),
    ) -> Result<(String, String), Error> {
        let mut certificate = CertificateParams::default();
        certificate.not_after = rcgen::date_time_ymd(year, month, day);
        for group in subject.groups {
            certificate
                .distinguished_name
                .push(DnType::OrganizationName, *group);
        }
        certificate
            .distinguished_name
            .push(DnType::CommonName, subject.user);
        let (signed, key) = self.sign(certificate, ExtendedKeyUsagePurpose::ClientAuth)?;
        Ok((signed.pem(), key.serialize_pem()))
    }
}

fn parameters(name: &str) -> CertificateParams {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name = rcgen::DistinguishedName::new();
    authority.distinguished_name.push(DnType::CommonName, name);
    authority
}

fn made(name: &str) -> Result<String, Error> {
    let key = KeyPair::generate()?;
    let certificate = parameters(name).self_signed(&key)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

/// The block of a PEM file with this title; nothing if it isn't there, which no reader of keys takes.
fn part<'a>(pem: &'a str, title: &str) -> &'a str {
    let (begin, end) = (
        format!("-----BEGIN {title}-----"),
        format!("-----END {title}-----"),
    );
    let from = pem.find(&begin).unwrap_or(0);
    let block = pem.get(from..).unwrap_or_default();
    let to = block.find(&end).map_or(0, |at| at + end.len());
    block.get(..to).unwrap_or_default()
}

impl Keeper {
    fn keep(&self, name: &str, make: impl FnOnce() -> Result<String, Error>) -> Result<String, Error> {
        let Some(folder) = &self.0 else {
            return make();
        };
        let path = folder.join(name);
        let failure = |source| Error::Keys {
            path: path.clone(),
            source,
        };
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = make()?;
                write(folder, &path, &text).map_err(failure)?;
                Ok(text)
            }
            Err(error) => Err(failure(error)),
        }
    }
}

/// Writes a file that only its owner may read, whole or not at all.
fn write(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let new = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_keys_are_found_again_and_others_are_new() {
        let folder = tempfile::tempdir().unwrap();
        let open = |folder| Keys::open(folder).unwrap();
        let (first, again) = (open(Some(folder.path())), open(Some(folder.path())));
        assert_eq!(first.server.certificate, again.server.certificate);
        assert_eq!(first.client.certificate, again.client.certificate);
        assert_eq!(first.signer.key_set(), again.signer.key_set());
        assert_eq!(first.token, again.token);
        let other = open(None);
        assert_ne!(first.signer.key_set(), other.signer.key_set());
        assert_ne!(first.server.certificate, other.server.certificate);
    }

    #[test]
    fn a_damaged_key_is_an_error_and_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        Keys::open(Some(folder.path())).unwrap();
        let path = folder.path().join("keys/authority.pem");
        fs::write(&path, "nothing").unwrap();
        assert!(Keys::open(Some(folder.path())).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "nothing");
    }
}
