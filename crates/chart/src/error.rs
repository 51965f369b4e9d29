//! Why a chart could not be loaded, composed or checked.
//!
//! `Display` is one link of the chain and never prints its source; the whole chain joined by `: ` is Helm's
//! text where Helm has one.

use std::io;
use std::path::{Path, PathBuf};

use crate::metadata::Invalid;
use crate::values::strvals;

/// One link of the chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("{operation} {}: {reason}", path.display())]
    Io {
        operation: &'static str,
        path: PathBuf,
        reason: String,
    },

    /// A file of the chart could not be read as what it is.
    #[error("cannot load {file}")]
    File { file: String, source: Box<Error> },

    #[error("cannot unmarshal yaml document")]
    Document { source: Box<Error> },

    #[error("error reading yaml document")]
    Separator { source: Box<Error> },

    #[error("invalid Yaml document separator: {found}")]
    InvalidSeparator { found: String },

    #[error(transparent)]
    Yaml(#[from] yaml::Error),

    /// The YAML is fine and its shape is not.
    #[error("error unmarshaling JSON")]
    Shape { source: crate::metadata::ShapeError },

    #[error("error unpacking subchart {name} in {parent}")]
    Subchart {
        name: String,
        parent: String,
        source: Box<Error>,
    },

    #[error("error unpacking subchart tar in {parent}: expected {expected}, got {found}")]
    SubchartArchiveName {
        parent: String,
        expected: String,
        found: String,
    },

    #[error("Chart.yaml file is missing")]
    NoMetadata,

    #[error("unable to detect chart version, no Chart.yaml found")]
    NoMetadataInArchive,

    #[error("unable to detect chart at {}", path.display())]
    NotAChart { path: PathBuf, source: Box<Error> },

    /// There is nothing to lint.
    #[error("unable to check Chart.yaml file in chart")]
    NoChartToLint { source: Box<Error> },

    #[error("error evaluating symlink {}", path.display())]
    Link { path: PathBuf, source: Box<Error> },

    #[error("unsupported chart version")]
    ApiVersion { version: String },

    /// `v3` charts are an experiment of Helm 4 that its commands refuse.
    #[error("invalid chart apiVersion")]
    ExperimentalApiVersion,

    #[error(transparent)]
    Metadata(#[from] Invalid),

    /// What was wrong inside is the source; Helm prints only this.
    #[error("unable to load chart archive")]
    Archive { source: crate::load::archive::Error },

    #[error(transparent)]
    PackedSubchart(crate::load::archive::Error),

    #[error("file '{}' seems to be a YAML file, but expected a gzipped archive", path.display())]
    YamlInsteadOfArchive { path: PathBuf },

    #[error("file '{}' does not appear to be a gzipped archive; got '{found}'", path.display())]
    NotAnArchive { path: PathBuf, found: &'static str },

    #[error("charts are nested more than {limit} deep")]
    TooDeep { limit: usize },

    #[error("more than {limit} files in the chart")]
    TooManyFiles { limit: usize },

    #[error(
        "chart file {} is larger than the maximum file size {limit}",
        crate::go_text::quote(name)
    )]
    FileTooLarge { name: String, limit: u64 },

    #[error("cannot load irregular file {} as it has file mode type bits set", path.display())]
    Irregular { path: PathBuf },

    #[error("{source}")]
    Ignore { source: crate::load::ignore::Error },

    #[error("failed to parse {file}")]
    ValuesFile { file: String, source: Box<Error> },

    #[error("failed parsing {flag} data")]
    Set {
        flag: &'static str,
        source: strvals::Error,
    },

    /// Helm prints the line and not what is wrong with it; `reason` is for better messages than Helm's.
    #[error("failed parsing --set-json data {line}")]
    SetJson { line: String, reason: String },

    #[error("type mismatch on {name}: {found}")]
    SubchartValues { name: String, found: String },

    #[error("chart dependencies processing failed")]
    Dependencies { source: Box<Error> },

    #[error("import-values of {chart} put a table into itself")]
    ImportLoop { chart: String },

    #[error(
        "an error occurred while checking for chart dependencies. You may need to run `helm dependency build` \
         to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {}",
        names.join(", ")
    )]
    MissingDependencies { names: Vec<String> },

    #[error("chart version {version:?} is not a semantic version")]
    PackageVersion { version: String },

    #[error("found in Chart.yaml, but missing in charts/ directory: {}", names.join(", "))]
    PackageDependencies { names: Vec<String> },

    #[error("failed to save: invalid JSON in values.schema.json")]
    PackageSchema,

    #[error("compressing the archive: {reason}")]
    PackageCompression { reason: String },

    #[error("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {found}")]
    KubeVersion { wanted: String, found: String },

    #[error("invalid kube version '{text}': {reason}")]
    InvalidKubeVersion { text: String, reason: String },

    #[error("{kind} charts are not installable")]
    NotInstallable { kind: String },
}

impl Error {
    /// A failed file operation, worded as Go words it.
    pub(crate) fn io(operation: &'static str, path: &Path, failed: &io::Error) -> Self {
        let reason = match failed.kind() {
            io::ErrorKind::NotFound => "no such file or directory".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            io::ErrorKind::IsADirectory => "is a directory".to_owned(),
            io::ErrorKind::NotADirectory => "not a directory".to_owned(),
            _ => failed.to_string(),
        };
        Self::Io {
            operation,
            path: path.to_owned(),
            reason,
        }
    }

    /// The whole chain as Helm prints it.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(source) = next {
            text.push_str(": ");
            text.push_str(&source.to_string());
            next = source.source();
        }
        text
    }
}
