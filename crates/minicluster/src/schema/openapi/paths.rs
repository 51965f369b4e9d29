//! The paths of a resource: what can be asked where, of which kind, with which query parameters.
//!
//! kubectl reads them to learn whether a `PATCH` of a kind knows `fieldValidation`. Summaries are our own words.

use serde_json::{Map, Value, json};

use super::super::resources::{Resource, Subresource};
use super::schemas::Schemas;

/// One operation: the HTTP method, the verb that it needs, and what the API calls the action.
struct Operation {
    method: &'static str,
    verb: &'static str,
    action: &'static str,
    /// How the operation's name begins.
    name: &'static str,
    parameters: &'static [Parameter],
}

type Parameter = (&'static str, &'static str);

const WRITE: &[Parameter] = &[
    ("dryRun", "string"),
    ("fieldManager", "string"),
    ("fieldValidation", "string"),
];
const PATCH: &[Parameter] = &[
    ("dryRun", "string"),
    ("fieldManager", "string"),
    ("fieldValidation", "string"),
    ("force", "boolean"),
];
const LIST: &[Parameter] = &[
    ("allowWatchBookmarks", "boolean"),
    ("continue", "string"),
    ("fieldSelector", "string"),
    ("labelSelector", "string"),
    ("limit", "integer"),
    ("resourceVersion", "string"),
    ("resourceVersionMatch", "string"),
    ("sendInitialEvents", "boolean"),
    ("timeoutSeconds", "integer"),
    ("watch", "boolean"),
];
const DELETE: &[Parameter] = &[
    ("dryRun", "string"),
    ("gracePeriodSeconds", "integer"),
    ("orphanDependents", "boolean"),
    ("propagationPolicy", "string"),
];

const COLLECTION: &[Operation] = &[
    Operation {
        method: "get",
        verb: "list",
        action: "list",
        name: "list",
        parameters: LIST,
    },
    Operation {
        method: "post",
        verb: "create",
        action: "post",
        name: "create",
        parameters: WRITE,
    },
    Operation {
        method: "delete",
        verb: "deletecollection",
        action: "deletecollection",
        name: "deleteCollection",
        parameters: DELETE,
    },
];

const OBJECT: &[Operation] = &[
    Operation {
        method: "get",
        verb: "get",
        action: "get",
        name: "read",
        parameters: &[],
    },
    Operation {
        method: "put",
        verb: "update",
        action: "put",
        name: "replace",
        parameters: WRITE,
    },
    Operation {
        method: "patch",
        verb: "patch",
        action: "patch",
        name: "patch",
        parameters: PATCH,
    },
    Operation {
        method: "delete",
        verb: "delete",
        action: "delete",
        name: "delete",
        parameters: DELETE,
    },
];

/// Creating something beneath an object: an eviction, a binding, a token.
const BENEATH: &[Operation] = &[Operation {
    method: "post",
    verb: "create",
    action: "post",
    name: "create",
    parameters: WRITE,
}];

const PATCH_TYPES: &[&str] = &[
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// Where operations stand and what they speak of.
struct Target<'a> {
    resource: &'a Resource,
    kind: [&'a str; 3],
    /// The definition of the kind; `None` for the options of streams, which have none.
    schema: Option<&'a str>,
    namespaced: bool,
    named: bool,
    suffix: String,
}

/// Adds the paths of a resource and its subresources.
pub(super) fn add(resource: &Resource, schemas: &Schemas, paths: &mut Map<String, Value>) {
    let kind = [&*resource.group, &*resource.version, &*resource.kind];
    let schema = |kind: [&str; 3]| schemas.name(kind[0], kind[1], kind[2]);
    add_resource(resource, schema(kind), paths);
    for subresource in &resource.subresources {
        let kind = kind_of(resource, subresource);
        let target = Target {
            resource,
            kind,
            schema: schema(kind),
            namespaced: resource.namespaced,
            named: true,
            suffix: capital(&subresource.name),
        };
        let path = format!(
            "{}/{{name}}/{}",
            base(resource, resource.namespaced),
            subresource.name
        );
        let operations: Vec<&Operation> = OBJECT.iter().chain(BENEATH).collect();
        paths.insert(path, item(&target, &operations, &subresource.verbs));
    }
}

/// Adds the paths of a resource alone.
pub(super) fn add_resource(resource: &Resource, schema: Option<&str>, paths: &mut Map<String, Value>) {
    let kind = [&*resource.group, &*resource.version, &*resource.kind];
    let target = |namespaced: bool, named: bool, suffix: &str| Target {
        resource,
        kind,
        schema,
        namespaced,
        named,
        suffix: suffix.to_owned(),
    };
    let own = base(resource, resource.namespaced);
    let has = |operations: &[Operation]| {
        operations
            .iter()
            .any(|o| resource.verbs.iter().any(|verb| verb == o.verb))
    };
    let collection: Vec<&Operation> = COLLECTION.iter().collect();
    paths.insert(
        own.clone(),
        item(
            &target(resource.namespaced, false, ""),
            &collection,
            &resource.verbs,
        ),
    );
    if has(OBJECT) {
        let object: Vec<&Operation> = OBJECT.iter().collect();
        let named = target(resource.namespaced, true, "");
        paths.insert(format!("{own}/{{name}}"), item(&named, &object, &resource.verbs));
    }
    if resource.namespaced && resource.verbs.iter().any(|verb| verb == "list") {
        let everywhere = target(false, false, "ForAllNamespaces");
        paths.insert(
            base(resource, false),
            item(&everywhere, &collection[..1], &resource.verbs),
        );
    }
}

fn kind_of<'a>(resource: &'a Resource, subresource: &'a Subresource) -> [&'a str; 3] {
    match subresource.version.is_empty() {
        true => [&resource.group, &resource.version, &subresource.kind],
        false => [&subresource.group, &subresource.version, &subresource.kind],
    }
}

fn base(resource: &Resource, namespaced: bool) -> String {
    let namespace = if namespaced { "/namespaces/{namespace}" } else { "" };
    format!(
        "/{}{namespace}/{}",
        super::path_of(&resource.group, &resource.version),
        resource.plural
    )
}

fn item(target: &Target<'_>, operations: &[&Operation], verbs: &[String]) -> Value {
    let allowed = operations
        .iter()
        .filter(|operation| verbs.iter().any(|verb| verb == operation.verb));
    let mut item: Map<String, Value> = allowed
        .map(|operation| (operation.method.to_owned(), print(target, operation)))
        .collect();
    let mut parameters = Vec::new();
    for (name, wanted) in [("name", target.named), ("namespace", target.namespaced)] {
        if wanted {
            parameters.push(json!({"name": name, "in": "path", "required": true,
                "schema": {"type": "string", "uniqueItems": true}}));
        }
    }
    parameters.push(query(&("pretty", "string")));
    item.insert("parameters".to_owned(), Value::Array(parameters));
    Value::Object(item)
}

fn print(target: &Target<'_>, operation: &Operation) -> Value {
    let [group, version, kind] = target.kind;
    let scope = if target.namespaced { "Namespaced" } else { "" };
    let group_name = target
        .resource
        .group
        .split('.')
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or("core");
    let group_version = format!("{}{}", capital(group_name), capital(&target.resource.version));
    let owner = &target.resource.kind;
    let name = format!("{}{group_version}{scope}{owner}{}", operation.name, target.suffix);
    let schema = target.schema.map(|name| match operation.action {
        "list" => format!("{name}List"),
        "delete" | "deletecollection" => format!("{META}.Status"),
        _ => name.to_owned(),
    });
    let mut printed = json!({
        "operationId": name,
        "description": format!("{} {}", operation.action, kind),
        "tags": [format!("{}_{}", group_name, target.resource.version)],
        "responses": {"200": response(schema.as_deref()), "401": {"description": "Unauthorized"}},
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
    });
    if !operation.parameters.is_empty() {
        printed["parameters"] = operation.parameters.iter().map(query).collect();
    }
    if let Some(content) = request(operation, target) {
        printed["requestBody"] = json!({"content": content, "required": operation.method != "delete"});
    }
    printed
}

fn response(schema: Option<&str>) -> Value {
    match schema {
        Some(name) => {
            json!({"description": "OK", "content": {"application/json": {"schema": reference(name)}}})
        }
        None => json!({"description": "OK", "content": {"*/*": {"schema": {"type": "string"}}}}),
    }
}

fn request(operation: &Operation, target: &Target<'_>) -> Option<Value> {
    let of = |types: &[&str], name: &str| {
        let content = types
            .iter()
            .map(|kind| ((*kind).to_owned(), json!({"schema": reference(name)})));
        Some(Value::Object(content.collect()))
    };
    match operation.method {
        // Without types in its code, a server has no strategic merge of custom kinds; kubectl looks here for it.
        "patch" if target.resource.custom => of(&PATCH_TYPES[..3], &format!("{META}.Patch")),
        "patch" => of(PATCH_TYPES, &format!("{META}.Patch")),
        "delete" => of(&["*/*"], &format!("{META}.DeleteOptions")),
        "post" | "put" => of(&["*/*"], target.schema?),
        _ => None,
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn query((name, kind): &Parameter) -> Value {
    json!({"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": true}})
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|letter| letter.to_ascii_uppercase())
        .into_iter()
        .chain(letters)
        .collect()
}
