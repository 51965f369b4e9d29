//! The folder of `shipway up`: whose it is, who uses it, and what is kept in it from run to run.
//!
//! ```text
//! .shipway/  made-by-shipway-up   the mark: without it nothing here is ever deleted
//!            lock                 held by whoever runs; the system lets it go when he dies, however he does
//!            ports.json           the ports of the last run, taken again where they are free
//!            begun                what the hub begins with was made
//!            up.json              where everything is, while it runs
//!            hub/ staging/ production/   the clusters    charts.git   store/   cache/   log
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Problem;

const MARK: &str = "made-by-shipway-up";
const LOCK: &str = "lock";
const PORTS: &str = "ports.json";

/// The mark that the hub has what it begins with.
pub(super) const BEGUN: &str = "begun";

/// A child process has our files open between its fork and its exec, a lock that was just let go among them. That is over
/// in a moment; whoever really has the folder has it for longer.
const LOCK_TRIES: u32 = 20;
const LOCK_AGAIN: Duration = Duration::from_millis(10);

/// What the mark says to whoever finds it.
const MARK_TEXT: &str = "`shipway up` made this folder. `shipway up --fresh` deletes what is in it; so may you, while none runs.\n";

/// The ports of a run by what listens there.
pub(crate) type Ports = BTreeMap<String, u16>;

/// The folder, held by this process.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// As it was named.
    named: PathBuf,
    /// Let go when it is closed.
    _lock: File,
}

/// Whether somebody runs in a folder.
pub(crate) fn is_running(path: &Path) -> bool {
    let Ok(file) = File::open(path.join(LOCK)) else {
        return false;
    };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

impl Folder {
    /// Opens or makes the folder and holds it; with `fresh`, everything in it is deleted first.
    pub(crate) fn open(path: &Path, fresh: bool) -> Result<Self, Problem> {
        let named = path.to_owned();
        let path = std::path::absolute(path).map_err(|source| failed("find", path, source))?;
        let is_empty = match fs::read_dir(&path) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(source) => return Err(failed("read", &path, source)),
        };
        if !is_empty && !path.join(MARK).is_file() {
            return Err(Problem::Strange { path });
        }
        fs::create_dir_all(&path).map_err(|source| failed("make", &path, source))?;
        // Keys, tokens and what the clusters keep lie in it, also in one that an older version made.
        let owned = fs::set_permissions(&path, fs::Permissions::from_mode(0o700));
        owned.map_err(|source| failed("close to others", &path, source))?;
        write(&path.join(MARK), MARK_TEXT, 0o644)?;
        // A repository around it is not to have it.
        write(&path.join(".gitignore"), "*\n", 0o644)?;
        let lock = path.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock)
            .map_err(|source| failed("open", &lock, source))?;
        for tried in 0.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tried < LOCK_TRIES => std::thread::sleep(LOCK_AGAIN),
                Err(TryLockError::WouldBlock) => return Err(Problem::Taken { path }),
                Err(TryLockError::Error(source)) => return Err(failed("lock", &lock, source)),
            }
        }
        let folder = Self {
            path,
            named,
            _lock: file,
        };
        if fresh {
            folder.empty()?;
        }
        Ok(folder)
    }

    /// Deletes what is in it, but the mark and the lock.
    fn empty(&self) -> Result<(), Problem> {
        // First: whoever comes after a kill in the middle of this has to begin, too.
        self.forget(BEGUN);
        let entries = fs::read_dir(&self.path).map_err(|source| failed("read", &self.path, source))?;
        for entry in entries {
            let path = entry.map_err(|source| failed("read", &self.path, source))?.path();
            let name = path.file_name().unwrap_or_default();
            // Ports are kept, so that addresses that somebody wrote down stay good.
            if name == MARK || name == LOCK || name == PORTS || name == ".gitignore" {
                continue;
            }
            let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
            let removed = match is_folder {
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
            removed.map_err(|source| failed("delete", &path, source))?;
        }
        Ok(())
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A place in it as a person would write it, from where the command was given.
    pub(crate) fn named(&self, name: &str) -> PathBuf {
        match name {
            "" => self.named.clone(),
            name => self.named.join(name),
        }
    }

    /// The ports of the last run.
    pub(crate) fn ports(&self) -> Ports {
        read(&self.at(PORTS)).unwrap_or_default()
    }

    pub(crate) fn keep_ports(&self, ports: &Ports) -> Result<(), Problem> {
        self.keep_json(PORTS, ports)
    }

    /// Keeps a text that only its owner may read, whole or not at all.
    pub(crate) fn keep(&self, name: &str, text: &str) -> Result<(), Problem> {
        write(&self.at(name), text, 0o600)
    }

    /// Keeps a value as JSON.
    pub(crate) fn keep_json(&self, name: &str, value: &impl Serialize) -> Result<(), Problem> {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        self.keep(name, &(text + "\n"))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.at(name).exists()
    }

    /// Forgets a file; one that is not there is forgotten already.
    pub(crate) fn forget(&self, name: &str) {
        let _ = fs::remove_file(self.at(name));
    }
}

/// Reads a value that a run kept; what can't be read was not kept.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes a file beside its place and moves it there, so that nobody reads half of it.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), Problem> {
    let aside = path.with_added_extension("new");
    let written = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(mode)
        .open(&aside)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&aside, path));
    written.map_err(|source| failed("write", path, source))
}

pub(super) fn failed(doing: &'static str, path: &Path, source: io::Error) -> Problem {
    Problem::File {
        doing,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[test]
    fn two_never_use_one_folder_and_a_dead_one_holds_nothing() {
        let place = place();
        let path = place.path().join("a");
        let first = Folder::open(&path, false).expect("it is new");
        assert!(is_running(&path));
        assert!(matches!(Folder::open(&path, true), Err(Problem::Taken { .. })));
        drop(first);
        assert!(!is_running(&path));
        Folder::open(&path, false).expect("the lock was let go");
    }

    #[test]
    fn only_what_it_made_itself_is_deleted() {
        let place = place();
        fs::write(place.path().join("thesis.txt"), "x").expect("it is written");
        for fresh in [false, true] {
            let refused = Folder::open(place.path(), fresh);
            assert!(matches!(refused, Err(Problem::Strange { .. })), "fresh: {fresh}");
        }
        assert_eq!(
            fs::read_dir(place.path()).expect("it is there").count(),
            1,
            "nothing was added either"
        );
        let own = place.path().join("own");
        let folder = Folder::open(&own, false).expect("it is new");
        folder
            .keep_ports(&Ports::from([("hub".to_owned(), 1)]))
            .expect("it is written");
        folder.keep("begun", "").expect("it is written");
        drop(folder);
        let folder = Folder::open(&own, true).expect("it is ours");
        assert!(!folder.has("begun"));
        assert_eq!(folder.ports()["hub"], 1, "what was written down stays good");
    }

    #[test]
    fn fresh_follows_no_link_out_of_the_folder() {
        let place = place();
        let (own, other) = (place.path().join("own"), place.path().join("other"));
        drop(Folder::open(&own, false).expect("it is new"));
        fs::create_dir(&other).expect("a folder");
        fs::write(other.join("kept"), "x").expect("it is written");
        std::os::unix::fs::symlink(&other, own.join("link")).expect("a link");
        drop(Folder::open(&own, true).expect("it is ours"));
        assert!(other.join("kept").exists() && !own.join("link").exists());
    }

    #[test]
    fn what_is_kept_is_for_its_owner_alone() {
        let place = place();
        let folder = Folder::open(&place.path().join("a"), false).expect("it is new");
        folder.keep("hub.kubeconfig", "secret").expect("it is written");
        let mode = fs::metadata(folder.at("hub.kubeconfig"))
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        // Whatever a cluster, a store or a log keeps in it, nobody else comes in.
        drop(folder);
        fs::set_permissions(place.path().join("a"), fs::Permissions::from_mode(0o755)).expect("it is ours");
        let folder = Folder::open(&place.path().join("a"), false).expect("it is there");
        let mode = fs::metadata(folder.at(""))
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
