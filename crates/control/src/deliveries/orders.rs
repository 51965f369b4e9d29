//! From a promotion to the order for one cluster.

use std::time::Duration;

use artifact::SigningKey;
use delivery::{Action, Name, World, settings_digest};
use jiff::Timestamp;
use kinds::{Application, ApplicationStage, ClusterPlan, Direction, Drift, Object, Phase, Promotion, Stage};
use objects::time;
use release::Brake;

use super::carry::{AGAIN, Agreed, Goal, Order};
use super::past::{Past, note};
use super::shelf::Subject;
use crate::verifications::gather::{namespace_of, release_of};

/// The step of a promotion in one cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) promotion: Name,
    pub(super) cluster: String,
    /// [`Action::as_str`].
    pub(super) action: &'static str,
}

/// How long a release may take whose stage says nothing that can be read.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The order for a step, or why there can be none.
pub(super) fn order(
    world: &World,
    promotion: &Object<Promotion>,
    (action, cluster): (Action, &str),
    key: &SigningKey,
) -> Result<Order, String> {
    let own = Name::of(promotion);
    let name = own.beside(&promotion.spec.application);
    let application = world
        .application(&name)
        .ok_or_else(|| format!("there is no Application {name}"))?;
    let stage = world
        .stage(&promotion.spec.stage)
        .ok_or_else(|| format!("there is no Stage {}", promotion.spec.stage))?;
    let tenant = world
        .tenant_of(&name.namespace)
        .ok_or_else(|| format!("the namespace {} is no tenant's", name.namespace))?;
    let place = (&name, application, stage);
    let is_back = promotion.spec.direction == Direction::Back;
    let goal = match action {
        Action::Apply if is_back => back(world, place, &promotion.spec.artifact, cluster)?,
        Action::Apply => Goal::Version(subject(world, place, &promotion.spec.artifact)?),
        Action::PutBack => before(world, place, cluster)?,
    };
    let goes_back = is_back || action == Action::PutBack;
    let agreed = match goes_back {
        true => Agreed::Anything,
        false => agreed(promotion, place, cluster),
    };
    let seconds = |text: &str| kinds::duration(text).and_then(|stated| Duration::try_from(stated).ok());
    let namespace = namespace_of(application);
    let release = release_of(application);
    Ok(Order {
        cluster: cluster.to_owned(),
        tenant: tenant.metadata.name.clone(),
        namespace: namespace
            .parse()
            .map_err(|error| format!("{namespace}: {error}"))?,
        release: release.parse().map_err(|error| format!("{release}: {error}"))?,
        goal,
        secret: key.secret(&format!("{own} in {cluster}, {}", promotion.metadata.uid)),
        note: note(action, promotion),
        at: time::parse(&promotion.metadata.creation_timestamp).unwrap_or(Timestamp::UNIX_EPOCH),
        timeout: seconds(&stage.spec.timeout).unwrap_or(TIMEOUT),
        soak: seconds(&stage.spec.soak).unwrap_or_default(),
        takes_fields: stage.spec.drift == Drift::PutBack || action == Action::PutBack,
        brake: (!goes_back).then(|| brake(&agreed, stage)),
        agreed,
    })
}

/// An application in a stage.
type Place<'a> = (&'a Name, &'a Object<Application>, &'a Object<Stage>);

/// What a rollback goes back to: the artifact as it was brought there, with the values of then.
fn back(world: &World, place: Place<'_>, artifact: &str, cluster: &str) -> Result<Goal, String> {
    let (name, application, stage) = place;
    let to = stage.metadata.name.as_str();
    let brought = world.brought(name, to, artifact);
    let past = Past::of(world, (name, to), (artifact, cluster), brought);
    let was = brought.map_or("", |one| one.status.settings.as_str());
    let is_other = !was.is_empty() && was != settings_digest(application, to);
    // A rollback waits for nobody, so nothing comes by it that nobody agreed to.
    if is_other && stage.spec.gates.approvals.is_some() {
        let why = format!(
            "the history of the release in {cluster} has lost what {artifact} was, and with what {name} says of {to} now \
             nobody agreed to it: set that back to what it was, and roll back again"
        );
        return Ok(Goal::Past(past, Err(why)));
    }
    Ok(Goal::Past(past, Ok(subject(world, place, artifact)?)))
}

/// What a cluster had before: what the stage has, by the revision that brought it there.
fn before(world: &World, place: Place<'_>, cluster: &str) -> Result<Goal, String> {
    let (name, _, stage) = place;
    let to = stage.metadata.name.as_str();
    let Some(current) = world.current(name, to) else {
        return Ok(Goal::Before(Past::before(world, name, to)));
    };
    let brought = world.promotion(&name.beside(&current.promotion));
    let past = Past::of(world, (name, to), (&current.artifact, cluster), brought);
    Ok(Goal::Past(past, Ok(subject(world, place, &current.artifact)?)))
}

/// What was agreed to of a cluster when the promotion began. What nobody could look at then has at least the settings.
fn agreed(promotion: &Object<Promotion>, (name, application, stage): Place<'_>, cluster: &str) -> Agreed {
    let status = &promotion.status;
    if status.phase != Phase::Running {
        return Agreed::Anything;
    }
    if let Some(plan) = status.plan.iter().find(|one| one.cluster == cluster) {
        return Agreed::To(plan.clone());
    }
    let to = stage.metadata.name.as_str();
    let now = settings_digest(application, to);
    if status.settings.is_empty() || status.settings == now {
        return Agreed::Anything;
    }
    Agreed::Not(format!(
        "what {name} says of {to} was changed since the promotion began, from {} to {now}; {AGAIN}",
        status.settings
    ))
}

fn subject(
    world: &World,
    (name, application, stage): Place<'_>,
    artifact: &str,
) -> Result<Box<Subject>, String> {
    let published = world
        .artifact(name, artifact)
        .ok_or_else(|| format!("{name} has no artifact {artifact}"))?;
    let stated = application.spec.stages.iter();
    let mut stated = stated.filter(|one| one.name == stage.metadata.name);
    let plain = || ApplicationStage {
        name: stage.metadata.name.clone(),
        values_files: Vec::new(),
        values: serde_json::Map::new(),
        hosts: Vec::new(),
    };
    Ok(Box::new(Subject {
        artifact: published.object.clone(),
        path: application.spec.chart.path.clone(),
        stage: stated.next().cloned().unwrap_or_else(plain),
    }))
}

/// As much as was looked at may be deleted, and what the stage lets go where nobody looked.
fn brake(agreed: &Agreed, stage: &Object<Stage>) -> Brake {
    let spec = &stage.spec.deletion_brake;
    let Agreed::To(plan) = agreed else {
        return Brake {
            objects: spec.objects as usize,
            percent: spec.percent as usize,
            precious: 0,
        };
    };
    let objects = plan.deletes as usize;
    let named = plan.precious.len();
    Brake {
        objects,
        percent: 100,
        // There may be more than are named.
        precious: if named < ClusterPlan::MOST_NAMED {
            named
        } else {
            objects
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object<K: kinds::Kind>(name: &str, spec: Value, status: Value) -> Object<K> {
        let mut object: Object<K> = Object::new(name, serde_json::from_value(spec).unwrap());
        object.metadata.namespace = "shop".to_owned();
        object.status = serde_json::from_value(status).unwrap();
        object
    }

    fn promotion(name: &str, (artifact, direction): (&str, &str), status: Value) -> Object<Promotion> {
        let spec = json!({"application": "web", "artifact": artifact, "stage": "prod", "by": "ada",
            "direction": direction});
        object(name, spec, status)
    }

    /// A stage with approvals, an application with two versions, and values.
    fn world(values: &str) -> World {
        let mut world = World::default();
        let quota = json!({"quota": {"cpu": "1", "memory": "1Gi"}});
        let mut tenant: Object<kinds::Tenant> = object("shop", quota, json!({}));
        tenant.metadata.namespace.clear();
        world.put(tenant);
        let gates = json!({"approvals": {"quorum": 1}});
        let spec = json!({"clusters": ["east", "west"], "gates": gates, "deletionBrake": {"objects": 3, "percent": 10}});
        let mut stage: Object<Stage> = object("prod", spec, json!({}));
        stage.metadata.namespace.clear();
        world.put(stage);
        let stages = json!([{"name": "prod", "values": {"greeting": values}}]);
        let chart = json!({"source": "charts", "path": "web"});
        world.put::<Application>(object(
            "web",
            json!({"chart": chart, "stages": stages}),
            json!({}),
        ));
        for (name, time) in [
            ("web-1", "2026-01-01T00:00:00Z"),
            ("web-2", "2026-01-02T00:00:00Z"),
        ] {
            let origin = json!({"source": "charts", "commit": "0", "author": "ana", "time": time});
            let spec = json!({"application": "web", "chart": "web", "version": name, "digest": "", "location": "",
                "origin": origin});
            world.put::<kinds::Artifact>(object(name, spec, json!({})));
        }
        world
    }

    fn settings(world: &World) -> String {
        let application = world.application(&Name::new("shop", "web")).unwrap();
        settings_digest(application, "prod")
    }

    fn ordered(world: &World, promotion: &Object<Promotion>, action: Action, cluster: &str) -> Order {
        let key = SigningKey::from_seed(&[7; 32]);
        order(world, promotion, (action, cluster), &key).unwrap()
    }

    #[test]
    fn what_is_carried_out_is_what_was_agreed_to_and_deletes_no_more() {
        let mut world = world("hello");
        let plan = json!([{"cluster": "east", "manifest": "sha256:aa", "deletes": 30}]);
        let status = json!({"phase": "Running", "turn": 1, "plan": plan, "settings": settings(&world)});
        let mut promotion = promotion("p", ("web-1", "Forward"), status);
        let here = ordered(&world, &promotion, Action::Apply, "east");
        assert!(matches!(&here.agreed, Agreed::To(plan) if plan.manifest == "sha256:aa"));
        assert_eq!(
            here.brake.map(|brake| (brake.objects, brake.percent)),
            Some((30, 100))
        );
        // Nobody could look at the other: it has the brake of the stage, and the settings of then.
        let there = ordered(&world, &promotion, Action::Apply, "west");
        assert_eq!(there.agreed, Agreed::Anything);
        assert_eq!(
            there.brake.map(|brake| (brake.objects, brake.percent)),
            Some((3, 10))
        );
        promotion.status.settings = "sha256:other".to_owned();
        let changed = ordered(&world, &promotion, Action::Apply, "west").agreed;
        assert!(
            matches!(&changed, Agreed::Not(why) if why.contains("was changed since") && why.contains(AGAIN)),
            "{changed:?}"
        );
        // What goes back was there before.
        world.put(promotion.clone());
        let back = ordered(&world, &promotion, Action::PutBack, "west");
        assert_eq!((back.agreed, back.brake), (Agreed::Anything, None));
        assert!(
            matches!(back.goal, Goal::Before(past) if past.never == ["apply web-1, promotion p, turn 1"])
        );
    }

    #[test]
    fn a_rollback_brings_what_was_there_and_never_values_that_nobody_agreed_to() {
        let mut world = world("hello");
        let then = settings(&world);
        let steps = json!([{"cluster": "east", "name": "apply", "state": "Done", "revision": 4}]);
        let status = json!({"phase": "Succeeded", "turn": 1, "steps": steps, "settings": then});
        world.put(promotion("one", ("web-1", "Forward"), status));
        let status = json!({"phase": "Running", "turn": 3, "settings": then});
        let back = promotion("back", ("web-1", "Back"), status);
        let goal = |world: &World| match ordered(world, &back, Action::Apply, "east").goal {
            Goal::Past(past, anew) => (past.recorded, anew.is_ok()),
            other => panic!("{other:?}"),
        };
        let recorded = Some((4, "apply web-1, promotion one, turn 1".to_owned()));
        assert_eq!(goal(&world), (recorded.clone(), true));
        let mut application = world.application(&Name::new("shop", "web")).unwrap().clone();
        application.spec.stages[0]
            .values
            .insert("greeting".to_owned(), json!("evil"));
        world.put(application);
        assert_eq!(goal(&world), (recorded, false));
    }

    #[test]
    fn no_more_is_deleted_than_was_looked_at_and_nothing_unasked_that_takes_more_along() {
        let spec = json!({"clusters": ["east"], "deletionBrake": {"objects": 3, "percent": 10}});
        let stage: Object<Stage> = Object::new("staging", serde_json::from_value(spec).unwrap());
        let plan = |deletes, named: usize| {
            Agreed::To(ClusterPlan {
                deletes,
                precious: vec!["Namespace shop".to_owned(); named],
                ..ClusterPlan::default()
            })
        };
        let brake = |agreed| {
            let Brake {
                objects,
                percent,
                precious,
            } = brake(&agreed, &stage);
            (objects, percent, precious)
        };
        assert_eq!(brake(Agreed::Anything), (3, 10, 0));
        assert_eq!(brake(plan(0, 0)), (0, 100, 0));
        assert_eq!(brake(plan(30, 2)), (30, 100, 2));
        assert_eq!(brake(plan(30, 20)), (30, 100, 30));
    }
}
