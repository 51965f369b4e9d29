//! Why an ID token does not count. What is said of the token itself is said to whoever sent it; what would count is not.

/// Why an ID token does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is no ID token: {0}")]
    Form(&'static str),
    #[error("it is signed by {0:?}, and RS256 and ES256 count alone")]
    Algorithm(String),
    #[error("its issuer has no key of that name")]
    Key,
    #[error("its signature is not its issuer's")]
    Signature,
    #[error("it is of another issuer")]
    Issuer,
    #[error("it is made for somebody else (`aud`)")]
    Audience,
    #[error("it is made for several, and another of them asked for it (`azp`)")]
    Party,
    #[error("it has expired (`exp`)")]
    Expired,
    #[error("it does not count yet (`{0}`): a clock is wrong")]
    NotYet(&'static str),
    #[error("its claim `{0}` is missing, or not what goes there")]
    Claim(String),
    #[error("its address is not verified (`email_verified`)")]
    Unverified,
    #[error(
        "its issuer does not say whether its address is verified (`email_verified`; see `--oidc-trust-email`)"
    )]
    Unsaid,
    #[error("{0:?} can't be the name of a person")]
    Name(String),
}
