//! The gate `approvals`: nobody rejects the promotion, and enough people agreed to the plan that is shown.
//!
//! A person counts once, with the last word. An agreement is for one digest; a rejection stands until the same person agrees,
//! also where nobody has to agree, and for a rollback.

use std::collections::BTreeMap;

use kinds::{Approval, Approvals};
use objects::time;

use super::authors::Authors;
use super::{Case, Closed, Decision};
use crate::shown::{Shown, shown};
use crate::{command, reason};

pub(super) fn decide(case: &Case<'_>) -> Decision {
    let command = command::approve(&case.own_name());
    if let Some(no) = rejection(case) {
        let message = format!("{} rejects it: {}", no.by, no.reason);
        let closed = Closed::new(reason::REJECTED, message).since(time::parse(&no.time));
        return closed.opened_by(no.by.clone(), command).refused();
    }
    let Some(asked) = &case.stage.spec.gates.approvals else {
        return Decision::open();
    };
    if case.is_back() {
        return Decision::open_because("going back waits for nobody");
    }
    let Shown::Current(digest) = shown(case) else {
        let message = "what it would do is being looked at, so that people can agree to it";
        return Closed::new(reason::NOT_SHOWN, message).waiting();
    };
    let digest = digest.to_string();
    let counted = counted(case, &digest);
    let missing: Vec<&str> = asked
        .groups
        .iter()
        .filter(|group| !counted.iter().any(|one| one.groups.contains(group)))
        .map(String::as_str)
        .collect();
    let more = more(case);
    let needed = (asked.quorum as usize).saturating_add(more);
    if counted.len() >= needed && missing.is_empty() {
        return Decision::open();
    }
    let mut message = format!("{} of {needed} approvals", counted.len());
    if !missing.is_empty() {
        message += &format!(", none of {}", missing.join(", "));
    }
    if more > 0 {
        message += "; not all authors of what comes are known, so one more than the stage says is needed";
    }
    let words = last_words(&case.promotion.status.approvals).into_values();
    let void = words.filter(|one| one.plan_digest != digest).count();
    if void > 0 {
        message += &format!("; {void} were for another plan");
    }
    Closed::new(reason::NEEDS_APPROVAL, message)
        .opened_by(who(case, asked), command)
        .waiting()
}

/// The agreements that count for the plan with this digest: of people in the groups that the stage names, and of no author
/// unless the stage says so. Where the stage asks nobody to agree, everybody's counts.
fn counted<'a>(case: &Case<'a>, digest: &str) -> Vec<&'a Approval> {
    let words = last_words(&case.promotion.status.approvals).into_values();
    let words = words.filter(|one| one.approved && one.plan_digest == digest);
    let Some(asked) = &case.stage.spec.gates.approvals else {
        return words.collect();
    };
    let authors = Authors::of(case);
    let is_of_group = |one: &&Approval| {
        asked.groups.is_empty() || one.groups.iter().any(|group| asked.groups.contains(group))
    };
    words
        .filter(|one| asked.author || !authors.has(&one.by))
        .filter(is_of_group)
        .collect()
}

/// Who agreed that what the plan with this digest deletes may go; `None` unless as many did as it takes.
pub(crate) fn confirmed<'a>(case: &Case<'a>, digest: &str) -> Option<&'a Approval> {
    let counted = counted(case, digest).into_iter();
    counted.filter(|one| one.deletions).nth(more(case))
}

/// Whether somebody rejects the promotion.
pub(crate) fn is_rejected(case: &Case<'_>) -> bool {
    rejection(case).is_some()
}

fn rejection<'a>(case: &Case<'a>) -> Option<&'a Approval> {
    let mut words = last_words(&case.promotion.status.approvals).into_values();
    words.find(|one| !one.approved)
}

/// How many agree beyond what the stage asks for: whoever agrees may be an author whom nobody knows.
fn more(case: &Case<'_>) -> usize {
    let asked = case.stage.spec.gates.approvals.as_ref();
    let is_asked = asked.is_some_and(|asked| !asked.author);
    usize::from(is_asked && !Authors::of(case).is_whole)
}

/// The last word of each person. Of two at the same time the later in the list counts. A name in other letters is the same
/// person: issuers of tokens differ in how they write one.
fn last_words(approvals: &[Approval]) -> BTreeMap<String, &Approval> {
    let mut words: BTreeMap<String, &Approval> = BTreeMap::new();
    for one in approvals {
        let who = one.by.to_lowercase();
        let is_later = words
            .get(&who)
            .is_none_or(|old| time::parse(&one.time) >= time::parse(&old.time));
        if is_later {
            words.insert(who, one);
        }
    }
    words
}

fn who(case: &Case<'_>, asked: &Approvals) -> String {
    let who = match asked.groups.is_empty() {
        true => case.whoever_may("approve"),
        false => format!("members of {}", asked.groups.join(" and ")),
    };
    match asked.author {
        true => who,
        false => format!("{who}, but its authors"),
    }
}
