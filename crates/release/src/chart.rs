//! The chart within a record, as Helm's JSON has it, and the way from and to a [`chart::Chart`].
//!
//! ```text
//! chart::Chart ──process dependencies──► StoredChart (no subcharts, no raw files) ──► chart::Chart with its defaults
//! ```
//!
//! Helm keeps only the root chart: its own templates and files, and as its values what stands after dependencies were
//! processed, those of subcharts within. That is enough for `get values --all` and `--reuse-values`, and not enough to
//! render again, which nobody does: a rollback takes the manifest.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chart::metadata::{Lock, Metadata};
use chart::{Chart, File, Kept};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::record::{Time, nullable};
use crate::values;

/// Go's zero time, for a lock that does not say when it was made.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// `chart` of a record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredChart {
    #[serde(default)]
    pub metadata: Option<StoredMetadata>,
    #[serde(default)]
    pub lock: Option<StoredLock>,
    #[serde(default, deserialize_with = "nullable", serialize_with = "null_when_empty")]
    pub templates: Vec<StoredFile>,
    #[serde(default)]
    pub values: Option<Map<String, Value>>,
    /// `values.schema.json` in base64.
    #[serde(default)]
    pub schema: Option<String>,
    #[serde(default, deserialize_with = "nullable", serialize_with = "null_when_empty")]
    pub files: Vec<StoredFile>,
    /// Helm 4 keeps times of files here, which we don't have.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// A file of the chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    pub name: String,
    /// In base64.
    #[serde(default, deserialize_with = "nullable")]
    pub data: String,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// `Chart.yaml`, in the order in which Go prints it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredMetadata {
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub name: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub home: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub version: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub description: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub maintainers: Vec<Value>,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub icon: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub api_version: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub condition: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub tags: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub app_version: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "is_false")]
    pub deprecated: bool,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub kube_version: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<StoredDependency>,
    #[serde(
        default,
        rename = "type",
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub kind: String,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// One entry of `dependencies`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StoredDependency {
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub version: String,
    #[serde(default, deserialize_with = "nullable")]
    pub repository: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub condition: String,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "is_false")]
    pub enabled: bool,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub import_values: Vec<Value>,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub alias: String,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// `Chart.lock`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredLock {
    #[serde(default, deserialize_with = "nullable")]
    pub generated: String,
    #[serde(default, deserialize_with = "nullable")]
    pub digest: String,
    #[serde(default)]
    pub dependencies: Option<Vec<StoredDependency>>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

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
        Ok(Self {
            metadata: Some(StoredMetadata::of(chart.metadata())?),
            lock: content.lock.as_ref().map(StoredLock::of).transpose()?,
            templates: content.templates.iter().map(StoredFile::of).collect(),
            values: (!values.is_empty()).then_some(values),
            schema: content.schema.as_ref().map(|schema| STANDARD.encode(schema)),
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

    /// `name-version`, or `MISSING` as Helm says.
    #[must_use]
    pub fn label(chart: Option<&Self>) -> String {
        match chart.and_then(|chart| chart.metadata.as_ref()) {
            Some(metadata) => format!("{}-{}", metadata.name, metadata.version),
            None => "MISSING".to_owned(),
        }
    }

    /// `appVersion`, or `MISSING` as Helm says.
    #[must_use]
    pub fn app_version(chart: Option<&Self>) -> &str {
        match chart.and_then(|chart| chart.metadata.as_ref()) {
            Some(metadata) => &metadata.app_version,
            None => "MISSING",
        }
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
        let maintainers = maintainers.iter().flatten().map(|maintainer| {
            let fields = [
                ("name", &maintainer.name),
                ("email", &maintainer.email),
                ("url", &maintainer.url),
            ];
            let written = fields.into_iter().filter(|(_, text)| !text.is_empty());
            written
                .map(|(field, text)| (field.to_owned(), Value::from(text.as_str())))
                .collect()
        });
        Ok(Self {
            name,
            home,
            sources,
            version,
            description,
            keywords,
            maintainers: maintainers.map(Value::Object).collect(),
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

/// A Go slice that nothing was put into.
fn null_when_empty<S: Serializer>(files: &[StoredFile], serializer: S) -> Result<S::Ok, S::Error> {
    match files {
        [] => serializer.serialize_none(),
        files => files.serialize(serializer),
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands fields by reference"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}
