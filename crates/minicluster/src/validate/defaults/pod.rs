//! Defaults of pods and pod templates.

use serde_json::{Map, Value, json};

use super::{claim, each, field, set, set_absent, set_number, text};

/// Decimal for 0644.
const FILE_MODE: i64 = 420;

pub(super) fn pod(pod: &mut Value) {
    let spec = field(pod, "spec");
    spec_of(spec);
    set_absent(spec, "enableServiceLinks", json!(true));
    for containers in ["initContainers", "containers"] {
        each(spec, containers, requests_from_limits);
    }
}

/// The `template` of an object or spec.
pub(super) fn template(owner: &mut Value) {
    if owner.get("template").is_some() {
        spec_of(field(field(owner, "template"), "spec"));
    }
}

/// The quality of service of a pod: by the requests and limits of its containers for CPU and memory.
pub(crate) fn qos_class(spec: &Value) -> &'static str {
    let (mut any, mut all) = (false, true);
    for containers in ["initContainers", "containers"] {
        let containers = spec.get(containers).and_then(Value::as_array);
        for container in containers.into_iter().flatten() {
            for resource in ["cpu", "memory"] {
                let amount = |of: &str| {
                    let amount = container.get("resources")?.get(of)?.get(resource)?;
                    Some(amount).filter(|amount| !matches!(amount.as_str(), Some("0")))
                };
                let (request, limit) = (amount("requests"), amount("limits"));
                any |= request.is_some() || limit.is_some();
                all &= limit.is_some() && (request.is_none() || request == limit);
            }
        }
    }
    match (any, all) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

fn spec_of(spec: &mut Value) {
    set(spec, "dnsPolicy", json!("ClusterFirst"));
    set(spec, "restartPolicy", json!("Always"));
    set(spec, "schedulerName", json!("default-scheduler"));
    set_absent(spec, "securityContext", json!({}));
    set_absent(spec, "terminationGracePeriodSeconds", json!(30));
    let account = [text(spec, "serviceAccountName"), text(spec, "serviceAccount")];
    let account = account
        .into_iter()
        .find(|name| !name.is_empty())
        .map(str::to_owned);
    if let Some(account) = account {
        set(spec, "serviceAccountName", json!(account));
        set(spec, "serviceAccount", json!(account));
    }
    let host_network = spec.get("hostNetwork").and_then(Value::as_bool) == Some(true);
    for containers in ["initContainers", "containers", "ephemeralContainers"] {
        each(spec, containers, |container| {
            self::container(container);
            if host_network && containers != "ephemeralContainers" {
                each(container, "ports", |port| {
                    let own = port.get("containerPort").and_then(Value::as_i64).unwrap_or(0);
                    set_number(port, "hostPort", own);
                });
            }
        });
    }
    each(spec, "volumes", volume);
}

fn container(container: &mut Value) {
    let policy = pull_policy(text(container, "image"));
    set(container, "imagePullPolicy", json!(policy));
    set_absent(container, "resources", json!({}));
    set(container, "terminationMessagePath", json!("/dev/termination-log"));
    set(container, "terminationMessagePolicy", json!("File"));
    each(container, "ports", |port| set(port, "protocol", json!("TCP")));
    each(container, "env", |variable| {
        if let Some(source) = variable.get_mut("valueFrom") {
            field_reference(source);
        }
    });
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe).filter(|probe| probe.is_object()) {
            self::probe(probe);
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(hook) = container
            .get_mut("lifecycle")
            .and_then(|lifecycle| lifecycle.get_mut(hook))
        {
            http_get(hook);
        }
    }
}

/// Images without a tag or with `latest` are pulled each time; those with another tag or a digest once.
fn pull_policy(image: &str) -> &'static str {
    let (name, digest) = image
        .split_once('@')
        .map_or((image, false), |(name, _)| (name, true));
    let last = name.rsplit('/').next().unwrap_or_default();
    match last.split_once(':') {
        Some((_, "latest")) => "Always",
        None if !digest => "Always",
        _ => "IfNotPresent",
    }
}

fn probe(probe: &mut Value) {
    set_number(probe, "timeoutSeconds", 1);
    set_number(probe, "periodSeconds", 10);
    set_number(probe, "successThreshold", 1);
    set_number(probe, "failureThreshold", 3);
    http_get(probe);
    if let Some(grpc) = probe.get_mut("grpc").filter(|grpc| grpc.is_object()) {
        set_absent(grpc, "service", json!(""));
    }
}

fn http_get(handler: &mut Value) {
    if let Some(get) = handler.get_mut("httpGet").filter(|get| get.is_object()) {
        set(get, "path", json!("/"));
        set(get, "scheme", json!("HTTP"));
    }
}

fn field_reference(source: &mut Value) {
    if let Some(reference) = source
        .get_mut("fieldRef")
        .filter(|reference| reference.is_object())
    {
        set(reference, "apiVersion", json!("v1"));
    }
}

/// Only pods, never templates: a limit without a request is the request too.
fn requests_from_limits(container: &mut Value) {
    let limits = container
        .pointer("/resources/limits")
        .and_then(Value::as_object)
        .cloned();
    let Some(limits) = limits.filter(|limits| !limits.is_empty()) else {
        return;
    };
    let requests = field(field(container, "resources"), "requests");
    for (resource, limit) in limits {
        set(requests, &resource, limit);
    }
}

fn volume(volume: &mut Value) {
    let has_source =
        |map: &Map<String, Value>| map.iter().any(|(name, value)| name != "name" && !value.is_null());
    if volume.as_object().is_some_and(|map| !has_source(map)) {
        set_absent(volume, "emptyDir", json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.get_mut(source).filter(|source| source.is_object()) {
            set_absent(source, "defaultMode", json!(FILE_MODE));
        }
    }
    if let Some(path) = volume.get_mut("hostPath").filter(|path| path.is_object()) {
        set_absent(path, "type", json!(""));
    }
    if let Some(downward) = volume.get_mut("downwardAPI") {
        each(downward, "items", field_reference);
    }
    if let Some(projected) = volume.get_mut("projected") {
        each(projected, "sources", projection);
    }
    if let Some(template) = volume.pointer_mut("/ephemeral/volumeClaimTemplate") {
        claim(template);
        if let Some(template) = template.as_object_mut() {
            template.remove("status");
        }
    }
}

fn projection(source: &mut Value) {
    if let Some(token) = source
        .get_mut("serviceAccountToken")
        .filter(|token| token.is_object())
    {
        set_absent(token, "expirationSeconds", json!(3600));
    }
    if let Some(downward) = source.get_mut("downwardAPI") {
        each(downward, "items", field_reference);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_an_image_says_when_it_is_pulled() {
        for (image, policy) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.25", "IfNotPresent"),
            ("registry:5000/nginx", "Always"),
            ("registry:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:0a", "IfNotPresent"),
            ("nginx:latest@sha256:0a", "Always"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }

    #[test]
    fn quality_of_service_needs_every_limit() {
        let with = |resources: Value| json!({"containers": [{"resources": resources}]});
        let both = json!({"cpu": "1", "memory": "1Gi"});
        for (resources, class) in [
            (json!({}), "BestEffort"),
            (json!({"limits": both}), "Guaranteed"),
            (json!({"limits": both, "requests": both}), "Guaranteed"),
            (json!({"limits": both, "requests": {"cpu": "500m"}}), "Burstable"),
            (json!({"requests": {"cpu": "500m"}}), "Burstable"),
            (json!({"limits": {"cpu": "1"}}), "Burstable"),
            (json!({"limits": {"nvidia.com/gpu": "1"}}), "BestEffort"),
        ] {
            assert_eq!(qos_class(&with(resources.clone())), class, "{resources}");
        }
    }
}
