//! What holds of every delivery, whatever people, clusters and time do, and wherever whoever carries plans out is killed.

use std::collections::{BTreeMap, BTreeSet};

use delivery::{Action, Case, Decision, Name, Step, World, board, gate, plan, plan_all};
use jiff::SignedDuration;
use kinds::{
    Artifact, Blocked, Cluster, Direction, FreezeWindow, Hold, Object, Phase, Promotion, Stage, Tenant,
    Verification,
};
use proptest::prelude::*;
use serde_json::json;

use crate::scene::{Looks, Scene, is_automatic, is_live, object, said};

const APPLICATIONS: [&str; 3] = ["api", "db", "web"];
const STAGES: [&str; 3] = ["staging", "canary", "production"];
const CLUSTERS: [&str; 5] = ["east", "west", "north", "p1", "p2"];

/// Rounds without anything new from outside in which every plan has to come to rest: create, supersede, look, hold, report,
/// begin, perform, end, and some to spare.
const RESTS: usize = 12;

/// Something that happens. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Event {
    Publish {
        application: usize,
    },
    Pass {
        minutes: i64,
    },
    /// Plans and carries out so many of the steps; then whoever did it is killed, if there were more.
    Plan {
        application: usize,
        steps: usize,
    },
    Cluster {
        which: usize,
        fails: Fails,
    },
    Ask {
        application: usize,
        artifact: usize,
        stage: usize,
        is_back: bool,
    },
    Abort {
        which: usize,
    },
    Approve {
        which: usize,
        person: usize,
    },
    Hold {
        application: usize,
        stage: usize,
    },
    Block {
        application: usize,
        artifact: usize,
    },
    Mark {
        application: usize,
        artifact: usize,
    },
    Freeze {
        stage: usize,
    },
    Reach {
        cluster: usize,
        answers: bool,
    },
    Values {
        application: usize,
        stage: usize,
        value: u8,
    },
}

#[derive(Clone, Copy, Debug)]
enum Fails {
    Not,
    Already,
    AtLast,
}

fn event() -> impl Strategy<Value = Event> {
    let application = 0..APPLICATIONS.len();
    let stage = 0..STAGES.len();
    let artifact = 0..6_usize;
    let fails = prop_oneof![3 => Just(Fails::Not), 1 => Just(Fails::Already), 1 => Just(Fails::AtLast)];
    prop_oneof![
        6 => application.clone().prop_map(|application| Event::Publish { application }),
        4 => (1..90_i64).prop_map(|minutes| Event::Pass { minutes }),
        // A clock that is set back.
        1 => (-90..0_i64).prop_map(|minutes| Event::Pass { minutes }),
        20 => (application.clone(), prop_oneof![4 => Just(99), 1 => 0..3_usize])
            .prop_map(|(application, steps)| Event::Plan { application, steps }),
        12 => (0..8_usize, fails).prop_map(|(which, fails)| Event::Cluster { which, fails }),
        4 => (application.clone(), artifact.clone(), stage.clone(), any::<bool>()).prop_map(
            |(application, artifact, stage, is_back)| Event::Ask { application, artifact, stage, is_back }
        ),
        1 => (0..8_usize).prop_map(|which| Event::Abort { which }),
        4 => (0..8_usize, 0..4_usize).prop_map(|(which, person)| Event::Approve { which, person }),
        1 => (application.clone(), stage.clone())
            .prop_map(|(application, stage)| Event::Hold { application, stage }),
        1 => (application.clone(), artifact.clone())
            .prop_map(|(application, artifact)| Event::Block { application, artifact }),
        1 => (application.clone(), artifact)
            .prop_map(|(application, artifact)| Event::Mark { application, artifact }),
        1 => stage.clone().prop_map(|stage| Event::Freeze { stage }),
        1 => (0..CLUSTERS.len(), any::<bool>())
            .prop_map(|(cluster, answers)| Event::Reach { cluster, answers }),
        1 => (application, stage, 0..3_u8)
            .prop_map(|(application, stage, value)| Event::Values { application, stage, value }),
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 1..120)
}

fn name(application: usize) -> Name {
    Name::new("payments", APPLICATIONS[application])
}

fn start() -> Scene {
    let mut scene = Scene::new();
    scene.tenant("payments", &[]);
    scene.stage(
        STAGES[0],
        json!({"clusters": ["east", "west"], "waves": {"size": 1, "maxFailed": 1}}),
    );
    scene.stage(
        STAGES[1],
        json!({"after": "staging", "clusters": ["north"], "promotion": "Automatic", "failure": "Stop",
               "gates": {"soakBefore": "10m"}}),
    );
    scene.stage(
        STAGES[2],
        json!({"after": "canary", "clusters": ["p1", "p2"], "gates": {"approvals": {"quorum": 2}},
               "deletionBrake": {"releasesPerHour": 2}}),
    );
    scene.application(&name(0), &["db"]);
    scene.application(&name(1), &[]);
    scene.application(&name(2), &[]);
    scene
}

/// A scene in which things happen, with what is checked at every plan.
struct Told {
    scene: Scene,
    published: u32,
}

impl Told {
    fn of(events: &[Event]) -> Self {
        let mut told = Self {
            scene: start(),
            published: 0,
        };
        for event in events {
            told.happen(event);
        }
        told
    }

    fn happen(&mut self, event: &Event) {
        let scene = &mut self.scene;
        match event {
            Event::Publish { application } => {
                self.published += 1;
                let version = format!("1.{}.0", self.published);
                if self.published.is_multiple_of(3) {
                    let key = (APPLICATIONS[*application].to_owned(), version.clone());
                    let looks = Looks {
                        deletes: 2,
                        objects: 20,
                        ..Looks::default()
                    };
                    scene.looks.insert(key, looks);
                }
                scene.publish(&name(*application), &version, "ana");
            }
            Event::Pass { minutes } => scene.pass(SignedDuration::from_mins(*minutes)),
            Event::Plan { application, steps } => self.plan(&name(*application), *steps),
            Event::Cluster { which, fails } => self.cluster_says(*which, *fails),
            Event::Ask {
                application,
                artifact,
                stage,
                is_back,
            } => {
                let direction = if *is_back {
                    Direction::Back
                } else {
                    Direction::Forward
                };
                if let Some(artifact) = self.artifact(*application, *artifact) {
                    self.scene
                        .ask(&name(*application), &artifact, (STAGES[*stage], direction), "bob");
                }
            }
            Event::Abort { which } => {
                if let Some(promotion) = self.live(*which) {
                    self.scene.abort(&promotion, "bob");
                }
            }
            Event::Approve { which, person } => {
                let people = ["bob", "cid", "dee", "ana"];
                if let Some(promotion) = self.live(*which) {
                    let extra: &[&str] = if *person == 0 { &["deletions"] } else { &[] };
                    self.scene.approve(&promotion, people[*person], &[], extra);
                }
            }
            other => self.people_write(other),
        }
    }

    fn people_write(&mut self, event: &Event) {
        match event {
            Event::Hold { application, stage } => {
                let stage = STAGES[*stage].to_owned();
                self.scene.edit_application(&name(*application), |one| {
                    let had = one.spec.holds.len();
                    one.spec.holds.retain(|one| one.stage != stage);
                    if had == one.spec.holds.len() {
                        let (by, reason) = ("bob".to_owned(), "a fair".to_owned());
                        one.spec.holds.push(Hold {
                            stage,
                            by,
                            reason,
                            since: None,
                        });
                    }
                });
            }
            Event::Block {
                application,
                artifact,
            } => {
                if let Some(artifact) = self.artifact(*application, *artifact) {
                    self.scene.edit_artifact(&name(*application), &artifact, |one| {
                        let (by, reason) = ("bob".to_owned(), "bad".to_owned());
                        let blocked = Blocked {
                            by,
                            reason,
                            since: None,
                        };
                        one.spec.blocked = one.spec.blocked.is_none().then_some(blocked);
                    });
                }
            }
            Event::Mark {
                application,
                artifact,
            } => {
                if let Some(artifact) = self.artifact(*application, *artifact) {
                    let edit = |one: &mut Object<Artifact>| one.spec.irreversible = true;
                    self.scene.edit_artifact(&name(*application), &artifact, edit);
                }
            }
            Event::Freeze { stage } => {
                let to = self.scene.now + SignedDuration::from_mins(45);
                let spec = json!({"reason": "a fair", "stages": [STAGES[*stage]],
                                  "once": {"from": self.scene.now.to_string(), "to": to.to_string()}});
                let window: Object<FreezeWindow> = object("shipway-system", STAGES[*stage], spec);
                self.scene.world.put(window);
            }
            Event::Reach { cluster, answers } => {
                let answers = if *answers { "True" } else { "False" };
                self.scene.cluster(CLUSTERS[*cluster], answers);
            }
            Event::Values {
                application,
                stage,
                value,
            } => {
                let stage = json!({"name": STAGES[*stage], "values": {"is": value}});
                self.scene.edit_application(&name(*application), |one| {
                    one.spec.stages = vec![serde_json::from_value(stage).unwrap()];
                });
            }
            other => panic!("nobody writes {other:?}"),
        }
    }

    fn plan(&mut self, application: &Name, most: usize) {
        let planned = plan(&self.scene.world, application, self.scene.now);
        for step in &planned.steps {
            self.is_allowed(application, step);
        }
        for step in planned.steps.iter().take(most) {
            self.scene.perform(step);
        }
        if planned.steps.len() <= most {
            self.scene.write_statuses(application);
            one_of_each(&self.scene.world, application, planned.steps.is_empty());
        }
        running_once(&self.scene.world, application);
    }

    /// What may never be planned.
    fn is_allowed(&self, application: &Name, step: &Step) {
        let world = &self.scene.world;
        match step {
            Step::Create { promotion, .. } => {
                assert!(is_automatic(promotion), "nobody asked for {promotion:?}");
                let artifact = world.artifact(application, &promotion.spec.artifact).unwrap();
                assert!(
                    artifact.object.spec.blocked.is_none(),
                    "a blocked version comes by itself"
                );
                let stage = world.stage(&promotion.spec.stage).unwrap();
                let object = world.application(application).unwrap();
                let failed = gate::failed_before(world, object, stage, artifact);
                assert_eq!(failed, None, "what failed comes again by itself");
                let current = world.current(application, &promotion.spec.stage);
                let there = current.and_then(|one| world.artifact(application, &one.artifact));
                assert!(
                    there.is_none_or(|there| artifact.order >= there.order),
                    "an older version comes by itself"
                );
                let aborted = world.promotions(application, &promotion.spec.stage).any(|one| {
                    one.spec.artifact == promotion.spec.artifact
                        && one.spec.abort.is_some()
                        && one.status.settings.is_empty()
                });
                assert!(!aborted, "what a person stopped comes again by itself");
            }
            Step::Begin {
                promotion, agreed, ..
            } => {
                let promotion = world.promotion(promotion).unwrap();
                let case = Case::of(world, promotion, self.scene.now).unwrap();
                for verdict in gate::decide(&case) {
                    assert!(
                        verdict.decision.is_open(),
                        "{verdict:?} is closed, and {promotion:?} begins"
                    );
                }
                let is_asked = case.stage.spec.gates.approvals.is_some();
                let is_back = promotion.spec.direction == Direction::Back;
                assert!(
                    agreed.is_some() || !is_asked || is_back,
                    "nobody agreed to {promotion:?}"
                );
                if is_back {
                    let holds = &case.application.spec.holds;
                    let is_held = holds.iter().any(|one| one.stage == promotion.spec.stage);
                    assert!(is_held, "a rollback does not hold");
                }
            }
            Step::Perform {
                promotion, action, ..
            } => {
                let promotion = world.promotion(promotion).unwrap();
                let mends = promotion.status.phase == Phase::Superseded && *action == Action::PutBack;
                assert!(promotion.status.phase == Phase::Running || mends, "{promotion:?}");
                let artifact = world.artifact(application, &promotion.spec.artifact).unwrap();
                if *action == Action::Apply {
                    assert!(
                        artifact.object.spec.blocked.is_none(),
                        "a blocked version is applied"
                    );
                } else {
                    assert!(
                        !artifact.object.spec.irreversible,
                        "an irreversible version is put back"
                    );
                }
            }
            Step::End { .. } | Step::Hold { .. } | Step::Look { .. } | Step::Report { .. } => {}
        }
    }

    fn artifact(&self, application: usize, which: usize) -> Option<String> {
        let application = name(application);
        let all: Vec<String> = self
            .scene
            .world
            .newest_first(&application)
            .map(|one| one.name().to_owned())
            .collect();
        all.get(which % all.len().max(1)).cloned()
    }

    fn live(&self, which: usize) -> Option<Name> {
        let all: Vec<Name> = APPLICATIONS
            .iter()
            .flat_map(|one| self.scene.world.all_promotions(&Name::new("payments", one)))
            .filter(|one| is_live(one))
            .map(Name::of)
            .collect();
        all.get(which % all.len().max(1)).cloned()
    }

    fn cluster_says(&mut self, which: usize, fails: Fails) {
        let busy: Vec<(Name, String, Action)> = (0..APPLICATIONS.len())
            .flat_map(|one| self.scene.busy(&name(one)))
            .collect();
        let Some((promotion, cluster, action)) = busy.get(which % busy.len().max(1)).cloned() else {
            return;
        };
        match fails {
            Fails::Not => self.scene.finish(&promotion, &cluster, action, None),
            Fails::AtLast => self
                .scene
                .finish(&promotion, &cluster, action, Some("it crashes")),
            Fails::Already => self.scene.edit_promotion(&promotion, |one| {
                let steps = one.status.steps.iter_mut();
                steps
                    .filter(|one| one.cluster == cluster)
                    .for_each(|one| one.failing = true);
            }),
        }
    }

    /// Everything that keeps promotions from going on goes away.
    fn clear(&mut self) {
        for cluster in CLUSTERS {
            self.scene.cluster(cluster, "True");
        }
        for stage in STAGES {
            self.scene
                .world
                .remove::<FreezeWindow>(&Name::new("shipway-system", stage));
        }
        for one in 0..APPLICATIONS.len() {
            self.scene
                .edit_application(&name(one), |one| one.spec.holds.clear());
        }
    }
}

/// At most one promotion runs.
fn running_once(world: &World, application: &Name) {
    for stage in STAGES {
        let running = world
            .promotions(application, stage)
            .filter(|one| one.status.phase == Phase::Running);
        assert!(
            running.count() <= 1,
            "two promotions of {application} run in {stage}"
        );
    }
}

/// At most one waits, once a plan was carried out and nothing is left to do.
fn one_of_each(world: &World, application: &Name, is_at_rest: bool) {
    for stage in STAGES.iter().filter(|_| is_at_rest) {
        let waiting = world
            .promotions(application, stage)
            .filter(|one| one.status.phase == Phase::Waiting);
        assert!(
            waiting.count() <= 1,
            "two promotions of {application} wait in {stage}"
        );
    }
}

/// Puts an object into a world.
type Put = Box<dyn Fn(&mut World)>;

/// Every object of a world, to be put into another.
fn rebuilt(scene: &Scene, order: u64) -> World {
    let old = &scene.world;
    let mut puts: Vec<Put> = Vec::new();
    macro_rules! put {
        ($object:expr) => {{
            let object = $object.clone();
            puts.push(Box::new(move |world: &mut World| world.put(object.clone())));
        }};
    }
    for (application, object) in old.applications() {
        put!(object);
        for artifact in old.newest_first(application) {
            put!(artifact.object);
            let verification: &Object<Verification> =
                old.verification(&application.beside(artifact.name())).unwrap();
            put!(verification);
        }
        for promotion in old.all_promotions(application) {
            put!(promotion);
        }
    }
    for stage in old.route() {
        put!(stage);
    }
    for cluster in CLUSTERS {
        let cluster: &Object<Cluster> = old.cluster(cluster).unwrap();
        put!(cluster);
    }
    for (_, window) in old.windows() {
        put!(window.object);
    }
    let tenant: &Object<Tenant> = old.tenant_of("payments").unwrap();
    put!(tenant);
    // Any order will do: by the digits of a product.
    let mut world = World::default();
    let mut at: Vec<(u64, usize)> = (0..puts.len())
        .map(|one| {
            (
                (one as u64 + 1)
                    .wrapping_mul(order | 1)
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                    .rotate_left(17),
                one,
            )
        })
        .collect();
    at.sort_unstable();
    for (_, one) in &at {
        puts[*one](&mut world);
    }
    // What is seen twice, or goes and comes again, changes nothing.
    for (_, one) in at.iter().step_by(3) {
        puts[*one](&mut world);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_forbidden_is_ever_planned(events in events()) {
        Told::of(&events);
    }

    #[test]
    fn plans_come_to_rest_and_no_step_is_planned_twice(events in events()) {
        let mut told = Told::of(&events);
        for one in 0..APPLICATIONS.len() {
            let application = name(one);
            let mut seen: Vec<Step> = Vec::new();
            for round in 0..=RESTS {
                let planned = plan(&told.scene.world, &application, told.scene.now);
                prop_assert!(round < RESTS || planned.steps.is_empty(), "{application} does not rest: {:#?}", planned.steps);
                for step in &planned.steps {
                    told.is_allowed(&application, step);
                    prop_assert!(!seen.contains(step), "planned twice: {step:#?}");
                }
                told.plan(&application, usize::MAX);
                seen.extend(planned.steps);
            }
        }
    }

    #[test]
    fn the_order_in_which_objects_are_seen_does_not_count(events in events(), order in any::<u64>()) {
        let told = Told::of(&events);
        let other = rebuilt(&told.scene, order);
        let now = told.scene.now;
        prop_assert_eq!(plan_all(&told.scene.world, now), plan_all(&other, now));
        prop_assert_eq!(board(&told.scene.world, now), board(&other, now));
    }

    #[test]
    fn the_newest_good_version_arrives_once(events in events()) {
        let mut told = Told::of(&events);
        told.clear();
        // The applications that others come after first, and again, for what has waited for others.
        for one in [1, 0, 2, 1, 0, 2] {
            told.scene.settle(&name(one));
        }
        for one in 0..APPLICATIONS.len() {
            arrived(&told.scene, &name(one));
        }
    }

    #[test]
    fn every_cell_that_waits_says_for_what(events in events()) {
        let told = Told::of(&events);
        for row in board(&told.scene.world, told.scene.now).rows {
            for cell in row.cells {
                use delivery::CellState::{Current, Empty, Running};
                let says = cell.closed.as_ref().is_some_and(|one| !one.message.is_empty() && !one.reason.is_empty());
                prop_assert!(says || matches!(cell.state, Current | Empty | Running), "{cell:#?}");
            }
        }
    }
}

/// The first stage has the newest version that may be there by itself, and had none by itself twice.
fn arrived(scene: &Scene, application: &Name) {
    let (world, stage) = (&scene.world, STAGES[0]);
    let mut newest = world
        .newest_first(application)
        .filter(|one| one.object.spec.blocked.is_none());
    let current = world.current(application, stage);
    let there = current.and_then(|one| world.artifact(application, &one.artifact));
    if let Some(newest) = newest.next()
        && there.is_none_or(|there| there.order < newest.order)
    {
        let object = world.application(application).unwrap();
        let failed = gate::failed_before(world, object, world.stage(stage).unwrap(), newest);
        let stopped = world
            .promotions(application, stage)
            .any(|one| one.spec.artifact == newest.name() && one.spec.abort.is_some());
        let chosen = world
            .asked(application, stage)
            .is_some_and(|asked| newest.time().unwrap() <= asked);
        let waits = world
            .promotions(application, stage)
            .find(|one| one.status.phase == Phase::Waiting);
        let says = waits.map(|one| closed(scene, one)).unwrap_or_default();
        let left = !world.left(application, stage).is_empty();
        assert!(
            failed.is_some() || stopped || chosen || left || !says.is_empty(),
            "{application} lost {}: {there:?}",
            newest.name()
        );
    }
    for (cluster, one) in world.left(application, stage) {
        let artifact = world.artifact(application, &one.spec.artifact).unwrap();
        let stays = artifact.object.spec.irreversible
            || one.spec.direction == Direction::Back
            || one
                .status
                .steps
                .iter()
                .any(|step| step.cluster == cluster && step.name == "put back");
        let is_superseded = one.status.phase == Phase::Superseded;
        assert!(
            stays || !is_superseded,
            "{cluster} still has what was superseded: {one:?}"
        );
    }
    let mut once: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for one in world.promotions(application, stage) {
        if is_automatic(one) && one.status.phase == Phase::Succeeded {
            let names = once
                .entry((&one.spec.artifact, &one.status.settings))
                .or_default();
            names.insert(&one.metadata.name);
        }
    }
    for ((artifact, settings), names) in once {
        // After something else was there, the same may come again; by itself it does not.
        let others = world.promotions(application, stage).filter(|one| {
            let is_other = one.spec.artifact != artifact || one.status.settings != settings;
            one.status.turn > 0 && (is_other || !is_automatic(one))
        });
        assert!(
            names.len() == 1 || others.count() > 0,
            "{artifact} came twice: {names:?}"
        );
    }
}

/// The gates of a promotion that are closed.
fn closed(scene: &Scene, promotion: &Object<Promotion>) -> Vec<&'static str> {
    let case = Case::of(&scene.world, promotion, scene.now).unwrap();
    let closed = gate::decide(&case)
        .into_iter()
        .filter(|one| !matches!(one.decision, Decision::Open { .. }));
    closed.map(|one| one.gate).collect()
}

#[test]
fn a_cluster_that_is_not_known_to_answer_is_asked() {
    let mut scene = start();
    let mut cluster = scene.world.cluster("east").unwrap().clone();
    cluster.status.conditions = vec![said("Reachable", "Unknown", "", scene.now)];
    scene.world.put(cluster);
    scene.publish(&name(2), "1.0.0", "ana");
    scene.settle(&name(2));
    assert!(scene.world.current(&name(2), "staging").is_some());
    scene.world.remove::<Stage>(&Name::new("", "staging"));
    scene.publish(&name(2), "1.1.0", "ana");
    let planned = plan(&scene.world, &name(2), scene.now).steps;
    let creates = planned.iter().filter(|one| matches!(one, Step::Create { .. }));
    assert_eq!(
        creates.count(),
        0,
        "a stage that is gone gets something: {planned:?}"
    );
}
