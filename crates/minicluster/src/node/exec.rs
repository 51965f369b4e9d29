//! Commands run beside a container's process: with its environment, folder and volumes, and under a keeper of their own.

use tokio::io::AsyncReadExt as _;

use super::environment;
use super::files;
use super::keeper;
use super::launch::{self, Launch};
use super::runs::{Run, Runs};
use super::spawn::Spawned;

/// Which streams a command is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Streams {
    pub(crate) stdin: bool,
    pub(crate) tty: bool,
}

/// Starts a command beside a run.
///
/// # Errors
/// In a runtime's words, when there is no such program or it can't be started.
pub(crate) fn start(runs: &Runs, run: &Run, words: &[String], streams: Streams) -> Result<Spawned, String> {
    let of_run = &run.launch;
    let path = environment::expand("$(PATH)", &of_run.env);
    let words = words.iter().map(|word| files::rewrite(word, &of_run.mounts));
    let mut words: Vec<String> = words.collect();
    if words.is_empty() {
        return Err("there is no command".to_owned());
    }
    let program = launch::locate(&words.remove(0), &of_run.folder, &path)?;
    let mut env = of_run.env.clone();
    if streams.tty && !env.iter().any(|(name, _)| name == "TERM") {
        env.push(("TERM".to_owned(), "xterm".to_owned()));
    }
    let launch = Launch {
        program,
        args: words,
        env,
        stdin: streams.stdin,
        tty: streams.tty,
        folder: of_run.folder.clone(),
        mounts: Vec::new(),
        last_words: of_run.last_words.clone(),
    };
    runs.starter()
        .start(&launch)
        .map_err(|error| format!("can't start it: {error}"))
}

/// Runs a command to its end; gives its code and the beginning of what it said. Dropping this ends it.
///
/// # Errors
/// As [`start`].
pub(crate) async fn output(
    runs: &Runs,
    run: &Run,
    words: &[String],
    most: usize,
) -> Result<(u8, Vec<u8>), String> {
    let mut spawned = start(runs, run, words, Streams::default())?;
    let guard = Guard(spawned.group);
    let (stdout, stderr) = (spawned.stdout.take(), spawned.stderr.take());
    let read = |stream: Option<super::spawn::Reader>| async move {
        let mut said = Vec::new();
        if let Some(mut stream) = stream {
            let mut buffer = vec![0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                let room = most.saturating_sub(said.len()).min(count);
                said.extend_from_slice(&buffer[..room]);
            }
        }
        said
    };
    let (mut said, errors) = tokio::join!(read(stdout), read(stderr));
    let status = spawned.child.wait().await.map_err(|error| error.to_string())?;
    drop(guard);
    said.extend(errors);
    said.truncate(most);
    Ok((keeper::code(status), said))
}

/// Ends a command that nobody waits for any more.
pub(crate) struct Guard(pub(crate) super::spawn::Group);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.kill();
    }
}
