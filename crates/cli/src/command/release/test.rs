//! `shipway test`: runs the tests of a release.

use model::ReleaseName;

use super::connect::ClusterArgs;
use super::operate::duration;
use super::{connect, show};
use crate::Failure;
use crate::console::Console;

/// Run the tests of a release.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway test api --logs
  shipway test api --filter name=api-smoke,'!name=api-load'")]
pub(crate) struct Args {
    /// The name of the release.
    name: String,
    /// Tests to run, name=NAME, or to leave out, !name=NAME.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    filter: Vec<String>,
    /// Print the logs of the tests' pods.
    #[arg(long)]
    logs: bool,
    /// How long to wait for each, as Go writes it.
    #[arg(long, value_name = "DURATION", default_value = "5m0s", value_parser = duration)]
    timeout: std::time::Duration,
    /// Do not print the notes.
    #[arg(long)]
    hide_notes: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let name: ReleaseName = args.name.parse()?;
    let session = args.cluster.connect()?;
    let options = cluster::run::Options {
        timeout: args.timeout,
        logs: args.logs,
        ..connect::options()
    };
    let mut release = session.open(&name, options)?;
    let record = session.perform(console, ("test", &mut release), async |release| {
        release.test(|name| is_chosen(&args.filter, name)).await
    })?;
    show::status(&record, "", args.hide_notes, console)
}

/// Whether a test is run: named if any are named, and not left out.
fn is_chosen(filter: &[String], name: &str) -> bool {
    let mut named = filter
        .iter()
        .filter_map(|text| text.strip_prefix("name="))
        .peekable();
    let mut left_out = filter.iter().filter_map(|text| text.strip_prefix("!name="));
    (named.peek().is_none() || named.any(|one| one == name)) && !left_out.any(|one| one == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_chosen_by_name() {
        for (filter, name, expected) in [
            (&[][..], "a", true),
            (&["name=a"][..], "a", true),
            (&["name=a"][..], "b", false),
            (&["!name=a"][..], "a", false),
            (&["!name=a"][..], "b", true),
            (&["name=a", "name=b", "!name=b"][..], "b", false),
        ] {
            let filter: Vec<String> = filter.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(is_chosen(&filter, name), expected, "{filter:?} {name}");
        }
    }
}
