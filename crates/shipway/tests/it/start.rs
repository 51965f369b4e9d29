//! The pages of `docs/start`, run: every command in them works as it stands there.
//!
//! A page is one session of a shell: `cd` and `export` hold until its end, `&` runs beside it. kubectl and helm need not be
//! installed: where they are not, what the pages ask of them is done by this test, or by shipway's own command of that name.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use cluster::{Apply, Cluster, Event, Files, ListQuery, Target};
use objects::{condition, meta};
use tokio::runtime::Runtime;

use crate::folder::Folder;
use crate::up::Up;

/// What a page's session knows.
struct Session {
    folder: PathBuf,
    kubeconfig: String,
    up: Vec<Up>,
}

/// Long enough for a machine under load; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// The commands of a page, with the exit code that the page says.
fn commands(page: &str) -> Vec<(String, i32)> {
    let mut is_session = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.starts_with("```") {
            is_session = line == "```console";
        }
        if let Some(command) = line.strip_prefix("$ ").filter(|_| is_session) {
            let (command, comment) = command.split_once("  # ").unwrap_or((command, ""));
            let code = comment
                .strip_prefix("ends with ")
                .map_or(0, |code| code.parse().expect("a code"));
            found.push((command.trim().to_owned(), code));
        }
    }
    found
}

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/start")
        .join(name);
    std::fs::read_to_string(path).expect("the page is there")
}

impl Session {
    fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            kubeconfig: String::new(),
            up: Vec::new(),
        }
    }

    fn run(&mut self, command: &str, expected: i32) {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            ["cd", folder] => self.folder = self.folder.join(folder),
            ["export", setting] => {
                let path = setting
                    .strip_prefix("KUBECONFIG=$PWD/")
                    .expect("the pages set nothing else");
                self.kubeconfig = self.folder.join(path).to_string_lossy().into_owned();
            }
            ["shipway", "up", "&"] => self.up.push(Up::at(&self.folder, "up")),
            // What the real ones do is tried where they are: `cargo xtask clients`.
            ["kubectl", "get", "pods", "--all-namespaces"] => self.pods(),
            ["kubectl", "apply", "-f", file] => self.apply(file),
            ["kubectl", "wait", object, "-n", namespace, ..] => self.wait(object, namespace),
            ["helm", "list", ..] => self.shell(&command.replacen("helm", "shipway", 1), expected),
            // On a terminal it is asked; nobody is there who could answer.
            ["shipway", "approve", ..] => self.agree(&format!("{command} --yes")),
            ["shipway" | "git", ..] => self.shell(command, expected),
            _ => panic!("the test knows no {command:?}"),
        }
    }

    /// A client of the cluster that the session's kubeconfig names.
    async fn client(&self) -> Cluster {
        let target = Target {
            kubeconfig: Files::One(PathBuf::from(&self.kubeconfig)),
            ..Target::default()
        };
        Cluster::connect(target).await.expect("a kubeconfig")
    }

    fn pods(&self) {
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let client = self.client().await;
            let pods = client
                .resource("v1", "Pod")
                .await
                .expect("discovery")
                .expect("pods");
            client
                .list(&pods, None, &ListQuery::default())
                .await
                .expect("the cluster answers");
        });
    }

    fn apply(&self, file: &str) {
        let text = std::fs::read_to_string(self.folder.join(file)).expect("the file is there");
        let how = Apply {
            manager: "kubectl",
            force: false,
            dry_run: false,
        };
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let client = self.client().await;
            for object in manifest::read(&text).expect("it is YAML") {
                let kind = meta::text(&object.value, "kind");
                let resource = client
                    .resource(&object.api_version, kind)
                    .await
                    .expect("discovery");
                let resource = resource.expect("a kind that is served");
                let at = resource.at(meta::namespace(&object.value), meta::name(&object.value));
                client.apply(at, &object.value, how).await.expect("it is taken");
            }
        });
    }

    /// Waits for the condition `Ready`.
    fn wait(&self, object: &str, namespace: &str) {
        let name = object
            .strip_prefix("application/")
            .expect("the pages wait for nothing else");
        let runtime = Runtime::new().expect("a runtime");
        let waited = runtime.block_on(async {
            let client = self.client().await;
            let kind = client
                .resource(kinds::API_VERSION, "Application")
                .await
                .expect("discovery");
            let kind = kind.expect("a kind that is served");
            let mut watch = client.watch(&kind, Some(namespace), &ListQuery::named(name), "");
            let watching = async {
                loop {
                    let seen = match watch.next().await.expect("the cluster answers") {
                        Event::Added(object) | Event::Modified(object) => Some(object),
                        Event::Deleted(_) => None,
                        Event::Relisted(objects) => objects.into_iter().next(),
                    };
                    if seen.is_some_and(|object| condition::is_true(&object, "Ready")) {
                        return;
                    }
                }
            };
            tokio::time::timeout(PATIENCE, watching).await
        });
        assert!(waited.is_ok(), "{object} is not ready");
    }

    /// Agrees as soon as there is a plan to agree to, which a person would have looked at for longer than it takes.
    fn agree(&self, command: &str) {
        let began = std::time::Instant::now();
        loop {
            let output = self.output(command);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() {
                return;
            }
            assert!(
                began.elapsed() < PATIENCE && said.contains("SW110"),
                "{command}: {said}"
            );
        }
    }

    fn shell(&self, command: &str, expected: i32) {
        let output = self.output(command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(expected), "{command}: {said}");
    }

    fn output(&self, command: &str) -> Output {
        let own = Path::new(env!("CARGO_BIN_EXE_shipway"))
            .parent()
            .expect("a folder");
        let path = std::env::var("PATH").expect("there is one");
        let mut shell = Command::new("sh");
        shell
            .args(["-c", command])
            .current_dir(&self.folder)
            .env("PATH", format!("{}:{path}", own.display()))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("GIT_CONFIG_GLOBAL", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            shell.env(format!("GIT_{who}_NAME"), "Ada");
            shell.env(format!("GIT_{who}_EMAIL"), "ada@example.com");
        }
        shell.output().expect("there is a shell")
    }
}

#[test]
fn the_page_of_charts_works_as_it_stands() {
    let commands = commands(&page("charts.md"));
    assert!(commands.len() >= 7, "{commands:?}");
    let folder = Folder::new("start_charts");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let examples = examples.canonicalize().expect("it is there");
    std::os::unix::fs::symlink(examples, folder.path("examples")).expect("a link");
    let mut session = Session::new(folder.path(""));
    for (command, code) in commands {
        session.run(&command, code);
    }
}

#[test]
fn the_ten_minutes_work_as_they_stand() {
    let commands = commands(&page("ten-minutes.md"));
    assert!(commands.len() >= 15, "{commands:?}");
    let folder = Folder::new("start_ten_minutes");
    let mut session = Session::new(folder.path(""));
    for (command, code) in commands {
        session.run(&command, code);
    }
}
