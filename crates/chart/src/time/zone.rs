//! Time zones: UTC, the local one (which is UTC too), fixed offsets, and those of the IANA database.

use std::rc::Rc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Where the clocks are that show a time.
#[derive(Clone, Debug)]
pub enum Zone {
    Utc,
    /// Go's `time.Local`, which differs from UTC in name only.
    Local,
    /// What the offset in a parsed text makes. An empty name prints as the offset.
    Fixed {
        name: Rc<str>,
        offset: i32,
    },
    Iana(TimeZone),
}

impl Zone {
    /// Go's `time.LoadLocation`: names are as the database spells them.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "" | "UTC" => Some(Self::Utc),
            "Local" => Some(Self::Local),
            _ => {
                let zone = jiff::tz::db().get(name).ok()?;
                (zone.iana_name() == Some(name)).then_some(Self::Iana(zone))
            }
        }
    }

    /// The name of the place, as Go's `Location` prints it.
    pub fn name(&self) -> &str {
        match self {
            Self::Utc => "UTC",
            Self::Local => "Local",
            Self::Fixed { name, .. } => name,
            Self::Iana(zone) => zone.iana_name().unwrap_or_default(),
        }
    }

    /// The abbreviation and the seconds east of UTC that hold at a moment.
    pub(super) fn at(&self, unix: i64) -> (Rc<str>, i32) {
        match self {
            Self::Utc | Self::Local => ("UTC".into(), 0),
            Self::Fixed { name, offset } => (Rc::clone(name), *offset),
            Self::Iana(zone) => {
                let info = zone.to_offset_info(timestamp(unix));
                (info.abbreviation().into(), info.offset().seconds())
            }
        }
    }

    /// The moment at which clocks show `local`, given as if the zone were UTC. In a gap or overlap one of the
    /// two possible moments, as Go leaves it open too.
    pub(super) fn unix_of(&self, local: i64) -> i64 {
        let (_, guess) = self.at(local);
        let unix = local.saturating_sub(i64::from(guess));
        let (_, offset) = self.at(unix);
        local.saturating_sub(i64::from(offset))
    }
}

/// The nearest moment the database knows about; its rules do not change beyond that.
fn timestamp(unix: i64) -> Timestamp {
    Timestamp::from_second(unix).unwrap_or(if unix < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
