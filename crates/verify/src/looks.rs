//! L1: what can be seen of a chart without running it.
//!
//! ```text
//! rendered ──► objects with their lines ──► guard of the tenant, checks across objects
//!                     └──► each asked of its API: would it be taken as it is written?
//! ```

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use chart::render::{Origins, Shown};
use checks::{Context, Known};
use cluster::rendering::Made;
use cluster::{Cluster, Error, Write};
use manifest::{Finding, Placed, Severity, defined_kind};
use model::Revision;
use objects::{Key, Kind, Quantity};
use release::{Record, encode, storage};
use serde_json::Value;
use tenancy::guard::{Facts, Guard};

use crate::failure::chain;
use crate::sandbox::Sandbox;
use crate::stage::Stage;

/// Its rules are compiled once.
static GUARD: LazyLock<Guard> = LazyLock::new(Guard::new);

/// Looks at what a chart came to for a stage.
pub(crate) fn look(stage: &Stage, sandbox: &Sandbox, made: &Made) -> Vec<Finding> {
    let shown = Shown {
        crds: true,
        ..Shown::default()
    };
    // Without patterns there is nothing that would not match.
    let printed = made.rendered.print(&shown).unwrap_or_default();
    let printed = String::from_utf8_lossy(&printed);
    let objects = match manifest::read_placed(&printed) {
        Ok(objects) => objects,
        Err(error) => return vec![unreadable("unreadable-manifest", &error)],
    };
    let mut findings = Vec::new();
    let definitions = made.crds.iter().map(|crd| &crd.value);
    if let Err(error) = sandbox.seed(definitions) {
        findings.push(unreadable("invalid-crd", &error));
    }
    findings.extend(checks::check(&objects, &context(stage, made)));
    if let Some(tenant) = &stage.tenant {
        findings.extend(GUARD.check(&objects, &Facts::of(tenant, stage.namespace.as_str())));
    }
    let asked = sandbox.wait(asked(&sandbox.cluster, stage, &objects));
    let is_told = |one: &Finding| {
        let removed = |known: &Finding| known.check == "api-removed" && known.object == one.object;
        one.check == "unknown-kind" && findings.iter().any(removed)
    };
    let news: Vec<Finding> = asked.into_iter().filter(|one| !is_told(one)).collect();
    findings.extend(news);
    let origins = made.rendered.origins(&shown);
    findings
        .into_iter()
        .map(|finding| in_chart(finding, &origins))
        .collect()
}

/// Moves a finding from its line of the manifest to the line of the chart that wrote it.
#[must_use]
pub fn in_chart(finding: Finding, origins: &Origins) -> Finding {
    match origins.of(finding.line) {
        Some(origin) if finding.line > 0 => Finding {
            source: origin.file.to_owned(),
            line: usize::try_from(origin.line).unwrap_or_default(),
            ..finding
        },
        _ => Finding { line: 0, ..finding },
    }
}

/// What the checks are told of the stage.
fn context(stage: &Stage, made: &Made) -> Context {
    let target = &stage.target;
    let known = Known {
        namespaces: target
            .is_known
            .then(|| stage.namespace.as_str().to_owned())
            .into_iter()
            .collect(),
        custom_kinds: target
            .is_known
            .then(|| target.objects.iter().filter_map(defined_kind).collect()),
        objects: stage
            .target
            .objects
            .iter()
            .map(|object| (Key::of(Kind::of(object), object), Arc::new(object.clone())))
            .collect(),
    };
    let (now, contents) = (jiff::Timestamp::UNIX_EPOCH, made.contents.clone());
    let (name, namespace) = (stage.release.as_str(), stage.namespace.as_str());
    let record = Record::install(name, namespace, Revision::FIRST, contents, now);
    let packed = encode::pack(&record, usize::MAX).ok();
    let amount = |node: &Value, resource: &str| {
        let text = node.pointer("/status/allocatable")?.get(resource)?.as_str()?;
        Quantity::parse(text)
    };
    let largest = |resource: &str| {
        let amounts = stage
            .target
            .nodes
            .iter()
            .filter_map(|node| amount(node, resource));
        amounts.max().map(|amount| (resource.to_owned(), amount))
    };
    Context {
        known: Some(known),
        always_up: stage.serves_users,
        node: ["cpu", "memory"].into_iter().filter_map(largest).collect(),
        record: packed.map(|text| checks::Record {
            bytes: text.len(),
            max_bytes: storage::MAX_DATA,
        }),
        ..Context::new(name, namespace, u64::from(stage.target.minor))
    }
}

/// Asks the API server of each object whether it would take it, all fields known to it.
async fn asked(cluster: &Cluster, stage: &Stage, objects: &[Placed<'_>]) -> Vec<Finding> {
    let how = Write {
        manager: "shipway-verify",
        dry_run: true,
        strict: true,
    };
    let mut findings = Vec::new();
    let defined = objects.iter().map(|placed| &placed.object.value);
    let defined: HashSet<Kind> = defined.filter_map(defined_kind).collect();
    for placed in objects {
        let object = &placed.object;
        let kind = &object.key.kind;
        let served = match cluster.resource(&object.api_version, &kind.name).await {
            Ok(served) => served,
            Err(error) => {
                findings.push(refused(placed, &error));
                continue;
            }
        };
        let Some(resource) = served else {
            // Whether it is served in time is a matter of the install.
            if defined.contains(kind) {
                continue;
            }
            findings.push(of(
                placed,
                "unknown-kind",
                format!("the cluster has no kind {} in {}", kind.name, object.api_version),
                "correct apiVersion or kind; a custom kind needs its CustomResourceDefinition in the target, or in crds/",
            ));
            continue;
        };
        let namespace = match object.key.namespace.as_ref() {
            "" if resource.namespaced => stage.namespace.as_str(),
            own => own,
        };
        match cluster
            .create(resource.at(namespace, ""), &object.value, how)
            .await
        {
            Ok(_) => {}
            // Of a namespace that the release makes, or one that is not the stage's: the guard says so. A pod may be of a
            // ServiceAccount that the release makes.
            Err(Error::Refused {
                why: cluster::Why::NotFound | cluster::Why::Exists,
                ..
            }) => {}
            Err(error) if *kind == Kind::POD && error.why() == Some(&cluster::Why::Forbidden) => {}
            Err(error) => findings.push(refused(placed, &error)),
        }
    }
    findings
}

fn refused(placed: &Placed<'_>, error: &Error) -> Finding {
    let told = match error.status() {
        Some(status) if !status.causes.is_empty() => {
            let causes = status.causes.iter().map(|cause| match cause.field.as_str() {
                "" | "<nil>" => cause.message.clone(),
                field => format!("{field}: {}", cause.message),
            });
            causes.collect::<Vec<_>>().join("; ")
        }
        Some(status) => status.message.clone(),
        None => chain(error),
    };
    of(
        placed,
        "invalid-object",
        told,
        "`kubectl explain` tells the fields of a kind, and what they may hold",
    )
}

fn of(placed: &Placed<'_>, check: &'static str, message: String, cure: &'static str) -> Finding {
    let object = &placed.object;
    let line = placed.lines(std::iter::once(&[] as &[String])).first().copied();
    Finding {
        check,
        severity: Severity::Error,
        object: object.key.to_string(),
        path: String::new(),
        source: object.source.clone(),
        line: line.unwrap_or_default(),
        message,
        cure: Cow::Borrowed(cure),
    }
}

fn unreadable(check: &'static str, error: &dyn std::error::Error) -> Finding {
    Finding {
        check,
        severity: Severity::Error,
        object: String::new(),
        path: String::new(),
        source: String::new(),
        line: 0,
        message: chain(error),
        cure: Cow::Borrowed("`shipway template` shows what the templates came to"),
    }
}
