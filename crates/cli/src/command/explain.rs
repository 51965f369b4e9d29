//! `shipway explain`: the page of an error code, without a network; or why something is not there yet, by a server.

mod pages;

use model::{Code, Diagnose, code};
use serde::Serialize;

use crate::Failure;
use crate::command::delivery::{ServerArgs, explain as object};
use crate::console::{Column, Console, Table, Verbosity};

/// Explain an error code, or list them all; or why an application, a promotion or a stage is as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  shipway explain              list every error code
  shipway explain SW0101       what it means, why it happens, what to do
  shipway explain -o json      the list for a program
  shipway explain application payments/api
                               what is where, what is in the way, who can change it, and how
  shipway explain promotion payments/api-1.4.2-production
  shipway explain stage production")]
pub(crate) struct Args {
    /// The code, as it stands in `error[SW0101]`; or application, artifact, promotion, stage or freezewindow.
    #[arg(value_name = "CODE|KIND")]
    code: Option<String>,
    /// The object of that kind, as `payments/api`.
    #[arg(value_name = "NAME", requires = "code")]
    name: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// One row of the list, and the whole of one code for a program.
#[derive(Debug, Serialize)]
struct Entry {
    code: &'static str,
    next: &'static str,
    title: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'static str>,
}

/// A code that is not in the registry.
#[derive(Debug)]
struct Unknown {
    id: String,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<(), Failure> {
    match (&args.code, &args.name) {
        (None, _) => list(console),
        (Some(kind), Some(name)) if object::KINDS.contains(&kind.as_str()) => {
            object::run(kind, name, &args.server, console)
        }
        (Some(id), _) => explain(id, console),
    }
}

fn list(console: &mut Console) -> Result<(), Failure> {
    let entries: Vec<Entry> = code::ALL.iter().map(|code| entry(*code, None)).collect();
    let table = Table::of(
        &entries,
        &[
            Column::new("CODE", |entry: &Entry| entry.code.to_owned()),
            Column::new("NEXT", |entry| entry.next.to_owned()),
            Column::new("MEANS", |entry| entry.title.to_owned()),
        ],
    );
    console.data(&entries, || table.to_string())?;
    console.note(Verbosity::Normal, "`shipway explain CODE` prints the page of one");
    Ok(())
}

fn explain(id: &str, console: &mut Console) -> Result<(), Failure> {
    let code = Code::find(id).ok_or_else(|| Unknown { id: id.to_owned() })?;
    let page = page(code);
    console.data(&entry(code, Some(page)), || page.to_owned())
}

fn entry(code: Code, page: Option<&'static str>) -> Entry {
    Entry {
        code: code.id,
        next: code.next.as_str(),
        title: code.title,
        page,
    }
}

fn page(code: Code) -> &'static str {
    pages::ALL
        .iter()
        .find_map(|(id, page)| (*id == code.id).then_some(*page))
        .expect("`cargo xtask tidy` holds codes and pages together")
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "there is no error code {:?}", self.id)
    }
}

impl std::error::Error for Unknown {}

impl Diagnose for Unknown {
    fn code(&self) -> Code {
        Code::UNKNOWN_CODE
    }

    fn hint(&self) -> Option<String> {
        let ids = code::ALL.iter().map(|code| code.id);
        let near = stdx::nearest(&self.id.to_ascii_uppercase(), ids);
        Some(match near {
            Some(id) => format!("did you mean `{id}`? `shipway explain` lists every code"),
            None => "`shipway explain` lists every code".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_with_its_title() {
        for code in code::ALL {
            let first = page(*code).lines().next().expect("a page is not empty");
            assert_eq!(first, format!("# {code}: {}", code.title));
        }
    }
}
