//! CustomResourceDefinitions: names, versions, what may not change, and their schemas.
//!
//! Paths are those of the real server's internal form: what all versions have alike stands at `spec.validation`,
//! `spec.additionalPrinterColumns` and so on. The cost of rules is not estimated.

mod schema;

use std::collections::HashSet;

use serde_json::{Value, json};

use super::Cause;
use super::findings::{Findings, list, text};
use super::names::{label_1035, subdomain};

const APPROVED: &str = "api-approved.kubernetes.io";
const SELECTABLE_MAX: usize = 8;
const COLUMN_TYPES: &[&str] = &["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: &[&str] = &[
    "byte",
    "date",
    "date-time",
    "double",
    "float",
    "int32",
    "int64",
    "password",
];
const IMMUTABLE: &str = "field is immutable";

/// Finds every fault of a definition that has its defaults.
#[must_use]
pub fn definition(object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut out = Findings::default();
    let spec = &object["spec"];
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let wanted = format!("{}.{}", text(&spec["names"], "plural"), text(spec, "group"));
    if name != wanted {
        out.invalid(
            "metadata.name",
            &json!(name),
            "must be spec.names.plural+\".\"+spec.group",
        );
    }
    if old.is_none() {
        approval(&mut out, object);
    }
    group(&mut out, text(spec, "group"));
    out.one_of("spec.scope", text(spec, "scope"), &["Cluster", "Namespaced"]);
    versions(&mut out, spec);
    names(&mut out, &spec["names"]);
    conversion(&mut out, &spec["conversion"]);
    stored_versions(&mut out, object);
    if let Some(old) = old {
        immutable(&mut out, object, old);
    }
    out.0
}

fn approval(out: &mut Findings, object: &Value) {
    let group = text(&object["spec"], "group");
    let is_protected = ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|domain| group == *domain || group.ends_with(&format!(".{domain}")));
    if !is_protected {
        return;
    }
    let at = format!("metadata.annotations[{APPROVED}]");
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    match object["metadata"]["annotations"][APPROVED].as_str() {
        None | Some("") => out.required(
            at,
            &format!("protected groups must have approval annotation \"{APPROVED}\", {see}"),
        ),
        Some(value) if value.starts_with("unapproved") || value.contains("://") => {}
        Some(value) => out.invalid(
            at,
            &json!(value),
            &format!(
                "protected groups must have approval annotation \"{APPROVED}\" with either a URL or a reason \
                 starting with \"unapproved\", {see}"
            ),
        ),
    }
}

fn group(out: &mut Findings, group: &str) {
    if group.is_empty() {
        out.required("spec.group", "");
        return;
    }
    out.text("spec.group", group, subdomain);
    if !group.contains('.') {
        out.invalid(
            "spec.group",
            &json!(group),
            "should be a domain with at least one dot",
        );
    }
}

fn versions(out: &mut Findings, spec: &Value) {
    let versions = list(spec, "versions");
    let mut seen = HashSet::new();
    let mut unique = true;
    for (at, version) in versions.iter().enumerate() {
        let name = text(version, "name");
        unique &= seen.insert(name);
        for why in label_1035(name) {
            out.invalid(format!("spec.versions[{at}].name"), &json!(name), &why);
        }
        if text(version, "deprecationWarning").len() > 256 {
            let at = format!("spec.versions[{at}].deprecationWarning");
            out.invalid(
                at,
                &version["deprecationWarning"],
                "must be no more than 256 characters",
            );
        }
        if !version["deprecationWarning"].is_null() && version["deprecated"] != true {
            let at = format!("spec.versions[{at}].deprecationWarning");
            out.invalid(
                at,
                &version["deprecationWarning"],
                "can only be set for deprecated versions",
            );
        }
    }
    for (at, version) in versions.iter().enumerate() {
        if version
            .pointer("/schema/openAPIV3Schema")
            .is_none_or(Value::is_null)
        {
            let at = place(spec, at, "schema", "spec.validation");
            out.required(format!("{at}.openAPIV3Schema"), "schemas are required");
        }
    }
    if !unique {
        out.push(with_versions(versions, "must contain unique version names"));
    }
    let storing = versions
        .iter()
        .filter(|version| version["storage"] == true)
        .count();
    if storing != 1 {
        out.push(with_versions(
            versions,
            "must have exactly one version marked as storage version",
        ));
    }
    let mut checked = HashSet::new();
    for (at, version) in versions.iter().enumerate() {
        let path = place(spec, at, "schema", "spec.validation");
        if checked.insert(path.clone())
            && let Some(schema) = version.pointer("/schema/openAPIV3Schema")
        {
            schema::check(out, schema, &format!("{path}.openAPIV3Schema"));
        }
        let path = place(
            spec,
            at,
            "additionalPrinterColumns",
            "spec.additionalPrinterColumns",
        );
        if checked.insert(path.clone()) {
            columns(out, &path, list(version, "additionalPrinterColumns"));
        }
        let path = place(spec, at, "subresources", "spec.subresources");
        if checked.insert(path.clone()) {
            subresources(out, &path, &version["subresources"]);
        }
        let path = place(spec, at, "selectableFields", "spec.selectableFields");
        if checked.insert(path.clone()) {
            selectable(out, &path, version);
        }
    }
}

/// Where a part of a version stands: at one place for all if all are alike.
fn place(spec: &Value, at: usize, part: &str, common: &str) -> String {
    let versions = list(spec, "versions");
    let alike = versions.iter().all(|version| version[part] == versions[0][part]);
    if alike {
        common.to_owned()
    } else {
        format!("spec.versions[{at}].{part}")
    }
}

/// A fault of the list of versions, which the real server prints with the names of its own fields.
fn with_versions(versions: &[Value], why: &str) -> Cause {
    let printed: Vec<String> = versions
        .iter()
        .map(|version| {
            format!(
                "{{\"Name\":{},\"Served\":{},\"Storage\":{},\"Deprecated\":{},\"DeprecationWarning\":{},\"Schema\":null,\
                 \"Subresources\":null,\"AdditionalPrinterColumns\":null,\"SelectableFields\":null}}",
                version["name"],
                version["served"] == true,
                version["storage"] == true,
                version["deprecated"] == true,
                version["deprecationWarning"]
            )
        })
        .collect();
    Cause {
        reason: "FieldValueInvalid",
        field: "spec.versions".to_owned(),
        message: format!("Invalid value: [{}]: {why}", printed.join(",")),
    }
}

fn names(out: &mut Findings, names: &Value) {
    for field in ["plural", "singular", "kind", "listKind"] {
        let value = text(names, field);
        let at = format!("spec.names.{field}");
        if value.is_empty() {
            if matches!(field, "plural" | "kind" | "singular" | "listKind") {
                out.required(at, "");
            }
            continue;
        }
        out.text(&at, &value.to_lowercase(), label_1035);
    }
    for field in ["shortNames", "categories"] {
        for (at, name) in list(names, field).iter().enumerate() {
            out.text(
                &format!("spec.names.{field}[{at}]"),
                name.as_str().unwrap_or_default(),
                label_1035,
            );
        }
    }
    if !text(names, "kind").is_empty() && text(names, "kind") == text(names, "listKind") {
        out.invalid(
            "spec.names.listKind",
            &names["listKind"],
            "kind and listKind may not be the same",
        );
    }
}

fn conversion(out: &mut Findings, conversion: &Value) {
    let strategy = text(conversion, "strategy");
    out.one_of("spec.conversion.strategy", strategy, &["None", "Webhook"]);
    let webhook = &conversion["webhook"];
    if strategy != "Webhook" {
        if !webhook.is_null() {
            out.forbidden(
                "spec.conversion.webhookClientConfig",
                "should not be set when strategy is not set to Webhook",
            );
        }
        return;
    }
    if webhook["clientConfig"].is_null() {
        out.required(
            "spec.conversion.webhookClientConfig",
            "required when strategy is set to Webhook",
        );
    }
    if list(webhook, "conversionReviewVersions").is_empty() {
        out.required("spec.conversion.conversionReviewVersions", "");
    }
}

fn stored_versions(out: &mut Findings, object: &Value) {
    let stored = list(&object["status"], "storedVersions");
    if stored.is_empty() {
        out.invalid(
            "status.storedVersions",
            &Value::Null,
            "must have at least one stored version",
        );
    }
    let versions = list(&object["spec"], "versions");
    for (at, name) in stored.iter().enumerate() {
        if !versions.iter().any(|version| version["name"] == *name) {
            out.invalid(
                format!("status.storedVersions[{at}]"),
                name,
                "missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions \
                 until a storage migration ensures no data remains persisted in v1 and removes v1 from \
                 status.storedVersions"
                    .replace("v1", name.as_str().unwrap_or_default())
                    .as_str(),
            );
        }
    }
}

fn columns(out: &mut Findings, path: &str, columns: &[Value]) {
    for (at, column) in columns.iter().enumerate() {
        let at = format!("{path}[{at}]");
        if text(column, "name").is_empty() {
            out.required(format!("{at}.name"), "");
        }
        if text(column, "type").is_empty() {
            let known = COLUMN_TYPES.join(",");
            out.required(format!("{at}.type"), &format!("must be one of {known}"));
        } else if !COLUMN_TYPES.contains(&text(column, "type")) {
            let known = COLUMN_TYPES.join(",");
            out.invalid(
                format!("{at}.type"),
                &column["type"],
                &format!("must be one of {known}"),
            );
        }
        let format = text(column, "format");
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            let known = COLUMN_FORMATS.join(",");
            out.invalid(
                format!("{at}.format"),
                &column["format"],
                &format!("must be one of {known}"),
            );
        }
        json_path(out, &format!("{at}.JSONPath"), text(column, "jsonPath"));
    }
}

fn json_path(out: &mut Findings, at: &str, path: &str) {
    if path.is_empty() {
        out.required(at, "");
    } else if !path.starts_with('.') {
        out.invalid(at, &json!(path), "must be a simple json path starting with .");
    }
}

fn subresources(out: &mut Findings, path: &str, subresources: &Value) {
    let scale = &subresources["scale"];
    if scale.is_null() {
        return;
    }
    let checks = [
        ("specReplicasPath", ".spec.", true),
        ("statusReplicasPath", ".status.", true),
        ("labelSelectorPath", "", false),
    ];
    for (field, prefix, required) in checks {
        let at = format!("{path}.scale.{field}");
        match scale[field].as_str() {
            None | Some("") if required => out.required(at, ""),
            None | Some("") => {}
            Some(value) if value.contains('[') || !value.starts_with('.') => {
                out.invalid(
                    at,
                    &json!(value),
                    "should be a json path without array notation, starting with .",
                );
            }
            Some(value) if prefix.is_empty() => {
                if !value.starts_with(".status.") && !value.starts_with(".spec.") {
                    out.invalid(
                        at,
                        &json!(value),
                        "should be a json path under either .status or .spec",
                    );
                }
            }
            Some(value) if !value.starts_with(prefix) => {
                let under = prefix.trim_end_matches('.');
                out.invalid(at, &json!(value), &format!("should be a json path under {under}"));
            }
            Some(_) => {}
        }
    }
}

fn selectable(out: &mut Findings, path: &str, version: &Value) {
    let fields = list(version, "selectableFields");
    if fields.len() > SELECTABLE_MAX {
        out.push(Cause {
            reason: "FieldValueTooMany",
            field: path.to_owned(),
            message: format!(
                "Too many: {}: must have at most {SELECTABLE_MAX} items",
                fields.len()
            ),
        });
    }
    let mut seen = HashSet::new();
    for (at, field) in fields.iter().enumerate() {
        let at = format!("{path}[{at}].jsonPath");
        let written = text(field, "jsonPath");
        if written.is_empty() {
            out.required(at, "");
            continue;
        }
        let mut schema = version.pointer("/schema/openAPIV3Schema");
        for name in written.trim_start_matches('.').split('.') {
            schema = schema.and_then(|schema| schema["properties"].get(name));
        }
        if written.starts_with(".metadata") {
            out.invalid(&at, &json!(written), "must not point to fields in metadata");
        } else {
            match schema.map(|schema| text(schema, "type")) {
                None => out.invalid(
                    &at,
                    &json!(written),
                    "is an invalid path: does not refer to a valid field",
                ),
                Some("string" | "integer" | "boolean") => {}
                Some(_) => out.invalid(
                    &at,
                    &json!(written),
                    "must point to a field of type string, boolean or integer. Enum string fields and strings with \
                     formats are allowed.",
                ),
            }
        }
        if !seen.insert(written) {
            out.duplicate(&at, &json!(written));
        }
    }
}

fn immutable(out: &mut Findings, object: &Value, old: &Value) {
    let conditions = list(&old["status"], "conditions");
    let established = conditions
        .iter()
        .any(|one| one["type"] == "Established" && one["status"] == "True");
    let fields: &[&str] = if established {
        &[
            "/spec/scope",
            "/spec/names/kind",
            "/spec/group",
            "/spec/names/plural",
        ]
    } else {
        &["/spec/group", "/spec/names/plural"]
    };
    for pointer in fields {
        let (new, old) = (object.pointer(pointer), old.pointer(pointer));
        if new != old {
            let at = pointer.trim_start_matches('/').replace('/', ".");
            out.invalid(at, new.unwrap_or(&Value::Null), IMMUTABLE);
        }
    }
}
