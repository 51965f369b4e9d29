//! What an object is called in the store: its resource, and its namespace and name as one path.
//!
//! The path is `namespace/name`, or `name` for what is in no namespace, and objects are kept in the order of its
//! bytes: that is the order in which a real API server lists them, where the namespace `a-b` comes before `a`
//! because `-` sorts before `/`.

use std::fmt;
use std::sync::Arc;

use super::error::Error;

/// The longest part of a key, in bytes. Kubernetes allows 253 for a name and for a group; twice that leaves room
/// for kinds with freer names without letting a key become a payload.
const MAX_PART_BYTES: usize = 512;

/// A kind of objects as it is stored: `plural` for the core group, `group/plural` for any other. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resource(Arc<str>);

/// The full name of an object. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    resource: Resource,
    path: Arc<str>,
}

impl Resource {
    /// Names a resource; the core group is the empty one.
    ///
    /// Errors: [`Error::InvalidKey`] for a part that is too long or has a slash or a control character.
    pub fn new(group: &str, plural: &str) -> Result<Self, Error> {
        check("resource", plural)?;
        if group.is_empty() {
            return Ok(Self(Arc::from(plural)));
        }
        check("group", group)?;
        Ok(Self(Arc::from(format!("{group}/{plural}"))))
    }

    /// `plural` or `group/plural`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes what [`Resource::as_str`] gave; for reading back from the disk.
    pub(super) fn from_stored(text: &str) -> Result<Self, Error> {
        match text.split_once('/') {
            Some((group, plural)) => Self::new(group, plural),
            None => Self::new("", text),
        }
    }
}

impl Key {
    /// Names an object; `namespace` is `None` for what lives in no namespace.
    ///
    /// Errors: [`Error::InvalidKey`] for a part that is empty, too long, or has a slash or a control character.
    /// It does not check Kubernetes' own rules for names, which differ by kind.
    pub fn new(resource: &Resource, namespace: Option<&str>, name: &str) -> Result<Self, Error> {
        check("name", name)?;
        let path = match namespace {
            Some(namespace) => {
                check("namespace", namespace)?;
                Arc::from(format!("{namespace}/{name}"))
            }
            None => Arc::from(name),
        };
        Ok(Self {
            resource: resource.clone(),
            path,
        })
    }

    /// The kind of the object.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The namespace, if the object is in one.
    pub fn namespace(&self) -> Option<&str> {
        self.path.split_once('/').map(|(namespace, _)| namespace)
    }

    /// The name inside the namespace.
    pub fn name(&self) -> &str {
        self.path.split_once('/').map_or(&*self.path, |(_, name)| name)
    }

    pub(super) fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// Takes what [`Key::path`] gave; for reading back from the disk.
    pub(super) fn from_stored(resource: &Resource, path: &str) -> Result<Self, Error> {
        match path.split_once('/') {
            Some((namespace, name)) => Self::new(resource, Some(namespace), name),
            None => Self::new(resource, None, path),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.resource, self.path)
    }
}

fn check(part: &'static str, text: &str) -> Result<(), Error> {
    let cure = if text.is_empty() {
        "is empty"
    } else if text.len() > MAX_PART_BYTES {
        "is longer than 512 bytes"
    } else if text.bytes().any(|byte| byte == b'/' || byte < b' ') {
        "has a slash or a control character"
    } else {
        return Ok(());
    };
    Err(Error::InvalidKey { part, problem: cure })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_back_its_parts() {
        let pods = Resource::new("", "pods").unwrap();
        let key = Key::new(&pods, Some("shop"), "web").unwrap();
        assert_eq!((key.namespace(), key.name()), (Some("shop"), "web"));
        let nodes = Resource::new("", "nodes").unwrap();
        let key = Key::new(&nodes, None, "n1").unwrap();
        assert_eq!((key.namespace(), key.name()), (None, "n1"));
        assert_eq!(
            Resource::new("apps", "deployments").unwrap().as_str(),
            "apps/deployments"
        );
    }

    #[test]
    fn parts_that_would_blur_the_path_are_refused() {
        let pods = Resource::new("", "pods").unwrap();
        for name in ["", "a/b", "a\0", "a\nb", &"x".repeat(513)] {
            assert!(Key::new(&pods, Some("ns"), name).is_err(), "{name:?}");
            assert!(Key::new(&pods, Some(name), "n").is_err(), "{name:?}");
        }
        assert!(Resource::new("a/b", "c").is_err());
        assert!(Resource::new("", "").is_err());
    }
}
