//! What pods of a shape ask about other pods, as tallies and columns of the cache.
//!
//! It is found out once for a shape and kept until services, namespaces or forgotten tallies make it stale.

use std::sync::Arc;

use objects::{Kind, Selector, World, labels, meta};

use crate::cache::{Cache, Selection, ShapeId, TallyId};
use crate::shape::Shape;
use crate::shape::pod_affinity::{Pods, Spread};

const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// How pods of a service or owner are spread when they don't say: softly, by host and zone.
const USUAL_SPREAD: [(&str, i64); 2] = [(HOSTNAME, 3), (ZONE, 5)];

/// What pods of one shape ask about other pods.
#[derive(Debug, Default)]
pub struct Wants {
    pub hard: Vec<Constraint>,
    pub soft: Vec<Constraint>,
    /// Soft constraints are the pod's own: nodes without one of their labels are not compared.
    pub own_soft: bool,
    pub near: Option<Near>,
    /// Columns and tallies of pods that must not be near.
    pub far: Vec<(usize, TallyId)>,
    /// Weights, columns and tallies of pods that are better near, or far if negative.
    pub preferred: Vec<(i64, usize, TallyId)>,
}

/// A spread constraint.
#[derive(Debug)]
pub struct Constraint {
    pub column: usize,
    pub tally: TallyId,
    pub max_skew: i64,
    pub min_domains: i64,
    /// The pod itself is among those that are spread.
    pub own: bool,
    /// Each node is a domain.
    pub host: bool,
    pub honor_affinity: bool,
    pub honor_taints: bool,
}

/// Required affinity.
#[derive(Debug)]
pub struct Near {
    /// The pods that meet all terms.
    pub tally: TallyId,
    pub columns: Vec<usize>,
    /// The pod meets its own terms: so the first one of a group can go anywhere.
    pub own: bool,
}

impl Wants {
    /// Finds out what a shape asks for, or takes what was found out before.
    pub fn of(cache: &mut Cache, world: &World, id: ShapeId) -> Arc<Self> {
        if let Some(wants) = cache.wants(id) {
            return wants;
        }
        let shape = Arc::clone(cache.shape(id));
        let wants = Arc::new(Self::find(cache, world, &shape));
        cache.set_wants(id, &wants);
        wants
    }

    fn find(cache: &mut Cache, world: &World, shape: &Shape) -> Self {
        let mut wants = Self {
            own_soft: !shape.spread.is_empty(),
            ..Self::default()
        };
        let usual = if shape.spread.is_empty() {
            usual_spread(world, shape)
        } else {
            Vec::new()
        };
        for spread in shape.spread.iter().chain(&usual) {
            let constraint = constraint(cache, shape, spread);
            if spread.hard {
                &mut wants.hard
            } else {
                &mut wants.soft
            }
            .push(constraint);
        }
        let affinity = &shape.affinity;
        let one = |pods: &Pods| Selection {
            living: false,
            all: vec![pods.clone()],
        };
        if !affinity.required.is_empty() {
            let selection = Selection {
                living: false,
                all: affinity.required.iter().map(|term| term.pods.clone()).collect(),
            };
            wants.near = Some(Near {
                tally: cache.tally(&selection),
                columns: affinity
                    .required
                    .iter()
                    .map(|term| cache.column(&term.topology))
                    .collect(),
                own: cache.selects(&selection, shape),
            });
        }
        for term in &affinity.avoided {
            let column = cache.column(&term.topology);
            wants.far.push((column, cache.tally(&one(&term.pods))));
        }
        for (weight, term) in &affinity.preferred {
            let column = cache.column(&term.topology);
            wants
                .preferred
                .push((*weight, column, cache.tally(&one(&term.pods))));
        }
        wants
    }
}

fn constraint(cache: &mut Cache, shape: &Shape, spread: &Spread) -> Constraint {
    let selection = Selection {
        living: true,
        all: vec![Pods {
            namespaces: vec![shape.namespace.to_string()],
            namespace_selector: None,
            selector: spread.selector.clone(),
        }],
    };
    Constraint {
        column: cache.column(&spread.topology),
        tally: cache.tally(&selection),
        max_skew: spread.max_skew,
        min_domains: spread.min_domains,
        own: spread.selector.matches(&shape.labels),
        host: spread.topology == HOSTNAME,
        honor_affinity: spread.honor_affinity,
        honor_taints: spread.honor_taints,
    }
}

/// The constraints of a pod that has none of its own, if a service or an owner selects it.
fn usual_spread(world: &World, shape: &Shape) -> Vec<Spread> {
    let mut selector = Selector::default();
    for service in world.list(&Kind::SERVICE, &shape.namespace) {
        let of = Selector::from_map(&service["spec"]["selector"]);
        if !of.is_empty() && of.matches(&shape.labels) {
            selector = selector.and(of);
        }
    }
    if let Some(of) = owner_selector(world, shape) {
        selector = selector.and(of);
    }
    if selector.is_empty() {
        return Vec::new();
    }
    let all = USUAL_SPREAD.iter().map(|(topology, max_skew)| Spread {
        topology: (*topology).to_owned(),
        max_skew: *max_skew,
        min_domains: 1,
        hard: false,
        selector: selector.clone(),
        honor_affinity: true,
        honor_taints: false,
    });
    all.collect()
}

fn owner_selector(world: &World, shape: &Shape) -> Option<Selector> {
    let (kind, name) = shape.owner.as_ref()?;
    let of = |kind: Kind| {
        world
            .find(&kind, &shape.namespace, name)
            .map(|owner| &owner["spec"]["selector"])
    };
    match kind.as_str() {
        "ReplicationController" => of(Kind::REPLICATION_CONTROLLER).map(Selector::from_map),
        "ReplicaSet" => of(Kind::REPLICA_SET).map(Selector::from_json),
        "StatefulSet" => of(Kind::STATEFUL_SET).map(Selector::from_json),
        _ => None,
    }
}

/// The labels of a namespace, for the cache.
#[must_use]
pub fn namespace_labels(namespace: &serde_json::Value) -> labels::Labels {
    let mut labels = labels::labels(namespace);
    // The API server sets this label on every namespace; selectors by name rely on it.
    labels
        .entry("kubernetes.io/metadata.name".to_owned())
        .or_insert_with(|| meta::name(namespace).to_owned());
    labels
}
