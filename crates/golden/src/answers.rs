//! What is asked before a service is made, and which answers make a service that works.
//!
//! The schema of the made chart has the same rules, because values change later; here they are told before there is a
//! file.

use model::{ApplicationName, TenantName};

use crate::error::Error;

/// Stands in until there is an image: it answers on port 8080, needs no root, and can be pulled by everybody.
pub(crate) const STAND_IN: &str = "docker.io/nginxinc/nginx-unprivileged:1.29-alpine";

const PORT: u16 = 8080;

/// The limit of DNS for a whole name.
const HOST_MAX: usize = 253;

/// The limit of DNS for one part of a name.
const LABEL_MAX: usize = 63;

/// What a service is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    pub name: ApplicationName,
    pub tenant: TenantName,
    pub image: String,
    pub port: u16,
    /// The names under which it is served in production.
    pub hosts: Vec<String>,
    /// Its folder in the repository, with `/`.
    pub path: String,
}

impl Answers {
    /// A service that has to be told nothing more, because every other answer has a default.
    pub fn new(name: ApplicationName, tenant: TenantName) -> Self {
        Self {
            path: name.to_string(),
            name,
            tenant,
            image: STAND_IN.to_owned(),
            port: PORT,
            hosts: Vec::new(),
        }
    }

    /// Checks what the types of the answers don't say.
    ///
    /// # Errors
    /// The first answer that would make a service that can't be installed.
    pub fn check(&self) -> Result<(), Error> {
        let Self {
            name,
            tenant: _,
            image,
            port,
            hosts,
            path,
        } = self;
        if !name
            .as_str()
            .starts_with(|first: char| first.is_ascii_lowercase())
        {
            return refuse(
                "the name",
                name.as_str(),
                "does not begin with a letter",
                "a Service has the same name, and Kubernetes wants a letter there",
            );
        }
        if let Some(problem) = image_problem(image) {
            return refuse(
                "the image",
                image,
                problem,
                "write it as in `registry.example.com/payments/api:1.4.2`",
            );
        }
        if *port == 0 {
            return refuse(
                "the port",
                "0",
                "is none",
                "name the port that the container listens on, from 1 to 65535",
            );
        }
        if !is_inside(path) {
            return refuse(
                "the folder",
                path,
                "is not one below the repository",
                "write it from the top of the repository, as in `services/api`",
            );
        }
        for (at, host) in hosts.iter().enumerate() {
            let cure = "write it as in `pay.example.com`, or `*.pay.example.com` for every name below";
            if let Some(problem) = host_problem(host) {
                return refuse("the host", host, problem, cure);
            }
            if hosts[..at].contains(host) {
                return refuse("the host", host, "is named twice", "name it once");
            }
        }
        Ok(())
    }
}

/// Whether a path stays in the folder it is taken from.
pub(crate) fn is_inside(path: &str) -> bool {
    !path.contains('\\')
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

fn refuse(what: &'static str, given: &str, problem: &'static str, cure: &'static str) -> Result<(), Error> {
    Err(Error::Answer {
        what,
        given: given.to_owned(),
        problem,
        cure,
    })
}

/// What keeps an image from meaning the same thing tomorrow, or from being one at all.
fn image_problem(image: &str) -> Option<&'static str> {
    let (rest, digest) = match image.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (image, None),
    };
    // A colon before a slash is the registry's port.
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (rest, None),
    };
    let is_tag = |tag: &str| {
        tag.len() <= 128
            && tag.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
            && tag
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    let is_name = |name: &str| {
        let (registry, path) = name.split_once('/').unwrap_or(("localhost", name));
        let (host, port) = registry.split_once(':').unwrap_or((registry, "0"));
        let plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte))
                && !text.contains("//")
                && !text.ends_with('/')
        };
        plain(host)
            && plain(path)
            && !host.is_empty()
            && !path.is_empty()
            && !path.starts_with('/')
            && !port.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_name(name) {
        return Some("is not the name of an image");
    }
    match (tag, digest) {
        (Some("latest"), None) => Some("is another one every day"),
        (None, None) => Some("has no tag"),
        (Some(tag), _) if !is_tag(tag) => Some("has a tag with characters that tags don't have"),
        (_, Some(digest)) if digest.parse::<model::Digest>().is_err() => Some("has a digest that is none"),
        _ => None,
    }
}

fn host_problem(host: &str) -> Option<&'static str> {
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= LABEL_MAX
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.len() > HOST_MAX {
        Some("is longer than 253 characters")
    } else if !name.split('.').all(is_label) {
        Some("is not the name of a host in lower case")
    } else if !name.contains('.') {
        Some("has no domain")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a service with this changed.
    fn said(change: impl FnOnce(&mut Answers)) -> String {
        let name = "api".parse().expect("a name");
        let mut answers = Answers::new(name, "payments".parse().expect("a name"));
        change(&mut answers);
        answers
            .check()
            .map_or_else(|error| error.to_string(), |()| "ok".to_owned())
    }

    #[test]
    fn defaults_make_a_service() {
        assert_eq!(said(|_| ()), "ok");
    }

    #[test]
    fn names_begin_with_a_letter() {
        let change = |answers: &mut Answers| answers.name = "7up".parse().expect("a name");
        assert_eq!(said(change), "the name \"7up\" does not begin with a letter");
    }

    #[test]
    fn images_have_a_tag_or_a_digest() {
        let digest = format!("@sha256:{}", "0".repeat(64));
        for (image, expected) in [
            ("api:1", "ok"),
            ("localhost:5000/api:1.2.3_x", "ok"),
            ("registry.example.com/payments/api:1", "ok"),
            (&format!("api{digest}"), "ok"),
            (&format!("api:1{digest}"), "ok"),
            (&format!("api:latest{digest}"), "ok"),
            ("api", "has no tag"),
            ("localhost:5000/api", "has no tag"),
            ("api:latest", "is another one every day"),
            ("", "is not the name of an image"),
            ("a b:1", "is not the name of an image"),
            ("/api:1", "is not the name of an image"),
            ("a//b:1", "is not the name of an image"),
            ("api:1\n", "has a tag with characters that tags don't have"),
            ("api:", "has a tag with characters that tags don't have"),
            ("api@sha256:1", "has a digest that is none"),
        ] {
            let said = said(|answers| answers.image = image.to_owned());
            assert!(said.ends_with(expected), "{image:?}: {said}");
        }
    }

    #[test]
    fn hosts_are_names_with_a_domain() {
        for (hosts, expected) in [
            (&["pay.example.com", "*.pay.example.com"][..], "ok"),
            (&["Pay.example.com"], "is not the name of a host in lower case"),
            (&["pay..com"], "is not the name of a host in lower case"),
            (
                &["https://pay.example.com"],
                "is not the name of a host in lower case",
            ),
            (&["pay"], "has no domain"),
            (&["*.com"], "has no domain"),
            (&["a.b", "a.b"], "is named twice"),
        ] {
            let said = said(|answers| answers.hosts = hosts.iter().map(|host| (*host).to_owned()).collect());
            assert!(said.ends_with(expected), "{hosts:?}: {said}");
        }
    }

    #[test]
    fn folders_are_below_the_repository() {
        for (path, expected) in [
            ("services/api", "ok"),
            ("", "is not one below the repository"),
            ("/api", "is not one below the repository"),
            ("../api", "is not one below the repository"),
        ] {
            let said = said(|answers| answers.path = path.to_owned());
            assert!(said.ends_with(expected), "{path:?}: {said}");
        }
    }

    #[test]
    fn port_zero_is_none() {
        assert_eq!(said(|answers| answers.port = 0), "the port \"0\" is none");
    }
}
