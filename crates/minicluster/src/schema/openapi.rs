//! The OpenAPI documents: `/openapi/v3`, one document for each group and version, and `/openapi/v2`.
//!
//! ```text
//! Table + descriptions.zz ──► schemas ─┐
//! Resource ─────────────────► paths ───┴─► document, made when first asked for and kept
//! CustomResourceDefinition ─► custom ──► schemas of custom kinds (the caller caches them)
//! ```
//!
//! Complete enough for `kubectl explain`, `create`, `apply`, `diff` and helm: every type with its descriptions, and
//! every path with its kind, its action and its query parameters. The response codes other than success, the
//! deprecated watch paths and the paths of v2 are left out. v2 has a protobuf form too, for which kubectl asks.

mod custom;
mod paths;
mod schemas;
mod v2_protobuf;

use std::sync::OnceLock;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

pub use custom::{CustomKind, custom_document};

use super::Table;
use super::resources::Resource;
pub use schemas::describe_fields;
use schemas::{Dialect, Schemas};

/// Part of every hash: clients keep documents by their hash, so it changes when the same table is printed
/// differently.
const PRINTING: &str = "1";

/// A document of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `api/v1`, `apis/apps/v1`.
    pub path: String,
    /// Upper-case hexadecimal, as the real server's.
    pub hash: String,
}

/// The documents of one table.
#[derive(Debug)]
pub struct OpenApi {
    table: &'static Table,
    versions: Vec<Version>,
    v2: OnceLock<Vec<u8>>,
    v2_protobuf: OnceLock<Vec<u8>>,
}

#[derive(Debug)]
struct Version {
    entry: Entry,
    group: String,
    version: String,
    document: OnceLock<Vec<u8>>,
}

impl OpenApi {
    /// Prepares the documents of a table; none is made yet.
    #[must_use]
    pub fn new(table: &'static Table) -> Self {
        let base = Sha512::new_with_prefix(PRINTING)
            .chain_update(super::TYPES)
            .chain_update(schemas::COMPRESSED)
            .chain_update(table.minor().to_string());
        let mut versions: Vec<Version> = Vec::new();
        for resource in table.resources() {
            let path = path_of(&resource.group, &resource.version);
            if versions.iter().all(|version| version.entry.path != path) {
                let hash = hexadecimal(&base.clone().chain_update(&path).finalize());
                versions.push(Version {
                    entry: Entry { path, hash },
                    group: resource.group.clone(),
                    version: resource.version.clone(),
                    document: OnceLock::new(),
                });
            }
        }
        Self {
            table,
            versions,
            v2: OnceLock::new(),
            v2_protobuf: OnceLock::new(),
        }
    }

    /// The built-in groups and versions, for the index.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.versions.iter().map(|version| &version.entry)
    }

    /// The document of a path such as `apis/apps/v1`, as JSON.
    #[must_use]
    pub fn document(&self, path: &str) -> Option<&[u8]> {
        let version = self.versions.iter().find(|version| version.entry.path == path)?;
        Some(version.document.get_or_init(|| self.print(version)))
    }

    /// The document of `/openapi/v2`, as JSON: the definitions of all built-in kinds.
    #[must_use]
    pub fn v2(&self) -> &[u8] {
        self.v2
            .get_or_init(|| self.v2_document().to_string().into_bytes())
    }

    /// The same as protobuf.
    #[must_use]
    pub fn v2_protobuf(&self) -> &[u8] {
        self.v2_protobuf
            .get_or_init(|| v2_protobuf::document(&self.v2_document()))
    }

    fn v2_document(&self) -> Value {
        let mut schemas = Schemas::new(self.table, Dialect::V2);
        schemas.add_all();
        let mut document = Map::new();
        document.insert("swagger".to_owned(), json!("2.0"));
        document.insert("info".to_owned(), info(self.table.minor()));
        document.insert("paths".to_owned(), json!({}));
        document.insert("definitions".to_owned(), Value::Object(schemas.finish()));
        document.insert(
            "securityDefinitions".to_owned(),
            json!({"BearerToken": bearer_token()}),
        );
        document.insert("security".to_owned(), json!([{"BearerToken": []}]));
        Value::Object(document)
    }

    fn print(&self, version: &Version) -> Vec<u8> {
        let mut schemas = Schemas::new(self.table, Dialect::V3);
        schemas.add_version(&version.group, &version.version);
        let of_version = |r: &&Resource| r.group == version.group && r.version == version.version;
        let mut paths = Map::new();
        for resource in self.table.resources().iter().filter(of_version) {
            paths::add(resource, &schemas, &mut paths);
        }
        v3(self.table.minor(), paths, schemas.finish())
    }
}

/// The index, `/openapi/v3`: where each document is, with a hash that lets clients keep it.
#[must_use]
pub fn index<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<u8> {
    let url = |entry: &Entry| json!({"serverRelativeURL": format!("/openapi/v3/{}?hash={}", entry.path, entry.hash)});
    let paths: Map<String, Value> = entries.map(|entry| (entry.path.clone(), url(entry))).collect();
    json!({"paths": paths}).to_string().into_bytes()
}

/// `api/v1`, `apis/apps/v1`.
fn path_of(group: &str, version: &str) -> String {
    if group.is_empty() {
        format!("api/{version}")
    } else {
        format!("apis/{group}/{version}")
    }
}

/// The parts are moved into the document: they are most of a megabyte.
fn v3(minor: u32, paths: Map<String, Value>, schemas: Map<String, Value>) -> Vec<u8> {
    let mut components = Map::new();
    components.insert("schemas".to_owned(), Value::Object(schemas));
    components.insert(
        "securitySchemes".to_owned(),
        json!({"BearerToken": bearer_token()}),
    );
    let mut document = Map::new();
    document.insert("openapi".to_owned(), json!("3.0.0"));
    document.insert("info".to_owned(), info(minor));
    document.insert("paths".to_owned(), Value::Object(paths));
    document.insert("components".to_owned(), Value::Object(components));
    Value::Object(document).to_string().into_bytes()
}

fn info(minor: u32) -> Value {
    json!({"title": "Kubernetes", "version": format!("v1.{minor}.0")})
}

fn bearer_token() -> Value {
    json!({"type": "apiKey", "in": "header", "name": "authorization", "description": "Bearer Token authentication"})
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
