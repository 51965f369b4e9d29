//! Built-in kinds that are served in more versions than they are stored in: from the stored form and back.
//!
//! ```text
//! autoscaling/v1 HorizontalPodAutoscaler ⇄ autoscaling/v2      events.k8s.io/v1 Event ⇄ v1
//! ```
//!
//! Nothing is lost on the way: what autoscaling/v1 has no fields for stands in annotations, as with the real server.
//! Custom kinds convert by changing their apiVersion alone and don't come here. Pure.

mod autoscaler;

use serde_json::{Map, Value};

use crate::schema::Resource;

/// How a served version differs from the stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    AutoscalerV1,
    EventsV1,
}

/// The names of an Event's fields in the core group and in its own.
const EVENT: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

impl Conversion {
    /// What a resource needs; `None` where it is served as it is stored.
    pub fn of(resource: &Resource) -> Option<Self> {
        let (group, version) = resource.storage.as_ref()?;
        if resource.custom || (group, version) == (&resource.group, &resource.version) {
            return None;
        }
        match resource.kind.as_str() {
            "HorizontalPodAutoscaler" => Some(Self::AutoscalerV1),
            "Event" => Some(Self::EventsV1),
            _ => None,
        }
    }

    /// Makes the served object out of the stored one.
    pub fn read(self, object: &mut Value) {
        match self {
            Self::AutoscalerV1 => autoscaler::read(object),
            Self::EventsV1 => rename(object, EVENT.iter().copied()),
        }
    }

    /// Makes the stored object out of the served one.
    pub fn write(self, object: &mut Value) {
        match self {
            Self::AutoscalerV1 => autoscaler::write(object),
            Self::EventsV1 => rename(object, EVENT.iter().map(|(core, own)| (*own, *core))),
        }
    }
}

fn rename<'a>(object: &mut Value, names: impl Iterator<Item = (&'a str, &'a str)>) {
    if let Some(fields) = object.as_object_mut() {
        for (from, to) in names {
            move_field(fields, from, to);
        }
    }
}

/// Moves a field that is there to another name.
fn move_field(fields: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = fields.remove(from) {
        fields.insert(to.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_of_both_groups_are_one_object() {
        let stored = json!({"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod"}, "message": "m",
            "source": {"component": "c"}, "count": 2, "reportingComponent": "r", "reason": "R", "type": "Normal"});
        let mut object = stored.clone();
        Conversion::EventsV1.read(&mut object);
        assert_eq!(
            object,
            json!({"metadata": {"name": "e"}, "regarding": {"kind": "Pod"}, "note": "m",
                "deprecatedSource": {"component": "c"}, "deprecatedCount": 2, "reportingController": "r",
                "reason": "R", "type": "Normal"})
        );
        Conversion::EventsV1.write(&mut object);
        assert_eq!(object, stored);
    }
}
