//! What is served: the built-in resources and those of CustomResourceDefinitions.
//!
//! ```text
//! schema::Table ──┐
//!                 ├──► Catalog ──► Served (one resource at one version, with its type)
//! CRD objects ────┘
//! ```
//!
//! A catalog never changes: a new one replaces it when a definition does. It knows no objects.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use super::convert::Conversion;
use crate::apply::FieldSet;
use crate::schema::openapi::{CustomKind, Entry, custom_document};
use crate::schema::resources::GET_PATCH_UPDATE;
use crate::schema::{CustomType, MINORS, OpenApi, Resource, Rules, Subresource, Table, TypeRef, Validator};
use crate::store;

/// The verbs of a custom kind in the order that the real server lists them.
const CUSTOM_VERBS: &str = "delete deletecollection get list patch create update watch";

/// The group of a metrics server.
pub const METRICS: &str = "metrics.k8s.io";

/// One resource at one version.
#[derive(Debug)]
pub struct Served {
    pub resource: Resource,
    /// `apps/v1`
    pub api_version: String,
    pub list_kind: String,
    /// Where its objects are; `None` for reviews.
    pub stored_as: Option<store::Resource>,
    /// What the main endpoint does not write, and what `status` does not.
    pub reset: FieldSet,
    pub reset_status: FieldSet,
    pub has_status: bool,
    /// For a version that is not the stored one.
    pub conversion: Option<Conversion>,
    ty: Type,
    /// What clients of a deprecated version are told.
    pub deprecation: Option<String>,
    pub custom: Option<Custom>,
}

/// What only a CRD has.
#[derive(Debug)]
pub struct Custom {
    /// `additionalPrinterColumns` as written.
    pub columns: Vec<Value>,
    /// `openAPIV3Schema` as written.
    pub schema: Value,
    /// Dotted paths without the leading dot.
    pub selectable: Vec<String>,
    /// Where `scale` reads and writes, dotted, if the kind has it.
    pub scale: Option<Value>,
    pub validator: Validator,
    pub rules: Option<Rules>,
    /// Whether what is stored may have been written by another schema: only then is it worth to look.
    pub reads_change: bool,
    /// Whether its definition is being deleted.
    pub terminating: bool,
}

#[derive(Debug)]
enum Type {
    Builtin(TypeRef<'static>),
    Custom(CustomType),
}

/// Everything that is served at one time.
#[derive(Debug)]
pub struct Catalog {
    table: &'static Table,
    served: HashMap<(String, String, String), Arc<Served>>,
    /// In the order of discovery.
    resources: Vec<Resource>,
    /// The custom kinds by the version that they were read from: compiling schemas is dear, so a later catalog takes
    /// over what has not changed.
    sources: HashMap<Source, Arc<Served>>,
    /// The OpenAPI documents of custom kinds, made when first asked for.
    documents: OnceLock<Vec<(Entry, Vec<u8>)>>,
}

/// A version of a definition: uid, generation, whether it is being deleted, name.
type Source = (String, i64, bool, String);

impl Served {
    pub fn ty(&self) -> TypeRef<'_> {
        match &self.ty {
            Type::Builtin(ty) => *ty,
            Type::Custom(ty) => ty.type_ref(),
        }
    }

    pub fn is(&self, group: &str, plural: &str) -> bool {
        self.resource.group == group && self.resource.plural == plural
    }

    /// What a subresource of another kind is decoded as: a `TokenRequest` for `serviceaccounts/token`.
    pub fn of_subresource(&self, name: &str) -> Option<Self> {
        let Subresource {
            group, version, kind, ..
        } = self.resource.subresource(name)?;
        // Those of the kind's own group say no version.
        let (group, version) = if version.is_empty() {
            (&self.resource.group, &self.resource.version)
        } else {
            (group, version)
        };
        let resource = Resource {
            group: group.clone(),
            version: version.clone(),
            kind: kind.clone(),
            subresources: Vec::new(),
            ..self.resource.clone()
        };
        Self::builtin(Table::get(), &resource)
    }

    fn builtin(table: &'static Table, resource: &Resource) -> Option<Self> {
        let ty = table.kind(&resource.group, &resource.version, &resource.kind)?;
        let stored_as = resource
            .storage
            .as_ref()
            .and_then(|(group, _)| store::Resource::new(group, &resource.plural).ok());
        let has_status = resource.subresource("status").is_some();
        Some(Self {
            api_version: resource.group_version(),
            list_kind: format!("{}List", resource.kind),
            stored_as,
            reset: if has_status {
                FieldSet::of_fields(&[&["status"]])
            } else {
                FieldSet::new()
            },
            reset_status: FieldSet::of_fields(&[&["spec"]]),
            has_status,
            conversion: Conversion::of(resource),
            ty: Type::Builtin(ty),
            deprecation: None,
            custom: None,
            resource: resource.clone(),
        })
    }

    /// A resource that is computed when it is read and stored nowhere.
    fn computed(group: &str, version: &str, (plural, kind, namespaced): (&str, &str, bool)) -> Option<Self> {
        let scope = if namespaced { "Namespaced" } else { "Cluster" };
        let singular = plural.trim_end_matches('s');
        let names = json!({"plural": plural, "singular": singular, "kind": kind});
        let definition = json!({"spec": {"group": group, "scope": scope, "names": names}});
        let mut served = Self::custom(&definition, &json!({"name": version}))?;
        served.stored_as = None;
        served.resource.storage = None;
        served.resource.verbs = vec!["get".to_owned(), "list".to_owned()];
        Some(served)
    }

    fn custom(definition: &Value, version: &Value) -> Option<Self> {
        let resource = custom_resource(definition, version)?;
        let schema = version
            .pointer("/schema/openAPIV3Schema")
            .cloned()
            .unwrap_or_else(|| json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}));
        let list_kind = definition.pointer("/spec/names/listKind").and_then(Value::as_str);
        let fields = version.pointer("/selectableFields").and_then(Value::as_array);
        let path = |field: &Value| {
            field["jsonPath"]
                .as_str()
                .map(|path| path.trim_start_matches('.').to_owned())
        };
        let has_status = resource.subresource("status").is_some();
        Some(Self {
            api_version: resource.group_version(),
            list_kind: list_kind.map_or_else(|| format!("{}List", resource.kind), str::to_owned),
            stored_as: store::Resource::new(&resource.group, &resource.plural).ok(),
            reset: if has_status {
                FieldSet::of_fields(&[&["status"]])
            } else {
                FieldSet::new()
            },
            reset_status: FieldSet::of_fields(&[&["spec"], &["metadata"]]),
            has_status,
            conversion: None,
            ty: Type::Custom(CustomType::parse(&schema).ok()?),
            deprecation: deprecation(&resource, version),
            custom: Some(Custom {
                columns: version
                    .get("additionalPrinterColumns")
                    .and_then(Value::as_array)
                    .cloned()
                    .unwrap_or_default(),
                validator: Validator::compile(&schema).ok()?,
                rules: Rules::compile(&schema),
                reads_change: definition.pointer("/metadata/generation").and_then(Value::as_i64) != Some(1)
                    || definition
                        .pointer("/spec/versions")
                        .and_then(Value::as_array)
                        .is_some_and(|versions| versions.len() > 1),
                terminating: definition.pointer("/metadata/deletionTimestamp").is_some(),
                schema,
                selectable: fields.into_iter().flatten().filter_map(path).collect(),
                scale: version.pointer("/subresources/scale").cloned(),
            }),
            resource,
        })
    }
}

impl Catalog {
    /// The catalog of the built-in kinds and of these definitions. What an older one has read is not read again.
    /// `metrics` adds what a metrics server would serve.
    pub fn new(table: &'static Table, definitions: &[Value], metrics: bool, older: Option<&Self>) -> Self {
        let mut resources = table.resources().to_vec();
        let mut served = HashMap::new();
        let mut sources = HashMap::new();
        let mut add = |one: Arc<Served>| {
            let Resource {
                group,
                version,
                plural,
                ..
            } = &one.resource;
            served.insert((group.clone(), version.clone(), plural.clone()), one);
        };
        for resource in table.resources() {
            if let Some(one) = Served::builtin(table, resource) {
                add(Arc::new(one));
            }
        }
        let measured = [("nodes", "NodeMetrics", false), ("pods", "PodMetrics", true)];
        for names in measured.into_iter().filter(|_| metrics) {
            if let Some(one) = Served::computed(METRICS, "v1beta1", names) {
                resources.push(one.resource.clone());
                add(Arc::new(one));
            }
        }
        let versions = definitions.iter().flat_map(|definition| {
            let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
            versions
                .into_iter()
                .flatten()
                .map(move |version| (definition, version))
        });
        for (definition, version) in versions {
            if version["served"] != json!(true) || !is_established(definition) {
                continue;
            }
            let source = source(definition, version);
            let known = older.and_then(|older| older.sources.get(&source)).cloned();
            if let Some(one) = known.or_else(|| Served::custom(definition, version).map(Arc::new)) {
                resources.push(one.resource.clone());
                sources.insert(source, Arc::clone(&one));
                add(one);
            }
        }
        Self {
            table,
            served,
            resources,
            sources,
            documents: OnceLock::new(),
        }
    }

    /// The OpenAPI documents of the custom kinds, one for each group and version.
    pub fn custom_documents(&self) -> &[(Entry, Vec<u8>)] {
        self.documents.get_or_init(|| self.print_documents())
    }

    fn print_documents(&self) -> Vec<(Entry, Vec<u8>)> {
        let mut groups: BTreeMap<(&str, &str), Vec<&Served>> = BTreeMap::new();
        for served in self.all().filter(|served| served.custom.is_some()) {
            let key = (served.resource.group.as_str(), served.resource.version.as_str());
            groups.entry(key).or_default().push(served);
        }
        let document = |(key, mut served): ((&str, &str), Vec<&Served>)| {
            served.sort_by(|a, b| a.resource.plural.cmp(&b.resource.plural));
            let kinds: Vec<CustomKind<'_>> = served
                .iter()
                .filter_map(|served| {
                    Some(CustomKind {
                        resource: &served.resource,
                        list_kind: &served.list_kind,
                        schema: &served.custom.as_ref()?.schema,
                    })
                })
                .collect();
            custom_document(self.table, key, &kinds)
        };
        groups.into_iter().map(document).collect()
    }

    /// The built-in types of the Kubernetes version that is served.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Served>> {
        self.served.values()
    }

    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Served>> {
        let key = (group.to_owned(), version.to_owned(), plural.to_owned());
        self.served.get(&key)
    }

    pub fn has_group(&self, group: &str) -> bool {
        self.resources.iter().any(|resource| resource.group == group)
    }
}

fn source(definition: &Value, version: &Value) -> Source {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &definition["metadata"];
    (
        text(&metadata["uid"]),
        metadata["generation"].as_i64().unwrap_or_default(),
        metadata.get("deletionTimestamp").is_some(),
        text(&version["name"]),
    )
}

/// The documents of a Kubernetes version, made once for all clusters of a process.
pub fn open_api(table: &'static Table) -> &'static OpenApi {
    static DOCUMENTS: [OnceLock<OpenApi>; MINORS.len()] = [const { OnceLock::new() }; MINORS.len()];
    let at = MINORS
        .iter()
        .position(|minor| *minor == table.minor())
        .unwrap_or(0);
    DOCUMENTS[at].get_or_init(|| OpenApi::new(table))
}

fn deprecation(resource: &Resource, version: &Value) -> Option<String> {
    if version["deprecated"] != json!(true) {
        return None;
    }
    let written = version["deprecationWarning"].as_str().map(str::to_owned);
    Some(written.unwrap_or_else(|| format!("{} {} is deprecated", resource.group_version(), resource.kind)))
}

fn is_established(definition: &Value) -> bool {
    let conditions = definition.pointer("/status/conditions").and_then(Value::as_array);
    let established = |one: &Value| one["type"] == json!("Established") && one["status"] == json!("True");
    conditions.is_some_and(|all| all.iter().any(established))
}

fn custom_resource(definition: &Value, version: &Value) -> Option<Resource> {
    let names = definition.pointer("/spec/names")?;
    let text = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let list = |key: &str| {
        let items = names.get(key).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let group = text(definition.get("spec")?, "group");
    let kind = text(names, "kind");
    let verbs = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut subresources = Vec::new();
    if version.pointer("/subresources/status").is_some() {
        subresources.push(Subresource {
            name: "status".to_owned(),
            group: String::new(),
            version: String::new(),
            kind: kind.clone(),
            verbs: verbs(GET_PATCH_UPDATE),
        });
    }
    if version.pointer("/subresources/scale").is_some() {
        subresources.push(Subresource {
            name: "scale".to_owned(),
            group: "autoscaling".to_owned(),
            version: "v1".to_owned(),
            kind: "Scale".to_owned(),
            verbs: verbs(GET_PATCH_UPDATE),
        });
    }
    let singular = text(names, "singular");
    let storage = (group.clone(), text(version, "name"));
    Some(Resource {
        singular: if singular.is_empty() {
            kind.to_lowercase()
        } else {
            singular
        },
        plural: text(names, "plural"),
        short_names: list("shortNames"),
        categories: list("categories"),
        namespaced: definition.pointer("/spec/scope")? == "Namespaced",
        verbs: verbs(CUSTOM_VERBS),
        subresources,
        storage: Some(storage),
        custom: true,
        version: text(version, "name"),
        group,
        kind,
    })
}
