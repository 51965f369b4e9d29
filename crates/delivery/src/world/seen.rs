//! How each kind is taken into a world and forgotten again.

use std::collections::BTreeMap;
use std::sync::Arc;

use kinds::{
    Application, Artifact, Cluster, ClusterPair, FreezeWindow, Kind, Object, Phase, Promotion, Stage,
    StepState, Tenant, Verification,
};

use super::{Loss, Published, UNDER_WAY, World, moment, release_of, route};
use crate::plan::Action;
use crate::{Name, Window};

/// A kind that a planner looks at.
pub trait Seen: Kind + Sized {
    /// Takes an object in, which is not there.
    fn put(world: &mut World, name: Name, object: Object<Self>);

    /// Forgets an object, which may not be there.
    fn remove(world: &mut World, name: &Name);
}

impl Seen for Application {
    fn put(world: &mut World, name: Name, object: Object<Self>) {
        for after in &object.spec.after {
            let before = world.before.entry(name.beside(after)).or_default();
            before.insert(name.clone());
        }
        let of_release = world.releases.entry(release_of(&object)).or_default();
        of_release.insert(name.clone());
        world.applications.insert(name, Arc::new(object));
    }

    fn remove(world: &mut World, name: &Name) {
        let Some(old) = world.applications.remove(name) else {
            return;
        };
        for after in &old.spec.after {
            if let Some(before) = world.before.get_mut(&name.beside(after)) {
                before.remove(name);
            }
        }
        let release = release_of(&old);
        if let Some(of_release) = world.releases.get_mut(&release) {
            of_release.remove(name);
            if of_release.is_empty() {
                world.releases.remove(&release);
            }
        }
    }
}

impl Seen for Artifact {
    fn put(world: &mut World, name: Name, object: Object<Self>) {
        let own = world
            .own
            .entry(name.beside(&object.spec.application))
            .or_default();
        let published = Arc::new(Published::of(object));
        own.by_order
            .insert(published.order.clone(), Arc::clone(&published));
        own.by_name.insert(name.name, published);
    }

    fn remove(world: &mut World, name: &Name) {
        for own in of_namespace(world, name) {
            if let Some(old) = own.by_name.remove(&name.name) {
                own.by_order.remove(&old.order);
            }
        }
    }
}

impl Seen for Promotion {
    fn put(world: &mut World, name: Name, object: Object<Self>) {
        let losses = losses(&name, &object);
        let of_stage = world.losses.entry(object.spec.stage.clone()).or_default();
        of_stage.extend(losses);
        let own = world
            .own
            .entry(name.beside(&object.spec.application))
            .or_default();
        let of_stage = own.promotions.entry(object.spec.stage.clone()).or_default();
        of_stage.insert(name.name, Arc::new(object));
    }

    fn remove(world: &mut World, name: &Name) {
        let mut gone = Vec::new();
        for own in of_namespace(world, name) {
            gone.extend(
                own.promotions
                    .values_mut()
                    .filter_map(|of_stage| of_stage.remove(&name.name)),
            );
        }
        for old in gone {
            if let Some(of_stage) = world.losses.get_mut(&old.spec.stage) {
                losses(name, &old).for_each(|loss| {
                    of_stage.remove(&loss);
                });
            }
        }
    }
}

impl Seen for Verification {
    fn put(world: &mut World, name: Name, object: Object<Self>) {
        world.verifications.insert(name, Arc::new(object));
    }

    fn remove(world: &mut World, name: &Name) {
        world.verifications.remove(name);
    }
}

impl Seen for Stage {
    fn put(world: &mut World, name: Name, object: Object<Self>) {
        world.stages.insert(name.name, Arc::new(object));
        world.route = route::route(&world.stages);
    }

    fn remove(world: &mut World, name: &Name) {
        world.stages.remove(&name.name);
        world.route = route::route(&world.stages);
    }
}

impl Seen for Cluster {
    fn put(world: &mut World, name: Name, object: Object<Self>) {
        world.clusters.insert(name.name, Arc::new(object));
    }

    fn remove(world: &mut World, name: &Name) {
        world.clusters.remove(&name.name);
    }
}

impl Seen for ClusterPair {
    fn put(world: &mut World, name: Name, object: Object<Self>) {
        world.pairs.insert(name.name, Arc::new(object));
    }

    fn remove(world: &mut World, name: &Name) {
        world.pairs.remove(&name.name);
    }
}

impl Seen for FreezeWindow {
    fn put(world: &mut World, name: Name, object: Object<Self>) {
        world.windows.insert(name, Arc::new(Window::of(object)));
    }

    fn remove(world: &mut World, name: &Name) {
        world.windows.remove(name);
    }
}

impl Seen for Tenant {
    fn put(world: &mut World, name: Name, object: Object<Self>) {
        world.tenants.insert(name.name, Arc::new(object));
        world.namespaces = namespaces(&world.tenants);
    }

    fn remove(world: &mut World, name: &Name) {
        if world.tenants.remove(&name.name).is_some() {
            world.namespaces = namespaces(&world.tenants);
        }
    }
}

/// Whose each namespace is. Of two tenants that name the same one, the older has it, as `tenancy` grants it.
fn namespaces(tenants: &BTreeMap<String, Arc<Object<Tenant>>>) -> BTreeMap<String, String> {
    let mut by_age: Vec<(&String, &Arc<Object<Tenant>>)> = tenants.iter().collect();
    by_age.sort_by_key(|(name, tenant)| (&tenant.metadata.creation_timestamp, *name));
    let mut namespaces = BTreeMap::new();
    for (name, tenant) in by_age {
        let mut take = |namespace: &String| {
            namespaces
                .entry(namespace.clone())
                .or_insert_with(|| name.clone());
        };
        // Its namespace of the hub is named as it is.
        take(name);
        tenant.spec.namespaces.iter().for_each(|one| take(&one.name));
    }
    namespaces
}

/// What was lost to a promotion, and what will be to one that runs: it was let through with that.
fn losses(name: &Name, promotion: &Object<Promotion>) -> impl Iterator<Item = Loss> {
    let status = &promotion.status;
    let loss = move |at, cluster: &str| Loss {
        at,
        application: name.beside(&promotion.spec.application),
        cluster: cluster.to_owned(),
        promotion: name.name.clone(),
    };
    let lost = status.steps.iter().filter(|step| step.deleted > 0);
    let lost = lost.filter_map(move |step| {
        let at = moment(step.ended.as_ref()).or_else(|| moment(step.started.as_ref()))?;
        Some(loss(at, &step.cluster))
    });
    let is_to_come = |cluster: &str| {
        status.steps.iter().any(|step| {
            let is_open = matches!(step.state, StepState::Waiting | StepState::Running);
            is_open && step.cluster == cluster && step.name == Action::Apply.as_str()
        })
    };
    let losing = status.plan.iter().filter(|one| one.deletes > 0);
    let losing = losing.filter(move |one| status.phase == Phase::Running && is_to_come(&one.cluster));
    lost.chain(losing.map(move |one| loss(UNDER_WAY, &one.cluster)))
}

/// What the applications of a namespace have. An artifact or promotion names its application, which can't be changed; but one
/// that was deleted and made again may name another.
fn of_namespace<'a>(world: &'a mut World, name: &Name) -> impl Iterator<Item = &'a mut super::Own> + use<'a> {
    let namespace = name.namespace.clone();
    world
        .own
        .range_mut(Name::new(&name.namespace, "")..)
        .take_while(move |(one, _)| one.namespace == namespace)
        .map(|(_, own)| own)
}
