//! Roles as objects: those that every cluster begins with, those that gather others, and who may write one.
//!
//! Deliberately absent: what a role permits, which is `auth`'s; here its answers meet the store.

use std::sync::Arc;

use serde_json::{Value, json};

use super::caller::{Place, Sent};
use super::catalog::Served;
use super::failure::{Failure, details};
use super::write::stored_form;
use super::{Call, Registry, Verb, metadata};
use crate::auth::escalation::{self, Grant, Refusal};
use crate::auth::{Authorizer, Rule, bootstrap};
use crate::store::{self, Key, Ticket};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Who fills the roles that gather others; it may write any, by the role that it has in every cluster.
const AGGREGATOR: &str = "clusterrole-aggregation-controller";

impl Registry {
    /// Stores the roles and bindings that every cluster has, those that aren't there, with one sync for all.
    pub(super) async fn bootstrap_roles(&self) {
        let mut objects = bootstrap::objects();
        let mut authorizer = Authorizer::default();
        for object in &objects {
            authorizer.put(kind(object), object);
        }
        // The view, edit and admin of a new cluster are whole at once, before any aggregation has run.
        for (name, rules) in authorizer.stale_aggregates() {
            let own =
                |object: &&mut Value| kind(object) == "ClusterRole" && metadata::text(object, "name") == name;
            if let Some(role) = objects.iter_mut().find(own) {
                role["rules"] = rules_json(rules);
            }
        }
        let tickets: Vec<Ticket> = objects
            .iter_mut()
            .filter_map(|object| self.begin_role(object))
            .collect();
        for ticket in tickets {
            // `Exists` is what is wanted; anything else shows at the first request.
            let _ = ticket.await;
        }
    }

    fn begin_role(&self, object: &mut Value) -> Option<Ticket> {
        let served = self.served_role(kind(object))?;
        let namespace = Some(metadata::text(object, "namespace").to_owned()).filter(|name| !name.is_empty());
        let name = metadata::text(object, "name");
        let key = Key::new(served.stored_as.as_ref()?, namespace.as_deref(), name).ok()?;
        if self.store.get(&key).is_some() {
            return None;
        }
        let fields = metadata::of_mut(object);
        fields.insert("uid".to_owned(), json!(self.around.uid()));
        fields.insert("creationTimestamp".to_owned(), json!(self.around.now()));
        let draft = stored_form(&served, object).ok()?;
        Some(self.store.create(key, draft))
    }

    fn served_role(&self, kind: &str) -> Option<Arc<Served>> {
        let plural = format!("{}s", kind.to_lowercase());
        self.catalog().find(GROUP, "v1", &plural).map(Arc::clone)
    }

    /// Fills the roles that gather others, again after every write of a ClusterRole, until the store closes.
    pub(crate) async fn keep_aggregates(self) {
        let Ok(resource) = store::Resource::new(GROUP, "clusterroles") else {
            return;
        };
        loop {
            self.aggregate().await;
            let Ok(mut watcher) = self.store.watch(&resource, None, self.store.revision()) else {
                return;
            };
            // What was written between the pass and the watch.
            self.aggregate().await;
            loop {
                match watcher.next().await {
                    Ok(_) => self.aggregate().await,
                    Err(store::Error::Closed) => return,
                    Err(_) => break,
                }
            }
        }
    }

    async fn aggregate(&self) {
        let stale = self.access.look(|authorizer| {
            let stale = authorizer.stale_aggregates().into_iter();
            stale
                .map(|(name, rules)| (name.to_owned(), rules_json(rules)))
                .collect::<Vec<_>>()
        });
        let controller = self.controller(AGGREGATOR);
        for (name, rules) in stale {
            let place = Place {
                group: GROUP,
                version: "v1",
                plural: "clusterroles",
                name: &name,
                ..Place::default()
            };
            let configuration = json!({
                "apiVersion": format!("{GROUP}/v1"), "kind": "ClusterRole",
                "metadata": {"name": name}, "rules": rules,
            });
            let sent = Sent {
                query: "force=true&fieldManager=clusterrole-aggregation-controller",
                content_type: "application/apply-patch+yaml",
                body: Some(&configuration),
            };
            // Refused only if the role changes all the time; its next change comes here again.
            let _ = controller.call(Verb::Patch, place, sent).await;
        }
    }

    /// Refuses a role or binding that grants what the user doesn't hold.
    pub(super) fn check_grant(
        &self,
        call: &Call,
        live: Option<&Value>,
        object: &Value,
    ) -> Result<(), Failure> {
        let resource = &call.served.resource;
        if resource.group != GROUP || call.user.is_master() {
            return Ok(());
        }
        let grant = Grant {
            user: &call.user,
            kind: &resource.kind,
            namespace: call.namespace().unwrap_or_default(),
            object,
            old: live,
        };
        let checked = self
            .access
            .look(|authorizer| escalation::check(authorizer, &grant));
        checked.map_err(|refusal| match refusal {
            Refusal::Forbidden(message) => Failure::new(403, "Forbidden", message).with_details(details(
                GROUP,
                &resource.plural,
                metadata::text(object, "name"),
            )),
            Refusal::NotFound { message, kind, name } => {
                Failure::new(404, "NotFound", message).with_details(details(GROUP, kind, &name))
            }
        })
    }
}

fn kind(object: &Value) -> &str {
    object.get("kind").and_then(Value::as_str).unwrap_or_default()
}

fn rules_json(rules: &[Rule]) -> Value {
    rules.iter().map(Rule::to_json).collect()
}
