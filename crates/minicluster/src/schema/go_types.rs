//! The names that the real server's decode errors give to types: those of its Go structs.
//!
//! They follow from the definition's name, but for named strings and maps, which OpenAPI writes as plain ones. The
//! table has those that manifests get wrong in practice; for the others the error says `string`.

use super::types::{Kind, Scalar, TypeRef};

/// Definition (without `io.k8s.api.`), field, Go type.
const NAMED: &[(&str, &str, &str)] = &[
    ("apps.v1.DeploymentStrategy", "type", "v1.DeploymentStrategyType"),
    (
        "batch.v1.CronJobSpec",
        "concurrencyPolicy",
        "v1.ConcurrencyPolicy",
    ),
    ("core.v1.Container", "imagePullPolicy", "v1.PullPolicy"),
    (
        "core.v1.Container",
        "terminationMessagePolicy",
        "v1.TerminationMessagePolicy",
    ),
    ("core.v1.ContainerPort", "protocol", "v1.Protocol"),
    ("core.v1.HTTPGetAction", "scheme", "v1.URIScheme"),
    ("core.v1.LimitRangeItem", "default", "v1.ResourceList"),
    ("core.v1.LimitRangeItem", "type", "v1.LimitType"),
    (
        "core.v1.PersistentVolumeClaimSpec",
        "accessModes",
        "[]v1.PersistentVolumeAccessMode",
    ),
    ("core.v1.PodSpec", "dnsPolicy", "v1.DNSPolicy"),
    ("core.v1.PodSpec", "restartPolicy", "v1.RestartPolicy"),
    ("core.v1.ResourceQuotaSpec", "hard", "v1.ResourceList"),
    ("core.v1.ResourceRequirements", "limits", "v1.ResourceList"),
    ("core.v1.ResourceRequirements", "requests", "v1.ResourceList"),
    ("core.v1.Secret", "type", "v1.SecretType"),
    ("core.v1.ServicePort", "protocol", "v1.Protocol"),
    (
        "core.v1.ServiceSpec",
        "externalTrafficPolicy",
        "v1.ServiceExternalTrafficPolicy",
    ),
    ("core.v1.ServiceSpec", "sessionAffinity", "v1.ServiceAffinity"),
    ("core.v1.ServiceSpec", "type", "v1.ServiceType"),
    ("core.v1.Taint", "effect", "v1.TaintEffect"),
    ("core.v1.Toleration", "effect", "v1.TaintEffect"),
    ("core.v1.Toleration", "operator", "v1.TolerationOperator"),
    ("networking.v1.HTTPIngressPath", "pathType", "v1.PathType"),
    (
        "networking.v1.NetworkPolicySpec",
        "policyTypes",
        "[]v1.PolicyType",
    ),
];

/// The nesting of lists and maps in a type's name. The deepest there is: a map of lists.
const DEPTH_MAX: usize = 8;

/// Names the type of a field of a definition; `field` is empty for anything else.
pub(super) fn name(definition: &str, field: &str, ty: TypeRef<'_>) -> String {
    let short = definition.strip_prefix("io.k8s.api.").unwrap_or(definition);
    match NAMED.iter().find(|named| (named.0, named.1) == (short, field)) {
        Some(named) => named.2.to_owned(),
        None => plain(ty, 0),
    }
}

fn plain(ty: TypeRef<'_>, depth: usize) -> String {
    let element = || match ty.element() {
        Some(element) if depth < DEPTH_MAX => plain(element, depth + 1),
        _ => "interface {}".to_owned(),
    };
    if !ty.definition_name().is_empty() {
        return struct_name(ty.definition_name());
    }
    match ty.kind() {
        Kind::Scalar(scalar) => match (scalar, ty.format()) {
            (Scalar::String, "byte") => "[]uint8",
            (Scalar::String | Scalar::Quantity, _) => "string",
            (Scalar::Integer, "int64") => "int64",
            (Scalar::Integer | Scalar::IntOrString, _) => "int32",
            (Scalar::Number, _) => "float64",
            (Scalar::Boolean, _) => "bool",
        }
        .to_owned(),
        Kind::List(_) => format!("[]{}", element()),
        Kind::Map { .. } => format!("map[string]{}", element()),
        Kind::Struct { .. } | Kind::Untyped => "interface {}".to_owned(),
    }
}

/// `v1.PodSpec` for `io.k8s.api.core.v1.PodSpec`.
fn struct_name(definition: &str) -> String {
    let mut parts = definition.rsplitn(3, '.');
    let (name, package) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{package}.{name}")
}
