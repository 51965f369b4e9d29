//! Where a store is, and what is needed to get there, as data: whoever calls reads the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::error::Error;

/// A folder, or a part of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Folder(PathBuf),
    Bucket {
        bucket: String,
        /// Without `/` at either end; empty for the whole bucket.
        prefix: String,
    },
}

/// How to reach AWS, or something that speaks like it.
///
/// Without a key or a role it is what the machine says it is: the role of an instance.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings {
    pub region: Option<String>,
    /// For everything; an endpoint of S3 or SQS alone comes before it.
    pub endpoint: Option<String>,
    pub s3_endpoint: Option<String>,
    pub sqs_endpoint: Option<String>,
    /// The way out, for addresses that begin with `https`.
    pub proxy: Option<String>,
    /// Hosts that are reached without it, with commas between them.
    pub no_proxy: String,
    /// What the credentials are made from, by the names of the variables that AWS gave them.
    pub identity: BTreeMap<&'static str, String>,
}

/// What credentials can be made from: keys, a token of Kubernetes (IRSA), or the agent of a container (ECS, EKS Pod
/// Identity).
const IDENTITY: [&str; 10] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ENDPOINT_URL_STS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

impl Place {
    /// Reads `s3://BUCKET/PREFIX`, `file:///FOLDER` or a path.
    ///
    /// # Errors
    /// Another scheme, or no bucket.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |problem| Error::Place {
            text: text.to_owned(),
            problem,
        };
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let prefix = prefix.trim_matches('/');
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            if bucket.is_empty() || !bucket.bytes().all(allowed) {
                return Err(refuse("has no name of a bucket"));
            }
            let segment =
                |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(allowed);
            if !prefix.is_empty() && !prefix.split('/').all(segment) {
                return Err(refuse(
                    "has a prefix with more than letters, digits, `.`, `-`, `_` and single `/`",
                ));
            }
            return Ok(Self::Bucket {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            });
        }
        let path = text.strip_prefix("file://").unwrap_or(text);
        if path.contains("://") {
            return Err(refuse("is neither a folder nor `s3://`"));
        }
        if path.is_empty() {
            return Err(refuse("names no folder"));
        }
        Ok(Self::Folder(PathBuf::from(path)))
    }

    /// The place of an object, as an `Artifact` names it.
    pub fn location(&self, key: &str) -> String {
        match self {
            Self::Folder(path) => format!("file://{}/{key}", path.display()),
            Self::Bucket { bucket, .. } => format!("s3://{bucket}/{}", self.key(key)),
        }
    }

    /// The whole key of an object of a bucket.
    pub(crate) fn key(&self, key: &str) -> String {
        match self {
            Self::Bucket { prefix, .. } if !prefix.is_empty() => format!("{prefix}/{key}"),
            _ => key.to_owned(),
        }
    }

    /// The key below the prefix, if it is there.
    pub(crate) fn below<'a>(&self, key: &'a str) -> Option<&'a str> {
        match self {
            Self::Bucket { prefix, .. } if !prefix.is_empty() => {
                key.strip_prefix(prefix.as_str())?.strip_prefix('/')
            }
            _ => Some(key),
        }
    }
}

impl Settings {
    /// What the variables of AWS say; one that is empty is not set.
    pub fn found(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| variable(name).filter(|value| !value.is_empty());
        Self {
            region: text("AWS_REGION").or_else(|| text("AWS_DEFAULT_REGION")),
            endpoint: text("AWS_ENDPOINT_URL"),
            s3_endpoint: text("AWS_ENDPOINT_URL_S3"),
            sqs_endpoint: text("AWS_ENDPOINT_URL_SQS"),
            proxy: text("HTTPS_PROXY").or_else(|| text("https_proxy")),
            no_proxy: text("NO_PROXY").or_else(|| text("no_proxy")).unwrap_or_default(),
            identity: IDENTITY
                .into_iter()
                .filter_map(|name| Some((name, text(name)?)))
                .collect(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// Secrets are not shown.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .field("identity", &self.identity.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use model::Diagnose as _;

    use super::*;

    fn check(text: &str, expected: &str) {
        let said = match Place::parse(text) {
            Ok(place) => format!("{place} {}", place.location("index.yaml")),
            Err(error) => {
                assert_eq!(error.code().id, "SW0701");
                error.to_string()
            }
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn a_store_is_a_folder_or_a_part_of_a_bucket() {
        check("s3://b", "s3://b s3://b/index.yaml");
        check("s3://b/x/y/", "s3://b/x/y s3://b/x/y/index.yaml");
        check("/srv/charts", "/srv/charts file:///srv/charts/index.yaml");
        check("file:///srv", "/srv file:///srv/index.yaml");
        check("s3:///x", "the store \"s3:///x\" has no name of a bucket");
        check(
            "s3://b/../x",
            "the store \"s3://b/../x\" has a prefix with more than letters, digits, `.`, `-`, `_` and single `/`",
        );
        check("gs://b", "the store \"gs://b\" is neither a folder nor `s3://`");
        check("", "the store \"\" names no folder");
    }

    #[test]
    fn keys_outside_the_prefix_are_of_others() {
        let place = Place::parse("s3://b/x").expect("a place");
        assert_eq!(place.below("x/charts/a"), Some("charts/a"));
        assert_eq!(place.below("xy/charts/a"), None);
        assert_eq!(Place::parse("s3://b").expect("a place").below("a"), Some("a"));
    }

    #[test]
    fn variables_are_found_and_secrets_not_shown() {
        let settings = Settings::found(|name| match name {
            "AWS_DEFAULT_REGION" => Some("eu-1".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("hush".to_owned()),
            "AWS_ENDPOINT_URL" => Some(String::new()),
            _ => None,
        });
        assert_eq!(settings.region.as_deref(), Some("eu-1"));
        assert_eq!(settings.endpoint, None);
        assert!(!format!("{settings:?}").contains("hush"));
    }
}
