//! The environment of a container: values, keys of ConfigMaps and Secrets, fields of the pod, amounts of resources.
//!
//! Pure. What is missing and not optional was found by `kubelet::holds` before; here it is left out.

use base64::Engine as _;
use kubelet::pod::Container;
use objects::{Kind, Quantity, World, meta};
use serde_json::Value;

/// Name and value, in the order in which they are set; a later one of the same name wins.
pub(crate) type Environment = Vec<(String, String)>;

/// What the environment of a container is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    pub(crate) world: &'a World,
    pub(crate) pod: &'a Value,
    pub(crate) node: &'a Value,
    /// The pod's address, which its status may not have yet.
    pub(crate) address: &'a str,
}

/// Adds what a container's specification says to an environment.
pub(crate) fn extend(environment: &mut Environment, container: &Container<'_>, sources: Sources<'_>) {
    for source in meta::list_at(container.spec, "/envFrom") {
        let prefix = meta::text(source, "prefix");
        let all = whole(source, sources).into_iter();
        environment.extend(all.map(|(key, value)| (format!("{prefix}{key}"), value)));
    }
    for variable in meta::list_at(container.spec, "/env") {
        let name = meta::text(variable, "name");
        let value = match variable.get("valueFrom") {
            Some(from) => value_from(from, container, sources),
            None => Some(expand(meta::text(variable, "value"), environment)),
        };
        if let Some(value) = value {
            environment.retain(|(known, _)| known != name);
            environment.push((name.to_owned(), value));
        }
    }
}

/// Replaces `$(NAME)`; `$$(NAME)` stays as `$(NAME)`, and so does a name that is not known.
pub(crate) fn expand(text: &str, environment: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            match environment.iter().rev().find(|(known, _)| known == name) {
                Some((_, value)) => out.push_str(value),
                None => out.push_str(&format!("$({name})")),
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out + rest
}

/// A field of the pod, as the downward API gives it.
pub(crate) fn field(path: &str, sources: Sources<'_>) -> Option<String> {
    let Sources {
        pod, node, address, ..
    } = sources;
    let keyed = |of: &str| path.strip_prefix(of)?.strip_prefix("['")?.strip_suffix("']");
    if let Some(key) = keyed("metadata.labels") {
        return Some(meta::label(pod, key).unwrap_or_default().to_owned());
    }
    if let Some(key) = keyed("metadata.annotations") {
        return Some(meta::annotation(pod, key).unwrap_or_default().to_owned());
    }
    Some(match path {
        "metadata.name" => meta::name(pod).to_owned(),
        "metadata.namespace" => meta::namespace(pod).to_owned(),
        "metadata.uid" => meta::uid(pod).to_owned(),
        "metadata.labels" => listed(pod.pointer("/metadata/labels")),
        "metadata.annotations" => listed(pod.pointer("/metadata/annotations")),
        "spec.nodeName" => meta::name(node).to_owned(),
        "spec.serviceAccountName" => meta::text_at(pod, "/spec/serviceAccountName").to_owned(),
        "status.podIP" | "status.podIPs" => address.to_owned(),
        "status.hostIP" | "status.hostIPs" => host(node).to_owned(),
        _ => return None,
    })
}

/// An amount of a resource of a container, in units of the divisor and rounded up.
pub(crate) fn amount(reference: &Value, spec: &Value, node: &Value) -> Option<String> {
    let (kind, resource) = meta::text(reference, "resource").split_once('.')?;
    let own = spec
        .pointer("/resources")
        .and_then(|all| all.get(kind)?.get(resource));
    let own = own.or_else(|| match kind {
        "limits" => node
            .pointer("/status/allocatable")
            .and_then(|all| all.get(resource)),
        _ => None,
    });
    let amount = own.and_then(Quantity::of).unwrap_or(Quantity::ZERO);
    let divisor = reference.get("divisor").and_then(Quantity::of);
    let divisor = divisor.map_or(1000, Quantity::as_milli);
    let divisor = if divisor <= 0 { 1000 } else { divisor };
    let milli = i128::from(amount.as_milli());
    let divisor = i128::from(divisor);
    Some(((milli + divisor - 1) / divisor).to_string())
}

/// The data of a ConfigMap or Secret, as bytes.
pub(crate) fn data(object: &Value, secret: bool) -> Vec<(String, Vec<u8>)> {
    let decode = |text: &str| {
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .unwrap_or_default()
    };
    let mut found = Vec::new();
    for (field, encoded) in [("data", secret), ("binaryData", true)] {
        let entries = object.get(field).and_then(Value::as_object).into_iter().flatten();
        found.extend(entries.filter_map(|(key, value)| {
            let text = value.as_str()?;
            let bytes = if encoded {
                decode(text)
            } else {
                text.as_bytes().to_vec()
            };
            Some((key.clone(), bytes))
        }));
    }
    found
}

/// The lines that the downward API gives for labels and annotations.
fn listed(map: Option<&Value>) -> String {
    let entries = map.and_then(Value::as_object).into_iter().flatten();
    let lines = entries.map(|(key, value)| format!("{key}={:?}", value.as_str().unwrap_or_default()));
    lines.collect::<Vec<_>>().join("\n")
}

fn host(node: &Value) -> &str {
    let addresses = meta::list_at(node, "/status/addresses").iter();
    let mut internal = addresses.filter(|one| meta::text(one, "type") == "InternalIP");
    internal.next().map_or("", |one| meta::text(one, "address"))
}

fn whole(source: &Value, sources: Sources<'_>) -> Environment {
    let (kind, reference) = match (source.get("configMapRef"), source.get("secretRef")) {
        (Some(reference), _) => (Kind::CONFIG_MAP, reference),
        (_, Some(reference)) => (Kind::SECRET, reference),
        _ => return Vec::new(),
    };
    let secret = kind == Kind::SECRET;
    let namespace = meta::namespace(sources.pod);
    let object = sources
        .world
        .find(&kind, namespace, meta::text(reference, "name"));
    let all = object.map(|object| data(object, secret)).unwrap_or_default();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    all.into_iter().map(|(key, bytes)| (key, text(bytes))).collect()
}

fn value_from(from: &Value, container: &Container<'_>, sources: Sources<'_>) -> Option<String> {
    if let Some(reference) = from.get("fieldRef") {
        return field(meta::text(reference, "fieldPath"), sources);
    }
    if let Some(reference) = from.get("resourceFieldRef") {
        return amount(reference, container.spec, sources.node);
    }
    let (kind, reference) = match (from.get("configMapKeyRef"), from.get("secretKeyRef")) {
        (Some(reference), _) => (Kind::CONFIG_MAP, reference),
        (_, reference) => (Kind::SECRET, reference?),
    };
    let secret = kind == Kind::SECRET;
    let namespace = meta::namespace(sources.pod);
    let object = sources
        .world
        .find(&kind, namespace, meta::text(reference, "name"))?;
    let key = meta::text(reference, "key");
    let mut found = data(object, secret).into_iter().filter(|(known, _)| known == key);
    found
        .next()
        .map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use kubelet::pod;
    use objects::Key;
    use serde_json::json;

    use super::*;

    #[test]
    fn variables_are_expanded_as_the_kubelet_does() {
        let known = [("A".to_owned(), "1".to_owned())];
        for (text, expected) in [
            ("$(A)", "1"),
            ("x$(A)y$(B)", "x1y$(B)"),
            ("$$(A)", "$(A)"),
            ("$A $", "$A $"),
            ("$(A", "$(A"),
        ] {
            assert_eq!(expand(text, &known), expected, "{text}");
        }
    }

    #[test]
    fn values_come_from_maps_secrets_fields_and_resources() {
        let mut world = World::default();
        let mut put = |kind: Kind, object: Value| world.put(&Key::of(kind, &object), object);
        put(
            Kind::CONFIG_MAP,
            json!({"metadata": {"name": "m", "namespace": "n"}, "data": {"k": "v"}}),
        );
        put(
            Kind::SECRET,
            json!({"metadata": {"name": "s", "namespace": "n"}, "data": {"p": "c2VjcmV0"}}),
        );
        let pod = json!({
            "metadata": {"name": "p", "namespace": "n", "labels": {"app": "web"}},
            "spec": {"containers": [{
                "name": "c",
                "resources": {"limits": {"memory": "64Mi"}, "requests": {"cpu": "250m"}},
                "envFrom": [{"configMapRef": {"name": "m"}, "prefix": "M_"}],
                "env": [
                    {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "p"}}},
                    {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
                    {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                    {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "requests.cpu"}}},
                    {"name": "MEMORY", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
                    {"name": "URL", "value": "http://$(IP)/$(M_k)"},
                ],
            }]},
        });
        let node = json!({"metadata": {"name": "node"}});
        let container = pod::containers(&pod).next().unwrap();
        let sources = Sources {
            world: &world,
            pod: &pod,
            node: &node,
            address: "127.1.1.2",
        };
        let mut environment = Vec::new();
        extend(&mut environment, &container, sources);
        let expected = [
            ("M_k", "v"),
            ("SECRET", "secret"),
            ("APP", "web"),
            ("IP", "127.1.1.2"),
            ("CPU", "1"),
            ("MEMORY", "64"),
            ("URL", "http://127.1.1.2/v"),
        ];
        let expected: Environment = expected
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        assert_eq!(environment, expected);
    }
}
