//! What is worth watching, as numbers.

use std::collections::BTreeMap;

use kinds::Phase;

use super::Desk;
use super::read::Measured;
use super::refused::Refused;
use super::shown::StatsShown;
use crate::access::Caller;

/// Numbers of one moment.
#[derive(Clone, Debug, Default)]
pub struct Gauges {
    /// Promotions by tenant and phase.
    pub phases: BTreeMap<(String, String), u64>,
    /// Promotions that wait, by tenant and the gate that is closed. One may wait for several.
    pub gates: BTreeMap<(String, String), u64>,
    /// Applications by tenant.
    pub applications: BTreeMap<String, u64>,
    /// Of the last thirty days.
    pub stats: Option<StatsShown>,
    /// The number of the last line of the audit log.
    pub audit: u64,
}

impl Desk {
    /// Counts.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn gauges(&self, caller: &Caller) -> Result<Gauges, Refused> {
        let counted = self.books.ask(|world, _| {
            let mut gauges = Gauges::default();
            for (name, _) in world.applications() {
                let tenant = world.tenant_of(&name.namespace);
                let tenant = tenant.map(|one| one.metadata.name.clone()).unwrap_or_default();
                *gauges.applications.entry(tenant.clone()).or_default() += 1;
                for promotion in world.all_promotions(name) {
                    let status = &promotion.status;
                    let phase = format!("{:?}", status.phase);
                    *gauges.phases.entry((tenant.clone(), phase)).or_default() += 1;
                    let closed = status
                        .gates
                        .iter()
                        .filter(|gate| !gate.open && status.phase == Phase::Waiting);
                    for gate in closed {
                        let key = (tenant.clone(), gate.name.clone());
                        *gauges.gates.entry(key).or_default() += 1;
                    }
                }
            }
            gauges
        });
        let mut gauges = counted.await?;
        gauges.stats = Some(self.stats(caller, Measured::default()).await?);
        gauges.audit = self.audit_head().await?.number;
        Ok(gauges)
    }
}
