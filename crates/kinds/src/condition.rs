//! Conditions: their types and reasons, each a constant here, and how one is set.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything is as the spec says.
pub const READY: &str = "Ready";
/// The shares of the clusters are granted (Tenant).
pub const GRANTED: &str = "Granted";
/// What somebody else changed (Tenant).
pub const DRIFTED: &str = "Drifted";
/// The cluster answers (Cluster).
pub const REACHABLE: &str = "Reachable";

/// Why a condition has its status.
pub mod reason {
    pub const AS_WRITTEN: &str = "AsWritten";
    pub const AT_WORK: &str = "AtWork";
    pub const CLUSTER_UNREACHABLE: &str = "ClusterUnreachable";
    pub const FITS: &str = "Fits";
    pub const LEAVING: &str = "Leaving";
    pub const MISTAKES: &str = "Mistakes";
    pub const OVER_CAPACITY: &str = "OverCapacity";
    pub const PUT_BACK: &str = "PutBack";
    pub const REFUSED_BY_CLUSTER: &str = "RefusedByCluster";
    pub const ANSWERS: &str = "Answers";
    pub const NO_ANSWER: &str = "NoAnswer";
    pub const NO_DRIFT: &str = "NoDrift";
}

/// What holds of an object, since when, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Its name, as in `Ready`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    #[schemars(extend("enum" = ["True", "False", "Unknown"]))]
    pub status: String,
    /// One word for programs, from a fixed list.
    #[schemars(extend("maxLength" = 1024))]
    pub reason: String,
    /// A sentence for people: what is the matter and what to do.
    #[schemars(extend("maxLength" = 32768))]
    pub message: String,
    /// The generation of the spec that was looked at.
    #[serde(default)]
    pub observed_generation: i64,
    /// When the status last changed.
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: String,
}

/// Sets a condition; its time moves only when its status does.
pub fn set(conditions: &mut Vec<Condition>, mut wanted: Condition, now: Timestamp) {
    wanted.last_transition_time = objects::time::seconds(now);
    match conditions.iter_mut().find(|one| one.kind == wanted.kind) {
        None => conditions.push(wanted),
        Some(old) => {
            if old.status == wanted.status {
                wanted.last_transition_time.clone_from(&old.last_transition_time);
            }
            *old = wanted;
        }
    }
}
