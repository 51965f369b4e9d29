//! `POST` on `serviceaccounts/NAME/token`: a token for whoever may have one, bound to a live object if asked.

use std::sync::Arc;

use serde_json::{Value, json};

use super::failure::{Cause, Failure, details};
use super::reply::Reply;
use super::tokens::time;
use super::world::now_seconds;
use super::{Call, Registry, fields, metadata, review, write};
use crate::auth::service_account::{ISSUER, Issue, Reference};
use crate::auth::token_request::{Bound, TokenRequest};
use crate::store::Object;

/// What a token is bound to, as the store has it.
#[derive(Default)]
struct Binding {
    pod: Option<Reference>,
    secret: Option<Reference>,
    node: Option<Reference>,
}

pub(super) fn create(registry: &Registry, call: &Call) -> Result<Reply, Failure> {
    let dry_run = call.query.dry_run("CreateOptions")?;
    let account = registry.find(call)?;
    let served = call
        .served
        .of_subresource("token")
        .ok_or_else(Failure::no_resource)?;
    let call = &Call {
        served: Arc::new(served),
        ..call.clone()
    };
    let decoded = fields::decode(call, "CreateOptions")?;
    let mut object = decoded.object;
    let name = metadata::text(&object, "name");
    if !name.is_empty() && name != call.name() {
        let resource = &call.served.resource;
        let why = "must match the service account name if specified";
        let causes = [Cause::invalid("metadata.name", &json!(name), why)];
        return Err(Failure::invalid(
            &resource.group,
            &resource.kind,
            call.name(),
            &causes,
        ));
    }
    metadata::place(call, &mut object)?;
    let fields = metadata::of_mut(&mut object);
    fields.insert("name".to_owned(), json!(call.name()));
    fields.insert("uid".to_owned(), json!(call.around.uid()));
    fields.insert("creationTimestamp".to_owned(), json!(call.around.now()));
    let group = &call.served.resource.group;
    let asked = TokenRequest::from_json(&object)
        .map_err(|refusal| review::refused(group, "TokenRequest", refusal))?;
    // The owner of the fields owns the duration even if it has left it out.
    object["spec"]["expirationSeconds"] = json!(asked.seconds);
    write::track(call, None, &mut object);
    let binding = match &asked.bound {
        Some(bound) => bind(registry, call, bound)?,
        None => Binding::default(),
    };
    let issue = Issue {
        namespace: call.namespace().unwrap_or_default(),
        account: reference(&account),
        audiences: &asked.audiences,
        seconds: asked.seconds,
        pod: binding.pod,
        secret: binding.secret,
        node: binding.node,
        id: call.around.uid(),
    };
    let issued = registry.tokens.signer.issue(issue, now_seconds());
    let (token, ends) = issued.map_err(|error| Failure::internal(error.to_string()))?;
    let token = if dry_run { "" } else { &token };
    let answer = asked.answer(object, token, &time(ends));
    Ok(Reply::json(201, &answer).with_warnings(decoded.warnings))
}

impl Registry {
    /// A token for a pod of the cluster's own, as its volumes hold it; for "" the API's own audience.
    pub(crate) fn token_of_pod(&self, pod: &Value, audience: &str, seconds: i64) -> Option<String> {
        let text = |path| pod.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let named = |name: &str, uid: &str| Reference {
            name: name.to_owned(),
            uid: uid.to_owned(),
        };
        let namespace = text("/metadata/namespace");
        let account = match text("/spec/serviceAccountName") {
            "" => "default",
            name => name,
        };
        let account = self.core("serviceaccounts", Some(namespace), account)?;
        let node = self.core("nodes", None, text("/spec/nodeName"));
        let audience = if audience.is_empty() { ISSUER } else { audience };
        let issue = Issue {
            namespace,
            account: reference(&account),
            audiences: &[audience.to_owned()],
            seconds,
            pod: Some(named(text("/metadata/name"), text("/metadata/uid"))),
            secret: None,
            node: node.as_deref().map(reference),
            id: self.around.uid(),
        };
        let issued = self.tokens.signer.issue(issue, now_seconds());
        issued.ok().map(|(token, _)| token)
    }

    /// Every pod there is.
    pub(crate) fn pods(&self) -> Vec<Value> {
        let pods = crate::store::Resource::new("", "pods");
        pods.map_or_else(|_| Vec::new(), |pods| self.values(&pods, None))
    }

    /// A pod as it is stored.
    pub(crate) fn pod(&self, namespace: &str, name: &str) -> Option<Value> {
        self.core("pods", Some(namespace), name)?.value().ok()
    }

    /// A Service as it is stored.
    pub(crate) fn service(&self, namespace: &str, name: &str) -> Option<Value> {
        self.core("services", Some(namespace), name)?.value().ok()
    }
}

fn bind(registry: &Registry, call: &Call, bound: &Bound) -> Result<Binding, Failure> {
    let (plural, namespace) = match bound.kind.as_str() {
        "Pod" => ("pods", call.namespace()),
        "Secret" => ("secrets", call.namespace()),
        _ => ("nodes", None),
    };
    let found = registry.core(plural, namespace, &bound.name);
    let found =
        found.ok_or_else(|| {
            Failure::new(404, "NotFound", format!("{plural} {:?} not found", bound.name))
                .with_details(details("", plural, &bound.name))
        })?;
    let mut binding = Binding::default();
    match bound.kind.as_str() {
        "Pod" => binding = pod(registry, call, &found)?,
        "Secret" => binding.secret = Some(reference(&found)),
        _ => binding.node = Some(reference(&found)),
    }
    if !bound.uid.is_empty() && bound.uid != found.uid() {
        let (kind, name, uid) = (&bound.kind, &bound.name, &bound.uid);
        let message = format!(
            "Operation cannot be fulfilled on {kind} {name:?}: the UID in the bound object reference ({uid}) does not \
             match the UID in record. The object might have been deleted and then recreated"
        );
        return Err(Failure::new(409, "Conflict", message).with_details(details("", kind, name)));
    }
    Ok(binding)
}

/// A token of a pod names the pod's node too.
fn pod(registry: &Registry, call: &Call, found: &Object) -> Result<Binding, Failure> {
    let value = found
        .value()
        .map_err(|error| Failure::internal(error.to_string()))?;
    let text = |path| value.pointer(path).and_then(Value::as_str).unwrap_or_default();
    if text("/spec/serviceAccountName") != call.name() {
        return Err(Failure::bad_request(format!(
            "cannot bind token for serviceaccount {:?} to pod running with different serviceaccount name.",
            call.name()
        )));
    }
    let node = Some(text("/spec/nodeName")).filter(|node| !node.is_empty());
    let node = node.map(|name| match registry.core("nodes", None, name) {
        Some(node) => reference(&node),
        None => Reference {
            name: name.to_owned(),
            uid: String::new(),
        },
    });
    Ok(Binding {
        pod: Some(reference(found)),
        node,
        ..Binding::default()
    })
}

pub(super) fn reference(object: &Object) -> Reference {
    Reference {
        name: object.key().name().to_owned(),
        uid: object.uid().to_owned(),
    }
}
