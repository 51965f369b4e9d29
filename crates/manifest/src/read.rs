//! Reads the text of a release's manifest into objects.
//!
//! ```text
//! text ──"---"──► documents ──# Source:, YAML──► values ──List──► objects
//! ```
//!
//! What it reads was written by a template engine, by Helm into a record, or by a person's post-renderer, so every
//! fault names the document and its template. Deliberately not here: the order of installation, defaults, and
//! whether the cluster knows the kinds.

use std::borrow::Cow;
use std::fmt;

use model::{Code, Diagnose};
use objects::meta;
use serde_json::{Number, Value, json};

use crate::object::Object;

/// Where a document of a manifest is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The template of the nearest `# Source:` before it; empty when there is none.
    pub source: String,
    /// Counted from one, those that hold nothing included.
    pub document: usize,
}

/// An object with the text it was read from.
#[derive(Clone, Debug)]
pub struct Placed<'t> {
    pub object: Object,
    document: &'t str,
    /// Lines of the manifest before the document's first.
    before: usize,
    /// The way from the document to the object: empty, or into a list.
    within: Vec<String>,
}

/// Why a manifest can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{place} is not YAML")]
    Yaml { place: Place, source: yaml::Error },

    #[error("{place} is {found} where a Kubernetes object is expected")]
    Shape { place: Place, found: &'static str },

    #[error("{place} has an object without {field}{of}")]
    Missing {
        place: Place,
        field: &'static str,
        /// ` (Deployment web)`, as far as it is known.
        of: String,
    },
}

/// Reads the objects of a manifest in its order. Lists are taken apart; documents that hold nothing are passed over.
///
/// # Errors
/// The first document that is not YAML or not an object with `apiVersion`, `kind` and a name.
pub fn read(text: &str) -> Result<Vec<Object>, Error> {
    Ok(read_placed(text)?
        .into_iter()
        .map(|placed| placed.object)
        .collect())
}

/// Reads the objects of a manifest, each with where it stands in the text.
///
/// # Errors
/// Those of [`read`].
pub fn read_placed(text: &str) -> Result<Vec<Placed<'_>>, Error> {
    let mut objects = Vec::new();
    let (mut before, mut counted) = (0, 0);
    for (at, document) in documents(text).into_iter().enumerate() {
        let start = document.as_ptr().addr() - text.as_ptr().addr();
        before += text[counted..start].matches('\n').count();
        counted = start;
        let place = Place {
            source: source_of(document).to_owned(),
            document: at + 1,
        };
        match yaml::build(document.as_bytes(), &mut Values) {
            Ok(value) => {
                let mut found = Vec::new();
                push(&mut found, value, (&place, &mut Vec::new()))?;
                objects.extend(found.into_iter().map(|(object, within)| Placed {
                    object,
                    document,
                    before,
                    within,
                }));
            }
            Err(source) => return Err(Error::Yaml { place, source }),
        }
    }
    Ok(objects)
}

/// Reads one YAML document as a value, whatever it holds.
///
/// # Errors
/// When it is not YAML.
pub fn read_value(text: &str) -> Result<Value, yaml::Error> {
    yaml::build(text.as_bytes(), &mut Values)
}

/// The documents of a text. A line that begins with three dashes separates, whatever follows them on the line: Helm
/// has it so, and that line's rest belongs to the next document.
fn documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let (mut start, mut line_start) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") {
            documents.push(&text[start..line_start]);
            start = line_start + "---".len();
        }
        line_start += line.len();
    }
    documents.push(&text[start..]);
    // What stands before the first separator is a document only if there is something.
    if documents.first().is_some_and(|first| first.trim().is_empty()) {
        documents.remove(0);
    }
    documents
}

/// The template that Helm notes in a comment before the document.
fn source_of(document: &str) -> &str {
    let lines = document.lines().map(str::trim);
    let comments = lines.take_while(|line| line.is_empty() || line.starts_with('#'));
    let sources = comments.filter_map(|line| line.strip_prefix("# Source:"));
    sources.last().map_or("", str::trim)
}

/// Adds the object that a value is, or the objects of a list. Lists of lists end with the nesting that the YAML
/// reader allows.
fn push(
    objects: &mut Vec<(Object, Vec<String>)>,
    value: Value,
    (place, within): (&Place, &mut Vec<String>),
) -> Result<(), Error> {
    let found = match &value {
        Value::Null => return Ok(()),
        Value::Object(_) => "",
        Value::Array(_) => "a sequence",
        Value::String(_) => "a text",
        Value::Number(_) => "a number",
        Value::Bool(_) => "a truth value",
    };
    if !found.is_empty() {
        let place = place.clone();
        return Err(Error::Shape { place, found });
    }
    if let Some(kind) = meta::text(&value, "kind").strip_suffix("List")
        && value["items"].is_array()
    {
        let (kind, version) = (kind.to_owned(), meta::text(&value, "apiVersion").to_owned());
        return push_items(objects, value, (&kind, &version), (place, within));
    }
    if let Some(field) = missing(&value) {
        return Err(Error::Missing {
            place: place.clone(),
            field,
            of: known(&value),
        });
    }
    objects.push((Object::new(value, &place.source), within.clone()));
    Ok(())
}

/// Adds the items of a list. Those of a list of one kind need not repeat it.
fn push_items(
    objects: &mut Vec<(Object, Vec<String>)>,
    mut list: Value,
    (kind, version): (&str, &str),
    (place, within): (&Place, &mut Vec<String>),
) -> Result<(), Error> {
    let Value::Array(items) = list["items"].take() else {
        return Ok(());
    };
    for (index, mut item) in items.into_iter().enumerate() {
        if !kind.is_empty() && item.is_object() {
            for (field, implied) in [("kind", kind), ("apiVersion", version)] {
                if meta::text(&item, field).is_empty() {
                    item[field] = json!(implied);
                }
            }
        }
        within.extend(["items".to_owned(), index.to_string()]);
        push(objects, item, (place, within))?;
        within.truncate(within.len() - 2);
    }
    Ok(())
}

fn missing(object: &Value) -> Option<&'static str> {
    let named = ["name", "generateName"].iter().any(|field| {
        object["metadata"][*field]
            .as_str()
            .is_some_and(|name| !name.is_empty())
    });
    let fields = [
        ("apiVersion", !meta::text(object, "apiVersion").is_empty()),
        ("kind", !meta::text(object, "kind").is_empty()),
        ("metadata.name", named),
    ];
    fields.iter().find(|(_, given)| !given).map(|(field, _)| *field)
}

fn known(object: &Value) -> String {
    let (kind, name) = (meta::text(object, "kind"), meta::name(object));
    match (kind, name) {
        ("", "") => String::new(),
        ("", one) | (one, "") => format!(" ({one})"),
        _ => format!(" ({kind} {name})"),
    }
}

/// Builds JSON values as Helm's library does: a whole float is an integer, as Go prints it so.
struct Values;

impl yaml::Builder for Values {
    type Node = Value;

    fn null(&mut self) -> Value {
        Value::Null
    }

    fn bool(&mut self, value: bool) -> Value {
        Value::Bool(value)
    }

    fn int(&mut self, value: i64) -> Value {
        Value::from(value)
    }

    fn uint(&mut self, value: u64) -> Value {
        Value::from(value)
    }

    fn float(&mut self, value: f64) -> Value {
        if !value.is_finite() {
            return Value::Null;
        }
        yaml::json_float(value)
            .parse::<Number>()
            .map_or(Value::Null, Value::Number)
    }

    fn string(&mut self, value: Cow<'_, str>) -> Value {
        Value::String(value.into_owned())
    }

    fn sequence(&mut self, items: impl ExactSizeIterator<Item = Value>) -> Value {
        Value::Array(items.collect())
    }

    fn mapping<'k>(&mut self, entries: impl ExactSizeIterator<Item = (Cow<'k, str>, Value)>) -> Value {
        Value::Object(entries.map(|(key, value)| (key.into_owned(), value)).collect())
    }
}

impl Placed<'_> {
    /// The line of the manifest, from one, of each of some parts of the object, or of what holds it where it is not
    /// written. A path is names of fields, and indices as text.
    #[must_use]
    pub fn lines<'p>(&self, paths: impl IntoIterator<Item = &'p [String]>) -> Vec<usize> {
        let lines = yaml::Lines::of(self.document);
        let line = |path: &[String]| lines.line(self.within.iter().chain(path).map(String::as_str));
        let paths = paths.into_iter();
        paths.map(|path| self.before + line(path)).collect()
    }
}

impl Error {
    /// The document with the fault.
    #[must_use]
    pub fn place(&self) -> &Place {
        match self {
            Self::Yaml { place, .. } | Self::Shape { place, .. } | Self::Missing { place, .. } => place,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "document {} of the manifest", self.document)?;
        match self.source.as_str() {
            "" => Ok(()),
            source => write!(f, ", from {source},"),
        }
    }
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        Code::MANIFEST
    }

    fn hint(&self) -> Option<String> {
        let place = self.place();
        let text = match place.source.as_str() {
            "" => "look at the text that the post-renderer or the record gives".to_owned(),
            source => {
                let (_, file) = source.split_once('/').unwrap_or(("", source));
                format!("see what the template gives: `shipway template CHART --show-only {file}`")
            }
        };
        Some(match self {
            Self::Missing { field, .. } => format!("give the object its {field}; {text}"),
            Self::Yaml { .. } | Self::Shape { .. } => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let objects = read(text).unwrap();
        let found: Vec<(String, &str)> = objects
            .iter()
            .map(|object| (object.key.to_string(), object.source.as_str()))
            .collect();
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(key, source)| (key.as_str(), *source))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    fn refused(text: &str) -> String {
        let error = read(text).unwrap_err();
        assert_eq!(error.code(), Code::MANIFEST);
        format!("{error}; {}", error.hint().unwrap())
    }

    #[test]
    fn every_document_is_an_object_with_its_template() {
        check(
            "---\n# Source: c/templates/a.yaml\napiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: ns}\n\
             ---\n# Source: c/templates/b.yaml\n# about b\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b}\n",
            &[
                ("Secret ns/a", "c/templates/a.yaml"),
                ("Deployment.apps b", "c/templates/b.yaml"),
            ],
        );
        check(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---kind: Pod\napiVersion: v1\nmetadata: {name: b}",
            &[("ConfigMap a", ""), ("Pod b", "")],
        );
    }

    #[test]
    fn documents_that_hold_nothing_are_passed_over() {
        check("", &[]);
        check(
            "---\n# Source: c/templates/a.yaml\n# nothing here\n---\n\n---\nnull\n",
            &[],
        );
    }

    #[test]
    fn lists_are_taken_apart() {
        check(
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n\
             - apiVersion: v1\n  kind: List\n  items: [{apiVersion: v1, kind: Pod, metadata: {name: b}}]\n",
            &[("Pod a", ""), ("Pod b", "")],
        );
        check(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleList\nitems: [{metadata: {name: a}}]\n",
            &[("Role.rbac.authorization.k8s.io a", "")],
        );
    }

    #[test]
    fn parts_have_the_lines_of_the_manifest() {
        let text = "---\n# Source: c/a.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostPID: true\n\
                    ---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: b\n";
        let placed = read_placed(text).unwrap();
        let path = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
        let [spec, name] = [path("spec.hostPID"), path("metadata.name")];
        assert_eq!(placed[0].lines([spec.as_slice(), &name]), [7, 5]);
        assert_eq!(placed[1].lines([spec.as_slice(), &name]), [12, 15]);
    }

    #[test]
    fn numbers_keep_their_meaning() {
        let objects = read(
            "apiVersion: v1\nkind: X\nmetadata: {generateName: a-}\nv: [1, 1.0, 1.5, 18446744073709551615]",
        )
        .unwrap();
        assert_eq!(
            objects[0].value["v"],
            json!([1, 1, 1.5, 18_446_744_073_709_551_615_u64])
        );
    }

    #[test]
    fn faults_name_the_document_and_its_template() {
        assert_eq!(
            refused("---\n# Source: c/templates/a.yaml\nkind: [\n"),
            "document 1 of the manifest, from c/templates/a.yaml, is not YAML; see what the template gives: \
             `shipway template CHART --show-only templates/a.yaml`"
        );
        assert_eq!(
            refused("# x\n---\n- a\n"),
            "document 2 of the manifest is a sequence where a Kubernetes object is expected; look at the text that \
             the post-renderer or the record gives"
        );
        assert_eq!(
            refused("kind: Pod\nmetadata: {name: a}"),
            "document 1 of the manifest has an object without apiVersion (Pod a); give the object its apiVersion; \
             look at the text that the post-renderer or the record gives"
        );
        assert!(refused("apiVersion: v1\nmetadata: {name: a}").contains("without kind (a)"));
        assert!(refused("apiVersion: v1\nkind: Pod\nmetadata: 3").contains("without metadata.name (Pod)"));
    }
}
