//! GitLab's webhooks: a token in a header, or a signature where the webhook has a signing token (`whsec_…`).
//!
//! With a signing token the plain one is not taken, or a delivery could be made to need less proof.

use serde::Deserialize;

use super::{At, Delivery, Look, Proven, Refused, not_json, signed};
use crate::refs::RefName;
use crate::secret::Secret;
use jiff::Timestamp;

const TOKEN: &str = "X-Gitlab-Token";

/// What a delivery is told apart by: the first stays the same when GitLab tries again, the second is of older ones.
const KEY: &str = "Idempotency-Key";
const UUID: &str = "X-Gitlab-Event-UUID";

/// Any key will do: it only makes both sides of a comparison equally long.
const BLIND: &[u8] = b"compared in constant time";

pub(super) fn prove<'a>(
    delivery: Delivery<'a>,
    secrets: &[Secret],
    now: Timestamp,
) -> Result<Proven<'a>, Refused> {
    let (signing, plain): (Vec<Secret>, Vec<Secret>) = secrets
        .iter()
        .cloned()
        .partition(|secret| secret.expose().starts_with(signed::PREFIX));
    if !signing.is_empty() && (plain.is_empty() || delivery.header("webhook-signature").is_some()) {
        return signed::prove(delivery, &signing, now);
    }
    let token = delivery.header(TOKEN).ok_or(Refused::Header { header: TOKEN })?;
    let blinded = |text: &str| {
        use hmac::{KeyInit as _, Mac as _};
        let mut mac =
            hmac::Hmac::<sha2::Sha256>::new_from_slice(BLIND).expect("HMAC takes keys of any length");
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let fits = |secret: &Secret| {
        signed::is_signed(&[BLIND.to_vec()], &[token.as_bytes()], &blinded(secret.expose()))
    };
    if !plain.iter().fold(false, |known, secret| fits(secret) | known) {
        return Err(Refused::Forged);
    }
    let id = delivery.id(KEY).or_else(|_| delivery.id(UUID))?;
    Ok(Proven { ids: vec![id] })
}

pub(super) fn read(body: &[u8]) -> Result<Look, Refused> {
    #[derive(Deserialize)]
    struct Body {
        object_kind: String,
        #[serde(default, rename = "ref")]
        reference: Option<String>,
        project: Project,
        #[serde(default)]
        object_attributes: Option<Attributes>,
    }
    #[derive(Deserialize)]
    struct Project {
        git_http_url: String,
        #[serde(default)]
        git_ssh_url: Option<String>,
    }
    #[derive(Deserialize)]
    struct Attributes {
        #[serde(default)]
        iid: Option<u64>,
    }
    let body: Body = serde_json::from_slice(body).map_err(not_json)?;
    let reference = body.reference.and_then(|name| RefName::parse(&name).ok());
    let number = body.object_attributes.and_then(|attributes| attributes.iid);
    let at = match body.object_kind.as_str() {
        "push" | "tag_push" => reference.map_or(At::Everything, At::Reference),
        "merge_request" => number.map_or(At::Everything, At::Proposal),
        _ => At::Everything,
    };
    let addresses = [Some(body.project.git_http_url), body.project.git_ssh_url];
    Ok(Look {
        repository: addresses.into_iter().flatten().collect(),
        at,
    })
}
