//! What a chart finds under `$` that is not a plain map: `.Files` and `.Capabilities`.
//!
//! They are Go structs and named types there, with fields and methods, and charts ask for their types.

pub mod capabilities;
pub mod files;

use template::{Object, Value};

/// The fields of a struct as Go's encoders name and order them; `None` for what is no struct of ours.
pub(crate) fn fields_in_order(object: &dyn Object) -> Option<Vec<(&'static str, Value)>> {
    let any = object.as_any();
    if let Some(capabilities) = any.downcast_ref::<capabilities::Capabilities>() {
        return Some(capabilities.fields());
    }
    if let Some(version) = any.downcast_ref::<capabilities::KubeVersion>() {
        return Some(version.fields());
    }
    any.downcast_ref::<capabilities::HelmVersion>()
        .map(capabilities::HelmVersion::fields)
}
