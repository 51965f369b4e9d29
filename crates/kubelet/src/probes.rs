//! When the probes of a simulated container succeed and fail, from its specification and its script alone.
//!
//! A probe runs `initialDelaySeconds` after the start of its container and every `periodSeconds` after that; readiness
//! and liveness wait for startup. It succeeds unless the script says otherwise.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::behaviour::{Ready, Script};
use crate::pod::Container;
use crate::runtime::{Failure, Health, Probe};

/// The times of one probe, in seconds; the defaults are the API's.
#[derive(Clone, Copy, Debug)]
struct Times {
    initial: i64,
    period: i64,
    successes: i64,
    failures: i64,
}

/// What becomes of one run: the times at which something changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Course {
    started: Option<Timestamp>,
    ready: Option<Timestamp>,
    unready: Option<Timestamp>,
    /// When the liveness or startup probe has failed for good.
    killed: Option<(Timestamp, Probe)>,
}

/// What is known at a time about a run that began at `since`.
#[must_use]
pub(crate) fn health(container: &Container<'_>, script: &Script, since: Timestamp, now: Timestamp) -> Health {
    let course = course(container, script, since);
    let reached = |time: Option<Timestamp>| time.is_some_and(|time| time <= now);
    let mut health = Health {
        started: reached(course.started),
        ready: reached(course.ready) && !reached(course.unready),
        failures: Vec::new(),
        next: None,
    };
    let killed = course.killed.map(|(time, _)| time);
    let changes = [course.started, course.ready, course.unready, killed];
    health.next = changes.into_iter().flatten().filter(|time| *time > now).min();
    for (probe, failing) in [
        (Probe::Startup, !health.started),
        (Probe::Readiness, health.started && !health.ready),
        (Probe::Liveness, reached(killed)),
    ] {
        if let Some(failure) = latest_failure(container, probe, since, now).filter(|_| failing) {
            health.failures.push(failure);
        }
    }
    if let Some((at, probe)) = course.killed.filter(|(at, _)| *at <= now) {
        health.failures.retain(|failure| failure.probe != probe);
        health.failures.push(Failure {
            probe,
            message: message(container, probe),
            at,
            final_one: true,
        });
    }
    health
}

fn course(container: &Container<'_>, script: &Script, since: Timestamp) -> Course {
    let times = |probe: Probe| container.probe(probe.field()).map(Times::of);
    let mut course = Course::default();
    let startup = times(Probe::Startup);
    if script.never_started {
        // Without the probe nobody notices.
        let Some(startup) = startup else {
            course.started = Some(since);
            return course;
        };
        course.killed = Some((startup.failed(since, since), Probe::Startup));
        return course;
    }
    let begun = after(since, script.started.unwrap_or_default());
    let started = startup.map_or(begun, |times| times.first(since, begun));
    if let Some(startup) = startup {
        let failed = startup.failed(since, since);
        if started > failed {
            course.killed = Some((failed, Probe::Startup));
            return course;
        }
    }
    course.started = Some(started);
    let readiness = times(Probe::Readiness);
    course.ready = match script.ready {
        Some(Ready::Never) => None,
        wanted => {
            let wanted = match wanted {
                Some(Ready::After(span)) => after(since, span).max(started),
                _ => started,
            };
            Some(readiness.map_or(wanted, |times| times.succeeded(since, wanted)))
        }
    };
    if let Some(from) = script.unready {
        let from = after(since, from);
        course.unready = Some(readiness.map_or(from, |times| times.failed(since, from)));
    }
    if let (Some(from), Some(liveness)) = (script.unhealthy, times(Probe::Liveness)) {
        let from = after(since, from).max(started);
        course.killed = Some((liveness.failed(since, from), Probe::Liveness));
    }
    course
}

/// The last time until now that a failing probe ran.
fn latest_failure(
    container: &Container<'_>,
    probe: Probe,
    since: Timestamp,
    now: Timestamp,
) -> Option<Failure> {
    let times = Times::of(container.probe(probe.field())?);
    let first = crate::pod::later(since, times.initial);
    let passed = now.as_second() - first.as_second();
    (passed >= 0).then(|| Failure {
        probe,
        message: message(container, probe),
        at: crate::pod::later(first, passed / times.period * times.period),
        final_one: false,
    })
}

/// What a failing probe of this kind would say.
fn message(container: &Container<'_>, probe: Probe) -> String {
    let spec = container.probe(probe.field());
    let cause = match spec {
        Some(spec) if spec.get("httpGet").is_some() => "HTTP probe failed with statuscode: 500",
        Some(spec) if spec.get("tcpSocket").is_some() => "dial tcp: connect: connection refused",
        Some(spec) if spec.get("grpc").is_some() => "service unhealthy (responded with \"NOT_SERVING\")",
        _ => "command exited with 1",
    };
    format!("{} probe failed: {cause}", probe.title())
}

impl Times {
    fn of(probe: &Value) -> Self {
        let number = |field: &str, default: i64, least: i64| {
            let number = probe.get(field).and_then(Value::as_i64).unwrap_or(default);
            number.clamp(least, i64::from(i32::MAX))
        };
        Self {
            initial: number("initialDelaySeconds", 0, 0),
            period: number("periodSeconds", 10, 1),
            successes: number("successThreshold", 1, 1),
            failures: number("failureThreshold", 3, 1),
        }
    }

    /// The first probe that runs at a time or later.
    fn first(self, since: Timestamp, time: Timestamp) -> Timestamp {
        let begin = crate::pod::later(since, self.initial);
        if time <= begin {
            return begin;
        }
        let missing = time.as_millisecond() - begin.as_millisecond();
        let periods = (missing + self.period * 1000 - 1) / (self.period * 1000);
        crate::pod::later(begin, periods.saturating_mul(self.period))
    }

    /// When enough probes have succeeded, where they succeed from a time on.
    ///
    /// The kubelet tries readiness at once when a container has started, so a probe without a delay costs no period.
    fn succeeded(self, since: Timestamp, time: Timestamp) -> Timestamp {
        let more = (self.successes - 1).saturating_mul(self.period);
        crate::pod::later(self.first(since, time), more)
    }

    /// When enough probes have failed, where they fail from a time on.
    fn failed(self, since: Timestamp, time: Timestamp) -> Timestamp {
        let more = (self.failures - 1).saturating_mul(self.period);
        crate::pod::later(self.first(since, time), more)
    }
}

fn after(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.saturating_add(span).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::behaviour::parse;
    use crate::pod;

    /// The seconds at which a run of a container starts, is ready, is unready and is killed.
    fn course_of(spec: &Value, does: &str) -> [Option<i64>; 4] {
        let mut spec = spec.clone();
        spec["name"] = json!("c");
        let pod = json!({"spec": {"containers": [spec]}});
        let container = pod::containers(&pod).next().unwrap();
        let rules = match does {
            "" => String::new(),
            does => format!("rules: [{{does: [{does}]}}]"),
        };
        let script = parse(&rules).unwrap().script(&pod, &container);
        let course = course(&container, &script, Timestamp::UNIX_EPOCH);
        let second = |time: Option<Timestamp>| time.map(Timestamp::as_second);
        [
            second(course.started),
            second(course.ready),
            second(course.unready),
            second(course.killed.map(|(time, _)| time)),
        ]
    }

    #[test]
    fn probes_decide_when_a_container_is_ready_and_when_it_is_killed() {
        let readiness = json!({"readinessProbe": {"initialDelaySeconds": 5, "periodSeconds": 4}});
        let twice = json!({"readinessProbe": {"periodSeconds": 4, "successThreshold": 2}});
        let startup = json!({
            "startupProbe": {"periodSeconds": 5, "failureThreshold": 3},
            "readinessProbe": {"periodSeconds": 4},
        });
        let liveness = json!({"livenessProbe": {"periodSeconds": 10, "failureThreshold": 2}});
        for (spec, does, expected) in [
            (json!({}), "", [Some(0), Some(0), None, None]),
            (json!({}), "ready after 3s", [Some(0), Some(3), None, None]),
            (json!({}), "never ready", [Some(0), None, None, None]),
            (readiness.clone(), "", [Some(0), Some(5), None, None]),
            (
                readiness.clone(),
                "ready after 6s",
                [Some(0), Some(9), None, None],
            ),
            (
                readiness,
                "fails readiness after 30s",
                [Some(0), Some(5), Some(41), None],
            ),
            (twice, "", [Some(0), Some(4), None, None]),
            (
                startup.clone(),
                "started after 7s",
                [Some(10), Some(12), None, None],
            ),
            (startup.clone(), "started after 17s", [None, None, None, Some(10)]),
            (startup, "never started", [None, None, None, Some(10)]),
            (
                liveness.clone(),
                "fails liveness after 30s",
                [Some(0), Some(0), None, Some(40)],
            ),
            (liveness, "never started", [Some(0), None, None, None]),
            (json!({}), "fails liveness", [Some(0), Some(0), None, None]),
        ] {
            assert_eq!(course_of(&spec, does), expected, "{spec} {does}");
        }
    }
}
