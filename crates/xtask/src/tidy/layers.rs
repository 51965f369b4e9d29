//! Which crate may import which, and which crates stay pure.

use std::collections::BTreeSet;

use super::Finding;
use crate::tree::{Metadata, Package};

/// Every crate with its layer. Arrows go down only; a crate that is not here may not exist.
const LAYERS: &[(&str, u8)] = &[
    ("shipway", 5),
    ("cli", 4),
    ("api", 4),
    ("control", 4),
    ("cluster", 3),
    ("verify", 3),
    ("source", 3),
    ("artifact", 3),
    ("router", 3),
    ("notify", 3),
    ("config", 3),
    ("minicluster", 2),
    ("chart", 1),
    ("checks", 1),
    ("controllers", 1),
    ("kubelet", 1),
    ("manifest", 1),
    ("release", 1),
    ("tenancy", 1),
    ("delivery", 1),
    ("golden", 1),
    ("rollout", 1),
    ("scheduler", 1),
    ("cel", 1),
    ("kinds", 0),
    ("model", 0),
    ("objects", 0),
    ("pki", 0),
    ("stdx", 0),
    ("template", 0),
    ("yaml", 0),
];

/// The only arrows inside a layer; each has its reason in ARCHITECTURE.md.
const SIDEWAYS: &[(&str, &str)] = &[
    ("checks", "manifest"),
    ("release", "chart"),
    ("release", "manifest"),
    ("kinds", "model"),
    ("kinds", "objects"),
    ("kinds", "stdx"),
    ("tenancy", "cel"),
    ("tenancy", "manifest"),
    ("delivery", "manifest"),
    ("rollout", "manifest"),
    ("verify", "cluster"),
    ("api", "control"),
    ("cli", "api"),
    ("cli", "control"),
];

/// Crates for work on the project itself: they may import anything, nothing may run on them.
const DEVELOPMENT: &[&str] = &["testkit", "xtask"];

/// The highest layer that must stay free of IO.
const PURE_UP_TO: u8 = 1;

/// Crates that bring a runtime, a network or a Kubernetes client, by the beginning of their names.
const IMPURE: &[&str] = &[
    "async-",
    "axum",
    "futures",
    "h2",
    "hyper",
    "k8s-openapi",
    "kube",
    "mio",
    "object_store",
    "reqwest",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "tower",
    "tungstenite",
];

/// Finds imports that go up or sideways.
pub fn edges(metadata: &Metadata) -> Vec<Finding> {
    let members: BTreeSet<&str> = metadata.members().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in metadata.members() {
        let path = manifest(package);
        if layer(&package.name).is_none() && !DEVELOPMENT.contains(&package.name.as_str()) {
            findings.push(Finding::of(
                &path,
                "the crate has no layer; give it one in tidy/layers.rs",
            ));
        }
        let imports = metadata.runs_on(&package.id);
        let forbidden = imports
            .iter()
            .filter(|import| members.contains(import.name.as_str()));
        let forbidden = forbidden.filter(|import| !is_allowed(&package.name, &import.name));
        findings.extend(forbidden.map(|import| {
            let message = format!(
                "`{}` may not import `{}`: arrows go down",
                package.name, import.name
            );
            Finding::of(&path, message)
        }));
    }
    findings
}

/// Finds crates of the pure layers that run, however indirectly, on a crate that does IO.
pub fn purity(metadata: &Metadata) -> Vec<Finding> {
    let pure = metadata
        .members()
        .filter(|package| layer(&package.name).is_some_and(|l| l <= PURE_UP_TO));
    pure.filter_map(|package| {
        let path = path_to_impure(metadata, package)?;
        let message = format!("layers 0 to {PURE_UP_TO} do no IO, but: {}", path.join(" -> "));
        Some(Finding::of(&manifest(package), message))
    })
    .collect()
}

fn is_allowed(from: &str, to: &str) -> bool {
    if DEVELOPMENT.contains(&from) {
        return true;
    }
    match (layer(from), layer(to)) {
        (Some(from_layer), Some(to_layer)) => from_layer > to_layer || SIDEWAYS.contains(&(from, to)),
        _ => false,
    }
}

fn layer(name: &str) -> Option<u8> {
    LAYERS
        .iter()
        .find_map(|(known, layer)| (*known == name).then_some(*layer))
}

fn manifest(package: &Package) -> String {
    format!("crates/{}/Cargo.toml", package.name)
}

/// The shortest chain of imports from a package to an impure one.
fn path_to_impure(metadata: &Metadata, package: &Package) -> Option<Vec<String>> {
    let mut seen = BTreeSet::from([package.id.as_str()]);
    let mut frontier = vec![(package, vec![package.name.clone()])];
    while !frontier.is_empty() {
        let mut further = Vec::new();
        for (package, path) in frontier {
            for import in metadata.runs_on(&package.id) {
                let mut path = path.clone();
                path.push(import.name.clone());
                if IMPURE.iter().any(|prefix| import.name.starts_with(prefix)) {
                    return Some(path);
                }
                if seen.insert(&import.id) {
                    further.push((import, path));
                }
            }
        }
        frontier = further;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::shown;
    use crate::tree::{Dependency, DependencyKind, Node, Resolve};

    /// A graph from lines `from -> to` (or `from ~> to` for a dev-dependency); lower case members, others not.
    fn graph(members: &[&str], arrows: &[&str]) -> Metadata {
        let arrow = |line: &str| {
            let (from, rest) = line.split_once(' ').expect("an arrow has two ends");
            let (kind, to) = rest.split_once(' ').expect("an arrow has two ends");
            (
                from.to_owned(),
                (kind == "~>").then(|| "dev".to_owned()),
                to.to_owned(),
            )
        };
        let arrows: Vec<_> = arrows.iter().map(|line| arrow(line)).collect();
        let mut names: BTreeSet<String> = members.iter().map(|name| (*name).to_owned()).collect();
        names.extend(arrows.iter().flat_map(|(from, _, to)| [from.clone(), to.clone()]));
        let dependency = |(_, kind, to): &(String, Option<String>, String)| Dependency {
            pkg: to.clone(),
            dep_kinds: vec![DependencyKind { kind: kind.clone() }],
        };
        let nodes = names.iter().map(|name| Node {
            id: name.clone(),
            deps: arrows
                .iter()
                .filter(|(from, ..)| from == name)
                .map(dependency)
                .collect(),
        });
        Metadata {
            packages: names.iter().map(|name| package(name)).collect(),
            workspace_members: members.iter().map(|name| (*name).to_owned()).collect(),
            resolve: Resolve {
                nodes: nodes.collect(),
            },
        }
    }

    fn package(name: &str) -> Package {
        Package {
            id: name.to_owned(),
            name: name.to_owned(),
            version: "1.0.0".into(),
            license: None,
            source: None,
        }
    }

    #[test]
    fn arrows_go_down() {
        let metadata = graph(
            &["model", "chart", "release", "cli"],
            &[
                "cli -> chart",
                "chart -> model",
                "release -> chart",
                "model -> chart",
                "chart -> release",
            ],
        );
        assert_eq!(
            shown(&edges(&metadata)),
            [
                "crates/model/Cargo.toml: `model` may not import `chart`: arrows go down",
                "crates/chart/Cargo.toml: `chart` may not import `release`: arrows go down",
            ]
        );
    }

    #[test]
    fn tests_may_import_what_the_code_may_not() {
        assert_eq!(edges(&graph(&["model", "chart"], &["model ~> chart"])), []);
    }

    #[test]
    fn every_crate_has_a_layer() {
        let findings = edges(&graph(&["misc", "xtask"], &["xtask -> misc"]));
        assert_eq!(
            shown(&findings),
            ["crates/misc/Cargo.toml: the crate has no layer; give it one in tidy/layers.rs"]
        );
    }

    #[test]
    fn nothing_runs_on_development_crates() {
        let findings = edges(&graph(&["cli", "xtask"], &["cli -> xtask"]));
        assert_eq!(findings.len(), 1, "{findings:?}");
    }

    #[test]
    fn pure_layers_reach_no_runtime() {
        let metadata = graph(
            &["chart", "router", "model"],
            &[
                "chart -> schema",
                "schema -> tokio-util",
                "router -> tokio",
                "model ~> tokio",
            ],
        );
        assert_eq!(
            shown(&purity(&metadata)),
            ["crates/chart/Cargo.toml: layers 0 to 1 do no IO, but: chart -> schema -> tokio-util"]
        );
    }
}
