//! The client against the mini cluster: what it asks is answered as a cluster answers.

mod ground;
mod objects;
