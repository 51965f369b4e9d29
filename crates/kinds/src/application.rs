//! `Application`: one chart of a team, delivered through the stages.
//!
//! What was published of it are its `Artifact`s, what is under way its `Promotion`s; here stands what a team decides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::condition::{
    Condition, DRIFTED, Explained, READY,
    reason::{
        AS_WRITTEN, AT_WORK, CHANGED_BY_OTHERS, FAILED, MISTAKES, NO_CHART, NO_DRIFT, PUT_BACK, WAITING,
    },
};
use crate::kind::{Column, Kind, Scope};
use crate::text;

/// A chart on its way through the stages.
#[derive(Clone, Debug, PartialEq)]
pub struct Application;

/// Where the chart comes from, and what it is given in each stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "has(self.release) == has(oldSelf.release) && (!has(self.release) || self.release == oldSelf.release)",
     "message": "the release's name can't be changed; remove the application and add another"},
    {"rule": "has(self.__namespace__) == has(oldSelf.__namespace__) \
      && (!has(self.__namespace__) || self.__namespace__ == oldSelf.__namespace__)",
     "message": "the namespace can't be changed; remove the application and add another"}
]))]
pub struct ApplicationSpec {
    /// Where the chart is.
    pub chart: ChartPlace,
    /// The Helm release's name in every cluster. Default: the application's name. May not be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::ReleaseName>")]
    pub release: Option<String>,
    /// The tenant's namespace that it is deployed to, in every cluster. Default: the one that the application is in. May
    /// not be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Label>")]
    pub namespace: Option<String>,
    /// What is different in single stages. A stage that is not here gets the chart's own values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 16, "x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub stages: Vec<ApplicationStage>,
    /// The applications of the same namespace that have to be promoted into a stage before it, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::ReleaseName>", extend("maxItems" = 16, "x-kubernetes-list-type" = "set"))]
    pub after: Vec<String>,
    /// What its users were promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<Objective>,
    /// The stages in which nothing moves until the entry is gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 16, "x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["stage"]))]
    pub holds: Vec<Hold>,
}

/// A chart in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChartPlace {
    /// The `ChartSource`, by name.
    #[schemars(with = "text::Subdomain")]
    pub source: String,
    /// The chart's folder in it, as in `charts/api`.
    #[schemars(with = "text::Path", extend("x-kubernetes-validations" = [
        {"rule": "!('..' in self.split('/'))", "message": "a path can't go upwards"}
    ]))]
    pub path: String,
}

/// An application in one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationStage {
    /// The stage.
    #[schemars(with = "text::Label")]
    pub name: String,
    /// Files with values in the chart's repository, as paths from the chart's folder; a later one wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::Path>", extend("maxItems" = 16))]
    pub values_files: Vec<String>,
    /// Values that win over all files.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(with = "text::Anything")]
    pub values: Map<String, Value>,
    /// The hosts that it serves in this stage; each has to be one of the tenant's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::Host>", extend("maxItems" = 32, "x-kubernetes-list-type" = "set"))]
    pub hosts: Vec<String>,
}

/// A promise about a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Objective {
    /// The share of requests that are answered without a failure (5xx), in percent.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub availability_percent: f64,
    /// How fast 99 of 100 requests are answered, in milliseconds. Without it, nothing is promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 600_000))]
    pub latency_ms: Option<u32>,
    /// The time over which both are counted.
    #[serde(default = "thirty_days")]
    #[schemars(with = "text::Duration")]
    pub window: String,
}

/// A stage in which an application stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    /// The stage.
    #[schemars(with = "text::Label")]
    pub stage: String,
    /// Who holds it.
    #[schemars(with = "text::Subject")]
    pub by: String,
    /// Why.
    #[schemars(with = "text::Reason")]
    pub reason: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Time>")]
    pub since: Option<String>,
}

/// How far an application is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApplicationStatus {
    /// The generation of the spec that everything here is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` and `Drifted`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The tenant that it belongs to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tenant: String,
    /// The version that was published last.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub latest: String,
    /// What is deployed in each stage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub stages: Vec<Deployed>,
}

/// What is deployed in a stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deployed {
    /// The stage.
    pub name: String,
    /// The `Artifact`, by name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub artifact: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The promotion that brought it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub promotion: String,
    /// Which promotion of the application into the stage that was.
    #[serde(default)]
    pub turn: u64,
    /// Since when it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub since: Option<String>,
    /// Whether it is ready in every cluster of the stage.
    #[serde(default)]
    pub ready: bool,
    /// Since when it is ready without a break; empty while it is not, or not known to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub ready_since: Option<String>,
    /// The digest of what the application said of the stage when it was deployed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub settings: String,
    /// What checks said since it is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 32, "x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub checks: Vec<CheckResult>,
    /// How many objects somebody else changed.
    #[serde(default)]
    pub drifted: u32,
    /// What is the matter, and who can do what about it; empty when nothing is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// What a check said last of an artifact in a stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// The check.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// When.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    /// What it found; empty when it passed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl Kind for Application {
    const NAME: &'static str = "Application";
    const ABOUT: &'static str = "One chart of a team, delivered through the stages.";
    const PLURAL: &'static str = "applications";
    const SHORT: &'static [&'static str] = &["app"];
    const SCOPE: Scope = Scope::Namespaced;
    const COLUMNS: &'static [Column] = &[
        Column::string("Latest", ".status.latest"),
        Column::READY,
        Column::REASON,
        Column::string("Source", ".spec.chart.source").wide(),
        Column::string("Path", ".spec.chart.path").wide(),
        Column::AGE,
    ];
    const RULES: &'static [(&'static str, &'static str)] = &[
        (
            "self.metadata.name.size() <= 53",
            "an application's name has at most 53 characters, because its release is named as it is",
        ),
        (
            "!has(self.spec.after) || !(self.metadata.name in self.spec.after)",
            "an application can't come after itself",
        ),
    ];
    const CONDITIONS: &'static [Explained] = &[
        Explained {
            kind: READY,
            meaning: "The newest artifact that may be in a stage is there, in every stage.",
            reasons: &[
                (AS_WRITTEN, "True", "it is"),
                (AT_WORK, "False", "a promotion is under way"),
                (
                    WAITING,
                    "False",
                    "a promotion waits for a gate, or the application is held",
                ),
                (FAILED, "False", "the last promotion failed"),
                (
                    NO_CHART,
                    "False",
                    "the source or the chart in it does not exist, or nothing was published yet",
                ),
                (
                    MISTAKES,
                    "False",
                    "a stage does not exist, a host is not the tenant's, or it comes after itself",
                ),
            ],
        },
        Explained {
            kind: DRIFTED,
            meaning: "Somebody else changed what was deployed.",
            reasons: &[
                (
                    CHANGED_BY_OTHERS,
                    "True",
                    "the message names objects and fields; the stage only reports",
                ),
                (PUT_BACK, "False", "it was, and was put back"),
                (NO_DRIFT, "False", "nobody did"),
            ],
        },
    ];
    type Spec = ApplicationSpec;
    type Status = ApplicationStatus;

    fn conditions(status: &mut ApplicationStatus) -> &mut Vec<Condition> {
        &mut status.conditions
    }
}

fn thirty_days() -> String {
    "720h".to_owned()
}
