//! The guard and the policies made from its rules say the same: what the guard finds in a chart is refused when somebody
//! with every right in a tenant's namespace writes it, and what it lets through is let through.

use std::collections::BTreeSet;

use cluster::{Cluster, Delete, Impersonate, Patch, Why, Write};
use serde_json::{Value, json};
use tenancy::guard::{self, HeldBy};

use crate::cases::{self, Case};
use crate::ground::Ground;

const FOR_GOOD: Write<'_> = Write {
    manager: "test",
    dry_run: false,
    strict: false,
};
const DRY: Write<'_> = Write {
    dry_run: true,
    ..FOR_GOOD
};

/// How a write ended: nothing if it was done, or why not, in the server's words.
type Ended = Option<(Why, String)>;

/// A cluster with the policies, two namespaces of a tenant, one of another, and a member with every right in the two.
struct Land {
    ground: Ground,
    member: Cluster,
}

impl Land {
    async fn new() -> Self {
        let ground = Ground::new().await;
        let land = Self {
            member: ground.cluster.impersonating(user("jo")),
            ground,
        };
        for definition in definitions() {
            land.made(&definition).await;
        }
        for (name, tenant, level) in [
            ("pay", "pay", "restricted"),
            ("pay-jobs", "pay", "baseline"),
            ("other", "other", "restricted"),
        ] {
            land.namespace(name, tenant, level).await;
        }
        for object in guard::policies() {
            land.made(&object).await;
        }
        land.ground.cluster.forget().await;
        land
    }

    async fn namespace(&self, name: &str, tenant: &str, level: &str) {
        let metadata = |of: &str| json!({"name": of, "namespace": name});
        // A load balancer takes a port of every node for each of its own.
        let [balancers, ports] = if name == "pay-jobs" {
            ["1", "1"]
        } else {
            ["0", "0"]
        };
        self.made(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": name,
            "labels": {"shipway.dev/tenant": tenant, "pod-security.kubernetes.io/enforce": level},
            "annotations": {"shipway.dev/hosts": "pay.example.com,*.shop.example.com"},
        }}))
        .await;
        // Pods ask for the account, which a controller makes in its own time.
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata("default")});
        let ended = write(&self.ground.cluster, &account, FOR_GOOD).await;
        assert!(matches!(ended, None | Some((Why::Exists, _))), "{ended:?}");
        self.made(&json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {
                "name": "shipway", "namespace": name, "labels": {"shipway.dev/tenant": tenant},
            }, "spec": {"hard": {"services.loadbalancers": balancers, "services.nodeports": ports}}}))
            .await;
        if tenant != "pay" {
            return;
        }
        self.made(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata("all"),
            "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
        }))
        .await;
        self.made(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata("all"),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "all"},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jo"}],
        }))
        .await;
    }

    /// Creates an object as the administrator.
    async fn made(&self, object: &Value) {
        let ended = write(&self.ground.cluster, object, FOR_GOOD).await;
        assert_eq!(ended, None, "{object:#}");
    }
}

fn user(name: &str) -> Impersonate {
    Impersonate {
        user: name.to_owned(),
        groups: vec!["system:authenticated".to_owned()],
        ..Impersonate::default()
    }
}

async fn write(cluster: &Cluster, object: &Value, how: Write<'_>) -> Ended {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let resource = cluster.resource(&version, &kind).await.unwrap();
    let resource = resource.unwrap_or_else(|| panic!("no {kind}"));
    let namespace = match text(&object["metadata"]["namespace"]) {
        empty if empty.is_empty() => "pay".to_owned(),
        namespace => namespace,
    };
    let name = text(&object["metadata"]["name"]);
    let done = cluster.create(resource.at(&namespace, &name), object, how).await;
    let error = done.err()?;
    let status = error.status().unwrap_or_else(|| panic!("{error:?}"));
    Some((error.why().unwrap().clone(), status.to_string()))
}

/// The custom kinds that rules look at, with schemas that let everything through.
fn definitions() -> Vec<Value> {
    let mut made = BTreeSet::new();
    let looks = guard::rules().flat_map(|rule| rule.looks);
    let resources = looks.flat_map(|look| look.part.scope.resources.iter().map(move |one| (look, one)));
    let custom = resources.filter(|(look, one)| {
        let built_in = !one.group.contains('.') || one.group.ends_with(".k8s.io");
        let is_gateway = one.group == "gateway.networking.k8s.io";
        look.part.scope.name != "clusterscoped" && (is_gateway || !built_in)
    });
    custom
        .filter(|(_, one)| made.insert((one.plural, one.group)))
        .map(|(_, one)| {
            let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
            let version = |name: &str| {
                let schema = json!({"openAPIV3Schema": schema});
                json!({"name": name, "served": true, "storage": name == "v1", "schema": schema})
            };
            let versions = ["v1", "v1alpha1", "v1beta1", "v2"].map(version);
            json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {
                    "name": format!("{}.{}", one.plural, one.group),
                    "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
                },
                "spec": {
                    "group": one.group, "scope": "Namespaced",
                    "names": {"plural": one.plural, "singular": one.kind.to_lowercase(), "kind": one.kind},
                    "versions": versions,
                },
            })
        })
        .collect()
}

fn object(case: &Case) -> Value {
    manifest::read(&case.text).unwrap().remove(0).value
}

/// Whether a write ended as the rules say it does.
fn is_as_told(case: &Case, ended: &Ended) -> bool {
    let Some(expected) = &case.finding else {
        return ended.is_none();
    };
    let rule = guard::rules().find(|rule| rule.id == expected.check).unwrap();
    if expected.is_warning {
        return ended.is_none();
    }
    let Some((why, message)) = ended else {
        return false;
    };
    rule.held_by.iter().any(|by| match by {
        HeldBy::Policy => message.contains(&format!("denied request: {}: ", rule.id)),
        HeldBy::PodSecurity => message.contains("violates PodSecurity"),
        HeldBy::Rbac => *why == Why::Forbidden && message.contains("User \"jo\" cannot create"),
        HeldBy::Quota => message.contains("exceeded quota: shipway"),
        HeldBy::Validation => matches!(why, Why::Invalid | Why::Other),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_and_the_policies_say_the_same() {
    let land = Land::new().await;
    let mut wrong = Vec::new();
    for case in cases::all() {
        let ended = write(&land.member, &object(&case), DRY).await;
        if !is_as_told(&case, &ended) {
            wrong.push(format!("{}\n=> {ended:?}", case.text));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of them:\n{}",
        wrong.len(),
        wrong.join("\n---\n")
    );
}

/// Changes an object as somebody; in the server's words why not.
async fn patched(cluster: &Cluster, object: &Value, subresource: &str, patch: Value) -> Result<(), String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = text(&object["kind"]);
    let resource = cluster
        .resource(&text(&object["apiVersion"]), &kind)
        .await
        .unwrap()
        .unwrap();
    let at = resource.at("pay", object["metadata"]["name"].as_str().unwrap());
    let done = cluster
        .patch(at.subresource(subresource), Patch::Merge(&patch), FOR_GOOD)
        .await;
    done.map(drop)
        .map_err(|error| error.status().unwrap().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tenant_is_given_stays_as_it_is() {
    let land = Land::new().await;
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "shipway"}});
    let more = json!({"spec": {"hard": {"services.nodeports": "9"}}});
    let unmarked = json!({"metadata": {"labels": {"shipway.dev/tenant": null}}});
    for patch in [more.clone(), unmarked] {
        let refused = patched(&land.member, &quota, "", patch).await.unwrap_err();
        assert!(refused.contains("denied request: shipway-mark: "), "{refused}");
    }
    let quotas = land.ground.resource("v1", "ResourceQuota").await;
    let gone = land
        .member
        .delete(quotas.at("pay", "shipway"), Delete::default())
        .await;
    let refused = gone.unwrap_err().status().unwrap().to_string();
    assert!(refused.contains("denied request: shipway-mark: "), "{refused}");
    // Who administers tenants is not asked.
    patched(&land.ground.cluster, &quota, "", more).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_before_the_rules_can_be_labelled_and_scaled_but_not_made_worse() {
    let land = Land::new().await;
    let case = |check: &str, kind: &str| {
        let cases = cases::all();
        let is = |case: &&Case| {
            let finding = case.finding.as_ref();
            finding.is_some_and(|finding| finding.check == check) && object(case)["kind"] == kind
        };
        let mut object = object(cases.iter().find(is).unwrap());
        object["metadata"]["namespace"] = json!("pay");
        object
    };
    let workload = case("host-pid", "Deployment");
    for object in [&workload, &case("foreign-host", "Ingress")] {
        land.made(object).await;
        let label = json!({"metadata": {"labels": {"a": "b"}}});
        patched(&land.member, object, "", label).await.unwrap();
    }
    patched(&land.member, &workload, "", json!({"spec": {"replicas": 3}}))
        .await
        .unwrap();
    let worse = json!({"spec": {"template": {"spec": {"hostIPC": true}}}});
    let refused = patched(&land.member, &workload, "", worse).await.unwrap_err();
    assert!(refused.contains("denied request: host-pid: "), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_put_into_a_running_pod_is_held_to_the_rules() {
    let land = Land::new().await;
    let container = |name: &str, more: Value| {
        let mut container = json!({"name": name, "image": "nginx", "securityContext": {
            "allowPrivilegeEscalation": false, "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }});
        for (key, value) in more.as_object().unwrap() {
            container[key] = value.clone();
        }
        container
    };
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "pay"}, "spec": {
        "automountServiceAccountToken": false, "nodeName": "n1", "containers": [container("c", json!({}))],
    }});
    // On its node already, as it would be after the scheduler.
    land.made(&pod).await;
    let put = |container: Value| json!({"spec": {"ephemeralContainers": [container]}});
    let bad = put(container("d", json!({"imagePullPolicy": "Never"})));
    let refused = patched(&land.member, &pod, "ephemeralcontainers", bad)
        .await
        .unwrap_err();
    assert!(
        refused.contains("denied request: image-never-pulled: "),
        "{refused}"
    );
    let good = put(container("d", json!({})));
    patched(&land.member, &pod, "ephemeralcontainers", good)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clusters_own_controllers_are_not_kept_from_their_work() {
    let land = Land::new().await;
    let controller = |name: &str| {
        land.ground.cluster.impersonating(Impersonate {
            user: format!("system:serviceaccount:kube-system:{name}"),
            groups: vec![
                "system:serviceaccounts".to_owned(),
                "system:authenticated".to_owned(),
            ],
            ..Impersonate::default()
        })
    };
    let cases = cases::all();
    let slice = cases
        .iter()
        .map(object)
        .find(|object| object["kind"] == "EndpointSlice")
        .unwrap();
    assert_eq!(
        write(&controller("endpointslice-controller"), &slice, DRY).await,
        None
    );
    let quotas = land.ground.resource("v1", "ResourceQuota").await;
    let namespaces = controller("namespace-controller");
    namespaces
        .delete(quotas.at("pay", "shipway"), Delete::default())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_changed_counts_at_the_next_write_and_its_names_can_be_said() {
    let land = Land::new().await;
    let cases = cases::all();
    let is = |case: &&Case| {
        case.finding
            .as_ref()
            .is_some_and(|one| one.check == "external-ip")
    };
    let service = object(cases.iter().find(is).unwrap());
    assert!(write(&land.member, &service, DRY).await.is_some());
    let policies = guard::policies();
    let mut policy = policies
        .into_iter()
        .find(|policy| policy["metadata"]["name"] == "shipway-tenants-services")
        .unwrap();
    let admin = &land.ground.cluster;
    let open = json!({"spec": {"validations": [{"expression": "true"}]}});
    patched(admin, &policy, "", open).await.unwrap();
    assert_eq!(write(&land.member, &service, DRY).await, None);
    let bindings = land.ground.resource(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
    );
    let bindings = bindings.await;
    for gone in ["shipway-tenants-services", "shipway-tenants-secrets"] {
        admin
            .delete(bindings.at("", gone), Delete::default())
            .await
            .unwrap();
    }
    let is = |case: &&Case| {
        case.finding
            .as_ref()
            .is_some_and(|one| one.check == "token-secret")
    };
    let secret = object(cases.iter().find(is).unwrap());
    assert_eq!(write(&land.member, &secret, DRY).await, None);

    policy["metadata"]["name"] = json!("another");
    policy["spec"]["variables"][0]["name"] = json!("namespace");
    let (why, message) = write(admin, &policy, DRY).await.unwrap();
    assert_eq!(why, Why::Invalid);
    assert!(
        message.contains(
            "spec.variables[0].name: Invalid value: \"namespace\": name is not a valid CEL identifier"
        ),
        "{message}"
    );
}
