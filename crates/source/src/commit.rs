//! A commit, as git stores one.

use std::str::FromStr as _;

use jiff::Timestamp;

use crate::error::Error;
use crate::id::ObjectId;

/// Longer first lines are cut; they are shown, not compared.
const LONGEST_SUBJECT: usize = 200;

/// Who made what, when, from what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub id: ObjectId,
    pub tree: ObjectId,
    pub parents: Vec<ObjectId>,
    pub author: String,
    pub email: String,
    /// When it was committed, by the committer's clock.
    pub at: Timestamp,
    /// The first line of its message.
    pub subject: String,
}

impl Commit {
    /// Reads the content of a commit object.
    pub(crate) fn read(id: ObjectId, content: &[u8]) -> Result<Self, Error> {
        Self::parsed(id, &String::from_utf8_lossy(content)).ok_or_else(|| Error::Content {
            what: format!("commit {id}"),
            problem: "is not as git writes one".to_owned(),
        })
    }

    fn parsed(id: ObjectId, text: &str) -> Option<Self> {
        let (head, message) = text.split_once("\n\n").unwrap_or((text, ""));
        let field = |name: &'static str| {
            head.lines()
                .filter_map(move |line| line.strip_prefix(name)?.strip_prefix(' '))
        };
        let (author, email, _) = person(field("author").next()?)?;
        let (_, _, at) = person(field("committer").next()?)?;
        let visible = |c: &char| !c.is_control();
        Some(Self {
            id,
            tree: ObjectId::from_hex(field("tree").next()?.as_bytes())?,
            parents: field("parent")
                .filter_map(|id| ObjectId::from_hex(id.as_bytes()))
                .collect(),
            author: author.to_owned(),
            email: email.to_owned(),
            at,
            subject: message
                .lines()
                .next()
                .unwrap_or_default()
                .chars()
                .filter(visible)
                .take(LONGEST_SUBJECT)
                .collect(),
        })
    }
}

/// `Name <email> SECONDS ZONE`
fn person(text: &str) -> Option<(&str, &str, Timestamp)> {
    let (name, rest) = text.split_once('<')?;
    let (email, rest) = rest.rsplit_once('>')?;
    let seconds = i64::from_str(rest.split_whitespace().next()?).ok()?;
    Some((name.trim(), email, Timestamp::from_second(seconds).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_read_and_nonsense_is_not() {
        let id: ObjectId = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7".parse().unwrap();
        let text = format!(
            "tree {id}\nparent {id}\nparent {id}\nauthor Ada <ada@acme.dev> 1700000000 +0100\ncommitter Bob \
             <bob@acme.dev> 1700000060 +0000\ngpgsig -----BEGIN\n x\n\nFix \x1b[31mit\n\nBecause.\n"
        );
        let commit = Commit::read(id, text.as_bytes()).unwrap();
        assert_eq!(
            (commit.author.as_str(), commit.email.as_str()),
            ("Ada", "ada@acme.dev")
        );
        assert_eq!((commit.parents.len(), commit.at.as_second()), (2, 1_700_000_060));
        assert_eq!(commit.subject, "Fix [31mit");
        for text in [
            "",
            "tree x\n\n",
            "tree da1560886d4f094c3e6c9ef40349f7d38b5d27d7\nauthor x\n\nm",
        ] {
            assert!(Commit::read(id, text.as_bytes()).is_err());
        }
    }
}
