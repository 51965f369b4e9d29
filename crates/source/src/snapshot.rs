//! Everything that a commit holds, by name and content, without the content itself.
//!
//! ```text
//! ls-tree ──► entries ──► which files tell more ──► links, charts with their dependencies
//! ```
//!
//! A value that two commits are compared by. It reads nothing itself: [`Snapshot::questions`] says which objects have to
//! be read, [`Snapshot::answer`] takes them.

use std::collections::BTreeMap;
use std::fmt;

use chart::Metadata;

use crate::error::Error;
use crate::id::ObjectId;

/// Above the largest repositories of charts by far; each takes some 200 bytes.
pub const MOST_ENTRIES: usize = 200_000;

/// Charts in one repository. The largest public collections have some 300.
pub const MOST_CHARTS: usize = 2_000;

/// Links whose targets are read.
const MOST_LINKS: usize = 10_000;

/// No target of a link is longer, and no `Chart.yaml` should be.
const LONGEST_LINK: usize = 4_096;
pub(crate) const LONGEST_CHART_YAML: usize = 1024 * 1024;

/// How often a link may lead to a link.
const MOST_HOPS: usize = 16;

/// What something in a commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Folder,
    File,
    /// A file that may be run.
    Program,
    Link,
    /// A commit of another repository, which is never fetched.
    Submodule,
}

/// Something in a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub kind: Kind,
    pub id: ObjectId,
}

/// A folder with a `Chart.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalChart {
    pub name: String,
    pub version: String,
    /// The dependencies that are folders of the same repository.
    pub dependencies: Vec<LocalDependency>,
    /// Why its `Chart.yaml` can't be read; its dependencies are not known then.
    pub problem: Option<String>,
}

/// A dependency that is a folder of the same repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalDependency {
    pub name: String,
    /// The folder, from the root of the repository; `None` if it leads out of it.
    pub folder: Option<String>,
}

/// A commit's content by name.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    commit: ObjectId,
    /// By path without a slash at either end; the root is "".
    entries: BTreeMap<String, Entry>,
    links: BTreeMap<String, String>,
    charts: BTreeMap<String, LocalChart>,
    /// Names that no file should have, and that are passed over.
    odd: usize,
}

/// What has to be read to know a snapshot wholly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    path: String,
    pub id: ObjectId,
    is_link: bool,
}

impl Snapshot {
    /// Reads what `git ls-tree -r -t -z` printed for a commit with this tree.
    ///
    /// # Errors
    /// More entries than [`MOST_ENTRIES`], or something else than such a list.
    pub fn from_list(commit: ObjectId, tree: ObjectId, list: &[u8]) -> Result<Self, Error> {
        let root = Entry {
            kind: Kind::Folder,
            id: tree,
        };
        let mut entries = BTreeMap::from([(String::new(), root)]);
        let mut odd = 0;
        for line in list.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let (path, entry) = entry(line).ok_or_else(|| Error::Content {
                what: format!("the tree of {commit}"),
                problem: "is not as git prints one".to_owned(),
            })?;
            match path {
                Some(path) => drop(entries.insert(path.to_owned(), entry)),
                None => odd += 1,
            }
            if entries.len() > MOST_ENTRIES {
                return Err(Error::Content {
                    what: format!("commit {commit}"),
                    problem: format!("has more than {MOST_ENTRIES} files and folders"),
                });
            }
        }
        Ok(Self {
            commit,
            entries,
            links: BTreeMap::new(),
            charts: BTreeMap::new(),
            odd,
        })
    }

    /// The files that have to be read: links, and what describes charts.
    ///
    /// # Errors
    /// More of them than any repository should have.
    pub fn questions(&self) -> Result<Vec<Question>, Error> {
        let (mut links, mut charts, mut questions) = (0, 0, Vec::new());
        for (path, entry) in &self.entries {
            let is_link = entry.kind == Kind::Link;
            let name = path.rsplit('/').next().unwrap_or(path);
            let is_file = matches!(entry.kind, Kind::File | Kind::Program);
            let is_chart = is_file && matches!(name, "Chart.yaml" | "requirements.yaml");
            if !(is_link || is_chart) {
                continue;
            }
            links += usize::from(is_link);
            charts += usize::from(!is_link);
            questions.push(Question {
                path: path.clone(),
                id: entry.id,
                is_link,
            });
        }
        let too_many = |what: &str, most: usize| Error::Content {
            what: format!("commit {}", self.commit),
            problem: format!("has more than {most} {what}"),
        };
        if links > MOST_LINKS {
            return Err(too_many("links", MOST_LINKS));
        }
        // Charts within charts count: their files have to be read all the same.
        if charts > 4 * MOST_CHARTS {
            return Err(too_many("charts", MOST_CHARTS));
        }
        Ok(questions)
    }

    /// Takes what a question's file holds; `None` if it is too large to be what it should be.
    pub fn answer(&mut self, question: &Question, content: Option<&[u8]>) {
        if question.is_link {
            let target = content.filter(|target| target.len() <= LONGEST_LINK);
            let target = target.and_then(|target| std::str::from_utf8(target).ok());
            if let Some(target) = target {
                self.links.insert(question.path.clone(), target.to_owned());
            }
            return;
        }
        let (folder, name) = split(&question.path);
        let folder = folder.to_owned();
        let chart = self.charts.entry(folder.clone()).or_default();
        match content.map(|content| described(content, &folder)) {
            Some(Ok(read)) => {
                if name == "Chart.yaml" {
                    chart.name = read.name;
                    chart.version = read.version;
                }
                chart.dependencies.extend(read.dependencies);
            }
            Some(Err(problem)) => chart.problem = Some(format!("{name}: {problem}")),
            None => chart.problem = Some(format!("{name}: larger than {LONGEST_CHART_YAML} bytes")),
        }
    }

    pub fn commit(&self) -> ObjectId {
        self.commit
    }

    /// How many names were passed over because no file should have them (`..`, `.git`, not UTF-8).
    pub fn odd(&self) -> usize {
        self.odd
    }

    /// What is at a path, links not followed.
    pub fn entry(&self, path: &str) -> Option<Entry> {
        self.entries.get(path).copied()
    }

    /// Everything below a folder, with paths from the root, in order.
    pub fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, Entry)> + use<'a> {
        let prefix = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        self.entries
            .range(prefix.clone()..)
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .filter(|(path, _)| !path.is_empty())
            .map(|(path, entry)| (path.as_str(), *entry))
    }

    /// What is at a path once all links on the way are followed, with its real path.
    ///
    /// # Errors
    /// Why it is nowhere: a link that leads out of the repository, to nothing, or round in a circle.
    pub fn follow(&self, path: &str) -> Result<(String, Entry), String> {
        let mut path = path.to_owned();
        for _ in 0..MOST_HOPS {
            let Some(link) = self.first_link(&path) else {
                let entry = self
                    .entries
                    .get(&path)
                    .ok_or_else(|| format!("{path:?} is not there"))?;
                return Ok((path, *entry));
            };
            let target = self
                .links
                .get(link)
                .ok_or_else(|| format!("{link:?} leads nowhere"))?;
            let rest = path[link.len()..].trim_start_matches('/');
            let (folder, _) = split(link);
            let real = (!target.starts_with('/')).then(|| join(folder, target)).flatten();
            let real = real.ok_or_else(|| format!("the link {link:?} leads out of the repository"))?;
            path = join(&real, rest).unwrap_or(real);
        }
        Err(format!("{path:?} goes through more than {MOST_HOPS} links"))
    }

    /// The charts below any of the folders; no folders are the whole repository. A chart inside another's `charts/` is a
    /// part of that one.
    pub fn charts<'a>(&'a self, folders: &'a [String]) -> impl Iterator<Item = (&'a str, &'a LocalChart)> {
        let is_wanted = move |folder: &str| {
            folders.is_empty() || folders.iter().any(|wanted| is_within(folder, clean(wanted)))
        };
        self.charts
            .iter()
            .filter(move |(folder, _)| self.is_chart(folder) && is_wanted(folder) && !self.is_part(folder))
            .map(|(folder, chart)| (folder.as_str(), chart))
            .take(MOST_CHARTS)
    }

    /// The chart in a folder, wherever the folder is.
    pub fn chart(&self, folder: &str) -> Option<&LocalChart> {
        self.charts.get(folder).filter(|_| self.is_chart(folder))
    }

    fn is_chart(&self, folder: &str) -> bool {
        let file = join(folder, "Chart.yaml").and_then(|path| self.entry(&path));
        file.is_some_and(|entry| matches!(entry.kind, Kind::File | Kind::Program))
    }

    /// Whether a folder is a subchart: `…/charts/NAME` of a chart, at any depth.
    fn is_part(&self, folder: &str) -> bool {
        let parts: Vec<&str> = folder.split('/').collect();
        let owners = (0..parts.len()).filter(|index| parts[*index] == "charts" && *index + 1 < parts.len());
        owners
            .into_iter()
            .any(|index| self.is_chart(&parts[..index].join("/")))
    }

    /// The first part of a path that is a link.
    fn first_link<'a>(&self, path: &'a str) -> Option<&'a str> {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let mut starts = ends.map(|end| &path[..end]);
        starts.find(|start| {
            self.entries
                .get(*start)
                .is_some_and(|entry| entry.kind == Kind::Link)
        })
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Snapshot");
        shown
            .field("commit", &self.commit)
            .field("entries", &self.entries.len());
        shown.field("charts", &self.charts).finish_non_exhaustive()
    }
}

/// A path as it stands in a spec, without `./` and slashes around it.
pub fn clean(path: &str) -> &str {
    let path = path.trim_matches('/');
    let path = path.strip_prefix("./").unwrap_or(path);
    if path == "." { "" } else { path }
}

/// A path from a folder on, with `.` and `..` resolved; `None` if it leads above the root.
pub fn join(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

pub(crate) fn is_within(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder);
    folder.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// One entry: `100644 blob ID<tab>PATH`. No path if it has a name that no file should have.
fn entry(line: &[u8]) -> Option<(Option<&str>, Entry)> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let head = std::str::from_utf8(&line[..tab]).ok()?;
    let mut words = head.split(' ');
    let kind = match words.next()? {
        "040000" => Kind::Folder,
        "100755" => Kind::Program,
        "120000" => Kind::Link,
        "160000" => Kind::Submodule,
        mode if mode.starts_with("100") => Kind::File,
        _ => return None,
    };
    let id = ObjectId::from_hex(words.nth(1)?.as_bytes())?;
    let path = std::str::from_utf8(&line[tab + 1..]).ok();
    Some((
        path.filter(|path| path.split('/').all(is_fit)),
        Entry { kind, id },
    ))
}

/// A tree made by hand can hold any name; these would lead somewhere else once they are written to a disk.
fn is_fit(part: &str) -> bool {
    let is_special = matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
    !is_special && !part.contains(['\\', '\0'])
}

/// What a `Chart.yaml` or `requirements.yaml` says of the folders it needs.
fn described(content: &[u8], folder: &str) -> Result<LocalChart, String> {
    let document = yaml::read(content, yaml::Numbers::Kept).map_err(|error| error.to_string())?;
    let mut metadata = Metadata::default();
    metadata.fill(&document).map_err(|error| error.to_string())?;
    let local = metadata.dependencies().filter_map(|dependency| {
        let path = dependency.repository.strip_prefix("file://")?;
        Some(LocalDependency {
            name: dependency.name.clone(),
            folder: (!path.starts_with('/')).then(|| join(folder, path)).flatten(),
        })
    });
    Ok(LocalChart {
        dependencies: local.collect(),
        name: metadata.name.clone(),
        version: metadata.version.clone(),
        problem: None,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A snapshot from paths with their content; the id of a file is made from it, that of a folder from all in it.
    pub(crate) fn snapshot(files: &[(&str, &str)]) -> Snapshot {
        use sha2::{Digest as _, Sha256};
        let id = |text: &str| {
            let sum = Sha256::digest(text.as_bytes());
            sum.iter()
                .take(20)
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        let mut list = Vec::new();
        let mut folders: BTreeMap<&str, String> = BTreeMap::new();
        for (path, content) in files {
            let (mode, path) = match path.strip_suffix('@') {
                Some(path) => ("120000", path),
                None => ("100644", *path),
            };
            list.extend(format!("{mode} blob {}\t{path}\0", id(content)).into_bytes());
            let above = path.match_indices('/').map(|(end, _)| &path[..end]);
            for folder in above.chain([""]) {
                *folders.entry(folder).or_default() += &format!("{path}={content};");
            }
        }
        for (folder, all) in &folders {
            list.extend(format!("040000 tree {}\t{folder}\0", id(all)).into_bytes());
        }
        let root = id(folders.get("").map_or("", String::as_str));
        let list = String::from_utf8(list)
            .unwrap()
            .replace(&format!("040000 tree {root}\t\0"), "");
        let root: ObjectId = root.parse().unwrap();
        let mut snapshot = Snapshot::from_list(root, root, list.as_bytes()).unwrap();
        for question in snapshot.questions().unwrap() {
            let found = files
                .iter()
                .find(|(path, _)| path.trim_end_matches('@') == question.path);
            snapshot.answer(&question, found.map(|(_, content)| content.as_bytes()));
        }
        snapshot
    }

    fn charts(snapshot: &Snapshot, folders: &[&str]) -> String {
        let folders: Vec<String> = folders.iter().map(|folder| (*folder).to_owned()).collect();
        let charts = snapshot.charts(&folders).map(|(folder, _)| format!("{folder:?}"));
        charts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn charts_are_folders_with_a_chart_yaml_that_are_no_part_of_another() {
        let chart = "{apiVersion: v2, name: x, version: 1.0.0}";
        let files = [
            ("charts/api/Chart.yaml", chart),
            ("charts/api/charts/sub/Chart.yaml", chart),
            ("charts/api/charts/sub/charts/deep/Chart.yaml", chart),
            ("charts/web/Chart.yaml", chart),
            ("chartsy/Chart.yaml", chart),
            ("old/requirements.yaml", "dependencies: []"),
            ("README.md", ""),
        ];
        let snapshot = snapshot(&files);
        assert_eq!(charts(&snapshot, &[]), r#""charts/api" "charts/web" "chartsy""#);
        assert_eq!(charts(&snapshot, &["charts/"]), r#""charts/api" "charts/web""#);
        assert_eq!(charts(&snapshot, &["./charts/web", "none"]), r#""charts/web""#);
    }

    #[test]
    fn the_whole_repository_can_be_one_chart() {
        let files = [
            ("Chart.yaml", "{name: x, version: 1.0.0}"),
            ("charts/sub/Chart.yaml", "{name: s}"),
        ];
        assert_eq!(charts(&snapshot(&files), &[]), r#""""#);
    }

    #[test]
    fn dependencies_in_folders_are_known() {
        let text = "{apiVersion: v2, name: api, version: 1.0.0, dependencies: [{name: lib, version: 1, repository: \
                    'file://../lib'}, {name: out, repository: 'file://../../../x'}, {name: r, repository: 'https://h'}]}";
        let snapshot = snapshot(&[("charts/api/Chart.yaml", text), ("charts/bad/Chart.yaml", "{: [")]);
        let api = snapshot.chart("charts/api").unwrap();
        let folders: Vec<_> = api
            .dependencies
            .iter()
            .map(|each| (each.name.as_str(), each.folder.as_deref()))
            .collect();
        assert_eq!(folders, [("lib", Some("charts/lib")), ("out", None)]);
        assert!(snapshot.chart("charts/bad").unwrap().problem.is_some());
    }

    #[test]
    fn links_are_followed_within_the_repository() {
        let files = [
            ("shared/values.yaml", "a: 1"),
            ("api/shared@", "../shared"),
            ("api/out@", "../../etc/passwd"),
            ("api/abs@", "/etc/passwd"),
            ("api/round@", "round"),
            ("api/none@", "nothing"),
        ];
        let snapshot = snapshot(&files);
        assert_eq!(
            snapshot.follow("api/shared/values.yaml").unwrap().0,
            "shared/values.yaml"
        );
        for (path, problem) in [
            ("api/out", "out of the repository"),
            ("api/abs", "out of the repository"),
            ("api/round", "more than 16 links"),
            ("api/none", "is not there"),
        ] {
            let said = snapshot.follow(path).unwrap_err();
            assert!(said.contains(problem), "{said}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_passed_over() {
        let id = "a".repeat(40);
        let names = [
            "../x",
            "a/../b",
            "a//b",
            ".git/config",
            "a/.GIT/hooks",
            "c\\d",
            "fine",
        ];
        let list: String = names
            .iter()
            .map(|name| format!("100644 blob {id}\t{name}\0"))
            .collect();
        let id: ObjectId = id.parse().unwrap();
        let mut list = list.into_bytes();
        list.extend(b"100644 blob aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\t\xff\0");
        let snapshot = Snapshot::from_list(id, id, &list).unwrap();
        assert_eq!(snapshot.odd(), 7);
        assert_eq!(
            snapshot.below("").map(|(path, _)| path).collect::<Vec<_>>(),
            ["fine"]
        );
        assert!(Snapshot::from_list(id, id, b"nonsense\0").is_err());
    }
}
