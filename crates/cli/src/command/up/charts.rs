//! The repository of charts: bare, made once by the installed git, with one commit of what `shipway new` makes; and the
//! watch on its branches.
//!
//! A push is noticed by looking at the files of the branches, which costs a few microseconds, so that it takes no hook, no
//! tool and no interval. What it means is asked of git by whoever is told.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use golden::Files;

use super::Problem;
use super::folder::failed;

/// How often the branches are looked at: a fifth of what a person notices.
const EVERY: Duration = Duration::from_millis(20);

/// More files than any repository on a laptop has branches; what is beyond is found by the source's interval.
const MOST_BRANCHES: usize = 10_000;

/// How deep the folders of branches go, as in `feature/a/b`.
const MOST_DEEP: usize = 16;

/// Who made the first commit.
const AUTHOR: &str = "Shipway <shipway@localhost>";

/// Makes the repository, unless it is there. It appears whole: a kill leaves nothing or a part beside its place.
pub(super) fn make(path: &Path, files: &Files) -> Result<(), Problem> {
    if path.exists() {
        return Ok(());
    }
    let aside = path.with_added_extension("new");
    if aside.exists() {
        std::fs::remove_dir_all(&aside).map_err(|source| failed("delete", &aside, source))?;
    }
    let aside_text = aside.to_string_lossy().into_owned();
    git(
        &["init", "--quiet", "--bare", "--initial-branch=main", &aside_text],
        &[],
    )?;
    let commit = first_commit(files, seconds());
    git(&["-C", &aside_text, "fast-import", "--quiet", "--done"], &commit)?;
    std::fs::rename(&aside, path).map_err(|source| failed("make", path, source))
}

/// The stream of one commit, as `git fast-import` reads it.
fn first_commit(files: &Files, seconds: u64) -> Vec<u8> {
    let message = "The charts that this hub begins with";
    let mut stream = format!(
        "commit refs/heads/main\ncommitter {AUTHOR} {seconds} +0000\ndata {}\n{message}\n",
        message.len()
    );
    for (path, text) in files {
        // Paths with other characters would have to be quoted; ours are checked names.
        stream.push_str(&format!("M 644 inline {path}\ndata {}\n{text}\n", text.len()));
    }
    stream.push_str("done\n");
    stream.into_bytes()
}

fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Runs git without this machine's settings, which could add hooks and templates.
fn git(arguments: &[&str], input: &[u8]) -> Result<(), Problem> {
    let mut child = Command::new("git")
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TEMPLATE_DIR", "")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Problem::NoGit)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends before it has read everything says why below.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(Problem::NoGit)?;
    match output.status.success() {
        true => Ok(()),
        false => Err(Problem::Git {
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }),
    }
}

/// The branches as they were seen: each file with its content, and when those that are packed were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Branches {
    loose: Vec<(PathBuf, Vec<u8>)>,
    packed: Option<SystemTime>,
}

/// Calls `pushed` whenever a branch has changed; never returns.
pub(super) async fn watch<F: Future<Output = ()>>(repository: &Path, pushed: impl Fn() -> F) {
    let mut seen = branches(repository);
    loop {
        tokio::time::sleep(EVERY).await;
        let now = branches(repository);
        if now != seen {
            seen = now;
            pushed().await;
        }
    }
}

fn branches(repository: &Path) -> Branches {
    let mut loose = Vec::new();
    collect(&repository.join("refs/heads"), 0, &mut loose);
    loose.sort();
    let packed = std::fs::metadata(repository.join("packed-refs"));
    Branches {
        loose,
        packed: packed.and_then(|found| found.modified()).ok(),
    }
}

fn collect(folder: &Path, depth: usize, into: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if into.len() >= MOST_BRANCHES || depth >= MOST_DEEP {
            return;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&path, depth + 1, into);
        } else if path.extension().is_none_or(|ending| ending != "lock") {
            into.push((path.clone(), std::fs::read(&path).unwrap_or_default()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_has_what_was_given_and_is_made_once() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("charts.git");
        let files = Files::from([
            ("shop/web/values.yaml".to_owned(), "a: 1\n".to_owned()),
            ("shop/web/empty".to_owned(), String::new()),
        ]);
        make(&path, &files).expect("git is installed");
        let before = branches(&path);
        make(&path, &Files::new()).expect("it is there already");
        assert_eq!(branches(&path), before);
        let shown = Command::new("git")
            .arg("-C")
            .arg(&path)
            .args(["show", "main:shop/web/values.yaml"])
            .output()
            .expect("git is installed");
        assert_eq!(String::from_utf8_lossy(&shown.stdout), "a: 1\n");
    }

    #[test]
    fn a_branch_that_moves_comes_or_goes_is_a_change_and_a_note_is_none() {
        let place = tempfile::tempdir().expect("a folder");
        let heads = place.path().join("refs/heads/feature");
        std::fs::create_dir_all(&heads).expect("a folder");
        let branch = heads.join("one");
        std::fs::write(&branch, "1").expect("it is written");
        let mut seen = branches(place.path());
        let mut changed = |what: &str, expected: bool| {
            let now = branches(place.path());
            assert_eq!(now != seen, expected, "{what}");
            seen = now;
        };
        std::fs::write(&branch, "2").expect("it is written");
        changed("it moved", true);
        std::fs::write(heads.join("two.lock"), "3").expect("it is written");
        changed("it is being written", false);
        std::fs::create_dir_all(place.path().join("refs/notes")).expect("a folder");
        std::fs::write(place.path().join("refs/notes/shipway"), "4").expect("it is written");
        changed("a note", false);
        std::fs::remove_file(&branch).expect("it is removed");
        changed("it went", true);
    }
}
