//! Gates: what a promotion waits for. Each is a function of a file of its own, and all are asked, always, in one order, so that
//! whoever waits sees everything at once.
//!
//! ```text
//! Case (promotion, application, artifact, stage, world, now) ──► 13 gates ──► Open | Waiting | Refused, with a reason
//! ```
//!
//! No gate writes, and none depends on what another says.

mod approvals;
mod authors;
mod blocked;
mod checks;
mod deletions;
mod direction;
mod failure;
mod freeze;
mod hold;
mod order;
mod soak;
mod target;
mod turn;
mod verification;

use jiff::Timestamp;
use kinds::{Application, Direction, Hold, Object, Promotion, Stage, Tenant};

use crate::world::{Current, Published, World};
use crate::{BY_ITSELF, Name};
pub(crate) use approvals::{confirmed, is_rejected};
pub use checks::CHECKS;
pub(crate) use checks::{NO_DRIFT, READY, unknown};
pub(crate) use direction::highest;
pub use failure::failed_before;
pub(crate) use freeze::{changes, closes, let_through, windows_on};
pub(crate) use hold::decide as hold;
pub use target::{answers, clusters};
pub(crate) use target::{shares, wanted};

/// Every gate, in the order in which they are told.
pub const ALL: &[Gate] = &[
    Gate::of(
        "target",
        "the stage, its clusters and the tenant are there",
        target::decide,
    ),
    Gate::of(
        "direction",
        "forward is newer, back is what was there before",
        direction::decide,
    ),
    Gate::of("blocked", "nobody blocked the version", blocked::decide),
    Gate::of("hold", "nobody holds the application in the stage", hold::decide),
    Gate::of(
        "failure",
        "it did not fail there, or a person asks again",
        failure::decide,
    ),
    Gate::of(
        "verification",
        "it was verified, and its provenance is signed",
        verification::decide,
    ),
    Gate::of(
        "soak",
        "it was ready in the stage before, for long enough",
        soak::decide,
    ),
    Gate::of("checks", "the checks of the stage before passed", checks::decide),
    Gate::of(
        "order",
        "the applications that come before are there",
        order::decide,
    ),
    Gate::of(
        "approvals",
        "enough people agreed to this plan",
        approvals::decide,
    ),
    Gate::of("deletions", "it deletes no more than may go", deletions::decide),
    Gate::of("freeze", "no freeze window is on", freeze::decide),
    Gate::of("turn", "no other promotion is under way", turn::decide),
];

/// Something that a promotion waits for.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// As in `soak`. It never changes.
    pub name: &'static str,
    /// What holds when it is open.
    pub about: &'static str,
    decide: fn(&Case<'_>) -> Decision,
}

/// What a gate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is open; the note says why, where that is not plain.
    Open { note: String },
    /// It is closed, and opens when the time has come or somebody else's work is done.
    Waiting(Closed),
    /// It is closed, and stays so until a person acts.
    Refused(Closed),
}

/// Why a gate is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// One word for programs, of [`crate::reason`].
    pub reason: &'static str,
    /// A sentence for people. It has no moments but absolute ones.
    pub message: String,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// When it opens by itself, where that is known.
    pub until: Option<Timestamp>,
    /// Who can open it; empty when only time can.
    pub who: String,
    /// With which command.
    pub command: String,
}

/// What a gate decides about.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub world: &'a World,
    /// The application's name.
    pub name: &'a Name,
    pub application: &'a Object<Application>,
    pub stage: &'a Object<Stage>,
    pub promotion: &'a Object<Promotion>,
    pub artifact: &'a Published,
    pub now: Timestamp,
}

/// What one gate says of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub gate: &'static str,
    pub decision: Decision,
}

/// Asks every gate.
#[must_use]
pub fn decide(case: &Case<'_>) -> Vec<Verdict> {
    let verdicts = ALL.iter().map(|gate| Verdict {
        gate: gate.name,
        decision: gate.decide(case),
    });
    verdicts.collect()
}

/// Whether every gate is open.
#[must_use]
pub fn all_open(verdicts: &[Verdict]) -> bool {
    verdicts.iter().all(|one| one.decision.is_open())
}

impl Gate {
    const fn of(name: &'static str, about: &'static str, decide: fn(&Case<'_>) -> Decision) -> Self {
        Self { name, about, decide }
    }

    /// Decides.
    #[must_use]
    pub fn decide(&self, case: &Case<'_>) -> Decision {
        (self.decide)(case)
    }
}

impl Decision {
    #[must_use]
    pub fn open() -> Self {
        Self::Open { note: String::new() }
    }

    #[must_use]
    pub fn open_because(note: impl Into<String>) -> Self {
        Self::Open { note: note.into() }
    }

    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        match self {
            Self::Open { .. } => None,
            Self::Waiting(closed) | Self::Refused(closed) => Some(closed),
        }
    }
}

impl Closed {
    #[must_use]
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            since: None,
            until: None,
            who: String::new(),
            command: String::new(),
        }
    }

    #[must_use]
    pub fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since = since;
        self
    }

    #[must_use]
    pub fn until(mut self, until: Option<Timestamp>) -> Self {
        self.until = until;
        self
    }

    /// Who can open it, and with which command.
    #[must_use]
    pub fn opened_by(mut self, who: impl Into<String>, command: impl Into<String>) -> Self {
        self.who = who.into();
        self.command = command.into();
        self
    }

    #[must_use]
    pub fn waiting(self) -> Decision {
        Decision::Waiting(self)
    }

    #[must_use]
    pub fn refused(self) -> Decision {
        Decision::Refused(self)
    }
}

impl<'a> Case<'a> {
    /// The case of a promotion.
    ///
    /// # Errors
    /// The application, the stage or the artifact that it names is not there.
    pub fn of(
        world: &'a World,
        promotion: &'a Object<Promotion>,
        now: Timestamp,
    ) -> Result<Self, Box<Closed>> {
        let name = Name::new(&promotion.metadata.namespace, &promotion.spec.application);
        let (name, application) = target::application(world, &name)?;
        Ok(Self {
            stage: target::stage(world, &promotion.spec.stage)?,
            artifact: target::artifact(world, name, &promotion.spec.artifact)?,
            application,
            name,
            world,
            promotion,
            now,
        })
    }

    /// Whether it goes back.
    pub(crate) fn is_back(&self) -> bool {
        self.promotion.spec.direction == Direction::Back
    }

    /// Whether nobody asked for it.
    pub(crate) fn is_automatic(&self) -> bool {
        self.promotion.spec.by == BY_ITSELF
    }

    /// The stage's name.
    pub(crate) fn to(&self) -> &'a str {
        &self.stage.metadata.name
    }

    /// The promotion's own name.
    pub(crate) fn own_name(&self) -> Name {
        Name::of(self.promotion)
    }

    /// Who holds the application in the stage.
    pub(crate) fn hold(&self) -> Option<&'a Hold> {
        let mut holds = self.application.spec.holds.iter();
        holds.find(|one| one.stage == self.to())
    }

    /// What the stage has.
    pub(crate) fn current(&self) -> Option<Current> {
        self.world.current(self.name, self.to())
    }

    pub(crate) fn tenant(&self) -> Option<&'a Object<Tenant>> {
        self.world.tenant_of(&self.name.namespace)
    }

    /// Who may do what for the tenant, in words.
    pub(crate) fn whoever_may(&self, what: &str) -> String {
        match self.tenant() {
            Some(tenant) => format!("whoever may {what} for {}", tenant.metadata.name),
            None => format!("whoever may {what}"),
        }
    }
}
