//! Why a request was not done.

use delivery::{Closed, Name};
use model::{Code, Diagnose};

use crate::access::Right;
use crate::error::Error;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is none, or none that the caller may see.
    #[error("there is no {what}")]
    NotFound { what: String },
    /// The caller lacks a right.
    #[error("{who} may not {right} for {whose}")]
    Forbidden {
        who: String,
        right: &'static str,
        whose: String,
        cure: String,
    },
    /// What the caller saw is not what there is.
    #[error("the plan of {promotion} is another one now: {now}, and not {seen}")]
    PlanChanged {
        promotion: Name,
        seen: String,
        now: String,
    },
    /// It makes no sense, or not now.
    #[error("{problem}")]
    NotNow { problem: String, cure: String },
    /// What was asked can't be understood.
    #[error("{problem}")]
    Invalid { problem: String, cure: String },
    #[error("the hub could not be asked")]
    Hub(#[from] Error),
}

impl Refused {
    pub(crate) fn none(kind: &str, name: impl std::fmt::Display) -> Self {
        let what = format!("{kind} {name}");
        Self::NotFound { what }
    }

    /// That somebody lacks a right.
    #[must_use]
    pub fn forbidden(who: &str, right: Right, whose: &str) -> Self {
        Self::Forbidden {
            who: who.to_owned(),
            right: right.as_str(),
            whose: whose.to_owned(),
            cure: format!(
                "whoever is {} for {whose} may; a tenant's `spec.members` says who that is",
                right.roles()
            ),
        }
    }

    /// What a gate said.
    pub(crate) fn closed(closed: Closed) -> Self {
        let cure = match (closed.who.as_str(), closed.command.as_str()) {
            ("", "") => "look at it: `shipway status`".to_owned(),
            (who, "") => format!("ask {who}"),
            ("", command) => format!("`{command}`"),
            (who, command) => format!("{who}: `{command}`"),
        };
        Self::NotNow {
            problem: closed.message,
            cure,
        }
    }
}

impl Diagnose for Refused {
    fn code(&self) -> Code {
        match self {
            Self::NotFound { .. } => Code::NOT_DELIVERED,
            Self::Forbidden { .. } => Code::MAY_NOT,
            Self::PlanChanged { .. } => Code::PLAN_CHANGED,
            Self::NotNow { .. } => Code::NOT_NOW,
            Self::Invalid { .. } => Code::REQUEST,
            Self::Hub(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => {
                Some("`shipway status` shows what there is, of what you may see".to_owned())
            }
            Self::PlanChanged { promotion, .. } => Some(format!(
                "look at it again: `shipway explain promotion {promotion}`; then approve what you saw"
            )),
            Self::Forbidden { cure, .. } | Self::NotNow { cure, .. } | Self::Invalid { cure, .. } => {
                Some(cure.clone())
            }
            Self::Hub(error) => error.hint(),
        }
    }
}
