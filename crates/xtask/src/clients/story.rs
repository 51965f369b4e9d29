//! A story: command lines in order, each with what it prints.
//!
//! `run` is a line for bash, in a folder with the story's `files`, where kubectl and helm are the layer's. A step with
//! an `answer` prints just that once what differs between clusters is taken out; one with `contains` prints those
//! texts and exits with `rc` (0). `retry_s` is for what a controller does meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use regex_automata::meta::Regex;
use serde::Deserialize;

use super::normalise::Normaliser;
use crate::tree;

/// Between two tries of a step.
const PAUSE: Duration = Duration::from_millis(200);

/// What a namespace has before a story begins; the loops of the cluster take a moment for it.
const READY: &str = "for i in $(seq 100); do kubectl -n $0 get sa default && kubectl -n $0 get cm kube-root-ca.crt && exit 0; sleep 0.1; done; exit 1";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    #[serde(skip)]
    pub name: String,
    #[serde(rename = "doc")]
    _doc: String,
    /// Which clients, see `fetch`.
    pub layer: u32,
    namespaces: Vec<String>,
    files: BTreeMap<String, String>,
    pub steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    name: String,
    run: String,
    answer: Option<Answer>,
    #[serde(default)]
    contains: Vec<String>,
    #[serde(default)]
    rc: i32,
    /// Why this step is answered differently; it is run and not compared.
    known: Option<String>,
    /// Which parts of the answer are compared; the recorder has left out the others.
    #[serde(default, rename = "expect")]
    _expect: Vec<String>,
    /// Only these lines of the output.
    grep: Option<String>,
    /// All but these lines.
    ignore: Option<String>,
    #[serde(default)]
    any_order: bool,
    #[serde(default)]
    retry_s: u64,
}

/// What is compared; what is not there is not.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub out: Option<String>,
    pub err: Option<String>,
    pub rc: Option<i32>,
}

/// Where the steps of one story run.
pub struct Bench {
    folder: PathBuf,
    kubeconfig: PathBuf,
    normaliser: Normaliser,
}

/// What a bench is made of.
pub struct Place<'a> {
    /// Its folder, below `target/clients/run`.
    pub name: String,
    /// The folder of a layer of clients.
    pub programs: &'a Path,
    pub shipway: &'a Path,
    pub kubeconfig: &'a Path,
}

impl Place<'_> {
    /// The same with another folder.
    pub fn called(&self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..*self
        }
    }
}

impl Bench {
    /// A fresh folder with the story's files and wrappers of the programs, and its namespaces.
    pub fn new(place: &Place<'_>, story: &Story) -> Result<Self> {
        let namespaces: Vec<&str> = story.namespaces.iter().map(String::as_str).collect();
        Self::at(place, &namespaces, &story.files)
    }

    /// The same for whatever is no story.
    pub fn at(place: &Place<'_>, namespaces: &[&str], files: &BTreeMap<String, String>) -> Result<Self> {
        let Place {
            name,
            programs,
            shipway,
            kubeconfig,
        } = place;
        let folder = tree::root().join("target/clients/run").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).context("can't clear the folder of an earlier run")?;
        }
        let mut bench = Self {
            folder,
            kubeconfig: kubeconfig.to_path_buf(),
            normaliser: Normaliser::new(&[])?,
        };
        let wrapped = [
            ("kubectl", programs.join("kubectl/kubectl")),
            ("helm", programs.join("helm/helm")),
            ("shipway", shipway.to_path_buf()),
        ];
        for (tool, program) in wrapped {
            let (program, config) = (program.display(), kubeconfig.display());
            // Ours takes it from the environment, as its flag comes after the command.
            let flag = if tool == "shipway" {
                String::new()
            } else {
                format!("--kubeconfig '{config}'")
            };
            let text = format!("#!/bin/sh\nexec '{program}' {flag} \"$@\"\n");
            bench.write(&format!("bin/{tool}"), &text)?;
        }
        fs::create_dir_all(bench.folder.join("work")).context("can't make the working folder")?;
        for (name, text) in files {
            bench.write(&format!("work/{name}"), text)?;
        }
        let nodes = bench.sh(&["kubectl get nodes -o name"])?.out.unwrap_or_default();
        let nodes: Vec<&str> = nodes
            .lines()
            .filter_map(|line| line.strip_prefix("node/"))
            .collect();
        bench.normaliser = Normaliser::new(&nodes)?;
        for namespace in namespaces {
            bench.sh(&["kubectl create ns $0", namespace])?;
            bench.sh(&[READY, namespace])?;
        }
        Ok(bench)
    }

    /// What takes out what differs between clusters, of this one.
    pub fn normaliser(&self) -> &Normaliser {
        &self.normaliser
    }

    /// The steps that differ, and how.
    pub fn run(&self, story: &Story, only: Option<&str>) -> Result<Vec<String>> {
        let mut faults = Vec::new();
        for step in &story.steps {
            let end = Instant::now() + Duration::from_secs(step.retry_s);
            let fault = loop {
                let fault = self.step(step)?;
                if fault.is_none() || step.known.is_some() || Instant::now() >= end {
                    break fault;
                }
                std::thread::sleep(PAUSE);
            };
            if let (Some(reason), Some(_)) = (&step.known, &fault) {
                println!("known {}/{}: {reason}", story.name, step.name);
                continue;
            }
            let is_asked = only.is_none_or(|only| only == step.name);
            faults.extend(
                fault
                    .filter(|_| is_asked)
                    .map(|fault| format!("{}: {}\n{fault}", step.name, step.run)),
            );
        }
        Ok(faults)
    }

    fn step(&self, step: &Step) -> Result<Option<String>> {
        let got = self.sh(&[&step.run])?;
        let Some(wanted) = &step.answer else {
            let out = got.out.as_deref().unwrap_or_default();
            let missing = step.contains.iter().find(|text| !out.contains(text.as_str()));
            let is_fine = missing.is_none() && got.rc == Some(step.rc);
            let err = got.err.as_deref().unwrap_or_default();
            return Ok((!is_fine).then(|| {
                format!(
                    "    want {:?} and exit {}\n    got exit {:?}\n{out}{err}",
                    step.contains, step.rc, got.rc
                )
            }));
        };
        let got = Answer {
            out: wanted
                .out
                .as_ref()
                .and(got.out.as_deref())
                .map(|out| self.lines(step, out, true))
                .transpose()?,
            err: wanted
                .err
                .as_ref()
                .and(got.err.as_deref())
                .map(|err| self.lines(step, err, false))
                .transpose()?,
            rc: wanted.rc.and(got.rc),
        };
        Ok((got != *wanted).then(|| difference(wanted, &got)))
    }

    /// What is compared of an output.
    fn lines(&self, step: &Step, text: &str, is_output: bool) -> Result<String> {
        let folder = self.folder.to_string_lossy();
        let text = text
            .replace(&*self.folder.join("work").to_string_lossy(), "<tmp>")
            .replace(&*folder, "<tmp>");
        let text = self.normaliser.text(&text);
        let mut lines: Vec<&str> = text.split('\n').collect();
        if let Some(grep) = step.grep.as_ref().filter(|_| is_output) {
            let grep = Regex::new(grep).context("grep is no pattern")?;
            lines.retain(|line| grep.is_match(line));
        }
        if let Some(ignore) = &step.ignore {
            let ignore = Regex::new(ignore).context("ignore is no pattern")?;
            lines.retain(|line| !ignore.is_match(line));
        }
        if step.any_order {
            lines.sort_unstable();
        }
        Ok(lines.join("\n"))
    }

    /// Runs a line for bash, with `$0` and so on.
    pub fn sh(&self, line: &[&str]) -> Result<Answer> {
        let at = |name: &str| self.folder.join(name);
        let output = Command::new("bash")
            .arg("-c")
            .args(line)
            .current_dir(at("work"))
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", at("bin").display()))
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", &self.folder)
            .env("TMPDIR", &self.folder)
            .env("HELM_CACHE_HOME", at("cache"))
            .env("HELM_CONFIG_HOME", at("config"))
            .env("HELM_DATA_HOME", at("data"))
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .stdin(std::process::Stdio::null())
            .output()
            .context("can't run bash")?;
        Ok(Answer {
            out: Some(String::from_utf8_lossy(&output.stdout).into_owned()),
            err: Some(String::from_utf8_lossy(&output.stderr).into_owned()),
            rc: output.status.code(),
        })
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
            fs::write(&path, text)?;
            let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))
        };
        write().with_context(|| format!("can't write {}", path.display()))
    }
}

/// The first line that differs in each part.
fn difference(wanted: &Answer, got: &Answer) -> String {
    let mut faults = Vec::new();
    if wanted.rc != got.rc {
        faults.push(format!("    want exit {:?}, got {:?}", wanted.rc, got.rc));
    }
    for (part, wanted, got) in [("out", &wanted.out, &got.out), ("err", &wanted.err, &got.err)] {
        let lines = |text: &Option<String>| -> Vec<String> {
            text.iter()
                .flat_map(|text| text.split('\n'))
                .map(str::to_owned)
                .collect()
        };
        let (wanted, got) = (lines(wanted), lines(got));
        let differs = |at: &usize| wanted.get(*at) != got.get(*at);
        if let Some(at) = (0..wanted.len().max(got.len())).find(differs) {
            let show = |lines: &[String]| {
                lines
                    .get(at)
                    .map_or("(end)".to_owned(), |line| format!("{line:?}"))
            };
            faults.push(format!(
                "    {part} line {}: want {}, got {}",
                at + 1,
                show(&wanted),
                show(&got)
            ));
        }
    }
    faults.join("\n")
}
