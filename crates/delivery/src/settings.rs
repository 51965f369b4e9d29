//! What an application says of a stage, as one digest: a change of it is a change of the stage, though the version is the same.

use kinds::{Application, Object};

use crate::canonical;

/// The digest of values, values files and hosts of an application in a stage, of its release's name and namespace.
#[must_use]
pub fn settings_digest(application: &Object<Application>, stage: &str) -> String {
    let spec = &application.spec;
    let of_stage = spec.stages.iter().find(|one| one.name == stage);
    canonical::digest(&(&spec.release, &spec.namespace, of_stage)).to_string()
}
