//! The installed git, run so that nothing in a repository, in this machine's settings or in an address can make it run
//! something else.
//!
//! ```text
//! Call (arguments, input, bounds) ──► git, with an environment of our own ──► bytes, or Error
//! ```
//!
//! Every run starts from an empty environment: no settings of the user or the system, no hooks, no prompts, no other
//! transport than the one of the address, no submodules. Output and time are bounded; what runs too long dies with
//! everything it has started. Credentials go through the environment, never through arguments, and are taken out of
//! whatever git prints.

mod access;
mod batch;
mod call;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use access::FOLDER_PREFIX;
pub use access::{Access, Credentials};
pub(crate) use batch::{Batch, Kind};
pub(crate) use call::{Call, Ended, GLOBAL, REPOSITORY, meaning};

/// What of our own environment git may see: where programs, proxies and trusted certificates are, and the person's ssh
/// agent for repositories without credentials of their own.
const PASSED: &[&str] = &[
    "PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSH_AUTH_SOCK",
    "TMPDIR",
];

/// A first fetch of a large repository over a slow line; a connection that says nothing is given up long before.
const NETWORK_TIME: Duration = Duration::from_secs(600);

/// The program, and what it may see of the environment.
#[derive(Clone)]
pub struct Git {
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    network_time: Duration,
}

impl Git {
    /// Takes the program's name or path, and the environment of which it gets what it needs.
    pub fn new<K, V>(program: impl Into<PathBuf>, environment: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let all = environment
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self {
            program: program.into(),
            environment: all
                .filter(|(name, _)| PASSED.iter().any(|passed| name == passed))
                .collect(),
            network_time: NETWORK_TIME,
        }
    }

    /// Sets how long a fetch or a push may take.
    #[must_use]
    pub fn within(mut self, network_time: Duration) -> Self {
        self.network_time = network_time;
        self
    }

    pub(crate) fn network_time(&self) -> Duration {
        self.network_time
    }
}

impl fmt::Debug for Git {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's address may have a password in it.
        f.debug_struct("Git")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}
