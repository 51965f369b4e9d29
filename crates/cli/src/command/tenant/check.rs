//! `shipway tenant check`: the proof that tenants are kept apart.

use control::{Check, Finding, InCluster, Outcome as Found, PAIRS_MAX, Report, Row};
use kinds::Cluster;
use model::{Code, Diagnose};

use super::hub::Session;
use crate::command::release::connect::{WayArgs, now};
use crate::console::{Column, Console, Table};
use crate::{Failure, Outcome};

/// Attack every tenant as every other, in every cluster, and print the proof.
///
/// Reads, writes, shells, impersonation, tokens, quotas, roles, networks and hosts are tried through the API, as each role
/// of a tenant and as its deploy identity. Nothing is changed: writes are dry runs. The exit code is 3 if an attack
/// succeeds, or if something is not proven.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway tenant check                        everybody against everybody
  shipway tenant check payments               payments against all others, and they against it
  shipway tenant check --cluster production -o json")]
pub(crate) struct Args {
    /// Only pairs with one of these tenants.
    #[arg(value_name = "TENANT")]
    tenants: Vec<String>,
    /// Only in this cluster.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// The most pairs that are tried in a cluster; if there are more, other ones each time.
    #[arg(long, value_name = "PAIRS", default_value_t = PAIRS_MAX)]
    sample: usize,
    #[command(flatten)]
    way: WayArgs,
}

/// A cluster that is not in the hub.
#[derive(Debug, thiserror::Error)]
#[error("there is no cluster {name:?} in the hub")]
struct Missing {
    name: String,
    known: Vec<String>,
}

const COLUMNS: &[Column<Row>] = &[
    Column::new("PROBE", |row| row.probe.clone()),
    Column::new("IS", |row| row.title.clone()),
    Column::new("TRIES", |row| row.tries.to_string()),
    Column::new("RESULT", result),
];

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome, Failure> {
    let session = Session::open(&args.way)?;
    for name in &args.tenants {
        session.tenant(name)?;
    }
    if let Some(name) = &args.cluster {
        known(&session, name)?;
    }
    let check = Check {
        tenants: args.tenants.clone(),
        cluster: args.cluster.clone(),
        pairs: args.sample,
        seed: u64::try_from(now().as_second()).unwrap_or_default(),
    };
    let report = session.wait(session.hub.check(&check))?;
    console.data(&report, || text(&report))?;
    Ok(match report.is_proof() {
        true => Outcome::Done,
        false => Outcome::Findings,
    })
}

fn known(session: &Session, name: &str) -> Result<(), Failure> {
    let clusters = session.wait(session.hub.list::<Cluster>())?;
    let mut known: Vec<String> = clusters
        .into_iter()
        .map(|cluster| cluster.metadata.name)
        .collect();
    known.sort_unstable();
    match known.iter().any(|one| one == name) {
        true => Ok(()),
        false => Err(Missing {
            name: name.to_owned(),
            known,
        }
        .into()),
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for cluster in &report.clusters {
        text.push_str(&head(cluster));
        if !cluster.rows.is_empty() {
            text.push_str(&Table::of(&cluster.rows, COLUMNS).to_string());
        }
        text.push('\n');
    }
    for finding in &report.findings {
        text.push_str(&line(finding));
    }
    let count = report.findings.len() + report.more;
    if report.more > 0 {
        text.push_str(&format!("and {} more\n", report.more));
    }
    text.push_str(&match (
        count,
        report.clusters.iter().map(|one| one.attackers).sum::<usize>(),
    ) {
        (0, 0) => "nothing to prove: no cluster has a tenant\n".to_owned(),
        (0, _) => "proven: every attack was stopped\n".to_owned(),
        (1, _) => "not proven: 1 finding\n".to_owned(),
        (count, _) => format!("not proven: {count} findings\n"),
    });
    text
}

fn head(of: &InCluster) -> String {
    format!(
        "{}: tenants {}, pairs {} of {}, requests {}\n",
        of.cluster, of.attackers, of.pairs, of.pairs_there_are, of.tries
    )
}

/// By what a probe was stopped, the rare things first that a person has to see.
fn result(row: &Row) -> String {
    let counted = |what: &str, count: usize| (count > 0).then(|| format!("{what} {count}"));
    let loud = [
        counted("SUCCEEDED", row.succeeded),
        counted("UNCLEAR", row.unclear),
        counted("let through", row.let_through),
    ];
    let stopped = row.stopped.iter().map(|(by, count)| counted(by, *count));
    let all = loud
        .into_iter()
        .chain(stopped)
        .chain([counted("not served", row.not_served)]);
    all.flatten().collect::<Vec<_>>().join(", ")
}

fn line(finding: &Finding) -> String {
    let Finding {
        cluster,
        outcome,
        probe,
        title,
        attacker,
        victim,
        role,
        request,
        said,
        ..
    } = finding;
    let what = match outcome {
        Found::Succeeded => "succeeded",
        Found::Unclear => "unclear",
    };
    if attacker.is_empty() {
        return format!("{what} in {cluster}: {title}\n  {said}\n");
    }
    let on = match victim.as_str() {
        "" => String::new(),
        victim => format!(" on {victim}"),
    };
    format!("{what} in {cluster}: {probe}: {attacker} ({role}){on}: {title}\n  {request}: {said}\n")
}

impl Diagnose for Missing {
    fn code(&self) -> Code {
        Code::NO_CLUSTER
    }

    fn hint(&self) -> Option<String> {
        let near = stdx::nearest(&self.name, self.known.iter().map(String::as_str));
        Some(match near {
            Some(near) => format!("did you mean {near:?}?"),
            None => "`kubectl get clusters.shipway.dev` shows those that there are".to_owned(),
        })
    }
}
