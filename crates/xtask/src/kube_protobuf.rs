//! Makes the mini cluster's table of protobuf messages from published programs.
//!
//! ```text
//! kubectl (npm): the built-in kinds ────────────┐
//! helm (npm): CustomResourceDefinition's types ─┴─► go_binary ─► protobuf.txt
//! ```
//!
//! The published `.proto` files have numbers and types, but not which zero values mean something (a pointer's does,
//! a plain field's does not) nor what JSON leaves out. The Go structs have all of it in their tags, and every Go
//! program carries the structs it uses. `APIService`, which neither program uses, is written by hand below.

mod go_binary;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::tree;
use go_binary::{Field, Name, Type};

const TARGET: &str = "crates/minicluster/schema/protobuf.txt";

const USAGE: &str = "\
usage: cargo xtask kube-protobuf --kubectl FILE --helm FILE

  --kubectl FILE   kubectl 1.35 for Linux on x86-64, as npm packages carry it
  --helm FILE      helm 4.1 for the same";

/// Go packages and what OpenAPI calls them. Of the first only final versions are taken.
const PACKAGES: &[(&str, &str)] = &[
    ("k8s.io/api/", "io.k8s.api."),
    (
        "k8s.io/apimachinery/pkg/apis/meta/v1",
        "io.k8s.apimachinery.pkg.apis.meta.v1",
    ),
    (
        "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1",
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
    ),
];

/// Packages whose kinds no server stores or answers: they are spoken to webhooks, or in discovery.
const LEFT_OUT: &[&str] = &["admission", "apidiscovery", "imagepolicy", "extensions"];

/// Structs with an encoding of their own.
const SPECIAL: &[(&str, &str)] = &[
    ("io.k8s.apimachinery.pkg.apis.meta.v1.Duration", "duration"),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", "json"),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime", "microtime"),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.Time", "time"),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON",
        "json",
    ),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
        "schema-or-list",
    ),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
        "schema-or-bool",
    ),
    (
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray",
        "schema-or-strings",
    ),
    ("k8s.io/apimachinery/pkg/api/resource.Quantity", "quantity"),
    ("k8s.io/apimachinery/pkg/runtime.RawExtension", "json"),
    ("k8s.io/apimachinery/pkg/util/intstr.IntOrString", "int-or-string"),
];

/// Lists of text that are messages of their own.
const WRAPPED: &[&str] = &["v1.ExtraValue", "v1.Verbs"];

/// What stands in kube-aggregator's `generated.proto` and in neither program.
const BY_HAND: &[(&str, &[&str])] = &[
    (
        "APIService",
        &[
            "1 metadata &io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
            "2 spec &io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec",
            "3 status &io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceStatus",
        ],
    ),
    (
        "APIServiceCondition",
        &[
            "1 type string",
            "2 status string",
            "3 lastTransitionTime time ?",
            "4 reason string ?",
            "5 message string ?",
        ],
    ),
    (
        "APIServiceList",
        &[
            "1 metadata &io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta",
            "2 items [&io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService]",
        ],
    ),
    (
        "APIServiceSpec",
        &[
            "1 service &io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference *",
            "2 group string ?",
            "3 version string ?",
            "4 insecureSkipTLSVerify bool ?",
            "5 caBundle bytes ?",
            "7 groupPriorityMinimum int",
            "8 versionPriority int",
        ],
    ),
    (
        "APIServiceStatus",
        &["1 conditions [&io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceCondition] ?"],
    ),
    (
        "ServiceReference",
        &["1 namespace string ?", "2 name string ?", "3 port int *"],
    ),
];

/// Reads the programs and writes the table.
pub fn run(args: &[&str]) -> Result<()> {
    let ["--kubectl", kubectl, "--helm", helm] = args else {
        bail!("{USAGE}");
    };
    let mut messages = BTreeMap::new();
    for program in [helm, kubectl] {
        let bytes = fs::read(program).with_context(|| format!("can't read {program}"))?;
        let structs =
            go_binary::structs(&bytes).with_context(|| format!("can't read the types of {program}"))?;
        for (name, fields) in structs {
            if let Some(full) = full_name(&name)
                && !SPECIAL.iter().any(|(special, _)| *special == full)
            {
                let lines = lines(&fields).with_context(|| format!("in {full}"))?;
                // What has fields but no numbers is never sent; what has no fields may be.
                if !lines.is_empty() || fields.is_empty() {
                    messages.insert(full, lines);
                }
            }
        }
    }
    for (name, fields) in BY_HAND {
        let full = format!("io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.{name}");
        messages.insert(full, fields.iter().map(|line| (*line).to_owned()).collect());
    }
    check(&messages)?;
    let text = print(&messages);
    fs::write(tree::root().join(Path::new(TARGET)), &text)
        .with_context(|| format!("can't write {TARGET}"))?;
    println!("{TARGET}: {} messages, {} bytes", messages.len(), text.len());
    Ok(())
}

fn print(messages: &BTreeMap<String, Vec<String>>) -> String {
    let mut text = "# Made by `cargo xtask kube-protobuf`; not to be edited. The grammar stands in minicluster::protobuf::table.\n"
        .to_owned();
    for (name, lines) in messages {
        writeln!(text, "message {name}").expect("writing to a string");
        for line in lines {
            writeln!(text, " {line}").expect("writing to a string");
        }
    }
    text
}

/// Every message that a field names must be there.
fn check(messages: &BTreeMap<String, Vec<String>>) -> Result<()> {
    let named = messages
        .values()
        .flatten()
        .filter_map(|line| line.split_once('&'));
    let named: BTreeSet<&str> = named
        .filter_map(|(_, rest)| rest.split([' ', ']', '}']).next())
        .collect();
    let missing: Vec<_> = named
        .into_iter()
        .filter(|name| !messages.contains_key(*name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "fields speak of messages that are not there: {}",
        missing.join(", ")
    )
}

/// What OpenAPI calls a struct; `None` for those that are not wanted.
fn full_name(name: &Name) -> Option<String> {
    let Name { package, name } = name;
    let (_, prefix) = PACKAGES
        .iter()
        .find(|(own, _)| package == own || own.ends_with('/') && package.starts_with(own))?;
    let Some(rest) = package.strip_prefix("k8s.io/api/") else {
        return Some(format!("{prefix}.{name}"));
    };
    let (group, version) = rest.split_once('/')?;
    let is_final = version
        .strip_prefix('v')?
        .bytes()
        .all(|byte| byte.is_ascii_digit());
    (is_final && !LEFT_OUT.contains(&group)).then(|| format!("{prefix}{group}.{version}.{name}"))
}

/// `NUMBER NAME TYPE FLAG` for every field that has a number, in the order of the numbers.
fn lines(fields: &[Field]) -> Result<Vec<String>> {
    let mut all = BTreeMap::new();
    for Field { tag, ty } in fields {
        let Some(protobuf) = of_tag(tag, "protobuf").filter(|text| *text != "-") else {
            continue;
        };
        let json = of_tag(tag, "json").unwrap_or_default();
        let number = protobuf
            .split(',')
            .nth(1)
            .and_then(|text| text.parse::<u32>().ok());
        let Some(number) = number else {
            continue;
        };
        let mut parts = json.split(',');
        let name = parts.next().unwrap_or_default();
        let options: Vec<&str> = parts.collect();
        let name = if options.contains(&"inline") { "-" } else { name };
        if name.is_empty() {
            bail!("field {number} has no name in JSON");
        }
        let (ty, is_pointer) = match ty {
            Type::Pointer(inner) => (&**inner, true),
            other => (other, false),
        };
        let shape = shape(ty)?;
        let is_struct = shape.starts_with('&');
        let left_out = options.contains(&"omitempty") && !is_struct;
        let flag = match (is_pointer, left_out) {
            (true, _) => " *",
            (false, true) => " ?",
            (false, false) => "",
        };
        all.insert(number, format!("{number} {name} {shape}{flag}"));
    }
    Ok(all.into_values().collect())
}

fn shape(ty: &Type) -> Result<String> {
    Ok(match ty {
        Type::Bool => "bool".to_owned(),
        Type::Integer => "int".to_owned(),
        Type::Double => "double".to_owned(),
        Type::Text => "string".to_owned(),
        Type::Bytes => "bytes".to_owned(),
        Type::Struct(name) => structure(name)?,
        Type::List(name, _) if WRAPPED.contains(&name.as_str()) => "strings".to_owned(),
        Type::List(_, inner) => format!("[{}]", shape(inner)?),
        Type::Map(inner) => format!("{{{}}}", shape(inner)?),
        Type::Pointer(inner) => shape(inner)?,
        Type::Other => bail!("a field of a type that no message has"),
    })
}

fn structure(name: &Name) -> Result<String> {
    let plain = format!("{}.{}", name.package, name.name);
    let full = full_name(name).unwrap_or_else(|| plain.clone());
    if let Some((_, special)) = SPECIAL.iter().find(|(one, _)| *one == full || *one == plain) {
        return Ok((*special).to_owned());
    }
    if full == plain {
        bail!("{plain} is in no package of the table");
    }
    Ok(format!("&{full}"))
}

/// The value of a key in a Go struct tag. Those of Kubernetes' types have no escapes.
fn of_tag<'a>(tag: &'a str, key: &str) -> Option<&'a str> {
    let mut parts = tag.split('"');
    // Bounded by the tag.
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        if name.trim().trim_end_matches(':') == key {
            return Some(value);
        }
    }
    None
}
