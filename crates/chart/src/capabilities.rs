//! What the target cluster can do: its version and its API versions, as data.
//!
//! The objects templates see are made elsewhere; the defaults are those of Helm 4.1.4.

use crate::error::Error;
use crate::semver::{Constraint, Version};

/// The Kubernetes version Helm 4.1.4 assumes when nobody says one.
pub const DEFAULT_KUBE_VERSION: &str = "v1.35.0";

/// `.Capabilities.HelmVersion`, which charts test to know which Helm renders them.
pub const HELM_VERSION: HelmVersion = HelmVersion {
    version: "v4.1.4",
    git_commit: "05fa37973dc9e42b76e1d2883494c87174b6074f",
    git_tree_state: "clean",
    go_version: "go1.25.9",
    kube_client_version: "v1.35",
};

/// The API versions Helm 4.1.4 knows without a cluster, in its order.
pub const DEFAULT_API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "autoscaling/v2beta1",
    "autoscaling/v2beta2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha1",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// The build a template believes to be rendered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelmVersion {
    pub version: &'static str,
    pub git_commit: &'static str,
    pub git_tree_state: &'static str,
    pub go_version: &'static str,
    pub kube_client_version: &'static str,
}

/// `.Capabilities.KubeVersion`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// As it was given, with a `v` before it.
    pub version: String,
    pub major: String,
    pub minor: String,
    /// Without suffixes: what constraints are held against and what `String` prints.
    pub normalized: String,
}

/// A cluster's version and API versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    pub kube_version: KubeVersion,
    pub api_versions: Vec<String>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            kube_version: KubeVersion {
                version: DEFAULT_KUBE_VERSION.to_owned(),
                major: "1".to_owned(),
                minor: "35".to_owned(),
                normalized: DEFAULT_KUBE_VERSION.to_owned(),
            },
            api_versions: DEFAULT_API_VERSIONS
                .iter()
                .map(|version| (*version).to_owned())
                .collect(),
        }
    }
}

impl Capabilities {
    /// The defaults with a `--kube-version`, where one was given, and `--api-versions` after the known ones.
    ///
    /// # Errors
    /// [`Error::InvalidKubeVersion`].
    pub fn new(kube_version: Option<&str>, api_versions: &[String]) -> Result<Self, Error> {
        let mut capabilities = Self::default();
        if let Some(text) = kube_version.filter(|text| !text.is_empty()) {
            capabilities.kube_version = KubeVersion::parse(text)?;
        }
        capabilities.api_versions.extend_from_slice(api_versions);
        Ok(capabilities)
    }
}

impl KubeVersion {
    /// Reads two or more numbers with dots between them and any suffix, as Kubernetes' own parser does.
    ///
    /// # Errors
    /// [`Error::InvalidKubeVersion`] with that parser's words.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |reason: String| Error::InvalidKubeVersion {
            text: text.to_owned(),
            reason,
        };
        let quoted = crate::go_text::quote(text);
        let trimmed = text.trim();
        let parts = components(trimmed.strip_prefix('v').unwrap_or(trimmed));
        if parts.is_empty() {
            return Err(refuse(format!("could not parse {quoted} as version")));
        }
        if parts.len() < 2 {
            return Err(refuse(format!("illegal version string {quoted}")));
        }
        if parts[0].len() > 1 && parts[0].starts_with('0') {
            return Err(refuse(format!(
                "illegal zero-prefixed version component {:?} in {quoted}",
                parts[0]
            )));
        }
        let mut numbers = Vec::with_capacity(parts.len());
        for part in parts {
            let Ok(number) = part.parse::<u64>() else {
                return Err(refuse(format!(
                    "illegal non-numeric version component {part:?} in {quoted}: \
                     strconv.ParseUint: parsing {part:?}: value out of range"
                )));
            };
            numbers.push(number.to_string());
        }
        let version = if text.starts_with('v') {
            text.to_owned()
        } else {
            format!("v{text}")
        };
        let normalized = format!("v{}", numbers.join("."));
        let mut numbers = numbers.into_iter();
        let (major, minor) = (
            numbers.next().unwrap_or_default(),
            numbers.next().unwrap_or_default(),
        );
        Ok(Self {
            version,
            major,
            minor,
            normalized,
        })
    }

    /// Checks a chart's `kubeVersion`.
    ///
    /// # Errors
    /// [`Error::KubeVersion`] when this version does not satisfy it, or it cannot be read.
    pub fn check(&self, wanted: &str) -> Result<(), Error> {
        if wanted.is_empty() {
            return Ok(());
        }
        let holds = match (Version::parse(&self.normalized), Constraint::parse(wanted)) {
            (Ok(version), Ok(constraint)) => constraint.check(&version),
            _ => false,
        };
        if holds {
            return Ok(());
        }
        Err(Error::KubeVersion {
            wanted: wanted.to_owned(),
            found: self.version.clone(),
        })
    }
}

/// The numbers with single dots between them that the text begins with.
fn components(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if end == 0 {
            return parts;
        }
        parts.push(&rest[..end]);
        match rest[end..].strip_prefix('.') {
            Some(next) => rest = next,
            None => return parts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values come from `helm template --kube-version TEXT` (4.1.4).
    fn check(text: &str, expected: &str) {
        let shown = match KubeVersion::parse(text) {
            Ok(version) => {
                format!(
                    "{} {} {} {}",
                    version.version, version.major, version.minor, version.normalized
                )
            }
            Err(failed) => failed.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn versions_keep_what_was_written() {
        check("1.35", "v1.35 1 35 v1.35");
        check("v1.35.2", "v1.35.2 1 35 v1.35.2");
        check("1.33.4-gke.1245000", "v1.33.4-gke.1245000 1 33 v1.33.4");
        check("1.35+", "v1.35+ 1 35 v1.35");
        check(" 1.35", "v 1.35 1 35 v1.35");
        check("1.35.2.4", "v1.35.2.4 1 35 v1.35.2.4");
    }

    #[test]
    fn what_is_no_version_is_refused_in_kubernetes_words() {
        check(
            "abc",
            "invalid kube version 'abc': could not parse \"abc\" as version",
        );
        check(
            ".1.2",
            "invalid kube version '.1.2': could not parse \".1.2\" as version",
        );
        check("1", "invalid kube version '1': illegal version string \"1\"");
        check(
            "1..2",
            "invalid kube version '1..2': illegal version string \"1..2\"",
        );
        check(
            "01.3",
            "invalid kube version '01.3': illegal zero-prefixed version component \"01\" in \"01.3\"",
        );
    }

    #[test]
    fn a_chart_may_ask_for_versions() {
        let version = KubeVersion::parse("1.35.1-eks").expect("a version");
        assert!(version.check("").is_ok());
        assert!(version.check(">=1.30.0-0").is_ok());
        assert!(version.check(">=1.35").is_ok());
        let refused = version.check(">=1.40").unwrap_err().to_string();
        assert_eq!(
            refused,
            "chart requires kubeVersion: >=1.40 which is incompatible with Kubernetes v1.35.1-eks"
        );
        assert!(version.check("nonsense").is_err());
    }
}
