//! Verdicts of plain git: a note on the commit, in `refs/notes/shipway`, pushed.
//!
//! Others push notes at the same time. A push that is not a fast forward is refused, and then everything is done once
//! more on what is there now; so no verdict is lost, and none overwrites another context's.

use jiff::Timestamp;

use crate::error::Error;
use crate::git::{Call, Ended, Kind, meaning};
use crate::id::ObjectId;
use crate::verdict::{LARGEST_NOTE, Note, Verdict};

use super::Repository;

/// The reference that holds the notes.
pub const NOTES: &str = "refs/notes/shipway";

/// Each lost race means that another's push went through, so so many writers at once are served.
const TRIES: usize = 10;

/// Who writes the notes, for `git log refs/notes/shipway`.
const WRITER: (&str, &str) = ("shipway", "shipway@localhost");

impl Repository {
    /// The verdicts on a commit, as of the last fetch.
    ///
    /// # Errors
    /// The note was written by somebody else.
    pub async fn verdict(&mut self, commit: ObjectId) -> Result<Note, Error> {
        let id = commit.to_string();
        let arguments = ["notes", "--ref", NOTES, "list", "--end-of-options", &id];
        let ended = self
            .git
            .ended(self.call(format!("find the note on {commit}"), &arguments))
            .await?;
        let Some(note) = ObjectId::from_hex(ended.output.trim_ascii()) else {
            return Ok(Note::default());
        };
        let objects = self.read(&[note], LARGEST_NOTE).await?;
        match objects.first() {
            Some((Kind::Blob, content)) => Note::read(commit, content),
            _ => Ok(Note::default()),
        }
    }

    /// Writes a verdict on a commit and pushes it.
    ///
    /// # Errors
    /// The repository refuses the push, or others were faster too often.
    pub async fn tell(&mut self, commit: ObjectId, context: &str, verdict: &Verdict) -> Result<(), Error> {
        self.tell_all(commit, &[(context.to_owned(), verdict.clone())])
            .await
    }

    /// Writes verdicts on a commit by their contexts and pushes them, all at once: a commit may touch a thousand charts.
    ///
    /// # Errors
    /// Those of [`Repository::tell`]; then none of them was told.
    pub async fn tell_all(&mut self, commit: ObjectId, verdicts: &[(String, Verdict)]) -> Result<(), Error> {
        let Some(at) = verdicts.iter().map(|(_, verdict)| verdict.at).max() else {
            return Ok(());
        };
        self.begin()?;
        for _ in 0..TRIES {
            // A note that is not ours to read is replaced: this reference is ours.
            let mut note = match self.verdict(commit).await {
                Err(Error::Content { .. }) => Note::default(),
                other => other?,
            };
            for (context, verdict) in verdicts {
                note.put(context, verdict.clone());
            }
            self.write(commit, &note, at).await?;
            if self.push().await? {
                self.in_doubt = false;
                return Ok(());
            }
            self.branches_and_notes().await?;
        }
        Err(Error::Race {
            commit: commit.to_string(),
            repository: self.remote.to_string(),
            tries: TRIES,
        })
    }

    async fn write(&self, commit: ObjectId, note: &Note, at: Timestamp) -> Result<(), Error> {
        let id = commit.to_string();
        let arguments = [
            "notes",
            "--ref",
            NOTES,
            "add",
            "--force",
            "--file=-",
            "--end-of-options",
            &id,
        ];
        let mut call: Call<'_> = self.call(format!("note the verdict on {commit}"), &arguments);
        call.input = note.text().into_bytes();
        let (name, email) = WRITER;
        let date = format!("{} +0000", at.as_second());
        call.environment = vec![
            ("GIT_AUTHOR_NAME", name.to_owned()),
            ("GIT_AUTHOR_EMAIL", email.to_owned()),
            ("GIT_AUTHOR_DATE", date.clone()),
            ("GIT_COMMITTER_NAME", name.to_owned()),
            ("GIT_COMMITTER_EMAIL", email.to_owned()),
            ("GIT_COMMITTER_DATE", date),
        ];
        self.git.run(call).await.map(drop)
    }

    /// Pushes the notes; `false` if others were faster.
    async fn push(&self) -> Result<bool, Error> {
        let spec = format!("{NOTES}:{NOTES}");
        let arguments = [
            "push",
            "--quiet",
            "--porcelain",
            "--no-verify",
            "--no-follow-tags",
            "--no-recurse-submodules",
            "--end-of-options",
            self.remote.url(),
            &spec,
        ];
        let call = self
            .call(format!("push notes to {}", self.remote), &arguments)
            .to(&self.remote, &self.access);
        let ended = self.git.ended(call).await?;
        let printed = String::from_utf8_lossy(&ended.output).into_owned();
        if ended.status.success() {
            return Ok(true);
        }
        let lost = [
            "fetch first",
            "non-fast-forward",
            "failed to update ref",
            "cannot lock ref",
            "failed to lock",
        ];
        if lost
            .iter()
            .any(|words| printed.contains(words) || ended.said.contains(words))
        {
            return Ok(false);
        }
        Err(self.refused_push(&printed, ended))
    }

    /// What the other side said of a refused push stands in what git prints, not in what it complains of.
    fn refused_push(&self, printed: &str, mut ended: Ended) -> Error {
        let refused = printed.lines().filter(|line| line.starts_with('!'));
        let refused: Vec<&str> = refused.collect();
        if refused.iter().any(|line| line.contains("[remote rejected]")) {
            return Error::Refused {
                repository: self.remote.to_string(),
                said: format!("{} {}", refused.join(" "), ended.said.trim()),
            };
        }
        ended.said = format!("{} {}", ended.said, refused.join(" "));
        meaning("push notes", Some(&self.remote), &ended)
    }
}
