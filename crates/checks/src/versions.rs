//! Versions of Kubernetes' own kinds that the cluster no longer serves, or will not.

use manifest::Severity;
use objects::Lifecycle;

use crate::check::{Check, Theme};
use crate::findings::Findings;
use crate::view::View;

pub(crate) static THEME: Theme = Theme {
    title: "Versions of Kubernetes",
    checks: &[&REMOVED, &REMOVED_NEXT, &DEPRECATED],
    look,
};

static REMOVED: Check = Check {
    id: "api-removed",
    title: "A version of a kind that the cluster no longer serves",
    severity: Severity::Error,
    softer: "",
    cure: "write the object in the version that is served; what changed in it is in Kubernetes' deprecation guide",
    why: "The release fails with \"no matches for kind\".",
};

static REMOVED_NEXT: Check = Check {
    id: "api-removed-next",
    title: "A version of a kind that the next Kubernetes does not serve",
    severity: Severity::Warning,
    softer: "",
    cure: "write the object in the version that takes its place, and release that before the cluster is upgraded",
    why: "Once the cluster is upgraded, the live release can't even be read back, and every later upgrade of it fails.",
};

static DEPRECATED: Check = Check {
    id: "api-deprecated",
    title: "A version of a kind that is deprecated",
    severity: Severity::Note,
    softer: "",
    cure: "write the object in the version that takes its place",
    why: "It still works, with a warning at each write, and will be removed.",
};

fn look(view: &View<'_>, found: &mut Findings) {
    let (minor, next) = (view.context.minor, view.context.next_minor);
    for (at, item) in view.items.iter().enumerate() {
        let (version, kind) = (item.object.api_version.as_str(), item.kind().name.as_ref());
        let Some(Lifecycle {
            deprecated,
            removed,
            instead,
        }) = Lifecycle::of(version, kind)
        else {
            continue;
        };
        let removed_by = |minor: u64| removed.filter(|removed| *removed <= minor);
        let (check, what) = if let Some(removed) = removed_by(minor) {
            (&REMOVED, format!("is not served since Kubernetes 1.{removed}"))
        } else if let Some(removed) = removed_by(next) {
            (
                &REMOVED_NEXT,
                format!("is not served from Kubernetes 1.{removed} on"),
            )
        } else if deprecated <= minor {
            (
                &DEPRECATED,
                format!("is deprecated since Kubernetes 1.{deprecated}"),
            )
        } else {
            continue;
        };
        let instead = match instead {
            "" => String::new(),
            instead => format!("; use {instead}"),
        };
        found.add(
            check,
            (at, "/apiVersion"),
            format!("{version} {kind} {what}{instead}"),
        );
    }
}
