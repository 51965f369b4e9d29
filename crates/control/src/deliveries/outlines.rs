//! What promotions would do, asked of the clusters: shown to people, and held against what they agreed to before it begins.
//!
//! ```text
//! Look, Begin ──► a task for the promotion ──► ClusterPlan of each cluster ──► the promotion is planned again, and takes it
//! ```
//!
//! An outline is for one promotion at one version of it and is taken once; what was decided meanwhile counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use artifact::SigningKey;
use delivery::{Action, Admitted, Case, Name, Step, World, admit, gate, report, shown_digest};
use jiff::Timestamp;
use kinds::condition::{self, Condition, READY, reason};
use kinds::{ClusterPlan, Object, Promotion};
use objects::time;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::carry::{Means, Order};
use super::orders::order;
use super::runs::Told;
use crate::error::Error;

/// Outlines under way and made.
pub(super) struct Outlines {
    means: Means,
    key: Arc<SigningKey>,
    teller: mpsc::Sender<Told>,
    /// By application and promotion.
    all: BTreeMap<Name, BTreeMap<Name, Outline>>,
    tasks: JoinSet<()>,
    last: u64,
}

struct Outline {
    /// Another one for every time that it is asked for.
    number: u64,
    made: Option<Made>,
}

/// What clusters say, or why they don't.
pub(super) type Made = Result<Vec<ClusterPlan>, String>;

/// What a task found out.
pub(super) struct Outlined {
    application: Name,
    promotion: Name,
    number: u64,
    made: Made,
}

impl Outlines {
    pub(super) fn new(means: Means, key: Arc<SigningKey>, teller: mpsc::Sender<Told>) -> Self {
        Self {
            means,
            key,
            teller,
            all: BTreeMap::new(),
            tasks: JoinSet::new(),
            last: 0,
        }
    }

    /// Takes note of what a task found out, and says whose plan it is for.
    pub(super) fn take(&mut self, outlined: Outlined) -> Option<Name> {
        while self.tasks.try_join_next().is_some() {}
        let of = self.all.get_mut(&outlined.application)?;
        let outline = of.get_mut(&outlined.promotion)?;
        if outline.number != outlined.number {
            return None;
        }
        outline.made = Some(outlined.made);
        Some(outlined.application)
    }

    /// The outline of a promotion, once; it is begun if there is none.
    pub(super) fn of(&mut self, world: &World, promotion: &Name) -> Option<Made> {
        let object = world.promotion(promotion)?;
        let application = promotion.beside(&object.spec.application);
        let of = self.all.entry(application.clone()).or_default();
        match of.get_mut(promotion) {
            Some(Outline { made: None, .. }) => return None,
            Some(Outline { made, .. }) => {
                let made = made.take();
                of.remove(promotion);
                return made;
            }
            None => {}
        }
        let stage = world.stage(&object.spec.stage)?;
        // What was never there deletes nothing, and where nobody has to agree nobody has to see it.
        let is_first = world.current(&application, &object.spec.stage).is_none();
        if is_first && stage.spec.gates.approvals.is_none() {
            return Some(Ok(Vec::new()));
        }
        let clusters = gate::clusters(world, &application, stage);
        let orders: Result<Vec<Order>, String> = clusters
            .iter()
            .map(|cluster| order(world, object, (Action::Apply, cluster), &self.key))
            .collect();
        self.last += 1;
        let number = self.last;
        of.insert(promotion.clone(), Outline { number, made: None });
        let (means, teller, promotion) = (self.means.clone(), self.teller.clone(), promotion.clone());
        self.tasks.spawn(async move {
            let made = match orders {
                Ok(orders) => outlines(&means, &orders).await,
                Err(why) => Err(why),
            };
            let outlined = Outlined {
                application,
                promotion,
                number,
                made,
            };
            drop(teller.send(Told::Outlined(outlined)).await);
        });
        None
    }

    /// Forgets what is not asked for any more.
    pub(super) fn keep_only(&mut self, application: &Name, asked: &BTreeSet<Name>) {
        if let Some(of) = self.all.get_mut(application) {
            of.retain(|promotion, _| asked.contains(promotion));
            if of.is_empty() {
                self.all.remove(application);
            }
        }
    }
}

async fn outlines(means: &Means, orders: &[Order]) -> Made {
    let all = orders.iter().map(|order| async move {
        let made = means.outline(order).await;
        made.map_err(|error: Error| format!("{}: {}", order.cluster, error.told()))
    });
    futures::future::join_all(all).await.into_iter().collect()
}

/// Writes into a promotion what it would do.
pub(super) fn show(page: &mut Object<Promotion>, world: &World, made: Made, now: Timestamp) {
    let plans = match made {
        Ok(plans) => plans,
        Err(why) => return not_known(page, &why, now),
    };
    let Ok(case) = Case::of(world, page, now) else {
        return;
    };
    let digest = shown_digest(&case, &plans);
    page.status.plan = plans;
    page.status.planned = Some(time::seconds(now));
    page.status.plan_digest = digest.to_string();
}

/// Begins a promotion, if what it does now is what it may.
pub(super) fn begin(
    page: &mut Object<Promotion>,
    world: &World,
    made: Made,
    (step, now): (&Step, Timestamp),
) {
    let plans = match made {
        Ok(plans) => plans,
        // Nobody had to see it, so it is tried, and fails with the same words where they are looked for.
        Err(_) if !is_agreed_to(step) => Vec::new(),
        Err(why) => return not_known(page, &why, now),
    };
    let Ok(case) = Case::of(world, page, now) else {
        return;
    };
    match admit(&case, &plans) {
        Admitted::Go => report::record(page, step, now),
        Admitted::Show { .. } => show(page, world, Ok(plans), now),
    }
}

fn is_agreed_to(step: &Step) -> bool {
    matches!(step, Step::Begin { agreed: Some(_), .. })
}

/// Says of a promotion into a pair that it waits for who carries rollouts out.
pub(super) fn cannot(page: &mut Object<Promotion>, pair: &str, now: Timestamp) {
    let message = format!(
        "every gate is open; a rollout over the cluster pair {pair} is not carried out by this version"
    );
    not_ready(page, reason::WAITING, message, now);
}

/// Says of a promotion why it can't be said what it would do.
fn not_known(page: &mut Object<Promotion>, why: &str, now: Timestamp) {
    let message = format!("what it would do can't be found out: {why}");
    not_ready(page, reason::REFUSED_BY_CLUSTER, message, now);
}

fn not_ready(page: &mut Object<Promotion>, why: &'static str, message: String, now: Timestamp) {
    let said = Condition::of(READY, page.metadata.generation, ("False", why, message));
    condition::set(&mut page.status.conditions, said, now);
}
