//! What commands that speak to a network run on, and the signals that end them.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{self, Signal, SignalKind};

/// A runtime with time, network and signals.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build()
}

/// The signals that ask a process to end.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// From here on they no longer end the process by themselves.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
        })
    }

    /// Waits for one, and says which it is.
    pub(crate) async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// The signal that this process gets, if it gets one.
pub(crate) async fn signal() -> &'static str {
    match Stop::listen() {
        Ok(mut stop) => stop.wait().await,
        // They then end the process as if nobody listened.
        Err(_) => std::future::pending().await,
    }
}
