//! Templates by name: those of a chart's files, and on top those that `tpl` adds for a moment.
//!
//! ```text
//! Parsed ──add──► Set (shared by every render) ◄── Scope (one per running tpl) ◄── Executor
//! ```
//!
//! A set is built once and only read afterwards, by any number of threads. The sources that `tpl` parses are
//! remembered in it, so that the same text is parsed once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::ParseError;
use crate::function::Functions;
use crate::parse::{Parsed, parse};
use crate::tree::Template;

/// How much text of `tpl` is remembered: all of a large chart's, and no more than a few megabytes of trees.
const MAX_REMEMBERED_BYTES: usize = 1 << 20;

/// A set of templates that can call one another by name.
#[derive(Debug)]
pub struct Set {
    functions: Arc<Functions>,
    templates: HashMap<Arc<str>, Arc<Template>>,
    remembered: Mutex<Remembered>,
}

/// Sources that were parsed while a template ran, by name and text.
#[derive(Debug, Default)]
struct Remembered {
    bytes: usize,
    parsed: HashMap<Box<[u8]>, Arc<Parsed>>,
}

/// The templates a running template sees: a set, or what `tpl` defines on top of another scope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) set: &'a Set,
    pub(crate) layer: Option<&'a Layer<'a>>,
}

/// The templates of one running `tpl`.
#[derive(Debug)]
pub(crate) struct Layer<'a> {
    pub(crate) parsed: &'a Parsed,
    pub(crate) below: Option<&'a Layer<'a>>,
}

impl Set {
    pub fn new(functions: Arc<Functions>) -> Self {
        Self {
            functions,
            templates: HashMap::new(),
            remembered: Mutex::default(),
        }
    }

    pub fn functions(&self) -> &Arc<Functions> {
        &self.functions
    }

    /// Parses a source and adds what it defines.
    pub fn parse(&mut self, name: &str, source: &[u8]) -> Result<(), ParseError> {
        let parsed = parse(&self.functions, name, source)?;
        self.add(&parsed);
        Ok(())
    }

    /// Adds the templates of a source that was parsed with the same functions.
    ///
    /// A template replaces one of the same name, but a blank one never does.
    pub fn add(&mut self, parsed: &Parsed) {
        for template in std::iter::once(&parsed.main).chain(&parsed.defined) {
            if template.is_blank && self.templates.contains_key(&template.name) {
                continue;
            }
            self.templates
                .insert(Arc::clone(&template.name), Arc::clone(template));
        }
    }

    pub fn get(&self, name: &str) -> Option<&Template> {
        self.templates.get(name).map(AsRef::as_ref)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.templates.keys().map(AsRef::as_ref)
    }

    /// The parsed form of a source that a running template made. One name is used for all of them.
    pub(crate) fn parsed(&self, name: &str, source: &[u8]) -> Result<Arc<Parsed>, ParseError> {
        let found = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .parsed
            .get(source)
            .cloned();
        if let Some(parsed) = found.filter(|parsed| parsed.main.file_name() == name) {
            return Ok(parsed);
        }
        let parsed = Arc::new(parse(&self.functions, name, source)?);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.bytes + source.len() > MAX_REMEMBERED_BYTES {
            remembered.parsed.clear();
            remembered.bytes = 0;
        }
        if source.len() <= MAX_REMEMBERED_BYTES / 4 {
            remembered.bytes += source.len();
            remembered.parsed.insert(source.into(), Arc::clone(&parsed));
        }
        Ok(parsed)
    }
}

impl<'a> Scope<'a> {
    pub(crate) fn get(self, name: &str) -> Option<&'a Template> {
        let mut blank = None;
        let mut layer = self.layer;
        while let Some(Layer { parsed, below }) = layer {
            if *parsed.main.name == *name {
                return Some(&parsed.main);
            }
            match parsed.named(name) {
                Some(template) if !template.is_blank => return Some(template),
                Some(template) => blank = Some(template),
                None => {}
            }
            layer = *below;
        }
        self.set.get(name).or(blank)
    }
}
