//! The table as a whole: it decodes, its parts agree, and what server-side apply relies on is there.

use minicluster::schema::{Kind, ListKind, MINORS, Scalar, Table, TypeRef};

fn at<'a>(group_version_kind: [&str; 3], path: &str) -> TypeRef<'a> {
    let [group, version, kind] = group_version_kind;
    let root = Table::get().kind(group, version, kind).expect(kind);
    path.split('.')
        .filter(|name| !name.is_empty())
        .fold(root, |ty, name| match name {
            "*" => ty.element().expect("a list or map"),
            name => ty.field(name).unwrap_or_else(|| panic!("{kind} has {path}")),
        })
}

const POD: [&str; 3] = ["", "v1", "Pod"];
const SERVICE: [&str; 3] = ["", "v1", "Service"];
const DEPLOYMENT: [&str; 3] = ["apps", "v1", "Deployment"];
const CONTAINERS: &str = "spec.template.spec.containers";

#[test]
fn every_version_decodes_and_every_resource_has_its_kind() {
    for minor in MINORS {
        let table = Table::of(*minor).expect("a version of the table");
        assert!(table.resources().len() > 60, "1.{minor}");
        for resource in table.resources() {
            let ty = table.kind(&resource.group, &resource.version, &resource.kind);
            let ty =
                ty.unwrap_or_else(|| panic!("1.{minor} has {} {}", resource.group_version(), resource.kind));
            assert!(matches!(ty.kind(), Kind::Struct { granular: true }));
            assert!(
                ty.field("metadata").is_some() && ty.field("kind").is_some(),
                "{}",
                resource.kind
            );
            if resource.verbs.iter().any(|verb| verb == "list") {
                let list = format!("{}List", resource.kind);
                assert!(
                    table.kind(&resource.group, &resource.version, &list).is_some(),
                    "{list}"
                );
            }
        }
    }
    assert!(Table::of(30).is_none());
}

#[test]
fn versions_differ_as_their_releases_did() {
    let served = |minor, group: &str, plural: &str| {
        Table::of(minor).is_some_and(|table| table.resource(group, "v1", plural).is_some())
    };
    assert!(
        !served(33, "resource.k8s.io", "resourceclaims") && served(34, "resource.k8s.io", "resourceclaims")
    );
    assert!(served(33, "networking.k8s.io", "servicecidrs"));
    let has_type = |minor, name: &str| Table::of(minor).is_some_and(|table| table.definition(name).is_some());
    assert!(!has_type(33, "io.k8s.api.core.v1.FileKeySelector"));
    assert!(has_type(34, "io.k8s.api.core.v1.FileKeySelector"));
}

#[test]
fn lists_know_how_their_elements_are_told_apart() {
    let keys = |names: &'static [&'static str]| names;
    let check = |gvk, path: &str, expected: &[&str]| match at(gvk, path).kind() {
        Kind::List(ListKind::Map(found)) => assert_eq!(found, expected, "{path}"),
        other => panic!("{path}: {other:?}"),
    };
    check(DEPLOYMENT, CONTAINERS, keys(&["name"]));
    check(
        DEPLOYMENT,
        &format!("{CONTAINERS}.*.ports"),
        &["containerPort", "protocol"],
    );
    check(SERVICE, "spec.ports", &["port", "protocol"]);
    check(POD, "metadata.ownerReferences", &["uid"]);
    assert_eq!(at(POD, "metadata.finalizers").kind(), Kind::List(ListKind::Set));
    assert_eq!(
        at(DEPLOYMENT, &format!("{CONTAINERS}.*.args")).kind(),
        Kind::List(ListKind::Atomic)
    );
    assert_eq!(
        at(["", "v1", "Node"], "spec.taints").kind(),
        Kind::List(ListKind::Atomic)
    );
}

#[test]
fn objects_are_granular_unless_marked_atomic() {
    assert_eq!(at(SERVICE, "spec.selector").kind(), Kind::Map { granular: false });
    assert_eq!(at(POD, "metadata.labels").kind(), Kind::Map { granular: true });
    assert_eq!(
        at(DEPLOYMENT, "spec.selector").kind(),
        Kind::Struct { granular: false }
    );
    assert_eq!(
        at(["", "v1", "PersistentVolume"], "spec.claimRef").kind(),
        Kind::Struct { granular: true }
    );
    assert_eq!(
        at(["", "v1", "Event"], "involvedObject").kind(),
        Kind::Struct { granular: false }
    );
}

#[test]
fn strategic_merge_has_strategies_and_keys() {
    let check = |gvk, path: &str, strategy: &str, key: Option<&str>| {
        let ty = at(gvk, path);
        assert_eq!(
            (ty.patch_strategy(), ty.patch_merge_key()),
            (strategy, key),
            "{path}"
        );
    };
    check(DEPLOYMENT, CONTAINERS, "merge", Some("name"));
    check(
        DEPLOYMENT,
        &format!("{CONTAINERS}.*.ports"),
        "merge",
        Some("containerPort"),
    );
    check(DEPLOYMENT, "spec.strategy", "retainKeys", None);
    check(
        DEPLOYMENT,
        "spec.template.spec.volumes",
        "merge,retainKeys",
        Some("name"),
    );
    check(POD, "metadata.finalizers", "merge", None);
    check(SERVICE, "spec.ports", "merge", Some("port"));
    check(["", "v1", "Node"], "spec.taints", "", None);
}

#[test]
fn scalars_have_formats_defaults_and_values() {
    assert_eq!(
        at(SERVICE, "spec.ports.*.targetPort").kind(),
        Kind::Scalar(Scalar::IntOrString)
    );
    assert_eq!(
        at(POD, "spec.containers.*.resources.limits.*").kind(),
        Kind::Scalar(Scalar::Quantity)
    );
    assert_eq!(at(POD, "metadata.creationTimestamp").format(), "date-time");
    assert_eq!(at(DEPLOYMENT, "spec.replicas").format(), "int32");
    assert_eq!(at(["", "v1", "Secret"], "data.*").format(), "byte");
    let protocol = at(SERVICE, "spec.ports.*.protocol");
    assert_eq!(protocol.default(), Some(&"TCP".into()));
    assert_eq!(protocol.enumeration(), ["SCTP", "TCP", "UDP"]);
    assert!(
        at(DEPLOYMENT, "spec")
            .fields()
            .any(|field| field.name == "selector" && field.required)
    );
}

#[test]
fn kinds_of_every_group_are_found_in_all() {
    let table = Table::get();
    assert!(
        table.kind("apps", "v1", "DeleteOptions").is_some() && table.kind("", "v1", "WatchEvent").is_some()
    );
    assert!(table.kind("apps", "v1", "Nothing").is_none());
}
