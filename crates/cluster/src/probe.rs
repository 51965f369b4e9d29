//! Asking whether a request would be let through: it is sent, and of the answer only code and refusal are read.
//!
//! For proofs. What is written is a dry run, always; what is read is dropped unread.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::backoff::{Repeat, Tries};
use crate::client::Cluster;
use crate::error::Error;
use crate::resource::{At, with_query};
use crate::send::Call;
use crate::status::Status;
use crate::transport::Lane;

const JSON: &str = "application/json";

/// What is asked of an object, or of all of a kind when it has no name.
#[derive(Debug, Clone, Copy)]
pub enum Ask<'a> {
    Read,
    Watch,
    /// Posts to the kind, or to the subresource of an object.
    Create(&'a Value),
    /// As a merge patch.
    Patch(&'a Value),
    Delete,
    /// Opens a connection by `POST`. It is not a dry run: the object should not be there.
    Connect,
}

impl Cluster {
    /// Sends a request and says what came of it; a success has the code 200 and no message.
    ///
    /// # Errors
    /// No answer came: see [`Error`]. A refusal is no error.
    pub async fn probe(&self, at: At<'_>, ask: Ask<'_>) -> Result<Status, Error> {
        let call = call(at, ask);
        let began = Instant::now();
        let mut tries = Tries::new(&self.shared.limits, Repeat::Harmless);
        loop {
            let error = match self.head(&call).await {
                Ok(()) => break,
                Err(error) => error,
            };
            match tries.after(&error, began.elapsed(), self.spread()) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => {
                    return match error {
                        Error::Refused { source, .. } => Ok(*source),
                        other => Err(other),
                    };
                }
            }
        }
        Ok(Status {
            code: 200,
            ..Status::default()
        })
    }

    /// Sends a call and drops the answer as soon as its code is there.
    async fn head(&self, call: &Call) -> Result<(), Error> {
        // Closing the semaphore is nobody's business, so there is always a permit in the end.
        let _permit = self.shared.permits.acquire().await.ok();
        let after = self.shared.limits.request;
        let opened = timeout(after, self.open(call, Lane::default())).await;
        let asked = self.asked(call);
        opened.map_err(|_| Error::NoAnswer { asked, after })?.map(drop)
    }
}

fn call(at: At<'_>, ask: Ask<'_>) -> Call {
    let path = match (at.name, at.subresource) {
        ("", _) => at.resource.path(at.namespace),
        _ => at.path(),
    };
    let is_all = at.name.is_empty();
    // One object says as much as all of them; a watch ends by itself when its answer is dropped late.
    let query: &[(&str, &str)] = match ask {
        Ask::Read if is_all => &[("limit", "1")],
        Ask::Watch => &[("watch", "true"), ("timeoutSeconds", "1")],
        Ask::Create(_) | Ask::Patch(_) | Ask::Delete => &[("dryRun", "All")],
        Ask::Connect if at.subresource == "portforward" => &[("ports", "1")],
        Ask::Connect if at.subresource == "exec" => &[("command", "true"), ("stdout", "true")],
        Ask::Connect if at.subresource == "attach" => &[("stdout", "true")],
        Ask::Read | Ask::Connect => &[],
    };
    let call = Call::get(with_query(path, query), at.what());
    let sent = |verb, method, content_type, body: &Value| Call {
        verb,
        method,
        content_type,
        body: Bytes::from(body.to_string()),
        ..call.clone()
    };
    match ask {
        Ask::Read => call,
        Ask::Watch => Call {
            verb: "watch",
            ..call
        },
        Ask::Create(object) => sent("create", Method::POST, JSON, object),
        Ask::Patch(patch) => sent("patch", Method::PATCH, "application/merge-patch+json", patch),
        Ask::Delete => {
            let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]});
            let verb = if is_all { "deletecollection" } else { "delete" };
            sent(verb, Method::DELETE, JSON, &options)
        }
        Ask::Connect => Call {
            verb: "connect",
            method: Method::POST,
            ..call
        },
    }
}

#[cfg(test)]
mod tests {
    use objects::Kind;

    use super::*;
    use crate::resource::Resource;

    #[test]
    fn what_writes_is_a_dry_run() {
        let pods = Resource {
            kind: Kind::new("", "Pod"),
            version: "v1".to_owned(),
            plural: "pods".to_owned(),
            namespaced: true,
            verbs: Vec::new(),
            subresources: Vec::new(),
        };
        let body = json!({});
        for (ask, expected) in [
            (Ask::Read, "/api/v1/namespaces/n/pods?limit=1"),
            (Ask::Create(&body), "/api/v1/namespaces/n/pods?dryRun=All"),
            (Ask::Delete, "/api/v1/namespaces/n/pods?dryRun=All"),
        ] {
            assert_eq!(call(pods.at("n", ""), ask).path, expected);
        }
        let one = pods.at("n", "a");
        assert_eq!(
            call(one, Ask::Patch(&body)).path,
            "/api/v1/namespaces/n/pods/a?dryRun=All"
        );
        let deleted = call(one, Ask::Delete);
        assert!(deleted.path.ends_with("?dryRun=All"));
        let sent: Value = serde_json::from_slice(&deleted.body).unwrap();
        assert_eq!(sent["dryRun"], json!(["All"]), "servers read it from the body");
    }
}
