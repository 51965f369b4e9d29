//! HorizontalPodAutoscalers: as many replicas as the usage of the pods calls for.
//!
//! ```text
//! target ──► usage of its pods ──► proposals, the largest ──► damping ──► scale, status
//! ```
//!
//! Looks every 15 seconds, as the real controller does, and at once when the object asks for something
//! else. Usage comes from PodMetrics in the world. Metrics of other kinds need an API that is not there: they fail
//! as they do in a cluster without it.

mod damping;
mod proposal;
mod status;
mod target;
mod usage;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use objects::control::{Action, Event, Identity, Loop, Plan, Refusal};
use objects::{Change, Key, Kind, Quantity, World, meta};
use serde_json::{Value, json};

use damping::{Behavior, History, Numbers};
use proposal::{Goal, Question, Tolerance};
use status::Status;
use target::Target;
use usage::Wanted;

/// How often the real controller looks.
const PERIOD: SignedDuration = SignedDuration::from_secs(15);
/// How far off its goal usage may be.
const TOLERANCE: f64 = 0.1;

/// The autoscaler.
#[derive(Debug, Default)]
pub struct Autoscalers {
    seen: HashMap<Key, Seen>,
}

/// What is remembered of one object.
#[derive(Debug, Default)]
struct Seen {
    uid: String,
    spec: Value,
    /// When to look again.
    due: Option<Timestamp>,
    history: History,
    /// The change that was last asked for.
    rescale: Option<Rescale>,
}

#[derive(Clone, Debug)]
struct Rescale {
    from: i64,
    to: i64,
    reason: String,
}

/// What all metrics together say.
struct Advice {
    replicas: i64,
    metric: String,
}

/// What one metric says: the replicas, what it is called, and its entry of the status; or the reason and the error of
/// a condition, and the error's context where several are told of.
type Answer = Result<(i64, String, Value), Trouble>;

struct Trouble {
    reason: &'static str,
    error: String,
    context: String,
}

/// One look at an autoscaler.
struct Pass<'a> {
    world: &'a World,
    key: &'a Key,
    spec: &'a Value,
    now: Timestamp,
    status: Status,
    events: Vec<Event>,
}

impl Loop for Autoscalers {
    fn identity(&self) -> Identity {
        Identity {
            user: "system:serviceaccount:kube-system:horizontal-pod-autoscaler",
            manager: "kube-controller-manager",
            component: "horizontal-pod-autoscaler",
        }
    }

    fn touched(&mut self, _world: &World, change: &Change<'_>, keys: &mut Vec<Key>) {
        if change.key.kind == Kind::HORIZONTAL_POD_AUTOSCALER && change.changed("/spec") {
            keys.push(change.key.clone());
        }
    }

    fn decide(&mut self, world: &World, key: &Key, now: Timestamp) -> Plan {
        let Some(object) = world.get(key) else {
            self.seen.remove(key);
            return Plan::nothing();
        };
        let spec = &object["spec"];
        let seen = self.seen.entry(key.clone()).or_default();
        if seen.uid != meta::uid(object) {
            // The real controller's queue hands out a new object when a period is over.
            let fresh = object
                .get("status")
                .is_none_or(|status| status.get("conditions").is_none());
            let first = meta::created(object)
                .filter(|_| fresh)
                .map(|created| created + PERIOD);
            *seen = Seen {
                uid: meta::uid(object).to_owned(),
                due: first.filter(|first| *first > now),
                spec: spec.clone(),
                ..Seen::default()
            };
        }
        if let Some(due) = seen.due.filter(|due| *due > now && seen.spec == *spec) {
            return Plan::later(due);
        }
        let due = now + PERIOD;
        seen.due = Some(due);
        seen.spec = spec.clone();
        let mut pass = Pass {
            world,
            key,
            spec,
            now,
            status: Status::of(object),
            events: Vec::new(),
        };
        let scaled = pass.run(object, &mut seen.history);
        let mut plan = Plan::later(due);
        if let Some((target, rescale)) = scaled {
            plan.push(Action::Scale {
                key: target,
                replicas: rescale.to,
            });
            seen.rescale = Some(rescale);
        }
        plan.actions.extend(pass.events.into_iter().map(Action::Record));
        let status = pass.status.applied(object);
        plan.actions
            .extend(status.map(|object| Action::UpdateStatus(Kind::HORIZONTAL_POD_AUTOSCALER, object)));
        plan
    }

    fn refused(&mut self, world: &World, key: &Key, refusal: &Refusal<'_>, now: Timestamp) -> Plan {
        let Action::Scale { .. } = refusal.action else {
            return Plan::nothing();
        };
        let (Some(object), Some(seen)) = (world.get(key), self.seen.get_mut(key)) else {
            return Plan::nothing();
        };
        let Some(Rescale { from, to, reason }) = seen.rescale.take() else {
            return Plan::nothing();
        };
        seen.history.not_changed(from, to);
        let why = refusal.message;
        let mut status = Status::of(object);
        let told = format!("the HPA controller was unable to update the target scale: {why}");
        status.condition("AbleToScale", false, ("FailedUpdateScale", &told), now);
        status.current_replicas = from;
        let event = format!("New size: {to}; reason: {reason}; error: {why}");
        let mut plan = Plan::of(vec![Action::Record(Event::warning(key, "FailedRescale", event))]);
        let status = status.applied(object);
        plan.actions
            .extend(status.map(|object| Action::UpdateStatus(Kind::HORIZONTAL_POD_AUTOSCALER, object)));
        plan
    }
}

impl Pass<'_> {
    /// Decides: gives what to scale, and how.
    fn run(&mut self, object: &Value, history: &mut History) -> Option<(Key, Rescale)> {
        let target = match target::find(self.world, object) {
            Ok(target) => target,
            Err(why) => {
                let told = format!("the HPA controller was unable to get the target's current scale: {why}");
                self.condition("AbleToScale", false, "FailedGetScale", &told);
                self.events.push(Event::warning(self.key, "FailedGetScale", why));
                return None;
            }
        };
        let told = "the HPA controller was able to get the target's current scale";
        self.condition("AbleToScale", true, "SucceededGetScale", told);
        let current = target.replicas;
        history.begin(current, self.now);
        self.status.current_replicas = current;
        let number = |field: &str| meta::number_at(self.spec, field);
        let min = number("/minReplicas").unwrap_or(1);
        let max = number("/maxReplicas").unwrap_or(current);
        let behavior = Behavior::of(self.spec);
        let (desired, reason) = if current == 0 && min != 0 {
            let told = "scaling is disabled since the replica count of the target is zero";
            self.condition("ScalingActive", false, "ScalingDisabled", told);
            self.status.metrics = Vec::new();
            (0, String::new())
        } else if current > max {
            self.status.metrics = Vec::new();
            (
                max,
                "Current number of replicas above Spec.MaxReplicas".to_owned(),
            )
        } else if current < min {
            self.status.metrics = Vec::new();
            (
                min,
                "Current number of replicas below Spec.MinReplicas".to_owned(),
            )
        } else {
            let advice = self.advice(&target, behavior.as_ref())?;
            let reason = if advice.replicas > current {
                format!("{} above target", advice.metric)
            } else {
                "All metrics below target".to_owned()
            };
            let numbers = Numbers {
                current,
                proposed: advice.replicas,
                min,
                max,
            };
            let damped = history.damp(behavior.as_ref(), numbers, self.now);
            self.condition("AbleToScale", true, damped.able.0, damped.able.1);
            self.condition("ScalingLimited", damped.limited, damped.range.0, damped.range.1);
            (damped.replicas, reason)
        };
        self.status.desired_replicas = desired;
        if desired == current {
            return None;
        }
        let told = format!("the HPA controller was able to update the target scale to {desired}");
        self.condition("AbleToScale", true, "SucceededRescale", &told);
        let event = format!("New size: {desired}; reason: {reason}");
        self.events
            .push(Event::normal(self.key, "SuccessfulRescale", event));
        self.status.last_scale = Some(self.now);
        history.changed(behavior.as_ref(), current, desired, self.now);
        let rescale = Rescale {
            from: current,
            to: desired,
            reason,
        };
        Some((target.key, rescale))
    }

    fn condition(&mut self, kind: &str, holds: bool, reason: &str, message: &str) {
        self.status.condition(kind, holds, (reason, message), self.now);
    }

    /// Asks every metric and takes the largest number. One that fails must not make the number smaller.
    fn advice(&mut self, target: &Target, behavior: Option<&Behavior>) -> Option<Advice> {
        let Some(selector) = &target.selector else {
            let told = "the HPA target's scale is missing a selector";
            self.condition("ScalingActive", false, "InvalidSelector", told);
            self.events.push(Event::warning(
                self.key,
                "SelectorRequired",
                "selector is required",
            ));
            let told = "selector is required".to_owned();
            self.events
                .push(Event::warning(self.key, "FailedComputeMetricsReplicas", told));
            self.status.metrics = Vec::new();
            return None;
        };
        let pods = self
            .world
            .selected(&self.key.namespace, selector)
            .map(|pod| &**pod);
        let pods: Vec<&Value> = pods.collect();
        let metrics = self.metrics();
        let mut best: Option<Advice> = None;
        let mut troubles = Vec::new();
        self.status.metrics = vec![json!({"type": ""}); metrics.len()];
        for (at, metric) in metrics.iter().enumerate() {
            match self.ask(metric, target, &pods, behavior) {
                Ok((replicas, name, entry)) => {
                    self.status.metrics[at] = entry;
                    if best.as_ref().is_none_or(|best| replicas > best.replicas) {
                        best = Some(Advice {
                            replicas,
                            metric: name,
                        });
                    }
                }
                Err(trouble) => troubles.push(trouble),
            }
        }
        for trouble in &troubles {
            let event = Event::warning(self.key, trouble.reason, trouble.error.clone());
            self.events.push(event);
        }
        if let Some(first) = troubles.first() {
            let (failed, all) = (troubles.len(), metrics.len());
            let told = format!(
                "invalid metrics ({failed} invalid out of {all}), first error is: {}",
                first.context
            );
            self.events
                .push(Event::warning(self.key, "FailedComputeMetricsReplicas", told));
            if best.as_ref().is_none_or(|best| best.replicas < target.replicas) {
                let told = format!("the HPA was unable to compute the replica count: {}", first.error);
                self.condition("ScalingActive", false, first.reason, &told);
                return None;
            }
        }
        let best = best?;
        let told = format!(
            "the HPA was able to successfully calculate a replica count from {}",
            best.metric
        );
        self.condition("ScalingActive", true, "ValidMetricFound", &told);
        Some(best)
    }

    /// `spec.metrics`, or what the first version of the API has instead.
    fn metrics(&self) -> Vec<Value> {
        let metrics = meta::list_at(self.spec, "/metrics");
        match meta::number_at(self.spec, "/targetCPUUtilizationPercentage") {
            Some(percent) if metrics.is_empty() => vec![json!({"type": "Resource", "resource": {
                "name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent},
            }})],
            _ => metrics.to_vec(),
        }
    }

    fn ask(&self, metric: &Value, target: &Target, pods: &[&Value], behavior: Option<&Behavior>) -> Answer {
        let (field, reason, kind) = match meta::text(metric, "type") {
            "Resource" => ("resource", "FailedGetResourceMetric", "resource"),
            "ContainerResource" => (
                "containerResource",
                "FailedGetContainerResourceMetric",
                "container",
            ),
            other => return Err(self.unserved(metric, other)),
        };
        let source = &metric[field];
        let wanted = Wanted {
            resource: meta::text(source, "name"),
            container: source
                .get("container")
                .and_then(Value::as_str)
                .filter(|_| kind == "container"),
        };
        let trouble = |error: String| Trouble {
            reason,
            context: format!("failed to get {} {kind} metric value: {error}", wanted.resource),
            error,
        };
        let average = source["target"].get("averageValue").and_then(Quantity::of);
        let utilization = meta::number_at(source, "/target/averageUtilization");
        let (goal, what) = match (average, utilization) {
            (Some(average), _) => (Goal::AverageValue(average.as_milli()), "usage"),
            (None, Some(percent)) => (Goal::Utilization(percent), "utilization"),
            (None, None) => {
                let why = "invalid resource metric source: neither an average utilization target nor an average \
                           value (usage) target was set";
                return Err(trouble(why.to_owned()));
            }
        };
        let failed = |why: String| trouble(format!("failed to get {} {what}: {why}", wanted.resource));
        let samples = usage::samples(self.world, pods, wanted).map_err(|why| {
            failed(format!(
                "unable to get metrics for resource {}: {why}",
                wanted.resource
            ))
        })?;
        let mut question = Question {
            goal,
            tolerance: tolerance(behavior),
            replicas: target.replicas,
            pods,
            is_cpu: wanted.resource == "cpu",
            requests: Default::default(),
            now: self.now,
        };
        if matches!(goal, Goal::Utilization(_)) {
            question.requests = usage::requests(pods, wanted).map_err(failed)?;
        }
        let proposal = question.answer(&samples).map_err(failed)?;
        let mut current = json!({
            "averageValue": Quantity::milli(proposal.average).print(Default::default()),
        });
        let mut name = format!("{} resource", wanted.resource);
        if let Some(percent) = proposal.utilization {
            current["averageUtilization"] = json!(percent);
            name.push_str(" utilization (percentage of request)");
        }
        let mut entry = json!({"name": wanted.resource, "current": current});
        if let Some(container) = wanted.container {
            entry["container"] = json!(container);
        }
        let entry = json!({"type": metric["type"], field: entry});
        Ok((proposal.replicas, name, entry))
    }

    /// The words of a cluster that has no API for such metrics.
    fn unserved(&self, metric: &Value, kind: &str) -> Trouble {
        let custom = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) \
                      registered";
        let name = |field: &str| meta::text_at(metric, &format!("/{field}/metric/name")).to_owned();
        let (reason, error, context) = match kind {
            "Pods" => {
                let error = format!("unable to get metric {}: {custom}", name("pods"));
                ("FailedGetPodsMetric", error, "failed to get pods metric value: ")
            }
            "Object" => {
                let described = &metric["object"]["describedObject"];
                let (described, of) = (meta::text(described, "kind"), meta::text(described, "name"));
                let metric = name("object");
                // Its words are in this order.
                let error = format!(
                    "unable to get metric {metric}: {described} on {} {of}/{custom}",
                    self.key.namespace
                );
                (
                    "FailedGetObjectMetric",
                    error,
                    "failed to get object metric value: ",
                )
            }
            "External" => {
                let selector = selector_text(&metric["external"]["metric"]["selector"]);
                let (namespace, metric) = (&self.key.namespace, name("external"));
                let error = format!(
                    "unable to get external metric {namespace}/{metric}/{selector}: unable to fetch metrics from \
                     external metrics API: the server could not find the requested resource (get \
                     {metric}.external.metrics.k8s.io)"
                );
                let context = format!(
                    "failed to get {metric} external metric value: failed to get {metric} external metric: {error}"
                );
                return Trouble {
                    reason: "FailedGetExternalMetric",
                    error,
                    context,
                };
            }
            other => {
                let error = format!("unknown metric source type {other:?}");
                ("InvalidMetricSourceType", error, "")
            }
        };
        Trouble {
            reason,
            context: format!("{context}{error}"),
            error,
        }
    }
}

/// A label selector as Go prints one.
fn selector_text(selector: &Value) -> String {
    if !selector.is_object() {
        return "nil".to_owned();
    }
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let labels = labels.into_iter().flatten();
    let labels: String = labels
        .map(|(label, value)| format!("{label}: {},", value.as_str().unwrap_or_default()))
        .collect();
    let needs = meta::list_at(selector, "/matchExpressions").iter().map(|need| {
        let values = meta::list_at(need, "/values").iter().filter_map(Value::as_str);
        let values: Vec<&str> = values.collect();
        let (key, operator) = (meta::text(need, "key"), meta::text(need, "operator"));
        format!(
            "LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{}],}},",
            values.join(" ")
        )
    });
    let needs: String = needs.collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:\
         []LabelSelectorRequirement{{{needs}}},}}"
    )
}

fn tolerance(behavior: Option<&Behavior>) -> Tolerance {
    let given = |rules: fn(&Behavior) -> Option<f64>| behavior.and_then(rules).unwrap_or(TOLERANCE);
    Tolerance {
        up: given(|both| both.up.tolerance),
        down: given(|both| both.down.tolerance),
    }
}
