//! `Promotion`: one artifact into one stage: what it waits for, who agreed, what was done, how it ended.
//!
//! Approvals stand in the status: they come through the API, which knows who is asking, and never by writing an object.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{
    APPLIED, Condition, Explained, GATES_PASSED, READY,
    reason::{
        ABORTED, AT_WORK, CLUSTER_UNREACHABLE, FAILED, OPEN, REFUSED_BY_CLUSTER, ROLLED_BACK, SUCCEEDED,
        SUPERSEDED, WAITING,
    },
};
use crate::kind::{Column, Kind, Scope};
use crate::text;

/// An artifact on its way into a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Promotion;

/// What goes where. Only `abort` and `override` may be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.application == oldSelf.application && self.artifact == oldSelf.artifact && self.stage == oldSelf.stage \
      && self.by == oldSelf.by && self.direction == oldSelf.direction",
     "message": "what a promotion brings where can't be changed; abort it and make another"},
    {"rule": "has(self.abort) || !has(oldSelf.abort)", "message": "an aborted promotion can't be taken up again; make another"}
]))]
pub struct PromotionSpec {
    /// The `Application`, in the same namespace.
    #[schemars(with = "text::ReleaseName")]
    pub application: String,
    /// The `Artifact`, in the same namespace.
    #[schemars(with = "text::Subdomain")]
    pub artifact: String,
    /// The `Stage`.
    #[schemars(with = "text::Label")]
    pub stage: String,
    /// Who asked for it: a person, or `shipway` where the stage takes every artifact by itself.
    #[schemars(with = "text::Subject")]
    pub by: String,
    /// Whether it goes forward or back.
    #[serde(default)]
    pub direction: Direction,
    /// Why, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Line>")]
    pub reason: Option<String>,
    /// Who lets it through freeze windows, why, and through which.
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
    /// Who stops it, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort: Option<Word>,
}

/// Which way a promotion goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Direction {
    /// To an artifact that the stage did not have.
    #[default]
    Forward,
    /// To one that it had before; soak and approvals are not waited for.
    Back,
}

/// What a person said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Word {
    /// Who.
    #[schemars(with = "text::Subject")]
    pub by: String,
    /// Why.
    #[schemars(with = "text::Reason")]
    pub reason: String,
}

/// That a person lets a promotion through freeze windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Override {
    /// Who.
    #[schemars(with = "text::Subject")]
    pub by: String,
    /// Why.
    #[schemars(with = "text::Reason")]
    pub reason: String,
    /// The windows that were on, and no other: one that begins later is asked about anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 64))]
    pub windows: Vec<LetThrough>,
}

/// One time of a freeze window that a promotion is let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LetThrough {
    /// The window, as in `shipway-system/holidays`.
    #[schemars(extend("maxLength" = 320))]
    pub window: String,
    /// When that time began. Empty of a window that could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Time>")]
    pub from: Option<String>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Time>")]
    pub to: Option<String>,
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PromotionStatus {
    /// The generation of the spec that everything here is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, `GatesPassed` and `Applied`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Where it is on its way.
    pub phase: Phase,
    /// Which promotion of the application into the stage it is, counted when it begins. Clocks may go back; this does not.
    #[serde(skip_serializing_if = "never")]
    pub turn: u64,
    /// The artifact's version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The artifact that was there before.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub previous: String,
    /// The digest of what the application said of the stage when the promotion began.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub settings: String,
    /// What would be done in each cluster, as it was looked at last; of one that has begun, what it began with. A cluster that
    /// was not looked at is not there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 64, "x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["cluster"]))]
    pub plan: Vec<ClusterPlan>,
    /// When it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub planned: Option<String>,
    /// The digest of the plan that is shown; approvals are for it alone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub plan_digest: String,
    /// Each gate, and whether it is open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 32, "x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub gates: Vec<Gate>,
    /// Who agreed or refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 100))]
    pub approvals: Vec<Approval>,
    /// What was done in each cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 256))]
    pub steps: Vec<PromotionStep>,
    /// When the first gate was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub started: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub ended: Option<String>,
}

/// Where a promotion is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// A gate is closed.
    #[default]
    Waiting,
    /// It is being carried out.
    Running,
    /// The artifact is in the stage.
    Succeeded,
    /// It is not, and what was there before is not back everywhere.
    Failed,
    /// It is not, and what was there before is back.
    RolledBack,
    /// A person stopped it, or it can't be carried out any more.
    Aborted,
    /// A newer artifact took its place.
    Superseded,
}

/// What a promotion would do in one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterPlan {
    /// The cluster.
    pub cluster: String,
    /// The digest of the manifest that would be applied.
    pub manifest: String,
    /// How many objects would be made.
    #[serde(default)]
    pub creates: u32,
    /// How many would be changed.
    #[serde(default)]
    pub changes: u32,
    /// How many would be deleted.
    #[serde(default)]
    pub deletes: u32,
    /// How many the release has now.
    #[serde(default)]
    pub objects: u32,
    /// Those of them that take along what is in them (volume claims, namespaces, definitions of kinds); the first twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 20))]
    pub precious: Vec<String>,
}

impl ClusterPlan {
    /// The most that are named in `precious`: nobody reads more.
    pub const MOST_NAMED: usize = 20;
}

/// Something that a promotion waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gate {
    /// Its name, as in `soak` or `approvals`.
    pub name: String,
    /// Whether it is open.
    pub open: bool,
    /// Whether it stays closed until a person acts: no time and nobody else opens it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    /// Why it is closed: one word for programs, from a fixed list. Empty when it is open.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Since when it is what it is.
    #[schemars(extend("format" = "date-time"))]
    pub since: String,
    /// When it opens by itself, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub until: Option<String>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Who can open it; empty when only time can.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub who: String,
    /// With which command.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub command: String,
}

/// A person's word on a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Who.
    pub by: String,
    /// Whether they agreed.
    pub approved: bool,
    /// The groups that they were of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Whether they also agreed to delete more than the stage's brake lets through.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deletions: bool,
    /// The digest of the plan that they saw.
    pub plan_digest: String,
    /// When.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    /// Why, for the record.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What was done in one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PromotionStep {
    /// The cluster.
    pub cluster: String,
    /// What, as in `apply` or `roll back`.
    pub name: String,
    pub state: StepState,
    /// Whether it is under way and what was applied fails already, so that waiting longer is in vain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failing: bool,
    /// How many objects it deleted; of one that was dropped, how many it may have.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deleted: u32,
    /// The revision of the release that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub started: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub ended: Option<String>,
    /// Why it failed: pod, container, event and log lines. Of one that put back, what it put back.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StepState {
    /// Its turn has not come.
    Waiting,
    /// It is under way.
    Running,
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// It was not needed any more.
    Dropped,
}

impl Kind for Promotion {
    const NAME: &'static str = "Promotion";
    const ABOUT: &'static str = "One artifact into one stage: gates, approvals, steps and outcome.";
    const PLURAL: &'static str = "promotions";
    const SHORT: &'static [&'static str] = &["promo"];
    const SCOPE: Scope = Scope::Namespaced;
    const COLUMNS: &'static [Column] = &[
        Column::string("Application", ".spec.application"),
        Column::string("Stage", ".spec.stage"),
        Column::string("Version", ".status.version"),
        Column::string("Phase", ".status.phase"),
        Column::REASON,
        Column::string("By", ".spec.by").wide(),
        Column::string("Artifact", ".spec.artifact").wide(),
        Column::AGE,
    ];
    const CONDITIONS: &'static [Explained] = &[
        Explained {
            kind: READY,
            meaning: "The artifact is in the stage.",
            reasons: &[
                (SUCCEEDED, "True", "it is"),
                (
                    WAITING,
                    "False",
                    "a gate is closed; the message says which, who can open it, and how",
                ),
                (AT_WORK, "False", "it is being carried out"),
                (FAILED, "False", "it failed, and a person has to look"),
                (
                    ROLLED_BACK,
                    "False",
                    "it failed, and what was there before is back",
                ),
                (
                    ABORTED,
                    "False",
                    "a person stopped it, or it can't be carried out any more",
                ),
                (SUPERSEDED, "False", "a newer artifact took its place"),
            ],
        },
        Explained {
            kind: GATES_PASSED,
            meaning: "Every gate is open.",
            reasons: &[
                (OPEN, "True", "each is"),
                (WAITING, "False", "the message names the closed ones"),
            ],
        },
        Explained {
            kind: APPLIED,
            meaning: "Every cluster of the stage has the artifact.",
            reasons: &[
                (SUCCEEDED, "True", "each has"),
                (AT_WORK, "False", "some have, or none yet"),
                (
                    CLUSTER_UNREACHABLE,
                    "False",
                    "a cluster does not answer; it is tried again",
                ),
                (
                    REFUSED_BY_CLUSTER,
                    "False",
                    "a cluster refuses an object; the message has its words",
                ),
                (
                    FAILED,
                    "False",
                    "a release did not become ready; the message names pod, event and log lines",
                ),
            ],
        },
    ];
    type Spec = PromotionSpec;
    type Status = PromotionStatus;

    fn conditions(status: &mut PromotionStatus) -> &mut Vec<Condition> {
        &mut status.conditions
    }
}

fn never(turn: &u64) -> bool {
    *turn == 0
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}
