//! Codes and cures of the errors of charts, in one place.

use model::{Code, Diagnose};

use crate::error::Error;
use crate::render;

/// How the cure of a missing value begins its path.
const VALUES: &str = ".Values.";

impl Diagnose for Error {
    fn code(&self) -> Code {
        match self {
            Self::ValuesFile { .. } | Self::Set { .. } | Self::SetJson { .. } => Code::VALUES,
            Self::MissingDependencies { .. } | Self::Dependencies { .. } | Self::SubchartValues { .. } => {
                Code::DEPENDENCIES
            }
            Self::KubeVersion { .. } | Self::InvalidKubeVersion { .. } => Code::KUBE_VERSION,
            Self::NotInstallable { .. } => Code::NOT_INSTALLABLE,
            Self::PackageVersion { .. } | Self::PackageDependencies { .. } => Code::PACKAGE,
            _ => Code::CHART,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::ValuesFile { .. } => "a file of values is a YAML table, such as `image: {tag: 1.4.2}`",
            Self::Set { .. } => r"`--set a.b=1,c[0]=x`; write a comma within a value as `\,`",
            Self::SetJson { .. } => r#"`--set-json 'a.b={"c":1}'`, or one whole object"#,
            Self::MissingDependencies { .. } => {
                "put the missing charts into charts/: `helm dependency build` fetches them"
            }
            Self::Dependencies { .. } | Self::SubchartValues { .. } => {
                "the values of a subchart are a table below the subchart's name"
            }
            Self::KubeVersion { .. } => {
                "choose the version of the target cluster with --kube-version, or a version of the chart that \
                 supports it"
            }
            Self::InvalidKubeVersion { .. } => "a Kubernetes version is 1.35 or v1.35.2",
            Self::NotInstallable { .. } => "render a chart that has it as a dependency",
            Self::PackageVersion { .. } => {
                "a packaged chart needs a version like 1.2.0, in Chart.yaml or by --version"
            }
            Self::PackageDependencies { .. } => {
                "put the missing charts into charts/: `helm dependency build` fetches them"
            }
            _ => "the chart is the folder with Chart.yaml in it, or a .tgz archive of one",
        };
        Some(hint.to_owned())
    }
}

impl Diagnose for render::Error {
    fn code(&self) -> Code {
        match self {
            Self::Chart(error) => error.code(),
            Self::Schema(_) => Code::SCHEMA,
            Self::Syntax { .. } => Code::TEMPLATE_SYNTAX,
            Self::Template { .. } => Code::TEMPLATE,
            Self::Refused { .. } => Code::CHART_REFUSES,
            Self::Manifest { .. } | Self::NotUtf8 { .. } => Code::MANIFEST,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Chart(error) => error.hint(),
            Self::Schema(_) => Some(
                "correct the values at these paths; the chart's values.schema.json says what it takes".into(),
            ),
            Self::Syntax { message, .. } => unknown_function(message),
            Self::Template { missing, .. } => missing
                .as_ref()
                .map(|missing| missing_value(&missing.to_string())),
            Self::Refused { .. } => Some("the chart's author asks for this: give the value it names".into()),
            Self::Manifest { .. } | Self::NotUtf8 { .. } => Some(
                "look at the indentation near that line of the output; --show-only narrows it down".into(),
            ),
        }
    }
}

impl Diagnose for render::NotShown {
    fn code(&self) -> Code {
        Code::NO_SUCH_TEMPLATE
    }

    fn hint(&self) -> Option<String> {
        Some("give the path below the chart's folder, as in `# Source: CHART/PATH`; wildcards work: 'templates/*.yaml'".into())
    }
}

fn missing_value(path: &str) -> String {
    match path.strip_prefix(VALUES) {
        Some(key) => format!("`{path}` has no value: give it in a values file or with --set {key}=…"),
        None => format!("`{path}` has no value here"),
    }
}

/// For a function that does not exist, the one that was probably meant.
fn unknown_function(message: &str) -> Option<String> {
    let name = message
        .strip_prefix("function \"")?
        .strip_suffix("\" not defined")?;
    let known: Vec<&str> = crate::functions::shared().names().collect();
    let near = stdx::nearest(name, known.iter().copied())?;
    Some(format!("did you mean `{near}`?"))
}
