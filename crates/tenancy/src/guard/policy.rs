//! The rules as ValidatingAdmissionPolicies, for the cluster to hold whoever brings the object.
//!
//! ```text
//! scope, its rules ──► policy: what it matches, who is asked, variables, a validation for each look
//!                  └─► binding: namespaces of tenants; deny, or warn
//! ```
//!
//! A policy compares with the rules' own expressions on every part that a path leads to. It fails closed. Nothing of a
//! tenant stands in it: it is told by the namespace, so the policies are the same in every cluster.

use manifest::Severity;
use serde_json::{Value, json};

use super::rule::{Look, Resource, Rule, Scope, VARIABLES};
use super::rules;
use crate::names::{TENANT_LABEL, our_labels};

/// Who may administer tenants writes what tenants are given, and is not asked.
const NOT_ADMINISTRATORS: &str =
    "!authorizer.group('shipway.dev').resource('tenants').check('administer').allowed()";

/// The node that a running pod is on: it stays there when the pod is written again.
const NODE: &str = "dyn(oldObject) == null ? '' : [dyn(oldObject)].map(x, OF)[0].?nodeName.orValue('')";

/// The policies and their bindings.
#[must_use]
pub fn policies() -> Vec<Value> {
    let mut objects = Vec::new();
    let mut done: Vec<(&str, Severity)> = Vec::new();
    for rule in rules::all().filter(|rule| rule.is_policy()) {
        for look in rule.looks {
            let scope = look.part.scope;
            if done.contains(&(scope.name, rule.severity)) {
                continue;
            }
            done.push((scope.name, rule.severity));
            let name = name(scope, rule.severity);
            objects.push(policy(scope, rule.severity, &name));
            objects.push(binding(&name, rule.severity));
        }
    }
    objects
}

/// The name of a policy and its binding.
pub(super) fn name(scope: &Scope, severity: Severity) -> String {
    match severity {
        Severity::Error => format!("shipway-tenants-{}", scope.name),
        Severity::Warning | Severity::Note => format!("shipway-tenants-{}-advice", scope.name),
    }
}

fn policy(scope: &'static Scope, severity: Severity, name: &str) -> Value {
    let mut conditions = vec![json!({"name": "not-administrators", "expression": NOT_ADMINISTRATORS})];
    if !scope.asked.is_empty() {
        conditions.push(json!({"name": "asked", "expression": scope.asked}));
    }
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name, "labels": our_labels()},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": resource_rules(scope)},
            "matchConditions": conditions,
            "variables": variables(scope),
            "validations": validations(scope, severity),
        },
    })
}

fn binding(name: &str, severity: Severity) -> Value {
    let action = match severity {
        Severity::Error => "Deny",
        Severity::Warning | Severity::Note => "Warn",
    };
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name, "labels": our_labels()},
        "spec": {
            "policyName": name,
            "validationActions": [action],
            "matchResources": {
                "namespaceSelector": {"matchExpressions": [{"key": TENANT_LABEL, "operator": "Exists"}]},
            },
        },
    })
}

/// One rule of matching for each group and set of operations.
fn resource_rules(scope: &Scope) -> Vec<Value> {
    let mut all: Vec<(&str, &[&str], Vec<&str>)> = Vec::new();
    for resource in scope.resources {
        let operations = operations(scope, resource);
        match all
            .iter_mut()
            .find(|(group, some, _)| *group == resource.group && *some == operations)
        {
            Some((_, _, plurals)) => plurals.push(resource.plural),
            None => all.push((resource.group, operations, vec![resource.plural])),
        }
    }
    let rule = |(group, operations, plurals)| {
        json!({
            "apiGroups": [group], "apiVersions": ["*"], "operations": operations, "resources": plurals,
            "scope": "Namespaced",
        })
    };
    all.into_iter().map(rule).collect()
}

fn operations(scope: &Scope, resource: &Resource) -> &'static [&'static str] {
    if resource.operations.is_empty() {
        scope.operations
    } else {
        resource.operations
    }
}

/// The tenant's variables, the subject, and whether there is anything to ask about.
fn variables(scope: &Scope) -> Vec<Value> {
    let variable = |name: &str, expression: &str| json!({"name": name, "expression": expression});
    let mut all: Vec<Value> = VARIABLES
        .iter()
        .map(|(name, expression)| variable(name, expression))
        .collect();
    if scope.subject == "podSpec" {
        all.push(variable("node", &NODE.replace("OF", scope.of)));
    }
    if is_both(scope) {
        all.push(variable(
            "subjects",
            "[dyn(object), dyn(oldObject)].filter(x, x != null)",
        ));
    } else {
        let subject = format!("[dyn(object)].map(x, {})[0]", scope.of);
        all.push(variable(scope.subject, &subject));
    }
    if !scope.compared.is_empty() {
        let same = format!(
            "request.operation == 'UPDATE' && [dyn(object)].map(x, {0}) == [dyn(oldObject)].map(x, {0})",
            scope.compared
        );
        all.push(variable("unchanged", &same));
    }
    all
}

/// Whether the old form of an object is looked at as well.
fn is_both(scope: &Scope) -> bool {
    scope.operations.contains(&"DELETE")
}

fn validations(scope: &'static Scope, severity: Severity) -> Vec<Value> {
    let rules = rules::all().filter(|rule| rule.is_policy() && rule.severity == severity);
    let looks = rules.flat_map(|rule| rule.looks.iter().map(move |look| (rule, look)));
    looks
        .filter(|(_, look)| look.part.scope.name == scope.name)
        .map(|(rule, look)| validation(scope, rule, look))
        .collect()
}

fn validation(scope: &Scope, rule: &Rule, look: &Look) -> Value {
    let subject = format!("variables.{}", scope.subject);
    let paths = look.part.paths.iter();
    let all: Vec<String> = paths
        .map(|path| {
            let steps: Vec<&str> = path.split('.').filter(|step| !step.is_empty()).collect();
            if is_both(scope) {
                format!("variables.subjects.all(it, {})", look.expression)
            } else {
                every(&subject, &steps, look.expression, 0)
            }
        })
        .collect();
    let holds = all.join(" && ");
    let expression = if scope.compared.is_empty() {
        holds
    } else {
        format!("variables.unchanged || ({holds})")
    };
    json!({
        "expression": expression,
        "message": format!("{}: {}; {}", rule.id, rule.message, rule.cure),
        "reason": "Forbidden",
    })
}

/// An expression that holds when another one does for every part that some steps lead to; `it` is the part.
fn every(from: &str, steps: &[&str], expression: &str, depth: usize) -> String {
    let Some((step, rest)) = steps.split_first() else {
        return format!("[{from}].all(it, {expression})");
    };
    match step.strip_suffix("[]") {
        None => {
            let next = format!("{from}.{step}");
            format!("(!has({next}) || {})", every(&next, rest, expression, depth))
        }
        Some(field) if rest.is_empty() => {
            format!("(!has({from}.{field}) || {from}.{field}.all(it, {expression}))")
        }
        Some(field) => {
            let each = format!("p{depth}");
            let inner = every(&each, rest, expression, depth + 1);
            format!("(!has({from}.{field}) || {from}.{field}.all({each}, {inner}))")
        }
    }
}
