//! What pods use and ask for: the nodes' PodMetrics beside the pods' requests. In thousandths, as the API counts.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use objects::{Kind, Quantity, World, meta, time};
use serde_json::Value;

use crate::go_duration;

/// One pod's usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub milli: i64,
    pub at: Timestamp,
    /// The time that it was measured over.
    pub window: SignedDuration,
}

/// Usage by the names of pods.
pub(super) type Samples<'a> = BTreeMap<&'a str, Sample>;

/// Which resource of which container; of all containers for `None`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub resource: &'a str,
    pub container: Option<&'a str>,
}

/// Reads what the pods use.
///
/// # Errors
/// What the metrics API says when it is not there or has nothing to say.
pub(super) fn samples<'a>(
    world: &World,
    pods: &[&'a Value],
    wanted: Wanted<'_>,
) -> Result<Samples<'a>, String> {
    if !world.kinds().any(|kind| *kind == Kind::POD_METRICS) {
        let why = "unable to fetch metrics from resource metrics API: the server could not find the requested \
                   resource (get pods.metrics.k8s.io)";
        return Err(why.to_owned());
    }
    let mut samples = Samples::new();
    let mut any = false;
    for pod in pods {
        let (namespace, name) = (meta::namespace(pod), meta::name(pod));
        let Some(metrics) = world.find(&Kind::POD_METRICS, namespace, name) else {
            continue;
        };
        any = true;
        let containers = meta::list_at(metrics, "/containers");
        let milli = match wanted.container {
            Some(container) => {
                let one = containers.iter().find(|one| meta::text(one, "name") == container);
                let Some(one) = one else {
                    return Err(format!(
                        "failed to get container metrics: container {container} not present in metrics for pod \
                         {namespace}/{name}"
                    ));
                };
                amount(one, "usage", wanted.resource)
            }
            None => containers
                .iter()
                .map(|container| amount(container, "usage", wanted.resource))
                .sum::<Option<i64>>(),
        };
        if let Some(milli) = milli {
            let window = go_duration::parse(meta::text(metrics, "window"));
            let sample = Sample {
                milli,
                at: time::parse(meta::text(metrics, "timestamp")).unwrap_or_default(),
                window: window.unwrap_or(SignedDuration::from_mins(1)),
            };
            samples.insert(name, sample);
        }
    }
    if !any {
        return Err("no metrics returned from resource metrics API".to_owned());
    }
    Ok(samples)
}

/// What each pod asks for.
///
/// # Errors
/// Without a request of every container there is no share of it.
pub(super) fn requests<'a>(pods: &[&'a Value], wanted: Wanted<'_>) -> Result<BTreeMap<&'a str, i64>, String> {
    let mut requests = BTreeMap::new();
    for pod in pods {
        let whole = amount(&pod["spec"]["resources"], "requests", wanted.resource);
        let of_pod = match whole.filter(|_| wanted.container.is_none()) {
            Some(whole) => whole,
            None => of_containers(pod, wanted)?,
        };
        requests.insert(meta::name(pod), of_pod);
    }
    Ok(requests)
}

fn of_containers(pod: &Value, wanted: Wanted<'_>) -> Result<i64, String> {
    // Sidecars are init containers that go on running.
    let sidecars = meta::list_at(pod, "/spec/initContainers").iter();
    let sidecars = sidecars.filter(|container| container["restartPolicy"] == "Always");
    let containers = meta::list_at(pod, "/spec/containers").iter().chain(sidecars);
    let mut sum = 0_i64;
    for container in containers {
        let name = meta::text(container, "name");
        if wanted.container.is_some_and(|wanted| wanted != name) {
            continue;
        }
        let Some(request) = amount(&container["resources"], "requests", wanted.resource) else {
            let (resource, pod) = (wanted.resource, meta::name(pod));
            return Err(format!(
                "missing request for {resource} in container {name} of Pod {pod}"
            ));
        };
        sum = sum.saturating_add(request);
    }
    Ok(sum)
}

fn amount(holder: &Value, field: &str, resource: &str) -> Option<i64> {
    Quantity::of(holder.get(field)?.get(resource)?).map(Quantity::as_milli)
}
