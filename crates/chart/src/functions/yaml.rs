//! YAML to and from the values of templates, without a tree between.
//!
//! `fromYaml` and `fromYamlArray` answer an error's text inside the value; `toYaml` answers nothing for what
//! cannot be printed, and `mustToYaml` stops the render.

use std::borrow::Cow;

use template::function::Error;
use template::value::{Kind, Str};
use template::{Call, Function, Map, Param, Value};
use yaml::{Builder, Dialect, Emitter};

use super::args::{Answer, MAX_DEPTH, deeper, error, fixed, string, text};
use super::encode::BASE64;
use super::json::{error_list, error_map};

const ANY: Param = Param::Any;
const STR: Param = Param::Str;

pub(crate) const TABLE: &[Function] = &[
    fixed("fromYaml", &[STR], from_yaml),
    fixed("fromYamlArray", &[STR], from_yaml_array),
    fixed("mustToYaml", &[ANY], |_, args| {
        string(print(&args[0], Dialect::Json)?)
    }),
    fixed("toYaml", &[ANY], |_, args| Ok(to_yaml(&args[0]))),
    fixed("toYamlPretty", &[ANY], |_, args| {
        Ok(print_or_nothing(&args[0], Dialect::Pretty))
    }),
];

/// `.Values.YAML`: all of the document, the last line break too.
pub(super) const METHOD: Function = fixed("YAML", &[Param::Map], |_, args| {
    let mut text = print(&args[0], Dialect::Json)?;
    text.push(b'\n');
    Ok(Value::Str(text.into()))
});

/// `toYaml`: the document without its last line break.
pub(crate) fn to_yaml(value: &Value) -> Value {
    print_or_nothing(value, Dialect::Json)
}

fn print_or_nothing(value: &Value, dialect: Dialect) -> Value {
    print(value, dialect).map_or_else(|_| Value::str(""), |text| Value::Str(text.into()))
}

fn print(value: &Value, dialect: Dialect) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(128);
    let mut emitter = Emitter::new(&mut out, dialect);
    Printer {
        emitter: &mut emitter,
        dialect,
    }
    .value(value, 0)?;
    emitter.finish().map_err(|error| Error::new(error.to_string()))?;
    if out.last() == Some(&b'\n') {
        out.pop();
    }
    Ok(out)
}

struct Printer<'e, 'o> {
    emitter: &'e mut Emitter<'o>,
    dialect: Dialect,
}

impl Printer<'_, '_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            let name = value.type_name();
            return error(format!(
                "error marshaling into JSON: json: unsupported value: encountered a cycle via {name}"
            ));
        }
        match value {
            Value::Nil => self.emitter.null(),
            Value::Bool(yes) => self.emitter.bool(*yes),
            Value::Int(number, template::value::IntKind::Uint64) => self.emitter.uint(number.cast_unsigned()),
            Value::Int(number, _) => self.emitter.int(*number),
            Value::Float(number) => self.emitter.float(*number),
            Value::Str(text) => self.emitter.string(text.as_bytes()),
            Value::Bytes(bytes) => self.emitter.string(&BASE64.encode(bytes.as_bytes())),
            Value::List(list) if list.is_nil() && self.dialect == Dialect::Json => self.emitter.null(),
            Value::List(list) => {
                self.emitter.sequence_start();
                for item in list.iter() {
                    deeper(depth, || self.value(item, depth + 1))?;
                }
                self.emitter.sequence_end();
            }
            Value::Map(map) if map.is_nil() && self.dialect == Dialect::Json => self.emitter.null(),
            Value::Map(map) => self.map(map, depth)?,
            Value::Object(object) => self.value(&object.plain(), depth + 1)?,
        }
        Ok(())
    }

    fn map(&mut self, map: &Map, depth: usize) -> Result<(), Error> {
        let entries = map.borrow();
        let mut pairs: Vec<(&Str, &Value)> = entries.iter().collect();
        yaml::sort_keys(&mut pairs, self.dialect, |(key, _)| key.as_bytes());
        self.emitter.mapping_start();
        for (key, item) in pairs {
            self.emitter.key(key.as_bytes());
            deeper(depth, || self.value(item, depth + 1))?;
        }
        self.emitter.mapping_end();
        Ok(())
    }
}

fn from_yaml(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(match read(text(&args[0])) {
        Ok(Value::Map(map)) => Value::Map(map),
        Ok(Value::Nil) => Value::Map(Map::new()),
        Ok(other) => error_map(&shape(&other, "map[string]interface {}")),
        Err(error) => error_map(&error.to_string()),
    })
}

fn from_yaml_array(_: &mut Call<'_>, args: &[Value]) -> Answer {
    Ok(match read(text(&args[0])) {
        Ok(Value::List(list)) => Value::List(list),
        Ok(Value::Nil) => Value::list(Vec::new()),
        Ok(other) => error_list(&shape(&other, "[]interface {}")),
        Err(error) => error_list(&error.to_string()),
    })
}

/// Reads the first document as templates see values: every number is a float64.
///
/// # Errors
/// In the words of Helm's library.
pub fn read(text: &[u8]) -> Result<Value, yaml::Error> {
    yaml::build(text, &mut Values)
}

fn shape(value: &Value, wanted: &str) -> String {
    let found = match value.kind() {
        Kind::Map => "object",
        Kind::Slice => "array",
        Kind::String => "string",
        Kind::Bool => "bool",
        _ => "number",
    };
    yaml::Error::shape(found, wanted).to_string()
}

struct Values;

#[expect(clippy::cast_precision_loss, reason = "Helm reads every number as float64")]
impl Builder for Values {
    type Node = Value;

    fn null(&mut self) -> Value {
        Value::Nil
    }

    fn bool(&mut self, value: bool) -> Value {
        Value::Bool(value)
    }

    fn int(&mut self, value: i64) -> Value {
        Value::Float(value as f64)
    }

    fn uint(&mut self, value: u64) -> Value {
        Value::Float(value as f64)
    }

    fn float(&mut self, value: f64) -> Value {
        Value::Float(value)
    }

    fn string(&mut self, value: Cow<'_, str>) -> Value {
        Value::str(value.as_bytes())
    }

    fn sequence(&mut self, items: impl ExactSizeIterator<Item = Value>) -> Value {
        Value::list(items.collect())
    }

    fn mapping<'k>(&mut self, entries: impl ExactSizeIterator<Item = (Cow<'k, str>, Value)>) -> Value {
        Value::Map(
            entries
                .map(|(key, value)| (Str::from(key.as_bytes()), value))
                .collect(),
        )
    }
}
