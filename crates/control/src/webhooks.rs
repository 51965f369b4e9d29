//! What a webhook does: it says "look again" in the hub, where the replica that leads sees it.
//!
//! Any replica may receive it. It is checked with the source's secret, and leaves nothing but a time on the ChartSource.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use kinds::{ChartSource, Forge, Object};
use source::webhook::{self, Delivery, Refused, Seen, Sender};
use source::{Remote, Secret};

use crate::error::Error;
use crate::hub::Hub;
use crate::sites::secret;

/// On a ChartSource: when somebody said that there is something new.
pub(crate) const LOOK: &str = "shipway.dev/look-again";

/// Where in its Secret the secret of a webhook is, and the one before it while both are in use.
const SECRETS: &[&str] = &["secret", "previous"];

/// The longest name of an object.
const LONGEST: usize = 253;

/// The receiver of webhooks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Webhooks {
    hub: Hub,
    seen: Arc<Mutex<BTreeMap<String, Seen>>>,
    clock: fn() -> Timestamp,
}

/// A source whose webhooks are heard, and what they have to be signed with.
#[derive(Debug)]
pub struct Awaited {
    source: Object<ChartSource>,
    secrets: Vec<Secret>,
}

/// Why one came to nothing.
#[derive(Debug)]
pub enum Deaf {
    NoSource,
    Refused(Refused),
    Hub(Error),
}

impl Webhooks {
    #[must_use]
    pub fn new(hub: Hub, clock: fn() -> Timestamp) -> Self {
        Self {
            hub,
            seen: Arc::default(),
            clock,
        }
    }

    /// The source of a name, for whoever sends it something: asked before anything of that is read.
    ///
    /// # Errors
    /// See [`Deaf`]; a source without a secret hears nothing.
    pub async fn awaited(&self, name: &str) -> Result<Awaited, Deaf> {
        // A name is asked of the hub by its path.
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
        if !(1..=LONGEST).contains(&name.len()) || !name.bytes().all(is_part) {
            return Err(Deaf::NoSource);
        }
        let source = self.hub.get::<ChartSource>(name).await.map_err(Deaf::Hub)?;
        let source = source.ok_or(Deaf::NoSource)?;
        let secrets = self.secrets(&source).await.map_err(Deaf::Hub)?;
        match secrets.is_empty() {
            true => Err(Deaf::Refused(Refused::NoSecret)),
            false => Ok(Awaited { source, secrets }),
        }
    }

    /// Receives one.
    ///
    /// # Errors
    /// See [`Deaf`].
    pub async fn receive(
        &self,
        awaited: &Awaited,
        headers: &[(&str, &[u8])],
        body: &[u8],
    ) -> Result<(), Deaf> {
        let Awaited { source, secrets } = awaited;
        let now = (self.clock)();
        let look = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = seen.entry(source.metadata.name.clone()).or_default();
            let delivery = Delivery { headers, body };
            webhook::receive(sender(source), delivery, secrets, seen, now).map_err(Deaf::Refused)?
        };
        let remote = Remote::parse(&source.spec.url).map_err(|error| Deaf::Hub(error.into()))?;
        if look.at == webhook::At::Nothing {
            return Ok(());
        }
        if !look.is_about(&remote) {
            return Err(Deaf::Refused(Refused::Body {
                problem: "is about another repository",
            }));
        }
        self.hub
            .annotate(source, LOOK, &now.to_string())
            .await
            .map_err(Deaf::Hub)
    }

    /// Says of every source of a repository that there is something new, for whoever saw a push himself.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn pushed(&self, url: &str) -> Result<(), Error> {
        let now = (self.clock)().to_string();
        let sources = self.hub.list::<ChartSource>().await?;
        for source in sources.iter().filter(|source| source.spec.url == url) {
            self.hub.annotate(source, LOOK, &now).await?;
        }
        Ok(())
    }

    async fn secrets(&self, source: &Object<ChartSource>) -> Result<Vec<Secret>, Error> {
        let Some(place) = &source.spec.webhook else {
            return Ok(Vec::new());
        };
        let values = secret(&self.hub, place).await?;
        let of = |key: &&str| {
            values
                .get(*key)
                .map(|value| String::from_utf8_lossy(value).trim_end().to_owned())
        };
        let stated = SECRETS.iter().filter_map(of).filter(|secret| !secret.is_empty());
        Ok(stated.map(Secret::new).collect())
    }
}

fn sender(source: &Object<ChartSource>) -> Sender {
    match source.spec.forge {
        Forge::GitHub => Sender::GitHub,
        Forge::GitLab => Sender::GitLab,
        Forge::Git => Sender::Generic,
    }
}
