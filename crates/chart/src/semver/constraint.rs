//! Constraints on versions: `>=1.19-0`, `^1.2 || ~2.0, !=2.0.3`, `1.2 - 2.3.4`, `1.x`.
//!
//! `||` separates groups of which one must hold; space or comma separates the terms of a group, which must all
//! hold. A prerelease satisfies a group only if one of its terms names a prerelease.

use std::cmp::Ordering;

use super::{Parts, Version, compare_prerelease};

/// No real constraint comes near it, and looking for ranges takes time quadratic in the length.
const MAX_LENGTH: usize = 4096;

/// A parsed constraint.
#[derive(Clone, Debug)]
pub struct Constraint {
    groups: Vec<Group>,
}

/// Why a text is no constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    #[error("improper constraint: {0}")]
    Improper(String),
    /// The grammar holds, but what stands for a version is none.
    #[error("constraint parser error")]
    Version,
}

/// Terms that must all hold.
#[derive(Clone, Debug)]
struct Group {
    terms: Vec<Term>,
    names_prerelease: bool,
}

#[derive(Clone, Debug)]
struct Term {
    operator: Operator,
    version: Version,
    wildcard: Wildcard,
}

/// The first part of a term's version that is missing or `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wildcard {
    None,
    Major,
    Minor,
    Patch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

/// Longest first, so that the first that fits is the one meant.
const OPERATORS: &[(&str, Operator)] = &[
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterEqual),
    ("=>", Operator::GreaterEqual),
    ("<=", Operator::LessEqual),
    ("=<", Operator::LessEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

impl Constraint {
    /// Reads a constraint.
    ///
    /// # Errors
    /// [`ConstraintError::Improper`] names the group that breaks the grammar.
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        if text.len() > MAX_LENGTH {
            return Err(ConstraintError::Improper(format!(
                "longer than {MAX_LENGTH} bytes"
            )));
        }
        let rewritten = rewrite_ranges(text);
        let text = rewritten.as_deref().unwrap_or(text);
        let groups = text.split("||").map(Group::parse).collect::<Result<_, _>>()?;
        Ok(Self { groups })
    }

    /// Whether a version satisfies the constraint.
    pub fn check(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            (version.prerelease.is_empty() || group.names_prerelease)
                && group.terms.iter().all(|term| term.check(version))
        })
    }
}

impl Group {
    fn parse(text: &str) -> Result<Self, ConstraintError> {
        let improper = || ConstraintError::Improper(text.to_owned());
        let mut terms = Vec::with_capacity(1);
        let mut rest = text.trim_start_matches(is_space);
        // The grammar of the whole group comes before the meaning of its first version.
        let mut wrong_version = false;
        loop {
            let (operator, behind) = operator(rest);
            let (parts, behind) = Parts::longest(behind.trim_start_matches(is_space), is_digit_or_wildcard)
                .ok_or_else(improper)?;
            match Term::new(operator, &parts) {
                Some(term) => terms.push(term),
                None => wrong_version = true,
            }
            rest = behind.trim_start_matches(is_space);
            if let Some(behind_comma) = rest.strip_prefix(',') {
                rest = behind_comma.trim_start_matches(is_space);
            } else if rest.is_empty() {
                break;
            } else if rest.len() == behind.len() {
                return Err(improper());
            }
        }
        if wrong_version {
            return Err(ConstraintError::Version);
        }
        let names_prerelease = terms.iter().any(|term| !term.version.prerelease.is_empty());
        Ok(Self {
            terms,
            names_prerelease,
        })
    }
}

impl Term {
    fn new(operator: Operator, parts: &Parts<'_>) -> Option<Self> {
        let (wildcard, numbers) = match (parts.major, parts.minor, parts.patch) {
            (major, ..) if is_wildcard(major) => (Wildcard::Major, ["0", "0", "0"]),
            (major, None, _) => (Wildcard::Minor, [major, "0", "0"]),
            (major, Some(minor), _) if is_wildcard(minor) => (Wildcard::Minor, [major, "0", "0"]),
            (major, Some(minor), None) => (Wildcard::Patch, [major, minor, "0"]),
            (major, Some(minor), Some(patch)) if is_wildcard(patch) => (Wildcard::Patch, [major, minor, "0"]),
            (major, Some(minor), Some(patch)) => (Wildcard::None, [major, minor, patch]),
        };
        let mut values = [0u64; 3];
        for (value, number) in values.iter_mut().zip(numbers) {
            *value = number.parse().ok()?;
        }
        if parts.prerelease.split('.').any(super::has_leading_zero) {
            return None;
        }
        let version = Version {
            major: values[0],
            minor: values[1],
            patch: values[2],
            prerelease: parts.prerelease.to_owned(),
            metadata: String::new(),
            original: String::new(),
        };
        Some(Self {
            operator,
            version,
            wildcard,
        })
    }

    fn check(&self, version: &Version) -> bool {
        match self.operator {
            Operator::Equal if self.wildcard == Wildcard::None => self.order_of(version).is_eq(),
            Operator::Equal | Operator::Tilde => self.check_tilde(version),
            Operator::NotEqual => self.check_not_equal(version),
            Operator::Greater => self.check_greater(version),
            Operator::Less => self.order_of(version).is_lt(),
            Operator::GreaterEqual => self.order_of(version).is_ge(),
            Operator::LessEqual => self.check_less_equal(version),
            Operator::Caret => self.check_caret(version),
        }
    }

    /// How a version compares to the term's own.
    fn order_of(&self, version: &Version) -> Ordering {
        version.compare(&self.version)
    }

    /// `!=1.x` excludes every 1; `!=1.2.x` every 1.2 of the same prerelease. A lone `*` excludes 0.0.0 only.
    fn check_not_equal(&self, version: &Version) -> bool {
        let own = &self.version;
        match self.wildcard {
            Wildcard::None | Wildcard::Major => self.order_of(version).is_ne(),
            Wildcard::Minor => version.major != own.major,
            Wildcard::Patch => {
                version.major != own.major
                    || version.minor != own.minor
                    || compare_prerelease(&version.prerelease, &own.prerelease).is_ne()
            }
        }
    }

    /// `>11` begins at 12 and `>11.1` at 11.2.
    fn check_greater(&self, version: &Version) -> bool {
        match self.wildcard {
            Wildcard::None | Wildcard::Major => self.order_of(version).is_gt(),
            Wildcard::Minor => version.major > self.version.major,
            Wildcard::Patch => (version.major, version.minor) > (self.version.major, self.version.minor),
        }
    }

    /// `<=11` allows every 11 and `<=11.1` every 11.1; `<=*` and its like allow every 0.0 and 0.
    fn check_less_equal(&self, version: &Version) -> bool {
        match self.wildcard {
            Wildcard::None => self.order_of(version).is_le(),
            Wildcard::Minor => version.major <= self.version.major,
            Wildcard::Major | Wildcard::Patch => {
                (version.major, version.minor) <= (self.version.major, self.version.minor)
            }
        }
    }

    /// `~1.2.3` stays within 1.2, `~1` within 1; `~0.0.0` and `~*` have no upper end.
    fn check_tilde(&self, version: &Version) -> bool {
        let own = &self.version;
        if self.order_of(version).is_lt() {
            return false;
        }
        let unbounded = (own.major, own.minor, own.patch) == (0, 0, 0)
            && matches!(self.wildcard, Wildcard::None | Wildcard::Major);
        unbounded
            || (version.major == own.major
                && (version.minor == own.minor || self.wildcard == Wildcard::Minor))
    }

    /// `^1.2.3` stays within 1, `^0.2.3` within 0.2, `^0.0.3` is 0.0.3.
    fn check_caret(&self, version: &Version) -> bool {
        let own = &self.version;
        if self.order_of(version).is_lt() || version.major != own.major {
            return false;
        }
        if own.major > 0 || self.wildcard == Wildcard::Minor {
            return true;
        }
        version.minor == own.minor
            && (own.minor > 0 || self.wildcard == Wildcard::Patch || version.patch == own.patch)
    }
}

/// Rewrites every `1.2 - 3.4` to `>= 1.2, <= 3.4 `; `None` when there is none.
fn rewrite_ranges(text: &str) -> Option<String> {
    if !text.contains('-') {
        return None;
    }
    let mut rewritten = String::new();
    let mut copied = 0;
    let mut position = 0;
    while position < text.len() {
        if !text.is_char_boundary(position) {
            position += 1;
        } else if let Some((low, high, behind)) = range_at(&text[position..]) {
            rewritten.push_str(&text[copied..position]);
            rewritten.push_str(">= ");
            rewritten.push_str(low);
            rewritten.push_str(", <= ");
            rewritten.push_str(high);
            rewritten.push(' ');
            position = text.len() - behind.len();
            copied = position;
        } else {
            // Spaces belong to the range behind them: when that is none, none of them begins one.
            position += text[position..]
                .bytes()
                .take_while(|byte| is_space(char::from(*byte)))
                .count()
                .max(1);
        }
    }
    if copied == 0 {
        return None;
    }
    rewritten.push_str(&text[copied..]);
    Some(rewritten)
}

/// Both ends of a range that begins here, and what follows it.
fn range_at(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.trim_start_matches(is_space);
    let (_, behind_low) = Parts::longest(start, is_digit_or_wildcard)?;
    let low = &start[..start.len() - behind_low.len()];
    let hyphen = spaces(behind_low)?.strip_prefix('-')?;
    let high = spaces(hyphen)?;
    let (_, behind_high) = Parts::longest(high, is_digit_or_wildcard)?;
    Some((
        low,
        &high[..high.len() - behind_high.len()],
        behind_high.trim_start_matches(is_space),
    ))
}

/// Skips at least one space.
fn spaces(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(is_space);
    (rest.len() < text.len()).then_some(rest)
}

fn operator(text: &str) -> (Operator, &str) {
    OPERATORS
        .iter()
        .find_map(|(spelling, operator)| text.strip_prefix(spelling).map(|rest| (*operator, rest)))
        .unwrap_or((Operator::Equal, text))
}

fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// The bar is in the library's own character class; a version with one is then refused as a version.
fn is_digit_or_wildcard(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'x' | b'X' | b'*' | b'|')
}

fn is_wildcard(number: &str) -> bool {
    matches!(number, "x" | "X" | "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The versions of which a constraint holds, out of `VERSIONS`.
    fn check(constraint: &str, expected: &str) {
        const VERSIONS: &str = "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 12.1.0 \
                                0.0.0-a 1.2.3-alpha 1.2.3-beta.2 2.0.0-0";
        let parsed = Constraint::parse(constraint).unwrap();
        let holding: Vec<_> = VERSIONS
            .split_whitespace()
            .filter(|version| parsed.check(&Version::parse(version).unwrap()))
            .collect();
        assert_eq!(holding.join(" "), expected, "{constraint}");
    }

    fn check_error(constraint: &str, expected: &str) {
        assert_eq!(
            Constraint::parse(constraint).unwrap_err().to_string(),
            expected,
            "{constraint}"
        );
    }

    #[test]
    fn wildcards_stand_for_every_number() {
        check(
            "*",
            "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 12.1.0",
        );
        check("1", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0");
        check("1.x", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0");
        check("1.2", "1.2.0 1.2.3 1.2.4");
        check("1.2.X", "1.2.0 1.2.3 1.2.4");
        check("0", "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0");
        check("0.0", "0.0.0 0.0.1 0.0.3");
        check("=0.0.0", "0.0.0");
        check("1.2.3", "1.2.3");
        check("=v1.2", "1.2.0 1.2.3 1.2.4");
        check(
            "!=*",
            "0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 12.1.0",
        );
        check("!=1.x", "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 2.0.0 12.1.0");
        check(
            "!=1.2",
            "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.3.0 2.0.0 12.1.0",
        );
        check(
            "!=1.2.3",
            "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.2.0 1.2.4 1.3.0 2.0.0 12.1.0",
        );
    }

    #[test]
    fn comparisons_round_partial_versions() {
        check(
            ">*",
            "0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 12.1.0",
        );
        check(">0", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 12.1.0");
        check(">1.2", "1.3.0 2.0.0 12.1.0");
        check(">1.2.0", "1.2.3 1.2.4 1.3.0 2.0.0 12.1.0");
        check(">=1.2", "1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 12.1.0");
        check("=>2", "2.0.0 12.1.0");
        check("<1.2", "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0");
        check("<=*", "0.0.0 0.0.1 0.0.3");
        check(
            "<=1",
            "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0",
        );
        check(
            "<=1.2",
            "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4",
        );
        check("=<1.2.3", "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3");
    }

    #[test]
    fn tilde_and_caret_stop_where_compatibility_ends() {
        check(
            "~*",
            "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 12.1.0",
        );
        check("~1", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0");
        check("~>1.2", "1.2.0 1.2.3 1.2.4");
        check("~1.2.0", "1.2.0 1.2.3 1.2.4");
        check(
            "~0.0.0",
            "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 12.1.0",
        );
        check("~0.0", "0.0.0 0.0.1 0.0.3");
        check("^*", "0.0.0");
        check("^1", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0");
        check("^1.2.3", "1.2.3 1.2.4 1.3.0");
        check("^0", "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0");
        check("^0.0", "0.0.0 0.0.1 0.0.3");
        check("^0.2", "0.2.3");
        check("^0.2.3", "0.2.3");
        check("^0.0.3", "0.0.3");
        check("^0.0.0", "0.0.0");
    }

    #[test]
    fn a_group_takes_prereleases_when_one_term_names_one() {
        check(
            ">=1.2.3-0",
            "1.2.3 1.2.4 1.3.0 2.0.0 12.1.0 1.2.3-alpha 1.2.3-beta.2 2.0.0-0",
        );
        check(
            ">=1.2.3-beta",
            "1.2.3 1.2.4 1.3.0 2.0.0 12.1.0 1.2.3-beta.2 2.0.0-0",
        );
        check(
            ">=1.0.0-0 <2.0.0",
            "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 1.2.3-alpha 1.2.3-beta.2 2.0.0-0",
        );
        check(
            ">=1.0.0 <2.0.0-0",
            "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 1.2.3-alpha 1.2.3-beta.2",
        );
        check("~1.2.3-alpha", "1.2.3 1.2.4 1.2.3-alpha 1.2.3-beta.2");
        check("^1.2-0", "1.2.0 1.2.3 1.2.4 1.3.0 1.2.3-alpha 1.2.3-beta.2");
        check(
            "*-0",
            "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 12.1.0 0.0.0-a 1.2.3-alpha 1.2.3-beta.2 2.0.0-0",
        );
        check(
            "!=1.2-0",
            "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0 12.1.0 0.0.0-a 1.2.3-alpha 1.2.3-beta.2 2.0.0-0",
        );
        check(
            "<2.0.0-0",
            "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3 0.3.0 1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 0.0.0-a 1.2.3-alpha 1.2.3-beta.2",
        );
        check("1.2.3-beta.2", "1.2.3-beta.2");
        check(">=1.2.3 || >=2.0.0-0", "1.2.3 1.2.4 1.3.0 2.0.0 12.1.0 2.0.0-0");
    }

    #[test]
    fn groups_terms_and_ranges_combine() {
        check("1 || 2", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0 2.0.0");
        check(">=1 <2", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0");
        check(" >= 1 , < 2 ", "1.0.0 1.2.0 1.2.3 1.2.4 1.3.0");
        check(">=1.2.3,<12", "1.2.3 1.2.4 1.3.0 2.0.0");
        check("1.2 - 1.2.3", "1.2.0 1.2.3");
        check("1.2.0 - 2", "1.2.0 1.2.3 1.2.4 1.3.0 2.0.0");
        check("0 - 0.2", "0.0.0 0.0.1 0.0.3 0.1.0 0.2.3");
        check("0.0.1 - 0.1 || 2 - 12", "0.0.1 0.0.3 0.1.0 2.0.0 12.1.0");
        check("!=1.2.3 !=2 !=0.x", "1.0.0 1.2.0 1.2.4 1.3.0 12.1.0");
    }

    #[test]
    fn broken_constraints_are_refused_in_helms_words() {
        check_error("", "improper constraint: ");
        check_error("1 || ", "improper constraint:  ");
        check_error("1,,2", "improper constraint: 1,,2");
        check_error("1,", "improper constraint: 1,");
        check_error("==1", "improper constraint: ==1");
        check_error("1.2.3.4", "improper constraint: 1.2.3.4");
        check_error("1.2 || a || b", "improper constraint:  a ");
        check_error(">=1 && <2", "improper constraint: >=1 && <2");
        check_error("1 -2", "improper constraint: 1 -2");
        check_error(">1.2 - 3", "improper constraint: >>= 1.2, <= 3 ");
        check_error("1.2.3 - 2.3.4.5", "improper constraint: >= 1.2.3, <= 2.3.4 .5");
        check_error("1|2", "constraint parser error");
        check_error("1.2.x3", "constraint parser error");
        check_error("1.2.3-01", "constraint parser error");
        check_error("18446744073709551616", "constraint parser error");
        check_error(&"1".repeat(5000), "improper constraint: longer than 4096 bytes");
    }
}
