//! Objects by their ids, from one `git cat-file --batch` that stays.
//!
//! A dropped or failed read leaves the rest of an object in the pipe, so the process is only kept after a read that came
//! to its end; the owner starts another one.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::Git;
use super::call::Group;
use crate::error::Error;
use crate::id::ObjectId;

/// Ids asked for before answers are read. 65 bytes each fit into any pipe, so that neither side waits for the other.
const AHEAD: usize = 32;

/// A disk that takes longer for one object won't give it.
const TIME: Duration = Duration::from_secs(60);

/// Longer than any first line of an answer.
const LONGEST_LINE: u64 = 256;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Blob,
    Commit,
    Other,
}

/// The process.
#[derive(Debug)]
pub(crate) struct Batch {
    // Killed before the child is waited for.
    _group: Group,
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Batch {
    pub(crate) fn start(git: &Git, folder: &Path) -> Result<Self, Error> {
        let mut command = git.command(folder, None, &[]);
        command.args(["cat-file", "--batch"]);
        // Its complaints would fill a pipe that nobody reads.
        command.stderr(std::process::Stdio::null());
        let mut child = command.spawn().map_err(|source| failed(source.to_string()))?;
        let group = Group::of(&child);
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no pipes".to_owned()));
        };
        Ok(Self {
            _group: group,
            _child: child,
            input,
            output: BufReader::new(output),
        })
    }

    /// Reads objects, in order.
    ///
    /// # Errors
    /// One is not there, or has more than `limit` bytes.
    pub(crate) async fn read(&mut self, ids: &[ObjectId], limit: usize) -> Result<Vec<(Kind, Bytes)>, Error> {
        let mut objects = Vec::with_capacity(ids.len());
        for some in ids.chunks(AHEAD) {
            let question: String = some.iter().map(|id| format!("{id}\n")).collect();
            let sent = tokio::time::timeout(TIME, self.input.write_all(question.as_bytes())).await;
            sent.map_err(|_| failed("it takes no ids".to_owned()))?
                .map_err(|source| failed(source.to_string()))?;
            for id in some {
                let read = tokio::time::timeout(TIME, self.one(id, limit)).await;
                objects.push(read.map_err(|_| failed(format!("{id} took too long")))??);
            }
        }
        Ok(objects)
    }

    async fn one(&mut self, id: &ObjectId, limit: usize) -> Result<(Kind, Bytes), Error> {
        let broken = |source: std::io::Error| failed(source.to_string());
        let mut line = String::new();
        let mut head = (&mut self.output).take(LONGEST_LINE);
        head.read_line(&mut line).await.map_err(broken)?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let (kind, size) = match words[..] {
            [_, kind, size] => (kind, size.parse::<usize>().map_err(|_| failed(line.clone()))?),
            [_, "missing"] => {
                return Err(Error::NotThere {
                    what: format!("object {id}"),
                    problem: "is not in the repository".to_owned(),
                });
            }
            _ => return Err(failed(format!("answered {line:?}"))),
        };
        if size > limit {
            return Err(Error::Content {
                what: format!("object {id}"),
                problem: format!("has {size} bytes; {limit} are the most"),
            });
        }
        // The line feed behind it is no part of it.
        let mut content = vec![0; size + 1];
        self.output.read_exact(&mut content).await.map_err(broken)?;
        content.truncate(size);
        let kind = match kind {
            "blob" => Kind::Blob,
            "commit" => Kind::Commit,
            _ => Kind::Other,
        };
        Ok((kind, Bytes::from(content)))
    }
}

fn failed(problem: String) -> Error {
    Error::Git {
        task: "read objects".to_owned(),
        problem,
    }
}
