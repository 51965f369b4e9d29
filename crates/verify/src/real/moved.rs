//! What is live by its record, as it would be in another namespace.
//!
//! A record holds what was rendered and not always what it was rendered from, so it can't be rendered anew: objects that name the
//! release's namespace are moved instead, and the accounts that its bindings name with them. What is written into texts, as
//! the names of hosts inside of the cluster, stays.

use manifest::Error;
use objects::meta;
use release::record::Contents;
use serde_json::{Value, json};

/// Moves what is in `from`, or names accounts there, to `to`.
///
/// # Errors
/// When the record can't be read.
pub(super) fn moved(contents: &Contents, (from, to): (&str, &str)) -> Result<Contents, Error> {
    let mut contents = contents.clone();
    contents.manifest = text(&contents.manifest, (from, to))?;
    for hook in &mut contents.hooks {
        hook.manifest = text(&hook.manifest, (from, to))?;
    }
    Ok(contents)
}

/// The manifest, written anew only if something in it moves.
fn text(manifest: &str, way: (&str, &str)) -> Result<String, Error> {
    let mut objects = manifest::read(manifest)?;
    let mut is_other = false;
    for object in &mut objects {
        is_other |= move_it(&mut object.value, way);
    }
    if !is_other {
        return Ok(manifest.to_owned());
    }
    let documents = objects.iter().map(|object| {
        // JSON is YAML.
        format!("---\n# Source: {}\n{}\n", object.source, object.value)
    });
    Ok(documents.collect())
}

fn move_it(object: &mut Value, (from, to): (&str, &str)) -> bool {
    let mut is_other = false;
    if meta::namespace(object) == from {
        object["metadata"]["namespace"] = json!(to);
        is_other = true;
    }
    let subjects = object.get_mut("subjects").and_then(Value::as_array_mut);
    for subject in subjects.into_iter().flatten() {
        if meta::text(subject, "namespace") == from {
            subject["namespace"] = json!(to);
            is_other = true;
        }
    }
    is_other
}

#[cfg(test)]
mod tests {
    use release::StoredChart;
    use serde_json::Map;

    use super::*;

    fn contents(manifest: &str) -> Contents {
        Contents {
            chart: StoredChart::default(),
            config: Map::new(),
            manifest: manifest.to_owned(),
            hooks: Vec::new(),
            notes: String::new(),
        }
    }

    #[test]
    fn what_names_the_releases_namespace_moves_and_nothing_else() {
        let bound = "---\n# Source: api/templates/a.yaml\n{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, \
                     metadata: {name: b, namespace: shop}, subjects: [{kind: ServiceAccount, name: s, namespace: shop}, \
                     {kind: ServiceAccount, name: t, namespace: other}]}\n---\n\
                     {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: other}}\n";
        let moved_text = moved(&contents(bound), ("shop", "trial")).unwrap().manifest;
        let objects = manifest::read(&moved_text).unwrap();
        assert_eq!(objects[0].key.namespace.as_ref(), "trial");
        assert_eq!(objects[0].source, "api/templates/a.yaml");
        assert_eq!(objects[0].value["subjects"][0]["namespace"], "trial");
        assert_eq!(objects[0].value["subjects"][1]["namespace"], "other");
        assert_eq!(objects[1].key.namespace.as_ref(), "other");

        let plain = "# kept\n{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}\n";
        assert_eq!(
            moved(&contents(plain), ("shop", "trial")).unwrap().manifest,
            plain
        );
        assert!(moved(&contents("{"), ("shop", "trial")).is_err());
    }
}
