//! Which cluster, as whom, and how much may be asked of it at once.
//!
//! A target is plain data: the environment is read by the caller and put in here, by [`Target::found`] in the way
//! kubectl and helm find their cluster.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How many requests are sent at once. Helm's and kubectl's client sends about as many before it holds back.
const REQUESTS_AT_ONCE: usize = 32;

/// A server gives up a write after 34 seconds, and a list after 60; whoever waits longer waits for nobody.
const REQUEST_TIME: Duration = Duration::from_secs(40);

/// How often something is tried in all. With the waits between that is about six seconds, enough for an API server
/// behind a load balancer to be replaced.
const TRIES: u32 = 7;

/// How long the tries may take in all, the waits that a server asks for included.
const TOTAL_TIME: Duration = Duration::from_mins(2);

/// Where a pod finds its own credentials.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The way to a cluster.
#[derive(Debug, Clone, Default)]
pub struct Target {
    pub kubeconfig: Files,
    /// The way from inside a pod, taken when no kubeconfig says another.
    pub in_cluster: Option<InCluster>,
    /// `None` for the current context.
    pub context: Option<String>,
    /// Whom to act as; it replaces what the kubeconfig says about that.
    pub user: Option<Impersonate>,
    pub overrides: Overrides,
    pub limits: Limits,
    /// What requests say about who sends them; empty for `shipway`.
    pub user_agent: String,
    /// The proxy for clusters whose kubeconfig names none.
    pub proxy: Option<String>,
    /// Hosts, as in `NO_PROXY`, that are reached without that proxy.
    pub no_proxy: Vec<String>,
    /// What the waits between tries are spread by, so that many clients don't come back at the same moment.
    pub seed: u64,
}

/// The kubeconfig files that count.
#[derive(Debug, Clone)]
pub enum Files {
    /// One file that was named: it must be there.
    One(PathBuf),
    /// Those that may be there, merged: the first to say something is right.
    Any(Vec<PathBuf>),
    /// The text of one that was kept elsewhere, as in a Secret. It may neither run programs nor name files: whoever wrote
    /// it is not who runs this.
    Text { text: String, source: String },
}

/// The way from inside a pod.
#[derive(Debug, Clone)]
pub struct InCluster {
    pub host: String,
    pub port: u16,
    /// The folder with `token`, `ca.crt` and `namespace`.
    pub folder: PathBuf,
}

/// Another user to act as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Impersonate {
    pub user: String,
    pub groups: Vec<String>,
    pub uid: Option<String>,
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What a command line says instead of the kubeconfig.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub server: Option<String>,
    pub token: Option<String>,
    pub certificate_authority: Option<PathBuf>,
    pub tls_server_name: Option<String>,
    /// Believes any server. For a laptop only.
    pub insecure: bool,
}

/// Bounds of what is asked of one cluster.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests at once; watches are not counted.
    pub at_once: usize,
    /// How long one try of a request may take.
    pub request: Duration,
    /// How often a request is tried in all.
    pub tries: u32,
    /// How long all tries of a request may take.
    pub total: Duration,
    /// The wait before the second try; it doubles with each.
    pub first_wait: Duration,
}

impl Target {
    /// The target that kubectl and helm would find, given how to read the environment.
    #[must_use]
    pub fn found(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| {
            let value = variable(name)?.into_string().ok()?;
            (!value.is_empty()).then_some(value)
        };
        let listed = |value: OsString| {
            std::env::split_paths(&value)
                .filter(|path| !path.as_os_str().is_empty())
                .collect()
        };
        let files = match variable("KUBECONFIG").map(listed) {
            Some(paths) if !Vec::is_empty(&paths) => paths,
            _ => variable("HOME")
                .map(|home| PathBuf::from(home).join(".kube/config"))
                .into_iter()
                .collect(),
        };
        let in_cluster = text("KUBERNETES_SERVICE_HOST").zip(text("KUBERNETES_SERVICE_PORT"));
        let no_proxy = text("NO_PROXY").or_else(|| text("no_proxy")).unwrap_or_default();
        Self {
            kubeconfig: Files::Any(files),
            in_cluster: in_cluster.and_then(|(host, port)| {
                Some(InCluster {
                    host,
                    port: port.parse().ok()?,
                    folder: PathBuf::from(SERVICE_ACCOUNT),
                })
            }),
            proxy: text("HTTPS_PROXY").or_else(|| text("https_proxy")),
            no_proxy: no_proxy.split(',').map(|host| host.trim().to_owned()).collect(),
            ..Self::default()
        }
    }
}

impl Default for Files {
    fn default() -> Self {
        Self::Any(Vec::new())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            at_once: REQUESTS_AT_ONCE,
            request: REQUEST_TIME,
            tries: TRIES,
            total: TOTAL_TIME,
            first_wait: Duration::from_millis(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Variables = &'static [(&'static str, &'static str)];

    fn found(variables: &[(&str, &str)]) -> Target {
        Target::found(|name| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some(OsString::from(value))
        })
    }

    #[test]
    fn kubeconfig_is_a_list_and_else_in_the_home() {
        let cases: [(Variables, &[&str]); 4] = [
            (&[("KUBECONFIG", "/a:/b"), ("HOME", "/h")], &["/a", "/b"]),
            (&[("KUBECONFIG", ""), ("HOME", "/h")], &["/h/.kube/config"]),
            (&[("HOME", "/h")], &["/h/.kube/config"]),
            (&[], &[]),
        ];
        for (variables, expected) in cases {
            let Files::Any(paths) = found(variables).kubeconfig else {
                panic!("the environment names no file that must be there")
            };
            assert_eq!(paths, expected.iter().map(PathBuf::from).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_pod_needs_host_and_port() {
        let both = [
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
            ("KUBERNETES_SERVICE_PORT", "443"),
        ];
        assert_eq!(found(&both).in_cluster.map(|way| way.port), Some(443));
        assert!(found(&both[..1]).in_cluster.is_none());
    }
}
