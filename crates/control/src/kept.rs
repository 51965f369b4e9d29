//! Objects of a kind that a loop reads beside its own, kept up to date by one watch of the hub for all loops.

use std::sync::Arc;

use cluster::{Event, ListQuery};
use kinds::{Kind, Object};
use stdx::chain;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::hub::{HUB_AGAIN, Hub};
use crate::runner::{Objects, named};

/// The objects of a kind; cheap to clone.
#[derive(Debug)]
pub(crate) struct Kept<K: Kind> {
    receiver: watch::Receiver<Option<Arc<Objects<K>>>>,
}

/// Who keeps them.
#[derive(Debug)]
pub(crate) struct Keeper<K: Kind> {
    hub: Hub,
    sender: watch::Sender<Option<Arc<Objects<K>>>>,
}

/// The objects of a kind, once their keeper runs.
pub(crate) fn kept<K: Kind>(hub: &Hub) -> (Keeper<K>, Kept<K>) {
    let (sender, receiver) = watch::channel(None);
    let hub = hub.clone();
    (Keeper { hub, sender }, Kept { receiver })
}

impl<K: Kind> Clone for Kept<K> {
    fn clone(&self) -> Self {
        let receiver = self.receiver.clone();
        Self { receiver }
    }
}

impl<K: Kind> Kept<K> {
    /// All of them; `None` before they were listed for the first time.
    pub(crate) fn now(&self) -> Option<Arc<Objects<K>>> {
        self.receiver.borrow().clone()
    }

    /// What tells of changes.
    pub(crate) fn changes(&self) -> watch::Receiver<Option<Arc<Objects<K>>>> {
        self.receiver.clone()
    }
}

impl<K: Kind + 'static> Kept<K>
where
    Object<K>: Send + Sync,
{
    /// Tells a loop whenever one of them changes. Ends with the keeper, or with the loop.
    pub(crate) fn tell<T: Send + 'static>(
        &self,
        triggers: &mpsc::Sender<T>,
        trigger: impl Fn() -> T + Send + 'static,
    ) {
        let mut receiver = self.receiver.clone();
        let triggers = triggers.clone();
        tokio::spawn(async move {
            while receiver.changed().await.is_ok() && triggers.send(trigger()).await.is_ok() {}
        });
    }
}

impl<K: Kind> Keeper<K> {
    /// Keeps them; never returns.
    pub(crate) async fn run(self) {
        let kind = self.hub.served::<K>().await;
        let mut watch = self.hub.cluster().watch(&kind, None, &ListQuery::default(), "");
        loop {
            match watch.next().await {
                Ok(event) => self.observed(event),
                Err(error) => {
                    tracing::warn!(kind = K::NAME, error = %chain(&error), "the hub can't be watched");
                    sleep(HUB_AGAIN).await;
                }
            }
        }
    }

    fn observed(&self, event: Event) {
        self.sender.send_modify(|objects| {
            let objects = Arc::make_mut(objects.get_or_insert_default());
            match event {
                Event::Added(object) | Event::Modified(object) => keep(objects, &object),
                Event::Deleted(object) => drop(objects.remove(&named(&object))),
                Event::Relisted(all) => {
                    objects.clear();
                    all.iter().for_each(|object| keep(objects, object));
                }
            }
        });
    }
}

fn keep<K: Kind>(objects: &mut Objects<K>, object: &serde_json::Value) {
    let name = named(object);
    match Object::<K>::read(object) {
        Ok(read) => drop(objects.insert(name, Arc::new(read))),
        Err(error) => {
            tracing::error!(kind = K::NAME, %name, error = %chain(&error), "an object can't be read");
        }
    }
}
