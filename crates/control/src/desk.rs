//! What people do, each as the smallest write to the hub, with a line in the audit log before and after.
//!
//! ```text
//! caller, request ──► audit: asked ──► hub: read, check, patch with resourceVersion ──► audit: done, or why not
//!                                        ▲ what it comes to is decided by `delivery`, from the books
//! ```
//!
//! Whether the caller has the right is asked before (`api` has the table). What has to be known of groups is asked here. Nothing
//! is carried out: the loops do that.

mod gauges;
mod promote;
mod read;
mod refused;
mod shown;
mod standing;
mod word;

use std::sync::Arc;

use delivery::audit::{Broken, Head, Record};
use delivery::{Name, Seen};
use jiff::Timestamp;
use kinds::{Kind, Object};
use model::Digest;
use serde_json::{Value, json};
use tokio::task::{AbortHandle, JoinSet};

use crate::access::Caller;
use crate::audit::{AuditLog, Extent};
use crate::books::Books;
use crate::error::Error;
use crate::hub::Hub;
use crate::oidc::Oidc;
use crate::tokens::{Denied, NewToken, Token, Tokens};
pub use gauges::Gauges;
pub use promote::Wish;
pub use read::{Measured, Rows};
pub use refused::Refused;
pub use shown::{
    BlockerShown, BoardShown, CellShown, ClosedShown, Done, ExplanationShown, FreezeShown, HistoryShown,
    PromotionShown, RowShown, StatsShown,
};
pub use standing::{Freeze, Mark};
pub use word::Vote;

/// A write that meets another one reads again so often. Loops write a status about once a second.
const TRIES: usize = 8;

/// The longest reason, as the kinds have it.
const REASON: usize = 1_024;

/// Where people's requests are done. Cheap to clone; its tasks end with the last one.
#[derive(Clone, Debug)]
pub struct Desk {
    hub: Hub,
    books: Books,
    audit: AuditLog,
    tokens: Tokens,
    issuer: Option<Oidc>,
    /// The controller's, in which what is for everybody is.
    namespace: String,
    clock: fn() -> Timestamp,
    tasks: Arc<Tasks>,
}

/// What runs for a desk, by what it is called. The set ends it.
#[derive(Debug)]
struct Tasks {
    named: [(&'static str, AbortHandle); 2],
    _all: JoinSet<()>,
}

/// A change of an object.
struct Change {
    subresource: &'static str,
    patch: Value,
}

impl Desk {
    /// Opens it over a hub. Has to be called on a runtime.
    #[must_use]
    pub fn open(hub: Hub, namespace: &str, clock: fn() -> Timestamp) -> Self {
        let (books, keep) = Books::open(&hub, namespace, clock);
        let (audit, write) = AuditLog::open(hub.clone(), namespace);
        let mut tasks = JoinSet::new();
        let named = [("books", tasks.spawn(keep)), ("audit log", tasks.spawn(write))];
        Self {
            tokens: Tokens::new(hub.clone(), namespace),
            hub,
            books,
            audit,
            issuer: None,
            namespace: namespace.to_owned(),
            clock,
            tasks: Arc::new(Tasks { named, _all: tasks }),
        }
    }

    /// What has ended of what runs for it, none of which ever should.
    #[must_use]
    pub fn dead(&self) -> Vec<&'static str> {
        let named = self.tasks.named.iter().filter(|(_, task)| task.is_finished());
        let issuer = self.issuer.as_ref().filter(|issuer| !issuer.is_alive());
        named
            .map(|(name, _)| *name)
            .chain(issuer.map(|_| "keys of the issuer"))
            .collect()
    }

    /// Lets in whom an issuer of ID tokens vouches for, too.
    #[must_use]
    pub fn trusting(mut self, issuer: Option<Oidc>) -> Self {
        self.issuer = issuer;
        self
    }

    /// Whose token a text is, ours or an issuer's.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn caller(&self, text: &str) -> Result<Caller, Denied> {
        match &self.issuer {
            // A token of ours has no dot.
            Some(issuer) if text.contains('.') => issuer.caller(text, self.now()).await,
            _ => self.tokens.caller(text, self.now()).await,
        }
    }

    /// Whether it is known without asking the hub that a token was one, or is not. An ID token is: its signature says so.
    #[must_use]
    pub fn is_known(&self, text: &str) -> bool {
        text.contains('.') || self.tokens.is_known(text)
    }

    #[must_use]
    pub fn books(&self) -> &Books {
        &self.books
    }

    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Lines of the audit log, from a number on.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn audit(&self, from: u64, limit: usize) -> Result<Vec<String>, Refused> {
        Ok(self.audit.lines(from, limit).await?)
    }

    /// The end of the audit log.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn audit_head(&self) -> Result<Head, Refused> {
        Ok(self.audit.head().await?)
    }

    /// Verifies the audit log.
    ///
    /// # Errors
    /// See [`Refused`]; what is wrong with the log is the answer.
    pub async fn audit_verify(&self, extent: Extent) -> Result<Result<Head, Broken>, Refused> {
        Ok(self.audit.verify_over(extent).await?)
    }

    /// Makes a token.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn create_token(&self, caller: &Caller, new: NewToken) -> Result<(Token, String), Refused> {
        let what = format!("create token for {}", new.who);
        let mut made = None;
        let act = async {
            let (token, text) = self.tokens.create(new, self.now()).await?;
            let said = format!("token {}", token.id);
            made = Some((token, text));
            Ok((said, String::new()))
        };
        self.recorded(caller, (&what, None, ""), act).await?;
        made.ok_or_else(|| Refused::none("token", &what))
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn revoke_token(&self, caller: &Caller, id: &str) -> Result<Done, Refused> {
        let act = async {
            match self.tokens.revoke(id).await? {
                true => Ok((format!("the token {id} is revoked"), String::new())),
                false => Err(Refused::none("token", id)),
            }
        };
        self.recorded(caller, (&format!("revoke token {id}"), None, ""), act)
            .await
    }

    /// Does something between two lines of the audit log. What can't be written down is not done.
    async fn recorded(
        &self,
        caller: &Caller,
        (what, plan, why): (&str, Option<Digest>, &str),
        act: impl Future<Output = Result<(String, String), Refused>>,
    ) -> Result<Done, Refused> {
        if why.trim().chars().count() > REASON {
            return Err(too_long());
        }
        let record = |outcome: String| Record {
            time: self.now(),
            who: caller.name.clone(),
            what: what.to_owned(),
            plan,
            why: why.trim().to_owned(),
            outcome,
        };
        let asked = self.audit.append(record("asked".to_owned())).await?;
        let done = act.await;
        let outcome = match &done {
            Ok((said, _)) => format!("done: {said}"),
            Err(refused) => stdx::chain(refused),
        };
        match self.audit.append(record(outcome)).await {
            Ok(_) => {}
            // That it was asked for is written, and what came of it stands in the hub.
            Err(error) => {
                tracing::error!(%what, error = %stdx::chain(&error), "an outcome is missing in the audit log");
            }
        }
        let (said, promotion) = done?;
        Ok(Done {
            said,
            promotion,
            audit: asked.number,
        })
    }

    /// Changes an object as it is in the hub now, and again if somebody else was faster.
    async fn change<K: Kind + Seen + 'static>(
        &self,
        kind: &str,
        name: &Name,
        change: impl Fn(&Object<K>) -> Result<Change, Refused>,
    ) -> Result<(), Refused>
    where
        Object<K>: Send,
    {
        for _ in 0..TRIES {
            let object = self.hub.find::<K>(name).await?;
            let object = object.ok_or_else(|| Refused::none(kind, name))?;
            let Change {
                subresource,
                mut patch,
            } = change(&object)?;
            patch["metadata"] = json!({"resourceVersion": object.metadata.resource_version});
            if let Some(changed) = self.hub.try_patch(&object, subresource, &patch).await? {
                self.books.put(changed).await;
                return Ok(());
            }
        }
        Err(Refused::NotNow {
            problem: format!("others write {kind} {name} at the same time"),
            cure: "try again".to_owned(),
        })
    }
}

impl Change {
    fn spec(fields: &Value) -> Self {
        Self {
            subresource: "",
            patch: json!({"spec": fields}),
        }
    }
}

/// A reason that has to be there.
fn reason_of(text: &str, cure: &str) -> Result<String, Refused> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(Refused::Invalid {
            problem: "a reason is missing".to_owned(),
            cure: format!("say {cure}"),
        }),
        1..=REASON => Ok(text.to_owned()),
        _ => Err(too_long()),
    }
}

fn too_long() -> Refused {
    Refused::Invalid {
        problem: format!("a reason has at most {REASON} characters"),
        cure: "say it in fewer words".to_owned(),
    }
}

impl From<cluster::Error> for Refused {
    fn from(error: cluster::Error) -> Self {
        Self::Hub(Error::from(error))
    }
}
