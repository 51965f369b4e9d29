//! From files to a chart.
//!
//! ```text
//! directory ─┐
//! archive   ─┼─► files (name, bytes) ──► Chart.yaml, values, templates… ──► Chart
//! memory    ─┘                             └─ charts/… the same again
//! ```
//!
//! Only [`directory`] touches the file system. Limits are Helm's where it has them; the others are named here.

pub mod archive;
pub mod directory;
pub mod ignore;
mod tar;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::chart::{Chart, Content, File};
use crate::error::Error;
use crate::metadata::{API_V1, Lock, Metadata};
use crate::values::{Map, documents};
use crate::warning::Warning;

/// Subcharts within subcharts. Archives within archives are unpacked on the way down, so this also bounds
/// how often a bomb may multiply; real charts stay below five.
const MAX_DEPTH: usize = 32;

/// Files of one chart, subcharts included: far above the largest real charts, and little enough to hold.
const MAX_FILES: usize = 100_000;

/// A chart and what Helm would have logged while reading it.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub chart: Chart,
    pub warnings: Vec<Warning>,
}

/// Loads a chart from a directory or a packed archive, whichever is there.
///
/// # Errors
/// Helm's text by [`Error::chain`].
pub fn path(path: &Path) -> Result<Loaded, Error> {
    let about = std::fs::metadata(path).map_err(|source| Error::io("stat", path, &source))?;
    if about.is_dir() {
        directory::load(path)
    } else {
        archive::load_path(path)
    }
}

/// Loads a chart from files in memory, named by their paths within the chart.
///
/// # Errors
/// As [`path`].
pub fn files(files: Vec<File>) -> Result<Loaded, Error> {
    let mut warnings = Vec::new();
    let chart = Reader {
        warnings: &mut warnings,
        unpacked: archive::Budget::default(),
    }
    .chart(files, 0)?;
    Ok(Loaded { chart, warnings })
}

/// Checks `apiVersion` before anything else is read, as Helm 4 does to choose a loader.
fn check_api_version(chart_yaml: &[u8]) -> Result<(), Error> {
    let document = metadata_document(chart_yaml, "Chart.yaml")?;
    let version =
        crate::metadata::api_version(&document).map_err(|source| in_file("Chart.yaml", shape(source)))?;
    match version.as_str() {
        "" | "v1" | "v2" => Ok(()),
        "v3" => {
            let mut metadata = Metadata::default();
            metadata
                .fill(&document)
                .map_err(|source| in_file("Chart.yaml", shape(source)))?;
            metadata.validate()?;
            Err(Error::ExperimentalApiVersion)
        }
        _ => Err(Error::ApiVersion { version }),
    }
}

/// State of one load, shared by all the charts in the tree.
struct Reader<'a> {
    warnings: &'a mut Vec<Warning>,
    /// Bytes and files that packed subcharts may still unpack to.
    unpacked: archive::Budget,
}

/// What is collected about one chart before it is checked.
#[derive(Default)]
struct Parts {
    metadata: Option<Metadata>,
    values: Map,
    content: Content,
    /// The files below `charts/`, by the first part of their path.
    charts: BTreeMap<String, Vec<File>>,
}

impl Reader<'_> {
    fn chart(&mut self, files: Vec<File>, depth: usize) -> Result<Chart, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep { limit: MAX_DEPTH });
        }
        if files.len() > MAX_FILES {
            return Err(Error::TooManyFiles { limit: MAX_FILES });
        }
        let mut parts = Parts::default();
        for file in files.iter().filter(|file| &*file.name == "Chart.yaml") {
            let document = metadata_document(&file.data, "Chart.yaml")?;
            let metadata = parts.metadata.get_or_insert_default();
            metadata
                .fill(&document)
                .map_err(|source| in_file("Chart.yaml", shape(source)))?;
            if metadata.api_version.is_empty() {
                API_V1.clone_into(&mut metadata.api_version);
            }
        }
        for file in &files {
            self.file(&mut parts, file)?;
        }
        let Parts {
            metadata,
            values,
            mut content,
            charts,
        } = parts;
        let mut metadata = metadata.ok_or(Error::NoMetadata)?;
        metadata.validate()?;
        content.raw = files;
        let mut dependencies = Vec::with_capacity(charts.len());
        for (name, files) in charts {
            if let Some(chart) = self.subchart(&metadata.name, &name, files, depth)? {
                dependencies.push(chart);
            }
        }
        Ok(Chart {
            metadata: Arc::new(metadata),
            values: Arc::new(values),
            content: Arc::new(content),
            dependencies,
        })
    }

    /// Puts one file where it belongs.
    fn file(&mut self, parts: &mut Parts, file: &File) -> Result<(), Error> {
        let name = &*file.name;
        match name {
            "Chart.yaml" => {}
            "Chart.lock" => parts.content.lock = Some(lock(file)?),
            "values.yaml" => parts.values = values(file)?,
            "values.schema.json" => parts.content.schema = Some(Arc::clone(&file.data)),
            "requirements.yaml" => self.requirements(parts, file)?,
            "requirements.lock" => {
                parts.content.lock = Some(lock(file)?);
                let metadata = parts.metadata.get_or_insert_default();
                if metadata.api_version == API_V1 {
                    parts.content.files.push(file.clone());
                } else {
                    let text = "Warning: Dependency locking is handled in Chart.lock since apiVersion \"v2\". \
                                We recommend migrating to Chart.lock.";
                    self.warnings.push(Warning::info(text));
                }
            }
            _ if name.starts_with("templates/") => parts.content.templates.push(file.clone()),
            _ => match name.strip_prefix("charts/") {
                Some(inner) if !name.ends_with(".prov") => {
                    let folder = inner.split('/').next().unwrap_or(inner);
                    let inner = File {
                        name: inner.into(),
                        data: Arc::clone(&file.data),
                    };
                    parts.charts.entry(folder.to_owned()).or_default().push(inner);
                }
                _ => parts.content.files.push(file.clone()),
            },
        }
        Ok(())
    }

    fn requirements(&mut self, parts: &mut Parts, file: &File) -> Result<(), Error> {
        let metadata = parts.metadata.get_or_insert_default();
        let is_v1 = metadata.api_version == API_V1;
        if !is_v1 {
            let text = "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". \
                        We recommend migrating dependencies to Chart.yaml.";
            self.warnings.push(Warning::info(text));
        }
        let document = metadata_document(&file.data, "requirements.yaml")?;
        metadata
            .fill(&document)
            .map_err(|source| in_file("requirements.yaml", shape(source)))?;
        if is_v1 {
            parts.content.files.push(file.clone());
        }
        Ok(())
    }

    /// Reads what lies in one entry of `charts/`; `None` for what Helm passes over.
    fn subchart(
        &mut self,
        parent: &str,
        name: &str,
        files: Vec<File>,
        depth: usize,
    ) -> Result<Option<Chart>, Error> {
        if name.starts_with(['_', '.']) {
            return Ok(None);
        }
        let loaded = if name.ends_with(".tgz") {
            self.packed(parent, name, &files[0], depth)?
        } else {
            let inside = files.into_iter().filter_map(|file| {
                let (_, inner) = file.name.split_once('/')?;
                Some(File {
                    name: inner.into(),
                    data: file.data,
                })
            });
            self.chart(inside.collect(), depth + 1)
        };
        let wrap = |source| Error::Subchart {
            name: name.to_owned(),
            parent: parent.to_owned(),
            source: Box::new(source),
        };
        loaded.map(Some).map_err(wrap)
    }

    /// Unpacks `charts/NAME.tgz`. The outer error is the parent's, the inner the subchart's.
    fn packed(
        &mut self,
        parent: &str,
        name: &str,
        file: &File,
        depth: usize,
    ) -> Result<Result<Chart, Error>, Error> {
        if *file.name != *name {
            return Err(Error::SubchartArchiveName {
                parent: parent.to_owned(),
                expected: name.to_owned(),
                found: file.name.to_string(),
            });
        }
        let files = match archive::unpack(&file.data, &mut self.unpacked) {
            Ok(files) => files,
            Err(failed) => return Ok(Err(Error::PackedSubchart(failed))),
        };
        Ok(self.chart(files, depth + 1))
    }
}

fn values(file: &File) -> Result<Map, Error> {
    documents::read(&file.data).map_err(|source| in_file(&file.name, source))
}

fn lock(file: &File) -> Result<Lock, Error> {
    let document = metadata_document(&file.data, &file.name)?;
    Lock::from_document(&document).map_err(|source| in_file(&file.name, shape(source)))
}

/// Reads YAML with integers kept, so that `appVersion: 100000000` does not become `1e+08`.
fn metadata_document(bytes: &[u8], name: &str) -> Result<yaml::Value, Error> {
    yaml::read(bytes, yaml::Numbers::Kept).map_err(|failed| in_file(name, failed.into()))
}

fn shape(source: crate::metadata::ShapeError) -> Error {
    Error::Shape { source }
}

fn in_file(name: &str, source: Error) -> Error {
    Error::File {
        file: name.to_owned(),
        source: Box::new(source),
    }
}
