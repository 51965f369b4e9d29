//! Charts written for the project, against what the real Helm 4 printed for them.
//!
//! `crates/chart/tests/corpus/NAME/chart` is a chart, `NAME/CASE.args` the arguments of one case (one a line), and
//! `NAME/CASE.stdout` or `NAME/CASE.stderr` what Helm said. What we say of a chart that both refuse is better than
//! what Helm says, so it is a snapshot of its own, `NAME/CASE.error`; `UPDATE_ERRORS=1` writes it anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// One case that is not as it should be.
struct Wrong {
    case: String,
    why: String,
}

#[test]
fn charts_render_as_helm_renders_them() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../chart/tests/corpus");
    let cases = cases(&corpus);
    assert!(cases.len() > 20, "the corpus is there");
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| check(case).err())
        .map(|Wrong { case, why }| format!("{case}: {why}"))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

/// The `.args` files of every chart, in order.
fn cases(corpus: &Path) -> Vec<PathBuf> {
    let list = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("the corpus can be read");
        let mut paths: Vec<_> = entries
            .map(|entry| entry.expect("an entry can be read").path())
            .collect();
        paths.sort();
        paths
    };
    let charts = list(corpus).into_iter().filter(|path| path.is_dir());
    charts
        .flat_map(|chart| list(&chart))
        .filter(|path| path.extension().is_some_and(|e| e == "args"))
        .collect()
}

fn check(case: &Path) -> Result<(), Wrong> {
    let folder = case.parent().expect("a case lies in its chart's folder");
    let name = format!(
        "{}/{}",
        folder.file_name().unwrap_or_default().display(),
        case.file_stem().unwrap_or_default().display()
    );
    let wrong = |why: String| {
        Err(Wrong {
            case: name.clone(),
            why,
        })
    };
    let arguments = fs::read_to_string(case).expect("the arguments can be read");
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_shipway"))
        .args(["template", "rel", "chart", "-n", "ns", "--kube-version", "1.35"])
        .args(arguments.lines())
        .current_dir(folder)
        .env_remove("HELM_NAMESPACE")
        .output()
        .expect("the binary can be run");
    let said = String::from_utf8_lossy(&stderr).into_owned();
    match (fs::read(case.with_extension("stdout")), status.code()) {
        (Ok(expected), Some(0)) if expected == stdout => Ok(()),
        (Ok(expected), Some(0)) => wrong(first_difference(&stdout, &expected)),
        (Ok(_), code) => wrong(format!("exit {code:?}: {said}")),
        (Err(_), Some(1)) => check_error(&case.with_extension("error"), &said).or_else(wrong),
        (Err(_), code) => wrong(format!("exit {code:?}, but Helm refuses it")),
    }
}

fn check_error(snapshot: &Path, said: &str) -> Result<(), String> {
    if std::env::var_os("UPDATE_ERRORS").is_some() {
        fs::write(snapshot, said).expect("the snapshot can be written");
    }
    match fs::read_to_string(snapshot) {
        Ok(expected) if expected == said => Ok(()),
        Ok(expected) => Err(format!("says\n{said}and should say\n{expected}")),
        Err(_) => Err(format!("has no snapshot of what it says:\n{said}")),
    }
}

fn first_difference(printed: &[u8], expected: &[u8]) -> String {
    let (ours, helms) = (
        String::from_utf8_lossy(printed),
        String::from_utf8_lossy(expected),
    );
    let mut pairs = ours
        .lines()
        .map(Some)
        .chain(std::iter::repeat(None))
        .zip(helms.lines().map(Some).chain(std::iter::repeat(None)));
    let at = pairs.by_ref().take_while(|(a, b)| a == b && a.is_some()).count();
    let (a, b) = (ours.lines().nth(at), helms.lines().nth(at));
    format!("line {}: {a:?}, Helm has {b:?}", at + 1)
}
