//! The request for a ServiceAccount's token, as asked and as meant.

use serde_json::{Value, json};

use super::review::Refusal;
use super::service_account::{DEFAULT_SECONDS, ISSUER};
use crate::validate::Cause;

/// Ten minutes.
const MIN_SECONDS: i64 = 600;
const MAX_SECONDS: i64 = 1 << 32;

/// What a TokenRequest asks for, with its defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    pub audiences: Vec<String>,
    pub seconds: i64,
    pub bound: Option<Bound>,
}

/// The object with which the token ends. The caller looks it up, and refuses another uid than the one given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// `Pod`, `Secret` or `Node`.
    pub kind: String,
    pub name: String,
    /// Empty when any will do.
    pub uid: String,
}

impl TokenRequest {
    /// Reads a TokenRequest object.
    ///
    /// # Errors
    /// When it asks for too short or too long a time, or is bound to what no token can be bound to.
    pub fn from_json(request: &Value) -> Result<Self, Refusal> {
        let spec = request.get("spec").unwrap_or(&Value::Null);
        let audiences = spec
            .get("audiences")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let mut audiences: Vec<String> = audiences.filter_map(Value::as_str).map(str::to_owned).collect();
        if audiences.is_empty() {
            audiences.push(ISSUER.to_owned());
        }
        let seconds = spec
            .get("expirationSeconds")
            .and_then(Value::as_i64)
            .unwrap_or(DEFAULT_SECONDS);
        let mut causes = Vec::new();
        let mut fault =
            |why: &str| causes.push(Cause::invalid("spec.expirationSeconds", &json!(seconds), why));
        if seconds < MIN_SECONDS {
            fault("may not specify a duration less than 10 minutes");
        }
        if seconds > MAX_SECONDS {
            fault("may not specify a duration larger than 2^32 seconds");
        }
        if !causes.is_empty() {
            return Err(Refusal::Invalid(causes));
        }
        Ok(Self {
            audiences,
            seconds,
            bound: Bound::of(spec)?,
        })
    }

    /// The answer: the object asked with its spec as it is meant and the token. `ends` is an RFC 3339 time.
    #[must_use]
    pub fn answer(&self, mut request: Value, token: &str, ends: &str) -> Value {
        let bound = request
            .pointer("/spec/boundObjectRef")
            .cloned()
            .unwrap_or(Value::Null);
        if let Some(request) = request.as_object_mut() {
            let spec = json!({
                "audiences": self.audiences, "expirationSeconds": self.seconds, "boundObjectRef": bound,
            });
            request.insert("spec".to_owned(), spec);
            let status = json!({"token": token, "expirationTimestamp": ends});
            request.insert("status".to_owned(), status);
        }
        request
    }
}

impl Bound {
    fn of(spec: &Value) -> Result<Option<Self>, Refusal> {
        let Some(bound) = spec.get("boundObjectRef").filter(|bound| !bound.is_null()) else {
            return Ok(None);
        };
        let text = |field: &str| {
            bound
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (version, kind) = (text("apiVersion"), text("kind"));
        if version != "v1" || !matches!(kind.as_str(), "Pod" | "Secret" | "Node") {
            let group = version.split_once('/').map_or("", |(group, _)| group);
            let dot = if group.is_empty() { "" } else { "." };
            let message = format!("cannot bind token for object of type {kind}{dot}{group}");
            return Err(Refusal::BadRequest(message));
        }
        Ok(Some(Self {
            kind,
            name: text("name"),
            uid: text("uid"),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_gets_its_defaults() {
        let asked = json!({"kind": "TokenRequest", "spec": {"expirationSeconds": 3600}});
        let request = TokenRequest::from_json(&asked).unwrap();
        let answer = request.answer(asked, "t", "later");
        let expected = json!({
            "kind": "TokenRequest",
            "spec": {"audiences": [ISSUER], "boundObjectRef": null, "expirationSeconds": 3600},
            "status": {"expirationTimestamp": "later", "token": "t"},
        });
        assert_eq!(answer, expected);
        assert_eq!(
            TokenRequest::from_json(&json!(1)).unwrap().seconds,
            DEFAULT_SECONDS
        );
    }

    #[test]
    fn times_and_objects_have_limits() {
        let ask = |spec: Value| TokenRequest::from_json(&json!({"spec": spec}));
        for seconds in [-1, 0, 599, MAX_SECONDS + 1] {
            assert!(
                matches!(
                    ask(json!({"expirationSeconds": seconds})),
                    Err(Refusal::Invalid(_))
                ),
                "{seconds}"
            );
        }
        let bound =
            |kind: &str| ask(json!({"boundObjectRef": {"apiVersion": "v1", "kind": kind, "name": "x"}}));
        assert_eq!(bound("Pod").unwrap().bound.unwrap().name, "x");
        assert!(matches!(bound("ConfigMap"), Err(Refusal::BadRequest(_))));
    }
}
