//! Performing the plan of a tenant in one cluster: the steps in their order, the first failure ends it.

use std::sync::Arc;

use cluster::{Apply, Cluster, Delete};
use jiff::Timestamp;
use kinds::{Object, Tenant};
use objects::{Kind, meta};
use serde_json::Value;
use tenancy::{Step, TenantPlan};

use super::attend::resource;
use crate::error::Error;
use stdx::chain;
use tenancy::names::FIELD_MANAGER;

/// One tenant in one cluster.
#[derive(Debug)]
pub(crate) struct Site {
    pub cluster: String,
    /// `None` while there is no way to it, or not everything was seen.
    pub connection: Option<Cluster>,
    /// Why not.
    pub problem: String,
    pub wanted: Vec<Value>,
    pub live: Vec<Arc<str>>,
}

/// What was done in a cluster.
#[derive(Debug)]
pub struct Done {
    pub cluster: String,
    pub plan: TenantPlan,
    /// How many objects are as they should be when everything went well.
    pub wanted: usize,
    /// The objects as they are after the steps.
    pub written: Vec<Value>,
    /// Why it is not all done; empty when it is.
    pub problem: String,
}

/// Plans and performs.
pub(crate) async fn perform(site: Site, tenant: &Object<Tenant>, now: Timestamp) -> Done {
    let Site {
        cluster,
        connection,
        problem,
        wanted,
        live,
    } = site;
    let mut done = Done {
        cluster,
        plan: TenantPlan::default(),
        wanted: wanted.len(),
        written: Vec::new(),
        problem,
    };
    let Some(connection) = connection else {
        return done;
    };
    let live: Vec<Value> = live
        .iter()
        .filter_map(|text| serde_json::from_str(text).ok())
        .collect();
    done.plan = match tenant.is_leaving() {
        true => tenancy::leave(tenant, &live, now),
        false => tenancy::plan(&wanted, &live, tenant, now),
    };
    let refusals: Vec<String> = done.plan.refusals.iter().map(ToString::to_string).collect();
    done.problem = refusals.join("\n");
    for step in &done.plan.steps {
        match take(&connection, step).await {
            Ok(written) => done.written.extend(written),
            Err(error) => {
                done.problem = chain(&error);
                break;
            }
        }
    }
    done
}

/// Takes one step, and gives the object as it is after it.
async fn take(cluster: &Cluster, step: &Step) -> Result<Option<Value>, Error> {
    let how = Apply {
        manager: FIELD_MANAGER,
        force: true,
        dry_run: false,
    };
    match step {
        Step::Create { object } | Step::Change { object, .. } | Step::Leave { object, .. } => {
            let resource = resource(cluster, &Kind::of(object)).await?;
            let at = resource.at(meta::namespace(object), meta::name(object));
            Ok(Some(cluster.apply(at, object, how).await?))
        }
        Step::Delete { key, uid, .. } => {
            let resource = resource(cluster, &key.kind).await?;
            let how = Delete {
                uid,
                ..Delete::default()
            };
            cluster
                .delete(resource.at(&key.namespace, &key.name), how)
                .await?;
            Ok(None)
        }
    }
}
