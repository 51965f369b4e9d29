//! `FreezeWindow`: a time in which nothing moves, and who may let something through.
//!
//! A kind has one scope, so where a window is says whom it is for: one in `shipway-system` is for everybody, one in a
//! tenant's namespace for that tenant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{
    Condition, Explained, FROZEN, READY,
    reason::{AS_WRITTEN, FROZEN as IS_FROZEN, MISTAKES, NOT_FROZEN},
};
use crate::kind::{Column, Kind, Scope};
use crate::text;

/// A time in which nothing moves.
#[derive(Clone, Debug, PartialEq)]
pub struct FreezeWindow;

/// When, what and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "has(self.once) != has(self.weekly)", "message": "say either once or weekly"}
]))]
pub struct FreezeWindowSpec {
    /// Why, as it is told to whoever waits.
    #[schemars(with = "text::Reason")]
    pub reason: String,
    /// From one moment to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<Once>,
    /// Again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<Weekly>,
    /// The stages that it closes. None is every stage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::Label>", extend("maxItems" = 32, "x-kubernetes-list-type" = "set"))]
    pub stages: Vec<String>,
    /// The tenants that it is for, of a window in `shipway-system`. None is every tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::TenantName>", extend("maxItems" = 64, "x-kubernetes-list-type" = "set"))]
    pub tenants: Vec<String>,
    /// The applications that it is for, of a window in a tenant's namespace. None is every application.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::ReleaseName>", extend("maxItems" = 64, "x-kubernetes-list-type" = "set"))]
    pub applications: Vec<String>,
    /// Whether going back to an older version is closed too.
    #[serde(default)]
    pub rollbacks: bool,
    /// The groups that may let a promotion through or end it, with a reason. None is whoever may override for the tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::Subject>", extend("maxItems" = 16, "x-kubernetes-list-type" = "set"))]
    pub overridable_by: Vec<String>,
}

/// From one moment to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.from < self.to", "message": "a window begins before it ends"}
]))]
pub struct Once {
    /// The first moment, as in `2026-12-20T18:00:00+01:00`.
    #[schemars(with = "text::Time")]
    pub from: String,
    /// The first moment after it.
    #[schemars(with = "text::Time")]
    pub to: String,
}

/// Again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Weekly {
    /// The days on which it begins.
    #[schemars(extend("minItems" = 1, "maxItems" = 7, "x-kubernetes-list-type" = "set"))]
    pub days: Vec<Day>,
    /// The time of day at which it begins: `18:00`.
    #[schemars(extend("maxLength" = 5, "pattern" = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub from: String,
    /// How long it lasts; at most a week.
    #[schemars(with = "text::Duration", extend("x-kubernetes-validations" = [
        {"rule": "duration(self) > duration('0s') && duration(self) <= duration('168h')",
         "message": "a weekly window lasts longer than nothing and at most 168h"}
    ]))]
    pub lasts: String,
    /// The time zone of `from`, as in `Europe/Berlin`.
    #[serde(default = "utc")]
    #[schemars(with = "text::TimeZone")]
    pub time_zone: String,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// Whether it is on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FreezeWindowStatus {
    /// The generation of the spec that everything here is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` and `Frozen`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// When it is on, or will be next. Empty when it is over for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub from: Option<String>,
    /// When that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub to: Option<String>,
    /// How many promotions wait for its end.
    pub waiting: u32,
}

impl Kind for FreezeWindow {
    const NAME: &'static str = "FreezeWindow";
    const ABOUT: &'static str = "A time in which nothing moves, and who may let something through.";
    const PLURAL: &'static str = "freezewindows";
    const SHORT: &'static [&'static str] = &["freeze"];
    const SCOPE: Scope = Scope::Namespaced;
    const COLUMNS: &'static [Column] = &[
        Column::string("Frozen", ".status.conditions[?(@.type=='Frozen')].status"),
        Column::string("From", ".status.from"),
        Column::string("To", ".status.to"),
        Column::string("Why", ".spec.reason"),
        Column::of("Waiting", "integer", ".status.waiting").wide(),
        Column::AGE,
    ];
    const CONDITIONS: &'static [Explained] = &[
        Explained {
            kind: READY,
            meaning: "It is known when it is on.",
            reasons: &[
                (AS_WRITTEN, "True", "it is"),
                (
                    MISTAKES,
                    "False",
                    "a stage, a tenant or the time zone does not exist",
                ),
            ],
        },
        Explained {
            kind: FROZEN,
            meaning: "It is on.",
            reasons: &[
                (IS_FROZEN, "True", "the message says until when"),
                (NOT_FROZEN, "False", "the message says when it is next"),
            ],
        },
    ];
    type Spec = FreezeWindowSpec;
    type Status = FreezeWindowStatus;

    fn conditions(status: &mut FreezeWindowStatus) -> &mut Vec<Condition> {
        &mut status.conditions
    }
}

fn utc() -> String {
    "UTC".to_owned()
}
