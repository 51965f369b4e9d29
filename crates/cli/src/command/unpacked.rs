//! A chart as a folder, whatever it came as.

use std::path::{Path, PathBuf};

use super::host::unique;
use crate::Failure;

/// A chart's folder; an archive's is a temporary one that is gone with this.
#[derive(Debug)]
pub(crate) struct Unpacked {
    path: PathBuf,
    is_temporary: bool,
}

impl Unpacked {
    /// The folder itself, or a temporary one with the archive's files in it.
    pub(crate) fn of(chart: &Path) -> Result<Self, Failure> {
        if !chart.is_file() {
            return Ok(Self {
                path: chart.to_owned(),
                is_temporary: false,
            });
        }
        let files = chart::load::archive::read_path(chart)?;
        let name = format!("shipway-{}", unique());
        let unpacked = Self {
            path: std::env::temp_dir().join(name),
            is_temporary: true,
        };
        for file in files {
            // The reader has refused every path that leaves the folder.
            let path = unpacked.path.join(&*file.name);
            let written = std::fs::create_dir_all(path.parent().unwrap_or(&unpacked.path))
                .and_then(|()| std::fs::write(&path, &file.data));
            written.map_err(|error| Failure::output(&error))?;
        }
        Ok(unpacked)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        if self.is_temporary {
            // What stays behind is in the system's folder for such things.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
