//! GitHub and GitLab, for what git does not know: proposals, statuses and comments.
//!
//! ```text
//! Forge ──► github, gitlab: what is asked, and what answers mean ──► http: one request, tried again while that helps
//! ```
//!
//! Whatever is told can be told again: a status is replaced, and the comment is found by its first line and changed. A
//! comment is only ours if we wrote it; anybody can copy the line. Everything that a forge says is bounded.

pub mod app;
mod error;
mod github;
mod gitlab;
mod http;

use kinds::ChartSourceSpec;

use crate::id::ObjectId;
use crate::proposal::Proposal;
use crate::remote::Remote;
use crate::secret::Secret;
use crate::verdict::Verdict;

pub use error::Error;
pub use http::Link;

use github::GitHub;
use gitlab::GitLab;
use http::Api;

/// Open proposals that are looked at.
const MOST_PROPOSALS: usize = 2_000;

/// Comments on one proposal among which ours is looked for.
const MOST_COMMENTS: usize = 5_000;

/// A repository on a forge.
#[derive(Debug)]
pub enum Forge {
    GitHub(GitHub),
    GitLab(GitLab),
}

/// What became of the comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Written,
    Changed,
    /// It said the same already.
    Same,
}

impl Forge {
    /// The repository of a `ChartSource`; `None` where nothing but git answers there.
    ///
    /// # Errors
    /// As [`Forge::github`].
    pub fn of(
        link: &Link,
        spec: &ChartSourceSpec,
        remote: &Remote,
        token: &Secret,
    ) -> Result<Option<Self>, Error> {
        let api = spec.api.as_deref();
        match spec.forge {
            kinds::Forge::Git => Ok(None),
            kinds::Forge::GitHub => Self::github(link, remote, api, token).map(Some),
            kinds::Forge::GitLab => Self::gitlab(link, remote, api, token).map(Some),
        }
    }

    /// A repository on GitHub. `api` is the address of the API where it can't be known from the repository's.
    ///
    /// # Errors
    /// The addresses can't be those of a repository on GitHub.
    pub fn github(link: &Link, remote: &Remote, api: Option<&str>, token: &Secret) -> Result<Self, Error> {
        let base = api.map_or_else(|| github::api_of(remote.host()), str::to_owned);
        let api = Api::new(link, "GitHub", &base, token)?;
        GitHub::new(api, remote).map(Self::GitHub)
    }

    /// A repository on GitLab, in any group.
    ///
    /// # Errors
    /// As [`Forge::github`].
    pub fn gitlab(link: &Link, remote: &Remote, api: Option<&str>, token: &Secret) -> Result<Self, Error> {
        let base = api.map_or_else(|| gitlab::api_of(remote.host()), str::to_owned);
        let api = Api::new(link, "GitLab", &base, token)?;
        GitLab::new(api, remote).map(Self::GitLab)
    }

    /// The open proposals, each once, in the forge's order.
    ///
    /// # Errors
    /// The forge refuses, is busy, or does not answer as it should.
    pub async fn proposals(&self) -> Result<Vec<Proposal>, Error> {
        match self {
            Self::GitHub(github) => github.proposals().await,
            Self::GitLab(gitlab) => gitlab.proposals().await,
        }
    }

    /// Sets the status of a commit under a context: `shipway/shop/web`.
    ///
    /// Assumptions: only what changed is told. GitHub keeps 1,000 statuses of a commit and context, and then refuses.
    ///
    /// # Errors
    /// As [`Forge::proposals`].
    pub async fn report(&self, commit: ObjectId, context: &str, verdict: &Verdict) -> Result<(), Error> {
        match self {
            Self::GitHub(github) => github.report(commit, context, verdict).await,
            Self::GitLab(gitlab) => gitlab.report(commit, context, verdict).await,
        }
    }

    /// Writes our comment on a proposal, or changes the one there is. `markdown` begins with `marker`.
    ///
    /// # Errors
    /// As [`Forge::proposals`].
    pub async fn comment(&self, proposal: u64, marker: &str, markdown: &str) -> Result<Told, Error> {
        match self {
            Self::GitHub(github) => github.comment(proposal, marker, markdown).await,
            Self::GitLab(gitlab) => gitlab.comment(proposal, marker, markdown).await,
        }
    }

    /// How long a comment may be, in bytes.
    pub fn comment_limit(&self) -> usize {
        match self {
            Self::GitHub(_) => crate::comment::GITHUB_LIMIT,
            Self::GitLab(_) => crate::comment::GITLAB_LIMIT,
        }
    }
}

/// Whether a comment says what it should. Forges change line ends and what stands at the end.
fn says(there: &str, markdown: &str) -> bool {
    there.replace("\r\n", "\n").trim_end() == markdown.trim_end()
}

/// Each proposal once: one that is opened between two pages of a list moves the others down.
fn each_once(found: impl Iterator<Item = Proposal>) -> Vec<Proposal> {
    let mut all: Vec<Proposal> = Vec::new();
    for one in found {
        if !all.iter().any(|known| known.number == one.number) {
            all.push(one);
        }
    }
    all
}

/// A text of at most so many characters, as fields of forges want them.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}
