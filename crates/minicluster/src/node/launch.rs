//! What a container's process is: program, arguments, environment and folder, out of the image map and the pod.
//!
//! `command` takes the place of the image's program and arguments, `args` of its arguments alone, as in a real pod.

use std::path::{Path, PathBuf};

use kubelet::pod::Container;
use objects::meta;

use super::environment::{self, Environment, Sources};
use super::files::{self, Folders, Mounts};
use super::images::Found;

/// A process to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: Environment,
    pub(crate) folder: PathBuf,
    pub(crate) mounts: Mounts,
    /// The file in which it may leave its last words.
    pub(crate) last_words: PathBuf,
    pub(crate) stdin: bool,
    pub(crate) tty: bool,
}

/// What every process of a cluster is told.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub(crate) folders: Folders,
    /// What processes find programs by, and where they feel at home.
    pub(crate) inherited: Environment,
    /// The API's host and port.
    pub(crate) api: (String, u16),
    /// Ourselves, and how to be a pod's keeper or the built-in server.
    pub(crate) own: PathBuf,
}

/// The argument with which our own program is the built-in server.
pub(crate) const ECHO: &str = "pod-echo";

/// The argument with which our own program keeps a container's process.
pub(crate) const KEEPER: &str = "pod-process";

/// Where a container leaves its last words unless it says otherwise, and the variable that names the real file.
const LAST_WORDS: &str = "/dev/termination-log";
const LAST_WORDS_VARIABLE: &str = "SHIPWAY_TERMINATION_LOG";

impl Ground {
    /// Plans the process of a container.
    ///
    /// # Errors
    /// In a runtime's words, when there is no such program or folder.
    pub(crate) fn plan(
        &self,
        container: &Container<'_>,
        image: Found<'_>,
        sources: Sources<'_>,
    ) -> Result<Launch, String> {
        let own = self.own.to_string_lossy();
        let (program, given, vars, workdir) = match image {
            Found::Program(image) => (
                image.program.as_str(),
                image.args.clone(),
                image.env.clone(),
                image.workdir.clone(),
            ),
            Found::Echo => (own.as_ref(), vec![ECHO.to_owned()], version(container), None),
        };
        let mut env = self.inherited.clone();
        env.extend(vars);
        env.extend(self.told(sources));
        environment::extend(&mut env, container, sources);
        let mut mounts = self.folders.mounts(sources.pod, container, &env);
        let last_words = self.last_words(container, sources)?;
        let path = meta::text(container.spec, "terminationMessagePath");
        let path = if path.is_empty() { LAST_WORDS } else { path };
        mounts.push((path.to_owned(), last_words.clone()));
        mounts.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        for (_, value) in env.iter_mut().skip(self.inherited.len()) {
            *value = files::rewrite(value, &mounts);
        }
        for mount in meta::list_at(container.spec, "/volumeMounts") {
            let path = meta::text(mount, "mountPath").trim_end_matches('/');
            if let Some((_, real)) = mounts.iter().find(|(known, _)| known == path) {
                let name = files::variable(meta::text(mount, "name"));
                env.push((name, real.to_string_lossy().into_owned()));
            }
        }
        env.push((
            LAST_WORDS_VARIABLE.to_owned(),
            last_words.to_string_lossy().into_owned(),
        ));
        let text = |list: &str| -> Vec<String> {
            let words = meta::list_at(container.spec, list)
                .iter()
                .filter_map(|word| word.as_str());
            words
                .map(|word| files::rewrite(&environment::expand(word, &env), &mounts))
                .collect()
        };
        let (command, args) = (text("/command"), text("/args"));
        let mut words = match (command.is_empty(), args.is_empty()) {
            (true, true) => [vec![program.to_owned()], given].concat(),
            // The built-in server is one program with its own first argument.
            (true, false) if matches!(image, Found::Echo) => [vec![program.to_owned()], given].concat(),
            (true, false) => [vec![program.to_owned()], args].concat(),
            (false, _) => [command, args].concat(),
        };
        let folder = self.workdir(container, &mounts, workdir, sources)?;
        let path = env
            .iter()
            .rev()
            .find(|(name, _)| name == "PATH")
            .map_or("", |(_, path)| path);
        let program = locate(&words.remove(0), &folder, path)?;
        let flag = |field: &str| container.spec.get(field).and_then(serde_json::Value::as_bool) == Some(true);
        let (stdin, tty) = (flag("stdin"), flag("tty"));
        Ok(Launch {
            program,
            args: words,
            folder,
            mounts,
            last_words,
            stdin,
            tty,
            env,
        })
    }

    /// Makes the empty file in which a run may leave its last words.
    fn last_words(&self, container: &Container<'_>, sources: Sources<'_>) -> Result<PathBuf, String> {
        let file = self.folders.last_words(meta::uid(sources.pod), container.name());
        let made = file.parent().map_or(Ok(()), files::make_folder);
        let made = made.and_then(|()| std::fs::write(&file, ""));
        made.map_err(|error| format!("can't make {}: {error}", file.display()))?;
        Ok(file)
    }

    fn told(&self, sources: Sources<'_>) -> Environment {
        let pod = sources.pod;
        let hostname = match meta::text_at(pod, "/spec/hostname") {
            "" => meta::name(pod),
            name => name,
        };
        [
            ("HOSTNAME", hostname.to_owned()),
            ("POD_IP", sources.address.to_owned()),
            ("KUBERNETES_SERVICE_HOST", self.api.0.clone()),
            ("KUBERNETES_SERVICE_PORT", self.api.1.to_string()),
            ("KUBERNETES_SERVICE_PORT_HTTPS", self.api.1.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn workdir(
        &self,
        container: &Container<'_>,
        mounts: &Mounts,
        image: Option<PathBuf>,
        sources: Sources<'_>,
    ) -> Result<PathBuf, String> {
        let folder = match (meta::text(container.spec, "workingDir"), image) {
            ("", Some(folder)) => folder,
            ("", None) => {
                let folder = self
                    .folders
                    .pod(meta::uid(sources.pod))
                    .join("work")
                    .join(files::safe(container.name()));
                std::fs::create_dir_all(&folder)
                    .map_err(|error| format!("can't make {}: {error}", folder.display()))?;
                folder
            }
            (own, _) => PathBuf::from(files::rewrite(own, mounts)),
        };
        if folder.is_dir() {
            return Ok(folder);
        }
        let shown = folder.display();
        Err(format!(
            "the working directory {shown} is no folder of this machine; pods that are processes see its files"
        ))
    }
}

/// What the built-in server says that it is, unless the pod says otherwise: the tag of its image.
fn version(container: &Container<'_>) -> Environment {
    let tag = meta::text(container.spec, "image").rsplit_once(':');
    tag.map(|(_, tag)| ("VERSION".to_owned(), tag.to_owned()))
        .into_iter()
        .collect()
}

/// Finds a program as `execvp` would.
pub(crate) fn locate(program: &str, folder: &Path, path: &str) -> Result<PathBuf, String> {
    if program.contains('/') {
        let full = folder.join(program);
        return match std::fs::metadata(&full) {
            Ok(found) if is_executable(&found) => Ok(full),
            Ok(_) => Err(exec_error(program, "permission denied")),
            Err(_) => Err(exec_error(
                program,
                &format!("stat {program}: no such file or directory"),
            )),
        };
    }
    let mut all = path
        .split(':')
        .filter(|part| !part.is_empty())
        .map(|part| Path::new(part).join(program));
    let found = all.find(|full| std::fs::metadata(full).is_ok_and(|found| is_executable(&found)));
    found.ok_or_else(|| exec_error(program, "executable file not found in $PATH"))
}

fn is_executable(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    found.is_file() && found.permissions().mode() & 0o111 != 0
}

fn exec_error(program: &str, cause: &str) -> String {
    format!("unable to start container process: error during container init: exec: \"{program}\": {cause}")
}
