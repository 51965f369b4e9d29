//! YAML as Helm's libraries read and print it.

pub mod value;

pub use value::Value;
