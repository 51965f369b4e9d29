//! Releases under way: a task for each step that a status says is running, and none for any other.

use std::collections::BTreeMap;
use std::sync::Arc;

use artifact::SigningKey;
use delivery::report::{self, Outcome};
use delivery::{Action, Name, World};
use jiff::Timestamp;
use kinds::{Object, Promotion, StepState};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use super::carry::{Came, Means};
use super::orders::{Key, order};
use super::outlines::Outlined;
use super::standings::Found;
use super::writes::Write;

/// How many releases of one tenant are under way in one cluster. Whose charts never become ready keeps only his own places.
const OF_TENANT: usize = 8;

/// What tasks tell the loop.
pub(super) enum Told {
    Outlined(Outlined),
    Stands(Found),
    Ran {
        application: Name,
        key: Key,
        came: Came,
    },
    /// What was applied fails already.
    Sick {
        application: Name,
        key: Key,
        why: String,
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
        sick: Option<String>,
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

    pub(super) fn sick(&mut self, application: &Name, key: &Key, why: String) {
        if let Some(Run::UnderWay { sick, .. }) = self.run(application, key) {
            *sick = Some(why);
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
                Run::UnderWay { sick: Some(why), .. } => fail_already(page, key, why),
                Run::UnderWay { .. } => {}
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
                sick: None,
            },
        );
        let (teller, application) = (self.teller.clone(), name.clone());
        let order = match order {
            Ok(order) => order,
            Err(why) => {
                let came = Came {
                    failure: Some(why),
                    ..Came::default()
                };
                self.tasks.spawn(async move {
                    drop(
                        teller
                            .send(Told::Ran {
                                application,
                                key,
                                came,
                            })
                            .await,
                    );
                });
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
            let mut stopped = std::pin::pin!(async {
                let _ = stopped.await;
            });
            let _place = tokio::select! {
                biased;
                () = &mut stopped => return,
                place = place.acquire() => place,
            };
            let sick = |why: String| {
                // One that is not told is told a moment later.
                drop(teller.try_send(Told::Sick {
                    application: application.clone(),
                    key: key.clone(),
                    why,
                }));
            };
            let began = tokio::time::Instant::now();
            if let Some(came) = means.carry(&order, stopped, sick).await {
                tracing::info!(promotion = %key.promotion, cluster = %key.cluster, action = key.action,
                    took_ms = began.elapsed().as_millis(), failure = came.failure.as_deref().unwrap_or_default(),
                    "carried out");
                drop(teller.send(Told::Ran { application, key, came }).await);
            }
        });
    }
}

fn outcome(key: &Key, came: &Came) -> Outcome {
    Outcome {
        cluster: key.cluster.clone(),
        action: action(key.action).unwrap_or(Action::Apply),
        revision: came.revision,
        deleted: came.deleted,
        failure: came.failure.clone(),
    }
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

fn fail_already(promotion: &mut Object<Promotion>, key: &Key, why: &str) {
    for step in &mut promotion.status.steps {
        if step.cluster == key.cluster && step.name == key.action && step.state == StepState::Running {
            step.failing = true;
            why.clone_into(&mut step.message);
        }
    }
}
