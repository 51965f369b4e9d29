//! `shipway verify --context`: L3 on a real cluster, which a signal ends in good order.
//!
//! ```text
//! signal ──► stop ──► verify, on a thread of its own ──► Progress ──► stderr
//! ```
//!
//! The first signal has it clean up, the second has it leave what is still there.

use std::path::PathBuf;

use cluster::run::{Progress, Watching};
use kinds::{Level, LevelResult, Verdict};
use model::{Code, Diagnose};
use tokio::sync::{mpsc, watch};
use verify::{Real, Report, Request};

use crate::Failure;
use crate::command::release::connect::{Connection, WayArgs, random};
use crate::command::release::perform::{LINES, show};
use crate::command::runtime::Stop;
use crate::console::{Console, Verbosity};

/// The cluster of L3. Only what is written counts: no rehearsal comes to a cluster because of a variable.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Real cluster")]
pub(super) struct RealArgs {
    /// Try it on this cluster as well (L3), in namespaces of its own that are removed afterwards: a context of the kubeconfig.
    #[arg(long, visible_alias = "kube-context", value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig file; $KUBECONFIG and ~/.kube/config otherwise.
    #[arg(long, value_name = "FILE", requires = "context")]
    kubeconfig: Option<PathBuf>,
    /// Act as this user there.
    #[arg(long = "as", value_name = "USER", requires = "context")]
    user: Option<String>,
}

/// The way to the cluster of L3, and who may stop it.
pub(super) struct Way {
    connection: Connection,
    word: String,
    flags: String,
}

/// A report, and the signal that stopped its verification.
pub(super) type Verified = (Report, Option<&'static str>);

/// Why L3 was not done.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("the verification was stopped by {0}")]
    Stopped(&'static str),
    #[error("{stage} could not be tried on the cluster: {why}")]
    Undone { stage: String, why: String },
}

impl RealArgs {
    /// Connects to the cluster, if one is named.
    pub(super) fn connect(&self) -> Result<Option<Way>, Failure> {
        let Self {
            context,
            kubeconfig,
            user,
        } = self;
        let Some(context) = context else {
            return Ok(None);
        };
        let mut flags = format!("--context {context}");
        if let Some(path) = kubeconfig {
            flags.push_str(&format!(" --kubeconfig {}", path.display()));
        }
        let way = WayArgs::named(kubeconfig.clone(), context.clone(), user.clone());
        Ok(Some(Way {
            connection: way.connect()?,
            word: format!("{:08x}", random() as u32),
            flags,
        }))
    }
}

impl Way {
    /// Verifies, each stage also on the cluster.
    pub(super) fn verify(&self, mut request: Request, console: &mut Console) -> Result<Verified, Failure> {
        let (sender, mut receiver) = mpsc::channel::<Progress>(LINES);
        let (stop, stopped) = watch::channel(0);
        let real = Real {
            flags: self.flags.clone(),
            stop: stopped,
            watching: Watching::new(move |progress| drop(sender.try_send(progress))),
            ..Real::new(
                self.connection.cluster.clone(),
                self.connection.handle(),
                self.word.clone(),
            )
        };
        for stage in &mut request.stages {
            stage.real = Some(real.clone());
        }
        drop(real);
        let told = format!(
            "L3 is tried at {}, in namespaces shipway-verify-{}-*",
            self.connection.cluster.address(),
            self.word
        );
        console.note(Verbosity::Normal, &told);
        let (done, signal) = self.connection.wait(async {
            let mut listening = Stop::listen().ok();
            let mut work = tokio::task::spawn_blocking(move || verify::verify(&request));
            let mut signal = None;
            loop {
                tokio::select! {
                    biased;
                    name = next(&mut listening) => {
                        signal = Some(name);
                        stop.send_modify(|asked| *asked += 1);
                        console.note(Verbosity::Normal, &format!("{name}: cleaning up; once more leaves what is there"));
                    }
                    Some(progress) = receiver.recv() => show(&progress, console),
                    done = &mut work => break (done, signal),
                }
            }
        });
        let report = match done {
            Ok(done) => done?,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        Ok((report, signal))
    }
}

/// The next signal. If nobody can listen, they end the process by themselves.
async fn next(listening: &mut Option<Stop>) -> &'static str {
    match listening {
        Some(stop) => stop.wait().await,
        None => std::future::pending().await,
    }
}

/// What is said in the end of a verification that could not be done.
pub(super) fn undone((report, signal): &Verified) -> Option<Failure> {
    if let Some(signal) = signal {
        return Some(Problem::Stopped(signal).into());
    }
    let failed = report.levels.iter().any(|level| level.result == Verdict::Failed);
    let is_it = |level: &&LevelResult| level.level == Level::L3 && level.result == Verdict::Error;
    let undone = report.levels.iter().find(is_it).filter(|_| !failed)?;
    let problem = Problem::Undone {
        stage: undone.stage.clone(),
        why: undone.message.clone(),
    };
    Some(problem.into())
}

impl Diagnose for Problem {
    fn code(&self) -> Code {
        match self {
            Self::Stopped(_) => Code::INTERRUPTED,
            Self::Undone { .. } => Code::REAL_CLUSTER,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Stopped(_) => "run it again; the report says whether something was left".to_owned(),
            Self::Undone { .. } => {
                "the findings name each object and what helps; without `--context` the rest is verified"
                    .to_owned()
            }
        })
    }
}
