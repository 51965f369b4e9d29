//! What people and programs are shown, as JSON: the answers of the API, which the command line reads too.

use std::collections::BTreeMap;

use delivery::stats::Measures;
use delivery::{Blocker, Board, CellState, Closed, Explanation, Row};
use jiff::Timestamp;
use kinds::{Approval, ClusterPlan, Direction, Gate, Override, Phase, Promotion, PromotionStep, Word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Applications by stages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BoardShown {
    /// In the order in which versions meet them.
    pub stages: Vec<String>,
    pub rows: Vec<RowShown>,
    /// What to ask with (`watch=`) for the next board that is another one.
    #[serde(default)]
    pub version: String,
}

/// An application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowShown {
    /// As in `payments/api`.
    pub application: String,
    pub tenant: String,
    /// The version that was published last; empty when none was.
    pub latest: String,
    /// As many as there are stages.
    pub cells: Vec<CellShown>,
}

/// An application in a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CellShown {
    pub stage: String,
    /// `Running`, `Refused`, `Waiting`, `Failed`, `NotReady`, `Drifted`, `Held`, `Behind`, `Current` or `Empty`.
    pub state: String,
    /// The version that is there; empty when none is.
    pub version: String,
    /// The version that comes next; empty when none does.
    pub next: String,
    /// The promotion that the state is about; empty when it is about none.
    pub promotion: String,
    /// What is the matter, first of what there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<ClosedShown>,
    /// How many further gates are closed.
    pub more: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// What is in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClosedShown {
    /// One word for programs.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// When it opens by itself, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Who can open it; empty when only time can.
    pub who: String,
    /// With which command.
    pub command: String,
}

/// Why something is not there yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExplanationShown {
    /// As in `promotion payments/api-1.4.2-production`.
    pub about: String,
    /// How it is, in a sentence.
    pub state: String,
    /// What is in the way; empty when nothing is.
    pub blockers: Vec<BlockerShown>,
    /// What is open, where that is not plain.
    pub notes: Vec<String>,
}

/// One thing in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockerShown {
    /// What it is in the way of: a stage, or a promotion.
    pub of: String,
    /// The gate, where it is one.
    pub gate: String,
    /// Whether it stays until a person acts.
    #[serde(rename = "final")]
    pub is_final: bool,
    #[serde(flatten)]
    pub closed: ClosedShown,
}

/// A promotion, with all there is to know before agreeing to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PromotionShown {
    /// As in `payments/api-1.4.2-production`.
    pub name: String,
    /// As in `payments/api`.
    pub application: String,
    /// The artifact, by name.
    pub artifact: String,
    pub version: String,
    pub stage: String,
    pub direction: Direction,
    /// Who asked for it.
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub phase: Phase,
    /// How it is, in a sentence.
    pub state: String,
    pub created: String,
    /// The digest of the plan, which an approval names; empty while there is none.
    pub plan_digest: String,
    /// What would be done in each cluster.
    pub plan: Vec<ClusterPlan>,
    pub gates: Vec<Gate>,
    pub approvals: Vec<Approval>,
    pub steps: Vec<PromotionStep>,
    /// Who let it through a freeze.
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
    /// Who stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort: Option<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
}

/// What became of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryShown {
    /// As in `payments/api`.
    pub application: String,
    /// The promotion that was asked for last comes first.
    pub promotions: Vec<PromotionShown>,
}

/// DORA's four keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatsShown {
    pub from: String,
    pub to: String,
    /// The stages that count as production.
    pub stages: Vec<String>,
    pub tenants: BTreeMap<String, Measures>,
    /// By name, as in `payments/api`.
    pub applications: BTreeMap<String, Measures>,
}

/// A freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FreezeShown {
    /// As in `payments/release`; in `shipway-system` it is for everybody.
    pub name: String,
    pub reason: String,
    /// When it is on, or will be next; empty when it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    pub on: bool,
    /// Empty is every stage.
    pub stages: Vec<String>,
}

/// That something was done, and where to look on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// What was done, in a sentence.
    pub said: String,
    /// The promotion that comes of it; empty when none does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub promotion: String,
    /// The line of the audit log that says so; 0 where it was so already, and nothing was done.
    pub audit: u64,
}

impl BoardShown {
    /// Some rows of a board.
    pub(crate) fn of(board: &Board, is_shown: impl Fn(&Row) -> bool) -> Self {
        let rows = board.rows.iter().filter(|row| is_shown(row)).map(|row| RowShown {
            application: row.application.to_string(),
            tenant: row.tenant.clone(),
            latest: row.latest.clone(),
            cells: board
                .stages
                .iter()
                .zip(&row.cells)
                .map(|(stage, cell)| CellShown {
                    stage: stage.clone(),
                    state: state(cell.state).to_owned(),
                    version: cell.version.clone(),
                    next: cell.next.clone(),
                    promotion: cell.promotion.clone(),
                    closed: cell.closed.clone().map(ClosedShown::of),
                    more: cell.more,
                    since: time(cell.since),
                })
                .collect(),
        });
        Self {
            rows: rows.collect(),
            stages: board.stages.clone(),
            version: String::new(),
        }
    }
}

impl ClosedShown {
    fn of(closed: Closed) -> Self {
        Self {
            reason: closed.reason.to_owned(),
            message: closed.message,
            since: time(closed.since),
            until: time(closed.until),
            who: closed.who,
            command: closed.command,
        }
    }
}

impl ExplanationShown {
    pub(crate) fn of(explanation: Explanation) -> Self {
        let blocker = |blocker: Blocker| BlockerShown {
            of: blocker.of,
            gate: blocker.gate.to_owned(),
            is_final: blocker.is_final,
            closed: ClosedShown::of(blocker.closed),
        };
        Self {
            about: explanation.about,
            state: explanation.state,
            blockers: explanation.blockers.into_iter().map(blocker).collect(),
            notes: explanation.notes,
        }
    }
}

impl PromotionShown {
    /// `state` is the sentence; `version` what the artifact's is.
    pub(crate) fn of(promotion: &kinds::Object<Promotion>, version: String, state: String) -> Self {
        let (metadata, spec, status) = (&promotion.metadata, &promotion.spec, &promotion.status);
        Self {
            name: format!("{}/{}", metadata.namespace, metadata.name),
            application: format!("{}/{}", metadata.namespace, spec.application),
            artifact: spec.artifact.clone(),
            version,
            stage: spec.stage.clone(),
            direction: spec.direction,
            by: spec.by.clone(),
            reason: spec.reason.clone(),
            phase: status.phase,
            state,
            created: metadata.creation_timestamp.clone(),
            plan_digest: status.plan_digest.clone(),
            plan: status.plan.clone(),
            gates: status.gates.clone(),
            approvals: status.approvals.clone(),
            steps: status.steps.clone(),
            overridden: spec.overridden.clone(),
            abort: spec.abort.clone(),
            ended: status.ended.clone(),
        }
    }
}

pub(crate) fn time(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}

fn state(state: CellState) -> &'static str {
    match state {
        CellState::Running => "Running",
        CellState::Refused => "Refused",
        CellState::Waiting => "Waiting",
        CellState::Failed => "Failed",
        CellState::NotReady => "NotReady",
        CellState::Drifted => "Drifted",
        CellState::Held => "Held",
        CellState::Behind => "Behind",
        CellState::Current => "Current",
        CellState::Empty => "Empty",
    }
}
