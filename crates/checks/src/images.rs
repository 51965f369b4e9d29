//! Images: that their names can be read, and by what they are fixed.

use manifest::Severity;
use objects::meta;

use crate::check::{Check, Theme};
use crate::context::ImagePolicy;
use crate::findings::Findings;
use crate::view::View;

pub(crate) static THEME: Theme = Theme {
    title: "Images",
    checks: &[&NOT_A_NAME, &LATEST, &NO_DIGEST],
    look,
};

static NOT_A_NAME: Check = Check {
    id: "image-name",
    title: "An image whose name can't be read",
    severity: Severity::Error,
    softer: "",
    cure: "write REPOSITORY:TAG; look whether a value of the name is empty",
    why: "The API server refuses a container without an image, and the kubelet never pulls what it can't read \
          (InvalidImageName).",
};

static LATEST: Check = Check {
    id: "image-latest",
    title: "An image without a fixed tag",
    severity: Severity::Warning,
    softer: "",
    cure: "give the tag of a version, or a digest",
    why: "What runs depends on when each node pulled it: pods of one release differ, and a rollback brings nothing back.",
};

static NO_DIGEST: Check = Check {
    id: "image-no-digest",
    title: "An image without a digest",
    severity: Severity::Error,
    softer: "",
    cure: "add @sha256:… to the image",
    why: "A tag can be moved to other content. Told only where the policy asks for digests.",
};

fn look(view: &View<'_>, found: &mut Findings) {
    for pods in view.pods.iter().filter(|pods| pods.built_in) {
        for container in pods.containers() {
            // Istio fills this one in.
            let image = meta::text(container.value, "image");
            if image == "auto" && pods.is_injected() {
                continue;
            }
            let at = format!("{}/image", container.at);
            if let Some(why) = wrong(image) {
                found.add(&NOT_A_NAME, (pods.item, &at), format!("{image:?} {why}"));
                continue;
            }
            let policy = view.context.images;
            let has_digest = image.contains('@');
            if policy == ImagePolicy::Digest && !has_digest {
                found.add(&NO_DIGEST, (pods.item, &at), format!("{image} has no digest"));
            } else if policy != ImagePolicy::Anything && !has_digest {
                let message = match tag(image) {
                    None => format!("{image} has no tag, which is latest"),
                    Some("latest") => format!("{image} is whatever is latest"),
                    Some(_) => continue,
                };
                found.add(&LATEST, (pods.item, &at), message);
            }
        }
    }
}

/// The tag: after the last colon that is not before a slash, where a registry has its port.
fn tag(image: &str) -> Option<&str> {
    let (_, tag) = image.rsplit_once(':')?;
    (!tag.contains('/')).then_some(tag)
}

/// Whether the first part of a name is where it is pulled from.
fn is_registry(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost" || first.contains(|c: char| c.is_ascii_uppercase())
}

/// Why an image's name can't be read, by the grammar of references.
fn wrong(image: &str) -> Option<&'static str> {
    if image.is_empty() {
        return Some("is no name");
    }
    if image.contains(char::is_whitespace) {
        return Some("has white space in it");
    }
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let is_hex = |hex: &str| hex.len() >= 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digest.is_some_and(|digest| !digest.split_once(':').is_some_and(|(_, hex)| is_hex(hex))) {
        return Some("has a digest that is none");
    }
    let tag = tag(name);
    let name = match tag {
        Some(tag) => &name[..name.len() - tag.len() - 1],
        None => name,
    };
    if tag == Some("") {
        return Some("ends with a colon and no tag");
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if tag.is_some_and(|tag| tag.len() > 128 || !tag.chars().all(is_word) || tag.starts_with(['-', '.'])) {
        return Some("has a tag that is none");
    }
    if name.is_empty() {
        return Some("has no repository");
    }
    if name.split('/').any(str::is_empty) {
        return Some("has an empty part between its slashes");
    }
    // The first part may be a registry, with capitals and a port.
    let path = match name.split_once('/') {
        Some((first, rest)) if is_registry(first) => rest,
        _ => name,
    };
    let is_part =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '/');
    (!path.chars().all(is_part)).then_some("has other characters than lower case letters, digits and '-_./'")
}
