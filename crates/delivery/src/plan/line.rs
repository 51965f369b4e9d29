//! An application in one stage: who is next, and what the gates say of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kinds::{Application, Direction, Hold, Object, Phase, Promotion, Stage};
use objects::time;

use super::run::Run;
use super::{Because, Plan, Step, Target, arrival};
use crate::gate::{self, Case, Decision, Verdict, clusters};
use crate::shown::{Shown, is_needed, refresh, shown};
use crate::world::{Order, World, created};
use crate::{BY_ITSELF, Name, reason, report, settings_digest};

/// An application in one stage.
pub(super) struct Line<'a> {
    pub(super) world: &'a World,
    pub(super) name: &'a Name,
    pub(super) application: &'a Object<Application>,
    pub(super) stage: &'a Object<Stage>,
    pub(super) now: Timestamp,
}

impl<'a> Line<'a> {
    pub(super) fn of(
        world: &'a World,
        (name, application): (&'a Name, &'a Object<Application>),
        stage: &'a Object<Stage>,
        now: Timestamp,
    ) -> Self {
        Self {
            world,
            name,
            application,
            stage,
            now,
        }
    }

    pub(super) fn to(&self) -> &'a str {
        &self.stage.metadata.name
    }

    /// Adds the steps of this stage to a plan.
    pub(super) fn plan(&self, plan: &mut Plan) {
        let of_phase = |phase: Phase| {
            let all = self.world.promotions(self.name, self.to());
            all.filter(move |one| one.status.phase == phase)
        };
        let running: Vec<&Object<Promotion>> = of_phase(Phase::Running).collect();
        let mut waiting: Vec<&Object<Promotion>> = Vec::new();
        for promotion in of_phase(Phase::Waiting) {
            match self.stopped(promotion) {
                Some(because) => plan.steps.push(end(promotion, Phase::Aborted, because)),
                None => waiting.push(promotion),
            }
        }
        let arrival = arrival::arrival(self);
        let next = waiting.iter().copied().max_by_key(|one| self.rank(one));
        let newer = match &arrival {
            Some(Step::Create { promotion, .. }) => Some(promotion.metadata.name.clone()),
            _ => next.map(|next| next.metadata.name.clone()),
        };
        let newer = newer.unwrap_or_default();
        plan.steps.extend(arrival);
        for promotion in waiting.iter().filter(|one| one.metadata.name != newer) {
            let message = format!("{newer} took its place");
            let because = Because::of(reason::SUPERSEDED, message);
            plan.steps.push(end(promotion, Phase::Superseded, because));
        }
        let next = next.filter(|next| next.metadata.name == newer);
        if next.is_some_and(|next| self.consider(next, &running, plan)) {
            return;
        }
        let under_way = running.iter().filter_map(|one| Run::of(self, one).next());
        plan.steps.extend(under_way);
        // One that was just made may begin with the next plan.
        if running.is_empty() && (newer.is_empty() || next.is_some()) {
            plan.steps.extend(self.mend());
        }
    }

    /// Puts back what was superseded half done, where the one that was to take its place did not begin.
    fn mend(&self) -> Vec<Step> {
        let mut all = self.world.left(self.name, self.to());
        all.retain(|_, one| one.status.phase == Phase::Superseded);
        let mut left: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (cluster, promotion) in &all {
            left.entry(&promotion.metadata.name).or_default().push(cluster);
        }
        let mend = |(name, clusters): (&str, Vec<&str>)| {
            let promotion = all.values().find(|one| one.metadata.name == name)?;
            Run::of(self, promotion).mend(&clusters)
        };
        left.into_iter().filter_map(mend).collect()
    }

    /// Why a promotion that waits has nothing to wait for.
    fn stopped(&self, promotion: &Object<Promotion>) -> Option<Because> {
        stopped_by_person(promotion)
            .or_else(|| blocked(self, promotion))
            .or_else(|| self.needless(promotion))
    }

    /// What nobody asked for, and the stage has meanwhile: settings were changed and changed back, or a person was faster.
    fn needless(&self, promotion: &Object<Promotion>) -> Option<Because> {
        let current = self.world.current(self.name, self.to())?;
        let settings = settings_digest(self.application, self.to());
        let is_same = current.artifact == promotion.spec.artifact
            && (current.settings.is_empty() || current.settings == settings);
        let message = format!("{} has it already", self.to());
        (promotion.spec.by == BY_ITSELF && is_same).then(|| Because::of(reason::NOTHING_TO_DO, message))
    }

    /// Of several that wait the greatest is carried out: a rollback before all, then what was asked for last.
    fn rank<'p>(
        &self,
        promotion: &'p Object<Promotion>,
    ) -> (bool, Option<Timestamp>, Option<Order>, &'p str) {
        let artifact = self.world.artifact(self.name, &promotion.spec.artifact);
        (
            promotion.spec.direction == Direction::Back && artifact.is_some(),
            created(promotion),
            artifact.map(|one| one.order.clone()),
            &promotion.metadata.name,
        )
    }

    /// What the gates make of the promotion that is next. Whether it begins, or takes the place of the one that runs.
    fn consider(
        &self,
        promotion: &'a Object<Promotion>,
        running: &[&Object<Promotion>],
        plan: &mut Plan,
    ) -> bool {
        let case = match Case::of(self.world, promotion, self.now) {
            Ok(case) => case,
            Err(closed) => {
                report_on(promotion, &[target_missing(*closed)], self.now, plan);
                return false;
            }
        };
        let verdicts = gate::decide(&case);
        if gate::all_open(&verdicts) {
            plan.steps.push(self.open(&case, &verdicts));
            return true;
        }
        if let Some(because) = never(&verdicts) {
            plan.steps.push(end(promotion, Phase::Aborted, because));
            return false;
        }
        report_on(promotion, &verdicts, self.now, plan);
        self.look(&case, &verdicts, plan);
        for verdict in &verdicts {
            plan.look_at(verdict.decision.closed().and_then(|closed| closed.until));
        }
        plan.look_at(gate::changes(&case));
        let only_turn = verdicts
            .iter()
            .all(|one| one.decision.is_open() || one.gate == "turn");
        // A rollback puts back what the other brings, so there is nothing to wait for.
        // What fails is not tried again by whoever asked before it had failed.
        let gives_way = |one: &&&Object<Promotion>| {
            let is_other = one.spec.artifact != promotion.spec.artifact;
            case.is_back() || is_other && Run::of(self, one).is_doomed()
        };
        let dropped: Vec<_> = running.iter().filter(gives_way).filter(|_| only_turn).collect();
        for one in &dropped {
            let name = &promotion.metadata.name;
            let because = match case.is_back() {
                true => Because::of(reason::SUPERSEDED, format!("{name} takes its place")),
                false => Because::of(reason::DOOMED, format!("it fails already, and {name} is next")),
            };
            plan.steps.push(end(one, Phase::Superseded, because));
        }
        !dropped.is_empty()
    }

    /// What is done when every gate is open.
    fn open(&self, case: &Case<'_>, verdicts: &[Verdict]) -> Step {
        let spec = &case.promotion.spec;
        let is_held = case
            .application
            .spec
            .holds
            .iter()
            .any(|one| one.stage == self.to());
        if case.is_back() && !is_held && spec.by != BY_ITSELF {
            let why = spec.reason.clone().filter(|why| !why.is_empty());
            let why = why.unwrap_or_else(|| format!("rolled back to {}", case.artifact.version()));
            let hold = Hold {
                stage: self.to().to_owned(),
                by: spec.by.clone(),
                reason: why,
                since: Some(time::seconds(self.now)),
            };
            let message = "a rollback stays until somebody lets the application go";
            return Step::Hold {
                application: self.name.clone(),
                hold,
                because: Because::of(reason::ROLLBACK_HOLDS, message),
            };
        }
        let mut clusters = clusters(self.world, self.name, self.stage);
        if case.is_back() {
            clusters.sort_by_key(|name| !gate::answers(self.world, name));
        }
        let target = match &self.stage.spec.pair {
            None => Target::Clusters(clusters),
            Some(pair) => Target::Pair {
                name: pair.clone(),
                clusters,
            },
        };
        let agreed = match (shown(case), is_needed(case)) {
            (Shown::Current(digest), true) => Some(digest),
            _ => None,
        };
        Step::Begin {
            promotion: case.own_name(),
            target,
            agreed,
            turn: self.world.next_turn(self.name, self.to()),
            previous: case.current().map(|one| one.artifact).unwrap_or_default(),
            settings: self.settings(case),
            gates: report::gates(&case.promotion.status.gates, verdicts, self.now),
            because: Because::of(reason::ALL_OPEN, "every gate is open"),
        }
    }

    /// What it is deployed with: what the application says now, or said when what comes back was brought.
    fn settings(&self, case: &Case<'_>) -> String {
        let brought = self.world.brought(self.name, self.to(), case.artifact.name());
        let brought = brought.filter(|one| case.is_back() && !one.status.settings.is_empty());
        match brought {
            Some(brought) => brought.status.settings.clone(),
            None => settings_digest(case.application, self.to()),
        }
    }

    /// Asks for the plan of a promotion, if people have to see it and do not, or it is old.
    fn look(&self, case: &Case<'_>, verdicts: &[Verdict], plan: &mut Plan) {
        let can = ["target", "direction", "blocked"];
        let can = |one: &Verdict| one.decision.is_open() || !can.contains(&one.gate);
        if !is_needed(case) || !verdicts.iter().all(can) {
            return;
        }
        let because = match shown(case) {
            Shown::Not(why) => Because::of(why, "people have to see what it would do"),
            Shown::Current(_) => match refresh(case) {
                Some(at) if at > self.now => return plan.look_at(Some(at)),
                _ => Because::of(reason::PLAN_CHANGED, "what is shown was true an hour ago"),
            },
        };
        plan.steps.push(Step::Look {
            promotion: case.own_name(),
            clusters: clusters(self.world, self.name, self.stage),
            because,
        });
    }
}

/// Says of a promotion that its stage is not there.
pub(super) fn report_lost(world: &World, promotion: &Object<Promotion>, now: Timestamp, plan: &mut Plan) {
    if promotion.status.phase == Phase::Waiting
        && let Err(closed) = Case::of(world, promotion, now)
    {
        report_on(promotion, &[target_missing(*closed)], now, plan);
    }
}

/// Why a promotion can't be carried out any more: it goes in a direction in which nothing goes. It would keep others waiting.
fn never(verdicts: &[Verdict]) -> Option<Because> {
    let direction = verdicts.iter().find(|one| one.gate == "direction")?;
    match &direction.decision {
        Decision::Refused(closed) => Some(Because::of(closed.reason, closed.message.clone())),
        Decision::Open { .. } | Decision::Waiting(_) => None,
    }
}

pub(super) fn stopped_by_person(promotion: &Object<Promotion>) -> Option<Because> {
    let word = promotion.spec.abort.as_ref()?;
    let message = format!("{} aborted it: {}", word.by, word.reason);
    Some(Because::of(reason::ABORTED, message))
}

pub(super) fn blocked(line: &Line<'_>, promotion: &Object<Promotion>) -> Option<Because> {
    let artifact = line.world.artifact(line.name, &promotion.spec.artifact)?;
    let blocked = artifact.object.spec.blocked.as_ref()?;
    let message = format!(
        "{} blocked {}: {}",
        blocked.by,
        artifact.version(),
        blocked.reason
    );
    Some(Because::of(reason::BLOCKED, message))
}

pub(super) fn end(promotion: &Object<Promotion>, phase: Phase, because: Because) -> Step {
    Step::End {
        promotion: Name::of(promotion),
        phase,
        because,
    }
}

fn target_missing(closed: gate::Closed) -> Verdict {
    Verdict {
        gate: "target",
        decision: closed.refused(),
    }
}

/// Reports what gates say, where that is something else than was reported.
fn report_on(promotion: &Object<Promotion>, verdicts: &[Verdict], now: Timestamp, plan: &mut Plan) {
    let gates = report::gates(&promotion.status.gates, verdicts, now);
    if gates != promotion.status.gates {
        plan.steps.push(Step::Report {
            promotion: Name::of(promotion),
            gates,
        });
    }
}
