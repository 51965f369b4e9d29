//! Releases under way: a task for each step that a status says is running, and none for any other.

use std::collections::BTreeMap;
use std::sync::Arc;

use artifact::SigningKey;
use cluster::run::Sickness;
use delivery::report::{self, Outcome};
use delivery::{Action, Name, World};
use futures::FutureExt as _;
use jiff::Timestamp;
use kinds::{Object, Promotion, StepState};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use super::carry::{Came, Means, Order};
use super::orders::{Key, order};
use super::outlines::Outlined;
use super::writes::Write;

/// How many releases of one tenant are under way in one cluster. Whose charts never become ready keeps only his own places.
const OF_TENANT: usize = 8;

/// What tasks tell the loop.
pub(super) enum Told {
    Outlined(Outlined),
    Ran {
        application: Name,
        key: Key,
        came: Came,
    },
    /// Whether what was applied fails already.
    Sick {
        application: Name,
        key: Key,
        sickness: Sickness,
    },
}

/// The releases under way.
pub(super) struct Runs {
    means: Means,
    key: Arc<SigningKey>,
    teller: mpsc::Sender<Told>,
    /// By tenant and cluster.
    places: BTreeMap<(String, String), Arc<Semaphore>>,
    /// By application, so that one is planned without looking at others.
    all: BTreeMap<Name, BTreeMap<Key, Run>>,
    tasks: JoinSet<()>,
}

enum Run {
    /// Dropping it stops the task.
    UnderWay {
        _stop: oneshot::Sender<()>,
        /// What was seen of it last.
        sickness: Sickness,
    },
    /// Not written yet.
    Ended(Came),
}

impl Runs {
    pub(super) fn new(means: Means, key: Arc<SigningKey>, teller: mpsc::Sender<Told>) -> Self {
        Self {
            means,
            key,
            teller,
            places: BTreeMap::new(),
            all: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    pub(super) fn finished(&mut self, application: &Name, key: &Key, came: Came) {
        if let Some(run) = self.run(application, key) {
            *run = Run::Ended(came);
        }
    }

    /// Takes note of how what was applied looks, and says whether that is news.
    pub(super) fn sick(&mut self, application: &Name, key: &Key, seen: Sickness) -> bool {
        match self.run(application, key) {
            Some(Run::UnderWay { sickness, .. }) if seen != Sickness::Unknown && *sickness != seen => {
                *sickness = seen;
                true
            }
            _ => false,
        }
    }

    fn run(&mut self, application: &Name, key: &Key) -> Option<&mut Run> {
        self.all.get_mut(application)?.get_mut(key)
    }

    /// What is to be written of the releases of an application that have ended, or fail already.
    pub(super) fn outcomes(&self, world: &World, name: &Name, now: Timestamp) -> Vec<Write> {
        let mut pages: BTreeMap<&Name, (&Object<Promotion>, Object<Promotion>)> = BTreeMap::new();
        for (key, run) in self.all.get(name).into_iter().flatten() {
            let Some(promotion) = world.promotion(&key.promotion) else {
                continue;
            };
            if !is_running(promotion, key) {
                continue;
            }
            let (_, page) = pages
                .entry(&key.promotion)
                .or_insert_with(|| (promotion, promotion.clone()));
            match run {
                Run::Ended(came) => report::finish(page, &outcome(key, came), now),
                Run::UnderWay { sickness, .. } => fail_already(page, key, sickness),
            }
        }
        let changed = pages
            .into_values()
            .filter(|(before, after)| before.status != after.status);
        changed
            .map(|(before, after)| Write::status(before.clone(), after, &[]))
            .collect()
    }

    /// Starts and stops releases of an application as its promotions say.
    pub(super) fn follow(&mut self, world: &World, name: &Name) {
        while self.tasks.try_join_next().is_some() {}
        let of = self.all.entry(name.clone()).or_default();
        of.retain(|key, _| {
            let promotion = world.promotion(&key.promotion);
            promotion.is_some_and(|one| is_running(one, key))
        });
        let mut missing = Vec::new();
        for promotion in world.all_promotions(name) {
            for step in &promotion.status.steps {
                let key = key(promotion, &step.cluster, &step.name);
                if let Some((key, action)) = key
                    && step.state == StepState::Running
                    && !of.contains_key(&key)
                {
                    missing.push((key, action));
                }
            }
        }
        for (key, action) in missing {
            self.start(world, name, key, action);
        }
        if self.all.get(name).is_some_and(BTreeMap::is_empty) {
            self.all.remove(name);
        }
    }

    fn start(&mut self, world: &World, name: &Name, key: Key, action: Action) {
        let Some(promotion) = world.promotion(&key.promotion) else {
            return;
        };
        let order = order(world, promotion, (action, &key.cluster), &self.key);
        let (stop, stopped) = oneshot::channel::<()>();
        let of = self.all.entry(name.clone()).or_default();
        of.insert(
            key.clone(),
            Run::UnderWay {
                _stop: stop,
                sickness: Sickness::Unknown,
            },
        );
        let (teller, application) = (self.teller.clone(), name.clone());
        let order = match order {
            Ok(order) => order,
            Err(why) => {
                let came = Came::failed(why);
                let told = Told::Ran {
                    application,
                    key,
                    came,
                };
                self.tasks.spawn(async move { drop(teller.send(told).await) });
                return;
            }
        };
        let place = (order.tenant.clone(), order.cluster.clone());
        let place = self
            .places
            .entry(place)
            .or_insert_with(|| Arc::new(Semaphore::new(OF_TENANT)));
        let (means, place) = (self.means.clone(), Arc::clone(place));
        self.tasks.spawn(async move {
            let sick = |sickness: Sickness| {
                // What is not told now is told a moment later.
                drop(teller.try_send(Told::Sick {
                    application: application.clone(),
                    key: key.clone(),
                    sickness,
                }));
            };
            let began = tokio::time::Instant::now();
            let came = caught(carried(&means, &order, (stopped, &place), sick)).await;
            if let Some(came) = came.unwrap_or_else(|bug| Some(Came::failed(bug))) {
                let failure = came.failure.as_deref().map(report::brief).unwrap_or_default();
                tracing::info!(promotion = %key.promotion, cluster = %key.cluster, action = key.action,
                    took_ms = began.elapsed().as_millis(), failure, "carried out");
                drop(
                    teller
                        .send(Told::Ran {
                            application,
                            key,
                            came,
                        })
                        .await,
                );
            }
        });
    }
}

/// What becomes of an order once it has its place; nothing, if it is stopped.
async fn carried(
    means: &Means,
    order: &Order,
    (stopped, place): (oneshot::Receiver<()>, &Semaphore),
    sick: impl Fn(Sickness),
) -> Option<Came> {
    let mut stopped = std::pin::pin!(async {
        let _ = stopped.await;
    });
    let _place = tokio::select! {
        biased;
        () = &mut stopped => return None,
        place = place.acquire() => place,
    };
    means.carry(order, stopped, sick).await
}

fn outcome(key: &Key, came: &Came) -> Outcome {
    Outcome {
        cluster: key.cluster.clone(),
        action: action(key.action).unwrap_or(Action::Apply),
        revision: came.revision,
        deleted: came.deleted,
        failure: came.failure.clone(),
        note: came.note.clone(),
    }
}

/// What a task comes to, or that it ended in a bug: what it was to do is then not done, and said to be.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    // What a task had in its hands is its own, and is dropped with it.
    let ended = std::panic::AssertUnwindSafe(work).catch_unwind().await;
    ended.map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        format!(
            "it ended in a bug: {}; report it with the chart",
            said.unwrap_or("it does not say which")
        )
    })
}

fn action(name: &str) -> Option<Action> {
    [Action::Apply, Action::PutBack]
        .into_iter()
        .find(|one| one.as_str() == name)
}

fn key(promotion: &Object<Promotion>, cluster: &str, name: &str) -> Option<(Key, Action)> {
    let action = action(name)?;
    let key = Key {
        promotion: Name::of(promotion),
        cluster: cluster.to_owned(),
        action: action.as_str(),
    };
    Some((key, action))
}

fn is_running(promotion: &Object<Promotion>, key: &Key) -> bool {
    promotion.status.steps.iter().any(|step| {
        step.cluster == key.cluster && step.name == key.action && step.state == StepState::Running
    })
}

/// Writes whether what was applied fails already. It may be well again: then nothing takes its place for that.
fn fail_already(promotion: &mut Object<Promotion>, key: &Key, sickness: &Sickness) {
    for step in &mut promotion.status.steps {
        let is_it =
            step.cluster == key.cluster && step.name == key.action && step.state == StepState::Running;
        match sickness {
            Sickness::Sick(why) if is_it => {
                step.failing = true;
                why.clone_into(&mut step.message);
            }
            Sickness::Well if is_it && step.failing => {
                step.failing = false;
                step.message.clear();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fails_already_is_told_and_taken_back_when_it_is_well() {
        let spec = json!({"application": "web", "artifact": "web-2", "stage": "staging", "by": "shipway", "created": ""});
        let mut promotion: Object<Promotion> =
            Object::new("web-2-staging", serde_json::from_value(spec).unwrap());
        promotion.status = serde_json::from_value(json!({"steps": [
            {"cluster": "a", "name": "apply", "state": "Running"},
            {"cluster": "b", "name": "apply", "state": "Running"}]}))
        .unwrap();
        let (of_a, _) = key(&promotion, "a", "apply").unwrap();
        let mut said = |sickness: Sickness| {
            fail_already(&mut promotion, &of_a, &sickness);
            let steps = promotion.status.steps.iter();
            steps
                .map(|step| (step.failing, step.message.clone()))
                .collect::<Vec<_>>()
        };
        let well = (false, String::new());
        let sick = (true, "crashes".to_owned());
        assert_eq!(said(Sickness::Well), [well.clone(), well.clone()]);
        assert_eq!(
            said(Sickness::Sick("crashes".to_owned())),
            [sick.clone(), well.clone()]
        );
        assert_eq!(said(Sickness::Unknown), [sick, well.clone()]);
        assert_eq!(said(Sickness::Well), [well.clone(), well]);
    }

    #[tokio::test]
    async fn a_task_that_ends_in_a_bug_says_so() {
        let bug = async |said: &str| -> u32 { panic!("no such {said}") };
        let told = caught(bug("place")).await.unwrap_err();
        assert_eq!(told, "it ended in a bug: no such place; report it with the chart");
        assert_eq!(caught(async { 7 }).await, Ok(7));
    }
}
