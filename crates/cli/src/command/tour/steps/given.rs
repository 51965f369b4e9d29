//! A chart that the user brings, on the same road: copied into the repository, told to the hub, verified.
//!
//! It belongs to a tenant of its own with a large share, so that what is found is about the chart and not about a small quota.

use std::path::Path;

use serde_json::json;

use super::change::commit;
use crate::Failure;
use crate::command::tour::typed::typed;
use crate::command::tour::{Args, Problem, Tour, write};
use crate::command::up::wanted::GUEST;
use crate::command::up::{create, wanted};

/// More files than any chart has; whoever names another folder is told so.
const MOST_FILES: usize = 20_000;

/// How deep a chart's folders go.
const MOST_DEEP: usize = 32;

/// Name and version of a chart.
pub(in crate::command::tour) fn chart_of(path: &Path) -> Result<(String, String), Problem> {
    let problem = |problem: String| Problem::NoChart {
        path: path.to_owned(),
        problem,
    };
    let bytes = std::fs::read(path.join("Chart.yaml")).map_err(|error| problem(error.to_string()))?;
    let read = yaml::from_slice(&bytes).map_err(|error| problem(error.to_string()))?;
    let yaml::Value::Map(fields) = read else {
        return Err(problem("its Chart.yaml is no map".to_owned()));
    };
    let text = |name: &str| match fields.get(name) {
        Some(yaml::Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        _ => Err(problem(format!("its Chart.yaml has no {name}"))),
    };
    let (name, version) = (text("name")?, text("version")?);
    let _: model::ApplicationName = name
        .parse()
        .map_err(|error: model::NameError| problem(error.to_string()))?;
    Ok((name, version))
}

/// Brings the chart, and shows the verdict.
pub(super) fn bring(tour: &mut Tour<'_>, args: &Args) -> Result<String, Failure> {
    let Some(from) = &args.chart else {
        return Ok(String::new());
    };
    let (copy, story) = (tour.copy(), tour.story.clone());
    let name = story.application.clone();
    let hub = tour.hub()?;
    let url = format!("file://{}", absolute(&tour.dir.join("charts.git")).display());
    for object in objects(&name, &url) {
        tour.runtime.block_on(create(&hub, &object))?;
    }
    tour.say(&format!(
        "a tenant `{GUEST}` with a large share, and the Application {GUEST}/{name}, are in the hub"
    ))?;
    let branch = story.branch();
    tour.run(
        &typed(
            &copy,
            [
                "git",
                "switch",
                "--quiet",
                "--force-create",
                &branch,
                "origin/main",
            ],
        ),
        0,
    )?;
    let place = copy.join(wanted::folder(GUEST, &name));
    // What an earlier version of the chart had is not this one's.
    let _ = std::fs::remove_dir_all(&place);
    let shown = tour.look.command(&format!(
        "cp -r {} {}",
        from.display(),
        wanted::folder(GUEST, &name)
    ));
    tour.console.text(&shown)?;
    copy_tree(from, &place, (&mut 0, 0))?;
    for stage in wanted::STAGES {
        let values = place.join(format!("values-{stage}.yaml"));
        if !values.exists() {
            write(&values, "")?;
        }
    }
    commit(tour, &format!("{name} {}", story.good))?;
    tour.run(
        &typed(&copy, ["git", "push", "--quiet", "--force", "origin", &branch]),
        0,
    )?;
    tour.run(&typed(&copy, ["shipway", "verdict", "--wait", "5m"]), 0)?;
    Ok("passed".to_owned())
}

/// What the hub has to know of it.
fn objects(name: &str, url: &str) -> Vec<serde_json::Value> {
    let ours = |kind: &str, metadata: serde_json::Value, spec: serde_json::Value| json!({"apiVersion": kinds::API_VERSION, "kind": kind, "metadata": metadata, "spec": spec});
    let quota = json!({"cpu": "8", "memory": "16Gi", "pods": 200, "storage": "500Gi"});
    vec![
        json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": GUEST, "labels": {tenancy::names::TENANT_LABEL: GUEST}},
        }),
        ours(
            "Tenant",
            json!({"name": GUEST}),
            json!({"quota": quota, "podSecurity": "Baseline"}),
        ),
        ours(
            "ChartSource",
            json!({"name": GUEST}),
            json!({"url": url, "folders": [GUEST], "tenants": [GUEST], "interval": "30s"}),
        ),
        wanted::application(GUEST, name),
    ]
}

fn absolute(path: &Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Copies files and folders; links and what git keeps for itself stay behind.
fn copy_tree(from: &Path, to: &Path, (files, deep): (&mut usize, usize)) -> Result<(), Problem> {
    let failed = |doing: &'static str, path: &Path| {
        let path = path.to_owned();
        move |source| Problem::File { doing, path, source }
    };
    std::fs::create_dir_all(to).map_err(failed("make", to))?;
    for entry in std::fs::read_dir(from).map_err(failed("read", from))? {
        let entry = entry.map_err(failed("read", from))?;
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(failed("read", &path))?;
        *files += 1;
        if *files > MOST_FILES || deep > MOST_DEEP {
            return Err(Problem::NoChart {
                path: from.to_owned(),
                problem: format!("it has more than {MOST_FILES} files, or folders {MOST_DEEP} deep"),
            });
        }
        if kind.is_dir() && entry.file_name() != ".git" {
            copy_tree(&path, &place, (files, deep + 1))?;
        } else if kind.is_file() {
            std::fs::copy(&path, &place).map_err(failed("copy", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_a_name_and_a_version() {
        let place = tempfile::tempdir().expect("a folder");
        let said = |text: &str| {
            std::fs::write(place.path().join("Chart.yaml"), text).expect("it is written");
            chart_of(place.path()).map_err(|error| error.to_string())
        };
        assert_eq!(
            said("name: api\nversion: 1.2.0\n"),
            Ok(("api".to_owned(), "1.2.0".to_owned()))
        );
        for (text, expected) in [
            ("name: api\n", "no version"),
            ("version: 1.0.0\n", "no name"),
            ("name: A_B\nversion: 1.0.0\n", "A_B"),
            ("[]", "no map"),
        ] {
            let error = said(text).expect_err("it is refused");
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(chart_of(&place.path().join("nowhere")).is_err());
    }

    #[test]
    fn a_chart_is_copied_without_links_and_without_what_git_keeps() {
        let place = tempfile::tempdir().expect("a folder");
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        for folder in ["templates", ".git"] {
            std::fs::create_dir_all(from.join(folder)).expect("a folder");
            std::fs::write(from.join(folder).join("a"), "x").expect("it is written");
        }
        std::os::unix::fs::symlink("/etc/passwd", from.join("link")).expect("a link");
        copy_tree(&from, &to, (&mut 0, 0)).expect("it can be read");
        assert!(to.join("templates/a").exists());
        assert!(!to.join("link").exists() && !to.join(".git").exists());
    }
}
