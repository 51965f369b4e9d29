//! The flags of operations that change a cluster, the same on each of them.

use std::time::Duration;

use crate::command::delivery::wait::WaitArgs;
use cluster::run::{Interrupted, OnFailure, Options, WhenHeld};
use release::Brake;

use super::connect;

/// How an operation is performed.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Operation")]
pub(crate) struct OperateArgs {
    /// Wait until every object is ready; --wait=hookOnly, the default, waits for hooks alone.
    #[arg(long, value_name = "STRATEGY", num_args = 0..=1, require_equals = true, default_missing_value = "watcher",
        default_value = "hookOnly", hide_default_value = true, value_parser = wait_strategy)]
    wait: bool,
    /// With --wait, wait for Jobs to end as well.
    #[arg(long)]
    wait_for_jobs: bool,
    /// Wait, and then look on for so long whether everything stays ready.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    soak: Option<Duration>,
    /// How long to wait for objects, for hooks and for another run, such as 90s or 5m0s.
    #[arg(long, value_name = "DURATION", default_value = "5m0s", value_parser = duration)]
    timeout: Duration,
    /// Do not run hooks.
    #[arg(long)]
    no_hooks: bool,
    /// Stop at once when another run is at work on the release, instead of waiting for it.
    #[arg(long)]
    no_queue: bool,
    /// What becomes of an operation that was killed: `resume` it, or `rollback` first.
    #[arg(long, value_name = "POLICY", default_value = "resume", value_parser = interrupted)]
    interrupted: Interrupted,
    /// Delete what is to be deleted without being stopped by the deletion brake.
    #[arg(long)]
    confirm_deletions: bool,
    /// The most objects that are deleted without --confirm-deletions.
    #[arg(long, value_name = "NUMBER", default_value_t = Brake::default().objects)]
    max_deletions: usize,
    /// The most of the release's objects, in percent, that are deleted without --confirm-deletions.
    #[arg(long, value_name = "PERCENT", default_value_t = Brake::default().percent)]
    max_deletion_percent: usize,
}

/// What only operations that make a new revision have.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Operation")]
pub(crate) struct DeployArgs {
    /// Put everything back when it fails: to the revision that served, or to nothing. Implies --wait.
    #[arg(long, visible_alias = "atomic")]
    rollback_on_failure: bool,
    /// Take the fields of objects that other managers own; without it such a field is an error.
    #[arg(long)]
    force_conflicts: bool,
    /// The most revisions that are kept; 0 keeps all.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 10,
        env = "HELM_MAX_HISTORY",
        hide_env = true
    )]
    history_max: usize,
    /// Objects are always applied server-side; accepted for helm's sake.
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true)]
    server_side: Option<Option<String>>,
}

impl OperateArgs {
    /// The same of a promotion.
    pub(crate) fn follows(&self) -> WaitArgs {
        WaitArgs::of(self.wait, self.timeout)
    }

    pub(crate) fn options(&self) -> Options {
        let Self {
            wait,
            wait_for_jobs,
            soak,
            timeout,
            no_hooks,
            no_queue,
            interrupted,
            confirm_deletions,
            max_deletions,
            max_deletion_percent,
        } = *self;
        Options {
            wait: soak.or(wait.then_some(Duration::ZERO)),
            wait_for_jobs,
            timeout,
            hooks: !no_hooks,
            when_held: if no_queue {
                WhenHeld::Refuse
            } else {
                WhenHeld::Wait
            },
            interrupted,
            brake: (!confirm_deletions).then_some(Brake {
                objects: max_deletions,
                percent: max_deletion_percent,
                ..Brake::default()
            }),
            ..connect::options()
        }
    }
}

impl DeployArgs {
    pub(crate) fn add_to(&self, options: Options) -> Options {
        let Self {
            rollback_on_failure,
            force_conflicts,
            history_max,
            server_side: _,
        } = *self;
        let waits = options.wait.or(rollback_on_failure.then_some(Duration::ZERO));
        Options {
            wait: waits,
            on_failure: if rollback_on_failure {
                OnFailure::GoBack
            } else {
                OnFailure::Leave
            },
            force_conflicts,
            history_max,
            ..options
        }
    }
}

fn wait_strategy(text: &str) -> Result<bool, String> {
    match text {
        "watcher" | "legacy" | "true" => Ok(true),
        "hookOnly" | "false" => Ok(false),
        _ => Err("known are watcher, legacy and hookOnly".to_owned()),
    }
}

fn interrupted(text: &str) -> Result<Interrupted, String> {
    match text {
        "resume" => Ok(Interrupted::Resume),
        "rollback" => Ok(Interrupted::RollBack),
        _ => Err("known are resume and rollback".to_owned()),
    }
}

/// A duration as Go reads it: `300ms`, `1m30s`, `2h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a duration has a unit after each number: 90s, 5m0s, 1h30m".to_owned();
    let nanos = chart::time::duration::parse(text).map_err(|_| wrong())?;
    u64::try_from(nanos)
        .map(Duration::from_nanos)
        .map_err(|_| "a duration is not negative".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        for (text, expected) in [
            ("5m0s", Some(300_000)),
            ("90s", Some(90_000)),
            ("300ms", Some(300)),
            ("1h30m", Some(5_400_000)),
            ("5", None),
            ("-5s", None),
            ("soon", None),
        ] {
            let parsed = duration(text).ok().map(|duration| duration.as_millis());
            assert_eq!(parsed, expected, "{text}");
        }
    }
}
