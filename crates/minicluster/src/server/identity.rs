//! Who is asking: the credentials of a request become a user, and headers may ask to be taken for another.
//!
//! ```text
//! certificate ─┐
//! bearer token ┼─► the real user ─► impersonation ─► the user of the call
//! neither ─────┘
//! ```

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use super::tls::Shown;
use crate::auth::UserInfo;
use crate::auth::impersonate::{Refusal, Wanted, impersonate};
use crate::auth::token::bearer;
use crate::registry::failure::{Failure, details};
use crate::registry::{Registry, Reply};

/// The user of a request to a path.
///
/// # Errors
/// The whole answer: 401 for credentials that are wrong, which differs from none; 403 or 500 for an impersonation
/// that isn't allowed or says not whom.
pub(super) fn user(
    registry: &Registry,
    shown: &Shown,
    headers: &HeaderMap,
    path: &str,
) -> Result<UserInfo, Reply> {
    let real = authenticate(registry, shown, headers).map_err(|failure| Reply::from(&failure))?;
    let pairs = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let Some(wanted) = Wanted::from_headers(pairs) else {
        return Ok(real);
    };
    let taken = registry
        .access()
        .look(|authorizer| impersonate(authorizer, &real, wanted));
    taken.map_err(|refusal| refused(refusal, path))
}

fn authenticate(registry: &Registry, shown: &Shown, headers: &HeaderMap) -> Result<UserInfo, Failure> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(bearer);
    match (shown, token) {
        (Shown::User(user), _) => Ok(user.clone()),
        (_, Some(token)) => match registry.bearer(token, &[]) {
            Ok(bearer) => Ok(bearer.user),
            Err(_) => Err(unauthorized()),
        },
        (Shown::Wrong, None) => Err(unauthorized()),
        (Shown::Nothing, None) => Ok(UserInfo::anonymous()),
    }
}

fn unauthorized() -> Failure {
    Failure::new(401, "Unauthorized", "Unauthorized")
}

fn refused(refusal: Refusal, path: &str) -> Reply {
    match refusal {
        Refusal::Forbidden {
            message,
            resource,
            name,
        } => {
            let group = match resource.as_str() {
                "userextras" | "uids" => "authentication.k8s.io",
                _ => "",
            };
            let failure = Failure::new(403, "Forbidden", message);
            Reply::from(&failure.with_details(details(group, &resource, &name)))
        }
        Refusal::NoUser(message) => Reply::text(500, format!("Internal Server Error: {path:?}: {message}\n")),
    }
}
