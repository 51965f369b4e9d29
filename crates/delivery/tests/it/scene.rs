//! A hub in a test: objects that people write, and a stand-in for whoever carries plans out, which does to statuses what the
//! loops do.

use std::collections::BTreeMap;

use delivery::report::{self, Outcome};
use delivery::{Action, BY_ITSELF, Case, Closed, Name, Plan, Step, World, plan, request, shown_digest};
use jiff::{SignedDuration, Timestamp};
use kinds::condition::{self, Condition};
use kinds::{
    Application, ApplicationSpec, Approval, Artifact, ArtifactSpec, ChartPlace, Cluster, ClusterPlan,
    ClusterSpec, Direction, Kind, LetThrough, Level, LevelResult, Object, Origin, Phase, Promotion,
    PromotionSpec, Stage, StageSpec, Tenant, TenantCluster, TenantSpec, Verdict, Verification,
    VerificationSpec, VerificationStatus, Word,
};
use objects::time;
use serde_json::{Value, json};

/// Rounds of planning after which a scene that is not settled never will be.
const ROUNDS: usize = 200;

pub(crate) const BASE: &str = "2026-03-02T09:00:00Z";

/// What a cluster would say when it is asked what a promotion would do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Looks {
    pub(crate) deletes: u32,
    pub(crate) objects: u32,
    /// One of those that take along what is in them.
    pub(crate) precious: Option<&'static str>,
}

/// A hub, and the time.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) now: Timestamp,
    /// By application and version.
    pub(crate) looks: BTreeMap<(String, String), Looks>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self {
            world: World::default(),
            now: BASE.parse().unwrap(),
            looks: BTreeMap::new(),
        }
    }

    pub(crate) fn pass(&mut self, time: SignedDuration) {
        self.now = self.now.checked_add(time).unwrap();
    }

    /// A tenant that has everything in every cluster that there is.
    pub(crate) fn tenant(&mut self, name: &str, clusters: &[&str]) {
        let spec: TenantSpec =
            serde_json::from_value(json!({"quota": {"cpu": "1", "memory": "1Gi"}, "clusters": clusters}))
                .unwrap();
        let mut tenant: Object<Tenant> = Object::new(name, spec);
        let ready = |name: &str| TenantCluster {
            name: name.to_owned(),
            ready: true,
            ..TenantCluster::default()
        };
        tenant.status.clusters = ["east", "west", "north", "p1", "p2", "p3", "p4"]
            .map(ready)
            .to_vec();
        self.world.put(tenant);
    }

    /// A stage, and its clusters.
    pub(crate) fn stage(&mut self, name: &str, spec: Value) {
        let spec: StageSpec = serde_json::from_value(spec).unwrap();
        for cluster in &spec.clusters {
            self.cluster(cluster, "True");
        }
        self.world.put::<Stage>(Object::new(name, spec));
    }

    pub(crate) fn cluster(&mut self, name: &str, answers: &str) {
        let mut cluster: Object<Cluster> = Object::new(name, ClusterSpec::default());
        cluster.status.conditions = vec![said(condition::REACHABLE, answers, "", self.now)];
        self.world.put(cluster);
    }

    pub(crate) fn application(&mut self, name: &Name, after: &[&str]) {
        let spec = ApplicationSpec {
            chart: ChartPlace {
                source: "charts".into(),
                path: name.name.clone(),
            },
            release: None,
            namespace: None,
            stages: Vec::new(),
            after: after.iter().map(|one| (*one).to_owned()).collect(),
            objective: None,
            holds: Vec::new(),
        };
        let mut application: Object<Application> = Object::new(&name.name, spec);
        application.metadata.namespace.clone_from(&name.namespace);
        self.world.put(application);
    }

    /// A version that was verified and signed, now.
    pub(crate) fn publish(&mut self, application: &Name, version: &str, author: &str) {
        let commit = format!("{:0>40}", version.replace('.', ""));
        let name = format!("{}-{version}", application.name);
        let spec = ArtifactSpec {
            application: application.name.clone(),
            chart: application.name.clone(),
            version: version.to_owned(),
            digest: format!("sha256:{:0>64}", version.replace('.', "")),
            location: "file:///charts".into(),
            origin: Origin {
                source: "charts".into(),
                commit: commit.clone(),
                author: author.to_owned(),
                authors: Vec::new(),
                others: false,
                committed: None,
                time: time::seconds(self.now),
                verification: Some(name.clone()),
                level: Some(Level::L2),
                evidence: None,
            },
            blocked: None,
            irreversible: false,
        };
        let mut artifact: Object<Artifact> = Object::new(&name, spec);
        artifact.metadata.namespace.clone_from(&application.namespace);
        artifact.status.conditions = vec![said(condition::VERIFIED, "True", "", self.now)];
        self.world.put(artifact);
        let spec = VerificationSpec {
            application: application.name.clone(),
            commit,
            proposal: None,
            level: Level::L2,
        };
        let mut verification: Object<Verification> = Object::new(&name, spec);
        verification.metadata.namespace.clone_from(&application.namespace);
        let passed = |level| LevelResult {
            level,
            stage: String::new(),
            result: Verdict::Passed,
            message: String::new(),
        };
        verification.status = VerificationStatus {
            results: vec![passed(Level::L1), passed(Level::L2)],
            conditions: vec![said(condition::PASSED, "True", "", self.now)],
            ..VerificationStatus::default()
        };
        self.world.put(verification);
    }

    /// Somebody asks for a promotion, as the API does. Its name.
    pub(crate) fn ask(
        &mut self,
        application: &Name,
        artifact: &str,
        (stage, direction): (&str, Direction),
        by: &str,
    ) -> Name {
        let name = delivery::promotion_name(&self.world, application, artifact, stage);
        let spec = PromotionSpec {
            application: application.name.clone(),
            artifact: artifact.to_owned(),
            stage: stage.to_owned(),
            by: by.to_owned(),
            direction,
            reason: None,
            overridden: None,
            abort: None,
        };
        let mut promotion: Object<Promotion> = Object::new(&name, spec);
        promotion.metadata.namespace.clone_from(&application.namespace);
        self.create(promotion)
    }

    pub(crate) fn create(&mut self, mut promotion: Object<Promotion>) -> Name {
        promotion.metadata.creation_timestamp = time::seconds(self.now);
        let name = Name::of(&promotion);
        if self.world.promotion(&name).is_none() {
            self.world.put(promotion);
        }
        name
    }

    pub(crate) fn edit_application(&mut self, name: &Name, edit: impl FnOnce(&mut Object<Application>)) {
        let mut object = self.world.application(name).unwrap().clone();
        edit(&mut object);
        self.world.put(object);
    }

    pub(crate) fn edit_artifact(
        &mut self,
        application: &Name,
        artifact: &str,
        edit: impl FnOnce(&mut Object<Artifact>),
    ) {
        let mut object = self.world.artifact(application, artifact).unwrap().object.clone();
        edit(&mut object);
        self.world.put(object);
    }

    pub(crate) fn edit_promotion(&mut self, name: &Name, edit: impl FnOnce(&mut Object<Promotion>)) {
        let mut object = self
            .world
            .promotion(name)
            .unwrap_or_else(|| panic!("no promotion {name}"))
            .clone();
        edit(&mut object);
        self.world.put(object);
    }

    pub(crate) fn approve(&mut self, name: &Name, by: &str, groups: &[&str], extra: &[&str]) {
        let now = time::seconds(self.now);
        self.edit_promotion(name, |one| {
            one.status.approvals.push(Approval {
                by: by.to_owned(),
                groups: groups.iter().map(|one| (*one).to_owned()).collect(),
                approved: !extra.contains(&"reject"),
                deletions: extra.contains(&"deletions"),
                plan_digest: one.status.plan_digest.clone(),
                time: now,
                reason: "because".into(),
            });
        });
    }

    /// What the word of somebody lets a promotion through.
    pub(crate) fn may_let_through(
        &self,
        name: &Name,
        groups: &[&str],
        may_override: bool,
    ) -> Result<Vec<LetThrough>, Box<Closed>> {
        let promotion = self.world.promotion(name).unwrap();
        let case = Case::of(&self.world, promotion, self.now).unwrap();
        let groups: Vec<String> = groups.iter().map(|one| (*one).to_owned()).collect();
        request::may_let_through(&case, &groups, may_override)
    }

    pub(crate) fn abort(&mut self, name: &Name, by: &str) {
        self.edit_promotion(name, |one| {
            one.spec.abort = Some(Word {
                by: by.to_owned(),
                reason: "enough".into(),
            });
        });
    }

    /// A cluster is done with what it was told.
    pub(crate) fn finish(&mut self, promotion: &Name, cluster: &str, action: Action, failure: Option<&str>) {
        let deleted = self.deleted(promotion);
        let outcome = Outcome {
            cluster: cluster.to_owned(),
            action,
            revision: Some(1),
            deleted: if action == Action::Apply { deleted } else { 0 },
            failure: failure.map(str::to_owned),
            note: String::new(),
        };
        let now = self.now;
        self.edit_promotion(promotion, |one| report::finish(one, &outcome, now));
    }

    fn deleted(&self, promotion: &Name) -> u32 {
        let promotion = self.world.promotion(promotion).unwrap();
        self.looks_of(promotion).deletes
    }

    fn looks_of(&self, promotion: &Object<Promotion>) -> Looks {
        let version = promotion
            .spec
            .artifact
            .rsplit_once(&format!("{}-", promotion.spec.application))
            .map(|(_, version)| version.to_owned())
            .unwrap_or_default();
        let key = (promotion.spec.application.clone(), version);
        self.looks.get(&key).copied().unwrap_or_default()
    }

    /// Plans one application, and does to the hub what the plan says.
    pub(crate) fn plan(&mut self, application: &Name) -> Plan {
        let plan = plan(&self.world, application, self.now);
        for step in &plan.steps {
            self.perform(step);
        }
        self.write_statuses(application);
        plan
    }

    pub(crate) fn perform(&mut self, step: &Step) {
        match step {
            Step::Create { promotion, .. } => {
                self.create((**promotion).clone());
            }
            Step::Hold {
                application, hold, ..
            } => {
                self.edit_application(application, |one| one.spec.holds.push(hold.clone()));
            }
            Step::Look {
                promotion, clusters, ..
            } => self.look(promotion, clusters),
            step => {
                let name = step.promotion().unwrap();
                if let Step::Begin { target, .. } = step {
                    let (delivery::Target::Clusters(clusters) | delivery::Target::Pair { clusters, .. }) =
                        target.clone();
                    if !self.is_admitted(&name, &clusters) {
                        return self.look(&name, &clusters);
                    }
                }
                if let Step::Begin { target, .. } = step {
                    let (delivery::Target::Clusters(clusters) | delivery::Target::Pair { clusters, .. }) =
                        target;
                    self.look(&name, clusters);
                }
                let now = self.now;
                self.edit_promotion(&name, |one| report::record(one, step, now));
            }
        }
    }

    fn plans(&self, promotion: &Object<Promotion>, clusters: &[String]) -> Vec<ClusterPlan> {
        let looks = self.looks_of(promotion);
        let plan = |cluster: &String| ClusterPlan {
            cluster: cluster.clone(),
            manifest: format!("sha256:{:0>64}", promotion.spec.artifact.len()),
            changes: 1,
            creates: 0,
            deletes: looks.deletes,
            objects: looks.objects.max(looks.deletes),
            precious: looks.precious.map(str::to_owned).into_iter().collect(),
        };
        clusters.iter().map(plan).collect()
    }

    fn is_admitted(&self, name: &Name, clusters: &[String]) -> bool {
        let promotion = self.world.promotion(name).unwrap();
        let case = Case::of(&self.world, promotion, self.now).unwrap();
        delivery::admit(&case, &self.plans(promotion, clusters)) == delivery::Admitted::Go
    }

    /// Shows what a promotion would do.
    fn look(&mut self, name: &Name, clusters: &[String]) {
        let promotion = self.world.promotion(name).unwrap();
        let plans = self.plans(promotion, clusters);
        let case = Case::of(&self.world, promotion, self.now).unwrap();
        let digest = shown_digest(&case, &plans);
        let now = self.now;
        self.edit_promotion(name, |one| report::plan(one, (plans, digest), now));
    }

    /// What the loops write into statuses beside steps.
    pub(crate) fn write_statuses(&mut self, application: &Name) {
        let Some(statuses) = report::statuses(&self.world, application, self.now) else {
            return;
        };
        for (artifact, traces) in statuses.artifacts {
            self.edit_artifact(application, &artifact, |one| {
                one.status.stages = traces.stages;
                one.status.failed = traces.failed;
                one.status.soaked = traces.soaked;
            });
        }
        let now = self.now;
        self.edit_application(application, |one| {
            one.status.stages = statuses.stages;
            one.status.latest = statuses.latest;
            condition::set(&mut one.status.conditions, statuses.ready, now);
        });
    }

    /// The clusters that have been told something and are not done, with what.
    pub(crate) fn busy(&self, application: &Name) -> Vec<(Name, String, Action)> {
        let mut busy = Vec::new();
        for promotion in self.world.all_promotions(application) {
            for step in &promotion.status.steps {
                let action = match step.name.as_str() {
                    "apply" => Action::Apply,
                    _ => Action::PutBack,
                };
                if step.state == kinds::StepState::Running {
                    busy.push((Name::of(promotion), step.cluster.clone(), action));
                }
            }
        }
        busy
    }

    /// Plans until nothing is planned any more and no cluster is busy; every cluster succeeds.
    pub(crate) fn settle(&mut self, application: &Name) -> Vec<Step> {
        let mut steps = Vec::new();
        for _ in 0..ROUNDS {
            let plan = self.plan(application);
            for (promotion, cluster, action) in self.busy(application) {
                self.finish(&promotion, &cluster, action, None);
            }
            let is_done = plan.steps.is_empty();
            steps.extend(plan.steps);
            if is_done && self.busy(application).is_empty() {
                return steps;
            }
        }
        panic!(
            "{application} is not settled after {ROUNDS} rounds: {:#?}",
            steps.last()
        );
    }
}

/// Whether a promotion runs for nobody's asking.
pub(crate) fn is_automatic(promotion: &Object<Promotion>) -> bool {
    promotion.spec.by == BY_ITSELF
}

pub(crate) fn is_live(promotion: &Object<Promotion>) -> bool {
    matches!(promotion.status.phase, Phase::Waiting | Phase::Running)
}

pub(crate) fn said(kind: &str, status: &str, reason: &str, now: Timestamp) -> Condition {
    Condition {
        kind: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: String::new(),
        observed_generation: 1,
        last_transition_time: time::seconds(now),
    }
}

/// An object of a kind from its spec as JSON.
pub(crate) fn object<K: Kind>(namespace: &str, name: &str, spec: Value) -> Object<K> {
    let mut object = Object::new(name, serde_json::from_value(spec).unwrap());
    namespace.clone_into(&mut object.metadata.namespace);
    object
}
