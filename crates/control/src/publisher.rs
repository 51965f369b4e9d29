//! What passed becomes a version in the store, and what is in the store becomes `Artifact`s in the hub.
//!
//! ```text
//! Passed ──signed──► Store ──► look(name) ──► Artifact of each Application of that chart
//!                      └─ event, sweep ─┘
//! ```
//!
//! Who publishes looks himself, so an event only tells of what others published, and the sweep of what no event told of.
//! The name of an `Artifact` follows from application and version, so it is the same whoever looks, and how often.

use std::sync::Arc;

use artifact::{
    Envelope, Error as StoreError, Failure, Handler, Name, Package, Published, SigningKey, Source, Statement,
    Store, Trusted, Verified, artifact_name,
};
use jiff::Timestamp;
use kinds::{Application, Artifact, ChartSource, Object};
use model::{ApplicationName, Code, Diagnose as _, Digest};

use crate::error::Error;
use crate::hub::Hub;
use crate::kept::Kept;
use crate::verifications::gather::By;

/// What publishes.
#[derive(Clone, Debug)]
pub(crate) struct Publisher {
    pub(crate) hub: Hub,
    pub(crate) store: Store,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) trusted: Arc<Trusted>,
    pub(crate) applications: Kept<Application>,
    /// Who signs, in words.
    pub(crate) name: String,
}

/// Where a package comes from that passed.
#[derive(Debug)]
pub(crate) struct Passed<'a> {
    pub(crate) source: &'a Object<ChartSource>,
    pub(crate) path: &'a str,
    pub(crate) commit: &'a str,
    pub(crate) by: &'a By,
    pub(crate) verification: &'a str,
    pub(crate) levels: Vec<String>,
    pub(crate) evidence: Option<Digest>,
}

impl Publisher {
    /// Whether the version is published with other content: then what is wrong, and the cure.
    pub(crate) async fn taken(&self, package: &Package) -> Result<Option<(String, String)>, Error> {
        let envelope = match self.store.envelope(&package.name()).await {
            Err(error) if error.code() == Code::NO_ARTIFACT => return Ok(None),
            envelope => envelope?,
        };
        let statement = envelope.unchecked()?;
        if statement.digest == package.digest {
            return Ok(None);
        }
        let whose = match (statement.source.name.as_str(), statement.source.path.as_str()) {
            ("", _) => String::new(),
            (source, path) => format!(" from {path} of {source}"),
        };
        let message = format!(
            "{} was published already{whose}, with other content",
            package.name()
        );
        let cure = format!(
            "raise version in Chart.yaml: a version that was published never changes ({})",
            package.version
        );
        Ok(Some((message, cure)))
    }

    /// Keeps what a verification left, under its digest.
    pub(crate) async fn keep(&self, evidence: verify::Evidence) -> Result<Digest, Error> {
        Ok(self.store.keep_evidence(evidence.bytes().to_vec().into()).await?)
    }

    /// Publishes a package, and makes its Artifacts.
    pub(crate) async fn publish(
        &self,
        package: &Package,
        passed: Passed<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut statement = Statement::about(package, &*self.name, now);
        statement.source = Source {
            name: passed.source.metadata.name.clone(),
            repository: passed.source.spec.url.clone(),
            commit: passed.commit.to_owned(),
            path: source::snapshot::clean(passed.path).to_owned(),
            author: passed.by.author.clone(),
            authors: passed.by.authors.people.clone(),
            others: passed.by.authors.others,
            committed: Some(passed.by.committed),
        };
        statement.verification = Some(Verified {
            name: passed.verification.to_owned(),
            levels: passed.levels,
            evidence: passed.evidence,
        });
        let envelope = Envelope::sign(&statement, &self.key);
        let Published { already, index, .. } = self.store.publish(package, &envelope, now).await?;
        if let Err(error) = index {
            tracing::warn!(name = %package.name(), code = %error.code(), %error, "published, and not in the index yet");
        }
        if !already {
            tracing::info!(name = %package.name(), digest = %package.digest, "published");
        }
        self.make(&package.name()).await
    }

    /// Makes the Artifacts of a version that is in the store.
    pub(crate) async fn make(&self, name: &Name) -> Result<(), Error> {
        let statement = match self.store.statement(name, &self.trusted).await {
            Err(error) if error.code() == Code::NO_ARTIFACT => return Ok(()),
            statement => statement?,
        };
        let applications = self.applications.now().unwrap_or_default();
        let Source {
            name: source, path, ..
        } = &statement.source;
        let is_its = |application: &&Arc<Object<Application>>| {
            let place = &application.spec.chart;
            place.source == *source && source::snapshot::clean(&place.path) == path
        };
        for application in applications.values().filter(is_its) {
            self.make_one(application, name, &statement).await?;
        }
        Ok(())
    }

    async fn make_one(
        &self,
        application: &Object<Application>,
        name: &Name,
        statement: &Statement,
    ) -> Result<(), Error> {
        let Ok(of) = application.metadata.name.parse::<ApplicationName>() else {
            return Ok(());
        };
        let spec = statement.artifact(&of, self.store.location(name))?;
        let mut object: Object<Artifact> = Object::new(&artifact_name(&of, &statement.version), spec);
        object
            .metadata
            .namespace
            .clone_from(&application.metadata.namespace);
        self.hub.create(&object).await.map(drop)
    }
}

impl Handler for Publisher {
    async fn look(&self, name: &Name) -> Result<(), Failure> {
        self.make(name).await.map_err(|error| match &error {
            // The same each time, until a person does something.
            Error::Store(StoreError::Statement { .. } | StoreError::Untrusted { .. }) => {
                Failure::Stays(error.told())
            }
            _ => Failure::Passing(error.told()),
        })
    }
}
