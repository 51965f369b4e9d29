//! What is verified, and for what: the chart, and each stage with its values and its cluster.

use std::sync::Arc;

use chart::Chart;
use chart::functions::Host;
use chart::random::Seeded;
use chart::values::Map;
use jiff::Timestamp;
use jiff::civil::Date;
use kinds::{Cluster, Tenant};
use kubelet::{Behaviour, nodes};
use manifest::Finding;
use model::{Namespace, ReleaseName};
use release::record::Contents;
use serde_json::Value;

use crate::exceptions::Exceptions;
use crate::real::Real;

/// Nodes of a stage whose cluster is not known: larger than a release is likely to need, as nothing is known of them.
const NODES: usize = 6;
const CPU: &str = "64";
const MEMORY: &str = "512Gi";

/// A chart as a stage gets it.
#[derive(Clone, Debug)]
pub struct Stage {
    pub name: String,
    pub release: ReleaseName,
    pub namespace: Namespace,
    pub values: Map,
    /// The tenant that it belongs to: its quotas, policies and rights count then. Without one, the release is an
    /// administrator's.
    pub tenant: Option<kinds::Object<Tenant>>,
    pub target: Target,
    /// The cluster on which it is tried as L3, if it is.
    pub real: Option<Real>,
    /// What serves there now.
    pub live: Option<Live>,
    /// Whether users are there: then the rules for updates without an interruption count.
    pub serves_users: bool,
}

/// The cluster of a stage.
#[derive(Clone, Debug)]
pub struct Target {
    /// Kubernetes 1.`minor`.
    pub minor: u32,
    pub nodes: Vec<Value>,
    /// As the hub knows it, if it does.
    pub cluster: Option<kinds::Object<Cluster>>,
    /// What its containers do.
    pub behaviour: Arc<Behaviour>,
    /// What is there before the release: definitions of custom kinds, Secrets, classes.
    pub objects: Vec<Value>,
    /// Whether that is all there is. If not, kinds and classes that the chart names are taken to be there.
    pub is_known: bool,
}

/// What serves in a stage.
#[derive(Clone, Debug)]
pub enum Live {
    /// A chart with values, as in another commit.
    Chart { chart: Chart, values: Map },
    /// The release of a cluster, as its record says.
    Record(Box<Contents>),
}

/// What all stages share.
#[derive(Clone, Debug)]
pub struct Request {
    pub chart: Chart,
    pub stages: Vec<Stage>,
    /// What was found in its files already, as by lint.
    pub lint: Vec<Finding>,
    pub exceptions: Exceptions,
    pub checks: Checks,
    /// The day, for exceptions that end.
    pub today: Date,
    /// How long something may take to become ready, in the time of the mini cluster.
    pub timeout: std::time::Duration,
    /// Whether what the rehearsals leave is gathered.
    pub evidence: bool,
    /// Lets the mini clusters look at things in an order drawn from it.
    pub seed: u64,
}

impl Request {
    /// Whether a finding counts: it is asked for, and nobody lives with it.
    pub(crate) fn counts(&self, finding: &Finding) -> bool {
        self.checks.counts(finding.check) && self.exceptions.of(finding, self.today).is_none()
    }

    /// The same passwords and keys each time, so that the same chart comes to the same. Nobody uses them.
    pub(crate) fn host(&self) -> Host {
        let now = i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
        Host::new(now, Box::new(Seeded::new(self.seed)))
    }
}

/// Which checks count.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// Ids of those that don't.
    pub skip: Vec<String>,
    /// If there are any, none but these.
    pub only: Vec<String>,
}

impl Default for Target {
    fn default() -> Self {
        Self {
            minor: minicluster::schema::NEWEST_MINOR,
            nodes: nodes::fleet(
                NODES,
                &nodes::Shape {
                    cpu: CPU.to_owned(),
                    memory: MEMORY.to_owned(),
                    ..nodes::Shape::default()
                },
            ),
            cluster: None,
            behaviour: Arc::default(),
            objects: Vec::new(),
            is_known: false,
        }
    }
}
