//! Classes that are chosen for an object (storage, ingress, runtime) and the finalizers that keep storage in use.

use serde_json::{Value, json};

use super::{Lookup, Operation, Refusal, Request, list_mut, put, text};

pub(super) fn mutate(request: &Request<'_>, object: &mut Value, lookup: &dyn Lookup) -> Result<(), Refusal> {
    if request.operation != Operation::Create || !request.subresource.is_empty() {
        return Ok(());
    }
    match (request.group, request.resource) {
        ("", "persistentvolumeclaims") => {
            storage_class(object, lookup);
            protect(object, request.resource);
        }
        ("", "persistentvolumes") => protect(object, request.resource),
        ("networking.k8s.io", "ingresses") => return ingress_class(object, lookup),
        ("", "pods") => return overhead(object, lookup),
        _ => {}
    }
    Ok(())
}

pub(super) fn validate(request: &Request<'_>, claim: &Value, lookup: &dyn Lookup) -> Result<(), Refusal> {
    let Some(old) = request.old.filter(|_| request.is_core("persistentvolumeclaims")) else {
        return Ok(());
    };
    let size = |claim: &Value| {
        let amount = claim.pointer("/spec/resources/requests/storage")?;
        objects::Quantity::of(amount)
    };
    if size(claim) <= size(old) {
        return Ok(());
    }
    let bound = |claim: &Value| text(&claim["status"], "phase") == "Bound";
    if !bound(old) {
        return Err(Refusal::Forbidden(
            "Only bound persistent volume claims can be expanded".to_owned(),
        ));
    }
    let class = text(&claim["spec"], "storageClassName");
    let class = lookup.get("storage.k8s.io", "storageclasses", "", class);
    if class.is_some_and(|class| class["allowVolumeExpansion"] == true) {
        return Ok(());
    }
    Err(Refusal::Forbidden(
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support \
         resize"
            .to_owned(),
    ))
}

/// The finalizer that keeps claims and volumes while they are used.
#[must_use]
pub fn protection(resource: &str) -> &'static str {
    if resource == "persistentvolumes" {
        "kubernetes.io/pv-protection"
    } else {
        "kubernetes.io/pvc-protection"
    }
}

fn protect(object: &mut Value, resource: &str) {
    let finalizer = json!(protection(resource));
    if let Some(finalizers) = object
        .get_mut("metadata")
        .and_then(|metadata| list_mut(metadata, "finalizers"))
        && !finalizers.contains(&finalizer)
    {
        finalizers.push(finalizer);
    }
}

/// The newest class that is marked as default; of those of one second the first by name.
fn default_of(group: &str, plural: &str, lookup: &dyn Lookup) -> Vec<Value> {
    let mark = if plural == "storageclasses" {
        "storageclass.kubernetes.io/is-default-class"
    } else {
        "ingressclass.kubernetes.io/is-default-class"
    };
    let marked = |class: &Value| class["metadata"]["annotations"][mark] == "true";
    let mut all: Vec<Value> = lookup
        .list(group, plural, "")
        .into_iter()
        .filter(marked)
        .collect();
    let age = |class: &Value| text(&class["metadata"], "creationTimestamp").to_owned();
    all.sort_by(|one, other| {
        let names = |class: &Value| text(&class["metadata"], "name").to_owned();
        age(other)
            .cmp(&age(one))
            .then_with(|| names(one).cmp(&names(other)))
    });
    all
}

fn storage_class(claim: &mut Value, lookup: &dyn Lookup) {
    let named = claim
        .pointer("/spec/storageClassName")
        .is_some_and(Value::is_string);
    let annotated = claim
        .pointer("/metadata/annotations")
        .is_some_and(|all| all.get("volume.beta.kubernetes.io/storage-class").is_some());
    if named || annotated || !claim["spec"].is_object() {
        return;
    }
    if let Some(class) = default_of("storage.k8s.io", "storageclasses", lookup).first() {
        put(
            &mut claim["spec"],
            "storageClassName",
            class["metadata"]["name"].clone(),
        );
    }
}

fn ingress_class(ingress: &mut Value, lookup: &dyn Lookup) -> Result<(), Refusal> {
    let named = ingress
        .pointer("/spec/ingressClassName")
        .is_some_and(Value::is_string);
    let annotated = ingress
        .pointer("/metadata/annotations")
        .is_some_and(|all| all.get("kubernetes.io/ingress.class").is_some());
    if named || annotated || !ingress["spec"].is_object() {
        return Ok(());
    }
    if let Some(class) = default_of("networking.k8s.io", "ingressclasses", lookup).first() {
        put(
            &mut ingress["spec"],
            "ingressClassName",
            class["metadata"]["name"].clone(),
        );
    }
    Ok(())
}

/// A pod of a RuntimeClass costs what the class says, and runs where it says.
fn overhead(pod: &mut Value, lookup: &dyn Lookup) -> Result<(), Refusal> {
    let name = pod
        .pointer("/spec/runtimeClassName")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let own = pod
        .pointer("/spec/overhead")
        .filter(|own| !own.is_null())
        .cloned();
    if name.is_empty() {
        return match own {
            Some(_) => Err(Refusal::Forbidden(
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
                    .to_owned(),
            )),
            None => Ok(()),
        };
    }
    let Some(class) = lookup.get("node.k8s.io", "runtimeclasses", "", &name) else {
        return Err(Refusal::Forbidden(format!(
            "pod rejected: RuntimeClass \"{name}\" not found"
        )));
    };
    let fixed = class.pointer("/overhead/podFixed").cloned();
    match (fixed, own) {
        (Some(fixed), Some(own)) if fixed != own => {
            return Err(Refusal::Forbidden(
                "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead".to_owned(),
            ));
        }
        (None, Some(_)) => {
            return Err(Refusal::Forbidden(
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
                    .to_owned(),
            ));
        }
        (Some(fixed), None) => put(&mut pod["spec"], "overhead", fixed),
        _ => {}
    }
    schedule(pod, &class)
}

fn schedule(pod: &mut Value, class: &Value) -> Result<(), Refusal> {
    let selected = class
        .pointer("/scheduling/nodeSelector")
        .and_then(Value::as_object);
    for (key, value) in selected.into_iter().flatten() {
        let own = pod.pointer("/spec/nodeSelector").and_then(|all| all.get(key));
        if own.is_some_and(|own| own != value) {
            return Err(Refusal::Forbidden(format!(
                "pod rejected: conflict: runtimeClass.scheduling.nodeSelector[{key}] = {}; pod.spec.nodeSelector[{key}] \
                 = {}",
                value.as_str().unwrap_or_default(),
                own.and_then(Value::as_str).unwrap_or_default()
            )));
        }
        if !pod["spec"]["nodeSelector"].is_object() {
            pod["spec"]["nodeSelector"] = json!({});
        }
        pod["spec"]["nodeSelector"][key] = value.clone();
    }
    let tolerations = class.pointer("/scheduling/tolerations").and_then(Value::as_array);
    for toleration in tolerations.into_iter().flatten() {
        if let Some(all) = list_mut(&mut pod["spec"], "tolerations")
            && !all.contains(toleration)
        {
            all.push(toleration.clone());
        }
    }
    Ok(())
}
