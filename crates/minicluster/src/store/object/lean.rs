//! Parsing an object but for its managed fields: they are a third of its JSON, and control loops never read them.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Parses the JSON of an object; leaves out `metadata.managedFields`.
///
/// # Errors
/// What is no JSON object.
pub(super) fn parse(json: &[u8]) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let object = Fields::OfObject.deserialize(&mut reader)?;
    reader.end()?;
    Ok(object)
}

/// Where in the object a map stands: further down, everything is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fields {
    OfObject,
    OfMetadata,
}

impl<'de> DeserializeSeed<'de> for Fields {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            match (self, name.as_str()) {
                (Self::OfObject, "metadata") => {
                    fields.insert(name, access.next_value_seed(Self::OfMetadata)?);
                }
                (Self::OfMetadata, "managedFields") => {
                    access.next_value::<IgnoredAny>()?;
                }
                _ => {
                    fields.insert(name, access.next_value()?);
                }
            }
        }
        Ok(Value::Object(fields))
    }
}
