//! A request's body, decoded: JSON or YAML into a `Value`, with the keys that stand twice.
//!
//! Protobuf becomes JSON before anything else sees it, so that no stage knows of it.
//! Depth is bounded by both parsers; the size by whoever reads the body from the network.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::failure::Failure;
use super::{Call, Verb, fields};
use crate::protobuf;

/// What a body holds.
#[derive(Debug, Default)]
pub struct Body {
    pub value: Value,
    /// Paths of fields that stand twice; the last one counts.
    pub duplicates: Vec<String>,
}

impl Body {
    /// The body of a caller in this process: a value has no field twice.
    pub(crate) fn of(given: &Value) -> Self {
        Self {
            value: given.clone(),
            duplicates: Vec::new(),
        }
    }
}

/// Rewrites a protobuf body as JSON; any other stays as it is.
///
/// # Errors
/// 400 for bytes that are no such object, 415 for custom kinds, which have no messages.
pub(crate) fn translate(verb: Verb, call: &mut Call) -> Result<(), Failure> {
    let is_protobuf = fields::media_type(&call.content_type) == protobuf::MEDIA;
    let has_object = match verb {
        Verb::Create | Verb::Update => true,
        Verb::Delete | Verb::DeleteCollection => !call.body.is_empty(),
        Verb::Get | Verb::List | Verb::Watch | Verb::Patch => false,
    };
    if !is_protobuf || !has_object {
        return Ok(());
    }
    let resource = &call.served.resource;
    let subresource = resource.subresource(call.subresource());
    let kind = subresource.map_or(&resource.kind, |one| &one.kind);
    let (api_version, kind) = match verb {
        Verb::Delete | Verb::DeleteCollection => ("v1", "DeleteOptions"),
        _ if call.served.custom.is_some() && subresource.is_none_or(|one| one.name != "scale") => {
            return Err(Failure::unsupported_media(&[
                "application/json",
                "application/yaml",
            ]));
        }
        _ => (&*call.served.api_version, kind.as_str()),
    };
    let object = protobuf::decode(&call.body, (api_version, kind)).map_err(|error| match error.kind {
        Some((api_version, actual)) => {
            let version = api_version.rsplit('/').next().unwrap_or_default();
            Failure::bad_request(format!(
                "{actual} in version \"{version}\" cannot be handled as a {kind}: {}",
                error.cause
            ))
        }
        None => Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): {} ({})",
            error.cause,
            fields::excerpt(&call.body)
        )),
    })?;
    call.body = object.to_string().into_bytes().into();
    "application/json".clone_into(&mut call.content_type);
    Ok(())
}

/// # Errors
/// The words of Go's JSON decoder, as far as they are predictable.
pub fn json(bytes: &[u8]) -> Result<Body, String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("unexpected end of JSON input".to_owned());
    }
    let mut duplicates = BTreeSet::new();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed {
        path: String::new(),
        duplicates: &mut duplicates,
    };
    let value = seed
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| go_error(&error, bytes))?;
    Ok(Body {
        value,
        duplicates: duplicates.into_iter().collect(),
    })
}

/// # Errors
/// The words of Go's YAML library.
pub fn yaml(bytes: &[u8]) -> Result<Body, String> {
    let mut builder = Builder;
    let value = yaml::build(bytes, &mut builder).map_err(|error| error.to_string())?;
    Ok(Body {
        value,
        duplicates: Vec::new(),
    })
}

fn go_error(error: &serde_json::Error, bytes: &[u8]) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let line = bytes
        .split(|byte| *byte == b'\n')
        .nth(error.line().saturating_sub(1));
    let found = line.and_then(|line| line.get(error.column().saturating_sub(1)));
    match found {
        Some(byte) if error.is_syntax() => {
            format!(
                "invalid character '{}' looking for beginning of value",
                char::from(*byte)
            )
        }
        _ => error.to_string(),
    }
}

struct Seed<'a> {
    path: String,
    duplicates: &'a mut BTreeSet<String>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number that is none"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        loop {
            let seed = Seed {
                path: format!("{}[{}]", self.path, all.len()),
                duplicates: &mut *self.duplicates,
            };
            match items.next_element_seed(seed)? {
                Some(item) => all.push(item),
                None => return Ok(Value::Array(all)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let path = if self.path.is_empty() {
                key.clone()
            } else {
                format!("{}.{key}", self.path)
            };
            if all.contains_key(&key) && self.duplicates.len() < 100 {
                self.duplicates.insert(path.clone());
            }
            let seed = Seed {
                path,
                duplicates: &mut *self.duplicates,
            };
            let value = entries.next_value_seed(seed)?;
            all.insert(key, value);
        }
        Ok(Value::Object(all))
    }
}

struct Builder;

impl yaml::Builder for Builder {
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
        Number::from_f64(value).map_or(Value::Null, Value::Number)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_stand_twice_are_reported() {
        let body = json(br#"{"a":{"b":1,"b":2},"l":[{"c":1,"c":1}]}"#).unwrap();
        assert_eq!(body.duplicates, ["a.b", "l[0].c"]);
        assert_eq!(body.value["a"]["b"], 2);
    }

    #[test]
    fn what_is_no_json_is_refused_in_gos_words() {
        assert_eq!(json(b"").unwrap_err(), "unexpected end of JSON input");
        assert_eq!(json(b"{\"a\": ").unwrap_err(), "unexpected end of JSON input");
        assert!(json(&b"[".repeat(100_000)).is_err());
        assert!(json(b"{\"a\":\xff}").is_err());
    }
}
