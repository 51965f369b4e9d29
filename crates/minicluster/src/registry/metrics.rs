//! `metrics.k8s.io`: what nodes and pods use, computed when somebody asks.

use objects::{Key, Kind, World, meta, time};
use serde_json::{Value, json};

use super::catalog::METRICS;
use super::failure::Failure;
use super::reply::Reply;
use super::{Call, Registry, Verb, complete, list};
use crate::store;

/// `GET` on what is measured.
pub(super) async fn answer(registry: &Registry, verb: Verb, call: &Call) -> Result<Reply, Failure> {
    let Some(meter) = &registry.metrics else {
        return Err(Failure::no_resource());
    };
    let now = time::parse(&call.around.now()).unwrap_or_default();
    // Whoever is measured is found as usual: by name or by selectors.
    let catalog = registry.catalog();
    let served = catalog.find("", "v1", &call.served.resource.plural);
    let about = Call {
        served: served.cloned().ok_or_else(Failure::no_resource)?,
        ..call.clone()
    };
    let found = match verb {
        Verb::Get => vec![registry.find(&about).map_err(|_| missing(call))?],
        _ => list::page(registry, &about).await?.objects,
    };
    let is_node = call.served.resource.kind == "NodeMetrics";
    // Who measures a pod depends on its node.
    let mut wanted = vec![("nodes", Kind::NODE)];
    wanted.extend(is_node.then_some(("pods", Kind::POD)));
    let mut world = World::default();
    for (plural, kind) in wanted {
        let resource = store::Resource::new("", plural);
        let objects = resource.map_or_else(|_| Vec::new(), |resource| registry.values(&resource, None));
        for object in objects {
            world.put(&Key::of(kind.clone(), &object), object);
        }
    }
    let measured = found.iter().filter_map(|object| {
        let object = complete(&about.served, object).ok()?;
        if is_node {
            return Some(kubelet::node_metrics(&**meter, &world, &object, now));
        }
        kubelet::pod_metrics(&**meter, &world, &object, now)
    });
    let mut measured: Vec<Value> = measured.collect();
    if verb == Verb::Get {
        return measured
            .pop()
            .map(|one| Reply::json(200, &one))
            .ok_or_else(|| missing(call));
    }
    measured.sort_by(|a, b| (meta::namespace(a), meta::name(a)).cmp(&(meta::namespace(b), meta::name(b))));
    let all = json!({
        "kind": call.served.list_kind,
        "apiVersion": format!("{METRICS}/v1beta1"),
        "metadata": {},
        "items": measured,
    });
    Ok(Reply::json(200, &all))
}

fn missing(call: &Call) -> Failure {
    Failure::not_found(&call.served.resource, call.name())
}
