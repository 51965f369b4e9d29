//! One JSON document with schemas in it: where its parts are, which of them have names of their own.

use std::collections::HashMap;
use std::sync::Arc;

use yaml::Value;

use super::compile::Error;
use super::meta::Draft;
use super::url;

/// A document that was loaded.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) url: String,
    pub(super) value: Arc<Value>,
    pub(super) draft: Draft,
    /// The root first, then every schema with an id.
    pub(super) resources: Vec<Resource>,
}

/// A schema with an id, and the anchors within it.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) pointer: String,
    pub(super) id: String,
    pub(super) anchors: HashMap<String, String>,
    pub(super) dynamic_anchors: Vec<String>,
}

/// Where a keyword holds schemas.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// One schema.
    Schema,
    /// A list of them.
    List,
    /// A table of them.
    Table,
    /// One, or a list.
    SchemaOrList,
}

impl Document {
    pub(super) fn new(url: &str, value: Arc<Value>, draft: Draft) -> Result<Self, Error> {
        let root = Resource::new(String::new(), url.to_owned());
        let mut document = Self {
            url: url.to_owned(),
            value,
            draft,
            resources: vec![root],
        };
        let value = Arc::clone(&document.value);
        document.collect(&value, "", 0)?;
        Ok(document)
    }

    /// The resource a pointer lies in.
    pub(super) fn resource(&self, pointer: &str) -> usize {
        if self.resources.len() == 1 {
            return 0;
        }
        let mut pointer = pointer;
        loop {
            if let Some(at) = self
                .resources
                .iter()
                .position(|resource| resource.pointer == pointer)
            {
                return at;
            }
            let Some(slash) = pointer.rfind('/') else { return 0 };
            pointer = &pointer[..slash];
        }
    }

    /// The value at a pointer.
    pub(super) fn lookup(&self, pointer: &str) -> Option<&Value> {
        lookup(&self.value, pointer)
    }

    /// Whether schemas are expected at a pointer; elsewhere a reference may still lead.
    pub(super) fn is_schema_position(&self, pointer: &str) -> bool {
        let mut tokens = pointer.split('/').skip(1).peekable();
        while let Some(keyword) = tokens.next() {
            let is_index = tokens
                .peek()
                .is_some_and(|next| next.bytes().all(|byte| byte.is_ascii_digit()));
            match holds(self.draft, keyword) {
                None => return false,
                Some(Holds::Schema) => {}
                Some(Holds::SchemaOrList) => {
                    if is_index {
                        tokens.next();
                    }
                }
                Some(Holds::List | Holds::Table) => {
                    if tokens.next().is_none() {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Finds ids and anchors. Depth is bounded by the JSON reader.
    fn collect(&mut self, value: &Value, pointer: &str, outer: usize) -> Result<(), Error> {
        let Value::Map(map) = value else { return Ok(()) };
        let text = |key: &str| match map.get(key) {
            Some(Value::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let has_ref = self.draft <= Draft::D7 && map.contains_key("$ref");
        let id = text(self.draft.id()).filter(|_| !has_ref);
        let mut resource = outer;
        if let Some((id, fragment)) = id.map(url::split) {
            if !id.is_empty() {
                let id = url::join(&self.resources[outer].id, id);
                if pointer.is_empty() {
                    self.resources[0].id = id;
                } else {
                    resource = self.add(pointer.to_owned(), id)?;
                }
            }
            if self.draft < Draft::D2019 && !fragment.is_empty() {
                self.anchor(resource, fragment, pointer)?;
            }
        }
        if self.draft >= Draft::D2019
            && let Some(anchor) = text("$anchor")
        {
            self.anchor(resource, anchor, pointer)?;
        }
        if self.draft >= Draft::D2020
            && let Some(anchor) = text("$dynamicAnchor")
        {
            self.anchor(resource, anchor, pointer)?;
            self.resources[resource].dynamic_anchors.push(anchor.to_owned());
        }
        for (keyword, value) in map {
            let Some(kind) = holds(self.draft, keyword) else {
                continue;
            };
            match (kind, value) {
                (Holds::Schema | Holds::SchemaOrList, Value::Map(_)) => {
                    self.collect(value, &format!("{pointer}/{keyword}"), resource)?;
                }
                (Holds::List | Holds::SchemaOrList, Value::Seq(items)) => {
                    for (i, item) in items.iter().enumerate() {
                        self.collect(item, &format!("{pointer}/{keyword}/{i}"), resource)?;
                    }
                }
                (Holds::Table, Value::Map(table)) => {
                    for (name, item) in table {
                        self.collect(item, &format!("{pointer}/{keyword}/{}", escape(name)), resource)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, pointer: String, id: String) -> Result<usize, Error> {
        if let Some(other) = self.resources.iter().find(|resource| resource.id == id) {
            return Err(Error::DuplicateId {
                id,
                url: self.url.clone(),
                first: pointer,
                second: other.pointer.clone(),
            });
        }
        self.resources.push(Resource::new(pointer, id));
        Ok(self.resources.len() - 1)
    }

    fn anchor(&mut self, resource: usize, anchor: &str, pointer: &str) -> Result<(), Error> {
        let known = self.resources[resource]
            .anchors
            .insert(anchor.to_owned(), pointer.to_owned());
        match known {
            Some(known) if known != pointer => Err(Error::DuplicateAnchor {
                anchor: anchor.to_owned(),
                url: self.url.clone(),
                first: known,
                second: pointer.to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

impl Resource {
    fn new(pointer: String, id: String) -> Self {
        Self {
            pointer,
            id,
            anchors: HashMap::new(),
            dynamic_anchors: Vec::new(),
        }
    }
}

/// The value at a JSON pointer.
pub(super) fn lookup<'v>(value: &'v Value, pointer: &str) -> Option<&'v Value> {
    let mut value = value;
    for token in pointer.split('/').skip(1) {
        value = match value {
            Value::Map(map) => map.get(&unescape(token)?)?,
            Value::Seq(items) => items.get(token.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(value)
}

/// Which keywords hold schemas, from which draft on.
fn holds(draft: Draft, keyword: &str) -> Option<Holds> {
    let (since, kind) = match keyword {
        "definitions" | "properties" | "patternProperties" | "dependencies" => (Draft::D4, Holds::Table),
        "not" | "additionalProperties" | "additionalItems" => (Draft::D4, Holds::Schema),
        "allOf" | "anyOf" | "oneOf" => (Draft::D4, Holds::List),
        "items" => (Draft::D4, Holds::SchemaOrList),
        "propertyNames" | "contains" => (Draft::D6, Holds::Schema),
        "if" | "then" | "else" => (Draft::D7, Holds::Schema),
        "$defs" | "dependentSchemas" => (Draft::D2019, Holds::Table),
        "unevaluatedProperties" | "unevaluatedItems" | "contentSchema" => (Draft::D2019, Holds::Schema),
        "prefixItems" => (Draft::D2020, Holds::List),
        _ => return None,
    };
    (draft >= since).then_some(kind)
}

/// A name as a part of a JSON pointer.
pub(super) fn escape(name: &str) -> String {
    if name.contains(['~', '/']) {
        name.replace('~', "~0").replace('/', "~1")
    } else {
        name.to_owned()
    }
}

fn unescape(token: &str) -> Option<String> {
    let mut out = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(next) = chars.next() {
        match next {
            '~' => out.push(match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            }),
            next => out.push(next),
        }
    }
    Some(out)
}
