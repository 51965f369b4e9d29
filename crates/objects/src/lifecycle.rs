//! Kubernetes APIs on their way out: since when a kind's version is deprecated, when it is gone, and what to use instead.
//!
//! `helm.tsv` is what Helm 4.1.4 says of every kind it knows, which is what Kubernetes' own libraries said when it was made:
//! announcements for later minors included. `gone.tsv` has what those libraries no longer remember, or never knew because
//! it is served by another part of the API server. The columns of both: API version, kind, the minor of 1.x since which
//! it is deprecated, the one that removes it, what to use instead.

static HELM: &str = include_str!("lifecycle/helm.tsv");
static GONE: &str = include_str!("lifecycle/gone.tsv");

/// The fate of a kind in one version of its API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// The minor version of 1.x from which on it is deprecated.
    pub deprecated: u64,
    /// The minor version that no longer serves it, where that is decided.
    pub removed: Option<u64>,
    /// `apps/v1 Deployment`; empty when nothing takes its place.
    pub instead: &'static str,
}

impl Lifecycle {
    /// The fate of a kind; nothing for one that stays.
    #[must_use]
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        find(HELM, api_version, kind).or_else(|| find(GONE, api_version, kind))
    }

    /// What Helm knows of it, for who has to say what Helm says.
    #[must_use]
    pub fn known_to_helm(api_version: &str, kind: &str) -> Option<Self> {
        find(HELM, api_version, kind)
    }
}

fn find(table: &'static str, api_version: &str, kind: &str) -> Option<Lifecycle> {
    let mut lines = table.lines().map(fields);
    let [_, _, deprecated, removed, instead] =
        lines.find(|[version, name, ..]| *version == api_version && *name == kind)?;
    Some(Lifecycle {
        deprecated: deprecated.parse().ok()?,
        removed: removed.parse().ok(),
        instead,
    })
}

fn fields(line: &str) -> [&str; 5] {
    let mut fields = line.split('\t');
    std::array::from_fn(|_| fields.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_fate_and_every_line_is_whole() {
        let mut seen = std::collections::BTreeSet::new();
        for line in HELM.lines().chain(GONE.lines()) {
            let [version, kind, deprecated, removed, _] = fields(line);
            assert_eq!(line.matches('\t').count(), 4, "{line}");
            assert!(seen.insert((version, kind)), "{line}");
            let deprecated: u64 = deprecated.parse().unwrap();
            assert!(
                removed.is_empty() || removed.parse::<u64>().unwrap() > deprecated,
                "{line}"
            );
        }
    }

    #[test]
    fn what_libraries_forgot_is_known_too() {
        let gone = Lifecycle::of("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition").unwrap();
        assert_eq!((gone.deprecated, gone.removed), (16, Some(22)));
        assert_eq!(
            Lifecycle::known_to_helm("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"),
            None
        );
        assert_eq!(Lifecycle::of("apps/v1", "Deployment"), None);
    }
}
