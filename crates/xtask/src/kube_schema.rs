//! Makes the mini cluster's table of built-in types from published packages.
//!
//! ```text
//! kubernetes-validate (PyPI): definitions of each version ─┐
//! kubernetes-models (npm): values of enumerations ─────────┴─► types.txt + descriptions.zz
//! ```
//!
//! `types.txt` is plain text, so that a new Kubernetes version is a readable diff; the descriptions, which are
//! four fifths of the weight and only OpenAPI prints, are compressed beside it, one line for each of its lines.
//! The packages are given unpacked; nothing is downloaded here. What no package carries (short names, verbs,
//! subresources) is written by hand in `minicluster::schema::resources`.

mod enums;
mod lines;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::Value;

use crate::tree;
use lines::{Key, Line, Versioned};

/// The minor versions in one table: the newest and those still supported beside it.
const MINORS: &[u32] = &[33, 34, 35];

const TARGET: &str = "crates/minicluster/schema";

const USAGE: &str = "\
usage: cargo xtask kube-schema --from DIR --enums DIR

  --from DIR    the package kubernetes-validate 1.35.0 of PyPI, unpacked
  --enums DIR   the package kubernetes-models 5.1.0 of npm, unpacked";

/// Reads the packages and writes the table.
pub fn run(args: &[&str]) -> Result<()> {
    let ["--from", from, "--enums", enums] = args else {
        bail!("{USAGE}");
    };
    let enums = enums::read(Path::new(enums))?;
    let mut versions = Vec::new();
    for minor in MINORS {
        let definitions = definitions(Path::new(from), *minor)?;
        versions.push((*minor, lines::lines(&definitions, &enums)));
    }
    let table = lines::union(versions);
    write(&table)
}

fn definitions(package: &Path, minor: u32) -> Result<Value> {
    let name = format!("kubernetes_validate/kubernetes-json-schema/v1.{minor}.0-local/_definitions.json");
    let path = package.join(&name);
    let text = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
    let mut document: Value = serde_json::from_slice(&text).with_context(|| format!("{name} is no JSON"))?;
    match document.get_mut("$defs").map(Value::take) {
        Some(definitions @ Value::Object(_)) => Ok(definitions),
        _ => bail!("{name} has no $defs"),
    }
}

fn write(table: &BTreeMap<Key, Versioned>) -> Result<()> {
    let folder = tree::root().join(TARGET);
    fs::create_dir_all(&folder).context("can't make the folder of the table")?;
    let (types, descriptions) = print(table);
    let compressed = compress(descriptions.as_bytes())?;
    for (name, bytes) in [("types.txt", types.as_bytes()), ("descriptions.zz", &compressed)] {
        fs::write(folder.join(name), bytes).with_context(|| format!("can't write {name}"))?;
        println!("{TARGET}/{name}: {} bytes", bytes.len());
    }
    Ok(())
}

fn print(table: &BTreeMap<Key, Versioned>) -> (String, String) {
    let mut types = format!(
        "# Made by `cargo xtask kube-schema`; not to be edited. The grammar stands in minicluster::schema::decode.\n\
         versions {}\n",
        MINORS.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
    );
    let mut descriptions = String::new();
    for (key, versioned) in table {
        let Line { text, description } = &versioned.line;
        types.push_str(text);
        if (versioned.first, versioned.last) != (MINORS[0], MINORS[MINORS.len() - 1]) {
            types.push_str(&format!(" in={}-{}", versioned.first, versioned.last));
        }
        types.push('\n');
        descriptions.push_str(&Value::from(description.as_str()).to_string());
        descriptions.push('\n');
        debug_assert!(!key.definition.is_empty(), "every line belongs to a definition");
    }
    (types, descriptions)
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
