//! The functions that Helm gives to templates: Sprig's and its own, as one table.
//!
//! Each file below declares a `TABLE` of its functions; [`table`] joins them. The executor of the language has
//! checked and converted the arguments before a body runs. The functions of the language itself (`printf`,
//! `index`, `eq`, …) live in the `template` crate.

mod args;
#[cfg(test)]
mod called;
mod certs;
mod dates;
mod decimal;
mod dicts;
mod encode;
mod equal;
mod flow;
pub mod host;
mod json;
mod lists;
mod math;
mod merge;
mod moments;
mod number;
mod paths;
mod print;
mod random;
mod regexes;
mod runes;
mod secrets;
mod strings;
mod toml;
mod types;
mod urls;
mod versions;
mod words;
mod yaml;

use std::sync::{Arc, LazyLock};

use template::{Function, Functions};

pub use host::Host;
pub use yaml::read as read_yaml;

pub(crate) use encode::base64;
pub(crate) use flow::{STOP_END, STOP_START};
pub(crate) use paths::last_element;
pub(crate) use yaml::to_yaml;

/// Every file's functions; a name occurs once.
const TABLES: &[&[Function]] = &[
    certs::TABLE,
    dates::TABLE,
    dicts::TABLE,
    encode::TABLE,
    flow::TABLE,
    json::TABLE,
    lists::TABLE,
    math::TABLE,
    paths::TABLE,
    random::TABLE,
    regexes::TABLE,
    secrets::TABLE,
    strings::TABLE,
    toml::TABLE,
    types::TABLE,
    urls::TABLE,
    versions::TABLE,
    words::TABLE,
    yaml::TABLE,
];

/// Gives every function a chart's template can call beside those of the language.
pub fn table() -> impl Iterator<Item = Function> {
    TABLES.iter().flat_map(|table| table.iter().copied())
}

/// The whole table, the language's own functions included; every parsed template refers to it.
pub(crate) fn shared() -> &'static Arc<Functions> {
    static SHARED: LazyLock<Arc<Functions>> =
        LazyLock::new(|| Arc::new(Functions::new(table()).with_methods([yaml::METHOD])));
    &SHARED
}
