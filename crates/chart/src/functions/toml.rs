//! TOML as `github.com/BurntSushi/toml` prints and reads it.
//!
//! `toToml` answers an error's text, and `fromToml` puts it under the key `Error`.

mod read;
mod scalar;
mod tables;
mod write;

use template::{Call, Function, Param, Value};

use super::args::{Answer, error, fixed, string, text};
use super::json::error_map;

pub(crate) const TABLE: &[Function] = &[
    fixed("fromToml", &[Param::Str], from_toml),
    fixed("toToml", &[Param::Any], to_toml),
];

fn to_toml(_: &mut Call<'_>, args: &[Value]) -> Answer {
    if args[0].is_nil() {
        return error("reflect: call of reflect.Value.Type on zero Value");
    }
    match write::document(&args[0]) {
        Ok(text) => string(text),
        Err(message) => Ok(Value::str(message)),
    }
}

fn from_toml(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(read::document(text(&args[0])).unwrap_or_else(|message| error_map(&message)))
}
