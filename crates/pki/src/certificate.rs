//! X.509 certificates as Go makes them from Sprig's template: for servers and clients, with names and addresses.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::der::{self, Reader};
use crate::key::{Error, PrivateKey};
use crate::pem;

const OID_COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const OID_SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const OID_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const OID_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const OID_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const OID_AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
const OID_EXTENDED_USAGE: &[u8] = &[0x55, 0x1d, 0x25];

/// Server and client authentication.
const EXTENDED_USAGES: [&[u8]; 2] = [
    &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01],
    &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02],
];

/// Digital signature and key encipherment; an authority also signs certificates. The first byte counts unused
/// bits.
const USAGE: [u8; 2] = [5, 0xa0];
const AUTHORITY_USAGE: [u8; 2] = [2, 0xa4];

const TRUE: [u8; 3] = [der::BOOLEAN, 1, 0xff];

/// What of a certificate is needed to print it and to sign with it.
#[derive(Clone, Debug)]
pub struct Certificate {
    der: Vec<u8>,
    /// The subject's name as encoded.
    subject: Vec<u8>,
    /// The subject's public key as encoded.
    public: Vec<u8>,
    key_id: Option<Vec<u8>>,
}

/// What a new certificate shall say.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub common_name: &'a str,
    pub ips: &'a [IpAddr],
    pub dns_names: &'a [String],
    /// In UTC, as `20060102150405Z`.
    pub not_before: &'a str,
    pub not_after: &'a str,
    pub serial: [u8; 16],
    pub is_authority: bool,
}

/// Who signs a new certificate.
#[derive(Clone, Copy, Debug)]
pub enum Issuer<'a> {
    /// The subject itself, with its own key.
    Subject,
    Authority(&'a Certificate, &'a PrivateKey),
}

/// Why a certificate can not be made or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("x509: malformed certificate")]
    Malformed,
    #[error("x509: \"{0}\" cannot be encoded as an IA5String")]
    Name(String),
    #[error("x509: provided PrivateKey doesn't match parent's PublicKey")]
    WrongKey,
    #[error(transparent)]
    Key(#[from] Error),
}

impl Certificate {
    /// Makes a certificate for a key.
    ///
    /// # Errors
    /// A name that is not ASCII, a key of DSA, an authority whose key is not the one of its certificate.
    pub fn new(
        request: &Request<'_>,
        key: &PrivateKey,
        issuer: Issuer<'_>,
    ) -> Result<Self, CertificateError> {
        let subject = name(request.common_name);
        let (issuer_name, signer) = match issuer {
            Issuer::Subject => (subject.as_slice(), key),
            Issuer::Authority(authority, signer) => (authority.subject.as_slice(), signer),
        };
        let (algorithm, key_bits) = key.public()?;
        let public = der::sequence(&[&algorithm, &der::bits(&key_bits)]);
        let key_id = request
            .is_authority
            .then(|| Sha256::digest(&key_bits)[..20].to_vec());
        let authority_id = match issuer {
            Issuer::Authority(authority, _) if issuer_name != subject => authority.key_id.as_deref(),
            _ => None,
        };
        let extensions = extensions(request, key_id.as_deref(), authority_id)?;
        let signature_algorithm = signer.signature_algorithm()?;
        let body = der::sequence(&[
            &der::element(0xa0, &der::unsigned(&[2])),
            &der::unsigned(&request.serial),
            &signature_algorithm,
            issuer_name,
            &der::sequence(&[&time(request.not_before), &time(request.not_after)]),
            &subject,
            &public,
            &der::element(0xa3, &extensions),
        ]);
        if let Issuer::Authority(authority, signer) = issuer {
            let (algorithm, key_bits) = signer.public()?;
            if der::sequence(&[&algorithm, &der::bits(&key_bits)]) != authority.public {
                return Err(CertificateError::WrongKey);
            }
        }
        let signature = der::bits(&signer.sign(&body)?);
        let der = der::sequence(&[&body, &signature_algorithm, &signature]);
        Ok(Self {
            der,
            subject,
            public,
            key_id,
        })
    }

    /// Reads a certificate's DER.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`]. What is not needed is not checked.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        parse(der).ok_or(CertificateError::Malformed)
    }

    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der)
    }
}

fn parse(bytes: &[u8]) -> Option<Certificate> {
    let mut outer = Reader::new(bytes);
    let mut parts = outer.sequence()?;
    if !outer.is_empty() {
        return None;
    }
    let mut body = parts.sequence()?;
    parts.sequence()?;
    parts.bits()?;
    body.optional(0xa0);
    body.expect(der::INTEGER)?;
    body.sequence()?;
    body.expect(der::SEQUENCE)?;
    body.sequence()?;
    let subject = body.expect(der::SEQUENCE)?.whole.to_vec();
    let public = body.expect(der::SEQUENCE)?.whole.to_vec();
    body.optional(0x81);
    body.optional(0x82);
    let key_id = match body.optional(0xa3) {
        Some(extensions) => subject_key_id(extensions.content)?,
        None => None,
    };
    Some(Certificate {
        der: bytes.to_vec(),
        subject,
        public,
        key_id,
    })
}

/// The identifier among the extensions; the outer `None` says that they are malformed.
#[expect(clippy::option_option, reason = "malformed and absent are two things")]
fn subject_key_id(extensions: &[u8]) -> Option<Option<Vec<u8>>> {
    let mut list = Reader::new(extensions).sequence()?;
    let mut found = None;
    while !list.is_empty() {
        let mut extension = list.sequence()?;
        let oid = extension.expect(der::OID)?.content;
        extension.optional(der::BOOLEAN);
        let value = extension.expect(der::OCTET_STRING)?.content;
        if oid == OID_SUBJECT_KEY_ID {
            found = Some(Reader::new(value).expect(der::OCTET_STRING)?.content.to_vec());
        }
    }
    Some(found)
}

/// A name with nothing but a common name, or with nothing at all.
fn name(common_name: &str) -> Vec<u8> {
    if common_name.is_empty() {
        return der::sequence(&[]);
    }
    let printable = |byte: u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte);
    let tag = if common_name.bytes().all(printable) {
        der::PRINTABLE_STRING
    } else {
        der::UTF8_STRING
    };
    let attribute = der::sequence(&[
        &der::element(der::OID, OID_COMMON_NAME),
        &der::element(tag, common_name.as_bytes()),
    ]);
    der::sequence(&[&der::element(der::SET, &attribute)])
}

/// A year from 1950 to 2049 has two digits, others have four.
fn time(text: &str) -> Vec<u8> {
    match text.get(..4).and_then(|year| year.parse().ok()) {
        Some(1950..=2049) => der::element(der::UTC_TIME, &text.as_bytes()[2..]),
        _ => der::element(der::GENERALIZED_TIME, text.as_bytes()),
    }
}

fn extensions(
    request: &Request<'_>,
    key_id: Option<&[u8]>,
    authority_id: Option<&[u8]>,
) -> Result<Vec<u8>, CertificateError> {
    let usage = if request.is_authority {
        AUTHORITY_USAGE
    } else {
        USAGE
    };
    let usages = EXTENDED_USAGES.map(|oid| der::element(der::OID, oid)).concat();
    let constraints: &[u8] = if request.is_authority { &TRUE } else { &[] };
    let mut list = vec![
        critical(OID_KEY_USAGE, &der::element(der::BIT_STRING, &usage)),
        extension(OID_EXTENDED_USAGE, &der::element(der::SEQUENCE, &usages)),
        critical(OID_CONSTRAINTS, &der::sequence(&[constraints])),
    ];
    if let Some(id) = key_id {
        list.push(extension(
            OID_SUBJECT_KEY_ID,
            &der::element(der::OCTET_STRING, id),
        ));
    }
    if let Some(id) = authority_id {
        list.push(extension(
            OID_AUTHORITY_KEY_ID,
            &der::sequence(&[&der::element(0x80, id)]),
        ));
    }
    if !request.dns_names.is_empty() || !request.ips.is_empty() {
        let names = alternative_names(request)?;
        // The names are all there is when the subject is empty.
        let write = if request.common_name.is_empty() {
            critical
        } else {
            extension
        };
        list.push(write(OID_ALT_NAME, &names));
    }
    Ok(der::element(der::SEQUENCE, &list.concat()))
}

fn extension(oid: &[u8], value: &[u8]) -> Vec<u8> {
    der::sequence(&[
        &der::element(der::OID, oid),
        &der::element(der::OCTET_STRING, value),
    ])
}

fn critical(oid: &[u8], value: &[u8]) -> Vec<u8> {
    der::sequence(&[
        &der::element(der::OID, oid),
        &TRUE,
        &der::element(der::OCTET_STRING, value),
    ])
}

fn alternative_names(request: &Request<'_>) -> Result<Vec<u8>, CertificateError> {
    let mut names = Vec::new();
    for name in request.dns_names {
        if !name.is_ascii() {
            return Err(CertificateError::Name(name.clone()));
        }
        names.extend(der::element(0x82, name.as_bytes()));
    }
    for ip in request.ips {
        let bytes = match ip.to_canonical() {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        names.extend(der::element(0x87, &bytes));
    }
    Ok(der::element(der::SEQUENCE, &names))
}
