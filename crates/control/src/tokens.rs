//! Tokens of people and machines: random secrets of which the hub keeps a hash.
//!
//! `sw_ID_SECRET`: the id names a Secret in the controller's namespace, the secret has 256 random bits. The hash is a plain
//! SHA-256: a slow one protects passwords, which can be guessed; nobody guesses 256 bits however fast the hash is, and every
//! request would pay for it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::{Delete, ListQuery, Resource, Why, Write};
use jiff::{SignedDuration, Timestamp};
use model::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use crate::access::{Caller, Grant};
use crate::error::Error;
use crate::hub::{Hub, MANAGER};
use crate::oidc;

/// What the Secrets are known by, their names begin with, and their one field.
const LABEL: &str = "shipway.dev/token";
const NAME: &str = "shipway-token-";
const FIELD: &str = "token";

/// How long a token is believed without asking the hub: as long as one works after it was revoked.
const BELIEVED: Duration = Duration::from_secs(5);

/// Tokens that are remembered, and as many that there are none of. Beyond it all of these are forgotten: it costs a request for
/// each. Apart, so that nobody who guesses has those forgotten that there are.
const REMEMBERED: usize = 4_096;

/// The longest life of a token: a year, and a day to renew it.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Characters of an id, and of a secret: hexadecimal.
const ID: usize = 16;
const SECRET: usize = 64;

/// The tokens of a hub. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tokens {
    hub: Hub,
    namespace: String,
    known: Memory<Arc<Kept>>,
    unknown: Memory<()>,
}

/// What is remembered of ids, and since when.
type Memory<T> = Arc<Mutex<BTreeMap<String, (Instant, T)>>>;

/// A token as it is asked for.
#[derive(Clone, Debug)]
pub struct NewToken {
    pub who: String,
    pub is_person: bool,
    pub groups: Vec<String>,
    pub grants: Vec<Grant>,
    pub lasts: SignedDuration,
    /// Who makes it.
    pub by: String,
}

/// A token as it is shown: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// What it is listed and revoked by.
    pub id: String,
    /// A user, or `token:NAME` of a machine.
    pub who: String,
    /// Whether it is a person's. A machine can't agree to plans.
    pub person: bool,
    /// The groups of the person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// What it may. A person's token without any may what tenants say of their members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    pub created: String,
    pub expires: String,
    /// Who made it.
    pub by: String,
}

/// A token as the hub keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    token: Token,
    /// The SHA-256 of the secret.
    hash: Digest,
}

/// Why somebody is not let in. A stranger is told no more than that.
#[derive(Debug)]
pub enum Denied {
    /// There is no such token, or no more.
    Unknown,
    Expired,
    /// It is an ID token that does not count.
    IdToken(oidc::Refused),
    /// Nobody can say now whether an ID token counts; the log says why.
    Issuer,
    Hub(Error),
}

impl Tokens {
    #[must_use]
    pub fn new(hub: Hub, namespace: &str) -> Self {
        Self {
            hub,
            namespace: namespace.to_owned(),
            known: Arc::default(),
            unknown: Arc::default(),
        }
    }

    /// Makes a token. The text is shown once and kept nowhere.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create(&self, new: NewToken, now: Timestamp) -> Result<(Token, String), Error> {
        if new.lasts > LONGEST || new.lasts <= SignedDuration::ZERO {
            return Err(Error::Mistake {
                problem: "a token lasts longer than nothing and at most 366 days".to_owned(),
                cure: "make it for less, as `--lasts 720h`, and another one before it ends".to_owned(),
            });
        }
        let (id, secret) = (random(ID), random(SECRET));
        let expires = now.checked_add(new.lasts).unwrap_or(Timestamp::MAX);
        let token = Token {
            id: id.clone(),
            who: new.who,
            person: new.is_person,
            groups: new.groups,
            grants: new.grants,
            created: now.to_string(),
            expires: expires.to_string(),
            by: new.by,
        };
        let kept = Kept {
            token: token.clone(),
            hash: Digest::of(secret.as_bytes()),
        };
        let kept = serde_json::to_string(&kept).unwrap_or_default();
        let object = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": format!("{NAME}{id}"), "namespace": self.namespace, "labels": {LABEL: "true"}},
            "type": LABEL,
            "immutable": true,
            "stringData": {FIELD: kept},
        });
        let kind = self.kind().await?;
        let how = Write {
            manager: MANAGER,
            ..Write::default()
        };
        self.hub
            .cluster()
            .create(kind.at(&self.namespace, ""), &object, how)
            .await?;
        Ok((token, format!("sw_{id}_{secret}")))
    }

    /// All tokens, by the time of their making.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list(&self) -> Result<Vec<Token>, Error> {
        let kind = self.kind().await?;
        let query = ListQuery::labelled(&format!("{LABEL}=true"));
        let listed = self
            .hub
            .cluster()
            .list(&kind, Some(&self.namespace), &query)
            .await?;
        let mut tokens: Vec<Token> = listed
            .items
            .iter()
            .filter_map(read)
            .map(|kept| kept.token)
            .collect();
        tokens.sort_by(|one, other| (&one.created, &one.id).cmp(&(&other.created, &other.id)));
        Ok(tokens)
    }

    /// A token by its id.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, id: &str) -> Result<Option<Token>, Error> {
        Ok(self.fetch(id).await?.map(|kept| kept.token))
    }

    /// Revokes a token; false if there is none. Other replicas believe it for seconds more.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn revoke(&self, id: &str) -> Result<bool, Error> {
        if self.fetch(id).await?.is_none() {
            return Ok(false);
        }
        let kind = self.kind().await?;
        let name = format!("{NAME}{id}");
        let at = kind.at(&self.namespace, &name);
        let deleted = self.hub.cluster().delete(at, Delete::default()).await?;
        memory(&self.known).remove(id);
        Ok(deleted)
    }

    /// Whether it is known that there is such a token, or none, or was a while ago.
    #[must_use]
    pub fn is_known(&self, text: &str) -> bool {
        // What has not the form of one, nobody is asked for.
        parse(text).is_none_or(|(id, _)| memory(&self.known).contains_key(id))
    }

    /// Whose token a text is.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn caller(&self, text: &str, now: Timestamp) -> Result<Caller, Denied> {
        let (id, secret) = parse(text).ok_or(Denied::Unknown)?;
        let kept = self.believed(id).await.map_err(Denied::Hub)?;
        let kept = kept.ok_or(Denied::Unknown)?;
        let given = Digest::of(secret.as_bytes()).to_string();
        let is_it: bool = given.as_bytes().ct_eq(kept.hash.to_string().as_bytes()).into();
        if !is_it {
            return Err(Denied::Unknown);
        }
        let token = &kept.token;
        let is_valid = token
            .expires
            .parse()
            .is_ok_and(|expires: Timestamp| now < expires);
        if !is_valid {
            return Err(Denied::Expired);
        }
        Ok(Caller {
            name: token.who.clone(),
            groups: token.groups.clone(),
            is_person: token.person,
            grants: token.grants.clone(),
        })
    }

    async fn believed(&self, id: &str) -> Result<Option<Arc<Kept>>, Error> {
        if let Some((since, kept)) = memory(&self.known).get(id)
            && since.elapsed() < BELIEVED
        {
            return Ok(Some(Arc::clone(kept)));
        }
        if let Some((since, ())) = memory(&self.unknown).get(id)
            && since.elapsed() < BELIEVED
        {
            return Ok(None);
        }
        let kept = self.fetch(id).await?.map(Arc::new);
        match &kept {
            Some(kept) => remember(&self.known, id, Arc::clone(kept)),
            None => {
                memory(&self.known).remove(id);
                remember(&self.unknown, id, ());
            }
        }
        Ok(kept)
    }

    async fn fetch(&self, id: &str) -> Result<Option<Kept>, Error> {
        if !is_hex(id, ID) {
            return Ok(None);
        }
        let kind = self.kind().await?;
        let name = format!("{NAME}{id}");
        let found = self.hub.cluster().get(kind.at(&self.namespace, &name)).await;
        match found {
            Ok(found) => Ok(found.as_ref().and_then(read)),
            Err(error) if matches!(error.why(), Some(Why::NotFound)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn kind(&self) -> Result<Resource, Error> {
        self.hub.builtin("v1", "Secret").await
    }
}

fn memory<T>(memory: &Memory<T>) -> MutexGuard<'_, BTreeMap<String, (Instant, T)>> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember<T>(all: &Memory<T>, id: &str, what: T) {
    let mut all = memory(all);
    if all.len() >= REMEMBERED {
        all.clear();
    }
    all.insert(id.to_owned(), (Instant::now(), what));
}

/// Reads a Secret. One without our label is no token, whatever its name.
fn read(secret: &Value) -> Option<Kept> {
    if secret["metadata"]["labels"][LABEL] != "true" {
        return None;
    }
    let bytes = STANDARD.decode(secret["data"][FIELD].as_str()?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// The id and the secret of a token's text.
fn parse(text: &str) -> Option<(&str, &str)> {
    let (id, secret) = text.strip_prefix("sw_")?.split_once('_')?;
    (is_hex(id, ID) && is_hex(secret, SECRET)).then_some((id, secret))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn random(characters: usize) -> String {
    let mut bytes = vec![0; characters / 2];
    getrandom::fill(&mut bytes).expect("an operating system that runs this has randomness");
    let mut text = String::with_capacity(characters);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_an_id_and_a_secret_and_nothing_else() {
        let (id, secret) = (random(ID), random(SECRET));
        assert_eq!(
            parse(&format!("sw_{id}_{secret}")),
            Some((id.as_str(), secret.as_str()))
        );
        let short = format!("sw_{id}_{}", &secret[1..]);
        let strange = format!("sw_{}_{secret}", "../../secrets/xx");
        for wrong in [
            "",
            "sw_",
            "sw__",
            &short,
            &strange,
            &secret,
            &format!("sw_{id}_{secret}_"),
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_ne!(random(SECRET), secret);
    }
}
