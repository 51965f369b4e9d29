//! An amount of a resource that remembers its units, so that sums are printed as people wrote their parts.

use std::fmt;

use objects::{Quantity, Units};
use serde_json::Value;

/// Equal and ordered by amount alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount {
    quantity: Quantity,
    units: Units,
}

impl Amount {
    pub(super) const ZERO: Amount = Amount {
        quantity: Quantity::ZERO,
        units: Units::Decimal,
    };

    /// A number of things.
    pub(super) fn whole(number: i64) -> Self {
        Self {
            quantity: Quantity::whole(number),
            units: Units::Decimal,
        }
    }

    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(Self {
            quantity: Quantity::of(value)?,
            units: value.as_str().map_or(Units::Decimal, Units::of),
        })
    }

    /// Nothing has no units: a sum has those of its first part that is something.
    pub(super) fn plus(self, other: Self) -> Self {
        let units = if self == Self::ZERO {
            other.units
        } else {
            self.units
        };
        Self {
            quantity: self.quantity + other.quantity,
            units,
        }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        let units = if self == Self::ZERO {
            other.units
        } else {
            self.units
        };
        Self {
            quantity: self.quantity - other.quantity,
            units,
        }
    }

    /// How many times another amount this is.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a ratio is compared and printed with six digits"
    )]
    pub(super) fn ratio(self, other: Self) -> f64 {
        self.quantity.as_milli() as f64 / other.quantity.as_milli() as f64
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.quantity.print(self.units))
    }
}

impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        self.quantity == other.quantity
    }
}

impl Eq for Amount {}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.quantity.cmp(&other.quantity)
    }
}
