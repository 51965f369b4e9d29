//! Bindings: the role they give, and whom they give it.

use manifest::Severity;
use objects::{Kind, meta};
use serde_json::Value;

use crate::check::{Check, Theme};
use crate::findings::{Findings, meant};
use crate::view::{Item, Target, View, each};

pub(crate) static THEME: Theme = Theme {
    title: "Rights",
    checks: &[&NO_ROLE, &NO_SUBJECT, &SUBJECT_NAMESPACE],
    look,
};

static NO_ROLE: Check = Check {
    id: "binding-no-such-role",
    title: "A RoleBinding to a Role that is not there",
    severity: Severity::Error,
    softer: "A warning while it is not known what the namespace has",
    cure: "name a Role of the chart in roleRef; what a binding gives can't be changed later",
    why: "Nothing is given, and the program is told that it is forbidden.",
};

static NO_SUBJECT: Check = Check {
    id: "binding-no-such-account",
    title: "A binding for a ServiceAccount that is not there",
    severity: Severity::Warning,
    softer: "",
    cure: "name the ServiceAccount that the pods have, in its namespace",
    why: "The rights go to nobody. Told only when it is known what the namespace has.",
};

static SUBJECT_NAMESPACE: Check = Check {
    id: "binding-without-namespace",
    title: "A ClusterRoleBinding for a ServiceAccount without a namespace",
    severity: Severity::Error,
    softer: "",
    cure: "write namespace: {{ .Release.Namespace }} at the subject",
    why: "The API server refuses it.",
};

fn look(view: &View<'_>, found: &mut Findings) {
    for (at, item) in view.items.iter().enumerate() {
        if item.kind().group == "rbac.authorization.k8s.io" {
            match item.kind().name.as_ref() {
                "RoleBinding" => {
                    role(view, (at, item), found);
                    subjects(view, (at, item), found);
                }
                "ClusterRoleBinding" => subjects(view, (at, item), found),
                _ => {}
            }
        }
    }
}

fn role(view: &View<'_>, (at, binding): (usize, &Item<'_>), found: &mut Findings) {
    if meta::text_at(&binding.value, "/roleRef/kind") != "Role" {
        return;
    }
    let name = meta::text_at(&binding.value, "/roleRef/name");
    let kind = Kind::new("rbac.authorization.k8s.io", "Role");
    let severity = match view.find(&kind, binding.namespace, name) {
        Target::Missing => Severity::Error,
        Target::Unknown if view.makes_some(&kind, binding.namespace) => Severity::Warning,
        _ => return,
    };
    let meant = meant(name, view.names(&kind, binding.namespace));
    let message = format!("there is no Role {name:?} in {}{meant}", binding.namespace);
    found.add_as(&NO_ROLE, severity, (at, "/roleRef/name"), message);
}

fn subjects(view: &View<'_>, (at, binding): (usize, &Item<'_>), found: &mut Findings) {
    let subjects = each(&binding.value, "", "/subjects");
    let accounts = subjects
        .iter()
        .filter(|(_, subject)| meta::text(subject, "kind") == "ServiceAccount");
    for (pointer, subject) in accounts {
        let name = meta::text(subject, "name");
        let namespace = match subject.get("namespace").and_then(Value::as_str) {
            Some(namespace) if !namespace.is_empty() => namespace,
            _ if binding.kind().name == "ClusterRoleBinding" => {
                let message = format!("ServiceAccount {name} is named without its namespace");
                found.add(&SUBJECT_NAMESPACE, (at, pointer), message);
                continue;
            }
            _ => binding.namespace,
        };
        let is_missing = matches!(
            view.find(&Kind::SERVICE_ACCOUNT, namespace, name),
            Target::Missing
        );
        if is_missing && name != "default" {
            let meant = meant(name, view.names(&Kind::SERVICE_ACCOUNT, namespace));
            let message = format!("there is no ServiceAccount {name:?} in {namespace}{meant}");
            found.add(&NO_SUBJECT, (at, &format!("{pointer}/name")), message);
        }
    }
}
