//! What one endpoint is: a row of the table, which dispatch, rights, the OpenAPI document and the tests read.

use std::collections::BTreeMap;
use std::pin::Pin;

use bytes::Bytes;
use control::Desk;
use control::access::{Caller, Right};
use control::desk::Refused;
use delivery::Name;
use hyper::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One endpoint.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    /// Its name in the OpenAPI document, as `approvePromotion`.
    pub(crate) id: &'static str,
    pub(crate) verb: Verb,
    /// With parameters in braces.
    pub(crate) path: &'static str,
    /// What the caller needs.
    pub(crate) right: Right,
    pub(crate) over: Over,
    /// Whether members of groups that a stage or freeze names may without the right; the desk decides then.
    pub(crate) or_group: bool,
    pub(crate) summary: &'static str,
    pub(crate) query: &'static [Query],
    pub(crate) body: Option<SchemaOf>,
    /// `None` is text.
    pub(crate) answer: Option<SchemaOf>,
    pub(crate) run: fn(Ask) -> Running,
}

/// The methods that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Delete,
}

/// What the right is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Whoever has a token; the answer has only what the caller may see.
    Seen,
    /// The tenant of `{namespace}`; what is for everybody, of the controller's namespace.
    Namespace,
    /// `{tenant}`.
    Tenant,
    /// Every tenant, and what belongs to none.
    Everything,
}

/// A parameter behind the `?`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
}

pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;
pub(crate) type Running = Pin<Box<dyn Future<Output = Result<Answer, Refused>> + Send>>;

/// What is answered.
#[derive(Debug)]
pub(crate) enum Answer {
    Json(Value),
    Text(&'static str, String),
}

/// A request that may be done.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) desk: Desk,
    pub(crate) caller: Caller,
    pub(crate) path: BTreeMap<&'static str, String>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Bytes,
}

/// The schema of a type, as a function that a table can hold.
pub(crate) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Ask {
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.path.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The object that the path names.
    pub(crate) fn name(&self) -> Name {
        Name::new(self.parameter("namespace"), self.parameter("name"))
    }

    /// The body, with every field known.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let body = match self.body.as_ref() {
            b"" => b"{}",
            body => body,
        };
        serde_json::from_slice(body).map_err(|error| Refused::Invalid {
            problem: format!("the body can't be read: {error}"),
            cure: "/api/v1/openapi.json says what goes there".to_owned(),
        })
    }

    /// A number behind the `?`.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Refused> {
        let Some(text) = self.query.get(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| Refused::Invalid {
            problem: format!("{name}={text} is no number that goes there"),
            cure: "/api/v1/openapi.json says what goes there".to_owned(),
        })
    }
}

impl Answer {
    pub(crate) fn of(value: &impl Serialize) -> Result<Self, Refused> {
        let value = serde_json::to_value(value).map_err(|error| Refused::Invalid {
            problem: format!("the answer is no JSON: {error}"),
            cure: "this is a bug in shipway: please report it".to_owned(),
        })?;
        Ok(Self::Json(value))
    }
}

impl Route {
    /// The parameters of a path that is this route's.
    pub(crate) fn matches(&self, path: &str) -> Option<BTreeMap<&'static str, String>> {
        let mut found = BTreeMap::new();
        let mut parts = path.split('/');
        for wanted in self.path.split('/') {
            let part = parts.next()?;
            match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) if is_part(part) => drop(found.insert(name, part.to_owned())),
                Some(_) => return None,
                None if wanted == part => {}
                None => return None,
            }
        }
        parts.next().is_none().then_some(found)
    }

    /// The names of its parameters.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &'static str> + use<> {
        let parts = self.path.split('/');
        parts.filter_map(|part| part.strip_prefix('{').and_then(|name| name.strip_suffix('}')))
    }
}

impl Over {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Namespace => "namespace",
            Self::Tenant => "tenant",
            Self::Everything => "everything",
        }
    }
}

impl Verb {
    pub(crate) fn is(self, method: &Method) -> bool {
        method.as_str() == self.as_str()
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// Whether a part of a path may be a name or a version. What is asked of the hub by its path has to be one part there too.
fn is_part(part: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._+".contains(&byte);
    !part.is_empty() && part.len() <= 253 && part != "." && part != ".." && part.bytes().all(is_name)
}
