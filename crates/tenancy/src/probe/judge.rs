//! What an answer to a probe means.
//!
//! A refusal counts only if it says that it was about this: the API server names who refused whom. A 403 of a proxy, or one
//! that says that *we* may not act as somebody, proves nothing and is unclear, which is no success for anybody.

use std::fmt;

use objects::meta;
use serde_json::Value;

use super::{Probe, Verb};

/// Rights that everybody has, on no object of anybody: to ask about oneself.
const EVERYBODYS: &[&str] = &[
    "selfsubjectaccessreviews",
    "selfsubjectreviews",
    "selfsubjectrulesreviews",
];

/// What an API server answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The status code.
    pub code: u16,
    /// One word, as `Forbidden`.
    pub reason: String,
    pub message: String,
    /// Of [`Verb::Ask`] only; of all others nothing is kept.
    pub body: Value,
}

/// What came of a probe.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Stopped(By),
    /// It would have been done. The text says what it was let through to.
    Succeeded(String),
    /// Nothing is proven, and why.
    Unclear(String),
}

/// What stopped an attack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Nobody gave the right.
    Rights,
    /// A right can't be given by whoever does not have it.
    Escalation,
    /// A policy, with the guard's check, or its own name if it is not ours.
    Policy(String),
    /// The namespace's Pod Security level.
    PodSecurity,
    /// The namespace's ResourceQuota.
    Quota,
    /// The namespace's LimitRange.
    Limits,
    /// What belongs to the namespace only can be named: an account of another one is not found.
    Absence,
}

/// Judges the answer to a probe.
#[must_use]
pub fn judge(probe: &Probe, answer: &Answer) -> Verdict {
    if probe.request.verb == Verb::Ask && answer.code < 300 {
        return asked(&answer.body);
    }
    match answer.code {
        200..=299 => Verdict::Succeeded("the request was let through".to_owned()),
        403 => refused(probe, &answer.message),
        // Whether one may is asked before whether there is such an object, and before what was sent for it is read.
        404 | 409 if probe.request.verb != Verb::Ask => {
            Verdict::Succeeded(format!("the right is there: {}", answer.message))
        }
        400 if probe.request.verb == Verb::Connect => {
            Verdict::Succeeded(format!("the right is there: {}", answer.message))
        }
        code => Verdict::Unclear(format!("answered {code} {}: {}", answer.reason, answer.message)),
    }
}

/// Whose refusal it is.
fn refused(probe: &Probe, message: &str) -> Verdict {
    let has = |text: &str| message.contains(text);
    let user = format!("User {:?} cannot ", probe.who.user);
    let by = match () {
        () if has("cannot impersonate resource") => {
            return Verdict::Unclear(format!("we may not act as somebody else: {message}"));
        }
        () if has("attempting to grant RBAC permissions not currently held") => By::Escalation,
        () if has(&user) => By::Rights,
        () if has("violates PodSecurity") => By::PodSecurity,
        () if has("exceeded quota: ") || has("failed quota: ") => By::Quota,
        () if has("ValidatingAdmissionPolicy '") => By::Policy(policy(message)),
        () if has("error looking up service account ") => By::Absence,
        () if has("maximum ") && has(" usage per ") => By::Limits,
        () => return Verdict::Unclear(format!("refused, but not by what should: {message}")),
    };
    Verdict::Stopped(by)
}

/// The check of the guard that a policy of ours names first; else the policy.
fn policy(message: &str) -> String {
    let rest = message
        .split_once("ValidatingAdmissionPolicy '")
        .map(|(_, rest)| rest);
    let (name, rest) = rest.and_then(|rest| rest.split_once('\'')).unwrap_or_default();
    let told = rest.split_once("denied request: ").map(|(_, told)| told);
    let check = told.and_then(|told| told.split_once(':')).map(|(check, _)| check);
    match check {
        Some(check) if super::super::guard::rules().any(|rule| rule.id == check) => check.to_owned(),
        _ => name.to_owned(),
    }
}

/// What the API server says one may do.
fn asked(body: &Value) -> Verdict {
    if let Some(allowed) = body.pointer("/status/allowed").and_then(Value::as_bool) {
        return match allowed {
            false => Verdict::Stopped(By::Rights),
            true => Verdict::Succeeded(meta::text_at(body, "/status/reason").to_owned()),
        };
    }
    let Some(rules) = body.pointer("/status/resourceRules").and_then(Value::as_array) else {
        return Verdict::Unclear("the answer says nothing about rights".to_owned());
    };
    let rights: Vec<String> = rules.iter().filter_map(right).collect();
    match rights.is_empty() {
        true => Verdict::Stopped(By::Rights),
        false => Verdict::Succeeded(format!("it may {}", rights.join(", "))),
    }
}

/// A right on an object, as `get secrets`; `None` for one that everybody has.
fn right(rule: &Value) -> Option<String> {
    let texts = |field| -> Vec<&str> {
        meta::list_at(rule, field)
            .iter()
            .filter_map(Value::as_str)
            .collect()
    };
    let resources = texts("/resources");
    if resources.iter().all(|resource| EVERYBODYS.contains(resource)) {
        return None;
    }
    Some(format!("{} {}", texts("/verbs").join("/"), resources.join("/")))
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rights => f.write_str("rights"),
            Self::Escalation => f.write_str("rights that one has not can't be given"),
            Self::Policy(check) => write!(f, "policy {check}"),
            Self::PodSecurity => f.write_str("pod security"),
            Self::Quota => f.write_str("quota"),
            Self::Limits => f.write_str("limits"),
            Self::Absence => f.write_str("not in the namespace"),
        }
    }
}
