//! Attacks on the bounds of one's own namespace; and what it is there for.

use serde_json::json;

use super::super::{Expected, Ground, PROBE, Probe, Verb, Who, pods};
use super::{ITSELF, LABELLED, NETWORK, NOTHING, Of, RBAC, Row, TOKEN, attacks, probe};
use crate::names::{OURS, TENANT_LABEL};

const QUOTA: Of = ("v1", "ResourceQuota", "");
const LIMITS: Of = ("v1", "LimitRange", "");
const POLICY: Of = (NETWORK, "NetworkPolicy", "");
const BINDING: Of = (RBAC, "RoleBinding", "");
const HOME: Of = ("v1", "Namespace", "");
const DEPLOYER: &str = "shipway:deployer";

const BOUNDS: &[Row] = &[
    (
        ("own-quota", "its own quota raised"),
        QUOTA,
        Verb::Patch,
        OURS,
        |_| json!({"spec": {"hard": {"pods": "100000"}}}),
    ),
    (
        ("own-quota-gone", "its own quota deleted"),
        QUOTA,
        Verb::Delete,
        OURS,
        NOTHING,
    ),
    (
        ("own-quotas-gone", "all its quotas deleted"),
        QUOTA,
        Verb::DeleteAll,
        "",
        NOTHING,
    ),
    (
        ("own-limits", "its own limits changed"),
        LIMITS,
        Verb::Patch,
        OURS,
        LABELLED,
    ),
    (
        ("own-limits-gone", "its own limits deleted"),
        LIMITS,
        Verb::Delete,
        OURS,
        NOTHING,
    ),
    (
        ("own-network", "its own network opened"),
        POLICY,
        Verb::Patch,
        OURS,
        |_| json!({"spec": {"ingress": [{}]}}),
    ),
    (
        ("own-network-gone", "its own network policy deleted"),
        POLICY,
        Verb::Delete,
        OURS,
        NOTHING,
    ),
    (
        ("own-networks-gone", "all its network policies deleted"),
        POLICY,
        Verb::DeleteAll,
        "",
        NOTHING,
    ),
    (
        ("own-network-mark", "the mark taken off its network policy"),
        POLICY,
        Verb::Patch,
        OURS,
        |_| json!({"metadata": {"labels": {TENANT_LABEL: null}}}),
    ),
    (
        ("own-binding", "its deploy identity's binding changed"),
        BINDING,
        Verb::Patch,
        DEPLOYER,
        |_| {
            let everybody = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:authenticated"});
            json!({"subjects": [everybody]})
        },
    ),
    (
        ("own-binding-gone", "its deploy identity's binding deleted"),
        BINDING,
        Verb::Delete,
        DEPLOYER,
        NOTHING,
    ),
    (
        ("own-bindings-gone", "all its bindings deleted"),
        BINDING,
        Verb::DeleteAll,
        "",
        NOTHING,
    ),
    (
        ("own-token", "a token of an account of its own"),
        ("v1", "ServiceAccount", "token"),
        Verb::Create,
        PROBE,
        TOKEN,
    ),
    (
        ("own-level", "its own Pod Security level lowered"),
        HOME,
        Verb::Patch,
        ITSELF,
        |_| json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}),
    ),
    (
        ("own-hosts", "its own hosts changed"),
        HOME,
        Verb::Patch,
        ITSELF,
        |_| json!({"metadata": {"annotations": {"shipway.dev/hosts": "*"}}}),
    ),
    (
        ("own-mark", "its own namespace set free"),
        HOME,
        Verb::Patch,
        ITSELF,
        |_| json!({"metadata": {"labels": {TENANT_LABEL: null}}}),
    ),
    (
        ("own-namespace-gone", "its own namespace deleted"),
        HOME,
        Verb::Delete,
        ITSELF,
        NOTHING,
    ),
    (
        ("own-status", "the status of its own namespace changed"),
        ("v1", "Namespace", "status"),
        Verb::Patch,
        ITSELF,
        LABELLED,
    ),
];

/// On the bounds of its own namespace.
pub(in super::super) fn bounds(ground: &Ground, who: &Who) -> Vec<Probe> {
    attacks(BOUNDS, &ground.namespace, (ground, who)).collect()
}

/// What a tenant is for, which must be let through; nothing when it is leaving.
pub(in super::super) fn work(ground: &Ground, who: &Who) -> Vec<Probe> {
    if ground.is_leaving {
        return Vec::new();
    }
    let of = ("v1", "Pod", "");
    let here = ground.namespace.as_str();
    let mut all = vec![probe(
        who,
        ("work-read", "its own pods read"),
        (of, Verb::List),
        (here, "", json!(null)),
    )];
    if who.deploys() {
        let named = ("work-deploy", "a pod of its own made");
        all.push(probe(
            who,
            named,
            (of, Verb::Create),
            (here, "", pods::allowed(ground)),
        ));
    }
    all.iter_mut()
        .for_each(|probe| probe.expected = Expected::LetThrough);
    all
}
