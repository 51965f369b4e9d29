//! What pods use, told to the world every 15 seconds where an autoscaler wants to know.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Identity, Loop, Plan};
use objects::{Change, Key, Kind, World, meta};

use crate::usage::{Meter, pod_metrics};

/// How often usage is measured, as the metrics server does by default.
const PERIOD: SignedDuration = SignedDuration::from_secs(15);

/// Measures the pods of namespaces that have an autoscaler. Its keys are namespaces.
#[derive(Debug)]
pub struct Sampler {
    meter: Arc<dyn Meter>,
}

impl Sampler {
    #[must_use]
    pub fn new(meter: Arc<dyn Meter>) -> Self {
        Self { meter }
    }
}

impl Loop for Sampler {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:metrics-server",
            manager: "metrics-server",
            component: "metrics-server",
        }
    }

    fn touched(&mut self, _world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        let scaled = change.key.kind == Kind::HORIZONTAL_POD_AUTOSCALER && change.changed("/spec");
        let gone = change.key.kind == Kind::POD && change.new.is_none();
        if scaled || gone {
            keys.push(Key::new(Kind::NAMESPACE, "", &change.key.namespace));
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let wanted = world
            .list(&Kind::HORIZONTAL_POD_AUTOSCALER, &key.name)
            .next()
            .is_some();
        let old = world.list(&Kind::POD_METRICS, &key.name);
        let mut actions: Vec<Action> = old
            .filter(|one| !wanted || world.find(&Kind::POD, &key.name, meta::name(one)).is_none())
            .map(|one| Action::Observe {
                key: Key::of(Kind::POD_METRICS, one),
                value: None,
            })
            .collect();
        if !wanted {
            return Plan::of(actions);
        }
        actions.extend(world.list(&Kind::POD, &key.name).map(|pod| Action::Observe {
            key: Key::of(Kind::POD_METRICS, pod),
            value: pod_metrics(&*self.meter, world, pod, now),
        }));
        Plan {
            actions,
            again: now.checked_add(PERIOD).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::behaviour::Behaviour;

    #[test]
    fn pods_are_measured_while_an_autoscaler_wants_to_know() {
        let mut world = World::default();
        let pod = json!({
            "metadata": {"name": "p", "namespace": "n"},
            "spec": {"nodeName": "one", "containers": [
                {"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]},
            "status": {"phase": "Running", "containerStatuses": [
                {"name": "c", "state": {"running": {"startedAt": "1970-01-01T00:00:00Z"}}}]},
        });
        world.put(&Key::of(Kind::POD, &pod), pod);
        let mut sampler = Sampler::new(Arc::new(Behaviour::default()));
        let key = Key::new(Kind::NAMESPACE, "", "n");
        let at = Timestamp::from_second(60).expect("in range");
        assert_eq!(sampler.decide(&world, &key, at), Plan::nothing());

        let scaler = json!({"metadata": {"name": "h", "namespace": "n"}});
        world.put(&Key::of(Kind::HORIZONTAL_POD_AUTOSCALER, &scaler), scaler);
        let plan = sampler.decide(&world, &key, at);
        let [
            Action::Observe {
                value: Some(found), ..
            },
        ] = plan.actions.as_slice()
        else {
            panic!("{plan:?}");
        };
        let cpu: Option<&Value> = found.pointer("/containers/0/usage/cpu");
        assert_eq!(cpu, Some(&json!("100000000n")));
        assert_eq!(plan.again, Timestamp::from_second(75).ok());
    }
}
