//! Private keys of the kinds that Sprig makes and reads, and their PEM forms.

use ed25519_dalek::Signer;
use num_bigint::BigUint;

use crate::der::{self, Reader};
use crate::{Random, dsa, pem, rsa};

const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const OID_RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const OID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const OID_ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The context tags `[0]` and `[1]`, with a value inside.
const CONTEXT_0: u8 = 0xa0;
const CONTEXT_1: u8 = 0xa1;

/// A private key.
#[derive(Clone)]
pub struct PrivateKey(Kind);

#[derive(Clone)]
enum Kind {
    Rsa(rsa::Key),
    /// Only NIST's curve P-256.
    Ec(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
    Dsa(dsa::Key),
}

/// Why a text is no private key, or why a key can not do what is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("no PEM data in input")]
    NoPem,
    #[error("no private key data in PEM block of type {0}")]
    NotPrivate(String),
    #[error("invalid private key type {0}")]
    UnknownType(String),
    #[error("parsing RSA private key from PEM: x509: failed to parse private key")]
    Rsa,
    #[error("parsing EC private key from PEM: x509: failed to parse EC private key")]
    Ec,
    #[error("parsing DSA private key from PEM: x509: failed to parse private key")]
    Dsa,
    #[error("decoding PEM as PKCS#8: x509: failed to parse private key")]
    Pkcs8,
    #[error("x509: certificate private key does not implement crypto.Signer")]
    CanNotSign,
}

impl PrivateKey {
    /// Makes an RSA key of 2,048 bits.
    pub fn rsa_2048(random: &mut Random<'_>) -> Self {
        Self(Kind::Rsa(rsa::Key::generate_2048(random)))
    }

    /// Makes an RSA key of 4,096 bits.
    pub fn rsa_4096(random: &mut Random<'_>) -> Self {
        Self(Kind::Rsa(rsa::Key::generate_4096(random)))
    }

    /// Makes a key on the curve P-256.
    pub fn p256(random: &mut Random<'_>) -> Self {
        let mut scalar = [0; 32];
        random(&mut scalar);
        loop {
            // Refused once in 2³² times, when it is zero or not below the order of the curve.
            match p256::ecdsa::SigningKey::from_slice(&scalar) {
                Ok(key) => return Self(Kind::Ec(key)),
                Err(_) => {
                    scalar[0] = scalar[0].wrapping_add(1);
                    scalar[31] |= 1;
                }
            }
        }
    }

    /// Makes an Ed25519 key.
    pub fn ed25519(random: &mut Random<'_>) -> Self {
        let mut seed = [0; 32];
        random(&mut seed);
        Self(Kind::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// Makes a DSA key with 2,048 and 256 bits.
    pub fn dsa_2048(random: &mut Random<'_>) -> Self {
        Self(Kind::Dsa(dsa::Key::generate(random)))
    }

    /// Reads the first block of a PEM text.
    ///
    /// # Errors
    /// In the words of Sprig; a curve other than P-256 counts as a key that can not be parsed.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let block = pem::decode(text).ok_or(Error::NoPem)?;
        if block.label == "PRIVATE KEY" {
            return Self::from_pkcs8(&block.der).ok_or(Error::Pkcs8);
        }
        let Some(kind) = block.label.strip_suffix(" PRIVATE KEY") else {
            return Err(Error::NotPrivate(block.label));
        };
        match kind {
            "RSA" => rsa::Key::from_pkcs1(&block.der)
                .map(|key| Self(Kind::Rsa(key)))
                .ok_or(Error::Rsa),
            "EC" => Self::from_sec1(&block.der, None).ok_or(Error::Ec),
            "DSA" => dsa::Key::from_der(&block.der)
                .map(|key| Self(Kind::Dsa(key)))
                .ok_or(Error::Dsa),
            _ => Err(Error::UnknownType(block.label)),
        }
    }

    pub fn to_pem(&self) -> String {
        match &self.0 {
            Kind::Rsa(key) => pem::encode("RSA PRIVATE KEY", &key.to_pkcs1()),
            Kind::Ec(key) => pem::encode("EC PRIVATE KEY", &to_sec1(key)),
            Kind::Ed25519(key) => pem::encode("PRIVATE KEY", &ed25519_to_pkcs8(key)),
            Kind::Dsa(key) => pem::encode("DSA PRIVATE KEY", &key.to_der()),
        }
    }

    /// The public key as certificates hold it: the algorithm and the key's bits.
    ///
    /// # Errors
    /// [`Error::CanNotSign`] for DSA, which certificates are not made for.
    pub(crate) fn public(&self) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let oid = |oid: &[u8]| der::element(der::OID, oid);
        match &self.0 {
            Kind::Rsa(key) => Ok((
                der::sequence(&[&oid(OID_RSA), &[der::NULL, 0]]),
                key.public_pkcs1(),
            )),
            Kind::Ec(key) => Ok((der::sequence(&[&oid(OID_EC), &oid(OID_P256)]), point(key))),
            Kind::Ed25519(key) => Ok((
                der::sequence(&[&oid(OID_ED25519)]),
                key.verifying_key().to_bytes().to_vec(),
            )),
            Kind::Dsa(_) => Err(Error::CanNotSign),
        }
    }

    /// The algorithm of this key's signatures.
    ///
    /// # Errors
    /// [`Error::CanNotSign`] for DSA.
    pub(crate) fn signature_algorithm(&self) -> Result<Vec<u8>, Error> {
        let oid = |oid: &[u8]| der::element(der::OID, oid);
        match &self.0 {
            Kind::Rsa(_) => Ok(der::sequence(&[&oid(OID_RSA_SHA256), &[der::NULL, 0]])),
            Kind::Ec(_) => Ok(der::sequence(&[&oid(OID_ECDSA_SHA256)])),
            Kind::Ed25519(_) => Ok(der::sequence(&[&oid(OID_ED25519)])),
            Kind::Dsa(_) => Err(Error::CanNotSign),
        }
    }

    /// # Errors
    /// [`Error::CanNotSign`] for DSA.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        match &self.0 {
            Kind::Rsa(key) => Ok(key.sign(message)),
            Kind::Ec(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                let bytes = signature.to_bytes();
                let (first, second) = bytes.split_at(32);
                Ok(der::sequence(&[&der::unsigned(first), &der::unsigned(second)]))
            }
            Kind::Ed25519(key) => Ok(key.sign(message).to_bytes().to_vec()),
            Kind::Dsa(_) => Err(Error::CanNotSign),
        }
    }

    fn from_pkcs8(bytes: &[u8]) -> Option<Self> {
        let mut fields = Reader::new(bytes).sequence()?;
        fields.integer()?;
        let mut algorithm = fields.sequence()?;
        let key = fields.expect(der::OCTET_STRING)?.content;
        match algorithm.expect(der::OID)?.content {
            OID_RSA => rsa::Key::from_pkcs1(key).map(|key| Self(Kind::Rsa(key))),
            OID_EC => Self::from_sec1(key, Some(algorithm.expect(der::OID)?.content)),
            OID_ED25519 => {
                let seed = Reader::new(key).expect(der::OCTET_STRING)?.content;
                Some(Self(Kind::Ed25519(ed25519_dalek::SigningKey::from_bytes(
                    seed.try_into().ok()?,
                ))))
            }
            _ => None,
        }
    }

    /// Reads SEC 1; PKCS#8 names the curve outside of it.
    fn from_sec1(bytes: &[u8], curve: Option<&[u8]>) -> Option<Self> {
        let mut fields = Reader::new(bytes).sequence()?;
        if fields.integer()? != BigUint::from(1u32) {
            return None;
        }
        let scalar = fields.expect(der::OCTET_STRING)?.content;
        let inner = fields
            .optional(CONTEXT_0)
            .and_then(|named| Reader::new(named.content).expect(der::OID));
        if curve.or(inner.map(|oid| oid.content))? != OID_P256 {
            return None;
        }
        p256::ecdsa::SigningKey::from_slice(scalar)
            .ok()
            .map(|key| Self(Kind::Ec(key)))
    }
}

impl std::fmt::Debug for PrivateKey {
    /// Says the kind only: a key has no place in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &self.0 {
            Kind::Rsa(_) => "PrivateKey(RSA)",
            Kind::Ec(_) => "PrivateKey(P-256)",
            Kind::Ed25519(_) => "PrivateKey(Ed25519)",
            Kind::Dsa(_) => "PrivateKey(DSA)",
        })
    }
}

/// The public point, uncompressed.
fn point(key: &p256::ecdsa::SigningKey) -> Vec<u8> {
    key.verifying_key().to_sec1_point(false).as_bytes().to_vec()
}

fn to_sec1(key: &p256::ecdsa::SigningKey) -> Vec<u8> {
    der::sequence(&[
        &der::unsigned(&[1]),
        &der::element(der::OCTET_STRING, &key.to_bytes()),
        &der::element(CONTEXT_0, &der::element(der::OID, OID_P256)),
        &der::element(CONTEXT_1, &der::bits(&point(key))),
    ])
}

fn ed25519_to_pkcs8(key: &ed25519_dalek::SigningKey) -> Vec<u8> {
    let seed = der::element(der::OCTET_STRING, &key.to_bytes());
    der::sequence(&[
        &der::unsigned(&[]),
        &der::sequence(&[&der::element(der::OID, OID_ED25519)]),
        &der::element(der::OCTET_STRING, &seed),
    ])
}
