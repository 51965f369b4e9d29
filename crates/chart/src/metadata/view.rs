//! Metadata as templates see it: the fields of Helm's Go struct, by their Go names.

use std::collections::BTreeMap;

use yaml::Value;

use super::{Dependency, Maintainer, Metadata};

/// Missing lists are empty lists; missing annotations are null, which stands for Go's nil `map[string]string`.
pub(super) fn metadata(chart: &Metadata, is_root: bool) -> Value {
    table([
        ("APIVersion", text(&chart.api_version)),
        (
            "Annotations",
            chart.annotations.as_ref().map_or(Value::Null, annotations),
        ),
        ("AppVersion", text(&chart.app_version)),
        ("Condition", text(&chart.condition)),
        (
            "Dependencies",
            Value::Seq(chart.dependencies().map(dependency).collect()),
        ),
        ("Deprecated", Value::Bool(chart.deprecated)),
        ("Description", text(&chart.description)),
        ("Home", text(&chart.home)),
        ("Icon", text(&chart.icon)),
        ("IsRoot", Value::Bool(is_root)),
        ("Keywords", texts(&chart.keywords)),
        ("KubeVersion", text(&chart.kube_version)),
        (
            "Maintainers",
            Value::Seq(chart.maintainers.iter().flatten().map(maintainer).collect()),
        ),
        ("Name", text(&chart.name)),
        ("Sources", texts(&chart.sources)),
        ("Tags", text(&chart.tags)),
        ("Type", text(&chart.kind)),
        ("Version", text(&chart.version)),
    ])
}

fn maintainer(maintainer: &Maintainer) -> Value {
    table([
        ("Email", text(&maintainer.email)),
        ("Name", text(&maintainer.name)),
        ("URL", text(&maintainer.url)),
    ])
}

fn dependency(dependency: &Dependency) -> Value {
    table([
        ("Alias", text(&dependency.alias)),
        ("Condition", text(&dependency.condition)),
        ("Enabled", Value::Bool(dependency.enabled)),
        ("ImportValues", Value::Seq(dependency.import_values.clone())),
        ("Name", text(&dependency.name)),
        ("Repository", text(&dependency.repository)),
        ("Tags", texts(&dependency.tags)),
        ("Version", text(&dependency.version)),
    ])
}

fn annotations(annotations: &BTreeMap<String, String>) -> Value {
    Value::Map(
        annotations
            .iter()
            .map(|(key, value)| (key.clone(), text(value)))
            .collect(),
    )
}

fn table<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Map(
        fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn texts(items: &[String]) -> Value {
    Value::Seq(items.iter().map(|item| text(item)).collect())
}
