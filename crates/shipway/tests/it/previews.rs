//! What is said before anything is done: everything that would be made, and what the cluster warns of.

use crate::mini::Mini;

const CHART: &[(&str, &str)] = &[
    (
        "crds/lamps.yaml",
        "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lamps.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: lamps, singular: lamp, kind: Lamp, listKind: LampList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
",
    ),
    (
        "templates/objects.yaml",
        "\
apiVersion: example.com/v1
kind: Lamp
metadata: {name: desk}
---
apiVersion: v1
kind: Endpoints
metadata: {name: old}
subsets: [{addresses: [{ip: 192.0.2.1}], ports: [{port: 80}]}]
",
    ),
];

#[test]
fn a_dry_run_names_the_namespace_and_the_definitions_that_would_be_made() {
    let mini = Mini::start("preview_before", CHART);
    let lines = [
        "install web ./api -n shop --create-namespace --dry-run",
        "install web ./api -n shop --create-namespace --dry-run --skip-crds",
        "install web ./api -n shop --create-namespace",
        "install other ./api -n shop --create-namespace --dry-run --take-ownership",
        "diff web ./api -n shop",
        "rollback web -n shop",
        "rollback web -n shop --dry-run",
    ];
    let seen = lines.map(|line| format!("$ shipway {line}\n{}\n", mini.seen(line)));
    insta::assert_snapshot!(seen.concat());
}
