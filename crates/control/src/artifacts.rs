//! The loop of `Artifact`: whether what it stands for is in the store as it was published; and the two ways by which the
//! controller learns of versions that others published.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use artifact::{Name, Pace, Worker};
use jiff::Timestamp;
use kinds::condition::{self, BLOCKED, Condition, READY, VERIFIED, reason};
use kinds::{Artifact, ArtifactStatus, Object};
use model::{Code, Diagnose as _};
use stdx::chain;

use crate::error::Error;
use crate::kept::Kept;
use crate::publisher::Publisher;
use crate::runner::{Again, Loop, Objects, Outcome};
use crate::service::Queues;

/// How often a version is looked at whose store fails; the runner's wait doubles beside it.
const STORE_AGAIN: Duration = Duration::from_secs(60);

/// The loop.
#[derive(Debug)]
pub(crate) struct Artifacts {
    pub(crate) publisher: Publisher,
    pub(crate) clock: fn() -> Timestamp,
}

impl Loop for Artifacts {
    type Kind = Artifact;
    type Trigger = ();
    type Changes = ();

    fn changed(&mut self, objects: &Objects<Artifact>, name: &str) -> BTreeSet<String> {
        let is_new = |object: &&Arc<Object<Artifact>>| !is_known(object);
        objects
            .get(name)
            .filter(is_new)
            .map(|_| name.to_owned())
            .into_iter()
            .collect()
    }

    fn triggered(&mut self, (): ()) -> BTreeSet<String> {
        BTreeSet::new()
    }

    fn begin(
        &mut self,
        object: &Arc<Object<Artifact>>,
    ) -> impl Future<Output = Outcome<Artifact, ()>> + Send + 'static {
        let publisher = self.publisher.clone();
        let object = Arc::clone(object);
        let clock = self.clock;
        async move {
            let (status, again) = match is_known(&object) {
                true => (object.status.clone(), Again::Later),
                false => {
                    let looked = look(&publisher, &object).await;
                    let again = match &looked {
                        Found::NoAnswer(_) => Again::After(STORE_AGAIN),
                        _ => Again::Later,
                    };
                    (status(&object, &looked, clock()), again)
                }
            };
            Outcome {
                status,
                finalizers: None,
                changes: (),
                again,
            }
        }
    }

    fn finished(&mut self, (): ()) {}
}

/// Whether this very spec was found as it was published. A store is trusted with that: whoever deploys checks again.
fn is_known(object: &Object<Artifact>) -> bool {
    let of = |kind: &str| object.status.conditions.iter().find(|one| one.kind == kind);
    let is_new = |one: &Condition| one.observed_generation == object.metadata.generation;
    of(BLOCKED).is_some_and(is_new) && of(VERIFIED).is_some_and(|one| one.status == "True")
}

/// What the store says.
enum Found {
    AsPublished,
    /// It says something else.
    Differs(String),
    /// Nobody who is trusted says anything.
    Unsigned(String),
    NoAnswer(String),
}

async fn look(publisher: &Publisher, object: &Object<Artifact>) -> Found {
    let spec = &object.spec;
    let Some(name) = Name::parse(&format!("{}-{}", spec.chart, spec.version)) else {
        return Found::Differs(format!(
            "{} {} is not the name of a version",
            spec.chart, spec.version
        ));
    };
    match read(publisher, &name).await {
        Ok(digest) if digest == spec.digest => Found::AsPublished,
        Ok(digest) => Found::Differs(format!("the store has {name} with the digest {digest}")),
        Err(error) => match error.code() {
            Code::UNTRUSTED | Code::STATEMENT => Found::Unsigned(error.told()),
            Code::NO_ARTIFACT | Code::ARTIFACT_DIFFERS => Found::Differs(error.told()),
            _ => Found::NoAnswer(error.told()),
        },
    }
}

/// The digest of the package that is there, held against what was said of it.
async fn read(publisher: &Publisher, name: &Name) -> Result<String, Error> {
    let statement = publisher.store.statement(name, &publisher.trusted).await?;
    let package = publisher.store.package(&statement).await?;
    Ok(package.digest.to_string())
}

fn status(object: &Object<Artifact>, found: &Found, now: Timestamp) -> ArtifactStatus {
    let mut status = object.status.clone();
    let generation = object.metadata.generation;
    status.observed_generation = Some(generation);
    let (verified, ready) = match found {
        Found::AsPublished => (
            (
                "True",
                reason::AS_WRITTEN,
                "it is as it was published, and signed by a key that is trusted",
            ),
            ("True", reason::AS_WRITTEN, "it may be deployed"),
        ),
        Found::Differs(why) => (
            ("False", reason::DIGEST_DIFFERS, why.as_str()),
            ("False", reason::DIGEST_DIFFERS, why.as_str()),
        ),
        Found::Unsigned(why) => (
            ("False", reason::NO_PROVENANCE, why.as_str()),
            ("False", reason::NO_PROVENANCE, why.as_str()),
        ),
        Found::NoAnswer(why) => (
            ("Unknown", reason::NO_ANSWER, why.as_str()),
            ("Unknown", reason::NO_ANSWER, why.as_str()),
        ),
    };
    let blocked = object.spec.blocked.as_ref();
    let by = blocked.map(|blocked| format!("{} says: {}", blocked.by, blocked.reason));
    let blocked = match &by {
        Some(by) => ("True", reason::BY_PERSON, by.as_str()),
        None => ("False", reason::OPEN, "nobody blocks it"),
    };
    for (kind, (value, why, message)) in [(READY, ready), (VERIFIED, verified), (BLOCKED, blocked)] {
        let wanted = Condition::of(kind, generation, (value, why, message.to_owned()));
        condition::set(&mut status.conditions, wanted, now);
    }
    status
}

/// Looks the store through for what nobody told of; never returns.
pub(crate) async fn sweep(publisher: Publisher, artifacts: Kept<Artifact>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let known: BTreeSet<String> = artifacts
            .now()
            .unwrap_or_default()
            .values()
            .map(|one| format!("{}-{}", one.spec.chart, one.spec.version))
            .collect();
        match publisher
            .store
            .unknown(|name| known.contains(name.as_str()))
            .await
        {
            Ok(names) => {
                for name in names {
                    if let Err(error) = publisher.make(&name).await {
                        tracing::warn!(%name, code = %error.code(), error = %chain(&error), "no Artifact of it");
                    }
                }
            }
            Err(error) => {
                tracing::warn!(code = %error.code(), error = %chain(&error), "the store can't be looked through");
            }
        }
    }
}

/// Takes what a queue tells; never returns.
pub(crate) async fn listen(publisher: Publisher, queues: Option<Queues>) {
    let Some(Queues { queue, dead }) = queues else {
        return std::future::pending().await;
    };
    let worker = Worker {
        queue,
        dead,
        place: publisher.store.place().clone(),
        pace: Pace::default(),
    };
    let tell = |turn: Result<&artifact::Report, &artifact::Error>| match turn {
        Ok(report) => {
            for (message, why) in &report.dead {
                tracing::error!(message = %message.id, %why, "a dead letter");
            }
            for trouble in &report.troubles {
                tracing::warn!(%trouble, "the queue");
            }
        }
        Err(error) => tracing::warn!(code = %error.code(), error = %chain(error), "the queue can't be read"),
    };
    worker.run(&publisher, tell).await;
}
