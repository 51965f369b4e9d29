//! From a target to what a connection needs: files merged, a context chosen, what the caller overrides put over it.
//!
//! The client library reads the files and knows their fields; which files count, what may be missing and what to say
//! about it is decided here. The environment is not read.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError};

use crate::error::{Error, Source};
use crate::target::{Files, Impersonate, InCluster, Overrides, Target};

/// What a connection is made of.
pub(crate) struct Way {
    pub config: Config,
    pub user: Option<Impersonate>,
}

/// Finds the way to a target's cluster.
pub(crate) async fn way(target: &Target) -> Result<Way, Error> {
    let (merged, places) = match &target.kubeconfig {
        Files::One(path) => (
            merged(std::slice::from_ref(path), true)?,
            path.display().to_string(),
        ),
        Files::Any(paths) => {
            let places: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            (merged(paths, false)?, places.join(", "))
        }
        Files::Text { text, source } => (read(text, source)?, source.clone()),
    };
    let empty = merged.contexts.is_empty() && merged.clusters.is_empty();
    let mut config = match (&target.in_cluster, &target.overrides.server) {
        (Some(pod), None) if empty && target.context.is_none() => from_pod(pod)?,
        (_, Some(server)) if empty && target.context.is_none() => Config::new(address(server)?),
        _ => from_context(merged, target.context.as_deref(), &places).await?,
    };
    override_with(&mut config, &target.overrides)?;
    proxy(&mut config, target)?;
    config.default_retry = false;
    let written = take_user(&mut config);
    let user = target.user.clone().or(written);
    Ok(Way { config, user })
}

/// Reads the files and merges them; the first to say something is right.
fn merged(paths: &[PathBuf], needed: bool) -> Result<Kubeconfig, Error> {
    let mut all = Kubeconfig::default();
    for path in paths {
        let read = match Kubeconfig::read_from(path) {
            Err(KubeconfigError::ReadConfig(source, _))
                if source.kind() == io::ErrorKind::NotFound && !needed =>
            {
                continue;
            }
            read => read.and_then(|next| all.clone().merge(next)),
        };
        all = read.map_err(|source| Error::Kubeconfig {
            problem: format!("can't use the kubeconfig {}", path.display()),
            cure: "name another file with `--kubeconfig` or the variable KUBECONFIG".to_owned(),
            source: Some(Box::new(source)),
        })?;
    }
    Ok(all)
}

/// Reads a kubeconfig that came from elsewhere, and refuses what would reach into this machine.
fn read(text: &str, place: &str) -> Result<Kubeconfig, Error> {
    let refused = |problem: &str, source: Option<Source>| Error::Kubeconfig {
        problem: format!("can't use the kubeconfig of {place}{problem}"),
        cure: "put a server, a certificate authority and a token or client certificate into it, as data"
            .to_owned(),
        source,
    };
    let read = Kubeconfig::from_yaml(text).map_err(|source| refused("", Some(Box::new(source))))?;
    let users = read.auth_infos.iter().filter_map(|user| user.auth_info.as_ref());
    let mut clusters = read
        .clusters
        .iter()
        .filter_map(|cluster| cluster.cluster.as_ref());
    let runs = users
        .clone()
        .any(|user| user.exec.is_some() || user.auth_provider.is_some());
    let mut users = users;
    let names_files = clusters.any(|cluster| cluster.certificate_authority.is_some())
        || users.any(|user| {
            user.client_certificate.is_some() || user.client_key.is_some() || user.token_file.is_some()
        });
    match (runs, names_files) {
        (true, _) => Err(refused(": it would run a program here", None)),
        (false, true) => Err(refused(": it names files of another machine", None)),
        (false, false) => Ok(read),
    }
}

async fn from_context(merged: Kubeconfig, context: Option<&str>, places: &str) -> Result<Config, Error> {
    let known: Vec<String> = merged
        .contexts
        .iter()
        .map(|context| context.name.clone())
        .collect();
    let current = merged.current_context.clone().filter(|name| !name.is_empty());
    let Some(name) = context.map(str::to_owned).or(current) else {
        return Err(no_context(&known, places));
    };
    if !known.contains(&name) {
        return Err(unknown_context(&name, &known, places));
    }
    let options = KubeConfigOptions {
        context: Some(name.clone()),
        ..KubeConfigOptions::default()
    };
    let proxy = own_proxy(&merged, &name);
    let config = Config::from_custom_kubeconfig(merged, &options).await;
    let mut config = config.map_err(|source| Error::Kubeconfig {
        problem: format!("can't use the context {name:?} of {places}"),
        cure: "mend the entry that the cause names, or take another context with `--kube-context`".to_owned(),
        source: Some(Box::new(source)),
    })?;
    // The library has put in what the environment says, which is the caller's to read.
    config.proxy_url = proxy.as_deref().map(address).transpose()?;
    Ok(config)
}

/// The proxy that the kubeconfig itself names for a context.
fn own_proxy(merged: &Kubeconfig, context: &str) -> Option<String> {
    let context = merged.contexts.iter().find(|known| known.name == context)?;
    let name = &context.context.as_ref()?.cluster;
    let cluster = merged.clusters.iter().find(|known| known.name == *name)?;
    let proxy = cluster.cluster.as_ref()?.proxy_url.clone();
    proxy.filter(|proxy| !proxy.is_empty())
}

fn no_context(known: &[String], places: &str) -> Error {
    let (problem, cure) = match (known, places) {
        ([], "") => (
            "there is no kubeconfig".to_owned(),
            "name one with `--kubeconfig` or the variable KUBECONFIG".to_owned(),
        ),
        ([], places) => (
            format!("there is no cluster in {places}"),
            "name another file with `--kubeconfig` or the variable KUBECONFIG".to_owned(),
        ),
        (known, places) => (
            format!("no context is the current one in {places}"),
            format!("choose one with `--kube-context`: {}", known.join(", ")),
        ),
    };
    Error::Kubeconfig {
        problem,
        cure,
        source: None,
    }
}

fn unknown_context(name: &str, known: &[String], places: &str) -> Error {
    let cure = match stdx::nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None if known.is_empty() => format!(
            "{} has no contexts",
            if places.is_empty() {
                "no kubeconfig"
            } else {
                places
            }
        ),
        None => format!("there are: {}", known.join(", ")),
    };
    Error::Kubeconfig {
        problem: format!(
            "there is no context {name:?} in {}",
            if places.is_empty() {
                "any kubeconfig"
            } else {
                places
            }
        ),
        cure,
        source: None,
    }
}

/// The way that every pod is given.
fn from_pod(pod: &InCluster) -> Result<Config, Error> {
    let host = match pod.host.contains(':') {
        true => format!("[{}]", pod.host),
        false => pod.host.clone(),
    };
    let mut config = Config::new(address(&format!("https://{host}:{}", pod.port))?);
    let authority = pod.folder.join("ca.crt");
    config.root_cert = Some(authority_of(&authority)?);
    config.root_cert_file = Some(authority);
    config.auth_info.token_file = Some(pod.folder.join("token").display().to_string());
    // A pod without it acts in the namespace that everybody has.
    if let Ok(namespace) = std::fs::read_to_string(pod.folder.join("namespace")) {
        namespace.trim().clone_into(&mut config.default_namespace);
    }
    Ok(config)
}

fn override_with(config: &mut Config, overrides: &Overrides) -> Result<(), Error> {
    let Overrides {
        server,
        token,
        certificate_authority,
        tls_server_name,
        insecure,
    } = overrides;
    if let Some(server) = server {
        config.cluster_url = address(server)?;
    }
    if let Some(token) = token {
        config.auth_info.token = Some(token.clone().into());
        config.auth_info.token_file = None;
        config.auth_info.exec = None;
        config.auth_info.auth_provider = None;
    }
    if let Some(path) = certificate_authority {
        config.root_cert = Some(authority_of(path)?);
        config.root_cert_file = None;
    }
    if let Some(name) = tls_server_name {
        config.tls_server_name = Some(name.clone());
    }
    config.accept_invalid_certs |= *insecure;
    Ok(())
}

/// The proxy of the target, where the kubeconfig names none. As in Go, it is never used for this machine.
fn proxy(config: &mut Config, target: &Target) -> Result<(), Error> {
    let host = config.cluster_url.host().unwrap_or_default();
    if config.proxy_url.is_none()
        && let Some(proxy) = &target.proxy
        && !is_direct(host, &target.no_proxy)
    {
        config.proxy_url = Some(address(proxy)?);
    }
    Ok(())
}

/// Whether a host is reached without a proxy: by its name, its domain, its address or its network.
fn is_direct(host: &str, patterns: &[String]) -> bool {
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    let fits = |pattern: &str| match pattern.strip_prefix('.').unwrap_or(pattern) {
        "" => false,
        "*" => true,
        name => {
            host == name
                || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
                || address.is_some_and(|address| is_within(address, name))
        }
    };
    patterns.iter().any(|pattern| fits(pattern))
}

/// Whether an address is in a network as `10.0.0.0/8`.
fn is_within(address: IpAddr, network: &str) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(four) => (u128::from(four.to_bits()) << 96, 32),
        IpAddr::V6(six) => (six.to_bits(), 128),
    };
    let parsed = network.split_once('/').and_then(|(base, length)| {
        let length: u32 = length.parse().ok()?;
        Some((bits(base.parse().ok()?), length))
    });
    let (own, width) = bits(address);
    parsed.is_some_and(|((base, other), length)| {
        let apart = (own ^ base).leading_zeros();
        width == other && length <= width && apart >= length
    })
}

/// Takes whom the kubeconfig says to act as: it is said with each request, so that others can be acted as too.
fn take_user(config: &mut Config) -> Option<Impersonate> {
    let auth = &mut config.auth_info;
    let user = auth.impersonate.take().filter(|user| !user.is_empty());
    let groups = auth.impersonate_groups.take().unwrap_or_default();
    let uid = auth.impersonate_uid.take();
    let extra: HashMap<_, _> = auth.impersonate_user_extra.take().unwrap_or_default();
    user.map(|user| Impersonate {
        user,
        groups,
        uid,
        extra: BTreeMap::from_iter(extra),
    })
}

fn authority_of(path: &Path) -> Result<Vec<Vec<u8>>, Error> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    let read = || -> Result<Vec<Vec<u8>>, Source> {
        let text = std::fs::read(path)?;
        let each = CertificateDer::pem_slice_iter(&text).map(|found| found.map(|found| found.to_vec()));
        Ok(each.collect::<Result<_, _>>()?)
    };
    read().map_err(|source| Error::Kubeconfig {
        problem: format!("can't read the certificate authority {}", path.display()),
        cure: "it is a file with PEM certificates".to_owned(),
        source: Some(source),
    })
}

fn address(text: &str) -> Result<http::Uri, Error> {
    let parsed: Result<http::Uri, _> = text.parse();
    let problem = format!("{text:?} is not the address of a server");
    let cure = "write it as https://HOST:PORT".to_owned();
    match parsed {
        Ok(uri) if uri.host().is_some() && uri.scheme().is_some() => Ok(uri),
        Ok(_) => Err(Error::Kubeconfig {
            problem,
            cure,
            source: None,
        }),
        Err(source) => Err(Error::Kubeconfig {
            problem,
            cure,
            source: Some(Box::new(source)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_passed_by_as_no_proxy_says() {
        let cases = [
            ("127.0.0.1", "", true),
            ("[::1]", "", true),
            ("localhost", "", true),
            ("api.example.com", "", false),
            ("api.example.com", "*", true),
            ("api.example.com", "example.com", true),
            ("api.example.com", ".example.com", true),
            ("example.com", "api.example.com", false),
            ("badexample.com", "example.com", false),
            ("10.1.2.3", "10.0.0.0/8", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("10.1.2.3", "::/0", false),
            ("[fd00::1]", "fd00::/16", true),
            ("10.1.2.3", "0.0.0.0/0", true),
            ("10.1.2.3", "10.0.0.0/99", false),
        ];
        for (host, pattern, direct) in cases {
            assert_eq!(is_direct(host, &[pattern.to_owned()]), direct, "{host} {pattern}");
        }
    }
}
