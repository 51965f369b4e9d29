//! The line of the chart that is to blame for what went wrong when it ran.
//!
//! What a cluster says names an object, and often a name or an amount in it. Both stand in what was rendered, and that has
//! its lines in the templates. Where nothing closer is known it is the object's first line; where the chart has no such
//! object, the finding stays as it is.

use std::borrow::Cow;

use chart::render::{Rendered, Shown};
use chart::{Chart, File};
use manifest::{Finding, Placed};
use objects::Quantity;
use serde_json::Value;

use crate::looks::in_chart;

/// What is read has to be there.
const MISSING: &str = "add it to the chart, or have whoever keeps it make it before; what need not be there is `optional: true`";

/// How deep a name is looked for: deeper than any field of a pod.
const DEEPEST: usize = 16;

/// Gives findings of objects that the chart has their file and line.
pub(crate) fn placed(
    findings: Vec<Finding>,
    namespace: &str,
    (chart, rendered): (&Chart, &Rendered),
) -> Vec<Finding> {
    let shown = Shown::default();
    let printed = rendered.print(&shown).unwrap_or_default();
    let printed = String::from_utf8_lossy(&printed);
    let origins = rendered.origins(&shown);
    let objects = manifest::read_placed(&printed).unwrap_or_default();
    let place = |finding: Finding| match place(&finding, namespace, &objects) {
        Some(Place { object, path, cure }) if finding.line == 0 => {
            if let Some((source, line)) = amount_at(&object.object.value, &path)
                .and_then(|amount| said_by_values(&chart.content().raw, amount))
            {
                return Finding {
                    source,
                    line,
                    ..finding
                };
            }
            let placed = Finding {
                source: object.object.source.clone(),
                line: object.lines([&path[..]]).first().copied().unwrap_or_default(),
                cure: cure.map_or(finding.cure, Cow::Borrowed),
                ..finding
            };
            in_chart(placed, &origins)
        }
        _ => finding,
    };
    findings.into_iter().map(place).collect()
}

/// The object, the way to what is to blame in it, and what to do where that is known better than by the step that failed.
struct Place<'o, 't> {
    object: &'o Placed<'t>,
    path: Vec<String>,
    cure: Option<&'static str>,
}

fn place<'o, 't>(finding: &Finding, namespace: &str, objects: &'o [Placed<'t>]) -> Option<Place<'o, 't>> {
    if finding.object.starts_with("ResourceQuota ") {
        return greediest(&finding.message, objects);
    }
    let is_it = |placed: &&Placed<'_>| {
        let mut key = placed.object.key.clone();
        let written = key.to_string();
        key.namespace = namespace.into();
        finding.object == written || finding.object == key.to_string()
    };
    let object = objects.iter().find(is_it)?;
    let names = missing(&finding.message);
    let mut paths = names.filter_map(|name| {
        let mut path = Vec::new();
        names_it(&object.object.value["spec"], name, &mut path).then_some(path)
    });
    let path = paths.next().map(|path| [vec!["spec".to_owned()], path].concat());
    Some(Place {
        object,
        cure: path.as_ref().map(|_| MISSING),
        path: path.unwrap_or_default(),
    })
}

/// Names of what is not there, in the words of the kubelet: `configmap "web-reports" not found`.
fn missing(message: &str) -> impl Iterator<Item = &str> {
    let parts = message.split("\" not found");
    // What follows the last of them names nothing.
    let count = message.matches("\" not found").count();
    parts
        .take(count)
        .filter_map(|part| part.rsplit_once('"').map(|(_, name)| name))
}

/// The way to the first field that refers to something of this name.
fn names_it(value: &Value, name: &str, path: &mut Vec<String>) -> bool {
    if path.len() > DEEPEST {
        return false;
    }
    let parts: Vec<(String, &Value)> = match value {
        Value::String(text) => return text == name && refers(path),
        Value::Object(fields) => fields.iter().map(|(key, part)| (key.clone(), part)).collect(),
        Value::Array(items) => (0..)
            .zip(items)
            .map(|(at, part): (usize, _)| (at.to_string(), part))
            .collect(),
        _ => return false,
    };
    for (step, part) in parts {
        path.push(step);
        if names_it(part, name, path) {
            return true;
        }
        path.pop();
    }
    false
}

/// Whether a field names another object, and not its own or a label.
fn refers(path: &[String]) -> bool {
    let mut ends = path.iter().rev().map(String::as_str);
    match (ends.next(), ends.next()) {
        (Some("secretName" | "claimName" | "serviceAccountName"), _) => true,
        (Some("name"), Some(of)) => of.ends_with("Ref") || matches!(of, "configMap" | "secret"),
        _ => false,
    }
}

/// The container that asks for most of what a quota limits: `limits.memory is limited to …`.
fn greediest<'o, 't>(message: &str, objects: &'o [Placed<'t>]) -> Option<Place<'o, 't>> {
    let limited = message.split_whitespace().next()?;
    let (what, resource) = limited.split_once('.')?;
    let amounts = objects.iter().flat_map(|placed| {
        let containers = checks::pod_spec(&placed.object).and_then(|spec| spec["containers"].as_array());
        let containers = (0..).zip(containers.into_iter().flatten());
        containers.filter_map(move |(at, container): (usize, &Value)| {
            let amount = Quantity::of(&container["resources"][what][resource])?;
            Some((amount, placed, at))
        })
    });
    // The first one of several that ask for as much.
    let (_, placed, at) = amounts.reduce(|most, one| if one.0 > most.0 { one } else { most })?;
    let mut path: Vec<String> = way(placed).iter().map(|step| (*step).to_owned()).collect();
    path.extend(["containers".to_owned(), at.to_string(), "resources".to_owned()]);
    path.extend([what.to_owned(), resource.to_owned()]);
    Some(Place {
        object: placed,
        path,
        cure: None,
    })
}

/// What a quota counts, as it was written.
fn amount_at<'o>(object: &'o Value, path: &[String]) -> Option<&'o str> {
    let of = path.iter().rev().nth(2)?;
    let pointer: String = path.iter().map(|step| format!("/{step}")).collect();
    (of == "resources").then(|| object.pointer(&pointer)?.as_str())?
}

/// The line of the chart's values that says an amount, if it is one line: a template that many charts share says none.
fn said_by_values(files: &[File], amount: &str) -> Option<(String, usize)> {
    let is_values = |file: &&File| file.name.starts_with("values") && file.name.ends_with(".yaml");
    let says = |line: &str| {
        let said = line.split(" #").next().unwrap_or_default();
        let mut words = said.split(|one: char| !one.is_alphanumeric() && one != '.');
        words.any(|word| word == amount)
    };
    let mut found = files.iter().filter(is_values).flat_map(|file| {
        let text = String::from_utf8_lossy(&file.data).into_owned();
        let lines = text.lines().map(&says).collect::<Vec<_>>();
        let lines = (1..).zip(lines).filter(|(_, says)| *says);
        lines.map(|(line, _)| (file.name.to_string(), line))
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The way to the pods' specification.
fn way(placed: &Placed<'_>) -> &'static [&'static str] {
    match &*placed.object.key.kind.name {
        "Pod" => &["spec"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => &["spec", "template", "spec"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_that_of_the_values_if_one_line_says_it() {
        let file = |name: &str, text: &str| File::new(name, text.as_bytes().to_vec());
        let files = [
            file("Chart.yaml", "memory: 6Gi\n"),
            file("values.yaml", "# 1Gi\ncpu: 1\nmemory: 6Gi  # not 2Gi\n"),
            file("values-staging.yaml", "a: {memory: 64Mi, cpu: 1}\n"),
        ];
        for (amount, expected) in [
            ("6Gi", Some(("values.yaml", 3))),
            ("64Mi", Some(("values-staging.yaml", 1))),
            ("1", None),
            ("2Gi", None),
            ("4Mi", None),
        ] {
            let said = said_by_values(&files, amount);
            let expected = expected.map(|(name, line)| (name.to_owned(), line));
            assert_eq!(said, expected, "{amount}");
        }
    }

    const MANIFEST: &str = "\
---
# Source: web/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        resources: {limits: {memory: 64Mi}}
---
# Source: web/templates/reports.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: reports}
spec:
  selector: {matchLabels: {app: lists}}
  template:
    spec:
      containers:
      - name: lists
        envFrom:
        - configMapRef:
            name: lists
        resources:
          limits:
            memory: 6Gi
";

    fn line(object: &str, message: &str) -> Option<usize> {
        let finding = Finding {
            check: "install-fails",
            severity: manifest::Severity::Error,
            object: object.to_owned(),
            path: String::new(),
            source: String::new(),
            line: 0,
            message: message.to_owned(),
            cure: "".into(),
        };
        let objects = manifest::read_placed(MANIFEST).expect("it is YAML");
        let Place { object, path, .. } = place(&finding, "shop", &objects)?;
        object.lines([&path[..]]).first().copied()
    }

    #[test]
    fn the_line_is_that_of_the_name_or_amount_that_is_to_blame_or_the_objects() {
        for (object, message, expected) in [
            (
                "Deployment.apps shop/reports",
                "configmap \"lists\" not found",
                Some(25),
            ),
            (
                "Deployment.apps shop/reports",
                "secret \"none\" not found",
                Some(12),
            ),
            (
                "Deployment.apps shop/web",
                "0 of 1 replicas are available",
                Some(1),
            ),
            (
                "ResourceQuota shop/shipway",
                "limits.memory is limited to 4Gi",
                Some(28),
            ),
            ("ResourceQuota shop/shipway", "pods is limited to 4", None),
            (
                "Deployment.apps shop/other",
                "configmap \"lists\" not found",
                None,
            ),
        ] {
            assert_eq!(line(object, message), expected, "{object}: {message}");
        }
    }
}
