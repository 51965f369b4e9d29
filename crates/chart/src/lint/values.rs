//! Rules for `values.yaml`: it is there, it is YAML, and the schema likes it.

use std::fs;

use yaml::Value;

use super::Severity::{Error, Info};
use super::{Linter, Options};
use crate::schema::Schema;
use crate::values::{Map, coalesce};

const FILE: &str = "values.yaml";

pub(super) fn check(linter: &mut Linter, options: &Options) {
    let Ok(bytes) = fs::read(linter.root.join(FILE)) else {
        linter.add(Info, FILE, "file does not exist");
        return;
    };
    let defaults = match yaml::from_slice(&bytes) {
        Ok(Value::Map(map)) => map,
        Ok(Value::Null) => Map::new(),
        Ok(other) => {
            let found = crate::metadata::json_kind(&other);
            let why = yaml::Error::shape(found, "common.Values");
            linter.add(Error, FILE, format!("unable to parse YAML: {why}"));
            return;
        }
        Err(failed) => {
            linter.add_at(
                Error,
                FILE,
                failed.line(),
                format!("unable to parse YAML: {failed}"),
            );
            return;
        }
    };
    let Ok(schema) = fs::read(linter.root.join("values.schema.json")) else {
        return;
    };
    if schema.is_empty() || options.skip_schema {
        return;
    }
    let mut values = options.values.clone();
    coalesce::coalesce_tables(&mut values, &defaults);
    match Schema::parse(&schema) {
        Err(failed) => linter.add(Error, FILE, failed.to_string()),
        Ok(schema) => {
            if let Err(violations) = schema.violations(&Value::Map(values)) {
                let line = violations
                    .first()
                    .and_then(|violation| line_of(&bytes, &violation.at));
                linter.add_at(
                    Error,
                    FILE,
                    line,
                    format!("{}\n", crate::schema::print(&violations)),
                );
            }
        }
    }
}

/// The line of the outermost key of a JSON pointer, which is always at the start of a line.
fn line_of(bytes: &[u8], pointer: &str) -> Option<u32> {
    let key = pointer.split('/').nth(1)?;
    let text = String::from_utf8_lossy(bytes);
    let is_key = |line: &str| {
        line.strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    let at = text.lines().position(is_key)?;
    u32::try_from(at + 1).ok()
}
