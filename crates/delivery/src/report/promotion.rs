//! A promotion's status: its gates, its steps, its conditions and its end.

use jiff::Timestamp;
use kinds::condition::{APPLIED, Condition, GATES_PASSED, READY, reason as why, set};
use kinds::{ClusterPlan, Gate, Object, Phase, Promotion, PromotionStatus, PromotionStep, StepState};
use model::Digest;
use objects::time;

use crate::gate::{Decision, Verdict};
use crate::plan::{Action, Step, Target};
use crate::world::is_live;

/// How a step in a cluster ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub cluster: String,
    pub action: Action,
    /// The revision of the release that it made, if it made one.
    pub revision: Option<u32>,
    /// How many objects it deleted.
    pub deleted: u32,
    /// Why it failed: pod, container, event and log lines.
    pub failure: Option<String>,
    /// What there is to say of one that did not fail: what was put back.
    pub note: String,
}

/// The longest that a failure may be in a sentence about several, in bytes.
const BRIEF: usize = 1024;

/// A failure in one line, without what containers printed: that may be anything, secrets too, and stays with its step. Neither
/// a condition nor the audit log has room for it.
#[must_use]
pub fn brief(failure: &str) -> String {
    let lines = failure.lines().map(str::trim);
    let kept: Vec<&str> = lines.filter(|line| !line.starts_with("log ")).collect();
    cut(kept.join("; "), BRIEF)
}

/// A text of so many bytes at most.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}

/// Writes into a promotion's status what it would do in each cluster; nothing, if nobody looked.
pub fn plan(promotion: &mut Object<Promotion>, (plans, digest): (Vec<ClusterPlan>, Digest), now: Timestamp) {
    let status = &mut promotion.status;
    let is_known = !plans.is_empty();
    status.plan = plans;
    status.planned = is_known.then(|| time::seconds(now));
    status.plan_digest = if is_known {
        digest.to_string()
    } else {
        String::new()
    };
}

/// What gates say, as a status has it. A gate that says what it said before keeps its time.
#[must_use]
pub fn gates(before: &[Gate], verdicts: &[Verdict], now: Timestamp) -> Vec<Gate> {
    let gate = |verdict: &Verdict| {
        let old = before.iter().find(|one| one.name == verdict.gate);
        let mut gate = said(verdict);
        let same = old.filter(|old| old.open == gate.open && old.reason == gate.reason);
        if gate.since.is_empty() {
            gate.since = same.map_or_else(|| time::seconds(now), |old| old.since.clone());
        }
        gate
    };
    verdicts.iter().map(gate).collect()
}

/// Writes into a promotion's status that a step about it is carried out.
///
/// `Look` and `Begin` have more to say than a step knows: whoever looked writes it by [`plan`]. `Create` and `Hold` are not about
/// a status.
pub fn record(promotion: &mut Object<Promotion>, step: &Step, now: Timestamp) {
    let generation = promotion.metadata.generation;
    // What is put back of one that has ended changes nothing of how it ended.
    let had_ended = !is_live(promotion);
    let status = &mut promotion.status;
    status.observed_generation = Some(generation);
    match step {
        Step::Create { .. } | Step::Hold { .. } | Step::Look { .. } => return,
        Step::Report { gates, .. } => {
            status.gates.clone_from(gates);
            status.started.get_or_insert_with(|| time::seconds(now));
        }
        Step::Begin {
            target,
            turn,
            previous,
            settings,
            gates,
            ..
        } => {
            status.gates.clone_from(gates);
            status.started.get_or_insert_with(|| time::seconds(now));
            status.phase = Phase::Running;
            status.turn = *turn;
            status.previous.clone_from(previous);
            status.settings.clone_from(settings);
            let (Target::Clusters(clusters) | Target::Pair { clusters, .. }) = target;
            status.steps = clusters.iter().map(|cluster| waiting(cluster)).collect();
        }
        Step::Perform { action, clusters, .. } => clusters
            .iter()
            .for_each(|cluster| perform(status, *action, cluster, now)),
        Step::End { phase, .. } => {
            status.phase = *phase;
            status.ended = Some(time::seconds(now));
            let PromotionStatus { steps, plan, .. } = status;
            let unfinished = steps
                .iter_mut()
                .filter(|one| matches!(one.state, StepState::Waiting | StepState::Running));
            unfinished.for_each(|one| drop_step(one, plan, now));
        }
    }
    if had_ended {
        return;
    }
    for condition in conditions(&promotion.status, step, generation) {
        set(&mut promotion.status.conditions, condition, now);
    }
}

/// Writes into a promotion's status how a step in a cluster ended. One of a promotion that has ended is written too, for
/// the record.
pub fn finish(promotion: &mut Object<Promotion>, outcome: &Outcome, now: Timestamp) {
    let steps = promotion.status.steps.iter_mut();
    let mut same = steps.filter(|one| {
        let is_same = one.cluster == outcome.cluster && one.name == outcome.action.as_str();
        is_same && one.state == StepState::Running
    });
    let Some(step) = same.next_back() else {
        return;
    };
    step.state = match outcome.failure {
        None => StepState::Done,
        Some(_) => StepState::Failed,
    };
    step.failing = false;
    step.revision = outcome.revision;
    step.deleted = outcome.deleted;
    step.message = outcome.failure.as_ref().unwrap_or(&outcome.note).clone();
    step.ended = Some(time::seconds(now));
}

fn said(verdict: &Verdict) -> Gate {
    let mut gate = Gate {
        name: verdict.gate.to_owned(),
        open: verdict.decision.is_open(),
        refused: matches!(verdict.decision, Decision::Refused(_)),
        reason: String::new(),
        since: String::new(),
        until: None,
        message: String::new(),
        who: String::new(),
        command: String::new(),
    };
    match &verdict.decision {
        Decision::Open { note } => gate.message.clone_from(note),
        Decision::Waiting(closed) | Decision::Refused(closed) => {
            closed.reason.clone_into(&mut gate.reason);
            gate.since = closed.since.map(time::seconds).unwrap_or_default();
            gate.until = closed.until.map(time::seconds);
            gate.message.clone_from(&closed.message);
            gate.who.clone_from(&closed.who);
            gate.command.clone_from(&closed.command);
        }
    }
    gate
}

fn waiting(cluster: &str) -> PromotionStep {
    PromotionStep {
        cluster: cluster.to_owned(),
        name: Action::Apply.as_str().to_owned(),
        state: StepState::Waiting,
        failing: false,
        deleted: 0,
        revision: None,
        started: None,
        ended: None,
        message: String::new(),
    }
}

fn perform(status: &mut PromotionStatus, action: Action, cluster: &str, now: Timestamp) {
    if action == Action::PutBack {
        let PromotionStatus { steps, plan, .. } = status;
        let running = steps
            .iter_mut()
            .filter(|one| one.cluster == cluster && one.state == StepState::Running);
        running.for_each(|one| drop_step(one, plan, now));
    }
    let mut steps = status.steps.iter_mut();
    let same = steps.find(|one| one.cluster == cluster && one.name == action.as_str());
    let begun = PromotionStep {
        state: StepState::Running,
        name: action.as_str().to_owned(),
        started: Some(time::seconds(now)),
        ..waiting(cluster)
    };
    match same {
        Some(step) => *step = begun,
        None => status.steps.push(begun),
    }
}

/// Nobody waits for what comes of a step: what it was to delete counts as deleted.
fn drop_step(step: &mut PromotionStep, plan: &[ClusterPlan], now: Timestamp) {
    step.state = StepState::Dropped;
    if step.started.is_some() {
        step.ended = Some(time::seconds(now));
        let mut planned = plan.iter().filter(|one| one.cluster == step.cluster);
        if step.name == Action::Apply.as_str()
            && let Some(planned) = planned.next()
        {
            step.deleted = planned.deletes;
        }
    }
}

fn conditions(status: &PromotionStatus, step: &Step, generation: i64) -> Vec<Condition> {
    let condition = |kind: &str, is_true: Option<()>, reason: &str, message: &str| Condition {
        kind: kind.to_owned(),
        status: if is_true.is_some() { "True" } else { "False" }.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: generation,
        last_transition_time: String::new(),
    };
    let closed: Vec<String> = status
        .gates
        .iter()
        .filter(|one| !one.open)
        .map(|one| format!("{}: {}", one.name, one.message))
        .collect();
    let closed = closed.join("; ");
    let passed = match closed.is_empty() {
        true => condition(GATES_PASSED, Some(()), why::OPEN, "every gate is open"),
        false => condition(GATES_PASSED, None, why::WAITING, &closed),
    };
    let begun = !status.steps.is_empty();
    let applied = |is_true, reason| begun.then(|| condition(APPLIED, is_true, reason, ""));
    let (ready, applied) = match step {
        Step::End { phase, because, .. } => {
            let (is_true, word) = ended(*phase);
            let has_all = (*phase == Phase::Succeeded).then_some(());
            let word_applied = if has_all.is_some() {
                why::SUCCEEDED
            } else {
                why::FAILED
            };
            (
                condition(READY, is_true, word, &because.message),
                applied(has_all, word_applied),
            )
        }
        Step::Begin { because, .. } | Step::Perform { because, .. } => (
            condition(READY, None, why::AT_WORK, &because.message),
            applied(None, why::AT_WORK),
        ),
        _ => (condition(READY, None, why::WAITING, &closed), None),
    };
    [Some(ready), Some(passed), applied]
        .into_iter()
        .flatten()
        .collect()
}

fn ended(phase: Phase) -> (Option<()>, &'static str) {
    match phase {
        Phase::Succeeded => (Some(()), why::SUCCEEDED),
        Phase::RolledBack => (None, why::ROLLED_BACK),
        Phase::Aborted => (None, why::ABORTED),
        Phase::Superseded => (None, why::SUPERSEDED),
        Phase::Failed => (None, why::FAILED),
        Phase::Waiting => (None, why::WAITING),
        Phase::Running => (None, why::AT_WORK),
    }
}
