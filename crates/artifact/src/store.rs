//! A store of published versions: what is read from it, and the sweep that finds what no event told of.
//!
//! ```text
//! publish   package ─► statement ─► index        a version is there from its statement on
//! remove    gone ─► statement ─► index ─► package
//! ```
//!
//! Both are lists of steps each of which may be the last one done: what a stop leaves is either no version or a whole one,
//! and the next publish or sweep goes on from there. Nothing is remembered between two calls but that the store keeps its
//! conditions.

mod indexing;
mod publish;
mod sweep;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use model::Digest;

pub use indexing::Indexed;
pub(crate) use publish::GRACE;
pub use publish::Published;
pub use sweep::{Removed, Swept};

use crate::error::Error;
use crate::name::{self, Name};
use crate::objects::{Bucket, Folder, Objects};
use crate::package::{MAX_PACKAGE, Package};
use crate::place::{Place, Settings};
use crate::statement::{Envelope, MAX_STATEMENT, Statement, Trusted};

/// What a verification keeps: events, logs and objects of some minutes. More is a loop that logs.
const MAX_EVIDENCE: usize = 64 * 1024 * 1024;

/// How many objects are read at the same time; S3 answers each in some 30 ms, and limits nobody at this rate.
const AT_ONCE: usize = 16;

/// A store of published versions.
#[derive(Clone, Debug)]
pub struct Store {
    place: Place,
    objects: Arc<dyn Objects>,
}

impl Store {
    /// Nothing is asked of the store yet.
    ///
    /// # Errors
    /// Settings that lead nowhere.
    pub fn open(place: Place, settings: &Settings) -> Result<Self, Error> {
        let objects: Arc<dyn Objects> = match &place {
            Place::Folder(path) => Arc::new(Folder::new(path)),
            Place::Bucket { .. } => Arc::new(Bucket::new(place.clone(), settings)?),
        };
        Ok(Self { place, objects })
    }

    /// A store over objects that are kept in some other way.
    pub fn over(place: Place, objects: Arc<dyn Objects>) -> Self {
        Self { place, objects }
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Where the package of a version is, as an `Artifact` says it.
    pub fn location(&self, name: &Name) -> String {
        self.place.location(&name.package_key())
    }

    /// Every published version, by name.
    pub async fn names(&self) -> Result<BTreeSet<Name>, Error> {
        let listed = self.objects.list(name::CHARTS).await?;
        Ok(listed
            .iter()
            .filter_map(|object| Name::of_statement(&object.key))
            .collect())
    }

    /// The versions that were published and are not known: what to look at when events were lost.
    pub async fn unknown(&self, known: impl Fn(&Name) -> bool) -> Result<Vec<Name>, Error> {
        let names = self.names().await?;
        Ok(names.into_iter().filter(|name| !known(name)).collect())
    }

    /// What is said of some versions, whoever says it. What is no statement has its error instead.
    pub async fn list(
        &self,
        names: impl IntoIterator<Item = Name>,
    ) -> Result<Vec<(Name, Result<Statement, Error>)>, Error> {
        let reads = names.into_iter().map(|name| async move {
            Ok(match self.read(&name).await {
                Ok(Some(statement)) => Some((name, Ok(statement))),
                // Deleted since it was named.
                Ok(None) => None,
                Err(error @ Error::Statement { .. }) => Some((name, Err(error))),
                Err(error) => return Err(error),
            })
        });
        let found = stream::iter(reads)
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The statement of a version as it is signed.
    ///
    /// # Errors
    /// There is no such version, or no statement where one should be.
    pub async fn envelope(&self, name: &Name) -> Result<Envelope, Error> {
        let found = self.find(name).await?;
        found.ok_or_else(|| Error::not_there(&self.place, format!("version {name}")))
    }

    /// What somebody who is trusted says of a version.
    ///
    /// # Errors
    /// There is no such version, nobody who is trusted signed it, or it is the statement of another.
    pub async fn statement(&self, name: &Name, trusted: &Trusted) -> Result<Statement, Error> {
        let statement = trusted.read(&self.envelope(name).await?)?;
        statement.check_name(name)?;
        Ok(statement)
    }

    /// The package that a statement is about, and no other.
    ///
    /// # Errors
    /// It is not there, or its digest, name or version is another.
    pub async fn package(&self, statement: &Statement) -> Result<Package, Error> {
        let name = statement.name();
        let key = name.package_key();
        let Some(content) = self.objects.get(&key, MAX_PACKAGE).await? else {
            return Err(Error::not_there(&self.place, format!("package {}", name.file())));
        };
        let found = Digest::of(&content.bytes);
        if found != statement.digest {
            return Err(Error::Differs {
                what: format!("the package of {name}"),
                wanted: statement.digest,
                found,
            });
        }
        let package = Package::read(content.bytes)?;
        statement.check_package(&package)?;
        Ok(package)
    }

    /// Keeps evidence under its digest.
    pub async fn keep_evidence(&self, bytes: Bytes) -> Result<Digest, Error> {
        if bytes.len() > MAX_EVIDENCE {
            return Err(Error::TooLarge {
                what: "keep the evidence".into(),
                limit: MAX_EVIDENCE,
            });
        }
        let digest = Digest::of(&bytes);
        self.objects.check_conditions().await?;
        // That it is there already is as good: its name is its content.
        self.objects.create(&name::evidence_key(&digest), bytes).await?;
        Ok(digest)
    }

    /// The evidence of a digest.
    ///
    /// # Errors
    /// It is not there, or was changed.
    pub async fn evidence(&self, wanted: &Digest) -> Result<Bytes, Error> {
        let key = name::evidence_key(wanted);
        let Some(content) = self.objects.get(&key, MAX_EVIDENCE).await? else {
            return Err(Error::not_there(&self.place, format!("evidence {wanted}")));
        };
        let found = Digest::of(&content.bytes);
        if found != *wanted {
            return Err(Error::Differs {
                what: "the evidence".into(),
                wanted: *wanted,
                found,
            });
        }
        Ok(content.bytes)
    }

    async fn find(&self, name: &Name) -> Result<Option<Envelope>, Error> {
        let key = name.statement_key();
        let content = self
            .objects
            .get(&key, MAX_STATEMENT)
            .await
            .map_err(|error| match error {
                Error::TooLarge { limit, .. } => Error::Statement {
                    what: format!("the statement of {name}"),
                    problem: format!("is larger than {limit} bytes"),
                },
                error => error,
            })?;
        content
            .map(|content| Envelope::from_json(&content.bytes).map_err(|error| named(error, name)))
            .transpose()
    }

    async fn read(&self, name: &Name) -> Result<Option<Statement>, Error> {
        let Some(envelope) = self.find(name).await? else {
            return Ok(None);
        };
        let statement = envelope.unchecked().map_err(|error| named(error, name))?;
        statement.check_name(name)?;
        Ok(Some(statement))
    }
}

/// Says of which version a statement is that can't be read.
fn named(error: Error, name: &Name) -> Error {
    match error {
        Error::Statement { problem, .. } => Error::Statement {
            what: format!("the statement of {name}"),
            problem,
        },
        error => error,
    }
}
