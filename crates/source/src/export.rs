//! Which files of a commit make a chart, as `chart::load` takes them.
//!
//! ```text
//! the chart's folder, links followed ─┐
//! file:// dependencies, as charts/… ──┴─► .helmignore ──► (name, object) ──read──► chart::File
//! ```
//!
//! Pure: reading is the repository's. A `file://` dependency that is not in `charts/` yet is put there, as
//! `helm dependency build` would; one level deep, as there, and without looking at its version. Links may lead anywhere
//! in the repository and nowhere else. Submodules stay empty, as in a checkout without them.

use std::collections::BTreeMap;

use chart::File;
use chart::load::ignore::{self, Rules};

use crate::error::Error;
use crate::id::ObjectId;
use crate::snapshot::{Entry, Kind, Snapshot, join};

/// Files of one chart with its dependencies. Real ones stay below 2,000.
pub const MOST_FILES: usize = 20_000;

/// Helm's limit on one file.
pub const LARGEST_FILE: usize = 5 * 1024 * 1024;

/// All files together, in memory. A release's record holds 1 MiB.
pub const LARGEST_CHART: usize = 64 * 1024 * 1024;

/// Links to folders within folders that links lead to.
const MOST_LINKED: usize = 16;

/// The files of a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// In the order in which a folder is read.
    pub files: Vec<File>,
    /// What was left out, in words.
    pub skipped: Vec<String>,
}

/// Which objects become which files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) files: BTreeMap<Vec<String>, ObjectId>,
    pub(crate) skipped: Vec<String>,
}

/// Lists the files of a folder, links followed, by the parts of their names.
///
/// # Errors
/// It is no folder, a link leads nowhere or out of the repository, or there are too many files.
pub(crate) fn folder(snapshot: &Snapshot, folder: &str) -> Result<Plan, Error> {
    let refuse = |problem: String| Error::Content {
        what: format!("{folder:?} in {}", snapshot.commit()),
        problem,
    };
    let absent = |problem: String| Error::NotThere {
        what: format!("{folder:?} in {}", snapshot.commit()),
        problem: format!("is no folder: {problem}"),
    };
    let (real, entry) = snapshot.follow(folder).map_err(absent)?;
    if entry.kind != Kind::Folder {
        return Err(absent("it is a file".to_owned()));
    }
    let mut plan = Plan::default();
    let mut waiting = vec![(real, Vec::new(), 0)];
    while let Some((real, prefix, depth)) = waiting.pop() {
        for (path, entry) in snapshot.below(&real) {
            let rest = path[real.len()..].trim_start_matches('/');
            let name: Vec<String> = prefix
                .iter()
                .cloned()
                .chain(rest.split('/').map(str::to_owned))
                .collect();
            let (target, entry) = match entry.kind {
                Kind::Link => snapshot
                    .follow(path)
                    .map(|(target, entry)| (Some(target), entry))
                    .map_err(|problem| refuse(format!("can't be read: {problem}")))?,
                _ => (None, entry),
            };
            match (entry.kind, target) {
                (Kind::Folder, None) => {}
                (Kind::Folder, Some(_)) if depth >= MOST_LINKED => {
                    return Err(refuse(format!("has links in a circle at {path:?}")));
                }
                (Kind::Folder, Some(target)) => waiting.push((target, name, depth + 1)),
                (Kind::Submodule, _) => plan
                    .skipped
                    .push(format!("{path} is a submodule; it stays empty")),
                (Kind::File | Kind::Program | Kind::Link, _) => drop(plan.files.insert(name, entry.id)),
            }
            if plan.files.len() > MOST_FILES || waiting.len() > MOST_FILES {
                return Err(refuse(format!("has more than {MOST_FILES} files")));
            }
        }
    }
    Ok(plan)
}

/// The `file://` dependencies of a chart that its `charts/` lacks: their names and folders.
pub(crate) fn missing(snapshot: &Snapshot, folder: &str) -> Vec<(String, String)> {
    let Some(chart) = snapshot.chart(folder) else {
        return Vec::new();
    };
    let is_there = |name: &str| {
        let Some(place) = join(folder, "charts") else {
            return true;
        };
        snapshot.below(&place).any(|(path, _)| {
            let rest = path[place.len()..].trim_start_matches('/');
            let packed = rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
            rest == name || packed && rest.ends_with(".tgz") && !rest.contains('/')
        })
    };
    let local = chart.dependencies.iter().filter_map(|dependency| {
        let folder = dependency.folder.clone()?;
        let is_plain = !dependency.name.is_empty() && !dependency.name.contains(['/', '\\']);
        (is_plain && !is_there(&dependency.name)).then(|| (dependency.name.clone(), folder))
    });
    local.collect()
}

impl Plan {
    /// The object of `.helmignore`, which has to be read first.
    pub(crate) fn ignore_file(&self) -> Option<ObjectId> {
        self.files.get(&vec![ignore::FILE.to_owned()]).copied()
    }

    /// Takes out what `.helmignore` names.
    ///
    /// # Errors
    /// A pattern in it that is none.
    pub(crate) fn without_ignored(&mut self, text: &[u8], place: &str) -> Result<(), Error> {
        let rules = Rules::parse(&String::from_utf8_lossy(text)).map_err(|source| Error::Content {
            what: format!("{place}/{}", ignore::FILE),
            problem: format!("can't be read: {source}"),
        })?;
        self.files.retain(|name, _| {
            let above = (1..name.len()).map(|length| name[..length].join("/"));
            !above.into_iter().any(|folder| rules.ignores(&folder, true))
                && !rules.ignores(&name.join("/"), false)
        });
        Ok(())
    }

    /// Adds another plan's files below a folder.
    pub(crate) fn put(&mut self, below: &[&str], other: Plan) {
        let prefix = below.iter().map(|part| (*part).to_owned());
        let files = other.files.into_iter();
        self.files
            .extend(files.map(|(name, id)| (prefix.clone().chain(name).collect(), id)));
        self.skipped.extend(other.skipped);
    }
}

/// A file as the loader of folders would have read it.
pub(crate) fn file(name: &[String], content: &[u8]) -> File {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    File {
        name: name.join("/").into(),
        data: content.into(),
    }
}

/// The file at a path, links followed.
///
/// # Errors
/// There is none.
pub(crate) fn single(snapshot: &Snapshot, path: &str) -> Result<Entry, Error> {
    let absent = |problem: String| Error::NotThere {
        what: format!("{path:?} in {}", snapshot.commit()),
        problem: format!("is no file: {problem}"),
    };
    let (real, entry) = snapshot.follow(path).map_err(absent)?;
    match entry.kind {
        Kind::File | Kind::Program => Ok(entry),
        _ => Err(absent(format!("{real:?} is something else"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::tests::snapshot;

    const CHART: &str = "{apiVersion: v2, name: x, version: 1.0.0, dependencies: [{name: lib, version: 1, repository: \
                         'file://../lib'}]}";

    fn names(plan: &Plan) -> Vec<String> {
        plan.files.keys().map(|name| name.join("/")).collect()
    }

    #[test]
    fn links_become_what_they_lead_to_and_order_is_that_of_folders() {
        let files = [
            ("x/Chart.yaml", CHART),
            ("x/a/z", ""),
            ("x/a-b", ""),
            ("x/shared@", "../shared"),
            ("x/one@", "../shared/deep/1"),
            ("shared/deep/1", "1"),
            ("shared/up@", "../top"),
            ("top/2", "2"),
        ];
        let plan = folder(&snapshot(&files), "x").unwrap();
        assert_eq!(
            names(&plan),
            ["Chart.yaml", "a/z", "a-b", "one", "shared/deep/1", "shared/up/2"]
        );
    }

    #[test]
    fn links_out_of_the_repository_and_circles_are_refused() {
        for (target, problem) in [
            ("/etc", "out of the repository"),
            ("..", "circle"),
            ("../../x", "out of"),
        ] {
            let snapshot = snapshot(&[("x/Chart.yaml", CHART), ("x/link@", target)]);
            let said = folder(&snapshot, "x").unwrap_err().to_string();
            assert!(said.contains(problem), "{target}: {said}");
        }
        let snapshot = snapshot(&[("x/Chart.yaml", CHART)]);
        assert!(folder(&snapshot, "y").is_err());
        assert!(folder(&snapshot, "x/Chart.yaml").is_err());
    }

    #[test]
    fn ignored_folders_take_all_in_them_along() {
        let files = [
            ("x/Chart.yaml", ""),
            ("x/ci/a.yaml", ""),
            ("x/b.bak", ""),
            ("x/t/c.bak", ""),
            ("x/t/d", ""),
        ];
        let mut plan = folder(&snapshot(&files), "x").unwrap();
        plan.without_ignored(b"ci/\n*.bak\n", "x").unwrap();
        assert_eq!(names(&plan), ["Chart.yaml", "t/d"]);
        assert!(plan.without_ignored(b"a[\n", "x").is_err());
    }

    #[test]
    fn dependencies_that_are_not_in_charts_yet_are_missing() {
        let lib = ("lib/Chart.yaml", "{name: lib, version: 1.0.0}");
        let one = [("lib".to_owned(), "lib".to_owned())];
        for (there, expected) in [
            (None, &one[..]),
            (Some("x/charts/lib-1.0.0.tgz"), &[]),
            (Some("x/charts/lib/Chart.yaml"), &[]),
            (Some("x/charts/library/Chart.yaml"), &one[..]),
        ] {
            let mut files = vec![("x/Chart.yaml", CHART), lib];
            files.extend(there.map(|path| (path, "")));
            assert_eq!(missing(&snapshot(&files), "x"), expected, "{there:?}");
        }
    }
}
