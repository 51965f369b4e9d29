//! What becomes of a change that is merged: published, in staging, in production; and one that is put back.
//!
//! While a rollout goes on, the service is asked from outside some fifty times a second, and a single answer that does not
//! come ends the tour.

use std::time::Duration;

use kinds::condition::VERIFIED;
use kinds::{Artifact, Object, Phase, Promotion};

use super::change::commit;
use crate::Failure;
use crate::command::tour::load::{Counted, Load, get};
use crate::command::tour::story::{CHART, NEVER_READY, VALUES, chart, values};
use crate::command::tour::terminal::seconds;
use crate::command::tour::typed::typed;
use crate::command::tour::{Problem, Tour, read, write};
use crate::command::up::wanted;

/// A verdict takes a second, also on a busy machine; this is for one that swaps.
const PUBLISHED: Duration = Duration::from_mins(1);

/// A rollout takes some eight seconds, what comes before it in the queue as long, and one that fails twenty.
const DELIVERED: Duration = Duration::from_mins(2);

/// So many answers of the new version are waited for: that of a single one could be chance.
const ANSWERS: usize = 20;

/// How a promotion has to end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wanted {
    Succeeded,
    RolledBack,
}

/// Merges the branch, and waits for the version.
pub(super) fn merge(tour: &mut Tour<'_>) -> Result<String, Failure> {
    let (copy, branch, good) = (tour.copy(), tour.story.branch(), tour.story.good.clone());
    ask_staging(tour)?;
    let message = format!("{} {good}", tour.story.name());
    tour.run(&typed(&copy, ["git", "switch", "--quiet", "--force", "main"]), 0)?;
    tour.run(
        &typed(
            &copy,
            [
                "git",
                "merge",
                "--quiet",
                "--no-ff",
                "--message",
                &message,
                &branch,
            ],
        ),
        0,
    )?;
    tour.run(&typed(&copy, ["git", "push", "--quiet", "origin", "main"]), 0)?;
    let outcome = published(tour, &good)?;
    let folder = tour.folder.clone();
    let list = typed(&folder, ["shipway", "artifact", "list", "--store", "../store"]);
    tour.run(&list, 0)?;
    Ok(outcome)
}

/// Waits until a version is published, and the hub has it.
fn published(tour: &mut Tour<'_>, version: &str) -> Result<String, Failure> {
    let (name, tenant) = (tour.story.artifact(version), tour.story.tenant.clone());
    let hub = control::Hub::new(tour.hub()?);
    let digest = tour.until(&format!("the artifact {name}"), PUBLISHED, || {
        let all = tour.runtime.block_on(hub.list::<Artifact>())?;
        let mut all = all.into_iter();
        let is_it = |one: &Object<Artifact>| one.metadata.namespace == tenant && one.metadata.name == name;
        Ok(match all.find(is_it) {
            Some(artifact) => {
                let mut conditions = artifact.status.conditions.iter();
                match conditions.any(|one| one.kind == VERIFIED && one.status == "True") {
                    true => Ok(artifact.spec.digest),
                    false => Err("it is not held against the store yet".to_owned()),
                }
            }
            None => Err("it is not published yet".to_owned()),
        })
    })?;
    Ok(format!("{name} is {}", digest.get(..19).unwrap_or_default()))
}

/// Waits until staging runs the good version, and holds what callers saw of it against the promise.
pub(super) fn staging(tour: &mut Tour<'_>) -> Result<String, Failure> {
    ask_staging(tour)?;
    let good = tour.story.good.clone();
    ended(tour, (&good, "staging"), Wanted::Succeeded)?;
    tour.say("nobody did anything for it: staging takes every version by itself")?;
    let counted = answered(tour, "staging", &good)?;
    Ok(match counted {
        Some(counted) => format!("{good} serves; {}", told(&counted, &tour.story.before)),
        None => format!("{good} is there"),
    })
}

/// Publishes the bad version, and waits until staging has put the good one back.
pub(super) fn put_back(tour: &mut Tour<'_>) -> Result<String, Failure> {
    ask_staging(tour)?;
    let (copy, good, bad) = (tour.copy(), tour.story.good.clone(), tour.story.bad.clone());
    tour.run(&typed(&copy, ["git", "switch", "--quiet", "--force", "main"]), 0)?;
    tour.say("values.yaml: a setting with which the service starts, answers, and is never ready")?;
    let place = copy.join(wanted::folder(&tour.story.tenant, &tour.story.application));
    let old = read(&place.join(VALUES))?;
    write(&place.join(VALUES), &values(&old, &bad, None, NEVER_READY))?;
    let old = read(&place.join(CHART))?;
    write(&place.join(CHART), &chart(&old, &bad))?;
    commit(tour, &format!("Version {bad}"))?;
    tour.run(&typed(&copy, ["git", "push", "--quiet", "origin", "main"]), 0)?;
    published(tour, &bad)?;
    tour.say("pods of charts are simulated where they are verified, so this is found where they really run")?;
    let promotion = ended(tour, (&bad, "staging"), Wanted::RolledBack)?;
    let why = promotion
        .status
        .steps
        .iter()
        .find(|step| !step.message.is_empty());
    if let Some(step) = why {
        let message = tour.look.said(&step.message);
        tour.console.text(&message)?;
    }
    let counted = answered(tour, "staging", &good)?;
    tour.load = None;
    Ok(match counted {
        Some(counted) if counted.versions.contains_key(&bad) => {
            let what = format!("callers were answered by {bad}, which was never ready");
            return Err(Problem::Broken { what }.into());
        }
        Some(counted) => format!("{good} serves on; {} requests, none failed", counted.requests),
        None => format!("{good} is back"),
    })
}

/// What callers saw, in words. Who began to ask when the version that was there before was gone saw no change.
fn told(counted: &Counted, before: &str) -> String {
    let requests = counted.requests;
    match counted.versions.contains_key(before) {
        true => {
            format!("{requests} requests all the while, answered by {before} and then by it, none failed")
        }
        false => format!("{requests} requests since it was gone on with, none failed"),
    }
}

/// The address of the service in a stage; none where pods don't answer.
fn address(tour: &Tour<'_>, stage: &str) -> Option<String> {
    let services = &tour.places.stage(stage)?.services;
    tour.places
        .pods_answer
        .then(|| format!("{services}/{}/", tour.story.name()))
}

/// Has the service in staging asked from now on, once it answers.
fn ask_staging(tour: &mut Tour<'_>) -> Result<(), Failure> {
    let Some(url) = address(tour, "staging") else {
        return Ok(());
    };
    if tour.load.is_none() {
        serving(tour, &url)?;
        tour.say(&format!("from now on somebody asks {url} fifty times a second"))?;
        let load = Load::start(url);
        // Whoever answers now is who answered before anything happens.
        tour.until("an answer", DELIVERED, || {
            let counted = load.counted();
            Ok((counted.requests > 0)
                .then_some(())
                .ok_or_else(|| "none came".to_owned()))
        })?;
        tour.load = Some(load);
    }
    Ok(())
}

/// Waits until somebody answers.
fn serving(tour: &Tour<'_>, url: &str) -> Result<(), Failure> {
    tour.until(&format!("an answer of {url}"), DELIVERED, || {
        Ok(match get(url) {
            Ok(answer) if answer.code == 200 => Ok(()),
            Ok(answer) => Err(format!("{} {}", answer.code, answer.body.trim())),
            Err(error) => Err(error),
        })
    })
}

/// Shows the answer of a stage's service, and gives what was counted in staging; not one may have failed.
pub(super) fn answered(tour: &mut Tour<'_>, stage: &str, version: &str) -> Result<Option<Counted>, Failure> {
    let Some(url) = address(tour, stage) else {
        tour.say("pods are simulated on this machine, so nobody can be asked which version it is")?;
        return Ok(None);
    };
    serving(tour, &url)?;
    let answer = get(&url).map_err(|what| Problem::Broken { what })?;
    let shown = tour.look.command(&format!("curl {url}"));
    let said = tour.look.said(&answer.body);
    tour.console.text(&(shown + &said))?;
    if answer.version().as_deref() != Some(version) {
        let what = format!("{url} says {}, and {version} was promised", answer.body.trim());
        return Err(Problem::Broken { what }.into());
    }
    let Some(load) = tour.load.as_ref().filter(|_| stage == "staging") else {
        return Ok(None);
    };
    let counted = tour.until(&format!("answers of {version}"), DELIVERED, || {
        let counted = load.counted();
        let of_it = counted.versions.get(version).map_or(0, |(count, _)| *count);
        Ok(match of_it >= ANSWERS || counted.failed > 0 {
            true => Ok(counted),
            false => Err(format!("{of_it} came")),
        })
    })?;
    match counted.failed {
        0 => Ok(Some(counted)),
        failed => {
            let what = format!(
                "{failed} of {} requests failed: {}",
                counted.requests,
                counted.failures.join("; ")
            );
            Err(Problem::Broken { what }.into())
        }
    }
}

/// Waits until a version's promotion into a stage has ended, and in which way it has to.
pub(super) fn ended(
    tour: &mut Tour<'_>,
    (version, stage): (&str, &str),
    wanted: Wanted,
) -> Result<Object<Promotion>, Failure> {
    let what = format!("the end of the promotion of {version} into {stage}");
    let promotion = promotion(tour, &what, (version, stage), |one| {
        !matches!(one.status.phase, Phase::Waiting | Phase::Running)
    })?;
    let took = took(&promotion).map_or(String::new(), |took| format!(" after {}", seconds(took)));
    let phase = promotion.status.phase;
    let line = tour
        .look
        .said(&format!("{} {phase:?}{took}", promotion.metadata.name));
    tour.console.text(&line)?;
    match (phase, wanted) {
        (Phase::Succeeded, Wanted::Succeeded) | (Phase::RolledBack, Wanted::RolledBack) => Ok(promotion),
        _ => {
            let ready = promotion.status.conditions.iter().find(|one| one.kind == "Ready");
            let why = ready.map_or("", |one| one.message.as_str());
            let what = format!(
                "the promotion {} ended {phase:?}, and {wanted:?} was promised: {why}",
                promotion.metadata.name
            );
            Err(Problem::Broken { what }.into())
        }
    }
}

/// Waits until something holds of the last promotion of a version into a stage.
pub(super) fn promotion(
    tour: &Tour<'_>,
    what: &str,
    (version, stage): (&str, &str),
    holds: impl Fn(&Object<Promotion>) -> bool,
) -> Result<Object<Promotion>, Failure> {
    let hub = control::Hub::new(tour.hub()?);
    let (artifact, tenant) = (tour.story.artifact(version), &tour.story.tenant);
    tour.until(what, DELIVERED, || {
        let all = tour.runtime.block_on(hub.list::<Promotion>())?;
        let ours = all.into_iter().filter(|one| {
            one.metadata.namespace == *tenant && one.spec.artifact == artifact && one.spec.stage == stage
        });
        let last = ours.max_by(|a, b| {
            let key = |one: &Object<Promotion>| {
                (one.metadata.creation_timestamp.clone(), one.metadata.name.clone())
            };
            key(a).cmp(&key(b))
        });
        Ok(match last {
            Some(one) if holds(&one) => Ok(one),
            Some(one) => {
                let closed = one.status.gates.iter().find(|gate| !gate.open);
                let why = closed.map_or(String::new(), |gate| {
                    format!(", {} is closed: {}", gate.name, gate.message)
                });
                Err(format!("it is {:?}{why}", one.status.phase))
            }
            None => Err("there is none yet".to_owned()),
        })
    })
}

fn took(promotion: &Object<Promotion>) -> Option<Duration> {
    let time = |text: &Option<String>| text.as_ref()?.parse::<jiff::Timestamp>().ok();
    let (started, ended) = (time(&promotion.status.started)?, time(&promotion.status.ended)?);
    Duration::try_from(ended.duration_since(started)).ok()
}
