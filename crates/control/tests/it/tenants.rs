//! Tenants: given, put back, refused, and gone without a trace.

use cluster::{Delete, ListQuery, Patch, Write};
use kinds::condition::{DRIFTED, GRANTED, READY};
use kinds::{Object, Tenant};
use objects::meta;
use serde_json::{Value, json};

use crate::ground::{Ground, Server, until};

fn tenant(name: &str) -> Value {
    let spec = json!({
        "members": [{"group": format!("{name}-team"), "role": "Deploy"}],
        "quota": {"cpu": "2", "memory": "4Gi"},
        "namespaces": [{"name": name}, {"name": format!("{name}-batch")}],
        "leaving": {"retention": "0h"},
    });
    json!({"kind": "Tenant", "metadata": {"name": name}, "spec": spec})
}

fn condition<'a>(tenant: &'a Object<Tenant>, kind: &str) -> Option<&'a kinds::condition::Condition> {
    tenant
        .status
        .conditions
        .iter()
        .find(|condition| condition.kind == kind)
}

fn is(tenant: &Object<Tenant>, kind: &str, status: &str) -> bool {
    let generation = tenant.metadata.generation;
    condition(tenant, kind).is_some_and(|one| one.status == status && one.observed_generation == generation)
}

async fn ready(ground: &Ground, name: &str) -> Object<Tenant> {
    ground
        .until::<Tenant>(name, |tenant| is(tenant, READY, "True"))
        .await
}

async fn quota(target: &Server, namespace: &str) -> Value {
    target
        .get(("v1", "ResourceQuota"), namespace, "shipway")
        .await
        .unwrap()
}

async fn set_pods(target: &Server, namespace: &str, pods: &str) {
    let quotas = target
        .client
        .resource("v1", "ResourceQuota")
        .await
        .unwrap()
        .unwrap();
    let patch = json!({"spec": {"hard": {"pods": pods}}});
    let at = quotas.at(namespace, "shipway");
    target
        .client
        .patch(at, Patch::Merge(&patch), Write::default())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_in_every_cluster_what_it_was_granted() {
    let ground = Ground::new(&["staging", "production"]).await;
    let _running = ground.controller("only").await;
    ground.create(kinds::API_VERSION, tenant("payments")).await;
    let tenant = ready(&ground, "payments").await;
    let clusters: Vec<&str> = tenant
        .status
        .clusters
        .iter()
        .map(|cluster| cluster.name.as_str())
        .collect();
    assert_eq!(clusters, ["production", "staging"]);
    for target in &ground.targets {
        for namespace in ["payments", "payments-batch"] {
            assert_eq!(
                quota(target, namespace).await["spec"]["hard"]["requests.cpu"],
                "2"
            );
            for (kind, name) in [
                (("v1", "LimitRange"), "shipway"),
                (("networking.k8s.io/v1", "NetworkPolicy"), "shipway"),
                (("rbac.authorization.k8s.io/v1", "RoleBinding"), "shipway:deploy"),
                (
                    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
                    "shipway:deployer",
                ),
            ] {
                assert!(
                    target.get(kind, namespace, name).await.is_some(),
                    "{kind:?} in {}",
                    target.name
                );
            }
        }
        assert!(
            target
                .get(("v1", "ServiceAccount"), "shipway-tenants", "payments")
                .await
                .is_some()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_put_back_and_told_or_only_told() {
    let ground = Ground::new(&["staging"]).await;
    let _running = ground.controller("only").await;
    ground.create(kinds::API_VERSION, tenant("payments")).await;
    ready(&ground, "payments").await;
    let target = &ground.targets[0];
    set_pods(target, "payments", "5000").await;
    let told = ground.until::<Tenant>("payments", |tenant| {
        condition(tenant, DRIFTED).is_some_and(|drifted| drifted.reason == "PutBack")
    });
    let told = told.await;
    let message = &condition(&told, DRIFTED).unwrap().message;
    assert!(
        message.contains("shipway") && message.contains("5000"),
        "{message}"
    );
    assert_eq!(quota(target, "payments").await["spec"]["hard"]["pods"], "100");

    let tenants = ground.hub.kind::<Tenant>().await.unwrap();
    let report = json!({"spec": {"drift": "Report"}});
    let at = tenants.at("", "payments");
    ground
        .hub
        .cluster()
        .patch(at, Patch::Merge(&report), Write::default())
        .await
        .unwrap();
    ready(&ground, "payments").await;
    set_pods(target, "payments", "5000").await;
    ground
        .until::<Tenant>("payments", |tenant| is(tenant, DRIFTED, "True"))
        .await;
    assert_eq!(quota(target, "payments").await["spec"]["hard"]["pods"], "5000");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_second_gets_nothing_until_there_is_room() {
    let ground = Ground::new(&["staging"]).await;
    let _running = ground.controller("only").await;
    let mut first = tenant("pay");
    first["spec"]["namespaces"] = json!([{"name": "pay-ments"}]);
    ground.create(kinds::API_VERSION, first).await;
    ready(&ground, "pay").await;
    let mut second = tenant("pay-ments");
    second["spec"]["quota"] = json!({"cpu": "100000", "memory": "1Gi"});
    ground.create(kinds::API_VERSION, second).await;
    let refused = ground
        .until::<Tenant>("pay-ments", |tenant| is(tenant, GRANTED, "False"))
        .await;
    let message = &condition(&refused, GRANTED).unwrap().message;
    assert!(
        message.contains("pay-ments") && message.contains("cpu"),
        "every mistake at once: {message}"
    );
    let target = &ground.targets[0];
    assert!(
        target
            .get(("v1", "Namespace"), "", "pay-ments-batch")
            .await
            .is_none(),
        "nothing half made"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_leaves_nothing() {
    let ground = Ground::new(&["staging", "production"]).await;
    let running = ground.controller("first").await;
    ground.create(kinds::API_VERSION, tenant("payments")).await;
    ready(&ground, "payments").await;
    running.kill().await;
    let tenants = ground.hub.kind::<Tenant>().await.unwrap();
    ground
        .hub
        .cluster()
        .delete(tenants.at("", "payments"), Delete::default())
        .await
        .unwrap();
    let _running = ground.controller("second").await;
    ground.until_gone::<Tenant>("payments").await;
    for target in &ground.targets {
        for namespace in ["payments", "payments-batch"] {
            assert!(target.get(("v1", "Namespace"), "", namespace).await.is_none());
        }
        assert!(
            target
                .get(("v1", "ServiceAccount"), "shipway-tenants", "payments")
                .await
                .is_none()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_of_somebody_else_is_never_taken_over() {
    let ground = Ground::new(&["staging"]).await;
    let target = &ground.targets[0];
    let namespaces = target.client.resource("v1", "Namespace").await.unwrap().unwrap();
    let other = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "payments"}});
    target
        .client
        .create(namespaces.at("", "payments"), &other, Write::default())
        .await
        .unwrap();
    let _running = ground.controller("only").await;
    ground.create(kinds::API_VERSION, tenant("payments")).await;
    let refused = ground.until::<Tenant>("payments", |tenant| {
        condition(tenant, READY).is_some_and(|ready| ready.reason == "RefusedByCluster")
    });
    let refused = refused.await;
    let message = &condition(&refused, READY).unwrap().message;
    assert!(
        message.contains("shipway.dev/tenant"),
        "it says how to consent: {message}"
    );
    let label = json!({"metadata": {"labels": {"shipway.dev/tenant": "payments"}}});
    target
        .client
        .patch(
            namespaces.at("", "payments"),
            Patch::Merge(&label),
            Write::default(),
        )
        .await
        .unwrap();
    let given = until(&target.client, &namespaces, ("", "payments"), |namespace| {
        namespace.is_some_and(|one| {
            one["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        })
    });
    given.await;
    ready(&ground, "payments").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_touches_only_its_tenants_objects() {
    let ground = Ground::new(&["staging"]).await;
    let _running = ground.controller("only").await;
    for name in ["checkout", "payments"] {
        ground.create(kinds::API_VERSION, tenant(name)).await;
    }
    for name in ["checkout", "payments"] {
        ready(&ground, name).await;
    }
    let target = &ground.targets[0];
    let before = versions(target).await;
    let tenants = ground.hub.kind::<Tenant>().await.unwrap();
    let patch = json!({"spec": {"quota": {"pods": 50}}});
    let at = tenants.at("", "payments");
    ground
        .hub
        .cluster()
        .patch(at, Patch::Merge(&patch), Write::default())
        .await
        .unwrap();
    ground
        .until::<Tenant>("payments", |tenant| {
            is(tenant, READY, "True") && tenant.metadata.generation > 1
        })
        .await;
    let after = versions(target).await;
    let changed: Vec<&str> = before
        .iter()
        .zip(&after)
        .filter(|(old, new)| old != new)
        .map(|((key, _), _)| key.as_str())
        .collect();
    // The last one records what was applied.
    let expected = [
        "ResourceQuota payments-batch/shipway",
        "ResourceQuota payments/shipway",
        "ServiceAccount shipway-tenants/payments",
    ];
    assert_eq!(changed, expected);
}

/// The objects that tenants have, each with its version.
async fn versions(target: &Server) -> Vec<(String, String)> {
    let mut versions = Vec::new();
    for kind in tenancy::KINDS {
        let version = if kind.group.is_empty() {
            "v1".to_owned()
        } else {
            format!("{}/v1", kind.group)
        };
        let resource = target
            .client
            .resource(&version, &kind.name)
            .await
            .unwrap()
            .unwrap();
        let query = ListQuery::labelled(tenancy::names::TENANT_LABEL);
        for object in target.client.list(&resource, None, &query).await.unwrap().items {
            let key = format!(
                "{} {}/{}",
                kind.name,
                meta::namespace(&object),
                meta::name(&object)
            );
            versions.push((key, meta::resource_version(&object).to_owned()));
        }
    }
    versions.sort();
    versions
}
