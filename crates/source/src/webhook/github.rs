//! GitHub's webhooks: the body is signed, the id of the delivery is not.
//!
//! So a delivery is remembered by its signature too: whoever plays one again can change the id, but not the body.

use serde::Deserialize;

use super::{At, Delivery, Look, Proven, Refused, not_json, signed};
use crate::refs::RefName;
use crate::secret::Secret;

const EVENT: &str = "X-GitHub-Event";
const ID: &str = "X-GitHub-Delivery";
const SIGNATURE: &str = "X-Hub-Signature-256";

pub(super) fn prove<'a>(delivery: Delivery<'a>, secrets: &[Secret]) -> Result<Proven<'a>, Refused> {
    let written = delivery
        .header(SIGNATURE)
        .ok_or(Refused::Header { header: SIGNATURE })?;
    let sum = written
        .strip_prefix("sha256=")
        .and_then(bytes)
        .ok_or(Refused::Forged)?;
    if !signed::is_signed(&signed::plain(secrets), &[delivery.body], &sum) {
        return Err(Refused::Forged);
    }
    Ok(Proven {
        ids: vec![delivery.id(ID)?, written],
    })
}

pub(super) fn read(delivery: Delivery<'_>) -> Result<Look, Refused> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default, rename = "ref")]
        reference: Option<String>,
        #[serde(default)]
        number: Option<u64>,
        #[serde(default)]
        repository: Option<Repository>,
    }
    #[derive(Deserialize)]
    struct Repository {
        clone_url: String,
        #[serde(default)]
        ssh_url: Option<String>,
    }
    let event = delivery.header(EVENT).ok_or(Refused::Header { header: EVENT })?;
    let body: Body = serde_json::from_slice(delivery.body).map_err(not_json)?;
    let repository = match body.repository {
        Some(repository) => [Some(repository.clone_url), repository.ssh_url]
            .into_iter()
            .flatten()
            .collect(),
        // A webhook of an organisation tries whether it gets through without naming a repository.
        None if event == "ping" => Vec::new(),
        None => {
            return Err(Refused::Body {
                problem: "names no repository",
            });
        }
    };
    let reference = body.reference.and_then(|name| RefName::parse(&name).ok());
    let at = match event {
        "ping" => At::Nothing,
        "push" => reference.map_or(At::Everything, At::Reference),
        "pull_request" => body.number.map_or(At::Everything, At::Proposal),
        _ => At::Everything,
    };
    Ok(Look { repository, at })
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| match *pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}
