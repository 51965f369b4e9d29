//! What a planner sees: the objects of the hub by name, each parsed once, with the few indexes that make the plan of one
//! application as cheap as that application.
//!
//! It is fed by whoever watches the hub, in any order; two worlds of the same objects are the same.

mod published;
mod route;
mod seen;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kinds::{
    Application, Cluster, ClusterPair, Deployed, Direction, Object, Phase, Promotion, Stage, StepState,
    Tenant, Verification,
};
use objects::time;

use crate::plan::Action;
use crate::{BY_ITSELF, Name, SYSTEM_NAMESPACE, Window};
pub use published::{Order, Published};
pub(crate) use route::is_reachable;
pub use seen::Seen;

/// How far back the brake of a stage counts.
pub(crate) const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// When a release loses objects that is under way: it counts until it has, whenever that is.
pub(crate) const UNDER_WAY: Timestamp = Timestamp::MAX;

/// The objects of a hub.
#[derive(Clone, Debug)]
pub struct World {
    /// Where what is for everybody is.
    system: String,
    applications: BTreeMap<Name, Arc<Object<Application>>>,
    /// The applications of each release: its name, in the namespace that it is in.
    releases: BTreeMap<Name, BTreeSet<Name>>,
    /// By application, whether or not that is there yet.
    own: BTreeMap<Name, Own>,
    /// Which applications an application comes before.
    before: BTreeMap<Name, BTreeSet<Name>>,
    verifications: BTreeMap<Name, Arc<Object<Verification>>>,
    stages: BTreeMap<String, Arc<Object<Stage>>>,
    /// The stages, each after the one that it comes after.
    route: Vec<String>,
    clusters: BTreeMap<String, Arc<Object<Cluster>>>,
    pairs: BTreeMap<String, Arc<Object<ClusterPair>>>,
    windows: BTreeMap<Name, Arc<Window>>,
    tenants: BTreeMap<String, Arc<Object<Tenant>>>,
    /// The tenant of each namespace.
    namespaces: BTreeMap<String, String>,
    /// By stage: when a release lost objects, and which.
    losses: BTreeMap<String, BTreeSet<Loss>>,
}

/// What an application has.
#[derive(Clone, Debug, Default)]
struct Own {
    by_name: BTreeMap<String, Arc<Published>>,
    by_order: BTreeMap<Order, Arc<Published>>,
    /// By stage and name.
    promotions: BTreeMap<String, BTreeMap<String, Arc<Object<Promotion>>>>,
}

/// A release that lost objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Loss {
    at: Timestamp,
    application: Name,
    cluster: String,
    promotion: String,
}

/// What an application has in a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// The artifact, by name.
    pub artifact: String,
    /// The promotion that brought it; empty when that is not known.
    pub promotion: String,
    /// Which promotion of the application into the stage that was.
    pub turn: u64,
    /// Since when it is there.
    pub since: Option<Timestamp>,
    /// Since when it is ready without a break; `None` while it is not.
    pub ready_since: Option<Timestamp>,
    /// The digest of the settings with which it was deployed.
    pub settings: String,
}

impl Default for World {
    fn default() -> Self {
        Self::new(SYSTEM_NAMESPACE)
    }
}

impl World {
    /// The world of a controller that runs in this namespace.
    #[must_use]
    pub fn new(system: &str) -> Self {
        Self {
            system: system.to_owned(),
            applications: BTreeMap::new(),
            releases: BTreeMap::new(),
            own: BTreeMap::new(),
            before: BTreeMap::new(),
            verifications: BTreeMap::new(),
            stages: BTreeMap::new(),
            route: Vec::new(),
            clusters: BTreeMap::new(),
            pairs: BTreeMap::new(),
            windows: BTreeMap::new(),
            tenants: BTreeMap::new(),
            namespaces: BTreeMap::new(),
            losses: BTreeMap::new(),
        }
    }

    /// Where what is for everybody is: the controller's namespace.
    #[must_use]
    pub fn system_namespace(&self) -> &str {
        &self.system
    }

    /// Takes an object in, instead of an older one of that name.
    pub fn put<K: Seen>(&mut self, object: Object<K>) {
        let name = Name::of(&object);
        K::remove(self, &name);
        K::put(self, name, object);
    }

    /// Takes a freeze window in of which not all could be read.
    pub fn put_window(&mut self, window: Window) {
        self.windows.insert(Name::of(&window.object), Arc::new(window));
    }

    /// Forgets an object. One that is not there is fine.
    pub fn remove<K: Seen>(&mut self, name: &Name) {
        K::remove(self, name);
    }

    #[must_use]
    pub fn application(&self, name: &Name) -> Option<&Object<Application>> {
        self.applications.get(name).map(Arc::as_ref)
    }

    /// An application with its name, as the world has it.
    pub(crate) fn entry(&self, name: &Name) -> Option<(&Name, &Object<Application>)> {
        let (name, object) = self.applications.get_key_value(name)?;
        Some((name, object.as_ref()))
    }

    pub fn applications(&self) -> impl Iterator<Item = (&Name, &Object<Application>)> {
        self.applications.iter().map(|(name, one)| (name, one.as_ref()))
    }

    /// The applications that name this one in `after`: what changes of it may change their plans.
    pub fn dependents<'a>(&'a self, name: &Name) -> impl Iterator<Item = &'a Name> + use<'a> {
        self.before.get(name).into_iter().flatten()
    }

    /// The applications whose release has this name in this namespace: one, unless somebody made a mistake.
    pub(crate) fn of_release<'a>(&'a self, release: &Name) -> impl Iterator<Item = &'a Name> + use<'a> {
        self.releases.get(release).into_iter().flatten()
    }

    #[must_use]
    pub fn artifact(&self, application: &Name, artifact: &str) -> Option<&Published> {
        self.own.get(application)?.by_name.get(artifact).map(Arc::as_ref)
    }

    /// The artifacts of an application, the one that was published last first.
    pub fn newest_first<'a>(&'a self, application: &Name) -> impl Iterator<Item = &'a Published> + use<'a> {
        let own = self.own.get(application).into_iter();
        own.flat_map(|own| own.by_order.values().rev().map(Arc::as_ref))
    }

    /// The promotions of an application into a stage, by name.
    pub fn promotions<'a>(
        &'a self,
        application: &Name,
        stage: &str,
    ) -> impl Iterator<Item = &'a Object<Promotion>> + use<'a> {
        let own = self.own.get(application);
        let of_stage = own.and_then(|own| own.promotions.get(stage)).into_iter();
        of_stage.flat_map(|of_stage| of_stage.values().map(Arc::as_ref))
    }

    /// Every promotion of an application.
    pub fn all_promotions<'a>(
        &'a self,
        application: &Name,
    ) -> impl Iterator<Item = &'a Object<Promotion>> + use<'a> {
        let own = self.own.get(application).into_iter();
        own.flat_map(|own| {
            own.promotions
                .values()
                .flat_map(BTreeMap::values)
                .map(Arc::as_ref)
        })
    }

    /// A promotion by its own name.
    #[must_use]
    pub fn promotion(&self, name: &Name) -> Option<&Object<Promotion>> {
        let of_namespace = self
            .own
            .range(Name::new(&name.namespace, "")..)
            .take_while(|(one, _)| one.namespace == name.namespace);
        of_namespace
            .flat_map(|(_, own)| own.promotions.values())
            .find_map(|of_stage| of_stage.get(&name.name).map(Arc::as_ref))
    }

    /// An artifact by its own name, whichever application's it is.
    #[must_use]
    pub fn published(&self, name: &Name) -> Option<&Published> {
        let of_namespace = self
            .own
            .range(Name::new(&name.namespace, "")..)
            .take_while(|(one, _)| one.namespace == name.namespace);
        let mut all = of_namespace.filter_map(|(_, own)| own.by_name.get(&name.name));
        all.next().map(Arc::as_ref)
    }

    #[must_use]
    pub fn verification(&self, name: &Name) -> Option<&Object<Verification>> {
        self.verifications.get(name).map(Arc::as_ref)
    }

    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&Object<Stage>> {
        self.stages.get(name).map(Arc::as_ref)
    }

    /// The stages, each after the one that it comes after. Those of a circle come last.
    pub fn route(&self) -> impl Iterator<Item = &Object<Stage>> {
        self.route.iter().filter_map(|name| self.stage(name))
    }

    #[must_use]
    pub fn cluster(&self, name: &str) -> Option<&Object<Cluster>> {
        self.clusters.get(name).map(Arc::as_ref)
    }

    #[must_use]
    pub fn pair(&self, name: &str) -> Option<&Object<ClusterPair>> {
        self.pairs.get(name).map(Arc::as_ref)
    }

    pub fn windows(&self) -> impl Iterator<Item = (&Name, &Window)> {
        self.windows.iter().map(|(name, one)| (name, one.as_ref()))
    }

    pub fn tenants(&self) -> impl Iterator<Item = &Object<Tenant>> {
        self.tenants.values().map(Arc::as_ref)
    }

    #[must_use]
    pub fn tenant(&self, name: &str) -> Option<&Object<Tenant>> {
        self.tenants.get(name).map(Arc::as_ref)
    }

    /// The tenant whose namespace of the hub this is.
    #[must_use]
    pub fn tenant_of(&self, namespace: &str) -> Option<&Object<Tenant>> {
        let tenant = self.namespaces.get(namespace)?;
        self.tenants.get(tenant).map(Arc::as_ref)
    }

    /// What an application has in a stage: what the promotion that succeeded last brought, or what the application's status
    /// says if that is later.
    #[must_use]
    pub fn current(&self, application: &Name, stage: &str) -> Option<Current> {
        let said = self.deployed(application, stage);
        let succeeded = self
            .promotions(application, stage)
            .filter(|one| one.status.phase == Phase::Succeeded);
        let last = succeeded.max_by_key(|one| ended(one));
        match (last, said) {
            (Some(last), Some(said))
                if (last.status.turn, moment(last.status.ended.as_ref()))
                    > (said.turn, moment(said.since.as_ref())) =>
            {
                Some(Current::brought_by(last))
            }
            (_, Some(said)) => Some(Current::of(said)),
            (Some(last), None) => Some(Current::brought_by(last)),
            (None, None) => None,
        }
    }

    /// What the status of an application says of a stage, if it says that something is there.
    #[must_use]
    pub fn deployed(&self, application: &Name, stage: &str) -> Option<&Deployed> {
        let stages = &self.application(application)?.status.stages;
        let said = stages.iter().find(|one| one.name == stage)?;
        (!said.artifact.is_empty()).then_some(said)
    }

    /// Whether a stage had an artifact at some time.
    #[must_use]
    pub fn had(&self, application: &Name, stage: &str, artifact: &str) -> bool {
        let is_known = self.artifact(application, artifact).is_some_and(|one| {
            let status = &one.object.status;
            status.stages.iter().any(|one| one == stage) || status.soaked.iter().any(|one| one.stage == stage)
        });
        is_known
            || self
                .deployed(application, stage)
                .is_some_and(|one| one.artifact == artifact)
            || self.promotions(application, stage).any(|one| {
                let succeeded = one.status.phase == Phase::Succeeded && one.spec.artifact == artifact;
                succeeded || one.status.previous == artifact
            })
    }

    /// The rollback that took an artifact away from a stage, if it did not come there again: the last one to an older artifact
    /// that was asked for after this one had come.
    #[must_use]
    pub fn taken_back<'a>(
        &'a self,
        application: &Name,
        stage: &str,
        artifact: &Published,
    ) -> Option<&'a Object<Promotion>> {
        let brought = self
            .promotions(application, stage)
            .filter(|one| one.status.phase == Phase::Succeeded && one.spec.artifact == artifact.name());
        let said = self.deployed(application, stage);
        let said = said.filter(|said| said.artifact == artifact.name());
        let came = brought
            .map(|one| one.status.turn)
            .chain(said.map(|said| said.turn))
            .max()
            .unwrap_or(0);
        // One that waits or is under way has said so already; one that stopped half done has taken it from some clusters.
        let went = |one: &&Object<Promotion>| {
            let status = &one.status;
            let is_said = status.phase == Phase::Waiting && one.spec.abort.is_none();
            let is_done = matches!(status.phase, Phase::Running | Phase::Succeeded | Phase::Failed)
                && status.turn > came;
            let target = self.artifact(application, &one.spec.artifact);
            one.spec.direction == Direction::Back
                && (is_said || is_done)
                && target.is_none_or(|target| target.order < artifact.order)
        };
        let back = self.promotions(application, stage).filter(went);
        back.max_by_key(|one| ended(one))
    }

    /// The clusters of a stage that have what a promotion did which has ended, did not succeed, and was not put back there.
    #[must_use]
    pub fn left<'a>(&'a self, application: &Name, stage: &str) -> BTreeMap<&'a str, &'a Object<Promotion>> {
        let current = self.current(application, stage).map_or(0, |one| one.turn);
        let mut later: Vec<&Object<Promotion>> = self
            .promotions(application, stage)
            .filter(|one| one.status.turn > current && has_begun(one))
            .collect();
        later.sort_by_key(|one| (one.status.turn, &one.metadata.name));
        let mut left = BTreeMap::new();
        // The last one that touched a cluster is the one that counts there.
        for promotion in later {
            for step in promotion
                .status
                .steps
                .iter()
                .filter(|step| step.started.is_some())
            {
                left.insert(step.cluster.as_str(), promotion);
            }
        }
        left.retain(|cluster, promotion| !is_live(promotion) && !is_put_back(promotion, cluster));
        left
    }

    /// Which promotion of an application into a stage the next one is.
    #[must_use]
    pub fn next_turn(&self, application: &Name, stage: &str) -> u64 {
        let said = self.deployed(application, stage).map(|said| said.turn);
        let turns = self.promotions(application, stage).map(|one| one.status.turn);
        turns.chain(said).max().unwrap_or(0).saturating_add(1)
    }

    /// When a person last chose what a stage has, and got it or is about to.
    #[must_use]
    pub fn asked(&self, application: &Name, stage: &str) -> Option<Timestamp> {
        let of_people = self
            .promotions(application, stage)
            .filter(|one| one.spec.by != BY_ITSELF);
        let counts = of_people.filter(|one| is_live(one) || one.status.phase == Phase::Succeeded);
        counts.filter_map(created).max()
    }

    /// The promotion that brought an artifact to a stage, the last of them.
    #[must_use]
    pub fn brought(&self, application: &Name, stage: &str, artifact: &str) -> Option<&Object<Promotion>> {
        let succeeded = self
            .promotions(application, stage)
            .filter(|one| one.status.phase == Phase::Succeeded && one.spec.artifact == artifact);
        succeeded.max_by_key(|one| ended(one))
    }

    /// The releases (application and cluster) of a stage that lost objects within an hour, with the last time of each; of
    /// those that are under way and will, it is the end of time.
    #[must_use]
    pub fn losses(&self, stage: &str, now: Timestamp) -> BTreeMap<(&Name, &str), Timestamp> {
        let all = self.losses.get(stage).into_iter().flatten().rev();
        let from = now.checked_sub(HOUR).unwrap_or(Timestamp::MIN);
        let mut releases = BTreeMap::new();
        for loss in all.take_while(|loss| loss.at > from) {
            let release = (&loss.application, loss.cluster.as_str());
            releases.entry(release).or_insert(loss.at);
        }
        releases
    }
}

impl Current {
    fn of(said: &Deployed) -> Self {
        let since = moment(said.since.as_ref());
        Self {
            artifact: said.artifact.clone(),
            promotion: said.promotion.clone(),
            turn: said.turn,
            since,
            ready_since: moment(said.ready_since.as_ref()).filter(|_| said.ready),
            settings: said.settings.clone(),
        }
    }

    /// A promotion has succeeded when everything was ready.
    fn brought_by(promotion: &Object<Promotion>) -> Self {
        let ended = moment(promotion.status.ended.as_ref());
        Self {
            artifact: promotion.spec.artifact.clone(),
            promotion: promotion.metadata.name.clone(),
            turn: promotion.status.turn,
            since: ended,
            ready_since: ended,
            settings: promotion.status.settings.clone(),
        }
    }
}

/// The order in which promotions of an application into a stage ended. One that never began has no turn, and comes before.
pub(crate) fn ended(promotion: &Object<Promotion>) -> (u64, Option<Timestamp>, &str) {
    let status = &promotion.status;
    (
        status.turn,
        moment(status.ended.as_ref()),
        &promotion.metadata.name,
    )
}

/// Whether a promotion has not ended.
pub(crate) fn is_live(promotion: &Object<Promotion>) -> bool {
    matches!(promotion.status.phase, Phase::Waiting | Phase::Running)
}

/// Whether a promotion has touched a cluster.
pub(crate) fn has_begun(promotion: &Object<Promotion>) -> bool {
    promotion.status.steps.iter().any(|step| step.started.is_some())
}

/// Whether a cluster did not get ready with what a promotion applied, or was not going to when it was stopped.
pub(crate) fn has_failed(promotion: &Object<Promotion>) -> bool {
    let mut applied = promotion
        .status
        .steps
        .iter()
        .filter(|step| step.name == Action::Apply.as_str());
    applied.any(|step| step.failing || step.state == StepState::Failed)
}

/// Whether a cluster has again what it had before a promotion.
fn is_put_back(promotion: &Object<Promotion>, cluster: &str) -> bool {
    let mut steps = promotion.status.steps.iter();
    steps.any(|step| {
        step.cluster == cluster && step.name == Action::PutBack.as_str() && step.state == StepState::Done
    })
}

/// What the status of a promotion says of how it is; empty when it says nothing.
pub(crate) fn why(promotion: &Object<Promotion>) -> &str {
    let mut conditions = promotion.status.conditions.iter();
    let ready = conditions.find(|one| one.kind == kinds::condition::READY);
    ready.map(|one| one.message.as_str()).unwrap_or_default()
}

/// When a promotion first touched a cluster.
pub(crate) fn first_step(promotion: &Object<Promotion>) -> Option<Timestamp> {
    let steps = promotion.status.steps.iter();
    steps.filter_map(|step| moment(step.started.as_ref())).min()
}

/// The release of an application: its name, in the namespace that it is in, in every cluster.
pub(crate) fn release_of(application: &Object<Application>) -> Name {
    let (spec, metadata) = (&application.spec, &application.metadata);
    Name::new(
        spec.namespace.as_deref().unwrap_or(&metadata.namespace),
        spec.release.as_deref().unwrap_or(&metadata.name),
    )
}

/// When an object was made, as the API server has it.
pub(crate) fn created<K: kinds::Kind>(object: &Object<K>) -> Option<Timestamp> {
    time::parse(&object.metadata.creation_timestamp)
}

/// Reads a time of a status. What is none is not there.
pub(crate) fn moment(text: Option<&String>) -> Option<Timestamp> {
    text.and_then(|text| time::parse(text))
}
