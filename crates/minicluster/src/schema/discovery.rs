//! Discovery documents, of built-in and custom resources alike, in both forms.
//!
//! The caller gives the resources it serves: those of the table and those of CRDs, a group's preferred version
//! first. Nothing here knows which path asked.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::resources::{Resource, Subresource};

/// The `APIResourceList` of one group and version: `/api/v1`, `/apis/apps/v1`.
pub fn resource_list<'a>(group_version: &str, resources: impl Iterator<Item = &'a Resource>) -> Value {
    let served = resources.filter(|resource| resource.group_version() == group_version);
    let rows: Vec<Value> = served.flat_map(rows).collect();
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": rows})
}

/// The `APIGroup` of one group, `/apis/apps`; `None` if nothing in it is served.
pub fn group<'a>(name: &str, resources: impl Iterator<Item = &'a Resource>) -> Option<Value> {
    let mut group = group_of(
        name,
        &versions(resources.filter(|resource| resource.group == name)),
    )?;
    group.insert("kind".to_owned(), json!("APIGroup"));
    group.insert("apiVersion".to_owned(), json!("v1"));
    Some(Value::Object(group))
}

/// The `APIGroupList` of `/apis`: every group but the core one.
pub fn group_list<'a>(resources: impl Iterator<Item = &'a Resource>) -> Value {
    let groups: Vec<_> = by_group(resources.filter(|resource| !resource.group.is_empty()))
        .iter()
        .filter_map(|(name, resources)| group_of(name, &versions(resources.iter().copied())))
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// The `APIGroupDiscoveryList` of `/api` (only the core group) or `/apis` (all others).
pub fn aggregated<'a>(core: bool, resources: impl Iterator<Item = &'a Resource>) -> Value {
    let items: Vec<Value> = by_group(resources.filter(|resource| resource.group.is_empty() == core))
        .iter()
        .map(|(name, resources)| {
            let version = |version: &str| {
                let of_version = resources.iter().filter(|resource| resource.version == version);
                let rows: Vec<Value> = of_version.map(|resource| aggregated_row(resource)).collect();
                json!({"version": version, "resources": rows, "freshness": "Current"})
            };
            let versions: Vec<Value> = versions(resources.iter().copied())
                .into_iter()
                .map(version)
                .collect();
            let metadata = if core { json!({}) } else { json!({"name": name}) };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

/// Groups in the order in which they first appear.
fn by_group<'a>(resources: impl Iterator<Item = &'a Resource>) -> Vec<(&'a str, Vec<&'a Resource>)> {
    let resources: Vec<&Resource> = resources.collect();
    let names = distinct(resources.iter().map(|resource| resource.group.as_str()));
    let of_group = |name| {
        resources
            .iter()
            .copied()
            .filter(|resource| resource.group == name)
            .collect()
    };
    names.into_iter().map(|name| (name, of_group(name))).collect()
}

fn versions<'a>(resources: impl Iterator<Item = &'a Resource>) -> Vec<&'a str> {
    distinct(resources.map(|resource| resource.version.as_str()))
}

/// Quadratic, over some dozens of names.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut distinct = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    distinct
}

fn group_of(name: &str, versions: &[&str]) -> Option<Map<String, Value>> {
    let version = |version: &&str| json!({"groupVersion": format!("{name}/{version}"), "version": version});
    let all: Vec<Value> = versions.iter().map(version).collect();
    let preferred = all.first()?.clone();
    let group = json!({"name": name, "versions": all, "preferredVersion": preferred});
    group.as_object().cloned()
}

fn rows(resource: &Resource) -> Vec<Value> {
    let mut main = Map::new();
    main.insert("name".to_owned(), json!(resource.plural));
    main.insert("singularName".to_owned(), json!(resource.singular));
    main.insert("namespaced".to_owned(), json!(resource.namespaced));
    main.insert("kind".to_owned(), json!(resource.kind));
    main.insert("verbs".to_owned(), json!(resource.verbs));
    names(resource, &mut main);
    if let Some((group, version)) = &resource.storage {
        let hash = storage_version_hash(group, version, &resource.kind);
        main.insert("storageVersionHash".to_owned(), json!(hash));
    }
    let subresources = resource.subresources.iter().map(|subresource| {
        let mut row = json!({
            "name": format!("{}/{}", resource.plural, subresource.name),
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": subresource.kind,
            "verbs": subresource.verbs,
        });
        if !subresource.version.is_empty() {
            row["group"] = json!(subresource.group);
            row["version"] = json!(subresource.version);
        }
        row
    });
    std::iter::once(Value::Object(main)).chain(subresources).collect()
}

fn aggregated_row(resource: &Resource) -> Value {
    let mut row = Map::new();
    row.insert("resource".to_owned(), json!(resource.plural));
    let scope = if resource.namespaced {
        "Namespaced"
    } else {
        "Cluster"
    };
    row.insert("scope".to_owned(), json!(scope));
    row.insert("singularResource".to_owned(), json!(resource.singular));
    row.insert("verbs".to_owned(), json!(resource.verbs));
    row.insert(
        "responseKind".to_owned(),
        response_kind(resource, ("", "", &resource.kind)),
    );
    names(resource, &mut row);
    if !resource.subresources.is_empty() {
        let subresource = |subresource: &Subresource| {
            let kind = (&*subresource.group, &*subresource.version, &*subresource.kind);
            json!({
                "subresource": subresource.name,
                "responseKind": response_kind(resource, kind),
                "verbs": subresource.verbs,
            })
        };
        let subresources: Vec<Value> = resource.subresources.iter().map(subresource).collect();
        row.insert("subresources".to_owned(), json!(subresources));
    }
    Value::Object(row)
}

/// Custom resources name their group and version; built-in ones leave them empty when they are the parent's.
fn response_kind(resource: &Resource, (group, version, kind): (&str, &str, &str)) -> Value {
    let own = version.is_empty() && resource.custom;
    let (group, version) = if own {
        (&*resource.group, &*resource.version)
    } else {
        (group, version)
    };
    json!({"group": group, "version": version, "kind": kind})
}

fn names(resource: &Resource, row: &mut Map<String, Value>) {
    for (name, list) in [
        ("shortNames", &resource.short_names),
        ("categories", &resource.categories),
    ] {
        if !list.is_empty() {
            row.insert(name.to_owned(), json!(list));
        }
    }
}

/// The first eight bytes of SHA-256 of `GROUP/VERSION/KIND` in base64: what the real server computes.
fn storage_version_hash(group: &str, version: &str, kind: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digest = Sha256::digest(format!("{group}/{version}/{kind}"));
    let number = digest[..8]
        .iter()
        .fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    // Eight bytes are ten digits and four bits.
    let digits = (0..11).map(|at| ALPHABET[((number << 2) >> (60 - 6 * at) & 63) as usize] as char);
    digits.chain(std::iter::once('=')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_version_hashes_are_those_of_the_real_server() {
        // As every cluster prints them under `kubectl get --raw /api/v1` and `/apis/apps/v1`.
        assert_eq!(storage_version_hash("", "v1", "Pod"), "xPOwRZ+Yhw8=");
        assert_eq!(storage_version_hash("apps", "v1", "Deployment"), "8aSe+NMegvE=");
    }
}
