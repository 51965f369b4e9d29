//! `shipway verdict`: what was found on a commit, read from its git note.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use model::{Code, Diagnose};
use source::verdict::{Note, Outcome as Verdict};

use crate::command::release::operate::duration;
use crate::console::{Console, Verbosity};
use crate::{Failure, Outcome};

/// How soon the remote is asked again while a verdict is waited for. A verdict takes about as long, so the first ones are
/// not slept through; each wait is longer than the one before, up to the second one, which is no burden for a server.
const FIRST: Duration = Duration::from_millis(50);
const LAST: Duration = Duration::from_secs(1);

/// Where verdicts are, there and here.
const REFSPEC: &str = "+refs/notes/shipway:refs/notes/shipway";

/// Show the verdicts on a commit of a plain git repository, where no forge can show them.
///
/// They are notes in `refs/notes/shipway`, fetched from the remote first. Exit code 3 when one of them failed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  git push origin my-branch && shipway verdict --wait 1m
  shipway verdict 4f0c2a9b11de
  shipway verdict -o json main

`git fetch origin refs/notes/shipway:refs/notes/shipway && git notes --ref=shipway show` shows the same.")]
pub(crate) struct Args {
    /// The commit, as git takes it.
    #[arg(value_name = "COMMIT", default_value = "HEAD")]
    commit: String,
    /// The working copy.
    #[arg(short = 'C', long, value_name = "DIR", default_value = ".")]
    repository: PathBuf,
    /// The remote that was pushed to.
    #[arg(long, value_name = "NAME", default_value = "origin")]
    remote: String,
    /// Wait this long for all verdicts, as `1m`.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    wait: Option<Duration>,
}

/// Why there is no verdict to show.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("git can't be started")]
    Git(#[source] std::io::Error),
    #[error("git can't {what}: {said}")]
    Said { what: String, said: String },
    #[error("there is no verdict on {commit} yet")]
    NoVerdict { commit: String },
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome, Failure> {
    let folder = args.repository.as_path();
    let commit = format!("{}^{{commit}}", args.commit);
    let what = format!("find {:?}", args.commit);
    let id = git(
        folder,
        &what,
        &["rev-parse", "--verify", "--end-of-options", &commit],
    )?;
    let id = id.trim().to_owned();
    let until = Instant::now() + args.wait.unwrap_or_default();
    let mut pause = FIRST;
    let note = loop {
        let note = note(folder, &args.remote, &id)?;
        let is_settled = note.as_ref().is_some_and(is_settled);
        if is_settled || Instant::now() >= until {
            break note;
        }
        std::thread::sleep(pause.min(until.saturating_duration_since(Instant::now())));
        pause = LAST.min(pause.mul_f64(1.25));
    };
    let Some(note) = note else {
        return Err(Problem::NoVerdict { commit: id }.into());
    };
    console.data(&note, || text(&note))?;
    if !is_settled(&note) {
        console.note(
            Verbosity::Normal,
            "not everything was looked at yet; --wait waits for it",
        );
    }
    let failed = note.verdicts.values().any(|one| one.outcome == Verdict::Failed);
    Ok(match failed {
        true => Outcome::Findings,
        false => Outcome::Done,
    })
}

fn is_settled(note: &Note) -> bool {
    note.verdicts.values().all(|one| one.outcome != Verdict::Pending)
}

fn text(note: &Note) -> String {
    let line = |(context, verdict): (&String, &source::Verdict)| {
        let evidence = verdict.evidence.map(|digest| format!("  evidence {digest}\n"));
        let place = verdict.url.as_ref().map(|url| format!("  {url}\n"));
        let findings: String = verdict
            .findings
            .iter()
            .map(|line| format!("  {line}\n"))
            .collect();
        format!(
            "{} {}: {}\n{findings}{}{}",
            verdict.outcome.as_str(),
            context.trim_start_matches("shipway/"),
            verdict.summary,
            evidence.unwrap_or_default(),
            place.unwrap_or_default()
        )
    };
    note.verdicts.iter().map(line).collect()
}

/// The note of a commit as the remote has it; none if it has no notes, or none on this commit.
fn note(folder: &Path, remote: &str, id: &str) -> Result<Option<Note>, Failure> {
    let listed = git(
        folder,
        "ask the remote",
        &["ls-remote", "--", remote, "refs/notes/shipway"],
    )?;
    if listed.trim().is_empty() {
        return Ok(None);
    }
    git(
        folder,
        "fetch the verdicts",
        &["fetch", "--quiet", "--", remote, REFSPEC],
    )?;
    // Git says nothing, and ends with 1, where there is no note.
    let Ok(text) = git(folder, "show the note", &["notes", "--ref=shipway", "show", id]) else {
        return Ok(None);
    };
    Ok(Some(Note::read(
        id.parse::<source::ObjectId>()?,
        text.as_bytes(),
    )?))
}

/// Runs the installed git as the person at the terminal would, with his settings and keys.
fn git(folder: &Path, what: &str, arguments: &[&str]) -> Result<String, Problem> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(Problem::Git)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Problem::Said {
        what: what.to_owned(),
        said: said.lines().next().unwrap_or("it says nothing").to_owned(),
    })
}

impl Diagnose for Problem {
    fn code(&self) -> Code {
        match self {
            Self::Git(_) | Self::Said { .. } => Code::SOURCE_GIT,
            Self::NoVerdict { .. } => Code::NO_VERDICT,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Git(_) => "install git, and look whether it is on the PATH".to_owned(),
            Self::Said { .. } => {
                "run it in a working copy of the repository, or name one with -C; --remote names what was pushed to"
                    .to_owned()
            }
            Self::NoVerdict { .. } => {
                "--wait waits for it; `kubectl get verifications -A` shows what the controller works on".to_owned()
            }
        })
    }
}
