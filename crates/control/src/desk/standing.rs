//! What stands until somebody takes it back: holds of applications, blocks and marks of versions, freezes.

use delivery::{Name, request};
use jiff::Timestamp;
use kinds::{Application, Artifact, Blocked, FreezeWindow, FreezeWindowSpec, Hold, Object, Once};
use model::Digest;
use serde_json::{Value, json};

use super::promote::published;
use super::refused::Refused;
use super::shown::Done;
use super::word::not_counted;
use super::{Change, Desk, reason_of};
use crate::access::{Caller, Over, Right};

/// How much of a window a line of the audit log has, in characters. Few windows have more.
const CONTENT: usize = 2_048;

/// A freeze as it is asked for.
#[derive(Clone, Debug)]
pub struct Freeze {
    /// The tenant; without it, it is for everybody.
    pub tenant: Option<String>,
    pub name: Option<String>,
    /// From now on, unless it is said.
    pub from: Option<String>,
    pub to: String,
    /// None is every stage.
    pub stages: Vec<String>,
    /// None is every application of the tenant.
    pub applications: Vec<String>,
    /// Whether rollbacks wait too.
    pub rollbacks: bool,
    pub reason: String,
}

/// A mark on a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It must not be deployed anywhere.
    Blocked,
    /// No stage that had it goes back past it.
    Irreversible,
}

impl Desk {
    /// Holds an application as it is in a stage; without a reason, lets it go.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn hold(
        &self,
        caller: &Caller,
        name: &Name,
        stage: &str,
        reason: Option<&str>,
    ) -> Result<Done, Refused> {
        let hold = match reason {
            None => None,
            Some(reason) => Some(Hold {
                stage: stage.to_owned(),
                by: caller.name.clone(),
                reason: reason_of(reason, "why, with --reason: whoever waits reads it")?,
                since: Some((self.clock)().to_string()),
            }),
        };
        let wanted = stage.to_owned();
        let is_there = self.books.ask(move |world, _| world.stage(&wanted).is_some());
        // What is held in a stage that is gone can still be let go.
        if hold.is_some() && !is_there.await? {
            return Err(Refused::none("stage", stage));
        }
        let (verb, said) = match hold {
            Some(_) => ("hold", "held"),
            None => ("let go", "let go"),
        };
        let act = async {
            let change = |application: &Object<Application>| {
                let mut holds = application.spec.holds.clone();
                let had = holds.len();
                holds.retain(|one| one.stage != stage);
                if hold.is_none() && holds.len() == had {
                    return Err(Refused::NotNow {
                        problem: format!("nobody holds {name} in {stage}"),
                        cure: format!("`shipway explain application {name}` says what keeps it"),
                    });
                }
                holds.extend(hold.clone());
                let holds = match holds.is_empty() {
                    true => Value::Null,
                    false => json!(holds),
                };
                Ok(Change::spec(&json!({"holds": holds})))
            };
            self.change("application", name, change).await?;
            Ok((format!("{name} is {said} in {stage}"), String::new()))
        };
        let what = format!("{verb} application {name} in {stage}");
        self.recorded(caller, (&what, None, reason.unwrap_or_default()), act)
            .await
    }

    /// Puts a mark on a version of an application; without a reason, takes it off.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn mark(
        &self,
        caller: &Caller,
        (application, version): (&Name, &str),
        mark: Mark,
        reason: Option<&str>,
    ) -> Result<Done, Refused> {
        let reason = match reason {
            None => None,
            Some(reason) => Some(reason_of(reason, "why, with --reason: whoever waits reads it")?),
        };
        let (wanted, number) = (application.clone(), version.to_owned());
        let artifact = self
            .books
            .ask(move |world, _| published(world, &wanted, &number))
            .await??;
        let name = Name::of(&artifact);
        let patch = match (mark, &reason) {
            (Mark::Blocked, Some(reason)) => json!({"blocked": Blocked {
                by: caller.name.clone(),
                reason: reason.clone(),
                since: Some((self.clock)().to_string()),
            }}),
            (Mark::Blocked, None) => json!({"blocked": null}),
            (Mark::Irreversible, is) => json!({"irreversible": is.is_some()}),
        };
        let (verb, said) = match (mark, &reason) {
            (Mark::Blocked, Some(_)) => ("block", "is blocked everywhere"),
            (Mark::Blocked, None) => ("unblock", "is not blocked any more"),
            (Mark::Irreversible, Some(_)) => ("mark irreversible", "can't be gone back past"),
            (Mark::Irreversible, None) => ("mark reversible", "can be gone back past"),
        };
        let act = async {
            let change = |_: &Object<Artifact>| Ok(Change::spec(&patch));
            self.change("artifact", &name, change).await?;
            Ok((format!("{version} of {application} {said}"), String::new()))
        };
        let what = format!("{verb} version {version} of {application}");
        self.recorded(caller, (&what, None, reason.as_deref().unwrap_or_default()), act)
            .await
    }

    /// Makes a freeze.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn freeze(&self, caller: &Caller, freeze: Freeze) -> Result<Done, Refused> {
        let window = self.window(&freeze)?;
        let name = Name::of(&window);
        let act = async {
            let made = self.hub.make(&window).await?;
            let Some(made) = made else {
                return Err(Refused::NotNow {
                    problem: format!("there is a freeze {name} already"),
                    cure: "give it another name, or end that one".to_owned(),
                });
            };
            self.books.put(made).await;
            Ok((format!("the freeze {name} is made"), String::new()))
        };
        let what = format!("freeze {name}: {}", content(&window.spec));
        self.recorded(caller, (&what, None, &freeze.reason), act).await
    }

    /// Ends a freeze, for whoever may let something through it. The line in the audit log has what is gone then.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn thaw(&self, caller: &Caller, name: &Name, reason: &str) -> Result<Done, Refused> {
        reason_of(reason, "why it ends, with --reason: whoever made it reads it")?;
        let window = self.hub.find::<FreezeWindow>(name).await?;
        let window = window.ok_or_else(|| Refused::none("freezewindow", name))?;
        let act = async {
            self.may_thaw(caller, &window).await?;
            if !self.hub.delete_read(&window).await? {
                return Err(Refused::NotNow {
                    problem: format!("somebody changed the freeze {name} just now"),
                    cure: "look at it with `shipway freeze`, and try again".to_owned(),
                });
            }
            Ok((format!("the freeze {name} has ended"), String::new()))
        };
        let what = format!("end freeze {name}: {}", content(&window.spec));
        self.recorded(caller, (&what, None, reason), act).await
    }

    async fn may_thaw(&self, caller: &Caller, window: &Object<FreezeWindow>) -> Result<(), Refused> {
        let (who, wanted) = (caller.clone(), window.clone());
        let may = self.books.ask(move |world, _| {
            let tenant = world.tenant_of(&wanted.metadata.namespace);
            let may = who.may(Right::Override, tenant.map_or(Over::Everything, Over::Tenant));
            request::may_end(world, &wanted, &who.groups, may)
        });
        let name = Name::of(window).to_string();
        may.await?
            .map_err(|closed| not_counted(caller, (Right::Override, &name), *closed))
    }

    fn window(&self, freeze: &Freeze) -> Result<Object<FreezeWindow>, Refused> {
        let now = (self.clock)();
        let from = freeze
            .from
            .as_deref()
            .map_or(Ok(now), |text| moment(text, "from"))?;
        let to = moment(&freeze.to, "to")?;
        if to <= from || to <= now {
            return Err(Refused::Invalid {
                problem: format!("a freeze from {from} to {to} is over before it begins"),
                cure: "say a later end".to_owned(),
            });
        }
        let spec = FreezeWindowSpec {
            reason: reason_of(&freeze.reason, "why, with --reason: whoever waits reads it")?,
            once: Some(Once {
                from: from.to_string(),
                to: to.to_string(),
            }),
            weekly: None,
            stages: freeze.stages.clone(),
            tenants: Vec::new(),
            applications: freeze.applications.clone(),
            rollbacks: freeze.rollbacks,
            overridable_by: Vec::new(),
        };
        let own = freeze
            .name
            .clone()
            .unwrap_or_else(|| format!("freeze-{}", from.as_second()));
        let mut window: Object<FreezeWindow> = Object::new(&own, spec);
        window.metadata.namespace = freeze.tenant.clone().unwrap_or_else(|| self.namespace.clone());
        Ok(window)
    }
}

/// What a window says, for the record: all of it, or of a long one its beginning, with the digest of all.
fn content(spec: &FreezeWindowSpec) -> String {
    let text = json!(spec).to_string();
    let digest = Digest::of(text.as_bytes());
    match text.char_indices().nth(CONTENT) {
        None => format!("{text} ({digest})"),
        Some((end, _)) => format!("{}… ({digest})", text.get(..end).unwrap_or_default()),
    }
}

fn moment(text: &str, field: &str) -> Result<Timestamp, Refused> {
    text.parse().map_err(|_| Refused::Invalid {
        problem: format!("{field}: {text:?} is no time"),
        cure: "say it as in 2026-12-24T18:00:00+01:00".to_owned(),
    })
}
