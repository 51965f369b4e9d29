//! The clones of all sources, one each, which the loops share: whoever has a site has it alone.
//!
//! A clone is made in a folder of the cache that is named after the source and its address, so that another address is
//! another clone. The credentials are read from the hub with every fetch, so rotated ones count from then on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kinds::{ChartSource, Object, SecretName};
use model::Digest;
use source::forge::Link;
use source::{Credentials, Forge, Git, ObjectId, Remote, Repository, Secret, Snapshot, Use, content};
use tokio::sync::Mutex;

use crate::error::Error;
use crate::hub::Hub;

/// Under which a Secret has the token for the forge's API; git may use it too.
const TOKEN: &str = "token";

/// The clones.
#[derive(Clone)]
pub(crate) struct Sites {
    hub: Hub,
    folder: Arc<PathBuf>,
    git: Git,
    link: Link,
    open: Arc<Lock<BTreeMap<String, Arc<Mutex<Site>>>>>,
}

/// What there is of one source.
#[derive(Debug, Default)]
pub(crate) struct Site {
    opened: Option<(String, Repository)>,
    pub(crate) forge: Option<Forge>,
    /// The sums of charts by commit, so that a commit is read once.
    contents: BTreeMap<ObjectId, BTreeMap<Key, Option<Digest>>>,
}

/// A use of a chart, whoever uses it: the folder and the files with values.
type Key = (String, Vec<String>);

impl Sites {
    pub(crate) fn new(hub: Hub, folder: PathBuf, git: Git, link: Link) -> Self {
        Self {
            hub,
            folder: Arc::new(folder),
            git,
            link,
            open: Arc::default(),
        }
    }

    /// The site of a source, which may have to be waited for.
    pub(crate) fn of(&self, source: &str) -> Arc<Mutex<Site>> {
        // What is held is a map; no use of it can leave it half changed.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(open.entry(source.to_owned()).or_default())
    }

    /// Forgets a source that is gone. Its clone stays in the cache, which may be deleted while nobody runs.
    pub(crate) fn forget(&self, source: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(source);
    }

    /// Makes a site ready for its source as it is written now: the clone, and the way to the forge.
    pub(crate) async fn open(&self, site: &mut Site, source: &Object<ChartSource>) -> Result<(), Error> {
        let spec = &source.spec;
        let remote = Remote::parse(&spec.url)?;
        let values = match &spec.credentials {
            Some(place) => secret(&self.hub, place).await?,
            None => BTreeMap::new(),
        };
        let credentials = Credentials::of_secret(&remote, &values)?;
        let token = values.get(TOKEN).map(Vec::as_slice).unwrap_or_default();
        let token = Secret::new(String::from_utf8_lossy(token).trim_end().to_owned());
        site.forge = Forge::of(&self.link, spec, &remote, &token)?;
        let opened = match site.opened.take().filter(|(url, _)| *url == spec.url) {
            Some((_, mut repository)) => {
                repository.authorize(&credentials)?;
                repository
            }
            None => {
                let sum = Digest::of(spec.url.as_bytes()).hex();
                let folder = format!("{}-{}", source.metadata.name, sum.get(..12).unwrap_or_default());
                let folder = self.folder.join(folder);
                Repository::open(self.git.clone(), &folder, remote, &credentials).await?
            }
        };
        site.opened = Some((spec.url.clone(), opened));
        Ok(())
    }
}

impl Site {
    /// The clone, once it was opened.
    pub(crate) fn repository(&mut self) -> Result<&mut Repository, Error> {
        let opened = self.opened.as_mut().map(|(_, repository)| repository);
        opened.ok_or_else(|| Error::Mistake {
            problem: "the repository was not opened yet".to_owned(),
            cure: "wait for the next look at its ChartSource".to_owned(),
        })
    }

    /// The sums of the charts that these uses have in a commit.
    pub(crate) async fn contents(
        &mut self,
        commit: ObjectId,
        uses: &[Use],
    ) -> Result<BTreeMap<String, Option<Digest>>, Error> {
        let known = self.contents.entry(commit).or_default();
        let missing = |each: &Use| !known.contains_key(&key(each));
        if uses.iter().any(missing)
            && let Some((_, repository)) = &mut self.opened
        {
            let snapshot: Snapshot = repository.snapshot(commit).await?;
            for each in uses {
                known.entry(key(each)).or_insert_with(|| content(&snapshot, each));
            }
        }
        let of = |each: &Use| (each.application.clone(), known.get(&key(each)).copied().flatten());
        Ok(uses.iter().map(of).collect())
    }

    /// Forgets all commits but these.
    pub(crate) fn keep_only(&mut self, commits: &[ObjectId]) {
        self.contents.retain(|commit, _| commits.contains(commit));
    }
}

fn key(each: &Use) -> Key {
    (each.folder.clone(), each.values_files.clone())
}

/// The values of a Secret of the hub.
pub(crate) async fn secret(hub: &Hub, place: &SecretName) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let SecretName { secret, namespace } = place;
    let kind = hub.builtin("v1", "Secret").await?;
    let found = hub.cluster().get(kind.at(namespace, secret)).await?;
    let found = found.ok_or_else(|| Error::Mistake {
        problem: format!("there is no Secret {namespace}/{secret} in the hub"),
        cure: format!("make it: `kubectl create secret generic {secret} -n {namespace} --from-literal=…`"),
    })?;
    let data = found["data"].as_object().cloned().unwrap_or_default();
    let values = data.into_iter().filter_map(|(name, value)| {
        let bytes = STANDARD.decode(value.as_str()?).ok()?;
        Some((name, bytes))
    });
    Ok(values.collect())
}

impl std::fmt::Debug for Sites {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sites")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}
