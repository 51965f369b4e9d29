//! The Service by which pods find the API server: `kubernetes` in `default`, with the endpoints that it leads to.
//!
//! A real API server keeps the three objects itself. They have no selector, so no controller touches them; a durable
//! cluster that starts on another port gets new endpoints.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::world::Surroundings;
use super::write::stored_form;
use super::{Registry, complete, metadata};
use crate::store::{Expected, Key};

const NAMESPACE: &str = "default";
const NAME: &str = "kubernetes";

/// The first address of the services' range.
const CLUSTER_IP: &str = "10.96.0.1";

/// Where clients inside of the cluster ask.
const PORT: u16 = 443;

impl Registry {
    /// Says where this server is reached.
    pub(crate) async fn publish(&self, address: SocketAddr) {
        let around = &self.around;
        let service = service(around, address.port());
        self.services.reserve(&service);
        self.put(("", "services"), Some(NAMESPACE), service).await;
        self.keep(("", "endpoints"), "subsets", endpoints(around, address))
            .await;
        let slices = ("discovery.k8s.io", "endpointslices");
        self.keep(slices, "endpoints", slice(around, address)).await;
    }

    /// Creates an object, or brings one that is there up to date if it differs in a field or its ports.
    async fn keep(&self, (group, plural): (&str, &str), field: &str, object: Value) {
        let catalog = self.catalog();
        let Some(served) = catalog.find(group, "v1", plural) else {
            return;
        };
        let stored = served.stored_as.as_ref();
        let key = stored.and_then(|stored| Key::new(stored, Some(NAMESPACE), NAME).ok());
        let found = key.as_ref().and_then(|key| self.store.get(key));
        let (Some(key), Some(found)) = (key, found) else {
            return self.put((group, plural), Some(NAMESPACE), object).await;
        };
        let Ok(mut live) = complete(served, &found) else {
            return;
        };
        if live[field] == object[field] && live["ports"] == object["ports"] {
            return;
        }
        for part in [field, "addressType", "ports"] {
            if let Some(value) = object.get(part) {
                live[part] = value.clone();
            }
        }
        metadata::of_mut(&mut live).remove("resourceVersion");
        if let Ok(draft) = stored_form(served, &mut live) {
            // Nobody else writes while the server starts.
            let _ = self.store.update(key, Expected::Any, draft).await;
        }
    }
}

fn meta(around: &Surroundings, labels: &Value) -> Value {
    json!({
        "name": NAME,
        "namespace": NAMESPACE,
        "uid": around.uid(),
        "creationTimestamp": around.now(),
        "labels": labels,
    })
}

fn service(around: &Surroundings, port: u16) -> Value {
    json!({
        "metadata": meta(around, &json!({"component": "apiserver", "provider": "kubernetes"})),
        "spec": {
            "clusterIP": CLUSTER_IP,
            "clusterIPs": [CLUSTER_IP],
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "https", "port": PORT, "protocol": "TCP", "targetPort": port}],
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
        "status": {"loadBalancer": {}},
    })
}

fn endpoints(around: &Surroundings, address: SocketAddr) -> Value {
    json!({
        "metadata": meta(around, &json!({"endpointslice.kubernetes.io/skip-mirror": "true"})),
        "subsets": [{
            "addresses": [{"ip": address.ip().to_string()}],
            "ports": [{"name": "https", "port": address.port(), "protocol": "TCP"}],
        }],
    })
}

fn slice(around: &Surroundings, address: SocketAddr) -> Value {
    json!({
        "metadata": meta(around, &json!({"kubernetes.io/service-name": NAME})),
        "addressType": if address.is_ipv4() { "IPv4" } else { "IPv6" },
        "endpoints": [{"addresses": [address.ip().to_string()], "conditions": {"ready": true}}],
        "ports": [{"name": "https", "port": address.port(), "protocol": "TCP"}],
    })
}
