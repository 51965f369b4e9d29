//! The reference page of the rules, made from the table.

use std::fmt::Write as _;

use super::rule::{Rule, Severity};
use super::rules;

/// The page `docs/reference/checks.md`.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "<!-- Made from the table of rules in crates/tenancy/src/guard/rules: \
         `UPDATE=1 cargo test -p tenancy the_page_of_checks` -->\n\
         # Checks\n\n\
         What a tenant's objects may not do. Each is found in a rendered chart before anything is sent, and held in the \
         cluster by what its section says. See [tenants](../concepts/tenants.md#the-guard).\n\n\
         | check | finds | held in the cluster by |\n|---|---|---|\n",
    );
    for rule in rules::all() {
        let _ = writeln!(
            page,
            "| [`{0}`](#{0}) | {1} | {2} |",
            rule.id,
            rule.title,
            held(rule)
        );
    }
    for rule in rules::all() {
        let severity = match rule.severity {
            Severity::Error => "Refused",
            Severity::Warning => "Let through with a warning",
        };
        let _ = write!(
            page,
            "\n## {}\n\n{}: {}.\n\n*Told as:* {}.\n\n*Why:* {}\n\n*Cure:* {}.\n",
            rule.id,
            severity,
            lower(rule.title),
            rule.message,
            rule.why,
            rule.cure
        );
        let mut parts: Vec<String> = Vec::new();
        for look in rule.looks {
            let kinds = look.part.scope.resources.iter().map(|resource| resource.kind);
            let mut kinds: Vec<&str> = kinds.filter(|kind| !kind.is_empty()).collect();
            kinds.dedup();
            let kinds = if kinds.is_empty() {
                "every kind".to_owned()
            } else {
                kinds.join(", ")
            };
            let line = format!("- {} of {kinds}", look.part.name);
            if !parts.contains(&line) {
                parts.push(line);
            }
        }
        if !parts.is_empty() {
            let _ = write!(page, "\nLooks at:\n\n{}\n", parts.join("\n"));
        }
        let _ = write!(page, "\nHeld in the cluster by {}.\n", held(rule));
    }
    page
}

fn held(rule: &Rule) -> String {
    let all: Vec<&str> = rule.held_by.iter().map(|by| by.told()).collect();
    all.join("; ")
}

fn lower(title: &str) -> String {
    let mut chars = title.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}
