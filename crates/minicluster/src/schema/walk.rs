//! Decoding as the real server does it: which fields are unknown, and which value has the wrong JSON type.
//!
//! The server decodes into Go structs. Unknown fields are all reported, with indices (`spec.containers[0].foo`);
//! of wrong types only the first is, by the innermost struct and the fields above it, without indices. Duplicate
//! keys are the parser's to find. Nothing is changed here: see `prune`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::types::{Kind, Scalar, TypeRef};
use super::{go_types, values};

/// The deepest nesting of a value that is followed: deeper than the JSON parser lets through (128), so that only
/// values made by patches reach it. At 250 bytes a level the stack stays far from its end.
pub(super) const DEPTH_MAX: usize = 256;

/// The number of unknown fields reported; the real server stops collecting there too.
const UNKNOWN_MAX: usize = 100;

/// What decoding an object finds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Paths of fields that the type does not have, in the order of the object.
    pub unknown: Vec<String>,
    /// What the real server says of the first value of a wrong type, such as
    /// `json: cannot unmarshal number into Go struct field ConfigMap.data of type string`.
    pub error: Option<String>,
}

/// Ends the walk: a mistake that hides every other.
struct Stop(String);

struct Walker {
    path: String,
    /// Field names from the root down, without indices and map keys.
    fields: Vec<String>,
    found: Walked,
    seen: BTreeSet<String>,
}

/// The innermost struct around a value, and the value's field in it.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    definition: &'a str,
    field: &'a str,
}

/// Walks an object of a kind.
#[must_use]
pub fn walk(ty: TypeRef<'_>, object: &Value) -> Walked {
    let mut walker = Walker {
        path: String::new(),
        fields: Vec::new(),
        found: Walked::default(),
        seen: BTreeSet::new(),
    };
    if let Err(Stop(error)) = walker.value(ty, object, Place::default(), 0) {
        walker.found.error = Some(error);
    }
    walker.found
}

impl Walker {
    fn value(&mut self, ty: TypeRef<'_>, value: &Value, place: Place<'_>, depth: usize) -> Result<(), Stop> {
        if depth > DEPTH_MAX {
            return Err(Stop("exceeded max depth".to_owned()));
        }
        match (ty.kind(), value) {
            (Kind::Untyped, _) | (_, Value::Null) => Ok(()),
            (Kind::Scalar(scalar), _) => self.scalar(ty, scalar, value, place),
            (Kind::Struct { .. }, Value::Object(map)) => map
                .iter()
                .try_for_each(|(name, value)| self.field(ty, name, value, depth)),
            (Kind::Map { .. }, Value::Object(map)) => map
                .iter()
                .try_for_each(|(key, value)| self.entry(ty, key, value, (place, depth))),
            (Kind::List(_), Value::Array(list)) => {
                let indexed = list.iter().enumerate();
                let mut indexed = indexed.filter_map(|(at, value)| Some((at, value, ty.element()?)));
                indexed.try_for_each(|(at, value, element)| {
                    let end = self.path.len();
                    write!(self.path, "[{at}]").expect("writing to a string");
                    self.value(element, value, Place { field: "", ..place }, depth + 1)?;
                    self.path.truncate(end);
                    Ok(())
                })
            }
            // RawExtension and FieldsV1 keep whatever bytes there are.
            (Kind::Map { .. }, _)
                if ty
                    .element()
                    .is_some_and(|element| element.kind() == Kind::Untyped) =>
            {
                Ok(())
            }
            _ => {
                self.save(
                    &described(value, false),
                    &go_types::name(place.definition, place.field, ty),
                    place,
                );
                Ok(())
            }
        }
    }

    fn field(&mut self, ty: TypeRef<'_>, name: &str, value: &Value, depth: usize) -> Result<(), Stop> {
        let end = self.enter(name);
        match ty.field(name) {
            Some(field) => {
                self.fields.push(name.to_owned());
                let definition = ty.definition_name();
                self.value(
                    field,
                    value,
                    Place {
                        definition,
                        field: name,
                    },
                    depth + 1,
                )?;
                self.fields.pop();
            }
            None => self.unknown(),
        }
        self.path.truncate(end);
        Ok(())
    }

    fn entry(
        &mut self,
        ty: TypeRef<'_>,
        key: &str,
        value: &Value,
        (place, depth): (Place<'_>, usize),
    ) -> Result<(), Stop> {
        let Some(element) = ty.element() else {
            return Ok(());
        };
        let end = self.enter(key);
        self.value(element, value, Place { field: "", ..place }, depth + 1)?;
        self.path.truncate(end);
        Ok(())
    }

    /// Appends a name to the path; gives the length to truncate it to afterwards.
    fn enter(&mut self, name: &str) -> usize {
        let end = self.path.len();
        if end > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        end
    }

    fn unknown(&mut self) {
        if self.found.unknown.len() < UNKNOWN_MAX && self.seen.insert(self.path.clone()) {
            self.found.unknown.push(self.path.clone());
        }
    }

    fn scalar(
        &mut self,
        ty: TypeRef<'_>,
        scalar: Scalar,
        value: &Value,
        place: Place<'_>,
    ) -> Result<(), Stop> {
        let integer = |ty: TypeRef<'_>| match ty.format() {
            "int64" => value.is_i64(),
            _ => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        };
        let fits = match scalar {
            Scalar::String => value.is_string(),
            Scalar::Integer => integer(ty),
            Scalar::Number => value.is_number(),
            Scalar::Boolean => value.is_boolean(),
            Scalar::IntOrString => value.is_string() || integer(ty),
            Scalar::Quantity => value.is_string() || value.is_number(),
        };
        if fits {
            return values::check(ty, scalar, value).map_err(Stop);
        }
        let decodes_itself = ty.format() == "date-time" || scalar == Scalar::IntOrString;
        let to_integer = matches!(scalar, Scalar::Integer | Scalar::IntOrString);
        let name = match scalar {
            _ if ty.format() == "date-time" => "string".to_owned(),
            Scalar::IntOrString => "int32".to_owned(),
            _ => go_types::name(place.definition, place.field, ty),
        };
        if scalar == Scalar::Quantity {
            return values::check(ty, scalar, &Value::String("not a quantity".to_owned())).map_err(Stop);
        }
        let described = described(value, to_integer);
        if decodes_itself {
            return Err(Stop(self.error(&described, &name, place)));
        }
        self.save(&described, &name, place);
        Ok(())
    }

    fn save(&mut self, value: &str, name: &str, place: Place<'_>) {
        if self.found.error.is_none() {
            self.found.error = Some(self.error(value, name, place));
        }
    }

    fn error(&self, value: &str, name: &str, place: Place<'_>) -> String {
        let owner = place.definition.rsplit('.').next().unwrap_or_default();
        match self.fields.is_empty() {
            true => format!("json: cannot unmarshal {value} into Go value of type {name}"),
            false => {
                let fields = self.fields.join(".");
                format!("json: cannot unmarshal {value} into Go struct field {owner}.{fields} of type {name}")
            }
        }
    }
}

fn described(value: &Value, to_integer: bool) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if to_integer => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Table;
    use super::*;

    fn check(group_version_kind: [&str; 3], object: &Value, expected: (&[&str], Option<&str>)) {
        let [group, version, kind] = group_version_kind;
        let ty = Table::get().kind(group, version, kind).expect(kind);
        let walked = walk(ty, object);
        assert_eq!(
            (walked.unknown, walked.error.as_deref()),
            (expected.0.iter().map(ToString::to_string).collect(), expected.1)
        );
    }

    const CONFIG_MAP: [&str; 3] = ["", "v1", "ConfigMap"];
    const DEPLOYMENT: [&str; 3] = ["apps", "v1", "Deployment"];

    #[test]
    fn unknown_fields_are_named_by_path_and_index() {
        check(
            CONFIG_MAP,
            &json!({"kind": "ConfigMap", "metadata": {"name": "s", "foo": 1}}),
            (&["metadata.foo"], None),
        );
        check(CONFIG_MAP, &json!({"dta": {}}), (&["dta"], None));
        let containers = json!([{"name": "a"}, {"name": "b", "nope": 1, "env": [{"nam": "x"}]}]);
        let object = json!({"spec": {"template": {"spec": {"containers": containers}}}});
        let at = "spec.template.spec.containers[1]";
        check(
            DEPLOYMENT,
            &object,
            (&[&format!("{at}.env[0].nam"), &format!("{at}.nope")], None),
        );
        check(
            DEPLOYMENT,
            &json!({"metadata": {"labels": {"any": "x"}}}),
            (&[], None),
        );
    }

    #[test]
    fn a_wrong_type_names_the_innermost_struct_and_the_fields_above() {
        let said = |what: &str| format!("json: cannot unmarshal {what}");
        let check = |gvk, object: Value, what: &str| check(gvk, &object, (&[], Some(&said(what))));
        check(
            CONFIG_MAP,
            json!({"data": {"a": 1}}),
            "number into Go struct field ConfigMap.data of type string",
        );
        check(
            CONFIG_MAP,
            json!({"data": []}),
            "array into Go struct field ConfigMap.data of type map[string]string",
        );
        check(CONFIG_MAP, json!([]), "array into Go value of type v1.ConfigMap");
        let spec = "Go struct field DeploymentSpec.spec";
        check(
            DEPLOYMENT,
            json!({"spec": {"replicas": "2"}}),
            &format!("string into {spec}.replicas of type int32"),
        );
        check(
            DEPLOYMENT,
            json!({"spec": {"replicas": 1.5}}),
            &format!("number 1.5 into {spec}.replicas of type int32"),
        );
        let pod = |spec: Value| json!({"spec": {"template": {"spec": spec}}});
        check(
            DEPLOYMENT,
            pod(json!({"containers": [{"name": "a", "env": [{"name": "A", "value": 1}]}]})),
            "number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string",
        );
        check(
            DEPLOYMENT,
            pod(json!({"containers": {}})),
            "object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
        );
    }

    #[test]
    fn a_quantity_or_time_that_does_not_parse_stands_alone() {
        let limits = json!({"spec": {"replicas": "x", "template": {"spec": {"containers": [
            {"name": "a", "resources": {"limits": {"cpu": "much"}}}]}}}});
        let expected =
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
        check(DEPLOYMENT, &limits, (&[], Some(expected)));
    }

    #[test]
    fn nesting_beyond_the_bound_is_an_error() {
        let mut schema = json!({"type": "object"});
        for _ in 0..200 {
            schema = json!({"properties": {"a": schema}});
        }
        let object = json!({"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}});
        let crd = ["apiextensions.k8s.io", "v1", "CustomResourceDefinition"];
        check(crd, &object, (&[], Some("exceeded max depth")));
    }
}
