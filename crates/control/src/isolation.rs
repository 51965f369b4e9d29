//! The isolation check: the probes of every pair of tenants, sent to the clusters as those whom they are about.
//!
//! ```text
//! hub: Tenants, Clusters ──► in each cluster: who is there ──► pairs ──► probes ──impersonating──► verdicts ──► Report
//! ```
//!
//! `tenancy::probe` decides what is tried and what an answer means; here it is asked. Nothing changes in a cluster, so it may
//! run at any time, and beside another one.

mod pairs;
mod report;
mod standing;

use std::sync::Arc;

use cluster::{Ask, Catalog, Cluster, Impersonate, Write};
use futures::{StreamExt as _, stream};
use kinds::{Object, Tenant};
use serde_json::{Value, json};
use tenancy::probe::{self, Answer, Expected, Probe, Verb, Verdict};

use crate::error::Error;
use crate::hub::{Hub, MANAGER};
pub use pairs::PAIRS_MAX;
use pairs::Pairs;
pub use report::{Finding, InCluster, Outcome, Report, Row};
use report::{Tried, Tries};
pub(crate) use standing::stand;
use stdx::chain;

/// How many requests wait for a cluster at once: half of what the client would send, as the loops use the same.
const AT_ONCE: usize = 16;

/// What is checked.
#[derive(Clone, Debug)]
pub struct Check {
    /// Only pairs with one of these; none is everybody.
    pub tenants: Vec<String>,
    /// Only in this cluster; none is every cluster.
    pub cluster: Option<String>,
    /// How many pairs of each cluster are tried, at most.
    pub pairs: usize,
    /// Which of them, when there are more: another number, other pairs.
    pub seed: u64,
}

impl Default for Check {
    fn default() -> Self {
        Self {
            tenants: Vec::new(),
            cluster: None,
            pairs: PAIRS_MAX,
            seed: 0,
        }
    }
}

impl Hub {
    /// Attacks, and tells what came of it.
    ///
    /// # Errors
    /// The hub can't be read. A cluster that can't is told in its place, and nothing is proven there.
    pub async fn check(&self, check: &Check) -> Result<Report, Error> {
        let tenants = self.list::<Tenant>().await?;
        let clusters = self.list::<kinds::Cluster>().await?;
        let mut report = Report::default();
        for cluster in &clusters {
            let name = &cluster.metadata.name;
            if check.cluster.as_ref().is_some_and(|only| only != name) {
                continue;
            }
            let there: Vec<&Object<Tenant>> = tenants.iter().filter(|tenant| is_in(tenant, name)).collect();
            let pairs = Pairs::new(&there, check);
            let target = match self.target(cluster).await {
                Ok(target) => target,
                Err(error) => {
                    report.unreached(name, &pairs, chain(&error));
                    continue;
                }
            };
            let mut tries = Tries::new(name, &pairs);
            attack(&target, &pairs, &mut tries).await;
            report.add(tries);
        }
        Ok(report)
    }

    async fn target(&self, cluster: &Object<kinds::Cluster>) -> Result<Target, Error> {
        let connection = self.connect(cluster).await?;
        let catalog = connection.catalog().await?;
        Ok(Target { connection, catalog })
    }
}

/// Whether a tenant has, or may have, something in a cluster.
fn is_in(tenant: &Object<Tenant>, cluster: &str) -> bool {
    tenant.status.clusters.iter().any(|one| one.name == cluster)
}

/// A cluster that is asked.
struct Target {
    connection: Cluster,
    catalog: Arc<Catalog>,
}

/// One request, and on whose behalf.
struct Try {
    attacker: String,
    victim: String,
    probe: Probe,
}

async fn attack(target: &Target, pairs: &Pairs<'_>, tries: &mut Tries) {
    let attackers: Vec<_> = pairs.attackers().collect();
    for (attacker, is_named) in attackers {
        let mut probes = probe::alone(attacker);
        // Of an attacker who is there for somebody else's sake only, it matters that it can do anything at all.
        probes.retain(|probe| is_named || probe.expected == Expected::LetThrough);
        send(target, tries, (attacker, None), probes).await;
    }
    let pairs: Vec<_> = pairs.iter().collect();
    for (attacker, victim) in pairs {
        let probes = probe::pair(attacker, victim);
        send(target, tries, (attacker, Some(victim)), probes).await;
    }
}

/// Sends the probes of one tenant, many at once.
async fn send(
    target: &Target,
    tries: &mut Tries,
    (attacker, victim): (&Object<Tenant>, Option<&Object<Tenant>>),
    probes: Vec<Probe>,
) {
    let victim = victim
        .map(|victim| victim.metadata.name.clone())
        .unwrap_or_default();
    let sent = probes.into_iter().map(|probe| Try {
        attacker: attacker.metadata.name.clone(),
        victim: victim.clone(),
        probe,
    });
    let sent: Vec<_> = sent.map(|one| attempted(target, one)).collect();
    let mut answers = stream::iter(sent).buffer_unordered(AT_ONCE);
    while let Some((one, tried)) = answers.next().await {
        tries.add(one, tried);
    }
}

async fn attempted(target: &Target, one: Try) -> (Try, Tried) {
    let tried = attempt(target, &one.probe).await;
    (one, tried)
}

/// Sends one probe, and judges what came of it.
async fn attempt(target: &Target, probe: &Probe) -> Tried {
    let request = &probe.request;
    let Some(resource) = target.catalog.find(request.api_version, request.kind) else {
        return Tried::NotServed;
    };
    let has = |subresource: &str| resource.subresources.iter().any(|known| known == subresource);
    if !request.subresource.is_empty() && !has(request.subresource) {
        return Tried::NotServed;
    }
    let user = target.connection.impersonating(Impersonate {
        user: probe.who.user.clone(),
        groups: probe.who.groups.clone(),
        ..Impersonate::default()
    });
    let at = resource
        .at(&request.namespace, &request.name)
        .subresource(request.subresource);
    let ask = match request.verb {
        Verb::Get | Verb::List => Ask::Read,
        Verb::Watch => Ask::Watch,
        Verb::Create => Ask::Create(&request.body),
        Verb::Patch => Ask::Patch(&request.body),
        Verb::Delete | Verb::DeleteAll => Ask::Delete,
        Verb::Connect => Ask::Connect,
        Verb::Ask => return Tried::Judged(ask_rights(&user, probe, at).await),
    };
    let verdict = match user.probe(at, ask).await {
        Ok(status) => {
            let answer = Answer {
                code: status.code,
                reason: status.reason,
                message: status.message,
                body: Value::Null,
            };
            probe::judge(probe, &answer)
        }
        Err(error) => Verdict::Unclear(chain(&error)),
    };
    Tried::Judged(verdict)
}

/// Asks what somebody may do; of this answer the body counts, and it has nothing of anybody's.
async fn ask_rights(user: &Cluster, probe: &Probe, at: cluster::At<'_>) -> Verdict {
    let mut review = probe.request.body.clone();
    review["apiVersion"] = json!(probe.request.api_version);
    review["kind"] = json!(probe.request.kind);
    let how = Write {
        manager: MANAGER,
        ..Write::default()
    };
    let answer = match user.create(at, &review, how).await {
        Ok(body) => Answer {
            code: 201,
            body,
            ..Answer::default()
        },
        Err(error) => match error.status() {
            Some(status) => Answer {
                code: status.code,
                reason: status.reason.clone(),
                message: status.message.clone(),
                body: Value::Null,
            },
            None => return Verdict::Unclear(chain(&error)),
        },
    };
    probe::judge(probe, &answer)
}
