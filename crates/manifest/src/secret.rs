//! The contents of Secrets: as the server keeps them, and without showing them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use objects::{Kind, meta};
use serde_json::{Map, Value};

/// Whether an object is a Secret.
pub(crate) fn is_secret(object: &Value) -> bool {
    Kind::of(object) == Kind::SECRET
}

/// An object with the `stringData` of a Secret in its `data`, as the server stores it.
pub(crate) fn folded(object: &Value) -> Cow<'_, Value> {
    let texts = object.get("stringData").and_then(Value::as_object);
    let Some(texts) = texts.filter(|_| is_secret(object)) else {
        return Cow::Borrowed(object);
    };
    let encoded: Map<String, Value> = texts
        .iter()
        .map(|(key, text)| {
            let data = text
                .as_str()
                .map_or(Value::Null, |text| STANDARD.encode(text).into());
            (key.clone(), data)
        })
        .collect();
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("stringData");
    }
    meta::map_mut(&mut object, &["data"]).extend(encoded);
    Cow::Owned(object)
}

/// How many bytes a value of `data` holds; what is not base64 counts as it is written.
pub(crate) fn size(value: &Value) -> usize {
    let text = value.as_str().unwrap_or_default();
    STANDARD.decode(text).map_or(text.len(), |bytes| bytes.len())
}
