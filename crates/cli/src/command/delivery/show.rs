//! What the commands print of promotions and explanations, and how names are read.

use control::desk::{ClosedShown, Done, ExplanationShown, PromotionShown};

use super::client::Problem;
use crate::Failure;
use crate::console::{Console, Verbosity};

/// A name with its namespace, as `payments/api`.
pub(super) fn name(text: &str) -> Result<String, String> {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._+".contains(&byte))
    };
    match text.split_once('/') {
        Some((namespace, name)) if is_part(namespace) && is_part(name) => Ok(text.to_owned()),
        _ => Err("a name is NAMESPACE/NAME, as in payments/api".to_owned()),
    }
}

/// Prints that something was done.
pub(super) fn done(console: &mut Console, done: &Done) -> Result<(), Failure> {
    console.data(done, || format!("{}\n", done.said))?;
    if !done.promotion.is_empty() {
        let note = format!(
            "`shipway explain promotion {}` says how it goes on",
            done.promotion
        );
        console.note(Verbosity::Normal, &note);
    }
    Ok(())
}

/// A promotion, for a person who is about to agree to it.
pub(super) fn promotion(one: &PromotionShown) -> String {
    let mut text = format!(
        "{}: {} of {} into {}, asked for by {}\n{}\n",
        one.name, one.version, one.application, one.stage, one.by, one.state
    );
    if let Some(reason) = &one.reason {
        text += &format!("because: {reason}\n");
    }
    for plan in &one.plan {
        text += &format!(
            "  in {}: makes {}, changes {}, deletes {} of {} objects\n",
            plan.cluster, plan.creates, plan.changes, plan.deletes, plan.objects
        );
        for object in &plan.precious {
            text += &format!("    deletes {object}, with all that is in it\n");
        }
    }
    for gate in one.gates.iter().filter(|gate| !gate.open) {
        text += &format!("  {} is closed: {}\n", gate.name, gate.message);
    }
    for word in &one.approvals {
        let verb = if word.approved { "approved" } else { "rejected" };
        let is_for_this = !word.approved || word.plan_digest == one.plan_digest;
        let void = if is_for_this { "" } else { " (another plan)" };
        text += &format!("  {} {verb} it{void}\n", word.by);
    }
    if !one.plan_digest.is_empty() {
        text += &format!("plan {}\n", one.plan_digest);
    }
    text
}

/// An explanation, with what can be done.
pub(super) fn explanation(one: &ExplanationShown) -> String {
    let mut text = format!("{}\n{}\n", one.about, one.state);
    for blocker in &one.blockers {
        let gate = match blocker.gate.as_str() {
            "" => String::new(),
            gate => format!(" ({gate})"),
        };
        text += &format!("\n{}{gate}: {}\n", blocker.of, blocker.closed.message);
        text += &way(&blocker.closed);
    }
    for note in &one.notes {
        text += &format!("\n{note}\n");
    }
    text
}

fn way(closed: &ClosedShown) -> String {
    let mut text = String::new();
    if let Some(since) = &closed.since {
        text += &format!("  since {since}\n");
    }
    if let Some(until) = &closed.until {
        text += &format!("  opens by itself at {until}\n");
    }
    if !closed.who.is_empty() {
        text += &format!("  who can: {}\n", closed.who);
    }
    if !closed.command.is_empty() {
        text += &format!("  how: {}\n", closed.command);
    }
    text
}

/// That a name is none.
pub(super) fn not_a_name(problem: String) -> Problem {
    Problem::Way {
        problem,
        cure: "`shipway status` shows the names".to_owned(),
    }
}
