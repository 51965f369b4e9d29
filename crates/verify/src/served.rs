//! Which Services have pods behind them, before and after an upgrade: one that loses all of its own is found by its effect,
//! whatever its selector looks like.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use chart::render::{Rendered, Shown};
use cluster::{Cluster, ListQuery};
use manifest::{Finding, Severity};
use objects::meta;

use crate::looks::in_chart;
use crate::sandbox::Sandbox;

/// The id of the check.
pub(crate) const LOST: &str = "service-loses-its-pods";

/// On a slice: the Service that it is of.
const SERVICE: &str = "kubernetes.io/service-name";

/// Slices follow pods and Services within a moment of the mini cluster's time, of which there is enough.
const FOLLOWED: Duration = Duration::from_secs(5);

/// How many ready pods each Service of a namespace has.
pub(crate) type Ready = BTreeMap<String, usize>;

/// Counts them.
pub(crate) fn ready(sandbox: &Sandbox, namespace: &str) -> Ready {
    sandbox.wait(async {
        tokio::time::sleep(FOLLOWED).await;
        counted(&sandbox.cluster, namespace).await.unwrap_or_default()
    })
}

async fn counted(cluster: &Cluster, namespace: &str) -> Option<Ready> {
    let kind = cluster
        .resource("discovery.k8s.io/v1", "EndpointSlice")
        .await
        .ok()??;
    let slices = cluster
        .list(&kind, Some(namespace), &ListQuery::default())
        .await
        .ok()?;
    let mut ready = Ready::new();
    for slice in &slices.items {
        let Some(service) = meta::label(slice, SERVICE) else {
            continue;
        };
        let endpoints = slice["endpoints"].as_array().map_or(&[][..], Vec::as_slice);
        // As kube-proxy reads it: not said is ready.
        let count = endpoints
            .iter()
            .filter(|one| one["conditions"]["ready"] != false)
            .count();
        *ready.entry(service.to_owned()).or_default() += count;
    }
    Some(ready)
}

/// The Services of the chart that had pods and have none after its upgrade.
pub(crate) fn lost(before: &Ready, after: &Ready, rendered: &Rendered) -> Vec<Finding> {
    let is_lost = |(name, had): &(&String, &usize)| **had > 0 && after.get(*name).is_none_or(|has| *has == 0);
    let lost: Vec<(&String, &usize)> = before.iter().filter(is_lost).collect();
    if lost.is_empty() {
        return Vec::new();
    }
    let shown = Shown::default();
    let printed = rendered.print(&shown).unwrap_or_default();
    let printed = String::from_utf8_lossy(&printed);
    let origins = rendered.origins(&shown);
    let placed = manifest::read_placed(&printed).unwrap_or_default();
    let selector = ["spec".to_owned(), "selector".to_owned()];
    let finding = |(name, had): (&String, &usize)| {
        let is_it = |one: &&manifest::Placed<'_>| {
            &*one.object.key.kind.name == "Service" && *one.object.key.name == **name
        };
        // A Service that is no more is a change that the diff tells.
        let service = placed.iter().find(is_it)?;
        let finding = Finding {
            check: LOST,
            severity: Severity::Error,
            object: service.object.key.to_string(),
            path: "spec.selector".to_owned(),
            source: service.object.source.clone(),
            line: service
                .lines([&selector[..]])
                .first()
                .copied()
                .unwrap_or_default(),
            message: format!("had {had} ready pods before the upgrade and has none after it"),
            cure: Cow::Borrowed(
                "select labels that the pods have, and keep one running; to move users to other pods, change labels in two releases",
            ),
        };
        Some(in_chart(finding, &origins))
    };
    lost.into_iter().filter_map(finding).collect()
}
