//! The meta-schemas of the five drafts: what a schema itself must look like.
//!
//! The documents are those json-schema.org publishes, without titles, comments and defaults. Each is compiled
//! once, on first use.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use yaml::Value;

use super::compile;
use super::node::Schema;
use crate::json::{Decoder, Numbers};

/// A version of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    D4,
    D6,
    D7,
    D2019,
    D2020,
}

/// Used when a schema names no draft.
pub(super) const LATEST: Draft = Draft::D2020;

const DRAFTS: [Draft; 5] = [Draft::D4, Draft::D6, Draft::D7, Draft::D2019, Draft::D2020];

const BUNDLES: [&str; 5] = [
    include_str!("meta/draft4.json"),
    include_str!("meta/draft6.json"),
    include_str!("meta/draft7.json"),
    include_str!("meta/draft2019-09.json"),
    include_str!("meta/draft2020-12.json"),
];

static DOCUMENTS: LazyLock<HashMap<String, Arc<Value>>> = LazyLock::new(|| {
    let mut documents = HashMap::new();
    for bundle in BUNDLES {
        let parsed = Decoder::new(bundle.as_bytes())
            .with_numbers(Numbers::KeepIntegers)
            .value();
        if let Ok(Value::Map(map)) = parsed {
            documents.extend(map.into_iter().map(|(url, document)| (url, Arc::new(document))));
        }
    }
    documents
});

static COMPILED: [OnceLock<Option<Schema>>; 5] = [const { OnceLock::new() }; 5];

impl Draft {
    /// The draft a `$schema` names.
    pub(super) fn from_url(url: &str) -> Option<Self> {
        let bare = url
            .strip_suffix("#/")
            .or_else(|| url.strip_suffix('#'))
            .unwrap_or(url);
        let path = bare
            .strip_prefix("http://")
            .or_else(|| bare.strip_prefix("https://"))?;
        if path == "json-schema.org/schema" {
            return Some(LATEST);
        }
        DRAFTS.into_iter().find(|draft| {
            draft
                .url()
                .split_once("://")
                .is_some_and(|(_, known)| known == path)
        })
    }

    /// The URL of its meta-schema.
    pub(super) fn url(self) -> &'static str {
        match self {
            Self::D4 => "http://json-schema.org/draft-04/schema",
            Self::D6 => "http://json-schema.org/draft-06/schema",
            Self::D7 => "http://json-schema.org/draft-07/schema",
            Self::D2019 => "https://json-schema.org/draft/2019-09/schema",
            Self::D2020 => "https://json-schema.org/draft/2020-12/schema",
        }
    }

    /// The keyword that names a schema.
    pub(super) fn id(self) -> &'static str {
        if self == Self::D4 { "id" } else { "$id" }
    }

    /// The compiled meta-schema.
    pub(super) fn schema(self) -> Option<&'static Schema> {
        COMPILED[self as usize]
            .get_or_init(|| compile::compile_meta(self.url()).ok())
            .as_ref()
    }
}

/// The document at a URL of json-schema.org.
pub(super) fn document(url: &str) -> Option<Arc<Value>> {
    if let Some(document) = DOCUMENTS.get(url) {
        return Some(Arc::clone(document));
    }
    let (_, path) = url.split_once("://")?;
    let path = if path == "json-schema.org/schema" {
        "json-schema.org/draft/2020-12/schema"
    } else {
        path
    };
    ["http://", "https://"]
        .iter()
        .find_map(|scheme| DOCUMENTS.get(&format!("{scheme}{path}")).cloned())
}
