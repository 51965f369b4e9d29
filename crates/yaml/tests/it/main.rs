//! What the YAML library reads, refuses and prints, against the answers of the real Helm.

mod heads;
mod hostile;
mod prints;
mod reads;
mod refuses;
