//! What the functions may reach outside of their arguments: the cluster, the clock, random bytes.
//!
//! ```text
//! renderer ──builds──► Host ──Call::host──► lookup, now, randAlphaNum, genCA, fail, required
//! ```
//!
//! Everything here is given by the caller, so that one chart, one set of values and one host give one output.
//! Nothing here reads a clock, a file or the network.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use template::function::Error;
use template::value::{Map, Str};
use template::{Call, Value};

/// The state of one render. It belongs to one thread.
#[derive(Debug)]
pub struct Host {
    pub lookup: Box<dyn Lookup>,
    /// `helm lint`: `fail` and `required` note what they miss instead of stopping the render.
    pub lint: bool,
    /// The moment `now` gives, in nanoseconds since 1970-01-01 UTC. One render has one moment.
    pub now_ns: i64,
    pub random: RefCell<Box<dyn Random>>,
    /// What `fail` and `required` said in lint mode, in order.
    pub notes: RefCell<Vec<String>>,
    /// How many calls of `include` are under way, by template name.
    pub(crate) included: RefCell<HashMap<Str, u32>>,
}

/// Reads objects of a cluster for the function `lookup`.
pub trait Lookup: fmt::Debug {
    /// One object, or a `List` of them when `name` is empty; an empty map when there is none.
    fn lookup(&self, query: &Query<'_>) -> Result<Value, String>;
}

/// What `lookup` was asked for; an empty namespace means every namespace or a cluster-scoped kind.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    pub api_version: &'a str,
    pub kind: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
}

/// The only source of randomness of a render.
pub trait Random: fmt::Debug {
    fn fill(&mut self, bytes: &mut [u8]);
}

/// A cluster with nothing in it, as `helm template` sees one.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCluster;

impl Host {
    pub fn new(now_ns: i64, random: Box<dyn Random>) -> Self {
        Self {
            lookup: Box::new(NoCluster),
            lint: false,
            now_ns,
            random: RefCell::new(random),
            notes: RefCell::default(),
            included: RefCell::default(),
        }
    }

    /// The host of a running function.
    ///
    /// # Errors
    /// When the executor was started with something else than a [`Host`].
    pub fn of<'a>(call: &Call<'a>) -> Result<&'a Self, Error> {
        call.host
            .downcast_ref()
            .ok_or_else(|| Error::new("the renderer gave no host to its functions"))
    }
}

impl Lookup for NoCluster {
    fn lookup(&self, _: &Query<'_>) -> Result<Value, String> {
        Ok(Value::Map(Map::new()))
    }
}
