//! What a change of the world means for the cache and for pods that wait.

use std::sync::Arc;

use objects::labels::Labels;
use objects::pod::is_finished;
use objects::{Change, Key, Kind, World, meta, time};
use serde_json::Value;

use crate::NAME;
use crate::cache::{Better, Placed, ShapeId, Slot};
use crate::decide::Scheduler;
use crate::filter::may_fit;
use crate::reason::Cause;
use crate::shape::{self, Shape};
use crate::wants::namespace_labels;

const EVERY_CAUSE: [Cause; 4] = [Cause::Nodes, Cause::Room, Cause::Volumes, Cause::Pods];

/// Whether a pod is to be scheduled by us.
pub fn is_pending(pod: &Value) -> bool {
    let scheduler = meta::text_at(pod, "/spec/schedulerName");
    meta::text_at(pod, "/spec/nodeName").is_empty()
        && (scheduler.is_empty() || scheduler == NAME)
        && !meta::is_deleted(pod)
        && !is_finished(pod)
}

impl Scheduler {
    /// Takes in a change and names the pods that are to be looked at because of it.
    pub(crate) fn take_in(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        let kind = &change.key.kind;
        if *kind == Kind::POD {
            self.take_pod(change, keys);
        } else if *kind == Kind::NODE {
            self.take_node(change, keys);
        } else if *kind == Kind::NAMESPACE {
            if change.changed("/metadata/labels") {
                let labels: Option<Labels> = change.new.map(namespace_labels);
                self.cache.set_namespace(&change.key.name, labels);
                keys.extend(self.queue.scout(&[Cause::Pods], |_| true));
            }
        } else if *kind == Kind::SERVICE {
            if change.changed("/spec/selector") {
                self.cache.renew();
            }
        } else if *kind == Kind::PERSISTENT_VOLUME_CLAIM {
            self.take_claim(world, change.key, keys);
        } else if (*kind == Kind::PERSISTENT_VOLUME || *kind == Kind::STORAGE_CLASS) && change.new.is_some() {
            keys.extend(self.queue.scout(&[Cause::Volumes], |_| true));
        }
    }

    /// Adds a pod to those that wait.
    pub(crate) fn enqueue(&mut self, key: &Key, pod: &Value) {
        let shape = Shape::of(pod);
        let priority = shape.priority;
        let id = self.cache.intern(shape);
        self.queue.add(key, id, priority);
        let nominated = meta::text_at(pod, "/status/nominatedNodeName");
        if !nominated.is_empty() {
            self.cache.nominate(key, id, Some(nominated));
        }
    }

    /// Forgets that a pod waits.
    pub(crate) fn drop_pod(&mut self, key: &Key) {
        self.refusals.remove(key);
        if self.reserved.remove(key).is_some() {
            self.cache.remove(key);
        }
        if let Some(id) = self.queue.remove(key) {
            self.cache.nominate(key, id, None);
            self.cache.release(id);
        }
    }

    fn take_pod(&mut self, change: &Change<'_>, keys: &mut Vec<Key>) {
        let key = change.key;
        match change.new {
            Some(pod) if is_pending(pod) => self.take_pending(key, pod, change, keys),
            Some(pod) if !meta::text_at(pod, "/spec/nodeName").is_empty() && !is_finished(pod) => {
                self.drop_pod(key);
                self.take_placed(key, pod, change, keys);
            }
            _ => {
                self.drop_pod(key);
                self.free(key, keys);
            }
        }
    }

    fn take_pending(&mut self, key: &Key, pod: &Value, change: &Change<'_>, keys: &mut Vec<Key>) {
        let replaced = change.old.is_some() && change.changed("/metadata/uid");
        if replaced {
            self.drop_pod(key);
            self.free(key, keys);
        } else if self.cache.pod(key).is_some() && !self.reserved.contains_key(key) {
            // Decided already; the binding is on its way.
            return;
        }
        if let Some(old) = self.queue.shape(key) {
            if !change.changed("/spec") && !change.changed("/metadata/labels") {
                return;
            }
            let ungated = meta::list_at(pod, "/spec/schedulingGates").is_empty();
            let same = **self.cache.shape(old) == Shape::of(pod);
            if same && !(ungated && change.changed("/spec/schedulingGates")) {
                return;
            }
            self.drop_pod(key);
        }
        self.enqueue(key, pod);
        keys.push(key.clone());
    }

    fn take_placed(&mut self, key: &Key, pod: &Value, change: &Change<'_>, keys: &mut Vec<Key>) {
        let node = meta::text_at(pod, "/spec/nodeName");
        let before = self.cache.pod(key).cloned();
        let started = time::parse(meta::text_at(pod, "/status/startTime"));
        if let Some(before) = &before {
            let here = *self.cache.node(before.slot).name == *node;
            let same = change.old.is_some()
                && !change.changed("/metadata/uid")
                && !change.changed("/metadata/labels")
                && change.old.is_some_and(meta::is_deleted) == meta::is_deleted(pod);
            if here && same && (before.assumed || !change.changed("/spec")) {
                self.cache.set_started(key, started);
                if before.assumed {
                    self.cache.confirm(key);
                    self.tell(before.shape, keys);
                }
                return;
            }
        }
        let shape = Shape::of(pod);
        let less = before.as_ref().is_some_and(|before| {
            let old = self.cache.shape(before.shape);
            *self.cache.node(before.slot).name != *node
                || (&old.requests, &old.ports) != (&shape.requests, &shape.ports)
        });
        let id = self.cache.intern(shape);
        let slot = before.as_ref().map_or(0, |before| before.slot);
        let placed = Placed {
            slot,
            shape: id,
            assumed: false,
            started,
        };
        self.cache.place(key, placed, node);
        self.cache.release(id);
        self.tell(id, keys);
        if let Some(before) = before.filter(|_| less) {
            self.make_use(before.slot, keys);
        }
    }

    /// A pod is gone: somebody may use its room.
    fn free(&mut self, key: &Key, keys: &mut Vec<Key>) {
        let Some(shape) = self
            .cache
            .pod(key)
            .map(|pod| Arc::clone(self.cache.shape(pod.shape)))
        else {
            return;
        };
        let Some(pod) = self.cache.remove(key) else { return };
        self.make_use(pod.slot, keys);
        let cache = &self.cache;
        keys.extend(
            self.queue
                .scout(&[Cause::Pods], |id| cache.concerns(cache.shape(id), &shape)),
        );
    }

    /// A pod came to a node: others may be waiting for its company, or may spread further.
    fn tell(&mut self, id: ShapeId, keys: &mut Vec<Key>) {
        let cache = &self.cache;
        let shape = cache.shape(id);
        keys.extend(
            self.queue
                .scout(&[Cause::Pods], |id| cache.concerns(cache.shape(id), shape)),
        );
    }

    /// There is room on a node.
    fn make_use(&mut self, slot: Slot, keys: &mut Vec<Key>) {
        let waiting: Vec<_> = self
            .cache
            .nominated(slot)
            .iter()
            .map(|(key, _)| key.clone())
            .collect();
        for key in waiting {
            if self.queue.activate(&key) {
                keys.push(key);
            }
        }
        let cache = &self.cache;
        let node = cache.node(slot);
        let causes = [Cause::Room, Cause::Volumes];
        if node.present {
            keys.extend(self.queue.scout(&causes, |id| may_fit(cache.shape(id), node)));
        }
    }

    fn take_node(&mut self, change: &Change<'_>, keys: &mut Vec<Key>) {
        let Some(node) = change.new else {
            self.cache.remove_node(&change.key.name);
            keys.extend(self.queue.scout(&[Cause::Pods], |_| true));
            return;
        };
        // Heartbeats change neither.
        let relevant = [
            "/metadata/labels",
            "/spec",
            "/status/allocatable",
            "/status/images",
        ];
        if !relevant.iter().any(|place| change.changed(place)) {
            return;
        }
        let (slot, better) = self.cache.put_node(node);
        if better == Better::default() {
            return;
        }
        keys.extend(self.queue.wake_all(Cause::Empty));
        self.make_use(slot, keys);
        let cache = &self.cache;
        let node = cache.node(slot);
        keys.extend(
            self.queue
                .scout(&EVERY_CAUSE, |id| may_fit(cache.shape(id), node)),
        );
        if better.rules {
            keys.extend(self.queue.scout(&[Cause::Pods], |_| true));
        }
    }

    fn take_claim(&mut self, world: &World, claim: &Key, keys: &mut Vec<Key>) {
        let reserved: Vec<_> = self
            .reserved
            .keys()
            .filter(|pod| pod.namespace == claim.namespace)
            .cloned()
            .collect();
        for key in reserved {
            let uses = world.get(&key).is_some_and(|pod| {
                let claims = shape::claims(pod);
                claims.iter().any(|(name, _)| **name == *claim.name)
            });
            if uses && self.queue.activate(&key) {
                keys.push(key);
            }
        }
        let cache = &self.cache;
        let uses = |id| {
            let shape: &Shape = cache.shape(id);
            *shape.namespace == *claim.namespace && shape.claims.iter().any(|(name, _)| **name == *claim.name)
        };
        keys.extend(self.queue.scout(&[Cause::Volumes, Cause::Pods], uses));
    }
}
