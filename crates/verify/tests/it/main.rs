//! Charts verified on mini clusters.

mod forms;
mod mistakes;
mod rehearsals;
mod service;
