//! How a function is declared to the language: its name, its Go parameter types and its body.
//!
//! The executor checks the number of arguments and converts each to its [`Param`] before the body runs, and
//! reports a mismatch in Go's words, so a body only sees what its Go twin would see.

use std::any::Any;

use crate::value::Value;

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
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub message: String,
}

impl Error {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Function").field("name", &self.name).finish_non_exhaustive()
    }
}
