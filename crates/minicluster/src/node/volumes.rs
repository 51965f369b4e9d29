//! What the volumes of a pod hold, written when the pod starts and again whenever it changes.
//!
//! ```text
//! ConfigMap, Secret, pod, token ──► Payload ──differs from what was written?──► swap ──► RUN/pods/UID/volumes/NAME
//! ```
//!
//! What was written is remembered as a hash, so that looking costs no files; who forgets it writes once more. Nothing
//! is mounted, so only what can be a folder of this machine is a volume here; anything else is refused by name.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use objects::{Key, Kind, meta};
use serde_json::Value;

use super::environment::{self, Sources};
use super::files::{Folders, claim, make_folder, safe};
use super::swap::{File, Payload, swap};

/// How long a token in a file is good for when the pod does not say: as long as the API fills in.
const TOKEN_SECONDS: i64 = 3607;

/// A token is renewed when this much of its time has passed, in percent, and after a day at the latest.
const TOKEN_RENEWED: i64 = 80;
const LONGEST_TOKEN: i64 = 24 * 3600;

/// Who may read a file when nobody says.
const MODE: u32 = 0o644;

/// The map with the cluster's certificate, which is not waited for where nobody publishes it.
const ROOT_CA: &str = "kube-root-ca.crt";

/// The kinds of volumes that are folders here.
const KINDS: [&str; 8] = [
    "configMap",
    "secret",
    "projected",
    "downwardAPI",
    "emptyDir",
    "hostPath",
    "persistentVolumeClaim",
    "ephemeral",
];

/// Issues the tokens of ServiceAccounts.
pub(crate) trait Issuer {
    /// A token for a pod, good for an audience (the API's own for "") and so many seconds.
    fn token(&self, pod: &Value, audience: &str, seconds: i64) -> Option<String>;
}

/// What was written for the pods of this cluster.
#[derive(Debug, Default)]
pub(crate) struct Volumes {
    pods: HashMap<String, Pod>,
}

/// What was written for one pod.
#[derive(Debug, Default)]
struct Pod {
    /// Hashes of what volumes hold.
    written: HashMap<String, u64>,
    /// Tokens by volume, path and audience, and when they are to be renewed.
    tokens: HashMap<(String, String, String), (String, Timestamp)>,
    /// What was told about it last.
    told: Vec<String>,
}

/// What has come of a look at a pod's volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Synced {
    /// A message for each volume that is not as it should be.
    pub(crate) failed: Vec<String>,
    /// Not the same failures as the last time.
    pub(crate) news: bool,
    /// When a token is to be renewed.
    pub(crate) again: Option<Timestamp>,
}

/// What a volume is made from.
struct Making<'a, 's> {
    sources: Sources<'s>,
    issuer: &'a dyn Issuer,
    tokens: &'a mut HashMap<(String, String, String), (String, Timestamp)>,
    volume: &'a str,
    mode: u32,
    now: Timestamp,
}

impl Volumes {
    /// Writes what the volumes of a pod should hold and don't.
    pub(crate) fn sync(
        &mut self,
        folders: &Folders,
        sources: Sources<'_>,
        issuer: &dyn Issuer,
        now: Timestamp,
    ) -> Synced {
        let uid = meta::uid(sources.pod);
        let pod = self.pods.entry(uid.to_owned()).or_default();
        let root = folders.pod(uid).join("volumes");
        let mut synced = Synced::default();
        for volume in meta::list_at(sources.pod, "/spec/volumes") {
            let name = meta::text(volume, "name");
            let making = Making {
                sources,
                issuer,
                tokens: &mut pod.tokens,
                volume: name,
                mode: mode(volume),
                now,
            };
            let folder = root.join(safe(name));
            let made = match payload(volume, making) {
                Ok(Some(payload)) => {
                    let hash = hash(&payload);
                    let written = pod.written.get(name) == Some(&hash);
                    let made = if written {
                        Ok(())
                    } else {
                        swap(&folder, &payload, now)
                    };
                    if made.is_ok() {
                        pod.written.insert(name.to_owned(), hash);
                    }
                    made.map_err(|error| error.to_string())
                }
                Ok(None) => plain(folders, sources.pod, volume, &folder),
                Err(cause) => Err(cause),
            };
            if let Err(cause) = made {
                let message = format!("MountVolume.SetUp failed for volume \"{name}\" : {cause}");
                synced.failed.push(message);
            }
        }
        synced.again = pod.tokens.values().map(|(_, renew)| *renew).min();
        synced.news = !synced.failed.is_empty() && pod.told != synced.failed;
        pod.told.clone_from(&synced.failed);
        synced
    }

    /// A pod is gone.
    pub(crate) fn forget(&mut self, uid: &str) {
        self.pods.remove(uid);
    }
}

/// The maps and secrets whose changes the volumes of a pod follow.
pub(crate) fn followed(pod: &Value) -> Vec<Key> {
    let key = |source: &Value| {
        let (kind, field) = match (source.get("configMap"), source.get("secret")) {
            (Some(field), _) => (Kind::CONFIG_MAP, field),
            (_, field) => (Kind::SECRET, field?),
        };
        Some(Key::new(kind, meta::namespace(pod), name(field)))
    };
    let volumes = meta::list_at(pod, "/spec/volumes").iter();
    let sources = volumes.flat_map(|volume| {
        let projected = meta::list_at(volume, "/projected/sources");
        std::iter::once(volume).chain(projected)
    });
    sources.filter_map(key).collect()
}

/// The files of a volume; nothing for one that is a plain folder.
fn payload(volume: &Value, mut making: Making<'_, '_>) -> Result<Option<Payload>, String> {
    if let Some(projected) = volume.get("projected") {
        let mut all = Payload::new();
        for source in meta::list_at(projected, "/sources") {
            all.extend(source_files(source, &mut making)?);
        }
        return Ok(Some(all));
    }
    let is_made = ["configMap", "secret", "downwardAPI"];
    if is_made.iter().any(|kind| volume.get(kind).is_some()) {
        return source_files(volume, &mut making).map(Some);
    }
    Ok(None)
}

fn source_files(source: &Value, making: &mut Making<'_, '_>) -> Result<Payload, String> {
    if let Some(map) = source.get("configMap") {
        return keyed((&Kind::CONFIG_MAP, map), making);
    }
    if let Some(secret) = source.get("secret") {
        return keyed((&Kind::SECRET, secret), making);
    }
    if let Some(token) = source.get("serviceAccountToken") {
        return Ok(self::token(token, making).into_iter().collect());
    }
    if let Some(api) = source.get("downwardAPI") {
        return downward(api, making);
    }
    let kind = source.as_object().and_then(|fields| fields.keys().next());
    Err(format!(
        "{} is no source that pods which are processes can have",
        kind.map_or("nothing", String::as_str)
    ))
}

fn keyed((kind, source): (&Kind, &Value), making: &Making<'_, '_>) -> Result<Payload, String> {
    let Sources { world, pod, .. } = making.sources;
    let name = name(source);
    let optional = source.get("optional").and_then(Value::as_bool) == Some(true);
    let Some(object) = world.find(kind, meta::namespace(pod), name) else {
        if optional || name == ROOT_CA {
            return Ok(Payload::new());
        }
        return Err(format!("{} \"{name}\" not found", kind.name.to_lowercase()));
    };
    let all = environment::data(object, *kind == Kind::SECRET);
    let items = meta::list_at(source, "/items");
    if items.is_empty() {
        let mode = making.mode;
        return Ok(all
            .into_iter()
            .map(|(key, bytes)| (key, File { bytes, mode }))
            .collect());
    }
    let mut files = Payload::new();
    for item in items {
        let key = meta::text(item, "key");
        match all.iter().find(|(known, _)| known == key) {
            Some((_, bytes)) => {
                let mode = own_mode(item, "mode").unwrap_or(making.mode);
                let bytes = bytes.clone();
                files.insert(meta::text(item, "path").to_owned(), File { bytes, mode });
            }
            None if optional => {}
            None if *kind == Kind::SECRET => {
                return Err(format!("references non-existent secret key: {key}"));
            }
            None => return Err(format!("configmap references non-existent config key: {key}")),
        }
    }
    Ok(files)
}

/// The file of a token: the one there is until most of its time has passed.
fn token(spec: &Value, making: &mut Making<'_, '_>) -> Option<(String, File)> {
    let seconds = meta::number_at(spec, "/expirationSeconds").unwrap_or(TOKEN_SECONDS);
    let (path, audience) = (meta::text(spec, "path"), meta::text(spec, "audience"));
    let known = (making.volume.to_owned(), path.to_owned(), audience.to_owned());
    let now = making.now;
    let kept = making.tokens.get(&known).filter(|(_, renew)| *renew > now);
    let token = match kept {
        Some((token, _)) => token.clone(),
        None => {
            let token = making.issuer.token(making.sources.pod, audience, seconds)?;
            let lasts = (seconds.saturating_mul(TOKEN_RENEWED) / 100).clamp(1, LONGEST_TOKEN);
            let renew = now
                .saturating_add(SignedDuration::from_secs(lasts))
                .unwrap_or(now);
            making.tokens.insert(known, (token.clone(), renew));
            token
        }
    };
    let file = File {
        bytes: token.into_bytes(),
        mode: making.mode,
    };
    Some((path.to_owned(), file))
}

fn downward(api: &Value, making: &Making<'_, '_>) -> Result<Payload, String> {
    let Sources { pod, node, .. } = making.sources;
    let mut files = Payload::new();
    for item in meta::list_at(api, "/items") {
        let value = match (item.get("fieldRef"), item.get("resourceFieldRef")) {
            (Some(reference), _) => {
                let path = meta::text(reference, "fieldPath");
                let value = environment::field(path, making.sources);
                value.ok_or_else(|| format!("the field {path} is not known"))?
            }
            (_, Some(reference)) => {
                let name = meta::text(reference, "containerName");
                let mut all = kubelet::pod::containers(pod);
                let container = all.find(|one| one.name() == name);
                let container = container.ok_or_else(|| format!("there is no container {name}"))?;
                let amount = environment::amount(reference, container.spec, node);
                amount.ok_or_else(|| format!("{} is no resource", meta::text(reference, "resource")))?
            }
            _ => continue,
        };
        let file = File {
            bytes: value.into_bytes(),
            mode: own_mode(item, "mode").unwrap_or(making.mode),
        };
        files.insert(meta::text(item, "path").to_owned(), file);
    }
    Ok(files)
}

/// Makes a volume that is a folder of this machine.
fn plain(folders: &Folders, pod: &Value, volume: &Value, folder: &Path) -> Result<(), String> {
    if let Some(claim) = claim(pod, volume) {
        return make_folder(&folders.claim(pod, &claim)).map_err(|error| error.to_string());
    }
    if let Some(host) = volume.get("hostPath") {
        let path = Path::new(meta::text(host, "path"));
        return host_path(path, meta::text(host, "type"));
    }
    let kinds = volume.as_object().into_iter().flatten().map(|(kind, _)| kind);
    let mut strange = kinds.filter(|kind| *kind != "name" && !KINDS.contains(&kind.as_str()));
    if let Some(kind) = strange.next() {
        return Err(format!(
            "pods that are processes have no volumes of the kind {kind}: use emptyDir, hostPath or persistentVolumeClaim"
        ));
    }
    make_folder(folder).map_err(|error| error.to_string())
}

/// Whether what stands at a path of this machine is what a pod says, made where it may be.
fn host_path(path: &Path, kind: &str) -> Result<(), String> {
    let shown = path.display();
    let failed = |error: io::Error| format!("can't make {shown}: {error}");
    match kind {
        "DirectoryOrCreate" if !path.exists() => fs::create_dir_all(path).map_err(failed)?,
        "FileOrCreate" if !path.exists() => fs::write(path, "").map_err(failed)?,
        _ => {}
    }
    let found = fs::metadata(path).ok().map(|found| found.file_type());
    let (fits, what) = match kind {
        "Directory" | "DirectoryOrCreate" => (found.is_some_and(|found| found.is_dir()), "directory"),
        "File" | "FileOrCreate" => (found.is_some_and(|found| found.is_file()), "file"),
        "Socket" => (found.is_some_and(|found| found.is_socket()), "socket file"),
        "CharDevice" => (
            found.is_some_and(|found| found.is_char_device()),
            "character device",
        ),
        "BlockDevice" => (found.is_some_and(|found| found.is_block_device()), "block device"),
        _ => return Ok(()),
    };
    if fits {
        return Ok(());
    }
    Err(format!("hostPath type check failed: {shown} is not a {what}"))
}

/// The mode of the files of a volume.
fn mode(volume: &Value) -> u32 {
    let kinds = ["configMap", "secret", "downwardAPI", "projected"];
    let mut all = kinds.iter().filter_map(|kind| volume.get(kind));
    all.next()
        .and_then(|source| own_mode(source, "defaultMode"))
        .unwrap_or(MODE)
}

fn own_mode(spec: &Value, field: &str) -> Option<u32> {
    let mode = spec.get(field)?.as_u64()?;
    u32::try_from(mode & 0o777).ok()
}

/// The name of a map or secret, which a secret's own volume calls differently.
fn name(source: &Value) -> &str {
    match meta::text(source, "secretName") {
        "" => meta::text(source, "name"),
        name => name,
    }
}

fn hash(payload: &Payload) -> u64 {
    let mut hasher = DefaultHasher::new();
    payload.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::os::unix::fs::PermissionsExt as _;

    use objects::World;
    use serde_json::json;

    use super::*;

    /// Issues numbers.
    #[derive(Default)]
    struct Numbers(Cell<u32>);

    impl Issuer for Numbers {
        fn token(&self, _pod: &Value, audience: &str, _seconds: i64) -> Option<String> {
            self.0.set(self.0.get() + 1);
            Some(format!("{audience}{}", self.0.get()))
        }
    }

    struct Stage {
        folder: tempfile::TempDir,
        world: World,
        volumes: Volumes,
        issuer: Numbers,
    }

    impl Stage {
        fn new() -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
                world: World::default(),
                volumes: Volumes::default(),
                issuer: Numbers::default(),
            }
        }

        fn put(&mut self, kind: Kind, name: &str, data: &Value) {
            let object = json!({"metadata": {"name": name, "namespace": "n"}, "data": data});
            self.world.put(&Key::of(kind, &object), object);
        }

        fn sync(&mut self, pod: &Value, second: i64) -> Synced {
            let node = json!({"metadata": {"name": "node"}});
            let sources = Sources {
                world: &self.world,
                pod,
                node: &node,
                address: "127.1.1.2",
            };
            let folders = Folders {
                run: self.folder.path().to_owned(),
                claims: self.folder.path().join("claims"),
            };
            let now = Timestamp::from_second(second).unwrap();
            self.volumes.sync(&folders, sources, &self.issuer, now)
        }

        fn read(&self, path: &str) -> Option<(String, u32)> {
            let path = self.folder.path().join("pods/u/volumes").join(path);
            let text = fs::read_to_string(&path).ok()?;
            Some((text, fs::metadata(&path).ok()?.permissions().mode() & 0o777))
        }
    }

    fn pod(volumes: &Value, labels: &Value) -> Value {
        json!({
            "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": labels},
            "spec": {"volumes": volumes, "containers": [
                {"name": "c", "resources": {"limits": {"memory": "64Mi"}}}]},
        })
    }

    #[test]
    fn files_have_their_paths_and_modes() {
        let mut stage = Stage::new();
        stage.put(Kind::CONFIG_MAP, "m", &json!({"a": "1", "b": "2"}));
        stage.put(Kind::SECRET, "s", &json!({"k": "c2VjcmV0"}));
        let labels = json!({"fieldRef": {"fieldPath": "metadata.labels"}, "path": "labels", "mode": 0o440});
        let memory = json!({"resourceFieldRef": {"containerName": "c", "resource": "limits.memory"}, "path": "memory"});
        let pod = pod(
            &json!([
                {"name": "map", "configMap": {"name": "m", "defaultMode": 0o600,
                    "items": [{"key": "a", "path": "x/y"}, {"key": "b", "path": "b", "mode": 0o755}]}},
                {"name": "secret", "secret": {"secretName": "s", "defaultMode": 0o400}},
                {"name": "down", "downwardAPI": {"items": [labels, memory]}},
                {"name": "all", "projected": {"defaultMode": 0o444, "sources": [
                    {"configMap": {"name": "m"}}, {"secret": {"name": "s", "items": [{"key": "k", "path": "k", "mode": 0o500}]}},
                    {"downwardAPI": {"items": [{"fieldRef": {"fieldPath": "metadata.name"}, "path": "name"}]}},
                    {"serviceAccountToken": {"path": "token", "audience": "vault"}}]}},
            ]),
            &json!({"app": "web"}),
        );
        assert_eq!(stage.sync(&pod, 1).failed, Vec::<String>::new());
        for (path, text, mode) in [
            ("map/x/y", "1", 0o600),
            ("map/b", "2", 0o755),
            ("secret/k", "secret", 0o400),
            ("down/labels", "app=\"web\"", 0o440),
            ("down/memory", "67108864", 0o644),
            ("all/a", "1", 0o444),
            ("all/k", "secret", 0o500),
            ("all/name", "p", 0o444),
            ("all/token", "vault1", 0o444),
        ] {
            assert_eq!(stage.read(path), Some((text.to_owned(), mode)), "{path}");
        }
    }

    #[test]
    fn what_changes_is_written_again_and_what_is_missing_stays_as_it_was() {
        let mut stage = Stage::new();
        let text = |stage: &Stage, path: &str| stage.read(path).map(|(text, _)| text);
        let volumes = json!([
            {"name": "m", "configMap": {"name": "m"}},
            {"name": "o", "configMap": {"name": "o", "optional": true}},
            {"name": "d", "downwardAPI": {"items": [
                {"fieldRef": {"fieldPath": "metadata.labels['v']"}, "path": "v"}]}},
        ]);
        stage.put(Kind::CONFIG_MAP, "m", &json!({"a": "1"}));
        let first = pod(&volumes, &json!({"v": "1"}));
        assert_eq!(stage.sync(&first, 1), Synced::default());
        let generation =
            |stage: &Stage| fs::read_link(stage.folder.path().join("pods/u/volumes/m/..data")).unwrap();
        let before = generation(&stage);
        assert_eq!(stage.sync(&first, 2), Synced::default());
        assert_eq!(generation(&stage), before, "nothing has changed");

        stage.put(Kind::CONFIG_MAP, "m", &json!({"a": "2"}));
        stage.put(Kind::CONFIG_MAP, "o", &json!({"late": "yes"}));
        let second = pod(&volumes, &json!({"v": "2"}));
        assert_eq!(stage.sync(&second, 3), Synced::default());
        let texts = ["m/a", "o/late", "d/v"].map(|path| text(&stage, path));
        assert_eq!(texts, ["2", "yes", "2"].map(|text| Some(text.to_owned())));

        stage.world.remove(&Key::new(Kind::CONFIG_MAP, "n", "m"));
        stage.world.remove(&Key::new(Kind::CONFIG_MAP, "n", "o"));
        let synced = stage.sync(&second, 4);
        assert_eq!(
            synced.failed,
            ["MountVolume.SetUp failed for volume \"m\" : configmap \"m\" not found"]
        );
        assert!(synced.news && !stage.sync(&second, 5).news);
        let texts = ["m/a", "o/late"].map(|path| text(&stage, path));
        assert_eq!(texts, [Some("2".to_owned()), None]);
    }

    #[test]
    fn a_token_is_renewed_before_it_ends() {
        let mut stage = Stage::new();
        let source = json!({"serviceAccountToken": {"path": "t", "expirationSeconds": 1000}});
        let pod = pod(
            &json!([{"name": "v", "projected": {"sources": [source]}}]),
            &json!({}),
        );
        for (second, token) in [(0, "1"), (799, "1"), (800, "2"), (1599, "2"), (1600, "3")] {
            let again = stage.sync(&pod, second).again.unwrap();
            assert!(again.as_second() > second);
            let (text, _) = stage.read("v/t").unwrap();
            assert_eq!(text, token, "{second}");
        }
    }

    #[test]
    fn volumes_that_cant_be_say_why() {
        let mut stage = Stage::new();
        let file = stage.folder.path().join("file");
        fs::write(&file, "").unwrap();
        let file = file.to_str().unwrap().to_owned();
        for (volume, expected) in [
            (json!({"nfs": {"server": "s"}}), "have no volumes of the kind nfs"),
            (
                json!({"hostPath": {"path": file, "type": "Directory"}}),
                "file is not a directory",
            ),
            (
                json!({"hostPath": {"path": "/no/such/path", "type": "File"}}),
                "hostPath type check failed: /no/such/path is not a file",
            ),
            (
                json!({"hostPath": {"path": format!("{file}/below"), "type": "DirectoryOrCreate"}}),
                "can't make",
            ),
            (
                json!({"projected": {"sources": [{"clusterTrustBundle": {"path": "x"}}]}}),
                "clusterTrustBundle is no source",
            ),
        ] {
            let mut volume = volume;
            volume["name"] = json!("v");
            let failed = stage.sync(&pod(&json!([volume]), &json!({})), 1).failed;
            assert!(failed.len() == 1 && failed[0].contains(expected), "{failed:?}");
        }
        for kind in ["emptyDir", "persistentVolumeClaim"] {
            let volume = json!({"name": "v", kind: {"claimName": "c"}});
            assert_eq!(
                stage.sync(&pod(&json!([volume]), &json!({})), 1),
                Synced::default()
            );
        }
        assert!(stage.folder.path().join("claims/n_c").is_dir());
    }
}
