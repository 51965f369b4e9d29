//! A promotion that is under way: the next wave, or what is put back, or its end.

use kinds::{Direction, Failure, Object, Phase, Promotion, PromotionStep, StepState};

use super::line::{Line, blocked, end, stopped_by_person};
use super::{Action, Because, Step};
use crate::gate::{self, Case, Verdict};
use crate::wave::{self, ClusterState, Next};
use crate::world::{has_begun, has_failed};
use crate::{Name, reason, report};

/// The longest sentence about what failed, in bytes: a condition takes 32 KiB, and people read the first lines.
const WHY: usize = 4096;

/// The gate that is asked again before each wave.
const HOLD: &str = "hold";

/// A promotion that runs.
pub(super) struct Run<'a> {
    line: &'a Line<'a>,
    promotion: &'a Object<Promotion>,
}

/// Why a promotion does not go on.
struct Stop {
    because: Because,
    /// How it ends when everything was put back.
    phase: Phase,
    /// Whether a cluster failed, and nobody stopped it.
    is_failure: bool,
}

impl<'a> Run<'a> {
    pub(super) fn of(line: &'a Line<'a>, promotion: &'a Object<Promotion>) -> Self {
        Self { line, promotion }
    }

    /// Whether it can't succeed any more, or will not by what is seen: its version is blocked, a cluster failed, or what was
    /// applied to one fails already.
    pub(super) fn is_doomed(&self) -> bool {
        blocked(self.line, self.promotion).is_some() || has_failed(self.promotion)
    }

    /// What is to be done now; nothing while something is under way.
    pub(super) fn next(&self) -> Option<Step> {
        if let Some(stop) = self.stop() {
            return self.go_back(&stop);
        }
        if self.line.stage.spec.pair.is_some() {
            return None;
        }
        let wave = self.wave();
        if matches!(wave, Next::Begin(_))
            && let Some(report) = self.held()
        {
            return report;
        }
        match wave {
            Next::Begin(clusters) => {
                let message = format!("next are {}", clusters.join(", "));
                Some(self.perform(Action::Apply, clusters, Because::of(reason::NEXT_WAVE, message)))
            }
            Next::Wait | Next::Stop { .. } => None,
            Next::Done { failed } => self.done(&failed),
        }
    }

    /// While somebody holds the application, no wave begins. `None` when nobody does; what is under way in a cluster goes to its
    /// end, and what failed is put back.
    #[expect(
        clippy::option_option,
        reason = "that nothing is to be done, because it is said already, is another answer than that nobody holds it"
    )]
    fn held(&self) -> Option<Option<Step>> {
        let case = Case::of(self.line.world, self.promotion, self.line.now).ok()?;
        let verdict = Verdict {
            gate: HOLD,
            decision: gate::hold(&case),
        };
        let is_open = verdict.decision.is_open();
        let mut gates = self.promotion.status.gates.clone();
        let said = report::gates(&gates, &[verdict], self.line.now);
        let at = gates.iter().position(|one| one.name == HOLD);
        let same = match at.and_then(|at| gates.get(at)) {
            Some(old) if is_open && old.open => true,
            Some(old) => said.first() == Some(old),
            None => is_open,
        };
        if same {
            return (!is_open).then_some(None);
        }
        gates.retain(|one| one.name != HOLD);
        let at = at.unwrap_or(gates.len());
        gates.splice(at..at, said);
        Some(Some(Step::Report {
            promotion: Name::of(self.promotion),
            gates,
        }))
    }

    /// Puts back what is left in these clusters, once. What can't be undone stays.
    pub(super) fn mend(&self, clusters: &[&str]) -> Option<Step> {
        let artifact = self
            .line
            .world
            .artifact(self.line.name, &self.promotion.spec.artifact);
        if self.is_back() || artifact.is_some_and(|one| one.object.spec.irreversible) {
            return None;
        }
        let begun: Vec<&str> = self.clusters(Action::PutBack, ALL).collect();
        let clusters = clusters.iter().filter(|one| !begun.contains(one));
        let clusters: Vec<String> = clusters.map(|one| (*one).to_owned()).collect();
        let because = Because::of(reason::SUPERSEDED, "what took its place did not begin");
        (!clusters.is_empty()).then(|| self.perform(Action::PutBack, clusters, because))
    }

    fn stop(&self) -> Option<Stop> {
        let by_person = stopped_by_person(self.promotion).or_else(|| blocked(self.line, self.promotion));
        if let Some(because) = by_person {
            return Some(Stop {
                because,
                phase: Phase::Aborted,
                is_failure: false,
            });
        }
        let Next::Stop { failed } = self.wave() else {
            return None;
        };
        Some(Stop {
            because: Because::of(reason::FAILED, self.why(&failed)),
            phase: Phase::RolledBack,
            is_failure: true,
        })
    }

    /// Puts back what was touched, as far as that may be, and ends.
    fn go_back(&self, stop: &Stop) -> Option<Step> {
        if let Some(why) = self.stays(stop) {
            let is_busy = self
                .clusters(Action::Apply, &[StepState::Running])
                .next()
                .is_some();
            if stop.is_failure && is_busy {
                return None;
            }
            let phase = match stop.is_failure {
                true => Phase::Failed,
                false => stop.phase,
            };
            let message = format!("{}; {why}", stop.because.message);
            return Some(self.end(phase, Because::of(stop.because.reason, message)));
        }
        let touched = [StepState::Running, StepState::Done, StepState::Failed];
        let touched: Vec<String> = self
            .clusters(Action::Apply, &touched)
            .map(str::to_owned)
            .collect();
        if let Some(step) = self.put_back(&touched, &stop.because) {
            return step;
        }
        let because = match stop.is_failure {
            true => Because::of(
                reason::ROLLED_BACK,
                format!("{}; what was there before is back", stop.because.message),
            ),
            false => stop.because.clone(),
        };
        Some(self.end(stop.phase, because))
    }

    /// Why what was touched stays as it is.
    fn stays(&self, stop: &Stop) -> Option<&'static str> {
        let artifact = self
            .line
            .world
            .artifact(self.line.name, &self.promotion.spec.artifact);
        let is_irreversible = artifact.is_some_and(|one| one.object.spec.irreversible);
        if is_irreversible && has_begun(self.promotion) {
            return Some("it can't be undone, so everything stays as it is");
        }
        if self.is_back() {
            return Some("it was a rollback, so everything stays as it is");
        }
        let is_left = stop.is_failure && self.line.stage.spec.failure == Failure::Stop;
        is_left.then_some("everything stays as it is, for a person to look at")
    }

    /// Puts clusters back that were not yet: `None` when all are, else what there is to do now, if anything.
    #[expect(
        clippy::option_option,
        reason = "not done, and nothing to do now, are two answers"
    )]
    fn put_back(&self, touched: &[String], because: &Because) -> Option<Option<Step>> {
        let begun: Vec<&str> = self.clusters(Action::PutBack, ALL).collect();
        let missing: Vec<String> = touched
            .iter()
            .filter(|one| !begun.contains(&one.as_str()))
            .cloned()
            .collect();
        if !missing.is_empty() {
            return Some(Some(self.perform(Action::PutBack, missing, because.clone())));
        }
        let under_way = [StepState::Waiting, StepState::Running];
        if self.clusters(Action::PutBack, &under_way).next().is_some() {
            return Some(None);
        }
        let failed: Vec<String> = self
            .clusters(Action::PutBack, &[StepState::Failed])
            .map(str::to_owned)
            .collect();
        if failed.is_empty() {
            return None;
        }
        let message = format!(
            "{}; what was there before could not be put back in {}",
            because.message,
            failed.join(", ")
        );
        Some(Some(
            self.end(Phase::Failed, Because::of(reason::FAILED, message)),
        ))
    }

    /// Every cluster had its turn, and no more failed than may.
    fn done(&self, failed: &[String]) -> Option<Step> {
        if failed.is_empty() {
            let because = Because::of(reason::SUCCEEDED, "every cluster has it");
            return Some(self.end(Phase::Succeeded, because));
        }
        if self.is_back() {
            let message = format!("{}; the others went back", self.why(failed));
            return Some(self.end(Phase::Failed, Because::of(reason::FAILED, message)));
        }
        let because = Because::of(
            reason::SUCCEEDED_WITHIN_BUDGET,
            format!("{}; no more failed than may", self.why(failed)),
        );
        let stop = Stop {
            because: because.clone(),
            phase: Phase::Succeeded,
            is_failure: true,
        };
        if self.stays(&stop).is_none()
            && let Some(step) = self.put_back(failed, &because)
        {
            return step;
        }
        Some(self.end(Phase::Succeeded, because))
    }

    /// Why clusters failed, a line of each. It stands in a condition and in the audit log; the steps have the rest.
    fn why(&self, failed: &[String]) -> String {
        let said = |cluster: &String| {
            let steps = self.promotion.status.steps.iter();
            let mut failed = steps.filter(|one| one.cluster == *cluster && one.state == StepState::Failed);
            match failed.next().map(|one| one.message.as_str()) {
                None | Some("") => format!("{cluster} failed"),
                Some(message) => format!("{cluster} failed: {}", report::brief(message)),
            }
        };
        report::cut(failed.iter().map(said).collect::<Vec<String>>().join("; "), WHY)
    }

    /// What is next of the clusters. A rollback goes on where one fails: the others need it no less.
    fn wave(&self) -> Next {
        let mut waves = self.line.stage.spec.waves.clone();
        if self.is_back() {
            waves.max_failed = u32::MAX;
        }
        wave::next(&self.states(), &waves)
    }

    fn is_back(&self) -> bool {
        self.promotion.spec.direction == Direction::Back
    }

    fn states(&self) -> Vec<(String, ClusterState)> {
        let steps = self.promotion.status.steps.iter();
        let applied = steps.filter(|step| step.name == Action::Apply.as_str());
        let state = |step: &PromotionStep| match step.state {
            StepState::Waiting => ClusterState::Waiting,
            StepState::Running => ClusterState::Running,
            StepState::Done => ClusterState::Done,
            StepState::Failed | StepState::Dropped => ClusterState::Failed,
        };
        applied.map(|step| (step.cluster.clone(), state(step))).collect()
    }

    fn clusters(&self, action: Action, states: &'a [StepState]) -> impl Iterator<Item = &'a str> {
        let steps = self.promotion.status.steps.iter();
        let fits = move |step: &&PromotionStep| step.name == action.as_str() && states.contains(&step.state);
        steps.filter(fits).map(|step| step.cluster.as_str())
    }

    fn perform(&self, action: Action, clusters: Vec<String>, because: Because) -> Step {
        Step::Perform {
            promotion: Name::of(self.promotion),
            action,
            clusters,
            because,
        }
    }

    fn end(&self, phase: Phase, because: Because) -> Step {
        end(self.promotion, phase, because)
    }
}

/// Whatever state a step is in.
const ALL: &[StepState] = &[
    StepState::Waiting,
    StepState::Running,
    StepState::Done,
    StepState::Failed,
    StepState::Dropped,
];
