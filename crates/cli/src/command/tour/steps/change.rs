//! What a developer does: a copy of the charts, a branch, three mistakes with their verdicts, and the cure.

use crate::Failure;
use crate::command::tour::kept::Kept;
use crate::command::tour::story::{
    ADMIN, APPLICATION, CHART, Mistake, REPORTS, Story, TENANT, VALUES, admin, chart, reports, values,
    version_of,
};
use crate::command::tour::typed::{Came, Typed, typed};
use crate::command::tour::{Problem, Tour, read, write};
use crate::command::up::wanted;

/// What a good verdict says.
const PASSED: &[&str] = &["L1 and L2 passed"];

/// What `shipway verdict` ends with when the verdict is bad.
const FAILED: i32 = 3;

/// Gets the charts, and begins the story from the version that they have.
pub(super) fn clone(tour: &mut Tour<'_>, kept: &mut Kept) -> Result<String, Failure> {
    let (copy, folder) = (tour.copy(), tour.folder.clone());
    if copy.join(".git").is_dir() {
        tour.run(&typed(&copy, ["git", "switch", "--quiet", "--force", "main"]), 0)?;
        tour.run(&typed(&copy, ["git", "pull", "--quiet", "--ff-only"]), 0)?;
    } else {
        // What a killed clone left is no copy.
        let _ = std::fs::remove_dir_all(&copy);
        tour.run(
            &typed(&folder, ["git", "clone", "--quiet", "../charts.git", "charts"]),
            0,
        )?;
    }
    tour.run(&typed(&copy, ["git", "log", "--oneline", "--max-count=3"]), 0)?;
    if kept.chart.is_some() {
        return Ok("a copy of them all".to_owned());
    }
    let place = copy.join(wanted::folder(TENANT, APPLICATION));
    let text = read(&place.join(CHART))?;
    let before = version_of(&text).unwrap_or_default();
    tour.story = Story::from(before)?;
    kept.before = before.to_owned();
    Ok(format!("{TENANT}/{APPLICATION} is at version {before}"))
}

/// Makes a mistake, pushes it, and gets the verdict.
pub(super) fn mistaken(tour: &mut Tour<'_>, mistake: &Mistake) -> Result<String, Failure> {
    push(tour, Some(mistake), (mistake.what, mistake.message))?;
    let copy = tour.copy();
    let verdict = typed(&copy, ["shipway", "verdict", "--wait", "1m"]);
    let came = tour.run(&verdict, FAILED)?;
    told(&verdict, &came, mistake.told)?;
    Ok(format!("refused, at {}", mistake.told[0]))
}

/// Holds what a command said against what it has to say.
pub(super) fn told(typed: &Typed<'_>, came: &Came, words: &[&str]) -> Result<(), Problem> {
    match words.iter().find(|words| !came.out.contains(**words)) {
        None => Ok(()),
        Some(missing) => Err(Problem::Unsaid {
            command: typed.shown(),
            missing: (*missing).to_owned(),
            said: came.said(),
        }),
    }
}

/// Mends everything, and gets the verdict.
pub(super) fn mended(tour: &mut Tour<'_>) -> Result<String, Failure> {
    let good = tour.story.good.clone();
    let what =
        format!("the selector is right, the memory is what it was, and the image is that of version {good}");
    push(tour, None, (&what, &format!("Version {good}")))?;
    let copy = tour.copy();
    let verdict = typed(&copy, ["shipway", "verdict", "--wait", "1m"]);
    let came = tour.run(&verdict, 0)?;
    told(&verdict, &came, PASSED)?;
    Ok("passed: looked at (L1), and tried on a cluster (L2)".to_owned())
}

/// Writes the chart with a mistake, or without one, and pushes the branch. Done again, it finds what it had done.
fn push(
    tour: &mut Tour<'_>,
    mistake: Option<&Mistake>,
    (what, message): (&str, &str),
) -> Result<(), Failure> {
    let (copy, story) = (tour.copy(), tour.story.clone());
    let branch = story.branch();
    let known = typed(&copy, ["git", "rev-parse", "--verify", "--quiet", &branch]).run(&tour.program)?;
    let switch = match known.code {
        0 => typed(&copy, ["git", "switch", "--quiet", "--force", &branch]),
        _ => typed(&copy, ["git", "switch", "--quiet", "--create", &branch]),
    };
    tour.run(&switch, 0)?;
    tour.say(what)?;
    let place = copy.join(wanted::folder(TENANT, APPLICATION));
    write(&place.join(ADMIN), &admin(mistake))?;
    match reports(mistake) {
        Some(text) => write(&place.join(REPORTS), text)?,
        // It may not be there.
        None => drop(std::fs::remove_file(place.join(REPORTS))),
    }
    let old = read(&place.join(VALUES))?;
    write(&place.join(VALUES), &values(&old, &story.good, mistake, "{}"))?;
    let old = read(&place.join(CHART))?;
    write(&place.join(CHART), &chart(&old, &story.good))?;
    commit(tour, message)?;
    tour.run(
        &typed(
            &copy,
            ["git", "push", "--quiet", "--set-upstream", "origin", &branch],
        ),
        0,
    )?;
    Ok(())
}

/// Commits what there is, if there is something.
pub(super) fn commit(tour: &mut Tour<'_>, message: &str) -> Result<(), Failure> {
    let copy = tour.copy();
    let changed = typed(&copy, ["git", "status", "--porcelain"]).run(&tour.program)?;
    if changed.out.trim().is_empty() {
        return Ok(());
    }
    tour.run(&typed(&copy, ["git", "add", "--all"]), 0)?;
    tour.run(
        &typed(&copy, ["git", "commit", "--quiet", "--message", message]),
        0,
    )?;
    Ok(())
}
