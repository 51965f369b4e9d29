//! Custom kinds: objects of them need their definition first.

use std::collections::BTreeMap;

use manifest::{Severity, defined_kind};
use objects::{Kind, meta};

use crate::check::{Check, Theme};
use crate::findings::Findings;
use crate::view::{Item, View};

pub(crate) static THEME: Theme = Theme {
    title: "Custom kinds",
    checks: &[&WITH_ITS_OBJECT, &NO_DEFINITION, &OTHER_VERSION],
    look,
};

static WITH_ITS_OBJECT: Check = Check {
    id: "definition-with-its-object",
    title: "A CustomResourceDefinition among the templates, and an object of its kind",
    severity: Severity::Error,
    softer: "A warning while it is not known whether the cluster serves the kind already",
    cure: "move the definition to crds/, into a chart of its own, or make the object a post-install hook",
    why: "Helm asks the cluster for every kind before it makes anything, so that the first installation fails with \
          \"no matches for kind\".",
};

static NO_DEFINITION: Check = Check {
    id: "no-such-kind",
    title: "An object of a kind that nobody serves",
    severity: Severity::Error,
    softer: "",
    cure: "install what brings the CustomResourceDefinition first, or put it into crds/",
    why: "The release fails with \"no matches for kind\". Told only when it is known what the cluster serves.",
};

static OTHER_VERSION: Check = Check {
    id: "definition-other-version",
    title: "An object in a version that its definition does not serve",
    severity: Severity::Error,
    softer: "",
    cure: "write the object in a version that the definition serves",
    why: "The release fails with \"no matches for kind\".",
};

/// A definition in the chart.
struct Definition<'a> {
    item: &'a Item<'a>,
    served: Vec<&'a str>,
}

fn look(view: &View<'_>, found: &mut Findings) {
    let definitions: BTreeMap<Kind, Definition<'_>> = view
        .items
        .iter()
        .filter_map(|item| Some((defined_kind(&item.value)?, definition(item))))
        .collect();
    let known = view
        .context
        .known
        .as_ref()
        .and_then(|known| known.custom_kinds.as_ref());
    for (at, item) in view.items.iter().enumerate() {
        let (kind, version) = (item.kind(), item.object.api_version.as_str());
        let there = known.map(|kinds| kinds.contains(kind));
        match definitions.get(kind) {
            Some(definition) => {
                let short = version.rsplit('/').next().unwrap_or_default();
                if !definition.served.is_empty() && !definition.served.contains(&short) {
                    let served = definition.served.join(", ");
                    let message = format!("{} is served as {served}, not {short}", kind.name);
                    found.add(&OTHER_VERSION, (at, "/apiVersion"), message);
                } else if item.hook.is_none() && is_template(definition.item) && there != Some(true) {
                    let severity = match there {
                        Some(_) => Severity::Error,
                        None => Severity::Warning,
                    };
                    let message = format!(
                        "the kind is defined in {}, in the same release",
                        place(definition.item)
                    );
                    found.add_as(&WITH_ITS_OBJECT, severity, (at, "/kind"), message);
                }
            }
            None if there == Some(false) && is_custom(kind) => {
                let message = format!("nothing serves {} {version}", kind.name);
                found.add(&NO_DEFINITION, (at, "/kind"), message);
            }
            None => {}
        }
    }
}

fn definition<'a>(item: &'a Item<'a>) -> Definition<'a> {
    let versions = meta::list_at(&item.value, "/spec/versions").iter();
    let served = versions.filter(|version| version["served"] != false);
    Definition {
        item,
        served: served.map(|version| meta::text(version, "name")).collect(),
    }
}

/// Whether a definition is installed with the other objects, and not before them as those of `crds/` and hooks are.
fn is_template(definition: &Item<'_>) -> bool {
    let source = &definition.object.source;
    let is_before =
        source.contains("/crds/") && !source.contains("/templates/") || source.starts_with("crds/");
    definition.hook.is_none() && !source.is_empty() && !is_before
}

fn place<'a>(definition: &'a Item<'_>) -> &'a str {
    &definition.object.source
}

/// Groups of Kubernetes' own have no dot, or end as no custom group may but theirs.
fn is_custom(kind: &Kind) -> bool {
    kind.group.contains('.') && !kind.group.ends_with(".k8s.io")
        || matches!(
            kind.group.as_ref(),
            "gateway.networking.k8s.io"
                | "snapshot.storage.k8s.io"
                | "autoscaling.k8s.io"
                | "policy.networking.k8s.io"
        )
}
