//! What people say to a promotion: yes, no, stop, and through the freeze.

use delivery::gate::Case;
use delivery::{Closed, Name, reason, request};
use kinds::{Approval, LetThrough, Object, Override, Phase, Promotion, Word};
use serde_json::json;

use super::promote::digest;
use super::refused::Refused;
use super::shown::Done;
use super::{Change, Desk, reason_of};
use crate::access::{Caller, Over, Right};

/// The most words that a promotion keeps; the kind allows a hundred.
const WORDS: usize = 100;

/// What somebody says to a plan.
#[derive(Clone, Debug)]
pub struct Vote {
    pub promotion: Name,
    pub approved: bool,
    /// The digest of the plan as it was seen. A rejection needs none: it is for the promotion.
    pub plan_digest: String,
    /// Whether what it deletes may go too.
    pub deletions: bool,
    pub reason: String,
}

impl Desk {
    /// Agrees to the plan that somebody saw, or rejects a promotion.
    ///
    /// # Errors
    /// See [`Refused`]; [`Refused::PlanChanged`] if it is another plan now.
    pub async fn vote(&self, caller: &Caller, vote: Vote) -> Result<Done, Refused> {
        let name = &vote.promotion;
        let (verb, plan) = match vote.approved {
            true => ("approve", Some(digest(&vote.plan_digest)?)),
            false => ("reject", None),
        };
        if !vote.approved {
            reason_of(&vote.reason, "why, with --reason: whoever asked reads it")?;
        }
        if !caller.is_person {
            return Err(Refused::Forbidden {
                who: caller.name.clone(),
                right: Right::Approve.as_str(),
                whose: "anybody".to_owned(),
                cure: "a machine agrees to nothing; a person's token does".to_owned(),
            });
        }
        let with = match vote.deletions {
            true => " with what it deletes",
            false => "",
        };
        let act = self.write_vote(caller, &vote);
        let what = format!("{verb} promotion {name}{with}");
        self.recorded(caller, (&what, plan, &vote.reason), act).await
    }

    async fn write_vote(&self, caller: &Caller, vote: &Vote) -> Result<(String, String), Refused> {
        let name = &vote.promotion;
        self.counts(name, caller, (Right::Approve, request::may_agree))
            .await?;
        let now = (self.clock)().to_string();
        let change = |promotion: &Object<Promotion>| {
            let status = &promotion.status;
            if status.phase != Phase::Waiting {
                return Err(is_not_waiting(name, status.phase));
            }
            if vote.approved && status.plan_digest != vote.plan_digest {
                return Err(Refused::PlanChanged {
                    promotion: name.clone(),
                    seen: vote.plan_digest.clone(),
                    now: match status.plan_digest.as_str() {
                        "" => "none is shown yet".to_owned(),
                        digest => digest.to_owned(),
                    },
                });
            }
            let mut approvals = status.approvals.clone();
            // A person's last word counts, so one is enough.
            approvals.retain(|one| one.by.to_lowercase() != caller.name.to_lowercase());
            approvals.push(Approval {
                by: caller.name.clone(),
                approved: vote.approved,
                groups: caller.groups.clone(),
                deletions: vote.approved && vote.deletions,
                plan_digest: status.plan_digest.clone(),
                time: now.clone(),
                reason: vote.reason.trim().to_owned(),
            });
            if approvals.len() > WORDS {
                return Err(Refused::NotNow {
                    problem: format!("{WORDS} people have said something to {name}"),
                    cure: format!("`shipway retry {name}` after `shipway abort {name}` begins anew"),
                });
            }
            Ok(Change {
                subresource: "status",
                patch: json!({"status": {"approvals": approvals}}),
            })
        };
        self.change("promotion", name, change).await?;
        let said = match vote.approved {
            true => format!("{} agrees to {name}", caller.name),
            false => format!("{} rejects {name}", caller.name),
        };
        Ok((said, name.to_string()))
    }

    /// Stops a promotion.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn abort(&self, caller: &Caller, name: &Name, reason: &str) -> Result<Done, Refused> {
        let word = word(caller, reason)?;
        let act = async {
            let change = |promotion: &Object<Promotion>| match (promotion.status.phase, &promotion.spec.abort)
            {
                (_, Some(by)) => Err(Refused::NotNow {
                    problem: format!("{} aborts {name} already: {}", by.by, by.reason),
                    cure: format!("`shipway explain promotion {name}` says how far it is"),
                }),
                (Phase::Waiting | Phase::Running, None) => Ok(Change::spec(&json!({"abort": word}))),
                (phase, None) => Err(is_over(name, phase)),
            };
            self.change("promotion", name, change).await?;
            Ok((format!("{name} is stopped"), name.to_string()))
        };
        self.recorded(caller, (&format!("abort promotion {name}"), None, reason), act)
            .await
    }

    /// Lets a promotion through the freezes that are on.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn let_through(&self, caller: &Caller, name: &Name, reason: &str) -> Result<Done, Refused> {
        reason_of(reason, "why it is let through the freeze, with --reason")?;
        let act = async {
            let windows = self.write_override(caller, name, reason).await?;
            Ok((
                format!("{name} goes through {}", told(&windows)),
                name.to_string(),
            ))
        };
        let what = format!("let promotion {name} through freezes");
        self.recorded(caller, (&what, None, reason), act).await
    }

    pub(super) async fn write_override(
        &self,
        caller: &Caller,
        name: &Name,
        reason: &str,
    ) -> Result<Vec<LetThrough>, Refused> {
        let word = word(caller, reason)?;
        let windows = self
            .counts(name, caller, (Right::Override, request::may_let_through))
            .await?;
        let over = Override {
            by: word.by,
            reason: word.reason,
            windows,
        };
        let change = |promotion: &Object<Promotion>| match promotion.status.phase {
            Phase::Waiting | Phase::Running => Ok(Change::spec(&json!({"override": over}))),
            phase => Err(is_over(name, phase)),
        };
        self.change("promotion", name, change).await?;
        Ok(over.windows)
    }

    /// What the caller's word on a promotion counts for, if it counts.
    async fn counts<T: Send + 'static>(
        &self,
        name: &Name,
        caller: &Caller,
        (right, rule): (Right, Rule<T>),
    ) -> Result<T, Refused> {
        let (wanted, who) = (name.clone(), caller.clone());
        let found = self
            .books
            .ask(move |world, now| -> Option<Result<T, Box<Closed>>> {
                let promotion = world.promotion(&wanted)?;
                let tenant = world.tenant_of(&wanted.namespace);
                let may = who.may(right, tenant.map_or(Over::Everything, Over::Tenant));
                Some(Case::of(world, promotion, now).and_then(|case| rule(&case, &who.groups, may)))
            });
        let counts = found.await?.ok_or_else(|| Refused::none("promotion", name))?;
        counts.map_err(|closed| not_counted(caller, (right, &name.to_string()), *closed))
    }
}

/// Whether the word of somebody of these groups, who has the right or not, counts, and for what.
type Rule<T> = fn(&Case<'_>, &[String], bool) -> Result<T, Box<Closed>>;

/// That somebody's word does not count, or has nothing to count for.
pub(super) fn not_counted(caller: &Caller, (right, whose): (Right, &str), closed: Closed) -> Refused {
    match closed.reason {
        reason::NO_FREEZE => Refused::NotNow {
            problem: closed.message,
            cure: closed.who,
        },
        _ => Refused::Forbidden {
            who: caller.name.clone(),
            right: right.as_str(),
            whose: whose.to_owned(),
            cure: closed.message,
        },
    }
}

/// The windows that something goes through, each until when.
pub(super) fn told(windows: &[LetThrough]) -> String {
    let one = |one: &LetThrough| match &one.to {
        Some(to) => format!("{} until {to}", one.window),
        None => format!("{} until it can be read", one.window),
    };
    windows.iter().map(one).collect::<Vec<String>>().join(" and ")
}

fn word(caller: &Caller, reason: &str) -> Result<Word, Refused> {
    Ok(Word {
        by: caller.name.clone(),
        reason: reason_of(reason, "why, with --reason: whoever comes after reads it")?,
    })
}

fn is_not_waiting(name: &Name, phase: Phase) -> Refused {
    Refused::NotNow {
        problem: format!("{name} is {phase:?}, and waits for nobody's word"),
        cure: format!("`shipway explain promotion {name}` says how it is"),
    }
}

fn is_over(name: &Name, phase: Phase) -> Refused {
    Refused::NotNow {
        problem: format!("{name} has ended: {phase:?}"),
        cure: format!("`shipway explain promotion {name}` says how"),
    }
}
