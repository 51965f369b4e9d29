//! The loop of `Cluster`: whether each answers, which version it is, what its nodes have to give; and the connections that
//! the other loops use.
//!
//! The kubeconfig's Secret is read with every look, so rotated credentials count after half a minute at most.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::{Cluster, Files, Limits, ListQuery, Target};
use jiff::Timestamp;
use kinds::condition::{self, Condition, READY, reason};
use kinds::{Capacity, ClusterSpec, ClusterStatus, Kubeconfig, Object};
use model::Diagnose as _;
use objects::{Quantity, Units, meta};
use serde_json::Value;
use stdx::chain;
use tokio::sync::watch;

use crate::error::Error;
use crate::hub::{Hub, builtin};
use crate::runner::{Again, Loop, Objects, Outcome};

/// How often a cluster is asked whether it is there.
const LOOK: Duration = Duration::from_secs(30);

/// How long a cluster may take to answer that. One that is slower is of no use to a release either.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tries of one request to a target: what fails longer is for the loop's own retry, which does not hold a place.
const TRIES: u32 = 4;

/// A cluster as the other loops see it.
#[derive(Clone, Debug)]
pub struct Known {
    pub object: Arc<Object<kinds::Cluster>>,
    /// The way to it, with a number that is another one for every other way; `None` while there is none.
    pub way: Option<(u64, Cluster)>,
    /// Why there is none, or why it does not answer; empty when it does.
    pub problem: String,
}

/// All clusters by name.
pub type AllKnown = Arc<BTreeMap<String, Known>>;

/// The loop.
#[derive(Debug)]
pub struct Clusters {
    hub: Hub,
    clock: fn() -> Timestamp,
    ways: BTreeMap<String, Way>,
    /// The number of the last way.
    last: u64,
    publish: watch::Sender<AllKnown>,
}

#[derive(Clone, Debug)]
pub(crate) struct Way {
    number: u64,
    /// The resourceVersion of the Secret it came from; empty for the hub itself.
    version: String,
    cluster: Cluster,
}

/// What one look found.
#[derive(Debug)]
pub struct Found {
    name: String,
    status: ClusterStatus,
    way: Option<(String, Cluster)>,
    problem: String,
}

impl Clusters {
    /// The loop, and where it publishes; it begins with nothing.
    #[must_use]
    pub fn new(hub: Hub, clock: fn() -> Timestamp, publish: watch::Sender<AllKnown>) -> Self {
        publish.send_replace(AllKnown::default());
        Self {
            hub,
            clock,
            ways: BTreeMap::new(),
            last: 0,
            publish,
        }
    }
}

impl Loop for Clusters {
    type Kind = kinds::Cluster;
    type Trigger = ();
    type Changes = Found;

    fn changed(&mut self, objects: &Objects<kinds::Cluster>, name: &str) -> BTreeSet<String> {
        let Some(object) = objects.get(name).cloned() else {
            self.ways.remove(name);
            self.publish
                .send_modify(|known| drop(Arc::make_mut(known).remove(name)));
            return BTreeSet::new();
        };
        self.publish.send_modify(|known| {
            let known = Arc::make_mut(known);
            match known.get_mut(name) {
                Some(known) => known.object = object,
                None => {
                    let new = Known {
                        object,
                        way: None,
                        problem: "it was not looked at yet".to_owned(),
                    };
                    known.insert(name.to_owned(), new);
                }
            }
        });
        BTreeSet::from([name.to_owned()])
    }

    fn triggered(&mut self, (): ()) -> BTreeSet<String> {
        BTreeSet::new()
    }

    fn begin(
        &mut self,
        object: &Arc<Object<kinds::Cluster>>,
    ) -> impl Future<Output = Outcome<kinds::Cluster, Found>> + Send + 'static {
        let object = Arc::clone(object);
        let hub = self.hub.clone();
        let way = self.ways.get(&object.metadata.name).cloned();
        let clock = self.clock;
        async move {
            let looked = tokio::time::timeout(PATIENCE, look(&hub, &object, way)).await;
            let looked = looked.unwrap_or_else(|_| {
                let problem = format!("it did not answer within {} s", PATIENCE.as_secs());
                Err((
                    None,
                    problem,
                    "look at its API server and at the network between".to_owned(),
                ))
            });
            let (way, seen) = match looked {
                Ok((way, seen)) => (Some(way), Ok(seen)),
                Err((way, problem, cure)) => (way, Err((problem, cure))),
            };
            let status = status(&object, seen.as_ref(), clock());
            let found = Found {
                name: object.metadata.name.clone(),
                status: status.clone(),
                way,
                problem: seen.err().map(|(problem, _)| problem).unwrap_or_default(),
            };
            Outcome {
                status,
                finalizers: None,
                changes: found,
                again: Again::After(LOOK),
            }
        }
    }

    fn finished(&mut self, found: Found) {
        let Found {
            name,
            status,
            way,
            problem,
        } = found;
        if let Some((version, cluster)) = way {
            let known = self.ways.get(&name).filter(|way| way.version == version);
            if known.is_none() {
                self.last += 1;
                let number = self.last;
                self.ways.insert(
                    name.clone(),
                    Way {
                        number,
                        version,
                        cluster,
                    },
                );
            }
        }
        let way = self.ways.get(&name).map(|way| (way.number, way.cluster.clone()));
        self.publish.send_if_modified(|known| {
            let Some(present) = known.get(&name) else {
                return false;
            };
            let numbers = |way: &Option<(u64, Cluster)>| way.as_ref().map(|(number, _)| *number);
            let is_same = numbers(&present.way) == numbers(&way)
                && present.problem == problem
                && present.object.status.capacity == status.capacity;
            if is_same {
                return false;
            }
            if let Some(present) = Arc::make_mut(known).get_mut(&name) {
                let mut object = Object::clone(&present.object);
                object.status = status;
                *present = Known {
                    object: Arc::new(object),
                    way,
                    problem,
                };
            }
            true
        });
    }
}

/// What a cluster says of itself.
struct Seen {
    version: String,
    capacity: Capacity,
}

type Looked = Result<((String, Cluster), Seen), (Option<(String, Cluster)>, String, String)>;

async fn look(hub: &Hub, object: &Object<kinds::Cluster>, way: Option<Way>) -> Looked {
    let failed = |error: Error| (None, chain(&error), error.hint().unwrap_or_default());
    let way = connect(hub, object, way).await.map_err(failed)?;
    match ask(&way.1).await {
        Ok(seen) => Ok((way, seen)),
        Err(error) => {
            let cure = error.hint().unwrap_or_default();
            Err((Some(way), chain(&error), cure))
        }
    }
}

/// The way to a cluster: the one there is, if the Secret it came from is still the same.
pub(crate) async fn connect(
    hub: &Hub,
    object: &Object<kinds::Cluster>,
    way: Option<Way>,
) -> Result<(String, Cluster), Error> {
    let ClusterSpec {
        kubeconfig: Some(place),
        ..
    } = &object.spec
    else {
        return Ok((String::new(), hub.cluster().clone()));
    };
    let secret = secret(hub, place).await?;
    let version = meta::resource_version(&secret).to_owned();
    if let Some(way) = way.filter(|way| way.version == version) {
        return Ok((version, way.cluster));
    }
    let target = Target {
        kubeconfig: Files::Text {
            text: text(&secret, place)?,
            source: format!("Secret {}/{}", place.namespace, place.secret),
        },
        limits: Limits {
            tries: TRIES,
            ..Limits::default()
        },
        ..Target::default()
    };
    Ok((version, Cluster::connect(target).await?))
}

async fn secret(hub: &Hub, place: &Kubeconfig) -> Result<Value, Error> {
    let secrets = hub.builtin("v1", "Secret").await?;
    let found = hub
        .cluster()
        .get(secrets.at(&place.namespace, &place.secret))
        .await?;
    found.ok_or_else(|| Error::NoWay {
        problem: format!(
            "there is no Secret {}/{} in the hub",
            place.namespace, place.secret
        ),
        cure: format!(
            "make it: `kubectl create secret generic {} -n {} --from-file={}=KUBECONFIG`",
            place.secret, place.namespace, place.key
        ),
    })
}

fn text(secret: &Value, place: &Kubeconfig) -> Result<String, Error> {
    let broken = |problem: String| Error::NoWay {
        problem,
        cure: format!("put a kubeconfig under the key {:?}, as text in UTF-8", place.key),
    };
    let data = meta::text(&secret["data"], &place.key);
    if data.is_empty() {
        return Err(broken(format!(
            "Secret {}/{} has no key {:?}",
            place.namespace, place.secret, place.key
        )));
    }
    let bytes = STANDARD.decode(data).map_err(|error| broken(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| broken(error.to_string()))
}

async fn ask(cluster: &Cluster) -> Result<Seen, Error> {
    let version = cluster.version().await?;
    let nodes = builtin(cluster, "v1", "Node").await?;
    let nodes = cluster.list(&nodes, None, &ListQuery::default()).await?;
    Ok(Seen {
        version: meta::text(&version, "gitVersion").to_owned(),
        capacity: capacity(&nodes.items),
    })
}

/// The sum of what nodes have for pods, those left out that take none.
fn capacity(nodes: &[Value]) -> Capacity {
    let usable = nodes.iter().filter(|node| node["spec"]["unschedulable"] != true);
    let usable: Vec<&Value> = usable.collect();
    let sum = |resource: &str| {
        let amounts = usable
            .iter()
            .map(|node| meta::text(&node["status"]["allocatable"], resource));
        amounts.filter_map(Quantity::parse).sum::<Quantity>()
    };
    Capacity {
        nodes: u32::try_from(usable.len()).unwrap_or(u32::MAX),
        cpu: sum("cpu").print(Units::Decimal),
        memory: sum("memory").print(Units::Binary),
        pods: u64::try_from(sum("pods").as_whole()).unwrap_or(0),
    }
}

/// What is reported of a cluster.
fn status(
    object: &Object<kinds::Cluster>,
    seen: Result<&Seen, &(String, String)>,
    now: Timestamp,
) -> ClusterStatus {
    let mut status = object.status.clone();
    let generation = object.metadata.generation;
    status.observed_generation = Some(generation);
    let (is_there, why, message) = match seen {
        Ok(seen) => {
            status.version.clone_from(&seen.version);
            status.capacity = Some(seen.capacity.clone());
            let nodes = seen.capacity.nodes;
            (
                "True",
                reason::ANSWERS,
                format!("Kubernetes {} with {nodes} nodes", seen.version),
            )
        }
        Err((problem, cure)) => ("False", reason::NO_ANSWER, format!("{problem}; {cure}")),
    };
    for kind in [condition::REACHABLE, READY] {
        let wanted = Condition::of(kind, generation, (is_there, why, message.clone()));
        condition::set(&mut status.conditions, wanted, now);
    }
    status
}
