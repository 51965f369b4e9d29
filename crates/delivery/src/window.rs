//! When a freeze window is on.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use kinds::{Day, FreezeWindow, Object, Weekly};
use objects::time;

/// A weekly window lasts a week at most, so what is on now began no more than eight days ago, and the next begins no more than
/// eight days from now.
const DAYS: i64 = 8;

/// A freeze window, parsed once.
#[derive(Clone, Debug)]
pub struct Window {
    pub object: Object<FreezeWindow>,
    /// When it is on, or why that can't be said.
    when: Result<When, String>,
    is_read: bool,
}

/// From a moment to the first one after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub from: Timestamp,
    pub to: Timestamp,
}

#[derive(Clone, Debug)]
enum When {
    Once(Span),
    Weekly {
        days: Vec<Weekday>,
        from: Time,
        lasts: SignedDuration,
        zone: TimeZone,
    },
}

impl Window {
    #[must_use]
    pub fn of(object: Object<FreezeWindow>) -> Self {
        let spec = &object.spec;
        let when = match (&spec.once, &spec.weekly) {
            (Some(once), None) => match (time::parse(&once.from), time::parse(&once.to)) {
                (Some(from), Some(to)) => Ok(When::Once(Span { from, to })),
                _ => Err(format!("{:?} or {:?} is no time", once.from, once.to)),
            },
            (None, Some(weekly)) => weekly_of(weekly),
            _ => Err("it says neither once nor weekly, or both".to_owned()),
        };
        Self {
            object,
            when,
            is_read: true,
        }
    }

    /// A window of which only this could be read, and why not the rest.
    #[must_use]
    pub fn unread(object: Object<FreezeWindow>, why: String) -> Self {
        Self {
            object,
            when: Err(why),
            is_read: false,
        }
    }

    /// Whether all of it could be read. Nobody can write the status of one that can't be.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.is_read
    }

    /// Why nobody can say when it is on. Such a window is taken to be on, because somebody wanted nothing to move.
    #[must_use]
    pub fn mistake(&self) -> Option<&str> {
        self.when.as_ref().err().map(String::as_str)
    }

    /// The time that it is on, if it is on at this moment.
    #[must_use]
    pub fn on(&self, now: Timestamp) -> Option<Span> {
        self.spans(now).find(|span| span.from <= now && now < span.to)
    }

    /// The next time that it is on, after this moment.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> Option<Span> {
        self.spans(now).filter(|span| span.from > now).min()
    }

    /// Every time that it is on around a moment: with whatever is on, and whatever is next.
    fn spans(&self, now: Timestamp) -> impl Iterator<Item = Span> {
        match &self.when {
            Err(_) => Vec::new().into_iter(),
            Ok(When::Once(span)) => vec![*span].into_iter(),
            Ok(When::Weekly {
                days,
                from,
                lasts,
                zone,
            }) => {
                let today = now.to_zoned(zone.clone()).date();
                let dates = (-DAYS..=DAYS).filter_map(|days| today.checked_add(days.days()).ok());
                let begins = dates.filter(|date| days.contains(&date.weekday()));
                let spans = begins.filter_map(|date| span(date, *from, *lasts, zone));
                spans.collect::<Vec<Span>>().into_iter()
            }
        }
    }
}

/// A time of day that a day does not have, because clocks go forward, is taken as late as it would have been; one that it has
/// twice as the first.
fn span(date: Date, from: Time, lasts: SignedDuration, zone: &TimeZone) -> Option<Span> {
    let from = date.to_datetime(from).to_zoned(zone.clone()).ok()?.timestamp();
    let to = from.checked_add(lasts).ok()?;
    Some(Span { from, to })
}

fn weekly_of(weekly: &Weekly) -> Result<When, String> {
    let from = Time::strptime("%H:%M", &weekly.from);
    let zone = TimeZone::get(&weekly.time_zone);
    Ok(When::Weekly {
        days: weekly.days.iter().copied().map(weekday).collect(),
        from: from.map_err(|_| format!("{:?} is no time of day, as in 18:00", weekly.from))?,
        lasts: kinds::duration(&weekly.lasts).ok_or_else(|| format!("{:?} is no duration", weekly.lasts))?,
        zone: zone.map_err(|_| {
            format!(
                "there is no time zone {:?}, as in Europe/Berlin",
                weekly.time_zone
            )
        })?,
    })
}

fn weekday(day: Day) -> Weekday {
    match day {
        Day::Monday => Weekday::Monday,
        Day::Tuesday => Weekday::Tuesday,
        Day::Wednesday => Weekday::Wednesday,
        Day::Thursday => Weekday::Thursday,
        Day::Friday => Weekday::Friday,
        Day::Saturday => Weekday::Saturday,
        Day::Sunday => Weekday::Sunday,
    }
}
