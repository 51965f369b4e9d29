//! The OpenAPI 3.1 document, from the table of endpoints and the types of their bodies.

use control::desk::Refused;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::route::{Answer, Ask, Over, Route, Verb, schema};
use crate::routes::ROUTES;

/// Every answer that is no success.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// As in `SW1103`; its page says what it means. Missing where the request itself was none.
    pub code: Option<String>,
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

pub(crate) async fn answer(_: Ask) -> Result<Answer, Refused> {
    Ok(Answer::Json(document()))
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = schema::<Problem>(&mut generator);
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.verb.as_str().to_ascii_lowercase()] = operation(route, &mut generator);
    }
    let answers =
        json!({"description": "It was not done.", "content": {"application/json": {"schema": problem}}});
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Shipway",
            "version": "v1",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "What people ask for and see. Every request carries a token: `Authorization: Bearer sw_…`, or an ID token.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"idToken": []}],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": {"Problem": answers},
            "securitySchemes": schemes(),
        },
    })
}

/// Who vouches for a caller. The scheme `openIdConnect` would name an issuer, which each controller has its own of.
fn schemes() -> Value {
    json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of `shipway token create`: `sw_ID_SECRET`.",
        },
        "idToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An ID token of the OpenID Connect issuer that the controller trusts (`--oidc-issuer`).",
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let text = json!({"type": "string"});
    let in_path = route
        .parameters()
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": text}));
    let in_query = route
        .query
        .iter()
        .map(|query| json!({"name": query.name, "in": "query", "description": query.about, "schema": text}));
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let content = match route.answer {
        Some(answer) => json!({"application/json": {"schema": answer(generator)}}),
        None if route.path.ends_with(".json") => json!({"application/json": {"schema": {"type": "object"}}}),
        None => json!({"text/plain": {"schema": text}}),
    };
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "description": needs(route),
        "x-shipway-right": route.right,
        "x-shipway-over": route.over.as_str(),
        "parameters": parameters,
        "responses": {
            "200": {"description": "It is done, or this is it.", "content": content},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    });
    if let Some(body) = route.body {
        let content = json!({"application/json": {"schema": body(generator)}});
        operation["requestBody"] = json!({"required": route.verb == Verb::Post, "content": content});
    }
    operation
}

/// What the caller needs, in words.
fn needs(route: &Route) -> String {
    let right = route.right.as_str();
    let roles = route.right.roles();
    let mut needs = match route.over {
        Over::Seen => "Needs a token; the answer has what it may see.".to_owned(),
        Over::Namespace => format!("Needs the right `{right}` for the tenant of the namespace: {roles}."),
        Over::Tenant => format!("Needs the right `{right}` for the tenant: {roles}."),
        Over::Everything => format!("Needs the right `{right}` for everything: {roles}."),
    };
    if route.or_group {
        needs += " Where a stage or a freeze names groups, their members may, and nobody else.";
    }
    needs
}
