//! Kubernetes APIs on their way out, in Helm's words.

use objects::Lifecycle;

/// Helm's default where no `--kube-version` is given.
const DEFAULT: (u64, u64) = (1, 35);

/// The warning for a kind that is deprecated in a version, given as major and minor.
pub(super) fn warning(api_version: &str, kind: &str, kube_version: Option<(u64, u64)>) -> Option<String> {
    let (major, minor) = kube_version.unwrap_or(DEFAULT);
    let Lifecycle {
        deprecated,
        removed,
        instead,
    } = Lifecycle::known_to_helm(api_version, kind)?;
    if major < 1 || (major == 1 && minor < deprecated) {
        return None;
    }
    let mut text = format!("{api_version} {kind} is deprecated in v1.{deprecated}+");
    if let Some(removed) = removed {
        text.push_str(&format!(", unavailable in v1.{removed}+"));
    }
    if !instead.is_empty() {
        text.push_str(&format!("; use {instead}"));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_deprecated_from_a_version_on() {
        let text = "policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+, unavailable in v1.25+; \
                    use policy/v1 PodDisruptionBudget";
        let check = |version| warning("policy/v1beta1", "PodDisruptionBudget", version);
        assert_eq!(check(None).as_deref(), Some(text));
        assert_eq!(check(Some((1, 21))).as_deref(), Some(text));
        assert_eq!(check(Some((1, 20))), None);
        assert_eq!(warning("apps/v1", "Deployment", None), None);
    }
}
