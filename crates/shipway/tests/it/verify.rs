//! `shipway verify`: what a person sees, the exit codes, and the files that are read.

use crate::folder::Folder;

/// A chart of one Deployment and its Service, whose port has another name than the Service asks for.
const CHART: &[(&str, &str)] = &[
    ("values.yaml", "port: web\n"),
    (
        "templates/web.yaml",
        "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: 'example.com/web:1', ports: [{name: http, containerPort: 8080}], readinessProbe: {tcpSocket: {port: http}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: {{ .Values.port }}}]
",
    ),
    (
        "application.yaml",
        "apiVersion: shipway.dev/v1alpha1
kind: Application
metadata: {name: web, namespace: shop}
spec:
  chart: {source: shop, path: web}
  stages:
  - name: staging
    values: {port: http}
  - name: production
",
    ),
];

/// Without the times, which are those of the machine.
fn seen(folder: &Folder, line: &str) -> String {
    let mut settings = String::new();
    for line in folder.seen(line).lines() {
        match line.split_once(" notes in ") {
            Some((before, _)) => settings.push_str(&format!("{before} notes in [TIME]\n")),
            None => settings.push_str(&format!("{line}\n")),
        }
    }
    settings
}

#[test]
fn a_mistake_is_told_with_its_place_stage_and_cure() {
    let folder = Folder::with_chart("verify", CHART);
    insta::assert_snapshot!(seen(&folder, "verify api"));
}

#[test]
fn a_stage_without_the_mistake_passes() {
    let folder = Folder::with_chart("verify_stage", CHART);
    insta::assert_snapshot!(seen(&folder, "verify api --stage staging --live api"));
}

#[test]
fn what_it_is_verified_with_is_checked_first() {
    let folder = Folder::with_chart("verify_input", CHART);
    let mut all = String::new();
    for line in [
        "verify api --stage preview",
        "verify api --kube-version 1.12",
        "verify api --given none.yaml",
        "verify api --format xml",
        "verify api --only one-replicas",
        "verify api --skip fails",
    ] {
        all.push_str(&format!("$ {line}\n{}\n", folder.seen(line)));
    }
    insta::assert_snapshot!(all);
    assert!(all.contains("SW0902"));
}

#[test]
fn exceptions_and_reports_are_files() {
    let mut files = CHART.to_vec();
    files.push((
        ".shipway/exceptions.yaml",
        "exceptions:\n- {check: no-such-port, reason: until the next release, until: 2999-01-01}\n",
    ));
    let folder = Folder::with_chart("verify_files", &files);
    let run = folder
        .shipway("verify api --report junit=verify.xml --skip invalid-object")
        .output()
        .expect("the binary can be run");
    let report = String::from_utf8(folder.read("verify.xml")).expect("text");
    assert!(report.starts_with("<?xml"), "{report}");
    let printed = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        printed.contains("not all checks were made: without invalid-object"),
        "{printed}"
    );
}
