//! What the guard must know of a tenant, as the cluster would say it.

use std::collections::BTreeMap;

use kinds::{Object, Tenant, TenantNamespace};
use serde_json::{Value, json};

use crate::wanted::{namespace, namespaces_of};

/// A tenant's namespaces, and the one that a release goes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    release: String,
    /// Those of the tenant.
    names: Vec<String>,
    /// Those, and the release's if it is another: that is a finding for each object, which is looked at all the same.
    all: BTreeMap<String, Known>,
}

/// What is known of a namespace.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    /// As it is in the cluster.
    object: Value,
    load_balancers: u32,
    node_ports: u32,
}

impl Facts {
    /// Takes what matters from a tenant, for a release into a namespace, which objects that name none go to.
    #[must_use]
    pub fn of(tenant: &Object<Tenant>, release: &str) -> Self {
        let mut shares = namespaces_of(tenant);
        let names: Vec<String> = shares.iter().map(|one| one.name.clone()).collect();
        if !names.iter().any(|name| name == release) {
            shares.push(TenantNamespace {
                name: release.to_owned(),
                quota: None,
                pod_security: None,
            });
        }
        let known = |one: TenantNamespace| {
            let quota = one.quota.as_ref().unwrap_or(&tenant.spec.quota);
            let known = Known {
                object: namespace(tenant, &one),
                load_balancers: quota.load_balancers,
                node_ports: quota.node_ports,
            };
            (one.name, known)
        };
        Self {
            release: release.to_owned(),
            names,
            all: shares.into_iter().map(known).collect(),
        }
    }

    /// The namespace that an object goes to, as the cluster has it. One that is not the tenant's is a finding, and
    /// looked at as if it went to the release's.
    pub(crate) fn namespace(&self, written: &str) -> &Value {
        self.known(written).map_or(&Value::Null, |known| &known.object)
    }

    /// What only the guard knows of it.
    pub(crate) fn variables(&self, written: &str) -> [(&'static str, Value); 3] {
        let known = self.known(written);
        let count = |of: fn(&Known) -> u32| json!(known.map_or(0, of));
        [
            ("namespaces", json!(self.names)),
            ("loadBalancers", count(|known| known.load_balancers)),
            ("nodePorts", count(|known| known.node_ports)),
        ]
    }

    fn known(&self, written: &str) -> Option<&Known> {
        self.all.get(written).or_else(|| self.all.get(&self.release))
    }
}
