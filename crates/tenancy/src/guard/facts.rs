//! What the guard must know of a tenant, as the cluster would say it.

use std::collections::BTreeMap;

use kinds::{Object, PodSecurity, Tenant};
use serde_json::{Value, json};

/// A tenant, and the namespace that a release goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    tenant: String,
    hosts: Vec<String>,
    release: String,
    namespaces: BTreeMap<String, Share>,
}

/// What a namespace has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Share {
    level: PodSecurity,
    load_balancers: u32,
    node_ports: u32,
}

impl Facts {
    /// Takes what matters from a tenant, for a release into a namespace, which objects that name none go to.
    #[must_use]
    pub fn of(tenant: &Object<Tenant>, namespace: &str) -> Self {
        let spec = &tenant.spec;
        let share = |quota: &kinds::Quota, level| Share {
            level,
            load_balancers: quota.load_balancers,
            node_ports: quota.node_ports,
        };
        let mut namespaces: BTreeMap<String, Share> = spec
            .namespaces
            .iter()
            .map(|one| {
                let quota = one.quota.as_ref().unwrap_or(&spec.quota);
                (
                    one.name.clone(),
                    share(quota, one.pod_security.unwrap_or(spec.pod_security)),
                )
            })
            .collect();
        if namespaces.is_empty() {
            namespaces.insert(
                tenant.metadata.name.clone(),
                share(&spec.quota, spec.pod_security),
            );
        }
        Self {
            tenant: tenant.metadata.name.clone(),
            hosts: spec.hosts.clone(),
            release: namespace.to_owned(),
            namespaces,
        }
    }

    /// The namespace that an object goes to. One that is not the tenant's is a finding, and looked at as if it went to
    /// the release's.
    pub(crate) fn namespace<'a>(&'a self, written: &'a str) -> &'a str {
        if self.namespaces.contains_key(written) {
            written
        } else {
            &self.release
        }
    }

    /// The namespace as the cluster has it.
    pub(crate) fn object(&self, namespace: &str) -> Value {
        let level = match self.share(namespace).level {
            PodSecurity::Restricted => "restricted",
            PodSecurity::Baseline => "baseline",
        };
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": namespace,
            "labels": {"shipway.dev/tenant": self.tenant, "pod-security.kubernetes.io/enforce": level},
            "annotations": {"shipway.dev/hosts": self.hosts.join(",")},
        }})
    }

    /// What only the guard knows.
    pub(crate) fn known(&self, namespace: &str) -> [(&'static str, Value); 3] {
        let share = self.share(namespace);
        let namespaces: Vec<&String> = self.namespaces.keys().collect();
        [
            ("namespaces", json!(namespaces)),
            ("loadBalancers", json!(share.load_balancers)),
            ("nodePorts", json!(share.node_ports)),
        ]
    }

    fn share(&self, namespace: &str) -> Share {
        self.namespaces.get(namespace).copied().unwrap_or_default()
    }
}
