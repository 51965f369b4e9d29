//! `Stage`: a step on the road, such as staging or production: where it deploys to, and what has to hold before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{
    Condition, Explained, FROZEN, READY,
    reason::{AS_WRITTEN, FROZEN as IS_FROZEN, MISTAKES, NO_CLUSTER, NOT_FROZEN},
};
use crate::kind::{Column, Kind, Scope};
use crate::tenant::Drift;
use crate::text;
use crate::verification::Level;

/// A step on the road.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage;

/// What comes before it, where it deploys to, and what has to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "has(self.pair) != (has(self.clusters) && self.clusters.size() > 0)",
     "message": "say either clusters or pair"},
    {"rule": "has(self.after) || !has(self.gates) || !has(self.gates.soakBefore) || self.gates.soakBefore == '0s'",
     "message": "a first stage has none before it: leave gates.soakBefore out, or say what it comes after"}
]))]
pub struct StageSpec {
    /// The stage in which an artifact has to be before. The first stage has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Label>")]
    pub after: Option<String>,
    /// The clusters that it deploys to, in this order, in waves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::Label>", extend("maxItems" = 64, "x-kubernetes-list-type" = "set"))]
    pub clusters: Vec<String>,
    /// The cluster pair that it deploys to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Label>")]
    pub pair: Option<String>,
    /// Whether an artifact comes here by itself.
    #[serde(default)]
    pub promotion: PromotionMode,
    /// What a promotion waits for.
    #[serde(default)]
    pub gates: Gates,
    /// How several clusters are gone through.
    #[serde(default)]
    pub waves: Waves,
    /// How long a release may take to be ready in one cluster.
    #[serde(default = "ten_minutes")]
    #[schemars(with = "text::Duration")]
    pub timeout: String,
    /// How long it then has to stay ready before the promotion has succeeded.
    #[serde(default = "none")]
    #[schemars(with = "text::Duration")]
    pub soak: String,
    /// What becomes of a promotion that fails.
    #[serde(default)]
    pub failure: Failure,
    /// What becomes of changes that somebody else made to what was deployed.
    #[serde(default = "report")]
    pub drift: Drift,
    /// How much a promotion may delete without a person being asked.
    #[serde(default)]
    pub deletion_brake: DeletionBrake,
}

/// Who begins a promotion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PromotionMode {
    /// Every new artifact comes here by itself, as it always does in a first stage.
    Automatic,
    /// A person asks for it.
    #[default]
    OnRequest,
}

/// What has to hold before an artifact comes here. Freeze windows name the stages that they close.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gates {
    /// How long an artifact has to have been ready in the stage before.
    #[serde(default = "none")]
    #[schemars(with = "text::Duration")]
    pub soak_before: String,
    /// The level that its verification has to have passed.
    #[serde(default)]
    pub verification: Level,
    /// Whether it needs signed provenance.
    #[serde(default = "yes")]
    pub provenance: bool,
    /// The checks that have to have passed in the stage before: `ready` (every object is) and `no-drift` (nobody else changed
    /// what was deployed).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::Label>", extend("maxItems" = 32, "x-kubernetes-list-type" = "set"))]
    pub checks: Vec<String>,
    /// Who has to agree. Without it, nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
}

/// Who has to agree to the plan that was shown; a changed plan needs new approvals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approvals {
    /// How many people.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10))]
    pub quorum: u32,
    /// The groups that they have to be of: each person of one of them, and of each group one person. None is everybody who
    /// may approve for the tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::Subject>", extend("maxItems" = 16, "x-kubernetes-list-type" = "set"))]
    pub groups: Vec<String>,
    /// Whether an author of the change counts: of the artifact, or of one that the stage never had on the way to it. Where not
    /// all authors are known, one approval more is needed.
    #[serde(default)]
    pub author: bool,
}

/// How several clusters are gone through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waves {
    /// How many clusters at once.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 64))]
    pub size: u32,
    /// How many clusters may fail before the rest is left alone.
    #[serde(default)]
    #[schemars(range(min = 0, max = 64))]
    pub max_failed: u32,
}

/// What becomes of a promotion that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Failure {
    /// What was there before comes back.
    #[default]
    RollBack,
    /// Everything stays as it is, for a person to look at.
    Stop,
}

/// How much may be deleted without asking: more than either stops a promotion for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletionBrake {
    /// Objects of one release.
    #[serde(default = "ten")]
    #[schemars(range(min = 0, max = 100_000))]
    pub objects: u32,
    /// The share of a release's objects, in percent.
    #[serde(default = "quarter")]
    #[schemars(range(min = 0, max = 100))]
    pub percent: u32,
    /// Releases that lose objects, in the whole stage within an hour.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 100_000))]
    pub releases_per_hour: u32,
}

/// How a stage is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct StageStatus {
    /// The generation of the spec that everything here is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` and `Frozen`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// How many applications are deployed here.
    pub applications: u32,
    /// How many promotions wait for a gate.
    pub waiting: u32,
    /// How many promotions are under way.
    pub running: u32,
}

impl Kind for Stage {
    const NAME: &'static str = "Stage";
    const ABOUT: &'static str =
        "A step on the road to production: where it deploys to, and what has to hold before.";
    const PLURAL: &'static str = "stages";
    const SHORT: &'static [&'static str] = &["stg"];
    const SCOPE: Scope = Scope::Cluster;
    const COLUMNS: &'static [Column] = &[
        Column::string("After", ".spec.after"),
        Column::string("Promotion", ".spec.promotion"),
        Column::READY,
        Column::string("Frozen", ".status.conditions[?(@.type=='Frozen')].status"),
        Column::of("Applications", "integer", ".status.applications"),
        Column::of("Waiting", "integer", ".status.waiting").wide(),
        Column::AGE,
    ];
    const RULES: &'static [(&'static str, &'static str)] = &[
        (
            "self.metadata.name.size() <= 63",
            "a stage's name has at most 63 characters",
        ),
        (
            "!has(self.spec.after) || self.spec.after != self.metadata.name",
            "a stage can't come after itself",
        ),
    ];
    const CONDITIONS: &'static [Explained] = &[
        Explained {
            kind: READY,
            meaning: "Artifacts can be promoted into it.",
            reasons: &[
                (AS_WRITTEN, "True", "they can"),
                (
                    NO_CLUSTER,
                    "False",
                    "a cluster or the pair does not exist or does not answer",
                ),
                (
                    MISTAKES,
                    "False",
                    "what comes before it does not exist, or it comes before itself",
                ),
            ],
        },
        Explained {
            kind: FROZEN,
            meaning: "A freeze window closes it for everybody.",
            reasons: &[
                (IS_FROZEN, "True", "the message names the window and its end"),
                (NOT_FROZEN, "False", "none does"),
            ],
        },
    ];
    type Spec = StageSpec;
    type Status = StageStatus;

    fn conditions(status: &mut StageStatus) -> &mut Vec<Condition> {
        &mut status.conditions
    }
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            soak_before: none(),
            verification: Level::default(),
            provenance: yes(),
            checks: Vec::new(),
            approvals: None,
        }
    }
}

impl Default for Waves {
    fn default() -> Self {
        Self {
            size: one(),
            max_failed: 0,
        }
    }
}

impl Default for DeletionBrake {
    fn default() -> Self {
        Self {
            objects: ten(),
            percent: quarter(),
            releases_per_hour: ten(),
        }
    }
}

/// A person looks at drift first, until the stage says otherwise: putting back may undo what keeps a service alive.
fn report() -> Drift {
    Drift::Report
}

fn ten_minutes() -> String {
    "10m".to_owned()
}

fn none() -> String {
    "0s".to_owned()
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

fn ten() -> u32 {
    10
}

fn quarter() -> u32 {
    25
}
