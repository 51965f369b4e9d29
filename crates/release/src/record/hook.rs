//! A hook as the record keeps it: what it is, when it runs, and how its last run went.

use chart::render::{self, HookEvent};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{Time, nullable, time};

/// What happens to a hook that does not say when it is deleted.
const DEFAULT_DELETE_POLICY: &str = "before-hook-creation";

/// One hook of a release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub name: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub kind: String,
    /// The template it comes from, as in `# Source:`.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub path: String,
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub manifest: String,
    /// The words of the annotation; [`Hook::runs_at`] reads them.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub last_run: LastRun,
    /// Hooks of one event run by weight, lightest first.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "is_zero")]
    pub weight: i64,
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub delete_policies: Vec<String>,
    /// Helm 3.17 does not have it and drops it.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub output_log_policies: Vec<String>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// How the last run of a hook went, in this revision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LastRun {
    #[serde(default, with = "time::optional", skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    #[serde(default, with = "time::optional", skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Time>,
    #[serde(default, deserialize_with = "nullable")]
    pub phase: Phase,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// The state of a hook's run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Phase {
    /// It has not run.
    #[default]
    #[serde(rename = "")]
    None,
    Unknown,
    Running,
    Succeeded,
    Failed,
}

impl Hook {
    /// A rendered hook that has not run.
    #[must_use]
    pub fn of(hook: &render::Hook) -> Self {
        Self {
            name: hook.name.clone(),
            kind: hook.kind.clone(),
            path: hook.source.to_string(),
            manifest: hook.text().to_owned(),
            events: hook
                .events
                .iter()
                .map(|event| event.as_str().to_owned())
                .collect(),
            weight: hook.weight,
            delete_policies: hook.delete_policies.clone(),
            output_log_policies: hook.output_log_policies.clone(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn runs_at(&self, event: HookEvent) -> bool {
        self.events
            .iter()
            .any(|word| HookEvent::parse(word) == Some(event))
    }

    /// Whether a policy holds: `before-hook-creation` does when none is written.
    #[must_use]
    pub fn is_deleted(&self, policy: &str) -> bool {
        match self.delete_policies.as_slice() {
            [] => policy == DEFAULT_DELETE_POLICY,
            policies => policies.iter().any(|own| own == policy),
        }
    }

    /// Marks it as running. The policy that holds by default is written out then, as Helm does.
    pub fn start(&mut self, now: Timestamp) {
        if self.delete_policies.is_empty() {
            self.delete_policies = vec![DEFAULT_DELETE_POLICY.to_owned()];
        }
        self.last_run = LastRun {
            started_at: Some(Time::utc(now)),
            phase: Phase::Running,
            ..LastRun::default()
        };
    }

    /// Marks the end of its run.
    pub fn end(&mut self, now: Timestamp, phase: Phase) {
        self.last_run.completed_at = Some(Time::utc(now));
        self.last_run.phase = phase;
    }
}

impl Phase {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Unknown => "Unknown",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}

impl<'de> Deserialize<'de> for Phase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let all = [Self::None, Self::Running, Self::Succeeded, Self::Failed];
        let known = all.into_iter().find(|phase| phase.as_str() == word);
        Ok(known.unwrap_or(Self::Unknown))
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands fields by reference"
)]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_deleted_before_they_are_made_again_unless_they_say_otherwise() {
        let mut hook = Hook::default();
        assert!(hook.is_deleted("before-hook-creation") && !hook.is_deleted("hook-failed"));
        hook.start(Timestamp::UNIX_EPOCH);
        assert_eq!(hook.delete_policies, ["before-hook-creation"]);
        hook.delete_policies = vec!["hook-succeeded".to_owned()];
        assert!(hook.is_deleted("hook-succeeded") && !hook.is_deleted("before-hook-creation"));
    }

    #[test]
    fn helm_2s_word_for_tests_is_one() {
        let hook = Hook {
            events: vec!["test-success".to_owned()],
            ..Hook::default()
        };
        assert!(hook.runs_at(HookEvent::Test) && !hook.runs_at(HookEvent::PreInstall));
    }

    #[test]
    fn a_run_has_a_start_and_an_end() {
        let mut hook = Hook::default();
        hook.start(Timestamp::UNIX_EPOCH);
        assert_eq!(hook.last_run.phase, Phase::Running);
        hook.end(Timestamp::UNIX_EPOCH, Phase::Failed);
        let run = serde_json::to_string(&hook.last_run).expect("JSON");
        assert_eq!(
            run,
            r#"{"started_at":"1970-01-01T00:00:00Z","completed_at":"1970-01-01T00:00:00Z","phase":"Failed"}"#
        );
    }
}
