//! Pods whose node was away: what ran is gone, and the pods stay.

use std::collections::HashSet;

use jiff::Timestamp;
use kubelet::machine::{self, Look, Outcome};
use kubelet::runtime::{Begun, Doing, Exit, Health, Image, Refused, Run, Runtime, Stop};
use objects::{Key, Kind};
use serde_json::{Value, json};

use crate::stage::{Stage, pod};

/// A runtime in which nothing runs but what was started since the node is back.
#[derive(Default)]
struct Back(HashSet<(String, i64)>);

impl Runtime for Back {
    fn address(&mut self, _pod: &Value) -> Result<String, String> {
        Ok("10.9.9.9".to_owned())
    }

    fn has_sandbox(&mut self, _pod: &Value) -> bool {
        false
    }

    fn image(&mut self, _run: &Run<'_>, _now: Timestamp) -> Image {
        Image::Present
    }

    fn start(&mut self, run: &Run<'_>, now: Timestamp) -> Result<Begun, Refused> {
        self.0.insert((run.container.name().to_owned(), run.restarts));
        Ok(Begun::Running { since: now })
    }

    fn look(&mut self, run: &Run<'_>, now: Timestamp) -> Doing {
        if self.0.contains(&(run.container.name().to_owned(), run.restarts)) {
            let (started, ready) = (true, true);
            return Doing::Running(Health {
                started,
                ready,
                ..Health::default()
            });
        }
        Doing::Ended(Exit {
            code: 255,
            reason: "Unknown".to_owned(),
            message: String::new(),
            started: run.since,
            finished: now,
        })
    }

    fn stop(&mut self, run: &Run<'_>, _stop: Stop, now: Timestamp) -> Doing {
        self.look(run, now)
    }
}

/// What a kubelet makes of a pod that ran for half a minute before its node went away.
fn after_a_reboot(rules: &str, spec: Value) -> (Outcome, Vec<String>) {
    let mut stage = Stage::new(rules);
    stage.put(Kind::POD, pod(spec));
    stage.run(30);
    let pod = stage.pod().unwrap();
    let look = Look {
        key: &Key::of(Kind::POD, pod),
        pod,
        node: stage.world.find(&Kind::NODE, "", "node-1").unwrap(),
        world: &stage.world,
        now: stage.now,
        before: None,
    };
    let outcome = machine::step(look, &mut Back::default());
    let status = |field: &str| {
        outcome
            .status
            .get(field)
            .or_else(|| pod["status"].get(field))
            .cloned()
    };
    let lists = ["initContainerStatuses", "containerStatuses"];
    let states = lists.iter().filter_map(|list| status(list)).flat_map(|list| {
        let statuses = list.as_array().unwrap().clone();
        statuses.into_iter().map(|one| {
            let state = one["state"].as_object().unwrap().keys().next().cloned();
            let last = &one["lastState"]["terminated"]["exitCode"];
            format!(
                "{} {} {last} x{}",
                one["name"].as_str().unwrap(),
                state.unwrap(),
                one["restartCount"]
            )
        })
    });
    let states = states.collect();
    (outcome, states)
}

#[test]
fn containers_run_again_on_a_new_sandbox_without_a_back_off() {
    let (outcome, states) = after_a_reboot("rules: [{does: exit 1 after 1s 1 times}]", json!({}));
    assert_eq!(states, ["c \"running\" 255 x2".replace('"', "")]);
    assert_eq!(outcome.status["podIP"], "10.9.9.9");
    assert!(
        outcome
            .events
            .iter()
            .any(|event| event.reason == "SandboxChanged")
    );
    // One that waited to be tried again does not wait any longer.
    let (_, states) = after_a_reboot("rules: [{does: exit 1 after 1s}]", json!({}));
    assert_eq!(states, ["c running 1 x3"]);
}

#[test]
fn init_containers_run_again_first() {
    let side = json!({"name": "s", "image": "b", "restartPolicy": "Always"});
    let spec = json!({"initContainers": [{"name": "i", "image": "a"}, side]});
    let (_, states) = after_a_reboot("", spec);
    assert_eq!(states, ["i running 0 x1", "s waiting 255 x1", "c waiting 255 x1"]);
}

#[test]
fn what_is_over_or_never_restarts_does_not_come_back() {
    let (outcome, states) = after_a_reboot("rules: [{does: runs}]", json!({"restartPolicy": "Never"}));
    assert_eq!(states, ["c terminated null x0"]);
    assert_eq!(outcome.status["phase"], "Failed");
    assert_eq!(outcome.events, []);
    let done = json!({"restartPolicy": "OnFailure"});
    assert_eq!(after_a_reboot("", done).0, Outcome::default());
}
