//! Bearer tokens: the administrator's, and those of ServiceAccounts, which end with the objects they are bound to.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::world::{now_seconds, seconds_since};
use super::{Registry, base64, metadata};
use crate::auth::UserInfo;
use crate::auth::secret_token::Claims;
use crate::auth::service_account::{ISSUER, Invalid, Reference, Signer};
use crate::auth::token::StaticTokens;
use crate::store::{self, Key, Object};

/// How long a token outlives the mark of deletion on what it is bound to: the real server's leeway.
const LEEWAY_SECONDS: i64 = 60;

/// The tokens that a cluster knows.
#[derive(Debug)]
pub(crate) struct Tokens {
    fixed: StaticTokens,
    pub(crate) signer: Signer,
}

/// Whose token it is, and for which of the audiences asked for.
#[derive(Debug)]
pub(crate) struct Bearer {
    pub user: UserInfo,
    pub audiences: Vec<String>,
}

/// Why a token is nobody's. All of them are a 401.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("service account token has been invalidated")]
    Ended,
}

impl Tokens {
    pub(crate) fn new(fixed: StaticTokens, signer: Signer) -> Self {
        Self { fixed, signer }
    }

    /// No tokens yet, and a key that nobody keeps.
    #[cfg(test)]
    pub(crate) fn fresh() -> Self {
        let key = Signer::generate().expect("the system has random bytes");
        Self::new(
            StaticTokens::default(),
            Signer::from_pkcs8(&key).expect("the key was just made"),
        )
    }
}

impl Registry {
    /// Finds whose token it is. Without audiences it must be meant for this server.
    ///
    /// # Errors
    /// Why it is nobody's.
    pub(crate) fn bearer(&self, token: &str, audiences: &[String]) -> Result<Bearer, Refusal> {
        let own = [ISSUER.to_owned()];
        let audiences = if audiences.is_empty() { &own } else { audiences };
        if let Some(user) = self.tokens.fixed.authenticate(token) {
            let audiences: Vec<String> = audiences.iter().filter(|one| *one == ISSUER).cloned().collect();
            if audiences.is_empty() {
                return Err(Invalid::Malformed.into());
            }
            let user = user.clone();
            return Ok(Bearer { user, audiences });
        }
        if let Some(claims) = Claims::verified(&self.tokens.signer, token) {
            return self.secret_bearer(token, &claims, audiences);
        }
        self.account_bearer(token, audiences)
    }

    /// A token out of a Secret is good as long as the Secret holds it.
    fn secret_bearer(&self, token: &str, claims: &Claims, audiences: &[String]) -> Result<Bearer, Refusal> {
        let account = Reference {
            name: claims.account.clone(),
            uid: claims.uid.clone(),
        };
        let secret = self.core("secrets", Some(&claims.namespace), &claims.secret);
        let value = secret.and_then(|secret| secret.value().ok()).unwrap_or_default();
        let held = value.pointer("/data/token").and_then(Value::as_str);
        let held = held.is_some_and(|held| held == base64(token.as_bytes()));
        if !held || !self.is_live("serviceaccounts", &claims.namespace, &account) {
            return Err(Refusal::Ended);
        }
        let audiences: Vec<String> = audiences.iter().filter(|one| *one == ISSUER).cloned().collect();
        if audiences.is_empty() {
            return Err(Invalid::Audience.into());
        }
        Ok(Bearer {
            user: claims.user(),
            audiences,
        })
    }

    /// An object of the core group.
    pub(super) fn core(&self, plural: &str, namespace: Option<&str>, name: &str) -> Option<Arc<Object>> {
        let resource = store::Resource::new("", plural).ok()?;
        self.store.get(&Key::new(&resource, namespace, name).ok()?)
    }

    fn account_bearer(&self, token: &str, audiences: &[String]) -> Result<Bearer, Refusal> {
        let now = now_seconds();
        let mut refusal = Invalid::Audience;
        let mut claims = None;
        let mut good = Vec::new();
        for audience in audiences {
            match self.tokens.signer.verify(token, now, audience) {
                Ok(verified) => {
                    claims = Some(verified);
                    good.push(audience.clone());
                }
                Err(error) => refusal = error,
            }
        }
        let claims = claims.ok_or(refusal)?;
        let live = |(plural, namespace, reference): &(&str, &str, &Reference)| {
            self.is_live(plural, namespace, reference)
        };
        if !claims.references().iter().all(live) {
            return Err(Refusal::Ended);
        }
        Ok(Bearer {
            user: claims.user(),
            audiences: good,
        })
    }

    /// Whether an object of the core group is still the one that a token was bound to.
    fn is_live(&self, plural: &str, namespace: &str, reference: &Reference) -> bool {
        let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
        let Some(found) = self.core(plural, namespace, &reference.name) else {
            return false;
        };
        if found.uid() != reference.uid {
            return false;
        }
        let Ok(value) = found.value() else {
            return false;
        };
        let deleted = metadata::text(&value, "deletionTimestamp");
        deleted.is_empty() || seconds_since(deleted).is_some_and(|seconds| seconds <= LEEWAY_SECONDS)
    }
}

/// RFC 3339 of Unix seconds; empty for what is no time.
pub(super) fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(
        |_| String::new(),
        |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}
