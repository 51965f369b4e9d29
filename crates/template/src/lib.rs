//! Go's `text/template` language: values, parsing, execution and Go's way of printing.
//!
//! ```text
//! source ──parse──► Template (Send + Sync, parsed once) ──execute──► bytes
//!                                  ▲                          ▲
//!                        function signatures            Value, Host
//! ```
//!
//! The language knows nothing of charts: Sprig's and Helm's functions are given to it as a table of
//! [`Function`]s by `chart`. Nothing here reads a clock, a file or a random source.

pub mod function;
pub mod value;

pub use function::{Call, Function, Param};
pub use value::{Kind, List, Map, Object, Str, Value};
