//! What the commands on tenants have in common: the hub, one tenant of it, and waiting for it.

use std::time::Duration;

use control::Hub;
use kinds::condition::READY;
use kinds::{Object, Tenant};
use model::{Code, Diagnose};

use crate::Failure;
use crate::command::release::connect::{Connection, WayArgs};

/// The time between two looks at a tenant that is waited for.
const LOOK: Duration = Duration::from_millis(100);

/// A tenant that is not in the hub.
#[derive(Debug, thiserror::Error)]
#[error("there is no tenant {name:?} in the hub")]
struct Missing {
    name: String,
    known: Vec<String>,
}

/// A tenant that was waited for in vain.
#[derive(Debug, thiserror::Error)]
#[error("tenant {name} is not {what} after {seconds} s{said}")]
pub(crate) struct Late {
    pub name: String,
    pub what: &'static str,
    pub seconds: u64,
    pub said: String,
}

/// The hub that a command is about.
pub(crate) struct Session {
    pub hub: Hub,
    connection: Connection,
}

impl Session {
    pub(crate) fn open(way: &WayArgs) -> Result<Self, Failure> {
        let connection = way.connect()?;
        Ok(Self {
            hub: Hub::new(connection.cluster.clone()),
            connection,
        })
    }

    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.connection.wait(work)
    }

    /// A tenant that must be there.
    pub(crate) fn tenant(&self, name: &str) -> Result<Object<Tenant>, Failure> {
        if let Some(tenant) = self.wait(self.hub.get::<Tenant>(name))? {
            return Ok(tenant);
        }
        let known = self.wait(self.hub.list::<Tenant>())?;
        let known = known.into_iter().map(|tenant| tenant.metadata.name).collect();
        Err(Missing {
            name: name.to_owned(),
            known,
        }
        .into())
    }

    /// Waits until something holds of a tenant; `None` is one that is gone.
    pub(crate) fn until(
        &self,
        name: &str,
        (what, patience): (&'static str, Duration),
        holds: impl Fn(Option<&Object<Tenant>>) -> bool,
    ) -> Result<(), Failure> {
        let waiting = async {
            loop {
                let tenant = self.hub.get::<Tenant>(name).await?;
                if holds(tenant.as_ref()) {
                    return Ok::<_, control::Error>(());
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        match self.wait(async { tokio::time::timeout(patience, waiting).await }) {
            Ok(done) => Ok(done?),
            Err(_) => {
                let tenant = self.wait(self.hub.get::<Tenant>(name))?;
                Err(Late {
                    name: name.to_owned(),
                    what,
                    seconds: patience.as_secs(),
                    said: tenant
                        .map(|tenant| format!(": {}", said(&tenant)))
                        .unwrap_or_default(),
                }
                .into())
            }
        }
    }
}

/// Whether everything is as the spec says, the present one.
pub(crate) fn is_ready(tenant: &Object<Tenant>) -> bool {
    let ready = tenant
        .status
        .conditions
        .iter()
        .find(|condition| condition.kind == READY);
    ready.is_some_and(|ready| {
        ready.status == "True" && ready.observed_generation == tenant.metadata.generation
    })
}

/// The reason and message of the condition that people look at first.
pub(crate) fn said(tenant: &Object<Tenant>) -> String {
    let ready = tenant
        .status
        .conditions
        .iter()
        .find(|condition| condition.kind == READY);
    match ready {
        Some(ready) => format!("{}: {}", ready.reason, ready.message),
        None => "no controller has looked at it yet; is one running? (`shipway controller`)".to_owned(),
    }
}

impl Diagnose for Missing {
    fn code(&self) -> Code {
        Code::NO_TENANT
    }

    fn hint(&self) -> Option<String> {
        Some(
            match stdx::nearest(&self.name, self.known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near:?}?"),
                None => "`shipway tenant list` shows those that there are".to_owned(),
            },
        )
    }
}

impl Diagnose for Late {
    fn code(&self) -> Code {
        Code::TENANT_STAYS
    }

    fn hint(&self) -> Option<String> {
        Some(format!(
            "the controller goes on with it; `shipway tenant show {}` says how it stands",
            self.name
        ))
    }
}
