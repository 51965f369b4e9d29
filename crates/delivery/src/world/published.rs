//! An artifact as the planner sees it: parsed once, and comparable by when it was published.

use jiff::Timestamp;
use kinds::{Artifact, Object};
use model::ChartVersion;
use objects::time;

/// A published version.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    pub object: Object<Artifact>,
    pub order: Order,
}

/// The order of publication: by time, then by version, then by name. Of two that were published in the same second the
/// greater version is the newer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    time: Option<Timestamp>,
    version: Option<ChartVersion>,
    name: String,
}

impl Published {
    #[must_use]
    pub fn of(object: Object<Artifact>) -> Self {
        let spec = &object.spec;
        let order = Order {
            time: time::parse(&spec.origin.time),
            version: spec.version.parse().ok(),
            name: object.metadata.name.clone(),
        };
        Self { object, order }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.object.metadata.name
    }

    #[must_use]
    pub fn version(&self) -> &str {
        &self.object.spec.version
    }

    #[must_use]
    pub fn digest(&self) -> &str {
        &self.object.spec.digest
    }

    /// When it was published.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.order.time
    }
}
