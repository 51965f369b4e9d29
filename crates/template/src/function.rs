//! How a function is declared to the language: its name, its Go parameter types and its body.
//!
//! The executor checks the number of arguments and converts each to its [`Param`] before the body runs, and
//! reports a mismatch in Go's words, so a body only sees what its Go twin would see.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;

use crate::builtin;
use crate::error::ExecError;
use crate::value::{Elem, IntKind, List, Map, MapKind, Value};

/// The Go type a parameter is declared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// `interface{}` (and `reflect.Value`): anything, nil included.
    Any,
    Bool,
    /// `string`
    Str,
    /// `int`; other integer kinds are refused as Go's reflection refuses them, constants convert.
    Int,
    /// `int64`
    Int64,
    /// `float64`
    Float,
    /// `[]interface{}`
    List,
    /// `map[string]interface{}`; named map types convert.
    Map,
    /// A host type, by Go's name of it.
    Object(&'static str),
}

/// One function of the table.
#[derive(Clone, Copy)]
pub struct Function {
    pub name: &'static str,
    /// Fixed parameters, then the element type of `variadic`, if there is one.
    pub params: &'static [Param],
    pub variadic: Option<Param>,
    pub body: fn(&mut Call<'_>, &[Value]) -> Result<Value, Error>,
}

/// What a running function may reach beside its arguments.
#[derive(Debug)]
pub struct Call<'a> {
    /// The executor, for functions that run templates (`include`, `tpl`).
    pub run: &'a mut dyn Run,
    /// The host's own state, for `lookup`, clocks and randomness; the table's author knows its type.
    pub host: &'a dyn Any,
}

/// Running templates by name from inside a function.
pub trait Run: std::fmt::Debug {
    /// Executes the named template with `dot` and returns what it printed.
    fn execute(&mut self, name: &str, dot: Value) -> Result<Vec<u8>, Error>;

    /// Parses `source` as a template called `name` that sees every named template, executes it with `dot`
    /// and forgets it again: what it defines is not visible outside. This is what `tpl` needs.
    fn execute_source(&mut self, name: &str, source: &[u8], dot: Value) -> Result<Vec<u8>, Error>;
}

/// Why a function failed, in the words Go's twin would use.
///
/// A template that a function ran may have failed inside: that error is kept whole behind the message, so that
/// its position and its stack are not lost. `Display` prints both; a function that adds words to an inner error
/// uses [`Error::context`] rather than formatting it into a new one.
pub struct Error {
    /// What the function itself says; empty where it only passes on what a template said.
    pub message: String,
    pub(crate) inner: Option<Box<ExecError>>,
    is_parse: bool,
}

/// Every function that templates may call, those of the language included.
#[derive(Debug)]
pub struct Functions {
    entries: Vec<Entry>,
    by_name: HashMap<&'static str, u32>,
    /// The methods of [`MapKind::Values`], the receiver being the first argument.
    methods: Vec<Function>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) function: Function,
    pub(crate) special: Special,
}

/// Functions whose calls the executor treats in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    None,
    /// Evaluates arguments up to the first false one.
    And,
    /// Evaluates arguments up to the first true one.
    Or,
    /// Says the name of what it was asked to call.
    Call,
    /// Tells nothing at all from a nil that is an element.
    Len,
}

impl Functions {
    /// The table of the language with `functions` added; a function of the same name replaces the language's.
    pub fn new(functions: impl IntoIterator<Item = Function>) -> Self {
        let builtins = builtin::TABLE.iter().map(|function| {
            let special = match function.name {
                "and" => Special::And,
                "or" => Special::Or,
                "call" => Special::Call,
                "len" => Special::Len,
                _ => Special::None,
            };
            Entry {
                function: *function,
                special,
            }
        });
        let given = functions.into_iter().map(|function| Entry {
            function,
            special: Special::None,
        });
        let mut table = Self {
            entries: Vec::new(),
            by_name: HashMap::new(),
            methods: builtin::METHODS.to_vec(),
        };
        for entry in builtins.chain(given) {
            let at = table.entries.len() as u32;
            table.entries.push(entry);
            table.by_name.insert(entry.function.name, at);
        }
        table
    }

    /// Adds methods to maps seen as [`MapKind::Values`]; the receiver is their first argument.
    #[must_use]
    pub fn with_methods(mut self, methods: impl IntoIterator<Item = Function>) -> Self {
        self.methods.extend(methods);
        self
    }

    pub(crate) fn method(&self, name: &str) -> Option<Function> {
        self.methods.iter().find(|method| method.name == name).copied()
    }

    pub fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.by_name.keys().copied()
    }

    pub(crate) fn entry_of(&self, name: &[u8]) -> Option<u32> {
        self.by_name.get(std::str::from_utf8(name).ok()?).copied()
    }

    pub(crate) fn entry(&self, at: u32) -> Entry {
        self.entries[at as usize]
    }
}

impl Param {
    /// Go's name of the type.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Bool => "bool",
            Self::Str => "string",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Float => "float64",
            Self::List => "[]interface {}",
            Self::Map => "map[string]interface {}",
            Self::Object(name) => name,
        }
    }

    /// What a nil becomes as an argument, or `None` where Go refuses it.
    pub(crate) fn zero(self) -> Option<Value> {
        match self {
            Self::Any => Some(Value::Nil),
            Self::List => Some(Value::List(List::nil(Elem::Any))),
            Self::Map => Some(Value::Map(Map::nil())),
            Self::Object(name) if name.starts_with('*') => Some(Value::Nil),
            _ => None,
        }
    }

    /// Whether Go's reflection lets a value of this type be the argument.
    pub(crate) fn accepts(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any, _)
            | (Self::Bool, Value::Bool(_))
            | (Self::Str, Value::Str(_))
            | (Self::Int, Value::Int(_, IntKind::Int))
            | (Self::Int64, Value::Int(_, IntKind::Int64))
            | (Self::Float, Value::Float(_)) => true,
            (Self::List, Value::List(list)) => list.elem() == Elem::Any,
            (Self::Map, Value::Map(map)) => map.kind() != MapKind::String,
            (Self::Object(name), value) => {
                let found: Cow<'_, str> = value.type_name();
                // A pointer is followed once.
                found == name || found.strip_prefix('*') == Some(name)
            }
            _ => false,
        }
    }
}

impl Error {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            inner: None,
            is_parse: false,
        }
    }

    /// Puts words before the error; `": "` belongs to them.
    #[must_use]
    pub fn context(mut self, words: impl Into<String>) -> Self {
        let words: String = words.into();
        self.message.insert_str(0, &words);
        self
    }

    /// Whether [`Run::execute_source`] failed because the source is not a template.
    pub fn is_parse(&self) -> bool {
        self.is_parse
    }

    pub(crate) fn parse(error: &crate::error::ParseError) -> Self {
        Self {
            message: error.to_string(),
            inner: None,
            is_parse: true,
        }
    }

    pub(crate) fn inner(error: Box<ExecError>) -> Self {
        Self {
            message: String::new(),
            inner: Some(error),
            is_parse: false,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        self.inner.as_ref().map_or(Ok(()), |inner| inner.fmt(f))
    }
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Function")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
