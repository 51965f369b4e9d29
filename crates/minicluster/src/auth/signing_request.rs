//! A request for a certificate (PKCS #10): whom it names, which key it shows, and that it holds that key.
//!
//! ```text
//! PEM ─► DER ─► subject, public key, signature ─► verified with the key itself
//! ```
//!
//! Pure, and reads only what clients of a cluster send: RSA, the two common curves, and Ed25519. What the request wishes
//! for besides its names (other names, purposes) is not read: a client's certificate has none of it.

use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use rustls::pki_types::CertificateSigningRequestDer;
use rustls::pki_types::pem::PemObject as _;

use super::certificate::{Attributes, COMMON_NAME, ORGANIZATION, SEQUENCE, element, expect};

const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;
const OBJECT_ID: u8 = 0x06;

/// 1.2.840.113549.1.1.1
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1
const ELLIPTIC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10045.3.1.7
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 1.3.132.0.34
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
/// 1.3.101.112
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// The algorithms of signatures: key, object id, how it is verified.
const SIGNATURES: &[(Key, &[u8], &dyn VerificationAlgorithm)] = &[
    (
        Key::Rsa,
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b],
        &signature::RSA_PKCS1_2048_8192_SHA256,
    ),
    (
        Key::Rsa,
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c],
        &signature::RSA_PKCS1_2048_8192_SHA384,
    ),
    (
        Key::Rsa,
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d],
        &signature::RSA_PKCS1_2048_8192_SHA512,
    ),
    (
        Key::P256,
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
        &signature::ECDSA_P256_SHA256_ASN1,
    ),
    (
        Key::P256,
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
        &signature::ECDSA_P256_SHA384_ASN1,
    ),
    (
        Key::P384,
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
        &signature::ECDSA_P384_SHA256_ASN1,
    ),
    (
        Key::P384,
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
        &signature::ECDSA_P384_SHA384_ASN1,
    ),
    (Key::Ed25519, ED25519, &signature::ED25519),
];

/// The kinds of keys that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// What a request says, and has proved to hold the key of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningRequest {
    /// The common name; often nobody's.
    pub user: String,
    pub groups: Vec<String>,
    pub key: Key,
    /// The bits of the public key.
    pub bits: Vec<u8>,
}

/// Whether this is a request at all: what the real server looks at when one is created.
///
/// # Errors
/// The words of the real server.
pub fn check_form(pem: &[u8]) -> Result<(), String> {
    if pem.is_empty() {
        return Err("PEM block type must be CERTIFICATE REQUEST".to_owned());
    }
    let der = CertificateSigningRequestDer::from_pem_slice(pem);
    der.map(|_| ())
        .map_err(|_| "PEM block type must be CERTIFICATE REQUEST".to_owned())
}

/// Reads a request in PEM. `None` for what is none, or shows a key that it doesn't prove to hold.
#[must_use]
pub fn read(pem: &[u8]) -> Option<SigningRequest> {
    let der = CertificateSigningRequestDer::from_pem_slice(pem).ok()?;
    let (request, _) = expect(&der, SEQUENCE)?;
    let (info, after) = expect(request, SEQUENCE)?;
    let signed = request.get(..request.len() - after.len())?;
    let (algorithm, after) = expect(after, SEQUENCE)?;
    let (algorithm, _) = expect(algorithm, OBJECT_ID)?;
    let proof = bits(after)?;

    let (_, info) = expect(info, INTEGER)?;
    let (names, info) = expect(info, SEQUENCE)?;
    let (shown, _) = expect(info, SEQUENCE)?;
    let (kind, after) = expect(shown, SEQUENCE)?;
    let (key, bits) = (key(kind)?, bits(after)?);
    let (.., verifier) = SIGNATURES
        .iter()
        .find(|(of, id, _)| *of == key && *id == algorithm)?;
    UnparsedPublicKey::new(*verifier, bits)
        .verify(signed, proof)
        .ok()?;

    let mut found = SigningRequest {
        user: String::new(),
        groups: Vec::new(),
        key,
        bits: bits.to_vec(),
    };
    for (attribute, value) in Attributes(names) {
        match attribute {
            COMMON_NAME => found.user = value,
            ORGANIZATION => found.groups.push(value),
            _ => {}
        }
    }
    Some(found)
}

fn key(kind: &[u8]) -> Option<Key> {
    let (id, parameters) = expect(kind, OBJECT_ID)?;
    match id {
        RSA => Some(Key::Rsa),
        ED25519 => Some(Key::Ed25519),
        ELLIPTIC => match expect(parameters, OBJECT_ID)?.0 {
            P256 => Some(Key::P256),
            P384 => Some(Key::P384),
            _ => None,
        },
        _ => None,
    }
}

/// The content of a bit string of whole bytes.
fn bits(input: &[u8]) -> Option<&[u8]> {
    let (tag, content, _) = element(input)?;
    match content {
        [0, bits @ ..] if tag == BIT_STRING => Some(bits),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn request(algorithm: &'static rcgen::SignatureAlgorithm) -> (String, KeyPair) {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, "jane");
        parameters
            .distinguished_name
            .push(DnType::OrganizationName, "dev");
        (parameters.serialize_request(&key).unwrap().pem().unwrap(), key)
    }

    #[test]
    fn a_request_names_a_user_and_proves_its_key() {
        for (algorithm, kind) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, Key::P256),
            (&rcgen::PKCS_ECDSA_P384_SHA384, Key::P384),
            (&rcgen::PKCS_ED25519, Key::Ed25519),
        ] {
            let (pem, key) = request(algorithm);
            let found = read(pem.as_bytes()).unwrap();
            assert_eq!(
                (found.user.as_str(), found.groups, found.key),
                ("jane", vec!["dev".to_owned()], kind)
            );
            assert_eq!(found.bits, rcgen::PublicKeyData::der_bytes(&key));
        }
    }

    #[test]
    fn what_is_damaged_at_any_byte_is_refused_without_a_panic() {
        let (pem, _) = request(&rcgen::PKCS_ECDSA_P256_SHA256);
        let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes()).unwrap();
        for at in 0..der.len() {
            let mut damaged = der.to_vec();
            damaged[at] ^= 0x41;
            use base64::Engine as _;
            let text = base64::engine::general_purpose::STANDARD.encode(&damaged);
            let pem =
                format!("-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n");
            assert_eq!(read(pem.as_bytes()), None, "byte {at}");
        }
        assert_eq!(read(b""), None);
        assert!(check_form(b"nothing").is_err());
    }
}
