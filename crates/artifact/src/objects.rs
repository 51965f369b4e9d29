//! The few things a store has to be able to do: read, write once, replace what was read, list, delete.
//!
//! ```text
//! Store ──► Objects ──► Folder (lock file, rename)   or   Bucket (If-None-Match, If-Match)
//! ```
//!
//! All promises of a store rest on two of them: of several who create the same key one wins, and who replaces an object
//! replaces what he read. What can't promise that is refused for writing.

mod bucket;
mod folder;

use std::fmt;

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;

pub use bucket::Bucket;
pub(crate) use bucket::{ELSEWHERE, client_options, credentials};
pub use folder::Folder;

use crate::error::Error;

/// What can be done comes as a value that has to be awaited, so that stores can be told apart at run time.
pub type Doing<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// Two objects for each of 100,000 versions. A listing beyond is an error, never a part that looks like the whole.
pub const MAX_LISTED: usize = 200_000;

/// Which content of an object was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(pub String);

/// The content of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub bytes: Bytes,
    pub tag: Tag,
}

/// An object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    pub modified: Timestamp,
}

/// Objects by their keys, which are relative paths with `/`.
pub trait Objects: fmt::Debug + Send + Sync {
    /// Reads an object of at most `limit` bytes; `None` if there is none.
    fn get<'a>(&'a self, key: &'a str, limit: usize) -> Doing<'a, Option<Content>>;

    /// Writes an object that is not there yet; `false` if it is. It is there whole or not at all.
    fn create<'a>(&'a self, key: &'a str, bytes: Bytes) -> Doing<'a, bool>;

    /// Writes an object if it is still what was read (`None`: not there); `false` if it is not.
    fn replace<'a>(&'a self, key: &'a str, bytes: Bytes, was: Option<Tag>) -> Doing<'a, bool>;

    /// Lists the objects below a folder, which ends with `/`, by key.
    fn list<'a>(&'a self, folder: &'a str) -> Doing<'a, Vec<Listed>>;

    /// Deletes an object. That it is not there is fine.
    fn delete<'a>(&'a self, key: &'a str) -> Doing<'a, ()>;

    /// Makes sure that `create` and `replace` hold what they promise.
    fn check_conditions(&self) -> Doing<'_, ()>;
}
