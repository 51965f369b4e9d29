//! What the rules of one object have come to.

use std::collections::HashMap;

use cel::{Budget, Error, Value as Cel};
use serde_json::Value;

use super::{Rule, Violation, printed};
use crate::schema::validate::Reason;

/// The longest message that an expression may make, as the real server has it.
const MESSAGE_MAX: usize = 5 * 1024;

/// Nobody reads more; each is a broken rule at one place of the object.
const VIOLATIONS_MAX: usize = 256;

/// Violations found, and those that are only told.
#[derive(Debug)]
pub struct Outcome {
    pub violations: Vec<Violation>,
    pub warnings: Vec<String>,
    budget: Budget,
    over: bool,
}

impl Outcome {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            violations: Vec::new(),
            warnings: Vec::new(),
            budget,
            over: false,
        }
    }

    /// True when no further rules are run.
    pub(super) fn is_over(&self) -> bool {
        self.over || self.violations.len() >= VIOLATIONS_MAX
    }

    pub(super) fn apply(
        &mut self,
        rule: &Rule,
        (path, value): (&str, &Value),
        (new, old): (&Cel, Option<&Cel>),
        unchanged: bool,
    ) {
        if self.is_over() || (rule.is_transition && !rule.optional_old && old.is_none()) {
            return;
        }
        let mut values = HashMap::from([("self".to_owned(), new.clone())]);
        match (rule.optional_old, old) {
            (true, old) => {
                values.insert("oldSelf".to_owned(), Cel::Optional(old.cloned().map(Box::new)));
            }
            (false, Some(old)) => {
                values.insert("oldSelf".to_owned(), old.clone());
            }
            (false, None) => {}
        }
        let result = rule.program.eval(&values, &mut self.budget);
        let detail = match result {
            Ok(Cel::Bool(true)) => return,
            Ok(_) => self.message(rule, &values),
            Err(error @ Error::Cost) if self.budget.is_spent() => {
                self.over = true;
                let _ = error;
                "validation failed due to running out of cost budget, no further validation rules will be run"
                    .to_owned()
            }
            Err(error @ Error::Cost) => {
                self.over = true;
                format!(
                    "'{error}': no further validation rules will be run due to call cost exceeds limit for rule: {}",
                    rule.told()
                )
            }
            Err(Error::Failed(message)) if message.starts_with("no such overload") => format!(
                "'{message}': call arguments did not match a supported operator, function or macro signature for \
                 rule: {}",
                rule.told()
            ),
            Err(error) => format!("{error} evaluating rule: {}", rule.told()),
        };
        let violation = violation(rule, (path, value), &detail);
        if unchanged && !rule.is_transition {
            self.warnings
                .push(format!("{}: {}", violation.field, violation.message));
        } else {
            self.violations.push(violation);
        }
    }

    /// The message that a rule's own expression makes, else the one written, else the rule.
    fn message(&mut self, rule: &Rule, values: &HashMap<String, Cel>) -> String {
        if let Some(program) = &rule.message_program
            && let Ok(Cel::String(message)) = program.eval(values, &mut self.budget)
        {
            let message = message.trim();
            if !message.is_empty() && message.len() <= MESSAGE_MAX && !message.contains('\n') {
                return message.to_owned();
            }
        }
        if rule.message.is_empty() {
            format!("failed rule: {}", rule.text.trim())
        } else {
            rule.message.clone()
        }
    }
}

fn violation(rule: &Rule, (path, value): (&str, &Value), detail: &str) -> Violation {
    let shown = printed(value);
    let with_value = |kind: &str| match &shown {
        Some(value) => format!("{kind}: {value}: {detail}"),
        None => format!("{kind}: {detail}"),
    };
    let (reason, message) = match rule.reason.as_str() {
        "FieldValueForbidden" => (Reason::Forbidden, format!("Forbidden: {detail}")),
        "FieldValueRequired" => (Reason::Required, format!("Required value: {detail}")),
        "FieldValueDuplicate" => (
            Reason::Duplicate,
            match &shown {
                Some(value) => format!("Duplicate value: {value}"),
                None => "Duplicate value".to_owned(),
            },
        ),
        _ => (Reason::Invalid, with_value("Invalid value")),
    };
    Violation {
        field: rule.field(path),
        reason,
        message,
    }
}
