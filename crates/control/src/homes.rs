//! The namespaces of tenants in the hub, where their Applications and what comes of them are.
//!
//! They are named as those in the clusters. Nothing is taken away here: what a tenant leaves in the hub is history, and its
//! namespace goes by a person's hand.

use std::collections::BTreeSet;
use std::time::Duration;

use kinds::Tenant;
use stdx::chain;

use crate::hub::Hub;
use crate::kept::Kept;

/// The wait after the hub refused one.
const AGAIN: Duration = Duration::from_secs(10);

/// Makes what is missing whenever the tenants change; never returns.
pub(crate) async fn run(hub: Hub, tenants: Kept<Tenant>) {
    let mut made = BTreeSet::new();
    let mut changes = tenants.changes();
    loop {
        let now = tenants.now().unwrap_or_default();
        let wanted = now
            .values()
            .filter(|tenant| !tenant.is_leaving())
            .flat_map(|tenant| {
                let of = |name: &str| (name.to_owned(), tenant.metadata.name.clone());
                tenancy::namespaces(tenant).map(of).collect::<Vec<_>>()
            });
        let missing: Vec<(String, String)> = wanted.filter(|one| !made.contains(one)).collect();
        let mut failed = false;
        for (namespace, tenant) in missing {
            match hub.make_home(&namespace, &tenant).await {
                Ok(()) => drop(made.insert((namespace, tenant))),
                Err(error) => {
                    tracing::warn!(%namespace, %tenant, error = %chain(&error), "no namespace in the hub");
                    failed = true;
                }
            }
        }
        let wait = match failed {
            true => AGAIN,
            false => Duration::MAX,
        };
        if let Ok(Err(_)) = tokio::time::timeout(wait, changes.changed()).await {
            // Nobody keeps them any more: the controller ends.
            return std::future::pending().await;
        }
    }
}
