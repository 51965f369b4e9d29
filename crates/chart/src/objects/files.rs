//! `.Files`: the chart's files that are neither templates nor values.

use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;

use template::function::Error;
use template::value::{Kind, Str};
use template::{Map, Object, Param, Value};

use super::capabilities::unknown;
use crate::functions::{base64, last_element, to_yaml};
use crate::glob::Glob;

/// `engine.files`: contents by path inside of the chart. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Files(Rc<BTreeMap<Str, Str>>);

impl FromIterator<(Str, Str)> for Files {
    fn from_iter<I: IntoIterator<Item = (Str, Str)>>(files: I) -> Self {
        Self(Rc::new(files.into_iter().collect()))
    }
}

impl Files {
    fn get(&self, name: &[u8]) -> Str {
        self.0.get(name).cloned().unwrap_or_else(|| Str::from(""))
    }

    /// The files that a pattern matches; a broken pattern matches everything, as in Helm.
    fn glob(&self, pattern: &Str) -> Self {
        let glob = Glob::new(&pattern.to_text()).unwrap_or_else(|_| Glob::everything());
        let matching = self.0.iter().filter(|(name, _)| glob.matches(&name.to_text()));
        matching
            .map(|(name, data)| (name.clone(), data.clone()))
            .collect()
    }

    /// A YAML map by file name without its folders.
    fn as_yaml(&self, content: fn(&Str) -> Value) -> Value {
        let entries = self
            .0
            .iter()
            .map(|(path, data)| (Str::from(last_element(path.as_bytes())), content(data)));
        to_yaml(&Value::Map(entries.collect::<Map>()))
    }

    /// The lines of a file; the last line break ends a line and does not begin one.
    fn lines(&self, name: &[u8]) -> Result<Value, Error> {
        let Some(data) = self.0.get(name) else {
            return Ok(Value::strings::<&[u8]>([]));
        };
        let text = data.as_bytes();
        if text.is_empty() {
            return Err(Error::new("runtime error: index out of range [-1]"));
        }
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        Ok(Value::strings(text.split(|byte| *byte == b'\n')))
    }
}

impl Object for Files {
    fn type_name(&self) -> &str {
        "engine.files"
    }

    fn kind(&self) -> Kind {
        Kind::Map
    }

    /// A map is asked for an entry; a missing one is an empty `[]byte`.
    fn field(&self, name: &str) -> Option<Value> {
        Some(Value::Bytes(self.get(name.as_bytes())))
    }

    fn has_method(&self, name: &str) -> bool {
        matches!(
            name,
            "Get" | "GetBytes" | "Glob" | "AsConfig" | "AsSecrets" | "Lines"
        )
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, Error> {
        match (name, args) {
            ("AsConfig", []) => Ok(self.as_yaml(|data| Value::Str(data.clone()))),
            ("AsSecrets", []) => Ok(self.as_yaml(|data| base64(data.as_bytes()))),
            ("Get", [Value::Str(path)]) => Ok(Value::Str(self.get(path.as_bytes()))),
            ("GetBytes", [Value::Str(path)]) => Ok(Value::Bytes(self.get(path.as_bytes()))),
            ("Glob", [Value::Str(pattern)]) => Ok(Value::Object(Rc::new(self.glob(pattern)))),
            ("Lines", [Value::Str(path)]) => self.lines(path.as_bytes()),
            _ => Err(unknown(name)),
        }
    }

    fn signature(&self, method: &str) -> Option<(&'static [Param], Option<Param>)> {
        Some((
            if method.starts_with("As") {
                &[]
            } else {
                &[Param::Str]
            },
            None,
        ))
    }

    fn display(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"map[");
        for (index, (name, data)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(name.as_bytes());
            let numbers: Vec<String> = data.as_bytes().iter().map(ToString::to_string).collect();
            out.extend_from_slice(format!(":[{}]", numbers.join(" ")).as_bytes());
        }
        out.push(b']');
    }

    /// The encoders print bytes as base64, and `range` walks the entries of this map.
    fn plain(&self) -> Value {
        let entries = self
            .0
            .iter()
            .map(|(name, data)| (name.clone(), Value::Bytes(data.clone())));
        Value::Map(entries.collect())
    }

    fn truth(&self) -> bool {
        !self.0.is_empty()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
