//! How many requests each operation takes, of shipway and of helm, counted by a proxy before a mini cluster.

use std::collections::BTreeMap;
use std::path::Path;

use kubelet::nodes::{self, Shape};
use minicluster::server;
use testkit::faulty::{Faulty, Seen};

use crate::charts::LARGE;
use crate::{Result, Setting, line, tool};

/// What is counted, after a namespace was made.
const OPERATIONS: [(&str, &[&str]); 5] = [
    ("install --wait", &["install", "rel", LARGE, "--wait"]),
    (
        "upgrade that changes nothing",
        &["upgrade", "rel", LARGE, "--wait"],
    ),
    (
        "upgrade with one change",
        &["upgrade", "rel", LARGE, "--wait", "--set", "word=other"],
    ),
    ("rollback", &["rollback", "rel", "1", "--wait"]),
    ("uninstall", &["uninstall", "rel"]),
];

/// Prints the counts, and of what they consist.
pub fn measure(setting: &Setting) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let tools = [
        ("shipway", Some(&setting.shipway)),
        ("helm", setting.helm.as_ref()),
    ];
    for (name, program) in tools {
        let Some(program) = program else { continue };
        // A cluster for each, so that neither finds what the other left.
        let (_cluster, proxy) = runtime.block_on(start())?;
        let kubeconfig = setting.folder.path().join(format!("kubeconfig-{name}"));
        std::fs::write(&kubeconfig, proxy.kubeconfig())?;
        for (operation, args) in OPERATIONS {
            let seen = count(setting, &proxy, (program, &kubeconfig, args))?;
            line(&format!("requests, {operation}: {name} {}", described(&seen)))?;
        }
    }
    Ok(())
}

async fn start() -> Result<(server::Cluster, Faulty)> {
    let options = server::Options {
        nodes: nodes::fleet(3, &Shape::default()),
        ..server::Options::default()
    };
    let cluster = server::Cluster::start(options).await?;
    let proxy = Faulty::start(&cluster.handle()).await?;
    Ok((cluster, proxy))
}

fn count(
    setting: &Setting,
    proxy: &Faulty,
    (program, kubeconfig, args): (&Path, &Path, &[&str]),
) -> Result<Vec<Seen>> {
    proxy.plan(|_| None);
    tool::run(setting, (program, kubeconfig), args)?;
    Ok(proxy.seen())
}

/// `38: 3 discovery, 30 PATCH, 5 watch`
fn described(seen: &[Seen]) -> String {
    let mut by_kind: BTreeMap<&str, usize> = BTreeMap::new();
    for one in seen {
        let path = one.path.split('?').next().unwrap_or_default();
        let is_watch = one.path.contains("watch=");
        // /version, /api, /apis, /openapi/v3/… and the lists of kinds of a group: nothing of an object.
        let is_discovery =
            !path.contains("/namespaces") && one.method == "GET" && path.split('/').count() <= 4
                || path.starts_with("/openapi");
        let kind = match (is_watch, is_discovery) {
            (true, _) => "watch",
            (_, true) => "discovery",
            _ => one.method.as_str(),
        };
        *by_kind.entry(kind).or_default() += 1;
    }
    let each = by_kind.iter().map(|(kind, count)| format!("{count} {kind}"));
    format!("{}: {}", seen.len(), each.collect::<Vec<_>>().join(", "))
}
