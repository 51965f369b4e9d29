//! What can be wrong with a release's record, with its code and its cure.

use model::{Code, Diagnose, Revision};

/// A record that can't be read or can't be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The object is there and does not hold a record.
    #[error("{object} holds no release record that can be read")]
    Unreadable { object: String, source: Unpack },

    #[error("release {release} revision {revision} can't be packed into its record: {reason}")]
    Pack {
        release: String,
        revision: Revision,
        reason: String,
    },

    #[error(
        "the record of release {release} revision {revision} has {size} bytes packed, and a {kind} holds at most \
         {limit}; the largest in it: {}",
        largest(.parts)
    )]
    TooLarge {
        release: String,
        revision: Revision,
        kind: &'static str,
        size: usize,
        limit: usize,
        /// The largest first, with the bytes they have in the record before it is packed.
        parts: Vec<Part>,
    },

    #[error("label {label:?} of release {release} is one that Helm sets itself")]
    SystemLabel { release: String, label: String },

    #[error("revision {revision} of release {release} has no chart in its record")]
    NoChart { release: String, revision: Revision },

    #[error("value {key} is {number}, which a release's record can't hold")]
    NotFinite { key: String, number: f64 },

    #[error("values below {key} are nested more than {limit} deep")]
    TooDeep { key: String, limit: usize },

    #[error("the chart in the record has metadata that can't be read: {reason}")]
    Metadata { reason: String },

    #[error("the chart in the record has a file {file} that is not base64: {reason}")]
    File { file: String, reason: String },

    #[error("release {release} has no deployed revision")]
    NothingDeployed { release: String },

    #[error("release {release} has no revision {revision}; it has {}", known(.revisions))]
    NoSuchRevision {
        release: String,
        revision: u32,
        revisions: Vec<Revision>,
    },

    #[error("release {release} has only had its first revision, and there is none before it to go back to")]
    NothingBefore { release: String },

    #[error("release {release} has had 4294967295 revisions and can't have another")]
    NoRevisionLeft { release: String },

    #[error(transparent)]
    Chart(#[from] chart::Error),
}

/// Why packed text is no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unpack {
    #[error("it has no data under the key `release`")]
    NoData,
    #[error("its data is not base64: {reason}")]
    Base64 { reason: String },
    #[error("its data can't be decompressed: {reason}")]
    Gzip { reason: String },
    #[error("its data unpacks to more than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("its data is not the JSON of a release: {reason}")]
    Json { reason: String },
}

/// A part of a record and how much of it there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `templates/x.yaml`, `crds/y.yaml`, `manifest`, `values`
    pub name: String,
    pub bytes: usize,
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. } | Self::NoChart { .. } | Self::Metadata { .. } | Self::File { .. } => {
                Code::RECORD
            }
            Self::TooLarge { .. } => Code::RECORD_SIZE,
            Self::SystemLabel { .. } => Code::RECORD_LABEL,
            Self::Pack { .. } | Self::NotFinite { .. } | Self::TooDeep { .. } => Code::VALUES,
            Self::NothingDeployed { .. }
            | Self::NoSuchRevision { .. }
            | Self::NothingBefore { .. }
            | Self::NoRevisionLeft { .. } => Code::NO_SUCH_REVISION,
            Self::Chart(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { object, .. } => format!(
                "an object of type helm.sh/release.v1 was changed by hand or cut off: restore {object} from a backup, \
                 or delete it, after which the release goes on from its other revisions"
            ),
            Self::NoChart { .. } | Self::Metadata { .. } | Self::File { .. } => {
                "upgrade with --reset-values, which does not look at the chart of the last revision"
                    .to_owned()
            }
            Self::TooLarge { parts, .. } => cure(parts),
            Self::SystemLabel { .. } => format!(
                "choose another name than {}",
                crate::storage::SYSTEM_LABELS.join(", ")
            ),
            Self::TooDeep { .. } => {
                "values are kept as JSON, which is read up to a depth; flatten them".to_owned()
            }
            Self::Pack { .. } | Self::NotFinite { .. } => {
                "values are what JSON can hold: texts, finite numbers, booleans, lists and tables".to_owned()
            }
            Self::NothingDeployed { .. } => {
                "install it again, or roll back to a revision that its history lists".to_owned()
            }
            Self::NoSuchRevision { .. } => "the release's history lists its revisions".to_owned(),
            Self::NothingBefore { release } => format!(
                "upgrade it to what it should be; `shipway rollback {release} 1` puts the first revision back as it was"
            ),
            Self::NoRevisionLeft { .. } => {
                "uninstall it and install it again, which counts from 1".to_owned()
            }
            Self::Chart(error) => return error.hint(),
        })
    }
}

/// Advice by what the largest part is.
fn cure(parts: &[Part]) -> String {
    let name = parts.first().map(|part| part.name.as_str()).unwrap_or_default();
    let advice = if name.starts_with("crds/") {
        "move the CRDs into a chart of their own"
    } else if name == "manifest" || name == "hooks" {
        "split the release in two: what it renders to is most of it"
    } else if name == "values" || name == "config" {
        "move large values into ConfigMaps that are not part of the release"
    } else if name.starts_with("templates/") {
        "split the chart in two"
    } else {
        "name what the templates don't read in .helmignore, and take large files out of the chart"
    };
    format!("{advice}; the limit is that of Kubernetes and can't be raised")
}

fn largest(parts: &[Part]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|part| format!("{} ({} bytes)", part.name, part.bytes))
        .collect();
    parts.join(", ")
}

fn known(revisions: &[Revision]) -> String {
    let revisions: Vec<String> = revisions.iter().map(ToString::to_string).collect();
    match revisions.as_slice() {
        [] => "none".to_owned(),
        revisions => revisions.join(", "),
    }
}
