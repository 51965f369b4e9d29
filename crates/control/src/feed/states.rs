//! Which state of each object a feed has, so that an older one never takes its place, and what was deleted stays so.
//!
//! ```text
//! watch event, answer to a write ──version, uid──► news, or told too late
//! ```
//!
//! The two come in any order: the answer to a write may be taken in after the event of a later write, and after the object
//! was deleted. Versions are numbers that grow over all objects of a kind, as Kubernetes promises since 1.35; with anything
//! else, what comes last counts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use delivery::Name;

/// How many deleted objects are remembered. An answer comes within a minute of its write, and nobody deletes more in that.
const GONE: usize = 4096;

/// The states of all objects.
#[derive(Debug, Default)]
pub(super) struct States {
    there: BTreeMap<(&'static str, Name), State>,
    /// The uids of what was deleted, and their order.
    gone: BTreeSet<String>,
    order: VecDeque<String>,
}

/// Which state an object is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    uid: String,
    version: Option<u128>,
}

impl State {
    pub(super) fn new(uid: &str, version: &str) -> Self {
        Self {
            uid: uid.to_owned(),
            version: version.parse().ok(),
        }
    }

    fn is_older(&self, other: &Self) -> bool {
        matches!((self.version, other.version), (Some(one), Some(other)) if one < other)
    }
}

impl States {
    /// Takes note of an object; false if it is told too late, so that it is not to be taken in.
    pub(super) fn is_news(&mut self, kind: &'static str, name: &Name, state: State) -> bool {
        if self.gone.contains(&state.uid) {
            return false;
        }
        let of = (kind, name.clone());
        if let Some(known) = self.there.get(&of) {
            if state.is_older(known) {
                return false;
            }
            // Deleted and made again, and nobody told of the first.
            if known.uid != state.uid {
                let uid = known.uid.clone();
                self.bury(uid);
            }
        }
        self.there.insert(of, state);
        true
    }

    /// Takes note that an object was deleted; false if another one of its name is there meanwhile.
    pub(super) fn is_gone(&mut self, kind: &'static str, name: &Name, uid: &str) -> bool {
        self.bury(uid.to_owned());
        let of = (kind, name.clone());
        match self.there.get(&of) {
            Some(known) if known.uid != uid => false,
            _ => {
                self.there.remove(&of);
                true
            }
        }
    }

    /// What there was of a kind that a list of this version does not have; it is forgotten. What was made after the list
    /// stays.
    pub(super) fn unlisted(
        &mut self,
        kind: &'static str,
        listed: &BTreeSet<Name>,
        version: &str,
    ) -> Vec<Name> {
        let list = State::new("", version);
        let of_kind = self
            .there
            .range((kind, Name::default())..)
            .take_while(|((one, _), _)| *one == kind);
        let missing = of_kind.filter(|((_, name), state)| !listed.contains(name) && !list.is_older(state));
        let missing: Vec<(Name, String)> = missing
            .map(|((_, name), state)| (name.clone(), state.uid.clone()))
            .collect();
        for (name, uid) in &missing {
            self.is_gone(kind, name, uid);
        }
        missing.into_iter().map(|(name, _)| name).collect()
    }

    fn bury(&mut self, uid: String) {
        if uid.is_empty() || !self.gone.insert(uid.clone()) {
            return;
        }
        self.order.push_back(uid);
        if self.order.len() > GONE
            && let Some(oldest) = self.order.pop_front()
        {
            self.gone.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "Application";

    fn web() -> Name {
        Name::new("shop", "web")
    }

    #[test]
    fn an_answer_that_is_taken_in_late_takes_no_word_back() {
        let mut states = States::default();
        let mut is_news = |uid: &str, version: &str| states.is_news(KIND, &web(), State::new(uid, version));
        assert!(is_news("a", "9"));
        // A person's word, by the watch; then the answer to a write of before.
        assert!(is_news("a", "11"));
        assert!(!is_news("a", "10"));
        assert!(is_news("a", "11"));
        assert!(is_news("a", "12"));
        // Versions that are no numbers tell nothing.
        assert!(is_news("a", "x"));
        assert!(is_news("a", "2"));
    }

    #[test]
    fn what_was_deleted_does_not_come_back_and_what_was_made_again_stays() {
        let mut states = States::default();
        assert!(states.is_news(KIND, &web(), State::new("a", "9")));
        assert!(states.is_gone(KIND, &web(), "a"));
        assert!(!states.is_news(KIND, &web(), State::new("a", "10")));
        assert!(states.is_news(KIND, &web(), State::new("b", "12")));
        // That the first is gone is told after the second is known.
        assert!(!states.is_gone(KIND, &web(), "a"));
        assert!(!states.is_news(KIND, &web(), State::new("b", "11")));
        // Made again, and nobody told that the second is gone.
        assert!(states.is_news(KIND, &web(), State::new("c", "20")));
        assert!(!states.is_news(KIND, &web(), State::new("b", "x")));
    }

    #[test]
    fn a_list_ends_what_it_does_not_have_unless_it_is_younger() {
        let mut states = States::default();
        let name = |name: &str| Name::new("shop", name);
        for (of, uid, version) in [("a", "1", "5"), ("b", "2", "6"), ("c", "3", "8")] {
            assert!(states.is_news(KIND, &name(of), State::new(uid, version)));
        }
        assert!(states.is_news("Artifact", &name("a"), State::new("4", "5")));
        let listed = BTreeSet::from([name("a")]);
        assert_eq!(states.unlisted(KIND, &listed, "7"), [name("b")]);
        assert_eq!(states.unlisted(KIND, &listed, "8"), [name("c")]);
        assert!(!states.is_news(KIND, &name("b"), State::new("2", "7")));
        assert!(states.is_news("Artifact", &name("a"), State::new("4", "6")));
    }

    #[test]
    fn no_more_deleted_objects_are_remembered_than_may_be() {
        let mut states = States::default();
        for number in 0..=GONE {
            states.is_gone(KIND, &web(), &number.to_string());
        }
        assert_eq!((states.gone.len(), states.order.len()), (GONE, GONE));
        assert!(states.is_news(KIND, &web(), State::new("0", "1")));
        assert!(!states.is_news(KIND, &web(), State::new("1", "1")));
    }
}
