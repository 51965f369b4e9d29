//! ValidatingAdmissionPolicies: what their expressions say of a write.
//!
//! ```text
//! write ─► policies with bindings ─► matching ─► program (conditions, variables, validations) ─► denial, warnings
//! ```
//!
//! Parameters are read from the store at each write, policies and bindings when one of them has changed, so what was
//! written applies to the next request. Not here: audit annotations, as there is no audit log, and mutating policies, which v1 of the group
//! does not serve.

mod authorizer;
mod installed;
mod matching;
mod program;

use serde_json::{Value, json};

use super::failure::{Cause, Failure};
use super::{Call, Registry, metadata};
use crate::store::{Key, Resource};
use installed::Policy;
use program::{Finding, Request};

pub(super) use installed::Policies;

const GROUP: &str = "admissionregistration.k8s.io";
const POLICIES: &str = "validatingadmissionpolicies";
const BINDINGS: &str = "validatingadmissionpolicybindings";

/// What a write does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write<'a> {
    /// `CREATE`, `UPDATE` or `DELETE`.
    pub operation: &'static str,
    pub object: Option<&'a Value>,
    pub old: Option<&'a Value>,
}

/// Asks every policy about a write; gives warnings.
///
/// # Errors
/// The denial of the first policy that denies.
pub(super) fn check(registry: &Registry, call: &Call, write: &Write<'_>) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    // Policies could lock everybody out of changing policies.
    if call.served.resource.group == GROUP {
        return Ok(warnings);
    }
    let installed = registry.policies.read(registry);
    if installed.is_empty() {
        return Ok(warnings);
    }
    let namespace = namespace_of(registry, call);
    let request = Request {
        registry,
        call,
        write,
        namespace: &namespace,
    };
    for policy in installed.iter() {
        if !matching::matches(&policy.value["spec"]["matchConstraints"], call, write, &namespace) {
            continue;
        }
        for binding in &policy.bindings {
            let resources = &binding["spec"]["matchResources"];
            if resources.is_object() && !matching::matches(resources, call, write, &namespace) {
                continue;
            }
            for finding in findings(&request, policy, binding) {
                act(call, (&policy.value, binding), &finding, &mut warnings)?;
            }
        }
    }
    Ok(warnings)
}

/// What a policy finds with the parameters that a binding names.
fn findings(request: &Request<'_>, policy: &Policy, binding: &Value) -> Vec<Finding> {
    let spec = &policy.value["spec"];
    let ignores = spec["failurePolicy"] == "Ignore";
    let params = match params(request, &spec["paramKind"], &binding["spec"]["paramRef"]) {
        Ok(params) => params,
        Err(_) if ignores => return Vec::new(),
        Err(why) => {
            return vec![Finding {
                message: format!("failed to configure binding: {why}"),
                reason: "Invalid".to_owned(),
            }];
        }
    };
    let compiled = policy.compiled();
    params
        .iter()
        .flat_map(|params| compiled.findings(request, params, ignores))
        .collect()
}

/// The parameters to evaluate with, one after the other; `null` for a policy without.
fn params(request: &Request<'_>, kind: &Value, reference: &Value) -> Result<Vec<Value>, String> {
    if !kind.is_object() || !reference.is_object() {
        return Ok(vec![Value::Null]);
    }
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text(kind, "apiVersion"), text(kind, "kind"));
    let catalog = request.registry.catalog();
    let served = catalog
        .all()
        .find(|served| served.api_version == api_version && served.resource.kind == kind);
    let Some((served, stored)) = served.and_then(|served| Some((served, served.stored_as.as_ref()?))) else {
        return Err(format!(
            "failed to find resource referenced by paramKind: '{api_version}, Kind={kind}'"
        ));
    };
    let given = text(reference, "namespace");
    let namespace = match (served.resource.namespaced, given.is_empty()) {
        (false, true) => None,
        (false, false) => {
            return Err(
                "paramRef.namespace must not be provided for a cluster-scoped `paramKind`".to_owned(),
            );
        }
        (true, false) => Some(given),
        (true, true) => {
            match request.call.namespace() {
                Some(namespace) => Some(namespace.to_owned()),
                None => {
                    return Err("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
                    .to_owned());
                }
            }
        }
    };
    let mut found = Vec::new();
    let name = text(reference, "name");
    let objects = if name.is_empty() {
        request.registry.objects(stored, namespace.as_deref())
    } else {
        let key = Key::new(stored, namespace.as_deref(), &name).map_err(|error| error.to_string())?;
        request.registry.store.get(&key).into_iter().collect()
    };
    let selector = objects::Selector::from_json(&reference["selector"]);
    for object in objects {
        if let Ok(value) = super::complete(served, &object)
            && (!name.is_empty() || selector.selects(&value))
        {
            found.push(value);
        }
    }
    match (found.is_empty(), reference["parameterNotFoundAction"].as_str()) {
        (false, _) => Ok(found),
        (true, Some("Allow")) => Ok(Vec::new()),
        (true, _) => Err("no params found for policy binding with `Deny` parameterNotFoundAction".to_owned()),
    }
}

/// Does with a finding what its binding asks for.
fn act(
    call: &Call,
    (policy, binding): (&Value, &Value),
    finding: &Finding,
    warnings: &mut Vec<String>,
) -> Result<(), Failure> {
    let both = format!(
        "ValidatingAdmissionPolicy '{}' with binding '{}'",
        metadata::text(policy, "name"),
        metadata::text(binding, "name")
    );
    let actions = binding["spec"]["validationActions"]
        .as_array()
        .into_iter()
        .flatten();
    for action in actions.filter_map(Value::as_str) {
        match action {
            "Warn" => warnings.push(format!("Validation failed for {both}: {}", finding.message)),
            "Deny" => {
                let cause = format!("{both} denied request: {}", finding.message);
                let mut failure = Failure::forbidden(&call.served.resource, call.name(), &cause);
                (failure.code, failure.reason) = match finding.reason.as_str() {
                    "Unauthorized" => (401, "Unauthorized"),
                    "Forbidden" => (403, "Forbidden"),
                    "RequestEntityTooLarge" => (413, "RequestEntityTooLarge"),
                    _ => (422, "Invalid"),
                };
                if let Some(details) = &mut failure.details {
                    details["causes"] = json!([{"message": cause}]);
                }
                return Err(failure);
            }
            _ => {}
        }
    }
    Ok(())
}

fn namespace_of(registry: &Registry, call: &Call) -> Value {
    let key = Resource::new("", "namespaces")
        .and_then(|resource| Key::new(&resource, None, call.namespace().unwrap_or_default()));
    let found = call.namespace().and_then(|_| registry.store.get(&key.ok()?));
    found.and_then(|found| found.value().ok()).unwrap_or_default()
}

/// The defaults and rules of policies and bindings when they are written.
pub(super) fn prepare(call: &Call, object: &mut Value) -> Result<(), Failure> {
    let resource = &call.served.resource;
    if resource.group != GROUP || !call.subresource().is_empty() {
        return Ok(());
    }
    let mut causes = Vec::new();
    match resource.plural.as_str() {
        POLICIES => {
            if object["spec"]["failurePolicy"].is_null() {
                object["spec"]["failurePolicy"] = json!("Fail");
            }
            matching::default(&mut object["spec"]["matchConstraints"]);
            causes = program::faults(&object["spec"]);
        }
        BINDINGS => {
            let spec = &mut object["spec"];
            if spec["matchResources"].is_object() {
                matching::default(&mut spec["matchResources"]);
            }
            if spec["policyName"].as_str().unwrap_or_default().is_empty() {
                causes.push(Cause::required("spec.policyName", ""));
            }
            let actions = spec["validationActions"].as_array().cloned().unwrap_or_default();
            if actions.is_empty() {
                let why = "at least one validation action is required";
                causes.push(Cause::required("spec.validationActions", why));
            }
            if actions.contains(&json!("Deny")) && actions.contains(&json!("Warn")) {
                let why = "must not contain both Deny and Warn (repeating the same validation failure information in \
                           the API response and headers serves no purpose)";
                causes.push(Cause::invalid("spec.validationActions", &json!(actions), why));
            }
        }
        _ => {}
    }
    if causes.is_empty() {
        return Ok(());
    }
    let name = metadata::text(object, "name");
    Err(Failure::invalid(GROUP, &resource.kind, name, &causes))
}

impl Registry {
    /// Marks a policy as looked at, as the controller that checks types does. No warnings: types of matched kinds are
    /// not checked.
    pub(super) async fn settle_policy(&self, call: &Call, object: &Value) {
        if !call.served.is(GROUP, POLICIES) || !call.subresource().is_empty() {
            return;
        }
        let generation = metadata::of(object)
            .get("generation")
            .cloned()
            .unwrap_or(json!(1));
        let status = json!({"observedGeneration": generation, "typeChecking": {}});
        self.change_object(&call.served, metadata::text(object, "name"), |object| {
            object["status"] = status.clone();
        })
        .await;
    }
}
