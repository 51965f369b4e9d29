//! From a JSON document to nodes: keywords read, references resolved, regular expressions compiled.
//!
//! The document is first held against its meta-schema, so that what is read here has the right types; anything
//! that still has not is passed over, as Helm's engine does.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use yaml::Value;

use super::document::{Document, escape, lookup};
use super::format::Format;
use super::instance::Instance;
use super::meta::{self, Draft};
use super::node::{
    Additional, ArrayRules, Condition, Depends, Node, NodeId, NumberRules, ObjectRules, Schema, StringRules,
    Types,
};
use super::{url, validate};
use crate::go_text::quote;
use crate::regex::Regex;
use crate::values::Map;

/// Schemas in one document; each costs about a kilobyte. The largest real ones have some ten thousand.
const MAX_NODES: usize = 500_000;

/// Why a schema cannot be used, in the words of Helm's engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("{0}")]
    Text(String),
    #[error("{} is not valid against metaschema: {text}", quote(url))]
    Invalid { url: String, text: String },
    #[error("json-pointer in {} not found", quote(url))]
    NoPointer { url: String },
    #[error("anchor in {} not found in schema {}", quote(reference), quote(url))]
    NoAnchor { reference: String, url: String },
    #[error("failing loading {}: {reason}", quote(url))]
    Load { url: String, reason: String },
    #[error(
        "duplicate id {} in {} at {} and {}",
        quote(id),
        quote(url),
        quote(first),
        quote(second)
    )]
    DuplicateId {
        id: String,
        url: String,
        first: String,
        second: String,
    },
    #[error(
        "duplicate anchor {} in {} at {} and {}",
        quote(anchor),
        quote(url),
        quote(first),
        quote(second)
    )]
    DuplicateAnchor {
        anchor: String,
        url: String,
        first: String,
        second: String,
    },
    #[error("invalid regex {} at {}: {reason}", quote(regex), quote(url))]
    Regex {
        regex: String,
        url: String,
        reason: String,
    },
    #[error("more than {limit} schemas")]
    TooMany { limit: usize },
}

/// Compiles a user's schema.
pub(super) fn compile(url: &str, document: Value) -> Result<Schema, Error> {
    let mut compiler = Compiler::new(Formats::AsDraftSays);
    compiler.add(url, Arc::new(document))?;
    compiler.run(url)
}

/// Compiles a meta-schema, whose formats are always checked.
pub(super) fn compile_meta(url: &str) -> Result<Schema, Error> {
    let mut compiler = Compiler::new(Formats::Checked);
    compiler.load(url)?;
    compiler.run(url)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Formats {
    Checked,
    /// Since 2019-09 a format is an annotation.
    AsDraftSays,
}

struct Compiler {
    formats: Formats,
    documents: Vec<Document>,
    nodes: Vec<Option<Node>>,
    known: HashMap<(usize, String), NodeId>,
    queue: VecDeque<(NodeId, usize, String)>,
}

/// One schema being read.
struct Place<'a> {
    document: usize,
    pointer: &'a str,
    map: &'a Map,
    draft: Draft,
}

impl Compiler {
    fn new(formats: Formats) -> Self {
        Self {
            formats,
            documents: Vec::new(),
            nodes: Vec::new(),
            known: HashMap::new(),
            queue: VecDeque::new(),
        }
    }

    fn run(mut self, url: &str) -> Result<Schema, Error> {
        let document = self.load(url)?;
        let root = self.enqueue(document, String::new());
        while let Some((id, document, pointer)) = self.queue.pop_front() {
            if self.nodes.len() > MAX_NODES {
                return Err(Error::TooMany { limit: MAX_NODES });
            }
            let node = self.node(document, &pointer)?;
            self.nodes[id] = Some(node);
        }
        Ok(Schema {
            nodes: self.nodes.into_iter().flatten().collect(),
            root,
        })
    }

    /// The document at a URL, loaded if it is not there yet.
    fn load(&mut self, url: &str) -> Result<usize, Error> {
        if let Some(at) = self.documents.iter().position(|document| document.url == url) {
            return Ok(at);
        }
        let failed = |reason: String| Error::Load {
            url: url.to_owned(),
            reason,
        };
        if let Some(document) = meta::document(url) {
            return self.add(url, document);
        }
        match url::scheme(url) {
            // Helm takes an unknown URN for a schema that allows everything.
            Some("urn") => self.add(url, Arc::new(Value::Bool(true))),
            Some("http" | "https") => Err(failed(format!(
                "HTTP request failed for {url}: references to the network are not followed"
            ))),
            Some("file") => {
                let path = url.strip_prefix("file://").unwrap_or(url);
                Err(failed(format!("open {path}: no such file or directory")))
            }
            _ => Err(failed(format!("no URLLoader registered for {}", quote(url)))),
        }
    }

    fn add(&mut self, url: &str, value: Arc<Value>) -> Result<usize, Error> {
        let draft = self.draft_of(&value)?;
        let document = Document::new(url, value, draft)?;
        if meta::document(url).is_none() {
            validate_schema(&document, "", Instance::from(&*document.value))?;
        }
        self.documents.push(document);
        Ok(self.documents.len() - 1)
    }

    fn draft_of(&mut self, value: &Value) -> Result<Draft, Error> {
        let Value::Map(map) = value else {
            return Ok(meta::LATEST);
        };
        let Some(Value::String(named)) = map.get("$schema") else {
            return Ok(meta::LATEST);
        };
        if let Some(draft) = Draft::from_url(named) {
            return Ok(draft);
        }
        let (bare, _) = url::split(named);
        let document = self.load(bare)?;
        Ok(self.documents[document].draft)
    }

    fn enqueue(&mut self, document: usize, pointer: String) -> NodeId {
        if let Some(id) = self.known.get(&(document, pointer.clone())) {
            return *id;
        }
        let id = self.nodes.len();
        self.nodes.push(None);
        self.known.insert((document, pointer.clone()), id);
        self.queue.push_back((id, document, pointer));
        id
    }

    fn node(&mut self, document: usize, pointer: &str) -> Result<Node, Error> {
        let about = &self.documents[document];
        let location = format!("{}#{}", about.url, url::encode(pointer));
        let draft = about.draft;
        let resource = about.resource(pointer);
        let resource_pointer = about.resources[resource].pointer.clone();
        let value = Arc::clone(&about.value);
        let not_found = || Error::NoPointer {
            url: location.clone(),
        };
        let found = about.lookup(pointer).ok_or_else(not_found)?;
        if !about.is_schema_position(pointer) {
            validate_schema(about, pointer, found.into())?;
        }
        let mut node = Node::new(location.clone(), draft);
        node.resource = self.enqueue(document, resource_pointer.clone());
        if resource_pointer == pointer {
            let anchors: Vec<(String, String)> = self.documents[document].resources[resource]
                .dynamic_anchors
                .iter()
                .filter_map(|name| {
                    let pointer = self.documents[document].resources[resource].anchors.get(name)?;
                    Some((name.clone(), pointer.clone()))
                })
                .collect();
            node.dynamic_anchors = anchors
                .into_iter()
                .map(|(name, pointer)| (name, self.enqueue(document, pointer)))
                .collect();
        }
        match lookup(&value, pointer).ok_or_else(not_found)? {
            Value::Bool(always) => node.always = Some(*always),
            Value::Map(map) => self.keywords(
                &mut node,
                &Place {
                    document,
                    pointer,
                    map,
                    draft,
                },
            )?,
            _ => {}
        }
        Ok(node)
    }

    fn keywords(&mut self, node: &mut Node, at: &Place<'_>) -> Result<(), Error> {
        node.reference = self.reference(at, "$ref")?;
        if node.reference.is_some() && at.draft < Draft::D2019 {
            return Ok(());
        }
        node.all_of = self.list(at, "allOf");
        node.any_of = self.list(at, "anyOf");
        node.one_of = self.list(at, "oneOf");
        node.not = self.schema(at, "not");
        node.object = self.object(at)?;
        node.array = self.array(at);
        node.types = types(at.map.get("type"));
        if let Some(Value::Seq(allowed)) = at.map.get("enum") {
            node.enumeration = Some(allowed.clone());
        }
        if at.draft >= Draft::D6 {
            node.constant = at.map.get("const").cloned();
        }
        node.number = numbers(at.map);
        node.string = strings(at.map, &node.location)?;
        if (self.formats == Formats::Checked || at.draft < Draft::D2019)
            && let Some(Value::String(name)) = at.map.get("format")
        {
            node.format = Format::named(name);
        }
        if at.draft >= Draft::D7
            && let Some(when) = self.schema(at, "if")
        {
            let (then, otherwise) = (self.schema(at, "then"), self.schema(at, "else"));
            node.condition = Some(Condition {
                when,
                then,
                otherwise,
            });
        }
        self.modern(node, at)
    }

    /// What came with 2019-09 and 2020-12.
    fn modern(&mut self, node: &mut Node, at: &Place<'_>) -> Result<(), Error> {
        if at.draft < Draft::D2019 {
            return Ok(());
        }
        node.recursive_reference = self.reference(at, "$recursiveRef")?;
        node.recursive_anchor = at.map.get("$recursiveAnchor") == Some(&Value::Bool(true));
        node.unevaluated_items = self.schema(at, "unevaluatedItems");
        node.unevaluated_properties = self.schema(at, "unevaluatedProperties");
        if at.draft < Draft::D2020 {
            return Ok(());
        }
        if let Some(target) = self.reference(at, "$dynamicRef")? {
            let anchor = match at.map.get("$dynamicRef") {
                Some(Value::String(reference)) => url::decode(url::split(reference).1),
                _ => None,
            };
            let anchor = anchor.filter(|anchor| !anchor.is_empty() && !anchor.starts_with('/'));
            node.dynamic_reference = Some((target, anchor));
        }
        if let Some(Value::String(anchor)) = at.map.get("$dynamicAnchor") {
            node.dynamic_anchor = Some(anchor.clone());
        }
        Ok(())
    }

    fn object(&mut self, at: &Place<'_>) -> Result<ObjectRules, Error> {
        let mut rules = ObjectRules {
            min: size(at.map.get("minProperties")),
            max: size(at.map.get("maxProperties")),
            required: texts(at.map.get("required")),
            properties: self.table(at, "properties").into_iter().collect(),
            additional: self.additional(at, "additionalProperties"),
            ..ObjectRules::default()
        };
        for (pattern, schema) in self.table(at, "patternProperties") {
            let place = format!(
                "{}#{}/patternProperties",
                self.documents[at.document].url,
                url::encode(at.pointer)
            );
            rules.patterns.push((regex(&pattern, &place)?, schema));
        }
        if let Some(Value::Map(map)) = at.map.get("dependencies") {
            for (name, value) in map {
                let depends = match value {
                    Value::Seq(_) => Depends::On(texts(Some(value))),
                    _ => Depends::Schema(self.child(at, &["dependencies", name])),
                };
                rules.dependencies.push((name.clone(), depends));
            }
        }
        if at.draft >= Draft::D6 {
            rules.names = self.schema(at, "propertyNames");
        }
        if at.draft >= Draft::D2019 {
            rules.dependent_schemas = self.table(at, "dependentSchemas");
            if let Some(Value::Map(map)) = at.map.get("dependentRequired") {
                rules.dependent_required = map.iter().map(|(n, v)| (n.clone(), texts(Some(v)))).collect();
            }
        }
        Ok(rules)
    }

    fn array(&mut self, at: &Place<'_>) -> ArrayRules {
        let mut rules = ArrayRules {
            min: size(at.map.get("minItems")),
            max: size(at.map.get("maxItems")),
            unique: at.map.get("uniqueItems") == Some(&Value::Bool(true)),
            ..ArrayRules::default()
        };
        if at.draft >= Draft::D2020 {
            rules.prefix = self.list(at, "prefixItems");
            rules.items = self.schema(at, "items");
        } else if let Some(Value::Seq(_)) = at.map.get("items") {
            rules.prefix = self.list(at, "items");
            rules.additional = self.additional(at, "additionalItems");
        } else {
            rules.items = self.schema(at, "items");
        }
        if at.draft >= Draft::D6 {
            rules.contains = self.schema(at, "contains");
        }
        if at.draft >= Draft::D2019 && rules.contains.is_some() {
            rules.min_contains = size(at.map.get("minContains"));
            rules.max_contains = size(at.map.get("maxContains"));
        }
        rules
    }

    fn child(&mut self, at: &Place<'_>, path: &[&str]) -> NodeId {
        let mut pointer = at.pointer.to_owned();
        for part in path {
            pointer.push('/');
            pointer.push_str(&escape(part));
        }
        self.enqueue(at.document, pointer)
    }

    fn schema(&mut self, at: &Place<'_>, keyword: &str) -> Option<NodeId> {
        at.map.contains_key(keyword).then(|| self.child(at, &[keyword]))
    }

    fn list(&mut self, at: &Place<'_>, keyword: &str) -> Vec<NodeId> {
        let Some(Value::Seq(items)) = at.map.get(keyword) else {
            return Vec::new();
        };
        (0..items.len())
            .map(|i| self.child(at, &[keyword, &i.to_string()]))
            .collect()
    }

    fn table(&mut self, at: &Place<'_>, keyword: &str) -> Vec<(String, NodeId)> {
        let Some(Value::Map(map)) = at.map.get(keyword) else {
            return Vec::new();
        };
        map.keys()
            .map(|name| (name.clone(), self.child(at, &[keyword, name])))
            .collect()
    }

    fn additional(&mut self, at: &Place<'_>, keyword: &str) -> Option<Additional> {
        match at.map.get(keyword)? {
            Value::Bool(flag) => Some(Additional::Flag(*flag)),
            _ => self.schema(at, keyword).map(Additional::Schema),
        }
    }

    /// Follows `$ref` and its kin, within the document or out of it.
    fn reference(&mut self, at: &Place<'_>, keyword: &str) -> Result<Option<NodeId>, Error> {
        let Some(Value::String(reference)) = at.map.get(keyword) else {
            return Ok(None);
        };
        let about = &self.documents[at.document];
        let base = &about.resources[about.resource(at.pointer)].id;
        let (target, fragment) = url::split(reference);
        let bad = || {
            Error::Text(format!(
                "error in parsing {}: invalid URL escape",
                quote(reference)
            ))
        };
        let fragment = url::decode(fragment).ok_or_else(bad)?;
        let target = url::join(base, target);
        let own = if target == about.url {
            Some(0)
        } else {
            about.resources.iter().position(|resource| resource.id == target)
        };
        let (document, resource) = match own {
            Some(resource) => (at.document, resource),
            None => (self.load(&target)?, 0),
        };
        let about = &self.documents[document];
        let resource = &about.resources[resource];
        let pointer = if fragment.is_empty() || fragment.starts_with('/') {
            format!("{}{fragment}", resource.pointer)
        } else {
            resource
                .anchors
                .get(&fragment)
                .cloned()
                .ok_or_else(|| Error::NoAnchor {
                    reference: format!("{}#{}", resource.id, url::encode(&fragment)),
                    url: about.url.clone(),
                })?
        };
        Ok(Some(self.enqueue(document, pointer)))
    }
}

impl Node {
    fn new(location: String, draft: Draft) -> Self {
        Self {
            location,
            draft,
            resource: 0,
            always: None,
            recursive_anchor: false,
            dynamic_anchor: None,
            dynamic_anchors: Vec::new(),
            types: Types::default(),
            constant: None,
            enumeration: None,
            format: None,
            reference: None,
            recursive_reference: None,
            dynamic_reference: None,
            object: ObjectRules::default(),
            array: ArrayRules::default(),
            string: StringRules::default(),
            number: NumberRules::default(),
            not: None,
            all_of: Vec::new(),
            any_of: Vec::new(),
            one_of: Vec::new(),
            condition: None,
            unevaluated_properties: None,
            unevaluated_items: None,
        }
    }
}

/// Holds a schema against the meta-schema of its draft.
fn validate_schema(document: &Document, pointer: &str, schema: Instance<'_>) -> Result<(), Error> {
    let Some(meta) = document.draft.schema() else {
        return Ok(());
    };
    validate::run(meta, schema).map_err(|violations| Error::Invalid {
        url: format!("{}#{}", document.url, url::encode(pointer)),
        text: format!(
            "jsonschema validation failed with '{}#'\n{}",
            document.draft.url(),
            validate::print(&violations)
        ),
    })
}

fn types(value: Option<&Value>) -> Types {
    match value {
        Some(Value::String(name)) => Types::named(name),
        Some(Value::Seq(names)) => Types(names.iter().fold(0, |bits, name| match name {
            Value::String(name) => bits | Types::named(name).0,
            _ => bits,
        })),
        _ => Types::default(),
    }
}

fn numbers(map: &Map) -> NumberRules {
    let number = |key: &str| map.get(key).and_then(number);
    let flag = |key: &str| map.get(key) == Some(&Value::Bool(true));
    let mut rules = NumberRules {
        minimum: number("minimum"),
        maximum: number("maximum"),
        above: number("exclusiveMinimum"),
        below: number("exclusiveMaximum"),
        multiple_of: number("multipleOf"),
    };
    // Draft 4: a flag beside the limit.
    if flag("exclusiveMinimum") {
        rules.above = rules.minimum.take();
    }
    if flag("exclusiveMaximum") {
        rules.below = rules.maximum.take();
    }
    rules
}

fn strings(map: &Map, location: &str) -> Result<StringRules, Error> {
    let pattern = match map.get("pattern") {
        Some(Value::String(pattern)) => {
            Some((pattern.clone(), regex(pattern, &format!("{location}/pattern"))?))
        }
        _ => None,
    };
    Ok(StringRules {
        min: size(map.get("minLength")),
        max: size(map.get("maxLength")),
        pattern,
    })
}

fn regex(pattern: &str, place: &str) -> Result<Regex, Error> {
    Regex::new(pattern.as_bytes()).map_err(|failed| Error::Regex {
        regex: pattern.to_owned(),
        url: place.to_owned(),
        reason: failed.to_string(),
    })
}

fn number(value: &Value) -> Option<f64> {
    match Instance::from(value) {
        Instance::Number(number) => Some(number),
        _ => None,
    }
}

fn size(value: Option<&Value>) -> Option<usize> {
    match value? {
        Value::Int(number) => Some(usize::try_from(*number).unwrap_or(0)),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates"
        )]
        Value::Float(number) if number.fract() == 0.0 => Some(*number as usize),
        _ => None,
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let Some(Value::Seq(items)) = value else {
        return Vec::new();
    };
    let text = |item: &Value| match item {
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}
