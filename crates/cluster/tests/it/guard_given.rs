//! The policies and what a tenant is given: our own loop is not kept from writing it, and the deploy identity can apply
//! what a chart is made of, and nothing that the guard finds.

use cluster::{Apply, Cluster, Impersonate, Write};
use kinds::{Object, Tenant};
use serde_json::{Value, json};
use tenancy::guard;

use crate::cases;
use crate::ground::Ground;

const OURS: Apply<'_> = Apply {
    manager: "shipway-tenancy",
    force: true,
    dry_run: false,
};

/// The tenant of the cases.
fn tenant() -> Object<Tenant> {
    let quota = |balancers| json!({"cpu": "4", "memory": "8Gi", "storage": "10Gi", "loadBalancers": balancers, "nodePorts": balancers});
    let spec = json!({
        "members": [{"user": "jo", "role": "Administer"}],
        "quota": quota(0),
        "hosts": ["pay.example.com", "*.shop.example.com"],
        "namespaces": [
            {"name": "pay"},
            {"name": "pay-jobs", "podSecurity": "Baseline", "quota": quota(1)},
        ],
    });
    Object::read(&json!({"metadata": {"name": "pay"}, "spec": spec})).unwrap()
}

async fn apply(cluster: &Cluster, object: &Value, how: Apply<'_>) -> Result<(), String> {
    let text = |field: &str| object[field].as_str().unwrap();
    let resource = cluster
        .resource(text("apiVersion"), text("kind"))
        .await
        .unwrap()
        .unwrap();
    let (name, namespace) = (&object["metadata"]["name"], &object["metadata"]["namespace"]);
    let namespace = namespace.as_str().unwrap_or("pay");
    let at = resource.at(namespace, name.as_str().unwrap());
    let done = cluster.apply(at, object, how).await;
    done.map(drop).map_err(|error| match error.status() {
        Some(status) => status.to_string(),
        None => error.to_string(),
    })
}

fn user(name: &str) -> Impersonate {
    Impersonate {
        user: name.to_owned(),
        groups: vec!["system:authenticated".to_owned()],
        ..Impersonate::default()
    }
}

/// A cluster with policies and a tenant, set up by our loop with the rights it asks for.
async fn given() -> Ground {
    let ground = Ground::new().await;
    let admin = &ground.cluster;
    for object in tenancy::foundation().iter().chain(&tenancy::controller()) {
        apply(admin, object, OURS).await.unwrap();
    }
    let binding = |kind: &str, metadata: Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": format!("{kind}Binding"), "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "shipway-controller"},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "loop"}],
        })
    };
    let bound = binding("ClusterRole", json!({"name": "loop"}));
    apply(admin, &bound, OURS).await.unwrap();
    let ours = admin.impersonating(user("loop"));
    let cluster = Object::read(&json!({"metadata": {"name": "here"}, "spec": {}})).unwrap();
    // Twice: what is there already is changed under the policies.
    for _ in 0..2 {
        let wanted = tenancy::wanted(&tenant(), &cluster);
        for object in guard::policies().iter().chain(&wanted) {
            apply(&ours, object, OURS).await.unwrap();
        }
    }
    for namespace in ["pay", "pay-jobs"] {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
        let accounts = ground.resource("v1", "ServiceAccount").await;
        // A controller may have been faster.
        let how = Write {
            manager: "test",
            dry_run: false,
            strict: false,
        };
        let _ = admin
            .create(accounts.at(namespace, "default"), &account, how)
            .await;
    }
    // Who binds a role must have what is in it, so it has to be there.
    let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "a"}, "rules": rules,
    });
    apply(admin, &role, OURS).await.unwrap();
    ground
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deploy_identity_applies_what_the_guard_lets_through_and_nothing_else() {
    let ground = given().await;
    let identity = Impersonate {
        user: tenancy::names::deploy_identity("pay"),
        groups: vec![
            "system:serviceaccounts".to_owned(),
            "system:serviceaccounts:shipway-tenants".to_owned(),
            "system:authenticated".to_owned(),
        ],
        ..Impersonate::default()
    };
    let dry = Apply {
        manager: "helm",
        dry_run: true,
        ..OURS
    };
    let mut wrong = Vec::new();
    for who in [identity, user("jo")] {
        let cluster = ground.cluster.impersonating(who);
        for case in cases::all() {
            let object = manifest::read(&case.text).unwrap().remove(0).value;
            let built_in = cluster
                .resource(
                    object["apiVersion"].as_str().unwrap(),
                    object["kind"].as_str().unwrap(),
                )
                .await
                .unwrap();
            if built_in.is_none() {
                continue;
            }
            let done = apply(&cluster, &object, dry).await;
            let is_refused = case.finding.as_ref().is_some_and(|finding| !finding.is_warning);
            if done.is_err() != is_refused {
                wrong.push(format!("{}\n=> {done:?}", case.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
}
