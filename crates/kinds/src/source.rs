//! `ChartSource`: a git repository of charts, and how it is looked at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::{
    Condition, Explained, REACHABLE, READY,
    reason::{ANSWERS, AS_WRITTEN, AT_WORK, MISTAKES, NO_ANSWER},
};
use crate::kind::{Column, Kind, Scope};
use crate::text;

/// A repository of charts.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartSource;

/// Where a repository is, and what of it counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "!has(self.api) || (has(self.forge) && self.forge != 'Git')",
     "message": "plain git has no API: say forge: GitHub or GitLab, or leave api out"}
]))]
pub struct ChartSourceSpec {
    /// The repository, as git takes it: `https://`, `ssh://`, `file://`, or `git@host:path`. A name or password in it is
    /// refused: that is what `credentials` is for.
    #[schemars(with = "text::Address", extend("x-kubernetes-validations" = [
        {"rule": "self.matches('^(https?|ssh|file)://.+') || self.matches('^[^@:/]+@[^@:/]+:.+')",
         "message": "a repository is an https, ssh or file URL, or git@host:path"},
        {"rule": "!self.matches('^https?://[^/]*@')",
         "message": "names and passwords don't belong in a URL: put them into a Secret and name it in credentials"}
    ]))]
    pub url: String,
    /// What answers there beside git.
    #[serde(default)]
    pub forge: Forge,
    /// The address of the forge's API, where it is not the public one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<text::Address>")]
    pub api: Option<String>,
    /// The branch whose commits are published.
    #[serde(default = "main")]
    #[schemars(extend("minLength" = 1, "maxLength" = 250))]
    pub branch: String,
    /// The folders in which charts are looked for. None is the whole repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::Path>", extend("maxItems" = 32, "x-kubernetes-list-type" = "set"))]
    pub folders: Vec<String>,
    /// The tenants whose applications may take charts from it. None is every tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<text::TenantName>", extend("maxItems" = 64, "x-kubernetes-list-type" = "set"))]
    pub tenants: Vec<String>,
    /// Which changes are verified before they are merged.
    #[serde(default)]
    pub proposals: Proposals,
    /// The Secret with what git and the forge ask for: `username` and `password`, or `ssh-privatekey` and `known_hosts`,
    /// and `token` for the forge's API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SecretName>,
    /// The Secret whose `secret` signs webhooks, and `previous` while the one before it is still in use. Without it, webhooks
    /// are refused. Those of plain git are signed as <https://www.standardwebhooks.com> says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<SecretName>,
    /// How often it is looked at when no webhook comes.
    #[serde(default = "minute")]
    #[schemars(with = "text::Duration")]
    pub interval: String,
}

/// What serves a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Forge {
    /// Nothing but git: a verdict is a note on the commit.
    #[default]
    Git,
    /// A verdict is a status and a comment on the pull request.
    GitHub,
    /// A verdict is a status and a comment on the merge request.
    GitLab,
}

/// Which changes are verified before they are merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Proposals {
    /// None.
    None,
    /// Branches of the repository itself, and pull requests from them.
    #[default]
    Own,
    /// Pull requests from forks too, which strangers can open.
    Forks,
}

/// A Secret of the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretName {
    /// Its name.
    #[schemars(with = "text::Subdomain")]
    pub secret: String,
    /// Its namespace.
    #[serde(default = "system")]
    #[schemars(with = "text::Label")]
    pub namespace: String,
}

/// What was seen of a repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ChartSourceStatus {
    /// The generation of the spec that everything here is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` and `Reachable`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The commit of the branch that was looked at last.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// How many charts it has.
    pub charts: u32,
    /// How many changes are open.
    pub proposals: u32,
}

impl Kind for ChartSource {
    const NAME: &'static str = "ChartSource";
    const ABOUT: &'static str = "A git repository of charts.";
    const PLURAL: &'static str = "chartsources";
    const SHORT: &'static [&'static str] = &["src"];
    const SCOPE: Scope = Scope::Cluster;
    const COLUMNS: &'static [Column] = &[
        Column::string("URL", ".spec.url"),
        Column::string("Branch", ".spec.branch"),
        Column::of("Charts", "integer", ".status.charts"),
        Column::READY,
        Column::string("Commit", ".status.commit").wide(),
        Column::AGE,
    ];
    const CONDITIONS: &'static [Explained] = &[
        Explained {
            kind: READY,
            meaning: "The branch's newest commit was looked at.",
            reasons: &[
                (AS_WRITTEN, "True", "it was"),
                (AT_WORK, "False", "it is being fetched"),
                (
                    MISTAKES,
                    "False",
                    "a Secret, the branch or a folder does not exist",
                ),
                (NO_ANSWER, "False", "see `Reachable`"),
            ],
        },
        Explained {
            kind: REACHABLE,
            meaning: "The repository answers.",
            reasons: &[
                (ANSWERS, "True", "it does"),
                (
                    NO_ANSWER,
                    "False",
                    "it does not, or refuses the credentials; the message says which",
                ),
            ],
        },
    ];
    type Spec = ChartSourceSpec;
    type Status = ChartSourceStatus;

    fn conditions(status: &mut ChartSourceStatus) -> &mut Vec<Condition> {
        &mut status.conditions
    }
}

fn main() -> String {
    "main".to_owned()
}

fn minute() -> String {
    "1m".to_owned()
}

fn system() -> String {
    "shipway-system".to_owned()
}
