//! Label and field selectors: read from a query, asked of stored objects.
//!
//! Pure. Which fields of a kind may be asked for stands in [`fields_of`]; the store keeps their values beside the
//! object, so that no selector reads JSON.

use serde_json::Value;

use super::failure::Failure;
use crate::schema::Resource;
use crate::store::{Object, Pairs};
use crate::validate::names;

/// The longest selector read: what fits into a URL that the server takes.
const MAX_BYTES: usize = 64 * 1024;

/// Both selectors of a request.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

impl Selector {
    /// # Errors
    /// A selector that can't be read, or a field that the kind does not offer.
    pub fn read(labels: &str, fields: &str, resource: &Resource) -> Result<Self, Failure> {
        if labels.len() > MAX_BYTES || fields.len() > MAX_BYTES {
            return Err(Failure::bad_request("the selector is too long"));
        }
        let labels = parse_labels(labels)
            .map_err(|cause| Failure::bad_request(format!("unable to parse requirement: {cause}")))?;
        Ok(Self {
            labels,
            fields: parse_fields(fields, resource)?,
        })
    }

    pub fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// A field and the one value that it must have, if there is such a field.
    pub fn certain_field(&self) -> Option<(&str, &str)> {
        self.fields.iter().find_map(|one| match &one.test {
            Test::In(values) => match values.as_slice() {
                [value] => Some((one.key.as_str(), value.as_str())),
                _ => None,
            },
            _ => None,
        })
    }

    pub fn matches(&self, object: &Object) -> bool {
        let labels = object.labels();
        let fields = object.fields();
        self.labels
            .iter()
            .all(|one| one.holds(value_of(labels, &one.key)))
            && self.fields.iter().all(|one| {
                let value = match one.key.as_str() {
                    "metadata.name" => Some(object.key().name()),
                    "metadata.namespace" => Some(object.key().namespace().unwrap_or_default()),
                    key => value_of(fields, key),
                };
                one.holds(Some(value.unwrap_or_default()))
            })
    }
}

impl Requirement {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.test {
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
            Test::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|one| one != value)),
            Test::Above(limit) => number().is_some_and(|number| number > *limit),
            Test::Below(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

fn value_of<'a>(pairs: &'a [(Box<str>, Box<str>)], key: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(name, _)| **name == *key)
        .map(|(_, value)| &**value)
}

/// The selectable fields of a kind besides its name and namespace: name and value if absent.
fn fields_of(resource: &Resource) -> &'static [(&'static str, &'static str)] {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => &[
            ("spec.nodeName", ""),
            ("spec.restartPolicy", ""),
            ("spec.schedulerName", ""),
            ("spec.serviceAccountName", ""),
            ("spec.hostNetwork", "false"),
            ("status.phase", ""),
            ("status.podIP", ""),
            ("status.nominatedNodeName", ""),
        ],
        ("", "nodes") => &[("spec.unschedulable", "false")],
        ("", "namespaces") => &[("status.phase", "")],
        ("", "secrets") => &[("type", "")],
        ("", "services") => &[("spec.clusterIP", ""), ("spec.type", "")],
        ("", "replicationcontrollers") | ("apps", "replicasets") => &[("status.replicas", "0")],
        ("batch", "jobs") => &[("status.successful", "0")],
        ("certificates.k8s.io", "certificatesigningrequests") => &[("spec.signerName", "")],
        ("" | "events.k8s.io", "events") => &[
            ("involvedObject.kind", ""),
            ("involvedObject.namespace", ""),
            ("involvedObject.name", ""),
            ("involvedObject.uid", ""),
            ("involvedObject.apiVersion", ""),
            ("involvedObject.resourceVersion", ""),
            ("involvedObject.fieldPath", ""),
            ("reason", ""),
            ("reportingComponent", ""),
            ("source", ""),
            ("type", ""),
        ],
        _ => &[],
    }
}

/// The values that the store keeps beside an object. `custom` are a CRD's selectable fields.
pub fn field_values(resource: &Resource, custom: &[String], object: &Value) -> Pairs {
    let read = |field: &str| {
        let field = if field == "source" {
            "source.component"
        } else {
            field
        };
        let found = field.split('.').try_fold(object, |value, part| value.get(part));
        match found {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Null) | None => None,
            Some(other) => Some(other.to_string()),
        }
    };
    let builtin = fields_of(resource)
        .iter()
        .map(|(field, absent)| (*field, read(field).unwrap_or_else(|| (*absent).to_owned())));
    let custom = custom
        .iter()
        .map(|field| (field.as_str(), read(field).unwrap_or_default()));
    let pairs = builtin.chain(custom);
    pairs
        .map(|(key, value)| (Box::from(key), value.into_boxed_str()))
        .collect()
}

fn parse_fields(text: &str, resource: &Resource) -> Result<Vec<Requirement>, Failure> {
    let mut all = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let split = ["!=", "==", "="]
            .iter()
            .filter_map(|sign| part.find(sign).map(|at| (at, *sign)))
            .min_by_key(|(at, sign)| (*at, std::cmp::Reverse(sign.len())));
        let Some((at, sign)) = split else {
            return Err(Failure::bad_request(format!(
                "invalid field selector: {text}; can't understand '{part}'"
            )));
        };
        let (key, value) = (
            stored_field(&part[..at], resource),
            part[at + sign.len()..].to_owned(),
        );
        check_field(&key, resource)?;
        let test = if sign == "!=" {
            Test::NotIn(vec![value])
        } else {
            Test::In(vec![value])
        };
        all.push(Requirement { key, test });
    }
    Ok(all)
}

/// What a field is called where it is stored: Events of their own group have other names for some.
fn stored_field(key: &str, resource: &Resource) -> String {
    if resource.group != "events.k8s.io" {
        return key.to_owned();
    }
    match key.strip_prefix("regarding.") {
        Some(rest) => format!("involvedObject.{rest}"),
        None if key == "reportingController" => "reportingComponent".to_owned(),
        None => key.to_owned(),
    }
}

fn check_field(key: &str, resource: &Resource) -> Result<(), Failure> {
    let own = fields_of(resource);
    let known = key == "metadata.name" || key == "metadata.namespace";
    if known || resource.custom || own.iter().any(|(field, _)| *field == key) {
        return Ok(());
    }
    Err(Failure::bad_request(if own.is_empty() {
        format!("\"{key}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    } else {
        format!("field label not supported: {key}")
    }))
}

/// A word of a label selector: a sign, or anything else.
fn words(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let sign = |c: char| "()!,<>=".contains(c);
        let length = if sign(first) {
            let double = rest.starts_with("!=") || rest.starts_with("==");
            if double { 2 } else { 1 }
        } else {
            rest.find(|c: char| sign(c) || c.is_whitespace())
                .unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at(length);
        all.push(word);
        rest = after.trim_start();
    }
    all
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, String> {
    let words = words(text);
    let mut words = words.iter().copied().peekable();
    let mut all = Vec::new();
    while words.peek().is_some() {
        let one = requirement(&mut words)?;
        check_label(&one)?;
        all.push(one);
        match words.next() {
            None => break,
            Some(",") if words.peek().is_some() => {}
            Some(",") => return Err("found '', expected: identifier after ','".to_owned()),
            Some(other) => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
        }
    }
    Ok(all)
}

/// A selector can only name what a label can be.
fn check_label(requirement: &Requirement) -> Result<(), String> {
    let key = &requirement.key;
    if let Some(problem) = names::qualified(key).first() {
        return Err(format!(
            "<nil>: Invalid value: {}: {problem}",
            Value::from(key.as_str())
        ));
    }
    let (Test::In(values) | Test::NotIn(values)) = &requirement.test else {
        return Ok(());
    };
    for (at, value) in values.iter().enumerate() {
        if let Some(problem) = names::label_value(value).first() {
            let value = Value::from(value.as_str());
            return Err(format!("values[{at}][{key}]: Invalid value: {value}: {problem}"));
        }
    }
    Ok(())
}

fn requirement<'a>(
    words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>,
) -> Result<Requirement, String> {
    let negated = words.next_if_eq(&"!").is_some();
    let key = words.next().unwrap_or_default();
    if key.is_empty() || "()!,<>=!===".contains(key) {
        return Err(format!(
            "found '{key}', expected: !, identifier, or 'end of string'"
        ));
    }
    let with = |test| {
        Ok(Requirement {
            key: key.to_owned(),
            test,
        })
    };
    if negated {
        return with(Test::Missing);
    }
    let value = |words: &mut std::iter::Peekable<_>| {
        let found: Option<&str> = std::iter::Peekable::next_if(words, |word: &&str| *word != ",");
        found.unwrap_or_default().to_owned()
    };
    match words.peek().copied() {
        None | Some(",") => with(Test::Exists),
        Some("=" | "==") => {
            words.next();
            with(Test::In(vec![value(words)]))
        }
        Some("!=") => {
            words.next();
            with(Test::NotIn(vec![value(words)]))
        }
        Some(sign @ (">" | "<")) => {
            words.next();
            let text = value(words);
            let number = text
                .parse()
                .map_err(|_| format!("for 'Gt', 'Lt' operators, the value must be an integer: {text}"))?;
            with(if sign == ">" {
                Test::Above(number)
            } else {
                Test::Below(number)
            })
        }
        Some(sign @ ("in" | "notin")) => {
            words.next();
            let values = values(words)?;
            with(if sign == "in" {
                Test::In(values)
            } else {
                Test::NotIn(values)
            })
        }
        Some(other) => Err(format!(
            "found '{other}', expected: in, notin, =, ==, !=, gt, lt, ',' or 'end of string'"
        )),
    }
}

fn values<'a>(words: &mut impl Iterator<Item = &'a str>) -> Result<Vec<String>, String> {
    let open = words.next().unwrap_or_default();
    if open != "(" {
        return Err(format!("found '{open}' expected: '('"));
    }
    let mut all = Vec::new();
    let mut last = String::new();
    for word in words {
        match word {
            ")" => {
                all.push(last);
                return Ok(all);
            }
            "," => all.push(std::mem::take(&mut last)),
            text => last = text.to_owned(),
        }
    }
    Err("found '', expected: ',' or ')'".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_selectors_are_read() {
        let check = |text: &str, value: Option<&str>, expected: bool| {
            let all = parse_labels(text).unwrap();
            assert_eq!(
                all.iter().all(|one| one.holds(value)),
                expected,
                "{text} {value:?}"
            );
        };
        check("a", Some("1"), true);
        check("!a", Some("1"), false);
        check("a=1", Some("1"), true);
        check("a!=1", None, true);
        check("a in (1, 2)", Some("2"), true);
        check("a notin (1,2)", Some("2"), false);
        check("a>1", Some("2"), true);
        check("a=", Some(""), true);
        check("", None, true);
    }

    #[test]
    fn bad_label_selectors_are_refused_in_the_real_servers_words() {
        assert_eq!(parse_labels("a in b").unwrap_err(), "found 'b' expected: '('");
        for text in ["a in (", "=", "a,", "a b", "(((", "a>x", "a in (1", "!", "a==,=="] {
            assert!(parse_labels(text).is_err(), "{text}");
        }
    }
}
