//! Waiting for objects by watching them: until they are healthy, until a Job is done, or until they are gone.
//!
//! ```text
//! answers to our own writes ──► one watch per kind and namespace, from the oldest of them ──► health of each
//! ```
//!
//! Nothing is polled: a watch that closes is reopened where it ended, by [`crate::Watch`].

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use manifest::Health;
use objects::{Key, Kind, meta};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::apply::oldest;
use super::watching::Progress;
use super::{Error, Work};
use crate::{Cluster, Event, ListQuery, Resource};

/// How many events of all watches may lie unread before the watches are held up.
const QUEUE: usize = 256;

/// An object as the cluster last said it is.
#[derive(Clone, Debug)]
pub(crate) struct Waited {
    pub(crate) resource: Resource,
    pub(crate) key: Key,
    pub(crate) live: Value,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Every object is healthy, and has been for so long.
    Healthy {
        jobs: bool,
        soak: Duration,
    },
    /// Jobs and Pods have ended well; other kinds are done when they are there.
    Done,
    Gone,
}

/// Objects that did not become what was waited for.
#[derive(Clone, Debug, PartialEq)]
pub struct Unready {
    /// The object that failed, or those that were still waited for when the time was over.
    pub objects: Vec<(Key, String)>,
    pub timed_out: bool,
}

impl Until {
    pub(crate) const HEALTHY: Self = Self::Healthy {
        jobs: false,
        soak: Duration::ZERO,
    };

    fn of(self, object: &Value) -> Health {
        let kind = Kind::of(object);
        match self {
            Self::Healthy { jobs: true, .. } if kind == Kind::JOB => {
                manifest::health_of_job_completion(object)
            }
            Self::Healthy { .. } => manifest::health(object),
            Self::Done => manifest::health_of_hook(object),
            Self::Gone => Health::Progressing("is being deleted".to_owned()),
        }
    }

    /// What it means that an object is not there.
    fn of_nothing(self) -> Health {
        match self {
            Self::Gone => Health::Ready,
            _ => Health::Failed("was deleted while it was waited for".to_owned()),
        }
    }

    fn soak(self) -> Duration {
        match self {
            Self::Healthy { soak, .. } => soak,
            Self::Done | Self::Gone => Duration::ZERO,
        }
    }
}

/// What a watch saw of one object: as it is, or gone.
type Seen = Result<(Key, Option<Value>), crate::Error>;

/// Waits until all objects are what is waited for.
///
/// # Errors
/// [`Error::Unready`] as soon as one object can't become it by itself or the time is over, or what a watch failed with
/// for good.
pub(crate) async fn wait(work: &Work<'_>, waited: Vec<Waited>, until: Until) -> Result<(), Error> {
    let mut health: BTreeMap<Key, Health> = BTreeMap::new();
    for one in &waited {
        health.insert(one.key.clone(), until.of(&one.live));
    }
    let watch_all = !until.soak().is_zero();
    let is_open = |one: &Waited| watch_all || health.get(&one.key) != Some(&Health::Ready);
    let open: Vec<Waited> = waited.into_iter().filter(is_open).collect();
    if open.is_empty() {
        return Ok(());
    }
    // The watches end with this set, whichever way the wait ends.
    let mut watches = JoinSet::new();
    let (sender, mut seen) = mpsc::channel(QUEUE);
    for (resource, namespace, keys, from) in grouped(open) {
        watches.spawn(follow(
            work.cluster.clone(),
            (resource, namespace, keys, from),
            sender.clone(),
        ));
    }
    drop(sender);
    let mut told = Vec::new();
    let mut ready_since: Option<Instant> = None;
    loop {
        let missing = missing(&health)?;
        let is_ready = missing.is_empty();
        if missing != told {
            work.watching.tell(Progress::Waiting(missing.clone()));
            told = missing;
        }
        ready_since = if is_ready {
            ready_since.or_else(|| Some(Instant::now()))
        } else {
            None
        };
        let next = match ready_since {
            Some(since) if since.elapsed() >= until.soak() => return Ok(()),
            Some(since) => tokio::select! {
                next = seen.recv() => next,
                () = sleep_until(since + until.soak()) => return Ok(()),
            },
            None => tokio::select! {
                next = seen.recv() => next,
                () = sleep_until(work.deadline) => {
                    return Err(Error::Unready(Unready { objects: told, timed_out: true }));
                }
            },
        };
        // The watches end only with an error, which they send first.
        let Some(next) = next else {
            return Err(Error::WatchEnded);
        };
        let (key, object) = next?;
        let now = object.map_or_else(|| until.of_nothing(), |object| until.of(&object));
        health.insert(key, now);
    }
}

/// What is not ready yet.
///
/// # Errors
/// The first object that failed.
fn missing(health: &BTreeMap<Key, Health>) -> Result<Vec<(Key, String)>, Error> {
    let mut missing = Vec::new();
    for (key, health) in health {
        match health {
            Health::Ready => {}
            Health::Failed(why) => {
                return Err(Error::Unready(Unready {
                    objects: vec![(key.clone(), why.clone())],
                    timed_out: false,
                }));
            }
            Health::Progressing(what) => missing.push((key.clone(), what.clone())),
            Health::Terminating => missing.push((key.clone(), "is being deleted".to_owned())),
        }
    }
    Ok(missing)
}

type Group = (Resource, String, Vec<Key>, String);

/// One watch for each kind and namespace, from the oldest of its objects.
fn grouped(open: Vec<Waited>) -> Vec<Group> {
    let mut groups: HashMap<(String, String, String), (Resource, Vec<Waited>)> = HashMap::new();
    for one in open {
        let of = (
            one.resource.api_version(),
            one.resource.kind.name.to_string(),
            one.key.namespace.to_string(),
        );
        let group = groups
            .entry(of)
            .or_insert_with(|| (one.resource.clone(), Vec::new()));
        group.1.push(one);
    }
    let groups = groups.into_iter().map(|((_, _, namespace), (resource, all))| {
        let from = oldest(all.iter().map(|one| &one.live));
        let keys = all.into_iter().map(|one| one.key).collect();
        (resource, namespace, keys, from)
    });
    groups.collect()
}

/// Follows one watch and passes on what concerns the objects that are waited for.
async fn follow(cluster: Cluster, (resource, namespace, keys, from): Group, seen: mpsc::Sender<Seen>) {
    let query = match keys.as_slice() {
        [one] => ListQuery::named(&one.name),
        _ => ListQuery::default(),
    };
    let place = Some(namespace.as_str()).filter(|namespace| !namespace.is_empty());
    let mut watch = cluster.watch(&resource, place, &query, &from);
    let wanted = |object: &Value| {
        let name = meta::name(object);
        keys.iter().find(|key| &*key.name == name).cloned()
    };
    loop {
        let found: Vec<Seen> = match watch.next().await {
            Ok(Event::Added(object) | Event::Modified(object)) => {
                let key = wanted(&object);
                key.into_iter()
                    .map(|key| Ok((key, Some(object.clone()))))
                    .collect()
            }
            Ok(Event::Deleted(object)) => wanted(&object).into_iter().map(|key| Ok((key, None))).collect(),
            Ok(Event::Relisted(all)) => {
                let mut by_key: HashMap<Key, Value> = HashMap::new();
                for object in all {
                    if let Some(key) = wanted(&object) {
                        by_key.insert(key, object);
                    }
                }
                let each = keys.iter().map(|key| Ok((key.clone(), by_key.remove(key))));
                each.collect()
            }
            Err(error) => vec![Err(error)],
        };
        let is_over = found.iter().any(Result::is_err);
        for one in found {
            if seen.send(one).await.is_err() {
                return;
            }
        }
        if is_over {
            return;
        }
    }
}
