//! Which resource holds a kind, and which kind a resource holds, in the version that is stored.

use std::collections::HashMap;
use std::sync::Arc;

use objects::{Key, Kind, Source};
use serde_json::Value;

use crate::registry::catalog::{Catalog, Served};
use crate::registry::{Registry, complete_lean};
use crate::store::Object;

/// The kinds of a catalog, found quickly. Kinds whose definition is gone stay known: their last objects go later.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    catalog: Option<Arc<Catalog>>,
    changed: bool,
    by_kind: HashMap<Kind, Arc<Served>>,
    /// By the store's name of the resource.
    by_resource: HashMap<String, (Kind, Arc<Served>)>,
}

/// An object as it was read, and where it can be read again.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) value: Value,
    pub(super) source: Stored,
}

/// An object in the store: its bytes are there anyway.
#[derive(Debug)]
pub(super) struct Stored {
    object: Arc<Object>,
    served: Arc<Served>,
}

impl Source for Stored {
    fn read(&self) -> Value {
        // It was read before.
        complete_lean(&self.served, &self.object).unwrap_or_default()
    }

    fn bytes(&self) -> usize {
        self.object.json().len()
    }
}

impl Kinds {
    /// How a kind is served.
    pub(super) fn served(&mut self, registry: &Registry, kind: &Kind) -> Option<Arc<Served>> {
        self.refresh(registry);
        self.by_kind.get(kind).map(Arc::clone)
    }

    /// A stored object as clients see it, with its key: parsed, unless it was `written` by who asks. Managed fields may
    /// be missing. `None` for what no definition describes.
    pub(super) fn read(
        &mut self,
        registry: &Registry,
        object: &Arc<Object>,
        written: Option<Value>,
    ) -> Option<(Key, Read)> {
        let resource = object.key().resource().as_str();
        if !self.by_resource.contains_key(resource) {
            self.refresh(registry);
        }
        let (kind, served) = self.by_resource.get(resource)?;
        let value = match written {
            Some(value) => value,
            None => complete_lean(served, object)?,
        };
        let namespace = object.key().namespace().unwrap_or_default();
        let key = Key::new(kind.clone(), namespace, object.key().name());
        let source = Stored {
            object: Arc::clone(object),
            served: Arc::clone(served),
        };
        Some((key, Read { value, source }))
    }

    /// The kinds that are served and their plurals, if they are others than when this was asked last.
    pub(super) fn news(&mut self, registry: &Registry) -> Option<Vec<(Kind, String)>> {
        self.refresh(registry);
        let catalog = self
            .catalog
            .as_ref()
            .filter(|_| std::mem::take(&mut self.changed))?;
        let stored = catalog.all().filter(|served| served.stored_as.is_some());
        let kind = |served: &Arc<Served>| {
            let resource = &served.resource;
            let kind = Kind::new(resource.group.as_str(), resource.kind.as_str());
            (kind, resource.plural.clone())
        };
        Some(stored.map(kind).collect())
    }

    fn refresh(&mut self, registry: &Registry) {
        let catalog = registry.catalog();
        let known = self.catalog.as_ref();
        if known.is_some_and(|known| Arc::ptr_eq(known, &catalog)) {
            return;
        }
        self.changed = true;
        for served in catalog.all() {
            let (Some(stored), Some((group, version))) = (&served.stored_as, &served.resource.storage) else {
                continue;
            };
            let kind = Kind::new(served.resource.group.as_str(), served.resource.kind.as_str());
            let preferred = served.resource.version == *version;
            if preferred || !self.by_kind.contains_key(&kind) {
                // Events are served by two groups and have one kind in the world: that of the group that stores them.
                let resource = stored.as_str();
                if served.resource.group == *group || !self.by_resource.contains_key(resource) {
                    let entry = (kind.clone(), Arc::clone(served));
                    self.by_resource.insert(resource.to_owned(), entry);
                }
                self.by_kind.insert(kind, Arc::clone(served));
            }
        }
        self.catalog = Some(catalog);
    }
}
