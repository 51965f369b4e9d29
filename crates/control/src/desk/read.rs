//! What people look at: the board, explanations, promotions, history, freezes, measures. From the books alone, and of what the
//! caller may see.

use delivery::{Name, Row, Span, Thing, World, explain, explain_to, stats};
use jiff::{SignedDuration, Timestamp};
use kinds::{Object, Promotion};
use model::Digest;
use tokio::time::{Duration, Instant, sleep, timeout_at};

use super::Desk;
use super::refused::Refused;
use super::shown::{
    BoardShown, ExplanationShown, FreezeShown, HistoryShown, PromotionShown, StatsShown, time,
};
use crate::access::Caller;
use crate::books::Overview;

/// How long a board that does not change is waited for: below what proxies cut.
const WATCHED: Duration = Duration::from_secs(25);

/// Changes come in crowds; so long a watched board is left alone after one.
const CROWD: Duration = Duration::from_millis(100);

/// The most promotions of a history.
const HISTORY: usize = 100;

/// The longest time that is measured over.
const DAYS: i64 = 366;

/// Which rows of the board.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub tenant: Option<String>,
    /// As in `payments/api`.
    pub application: Option<String>,
}

/// What is measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Up to now.
    pub days: Option<i64>,
    /// The stages that count as production; by default those that nothing comes after.
    pub stages: Vec<String>,
    pub tenant: Option<String>,
}

impl Desk {
    /// The board. With the version of one that was seen, it waits for another one, for a while.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn board(
        &self,
        caller: &Caller,
        rows: &Rows,
        seen: Option<&str>,
    ) -> Result<BoardShown, Refused> {
        let until = Instant::now() + WATCHED;
        let mut changes = self.books.changes();
        loop {
            changes.mark_unchanged();
            let shown = board_of(self.books.overview().await?.as_ref(), caller, rows);
            let is_new = seen.is_none_or(|seen| seen != shown.version);
            if is_new || Instant::now() >= until {
                return Ok(shown);
            }
            // Time alone opens gates too, which the loops then write.
            let _ = timeout_at(until, changes.changed()).await;
            sleep(CROWD).await;
        }
    }

    /// Why something is not there yet.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn explain(&self, caller: &Caller, thing: Thing) -> Result<ExplanationShown, Refused> {
        let who = caller.clone();
        let named = thing.clone();
        let found = self.books.ask(move |world, now| {
            let sees = |namespace: &str| who.sees(world, namespace);
            let mut explanation = explain_to(world, &thing, now, &sees)?;
            explanation.blockers.retain(|one| match one.of.split_once('/') {
                Some((namespace, _)) => sees(namespace),
                None => true,
            });
            Some(ExplanationShown::of(explanation))
        });
        found.await?.ok_or_else(|| missing(&named))
    }

    /// A promotion.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn promotion(&self, name: &Name) -> Result<PromotionShown, Refused> {
        let wanted = name.clone();
        let found = self.books.ask(move |world, now| {
            let promotion = world.promotion(&wanted)?;
            Some(promotion_of(world, promotion, now))
        });
        found.await?.ok_or_else(|| Refused::none("promotion", name))
    }

    /// What became of an application.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn history(&self, name: &Name) -> Result<HistoryShown, Refused> {
        let wanted = name.clone();
        let found = self.books.ask(move |world, now| {
            world.application(&wanted)?;
            let mut all: Vec<&Object<Promotion>> = world.all_promotions(&wanted).collect();
            let key = |one: &Object<Promotion>| {
                let metadata = &one.metadata;
                (metadata.creation_timestamp.clone(), metadata.name.clone())
            };
            all.sort_by_key(|one| std::cmp::Reverse(key(one)));
            let shown = all.into_iter().take(HISTORY);
            Some(HistoryShown {
                application: wanted.to_string(),
                promotions: shown.map(|one| promotion_of(world, one, now)).collect(),
            })
        });
        found.await?.ok_or_else(|| Refused::none("application", name))
    }

    /// The freezes that the caller has something to do with: those for everybody, and those of his tenants.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn freezes(&self, caller: &Caller) -> Result<Vec<FreezeShown>, Refused> {
        let who = caller.clone();
        let shown = self.books.ask(move |world, now| {
            let seen = world.windows().filter(|(name, _)| {
                name.namespace == world.system_namespace() || who.sees(world, &name.namespace)
            });
            let freeze = |(name, window): (&Name, &delivery::Window)| {
                let on = window.on(now);
                let span = on.or_else(|| window.next(now));
                FreezeShown {
                    name: name.to_string(),
                    reason: window.object.spec.reason.clone(),
                    from: time(span.map(|span| span.from)),
                    to: time(span.map(|span| span.to)),
                    on: on.is_some() || window.mistake().is_some(),
                    stages: window.object.spec.stages.clone(),
                }
            };
            seen.map(freeze).collect()
        });
        Ok(shown.await?)
    }

    /// DORA's measures.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn stats(&self, caller: &Caller, measured: Measured) -> Result<StatsShown, Refused> {
        let days = measured.days.unwrap_or(30);
        if !(1..=DAYS).contains(&days) {
            return Err(Refused::Invalid {
                problem: format!("{days} days can't be measured over"),
                cure: format!("from 1 to {DAYS}, as `--days 30`"),
            });
        }
        let who = caller.clone();
        let shown = self.books.ask(move |world, now| {
            let stages = match measured.stages.is_empty() {
                true => last_stages(world),
                false => measured.stages,
            };
            let from = now.checked_sub(SignedDuration::from_hours(24 * days));
            let span = Span {
                from: from.unwrap_or(Timestamp::MIN),
                to: now,
            };
            let names: Vec<&str> = stages.iter().map(String::as_str).collect();
            let wanted = measured.tenant.as_deref();
            let changes = stats::history(world, &names, |application| {
                let tenant = world.tenant_of(&application.namespace);
                let tenant = tenant.map(|one| one.metadata.name.as_str()).unwrap_or_default();
                wanted.is_none_or(|wanted| wanted == tenant) && who.sees(world, &application.namespace)
            });
            let stats = stats::stats(&changes, span);
            let by_name = stats.applications.into_iter();
            StatsShown {
                from: span.from.to_string(),
                to: span.to.to_string(),
                stages,
                tenants: stats.tenants,
                applications: by_name
                    .map(|(name, measures)| (name.to_string(), measures))
                    .collect(),
            }
        });
        Ok(shown.await?)
    }
}

/// The rows that a caller asked for, of those that he may see.
fn board_of(overview: &Overview, caller: &Caller, rows: &Rows) -> BoardShown {
    let is_shown = |row: &Row| {
        let of_tenant = rows.tenant.as_ref().is_none_or(|tenant| *tenant == row.tenant);
        let is_asked = rows
            .application
            .as_ref()
            .is_none_or(|name| *name == row.application.to_string());
        of_tenant && is_asked && overview.is_for(caller, row)
    };
    let mut shown = BoardShown::of(&overview.board, is_shown);
    let text = serde_json::to_vec(&shown).unwrap_or_default();
    shown.version = Digest::of(&text).hex()[..16].to_owned();
    shown
}

pub(super) fn promotion_of(world: &World, promotion: &Object<Promotion>, now: Timestamp) -> PromotionShown {
    let application = Name::new(&promotion.metadata.namespace, &promotion.spec.application);
    let version = world
        .artifact(&application, &promotion.spec.artifact)
        .map_or_else(
            || promotion.status.version.clone(),
            |one| one.version().to_owned(),
        );
    let state = explain(world, &Thing::Promotion(Name::of(promotion)), now);
    let state = state.map(|one| one.state).unwrap_or_default();
    PromotionShown::of(promotion, version, state)
}

/// The stages that nothing comes after: what is there is in production.
pub(super) fn last_stages(world: &World) -> Vec<String> {
    let names = world.route().map(|stage| stage.metadata.name.clone());
    let is_last = |name: &String| {
        let mut all = world.route();
        all.all(|other| other.spec.after.as_ref() != Some(name))
    };
    names.filter(is_last).collect()
}

fn missing(thing: &Thing) -> Refused {
    match thing {
        Thing::Application(name) => Refused::none("application", name),
        Thing::Artifact(name) => Refused::none("artifact", name),
        Thing::Promotion(name) => Refused::none("promotion", name),
        Thing::Stage(name) => Refused::none("stage", name),
        Thing::FreezeWindow(name) => Refused::none("freezewindow", name),
    }
}
