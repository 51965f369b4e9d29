//! The hub's objects as a [`World`], kept up to date: what the delivery loop plans from, and what people are shown.
//!
//! ```text
//! one watch per kind ──change──► channel ──► Feed::next: applied to the World, and whose plans that may change
//! ```
//!
//! A watch of its own for each kind, so that an event costs one object and not a copy of all. Whoever owns a feed owns its
//! world; nothing is locked.

use std::collections::{BTreeMap, BTreeSet};

use cluster::{Event, ListQuery};
use delivery::{Name, Seen, World};
use kinds::condition::Condition;
use kinds::{
    Application, Artifact, Cluster, ClusterPair, FreezeWindow, Kind, Object, Promotion, Stage, Tenant,
    Verification,
};
use stdx::chain;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::hub::{HUB_AGAIN, Hub};
use crate::runner::named;

/// How many changes may lie unread before the watches are held up.
const QUEUE: usize = 1024;

/// How many changes are taken in at once before whoever reads them has a turn.
const MOST: usize = 4096;

/// How many kinds there are; each says when it was listed.
const KINDS: usize = 9;

/// A change of the world.
type Change = Box<dyn FnOnce(&mut World, &mut Touched) + Send>;

/// What a change may have changed the plans of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    /// All applications.
    pub(crate) all: bool,
    pub(crate) applications: BTreeSet<Name>,
}

/// The world, and what tells of changes.
#[derive(Debug)]
pub(crate) struct Feed {
    world: World,
    changes: mpsc::Receiver<News>,
    /// How many kinds were not listed yet.
    missing: usize,
    /// The watches end with it.
    _watches: JoinSet<()>,
}

enum News {
    Changed(Change),
    /// A kind was listed for the first time.
    Listed,
}

/// A kind whose changes change plans.
trait Touches: Seen {
    /// Whose plans a change from one to the other may change; a missing one is not there.
    fn touch(before: Option<&Object<Self>>, after: Option<&Object<Self>>, touched: &mut Touched);

    /// The object that the world has.
    fn known<'a>(world: &'a World, name: &Name) -> Option<&'a Object<Self>>;
}

impl Touched {
    /// The application that an object names, before and after.
    fn its<K: Kind>(
        &mut self,
        (before, after): (Option<&Object<K>>, Option<&Object<K>>),
        application: impl Fn(&K::Spec) -> &str,
    ) {
        let both = before.into_iter().chain(after);
        self.applications
            .extend(both.map(|one| Name::of(one).beside(application(&one.spec))));
    }
}

impl Feed {
    /// Follows a hub.
    pub(crate) fn new(hub: &Hub) -> Self {
        let (sender, changes) = mpsc::channel(QUEUE);
        let mut watches = JoinSet::new();
        watches.spawn(follow::<Application>(hub.clone(), sender.clone()));
        watches.spawn(follow::<Artifact>(hub.clone(), sender.clone()));
        watches.spawn(follow::<Promotion>(hub.clone(), sender.clone()));
        watches.spawn(follow::<Verification>(hub.clone(), sender.clone()));
        watches.spawn(follow::<Stage>(hub.clone(), sender.clone()));
        watches.spawn(follow::<Cluster>(hub.clone(), sender.clone()));
        watches.spawn(follow::<ClusterPair>(hub.clone(), sender.clone()));
        watches.spawn(follow::<FreezeWindow>(hub.clone(), sender.clone()));
        watches.spawn(follow::<Tenant>(hub.clone(), sender));
        Self {
            world: World::default(),
            changes,
            missing: KINDS,
            _watches: watches,
        }
    }

    /// Waits for changes and takes in all that are there. The first time it waits until every kind was listed, so that
    /// nothing is ever planned from a part. May be dropped while it waits.
    pub(crate) async fn next(&mut self) -> Touched {
        let mut touched = Touched::default();
        let was_whole = self.missing == 0;
        loop {
            let Some(news) = self.changes.recv().await else {
                // The watches never end by themselves.
                return std::future::pending().await;
            };
            self.take(news, &mut touched);
            for _ in 0..MOST {
                match self.changes.try_recv() {
                    Ok(news) => self.take(news, &mut touched),
                    Err(_) => break,
                }
            }
            if self.missing == 0 {
                touched.all |= !was_whole;
                return touched;
            }
        }
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// Takes in an object as the hub answered that it is now, so that nobody plans from what it was before.
    pub(crate) fn put<K: Seen>(&mut self, object: Object<K>) {
        self.world.put(object);
    }

    fn take(&mut self, news: News, touched: &mut Touched) {
        match news {
            News::Changed(change) => change(&mut self.world, touched),
            News::Listed => self.missing -= 1,
        }
    }
}

/// Passes on what happens to the objects of a kind; never returns.
async fn follow<K: Touches + 'static>(hub: Hub, sender: mpsc::Sender<News>)
where
    Object<K>: Send,
{
    let kind = hub.served::<K>().await;
    let mut watch = hub.cluster().watch(&kind, None, &ListQuery::default(), "");
    let mut known: BTreeMap<String, Name> = BTreeMap::new();
    let mut is_first = true;
    loop {
        let event = match watch.next().await {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(kind = K::NAME, error = %chain(&error), "the hub can't be watched");
                sleep(HUB_AGAIN).await;
                continue;
            }
        };
        let mut news: Vec<News> = Vec::new();
        match event {
            Event::Added(object) | Event::Modified(object) => {
                news.extend(there::<K>(&object, &mut known).map(News::Changed));
            }
            Event::Deleted(object) => {
                let name = known.remove(&named(&object));
                news.extend(name.map(|name| News::Changed(gone::<K>(name))));
            }
            Event::Relisted(all) => {
                let mut before = std::mem::take(&mut known);
                for object in &all {
                    before.remove(&named(object));
                    news.extend(there::<K>(object, &mut known).map(News::Changed));
                }
                news.extend(before.into_values().map(|name| News::Changed(gone::<K>(name))));
                news.extend(std::mem::take(&mut is_first).then_some(News::Listed));
            }
        }
        for one in news {
            if sender.send(one).await.is_err() {
                return;
            }
        }
    }
}

/// An object is there, as it is now.
fn there<K: Touches + 'static>(
    object: &serde_json::Value,
    known: &mut BTreeMap<String, Name>,
) -> Option<Change>
where
    Object<K>: Send,
{
    let key = named(object);
    let read = match Object::<K>::read(object) {
        Ok(read) => read,
        Err(error) => {
            tracing::error!(kind = K::NAME, name = %key, error = %chain(&error), "an object can't be read");
            return None;
        }
    };
    let name = Name::of(&read);
    known.insert(key, name.clone());
    Some(Box::new(move |world, touched| {
        let before = K::known(world, &name);
        if before.is_some_and(|before| is_older(&read, before)) {
            return;
        }
        K::touch(before, Some(&read), touched);
        depending(world, touched);
        world.put(read);
        depending(world, touched);
    }))
}

fn gone<K: Touches + 'static>(name: Name) -> Change {
    Box::new(move |world, touched| {
        K::touch(K::known(world, &name), None, touched);
        depending(world, touched);
        world.remove::<K>(&name);
    })
}

/// Whether an event tells of a state before the one that is known, because its write was answered first. Versions are
/// numbers that grow, as Kubernetes promises since 1.35; with anything else, what comes last counts.
fn is_older<K: Kind>(told: &Object<K>, known: &Object<K>) -> bool {
    let number = |object: &Object<K>| object.metadata.resource_version.parse::<u128>().ok();
    told.metadata.uid == known.metadata.uid
        && matches!((number(told), number(known)), (Some(told), Some(known)) if told < known)
}

/// Adds the applications that wait for one that is touched.
fn depending(world: &World, touched: &mut Touched) {
    if touched.all {
        return;
    }
    let further: Vec<Name> = touched
        .applications
        .iter()
        .flat_map(|name| world.dependents(name).cloned())
        .collect();
    touched.applications.extend(further);
}

impl Touches for Application {
    fn touch(before: Option<&Object<Self>>, after: Option<&Object<Self>>, touched: &mut Touched) {
        touched.applications.extend(before.or(after).map(Name::of));
    }

    fn known<'a>(world: &'a World, name: &Name) -> Option<&'a Object<Self>> {
        world.application(name)
    }
}

impl Touches for Artifact {
    fn touch(before: Option<&Object<Self>>, after: Option<&Object<Self>>, touched: &mut Touched) {
        touched.its((before, after), |spec| &spec.application);
    }

    fn known<'a>(world: &'a World, name: &Name) -> Option<&'a Object<Self>> {
        world.published(name).map(|one| &one.object)
    }
}

impl Touches for Promotion {
    fn touch(before: Option<&Object<Self>>, after: Option<&Object<Self>>, touched: &mut Touched) {
        touched.its((before, after), |spec| &spec.application);
    }

    fn known<'a>(world: &'a World, name: &Name) -> Option<&'a Object<Self>> {
        world.promotion(name)
    }
}

impl Touches for Verification {
    fn touch(before: Option<&Object<Self>>, after: Option<&Object<Self>>, touched: &mut Touched) {
        touched.its((before, after), |spec| &spec.application);
    }

    fn known<'a>(world: &'a World, name: &Name) -> Option<&'a Object<Self>> {
        world.verification(name)
    }
}

impl Touches for Stage {
    fn touch(before: Option<&Object<Self>>, after: Option<&Object<Self>>, touched: &mut Touched) {
        touched.all |= is_written_anew(before, after);
    }

    fn known<'a>(world: &'a World, name: &Name) -> Option<&'a Object<Self>> {
        world.stage(&name.name)
    }
}

impl Touches for FreezeWindow {
    fn touch(before: Option<&Object<Self>>, after: Option<&Object<Self>>, touched: &mut Touched) {
        touched.all |= is_written_anew(before, after);
    }

    fn known<'a>(world: &'a World, name: &Name) -> Option<&'a Object<Self>> {
        let (_, window) = world.windows().find(|(other, _)| *other == name)?;
        Some(&window.object)
    }
}

impl Touches for Cluster {
    fn touch(before: Option<&Object<Self>>, after: Option<&Object<Self>>, touched: &mut Touched) {
        let same = stands(before.map(|one| one.status.conditions.as_slice()))
            == stands(after.map(|one| one.status.conditions.as_slice()));
        touched.all |= is_written_anew(before, after) || !same;
    }

    fn known<'a>(world: &'a World, name: &Name) -> Option<&'a Object<Self>> {
        world.cluster(&name.name)
    }
}

impl Touches for ClusterPair {
    fn touch(before: Option<&Object<Self>>, after: Option<&Object<Self>>, touched: &mut Touched) {
        touched.all |= is_written_anew(before, after);
    }

    fn known<'a>(world: &'a World, name: &Name) -> Option<&'a Object<Self>> {
        world.pair(&name.name)
    }
}

impl Touches for Tenant {
    fn touch(before: Option<&Object<Self>>, after: Option<&Object<Self>>, touched: &mut Touched) {
        let ready = |one: Option<&Object<Self>>| -> Vec<(String, bool)> {
            let clusters = one.into_iter().flat_map(|one| &one.status.clusters);
            clusters.map(|one| (one.name.clone(), one.ready)).collect()
        };
        touched.all |= is_written_anew(before, after) || ready(before) != ready(after);
    }

    fn known<'a>(world: &'a World, name: &Name) -> Option<&'a Object<Self>> {
        world.tenant(&name.name)
    }
}

/// Whether somebody wrote something else than a status.
fn is_written_anew<K: Kind>(before: Option<&Object<K>>, after: Option<&Object<K>>) -> bool {
    let written = |one: &Object<K>| {
        let metadata = &one.metadata;
        (
            metadata.uid.clone(),
            metadata.generation,
            metadata.deletion_timestamp.clone(),
        )
    };
    before.map(written) != after.map(written)
}

/// What conditions say, without when and why.
fn stands(conditions: Option<&[Condition]>) -> Vec<(String, String)> {
    let all = conditions.unwrap_or_default().iter();
    all.map(|one| (one.kind.clone(), one.status.clone())).collect()
}

impl std::fmt::Debug for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Changed(_) => "Changed",
            Self::Listed => "Listed",
        })
    }
}
