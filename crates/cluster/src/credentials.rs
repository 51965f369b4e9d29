//! The client of a cluster, made anew when its credentials are refused and others may be had.
//!
//! A token that a plugin gave, or that is in a file, may be over before the time it says: revoked, or of a server whose
//! keys were changed. The library asks for another only when the time is over; here that is done after a refusal, once.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use kube::client::Client;
use kube::config::Config;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Error;
use crate::kubeconfig;
use crate::target::Target;
use crate::transport;

/// Between two renewals: credentials that are refused right after they were made are no better the next moment, and a
/// plugin may ask a person.
const PAUSE: Duration = Duration::from_secs(10);

/// A client, and how to get another one with other credentials.
pub(crate) struct Credentials {
    current: RwLock<(Client, Age)>,
    /// `None` where the credentials are what they are.
    target: Option<Target>,
    renewed: Mutex<Option<Instant>>,
}

/// How often the client was made anew before it was given out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Age(u64);

impl Credentials {
    pub(crate) async fn new(config: Config, target: &Target) -> Result<Self, Error> {
        let auth = &config.auth_info;
        let may_change = auth.exec.is_some() || auth.token_file.is_some() || auth.auth_provider.is_some();
        Ok(Self {
            current: RwLock::new((client(config).await?, Age::default())),
            target: may_change.then(|| target.clone()),
            renewed: Mutex::default(),
        })
    }

    /// A client that needs no others.
    pub(crate) fn fixed(client: Client) -> Self {
        Self {
            current: RwLock::new((client, Age::default())),
            target: None,
            renewed: Mutex::default(),
        }
    }

    pub(crate) fn client(&self) -> (Client, Age) {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The client with other credentials than those of this age, which were refused; `None` if there are none.
    pub(crate) async fn renewed(&self, refused: Age) -> Option<Client> {
        let target = self.target.as_ref()?;
        // Whoever is refused at the same time waits, and takes what the first one got.
        let mut renewed = self.renewed.lock().await;
        let (current, age) = self.client();
        if age != refused {
            return Some(current);
        }
        if renewed.is_some_and(|last| last.elapsed() < PAUSE) {
            return None;
        }
        *renewed = Some(Instant::now());
        // Whatever fails here, the refusal says what is wrong.
        let config = kubeconfig::way(target).await.ok()?.config;
        let client = client(config).await.ok()?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (client.clone(), Age(age.0 + 1));
        Some(client)
    }
}

async fn client(config: Config) -> Result<Client, Error> {
    let made = tokio::task::spawn_blocking(move || transport::client(&config)).await;
    made.map_err(|source| Error::Kubeconfig {
        problem: "the plugin for credentials was cut off".to_owned(),
        cure: "run the same command again".to_owned(),
        source: Some(Box::new(source)),
    })?
}
