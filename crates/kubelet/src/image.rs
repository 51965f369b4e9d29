//! References to images: what a node makes of `nginx`, and which texts are no reference.

use sha2::{Digest as _, Sha256};

/// The full reference of an image, with its registry, and its tag where it has no digest; `None` for what is no
/// reference.
#[must_use]
pub(crate) fn full(image: &str) -> Option<String> {
    let (rest, digest) = match image.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (image, None),
    };
    // A colon behind the last slash begins a tag; one before it a port.
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (rest, None),
    };
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path.to_owned()),
        Some(_) => ("docker.io", name.to_owned()),
        None => ("docker.io", format!("library/{name}")),
    };
    let fits = path.split('/').all(is_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest)
        && !host.is_empty();
    fits.then(|| match (tag, digest) {
        (_, Some(digest)) => format!("{host}/{path}@{digest}"),
        (tag, None) => format!("{host}/{path}:{}", tag.unwrap_or("latest")),
    })
}

/// The id of a pulled image, from its full reference: its name and a digest that is always the same for it.
#[must_use]
pub(crate) fn id(full: &str) -> String {
    if full.contains('@') {
        return full.to_owned();
    }
    let name = full.rsplit_once(':').map_or(full, |(name, _)| name);
    format!("{name}@sha256:{}", hex(full))
}

/// How large a simulated image is, in bytes: between 2 and 130 MB, always the same for it.
#[must_use]
pub(crate) fn size(full: &str) -> u64 {
    2_000_000 + number(full) % 128_000_000
}

/// 64 hexadecimal digits that a text stands for.
#[must_use]
pub(crate) fn hex(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| DIGITS[usize::from(nibble)] as char)
        .collect()
}

/// A number that a text stands for, spread evenly.
#[must_use]
pub(crate) fn number(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn is_component(part: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    edge(part.chars().next())
        && edge(part.chars().next_back())
        && part
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-'))
}

fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    digest
        .strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_completed_as_a_runtime_does() {
        for (image, expected) in [
            ("nginx", Some("docker.io/library/nginx:latest")),
            ("busybox:1.36", Some("docker.io/library/busybox:1.36")),
            ("shop/api:v2", Some("docker.io/shop/api:v2")),
            ("ghcr.io/shop/api", Some("ghcr.io/shop/api:latest")),
            ("localhost:5000/api:1", Some("localhost:5000/api:1")),
            ("Nginx", None),
            ("nginx:", None),
            ("nginx:a b", None),
            ("nginx@sha256:12", None),
            ("", None),
        ] {
            assert_eq!(full(image).as_deref(), expected, "{image}");
        }
    }

    #[test]
    fn an_image_has_one_id_and_size() {
        let full = "docker.io/library/nginx:latest";
        assert_eq!(id(full), id(full));
        assert!(
            id(full).starts_with("docker.io/library/nginx@sha256:"),
            "{}",
            id(full)
        );
        assert_eq!(size(full), size(full));
    }
}
