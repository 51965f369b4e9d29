//! What can't be tried in a namespace on a cluster that others use.
//!
//! Whatever has no namespace, or is in another, would be everybody's. So would a host that somebody serves there: whoever asks
//! for it could be sent to the rehearsal.

use std::borrow::Cow;
use std::collections::BTreeSet;

use cluster::{Cluster, Error, ListQuery};
use manifest::{Finding, Object, Severity};
use objects::{Kind, meta};
use serde_json::Value;

use crate::steps::Deployed;

const ELSEWHERE: &str = "leave it out by the stage's values, or try the chart on a cluster where it may be: L2 does on a mini cluster";

/// Everything that can't be tried, a finding for each object.
pub(super) async fn refusals(
    cluster: &Cluster,
    namespace: &str,
    deployed: &Deployed,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for object in &deployed.objects {
        if let Some((why, cure)) = refused(cluster, namespace, object).await? {
            findings.push(finding(object, why, cure));
        }
    }
    findings.dedup();
    Ok(findings)
}

async fn refused(
    cluster: &Cluster,
    namespace: &str,
    object: &Object,
) -> Result<Option<(String, &'static str)>, Error> {
    let Object { key, api_version, .. } = object;
    let Some(resource) = cluster.resource(api_version, &key.kind.name).await? else {
        let why = format!("the cluster has no kind {} in {api_version}", key.kind.name);
        return Ok(Some((
            why,
            "install what serves the kind before, or name another cluster",
        )));
    };
    if key.kind == Kind::CUSTOM_RESOURCE_DEFINITION && object.source.contains("/crds/") {
        // A definition that is there already stays as it is, as in any install.
        return Ok(match cluster.get(resource.at("", &key.name)).await? {
            Some(_) => None,
            None => Some((
                "the cluster does not have this definition, which would be everybody's".to_owned(),
                "install the definition before, or name another cluster",
            )),
        });
    }
    if !resource.namespaced {
        let why = "its kind has no namespace: it would be there for the whole cluster".to_owned();
        return Ok(Some((why, ELSEWHERE)));
    }
    if !["", namespace].contains(&key.namespace.as_ref()) {
        let why = format!(
            "it is in namespace {}, whatever that of the release is",
            key.namespace
        );
        return Ok(Some((
            why,
            "write {{ .Release.Namespace }}, or leave the namespace out",
        )));
    }
    let hosts = hosts(&object.value);
    if hosts.is_empty() {
        return Ok(None);
    }
    let others = cluster.list(&resource, None, &ListQuery::default()).await;
    let why = match others {
        // What is rehearsed serves nobody, least of all what this rehearsal has installed itself.
        Ok(others) => others.items.iter().find_map(|other| {
            if meta::namespace(other).starts_with(super::PREFIX) {
                return None;
            }
            let host = self::hosts(other).intersection(&hosts).next().cloned()?;
            let place = format!("{}/{}", meta::namespace(other), meta::name(other));
            Some(format!(
                "{host} is served by {} {place} there",
                resource.kind.name
            ))
        }),
        Err(error) => Some(format!(
            "whether somebody serves its hosts can't be seen: {}",
            crate::failure::chain(&error)
        )),
    };
    Ok(why.map(|why| {
        (
            why,
            "give the stage another host for it: `--set` … on the command line counts last",
        )
    }))
}

/// The hosts that requests from outside reach an object by.
fn hosts(object: &Value) -> BTreeSet<String> {
    let kind = Kind::of(object);
    match (kind.group.as_ref(), kind.name.as_ref()) {
        ("networking.k8s.io", "Ingress") => {
            let rules = meta::list_at(object, "/spec/rules").iter();
            rules
                .map(|rule| match meta::text(rule, "host") {
                    "" => "every host".to_owned(),
                    host => host.to_owned(),
                })
                .collect()
        }
        ("gateway.networking.k8s.io", _) => {
            let names = meta::list_at(object, "/spec/hostnames").iter();
            names.filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => BTreeSet::new(),
    }
}

fn finding(object: &Object, message: String, cure: &'static str) -> Finding {
    Finding {
        check: "not-tried",
        severity: Severity::Warning,
        object: object.key.to_string(),
        path: String::new(),
        source: object.source.clone(),
        line: 0,
        message,
        cure: Cow::Borrowed(cure),
    }
}
