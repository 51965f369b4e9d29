//! Rendering a chart for the cluster of a session.

pub(crate) use cluster::rendering::Made;
use cluster::rendering::{self, Template};
use model::{ReleaseName, Revision};
use release::values::Chosen;

use super::Session;
use crate::Failure;
use crate::command::host::host;
use crate::command::values::ValueArgs;
use crate::console::Console;

/// How a chart is rendered, beside its values.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Rendering")]
pub(crate) struct RenderArgs {
    /// Do not hold the values against the charts' schemas.
    #[arg(long)]
    pub(crate) skip_schema_validation: bool,
    /// Do not install the CRDs of `crds/`.
    #[arg(long)]
    pub(crate) skip_crds: bool,
    /// Add the notes of subcharts to the chart's own.
    #[arg(long)]
    pub(crate) render_subchart_notes: bool,
    #[command(flatten)]
    pub(crate) values: ValueArgs,
}

/// Which revision of which release a chart is rendered for.
pub(crate) struct For<'a> {
    pub(crate) name: &'a ReleaseName,
    pub(crate) revision: Revision,
    pub(crate) is_upgrade: bool,
}

/// Renders a chart with what the user gave.
pub(crate) fn render(
    session: &Session,
    args: &RenderArgs,
    chart: &chart::Chart,
    (values, target): (Chosen, &For<'_>),
    console: &mut Console,
) -> Result<Made, Failure> {
    let template = Template {
        chart,
        values,
        name: target.name,
        namespace: &session.namespace.parse()?,
        revision: target.revision,
        is_upgrade: target.is_upgrade,
        skip_crds: args.skip_crds,
        skip_schema_validation: args.skip_schema_validation,
        subchart_notes: args.render_subchart_notes,
        is_traced: false,
    };
    let made = rendering::render(&session.cluster, session.handle(), host(None), template)?;
    console.warnings(&made.rendered.warnings);
    Ok(made)
}
