//! The user of a client certificate: its common name, its organizations as groups, its fingerprint as an extra.
//!
//! Deliberately absent: verification. TLS has checked the chain, the dates and the purpose before anyone asks here,
//! and a parser of whole certificates would be a large dependency for the two names that are read.

use sha2::{Digest, Sha256};

use super::UserInfo;
use super::user::{AUTHENTICATED, CREDENTIAL_ID};

pub(super) const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const EXPLICIT_VERSION: u8 = 0xa0;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const TELETEX_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;

/// 2.5.4.3
pub(super) const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.4.10
pub(super) const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
/// 1.3.6.1.4.1.57683.2: Kubernetes' own attribute for a user's uid.
const USER_UID: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xc2, 0x53, 0x02];

/// The user whom a verified certificate (DER) names; `None` when it has no common name or can't be read.
#[must_use]
pub fn user(certificate: &[u8]) -> Option<UserInfo> {
    let mut user = UserInfo::default();
    for (attribute, value) in Attributes(subject(certificate)?) {
        match attribute {
            COMMON_NAME => user.name = value,
            ORGANIZATION => user.groups.push(value),
            USER_UID => user.uid = value,
            _ => {}
        }
    }
    if user.name.is_empty() {
        return None;
    }
    user.join(AUTHENTICATED);
    let fingerprint = Sha256::digest(certificate);
    let hex: String = fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
    user.extra
        .insert(CREDENTIAL_ID.to_owned(), vec![format!("X509SHA256={hex}")]);
    Some(user)
}

/// The content of the subject's name: the sixth field of the certificate's body, after the optional version, the
/// serial number, the algorithm, the issuer and the dates.
fn subject(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut body, _) = expect(certificate, SEQUENCE)?;
    if body.first() == Some(&EXPLICIT_VERSION) {
        body = element(body)?.2;
    }
    for _ in 0..4 {
        body = element(body)?.2;
    }
    Some(expect(body, SEQUENCE)?.0)
}

/// The attributes of a name. Ends at the first that is not well formed.
pub(super) struct Attributes<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a [u8], String);

    fn next(&mut self) -> Option<Self::Item> {
        let (set, rest) = expect(self.0, SET)?;
        self.0 = rest;
        let (pair, _) = expect(set, SEQUENCE)?;
        let (attribute, value) = expect(pair, OBJECT_ID)?;
        let (tag, value, _) = element(value)?;
        let text = match tag {
            UTF8_STRING | PRINTABLE_STRING | IA5_STRING | TELETEX_STRING => {
                std::str::from_utf8(value).ok()?
            }
            _ => "",
        };
        Some((attribute, text.to_owned()))
    }
}

pub(super) fn expect(input: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(input)?;
    (tag == wanted).then_some((content, rest))
}

/// The tag and content of the first DER element, and what follows it.
pub(super) fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = input.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        // Four bytes of length are 4 GiB, more than any certificate.
        long @ 0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let length = bytes
                .iter()
                .fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = content.len();
        let mut out = vec![tag];
        match u8::try_from(length) {
            Ok(short) if short < 0x80 => out.push(short),
            _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
        }
        out.extend(content);
        out
    }

    fn certificate(attributes: &[(&[u8], u8, &str)]) -> Vec<u8> {
        let named = attributes.iter().map(|(attribute, tag, value)| {
            let pair = der(
                SEQUENCE,
                &[&der(OBJECT_ID, &[attribute]), &der(*tag, &[value.as_bytes()])],
            );
            der(SET, &[&pair])
        });
        let named: Vec<Vec<u8>> = named.collect();
        let named: Vec<&[u8]> = named.iter().map(Vec::as_slice).collect();
        let any = der(SEQUENCE, &[]);
        let version = der(EXPLICIT_VERSION, &[&[2, 1, 2]]);
        let body = der(
            SEQUENCE,
            &[
                &version,
                &[2, 1, 7],
                &any,
                &any,
                &any,
                &der(SEQUENCE, &named),
                &any,
            ],
        );
        der(SEQUENCE, &[&body, &any, &[3, 1, 0]])
    }

    #[test]
    fn the_common_name_is_the_user_and_organizations_are_groups() {
        let der = certificate(&[
            (ORGANIZATION, PRINTABLE_STRING, "devs"),
            (ORGANIZATION, UTF8_STRING, &"ops".repeat(90)),
            (COMMON_NAME, UTF8_STRING, "alice"),
            (USER_UID, UTF8_STRING, "7"),
        ]);
        let user = user(&der).unwrap();
        assert_eq!((user.name.as_str(), user.uid.as_str()), ("alice", "7"));
        assert_eq!(user.groups, ["devs", &"ops".repeat(90), "system:authenticated"]);
        let id = &user.extra[CREDENTIAL_ID][0];
        assert!(id.starts_with("X509SHA256=") && id.len() == 11 + 64, "{id}");
    }

    #[test]
    fn a_certificate_cut_short_or_without_a_name_is_nobody() {
        let der = certificate(&[(COMMON_NAME, UTF8_STRING, "alice")]);
        for length in 0..der.len() {
            assert_eq!(user(&der[..length]), None, "{length}");
        }
        assert_eq!(user(&certificate(&[(ORGANIZATION, UTF8_STRING, "devs")])), None);
        assert_eq!(user(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
