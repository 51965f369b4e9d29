//! The election: replicas follow until the Lease is free, one works while it renews.
//!
//! ```text
//! win ──free──► work ∥ keep ──lost──► win      work is dropped where it is, because everything it does
//!                            └─stopped─► let go      may be done twice
//! ```

use std::time::Duration;

use cluster::{Cluster, Error, Resource, Why, Write};
use jiff::Timestamp;
use objects::meta;
use serde_json::{Value, json};
use stdx::chain;
use tokio::time::{Instant, sleep};

use crate::lease::{self, Move, Terms};

/// A replica that would lead.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub hub: Cluster,
    /// Where the Lease is.
    pub namespace: String,
    pub lease: String,
    /// Another one for every run of every replica.
    pub me: String,
    pub terms: Terms,
    pub clock: fn() -> Timestamp,
}

/// The Lease as it was last seen to change.
struct Seen {
    lease: Option<Value>,
    since: Instant,
}

/// What came of a look.
enum Turn {
    Leading,
    Following(String),
}

impl Candidate {
    /// Lets the Lease go, so that the next replica leads at once. Failing to do so costs it the wait, and nothing else.
    pub async fn let_go(&self) {
        if let Err(error) = self.try_let_go().await {
            tracing::warn!(error = %chain(&error), "the lease could not be let go");
        }
    }

    async fn try_let_go(&self) -> Result<(), Error> {
        let Some((leases, present)) = self.read().await? else {
            return Ok(());
        };
        if let Some(free) = lease::let_go(&present, &self.me) {
            let at = leases.at(&self.namespace, &self.lease);
            self.hub.update(at, &free, Write::default()).await?;
        }
        Ok(())
    }

    /// Looks until it leads.
    pub async fn win(&self) {
        let mut seen = None;
        let mut leader = String::new();
        loop {
            match self.turn(&mut seen).await {
                Ok(Turn::Leading) => {
                    tracing::info!(lease = %self.lease, me = %self.me, "leading");
                    return;
                }
                Ok(Turn::Following(holder)) => {
                    if holder != leader {
                        tracing::info!(%holder, "following");
                    }
                    leader = holder;
                }
                Err(error) => tracing::warn!(error = %chain(&error), "the election could not be looked at"),
            }
            sleep(self.terms.retry).await;
        }
    }

    /// Renews until that failed for too long or somebody else leads.
    pub async fn keep(&self) {
        let mut renewed = Instant::now();
        let mut seen = None;
        loop {
            sleep(self.terms.retry).await;
            let left = self.terms.renew.saturating_sub(renewed.elapsed());
            let asked = Instant::now();
            match tokio::time::timeout(left.max(Duration::from_millis(1)), self.turn(&mut seen)).await {
                Ok(Ok(Turn::Leading)) => renewed = asked,
                Ok(Ok(Turn::Following(_))) => return,
                Ok(Err(error)) => tracing::warn!(error = %chain(&error), "the lease could not be renewed"),
                Err(_) => return,
            }
            if renewed.elapsed() >= self.terms.renew {
                return;
            }
        }
    }

    /// Looks once, and does what follows.
    async fn turn(&self, seen: &mut Option<Seen>) -> Result<Turn, Error> {
        let Some(leases) = self.hub.resource("coordination.k8s.io/v1", "Lease").await? else {
            return Ok(Turn::Following("nobody: the hub serves no Leases".to_owned()));
        };
        let at = leases.at(&self.namespace, &self.lease);
        let present = self.hub.get(at).await?;
        let is_same = |old: &Seen| version(old.lease.as_ref()) == version(present.as_ref());
        let since = seen
            .as_ref()
            .filter(|old| is_same(old))
            .map_or_else(Instant::now, |old| old.since);
        let decided = lease::decide(
            present.as_ref(),
            since.elapsed(),
            &self.me,
            (self.terms, (self.clock)()),
        );
        let holder = present
            .as_ref()
            .map(|lease| meta::text(&lease["spec"], "holderIdentity").to_owned());
        *seen = Some(Seen {
            lease: present,
            since,
        });
        let written = match decided {
            Move::Follow => return Ok(Turn::Following(holder.unwrap_or_default())),
            Move::Update(next) => self.hub.update(at, &next, Write::default()).await,
            Move::Create(mut next) => {
                next["apiVersion"] = json!("coordination.k8s.io/v1");
                next["kind"] = json!("Lease");
                next["metadata"] = json!({"name": self.lease, "namespace": self.namespace});
                self.hub.create(at, &next, Write::default()).await
            }
        };
        match written {
            Ok(_) => Ok(Turn::Leading),
            Err(error) if matches!(error.why(), Some(Why::Conflict | Why::Exists)) => {
                Ok(Turn::Following("another replica".to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    async fn read(&self) -> Result<Option<(Resource, Value)>, Error> {
        let Some(leases) = self.hub.resource("coordination.k8s.io/v1", "Lease").await? else {
            return Ok(None);
        };
        let present = self.hub.get(leases.at(&self.namespace, &self.lease)).await?;
        Ok(present.map(|present| (leases, present)))
    }
}

fn version(lease: Option<&Value>) -> &str {
    lease.map(meta::resource_version).unwrap_or_default()
}
