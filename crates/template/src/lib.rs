//! Go's `text/template` language: values, parsing, execution and Go's way of printing.
//!
//! ```text
//! source ──parse──► Parsed ──► Set (Send + Sync, built once) ──Executor::execute──► bytes
//!            ▲                                                    ▲
//!        Functions                                          Value, host
//! ```
//!
//! The language knows nothing of charts: Sprig's and Helm's functions are given to it as a table of
//! [`Function`]s by `chart`. Nothing here reads a clock, a file or a random source.

mod builtin;
pub mod error;
mod exec;
pub mod fmt;
pub mod function;
mod lex;
mod parse;
mod set;
mod stack;
mod tree;
pub mod value;

pub use error::{ExecError, ParseError};
pub use exec::{Executor, MissingKey, Options};
pub use function::{Call, Function, Functions, Param};
pub use parse::{Parsed, parse};
pub use set::Set;
pub use tree::Template;
pub use value::{Kind, List, Map, Object, Str, Value};
