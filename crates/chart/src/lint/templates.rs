//! Rules for `templates/`: it renders, and what it renders is Kubernetes YAML.

use super::Severity::{Error, Warning};
use super::manifest::{Head, documents, json_problem, list_has_annotation};
use super::{Linter, Options, Render, Unrendered, deprecations, names};
use crate::go_text::quote;
use crate::{dependencies, schema, values};

const FOLDER: &str = "templates/";

/// Keeping an object is decided for each object, never for a list of them.
const KEEP: &str = "helm.sh/resource-policy";

pub(super) fn check(linter: &mut Linter, options: &Options, render: &mut Render<'_>) {
    match std::fs::metadata(linter.root.join("templates")) {
        Err(_) => {
            linter.add(Warning, FOLDER, "directory does not exist");
            return;
        }
        Ok(about) if !about.is_dir() => {
            linter.add(Error, FOLDER, "not a directory");
            return;
        }
        Ok(_) => {}
    }
    let chart = match linter.load() {
        Ok(chart) => chart,
        Err(failed) => {
            linter.add(Error, FOLDER, failed.chain());
            return;
        }
    };
    // Helm passes over failures here in silence: its rules for values and dependencies speak of them.
    let Ok(chart) = dependencies::process(&chart, &options.values, &mut Vec::new()) else {
        return;
    };
    let Ok(values) = values::coalesce(&chart, options.values.clone(), &mut Vec::new()) else {
        return;
    };
    let Ok(values) = values::coalesce(&chart, values, &mut Vec::new()) else {
        return;
    };
    if !options.skip_schema
        && let Err(invalid) = schema::check(&chart, &values)
    {
        linter.add(Error, FOLDER, invalid.to_string());
        return;
    }
    let rendered = match render(&chart, &values) {
        Ok(rendered) => rendered,
        Err(Unrendered { path, line, message }) => {
            let path = if path.is_empty() { FOLDER } else { &path };
            linter.add_at(Error, path, line, message);
            return;
        }
    };
    for template in &chart.content().templates {
        let name = &*template.name;
        let extension = name
            .rsplit('/')
            .next()
            .and_then(|base| base.rfind('.').map(|dot| &base[dot..]));
        let extension = extension.unwrap_or("");
        if !matches!(extension, ".yaml" | ".yml" | ".tpl" | ".txt") {
            let valid = "Valid extensions are .yaml, .yml, .tpl, or .txt";
            linter.add(
                Error,
                name,
                format!("file extension '{extension}' not valid. {valid}"),
            );
        }
        if !matches!(extension.to_ascii_lowercase().as_str(), ".yaml" | ".yml") {
            continue;
        }
        let Some(printed) = rendered.get(&format!("{}/{name}", chart.name())) else {
            continue;
        };
        if !printed.trim_ascii().is_empty() && !output(linter, options, name, printed) {
            return;
        }
    }
}

/// Checks what one template printed; false when Helm stops looking.
fn output(linter: &mut Linter, options: &Options, name: &str, printed: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(printed);
    if let Some(line) = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .filter(|l| l.starts_with([' ', '\t']))
    {
        let line = quote(line);
        let message =
            format!("document starts with an illegal indent: {line}, which may cause parsing problems");
        linter.add(Warning, name, message);
    }
    let version = options.kube_version.as_ref();
    let version =
        version.and_then(|version| Some((version.major.parse().ok()?, version.minor.parse().ok()?)));
    if let Some(problem) = json_problem(printed) {
        linter.add(Error, name, problem);
        return false;
    }
    for document in documents(printed) {
        let head = match Head::read(document) {
            Ok(Some(head)) => head,
            Ok(None) => continue,
            Err(failed) => {
                linter.add(Error, name, failed.message());
                return false;
            }
        };
        if let Some(problem) = names::problem(&head.kind, &head.name) {
            linter.add(Warning, name, problem);
        }
        if let Some(warning) = deprecations::warning(&head.api_version, &head.kind, version) {
            linter.add(Warning, name, warning);
        }
        let selects = matches!(
            head.kind.as_str(),
            "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet"
        );
        // Helm looks at all the template printed, not at this document.
        if selects && !text.contains("matchLabels") && !text.contains("matchExpressions") {
            let (kind, object) = (&head.kind, quote(&head.name));
            let message =
                format!("a {kind} must contain matchLabels or matchExpressions, and {object} does not");
            linter.add(Error, name, message);
        }
        if head.kind == "List" && list_has_annotation(printed, KEEP) {
            linter.add(
                Error,
                name,
                format!("annotation '{KEEP}' within List objects are ignored"),
            );
        }
    }
    true
}
