//! Kubernetes APIs on their way out.
//!
//! The table is what Helm 4.1.4 says of every kind it knows: API version, kind, the minor version of 1.x since
//! which it is deprecated, the one that removes it, and what to use instead.

/// Helm's default where no `--kube-version` is given.
const DEFAULT: (u64, u64) = (1, 35);

static TABLE: &str = include_str!("deprecated.tsv");

/// The warning for a kind that is deprecated in a version, given as major and minor.
pub(super) fn warning(api_version: &str, kind: &str, kube_version: Option<(u64, u64)>) -> Option<String> {
    let (major, minor) = kube_version.unwrap_or(DEFAULT);
    let mut lines = TABLE.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let line = lines.find(|fields| fields.len() == 5 && fields[0] == api_version && fields[1] == kind)?;
    let since: u64 = line[2].parse().ok()?;
    if major < 1 || (major == 1 && minor < since) {
        return None;
    }
    let mut text = format!("{api_version} {kind} is deprecated in v1.{since}+");
    if !line[3].is_empty() {
        text.push_str(&format!(", unavailable in v1.{}+", line[3]));
    }
    if !line[4].is_empty() {
        text.push_str(&format!("; use {}", line[4]));
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

    #[test]
    fn every_line_of_the_table_is_whole() {
        for line in TABLE.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            assert!(fields.len() == 5 && fields[2].parse::<u64>().is_ok(), "{line}");
        }
    }
}
