//! `Artifact`: one published version of a chart, named by its digest, with where it comes from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{
    BLOCKED, Condition, Explained, READY, VERIFIED,
    reason::{ANSWERS, AS_WRITTEN, BY_PERSON, DIGEST_DIFFERS, NO_ANSWER, NO_PROVENANCE, OPEN},
};
use crate::kind::{Column, Kind, Scope};
use crate::text;
use crate::verification::Level;

/// A published chart version.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact;

/// What was published, and where it comes from. Only `blocked` and `irreversible` may be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self.application == oldSelf.application && self.chart == oldSelf.chart && self.version == oldSelf.version \
      && self.digest == oldSelf.digest && self.location == oldSelf.location && self.origin == oldSelf.origin",
     "message": "a published version can't be changed; publish another version"}
]))]
pub struct ArtifactSpec {
    /// The `Application` that it is a version of, in the same namespace.
    #[schemars(with = "text::ReleaseName")]
    pub application: String,
    /// The chart's name.
    #[schemars(with = "text::ChartName")]
    pub chart: String,
    /// Its version.
    #[schemars(with = "text::Version")]
    pub version: String,
    /// The digest of its archive.
    #[schemars(with = "text::Digest")]
    pub digest: String,
    /// Where the archive is: `s3://BUCKET/KEY`, `oci://HOST/NAME`, `https://…` or `file://…`.
    #[schemars(with = "text::Address", extend("x-kubernetes-validations" = [
        {"rule": "self.matches('^(s3|oci|https?|file)://.+')", "message": "a location is an s3, oci, http, https or file URL"}
    ]))]
    pub location: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Why it must not be deployed anywhere. Without it, it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Blocked>,
    /// Whether a stage that had it can't go back to an older version, as after a migration that can't be undone.
    #[serde(default)]
    pub irreversible: bool,
}

/// Where an artifact comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The `ChartSource`, by name.
    #[schemars(with = "text::Subdomain")]
    pub source: String,
    /// The commit.
    #[schemars(with = "text::Commit")]
    pub commit: String,
    /// Who wrote the commit, as git has it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(extend("maxLength" = 320))]
    pub author: String,
    /// Who wrote and committed what came with this version: all since the one that was published before, as git has them, and
    /// who proposed it, where the forge said so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::Person>", extend("maxItems" = 100))]
    pub authors: Vec<String>,
    /// Whether there are more authors than are named.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// When the commit was made, as git has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Time>")]
    pub committed: Option<String>,
    /// When it was published.
    #[schemars(with = "text::Time")]
    pub time: String,
    /// The `Verification` of the commit, by name. Without it, nobody verified it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Subdomain>")]
    pub verification: Option<String>,
    /// The highest level that it passed, as the signed statement says. It counts when the `Verification` is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The digest of that verification's evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Digest>")]
    pub evidence: Option<String>,
}

/// Why a version must not be deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blocked {
    /// Who said so.
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

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ArtifactStatus {
    /// The generation of the spec that everything here is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, `Verified` and `Blocked`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The stages in which it is deployed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub stages: Vec<String>,
    /// The stages in which it failed; it is not tried there again without a person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub failed: Vec<String>,
    /// How long it was ready in the stages that it has left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("maxItems" = 32, "x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["stage"]))]
    pub soaked: Vec<Soaked>,
}

/// How long an artifact was ready in a stage that it has left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Soaked {
    /// The stage.
    pub stage: String,
    /// The longest time without a break, in seconds.
    pub seconds: u64,
}

impl Kind for Artifact {
    const NAME: &'static str = "Artifact";
    const ABOUT: &'static str =
        "One published version of a chart, named by its digest, and where it comes from.";
    const PLURAL: &'static str = "artifacts";
    const SHORT: &'static [&'static str] = &["art"];
    const SCOPE: Scope = Scope::Namespaced;
    const COLUMNS: &'static [Column] = &[
        Column::string("Application", ".spec.application"),
        Column::string("Version", ".spec.version"),
        Column::string("Stages", ".status.stages"),
        Column::READY,
        Column::string("Blocked", ".spec.blocked.reason"),
        Column::string("Digest", ".spec.digest").wide(),
        Column::string("Commit", ".spec.origin.commit").wide(),
        Column::AGE,
    ];
    const CONDITIONS: &'static [Explained] = &[
        Explained {
            kind: READY,
            meaning: "The archive is where it should be.",
            reasons: &[
                (ANSWERS, "True", "it is"),
                (
                    NO_ANSWER,
                    "False",
                    "the store does not answer, or does not have it",
                ),
            ],
        },
        Explained {
            kind: VERIFIED,
            meaning: "The archive is what was published, and its provenance is signed by a key that is trusted.",
            reasons: &[
                (AS_WRITTEN, "True", "it is"),
                (DIGEST_DIFFERS, "False", "the archive has another digest"),
                (
                    NO_PROVENANCE,
                    "False",
                    "there is no provenance, or nobody who is trusted signed it",
                ),
            ],
        },
        Explained {
            kind: BLOCKED,
            meaning: "It must not be deployed anywhere.",
            reasons: &[
                (BY_PERSON, "True", "the message says who blocked it and why"),
                (OPEN, "False", "nobody did"),
            ],
        },
    ];
    type Spec = ArtifactSpec;
    type Status = ArtifactStatus;

    fn conditions(status: &mut ArtifactStatus) -> &mut Vec<Condition> {
        &mut status.conditions
    }
}
