//! The values of enumerations, read from TypeScript declarations.
//!
//! The published OpenAPI leaves them out, the real server's answers have them (`kubectl explain` prints them). A
//! declaration file holds one interface: a comment, a property whose type is a union of literals, and at the end
//! the interface's full name. Only these lines are understood; everything else is passed over.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// By the squeezed name of the definition (`IoK8sApiCoreV1Taint`) and the field.
#[derive(Debug, Default)]
pub struct Enums(BTreeMap<(String, String), Enumeration>);

#[derive(Debug)]
pub struct Enumeration {
    pub values: Vec<String>,
    /// What the server adds to the field's description; empty for lists of values.
    pub description: String,
}

const HEADING: &str = "Possible enum values:";

impl Enums {
    pub fn get(&self, definition: &str, field: &str) -> Option<&Enumeration> {
        self.0.get(&(squeeze(definition), field.to_owned()))
    }
}

/// Reads every declaration of the package.
pub fn read(package: &Path) -> Result<Enums> {
    let mut enums = Enums::default();
    for path in declarations(package)? {
        let text = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
        if let Some(name) = exported(&text) {
            for (field, enumeration) in interface(&text) {
                enums.0.insert((name.clone(), field), enumeration);
            }
        }
    }
    Ok(enums)
}

fn declarations(package: &Path) -> Result<Vec<PathBuf>> {
    let mut open = vec![package.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("can't list {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(".d.ts") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// `io.k8s.api.core.v1.Taint` as the declarations write it: `IoK8sApiCoreV1Taint`.
fn squeeze(name: &str) -> String {
    let mut squeezed = String::with_capacity(name.len());
    for part in name.split(['.', '-']) {
        let mut letters = part.chars();
        squeezed.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        squeezed.push_str(letters.as_str());
    }
    squeezed
}

fn exported(text: &str) -> Option<String> {
    let line = text
        .lines()
        .rev()
        .find(|line| line.starts_with("export type {") || line.starts_with("export {"))?;
    let name = line.split(" as I").nth(1)?;
    Some(name.split([',', ' ', '}']).next()?.to_owned())
}

fn interface(text: &str) -> Vec<(String, Enumeration)> {
    let inside = text
        .lines()
        .skip_while(|line| !line.starts_with("export interface"))
        .skip(1);
    let mut comment = Vec::new();
    let mut found = Vec::new();
    for line in inside.take_while(|line| *line != "}") {
        let line = line.trim_start();
        if line == "/**" {
            comment.clear();
        } else if let Some(text) = line.strip_prefix("* ").or_else(|| line.strip_prefix('*')) {
            comment.push(text);
        } else if let Some((field, values)) = property(line) {
            let tail = comment
                .iter()
                .skip_while(|text| **text != HEADING)
                .filter(|text| **text != "/");
            let tail: Vec<&str> = tail.copied().collect();
            let description = if tail.is_empty() {
                String::new()
            } else {
                format!("\n\n{}", tail.join("\n"))
            };
            found.push((field, Enumeration { values, description }));
        }
    }
    found
}

/// `"type"?: "A" | "B";` or `"modes"?: Array<"A" | "B">;`, of strings only and of no apiVersion or kind.
fn property(line: &str) -> Option<(String, Vec<String>)> {
    let (name, kind) = line.strip_suffix(';')?.split_once(": ")?;
    let field = name.trim_end_matches('?').trim_matches('"');
    let union = kind
        .strip_prefix("Array<")
        .and_then(|kind| kind.strip_suffix('>'))
        .unwrap_or(kind);
    let values: Option<Vec<String>> = union
        .split(" | ")
        .map(|value| Some(value.strip_prefix('"')?.strip_suffix('"')?.to_owned()))
        .collect();
    (!matches!(field, "apiVersion" | "kind")).then_some((field.to_owned(), values?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_gives_values_and_what_is_said_of_them() {
        let text = "\
export interface ITaint {
    /**
     * The effect.
     *
     * Possible enum values:
     *  - `\"NoExecute\"` Evict.
     *  - `\"NoSchedule\"` Keep away.
     */
    \"effect\": \"NoExecute\" | \"NoSchedule\";
    \"kind\"?: \"Taint\";
    /**
     * The key.
     */
    \"key\": string;
    \"modes\"?: Array<\"A\" | \"B\">;
}
export type { ITaint as IIoK8sApiCoreV1Taint, Taint as IoK8sApiCoreV1Taint };
";
        assert_eq!(exported(text), Some(squeeze("io.k8s.api.core.v1.Taint")));
        let found = interface(text);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["effect", "modes"]);
        assert_eq!(found[0].1.values, ["NoExecute", "NoSchedule"]);
        let said = "\n\nPossible enum values:\n - `\"NoExecute\"` Evict.\n - `\"NoSchedule\"` Keep away.";
        assert_eq!(found[0].1.description, said);
        assert_eq!(found[1].1.description, "");
    }
}
