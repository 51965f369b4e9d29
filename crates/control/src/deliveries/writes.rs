//! What the loop writes into the hub: promotions, and what follows from them in the statuses of applications and artifacts.
//!
//! A decision stands in the audit log before it counts: a kill between the two leaves a line about something that is decided
//! again, and never something that was done without a line.

use std::collections::BTreeMap;

use delivery::audit::Record;
use delivery::report::{self, Stands, Traces};
use delivery::{BY_ITSELF, Because, Name, Step, World};
use jiff::Timestamp;
use kinds::condition;
use kinds::{
    Application, ApplicationStatus, Artifact, ArtifactStatus, FreezeWindow, FreezeWindowStatus, Hold, Object,
    Promotion, Stage, StageStatus,
};
use serde_json::json;

use crate::audit::AuditLog;
use crate::error::Error;
use crate::hub::Hub;

/// One write.
#[derive(Debug)]
pub(super) struct Write {
    what: What,
    /// What the audit log says of it.
    lines: Vec<Line>,
}

#[derive(Debug)]
enum What {
    Create(Box<Object<Promotion>>),
    Hold(Box<Object<Application>>, Hold),
    Promotion(Box<(Object<Promotion>, Object<Promotion>)>),
    Artifact(Box<Object<Artifact>>, ArtifactStatus),
    Application(Box<Object<Application>>, ApplicationStatus),
    Stage(Box<Object<Stage>>, StageStatus),
    Window(Box<Object<FreezeWindow>>, FreezeWindowStatus),
    /// A promotion that ended long ago goes.
    Forget(Name),
}

/// A line of the audit log, but for its time.
#[derive(Debug)]
struct Line {
    what: String,
    plan: Option<model::Digest>,
    why: String,
}

/// An object as the hub answered that it is.
#[derive(Debug)]
pub(super) enum Written {
    Promotion(Object<Promotion>),
    Artifact(Object<Artifact>),
    Application(Object<Application>),
    Stage(Object<Stage>),
    Window(Object<FreezeWindow>),
}

/// Who writes. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    pub(super) hub: Hub,
    pub(super) audit: AuditLog,
    pub(super) clock: fn() -> Timestamp,
}

impl Write {
    pub(super) fn create(promotion: &Object<Promotion>, because: &Because) -> Self {
        let line = Line {
            what: format!("create promotion {}", Name::of(promotion)),
            plan: None,
            why: because.message.clone(),
        };
        Self {
            what: What::Create(Box::new(promotion.clone())),
            lines: vec![line],
        }
    }

    fn plain(what: What) -> Self {
        let lines = Vec::new();
        Self { what, lines }
    }

    /// `None` if the application is gone.
    pub(super) fn hold(world: &World, name: &Name, hold: &Hold, because: &Because) -> Option<Self> {
        let application = world.application(name)?;
        let line = Line {
            what: format!("hold {name} in {}", hold.stage),
            plan: None,
            why: because.message.clone(),
        };
        Some(Self {
            what: What::Hold(Box::new(application.clone()), hold.clone()),
            lines: vec![line],
        })
    }

    /// The status of a promotion, with the steps that it is written for.
    pub(super) fn status(before: Object<Promotion>, after: Object<Promotion>, steps: &[Step]) -> Self {
        let own = Name::of(&before);
        // A step that was planned and came to nothing yet is no decision.
        let has_begun = before.status.phase != after.status.phase;
        let lines = steps
            .iter()
            .filter(|step| step.promotion().as_ref() == Some(&own));
        let lines = lines
            .filter_map(|step| line(&own, &after, step, has_begun))
            .collect();
        Self {
            what: What::Promotion(Box::new((before, after))),
            lines,
        }
    }
}

fn line(own: &Name, after: &Object<Promotion>, step: &Step, has_begun: bool) -> Option<Line> {
    let (what, because) = match step {
        Step::Begin { because, .. } if has_begun => ("begin".to_owned(), because),
        Step::Perform {
            action,
            clusters,
            because,
            ..
        } => (
            format!("{} in {} by", action.as_str(), clusters.join(", ")),
            because,
        ),
        Step::End { phase, because, .. } => (format!("end as {phase:?}"), because),
        _ => return None,
    };
    Some(Line {
        what: format!("{what} promotion {own}"),
        plan: after.status.plan_digest.parse().ok(),
        why: because.message.clone(),
    })
}

impl Writer {
    /// Writes in order, up to the first that fails.
    pub(super) async fn write(&self, writes: Vec<Write>) -> (Vec<Written>, Option<Error>) {
        let mut written = Vec::with_capacity(writes.len());
        for write in writes {
            match self.one(write).await {
                Ok(Some(one)) => written.push(one),
                Ok(None) => {}
                Err(error) => return (written, Some(error)),
            }
        }
        (written, None)
    }

    async fn one(&self, write: Write) -> Result<Option<Written>, Error> {
        // What is there already was decided already, and gets no line again.
        if let What::Create(promotion) = &write.what
            && let Some(there) = self.there(promotion).await?
        {
            return Ok(Some(Written::Promotion(there)));
        }
        for line in write.lines {
            let record = Record {
                time: (self.clock)(),
                who: BY_ITSELF.to_owned(),
                what: line.what,
                plan: line.plan,
                why: line.why,
                outcome: "decided".to_owned(),
            };
            self.audit.append(record).await?;
        }
        let hub = &self.hub;
        Ok(match write.what {
            What::Create(promotion) => match hub.create(&promotion).await? {
                Some(made) => Some(Written::Promotion(made)),
                // Somebody was faster; the feed may not know yet.
                None => self.there(&promotion).await?.map(Written::Promotion),
            },
            What::Hold(application, hold) => {
                let mut holds = application.spec.holds.clone();
                holds.retain(|one| one.stage != hold.stage);
                holds.push(hold);
                let fields = json!({"holds": holds});
                hub.set_spec(&application, &fields)
                    .await?
                    .map(Written::Application)
            }
            What::Promotion(pages) => {
                let (before, after) = *pages;
                hub.set_status(&before, &after.status)
                    .await?
                    .map(Written::Promotion)
            }
            What::Artifact(artifact, status) => {
                hub.set_status(&artifact, &status).await?.map(Written::Artifact)
            }
            What::Application(application, status) => hub
                .set_status(&application, &status)
                .await?
                .map(Written::Application),
            What::Forget(name) => {
                hub.delete::<Promotion>(&name.namespace, &name.name).await?;
                None
            }
            What::Stage(stage, status) => hub.set_status(&stage, &status).await?.map(Written::Stage),
            What::Window(window, status) => hub.set_status(&window, &status).await?.map(Written::Window),
        })
    }

    /// The promotion that is there under the name of a new one.
    async fn there(&self, wanted: &Object<Promotion>) -> Result<Option<Object<Promotion>>, Error> {
        let there = self.hub.find::<Promotion>(&Name::of(wanted)).await?;
        there.map(|there| same(wanted, there)).transpose()
    }
}

/// A promotion that is there, if it is what a new one of its name was to be.
fn same(wanted: &Object<Promotion>, there: Object<Promotion>) -> Result<Object<Promotion>, Error> {
    let of = |one: &Object<Promotion>| {
        let spec = &one.spec;
        let named = [&spec.application, &spec.artifact, &spec.stage];
        (named.map(Clone::clone), spec.direction)
    };
    if of(wanted) == of(&there) {
        return Ok(there);
    }
    let name = Name::of(wanted);
    let spec = &there.spec;
    Err(Error::Mistake {
        problem: format!(
            "there is a Promotion {name} already, of {} into {} by {}, so the one that is due can't be made",
            spec.artifact, spec.stage, spec.by
        ),
        cure: format!("`kubectl delete promotion {} -n {}`", name.name, name.namespace),
    })
}

/// What the statuses of an application and its artifacts have to say, where they say something else.
pub(super) fn statuses(
    world: &World,
    name: &Name,
    found: &BTreeMap<&str, &[Stands]>,
    now: Timestamp,
) -> Vec<Write> {
    let (Some(statuses), Some(application)) = (report::statuses(world, name, now), world.application(name))
    else {
        return Vec::new();
    };
    let mut writes = Vec::new();
    for (artifact, traces) in statuses.artifacts {
        let Some(published) = world.artifact(name, &artifact) else {
            continue;
        };
        let before = &published.object;
        let Traces {
            stages,
            failed,
            soaked,
        } = traces;
        let after = ArtifactStatus {
            stages,
            failed,
            soaked,
            ..before.status.clone()
        };
        if after != before.status {
            writes.push(Write::plain(What::Artifact(Box::new(before.clone()), after)));
        }
    }
    let mut after = application.status.clone();
    after.observed_generation = Some(application.metadata.generation);
    let tenant = world.tenant_of(&name.namespace);
    after.tenant = tenant.map(|one| one.metadata.name.clone()).unwrap_or_default();
    after.latest = statuses.latest;
    after.stages = statuses.stages;
    for deployed in &mut after.stages {
        if let Some(stands) = found.get(deployed.name.as_str()) {
            report::stand(deployed, stands, now);
        }
    }
    condition::set(&mut after.conditions, statuses.ready, now);
    let found: Vec<(&str, &[Stands])> = found.iter().map(|(stage, stands)| (*stage, *stands)).collect();
    if !found.is_empty() {
        condition::set(
            &mut after.conditions,
            report::drifted(application, &found, now),
            now,
        );
    }
    if after != application.status {
        writes.push(Write::plain(What::Application(
            Box::new(application.clone()),
            after,
        )));
    }
    writes
}

/// What the statuses of stages and freeze windows have to say, where they say something else.
pub(super) fn overview(world: &World, now: Timestamp) -> Vec<Write> {
    let mut writes = Vec::new();
    for stage in world.route() {
        let status = report::stage(world, &stage.metadata.name, now);
        if let Some(status) = status.filter(|status| *status != stage.status) {
            writes.push(Write::plain(What::Stage(Box::new(stage.clone()), status)));
        }
    }
    for (name, window) in world.windows().filter(|(_, window)| window.is_read()) {
        let status = report::window(world, name, now);
        if let Some(status) = status.filter(|status| *status != window.object.status) {
            writes.push(Write::plain(What::Window(
                Box::new(window.object.clone()),
                status,
            )));
        }
    }
    writes
}

/// Promotions that ended so long ago that nobody needs them: the audit log keeps what was decided.
pub(super) fn forgotten(world: &World, name: &Name, now: Timestamp) -> Vec<Write> {
    let surplus = delivery::surplus(world, name, now).into_iter();
    surplus.map(|one| Write::plain(What::Forget(one))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promotion_that_is_there_is_taken_unless_it_is_another() {
        let promotion = |artifact: &str| -> Object<Promotion> {
            let spec = json!({"application": "web", "artifact": artifact, "stage": "staging", "by": "ada"});
            Object::new("web-2-staging", serde_json::from_value(spec).unwrap())
        };
        let wanted = promotion("web-2");
        assert_eq!(same(&wanted, promotion("web-2")).unwrap(), promotion("web-2"));
        let refused = same(&wanted, promotion("web-1")).unwrap_err().told();
        assert!(refused.contains("of web-1 into staging by ada"), "{refused}");
    }
}
