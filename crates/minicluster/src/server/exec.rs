//! A command's streams over a WebSocket: each message begins with the number of its channel.
//!
//! 0 stdin, 1 stdout, 2 stderr, 3 the end as a `Status`, 4 the size of the terminal; in version 5 of the protocol, 255
//! says that a channel ends.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::websocket::{Said, Socket, Writer};
use crate::node::serve_exec::{Group, Run, Runs, Spawned, Streams, code, start};
use crate::registry::query::Query;
use crate::registry::route::percent_decode;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;

/// Pieces of output that wait for a slow client; then the command waits.
const AHEAD: usize = 16;

/// What a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) command: Vec<String>,
    stdin: bool,
    tty: bool,
}

impl Wanted {
    pub(super) fn read(query: &Query, raw: &str) -> Self {
        let pairs = raw.split('&').filter_map(|pair| pair.strip_prefix("command="));
        Self {
            command: pairs
                .map(|word| percent_decode(&word.replace('+', " ")))
                .collect(),
            stdin: query.flag("stdin"),
            tty: query.flag("tty"),
        }
    }
}

/// Runs a command and carries its streams until it has ended or the client has gone.
pub(super) async fn run(mut socket: Socket, (runs, run): (&Runs, &Run), wanted: Wanted) {
    let streams = Streams {
        stdin: wanted.stdin,
        tty: wanted.tty,
    };
    let spawned = match start(runs, run, &wanted.command, streams) {
        Ok(spawned) => spawned,
        Err(cause) => {
            let message = format!("Internal error occurred: error executing command in container: {cause}");
            let status = json!({
                "metadata": {}, "status": "Failure", "reason": "InternalError", "message": message,
                "details": {"causes": [{"message": message}]}, "code": 500,
            });
            finish(&mut socket.writer, &status).await;
            return;
        }
    };
    let group = Ended(spawned.group);
    carry(socket, spawned).await;
    drop(group);
}

/// Ends whatever is left of a command.
struct Ended(Group);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill();
    }
}

async fn carry(socket: Socket, mut spawned: Spawned) {
    let Socket {
        mut reader,
        mut writer,
    } = socket;
    let (sender, mut said) = mpsc::channel::<(u8, Vec<u8>)>(AHEAD);
    for (channel, stream) in [(STDOUT, spawned.stdout.take()), (STDERR, spawned.stderr.take())] {
        let Some(mut stream) = stream else { continue };
        let sender = sender.clone();
        tokio::spawn(async move {
            let mut buffer = vec![0; 32 << 10];
            while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                if sender.send((channel, buffer[..count].to_vec())).await.is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    let mut stdin = spawned.stdin.take();
    let mut client = true;
    loop {
        tokio::select! {
            piece = said.recv() => match piece {
                Some((channel, bytes)) => {
                    if !writer.send(&[&[channel], &bytes]).await {
                        return;
                    }
                }
                None => break,
            },
            message = reader.next(), if client => match message {
                Some(Said::Ping(payload)) => client = writer.pong(&payload).await,
                Some(Said::Message(message)) => match message.split_first() {
                    Some((&STDIN, bytes)) => if let Some(open) = &mut stdin {
                        let written = open.write_all(bytes).await.is_ok() && open.flush().await.is_ok();
                        if !written {
                            stdin = None;
                        }
                    },
                    Some((&CLOSE, &[STDIN])) => stdin = None,
                    Some((&RESIZE, size)) => resize(&spawned, size),
                    _ => {}
                },
                // Whoever is gone doesn't wait for the end either.
                None => return,
            },
        }
    }
    let status = spawned.child.wait().await;
    let status = match status.map(code) {
        Ok(0) => json!({"metadata": {}, "status": "Success"}),
        Ok(code) => json!({
            "metadata": {},
            "status": "Failure",
            "message": format!("command terminated with non-zero exit code: exit status {code}"),
            "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
        }),
        Err(error) => json!({"metadata": {}, "status": "Failure", "message": error.to_string()}),
    };
    finish(&mut writer, &status).await;
}

fn resize(spawned: &Spawned, size: &[u8]) {
    let size: Value = serde_json::from_slice(size).unwrap_or_default();
    let number = |field: &str| {
        let number = size.get(field).and_then(Value::as_u64);
        number.and_then(|number| u16::try_from(number).ok())
    };
    if let (Some(terminal), Some(width), Some(height)) =
        (&spawned.terminal, number("Width"), number("Height"))
    {
        terminal.resize(width, height);
    }
}

async fn finish(writer: &mut Writer, status: &Value) {
    if writer.send(&[&[STATUS], status.to_string().as_bytes()]).await {
        writer.close().await;
    }
}

/// Carries the streams of a container's own process until it has ended or the client has gone.
pub(super) async fn attach(socket: Socket, run: &Run, wanted: Wanted) {
    let Socket {
        mut reader,
        mut writer,
    } = socket;
    let mut said = run.said.subscribe();
    loop {
        tokio::select! {
            biased;
            piece = said.recv() => match piece {
                Ok((channel, bytes)) => {
                    if !writer.send(&[&[channel], &bytes]).await {
                        return;
                    }
                }
                // It was too slow for what was said meanwhile.
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(_) => break,
            },
            message = reader.next() => match message {
                Some(Said::Ping(payload)) => if !writer.pong(&payload).await { return },
                Some(Said::Message(message)) => match message.split_first() {
                    Some((&STDIN, bytes)) if wanted.stdin && !bytes.is_empty() => if let Some(heard) = &run.heard {
                        let _ = heard.send(bytes.to_vec()).await;
                    },
                    Some((&CLOSE, &[STDIN])) => if let Some(heard) = run.heard.as_ref().filter(|_| once(run)) {
                        let _ = heard.send(Vec::new()).await;
                    },
                    Some((&RESIZE, size)) => {
                        let size: Value = serde_json::from_slice(size).unwrap_or_default();
                        let number = |field: &str| u16::try_from(size.get(field)?.as_u64()?).ok();
                        if let (Some(terminal), Some(width), Some(height)) = (&run.terminal, number("Width"), number("Height")) {
                            terminal.resize(width, height);
                        }
                    }
                    _ => {}
                },
                None => return,
            },
            () = run.ended() => break,
        }
    }
    finish(&mut writer, &json!({"metadata": {}, "status": "Success"})).await;
}

/// Whether the process's stdin ends with the first client that was attached.
fn once(run: &Run) -> bool {
    run.spec.get("stdinOnce").and_then(Value::as_bool) == Some(true)
}
