//! The standing check: again and again, and how it stands is a condition of every Tenant.

use std::time::Duration;

use jiff::Timestamp;
use kinds::condition::{self, Condition, ISOLATED, reason};
use kinds::{Object, Tenant};
use stdx::chain;
use tokio::time::sleep;

use super::{Check, Finding, Outcome, Report};
use crate::error::Error;
use crate::hub::Hub;

/// How many findings the message of a condition names; the rest is counted.
const NAMED: usize = 10;

/// Checks at intervals; never returns. The first one comes after an interval too, when the clusters are as they should be.
pub(crate) async fn stand(hub: Hub, every: Duration, clock: fn() -> Timestamp) {
    loop {
        sleep(every).await;
        if let Err(error) = round(&hub, clock).await {
            // The next round tries again, and the conditions keep the time of their last change.
            tracing::error!(problem = %chain(&error), "the isolation of tenants could not be checked");
        }
    }
}

async fn round(hub: &Hub, clock: fn() -> Timestamp) -> Result<(), Error> {
    let check = Check {
        seed: u64::try_from(clock().as_second()).unwrap_or_default(),
        ..Check::default()
    };
    let mut reports = vec![hub.check(&check).await?];
    let suspects: Vec<String> = hub.list::<Tenant>().await?.iter().filter_map(suspect).collect();
    if !suspects.is_empty() {
        // Other pairs of a sample are no reason to believe that what was found before is mended.
        let all = Check {
            tenants: suspects,
            pairs: usize::MAX,
            ..Check::default()
        };
        reports.push(hub.check(&all).await?);
    }
    // Read again: the check has taken its time.
    for tenant in hub.list::<Tenant>().await? {
        if tenant.status.clusters.is_empty() {
            continue;
        }
        let said = says(&reports, &tenant);
        let mut conditions = tenant.status.conditions.clone();
        let was = conditions.iter().find(|one| one.kind == ISOLATED);
        if was.is_none_or(|was| was.status != said.status) && said.status != "True" {
            let name = &tenant.metadata.name;
            tracing::error!(tenant = %name, reason = %said.reason, "the isolation of a tenant is not proven");
        }
        condition::set(&mut conditions, said, clock());
        if conditions != tenant.status.conditions {
            hub.set_conditions(&tenant, &conditions).await?;
        }
    }
    Ok(())
}

/// A tenant with whom not all was well the last time.
fn suspect(tenant: &Object<Tenant>) -> Option<String> {
    let mut conditions = tenant.status.conditions.iter();
    let was = conditions.find(|one| one.kind == ISOLATED)?;
    (was.status != "True").then(|| tenant.metadata.name.clone())
}

/// How it stands with a tenant.
fn says(reports: &[Report], tenant: &Object<Tenant>) -> Condition {
    let findings = reports.iter().flat_map(|report| report.of(&tenant.metadata.name));
    let mut findings: Vec<&Finding> = findings.collect();
    findings.dedup();
    let is_broken = findings.iter().any(|one| one.outcome == Outcome::Succeeded);
    let (status, reason, message) = match (is_broken, findings.is_empty()) {
        (true, _) => ("False", reason::ATTACK_SUCCEEDED, told(&findings)),
        (false, false) => ("Unknown", reason::NOT_PROVEN, told(&findings)),
        (false, true) => ("True", reason::PROVEN, "every attack was stopped".to_owned()),
    };
    Condition {
        kind: ISOLATED.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message,
        observed_generation: tenant.metadata.generation,
        last_transition_time: String::new(),
    }
}

fn told(findings: &[&Finding]) -> String {
    let line = |one: &&Finding| {
        let on = if one.victim.is_empty() { "" } else { " on " };
        let Finding {
            cluster,
            probe,
            attacker,
            victim,
            role,
            ..
        } = one;
        format!("{probe} by {attacker} ({role}){on}{victim} in {cluster}")
    };
    let mut lines: Vec<String> = findings.iter().take(NAMED).map(line).collect();
    match findings.len().saturating_sub(NAMED) {
        0 => {}
        more => lines.push(format!("and {more} more")),
    }
    lines.push("`shipway tenant check` tells all of it".to_owned());
    lines.join("\n")
}
