//! Helm's hooks: what they need when they run, and what they leave behind.

use manifest::Severity;
use objects::{Kind, meta};

use crate::check::{Check, Theme};
use crate::findings::{Findings, meant};
use crate::hook::{DELETE_POLICIES, DELETE_POLICY_AT, Hook};
use crate::uses::{self, Needed};
use crate::view::{Item, View};

pub(crate) static THEME: Theme = Theme {
    title: "Hooks",
    checks: &[&LEFT, &POLICY, &BEFORE, &NO_END],
    look,
};

static LEFT: Check = Check {
    id: "hook-left-behind",
    title: "A hook that stands in the way of the next one",
    severity: Severity::Error,
    softer: "A warning when it is left behind only after it failed",
    cure: "add before-hook-creation to helm.sh/hook-delete-policy, or leave the annotation out, which means the same",
    why: "Helm makes the hook anew each time, and the one that is still there has its name: the upgrade fails with \
          \"already exists\".",
};

static POLICY: Check = Check {
    id: "hook-delete-policy",
    title: "A delete policy that Helm does not know",
    severity: Severity::Error,
    softer: "",
    cure: "use before-hook-creation, hook-succeeded or hook-failed",
    why: "Helm passes over it without a word, and the default does not apply either: the hook is never deleted.",
};

static BEFORE: Check = Check {
    id: "hook-before-object",
    title: "A hook before the installation that needs what is installed",
    severity: Severity::Error,
    softer: "",
    cure: "make what it needs a pre-install hook of a lower weight, or run the hook as post-install",
    why: "Nothing of the chart is there yet when pre-install hooks run, but hooks of lower weight: the pod never starts, and \
          the first installation fails when its time is over.",
};

static NO_END: Check = Check {
    id: "hook-no-end",
    title: "A hook Job without any bound of its own",
    severity: Severity::Note,
    softer: "",
    cure: "give it backoffLimit and activeDeadlineSeconds",
    why: "A Job that fails is tried six more times, with growing pauses, and one that hangs goes on: the release waits until \
          its own time is over, and the Job runs on after that.",
};

fn look(view: &View<'_>, found: &mut Findings) {
    for (at, item) in view.items.iter().enumerate() {
        let Some(hook) = &item.hook else { continue };
        let unknown = hook
            .delete_policies
            .iter()
            .find(|policy| !DELETE_POLICIES.contains(&policy.as_str()));
        if let Some(unknown) = unknown {
            let meant = meant(unknown, DELETE_POLICIES.iter().copied());
            let message = format!("{unknown:?} is no delete policy{meant}");
            found.add(&POLICY, (at, DELETE_POLICY_AT), message);
        } else {
            left((at, item), hook, found);
        }
        if item.is("batch", "Job") && meta::at(&item.value, "/spec/backoffLimit").is_none() {
            let deadlines = [
                "/spec/activeDeadlineSeconds",
                "/spec/template/spec/activeDeadlineSeconds",
            ];
            let is_open = |pointer: &str| meta::at(&item.value, pointer).is_none();
            if deadlines.into_iter().all(is_open) {
                let message = "neither backoffLimit nor activeDeadlineSeconds is given".to_owned();
                found.add(&NO_END, (at, "/spec"), message);
            }
        }
    }
    for pods in view.pods.iter().filter(|pods| pods.built_in) {
        let item = &view.items[pods.item];
        if let Some(hook) = item.hook.as_ref().filter(|hook| hook.runs("pre-install")) {
            for one in uses::of(pods)
                .into_iter()
                .filter(|one| one.needed == Needed::ToStart)
            {
                if let Some(why) = not_yet(view, (item, hook), &one.kind, one.name) {
                    found.add(&BEFORE, (pods.item, &one.at), why);
                }
            }
        }
    }
}

/// Whether what a hook leaves behind is met by the next one.
fn left((at, item): (usize, &Item<'_>), hook: &Hook, found: &mut Findings) {
    let has = |policy: &str| hook.delete_policies.iter().any(|one| one == policy);
    let runs_again = [
        "pre-upgrade",
        "post-upgrade",
        "pre-rollback",
        "post-rollback",
        "test",
        "test-success",
    ];
    let again = runs_again.iter().find(|event| hook.runs(event));
    let Some(again) = again.filter(|_| !hook.delete_policies.is_empty() && !has("before-hook-creation"))
    else {
        return;
    };
    // A name that is made from the revision, the time or the content changes by itself.
    let changes = item.name().is_empty() || item.name().chars().any(|c| c.is_ascii_digit());
    let (severity, when) = match (has("hook-succeeded"), has("hook-failed")) {
        (true, true) => return,
        _ if changes => return,
        // What does not run can't fail, and is deleted with those that succeeded.
        (true, false) if !runs(item) => return,
        (true, false) => (Severity::Warning, "after it failed"),
        (false, _) => (Severity::Error, "after it succeeded"),
    };
    let message = format!(
        "{} is not deleted {when}, and {again} makes it again",
        item.short()
    );
    found.add_as(&LEFT, severity, (at, DELETE_POLICY_AT), message);
}

/// Whether Helm waits for it, so that it can fail.
fn runs(item: &Item<'_>) -> bool {
    item.is("batch", "Job") || item.is("", "Pod")
}

/// Why an object that a pre-install hook needs is not there yet.
fn not_yet(view: &View<'_>, (item, hook): (&Item<'_>, &Hook), kind: &Kind, name: &str) -> Option<String> {
    let is_it = |one: &&Item<'_>| one.kind() == kind && one.namespace == item.namespace && one.name() == name;
    let made: Vec<&Item<'_>> = view.items.iter().filter(is_it).collect();
    let is_there = |one: &Item<'_>| {
        let earlier = |other: &Hook| (other.weight, 0) < (hook.weight, 1) && other.runs("pre-install");
        one.hook.as_ref().is_some_and(earlier)
    };
    let first = made.first()?;
    if made.iter().any(|one| is_there(one)) || view.context.found(kind, item.namespace, name).is_some() {
        return None;
    }
    let why = match &first.hook {
        None => "is installed after it",
        Some(other) if other.runs("pre-install") => "is a hook of a greater weight",
        Some(_) => "is a hook of another event",
    };
    Some(format!("{} {name} {why}", kind.name))
}
