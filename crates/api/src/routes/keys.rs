//! Endpoints of whoever keeps order: the audit log, and tokens.

use control::access::{Grant, MACHINE, Over, Right, is_name};
use control::audit::Extent;
use control::desk::Refused;
use control::tokens::{LONGEST, NewToken, Token};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::route::{Answer, Ask};

/// Lines of an answer unless it is said, and the most.
const LINES: usize = 100;

/// The most groups and grants of a token.
const MANY: usize = 64;

/// How long a token lasts unless it is said.
const LASTS: &str = "2160h";

/// Lines of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AuditShown {
    /// As they were written, to the last byte: what `audit verify` reads.
    pub lines: Vec<String>,
    /// The number of the last line that there is.
    pub last: u64,
}

/// Whether the audit log is what was written.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Verified {
    pub whole: bool,
    /// How many lines are whole.
    pub lines: u64,
    /// The hash of the last of them, to be kept elsewhere.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
    /// What is wrong; empty when nothing is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub problem: String,
}

/// Who asks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WhoShown {
    pub name: String,
    pub groups: Vec<String>,
    pub person: bool,
    /// What the token says. Of a person without any, what tenants say of their members.
    pub grants: Vec<Grant>,
}

/// A token to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MakeToken {
    /// The user of a person's, a name of a machine's.
    pub name: String,
    /// Whether it is a person's.
    pub person: bool,
    /// The groups of the person.
    pub groups: Vec<String>,
    /// What it may. A person's token without any may what tenants say of their members.
    pub grants: Vec<Grant>,
    /// How long, as `720h`; 90 days unless given, a year at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasts: Option<String>,
}

/// A new token.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NewTokenShown {
    #[serde(flatten)]
    pub token: Token,
    /// The token itself, which nobody can show again.
    pub text: String,
}

pub(super) async fn audit(ask: Ask) -> Result<Answer, Refused> {
    let limit = ask.number("limit")?.unwrap_or(LINES);
    let last = ask.desk.audit_head().await?.number;
    let from = match ask.number("from")? {
        Some(from) => from,
        None => last.saturating_sub(limit as u64) + 1,
    };
    let lines = ask.desk.audit(from, limit).await?;
    Answer::of(&AuditShown { lines, last })
}

pub(super) async fn verify(ask: Ask) -> Result<Answer, Refused> {
    let full = ask.query.get("full").is_some_and(|full| full == "true");
    if full && !ask.caller.may(Right::Administer, Over::Everything) {
        return Err(Refused::forbidden(
            &ask.caller.name,
            Right::Administer,
            "everything",
        ));
    }
    let extent = match full {
        true => Extent::Everything,
        false => Extent::Changed,
    };
    let verified = match ask.desk.audit_verify(extent).await? {
        Ok(head) => Verified {
            whole: true,
            lines: head.number,
            hash: head.hash.to_string(),
            problem: String::new(),
        },
        Err(broken) => Verified {
            whole: false,
            lines: broken.line.saturating_sub(1),
            hash: String::new(),
            problem: broken.to_string(),
        },
    };
    Answer::of(&verified)
}

pub(super) async fn whoami(ask: Ask) -> Result<Answer, Refused> {
    let caller = ask.caller;
    Answer::of(&WhoShown {
        name: caller.name,
        groups: caller.groups,
        person: caller.is_person,
        grants: caller.grants,
    })
}

pub(super) async fn list(ask: Ask) -> Result<Answer, Refused> {
    let mut tokens = ask.desk.tokens().list().await.map_err(Refused::from)?;
    if let Some(tenant) = ask.path.get("tenant") {
        tokens.retain(|token| is_of(token, tenant));
    }
    Answer::of(&tokens)
}

pub(super) async fn create(ask: Ask) -> Result<Answer, Refused> {
    let wanted: MakeToken = ask.read()?;
    if wanted.person && !ask.caller.is_person {
        return Err(Refused::Forbidden {
            who: ask.caller.name,
            right: "make a person's token",
            whose: "anybody".to_owned(),
            cure: "a machine agrees to no plan, and so makes nobody who may; a person's token does"
                .to_owned(),
        });
    }
    let new = new_token(&ask, wanted)?;
    let (token, text) = ask.desk.create_token(&ask.caller, new).await?;
    Answer::of(&NewTokenShown { token, text })
}

pub(super) async fn revoke(ask: Ask) -> Result<Answer, Refused> {
    let id = ask.parameter("id");
    if let Some(tenant) = ask.path.get("tenant") {
        let token = ask.desk.tokens().get(id).await.map_err(Refused::from)?;
        if !token.is_some_and(|token| is_of(&token, tenant)) {
            return Err(Refused::NotFound {
                what: format!("token {id} of {tenant} alone"),
            });
        }
    }
    Answer::of(&ask.desk.revoke_token(&ask.caller, id).await?)
}

/// Whether a token is for a tenant alone.
fn is_of(token: &Token, tenant: &str) -> bool {
    let is_his = |grant: &Grant| grant.tenant.as_deref() == Some(tenant);
    !token.person && !token.grants.is_empty() && token.grants.iter().all(is_his)
}

/// A tenant's administrator makes tokens of machines for the tenant: with one of a person he could agree to his own work.
fn new_token(ask: &Ask, wanted: MakeToken) -> Result<NewToken, Refused> {
    let invalid = |problem: String, cure: &str| {
        Err(Refused::Invalid {
            problem,
            cure: cure.to_owned(),
        })
    };
    let MakeToken {
        name,
        person,
        groups,
        grants,
        lasts,
    } = wanted;
    if !is_name(&name) {
        return invalid(
            format!("{name:?} can't be the name of somebody"),
            "a user as tenants name him, or a name for a machine",
        );
    }
    if groups.len() > MANY || grants.len() > MANY {
        return invalid(
            format!("a token has at most {MANY} groups and grants"),
            "make several",
        );
    }
    if !person && (grants.is_empty() || !groups.is_empty()) {
        return invalid(
            format!("{name} is a machine: it is of no group, and may what its grants say"),
            "give it a role, as `--role Deploy --tenant payments`",
        );
    }
    let tenant = ask.path.get("tenant");
    if let Some(tenant) = tenant {
        let is_his = |grant: &Grant| grant.tenant.as_ref() == Some(tenant);
        if person || !grants.iter().all(is_his) {
            return invalid(
                format!("whoever administers {tenant} makes tokens of machines for {tenant}, and no others"),
                "ask whoever administers everything",
            );
        }
    }
    let lasts = lasts.as_deref().unwrap_or(LASTS);
    let Some(lasts) = kinds::duration(lasts) else {
        return invalid(format!("{lasts:?} is no duration"), "say it as `720h`");
    };
    if lasts > LONGEST || lasts.is_zero() {
        return invalid(
            "a token lasts longer than nothing and at most 366 days".to_owned(),
            "make it for less, as `720h`, and another one before it ends",
        );
    }
    let who = match (person, tenant) {
        (true, _) => name,
        (false, Some(tenant)) => format!("{MACHINE}{tenant}/{name}"),
        (false, None) => format!("{MACHINE}{name}"),
    };
    Ok(NewToken {
        who,
        is_person: person,
        groups,
        grants,
        lasts,
        by: ask.caller.name.clone(),
    })
}
