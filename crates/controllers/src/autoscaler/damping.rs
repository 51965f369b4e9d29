//! What keeps an autoscaler from following every swing: stabilization windows, scaling policies, limits.
//!
//! The memory of recommendations and of changes is lost with the process; then the current number of replicas is the
//! only recommendation.

use jiff::{SignedDuration, Timestamp};
use objects::meta;
use serde_json::Value;

/// How long a recommendation holds against smaller ones, where the object does not say.
const DOWN_WINDOW_S: i64 = 300;
/// Without policies, one step at most doubles the replicas, or brings them to four.
const FACTOR: i64 = 2;
const SMALL: i64 = 4;
/// An hour's window of recommendations every 15 seconds, and some that come out of turn.
const MAX_REMEMBERED: usize = 512;

/// Which way, and by which rules.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rules {
    window: SignedDuration,
    select: Select,
    policies: Vec<Policy>,
    /// How far off the goal usage may be, where the object says so.
    pub tolerance: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Select {
    Most,
    Least,
    Disabled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Policy {
    percent: bool,
    value: i64,
    period: SignedDuration,
}

/// The object's `spec.behavior`: scaling up, scaling down.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Behavior {
    pub up: Rules,
    pub down: Rules,
}

/// What has been recommended and done.
#[derive(Debug, Default)]
pub(super) struct History {
    recommendations: Vec<(Timestamp, i64)>,
    up: Vec<(Timestamp, i64)>,
    down: Vec<(Timestamp, i64)>,
}

/// The numbers that a decision is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub current: i64,
    pub proposed: i64,
    pub min: i64,
    pub max: i64,
}

/// The reason and the message of a condition.
pub(super) type Told = (&'static str, &'static str);

/// What is left of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damped {
    pub replicas: i64,
    /// For the condition AbleToScale.
    pub able: Told,
    /// For the condition ScalingLimited.
    pub limited: bool,
    pub range: Told,
}

const READY: Told = ("ReadyForNewScale", "recommended size matches current size");
const STABILIZED_DOWN: Told = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
);
const STABILIZED_UP: Told = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
);
const WITHIN: Told = (
    "DesiredWithinRange",
    "the desired count is within the acceptable range",
);
const TOO_MANY: Told = (
    "TooManyReplicas",
    "the desired replica count is more than the maximum replica count",
);
const TOO_FEW: Told = (
    "TooFewReplicas",
    "the desired replica count is less than the minimum replica count",
);
const UP_LIMIT: Told = (
    "ScaleUpLimit",
    "the desired replica count is increasing faster than the maximum scale rate",
);
const DOWN_LIMIT: Told = (
    "ScaleDownLimit",
    "the desired replica count is decreasing faster than the maximum scale rate",
);

impl Behavior {
    /// Reads `spec.behavior`; `None` if the object has none.
    pub fn of(spec: &Value) -> Option<Self> {
        let behavior = spec.get("behavior").filter(|behavior| behavior.is_object())?;
        let double = Policy {
            percent: true,
            value: 100,
            period: SignedDuration::from_secs(15),
        };
        let four = Policy {
            percent: false,
            value: 4,
            ..double
        };
        Some(Self {
            up: Rules::of(&behavior["scaleUp"], 0, vec![double, four]),
            down: Rules::of(&behavior["scaleDown"], DOWN_WINDOW_S, vec![double]),
        })
    }
}

impl Rules {
    fn of(rules: &Value, window: i64, policies: Vec<Policy>) -> Self {
        let read = |policy: &Value| Policy {
            percent: policy["type"] == "Percent",
            value: meta::number_at(policy, "/value").unwrap_or_default(),
            period: SignedDuration::from_secs(meta::number_at(policy, "/periodSeconds").unwrap_or_default()),
        };
        let given: Vec<Policy> = meta::list_at(rules, "/policies").iter().map(read).collect();
        let tolerance = rules.get("tolerance").and_then(objects::Quantity::of);
        Self {
            window: SignedDuration::from_secs(
                meta::number_at(rules, "/stabilizationWindowSeconds").unwrap_or(window),
            ),
            select: match meta::text(rules, "selectPolicy") {
                "Min" => Select::Least,
                "Disabled" => Select::Disabled,
                _ => Select::Most,
            },
            policies: if given.is_empty() { policies } else { given },
            tolerance: tolerance.map(thousandths),
        }
    }

    fn longest_period(&self) -> SignedDuration {
        let periods = self.policies.iter().map(|policy| policy.period);
        periods.max().unwrap_or_default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of one, such as 0.1")]
fn thousandths(amount: objects::Quantity) -> f64 {
    amount.as_milli() as f64 / 1000.0
}

impl History {
    /// Notes the number of replicas that was there before anything was recommended.
    pub fn begin(&mut self, replicas: i64, now: Timestamp) {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, replicas));
        }
    }

    /// Notes a change that was made.
    pub fn changed(&mut self, behavior: Option<&Behavior>, from: i64, to: i64, now: Timestamp) {
        let Some(behavior) = behavior else { return };
        let (changes, rules) = if to > from {
            (&mut self.up, &behavior.up)
        } else {
            (&mut self.down, &behavior.down)
        };
        forget(changes, rules.longest_period(), now);
        changes.push((now, (to - from).abs()));
    }

    /// Takes back what [`History::changed`] noted: it was refused.
    pub fn not_changed(&mut self, from: i64, to: i64) {
        if to > from {
            self.up.pop()
        } else {
            self.down.pop()
        };
    }

    /// Damps a proposal and remembers it.
    pub fn damp(&mut self, behavior: Option<&Behavior>, numbers: Numbers, now: Timestamp) -> Damped {
        let window = SignedDuration::from_secs(DOWN_WINDOW_S);
        let (up, down) = behavior.map_or((SignedDuration::ZERO, window), |both| {
            (both.up.window, both.down.window)
        });
        let proposed = numbers.proposed;
        let within = |window| {
            let recent = self
                .recommendations
                .iter()
                .filter(move |(at, _)| now.duration_since(*at) < window);
            recent.map(|(_, replicas)| *replicas)
        };
        let highest = within(down).fold(proposed, i64::max);
        let (stable, told) = match behavior {
            None => (highest, STABILIZED_DOWN),
            Some(_) => {
                // No lower than what growth was always worth lately, no higher than what was ever.
                let lowest = within(up).fold(proposed, i64::min);
                let growing = proposed >= numbers.current;
                let told = if growing { STABILIZED_UP } else { STABILIZED_DOWN };
                (numbers.current.max(lowest).min(highest), told)
            }
        };
        forget(&mut self.recommendations, up.max(down), now);
        self.recommendations.push((now, proposed));
        let numbers = Numbers {
            proposed: stable,
            ..numbers
        };
        let (replicas, range) = match behavior {
            None => limit_simply(numbers),
            Some(behavior) => self.limit(behavior, numbers, now),
        };
        Damped {
            replicas,
            able: if stable == proposed { READY } else { told },
            limited: replicas != stable,
            range,
        }
    }

    /// The replicas that there were at the start of a policy's period.
    fn at_start(&self, current: i64, now: Timestamp) -> impl Fn(Policy) -> i64 {
        move |policy| {
            let sum = |changes: &[(Timestamp, i64)]| -> i64 {
                let recent = changes
                    .iter()
                    .filter(|(at, _)| now.duration_since(*at) < policy.period);
                recent.map(|(_, change)| change).sum()
            };
            current - sum(&self.up) + sum(&self.down)
        }
    }

    fn limit(&self, behavior: &Behavior, numbers: Numbers, now: Timestamp) -> (i64, Told) {
        let Numbers {
            current,
            proposed,
            min,
            max,
        } = numbers;
        if proposed > current {
            let most = highest(&behavior.up, current, self.at_start(current, now)).max(current);
            let (bound, told) = if max > most {
                (most, UP_LIMIT)
            } else {
                (max, TOO_MANY)
            };
            if proposed > bound {
                return (bound, told);
            }
        } else if proposed < current {
            let least = lowest(&behavior.down, current, self.at_start(current, now)).min(current);
            let (bound, told) = if min < least {
                (least, DOWN_LIMIT)
            } else {
                (min, TOO_FEW)
            };
            if proposed < bound {
                return (bound, told);
            }
        }
        (proposed, WITHIN)
    }
}

fn forget(entries: &mut Vec<(Timestamp, i64)>, window: SignedDuration, now: Timestamp) {
    entries.retain(|(at, _)| now.duration_since(*at) <= window);
    let excess = (entries.len() + 1).saturating_sub(MAX_REMEMBERED);
    entries.drain(..excess);
}

fn limit_simply(numbers: Numbers) -> (i64, Told) {
    let most = (FACTOR * numbers.current).max(SMALL);
    let (bound, told) = if numbers.max > most {
        (most, UP_LIMIT)
    } else {
        (numbers.max, TOO_MANY)
    };
    if numbers.proposed < numbers.min {
        (numbers.min, TOO_FEW)
    } else if numbers.proposed > bound {
        (bound, told)
    } else {
        (numbers.proposed, WITHIN)
    }
}

/// The most replicas that the policies allow now.
fn highest(rules: &Rules, current: i64, at_start: impl Fn(Policy) -> i64) -> i64 {
    let allowed = rules.policies.iter().map(|policy| {
        let start = at_start(*policy);
        if policy.percent {
            // Rounded up, or few replicas would never grow.
            start + (start * policy.value + 99).div_euclid(100)
        } else {
            start + policy.value
        }
    });
    match rules.select {
        Select::Disabled => None,
        Select::Least => allowed.min(),
        Select::Most => allowed.max(),
    }
    .unwrap_or(current)
}

/// The fewest replicas that the policies allow now.
fn lowest(rules: &Rules, current: i64, at_start: impl Fn(Policy) -> i64) -> i64 {
    let allowed = rules.policies.iter().map(|policy| {
        let start = at_start(*policy);
        if policy.percent {
            (start * (100 - policy.value)).div_euclid(100)
        } else {
            start - policy.value
        }
    });
    match rules.select {
        Select::Disabled => None,
        Select::Least => allowed.max(),
        Select::Most => allowed.min(),
    }
    .unwrap_or(current)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn numbers(current: i64, proposed: i64) -> Numbers {
        Numbers {
            current,
            proposed,
            min: 1,
            max: 100,
        }
    }

    #[test]
    fn without_behavior_steps_up_are_bounded_and_steps_down_wait_five_minutes() {
        let mut history = History::default();
        history.begin(2, at(0));
        let up = history.damp(None, numbers(2, 50), at(0));
        assert_eq!(
            (up.replicas, up.able, up.range, up.limited),
            (4, READY, UP_LIMIT, true)
        );
        let up = history.damp(None, numbers(10, 50), at(15));
        assert_eq!(up.replicas, 20);
        let held = history.damp(None, numbers(20, 5), at(30));
        assert_eq!((held.able, held.replicas), (STABILIZED_DOWN, 40));
        let down = history.damp(None, numbers(20, 5), at(400));
        assert_eq!((down.able, down.replicas, down.range), (READY, 5, WITHIN));
        let many = Numbers {
            max: 3,
            ..numbers(2, 50)
        };
        assert_eq!(history.damp(None, many, at(401)).range, TOO_MANY);
        let few = Numbers {
            min: 4,
            ..numbers(5, 1)
        };
        assert_eq!(History::default().damp(None, few, at(0)).range, TOO_FEW);
    }

    #[test]
    fn policies_bound_what_happens_within_their_period() {
        let behavior = Behavior::of(&json!({"behavior": {
            "scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]},
            "scaleDown": {
                "stabilizationWindowSeconds": 0,
                "policies": [
                    {"type": "Percent", "value": 10, "periodSeconds": 60},
                    {"type": "Pods", "value": 5, "periodSeconds": 60},
                ],
                "selectPolicy": "Min",
            },
        }}));
        let behavior = behavior.as_ref();
        let mut history = History::default();
        let first = history.damp(behavior, numbers(10, 50), at(0));
        assert_eq!((first.replicas, first.range), (12, UP_LIMIT));
        history.changed(behavior, 10, 12, at(0));
        assert_eq!(history.damp(behavior, numbers(12, 50), at(15)).replicas, 12);
        assert_eq!(history.damp(behavior, numbers(12, 50), at(61)).replicas, 14);
        let down = history.damp(behavior, numbers(100, 1), at(200));
        assert_eq!((down.replicas, down.range), (95, DOWN_LIMIT));
        history.changed(behavior, 100, 95, at(200));
        assert_eq!(history.damp(behavior, numbers(95, 1), at(215)).replicas, 95);
        history.not_changed(100, 95);
        assert_eq!(history.damp(behavior, numbers(95, 1), at(216)).replicas, 90);
    }

    #[test]
    fn a_window_for_growth_takes_the_least_of_it_and_disabled_means_never() {
        let behavior = Behavior::of(&json!({"behavior": {
            "scaleUp": {"stabilizationWindowSeconds": 60, "tolerance": "0.05"},
            "scaleDown": {"selectPolicy": "Disabled"},
        }}));
        let behavior = behavior.as_ref();
        let mut history = History::default();
        history.begin(2, at(0));
        let held = history.damp(behavior, numbers(2, 8), at(15));
        assert_eq!((held.replicas, held.able), (2, STABILIZED_UP));
        assert_eq!(history.damp(behavior, numbers(2, 8), at(61)).replicas, 6);
        let never = history.damp(behavior, numbers(8, 1), at(9999));
        assert_eq!((never.replicas, never.range), (8, DOWN_LIMIT));
        assert_eq!(behavior.and_then(|both| both.up.tolerance), Some(0.05));
    }
}
