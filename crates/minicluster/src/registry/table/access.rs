//! The columns of who may do what, of what looks at requests, and of what orders them.

use serde_json::{Value, json};

use super::super::scale::selector_text;
use super::column::{AGE, Columns, NAME, field, said};
use super::duration;
use super::read::{NONE, UNSET, condition, count, items, number, or, plain, text};

pub(super) const COLUMNS: &[Columns] = &[
    (
        "rbac.authorization.k8s.io",
        "rolebindings",
        &[
            NAME,
            field("Role", "rbac.v1.RoleBinding.roleRef", role),
            AGE,
            said("Users", "Users in the roleBinding", |o| subjects(o, "User")).wide(),
            said("Groups", "Groups in the roleBinding", |o| subjects(o, "Group")).wide(),
            said("ServiceAccounts", "ServiceAccounts in the roleBinding", |o| {
                subjects(o, "ServiceAccount")
            })
            .wide(),
        ],
    ),
    (
        "rbac.authorization.k8s.io",
        "clusterrolebindings",
        &[
            NAME,
            field("Role", "rbac.v1.ClusterRoleBinding.roleRef", role),
            AGE,
            said("Users", "Users in the clusterRoleBinding", |o| {
                subjects(o, "User")
            })
            .wide(),
            said("Groups", "Groups in the clusterRoleBinding", |o| {
                subjects(o, "Group")
            })
            .wide(),
            said(
                "ServiceAccounts",
                "ServiceAccounts in the clusterRoleBinding",
                |o| subjects(o, "ServiceAccount"),
            )
            .wide(),
        ],
    ),
    (
        "certificates.k8s.io",
        "certificatesigningrequests",
        &[
            NAME,
            AGE,
            field(
                "SignerName",
                "certificates.v1.CertificateSigningRequestSpec.signerName",
                |o| or(&o["spec"]["signerName"], NONE),
            ),
            field(
                "Requestor",
                "certificates.v1.CertificateSigningRequestSpec.request",
                |o| plain(&o["spec"]["username"]),
            ),
            field(
                "RequestedDuration",
                "certificates.v1.CertificateSigningRequestSpec.expirationSeconds",
                |o| match o["spec"]["expirationSeconds"].as_i64() {
                    Some(seconds) => json!(duration(seconds)),
                    None => json!(NONE),
                },
            ),
            field(
                "Condition",
                "certificates.v1.CertificateSigningRequestStatus.conditions",
                |o| json!(request_status(o)),
            ),
        ],
    ),
    (
        "admissionregistration.k8s.io",
        "mutatingwebhookconfigurations",
        &[
            NAME,
            said(
                "Webhooks",
                "Webhooks indicates the number of webhooks registered in this configuration",
                |o| count(&o["webhooks"]),
            )
            .integer(),
            AGE,
        ],
    ),
    (
        "admissionregistration.k8s.io",
        "validatingwebhookconfigurations",
        &[
            NAME,
            said(
                "Webhooks",
                "Webhooks indicates the number of webhooks registered in this configuration",
                |o| count(&o["webhooks"]),
            )
            .integer(),
            AGE,
        ],
    ),
    (
        "admissionregistration.k8s.io",
        "validatingadmissionpolicies",
        &[
            NAME,
            said(
                "Validations",
                "Validations indicates the number of validation rules defined in this configuration",
                |o| count(&o["spec"]["validations"]),
            )
            .integer(),
            said(
                "ParamKind",
                "ParamKind specifies the kind of resources used to parameterize this policy",
                |o| {
                    let kind = &o["spec"]["paramKind"];
                    json!(match kind.is_object() {
                        true => format!("{}/{}", text(&kind["apiVersion"]), text(&kind["kind"])),
                        false => UNSET.to_owned(),
                    })
                },
            ),
            AGE,
        ],
    ),
    (
        "admissionregistration.k8s.io",
        "validatingadmissionpolicybindings",
        &[
            NAME,
            said(
                "PolicyName",
                "PolicyName indicates the policy definition which the policy binding binded to",
                |o| plain(&o["spec"]["policyName"]),
            ),
            said(
                "ParamRef",
                "ParamRef indicates the param resource which sets the configration param",
                parameters,
            ),
            AGE,
        ],
    ),
    (
        "apiregistration.k8s.io",
        "apiservices",
        &[
            NAME,
            said(
                "Service",
                "The reference to the service that hosts this API endpoint.",
                |o| {
                    let service = &o["spec"]["service"];
                    json!(match service.is_object() {
                        true => format!("{}/{}", text(&service["namespace"]), text(&service["name"])),
                        false => "Local".to_owned(),
                    })
                },
            ),
            said("Available", "Whether this service is available.", available),
            AGE,
        ],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        "flowschemas",
        &[
            NAME,
            field(
                "PriorityLevel",
                "flowcontrol.v1.PriorityLevelConfigurationReference.name",
                |o| plain(&o["spec"]["priorityLevelConfiguration"]["name"]),
            ),
            field(
                "MatchingPrecedence",
                "flowcontrol.v1.FlowSchemaSpec.matchingPrecedence",
                |o| json!(number(&o["spec"]["matchingPrecedence"])),
            ),
            field(
                "DistinguisherMethod",
                "flowcontrol.v1.FlowSchemaSpec.distinguisherMethod",
                |o| or(&o["spec"]["distinguisherMethod"]["type"], NONE),
            ),
            AGE,
            said(
                "MissingPL",
                "references a broken or non-existent PriorityLevelConfiguration",
                |o| json!(condition(o, "Dangling").unwrap_or("?")),
            ),
        ],
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        "prioritylevelconfigurations",
        &[
            NAME,
            field(
                "Type",
                "flowcontrol.v1.PriorityLevelConfigurationSpec.type",
                |o| plain(&o["spec"]["type"]),
            ),
            field(
                "NominalConcurrencyShares",
                "flowcontrol.v1.LimitedPriorityLevelConfiguration.nominalConcurrencyShares",
                |o| or_none(&o["spec"]["limited"]["nominalConcurrencyShares"]),
            ),
            field("Queues", "flowcontrol.v1.QueuingConfiguration.queues", |o| {
                or_none(&o["spec"]["limited"]["limitResponse"]["queuing"]["queues"])
            }),
            field("HandSize", "flowcontrol.v1.QueuingConfiguration.handSize", |o| {
                or_none(&o["spec"]["limited"]["limitResponse"]["queuing"]["handSize"])
            }),
            field(
                "QueueLengthLimit",
                "flowcontrol.v1.QueuingConfiguration.queueLengthLimit",
                |o| or_none(&o["spec"]["limited"]["limitResponse"]["queuing"]["queueLengthLimit"]),
            ),
            AGE,
        ],
    ),
];

fn or_none(value: &Value) -> Value {
    match value {
        Value::Number(_) => value.clone(),
        _ => json!(NONE),
    }
}

fn role(binding: &Value) -> Value {
    let role = &binding["roleRef"];
    json!(format!("{}/{}", text(&role["kind"]), text(&role["name"])))
}

/// The names of a binding's subjects of one kind.
fn subjects(binding: &Value, kind: &str) -> Value {
    let of_kind = items(&binding["subjects"])
        .iter()
        .filter(|one| one["kind"] == kind);
    let name = |one: &Value| match text(&one["namespace"]) {
        namespace if kind == "ServiceAccount" => format!("{namespace}/{}", text(&one["name"])),
        _ => text(&one["name"]).to_owned(),
    };
    json!(of_kind.map(name).collect::<Vec<_>>().join(", "))
}

fn request_status(request: &Value) -> String {
    let has = |kind: &str| {
        items(&request["status"]["conditions"])
            .iter()
            .any(|one| one["type"] == kind)
    };
    let decision = match () {
        () if has("Denied") => "Denied",
        () if has("Approved") => "Approved",
        () => "Pending",
    };
    let failed = if has("Failed") { ",Failed" } else { "" };
    let issued = if text(&request["status"]["certificate"]).is_empty() {
        ""
    } else {
        ",Issued"
    };
    format!("{decision}{failed}{issued}")
}

fn parameters(binding: &Value) -> Value {
    let parameters = &binding["spec"]["paramRef"];
    let selector = &parameters["selector"];
    json!(
        match (text(&parameters["namespace"]), text(&parameters["name"])) {
            (_, "") if selector.is_object() => selector_text(selector),
            (_, "") => UNSET.to_owned(),
            ("", name) => format!("*/{name}"),
            (namespace, name) => format!("{namespace}/{name}"),
        }
    )
}

/// `True`, `False (MissingEndpoints)`, `Unknown`.
fn available(service: &Value) -> Value {
    let found = items(&service["status"]["conditions"])
        .iter()
        .find(|one| one["type"] == "Available");
    json!(match found {
        None => "Unknown".to_owned(),
        Some(one) if one["status"] == "True" => "True".to_owned(),
        Some(one) => format!("{} ({})", text(&one["status"]), text(&one["reason"])),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_say_how_far_they_are() {
        for (status, expected) in [
            (json!({}), "Pending"),
            (json!({"conditions": [{"type": "Approved"}]}), "Approved"),
            (
                json!({"conditions": [{"type": "Approved"}], "certificate": "eA=="}),
                "Approved,Issued",
            ),
            (
                json!({"conditions": [{"type": "Denied"}, {"type": "Failed"}]}),
                "Denied,Failed",
            ),
        ] {
            assert_eq!(request_status(&json!({"status": status})), expected);
        }
    }
}
