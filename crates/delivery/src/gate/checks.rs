//! The gate `checks`: each check that the stage names passed in the stage before, since the artifact is there.
//!
//! The checks are those that a look at what is deployed answers, of [`CHECKS`]. A name that nothing reports would wait for ever,
//! so it is refused.

use objects::time;

use super::{Case, Closed, Decision};
use crate::{command, reason};

/// Every object of the release is ready in every cluster.
pub(crate) const READY: &str = "ready";

/// Nobody else changed what was deployed.
pub(crate) const NO_DRIFT: &str = "no-drift";

/// Every check that there is.
pub const CHECKS: &[&str] = &[READY, NO_DRIFT];

pub(super) fn decide(case: &Case<'_>) -> Decision {
    let needed = &case.stage.spec.gates.checks;
    let Some(before) = &case.stage.spec.after else {
        return Decision::open();
    };
    if needed.is_empty() || case.is_back() {
        return Decision::open();
    }
    if let Some(message) = unknown(needed) {
        let command = format!("kubectl edit stage {}", case.to());
        return Closed::new(reason::MISTAKE, message)
            .opened_by("whoever may write stages", command)
            .refused();
    }
    let explain = command::explain("application", case.name);
    let said = case.world.deployed(case.name, before);
    let Some(said) = said.filter(|said| said.artifact == case.artifact.name()) else {
        let message = format!("no check of {before} is about {}", case.artifact.version());
        return Closed::new(reason::CHECK_PENDING, message)
            .opened_by(case.whoever_may("deploy"), explain)
            .waiting();
    };
    let result = |name: &String| said.checks.iter().find(|one| one.name == *name);
    let failed = needed.iter().filter_map(result).find(|one| !one.passed);
    if let Some(failed) = failed {
        let message = format!("the check {} fails in {before}: {}", failed.name, failed.message);
        return Closed::new(reason::CHECK_FAILED, message)
            .since(time::parse(&failed.time))
            .opened_by(case.whoever_may("deploy"), explain)
            .waiting();
    }
    let pending: Vec<&str> = needed
        .iter()
        .filter(|name| result(name).is_none())
        .map(String::as_str)
        .collect();
    if pending.is_empty() {
        return Decision::open();
    }
    let message = format!("{} did not run in {before} yet", pending.join(", "));
    Closed::new(reason::CHECK_PENDING, message)
        .opened_by(case.whoever_may("deploy"), explain)
        .waiting()
}

/// What is wrong with the checks that a stage names.
pub(crate) fn unknown(needed: &[String]) -> Option<String> {
    let unknown: Vec<&str> = needed
        .iter()
        .map(String::as_str)
        .filter(|name| !CHECKS.contains(name))
        .collect();
    (!unknown.is_empty()).then(|| {
        format!(
            "there is no check {}; there are {}",
            unknown.join(", "),
            CHECKS.join(" and ")
        )
    })
}
