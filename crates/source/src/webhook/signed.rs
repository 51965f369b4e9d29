//! Signatures: GitHub's over the body, and those of <https://www.standardwebhooks.com> over id, time and body, which newer
//! GitLab sends too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::Sha256;

use super::{At, Delivery, Look, Proven, Refused, not_json};
use crate::refs::RefName;
use crate::secret::Secret;

/// How far the time of a signature may be from ours, as the specification has it.
pub(super) const TOLERANCE: std::time::Duration = std::time::Duration::from_secs(300);

/// What such a secret begins with; the rest is the key in Base64.
pub(super) const PREFIX: &str = "whsec_";

/// Signatures in one header: a sender signs with the old and the new key while it changes them.
const MOST_SIGNATURES: usize = 8;

const ID: &str = "webhook-id";
const TIME: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

/// Whether one of the secrets gives this sum over the parts. Takes as long whichever byte differs.
pub(super) fn is_signed(secrets: &[Vec<u8>], parts: &[&[u8]], sum: &[u8]) -> bool {
    let fits = |secret: &Vec<u8>| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        parts.iter().for_each(|part| mac.update(part));
        mac.verify_slice(sum).is_ok()
    };
    // Every secret is tried, so that the time does not tell which one it was.
    secrets.iter().fold(false, |known, secret| fits(secret) | known)
}

/// The keys of secrets, as they are written.
pub(super) fn plain(secrets: &[Secret]) -> Vec<Vec<u8>> {
    secrets
        .iter()
        .map(|secret| secret.expose().as_bytes().to_vec())
        .collect()
}

/// Proves a delivery by its id, time and body.
pub(super) fn prove<'a>(
    delivery: Delivery<'a>,
    secrets: &[Secret],
    now: Timestamp,
) -> Result<Proven<'a>, Refused> {
    let id = delivery.id(ID)?;
    let written = delivery.header(TIME).ok_or(Refused::Header { header: TIME })?;
    let seconds: i64 = written.parse().map_err(|_| Refused::Header { header: TIME })?;
    let at = Timestamp::from_second(seconds).map_err(|_| Refused::Header { header: TIME })?;
    let signatures = delivery
        .header(SIGNATURE)
        .ok_or(Refused::Header { header: SIGNATURE })?;
    let key = |secret: &Secret| match secret.expose().strip_prefix(PREFIX) {
        Some(encoded) => BASE64.decode(encoded).ok(),
        None => Some(secret.expose().as_bytes().to_vec()),
    };
    let keys: Vec<Vec<u8>> = secrets
        .iter()
        .filter_map(key)
        .filter(|key| !key.is_empty())
        .collect();
    let parts = [id.as_bytes(), b".", written.as_bytes(), b".", delivery.body];
    let sums = signatures.split(' ').take(MOST_SIGNATURES);
    let sums = sums.filter_map(|each| BASE64.decode(each.strip_prefix("v1,")?).ok());
    if !sums.fold(false, |known, sum| is_signed(&keys, &parts, &sum) | known) {
        return Err(Refused::Forged);
    }
    // Only now: an answer about the time of something forged would be free information.
    let away = now.duration_since(at).abs();
    if away > SignedDuration::try_from(TOLERANCE).expect("five minutes are a duration") {
        return Err(Refused::Stale {
            seconds: away.as_secs().unsigned_abs(),
        });
    }
    Ok(Proven { ids: vec![id] })
}

/// Reads the body of a generic sender.
pub(super) fn read(body: &[u8]) -> Result<Look, Refused> {
    #[derive(Deserialize)]
    struct Body {
        repository: String,
        #[serde(default, rename = "ref")]
        reference: Option<String>,
    }
    let body: Body = serde_json::from_slice(body).map_err(not_json)?;
    let reference = body.reference.map(|name| RefName::parse(&name)).transpose();
    let reference = reference.map_err(|_| Refused::Body {
        problem: "names a ref that can't be one: write refs/heads/main",
    })?;
    Ok(Look {
        repository: vec![body.repository],
        at: reference.map_or(At::Everything, At::Reference),
    })
}
