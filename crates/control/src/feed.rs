//! The hub's objects as a [`World`], kept up to date: what the delivery loop plans from, and what people are shown.
//!
//! ```text
//! one watch per kind ──change──► channel ──► Feed::next: applied to the World, and whose plans that may change
//! ```
//!
//! A watch of its own for each kind, so that an event costs one object and not a copy of all. Whoever owns a feed owns its
//! world; nothing is locked. What is told too late is passed over. A freeze window that can't be read is taken to be on;
//! other objects that can't be stay as they were.

mod states;

use std::collections::BTreeSet;

use cluster::{Event, ListQuery};
use delivery::{Name, Seen, Window, World};
use kinds::condition::Condition;
use kinds::{
    Application, Artifact, Cluster, ClusterPair, FreezeWindow, Kind, Object, Promotion, Stage, Tenant,
    Verification,
};
use objects::meta;
use serde_json::{Value, json};
use states::{State, States};
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
type Change = Box<dyn FnOnce(&mut Kept, &mut Touched) + Send>;

/// The objects, and which state of each it is.
#[derive(Debug, Default)]
struct Kept {
    world: World,
    states: States,
}

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
    kept: Kept,
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

    /// What is made of one that can't be read; it stays as it was otherwise.
    fn stand_in(_object: &Value, _why: String) -> Option<Change> {
        None
    }
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
    /// Follows a hub, for a controller in this namespace.
    pub(crate) fn new(hub: &Hub, namespace: &str) -> Self {
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
            kept: Kept {
                world: World::new(namespace),
                states: States::default(),
            },
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
        &self.kept.world
    }

    /// Takes in an object as the hub answered that it is now, so that nobody plans from what it was before. If the watch told
    /// of a later state already, or that it is gone, that stays.
    pub(crate) fn put<K: Seen>(&mut self, object: Object<K>) {
        let (name, state) = (Name::of(&object), state_of(&object));
        if self.kept.states.is_news(K::NAME, &name, state) {
            self.kept.world.put(object);
        }
    }

    fn take(&mut self, news: News, touched: &mut Touched) {
        match news {
            News::Changed(change) => change(&mut self.kept, touched),
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
                news.extend(there::<K>(&object).map(News::Changed));
            }
            Event::Deleted(object) => news.push(News::Changed(gone::<K>(&object))),
            Event::Relisted(all) => {
                news.extend(all.iter().filter_map(there::<K>).map(News::Changed));
                let listed = all.iter().map(name_of).collect();
                let version = watch.resource_version().to_owned();
                news.push(News::Changed(unlisted::<K>(listed, version)));
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
fn there<K: Touches + 'static>(object: &Value) -> Option<Change>
where
    Object<K>: Send,
{
    let read = match Object::<K>::read(object) {
        Ok(read) => read,
        Err(error) => {
            let why = chain(&error);
            tracing::error!(kind = K::NAME, name = %named(object), error = %why, "an object can't be read");
            return K::stand_in(object, why);
        }
    };
    Some(Box::new(move |Kept { world, states }, touched| {
        let name = Name::of(&read);
        if !states.is_news(K::NAME, &name, state_of(&read)) {
            return;
        }
        K::touch(K::known(world, &name), Some(&read), touched);
        depending(world, touched);
        world.put(read);
        depending(world, touched);
    }))
}

fn gone<K: Touches + 'static>(object: &Value) -> Change {
    let (name, uid) = (name_of(object), meta::uid(object).to_owned());
    Box::new(move |kept, touched| {
        if kept.states.is_gone(K::NAME, &name, &uid) {
            forget::<K>(&mut kept.world, &name, touched);
        }
    })
}

/// All objects of a kind are listed: whatever else there was is gone, whoever told of it.
fn unlisted<K: Touches + 'static>(listed: BTreeSet<Name>, version: String) -> Change {
    Box::new(move |Kept { world, states }, touched| {
        for name in states.unlisted(K::NAME, &listed, &version) {
            forget::<K>(world, &name, touched);
        }
    })
}

fn forget<K: Touches>(world: &mut World, name: &Name, touched: &mut Touched) {
    K::touch(K::known(world, name), None, touched);
    depending(world, touched);
    world.remove::<K>(name);
}

fn name_of(object: &Value) -> Name {
    Name::new(meta::namespace(object), meta::name(object))
}

fn state_of<K: Kind>(object: &Object<K>) -> State {
    State::new(&object.metadata.uid, &object.metadata.resource_version)
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

    /// Somebody wanted nothing to move: as long as nobody knows when, nothing does.
    fn stand_in(object: &Value, why: String) -> Option<Change> {
        let window = Window::unread(readable(object)?, why);
        Some(Box::new(move |Kept { world, states }, touched| {
            let name = Name::of(&window.object);
            if states.is_news(Self::NAME, &name, state_of(&window.object)) {
                touched.all = true;
                world.put_window(window);
            }
        }))
    }
}

/// What can be read of a freeze window: whom it is for, as far as that is said in words, and otherwise everybody.
fn readable(object: &Value) -> Option<Object<FreezeWindow>> {
    let is_words = |value: &Value| {
        let words = value.as_array();
        words.is_some_and(|words| words.iter().all(Value::is_string))
    };
    let mut spec = json!({"reason": meta::text_at(object, "/spec/reason")});
    for field in ["stages", "tenants", "applications", "overridableBy"] {
        let written = object.pointer(&format!("/spec/{field}"));
        if let Some(written) = written.filter(|written| is_words(written)) {
            spec[field] = written.clone();
        }
    }
    if let Some(rollbacks) = object.pointer("/spec/rollbacks").filter(|one| one.is_boolean()) {
        spec["rollbacks"] = rollbacks.clone();
    }
    let metadata = object.get("metadata")?;
    Object::read(&json!({"metadata": metadata, "spec": spec})).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str, version: &str, spec: &Value) -> Value {
        json!({"kind": kind, "spec": spec, "metadata": {"name": name, "namespace": "shop", "uid": "u",
            "resourceVersion": version, "generation": 1}})
    }

    fn take(feed: &mut Feed, change: Option<Change>) -> Touched {
        let mut touched = Touched::default();
        feed.take(News::Changed(change.expect("a change")), &mut touched);
        touched
    }

    fn feed() -> Feed {
        let (_, changes) = mpsc::channel(1);
        Feed {
            kept: Kept::default(),
            changes,
            missing: 0,
            _watches: JoinSet::new(),
        }
    }

    fn web(version: &str, holds: &Value) -> Value {
        let spec = json!({"chart": {"source": "charts", "path": "charts/web"}, "holds": holds});
        object("Application", "web", version, &spec)
    }

    #[test]
    fn a_hold_that_the_watch_told_of_outlives_the_answer_to_an_earlier_write() {
        let mut feed = feed();
        let hold = json!([{"stage": "production", "by": "ada", "reason": "wait"}]);
        let name = Name::new("shop", "web");
        take(&mut feed, there::<Application>(&web("9", &json!([]))));
        take(&mut feed, there::<Application>(&web("11", &hold)));
        feed.put(Object::<Application>::read(&web("10", &json!([]))).unwrap());
        assert_eq!(feed.world().application(&name).unwrap().spec.holds.len(), 1);
        take(&mut feed, Some(gone::<Application>(&web("12", &hold))));
        feed.put(Object::<Application>::read(&web("10", &json!([]))).unwrap());
        assert_eq!(feed.world().application(&name), None);
    }

    #[test]
    fn what_only_an_answer_told_of_is_gone_when_a_later_list_does_not_have_it() {
        let mut feed = feed();
        feed.put(Object::<Application>::read(&web("10", &json!([]))).unwrap());
        let name = Name::new("shop", "web");
        take(
            &mut feed,
            Some(unlisted::<Application>(BTreeSet::new(), "9".to_owned())),
        );
        assert!(feed.world().application(&name).is_some());
        let touched = take(
            &mut feed,
            Some(unlisted::<Application>(BTreeSet::new(), "12".to_owned())),
        );
        assert!(touched.applications.contains(&name));
        assert_eq!(feed.world().application(&name), None);
    }

    #[test]
    fn a_freeze_window_that_can_not_be_read_is_on_for_whom_it_names() {
        let mut feed = feed();
        let spec = json!({"reason": "rest", "stages": ["production"], "tenants": [1], "weekly": {"days": ["Someday"]}});
        let touched = take(
            &mut feed,
            there::<FreezeWindow>(&object("FreezeWindow", "rest", "5", &spec)),
        );
        assert!(touched.all);
        let (_, window) = feed.world().windows().next().unwrap();
        assert!(window.mistake().unwrap().contains("can't be read"), "{window:?}");
        assert!(!window.is_read());
        assert_eq!(window.object.spec.stages, ["production"]);
        assert_eq!(window.object.spec.tenants, [""; 0]);
        // Once it can be, it is what it says.
        let spec =
            json!({"reason": "rest", "once": {"from": "2026-03-02T09:00:00Z", "to": "2026-03-02T10:00:00Z"}});
        take(
            &mut feed,
            there::<FreezeWindow>(&object("FreezeWindow", "rest", "6", &spec)),
        );
        let (_, window) = feed.world().windows().next().unwrap();
        assert_eq!((window.mistake(), window.is_read()), (None, true));
    }
}
