//! The stages of an application as it is verified for them: in the order of the road, each with its values and clusters.
//!
//! Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use kinds::{Application, ApplicationStage, Object, Stage, Tenant};

use crate::runner::Objects;

/// The stage of an installation that has none yet.
const ONLY: &str = "default";

/// More stages would be more than a Verification can tell of.
const MOST: usize = 16;

/// A stage of the road, as an application is in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OnRoad {
    pub(crate) application: ApplicationStage,
    /// The cluster to verify for: the first of the stage that the tenant may use.
    pub(crate) cluster: Option<String>,
    /// The Stage's name comes after another one: users are there.
    pub(crate) serves_users: bool,
}

/// The stages, each after the one it comes after. Where there are none, the application's own, or one without a name.
pub(crate) fn road(
    stages: &Objects<Stage>,
    application: &Object<Application>,
    tenant: Option<&Object<Tenant>>,
) -> Vec<OnRoad> {
    let may = |cluster: &&String| {
        tenant.is_none_or(|one| one.spec.clusters.is_empty() || one.spec.clusters.contains(cluster))
    };
    let of = |name: &str| {
        let own = application.spec.stages.iter().find(|stage| stage.name == name);
        own.cloned().unwrap_or_else(|| plain(name))
    };
    if stages.is_empty() {
        let mut own = application.spec.stages.clone();
        if own.is_empty() {
            own.push(plain(ONLY));
        }
        let last = own.len().saturating_sub(1);
        let on_road = |(place, stage)| OnRoad {
            application: stage,
            cluster: None,
            serves_users: place == last,
        };
        return own.into_iter().enumerate().map(on_road).take(MOST).collect();
    }
    let mut road: Vec<OnRoad> = Vec::new();
    let mut passed: BTreeSet<&str> = BTreeSet::new();
    // A stage after one that does not exist is on no road; nor are those in a circle.
    while road.len() < MOST {
        let comes_next = |(name, stage): &(&String, &Arc<Object<Stage>>)| {
            let after = stage.spec.after.as_deref();
            !passed.contains(name.as_str()) && after.is_none_or(|after| passed.contains(after))
        };
        let Some((name, stage)) = stages.iter().find(comes_next) else {
            break;
        };
        passed.insert(name);
        road.push(OnRoad {
            application: of(name),
            cluster: stage.spec.clusters.iter().find(may).cloned(),
            serves_users: stage.spec.after.is_some() || stages.len() == 1,
        });
    }
    road
}

fn plain(name: &str) -> ApplicationStage {
    ApplicationStage {
        name: name.to_owned(),
        values_files: Vec::new(),
        values: serde_json::Map::new(),
        hosts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn stages(all: &[(&str, Value)]) -> Objects<Stage> {
        let stage = |(name, spec): &(&str, Value)| {
            let object = json!({"metadata": {"name": name}, "spec": spec});
            ((*name).to_owned(), Arc::new(Object::read(&object).unwrap()))
        };
        all.iter().map(stage).collect()
    }

    fn application(stages: &Value) -> Object<Application> {
        let spec = json!({"chart": {"source": "charts", "path": "web"}, "stages": stages});
        Object::read(&json!({"metadata": {"name": "web"}, "spec": spec})).unwrap()
    }

    fn told(stages: &Objects<Stage>, application: &Object<Application>) -> Vec<String> {
        told_of(stages, application, None)
    }

    fn told_of(
        stages: &Objects<Stage>,
        application: &Object<Application>,
        tenant: Option<&Object<Tenant>>,
    ) -> Vec<String> {
        let tell = |one: OnRoad| {
            let cluster = one.cluster.unwrap_or_default();
            let users = if one.serves_users { " users" } else { "" };
            format!(
                "{} {cluster} {:?}{users}",
                one.application.name, one.application.values_files
            )
        };
        road(stages, application, tenant).into_iter().map(tell).collect()
    }

    #[test]
    fn stages_come_in_the_order_of_the_road() {
        let stages = stages(&[
            (
                "a-production",
                json!({"after": "staging", "clusters": ["blue", "green"]}),
            ),
            ("b-lost", json!({"after": "nowhere", "clusters": ["blue"]})),
            ("staging", json!({"clusters": ["test"]})),
        ]);
        let application = application(&json!([{"name": "a-production", "valuesFiles": ["production.yaml"]}]));
        assert_eq!(
            told(&stages, &application),
            ["staging test []", "a-production blue [\"production.yaml\"] users"]
        );
    }

    #[test]
    fn the_cluster_is_one_that_the_tenant_may_use() {
        let stages = stages(&[("staging", json!({"clusters": ["one", "two"]}))]);
        let spec = json!({"quota": {"cpu": "1", "memory": "1Gi"}, "clusters": ["two"]});
        let tenant = Object::read(&json!({"metadata": {"name": "shop"}, "spec": spec})).unwrap();
        let application = application(&json!([]));
        assert_eq!(
            told_of(&stages, &application, Some(&tenant)),
            ["staging two [] users"]
        );
    }

    #[test]
    fn without_stages_the_application_s_own_count() {
        let own = application(&json!([{"name": "staging"}, {"name": "production"}]));
        assert_eq!(
            told(&Objects::new(), &own),
            ["staging  []", "production  [] users"]
        );
        assert_eq!(
            told(&Objects::new(), &application(&json!([]))),
            ["default  [] users"]
        );
    }
}
