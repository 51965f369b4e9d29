//! Charts verified on mini clusters.

mod forms;
mod mistakes;
mod mutations;
mod rehearsals;
mod service;
