//! A change that somebody proposes: a branch, a pull request, a merge request.

use crate::id::ObjectId;
use crate::refs::RefName;

/// A change that is not on the main branch yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The number of the pull or merge request; `None` for a branch of plain git.
    pub number: Option<u64>,
    /// Where its newest commit is found by git.
    pub reference: RefName,
    /// Its newest commit.
    pub commit: ObjectId,
    /// The branch that it is to be merged into.
    pub target: String,
    /// The branch that it comes from.
    pub branch: String,
    pub title: String,
    pub author: String,
    /// Whether it comes from another repository, whose owner may be a stranger.
    pub from_fork: bool,
    pub draft: bool,
    /// Its page, for people.
    pub url: Option<String>,
}
