//! A request's path, read: `/apis/apps/v1/namespaces/web/deployments/api/scale` and its relatives.
//!
//! Pure. What the parts mean (does the resource exist, may it be namespaced) is decided by whoever knows the
//! resources.

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `/api`, `/apis`
    Groups {
        core: bool,
    },
    /// `/apis/G`
    Group(String),
    /// `/api/v1`, `/apis/G/V`
    Version {
        group: String,
        version: String,
    },
    Resource(Target),
    /// Everything outside of `/api` and `/apis`.
    Other(String),
}

/// The parts of a resource's path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    pub group: String,
    pub version: String,
    pub namespace: Option<String>,
    pub plural: String,
    pub name: Option<String>,
    pub subresource: Option<String>,
    /// What follows a subresource, as in `proxy/…`.
    pub rest: String,
}

impl Route {
    /// Reads a path. Percent-encoded parts are decoded one by one, so an encoded slash stays inside its part.
    pub fn parse(path: &str) -> Route {
        let parts: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(percent_decode)
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["api"] => Route::Groups { core: true },
            ["apis"] => Route::Groups { core: false },
            ["api", version] => Route::Version {
                group: String::new(),
                version: (*version).to_owned(),
            },
            ["apis", group] => Route::Group((*group).to_owned()),
            ["apis", group, version] => Route::Version {
                group: (*group).to_owned(),
                version: (*version).to_owned(),
            },
            ["api", version, rest @ ..] => Route::Resource(Target::parse("", version, rest)),
            ["apis", group, version, rest @ ..] => Route::Resource(Target::parse(group, version, rest)),
            _ => Route::Other(path.to_owned()),
        }
    }
}

impl Target {
    /// Whether this is about namespaces themselves, one of which is then in the namespace of its own name.
    pub fn is_namespace(&self) -> bool {
        self.plural == "namespaces"
    }

    fn parse(group: &str, version: &str, parts: &[&str]) -> Target {
        // `namespaces/NAME/status` is a subresource of the namespace, not a resource called `status`.
        let (namespace, parts) = match parts {
            ["namespaces", _, "status" | "finalize"] => (None, parts),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
            _ => (None, parts),
        };
        let owned = |part: &&str| (*part).to_owned();
        Target {
            group: group.to_owned(),
            version: version.to_owned(),
            namespace,
            plural: parts.first().map(owned).unwrap_or_default(),
            name: parts.get(1).map(owned),
            subresource: parts.get(2).map(owned),
            rest: parts.get(3..).unwrap_or_default().join("/"),
        }
    }
}

/// Decodes `%41`; anything that is no escape, and bytes that are no UTF-8, stay as near to the input as possible.
pub fn percent_decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let decoded = escape
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(decoded.unwrap_or(bytes[at]));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read() {
        let check = |path: &str, expected: (Option<&str>, &str, Option<&str>, Option<&str>)| {
            let Route::Resource(target) = Route::parse(path) else {
                panic!("{path} is no resource");
            };
            let got = (
                target.namespace.as_deref(),
                target.plural.as_str(),
                target.name.as_deref(),
                target.subresource.as_deref(),
            );
            assert_eq!(got, expected, "{path}");
        };
        check("/api/v1/pods", (None, "pods", None, None));
        check("/api/v1/namespaces", (None, "namespaces", None, None));
        check("/api/v1/namespaces/a", (None, "namespaces", Some("a"), None));
        check(
            "/api/v1/namespaces/a/status",
            (None, "namespaces", Some("a"), Some("status")),
        );
        check(
            "/api/v1/namespaces/a/pods/p%3Aq/log",
            (Some("a"), "pods", Some("p:q"), Some("log")),
        );
        check("/apis/apps/v1/deployments/", (None, "deployments", None, None));
        assert_eq!(Route::parse("/healthz"), Route::Other("/healthz".to_owned()));
        assert_eq!(percent_decode("%zz%4"), "%zz%4");
    }
}
