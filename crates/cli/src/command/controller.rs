//! `shipway controller`: the loops, against a hub.

use std::io::IsTerminal as _;
use std::time::Duration;

use control::{Options, Service, Terms};

use crate::Failure;
use crate::command::release::connect::{WayArgs, identity, now};
use crate::command::release::operate::duration;
use crate::command::runtime::signal;
use crate::console::{Console, Verbosity, to_yaml};

/// A check of many tenants takes about as long.
const SHORTEST: Duration = Duration::from_mins(1);

/// Run the loops that make the clusters what the hub says, until SIGINT or SIGTERM.
///
/// Several may run against one hub: one leads, the others take over when it is gone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway controller --kubeconfig hub.kubeconfig
  shipway controller --print-roles | kubectl apply -f -
                                              the rights that it needs

In a pod of the hub it needs no kubeconfig, and the ClusterRole `shipway-controller`.")]
pub(crate) struct Args {
    /// Where the controller keeps its Lease, and Clusters their kubeconfigs.
    #[arg(long, value_name = "NAMESPACE", default_value = "shipway-system")]
    namespace: String,
    /// Check the isolation of all tenants this often, as `24h`; the condition `Isolated` of each says how it stands.
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    check_every: Option<Duration>,
    /// Leave the kinds of the hub as they are.
    #[arg(long)]
    no_install: bool,
    /// Print the rights that it needs in the hub and in every target, as objects to apply, and end.
    #[arg(long)]
    print_roles: bool,
    #[command(flatten)]
    way: WayArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    args.namespace.parse::<model::Namespace>()?;
    if args.print_roles {
        let roles: Vec<String> = tenancy::controller()
            .iter()
            .map(|role| format!("---\n{}", to_yaml(role)))
            .collect();
        return console.text(&roles.concat());
    }
    log(console);
    let connection = args.way.connect()?;
    let options = Options {
        hub: connection.cluster.clone(),
        namespace: args.namespace.clone(),
        identity: identity(),
        terms: Terms::default(),
        installs: !args.no_install,
        check_every: args.check_every,
        clock: now,
    };
    connection.wait(async {
        let service = Service::start(options).await?;
        console.note(
            Verbosity::Normal,
            &format!("the controller runs against {}", connection.cluster.address()),
        );
        service.run(async { _ = signal().await }).await;
        Ok::<_, Failure>(())
    })
}

/// An interval between checks, which take a minute with many tenants.
fn interval(text: &str) -> Result<Duration, String> {
    let every = duration(text)?;
    match every >= SHORTEST {
        true => Ok(every),
        false => Err("a minute is the least".to_owned()),
    }
}

/// Logs go to stderr: transitions at `info`, what a person must look at above.
fn log(console: &Console) {
    let level = match console.verbosity() {
        Verbosity::Quiet => tracing::Level::ERROR,
        Verbosity::Normal | Verbosity::Verbose => tracing::Level::INFO,
        Verbosity::Everything => tracing::Level::DEBUG,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_max_level(level)
        .finish();
    // Another one is there only in tests that run several commands in one process.
    drop(tracing::subscriber::set_global_default(subscriber));
}
