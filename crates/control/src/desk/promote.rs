//! Asking for a promotion: forward, back, or once more.

use delivery::gate::{self, Case};
use delivery::{Decision, Name, World, promotion_name, request};
use kinds::{Application, Artifact, Direction, Object, Override, Phase, Promotion, PromotionSpec};
use model::Digest;

use super::refused::Refused;
use super::shown::Done;
use super::word::{not_counted, told};
use super::{Desk, reason_of};
use crate::access::{Caller, Over, Right};

/// A name may be taken by whoever was faster; there are no more than replicas and people at the same second.
const NAMES: usize = 8;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    pub application: Name,
    pub stage: String,
    /// Which version; the newest that may come, or what was there before, unless it is said.
    pub version: Option<String>,
    pub direction: Direction,
    /// Whether it is let through freezes.
    pub overrides: bool,
    pub reason: String,
}

/// What comes of a wish.
enum Found {
    /// It is on its way already.
    There(Box<Object<Promotion>>),
    New(Box<Object<Promotion>>),
}

impl Desk {
    /// Asks for a promotion. One that is on its way already is the answer.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn promote(&self, caller: &Caller, wish: Wish) -> Result<Done, Refused> {
        let reason = match wish.overrides {
            true => reason_of(&wish.reason, "why it is let through the freeze, with --reason")?,
            false => wish.reason.clone(),
        };
        if let Some(done) = self.is_there(caller, &wish).await? {
            return Ok(done);
        }
        let verb = match wish.direction {
            Direction::Forward => "promote",
            Direction::Back => "rollback",
        };
        let asked = format!("{verb} {} into {}", wish.application, wish.stage);
        let version = wish
            .version
            .as_deref()
            .map(|version| format!(" to {version}"))
            .unwrap_or_default();
        let act = self.create(caller, &wish);
        self.recorded(caller, (&format!("{asked}{version}"), None, &reason), act)
            .await
    }

    /// Asks once more for what did not succeed.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn retry(&self, caller: &Caller, name: &Name, reason: &str) -> Result<Done, Refused> {
        let wanted = name.clone();
        let found = self.books.ask(move |world, _| {
            let promotion = world.promotion(&wanted)?;
            let application = wanted.beside(&promotion.spec.application);
            let version = world
                .artifact(&application, &promotion.spec.artifact)
                .map(|one| one.version().to_owned());
            Some((promotion.spec.clone(), promotion.status.phase, version))
        });
        let (spec, phase, version) = found.await?.ok_or_else(|| Refused::none("promotion", name))?;
        if matches!(phase, Phase::Waiting | Phase::Running | Phase::Succeeded) {
            return Err(Refused::NotNow {
                problem: format!("{name} is {phase:?}, and there is nothing to try again"),
                cure: format!("`shipway explain promotion {name}` says how it is"),
            });
        }
        let version = version.ok_or_else(|| Refused::none("artifact", name.beside(&spec.artifact)))?;
        let wish = Wish {
            application: name.beside(&spec.application),
            stage: spec.stage,
            version: Some(version),
            direction: spec.direction,
            overrides: false,
            reason: reason.to_owned(),
        };
        if let Some(done) = self.is_there(caller, &wish).await? {
            return Ok(done);
        }
        let act = self.create(caller, &wish);
        self.recorded(caller, (&format!("retry promotion {name}"), None, reason), act)
            .await
    }

    /// What is on its way already. Nothing is done then, and nothing is written down: a script that asks in a loop would
    /// otherwise fill the audit log.
    async fn is_there(&self, caller: &Caller, wish: &Wish) -> Result<Option<Done>, Refused> {
        let (wanted, who) = (wish.clone(), caller.clone());
        let found = self.books.ask(move |world, now| find(world, &who, &wanted, now));
        // Why not, is said between two lines.
        let Ok(Found::There(there)) = found.await? else {
            return Ok(None);
        };
        if wish.overrides && there.spec.overridden.is_none() {
            return Ok(None);
        }
        let name = Name::of(&*there);
        Ok(Some(Done {
            said: format!("{name} is on its way already"),
            promotion: name.to_string(),
            audit: 0,
        }))
    }

    async fn create(&self, caller: &Caller, wish: &Wish) -> Result<(String, String), Refused> {
        for _ in 0..NAMES {
            let (wanted, who) = (wish.clone(), caller.clone());
            let found = self
                .books
                .ask(move |world, now| find(world, &who, &wanted, now))
                .await??;
            let promotion = match found {
                Found::There(there) => {
                    let name = Name::of(&*there);
                    let mut said = format!("{name} is on its way already");
                    if wish.overrides {
                        let windows = self.write_override(caller, &name, &wish.reason).await?;
                        said += &format!(", and goes through {}", told(&windows));
                    }
                    return Ok((said, name.to_string()));
                }
                Found::New(promotion) => promotion,
            };
            let name = Name::of(&*promotion);
            if let Some(made) = self.hub.make(&promotion).await? {
                let mut said = format!("{name} is asked for");
                if let Some(over) = &made.spec.overridden {
                    said += &format!(", and goes through {}", told(&over.windows));
                }
                self.books.put(made).await;
                return Ok((said, name.to_string()));
            }
            // Somebody was faster; the books may not know yet.
            if let Some(there) = self.hub.find::<Promotion>(&name).await? {
                self.books.put(there).await;
            }
        }
        Err(Refused::NotNow {
            problem: format!(
                "others ask for promotions of {} at the same time",
                wish.application
            ),
            cure: "look at the board, and ask again".to_owned(),
        })
    }
}

fn find(world: &World, caller: &Caller, wish: &Wish, now: jiff::Timestamp) -> Result<Found, Refused> {
    let name = &wish.application;
    let application = world
        .application(name)
        .ok_or_else(|| Refused::none("application", name))?;
    world
        .stage(&wish.stage)
        .ok_or_else(|| Refused::none("stage", &wish.stage))?;
    let artifact = version(world, application, wish)?;
    let mut same = world.promotions(name, &wish.stage).filter(|one| {
        let is_live = matches!(one.status.phase, Phase::Waiting | Phase::Running);
        is_live && one.spec.artifact == artifact && one.spec.direction == wish.direction
    });
    if let Some(there) = same.find(|one| one.spec.abort.is_none()) {
        return Ok(Found::There(Box::new(there.clone())));
    }
    let text = wish.reason.trim();
    let spec = PromotionSpec {
        application: name.name.clone(),
        artifact: artifact.clone(),
        stage: wish.stage.clone(),
        by: caller.name.clone(),
        direction: wish.direction,
        reason: Some(text.to_owned()).filter(|text| !text.is_empty()),
        overridden: None,
        abort: None,
    };
    let own = promotion_name(world, name, &artifact, &wish.stage);
    let mut promotion: Object<Promotion> = Object::new(&own, spec);
    promotion.metadata.namespace.clone_from(&name.namespace);
    let case = Case::of(world, &promotion, now).map_err(|closed| Refused::closed(*closed))?;
    let mut overridden = None;
    if wish.overrides {
        let tenant = world.tenant_of(&name.namespace);
        let may = caller.may(Right::Override, tenant.map_or(Over::Everything, Over::Tenant));
        let windows = request::may_let_through(&case, &caller.groups, may)
            .map_err(|closed| not_counted(caller, (Right::Override, &name.to_string()), *closed))?;
        overridden = Some(Override {
            by: caller.name.clone(),
            reason: text.to_owned(),
            windows,
        });
    }
    // It would end at once, and nobody would see why.
    let direction = gate::decide(&case)
        .into_iter()
        .find(|one| one.gate == "direction");
    if let Some(Decision::Refused(closed)) = direction.map(|one| one.decision) {
        return Err(Refused::closed(closed));
    }
    promotion.spec.overridden = overridden;
    Ok(Found::New(Box::new(promotion)))
}

/// The name of the artifact that is asked for.
fn version(world: &World, application: &Object<Application>, wish: &Wish) -> Result<String, Refused> {
    let name = Name::of(application);
    let Some(version) = &wish.version else {
        let found = match wish.direction {
            Direction::Forward => request::newest_for(world, &name, &wish.stage),
            Direction::Back => request::back_to(world, &name, &wish.stage),
        };
        let problem = match wish.direction {
            Direction::Forward => "no version may go there",
            Direction::Back => "had nothing before that could come back",
        };
        return found
            .map(|one| one.name().to_owned())
            .ok_or_else(|| Refused::NotNow {
                problem: format!("{name} in {}: {problem}", wish.stage),
                cure: format!("`shipway explain application {name}` shows what is where"),
            });
    };
    // Of two with one version, which a store does not allow, the later counts.
    let mut all = world.newest_first(&name);
    all.find(|one| one.version() == version)
        .map(|one| one.name().to_owned())
        .ok_or_else(|| Refused::none("version", format!("{version} of {name}")))
}

/// The digest that a person named.
pub(super) fn digest(text: &str) -> Result<Digest, Refused> {
    text.parse().map_err(|_| Refused::Invalid {
        problem: format!("{text:?} is no digest of a plan"),
        cure: "send the `planDigest` of the promotion as it was shown".to_owned(),
    })
}

/// An artifact by the version of its application.
pub(super) fn published(
    world: &World,
    application: &Name,
    version: &str,
) -> Result<Object<Artifact>, Refused> {
    world
        .application(application)
        .ok_or_else(|| Refused::none("application", application))?;
    let mut all = world.newest_first(application);
    all.find(|one| one.version() == version)
        .map(|one| one.object.clone())
        .ok_or_else(|| Refused::none("version", format!("{version} of {application}")))
}
