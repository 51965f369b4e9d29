//! Which verifications there should be: decided from what is seen, so that it does not matter when it is looked at.
//!
//! ```text
//! what was published last ≠ what the branch has  ──► one for the branch's commit
//! what a proposal has ≠ what it was made from    ──► one for the proposal's commit
//! proposals that are closed or have moved on, more than the newest few of the branch ──► not wanted any more
//! ```
//!
//! Pure. What is compared is the sum of all that a chart is made of, not commits: a new application is verified though
//! nothing was pushed, and a commit that changes another chart is none of its business.

use std::collections::{BTreeMap, BTreeSet};

use kinds::{Object, Verification, VerificationSpec};
use model::Digest;
use source::{ObjectId, Proposal};

/// On a Verification: the sum of what its chart is made of.
pub(crate) const CONTENT: &str = "shipway.dev/content";

/// On a Verification of the branch: how many there were before it.
pub(crate) const ORDER: &str = "shipway.dev/order";

/// On a Verification: who proposed what it is about, where the forge said so; logins, with spaces between.
pub(crate) const PROPOSED_BY: &str = "shipway.dev/proposed-by";

/// How many verifications of the branch are kept for each application. What they found is kept with the artifacts.
const KEPT: usize = 10;

/// How much of a commit a name has; git itself writes 7 to 12.
const COMMIT_CHARS: usize = 12;

/// How much of a sum a name has where there are two.
const SUM_CHARS: usize = 6;

/// How much of a proposal a name has: 53 for the application, and 253 for all.
const PROPOSAL_CHARS: usize = 40;

/// The sums of charts by application, `namespace/name`; `None` where there is no chart.
pub(crate) type Contents = BTreeMap<String, Option<Digest>>;

/// What a repository has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) head: ObjectId,
    pub(crate) at_head: Contents,
    pub(crate) proposals: Vec<Proposed>,
}

/// A proposal, with what it changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Proposed {
    pub(crate) proposal: Proposal,
    /// What the proposal was made from.
    pub(crate) before: Contents,
    pub(crate) after: Contents,
}

/// A verification to make.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct New {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) content: Digest,
    /// How many of the branch there were before it, from 1; 0 for a proposal's.
    pub(crate) order: u64,
    /// See [`PROPOSED_BY`].
    pub(crate) proposed_by: String,
    pub(crate) spec: VerificationSpec,
}

/// The verifications by namespace and name.
type Named<'a> = BTreeMap<(&'a str, &'a str), &'a Object<Verification>>;

/// What is to be done.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) make: Vec<New>,
    /// By namespace and name.
    pub(crate) remove: Vec<(String, String)>,
}

/// Decides it, for the applications of one source. `there` has all of their verifications.
pub(crate) fn plan(seen: &Seen, there: &[&Object<Verification>]) -> Plan {
    let named: Named<'_> = there
        .iter()
        .map(|one| {
            (
                (one.metadata.namespace.as_str(), one.metadata.name.as_str()),
                *one,
            )
        })
        .collect();
    let mut make = Vec::new();
    for (application, content) in &seen.at_head {
        let Some(content) = content else { continue };
        let last = of_branch(there, application).next_back();
        if last.is_none_or(|last| sum_of(last) != Some(content.to_string())) {
            let order = last.map(order_of).unwrap_or_default().saturating_add(1);
            let candidate = Candidate {
                application,
                commit: seen.head,
                proposal: None,
                content: *content,
                order,
                proposed_by: proposed_by(there, application, &seen.head, content),
            };
            make.extend(candidate.unless_there(&named));
        }
    }
    for Proposed {
        proposal,
        before,
        after,
    } in &seen.proposals
    {
        for (application, content) in after {
            let is_new = before.get(application) != Some(content);
            if let Some(content) = content.filter(|_| is_new) {
                let candidate = Candidate {
                    application,
                    commit: proposal.commit,
                    proposal: Some(name_of(proposal)),
                    content,
                    order: 0,
                    proposed_by: proposal.author.clone(),
                };
                make.extend(candidate.unless_there(&named));
            }
        }
    }
    Plan {
        make,
        remove: surplus(seen, there),
    }
}

/// Who proposed what the branch has now: of the proposals that were verified with this commit or this content. A proposal that
/// is merged is closed, and its verification is removed no sooner than this one is made.
fn proposed_by(
    there: &[&Object<Verification>],
    application: &str,
    head: &ObjectId,
    content: &Digest,
) -> String {
    let (head, content) = (head.to_string(), content.to_string());
    let same = there.iter().filter(|one| {
        let is_same = one.spec.commit == head || sum_of(one).as_deref() == Some(&content);
        one.spec.proposal.is_some() && application_of(one) == application && is_same
    });
    let by = same.filter_map(|one| one.metadata.annotations.get(PROPOSED_BY)?.as_str());
    by.collect::<BTreeSet<&str>>()
        .into_iter()
        .collect::<Vec<&str>>()
        .join(" ")
}

/// What a proposal is called: its number, or its branch.
pub(crate) fn name_of(proposal: &Proposal) -> String {
    match proposal.number {
        Some(number) => number.to_string(),
        None => proposal.branch.clone(),
    }
}

/// The verifications of the branch for an application, the oldest first.
fn of_branch<'a>(
    there: &[&'a Object<Verification>],
    application: &str,
) -> impl DoubleEndedIterator<Item = &'a Object<Verification>> {
    let is_it = |one: &&Object<Verification>| {
        let (namespace, name) = (&one.metadata.namespace, &one.spec.application);
        one.spec.proposal.is_none() && application.split_once('/') == Some((namespace, name))
    };
    let mut found: Vec<&Object<Verification>> = there.iter().copied().filter(is_it).collect();
    found.sort_by_key(|one| (order_of(one), &one.metadata.creation_timestamp));
    found.into_iter()
}

/// Times have whole seconds, and several commits can come within one.
fn order_of(one: &Object<Verification>) -> u64 {
    let order = one
        .metadata
        .annotations
        .get(ORDER)
        .and_then(|order| order.as_str());
    order.and_then(|order| order.parse().ok()).unwrap_or_default()
}

fn surplus(seen: &Seen, there: &[&Object<Verification>]) -> Vec<(String, String)> {
    let current: BTreeSet<(String, String)> = seen
        .proposals
        .iter()
        .map(|one| (name_of(&one.proposal), one.proposal.commit.to_string()))
        .collect();
    let is_past = |one: &&&Object<Verification>| {
        let proposal = one.spec.proposal.clone();
        proposal.is_some_and(|proposal| !current.contains(&(proposal, one.spec.commit.clone())))
    };
    let past = there.iter().filter(is_past).copied();
    let applications: BTreeSet<String> = there.iter().map(|one| application_of(one)).collect();
    let old = applications.iter().flat_map(|application| {
        let mut all: Vec<_> = of_branch(there, application).collect();
        all.truncate(all.len().saturating_sub(KEPT));
        all
    });
    let named = |one: &Object<Verification>| (one.metadata.namespace.clone(), one.metadata.name.clone());
    past.chain(old).map(named).collect()
}

/// The application that it is about, `namespace/name`.
pub(crate) fn application_of(one: &Object<Verification>) -> String {
    format!("{}/{}", one.metadata.namespace, one.spec.application)
}

fn sum_of(one: &Object<Verification>) -> Option<String> {
    let sum = one.metadata.annotations.get(CONTENT)?;
    Some(sum.as_str()?.to_owned())
}

/// A verification that there should be.
struct Candidate<'a> {
    application: &'a str,
    commit: ObjectId,
    proposal: Option<String>,
    content: Digest,
    order: u64,
    proposed_by: String,
}

impl Candidate<'_> {
    fn unless_there(self, named: &Named<'_>) -> Option<New> {
        let (namespace, application) = self.application.split_once('/')?;
        let commit = self.commit.to_string();
        let short = commit.get(..COMMIT_CHARS).unwrap_or(&commit);
        let name = match &self.proposal {
            None => format!("{application}-{short}"),
            Some(proposal) => format!("{application}-{}-{short}", slug(proposal)),
        };
        // The same commit has another content for an application that names other files with values.
        let sum = self.content.hex();
        let other = format!("{name}-{}", sum.get(..SUM_CHARS).unwrap_or(&sum));
        let is_it = |name: &str| {
            let there = named.get(&(namespace, name))?;
            Some(sum_of(there) == Some(self.content.to_string()))
        };
        let name = match (is_it(&name), is_it(&other)) {
            (Some(true), _) | (_, Some(_)) => return None,
            (None, None) => name,
            (Some(false), None) => other,
        };
        Some(New {
            namespace: namespace.to_owned(),
            name,
            content: self.content,
            order: self.order,
            proposed_by: self.proposed_by,
            spec: VerificationSpec {
                application: application.to_owned(),
                commit,
                proposal: self.proposal,
                level: kinds::Level::L2,
            },
        })
    }
}

/// A branch as a part of a name.
fn slug(text: &str) -> String {
    let fit = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '-',
    };
    let slug: String = text.chars().map(fit).take(PROPOSAL_CHARS).collect();
    match slug.trim_matches('-') {
        "" => "proposal".to_owned(),
        slug => slug.to_owned(),
    }
}

#[cfg(test)]
mod tests;
