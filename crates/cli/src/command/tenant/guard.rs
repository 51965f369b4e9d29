//! `shipway tenant guard`: what a chart may not do as a tenant's, told before it meets a cluster.

use std::path::PathBuf;

use ::manifest::Finding;
use chart::capabilities::Capabilities;
use chart::render::{self, Release, Request, Shown};
use kinds::{Object, Tenant};
use model::{Namespace, ReleaseName, Revision};
use serde::Serialize;
use tenancy::guard::{Facts, Guard};

use super::manifest;
use crate::command::host::host;
use crate::command::loading::load;
use crate::command::values::ValueArgs;
use crate::console::{Console, Verbosity};
use crate::{Failure, Outcome};

/// Hold a rendered chart against the rules of a tenant, and report every finding.
///
/// No hub and no cluster is needed: the same rules stand in the clusters as admission policies. Exits with 3 if anything was
/// found that they refuse.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway tenant guard ./charts/api -t payments.yaml
  shipway tenant guard ./charts/api -t payments.yaml -f production.yaml -o json")]
pub(crate) struct Args {
    /// The chart: a folder or a .tgz archive.
    chart: PathBuf,
    /// The manifest of the tenant.
    #[arg(short = 't', long = "tenant", value_name = "FILE")]
    file: PathBuf,
    /// The namespace of the release; the tenant's first unless given.
    #[arg(short, long)]
    namespace: Option<String>,
    /// The name of the release.
    #[arg(long, value_name = "NAME", default_value = "release-name")]
    release: String,
    #[command(flatten)]
    values: ValueArgs,
}

/// A finding, as a program gets it.
#[derive(Debug, Serialize)]
struct Row {
    check: &'static str,
    severity: &'static str,
    object: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    field: String,
    /// The template it comes from.
    file: String,
    /// The line in it.
    line: usize,
    message: String,
    cure: String,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome, Failure> {
    let tenants = manifest::read(&args.file)?;
    let mut rows = Vec::new();
    for written in &tenants {
        let tenant = Object::<Tenant>::read(written).map_err(control::Error::from)?;
        rows.extend(findings(args, &tenant, console)?);
    }
    let failing = rows.iter().filter(|row| row.severity == "error").count();
    console.data(&rows, || rows.iter().map(text).collect())?;
    console.note(
        Verbosity::Normal,
        &format!("{} found, {failing} that a cluster refuses", rows.len()),
    );
    Ok(if failing == 0 {
        Outcome::Done
    } else {
        Outcome::Findings
    })
}

fn findings(args: &Args, tenant: &Object<Tenant>, console: &mut Console) -> Result<Vec<Row>, Failure> {
    let namespace = args.namespace.as_deref();
    let namespace: Namespace = namespace.unwrap_or_else(|| tenancy::home(tenant)).parse()?;
    let name: ReleaseName = args.release.parse()?;
    let capabilities = Capabilities::default();
    let chart = load(&args.chart, console)?;
    let request = Request {
        release: Release {
            name: &name,
            namespace: &namespace,
            revision: Revision::FIRST,
            is_upgrade: false,
        },
        values: args.values.compose()?,
        capabilities: &capabilities,
        skip_schema_validation: false,
        subchart_notes: false,
    };
    let rendered = render::render_traced(&chart, request, &host(None))?;
    console.warnings(&rendered.warnings);
    let shown = Shown {
        crds: true,
        ..Shown::default()
    };
    let printed = rendered.print(&shown)?;
    let printed = String::from_utf8_lossy(&printed);
    let objects = ::manifest::read_placed(&printed)?;
    let facts = Facts::of(tenant, namespace.as_str());
    let origins = rendered.origins(&shown);
    let found = Guard::new().check(&objects, &facts).into_iter();
    Ok(found
        .map(|finding| row(verify::in_chart(finding, &origins)))
        .collect())
}

fn row(finding: Finding) -> Row {
    let Finding {
        check,
        severity,
        object,
        path,
        source,
        line,
        message,
        cure,
    } = finding;
    Row {
        check,
        severity: severity.as_str(),
        object,
        field: path,
        file: source,
        line,
        message,
        cure: cure.into_owned(),
    }
}

fn text(row: &Row) -> String {
    let Row {
        check,
        severity,
        object,
        field,
        file,
        line,
        message,
        cure,
    } = row;
    let field = if field.is_empty() {
        String::new()
    } else {
        format!(" {field}")
    };
    format!("{severity} {check}: {object}{field}: {message}\n  at {file}:{line}\n  {cure}\n")
}
