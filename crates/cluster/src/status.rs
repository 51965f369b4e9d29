//! What an API server says when it refuses: the `Status` object, and the conflicts of a server-side apply in it.
//!
//! Only reading; which of them is worth another try is `backoff`'s affair.

use std::fmt;
use std::time::Duration;

use objects::meta;
use serde_json::Value;

/// The cause that names a field of another manager.
const FIELD_CONFLICT: &str = "FieldManagerConflict";

/// The longest text that is kept of an answer that is no `Status`; proxies answer with whole pages.
const MAX_TEXT: usize = 300;

/// A refusal in the words of the API server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    pub code: u16,
    /// One word, as `NotFound`; empty if the server gave none.
    pub reason: String,
    pub message: String,
    pub causes: Vec<Cause>,
    /// How long the server wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// One of several things that are wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub reason: String,
    /// The path of the field, as `spec.replicas`.
    pub field: String,
    pub message: String,
}

/// A field that an apply would take from somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConflict {
    /// The path of the field, as `.spec.replicas`.
    pub field: String,
    /// Who owns it.
    pub manager: String,
    /// How the owner wrote it, as `using apps/v1` or `with subresource "status"`; often empty.
    pub how: String,
}

impl Status {
    /// Reads the body of an answer that is not a success.
    pub(crate) fn read(code: u16, body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(value) if meta::text(&value, "kind") == "Status" => Self::of(code, &value),
            _ => Self {
                code,
                message: plain(body),
                ..Self::default()
            },
        }
    }

    /// Reads a `Status` object, with the code of the answer for one that has none.
    pub(crate) fn of(code: u16, value: &Value) -> Self {
        let own = meta::number_at(value, "/code").and_then(|code| u16::try_from(code).ok());
        let seconds = meta::number_at(value, "/details/retryAfterSeconds");
        let cause = |cause: &Value| Cause {
            reason: meta::text(cause, "reason").to_owned(),
            field: meta::text(cause, "field").to_owned(),
            message: meta::text(cause, "message").to_owned(),
        };
        Self {
            code: own.filter(|code| *code != 0).unwrap_or(code),
            reason: meta::text(value, "reason").to_owned(),
            message: meta::text(value, "message").to_owned(),
            causes: meta::list_at(value, "/details/causes")
                .iter()
                .map(cause)
                .collect(),
            retry_after: seconds
                .and_then(|seconds| u64::try_from(seconds).ok())
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
        }
    }

    /// The fields that belong to others, if this refuses a server-side apply for that.
    pub(crate) fn field_conflicts(&self) -> Vec<FieldConflict> {
        let conflicts = self.causes.iter().filter(|cause| cause.reason == FIELD_CONFLICT);
        conflicts.map(FieldConflict::of).collect()
    }
}

impl FieldConflict {
    fn of(cause: &Cause) -> Self {
        let owner = cause
            .message
            .strip_prefix("conflict with ")
            .unwrap_or(&cause.message);
        let quoted = owner.strip_prefix('"').and_then(|rest| rest.split_once('"'));
        let (manager, how) = quoted.unwrap_or((owner, ""));
        Self {
            field: cause.field.clone(),
            manager: manager.to_owned(),
            // The time of the write may follow the version; who and what is enough.
            how: how.split(" at ").next().unwrap_or_default().trim().to_owned(),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_str() {
            "" if self.reason.is_empty() => write!(f, "the API server answered {}", self.code),
            "" => write!(f, "the API server answered {} {}", self.code, self.reason),
            message => f.write_str(message),
        }
    }
}

impl std::error::Error for Status {}

impl fmt::Display for FieldConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} belongs to {}", self.field, self.manager)
    }
}

/// The first line of a text, cut to a length that fits a message.
fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(MAX_TEXT)]);
    text.trim().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn conflict(message: &str) -> FieldConflict {
        FieldConflict::of(&Cause {
            reason: FIELD_CONFLICT.to_owned(),
            field: ".data.l".to_owned(),
            message: message.to_owned(),
        })
    }

    #[test]
    fn conflicts_name_manager_and_manner() {
        let cases = [
            (
                r#"conflict with "kubectl-edit" using v1"#,
                "kubectl-edit",
                "using v1",
            ),
            (r#"conflict with "helm""#, "helm", ""),
            (
                r#"conflict with "kubectl" using apps/v1 at 2026-01-01T00:00:00Z"#,
                "kubectl",
                "using apps/v1",
            ),
            (
                r#"conflict with "ctl" with subresource "status""#,
                "ctl",
                r#"with subresource "status""#,
            ),
            ("something else", "something else", ""),
        ];
        for (message, manager, how) in cases {
            let read = conflict(message);
            assert_eq!(
                (read.manager.as_str(), read.how.as_str()),
                (manager, how),
                "{message}"
            );
        }
    }

    #[test]
    fn a_page_of_a_proxy_is_cut_to_its_first_line() {
        let status = Status::read(502, b"<html>\n<body>Bad Gateway</body>");
        assert_eq!((status.code, status.to_string().as_str()), (502, "<html>"));
        assert_eq!(Status::read(503, b"").to_string(), "the API server answered 503");
    }

    #[test]
    fn nothing_in_a_status_must_be_there() {
        for body in [
            "{}",
            "[]",
            "null",
            r#"{"kind":"Status","code":"x","details":3}"#,
            "\u{0}",
        ] {
            assert_eq!(Status::read(500, body.as_bytes()).code, 500, "{body}");
        }
        let long = json!({"kind": "Status", "details": {"retryAfterSeconds": 7}});
        assert_eq!(Status::of(429, &long).retry_after, Some(Duration::from_secs(7)));
    }
}
