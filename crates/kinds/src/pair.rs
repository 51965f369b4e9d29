//! `ClusterPair`: two whole clusters that serve one production, how traffic moves between them, and when.
//!
//! The spec says what a person wants; who serves what right now stands in the status, because fail-over changes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{
    Condition, Explained, REACHABLE, READY, STAND_BY_READY,
    reason::{
        ANSWERS, AS_WRITTEN, AT_WORK, DRILL_FAILED, FAILED_OVER, FITS, NO_ANSWER, NO_CLUSTER, TOO_SMALL,
        VERSION_DIFFERS,
    },
};
use crate::kind::{Column, Kind, Scope};
use crate::text;

/// Two clusters that serve as one.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterPair;

/// Which clusters, and how traffic moves between them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.primary != self.canary", "message": "primary and canary are two clusters"}
]))]
pub struct ClusterPairSpec {
    /// The cluster that serves production. May not be changed: make another pair.
    #[schemars(with = "text::Label", extend("x-kubernetes-validations" = [
        {"rule": "self == oldSelf", "message": "the primary of a pair can't be changed; make another pair"}
    ]))]
    pub primary: String,
    /// The cluster that gets a change first, and stands by. May not be changed: make another pair.
    #[schemars(with = "text::Label", extend("x-kubernetes-validations" = [
        {"rule": "self == oldSelf", "message": "the canary of a pair can't be changed; make another pair"}
    ]))]
    pub canary: String,
    /// The share of requests that the canary gets while nothing is rolled out, in percent. More than 0 shows every day
    /// that the stand-by works.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub resting_canary_percent: u32,
    /// How a change is tried on the canary before the primary gets it.
    #[serde(default)]
    pub rollout: Rollout,
    /// What happens when one of the two can't serve.
    #[serde(default)]
    pub fail_over: FailOver,
    /// When fail-over is rehearsed. Without it, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<Drill>,
}

/// The steps of traffic, and what each has to show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Each gives the canary a larger share than the one before.
    #[serde(default = "steps")]
    #[schemars(extend("minItems" = 1, "maxItems" = 20, "x-kubernetes-validations" = [
        {"rule": "self.map(one, one.canaryPercent).isSorted() \
          && self.all(one, self.exists_one(other, other.canaryPercent == one.canaryPercent))",
         "message": "each step gives the canary more than the one before"}
    ]))]
    pub steps: Vec<Step>,
    /// What is compared at each step, and how much worse the canary may be.
    #[serde(default)]
    pub analysis: Analysis,
}

/// One change of weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The share of requests that the canary gets, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub canary_percent: u32,
    /// How long it is watched at least.
    #[serde(default = "five_minutes")]
    #[schemars(with = "text::Duration")]
    pub watch: String,
}

/// The comparison of canary and primary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    /// The share of failed requests (5xx) above which a canary is bad, whatever the primary does, in percent.
    #[serde(default = "five")]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub max_error_percent: f64,
    /// How many percentage points more than the primary's the canary's share of failed requests may be.
    #[serde(default = "half")]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub max_error_percent_more: f64,
    /// How slow the canary's 99th percentile may be, in percent of the primary's.
    #[serde(default = "hundred_twenty")]
    #[schemars(range(min = 100, max = 10_000))]
    pub max_latency_percent: u32,
    /// How sure the comparison has to be before it decides, in percent.
    #[serde(default = "ninety_five")]
    #[schemars(range(min = 80, max = 99))]
    pub confidence_percent: u32,
    /// With fewer requests than this at a step, nothing is decided.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_requests: u32,
    /// How long a step may go on without a decision; then the rollout is aborted.
    #[serde(default = "half_an_hour")]
    #[schemars(with = "text::Duration")]
    pub timeout: String,
}

/// When traffic leaves a cluster that can't serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailOver {
    /// Whether traffic moves by itself.
    #[serde(default)]
    pub mode: FailOverMode,
    /// How many observers that know nothing of each other have to agree that a cluster is out.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 9))]
    pub quorum: u32,
    /// How long they have to agree.
    #[serde(default = "half_a_minute")]
    #[schemars(with = "text::Duration")]
    pub after: String,
    /// How much the stand-by has to have ready before it takes the load, in percent of what the other one runs. It is
    /// scaled up to that first.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 1_000))]
    pub capacity_percent: u32,
    /// Whether traffic comes back by itself.
    #[serde(default)]
    pub fail_back: FailOverMode,
    /// How long a cluster has to be well before traffic comes back to it.
    #[serde(default = "half_an_hour")]
    #[schemars(with = "text::Duration")]
    pub fail_back_after: String,
}

/// Who moves traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FailOverMode {
    /// It moves by itself.
    Automatic,
    /// A person is asked.
    #[default]
    Manual,
}

/// A rehearsal of fail-over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drill {
    /// When, as five fields of cron: `0 10 * * 2` is Tuesdays at ten.
    #[schemars(with = "text::Cron")]
    pub schedule: String,
    /// The time zone of the schedule, as in `Europe/Berlin`.
    #[serde(default = "utc")]
    #[schemars(with = "text::TimeZone")]
    pub time_zone: String,
    /// A drill that takes longer than this has failed.
    #[serde(default = "minute")]
    #[schemars(with = "text::Duration")]
    pub max_recovery: String,
}

/// Who serves what, since when, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterPairStatus {
    /// The generation of the spec that everything here is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, `Reachable` and `StandByReady`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The cluster that serves production now: the primary, unless it failed over.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub serving: String,
    /// The share of requests that the canary gets now, in percent.
    pub canary_percent: u32,
    /// Grows with every decision about traffic; an older decision is never carried out.
    pub decision: i64,
    /// When the last decision was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub since: Option<String>,
    /// Why it was taken.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The last time that traffic left a cluster that could not serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_fail_over: Option<Recovery>,
    /// The last rehearsal of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_drill: Option<Recovery>,
}

/// A fail-over, rehearsed or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Recovery {
    /// When it began.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    /// The cluster that traffic left.
    pub from: String,
    /// How long requests failed, in milliseconds.
    pub recovery_ms: u64,
    /// What happened, in a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl Kind for ClusterPair {
    const NAME: &'static str = "ClusterPair";
    const ABOUT: &'static str = "Two clusters that serve one production, and how traffic moves between them.";
    const PLURAL: &'static str = "clusterpairs";
    const SHORT: &'static [&'static str] = &["pair"];
    const SCOPE: Scope = Scope::Cluster;
    const COLUMNS: &'static [Column] = &[
        Column::string("Serving", ".status.serving"),
        Column::of("Canary%", "integer", ".status.canaryPercent"),
        Column::READY,
        Column::REASON,
        Column::string("Primary", ".spec.primary").wide(),
        Column::string("Canary", ".spec.canary").wide(),
        Column::AGE,
    ];
    const CONDITIONS: &'static [Explained] = &[
        Explained {
            kind: READY,
            meaning: "Traffic is as the spec says.",
            reasons: &[
                (AS_WRITTEN, "True", "the resting split is in force"),
                (AT_WORK, "False", "a rollout or a move of traffic is under way"),
                (FAILED_OVER, "False", "the canary serves in the primary's place"),
                (NO_CLUSTER, "False", "a cluster of the pair does not exist"),
            ],
        },
        Explained {
            kind: REACHABLE,
            meaning: "Both clusters answer.",
            reasons: &[
                (ANSWERS, "True", "both do"),
                (NO_ANSWER, "False", "the message names the one that does not"),
            ],
        },
        Explained {
            kind: STAND_BY_READY,
            meaning: "The cluster that does not serve could take the whole load.",
            reasons: &[
                (FITS, "True", "it has the capacity, and the same versions"),
                (TOO_SMALL, "False", "it has less than `failOver.capacityPercent`"),
                (VERSION_DIFFERS, "False", "it runs other versions"),
                (DRILL_FAILED, "False", "the last drill failed"),
            ],
        },
    ];
    type Spec = ClusterPairSpec;
    type Status = ClusterPairStatus;

    fn conditions(status: &mut ClusterPairStatus) -> &mut Vec<Condition> {
        &mut status.conditions
    }
}

impl Default for Rollout {
    fn default() -> Self {
        Self {
            steps: steps(),
            analysis: Analysis::default(),
        }
    }
}

impl Default for Analysis {
    fn default() -> Self {
        Self {
            max_error_percent: five(),
            max_error_percent_more: half(),
            max_latency_percent: hundred_twenty(),
            confidence_percent: ninety_five(),
            min_requests: hundred(),
            timeout: half_an_hour(),
        }
    }
}

impl Default for FailOver {
    fn default() -> Self {
        Self {
            mode: FailOverMode::default(),
            quorum: two(),
            after: half_a_minute(),
            capacity_percent: hundred(),
            fail_back: FailOverMode::default(),
            fail_back_after: half_an_hour(),
        }
    }
}

fn steps() -> Vec<Step> {
    let step = |canary_percent| Step {
        canary_percent,
        watch: five_minutes(),
    };
    vec![step(5), step(25), step(50)]
}

fn five_minutes() -> String {
    "5m".to_owned()
}

fn half_an_hour() -> String {
    "30m".to_owned()
}

fn half_a_minute() -> String {
    "30s".to_owned()
}

fn minute() -> String {
    "1m".to_owned()
}

fn utc() -> String {
    "UTC".to_owned()
}

fn two() -> u32 {
    2
}

fn hundred() -> u32 {
    100
}

fn hundred_twenty() -> u32 {
    120
}

fn ninety_five() -> u32 {
    95
}

fn five() -> f64 {
    5.0
}

fn half() -> f64 {
    0.5
}
