//! What the commands on releases print, beyond what helm prints.

use std::fmt;

use cluster::run::{Preview, Wanted};
use jiff::tz::TimeZone;
use objects::Key;
use release::Record;
use release::print::{self, Format, StatusStyle};
use serde::Serialize;
use serde_json::Value;

use crate::Failure;
use crate::console::Console;

/// An object by its name.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ObjectName {
    group: String,
    kind: String,
    namespace: String,
    name: String,
    #[serde(skip)]
    text: String,
}

/// What an operation would do, for programs.
#[derive(Serialize)]
struct Planned<'a> {
    name: &'a str,
    namespace: &'a str,
    operation: &'a str,
    revision: u32,
    objects: Vec<Shown<'a>>,
    kept: Vec<ObjectName>,
}

/// One object of a preview.
#[derive(Serialize)]
struct Shown<'a> {
    action: &'a str,
    #[serde(flatten)]
    object: ObjectName,
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

/// Prints where a release is, as helm does; `resources` are the tables of its live objects, if they are shown.
pub(crate) fn status(
    record: &Record,
    resources: &str,
    hide_notes: bool,
    console: &mut Console,
) -> Result<(), Failure> {
    let style = StatusStyle {
        format: format(console),
        resources,
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
pub(crate) fn preview(
    (operation, wanted): (&str, &Wanted),
    preview: &Preview,
    console: &mut Console,
) -> Result<(), Failure> {
    let objects = preview.objects.iter().map(|difference| Shown {
        action: difference.what,
        object: ObjectName::of(&difference.key),
        fields: difference.fields.iter().map(field).collect(),
    });
    let planned = Planned {
        name: &wanted.record.name,
        namespace: &wanted.record.namespace,
        operation,
        revision: wanted.record.revision.get(),
        objects: objects.collect(),
        kept: preview.plan.kept.iter().map(ObjectName::of).collect(),
    };
    console.data(&planned, || text(&planned))
}

fn field(change: &manifest::Change) -> Field<'_> {
    Field {
        path: &change.path,
        before: change.before.as_ref(),
        after: change.after.as_ref(),
    }
}

fn text(planned: &Planned<'_>) -> String {
    let mut text = String::new();
    for Shown {
        action,
        object,
        fields,
    } in &planned.objects
    {
        text.push_str(&format!("{action} {object}\n"));
        // A new object is its manifest, and a deleted one is gone: only what changes is worth reading by fields.
        if *action == "change" || *action == "adopt" {
            for Field { path, before, after } in fields {
                text.push_str(&format!("  {path}: {} -> {}\n", shown(*before), shown(*after)));
            }
        }
    }
    for object in &planned.kept {
        text.push_str(&format!("keep {object}\n"));
    }
    let counts = ["create", "change", "adopt", "delete"].map(|action| {
        let of_action = |shown: &&Shown<'_>| shown.action == action;
        (action, planned.objects.iter().filter(of_action).count())
    });
    let worth_saying = counts.iter().filter(|(_, count)| *count > 0);
    let said: Vec<String> = worth_saying
        .map(|(action, count)| format!("{count} to {action}"))
        .collect();
    let Planned { operation, name, .. } = planned;
    match said.is_empty() {
        true => text.push_str(&format!("{operation} of {name}: nothing would change\n")),
        false => text.push_str(&format!("{operation} of {name}: {}\n", said.join(", "))),
    }
    text
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".to_owned(), ToString::to_string)
}

impl ObjectName {
    pub(crate) fn of(key: &Key) -> Self {
        Self {
            group: key.kind.group.to_string(),
            kind: key.kind.name.to_string(),
            namespace: key.namespace.to_string(),
            name: key.name.to_string(),
            text: key.to_string(),
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
