//! `Verification`: the verdict on one commit of one chart, level by level, with its findings and evidence.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{
    Condition, Explained, PASSED, READY,
    reason::{AS_WRITTEN, AT_WORK, FAILED, FINDINGS, NO_FINDINGS, SUPERSEDED},
};
use crate::kind::{Column, Kind, Scope};
use crate::text;

/// A verdict on a commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification;

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self == oldSelf", "message": "a verification can't be changed; another commit gets another one"}
]))]
pub struct VerificationSpec {
    /// The `Application` whose chart is looked at, in the same namespace.
    #[schemars(with = "text::ReleaseName")]
    pub application: String,
    /// The commit.
    #[schemars(with = "text::Commit")]
    pub commit: String,
    /// The pull request or branch that proposes it, as in `42` or `feature/login`. Without it, it is a commit of the branch
    /// that is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minLength" = 1, "maxLength" = 250))]
    pub proposal: Option<String>,
    /// How far it goes. Each level includes the one before.
    #[serde(default)]
    pub level: Level,
}

/// How much a verification shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Level {
    /// What can be seen of a chart without running it: lint, render for every stage, schemas, rules.
    L1,
    /// It is installed on a mini cluster like the stage's, upgraded from what is live, tested and rolled back.
    #[default]
    L2,
    /// The same on a real cluster.
    L3,
}

/// The verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VerificationStatus {
    /// The generation of the spec that everything here is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` and `Passed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The digest of the chart as it would be packed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// What came out at each level and stage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 64))]
    pub results: Vec<LevelResult>,
    /// What was found, the worst first; 100 at most. The evidence has all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 100))]
    pub findings: Vec<Finding>,
    /// How many findings there are.
    pub found: u32,
    /// What it changes in each stage, against what is live there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 16))]
    pub changes: Vec<StageChange>,
    /// The digest under which objects, events, logs and timings are kept.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub evidence: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What came out at one level for one stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LevelResult {
    pub level: Level,
    /// The stage whose values were used.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stage: String,
    pub result: Verdict,
    /// What it does not prove, or why it was not done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// What a commit changes in a stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StageChange {
    /// The stage.
    pub stage: String,
    /// How many objects come.
    pub added: u32,
    /// How many are others than before.
    pub changed: u32,
    /// How many go.
    pub removed: u32,
    /// The rendered manifests compared, with the values of Secrets masked; what does not fit is left out and counted in
    /// its last line.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(extend("maxLength" = 32768))]
    pub diff: String,
}

/// How a level ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Verdict {
    /// Nothing forbids the change.
    Passed,
    /// A finding does.
    Failed,
    /// It was not done, because an earlier level failed or nobody asked for it.
    Skipped,
    /// It could not be done, which is no fault of the change.
    Error,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The check that found it, by id.
    pub check: String,
    pub severity: Severity,
    /// The object, as in `Deployment.apps pay/web`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// The field in it, as in `spec.replicas`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The file in the chart.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// The line in it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub line: Option<u32>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cure: String,
    /// The stages for which it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 16))]
    pub stages: Vec<String>,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Severity {
    /// The change must not go on.
    Error,
    /// It may, and somebody should look.
    Warning,
    /// Good to know.
    Note,
}

impl Kind for Verification {
    const NAME: &'static str = "Verification";
    const ABOUT: &'static str =
        "The verdict on one commit of one chart, level by level, with findings and evidence.";
    const PLURAL: &'static str = "verifications";
    const SHORT: &'static [&'static str] = &["ver"];
    const SCOPE: Scope = Scope::Namespaced;
    const COLUMNS: &'static [Column] = &[
        Column::string("Application", ".spec.application"),
        Column::string("Proposal", ".spec.proposal"),
        Column::string("Level", ".spec.level"),
        Column::string("Passed", ".status.conditions[?(@.type=='Passed')].status"),
        Column::of("Findings", "integer", ".status.found"),
        Column::string("Commit", ".spec.commit").wide(),
        Column::AGE,
    ];
    const CONDITIONS: &'static [Explained] = &[
        Explained {
            kind: READY,
            meaning: "The verdict is there.",
            reasons: &[
                (AS_WRITTEN, "True", "it is"),
                (AT_WORK, "False", "it is being worked on"),
                (
                    SUPERSEDED,
                    "False",
                    "a newer commit of the same proposal is looked at instead",
                ),
                (
                    FAILED,
                    "False",
                    "it could not be done, which is no fault of the change",
                ),
            ],
        },
        Explained {
            kind: PASSED,
            meaning: "Nothing that was found forbids the change.",
            reasons: &[
                (NO_FINDINGS, "True", "there is no finding of severity `Error`"),
                (FINDINGS, "False", "there is; see `status.findings`"),
                (AT_WORK, "Unknown", "it is being worked on"),
            ],
        },
    ];
    type Spec = VerificationSpec;
    type Status = VerificationStatus;

    fn conditions(status: &mut VerificationStatus) -> &mut Vec<Condition> {
        &mut status.conditions
    }
}
