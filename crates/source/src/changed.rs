//! Which charts a commit changes, by content.
//!
//! ```text
//! chart ──► its folder, what links in it lead to, its file:// dependencies and theirs, values files outside of it
//!           each with the id of its content, in the old and in the new commit ──► the differences
//! ```
//!
//! Pure. A chart that is moved is one removed and one added; a file that `.helmignore` names counts, for whoever changes
//! it can't be told from whoever changes `.helmignore`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kinds::ApplicationSpec;
use model::Digest;
use sha2::{Digest as _, Sha256};

use crate::id::ObjectId;
use crate::snapshot::{Kind, Snapshot, clean, is_within, join};

/// Dependencies of dependencies, all together. More than a few are a mistake, and a circle ends by itself.
const MOST_DEPENDENCIES: usize = 256;

/// An application's use of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// `tenant-namespace/name`, or whatever the caller tells applications apart by.
    pub application: String,
    /// The chart's folder.
    pub folder: String,
    /// Files with values, as paths from the chart's folder.
    pub values_files: Vec<String>,
}

/// A chart that is not the same in two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedChart {
    pub folder: String,
    /// The applications that use it.
    pub applications: Vec<String>,
    /// Why it counts as changed; never empty.
    pub reasons: Vec<Reason>,
}

/// Why a chart counts as changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    Added,
    Removed,
    /// Something in its folder.
    Folder,
    /// What a link in its folder leads to.
    Link(String),
    /// A folder that it depends on, itself or through others.
    Dependency(String),
    /// A values file outside of its folder.
    ValuesFile(String),
}

impl Use {
    /// What an application's spec says.
    pub fn of(application: &str, spec: &ApplicationSpec) -> Self {
        let stages = spec.stages.iter();
        let files: BTreeSet<&String> = stages.flat_map(|stage| &stage.values_files).collect();
        Self {
            application: application.to_owned(),
            folder: clean(&spec.chart.path).to_owned(),
            values_files: files.into_iter().cloned().collect(),
        }
    }
}

/// Compares two commits, and names the charts below `folders` that differ, in order.
///
/// Guarantees: a chart whose rendering could differ is named; charts that are the same in both commits are not.
pub fn changed(old: &Snapshot, new: &Snapshot, folders: &[String], uses: &[Use]) -> Vec<ChangedChart> {
    let charts: BTreeSet<&str> = old
        .charts(folders)
        .chain(new.charts(folders))
        .map(|(folder, _)| folder)
        .collect();
    let compare = |folder: &str| {
        let uses: Vec<&Use> = uses.iter().filter(|each| clean(&each.folder) == folder).collect();
        let reasons = reasons(old, new, folder, &uses);
        (!reasons.is_empty()).then(|| ChangedChart {
            folder: folder.to_owned(),
            applications: uses.iter().map(|each| each.application.clone()).collect(),
            reasons,
        })
    };
    charts.into_iter().filter_map(compare).collect()
}

/// What a chart is made of, as one sum: two commits in which it is the same have the same chart for this use of it.
/// `None` where there is no chart.
pub fn content(snapshot: &Snapshot, each: &Use) -> Option<Digest> {
    let folder = clean(&each.folder);
    snapshot.chart(folder)?;
    let mut sum = Sha256::new();
    for (part, id) in footprint(snapshot, folder, &[each]) {
        sum.update(format!("{part:?} {id:?}\n"));
    }
    Some(Digest::from_sha256(sum.finalize().into()))
}

/// Everything that a chart is made of, as paths in the repository: its folder, what links in it lead to, the folders that it
/// depends on and values files outside of it.
pub fn paths(snapshot: &Snapshot, each: &Use) -> Vec<String> {
    let folder = clean(&each.folder);
    let parts = footprint(snapshot, folder, &[each]).into_keys();
    let path = |part| match part {
        Reason::Added | Reason::Removed | Reason::Folder => folder.to_owned(),
        Reason::Link(path) | Reason::Dependency(path) | Reason::ValuesFile(path) => path,
    };
    parts.map(path).collect()
}

fn reasons(old: &Snapshot, new: &Snapshot, folder: &str, uses: &[&Use]) -> Vec<Reason> {
    match (old.chart(folder), new.chart(folder)) {
        (None, _) => return vec![Reason::Added],
        (_, None) => return vec![Reason::Removed],
        _ => {}
    }
    let (before, after) = (footprint(old, folder, uses), footprint(new, folder, uses));
    let parts: BTreeSet<&Reason> = before.keys().chain(after.keys()).collect();
    let differs = |part: &&&Reason| before.get(**part) != after.get(**part);
    parts.iter().filter(differs).map(|part| (*part).clone()).collect()
}

/// All that a chart is made of, each part under the reason that it would be, with the id of its content; `None` for what
/// is not there.
fn footprint(snapshot: &Snapshot, folder: &str, uses: &[&Use]) -> BTreeMap<Reason, Option<ObjectId>> {
    let mut parts = BTreeMap::new();
    let content = |path: &str| snapshot.entry(path).map(|entry| entry.id);
    parts.insert(Reason::Folder, content(folder));
    links(snapshot, folder, &mut parts);
    let mut waiting = vec![folder.to_owned()];
    let mut seen = BTreeSet::from([folder.to_owned()]);
    while let Some(chart) = waiting.pop() {
        let known = snapshot
            .chart(&chart)
            .map_or(&[][..], |chart| &chart.dependencies);
        for dependency in known.iter().filter_map(|dependency| dependency.folder.as_ref()) {
            if seen.len() > MOST_DEPENDENCIES || !seen.insert(dependency.clone()) {
                continue;
            }
            let real = snapshot.follow(dependency).ok().map(|(_, entry)| entry.id);
            parts.insert(Reason::Dependency(dependency.clone()), real);
            links(snapshot, dependency, &mut parts);
            waiting.push(dependency.clone());
        }
    }
    for file in uses.iter().flat_map(|each| &each.values_files) {
        let Some(path) = join(folder, file).filter(|path| !is_within(path, folder)) else {
            continue;
        };
        let real = snapshot.follow(&path).ok().map(|(_, entry)| entry.id);
        parts.insert(Reason::ValuesFile(path), real);
    }
    parts
}

/// What links in a folder lead to, where that is outside of it.
fn links(snapshot: &Snapshot, folder: &str, parts: &mut BTreeMap<Reason, Option<ObjectId>>) {
    for (path, _) in snapshot
        .below(folder)
        .filter(|(_, entry)| entry.kind == Kind::Link)
    {
        let real = snapshot.follow(path).ok();
        if let Some((real, entry)) = real.filter(|(real, _)| !is_within(real, folder)) {
            parts.insert(Reason::Link(real), Some(entry.id));
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added => f.write_str("it is new"),
            Self::Removed => f.write_str("it is removed"),
            Self::Folder => f.write_str("its folder changed"),
            Self::Link(path) => write!(f, "a link leads to {path}, which changed"),
            Self::Dependency(path) => write!(f, "it depends on {path}, which changed"),
            Self::ValuesFile(path) => write!(f, "its values file {path} changed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::tests::snapshot;

    const LIB: &str = "{apiVersion: v2, name: lib, version: 1.0.0}";
    const API: &str = "{apiVersion: v2, name: api, version: 1.0.0, dependencies: [{name: lib, version: 1.0.0, \
                       repository: 'file://../lib'}]}";
    const TOP: &str = "{apiVersion: v2, name: top, version: 1.0.0, dependencies: [{name: api, version: 1.0.0, \
                       repository: 'file://../api'}]}";

    const BASE: &[(&str, &str)] = &[
        ("charts/lib/Chart.yaml", LIB),
        ("charts/lib/templates/_x.tpl", "x"),
        ("charts/api/Chart.yaml", API),
        ("charts/api/values.yaml", "a: 1"),
        ("charts/top/Chart.yaml", TOP),
        (
            "charts/web/Chart.yaml",
            "{apiVersion: v2, name: web, version: 1.0.0}",
        ),
        ("charts/web/dashboards@", "../../dashboards"),
        ("dashboards/a.json", "{}"),
        ("stages/production/web.yaml", "a: 1"),
        ("README.md", "x"),
    ];

    /// The changes of the base when files are put in or, without content, taken out.
    fn check(changes: &[(&str, Option<&str>)], expected: &[&str]) {
        let mut files: BTreeMap<&str, &str> = BASE.iter().copied().collect();
        for (path, content) in changes {
            match content {
                Some(content) => drop(files.insert(path, content)),
                None => drop(files.remove(path)),
            }
        }
        let files: Vec<_> = files.into_iter().collect();
        let uses = [Use {
            application: "shop/web".into(),
            folder: "charts/web/".into(),
            values_files: vec![
                "values.yaml".into(),
                "../../stages/production/web.yaml".into(),
                "../../../x".into(),
            ],
        }];
        let (old, new) = (snapshot(BASE), snapshot(&files));
        let found = changed(&old, &new, &["charts".to_owned()], &uses);
        let is_named = found.iter().any(|chart| chart.folder == "charts/web");
        assert_eq!(
            content(&old, &uses[0]) != content(&new, &uses[0]),
            is_named,
            "{changes:?}"
        );
        let shown = found.iter().map(|chart| {
            let reasons: Vec<String> = chart.reasons.iter().map(ToString::to_string).collect();
            format!(
                "{} [{}]: {}",
                chart.folder,
                chart.applications.join(" "),
                reasons.join(", ")
            )
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{changes:?}");
    }

    #[test]
    fn charts_change_by_content_dependencies_links_and_values_files() {
        check(&[], &[]);
        check(&[("README.md", Some("y")), ("docs/x.md", Some(""))], &[]);
        check(
            &[("charts/api/values.yaml", Some("a: 2"))],
            &[
                "charts/api []: its folder changed",
                "charts/top []: it depends on charts/api, which changed",
            ],
        );
        check(
            &[("charts/lib/templates/_x.tpl", Some("y"))],
            &[
                "charts/api []: it depends on charts/lib, which changed",
                "charts/lib []: its folder changed",
                "charts/top []: it depends on charts/lib, which changed",
            ],
        );
        check(
            &[("stages/production/web.yaml", Some("a: 2"))],
            &["charts/web [shop/web]: its values file stages/production/web.yaml changed"],
        );
        check(
            &[("stages/production/web.yaml", None)],
            &["charts/web [shop/web]: its values file stages/production/web.yaml changed"],
        );
        check(
            &[("dashboards/b.json", Some("{}"))],
            &["charts/web [shop/web]: a link leads to dashboards, which changed"],
        );
        check(
            &[
                ("charts/new/Chart.yaml", Some(LIB)),
                ("charts/web/Chart.yaml", None),
            ],
            &["charts/new []: it is new", "charts/web [shop/web]: it is removed"],
        );
        check(&[("other/Chart.yaml", Some(LIB))], &[]);
    }

    #[test]
    fn dependencies_in_a_circle_end() {
        let ring = |name: &str, next: &str| {
            format!(
                "{{name: {name}, version: 1.0.0, dependencies: [{{name: {next}, repository: 'file://../{next}'}}]}}"
            )
        };
        let (a, b, b2) = (ring("a", "b"), ring("b", "a"), ring("b", "a") + " ");
        let old = snapshot(&[("a/Chart.yaml", &a), ("b/Chart.yaml", &b)]);
        let new = snapshot(&[("a/Chart.yaml", &a), ("b/Chart.yaml", &b2)]);
        let folders: Vec<String> = changed(&old, &new, &[], &[])
            .into_iter()
            .map(|chart| chart.folder)
            .collect();
        assert_eq!(folders, ["a", "b"]);
    }
}
