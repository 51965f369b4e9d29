//! What owners of very many pods ask of each of them, known without reading the pod.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::{condition, meta, pod, time};

/// A pod in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// The uid of its controller, or "".
    pub controller: Box<str>,
    /// `metadata.labels`; pods of one owner mostly share them.
    pub labels: Arc<Value>,
    /// Whether it counts as a replica: neither at an end nor on its way out.
    pub active: bool,
    /// Whether it serves.
    pub ready: bool,
    /// Since when it serves, if it says so.
    pub ready_since: Option<Timestamp>,
}

impl Brief {
    /// Sums a pod up. The labels are shared with another pod's that has the same.
    pub(super) fn of(object: &Value, like: Option<&Brief>) -> Self {
        let labels = meta::at(object, "/metadata/labels").unwrap_or(&Value::Null);
        let labels = match like {
            Some(like) if *like.labels == *labels => Arc::clone(&like.labels),
            _ => Arc::new(labels.clone()),
        };
        let ready = condition::find(object, "Ready").filter(|one| meta::text(one, "status") == "True");
        Self {
            controller: Box::from(meta::controller(object).map_or("", |owner| meta::text(owner, "uid"))),
            labels,
            active: !pod::is_finished(object) && !meta::is_deleted(object),
            ready: ready.is_some(),
            ready_since: ready.and_then(|ready| time::parse(meta::text(ready, "lastTransitionTime"))),
        }
    }
}
