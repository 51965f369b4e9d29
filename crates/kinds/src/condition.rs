//! Conditions: their types and reasons, each a constant here, and how one is set.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything is as the spec says.
pub const READY: &str = "Ready";
/// An artifact was written over what a cluster had (Promotion).
pub const APPLIED: &str = "Applied";
/// A version must not be deployed (Artifact).
pub const BLOCKED: &str = "Blocked";
/// What somebody else changed (Tenant, Application).
pub const DRIFTED: &str = "Drifted";
/// Nothing moves (Stage, `FreezeWindow`).
pub const FROZEN: &str = "Frozen";
/// Every gate is open (Promotion).
pub const GATES_PASSED: &str = "GatesPassed";
/// The shares of the clusters are granted (Tenant).
pub const GRANTED: &str = "Granted";
/// No other tenant gets in, and this one not out, by all that was tried (Tenant).
pub const ISOLATED: &str = "Isolated";
/// The change is good (Verification).
pub const PASSED: &str = "Passed";
/// The cluster, or the repository, answers (Cluster, `ChartSource`).
pub const REACHABLE: &str = "Reachable";
/// The stand-by can take the whole load (`ClusterPair`).
pub const STAND_BY_READY: &str = "StandByReady";
/// Digest and provenance are what they should be (Artifact).
pub const VERIFIED: &str = "Verified";

/// Why a condition has its status.
pub mod reason {
    pub const ABORTED: &str = "Aborted";
    pub const ANSWERS: &str = "Answers";
    pub const AS_WRITTEN: &str = "AsWritten";
    pub const AT_WORK: &str = "AtWork";
    pub const ATTACK_SUCCEEDED: &str = "AttackSucceeded";
    pub const BY_PERSON: &str = "ByPerson";
    pub const CHANGED_BY_OTHERS: &str = "ChangedByOthers";
    pub const CLUSTER_UNREACHABLE: &str = "ClusterUnreachable";
    pub const DIGEST_DIFFERS: &str = "DigestDiffers";
    pub const DRILL_FAILED: &str = "DrillFailed";
    pub const FAILED: &str = "Failed";
    pub const FAILED_OVER: &str = "FailedOver";
    pub const FINDINGS: &str = "Findings";
    pub const FITS: &str = "Fits";
    pub const FROZEN: &str = "Frozen";
    pub const LEAVING: &str = "Leaving";
    pub const MISTAKES: &str = "Mistakes";
    pub const NOT_FROZEN: &str = "NotFrozen";
    pub const NOT_GRANTED: &str = "NotGranted";
    pub const NO_ANSWER: &str = "NoAnswer";
    pub const NO_CHART: &str = "NoChart";
    pub const NO_CLUSTER: &str = "NoCluster";
    pub const NO_DRIFT: &str = "NoDrift";
    pub const NO_FINDINGS: &str = "NoFindings";
    pub const NOT_PROVEN: &str = "NotProven";
    pub const NO_PROVENANCE: &str = "NoProvenance";
    pub const OPEN: &str = "Open";
    pub const OVER_CAPACITY: &str = "OverCapacity";
    pub const PROVEN: &str = "Proven";
    pub const PUT_BACK: &str = "PutBack";
    pub const REFUSED_BY_CLUSTER: &str = "RefusedByCluster";
    pub const ROLLED_BACK: &str = "RolledBack";
    pub const SUCCEEDED: &str = "Succeeded";
    pub const SUPERSEDED: &str = "Superseded";
    pub const TOO_SMALL: &str = "TooSmall";
    pub const VERSION_DIFFERS: &str = "VersionDiffers";
    pub const WAITING: &str = "Waiting";
}

/// A condition that a kind has, for its reference page: what it says, and every reason it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explained {
    pub kind: &'static str,
    /// What holds when it is `True`.
    pub meaning: &'static str,
    /// Each reason with its status and what it says.
    pub reasons: &'static [Because],
}

/// A reason with the status that it gives a condition, and what it says.
pub type Because = (&'static str, &'static str, &'static str);

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

impl Condition {
    /// A condition of this generation, yet without a time: `True`, `False` or `Unknown`, the reason, the sentence.
    #[must_use]
    pub fn of(kind: &str, generation: i64, (status, reason, message): (&str, &str, String)) -> Self {
        Self {
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message,
            observed_generation: generation,
            last_transition_time: String::new(),
        }
    }
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
