//! Real charts by two tools: install, upgrade with other values, rollback and uninstall leave the same objects.
//!
//! Each tool works on a cluster of its own, and after each step all objects of the namespace are compared, without
//! those that belong to others. The charts are those of the corpus that `cargo xtask parity` has; without it that is said.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use super::story::{Bench, Place};
use crate::parity;

/// Charts of the corpus, each with other values for the upgrade. Both tools install all of them on a cluster of today
/// without another chart's kinds.
const CHARTS: &[(&str, &str)] = &[
    (
        "deliveryhero+helm-charts/rds-downscaler-1.0.5",
        "deliveryhero+helm-charts/rds-downscaler-1.0.5/x-alloff.yaml",
    ),
    (
        "linode+apl-core@hist/falco-exporter-0.9.7",
        "linode+apl-core@hist/falco-exporter-0.9.7/x-alloff.yaml",
    ),
    (
        "vexxhost+atmosphere@hist/cert-manager-v1.7.1",
        "vexxhost+atmosphere@hist/cert-manager-v1.7.1/x-alloff.yaml",
    ),
    (
        "traefik+traefik-helm-chart/hub-manager-1.0.0~3",
        "traefik+traefik-helm-chart/hub-manager-1.0.0~3/x-allon.yaml",
    ),
    (
        "VictoriaMetrics+helm-charts/victoria-metrics-cluster-0.49.0",
        "VictoriaMetrics+helm-charts/victoria-metrics-cluster-0.49.0/values-sidecar.yaml",
    ),
    (
        "prometheus-community+helm-charts/prometheus-mongodb-exporter-3.22.0",
        "prometheus-community+helm-charts/prometheus-mongodb-exporter-3.22.0/ci_dns-and-host-values.yaml",
    ),
    (
        "linode+apl-core/gateway-1.30.3",
        "linode+apl-core/gateway-1.30.3/x-allon.yaml",
    ),
    (
        "elastic+helm-charts/filebeat-8.5.1",
        "elastic+helm-charts/filebeat-8.5.1/x-allon.yaml",
    ),
    (
        "istio-ecosystem+sail-operator/gateway-1.29.6",
        "istio-ecosystem+sail-operator/gateway-1.29.6/x-allon.yaml",
    ),
    (
        "grafana+helm-charts/fluent-bit-2.6.0",
        "grafana+helm-charts/fluent-bit-2.6.0/x-alloff.yaml",
    ),
    (
        "DataDog+helm-charts/cloudprem-0.5.2",
        "DataDog+helm-charts/cloudprem-0.5.2/x-allon.yaml",
    ),
    (
        "falcosecurity+charts/falcosidekick-0.14.0",
        "falcosecurity+charts/falcosidekick-0.14.0/x-alloff.yaml",
    ),
    (
        "temporalio+helm-charts/temporal-proxy-0.2.1",
        "temporalio+helm-charts/temporal-proxy-0.2.1/x-allon.yaml",
    ),
    (
        "grafana+helm-charts@hist/synthetic-monitoring-agent-1.2.1",
        "grafana+helm-charts@hist/synthetic-monitoring-agent-1.2.1/ci_default-values.yaml",
    ),
    (
        "open-telemetry+opentelemetry-helm-charts/opentelemetry-target-allocator-0.158.0",
        "open-telemetry+opentelemetry-helm-charts/opentelemetry-target-allocator-0.158.0/examples_statefulset-with-pvc_values.yaml",
    ),
    (
        "redpanda-data+helm-charts/connectors-0.1.14",
        "redpanda-data+helm-charts/connectors-0.1.14/ci_02-broker-tls-values.yaml",
    ),
    (
        "linkerd+linkerd2/linkerd2-cni-0.0.0-undefined",
        "linkerd+linkerd2/linkerd2-cni-0.0.0-undefined/x-allon.yaml",
    ),
    (
        "kubernetes+ingress-nginx/ingress-nginx-4.15.1",
        "kubernetes+ingress-nginx/ingress-nginx-4.15.1/ci_controller-service-values.yaml",
    ),
    (
        "vexxhost+atmosphere/goldpinger-1.0.0",
        "vexxhost+atmosphere/goldpinger-1.0.0/x-alloff.yaml",
    ),
    (
        "linode+apl-core@hist/kiali-operator-2.18.0",
        "linode+apl-core@hist/kiali-operator-2.18.0/x-alloff.yaml",
    ),
];

/// Unless all of them are asked for, as many: CI has a minute.
const QUICK: usize = 6;

/// Kinds that only tell what is going on.
const LEFT_OUT: [&str; 6] = [
    "endpoints",
    "endpointslices.discovery.k8s.io",
    "events",
    "events.events.k8s.io",
    "leases.coordination.k8s.io",
    "pods.metrics.k8s.io",
];

/// The steps, with `$CHART` and `$VALUES`.
const STEPS: [&str; 4] = [
    "install rel $CHART --create-namespace",
    "upgrade rel $CHART -f $VALUES",
    "rollback rel 1",
    "uninstall rel",
];

/// Objects by kind and name.
type Objects = BTreeMap<(String, String), Value>;

/// Compares the charts, and says what differs.
pub fn run(places: [Place<'_>; 2], all: bool) -> Result<Vec<String>> {
    let Some(corpus) = parity::corpus(None)? else {
        println!("SKIPPED: no corpus of charts");
        return Ok(Vec::new());
    };
    let mut benches = Vec::new();
    for (tool, place) in ["helm", "shipway"].into_iter().zip(places) {
        let place = place.called(&format!("{}-{tool}", place.name));
        benches.push((tool, Bench::at(&place, &[], &BTreeMap::new())?));
    }
    let mut faults = Vec::new();
    let chosen = CHARTS.iter().take(if all { CHARTS.len() } else { QUICK });
    for (number, (chart, values)) in chosen.enumerate() {
        let chart = corpus.join("charts").join(chart);
        let values = corpus.join("values").join(values);
        for step in STEPS {
            let step = step
                .replace("$CHART", &chart.to_string_lossy())
                .replace("$VALUES", &values.to_string_lossy());
            let left: Vec<Result<Objects>> = std::thread::scope(|scope| {
                let threads: Vec<_> = benches
                    .iter()
                    .map(|(tool, bench)| scope.spawn(|| take(bench, tool, &step, number)))
                    .collect();
                let joined = threads.into_iter().map(|thread| {
                    let done = thread.join();
                    done.unwrap_or_else(|_| Err(anyhow::anyhow!("a step was not done to its end")))
                });
                joined.collect()
            });
            let left: Vec<Objects> = left.into_iter().collect::<Result<_>>()?;
            if let [helms, ours] = left.as_slice() {
                faults.extend(
                    differences(helms, ours)
                        .into_iter()
                        .map(|what| format!("{step}: {what}")),
                );
            }
        }
    }
    Ok(faults)
}

/// Has a tool take a step, and says what is in the namespace then.
fn take(bench: &Bench, tool: &str, step: &str, number: usize) -> Result<Objects> {
    let flags = if tool == "shipway" {
        "--confirm-deletions"
    } else {
        ""
    };
    let done = bench.sh(&[&format!("{tool} {step} -n chart-{number} {flags}")])?;
    anyhow::ensure!(
        done.rc == Some(0),
        "{tool} {step}: {}",
        done.err.unwrap_or_default()
    );
    let kinds = bench.sh(&["kubectl api-resources --namespaced --verbs=list,create -o name"])?;
    let kinds = kinds.out.unwrap_or_default();
    let kinds: Vec<&str> = kinds.lines().filter(|kind| !LEFT_OUT.contains(kind)).collect();
    let listed = bench.sh(&[&format!(
        "kubectl get {} -n chart-{number} -o json",
        kinds.join(",")
    )])?;
    let listed: Value = serde_json::from_str(&listed.out.unwrap_or_default())
        .with_context(|| format!("kubectl lists nothing: {}", listed.err.unwrap_or_default()))?;
    let items = listed["items"].as_array().cloned().unwrap_or_default();
    Ok(items.into_iter().filter_map(comparable).collect())
}

/// An object without what differs between two clusters; none of those that a controller or the tool itself made.
fn comparable(mut object: Value) -> Option<((String, String), Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = text(&object["kind"]);
    let name = text(&object["metadata"]["name"]);
    let is_owned = object["metadata"].get("ownerReferences").is_some();
    if is_owned || name.starts_with("sh.helm.release.v1.") || name == "kube-root-ca.crt" {
        return None;
    }
    let fields = object.as_object_mut()?;
    fields.remove("status");
    let metadata = fields.get_mut("metadata")?.as_object_mut()?;
    for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
        metadata.remove(field);
    }
    if let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) {
        let is_headless = spec.get("clusterIP").is_some_and(|address| address == "None");
        if kind == "Service" && !is_headless {
            spec.remove("clusterIP");
            spec.remove("clusterIPs");
        }
        for field in ["healthCheckNodePort", "volumeName"] {
            spec.remove(field);
        }
        for port in spec
            .get_mut("ports")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            port.as_object_mut().map(|port| port.remove("nodePort"));
        }
    }
    if kind == "Job" {
        // The id of the Job itself, in its selector and in the labels of its pods.
        let spec = fields.get_mut("spec").and_then(Value::as_object_mut)?;
        spec.remove("selector");
        spec.get_mut("template")
            .and_then(|template| template.as_object_mut()?.remove("metadata"));
    }
    Some(((kind, name), object))
}

fn differences(helms: &Objects, ours: &Objects) -> Vec<String> {
    let names: BTreeSet<&(String, String)> = helms.keys().chain(ours.keys()).collect();
    let mut found = Vec::new();
    for (kind, name) in names {
        let key = (kind.clone(), name.clone());
        match (helms.get(&key), ours.get(&key)) {
            (Some(_), None) => found.push(format!("only helm leaves {kind} {name}")),
            (None, Some(_)) => found.push(format!("only shipway leaves {kind} {name}")),
            (Some(helms), Some(ours)) if helms != ours => {
                found.push(format!("{kind} {name}:\n    helm {helms}\n    shipway {ours}"));
            }
            _ => {}
        }
    }
    found
}
