//! GitHub Apps: a short-lived token from an app's key, for the API and for git alike.
//!
//! ```text
//! key ──signs──► "I am app N" (ten minutes) ──► GitHub ──► token of one installation (an hour)
//! ```
//!
//! The time is given, because it goes into the signature. Whoever holds the token renews it before it ends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::Deserialize;
use serde_json::json;

use super::error::Error;
use super::github::api_of;
use super::http::{Api, Ask, Link};
use crate::git::Credentials;
use crate::remote::Remote;
use crate::secret::Secret;

/// GitHub takes ten minutes at most, counted by its own clock.
const SIGNED_FOR_SECONDS: i64 = 540;

/// How much our clock may be ahead of GitHub's.
const BACKDATED_SECONDS: i64 = 60;

/// An app that is installed for a repository.
#[derive(Clone, Debug)]
pub struct App {
    /// Its client id, or its number.
    pub id: String,
    /// The number of the installation.
    pub installation: u64,
    /// The private key, as GitHub gives it: PEM.
    pub key: Secret,
}

/// What an installation may use for a while.
#[derive(Clone, Debug)]
pub struct Token {
    pub secret: Secret,
    pub until: Timestamp,
}

impl Token {
    /// The token as what git asks for.
    pub fn credentials(&self) -> Credentials {
        Credentials::Password {
            username: "x-access-token".to_owned(),
            password: self.secret.clone(),
        }
    }
}

/// Asks GitHub for a token.
///
/// # Errors
/// The key is none, or GitHub refuses it.
pub async fn token(
    link: &Link,
    remote: &Remote,
    api: Option<&str>,
    app: &App,
    now: Timestamp,
) -> Result<Token, Error> {
    #[derive(Deserialize)]
    struct Made {
        token: String,
        expires_at: Timestamp,
    }
    let base = api.map_or_else(|| api_of(remote.host()), str::to_owned);
    let refuse = |problem: &str| Error::Address {
        address: base.clone(),
        problem: format!("can't be asked as app {}: {problem}", app.id),
    };
    let signed = claim(app, now).map_err(refuse)?;
    let api = Api::new(link, "GitHub", &base, &Secret::new(signed))?;
    let path = format!("/app/installations/{}/access_tokens", app.installation);
    let task = format!(
        "give app {} a token for installation {}",
        app.id, app.installation
    );
    let ask = Ask::set(task, Method::POST, path, json!({}));
    let answer = api.ask(&ask).await?;
    let made: Made = api.read(&ask, &answer)?;
    Ok(Token {
        secret: Secret::new(made.token),
        until: made.expires_at,
    })
}

/// The signed words "I am this app".
fn claim(app: &App, now: Timestamp) -> Result<String, &'static str> {
    let words = json!({
        "iat": now.as_second() - BACKDATED_SECONDS,
        "exp": now.as_second() + SIGNED_FOR_SECONDS,
        "iss": app.id,
    });
    let head = json!({"alg": "RS256", "typ": "JWT"});
    let encode = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let text = format!("{}.{}", encode(&head), encode(&words));
    let key = key(app.key.expose())?;
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .map_err(|_| "its key can't sign")?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Reads a key of either kind that is about: PKCS#1, which GitHub gives, and PKCS#8.
fn key(pem: &str) -> Result<RsaKeyPair, &'static str> {
    const NONE: &str = "its key is not an RSA key in PEM, as GitHub gives it";
    let block = pki::pem::decode(pem).ok_or(NONE)?;
    match block.label.as_str() {
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&block.der),
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&block.der),
        _ => return Err(NONE),
    }
    .map_err(|_| NONE)
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    fn app(pem: String) -> App {
        App {
            id: "Iv23liabc".to_owned(),
            installation: 42,
            key: Secret::new(pem),
        }
    }

    #[test]
    fn an_app_says_who_it_is_for_less_than_ten_minutes() {
        let mut next = 0u8;
        // Any bytes make a key; these always make the same.
        let mut random = |bytes: &mut [u8]| {
            for byte in bytes {
                next = next.wrapping_mul(181).wrapping_add(101);
                *byte = next ^ (next >> 3);
            }
        };
        let pem = pki::PrivateKey::rsa_2048(&mut random).to_pem();
        let now = Timestamp::from_second(1_795_341_600).unwrap();
        let claim = claim(&app(pem.clone()), now).unwrap();
        let parts: Vec<&str> = claim.split('.').collect();
        let read = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!(read(parts[0]), r#"{"alg":"RS256","typ":"JWT"}"#);
        assert_eq!(
            read(parts[1]),
            r#"{"exp":1795342140,"iat":1795341540,"iss":"Iv23liabc"}"#
        );
        let pair = key(&pem).unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public().as_ref());
        let signed = format!("{}.{}", parts[0], parts[1]);
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        public.verify(signed.as_bytes(), &signature).unwrap();
    }

    #[test]
    fn other_keys_are_told() {
        for pem in [
            "",
            "abc",
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
        ] {
            assert!(
                claim(&app(pem.to_owned()), Timestamp::UNIX_EPOCH)
                    .unwrap_err()
                    .contains("not an RSA key")
            );
        }
    }
}
