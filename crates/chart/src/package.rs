//! Packing a chart into the archive that Helm installs, the same bytes every time.
//!
//! The layout is Helm's: `Chart.yaml` rewritten from what was read, `Chart.lock`, values and schema as they are,
//! templates, other files, then subcharts unpacked, all below a folder named after the chart. Times, owners and
//! the gzip header are fixed, so equal charts give equal archives. What `.helmignore` names never got loaded.

mod manifest;
mod tar;

use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

use crate::chart::Chart;
use crate::dependencies;
use crate::error::Error;
use crate::json::Decoder;
use crate::metadata::{API_V1, API_V2, Metadata};
use crate::semver::Version;
use crate::values::Map;

/// gzip's number for an unknown operating system.
const GZIP_OS_UNKNOWN: u8 = 255;

/// What to write instead of what `Chart.yaml` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    pub version: Option<String>,
    pub app_version: Option<String>,
}

/// A packed chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// `NAME-VERSION.tgz`
    pub file_name: String,
    pub bytes: Vec<u8>,
}

impl Package {
    /// The SHA-256 sum of the archive, which names it.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }
}

/// Packs a chart as it was loaded.
///
/// # Errors
/// A version that is none, a declared dependency that is not in `charts/`, or a schema that is no JSON.
pub fn package(chart: &Chart, overrides: &Overrides) -> Result<Package, Error> {
    let mut metadata = chart.metadata().clone();
    if let Some(version) = &overrides.version {
        Version::parse(version).map_err(|_| Error::PackageVersion {
            version: version.clone(),
        })?;
        metadata.version.clone_from(version);
    }
    if let Some(version) = &overrides.app_version {
        metadata.app_version.clone_from(version);
    }
    metadata.validate()?;
    let names = dependencies::missing(chart);
    if !names.is_empty() {
        return Err(Error::PackageDependencies { names });
    }
    let mut archive = tar::Writer::default();
    write(&mut archive, chart, &metadata, "")?;
    let bytes = compress(&archive.finish())?;
    Ok(Package {
        file_name: format!("{}-{}.tgz", metadata.name, metadata.version),
        bytes,
    })
}

/// The fields of the `Chart.yaml` that is packed, which are those of an entry of a repository's index too.
pub fn fields(metadata: &Metadata) -> Map {
    manifest::chart_table(metadata)
}

fn write(archive: &mut tar::Writer, chart: &Chart, metadata: &Metadata, prefix: &str) -> Result<(), Error> {
    let base = format!("{prefix}{}", metadata.name);
    let content = chart.content();
    archive.file(
        &format!("{base}/Chart.yaml"),
        manifest::chart_yaml(metadata)?.as_bytes(),
    );
    if metadata.api_version == API_V2
        && let Some(lock) = &content.lock
    {
        archive.file(
            &format!("{base}/Chart.lock"),
            manifest::chart_lock(lock)?.as_bytes(),
        );
    }
    for file in content.raw.iter().filter(|file| &*file.name == "values.yaml") {
        archive.file(&format!("{base}/{}", file.name), &file.data);
    }
    if let Some(schema) = &content.schema {
        let mut decoder = Decoder::new(schema);
        if decoder.value().is_err() || !decoder.is_at_end() {
            return Err(Error::PackageSchema);
        }
        archive.file(&format!("{base}/values.schema.json"), schema);
    }
    for file in content.templates.iter().chain(&content.files) {
        archive.file(&format!("{base}/{}", file.name), &file.data);
    }
    for dependency in chart.dependencies() {
        write(
            archive,
            dependency,
            dependency.metadata(),
            &format!("{base}/charts/"),
        )?;
    }
    Ok(())
}

fn compress(archive: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = |source: std::io::Error| Error::PackageCompression {
        reason: source.to_string(),
    };
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(GZIP_OS_UNKNOWN)
        .write(Vec::new(), Compression::new(6));
    encoder.write_all(archive).map_err(failed)?;
    encoder.finish().map_err(failed)
}

/// Whether a chart keeps its dependencies in `requirements.yaml`, which is packed as a file of its own.
fn keeps_requirements(metadata: &Metadata) -> bool {
    metadata.api_version == API_V1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::File;
    use crate::load;

    fn chart() -> Chart {
        let long = format!("files/{}.txt", "x".repeat(150));
        load::files(vec![
            File::new(
                "Chart.yaml",
                *b"{apiVersion: v2, name: top, version: 1.0.0, keywords: [a, 1]}",
            ),
            File::new("values.yaml", *b"a: 1 # kept\n"),
            File::new("templates/t.yaml", *b"{{ 1 }}"),
            File::new(long, *b"long"),
            File::new(
                "charts/kid/Chart.yaml",
                *b"{apiVersion: v1, name: kid, version: 2.0.0}",
            ),
        ])
        .expect("a good chart")
        .chart
    }

    #[test]
    fn the_same_chart_gives_the_same_bytes() {
        let overrides = Overrides::default();
        assert_eq!(
            package(&chart(), &overrides).expect("packs"),
            package(&chart(), &overrides).expect("packs")
        );
    }

    #[test]
    fn what_was_packed_loads_again() {
        let packed = package(&chart(), &Overrides::default()).expect("packs");
        assert_eq!(packed.file_name, "top-1.0.0.tgz");
        let again = load::archive::load(&packed.bytes).expect("loads").chart;
        assert_eq!(again.metadata(), chart().metadata());
        assert_eq!(again.content().templates, chart().content().templates);
        assert_eq!(again.content().files, chart().content().files);
        assert_eq!(again.dependencies()[0].name(), "kid");
    }

    #[test]
    fn versions_can_be_overridden_by_versions_only() {
        let overrides = Overrides {
            version: Some("1.2.3+x".to_owned()),
            app_version: Some("9".to_owned()),
        };
        let packed = package(&chart(), &overrides).expect("packs");
        assert_eq!(packed.file_name, "top-1.2.3+x.tgz");
        let again = load::archive::load(&packed.bytes).expect("loads").chart;
        assert_eq!(again.metadata().app_version, "9");
        let bad = Overrides {
            version: Some("x".to_owned()),
            app_version: None,
        };
        assert_eq!(
            package(&chart(), &bad).unwrap_err().to_string(),
            "chart version \"x\" is not a semantic version"
        );
    }
}
