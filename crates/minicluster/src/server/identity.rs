//! Who is asking: the credentials of a request become a user.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use crate::auth::UserInfo;
use crate::auth::token::{StaticTokens, bearer};
use crate::registry::failure::Failure;

/// # Errors
/// 401 for credentials that are wrong, which differs from none.
pub(super) fn authenticate(headers: &HeaderMap, tokens: &StaticTokens) -> Result<UserInfo, Failure> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = header.and_then(bearer) else {
        return Ok(UserInfo::anonymous());
    };
    let user = tokens.authenticate(token).cloned();
    user.ok_or_else(|| Failure::new(401, "Unauthorized", "Unauthorized"))
}
