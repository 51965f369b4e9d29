//! Folders of files for one test each, below cargo's own folder for such things.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder that a test has for itself. It stays for a look after the test, and is emptied by the next run.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// An empty folder; the name must be the test's own.
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("cargo's folder for tests can be written to");
        Self(path)
    }

    /// A chart called `api` in the folder, with these files beside a Chart.yaml.
    pub(crate) fn with_chart(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = Self::new(name);
        folder.write("api/Chart.yaml", "apiVersion: v2\nname: api\nversion: 1.2.0\n");
        for (path, text) in files {
            folder.write(&format!("api/{path}"), text);
        }
        folder
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("a folder can be made");
        std::fs::write(path, text).expect("a file can be written");
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.0.join(path)).expect("the file is there")
    }

    /// What lies in the folder itself, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the folder is there");
        let names = entries.map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// `shipway` in this folder.
    pub(crate) fn shipway(&self, line: &str) -> Command {
        let mut command = crate::command(line);
        command.current_dir(&self.0);
        command
    }

    /// What a user sees, as one text for a snapshot, with the folder's path masked.
    pub(crate) fn seen(&self, line: &str) -> String {
        crate::seen_of(&mut self.shipway(line)).replace(&*self.0.to_string_lossy(), "[FOLDER]")
    }
}
