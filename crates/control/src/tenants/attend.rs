//! Attending a cluster: what every cluster has once is applied, then all that tenants have there is watched.
//!
//! The foundation is applied anew with every new connection and every ten minutes, which puts it back when somebody has
//! changed it.

use std::time::Duration;

use cluster::{Apply, Cluster, Event, ListQuery};
use objects::{Kind, meta};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Trigger;
use crate::error::Error;
use stdx::chain;
use tenancy::names::FIELD_MANAGER;

/// How long the foundation is left alone.
const FOUNDATION: Duration = Duration::from_secs(600);

/// The wait after the first failure, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What the loop is told of a cluster.
#[derive(Debug)]
pub struct News {
    pub(crate) cluster: String,
    /// Which connection it is about.
    pub(crate) number: u64,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// What every cluster has once is there.
    Founded,
    Seen(Kind, Event),
    /// It can't be looked at.
    Trouble(String),
}

/// Somebody to tell.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    pub cluster: String,
    pub number: u64,
    pub triggers: mpsc::Sender<Trigger>,
}

impl Teller {
    async fn tell(&self, what: What) {
        let news = News {
            cluster: self.cluster.clone(),
            number: self.number,
            what,
        };
        // Nobody listens any more: then this ends as well.
        drop(self.triggers.send(Trigger::News(news)).await);
    }
}

/// Attends a cluster until it is dropped.
pub(crate) async fn attend(cluster: Cluster, foundation: Vec<Value>, teller: Teller) {
    let mut watches = JoinSet::new();
    for kind in tenancy::KINDS {
        watches.spawn(watch(cluster.clone(), kind.clone(), teller.clone()));
    }
    let mut wait = FIRST_WAIT;
    loop {
        match found(&cluster, &foundation).await {
            Ok(()) => {
                wait = FIRST_WAIT;
                teller.tell(What::Founded).await;
                sleep(FOUNDATION).await;
            }
            Err(error) => {
                let problem = chain(&error);
                tracing::warn!(cluster = %teller.cluster, %problem, "the foundation could not be applied");
                teller.tell(What::Trouble(problem)).await;
                sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
}

async fn found(cluster: &Cluster, foundation: &[Value]) -> Result<(), Error> {
    let how = Apply {
        manager: FIELD_MANAGER,
        force: true,
        dry_run: false,
    };
    for object in foundation {
        let resource = resource(cluster, &Kind::of(object)).await?;
        let at = resource.at(meta::namespace(object), meta::name(object));
        cluster.apply(at, object, how).await?;
    }
    Ok(())
}

async fn watch(cluster: Cluster, kind: Kind, teller: Teller) {
    let mut wait = FIRST_WAIT;
    loop {
        let error = match resource(&cluster, &kind).await {
            Ok(resource) => {
                // A namespace that is nobody's is in the way of a tenant that would have its name.
                let query = match kind == Kind::NAMESPACE || is_made_by_charts_too(&kind) {
                    true => ListQuery::default(),
                    false => ListQuery::labelled(tenancy::names::TENANT_LABEL),
                };
                let mut watch = cluster.watch(&resource, None, &query, "");
                loop {
                    match watch.next().await {
                        Ok(event) => {
                            wait = FIRST_WAIT;
                            teller.tell(What::Seen(kind.clone(), event)).await;
                        }
                        Err(error) => break Error::from(error),
                    }
                }
            }
            Err(error) => error,
        };
        let problem = chain(&error);
        tracing::warn!(cluster = %teller.cluster, %kind, %problem, "a kind can't be watched");
        teller.tell(What::Trouble(problem)).await;
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Whether charts and members make objects of the kind too, which have to go when their namespace leaves: rights for
/// outsiders, and openings of the network.
pub(crate) fn is_made_by_charts_too(kind: &Kind) -> bool {
    matches!(kind.name.as_ref(), "NetworkPolicy" | "RoleBinding")
}

/// How the cluster serves a kind of which there is only `v1`.
pub(crate) async fn resource(cluster: &Cluster, kind: &Kind) -> Result<cluster::Resource, Error> {
    let version = match kind.group.as_ref() {
        "" => "v1".to_owned(),
        group => format!("{group}/v1"),
    };
    let found = cluster.resource(&version, &kind.name).await?;
    found.ok_or_else(|| Error::NotServed {
        name: format!("{} ({version})", kind.name),
    })
}
