//! `shipway crds`: the definitions of Shipway's own kinds, for a hub that is set up by other means.
//!
//! A controller installs them by itself; this prints the same.

use model::{Code, Diagnose};
use serde_json::{Value, json};

use crate::Failure;
use crate::args::Format;
use crate::console::{Console, to_yaml};

/// Print the CustomResourceDefinitions of Shipway's kinds.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway crds | kubectl apply --server-side -f -
                               make a cluster a hub by hand
  shipway crds tenant cluster  of these kinds only
  shipway crds -o json         one List, for a program

`shipway controller` installs them into its hub when it starts.")]
pub(crate) struct Args {
    /// The kinds, by name, plural or short name; without any, all.
    #[arg(value_name = "KIND")]
    kinds: Vec<String>,
}

/// A kind that is not one of ours.
#[derive(Debug)]
struct Unknown {
    name: String,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    let all = kinds::crds();
    for name in &args.kinds {
        if !all.iter().any(|crd| is_named(crd, name)) {
            return Err(Unknown { name: name.clone() }.into());
        }
    }
    let is_wanted = |crd: &&Value| args.kinds.is_empty() || args.kinds.iter().any(|name| is_named(crd, name));
    let wanted: Vec<&Value> = all.iter().filter(is_wanted).collect();
    match console.format() {
        Format::Json => console.data(
            &json!({"apiVersion": "v1", "kind": "List", "items": wanted}),
            String::new,
        ),
        // A stream of documents is what every tool that installs definitions reads.
        Format::Table | Format::Yaml => {
            let documents = wanted.iter().map(to_yaml);
            console.text(&documents.collect::<Vec<_>>().join("---\n"))
        }
    }
}

fn is_named(crd: &Value, name: &str) -> bool {
    names(crd).iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Singular, plural and short names.
fn names(crd: &Value) -> Vec<&str> {
    let names = &crd["spec"]["names"];
    let short = names["shortNames"].as_array().into_iter().flatten();
    let all = [&names["singular"], &names["plural"]].into_iter().chain(short);
    all.filter_map(Value::as_str).collect()
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "there is no kind {:?}", self.name)
    }
}

impl std::error::Error for Unknown {}

impl Diagnose for Unknown {
    fn code(&self) -> Code {
        Code::UNKNOWN_KIND
    }

    fn hint(&self) -> Option<String> {
        let all = kinds::crds();
        let known = all.iter().flat_map(names);
        let all = "`shipway crds` without a name prints all of them";
        Some(match stdx::nearest(&self.name.to_lowercase(), known) {
            Some(near) => format!("did you mean `{near}`? {all}"),
            None => all.into(),
        })
    }
}
