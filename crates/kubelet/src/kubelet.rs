//! The kubelets of all nodes of one sort, as one control loop over pods: simulated ones, or those of a [`Host`].
//!
//! ```text
//! pod, node, or what a pod waits for changes ──► the pod's key ──► machine::step ──► status patch, events, delete
//! ```
//!
//! Which nodes it serves stands on the nodes, as an annotation, so it needs no list of them. What it remembers is
//! which pods wait for what, and what was told already: losing it costs a few repeated events, nothing else.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use objects::control::{Action, Event, Identity, Loop, Plan};
use objects::pod::is_finished;
use objects::{Change, Key, Kind, World, meta};
use serde_json::{Value, json};

use crate::address::Addresses;
use crate::behaviour::Behaviour;
use crate::machine::{self, Look, Outcome, Seen};
use crate::simulated::{Pulled, Simulated};
use crate::{nodes, pod};

/// Which events are worth a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Telling {
    /// All that a kubelet tells: about four for a pod that starts.
    #[default]
    Everything,
    /// Warnings only, for clusters of very many pods.
    Warnings,
}

/// Runs the pods of some nodes.
pub trait Host: Send {
    /// Whether it runs the pods of a node, which is not silent.
    fn serves(&self, node: &Value, now: Timestamp) -> bool;

    /// Looks at a pod with its runtime: [`machine::step`] and nothing else.
    fn look(&mut self, look: Look<'_>) -> Outcome;

    /// A pod is gone: whatever it had may go.
    fn forget(&mut self, pod: &Value);

    /// A pod has its address in its status.
    fn addressed(&mut self, _pod: &Value) {}
}

/// Serves the pods of all nodes of a host; simulated ones by default.
#[derive(Debug)]
pub struct Kubelet<H = Simulation> {
    host: H,
    telling: Telling,
    seen: HashMap<Key, Seen>,
    /// Pods by the missing object that they wait for, and the other way round.
    waiting: HashMap<Key, BTreeSet<Key>>,
    awaits: HashMap<Key, Vec<Key>>,
}

/// The host of simulated nodes.
#[derive(Debug, Default)]
pub struct Simulation {
    behaviour: Arc<Behaviour>,
    pulled: Pulled,
    addresses: Addresses,
}

impl Host for Simulation {
    fn serves(&self, node: &Value, now: Timestamp) -> bool {
        nodes::is_simulated(node) && !nodes::is_down(node, &self.behaviour, now)
    }

    fn look(&mut self, look: Look<'_>) -> Outcome {
        let mut runtime = Simulated {
            world: look.world,
            node: look.node,
            behaviour: &self.behaviour,
            pulled: &mut self.pulled,
            addresses: &mut self.addresses,
        };
        machine::step(look, &mut runtime)
    }

    fn forget(&mut self, pod: &Value) {
        self.addresses.forget(meta::uid(pod));
    }

    fn addressed(&mut self, pod: &Value) {
        self.addresses.forget(meta::uid(pod));
    }
}

impl Kubelet {
    /// The kubelets of simulated nodes.
    #[must_use]
    pub fn new(behaviour: Arc<Behaviour>, telling: Telling) -> Self {
        let host = Simulation {
            behaviour,
            ..Simulation::default()
        };
        Self::on(host, telling)
    }
}

impl<H: Host> Kubelet<H> {
    /// The kubelets of a host's nodes.
    #[must_use]
    pub fn on(host: H, telling: Telling) -> Self {
        Self {
            host,
            telling,
            seen: HashMap::new(),
            waiting: HashMap::new(),
            awaits: HashMap::new(),
        }
    }

    fn plan(&self, key: &Key, pod: &Value, outcome: Outcome) -> Plan {
        let mut plan = Plan {
            actions: Vec::new(),
            again: outcome.again,
        };
        if !outcome.status.is_empty() {
            // Another writer may have been quicker: then nothing is written and the pod is looked at again.
            let metadata = json!({"uid": meta::uid(pod), "resourceVersion": meta::resource_version(pod)});
            plan.push(Action::Patch {
                key: key.clone(),
                subresource: Some("status"),
                patch: json!({"metadata": metadata, "status": outcome.status}),
            });
        }
        let worth = |event: &Event| event.warning || self.telling == Telling::Everything;
        let events = outcome.events.into_iter().filter(worth);
        plan.actions.extend(events.map(Action::Record));
        if outcome.gone {
            plan.push(Action::Delete {
                key: key.clone(),
                uid: Some(meta::uid(pod).to_owned()),
                grace: Some(0),
                propagation: None,
            });
        }
        plan
    }

    fn await_all(&mut self, pod: &Key, awaits: Vec<Key>) {
        for old in self.awaits.remove(pod).unwrap_or_default() {
            if let Some(pods) = self.waiting.get_mut(&old) {
                pods.remove(pod);
                if pods.is_empty() {
                    self.waiting.remove(&old);
                }
            }
        }
        for key in &awaits {
            self.waiting.entry(key.clone()).or_default().insert(pod.clone());
        }
        if !awaits.is_empty() {
            self.awaits.insert(pod.clone(), awaits);
        }
    }

    fn forget(&mut self, key: &Key) {
        self.seen.remove(key);
        self.await_all(key, Vec::new());
    }
}

impl<H: Host> Loop for Kubelet<H> {
    fn identity(&self) -> Identity {
        nodes::IDENTITY
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        let key = change.key;
        if key.kind == Kind::POD {
            if change.new.is_some_and(|pod| !pod::node(pod).is_empty()) {
                keys.push(key.clone());
            } else if let Some(old) = change.old.filter(|_| change.new.is_none()) {
                self.host.forget(old);
                self.forget(key);
            }
        } else if key.kind == Kind::NODE {
            let fields = ["/metadata/annotations", "/status/addresses", "/spec/podCIDR"];
            if change.new.is_some() && fields.iter().any(|field| change.changed(field)) {
                let pods = world.on_node(&key.name);
                keys.extend(pods.map(|pod| Key::of(Kind::POD, pod)));
            }
        } else if let Some(pods) = self.waiting.get(key) {
            keys.extend(pods.iter().cloned());
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some(pod) = world.get(key) else {
            self.forget(key);
            return Plan::nothing();
        };
        let node = world.find(&Kind::NODE, "", pod::node(pod));
        let Some(node) = node.filter(|node| self.host.serves(node, now)) else {
            return Plan::nothing();
        };
        let look = Look {
            key,
            pod,
            node,
            world,
            now,
            before: self.seen.get(key).copied(),
        };
        let mut outcome = self.host.look(look);
        if meta::at(pod, "/status/podIP").is_some() {
            self.host.addressed(pod);
        }
        let awaits = std::mem::take(&mut outcome.awaits);
        if is_finished(pod) || outcome.gone {
            self.forget(key);
        } else {
            let seen = Seen {
                at: now,
                deleted: meta::is_deleted(pod),
                starting: outcome.starting,
            };
            self.seen.insert(key.clone(), seen);
            if !awaits.is_empty() || self.awaits.contains_key(key) {
                self.await_all(key, awaits);
            }
        }
        self.plan(key, pod, outcome)
    }
}
