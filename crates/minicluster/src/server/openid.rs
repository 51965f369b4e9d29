//! What a verifier of ServiceAccounts' tokens reads: the issuer's configuration and its public keys.

use serde_json::json;

use crate::auth::service_account::{ISSUER, Signer};
use crate::registry::{Content, Reply};

/// Answers the two paths, and no other.
pub(super) fn answer(signer: &Signer, path: &str, url: &str) -> Option<Reply> {
    match path.trim_end_matches('/') {
        "/.well-known/openid-configuration" => Some(Reply::json(
            200,
            &json!({
                "issuer": ISSUER,
                "jwks_uri": format!("{url}/openid/v1/jwks"),
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            }),
        )),
        "/openid/v1/jwks" => Some(Reply {
            content: Content::Typed("application/jwk-set+json", signer.key_set().to_string().into()),
            ..Reply::text(200, "")
        }),
        _ => None,
    }
}
