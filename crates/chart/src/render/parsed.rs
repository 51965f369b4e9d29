//! The parsed templates of a loaded chart, kept with it, so that rendering it again does not parse again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use template::Parsed;

/// Parsed files by their full name: a chart that is used under two aliases has each file twice, because errors
/// and `define` carry the name. Bounded by the aliases in `Chart.yaml`.
#[derive(Debug, Default)]
pub(crate) struct ParsedTemplates(Mutex<HashMap<String, Arc<Parsed>>>);

impl ParsedTemplates {
    /// The parsed file of this name; `parse` runs when it is not there yet. Two threads may both parse; either
    /// result serves.
    pub(crate) fn get_or_parse<E>(
        &self,
        name: &str,
        parse: impl FnOnce() -> Result<Parsed, E>,
    ) -> Result<Arc<Parsed>, E> {
        if let Some(parsed) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(Arc::clone(parsed));
        }
        let parsed = Arc::new(parse()?);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), Arc::clone(&parsed));
        Ok(parsed)
    }
}
