//! What an operation would do, field by field, without doing it.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use manifest::Object;
use objects::Key;
use release::{Action, Left, MANAGER, Plan};

use super::{Error, Operation, Planned, Release, Wanted};
use crate::{Apply, Why};

/// The most dry runs at once.
const AT_ONCE: usize = 16;

/// What an operation would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    pub plan: Plan,
    /// Objects that would be created, changed or deleted, each with its fields; secrets are masked.
    pub objects: Vec<Difference>,
}

/// What would become of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub key: Key,
    /// `create`, `change`, `adopt` or `delete`.
    pub what: &'static str,
    pub fields: Vec<manifest::Change>,
}

impl Release {
    /// Says what an operation would change against what is live, by the API server's own dry run.
    ///
    /// # Errors
    /// Those of the plan, and what the API server refuses.
    pub async fn preview(&self, wanted: &Wanted) -> Result<Preview, Error> {
        let planned = self.plan(wanted).await?;
        let changes = planned.plan.apply.iter();
        let dry_runs: Vec<BoxFuture<'_, _>> = changes
            .map(|change| self.difference(change, &planned).boxed())
            .collect();
        let objects: Vec<Option<Difference>> = stream::iter(dry_runs).buffered(AT_ONCE).try_collect().await?;
        let before = self.made_before(wanted).await?;
        let mut objects: Vec<Difference> = before.into_iter().chain(objects.into_iter().flatten()).collect();
        for prune in &planned.plan.prune {
            let mut fields = manifest::diff(planned.live.get(&prune.key), None);
            manifest::mask(&mut fields, &prune.key.kind);
            objects.push(Difference {
                key: prune.key.clone(),
                what: "delete",
                fields,
            });
        }
        Ok(Preview {
            plan: planned.plan,
            objects,
        })
    }

    /// What an operation would do, by what is live and without asking the API server to try it.
    ///
    /// # Errors
    /// Those of the plan.
    pub async fn outline(&self, wanted: &Wanted) -> Result<Plan, Error> {
        Ok(self.plan(wanted).await?.plan)
    }

    /// What an uninstall would delete.
    ///
    /// # Errors
    /// When the cluster or a record can't be read.
    pub async fn preview_uninstall(&self) -> Result<Plan, Error> {
        Ok(self.leaving(&Left::default()).await?.plan)
    }

    /// What an operation makes before the objects of the release: their namespace, and definitions of `crds/`.
    async fn made_before(&self, wanted: &Wanted) -> Result<Vec<Difference>, Error> {
        let mut made = Vec::new();
        let namespace = self.options.create_namespace.then(|| self.own_namespace());
        for object in namespace.iter().chain(&wanted.crds) {
            let resource = self.cluster.served(&object.api_version, &object.key).await?;
            match self.cluster.get(resource.at("", &object.key.name)).await {
                Ok(None) => made.push(Difference {
                    key: object.key.clone(),
                    what: "create",
                    fields: manifest::diff(None, Some(&object.value)),
                }),
                Ok(Some(_)) => {}
                // Whoever may not see it can't tell.
                Err(error) if error.is(&Why::Forbidden) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(made)
    }

    async fn difference(
        &self,
        change: &release::Change,
        planned: &Planned,
    ) -> Result<Option<Difference>, Error> {
        let (key, before) = (&change.object.key, planned.live.get(&change.object.key));
        let what = match change.action {
            Action::Nothing => return Ok(None),
            Action::Create => "create",
            Action::Update => "change",
            Action::Adopt => "adopt",
        };
        let after = self.dry_run(&change.object, before.is_some()).await?;
        let mut fields = manifest::diff(before, Some(&after));
        manifest::mask(&mut fields, &key.kind);
        let is_changed = before.is_none() || !fields.is_empty();
        Ok(is_changed.then(|| Difference {
            key: key.clone(),
            what,
            fields,
        }))
    }

    /// The object as the API server would have it. A new one whose namespace or kind is yet to come is as it is written.
    pub(super) async fn dry_run(&self, object: &Object, is_there: bool) -> Result<serde_json::Value, Error> {
        let Some(resource) = self
            .cluster
            .resource(&object.api_version, &object.key.kind.name)
            .await?
        else {
            return Ok(object.value.clone());
        };
        // Fields of earlier managers are ours only after a write that a dry run can't make, so conflicts are no news here.
        let how = Apply {
            manager: MANAGER,
            force: true,
            dry_run: true,
        };
        let (namespace, name) = (&object.key.namespace, &object.key.name);
        match self
            .cluster
            .apply(resource.at(namespace, name), &object.value, how)
            .await
        {
            Err(error) if error.is(&Why::NotFound) && !is_there => Ok(object.value.clone()),
            other => Ok(other?),
        }
    }
}

impl Operation {
    /// The word for a person.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.word()
    }
}
