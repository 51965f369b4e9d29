//! What would become of a tenant: the same decisions as the loop's, from the world as it is now, and nothing is written.

use std::collections::BTreeMap;

use cluster::{Cluster, ListQuery};
use futures::future::join_all;
use jiff::Timestamp;
use kinds::{Object, Tenant};
use objects::meta;
use serde_json::Value;
use stdx::chain;
use tenancy::names::TENANT_LABEL;
use tenancy::{Mistake, TenantPlan};

use crate::clusters::connect;
use crate::error::Error;
use crate::hub::{Hub, builtin};
use crate::tenants::{is_made_by_charts_too, resource};

/// What would become of a tenant.
#[derive(Debug)]
pub struct Preview {
    /// Every reason why nothing would.
    pub mistakes: Vec<Mistake>,
    /// What would be done, by cluster.
    pub clusters: BTreeMap<String, Foreseen>,
}

/// What would be done in a cluster.
#[derive(Debug)]
pub enum Foreseen {
    Plan(TenantPlan),
    /// It can't be looked at, and why.
    Unknown(String),
}

impl Hub {
    /// Foresees what the loop would do with a tenant as it is written here, instead of as it is in the hub. One with a
    /// `deletionTimestamp` would leave.
    ///
    /// # Errors
    /// The hub can't be read. A target that can't is told in its place.
    pub async fn foresee(&self, tenant: &Object<Tenant>, now: Timestamp) -> Result<Preview, Error> {
        let mut tenants = self.list::<Tenant>().await?;
        tenants.retain(|other| other.metadata.name != tenant.metadata.name);
        tenants.push(tenant.clone());
        let clusters = self.list::<kinds::Cluster>().await?;
        let grants = tenancy::grant(&tenants, &clusters);
        let mistakes = match grants.tenants.get(&tenant.metadata.name) {
            Some(Err(mistakes)) if !tenant.is_leaving() => mistakes.clone(),
            _ => Vec::new(),
        };
        let concerned = clusters
            .iter()
            .filter(|cluster| tenant.is_leaving() || tenancy::uses(tenant, &cluster.metadata.name));
        let foreseen = join_all(concerned.map(|cluster| self.foresee_in(cluster, tenant, now))).await;
        Ok(Preview {
            mistakes,
            clusters: foreseen.into_iter().collect(),
        })
    }

    async fn foresee_in(
        &self,
        object: &Object<kinds::Cluster>,
        tenant: &Object<Tenant>,
        now: Timestamp,
    ) -> (String, Foreseen) {
        let wanted = tenancy::wanted(tenant, object);
        let live = async {
            let (_, cluster) = connect(self, object, None).await?;
            live(&cluster, &tenant.metadata.name, &wanted).await
        };
        let foreseen = match live.await {
            Ok(live) if tenant.is_leaving() => Foreseen::Plan(tenancy::leave(tenant, &live, now)),
            Ok(live) => Foreseen::Plan(tenancy::plan(&wanted, &live, tenant, now)),
            Err(error) => Foreseen::Unknown(chain(&error)),
        };
        (object.metadata.name.clone(), foreseen)
    }

    /// A connection to a cluster of the hub.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn connect(&self, cluster: &Object<kinds::Cluster>) -> Result<Cluster, Error> {
        Ok(connect(self, cluster, None).await?.1)
    }
}

/// What a tenant has in a cluster, and the namespaces that it wants, whosever they are.
async fn live(cluster: &Cluster, tenant: &str, wanted: &[Value]) -> Result<Vec<Value>, Error> {
    let mut live = Vec::new();
    let query = ListQuery::labelled(&format!("{TENANT_LABEL}={tenant}"));
    for kind in tenancy::KINDS {
        let resource = resource(cluster, &kind).await?;
        live.extend(cluster.list(&resource, None, &query).await?.items);
    }
    let is_namespace = |object: &&Value| object["kind"] == "Namespace";
    let own: Vec<String> = live
        .iter()
        .filter(is_namespace)
        .map(|own| meta::name(own).to_owned())
        .collect();
    for kind in tenancy::KINDS.iter().filter(|kind| is_made_by_charts_too(kind)) {
        let resource = resource(cluster, kind).await?;
        for namespace in &own {
            let listed = cluster
                .list(&resource, Some(namespace), &ListQuery::default())
                .await?;
            live.extend(listed.items);
        }
    }
    let namespaces = builtin(cluster, "v1", "Namespace").await?;
    for object in wanted.iter().filter(|object| object["kind"] == "Namespace") {
        let name = meta::name(object);
        let is_known = |known: &Value| known["kind"] == "Namespace" && meta::name(known) == name;
        if !live.iter().any(is_known) {
            live.extend(cluster.get(namespaces.at("", name)).await?);
        }
    }
    Ok(live)
}
