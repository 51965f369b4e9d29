//! The tokens that live in Secrets of type `kubernetes.io/service-account-token`: they never expire, and end with the
//! Secret or the account.
//!
//! Clients that can't ask for tokens again still use them. Their claims are flat, and their issuer is another one.

use serde::{Deserialize, Serialize};

use super::UserInfo;
use super::service_account::{KeyError, Reference, Signer};

/// The type of the Secrets, and the annotations by which one names its account.
pub const SECRET_TYPE: &str = "kubernetes.io/service-account-token";
pub const NAME_ANNOTATION: &str = "kubernetes.io/service-account.name";
pub const UID_ANNOTATION: &str = "kubernetes.io/service-account.uid";

const ISSUER: &str = "kubernetes/serviceaccount";

/// What such a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    #[serde(rename = "kubernetes.io/serviceaccount/namespace")]
    pub namespace: String,
    #[serde(rename = "kubernetes.io/serviceaccount/secret.name")]
    pub secret: String,
    #[serde(rename = "kubernetes.io/serviceaccount/service-account.name")]
    pub account: String,
    #[serde(rename = "kubernetes.io/serviceaccount/service-account.uid")]
    pub uid: String,
    sub: String,
}

impl Claims {
    /// The claims of an account's token in a Secret of the same namespace.
    #[must_use]
    pub fn new(namespace: &str, account: &Reference, secret: &str) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            namespace: namespace.to_owned(),
            secret: secret.to_owned(),
            account: account.name.clone(),
            uid: account.uid.clone(),
            sub: format!("system:serviceaccount:{namespace}:{}", account.name),
        }
    }

    /// The token.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn sign(&self, signer: &Signer) -> Result<String, KeyError> {
        signer.sign(self)
    }

    /// The claims of a token that this key signed; `None` for any other text. Whether the Secret still holds the token
    /// is the caller's question.
    #[must_use]
    pub fn verified(signer: &Signer, token: &str) -> Option<Self> {
        signer
            .verified::<Self>(token)
            .filter(|claims| claims.iss == ISSUER)
    }

    /// Who shows this token.
    #[must_use]
    pub fn user(&self) -> UserInfo {
        let mut user = UserInfo::service_account(&self.namespace, &self.account);
        user.uid.clone_from(&self.uid);
        user
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secrets_token_is_read_back_and_no_other_is() {
        let signer = Signer::from_pkcs8(&Signer::generate().unwrap()).unwrap();
        let account = Reference {
            name: "bot".to_owned(),
            uid: "7".to_owned(),
        };
        let claims = Claims::new("ns", &account, "s");
        let token = claims.sign(&signer).unwrap();
        assert_eq!(Claims::verified(&signer, &token), Some(claims.clone()));
        assert_eq!(claims.user().name, "system:serviceaccount:ns:bot");
        let other = Signer::from_pkcs8(&Signer::generate().unwrap()).unwrap();
        assert_eq!(Claims::verified(&other, &token), None);
        assert!(
            signer
                .verify(&token, 0, "https://kubernetes.default.svc")
                .is_err()
        );
    }
}
