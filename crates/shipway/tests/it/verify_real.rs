//! `shipway verify --context`: what a person sees of L3 on a cluster that serves, and that nothing stays there.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use crate::mini::Mini;

const CHART: &[(&str, &str)] = &[
    ("values.yaml", "image: shop/web:1\n"),
    (
        "templates/web.yaml",
        "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: {{ .Values.image }}}]}
{{- if .Values.wide }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reads}
rules: []
{{- end }}
",
    ),
];

const ONLY: &str = "--only install-fails --context shipway --kubeconfig kubeconfig";

/// Without the times, the cluster's address and the names of namespaces and pods.
fn seen(mini: &Mini, line: &str) -> String {
    masked(&mini.seen(line))
}

fn masked(text: &str) -> String {
    let mut masked = String::new();
    for line in text.lines() {
        // The last part of its name differs each time.
        if line.starts_with("  Pod ") {
            continue;
        }
        let line = match (line.split_once(" notes in "), line.split_once(" is tried at ")) {
            (Some((before, _)), _) => format!("{before} notes in [TIME]"),
            (_, Some((before, _))) => format!("{before} is tried at [ADDRESS], in [NAMESPACES]"),
            _ => line.to_owned(),
        };
        masked.push_str(&without_word(&line));
        masked.push('\n');
    }
    masked
}

fn without_word(line: &str) -> String {
    match line.split_once("shipway-verify-") {
        Some((before, rest)) => {
            let word: usize = rest.chars().take_while(char::is_ascii_hexdigit).count();
            format!("{before}shipway-verify-[WORD]{}", without_word(&rest[word..]))
        }
        None => line.to_owned(),
    }
}

#[test]
fn a_chart_is_tried_on_a_real_cluster_and_what_that_can_not_be_is_told() {
    let mini = Mini::start("verify_real", CHART);
    let mut all = String::new();
    for line in [
        format!("verify api --live api {ONLY}"),
        format!("verify api --set image=shop/slow:1 --timeout 2s {ONLY}"),
        format!("verify api --set wide=true {ONLY}"),
        "verify api --kubeconfig kubeconfig".to_owned(),
        "verify api --context none --kubeconfig kubeconfig".to_owned(),
    ] {
        all.push_str(&format!("$ shipway {line}\n{}\n", seen(&mini, &line)));
    }
    insta::assert_snapshot!(all);
    assert!(all.contains("SW0904"));
    let left = mini.json("list -A");
    assert_eq!(left.trim(), "[]");
}

#[test]
fn a_signal_has_it_clean_up() {
    let mini = Mini::start("verify_stopped", CHART);
    let line = format!("verify api --set image=shop/slow:1 {ONLY} -v");
    let mut run = mini
        .command(&line)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be run");
    let mut told = BufReader::new(run.stderr.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains("waiting for Deployment") {
        line.clear();
        assert!(told.read_line(&mut line).expect("text") > 0, "it ended too early");
    }
    let id = rustix::process::Pid::from_child(&run);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it is ours");
    let mut rest = String::new();
    told.read_to_string(&mut rest).expect("text");
    let status = run.wait().expect("it ends");
    assert_eq!(status.code(), Some(1), "{rest}");
    assert!(
        rest.contains("error[SW0510]: the verification was stopped by SIGTERM"),
        "{rest}"
    );
    let mut report = String::new();
    run.stdout
        .take()
        .expect("it is piped")
        .read_to_string(&mut report)
        .expect("text");
    assert!(
        report.contains("L3 default could not be done: it was asked to stop"),
        "{report}"
    );
    assert!(!report.contains("left-behind"), "{report}");
}
