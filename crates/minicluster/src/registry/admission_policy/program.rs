//! The expressions of a policy: compiled for a write, and checked when the policy is written.

use std::collections::HashMap;
use std::sync::Arc;

use cel::{Budget, Error, Lookup, Program, Type, Value as Cel, Variables};
use serde_json::{Value, json};

use super::Write;
use super::authorizer;
use crate::registry::failure::Cause;
use crate::registry::{Call, Registry, metadata};

/// What the expressions of one policy may cost for one write, as in the real server.
const COST_MAX: u64 = 10_000_000;

/// The longest message that an expression may make.
const MESSAGE_MAX: usize = 5 * 1024;

/// A write as expressions see it.
pub(super) struct Request<'a> {
    pub registry: &'a Registry,
    pub call: &'a Call,
    pub write: &'a Write<'a>,
    pub namespace: &'a Value,
}

/// A validation that a write fails.
pub(super) struct Finding {
    pub message: String,
    /// `Invalid`, `Forbidden` …
    pub reason: String,
}

type Expression = (String, Result<Program, String>);

/// The expressions of a policy.
#[derive(Debug)]
pub(super) struct Compiled {
    conditions: Vec<Expression>,
    variables: Vec<(String, Result<Program, String>)>,
    validations: Vec<Validation>,
}

#[derive(Debug)]
struct Validation {
    expression: Expression,
    message: String,
    message_program: Option<Program>,
    reason: String,
}

/// Values of names, with variables that were evaluated before.
struct Scope {
    values: HashMap<String, Cel>,
    variables: HashMap<String, Result<Cel, Error>>,
}

impl Lookup for Scope {
    fn get(&self, name: &str) -> Option<Cel> {
        self.values.get(name).cloned()
    }

    fn member(&self, of: &str, field: &str) -> Option<Result<Cel, Error>> {
        (of == "variables").then_some(())?;
        self.variables.get(field).cloned()
    }
}

impl Compiled {
    pub(super) fn new(spec: &Value) -> Self {
        let mut names = names(spec);
        let conditions = each(spec, "matchConditions", |condition| expression(condition, &names));
        let mut variables = Vec::new();
        for variable in spec["variables"].as_array().into_iter().flatten() {
            let (_, program) = expression(variable, &names);
            let name = text(variable, "name").to_owned();
            declare(&mut names, &name, &program);
            variables.push((name, program));
        }
        let validations = each(spec, "validations", |validation| Validation {
            expression: expression(validation, &names),
            message: text(validation, "message").to_owned(),
            message_program: Program::compile(text(validation, "messageExpression"), &names).ok(),
            reason: text(validation, "reason").to_owned(),
        });
        Self {
            conditions,
            variables,
            validations,
        }
    }

    /// What a write fails; errors count as failures unless they are ignored.
    pub(super) fn findings(&self, request: &Request<'_>, params: &Value, ignores: bool) -> Vec<Finding> {
        let mut budget = Budget::new(COST_MAX);
        let mut scope = scope(request, params);
        let failed = |expression: &str, error: &str| Finding {
            message: format!("expression '{expression}' resulted in error: {error}"),
            reason: "Invalid".to_owned(),
        };
        for (written, program) in &self.conditions {
            match evaluate(program, &scope, &mut budget) {
                Ok(Cel::Bool(true)) => {}
                Ok(_) => return Vec::new(),
                Err(_) if ignores => return Vec::new(),
                Err(error) => return vec![failed(written, &error)],
            }
        }
        for (name, program) in &self.variables {
            let value = evaluate(program, &scope, &mut budget).map_err(|error| {
                Error::Failed(format!(
                    "composited variable \"{name}\" fails to evaluate: {error}"
                ))
            });
            scope.variables.insert(name.clone(), value);
        }
        let mut findings = Vec::new();
        for validation in &self.validations {
            let (written, program) = &validation.expression;
            match evaluate(program, &scope, &mut budget) {
                Ok(Cel::Bool(true)) => {}
                Ok(_) => findings.push(Finding {
                    message: validation.told(&scope, &mut budget),
                    reason: validation.reason.clone(),
                }),
                Err(_) if ignores => {}
                Err(error) => findings.push(failed(written, &error)),
            }
        }
        findings
    }
}

impl Validation {
    fn told(&self, scope: &Scope, budget: &mut Budget) -> String {
        if let Some(program) = &self.message_program
            && let Ok(Cel::String(message)) = program.eval(scope, budget)
        {
            let message = message.trim();
            if !message.is_empty() && message.len() <= MESSAGE_MAX && !message.contains('\n') {
                return message.to_owned();
            }
        }
        if self.message.is_empty() {
            format!("failed expression: {}", self.expression.0.trim())
        } else {
            self.message.trim().to_owned()
        }
    }
}

fn evaluate(program: &Result<Program, String>, scope: &Scope, budget: &mut Budget) -> Result<Cel, String> {
    let program = program
        .as_ref()
        .map_err(|error| format!("compilation error: {error}"))?;
    program.eval(scope, budget).map_err(|error| error.to_string())
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn each<T>(spec: &Value, list: &str, make: impl Fn(&Value) -> T) -> Vec<T> {
    spec[list].as_array().into_iter().flatten().map(make).collect()
}

fn expression(of: &Value, names: &Variables) -> Expression {
    let written = text(of, "expression").to_owned();
    let program =
        Program::compile(&written, names).map_err(|issues| format!("compilation failed: {}", issues.text));
    (written, program)
}

/// The names that expressions may mention.
fn names(spec: &Value) -> Variables {
    let group = |last: &str| {
        let fields = [
            ("group", Type::String),
            ("version", Type::String),
            (last, Type::String),
        ];
        Type::object("kubernetes.GroupVersion", &fields)
    };
    let user = [
        ("username", Type::String),
        ("uid", Type::String),
        ("groups", Type::list(Type::String)),
        ("extra", Type::map(Type::list(Type::String))),
    ];
    let request = Type::object(
        "kubernetes.AdmissionRequest",
        &[
            ("kind", group("kind")),
            ("resource", group("resource")),
            ("subResource", Type::String),
            ("requestKind", group("kind")),
            ("requestResource", group("resource")),
            ("requestSubResource", Type::String),
            ("name", Type::String),
            ("namespace", Type::String),
            ("operation", Type::String),
            ("userInfo", Type::object("kubernetes.UserInfo", &user)),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ],
    );
    let mut names = HashMap::from([
        ("object".to_owned(), Type::Dyn),
        ("oldObject".to_owned(), Type::Dyn),
        ("namespaceObject".to_owned(), Type::Dyn),
        ("request".to_owned(), request),
        ("authorizer".to_owned(), Type::Opaque(authorizer::TYPE)),
        ("variables".to_owned(), Type::object("kubernetes.variables", &[])),
    ]);
    if spec["paramKind"].is_object() {
        names.insert("params".to_owned(), Type::Dyn);
    }
    names
}

/// Makes a variable known to the expressions after it.
fn declare(names: &mut Variables, name: &str, program: &Result<Program, String>) {
    let ty = program.as_ref().map_or(Type::Dyn, |program| program.ty().clone());
    if let Some(Type::Object(variables)) = names.get_mut("variables") {
        let field = cel::Field {
            name: name.to_owned(),
            ty,
        };
        Arc::make_mut(variables).fields.insert(name.to_owned(), field);
    }
}

fn scope(request: &Request<'_>, params: &Value) -> Scope {
    let Request {
        registry,
        call,
        write,
        namespace,
    } = request;
    let plain = |value: Option<&Value>| value.map_or(Cel::Null, Cel::of_plain);
    let values = HashMap::from([
        ("object".to_owned(), plain(write.object)),
        ("oldObject".to_owned(), plain(write.old)),
        ("namespaceObject".to_owned(), Cel::of_plain(namespace)),
        ("params".to_owned(), Cel::of_plain(params)),
        ("request".to_owned(), Cel::of_plain(&described(call, write))),
        ("authorizer".to_owned(), authorizer::value(registry, call)),
        ("variables".to_owned(), Cel::of_plain(&json!({}))),
    ]);
    Scope {
        values,
        variables: HashMap::new(),
    }
}

fn described(call: &Call, write: &Write<'_>) -> Value {
    let resource = &call.served.resource;
    let kind = json!({"group": resource.group, "version": resource.version, "kind": resource.kind});
    let which = json!({"group": resource.group, "version": resource.version, "resource": resource.plural});
    let name = match call.name() {
        "" => write.object.map_or("", |object| metadata::text(object, "name")),
        name => name,
    };
    json!({
        "kind": kind,
        "resource": which,
        "subResource": call.subresource(),
        "requestKind": kind,
        "requestResource": which,
        "requestSubResource": call.subresource(),
        "name": name,
        "namespace": call.namespace().unwrap_or_default(),
        "operation": write.operation,
        "userInfo": call.user.to_json(),
        "dryRun": call.query.has("dryRun"),
        "options": {},
    })
}

/// What is wrong with a policy.
pub(super) fn faults(spec: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let filled = |list: &str| spec[list].as_array().is_some_and(|all| !all.is_empty());
    if !spec["matchConstraints"].is_object() {
        causes.push(Cause::required("spec.matchConstraints", ""));
    } else if spec["matchConstraints"]["resourceRules"]
        .as_array()
        .is_none_or(Vec::is_empty)
    {
        causes.push(Cause::required("spec.matchConstraints.resourceRules", ""));
    }
    if !filled("validations") && !filled("auditAnnotations") {
        let why = "validations or auditAnnotations must be set";
        causes.push(Cause::required("spec.validations", why));
    }
    let mut names = names(spec);
    let mut one = |at: String, of: &Value, names: &Variables, wanted: &[Type]| {
        let (written, program) = expression(of, names);
        let field = format!("{at}.expression");
        match &program {
            _ if written.trim().is_empty() => {
                causes.push(Cause::required(&field, "expression is not specified"));
            }
            Err(message) => causes.push(Cause::invalid(&field, &json!(written), message)),
            Ok(compiled) if !wanted.is_empty() && !wanted.contains(compiled.ty()) => {
                causes.push(Cause::invalid(&field, &json!(written), "must evaluate to bool"));
            }
            Ok(_) => {}
        }
        program
    };
    let booleans = [Type::Bool, Type::Dyn];
    for (at, condition) in spec["matchConditions"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let _ = one(
            format!("spec.matchConditions[{at}]"),
            condition,
            &names,
            &booleans,
        );
    }
    for (at, variable) in spec["variables"].as_array().into_iter().flatten().enumerate() {
        let name = text(variable, "name");
        let program = one(format!("spec.variables[{at}]"), variable, &names, &[]);
        declare(&mut names, name, &program);
    }
    for (at, validation) in spec["validations"].as_array().into_iter().flatten().enumerate() {
        let _ = one(format!("spec.validations[{at}]"), validation, &names, &booleans);
    }
    causes.extend(unfit_names(spec));
    causes
}

/// Variables whose names expressions can't say, and messages of more than a line.
fn unfit_names(spec: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (at, variable) in spec["variables"].as_array().into_iter().flatten().enumerate() {
        let (field, name) = (format!("spec.variables[{at}].name"), text(variable, "name"));
        if name.trim().is_empty() {
            causes.push(Cause::required(&field, "name is not specified"));
        } else if !cel::is_name(name) {
            let why = "name is not a valid CEL identifier";
            causes.push(Cause::invalid(&field, &json!(name), why));
        }
    }
    for (at, validation) in spec["validations"].as_array().into_iter().flatten().enumerate() {
        let message = text(validation, "message");
        if message.trim().contains(['\n', '\r']) {
            let field = format!("spec.validations[{at}].message");
            causes.push(Cause::invalid(
                &field,
                &json!(message),
                "message must not contain line breaks",
            ));
        }
    }
    causes
}
