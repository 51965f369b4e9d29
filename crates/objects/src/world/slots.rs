//! The objects of a world: parsed while somebody reads them, left to whoever stores them otherwise.
//!
//! ```text
//! put ──► warm ──too many, not read lately──► cold ──read──► warm
//! ```
//!
//! A parsed object takes six times the memory of its JSON, and most objects of a large cluster are read by nobody
//! most of the time. What nobody else stores stays parsed. Not here: which object is where (see `world`).

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;

use super::Brief;

/// Where an object that is no longer parsed can be read again, exactly as it was.
pub trait Source: fmt::Debug + Send + Sync {
    /// The object. Managed fields may be missing: a world has none.
    fn read(&self) -> Value;

    /// About how long its JSON is.
    fn bytes(&self) -> usize;
}

/// The place of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlotId(u32);

/// The objects by their places.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: Vec<SlotId>,
    warm: Mutex<Warm>,
    /// How much JSON may be parsed at a time.
    most: usize,
}

#[derive(Debug, Default)]
struct Slot {
    /// `None` for what nobody else stores.
    source: Option<Box<dyn Source>>,
    parsed: OnceLock<Arc<Value>>,
    /// Of pods: what is known without reading them.
    brief: Option<Box<Brief>>,
    /// Whether somebody read it since it was looked at last.
    read: AtomicBool,
}

/// The parsed objects that could be read again, oldest first.
#[derive(Debug, Default)]
struct Warm {
    order: VecDeque<(SlotId, usize)>,
    bytes: usize,
}

impl Slots {
    /// Without objects; parses at most about so many bytes of JSON at a time.
    pub(super) fn new(most: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            warm: Mutex::default(),
            most,
        }
    }

    /// The object at a place that is taken.
    pub(super) fn get(&self, id: SlotId) -> &Arc<Value> {
        let slot = &self.slots[id.0 as usize];
        slot.read.store(true, Ordering::Relaxed);
        slot.parsed.get_or_init(|| {
            let source = slot.source.as_ref();
            if let Some(source) = source {
                self.warm().push(id, source.bytes());
            }
            Arc::new(source.map_or(Value::Null, |source| source.read()))
        })
    }

    /// What is known of the pod at a place without reading it.
    pub(super) fn brief(&self, id: SlotId) -> Option<&Brief> {
        self.slots[id.0 as usize].brief.as_deref()
    }

    /// Sums up the pod at a place.
    pub(super) fn sum_up(&mut self, id: SlotId, brief: Brief) {
        self.slots[id.0 as usize].brief = Some(Box::new(brief));
    }

    /// Gives an object a place.
    pub(super) fn add(&mut self, object: Arc<Value>, source: Option<Box<dyn Source>>) -> SlotId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            SlotId(u32::try_from(self.slots.len() - 1).expect("fewer objects than 4 billion fit into memory"))
        });
        self.set(id, object, source);
        id
    }

    /// Puts another object at a place.
    pub(super) fn set(&mut self, id: SlotId, object: Arc<Value>, source: Option<Box<dyn Source>>) {
        let was_warm = {
            let slot = &self.slots[id.0 as usize];
            slot.source.is_some() && slot.parsed.get().is_some()
        };
        if let Some(source) = source.as_ref().filter(|_| !was_warm) {
            self.warm().push(id, source.bytes());
        }
        self.slots[id.0 as usize] = Slot {
            source,
            parsed: OnceLock::from(object),
            brief: None,
            read: AtomicBool::new(true),
        };
        self.cool();
    }

    /// Frees a place.
    pub(super) fn remove(&mut self, id: SlotId) {
        // Its place in the order, if it has one, is that of whatever comes here next, or of nothing.
        self.slots[id.0 as usize] = Slot::default();
        self.free.push(id);
    }

    /// Lets go of the oldest parsed objects that nobody read lately, if there are too many.
    pub(super) fn cool(&mut self) {
        let Self {
            slots, warm, most, ..
        } = self;
        let warm = warm.get_mut().unwrap_or_else(PoisonError::into_inner);
        // An object that was read gets one more turn, so this ends after two.
        while warm.bytes > *most
            && let Some((id, bytes)) = warm.order.pop_front()
        {
            let slot = &mut slots[id.0 as usize];
            if std::mem::take(slot.read.get_mut()) {
                warm.order.push_back((id, bytes));
                continue;
            }
            warm.bytes -= bytes;
            if slot.source.is_some() {
                slot.parsed.take();
            }
        }
    }

    /// How many objects are parsed.
    #[cfg(test)]
    pub(super) fn parsed(&self) -> usize {
        let parsed = self.slots.iter().filter(|slot| slot.parsed.get().is_some());
        parsed.count()
    }

    fn warm(&self) -> MutexGuard<'_, Warm> {
        self.warm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Warm {
    fn push(&mut self, id: SlotId, bytes: usize) {
        self.order.push_back((id, bytes));
        self.bytes += bytes;
    }
}
