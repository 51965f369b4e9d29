//! The tokens of ServiceAccounts: signed claims about an account and what the token is bound to.
//!
//! ```text
//! TokenRequest ──► Issue ──► Signer::sign ──► token ──► Verifier (a public key) ──► Claims ──► UserInfo
//! ```
//!
//! Deliberately absent: the store. Whoever authenticates looks up what `Claims::references` names, because a token
//! ends with the objects that it is bound to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::UserInfo;
use super::user::CREDENTIAL_ID;

/// The issuer of every token, and the audience of those who ask for none.
pub const ISSUER: &str = "https://kubernetes.default.svc";
/// A token lasts an hour unless asked otherwise.
pub const DEFAULT_SECONDS: i64 = 3600;

/// What the kubelet asks for on behalf of a pod's volume; such a token is good for a year, because old clients never
/// read it again.
const POD_SECONDS: i64 = 3607;
const YEAR_SECONDS: i64 = 365 * 24 * 3600;
/// Real tokens are about 1 KiB; more is not worth decoding.
const MAX_TOKEN: usize = 16 * 1024;

/// Signs tokens and verifies them: one key of a running server.
pub struct Signer {
    pair: EcdsaKeyPair,
    key_id: String,
    random: SystemRandom,
}

/// What a token is to say.
#[derive(Clone, Debug)]
pub struct Issue<'a> {
    pub namespace: &'a str,
    pub account: Reference,
    pub audiences: &'a [String],
    pub seconds: i64,
    pub pod: Option<Reference>,
    pub secret: Option<Reference>,
    pub node: Option<Reference>,
    /// A fresh UUID.
    pub id: String,
}

/// The name and uid of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    pub name: String,
    #[serde(default)]
    pub uid: String,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub aud: Vec<String>,
    pub exp: i64,
    pub iat: i64,
    pub iss: String,
    #[serde(default)]
    pub jti: String,
    #[serde(rename = "kubernetes.io")]
    pub private: Private,
    pub nbf: i64,
    pub sub: String,
}

/// The claims of Kubernetes' own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Private {
    pub namespace: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<Reference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Reference>,
    pub serviceaccount: Reference,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnafter: Option<i64>,
}

/// Why a token is not accepted. All of them are a 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("invalid bearer token")]
    Malformed,
    #[error("service account token has expired")]
    Expired,
    #[error("service account token is not valid yet")]
    NotYet,
    #[error("service account token has been issued for other audiences")]
    Audience,
}

/// The random source or the key didn't work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key for service account tokens can't be made or used")]
pub struct KeyError;

impl std::fmt::Debug for Signer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Signer")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// A new key (PKCS#8), to be kept with the server's data so that tokens outlive a restart.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn generate() -> Result<Vec<u8>, KeyError> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Ok(made.map_err(|_| KeyError)?.as_ref().to_vec())
    }

    /// The signer of a key that `generate` made.
    ///
    /// # Errors
    /// When it is no such key.
    pub fn from_pkcs8(key: &[u8]) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &random).map_err(|_| KeyError)?;
        let key_id = URL_SAFE_NO_PAD.encode(Sha256::digest(pair.public_key().as_ref()));
        Ok(Self { pair, key_id, random })
    }

    /// A token, and the second at which the one who asked believes that it ends.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn issue(&self, issue: Issue<'_>, now: i64) -> Result<(String, i64), KeyError> {
        let ends = now.saturating_add(issue.seconds);
        let extended = issue.seconds == POD_SECONDS && issue.pod.is_some();
        let claims = Claims {
            aud: issue.audiences.to_vec(),
            exp: if extended {
                now.saturating_add(YEAR_SECONDS)
            } else {
                ends
            },
            iat: now,
            iss: ISSUER.to_owned(),
            jti: issue.id,
            nbf: now,
            sub: format!("system:serviceaccount:{}:{}", issue.namespace, issue.account.name),
            private: Private {
                namespace: issue.namespace.to_owned(),
                node: issue.node,
                pod: issue.pod,
                secret: issue.secret,
                serviceaccount: issue.account,
                warnafter: extended.then_some(ends),
            },
        };
        Ok((self.sign(&claims)?, ends))
    }

    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        let header = json!({"alg": "ES256", "kid": self.key_id}).to_string();
        let claims = serde_json::to_vec(claims).map_err(|_| KeyError)?;
        let mut token = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let signature = self
            .pair
            .sign(&self.random, token.as_bytes())
            .map_err(|_| KeyError)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        Ok(token)
    }

    /// The claims of a token that this key signed, that is good at `now` (Unix seconds) and meant for the audience.
    ///
    /// # Errors
    /// Why it is not accepted. The signature is checked before anything is believed.
    pub fn verify(&self, token: &str, now: i64, audience: &str) -> Result<Claims, Invalid> {
        let claims = self
            .verified::<Claims>(token)
            .filter(|claims| claims.iss == ISSUER);
        let claims = claims.ok_or(Invalid::Malformed)?;
        if claims.nbf > now {
            return Err(Invalid::NotYet);
        }
        if claims.exp <= now {
            return Err(Invalid::Expired);
        }
        if !claims.aud.iter().any(|own| own == audience) {
            return Err(Invalid::Audience);
        }
        Ok(claims)
    }

    /// What a token says, if this key signed it.
    pub(super) fn verified<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.get("alg")?.as_str()? != "ES256" {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key().as_ref());
        key.verify(signed.as_bytes(), &signature).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }

    /// The answer of `/openid/v1/jwks`.
    #[must_use]
    pub fn key_set(&self) -> Value {
        // The public key is 4, then x and y of 32 bytes each.
        let point = self.pair.public_key().as_ref();
        let part =
            |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(point.get(range).unwrap_or_default());
        json!({"keys": [{
            "use": "sig", "kty": "EC", "kid": self.key_id, "crv": "P-256", "alg": "ES256",
            "x": part(1..33), "y": part(33..65),
        }]})
    }
}

impl Claims {
    /// Who shows this token.
    #[must_use]
    pub fn user(&self) -> UserInfo {
        let own = &self.private;
        let mut user = UserInfo::service_account(&own.namespace, &own.serviceaccount.name);
        user.uid.clone_from(&own.serviceaccount.uid);
        let mut extra = |key: &str, value: &str| {
            user.extra.insert(key.to_owned(), vec![value.to_owned()]);
        };
        if !self.jti.is_empty() {
            extra(CREDENTIAL_ID, &format!("JTI={}", self.jti));
        }
        if let Some(pod) = &own.pod {
            extra("authentication.kubernetes.io/pod-name", &pod.name);
            extra("authentication.kubernetes.io/pod-uid", &pod.uid);
        }
        if let Some(node) = &own.node {
            extra("authentication.kubernetes.io/node-name", &node.name);
            extra("authentication.kubernetes.io/node-uid", &node.uid);
        }
        user
    }

    /// The objects that must still be there, with the same uid, for the token to be good: plural, namespace (empty
    /// for a Node) and reference. A token bound to a pod doesn't end with the pod's node.
    #[must_use]
    pub fn references(&self) -> Vec<(&'static str, &str, &Reference)> {
        let own = &self.private;
        let namespace = own.namespace.as_str();
        let mut out = vec![("serviceaccounts", namespace, &own.serviceaccount)];
        out.extend(own.pod.iter().map(|pod| ("pods", namespace, pod)));
        out.extend(own.secret.iter().map(|secret| ("secrets", namespace, secret)));
        let node = own.node.iter().filter(|_| own.pod.is_none());
        out.extend(node.map(|node| ("nodes", "", node)));
        out
    }
}
