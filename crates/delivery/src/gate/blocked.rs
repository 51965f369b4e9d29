//! The gate `blocked`: nobody said that the version must not be deployed anywhere.

use objects::time;

use super::{Case, Closed, Decision};
use crate::{command, reason};

pub(super) fn decide(case: &Case<'_>) -> Decision {
    let Some(blocked) = &case.artifact.object.spec.blocked else {
        return Decision::open();
    };
    let version = case.artifact.version();
    let message = format!("{} blocked {version}: {}", blocked.by, blocked.reason);
    let since = blocked.since.as_deref().and_then(time::parse);
    Closed::new(reason::BLOCKED, message)
        .since(since)
        .opened_by(case.whoever_may("override"), command::unblock(case.name, version))
        .refused()
}
