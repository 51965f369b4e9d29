//! ID tokens of an OpenID Connect issuer: who somebody is, by the word of the company's own directory.
//!
//! ```text
//! issuer ──► well-known document ──► its keys ──► watch ─┐   by one task: hourly, and when a key is not known
//! text ──► jws: parts ──► issuer? ──► key ──► signature ─┴► claims: whose, for whom, when ──► Caller
//! ```
//!
//! What a person may is not said here: a `Caller` has a name and groups, and tenants say what their members may. Deliberately
//! absent: logging in, sessions, refresh tokens, and asking the issuer about a single token.

mod claims;
mod jws;
mod keys;
mod refused;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use model::{Code, Diagnose};
use serde::Deserialize;
use source::forge::Link;
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use crate::access::Caller;
use crate::tokens::Denied;
use jws::Token;
use keys::{Key, Keys};
pub use refused::Refused;

/// Where the document is, behind the issuer.
const DOCUMENT: &str = "/.well-known/openid-configuration";

/// The document has some 4 KiB, the keys of large issuers, with their certificates, some 30.
const LARGEST: usize = 256 * 1024;

/// For each of the two.
const READ_TIME: Duration = Duration::from_secs(10);

/// Of a request whose key is not known: both reads, and a little.
const WAIT: Duration = Duration::from_secs(22);

/// Requests that wait for an answer of the issuer. Strangers can make as many as they like; the others are told to come again.
const WAITING: usize = 64;

/// How often keys are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Unless there is a reason.
    pub every: Duration,
    /// At most, whatever tokens come, and after a failure.
    pub apart: Duration,
    /// How long keys are believed of an issuer that does not answer.
    pub longest: Duration,
}

/// Whose tokens count, and what of them.
#[derive(Clone, Debug)]
pub struct Options {
    /// As the `iss` of its tokens says it, to the last character.
    pub issuer: String,
    /// Whom tokens have to be made for.
    pub client_id: String,
    /// The claim that is the name of a person, as tenants name their members.
    pub username_claim: String,
    /// The claim that has the groups.
    pub groups_claim: String,
    /// Whether an address counts of which the issuer does not say whether it is verified.
    pub trusts_email: bool,
    pub link: Link,
    pub pace: Pace,
}

/// An issuer that is trusted. Cheap to clone; its task ends with the last one.
#[derive(Clone, Debug)]
pub struct Oidc {
    options: Arc<Options>,
    known: watch::Receiver<Known>,
    /// The number of the asking that somebody wants another one after.
    again: Arc<watch::Sender<u64>>,
    waiting: Arc<Semaphore>,
    task: AbortHandle,
    _task: Arc<JoinSet<()>>,
}

/// Why an issuer can't be trusted as it was said.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct Error {
    problem: String,
    cure: &'static str,
}

/// What is known of the issuer's keys.
#[derive(Clone, Debug, Default)]
struct Known {
    keys: Option<Arc<Keys>>,
    /// When the keys came.
    since: Option<Instant>,
    /// How often it was asked, and when for the last time.
    asked: u64,
    last: Option<Instant>,
    /// Whether the last time failed.
    fails: bool,
}

/// What is read of the well-known document.
#[derive(Debug, Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            every: Duration::from_hours(1),
            apart: Duration::from_mins(1),
            longest: Duration::from_hours(24),
        }
    }
}

impl Oidc {
    /// Begins to trust an issuer, whether it answers now or not. Has to be called on a runtime.
    ///
    /// # Errors
    /// The options can't be meant.
    pub fn open(options: Options) -> Result<Self, Error> {
        options.check()?;
        let options = Arc::new(options);
        let (tell, known) = watch::channel(Known::default());
        let (again, wanted) = watch::channel(0);
        let mut task = JoinSet::new();
        let keeper = task.spawn(keep(Arc::clone(&options), tell, wanted));
        Ok(Self {
            task: keeper,
            options,
            known,
            again: Arc::new(again),
            waiting: Arc::new(Semaphore::new(WAITING)),
            _task: Arc::new(task),
        })
    }

    /// Whether somebody still asks for its keys.
    pub(crate) fn is_alive(&self) -> bool {
        !self.task.is_finished()
    }

    /// Whose ID token a text is.
    ///
    /// # Errors
    /// `IdToken` or `Issuer` of [`Denied`].
    pub async fn caller(&self, text: &str, now: Timestamp) -> Result<Caller, Denied> {
        let token = Token::parse(text).map_err(Denied::IdToken)?;
        // Asked before the keys: a token of another issuer is no reason to ask this one.
        claims::of_issuer(&token.claims, &self.options).map_err(Denied::IdToken)?;
        let key = self.key(&token).await?;
        key.verify(token.signed, &token.signature)
            .map_err(Denied::IdToken)?;
        claims::caller(&token.claims, &self.options, now).map_err(Denied::IdToken)
    }

    /// The key of a token. Asks the issuer for one that is not known, if that was not done just now.
    async fn key(&self, token: &Token<'_>) -> Result<Key, Denied> {
        let pace = self.options.pace;
        let known = self.known.borrow().clone();
        if let Some(key) = known.key(token, pace) {
            return Ok(key);
        }
        let is_fresh = known.last.is_some_and(|last| last.elapsed() < pace.apart);
        let known = match is_fresh {
            true => known,
            false => self.asked_again(known.asked).await,
        };
        match known.key(token, pace) {
            Some(key) => Ok(key),
            None if known.fails || known.believed(pace).is_none() => Err(Denied::Issuer),
            None => Err(Denied::IdToken(Refused::Key)),
        }
    }

    /// What is known once it was asked more often than so.
    async fn asked_again(&self, asked: u64) -> Known {
        // Where nothing comes, it is as if it had failed.
        let silent = || Known {
            fails: true,
            ..self.known.borrow().clone()
        };
        let Ok(_place) = self.waiting.try_acquire() else {
            return silent();
        };
        let mut known = self.known.clone();
        self.again.send_modify(|after| *after = asked.max(*after));
        let news = timeout(WAIT, known.wait_for(|known| known.asked > asked)).await;
        match news {
            Ok(Ok(known)) => known.clone(),
            Ok(Err(_)) | Err(_) => silent(),
        }
    }
}

impl Options {
    /// Whether they can be meant.
    ///
    /// # Errors
    /// They can't.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |problem: String, cure| Err(Error { problem, cure });
        let issuer = &self.issuer;
        if !Link::is_safe(issuer) || issuer.contains(['?', '#']) {
            return refuse(
                format!("{issuer:?} can't be an issuer"),
                "write it as `iss` of its tokens has it: https://, without a query; http:// is for this machine alone",
            );
        }
        let named = [&self.client_id, &self.username_claim, &self.groups_claim];
        if named.iter().any(|name| name.trim().is_empty()) {
            return refuse(
                "the client's id or a claim is empty".to_owned(),
                "name the client that the issuer makes tokens for, and the claims with names and groups",
            );
        }
        Ok(())
    }
}

impl Known {
    fn believed(&self, pace: Pace) -> Option<&Arc<Keys>> {
        let is_young = self.since.is_some_and(|since| since.elapsed() < pace.longest);
        self.keys.as_ref().filter(|_| is_young)
    }

    fn key(&self, token: &Token<'_>, pace: Pace) -> Option<Key> {
        let keys = self.believed(pace)?;
        keys.get(&token.key, token.algorithm).cloned()
    }
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        Code::OIDC
    }

    fn hint(&self) -> Option<String> {
        Some(self.cure.to_owned())
    }
}

/// Keeps the keys; never returns.
async fn keep(options: Arc<Options>, tell: watch::Sender<Known>, mut wanted: watch::Receiver<u64>) {
    let pace = options.pace;
    loop {
        let found = ask(&options).await;
        let now = Instant::now();
        let failed_before = tell.borrow().fails;
        let fails = found.is_err();
        match &found {
            Err(problem) if !failed_before => {
                tracing::warn!(
                    issuer = options.issuer,
                    problem,
                    "the issuer's keys can't be read"
                );
            }
            Ok(keys) if keys.is_empty() => {
                tracing::warn!(
                    issuer = options.issuer,
                    "the issuer has no key for RS256 or ES256"
                );
            }
            Ok(_) if failed_before => {
                tracing::info!(issuer = options.issuer, "the issuer's keys can be read again");
            }
            _ => {}
        }
        tell.send_modify(|known| {
            known.asked += 1;
            known.last = Some(now);
            known.fails = fails;
            if let Ok(keys) = found {
                (known.keys, known.since) = (Some(Arc::new(keys)), Some(now));
            }
        });
        let asked = tell.borrow().asked;
        let rest = if fails { pace.apart } else { pace.every };
        // Whoever asked while this was on its way has its answer.
        let is_wanted = timeout(rest, wanted.wait_for(|after| *after >= asked))
            .await
            .is_ok();
        if is_wanted {
            sleep_until(now + pace.apart).await;
        }
    }
}

/// Reads the keys, or says why not.
async fn ask(options: &Options) -> Result<Keys, String> {
    let issuer = &options.issuer;
    let address = format!("{}{DOCUMENT}", issuer.trim_end_matches('/'));
    let document = options.link.fetch(&address, LARGEST, READ_TIME).await?;
    let document: Document = serde_json::from_slice(&document)
        .map_err(|error| format!("{address} is no document of an issuer: {error}"))?;
    if document.issuer != *issuer {
        return Err(format!(
            "{address} is of another issuer, {:?}: it has to be the same to the last character",
            document.issuer
        ));
    }
    let keys = options.link.fetch(&document.jwks_uri, LARGEST, READ_TIME).await?;
    Keys::read(&keys).map_err(|error| format!("{} has no keys: {error}", document.jwks_uri))
}
