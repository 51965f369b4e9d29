//! Secrets of type `kubernetes.io/service-account-token`: filled with a token, and gone with their account.
//!
//! The real cluster has a controller for this. Its decision needs the key for tokens, which no control loop may see,
//! so it lives beside the key.

use std::sync::Arc;

use serde_json::{Value, json};

use super::caller::{Place, Sent};
use super::token::reference;
use super::{Registry, Verb, base64, metadata};
use crate::auth::secret_token::{Claims, NAME_ANNOTATION, SECRET_TYPE, UID_ANNOTATION};
use crate::store::{self, EventKind, Object};

impl Registry {
    /// Settles every such Secret, and again whenever a Secret is written or an account goes, until the store closes.
    pub(crate) async fn keep_secret_tokens(self) {
        let resources = ["secrets", "serviceaccounts"].map(|plural| store::Resource::new("", plural));
        let [Ok(secrets), Ok(accounts)] = resources else {
            return;
        };
        loop {
            let revision = self.store.revision();
            let watchers = [&secrets, &accounts].map(|resource| self.store.watch(resource, None, revision));
            let [Ok(mut written), Ok(mut gone)] = watchers else {
                return;
            };
            self.settle_all(&secrets, None).await;
            loop {
                let events = tokio::select! {
                    events = written.next() => events,
                    events = gone.next() => events,
                };
                let events = match events {
                    Ok(events) => events,
                    Err(store::Error::Closed) => return,
                    // Too slow: look at everything again.
                    Err(_) => break,
                };
                for event in events {
                    let key = event.object.key();
                    let deleted = event.kind == EventKind::Deleted;
                    match (key.resource() == &secrets, deleted) {
                        (true, false) => self.settle_secret(&event.object).await,
                        (false, true) => self.settle_all(&secrets, key.namespace()).await,
                        _ => {}
                    }
                }
            }
        }
    }

    async fn settle_all(&self, secrets: &store::Resource, namespace: Option<&str>) {
        for secret in self.objects(secrets, namespace) {
            self.settle_secret(&secret).await;
        }
    }

    /// Fills a Secret that lacks something; removes one whose account isn't there.
    async fn settle_secret(&self, secret: &Arc<Object>) {
        let of_type = |(name, value): &(Box<str>, Box<str>)| &**name == "type" && &**value == SECRET_TYPE;
        if !secret.fields().iter().any(of_type) {
            return;
        }
        let Ok(value) = secret.value() else {
            return;
        };
        let namespace = secret.key().namespace().unwrap_or_default();
        let annotation = |name: &str| {
            metadata::of(&value)["annotations"][name]
                .as_str()
                .unwrap_or_default()
        };
        let account = self.core("serviceaccounts", Some(namespace), annotation(NAME_ANNOTATION));
        let uid = annotation(UID_ANNOTATION);
        let account = account.filter(|account| uid.is_empty() || uid == account.uid());
        let place = Place {
            version: "v1",
            plural: "secrets",
            namespace,
            name: secret.key().name(),
            ..Place::default()
        };
        // Refused when somebody was faster, whose write comes here again.
        let _ = match account {
            None => {
                let options = json!({"preconditions": {"uid": secret.uid()}});
                self.write_secret(Verb::Delete, place, &options).await
            }
            Some(account) => match self.filled(&value, &account, secret) {
                Some(patch) => self.write_secret(Verb::Patch, place, &patch).await,
                None => return,
            },
        };
    }

    async fn write_secret(
        &self,
        verb: Verb,
        place: Place<'_>,
        body: &Value,
    ) -> Result<(), super::failure::Failure> {
        let sent = Sent {
            content_type: "application/merge-patch+json",
            body: Some(body),
            ..Sent::default()
        };
        let user = crate::auth::UserInfo::authenticated("system:kube-controller-manager", &[]);
        let controller = self.caller(user, "kube-controller-manager");
        controller.call(verb, place, sent).await.map(|_| ())
    }

    /// The patch for what a Secret lacks; nothing when it is whole.
    fn filled(&self, value: &Value, account: &Object, secret: &Object) -> Option<Value> {
        let namespace = secret.key().namespace().unwrap_or_default();
        let mut data = json!({});
        let lacks = |field: &str| value["data"][field].as_str().unwrap_or_default().is_empty();
        let authority = base64(self.authority.as_bytes());
        if value["data"]["ca.crt"] != authority.as_str() {
            data["ca.crt"] = json!(authority);
        }
        if lacks("namespace") {
            data["namespace"] = json!(base64(namespace.as_bytes()));
        }
        if lacks("token") {
            let claims = Claims::new(namespace, &reference(account), secret.key().name());
            let token = claims.sign(&self.tokens.signer).ok()?;
            data["token"] = json!(base64(token.as_bytes()));
        }
        let named = metadata::of(value)["annotations"][UID_ANNOTATION] == account.uid();
        let whole = named && data.as_object().is_some_and(serde_json::Map::is_empty);
        let annotations = json!({UID_ANNOTATION: account.uid()});
        let version = metadata::text(value, "resourceVersion");
        let metadata = json!({"annotations": annotations, "resourceVersion": version});
        (!whole).then(|| json!({"metadata": metadata, "data": data}))
    }
}
