//! The Common Expression Language as Kubernetes has it: rules of custom kinds and admission policies.
//!
//! ```text
//! text ─► lex ─► parse (macros) ─► check (types, overloads) ─► Program ─► eval (within a budget) ─► Value
//! schema ─► Type ──────────────────────┘                       JSON + Type ─► Value ─┘
//! ```
//!
//! Evaluation costs: every step is charged to a `Budget`, and what a step makes is charged by its size, so that no
//! expression runs or grows without end; nesting is bounded when the text is parsed, so none exhausts the stack.
//! Deliberately absent: the estimate of a rule's cost before it runs, protobuf messages, and clocks.

mod ast;
mod call;
mod check;
mod eval;
mod json;
mod lex;
mod parse;
pub mod pattern;
mod signatures;
mod types;
mod value;

pub use check::Issues;
pub use eval::{Budget, Error, Lookup, Program, Variables};
pub use types::{Field, Object, Order, Type, escape, is_name};
pub use value::{Host, Key, List, Value};
