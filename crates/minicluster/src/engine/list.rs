//! The loops of a cluster: the one list of them.

use controllers::autoscaler::Autoscalers;
use controllers::cron_job::CronJobs;
use controllers::daemon_set::DaemonSets;
use controllers::deployment::Deployments;
use controllers::disruption::DisruptionBudgets;
use controllers::endpoints::{ClassicEndpoints, EndpointSlices};
use controllers::garbage::GarbageCollector;
use controllers::job::Jobs;
use controllers::leftovers::{EventExpiry, PodGarbage};
use controllers::namespaces::{Furniture, NamespaceDeletion};
use controllers::nodes::{NodeLifecycle, TaintEviction};
use controllers::replica_set::ReplicaSets;
use controllers::stateful_set::StatefulSets;
use controllers::ttl::FinishedJobs;
use controllers::volumes::VolumeBinder;
use objects::control::Loop;

/// Every loop; `authority` is the certificate that namespaces publish.
pub(crate) fn loops(authority: &str) -> Vec<Box<dyn Loop>> {
    let authority = authority.to_owned();
    vec![
        Box::new(Furniture { authority }),
        Box::new(NamespaceDeletion),
        Box::new(GarbageCollector),
        Box::new(Deployments),
        Box::new(ReplicaSets::new()),
        Box::new(ReplicaSets::of_replication_controllers()),
        Box::<DaemonSets>::default(),
        Box::new(StatefulSets),
        Box::<Jobs>::default(),
        Box::<CronJobs>::default(),
        Box::<Autoscalers>::default(),
        Box::new(FinishedJobs),
        Box::new(EndpointSlices),
        Box::new(ClassicEndpoints),
        Box::new(DisruptionBudgets),
        Box::new(VolumeBinder),
        Box::new(NodeLifecycle),
        Box::new(TaintEviction),
        Box::<PodGarbage>::default(),
        Box::new(EventExpiry),
    ]
}
