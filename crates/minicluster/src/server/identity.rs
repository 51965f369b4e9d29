//! Who is asking, and may they: one administrator's token, and anonymous callers for health and version.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use crate::registry::Verb;
use crate::registry::failure::{Failure, group_resource};
use crate::registry::route::Target;
use crate::schema::Resource;

const ANONYMOUS: &str = "system:anonymous";

/// What anybody may read, as the real server's default roles allow.
const PUBLIC: &[&str] = &["/healthz", "/livez", "/readyz", "/version"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    Administrator,
    Anonymous,
}

/// # Errors
/// 401 for credentials that are wrong, which differs from none.
pub(super) fn authenticate(headers: &HeaderMap, token: &str) -> Result<Identity, Failure> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Ok(Identity::Anonymous);
    };
    let sent = value.as_bytes().strip_prefix(b"Bearer ").unwrap_or_default();
    if same(sent, token.as_bytes()) {
        return Ok(Identity::Administrator);
    }
    Err(Failure::new(401, "Unauthorized", "Unauthorized"))
}

/// Compares in a time that does not tell where the first difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

impl Identity {
    /// # Errors
    /// 403 for a path that is no resource.
    pub(super) fn may_read(self, verb: &str, path: &str) -> Result<(), Failure> {
        let public = PUBLIC
            .iter()
            .any(|one| path == *one || path.starts_with(&format!("{one}/")));
        if self == Identity::Administrator || public {
            return Ok(());
        }
        let message = format!("forbidden: User \"{ANONYMOUS}\" cannot {verb} path \"{path}\"");
        Err(Failure::new(403, "Forbidden", message).with_details(serde_json::json!({})))
    }

    /// # Errors
    /// 403 for a resource.
    pub(super) fn may(self, verb: Verb, resource: &Resource, target: &Target) -> Result<(), Failure> {
        if self == Identity::Administrator {
            return Ok(());
        }
        let subresource = target
            .subresource
            .as_deref()
            .map(|name| format!("/{name}"))
            .unwrap_or_default();
        let scope = match &target.namespace {
            Some(namespace) => format!("in the namespace \"{namespace}\""),
            None => "at the cluster scope".to_owned(),
        };
        let cause = format!(
            "User \"{ANONYMOUS}\" cannot {} resource \"{}{subresource}\" in API group \"{}\" {scope}",
            verb.name(),
            resource.plural,
            resource.group,
        );
        let name = target.name.as_deref().unwrap_or_default();
        let mut failure = Failure::forbidden(resource, name, &cause);
        if name.is_empty() {
            failure.message = format!("{} is forbidden: {cause}", group_resource(resource));
        }
        Err(failure)
    }
}
