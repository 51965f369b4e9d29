//! `shipway new service`: a service from a template.

use std::path::{Component, Path, PathBuf};

use golden::{Answers, Files};
use serde::Serialize;

use super::folder;
use crate::Failure;
use crate::console::{Console, Verbosity};

/// Make a chart of a few values, with everything that a service in production has.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway new service api --tenant payments
  shipway new service api --tenant payments --image example.com/payments/api:1.4.2 --port 9000
  shipway new service api --tenant payments --host pay.example.com --dir services/api

The folder is a chart that stock helm installs. Its README.md says what it gives and how to change
it. Run it at the top of the repository, or put the right path into application.yaml.")]
pub(super) struct Args {
    /// The name of the service, its chart and its Application.
    name: String,
    /// The tenant whose service it is.
    #[arg(long, value_name = "TENANT")]
    tenant: String,
    /// The image, with a tag or a digest. Default: a web server that stands in until there is one.
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// The port that the container listens on.
    #[arg(long, default_value_t = 8080, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// A name under which it is served in production; may be repeated.
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// The folder to make; it must be empty or not there. Default: the name of the service.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What was made.
#[derive(Debug, Serialize)]
struct Made<'a> {
    folder: String,
    name: &'a str,
    tenant: &'a str,
    template: &'a str,
    files: Vec<&'a str>,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let answers = answers(args)?;
    let template = golden::latest();
    let files = golden::make(template, &answers);
    let folder = folder_of(args);
    folder::make(&folder, &files)?;
    let made = Made {
        folder: folder.display().to_string(),
        name: answers.name.as_str(),
        tenant: answers.tenant.as_str(),
        template: template.version,
        files: files.keys().map(String::as_str).collect(),
    };
    console.data(&made, || listed(&folder, &files))?;
    console.note(Verbosity::Normal, &next_steps(args, &folder));
    Ok(())
}

fn answers(args: &Args) -> Result<Answers, Failure> {
    let mut answers = Answers::new(args.name.parse()?, args.tenant.parse()?);
    if let Some(image) = &args.image {
        answers.image.clone_from(image);
    }
    answers.port = args.port;
    answers.hosts.clone_from(&args.hosts);
    if let Some(path) = path_in_repository(&folder_of(args)) {
        answers.path = path;
    }
    answers.check()?;
    Ok(answers)
}

fn folder_of(args: &Args) -> PathBuf {
    args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name))
}

/// The folder from the top of the repository, taken that it is made from there; nothing if it leads elsewhere.
fn path_in_repository(folder: &Path) -> Option<String> {
    let parts = folder.components().filter(|part| *part != Component::CurDir);
    let parts = parts.map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let parts: Vec<&str> = parts.collect::<Option<_>>()?;
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The files that a person looks at, and the rest as one line.
fn listed(folder: &Path, files: &Files) -> String {
    let (library, own): (Vec<&String>, Vec<&String>) =
        files.keys().partition(|path| path.starts_with("charts/"));
    let mut text = String::new();
    for path in own {
        text.push_str(&format!("{}\n", folder.join(path).display()));
    }
    let charts = folder.join("charts");
    text + &format!(
        "{}/ ({} files: the golden path)\n",
        charts.display(),
        library.len()
    )
}

fn next_steps(args: &Args, folder: &Path) -> String {
    let Args { name, tenant, .. } = args;
    let folder = match folder.is_absolute() {
        true => folder.display().to_string(),
        false => format!("./{}", folder.display()),
    };
    let stand_in = match args.image {
        None => format!("  the image in {folder}/values.yaml is a stand-in; put yours there\n"),
        Some(_) => String::new(),
    };
    format!(
        "Next:\n{stand_in}  git add {folder}\n  shipway lint {folder}\n  \
         shipway install {name} {folder} -n {tenant} -f {folder}/values-staging.yaml --wait\n  \
         shipway test {name} -n {tenant}"
    )
}
