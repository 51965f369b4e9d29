//! A column of a built-in kind's table: its name, what says what it is, and how its cell is read from an object.
//!
//! What most columns say of themselves is the description of the field that they show, so it is taken from the schema
//! table, once for all columns, and not written down twice.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::schema::openapi;

/// Reads a cell from an object.
pub(super) type Cell = fn(&Value) -> Value;

/// The columns of a kind: group and plural of the stored resource, and the columns in their order.
pub(super) type Columns = (&'static str, &'static str, &'static [Column]);

/// A column of a built-in kind.
pub(super) struct Column {
    pub name: &'static str,
    pub kind: &'static str,
    pub format: &'static str,
    pub priority: u8,
    pub cell: Cell,
    pub described: Described,
}

#[derive(Clone, Copy)]
pub(super) enum Described {
    By(&'static str),
    /// `core.v1.PodSpec.nodeName`, below `io.k8s.api`.
    Field(&'static str),
}

pub(super) const NAME: Column = Column {
    format: "name",
    ..field("Name", OBJECT_NAME, |object| object["metadata"]["name"].clone())
};

pub(super) const AGE: Column = field("Age", CREATED, super::age);

/// What kinds without columns of their own have.
pub(super) const CREATED_AT: Column = field("Created At", CREATED, |object| {
    object["metadata"]["creationTimestamp"].clone()
})
.of("date");

const OBJECT_NAME: &str = "meta.v1.ObjectMeta.name";
const CREATED: &str = "meta.v1.ObjectMeta.creationTimestamp";

/// A column that has a description of its own.
pub(super) const fn said(name: &'static str, description: &'static str, cell: Cell) -> Column {
    Column {
        name,
        kind: "string",
        format: "",
        priority: 0,
        cell,
        described: Described::By(description),
    }
}

/// A column that shows a field: `core.v1.PodSpec.nodeName`.
pub(super) const fn field(name: &'static str, path: &'static str, cell: Cell) -> Column {
    Column {
        described: Described::Field(path),
        ..said(name, "", cell)
    }
}

impl Column {
    /// Of another type than `string`.
    pub(super) const fn of(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    pub(super) const fn integer(self) -> Self {
        self.of("integer")
    }

    pub(super) const fn boolean(self) -> Self {
        self.of("boolean")
    }

    /// Shown by `-o wide` alone.
    pub(super) const fn wide(self) -> Self {
        Self { priority: 1, ..self }
    }

    /// As a table's `columnDefinitions` has it.
    pub(super) fn definition(&self) -> Value {
        let description = match self.described {
            Described::By(text) => text,
            Described::Field(path) => description(path),
        };
        json!({
            "name": self.name,
            "type": self.kind,
            "format": self.format,
            "description": description,
            "priority": self.priority,
        })
    }

    fn path(&self) -> Option<&'static str> {
        match self.described {
            Described::By(_) => None,
            Described::Field(path) => Some(path),
        }
    }
}

/// The description of a field that some column shows; none for what no type has.
fn description(path: &str) -> &'static str {
    static FOUND: OnceLock<HashMap<&'static str, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let columns = super::built_in().flat_map(|(.., columns)| columns.iter());
        let paths = columns.filter_map(Column::path);
        openapi::describe_fields(paths.chain([OBJECT_NAME, CREATED]))
    });
    found.get(path).map_or("", String::as_str)
}
