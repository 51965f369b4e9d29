//! What custom objects go through beyond what all objects do: their schema and its rules, and how they are read.

use serde_json::Value;

use super::catalog::{Custom, Served};
use super::failure::{Cause, Failure};
use super::{definition, metadata};
use crate::schema::prune;
use crate::schema::validate::{Reason, Violation};

const UNCHECKED: &str = "some validation rules were not checked because the object was invalid; correct the existing \
                         errors to complete validation";

/// Checks an object by its schema and its rules; with what is stored, only what has changed. Gives warnings.
pub(super) fn validate(served: &Served, object: &Value, old: Option<&Value>) -> Result<Vec<String>, Failure> {
    let Some(custom) = &served.custom else {
        let converts =
            definition::is_definition(served) && object["spec"]["conversion"]["strategy"] == "Webhook";
        return Ok(if converts {
            vec![definition::NOT_CONVERTED.to_owned()]
        } else {
            Vec::new()
        });
    };
    let mut found = custom.validator.validate_update(object, old);
    found.extend(scale(custom, object));
    let mut causes: Vec<Cause> = found.iter().map(cause).collect();
    let mut warnings = Vec::new();
    if let Some(rules) = &custom.rules {
        if found.iter().any(|violation| blocks(violation.reason)) {
            causes.push(Cause::invalid("<nil>", &Value::Null, UNCHECKED));
        } else {
            let outcome = rules.validate(object, old);
            causes.extend(outcome.violations.iter().map(cause));
            warnings = outcome.warnings;
        }
    }
    if causes.is_empty() {
        return Ok(warnings);
    }
    let resource = &served.resource;
    let name = metadata::text(object, "name");
    Err(Failure::invalid(&resource.group, &resource.kind, name, &causes))
}

/// Refuses new objects of a definition that is going.
pub(super) fn check_going(served: &Served) -> Result<(), Failure> {
    if served.custom.as_ref().is_some_and(|custom| custom.terminating) {
        let mut failure = Failure::method_not_allowed();
        "create not allowed while custom resource definition is terminating".clone_into(&mut failure.message);
        return Err(failure);
    }
    Ok(())
}

/// Makes of a stored object what the schema of today says: fields that it lost go, its defaults come.
pub(super) fn read(served: &Served, object: &mut Value) {
    if served.custom.as_ref().is_some_and(|custom| custom.reads_change) {
        prune::prune(served.ty(), object);
        prune::default(served.ty(), object);
    }
}

/// Violations after which the rules of a schema can't be trusted to run.
fn blocks(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NotSupported
            | Reason::Required
            | Reason::TooLong
            | Reason::Duplicate
            | Reason::TooMany
            | Reason::TypeInvalid
    )
}

fn cause(violation: &Violation) -> Cause {
    Cause {
        reason: violation.reason.as_str(),
        field: violation.field.clone(),
        message: violation.message.clone(),
    }
}

/// Numbers of replicas that `scale` could not tell.
fn scale(custom: &Custom, object: &Value) -> Option<Violation> {
    let path = custom.scale.as_ref()?.get("specReplicasPath")?.as_str()?;
    let pointer = path.replace('.', "/");
    let replicas = object.pointer(&pointer)?.as_i64()?;
    let why = if replicas < 0 {
        "should be a non-negative integer".to_owned()
    } else if replicas > i64::from(i32::MAX) {
        format!("should be less than or equal to {}", i32::MAX)
    } else {
        return None;
    };
    Some(Violation {
        field: path.trim_start_matches('.').to_owned(),
        reason: Reason::Invalid,
        message: format!("Invalid value: {replicas}: {why}"),
    })
}
