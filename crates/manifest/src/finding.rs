//! What a check finds in an object: one form, whoever looks.
//!
//! ```text
//! guard, checks, lint, a rehearsal ──► Finding ──► terminal, JSON, annotations of a pull request
//! ```
//!
//! A finding is told, never acted upon here: whether it stops a release is the caller's decision.

use std::borrow::Cow;
use std::fmt;

/// How bad a finding is. The worst comes first when findings are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It is refused, or it does not work.
    Error,
    /// It may go on, and somebody should look.
    Warning,
    /// Good to know.
    Note,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check's id. Never changed nor reused: people write it into exceptions and searches.
    pub check: &'static str,
    pub severity: Severity,
    /// `Deployment.apps pay/web`
    pub object: String,
    /// `spec.template.spec.containers[0].securityContext.privileged`; empty for the object as such.
    pub path: String,
    /// The template; empty when it is not known.
    pub source: String,
    /// The line of the rendered manifest; 0 when the text was not given.
    pub line: usize,
    /// What is the matter: lower case, no full stop.
    pub message: String,
    /// What to write instead.
    pub cure: Cow<'static, str>,
}

impl Severity {
    /// As people and programs read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.source.is_empty() {
            write!(f, "{}:", self.source)?;
        }
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        if !self.source.is_empty() || self.line > 0 {
            f.write_str(" ")?;
        }
        write!(f, "{}: {}", self.check, self.object)?;
        if !self.path.is_empty() {
            write!(f, " {}", self.path)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// A path as people write it. An index follows a list only; a key of a map that is a number reads as one too.
#[must_use]
pub fn shown(path: &[impl AsRef<str>]) -> String {
    let mut text = String::new();
    for step in path.iter().map(AsRef::as_ref) {
        if !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
            text.push('[');
            text.push_str(step);
            text.push(']');
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(step);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_people_write_it() {
        for (path, expected) in [
            (
                &["spec", "containers", "0", "name"][..],
                "spec.containers[0].name",
            ),
            (&["metadata"], "metadata"),
            (&[], ""),
        ] {
            assert_eq!(shown(path), expected);
        }
    }

    #[test]
    fn a_finding_is_told_with_what_is_known_of_its_place() {
        let mut finding = Finding {
            check: "no-such-service",
            severity: Severity::Error,
            object: "Ingress.networking.k8s.io web".to_owned(),
            path: String::new(),
            source: String::new(),
            line: 0,
            message: "no Service is called \"wbe\"".to_owned(),
            cure: Cow::Borrowed("name a Service of the chart"),
        };
        assert_eq!(
            finding.to_string(),
            "no-such-service: Ingress.networking.k8s.io web: no Service is called \"wbe\""
        );
        finding.source = "web/templates/ingress.yaml".to_owned();
        finding.line = 12;
        finding.path = "spec".to_owned();
        assert_eq!(
            finding.to_string(),
            "web/templates/ingress.yaml:12: no-such-service: Ingress.networking.k8s.io web spec: no Service is called \"wbe\""
        );
    }
}
