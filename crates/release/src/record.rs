//! One revision of a release, as Helm's JSON has it.
//!
//! ```text
//! Secret ──storage──► Record { info, chart, config, manifest, hooks } ──print──► text
//! ```
//!
//! The fields are those of Helm 4, of which Helm 3's are a part. What we don't know is kept and written again, unlike
//! Helm, which drops it. A missing time is left out, as Helm 4 does; both read it. Times that we set are in UTC.

mod hook;
mod life;
mod time;

use std::collections::BTreeMap;
use std::fmt;

use model::Revision;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

pub use hook::{Hook, LastRun, Phase};
pub use life::Contents;
pub use time::Time;

use crate::chart::StoredChart;

/// One revision of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    #[serde(default, deserialize_with = "nullable")]
    pub info: Info,
    /// `None` in records that something else than Helm damaged, and once it was taken out for printing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<StoredChart>,
    /// The values that the user gave.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub manifest: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
    #[serde(rename = "version")]
    pub revision: Revision,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub namespace: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "ApplyMethod::is_unset"
    )]
    pub apply_method: ApplyMethod,
    /// The user's labels, which are kept on the Secret and not in the JSON.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// When, how and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Info {
    #[serde(default, with = "time::optional", skip_serializing_if = "Option::is_none")]
    pub first_deployed: Option<Time>,
    #[serde(default, with = "time::optional", skip_serializing_if = "Option::is_none")]
    pub last_deployed: Option<Time>,
    #[serde(default, with = "time::optional", skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Time>,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub description: String,
    #[serde(default, deserialize_with = "nullable")]
    pub status: Status,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub notes: String,
    /// Live objects by `v1/Kind`: never stored, but printed by `status`.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Map::is_empty")]
    pub resources: Map<String, Value>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Where a revision is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Also every word that Helm does not know.
    #[default]
    Unknown,
    Deployed,
    /// Gone from the cluster; the history was kept.
    Uninstalled,
    Superseded,
    Failed,
    Uninstalling,
    PendingInstall,
    PendingUpgrade,
    PendingRollback,
}

/// How the objects were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApplyMethod {
    /// Nobody said, which means client-side: records of Helm 3.
    #[default]
    #[serde(rename = "")]
    Unset,
    #[serde(rename = "ssa")]
    ServerSide,
    #[serde(rename = "csa")]
    ClientSide,
}

impl Status {
    pub const ALL: [Status; 9] = [
        Self::Unknown,
        Self::Deployed,
        Self::Uninstalled,
        Self::Superseded,
        Self::Failed,
        Self::Uninstalling,
        Self::PendingInstall,
        Self::PendingUpgrade,
        Self::PendingRollback,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
        }
    }

    /// Whether an operation is under way, or was left behind half done.
    #[must_use]
    pub fn is_pending(self) -> bool {
        matches!(
            self,
            Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = Self::ALL.into_iter().find(|status| status.as_str() == word);
        Ok(known.unwrap_or_default())
    }
}

impl ApplyMethod {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands fields by reference"
    )]
    pub(crate) fn is_unset(&self) -> bool {
        *self == Self::Unset
    }
}

/// Go reads null as a type's zero value.
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> String {
        let record: Record = serde_json::from_str(text).expect("a record");
        serde_json::to_string(&record).expect("it is JSON")
    }

    #[test]
    fn what_is_not_known_survives() {
        let text = concat!(
            r#"{"name":"a","info":{"status":"deployed","new":1},"chart":{"metadata":{"name":"c","version":"1","apiVersion":"v2","x":[1]},"#,
            r#""lock":null,"templates":[{"name":"t","data":"YQ==","modtime":"2026-11-22T04:37:19.164495389Z"}],"values":null,"#,
            r#""schema":null,"schemamodtime":"0001-01-01T00:00:00Z","files":null,"x":0},"#,
            r#""hooks":[{"name":"h","last_run":{"phase":"","y":2},"z":3}],"version":1,"namespace":"n","future":{"a":null}}"#
        );
        assert_eq!(round_trip(text), text);
    }

    #[test]
    fn null_is_as_good_as_missing() {
        let text = r#"{"name":"a","info":null,"chart":null,"config":null,"manifest":null,"hooks":null,"version":7,"namespace":null}"#;
        assert_eq!(
            round_trip(text),
            r#"{"name":"a","info":{"status":"unknown"},"version":7}"#
        );
    }

    #[test]
    fn a_record_has_a_revision() {
        for text in [r#"{"name":"a"}"#, r#"{"name":"a","version":0}"#] {
            assert!(serde_json::from_str::<Record>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn statuses_are_helms_words() {
        for status in Status::ALL {
            let word = serde_json::to_value(status).expect("a word");
            assert_eq!(word, status.as_str());
            assert_eq!(serde_json::from_value::<Status>(word).ok(), Some(status));
        }
        assert_eq!(
            serde_json::from_str::<Status>("\"new\"").ok(),
            Some(Status::Unknown)
        );
    }
}
