//! Checks of a chart's objects: what points nowhere, what is refused, what goes down, what the next Kubernetes won't serve.
//!
//! ```text
//! Placed objects + Context ──► View ──themes, one after another──► Findings ──lines──► every Finding
//! ```
//!
//! Pure: what is known of the cluster is given as data, and where nothing is given nothing is claimed about it. A finding is
//! an error only when it certainly is one; what real charts do on purpose is none at all. Deliberately absent: the schemas of
//! kinds, a tenant's rules (`tenancy`), Helm's lint (`chart`), and what to do about a finding.

mod check;
mod context;
mod customs;
mod downtime;
mod findings;
mod hook;
mod hooks;
mod images;
mod page;
mod pods;
mod references;
mod resources;
mod selection;
mod shapes;
mod size;
mod table;
mod uses;
mod versions;
mod view;

use manifest::{Finding, Placed};

pub use check::Check;
pub use context::{Context, ImagePolicy, Known, Record};
pub use page::page;
pub use pods::pod_spec;
pub use table::all;
pub use uses::{Need, needs};

/// Finds everything that is the matter with the objects of a manifest, in their order.
///
/// Guarantees: the same objects and context give the same findings; no object makes it fail.
#[must_use]
pub fn check(objects: &[Placed<'_>], context: &Context) -> Vec<Finding> {
    let items = view::Item::all(objects, context);
    let view = view::View::new(&items, context);
    let mut found = findings::Findings::default();
    for theme in table::THEMES {
        (theme.look)(&view, &mut found);
    }
    found.placed(objects)
}
