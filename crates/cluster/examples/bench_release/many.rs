//! 1,000 installs of a small chart by one process, through the library: a namespace, rendering and waiting included.

use std::time::{Duration, Instant, SystemTime};

use chart::capabilities::Capabilities;
use chart::functions::Host;
use chart::random::Seeded;
use chart::render;
use cluster::run::{Operation, Options, Release, Watching};
use cluster::{Cluster, Files, Target};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use model::Revision;
use release::StoredChart;
use release::record::Contents;

use crate::charts::SMALL;
use crate::tool::Server;
use crate::{Result, Setting, line};

const RELEASES: usize = 1_000;

/// How many are under way at once: enough that none waits for the pods of another.
const AT_ONCE: usize = 32;

/// 110 pods fit on a node.
const NODES: u32 = 12;

/// The namespace of all of them.
const NAMESPACE: &str = "default";

/// Prints how long all of them took and how much memory this process had.
pub fn measure(setting: &Setting) -> Result<()> {
    let server = Server::start(setting, NODES)?;
    let chart = chart::load::path(&setting.folder.path().join(SMALL))?.chart;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let started = Instant::now();
    let requests = runtime.block_on(async {
        let target = Target {
            kubeconfig: Files::One(server.kubeconfig.clone()),
            ..Target::default()
        };
        let cluster = Cluster::connect(target).await?;
        let version = cluster.version().await?;
        let version = version.get("gitVersion").and_then(serde_json::Value::as_str);
        let capabilities = Capabilities::new(version, &cluster.api_versions().await?)?;
        let installs = (0..RELEASES).map(|number| install(&cluster, (&chart, &capabilities), number));
        let () = stream::iter(installs)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Result::Ok(cluster.requests())
    })?;
    let took = started.elapsed();
    line(&format!(
        "{RELEASES} installs, --wait, one process: {:.1} s, {:.0} MB at most, {:.1} requests each",
        took.as_secs_f64(),
        peak()?,
        requests as f64 / RELEASES as f64
    ))
}

async fn install(
    cluster: &Cluster,
    (chart, capabilities): (&chart::Chart, &Capabilities),
    number: usize,
) -> Result<()> {
    let name: model::ReleaseName = format!("small-{number}").parse()?;
    let namespace: model::Namespace = NAMESPACE.parse()?;
    let options = Options {
        wait: Some(Duration::ZERO),
        ..Options::new(format!("bench/{number}"), now)
    };
    let place = (NAMESPACE, name.as_str());
    let mut release = Release::open(cluster, place, options, Watching::nobody()).await?;
    let contents = {
        let request = render::Request {
            release: render::Release {
                name: &name,
                namespace: &namespace,
                revision: Revision::FIRST,
                is_upgrade: false,
            },
            values: chart::values::Map::default(),
            capabilities,
            skip_schema_validation: false,
            subchart_notes: false,
        };
        let rendered = render::render(chart, request, &Host::new(0, Box::new(Seeded::new(0))))?;
        let given = chart::values::Map::default();
        let stored = StoredChart::of(chart, &given)?;
        Contents::of(stored, serde_json::Map::new(), &rendered)
    };
    let wanted = release.wanted(Operation::Install, contents)?;
    release.deploy(wanted).await?;
    Ok(())
}

fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The most memory that this process ever had, in MB.
fn peak() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(number.unwrap_or_default() / 1024.0)
}
