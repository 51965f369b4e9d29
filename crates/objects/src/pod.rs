//! What a pod's status says in a word.

use serde_json::Value;

use crate::{condition, meta};

/// Whether a pod has come to an end of its own: it runs no more and takes no room.
#[must_use]
pub fn is_finished(pod: &Value) -> bool {
    matches!(meta::text_at(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Whether a pod serves.
#[must_use]
pub fn is_ready(pod: &Value) -> bool {
    condition::is_true(pod, "Ready")
}
