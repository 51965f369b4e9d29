//! What an autoscaler scales: its number of replicas and its pods' selector, as the `scale` subresource has them.

use objects::{Key, Kind, Selector, World, meta};
use serde_json::{Value, json};

/// The thing that is scaled.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub key: Key,
    /// Wanted.
    pub replicas: i64,
    /// `None` if it has none, or none that can be read: then nobody knows its pods.
    pub selector: Option<Selector>,
}

/// Kinds with a `scale` subresource, and their plural.
const SCALABLE: [(&Kind, &str); 4] = [
    (&Kind::DEPLOYMENT, "deployments"),
    (&Kind::REPLICA_SET, "replicasets"),
    (&Kind::STATEFUL_SET, "statefulsets"),
    (&Kind::REPLICATION_CONTROLLER, "replicationcontrollers"),
];

/// Finds the target of an autoscaler.
///
/// # Errors
/// What the API server says to who asks for the scale of such a thing.
pub(super) fn find(world: &World, autoscaler: &Value) -> Result<Target, String> {
    let reference = &autoscaler["spec"]["scaleTargetRef"];
    let kind = Kind::of(reference);
    let key = Key::new(kind, meta::namespace(autoscaler), meta::text(reference, "name"));
    let missing = |plural: &str| {
        let resource = if key.kind.group.is_empty() {
            plural.to_owned()
        } else {
            format!("{plural}.{}", key.kind.group)
        };
        format!("{resource} {:?} not found", &*key.name)
    };
    if let Some((_, plural)) = SCALABLE.iter().find(|(kind, _)| **kind == key.kind) {
        let object = world.get(&key).ok_or_else(|| missing(plural))?;
        let selector = &object["spec"]["selector"];
        let selector = if key.kind == Kind::REPLICATION_CONTROLLER {
            Selector::from_map(selector)
        } else {
            Selector::from_json(selector)
        };
        return Ok(Target {
            replicas: meta::number_at(object, "/spec/replicas").unwrap_or(1),
            selector: Some(selector).filter(|selector| !selector.is_empty()),
            key,
        });
    }
    let Some(definition) = definition(world, &key.kind) else {
        if world.plural(&key.kind).is_some() {
            return Err("the server could not find the requested resource".to_owned());
        }
        return Err(format!(
            "no matches for kind {:?} in group {:?}",
            key.kind.name, key.kind.group
        ));
    };
    let plural = meta::text_at(definition, "/spec/names/plural");
    let scale = scale_of(definition, meta::text(reference, "apiVersion"))
        .ok_or_else(|| "the server could not find the requested resource".to_owned())?;
    let object = world.get(&key).ok_or_else(|| missing(plural))?;
    let path = |field| pointer(meta::text(scale, field));
    let selector = meta::text_at(object, &path("labelSelectorPath"));
    Ok(Target {
        replicas: meta::number_at(object, &path("specReplicasPath")).unwrap_or_default(),
        selector: read_selector(selector),
        key,
    })
}

fn definition<'a>(world: &'a World, kind: &Kind) -> Option<&'a Value> {
    let mut all = world.all(&Kind::CUSTOM_RESOURCE_DEFINITION);
    let found = all.find(|one| {
        let spec = &one["spec"];
        meta::text(spec, "group") == kind.group && meta::text(&spec["names"], "kind") == kind.name
    });
    found.map(|one| &**one)
}

fn scale_of<'a>(definition: &'a Value, api_version: &str) -> Option<&'a Value> {
    let version = api_version.rsplit('/').next().unwrap_or_default();
    let versions = meta::list_at(definition, "/spec/versions").iter();
    let mut named = versions.filter(|one| meta::text(one, "name") == version);
    named.next()?.pointer("/subresources/scale")
}

/// `.spec.replicas` as a JSON pointer.
fn pointer(path: &str) -> String {
    path.replace('.', "/")
}

/// Reads the text form of a selector: `a=b,c!=d,e in (f,g),!h`.
fn read_selector(text: &str) -> Option<Selector> {
    let mut expressions = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        // A comma in brackets separates values.
        let close = rest.find('(').and_then(|open| {
            let comma = rest.find(',').unwrap_or(rest.len());
            (open < comma).then(|| rest.find(')')).flatten()
        });
        let end = rest[close.unwrap_or(0)..]
            .find(',')
            .map_or(rest.len(), |comma| comma + close.unwrap_or(0));
        expressions.push(read_need(rest[..end].trim())?);
        rest = rest.get(end + 1..).unwrap_or_default().trim();
    }
    if expressions.is_empty() {
        return None;
    }
    Some(Selector::from_json(&json!({"matchExpressions": expressions})))
}

fn read_need(text: &str) -> Option<Value> {
    let need = |key: &str, operator: &str, values: Vec<&str>| {
        Some(json!({"key": key.trim(), "operator": operator, "values": values}))
    };
    for (sign, operator) in [("!=", "NotIn"), ("==", "In"), ("=", "In")] {
        if let Some((key, value)) = text.split_once(sign) {
            return need(key, operator, vec![value.trim()]);
        }
    }
    for (word, operator) in [(" notin ", "NotIn"), (" in ", "In")] {
        if let Some((key, values)) = text.split_once(word) {
            let values = values.trim().strip_prefix('(')?.strip_suffix(')')?;
            return need(key, operator, values.split(',').map(str::trim).collect());
        }
    }
    match text.strip_prefix('!') {
        Some(key) => need(key, "DoesNotExist", Vec::new()),
        None => need(text, "Exists", Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_selector_is_read() {
        let pod = json!({"metadata": {"labels": {"a": "b", "e": "g"}}});
        for (text, expected) in [
            ("a=b", Some(true)),
            ("a==b,c!=d", Some(true)),
            ("e in (f, g),a=b", Some(true)),
            ("e notin (f,g)", Some(false)),
            ("a,!h", Some(true)),
            ("!a", Some(false)),
            ("", None),
            ("e in f", None),
        ] {
            let read = read_selector(text);
            assert_eq!(read.map(|selector| selector.selects(&pod)), expected, "{text}");
        }
    }

    #[test]
    fn a_custom_resource_is_scaled_by_its_definition() {
        let mut world = World::default();
        world.serve([(Kind::DAEMON_SET, "daemonsets".to_owned())]);
        let definition = json!({"metadata": {"name": "things.x.io"}, "spec": {
            "group": "x.io", "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "subresources": {"scale": {
                "specReplicasPath": ".spec.size", "labelSelectorPath": ".status.selector",
            }}}],
        }});
        world.put(
            &Key::new(Kind::CUSTOM_RESOURCE_DEFINITION, "", "things.x.io"),
            definition,
        );
        let autoscaler = |kind: &str, version: &str| {
            json!({
                "metadata": {"namespace": "n"},
                "spec": {"scaleTargetRef": {"apiVersion": version, "kind": kind, "name": "t"}},
            })
        };
        let find = |world: &World, kind, version| super::find(world, &autoscaler(kind, version));
        assert_eq!(
            find(&world, "Thing", "x.io/v1").err().as_deref(),
            Some("things.x.io \"t\" not found")
        );
        let thing = json!({"spec": {"size": 3}, "status": {"selector": "a=b"}});
        world.put(&Key::new(Kind::new("x.io", "Thing"), "n", "t"), thing);
        let target = find(&world, "Thing", "x.io/v1").expect("it is there");
        assert_eq!(target.replicas, 3);
        assert!(target.selector.is_some());
        for (kind, version, expected) in [
            (
                "Thing",
                "x.io/v2",
                "the server could not find the requested resource",
            ),
            ("Deployment", "apps/v1", "deployments.apps \"t\" not found"),
            (
                "DaemonSet",
                "apps/v1",
                "the server could not find the requested resource",
            ),
            (
                "Other",
                "y.io/v1",
                "no matches for kind \"Other\" in group \"y.io\"",
            ),
        ] {
            assert_eq!(find(&world, kind, version).err().as_deref(), Some(expected));
        }
    }
}
