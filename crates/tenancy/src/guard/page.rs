//! The reference page of the rules, made from the table.

use std::fmt::Write as _;

use manifest::Severity;

use super::policy;
use super::rule::{HeldBy, Rule};
use super::rules;

const HEAD: &str = "\
<!-- Made from the table of rules in crates/tenancy/src/guard/rules, the examples from the cases of its test:
     `UPDATE=1 cargo test -p tenancy the_page_of_checks` -->
# Checks

What a tenant's objects may not do. `shipway` finds it in a rendered chart, before anything is sent; the cluster refuses
it whoever brings it, by one or more of these:

- **policy**: a ValidatingAdmissionPolicy that is made from the same rule. Its message begins with the check's name.
- **rights**: no member of the tenant, nor its deploy identity, has the right.
- **quota**: the namespace's ResourceQuota.
- **Pod Security**: the namespace's Pod Security level, for pods; the policy also for what makes pods.
- **validation**: the API server refuses the object as such.

See [tenants](../concepts/tenants.md#the-guard) for how the two are kept the same.

| check | finds | held by |
|---|---|---|
";

/// The page `docs/reference/checks.md`, with an example of an object for a check's id.
#[must_use]
pub fn page(example: impl Fn(&str) -> String) -> String {
    let mut page = HEAD.to_owned();
    for rule in rules::all() {
        let held: Vec<&str> = rule.held_by.iter().map(|by| by.told()).collect();
        let (id, title) = (rule.id, rule.title);
        let _ = writeln!(page, "| [`{id}`](#{id}) | {title} | {} |", held.join(", "));
    }
    for rule in rules::all() {
        section(&mut page, rule, &example(rule.id));
    }
    page
}

fn section(page: &mut String, rule: &Rule, example: &str) {
    let Rule {
        id,
        title,
        severity,
        looks,
        message,
        cure,
        why,
        held_by,
    } = rule;
    let severity = match severity {
        Severity::Error => "",
        Severity::Warning | Severity::Note => " Let through, with a warning.",
    };
    let _ = write!(
        page,
        "\n## {id}\n\n{title}.{severity} Told as: \u{201c}{message}\u{201d}.\n\n{why}\n\n```yaml\n{example}```\n\n\
         **Cure:** {cure}.\n\n**Held by:** "
    );
    let held: Vec<String> = held_by
        .iter()
        .map(|by| {
            let mut policies: Vec<String> = looks
                .iter()
                .map(|look| format!("`{}`", policy::name(look.part.scope, rule.severity)))
                .collect();
            policies.dedup();
            match by {
                HeldBy::Policy if !policies.is_empty() => format!("policy {}", policies.join(", ")),
                by => by.told().to_owned(),
            }
        })
        .collect();
    let _ = writeln!(page, "{}.", held.join("; "));
}
