//! L3: what is tried on a cluster with a port, in real time, and what is left of it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use cluster::run::{Progress, Watching};
use cluster::{Cluster, Files, Limits, ListQuery, Target};
use kinds::{Level, Verdict};
use kubelet::nodes::{Shape, fleet};
use minicluster::server;
use objects::meta;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use verify::print::Form;
use verify::{Live, Real, Report, Request, Step};

use crate::service;

const WORD: &str = "test1";

/// Containers of this image never serve there; on the mini cluster of L2 they do.
const BEHAVIOUR: &str =
    "rules:\n- {image: '*/slow:*', does: never ready}\n- {image: '*/check:*', does: exit 0}\n";

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: '{{ .Values.image }}', ports: [{name: http, containerPort: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: '{{ .Release.Namespace }}'}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-check, annotations: {helm.sh/hook: test}}
spec: {restartPolicy: Never, containers: [{name: check, image: 'example.com/check:1'}]}
";

/// A cluster that serves, and a client of it.
struct Ground {
    runtime: Runtime,
    cluster: Cluster,
    server: Option<server::Cluster>,
}

impl Ground {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let (server, cluster) = runtime.block_on(async {
            let server = server::Cluster::start(server::Options {
                nodes: fleet(2, &Shape::default()),
                behaviour: Arc::new(kubelet::behaviour::parse(BEHAVIOUR).unwrap()),
                ..server::Options::default()
            });
            let server = server.await.unwrap();
            let target = Target {
                kubeconfig: Files::Text {
                    text: server.handle().kubeconfig().unwrap(),
                    source: "the test".to_owned(),
                },
                limits: Limits {
                    first_wait: Duration::from_millis(1),
                    ..Limits::default()
                },
                ..Target::default()
            };
            let cluster = Cluster::connect(target).await.unwrap();
            (server, cluster)
        });
        Self {
            runtime,
            cluster,
            server: Some(server),
        }
    }

    fn real(&self) -> Real {
        Real::new(
            self.cluster.clone(),
            self.runtime.handle().clone(),
            WORD.to_owned(),
        )
    }

    fn put(&self, object: &Value) {
        self.runtime.block_on(async {
            let (version, kind) = (meta::text(object, "apiVersion"), meta::text(object, "kind"));
            let resource = self.cluster.resource(version, kind).await.unwrap().unwrap();
            let at = resource.at(meta::namespace(object), meta::name(object));
            let how = cluster::Apply {
                manager: "test",
                ..cluster::Apply::default()
            };
            self.cluster.apply(at, object, how).await.unwrap();
        });
    }

    fn namespaces(&self) -> Vec<String> {
        self.runtime.block_on(async {
            let resource = self.cluster.resource("v1", "Namespace").await.unwrap().unwrap();
            let listed = self.cluster.list(&resource, None, &ListQuery::default()).await;
            let items = listed.unwrap().items;
            items.iter().map(|item| meta::name(item).to_owned()).collect()
        })
    }
}

fn files(more: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (
            "Chart.yaml".to_owned(),
            "apiVersion: v2\nname: web\nversion: 1.0.0\n".to_owned(),
        ),
        ("values.yaml".to_owned(), "image: example.com/web:1\n".to_owned()),
        ("templates/web.yaml".to_owned(), format!("{WEB}{more}")),
    ])
}

fn request(files: &BTreeMap<String, String>, real: Real) -> Request {
    let mut request = service::request(service::chart(files));
    request.stages[0].tenant = None;
    request.stages[0].real = Some(real);
    request.timeout = Duration::from_secs(30);
    request
}

fn level(report: &Report) -> (Verdict, &str) {
    let level = report.levels.iter().find(|one| one.level == Level::L3).unwrap();
    (level.result, &level.message)
}

fn steps(report: &Report) -> Vec<(&str, Step)> {
    let of_it = report.phases.iter().filter(|phase| phase.level == Level::L3);
    of_it.map(|phase| (phase.run, phase.step)).collect()
}

#[test]
fn a_release_is_tried_fresh_and_from_live_and_nothing_is_left() {
    let ground = Ground::new();
    let before = ground.namespaces();
    let mut request = request(&files(""), ground.real());
    let live = files("---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: old}}\n");
    request.stages[0].live = Some(Live::Chart {
        chart: service::chart(&live),
        values: chart::values::Map::default(),
    });
    request.evidence = true;
    let report = verify::verify(&request).unwrap();
    assert_eq!(
        level(&report),
        (
            Verdict::Passed,
            "does not prove the size and traffic of production"
        ),
        "{report:#?}"
    );
    assert!(report.passed());
    assert_eq!(
        steps(&report),
        [
            ("fresh", Step::Render),
            ("fresh", Step::Seed),
            ("fresh", Step::Install),
            ("fresh", Step::Tests),
            ("fresh", Step::CleanUp),
            ("from live", Step::Live),
            ("from live", Step::Render),
            ("from live", Step::Seed),
            ("from live", Step::Live),
            ("from live", Step::Render),
            ("from live", Step::Upgrade),
            ("from live", Step::Tests),
            ("from live", Step::Rollback),
            ("from live", Step::CleanUp),
        ]
    );
    assert_eq!(ground.namespaces(), before);
    let mut text = String::new();
    let mut unpacked = flate2::read::GzDecoder::new(report.evidence.as_ref().unwrap().bytes());
    unpacked.read_to_string(&mut text).unwrap();
    for run in ["fresh", "from live"] {
        let is_it = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["level"] == "L3" && line["run"] == run && line["object"]["kind"] == "Pod"
        };
        assert!(text.lines().any(is_it), "{run}");
    }
    for form in [Form::Terminal, Form::Junit] {
        let printed = form.print(&report, "");
        assert!(printed.contains("L3 production"), "{printed}");
    }
}

#[test]
fn what_does_not_become_ready_there_fails_and_is_cleaned_up() {
    let ground = Ground::new();
    let before = ground.namespaces();
    let files = service_files_with_image("example.com/slow:1");
    let mut request = request(&files, ground.real());
    request.timeout = Duration::from_secs(3);
    let report = verify::verify(&request).unwrap();
    assert_eq!(level(&report).0, Verdict::Failed, "{report:#?}");
    let found = report
        .findings
        .iter()
        .find(|found| found.finding.check == "install-fails")
        .unwrap();
    assert_eq!(found.level, Level::L3);
    assert!(
        found.finding.object.contains("shipway-verify-test1-0/web"),
        "{found:?}"
    );
    assert_eq!(ground.namespaces(), before);
}

fn service_files_with_image(image: &str) -> BTreeMap<String, String> {
    let mut files = files("");
    files.insert("values.yaml".to_owned(), format!("image: {image}\n"));
    files
}

#[test]
fn what_a_namespace_does_not_hold_is_refused_before_anything_is_touched() {
    let ground = Ground::new();
    ground.put(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
    ground.put(&json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"rules": [{"host": "shop.example.com"}]}}));
    let before = ground.namespaces();
    for (more, expected) in [
        (
            "---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reads}, rules: []}\n",
            "ClusterRole.rbac.authorization.k8s.io reads: its kind has no namespace",
        ),
        (
            "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: there, namespace: shop}}\n",
            "ConfigMap shop/there: it is in namespace shop, whatever",
        ),
        (
            "---\n{apiVersion: example.com/v1, kind: Lamp, metadata: {name: desk}}\n",
            "Lamp.example.com desk: the cluster has no kind Lamp in example.com/v1",
        ),
        (
            "---\n{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: in}, spec: {rules: [{host: shop.example.com, \
             http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}}\n",
            "Ingress.networking.k8s.io in: shop.example.com is served by Ingress shop/web there",
        ),
    ] {
        let report = verify::verify(&request(&files(more), ground.real())).unwrap();
        let (result, message) = level(&report);
        assert_eq!(result, Verdict::Error, "{expected}: {report:#?}");
        assert!(
            message.starts_with("nothing was touched: it can't be tried"),
            "{message}"
        );
        let told: Vec<String> = report
            .findings
            .iter()
            .filter(|found| found.finding.check == "not-tried")
            .map(|found| format!("{}: {}", found.finding.object, found.finding.message))
            .collect();
        assert!(
            told.len() == 1 && told[0].starts_with(expected),
            "{expected}: {told:?}"
        );
        assert_eq!(steps(&report), [("fresh", Step::Render)]);
    }
    assert_eq!(ground.namespaces(), before);
}

#[test]
fn what_it_serves_itself_is_no_other_and_a_record_is_moved() {
    let ground = Ground::new();
    let before = ground.namespaces();
    let ingress = "---\n{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: in}, spec: {rules: [{host: shop.example.com, \
         http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}}\n";
    let mut request = request(&files(ingress), ground.real());
    // As it was rendered in the stage's namespace.
    let manifest = format!("{WEB}{ingress}")
        .replace("{{ .Release.Namespace }}", "payments")
        .replace("{{ .Values.image }}", "example.com/web:0");
    let manifest = manifest
        .split("---\napiVersion: v1\nkind: Pod")
        .next()
        .unwrap()
        .to_owned()
        + ingress;
    request.stages[0].live = Some(Live::Record(Box::new(release::record::Contents {
        chart: release::StoredChart::default(),
        config: serde_json::Map::new(),
        manifest,
        hooks: Vec::new(),
        notes: String::new(),
    })));
    let report = verify::verify(&request).unwrap();
    assert_eq!(level(&report).0, Verdict::Passed, "{report:#?}");
    assert!(steps(&report).contains(&("from live", Step::Rollback)));
    assert_eq!(ground.namespaces(), before);
}

#[test]
fn a_name_that_no_namespace_can_have_is_told() {
    let ground = Ground::new();
    let real = Real {
        word: "A b".to_owned(),
        ..ground.real()
    };
    let report = verify::verify(&request(&files(""), real)).unwrap();
    assert_eq!(level(&report).0, Verdict::Error);
}

#[test]
fn a_cluster_that_is_away_is_no_fault_of_the_chart() {
    let mut ground = Ground::new();
    let server = ground.server.take();
    ground.runtime.block_on(async { drop(server) });
    let report = verify::verify(&request(&files(""), ground.real())).unwrap();
    let (result, message) = level(&report);
    assert_eq!(result, Verdict::Error, "{report:#?}");
    assert!(message.contains("no connection to"), "{message}");
    assert_eq!(service::errors(&report), [""; 0]);
}

#[test]
fn whoever_stops_it_finds_nothing_left() {
    let ground = Ground::new();
    let before = ground.namespaces();
    let (sender, stop) = watch::channel(0);
    let sender = Arc::new(sender);
    let listener = Arc::clone(&sender);
    let real = Real {
        stop,
        watching: Watching::new(move |progress| {
            if matches!(progress, Progress::Changed { .. }) {
                listener.send_replace(1);
            }
        }),
        ..ground.real()
    };
    let mut request = request(&service_files_with_image("example.com/slow:1"), real);
    let report = verify::verify(&request).unwrap();
    assert_eq!(
        level(&report),
        (Verdict::Error, "it was asked to stop"),
        "{report:#?}"
    );
    assert_eq!(steps(&report).last(), Some(&("fresh", Step::CleanUp)));
    assert_eq!(ground.namespaces(), before);

    request.stages[0].real.as_mut().unwrap().watching = Watching::nobody();
    let report = verify::verify(&request).unwrap();
    assert_eq!(
        level(&report),
        (Verdict::Error, "nothing was touched: it was asked to stop")
    );
    assert_eq!(ground.namespaces(), before);
}

#[test]
fn what_could_not_be_cleaned_up_is_told_with_the_command_that_does_it() {
    let ground = Ground::new();
    let (sender, stop) = watch::channel(0);
    let held =
        "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: held, finalizers: [example.com/hold]}}\n";
    let real = Real {
        stop,
        // At once twice: nobody waits for the end of what somebody holds.
        watching: Watching::new(move |progress| {
            if matches!(&progress, Progress::Changed { key, .. } if *key.name == *"held") {
                sender.send_replace(2);
            }
        }),
        flags: "--context prod".to_owned(),
        ..ground.real()
    };
    let report = verify::verify(&request(&files(held), real)).unwrap();
    assert_eq!(level(&report), (Verdict::Error, "it was asked to stop"));
    let left = report
        .findings
        .iter()
        .find(|found| found.finding.check == "left-behind")
        .unwrap();
    assert_eq!(left.finding.object, "Namespace shipway-verify-test1-0");
    let cure = "`kubectl --context prod delete namespace shipway-verify-test1-0`";
    assert!(left.finding.cure.starts_with(cure), "{left:?}");
    assert!(
        ground
            .namespaces()
            .iter()
            .any(|name| name == "shipway-verify-test1-0")
    );
}

#[test]
fn the_tenants_quota_and_limits_hold_there_too() {
    let ground = Ground::new();
    let before = ground.namespaces();
    let mut request = request(&service::files(), ground.real());
    request.stages[0].tenant = Some(service::tenant());
    request.evidence = true;
    let report = verify::verify(&request).unwrap();
    assert_eq!(level(&report).0, Verdict::Passed, "{report:#?}");
    let mut text = String::new();
    let mut unpacked = flate2::read::GzDecoder::new(report.evidence.as_ref().unwrap().bytes());
    unpacked.read_to_string(&mut text).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let has = |kind: &str| {
        lines
            .iter()
            .any(|line| line["level"] == "L3" && line["object"]["kind"] == kind)
    };
    assert!(has("ResourceQuota") && has("LimitRange"));
    assert_eq!(ground.namespaces(), before);
}

#[test]
fn it_is_not_tried_there_when_the_mini_cluster_says_no() {
    let ground = Ground::new();
    let mut files = files("");
    files.insert("values.yaml".to_owned(), "image: ''\n".to_owned());
    let report = verify::verify(&request(&files, ground.real())).unwrap();
    assert_eq!(
        level(&report),
        (Verdict::Skipped, "what was found before would stop it")
    );
    assert_eq!(steps(&report), []);
}
