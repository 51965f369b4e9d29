//! The loop of `Tenant`: every tenant has in every cluster what it was granted, and nothing is left of those that went.
//!
//! ```text
//! Tenants, Clusters ──► grant ──────────────┐
//! each cluster: foundation, watches ──► Live┴─► plan per cluster ──► perform ──► status
//! ```
//!
//! `live` holds what there is, `attend` watches it, `perform` writes, `report` says how it stands. What is decided, is
//! decided in `tenancy`.

mod attend;
mod live;
mod perform;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use cluster::Cluster;
use jiff::Timestamp;
use kinds::{Object, Tenant};
use serde_json::Value;
use tenancy::Grants;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

pub use attend::News;
use attend::{Teller, What};
pub(crate) use attend::{is_made_by_charts_too, resource};
use live::Live;
use perform::{Done, Site};

use crate::clusters::{AllKnown, Known};
use crate::runner::{Loop, Objects, Outcome};

/// While a Tenant has it, something of it may be left in a cluster.
pub const FINALIZER: &str = "shipway.dev/tenant";

/// How many news may wait. The watches wait with them, and the API servers keep what comes meanwhile.
const NEWS: usize = 256;

/// What the loop is told.
#[derive(Debug)]
pub enum Trigger {
    /// The clusters are others than before.
    Clusters,
    News(News),
}

/// The loop.
pub struct Tenants {
    clock: fn() -> Timestamp,
    /// What every cluster has once.
    foundation: Vec<Value>,
    known: watch::Receiver<AllKnown>,
    triggers: mpsc::Sender<Trigger>,
    tenants: Objects<Tenant>,
    grants: Arc<Grants>,
    attended: BTreeMap<String, Attended>,
}

/// A cluster that is looked at.
struct Attended {
    number: u64,
    connection: Cluster,
    live: Live,
    is_founded: bool,
    problem: String,
    task: AbortHandle,
}

impl Drop for Attended {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tenants {
    /// The loop, and the triggers to run it with.
    #[must_use]
    pub fn new(
        foundation: Vec<Value>,
        known: watch::Receiver<AllKnown>,
        clock: fn() -> Timestamp,
    ) -> (Self, mpsc::Receiver<Trigger>) {
        let (triggers, receiver) = mpsc::channel(NEWS);
        let mut changes = known.clone();
        let told = triggers.clone();
        tokio::spawn(async move {
            // Ends with the loop of clusters, or with this one.
            while changes.changed().await.is_ok() && told.send(Trigger::Clusters).await.is_ok() {}
        });
        let tenants = Self {
            clock,
            foundation,
            known,
            triggers,
            tenants: BTreeMap::new(),
            grants: Arc::default(),
            attended: BTreeMap::new(),
        };
        (tenants, receiver)
    }

    /// Decides anew what is granted, and says whose lot has changed.
    fn regrant(&mut self) -> BTreeSet<String> {
        let tenants: Vec<Object<Tenant>> = self
            .tenants
            .values()
            .map(|tenant| Object::clone(tenant))
            .collect();
        let known = self.known.borrow().clone();
        let clusters: Vec<_> = known.values().map(|known| Object::clone(&known.object)).collect();
        let grants = tenancy::grant(&tenants, &clusters);
        let changed = grants
            .tenants
            .iter()
            .filter(|(name, granted)| self.grants.tenants.get(*name) != Some(granted));
        let changed = changed.map(|(name, _)| name.clone()).collect();
        self.grants = Arc::new(grants);
        changed
    }

    /// Attends the clusters that there are now, and no others.
    fn attend(&mut self) {
        let known = self.known.borrow().clone();
        self.attended.retain(|name, _| known.contains_key(name));
        for (name, known) in known.iter() {
            let Some((number, connection)) = &known.way else {
                continue;
            };
            if self
                .attended
                .get(name)
                .is_some_and(|attended| attended.number == *number)
            {
                continue;
            }
            let attended = self.attended_anew(name, *number, connection);
            self.attended.insert(name.clone(), attended);
        }
    }

    fn attended_anew(&self, name: &str, number: u64, connection: &Cluster) -> Attended {
        let teller = Teller {
            cluster: name.to_owned(),
            number,
            triggers: self.triggers.clone(),
        };
        let attending = attend::attend(connection.clone(), self.foundation.clone(), teller);
        let task = tokio::spawn(attending);
        Attended {
            number,
            connection: connection.clone(),
            live: Live::default(),
            is_founded: false,
            problem: String::new(),
            task: task.abort_handle(),
        }
    }

    /// Takes note of news from a cluster, and says whose objects are others now.
    fn heard(&mut self, news: News) -> BTreeSet<String> {
        let Some(attended) = self.attended.get_mut(&news.cluster) else {
            return BTreeSet::new();
        };
        if attended.number != news.number {
            return BTreeSet::new();
        }
        let was_ready = attended.is_ready();
        let touched = match news.what {
            What::Founded => {
                attended.is_founded = true;
                attended.problem.clear();
                BTreeSet::new()
            }
            What::Seen(kind, event) => attended.live.take(&kind, event),
            What::Trouble(problem) => {
                attended.problem = problem;
                BTreeSet::new()
            }
        };
        match (was_ready, attended.is_ready()) {
            // Before that nothing is planned there; then it concerns everybody.
            (false, true) => self.tenants.keys().cloned().collect(),
            (true, true) => touched,
            _ => BTreeSet::new(),
        }
    }

    /// The clusters in which a tenant is to have something, or has.
    fn sites(&self, tenant: &Object<Tenant>) -> Vec<Site> {
        let known = self.known.borrow().clone();
        let name = &tenant.metadata.name;
        let concerned = known.iter().filter(|(cluster, _)| {
            let has = self
                .attended
                .get(*cluster)
                .is_some_and(|attended| attended.live.has_any_of(name));
            has || tenant.is_leaving() || tenancy::uses(tenant, cluster)
        });
        concerned
            .map(|(cluster, known)| self.site(tenant, cluster, known))
            .collect()
    }

    fn site(&self, tenant: &Object<Tenant>, cluster: &str, known: &Known) -> Site {
        let wanted = tenancy::wanted(tenant, &known.object);
        let names = wanted.iter().filter(|object| object["kind"] == "Namespace");
        let names: BTreeSet<String> = names
            .map(|object| objects::meta::name(object).to_owned())
            .collect();
        let attended = self.attended.get(cluster);
        let ready = attended.filter(|attended| attended.is_ready());
        let problem = match (ready, attended) {
            (Some(_), _) => String::new(),
            (None, _) if !known.problem.is_empty() => {
                format!("the cluster can't be reached: {}", known.problem)
            }
            (None, Some(attended)) if !attended.problem.is_empty() => attended.problem.clone(),
            (None, _) => "what it has is being read".to_owned(),
        };
        Site {
            cluster: cluster.to_owned(),
            connection: ready.map(|attended| attended.connection.clone()),
            problem,
            wanted,
            live: ready
                .map(|attended| attended.live.of(&tenant.metadata.name, &names))
                .unwrap_or_default(),
        }
    }
}

impl Attended {
    fn is_ready(&self) -> bool {
        self.is_founded && self.live.has_seen(&tenancy::KINDS)
    }
}

impl Loop for Tenants {
    type Kind = Tenant;
    type Trigger = Trigger;
    type Changes = Vec<Done>;

    fn changed(&mut self, objects: &Objects<Tenant>, name: &str) -> BTreeSet<String> {
        self.tenants.clone_from(objects);
        let mut names = self.regrant();
        names.insert(name.to_owned());
        names
    }

    fn triggered(&mut self, trigger: Trigger) -> BTreeSet<String> {
        match trigger {
            Trigger::Clusters => {
                self.attend();
                self.regrant();
                self.tenants.keys().cloned().collect()
            }
            Trigger::News(news) => self.heard(news),
        }
    }

    fn begin(
        &mut self,
        object: &Arc<Object<Tenant>>,
    ) -> impl Future<Output = Outcome<Tenant, Vec<Done>>> + Send + 'static {
        let tenant = Arc::clone(object);
        let grants = Arc::clone(&self.grants);
        let sites = self.sites(&tenant);
        let now = (self.clock)();
        async move {
            let name = tenant.metadata.name.as_str();
            let granted = match grants.tenants.get(name) {
                Some(granted) => granted,
                // It came after the last decision; that is looked at again at once.
                None => &Ok(Vec::new()),
            };
            let is_marked = tenant
                .metadata
                .finalizers
                .iter()
                .any(|finalizer| finalizer == FINALIZER);
            let done = match granted {
                // Nothing is made before it is sure that somebody will take it away again.
                _ if !is_marked && !tenant.is_leaving() => Vec::new(),
                Err(_) if !tenant.is_leaving() => Vec::new(),
                granted => {
                    futures::future::join_all(
                        permitted(sites, granted).map(|site| perform::perform(site, &tenant, now)),
                    )
                    .await
                }
            };
            report::outcome(&tenant, granted, is_marked, done, now)
        }
    }

    fn finished(&mut self, changes: Vec<Done>) {
        for done in changes {
            if let Some(attended) = self.attended.get_mut(&done.cluster) {
                done.written
                    .into_iter()
                    .for_each(|object| attended.live.written(object));
            }
        }
    }
}

/// The sites at which something may be done. Where the share is not granted yet, what is there stays.
fn permitted(
    sites: Vec<Site>,
    granted: &Result<Vec<tenancy::Share>, Vec<tenancy::Mistake>>,
) -> impl Iterator<Item = Site> {
    let waiting: BTreeSet<String> = match granted {
        Ok(shares) => shares
            .iter()
            .filter(|share| !share.granted)
            .map(|share| share.cluster.clone())
            .collect(),
        Err(_) => BTreeSet::new(),
    };
    sites.into_iter().map(move |mut site| {
        if waiting.contains(&site.cluster) && site.connection.take().is_some() {
            "its capacity is not known yet".clone_into(&mut site.problem);
        }
        site
    })
}

impl std::fmt::Debug for Tenants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tenants")
            .field("tenants", &self.tenants.len())
            .finish_non_exhaustive()
    }
}
