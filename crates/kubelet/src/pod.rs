//! The parts of a pod's specification that a node reads: its containers with their roles and policies.

use jiff::{SignedDuration, Timestamp};
use objects::{meta, time};
use serde_json::Value;

/// When no grace is given; the API server fills it in, so this is for objects that never passed one.
const DEFAULT_GRACE: i64 = 30;

/// What a container is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ends before the next one starts.
    Init,
    /// An init container that stays: the next one starts when it has started.
    Sidecar,
    Main,
    /// Added to a running pod for debugging; never restarted.
    Ephemeral,
}

/// One container of a pod's specification.
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    pub spec: &'a Value,
    pub role: Role,
}

impl<'a> Container<'a> {
    #[must_use]
    pub fn name(&self) -> &'a str {
        meta::text(self.spec, "name")
    }

    #[must_use]
    pub fn image(&self) -> &'a str {
        meta::text(self.spec, "image")
    }

    /// The path that events about it carry, such as `spec.containers{web}`.
    #[must_use]
    pub fn field(&self) -> String {
        let list = match self.role {
            Role::Init | Role::Sidecar => "initContainers",
            Role::Main => "containers",
            Role::Ephemeral => "ephemeralContainers",
        };
        format!("spec.{list}{{{}}}", self.name())
    }

    /// `Always`, `IfNotPresent` or `Never`.
    #[must_use]
    pub fn pull_policy(&self) -> &'a str {
        meta::text(self.spec, "imagePullPolicy")
    }

    /// Whether it is to run again after it ended with a code.
    #[must_use]
    pub fn restarts(&self, pod: &Value, code: i64) -> bool {
        if self.role == Role::Ephemeral {
            return false;
        }
        let rules = meta::list_at(self.spec, "/restartPolicyRules");
        if rules.iter().any(|rule| rule_restarts(rule, code)) {
            return true;
        }
        match (self.policy(pod), self.role) {
            // An init container that succeeded is done, whatever the pod's policy.
            ("Never", _) => false,
            ("OnFailure", _) | (_, Role::Init) => code != 0,
            _ => true,
        }
    }

    /// Whether it runs until it is stopped, unless somebody says otherwise.
    #[must_use]
    pub fn stays(&self, pod: &Value) -> bool {
        match self.role {
            Role::Init => false,
            Role::Sidecar | Role::Ephemeral => true,
            Role::Main => !matches!(self.policy(pod), "Never" | "OnFailure"),
        }
    }

    /// A probe, if it has one: `startupProbe`, `readinessProbe` or `livenessProbe`.
    #[must_use]
    pub fn probe(&self, kind: &str) -> Option<&'a Value> {
        self.spec.get(kind).filter(|probe| probe.is_object())
    }

    /// A hook, if it has one: `postStart` or `preStop`.
    #[must_use]
    pub fn hook(&self, kind: &str) -> Option<&'a Value> {
        let hook = self.spec.get("lifecycle").and_then(|hooks| hooks.get(kind));
        hook.filter(|hook| hook.is_object())
    }

    /// How long a hook takes as far as the specification says: the seconds that it sleeps.
    #[must_use]
    pub fn hook_takes(&self, kind: &str) -> SignedDuration {
        let seconds = self
            .hook(kind)
            .and_then(|hook| meta::number_at(hook, "/sleep/seconds"));
        SignedDuration::from_secs(seconds.unwrap_or(0).clamp(0, i64::from(i32::MAX)))
    }

    /// Its own restart policy, or the pod's.
    fn policy(&self, pod: &'a Value) -> &'a str {
        match meta::text(self.spec, "restartPolicy") {
            "" => meta::text_at(pod, "/spec/restartPolicy"),
            own => own,
        }
    }
}

/// All containers in the order in which they start, the ephemeral ones last.
pub fn containers(pod: &Value) -> impl Iterator<Item = Container<'_>> {
    let init = meta::list_at(pod, "/spec/initContainers").iter().map(|spec| {
        let stays = meta::text(spec, "restartPolicy") == "Always";
        let role = if stays { Role::Sidecar } else { Role::Init };
        Container { spec, role }
    });
    let of = |pointer, role| {
        meta::list_at(pod, pointer)
            .iter()
            .map(move |spec| Container { spec, role })
    };
    init.chain(of("/spec/containers", Role::Main))
        .chain(of("/spec/ephemeralContainers", Role::Ephemeral))
}

/// The node of a pod, or "".
#[must_use]
pub fn node(pod: &Value) -> &str {
    meta::text_at(pod, "/spec/nodeName")
}

/// Seconds that a container has to stop.
#[must_use]
pub fn grace(pod: &Value) -> i64 {
    meta::number_at(pod, "/metadata/deletionGracePeriodSeconds")
        .or_else(|| meta::number_at(pod, "/spec/terminationGracePeriodSeconds"))
        .unwrap_or(DEFAULT_GRACE)
        .clamp(0, i64::from(i32::MAX))
}

/// When a pod that is being deleted began to end.
#[must_use]
pub fn deletion_began(pod: &Value) -> Option<Timestamp> {
    let end = meta::deleted(pod)?;
    let grace = meta::number_at(pod, "/metadata/deletionGracePeriodSeconds").unwrap_or(0);
    Some(later(end, -grace))
}

/// A time so many seconds later, or as late as times go.
#[must_use]
pub(crate) fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(time)
}

/// A time in the status of a pod.
#[must_use]
pub(crate) fn time_at(value: &Value, pointer: &str) -> Option<Timestamp> {
    time::parse(meta::text_at(value, pointer))
}

/// The label of a pod as events and messages write it: `web-0_shop(uid)`.
#[must_use]
pub(crate) fn full_name(pod: &Value) -> String {
    format!("{}_{}({})", meta::name(pod), meta::namespace(pod), meta::uid(pod))
}

fn rule_restarts(rule: &Value, code: i64) -> bool {
    let values = meta::list_at(rule, "/exitCodes/values");
    let holds = values.iter().any(|value| value.as_i64() == Some(code));
    meta::text(rule, "action") == "Restart"
        && match meta::text_at(rule, "/exitCodes/operator") {
            "In" => holds,
            "NotIn" => !holds,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_container_restarts_by_its_own_policy_before_the_pods() {
        for (policy, spec, role, code, expected) in [
            ("Always", json!({}), Role::Main, 0, true),
            ("OnFailure", json!({}), Role::Main, 0, false),
            ("OnFailure", json!({}), Role::Main, 1, true),
            ("Never", json!({}), Role::Main, 1, false),
            (
                "Never",
                json!({"restartPolicy": "Always"}),
                Role::Sidecar,
                1,
                true,
            ),
            ("Always", json!({}), Role::Init, 0, false),
            ("Always", json!({}), Role::Init, 1, true),
            ("Never", json!({}), Role::Init, 1, false),
            ("Always", json!({}), Role::Ephemeral, 1, false),
            (
                "Never",
                json!({"restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]}),
                Role::Main,
                42,
                true,
            ),
        ] {
            let pod = json!({"spec": {"restartPolicy": policy}});
            let container = Container { spec: &spec, role };
            assert_eq!(container.restarts(&pod, code), expected, "{policy} {spec} {code}");
        }
    }
}
