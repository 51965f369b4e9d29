//! Sets of completion indexes as a Job's status writes them: `0,2-5,7`.

use std::fmt;

/// Indexes as closed intervals in order, apart from each other by at least one index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Indexes(Vec<(i64, i64)>);

impl Indexes {
    /// Reads the text of a status or of a success policy. What is malformed is left out, as are indexes beyond the
    /// number of completions.
    pub fn parse(text: &str, completions: i64) -> Self {
        let read = text.split(',').filter_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.parse::<i64>().ok()?, last.parse::<i64>().ok()?);
            (first >= 0 && first <= last && first < completions).then(|| (first, last.min(completions - 1)))
        });
        read.collect()
    }

    pub fn total(&self) -> i64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    pub fn has(&self, index: i64) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < index);
        self.0.get(at).is_some_and(|(first, _)| *first <= index)
    }

    /// How many indexes both sets have.
    pub fn common(&self, other: &Self) -> i64 {
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut common = 0;
        while let (Some(one), Some(two)) = (left.peek(), right.peek()) {
            common += (one.1.min(two.1) - one.0.max(two.0) + 1).max(0);
            if one.1 < two.1 {
                left.next();
            } else {
                right.next();
            }
        }
        common
    }

    /// The first `count` indexes below `completions` that are not in the set.
    pub fn first_missing(&self, count: usize, completions: i64) -> Vec<i64> {
        let ends = self.0.iter().map(|(_, last)| last + 1);
        let starts = std::iter::once(0).chain(ends);
        let stops = self.0.iter().map(|(first, _)| *first);
        let gaps = starts.zip(stops.chain(std::iter::once(completions)));
        gaps.flat_map(|(start, stop)| start..stop.min(completions))
            .take(count)
            .collect()
    }

    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect()
    }

    pub fn with(&self, more: impl IntoIterator<Item = i64>) -> Self {
        let more = more.into_iter().map(|index| (index, index));
        self.0.iter().copied().chain(more).collect()
    }
}

impl FromIterator<(i64, i64)> for Indexes {
    fn from_iter<I: IntoIterator<Item = (i64, i64)>>(intervals: I) -> Self {
        let mut all: Vec<(i64, i64)> = intervals.into_iter().collect();
        all.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::new();
        for (first, last) in all {
            match merged.last_mut() {
                Some(end) if first <= end.1 + 1 => end.1 = end.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }
}

impl fmt::Display for Indexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (first, last)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            match last - first {
                0 => write!(f, "{comma}{first}")?,
                // Two neighbours are no range.
                1 => write!(f, "{comma}{first},{last}")?,
                _ => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_within_the_completions_and_printed_shortest() {
        for (text, completions, printed, total) in [
            ("", 5, "", 0),
            ("0,1,2", 5, "0-2", 3),
            ("1,2", 5, "1,2", 2),
            ("0-9", 5, "0-4", 5),
            ("7,8", 5, "", 0),
            ("3,x,1-,2-1,-4", 9, "3", 1),
            ("4,2,0", 9, "0,2,4", 3),
        ] {
            let read = Indexes::parse(text, completions);
            assert_eq!(
                (read.to_string().as_str(), read.total()),
                (printed, total),
                "{text}"
            );
        }
    }

    #[test]
    fn sets_know_their_members_gaps_and_what_they_share() {
        let set = Indexes::parse("1-3,6", 10);
        let members: Vec<i64> = (-1..9).filter(|index| set.has(*index)).collect();
        assert_eq!(members, [1, 2, 3, 6]);
        assert_eq!(set.first_missing(3, 10), [0, 4, 5]);
        assert_eq!(set.first_missing(99, 8), [0, 4, 5, 7]);
        assert_eq!(set.first_missing(99, 2), [0]);
        assert_eq!(set.with([0, 4, 7]).to_string(), "0-4,6,7");
        assert_eq!(set.common(&Indexes::parse("0-2,6-7", 10)), 3);
        assert_eq!(set.union(&Indexes::parse("4-5", 10)).to_string(), "1-6");
    }
}
