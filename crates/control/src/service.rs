//! The controller: elected, then every loop at once.

use std::time::Duration;

use cluster::Cluster;
use jiff::Timestamp;
use objects::meta;
use serde_json::{Value, json};

use crate::clusters::Clusters;
use crate::error::Error;
use crate::hub::{Hub, MANAGER, builtin};
use crate::isolation;
use crate::leader::Candidate;
use crate::lease::Terms;
use crate::runner;
use crate::tenants::Tenants;

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
    pub clock: fn() -> Timestamp,
}

/// A controller.
#[derive(Debug)]
pub struct Service {
    hub: Hub,
    candidate: Candidate,
    check_every: Option<Duration>,
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
            hub,
            candidate,
            check_every,
            clock,
        })
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
                () = self.work() => {}
            }
        }
    }

    /// All loops; never returns.
    async fn work(&self) {
        let (clusters, known) = Clusters::new(self.hub.clone(), self.clock);
        let mut foundation = tenancy::foundation();
        foundation.extend(tenancy::guard::policies());
        let (tenants, triggers) = Tenants::new(foundation, known, self.clock);
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
        );
    }
}

async fn apply_namespace(hub: &Cluster, name: &str) -> Result<Value, Error> {
    let namespaces = builtin(hub, "v1", "Namespace").await?;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let how = cluster::Apply {
        manager: MANAGER,
        force: false,
        dry_run: false,
    };
    Ok(hub
        .apply(namespaces.at("", meta::name(&namespace)), &namespace, how)
        .await?)
}
