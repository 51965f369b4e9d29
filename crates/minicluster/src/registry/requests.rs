//! CertificateSigningRequests: who asks is recorded, who may approve is checked, and what is approved is signed.
//!
//! ```text
//! create (user, groups recorded) ─► approval (verb `approve` on the signer) ─► keeper ─► status.certificate
//! ```
//!
//! Signed are requests to the two signers for clients of the API server. Those for kubelets' own servers are approved
//! and then wait: no node here serves anything.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::caller::{Place, Sent};
use super::failure::Failure;
use super::{Call, Registry, Verb, base64, metadata};
use crate::auth::signing_request::{self, SigningRequest};
use crate::auth::{Attributes, UserInfo};
use crate::store::{self, EventKind, Object};
use crate::validate::Cause;

const GROUP: &str = "certificates.k8s.io";
const PLURAL: &str = "certificatesigningrequests";

const CLIENT: &str = "kubernetes.io/kube-apiserver-client";
const KUBELET_CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";

/// As long as the real signer lets a certificate be good, which is also what it gives who says nothing.
const MOST_SECONDS: i64 = 365 * 24 * 3600;

/// The shortest that may be asked for.
const LEAST_SECONDS: i64 = 600;

/// Signs a verified request: a certificate in PEM, good until a time in Unix seconds.
pub(crate) trait Sign: Fn(&SigningRequest, u64) -> Option<String> + Send + Sync + 'static {}

impl<T: Fn(&SigningRequest, u64) -> Option<String> + Send + Sync + 'static> Sign for T {}

fn is_request(call: &Call) -> bool {
    call.served.is(GROUP, PLURAL)
}

/// Records who asks: nobody may say it for themselves.
pub(super) fn begin(call: &Call, object: &mut Value) {
    if !is_request(call) {
        return;
    }
    let spec = &mut object["spec"];
    let UserInfo {
        name,
        uid,
        groups,
        extra,
    } = &call.user;
    spec["username"] = json!(name);
    for (field, value, given) in [
        ("uid", json!(uid), !uid.is_empty()),
        ("groups", json!(groups), !groups.is_empty()),
        ("extra", json!(extra), !extra.is_empty()),
    ] {
        if given {
            spec[field] = value;
        } else if let Some(spec) = spec.as_object_mut() {
            spec.remove(field);
        }
    }
}

/// What a write to the `approval` subresource changes: the conditions that decide.
pub(super) fn approval(live: &Value, sent: &Value, now: &str) -> Value {
    let decides = |one: &&Value| matches!(one["type"].as_str(), Some("Approved" | "Denied"));
    let conditions = |object: &Value| {
        object["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    let mut request = live.clone();
    for field in ["resourceVersion", "managedFields"] {
        if let Some(value) = metadata::of(sent).get(field) {
            metadata::of_mut(&mut request).insert(field.to_owned(), value.clone());
        }
    }
    let mut all: Vec<Value> = conditions(live)
        .into_iter()
        .filter(|one| !decides(&one))
        .collect();
    all.extend(conditions(sent).into_iter().filter(|one| decides(&one)));
    for condition in &mut all {
        for time in ["lastTransitionTime", "lastUpdateTime"] {
            if condition[time].is_null() {
                condition[time] = json!(now);
            }
        }
    }
    request["status"]["conditions"] = json!(all);
    request
}

/// Faults of a new request.
pub(super) fn faults(call: &Call, object: &Value) -> Vec<Cause> {
    if !is_request(call) || !call.subresource().is_empty() {
        return Vec::new();
    }
    let spec = &object["spec"];
    let mut causes = Vec::new();
    let text = |field: &str| spec[field].as_str().unwrap_or_default();
    let pem = STANDARD.decode(text("request")).unwrap_or_default();
    if let Err(why) = signing_request::check_form(&pem) {
        causes.push(Cause::invalid("spec.request", &spec["request"], &why));
    }
    let usages = spec["usages"].as_array();
    if usages.is_none_or(Vec::is_empty) {
        causes.push(Cause::required("spec.usages", ""));
    }
    let signer = text("signerName");
    if signer.is_empty() {
        causes.push(Cause::required("spec.signerName", ""));
    } else if !signer.contains('/') {
        let why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        causes.push(Cause::invalid("spec.signerName", &spec["signerName"], why));
    }
    if spec["expirationSeconds"]
        .as_i64()
        .is_some_and(|seconds| seconds < LEAST_SECONDS)
    {
        let why = "may not specify a duration less than 600 seconds (10 minutes)";
        causes.push(Cause::invalid(
            "spec.expirationSeconds",
            &spec["expirationSeconds"],
            why,
        ));
    }
    causes
}

/// Whether the user may decide on, or sign, a request for this signer.
///
/// # Errors
/// 403, with the words of the real server.
pub(super) fn check_signer(
    registry: &Registry,
    call: &Call,
    live: &Value,
    object: &Value,
) -> Result<(), Failure> {
    let verb = match call.subresource() {
        "approval" if is_request(call) => "approve",
        "status" if is_request(call) && is_signed(live, object) => "sign",
        _ => return Ok(()),
    };
    let signer = live["spec"]["signerName"].as_str().unwrap_or_default();
    let domain = signer.split_once('/').map_or(signer, |(domain, _)| domain);
    let wild = format!("{domain}/*");
    let may = |name: &str| {
        let asked = Attributes {
            group: GROUP,
            version: "*",
            resource: "signers",
            name,
            ..Attributes::empty(&call.user, verb)
        };
        registry
            .access()
            .look(|authorizer| authorizer.authorize(&asked).allowed)
    };
    if call.user.is_master() || may(signer) || may(&wild) {
        return Ok(());
    }
    let cause = format!("user not permitted to {verb} requests with signerName {signer:?}");
    Err(Failure::forbidden(&call.served.resource, call.name(), &cause))
}

/// Whether a write to the status signs or fails a request.
fn is_signed(live: &Value, object: &Value) -> bool {
    let failed = |object: &Value| {
        let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
        conditions.find(|one| one["type"] == "Failed").cloned()
    };
    live["status"]["certificate"] != object["status"]["certificate"] || failed(live) != failed(object)
}

impl Registry {
    /// Signs every request that is approved, until the store closes.
    pub(crate) async fn keep_requests(self, sign: impl Sign) {
        let Ok(requests) = store::Resource::new(GROUP, PLURAL) else {
            return;
        };
        loop {
            let revision = self.store.revision();
            let Ok(mut watcher) = self.store.watch(&requests, None, revision) else {
                return;
            };
            for request in self.objects(&requests, None) {
                self.settle_request(&request, &sign).await;
            }
            loop {
                let events = match watcher.next().await {
                    Ok(events) => events,
                    Err(store::Error::Closed) => return,
                    // Too slow: look at everything again.
                    Err(_) => break,
                };
                for event in events.iter().filter(|event| event.kind != EventKind::Deleted) {
                    self.settle_request(&event.object, &sign).await;
                }
            }
        }
    }

    async fn settle_request(&self, request: &Object, sign: &impl Sign) {
        let Some(status) = request
            .value()
            .ok()
            .and_then(|value| decided(&value, sign, &self.around.now()))
        else {
            return;
        };
        let place = Place {
            group: GROUP,
            version: "v1",
            plural: PLURAL,
            name: request.key().name(),
            subresource: "status",
            ..Place::default()
        };
        let patch = json!({"status": status});
        let sent = Sent {
            content_type: "application/merge-patch+json",
            body: Some(&patch),
            ..Sent::default()
        };
        let user = UserInfo::authenticated("system:kube-controller-manager", &[crate::auth::MASTERS]);
        let signer = self.caller(user, "kube-controller-manager");
        // Refused when it is gone, and then there is nothing to sign.
        let _ = signer.call(Verb::Patch, place, sent).await;
    }
}

/// What becomes of the status of a request that waits for its signer; `None` for any other.
fn decided(request: &Value, sign: &impl Sign, now: &str) -> Option<Value> {
    let (spec, status) = (&request["spec"], &request["status"]);
    let conditions = status["conditions"].as_array()?;
    let has = |kind: &str| conditions.iter().any(|one| one["type"] == kind);
    let signed = status["certificate"]
        .as_str()
        .is_some_and(|text| !text.is_empty());
    let signer = spec["signerName"].as_str()?;
    if !has("Approved")
        || has("Denied")
        || has("Failed")
        || signed
        || !matches!(signer, CLIENT | KUBELET_CLIENT)
    {
        return None;
    }
    let pem = STANDARD
        .decode(spec["request"].as_str().unwrap_or_default())
        .unwrap_or_default();
    let failed = |why: &str| {
        let mut all = conditions.clone();
        all.push(
            json!({"type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": why,
            "lastUpdateTime": now, "lastTransitionTime": now}),
        );
        json!({"conditions": all})
    };
    let Some(asked) = signing_request::read(&pem) else {
        return Some(failed(
            "unable to parse csr: the signature is not that of the key",
        ));
    };
    if let Err(why) = check_usages(spec).and_then(|()| check_names(signer, &asked)) {
        return Some(failed(why));
    }
    let seconds = spec["expirationSeconds"].as_i64().unwrap_or(MOST_SECONDS);
    let seconds = seconds.clamp(LEAST_SECONDS, MOST_SECONDS);
    let until = super::world::now_seconds().saturating_add(seconds);
    let certificate = sign(&asked, u64::try_from(until).ok()?)?;
    Some(json!({"certificate": base64(certificate.as_bytes())}))
}

fn check_usages(spec: &Value) -> Result<(), &'static str> {
    let usages: Vec<&str> = spec["usages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let permitted = ["client auth", "digital signature", "key encipherment"];
    if usages.contains(&"client auth") && usages.iter().all(|usage| permitted.contains(usage)) {
        return Ok(());
    }
    Err("invalid usage for client certificate: usages did not match expected value")
}

fn check_names(signer: &str, asked: &SigningRequest) -> Result<(), &'static str> {
    if signer == CLIENT {
        return Ok(());
    }
    if asked.groups != ["system:nodes"] {
        return Err("subject organization is not system:nodes");
    }
    if !asked.user.starts_with("system:node:") {
        return Err("subject common name does not begin with system:node:");
    }
    Ok(())
}
