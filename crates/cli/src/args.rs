//! The arguments every command shares, and the list of commands.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::command::delivery::{
    abort, approve, audit, block, freeze, hold, promote, reject, retry, stats, token,
};
use crate::command::release::{
    diff, get, history, install, list, rollback, status, test, uninstall, upgrade,
};
use crate::command::{
    artifact, cluster, completions, controller, crds, explain, lint, new, package, pod, template, tenant,
    tour, up, verdict, verify, version,
};
use crate::console::Console;
use crate::exit;
use crate::failure::Failure;
use crate::reference;

/// The paved road from a pull request to production, for many teams on shared Kubernetes clusters.
#[derive(Debug, Parser)]
#[command(
    name = "shipway",
    version,
    about,
    disable_help_subcommand = true,
    after_help = AFTER_HELP,
    arg_required_else_help = true,
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  shipway new service api --tenant payments
                                  a service with everything production asks for
  shipway template api ./charts/api -f staging.yaml
                                  render a chart, byte for byte as Helm does
  shipway install api ./charts/api --wait
                                  a release, as Helm keeps it
  shipway diff api ./charts/api   what an upgrade would change
  shipway lint ./charts/*         everything that is wrong with these charts
  shipway verify ./charts/api     installed, upgraded, tested and rolled back on a mini cluster
  shipway package ./charts/api    an archive that is the same bytes every time
  shipway artifact list --store s3://acme-charts/stable
                                  what is published
  shipway status                  the board: what is where, and why not yet
  shipway promote payments/api --to production
                                  the newest version that was in the stage before
  shipway cluster start           a Kubernetes API server on this machine
  shipway crds                    the definitions of Shipway's own kinds
  shipway explain                 list every error code
  shipway explain SW0101          what an error means and what to do
  shipway completions bash        completions for your shell

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 findings, 101 a bug in shipway.
Every error has a code; `shipway explain CODE` prints its page without a network.";

/// How results and errors are shown.
#[derive(Debug, clap::Args)]
pub(crate) struct Output {
    /// Print results as a table for people, or as JSON or YAML for programs; errors follow suit.
    #[arg(short, long, value_enum, global = true, default_value_t = Format::Table, help_heading = "Output")]
    pub(crate) output: Format,
    /// Say nothing on stderr but errors.
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Output"
    )]
    pub(crate) quiet: bool,
    /// Say more on stderr; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub(crate) verbose: u8,
    /// Use colour: when writing to a terminal, always, or never. `NO_COLOR` in the environment means never.
    #[arg(long, value_enum, global = true, default_value_t = Colour::Auto, value_name = "WHEN", help_heading = "Output")]
    pub(crate) color: Colour,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Table,
    Json,
    Yaml,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Tour(tour::Args),
    Up(up::Args),
    New(new::Args),
    Template(Box<template::Args>),
    Install(Box<install::Args>),
    Upgrade(Box<upgrade::Args>),
    Diff(Box<diff::Args>),
    Rollback(Box<rollback::Args>),
    Uninstall(Box<uninstall::Args>),
    Test(test::Args),
    History(history::Args),
    List(Box<list::Args>),
    Status(Box<status::Args>),
    Get(get::Args),
    Promote(promote::Args),
    Approve(approve::Args),
    Reject(reject::Args),
    Abort(abort::Args),
    Retry(retry::Args),
    Hold(hold::Args),
    Freeze(Box<freeze::Args>),
    Block(block::Args),
    Stats(stats::Args),
    Audit(audit::Args),
    Token(token::Args),
    Lint(lint::Args),
    Verify(Box<verify::Args>),
    Verdict(verdict::Args),
    Package(package::Args),
    Artifact(artifact::Args),
    Cluster(cluster::Args),
    Tenant(Box<tenant::Args>),
    Controller(Box<controller::Args>),
    Crds(crds::Args),
    Explain(explain::Args),
    Completions(completions::Args),
    Version(version::Args),
    /// Print the reference of every command as Markdown, or every file that is made from the kinds as JSON.
    #[command(hide = true)]
    Reference(reference::Args),
    #[command(hide = true)]
    PodProcess(pod::Keeper),
    /// Be the image `shipway.dev/echo`.
    #[command(hide = true)]
    PodEcho,
}

/// Parses the command line. `Err` is the exit code after help, a version or a usage error was printed.
pub(crate) fn parse(args: &[OsString], console: &mut Console) -> Result<Args, u8> {
    Args::try_parse_from(args).map_err(|error| {
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            console.print_help(&error);
            return exit::DONE;
        }
        if wants_json(args) {
            console.configure(&Output {
                output: Format::Json,
                quiet: false,
                verbose: 0,
                color: Colour::Never,
            });
            console.report(&Failure::usage(&error));
        } else {
            console.print_usage_error(&error);
        }
        exit::USAGE
    })
}

/// The clap description of the whole command line, for completions and the reference.
pub(crate) fn description() -> clap::Command {
    Args::command()
}

/// Looks for the output format in a command line that could not be parsed.
fn wants_json(args: &[OsString]) -> bool {
    let texts: Vec<_> = args.iter().filter_map(|arg| arg.to_str()).collect();
    let joined = texts
        .iter()
        .any(|arg| matches!(*arg, "-ojson" | "-o=json" | "--output=json"));
    joined
        || texts
            .windows(2)
            .any(|pair| matches!(pair, ["-o" | "--output", "json"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn description_is_consistent() {
        description().debug_assert();
    }

    #[test]
    fn every_command_that_messages_name_is_understood() {
        use delivery::{Name, command};
        let (api, promotion) = (
            Name::new("payments", "api"),
            Name::new("payments", "api-1.0.0-staging"),
        );
        for line in [
            command::promote(&api, "1.0.0", "staging"),
            command::approve(&promotion),
            command::approve_deletions(&promotion),
            command::abort(&promotion),
            command::retry(&promotion),
            command::rollback(&api, "staging"),
            command::let_go(&api, "staging"),
            command::unblock(&api, "1.0.0"),
            command::reversible(&api, "1.0.0"),
            command::override_freeze(&promotion),
            command::explain("application", &api),
        ] {
            let parsed = Args::try_parse_from(line.split(' '));
            assert!(
                parsed.is_ok(),
                "{line}: {}",
                parsed.err().map(|error| error.to_string()).unwrap_or_default()
            );
        }
    }

    #[test]
    fn json_is_recognised_in_a_wrong_command_line() {
        let args = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert!(wants_json(&args("shipway -o json nope")));
        assert!(wants_json(&args("shipway nope --output=json")));
        assert!(!wants_json(&args("shipway nope -o yaml")));
        assert!(!wants_json(&args("shipway json")));
    }
}
