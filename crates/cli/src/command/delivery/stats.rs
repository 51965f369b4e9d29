//! `shipway stats`: DORA's four keys.

use control::desk::StatsShown;
use delivery::stats::Measures;

use super::ServerArgs;
use crate::Failure;
use crate::console::{Column, Console, Table};

/// Print DORA's measures: how often, how fast, how often in vain, how long until it is good again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway stats
  shipway stats --tenant payments --days 90
  shipway stats --stage production-eu --stage production-us -o json")]
pub(crate) struct Args {
    /// Only this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// Over how many days up to now.
    #[arg(long, value_name = "NUMBER", default_value_t = 30)]
    days: u16,
    /// A stage that counts as production; may be given several times. Those that nothing comes after unless given.
    #[arg(long = "stage", value_name = "STAGE")]
    stages: Vec<String>,
    #[command(flatten)]
    server: ServerArgs,
}

type Row = (String, Measures);

const COLUMNS: &[Column<Row>] = &[
    Column::new("WHOSE", |(name, _)| name.clone()),
    Column::new("DEPLOYMENTS", |(_, one)| one.deployments.to_string()),
    Column::new("PER DAY", |(_, one)| format!("{:.2}", one.deployments_per_day)),
    Column::new("LEAD TIME", |(_, one)| time(one.lead_time.median_seconds)),
    Column::new("FAILED", |(_, one)| {
        one.failure_percent
            .map_or_else(|| "-".to_owned(), |percent| format!("{percent:.0}%"))
    }),
    Column::new("RESTORED IN", |(_, one)| time(one.restore_time.median_seconds)),
    Column::new("NOT YET", |(_, one)| one.unrestored.to_string()),
];

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let client = args.server.client()?;
    let mut path = format!(
        "/api/v1/stats?days={}&stages={}",
        args.days,
        args.stages.join(",")
    );
    if let Some(tenant) = &args.tenant {
        path += &format!("&tenant={tenant}");
    }
    let shown: StatsShown = client.get(&path)?;
    console.data(&shown, || {
        let both = shown.tenants.iter().chain(&shown.applications);
        let rows: Vec<Row> = both.map(|(name, one)| (name.clone(), one.clone())).collect();
        let table = Table::of(&rows, COLUMNS);
        format!(
            "{table}from {} to {}, in {}\n",
            shown.from,
            shown.to,
            shown.stages.join(", ")
        )
    })
}

/// A time that a person reads: the two largest units.
fn time(seconds: Option<i64>) -> String {
    let Some(seconds) = seconds else {
        return "-".to_owned();
    };
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}
