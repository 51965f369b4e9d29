//! The namespace of a rehearsal on a real cluster: made with what the tenant's has, and removed with all that is in it.
//!
//! Removing it is tried whatever happened before, is waited for with a bound, and what stays is told with the command for it.

use std::borrow::Cow;
use std::time::Duration;

use cluster::run::{Options, Release, Watching};
use cluster::{Apply, At, Cluster, Delete, Error, Propagation, Resource, Write};
use jiff::Timestamp;
use manifest::{Finding, Severity};
use objects::meta;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Trial;
use crate::failure::{Step, chain};
use crate::steps::{Ended, STOPPED};

const MANAGER: &str = "shipway-verify";

/// On the namespace: which run made it. `kubectl get ns -l shipway.dev/verify` shows all that are there.
const LABEL: &str = "shipway.dev/verify";

/// How long a fresh namespace may take to have its ServiceAccount and its quota counted; then it is tried all the same.
const SETTLED: Duration = Duration::from_secs(30);

/// How long an uninstall may take, and the end of the namespace: pods get half a minute to end, volumes and load balancers of
/// a cloud a few.
const UNINSTALLED: Duration = Duration::from_mins(2);
const GONE: Duration = Duration::from_mins(5);

/// How often is looked whether something came or went.
const LOOK: Duration = Duration::from_millis(250);

impl Trial<'_> {
    /// Makes the namespace, with the quota and the limits of the tenant's.
    pub(super) fn make_namespace(&mut self) -> Result<(), Ended> {
        if self.steps.ground.is_stopped() {
            return self.undone(STOPPED);
        }
        let (stage, real) = (self.steps.stage, self.real);
        let name = self.steps.ground.namespace.as_str().to_owned();
        let (labels, bounds) = crate::seed::bounds(stage, &name);
        let mut namespace = json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {LABEL: real.word, "app.kubernetes.io/managed-by": MANAGER}}});
        meta::map_mut(&mut namespace, &["metadata", "labels"]).extend(labels);
        let done = self.steps.timed(Step::Seed, |this| {
            this.ground.runner.wait(async {
                let uid = create(&real.cluster, &namespace).await?;
                Ok::<_, Error>((uid, fill(&real.cluster, &name, &bounds).await))
            })
        });
        match done {
            Ok((uid, filled)) => {
                self.made = Some(uid);
                match filled {
                    Ok(()) => Ok(()),
                    Err(error) => self.undone(&chain(&error)),
                }
            }
            Err(error) => self.undone(&chain(&error)),
        }
    }

    /// Removes the release and its namespace. What stays is told.
    pub(super) fn clean_up(&mut self, uid: &str) {
        let (cluster, ground) = (self.real.cluster.clone(), self.steps.ground.clone());
        let (name, release) = (
            ground.namespace.as_str().to_owned(),
            self.steps.stage.release.as_str(),
        );
        let left = self.steps.timed(Step::CleanUp, |this| {
            this.ground.runner.wait(async {
                tokio::select! {
                    biased;
                    () = this.ground.stopped(1) => {}
                    () = uninstall(&cluster, (&name, release)) => {}
                }
                let resource = match delete(&cluster, &name, uid).await {
                    Ok(resource) => resource,
                    Err(error) => return Some(chain(&error)),
                };
                tokio::select! {
                    left = gone(&cluster, resource.at("", &name), uid) => left,
                    () = this.ground.stopped(2) => Some("nobody waited for its end".to_owned()),
                }
            })
        });
        let Some(why) = left else { return };
        if let Some(phase) = self.steps.outcome.phases.last_mut() {
            phase.passed = false;
        }
        let kubectl = match self.real.flags.as_str() {
            "" => "kubectl".to_owned(),
            flags => format!("kubectl {flags}"),
        };
        let cure = format!(
            "`{kubectl} delete namespace {name}` removes it; `{kubectl} describe namespace {name}` says what holds it"
        );
        self.steps.outcome.happened.push(Finding {
            check: Step::CleanUp.check(),
            severity: Severity::Warning,
            object: format!("Namespace {name}"),
            path: String::new(),
            source: String::new(),
            line: 0,
            message: format!("it may still be there: {why}"),
            cure: Cow::Owned(cure),
        });
    }
}

/// Creates the namespace, and says its uid. One that is there is somebody else's.
async fn create(cluster: &Cluster, namespace: &Value) -> Result<String, Error> {
    let resource = kind(cluster, "Namespace").await?;
    let how = Write {
        manager: MANAGER,
        ..Write::default()
    };
    let made = match cluster.create(resource.at("", ""), namespace, how).await {
        // If the answer was lost it may be there, and then it is to go again.
        Err(error) if error.may_be_done() => {
            let there = cluster.get(resource.at("", meta::name(namespace))).await?;
            let is_ours = |there: &Value| meta::label(there, LABEL) == meta::label(namespace, LABEL);
            there.filter(is_ours).ok_or(error)?
        }
        other => other?,
    };
    Ok(meta::uid(&made).to_owned())
}

/// Puts quota and limits in, and waits until the namespace is what pods may be made in.
async fn fill(cluster: &Cluster, namespace: &str, bounds: &[Value]) -> Result<(), Error> {
    for object in bounds {
        let resource = kind(cluster, meta::text(object, "kind")).await?;
        let how = Apply {
            manager: MANAGER,
            ..Apply::default()
        };
        cluster
            .apply(resource.at(namespace, meta::name(object)), object, how)
            .await?;
    }
    let account = json!({"kind": "ServiceAccount", "metadata": {"name": "default"}});
    let until = Instant::now() + SETTLED;
    for object in bounds.iter().chain([&account]) {
        let resource = kind(cluster, meta::text(object, "kind")).await?;
        let at = resource.at(namespace, meta::name(object));
        let is_quota = object["kind"] == "ResourceQuota";
        while Instant::now() < until {
            let there = cluster.get(at).await?;
            let is_counted = |there: &Value| !is_quota || there.pointer("/status/hard").is_some();
            if there.as_ref().is_some_and(is_counted) {
                break;
            }
            sleep(LOOK).await;
        }
    }
    Ok(())
}

/// Lets the release end in order: hooks that remove what is outside of the cluster run. Whatever stays goes with the namespace.
async fn uninstall(cluster: &Cluster, place: (&str, &str)) {
    let options = Options {
        timeout: UNINSTALLED,
        brake: None,
        ..Options::new("shipway verify".to_owned(), Timestamp::now)
    };
    let work = async {
        let mut release = Release::open(cluster, place, options, Watching::nobody()).await?;
        release.uninstall(false).await.map(drop)
    };
    let _ = tokio::time::timeout(UNINSTALLED, work).await;
}

async fn delete(cluster: &Cluster, name: &str, uid: &str) -> Result<Resource, Error> {
    let resource = kind(cluster, "Namespace").await?;
    let how = Delete {
        uid,
        propagation: Some(Propagation::Background),
        ..Delete::default()
    };
    cluster.delete(resource.at("", name), how).await?;
    Ok(resource)
}

/// Waits for the end of a namespace; says why it is still there.
async fn gone(cluster: &Cluster, at: At<'_>, uid: &str) -> Option<String> {
    let until = Instant::now() + GONE;
    loop {
        match cluster.get(at).await {
            Ok(Some(there)) if meta::uid(&there) == uid => {
                if Instant::now() >= until {
                    return Some(held(&there));
                }
            }
            Ok(_) => return None,
            Err(error) if Instant::now() >= until => return Some(chain(&error)),
            Err(_) => {}
        }
        sleep(LOOK).await;
    }
}

/// What a namespace says that it waits for.
fn held(namespace: &Value) -> String {
    let conditions = meta::list_at(namespace, "/status/conditions").iter();
    let told = conditions
        .filter(|one| meta::text(one, "status") == "True")
        .map(|one| meta::text(one, "message").to_owned());
    let told: Vec<String> = told.collect();
    match told.is_empty() {
        true => format!("it did not end within {} s", GONE.as_secs()),
        false => told.join("; "),
    }
}

/// A kind that every cluster serves.
async fn kind(cluster: &Cluster, kind: &str) -> Result<Resource, Error> {
    let found = cluster.resource("v1", kind).await?;
    Ok(found.unwrap_or_else(|| builtin(kind)))
}

/// As an API server without discovery would have it: the request then says what is the matter.
fn builtin(kind: &str) -> Resource {
    Resource {
        kind: objects::Kind::new("", kind),
        version: "v1".to_owned(),
        plural: format!("{}s", kind.to_lowercase()),
        namespaced: kind != "Namespace",
        verbs: Vec::new(),
        subresources: Vec::new(),
    }
}
