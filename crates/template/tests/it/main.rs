//! The template language against the answers of Go 1.25.

mod language;
mod trace;
