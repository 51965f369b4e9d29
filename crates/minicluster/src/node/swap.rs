//! A folder of files that changes all at once, laid out as a kubelet does it.
//!
//! ```text
//! key ──► ..data/key        ..data ──► ..2026_01_02_03_04_05.678901234/
//! ```
//!
//! New files are written beside the old ones; then the one link `..data` is put in the other's place, so whoever reads
//! sees all of the old or all of the new ones, and a watcher of that link sees one change.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use jiff::Timestamp;

use super::files::{inside, make_folder};

const CURRENT: &str = "..data";
const NEXT: &str = "..data_tmp";

/// What a file holds, and who may read it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    pub(crate) mode: u32,
}

/// Files by their path in the folder.
pub(crate) type Payload = BTreeMap<String, File>;

/// Has a folder hold these files and no others.
///
/// # Errors
/// Where something can't be written; then the folder holds what it held before.
pub(crate) fn swap(folder: &Path, payload: &Payload, now: Timestamp) -> io::Result<()> {
    make_folder(folder)?;
    let name = now.strftime("..%Y_%m_%d_%H_%M_%S.%9f").to_string();
    let fresh = folder.join(&name);
    let swapped = fill(&fresh, payload).and_then(|()| {
        let next = folder.join(NEXT);
        let _ = fs::remove_file(&next);
        symlink(&name, &next)?;
        fs::rename(&next, folder.join(CURRENT))
    });
    if let Err(error) = swapped {
        let _ = fs::remove_dir_all(&fresh);
        return Err(error);
    }
    link(folder, payload)?;
    sweep(folder, &name, payload);
    Ok(())
}

/// Writes the files of one generation.
fn fill(fresh: &Path, payload: &Payload) -> io::Result<()> {
    make_folder(fresh)?;
    for (path, file) in payload {
        let path = inside(fresh, path);
        if let Some(parent) = path.parent() {
            make_folder(parent)?;
        }
        fs::write(&path, &file.bytes)?;
        fs::set_permissions(&path, Permissions::from_mode(file.mode))?;
    }
    fs::set_permissions(fresh, Permissions::from_mode(0o755))
}

/// Links what there is at the top to the current generation.
fn link(folder: &Path, payload: &Payload) -> io::Result<()> {
    for top in payload.keys().filter_map(|path| top(path)) {
        let path = folder.join(top);
        if fs::symlink_metadata(&path).is_err() {
            symlink(Path::new(CURRENT).join(top), &path)?;
        }
    }
    Ok(())
}

/// Removes earlier generations and links to what is gone. What can't be removed is tried again with the next change.
fn sweep(folder: &Path, current: &str, payload: &Payload) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name == current || name == CURRENT {
            continue;
        }
        if name.starts_with("..") {
            let _ = fs::remove_dir_all(entry.path());
        } else if !payload.keys().any(|path| top(path) == Some(&name)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The first part of a path, which is what the folder shows.
fn top(path: &str) -> Option<&str> {
    path.split('/').find(|part| !matches!(*part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, mode: u32) -> File {
        File {
            bytes: text.into(),
            mode,
        }
    }

    #[test]
    fn all_files_change_at_once_and_what_is_gone_goes() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("v");
        let at = |second| Timestamp::from_second(second).unwrap();
        let read = |path: &str| fs::read_to_string(folder.join(path)).ok();
        let mode = |path: &str| fs::metadata(folder.join(path)).unwrap().permissions().mode() & 0o777;
        let first = Payload::from([
            ("a".to_owned(), file("1", 0o644)),
            ("deep/b".to_owned(), file("2", 0o400)),
            ("gone".to_owned(), file("3", 0o644)),
        ]);
        swap(&folder, &first, at(1)).unwrap();
        assert_eq!((read("a"), read("deep/b")), (Some("1".into()), Some("2".into())));
        assert_eq!((mode("a"), mode("deep/b")), (0o644, 0o400));
        assert_eq!(fs::read_link(folder.join("a")).unwrap(), Path::new("..data/a"));
        let before = fs::read_link(folder.join(CURRENT)).unwrap();
        assert_eq!(before, Path::new("..1970_01_01_00_00_01.000000000"));

        let second = Payload::from([
            ("a".to_owned(), file("new", 0o600)),
            ("c".to_owned(), file("4", 0o644)),
        ]);
        swap(&folder, &second, at(2)).unwrap();
        assert_eq!((read("a"), read("c")), (Some("new".into()), Some("4".into())));
        assert_eq!(mode("a"), 0o600);
        assert_ne!(fs::read_link(folder.join(CURRENT)).unwrap(), before);
        let mut names: Vec<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["..1970_01_01_00_00_02.000000000", "..data", "a", "c"]);
    }

    #[test]
    fn what_cant_be_written_leaves_what_there_was() {
        let folder = tempfile::tempdir().unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let good = Payload::from([("a".to_owned(), file("1", 0o644))]);
        swap(folder.path(), &good, at(1)).unwrap();
        // A name that no file system takes.
        let bad = Payload::from([
            ("a".to_owned(), file("2", 0o644)),
            ("x".repeat(300), file("", 0o644)),
        ]);
        assert!(swap(folder.path(), &bad, at(2)).is_err());
        assert_eq!(fs::read_to_string(folder.path().join("a")).unwrap(), "1");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
