//! Claims of a pod: what must be bound first, where bound volumes can be reached, and which volumes a node offers
//! to claims that wait for their first consumer.
//!
//! Storage capacity that drivers publish and limits of attached volumes are not looked at.

use std::collections::BTreeSet;
use std::sync::Arc;

use objects::{Key, Kind, Quantity, Selector, World, labels, meta};
use serde_json::{Value, json};

use crate::cache::{Cache, Node};
use crate::reason::{Reason, Rejection};
use crate::shape::Shape;
use crate::shape::node_affinity::{self, Labels, NodeTerm};

/// The annotation by which a provisioner learns where a volume is wanted.
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
/// The provisioner of classes whose volumes somebody else makes.
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";
/// Labels of volumes that say where they can be reached, as drivers set them before node affinity existed.
const ZONE_LABELS: [&str; 4] = [
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];
/// Zones of a volume that is in several.
const ZONE_SEPARATOR: &str = "__";

/// The claims of a pod, read once.
#[derive(Debug, Default)]
pub struct Volumes {
    bound: Vec<Bound>,
    loose: Vec<Loose>,
    /// A claim for one pod alone is used by another pod.
    in_use: bool,
    /// Names of claims for one pod alone.
    alone: Vec<String>,
}

#[derive(Debug)]
struct Bound {
    /// The volume is there.
    present: bool,
    terms: Option<Vec<NodeTerm>>,
    zones: Vec<(String, String)>,
}

/// A claim that gets its volume when its pod has a node.
#[derive(Debug)]
struct Loose {
    key: Key,
    /// Volumes that would do, the smallest first, with the nodes they can be reached from.
    offers: Vec<(String, Option<Vec<NodeTerm>>)>,
    /// A volume can be made, on nodes with labels that one of these terms allows.
    provisioned: bool,
    allowed: Vec<Vec<(String, Vec<String>)>>,
}

/// What a claim gets on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A volume by name.
    Take { claim: Key, volume: String },
    /// A new volume.
    Make { claim: Key },
}

impl Volumes {
    /// Reads the claims of a pod.
    ///
    /// # Errors
    ///
    /// What is wrong with them, if no node could take the pod for that.
    pub fn of(cache: &Cache, world: &World, shape: &Shape, pod: &Key) -> Result<Self, String> {
        let mut volumes = Self::default();
        if shape.claims.is_empty() {
            return Ok(volumes);
        }
        let mut immediate = false;
        for (name, own) in &shape.claims {
            let key = Key::new(Kind::PERSISTENT_VOLUME_CLAIM, &shape.namespace, name);
            let claim = world.get(&key).ok_or_else(|| missing(name, *own))?;
            complain(claim, name)?;
            if *own && !belongs(claim, world, pod) {
                return Err(format!(
                    "PVC {}/{name} was not created for pod {}/{} (pod is not owner)",
                    shape.namespace, shape.namespace, pod.name
                ));
            }
            let volume = meta::text_at(claim, "/spec/volumeName");
            if !volume.is_empty() && is_bound(claim) {
                volumes.bound.push(Bound::of(world, volume));
            } else if let Some(class) = late_class(world, claim).filter(|_| volume.is_empty()) {
                volumes.loose.push(Loose::of(world, key, claim, class));
            } else {
                immediate = true;
            }
            if modes(claim).any(|mode| mode == "ReadWriteOncePod") {
                volumes.alone.push(name.clone());
            }
        }
        if immediate {
            return Err("pod has unbound immediate PersistentVolumeClaims".to_owned());
        }
        volumes.loose.sort_by_key(|claim| claim.offers.len());
        volumes.look_again(cache, shape);
        Ok(volumes)
    }

    /// Looks again at which claims other pods use.
    pub fn look_again(&mut self, cache: &Cache, shape: &Shape) {
        let used = |claim: &String| cache.claim_users(&shape.namespace, claim) > 0;
        self.in_use = self.alone.iter().any(used);
    }

    /// Whether a node can reach the volumes.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn check(&self, node: &Node) -> Result<(), Rejection> {
        if self.bound.is_empty() && self.loose.is_empty() {
            return Ok(());
        }
        if self.in_use {
            return Err(Rejection::resolvable(Reason::ClaimInUse));
        }
        let mut reasons = Vec::new();
        let reached = |bound: &&Bound| {
            let terms = bound.terms.as_ref();
            terms.is_none_or(|terms| node_affinity::any_matches(terms, &node.name, &node.labels))
        };
        if !self.bound.iter().all(|bound| reached(&bound)) {
            reasons.push(Reason::VolumeAffinity);
        }
        if self.choose(node).is_none() {
            reasons.push(Reason::NoVolume);
        }
        if self.bound.iter().any(|bound| !bound.present) {
            reasons.push(Reason::VolumeMissing);
        }
        if reasons.is_empty()
            && !self
                .bound
                .iter()
                .all(|bound| in_zones(&bound.zones, &node.labels))
        {
            reasons.push(Reason::VolumeZone);
        }
        if reasons.is_empty() {
            return Ok(());
        }
        Err(Rejection {
            reasons,
            resolvable: false,
        })
    }

    /// What each claim that still needs a volume gets on a node; `None` when one gets nothing.
    #[must_use]
    pub fn choose(&self, node: &Node) -> Option<Vec<Choice>> {
        let mut taken = BTreeSet::new();
        let mut choices = Vec::new();
        for claim in &self.loose {
            let reached = |terms: &Option<Vec<NodeTerm>>| {
                let terms = terms.as_ref();
                terms.is_none_or(|terms| node_affinity::any_matches(terms, &node.name, &node.labels))
            };
            let free =
                |(name, terms): &&(String, Option<Vec<NodeTerm>>)| !taken.contains(name) && reached(terms);
            if let Some((name, _)) = claim.offers.iter().find(free) {
                taken.insert(name.clone());
                choices.push(Choice::Take {
                    claim: claim.key.clone(),
                    volume: name.clone(),
                });
            } else if claim.provisioned && claim.allows(&node.labels) {
                choices.push(Choice::Make {
                    claim: claim.key.clone(),
                });
            } else {
                return None;
            }
        }
        Some(choices)
    }
}

impl Choice {
    /// The object to change, and the change: a volume learns its claim, a claim its node.
    #[must_use]
    pub fn patch(&self, world: &World, node: &str) -> (Key, Value) {
        match self {
            Self::Take { claim, volume } => {
                let object = world.get(claim).map(Arc::as_ref).unwrap_or(&Value::Null);
                let reference = json!({
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "namespace": claim.namespace.as_ref(),
                    "name": claim.name.as_ref(),
                    "uid": meta::uid(object),
                    "resourceVersion": meta::resource_version(object),
                });
                let patch = json!({
                    "metadata": {"annotations": {"pv.kubernetes.io/bound-by-controller": "yes"}},
                    "spec": {"claimRef": reference},
                });
                (Key::new(Kind::PERSISTENT_VOLUME, "", volume), patch)
            }
            Self::Make { claim } => {
                let patch = json!({"metadata": {"annotations": {SELECTED_NODE: node}}});
                (claim.clone(), patch)
            }
        }
    }
}

impl Bound {
    fn of(world: &World, name: &str) -> Self {
        let Some(volume) = world.find(&Kind::PERSISTENT_VOLUME, "", name) else {
            return Self {
                present: false,
                terms: None,
                zones: Vec::new(),
            };
        };
        let labels = labels::labels(volume);
        let zones = ZONE_LABELS
            .iter()
            .filter_map(|label| Some(((*label).to_owned(), labels.get(*label)?.clone())));
        Self {
            present: true,
            terms: reach(volume),
            zones: zones.collect(),
        }
    }
}

impl Loose {
    fn of(world: &World, key: Key, claim: &Value, class: &Value) -> Self {
        let wanted = size(claim.pointer("/spec/resources/requests/storage"));
        let selector = claim.pointer("/spec/selector").map(Selector::from_json);
        let mut offers = Vec::new();
        for volume in world.all(&Kind::PERSISTENT_VOLUME) {
            let offered = size(volume.pointer("/spec/capacity/storage"));
            let fits = meta::text_at(volume, "/spec/storageClassName") == meta::name(class)
                && offered >= wanted
                && is_free(volume, &key)
                && volume_mode(volume) == volume_mode(claim)
                && modes(claim).all(|mode| modes(volume).any(|one| one == mode))
                && selector.as_ref().is_none_or(|selector| selector.selects(volume));
            if fits {
                offers.push((offered, meta::name(volume).to_owned(), reach(volume)));
            }
        }
        offers.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        let provisioner = meta::text(class, "provisioner");
        Self {
            key,
            offers: offers.into_iter().map(|(_, name, terms)| (name, terms)).collect(),
            provisioned: !provisioner.is_empty() && provisioner != NO_PROVISIONER,
            allowed: meta::list_at(class, "/allowedTopologies")
                .iter()
                .map(topology)
                .collect(),
        }
    }

    fn allows(&self, labels: &Labels) -> bool {
        let met = |(key, values): &(String, Vec<String>)| {
            labels.get(key).is_some_and(|value| values.contains(value))
        };
        self.allowed.is_empty() || self.allowed.iter().any(|term| term.iter().all(met))
    }
}

fn missing(name: &str, own: bool) -> String {
    if own {
        return format!(
            "waiting for ephemeral volume controller to create the persistentvolumeclaim \"{name}\""
        );
    }
    format!("persistentvolumeclaim \"{name}\" not found")
}

fn complain(claim: &Value, name: &str) -> Result<(), String> {
    if meta::text_at(claim, "/status/phase") == "Lost" {
        let volume = meta::text_at(claim, "/spec/volumeName");
        return Err(format!(
            "persistentvolumeclaim \"{name}\" bound to non-existent persistentvolume \"{volume}\""
        ));
    }
    if meta::is_deleted(claim) {
        return Err(format!("persistentvolumeclaim \"{name}\" is being deleted"));
    }
    Ok(())
}

fn belongs(claim: &Value, world: &World, pod: &Key) -> bool {
    world
        .get(pod)
        .is_none_or(|pod| meta::is_controlled_by(claim, meta::uid(pod)))
}

/// Whether both sides know of each other.
fn is_bound(claim: &Value) -> bool {
    meta::text_at(claim, "/status/phase") == "Bound"
        || meta::annotation(claim, "pv.kubernetes.io/bind-completed").is_some()
}

/// The class of a claim that is bound only when its pod has a node.
fn late_class<'a>(world: &'a World, claim: &Value) -> Option<&'a Value> {
    let name = meta::text_at(claim, "/spec/storageClassName");
    let class = world.find(&Kind::STORAGE_CLASS, "", name)?;
    (meta::text(class, "volumeBindingMode") == "WaitForFirstConsumer").then_some(class.as_ref())
}

fn is_free(volume: &Value, claim: &Key) -> bool {
    let reference = volume.pointer("/spec/claimRef");
    let ours = |reference: &Value| {
        meta::text(reference, "namespace") == claim.namespace.as_ref()
            && meta::text(reference, "name") == claim.name.as_ref()
    };
    match reference.filter(|one| one.is_object()) {
        Some(reference) => ours(reference),
        None => matches!(meta::text_at(volume, "/status/phase"), "Available" | ""),
    }
}

fn volume_mode(object: &Value) -> &str {
    match meta::text_at(object, "/spec/volumeMode") {
        "" => "Filesystem",
        mode => mode,
    }
}

fn modes(object: &Value) -> impl Iterator<Item = &str> {
    meta::list_at(object, "/spec/accessModes")
        .iter()
        .filter_map(Value::as_str)
}

fn size(quantity: Option<&Value>) -> i64 {
    quantity.and_then(Quantity::of).unwrap_or_default().as_whole()
}

fn reach(volume: &Value) -> Option<Vec<NodeTerm>> {
    node_affinity::terms(volume.pointer("/spec/nodeAffinity/required")?)
}

fn topology(term: &Value) -> Vec<(String, Vec<String>)> {
    let all = meta::list_at(term, "/matchLabelExpressions").iter();
    all.map(|one| {
        let values = meta::list_at(one, "/values").iter().filter_map(Value::as_str);
        (
            meta::text(one, "key").to_owned(),
            values.map(str::to_owned).collect(),
        )
    })
    .collect()
}

/// Whether a node is in the zones of a volume; a node without zones is in all.
fn in_zones(zones: &[(String, String)], node: &Labels) -> bool {
    let zoned = ZONE_LABELS.iter().any(|label| node.contains_key(*label));
    let inside = |(label, value): &(String, String)| {
        node.get(label)
            .is_some_and(|zone| value.split(ZONE_SEPARATOR).any(|one| one == zone))
    };
    !zoned || zones.iter().all(inside)
}
