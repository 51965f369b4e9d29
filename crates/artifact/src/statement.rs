//! What is said of a published version, and signed: an in-toto statement (version 1) with a predicate of our own.
//!
//! ```text
//! subject     NAME-VERSION.tgz, sha256
//! predicate   chart (its Chart.yaml), source (repository, commit, path, author, when), verification, who published it, when
//! ```
//!
//! The predicate carries the chart's fields, so that an index can be made from statements alone. Fields that are not known
//! are passed over: a later version may say more.

mod envelope;
mod keys;

use jiff::Timestamp;
use model::{ChartName, ChartVersion, Digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use envelope::{Envelope, MAX_STATEMENT};
pub use keys::{PublicKey, SigningKey, Trusted};

use crate::error::Error;
use crate::name::Name;
use crate::package::Package;

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "https://shipway.dev/publication/v1";

/// What is said of one published version.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub chart: ChartName,
    pub version: ChartVersion,
    /// Of the package.
    pub digest: Digest,
    /// The fields of its `Chart.yaml`.
    pub fields: Map<String, Value>,
    pub source: Source,
    /// `None`: nobody verified it.
    pub verification: Option<Verified>,
    /// Who published it.
    pub publisher: String,
    /// When.
    pub time: Timestamp,
}

/// Where a version comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    /// The `ChartSource`, by name; empty when it was published by hand.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The repository's address, without credentials.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repository: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// The chart's folder in the repository.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Who wrote the commit, as git has it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// Who wrote and committed all that came since the version before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Whether there are more than are named.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// When the commit was made, as git has it: where the lead time of a change begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed: Option<Timestamp>,
}

/// The verification that a version passed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Verified {
    /// The `Verification`, by name.
    pub name: String,
    /// The levels that passed, as `L1`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
    /// What was kept of it in the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    name: String,
    digest: Sums,
}

#[derive(Serialize, Deserialize)]
struct Sums {
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    chart: Map<String, Value>,
    #[serde(default)]
    source: Source,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verification: Option<Verified>,
    #[serde(default)]
    published_by: String,
    time: Timestamp,
}

impl Statement {
    /// What is to be said of a package, with nothing said yet of where it comes from. Times have whole seconds.
    pub fn about(package: &Package, publisher: impl Into<String>, time: Timestamp) -> Self {
        Self {
            chart: package.chart.clone(),
            version: package.version.clone(),
            digest: package.digest,
            fields: package.fields.clone(),
            source: Source::default(),
            verification: None,
            publisher: publisher.into(),
            time: Timestamp::from_second(time.as_second()).unwrap_or(time),
        }
    }

    pub fn name(&self) -> Name {
        Name::new(&self.chart, &self.version)
    }

    /// Holds a statement to the name under which it was found.
    ///
    /// # Errors
    /// It is about another: somebody moved it.
    pub fn check_name(&self, name: &Name) -> Result<(), Error> {
        if self.name() == *name {
            return Ok(());
        }
        Err(Error::Statement {
            what: format!("the statement of {name}"),
            problem: format!("is about version {} of {}", self.version, self.chart),
        })
    }

    /// Holds a package to what was said of it.
    ///
    /// # Errors
    /// Another digest, name or version.
    pub fn check_package(&self, package: &Package) -> Result<(), Error> {
        if package.digest != self.digest {
            return Err(Error::Differs {
                what: format!("the package of {}", self.name()),
                wanted: self.digest,
                found: package.digest,
            });
        }
        if (&package.chart, &package.version) == (&self.chart, &self.version) {
            return Ok(());
        }
        Err(Error::Statement {
            what: format!("the statement of {}", self.name()),
            problem: format!(
                "is about a package that says of itself that it is version {} of {}",
                package.version, package.chart
            ),
        })
    }

    fn to_json(&self) -> Vec<u8> {
        let written = Written {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![Subject {
                name: self.name().file(),
                digest: Sums {
                    sha256: self.digest.hex(),
                },
            }],
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate: Predicate {
                chart: self.fields.clone(),
                source: self.source.clone(),
                verification: self.verification.clone(),
                published_by: self.publisher.clone(),
                time: self.time,
            },
        };
        serde_json::to_vec(&written).expect("maps with text as keys are JSON")
    }

    fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        let refuse = |problem: String| Error::Statement {
            what: "the statement".into(),
            problem,
        };
        let written: Written =
            serde_json::from_slice(bytes).map_err(|error| refuse(format!("can't be read: {error}")))?;
        if written.kind != STATEMENT_TYPE {
            return Err(refuse(format!(
                "is a {:?}, not a {STATEMENT_TYPE:?}",
                written.kind
            )));
        }
        if written.predicate_type != PREDICATE_TYPE {
            return Err(refuse(format!(
                "says a {:?}, not a {PREDICATE_TYPE:?}",
                written.predicate_type
            )));
        }
        let [subject] = written.subject.as_slice() else {
            return Err(refuse(format!(
                "is about {} subjects, not one",
                written.subject.len()
            )));
        };
        let predicate = written.predicate;
        let field = |name: &str| {
            predicate
                .chart
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let chart: ChartName = field("name")
            .parse()
            .map_err(|error| refuse(format!("has a wrong {error}")))?;
        let version: ChartVersion = field("version")
            .parse()
            .map_err(|error| refuse(format!("has a wrong {error}")))?;
        let digest = format!("sha256:{}", subject.digest.sha256)
            .parse()
            .map_err(|error| refuse(format!("has a wrong {error}")))?;
        let name = Name::new(&chart, &version);
        if subject.name != name.file() {
            return Err(refuse(format!(
                "is about {:?}, but its chart is {:?}",
                subject.name,
                name.file()
            )));
        }
        Ok(Self {
            chart,
            version,
            digest,
            fields: predicate.chart,
            source: predicate.source,
            verification: predicate.verification,
            publisher: predicate.published_by,
            time: predicate.time,
        })
    }
}
