//! `shipway explain KIND NAME`: blocked on what, since when, who can change it, with which command.

use control::desk::ExplanationShown;

use super::{ServerArgs, show};
use crate::Failure;
use crate::console::Console;

/// What can be explained, as messages name it.
pub(crate) const KINDS: &[&str] = &["application", "artifact", "promotion", "stage", "freezewindow"];

pub(crate) fn run(kind: &str, name: &str, server: &ServerArgs, console: &mut Console) -> Result<(), Failure> {
    let client = server.client()?;
    let name = match kind {
        "stage" => name.to_owned(),
        _ => show::name(name).map_err(show::not_a_name)?,
    };
    let shown: ExplanationShown = client.get(&format!("/api/v1/explain/{kind}/{name}"))?;
    console.data(&shown, || show::explanation(&shown))
}
