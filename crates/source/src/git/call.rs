//! One run of git: its environment, its bounds, and what its failure means.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::{Access, Git};
use crate::error::Error;
use crate::remote::{Remote, Scheme};
use crate::secret::cleaned;

/// What git does on this machine alone takes seconds, even where it repacks.
const LOCAL_TIME: Duration = Duration::from_secs(120);

/// Enough for the list of 200,000 files, and little enough to hold.
const MOST_OUTPUT: usize = 64 * 1024 * 1024;

/// What git says of a failure. The rest is read and thrown away.
const MOST_SAID: usize = 8 * 1024;

/// Settings of every run. They win over those of the repository.
const SETTINGS: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("push.recurseSubmodules", "no"),
    ("push.gpgSign", "false"),
    ("commit.gpgSign", "false"),
    // A redirect would carry the credentials to a host that nobody named.
    ("http.followRedirects", "false"),
    // A line that is slower than 1 KB/s for a minute is dead.
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
    // Work in the background would go on after we have let go of the folder.
    ("gc.autoDetach", "false"),
    ("maintenance.autoDetach", "false"),
    ("advice.objectNameWarning", "false"),
];

/// What to run.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// In words, for errors: `fetch https://…`.
    pub(crate) task: String,
    pub(crate) folder: &'a Path,
    pub(crate) arguments: Vec<String>,
    pub(crate) input: Vec<u8>,
    /// The address it goes to, and what lets it in.
    pub(crate) remote: Option<(&'a Remote, &'a Access)>,
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) output: Vec<u8>,
    /// Without secrets, and cut.
    pub(crate) said: String,
}

/// A process with all it has started; dropped, all of it is killed.
#[derive(Debug)]
pub(crate) struct Group(Option<Pid>);

impl<'a> Call<'a> {
    pub(crate) fn new<S: AsRef<str>>(task: impl Into<String>, folder: &'a Path, arguments: &[S]) -> Self {
        Self {
            task: task.into(),
            folder,
            arguments: arguments
                .iter()
                .map(|argument| argument.as_ref().to_owned())
                .collect(),
            input: Vec::new(),
            remote: None,
            environment: Vec::new(),
        }
    }

    pub(crate) fn to(mut self, remote: &'a Remote, access: &'a Access) -> Self {
        self.remote = Some((remote, access));
        self
    }
}

impl Git {
    /// Runs git and takes its output.
    ///
    /// # Errors
    /// An exit code that is not 0, and everything that [`Git::ended`] refuses.
    pub(crate) async fn run(&self, call: Call<'_>) -> Result<Vec<u8>, Error> {
        let (task, remote) = (call.task.clone(), call.remote.map(|(remote, _)| remote));
        let ended = self.ended(call).await?;
        if ended.status.success() {
            return Ok(ended.output);
        }
        Err(meaning(&task, remote, &ended))
    }

    /// Runs git to its end, however it ends.
    ///
    /// # Errors
    /// Git is not there, takes too long or prints too much.
    pub(crate) async fn ended(&self, call: Call<'_>) -> Result<Ended, Error> {
        let mut command = self.command(call.folder, call.remote, &call.environment);
        command.args(&call.arguments);
        let failed = |problem: String| Error::Git {
            task: call.task.clone(),
            problem,
        };
        let mut child = command.spawn().map_err(|source| failed(source.to_string()))?;
        let mut group = Group::of(&child);
        let (Some(mut stdin), Some(mut stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed("it has no pipes".to_owned()));
        };
        let work = async {
            let feed = async {
                // Git that ends before it has read everything says why by its exit code.
                drop(stdin.write_all(&call.input).await);
                drop(stdin);
            };
            let ((), output, said) = tokio::join!(
                feed,
                up_to(&mut stdout, MOST_OUTPUT),
                up_to(&mut stderr, MOST_SAID)
            );
            (output, said, child.wait().await)
        };
        let time = if call.remote.is_some() {
            self.network_time()
        } else {
            LOCAL_TIME
        };
        let Ok((output, said, status)) = tokio::time::timeout(time, work).await else {
            return Err(match call.remote {
                Some((remote, _)) => Error::NoAnswer {
                    repository: remote.to_string(),
                    after: time,
                },
                None => failed(format!("it took more than {} s", time.as_secs())),
            });
        };
        let status = status.map_err(|source| failed(source.to_string()))?;
        group.forget();
        if output.len() > MOST_OUTPUT {
            return Err(failed(format!("it printed more than {MOST_OUTPUT} bytes")));
        }
        let secrets = call.remote.map_or(&[][..], |(_, access)| &access.secrets);
        let said = cleaned(&String::from_utf8_lossy(&said), secrets);
        Ok(Ended { status, output, said })
    }

    /// A git that sees nothing but what it needs.
    pub(crate) fn command(
        &self,
        folder: &Path,
        remote: Option<(&Remote, &Access)>,
        environment: &[(&'static str, String)],
    ) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(BASE.iter().copied())
            // Repositories in folders are owned by whoever; git asks this file, and no other, whether that is fine.
            .env("GIT_CONFIG_GLOBAL", folder.join(GLOBAL))
            .env("HOME", folder)
            .env("GIT_DIR", folder.join(REPOSITORY))
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .process_group(0);
        let mut settings: Vec<(String, String)> = SETTINGS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        if let Some((remote, access)) = remote {
            let transport = transport(remote.scheme());
            settings.push((format!("protocol.{transport}.allow"), "always".to_owned()));
            settings.extend(access.config.iter().cloned());
            command
                .env("GIT_ALLOW_PROTOCOL", transport)
                .envs(access.environment.iter().map(|(name, value)| (name, value)));
        }
        command.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (index, (name, value)) in settings.iter().enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{index}"), name);
            command.env(format!("GIT_CONFIG_VALUE_{index}"), OsStr::new(value));
        }
        command
    }
}

/// The bare repository, below the cache's folder.
pub(crate) const REPOSITORY: &str = "repository.git";

/// The one file of settings that git reads beside the repository's own.
pub(crate) const GLOBAL: &str = "gitconfig";

/// The environment of every run.
const BASE: &[(&str, &str)] = &[
    ("LC_ALL", "C"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    // Empty, so that no program is asked: not one of the settings, and not ssh's.
    ("GIT_ASKPASS", ""),
    ("SSH_ASKPASS_REQUIRE", "never"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_PROTOCOL_FROM_USER", "0"),
    // A reference below refs/replace would show other content under the id of a commit.
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_PAGER", "cat"),
];

impl Group {
    pub(crate) fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// The process has ended: its id may be another's by now.
    pub(crate) fn forget(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may be gone already.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn transport(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Https => "https",
        Scheme::Http => "http",
        Scheme::Ssh => "ssh",
        Scheme::File => "file",
    }
}

/// Reads all, and keeps one byte more than `limit` at most: whether there was more can be told by that.
async fn up_to(from: &mut (impl AsyncRead + Unpin), limit: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    let room = u64::try_from(limit).unwrap_or(u64::MAX) + 1;
    // A broken pipe ends the output as its end does; the exit code tells them apart.
    drop((&mut *from).take(room).read_to_end(&mut kept).await);
    if kept.len() <= limit {
        return kept;
    }
    drop(tokio::io::copy(from, &mut tokio::io::sink()).await);
    kept
}

/// What a failed run means. Git has only words for it; they are those of the C locale, and stable for years.
pub(crate) fn meaning(task: &str, remote: Option<&Remote>, ended: &Ended) -> Error {
    let said = ended.said.trim().trim_start_matches("fatal: ").to_owned();
    let Some(remote) = remote else {
        return Error::Git {
            task: task.to_owned(),
            problem: if said.is_empty() {
                ended.status.to_string()
            } else {
                said
            },
        };
    };
    let repository = remote.to_string();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(REFUSED) {
        Error::Refused { repository, said }
    } else if has(NOT_THERE) {
        Error::NotThere {
            what: repository,
            problem: format!("is not there, or hidden from these credentials: {said}"),
        }
    } else if has(REDIRECTED) {
        Error::Address {
            address: repository,
            problem: format!("is not where the repository is any more: {said}"),
        }
    } else if has(LOCAL) {
        Error::Git {
            task: task.to_owned(),
            problem: said,
        }
    } else {
        Error::Unreachable { repository, said }
    }
}

const REFUSED: &[&str] = &[
    "could not read Username",
    "unable to get password from user",
    "could not read Password",
    "Authentication failed",
    "Permission denied",
    "Host key verification failed",
    "returned error: 401",
    "returned error: 403",
    "HTTP Basic: Access denied",
    "not allowed to push",
    "You are not allowed",
    "protected branch",
];

const NOT_THERE: &[&str] = &[
    "does not appear to be a git repository",
    "Repository not found",
    "repository not found",
    "returned error: 404",
    "not found: did you run",
    "could not be found",
];

const REDIRECTED: &[&str] = &[
    "returned error: 301",
    "returned error: 302",
    "returned error: 307",
    "returned error: 308",
];

const LOCAL: &[&str] = &[
    "No space left",
    "Read-only file system",
    "unable to write",
    "mismatched algorithms",
    "detected dubious ownership",
];

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use model::Diagnose as _;

    use super::*;

    #[test]
    fn what_git_says_decides_what_helps() {
        let remote = Remote::parse("https://git.acme.dev/a/b").unwrap();
        for (said, code) in [
            (
                "fatal: could not read Username for 'https://x': terminal prompts disabled",
                "SW0803",
            ),
            ("git@host: Permission denied (publickey).", "SW0803"),
            (
                "Host key verification failed.\nfatal: Could not read from remote repository.",
                "SW0803",
            ),
            (
                "fatal: unable to access 'https://x/': The requested URL returned error: 403",
                "SW0803",
            ),
            (
                "remote: Repository not found.\nfatal: repository 'https://x/' not found",
                "SW0805",
            ),
            ("fatal: '/x' does not appear to be a git repository", "SW0805"),
            (
                "fatal: unable to access 'https://x/': The requested URL returned error: 301",
                "SW0801",
            ),
            (
                "fatal: unable to access 'https://x/': Could not resolve host: x",
                "SW0802",
            ),
            ("ssh: connect to host x port 22: Connection refused", "SW0802"),
            (
                "fatal: unable to access 'https://x/': The requested URL returned error: 503",
                "SW0802",
            ),
            ("fatal: the remote end hung up unexpectedly", "SW0802"),
            ("fatal: write error: No space left on device", "SW0804"),
        ] {
            let ended = Ended {
                status: ExitStatus::from_raw(128 << 8),
                output: Vec::new(),
                said: said.to_owned(),
            };
            assert_eq!(meaning("fetch", Some(&remote), &ended).code().id, code, "{said}");
        }
    }
}
