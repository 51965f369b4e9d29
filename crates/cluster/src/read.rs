//! Reading: one object, all of a kind in pages, the log of a container.

use objects::meta;
use serde_json::{Map, Value};

use crate::client::Cluster;
use crate::error::{Error, Why};
use crate::resource::{At, Resource, with_query};
use crate::send::Call;

/// How many objects a page has; kubectl and helm ask for as many.
const PAGE: usize = 500;

/// A list ends after so many pages: half a million objects, more than a cluster holds of one kind.
const MAX_PAGES: usize = 1_000;

/// A list that takes too long may begin anew so often; whoever is that slow won't be faster the next time.
const MAX_RESTARTS: u32 = 2;

/// The most that is read of a log; it is shown to a person.
const MAX_LOG_BYTES: &str = "1048576";

const METADATA_ONLY: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// Which objects of a kind, and how much of them.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// As `app=web,tier!=db`; empty for all.
    pub labels: String,
    /// As `metadata.name=web`; empty for all.
    pub fields: String,
    /// The most objects; `None` for all there are.
    pub limit: Option<usize>,
    /// Only the metadata of each.
    pub metadata_only: bool,
}

/// What there is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listed {
    /// Each with its `kind` and `apiVersion`.
    pub items: Vec<Value>,
    /// The state they are of, from which a watch can go on.
    pub resource_version: String,
    /// False if there are more than the limit allows.
    pub complete: bool,
}

impl ListQuery {
    /// The one object of a name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            fields: format!("metadata.name={name}"),
            ..Self::default()
        }
    }

    /// All objects with these labels, as a `matchLabels` has them.
    #[must_use]
    pub fn matching(labels: &Map<String, Value>) -> Self {
        let pairs = labels
            .iter()
            .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
        Self::labelled(&pairs.collect::<Vec<_>>().join(","))
    }

    #[must_use]
    pub fn labelled(labels: &str) -> Self {
        Self {
            labels: labels.to_owned(),
            ..Self::default()
        }
    }
}

impl Cluster {
    /// One object, or a subresource of it; `None` if it is not there.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, at: At<'_>) -> Result<Option<Value>, Error> {
        self.found(Call::get(at.path(), at.what())).await
    }

    /// One object as the server prints it for people: a table with one row; `None` if it is not there.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn row(&self, at: At<'_>) -> Result<Option<Value>, Error> {
        let mut call = Call::get(at.path(), at.what());
        call.accept = TABLE;
        self.found(call).await
    }

    /// The first objects of a kind that fit, as many as a page has, as a table with a row for each.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn rows(
        &self,
        resource: &Resource,
        namespace: &str,
        query: &ListQuery,
    ) -> Result<Value, Error> {
        let mut call = page(resource, namespace, query, (PAGE, ""));
        call.accept = TABLE;
        self.value(call).await
    }

    /// All objects of a kind that fit, in one namespace or in all, page by page.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        query: &ListQuery,
    ) -> Result<Listed, Error> {
        let mut restarts = 0;
        loop {
            match self.pages(resource, namespace.unwrap_or_default(), query).await {
                // The state that the first page was of is forgotten before the last page was read.
                Err(error) if error.is(&Why::Expired) && restarts < MAX_RESTARTS => restarts += 1,
                listed => return listed,
            }
        }
    }

    async fn pages(&self, resource: &Resource, namespace: &str, query: &ListQuery) -> Result<Listed, Error> {
        let bound = query.limit.unwrap_or(usize::MAX);
        let mut listed = Listed::default();
        let mut token = String::new();
        for _ in 0..MAX_PAGES {
            let size = PAGE.min(bound - listed.items.len());
            let call = page(resource, namespace, query, (size, &token));
            let mut answer = self.value(call).await?;
            meta::text_at(&answer, "/metadata/resourceVersion").clone_into(&mut listed.resource_version);
            meta::text_at(&answer, "/metadata/continue").clone_into(&mut token);
            let items = answer.get_mut("items").map(Value::take);
            if let Some(Value::Array(items)) = items {
                listed
                    .items
                    .extend(items.into_iter().map(|item| named(item, resource)));
            }
            listed.complete = token.is_empty();
            if listed.complete || listed.items.len() >= bound {
                break;
            }
        }
        Ok(listed)
    }

    /// The last lines of the log of a container; an empty name for the only one. `previous` for the log of the run
    /// before this.
    ///
    /// # Errors
    /// See [`Error`]; [`Why::Invalid`] if the container has no log yet.
    pub async fn logs(
        &self,
        pod: At<'_>,
        container: &str,
        tail: u32,
        previous: bool,
    ) -> Result<String, Error> {
        let lines = tail.to_string();
        let query = [
            ("container", container),
            ("tailLines", lines.as_str()),
            ("limitBytes", MAX_LOG_BYTES),
            ("previous", if previous { "true" } else { "" }),
        ];
        let log = pod.subresource("log");
        let mut call = Call::get(with_query(log.path(), &query), log.what());
        call.accept = "*/*";
        let answer = self.send(&call).await?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }
}

fn page(resource: &Resource, namespace: &str, query: &ListQuery, (size, token): (usize, &str)) -> Call {
    let size = size.to_string();
    let pairs = [
        ("labelSelector", query.labels.as_str()),
        ("fieldSelector", query.fields.as_str()),
        ("limit", size.as_str()),
        ("continue", token),
    ];
    let mut call = Call::get(
        with_query(resource.path(namespace), &pairs),
        resource.all(namespace),
    );
    call.verb = "list";
    if query.metadata_only {
        call.accept = METADATA_ONLY;
    }
    call
}

/// An item of a list with its kind, which lists of built-in kinds leave out.
fn named(mut item: Value, resource: &Resource) -> Value {
    if let Some(fields) = item.as_object_mut()
        && !fields
            .get("kind")
            .is_some_and(|kind| *kind == *resource.kind.name)
    {
        fields.insert("apiVersion".to_owned(), resource.api_version().into());
        fields.insert("kind".to_owned(), resource.kind.name.as_ref().into());
    }
    item
}
