//! Byte parity with Helm over a corpus of real charts.
//!
//! The corpus is a folder with `cases.tsv` (one case a line) and `golden/ID.yaml`, the bytes that `helm template`
//! printed; `errors.tsv` lists what Helm refuses. Each case runs the release binary as a user would. A case whose
//! output is random in places is compared with those lines masked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail, ensure};

use crate::tree;

/// Where the corpus is when it is there: beside the checkout.
const SHARED: &str = "../shared/charts/corpus.tar.xz";

/// How many failing cases are listed; the count is always whole.
const LISTED: usize = 40;

/// One line of `cases.tsv` or `errors.tsv`.
#[derive(Clone, Debug)]
struct Case {
    id: String,
    arguments: Vec<String>,
    /// The 1-based lines whose content is random.
    masked: Vec<(usize, usize)>,
    /// What Helm said on stderr, for a case that it refuses.
    refused: Option<String>,
}

/// What is asked for on the command line.
#[derive(Debug, Default)]
struct Options {
    corpus: Option<PathBuf>,
    filter: String,
    keep: Option<PathBuf>,
}

/// Runs the cases and prints `N passed, N failed`. Without a corpus there is nothing to compare, which is said.
pub fn run(args: &[&str]) -> Result<()> {
    let options = options(args)?;
    let Some(corpus) = corpus(options.corpus.as_deref())? else {
        println!("no corpus at {SHARED}: parity not measured");
        return Ok(());
    };
    let engine = tree::build("shipway", "shipway")?;
    let mut cases = cases(&corpus)?;
    cases.retain(|case| case.id.contains(&options.filter));
    let failures = run_all(&engine, &corpus, &cases, options.keep.as_deref())?;
    for (id, why) in failures.iter().take(LISTED) {
        println!("FAIL {id}: {why}");
    }
    println!(
        "{} passed, {} failed",
        cases.len() - failures.len(),
        failures.len()
    );
    ensure!(failures.is_empty(), "output differs from Helm's");
    Ok(())
}

/// The folder of the corpus: the one given, or the shared archive unpacked below `target`.
pub fn corpus(given: Option<&Path>) -> Result<Option<PathBuf>> {
    if let Some(given) = given {
        return Ok(Some(
            given
                .canonicalize()
                .with_context(|| format!("no corpus at {}", given.display()))?,
        ));
    }
    let archive = tree::root().join(SHARED);
    if !archive.exists() {
        return Ok(None);
    }
    let unpacked = tree::root().join("target/corpus");
    if !unpacked.join("open/cases.tsv").exists() {
        fs::create_dir_all(&unpacked).context("can't make target/corpus")?;
        let status = Command::new("tar")
            .arg("-xJf")
            .arg(&archive)
            .arg("-C")
            .arg(&unpacked)
            .status();
        ensure!(
            status.context("can't run tar")?.success(),
            "can't unpack {SHARED}"
        );
    }
    Ok(Some(unpacked.join("open")))
}

fn options(args: &[&str]) -> Result<Options> {
    let mut options = Options::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let mut value = || {
            rest.next()
                .copied()
                .with_context(|| format!("{arg} needs a value"))
        };
        match *arg {
            "--filter" => options.filter = value()?.to_owned(),
            "--keep" => options.keep = Some(PathBuf::from(value()?)),
            "--corpus" => options.corpus = Some(PathBuf::from(value()?)),
            _ => bail!("usage: cargo xtask parity [--corpus DIR] [--filter TEXT] [--keep DIR]"),
        }
    }
    Ok(options)
}

fn cases(corpus: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for row in table(&corpus.join("cases.tsv"))? {
        let masked = if row["deterministic"] == "1" {
            Vec::new()
        } else {
            lines(&row["masked_lines"])?
        };
        cases.push(Case {
            masked,
            refused: None,
            ..case(&row, &row["release"], &row["namespace"])?
        });
    }
    let errors = corpus.join("errors.tsv");
    if errors.exists() {
        for row in table(&errors)? {
            let said = serde_json::from_str(&row["stderr_json"]).context("stderr_json is not JSON")?;
            cases.push(Case {
                refused: Some(said),
                ..case(&row, "rel", "ns")?
            });
        }
    }
    Ok(cases)
}

fn case(row: &BTreeMap<String, String>, release: &str, namespace: &str) -> Result<Case> {
    let given = |text: &String| (text != "-").then(|| text.clone());
    let mut arguments: Vec<String> = [
        "template",
        release,
        &row["chart_dir"],
        "-n",
        namespace,
        "--kube-version",
        &row["kube_version"],
    ]
    .map(str::to_owned)
    .to_vec();
    if let Some(values) = given(&row["values"]) {
        arguments.extend(["-f".to_owned(), values]);
    }
    if let Some(extra) = given(&row["extra_args"]) {
        arguments
            .extend(serde_json::from_str::<Vec<String>>(&extra).context("extra_args is not a JSON list")?);
    }
    Ok(Case {
        id: row["id"].clone(),
        arguments,
        masked: Vec::new(),
        refused: None,
    })
}

/// Reads a tab-separated table by the names in its first line.
fn table(path: &Path) -> Result<Vec<BTreeMap<String, String>>> {
    let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let row = |line: &str| {
        names
            .iter()
            .zip(line.split('\t'))
            .map(|(n, v)| ((*n).into(), v.into()))
            .collect()
    };
    Ok(lines.map(row).collect())
}

/// Reads `3,7-9` as ranges of lines.
fn lines(text: &str) -> Result<Vec<(usize, usize)>> {
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Ok((from.parse()?, to.parse()?))
    };
    text.split(',')
        .map(range)
        .collect::<Result<_>>()
        .with_context(|| format!("{text:?} are not lines"))
}

/// Runs the cases on every core and returns the failing ones with the reason.
fn run_all(
    engine: &Path,
    corpus: &Path,
    cases: &[Case],
    keep: Option<&Path>,
) -> Result<Vec<(String, String)>> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let why = match run_case(engine, corpus, case, keep) {
                        Ok(why) => why,
                        Err(error) => Some(format!("{error:#}")),
                    };
                    if let (Some(why), Ok(mut failures)) = (why, failures.lock()) {
                        failures.push((case.id.clone(), why));
                    }
                }
            });
        }
    });
    let mut failures = failures
        .into_inner()
        .map_err(|_| anyhow::anyhow!("a worker panicked"))?;
    failures.sort();
    Ok(failures)
}

/// Runs one case; the reason when it fails.
fn run_case(engine: &Path, corpus: &Path, case: &Case, keep: Option<&Path>) -> Result<Option<String>> {
    let mut command = Command::new(engine);
    command
        .args(&case.arguments)
        .current_dir(corpus)
        .env_clear()
        .env("PATH", "/usr/bin:/bin");
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().context("can't run shipway")?;
    if let Some(keep) = keep {
        let kept = keep.join(format!("{}.yaml", case.id));
        fs::create_dir_all(kept.parent().unwrap_or(keep))
            .context("can't make the folder to keep output in")?;
        fs::write(&kept, if status.success() { &stdout } else { &stderr })
            .context("can't keep the output")?;
    }
    let said = String::from_utf8_lossy(&stderr);
    match (&case.refused, status.code()) {
        (Some(_), Some(1)) => Ok(None),
        (Some(helm), code) => Ok(Some(format!(
            "exit {code:?}, but Helm refuses it: {}",
            helm.trim()
        ))),
        (None, Some(0)) => {
            let golden =
                fs::read(corpus.join(format!("golden/{}.yaml", case.id))).context("no golden output")?;
            Ok(difference(&stdout, &golden, &case.masked))
        }
        (None, code) => Ok(Some(format!("exit {code:?}: {}", said.trim().replace('\n', " ")))),
    }
}

/// The first line that differs and is not masked.
fn difference(printed: &[u8], golden: &[u8], masked: &[(usize, usize)]) -> Option<String> {
    if printed == golden {
        return None;
    }
    let is_masked = |line: usize| masked.iter().any(|(from, to)| (*from..=*to).contains(&line));
    let (ours, helms): (Vec<_>, Vec<_>) = (split(printed), split(golden));
    let longest = ours.len().max(helms.len());
    let differs = |index: &usize| !is_masked(index + 1) && ours.get(*index) != helms.get(*index);
    let index = (0..longest).find(differs)?;
    let show =
        |line: Option<&&[u8]>| line.map_or("(end)".into(), |line| String::from_utf8_lossy(line).into_owned());
    Some(format!(
        "line {}: {:?}, Helm has {:?}",
        index + 1,
        show(ours.get(index)),
        show(helms.get(index))
    ))
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|byte| *byte == b'\n').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_lines_may_differ_and_others_may_not() {
        let masked = lines("2,4-5").expect("lines are ranges");
        assert_eq!(difference(b"a\nx\nc\ny\nz\n", b"a\nb\nc\nd\ne\n", &masked), None);
        let found = difference(b"a\nx\nc\n", b"a\nb\nC\n", &masked).expect("line 3 differs");
        assert_eq!(found, r#"line 3: "c", Helm has "C""#);
    }

    #[test]
    fn missing_lines_are_found() {
        assert_eq!(
            difference(b"a", b"a\nb", &[]),
            Some(r#"line 2: "(end)", Helm has "b""#.into())
        );
    }
}
