//! `Chart.yaml` and `Chart.lock` as Helm writes them: fields sorted, empty ones left out.

use yaml::Value;

use crate::error::Error;
use crate::metadata::{Dependency, Lock, Metadata};
use crate::values::Map;

pub(super) fn chart_yaml(chart: &Metadata) -> Result<String, Error> {
    Ok(yaml::to_string(&Value::Map(chart_table(chart)))?)
}

pub(super) fn chart_table(chart: &Metadata) -> Map {
    let mut fields = Fields::default();
    fields.text("name", &chart.name);
    fields.text("home", &chart.home);
    fields.texts("sources", &chart.sources);
    fields.text("version", &chart.version);
    fields.text("description", &chart.description);
    fields.texts("keywords", &chart.keywords);
    fields.list("maintainers", chart.maintainers.iter().flatten(), |maintainer| {
        let mut fields = Fields::default();
        fields.text("name", &maintainer.name);
        fields.text("email", &maintainer.email);
        fields.text("url", &maintainer.url);
        fields.0
    });
    fields.text("icon", &chart.icon);
    fields.text("apiVersion", &chart.api_version);
    fields.text("condition", &chart.condition);
    fields.text("tags", &chart.tags);
    fields.text("appVersion", &chart.app_version);
    fields.flag("deprecated", chart.deprecated);
    if let Some(annotations) = chart
        .annotations
        .as_ref()
        .filter(|annotations| !annotations.is_empty())
    {
        let table = annotations
            .iter()
            .map(|(key, text)| (key.clone(), Value::String(text.clone())));
        fields.put("annotations", Value::Map(table.collect()));
    }
    fields.text("kubeVersion", &chart.kube_version);
    if !super::keeps_requirements(chart) {
        fields.list("dependencies", chart.dependencies(), dependency);
    }
    fields.text("type", &chart.kind);
    fields.0
}

pub(super) fn chart_lock(lock: &Lock) -> Result<String, Error> {
    let mut fields = Fields::default();
    let dependencies = lock.dependencies.as_ref().map_or(Value::Null, |dependencies| {
        Value::Seq(
            dependencies
                .iter()
                .flatten()
                .map(|entry| Value::Map(dependency(entry)))
                .collect(),
        )
    });
    fields.put("dependencies", dependencies);
    fields.put("digest", Value::String(lock.digest.clone()));
    fields.put("generated", Value::String(generated(&lock.generated)));
    Ok(yaml::to_string(&Value::Map(fields.0))?)
}

fn dependency(dependency: &Dependency) -> Map {
    let mut fields = Fields::default();
    fields.put("name", Value::String(dependency.name.clone()));
    fields.text("version", &dependency.version);
    fields.put("repository", Value::String(dependency.repository.clone()));
    fields.text("condition", &dependency.condition);
    fields.texts("tags", &dependency.tags);
    fields.flag("enabled", dependency.enabled);
    if !dependency.import_values.is_empty() {
        fields.put("import-values", Value::Seq(dependency.import_values.clone()));
    }
    fields.text("alias", &dependency.alias);
    fields.0
}

/// Go prints no trailing zeros in a fraction of a second; a time that is missing is its year 1.
fn generated(text: &str) -> String {
    if text.is_empty() {
        return "0001-01-01T00:00:00Z".to_owned();
    }
    let Some((whole, rest)) = text.split_once('.') else {
        return text.to_owned();
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, zone) = rest.split_at(digits);
    match fraction.trim_end_matches('0') {
        "" => format!("{whole}{zone}"),
        fraction => format!("{whole}.{fraction}{zone}"),
    }
}

/// A table that empty values don't get into.
#[derive(Default)]
struct Fields(Map);

impl Fields {
    fn put(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    fn text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.put(name, Value::String(text.to_owned()));
        }
    }

    fn texts(&mut self, name: &str, texts: &[String]) {
        if !texts.is_empty() {
            self.put(
                name,
                Value::Seq(texts.iter().cloned().map(Value::String).collect()),
            );
        }
    }

    fn flag(&mut self, name: &str, flag: bool) {
        if flag {
            self.put(name, Value::Bool(true));
        }
    }

    fn list<T>(&mut self, name: &str, items: impl Iterator<Item = T>, map: impl Fn(T) -> Map) {
        let items: Vec<Value> = items.map(|item| Value::Map(map(item))).collect();
        if !items.is_empty() {
            self.put(name, Value::Seq(items));
        }
    }
}
