//! What the API server refuses of the hub's kinds: kind, merge patch on its example, and what has to be said.

/// What is put onto an example, and what the API server says of it.
pub(super) const BAD: &[(&str, &str, &str)] = &[
    // Unknown, missing, of another type.
    (
        "Tenant",
        r#"{"spec": {"quotas": {}}}"#,
        r#"unknown field "spec.quotas""#,
    ),
    (
        "Tenant",
        r#"{"spec": {"quota": {"cpus": 8}}}"#,
        r#"unknown field "spec.quota.cpus""#,
    ),
    ("Tenant", r#"{"spec": null}"#, "spec: Required value"),
    (
        "Tenant",
        r#"{"spec": {"quota": {"memory": null}}}"#,
        "spec.quota.memory: Required value",
    ),
    (
        "Tenant",
        r#"{"spec": {"quota": {"cpu": true}}}"#,
        "spec.quota.cpu: Invalid value",
    ),
    (
        "Tenant",
        r#"{"spec": {"network": {"ingress": "yes"}}}"#,
        "spec.network.ingress: Invalid value",
    ),
    // A word that is none, a text that breaks its rule, a number out of bounds, too many.
    (
        "Tenant",
        r#"{"spec": {"drift": "Ignore"}}"#,
        r#"spec.drift: Unsupported value: "Ignore": supported values: "PutBack", "Report""#,
    ),
    (
        "Tenant",
        r#"{"spec": {"quota": {"memory": "16 Gi"}}}"#,
        "spec.quota.memory: Invalid value",
    ),
    (
        "Tenant",
        r#"{"spec": {"hosts": ["Pay.example.com"]}}"#,
        "spec.hosts[0]: Invalid value",
    ),
    (
        "Tenant",
        r#"{"spec": {"hosts": ["a.b", "a.b"]}}"#,
        r#"spec.hosts[1]: Duplicate value: "a.b""#,
    ),
    (
        "Tenant",
        r#"{"spec": {"leaving": {"retention": "7d"}}}"#,
        "spec.leaving.retention: Invalid value",
    ),
    (
        "Tenant",
        r#"{"spec": {"network": {"to": [{"cidr": "10.0.0.0/8", "ports": [{"port": 0}]}]}}}"#,
        "spec.network.to[0].ports[0].port: Invalid value: 0",
    ),
    (
        "Tenant",
        r#"{"spec": {"namespaces": [{"name": "payments-a"}, {"name": "payments-a"}]}}"#,
        "spec.namespaces[1]: Duplicate value",
    ),
    // Rules of a whole.
    (
        "Tenant",
        r#"{"spec": {"members": [{"user": "a", "group": "b", "role": "View"}]}}"#,
        "name either a user or a group",
    ),
    (
        "Tenant",
        r#"{"spec": {"network": {"from": [{"tenant": "a", "namespace": "b"}]}}}"#,
        "name one of tenant, namespace and cidr",
    ),
    (
        "Tenant",
        r#"{"spec": {"namespaces": [{"name": "orders"}]}}"#,
        "a namespace is named as the tenant, or begins with the tenant's name and '-'",
    ),
    (
        "Tenant",
        r#"{"metadata": {"name": "a-name-of-a-tenant-that-is-really-too-long"}}"#,
        "a tenant's name has at most 40 characters, because its namespaces begin with it",
    ),
    (
        "Cluster",
        r#"{"spec": {"inCluster": true}}"#,
        "say either kubeconfig or inCluster: true",
    ),
    (
        "Cluster",
        r#"{"spec": {"kubeconfig": null}}"#,
        "say either kubeconfig or inCluster: true",
    ),
    (
        "Cluster",
        r#"{"spec": {"overcommit": {"cpuPercent": 0}}}"#,
        "spec.overcommit.cpuPercent: Invalid value: 0",
    ),
    (
        "ClusterPair",
        r#"{"spec": {"canary": "prod-a"}}"#,
        "primary and canary are two clusters",
    ),
    (
        "ClusterPair",
        r#"{"spec": {"restingCanaryPercent": 101}}"#,
        "spec.restingCanaryPercent: Invalid value: 101",
    ),
    (
        "ClusterPair",
        r#"{"spec": {"rollout": {"steps": [{"canaryPercent": 50}, {"canaryPercent": 10}]}}}"#,
        "each step gives the canary more than the one before",
    ),
    (
        "ClusterPair",
        r#"{"spec": {"rollout": {"steps": [{"canaryPercent": 10}, {"canaryPercent": 10}]}}}"#,
        "each step gives the canary more than the one before",
    ),
    (
        "ClusterPair",
        r#"{"spec": {"rollout": {"steps": []}}}"#,
        "spec.rollout.steps in body should have at least 1 items",
    ),
    (
        "ClusterPair",
        r#"{"spec": {"failOver": {"quorum": 0}}}"#,
        "spec.failOver.quorum: Invalid value: 0",
    ),
    (
        "ClusterPair",
        r#"{"spec": {"drill": {"schedule": "weekly"}}}"#,
        "spec.drill.schedule: Invalid value",
    ),
    (
        "Stage",
        r#"{"spec": {"clusters": ["prod-a"]}}"#,
        "say either clusters or pair",
    ),
    (
        "Stage",
        r#"{"spec": {"pair": null}}"#,
        "say either clusters or pair",
    ),
    (
        "Stage",
        r#"{"spec": {"after": "production"}}"#,
        "a stage can't come after itself",
    ),
    (
        "Stage",
        r#"{"spec": {"after": null}}"#,
        "leave gates.soakBefore out, or say what it comes after",
    ),
    (
        "Stage",
        r#"{"spec": {"gates": {"approvals": {"quorum": 0}}}}"#,
        "spec.gates.approvals.quorum: Invalid value: 0",
    ),
    (
        "Stage",
        r#"{"spec": {"gates": {"verification": "L4"}}}"#,
        "spec.gates.verification: Unsupported value",
    ),
    (
        "ChartSource",
        r#"{"spec": {"url": "github.com/example/charts"}}"#,
        "a repository is an https, ssh or file URL",
    ),
    (
        "ChartSource",
        r#"{"spec": {"url": "https://bot:secret@github.com/example/charts"}}"#,
        "names and passwords don't belong in a URL",
    ),
    (
        "ChartSource",
        r#"{"spec": {"forge": "Git", "webhook": null, "api": "https://git.example.com"}}"#,
        "plain git has no API",
    ),
    (
        "Application",
        r#"{"spec": {"chart": {"path": "charts/../../etc"}}}"#,
        "a path can't go upwards",
    ),
    (
        "Application",
        r#"{"spec": {"chart": {"path": "/charts/api"}}}"#,
        "spec.chart.path: Invalid value",
    ),
    (
        "Application",
        r#"{"spec": {"after": ["api"]}}"#,
        "an application can't come after itself",
    ),
    (
        "Application",
        r#"{"spec": {"objective": {"availabilityPercent": 100.1}}}"#,
        "spec.objective.availabilityPercent",
    ),
    (
        "Application",
        r#"{"spec": {"holds": [{"stage": "production", "by": "maria"}]}}"#,
        "reason: Required value",
    ),
    (
        "Verification",
        r#"{"spec": {"commit": "main"}}"#,
        "spec.commit: Invalid value",
    ),
    (
        "Artifact",
        r#"{"spec": {"digest": "sha256:abc"}}"#,
        "spec.digest: Invalid value",
    ),
    (
        "Artifact",
        r#"{"spec": {"version": "1.4"}}"#,
        "spec.version: Invalid value",
    ),
    (
        "Artifact",
        r#"{"spec": {"location": "/tmp/api.tgz"}}"#,
        "a location is an s3, oci, http, https or file URL",
    ),
    (
        "Artifact",
        r#"{"spec": {"origin": {"time": "yesterday"}}}"#,
        "spec.origin.time: Invalid value",
    ),
    (
        "Promotion",
        r#"{"spec": {"by": null}}"#,
        "spec.by: Required value",
    ),
    (
        "Promotion",
        r#"{"spec": {"override": {"by": "maria", "reason": ""}}}"#,
        "spec.override.reason: Invalid value",
    ),
    (
        "FreezeWindow",
        r#"{"spec": {"weekly": null}}"#,
        "say either once or weekly",
    ),
    (
        "FreezeWindow",
        r#"{"spec": {"weekly": null, "once": {"from": "2026-12-24T00:00:00Z", "to": "2026-12-24T00:00:00+01:00"}}}"#,
        "a window begins before it ends",
    ),
    (
        "FreezeWindow",
        r#"{"spec": {"weekly": {"from": "24:00"}}}"#,
        "spec.weekly.from: Invalid value",
    ),
    (
        "FreezeWindow",
        r#"{"spec": {"weekly": {"lasts": "169h"}}}"#,
        "lasts longer than nothing and at most 168h",
    ),
    (
        "FreezeWindow",
        r#"{"spec": {"weekly": {"days": ["Fri"]}}}"#,
        "spec.weekly.days[0]: Unsupported value",
    ),
];

/// What is put onto an example that is there, and what the API server says of it; nothing if it may be changed.
pub(super) const CHANGES: &[(&str, &str, &str)] = &[
    (
        "ClusterPair",
        r#"{"spec": {"primary": "prod-c"}}"#,
        "the primary of a pair can't be changed",
    ),
    (
        "ClusterPair",
        r#"{"spec": {"canary": "prod-c"}}"#,
        "the canary of a pair can't be changed",
    ),
    ("ClusterPair", r#"{"spec": {"restingCanaryPercent": 10}}"#, ""),
    (
        "Application",
        r#"{"spec": {"release": "api-2"}}"#,
        "the release's name can't be changed",
    ),
    (
        "Application",
        r#"{"spec": {"namespace": "payments-2"}}"#,
        "the namespace can't be changed",
    ),
    (
        "Application",
        r#"{"spec": {"chart": {"path": "charts/api-2"}}}"#,
        "",
    ),
    (
        "Application",
        r#"{"spec": {"holds": [{"stage": "production", "by": "maria", "reason": "an incident"}]}}"#,
        "",
    ),
    (
        "Verification",
        r#"{"spec": {"level": "L3"}}"#,
        "a verification can't be changed",
    ),
    (
        "Artifact",
        r#"{"spec": {"location": "s3://charts/other.tgz"}}"#,
        "a published version can't be changed",
    ),
    (
        "Artifact",
        r#"{"spec": {"origin": {"author": "Eve"}}}"#,
        "a published version can't be changed",
    ),
    (
        "Artifact",
        r#"{"spec": {"blocked": {"by": "maria", "reason": "loses invoices"}}}"#,
        "",
    ),
    (
        "Promotion",
        r#"{"spec": {"stage": "staging"}}"#,
        "what a promotion brings where can't be changed",
    ),
    (
        "Promotion",
        r#"{"spec": {"abort": {"by": "maria", "reason": "the wrong one"}}}"#,
        "",
    ),
    (
        "Promotion",
        r#"{"spec": {"abort": null}}"#,
        "an aborted promotion can't be taken up again",
    ),
    ("Tenant", r#"{"spec": {"quota": {"cpu": "12"}}}"#, ""),
    ("FreezeWindow", r#"{"spec": {"stages": []}}"#, ""),
];
