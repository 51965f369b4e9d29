//! What is wrong in one tenant's manifest, whoever else there is: names, amounts, members, ends of the network.

use std::collections::BTreeSet;

use kinds::{Cluster, Object, Peer, Quota, Tenant};
use model::{Namespace, TenantName};
use objects::Quantity;

use super::parse::{self, Wrong};
use super::{Mistake, mistake};
use crate::names::is_reserved;
use crate::wanted::uses;

/// Users of the cluster itself. A ServiceAccount is a user like others.
const SYSTEM: &str = "system:";
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// One manifest while it is looked at.
struct Search<'a> {
    tenant: &'a Object<Tenant>,
    tenants: &'a [Object<Tenant>],
    clusters: &'a [Object<Cluster>],
    found: Vec<Mistake>,
}

/// Every mistake of a manifest, in the order of its fields.
pub(super) fn mistakes(
    tenant: &Object<Tenant>,
    tenants: &[Object<Tenant>],
    clusters: &[Object<Cluster>],
) -> Vec<Mistake> {
    let mut search = Search {
        tenant,
        tenants,
        clusters,
        found: Vec::new(),
    };
    search.name();
    search.members();
    search.quota("spec.quota", &tenant.spec.quota);
    search.namespaces();
    search.used_clusters();
    search.hosts();
    search.peers("from", &tenant.spec.network.from);
    search.peers("to", &tenant.spec.network.to);
    search.leaving();
    search.found
}

impl Search<'_> {
    fn say(&mut self, path: impl Into<String>, problem: impl Into<String>, cure: impl Into<String>) {
        self.found.push(mistake(self.tenant, path, problem, cure));
    }

    fn check(&mut self, path: impl Into<String>, result: Result<(), Wrong>) {
        if let Err((problem, cure)) = result {
            self.say(path, problem, cure);
        }
    }

    fn name(&mut self) {
        let name = &self.tenant.metadata.name;
        if let Err(error) = name.parse::<TenantName>() {
            self.say(
                "metadata.name",
                error.to_string(),
                "write at most 40 lower case letters, digits and `-`",
            );
        } else if is_reserved(name) {
            self.say("metadata.name", reserved(name), "take another name");
        }
    }

    fn members(&mut self) {
        for (at, member) in self.tenant.spec.members.iter().enumerate() {
            let path = format!("spec.members[{at}]");
            match (&member.user, &member.group) {
                (Some(user), None) => self.member(&format!("{path}.user"), user, SERVICE_ACCOUNT),
                (None, Some(group)) => self.member(&format!("{path}.group"), group, ""),
                (Some(_), Some(_)) => {
                    self.say(path, "names a user and a group", "make two members of it");
                }
                (None, None) => self.say(path, "names nobody", "write `user:` or `group:`"),
            }
        }
    }

    fn member(&mut self, path: &str, name: &str, but: &str) {
        if name.trim().is_empty() {
            self.say(
                path,
                "is empty",
                "write a name as the cluster's authentication knows it",
            );
        } else if name.starts_with(SYSTEM) && (but.is_empty() || !name.starts_with(but)) {
            self.say(
                path,
                format!("{name:?} is the cluster's own: members of it are not members of a team"),
                "name users and groups of people, or a ServiceAccount as `system:serviceaccount:NAMESPACE:NAME`",
            );
        }
    }

    fn quota(&mut self, path: &str, quota: &Quota) {
        self.amount(
            &format!("{path}.cpu"),
            &quota.cpu,
            "write cores, as in `8` or `500m`",
        );
        let bytes = "write bytes, as in `512Mi` or `16Gi`";
        for (field, text) in [("memory", &quota.memory), ("storage", &quota.storage)] {
            let path = format!("{path}.{field}");
            if self.amount(&path, text, bytes) && text.ends_with('m') {
                self.say(path, format!("{text:?} is thousandths of a byte"), bytes);
            }
        }
    }

    /// Whether a text is an amount that there can be.
    fn amount(&mut self, path: &str, text: &str, cure: &str) -> bool {
        let amount = Quantity::parse(text);
        match amount {
            None => self.say(path, format!("{text:?} is not an amount"), cure),
            Some(amount) if amount < Quantity::ZERO => {
                self.say(path, format!("{text:?} is less than nothing"), cure);
            }
            Some(_) => return true,
        }
        false
    }

    fn namespaces(&mut self) {
        let mut seen = BTreeSet::new();
        for (at, namespace) in self.tenant.spec.namespaces.iter().enumerate() {
            let path = format!("spec.namespaces[{at}]");
            if let Some(quota) = &namespace.quota {
                self.quota(&format!("{path}.quota"), quota);
            }
            let path = format!("{path}.name");
            if !seen.insert(&namespace.name) {
                self.say(path, format!("{} is there twice", namespace.name), "remove one");
                continue;
            }
            self.namespace(&path, &namespace.name);
        }
        if self.tenant.spec.namespaces.is_empty() {
            self.gateway("metadata.name", &self.tenant.metadata.name);
        }
    }

    fn namespace(&mut self, path: &str, name: &str) {
        let tenant = &self.tenant.metadata.name;
        if let Err(error) = name.parse::<Namespace>() {
            let cure = "write at most 63 lower case letters, digits and `-`";
            return self.say(path, error.to_string(), cure);
        }
        if is_reserved(name) {
            self.say(path, reserved(name), "take another name");
        }
        let rest = name.strip_prefix(tenant.as_str());
        if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
            self.say(
                path,
                format!("{name} does not begin with the tenant's name"),
                format!("write `{tenant}`, or a name that begins with `{tenant}-`"),
            );
        }
        self.gateway(path, name);
    }

    /// A namespace from which every tenant may be reached is nobody's.
    fn gateway(&mut self, path: &str, name: &str) {
        let clusters = self.clusters.iter();
        let those = clusters.filter(|cluster| uses(self.tenant, &cluster.metadata.name));
        let owners: Vec<String> = those
            .filter(|cluster| cluster.spec.ingress_namespaces.iter().any(|one| one == name))
            .map(|cluster| cluster.metadata.name.clone())
            .collect();
        for cluster in owners {
            self.say(
                path,
                format!("{name} has the ingress controllers of Cluster {cluster}"),
                "take another name",
            );
        }
    }

    fn used_clusters(&mut self) {
        let known: Vec<&str> = self
            .clusters
            .iter()
            .map(|one| one.metadata.name.as_str())
            .collect();
        for (at, name) in self.tenant.spec.clusters.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                self.say(
                    format!("spec.clusters[{at}]"),
                    format!("there is no Cluster {name}"),
                    one_of("Cluster", &known),
                );
            }
        }
    }

    fn hosts(&mut self) {
        for (at, host) in self.tenant.spec.hosts.iter().enumerate() {
            self.check(format!("spec.hosts[{at}]"), parse::host(host));
        }
    }

    fn peers(&mut self, direction: &str, peers: &[Peer]) {
        for (at, peer) in peers.iter().enumerate() {
            let path = format!("spec.network.{direction}[{at}]");
            match (&peer.tenant, &peer.namespace, &peer.cidr) {
                (Some(tenant), None, None) => self.peer(&format!("{path}.tenant"), tenant),
                (None, Some(namespace), None) => {
                    if let Err(error) = namespace.parse::<Namespace>() {
                        let cure = "write the name of a namespace of the cluster";
                        self.say(format!("{path}.namespace"), error.to_string(), cure);
                    }
                }
                (None, None, Some(cidr)) => self.check(format!("{path}.cidr"), parse::cidr(cidr)),
                (None, None, None) => self.say(
                    path.as_str(),
                    "names nobody",
                    "write one of `tenant:`, `namespace:` and `cidr:`",
                ),
                _ => self.say(
                    path.as_str(),
                    "names more than one",
                    "write one of `tenant:`, `namespace:` and `cidr:`",
                ),
            }
            for (at, port) in peer.ports.iter().enumerate() {
                if port.port == 0 {
                    let path = format!("{path}.ports[{at}].port");
                    self.say(path, "0 is not a port", "write 1 to 65535");
                }
            }
        }
    }

    fn peer(&mut self, path: &str, name: &str) {
        let mut all = self.tenants.iter().map(|one| one.metadata.name.as_str());
        if !all.any(|one| one == name) {
            self.say(
                path,
                format!("there is no Tenant {name}"),
                "name a Tenant that there is, or make it first",
            );
        }
    }

    fn leaving(&mut self) {
        let text = &self.tenant.spec.leaving.retention;
        if kinds::duration(text).is_none() {
            self.say(
                "spec.leaving.retention",
                format!("{text:?} is not a time"),
                "write hours and minutes, as in `168h` or `1h30m`; the most is `87600h`",
            );
        }
    }
}

fn reserved(name: &str) -> String {
    format!("{name} is reserved: `default` and names that begin with `kube-` or `shipway-` are nobody's")
}

fn one_of(kind: &str, known: &[&str]) -> String {
    match known {
        [] => format!("make a {kind} first"),
        known => format!("write one of {}, or leave the list out for all", known.join(", ")),
    }
}
