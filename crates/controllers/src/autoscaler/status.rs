//! The status of an autoscaler, written as the API server prints it.

use jiff::Timestamp;
use objects::condition::{self, Condition};
use objects::{meta, time};
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Status {
    pub current_replicas: i64,
    pub desired_replicas: i64,
    pub last_scale: Option<Timestamp>,
    pub metrics: Vec<Value>,
    conditions: Vec<Value>,
}

impl Status {
    pub fn of(object: &Value) -> Self {
        let status = &object["status"];
        let number = |field| meta::number_at(status, field).unwrap_or_default();
        Self {
            current_replicas: number("/currentReplicas"),
            desired_replicas: number("/desiredReplicas"),
            last_scale: time::parse(meta::text(status, "lastScaleTime")),
            metrics: meta::list_at(status, "/currentMetrics").to_vec(),
            conditions: meta::list_at(status, "/conditions").to_vec(),
        }
    }

    /// Sets a condition; `told` is its reason and its message.
    pub fn condition(&mut self, kind: &str, holds: bool, told: (&str, &str), now: Timestamp) {
        let wanted = Condition {
            kind,
            status: if holds { "True" } else { "False" },
            reason: told.0,
            message: told.1,
        };
        condition::set(&mut self.conditions, wanted, now);
    }

    /// The object with this status, if it is another than it has.
    pub fn applied(&self, object: &Value) -> Option<Value> {
        let mut status = json!({"desiredReplicas": self.desired_replicas});
        let optional = [
            (
                "currentReplicas",
                json!(self.current_replicas),
                self.current_replicas != 0,
            ),
            (
                "lastScaleTime",
                json!(self.last_scale.map(time::seconds)),
                self.last_scale.is_some(),
            ),
            ("currentMetrics", json!(self.metrics), !self.metrics.is_empty()),
            ("conditions", json!(self.conditions), !self.conditions.is_empty()),
        ];
        for (field, value, _) in optional.into_iter().filter(|(_, _, shown)| *shown) {
            status[field] = value;
        }
        if object.get("status") == Some(&status) {
            return None;
        }
        let mut object = object.clone();
        object["status"] = status;
        Some(object)
    }
}
