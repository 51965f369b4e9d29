//! Rules for `Chart.yaml`.

use std::fs;

use yaml::Value;

use super::Severity::{Error, Info, Warning};
use super::{Linter, Severity, address, duplicates};
use crate::go_text::quote;
use crate::metadata::{API_V1, API_V2, Metadata, first_unknown};
use crate::semver::Version;

const FILE: &str = "Chart.yaml";

/// Looks at the file as read and as written; the message if it finds something.
type Rule = fn(&Metadata, &Value) -> Option<String>;

pub(super) fn check(linter: &mut Linter) {
    let path = linter.root.join(FILE);
    if path.is_dir() {
        linter.add(Error, FILE, "should be a file, not a directory");
    }
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(failed) => {
            let why = crate::error::Error::io("read", &path, &failed);
            linter.add(Error, FILE, format!("unable to parse YAML\n\t{why}"));
            return;
        }
    };
    let document = match yaml::read(&bytes, yaml::Numbers::Kept) {
        Ok(document) => document,
        Err(failed) => {
            linter.add_at(
                Error,
                FILE,
                failed.line(),
                format!("unable to parse YAML\n\t{failed}"),
            );
            return;
        }
    };
    let mut metadata = Metadata::default();
    if let Err(failed) = metadata.fill(&document) {
        let message = format!("unable to parse YAML\n\terror unmarshaling JSON: {failed}");
        linter.add(Error, FILE, message);
        return;
    }
    if let Some((line, problem)) = strict_problem(&bytes, &document) {
        let message = format!("failed to strictly parse chart metadata file\n\t{problem}");
        linter.add_at(Warning, FILE, line, message);
    }
    let rules: [(Severity, Rule); 12] = [
        (Error, name),
        (Error, api_version),
        (Error, version_type),
        (Error, version),
        (Error, app_version_type),
        (Error, maintainers),
        (Error, sources),
        (Info, icon_presence),
        (Error, icon_url),
        (Error, chart_type),
        (Error, dependencies),
        (Warning, strict_version),
    ];
    for (severity, rule) in rules {
        if let Some(message) = rule(&metadata, &document) {
            linter.add(severity, FILE, message);
        }
    }
}

/// What a reader that knows no mercy says of the file, and the line.
fn strict_problem(bytes: &[u8], document: &Value) -> Option<(Option<u32>, String)> {
    duplicates::problem(bytes).or_else(|| {
        let unknown = first_unknown(document)?;
        let field = quote(&unknown);
        let message = format!("error unmarshaling JSON: while decoding JSON: json: unknown field {field}");
        Some((line_of(bytes, &unknown, 0), message))
    })
}

fn name(chart: &Metadata, _: &Value) -> Option<String> {
    let name = &chart.name;
    if name.is_empty() {
        return Some("name is required".to_owned());
    }
    let quoted = quote(name);
    // `.` and `..` are themselves the last part of their path, so only the next rule refuses them.
    if name.contains('/') {
        return Some(format!("chart name {quoted} is invalid"));
    }
    None
}

fn api_version(chart: &Metadata, _: &Value) -> Option<String> {
    let allowed = "The value must be either \"v1\" or \"v2\"";
    match chart.api_version.as_str() {
        "" => Some(format!("apiVersion is required. {allowed}")),
        API_V1 | API_V2 => None,
        other => Some(format!("apiVersion '{other}' is not valid. {allowed}")),
    }
}

fn version_type(_: &Metadata, document: &Value) -> Option<String> {
    not_text(document, "version")
}

fn app_version_type(_: &Metadata, document: &Value) -> Option<String> {
    not_text(document, "appVersion")
}

fn not_text(document: &Value, key: &str) -> Option<String> {
    let Value::Map(map) = document else { return None };
    let found = match map.get(key)? {
        Value::String(_) => return None,
        Value::Null => "<nil>",
        // This reading of the file makes every number a float.
        Value::Int(_) | Value::Float(_) => "float64",
        other => crate::go_text::type_name(other),
    };
    Some(format!("{key} should be of type string but it's of type {found}"))
}

fn version(chart: &Metadata, _: &Value) -> Option<String> {
    if chart.version.is_empty() {
        return Some("version is required".to_owned());
    }
    let Ok(version) = Version::parse(&chart.version) else {
        return Some(format!("version '{}' is not a valid SemVer", chart.version));
    };
    let least = Version::parse("0.0.0-0").ok()?;
    let is_more = version.compare(&least).is_gt();
    (!is_more).then(|| format!("version {} is less than or equal to 0.0.0-0", chart.version))
}

fn strict_version(chart: &Metadata, _: &Value) -> Option<String> {
    let is_strict = Version::parse_strict(&chart.version).is_ok();
    (!is_strict).then(|| format!("version '{}' is not a valid SemVerV2", chart.version))
}

fn maintainers(chart: &Metadata, _: &Value) -> Option<String> {
    for maintainer in &chart.maintainers {
        let Some(maintainer) = maintainer else {
            return Some("a maintainer entry is empty".to_owned());
        };
        let name = &maintainer.name;
        if name.is_empty() {
            return Some("each maintainer requires a name".to_owned());
        }
        if !maintainer.email.is_empty() && !address::is_email(&maintainer.email) {
            return Some(format!(
                "invalid email '{}' for maintainer '{name}'",
                maintainer.email
            ));
        }
        if !maintainer.url.is_empty() && !address::is_url(&maintainer.url) {
            return Some(format!(
                "invalid url '{}' for maintainer '{name}'",
                maintainer.url
            ));
        }
    }
    None
}

fn sources(chart: &Metadata, _: &Value) -> Option<String> {
    let bad = chart
        .sources
        .iter()
        .find(|source| !address::is_request_url(source))?;
    Some(format!("invalid source URL '{bad}'"))
}

fn icon_presence(chart: &Metadata, _: &Value) -> Option<String> {
    chart.icon.is_empty().then(|| "icon is recommended".to_owned())
}

fn icon_url(chart: &Metadata, _: &Value) -> Option<String> {
    let is_bad = !chart.icon.is_empty() && !address::is_request_url(&chart.icon);
    is_bad.then(|| format!("invalid icon URL '{}'", chart.icon))
}

fn chart_type(chart: &Metadata, _: &Value) -> Option<String> {
    let found = &chart.api_version;
    let is_bad = !chart.kind.is_empty() && found != API_V2;
    is_bad.then(|| {
        format!("chart type is not valid in apiVersion '{found}'. It is valid in apiVersion '{API_V2}'")
    })
}

fn dependencies(chart: &Metadata, _: &Value) -> Option<String> {
    let found = &chart.api_version;
    let is_bad = chart.dependencies.as_ref().is_some_and(|list| !list.is_empty()) && found != API_V2;
    is_bad.then(|| {
        format!(
            "dependencies are not valid in the Chart file with apiVersion '{found}'. \
             They are valid in apiVersion '{API_V2}'"
        )
    })
}

/// The line on which a key stands, for fields no rule knows more about, after so many others with the same key.
pub(super) fn line_of(bytes: &[u8], key: &str, others: usize) -> Option<u32> {
    let text = String::from_utf8_lossy(bytes);
    let is_of_key = |line: &str| {
        line.trim_start_matches([' ', '-', '{', ','])
            .strip_prefix(key)
            .is_some_and(|rest| rest.starts_with(':'))
    };
    let mut lines = text.lines().enumerate().filter(|(_, line)| is_of_key(line));
    let (at, _) = lines.nth(others)?;
    u32::try_from(at + 1).ok()
}
