//! What the scheduler reads of a pod, parsed once.
//!
//! ```text
//! pod ──of──► Shape ──interned by the cache──► one entry for all pods of a template
//! ```
//!
//! Two pods of equal shape are the same to every rule, so a shape has no name, uid or status in it. What a field
//! means is decided elsewhere: `filter`, `score`, `preempt`.

pub mod node_affinity;
pub mod pod_affinity;
mod requests;
pub mod taint;

use std::sync::Arc;

use objects::labels::{self, Labels};
use objects::meta;
use serde_json::Value;

pub use requests::{Amounts, Requests};

use node_affinity::{NodeTerm, Preference};
use pod_affinity::{Affinity, Spread};
use taint::Toleration;

/// The protocol that a port has when it says none.
const TCP: &str = "TCP";

/// Everything about a pod that matters for where it goes, and where others go because of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shape {
    pub namespace: Arc<str>,
    pub labels: Labels,
    /// Deleted already: it still takes room, but spreading counts it no more.
    pub terminating: bool,
    pub priority: i64,
    /// `preemptionPolicy: Never`
    pub peaceful: bool,
    pub requests: Requests,
    pub ports: Vec<Port>,
    pub images: Vec<String>,
    /// `spec.nodeName` of a pod that asks for a node by name without being bound.
    pub node_selector: Vec<(String, String)>,
    pub required: Option<Vec<NodeTerm>>,
    pub preferred: Vec<Preference>,
    pub tolerations: Vec<Toleration>,
    pub affinity: Affinity,
    pub spread: Vec<Spread>,
    /// Claims by name, with whether they belong to the pod alone (generic ephemeral volumes).
    pub claims: Vec<(String, bool)>,
    /// Kind and name of the owner that controls it.
    pub owner: Option<(String, String)>,
}

/// A port of the node that a container wants for itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port {
    /// Empty for every address of the node.
    pub address: String,
    pub protocol: String,
    pub number: i64,
}

impl Port {
    /// Whether two pods with these ports can't share a node.
    #[must_use]
    pub fn conflicts(&self, other: &Port) -> bool {
        self.number == other.number
            && self.protocol == other.protocol
            && (self.address == other.address || self.address.is_empty() || other.address.is_empty())
    }
}

impl Shape {
    /// Reads a pod. What is missing or malformed asks for nothing.
    #[must_use]
    pub fn of(pod: &Value) -> Self {
        let labels = labels::labels(pod);
        let namespace = meta::namespace(pod);
        let tolerations = meta::list_at(pod, "/spec/tolerations");
        Self {
            namespace: Arc::from(namespace),
            terminating: meta::is_deleted(pod),
            priority: priority(pod),
            peaceful: meta::text_at(pod, "/spec/preemptionPolicy") == "Never",
            requests: Requests::of(pod),
            ports: ports(pod),
            images: images(pod),
            node_selector: node_affinity::selector(pod),
            required: node_affinity::required(pod),
            preferred: node_affinity::preferred(pod),
            tolerations: tolerations.iter().map(Toleration::of).collect(),
            affinity: Affinity::of(pod, namespace, &labels),
            spread: pod_affinity::spread(pod, &labels),
            claims: claims(pod),
            owner: owner(pod),
            labels,
        }
    }

    /// Whether it needs any room: one without requests is best effort.
    #[must_use]
    pub fn is_best_effort(&self) -> bool {
        self.requests.amounts.cpu == 0 && self.requests.amounts.memory == 0
    }
}

/// The priority of a pod, which admission has resolved from its class.
#[must_use]
pub fn priority(pod: &Value) -> i64 {
    meta::number_at(pod, "/spec/priority").unwrap_or_default()
}

/// The names of the claims that a pod mounts, and whether each is its own.
#[must_use]
pub fn claims(pod: &Value) -> Vec<(String, bool)> {
    let volumes = meta::list_at(pod, "/spec/volumes").iter();
    let claims = volumes.filter_map(|volume| {
        if let Some(claim) = volume.get("persistentVolumeClaim") {
            return Some((meta::text(claim, "claimName").to_owned(), false));
        }
        let own = || {
            (
                format!("{}-{}", meta::name(pod), meta::text(volume, "name")),
                true,
            )
        };
        volume.get("ephemeral").map(|_| own())
    });
    claims.collect()
}

fn owner(pod: &Value) -> Option<(String, String)> {
    let owner = meta::controller(pod)?;
    Some((
        meta::text(owner, "kind").to_owned(),
        meta::text(owner, "name").to_owned(),
    ))
}

/// Containers that keep running: the usual ones and sidecars.
fn running(pod: &Value) -> impl Iterator<Item = &Value> {
    let sidecars = meta::list_at(pod, "/spec/initContainers").iter();
    let sidecars = sidecars.filter(|one| meta::text(one, "restartPolicy") == "Always");
    meta::list_at(pod, "/spec/containers").iter().chain(sidecars)
}

fn ports(pod: &Value) -> Vec<Port> {
    let all = running(pod).flat_map(|container| meta::list_at(container, "/ports"));
    let wanted = all.filter_map(|port| {
        let number = port.get("hostPort").and_then(Value::as_i64)?;
        let address = meta::text(port, "hostIP");
        let protocol = meta::text(port, "protocol");
        (number > 0).then(|| Port {
            address: if address == "0.0.0.0" { "" } else { address }.to_owned(),
            protocol: if protocol.is_empty() { TCP } else { protocol }.to_owned(),
            number,
        })
    });
    wanted.collect()
}

/// Images by the names that nodes report: a name without a tag means `latest`.
fn images(pod: &Value) -> Vec<String> {
    let init = meta::list_at(pod, "/spec/initContainers");
    let all = init.iter().chain(meta::list_at(pod, "/spec/containers"));
    let names = all.map(|container| {
        let name = meta::text(container, "image");
        match (name.rfind(':'), name.rfind('/')) {
            (Some(colon), Some(slash)) if colon > slash => name.to_owned(),
            (Some(_), None) => name.to_owned(),
            _ => format!("{name}:latest"),
        }
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_image_without_a_tag_is_the_latest() {
        for (image, expected) in [
            ("nginx", "nginx:latest"),
            ("nginx:1", "nginx:1"),
            ("host:5000/nginx", "host:5000/nginx:latest"),
            ("host:5000/nginx:1", "host:5000/nginx:1"),
        ] {
            let pod = json!({"spec": {"containers": [{"image": image}]}});
            assert_eq!(images(&pod), [expected]);
        }
    }

    #[test]
    fn ports_conflict_on_the_same_or_any_address() {
        let port = |address: &str, protocol: &str, number| Port {
            address: address.to_owned(),
            protocol: protocol.to_owned(),
            number,
        };
        let one = port("10.0.0.1", "TCP", 80);
        for (other, expected) in [
            (port("", "TCP", 80), true),
            (port("10.0.0.1", "TCP", 80), true),
            (port("10.0.0.2", "TCP", 80), false),
            (port("", "UDP", 80), false),
            (port("", "TCP", 81), false),
        ] {
            assert_eq!(one.conflicts(&other), expected, "{other:?}");
            assert_eq!(other.conflicts(&one), expected, "{other:?}");
        }
    }
}
