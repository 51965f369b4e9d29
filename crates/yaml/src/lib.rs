//! YAML as Helm's libraries read and print it: `sigs.k8s.io/yaml` over go-yaml 2, and go-yaml 3 for
//! `toYamlPretty`.
//!
//! ```text
//! bytes → reader → scan (tokens) → parse (events) ─┬→ build → the caller's values, or `Value`
//!                                                  └→ head  → the few fields that order manifests
//! values → Emitter → bytes
//! ```
//!
//! What is accepted and refused, the text of errors, every scalar's meaning and every printed byte are those
//! of the Go libraries. It deliberately has no serde, keeps no comments or styles, positions only when asked ([`Lines`]), and reads only
//! the first document of a text: splitting is the chart engine's business.

mod base64;
mod build;
mod chars;
mod decode;
mod emit;
mod error;
mod head;
mod lines;
mod number;
mod order;
mod parse;
mod reader;
mod resolve;
mod scan;
mod timestamp;
mod value;

pub use build::{Builder, MAX_DEPTH, build};
pub use emit::{Dialect, Emitter, to_string, to_string_as};
pub use error::{Error, Stage};
pub use head::{Head, head};
pub use lines::Lines;
pub use number::{go_float, json_float};
pub use order::sort_keys;
pub use resolve::{Generation, Resolved, resolve};
pub use value::{Numbers, Value, from_slice, read};
