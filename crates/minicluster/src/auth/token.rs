//! Static bearer tokens, and how a bearer token stands in a request's header.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::UserInfo;
use super::user::AUTHENTICATED;

/// Tokens that were handed out when the server started.
#[derive(Clone, Default)]
pub struct StaticTokens {
    /// By digest, so that a lookup's time tells nothing of the tokens.
    users: HashMap<[u8; 32], UserInfo>,
}

impl std::fmt::Debug for StaticTokens {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("StaticTokens")
            .field("count", &self.users.len())
            .finish_non_exhaustive()
    }
}

impl StaticTokens {
    /// Adds a token; its user joins `system:authenticated`. An empty token is ignored.
    pub fn insert(&mut self, token: &str, mut user: UserInfo) {
        if token.is_empty() {
            return;
        }
        user.join(AUTHENTICATED);
        self.users.insert(digest(token), user);
    }

    #[must_use]
    pub fn authenticate(&self, token: &str) -> Option<&UserInfo> {
        self.users.get(&digest(token))
    }
}

/// The token of an `Authorization` header. A header of another scheme, or without a token, is as good as none.
#[must_use]
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim_start().split(' ').next().unwrap_or_default();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_from_its_header() {
        for (header, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc", Some("abc")),
            ("Bearer ", None),
            ("Bearer", None),
            ("Basic abc", None),
            ("", None),
        ] {
            assert_eq!(bearer(header), expected, "{header:?}");
        }
    }

    #[test]
    fn only_a_known_token_authenticates() {
        let mut tokens = StaticTokens::default();
        tokens.insert("secret", UserInfo::authenticated("root", &["system:masters"]));
        tokens.insert("", UserInfo::authenticated("nobody", &[]));
        assert!(tokens.authenticate("secret").is_some_and(UserInfo::is_master));
        assert_eq!(tokens.authenticate("secre"), None);
        assert_eq!(tokens.authenticate(""), None);
    }
}
