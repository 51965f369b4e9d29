//! The volumes of a pod as folders of this machine, and the paths of a container that mean them.
//!
//! ```text
//! spec.volumes ──► RUN/pods/UID/volumes/NAME/…      spec.containers[].volumeMounts ──► /etc/app → …/volumes/NAME
//! ```
//!
//! A process sees the machine's files, not an image's: nothing is mounted. So a mount path that stands in a command,
//! an argument or a variable is replaced by the folder that holds the volume, and `SHIPWAY_VOLUME_NAME` says it too.
//! What volumes hold is written in `volumes`.

use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use kubelet::pod::Container;
use objects::meta;
use serde_json::Value;

use super::environment;

/// Where things of a cluster's pods are.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    pub(crate) run: PathBuf,
    /// Claims outlive their pods.
    pub(crate) claims: PathBuf,
}

/// A mount path and the folder or file that stands for it; the longest path first.
pub(crate) type Mounts = Vec<(String, PathBuf)>;

impl Folders {
    /// The folder of one pod.
    pub(crate) fn pod(&self, uid: &str) -> PathBuf {
        self.run.join("pods").join(safe(uid))
    }

    /// The file in which a container may leave its last words.
    pub(crate) fn last_words(&self, uid: &str, container: &str) -> PathBuf {
        self.pod(uid).join("termination").join(safe(container))
    }

    /// Where the mounts of a container are.
    pub(crate) fn mounts(
        &self,
        pod: &Value,
        container: &Container<'_>,
        environment: &[(String, String)],
    ) -> Mounts {
        let root = self.pod(meta::uid(pod)).join("volumes");
        let volumes = meta::list_at(pod, "/spec/volumes");
        let mounts = meta::list_at(container.spec, "/volumeMounts")
            .iter()
            .map(|mount| {
                let name = meta::text(mount, "name");
                let volume = volumes.iter().find(|volume| meta::text(volume, "name") == name);
                let claim = volume.and_then(|volume| claim(pod, volume));
                let host = volume.and_then(|volume| volume.pointer("/hostPath/path")?.as_str());
                let folder = match (claim, host) {
                    (Some(claim), _) => self.claim(pod, &claim),
                    (_, Some(host)) => PathBuf::from(host),
                    _ => root.join(safe(name)),
                };
                let part = match meta::text(mount, "subPath") {
                    "" => environment::expand(meta::text(mount, "subPathExpr"), environment),
                    part => part.to_owned(),
                };
                let path = meta::text(mount, "mountPath").trim_end_matches('/').to_owned();
                (path, inside(&folder, &part))
            });
        let mut mounts: Mounts = mounts.filter(|(path, _)| path.len() > 1).collect();
        mounts.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        mounts
    }

    /// Where the files of a claim are.
    pub(crate) fn claim(&self, pod: &Value, claim: &str) -> PathBuf {
        self.claims
            .join(safe(&format!("{}_{claim}", meta::namespace(pod))))
    }
}

/// Replaces mount paths by the folders that stand for them, wherever one stands as a path of its own.
pub(crate) fn rewrite(text: &str, mounts: &Mounts) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // Inside of a longer name or path, the same letters mean something else.
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    while let Some(at) = rest.find('/') {
        let before = rest[..at].chars().next_back().or_else(|| out.chars().next_back());
        let after = &rest[at..];
        let fits = |path: &str| {
            let follows = after.strip_prefix(path).map(|rest| rest.chars().next());
            follows.is_some_and(|next| next.is_none_or(|c| !is_name(c)))
        };
        let found = mounts.iter().find(|(path, _)| fits(path));
        out.push_str(&rest[..at]);
        match found.filter(|_| before.is_none_or(|c| !is_name(c) && c != '/')) {
            Some((path, real)) => {
                out.push_str(&real.to_string_lossy());
                rest = &after[path.len()..];
            }
            None => {
                out.push('/');
                rest = &after[1..];
            }
        }
    }
    out + rest
}

/// `SHIPWAY_VOLUME_` and the name of the volume.
pub(crate) fn variable(name: &str) -> String {
    let upper = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    format!("SHIPWAY_VOLUME_{}", name.chars().map(upper).collect::<String>())
}

/// A name that can only be one part of a path.
pub(crate) fn safe(name: &str) -> String {
    let kept = name.replace(['/', '\\', '\0'], "_");
    if matches!(kept.as_str(), "" | "." | "..") {
        "_".to_owned()
    } else {
        kept
    }
}

/// A path below a folder that can't leave it.
pub(crate) fn inside(folder: &Path, path: &str) -> PathBuf {
    let parts = Path::new(path).components().filter_map(|part| match part {
        Component::Normal(part) => Some(part),
        _ => None,
    });
    parts.fold(folder.to_owned(), |path, part| path.join(part))
}

/// Makes a folder and those above it, for its owner alone: what is below may hold secrets.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The claim behind a volume, if there is one.
pub(crate) fn claim(pod: &Value, volume: &Value) -> Option<String> {
    if volume.get("ephemeral").is_some() {
        return Some(format!("{}-{}", meta::name(pod), meta::text(volume, "name")));
    }
    let claim = volume.get("persistentVolumeClaim")?;
    Some(meta::text(claim, "claimName").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_paths_are_replaced_where_they_stand_alone() {
        let mounts = vec![
            ("/etc/app/keys".to_owned(), PathBuf::from("/run/k")),
            ("/etc/app".to_owned(), PathBuf::from("/run/a")),
        ];
        for (text, expected) in [
            ("/etc/app", "/run/a"),
            ("/etc/app/x.yaml", "/run/a/x.yaml"),
            ("/etc/app/keys/tls.crt", "/run/k/tls.crt"),
            ("--config=/etc/app/x", "--config=/run/a/x"),
            ("cat /etc/app/x /etc/app/y", "cat /run/a/x /run/a/y"),
            ("/etc/apple", "/etc/apple"),
            ("/srv/etc/app", "/srv/etc/app"),
            ("http://h/etc/app", "http://h/etc/app"),
            ("", ""),
        ] {
            assert_eq!(rewrite(text, &mounts), expected, "{text}");
        }
    }

    #[test]
    fn no_path_leaves_its_folder() {
        for (path, expected) in [
            ("a/b", "/v/a/b"),
            ("../../etc", "/v/etc"),
            ("/etc", "/v/etc"),
            ("", "/v"),
        ] {
            assert_eq!(inside(Path::new("/v"), path), Path::new(expected), "{path}");
        }
        assert_eq!([safe(".."), safe("a/b"), safe("")], ["_", "a_b", "_"]);
    }
}
