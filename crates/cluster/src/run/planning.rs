//! Reading what a plan is made against, and planning.

use manifest::Object;
use release::storage::{self, Write};
use release::{Refused, Request, Status};

use super::{Error, Inventory, Planned, Release, Wanted, survey};

impl Release {
    /// Reads everything that a plan needs, and plans.
    pub(super) async fn plan(&self, wanted: &Wanted) -> Result<Planned, Error> {
        // A record that is too large is refused before anything is touched.
        storage::to_object(
            &wanted.record,
            self.options.driver,
            Write::Create((self.options.now)()),
        )?;
        let Inventory { previous, stray } = self.inventory()?;
        let objects = manifest::read(&wanted.record.manifest)?;
        let refused = |refusals| Refused {
            operation: wanted.operation.word(),
            release: self.name.clone(),
            refusals,
        };
        let all = objects.iter().chain(&previous).chain(&stray);
        let mut served = survey::served(&self.cluster, all).await?;
        served.expect(&wanted.crds);
        served.expect(&objects);
        let objects = served.place(objects, &self.namespace).map_err(refused)?;
        let [previous, stray] =
            [previous, stray].map(|objects| served.place_what_is_left(objects, &self.namespace));
        let all: Vec<&Object> = objects.iter().chain(&previous).chain(&stray).collect();
        let mut namespaces: Vec<&str> = objects
            .iter()
            .map(|object| object.key.namespace.as_ref())
            .collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        namespaces.retain(|namespace| !namespace.is_empty());
        let live = survey::live(&self.cluster, &all, &namespaces).await?;
        let request = Request {
            owner: release::Owner {
                release: &self.name,
                namespace: &self.namespace,
            },
            wanted: objects,
            previous: &previous,
            stray: &stray,
            take_ownership: self.options.take_ownership,
        };
        let plan = release::plan(request, &live).map_err(refused)?;
        Ok(Planned {
            plan,
            live: live.objects,
        })
    }

    /// What the release may have in the cluster: the deployed revision's objects, and those of whatever came after it.
    pub(super) fn inventory(&self) -> Result<Inventory, Error> {
        let deployed = self.history.deployed().map(|record| record.revision);
        let mut inventory = Inventory::default();
        for record in self.history.records() {
            let objects = if Some(record.revision) == deployed {
                &mut inventory.previous
            } else if Some(record.revision) > deployed && record.info.status != Status::Uninstalled {
                &mut inventory.stray
            } else {
                continue;
            };
            objects.extend(manifest::read(&record.manifest)?);
        }
        Ok(inventory)
    }
}
