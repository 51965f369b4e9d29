//! Who wrote what came with a commit: authors, committers, and those whom a message names as co-authors.
//!
//! What git says is what whoever committed said; no signature is looked at.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::id::ObjectId;

use super::Repository;

/// So many commits are looked through. Whoever publishes less often than that is told that there are others.
const MOST_COMMITS: usize = 2_000;

/// So many people are named; the kind that keeps them allows no more.
const MOST_PEOPLE: usize = 100;

/// The longest name and address that are kept, in characters.
const LONGEST: usize = 320;

/// A commit as `git log` prints it: the people, one a line, after a NUL.
const FORMAT: &str = "--format=%x00%an <%ae>%n%cn <%ce>%n%(trailers:key=Co-authored-by,valueonly,unfold)";

/// The people of some commits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authors {
    /// Each as `Name <address>`, once, in order.
    pub people: Vec<String>,
    /// Whether there are more.
    pub others: bool,
}

impl Repository {
    /// Who wrote and committed what `commit` has below `paths` and `since` has not, and `commit` itself. Without `since`, or
    /// where that is not in the repository any more, it is the whole history of the paths. Without paths it is every commit.
    ///
    /// # Errors
    /// There is no such commit, or git fails.
    pub async fn authors(
        &self,
        commit: ObjectId,
        since: Option<ObjectId>,
        paths: &[String],
    ) -> Result<Authors, Error> {
        let own = self.log(&[commit.to_string()], 1, &[]).await?;
        let own = own.ok_or_else(|| Error::NotThere {
            what: format!("commit {commit}"),
            problem: "has no history".to_owned(),
        })?;
        let new = match since {
            Some(since) => {
                self.log(
                    &[commit.to_string(), format!("^{since}")],
                    MOST_COMMITS + 1,
                    paths,
                )
                .await?
            }
            None => None,
        };
        let new = match new {
            Some(new) => Some(new),
            None => self.log(&[commit.to_string()], MOST_COMMITS + 1, paths).await?,
        };
        Ok(people(&own, &new.unwrap_or_default()))
    }

    /// The people of commits; `None` if one of them is not there.
    async fn log(&self, commits: &[String], most: usize, paths: &[String]) -> Result<Option<String>, Error> {
        let most = format!("--max-count={most}");
        // A path is a name, whatever letters it has.
        let options = [
            "--literal-pathspecs",
            "log",
            "--full-history",
            &most,
            FORMAT,
            "--end-of-options",
        ];
        let commits = commits.iter().map(String::as_str);
        let mut arguments: Vec<&str> = options.into_iter().chain(commits).chain(["--"]).collect();
        if !paths.iter().any(String::is_empty) {
            arguments.extend(paths.iter().map(String::as_str));
        }
        let ended = self
            .git
            .ended(self.call("read who wrote commits", &arguments))
            .await?;
        let text = String::from_utf8_lossy(&ended.output).into_owned();
        Ok(ended.status.success().then_some(text))
    }
}

/// The people of a commit and of all that came with it.
fn people(own: &str, new: &str) -> Authors {
    let mut seen = BTreeSet::new();
    let mut authors = Authors {
        people: Vec::new(),
        others: new.split('\0').count() > MOST_COMMITS + 1,
    };
    for line in own.lines().chain(new.lines()) {
        let person: String = line
            .chars()
            .filter(|letter| !letter.is_control())
            .take(LONGEST)
            .collect();
        let person = person.trim();
        if person.is_empty() || !seen.insert(person.to_lowercase()) {
            continue;
        }
        if authors.people.len() == MOST_PEOPLE {
            authors.others = true;
            break;
        }
        authors.people.push(person.to_owned());
    }
    authors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_named_once_and_no_more_than_fit() {
        let two = people(
            "\0Ada <ada@a>\nBob <b@a>\n\n",
            "\0ADA <ada@a>\nBob <b@a>\nCid <c@a>\n",
        );
        assert_eq!(two.people, ["Ada <ada@a>", "Bob <b@a>", "Cid <c@a>"]);
        assert!(!two.others);
        let lines =
            |from: usize, to: usize| -> String { (from..to).map(|at| format!("\0P <{at}@a>\n")).collect() };
        let fits = people("", &lines(0, MOST_PEOPLE));
        assert_eq!((fits.people.len(), fits.others), (MOST_PEOPLE, false));
        let many = people("", &lines(0, MOST_PEOPLE + 1));
        assert_eq!((many.people.len(), many.others), (MOST_PEOPLE, true));
        let one = |commits: usize| people("", &"\0P <p@a>\n".repeat(commits)).others;
        assert_eq!((one(MOST_COMMITS), one(MOST_COMMITS + 1)), (false, true));
    }
}
