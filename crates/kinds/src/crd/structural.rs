//! From what schemars says of a type to a structural schema, part by part.

use serde_json::{Map, Value};

type Schema = Map<String, Value>;

/// Makes a schema structural, with all its parts.
pub(super) fn structural(schema: &mut Schema) {
    one(schema);
    each_part(schema, &mut one);
}

/// Does something with every part of a schema, outermost first, but not with the schema itself. Types nest as deep as
/// they are written, and refer to no type above them, or there would be no end to putting them in.
pub(super) fn each_part(schema: &mut Schema, act: &mut impl FnMut(&mut Schema)) {
    let mut visit = |part: &mut Value| {
        if let Value::Object(part) = part {
            act(part);
            each_part(part, act);
        }
    };
    for key in ["items", "additionalProperties"] {
        if let Some(part) = schema.get_mut(key) {
            visit(part);
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(visit);
    }
}

fn one(schema: &mut Schema) {
    schema.remove("title");
    schema.remove("$schema");
    without_null(schema);
    words(schema);
    number(schema);
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = on_one_line(text);
    }
}

/// An `Option` may be absent, which is said by `required`; null is no value of a field in Kubernetes.
fn without_null(schema: &mut Schema) {
    let is_null = |value: &Value| value.is_null() || value.get("type").is_some_and(|kind| kind == "null");
    if let Some(Value::Array(alternatives)) = schema.get_mut("anyOf") {
        alternatives.retain(|one| !is_null(one));
        if let [Value::Object(only)] = alternatives.as_mut_slice() {
            let only = std::mem::take(only);
            schema.remove("anyOf");
            for (key, value) in only {
                schema.entry(key).or_insert(value);
            }
        }
    }
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_mut_slice() {
            let kind = kind.take();
            schema.insert("type".into(), kind);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
}

/// An enum of words with a comment each is a list of alternatives to schemars; here it is one list of words, and the
/// comments stand in the description.
fn words(schema: &mut Schema) {
    let Some(Value::Array(alternatives)) = schema.get("oneOf") else {
        return;
    };
    let mut words = Vec::new();
    let mut meanings = Vec::new();
    for alternative in alternatives {
        if let Some(Value::Array(several)) = alternative.get("enum") {
            words.extend(several.iter().cloned());
        }
        if let Some(word) = alternative.get("const") {
            words.push(word.clone());
            if let (Some(word), Some(Value::String(text))) = (word.as_str(), alternative.get("description")) {
                meanings.push(format!("`{word}`: {}", on_one_line(text)));
            }
        }
    }
    schema.remove("oneOf");
    schema.insert("type".into(), "string".into());
    schema.insert("enum".into(), Value::Array(words));
    if let Some(Value::String(text)) = schema.get_mut("description") {
        meanings.insert(0, on_one_line(text));
    }
    if !meanings.is_empty() {
        schema.insert("description".into(), meanings.join(" ").into());
    }
}

/// Kubernetes knows `int32` and `int64`; a number that is never negative says so by its minimum.
fn number(schema: &mut Schema) {
    if schema.get("type").is_none_or(|kind| kind != "integer") {
        return;
    }
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let is_small = |number: f64| number.abs() <= f64::from(i32::MAX);
    let small = bound("minimum").is_some_and(is_small) && bound("maximum").is_some_and(is_small);
    schema.insert("format".into(), if small { "int32" } else { "int64" }.into());
}

/// Lines of a comment are wrapped for the source; paragraphs stay.
fn on_one_line(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let lines = paragraph.lines().map(str::trim);
        lines.collect::<Vec<_>>().join(" ")
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    /// What it is
    /// for.
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Sample {
        /// A word.
        word: Word,
        maybe_word: Option<Word>,
        plain: Option<Plain>,
        nested: Option<Nested>,
        #[serde(default)]
        #[schemars(range(min = 1, max = 10))]
        small: Option<u32>,
        #[serde(default = "seven")]
        large: u64,
        list: Vec<Nested>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    enum Word {
        /// The first
        /// one.
        First,
        Second,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    enum Plain {
        One,
        Two,
    }

    /// Inside.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[schemars(extend("x-kubernetes-validations" = [{"rule": "true"}]))]
    struct Nested {
        on: bool,
    }

    fn seven() -> u64 {
        7
    }

    #[test]
    fn types_become_structural() {
        let word = |description: &str| json!({"type": "string", "enum": ["Second", "First"], "description": description});
        let nested = json!({"type": "object", "description": "Inside.", "required": ["on"],
            "properties": {"on": {"type": "boolean"}}, "x-kubernetes-validations": [{"rule": "true"}]});
        assert_eq!(
            super::super::schema_of::<Sample>(),
            json!({
                "type": "object",
                "description": "What it is for.",
                "required": ["word", "list"],
                "properties": {
                    "word": word("A word. `First`: The first one."),
                    "maybe_word": word("`First`: The first one."),
                    "plain": {"type": "string", "enum": ["One", "Two"]},
                    "nested": nested,
                    "small": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 10},
                    "large": {"type": "integer", "format": "int64", "minimum": 0, "default": 7},
                    "list": {"type": "array", "items": nested},
                },
            })
        );
    }
}
