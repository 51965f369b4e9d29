//! A Service that loses its pods by an upgrade.

use std::collections::BTreeMap;

use chart::values::Map;
use verify::{Live, Report};

use crate::service;

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
";

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: web
        image: registry.example.com/web:1.0.0
        resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 100m, memory: 32Mi}}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
";

fn chart(service: &str, deployment: &str) -> chart::Chart {
    let files = [
        ("Chart.yaml", "{apiVersion: v2, name: web, version: 1.0.0}"),
        ("templates/service.yaml", service),
        ("templates/deployment.yaml", deployment),
    ];
    let files: BTreeMap<String, String> = files
        .iter()
        .map(|(path, text)| ((*path).into(), (*text).into()))
        .collect();
    service::chart(&files)
}

fn upgraded(service: &str, deployment: &str) -> Report {
    let mut request = service::request(chart(service, deployment));
    request.stages[0].live = Some(Live::Chart {
        chart: chart(SERVICE, DEPLOYMENT),
        values: Map::default(),
    });
    verify::verify(&request).unwrap()
}

/// What was found about it: the place in the chart.
fn told(report: &Report) -> Vec<String> {
    let is_it = |found: &&verify::Found| found.finding.check == "service-loses-its-pods";
    let place =
        |found: &verify::Found| format!("{}:{:?} {}", found.file(), found.line(), found.finding.object);
    report.findings.iter().filter(is_it).map(place).collect()
}

#[test]
fn a_selector_that_selects_somebody_else_is_found_by_its_effect() {
    let report = upgraded(&SERVICE.replace("app: web", "app: ingress"), DEPLOYMENT);
    assert_eq!(told(&report), ["templates/service.yaml:Some(5) Service web"]);
    assert!(!report.passed());
}

#[test]
fn a_service_that_keeps_pods_or_goes_is_fine() {
    assert_eq!(told(&upgraded(SERVICE, DEPLOYMENT)), [""; 0]);
    assert_eq!(
        told(&upgraded(
            SERVICE,
            &DEPLOYMENT.replace("replicas: 2", "replicas: 3")
        )),
        [""; 0]
    );
    assert_eq!(told(&upgraded("", DEPLOYMENT)), [""; 0]);
}
