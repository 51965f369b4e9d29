//! The volumes of a pod as folders of this machine, and the paths of a container that mean them.
//!
//! ```text
//! spec.volumes ──► RUN/pods/UID/volumes/NAME/…      spec.containers[].volumeMounts ──► /etc/app → …/volumes/NAME
//! ```
//!
//! A process sees the machine's files, not an image's: nothing is mounted. So a mount path that stands in a command,
//! an argument or a variable is replaced by the folder that holds the volume, and `SHIPWAY_VOLUME_NAME` says it too.
//! What a ConfigMap or Secret holds is written when a container starts, and not followed afterwards.

use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use kubelet::pod::Container;
use objects::{Kind, World, meta};
use serde_json::Value;

use super::environment::{self, Sources};

/// How long a token in a file is good for when the pod does not say: as long as the API fills in.
const TOKEN_SECONDS: i64 = 3607;

/// Issues the tokens of ServiceAccounts.
pub(crate) trait Issuer {
    /// A token for a pod, good for an audience (the API's own for "") and so many seconds.
    fn token(&self, pod: &Value, audience: &str, seconds: i64) -> Option<String>;
}

/// A file of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    path: String,
    bytes: Vec<u8>,
}

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

    /// Writes the volumes of a pod.
    ///
    /// # Errors
    /// With the volume that could not be written.
    pub(crate) fn write(&self, sources: Sources<'_>, issuer: &dyn Issuer) -> Result<(), String> {
        let root = self.pod(meta::uid(sources.pod)).join("volumes");
        for volume in meta::list_at(sources.pod, "/spec/volumes") {
            let name = meta::text(volume, "name");
            let folder = root.join(safe(name));
            let made = make_folder(&folder).and_then(|()| {
                let files = files(volume, sources, issuer);
                files.iter().try_for_each(|file| write(&folder, file))
            });
            made.map_err(|error| format!("MountVolume.SetUp failed for volume \"{name}\" : {error}"))?;
            if let Some(claim) = claim(sources.pod, volume) {
                let claim = self.claim(sources.pod, &claim);
                make_folder(&claim)
                    .map_err(|error| format!("MountVolume.SetUp failed for volume \"{name}\" : {error}"))?;
            }
        }
        Ok(())
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

    fn claim(&self, pod: &Value, claim: &str) -> PathBuf {
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
fn inside(folder: &Path, path: &str) -> PathBuf {
    let parts = Path::new(path).components().filter_map(|part| match part {
        Component::Normal(part) => Some(part),
        _ => None,
    });
    parts.fold(folder.to_owned(), |path, part| path.join(part))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn write(folder: &Path, file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = inside(folder, &file.path);
    if let Some(parent) = path.parent() {
        make_folder(parent)?;
    }
    // Replaced as a whole: a process that reads it sees the old or the new one.
    let fresh = path.with_extension("fresh~");
    fs::write(&fresh, &file.bytes)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600))?;
    fs::rename(&fresh, &path)
}

fn claim(pod: &Value, volume: &Value) -> Option<String> {
    if volume.get("ephemeral").is_some() {
        return Some(format!("{}-{}", meta::name(pod), meta::text(volume, "name")));
    }
    let claim = volume.get("persistentVolumeClaim")?;
    Some(meta::text(claim, "claimName").to_owned())
}

fn files(volume: &Value, sources: Sources<'_>, issuer: &dyn Issuer) -> Vec<File> {
    match volume.get("projected") {
        Some(projected) => {
            let all = meta::list_at(projected, "/sources").iter();
            all.flat_map(|source| source_files(source, sources, issuer))
                .collect()
        }
        None => source_files(volume, sources, issuer),
    }
}

fn source_files(source: &Value, sources: Sources<'_>, issuer: &dyn Issuer) -> Vec<File> {
    let Sources { world, pod, node, .. } = sources;
    if let Some(map) = source.get("configMap") {
        return keyed(world, pod, (&Kind::CONFIG_MAP, map));
    }
    if let Some(secret) = source.get("secret") {
        return keyed(world, pod, (&Kind::SECRET, secret));
    }
    if let Some(token) = source.get("serviceAccountToken") {
        let seconds = meta::number_at(token, "/expirationSeconds").unwrap_or(TOKEN_SECONDS);
        let issued = issuer.token(pod, meta::text(token, "audience"), seconds);
        let path = meta::text(token, "path").to_owned();
        return issued
            .into_iter()
            .map(|token| File {
                path: path.clone(),
                bytes: token.into_bytes(),
            })
            .collect();
    }
    let items = source
        .get("downwardAPI")
        .map_or(&[][..], |api| meta::list_at(api, "/items"));
    let item = |item: &Value| {
        let value = match (item.get("fieldRef"), item.get("resourceFieldRef")) {
            (Some(reference), _) => environment::field(meta::text(reference, "fieldPath"), sources),
            (_, Some(reference)) => {
                let name = meta::text(reference, "containerName");
                let all = meta::list_at(pod, "/spec/containers").iter();
                let spec = all.clone().find(|one| meta::text(one, "name") == name);
                environment::amount(reference, spec?, node)
            }
            _ => None,
        };
        Some(File {
            path: meta::text(item, "path").to_owned(),
            bytes: value?.into_bytes(),
        })
    };
    items.iter().filter_map(item).collect()
}

fn keyed(world: &World, pod: &Value, (kind, source): (&Kind, &Value)) -> Vec<File> {
    let name = match meta::text(source, "secretName") {
        "" => meta::text(source, "name"),
        name => name,
    };
    let object = world.find(kind, meta::namespace(pod), name);
    let all = object
        .map(|object| environment::data(object, *kind == Kind::SECRET))
        .unwrap_or_default();
    let items = meta::list_at(source, "/items");
    if items.is_empty() {
        return all
            .into_iter()
            .map(|(path, bytes)| File { path, bytes })
            .collect();
    }
    let item = |item: &Value| {
        let (_, bytes) = all.iter().find(|(key, _)| key == meta::text(item, "key"))?;
        Some(File {
            path: meta::text(item, "path").to_owned(),
            bytes: bytes.clone(),
        })
    };
    items.iter().filter_map(item).collect()
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
