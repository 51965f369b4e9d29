//! The loops of a cluster: the one list of them.

use std::sync::Arc;

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
use kubelet::{Behaviour, Heartbeat, Kubelet, Meter, Nodes, Sampler, Telling};
use objects::control::Loop;
use scheduler::Scheduler;
use serde_json::Value;

use crate::node::Processes;

/// Above this, a start of all pods would write more events than pods.
const MANY_NODES: usize = 200;

/// Every loop; `authority` is the certificate that namespaces publish.
pub(crate) fn loops(
    authority: &str,
    nodes: Vec<Value>,
    (behaviour, meter): (&Arc<Behaviour>, Option<Arc<dyn Meter>>),
    seed: Option<u64>,
    processes: Option<Processes>,
) -> Vec<Box<dyn Loop>> {
    let authority = authority.to_owned();
    let heartbeat = Heartbeat::for_nodes(nodes.len());
    let telling = if nodes.len() > MANY_NODES {
        Telling::Warnings
    } else {
        Telling::Everything
    };
    let mut loops: Vec<Box<dyn Loop>> = vec![
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
        Box::new(Scheduler::new(seed.unwrap_or_default())),
        Box::new(Nodes::new(nodes, Arc::clone(behaviour), Some(heartbeat))),
        Box::new(Kubelet::new(Arc::clone(behaviour), telling)),
    ];
    if let Some(meter) = meter {
        loops.push(Box::new(Sampler::new(meter)));
    }
    if let Some(processes) = processes {
        // The last one: the engine wakes it when something happens to a process.
        loops.push(Box::new(Kubelet::on(processes, telling)));
    }
    loops
}
