//! What the API server would refuse to change, found before anything is sent.
//!
//! ```text
//! live, desired ──rules of the kind──► fields that surely differ, each with its cure
//! ```
//!
//! The rules are those of the API server's validation of updates. Only what surely differs is reported, as each report
//! stops a release: what the desired object leaves out is taken for kept, and what an admission webhook may have
//! rewritten looks like a difference. So ask only of objects whose manifest has changed since the last revision.

mod rules;

use objects::{Kind, Quantity, condition, meta};
use serde_json::{Value, json};

use crate::compare::{Applied, Match, compare, is_same};
use crate::secret;
use crate::spot::Spot;
use rules::{
    ADDRESS, CLAIM, CLAIM_CHOSEN, CLAIM_FREE, DEFINITION, JOB, POD, POD_FREE, REPLACE, RULES, SHRINK,
    STATEFUL, STATEFUL_FREE, SUSPENDED_FREE, UNBOUND, VALUES, VOLUME_FREE,
};

/// A field that can't be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Immutable {
    /// `spec.selector`
    pub path: String,
    /// What there is; null when there is nothing. Nothing of a Secret is repeated here.
    pub live: Value,
    pub desired: Value,
    /// What to do, as one sentence.
    pub cure: &'static str,
}

/// Looks for changes that the API server would refuse.
#[must_use]
pub fn immutable(live: &Value, desired: &Value) -> Vec<Immutable> {
    let kind = Kind::of(desired);
    let folded = secret::folded(desired);
    let mut search = Search {
        live,
        desired: &folded,
        found: Vec::new(),
    };
    for rule in RULES {
        if kind.group == rule.group && kind.name == rule.kind {
            rule.fields
                .iter()
                .for_each(|field| search.field(field, rule.cure));
        }
    }
    match (kind.group.as_ref(), kind.name.as_ref()) {
        ("apps", "StatefulSet") => search.all_but(STATEFUL_FREE, STATEFUL),
        ("batch", "Job") => search.job(),
        ("", "PersistentVolumeClaim") => search.claim(),
        ("", "PersistentVolume") => search.all_but(VOLUME_FREE, CLAIM),
        ("", "Service") => search.service(),
        ("", "Secret" | "ConfigMap") => search.values(),
        ("", "Pod") => search.pod(),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => search.definition(),
        _ => {}
    }
    search.found
}

struct Search<'a> {
    live: &'a Value,
    desired: &'a Value,
    found: Vec<Immutable>,
}

impl Search<'_> {
    /// Reports a field whose desired value surely is another.
    fn field(&mut self, path: &str, cure: &'static str) {
        let pointer = format!("/{}", path.replace('.', "/"));
        let Some(desired) = meta::at(self.desired, &pointer) else {
            return;
        };
        let live = meta::at(self.live, &pointer).unwrap_or(&Value::Null);
        if differs(self.desired, path, (desired, live)) {
            self.report(path, (live, desired), cure);
        }
    }

    /// Reports the fields of the specification that surely differ, but for those that may.
    fn all_but(&mut self, free: &[&str], cure: &'static str) {
        let spec = self.desired.get("spec").and_then(Value::as_object);
        let fields = spec.into_iter().flatten().map(|(field, _)| field);
        for field in fields.filter(|field| !free.contains(&field.as_str())) {
            self.field(&format!("spec.{field}"), cure);
        }
    }

    fn job(&mut self) {
        let suspended = meta::at(self.live, "/spec/suspend") == Some(&Value::Bool(true));
        if !suspended {
            self.field(SUSPENDED_FREE, JOB);
        }
        // An indexed Job may get another size, as long as all run at once.
        let number = |object, field| meta::number_at(object, field);
        let elastic = meta::text_at(self.live, "/spec/completionMode") == "Indexed"
            && number(self.desired, "/spec/completions") == number(self.desired, "/spec/parallelism");
        if !elastic {
            self.field("spec.completions", JOB);
        }
    }

    fn claim(&mut self) {
        let chosen = |field: &&&str| meta::text_at(self.live, &format!("/spec/{field}")).is_empty();
        let late = CLAIM_CHOSEN.iter().filter(chosen);
        let free: Vec<&str> = CLAIM_FREE.iter().chain(late).copied().collect();
        self.all_but(&free, CLAIM);
        let storage = "/spec/resources/requests/storage";
        let amount = |object, pointer| meta::at(object, pointer).and_then(Quantity::of);
        let (Some(wanted), Some(asked)) = (amount(self.desired, storage), amount(self.live, storage)) else {
            return;
        };
        let given = amount(self.live, "/status/capacity/storage").unwrap_or_default();
        let bound = meta::text_at(self.live, "/status/phase") == "Bound";
        let cure = if wanted != asked && !bound {
            UNBOUND
        } else if wanted < asked && wanted <= given {
            SHRINK
        } else {
            return;
        };
        let value = |object| meta::at(object, storage).unwrap_or(&Value::Null);
        self.report(
            "spec.resources.requests.storage",
            (value(self.live), value(self.desired)),
            cure,
        );
    }

    /// The address of a Service stays, unless it becomes or was but a name.
    fn service(&mut self) {
        let kind = |object| match meta::text_at(object, "/spec/type") {
            "" => "ClusterIP",
            kind => kind,
        };
        let (now, then) = (kind(self.desired), kind(self.live));
        if now == "ExternalName" || then == "ExternalName" {
            return;
        }
        for field in ["/spec/clusterIP", "/spec/clusterIPs/0", "/spec/ipFamilies/0"] {
            let (live, desired) = (
                meta::text_at(self.live, field),
                meta::text_at(self.desired, field),
            );
            if !live.is_empty() && !desired.is_empty() && live != desired {
                let path = field
                    .trim_start_matches('/')
                    .replace("/0", "[0]")
                    .replace('/', ".");
                self.report(&path, (&json!(live), &json!(desired)), ADDRESS);
            }
        }
        let class = "/spec/loadBalancerClass";
        if now == "LoadBalancer" && then == "LoadBalancer" && !meta::text_at(self.live, class).is_empty() {
            self.field("spec.loadBalancerClass", REPLACE);
        }
    }

    /// The type of a Secret, and all of what is marked immutable.
    fn values(&mut self) {
        let secret = secret::is_secret(self.desired);
        if secret && !meta::text(self.desired, "type").is_empty() {
            self.field("type", VALUES);
        }
        if self.live["immutable"] != true {
            return;
        }
        if self.desired["immutable"] == false {
            self.field("immutable", VALUES);
        }
        for field in ["data", "binaryData"] {
            let before = self.found.len();
            self.field(field, VALUES);
            for one in self.found.iter_mut().skip(before).filter(|_| secret) {
                (one.live, one.desired) = (json!("(secret)"), json!("(secret)"));
            }
        }
    }

    fn pod(&mut self) {
        self.all_but(POD_FREE, POD);
        for list in ["containers", "initContainers"] {
            let path = format!("spec.{list}");
            let pointer = format!("/spec/{list}");
            // An image may change, so it counts as what it is.
            let images = meta::list_at(self.live, &pointer);
            let mut desired = meta::at(self.desired, &pointer).cloned().unwrap_or_default();
            for container in desired.as_array_mut().into_iter().flatten() {
                let name = meta::text(container, "name");
                let same = images.iter().find(|one| meta::text(one, "name") == name);
                if let (Some(image), Some(fields)) = (
                    same.and_then(|one| one.get("image")).cloned(),
                    container.as_object_mut(),
                ) {
                    fields.insert("image".to_owned(), image);
                }
            }
            let live = meta::at(self.live, &pointer).unwrap_or(&Value::Null);
            if differs(self.desired, &path, (&desired, live)) {
                self.report(&path, (live, &desired), POD);
            }
        }
    }

    fn definition(&mut self) {
        self.field("spec.group", DEFINITION);
        self.field("spec.names.plural", DEFINITION);
        if condition::is_true(self.live, "Established") {
            self.field("spec.scope", DEFINITION);
            self.field("spec.names.kind", DEFINITION);
        }
    }

    fn report(&mut self, path: &str, (live, desired): (&Value, &Value), cure: &'static str) {
        self.found.push(Immutable {
            path: path.to_owned(),
            live: live.clone(),
            desired: desired.clone(),
            cure,
        });
    }
}

/// Whether the values at a path of an object surely differ.
fn differs(object: &Value, path: &str, (desired, live): (&Value, &Value)) -> bool {
    fn walk(spot: &Spot<'_>, path: &str, (desired, live): (&Value, &Value)) -> bool {
        if let Some((field, rest)) = path.split_once('.') {
            return walk(&spot.child(field), rest, (desired, live));
        }
        let spot = spot.child(path);
        if desired.is_null() || is_same(desired, live, &spot) {
            return false;
        }
        compare(desired, live, &spot, Applied::Merged) == Match::Differs
    }
    walk(&Spot::root(object), path, (desired, live))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: (&str, &str), live: &Value, desired: &Value, expected: &[&str]) {
        let of = |rest: &Value| {
            let mut object = json!({"apiVersion": kind.0, "kind": kind.1});
            for (field, value) in rest.as_object().unwrap() {
                object[field] = value.clone();
            }
            object
        };
        let (live, desired) = (of(live), of(desired));
        let found = immutable(&live, &desired);
        let paths: Vec<&str> = found.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, expected, "{live} {desired}");
        assert!(
            found
                .iter()
                .all(|one| !one.cure.is_empty() && !one.cure.ends_with('.'))
        );
    }

    const STATEFUL_SET: (&str, &str) = ("apps/v1", "StatefulSet");
    const CLAIM_KIND: (&str, &str) = ("v1", "PersistentVolumeClaim");
    const SERVICE: (&str, &str) = ("v1", "Service");
    const JOB_KIND: (&str, &str) = ("batch/v1", "Job");

    #[test]
    fn selectors_of_workloads_stay() {
        let of = |labels: &Value| json!({"spec": {"selector": {"matchLabels": labels}, "replicas": 1}});
        for kind in ["Deployment", "DaemonSet", "ReplicaSet"] {
            let kind = ("apps/v1", kind);
            let live = of(&json!({"app": "a", "tier": "b"}));
            check(kind, &live, &of(&json!({"app": "a", "tier": "b"})), &[]);
            check(
                kind,
                &live,
                &of(&json!({"app": "b", "tier": "b"})),
                &["spec.selector"],
            );
            check(kind, &live, &of(&json!({"app": "a"})), &["spec.selector"]);
            check(kind, &live, &json!({"spec": {"replicas": 3}}), &[]);
        }
    }

    #[test]
    fn stateful_sets_change_only_what_is_listed() {
        let claim = |size: &str| json!([{"metadata": {"name": "d"}, "spec": {"resources": {"requests": {"storage": size}}}}]);
        let mut live = json!({"spec": {"serviceName": "s", "replicas": 1, "podManagementPolicy": "OrderedReady",
            "template": {"a": 1}, "volumeClaimTemplates": claim("1Gi")}});
        for (field, value) in [("apiVersion", "v1"), ("kind", "PersistentVolumeClaim")] {
            live["spec"]["volumeClaimTemplates"][0][field] = json!(value);
        }
        live["spec"]["volumeClaimTemplates"][0]["status"] = json!({"phase": "Pending"});
        let desired = |field: &str, value: Value| {
            let mut spec = json!({"serviceName": "s", "volumeClaimTemplates": claim("1024Mi")});
            spec[field] = value;
            json!({"spec": spec})
        };
        check(STATEFUL_SET, &live, &desired("replicas", json!(5)), &[]);
        check(STATEFUL_SET, &live, &desired("template", json!({"a": 2})), &[]);
        check(
            STATEFUL_SET,
            &live,
            &desired("serviceName", json!("t")),
            &["spec.serviceName"],
        );
        check(
            STATEFUL_SET,
            &live,
            &desired("volumeClaimTemplates", claim("2Gi")),
            &["spec.volumeClaimTemplates"],
        );
        check(
            STATEFUL_SET,
            &live,
            &desired("podManagementPolicy", json!("Parallel")),
            &["spec.podManagementPolicy"],
        );
    }

    #[test]
    fn jobs_keep_their_template_unless_they_are_suspended() {
        let of = |image: &str, suspend: bool| {
            json!({"spec": {"suspend": suspend, "completions": 1,
            "template": {"spec": {"containers": [{"name": "a", "image": image}]}}}})
        };
        check(JOB_KIND, &of("a", false), &of("a", false), &[]);
        check(JOB_KIND, &of("a", false), &of("b", false), &["spec.template"]);
        check(JOB_KIND, &of("a", true), &of("b", true), &[]);
        let size = |mode: &str, n: i64| json!({"spec": {"completionMode": mode, "completions": n, "parallelism": n}});
        check(JOB_KIND, &size("Indexed", 2), &size("Indexed", 3), &[]);
        check(
            JOB_KIND,
            &size("NonIndexed", 2),
            &size("NonIndexed", 3),
            &["spec.completions"],
        );
    }

    #[test]
    fn claims_only_grow() {
        let of = |size: &str| json!({"spec": {"resources": {"requests": {"storage": size}}}});
        let live = |phase: &str| {
            let mut live = of("2Gi");
            live["spec"]["volumeName"] = json!("v");
            live["status"] = json!({"phase": phase, "capacity": {"storage": "2Gi"}});
            live
        };
        let storage = "spec.resources.requests.storage";
        check(CLAIM_KIND, &live("Bound"), &of("2048Mi"), &[]);
        check(CLAIM_KIND, &live("Bound"), &of("3Gi"), &[]);
        check(CLAIM_KIND, &live("Bound"), &of("1Gi"), &[storage]);
        check(CLAIM_KIND, &live("Pending"), &of("3Gi"), &[storage]);
        let class = |name: &str| json!({"spec": {"storageClassName": name}});
        check(CLAIM_KIND, &class("a"), &class("b"), &["spec.storageClassName"]);
        check(CLAIM_KIND, &live("Bound"), &class("b"), &[]);
        let modes = |mode: &str| json!({"spec": {"accessModes": [mode]}});
        check(
            CLAIM_KIND,
            &modes("ReadWriteOnce"),
            &modes("ReadWriteMany"),
            &["spec.accessModes"],
        );
    }

    #[test]
    fn services_keep_their_address() {
        let of = |kind: &str, address: &str| json!({"spec": {"type": kind, "clusterIP": address}});
        let live = of("ClusterIP", "10.0.0.1");
        check(SERVICE, &live, &of("ClusterIP", "10.0.0.1"), &[]);
        check(SERVICE, &live, &of("ClusterIP", ""), &[]);
        check(SERVICE, &live, &json!({"spec": {"type": "NodePort"}}), &[]);
        check(SERVICE, &live, &of("ClusterIP", "None"), &["spec.clusterIP"]);
        check(
            SERVICE,
            &live,
            &json!({"spec": {"clusterIP": "None"}}),
            &["spec.clusterIP"],
        );
        check(
            SERVICE,
            &live,
            &json!({"spec": {"type": "ExternalName", "clusterIP": "None"}}),
            &[],
        );
        check(
            SERVICE,
            &of("ClusterIP", "None"),
            &of("ClusterIP", "10.0.0.2"),
            &["spec.clusterIP"],
        );
    }

    #[test]
    fn types_and_marked_values_stay_and_are_not_shown() {
        const SECRET: (&str, &str) = ("v1", "Secret");
        check(
            SECRET,
            &json!({"type": "Opaque"}),
            &json!({"type": "kubernetes.io/tls"}),
            &["type"],
        );
        check(SECRET, &json!({"type": "Opaque"}), &json!({}), &[]);
        let live = json!({"immutable": true, "data": {"k": "dmFsdWU="}});
        check(
            SECRET,
            &live,
            &json!({"immutable": true, "stringData": {"k": "value"}}),
            &[],
        );
        check(
            SECRET,
            &live,
            &json!({"immutable": false, "data": {"k": "dmFsdWU="}}),
            &["immutable"],
        );
        check(SECRET, &live, &json!({"stringData": {"k": "hidden"}}), &["data"]);
        check(
            SECRET,
            &json!({"data": {"k": "eA=="}}),
            &json!({"data": {"k": "eQ=="}}),
            &[],
        );
        check(
            ("v1", "ConfigMap"),
            &json!({"immutable": true, "data": {"a": "b"}}),
            &json!({"data": {"a": "c"}}),
            &["data"],
        );
        let mut desired = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"k": "hidden"}});
        desired["immutable"] = json!(true);
        let found = format!("{:?}", immutable(&live, &desired));
        assert!(
            found.contains("(secret)") && !found.contains("dmFsdWU") && !found.contains("aGlkZGVu"),
            "{found}"
        );
    }

    #[test]
    fn pods_change_their_images_only() {
        let of = |image: &str, args: &[&str]| json!({"spec": {"nodeName": "n", "containers": [{"name": "a", "image": image, "args": args}]}});
        check(("v1", "Pod"), &of("a", &["x"]), &of("b", &["x"]), &[]);
        check(
            ("v1", "Pod"),
            &of("a", &["x"]),
            &of("a", &["y"]),
            &["spec.containers"],
        );
        let policy = |policy: &str| json!({"spec": {"restartPolicy": policy}});
        check(("v1", "Pod"), &policy("Always"), &policy(""), &[]);
        check(
            ("v1", "Pod"),
            &of("a", &[]),
            &json!({"spec": {"nodeName": "m", "tolerations": [{"key": "k"}]}}),
            &["spec.nodeName"],
        );
    }

    #[test]
    fn other_kinds_keep_what_they_are() {
        let rbac = ("rbac.authorization.k8s.io/v1", "RoleBinding");
        let role = |name: &str| json!({"roleRef": {"kind": "Role", "name": name}});
        let live = json!({"roleRef": {"kind": "Role", "name": "a", "apiGroup": "rbac.authorization.k8s.io"}});
        check(rbac, &live, &role("a"), &[]);
        check(rbac, &live, &role("b"), &["roleRef"]);
        let class = ("storage.k8s.io/v1", "StorageClass");
        let live = json!({"provisioner": "p", "parameters": {"a": "b"}, "reclaimPolicy": "Delete"});
        check(
            class,
            &live,
            &json!({"provisioner": "p", "parameters": {"a": "b"}}),
            &[],
        );
        check(
            class,
            &live,
            &json!({"provisioner": "q", "parameters": {"a": "c"}, "reclaimPolicy": "Retain"}),
            &["provisioner", "parameters", "reclaimPolicy"],
        );
        check(
            ("scheduling.k8s.io/v1", "PriorityClass"),
            &json!({"value": 1}),
            &json!({"value": 2}),
            &["value"],
        );
        let definition = ("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        let established = json!({"conditions": [{"type": "Established", "status": "True"}]});
        check(
            definition,
            &json!({"spec": {"scope": "Cluster"}, "status": established}),
            &json!({"spec": {"scope": "Namespaced"}}),
            &["spec.scope"],
        );
        check(
            definition,
            &json!({"spec": {"scope": "Cluster"}}),
            &json!({"spec": {"scope": "Namespaced"}}),
            &[],
        );
        let volume =
            |path: &str| json!({"spec": {"hostPath": {"path": path}, "capacity": {"storage": "1Gi"}}});
        check(
            ("v1", "PersistentVolume"),
            &volume("/a"),
            &volume("/b"),
            &["spec.hostPath"],
        );
        check(
            ("x.io/v1", "X"),
            &json!({"spec": {"a": 1}}),
            &json!({"spec": {"a": 2}}),
            &[],
        );
    }
}
