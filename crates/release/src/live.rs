//! What a plan is made against: what the cluster serves, and what is there under the names that matter.

use std::collections::HashMap;

use manifest::Object;
use objects::{Key, Kind, meta};
use serde_json::Value;

use crate::refusal::{Cause, Refusal};

/// What the cluster said. Nothing in it is older than the operation.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Live objects by key; what is not here is not there.
    pub objects: HashMap<Key, Value>,
    /// The ResourceQuotas of the namespaces that the release writes to.
    pub quotas: HashMap<String, Vec<Value>>,
}

/// The kinds that the cluster serves.
#[derive(Clone, Debug, Default)]
pub struct Served {
    scopes: HashMap<(String, String), Scope>,
}

/// Whether objects of a kind have a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Namespace,
    Cluster,
}

impl Served {
    pub fn add(&mut self, api_version: &str, kind: &str, scope: Scope) {
        self.scopes
            .insert((api_version.to_owned(), kind.to_owned()), scope);
    }

    #[must_use]
    pub fn scope(&self, object: &Object) -> Option<Scope> {
        let kind = (object.api_version.clone(), object.key.kind.name.to_string());
        self.scopes.get(&kind).copied()
    }

    /// Adds the kinds that CustomResourceDefinitions among `objects` will bring.
    pub fn expect(&mut self, objects: &[Object]) {
        for object in objects {
            if object.key.kind != Kind::CUSTOM_RESOURCE_DEFINITION {
                continue;
            }
            let spec = |path: &str| meta::text_at(&object.value, path);
            let scope = match spec("/spec/scope") {
                "Cluster" => Scope::Cluster,
                _ => Scope::Namespace,
            };
            for version in meta::list_at(&object.value, "/spec/versions") {
                let api_version = format!("{}/{}", spec("/spec/group"), meta::text(version, "name"));
                self.add(&api_version, spec("/spec/names/kind"), scope);
            }
        }
    }

    /// Says where each object is: in the release's namespace unless its manifest says another, in none if its kind has none.
    ///
    /// # Errors
    /// Every object whose kind is not served.
    pub fn place(&self, objects: Vec<Object>, namespace: &str) -> Result<Vec<Object>, Vec<Refusal>> {
        let mut refusals = Vec::new();
        let mut placed = Vec::with_capacity(objects.len());
        for mut object in objects {
            let place = match self.scope(&object) {
                Some(Scope::Cluster) => "",
                Some(Scope::Namespace) if object.key.namespace.is_empty() => namespace,
                Some(Scope::Namespace) => {
                    placed.push(object);
                    continue;
                }
                None => {
                    refusals.push(Refusal::of(
                        &object,
                        Cause::MissingKind {
                            api_version: object.api_version.clone(),
                        },
                    ));
                    continue;
                }
            };
            object.key.namespace = place.into();
            placed.push(object);
        }
        if refusals.is_empty() {
            Ok(placed)
        } else {
            Err(refusals)
        }
    }

    /// Says where the objects are that a release has. What the cluster no longer serves is not there any more.
    #[must_use]
    pub fn place_what_is_left(&self, mut objects: Vec<Object>, namespace: &str) -> Vec<Object> {
        objects.retain(|object| self.scope(object).is_some());
        self.place(objects, namespace).unwrap_or_default()
    }
}
