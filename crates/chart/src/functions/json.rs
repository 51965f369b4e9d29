//! JSON as Go's `encoding/json` reads and prints it.
//!
//! ```text
//! text ──read──► Value ──write──► text
//! ```
//!
//! `fromJson` and `fromJsonArray` answer an error's text inside the value; the functions that begin with `must`
//! stop the render.

mod read;
mod write;

use template::value::{Elem, Kind};
use template::{Call, Function, List, Map, Param, Value};

use super::args::{Answer, error, fixed, string, text};
pub(crate) use read::{Decoded, decode};
pub(crate) use write::{Style, write};

const ANY: Param = Param::Any;
const STR: Param = Param::Str;

pub(crate) const TABLE: &[Function] = &[
    fixed("fromJson", &[STR], from_json),
    fixed("fromJsonArray", &[STR], from_json_array),
    fixed("mustFromJson", &[STR], must_from_json),
    fixed("mustToJson", &[ANY], |_, args| printed(&args[0], Style::Compact)),
    fixed("mustToPrettyJson", &[ANY], |_, args| {
        printed(&args[0], Style::Pretty)
    }),
    fixed("mustToRawJson", &[ANY], |_, args| printed(&args[0], Style::Raw)),
    fixed("toJson", &[ANY], |_, args| {
        printed_or_nothing(&args[0], Style::Compact)
    }),
    fixed("toPrettyJson", &[ANY], |_, args| {
        printed_or_nothing(&args[0], Style::Pretty)
    }),
    fixed("toRawJson", &[ANY], |_, args| {
        printed_or_nothing(&args[0], Style::Raw)
    }),
];

fn printed(value: &Value, style: Style) -> Answer {
    let mut out = Vec::with_capacity(64);
    write(&mut out, value, style)?;
    string(out)
}

fn printed_or_nothing(value: &Value, style: Style) -> Answer {
    Ok(printed(value, style).unwrap_or_else(|_| Value::str("")))
}

fn must_from_json(_: &mut Call<'_>, args: &[Value]) -> Answer {
    match decode(text(&args[0])) {
        Ok(Decoded {
            value,
            complaint: None,
        }) => Ok(value),
        Ok(Decoded {
            complaint: Some(message),
            ..
        })
        | Err(message) => error(message),
    }
}

fn from_json(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(match decode(text(&args[0])) {
        Ok(Decoded {
            value: Value::Map(map),
            complaint,
        }) => {
            if let Some(message) = complaint {
                map.set("Error", Value::str(message));
            }
            Value::Map(map)
        }
        Ok(Decoded {
            value: Value::Nil,
            complaint: None,
        }) => Value::Map(Map::nil()),
        Ok(decoded) => error_map(
            &decoded
                .complaint
                .unwrap_or_else(|| mismatch(&decoded.value, "map[string]interface {}")),
        ),
        Err(message) => error_map(&message),
    })
}

fn from_json_array(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(match decode(text(&args[0])) {
        Ok(Decoded {
            value: Value::List(list),
            complaint: None,
        }) => Value::List(list),
        Ok(Decoded {
            value: Value::Nil,
            complaint: None,
        }) => Value::List(List::nil(Elem::Any)),
        Ok(decoded) => error_list(
            &decoded
                .complaint
                .unwrap_or_else(|| mismatch(&decoded.value, "[]interface {}")),
        ),
        Err(message) => error_list(&message),
    })
}

/// How Helm hands a decoder's error to the chart.
pub(crate) fn error_map(message: &str) -> Value {
    Value::Map([("Error".into(), Value::str(message))].into_iter().collect())
}

pub(crate) fn error_list(message: &str) -> Value {
    Value::list(vec![Value::str(message)])
}

/// What the decoder says of a document of another type than it was asked for.
pub(crate) fn mismatch(value: &Value, wanted: &str) -> String {
    let found = match value.kind() {
        Kind::Map => "object",
        Kind::Slice => "array",
        Kind::String => "string",
        Kind::Bool => "bool",
        _ => "number",
    };
    format!("json: cannot unmarshal {found} into Go value of type {wanted}")
}
