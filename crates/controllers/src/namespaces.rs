//! Namespaces: furnished while they are there, emptied and let go when they are deleted.
//!
//! ```text
//! active      ──► ServiceAccount `default`, ConfigMap `kube-root-ca.crt`
//! terminating ──► pods first, then everything else ──► conditions while something stays ──► finalize
//! ```

use std::collections::BTreeMap;

use jiff::Timestamp;
use objects::condition::{self, Condition};
use objects::control::{Action, Identity, Loop, Plan};
use objects::{Change, Key, Kind, World, meta};
use serde_json::{Value, json};

/// How many objects are deleted in one go; the rest follows when these have happened.
const MAX_AT_ONCE: usize = 500;

const ROOT_CERTIFICATE: &str = "kube-root-ca.crt";

/// Empties namespaces that are deleted.
#[derive(Debug, Default)]
pub struct NamespaceDeletion;

/// Keeps what every namespace has.
#[derive(Debug)]
pub struct Furniture {
    /// The CA of the API server, as PEM.
    pub authority: String,
}

impl Loop for NamespaceDeletion {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:namespace-controller",
            manager: "kube-controller-manager",
            component: "namespace-controller",
        }
    }

    fn touched(&mut self, world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        let key = if change.key.kind == Kind::NAMESPACE {
            change.key.clone()
        } else {
            Key::new(Kind::NAMESPACE, "", &change.key.namespace)
        };
        if world
            .get(&key)
            .is_some_and(|namespace| meta::is_deleted(namespace))
        {
            keys.push(key);
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        match world.get(key) {
            Some(namespace) if meta::is_deleted(namespace) => empty(world, key, namespace, now),
            _ => Plan::nothing(),
        }
    }
}

fn empty(world: &World, key: &Key, namespace: &Value, now: Timestamp) -> Plan {
    let kubernetes = |one: &Value| one == "kubernetes";
    if !meta::list_at(namespace, "/spec/finalizers")
        .iter()
        .any(kubernetes)
    {
        return Plan::nothing();
    }
    let mut actions = Vec::new();
    let mut remaining: BTreeMap<String, usize> = BTreeMap::new();
    let mut finalizers: BTreeMap<String, usize> = BTreeMap::new();
    let pods_left = world.list(&Kind::POD, &key.name).next().is_some();
    for kind in world.kinds() {
        for object in world.list(kind, &key.name) {
            let resource = format!("{}.{}", world.plural(kind).unwrap_or_default(), kind.group);
            *remaining.entry(resource).or_default() += 1;
            for finalizer in meta::list_at(object, "/metadata/finalizers") {
                let finalizer = finalizer.as_str().unwrap_or_default().to_owned();
                *finalizers.entry(finalizer).or_default() += 1;
            }
            // Pods go before what they may need to end well.
            let its_turn = *kind == Kind::POD || !pods_left;
            if its_turn && !meta::is_deleted(object) && actions.len() < MAX_AT_ONCE {
                actions.push(Action::delete(Key::of(kind.clone(), object), object));
            }
        }
    }
    if remaining.is_empty() {
        let mut done = namespace.clone();
        let rest = meta::list_at(namespace, "/spec/finalizers")
            .iter()
            .filter(|one| !kubernetes(one));
        done["spec"]["finalizers"] = rest.cloned().collect();
        return Plan::of(vec![Action::UpdatePart(Kind::NAMESPACE, "finalize", done)]);
    }
    if actions.is_empty() {
        // Everything left is on its way: tell what is waited for.
        actions.extend(report(namespace, &remaining, &finalizers, now));
    }
    Plan::of(actions)
}

/// The conditions of a namespace that does not go yet, if they are news.
fn report(
    namespace: &Value,
    remaining: &BTreeMap<String, usize>,
    finalizers: &BTreeMap<String, usize>,
    now: Timestamp,
) -> Option<Action> {
    let list = |counts: &BTreeMap<String, usize>, what: &str| {
        let parts: Vec<String> = counts
            .iter()
            .map(|(name, count)| format!("{name}{what}{count} resource instances"))
            .collect();
        parts.join(", ")
    };
    let content = format!("Some resources are remaining: {}", list(remaining, " has "));
    let held = format!(
        "Some content in the namespace has finalizers remaining: {}",
        list(finalizers, " in ")
    );
    let conditions = [
        (
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        (
            "NamespaceContentRemaining",
            "True",
            "SomeResourcesRemain",
            content.as_str(),
        ),
        if finalizers.is_empty() {
            (
                "NamespaceFinalizersRemaining",
                "False",
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            )
        } else {
            (
                "NamespaceFinalizersRemaining",
                "True",
                "SomeFinalizersRemain",
                held.as_str(),
            )
        },
    ];
    let mut all = meta::list_at(namespace, "/status/conditions").to_vec();
    let mut news = false;
    for (kind, status, reason, message) in conditions {
        news |= condition::set(
            &mut all,
            Condition {
                kind,
                status,
                reason,
                message,
            },
            now,
        );
    }
    news.then(|| {
        let mut changed = namespace.clone();
        changed["status"]["conditions"] = Value::Array(all);
        Action::UpdateStatus(Kind::NAMESPACE, changed)
    })
}

impl Loop for Furniture {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:service-account-controller",
            manager: "kube-controller-manager",
            component: "service-account-controller",
        }
    }

    fn touched(&mut self, _world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        match &change.key.kind {
            kind if *kind == Kind::NAMESPACE => keys.push(change.key.clone()),
            kind if *kind == Kind::SERVICE_ACCOUNT && &*change.key.name == "default" => {
                keys.push(of(change.key));
            }
            kind if *kind == Kind::CONFIG_MAP && &*change.key.name == ROOT_CERTIFICATE => {
                keys.push(of(change.key));
            }
            _ => {}
        }
    }

    fn decide(&mut self, world: &World, key: &Key, _now: Timestamp) -> Plan {
        let Some(namespace) = world.get(key) else {
            return Plan::nothing();
        };
        if meta::is_deleted(namespace) {
            return Plan::nothing();
        }
        let mut actions = Vec::new();
        if world.find(&Kind::SERVICE_ACCOUNT, &key.name, "default").is_none() {
            actions.push(Action::Create(json!({
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": "default", "namespace": &*key.name},
            })));
        }
        let root = world.find(&Kind::CONFIG_MAP, &key.name, ROOT_CERTIFICATE);
        match root {
            None => actions.push(Action::Create(json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": ROOT_CERTIFICATE,
                    "namespace": &*key.name,
                    "annotations": {"kubernetes.io/description": DESCRIPTION},
                },
                "data": {"ca.crt": self.authority},
            }))),
            Some(root) if meta::text_at(root, "/data/ca.crt") != self.authority => {
                actions.push(Action::Patch {
                    key: Key::of(Kind::CONFIG_MAP, root),
                    subresource: None,
                    patch: json!({"data": {"ca.crt": self.authority}}),
                });
            }
            Some(_) => {}
        }
        Plan::of(actions)
    }
}

const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal \
    endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
    distributions of Kubernetes clusters.";

fn of(key: &Key) -> Key {
    Key::new(Kind::NAMESPACE, "", &key.namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace() -> Value {
        json!({"metadata": {"name": "n", "deletionTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "1"},
               "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Terminating"}})
    }

    fn object(name: &str) -> Value {
        json!({"metadata": {"name": name, "namespace": "n", "uid": name}})
    }

    fn decide(objects: &[(Kind, Value)]) -> Plan {
        let mut world = World::default();
        world.serve([(Kind::POD, "pods".to_owned())]);
        let key = Key::new(Kind::NAMESPACE, "", "n");
        world.put(&key, namespace());
        for (kind, object) in objects {
            world.put(&Key::of(kind.clone(), object), object.clone());
        }
        NamespaceDeletion.decide(&world, &key, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn pods_go_first_and_the_namespace_last() {
        let both = [(Kind::SECRET, object("s")), (Kind::POD, object("p"))];
        let deleted = |plan: Plan| -> Vec<String> {
            let name = |action| match action {
                Action::Delete { key, .. } => key.to_string(),
                other => format!("{other:?}"),
            };
            plan.actions.into_iter().map(name).collect()
        };
        assert_eq!(deleted(decide(&both)), ["Pod n/p"]);
        assert_eq!(deleted(decide(&both[..1])), ["Secret n/s"]);
        let plan = decide(&[]);
        let [Action::UpdatePart(_, "finalize", done)] = plan.actions.as_slice() else {
            panic!("{plan:?}");
        };
        assert_eq!(done["spec"]["finalizers"], json!([]));
    }

    #[test]
    fn what_stays_is_told_once() {
        let mut pod = object("p");
        pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        pod["metadata"]["finalizers"] = json!(["a/b"]);
        let plan = decide(&[(Kind::POD, pod.clone())]);
        let [Action::UpdateStatus(_, told)] = plan.actions.as_slice() else {
            panic!("{plan:?}");
        };
        let message =
            |kind| meta::text(condition::find(told, kind).expect("the condition"), "message").to_owned();
        assert_eq!(
            message("NamespaceContentRemaining"),
            "Some resources are remaining: pods. has 1 resource instances"
        );
        assert_eq!(
            message("NamespaceFinalizersRemaining"),
            "Some content in the namespace has finalizers remaining: a/b in 1 resource instances"
        );
        let mut world = World::default();
        world.serve([(Kind::POD, "pods".to_owned())]);
        let key = Key::new(Kind::NAMESPACE, "", "n");
        world.put(&key, told.clone());
        world.put(&Key::of(Kind::POD, &pod), pod);
        let again = NamespaceDeletion.decide(&world, &key, Timestamp::UNIX_EPOCH);
        assert_eq!(again, Plan::nothing());
    }
}
