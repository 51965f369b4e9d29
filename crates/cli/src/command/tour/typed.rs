//! Commands as a person would type them: shown, then really run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Problem;
use super::story::DEVELOPER;

/// A command, and where it is typed.
#[derive(Clone, Debug)]
pub(super) struct Typed<'a> {
    pub(super) within: &'a Path,
    /// Its words; the first is `git` or `shipway`.
    pub(super) words: Vec<String>,
    /// How it finds the server, in a folder that is not `.shipway`, which needs none of this.
    pub(super) environment: Vec<(&'static str, String)>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(super) struct Came {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Came {
    /// All that it said.
    pub(super) fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// A command of words.
pub(super) fn typed<'a, const N: usize>(within: &'a Path, words: [&str; N]) -> Typed<'a> {
    Typed {
        within,
        words: words.map(str::to_owned).into(),
        environment: Vec::new(),
    }
}

impl Typed<'_> {
    /// As it stands in a terminal.
    pub(super) fn shown(&self) -> String {
        let quoted = self.words.iter().map(|word| quote(word));
        quoted.collect::<Vec<_>>().join(" ")
    }

    /// Runs it to its end.
    pub(super) fn run(&self, own: &Path) -> Result<Came, Problem> {
        let mut words = self.words.iter();
        let name = words.next().map_or("", String::as_str);
        let program = match name {
            "shipway" => own.to_owned(),
            other => PathBuf::from(other),
        };
        let mut command = Command::new(program);
        command.args(words).current_dir(self.within).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if name == "git" {
            developer(&mut command);
        }
        let output = command.output().map_err(|source| Problem::Type {
            command: self.shown(),
            source,
        })?;
        Ok(Came {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// Commits are the developer's, and this machine's settings (hooks, signatures, editors) have no part in them.
fn developer(command: &mut Command) {
    let (name, mail) = DEVELOPER;
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", name)
        .env("GIT_COMMITTER_NAME", name)
        .env("GIT_AUTHOR_EMAIL", mail)
        .env("GIT_COMMITTER_EMAIL", mail)
        .env("GIT_EDITOR", "true");
}

fn quote(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+~^".contains(&byte);
    match !word.is_empty() && word.bytes().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_typed() {
        let command = typed(Path::new("."), ["git", "commit", "-m", "it's right", "a/b.yaml"]);
        assert_eq!(command.shown(), "git commit -m 'it'\\''s right' a/b.yaml");
    }

    #[test]
    fn what_a_command_says_and_how_it_ends_is_known() {
        let came = typed(Path::new("/"), ["git", "no-such-command"])
            .run(Path::new("/nowhere"))
            .expect("git is installed");
        assert_ne!(came.code, 0);
        assert!(came.said().contains("no-such-command"), "{}", came.said());
    }
}
