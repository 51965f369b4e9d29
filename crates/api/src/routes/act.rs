//! Endpoints by which people do something.

use control::desk::{Freeze, Mark, Refused, Vote, Wish};
use kinds::Direction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::named;
use crate::route::{Answer, Ask};

/// What is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AskPromotion {
    /// The stage.
    pub stage: String,
    /// The version; the newest that may come unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether it is let through the freezes that are on, for which the reason is needed.
    pub override_freeze: bool,
    /// Why, for the record.
    pub reason: String,
}

/// What a stage goes back to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rollback {
    /// The stage.
    pub stage: String,
    /// The version; what was there before unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why, for the record.
    pub reason: String,
}

/// Something that stands until it is taken back.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OnOff {
    /// Whether it is taken back.
    pub off: bool,
    /// Why; needed unless it is taken back.
    pub reason: String,
}

/// An approval.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Approve {
    /// The digest of the plan that was seen.
    pub plan_digest: String,
    /// Whether what it deletes may go too.
    pub confirm_deletions: bool,
    /// Why, for the record.
    pub reason: String,
}

/// Why.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Reason {
    /// Why, for the record and for whoever waits.
    pub reason: String,
}

/// A freeze.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MakeFreeze {
    /// Its name; one from the time unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it begins, as `2026-12-20T18:00:00+01:00`; now unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// When it ends.
    pub to: String,
    /// The stages; none is all.
    pub stages: Vec<String>,
    /// The applications of the tenant; none is all.
    pub applications: Vec<String>,
    /// Whether rollbacks wait too.
    pub rollbacks: bool,
    /// Why, as it is told to whoever waits.
    pub reason: String,
}

pub(super) async fn promote(ask: Ask) -> Result<Answer, Refused> {
    let AskPromotion {
        stage,
        version,
        override_freeze,
        reason,
    } = ask.read()?;
    named::name("a stage", &stage)?;
    named::version(version.as_deref())?;
    let wish = Wish {
        application: ask.name(),
        stage,
        version,
        direction: Direction::Forward,
        overrides: override_freeze,
        reason,
    };
    Answer::of(&ask.desk.promote(&ask.caller, wish).await?)
}

pub(super) async fn rollback(ask: Ask) -> Result<Answer, Refused> {
    let Rollback {
        stage,
        version,
        reason,
    } = ask.read()?;
    named::name("a stage", &stage)?;
    named::version(version.as_deref())?;
    let wish = Wish {
        application: ask.name(),
        stage,
        version,
        direction: Direction::Back,
        overrides: false,
        reason,
    };
    Answer::of(&ask.desk.promote(&ask.caller, wish).await?)
}

pub(super) async fn hold(ask: Ask) -> Result<Answer, Refused> {
    let said: OnOff = ask.read()?;
    let reason = Some(said.reason.as_str()).filter(|_| !said.off);
    let stage = ask.parameter("stage");
    Answer::of(&ask.desk.hold(&ask.caller, &ask.name(), stage, reason).await?)
}

pub(super) async fn block(ask: Ask) -> Result<Answer, Refused> {
    mark(ask, Mark::Blocked).await
}

pub(super) async fn irreversible(ask: Ask) -> Result<Answer, Refused> {
    mark(ask, Mark::Irreversible).await
}

async fn mark(ask: Ask, mark: Mark) -> Result<Answer, Refused> {
    let said: OnOff = ask.read()?;
    let reason = Some(said.reason.as_str()).filter(|_| !said.off);
    let name = ask.name();
    let which = (&name, ask.parameter("version"));
    Answer::of(&ask.desk.mark(&ask.caller, which, mark, reason).await?)
}

pub(super) async fn approve(ask: Ask) -> Result<Answer, Refused> {
    let said: Approve = ask.read()?;
    let vote = Vote {
        promotion: ask.name(),
        approved: true,
        plan_digest: said.plan_digest,
        deletions: said.confirm_deletions,
        reason: said.reason,
    };
    Answer::of(&ask.desk.vote(&ask.caller, vote).await?)
}

pub(super) async fn reject(ask: Ask) -> Result<Answer, Refused> {
    let said: Reason = ask.read()?;
    let vote = Vote {
        promotion: ask.name(),
        approved: false,
        plan_digest: String::new(),
        deletions: false,
        reason: said.reason,
    };
    Answer::of(&ask.desk.vote(&ask.caller, vote).await?)
}

pub(super) async fn let_through(ask: Ask) -> Result<Answer, Refused> {
    let said: Reason = ask.read()?;
    Answer::of(
        &ask.desk
            .let_through(&ask.caller, &ask.name(), &said.reason)
            .await?,
    )
}

pub(super) async fn abort(ask: Ask) -> Result<Answer, Refused> {
    let said: Reason = ask.read()?;
    Answer::of(&ask.desk.abort(&ask.caller, &ask.name(), &said.reason).await?)
}

pub(super) async fn retry(ask: Ask) -> Result<Answer, Refused> {
    let said: Reason = ask.read()?;
    Answer::of(&ask.desk.retry(&ask.caller, &ask.name(), &said.reason).await?)
}

pub(super) async fn freeze(ask: Ask) -> Result<Answer, Refused> {
    let said: MakeFreeze = ask.read()?;
    if let Some(name) = &said.name {
        named::name("a freeze", name)?;
    }
    named::names("a stage", &said.stages)?;
    named::names("an application", &said.applications)?;
    let freeze = Freeze {
        tenant: ask.path.get("tenant").cloned(),
        name: said.name,
        from: said.from,
        to: said.to,
        stages: said.stages,
        applications: said.applications,
        rollbacks: said.rollbacks,
        reason: said.reason,
    };
    Answer::of(&ask.desk.freeze(&ask.caller, freeze).await?)
}

pub(super) async fn thaw(ask: Ask) -> Result<Answer, Refused> {
    let reason = ask.query.get("reason").map(String::as_str).unwrap_or_default();
    Answer::of(&ask.desk.thaw(&ask.caller, &ask.name(), reason).await?)
}
