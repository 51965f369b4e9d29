//! `shipway template`: a chart rendered as Helm renders it, byte for byte.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chart::capabilities::Capabilities;
use chart::render::{self, Release, Rendered, Request, Shown};
use model::{Code, Diagnose, Namespace, ReleaseName, Revision};

use chart::functions::Host;

use super::host::host;
use super::loading::{NameArgs, load};
use super::values::ValueArgs;
use crate::Failure;
use crate::console::Console;

/// Render a chart and print its manifests, byte for byte as `helm template` does.
#[derive(Debug, clap::Args)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  shipway template api ./charts/api
  shipway template api ./charts/api -n payments -f staging.yaml --set image.tag=1.4.2
  shipway template api ./charts/api --show-only templates/deployment.yaml
  shipway template api ./charts/api --seed 7      the same random values every time

The flags are those of `helm template`. Flags of it that need a cluster, a network or a registry are refused;
those that have no effect on what is printed are accepted."
)]
pub(crate) struct Args {
    #[command(flatten)]
    name: NameArgs,
    /// The namespace of the release.
    #[arg(
        short,
        long,
        default_value = "default",
        env = "HELM_NAMESPACE",
        hide_env = true
    )]
    namespace: String,
    /// The Kubernetes version that `.Capabilities.KubeVersion` says, such as 1.35.
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// Further API versions that `.Capabilities.APIVersions` has, such as monitoring.coreos.com/v1.
    #[arg(short, long, value_name = "VERSION", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Render as for an upgrade: `.Release.IsUpgrade` instead of `.Release.IsInstall`.
    #[arg(long)]
    is_upgrade: bool,
    /// Do not hold the values against the charts' schemas.
    #[arg(long)]
    skip_schema_validation: bool,
    /// Make random and time functions reproducible: the same number gives the same output.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    #[command(flatten)]
    shown: ShownArgs,
    #[command(flatten)]
    values: ValueArgs,
    #[command(flatten)]
    ignored: Ignored,
}

/// What is printed, and where.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is printed")]
struct ShownArgs {
    /// Print only the manifests of this template; may be given several times, may have wildcards.
    #[arg(short, long, value_name = "TEMPLATE")]
    show_only: Vec<String>,
    /// Print the CRDs of `crds/` too.
    #[arg(long)]
    include_crds: bool,
    /// Leave out hooks.
    #[arg(long)]
    no_hooks: bool,
    /// Leave out hooks that are tests.
    #[arg(long)]
    skip_tests: bool,
    /// Write each template's manifests to a file in this folder instead of printing them.
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
    /// With --output-dir, put the files into a folder named after the release.
    #[arg(long)]
    release_name: bool,
    /// Pass the manifests through this program before they are printed: standard input to standard output.
    #[arg(long, value_name = "PROGRAM")]
    post_renderer: Option<PathBuf>,
    /// An argument for the post-renderer; may be given several times.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    post_renderer_args: Vec<String>,
}

/// Flags of `helm template` that change nothing of what is printed. Accepted, so that scripts need no change.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Accepted for Helm's sake, without effect")]
struct Ignored {
    #[arg(long, hide = true, alias = "atomic")]
    rollback_on_failure: bool,
    #[arg(long, hide = true)]
    create_namespace: bool,
    #[arg(long, hide = true)]
    debug: bool,
    #[arg(long, hide = true, value_name = "TEXT")]
    description: Option<String>,
    #[arg(long, hide = true)]
    disable_openapi_validation: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, value_parser = ["client", "true", "unset"])]
    dry_run: Option<Option<String>>,
    #[arg(long, hide = true)]
    devel: bool,
    #[arg(long, hide = true, alias = "force")]
    force_replace: bool,
    #[arg(long, hide = true)]
    force_conflicts: bool,
    #[arg(long, hide = true)]
    hide_notes: bool,
    #[arg(short, long, hide = true, value_name = "KEY=VALUE")]
    labels: Vec<String>,
    #[arg(long, hide = true)]
    render_subchart_notes: bool,
    #[arg(long, hide = true)]
    replace: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true)]
    server_side: Option<Option<String>>,
    #[arg(long, hide = true)]
    skip_crds: bool,
    #[arg(long, hide = true)]
    take_ownership: bool,
    #[arg(long, hide = true, value_name = "DURATION")]
    timeout: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true)]
    wait: Option<Option<String>>,
    /// Of a chart in a repository; a folder or an archive has only one.
    #[arg(long, hide = true, value_name = "VERSION")]
    version: Option<String>,
    #[arg(long, hide = true)]
    wait_for_jobs: bool,
}

/// Why rendering was not even tried, or its result went nowhere.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("can't write {}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("post-renderer {} failed", program.display())]
    PostRenderer {
        program: PathBuf,
        source: std::io::Error,
    },
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let host = host(args.seed);
    let (name, chart) = args.name.name_and_chart(&host)?;
    let name: ReleaseName = name.as_deref().unwrap_or("release-name").parse()?;
    let rendered = render(args, &name, &chart, &host, console)?;
    if let Some(folder) = &args.shown.output_dir {
        let folder = if args.shown.release_name {
            folder.join(name.as_str())
        } else {
            folder.clone()
        };
        return write_files(&rendered, &args.shown.as_shown(), &folder, console);
    }
    let printed = rendered.print(&args.shown.as_shown())?;
    let printed = match &args.shown.post_renderer {
        Some(program) => post_render(program, &args.shown.post_renderer_args, &printed)?,
        None => printed,
    };
    console.bytes(&printed)
}

fn render(
    args: &Args,
    name: &ReleaseName,
    chart: &Path,
    host: &Host,
    console: &mut Console,
) -> Result<Rendered, Failure> {
    let namespace: Namespace = args.namespace.parse()?;
    let capabilities = Capabilities::new(args.kube_version.as_deref(), &args.api_versions)?;
    let values = args.values.compose()?;
    let chart = load(chart, console)?;
    let request = Request {
        release: Release {
            name,
            namespace: &namespace,
            revision: Revision::FIRST,
            is_upgrade: args.is_upgrade,
        },
        values,
        capabilities: &capabilities,
        skip_schema_validation: args.skip_schema_validation,
        subchart_notes: args.ignored.render_subchart_notes,
    };
    let rendered = render::render(&chart, request, host)?;
    console.warnings(&rendered.warnings);
    Ok(rendered)
}

impl ShownArgs {
    fn as_shown(&self) -> Shown {
        Shown {
            crds: self.include_crds,
            no_hooks: self.no_hooks,
            no_tests: self.skip_tests,
            only: self.show_only.clone(),
        }
    }
}

/// Writes each template's documents to a file of its own, and says so on standard output as Helm does: once for
/// each document, and with an empty line in the end.
fn write_files(
    rendered: &Rendered,
    shown: &Shown,
    folder: &Path,
    console: &mut Console,
) -> Result<(), Failure> {
    for (source, text) in rendered.files(shown) {
        let path = folder.join(&source);
        let failed = |source| Error::Write {
            path: path.clone(),
            source,
        };
        std::fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failed)?;
        std::fs::write(&path, text).map_err(failed)?;
    }
    for source in rendered.sources(shown) {
        console.text(&format!("wrote {}\n", folder.join(source).display()))?;
    }
    console.text("\n")
}

/// Runs the manifests through a program. What it says on standard error goes to ours.
fn post_render(program: &Path, args: &[String], printed: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::PostRenderer {
        program: program.to_owned(),
        source,
    };
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut stdin = child.stdin.take().expect("standard input was asked for");
    // A thread of its own: a program that prints while it reads would otherwise wait for us, and we for it.
    let output = std::thread::scope(|scope| {
        let writer = scope.spawn(move || stdin.write_all(printed));
        let output = child.wait_with_output();
        // A program that does not read to the end closes the pipe; its exit code tells whether that was right.
        drop(writer.join());
        output
    });
    let output = output.map_err(failed)?;
    if !output.status.success() {
        return Err(failed(std::io::Error::other(output.status.to_string())));
    }
    if output.stdout.trim_ascii().is_empty() {
        return Err(failed(std::io::Error::other("it printed nothing")));
    }
    Ok(output.stdout)
}

impl Diagnose for Error {
    fn code(&self) -> Code {
        match self {
            Self::Write { .. } => Code::OUTPUT,
            Self::PostRenderer { .. } => Code::POST_RENDERER,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Write { .. } => "look whether the disk is full and who may write there".into(),
            Self::PostRenderer { .. } => {
                "run it by hand: the manifests come on its standard input, the changed ones go to its standard output".into()
            }
        })
    }
}
