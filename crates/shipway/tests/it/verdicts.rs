//! `shipway verdict` in a working copy: notes that a controller wrote, read through the remote.

use std::process::Command;

use crate::folder::Folder;

/// A working copy with one commit, pushed to a bare repository beside it.
fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    repository(&folder);
    folder
}

pub(crate) fn repository(folder: &Folder) {
    git(
        folder,
        ".",
        &["init", "--quiet", "--bare", "--initial-branch=main", "origin.git"],
    );
    git(folder, ".", &["clone", "--quiet", "origin.git", "work"]);
    folder.write("work/README.md", "x");
    git(folder, "work", &["checkout", "--quiet", "-B", "main"]);
    git(folder, "work", &["add", "."]);
    git(folder, "work", &["commit", "--quiet", "-m", "x"]);
    git(folder, "work", &["push", "--quiet", "origin", "main"]);
}

/// Writes the note that a controller would.
fn note(folder: &Folder, outcome: &str) {
    let verdict = format!(
        "{{\"verdicts\":{{\"shipway/shop/web\":{{\"outcome\":\"{outcome}\",\"summary\":\"L1 passed; 1 error, 0 warnings\",\
         \"level\":\"L1\",\"at\":\"2026-01-01T00:00:00Z\"}}}}}}"
    );
    git(
        folder,
        "origin.git",
        &["notes", "--ref=shipway", "add", "-f", "-m", &verdict, "main"],
    );
}

pub(crate) fn git(folder: &Folder, within: &str, arguments: &[&str]) {
    let mut command = Command::new("git");
    command
        .current_dir(folder.path(within))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Ada");
        command.env(format!("GIT_{who}_EMAIL"), "ada@acme.dev");
        command.env(format!("GIT_{who}_DATE"), "1700000000 +0000");
    }
    let output = command.args(arguments).output().expect("git is installed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "git {arguments:?}: {said}");
}

#[test]
fn a_verdict_is_fetched_from_the_remote_and_a_failed_one_ends_with_3() {
    let folder = folder("verdict_failed");
    insta::assert_snapshot!(folder.seen("verdict -C work"));
    note(&folder, "failed");
    insta::assert_snapshot!(folder.seen("verdict -C work"));
    note(&folder, "passed");
    insta::assert_snapshot!(folder.seen("verdict -C work main -o json"));
    note(&folder, "pending");
    insta::assert_snapshot!(folder.seen("verdict -C work --wait 1ms"));
}

#[test]
fn a_commit_that_is_none_and_a_folder_that_is_no_copy_are_told() {
    let folder = folder("verdict_none");
    insta::assert_snapshot!(folder.seen("verdict -C work nothing"));
    insta::assert_snapshot!(folder.seen("verdict -C work --remote elsewhere"));
}
