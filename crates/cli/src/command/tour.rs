//! `shipway tour`: the way of a change from a branch to production, once, on this machine.
//!
//! ```text
//! Base (`shipway up`) ◄── Step: what a person types, really run ──► what happened, held against what was promised
//!        │ killed: wait, do the step again                              │
//!        └──────────────────────────────────────────────────────────── Kept: how far it is
//! ```
//!
//! Each step finds what it had done when it is done again, so the tour may be stopped and killed anywhere. What it tells
//! is data ([`story`]); what it claims is looked at, and it ends with an error when a claim does not hold.

mod base;
mod kept;
mod load;
mod steps;
mod story;
mod terminal;
mod typed;

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cluster::{Cluster, Files, Target};
use model::{Code, Diagnose};

use super::release::connect::random;
use super::runtime::runtime;
use super::up::said::Places;
use super::up::{CLIENT, FOLDER, folder};
use crate::Failure;
use crate::console::Console;
use base::Base;
use kept::{Done, Kept};
use load::Load;
use steps::Step;
use story::Story;
use terminal::Look;
use typed::{Came, Typed, typed};

/// How often a step is done again because what it ran on was restarted.
const MOST_AGAIN: usize = 50;

/// How often something is looked at that is waited for: less than anybody notices.
const EVERY: Duration = Duration::from_millis(25);

/// Go the whole way once: a change is broken, told, mended, merged, published, delivered, promoted; and a bad one put back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway tour                                starts `shipway up` if none runs, in .shipway
  shipway tour --step                         waits for the return key before each step
  shipway tour --plain > tour.log             without colours
  shipway tour --chart ./charts/api           takes a chart of yours down the same road, its pods simulated

Every command that it shows is really run, in .shipway/tour; every claim is checked. It ends with an error if a step did
not do what it says. Stopped anywhere, the same command goes on from there.")]
pub(crate) struct Args {
    /// The folder of `shipway up`.
    #[arg(long, value_name = "DIR", default_value = FOLDER)]
    dir: PathBuf,
    /// Wait for the return key before each step.
    #[arg(long)]
    step: bool,
    /// No colours, for logs.
    #[arg(long)]
    plain: bool,
    /// Take this chart down the road instead, a folder.
    #[arg(long, value_name = "PATH")]
    chart: Option<PathBuf>,
}

/// Why the tour ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("`shipway up` does not run: {said}")]
    Up { said: String },
    #[error("can't run `{command}`")]
    Type { command: String, source: io::Error },
    #[error("can't {doing} {}", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("the version of the chart of the main branch is none")]
    Version(#[source] <model::ChartVersion as std::str::FromStr>::Err),
    #[error("`{command}` ended with {code}, and {expected} was promised:\n{said}")]
    Ended {
        command: String,
        code: i32,
        expected: i32,
        said: String,
    },
    #[error("`{command}` did not say {missing:?}:\n{said}")]
    Unsaid {
        command: String,
        missing: String,
        said: String,
    },
    #[error("{what} did not come within {} s: {last}", patience.as_secs())]
    TooLong {
        what: String,
        patience: Duration,
        last: String,
    },
    #[error("{what}")]
    Broken { what: String },
    #[error("{} is no chart: {problem}", path.display())]
    NoChart { path: PathBuf, problem: String },
    #[error("the `shipway up` of {} runs pods as processes, and the images of this chart are no programs of this machine", dir.display())]
    Processes { dir: PathBuf },
    #[error("no runtime can be started")]
    Runtime(#[source] io::Error),
}

/// A tour under way.
pub(super) struct Tour<'a> {
    console: &'a mut Console,
    look: Look,
    /// Where the developer works: `DIR/tour`.
    folder: PathBuf,
    dir: PathBuf,
    program: PathBuf,
    runtime: tokio::runtime::Runtime,
    places: Places,
    story: Story,
    /// What asks the service in staging all the while.
    load: Option<Load>,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let look = Look::new(!args.plain && console.is_coloured());
    console.text(&intro(&look))?;
    let began = Instant::now();
    let pods: &[&str] = if args.chart.is_some() {
        &["--pods", "simulated"]
    } else {
        &[]
    };
    let base = Base::of(&args.dir, pods)?;
    let places = base.ready()?;
    let what = match base.is_own() {
        true => format!(
            "`shipway up` was started: ready after {}",
            terminal::seconds(began.elapsed())
        ),
        false => "the `shipway up` that runs here is used".to_owned(),
    };
    console.text(&look.text(&what))?;
    let folder = args.dir.join("tour");
    std::fs::create_dir_all(&folder).map_err(|source| Problem::File {
        doing: "make",
        path: folder.clone(),
        source,
    })?;
    if args.chart.is_some() && places.pods_answer {
        return Err(Problem::Processes {
            dir: args.dir.clone(),
        }
        .into());
    }
    let chart = args.chart.as_deref().map(steps::chart_of).transpose()?;
    let mut kept = Kept::read(&folder, chart);
    let program = std::env::current_exe().map_err(|source| Problem::Type {
        command: "shipway".to_owned(),
        source,
    })?;
    let mut tour = Tour {
        console,
        look,
        folder: std::path::absolute(&folder).unwrap_or(folder),
        dir: args.dir.clone(),
        program,
        runtime: runtime().map_err(Problem::Runtime)?,
        places,
        story: kept.story()?,
        load: None,
    };
    tour.all(args, &base, &mut kept)?;
    let table = tour.look.table(&kept.done);
    let next = tour.next(base.is_own());
    Kept::forget(&tour.folder);
    tour.console.text(&(table + &next))
}

fn intro(look: &Look) -> String {
    look.text("The way of a change from a branch to production. Every command is really run, and you can type it yourself.")
}

impl Tour<'_> {
    /// Does what is not done yet.
    fn all(&mut self, args: &Args, base: &Base, kept: &mut Kept) -> Result<(), Failure> {
        let steps = steps::all(args.chart.is_some());
        for (number, step) in (1..).zip(&steps) {
            if kept.is_done(step.id) {
                continue;
            }
            if args.step {
                wait_for_return(self.console)?;
            }
            let title = self.look.title(number, steps.len(), step.title);
            self.console.text(&title)?;
            let began = Instant::now();
            let outcome = self.again(step, base, (args, kept))?;
            let done = Done::new(step.id, step.title, &outcome, began.elapsed());
            let line = self.look.done(&outcome, done.took());
            self.console.text(&line)?;
            kept.done.push(done);
            kept.write(&self.folder)?;
        }
        Ok(())
    }

    /// Does a step, and again if what it ran on was restarted in between.
    fn again(
        &mut self,
        step: &Step,
        base: &Base,
        (args, kept): (&Args, &mut Kept),
    ) -> Result<String, Failure> {
        for _ in 0..MOST_AGAIN {
            self.places = base.ready()?;
            let failure = match (step.run)(self, args, kept) {
                Ok(outcome) => return Ok(outcome),
                Err(failure) => failure,
            };
            let is_same = base.places().is_some_and(|now| now.pid == self.places.pid);
            if is_same {
                return Err(failure);
            }
            let said = self
                .look
                .text("`shipway up` was killed: the step is done again when it is back");
            self.console.text(&said)?;
            // Whoever was asked was killed, which is no failure of a rollout; what is asked next answers first.
            self.load = None;
        }
        Err(Problem::Up {
            said: format!("it was restarted {MOST_AGAIN} times within one step"),
        }
        .into())
    }

    /// A command of our own for the server that runs here, whatever the folder is called.
    fn own<'b, const N: usize>(&self, within: &'b Path, words: [&str; N]) -> Typed<'b> {
        let client: Option<serde_json::Value> = folder::read(&self.dir.join(CLIENT));
        let text = |name: &str| {
            let value = client.as_ref().and_then(|client| client[name].as_str());
            value.unwrap_or_default().to_owned()
        };
        let environment = vec![
            ("SHIPWAY_SERVER", text("server")),
            ("SHIPWAY_TOKEN", text("token")),
        ];
        Typed {
            environment,
            ..typed(within, words)
        }
    }

    /// Says a line.
    fn say(&mut self, text: &str) -> Result<(), Failure> {
        let text = self.look.text(text);
        self.console.text(&text)
    }

    /// Shows a command, runs it, and shows what it said; it has to end with this code.
    fn run(&mut self, typed: &Typed<'_>, expected: i32) -> Result<Came, Failure> {
        let shown = self.look.command(&typed.shown());
        self.console.text(&shown)?;
        let came = typed.run(&self.program)?;
        let said = self.look.said(&came.said());
        self.console.text(&said)?;
        match came.code == expected {
            true => Ok(came),
            false => Err(Problem::Ended {
                command: typed.shown(),
                code: came.code,
                expected,
                said: came.said(),
            }
            .into()),
        }
    }

    /// The hub, by a connection of its own: the last one may be dead.
    fn hub(&self) -> Result<Cluster, Failure> {
        let target = Target {
            kubeconfig: Files::One(self.places.hub.kubeconfig.clone()),
            seed: random(),
            ..Target::default()
        };
        Ok(self.runtime.block_on(Cluster::connect(target))?)
    }

    /// Looks until something is there, and gives it. `look` gives it, or what there is instead.
    fn until<T>(
        &self,
        what: &str,
        patience: Duration,
        mut look: impl FnMut() -> Result<Result<T, String>, Failure>,
    ) -> Result<T, Failure> {
        let began = Instant::now();
        loop {
            let last = match look()? {
                Ok(found) => return Ok(found),
                Err(last) => last,
            };
            if began.elapsed() > patience {
                return Err(Problem::TooLong {
                    what: what.to_owned(),
                    patience,
                    last,
                }
                .into());
            }
            std::thread::sleep(EVERY);
        }
    }

    /// Where the developer has the charts.
    fn copy(&self) -> PathBuf {
        self.folder.join("charts")
    }

    /// Places to look next.
    fn next(&self, is_own: bool) -> String {
        let dir = self.dir.display();
        let up = match is_own {
            true => "`shipway up` was ours and ends now; start it again, it is as you saw it.\n",
            false => "`shipway up` runs on.\n",
        };
        let lines = [
            "shipway status --watch".to_owned(),
            format!("git clone {dir}/charts.git"),
            format!("KUBECONFIG={dir}/hub.kubeconfig kubectl get applications,promotions -A"),
            "shipway new service NAME --tenant shop".to_owned(),
            "less docs/start/ten-minutes.md".to_owned(),
        ];
        let list: String = lines.iter().map(|line| self.look.command(line)).collect();
        format!("\n{}{list}", self.look.text(up.trim_end()))
    }
}

/// Waits for the return key, if there is a keyboard.
fn wait_for_return(console: &mut Console) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Ok(());
    }
    console.text("\n[return] goes on ")?;
    // Whoever closes the input wants no more questions.
    let _ = io::stdin().lock().read_line(&mut String::new());
    Ok(())
}

/// Writes a file of the developer.
fn write(path: &Path, text: &str) -> Result<(), Problem> {
    let failed = |source| Problem::File {
        doing: "write",
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

fn read(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|source| Problem::File {
        doing: "read",
        path: path.to_owned(),
        source,
    })
}

impl std::fmt::Debug for Tour<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tour")
            .field("story", &self.story)
            .finish_non_exhaustive()
    }
}

impl Diagnose for Problem {
    fn code(&self) -> Code {
        match self {
            Self::Up { .. } | Self::Runtime(_) => Code::UP,
            _ => Code::TOUR,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Up { .. } => "run `shipway up` by itself and read what it says".to_owned(),
            Self::Type { .. } => "git has to be installed, and on the PATH".to_owned(),
            Self::File { .. } => "look whether the disk is full and whom the folder belongs to".to_owned(),
            Self::Version(_) => "the tour wants the charts as it found them: `shipway up --fresh` begins anew".to_owned(),
            Self::NoChart { .. } => "name a folder with a Chart.yaml that has a name and a version".to_owned(),
            Self::Processes { .. } => {
                "end it, and the tour starts one whose pods are simulated; the folder can be the same".to_owned()
            }
            Self::Runtime(_) => "look at the limits of this user: `ulimit -a`".to_owned(),
            Self::Ended { .. } | Self::Unsaid { .. } | Self::TooLong { .. } | Self::Broken { .. } => {
                "`shipway tour` tries the step again; DIR/log has what the controller says; `shipway up --fresh` begins anew"
                    .to_owned()
            }
        })
    }
}
