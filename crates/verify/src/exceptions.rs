//! Findings that somebody lives with: for a reason, and until a day.
//!
//! They stand beside the chart, in `.shipway/exceptions.yaml`, and are reviewed with it:
//!
//! ```yaml
//! exceptions:
//! - check: single-replica
//!   object: Deployment.apps shop/api
//!   reason: the licence allows one
//!   until: 2027-03-31
//! ```

use std::borrow::Cow;

use jiff::civil::Date;
use manifest::{Finding, Severity};
use model::{Code, Diagnose};
use serde::Deserialize;

/// Where they stand, from the chart's folder.
pub const FILE: &str = ".shipway/exceptions.yaml";

/// The most in one chart: whoever has more should not have the checks.
const MOST: usize = 200;

/// The exceptions of a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// A finding that may be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    pub check: String,
    /// Without it, whatever the object.
    #[serde(default)]
    pub object: Option<String>,
    pub reason: String,
    pub until: Date,
}

/// A file that says no exceptions.
#[derive(Debug, thiserror::Error)]
#[error("{FILE} can't be used: {problem}")]
pub struct Error {
    problem: String,
}

impl Exceptions {
    /// Reads them.
    ///
    /// # Errors
    /// When it is not YAML, has unknown fields, lacks a reason or a day, or is too long.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |problem: String| Error { problem };
        let value = manifest::read_value(text).map_err(|error| wrong(error.to_string()))?;
        let read: Self = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
        if read.exceptions.len() > MOST {
            return Err(wrong(format!(
                "{} exceptions, and {MOST} is the most",
                read.exceptions.len()
            )));
        }
        match read.exceptions.iter().find(|one| one.reason.trim().is_empty()) {
            Some(one) => Err(wrong(format!("the exception of {} has no reason", one.check))),
            None => Ok(read),
        }
    }

    /// The exception that a finding falls under on a day, with its place in the list.
    pub(crate) fn of(&self, finding: &Finding, today: Date) -> Option<(usize, &Exception)> {
        let mut listed = self.exceptions.iter().enumerate();
        listed.find(|(_, one)| one.until >= today && one.covers(finding))
    }

    /// What is to be said of the exceptions themselves: those whose day is over, and those that nothing fell under.
    pub(crate) fn findings(&self, today: Date, used: &[usize]) -> Vec<Finding> {
        let listed = self.exceptions.iter().enumerate();
        listed
            .filter_map(|(place, one)| {
                let object = one.object.as_deref().unwrap_or("any object");
                let (check, severity, message, cure) = if one.until < today {
                    (
                        "exception-over",
                        Severity::Warning,
                        format!(
                            "the exception from {} for {object} ended on {}",
                            one.check, one.until
                        ),
                        "mend what it was for, or agree on another day",
                    )
                } else if !used.contains(&place) {
                    (
                        "exception-unused",
                        Severity::Note,
                        format!(
                            "nothing falls under the exception from {} for {object}",
                            one.check
                        ),
                        "remove it",
                    )
                } else {
                    return None;
                };
                Some(Finding {
                    check,
                    severity,
                    object: String::new(),
                    path: format!("exceptions[{place}]"),
                    source: FILE.to_owned(),
                    line: 0,
                    message,
                    cure: Cow::Borrowed(cure),
                })
            })
            .collect()
    }
}

impl Exception {
    fn covers(&self, finding: &Finding) -> bool {
        self.check == finding.check
            && self
                .object
                .as_ref()
                .is_none_or(|object| *object == finding.object)
    }
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        Code::EXCEPTIONS
    }

    fn hint(&self) -> Option<String> {
        Some("each exception has check, reason, until (a day such as 2027-03-31) and, if it is for one object only, object".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = jiff::civil::date(2026, 11, 22);

    fn finding(check: &'static str, object: &str) -> Finding {
        Finding {
            check,
            severity: Severity::Warning,
            object: object.to_owned(),
            path: String::new(),
            source: String::new(),
            line: 0,
            message: String::new(),
            cure: Cow::Borrowed(""),
        }
    }

    #[test]
    fn an_exception_holds_for_its_check_and_object_until_its_day() {
        let text = "exceptions:\n- {check: a, object: Pod x, reason: r, until: 2026-11-22}\n\
                    - {check: b, reason: r, until: 2026-11-21}\n- {check: c, reason: r, until: 2027-01-01}\n";
        let exceptions = Exceptions::parse(text).unwrap();
        let place = |check, object| {
            let found = exceptions.of(&finding(check, object), TODAY);
            found.map(|(place, _)| place)
        };
        assert_eq!(place("a", "Pod x"), Some(0));
        assert_eq!(place("a", "Pod y"), None);
        assert_eq!(place("b", "Pod x"), None, "its day is over");
        assert_eq!(place("c", "anything"), Some(2));
        let told: Vec<_> = exceptions
            .findings(TODAY, &[0])
            .iter()
            .map(|one| one.check)
            .collect();
        assert_eq!(told, ["exception-over", "exception-unused"]);
    }

    #[test]
    fn an_exception_without_reason_or_day_is_refused() {
        for (text, expected) in [
            (
                "exceptions: [{check: a, until: 2026-01-01}]",
                "missing field `reason`",
            ),
            ("exceptions: [{check: a, reason: r}]", "missing field `until`"),
            (
                "exceptions: [{check: a, reason: ' ', until: 2026-01-01}]",
                "the exception of a has no reason",
            ),
            (
                "exceptions: [{check: a, reason: r, until: soon}]",
                "invalid digit",
            ),
            ("exception: []", "unknown field `exception`"),
        ] {
            let error = Exceptions::parse(text).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.code().id, "SW0901");
        }
    }
}
