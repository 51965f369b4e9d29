//! How many replicas a metric proposes: the usage of the pods against what they are meant to use.
//!
//! Pods that are not ready or whose usage is unknown don't count, unless counting them at their mildest would keep
//! the number from changing: then they are counted so.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use objects::{condition, meta, time};
use serde_json::Value;

use super::usage::Samples;
use crate::pod;

/// For so long after its start a pod's CPU usage counts only once it was measured while the pod was ready.
const CPU_INITIALIZATION: SignedDuration = SignedDuration::from_mins(5);
/// A pod that has not been ready for so long after its start never was.
const INITIAL_READINESS: SignedDuration = SignedDuration::from_secs(30);

/// What a pod is meant to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// This percentage of its request.
    Utilization(i64),
    /// This amount, in thousandths.
    AverageValue(i64),
}

/// What may differ from the goal without consequences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tolerance {
    pub up: f64,
    pub down: f64,
}

/// Everything that a proposal depends on.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub goal: Goal,
    pub tolerance: Tolerance,
    pub replicas: i64,
    pub pods: &'a [&'a Value],
    /// CPU is high while a pod starts.
    pub is_cpu: bool,
    /// In thousandths; empty where the goal does not need it.
    pub requests: BTreeMap<&'a str, i64>,
    pub now: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proposal {
    pub replicas: i64,
    /// Percent of the requests, where that is the goal.
    pub utilization: Option<i64>,
    /// The average in thousandths.
    pub average: i64,
}

/// Usage by the names of pods, in thousandths.
type Usage<'a> = BTreeMap<&'a str, i64>;

#[derive(Clone, Copy, Debug)]
struct Ratio {
    ratio: f64,
    utilization: Option<i64>,
    average: i64,
}

impl Question<'_> {
    /// Answers by the samples that there are.
    ///
    /// # Errors
    /// Without a single usable sample there is no answer.
    pub fn answer(&self, samples: &Samples<'_>) -> Result<Proposal, String> {
        if self.pods.is_empty() {
            return Err("no pods returned by selector while calculating replica count".to_owned());
        }
        let (mut usage, mut unready, mut missing) = (Usage::new(), Vec::new(), Vec::new());
        for pod in self.pods {
            let name = meta::name(pod);
            if meta::is_deleted(pod) || pod::phase(pod) == "Failed" {
                continue;
            }
            match samples.get(name) {
                _ if pod::phase(pod) == "Pending" => unready.push(name),
                None => missing.push(name),
                Some(sample) if self.is_cpu && !self.is_settled(pod, sample.at, sample.window) => {
                    unready.push(name);
                }
                Some(sample) => {
                    usage.insert(name, sample.milli);
                }
            }
        }
        if usage.is_empty() {
            return Err("did not receive metrics for targeted pods (pods might be unready)".to_owned());
        }
        let first = self.ratio(&usage)?;
        let proposal = |replicas| Proposal {
            replicas,
            utilization: first.utilization,
            average: first.average,
        };
        let counts_unready = !unready.is_empty() && first.ratio > 1.0;
        if !counts_unready && missing.is_empty() {
            if self.is_tolerable(first.ratio) {
                return Ok(proposal(self.replicas));
            }
            return Ok(proposal(times(first.ratio, usage.len())));
        }
        for name in missing {
            if first.ratio < 1.0 {
                usage.insert(name, self.mildest(name));
            } else if first.ratio > 1.0 {
                usage.insert(name, 0);
            }
        }
        if counts_unready {
            usage.extend(unready.into_iter().map(|name| (name, 0)));
        }
        let second = self.ratio(&usage)?.ratio;
        let turned = (first.ratio < 1.0 && second > 1.0) || (first.ratio > 1.0 && second < 1.0);
        if self.is_tolerable(second) || turned {
            return Ok(proposal(self.replicas));
        }
        let replicas = times(second, usage.len());
        let turned = (second < 1.0 && replicas > self.replicas) || (second > 1.0 && replicas < self.replicas);
        Ok(proposal(if turned { self.replicas } else { replicas }))
    }

    /// What an unknown usage may be when the known ones ask for fewer replicas.
    fn mildest(&self, name: &str) -> i64 {
        match self.goal {
            Goal::AverageValue(goal) => goal,
            Goal::Utilization(goal) => {
                let request = self.requests.get(name).copied().unwrap_or_default();
                request.saturating_mul(goal.max(100)) / 100
            }
        }
    }

    fn is_tolerable(&self, ratio: f64) -> bool {
        (1.0 - self.tolerance.down..=1.0 + self.tolerance.up).contains(&ratio)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "the real controller divides in floating point"
    )]
    fn ratio(&self, usage: &Usage<'_>) -> Result<Ratio, String> {
        match self.goal {
            Goal::AverageValue(goal) => {
                let sum = usage
                    .values()
                    .fold(0_i64, |sum, milli| sum.saturating_add(*milli));
                let average = sum / count(usage.len()).max(1);
                Ok(Ratio {
                    ratio: average as f64 / goal.max(1) as f64,
                    utilization: None,
                    average,
                })
            }
            Goal::Utilization(goal) => {
                let known = usage
                    .iter()
                    .filter_map(|(name, milli)| Some((*milli, *self.requests.get(name)?)));
                let (used, asked, pods) =
                    known.fold((0_i64, 0_i64, 0_i64), |(used, asked, pods), (milli, request)| {
                        (
                            used.saturating_add(milli),
                            asked.saturating_add(request),
                            pods + 1,
                        )
                    });
                if asked == 0 {
                    return Err("no metrics returned matched known pods".to_owned());
                }
                let utilization = used.saturating_mul(100) / asked;
                Ok(Ratio {
                    ratio: utilization as f64 / goal.max(1) as f64,
                    utilization: Some(utilization),
                    average: used / pods.max(1),
                })
            }
        }
    }

    /// Whether a pod is ready, or not just starting, so that its CPU usage means something.
    fn is_settled(&self, pod: &Value, measured: Timestamp, window: SignedDuration) -> bool {
        let ready = condition::find(pod, "Ready");
        let started = time::parse(meta::text_at(pod, "/status/startTime"));
        let (Some(ready), Some(started)) = (ready, started) else {
            return false;
        };
        let is_ready = meta::text(ready, "status") != "False";
        let since = time::parse(meta::text(ready, "lastTransitionTime")).unwrap_or(started);
        if started + CPU_INITIALIZATION > self.now {
            return is_ready && measured >= since.checked_add(window).unwrap_or(Timestamp::MAX);
        }
        is_ready || started + INITIAL_READINESS <= since
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a ratio of amounts times a number of pods, rounded up"
)]
fn times(ratio: f64, pods: usize) -> i64 {
    (ratio * pods as f64).ceil().min(f64::from(i32::MAX)) as i64
}

fn count(pods: usize) -> i64 {
    i64::try_from(pods).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::usage::Sample;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    /// A pod that runs since second 0: its name, phase, and since when it is ready or not.
    fn pod(name: &str, phase: &str, ready: &str, since: i64) -> Value {
        json!({
            "metadata": {"name": name},
            "status": {
                "phase": phase, "startTime": time::seconds(at(0)),
                "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": time::seconds(at(since))}],
            },
        })
    }

    /// Pods `a`, `b`, … that are ready, each using so much of a request of 1000.
    fn check(goal: Goal, usage: &[Option<i64>], others: &[Value], expected: Result<i64, &str>) {
        let names = ["a", "b", "c", "d"];
        let known = usage
            .iter()
            .zip(names)
            .map(|(_, name)| pod(name, "Running", "True", 0));
        let pods: Vec<Value> = known.chain(others.iter().cloned()).collect();
        let pods: Vec<&Value> = pods.iter().collect();
        let sample = |milli| Sample {
            milli,
            at: at(3000),
            window: SignedDuration::from_secs(30),
        };
        let mut samples: Samples<'_> = names
            .iter()
            .zip(usage)
            .filter_map(|(name, milli)| Some((*name, sample((*milli)?))))
            .collect();
        for other in others {
            samples.insert(meta::name(other), sample(1000));
        }
        let question = Question {
            goal,
            tolerance: Tolerance { up: 0.1, down: 0.1 },
            replicas: count(pods.len()),
            requests: pods.iter().map(|pod| (meta::name(pod), 1000)).collect(),
            pods: &pods,
            is_cpu: true,
            now: at(3600),
        };
        let answer = question.answer(&samples).map(|proposal| proposal.replicas);
        assert_eq!(answer, expected.map_err(str::to_owned), "{goal:?} {usage:?}");
    }

    #[test]
    fn replicas_follow_the_usage_beyond_the_tolerance() {
        let half = Goal::Utilization(50);
        check(half, &[Some(500), Some(500)], &[], Ok(2));
        check(half, &[Some(550), Some(540)], &[], Ok(2));
        check(half, &[Some(1000), Some(1000)], &[], Ok(4));
        check(half, &[Some(100), Some(100)], &[], Ok(1));
        check(Goal::AverageValue(250), &[Some(500), Some(1000)], &[], Ok(6));
        check(
            Goal::AverageValue(1000),
            &[Some(500), Some(100), Some(0)],
            &[],
            Ok(1),
        );
    }

    #[test]
    fn a_pod_without_metrics_counts_against_the_change() {
        let half = Goal::Utilization(50);
        // Growing: it counts as idle, and the growth is less.
        check(half, &[Some(1000), Some(1000), None], &[], Ok(4));
        check(half, &[Some(600), None], &[], Ok(2));
        // Shrinking: it counts as fully busy, which here would mean growing.
        check(half, &[Some(300), None], &[], Ok(2));
        check(
            Goal::AverageValue(1000),
            &[Some(100), Some(100), None],
            &[],
            Ok(2),
        );
        check(
            half,
            &[None],
            &[],
            Err("did not receive metrics for targeted pods (pods might be unready)"),
        );
        check(
            half,
            &[],
            &[],
            Err("no pods returned by selector while calculating replica count"),
        );
    }

    #[test]
    fn pods_that_are_not_ready_count_only_as_idle_ones_when_growing() {
        let half = Goal::Utilization(50);
        let never_ready = pod("x", "Running", "False", 10);
        let pending = pod("y", "Pending", "False", 10);
        check(half, &[Some(1000)], std::slice::from_ref(&never_ready), Ok(2));
        check(half, &[Some(1000)], &[never_ready, pending.clone()], Ok(3));
        check(half, &[Some(100)], &[pending], Ok(1));
        // It was ready once: what it uses counts.
        check(half, &[Some(1000)], &[pod("z", "Running", "False", 600)], Ok(4));
        let mut leaving = pod("z", "Running", "True", 0);
        leaving["metadata"]["deletionTimestamp"] = json!("1970-01-01T00:00:00Z");
        check(half, &[Some(500)], &[leaving], Ok(2));
    }
}
