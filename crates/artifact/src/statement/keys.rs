//! Ed25519 keys as files that openssl makes and reads, and the keys that are trusted.
//!
//! Signing and checking is `ring`'s. A key has the id that is the SHA-256 sum of its public part (SPKI), which
//! `openssl pkey -pubin -outform DER | sha256sum` prints. It tells people which key it was; nothing is believed for it.

use std::fmt;

use model::Digest;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::{Envelope, Statement};
use crate::error::Error;

/// What stands before the 32 bytes of a private key in PKCS#8 (RFC 8410), version 1, which every openssl reads.
const PRIVATE: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// What stands before the 32 bytes of a public key (RFC 8410).
const PUBLIC: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

const PRIVATE_LABEL: &str = "PRIVATE KEY";
const PUBLIC_LABEL: &str = "PUBLIC KEY";

/// What statements are signed with.
pub struct SigningKey(Ed25519KeyPair);

/// What a signature is checked with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// The keys that are trusted. With none, nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted {
    keys: Vec<PublicKey>,
}

impl SigningKey {
    /// Makes a key from 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a key"))
    }

    /// The file for 32 random bytes: PKCS#8 as PEM.
    pub fn seed_to_pem(seed: &[u8; 32]) -> String {
        pki::pem::encode(PRIVATE_LABEL, &[PRIVATE.as_slice(), seed].concat())
    }

    /// Reads the file of a private key: PKCS#8 as PEM, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// Anything else. Nothing of the key is in the error.
    pub fn from_pem(what: &str, pem: &str) -> Result<Self, Error> {
        let der = block(what, pem, PRIVATE_LABEL)?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der)
            .map(Self)
            .map_err(|_| refuse(what, "is no Ed25519 key"))
    }

    pub fn public(&self) -> PublicKey {
        let bytes = self.0.public_key().as_ref().try_into();
        PublicKey(bytes.expect("a public key has 32 bytes"))
    }

    /// A secret that follows from the key and a purpose: whoever has the key has it, and nobody else.
    pub fn secret(&self, purpose: &str) -> Digest {
        // An Ed25519 signature is the same each time. What statements are signed as begins otherwise (DSSE), so this one is
        // never published.
        let text = format!("shipway secret for {purpose}");
        Digest::of(self.0.sign(text.as_bytes()).as_ref())
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).as_ref().to_vec()
    }
}

impl PublicKey {
    /// Reads the file of a public key: SPKI as PEM.
    ///
    /// # Errors
    /// Anything else.
    pub fn from_pem(what: &str, pem: &str) -> Result<Self, Error> {
        let der = block(what, pem, PUBLIC_LABEL)?;
        let bytes = der
            .strip_prefix(PUBLIC.as_slice())
            .and_then(|key| key.try_into().ok());
        bytes.map(Self).ok_or_else(|| refuse(what, "is no Ed25519 key"))
    }

    pub fn to_pem(&self) -> String {
        pki::pem::encode(PUBLIC_LABEL, &self.der())
    }

    /// The SHA-256 sum of the key's file, which names it.
    pub fn id(&self) -> String {
        Digest::of(&self.der()).hex()
    }

    fn der(&self) -> Vec<u8> {
        [PUBLIC.as_slice(), &self.0].concat()
    }

    fn signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(bytes, signature)
            .is_ok()
    }
}

impl Trusted {
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self {
            keys: keys.into_iter().collect(),
        }
    }

    /// Reads a statement that one of the keys signed.
    ///
    /// # Errors
    /// No signature, none of a key that is trusted, or a content that is no statement.
    pub fn read(&self, envelope: &Envelope) -> Result<Statement, Error> {
        let signed = envelope.signed();
        let is_good = |key: &PublicKey| {
            let mut signatures = envelope.signatures.iter();
            signatures.any(|signature| key.signed(&signed, &signature.bytes))
        };
        if self.keys.iter().any(is_good) {
            return envelope.unchecked();
        }
        let what = envelope.unchecked().map_or_else(
            |_| "the statement".to_owned(),
            |said| format!("the statement of {}", said.name()),
        );
        let problem = self.problem(envelope);
        Err(Error::Untrusted { what, problem })
    }

    fn problem(&self, envelope: &Envelope) -> String {
        if envelope.signatures.is_empty() {
            return "is not signed".into();
        }
        if self.keys.is_empty() {
            return "is signed, but no key is trusted here".into();
        }
        let claimed =
            |signature: &&super::envelope::Signature| self.keys.iter().any(|key| key.id() == signature.key);
        if let Some(signature) = envelope.signatures.iter().find(claimed) {
            return format!(
                "has a signature that is not of the key {} it names: it was changed after it was signed",
                signature.key
            );
        }
        let ids: Vec<&str> = envelope
            .signatures
            .iter()
            .map(|signature| signature.key.as_str())
            .collect();
        let trusted: Vec<String> = self.keys.iter().map(PublicKey::id).collect();
        format!(
            "is signed by {}, which is not trusted; trusted are {}",
            ids.join(", "),
            trusted.join(", ")
        )
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().id())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

fn block(what: &str, pem: &str, label: &str) -> Result<Vec<u8>, Error> {
    let block = pki::pem::decode(pem).ok_or_else(|| refuse(what, "is no PEM file"))?;
    if block.label != label {
        return Err(refuse(
            what,
            format!("is a file with a {:?}, not with a {label:?}", block.label),
        ));
    }
    Ok(block.der)
}

fn refuse(what: &str, problem: impl Into<String>) -> Error {
    Error::Key {
        what: what.to_owned(),
        problem: problem.into(),
    }
}
