//! A body becomes an object of the kind that the path names: decoded, its unknown fields found, its kind checked.

use serde_json::{Value, json};

use super::body::{self, Body};
use super::catalog::Served;
use super::failure::Failure;
use super::query::FieldValidation;
use super::{Call, identify};
use crate::patch::json_type;
use crate::schema::{prune, walk};

/// What bodies may be written in.
const MEDIA: [&str; 3] = [
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
];

/// An object and what the client is to be told of it.
#[derive(Debug)]
pub(super) struct Decoded {
    pub object: Value,
    pub warnings: Vec<String>,
}

/// Decodes the body of a create or an update.
pub(super) fn decode(call: &Call, options: &str) -> Result<Decoded, Failure> {
    let validation = call.query.field_validation(options)?;
    let served = &*call.served;
    let kind = &served.resource.kind;
    let body = read(call).map_err(|problem| match problem {
        Problem::Media => Failure::unsupported_media(&MEDIA),
        Problem::Text(cause) => Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse \
             error: {cause} ({})",
            excerpt(&call.body)
        )),
    })?;
    decode_sent(served, body, validation, &call.body)
}

enum Problem {
    Media,
    Text(String),
}

fn read(call: &Call) -> Result<Body, Problem> {
    if let Some(given) = &call.given {
        return Ok(Body::of(given));
    }
    match media_type(&call.content_type) {
        "" | "application/json" => body::json(&call.body).map_err(Problem::Text),
        "application/yaml" => body::yaml(&call.body).map_err(Problem::Text),
        _ => Err(Problem::Media),
    }
}

/// Checks an object that has been made by a patch.
pub(super) fn decode_value(
    served: &Served,
    body: Body,
    validation: FieldValidation,
) -> Result<Decoded, Failure> {
    decode_sent(served, body, validation, &[])
}

/// Checks an object that has been read from `sent`.
fn decode_sent(
    served: &Served,
    body: Body,
    validation: FieldValidation,
    sent: &[u8],
) -> Result<Decoded, Failure> {
    let Body {
        value: mut object,
        duplicates,
    } = body;
    let kind = &served.resource.kind;
    if !object.is_object() {
        let cause = format!(
            "json: cannot unmarshal {} into Go value of type",
            json_type(&object)
        );
        return Err(Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse \
             error: {cause} struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \
             \"json:\\\"kind,omitempty\\\"\" }} ({})",
            excerpt(object.to_string().as_bytes())
        )));
    }
    check_kind(served, &object)?;
    identify(served, &mut object);
    let version = &served.resource.version;
    let cannot = format!("{kind} in version \"{version}\" cannot be handled as a {kind}");
    let walked = walk::walk(served.ty(), &object);
    if let (Some(error), None) = (&walked.error, &served.custom) {
        return Err(Failure::bad_request(format!("{cannot}: {error}")));
    }
    let duplicates = duplicates
        .iter()
        .map(|path| format!("duplicate field \"{path}\""));
    let mut unknown = walked.unknown;
    // The real server names them in the order of the body, which the parsed object has lost.
    unknown.sort_by_key(|path| position(path, sent));
    let unknown = unknown.iter().map(|path| format!("unknown field \"{path}\""));
    let mut problems: Vec<String> = duplicates.chain(unknown).collect();
    let warnings = match validation {
        FieldValidation::Ignore => Vec::new(),
        FieldValidation::Warn => problems,
        FieldValidation::Strict if problems.is_empty() => Vec::new(),
        FieldValidation::Strict => {
            problems.sort_by_key(|problem| !problem.starts_with("duplicate"));
            let strict = format!("strict decoding error: {}", problems.join(", "));
            return Err(Failure::bad_request(format!("{cannot}: {strict}")));
        }
    };
    prune::prune(served.ty(), &mut object);
    if served.custom.is_some() {
        prune::default(served.ty(), &mut object);
    } else {
        prune::settle_nulls(served.ty(), &mut object);
        prune::show_unset_times(served.ty(), &mut object);
    }
    if !object.get("metadata").is_some_and(Value::is_object) {
        object["metadata"] = json!({});
    }
    Ok(Decoded { object, warnings })
}

/// Built-in kinds may be left out; of custom ones both are needed.
fn check_kind(served: &Served, object: &Value) -> Result<(), Failure> {
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let expected = (&*served.api_version, &*served.resource.kind);
    if (api_version, kind) == expected {
        return Ok(());
    }
    let Served { resource, .. } = served;
    if served.custom.is_some() {
        let missing = match (api_version, kind) {
            (_, "") => "Object 'Kind' is missing in",
            ("", _) => "Object 'apiVersion' is missing in",
            _ => {
                return Err(Failure::bad_request(format!(
                    "the API version in the data ({api_version}) does not match the expected API version ({})",
                    served.api_version
                )));
            }
        };
        return Err(Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {missing} '{object}'",
            resource.kind
        )));
    }
    if (kind.is_empty() || kind == expected.1) && (api_version.is_empty() || api_version == expected.0) {
        return Ok(());
    }
    if api_version == expected.0 && !kind.is_empty() {
        let package = if resource.group.is_empty() {
            "core".to_owned()
        } else {
            resource.group.split('.').next().unwrap_or_default().to_owned()
        };
        let version = &resource.version;
        return Err(Failure::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {}: converting ({version}.{kind}) to \
             ({package}.{}): unknown conversion",
            resource.kind, resource.kind
        )));
    }
    Err(Failure::bad_request(format!(
        "the API version in the data ({api_version}) does not match the expected API version ({})",
        served.api_version
    )))
}

/// Where a field's name first stands in the body.
fn position(path: &str, sent: &[u8]) -> usize {
    let name = path.rsplit('.').next().unwrap_or_default();
    memchr::memmem::find(sent, format!("\"{name}\"").as_bytes()).unwrap_or(usize::MAX)
}

/// The media type without its parameters.
pub(super) fn media_type(text: &str) -> &str {
    text.split(';').next().unwrap_or_default().trim()
}

/// The start of a body, as the real server quotes it: what may be JSON as text, anything else as hexadecimal.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 30;
    let (shown, more) = match bytes.get(..SHOWN) {
        Some(start) if bytes.len() > SHOWN => (start, " ..."),
        _ => (bytes, ""),
    };
    match shown {
        [] => "<empty>".to_owned(),
        [b'{', ..] => format!("{}{more}", String::from_utf8_lossy(shown)),
        _ => {
            let digits: String = shown.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{digits}{more}")
        }
    }
}
