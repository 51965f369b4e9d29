//! `shipway controller`: the loops, against a hub.

mod charts;
mod oidc;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::time::Duration;

use control::{Oidc, Options, Service, Terms};
use model::{Code, Diagnose};

use crate::Failure;
use crate::command::release::connect::{WayArgs, identity, now};
use crate::command::release::operate::duration;
use crate::command::runtime::signal;
use crate::console::{Console, Verbosity, to_yaml};

/// Why the controller can't be reached.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("can't listen on {address}")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
}

/// A check of many tenants takes about as long.
const SHORTEST: Duration = Duration::from_mins(1);

/// Run the loops that make the clusters what the hub says, until SIGINT or SIGTERM.
///
/// Several may run against one hub: one leads, the others take over when it is gone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway controller --kubeconfig hub.kubeconfig
  shipway controller --kubeconfig hub.kubeconfig --store s3://acme-charts/stable --cache /var/cache/shipway
                                              also verifies and publishes what is pushed
  shipway controller --listen 0.0.0.0:8080 --oidc-issuer https://id.example.com --oidc-client-id shipway
                                              people come with ID tokens of the company
  shipway controller --print-roles | kubectl apply -f -
                                              the rights that it needs

In a pod of the hub it needs no kubeconfig, and the ClusterRole `shipway-hub-controller`; in every target
`shipway-controller`.")]
pub(crate) struct Args {
    /// Where the controller keeps its Lease, and Clusters their kubeconfigs.
    #[arg(long, value_name = "NAMESPACE", default_value = "shipway-system")]
    namespace: String,
    /// Check the isolation of all tenants this often, as `24h`; the condition `Isolated` of each says how it stands.
    #[arg(long, value_name = "DURATION", value_parser = interval)]
    check_every: Option<Duration>,
    /// Answer the API, webhooks and probes here, as `0.0.0.0:8080`: plain HTTP, for an ingress in front of it.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// A proxy before it, as `10.0.0.0/8`: what it says in X-Forwarded-For counts as where a request is from; may be repeated.
    #[arg(long, value_name = "CIDR", requires = "listen")]
    trusted_proxy: Vec<api::Network>,
    /// Leave the kinds of the hub as they are.
    #[arg(long)]
    no_install: bool,
    #[command(flatten)]
    charts: charts::ChartArgs,
    #[command(flatten)]
    oidc: oidc::OidcArgs,
    /// Print the rights that it needs in the hub and in every target, as objects to apply, and end.
    #[arg(long)]
    print_roles: bool,
    #[command(flatten)]
    way: WayArgs,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    args.namespace.parse::<model::Namespace>()?;
    if args.print_roles {
        let roles: Vec<String> = std::iter::once(&tenancy::hub_controller())
            .chain([&tenancy::hub_keeper(&args.namespace)])
            .chain(&tenancy::controller())
            .map(|role| format!("---\n{}", to_yaml(role)))
            .collect();
        return console.text(&roles.concat());
    }
    // Before the hub is asked anything: what was said wrongly is found first.
    let issuer = args.oidc.options()?;
    log(console);
    let connection = args.way.connect()?;
    let options = Options {
        hub: connection.cluster.clone(),
        namespace: args.namespace.clone(),
        identity: identity(),
        terms: Terms::default(),
        installs: !args.no_install,
        check_every: args.check_every,
        charts: args.charts.open(&args.namespace, &connection)?,
        clock: now,
    };
    connection.wait(async {
        let issuer = issuer.map(Oidc::open).transpose()?;
        let service = Service::start(options).await?;
        console.note(
            Verbosity::Normal,
            &format!("the controller runs against {}", connection.cluster.address()),
        );
        let stop = async { _ = signal().await };
        match args.listen {
            None => service.run(stop).await,
            Some(address) => {
                let failed = |source| Problem::Listen { address, source };
                let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                console.note(
                    Verbosity::Normal,
                    &format!("the API is at http://{address}; webhooks go to /webhooks/CHARTSOURCE"),
                );
                let handles = api::Handles {
                    webhooks: service.webhooks(),
                    desk: Some(service.desk().trusting(issuer)),
                    proxies: args.trusted_proxy.clone(),
                };
                tokio::select! {
                    biased;
                    () = service.run(stop) => {}
                    () = api::serve(listener, handles) => {}
                }
            }
        }
        Ok::<_, Failure>(())
    })
}

impl Diagnose for Problem {
    fn code(&self) -> Code {
        Code::LISTEN
    }

    fn hint(&self) -> Option<String> {
        Some("choose an address of this machine and a port that nobody has, or 0 for any".to_owned())
    }
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
