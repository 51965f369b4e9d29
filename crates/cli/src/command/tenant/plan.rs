//! `shipway tenant plan`: what would be done, and nothing is.

use std::path::PathBuf;

use control::{Foreseen, Preview};
use serde::Serialize;
use serde_json::Value;

use super::hub::Session;
use super::manifest;
use crate::command::release::connect::{WayArgs, now};
use crate::console::Console;
use crate::{Failure, Outcome};

/// Show what would be done in every cluster for the tenants of a file.
///
/// Exits with 3 if anything would be done.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The manifest.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    way: WayArgs,
}

/// The plan of a tenant, for programs.
#[derive(Serialize)]
pub(super) struct Shown {
    tenant: String,
    clusters: Vec<ShownCluster>,
}

#[derive(Serialize)]
struct ShownCluster {
    cluster: String,
    steps: Vec<String>,
    refusals: Vec<String>,
    /// Why it is not known; empty when it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    problem: String,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome, Failure> {
    let session = Session::open(&args.way)?;
    let mut shown = Vec::new();
    for written in manifest::read(&args.file)? {
        shown.push(foreseen(&session, &written)?);
    }
    let is_empty = shown.iter().all(Shown::is_empty);
    console.data(&shown, || shown.iter().map(Shown::text).collect())?;
    Ok(if is_empty {
        Outcome::Done
    } else {
        Outcome::Findings
    })
}

/// The plan of a tenant that was written, or everything that is wrong with it.
pub(super) fn foreseen(session: &Session, written: &Value) -> Result<Shown, Failure> {
    let tenant = manifest::checked(session, written)?;
    let preview = session.wait(session.hub.foresee(&tenant, now()))?;
    if !preview.mistakes.is_empty() {
        return Err(manifest::mistaken(written, preview.mistakes));
    }
    Ok(Shown::of(&tenant.metadata.name, preview))
}

impl Shown {
    pub(super) fn of(tenant: &str, preview: Preview) -> Self {
        let clusters = preview
            .clusters
            .into_iter()
            .map(|(cluster, foreseen)| match foreseen {
                Foreseen::Plan(plan) => ShownCluster {
                    cluster,
                    steps: plan.steps.iter().map(ToString::to_string).collect(),
                    refusals: plan.refusals.iter().map(ToString::to_string).collect(),
                    problem: String::new(),
                },
                Foreseen::Unknown(problem) => ShownCluster {
                    cluster,
                    steps: Vec::new(),
                    refusals: Vec::new(),
                    problem,
                },
            });
        Self {
            tenant: tenant.to_owned(),
            clusters: clusters.collect(),
        }
    }

    fn is_empty(&self) -> bool {
        let is_quiet =
            |one: &ShownCluster| one.steps.is_empty() && one.refusals.is_empty() && one.problem.is_empty();
        self.clusters.iter().all(is_quiet)
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if self.clusters.is_empty() {
            text.push_str(&format!(
                "tenant {}: there is no cluster that it may use\n",
                self.tenant
            ));
        }
        for cluster in &self.clusters {
            let ShownCluster {
                cluster,
                steps,
                refusals,
                problem,
            } = cluster;
            text.push_str(&format!("tenant {} in {cluster}: ", self.tenant));
            text.push_str(&match (problem.as_str(), steps.len()) {
                ("", 0) => "nothing to do\n".to_owned(),
                ("", 1) => "1 step\n".to_owned(),
                ("", count) => format!("{count} steps\n"),
                (problem, _) => format!("not known: {problem}\n"),
            });
            steps
                .iter()
                .for_each(|step| text.push_str(&format!("  {}\n", step.replace('\n', "\n    "))));
            refusals
                .iter()
                .for_each(|refusal| text.push_str(&format!("  refused: {refusal}\n")));
        }
        text
    }
}
