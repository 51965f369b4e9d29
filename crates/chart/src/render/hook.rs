//! Hooks: manifests that run at a point of a release's life, marked by annotations.

/// Helm's annotations on hooks.
const HOOK: &str = "helm.sh/hook";
const WEIGHT: &str = "helm.sh/hook-weight";
const DELETE_POLICY: &str = "helm.sh/hook-delete-policy";
const OUTPUT_LOG_POLICY: &str = "helm.sh/hook-output-log-policy";

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

/// What the annotations of a manifest make of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A manifest that is installed.
    Installed,
    Hook(Marks),
    /// A hook for an event that Helm does not know: it is neither run nor installed.
    UnknownEvent {
        events: String,
    },
}

/// The annotations of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) events: Vec<HookEvent>,
    pub(crate) weight: i64,
    pub(crate) delete_policies: Vec<String>,
    pub(crate) output_log_policies: Vec<String>,
}

impl HookEvent {
    /// The word in the annotation and in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreDelete => "pre-delete",
            Self::PostDelete => "post-delete",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::PreRollback => "pre-rollback",
            Self::PostRollback => "post-rollback",
            Self::Test => "test",
        }
    }

    /// Reads the word; `test-success` is Helm 2's for `test`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "test" | "test-success" => Self::Test,
            _ => return None,
        })
    }
}

/// Reads a manifest's role from its annotations.
pub(crate) fn role<'a>(annotation: impl Fn(&str) -> Option<&'a str>) -> Role {
    let Some(written) = annotation(HOOK) else {
        return Role::Installed;
    };
    let events: Option<Vec<HookEvent>> = words(written).iter().map(|word| HookEvent::parse(word)).collect();
    let Some(events) = events else {
        return Role::UnknownEvent {
            events: written.to_owned(),
        };
    };
    Role::Hook(Marks {
        events,
        weight: annotation(WEIGHT)
            .and_then(|weight| weight.parse().ok())
            .unwrap_or(0),
        delete_policies: annotation(DELETE_POLICY).map(words).unwrap_or_default(),
        output_log_policies: annotation(OUTPUT_LOG_POLICY).map(words).unwrap_or_default(),
    })
}

fn words(list: &str) -> Vec<String> {
    list.split(',').map(|word| word.trim().to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(annotations: &[(&str, &str)]) -> Role {
        role(|name| {
            annotations
                .iter()
                .find_map(|(key, value)| (*key == name).then_some(*value))
        })
    }

    fn events(annotation: &str) -> Option<Vec<HookEvent>> {
        match check(&[(HOOK, annotation)]) {
            Role::Hook(marks) => Some(marks.events),
            _ => None,
        }
    }

    #[test]
    fn manifests_without_the_annotation_are_installed() {
        assert_eq!(check(&[]), Role::Installed);
        assert_eq!(check(&[(WEIGHT, "5")]), Role::Installed);
    }

    #[test]
    fn events_are_a_list_in_any_case() {
        use HookEvent::{PostUpgrade, PreInstall, Test};
        assert_eq!(events("pre-install"), Some(vec![PreInstall]));
        assert_eq!(
            events(" Pre-Install ,post-upgrade"),
            Some(vec![PreInstall, PostUpgrade])
        );
        assert_eq!(events("test-success"), Some(vec![Test]));
    }

    #[test]
    fn one_unknown_event_spoils_the_hook() {
        for events in ["pre-install,crd-install", ""] {
            assert_eq!(
                check(&[(HOOK, events)]),
                Role::UnknownEvent {
                    events: events.to_owned()
                }
            );
        }
    }

    #[test]
    fn weight_that_is_no_number_is_zero() {
        let weight = |text| match check(&[(HOOK, "test"), (WEIGHT, text)]) {
            Role::Hook(marks) => marks.weight,
            role => panic!("{role:?} is no hook"),
        };
        assert_eq!(
            [weight("-5"), weight("+7"), weight("heavy"), weight("1.5")],
            [-5, 7, 0, 0]
        );
    }

    #[test]
    fn policies_are_lists() {
        let Role::Hook(marks) = check(&[(HOOK, "test"), (DELETE_POLICY, "hook-succeeded, Hook-Failed")])
        else {
            panic!("it is a hook");
        };
        assert_eq!(marks.delete_policies, ["hook-succeeded", "hook-failed"]);
    }
}
