//! Named formats: `format.dns1123Label().validate(text)`.

use crate::eval::{Error, Meter, failed};
use crate::value::Value;

type Called = Option<Result<Value, Error>>;

/// Name, the longest text, the pattern of the whole text, and what is said of a text that doesn't match.
const FORMATS: &[(&str, usize, &str, &str)] = &[
    (
        "dns1123Label",
        63,
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end \
         with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ),
    (
        "dns1123Subdomain",
        253,
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start \
         and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ),
    (
        "dns1035Label",
        63,
        "[a-z]([-a-z0-9]*[a-z0-9])?",
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
         character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation \
         is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    ),
    (
        "labelValue",
        63,
        "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
         and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
         validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ),
    (
        "qualifiedName",
        317,
        "([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
         alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
         '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ),
    (
        "uri",
        usize::MAX,
        "[a-zA-Z][-+.a-zA-Z0-9]*:\\S+|/\\S*",
        "invalid URI",
    ),
    (
        "uuid",
        usize::MAX,
        "(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}",
        "does not match the UUID format",
    ),
    ("byte", usize::MAX, "[A-Za-z0-9+/]*={0,2}", "invalid base64"),
    ("date", usize::MAX, "[0-9]{4}-[0-9]{2}-[0-9]{2}", "invalid date"),
    (
        "datetime",
        usize::MAX,
        "(?i)[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\\.[0-9]+)?(Z|[-+][0-9:]{5})",
        "invalid datetime",
    ),
];

pub(super) fn call(name: &str, args: &[Value], meter: &mut Meter) -> Called {
    if let Some(named) = name.strip_prefix("format.") {
        let wanted = match args {
            [] => named,
            [Value::String(text)] if named == "named" => text,
            _ => return None,
        };
        // A prefix of a name may end with a dash; the formats are otherwise the same.
        let wanted = wanted.trim_end_matches("Prefix");
        let found = FORMATS.iter().find(|(known, ..)| *known == wanted);
        let value = found.map(|(known, ..)| Value::Format(known));
        return Some(match (args, value) {
            ([], Some(value)) => Ok(value),
            ([], None) => Err(failed(format!("no such format: {wanted}"))),
            (_, value) => Ok(Value::Optional(value.map(Box::new))),
        });
    }
    match (name, args) {
        ("validate", [Value::Format(format), Value::String(text)]) => Some(validate(format, text, meter)),
        _ => None,
    }
}

fn validate(format: &str, text: &str, meter: &mut Meter) -> Result<Value, Error> {
    let Some((_, most, pattern, why)) = FORMATS.iter().find(|(known, ..)| *known == format) else {
        return Err(failed(format!("no such format: {format}")));
    };
    meter.charge_text(text.len())?;
    let mut found = Vec::new();
    if text.len() > *most {
        found.push(Value::string(&format!("must be no more than {most} bytes")));
    }
    if !meter.regex(&format!("^(?:{pattern})$"))?.is_match(text) {
        found.push(Value::string(why));
    }
    if found.is_empty() {
        return Ok(Value::Optional(None));
    }
    Ok(Value::Optional(Some(Box::new(Value::list(found)))))
}
