//! A repository that others push to, made with the installed git in a folder that goes with the test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use source::{Credentials, Git, ObjectId, Remote, Repository};
use tempfile::TempDir;

/// A working copy and the caches of it, offline.
pub struct Origin {
    folder: TempDir,
}

impl Origin {
    pub fn new() -> Self {
        Self::with(&["--initial-branch=main"])
    }

    pub fn with(options: &[&str]) -> Self {
        let origin = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(origin.path()).unwrap();
        let mut init = vec!["init", "--quiet", "--template="];
        init.extend(options);
        origin.git(&init);
        origin
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("origin")
    }

    pub fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn remote(&self) -> Remote {
        Remote::parse(&format!("file://{}", self.path().display())).unwrap()
    }

    /// The clone of the origin, in a cache of this name.
    pub async fn open(&self, cache: &str) -> Repository {
        Repository::open(git(), &self.place(cache), self.remote(), &Credentials::None)
            .await
            .unwrap()
    }

    pub async fn fetched(&self) -> Repository {
        let mut repository = self.open("cache").await;
        repository.fetch(&[]).await.unwrap();
        repository
    }

    /// Writes files and commits them; a path that ends with `@` is a link to its content.
    pub fn commit(&self, files: &[(&str, &str)]) -> ObjectId {
        for (path, content) in files {
            let file = self.path().join(path.trim_end_matches('@'));
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            if path.ends_with('@') {
                std::os::unix::fs::symlink(content, file).unwrap();
            } else {
                std::fs::write(file, content).unwrap();
            }
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
        self.git(&["rev-parse", "HEAD"]).trim().parse().unwrap()
    }

    /// Makes the origin run a line of shell.
    pub fn hook(&self, name: &str, line: &str) {
        let hooks = self.path().join(".git/hooks");
        std::fs::create_dir_all(&hooks).unwrap();
        program(&hooks.join(name), line);
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        run(&self.path(), arguments)
    }
}

/// Our git, with the least of the test's environment.
pub fn git() -> Git {
    Git::new("git", std::env::vars_os())
}

/// Runs git in a folder, without this machine's settings.
pub fn run(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("HOME", folder);
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "Ada")
            .env(format!("GIT_{who}_EMAIL"), "ada@acme.dev");
        command.env(format!("GIT_{who}_DATE"), "1700000000 +0000");
    }
    let output = command.args(arguments).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Writes lines of shell that can be run.
///
/// Another process writes them: a program that another thread is just starting has our open files until it runs, and what
/// is open for writing can't be run.
pub fn program(place: &Path, lines: &str) {
    let text = format!("#!/bin/sh\n{lines}\n");
    let write = r#"printf %s "$1" > "$2" && chmod 755 "$2""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", write, "sh", &text]).arg(place);
    assert!(shell.status().unwrap().success());
}
