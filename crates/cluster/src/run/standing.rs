//! How a deployed release stands: whether its objects are healthy, and what somebody else made of them, field by field.
//!
//! ```text
//! manifest of the deployed revision, live objects ──covers──► as applied, or ──dry run──► the fields that differ
//! ```
//!
//! The API server itself says what an apply would change, so a quantity in other units or a default is no drift. Nor are
//! replicas that somebody set through the scale subresource: that is an autoscaler's work, or a person's who scales. Here
//! nothing is decided; what is to be put back is named by whoever asks.

use manifest::{Health, Object};
use objects::{Key, meta};
use release::{MANAGER, Owner};
use serde_json::Value;

use super::preview::Difference;
use super::{Error, Release, survey};
use crate::{Apply, Why};

/// The field that an autoscaler writes.
const REPLICAS: &str = "spec.replicas";

/// How a release stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// The revision that is deployed.
    pub revision: u32,
    /// Objects that are not ready, and why.
    pub unready: Vec<(Key, String)>,
    /// Objects that somebody else changed, with the fields as they are and as they were applied.
    pub drifted: Vec<Drifted>,
}

/// An object that somebody else changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Drifted {
    pub difference: Difference,
    /// As it is applied.
    object: Object,
    /// Its version when it was looked at; empty when it is gone.
    version: String,
}

impl Release {
    /// Looks at what is deployed; `None` while an operation is under way or nothing is deployed.
    ///
    /// # Errors
    /// When the cluster can't be read.
    pub async fn standing(&self) -> Result<Option<Standing>, Error> {
        let is_pending = self.history.last().is_some_and(|last| {
            last.info.status.is_pending() || last.info.status == release::Status::Uninstalling
        });
        let Some(deployed) = self.history.deployed().filter(|_| !is_pending) else {
            return Ok(None);
        };
        let objects = manifest::read(&deployed.manifest)?;
        let served = survey::served(&self.cluster, objects.iter()).await?;
        let mut objects = served.place_what_is_left(objects, &self.namespace);
        let live = survey::objects(&self.cluster, objects.iter()).await?;
        let owner = Owner {
            release: &self.name,
            namespace: &self.namespace,
        };
        let mut standing = Standing {
            revision: deployed.revision.get(),
            ..Standing::default()
        };
        for object in &mut objects {
            owner.stamp(object);
            let now = live.get(&object.key);
            match now.map(manifest::health) {
                Some(Health::Ready) => {}
                Some(Health::Progressing(why) | Health::Failed(why)) => {
                    standing.unready.push((object.key.clone(), why));
                }
                Some(Health::Terminating) => {
                    standing
                        .unready
                        .push((object.key.clone(), "is being deleted".to_owned()));
                }
                None => standing.unready.push((object.key.clone(), "is gone".to_owned())),
            }
            standing.drifted.extend(self.drifted(object, now).await?);
        }
        Ok(Some(standing))
    }

    /// Puts objects back that were changed, each unless it was changed again since it was looked at. Says how many were.
    ///
    /// # Errors
    /// What the cluster refuses.
    pub async fn put_back(&self, drifted: &[Drifted]) -> Result<usize, Error> {
        let mut back = 0;
        for one in drifted {
            let resource = self
                .cluster
                .served(&one.object.api_version, &one.object.key)
                .await?;
            let at = resource.at(&one.object.key.namespace, &one.object.key.name);
            let mut value = one.object.value.clone();
            if !one.version.is_empty() {
                value["metadata"]["resourceVersion"] = one.version.as_str().into();
            }
            let how = Apply {
                manager: MANAGER,
                force: true,
                dry_run: false,
            };
            match self.cluster.apply(at, &value, how).await {
                Ok(_) => back += 1,
                // It is looked at again anyway.
                Err(error) if error.is(&Why::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(back)
    }

    async fn drifted(&self, object: &Object, live: Option<&Value>) -> Result<Option<Drifted>, Error> {
        let is_leaving =
            live.is_some_and(|live| !meta::text_at(live, "/metadata/deletionTimestamp").is_empty());
        if is_leaving || live.is_some_and(|live| manifest::covers(&object.value, live)) {
            return Ok(None);
        }
        let mut fields = match live {
            None => manifest::diff(None, Some(&object.value)),
            Some(live) => {
                let after = self.dry_run(object, true).await?;
                manifest::diff(Some(live), Some(&after))
            }
        };
        if live.is_some_and(is_scaled) {
            fields.retain(|field| field.path != REPLICAS);
        }
        manifest::mask(&mut fields, &object.key.kind);
        Ok((!fields.is_empty()).then(|| Drifted {
            difference: Difference {
                key: object.key.clone(),
                what: if live.is_some() { "change" } else { "create" },
                fields,
            },
            object: object.clone(),
            version: live
                .map(|live| meta::resource_version(live).to_owned())
                .unwrap_or_default(),
        }))
    }
}

/// Whether somebody set the replicas of an object through its scale subresource.
fn is_scaled(live: &Value) -> bool {
    let entries = meta::list_at(live, "/metadata/managedFields").iter();
    let mut scaled = entries.filter(|entry| meta::text(entry, "subresource") == "scale");
    scaled.any(|entry| entry.pointer("/fieldsV1/f:spec/f:replicas").is_some())
}
