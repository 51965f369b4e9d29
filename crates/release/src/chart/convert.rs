//! Between a loaded chart and the one in a record.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chart::metadata::{Lock, Maintainer, Metadata};
use chart::{Chart, File, Kept};
use serde_json::Map;

use super::{StoredChart, StoredDependency, StoredFile, StoredLock, StoredMaintainer, StoredMetadata};
use crate::error::Error;
use crate::record::Time;
use crate::values;

/// Go's zero time, for a lock that does not say when it was made.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

impl StoredChart {
    /// The chart as the record keeps it, its dependencies chosen by the values that the user gave.
    ///
    /// # Errors
    /// What [`chart::dependencies::process`] refuses, and values that are no JSON (`.nan`).
    pub fn of(chart: &Chart, given: &chart::values::Map) -> Result<Self, Error> {
        // Whoever renders hears these warnings.
        let chart = chart::dependencies::process(chart, given, &mut Vec::new())?;
        let content = chart.content();
        let values = values::to_json(chart.values())?;
        let has_values = content.raw("values.yaml").is_some() || !values.is_empty();
        Ok(Self {
            metadata: Some(StoredMetadata::of(chart.metadata())?),
            lock: content.lock.as_ref().map(StoredLock::of).transpose()?,
            templates: content.templates.iter().map(StoredFile::of).collect(),
            // A chart without defaults has Go's nil map, one with an empty file an empty map.
            values: has_values.then_some(values),
            schema: content.schema.as_ref().map(|schema| STANDARD.encode(schema)),
            schema_time: None,
            files: content.files.iter().map(StoredFile::of).collect(),
            unknown: Map::new(),
        })
    }

    /// The chart that was kept, without subcharts; their defaults stand in its own.
    ///
    /// # Errors
    /// Metadata that is none, or files that are no base64.
    pub fn to_chart(&self) -> Result<Chart, Error> {
        let files = |files: &[StoredFile]| {
            files
                .iter()
                .map(StoredFile::to_file)
                .collect::<Result<Vec<_>, _>>()
        };
        let schema = self
            .schema
            .as_ref()
            .map(|text| decode("values.schema.json", text));
        Ok(Chart::from(Kept {
            metadata: self
                .metadata
                .as_ref()
                .map(StoredMetadata::to_metadata)
                .transpose()?
                .unwrap_or_default(),
            values: self.values.as_ref().map(values::from_json).unwrap_or_default(),
            templates: files(&self.templates)?,
            files: files(&self.files)?,
            lock: None,
            schema: schema.transpose()?.map(Arc::from),
        }))
    }
}

impl StoredFile {
    fn of(file: &File) -> Self {
        Self {
            name: file.name.to_string(),
            data: STANDARD.encode(&file.data),
            unknown: Map::new(),
        }
    }

    fn to_file(&self) -> Result<File, Error> {
        Ok(File::new(&*self.name, decode(&self.name, &self.data)?))
    }
}

impl StoredMetadata {
    fn of(metadata: &Metadata) -> Result<Self, Error> {
        let Metadata {
            name,
            home,
            sources,
            version,
            description,
            keywords,
            maintainers,
            icon,
            api_version,
            condition,
            tags,
            app_version,
            deprecated,
            annotations,
            kube_version,
            dependencies: _,
            kind,
        } = metadata.clone();
        let maintainers = maintainers.into_iter().flatten();
        Ok(Self {
            name,
            home,
            sources,
            version,
            description,
            keywords,
            maintainers: maintainers.map(StoredMaintainer::from).collect(),
            icon,
            api_version,
            condition,
            tags,
            app_version,
            deprecated,
            annotations: annotations.unwrap_or_default(),
            kube_version,
            dependencies: metadata
                .dependencies()
                .map(StoredDependency::of)
                .collect::<Result<_, _>>()?,
            kind,
            unknown: Map::new(),
        })
    }

    /// By way of the reader of `Chart.yaml`, as the fields have the same names there.
    fn to_metadata(&self) -> Result<Metadata, Error> {
        let document = serde_json::to_value(self).map_err(|error| Error::Metadata {
            reason: error.to_string(),
        })?;
        let mut metadata = Metadata::default();
        metadata
            .fill(&values::value_from_json(&document))
            .map_err(|error| Error::Metadata {
                reason: error.message,
            })?;
        Ok(metadata)
    }
}

impl From<Maintainer> for StoredMaintainer {
    fn from(maintainer: Maintainer) -> Self {
        let Maintainer { name, email, url } = maintainer;
        Self {
            name,
            email,
            url,
            unknown: Map::new(),
        }
    }
}

impl StoredDependency {
    fn of(dependency: &chart::metadata::Dependency) -> Result<Self, Error> {
        let imports = dependency.import_values.iter();
        let imports = imports.map(|import| values::value_to_json("import-values", import));
        Ok(Self {
            name: dependency.name.clone(),
            version: dependency.version.clone(),
            repository: dependency.repository.clone(),
            condition: dependency.condition.clone(),
            tags: dependency.tags.clone(),
            enabled: dependency.enabled,
            import_values: imports.collect::<Result<_, _>>()?,
            alias: dependency.alias.clone(),
            unknown: Map::new(),
        })
    }
}

impl StoredLock {
    fn of(lock: &Lock) -> Result<Self, Error> {
        let dependencies = lock.dependencies.as_ref().map(|entries| {
            let entries = entries.iter().flatten();
            entries.map(StoredDependency::of).collect::<Result<_, _>>()
        });
        Ok(Self {
            generated: Time::parse(&lock.generated)
                .map_or_else(|| NO_TIME.to_owned(), |time| time.to_string()),
            digest: lock.digest.clone(),
            dependencies: dependencies.transpose()?,
            unknown: Map::new(),
        })
    }
}

fn decode(file: &str, text: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|error| Error::File {
        file: file.to_owned(),
        reason: error.to_string(),
    })
}
