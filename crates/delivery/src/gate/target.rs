//! The gate `target`: the stage, its clusters and the tenant are there, and the application may go there.

use kinds::condition::REACHABLE;
use kinds::{Application, Cluster, Object, Stage, Tenant};
use objects::time;

use super::{Case, Closed, Decision};
use crate::world::{Published, World, is_reachable};
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
