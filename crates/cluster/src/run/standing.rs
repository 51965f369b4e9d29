//! How a deployed release stands: whether its objects are healthy, and what somebody else made of them, field by field.
//!
//! ```text
//! manifest of the deployed revision, live objects ──covers──► as applied, or ──dry run──► the fields that differ
//! ```
//!
//! The API server itself says what an apply would change, so a quantity in other units or a default is no drift. Nor are
//! replicas that somebody set through the scale subresource: that is an autoscaler's work, or a person's who scales, and it
//! stays when something else is put back. Nor is a finished Job that the cluster removes by itself.
//!
//! Only the last revision is compared, and only when it is deployed. After one that failed the cluster has some of both, and
//! what is left of the older one may not fit any more what the newer one did. Here nothing is decided; what is to be put back
//! is named by whoever asks.

mod others;

use std::borrow::Cow;

use manifest::{Health, Object};
use objects::{Key, Kind, meta};
use release::history::History;
use release::{MANAGER, Owner, Record, Status};
use serde_json::Value;

use super::preview::Difference;
use super::{Error, Release, survey};
use crate::{Apply, Why};

/// How a release stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// The revision that is deployed; 0 when none is, or not the last.
    pub revision: u32,
    /// Why there is nothing to compare with: nothing is deployed, the last revision failed, or somebody is at work.
    pub amiss: Option<String>,
    /// Objects that are not ready, and why.
    pub unready: Vec<(Key, String)>,
    /// Objects that somebody else changed, with the fields as they are and as they were applied.
    pub drifted: Vec<Drifted>,
}

/// An object that somebody else changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Drifted {
    pub difference: Difference,
    /// Who did, as far as the object says; empty when it does not.
    pub by: String,
    /// As it is applied.
    object: Object,
    /// Its version when it was looked at; empty when it is gone.
    version: String,
}

impl Release {
    /// Looks at what is deployed.
    ///
    /// # Errors
    /// When the cluster can't be read.
    pub async fn standing(&self) -> Result<Standing, Error> {
        let deployed = match serving(&self.history) {
            Ok(deployed) => deployed,
            Err(amiss) => {
                return Ok(Standing {
                    amiss: Some(amiss),
                    ..Standing::default()
                });
            }
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
            if now.is_none() && leaves_by_itself(object) {
                continue;
            }
            let unready = unready(now).map(|why| (object.key.clone(), why));
            standing.unready.extend(unready);
            standing.drifted.extend(self.drifted(object, now).await?);
        }
        Ok(standing)
    }

    /// Puts an object back that was changed, unless it was changed again since it was looked at. Says whether it was.
    ///
    /// # Errors
    /// What the cluster refuses.
    pub async fn put_back(&self, drifted: &Drifted) -> Result<bool, Error> {
        let Drifted { object, version, .. } = drifted;
        let resource = self.cluster.served(&object.api_version, &object.key).await?;
        let at = resource.at(&object.key.namespace, &object.key.name);
        let mut value = object.value.clone();
        if !version.is_empty() {
            value["metadata"]["resourceVersion"] = version.as_str().into();
        }
        let how = Apply {
            manager: MANAGER,
            force: true,
            dry_run: false,
        };
        match self.cluster.apply(at, &value, how).await {
            Ok(_) => Ok(true),
            // It is looked at again anyway.
            Err(error) if error.is(&Why::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn drifted(&self, object: &Object, live: Option<&Value>) -> Result<Option<Drifted>, Error> {
        let object = live.map_or(Cow::Borrowed(object), |live| as_scaled(object, live));
        let is_leaving =
            live.is_some_and(|live| !meta::text_at(live, "/metadata/deletionTimestamp").is_empty());
        if is_leaving || live.is_some_and(|live| manifest::covers(&object.value, live)) {
            return Ok(None);
        }
        let mut fields = match live {
            None => manifest::diff(None, Some(&object.value)),
            Some(live) => {
                let after = self.dry_run(&object, true).await?;
                manifest::diff(Some(live), Some(&after))
            }
        };
        manifest::mask(&mut fields, &object.key.kind);
        let paths: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
        let by = live.map(|live| others::writer(live, &paths)).unwrap_or_default();
        Ok((!fields.is_empty()).then(|| Drifted {
            difference: Difference {
                key: object.key.clone(),
                what: if live.is_some() { "change" } else { "create" },
                fields,
            },
            by,
            version: live
                .map(|live| meta::resource_version(live).to_owned())
                .unwrap_or_default(),
            object: object.into_owned(),
        }))
    }
}

/// The revision that stands for what the cluster should have, or why none does.
fn serving(history: &History) -> Result<&Record, String> {
    let Some(last) = history.last() else {
        return Err(format!(
            "nothing is deployed: there is no release {}",
            history.name()
        ));
    };
    let (revision, status) = (last.revision, last.info.status);
    if status == Status::Deployed {
        return Ok(last);
    }
    if status.is_pending() || status == Status::Uninstalling {
        return Err(format!(
            "revision {revision} is {status}: somebody is at work on it"
        ));
    }
    match history.deployed() {
        None => Err(format!("nothing is deployed: revision {revision} is {status}")),
        Some(deployed) => Err(format!(
            "the last revision, {revision}, is {status}, so nothing is compared with revision {}, nor put back to it",
            deployed.revision
        )),
    }
}

/// Why an object is not ready; `None` when it is.
fn unready(live: Option<&Value>) -> Option<String> {
    match live.map(manifest::health) {
        Some(Health::Ready) => None,
        Some(Health::Progressing(why) | Health::Failed(why)) => Some(why),
        Some(Health::Terminating) => Some("is being deleted".to_owned()),
        None => Some("is gone".to_owned()),
    }
}

/// Whether it is as it should be that an object is gone: the cluster removes a Job some time after it has finished, if it is
/// asked to. To make it again would be to run it again.
fn leaves_by_itself(object: &Object) -> bool {
    object.key.kind == Kind::JOB && meta::number_at(&object.value, "/spec/ttlSecondsAfterFinished").is_some()
}

/// An object as it is applied over what is live: replicas that were set through the scale subresource stay, or whoever
/// edits a label of a Deployment with fifty pods would have it scaled down to what the chart says.
fn as_scaled<'o>(object: &'o Object, live: &Value) -> Cow<'o, Object> {
    let replicas = meta::at(live, "/spec/replicas").filter(|_| others::is_scaled(live));
    match (replicas, object.value.pointer("/spec/replicas")) {
        (Some(replicas), Some(written)) if replicas != written => {
            let mut scaled = object.clone();
            scaled.value["spec"]["replicas"] = replicas.clone();
            Cow::Owned(scaled)
        }
        _ => Cow::Borrowed(object),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn history(revisions: &[(u32, Status)]) -> History {
        let records = revisions.iter().map(|(revision, status)| {
            let record = json!({"name": "a", "version": revision, "info": {"status": status}});
            serde_json::from_value(record).expect("a record")
        });
        History::new("a", records.collect())
    }

    #[test]
    fn only_a_deployed_revision_that_is_the_last_is_compared_with() {
        use Status::{Deployed, Failed, PendingUpgrade, Superseded, Uninstalled};
        let said =
            |revisions: &[(u32, Status)]| serving(&history(revisions)).map(|record| record.revision.get());
        assert_eq!(said(&[(1, Superseded), (2, Deployed)]), Ok(2));
        for (revisions, expected) in [
            (&[][..], "nothing is deployed: there is no release a"),
            (
                &[(1, Uninstalled)],
                "nothing is deployed: revision 1 is uninstalled",
            ),
            (&[(1, Failed)], "nothing is deployed: revision 1 is failed"),
            (
                &[(1, Deployed), (2, PendingUpgrade)],
                "revision 2 is pending-upgrade: somebody is at work on it",
            ),
            (
                &[(1, Deployed), (2, Failed)],
                "the last revision, 2, is failed, so nothing is compared with revision 1, nor put back to it",
            ),
        ] {
            assert_eq!(said(revisions), Err(expected.to_owned()));
        }
    }

    fn deployment(replicas: u32) -> Object {
        let value = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": replicas}});
        Object::new(value, "")
    }

    #[test]
    fn replicas_of_an_autoscaler_are_applied_as_they_are() {
        let scaled = |subresource: &str| {
            let live = json!({"spec": {"replicas": 50}, "metadata": {"managedFields": [
                {"subresource": subresource, "fieldsV1": {"f:spec": {"f:replicas": {}}}}]}});
            as_scaled(&deployment(3), &live).value["spec"]["replicas"].clone()
        };
        assert_eq!((scaled("scale"), scaled("")), (json!(50), json!(3)));
        let mut plain = deployment(3);
        plain.value = json!({"spec": {}});
        let live = json!({"spec": {"replicas": 50}});
        assert_eq!(as_scaled(&plain, &live).value, json!({"spec": {}}));
    }

    #[test]
    fn a_job_that_is_removed_when_it_has_finished_is_not_missed() {
        let job = |spec: &Value| {
            let value =
                json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "spec": spec});
            leaves_by_itself(&Object::new(value, ""))
        };
        assert!(job(&json!({"ttlSecondsAfterFinished": 0})));
        assert!(!job(&json!({})));
        assert!(!leaves_by_itself(&deployment(1)));
    }
}
