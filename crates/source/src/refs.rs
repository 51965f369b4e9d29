//! Names of references, by git's own rules.
//!
//! A name comes from people, webhooks and forges and goes to git as an argument, so nothing gets past here that could
//! be an option, a range or a pattern.

use std::fmt;

use crate::error::Error;

/// Longer names don't fit into a file name with `.lock` behind it.
const LONGEST: usize = 250;

const BRANCHES: &str = "refs/heads/";

/// A whole reference: `refs/heads/main`, `refs/pull/12/head`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName(String);

impl RefName {
    /// Reads a whole name.
    ///
    /// # Errors
    /// What git would not take as the name of a reference.
    pub fn parse(name: &str) -> Result<Self, Error> {
        if name.starts_with("refs/") && name.len() <= LONGEST + BRANCHES.len() && is_well_formed(name) {
            return Ok(Self(name.to_owned()));
        }
        Err(Error::NotThere {
            what: format!("ref {:?}", name.chars().take(LONGEST).collect::<String>()),
            problem: "is not a name that git takes".to_owned(),
        })
    }

    /// The reference of a branch.
    ///
    /// # Errors
    /// As [`RefName::parse`].
    pub fn branch(name: &str) -> Result<Self, Error> {
        Self::parse(&format!("{BRANCHES}{name}"))
    }

    /// The head of a pull request of GitHub.
    pub fn pull_request(number: u64) -> Self {
        Self(format!("refs/pull/{number}/head"))
    }

    /// The head of a merge request of GitLab.
    pub fn merge_request(number: u64) -> Self {
        Self(format!("refs/merge-requests/{number}/head"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The branch's name, if it is one.
    pub fn as_branch(&self) -> Option<&str> {
        self.0.strip_prefix(BRANCHES)
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The rules of `git check-ref-format`.
fn is_well_formed(name: &str) -> bool {
    let is_bad = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let is_bad_part = |part: &str| {
        part.is_empty() || part.starts_with('.') || part.starts_with('-') || part.ends_with(".lock")
    };
    !name.contains(is_bad)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && !name.split('/').any(is_bad_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_git_takes() {
        for name in ["main", "feature/x", "ünï", "release-1.2", "a@b"] {
            assert_eq!(RefName::branch(name).unwrap().as_branch(), Some(name));
        }
        let long = "x".repeat(300);
        let bad = [
            "",
            "-x",
            "--upload-pack=evil",
            "a..b",
            "a b",
            "a:b",
            "a*",
            "a~1",
            "a^",
            "a\\b",
            "a.lock",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.",
            "a@{1}",
            "a\nb",
            "a\0b",
            &long,
        ];
        for name in bad {
            assert!(RefName::branch(name).is_err(), "{name:?}");
        }
        assert!(RefName::parse("HEAD").is_err());
    }
}
