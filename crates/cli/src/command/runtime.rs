//! What commands that speak to a network run on, and the signals that end them.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{self, Signal, SignalKind};
use tokio::sync::oneshot;

/// A runtime with time, network and signals.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build()
}

/// The signals that ask a process to end.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    /// Told when the standard input has ended, if that counts too.
    input: Option<oneshot::Receiver<()>>,
}

impl Stop {
    /// From here on they no longer end the process by themselves.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            input: None,
        })
    }

    /// Whoever holds the other end of the standard input ends this process by letting it go, however he dies.
    pub(crate) fn also_at_the_end_of_input(&mut self) {
        let (ended, input) = oneshot::channel();
        self.input = Some(input);
        std::thread::spawn(move || {
            // What can't be read has ended, too.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _ = ended.send(());
        });
    }

    /// Waits for one, and says which it is.
    pub(crate) async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            () = end_of(&mut self.input) => "the end of the standard input",
        }
    }
}

/// Ready once, when it is told.
async fn end_of(input: &mut Option<oneshot::Receiver<()>>) {
    let Some(ended) = input else {
        return std::future::pending().await;
    };
    let _ = ended.await;
    *input = None;
}

/// The signal that this process gets, if it gets one.
pub(crate) async fn signal() -> &'static str {
    match Stop::listen() {
        Ok(mut stop) => stop.wait().await,
        // They then end the process as if nobody listened.
        Err(_) => std::future::pending().await,
    }
}
