//! The real binary, killed by SIGKILL in the middle of an upgrade with hooks, and run again: it goes on at once and comes
//! to the same end, with every hook run once.
//!
//! ```text
//! shipway upgrade ──► Faulty: at this request ──► the test kills it ──► shipway upgrade again
//!                        └──► mini cluster, in the process of the test
//! ```

use std::collections::BTreeSet;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

use cluster::{Cluster, Files, ListQuery, Target};
use kubelet::nodes::{Shape, fleet};
use minicluster::server;
use objects::meta;
use testkit::faulty::{Fault, Faulty, Seen};
use tokio::runtime::Runtime;

use crate::folder::Folder;

const CHART: &[(&str, &str)] = &[
    ("values.yaml", "word: first\nold: true\n"),
    (
        "templates/objects.yaml",
        "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'shop/web:{{ .Values.word }}'}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kept}
data: {word: {{ .Values.word }}}
{{- if .Values.old }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: dropped}
{{- end }}
",
    ),
    (
        "templates/hooks.yaml",
        "\
{{- range list \"pre\" \"post\" }}
---
apiVersion: batch/v1
kind: Job
metadata: {name: {{ . }}, annotations: {helm.sh/hook: {{ . }}-upgrade}}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: run, image: shop/job:1}]}
{{- end }}
",
    ),
];

const UPGRADE: &str = "upgrade web ./api --set word=second,old=false --wait --no-queue --confirm-deletions";

/// A moment of an upgrade: the request of this method whose path has this, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Moment {
    method: &'static str,
    path: &'static str,
    number: usize,
}

/// The record, the hook before, the mark behind it, the objects, what is dropped, the hook after, the end.
const MOMENTS: [Moment; 8] = [
    Moment::of("POST", "/secrets", 1),
    Moment::of("POST", "/jobs", 1),
    Moment::of("PUT", "/secrets/sh.helm.release.v1.web.v2", 2),
    Moment::of("PATCH", "/configmaps/kept", 1),
    Moment::of("PATCH", "/deployments/web", 1),
    Moment::of("DELETE", "/configmaps/dropped", 1),
    Moment::of("POST", "/jobs", 2),
    LAST,
];

/// The revision serves then; whoever is killed after it has nothing left to go on with.
const LAST: Moment = Moment::of("PUT", "/secrets/sh.helm.release.v1.web.v2", 4);

impl Moment {
    const fn of(method: &'static str, path: &'static str, number: usize) -> Self {
        Self { method, path, number }
    }

    fn fits(&self, seen: &Seen) -> bool {
        seen.method.as_str() == self.method && seen.path.contains(self.path)
    }
}

/// What the test hears of.
enum Heard {
    /// The moment has come.
    Now,
    /// The program has ended, and said this.
    Ended(String),
}

/// A release of one revision in a cluster of its own.
struct Story {
    runtime: Runtime,
    _server: server::Cluster,
    faulty: Faulty,
    folder: Folder,
    client: Cluster,
}

/// What there is in the end, without what differs from run to run.
#[derive(Debug, PartialEq)]
struct Outcome {
    objects: BTreeSet<String>,
    /// How many Jobs were made.
    jobs: usize,
}

impl Story {
    fn new(name: &str) -> Self {
        let folder = Folder::with_chart(name, CHART);
        let runtime = Runtime::new().expect("a runtime");
        let (server, faulty, client) = runtime.block_on(async {
            let options = server::Options {
                nodes: fleet(2, &Shape::default()),
                ..server::Options::default()
            };
            let server = server::Cluster::start(options).await.expect("a cluster");
            let faulty = Faulty::start(&server.handle()).await.expect("a proxy");
            folder.write("kubeconfig", &faulty.kubeconfig());
            folder.write("good", &server.handle().kubeconfig().expect("a kubeconfig"));
            let target = Target {
                kubeconfig: Files::One(folder.path("good")),
                ..Target::default()
            };
            let client = Cluster::connect(target).await.expect("a client");
            (server, faulty, client)
        });
        let story = Self {
            runtime,
            _server: server,
            faulty,
            folder,
            client,
        };
        story.run("install web ./api --wait");
        story
    }

    fn command(&self, line: &str) -> Command {
        let mut command = self.folder.shipway(line);
        command.env("KUBECONFIG", "kubeconfig");
        command
    }

    /// Runs a command that has to work, and gives what it says beside its output.
    fn run(&self, line: &str) -> String {
        let output = self.command(line).output().expect("the binary can be run");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{line}: {said}");
        said
    }

    /// Begins an upgrade and kills it at a moment: before the cluster has done what is asked, or when it asks for the
    /// next thing. Gives how many Jobs it made.
    fn killed(&self, moment: Moment, is_done: bool) -> usize {
        let (sender, heard) = channel();
        let ended = sender.clone();
        let mut came = 0;
        self.faulty.plan(move |seen| {
            let is_it = moment.fits(seen);
            came += usize::from(is_it);
            if came < moment.number || is_it && is_done {
                return None;
            }
            // The test may have heard enough.
            let _ = sender.send(Heard::Now);
            Some(Fault::Hang)
        });
        let mut child = self
            .command(UPGRADE)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary can be run");
        let err = child.stderr.take().expect("it is piped");
        let reader = std::thread::spawn(move || until_end(err, &ended));
        expect(&heard, moment);
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
        reader.join().expect("it reads to the end");
        self.jobs_made() - usize::from(!is_done && moment.path == "/jobs")
    }

    /// How many Jobs were asked for since the last plan was made.
    fn jobs_made(&self) -> usize {
        let seen = self.faulty.seen();
        let made = |seen: &&Seen| seen.method == "POST" && seen.path.contains("/jobs");
        seen.iter().filter(made).count()
    }

    fn outcome(&self, jobs: usize) -> Outcome {
        let mut objects = BTreeSet::new();
        self.runtime.block_on(async {
            for (api_version, kind) in [
                ("v1", "ConfigMap"),
                ("v1", "Secret"),
                ("apps/v1", "Deployment"),
                ("batch/v1", "Job"),
            ] {
                let resource = self.client.resource(api_version, kind).await.expect("discovery");
                let resource = resource.expect("a kind that is served");
                let listed = self
                    .client
                    .list(&resource, Some("default"), &ListQuery::default())
                    .await;
                for object in listed.expect("a list").items {
                    let image = meta::text_at(&object, "/spec/template/spec/containers/0/image");
                    let word = meta::text_at(&object, "/data/word");
                    let status = meta::label(&object, "status").unwrap_or_default();
                    let journal = meta::annotation(&object, "shipway.dev/journal").unwrap_or_default();
                    objects.insert(format!(
                        "{kind} {} {image}{word}{status}{journal}",
                        meta::name(&object)
                    ));
                }
            }
        });
        Outcome { objects, jobs }
    }
}

/// Waits for the moment.
fn expect(heard: &Receiver<Heard>, moment: Moment) {
    match heard.recv().expect("somebody tells") {
        Heard::Now => {}
        Heard::Ended(said) => panic!("it ended before {moment:?}: {said}"),
    }
}

fn until_end(mut err: std::process::ChildStderr, ended: &Sender<Heard>) {
    let mut said = String::new();
    let _ = err.read_to_string(&mut said);
    let _ = ended.send(Heard::Ended(said));
}

#[test]
fn an_upgrade_that_is_killed_goes_on_at_once_and_runs_each_hook_once() {
    let story = Story::new("killed_never");
    story.faulty.plan(|_| None);
    story.run(UPGRADE);
    let expected = story.outcome(story.jobs_made());
    assert_eq!(expected.jobs, 2);
    let play = &|(number, moment): (usize, Moment), is_done: bool| {
        let story = Story::new(&format!("killed_{number}_{is_done}"));
        let first = story.killed(moment, is_done);
        story.faulty.plan(|_| None);
        let said = story.run(UPGRADE);
        let outcome = story.outcome(first + story.jobs_made());
        assert_eq!(outcome, expected, "{moment:?}, done {is_done}: {said}");
    };
    // One moment beside the other: each has a cluster of its own, and mostly waits for its pods.
    std::thread::scope(|scope| {
        for chosen in MOMENTS.into_iter().enumerate() {
            scope.spawn(move || {
                play(chosen, false);
                if chosen.1 != LAST {
                    play(chosen, true);
                }
            });
        }
    });
}
