//! What to do next for one application: a list of steps, each with its reason.
//!
//! ```text
//! for each stage:  running ──run──► apply, put back, end
//!                  waiting ──line──► all but one end; the gates decide on that one ──► report, look, hold, begin
//!                  artifacts ──arrival──► create
//! ```
//!
//! Guarantees: steps that were carried out are not planned again; the same objects give the same steps, in whatever order
//! they came.

mod arrival;
mod line;
mod run;

use jiff::Timestamp;
use kinds::{Gate, Hold, Object, Phase, Promotion};
use model::Digest;

use crate::world::is_live;
use crate::{Name, World};
pub use arrival::promotion_name;

/// What to do, and when to look again though nothing changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// To be performed in this order. One that fails does not keep the others from being performed.
    pub steps: Vec<Step>,
    pub again: Option<Timestamp>,
}

/// Why something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// One word for programs, of [`crate::reason`].
    pub reason: &'static str,
    /// A sentence for people.
    pub message: String,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Write a new promotion. One of this name that is there already is the one meant.
    Create {
        promotion: Box<Object<Promotion>>,
        because: Because,
    },
    /// Add to the application's `spec.holds`.
    Hold {
        application: Name,
        hold: Hold,
        because: Because,
    },
    /// Find out what the promotion would do in these clusters, and write it into its status with
    /// [`crate::shown_digest`].
    Look {
        promotion: Name,
        clusters: Vec<String>,
        because: Because,
    },
    /// Write what the gates say.
    Report { promotion: Name, gates: Vec<Gate> },
    /// Plan each cluster anew, ask [`crate::admit`], and if it lets it go, write that the promotion runs.
    Begin {
        promotion: Name,
        target: Target,
        /// Which promotion of the application into the stage it is.
        turn: u64,
        /// The digest of the plan that people agreed to, where they had to.
        agreed: Option<Digest>,
        /// The artifact that is there, by name; empty when none is.
        previous: String,
        /// The digest of what the application says of the stage.
        settings: String,
        gates: Vec<Gate>,
        because: Because,
    },
    /// Begin this in these clusters now; what is still under way there is stopped first.
    Perform {
        promotion: Name,
        action: Action,
        clusters: Vec<String>,
        because: Because,
    },
    /// The promotion has ended. What is under way of it is stopped.
    End {
        promotion: Name,
        phase: Phase,
        because: Because,
    },
}

/// Where a promotion goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// In this order, in waves.
    Clusters(Vec<String>),
    /// By a rollout, of which nothing is planned here.
    Pair { name: String, clusters: Vec<String> },
}

/// What is done in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The artifact becomes the release.
    Apply,
    /// What was there before becomes the release again; nothing, if nothing was.
    PutBack,
}

/// Plans one application. One that is not there has an empty plan.
#[must_use]
pub fn plan(world: &World, application: &Name, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let Some(object) = world.application(application) else {
        return plan;
    };
    for stage in world.route() {
        line::Line::of(world, (application, object), stage, now).plan(&mut plan);
    }
    let lost = world.all_promotions(application);
    let lost = lost.filter(|one| is_live(one) && world.stage(&one.spec.stage).is_none());
    lost.for_each(|one| line::report_lost(world, one, now, &mut plan));
    plan
}

/// What comes to a stage by itself next, if anything does.
pub(crate) fn coming(world: &World, application: &Name, stage: &str, now: Timestamp) -> Option<Because> {
    let (stage, object) = (world.stage(stage)?, world.application(application)?);
    let line = line::Line::of(world, (application, object), stage, now);
    match arrival::arrival(&line)? {
        Step::Create { because, .. } => Some(because),
        _ => None,
    }
}

/// Plans every application, in the order of their names. Those with nothing to do are left out.
#[must_use]
pub fn plan_all(world: &World, now: Timestamp) -> Vec<(Name, Plan)> {
    let all = world
        .applications()
        .map(|(name, _)| (name.clone(), plan(world, name, now)));
    all.filter(|(_, plan)| !plan.steps.is_empty() || plan.again.is_some())
        .collect()
}

impl Plan {
    /// Asks to look again at a time, or earlier.
    pub(crate) fn look_at(&mut self, time: Option<Timestamp>) {
        self.again = [self.again, time].into_iter().flatten().min();
    }
}

impl Because {
    pub(crate) fn of(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

impl Action {
    /// Its name among a promotion's steps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::PutBack => "put back",
        }
    }
}

impl Step {
    /// The promotion that it is about; none of a hold.
    #[must_use]
    pub fn promotion(&self) -> Option<Name> {
        match self {
            Self::Create { promotion, .. } => Some(Name::of(promotion.as_ref())),
            Self::Hold { .. } => None,
            Self::Look { promotion, .. }
            | Self::Report { promotion, .. }
            | Self::Begin { promotion, .. }
            | Self::Perform { promotion, .. }
            | Self::End { promotion, .. } => Some(promotion.clone()),
        }
    }
}
