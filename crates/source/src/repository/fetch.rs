//! Bringing the clone up to what the repository has.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::git::Call;
use crate::id::ObjectId;
use crate::refs::RefName;

use super::Repository;

/// Proposals fetched at once: a command line of some 10 KB.
const AT_ONCE: usize = 100;

/// Branches, and our notes where there are any: a pattern, because a plain name that is missing is an error.
const ALWAYS: &[&str] = &[
    "+refs/heads/*:refs/heads/*",
    "+refs/notes/shipway*:refs/notes/shipway*",
];

/// Where proposals of forges are kept.
const PROPOSALS: &[&str] = &["refs/pull/", "refs/merge-requests/"];

/// What git says of a reference that is not there.
const MISSING: &str = "couldn't find remote ref";

/// What a fetch left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// References that were asked for and are not there.
    pub missing: Vec<RefName>,
}

impl Repository {
    /// Fetches all branches, our notes, and these proposals of a forge; what is gone there goes here too.
    ///
    /// # Errors
    /// The repository can't be reached, is not there, or refuses the credentials.
    pub async fn fetch(&mut self, proposals: &[RefName]) -> Result<Fetched, Error> {
        self.begin()?;
        match self.branches_and_notes().await {
            Err(Error::Git { problem, .. }) if problem.contains("mismatched algorithms") => {
                self.make("sha256").await?;
                self.branches_and_notes().await?;
            }
            other => other?,
        }
        let mut missing = Vec::new();
        for some in proposals.chunks(AT_ONCE) {
            self.some(some, &mut missing).await?;
        }
        self.forget_all_but(proposals).await?;
        self.in_doubt = false;
        Ok(Fetched { missing })
    }

    /// One reference again, without the others: what a webhook named.
    ///
    /// # Errors
    /// As [`Repository::fetch`]; a reference that is not there is in what is returned.
    pub async fn fetch_one(&mut self, reference: &RefName) -> Result<Fetched, Error> {
        self.begin()?;
        let mut missing = Vec::new();
        self.some(std::slice::from_ref(reference), &mut missing).await?;
        self.in_doubt = false;
        Ok(Fetched { missing })
    }

    pub(super) async fn branches_and_notes(&mut self) -> Result<(), Error> {
        let call = self.fetching(ALWAYS.iter().map(|spec| (*spec).to_owned()));
        self.git.run(call).await.map(drop)
    }

    /// Fetches references by name. Git gives up at the first that is missing; then it is asked which ones are there.
    async fn some(&mut self, references: &[RefName], missing: &mut Vec<RefName>) -> Result<(), Error> {
        let all: Vec<&RefName> = references.iter().collect();
        match self.git.run(self.fetching(specs(&all))).await {
            Err(failed) if failed.to_string().contains(MISSING) => {}
            other => return other.map(drop),
        }
        let there = self.there(references).await?;
        let (there, gone): (Vec<&RefName>, Vec<&RefName>) =
            references.iter().partition(|name| there.contains(name.as_str()));
        missing.extend(gone.into_iter().cloned());
        if there.is_empty() {
            return Ok(());
        }
        self.git.run(self.fetching(specs(&there))).await.map(drop)
    }

    /// The names of those references that the other side has.
    async fn there(&self, references: &[RefName]) -> Result<BTreeSet<String>, Error> {
        let options = [
            "ls-remote",
            "--quiet",
            "--refs",
            "--end-of-options",
            self.remote.url(),
        ];
        let names = references.iter().map(RefName::as_str);
        let arguments: Vec<&str> = options.into_iter().chain(names).collect();
        let call = self.call(format!("list references of {}", self.remote), &arguments);
        let list = self.git.run(call.to(&self.remote, &self.access)).await?;
        let list = String::from_utf8_lossy(&list);
        let names = list.lines().filter_map(|line| line.split_once('\t'));
        Ok(names.map(|(_, name)| name.to_owned()).collect())
    }

    fn fetching(&self, specs: impl Iterator<Item = String>) -> Call<'_> {
        let options = [
            "fetch",
            "--quiet",
            "--prune",
            "--force",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--no-show-forced-updates",
            "--end-of-options",
        ];
        let options = options.iter().map(|option| (*option).to_owned());
        let all: Vec<String> = options
            .chain([self.remote.url().to_owned()])
            .chain(specs)
            .collect();
        self.call(format!("fetch {}", self.remote), &all)
            .to(&self.remote, &self.access)
    }

    /// Removes proposals that nobody asks for any more: closed ones would be kept for ever.
    async fn forget_all_but(&self, proposals: &[RefName]) -> Result<(), Error> {
        let known: Vec<(RefName, ObjectId)> = self.references(PROPOSALS).await?;
        let closed = known.iter().filter(|(name, _)| !proposals.contains(name));
        let lines: String = closed.map(|(name, _)| format!("delete {name}\n")).collect();
        if lines.is_empty() {
            return Ok(());
        }
        let mut call = self.call("forget closed proposals", &["update-ref", "--stdin"]);
        call.input = lines.into_bytes();
        self.git.run(call).await.map(drop)
    }
}

fn specs(references: &[&RefName]) -> impl Iterator<Item = String> {
    let specs: Vec<String> = references.iter().map(|name| format!("+{name}:{name}")).collect();
    specs.into_iter()
}
