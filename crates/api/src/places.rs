//! How many things somebody has at once: connections of an address, boards that a caller watches.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Places, by whose they are. Remembers nobody who has none.
#[derive(Debug)]
pub(crate) struct Places {
    most: usize,
    taken: Mutex<BTreeMap<String, usize>>,
}

/// A place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    of: Arc<Places>,
    whose: String,
}

impl Places {
    /// So many for each.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: Mutex::default(),
        })
    }

    /// Takes one; `None` if whoever it is has as many as there are.
    pub(crate) fn take(self: &Arc<Self>, whose: &str) -> Option<Place> {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(whose.to_owned()).or_default();
        if *taken >= self.most {
            return None;
        }
        *taken += 1;
        Some(Place {
            of: Arc::clone(self),
            whose: whose.to_owned(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.of.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&self.whose) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                all.remove(&self.whose);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_so_many_and_gives_them_back() {
        let places = Places::new(2);
        let (one, two) = (places.take("ana"), places.take("ana"));
        assert!(one.is_some() && two.is_some());
        assert!(places.take("ana").is_none());
        assert!(places.take("bob").is_some(), "another's are another's");
        drop(one);
        let again = places.take("ana");
        assert!(again.is_some() && places.take("ana").is_none());
        drop((two, again));
        assert!(places.taken.lock().unwrap().is_empty(), "nobody is remembered");
    }
}
