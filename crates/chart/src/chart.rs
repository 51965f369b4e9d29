//! A loaded chart: metadata, default values, files and subcharts.
//!
//! Immutable and cheap to clone: what is big is shared. Choosing dependencies makes a new chart that shares
//! its files with the loaded one, so a loaded chart serves any number of renders, from any thread.

use std::sync::{Arc, OnceLock};

use crate::metadata::{Lock, Metadata};
use crate::render::parsed::ParsedTemplates;
use crate::schema::Schema;
use crate::values::Map;

/// One chart with its subcharts.
#[derive(Clone, Debug)]
pub struct Chart {
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) values: Arc<Map>,
    pub(crate) content: Arc<Content>,
    pub(crate) dependencies: Vec<Chart>,
}

/// The files of one chart, without its subcharts. Shared by every chart made from the same load, so its
/// address is the identity under which parsed templates may be kept.
#[derive(Debug, Default)]
pub struct Content {
    /// Everything that was read, in the order it was read.
    pub raw: Vec<File>,
    /// What lies in `templates/`.
    pub templates: Vec<File>,
    /// What `.Files` sees: all that has no meaning of its own, `crds/` included.
    pub files: Vec<File>,
    pub lock: Option<Lock>,
    /// `values.schema.json`
    pub schema: Option<Arc<[u8]>>,
    pub(crate) parsed: ParsedTemplates,
    pub(crate) compiled_schema: OnceLock<Result<Schema, crate::schema::CompileError>>,
}

/// A file by its path within the chart, always with `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub name: Arc<str>,
    pub data: Arc<[u8]>,
}

/// A chart as a release's record keeps it: without what was read and without its subcharts.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    pub metadata: Metadata,
    pub values: Map,
    pub templates: Vec<File>,
    pub files: Vec<File>,
    pub lock: Option<Lock>,
    pub schema: Option<Arc<[u8]>>,
}

/// A file of `crds/`, with its path from the root chart on.
#[derive(Clone, Debug)]
pub struct Crd<'a> {
    /// `root/charts/sub/crds/x.yaml`
    pub path: String,
    pub file: &'a File,
}

impl From<Kept> for Chart {
    fn from(kept: Kept) -> Self {
        let Kept {
            metadata,
            values,
            templates,
            files,
            lock,
            schema,
        } = kept;
        Self {
            metadata: Arc::new(metadata),
            values: Arc::new(values),
            content: Arc::new(Content {
                templates,
                files,
                lock,
                schema,
                ..Content::default()
            }),
            dependencies: Vec::new(),
        }
    }
}

impl Chart {
    /// The same chart with other defaults, as `--reuse-values` wants it.
    #[must_use]
    pub fn with_values(&self, values: Map) -> Self {
        Self {
            values: Arc::new(values),
            ..self.clone()
        }
    }

    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The defaults; after dependencies were processed they include what was imported.
    pub fn values(&self) -> &Map {
        &self.values
    }

    pub fn content(&self) -> &Arc<Content> {
        &self.content
    }

    /// The subcharts: sorted by folder name when loaded, in the order of `Chart.yaml` once processed.
    pub fn dependencies(&self) -> &[Chart] {
        &self.dependencies
    }

    pub fn dependency(&self, name: &str) -> Option<&Chart> {
        self.dependencies.iter().find(|chart| chart.name() == name)
    }

    pub fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }

    /// The files of `crds/` that Helm would install, the chart's own first, then each subchart's.
    pub fn crds(&self) -> Vec<Crd<'_>> {
        let mut out = Vec::new();
        self.collect_crds(self.name(), &mut out);
        out
    }

    fn collect_crds<'a>(&'a self, path: &str, out: &mut Vec<Crd<'a>>) {
        let is_crd = |file: &&File| file.name.starts_with("crds/") && has_manifest_extension(&file.name);
        out.extend(self.content.files.iter().filter(is_crd).map(|file| Crd {
            path: format!("{path}/{}", file.name),
            file,
        }));
        for chart in &self.dependencies {
            chart.collect_crds(&format!("{path}/charts/{}", chart.name()), out);
        }
    }
}

impl Content {
    /// A file as it was read, by its path in the chart.
    pub fn raw(&self, name: &str) -> Option<&File> {
        self.raw.iter().find(|file| &*file.name == name)
    }
}

impl File {
    pub fn new(name: impl Into<Arc<str>>, data: impl Into<Arc<[u8]>>) -> Self {
        Self {
            name: name.into(),
            data: data.into(),
        }
    }
}

fn has_manifest_extension(name: &str) -> bool {
    let extension = name
        .rsplit('/')
        .next()
        .and_then(|base| base.rsplit_once('.'))
        .map_or("", |(_, ext)| ext);
    ["yaml", "yml", "json"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}
