//! One rule of a role: what it permits, which other rules it covers, and how it is printed.

use std::fmt;

use serde_json::{Map, Value};

use super::Attributes;

const ALL: &str = "*";

/// A `PolicyRule`. Fields that are missing or of a wrong type read as empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rule {
    pub verbs: Vec<String>,
    pub groups: Vec<String>,
    pub resources: Vec<String>,
    pub names: Vec<String>,
    pub urls: Vec<String>,
}

impl Rule {
    /// The rules of a Role or ClusterRole.
    #[must_use]
    pub fn of(role: &Value) -> Vec<Rule> {
        let rules = role.get("rules").and_then(Value::as_array);
        rules.into_iter().flatten().map(Rule::from_json).collect()
    }

    #[must_use]
    pub fn from_json(rule: &Value) -> Rule {
        Rule {
            verbs: strings(rule, "verbs"),
            groups: strings(rule, "apiGroups"),
            resources: strings(rule, "resources"),
            names: strings(rule, "resourceNames"),
            urls: strings(rule, "nonResourceURLs"),
        }
    }

    /// The rule as an object holds it: `verbs` always, the rest when not empty.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        let parts = [
            ("apiGroups", &self.groups),
            ("nonResourceURLs", &self.urls),
            ("resourceNames", &self.names),
            ("resources", &self.resources),
        ];
        for (field, values) in parts {
            if !values.is_empty() {
                out.insert(field.to_owned(), Value::from(values.clone()));
            }
        }
        out.insert("verbs".to_owned(), Value::from(self.verbs.clone()));
        Value::Object(out)
    }

    /// Whether this rule permits the request.
    #[must_use]
    pub fn permits(&self, asked: &Attributes<'_>) -> bool {
        if !matches(&self.verbs, asked.verb) {
            return false;
        }
        if !asked.is_resource() {
            return self.urls.iter().any(|url| url_covers(url, asked.path));
        }
        matches(&self.groups, asked.group)
            && self.permits_resource(asked.resource, asked.subresource)
            && (self.names.is_empty() || self.names.iter().any(|name| name == asked.name))
    }

    fn permits_resource(&self, resource: &str, subresource: &str) -> bool {
        self.resources.iter().any(|own| {
            own == ALL
                || match own.split_once('/') {
                    None => subresource.is_empty() && own == resource,
                    Some((of, sub)) => {
                        !subresource.is_empty() && sub == subresource && (of == ALL || of == resource)
                    }
                }
        })
    }

    /// Whether everything that a rule of one verb, group, resource and name permits is permitted by this one.
    fn covers(&self, single: &Rule) -> bool {
        let verbs = covers(&self.verbs, &single.verbs);
        if let Some(url) = single.urls.first() {
            return verbs && self.urls.iter().any(|own| url_covers(own, url));
        }
        let resource = single.resources.first().map_or("", String::as_str);
        let resources = self.resources.iter().any(|own| own == resource || own == ALL)
            || resource.split_once('/').is_some_and(|(_, sub)| {
                self.resources
                    .iter()
                    .any(|own| own.strip_prefix("*/") == Some(sub))
            });
        let names =
            self.names.is_empty() || (!single.names.is_empty() && contains_all(&self.names, &single.names));
        verbs && covers(&self.groups, &single.groups) && resources && names
    }

    /// The rule as one rule for each verb, group, resource and name; and for each verb and URL.
    fn singles(&self) -> Vec<Rule> {
        let mut out = Vec::new();
        for group in &self.groups {
            for resource in &self.resources {
                for verb in &self.verbs {
                    self.push_named(&mut out, [group, resource, verb]);
                }
            }
        }
        for url in &self.urls {
            for verb in &self.verbs {
                out.push(Rule {
                    verbs: vec![verb.clone()],
                    urls: vec![url.clone()],
                    ..Rule::default()
                });
            }
        }
        out
    }

    fn push_named(&self, out: &mut Vec<Rule>, [group, resource, verb]: [&String; 3]) {
        let plain = Rule {
            verbs: vec![verb.clone()],
            groups: vec![group.clone()],
            resources: vec![resource.clone()],
            ..Rule::default()
        };
        if self.names.is_empty() {
            out.push(plain);
            return;
        }
        out.extend(self.names.iter().map(|name| Rule {
            names: vec![name.clone()],
            ..plain.clone()
        }));
    }

    fn is_simple(&self) -> bool {
        self.urls.is_empty() && self.groups.len() == 1 && self.resources.len() == 1 && self.names.len() <= 1
    }
}

/// As the refusal of an escalation prints it: `{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}`.
impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("APIGroups", &self.groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.urls),
            ("ResourceNames", &self.names),
            ("Verbs", &self.verbs),
        ];
        let mut before = "{";
        for (title, values) in parts.iter().filter(|(_, values)| !values.is_empty()) {
            let quoted: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
            write!(out, "{before}{title}:[{}]", quoted.join(" "))?;
            before = ", ";
        }
        out.write_str(if before == "{" { "{}" } else { "}" })
    }
}

/// The most single rules that one check breaks a role into: a role of the largest object (1.5 MiB) multiplied out
/// could be billions, while the default role `admin` is under a thousand. What is beyond counts as missing.
const MAX_SINGLES: usize = 10_000;

/// What of `wanted` the rules held don't cover, rules of one resource put together; empty if all is covered.
#[must_use]
pub(crate) fn missing(held: &[Rule], wanted: &[Rule]) -> Vec<Rule> {
    let size = |rule: &Rule| {
        let resources = [rule.groups.len(), rule.resources.len(), rule.names.len().max(1)]
            .iter()
            .fold(1_usize, |all, part| all.saturating_mul(*part));
        resources
            .saturating_add(rule.urls.len())
            .saturating_mul(rule.verbs.len())
    };
    let mut budget = MAX_SINGLES;
    let mut out = Vec::new();
    for rule in wanted {
        let Some(left) = budget.checked_sub(size(rule)) else {
            out.push(rule.clone());
            continue;
        };
        budget = left;
        let singles = rule.singles().into_iter();
        out.extend(singles.filter(|single| !held.iter().any(|own| own.covers(single))));
    }
    compact(out)
}

/// Puts the verbs of simple rules for one resource together; the order of first appearance stays.
fn compact(rules: Vec<Rule>) -> Vec<Rule> {
    let mut places = std::collections::HashMap::new();
    let mut out: Vec<Rule> = Vec::new();
    for rule in rules {
        if !rule.is_simple() {
            out.push(rule);
            continue;
        }
        let key = (rule.groups.clone(), rule.resources.clone(), rule.names.clone());
        match places.get(&key) {
            Some(at) => {
                let first: &mut Rule = &mut out[*at];
                first.verbs.extend(rule.verbs);
            }
            None => {
                places.insert(key, out.len());
                out.push(rule);
            }
        }
    }
    out
}

fn strings(rule: &Value, field: &str) -> Vec<String> {
    let values = rule.get(field).and_then(Value::as_array);
    let texts = values.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn matches(own: &[String], asked: &str) -> bool {
    own.iter().any(|one| one == ALL || one == asked)
}

fn covers(own: &[String], asked: &[String]) -> bool {
    own.iter().any(|one| one == ALL) || contains_all(own, asked)
}

fn contains_all(own: &[String], asked: &[String]) -> bool {
    asked.iter().all(|one| own.contains(one))
}

/// Whether a URL of a rule, which may end in a star, stands for a path or for another such URL.
fn url_covers(own: &str, path: &str) -> bool {
    own == ALL || own == path || own.ends_with('*') && path.starts_with(own.trim_end_matches('*'))
}
