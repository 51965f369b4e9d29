//! Lists: what a query asks, and the page it gets.
//!
//! All pages of one list show the same revision, the one of the first page, for as long as the history reaches
//! back that far; then the next page is `Expired`, and the client may start again or, with
//! [`Continue::inconsistent`], go on with the newest state after the last object it got.

use std::fmt;
use std::sync::Arc;

use super::error::Error;
use super::object::{Object, is_indexed};
use super::table::Rows;
use super::token::Continue;

/// Which state a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum At {
    /// The newest.
    #[default]
    Latest,
    /// The newest, but an error if the store has not come that far.
    NotOlderThan(u64),
    /// Exactly this revision.
    Exact(u64),
}

/// A test that an object must pass to be in a list. It runs while writers to the resource wait: quick, and
/// without calls to the store.
pub type Keep<'a> = dyn Fn(&Object) -> bool + 'a;

/// What to list. The default is everything, as of now, in one page.
#[derive(Clone, Copy, Default)]
pub struct Query<'a> {
    /// Only this namespace.
    pub namespace: Option<&'a str>,
    /// As of when; a continue token says it instead.
    pub at: At,
    /// At most this many objects that pass; `None` or 0 for no limit.
    pub limit: Option<usize>,
    /// Where the page before ended.
    pub after: Option<&'a Continue>,
    /// The selectors.
    pub keep: Option<&'a Keep<'a>>,
    /// A field and the value that `keep` asks of it, if it asks that: there may be an index.
    pub field: Option<(&'a str, &'a str)>,
}

/// One page of a list.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The objects in the order of their paths.
    pub objects: Vec<Arc<Object>>,
    /// The state that the page shows; watching from here misses nothing and repeats nothing.
    pub revision: u64,
    /// How to go on, if there is more.
    pub next: Option<Continue>,
    /// How many objects come after the page. Left out with selectors, as the real server does.
    pub remaining: Option<usize>,
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            namespace,
            at,
            limit,
            after,
            keep,
            field,
        } = self;
        f.debug_struct("Query")
            .field("namespace", namespace)
            .field("at", at)
            .field("limit", limit)
            .field("after", after)
            .field("keep", &keep.map(|_| "…"))
            .field("field", field)
            .finish()
    }
}

impl Query<'_> {
    /// Decides which revision to show.
    ///
    /// Errors: [`Error::Future`].
    pub(super) fn revision(&self, current: u64) -> Result<u64, Error> {
        let (requested, exact) = match (self.after, self.at) {
            (
                Some(Continue {
                    revision: Some(revision),
                    ..
                }),
                _,
            ) => (*revision, true),
            (Some(Continue { revision: None, .. }), _) | (None, At::Latest) => (current, false),
            (None, At::NotOlderThan(revision)) => (revision, false),
            (None, At::Exact(revision)) => (revision, true),
        };
        if requested > current {
            return Err(Error::Future { requested, current });
        }
        Ok(if exact { requested } else { current })
    }

    /// The value to look up in the index, which only knows the newest state.
    fn indexed_value(&self) -> Option<&str> {
        let newest = self.after.is_none() && !matches!(self.at, At::Exact(_));
        let (_, value) = self.field.filter(|(field, _)| newest && is_indexed(field))?;
        Some(value).filter(|value| !value.is_empty())
    }

    /// Reads the page.
    ///
    /// Errors: [`Error::Expired`].
    pub(super) fn page(&self, rows: &Rows, revision: u64) -> Result<Page, Error> {
        let limit = self.limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let prefix = namespace_prefix(self.namespace);
        let after = self.after.map(|token| token.after.as_str());
        let mut live = match self.indexed_value() {
            Some(value) => rows.live_having(value, &prefix, after),
            None => rows.live_at(revision, &prefix, after)?,
        };
        let keep = |object: &Arc<Object>| self.keep.is_none_or(|keep| keep(object));
        let objects: Vec<_> = live
            .by_ref()
            .filter(|object| keep(object))
            .take(limit)
            .cloned()
            .collect();
        let mut page = Page {
            objects,
            revision,
            next: None,
            remaining: None,
        };
        let full = page.objects.len() == limit;
        if let Some(last) = page.objects.last().filter(|_| full)
            && live.next().is_some()
        {
            page.next = Some(Continue {
                revision: Some(revision),
                after: last.key().path().to_string(),
            });
            page.remaining = self.keep.is_none().then(|| live.count() + 1);
        }
        Ok(page)
    }
}

/// What the paths of a namespace, or of all, begin with.
pub(super) fn namespace_prefix(namespace: Option<&str>) -> String {
    namespace.map_or_else(String::new, |namespace| format!("{namespace}/"))
}
