//! The controller: elected, then every loop at once.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use artifact::{SigningKey, Store, Trusted};
use cluster::Cluster;
use jiff::Timestamp;
use source::Git;
use source::forge::Link;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::artifacts::{self, Artifacts};
use crate::audit::AuditLog;
use crate::clusters::{AllKnown, Clusters, Known};
use crate::deliveries;
use crate::deliveries::shelf::Shelf;
use crate::desk::Desk;
use crate::error::Error;
use crate::homes;
use crate::hub::{Hub, MANAGER, apply_namespace};
use crate::isolation;
use crate::kept::kept;
use crate::leader::Candidate;
use crate::lease::Terms;
use crate::publisher::Publisher;
use crate::runner;
use crate::sites::Sites;
use crate::sources::{self, Sources};
use crate::tenants::Tenants;
use crate::verifications::{self, Verifications};
use crate::webhooks::Webhooks;

/// The Lease of the loops.
const LEASE: &str = "shipway-controller";

/// What a controller is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster with the custom resources.
    pub hub: Cluster,
    /// Where the controller's own objects are, the Lease among them.
    pub namespace: String,
    /// Who this replica is: another name for every run.
    pub identity: String,
    pub terms: Terms,
    /// Whether it installs the kinds, or brings them up to date, when it starts.
    pub installs: bool,
    /// How often the isolation of the tenants is checked; never if there is none.
    pub check_every: Option<Duration>,
    /// What it needs to verify and publish charts; without it, sources and what comes of them are left alone.
    pub charts: Option<Charts>,
    pub clock: fn() -> Timestamp,
}

/// What charts are looked at, verified and published with.
#[derive(Clone, Debug)]
pub struct Charts {
    /// Where clones of repositories are kept. Only one controller may use it at a time; it may be deleted when none does.
    pub cache: PathBuf,
    pub git: Git,
    pub link: Link,
    pub store: Store,
    /// What this controller signs with.
    pub key: Arc<SigningKey>,
    /// Whose statements count; the key's own public part is one of them.
    pub trusted: Arc<Trusted>,
    /// The queue that tells of what others published.
    pub queue: Option<Queues>,
    /// How often the store is looked through for what no event told of.
    pub sweep: Duration,
    /// How often what is deployed is looked at: whether it is ready, and as it was applied.
    pub look: Duration,
}

/// A queue, and where what fails goes.
#[derive(Clone, Debug)]
pub struct Queues {
    pub queue: Arc<dyn artifact::queue::Queue>,
    pub dead: Option<Arc<dyn artifact::queue::Queue>>,
}

/// A controller.
#[derive(Debug)]
pub struct Service {
    namespace: String,
    charts: Option<Charts>,
    hub: Hub,
    candidate: Candidate,
    check_every: Option<Duration>,
    known: watch::Sender<AllKnown>,
    clock: fn() -> Timestamp,
}

impl Service {
    /// Prepares the hub: its namespace, and the kinds if it is to install them.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn start(options: Options) -> Result<Self, Error> {
        let Options {
            hub,
            namespace,
            identity,
            terms,
            installs,
            check_every,
            charts,
            clock,
        } = options;
        let candidate = Candidate {
            hub: hub.clone(),
            namespace: namespace.clone(),
            lease: LEASE.to_owned(),
            me: identity,
            terms,
            clock,
        };
        let hub = Hub::new(hub);
        if installs {
            apply_namespace(hub.cluster(), &namespace).await?;
            hub.install(&kinds::crds()).await?;
        }
        Ok(Self {
            namespace,
            charts,
            hub,
            candidate,
            check_every,
            known: watch::Sender::default(),
            clock,
        })
    }

    /// How many requests were sent to each cluster, over the connection that there is now.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<String, u64> {
        let known = self.known.borrow();
        let count = |known: &Known| known.way.as_ref().map_or(0, |(_, cluster)| cluster.requests());
        known
            .iter()
            .map(|(name, known)| (name.clone(), count(known)))
            .collect()
    }

    /// What receives webhooks, whether this replica leads or not.
    #[must_use]
    pub fn webhooks(&self) -> Webhooks {
        Webhooks::new(self.hub.clone(), self.clock)
    }

    /// Where people's requests are done, whether this replica leads or not.
    #[must_use]
    pub fn desk(&self) -> Desk {
        Desk::open(self.hub.clone(), &self.namespace, self.clock)
    }

    /// Runs until `stop` is ready, then lets the lead go.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = stop => {}
            () = self.lead() => {}
        }
        self.candidate.let_go().await;
    }

    /// Works whenever it leads; never returns.
    async fn lead(&self) {
        loop {
            self.candidate.win().await;
            tokio::select! {
                biased;
                () = self.candidate.keep() => tracing::warn!("the lead is lost"),
                // Boxed: all loops together are large, and a caller may hold this future on its stack.
                () = Box::pin(self.work()) => {}
            }
        }
    }

    /// All loops; never returns.
    async fn work(&self) {
        let clusters = Clusters::new(self.hub.clone(), self.clock, self.known.clone());
        let known = self.known.subscribe();
        let mut foundation = tenancy::foundation();
        foundation.extend(tenancy::guard::policies());
        let (tenants, triggers) = Tenants::new(foundation, known.clone(), self.clock);
        // The clusters are told nothing but by the hub.
        let (_nobody, nothing) = tokio::sync::mpsc::channel(1);
        let check = async {
            if let Some(every) = self.check_every {
                isolation::stand(self.hub.clone(), every, self.clock).await;
            }
        };
        tokio::join!(
            runner::run(self.hub.clone(), clusters, nothing),
            runner::run(self.hub.clone(), tenants, triggers),
            check,
            Box::pin(self.charts(known)),
        );
    }

    /// The loops from a repository to an Artifact; never returns.
    async fn charts(&self, known: watch::Receiver<AllKnown>) {
        let Some(charts) = &self.charts else {
            return std::future::pending().await;
        };
        let (hub, clock) = (self.hub.clone(), self.clock);
        let (keep_applications, applications) = kept(&hub);
        let (keep_verifications, verifications) = kept(&hub);
        let (keep_tenants, tenants) = kept(&hub);
        let (keep_sources, sources) = kept(&hub);
        let (keep_stages, stages) = kept(&hub);
        let (keep_artifacts, artifacts) = kept(&hub);
        let sites = Sites::new(
            hub.clone(),
            charts.cache.clone(),
            charts.git.clone(),
            charts.link.clone(),
        );
        let publisher = Publisher {
            hub: hub.clone(),
            store: charts.store.clone(),
            key: Arc::clone(&charts.key),
            trusted: Arc::clone(&charts.trusted),
            applications: applications.clone(),
            name: format!("{MANAGER} of {}", self.namespace),
        };
        let (of_sources, triggers) = Sources::new(sources::Around {
            hub: hub.clone(),
            sites: sites.clone(),
            applications: applications.clone(),
            verifications,
            tenants: tenants.clone(),
            identity: self.namespace.clone(),
            clock,
        });
        let (audit, keep_audit) = AuditLog::open(hub.clone(), &self.namespace);
        // A replica that is started again may be called as before, and is another one to whoever looks at a hold of the last.
        let follows = format!("{MANAGER}/{}/", self.namespace);
        let of_deliveries = deliveries::Around {
            hub: hub.clone(),
            shelf: Shelf::new(
                charts.store.clone(),
                Arc::clone(&charts.trusted),
                sites.clone(),
                sources.clone(),
            ),
            known: known.clone(),
            key: Arc::clone(&charts.key),
            audit,
            look: charts.look,
            namespace: self.namespace.clone(),
            process: format!("{follows}{}@{}", self.candidate.me, clock().as_millisecond()),
            follows,
            clock,
        };
        let room = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let of_verifications = Verifications {
            around: verifications::Around {
                hub: hub.clone(),
                sites,
                sources,
                applications,
                tenants: tenants.clone(),
                stages,
                artifacts: artifacts.clone(),
                known,
                publisher: publisher.clone(),
                room: Arc::new(Semaphore::new(room)),
                clock,
            },
        };
        let of_artifacts = Artifacts {
            publisher: publisher.clone(),
            clock,
        };
        let (_nobody, nothing) = mpsc::channel(1);
        let (_nobody_either, nothing_either) = mpsc::channel(1);
        tokio::join!(
            keep_applications.run(),
            keep_verifications.run(),
            keep_tenants.run(),
            keep_sources.run(),
            keep_stages.run(),
            keep_artifacts.run(),
            homes::run(hub.clone(), tenants),
            runner::run(hub.clone(), of_sources, triggers),
            runner::run(hub.clone(), of_verifications, nothing),
            runner::run(hub, of_artifacts, nothing_either),
            keep_audit,
            deliveries::run(of_deliveries),
            artifacts::sweep(publisher.clone(), artifacts, charts.sweep),
            artifacts::listen(publisher, charts.queue.clone()),
        );
    }
}
