//! A kind as a cluster serves it, and the paths of its objects.

use std::fmt::Write as _;

use objects::{Key, Kind};

/// A kind in one version, as a cluster serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub kind: Kind,
    /// `v1`, without the group.
    pub version: String,
    /// The name in paths, as `deployments`.
    pub plural: String,
    pub namespaced: bool,
    /// What can be done with it, as `get`, `patch`.
    pub verbs: Vec<String>,
    /// As `status`, `scale`.
    pub subresources: Vec<String>,
}

/// One object, or one of its subresources, in a cluster. Made by [`Resource::at`].
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    pub resource: &'a Resource,
    /// Empty for kinds without.
    pub namespace: &'a str,
    pub name: &'a str,
    /// Empty for the object itself.
    pub subresource: &'a str,
}

impl Resource {
    /// `apps/v1`, or `v1` for the core group.
    #[must_use]
    pub fn api_version(&self) -> String {
        match self.kind.group.as_ref() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// An object of the kind. The namespace is not looked at where the kind has none.
    #[must_use]
    pub fn at<'a>(&'a self, namespace: &'a str, name: &'a str) -> At<'a> {
        At {
            resource: self,
            namespace: if self.namespaced { namespace } else { "" },
            name,
            subresource: "",
        }
    }

    #[must_use]
    pub fn has_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    /// The path of all objects, in one namespace or in all.
    pub(crate) fn path(&self, namespace: &str) -> String {
        let mut path = match self.kind.group.as_ref() {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        };
        if self.namespaced && !namespace.is_empty() {
            path.push_str("/namespaces/");
            escape(&mut path, namespace);
        }
        path.push('/');
        path.push_str(&self.plural);
        path
    }

    /// What is meant by all objects, for people.
    pub(crate) fn all(&self, namespace: &str) -> String {
        match namespace {
            "" => format!("{} objects", self.kind),
            namespace => format!("{} objects in {namespace}", self.kind),
        }
    }
}

impl<'a> At<'a> {
    /// A subresource of the object, as `status`.
    #[must_use]
    pub fn subresource(self, subresource: &'a str) -> Self {
        Self { subresource, ..self }
    }

    #[must_use]
    pub fn key(&self) -> Key {
        Key::new(self.resource.kind.clone(), self.namespace, self.name)
    }

    pub(crate) fn path(&self) -> String {
        let mut path = self.resource.path(self.namespace);
        path.push('/');
        escape(&mut path, self.name);
        if !self.subresource.is_empty() {
            path.push('/');
            path.push_str(self.subresource);
        }
        path
    }

    /// What is meant, for people.
    pub(crate) fn what(&self) -> String {
        match self.subresource {
            // To be created; its name is in the object.
            "" if self.name.is_empty() && self.namespace.is_empty() => self.resource.kind.name.to_string(),
            "" if self.name.is_empty() => format!("{} in {}", self.resource.kind.name, self.namespace),
            "" => self.key().to_string(),
            subresource => format!("{subresource} of {}", self.key()),
        }
    }
}

/// Adds a text to a path or query, every byte escaped that means something there.
pub(crate) fn escape(path: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                path.push(char::from(byte));
            }
            // Writing to a String does not fail.
            _ => drop(write!(path, "%{byte:02X}")),
        }
    }
}

/// A path with a query of the pairs whose value is not empty.
pub(crate) fn with_query(mut path: String, pairs: &[(&str, &str)]) -> String {
    let mut separator = '?';
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        path.push(separator);
        path.push_str(name);
        path.push('=');
        escape(&mut path, value);
        separator = '&';
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(group: &str, namespaced: bool) -> Resource {
        Resource {
            kind: Kind::new(group, "Thing"),
            version: "v1".to_owned(),
            plural: "things".to_owned(),
            namespaced,
            verbs: Vec::new(),
            subresources: Vec::new(),
        }
    }

    #[test]
    fn paths_are_those_of_the_api() {
        let (core, group, wide) = (resource("", true), resource("a.b", true), resource("a.b", false));
        assert_eq!(core.path(""), "/api/v1/things");
        assert_eq!(group.at("n", "x").path(), "/apis/a.b/v1/namespaces/n/things/x");
        assert_eq!(
            wide.at("n", "x").subresource("status").path(),
            "/apis/a.b/v1/things/x/status"
        );
        assert_eq!(
            wide.at("n", "x").subresource("status").what(),
            "status of Thing.a.b x"
        );
    }

    #[test]
    fn a_name_never_leaves_its_place_in_a_path() {
        let wide = resource("", false);
        assert_eq!(
            wide.at("", "../a?b=c#d").path(),
            "/api/v1/things/..%2Fa%3Fb%3Dc%23d"
        );
        let path = with_query("/p".to_owned(), &[("a", ""), ("b", "x=y,z"), ("c", "1")]);
        assert_eq!(path, "/p?b=x%3Dy%2Cz&c=1");
    }
}
