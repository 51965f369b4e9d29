//! What people do: ask for a release, agree to it, and look up afterwards who did what.

use kinds::{Object, Phase, Promotion};

use super::change::told;
use super::deliver::{Wanted, answered, ended, promotion};
use crate::Failure;
use crate::command::tour::story::DEVELOPER;
use crate::command::tour::{Problem, Tour};
use crate::command::up::{DEVELOPER_TOKEN, OPERATOR};

const PRODUCTION: &str = "production";

/// What a command ends with that the server refuses.
const REFUSED: i32 = 1;

/// The gate that a person opens.
const APPROVALS: &str = "approvals";

/// Why it is closed once there is a plan to agree to.
const NEEDED: &str = delivery::reason::NEEDS_APPROVAL;

/// The developer asks for the good version in production, and it waits.
pub(super) fn ask(tour: &mut Tour<'_>) -> Result<String, Failure> {
    let (copy, good) = (tour.copy(), tour.story.good.clone());
    let application = tour.story.name();
    if there(tour, &good)?.is_none() {
        let token = format!("../../{DEVELOPER_TOKEN}");
        let words = [
            "shipway",
            "promote",
            &application,
            "--version",
            &good,
            "--to",
            PRODUCTION,
            "--token-file",
            &token,
        ];
        let command = tour.own(&copy, words);
        tour.run(&command, 0)?;
    }
    let what = format!("that {good} waits for {PRODUCTION}");
    let waiting = promotion(tour, &what, (&good, PRODUCTION), |one| {
        let mut closed = one.status.gates.iter().filter(|gate| !gate.open).peekable();
        let is_over = !matches!(one.status.phase, Phase::Waiting | Phase::Running);
        // Whoever agrees agrees to a plan that is shown. Done again, somebody may have agreed already.
        let is_planned =
            closed.peek().is_some() && closed.all(|gate| gate.name == APPROVALS && gate.reason == NEEDED);
        is_over || !one.status.approvals.is_empty() || is_planned
    })?;
    let command = tour.own(&copy, ["shipway", "status", &application]);
    tour.run(&command, 0)?;
    let gate = waiting
        .status
        .gates
        .iter()
        .find(|gate| gate.name == APPROVALS && !gate.open);
    Ok(match gate {
        Some(gate) => gate.message.clone(),
        None => "somebody agreed already".to_owned(),
    })
}

/// Somebody else agrees, and production runs it.
pub(super) fn agree(tour: &mut Tour<'_>) -> Result<String, Failure> {
    let (copy, good) = (tour.copy(), tour.story.good.clone());
    let promotion = there(tour, &good)?.ok_or_else(|| Problem::Broken {
        what: format!("nobody asked for {good} in {PRODUCTION}"),
    })?;
    if promotion.status.approvals.is_empty() && promotion.status.phase == Phase::Waiting {
        tour.say(&format!(
            "{} asked for it and may not agree to it; {OPERATOR} may",
            DEVELOPER.1
        ))?;
        let name = format!("{}/{}", tour.story.tenant, promotion.metadata.name);
        let command = tour.own(&copy, ["shipway", "approve", &name, "--show"]);
        tour.run(&command, 0)?;
        let digest = promotion.status.plan_digest.as_str();
        let token = format!("../../{DEVELOPER_TOKEN}");
        let words = [
            "shipway",
            "approve",
            &name,
            "--plan",
            digest,
            "--token-file",
            &token,
        ];
        let command = tour.own(&copy, words);
        tour.run(&command, REFUSED)?;
        let command = tour.own(&copy, ["shipway", "approve", &name, "--plan", digest]);
        tour.run(&command, 0)?;
    }
    ended(tour, (&good, PRODUCTION), Wanted::Succeeded)?;
    answered(tour, PRODUCTION, &good)?;
    let application = tour.story.name();
    let command = tour.own(&copy, ["shipway", "status", &application]);
    tour.run(&command, 0)?;
    Ok(format!("{good} serves in {PRODUCTION}"))
}

/// The log of decisions, read whole.
pub(super) fn audit(tour: &mut Tour<'_>) -> Result<String, Failure> {
    let copy = tour.copy();
    let command = tour.own(&copy, ["shipway", "audit", "--limit", "40"]);
    let came = tour.run(&command, 0)?;
    let (name, good) = (tour.story.tenant.clone(), tour.story.artifact(&tour.story.good));
    let approved = format!("approve promotion {name}/{good}-{PRODUCTION}");
    told(&command, &came, &[DEVELOPER.1, OPERATOR, &approved])?;
    let command = tour.own(&copy, ["shipway", "audit", "verify"]);
    let came = tour.run(&command, 0)?;
    Ok(came.out.trim().split(';').next().unwrap_or_default().to_owned())
}

/// The promotion of a version into production, if somebody asked for it.
fn there(tour: &Tour<'_>, version: &str) -> Result<Option<Object<Promotion>>, Failure> {
    let hub = control::Hub::new(tour.hub()?);
    let (artifact, tenant) = (tour.story.artifact(version), &tour.story.tenant);
    let all = tour.runtime.block_on(hub.list::<Promotion>())?;
    let is_it = |one: &Object<Promotion>| {
        one.metadata.namespace == *tenant && one.spec.artifact == artifact && one.spec.stage == PRODUCTION
    };
    Ok(all.into_iter().find(is_it))
}
