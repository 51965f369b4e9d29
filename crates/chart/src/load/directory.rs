//! Reading a chart's directory: names in order, links followed, `.helmignore` obeyed.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::archive::without_bom;
use super::ignore::{self, Rules};
use super::{Loaded, MAX_FILES, check_api_version};
use crate::chart::File;
use crate::error::Error;
use crate::warning::Warning;

/// Helm's limit on one file.
const MAX_FILE_SIZE: u64 = 5 * 1024 * 1024;

/// All files together; Helm bounds archives by this and directories not at all.
const MAX_TOTAL_SIZE: u64 = 1024 * 1024 * 1024;

/// Folders within folders. A link to a folder above it is what reaches this.
const MAX_DEPTH: usize = 64;

/// Loads the chart in a directory.
///
/// # Errors
/// As [`super::path`].
pub fn load(path: &Path) -> Result<Loaded, Error> {
    let root = std::path::absolute(path).map_err(|source| Error::io("resolve", path, &source))?;
    let chart_yaml = root.join("Chart.yaml");
    let bytes = fs::read(&chart_yaml).map_err(|source| Error::NotAChart {
        source: Box::new(Error::io("open", &chart_yaml, &source)),
        path: chart_yaml.clone(),
    })?;
    check_api_version(&bytes)?;
    load_unchecked(&root)
}

/// Loads the chart in a directory whatever its `apiVersion`, as Helm's linter does.
pub(crate) fn load_unchecked(root: &Path) -> Result<Loaded, Error> {
    let (files, mut warnings) = read(root)?;
    let mut loaded = super::files(files)?;
    warnings.append(&mut loaded.warnings);
    Ok(Loaded {
        chart: loaded.chart,
        warnings,
    })
}

/// Reads the files of a chart's directory, in lexical order, without what `.helmignore` names.
///
/// # Errors
/// A file that cannot be read, is no regular file or too large, or a bad `.helmignore`.
pub fn read(root: &Path) -> Result<(Vec<File>, Vec<Warning>), Error> {
    let rules = match fs::read(root.join(ignore::FILE)) {
        Ok(bytes) => Rules::parse(&String::from_utf8_lossy(&bytes)),
        Err(_) => Rules::parse(""),
    };
    let rules = rules.map_err(|source| Error::Ignore { source })?;
    let mut walk = Walk {
        rules,
        files: Vec::new(),
        warnings: Vec::new(),
        size: 0,
        entries: 0,
        buffer: Vec::new(),
    };
    walk.folder(root, "", 0)?;
    Ok((walk.files, walk.warnings))
}

struct Walk {
    rules: Rules,
    files: Vec<File>,
    warnings: Vec<Warning>,
    size: u64,
    /// Files and folders seen.
    entries: usize,
    /// What was read last.
    buffer: Vec<u8>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep { limit: MAX_DEPTH });
        }
        let failed = |source| Error::io("open", folder, &source);
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            entries.push(entry.map_err(failed)?);
        }
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = if prefix.is_empty() {
                name.into_owned()
            } else {
                format!("{prefix}/{name}")
            };
            self.entry(&entry, &path, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &fs::DirEntry, name: &str, depth: usize) -> Result<(), Error> {
        // Folders count too: links to a folder above them multiply faster than they nest.
        self.entries += 1;
        if self.entries > MAX_FILES {
            return Err(Error::TooManyFiles { limit: MAX_FILES });
        }
        let path = entry.path();
        let failed = |source| Error::io("lstat", &path, &source);
        let mut kind = entry.file_type().map_err(failed)?;
        if kind.is_symlink() {
            kind = self.follow(&path)?;
        }
        if self.rules.ignores(name, kind.is_dir()) {
            return Ok(());
        }
        if kind.is_dir() {
            return self.folder(&path, name, depth + 1);
        }
        if !kind.is_file() {
            return Err(Error::Irregular { path });
        }
        self.file(&path, name)
    }

    /// What a link leads to. A broken link is an error even where `.helmignore` names it.
    fn follow(&mut self, path: &Path) -> Result<fs::FileType, Error> {
        let failed = |source| Error::Link {
            path: path.to_owned(),
            source: Box::new(Error::io("lstat", path, &source)),
        };
        let resolved = fs::canonicalize(path).map_err(failed)?;
        let about = fs::metadata(&resolved).map_err(failed)?;
        self.warnings.push(
            Warning::info("found symbolic link in path. Contents of linked file included and used")
                .with("path", path.display().to_string())
                .with("resolved", resolved.display().to_string()),
        );
        Ok(about.file_type())
    }

    fn file(&mut self, path: &Path, name: &str) -> Result<(), Error> {
        let failed = |source| Error::io("open", path, &source);
        let file = fs::File::open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        if size > MAX_FILE_SIZE {
            let name = name.rsplit('/').next().unwrap_or(name).to_owned();
            return Err(Error::FileTooLarge {
                name,
                limit: MAX_FILE_SIZE,
            });
        }
        self.size += size;
        if self.size > MAX_TOTAL_SIZE {
            return Err(Error::FileTooLarge {
                name: ".".to_owned(),
                limit: MAX_TOTAL_SIZE,
            });
        }
        // One buffer for all files: fresh pages for each would cost more than the copy out of it.
        self.buffer.clear();
        io::Read::read_to_end(&mut io::Read::take(file, MAX_FILE_SIZE), &mut self.buffer).map_err(failed)?;
        self.files.push(File {
            name: name.into(),
            data: Arc::from(without_bom(&self.buffer)),
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chart's folder that goes when the test ends.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let folder = std::env::temp_dir().join(format!("chart-directory-{}-{name}", std::process::id()));
            let all = files
                .iter()
                .chain(&[("Chart.yaml", "{apiVersion: v2, name: top, version: 1.0.0}")]);
            for (name, text) in all {
                let path = folder.join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
                fs::write(path, text).expect("a writable folder");
            }
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn names(folder: &Folder) -> String {
        let (files, _) = read(&folder.0).expect("a readable folder");
        files.iter().map(|file| &*file.name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn files_come_in_order_and_ignored_ones_not_at_all() {
        let files = [
            ("b/x", ""),
            ("a.txt", ""),
            ("b/y.bak", ""),
            ("c/z", ""),
            (".helmignore", "*.bak\nc/\n"),
        ];
        assert_eq!(
            names(&Folder::new("order", &files)),
            ".helmignore Chart.yaml a.txt b/x"
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_loops_end() {
        let folder = Folder::new("links", &[("real/a", "1")]);
        std::os::unix::fs::symlink(folder.0.join("real"), folder.0.join("link")).expect("links work");
        let (files, warnings) = read(&folder.0).expect("a readable folder");
        let names: Vec<&str> = files.iter().map(|file| &*file.name).collect();
        assert_eq!(names, ["Chart.yaml", "link/a", "real/a"]);
        assert_eq!(warnings.len(), 1);
        for name in ["up", "again"] {
            std::os::unix::fs::symlink(&folder.0, folder.0.join("real").join(name)).expect("links work");
        }
        assert!(read(&folder.0).is_err());
    }

    #[test]
    fn what_is_no_chart_is_told_apart() {
        let missing = load(Path::new("/nonexistent")).unwrap_err().chain();
        let expected = "unable to detect chart at /nonexistent/Chart.yaml: open /nonexistent/Chart.yaml: no such \
                        file or directory";
        assert_eq!(missing, expected);
    }
}
