//! The gate `approvals`: enough people agreed to the plan that is shown.
//!
//! A person counts once, with the last word. An agreement is for one digest; a rejection stands until the same person agrees.
//! Authors are those of all that comes with the artifact: whoever wrote a version in between does not agree to it alone.

use std::collections::BTreeMap;

use kinds::{Approval, Approvals};
use objects::time;

use super::{Case, Closed, Decision};
use crate::shown::{Shown, shown};
use crate::world::Published;
use crate::{command, reason};

pub(super) fn decide(case: &Case<'_>) -> Decision {
    let Some(asked) = &case.stage.spec.gates.approvals else {
        return Decision::open();
    };
    if case.is_back() {
        return Decision::open_because("going back waits for nobody");
    }
    let words = last_words(&case.promotion.status.approvals);
    let command = command::approve(&case.own_name());
    if let Some(no) = words.values().find(|one| !one.approved) {
        let message = format!("{} rejects it: {}", no.by, no.reason);
        let closed = Closed::new(reason::REJECTED, message).since(time::parse(&no.time));
        return closed.opened_by(no.by.clone(), command).refused();
    }
    let Shown::Current(digest) = shown(case) else {
        let message = "what it would do is being looked at, so that people can agree to it";
        return Closed::new(reason::NOT_SHOWN, message).waiting();
    };
    let digest = digest.to_string();
    let (for_this, for_others): (Vec<&Approval>, Vec<&Approval>) =
        words.into_values().partition(|one| one.plan_digest == digest);
    let authors = authors(case);
    let is_of_group = |one: &Approval| {
        asked.groups.is_empty() || one.groups.iter().any(|group| asked.groups.contains(group))
    };
    let counted: Vec<&Approval> = for_this
        .into_iter()
        .filter(|one| asked.author || !authors.iter().any(|author| is_same_person(author, &one.by)))
        .filter(|one| is_of_group(one))
        .collect();
    let missing: Vec<&str> = asked
        .groups
        .iter()
        .filter(|group| !counted.iter().any(|one| one.groups.contains(group)))
        .map(String::as_str)
        .collect();
    if counted.len() >= asked.quorum as usize && missing.is_empty() {
        return Decision::open();
    }
    let message = message(asked, counted.len(), &missing, for_others.len());
    Closed::new(reason::NEEDS_APPROVAL, message)
        .opened_by(who(case, asked), command)
        .waiting()
}

/// The last word of each person. Of two at the same time the later in the list counts.
fn last_words(approvals: &[Approval]) -> BTreeMap<&str, &Approval> {
    let mut words: BTreeMap<&str, &Approval> = BTreeMap::new();
    for one in approvals {
        let is_later = words
            .get(one.by.as_str())
            .is_none_or(|old| time::parse(&one.time) >= time::parse(&old.time));
        if is_later {
            words.insert(&one.by, one);
        }
    }
    words
}

/// Who wrote what the stage gets: the authors of everything published after what it has, up to this.
fn authors<'a>(case: &Case<'a>) -> Vec<&'a str> {
    let current = case.current();
    let there = current.and_then(|current| case.world.artifact(case.name, &current.artifact));
    let comes = |one: &&Published| {
        let is_newer = there.is_none_or(|there| one.order > there.order);
        is_newer && one.order <= case.artifact.order || one.name() == case.artifact.name()
    };
    let come = case.world.newest_first(case.name).filter(comes);
    come.map(|one| one.object.spec.origin.author.as_str())
        .filter(|author| !author.is_empty())
        .collect()
}

/// Whether an author, as git has him (`Ana <ana@example.com>`), is a user, as a cluster has him.
fn is_same_person(author: &str, user: &str) -> bool {
    let mail = author
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(mail, _)| mail.trim());
    let name = author.split('<').next().unwrap_or_default().trim();
    // What is before the last `:` or `/` is the prefix that an API server puts before the users of an issuer.
    let user = user.rsplit([':', '/', '#']).next().unwrap_or(user);
    [mail, Some(name), Some(author)]
        .into_iter()
        .flatten()
        .any(|one| !one.is_empty() && one.eq_ignore_ascii_case(user))
}

fn message(asked: &Approvals, counted: usize, missing: &[&str], void: usize) -> String {
    let mut message = format!("{counted} of {} approvals", asked.quorum);
    if !missing.is_empty() {
        message += &format!(", none of {}", missing.join(", "));
    }
    if void > 0 {
        message += &format!("; {void} were for another plan");
    }
    message
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
