//! The envelope around a statement (DSSE 1.0): the bytes that were signed, and who signed them.
//!
//! The signature is over the bytes as they are, with their type before them, so nothing has to be written in one way only.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};

use super::Statement;
use super::keys::SigningKey;
use crate::error::Error;

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A chart's own fields are the most of a statement; Helm keeps a whole release in 1 MiB.
pub const MAX_STATEMENT: usize = 512 * 1024;

/// A key of today and one of tomorrow, and a second person: more signatures than this are a mistake.
const MAX_SIGNATURES: usize = 16;

/// A statement as it lies in a store. Who signed it has not been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub(super) payload: Vec<u8>,
    pub(super) signatures: Vec<Signature>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    /// What the signer calls the key; nothing is decided by it.
    pub key: String,
    pub bytes: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    payload_type: String,
    payload: String,
    #[serde(default)]
    signatures: Vec<WrittenSignature>,
}

#[derive(Serialize, Deserialize)]
struct WrittenSignature {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Signs a statement.
    pub fn sign(statement: &Statement, key: &SigningKey) -> Self {
        let payload = statement.to_json();
        let signature = Signature {
            key: key.public().id(),
            bytes: key.sign(&signed_bytes(PAYLOAD_TYPE, &payload)),
        };
        Self {
            payload,
            signatures: vec![signature],
        }
    }

    /// What it says, whoever says it: for indexes and listings. What is deployed goes through [`super::Trusted`].
    ///
    /// # Errors
    /// What is no statement of ours.
    pub fn unchecked(&self) -> Result<Statement, Error> {
        Statement::from_json(&self.payload)
    }

    /// The bytes that are stored.
    pub fn to_json(&self) -> Vec<u8> {
        let written = Written {
            payload_type: PAYLOAD_TYPE.to_owned(),
            payload: STANDARD.encode(&self.payload),
            signatures: self
                .signatures
                .iter()
                .map(|signature| WrittenSignature {
                    keyid: signature.key.clone(),
                    sig: STANDARD.encode(&signature.bytes),
                })
                .collect(),
        };
        let mut bytes = serde_json::to_vec_pretty(&written).expect("texts are JSON");
        bytes.push(b'\n');
        bytes
    }

    /// Reads what is stored.
    ///
    /// # Errors
    /// What is no envelope around an in-toto statement.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        let refuse = |problem: String| Error::Statement {
            what: "the statement".into(),
            problem,
        };
        let decode = |text: &str| {
            let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
            decoded.map_err(|error| refuse(format!("has something that is not base64: {error}")))
        };
        if bytes.len() > MAX_STATEMENT {
            return Err(refuse(format!("is larger than {MAX_STATEMENT} bytes")));
        }
        let written: Written =
            serde_json::from_slice(bytes).map_err(|error| refuse(format!("is in no envelope: {error}")))?;
        if written.payload_type != PAYLOAD_TYPE {
            return Err(refuse(format!(
                "is a {:?}, not a {PAYLOAD_TYPE:?}",
                written.payload_type
            )));
        }
        if written.signatures.len() > MAX_SIGNATURES {
            return Err(refuse(format!("has more than {MAX_SIGNATURES} signatures")));
        }
        let signature = |written: WrittenSignature| {
            Ok(Signature {
                bytes: decode(&written.sig)?,
                key: written.keyid,
            })
        };
        Ok(Self {
            payload: decode(&written.payload)?,
            signatures: written
                .signatures
                .into_iter()
                .map(signature)
                .collect::<Result<_, Error>>()?,
        })
    }

    pub(super) fn signed(&self) -> Vec<u8> {
        signed_bytes(PAYLOAD_TYPE, &self.payload)
    }
}

/// DSSE's pre-authentication encoding: type and payload, each with its length.
fn signed_bytes(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_what_the_protocol_says() {
        // The example of the DSSE protocol document.
        assert_eq!(
            signed_bytes("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }
}
