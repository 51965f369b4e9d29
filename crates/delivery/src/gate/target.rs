//! The gate `target`: the stage, its clusters and the tenant are there, and the application may go there.
//!
//! A release is known by cluster, namespace and name. Where two stages of one application, or two applications, have one release
//! between them, each would overwrite what the other deployed, so nothing goes there until that is mended.

use kinds::condition::REACHABLE;
use kinds::{Application, Cluster, Object, Stage, Tenant};
use objects::time;

use super::{Case, Closed, Decision};
use crate::world::{Published, World, is_reachable, release_of};
use crate::{Name, command, reason};

/// Whether nothing says that a cluster does not answer.
#[must_use]
pub fn answers(world: &World, cluster: &str) -> bool {
    world
        .cluster(cluster)
        .is_some_and(|one| unreachable(one).is_none())
}

pub(super) fn decide(case: &Case<'_>) -> Decision {
    let is_there = [application_stays, stage_is_on_the_route];
    if let Some(closed) = is_there.iter().find_map(|rule| rule(case)) {
        return closed.refused();
    }
    let Some(tenant) = case.tenant() else {
        let message = format!("the namespace {} is no tenant's", case.name.namespace);
        let closed = Closed::new(reason::NO_TENANT, message);
        return closed
            .opened_by("whoever may administer tenants", "shipway tenant add")
            .refused();
    };
    if tenant.is_leaving() {
        let message = format!("the tenant {} is leaving", tenant.metadata.name);
        return Closed::new(reason::NO_TENANT, message).refused();
    }
    let wanted = clusters(case.world, case.name, case.stage);
    if wanted.is_empty() {
        let message = format!(
            "{} has no cluster that {} may use",
            case.to(),
            tenant.metadata.name
        );
        let command = command::explain("stage", &Name::new("", case.to()));
        return Closed::new(reason::NO_CLUSTER, message)
            .opened_by("whoever may administer tenants", command)
            .refused();
    }
    // Who goes back asks for what he gets, and it is the way out of such a mistake too.
    if !case.is_back()
        && let Some(closed) = same_release(case, &wanted)
    {
        return closed.refused();
    }
    let closed: Vec<Decision> = wanted
        .iter()
        .filter_map(|cluster| look(case, tenant, cluster))
        .collect();
    // Who goes back takes what he can reach.
    if case.is_back() && closed.len() < wanted.len() {
        return Decision::open();
    }
    let refused = closed.iter().find(|one| matches!(one, Decision::Refused(_)));
    refused.or(closed.first()).cloned().unwrap_or_else(Decision::open)
}

/// The clusters that an application is deployed to in a stage: those of the stage that its tenant may use, in the stage's
/// order; of a pair the primary and the canary.
#[must_use]
pub fn clusters(world: &World, application: &Name, stage: &Object<Stage>) -> Vec<String> {
    let may = |name: &String| {
        let tenant = world.tenant_of(&application.namespace);
        tenant.is_some_and(|one| one.spec.clusters.is_empty() || one.spec.clusters.contains(name))
    };
    match &stage.spec.pair {
        None => {
            let all = stage.spec.clusters.iter();
            all.filter(|name| may(name)).cloned().collect()
        }
        Some(pair) => {
            let names = world
                .pair(pair)
                .map(|pair| [pair.spec.primary.clone(), pair.spec.canary.clone()]);
            match names {
                Some(names) if names.iter().all(may) => names.to_vec(),
                _ => Vec::new(),
            }
        }
    }
}

/// The clusters that a stage names, whoever may use them.
pub(crate) fn wanted(world: &World, stage: &Object<Stage>) -> Vec<String> {
    match &stage.spec.pair {
        None => stage.spec.clusters.clone(),
        Some(pair) => {
            let pair = world.pair(pair).map(|pair| &pair.spec);
            pair.map(|pair| vec![pair.primary.clone(), pair.canary.clone()])
                .unwrap_or_default()
        }
    }
}

/// A cluster of these that another stage has too, with that stage. `of` says which clusters a stage has.
pub(crate) fn shares<'a>(
    world: &'a World,
    (stage, clusters): (&Object<Stage>, &[String]),
    of: impl Fn(&Object<Stage>) -> Vec<String>,
) -> Option<(&'a str, String)> {
    let mut others = world
        .route()
        .filter(|other| other.metadata.name != stage.metadata.name && is_reachable(world, other));
    others.find_map(|other| {
        let shared = of(other).into_iter().find(|one| clusters.contains(one))?;
        Some((other.metadata.name.as_str(), shared))
    })
}

/// Whose release it is already: that of the same application in another stage, or of an older application.
fn same_release(case: &Case<'_>, wanted: &[String]) -> Option<Closed> {
    let release = release_of(case.application);
    let of = |stage: &Object<Stage>| clusters(case.world, case.name, stage);
    if let Some((other, cluster)) = shares(case.world, (case.stage, wanted), of) {
        let message = format!(
            "the stage {other} has the cluster {cluster} too, and the release {release} in it would be one for \
             both: give each stage clusters of its own"
        );
        let command = format!("kubectl edit stage {}", case.to());
        return Some(
            Closed::new(reason::SAME_RELEASE, message).opened_by("whoever may write stages", command),
        );
    }
    let age =
        |name: &Name, one: &Object<Application>| (one.metadata.creation_timestamp.clone(), name.clone());
    let own = age(case.name, case.application);
    for name in case.world.of_release(&release).filter(|name| *name != case.name) {
        let Some(other) = case
            .world
            .application(name)
            .filter(|other| age(name, other) < own)
        else {
            continue;
        };
        let stages = case.world.route().filter(|stage| is_reachable(case.world, stage));
        let mut has = stages.flat_map(|stage| clusters(case.world, name, stage));
        let Some(cluster) = has.find(|one| wanted.contains(one)) else {
            continue;
        };
        let message = format!(
            "the release {release} in the cluster {cluster} is that of the application {name}: remove one of \
             the two, and add it with another spec.release or spec.namespace"
        );
        let command = format!(
            "kubectl get application {} -n {} -o yaml",
            other.metadata.name, other.metadata.namespace
        );
        return Some(
            Closed::new(reason::SAME_RELEASE, message).opened_by(case.whoever_may("deploy"), command),
        );
    }
    None
}

type Found<T> = Result<T, Box<Closed>>;

pub(super) fn application<'a>(world: &'a World, name: &Name) -> Found<(&'a Name, &'a Object<Application>)> {
    world.entry(name).ok_or_else(|| {
        let message = format!("there is no application {name}");
        Box::new(Closed::new(reason::NO_APPLICATION, message))
    })
}

pub(super) fn stage<'a>(world: &'a World, name: &str) -> Found<&'a Object<Stage>> {
    world.stage(name).ok_or_else(|| {
        let message = format!("there is no stage {name}");
        Box::new(Closed::new(reason::NO_STAGE, message))
    })
}

pub(super) fn artifact<'a>(world: &'a World, name: &Name, artifact: &str) -> Found<&'a Published> {
    world.artifact(name, artifact).ok_or_else(|| {
        let message = format!("{name} has no artifact {artifact}");
        Box::new(Closed::new(reason::NO_ARTIFACT, message))
    })
}

fn application_stays(case: &Case<'_>) -> Option<Closed> {
    let message = format!("{} is being removed", case.name);
    let leaves = case.application.is_leaving();
    leaves.then(|| Closed::new(reason::APPLICATION_LEAVES, message))
}

fn stage_is_on_the_route(case: &Case<'_>) -> Option<Closed> {
    let message = format!(
        "no way leads to {}: it comes after itself, or after a stage that does not exist",
        case.to()
    );
    let lost = !is_reachable(case.world, case.stage);
    let closed = || {
        let command = format!("kubectl edit stage {}", case.to());
        Closed::new(reason::MISTAKE, message).opened_by("whoever may write stages", command)
    };
    lost.then(closed)
}

/// What is in the way in one cluster.
fn look(case: &Case<'_>, tenant: &Object<Tenant>, name: &str) -> Option<Decision> {
    let Some(cluster) = case.world.cluster(name) else {
        let closed = Closed::new(reason::NO_CLUSTER, format!("there is no cluster {name}"));
        return Some(
            closed
                .opened_by("whoever may write clusters and stages", "kubectl get clusters")
                .refused(),
        );
    };
    unreachable(cluster).or_else(|| {
        let given = tenant.status.clusters.iter().find(|one| one.name == name);
        let is_ready = given.is_some_and(|one| one.ready);
        let message = format!(
            "the tenant {} does not have everything in the cluster {name} yet",
            tenant.metadata.name
        );
        (!is_ready).then(|| {
            let command = format!("shipway tenant show {}", tenant.metadata.name);
            Closed::new(reason::TENANT_NOT_READY, message)
                .opened_by("whoever may administer tenants", command)
                .waiting()
        })
    })
}

fn unreachable(cluster: &Object<Cluster>) -> Option<Decision> {
    let conditions = &cluster.status.conditions;
    let condition = conditions
        .iter()
        .find(|one| one.kind == REACHABLE && one.status == "False")?;
    let name = &cluster.metadata.name;
    let closed = Closed::new(
        reason::CLUSTER_UNREACHABLE,
        format!("the cluster {name} does not answer; it is tried again"),
    );
    let since = time::parse(&condition.last_transition_time);
    let command = format!("kubectl describe cluster {name}");
    Some(
        closed
            .since(since)
            .opened_by("whoever runs the cluster", command)
            .waiting(),
    )
}
