//! The part of JSONPath that printer columns of custom kinds use: fields, indices, stars and a filter on one field.
//!
//! The first value found is the column's. What this can't read finds nothing, as what isn't there.

use serde_json::Value;

/// More steps than any sensible path has.
const MAX_STEPS: usize = 64;

/// The first value that a path such as `.status.conditions[?(@.type=="Ready")].status` finds.
pub(super) fn find<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut found = object;
    let mut rest = path.trim().trim_start_matches('$');
    for _ in 0..MAX_STEPS {
        if rest.is_empty() {
            return Some(found);
        }
        if let Some(after) = rest.strip_prefix('.') {
            let (name, after) = field(after);
            found = match name.as_str() {
                "" => found,
                "*" => first(found)?,
                name => found.get(name)?,
            };
            rest = after;
            continue;
        }
        let (inside, after) = bracket(rest.strip_prefix('[')?)?;
        found = element(found, inside.trim())?;
        rest = after;
    }
    None
}

/// A field's name, in which a backslash makes the next character a part of it.
fn field(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '.' | '[' if !escaped => return (name, &text[at..]),
            _ => name.push(character),
        }
        escaped = false;
    }
    (name, "")
}

/// What stands up to the closing bracket, which may stand in quotes too.
fn bracket(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, ']') => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

fn element<'a>(value: &'a Value, inside: &str) -> Option<&'a Value> {
    if inside == "*" {
        return first(value);
    }
    if let Some(filter) = inside.strip_prefix("?(").and_then(|text| text.strip_suffix(')')) {
        return value.as_array()?.iter().find(|one| keeps(one, filter));
    }
    if let Ok(index) = inside.parse::<i64>() {
        let all = value.as_array()?;
        let last = index.checked_neg().and_then(|index| usize::try_from(index).ok());
        let at = match usize::try_from(index) {
            Ok(index) => index,
            Err(_) => all.len().checked_sub(last?)?,
        };
        return all.get(at);
    }
    value.get(unquoted(inside)?)
}

fn first(value: &Value) -> Option<&Value> {
    match value {
        Value::Array(items) => items.first(),
        Value::Object(fields) => fields.values().next(),
        _ => None,
    }
}

/// `@.type=="Ready"`, `@.type!='Ready'`, `@.type`.
fn keeps(one: &Value, filter: &str) -> bool {
    let side = |text: &str| {
        text.trim()
            .strip_prefix('@')
            .and_then(|path| find(one, path.trim()))
    };
    for (sign, equal) in [("==", true), ("!=", false)] {
        if let Some((left, right)) = filter.split_once(sign) {
            let right = right.trim();
            let wanted = match unquoted(right) {
                Some(text) => Value::from(text),
                None => serde_json::from_str(right).unwrap_or_default(),
            };
            return side(left).is_some_and(|found| (*found == wanted) == equal);
        }
    }
    side(filter).is_some()
}

fn unquoted(text: &str) -> Option<&str> {
    ['\'', '"']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn printer_paths_are_followed() {
        let object = json!({
            "a": {"b": [{"t": "x", "v": 1}, {"t": "y", "v": 2, "on": true}]},
            "l": {"k.io/n": 3, "o]": 4},
        });
        for (text, expected) in [
            (".a.b[0].v", Some(1)),
            ("$.a.b[-1].v", Some(2)),
            (".a.b[?(@.t==\"x\")].v", Some(1)),
            (".a.b[?(@.t == 'y')].v", Some(2)),
            (".a.b[?(@.t!='x')].v", Some(2)),
            (".a.b[?(@.on==true)].v", Some(2)),
            (".a.b[?(@.on)].v", Some(2)),
            (".a.b[*].v", Some(1)),
            (".l.k\\.io/n", Some(3)),
            (".l['k.io/n']", Some(3)),
            (".l[\"o]\"]", Some(4)),
            (".a.c", None),
            ("[", None),
            (".a.b[9]", None),
            (".a.b[-9223372036854775808]", None),
            (".a.b[?(@.t==)].v", None),
            (".a.b[?()].v", None),
        ] {
            assert_eq!(find(&object, text).and_then(Value::as_i64), expected, "{text}");
        }
    }
}
