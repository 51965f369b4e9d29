//! The options of a request, from its query and (for a deletion) its body.
//!
//! Unknown options are ignored, as the real server ignores them.

use serde_json::Value;

use super::failure::{Cause, Failure};
use super::route::percent_decode;

/// The options as written; what a verb doesn't know it doesn't look at.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

/// How unknown and duplicate fields of a body are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

/// What a deletion was asked with.
#[derive(Debug, Clone, Default)]
pub struct DeleteOptions {
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    pub propagation: Option<String>,
    pub grace_seconds: Option<i64>,
    pub dry_run: bool,
}

impl Query {
    pub fn parse(text: &str) -> Self {
        let decode = |part: &str| percent_decode(&part.replace('+', " "));
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        };
        let pairs = text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(pair)
            .collect();
        Self { pairs }
    }

    /// The first value of an option; empty if it isn't there.
    pub fn get(&self, name: &str) -> &str {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    pub fn flag(&self, name: &str) -> bool {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found.is_some_and(|(_, value)| {
            !matches!(value.as_str(), "0" | "f" | "F" | "false" | "FALSE" | "False")
        })
    }

    pub fn has(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// `dryRun=All`.
    ///
    /// # Errors
    /// Any other value, in the name of `options` (`CreateOptions`).
    pub fn dry_run(&self, options: &str) -> Result<bool, Failure> {
        let all = self
            .pairs
            .iter()
            .filter(|(key, value)| key == "dryRun" && !value.is_empty());
        let values: Vec<&str> = all.map(|(_, value)| value.as_str()).collect();
        check_dry_run(&values, options)
    }

    /// # Errors
    /// A value that is none of the three.
    pub fn field_validation(&self, options: &str) -> Result<FieldValidation, Failure> {
        match self.get("fieldValidation") {
            "Ignore" => Ok(FieldValidation::Ignore),
            "" | "Warn" => Ok(FieldValidation::Warn),
            "Strict" => Ok(FieldValidation::Strict),
            other => Err(Failure::invalid_option(
                options,
                Cause::unsupported(
                    "fieldValidation",
                    &Value::from(other),
                    &["", "Ignore", "Strict", "Warn"],
                ),
            )),
        }
    }
}

impl DeleteOptions {
    /// Reads the body, or else the query.
    pub fn read(query: &Query, body: &Value) -> Result<Self, Failure> {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let of_query = |name: &str| query.has(name).then(|| query.get(name).to_owned());
        let dry: Vec<&str> = match body.get("dryRun").and_then(Value::as_array) {
            Some(list) => list.iter().filter_map(Value::as_str).collect(),
            None => Vec::new(),
        };
        let dry_run = check_dry_run(&dry, "DeleteOptions")? || query.dry_run("DeleteOptions")?;
        let grace = body.get("gracePeriodSeconds").and_then(Value::as_i64);
        let orphan = body.get("orphanDependents").and_then(Value::as_bool);
        let propagation = text("/propagationPolicy").or_else(|| of_query("propagationPolicy"));
        if let Some(policy) = &propagation
            && !matches!(policy.as_str(), "Orphan" | "Background" | "Foreground")
        {
            let cause = Cause::unsupported(
                "propagationPolicy",
                &Value::from(policy.as_str()),
                &["Foreground", "Background", "Orphan", "nil"],
            );
            return Err(Failure::invalid_option("DeleteOptions", cause));
        }
        Ok(Self {
            uid: text("/preconditions/uid"),
            resource_version: text("/preconditions/resourceVersion"),
            propagation: propagation
                .or_else(|| orphan.and_then(|orphan| orphan.then(|| "Orphan".to_owned()))),
            grace_seconds: grace
                .or_else(|| of_query("gracePeriodSeconds").and_then(|text| text.parse().ok())),
            dry_run,
        })
    }
}

fn check_dry_run(values: &[&str], options: &str) -> Result<bool, Failure> {
    if values.iter().any(|value| *value != "All") {
        let shown = Value::from(values.to_vec());
        return Err(Failure::invalid_option(
            options,
            Cause::unsupported("dryRun", &shown, &["All"]),
        ));
    }
    Ok(!values.is_empty())
}
