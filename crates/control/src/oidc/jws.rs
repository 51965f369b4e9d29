//! The parts of a signed token (RFC 7515, compact form). Pure; nothing of it is true until its signature was verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::refused::Refused;

/// A token with two hundred groups has some 8 KiB.
const LONGEST: usize = 16 * 1024;

/// What is shown of a name that a stranger chose.
const SHOWN: usize = 16;

/// How tokens may be signed. What is not here does not count: no `none`, and nothing where the verifying key is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Algorithm {
    Rs256,
    Es256,
}

/// A token that nobody vouches for yet.
#[derive(Debug)]
pub(super) struct Token<'a> {
    /// What the signature is of.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
    pub(super) algorithm: Algorithm,
    /// The name of the key.
    pub(super) key: String,
    pub(super) claims: Map<String, Value>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }
}

impl<'a> Token<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Refused> {
        if text.len() > LONGEST {
            return Err(Refused::Form("it is longer than 16 KiB"));
        }
        let parts = text.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, claims) = signed.split_once('.')?;
            Some((signed, header, claims, signature))
        });
        let (signed, header, claims, signature) =
            parts.ok_or(Refused::Form("it has not three parts with dots between"))?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header = decode(header).and_then(|header| serde_json::from_slice::<Header>(&header).ok());
        let header = header.ok_or(Refused::Form("its header can't be read"))?;
        let algorithm = Algorithm::named(&header.alg)
            .ok_or_else(|| Refused::Algorithm(header.alg.chars().take(SHOWN).collect()))?;
        // What is critical has to be understood, and nothing is.
        if header.crit.is_some() {
            return Err(Refused::Form(
                "its header asks for what is not done here (`crit`)",
            ));
        }
        // An access or logout token of the same issuer says something else.
        if header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(Refused::Form("it is another kind of token (`typ`)"));
        }
        let key = header.kid.ok_or(Refused::Form("it names no key (`kid`)"))?;
        let claims = decode(claims).and_then(|claims| serde_json::from_slice(&claims).ok());
        let claims = claims.ok_or(Refused::Form("its claims can't be read"))?;
        let signature = decode(signature).ok_or(Refused::Form("its signature can't be read"))?;
        Ok(Self {
            signed,
            signature,
            algorithm,
            key,
            claims,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(header: &str) -> String {
        let text = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header));
        Token::parse(&text).map_or_else(|refused| refused.to_string(), |token| token.key)
    }

    #[test]
    fn a_header_says_how_and_by_which_key_and_nothing_else() {
        let cases = [
            (r#"{"alg":"RS256","kid":"k"}"#, "k"),
            (r#"{"alg":"ES256","kid":"k","typ":"jwt"}"#, "k"),
            (
                r#"{"alg":"none","kid":"k"}"#,
                r#"it is signed by "none", and RS256 and ES256 count alone"#,
            ),
            (
                r#"{"alg":"HS256","kid":"k"}"#,
                r#"it is signed by "HS256", and RS256 and ES256 count alone"#,
            ),
            (
                r#"{"alg":"rs256","kid":"k"}"#,
                r#"it is signed by "rs256", and RS256 and ES256 count alone"#,
            ),
            (r#"{"alg":"RS256"}"#, "it is no ID token: it names no key (`kid`)"),
            (
                r#"{"alg":"RS256","kid":"k","typ":"at+jwt"}"#,
                "it is no ID token: it is another kind of token (`typ`)",
            ),
            (
                r#"{"alg":"RS256","kid":"k","crit":["b64"],"b64":false}"#,
                "it is no ID token: its header asks for what is not done here (`crit`)",
            ),
            (
                r#"{"alg":"RS256","alg":"ES256","kid":"k"}"#,
                "it is no ID token: its header can't be read",
            ),
            ("", "it is no ID token: its header can't be read"),
        ];
        for (header, expected) in cases {
            assert_eq!(refusal(header), expected, "{header}");
        }
    }

    #[test]
    fn three_parts_and_no_more_are_a_token() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"k"}"#);
        let long = format!("{header}.{}.AAAA", "A".repeat(LONGEST));
        let texts = [
            "".to_owned(),
            "..".to_owned(),
            "a.b.c".to_owned(),
            format!("{header}.e30"),
            format!("{header}.e30.AAAA.AAAA"),
            format!("{header}.e30=.AAAA"),
            format!("{header}.W10.AAAA"),
            format!("{header}.e30.A+A/"),
            long,
        ];
        for text in texts {
            assert!(matches!(Token::parse(&text), Err(Refused::Form(_))), "{text:.60}");
        }
        assert!(Token::parse(&format!("{header}.e30.")).is_ok());
    }
}
