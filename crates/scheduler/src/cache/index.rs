//! Finding the selectors that may select a pod by its labels, without trying each.

use std::collections::HashMap;

use objects::Selector;
use objects::labels::Labels;

/// Numbers under the label that their selector certainly asks for.
#[derive(Debug, Default)]
pub struct Index {
    by_label: HashMap<String, HashMap<String, Vec<usize>>>,
    /// Those that ask for no certain label.
    rest: Vec<usize>,
}

impl Index {
    pub fn insert(&mut self, selector: &Selector, number: usize) {
        self.place(selector).push(number);
    }

    pub fn remove(&mut self, selector: &Selector, number: usize) {
        self.place(selector).retain(|one| *one != number);
    }

    /// The numbers whose selectors may select these labels.
    pub fn candidates<'a>(&'a self, labels: &'a Labels) -> impl Iterator<Item = usize> + 'a {
        let found = labels
            .iter()
            .filter_map(|(key, value)| self.by_label.get(key)?.get(value));
        found.flatten().chain(&self.rest).copied()
    }

    fn place(&mut self, selector: &Selector) -> &mut Vec<usize> {
        match selector.certain() {
            Some((key, value)) => {
                let values = self.by_label.entry(key.to_owned()).or_default();
                values.entry(value.to_owned()).or_default()
            }
            None => &mut self.rest,
        }
    }
}
