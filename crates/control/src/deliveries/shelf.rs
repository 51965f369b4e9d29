//! What an artifact is deployed with: its chart from the store, and the values of a stage.
//!
//! What comes out of the store is held against the digest that the hub has, whatever the store says by now. Files with values
//! that a package does not have come from the repository, at the commit that was published.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use artifact::{Name, Store, Trusted};
use chart::Chart;
use chart::values::Map;
use kinds::{ApplicationStage, Artifact, ChartSource, Object};
use model::{Diagnose as _, Digest};
use source::{ObjectId, snapshot};
use stdx::chain;

use crate::error::Error;
use crate::kept::Kept;
use crate::sites::Sites;
use crate::verifications::gather::values;

/// How many charts are kept as they were read: what is deployed to several clusters or stages at a time is read once.
const MOST: usize = 64;

/// Charts that are larger, in bytes of their archive, are read each time.
const LARGEST: usize = 2 << 20;

/// Charts by digest, the oldest first.
type Charts = VecDeque<(Digest, Arc<Chart>)>;

/// The charts of artifacts. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shelf {
    pub(crate) store: Store,
    pub(crate) trusted: Arc<Trusted>,
    pub(crate) sites: Sites,
    pub(crate) sources: Kept<ChartSource>,
    kept: Arc<Lock<Charts>>,
}

/// What is deployed where.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) artifact: Object<Artifact>,
    /// The chart's folder in the repository.
    pub(super) path: String,
    pub(super) stage: ApplicationStage,
}

impl Shelf {
    pub(crate) fn new(store: Store, trusted: Arc<Trusted>, sites: Sites, sources: Kept<ChartSource>) -> Self {
        Self {
            store,
            trusted,
            sites,
            sources,
            kept: Arc::default(),
        }
    }

    /// The chart and the values of a subject.
    ///
    /// # Errors
    /// The store or the repository does not answer, or has something else than was published.
    pub(super) async fn take(&self, subject: &Subject) -> Result<(Arc<Chart>, Map), Error> {
        let chart = self.chart(&subject.artifact).await?;
        let mut files = Vec::with_capacity(subject.stage.values_files.len());
        for name in &subject.stage.values_files {
            files.push((name.clone(), self.file(subject, &chart, name).await?));
        }
        let values = values(&subject.stage, &files).map_err(|error| Error::Mistake {
            problem: format!(
                "the values of {} for {}: {}",
                subject.artifact.metadata.name,
                subject.stage.name,
                chain(&error)
            ),
            cure: error.hint().unwrap_or_default(),
        })?;
        Ok((chart, values))
    }

    async fn chart(&self, artifact: &Object<Artifact>) -> Result<Arc<Chart>, Error> {
        let spec = &artifact.spec;
        let wanted: Digest = spec.digest.parse().map_err(|_| Error::Mistake {
            problem: format!("Artifact {} has no digest", artifact.metadata.name),
            cure: "publish it again under another version".to_owned(),
        })?;
        if let Some(chart) = self.known(&wanted) {
            return Ok(chart);
        }
        let full = format!("{}-{}", spec.chart, spec.version);
        let name = Name::parse(&full).ok_or_else(|| Error::Mistake {
            problem: format!("{full} is not the name of a version"),
            cure: "publish the chart under a version as in 1.2.3".to_owned(),
        })?;
        let statement = self.store.statement(&name, &self.trusted).await?;
        let package = self.store.package(&statement).await?;
        if package.digest != wanted {
            return Err(Error::Mistake {
                problem: format!(
                    "the store has {name} with the digest {}, and the hub {wanted}",
                    package.digest
                ),
                cure: "somebody changed the store: find out who, and publish it under another version"
                    .to_owned(),
            });
        }
        let size = package.bytes.len();
        let load = tokio::task::spawn_blocking(move || chart::load::archive::load(&package.bytes));
        let loaded = load.await.map_err(|error| Error::Mistake {
            problem: format!("reading {name} ended in a bug: {error}"),
            cure: "report it with the chart".to_owned(),
        })?;
        let loaded = loaded.map_err(|error| Error::Mistake {
            problem: format!("{name} can't be read: {}", chain(&error)),
            cure: error.hint().unwrap_or_default(),
        })?;
        let chart = Arc::new(loaded.chart);
        if size <= LARGEST {
            self.keep(wanted, &chart);
        }
        Ok(chart)
    }

    fn known(&self, digest: &Digest) -> Option<Arc<Chart>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(one, _)| one == digest);
        found.map(|(_, chart)| Arc::clone(chart))
    }

    fn keep(&self, digest: Digest, chart: &Arc<Chart>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back((digest, Arc::clone(chart)));
    }

    /// A file with values: of the package, or else of the repository.
    async fn file(&self, subject: &Subject, chart: &Chart, name: &str) -> Result<Vec<u8>, Error> {
        if let Some(file) = chart.content().raw(snapshot::clean(name)) {
            return Ok(file.data.to_vec());
        }
        let origin = &subject.artifact.spec.origin;
        let folder = snapshot::clean(&subject.path);
        let path = snapshot::join(folder, name).ok_or_else(|| source::Error::NotThere {
            what: format!("{name}, which stage {} names", subject.stage.name),
            problem: "leads out of the repository".to_owned(),
        })?;
        let sources = self.sources.now().unwrap_or_default();
        let source = sources.get(&origin.source).ok_or_else(|| Error::Mistake {
            problem: format!(
                "{name} is read from the ChartSource {}, which is not there",
                origin.source
            ),
            cure: "make it again, or put the file into the chart".to_owned(),
        })?;
        let site = self.sites.of(&origin.source);
        let mut site = site.lock().await;
        if site.repository().is_err() {
            self.sites.open(&mut site, source).await?;
        }
        let commit: ObjectId = origin.commit.parse()?;
        let repository = site.repository()?;
        let snapshot = repository.snapshot(commit).await?;
        Ok(repository.file(&snapshot, &path).await?.to_vec())
    }
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").finish_non_exhaustive()
    }
}
