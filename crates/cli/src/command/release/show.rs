//! What the commands on releases print, beyond what helm prints.

use cluster::run::Preview;
use jiff::tz::TimeZone;
use release::Record;
use release::print::{self, Format, StatusStyle};
use serde::Serialize;
use serde_json::Value;

use crate::Failure;
use crate::console::Console;

/// One object of a preview, for programs.
#[derive(Serialize)]
struct Shown<'a> {
    object: String,
    action: &'a str,
    fields: Vec<Field<'a>>,
}

#[derive(Serialize)]
struct Field<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a Value>,
}

/// The time zone of this machine, by which helm prints times.
pub(crate) fn zone() -> TimeZone {
    TimeZone::system()
}

/// Prints where a release is, as helm does.
pub(crate) fn status(record: &Record, hide_notes: bool, console: &mut Console) -> Result<(), Failure> {
    let style = StatusStyle {
        format: format(console),
        resources: "",
        hide_notes,
        zone: &zone(),
    };
    let text = print::status(record, &style);
    console.text(&text)
}

/// The format that is asked for, in the words of the crate that prints.
pub(crate) fn format(console: &Console) -> Format {
    match console.format() {
        crate::args::Format::Table => Format::Table,
        crate::args::Format::Json => Format::Json,
        crate::args::Format::Yaml => Format::Yaml,
    }
}

/// Prints what an operation would change, field by field.
pub(crate) fn preview(preview: &Preview, console: &mut Console) -> Result<(), Failure> {
    let objects = preview.objects.iter().map(|difference| Shown {
        object: difference.key.to_string(),
        action: difference.what,
        fields: difference.fields.iter().map(field).collect(),
    });
    let objects: Vec<Shown<'_>> = objects.collect();
    console.data(&objects, || text(preview, &objects))
}

fn field(change: &manifest::Change) -> Field<'_> {
    Field {
        path: &change.path,
        before: change.before.as_ref(),
        after: change.after.as_ref(),
    }
}

fn text(preview: &Preview, objects: &[Shown<'_>]) -> String {
    let mut text = String::new();
    for object in objects {
        text.push_str(&format!("{} {}\n", object.action, object.object));
        // A new object is its manifest, and a deleted one is gone: only what changes is worth reading by fields.
        if object.action == "change" || object.action == "adopt" {
            for field in &object.fields {
                let shown =
                    |value: Option<&Value>| value.map_or_else(|| "(none)".to_owned(), ToString::to_string);
                text.push_str(&format!(
                    "  {}: {} -> {}\n",
                    field.path,
                    shown(field.before),
                    shown(field.after)
                ));
            }
        }
    }
    for key in &preview.plan.kept {
        text.push_str(&format!("keep {key}\n"));
    }
    let count = |what: &str| objects.iter().filter(|object| object.action == what).count();
    text.push_str(&format!(
        "{} to create, {} to change, {} to adopt, {} to delete\n",
        count("create"),
        count("change"),
        count("adopt"),
        count("delete")
    ));
    text
}
