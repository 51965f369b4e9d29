//! A repository: a bare clone in a folder of its own, and what is asked of it.
//!
//! ```text
//! open ──► fetch (prune) ──► branches, proposals ──► snapshot(commit) ──► chart(folder), file(path)
//!                                                └─► verdict(commit), tell(commit, verdict)
//! ```
//!
//! One task owns a repository; the folder is locked, so that nobody else does. It is a cache: whatever is broken in it is
//! made anew. Nothing is ever checked out.

mod authors;
mod fetch;
mod notes;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;

use crate::commit::Commit;
use crate::error::Error;
use crate::export::{self, Exported};
use crate::git::{Access, Batch, Call, Credentials, FOLDER_PREFIX, GLOBAL, Git, Kind, REPOSITORY};
use crate::id::ObjectId;
use crate::proposal::Proposal;
use crate::refs::RefName;
use crate::remote::{Remote, Scheme};
use crate::snapshot::{LONGEST_CHART_YAML, Snapshot};

pub use authors::Authors;
pub use fetch::Fetched;

/// Branches that are looked at. More would make every look slow, and nobody works on so many.
const MOST_BRANCHES: usize = 10_000;

/// Objects read at once, between two looks at how much there is already.
const AT_ONCE: usize = 256;

/// A commit with its message.
const LARGEST_COMMIT: usize = 1024 * 1024;

/// The first with `safe.directory`; settings by the environment, and a file of ours in place of the user's, are older.
const OLDEST_GIT: (u32, u32) = (2, 36);

/// Files that git leaves when it is killed are removed this deep below the repository.
const DEEPEST_LOCK: usize = 8;

/// Half a second in all: starting a program takes a thousandth of that, and another owner stays for longer.
const LOCK_TRIES: usize = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A clone with the address it comes from.
#[derive(Debug)]
pub struct Repository {
    git: Git,
    folder: PathBuf,
    remote: Remote,
    access: Access,
    batch: Option<Batch>,
    /// A run that writes has begun and did not come to its end: what it held may still be locked.
    in_doubt: bool,
    /// Held for as long as this lives.
    _lock: File,
}

impl Repository {
    /// Opens the clone in `folder`, which is made if it is not there. Nothing is fetched yet.
    ///
    /// # Errors
    /// Another process uses the folder, git is not there, or the credentials don't fit the address.
    pub async fn open(
        git: Git,
        folder: &Path,
        remote: Remote,
        credentials: &Credentials,
    ) -> Result<Self, Error> {
        let failed = |problem: String| Error::Git {
            task: format!("use the folder {}", folder.display()),
            problem,
        };
        let prepared = fs::create_dir_all(folder).and_then(|()| folder.canonicalize());
        let folder_path = prepared.map_err(|source| failed(source.to_string()))?;
        let lock = File::create(folder_path.join("lock")).map_err(|source| failed(source.to_string()))?;
        let mut taken = lock.try_lock();
        // A program that another thread is just starting holds our lock too, until it becomes that program.
        for _ in 0..LOCK_TRIES {
            if taken.is_ok() {
                break;
            }
            tokio::time::sleep(LOCK_PAUSE).await;
            taken = lock.try_lock();
        }
        taken.map_err(|source| failed(format!("somebody else has it: {source}")))?;
        forget_keys(&folder_path)
            .and_then(|()| unlock(&folder_path))
            .map_err(|source| failed(source.to_string()))?;
        let settings = settings(&remote, &folder_path);
        fs::write(folder_path.join(GLOBAL), settings).map_err(|source| failed(source.to_string()))?;
        let access = Access::new(&remote, credentials, &folder_path)?;
        let mut repository = Self {
            git,
            folder: folder_path,
            remote,
            access,
            batch: None,
            in_doubt: false,
            _lock: lock,
        };
        repository.must_be_new_enough().await?;
        if !repository.is_sound().await? {
            repository.make("sha1").await?;
        }
        Ok(repository)
    }

    /// Changes the credentials, for tokens that are renewed.
    ///
    /// # Errors
    /// They don't fit the address.
    pub fn authorize(&mut self, credentials: &Credentials) -> Result<(), Error> {
        self.access = Access::new(&self.remote, credentials, &self.folder)?;
        Ok(())
    }

    pub fn remote(&self) -> &Remote {
        &self.remote
    }

    /// The newest commit of a reference that was fetched.
    ///
    /// # Errors
    /// There is no such reference.
    pub async fn resolve(&self, reference: &RefName) -> Result<ObjectId, Error> {
        let commit = format!("{reference}^{{commit}}");
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
        let ended = self
            .git
            .ended(self.call(format!("find {reference}"), &arguments))
            .await?;
        ObjectId::from_hex(ended.output.trim_ascii()).ok_or_else(|| Error::NotThere {
            what: match reference.as_branch() {
                Some(branch) => format!("branch {branch:?} of {}", self.remote),
                None => format!("{reference} of {}", self.remote),
            },
            problem: "is not there".to_owned(),
        })
    }

    /// All branches with their newest commits.
    ///
    /// # Errors
    /// Git fails, or there are too many.
    pub async fn branches(&self) -> Result<Vec<(RefName, ObjectId)>, Error> {
        self.references(&["refs/heads/"]).await
    }

    /// For plain git: the branches that are not merged into `main`, as proposals.
    ///
    /// # Errors
    /// As [`Repository::branches`], or there is no such branch.
    pub async fn proposals(&self, main: &str) -> Result<Vec<Proposal>, Error> {
        let target = self.resolve(&RefName::branch(main)?).await?;
        let unmerged = format!("--no-merged={target}");
        let branches = self.references(&[&unmerged, "refs/heads/"]).await?;
        let proposal = |(reference, commit): (RefName, ObjectId)| {
            let branch = reference.as_branch()?.to_owned();
            (branch != main).then(|| Proposal {
                number: None,
                reference,
                commit,
                target: main.to_owned(),
                title: branch.clone(),
                branch,
                author: String::new(),
                from_fork: false,
                draft: false,
                url: None,
            })
        };
        Ok(branches.into_iter().filter_map(proposal).collect())
    }

    /// The newest commit that both have in their histories: what a proposal is compared with.
    ///
    /// # Errors
    /// One is not there, or they have none in common.
    pub async fn base(&self, one: ObjectId, other: ObjectId) -> Result<ObjectId, Error> {
        let (one, other) = (one.to_string(), other.to_string());
        let arguments = ["merge-base", "--end-of-options", &one, &other];
        let ended = self.git.ended(self.call("compare histories", &arguments)).await?;
        ObjectId::from_hex(ended.output.trim_ascii()).ok_or_else(|| Error::NotThere {
            what: format!("a commit that {one} and {other} both come from"),
            problem: "is not in the repository".to_owned(),
        })
    }

    /// A commit by its id.
    ///
    /// # Errors
    /// There is no such commit.
    pub async fn commit(&mut self, id: ObjectId) -> Result<Commit, Error> {
        let objects = self.read(&[id], LARGEST_COMMIT).await?;
        match objects.first() {
            Some((Kind::Commit, content)) => Commit::read(id, content),
            _ => Err(Error::NotThere {
                what: format!("commit {id}"),
                problem: "is something else".to_owned(),
            }),
        }
    }

    /// Everything that a commit holds, by name.
    ///
    /// # Errors
    /// There is no such commit, or it holds too much.
    pub async fn snapshot(&mut self, commit: ObjectId) -> Result<Snapshot, Error> {
        let tree = self.commit(commit).await?.tree;
        let list = ["ls-tree", "-r", "-t", "-z", "--full-tree", &tree.to_string()];
        let list = self.git.run(self.call(format!("list {commit}"), &list)).await?;
        let mut snapshot = Snapshot::from_list(commit, tree, &list)?;
        let questions = snapshot.questions()?;
        for some in questions.chunks(AT_ONCE) {
            let ids: Vec<ObjectId> = some.iter().map(|question| question.id).collect();
            let answers = self.read(&ids, LONGEST_CHART_YAML).await?;
            for (question, (_, content)) in some.iter().zip(answers) {
                snapshot.answer(question, Some(&content));
            }
        }
        Ok(snapshot)
    }

    /// The files of the chart in a folder, for `chart::load::files`.
    ///
    /// # Errors
    /// There is no such folder, a link leads out of the repository, or it is too large.
    pub async fn chart(&mut self, snapshot: &Snapshot, folder: &str) -> Result<Exported, Error> {
        let mut plan = self.planned(snapshot, folder).await?;
        for (name, dependency) in export::missing(snapshot, folder) {
            match self.planned(snapshot, &dependency).await {
                Ok(files) => plan.put(&["charts", &name], files),
                // The chart's own check of its dependencies tells what is missing, in Helm's words.
                Err(Error::NotThere { what, problem }) => plan.skipped.push(format!("{what} {problem}")),
                Err(error) => return Err(error),
            }
        }
        let (names, ids): (Vec<_>, Vec<_>) = plan.files.into_iter().unzip();
        let mut files = Vec::with_capacity(names.len());
        let mut size = 0;
        for (names, ids) in names.chunks(AT_ONCE).zip(ids.chunks(AT_ONCE)) {
            for (name, (_, content)) in names.iter().zip(self.read(ids, export::LARGEST_FILE).await?) {
                size += content.len();
                files.push(export::file(name, &content));
            }
            if size > export::LARGEST_CHART {
                return Err(Error::Content {
                    what: format!("{folder:?} in {}", snapshot.commit()),
                    problem: format!("has more than {} bytes", export::LARGEST_CHART),
                });
            }
        }
        let skipped = plan.skipped;
        Ok(Exported { files, skipped })
    }

    /// One file by its path, as a values file is.
    ///
    /// # Errors
    /// There is no such file, or it is too large.
    pub async fn file(&mut self, snapshot: &Snapshot, path: &str) -> Result<Bytes, Error> {
        let entry = export::single(snapshot, path)?;
        let objects = self.read(&[entry.id], export::LARGEST_FILE).await?;
        Ok(objects
            .into_iter()
            .next()
            .map(|(_, content)| content)
            .unwrap_or_default())
    }

    async fn planned(&mut self, snapshot: &Snapshot, folder: &str) -> Result<export::Plan, Error> {
        let mut plan = export::folder(snapshot, folder)?;
        if let Some(id) = plan.ignore_file() {
            let text = self.read(&[id], LONGEST_CHART_YAML).await?;
            let text = text
                .first()
                .map(|(_, content)| content.clone())
                .unwrap_or_default();
            plan.without_ignored(&text, folder)?;
        }
        Ok(plan)
    }

    async fn references(&self, which: &[&str]) -> Result<Vec<(RefName, ObjectId)>, Error> {
        let most = format!("--count={}", MOST_BRANCHES + 1);
        let mut arguments = vec!["for-each-ref", "--format=%(objectname) %(refname)", &most];
        arguments.extend(which);
        let list = self.git.run(self.call("list references", &arguments)).await?;
        let list = String::from_utf8_lossy(&list);
        let line = |line: &str| {
            let (id, name) = line.split_once(' ')?;
            // A name that we would not pass on is one that nobody needs.
            Some((RefName::parse(name).ok()?, ObjectId::from_hex(id.as_bytes())?))
        };
        let references: Vec<_> = list.lines().filter_map(line).collect();
        if references.len() > MOST_BRANCHES {
            return Err(Error::Content {
                what: self.remote.to_string(),
                problem: format!("has more than {MOST_BRANCHES} branches"),
            });
        }
        Ok(references)
    }

    /// Reads objects in order. A read that fails or is dropped takes its process along.
    async fn read(&mut self, ids: &[ObjectId], limit: usize) -> Result<Vec<(Kind, Bytes)>, Error> {
        let mut batch = match self.batch.take() {
            Some(batch) => batch,
            None => Batch::start(&self.git, &self.folder)?,
        };
        let objects = batch.read(ids, limit).await?;
        self.batch = Some(batch);
        Ok(objects)
    }

    /// Begins to write. A run that was killed or dropped before has left locks, which would stop every later one.
    fn begin(&mut self) -> Result<(), Error> {
        if self.in_doubt {
            unlock(&self.folder).map_err(|source| Error::Git {
                task: format!("use the folder {}", self.folder.display()),
                problem: source.to_string(),
            })?;
        }
        self.in_doubt = true;
        Ok(())
    }

    fn call<S: AsRef<str>>(&self, task: impl Into<String>, arguments: &[S]) -> Call<'_> {
        Call::new(task, &self.folder, arguments)
    }

    /// An older git passes over settings that it does not know, among them those that keep it safe.
    async fn must_be_new_enough(&self) -> Result<(), Error> {
        let version = self.git.run(self.call("run", &["version"])).await?;
        let version = String::from_utf8_lossy(&version).trim().to_owned();
        if is_new_enough(&version) {
            return Ok(());
        }
        Err(Error::Git {
            task: "serve".to_owned(),
            problem: format!("{version:?} is not {}.{} or newer", OLDEST_GIT.0, OLDEST_GIT.1),
        })
    }

    async fn is_sound(&self) -> Result<bool, Error> {
        if !self.folder.join(REPOSITORY).is_dir() {
            return Ok(false);
        }
        let question = self.call("look at the cache", &["rev-parse", "--is-bare-repository"]);
        let ended = self.git.ended(question).await?;
        Ok(ended.status.success() && ended.output.trim_ascii() == b"true")
    }

    /// Makes an empty clone in the place of whatever is there.
    async fn make(&mut self, format: &str) -> Result<(), Error> {
        self.batch = None;
        let place = self.folder.join(REPOSITORY);
        if place.exists() {
            fs::remove_dir_all(&place).map_err(|source| Error::Git {
                task: format!("remove {}", place.display()),
                problem: source.to_string(),
            })?;
        }
        let format = format!("--object-format={format}");
        // Without a template there are no hooks, no description, nothing that somebody put into the system's.
        let arguments = [
            "init",
            "--quiet",
            "--bare",
            "--template=",
            "--initial-branch=main",
            &format,
        ];
        self.git.run(self.call("make the cache", &arguments)).await?;
        Ok(())
    }
}

/// `git version 2.47.3`, with more behind it on some systems.
fn is_new_enough(version: &str) -> bool {
    let numbers = version.trim_start_matches("git version ").split('.');
    let numbers: Vec<u32> = numbers.map_while(|number| number.parse().ok()).collect();
    matches!(numbers[..], [major, minor, ..] if (major, minor) >= OLDEST_GIT)
}

/// What only a file of settings can say: git takes no word for it from its environment.
fn settings(remote: &Remote, folder: &Path) -> String {
    let mut places = vec![folder.join(REPOSITORY)];
    if remote.scheme() == Scheme::File {
        let place = Path::new(remote.path());
        places.extend([place.to_owned(), place.join(".git")]);
        places.extend(
            place
                .canonicalize()
                .ok()
                .into_iter()
                .flat_map(|real| [real.join(".git"), real]),
        );
    }
    let line = |place: &PathBuf| {
        let place = place.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
        format!("\tdirectory = \"{place}\"\n")
    };
    format!("[safe]\n{}", places.iter().map(line).collect::<String>())
}

/// Removes keys that a kill left.
fn forget_keys(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(FOLDER_PREFIX) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Removes the locks and halves of packs of a git that was killed. The folder is ours alone, and nothing runs in it.
fn unlock(folder: &Path) -> std::io::Result<()> {
    let repository = folder.join(REPOSITORY);
    let mut waiting = vec![(repository.clone(), 0)];
    while let Some((place, depth)) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&place) else {
            continue;
        };
        for entry in entries.flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let is_lock = entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "lock");
            if is_folder && depth < DEEPEST_LOCK && entry.file_name() != "objects" {
                waiting.push((entry.path(), depth + 1));
            } else if !is_folder && is_lock {
                fs::remove_file(entry.path())?;
            }
        }
    }
    let Ok(packs) = fs::read_dir(repository.join("objects/pack")) else {
        return Ok(());
    };
    for entry in packs.flatten() {
        if entry.file_name().to_string_lossy().starts_with("tmp_") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_git_are_compared_by_number() {
        for (version, expected) in [
            ("git version 2.47.3", true),
            ("git version 2.36.0.windows.1", true),
            ("git version 2.39.5 (Apple Git-154)", true),
            ("git version 3.0.0-rc1", true),
            ("git version 2.9.5", false),
            ("git version 1.99.0", false),
            ("hub version 3.0", false),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }
}
