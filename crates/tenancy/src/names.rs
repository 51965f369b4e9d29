//! The labels and annotations by which a cluster knows what is whose.

use objects::meta;
use serde_json::{Value, json};

/// On a namespace and on every object in it that is ours: whose it is.
pub const TENANT_LABEL: &str = "shipway.dev/tenant";

/// On a namespace: the tenant's hosts, joined by commas; empty for none.
pub const HOSTS_ANNOTATION: &str = "shipway.dev/hosts";

/// On a namespace: since when it is leaving; empty or absent while it is to stay.
pub const LEAVING_ANNOTATION: &str = "shipway.dev/leaving-since";

/// On a deploy identity: the digest of all that was applied for the tenant in this cluster.
pub const APPLIED_ANNOTATION: &str = "shipway.dev/applied";

/// Where the deploy identities are.
pub const TENANTS_NAMESPACE: &str = "shipway-tenants";

/// Who applies what a tenant is given, to the API server.
pub const FIELD_MANAGER: &str = "shipway-tenancy";

/// Of everything that a tenant is given, one per namespace and kind has this name.
pub(crate) const OURS: &str = "shipway";

const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";

/// The labels of what no tenant has for itself.
pub(crate) fn our_labels() -> Value {
    json!({MANAGED_BY_LABEL: OURS})
}

/// The labels of what a tenant is given.
pub(crate) fn labels_of(tenant: &str) -> Value {
    json!({MANAGED_BY_LABEL: OURS, TENANT_LABEL: tenant})
}

/// Who the releases of a tenant are applied as, to an API server.
#[must_use]
pub fn deploy_identity(tenant: &str) -> String {
    format!("system:serviceaccount:{TENANTS_NAMESPACE}:{tenant}")
}

/// Whether an object was given to a tenant by us.
pub(crate) fn is_given_to(object: &Value, tenant: &str) -> bool {
    meta::label(object, TENANT_LABEL) == Some(tenant) && meta::label(object, MANAGED_BY_LABEL) == Some(OURS)
}

/// Whether nobody has a namespace of this name but the cluster or ourselves.
pub(crate) fn is_reserved(namespace: &str) -> bool {
    namespace == "default"
        || ["kube-", "shipway-"]
            .iter()
            .any(|start| namespace.starts_with(start))
}
